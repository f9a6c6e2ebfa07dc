package bucket

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
)

func open(t *testing.T) (b *Bucket, dir string) {
	t.Helper()
	dir = t.TempDir()
	b, err := Open("file://" + dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b, dir
}

func put(t *testing.T, b *Bucket, key, content string) {
	t.Helper()
	if err := b.Write(t.Context(), key, "text/plain", func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, b *Bucket, key string) string {
	t.Helper()
	r, err := b.Read(t.Context(), key)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// names are all files and directories below dir.
func names(t *testing.T, dir string) (found []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if path != dir {
			found = append(found, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWriteAndRead(t *testing.T) {
	b, dir := open(t)
	put(t, b, "customers/a/x.txt", "first")
	put(t, b, "customers/a/x.txt", "second")
	if got := get(t, b, "customers/a/x.txt"); got != "second" {
		t.Errorf("read %q", got)
	}
	if got := names(t, dir); len(got) != 3 { // two directories and the file, nothing beside it
		t.Errorf("in the directory: %q", got)
	}
	if _, err := b.Read(t.Context(), "customers/a/y.txt"); !errors.Is(err, ErrNotFound) {
		t.Errorf("a file that is not there: %v", err)
	}
}

// What is not written to its end never has its name.
func TestBrokenOffWrite(t *testing.T) {
	b, dir := open(t)
	errBroken := errors.New("broken")
	cancelled, cancel := context.WithCancel(t.Context())
	for name, write := range map[string]func() error{
		"failed": func() error {
			return b.Write(t.Context(), "customers/a/x", "text/plain", func(w io.Writer) error {
				_, _ = io.WriteString(w, strings.Repeat("half", 100_000))
				if found := names(t, dir); len(found) != 3 || strings.HasSuffix(found[2], "/x") {
					t.Errorf("while it is written: %q", found)
				}
				return errBroken
			})
		},
		"cancelled": func() error {
			return b.Write(cancelled, "customers/a/x", "text/plain", func(w io.Writer) error {
				cancel()
				_, err := io.WriteString(w, "half")
				return err
			})
		},
	} {
		if err := write(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := b.Read(t.Context(), "customers/a/x"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: the file is there: %v", name, err)
		}
		if got := names(t, dir); len(got) != 2 {
			t.Errorf("%s: left in the directory: %q", name, got)
		}
	}
}

// Deleting by prefix takes what a killed process has left, and nothing of anybody else.
func TestDeleteAll(t *testing.T) {
	b, dir := open(t)
	one, other := uuid.New(), uuid.New()
	export := uuid.New()
	for _, key := range []string{Export(one, export), Export(one, export) + ".18c.tmp", Export(one, uuid.New()), OfCustomer(one) + "media/a/b.png"} {
		put(t, b, key, "x")
	}
	put(t, b, Export(other, export), "kept")
	count := func(prefix string, want int64) {
		t.Helper()
		if n, err := b.Count(t.Context(), prefix); err != nil || n != want {
			t.Errorf("%d files with the prefix %s, want %d: %v", n, prefix, want, err)
		}
	}
	count(OfCustomer(one), 4)
	for range 2 { // the second time there is nothing left to do
		if err := b.DeleteAll(t.Context(), Export(one, export)); err != nil {
			t.Fatal(err)
		}
	}
	count(OfCustomer(one), 2)
	for range 2 {
		if err := b.DeleteAll(t.Context(), OfCustomer(one)); err != nil {
			t.Fatal(err)
		}
	}
	count(OfCustomer(one), 0)
	for _, name := range names(t, dir) {
		if strings.Contains(name, one.String()) {
			t.Errorf("%s is left", name)
		}
	}
	if got := get(t, b, Export(other, export)); got != "kept" {
		t.Errorf("the other customer's file holds %q", got)
	}
	for _, prefix := range []string{"", "/"} {
		if err := b.DeleteAll(t.Context(), prefix); err == nil {
			t.Errorf("the prefix %q is not refused", prefix)
		}
	}
	count("customers/", 1)
}

func TestOpenRefusals(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"", "/var/lib", "s3://bucket", "file://host/path", "file:///nowhere/at/all", "file:///tmp?create_dir=1", "file://", "http://[::1",
	} {
		if b, err := Open(url); err == nil {
			t.Errorf("%q is opened", url)
			_ = b.Close()
		}
	}
}

// http.Client closes a body while its other half may still read it.
func TestReadRangeIsClosedWhileItIsRead(t *testing.T) {
	t.Parallel()
	b, _ := open(t)
	put(t, b, "long", strings.Repeat("x", 8<<20))
	file, err := b.ReadRange(t.Context(), "long", 10, -1)
	if err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { _, err = io.Copy(io.Discard, file) })
	for range 2 {
		reading.Go(func() { _ = file.Close() })
	}
	reading.Wait()
	if err != nil && !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
	if _, err := file.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("read after it was closed: %v", err)
	}
}
