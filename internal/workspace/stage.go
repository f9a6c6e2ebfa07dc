package workspace

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/google/uuid"
)

// Staged is a file that is being written: it has no path yet, only an id. Write to it, Finish it, and give it a path with
// Directory.Commit. Discard does nothing after that, so it may be deferred. For one goroutine.
type Staged struct {
	d          *Directory
	name       string
	file       *os.File // nil once it is closed
	size       int64
	executable *bool
	modifiedAt time.Time
	finished   bool
	committed  bool
	stamp      Stamp // as it was finished
}

// Stage begins a file. ErrExists when there is one with this id already. What is not committed stays, after a crash, until
// RemoveStaged.
func (d *Directory) Stage(id uuid.UUID) (*Staged, error) {
	if err := d.makeReserved(); err != nil {
		return nil, err
	}
	s := &Staged{d: d, name: reserved + "/" + id.String()}
	file, err := d.root.OpenFile(s.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, failOurs("begin file", err)
	}
	s.file = file
	return s, nil
}

// makeReserved makes the reserved directory. What a program has put in place of it is removed, if it is no directory.
func (d *Directory) makeReserved() error {
	for range attempts {
		err := d.root.Mkdir(reserved, directoryMode)
		if err == nil || !errors.Is(err, fs.ErrExist) {
			return failOurs("make "+reserved, err)
		}
		info, err := d.root.Lstat(reserved)
		if err == nil && info.IsDir() {
			return nil
		}
		if err == nil {
			err = d.root.Remove(reserved)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return failOurs("make "+reserved, err)
		}
	}
	return fmt.Errorf("make %s: %w", reserved, ErrChanged)
}

// Write adds to the file. ErrFull when the disk is full.
func (s *Staged) Write(p []byte) (int, error) {
	if s.file == nil {
		return 0, fmt.Errorf("write file: %w", fs.ErrClosed)
	}
	n, err := s.file.Write(p)
	s.size += int64(n)
	return n, fail("write file", err)
}

// Size is how many bytes were written.
func (s *Staged) Size() int64 { return s.size }

// SetExecutable says, before Finish, whether the file can be executed. Else it can if the file that it replaces can.
func (s *Staged) SetExecutable(executable bool) { s.executable = &executable }

// SetModifiedAt says, before Finish, when the file was modified. Else it is when it was written.
func (s *Staged) SetModifiedAt(at time.Time) { s.modifiedAt = at }

// Finish ends the writing. The content is on the disk then. On an error the file can only be discarded.
func (s *Staged) Finish() error {
	if s.file == nil {
		return fmt.Errorf("finish file: %w", fs.ErrClosed)
	}
	err := s.finish()
	err = fail("finish file", errors.Join(err, s.file.Close()))
	s.file, s.finished = nil, err == nil
	return err
}

