// Package bucket keeps files outside of the database. Everything of one customer is under one prefix, so that
// it can be deleted as a whole. The package does not know who may read what: whoever asks has been let in by
// the database before.
//
// Buckets are directories at present (file:///var/lib/fanfare). A file appears under its name only when it is
// whole and has reached the disk.
package bucket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/google/uuid"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"
)

// ErrNotFound says that there is no such file.
var ErrNotFound = errors.New("bucket: no such file")

// dirMode is for the directories that are made: whoever runs the program, and its group.
const dirMode = 0o750

// Bucket is an open bucket. Safe for concurrent use.
type Bucket struct {
	files *blob.Bucket
	root  *os.Root // the directory
}

// Open opens the bucket at a URL such as file:///var/lib/fanfare, or file://./data for a path that is relative
// to the working directory. The directory must be there: one that is not is a disk that is not mounted, more
// often than not.
func Open(bucketURL string) (*Bucket, error) {
	u, err := url.Parse(bucketURL)
	if err != nil {
		return nil, errors.New("the bucket's URL cannot be parsed; it must look like file:///var/lib/fanfare")
	}
	if u.Scheme != "file" || (u.Host != "" && u.Host != "." && u.Host != "localhost") || u.RawQuery != "" || u.User != nil || u.Path == "" {
		return nil, fmt.Errorf("the bucket's URL must look like file:///var/lib/fanfare, not %q", u.Redacted())
	}
	path := u.Path
	if u.Host == "." {
		path = strings.TrimPrefix(path, "/")
	}
	return OpenDirectory(filepath.FromSlash(path))
}

// OpenDirectory opens the bucket in a directory, which must be there.
func OpenDirectory(path string) (*Bucket, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open bucket: %w", err)
	}
	files, err := fileblob.OpenBucket(path, &fileblob.Options{
		NoTempDir:   true, // a rename does not leave a file system
		Metadata:    fileblob.MetadataDontWrite,
		DirFileMode: dirMode,
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open bucket: %w", err), root.Close())
	}
	return &Bucket{files: files, root: root}, nil
}

// Close ends the use of the bucket.
func (b *Bucket) Close() error { return errors.Join(b.files.Close(), b.root.Close()) }

// OfCustomer is the prefix of everything that belongs to a customer.
func OfCustomer(customerID uuid.UUID) string { return "customers/" + customerID.String() + "/" }

// Export is the key of an export's file.
func Export(customerID, exportID uuid.UUID) string {
	return OfCustomer(customerID) + "exports/" + exportID.String() + ".zip"
}

// Media is the prefix of the files that a customer's posts show.
func Media(customerID uuid.UUID) string { return OfCustomer(customerID) + "media/" }

// Backups is the prefix of a customer's backups.
func Backups(customerID uuid.UUID) string { return OfCustomer(customerID) + "backups/" }

// Archives is the prefix of the archives of a customer's unused workspaces.
func Archives(customerID uuid.UUID) string { return OfCustomer(customerID) + "archives/" }

// Write makes a file of what fn writes, in place of the one with its key if there is one. When fn fails, or
// ctx has ended by then, there is no such file.
func (b *Bucket) Write(ctx context.Context, key, contentType string, fn func(w io.Writer) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var file *os.File
	w, err := b.files.NewWriter(ctx, key, &blob.WriterOptions{ContentType: contentType, BeforeWrite: func(as func(any) bool) error {
		as(&file)
		return nil
	}})
	if err != nil {
		return fmt.Errorf("begin file: %w", err)
	}
	buffered := bufio.NewWriterSize(w, 64<<10)
	err = fn(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil && file != nil {
		err = file.Sync() // else a crash of the machine could leave the name without the content
	}
	if err != nil {
		cancel() // closing then throws away what was written
		_ = w.Close()
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("finish file: %w", err)
	}
	return nil
}

// Read opens a file, which can be read from any place. ErrNotFound if there is none.
func (b *Bucket) Read(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	r, err := b.files.NewReader(ctx, key, nil)
	switch {
	case gcerrors.Code(err) == gcerrors.NotFound:
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("open file: %w", err)
	}
	return r, nil
}

// ReadRange opens length bytes of a file from offset on; a negative length reads to its end. ErrNotFound if there is none. It
// can be closed while it is read, and more than once: http.Client closes a body when it likes.
func (b *Bucket) ReadRange(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := b.files.NewRangeReader(ctx, key, offset, length, nil)
	switch {
	case gcerrors.Code(err) == gcerrors.NotFound:
		return nil, ErrNotFound
	case err != nil:
		return nil, fmt.Errorf("open file: %w", err)
	}
	return &sharedReader{file: r}, nil
}

// sharedReader is a file of which one may read and another close.
type sharedReader struct {
	mu     sync.Mutex
	file   io.ReadCloser
	closed bool
}

// Read reads the file. Once it is closed its error is fs.ErrClosed.
func (r *sharedReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return 0, fs.ErrClosed
	}
	return r.file.Read(p)
}

// Close closes the file, the first time.
func (r *sharedReader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	return r.file.Close()
}

// Count tells how many files have keys with the prefix, those that are not whole included.
func (b *Bucket) Count(ctx context.Context, prefix string) (n int64, err error) {
	err = b.Each(ctx, prefix, func(string) error { n++; return nil })
	return n, err
}

// DeleteAll deletes every file whose key begins with the prefix, those that are not whole included, and for a
// prefix that ends with a slash the directory itself, whose name would tell what it was for. Nothing there is
// no error.
func (b *Bucket) DeleteAll(ctx context.Context, prefix string) error {
	err := b.Each(ctx, prefix, func(key string) error {
		if err := b.files.Delete(ctx, key); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return fmt.Errorf("delete file: %w", err)
		}
		return nil
	})
	if err != nil || !strings.HasSuffix(prefix, "/") {
		return err
	}
	if err := b.root.RemoveAll(filepath.FromSlash(strings.TrimSuffix(prefix, "/"))); err != nil {
		return fmt.Errorf("delete directory: %w", err)
	}
	return nil
}

// Each calls do with the key of every file that begins with the prefix, in their order.
func (b *Bucket) Each(ctx context.Context, prefix string, do func(key string) error) error {
	if prefix == "" || strings.HasPrefix(prefix, "/") {
		return errors.New("bucket: a prefix is needed")
	}
	list := b.files.List(&blob.ListOptions{Prefix: prefix})
	for {
		object, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list files: %w", err)
		}
		if err := do(object.Key); err != nil {
			return err
		}
	}
}
