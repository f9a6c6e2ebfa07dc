package backup

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/bucket"
)

const (
	// formatName and formatVersion begin each manifest.
	formatName    = "fanfare-backup"
	formatVersion = 1
	// Limits of a manifest that is read.
	maxManifestStored = 2 << 30
	maxManifestPlain  = 8 << 30
	maxLine           = 16 << 20
	maxEntries        = 10_000_000
)

// line is one line of a manifest: an object with one of these. The head is first, then come all segments.
type line struct {
	Head      *Head    `json:"head,omitempty"`
	Segment   *Segment `json:"segment,omitempty"`
	Directory *Dir     `json:"directory,omitempty"`
	File      *File    `json:"file,omitempty"`
	LeftOut   *LeftOut `json:"left_out,omitempty"`
}

// Head says what a backup is.
type Head struct {
	Format     string        `json:"format"`
	Version    int           `json:"version"`
	BackupID   uuid.UUID     `json:"backup_id"`
	CustomerID uuid.UUID     `json:"customer_id"`
	Kind       string        `json:"kind"` // the caller's word, such as backup or archive
	CreatedAt  time.Time     `json:"created_at"`
	Previous   *uuid.UUID    `json:"previous"`   // the backup of which segments are used again
	Recipients []string      `json:"recipients"` // whom all segments are encrypted for; empty: nobody
	Sources    []SourceTotal `json:"sources"`
	Totals     Totals        `json:"totals"`
}

// SourceTotal is what a backup has of one source.
type SourceTotal struct {
	Name        string `json:"name"`
	Files       int64  `json:"files"`
	Directories int64  `json:"directories"`
	Bytes       int64  `json:"bytes"`
}

// Totals count a backup.
type Totals struct {
	Files         int64 `json:"files"`
	Directories   int64 `json:"directories"`
	Bytes         int64 `json:"bytes"`          // of all files
	LeftOut       int64 `json:"left_out"`       // entries that are not in it
	Unreadable    int64 `json:"unreadable"`     // of those: files that could not be opened or read
	Gone          int64 `json:"gone"`           // of those: files that were gone when they were to be read, deleted or moved
	Unstable      int64 `json:"unstable"`       // files that changed while they were read, each time
	Segments      int64 `json:"segments"`       // that it needs, of earlier backups too
	StoredFiles   int64 `json:"stored_files"`   // files that were read and stored by this backup; the others are in earlier segments
	StoredBytes   int64 `json:"stored_bytes"`   // of those files
	UploadedBytes int64 `json:"uploaded_bytes"` // of this backup's segments, as they are stored
}

// Dir is a directory.
type Dir struct {
	Source string `json:"source"`
	Path   string `json:"path"`
}

// File is a file, and where its content is.
type File struct {
	Source     string    `json:"source"`
	Path       string    `json:"path"`
	Bytes      int64     `json:"bytes"`
	Executable bool      `json:"executable,omitempty"`
	Modified   time.Time `json:"modified"`
	Stamp      Stamp     `json:"stamp"`
	SHA256     string    `json:"sha256"` // of the content, in hex
	// Unstable: the file changed while it was read, each time it was tried. The content may never have been in it as a whole.
	Unstable bool    `json:"unstable,omitempty"`
	Places   []Place `json:"places,omitempty"` // of the content, in order; none of an empty file
}

// Place is a part of a file in a segment. The parts of one file are in segments of one backup, numbered one after the
// other; it ends at the end of each but the last.
type Place struct {
	Segment string `json:"segment"`
	Offset  int64  `json:"offset"`
	Bytes   int64  `json:"bytes"`
}

