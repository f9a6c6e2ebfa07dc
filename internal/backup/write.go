package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/klauspost/compress/zstd"
)

const (
	// rereadings is how often a file is read again that changed while it was read.
	rereadings = 3
	// listed is how many things a result lists, of those that it counts.
	listed = 100
)

// WriteOptions say what to write.
type WriteOptions struct {
	ID      uuid.UUID // new for each try: objects of another must never be written over
	Kind    string    // a word, such as backup or archive
	Now     time.Time
	Sources []NamedSource
	// Previous is the backup before, in the same repository; nil: none can be read. It must be kept until the new one is written.
	Previous *Manifest
	// Full stores everything anew.
	Full bool
	// Cache is a file that gets the manifest's text, for the next backup's OpenPrevious. Empty: none.
	Cache string
}

// Result is what a backup has become.
type Result struct {
	ManifestSHA256 string // opens the backup; to be kept elsewhere
	ManifestBytes  int64  // as stored
	Totals         Totals
	Uses           []Use     // the segments it needs, for Sweep; to be kept elsewhere
	LeftOut        []LeftOut // the first 100 that are not in it
	Unstable       []string  // the first 100 files that changed each time they were read: source/path
	CacheError     error     // why the manifest's text could not be kept
}

// Write writes a backup. If it fails, or its process ends, there is none, and Sweep clears away what there is of it. Any error of
// the store or of a source's walk ends it; a file that cannot be read is left out and counted.
func (r *Repository) Write(ctx context.Context, o WriteOptions) (_ *Result, err error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &writer{repo: r, o: o, stats: map[string]*SourceTotal{}, buffer: make([]byte, 0, r.sizeOfSegments())}
	defer func() {
		cancel()
		_ = w.wait() // nothing is written to the store once this returns
		w.close()
	}()
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	if err := w.walk(ctx); err != nil {
		return nil, err
	}
	if err := w.storeAll(ctx); err != nil {
		return nil, err
	}
	return w.finish(ctx)
}

// writer is a backup that is being written.
type writer struct {
	repo     *Repository
	o        WriteOptions
	encoder  *zstd.Encoder
	previous *Manifest // nil: everything is stored anew
	used     []int64   // bytes that could be used again of each segment of the backup before
	present  []bool    // which of those are in the store
	reused   []bool    // which of those are used again

	walked *scratchLines // walkedEntry, in the order of the walk
	body   *scratchLines // lines of the manifest but its head and segments

	buffer, spare []byte     // content of the segment that is being filled, and of the one that is being stored
	segments      []Segment  // of this backup
	pending       chan error // of the segment that is being stored; nil: none is

	totals   Totals
	stats    map[string]*SourceTotal
	leftOut  []LeftOut
	unstable []string
}

// walkedEntry is an entry as it was when the source was walked.
type walkedEntry struct {
	Source int   `json:"s"`
	Entry  Entry `json:"e"`
	// Before is where the previous manifest has the same file; -1: it has not.
	Before int64 `json:"b"`
}

// close ends the use of what the writer has.
func (w *writer) close() {
	w.walked.close()
	w.body.close()
}

