package identity

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
)

func TestVerifyAcceptsAllowedAlgorithms(t *testing.T) {
	t.Parallel()
	v := newTestVerifier(t, Config{})
	for name, token := range map[string]string{
		"RS256":         sign(jwa.RS256(), rsaKey(), nil, claims(nil)),
		"ES256":         signEC(nil, claims(nil)),
		"EdDSA":         sign(jwa.EdDSA(), edKey(), nil, claims(nil)),
		"no kid":        signEC(m{"kid": nil}, claims(nil)),
		"no typ":        signEC(m{"typ": nil}, claims(nil)),
		"at+jwt":        signEC(m{"typ": "application/AT+JWT"}, claims(nil)),
		"aud of many":   signEC(nil, claims(m{"aud": []string{"other", testAudience}})),
		"jku ignored":   signEC(m{"jku": "https://evil.example/jwks"}, claims(nil)),
		"no iat":        signEC(nil, claims(m{"iat": nil})),
		"fraction time": signEC(nil, claims(m{"iat": 1_799_999_999.5})),
	} {
		t.Run(name, func(t *testing.T) {
			who := verifyError(t, v, token, nil)
			if who.Subject != testSubject || who.ExpiresAt != testNow.Add(time.Hour) {
				t.Fatalf("got %+v", who)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	v := newTestVerifier(t, Config{})
	evil := newECKey()
	der := must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey))
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	good := signEC(nil, claims(nil))
	parts := strings.Split(good, ".")
	raw := func(header, payload string) string { return signRaw(jwa.ES256(), ecKey(), header, payload) }
	goodHeader := `{"alg":"ES256","kid":"ec-1"}`
	goodRest := fmt.Sprintf(`"iss":%q,"aud":%q,"sub":"x","exp":%d`, testIssuer, testAudience, testNow.Unix()+60)
	deep := strings.Repeat("[", 5000)

	type bad struct {
		name, token string
		want        error
	}
	cases := []bad{
		{"empty", "", ErrMalformed},
		{"garbage", "garbage", ErrMalformed},
		{"only dots", "..", ErrMalformed},
		{"3 dots", "...", ErrMalformed},
		{"a fourth part", good + ".x", ErrMalformed},
		{"two parts", parts[0] + "." + parts[1], ErrMalformed},
		{"white space", " " + good, ErrMalformed},
		{"padding", parts[0] + "=." + parts[1] + "." + parts[2], ErrMalformed},
		{"bearer left in", "Bearer " + good, ErrMalformed},
		{"JSON serialization", `{"payload":"` + parts[1] + `","signatures":[]}`, ErrMalformed},
		{"huge", good + strings.Repeat("A", maxTokenBytes), ErrMalformed},
		{"header not JSON", b64([]byte("{")) + "." + parts[1] + "." + parts[2], ErrMalformed},
		{"header an array", b64([]byte("[]")) + "." + parts[1] + "." + parts[2], ErrMalformed},
		{"header null", b64([]byte("null")) + "." + parts[1] + "." + parts[2], ErrMalformed},
		{"alg twice", raw(`{"alg":"none","alg":"ES256","kid":"ec-1"}`, `{`+goodRest+`}`), ErrMalformed},
		{"kid twice", raw(`{"alg":"ES256","kid":"x","kid":"ec-1"}`, `{`+goodRest+`}`), ErrMalformed},
		{"text after header", raw(goodHeader+`{}`, `{`+goodRest+`}`), ErrMalformed},
		{"alg a number", raw(`{"alg":256,"kid":"ec-1"}`, `{`+goodRest+`}`), ErrMalformed},
		{"kid an object", raw(`{"alg":"ES256","kid":{"$ne":null}}`, `{`+goodRest+`}`), ErrMalformed},
		{"kid null", raw(`{"alg":"ES256","kid":null}`, `{`+goodRest+`}`), ErrMalformed},
		{"no alg", raw(`{"kid":"ec-1"}`, `{`+goodRest+`}`), ErrAlgorithm},
		{"ALG is not alg", raw(`{"ALG":"ES256","kid":"ec-1"}`, `{`+goodRest+`}`), ErrAlgorithm},
		{"lower-case alg", raw(`{"alg":"es256","kid":"ec-1"}`, `{`+goodRest+`}`), ErrAlgorithm},
		{"crit", signEC(m{"crit": []string{"exp"}}, claims(nil)), ErrMalformed},
		{"crit empty", signEC(m{"crit": []string{}}, claims(nil)), ErrMalformed},
		{"b64 false", signEC(m{"b64": false}, claims(nil)), ErrMalformed},
		{"b64 critical", signEC(m{"b64": false, "crit": []string{"b64"}}, claims(nil)), ErrMalformed},
		{"typ of another kind", signEC(m{"typ": "logout+jwt"}, claims(nil)), ErrMalformed},
		{"typ empty", signEC(m{"typ": ""}, claims(nil)), ErrMalformed},

		{"HS256 with the RSA public key", sign(jwa.HS256(), publicPEM, m{"kid": "rsa-1"}, claims(nil)), ErrAlgorithm},
		{"HS256 with the DER", sign(jwa.HS256(), der, m{"kid": "rsa-1"}, claims(nil)), ErrAlgorithm},
		{"allowed alg, public key as secret", raw256(publicPEM), ErrSignature},
		{"PS256 not on the list", sign(jwa.PS256(), rsaKey(), nil, claims(nil)), ErrAlgorithm},
		{"alg of another key type", signRaw(jwa.ES256(), ecKey(), `{"alg":"RS256","kid":"ec-1"}`, `{`+goodRest+`}`), ErrAlgorithm},
		{"alg changed afterwards", b64([]byte(`{"alg":"RS256","kid":"rsa-1"}`)) + "." + parts[1] + "." + parts[2], ErrSignature},
		{"someone else's key", sign(jwa.ES256(), evil, nil, claims(nil)), ErrSignature},
		{"jwk in the header", sign(jwa.ES256(), evil, m{"jwk": publicJWK(evil, nil)}, claims(nil)), ErrSignature},
		{"jwk in the header, no kid", sign(jwa.ES256(), evil, m{"kid": nil, "jwk": publicJWK(evil, nil)}, claims(nil)), ErrSignature},
		{"claims changed afterwards", parts[0] + "." + b64([]byte(`{`+goodRest+`}`)) + "." + parts[2], ErrSignature},
		{"no signature", parts[0] + "." + parts[1] + ".", ErrSignature},
		{"signature of zeros", parts[0] + "." + parts[1] + "." + b64(make([]byte, 64)), ErrSignature},
		{"cut signature", good[:len(good)-4], ErrSignature},
		{"kid unknown", signEC(m{"kid": "other"}, claims(nil)), ErrSignature},
		{"kid a path", signEC(m{"kid": "../../dev/null"}, claims(nil)), ErrSignature},
		{"kid of SQL", signEC(m{"kid": "x' UNION SELECT 'key"}, claims(nil)), ErrSignature},
		{"kid with NUL", signEC(m{"kid": "ec-1\x00"}, claims(nil)), ErrSignature},

		{"claims not JSON", raw(goodHeader, `hello`), ErrMalformed},
		{"claims an array", raw(goodHeader, `[]`), ErrMalformed},
		{"claims a nested token", raw(goodHeader, good), ErrMalformed},
		{"claims empty", raw(goodHeader, ``), ErrMalformed},
		{"deep claims", raw(goodHeader, `{"x":`+deep+strings.ReplaceAll(deep, "[", "]")+`}`), ErrMalformed},
		{"claims not UTF-8", raw(goodHeader, "{\"x\":\"\xff\","+goodRest+"}"), ErrMalformed},
		{"a claim twice", raw(goodHeader, `{"sub":"admin",`+goodRest+`}`), ErrMalformed},
		{"no exp", signEC(nil, claims(m{"exp": nil})), ErrMalformed},
		{"exp null", raw(goodHeader, `{"exp":null,"iss":"i"}`), ErrMalformed},
		{"exp as string", signEC(nil, claims(m{"exp": "1900000000"})), ErrMalformed},
		{"exp as RFC 3339", signEC(nil, claims(m{"exp": "2099-01-01T00:00:00Z"})), ErrMalformed},
		{"exp negative", signEC(nil, claims(m{"exp": -1})), ErrMalformed},
		{"exp beyond int64", raw(goodHeader, `{"exp":1e300,"iss":"i"}`), ErrMalformed},
		{"exp zero", signEC(nil, claims(m{"exp": 0})), ErrExpired},
		{"expired", signEC(nil, claims(m{"exp": testNow.Unix() - 3600})), ErrExpired},
		{"nbf in the future", signEC(nil, claims(m{"nbf": testNow.Unix() + 3600})), ErrNotYetValid},
		{"nbf as string", signEC(nil, claims(m{"nbf": "0"})), ErrMalformed},
		{"iat in the future", signEC(nil, claims(m{"iat": testNow.Unix() + 3600})), ErrNotYetValid},
		{"wrong iss", signEC(nil, claims(m{"iss": "https://evil.example"})), ErrIssuer},
		{"iss with a slash", signEC(nil, claims(m{"iss": testIssuer + "/"})), ErrIssuer},
		{"no iss", signEC(nil, claims(m{"iss": nil})), ErrIssuer},
		{"iss an array", signEC(nil, claims(m{"iss": []string{testIssuer}})), ErrMalformed},
		{"wrong aud", signEC(nil, claims(m{"aud": "anon"})), ErrAudience},
		{"wrong auds", signEC(nil, claims(m{"aud": []string{"anon", "x"}})), ErrAudience},
		{"aud empty", signEC(nil, claims(m{"aud": []string{}})), ErrAudience},
		{"aud a part of ours", signEC(nil, claims(m{"aud": testAudience[:4]})), ErrAudience},
		{"no aud", signEC(nil, claims(m{"aud": nil})), ErrAudience},
		{"aud a number", signEC(nil, claims(m{"aud": 1})), ErrMalformed},
		{"no sub", signEC(nil, claims(m{"sub": nil})), ErrSubject},
		{"Sub is not sub", signEC(nil, claims(m{"sub": nil, "Sub": "x"})), ErrSubject},
		{"sub empty", signEC(nil, claims(m{"sub": ""})), ErrSubject},
		{"sub too long", signEC(nil, claims(m{"sub": strings.Repeat("s", 256)})), ErrSubject},
		{"sub with a line break", signEC(nil, claims(m{"sub": "a\nb"})), ErrSubject},
		{"sub with NUL", signEC(nil, claims(m{"sub": "a\x00"})), ErrSubject},
		{"sub a lone surrogate", raw(goodHeader, strings.Replace(`{`+goodRest+`}`, `"x"`, `"a\ud800"`, 1)), ErrSubject},
		{"sub a number", signEC(nil, claims(m{"sub": 7})), ErrMalformed},
	}
	for _, none := range []string{"none", "None", "NONE", "nOnE", "", " none", "HS256", "HS384", "HS512", "ES256K", "RSA-OAEP", "dir"} {
		token := b64([]byte(fmt.Sprintf(`{"alg":%q,"kid":"ec-1"}`, none))) + "." + parts[1] + "."
		cases = append(cases, bad{"alg " + none, token, ErrAlgorithm}, bad{"alg signed " + none, token + parts[2], ErrAlgorithm})
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			verifyError(t, v, c.token, c.want)
			_, err := v.Verify(context.Background(), c.token)
			for _, part := range strings.Split(c.token, ".") {
				if len(part) > 8 && strings.Contains(err.Error(), part) {
					t.Fatalf("the error quotes the token: %v", err)
				}
			}
		})
	}
}

