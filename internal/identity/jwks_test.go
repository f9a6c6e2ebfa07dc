package identity

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

// issuer is a JWKS server whose answer can be changed.
type issuer struct {
	*httptest.Server
	answer atomic.Value // string
	status atomic.Int64
	delay  atomic.Int64
	count  atomic.Int64
}

func newIssuer(t *testing.T, keys ...jwk.Key) *issuer {
	i := &issuer{}
	i.status.Store(http.StatusOK)
	i.publish(keys...)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.count.Add(1)
		time.Sleep(time.Duration(i.delay.Load()))
		w.WriteHeader(int(i.status.Load()))
		io.WriteString(w, i.answer.Load().(string))
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) publish(keys ...jwk.Key) {
	i.answer.Store(string(must(json.Marshal(keySetOf(keys...)))))
}

func (i *issuer) verifier(t *testing.T) *Verifier {
	return newTestVerifier(t, Config{JWKSURL: i.URL, Logger: slog.New(slog.DiscardHandler)})
}

func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not within %s: %s", within, what)
}

func TestRotationNewKeyWorksAtOnce(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, publicJWK(ecKey(), m{"kid": "ec-1"}))
	v := i.verifier(t)
	verifyError(t, v, signEC(nil, claims(nil)), nil)
	next := newECKey()
	i.publish(publicJWK(ecKey(), m{"kid": "ec-1"}), publicJWK(next, m{"kid": "ec-2"}))
	verifyError(t, v, sign(jwa.ES256(), next, m{"kid": "ec-2"}, claims(nil)), nil)
	verifyError(t, v, signEC(nil, claims(nil)), nil)
}

func TestRotationWithoutKeyIDs(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, publicJWK(ecKey(), nil))
	v := i.verifier(t)
	verifyError(t, v, signEC(m{"kid": nil}, claims(nil)), nil)
	next := newECKey()
	i.publish(publicJWK(next, nil))
	verifyError(t, v, sign(jwa.ES256(), next, m{"kid": nil}, claims(nil)), nil)
}

func TestDroppedKeyStops(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, publicJWK(ecKey(), m{"kid": "ec-1"}))
	v := i.verifier(t)
	token := signEC(nil, claims(nil))
	verifyError(t, v, token, nil) // and is remembered
	i.publish(publicJWK(newECKey(), m{"kid": "ec-2"}))
	eventually(t, 5*time.Second, "the dropped key's token is refused", func() bool {
		_, err := v.Verify(context.Background(), token)
		return errors.Is(err, ErrSignature)
	})
}

func TestUnchangedKeysKeepVerifiedTokens(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, publicJWK(ecKey(), m{"kid": "ec-1"}))
	v := i.verifier(t)
	before := v.keys.current()
	after, err := v.keys.refetch(context.Background())
	if err != nil || after != before {
		t.Fatalf("another key set (%v) though the keys are the same", err)
	}
}

