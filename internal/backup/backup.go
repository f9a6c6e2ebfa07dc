// Package backup writes files to a bucket so that they can be had back: whole, or one of them, as they were on a
// day. It knows trees of files (sources) and objects (a store), and no database: what is to be kept, who may
// restore, and when, is decided by whoever calls.
//
// A backup is some segments and, written last, one manifest:
//
//	<prefix><backup id>/<n>         segment n, eight digits
//	<prefix><backup id>/manifest
//
// A segment holds up to 12 MiB of content: many small files one after the other, or a slice of a large one;
// compressed with zstd, then encrypted with age where there are recipients. The manifest says where every file is, and
// has the SHA-256 of each file's content and of each segment as it is stored. It is JSON, one object a line, compressed
// and encrypted like a segment. Its own SHA-256, as stored, is what a caller keeps: only with it a manifest can be
// opened, and so no half, old or foreign one ever is. docs/backup-format.md has all of it, and how to restore by hand.
//
// A file that looks as it did in the backup before (size, times, inode) is not stored again: its place is in a segment
// of an earlier backup. So segments outlive the backup that wrote them; [Repository.Sweep] knows which are needed.
//
// One backup takes two buffers of 12 MiB, some MiB to compress, and 40 bytes for each file: less than 100 MiB for any number of
// bytes, less than 200 MiB for a million files (TestMemory). The scratch directory takes some 300 bytes for each file, four times.
package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
	"unicode/utf8"

	"filippo.io/age"
	"github.com/google/uuid"
	"golang.org/x/time/rate"
)

// Store keeps objects. *bucket.Bucket is one.
type Store interface {
	// Write makes an object of what fn writes, whole or not at all.
	Write(ctx context.Context, key, contentType string, fn func(w io.Writer) error) error
	// Read opens an object. bucket.ErrNotFound if there is none.
	Read(ctx context.Context, key string) (io.ReadSeekCloser, error)
	// Each calls do with every key that begins with the prefix.
	Each(ctx context.Context, prefix string, do func(key string) error) error
	// DeleteAll deletes every object whose key begins with the prefix.
	DeleteAll(ctx context.Context, prefix string) error
}

// Recipient is whom backups are encrypted for: *age.X25519Recipient or *age.HybridRecipient. Its text, which is no
// secret, stands in the manifest.
type Recipient interface {
	age.Recipient
	fmt.Stringer
}

// Repository is where the backups of one customer are. It may be used by several goroutines.
type Repository struct {
	Store      Store
	Prefix     string         // what their keys begin with, such as customers/<id>/backups/; ends with a slash
	CustomerID uuid.UUID      // whose they are
	Recipients []Recipient    // empty: not encrypted
	Identities []age.Identity // to read what is encrypted; not needed to write
	Limiter    *rate.Limiter  // bytes a second that are read of sources and targets and fetched from the store; nil: no limit. What is written is not counted again
	Scratch    string         // directory for temporary files, which have no name; empty: that of the system
	// CheckPath refuses paths that may not be restored, besides those that never may (see ValidPath). May be nil.
	CheckPath func(path string) error
	// Settle is how long ago a file must have been changed when it is read, for the next backup to believe that it would see
	// another change: clocks of file systems are coarse. 0 is a second.
	Settle time.Duration

	segmentSize int // of tests
}

// Kind of an entry of a source.
type Kind uint8

// The kinds.
const (
	Regular   Kind = iota // a file
	Directory             // a directory
	Other                 // a link, a device, a file that is not to be kept: see Entry.Reason
)

// Entry is something in a source.
type Entry struct {
	Path       string    `json:"path"` // slashes, no slash at its ends
	Kind       Kind      `json:"kind"`
	Bytes      int64     `json:"bytes"`
	Executable bool      `json:"executable"`
	Modified   time.Time `json:"modified"`
	Stamp      Stamp     `json:"stamp"`
	Reason     string    `json:"reason"` // why it is not kept, of Other
	// Unnamed, of Other: the path only shows what it is called, and nothing can be done by it.
	Unnamed bool `json:"unnamed,omitempty"`
}

// Stamp tells whether a file has changed without reading it. The zero Stamp never says that it has not.
type Stamp struct {
	Inode   uint64 `json:"inode,omitempty"`
	Changed int64  `json:"ctime,omitempty"`   // ctime, in nanoseconds since 1970
	Version string `json:"version,omitempty"` // what other stores than file systems have: an ETag, a row's version
}

// Source is a tree of files to be kept.
type Source interface {
	// Walk calls fn with every entry below the root, a directory before what is in it. A name that is not UTF-8 is Other, with
	// a path that was made readable.
	Walk(ctx context.Context, fn func(Entry) error) error
	// Open opens a file, and never anything else. Every change from now on gives it another stamp, also one by a program that has mapped it.
	Open(ctx context.Context, path string) (OpenFile, error)
}