// raw256 claims RS256 but is an HMAC with the public key.
func raw256(publicPEM []byte) string {
	token := sign(jwa.HS256(), publicPEM, m{"alg": "RS256", "kid": "rsa-1"}, claims(nil))
	return token
}

func TestVerifyHS256(t *testing.T) {
	t.Parallel()
	v := newTestVerifier(t, Config{HS256Secret: testHS})
	verifyError(t, v, sign(jwa.HS256(), testHS, nil, claims(nil)), nil)
	verifyError(t, v, sign(jwa.HS256(), testHS, m{"kid": "supabase names one"}, claims(nil)), nil)
	verifyError(t, v, sign(jwa.HS256(), []byte("another secret of the same good length"), nil, claims(nil)), ErrSignature)
	verifyError(t, v, sign(jwa.HS512(), testHS, nil, claims(nil)), ErrAlgorithm)
	verifyError(t, v, signEC(nil, claims(nil)), ErrAlgorithm)
	verifyError(t, v, b64([]byte(`{"alg":"none"}`))+"."+b64([]byte(`{}`))+".", ErrAlgorithm)
}

func TestVerifyLeewayBoundaries(t *testing.T) {
	t.Parallel()
	v := newTestVerifier(t, Config{Leeway: 10 * time.Second})
	exp := testNow.Unix()
	for _, c := range []struct {
		name   string
		claims m
		now    time.Duration
		want   error
	}{
		{"just before exp and leeway", m{"exp": exp}, 10*time.Second - time.Nanosecond, nil},
		{"at exp and leeway", m{"exp": exp}, 10 * time.Second, ErrExpired},
		{"nbf at leeway", m{"nbf": exp}, -10 * time.Second, nil},
		{"nbf just outside", m{"nbf": exp}, -10*time.Second - time.Nanosecond, ErrNotYetValid},
		{"iat at leeway", m{"iat": exp}, -10 * time.Second, nil},
		{"iat just outside", m{"iat": exp}, -10*time.Second - time.Nanosecond, ErrNotYetValid},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.claims["jti"] = c.name
			payload := claims(m{"iat": nil})
			for k, value := range c.claims {
				payload[k] = value
			}
			v.now = func() time.Time { return testNow.Add(c.now) }
			verifyError(t, v, signEC(nil, payload), c.want)
		})
	}
}

