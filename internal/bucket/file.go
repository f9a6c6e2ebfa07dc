package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"

	"gocloud.dev/blob"
)

// firstPiece is how much of a file on the network is asked for where its reader has sought. It may want a few bytes; each piece
// that it goes on to is several times as long as the one before.
const (
	firstPiece  = 256 << 10
	pieceGrowth = 4
)

// file is an open file. One may read it and another close it.
type file struct {
	bucket *Bucket
	key    string
	ctx    context.Context
	watch  *watch

	mu     sync.Mutex
	offset int64 // of what is read next
	end    int64
	blob   *blob.Reader // what is being read of; nil where the next Read opens it
	at     int64        // the offset that blob stands at
	piece  int64        // how long the next blob is; 0: to the end
	closed bool
}

// open opens a range of a file; a negative length reaches to its end. ErrNotFound if there is none. Of one that is lazy nothing is
// fetched until it is read.
func (b *Bucket) open(ctx context.Context, key string, offset, length int64, lazy bool) (*file, error) {
	f := &file{bucket: b, key: key, offset: offset}
	f.ctx, f.watch = watched(ctx, b.stall)
	err := f.watch.wait(f.ctx, func() error {
		if lazy {
			attributes, err := b.files.Attributes(f.ctx, key)
			if err == nil {
				f.end = attributes.Size
			}
			if !notFound(err) { // else what is missing may be the bucket, which a server only says where it can send a text
				return err
			}
		}
		if err := f.fetch(length); err != nil {
			return err
		}
		f.end = f.blob.Size()
		if length >= 0 {
			f.end = min(f.end, offset+length)
		}
		return nil
	})
	if err != nil {
		f.watch.cancel(nil)
		return nil, readError("open file", err)
	}
	return f, nil
}

// fetch begins to read the file anew, from where it is to be read on.
func (f *file) fetch(length int64) (err error) {
	if f.blob != nil {
		_ = f.blob.Close()
	}
	f.at = f.offset
	f.blob, err = f.bucket.files.NewRangeReader(f.ctx, f.key, f.offset, length, nil)
	return err
}

// Read reads on. Once the file is closed its error is fs.ErrClosed.
func (f *file) Read(p []byte) (n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return 0, fs.ErrClosed
	}
	err = f.watch.wait(f.ctx, func() (err error) {
		n, err = f.read(p)
		return err
	})
	f.offset += int64(n)
	f.at = f.offset
	if err != nil && strings.Contains(err.Error(), wrongChecksum) {
		err = fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return n, err
}

// wrongChecksum is what the client of S3 says of a file that has not the checksum that was stored with it; it has no type for that.
const wrongChecksum = "checksum did not match"

func (f *file) read(p []byte) (n int, err error) {
	switch {
	case len(p) == 0:
		return 0, nil
	case f.offset >= f.end && f.blob != nil && f.at == f.offset:
		return f.blob.Read(p) // the end, or what is wrong with its checksum
	case f.offset >= f.end:
		return 0, io.EOF
	}
	for fetched := false; ; fetched = true {
		if fetched || f.blob == nil || f.at != f.offset {
			length := f.end - f.offset
			if f.piece > 0 {
				length = min(length, f.piece)
				f.piece *= pieceGrowth
			} else if f.offset == 0 {
				length = -1 // of a whole file the checksum is looked at
			}
			if err := f.fetch(length); err != nil {
				f.blob = nil
				return 0, readError("open file", err)
			}
		}
		n, err = f.blob.Read(p)
		switch {
		case !errors.Is(err, io.EOF):
			return n, err
		case n > 0:
			return n, nil
		case fetched:
			return 0, io.ErrUnexpectedEOF // it is shorter than it was
		}
	}
}

// Seek says where to read on.
func (f *file) Seek(offset int64, whence int) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch whence {
	case io.SeekCurrent:
		offset += f.offset
	case io.SeekEnd:
		offset += f.end
	}
	switch {
	case f.closed:
		return 0, fs.ErrClosed
	case offset < 0:
		return 0, errors.New("seek: before the beginning")
	}
	f.offset, f.piece = offset, 0
	if offset > 0 && f.bucket.root == nil {
		f.piece = firstPiece
	}
	return offset, nil
}

// Close closes the file, the first time. Reading ends at once.
func (f *file) Close() error {
	f.watch.cancel(fs.ErrClosed)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	if f.blob == nil {
		return nil
	}
	return f.blob.Close()
}
