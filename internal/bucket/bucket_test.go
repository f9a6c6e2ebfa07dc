package bucket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"fanfare/internal/bucket"
	"fanfare/internal/bucket/buckettest"
)

// everywhere runs a test with each kind of bucket that can be had here. dir is where its files are.
func everywhere(t *testing.T, test func(t *testing.T, b *bucket.Bucket, dir string)) {
	t.Parallel()
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		test(t, open(t, "file://"+dir, bucket.Options{}), dir)
	})
	t.Run("s3", func(t *testing.T) {
		t.Parallel()
		b, server := buckettest.S3(t)
		test(t, b, server.Directory)
	})
}

func open(t *testing.T, url string, opts bucket.Options) *bucket.Bucket {
	t.Helper()
	if opts.S3Credentials == nil {
		opts.S3Credentials = buckettest.Credentials()
	}
	b, err := bucket.Open(t.Context(), url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func put(t *testing.T, b *bucket.Bucket, key, content string) {
	t.Helper()
	if err := write(t.Context(), b, key, content); err != nil {
		t.Fatal(err)
	}
}

func write(ctx context.Context, b *bucket.Bucket, key, content string) error {
	return b.Write(ctx, key, "text/plain", func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
}

func get(t *testing.T, b *bucket.Bucket, key string) string {
	t.Helper()
	r, err := b.Read(t.Context(), key)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return string(content)
}

// names are all files below dir, also those that the server keeps for itself.
func names(t *testing.T, dir string) (found []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestWriteAndRead(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bucket.Bucket, dir string) {
		put(t, b, "customers/a/x.txt", "first")
		put(t, b, "customers/a/x.txt", "second")
		if got := get(t, b, "customers/a/x.txt"); got != "second" {
			t.Errorf("read %q", got)
		}
		if got := names(t, dir); !slices.Equal(got, []string{"customers/a/x.txt"}) { // nothing beside it
			t.Errorf("in the directory: %q", got)
		}
		if _, err := b.Read(t.Context(), "customers/a/y.txt"); !errors.Is(err, bucket.ErrNotFound) {
			t.Errorf("a file that is not there: %v", err)
		}
		if _, err := b.ReadRange(t.Context(), "customers/a/y.txt", 3, 4); !errors.Is(err, bucket.ErrNotFound) {
			t.Errorf("a range of a file that is not there: %v", err)
		}
		for _, key := range []string{"customers/a/empty", "customers/a/ü ñ 日本語 😀.txt", "customers/a/a+b&c=d%20e?f#g", `customers/a/"quoted" 'and' \ more`} {
			content := strings.TrimPrefix(key, "customers/a/empty")
			put(t, b, key, content)
			if got := get(t, b, key); got != content {
				t.Errorf("%s holds %q", key, got)
			}
		}
		var keys []string
		if err := b.Each(t.Context(), "customers/a/", func(key string) error { keys = append(keys, key); return nil }); err != nil || len(keys) != 5 || !slices.Contains(keys, "customers/a/ü ñ 日本語 😀.txt") {
			t.Errorf("listed: %q, %v", keys, err)
		}
	})
}

func TestSeekAndRange(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bucket.Bucket, _ string) {
		content := strings.Repeat("0123456789", 2_000_000) // of several parts
		put(t, b, "long", content)
		file, err := b.Read(t.Context(), "long")
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		for _, c := range []struct {
			offset int64
			whence int
			want   string
		}{{-3, io.SeekEnd, "789"}, {0, io.SeekStart, "0123"}, {7, io.SeekStart, "7890"}, {15_000_000 - 11, io.SeekCurrent, "0123"}, {0, io.SeekEnd, ""}} {
			at, err := file.Seek(c.offset, c.whence)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]byte, 4)
			n, err := io.ReadFull(file, got)
			if string(got[:n]) != c.want || (n == 4) != (err == nil) {
				t.Errorf("at %d: %q, %v, want %q", at, got[:n], err, c.want)
			}
		}
		if _, err := file.Seek(-1, io.SeekStart); err == nil {
			t.Error("a place before the beginning is found")
		}
		if at, err := file.Seek(1, io.SeekStart); err != nil || at != 1 { // and on through pieces of all lengths
			t.Fatal(at, err)
		}
		if got, err := io.ReadAll(file); err != nil || string(got) != content[1:] {
			t.Errorf("from the second byte on: %d bytes, %v", len(got), err)
		}
		for _, c := range []struct{ offset, length, want int64 }{{0, 10, 10}, {5, 5_000_000, 5_000_000}, {19_999_995, -1, 5}, {19_999_995, 100, 5}, {0, -1, 20_000_000}} {
			part, err := b.ReadRange(t.Context(), "long", c.offset, c.length)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(part)
			if err != nil || string(got) != content[c.offset:c.offset+c.want] {
				t.Errorf("range %d, %d: %d bytes, %v", c.offset, c.length, len(got), err)
			}
			_ = part.Close()
		}
	})
}

