package vault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// maxKeySetSize is far above any real key set (a key takes about 200 bytes) and keeps a wrong path,
// such as that of a disk image, from filling the memory.
const maxKeySetSize = 1 << 20

// path is the file that c.KeySet names.
func (c Config) path() (string, error) {
	if c.KeySet == "" {
		return "", wrongKeySet("no key set is configured; want a path or a file:// URI")
	}
	scheme, _, isURI := strings.Cut(c.KeySet, "://")
	if !isURI {
		return c.KeySet, nil
	}
	if scheme != "file" {
		return "", wrongKeySet("key set has scheme %q; accepted are a path and file://", scheme)
	}
	u, err := url.Parse(c.KeySet)
	if err != nil || u.Path == "" || (u.Host != "" && u.Host != "localhost") ||
		u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return "", wrongKeySet("key set is not a file URI of the form file:///absolute/path")
	}
	return filepath.FromSlash(u.Path), nil
}

// readKeySetFile reads a key set file and gives which one it was. One that holds keys in cleartext must
// be closed to group and world; the mode is that of the opened file, so it cannot be exchanged between
// check and read.
func readKeySetFile(path string, cleartext bool) ([]byte, fs.FileInfo, error) {
	// Opening a named pipe would block, so look first.
	if info, err := os.Stat(path); err != nil {
		return nil, nil, err
	} else if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is not a regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxKeySetSize+1))
	if err != nil {
		return nil, nil, err
	}
	if len(raw) > maxKeySetSize {
		return nil, nil, fmt.Errorf("%s is too large for a key set", path)
	}
	if mode := info.Mode().Perm(); cleartext && mode&0o077 != 0 && isCleartext(raw) {
		return nil, nil, fmt.Errorf("%s holds keys in cleartext and has mode %04o, open to others than its owner; run chmod 600 on it", path, mode)
	}
	return raw, info, nil
}

// isCleartext tells whether a file is a key set that nothing protects. Any other file may be open to everybody, and
// whoever reads it as a key set is told what is wrong with it.
func isCleartext(raw []byte) bool {
	_, err := keyset.NewJSONReader(bytes.NewReader(raw)).Read()
	return err == nil
}

// publishKeySetFile makes a new file at path with mode 0600. The content is written and synced under
// a name of its own (opened with O_EXCL) and then linked to path: link, unlike rename, refuses to
// replace, so a reader sees the whole file or none and nothing is ever overwritten.
func publishKeySetFile(path string, raw []byte) error {
	folder := filepath.Dir(path)
	draft, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = draft.Write(raw)
	if err == nil {
		err = draft.Sync()
	}
	if closeErr := draft.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	if err := os.Link(draft.Name(), path); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return errKeySetExists(path)
		}
		return err
	}
	return syncFolder(folder)
}

// draftPath is where the new content of a key set file is written before it takes the file's place. It
// is the same each time, so that what a change that was broken off has left is found by the next one.
func draftPath(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".draft")
}

// writeDraft writes the content that is to take the place of the file was, with its owner and mode. It
// is called with the file locked, so a draft that is there was left by somebody who is gone.
func writeDraft(draft string, raw []byte, was fs.FileInfo) error {
	if err := os.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err = keepOwner(file, was); err == nil {
		_, err = file.Write(raw)
	}
	if err == nil {
		err = file.Chmod(was.Mode().Perm())
	}
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// replaceKeySetFile puts raw into the place of the file at path, which is locked and was read as was.
// Readers, and whoever comes after a crash, find the old content or the new one, whole. The old one is
// not kept: a copy would hold keys that are to be gone.
func replaceKeySetFile(path string, raw []byte, was fs.FileInfo) error {
	draft := draftPath(path)
	err := writeDraft(draft, raw, was)
	if err == nil {
		err = stillThere(path, was)
	}
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		if left := os.Remove(draft); left != nil && !errors.Is(left, fs.ErrNotExist) {
			err = errors.Join(err, left)
		}
		return err
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("the change is made, but may not survive a crash of the machine: %w", err)
	}
	return nil
}

// stillThere fails if somebody who knows no lock has replaced the file.
func stillThere(path string, was fs.FileInfo) error {
	now, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !sameFile(now, was) {
		return fmt.Errorf("%s was changed by somebody else meanwhile; nothing was done", path)
	}
	return nil
}

// sameFile tells whether a file is the one that it was, with what it held.
func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// syncFolder makes a new name in folder survive a crash of the machine.
func syncFolder(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

func errKeySetExists(path string) error {
	return fmt.Errorf("%s is never overwritten: %w", path, fs.ErrExist)
}
