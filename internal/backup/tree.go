package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/google/uuid"

	"fanfare/internal/datasync"
)

// Tree is a directory, as a source or a target: for a restore to some place on disk, and for drills. What is called
// .fanfare at its top is left out: there files are staged.
type Tree struct {
	root    *os.Root
	staging string // made when the first file is staged
}

// reserved is the top directory that holds what is staged.
const reserved = ".fanfare"

// OpenTree opens a directory, which must be there.
func OpenTree(directory string) (*Tree, error) {
	root, err := os.OpenRoot(directory)
	if err != nil {
		return nil, fmt.Errorf("open directory: %w", err)
	}
	return &Tree{root: root, staging: path.Join(reserved, "restore-"+uuid.NewString())}, nil
}

// Close throws away what is staged and not placed, and ends the use of the directory.
func (t *Tree) Close() error {
	err := t.root.RemoveAll(t.staging)
	_ = t.root.Remove(reserved) // stays if somebody else stages there
	return errors.Join(err, t.root.Close())
}

// entry describes what is at a path.
func entry(name string, info fs.FileInfo) Entry {
	stamp, single := identify(info)
	e := Entry{Path: name, Modified: info.ModTime().UTC()}
	switch mode := info.Mode(); {
	case mode.IsDir():
		e.Kind = Directory
		return e
	case mode.Type() == fs.ModeSymlink:
		e.Kind, e.Reason = Other, "it is a link"
	case !mode.IsRegular():
		e.Kind, e.Reason = Other, "it is a device, a pipe or a socket"
	case !single:
		e.Kind, e.Reason = Other, "it has more than one name"
	}
	e.Bytes, e.Executable, e.Stamp = info.Size(), info.Mode()&0o100 != 0, stamp
	return e
}

// Walk calls fn with every entry.
func (t *Tree) Walk(ctx context.Context, fn func(Entry) error) error {
	return fs.WalkDir(t.root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case name == ".":
			return err
		case name == reserved && d.IsDir():
			return fs.SkipDir
		case errors.Is(err, fs.ErrPermission):
			return fn(Entry{Path: name, Kind: Other, Reason: "its content may not be listed"})
		case err != nil:
			return unlessGone(err)
		case !utf8.ValidString(name):
			e := Entry{Path: strings.Trim(strconv.QuoteToASCII(name), `"`), Kind: Other, Reason: "its name is not UTF-8", Unnamed: true}
			if err := fn(e); err != nil || !d.IsDir() {
				return err
			}
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return unlessGone(err)
		}
		return fn(entry(name, info))
	})
}

// unlessGone is the error, unless it is that something was deleted meanwhile.
func unlessGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// treeFile is an open file.
type treeFile struct {
	*os.File
	name string
}

// Stat describes the file.
func (f treeFile) Stat() (Entry, error) {
	info, err := f.File.Stat()
	if err != nil {
		return Entry{}, err
	}
	return entry(f.name, info), nil
}

// Open opens a file.
func (t *Tree) Open(_ context.Context, name string) (OpenFile, error) {
	before, err := t.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if e := entry(name, before); e.Kind != Regular {
		return nil, errors.New("not a file that is kept")
	}
	f, err := t.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe that has taken its place must not stop us
	if err != nil {
		return nil, err
	}
	if info, err := f.Stat(); err != nil || !os.SameFile(before, info) {
		_ = f.Close()
		return nil, errors.Join(err, errors.New("it was replaced while it was opened"))
	}
	if err := datasync.File(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return treeFile{f, name}, nil
}

// treeStaging is a file that is being staged.
type treeStaging struct {
	tree *Tree
	file *os.File
	name string
	of   File
}

// Stage begins a file.
func (t *Tree) Stage(_ context.Context, number int64, file File) (Staging, error) {
	name := t.staged(number)
	if err := t.root.MkdirAll(t.staging, 0o700); err != nil {
		return nil, err
	}
	mode := fs.FileMode(0o640)
	if file.Executable {
		mode = 0o750
	}
	f, err := t.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return nil, err
	}
	return &treeStaging{tree: t, file: f, name: name, of: file}, nil
}

// staged is the name of a staged file.
func (t *Tree) staged(number int64) string {
	return t.staging + "/" + strconv.FormatInt(number, 10)
}

// Write writes content.
func (s *treeStaging) Write(p []byte) (int, error) { return s.file.Write(p) }

// Close keeps the file.
func (s *treeStaging) Close() error {
	err := errors.Join(s.file.Sync(), s.file.Close())
	if err == nil {
		err = s.tree.root.Chtimes(s.name, s.of.Modified, s.of.Modified)
	}
	return err
}

// Discard throws the file away.
func (s *treeStaging) Discard() error {
	return errors.Join(s.file.Close(), s.tree.root.Remove(s.name))
}

// Place puts a staged file into its place.
func (t *Tree) Place(_ context.Context, number int64, file File) error {
	return t.root.Rename(t.staged(number), file.Path)
}

// MakeDirectory makes a directory and those above it.
func (t *Tree) MakeDirectory(_ context.Context, name string) error {
	return t.root.MkdirAll(name, 0o750)
}

// Remove removes what is at a path.
func (t *Tree) Remove(_ context.Context, name string) error {
	switch err := t.root.Remove(name); {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR): // a link in the way of it has gone before
		return nil
	case errors.Is(err, syscall.ENOTEMPTY):
		return ErrNotEmpty
	default:
		return err
	}
}
