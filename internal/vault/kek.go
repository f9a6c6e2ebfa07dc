package vault

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// OpenKEK gives the remote AEAD of the KMS key that uri names. If the AEAD is also a
// tink.AEADWithContext, that is what is called; if it is also an io.Closer, it is closed after use.
type OpenKEK func(ctx context.Context, uri string) (tink.AEAD, error)

// builtinKMS is every KMS that a KEK may live in, by the scheme of its URI. A new one is one file
// and one line here.
var builtinKMS = map[string]OpenKEK{
	"aws-kms": openAWS,
	"gcp-kms": openGCP,
	"hcvault": openHCVault,
}

// kek is a key-encryption key in a KMS. It implements tink.AEADWithContext for the key set to be
// wrapped with, and remembers what the KMS said, which Tink does not keep in its error chain.
type kek struct {
	scheme string
	aead   tink.AEAD
	err    error
}

// kek checks the URI of the KEK and returns what connects to it. That gives nil if there is no KEK.
// The URI itself stays out of errors, since a URI of a wrong kind may hold a password.
func (c Config) kek() (func(context.Context) (*kek, error), error) {
	if c.KEK == "" {
		return func(context.Context) (*kek, error) { return nil, nil }, nil
	}
	known := c.KMS
	if known == nil {
		known = builtinKMS
	}
	scheme, _, isURI := strings.Cut(c.KEK, "://")
	if !isURI {
		return nil, wrongKEK("KEK is not a URI; accepted are %s", schemes(known))
	}
	connect, ok := known[scheme]
	if !ok {
		return nil, wrongKEK("KEK has unknown scheme %q; accepted are %s", scheme, schemes(known))
	}
	return func(ctx context.Context) (*kek, error) {
		remote, err := connect(ctx, c.KEK)
		if err != nil {
			return nil, wrongKEK("connect to %s: %w", scheme, err)
		}
		return &kek{scheme: scheme, aead: remote}, nil
	}, nil
}

func schemes(known map[string]OpenKEK) string {
	var names []string
	for _, scheme := range slices.Sorted(maps.Keys(known)) {
		names = append(names, scheme+"://")
	}
	return strings.Join(names, ", ")
}

// EncryptWithContext has the KMS encrypt.
func (k *kek) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	remote, ok := k.aead.(tink.AEADWithContext)
	if ok {
		return k.keep(remote.EncryptWithContext(ctx, plaintext, associatedData))
	}
	return k.keep(await(ctx, func() ([]byte, error) { return k.aead.Encrypt(plaintext, associatedData) }))
}

// DecryptWithContext has the KMS decrypt.
func (k *kek) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	remote, ok := k.aead.(tink.AEADWithContext)
	if ok {
		return k.keep(remote.DecryptWithContext(ctx, ciphertext, associatedData))
	}
	return k.keep(await(ctx, func() ([]byte, error) { return k.aead.Decrypt(ciphertext, associatedData) }))
}

func (k *kek) keep(out []byte, err error) ([]byte, error) {
	if err == nil && len(out) == 0 {
		err = errors.New("the KMS answered with nothing")
	}
	k.err = err
	return out, err
}

// close ends the connection. A failure to do so loses nothing: the KMS call is over.
func (k *kek) close() {
	if k == nil {
		return
	}
	if closer, ok := k.aead.(io.Closer); ok {
		_ = closer.Close()
	}
}

// await runs call, which knows no context, and stops waiting when ctx ends. The call itself ends by
// the timeout of its own client.
func await(ctx context.Context, call func() ([]byte, error)) ([]byte, error) {
	type result struct {
		out []byte
		err error
	}
	done := make(chan result, 1)
	go func() {
		out, err := call()
		done <- result{out, err}
	}()
	select {
	case r := <-done:
		return r.out, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
