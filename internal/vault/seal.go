package vault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrSeal says that a value could not be sealed: it is too long for the cipher.
var ErrSeal = errors.New("vault: cannot seal")

// ErrUnseal says that a sealed value did not open. It does not say whether the key, the context or
// the ciphertext was wrong, because nobody but an attacker has a use for the difference.
var ErrUnseal = errors.New("vault: cannot unseal")

// ErrNotSealed says that bytes are not a value sealed by this package.
var ErrNotSealed = errors.New("vault: not a sealed value")

// A Tink ciphertext begins with the byte 1 and the key id, four bytes big-endian.
// https://developers.google.com/tink/wire-format
const (
	tinkPrefix    = 0x01
	tinkPrefixLen = 5
)

// Seal encrypts plaintext under the primary key, for c alone. An incomplete c is ErrContext.
func (v *Vault) Seal(plaintext []byte, c Context) ([]byte, error) {
	bound, err := c.associatedData()
	if err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	sealed, err := v.current.Load().aead.Encrypt(plaintext, bound)
	if err != nil {
		return nil, ErrSeal
	}
	return sealed, nil
}

// SealWithID is Seal that gives the id of the key too, as it is stored beside the value. To ask for
// PrimaryKeyID after Seal would be wrong: the primary key may have become another in between.
func (v *Vault) SealWithID(plaintext []byte, c Context) (sealed []byte, keyID int64, err error) {
	sealed, err = v.Seal(plaintext, c)
	if err != nil {
		return nil, 0, err
	}
	id, err := KeyID(sealed)
	if err != nil {
		return nil, 0, err
	}
	return sealed, int64(id), nil
}

// Unseal decrypts what Seal gave for the same c, under any enabled key of the key set. Whatever is
// wrong with sealed is ErrUnseal; an incomplete c is ErrContext. For a key that it does not know, it
// looks whether the file has it by now.
func (v *Vault) Unseal(sealed []byte, c Context) ([]byte, error) {
	bound, err := c.associatedData()
	if err != nil {
		return nil, fmt.Errorf("unseal: %w", err)
	}
	known := v.current.Load()
	plaintext, err := known.aead.Decrypt(sealed, bound)
	if err == nil {
		return plaintext, nil
	}
	id, err := KeyID(sealed)
	if err != nil || slices.Contains(known.enabled, id) {
		return nil, ErrUnseal
	}
	newer := v.newerThan(known)
	if !slices.Contains(newer.enabled, id) {
		return nil, ErrUnseal
	}
	if plaintext, err = newer.aead.Decrypt(sealed, bound); err != nil {
		return nil, ErrUnseal
	}
	return plaintext, nil
}

// PrimaryKeyID is the id of the key that Seal uses at this moment.
func (v *Vault) PrimaryKeyID() uint32 { return v.current.Load().primary() }

// KeyIDs are the ids of the keys that Unseal has at this moment.
func (v *Vault) KeyIDs() []uint32 { return slices.Clone(v.current.Load().enabled) }

// KeyID is the id of the key that sealed was sealed with. It is read from the prefix and proves
// nothing about the rest. Bytes too short or without the prefix are ErrNotSealed.
func KeyID(sealed []byte) (uint32, error) {
	if len(sealed) <= tinkPrefixLen || sealed[0] != tinkPrefix {
		return 0, ErrNotSealed
	}
	return binary.BigEndian.Uint32(sealed[1:tinkPrefixLen]), nil
}
