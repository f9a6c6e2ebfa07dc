package jobs

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/backup"
	"fanfare/internal/bucket"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

// Names of what a backup is of.
const (
	sharedSource = "shared"
	mediaSource  = "media"
	spaceSources = "spaces/"
)

// sourceName is what a workspace is called in backups.
func sourceName(spaceID *uuid.UUID) string {
	if spaceID == nil {
		return sharedSource
	}
	return spaceSources + spaceID.String()
}

// workspaceTree is a workspace, or a directory of it, as backups see it.
type workspaceTree struct {
	directory *workspace.Directory
	// below is where a restore puts everything that is not to come back to where it was; "" is the top.
	below string
	// restoring is whose staged files are its own: those of one that was broken off are known by it, and cleared.
	restoring uuid.UUID
	staged    map[int64]*workspace.Staged
	// others and content count, of the last walk, what can be in no backup, and what of that has content.
	others, content int64
}

func newWorkspaceTree(directory *workspace.Directory) *workspaceTree {
	return restoringTree(directory, "", uuid.New())
}

// restoringTree is where a restore stages files.
func restoringTree(directory *workspace.Directory, below string, restoring uuid.UUID) *workspaceTree {
	return &workspaceTree{directory: directory, below: below, restoring: restoring, staged: map[int64]*workspace.Staged{}}
}

// stagedAs is the id of a staged file: half of it says of which restore, the other which of its files.
func (t *workspaceTree) stagedAs(number int64) (id uuid.UUID) {
	of := uuid.NewSHA1(t.restoring, []byte("staged"))
	copy(id[:8], of[:8])
	binary.BigEndian.PutUint64(id[8:], uint64(number))
	return id
}

// clear removes what earlier tries of the restore have staged. None of it is in its place.
func (t *workspaceTree) clear() error {
	mine := t.stagedAs(0)
	for {
		ids, err := t.directory.Staged() // perhaps not all of them at once
		if err != nil {
			return err
		}
		removed := 0
		for _, id := range ids {
			if [8]byte(id[:8]) == [8]byte(mine[:8]) {
				if err := t.directory.RemoveStaged(id); err != nil {
					return err
				}
				removed++
			}
		}
		if removed == 0 {
			return nil
		}
	}
}

// entryOf is a file or directory as backups see it.
func entryOf(entry workspace.Entry, stamp workspace.Stamp) backup.Entry {
	return backup.Entry{
		Path: entry.Path, Bytes: entry.Bytes, Executable: entry.Executable, Modified: entry.ModifiedAt.UTC(),
		Stamp: backup.Stamp{Inode: stamp.Inode, Changed: stamp.Changed},
	}
}

// Walk calls fn with everything in the workspace, and with nothing where it is below a directory that is new.
func (t *workspaceTree) Walk(ctx context.Context, fn func(backup.Entry) error) error {
	t.others, t.content = 0, 0
	return t.directory.Walk(ctx, func(entry workspace.Entry, stamp workspace.Stamp) error {
		e := entryOf(entry, stamp)
		if t.below != "" {
			name, inside := strings.CutPrefix(entry.Path, t.below+"/")
			if !inside {
				return nil
			}
			e.Path = name
		}
		switch entry.Kind {
		case workspace.KindFile:
		case workspace.KindDirectory:
			e.Kind = backup.Directory
		case workspace.KindOther:
			t.others++
			if entry.Content {
				t.content++
			}
			e.Kind, e.Reason = backup.Other, "it is a link, a device or the like, or has a name that is no path"
			_, err := workspace.CheckPath(entry.Path)
			e.Unnamed = err != nil
		}
		return fn(e)
	})
}

// Open opens a file.
func (t *workspaceTree) Open(_ context.Context, name string) (backup.OpenFile, error) {
	file, err := t.directory.Open(path.Join(t.below, name))
	if err != nil {
		return nil, err
	}
	if err := file.Settle(); err != nil {
		_ = file.Close()
		return nil, err
	}
	return &workspaceFile{File: file, name: name}, nil
}

// workspaceFile is an open file of a workspace.
type workspaceFile struct {
	*workspace.File
	name string
}

// Stat says what the file is at this moment: another than what was opened, if it was written to.
func (f *workspaceFile) Stat() (backup.Entry, error) {
	e := entryOf(f.Entry(), f.Stamp())
	e.Path = f.name
	if err := f.Unchanged(); errors.Is(err, workspace.ErrChanged) {
		e.Stamp = backup.Stamp{} // like nothing
	} else if err != nil {
		return e, err
	}
	return e, nil
}

// Stage begins a file apart from the tree.
func (t *workspaceTree) Stage(_ context.Context, number int64, file backup.File) (backup.Staging, error) {
	staged, err := t.directory.Stage(t.stagedAs(number))
	if err != nil {
		return nil, err
	}
	staged.SetExecutable(file.Executable)
	staged.SetModifiedAt(file.Modified)
	t.staged[number] = staged
	return &workspaceStaging{Staged: staged, tree: t, number: number}, nil
}

// workspaceStaging is a file that is being staged.
type workspaceStaging struct {
	*workspace.Staged
	tree   *workspaceTree
	number int64
}

// Close keeps the file.
func (s *workspaceStaging) Close() error { return s.Finish() }

// Discard throws it away.
func (s *workspaceStaging) Discard() error {
	delete(s.tree.staged, s.number)
	return s.Staged.Discard()
}

// Staged says whether a file is staged, whole and verified.
func (t *workspaceTree) Staged(number int64) bool { return t.staged[number] != nil }

