package vault

import (
	"errors"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/mac"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// openKeySet writes handle as a cleartext key set and opens it.
func openKeySet(t *testing.T, handle *keyset.Handle) (*Vault, error) {
	t.Helper()
	raw, err := encodeKeySet(t.Context(), handle, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := newConfig(t)
	writeFile(t, cfg.KeySet, string(raw), 0o600)
	return Open(t.Context(), cfg)
}

func mustOpenKeySet(t *testing.T, manager *keyset.Manager) *Vault {
	t.Helper()
	handle, err := manager.Handle()
	if err != nil {
		t.Fatal(err)
	}
	v, err := openKeySet(t, handle)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestRotation walks a key set through add, promote and retire.
func TestRotation(t *testing.T) {
	t.Parallel()
	first, err := newKeySet()
	if err != nil {
		t.Fatal(err)
	}
	manager := keyset.NewManagerFromHandle(first)
	c := newContext()
	before := mustOpenKeySet(t, manager)
	old, err := before.Seal([]byte("secret-token"), c)
	if err != nil {
		t.Fatal(err)
	}

	added, err := manager.Add(keyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	between := mustOpenKeySet(t, manager)
	if between.PrimaryKeyID() != before.PrimaryKeyID() {
		t.Error("adding a key changed the primary")
	}

	if err := manager.SetPrimary(added); err != nil {
		t.Fatal(err)
	}
	after := mustOpenKeySet(t, manager)
	if after.PrimaryKeyID() != added {
		t.Errorf("primary = %d, want %d", after.PrimaryKeyID(), added)
	}
	if plaintext, err := after.Unseal(old, c); err != nil || string(plaintext) != "secret-token" {
		t.Errorf("old ciphertext: %q, %v", plaintext, err)
	}
	if id, err := KeyID(old); err != nil || id != before.PrimaryKeyID() {
		t.Errorf("KeyID of the old = %d, %v", id, err)
	}
	fresh, err := after.Seal([]byte("secret-token"), c)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := KeyID(fresh); err != nil || id != added {
		t.Errorf("KeyID of the new = %d, %v", id, err)
	}
	// A process that only has the key added, not yet promoted, reads what a promoted one wrote.
	if plaintext, err := between.Unseal(fresh, c); err != nil || string(plaintext) != "secret-token" {
		t.Errorf("new ciphertext in an older process: %q, %v", plaintext, err)
	}

	if err := manager.Disable(before.PrimaryKeyID()); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpenKeySet(t, manager).Unseal(old, c); !errors.Is(err, ErrUnseal) {
		t.Errorf("under a disabled key: %v", err)
	}
	if err := manager.Delete(before.PrimaryKeyID()); err != nil {
		t.Fatal(err)
	}
	if _, err := mustOpenKeySet(t, manager).Unseal(old, c); !errors.Is(err, ErrUnseal) {
		t.Errorf("under a retired key: %v", err)
	}
}

func TestOpenAcceptsOtherAEADs(t *testing.T) {
	t.Parallel()
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		t.Fatal(err)
	}
	v, err := openKeySet(t, handle)
	if err != nil {
		t.Fatal(err)
	}
	c := newContext()
	sealed, err := v.Seal([]byte("secret-token"), c)
	if err != nil {
		t.Fatal(err)
	}
	if plaintext, err := v.Unseal(sealed, c); err != nil || string(plaintext) != "secret-token" {
		t.Errorf("Unseal = %q, %v", plaintext, err)
	}
}

func TestOpenRefusesKeys(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		template *tinkpb.KeyTemplate
		want     string
	}{
		"no prefix":   {aead.AES256GCMNoPrefixKeyTemplate(), "output prefix RAW, want TINK"},
		"not an AEAD": {mac.HMACSHA256Tag256KeyTemplate(), "not a usable AEAD key"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handle, err := keyset.NewHandle(test.template)
			if err != nil {
				t.Fatal(err)
			}
			_, err = openKeySet(t, handle)
			requireError(t, err, test.want)
		})
	}
}
