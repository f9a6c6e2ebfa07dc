// Package workspace keeps the files of customers in directories: one of the customer's own and one per space. Agents'
// programs may have such a directory mounted and write to it at any time, hostile ones too, so nothing in it is trusted:
// each workspace is an os.Root of its own, and what is no plain file or directory with a name of its own (links, devices,
// FIFOs, sockets, files with a second name) is shown and can be deleted, but is never read, written or entered. A link that
// is put in the way between a check and a use can at worst lead to another place of the same workspace.
//
// Layout below the directory of the store:
//
//	<customer>/shared/          the customer's own workspace
//	<customer>/spaces/<space>/  that of a space
//	<customer>/scratch/<id>/    a temporary one
//	<customer>/manifest         of the last backup; see Store.ManifestPath
//
// In every workspace .fanfare is reserved: what is being written (.fanfare/<id>) and what is being deleted is there, and it
// is neither shown nor served. The package does not know who may see what, and counts no quota: whoever asks has been
// let in by the database before, and the database keeps the count.
//
// Windows can run it to develop, but cannot tell whether a file has a second name or whether a change of a directory
// has reached the disk.
package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"github.com/google/uuid"
)

// What is made may be used by whoever runs the program and by its group, as far as the umask lets them: agents'
// programs that run as another user share the group.
const (
	directoryMode = 0o770
	fileMode      = 0o660
)

// scratches is the directory of a customer's temporary workspaces.
func scratches(customerID uuid.UUID) string { return customerID.String() + "/scratch" }

// Store is the directory below which all workspaces are. Only Fanfare writes to it and to the directories of the customers.
// Safe for concurrent use.
type Store struct {
	root *os.Root
}

// OpenStore opens the store in a directory, which must be there: one that is not is a disk that is not mounted, more often
// than not.
func OpenStore(path string) (*Store, error) {
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("open the directory of workspaces: %w", err)
	}
	return &Store{root: root}, nil
}

// Close ends the use of the store. Workspaces that are open stay open.
func (s *Store) Close() error { return s.root.Close() }

// OfSpace names the workspace of a space; nil is the customer's own.
func OfSpace(id *uuid.UUID) uuid.NullUUID {
	if id == nil {
		return uuid.NullUUID{}
	}
	return uuid.NullUUID{UUID: *id, Valid: true}
}

// place is the path of a workspace: that of a space, or the customer's own.
func place(customerID uuid.UUID, spaceID uuid.NullUUID) string {
	if spaceID.Valid {
		return customerID.String() + "/spaces/" + spaceID.UUID.String()
	}
	return customerID.String() + "/shared"
}

// Create makes the directory of a workspace. One that is there already is no error. It is on the disk when Create returns.
func (s *Store) Create(customerID uuid.UUID, spaceID uuid.NullUUID) error {
	return s.makeAll(place(customerID, spaceID))
}

// Open opens a workspace. ErrMissing when its directory is not there, or is none.
func (s *Store) Open(customerID uuid.UUID, spaceID uuid.NullUUID) (*Directory, error) {
	return s.open(place(customerID, spaceID))
}

// Remove removes a workspace with everything in it. Nothing there is no error.
func (s *Store) Remove(customerID uuid.UUID, spaceID uuid.NullUUID) error {
	_, err := s.remove(place(customerID, spaceID))
	return err
}

// CountCustomer tells how many files a customer has in the store, as far as they are counted; directories do not count.
func (s *Store) CountCustomer(ctx context.Context, customerID uuid.UUID) (files int64, err error) {
	places, err := s.places(customerID)
	for _, spaceID := range places {
		d, failed := s.Open(customerID, spaceID)
		if errors.Is(failed, ErrMissing) {
			continue
		}
		if failed == nil {
			var usage Usage
			if usage, failed = d.Measure(ctx); errors.Is(failed, ErrUncounted) {
				failed = nil
			}
			files, failed = files+usage.Files-usage.Directories, errors.Join(failed, d.Close())
		}
		err = errors.Join(err, failed)
	}
	return files, err
}

// places are the customer's own workspace and those of its spaces that are in the store, or may be.
func (s *Store) places(customerID uuid.UUID) ([]uuid.NullUUID, error) {
	spaces, err := uuids(s.root, customerID.String()+"/spaces")
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	places := []uuid.NullUUID{{}}
	for _, id := range spaces {
		places = append(places, uuid.NullUUID{UUID: id, Valid: true})
	}
	return places, err
}

