package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

const (
	// maxFile is how large a file of a workspace may be, in bytes.
	maxFile = 5 << 30
	// touchEvery is how often an upload says that it goes on. The database takes one for broken off that is silent for two minutes.
	touchEvery = 20 * time.Second
)

func fileTooLarge() *Problem {
	return problem(http.StatusRequestEntityTooLarge, fmt.Sprintf("The file is too large: a file of a workspace may have %d GiB.", maxFile>>30))
}

// noFileRoom is the answer where a customer's workspaces have all the room that they may have.
func noFileRoom() *Problem {
	return problem(http.StatusInsufficientStorage, "The files of the customer's workspaces would take more room than they may. Delete some, or have the quota raised.")
}

// noFileRoomUnknown is the answer to an upload that has outgrown what is held for one of unknown length.
func noFileRoomUnknown() *Problem {
	return problem(http.StatusInsufficientStorage, "The file takes more than half of the room that was left, which is the most for an upload of unknown length. Send Content-Length: then it can take all of it.")
}

func tooManyFileChanges() *Problem {
	p := problem(http.StatusTooManyRequests, "As many of this customer's files are being changed at this moment as can be at once: 10 are written in one workspace, and 20 in all. Try again when one is done.")
	p.retryAfter = 2 * time.Second
	return p
}

// fileChange is a change of a workspace that is under way: the database holds room for it, and counts it when it is done.
type fileChange struct {
	a         *API
	in        WorkspacePath
	id        uuid.UUID
	directory *workspace.Directory
	room      int64
	touched   time.Time
	// applied is what has been done to the files, nil until then. It cannot be taken back.
	applied *workspace.Change
}

