package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

// keyTemplate is the kind of key that Create makes. Tink draws the nonce at random for every message.
// With the 96-bit nonce of AES-GCM that limits a key to 2^32 messages (NIST SP 800-38D, 8.3), which a
// system that reseals every token at every refresh would have to count. The 192-bit nonce of
// XChaCha20-Poly1305 has no such limit in practice, and the cipher is constant-time in software, so
// it depends on no processor feature. Open accepts any AEAD that Tink has, for key sets made by tinkey.
var keyTemplate = aead.XChaCha20Poly1305KeyTemplate

// newKeySet makes a key set of one fresh key.
func newKeySet() (*keyset.Handle, error) {
	handle, err := keyset.NewHandle(keyTemplate())
	if err != nil {
		return nil, errors.New("generate a key")
	}
	return handle, nil
}

// encodeKeySet writes handle as a Tink JSON key set: wrapped with key, or in cleartext if key is nil.
// The wrapping has no associated data, as with tinkey, which may therefore read and write the file.
func encodeKeySet(ctx context.Context, handle *keyset.Handle, key *kek) ([]byte, error) {
	var out bytes.Buffer
	if key == nil {
		if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&out)); err != nil {
			return nil, errors.New("encode the key set")
		}
		return out.Bytes(), nil
	}
	if err := handle.WriteWithContext(ctx, keyset.NewJSONWriter(&out), key, nil); err != nil {
		if key.err != nil {
			return nil, wrongKEK("wrap with %s: %w", key.scheme, key.err)
		}
		return nil, errors.New("encode the key set")
	}
	return out.Bytes(), nil
}

// readKeySet reads the key set that the file at path holds. Errors name the file, or c.KEK where that is to blame.
func readKeySet(ctx context.Context, path string, raw []byte, key *kek) (*keyset.Handle, *keys, error) {
	handle, err := decodeKeySet(ctx, raw, key)
	var read *keys
	if err == nil {
		read, err = newKeys(handle)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return handle, read, nil
}

// decodeKeySet reads what encodeKeySet wrote. Tink's own parse errors are dropped, because they may
// quote the text they stumbled over, and that text may be a key.
func decodeKeySet(ctx context.Context, raw []byte, key *kek) (*keyset.Handle, error) {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil, errors.New("the file is empty")
	}
	_, cleartextErr := keyset.NewJSONReader(bytes.NewReader(raw)).Read()
	_, encryptedErr := keyset.NewJSONReader(bytes.NewReader(raw)).ReadEncrypted()
	switch {
	case cleartextErr != nil && encryptedErr != nil:
		return nil, errors.New("the file is not a Tink key set in JSON")
	case key == nil && cleartextErr != nil:
		return nil, wrongKEK("the file is an encrypted key set, and no KEK is configured")
	case key != nil && encryptedErr != nil:
		return nil, wrongKEK("a KEK is configured, but the file is a cleartext key set")
	}
	if key == nil {
		handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(raw)))
		if err != nil {
			return nil, errors.New("the key set is not valid")
		}
		return handle, nil
	}
	handle, err := keyset.ReadWithContext(ctx, keyset.NewJSONReader(bytes.NewReader(raw)), key, nil)
	if err != nil {
		if key.err != nil {
			return nil, wrongKEK("unwrap with %s: %w", key.scheme, key.err)
		}
		return nil, errors.New("the unwrapped key set is not valid")
	}
	return handle, nil
}

// newKeys makes the AEAD of a key set. Every key must prefix its ciphertexts with its id: without
// that, KeyID could not say what a row is sealed with, and a rotation could not know its end.
func newKeys(handle *keyset.Handle) (*keys, error) {
	info := handle.KeysetInfo()
	k := &keys{info: info}
	for _, key := range info.GetKeyInfo() {
		if key.GetOutputPrefixType() != tinkpb.OutputPrefixType_TINK {
			return nil, fmt.Errorf("key %d has output prefix %s, want TINK", key.GetKeyId(), key.GetOutputPrefixType())
		}
		if key.GetStatus() == tinkpb.KeyStatusType_ENABLED {
			k.enabled = append(k.enabled, key.GetKeyId())
		}
	}
	var err error
	if k.aead, err = aead.New(handle); err != nil {
		return nil, errors.New("the key set holds a key that is not a usable AEAD key")
	}
	return k, nil
}

func (k *keys) primary() uint32 { return k.info.GetPrimaryKeyId() }

// ids are those of all keys, enabled or not.
func (k *keys) ids() []uint32 {
	ids := make([]uint32, len(k.info.GetKeyInfo()))
	for i, key := range k.info.GetKeyInfo() {
		ids[i] = key.GetKeyId()
	}
	return ids
}