func TestForgedKeyIDsDoNotHammerTheIssuer(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, publicJWK(ecKey(), m{"kid": "ec-1"}))
	v, err := newVerifier(t.Context(), Config{Issuer: testIssuer, Audience: testAudience, JWKSURL: i.URL}, defaultPace)
	if err != nil {
		t.Fatal(err)
	}
	before := i.count.Load()
	i.delay.Store(int64(50 * time.Millisecond))
	var wg sync.WaitGroup
	for n := range 200 {
		wg.Go(func() {
			_, err := v.Verify(context.Background(), signEC(m{"kid": fmt.Sprint("forged-", n)}, claims(nil)))
			if !errors.Is(err, ErrSignature) {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if fetches := i.count.Load() - before; fetches != 1 {
		t.Fatalf("200 forged key ids made %d fetches, want 1", fetches)
	}
}

func TestIssuerDownLater(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, publicJWK(ecKey(), m{"kid": "ec-1"}))
	v := i.verifier(t)
	i.status.Store(http.StatusInternalServerError)
	fetched := i.count.Load()
	eventually(t, 6*time.Second, "a failed refresh", func() bool { return i.count.Load() > fetched })
	verifyError(t, v, signEC(nil, claims(nil)), nil)
	verifyError(t, v, signEC(m{"kid": "unknown"}, claims(nil)), ErrSignature)
	i.Close()
	verifyError(t, v, signEC(nil, claims(m{"jti": "2"})), nil)
}

func TestIssuerDownAtStart(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, publicJWK(ecKey(), m{"kid": "ec-1"}))
	i.status.Store(http.StatusBadGateway)
	start := time.Now()
	v := i.verifier(t)
	if took := time.Since(start); took > time.Second {
		t.Fatalf("New took %s", took)
	}
	token := signEC(nil, claims(nil))
	verifyError(t, v, token, ErrUnavailable)
	verifyError(t, v, "garbage", ErrMalformed)
	i.status.Store(http.StatusOK)
	eventually(t, 3*time.Second, "recovers", func() bool {
		_, err := v.Verify(context.Background(), token)
		return err == nil
	})
}

func TestIssuerThatHangs(t *testing.T) {
	t.Parallel()
	listener := must(net.Listen("tcp", "127.0.0.1:0")) // accepts and never answers
	t.Cleanup(func() { listener.Close() })
	start := time.Now()
	v := newTestVerifier(t, Config{JWKSURL: "http://" + listener.Addr().String(), Logger: slog.New(slog.DiscardHandler)})
	if took := time.Since(start); took > time.Second {
		t.Fatalf("New took %s", took)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	_, err := v.Verify(ctx, signEC(nil, claims(nil)))
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	start = time.Now()
	verifyError(t, v, signEC(nil, claims(nil)), ErrUnavailable)
	if took := time.Since(start); took > fetchTimeout+2*time.Second {
		t.Fatalf("Verify took %s", took)
	}
}

func TestUnusableAnswers(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"too large": `{"keys":[],"x":"` + strings.Repeat("x", maxJWKSBytes) + `"}`,
		"not JSON":  "<html>",
		"no keys":   `{"error":"x"}`,
		"empty":     "",
		"null":      "null",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			i.answer.Store(answer)
			verifyError(t, i.verifier(t), signEC(nil, claims(nil)), ErrUnavailable)
		})
	}
}

func TestUnsuitableKeysAreLeftOut(t *testing.T) {
	t.Parallel()
	secret := must(jwk.Import(testHS))
	_ = secret.Set("kid", "oct-1")
	_ = secret.Set("alg", "HS256")
	encryption := newECKey()
	good := publicJWK(ecKey(), m{"kid": "ec-1"})
	i := newIssuer(t, secret, publicJWK(encryption, m{"kid": "enc-1", "use": "enc"}), good,
		publicJWK(rsaKey(), m{"kid": "rsa-1", "alg": "RSA-OAEP"}))
	i.answer.Store(strings.Replace(i.answer.Load().(string), `"keys":[`, `"keys":[{"kty":"XYZ","kid":"new"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},`, 1))
	v := i.verifier(t)
	if n := len(v.keys.current().keys); n != 1 {
		t.Errorf("%d keys are used, want 1", n)
	}
	verifyError(t, v, signEC(nil, claims(nil)), nil)
	verifyError(t, v, signEC(m{"kid": nil}, claims(nil)), nil)
	verifyError(t, v, sign(jwa.ES256(), encryption, m{"kid": "enc-1"}, claims(nil)), ErrSignature)
	verifyError(t, v, sign(jwa.HS256(), testHS, m{"kid": "oct-1"}, claims(nil)), ErrAlgorithm)
	verifyError(t, v, sign(jwa.RS256(), rsaKey(), nil, claims(nil)), ErrSignature)
}

func TestTriesAreBounded(t *testing.T) {
	t.Parallel()
	var keys []jwk.Key
	for n := range maxTries {
		keys = append(keys, publicJWK(newECKey(), m{"kid": fmt.Sprint(n)}))
	}
	v := newTestVerifier(t, Config{KeySet: keySetOf(append(keys, publicJWK(ecKey(), m{"kid": "ec-1"}))...)})
	verifyError(t, v, signEC(m{"kid": nil}, claims(nil)), ErrSignature)
	verifyError(t, v, signEC(nil, claims(nil)), nil)
}