// Place puts a staged file where it belongs.
func (t *workspaceTree) Place(_ context.Context, number int64, file backup.File) error {
	staged := t.staged[number]
	if staged == nil {
		return fmt.Errorf("file %d was not staged", number)
	}
	delete(t.staged, number)
	_, err := t.directory.Commit(staged, path.Join(t.below, file.Path), workspace.Condition{})
	return err
}

// MakeDirectory makes a directory, and those above it.
func (t *workspaceTree) MakeDirectory(_ context.Context, name string) error {
	_, err := t.directory.MakeDirectory(path.Join(t.below, name))
	return err
}

// Remove removes what is at a path.
func (t *workspaceTree) Remove(_ context.Context, name string) error {
	switch err := t.directory.Remove(path.Join(t.below, name)); {
	case errors.Is(err, workspace.ErrNotFound), errors.Is(err, workspace.ErrNotDirectory):
		return nil
	case errors.Is(err, workspace.ErrNotEmpty):
		return backup.ErrNotEmpty
	default:
		return err
	}
}

// discard throws away what is staged and was not put in its place.
func (t *workspaceTree) discard() error {
	var all error
	for number, staged := range t.staged {
		delete(t.staged, number)
		all = errors.Join(all, staged.Discard())
	}
	return all
}

// mediaTree is a customer's images and videos as backups see them: files in the bucket under the ids of their rows. They never change, so that
// their digest tells whether there is another.
type mediaTree struct {
	q          *queries.Queries
	bucket     *bucket.Bucket
	customerID uuid.UUID
	// compared: what is in the bucket is read to see whether it is what it should be.
	compared bool
}

// mediaPage is how many rows are read at once.
const mediaPage = 1000

func newMediaTree(db *tenant.DB, files *bucket.Bucket, scope tenant.Scope, customerID uuid.UUID) *mediaTree {
	return &mediaTree{q: queries.New(db.Read(scope)), bucket: files, customerID: customerID}
}

// Walk calls fn with every file that posts can show, in the order of their ids.
func (t *mediaTree) Walk(ctx context.Context, fn func(backup.Entry) error) error {
	after := uuid.Nil
	for {
		rows, err := t.q.MediaListForBackup(ctx, queries.MediaListForBackupParams{After: after, MaxRows: mediaPage})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, row := range rows {
			after = row.ID
			if err := fn(t.entry(row)); err != nil {
				return err
			}
		}
	}
}

func (t *mediaTree) entry(row queries.MediaListForBackupRow) backup.Entry {
	e := backup.Entry{Path: row.ID.String(), Bytes: row.Bytes, Modified: row.CreatedAt.UTC()}
	if !t.compared {
		e.Stamp.Version = row.CreatedAt.UTC().Format("20060102150405.999999999")
		if row.Sha256 != nil {
			e.Stamp.Version = hex.EncodeToString(row.Sha256)
		}
	}
	return e
}

// Open opens a file.
func (t *mediaTree) Open(ctx context.Context, name string) (backup.OpenFile, error) {
	id, err := uuid.Parse(name)
	if err != nil {
		return nil, bucket.ErrNotFound
	}
	row, err := t.q.MediaForBackup(ctx, id)
	if err != nil {
		return nil, err
	}
	file, err := t.bucket.Read(ctx, bucket.Media(t.customerID)+name)
	if err != nil {
		return nil, err
	}
	return &mediaFile{ReadCloser: file, entry: t.entry(queries.MediaListForBackupRow(row))}, nil
}

// mediaFile is an open file of the bucket.
type mediaFile struct {
	io.ReadCloser
	entry backup.Entry
}

// Stat says what it is: it does not change.
func (f *mediaFile) Stat() (backup.Entry, error) { return f.entry, nil }

// mediaStaging is a file on its way into the bucket, where it is under its own name at once: its row says what it must be, and it is that.
type mediaStaging struct {
	pipe *io.PipeWriter
	done chan error
}

// errNotKept ends the writing of a file that is not what it should be.
var errNotKept = errors.New("the file is not kept")

// Stage begins a file. One of which there is no row any more is nowhere put.
func (t *mediaTree) Stage(ctx context.Context, _ int64, file backup.File) (backup.Staging, error) {
	from, to := io.Pipe()
	s := &mediaStaging{pipe: to, done: make(chan error, 1)}
	go func() {
		err := t.bucket.Write(ctx, bucket.Media(t.customerID)+file.Path, "application/octet-stream", func(w io.Writer) error {
			_, err := io.Copy(w, from)
			return err
		})
		_ = from.CloseWithError(errors.Join(err, io.ErrClosedPipe))
		s.done <- err
	}()
	return s, nil
}

// Write writes a piece.
func (s *mediaStaging) Write(piece []byte) (int, error) { return s.pipe.Write(piece) }

// Close keeps the file.
func (s *mediaStaging) Close() error {
	_ = s.pipe.Close()
	return <-s.done
}

// Discard throws it away.
func (s *mediaStaging) Discard() error {
	_ = s.pipe.CloseWithError(errNotKept)
	if err := <-s.done; !errors.Is(err, errNotKept) {
		return err
	}
	return nil
}

// Place has nothing to do.
func (*mediaTree) Place(context.Context, int64, backup.File) error { return nil }

// MakeDirectory has nothing to do.
func (*mediaTree) MakeDirectory(context.Context, string) error { return nil }

// Remove removes nothing: what no row tells of is looked after elsewhere.
func (*mediaTree) Remove(context.Context, string) error { return nil }
