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
	"path"
	"slices"
	"strconv"
	"strings"
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
	maxManifestPlain  = 16 << 30
	maxLine           = 64 << 20
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
}

// entryAt is where the line of a file or directory begins.
type entryAt struct {
	hash uint64
	at   int64
}

// Close ends the use of the manifest.
func (m *Manifest) Close() error { return m.text.Close() }

// scratch makes a temporary file that has no name, so that nothing of it stays, whatever happens.
func (r *Repository) scratch() (*os.File, error) {
	f, err := os.CreateTemp(r.Scratch, "fanfare-backup-*")
	if err != nil {
		return nil, fmt.Errorf("make scratch file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("make scratch file: %w", err)
	}
	return f, nil
}

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
	if err := lines.Err(); err != nil {
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

// load reads all lines, makes the index, and refuses what is not in order: whatever is not refused here can be restored without
// looking again.
func (m *Manifest) load(ctx context.Context, id uuid.UUID) error {
	m.seed = maphash.MakeSeed()
	var totals Totals
	sources := map[string]*SourceTotal{}
	var parents []int64
	lastSource, lastParent := "", ""
	inSegments, first := true, true
	err := m.each(ctx, func(at int64, l *line) error {
		if first {
			first = false
			return m.loadHead(l.Head, id, sources)
		}
		if !l.one() {
			return m.bad("has a line of an unknown kind", nil)
		}
		if source, name := l.name(); name != "" {
			if parent := path.Dir(name); source != lastSource || parent != lastParent {
				lastSource, lastParent = source, parent
				parents = append(parents, at)
			}
		}
		inSegments = inSegments && l.Segment != nil
		switch {
		case l.Segment != nil:
			if !inSegments {
				return m.bad("has a segment among its files", nil)
			}
			return m.loadSegment(*l.Segment)
		case l.LeftOut != nil:
			totals.LeftOut++
			return nil
		case l.Directory != nil:
			totals.Directories++
			total := sources[l.Directory.Source]
			if total == nil {
				return m.bad("has a directory of no source", nil)
			}
			total.Directories++
			return m.add(l.Directory.Source, l.Directory.Path, at)
		case l.File != nil:
			f := l.File
			totals.Files++
			totals.Bytes += f.Bytes
			total := sources[f.Source]
			if total == nil {
				return m.bad("has a file of no source", nil)
			}
			total.Files++
			total.Bytes += f.Bytes
			if err := m.checkFile(f); err != nil {
				return &DamageError{Backup: m.BackupID, Source: f.Source, File: f.Path, What: "is not in order in the manifest", Err: err}
			}
			return m.add(f.Source, f.Path, at)
		}
		return m.bad("has a second head", nil)
	})
	if err != nil {
		return err
	}
	t := m.Totals
	if first || totals.Files != t.Files || totals.Directories != t.Directories || totals.Bytes != t.Bytes || totals.LeftOut != t.LeftOut ||
		int64(len(m.segments)) != t.Segments {
		return m.bad("has totals that are not those of its lines", nil)
	}
	for _, total := range m.Sources {
		if *sources[total.Name] != total {
			return m.bad("has totals that are not those of its lines", nil)
		}
	}
	return m.checkNames(parents)
}

// loadHead takes over the head and refuses one of another backup.
func (m *Manifest) loadHead(head *Head, id uuid.UUID, sources map[string]*SourceTotal) error {
	switch {
	case head == nil || head.Format != formatName:
		return &DamageError{Backup: id, What: "is not in the format of a backup"}
	case head.Version != formatVersion:
		return fmt.Errorf("backup %s is in version %d of its format; this program reads version %d", id, head.Version, formatVersion)
	case head.BackupID != id || head.CustomerID != m.repo.CustomerID:
		return &DamageError{Backup: id, What: "is of another backup"}
	}
	m.Head = *head
	t := head.Totals
	if t.Files < 0 || t.Directories < 0 || t.Segments < 0 || t.Files > maxEntries || t.Directories > maxEntries || t.Segments > maxEntries ||
		t.Files+t.Directories > min(maxEntries, m.size/16) {
		return m.bad("has more entries than it can have", nil)
	}
	m.index = make([]entryAt, 0, t.Files+t.Directories)
	for _, source := range head.Sources {
		if ValidPath(source.Name) != nil || sources[source.Name] != nil {
			return m.bad(fmt.Sprintf("has a source %q", source.Name), nil)
		}
		sources[source.Name] = &SourceTotal{Name: source.Name}
	}
	return nil
}

// loadSegment takes over a segment. They come in the order of their keys.
func (m *Manifest) loadSegment(s Segment) error {
	_, _, ok := parseSegment(s.Segment)
	switch n := len(m.segments); {
	case !ok:
		return m.bad(fmt.Sprintf("has a segment %q", s.Segment), nil)
	case s.Bytes <= 0, s.Bytes > maxSegmentSize, s.Stored <= 0, s.Stored > s.Bytes+maxOverhead:
		return &DamageError{Backup: m.BackupID, Segment: s.Segment, What: "has an impossible size in the manifest"}
	case n > 0 && m.segments[n-1].Segment >= s.Segment:
		return m.bad("has segments that are not in order", nil)
	}
	m.segments = append(m.segments, s)
	return nil
}

// parseSegment takes a segment's key apart.
func parseSegment(key string) (backup uuid.UUID, number int, ok bool) {
	id, digits, _ := strings.Cut(key, "/")
	backup, err := uuid.Parse(id)
	if err != nil {
		return uuid.Nil, 0, false
	}
	number, err = strconv.Atoi(digits)
	return backup, number, err == nil && number >= 0 && segmentKey(backup, number) == key
}

// segment finds a segment in the manifest.
func (m *Manifest) segment(key string) (int, bool) {
	return slices.BinarySearchFunc(m.segments, key, func(s Segment, key string) int { return cmp.Compare(s.Segment, key) })
}

// checkFile refuses a file whose content cannot be where the manifest says.
func (m *Manifest) checkFile(f *File) error {
	if sum, err := hex.DecodeString(f.SHA256); err != nil || len(sum) != sha256.Size || f.Bytes < 0 {
		return errors.New("its size or its SHA-256 is none")
	}
	var bytes int64
	for i, place := range f.Places {
		n, ok := m.segment(place.Segment)
		switch {
		case !ok:
			return errors.New("it is in a segment that the manifest does not have")
		case place.Offset < 0, place.Bytes <= 0, place.Bytes > maxSegmentSize, place.Offset > m.segments[n].Bytes-place.Bytes:
			return errors.New("it is outside of its segment")
		case i > 0 && place.Offset != 0, i < len(f.Places)-1 && place.Offset+place.Bytes != m.segments[n].Bytes:
			return errors.New("its parts do not follow each other")
		case i > 0:
			before, number, _ := parseSegment(f.Places[i-1].Segment)
			if place.Segment != segmentKey(before, number+1) {
				return errors.New("its parts do not follow each other")
			}
		}
		bytes += place.Bytes
	}
	if bytes != f.Bytes {
		return errors.New("its parts are not as long as it is")
	}
	return nil
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

// add puts an entry into the index, if its path is one that may be restored.
func (m *Manifest) add(source, path string, at int64) error {
	if err := m.repo.checkPath(path); err != nil {
		return m.bad(fmt.Sprintf("has the path %q", path), err)
	}
	if len(m.index) == cap(m.index) {
		return m.bad("has totals that are not those of its lines", nil)
	}
	m.index = append(m.index, entryAt{m.hash(source, path), at})
	return nil
}

// checkNames refuses two entries with one path, and an entry below a file. Paths that differ by case are different.
// parents are where the lines begin whose directory is another than that of the line before.
func (m *Manifest) checkNames(parents []int64) error {
	slices.SortFunc(m.index, func(a, b entryAt) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.at, b.at)) })
	for i := 1; i < len(m.index); i++ {
		if m.index[i].hash != m.index[i-1].hash {
			continue
		}
		l, err := m.at(m.index[i].at)
		if err != nil {
			return err
		}
		source, name := l.name()
		if _, at, err := m.find(source, name); err != nil {
			return err
		} else if at != m.index[i].at {
			return m.bad(fmt.Sprintf("has the path %q twice", name), nil)
		}
	}
	for _, at := range parents {
		l, err := m.at(at)
		if err != nil {
			return err
		}
		source, name := l.name()
		for parent := path.Dir(name); parent != "."; parent = path.Dir(parent) {
			above, _, err := m.find(source, parent)
			switch {
			case err != nil:
				return err
			case above != nil && above.File != nil:
				return m.bad(fmt.Sprintf("has the path %q below a file", name), nil)
			}
			if above != nil {
				break // whatever is above the directory is looked at in its own turn
			}
		}
	}
	return nil
}

// one says whether the line has exactly one thing.
func (l *line) one() bool {
	n := 0
	for _, has := range []bool{l.Head != nil, l.Segment != nil, l.Directory != nil, l.File != nil, l.LeftOut != nil} {
		if has {
			n++
		}
	}
	return n == 1
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
