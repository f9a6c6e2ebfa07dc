package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// What can be wrong, apart from the disk itself; for errors.Is.
var (
	ErrMissing      = errors.New("workspace: its directory is missing")
	ErrNotFound     = errors.New("workspace: no such file or directory")
	ErrExists       = errors.New("workspace: there is something with this name already")
	ErrNotEmpty     = errors.New("workspace: the directory is not empty")
	ErrIsDirectory  = errors.New("workspace: this is a directory")
	ErrNotDirectory = errors.New("workspace: this is not a directory")
	// ErrNotServed is for links, devices, FIFOs, sockets, files with more than one name, and what the program may not read.
	ErrNotServed    = errors.New("workspace: this is not a plain file or directory")
	ErrPrecondition = errors.New("workspace: the file is not as expected")
	ErrFull         = errors.New("workspace: the disk is full")
	// ErrChanged says that a program changed the files at the same time. Doing it again may help.
	ErrChanged = errors.New("workspace: the files were changed meanwhile")
	// ErrUncounted says that a part was not looked into: directories below more than maxDepth others, those that
	// the program may not read, or what comes after so many entries as are counted.
	ErrUncounted = errors.New("workspace: some directories cannot be counted")
)

// PathError is for a path that is not taken.
type PathError struct {
	Reason string // what is wrong with it, for people; it does not repeat the path
}

// Error tells what is wrong with the path.
func (e *PathError) Error() string { return "workspace: the path " + e.Reason }

// fail says what was being done and adds what kind of error it was. nil stays nil.
func fail(action string, err error) error {
	if err == nil {
		return nil
	}
	if kind := kindOf(err); kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("%s: %w: %w", action, kind, err)
	}
	return fmt.Errorf("%s: %w", action, err)
}

// failOurs is fail for what is done in Fanfare's own directories: that it may not do so is for the operator to mend.
func failOurs(action string, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%s: %w", action, err)
	}
	return fail(action, err)
}

// kindOf tells which of our errors one of the operating system is, nil if none.
func kindOf(err error) error {
	var errno syscall.Errno
	switch {
	case errors.Is(err, os.ErrClosed):
		return nil
	case isFull(err):
		return ErrFull
	case isNotEmpty(err):
		return ErrNotEmpty
	case errors.Is(err, fs.ErrNotExist):
		return ErrNotFound
	case errors.Is(err, fs.ErrExist):
		return ErrExists
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ELOOP):
		return ErrNotServed
	case errors.Is(err, syscall.ENOTDIR):
		return ErrNotDirectory
	case errors.Is(err, syscall.EISDIR):
		return ErrIsDirectory
	case errors.Is(err, syscall.ENAMETOOLONG):
		return &PathError{Reason: "is too long for the disk"}
	}
	// A root says that a path escapes from it in no other way than this: an error that is not the system's.
	if path, ok := errors.AsType[*fs.PathError](err); ok && !errors.As(path.Err, &errno) {
		return ErrNotServed
	}
	if link, ok := errors.AsType[*os.LinkError](err); ok {
		switch {
		case !errors.As(link.Err, &errno):
			return ErrNotServed
		case errno == syscall.EINVAL: // a directory into itself, through a link that is new
			return ErrChanged
		}
	}
	return nil
}
