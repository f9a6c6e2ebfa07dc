package workspace

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
)

// open makes a store with a workspace in it and tells where on the disk that is.
func open(t *testing.T) (s *Store, d *Directory, dir string) {
	t.Helper()
	base := t.TempDir()
	s, err := OpenStore(base)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	customer := uuid.New()
	if err := s.Create(customer, uuid.NullUUID{}); err != nil {
		t.Fatal(err)
	}
	d, err = s.Open(customer, uuid.NullUUID{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return s, d, filepath.Join(base, customer.String(), "shared")
}

// try writes a file.
func try(d *Directory, path, content string, c Condition) (Change, error) {
	staged, err := d.Stage(uuid.New())
	if err != nil {
		return Change{}, err
	}
	defer staged.Discard()
	if _, err := io.WriteString(staged, content); err != nil {
		return Change{}, err
	}
	if err := staged.Finish(); err != nil {
		return Change{}, err
	}
	return d.Commit(staged, path, c)
}

// put writes a file.
func put(t *testing.T, d *Directory, path, content string) Change {
	t.Helper()
	change, err := try(d, path, content, Condition{})
	if err != nil {
		t.Fatalf("put %q: %v", path, err)
	}
	return change
}

// read reads a file.
func read(d *Directory, path string) (string, error) {
	file, err := d.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return string(content), err
}

// expect fails the test for another error.
func expect(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, not %v", what, err, want)
	}
}

// expectPath fails the test for an error that is not about the path.
func expectPath(t *testing.T, what string, err error) {
	t.Helper()
	if _, ok := errors.AsType[*PathError](err); !ok {
		t.Errorf("%s: %v, not a PathError", what, err)
	}
}

// must fails the test for an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// onDisk writes a file as a program does.
func onDisk(t *testing.T, path, content string) {
	t.Helper()
	must(t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(t, os.WriteFile(path, []byte(content), 0o644))
}

// pathsOf are the paths of entries.
func pathsOf(entries []Entry) []string {
	paths := []string(nil)
	for _, e := range entries {
		paths = append(paths, e.Path)
	}
	return paths
}
