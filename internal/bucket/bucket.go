// Package bucket keeps files outside of the database. Everything of one customer is under one prefix, so that
// it can be deleted as a whole. The package does not know who may read what: whoever asks has been let in by
// the database before.
//
// Buckets are directories, or in S3, Google Cloud Storage or Azure Blob Storage. A file appears under its name only when it is
// whole and has reached the disk, or what the cloud has in place of one.
package bucket

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"
)

// ErrNotFound says that there is no such file.
var ErrNotFound = errors.New("bucket: no such file")

// ErrDamaged says that a file is not what was written, as the bucket's own checksum tells. S3 has one of each file that is read as a whole.
var ErrDamaged = errors.New("bucket: the file is damaged")

// dirMode is for the directories that are made: whoever runs the program, and its group.
const dirMode = 0o750

// Bucket is an open bucket. Safe for concurrent use.
type Bucket struct {
	files *blob.Bucket
	root  *os.Root      // of a directory
	s3    *s3Bucket     // of S3
	stall time.Duration // see Options; 0 for a directory
}

// Close ends the use of the bucket.
func (b *Bucket) Close() error {
	err := b.files.Close()
	if b.root != nil {
		err = errors.Join(err, b.root.Close())
	}
	return err
}

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

// What is sent at once of a file that is written, to S3 and Azure several parts: up to 40 MiB of memory for each file. S3 takes
// 10,000 parts, so a file may have 78 GiB.
const (
	partSize    = 8 << 20
	partsAtOnce = 2
)

// Write makes a file of what fn writes, in place of the one with its key if there is one. When fn fails, or ctx has ended by
// then, there is no such file, and one that was there before is as it was. When something else fails, as the network while the
// bucket is about to answer, the file may be there all the same, but only as a whole.
func (b *Bucket) Write(ctx context.Context, key, contentType string, fn func(w io.Writer) error) error {
	ctx, watch := watched(ctx, b.stall)
	defer watch.cancel(nil)
	var file *os.File
	before := func(as func(any) bool) error {
		as(&file)
		return nil
	}
	if b.s3 != nil {
		before = b.s3.beforeWrite(b.stall)
	}
	w, err := b.files.NewWriter(ctx, key, &blob.WriterOptions{
		ContentType: contentType, BufferSize: partSize, MaxConcurrency: partsAtOnce, BeforeWrite: before,
	})
	if err != nil {
		return fmt.Errorf("begin file: %w", err)
	}
	whole := false
	defer func() {
		if !whole { // also where fn panics
			watch.cancel(nil) // closing then throws away what was written
			_ = w.Close()
		}
	}()
	buffered := bufio.NewWriterSize(watchedWriter{ctx, watch, w}, 64<<10)
	if err := fn(buffered); err != nil {
		return err
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	if file != nil {
		if err := file.Sync(); err != nil { // else a crash of the machine could leave the name without the content
			return err
		}
	}
	whole = true
	if err := watch.wait(ctx, w.Close); err != nil {
		return fmt.Errorf("finish file: %w", err)
	}
	if file == nil {
		return nil
	}
	return b.syncNames(key)
}

// syncNames has the name of a file in a directory reach the disk, and those of the directories that lead to it.
func (b *Bucket) syncNames(key string) error {
	for dir := path.Dir(key); ; dir = path.Dir(dir) {
		file, err := b.root.Open(filepath.FromSlash(dir))
		if err == nil {
			err = errors.Join(file.Sync(), file.Close())
		}
		if err != nil {
			return fmt.Errorf("finish file: %w", err)
		}
		if dir == "." {
			return nil
		}
	}
}

// watchedWriter is a file that is being written.
type watchedWriter struct {
	ctx   context.Context
	watch *watch
	file  io.Writer
}

// Write writes on.
func (w watchedWriter) Write(p []byte) (n int, err error) {
	err = w.watch.wait(w.ctx, func() (err error) {
		n, err = w.file.Write(p)
		return err
	})
	return n, err
}

// Read opens a file, which can be read from any place. ErrNotFound if there is none. ctx must last until it is closed.
func (b *Bucket) Read(ctx context.Context, key string) (io.ReadSeekCloser, error) {
	f, err := b.open(ctx, key, 0, -1, b.root == nil)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// ReadRange opens length bytes of a file from offset on, which must be before its end; a negative length reads to its end.
// ErrNotFound if there is none. It can be closed while it is read, and more than once: http.Client closes a body when it likes.
func (b *Bucket) ReadRange(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	f, err := b.open(ctx, key, offset, length, false)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Count tells how many files have keys with the prefix, in a directory those that are not whole included.
func (b *Bucket) Count(ctx context.Context, prefix string) (n int64, err error) {
	err = b.Each(ctx, prefix, func(string) error { n++; return nil })
	return n, err
}

// deletesAtOnce is how many files are deleted at the same time, from a bucket on the network.
const deletesAtOnce = 16

// DeleteAll deletes every file whose key begins with the prefix, those that are not whole included, and for a
// prefix that ends with a slash the directory itself, whose name would tell what it was for. Nothing there is
// no error.
func (b *Bucket) DeleteAll(ctx context.Context, prefix string) error {
	if err := checkPrefix(prefix); err != nil {
		return err
	}
	if err := b.abortUploads(ctx, prefix); err != nil {
		return err
	}
	deletes, deleteCtx := errgroup.WithContext(ctx)
	deletes.SetLimit(deletesAtOnce)
	listErr := b.Each(deleteCtx, prefix, func(key string) error {
		if b.root != nil { // listing a directory fails where files vanish meanwhile
			return b.delete(ctx, key)
		}
		deletes.Go(func() error { return b.delete(deleteCtx, key) })
		return nil
	})
	if err := cmp.Or(deletes.Wait(), listErr); err != nil {
		return err
	}
	if b.root == nil || !strings.HasSuffix(prefix, "/") {
		return nil
	}
	if err := b.root.RemoveAll(filepath.FromSlash(strings.TrimSuffix(prefix, "/"))); err != nil {
		return fmt.Errorf("delete directory: %w", err)
	}
	return nil
}

// delete deletes a file, if it is there.
func (b *Bucket) delete(ctx context.Context, key string) error {
	ctx, watch := watched(ctx, b.stall)
	defer watch.cancel(nil)
	if err := watch.wait(ctx, func() error { return b.files.Delete(ctx, key) }); err != nil && !notFound(err) {
		return fmt.Errorf("delete file: %w", err)
	}
	return nil
}

// abortUploads removes what a bucket has of files that are not whole and that it does not list.
func (b *Bucket) abortUploads(ctx context.Context, prefix string) error {
	if b.s3 == nil {
		return nil
	}
	ctx, watch := watched(ctx, b.stall)
	defer watch.cancel(nil)
	return watch.wait(ctx, func() error { return b.s3.abortUploads(ctx, prefix) })
}

// Each calls do with the key of every file that begins with the prefix, in their order.
func (b *Bucket) Each(ctx context.Context, prefix string, do func(key string) error) error {
	if err := checkPrefix(prefix); err != nil {
		return err
	}
	ctx, watch := watched(ctx, b.stall)
	defer watch.cancel(nil)
	list := b.files.List(&blob.ListOptions{Prefix: prefix})
	for {
		var object *blob.ListObject
		err := watch.wait(ctx, func() (err error) {
			object, err = list.Next(ctx)
			return err
		})
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

func checkPrefix(prefix string) error {
	if prefix == "" || strings.HasPrefix(prefix, "/") {
		return errors.New("bucket: a prefix is needed")
	}
	return nil
}
