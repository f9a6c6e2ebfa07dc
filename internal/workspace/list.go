package workspace

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// maxDepth is how many directories below each other are looked into; more than paths have components, because programs can
// make what has no path here.
const maxDepth = 255

// lookAtOnce is how many names a walk looks at before it goes on to what is below them.
const lookAtOnce = 512

// maxCounted is how many entries are counted; no workspace may have as many, but programs can make them without end.
const maxCounted = 1_000_000

// maxPage is the most entries that List and Search return at once.
const maxPage = 10_000

// List lists what is in a directory ("" is the top), ordered by name: at most limit entries whose names come after the given one.
// more tells that there are others. Its cost in memory depends on limit only.
func (d *Directory) List(ctx context.Context, dir, after string, limit int) (entries []Entry, more bool, err error) {
	if err := d.checkDirectory(dir); err != nil {
		return nil, false, err
	}
	limit = min(max(limit, 1), maxPage)
	names, more, err := d.names(ctx, dir, after, false, limit)
	if err != nil {
		return nil, false, err
	}
	looks, err := d.look(dir, names)
	if err != nil {
		return nil, false, err
	}
	for i, name := range names {
		switch info, err := looks[i].info, looks[i].err; {
		case err == nil:
			entries = append(entries, shown(join(dir, name.printed), info))
		case errors.Is(err, fs.ErrPermission):
			entries = append(entries, hiddenEntry(join(dir, name.printed)))
		case !gone(err):
			return nil, false, fail("list directory", err)
		}
	}
	return entries, more, nil
}

// Search looks below a directory ("" is the top) for names that have the pattern in them; one with * or ? must fit all
// of the name. Upper and lower case are the same. It returns at most limit entries whose paths come after the given one, in the order of
// ComparePaths. more tells that there are others.
func (d *Directory) Search(ctx context.Context, under, pattern, after string, limit int) (entries []Entry, more bool, err error) {
	if err := d.checkDirectory(under); err != nil {
		return nil, false, err
	}
	if len(pattern) > MaxName || !utf8.ValidString(pattern) {
		return nil, false, &PathError{Reason: "cannot have this pattern in it: it is too long or not valid UTF-8"}
	}
	limit = min(max(limit, 1), maxPage)
	fits := matcher(pattern)
	enough := errors.New("enough")
	err = d.walk(ctx, under, after, false, func(found found) error {
		switch {
		case !fits(found.entry.Name()):
			return nil
		case len(entries) == limit:
			more = true
			return enough
		}
		entries = append(entries, found.entry)
		return nil
	})
	if err != nil && !errors.Is(err, enough) {
		return nil, false, err
	}
	return entries, more, nil
}