// RemoveCustomer removes all that a customer has in the store and tells how many files were removed from its workspaces; directories do not
// count. Where something cannot be removed it goes on with the rest, and says so in the end. Nothing there is no error.
func (s *Store) RemoveCustomer(customerID uuid.UUID) (files int64, err error) {
	places, err := s.places(customerID)
	for _, spaceID := range places {
		removed, failed := s.remove(place(customerID, spaceID))
		files, err = files+removed.entries-removed.directories, errors.Join(err, failed)
	}
	if _, failed := s.remove(customerID.String()); failed == nil {
		err = nil // what could not be removed at first is gone
	} else {
		err = errors.Join(err, failed)
	}
	return files, err
}

// ManifestPath is where the manifest of the customer's last backup is kept, beside its workspaces: only Fanfare writes there.
func (s *Store) ManifestPath(customerID uuid.UUID) string {
	return filepath.Join(s.root.Name(), customerID.String(), "manifest")
}

// Scratch opens a temporary workspace of a customer, and makes it if it is not there.
func (s *Store) Scratch(customerID, id uuid.UUID) (*Directory, error) {
	name := scratches(customerID) + "/" + id.String()
	if err := s.makeAll(name); err != nil {
		return nil, err
	}
	return s.open(name)
}

// RemoveScratch removes a temporary workspace with everything in it. Nothing there is no error.
func (s *Store) RemoveScratch(customerID, id uuid.UUID) error {
	_, err := s.remove(scratches(customerID) + "/" + id.String())
	return err
}

// FreeScratch removes a temporary workspace, at once as a whole: it gets another id first, so that a half of it is never found under this one. What cannot
// be removed, because a program has made directories in it that are not ours to change, is left under that id. Nothing there is no error.
func (s *Store) FreeScratch(customerID, id uuid.UUID) (left uuid.NullUUID, err error) {
	other := uuid.New()
	at := scratches(customerID) + "/"
	if err := s.rename(at+id.String(), at+other.String()); errors.Is(err, ErrNotFound) {
		return left, nil
	} else if err != nil {
		return left, err
	}
	if err = s.RemoveScratch(customerID, other); errors.Is(err, fs.ErrPermission) {
		return uuid.NullUUID{UUID: other, Valid: true}, nil
	}
	return left, err
}

// FreeBytes is how many bytes the disk has left.
func (s *Store) FreeBytes() (int64, error) {
	dir, err := openDirectory(s.root, ".")
	if err != nil {
		return 0, err
	}
	defer dir.Close()
	free, err := freeBytes(dir)
	return free, fail("look at the disk of workspaces", err)
}

