package identity

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
)

func TestSignerRoundTrip(t *testing.T) {
	t.Parallel()
	signer := must(NewDevelopmentKey())
	v := must(New(t.Context(), Config{Issuer: testIssuer, Audience: testAudience, KeySet: signer.KeySet()}))
	token := must(signer.Sign(Claims{Issuer: testIssuer, Audience: testAudience, Subject: testSubject,
		Email: "ada@example.com", EmailVerified: true, Name: "Ada"}, time.Hour))
	who, err := v.Verify(context.Background(), token)
	if err != nil {
		t.Fatal(err)
	}
	left := time.Until(who.ExpiresAt)
	who.ExpiresAt = time.Time{}
	want := Identity{Subject: testSubject, Email: "ada@example.com", EmailVerified: true, Name: "Ada"}
	if who != want || left > time.Hour || left < 59*time.Minute {
		t.Fatalf("got %+v, %s left", who, left)
	}
	if public := string(must(json.Marshal(signer.KeySet()))); strings.Contains(public, `"d"`) {
		t.Fatalf("the key set holds the private key: %s", public)
	}
	verifyError(t, newTestVerifier(t, Config{}), token, ErrSignature)
	for _, bad := range []Claims{{}, {Issuer: "i", Audience: "a"}, {Issuer: "i", Subject: "s"}, {Audience: "a", Subject: "s"}} {
		if _, err := signer.Sign(bad, time.Hour); err == nil {
			t.Errorf("signed %+v", bad)
		}
	}
	if _, err := signer.Sign(Claims{Issuer: "i", Audience: "a", Subject: "s"}, 0); err == nil {
		t.Error("signed a token without a life")
	}
}

func TestDevelopmentKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "development.jwk")
	signers := make([]*Signer, 16)
	var wg sync.WaitGroup
	for i := range signers {
		wg.Go(func() { signers[i] = must(LoadOrCreateDevelopmentKey(path)) })
	}
	wg.Wait()
	for _, signer := range signers {
		if !jwk.Equal(signer.private, signers[0].private) {
			t.Fatal("two callers have different keys")
		}
	}
	info := must(os.Stat(path))
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %s", info.Mode())
	}
	if left := must(os.ReadDir(filepath.Dir(path))); len(left) != 1 {
		t.Errorf("files are left over: %v", left)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreateDevelopmentKey(path); err == nil {
		t.Error("a key that others may read was used")
	}
}

func TestDevelopmentKeyFileOfAnotherKind(t *testing.T) {
	t.Parallel()
	public := must(json.Marshal(publicJWK(ecKey(), nil)))
	rsaJWK := must(json.Marshal(must(jwk.Import(rsaKey()))))
	for name, content := range map[string]string{"empty": "", "garbage": "x", "public": string(public), "RSA": string(rsaJWK)} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadOrCreateDevelopmentKey(path); err == nil {
			t.Errorf("%s: accepted", name)
		}
		if string(must(os.ReadFile(path))) != content {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if _, err := LoadOrCreateDevelopmentKey(t.TempDir()); err == nil {
		t.Error("a folder was accepted")
	}
}