// OpenFile is a file of a source.
type OpenFile interface {
	io.ReadCloser
	// Stat says what the file is at this moment.
	Stat() (Entry, error)
}

// NamedSource is a source of a backup.
type NamedSource struct {
	Name string // such as shared, spaces/<id>, media; a path like a file's
	Source
}

// Target is a tree of files into which is restored.
type Target interface {
	Source
	// Stage begins a file apart from the tree, under a number.
	Stage(ctx context.Context, number int64, file File) (Staging, error)
	// Place puts a staged file where it belongs, in place of the file that is there. The directory is there by then.
	Place(ctx context.Context, number int64, file File) error
	// MakeDirectory makes a directory, and those above it. One that is there is no error.
	MakeDirectory(ctx context.Context, path string) error
	// Remove removes what is at path: ErrNotEmpty for a directory in which there is something. Nothing there is no error.
	Remove(ctx context.Context, path string) error
}

// Staging is a file that is being staged.
type Staging interface {
	io.Writer
	// Close keeps the file: its content is verified.
	Close() error
	// Discard throws it away.
	Discard() error
}

// DamageError says that a backup is not, or no longer, what was written.
type DamageError struct {
	Backup  uuid.UUID
	Segment string // the segment's key without the prefix; empty: not a segment
	Source  string
	File    string // the file's path; empty: not a single file
	What    string // "is missing"
	Err     error  // the cause, if there is one
}

// Error names what is damaged.
func (e *DamageError) Error() string {
	what := "manifest"
	switch {
	case e.File != "":
		what = fmt.Sprintf("file %q of %s", e.File, e.Source)
	case e.Segment != "":
		what = "segment " + e.Segment
	}
	message := fmt.Sprintf("backup %s is damaged: its %s %s", e.Backup, what, e.What)
	if e.Err != nil {
		message += ": " + e.Err.Error()
	}
	return message
}

// Unwrap is the cause.
func (e *DamageError) Unwrap() error { return e.Err }

// ErrIdentity says that a backup is encrypted for others than the identities that were given.
var ErrIdentity = errors.New("the backup is encrypted, and none of the given identities can read it")

// ValidPath refuses what is no path of a file in a tree: empty, absolute, with . or .. or an empty name in it, not
// UTF-8, with NUL, with a name of more than 255 bytes, longer than 4,095 bytes.
func ValidPath(path string) error {
	switch {
	case !fs.ValidPath(path), path == ".":
		return errors.New("it is not a path inside of a tree")
	case !utf8.ValidString(path), strings.ContainsRune(path, 0):
		return errors.New("it is not UTF-8 without NUL")
	case len(path) > 4095:
		return errors.New("it is longer than 4,095 bytes")
	}
	for name := range strings.SplitSeq(path, "/") {
		if len(name) > 255 {
			return errors.New("it has a name longer than 255 bytes")
		}
	}
	return nil
}

// checkPath is ValidPath and the caller's own rules.
func (r *Repository) checkPath(path string) error {
	if err := ValidPath(path); err != nil {
		return err
	}
	if r.CheckPath != nil {
		return r.CheckPath(path)
	}
	return nil
}

const (
	// segmentSize is how much content a segment has at most, when it is written.
	segmentSize = 12 << 20
	// maxSegmentSize is how much one may have to be read.
	maxSegmentSize = 64 << 20
	// chunkSize is how much is read of a file at once.
	chunkSize = 256 << 10
)

// sizeOfSegments is how much content a new segment has at most.
func (r *Repository) sizeOfSegments() int {
	if r.segmentSize > 0 {
		return r.segmentSize
	}
	return segmentSize
}

// manifestKey is the key of a backup's manifest.
func (r *Repository) manifestKey(id uuid.UUID) string { return r.Prefix + id.String() + "/manifest" }

// check refuses a repository that was not set up as it must be.
func (r *Repository) check() error {
	if r.Store == nil || !strings.HasSuffix(r.Prefix, "/") || r.Prefix == "/" {
		return errors.New("backup: a store and a prefix that ends with a slash are needed")
	}
	return nil
}

// wait waits until n more bytes may be read.
func (r *Repository) wait(ctx context.Context, n int) error {
	if r.Limiter == nil || r.Limiter.Limit() == rate.Inf {
		return ctx.Err()
	}
	for n > 0 {
		some := min(n, max(r.Limiter.Burst(), 1))
		if err := r.Limiter.WaitN(ctx, some); err != nil {
			return err
		}
		n -= some
	}
	return nil
}

// limited reads at the repository's rate, until its context ends.
type limited struct {
	ctx  context.Context
	repo *Repository
	from io.Reader
}

// Read waits for what it has read.
func (l *limited) Read(p []byte) (int, error) {
	if err := l.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := l.from.Read(p[:min(len(p), chunkSize)])
	if waitErr := l.repo.wait(l.ctx, n); waitErr != nil {
		return 0, waitErr
	}
	return n, err
}