// LeftOut is something that is not in the backup.
type LeftOut struct {
	Source string `json:"source"`
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Manifest is a backup that was opened. Its lines are in a file; memory has 16 bytes for each. It may be used by one goroutine
// at a time, and must be closed.
type Manifest struct {
	Head
	SHA256 string // of the manifest as it is stored, in hex

	repo     *Repository
	text     *os.File
	size     int64     // bytes of the text
	segments []Segment // by their keys
	index    []entryAt // by their hashes
	seed     maphash.Seed
	buffer   []byte
	compared map[uint64]compared // of files that were read to see whether they are those of the backup
}

// entryAt is where the line of a file or directory begins.
type entryAt struct {
	hash uint64
	at   int64
}

// Close ends the use of the manifest.
func (m *Manifest) Close() error { return m.text.Close() }

// Open fetches a backup's manifest and checks all of it. sum is the SHA-256 that Write has returned. The error is a *DamageError
// if the manifest is missing, not that one, or not in order, and ErrIdentity if it is encrypted for others.
func (r *Repository) Open(ctx context.Context, id uuid.UUID, sum string) (_ *Manifest, err error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	damage := func(what string, err error) error { return &DamageError{Backup: id, What: what, Err: err} }
	object, err := r.Store.Read(ctx, r.manifestKey(id))
	switch {
	case errors.Is(err, bucket.ErrNotFound):
		return nil, damage("is missing", nil)
	case err != nil:
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	defer object.Close()
	stored, err := r.scratch()
	if err != nil {
		return nil, err
	}
	defer stored.Close()
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(stored, hash), &limited{ctx: ctx, repo: r, from: io.LimitReader(object, maxManifestStored+1)})
	switch {
	case errors.Is(err, bucket.ErrDamaged):
		return nil, damage("is not the one that was stored", nil)
	case err != nil:
		return nil, fmt.Errorf("read manifest: %w", err)
	case n > maxManifestStored, hex.EncodeToString(hash.Sum(nil)) != sum:
		return nil, damage("is not the one that was stored", nil)
	}
	text, err := r.scratch()
	if err != nil {
		return nil, err
	}
	m := &Manifest{repo: r, SHA256: sum, text: text}
	defer func() {
		if err != nil {
			_ = m.Close()
		}
	}()
	if m.size, err = r.unsealManifest(text, stored); err != nil {
		if errors.Is(err, ErrIdentity) {
			return nil, err
		}
		return nil, damage("cannot be read", err)
	}
	if err := m.load(ctx, id); err != nil {
		return nil, err
	}
	return m, nil
}

// unsealManifest writes a manifest's text.
func (r *Repository) unsealManifest(text io.Writer, stored *os.File) (int64, error) {
	const ageBegins = "age-encryption.org/"
	begin := make([]byte, len(ageBegins))
	if _, err := stored.ReadAt(begin, 0); err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if _, err := stored.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	decoder, err := newDecoder()
	if err != nil {
		return 0, err
	}
	defer decoder.Close()
	if err := r.unseal(decoder, bufio.NewReaderSize(stored, chunkSize), string(begin) == ageBegins); err != nil {
		return 0, err
	}
	n, err := io.Copy(text, io.LimitReader(decoder, maxManifestPlain+1))
	if err == nil && n > maxManifestPlain {
		err = errors.New("it is too long")
	}
	return n, err
}

// each calls fn with every line and where it begins.
func (m *Manifest) each(ctx context.Context, fn func(at int64, l *line) error) error {
	lines := bufio.NewScanner(io.NewSectionReader(m.text, 0, m.size))
	lines.Buffer(make([]byte, 64<<10), maxLine)
	at := int64(0)
	for lines.Scan() {
		if err := ctx.Err(); err != nil {
			return err
		}
		l := &line{}
		if err := json.Unmarshal(lines.Bytes(), l); err != nil {
			return m.bad("has a line that is not JSON", err)
		}
		if err := fn(at, l); err != nil {
			return err
		}
		at += int64(len(lines.Bytes())) + 1
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return m.bad("has a line that is too long", nil)
	} else if err != nil {
		return fmt.Errorf("read manifest: %w", err)
	}
	return nil
}

// Files calls fn with every file of the backup.
func (m *Manifest) Files(ctx context.Context, fn func(File) error) error {
	return m.each(ctx, func(_ int64, l *line) error {
		if l.File == nil {
			return nil
		}
		return fn(*l.File)
	})
}

// LeftOut calls fn with everything that is not in the backup.
func (m *Manifest) LeftOut(ctx context.Context, fn func(LeftOut) error) error {
	return m.each(ctx, func(_ int64, l *line) error {
		if l.LeftOut == nil {
			return nil
		}
		return fn(*l.LeftOut)
	})
}

// bad says that the manifest is not in order.
func (m *Manifest) bad(what string, err error) error {
	return &DamageError{Backup: m.BackupID, What: what, Err: err}
}

// hash is what an entry is found by.
func (m *Manifest) hash(source, path string) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	_, _ = h.WriteString(source)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(path)
	return h.Sum64()
}

// name is what a file or directory is called; empty for other lines.
func (l *line) name() (source, path string) {
	switch {
	case l.File != nil:
		return l.File.Source, l.File.Path
	case l.Directory != nil:
		return l.Directory.Source, l.Directory.Path
	}
	return "", ""
}

// find returns the line of a file or directory and where it begins; nil if there is none.
func (m *Manifest) find(source, path string) (*line, int64, error) {
	hash := m.hash(source, path)
	i, _ := slices.BinarySearchFunc(m.index, hash, func(e entryAt, hash uint64) int { return cmp.Compare(e.hash, hash) })
	for ; i < len(m.index) && m.index[i].hash == hash; i++ {
		l, err := m.at(m.index[i].at)
		if err != nil {
			return nil, 0, err
		}
		if s, p := l.name(); s == source && p == path {
			return l, m.index[i].at, nil
		}
	}
	return nil, -1, nil
}

// position is where the index has the entry whose line begins at a place.
func (m *Manifest) position(source, path string, at int64) int {
	i, _ := slices.BinarySearchFunc(m.index, entryAt{m.hash(source, path), at}, func(e, want entryAt) int {
		return cmp.Or(cmp.Compare(e.hash, want.hash), cmp.Compare(e.at, want.at))
	})
	return i
}

// at reads the line that begins at a place.
func (m *Manifest) at(at int64) (*line, error) {
	if m.buffer == nil {
		m.buffer = make([]byte, 1<<10)
	}
	for {
		n, err := m.text.ReadAt(m.buffer[:min(int64(len(m.buffer)), m.size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read manifest: %w", err)
		}
		end := bytes.IndexByte(m.buffer[:n], '\n')
		if end < 0 && n == len(m.buffer) && n < maxLine {
			m.buffer = make([]byte, 4*n)
			continue
		}
		if end < 0 {
			end = n
		}
		l := &line{}
		if err := json.Unmarshal(m.buffer[:end], l); err != nil {
			return nil, m.bad("has a line that is not JSON", err)
		}
		return l, nil
	}
}