// matcher tells of names whether they fit a pattern.
func matcher(pattern string) func(name string) bool {
	pattern = strings.ToLower(pattern)
	if !strings.ContainsAny(pattern, "*?") {
		return func(name string) bool { return strings.Contains(strings.ToLower(name), pattern) }
	}
	pattern = strings.NewReplacer(`\`, `\\`, `[`, `\[`).Replace(pattern)
	return func(name string) bool {
		fits, err := path.Match(pattern, strings.ToLower(name))
		return fits && err == nil
	}
}

// Walk calls fn with everything that is in the workspace, ordered by ComparePaths. What programs change meanwhile may be seen or not.
// What has a path that CheckPath refuses, and directories that cannot be read, are KindOther and are not looked into.
func (d *Directory) Walk(ctx context.Context, fn func(Entry, Stamp) error) error {
	return d.walk(ctx, "", "", false, func(found found) error {
		var stamp Stamp
		if found.info != nil {
			stamp = stampOf(found.info)
		}
		return fn(found.entry, stamp)
	})
}

// Usage is how much is in a workspace.
type Usage struct {
	Bytes       int64     // of regular files: their lengths, holes included; once for every name
	Files       int64     // entries of all kinds, so that directories cannot be made without end either
	Directories int64     // of them
	Other       int64     // of them
	Fixed       int64     // of the directories: those from which nothing can be removed, as another user has made them
	LastChange  time.Time // when any file, or what is in any directory, was last written to, as far as programs tell the truth about it
	LastTouch   time.Time // when anything below the top, or its inode, was last changed, about which no program can lie
}

// Measure counts what is in the workspace: all that Walk shows, and also what is in directories that have no path. What is being
// written or deleted does not count. ErrUncounted, with what could be counted, when there are directories that it
// cannot look into, or a million entries: a workspace in which a program has made such ones is to be taken for full.
func (d *Directory) Measure(ctx context.Context) (Usage, error) { return d.measure(ctx, maxCounted) }

func (d *Directory) measure(ctx context.Context, limit int64) (Usage, error) {
	var usage Usage
	enough := errors.New("enough")
	hidden := false
	if info, err := d.root.Lstat("."); err == nil {
		usage.LastChange = info.ModTime()
	}
	count := func(found found) error {
		hidden = hidden || found.hidden
		if usage.Files == limit {
			hidden = true
			return enough
		}
		usage.Files++
		if found.info == nil {
			usage.Other++
			return nil
		}
		switch info := found.info; {
		case info.IsDir():
			usage.Directories++
			if !d.canRemoveFrom(found.raw, info) {
				usage.Fixed++
			}
		case !isPlain(info):
			usage.Other++
		}
		usage.Bytes += length(found.info)
		if changed := found.info.ModTime(); changed.After(usage.LastChange) {
			usage.LastChange = changed
		}
		if _, _, touched := identify(found.info); touched.After(usage.LastTouch) {
			usage.LastTouch = touched
		}
		return nil
	}
	err := d.walk(ctx, "", "", true, count)
	if err == nil { // what programs have put into the reserved directory
		switch info, failed := d.root.Lstat(reserved); {
		case failed == nil && info.IsDir():
			err = d.walk(ctx, reserved, "", true, count)
			if unreadable := errors.Is(err, fs.ErrPermission); unreadable || gone(err) {
				hidden, err = hidden || unreadable, nil
			}
		case failed == nil:
			err = count(found{raw: reserved, info: info})
		case !gone(failed):
			err = failed
		}
	}
	if errors.Is(err, enough) || err == nil && hidden {
		err = ErrUncounted
	}
	return usage, fail("measure workspace", err)
}

// length is what something counts in bytes.
func length(info fs.FileInfo) int64 {
	if info.Mode().IsRegular() {
		return info.Size()
	}
	return 0
}

// found is what a walk has found.
type found struct {
	raw    string      // the path on the disk
	entry  Entry       // as it is shown
	info   fs.FileInfo // nil if it cannot be told
	hidden bool        // a directory that cannot be looked into
}

// walk calls fn with what is below a directory and comes after a path, in the order of ComparePaths. all is to count: it enters the
// directories without a path too. In the reserved directory what has the name of something temporary is left out.
func (d *Directory) walk(ctx context.Context, under, after string, all bool, fn func(found) error) error {
	var from []string // the names of after below the directory
	if after != "" {
		from = strings.Split(after, "/")
		if under != "" {
			top := strings.Split(under, "/")
			switch n := min(len(top), len(from)); slices.Compare(from[:n], top[:n]) {
			case -1:
				from = nil
			case 1:
				return nil
			default:
				from = from[n:]
			}
		}
	}
	w := walker{d: d, ctx: ctx, all: all, fn: fn}
	first, err := w.page(under, from)
	if err != nil {
		return err
	}
	depth := 0
	if under != "" {
		depth = strings.Count(under, "/") + 1
	}
	return w.walk(under, under, depth, first, from)
}

// walker is a walk.
type walker struct {
	d   *Directory
	ctx context.Context
	all bool
	fn  func(found) error
}

// page is some of the names of a directory.
type page struct {
	names []name
	more  bool
}

// page reads the first names of a directory that are not before those of a path.
func (w *walker) page(raw string, from []string) (p page, err error) {
	start := ""
	if len(from) > 0 {
		start = from[0]
	}
	p.names, p.more, err = w.d.names(w.ctx, raw, start, true, pageAt(raw))
	return p, err
}

// pageAt is how many names of a directory are kept at once: fewer further down, because those of all directories above are kept as
// well.
func pageAt(raw string) int { return max(1<<16>>strings.Count(raw, "/"), 1<<10) }

// walk calls fn for the names of a directory, and for what is below them.
func (w *walker) walk(raw, printed string, depth int, p page, from []string) error {
	for {
		for names := range slices.Chunk(p.names, lookAtOnce) {
			looks, err := w.d.look(raw, names)
			if gone(err) {
				return nil
			}
			if err != nil {
				return err
			}
			for i, name := range names {
				if err := w.ctx.Err(); err != nil {
					return err
				}
				below := []string(nil)
				passed := len(from) > 0 && name.printed == from[0]
				if passed {
					below = from[1:]
				}
				if err := w.visit(join(raw, name.raw), join(printed, name.printed), looks[i], depth+1, passed, below); err != nil {
					return err
				}
			}
		}
		if !p.more {
			return nil
		}
		var err error
		p.names, p.more, err = w.d.names(w.ctx, raw, p.names[len(p.names)-1].printed, false, pageAt(raw))
		if gone(err) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// look is what is under a name of a directory, or why that cannot be told.
type look struct {
	info fs.FileInfo
	err  error
}

// look tells what is under some names of a directory. It opens that only once: it may be far down.
func (d *Directory) look(raw string, names []name) ([]look, error) {
	looks := make([]look, len(names))
	dir, err := d.root.OpenRoot(join(raw, ".")) // so that only a directory is opened, and not a FIFO in its place
	if errors.Is(err, fs.ErrPermission) {
		for i := range looks {
			looks[i].err = err
		}
		return looks, nil
	}
	if err != nil {
		return nil, fail("open directory", err)
	}
	defer func() { _ = dir.Close() }()
	for i, name := range names {
		looks[i].info, looks[i].err = dir.Lstat(name.raw)
	}
	return looks, nil
}

// visit calls fn for one path, unless it has passed already, and walks what is below it.
func (w *walker) visit(raw, printed string, look look, depth int, passed bool, from []string) error {
	if w.all && strings.HasPrefix(raw, reserved+"/") {
		if _, ours := parseID(raw[len(reserved)+1:]); ours {
			return nil
		}
	}
	info, err := look.info, look.err
	switch {
	case errors.Is(err, fs.ErrPermission): // its directory can be read, but not entered
		return w.fn(found{raw: raw, entry: hiddenEntry(printed), hidden: true})
	case gone(err):
		return nil
	case err != nil:
		return fail("look at file", err)
	}
	seen := found{raw: raw, entry: shown(printed, info), info: info}
	enter := seen.entry.Kind == KindDirectory || w.all && info.IsDir()
	if enter && depth >= maxDepth {
		enter, seen.hidden = false, true
	}
	var first page
	if enter {
		first, err = w.page(raw, from)
		switch {
		case errors.Is(err, fs.ErrPermission):
			enter, seen.hidden, seen.entry.Kind, seen.entry.Content = false, true, KindOther, true
		case gone(err):
			enter = false
		case err != nil:
			return err
		}
	}
	if !passed {
		if err := w.fn(seen); err != nil {
			return err
		}
	}
	if !enter {
		return nil
	}
	return w.walk(raw, printed, depth, first, from)
}

// shown is how something on the disk is shown.
func shown(printed string, info fs.FileInfo) Entry {
	entry := entryOf(printed, info)
	if _, err := CheckPath(printed); err != nil {
		entry.Content = entry.Content || entry.Kind != KindOther
		entry.Kind, entry.Bytes, entry.Executable = KindOther, 0, false
	}
	return entry
}

// hiddenEntry is how something is shown of which nothing can be told.
func hiddenEntry(printed string) Entry { return Entry{Path: printed, Kind: KindOther, Content: true} }

// name is one in a directory.
type name struct {
	raw     string // on the disk
	printed string // as it is shown
}

// names reads the names of a directory that come after the given one, or are it if inclusive: the first limit of them in the
// order in which they are shown. It keeps little more in memory than that, however many there are. The reserved directory is
// not among them.
func (d *Directory) names(ctx context.Context, raw, after string, inclusive bool, limit int) (names []name, more bool, err error) {
	dir, err := openDirectory(d.root, cmp.Or(raw, "."))
	if err != nil {
		return nil, false, err
	}
	defer dir.Close()
	keep := func() {
		slices.SortFunc(names, func(a, b name) int { return strings.Compare(a.printed, b.printed) })
		if len(names) > limit {
			names, more = names[:limit], true
		}
	}
	for {
		read, err := dir.Readdirnames(readAtOnce)
		if errors.Is(err, io.EOF) || gone(err) {
			keep()
			return names, more, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, false, fail("list directory", err)
		}
		for _, one := range read {
			if raw == "" && one == reserved {
				continue
			}
			if printed := printable(one); printed > after || inclusive && printed == after {
				names = append(names, name{raw: one, printed: printed})
			}
		}
		if len(names) > limit+4*readAtOnce {
			keep()
		}
	}
}

// checkDirectory checks that a path is that of a directory, or "".
func (d *Directory) checkDirectory(dir string) error {
	if dir == "" {
		return nil
	}
	entry, err := d.Stat(dir)
	switch {
	case err != nil:
		return err
	case entry.Kind == KindOther:
		return fail("list directory", ErrNotServed)
	case entry.Kind != KindDirectory:
		return fail("list directory", ErrNotDirectory)
	}
	return nil
}

// gone tells of an error of looking at what was there a moment ago that it has been removed or replaced.
func gone(err error) bool {
	if err == nil || errors.Is(err, fs.ErrPermission) {
		return false
	}
	err = fail("look at file", err)
	return errors.Is(err, ErrNotFound) || errors.Is(err, ErrNotDirectory) || errors.Is(err, ErrNotServed)
}
