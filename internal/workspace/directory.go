package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"fanfare/internal/datasync"
)

const (
	attempts   = 5       // how often something is tried while programs change the files
	readAtOnce = 4096    // names read from a directory at a time
	maxListed  = 100_000 // names that are returned at once
)

// Directory is an open workspace. It stays the same directory if that is moved or removed meanwhile. Paths are as CheckPath takes
// them. Safe for concurrent use; those who write take turns by a lock of the database.
type Directory struct {
	root *os.Root
}

// Close ends the use of the workspace. Files that are open stay open.
func (d *Directory) Close() error { return d.root.Close() }

// Stat tells what is at a path.
func (d *Directory) Stat(path string) (Entry, error) {
	path, err := CheckPath(path)
	if err != nil {
		return Entry{}, err
	}
	info, err := lookup(d.root, path)
	if err != nil {
		return Entry{}, err
	}
	return entryOf(path, info), nil
}

// Open opens a plain file to read it. It is the caller's to close.
func (d *Directory) Open(path string) (*File, error) {
	path, err := CheckPath(path)
	if err != nil {
		return nil, err
	}
	for range attempts {
		info, err := lookup(d.root, path)
		switch {
		case err != nil:
			return nil, err
		case info.IsDir():
			return nil, fmt.Errorf("open file: %w", ErrIsDirectory)
		}
		file, opened, err := openPlain(d.root, path)
		if err != nil {
			return nil, err
		}
		if os.SameFile(opened, info) {
			return &File{file: file, entry: entryOf(path, opened), stamp: stampOf(opened)}, nil
		}
		file.Close() // another file was put in its place meanwhile, as programs do when they save
	}
	return nil, fmt.Errorf("open file: %w", ErrChanged)
}

// File is a file that is open to be read. What a program writes to it meanwhile is read as well, see Unchanged.
type File struct {
	file  *os.File
	entry Entry
	stamp Stamp
}

// Entry is the file as it was when it was opened.
func (f *File) Entry() Entry { return f.entry }

// Stamp is that of the file as it was when it was opened.
func (f *File) Stamp() Stamp { return f.stamp }

// Read reads on from where the last Read or Seek has ended.
func (f *File) Read(p []byte) (int, error) { return f.file.Read(p) }

// ReadAt reads at an offset.
func (f *File) ReadAt(p []byte, offset int64) (int, error) { return f.file.ReadAt(p, offset) }

// Seek sets where the next Read begins.
func (f *File) Seek(offset int64, whence int) (int64, error) { return f.file.Seek(offset, whence) }

// Settle makes every change from now on give the file another stamp, also one by a program that has mapped it.
func (f *File) Settle() error { return fail("settle file", datasync.File(f.file)) }

// Close closes the file.
func (f *File) Close() error { return f.file.Close() }

// Unchanged tells whether all that was read is of the file as it was when it was opened: ErrChanged if it was written to
// since then.
func (f *File) Unchanged() error {
	info, err := f.file.Stat()
	if err != nil {
		return fail("look at file", err)
	}
	if stampOf(info) != f.stamp {
		return fmt.Errorf("read file: %w", ErrChanged)
	}
	return nil
}

// lookup tells what is at a path, without following a link. ErrNotServed when one is above it, or something else that is
// no directory.
func lookup(root *os.Root, path string) (fs.FileInfo, error) {
	for _, dir := range ancestors(path) {
		info, err := root.Lstat(dir)
		switch {
		case err != nil:
			return nil, fail("look at directory", err)
		case info.Mode().IsRegular():
			return nil, fmt.Errorf("look at directory: %w", ErrNotDirectory)
		case !info.IsDir():
			return nil, fmt.Errorf("look at directory: %w", ErrNotServed)
		}
	}
	info, err := root.Lstat(path)
	if err != nil {
		return nil, fail("look at file", err)
	}
	return info, nil
}

// openPlain opens a file to read it, ErrNotServed if it is not plain. It does not wait for the other end of a FIFO.
func openPlain(root *os.Root, path string) (*os.File, fs.FileInfo, error) {
	before, err := root.Lstat(path)
	if err != nil {
		return nil, nil, fail("open file", err)
	}
	if !isPlain(before) { // opening a device can have effects
		return nil, nil, fmt.Errorf("open file: %w", ErrNotServed)
	}
	file, err := root.OpenFile(path, os.O_RDONLY|neverWait, 0)
	if err != nil {
		return nil, nil, fail("open file", err)
	}
	info, err := file.Stat()
	if err == nil && !isPlain(info) {
		err = ErrNotServed
	}
	if err != nil {
		file.Close()
		return nil, nil, fail("open file", err)
	}
	return file, info, nil
}

// openDirectory opens a directory to read its names or to sync them. What is in place of it by now is not opened, unless it is a
// directory of the same root.
func openDirectory(root *os.Root, path string) (*os.File, error) {
	dir, err := root.OpenFile(path, os.O_RDONLY|directoryOnly, 0)
	return dir, fail("open directory", err)
}

// syncDirectory waits until the names in a directory are on the disk.
func syncDirectory(root *os.Root, path string) error {
	dir, err := openDirectory(root, path)
	if err != nil {
		return err
	}
	defer dir.Close()
	return syncOpened(dir)
}

// syncParents does so for the directories in which the names of paths are.
func (d *Directory) syncParents(paths ...string) (err error) {
	for _, name := range paths {
		failed := syncDirectory(d.root, path.Dir(name))
		if errors.Is(failed, ErrNotFound) || errors.Is(failed, ErrNotDirectory) {
			failed = fmt.Errorf("sync directory: %w", ErrChanged)
		}
		err = errors.Join(err, failed)
	}
	return err
}
