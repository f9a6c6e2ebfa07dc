package vault

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

func newRemoteKey(t testing.TB) tink.AEAD {
	t.Helper()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	remote, err := aead.New(handle)
	if err != nil {
		t.Fatal(err)
	}
	return remote
}

// fakeKMS holds the keys one and two under fake-kms://.
func fakeKMS(t testing.TB) map[string]OpenKEK {
	t.Helper()
	keys := map[string]tink.AEAD{"fake-kms://one": newRemoteKey(t), "fake-kms://two": newRemoteKey(t)}
	return map[string]OpenKEK{"fake-kms": func(_ context.Context, uri string) (tink.AEAD, error) {
		if key, ok := keys[uri]; ok {
			return key, nil
		}
		return nil, errors.New("no such key")
	}}
}

// requireWrappedKeySet creates a key set with cfg, opens it again and checks that it is encrypted.
func requireWrappedKeySet(t *testing.T, cfg Config) {
	t.Helper()
	created, err := Create(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(cfg.KeySet)
	if err != nil || !bytes.Contains(raw, []byte("encryptedKeyset")) || bytes.Contains(raw, []byte("keyData")) {
		t.Errorf("the file is not an encrypted key set: %s, %v", raw, err)
	}
	opened, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	c := newContext()
	sealed, err := created.Seal([]byte("secret-token"), c)
	if err != nil {
		t.Fatal(err)
	}
	if plaintext, err := opened.Unseal(sealed, c); err != nil || string(plaintext) != "secret-token" {
		t.Errorf("Unseal = %q, %v", plaintext, err)
	}
	requireRotation(t, cfg, opened)
	if raw, err := os.ReadFile(cfg.KeySet); err != nil || !bytes.Contains(raw, []byte("encryptedKeyset")) || bytes.Contains(raw, []byte("keyData")) {
		t.Errorf("the file is not an encrypted key set after a rotation: %s, %v", raw, err)
	}
}

func TestKEK(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	cfg.KEK, cfg.KMS = "fake-kms://one", fakeKMS(t)
	requireWrappedKeySet(t, cfg)

	// A wrapped key set is no secret by itself.
	if err := os.Chmod(cfg.KeySet, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), cfg); err != nil {
		t.Error(err)
	}

	for kek, want := range map[string]string{
		"":                 "no KEK is configured",
		"fake-kms://two":   "unwrap with fake-kms",
		"fake-kms://three": "connect to fake-kms: no such key",
	} {
		other := cfg
		other.KEK = kek
		if kek == "" {
			if err := os.Chmod(cfg.KeySet, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := Open(t.Context(), other)
		requireError(t, err, want)
		var wrong *ConfigError
		if !errors.As(err, &wrong) || wrong.Field != "KEK" {
			t.Errorf("%q: %v does not blame the KEK", kek, err)
		}
	}
}

func TestKEKRefusesACleartextKeySet(t *testing.T) {
	t.Parallel()
	cfg := newConfig(t)
	if _, err := Create(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	cfg.KEK, cfg.KMS = "fake-kms://one", fakeKMS(t)
	_, err := Open(t.Context(), cfg)
	requireError(t, err, "the file is a cleartext key set")
}

func TestUnknownKEK(t *testing.T) {
	t.Parallel()
	const accepted = "accepted are aws-kms://, gcp-kms://, hcvault://"
	for kek, want := range map[string]string{
		"azure-kv://topsecret@x/y": `unknown scheme "azure-kv"; ` + accepted,
		"AWS-KMS://arn:aws:kms":    `unknown scheme "AWS-KMS"; ` + accepted,
		"topsecret":                "not a URI; " + accepted,
	} {
		cfg := newConfig(t)
		cfg.KEK = kek
		_, openErr := Open(t.Context(), cfg)
		_, createErr := Create(t.Context(), cfg)
		for _, err := range []error{openErr, createErr} {
			requireError(t, err, want)
			if strings.Contains(err.Error(), "topsecret") {
				t.Errorf("the error holds the URI: %v", err)
			}
		}
	}
}

// remoteFunc is a KMS whose every call is f.
type remoteFunc func() ([]byte, error)

func (f remoteFunc) Encrypt(_, _ []byte) ([]byte, error) { return f() }
func (f remoteFunc) Decrypt(_, _ []byte) ([]byte, error) { return f() }

func TestBrokenKMS(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	errDenied := errors.New("access denied")
	for name, test := range map[string]struct {
		remote remoteFunc
		is     error
		want   string
	}{
		"denies":  {func() ([]byte, error) { return nil, errDenied }, errDenied, "with fake-kms: access denied"},
		"nothing": {func() ([]byte, error) { return nil, nil }, nil, "answered with nothing"},
		"garbage": {func() ([]byte, error) { return []byte("\xffgarbage"), nil }, nil, "the unwrapped key set is not valid"},
		"hangs":   {func() ([]byte, error) { <-release; return nil, nil }, context.DeadlineExceeded, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := newConfig(t)
			cfg.KEK, cfg.KMS = "fake-kms://one", fakeKMS(t)
			if _, err := Create(t.Context(), cfg); err != nil {
				t.Fatal(err)
			}
			cfg.KMS = map[string]OpenKEK{"fake-kms": func(context.Context, string) (tink.AEAD, error) { return test.remote, nil }}
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if name != "hangs" {
				ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
			}
			defer cancel()
			fresh := newConfig(t)
			fresh.KEK, fresh.KMS = cfg.KEK, cfg.KMS
			before, _ := os.ReadFile(cfg.KeySet)
			_, openErr := Open(ctx, cfg)
			_, createErr := Create(ctx, fresh)
			_, addErr := AddKey(ctx, cfg)
			if after, _ := os.ReadFile(cfg.KeySet); !bytes.Equal(before, after) {
				t.Error("the key set was changed")
			}
			for _, err := range []error{openErr, createErr, addErr} {
				requireError(t, err, test.want)
				if test.is != nil && !errors.Is(err, test.is) {
					t.Errorf("%v is not %v", err, test.is)
				}
			}
			if _, err := os.Stat(fresh.KeySet); err == nil {
				t.Error("a key set was written that nobody can open")
			}
		})
	}
}