func TestVerifiedTokensDoNotOutliveExp(t *testing.T) {
	t.Parallel()
	v := newTestVerifier(t, Config{Leeway: time.Second})
	token := signEC(nil, claims(m{"exp": testNow.Unix() + 5}))
	verifyError(t, v, token, nil)
	set := v.keys.current()
	digest := sha256.Sum256([]byte(token))
	if _, ok := set.verified.find(digest, testNow); !ok {
		t.Fatal("a verified token is not remembered")
	}
	for _, now := range []time.Duration{5 * time.Second, verifiedFor, -time.Second} {
		if _, ok := set.verified.find(digest, testNow.Add(now)); ok {
			t.Errorf("still remembered at %s", now)
		}
	}
	v.now = func() time.Time { return testNow.Add(6 * time.Second) }
	verifyError(t, v, token, ErrExpired)
	for i := range 3 * verifiedGeneration {
		set.verified.remember(sha256.Sum256(fmt.Append(nil, i)), Identity{ExpiresAt: testNow.Add(time.Hour)}, testNow)
	}
	if n := len(set.verified.young) + len(set.verified.old); n > 2*verifiedGeneration {
		t.Errorf("%d tokens are remembered", n)
	}
}

func TestErrorHasSentinelAndReason(t *testing.T) {
	t.Parallel()
	err := refuse(ErrAudience, "Why.")
	var e *Error
	if !errors.As(err, &e) || e.Reason != "Why." || err.Error() != "wrong audience: Why." || !errors.Is(err, ErrAudience) {
		t.Fatalf("got %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	v := newTestVerifier(f, Config{})
	f.Add(signEC(nil, claims(nil)))
	f.Add("..")
	f.Add(b64([]byte(`{"alg":"none"}`)) + "." + b64([]byte(`{"sub":"x"}`)) + ".")
	good := sign(jwa.RS256(), rsaKey(), nil, claims(nil))
	f.Add(good)
	f.Fuzz(func(t *testing.T, token string) {
		who, err := v.Verify(context.Background(), token)
		var e *Error
		if err != nil && (!errors.As(err, &e) || who != (Identity{})) {
			t.Fatalf("%+v, %v", who, err)
		}
		if err == nil && who.Subject != testSubject {
			t.Fatalf("forged: %+v", who)
		}
	})
}

// FuzzSignedClaims lets the issuer itself sign anything.
func FuzzSignedClaims(f *testing.F) {
	v := newTestVerifier(f, Config{HS256Secret: testHS})
	f.Add(`{"alg":"HS256"}`, `{"iss":"`+testIssuer+`","aud":["authenticated"],"sub":"x","exp":1800000060,"email":"a@b.c","user_metadata":{"name":"n"}}`)
	f.Fuzz(func(t *testing.T, header, payload string) {
		who, err := v.Verify(context.Background(), signRaw(jwa.HS256(), testHS, header, payload))
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Fatal(err)
		}
		if err == nil && (!usableSubject(who.Subject) || len(who.Name) > maxNameBytes || who.Email == "" && who.EmailVerified) {
			t.Fatalf("%+v", who)
		}
	})
}