func (s *Staged) finish() error {
	if s.executable != nil && *s.executable {
		if err := makeExecutable(s.file); err != nil {
			return err
		}
	}
	if !s.modifiedAt.IsZero() {
		if err := setModified(s.file, s.modifiedAt); err != nil {
			return err
		}
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	info, err := s.file.Stat()
	if err != nil {
		return err
	}
	s.stamp = stampOf(info)
	return nil
}

// makeExecutable lets those execute a file who may read it.
func makeExecutable(file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	mode := info.Mode().Perm()
	return file.Chmod(mode | mode&0o444>>2)
}

// Discard removes the file, unless it is committed.
func (s *Staged) Discard() error {
	var err error
	if s.file != nil {
		err = s.file.Close()
		s.file = nil
	}
	s.finished = false
	if s.committed {
		return err
	}
	if removed := s.d.root.Remove(s.name); removed != nil && !gone(removed) {
		err = errors.Join(err, removed)
	}
	return fail("discard file", err)
}

// Commit gives a finished file its path, in place of the file that is there, and makes the directories above it. Whoever
// reads sees the old file or the new one, whole. It is on the disk when Commit returns. ErrIsDirectory, ErrNotDirectory (a
// file is above), ErrNotServed, ErrPrecondition; ErrChanged when the finished file is not as it was, or not in this workspace.
func (d *Directory) Commit(s *Staged, name string, c Condition) (change Change, err error) {
	name, err = CheckPath(name)
	if err != nil {
		return change, err
	}
	if !s.finished || s.committed {
		return change, errors.New("workspace: only a finished file can be committed, once")
	}
	old, err := d.lookupFile(name)
	change.Created = old == nil
	if err != nil {
		return change, err
	}
	var entry Entry
	if old != nil {
		entry = entryOf(name, old)
	}
	if !c.met(entry, old != nil) {
		return change, fmt.Errorf("put file in its place: %w", ErrPrecondition)
	}
	made, err := d.makeAncestors(name)
	if err == nil {
		change.Entry, err = d.put(s, name, entry.Executable)
	}
	if err != nil {
		d.removeMade(made)
		return change, err
	}
	s.committed = true
	change.Bytes, change.Files = change.Entry.Bytes-entry.Bytes, int64(len(made))
	if old == nil {
		change.Files++
	}
	return change, d.syncParents(name)
}

// put moves a finished file to its path.
func (d *Directory) put(s *Staged, name string, executable bool) (Entry, error) {
	file, info, err := openPlain(d.root, s.name)
	if gone(err) || err == nil && stampOf(info) != s.stamp {
		err = ErrChanged
	}
	if err != nil {
		return Entry{}, fail("put file in its place", err)
	}
	defer file.Close()
	if executable && s.executable == nil {
		if err := makeExecutable(file); err != nil {
			return Entry{}, fail("put file in its place", err)
		}
	}
	if err := d.root.Rename(s.name, name); err != nil {
		return Entry{}, fail("put file in its place", err)
	}
	put, err := lookup(d.root, name)
	if gone(err) || err == nil && !os.SameFile(put, info) {
		err = ErrChanged
	}
	if err != nil {
		return Entry{}, fail("put file in its place", err)
	}
	return entryOf(name, put), nil
}

// lookupFile tells what a file will replace: nil if nothing is there.
func (d *Directory) lookupFile(name string) (fs.FileInfo, error) {
	info, err := lookup(d.root, name)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, nil //nolint:nilnil // nothing is there
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("replace file: %w", ErrIsDirectory)
	case !isPlain(info):
		return nil, fmt.Errorf("replace file: %w", ErrNotServed)
	}
	return info, nil
}

// makeAncestors makes the directories above a path that are not there, and returns them, the highest first. They are on
// the disk then.
func (d *Directory) makeAncestors(name string) (made []string, err error) {
	for _, dir := range ancestors(name) {
		switch err := d.root.Mkdir(dir, directoryMode); {
		case err == nil:
			made = append(made, dir)
			if err := d.syncParents(dir); err != nil {
				return made, err
			}
		case !errors.Is(err, fs.ErrExist):
			return made, fail("make directory", err)
		}
	}
	if dir := path.Dir(name); dir != "." {
		info, err := lookup(d.root, dir)
		if err == nil && !info.IsDir() {
			err = ErrNotDirectory
		}
		return made, fail("make directory", err)
	}
	return made, nil
}

// removeMade removes directories that were made in vain, as far as they are empty.
func (d *Directory) removeMade(made []string) {
	for i := len(made) - 1; i >= 0; i-- {
		_ = d.root.Remove(made[i])
	}
}

// Staged tells what is being written or deleted, or was when the program ended; at most 100,000 at once. Nothing, where a program keeps us
// from looking: Measure says ErrUncounted then.
func (d *Directory) Staged() ([]uuid.UUID, error) {
	ids, err := uuids(d.root, reserved)
	if gone(err) || errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	return ids, err
}

// RemoveStaged removes what is being written or deleted under an id. Nothing there is no error.
func (d *Directory) RemoveStaged(id uuid.UUID) error {
	_, err := removeTree(d.root, reserved+"/"+id.String(), time.Time{})
	return err
}