// begin sees to it that the id is new, and which segments can be used again.
func (w *writer) begin(ctx context.Context) (err error) {
	for _, source := range w.o.Sources {
		if ValidPath(source.Name) != nil || w.stats[source.Name] != nil {
			return fmt.Errorf("backup: a source cannot be called %q, or there are two", source.Name)
		}
		w.stats[source.Name] = &SourceTotal{Name: source.Name}
	}
	if w.encoder, err = newEncoder(); err != nil {
		return err
	}
	if w.walked, err = w.repo.scratchLines(); err != nil {
		return err
	}
	if w.body, err = w.repo.scratchLines(); err != nil {
		return err
	}
	if m := w.o.Previous; m != nil && !w.o.Full && slices.Equal(m.Recipients, w.recipients()) && m.repo.Prefix == w.repo.Prefix {
		w.previous, w.used = m, make([]int64, len(m.segments))
		w.present, w.reused = make([]bool, len(m.segments)), make([]bool, len(m.segments))
	}
	own := w.o.ID.String() + "/"
	err = w.repo.Store.Each(ctx, w.repo.Prefix, func(key string) error {
		key = strings.TrimPrefix(key, w.repo.Prefix)
		if strings.HasPrefix(key, own) {
			return fmt.Errorf("there is something of a backup %s already", w.o.ID)
		}
		if w.previous != nil {
			if i, ok := w.previous.segment(key); ok {
				w.present[i] = true
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for earlier segments: %w", err)
	}
	return nil
}

// recipients are their texts.
func (w *writer) recipients() []string {
	texts := make([]string, len(w.repo.Recipients))
	for i, recipient := range w.repo.Recipients {
		texts[i] = recipient.String()
	}
	slices.Sort(texts)
	return texts
}

// walk notes what is in the sources, and how much of the earlier segments could be used again.
func (w *writer) walk(ctx context.Context) error {
	for i, source := range w.o.Sources {
		err := source.Walk(ctx, func(e Entry) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if e.Kind == Other {
				return w.leave(source.Name, e.Path, e.Reason)
			}
			if err := w.repo.checkPath(e.Path); err != nil {
				return w.leave(source.Name, e.Path, "its name cannot be restored")
			}
			e.Modified = writable(e.Modified)
			walked := walkedEntry{Source: i, Entry: e, Before: -1}
			if file, at, err := w.unchanged(source.Name, e); err != nil {
				return err
			} else if file != nil {
				walked.Before = at
				for _, place := range file.Places {
					n, _ := w.previous.segment(place.Segment)
					w.used[n] += place.Bytes
				}
			}
			return w.walked.add(walked)
		})
		if err != nil {
			return fmt.Errorf("walk %s: %w", source.Name, err)
		}
	}
	return nil
}

// leave notes that something is not in the backup.
func (w *writer) leave(source, path, reason string) error {
	if !utf8.ValidString(path) {
		path = strconv.QuoteToASCII(path)
	}
	out := LeftOut{Source: source, Path: path, Reason: reason}
	w.totals.LeftOut++
	if len(w.leftOut) < listed {
		w.leftOut = append(w.leftOut, out)
	}
	return w.body.add(line{LeftOut: &out})
}

// unchanged finds a file in the backup before, if it looks the same.
func (w *writer) unchanged(source string, e Entry) (*File, int64, error) {
	if w.previous == nil || e.Kind != Regular || e.Stamp == (Stamp{}) {
		return nil, 0, nil
	}
	l, at, err := w.previous.find(source, e.Path)
	if err != nil || l == nil || l.File == nil {
		return nil, 0, err
	}
	if f := l.File; f.Bytes != e.Bytes || f.Stamp != e.Stamp || !f.Modified.Equal(e.Modified) || f.Unstable {
		return nil, 0, nil
	}
	return l.File, at, nil
}

// storeAll stores what was walked, or finds it in earlier segments.
func (w *writer) storeAll(ctx context.Context) error {
	lines, err := w.walked.rewind()
	if err != nil {
		return err
	}
	for entries := json.NewDecoder(lines); ; {
		var walked walkedEntry
		if err := entries.Decode(&walked); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("read scratch file: %w", err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		source := w.o.Sources[walked.Source]
		total := w.stats[source.Name]
		if walked.Entry.Kind == Directory {
			total.Directories++
			if err := w.body.add(line{Directory: &Dir{Source: source.Name, Path: walked.Entry.Path}}); err != nil {
				return err
			}
			continue
		}
		file, err := w.again(walked)
		if err == nil && file == nil {
			file, err = w.store(ctx, source, walked.Entry.Path)
		}
		if err != nil {
			return err
		}
		if file == nil {
			continue // it is left out
		}
		total.Files++
		total.Bytes += file.Bytes
		if err := w.body.add(line{File: file}); err != nil {
			return err
		}
	}
	if err := w.flush(ctx); err != nil {
		return err
	}
	return w.wait()
}

// again returns a file as the backup before has it, if its segments are there, and at least half of them is still used: else
// they would have to be kept for little.
func (w *writer) again(walked walkedEntry) (*File, error) {
	if walked.Before < 0 {
		return nil, nil
	}
	l, err := w.previous.at(walked.Before)
	if err != nil {
		return nil, err
	}
	var used, size int64
	for _, place := range l.File.Places {
		n, _ := w.previous.segment(place.Segment)
		if !w.present[n] {
			return nil, nil
		}
		used += w.used[n]
		size += w.previous.segments[n].Bytes
	}
	if 2*used < size {
		return nil, nil
	}
	for _, place := range l.File.Places {
		n, _ := w.previous.segment(place.Segment)
		w.reused[n] = true
	}
	l.File.Executable = walked.Entry.Executable
	return l.File, nil
}

// finish writes the manifest.
func (w *writer) finish(ctx context.Context) (*Result, error) {
	text, err := w.text()
	if err != nil {
		return nil, err
	}
	m := &Manifest{repo: w.repo, text: text}
	defer text.Close()
	info, err := text.Stat()
	if err != nil {
		return nil, fmt.Errorf("read scratch file: %w", err)
	}
	m.size = info.Size()
	// What could not be opened later is not written.
	if err := m.load(ctx, w.o.ID); err != nil {
		return nil, fmt.Errorf("check manifest: %w", err)
	}
	result := &Result{Totals: m.Totals, Uses: m.Uses(), LeftOut: w.leftOut, Unstable: w.unstable}
	result.ManifestSHA256, result.ManifestBytes, err = w.repo.seal(ctx, w.encoder, w.repo.manifestKey(w.o.ID), io.NewSectionReader(text, 0, m.size))
	if err != nil {
		return nil, fmt.Errorf("store manifest: %w", err)
	}
	if w.o.Cache != "" {
		m.SHA256 = result.ManifestSHA256
		result.CacheError = m.SaveCache(w.o.Cache)
	}
	return result, nil
}

// text writes the manifest's text: head, segments, all others.
func (w *writer) text() (_ *os.File, err error) {
	body, err := w.body.rewind()
	if err != nil {
		return nil, err
	}
	segments := w.neededSegments()
	head := Head{
		Format: formatName, Version: formatVersion, BackupID: w.o.ID, CustomerID: w.repo.CustomerID, Kind: w.o.Kind,
		CreatedAt: w.o.Now.UTC(), Recipients: w.recipients(), Sources: []SourceTotal{},
	}
	if w.previous != nil {
		head.Previous = &w.previous.BackupID
	}
	for _, source := range w.o.Sources {
		total := w.stats[source.Name]
		head.Sources = append(head.Sources, *total)
		w.totals.Files += total.Files
		w.totals.Directories += total.Directories
		w.totals.Bytes += total.Bytes
	}
	for _, s := range w.segments {
		w.totals.UploadedBytes += s.Stored
	}
	w.totals.Segments = int64(len(segments))
	head.Totals = w.totals
	out, err := w.repo.scratchLines()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			out.close()
		}
	}()
	if err := out.add(line{Head: &head}); err != nil {
		return nil, err
	}
	for _, s := range segments {
		if err := out.add(line{Segment: &s}); err != nil {
			return nil, err
		}
	}
	if _, err := io.Copy(out.out, body); err != nil {
		return nil, fmt.Errorf("write scratch file: %w", err)
	}
	if err := out.out.Flush(); err != nil {
		return nil, fmt.Errorf("write scratch file: %w", err)
	}
	return out.file, nil
}

// neededSegments are those of this backup and those that it uses again, by their keys.
func (w *writer) neededSegments() []Segment {
	segments := slices.Clone(w.segments)
	for i, again := range w.reused {
		if again {
			segments = append(segments, w.previous.segments[i])
		}
	}
	slices.SortFunc(segments, func(a, b Segment) int { return strings.Compare(a.Segment, b.Segment) })
	return segments
}