// What is not written to its end never has its name, and takes no room.
func TestBrokenOffWrite(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bucket.Bucket, dir string) {
		errBroken := errors.New("broken")
		for _, size := range []int{4, 30 << 20} { // one part, and several
			for name, write := range map[string]func(key string) error{
				"failed": func(key string) error {
					return b.Write(t.Context(), key, "text/plain", func(w io.Writer) error {
						_, err := io.WriteString(w, strings.Repeat("x", size))
						if found := names(t, dir); slices.Contains(found, key) && key == "customers/a/new" {
							t.Errorf("while it is written: %q", found)
						}
						return errors.Join(errBroken, err)
					})
				},
				"cancelled": func(key string) error {
					ctx, cancel := context.WithCancel(t.Context())
					return b.Write(ctx, key, "text/plain", func(w io.Writer) error {
						_, err := io.WriteString(w, strings.Repeat("x", size))
						cancel()
						return err
					})
				},
				"panicked": func(key string) (err error) {
					defer func() { err = recover().(error) }()
					return b.Write(t.Context(), key, "text/plain", func(w io.Writer) error {
						_, _ = io.WriteString(w, strings.Repeat("x", size))
						panic(errBroken)
					})
				},
			} {
				t.Run(fmt.Sprint(name, size), func(t *testing.T) {
					put(t, b, "customers/a/old", "as it was")
					for _, key := range []string{"customers/a/old", "customers/a/new"} {
						if err := write(key); !errors.Is(err, errBroken) && !errors.Is(err, context.Canceled) {
							t.Errorf("%s: %v", key, err)
						}
					}
					if _, err := b.Read(t.Context(), "customers/a/new"); !errors.Is(err, bucket.ErrNotFound) {
						t.Errorf("the file is there: %v", err)
					}
					if got := get(t, b, "customers/a/old"); got != "as it was" {
						t.Errorf("the old file has %d bytes now", len(got))
					}
					if got := names(t, dir); !slices.Equal(got, []string{"customers/a/old"}) {
						t.Errorf("left in the directory: %q", got)
					}
				})
			}
		}
	})
}

// More keys than a server lists at once, in their order, and deleted together.
func TestManyFiles(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bucket.Bucket, _ string) {
		var want []string
		var writers errgroup.Group
		writers.SetLimit(8)
		for i := range 1_050 {
			key := fmt.Sprintf("customers/many/%04d", i)
			want = append(want, key)
			writers.Go(func() error { return write(t.Context(), b, key, "x") })
		}
		put(t, b, "customers/many.not", "kept")
		if err := writers.Wait(); err != nil {
			t.Fatal(err)
		}
		var got []string
		if err := b.Each(t.Context(), "customers/many/", func(key string) error { got = append(got, key); return nil }); err != nil || !slices.Equal(got, want) {
			t.Errorf("listed %d files, in order: %t, %v", len(got), slices.IsSorted(got), err)
		}
		errEnough := errors.New("enough")
		if err := b.Each(t.Context(), "customers/many/", func(string) error { return errEnough }); !errors.Is(err, errEnough) {
			t.Errorf("listing that is broken off: %v", err)
		}
		if err := b.DeleteAll(t.Context(), "customers/many/"); err != nil {
			t.Fatal(err)
		}
		if n, err := b.Count(t.Context(), "customers/"); err != nil || n != 1 {
			t.Errorf("%d files are left: %v", n, err)
		}
	})
}

// Deleting by prefix takes what a killed process has left, and nothing of anybody else.
func TestDeleteAll(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bucket.Bucket, dir string) {
		one, other := uuid.New(), uuid.New()
		export := uuid.New()
		for _, key := range []string{
			bucket.Export(one, export), bucket.Export(one, export) + ".18c.tmp", bucket.Export(one, uuid.New()), bucket.OfCustomer(one) + "media/a/b.png",
		} {
			put(t, b, key, "x")
		}
		put(t, b, bucket.Export(other, export), "kept")
		count := func(prefix string, want int64) {
			t.Helper()
			if n, err := b.Count(t.Context(), prefix); err != nil || n != want {
				t.Errorf("%d files with the prefix %s, want %d: %v", n, prefix, want, err)
			}
		}
		count(bucket.OfCustomer(one), 4)
		for range 2 { // the second time there is nothing left to do
			if err := b.DeleteAll(t.Context(), bucket.Export(one, export)); err != nil {
				t.Fatal(err)
			}
		}
		count(bucket.OfCustomer(one), 2)
		for range 2 {
			if err := b.DeleteAll(t.Context(), bucket.OfCustomer(one)); err != nil {
				t.Fatal(err)
			}
		}
		count(bucket.OfCustomer(one), 0)
		if err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
			if strings.Contains(path, one.String()) {
				t.Errorf("%s is left", path)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if got := get(t, b, bucket.Export(other, export)); got != "kept" {
			t.Errorf("the other customer's file holds %q", got)
		}
		for _, prefix := range []string{"", "/"} {
			if err := b.DeleteAll(t.Context(), prefix); err == nil {
				t.Errorf("the prefix %q is not refused", prefix)
			}
		}
		count("customers/", 1)
	})
}

// http.Client closes a body while its other half may still read it.
func TestReadRangeIsClosedWhileItIsRead(t *testing.T) {
	everywhere(t, func(t *testing.T, b *bucket.Bucket, _ string) {
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
	})
}
