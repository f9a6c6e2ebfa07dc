package workspace

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/google/uuid"
)

// What is done at once is bounded, as the database waits meanwhile.
const (
	maxMoved  = 100_000         // entries of a directory that is moved
	deleteFor = 5 * time.Second // what is in a directory that is deleted; the rest is among Staged
)

// MakeDirectory makes a directory and those above it. One that is there already is no error, and Created is false then.
// ErrExists when something else is there.
func (d *Directory) MakeDirectory(name string) (change Change, err error) {
	name, err = CheckPath(name)
	if err != nil {
		return change, err
	}
	switch info, err := lookup(d.root, name); {
	case err == nil && info.IsDir():
		change.Entry = entryOf(name, info)
		return change, nil
	case err == nil:
		return change, fmt.Errorf("make directory: %w", ErrExists)
	case !errors.Is(err, ErrNotFound):
		return change, err
	}
	made, err := d.makeAncestors(name + "/")
	if err == nil {
		change.Entry, err = d.Stat(name)
	}
	if err != nil {
		d.removeMade(made)
		return change, err
	}
	change.Created, change.Files = len(made) > 0, int64(len(made))
	return change, nil
}

// Move gives a file or directory, of which c must be true, another path, and makes the directories above it. It is on the disk
// when Move returns. With replace a file takes the place of the file that is there, else it is ErrExists; a directory is
// never replaced. A directory whose content would get paths that are too long is not moved, nor is one
// with more than 100,000 entries where that would have to be looked for (*PathError).
func (d *Directory) Move(from, to string, replace bool, c Condition) (change Change, err error) {
	if from, err = CheckPath(from); err != nil {
		return change, err
	}
	if to, err = CheckPath(to); err != nil {
		return change, err
	}
	info, err := lookup(d.root, from)
	if err != nil {
		return change, err
	}
	entry := entryOf(from, info)
	switch {
	case entry.Kind == KindOther:
		return change, fmt.Errorf("move file: %w", ErrNotServed)
	case !c.met(entry, true):
		return change, fmt.Errorf("move file: %w", ErrPrecondition)
	case from == to:
		return Change{Entry: entry}, nil
	case strings.HasPrefix(to, from+"/"):
		return change, &PathError{Reason: "leads into the directory that is to be moved"}
	}
	old, err := lookup(d.root, to)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return change, err
	case old.IsDir() || !replace:
		return change, fmt.Errorf("move file: %w", ErrExists)
	case !isPlain(old):
		return change, fmt.Errorf("move file: %w", ErrNotServed)
	case entry.Kind == KindDirectory:
		return change, fmt.Errorf("move directory over a file: %w", ErrNotDirectory)
	}
	if entry.Kind == KindDirectory {
		if err := d.checkMoved(from, to, maxMoved); err != nil {
			return change, err
		}
	}
	made, err := d.makeAncestors(to)
	if err == nil {
		err = fail("move file", d.root.Rename(from, to))
	}
	if err != nil {
		d.removeMade(made)
		return change, err
	}
	change.Files, change.Created = int64(len(made)), old == nil
	if old != nil {
		change.Bytes, change.Files = -old.Size(), change.Files-1
	}
	moved, err := lookup(d.root, to)
	if gone(err) || err == nil && !os.SameFile(moved, info) {
		err = ErrChanged
	}
	if err != nil {
		return change, fail("move file", err)
	}
	change.Entry = entryOf(to, moved)
	return change, d.syncParents(to, from)
}

// checkMoved checks that everything in a directory still has a path when it is moved.
func (d *Directory) checkMoved(from, to string, limit int) error {
	if len(to) <= len(from) && strings.Count(to, "/") <= strings.Count(from, "/") {
		return nil
	}
	return d.walk(context.Background(), from, "", false, func(found found) error {
		if limit--; limit < 0 {
			return &PathError{Reason: "is that of a directory with more than 100,000 files and directories, which is more than can be moved at once to where paths are longer"}
		}
		if found.entry.Kind == KindOther {
			return nil
		}
		_, err := CheckPath(to + strings.TrimPrefix(found.entry.Path, from))
		return err
	})
}

// Remove deletes a file, a link or the like, or a directory that is empty, also in a directory of the program's own that is not to be written to.
func (d *Directory) Remove(name string) error {
	name, err := CheckPath(name)
	if err != nil {
		return err
	}
	if _, err := lookup(d.root, name); err != nil {
		return err
	}
	err = d.root.Remove(name)
	if dir := path.Dir(name); errors.Is(err, fs.ErrPermission) && dir != "." && makeWritable(d.root, dir) == nil {
		err = d.root.Remove(name)
	}
	if err != nil {
		return fail("delete file", err)
	}
	return d.syncParents(name)
}

// Delete deletes what is at a path if c is true of it: a file, a directory that is empty, or, if recursive, one with
// everything in it, or a link or device itself. A directory is gone as a whole at once; when an error interrupts the removal of
// what was in it, or it takes more than five seconds, the rest is among Staged, and is not counted.
func (d *Directory) Delete(name string, recursive bool, c Condition) (change Change, err error) {
	return d.delete(name, recursive, c, time.Now().Add(deleteFor))
}

func (d *Directory) delete(name string, recursive bool, c Condition, until time.Time) (change Change, err error) {
	name, err = CheckPath(name)
	if err != nil {
		return change, err
	}
	info, err := lookup(d.root, name)
	if err != nil {
		return change, err
	}
	change.Entry = entryOf(name, info)
	if !c.met(change.Entry, true) {
		return change, fmt.Errorf("delete file: %w", ErrPrecondition)
	}
	if !info.IsDir() || !recursive {
		if err := d.root.Remove(name); err != nil {
			return change, fail("delete file", err)
		}
		change.Bytes, change.Files = -length(info), -1
		return change, d.syncParents(name)
	}
	if err := d.makeReserved(); err != nil {
		return change, err
	}
	trash := reserved + "/" + uuid.NewString()
	if err := moveAway(d.root, name, trash); err != nil {
		return change, fail("delete directory", err)
	}
	err = d.syncParents(name)
	removed, failed := removeTree(d.root, trash, until)
	change.Bytes, change.Files = -removed.bytes, -removed.entries
	if errors.Is(failed, errLater) {
		failed = nil
	}
	return change, errors.Join(err, failed)
}
