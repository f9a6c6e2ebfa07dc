package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/lestrrat-go/jwx/v3/jwk"
)

// maxKeyFileBytes is far more than an EC key needs.
const maxKeyFileBytes = 16 << 10

// LoadOrCreateDevelopmentKey reads the development key from a file, and makes the file if there is
// none: a private JWK that only its owner may read (0600), in a directory made with 0700 if need be.
// Two processes that start together end up with the same key. A file that others may read, or that
// holds anything else than a P-256 key, is an error and is left as it is.
func LoadOrCreateDevelopmentKey(path string) (*Signer, error) {
	signer, err := loadDevelopmentKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return signer, err
	}
	if signer, err = NewDevelopmentKey(); err != nil {
		return nil, err
	}
	err = createKeyFile(path, signer.private)
	if errors.Is(err, fs.ErrExist) {
		return loadDevelopmentKey(path) // another process was first; its key counts
	}
	if err != nil {
		return nil, fmt.Errorf("keep the development key: %w", err)
	}
	return signer, nil
}

func loadDevelopmentKey(path string) (*Signer, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the development key: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("open the development key: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the development key %s is not a file", path)
	}
	// Windows keeps no such permission bits.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others may read the development key %s; run chmod 600 on it", path)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxKeyFileBytes))
	if err != nil {
		return nil, fmt.Errorf("read the development key: %w", err)
	}
	key, err := jwk.ParseKey(data)
	if err != nil {
		return nil, fmt.Errorf("%s does not hold a JWK; remove it to have a new development key made", path)
	}
	return newSigner(key)
}

// createKeyFile writes the whole file under another name first and then links it to its own, which
// fails if the name is taken. So nobody ever sees half a key, and an existing key is never replaced.
func createKeyFile(path string, key jwk.Key) error {
	data, err := json.MarshalIndent(key, "", "  ")
	if err != nil {
		return err
	}
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, filepath.Base(path)+".*.tmp") // made with 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(append(data, '\n'))
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Link(file.Name(), path)
}
