package backup

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

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