// HasScratch tells whether there is a temporary workspace.
func (s *Store) HasScratch(customerID, id uuid.UUID) (bool, error) {
	_, err := lookup(s.root, scratches(customerID)+"/"+id.String())
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Scratches lists the temporary workspaces of a customer.
func (s *Store) Scratches(customerID uuid.UUID) ([]uuid.UUID, error) {
	ids, err := uuids(s.root, scratches(customerID))
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return ids, err
}

// Customers lists those that have something in the store.
func (s *Store) Customers() (ids []uuid.UUID, err error) {
	entries, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return nil, fail("list customers", err)
	}
	for _, entry := range entries {
		if id, ok := parseID(entry.Name()); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Adopt makes a temporary workspace that of the customer or of a space, which must not be there or be empty (else
// ErrNotEmpty). ErrMissing when there is no such temporary one.
func (s *Store) Adopt(customerID, scratch uuid.UUID, spaceID uuid.NullUUID) error {
	from, to := scratches(customerID)+"/"+scratch.String(), place(customerID, spaceID)
	switch info, err := lookup(s.root, from); {
	case errors.Is(err, ErrNotFound), err == nil && !info.IsDir():
		return fmt.Errorf("adopt workspace: %w", ErrMissing)
	case err != nil:
		return err
	}
	// The place itself is not made: if this is broken off, nobody may find an empty workspace there.
	if err := s.makeAll(path.Dir(to)); err != nil {
		return err
	}
	_ = s.root.Remove(to + "/" + reserved) // an empty one is no content; one that is not fails the next step
	if err := s.root.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fail("replace workspace", err)
	}
	return s.rename(from, to)
}

// SetAside makes a workspace a temporary one, which must not be there. From then on it is found in its place by nobody, whoever has it open. ErrMissing when it
// is not there.
func (s *Store) SetAside(customerID uuid.UUID, spaceID uuid.NullUUID, scratch uuid.UUID) error {
	from, to := place(customerID, spaceID), scratches(customerID)+"/"+scratch.String()
	switch info, err := lookup(s.root, from); {
	case errors.Is(err, ErrNotFound), err == nil && !info.IsDir():
		return fmt.Errorf("set workspace aside: %w", ErrMissing)
	case err != nil:
		return err
	}
	if err := s.makeAll(scratches(customerID)); err != nil {
		return err
	}
	return s.rename(from, to)
}

// rename moves a workspace. It is on the disk when rename returns.
func (s *Store) rename(from, to string) error {
	if err := s.root.Rename(from, to); err != nil {
		return fail("move workspace", err)
	}
	return errors.Join(syncDirectory(s.root, path.Dir(to)), syncDirectory(s.root, path.Dir(from)))
}

// open opens a directory of the store as a workspace. It must be a real one, and so must be those above it.
func (s *Store) open(name string) (*Directory, error) {
	info, err := lookup(s.root, name)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrNotDirectory) || errors.Is(err, ErrNotServed) || err == nil && !info.IsDir() {
		return nil, fmt.Errorf("open workspace: %w", ErrMissing)
	}
	if err != nil {
		return nil, err
	}
	root, err := s.root.OpenRoot(name)
	if err != nil {
		return nil, fail("open workspace", err)
	}
	if opened, err := root.Stat("."); err != nil || !os.SameFile(opened, info) {
		return nil, errors.Join(fmt.Errorf("open workspace: %w", ErrMissing), err, root.Close())
	}
	return &Directory{root: root}, nil
}

// makeAll makes a directory of the store and those above it. They are on the disk when it returns, whoever has made them.
func (s *Store) makeAll(name string) error {
	for _, dir := range append(ancestors(name), name) {
		if err := s.root.Mkdir(dir, directoryMode); err != nil && !errors.Is(err, fs.ErrExist) {
			return failOurs("make the directory of a workspace", err)
		}
		switch info, err := s.root.Lstat(dir); {
		case err != nil:
			return failOurs("make the directory of a workspace", err)
		case !info.IsDir():
			return fmt.Errorf("make the directory of a workspace: %w", ErrNotDirectory)
		}
		if err := syncDirectory(s.root, path.Dir(dir)); err != nil {
			return err
		}
	}
	return nil
}

// remove removes a directory of the store with everything in it, through a root of its own: no link in it leads out. ErrChanged
// when programs write to it all the time.
func (s *Store) remove(name string) (removed tally, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}()
	for range attempts {
		d, err := s.open(name)
		if errors.Is(err, ErrMissing) {
			return removed, nil
		}
		if err != nil {
			return removed, err
		}
		some, err := removeContent(d.root, ".", time.Time{})
		removed.add(some)
		if err := errors.Join(err, d.Close()); err != nil {
			return removed, err
		}
		err = s.root.Remove(name)
		switch err = fail("remove workspace", err); {
		case errors.Is(err, ErrNotEmpty): // a program has written to it meanwhile
			continue
		case err != nil:
			return removed, err
		}
		return removed, syncDirectory(s.root, path.Dir(name))
	}
	return removed, fmt.Errorf("remove workspace: %w", ErrChanged)
}

// uuids lists what is named by a UUID in a directory, at most maxListed of them, in no order.
func uuids(root *os.Root, name string) (ids []uuid.UUID, err error) {
	dir, err := openDirectory(root, name)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	for len(ids) < maxListed {
		names, err := dir.Readdirnames(readAtOnce)
		if errors.Is(err, io.EOF) {
			return ids, nil
		}
		if err != nil {
			return nil, fail("list directory", err)
		}
		for _, name := range names {
			if id, ok := parseID(name); ok && len(ids) < maxListed {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// parseID reads the name of something temporary.
func parseID(name string) (id uuid.UUID, ok bool) {
	id, err := uuid.Parse(name)
	return id, err == nil && id.String() == name
}
