package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/uuid"
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
// never replaced. A directory whose content would get paths that are too long is not moved (*PathError).
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
		if err := d.checkMoved(from, to); err != nil {
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
func (d *Directory) checkMoved(from, to string) error {
	if len(to) <= len(from) && strings.Count(to, "/") <= strings.Count(from, "/") {
		return nil
	}
	return d.walk(context.Background(), from, "", false, func(found found) error {
		if found.entry.Kind == KindOther {
			return nil
		}
		_, err := CheckPath(to + strings.TrimPrefix(found.entry.Path, from))
		return err
	})
}

// Delete deletes what is at a path if c is true of it: a file, a directory that is empty, or, if recursive, one with
// everything in it, or a link or device itself. A directory is gone as a whole at once; when an error interrupts the removal of
// what was in it, the rest is among Staged.
func (d *Directory) Delete(name string, recursive bool, c Condition) (change Change, err error) {
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
	removed, failed := removeTree(d.root, trash)
	change.Bytes, change.Files = -removed.bytes, -removed.entries
	return change, errors.Join(err, failed)
}
