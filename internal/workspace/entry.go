package workspace

import (
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kind is what something in a workspace is.
type Kind string

// The kinds. What is neither a plain file nor a directory can be seen and deleted, no more: links, devices, FIFOs, sockets,
// files with a second name, and what has a name that is no path.
const (
	KindFile      Kind = "file"
	KindDirectory Kind = "directory"
	KindOther     Kind = "other"
)

// Entry is a file, a directory or something else in a workspace.
type Entry struct {
	Path       string // for KindOther perhaps with escapes, and then not the path of anything
	Kind       Kind
	Bytes      int64 // of a file: its length, holes included; else 0
	ModifiedAt time.Time
	ETag       string // a strong validator, with its quotes; a new one after every write, move, or change of the mode
	Executable bool   // of a file
	Content    bool   // of KindOther: it is, or may be, a file or a directory, whose content is in no archive; else a link, a device or the like
}

// Name is the last component of the path.
func (e Entry) Name() string { return e.Path[strings.LastIndexByte(e.Path, '/')+1:] }

// Stamp tells whether a file is the same and has the same content as another time: when its stamp is equal. Programs can
// set the time of modification, but not that of the last change.
type Stamp struct {
	Inode             uint64
	Bytes             int64
	Modified, Changed int64 // nanoseconds since 1970
}

// stampOf is the stamp of a file.
func stampOf(info fs.FileInfo) Stamp {
	inode, _, changed := identify(info)
	return Stamp{Inode: inode, Bytes: info.Size(), Modified: info.ModTime().UnixNano(), Changed: changed.UnixNano()}
}

// etag is the stamp as a validator.
func (s Stamp) etag() string {
	b := append(make([]byte, 0, 64), '"')
	b = strconv.AppendUint(b, s.Inode, 36)
	for _, n := range []int64{s.Bytes, s.Modified, s.Changed} {
		b = strconv.AppendInt(append(b, '-'), n, 36)
	}
	return string(append(b, '"'))
}

// isPlain tells whether a file may be read and written: a regular one that has one name, or none any more as
// it was replaced since it was opened. A second name may be anywhere on the disk, outside of the workspace too.
func isPlain(info fs.FileInfo) bool {
	_, links, _ := identify(info)
	return info.Mode().IsRegular() && links <= 1
}

// entryOf describes what is at a path.
func entryOf(path string, info fs.FileInfo) Entry {
	entry := Entry{Path: path, Kind: KindOther, ModifiedAt: info.ModTime(), ETag: stampOf(info).etag()}
	switch {
	case info.IsDir():
		entry.Kind = KindDirectory
	case isPlain(info):
		entry.Kind, entry.Bytes, entry.Executable = KindFile, info.Size(), info.Mode()&0o111 != 0
	default:
		entry.Content = info.Mode().IsRegular()
	}
	return entry
}

// Condition is what must be true of a file for something to be done with it, as the headers If-Match and If-None-Match of
// HTTP say it: ETags with or without their quotes, or "*" for any. The zero value is always true. It holds against others who
// write through Fanfare, one after another; a program that writes to the directory in that very moment is not seen.
type Condition struct {
	IfMatch, IfNoneMatch []string
}

// met tells whether the condition is true: of entry, or of nothing if nothing is there.
func (c Condition) met(entry Entry, there bool) bool {
	matches := func(tags []string) bool {
		return there && slices.ContainsFunc(tags, func(tag string) bool {
			return tag == "*" || strings.Trim(tag, `"`) == strings.Trim(entry.ETag, `"`)
		})
	}
	return (len(c.IfMatch) == 0 || matches(c.IfMatch)) && !matches(c.IfNoneMatch)
}

// Change is what a write, move or deletion has done.
type Change struct {
	Entry   Entry // what is there now, or what was deleted
	Bytes   int64 // by how much the files grew
	Files   int64 // by how many entries it became more, directories included
	Created bool  // nothing was there before
}