// changeFiles has the database let the caller change a workspace, and hold room for so many bytes, or with upTo as many of them as half of the room that is left. Then do
// does it, which ends with finish.
func (a *API) changeFiles(ctx context.Context, in WorkspacePath, kind string, bytes int64, upTo bool, do func(c *fileChange) (*fileOutput, error)) (*fileOutput, error) {
	if out, err := answered[fileOutput](ctx, a, scope(ctx).In(in.CustomerID)); out != nil || err != nil {
		return out, err
	}
	directory, err := a.openWorkspace(ctx, in)
	if err != nil {
		return nil, err
	}
	defer directory.Close()
	c := &fileChange{a: a, in: in, directory: directory, touched: time.Now()}
	if c.id, err = uuid.NewV7(); err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	err = c.tx(ctx, func(ctx context.Context, q *queries.Queries) (err error) {
		c.room, err = q.FileChangeBegin(ctx, queries.FileChangeBeginParams{
			ID: c.id, WorkspaceID: in.WorkspaceID, Kind: kind, Bytes: bytes, UpTo: upTo, Quota: a.workspaceRules().Quota,
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	out, err := do(c)
	if c.applied == nil { // or the same request was answered meanwhile
		c.giveUp(ctx)
	}
	return out, err
}

func (c *fileChange) tx(ctx context.Context, do func(ctx context.Context, q *queries.Queries) error) error {
	return c.a.tx(ctx, scope(ctx).In(c.in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error { return do(ctx, q) })
}

// finish does it and counts it: nobody else changes the workspace meanwhile. at and to are what the log says.
func (c *fileChange) finish(ctx context.Context, at, to string, location string, apply func() (workspace.Change, error)) (*fileOutput, error) {
	return change(ctx, c.a, scope(ctx).In(c.in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*fileOutput, error) {
		if err := q.FileChangeApply(ctx, c.id); err != nil {
			return nil, err
		}
		if c.applied == nil { // else the transaction is tried again
			done, err := apply()
			if err != nil {
				return nil, fileFault(err, location)
			}
			c.applied = &done
		}
		params := queries.FileChangeFinishParams{ID: c.id, Path: &at, Bytes: c.applied.Bytes, Entries: c.applied.Files}
		if to != "" {
			params.ToPath = &to
		}
		return fileAnswer(c.applied.Entry), q.FileChangeFinish(ctx, params)
	})
}

// giveUp forgets a change that has come to nothing. One that was done and could not be counted stays, so that a worker measures the workspace anew.
func (c *fileChange) giveUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	if err := c.tx(ctx, func(ctx context.Context, q *queries.Queries) error { return q.FileChangeDrop(ctx, c.id) }); err != nil {
		c.a.log.WarnContext(ctx, "room that was held for a change of files is given back by a worker later", "error", err, "workspace_id", c.in.WorkspaceID, "request_id", requestID(ctx))
	}
}

// receive writes a file's bytes where nobody sees them yet.
func (c *fileChange) receive(ctx context.Context, body io.Reader) (*workspace.Staged, error) {
	staged, err := c.directory.Stage(c.id)
	if err != nil {
		return nil, fileFault(err, "query.path")
	}
	_, err = io.Copy(&roomWriter{staged, c, ctx}, body)
	if err == nil {
		err = staged.Finish()
	}
	if err != nil {
		c.discard(ctx, staged)
		return nil, fileFault(err, "query.path")
	}
	return staged, nil
}

func (c *fileChange) discard(ctx context.Context, staged *workspace.Staged) {
	if err := staged.Discard(); err != nil {
		c.a.log.WarnContext(ctx, "what a broken off upload has left is removed by a worker later", "error", err, "workspace_id", c.in.WorkspaceID, "request_id", requestID(ctx))
	}
}

// roomWriter writes no more than there is room for, and says now and then that the change goes on.
type roomWriter struct {
	to  *workspace.Staged
	c   *fileChange
	ctx context.Context //nolint:containedctx // of the one request
}

// Write writes a piece.
func (w *roomWriter) Write(piece []byte) (int, error) {
	switch size := w.to.Size() + int64(len(piece)); {
	case size > maxFile:
		return 0, fileTooLarge()
	case size > w.c.room:
		return 0, noFileRoomUnknown() // whose length is known has room for it
	}
	if time.Since(w.c.touched) > touchEvery {
		if err := w.c.tx(w.ctx, func(ctx context.Context, q *queries.Queries) error { return q.FileChangeTouch(ctx, w.c.id) }); err != nil {
			return 0, err
		}
		w.c.touched = time.Now()
	}
	return w.to.Write(piece)
}

// storeFile writes a file. size is -1 where it is not known.
func (a *API) storeFile(ctx context.Context, in WorkspacePath, at, location string, size int64, body io.Reader, condition FileCondition) (*fileOutput, error) {
	if _, err := workspace.CheckPath(at); err != nil {
		return nil, fileFault(err, location)
	}
	when, err := condition.condition()
	if err != nil {
		return nil, err
	}
	if size > maxFile {
		return nil, fileTooLarge()
	}
	wanted := size
	if size < 0 {
		wanted = maxFile
	}
	return a.changeFiles(ctx, in, "write", wanted, size < 0, func(c *fileChange) (*fileOutput, error) {
		staged, err := c.receive(ctx, body)
		if err != nil {
			return nil, err
		}
		out, err := c.finish(ctx, at, "", location, func() (workspace.Change, error) { return c.directory.Commit(staged, at, when) })
		if c.applied == nil {
			c.discard(ctx, staged)
		}
		return out, condition.explain(err)
	})
}

func (a *API) writeFile(ctx context.Context, in *struct {
	FilePath
	FileCondition
	Upload
}) (*fileOutput, error) {
	in.body.stall = cmp.Or(a.UploadStall, uploadStall)
	defer in.body.done()
	if err := in.refuse(); err != nil {
		return nil, err
	}
	out, err := a.storeFile(ctx, in.WorkspacePath, in.Path, "query.path", in.Size, in.body, in.FileCondition)
	if problem := in.body.problem(); err != nil && problem != nil {
		err = problem
	}
	return out, err
}

func (a *API) writeFileText(ctx context.Context, in *struct {
	WorkspacePath
	FileCondition
	Body FileTextWrite
}) (*fileOutput, error) {
	content := in.Body.Content
	if in.Body.Encoding == "base64" {
		bytes, err := base64.StdEncoding.DecodeString(content)
		if err != nil {
			return nil, invalid("body.content", "is no base64")
		}
		content = string(bytes)
	}
	return a.storeFile(ctx, in.WorkspacePath, in.Body.Path, "body.path", int64(len(content)), strings.NewReader(content), in.FileCondition)
}

func (a *API) deleteFile(ctx context.Context, in *struct {
	FilePath
	FileCondition
	Recursive bool `query:"recursive" doc:"A directory with all that is in it."`
}) (*struct{}, error) {
	when, err := in.condition()
	if err != nil {
		return nil, err
	}
	_, err = a.changeFiles(ctx, in.WorkspacePath, "delete", 0, false, func(c *fileChange) (*fileOutput, error) {
		return c.finish(ctx, in.Path, "", "query.path", func() (workspace.Change, error) { return c.directory.Delete(in.Path, in.Recursive, when) })
	})
	return nil, err
}

func (a *API) moveFile(ctx context.Context, in *struct {
	WorkspacePath
	FileCondition
	Body FileMove
}) (*fileOutput, error) {
	when, err := in.condition()
	if err != nil {
		return nil, err
	}
	if _, err := workspace.CheckPath(in.Body.To); err != nil {
		return nil, fileFault(err, "body.to")
	}
	return a.changeFiles(ctx, in.WorkspacePath, "move", 0, false, func(c *fileChange) (*fileOutput, error) {
		return c.finish(ctx, in.Body.From, in.Body.To, "body.from", func() (workspace.Change, error) {
			return c.directory.Move(in.Body.From, in.Body.To, in.Body.Replace, when)
		})
	})
}

func (a *API) createDirectory(ctx context.Context, in *struct {
	WorkspacePath
	Body DirectoryCreate
}) (*fileOutput, error) {
	return a.changeFiles(ctx, in.WorkspacePath, "make_directory", 0, false, func(c *fileChange) (*fileOutput, error) {
		return c.finish(ctx, in.Body.Path, "", "body.path", func() (workspace.Change, error) { return c.directory.MakeDirectory(in.Body.Path) })
	})
}
