package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/uuid"
)

// cacheEnd is the length of what follows the text in a cache: the SHA-256 of the stored manifest and of the text.
const cacheEnd = sha256.Size*2 + 1 + sha256.Size*2 + 1

// SaveCache keeps the manifest's text, not encrypted, in a file: for OpenCached, where nobody can decrypt the manifest itself.
func (m *Manifest) SaveCache(name string) error {
	f, err := os.OpenFile(name+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("keep manifest: %w", err)
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, hash), io.NewSectionReader(m.text, 0, m.size))
	if err == nil {
		_, err = fmt.Fprintf(f, "%s %s\n", m.SHA256, hex.EncodeToString(hash.Sum(nil)))
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(name+".tmp", name)
	}
	if err != nil {
		return fmt.Errorf("keep manifest: %w", err)
	}
	return nil
}

// OpenCached opens a manifest that SaveCache has kept, with the SHA-256 of the manifest itself. The error says why it cannot be
// used: not there, of another backup, damaged.
func (r *Repository) OpenCached(ctx context.Context, name string, id uuid.UUID, sum string) (_ *Manifest, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open kept manifest: %w", err)
	}
	m := &Manifest{repo: r, SHA256: sum, text: f}
	defer func() {
		if err != nil {
			_ = m.Close()
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open kept manifest: %w", err)
	}
	if m.size = info.Size() - cacheEnd; m.size < 0 {
		return nil, errors.New("the kept manifest is not whole")
	}
	end := make([]byte, cacheEnd)
	if _, err := f.ReadAt(end, m.size); err != nil {
		return nil, fmt.Errorf("read kept manifest: %w", err)
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, io.NewSectionReader(f, 0, m.size)); err != nil {
		return nil, fmt.Errorf("read kept manifest: %w", err)
	}
	if string(end) != sum+" "+hex.EncodeToString(hash.Sum(nil))+"\n" {
		return nil, errors.New("the kept manifest is of another backup, or damaged")
	}
	if err := m.load(ctx, id); err != nil {
		return nil, err
	}
	return m, nil
}

// OpenPrevious opens the manifest of the backup before, for Write: the kept one, else that of the store. Without either it returns
// nil and why; Write then stores everything anew.
func (r *Repository) OpenPrevious(ctx context.Context, cache string, id uuid.UUID, sum string) (*Manifest, error) {
	m, cacheErr := r.OpenCached(ctx, cache, id, sum)
	if cacheErr == nil {
		return m, nil
	}
	m, err := r.Open(ctx, id, sum)
	if err != nil {
		return nil, errors.Join(cacheErr, err)
	}
	return m, nil
}
