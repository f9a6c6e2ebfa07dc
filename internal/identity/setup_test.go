package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
)

const (
	testIssuer   = "https://issuer.example/auth/v1"
	testAudience = "authenticated"
	testSubject  = "7f3c1d9e-0000-4000-8000-000000000001"
)

var testNow = time.Unix(1_800_000_000, 0).UTC()

// Keys are slow to make, so all tests share one of each kind.
var (
	rsaKey  = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey   = sync.OnceValue(newECKey)
	edKey   = sync.OnceValue(func() ed25519.PrivateKey { _, k, err := ed25519.GenerateKey(rand.Reader); return must(k, err) })
	testHS  = []byte("a shared secret that is long enough, 0123456789")
	testKID = map[string]string{"RS256": "rsa-1", "PS256": "rsa-1", "ES256": "ec-1", "EdDSA": "ed-1"}
)

func newECKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

type m = map[string]any

// claims are good ones, changed as given; nil removes.
func claims(changes m) m {
	c := m{"iss": testIssuer, "aud": testAudience, "sub": testSubject, "exp": testNow.Unix() + 3600, "iat": testNow.Unix()}
	maps.Copy(c, changes)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

// signRaw signs a header and a payload exactly as they are written.
func signRaw(algorithm jwa.SignatureAlgorithm, key any, header, payload string) string {
	input := b64([]byte(header)) + "." + b64([]byte(payload))
	signer := must(jws.SignerFor(algorithm))
	return input + "." + b64(must(signer.Sign(key, []byte(input))))
}

func sign(algorithm jwa.SignatureAlgorithm, key any, header, payload m) string {
	h := m{"alg": algorithm.String(), "typ": "JWT"}
	if kid, ok := testKID[algorithm.String()]; ok {
		h["kid"] = kid
	}
	maps.Copy(h, header)
	maps.DeleteFunc(h, func(_ string, v any) bool { return v == nil })
	return signRaw(algorithm, key, string(must(json.Marshal(h))), string(must(json.Marshal(payload))))
}

func signEC(header, payload m) string { return sign(jwa.ES256(), ecKey(), header, payload) }

// publicJWK describes the public part of a key; fields are added to it.
func publicJWK(raw any, fields m) jwk.Key {
	key := must(jwk.Import(must(jwk.PublicRawKeyOf(raw))))
	for name, value := range fields {
		if err := key.Set(name, value); err != nil {
			panic(err)
		}
	}
	return key
}

func keySetOf(keys ...jwk.Key) jwk.Set {
	set := jwk.NewSet()
	for _, key := range keys {
		if err := set.AddKey(key); err != nil {
			panic(err)
		}
	}
	return set
}

func testKeySet() jwk.Set {
	return keySetOf(
		publicJWK(rsaKey(), m{"kid": "rsa-1", "alg": "RS256", "use": "sig"}),
		publicJWK(ecKey(), m{"kid": "ec-1"}),
		publicJWK(edKey(), m{"kid": "ed-1"}))
}

// newTestVerifier fills in what the configuration lacks; its clock stands at testNow.
func newTestVerifier(t testing.TB, config Config) *Verifier {
	t.Helper()
	if config.JWKSURL == "" && config.KeySet == nil && config.HS256Secret == nil {
		config.KeySet = testKeySet()
	}
	config.Issuer, config.Audience = testIssuer, testAudience
	v, err := newVerifier(t.Context(), config, pace{shortest: time.Second, longest: 2 * time.Second, miss: 300 * time.Millisecond})
	if err != nil {
		t.Fatalf("new verifier: %v", err)
	}
	v.now = func() time.Time { return testNow }
	return v
}

// verifyError verifies and checks that the error is the expected one, nil for none, and is complete.
func verifyError(t *testing.T, v *Verifier, token string, want error) Identity {
	t.Helper()
	who, err := v.Verify(context.Background(), token)
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
	if err == nil {
		return who
	}
	var e *Error
	if !errors.As(err, &e) || e.Reason == "" {
		t.Fatalf("%v is not an *Error with a reason", err)
	}
	if who != (Identity{}) {
		t.Fatalf("a refused token gave %+v", who)
	}
	return who
}
