package workspace

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/google/uuid"
)

// maxRemoved is how many entries are removed at a time. A program may add some as fast as they are removed.
const maxRemoved = 10_000_000

// tally counts what was removed.
type tally struct {
	bytes       int64 // of regular files
	entries     int64 // of all kinds
	directories int64 // of them
	// until is when the removal is broken off with errLater; the zero time: when it is done.
	until time.Time
}

// errLater says that the time was over before everything was removed.
var errLater = errors.New("there is more to remove")

func (t *tally) add(other tally) {
	t.bytes, t.entries, t.directories = t.bytes+other.bytes, t.entries+other.entries, t.directories+other.directories
}

// count counts what was removed.
func (t *tally) count(info fs.FileInfo) {
	t.entries++
	t.bytes += length(info)
	if info.IsDir() {
		t.directories++
	}
}

// removeTree removes what has a name, with everything in it if it is a directory. Nothing there is no error. A time
// other than zero ends it with errLater.
func removeTree(root *os.Root, name string, until time.Time) (removed tally, err error) {
	for range attempts {
		info, err := root.Lstat(name)
		if gone(err) {
			return removed, nil
		}
		if err == nil && info.IsDir() {
			some, failed := removeContent(root, name, until)
			removed.add(some)
			err = failed
		}
		if err != nil {
			return removed, fail("remove directory", err)
		}
		switch err := fail("remove directory", root.Remove(name)); {
		case err == nil:
			removed.count(info)
			return removed, nil
		case !errors.Is(err, ErrNotEmpty) && !swapped(err):
			return removed, err
		}
	}
	return removed, fmt.Errorf("remove directory: %w", ErrChanged)
}

// removeContent removes everything in a directory, however deep it is: os.Root.RemoveAll would hold a file open for every level.
// What is in a directory of it is first moved up, so that nothing is ever removed from more than two levels below.
// ErrChanged when there is no end to it, because a program adds as much or because it is very much: it is to be called again. Where something
// cannot be removed it goes on with what is beside that, and says so in the end.
func removeContent(root *os.Root, top string, until time.Time) (removed tally, err error) {
	removed.until = until
	for idle := 0; idle < attempts; idle++ {
		before := removed.entries
		more, err := removeSome(root, top, top, &removed)
		if err != nil || !more {
			return removed, err
		}
		if removed.entries > before {
			idle = 0
		}
	}
	return removed, fmt.Errorf("remove directory: %w", ErrChanged)
}

// removeSome removes some of what is in a directory; the directories that are in one below top are moved up to top. more tells that there
// was something. The error joins those of all that could not be removed.
func removeSome(root *os.Root, top, dir string, removed *tally) (more bool, err error) {
	if removed.entries > maxRemoved {
		return true, fmt.Errorf("remove directory: %w", ErrChanged)
	}
	infos, err := readSome(root, dir)
	if err != nil {
		return false, err
	}
	var all error
	for _, info := range infos {
		if !removed.until.IsZero() && time.Now().After(removed.until) {
			return true, errLater
		}
		name := join(dir, info.Name())
		err := root.Remove(name)
		if err != nil && errors.Is(err, fs.ErrPermission) { // the directory is not to be written to
			if err = makeWritable(root, dir); err == nil {
				err = root.Remove(name)
			}
		}
		switch err = fail("remove file", err); {
		case err == nil:
			removed.count(info)
		case swapped(err):
		case !errors.Is(err, ErrNotEmpty):
			all = errors.Join(all, err)
		case dir != top:
			err = moveAway(root, name, join(top, uuid.NewString()))
			if err != nil && !gone(err) {
				all = errors.Join(all, fail("remove directory", err))
			}
		default:
			err := removeBelow(root, top, name, info, removed)
			if errors.Is(err, errLater) || errors.Is(err, ErrChanged) {
				return true, err
			}
			all = errors.Join(all, err)
		}
	}
	return len(infos) > 0, all
}

// swapped tells of an error of removing something that it is gone, or became a directory or something else in that moment.
func swapped(err error) bool { return gone(err) || errors.Is(err, ErrIsDirectory) }

// moveAway moves a directory that is to be removed. Its name for the one above is in it, so it must be writable.
func moveAway(root *os.Root, from, to string) error {
	err := root.Rename(from, to)
	if errors.Is(err, fs.ErrPermission) {
		if err = makeWritable(root, from); err == nil {
			err = root.Rename(from, to)
		}
	}
	return err
}

// removeBelow removes a directory that is right below top.
func removeBelow(root *os.Root, top, name string, info fs.FileInfo, removed *tally) error {
	for idle := 0; idle < attempts; idle++ {
		before := removed.entries
		more, err := removeSome(root, top, name, removed)
		if err != nil && !gone(err) {
			return err
		}
		if !more {
			break
		}
		if removed.entries > before {
			idle = 0
		}
	}
	switch err := fail("remove directory", root.Remove(name)); {
	case err == nil:
		removed.count(info)
	case !swapped(err) && !errors.Is(err, ErrNotEmpty): // one that is not empty is read again
		return err
	}
	return nil
}

// readSome reads some of what is in a directory, which it makes readable if it has to.
func readSome(root *os.Root, name string) ([]fs.FileInfo, error) {
	infos, err := readOnce(root, name)
	if errors.Is(err, fs.ErrPermission) && makeWritable(root, name) == nil {
		infos, err = readOnce(root, name)
	}
	return infos, fail("remove directory", err)
}

func readOnce(root *os.Root, name string) ([]fs.FileInfo, error) {
	dir, err := openDirectory(root, name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	infos, err := dir.Readdir(readAtOnce)
	if errors.Is(err, io.EOF) || gone(err) {
		return nil, nil
	}
	return infos, err
}
