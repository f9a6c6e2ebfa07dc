// Package vault seals the credentials of integrations: access tokens, refresh tokens and API keys.
//
// A sealed value is a Tink AEAD ciphertext that opens only under the customer, the integration, the
// platform and the field that it was sealed for, so a row copied onto another row is worthless. The
// keys come from a Tink key set in a file, which a KMS may wrap; the database holds ciphertexts only.
// AddKey, Promote and Retire change the file; whoever has it open takes the change over by itself.
//
// The package must not read or write the database, must log nothing but ids of keys and why the file
// could not be read, and must not put a plaintext, key material or the content of a key set file into
// an error.
package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// openTimeout bounds Open and Create. It only matters with a KMS: a process that cannot reach it
// should fail at start-up with a reason, not hang.
const openTimeout = 30 * time.Second

// Config says where the key set is and what protects it.
type Config struct {
	// KeySet is the key set file: a path, or a file:// URI with an absolute path.
	KeySet string

	// KEK is the key-encryption key that the key set file is wrapped with, as the URI of a key in a
	// KMS: aws-kms://, gcp-kms:// or hcvault:// (see openAWS, openGCP and openHCVault for their
	// formats and credentials). Empty means that the file is a cleartext Tink JSON key set, which
	// must then be readable by its owner alone.
	KEK string

	// KMS is what opens the KEK, by the scheme of its URI. Nil means the three built in; a test puts
	// a fake in their place.
	KMS map[string]OpenKEK
}

// ConfigError says that what is wrong is a part of Config, not the file. Its text does not name the part: whoever has
// configured it knows it by a name of their own.
type ConfigError struct {
	Field string // KeySet or KEK
	Err   error
}

// Error says what is wrong.
func (e *ConfigError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *ConfigError) Unwrap() error { return e.Err }

func wrongKeySet(format string, args ...any) error {
	return &ConfigError{"KeySet", fmt.Errorf(format, args...)}
}

func wrongKEK(format string, args ...any) error {
	return &ConfigError{"KEK", fmt.Errorf(format, args...)}
}

// Vault seals and unseals with the keys of one key set, safe for concurrent use. Each call uses one
// state of the key set as a whole. A newer one is taken over from the file by Watch, by Reload, and by
// an Unseal that meets an id of a key that it does not know.
type Vault struct {
	*live
}

// keys are a key set as it was read at one time. They never change.
type keys struct {
	aead    tink.AEAD
	info    *tinkpb.KeysetInfo // ids and status, nothing secret
	enabled []uint32           // ids of the keys that open
}

// Open reads the key set that cfg names.
//
// It fails with fs.ErrNotExist in the chain if there is no such file, and with a reason if the file
// is empty, is no Tink JSON key set, is cleartext though a KEK is configured or the other way round,
// is cleartext and open to group or world, or holds a key that cannot seal. It fails after 30 seconds
// if the KMS does not answer, or sooner if ctx ends.
func Open(ctx context.Context, cfg Config) (*Vault, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	read, file, err := load(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open key set: %w", err)
	}
	return newVault(cfg, read, file), nil
}

// load reads the key set, and gives with it the file that it was read from.
func load(ctx context.Context, cfg Config) (*keys, fs.FileInfo, error) {
	path, err := cfg.path()
	if err != nil {
		return nil, nil, err
	}
	connect, err := cfg.kek()
	if err != nil {
		return nil, nil, err
	}
	raw, file, err := readKeySetFile(path, cfg.KEK == "")
	if err != nil {
		return nil, nil, err
	}
	key, err := connect(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer key.close()
	_, read, err := readKeySet(ctx, path, raw, key)
	return read, file, err
}

// Create writes a new key set file with one fresh key, wrapped with cfg.KEK if there is one, and
// opens it. The file has mode 0600 and appears complete or not at all. An existing file is never
// overwritten: the error then has fs.ErrExist in its chain. The folder must exist.
//
// With a KEK, the KMS is asked to wrap and to unwrap before anything is written, so a key set that
// could never be opened again is not left behind.
func Create(ctx context.Context, cfg Config) (*Vault, error) {
	v, err := create(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("create key set: %w", err)
	}
	return v, nil
}

func create(ctx context.Context, cfg Config) (*Vault, error) {
	path, err := cfg.path()
	if err != nil {
		return nil, err
	}
	connect, err := cfg.kek()
	if err != nil {
		return nil, err
	}
	// Only the publication below decides; this spares the KMS when the answer is already known.
	if _, err := os.Lstat(path); err == nil {
		return nil, errKeySetExists(path)
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	key, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	defer key.close()
	fresh, err := newKeySet()
	if err != nil {
		return nil, err
	}
	raw, err := encodeKeySet(ctx, fresh, key)
	if err != nil {
		return nil, err
	}
	handle, err := decodeKeySet(ctx, raw, key)
	if err != nil {
		return nil, fmt.Errorf("read back: %w", err)
	}
	made, err := newKeys(handle)
	if err != nil {
		return nil, err
	}
	if err := publishKeySetFile(path, raw); err != nil {
		return nil, err
	}
	return newVault(cfg, made, nil), nil
}

// OpenOrCreate opens the key set and creates it, and its folder, if there is none. Any number of
// processes may start at once; all get the same key set.
//
// It is for development only. In production a missing key set is a mistake in the deployment, and a
// new one would hide that every stored credential has become unreadable.
func OpenOrCreate(ctx context.Context, cfg Config) (*Vault, error) {
	v, err := Open(ctx, cfg)
	if !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	path, err := cfg.path()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("create folder of key set: %w", err)
	}
	v, err = Create(ctx, cfg)
	if errors.Is(err, fs.ErrExist) {
		return Open(ctx, cfg)
	}
	return v, err
}
