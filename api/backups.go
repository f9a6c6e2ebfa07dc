package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

// Backup is a backup of all files of a customer: its workspaces, and its images and videos.
type Backup struct {
	ID          uuid.UUID  `json:"id" format:"uuid"`
	State       string     `json:"state" enum:"queued,running,ready,failed"`
	RequestedBy *uuid.UUID `json:"requested_by" format:"uuid" nullable:"true" doc:"The person who asked for it; null: it is a night's."`
	Full        bool       `json:"full" doc:"Everything was stored, and not only what had changed since the one before. Each can be restored as a whole either way."`
	Files       *int64     `json:"files"`
	Bytes       *int64     `json:"bytes" doc:"What its files have together."`
	StoredBytes *int64     `json:"stored_bytes" doc:"What it takes itself, compressed."`
	LeftOut     *int64     `json:"left_out" doc:"How many links, devices and the like could not be backed up."`
	Unstable    *int64     `json:"unstable" doc:"How many files were changed while they were read, each time."`
	DamagedAt   *time.Time `json:"damaged_at" doc:"Since when it is known that something of it is damaged or missing."`
	Problem     *string    `json:"problem" doc:"Why it failed, or what is damaged."`
	CreatedAt   time.Time  `json:"created_at"`
	StartedAt   *time.Time `json:"started_at"`
	FinishedAt  *time.Time `json:"finished_at"`
}

type backupOutput struct{ Body Backup }

// BackupPath is the path of a backup.
type BackupPath struct {
	CustomerPath
	BackupID uuid.UUID `path:"backup_id" format:"uuid" doc:"The backup."`
}

// BackupCreate asks for a backup.
type BackupCreate struct {
	Full bool `json:"full,omitempty" doc:"Store everything anew, and not only what has changed."`
}

// BackupStatus says how a customer's backups stand.
type BackupStatus struct {
	Enabled           bool       `json:"enabled" doc:"Whether backups are set up on this server."`
	LastGoodID        *uuid.UUID `json:"last_good_id" format:"uuid" nullable:"true"`
	LastGoodAt        *time.Time `json:"last_good_at" doc:"When the last backup that is whole was finished."`
	LastFailedAt      *time.Time `json:"last_failed_at"`
	LastGoodDrillAt   *time.Time `json:"last_good_drill_at" doc:"When a backup was last restored elsewhere, to see whether everything is in it, and it was."`
	LastFailedDrillAt *time.Time `json:"last_failed_drill_at"`
}

// Restore puts files of a backup back. Its plan says first what it would do.
type Restore struct {
	ID          uuid.UUID           `json:"id" format:"uuid"`
	BackupID    uuid.UUID           `json:"backup_id" format:"uuid"`
	State       string              `json:"state" enum:"planning,planned,queued,running,applying,done,failed" doc:"planned: the plan is there, and start-restore does it. applying: files are being put in their places; nobody reads or writes the workspaces until that is done."`
	RequestedBy *uuid.UUID          `json:"requested_by" format:"uuid" nullable:"true"`
	WorkspaceID *uuid.UUID          `json:"workspace_id" format:"uuid" nullable:"true" doc:"The one workspace; null: all of them, and the images and videos."`
	Path        *string             `json:"path" doc:"The one file or directory of it."`
	To          Maybe[RestorePlace] `json:"to" doc:"Where to; null: to where everything was."`
	Exact       bool                `json:"exact" doc:"What the backup does not have is removed."`
	Plan        Maybe[RestorePlan]  `json:"plan" doc:"What it does. null until it is known."`
	Problem     *string             `json:"problem" doc:"Why it failed."`
	CreatedAt   time.Time           `json:"created_at"`
	StartedAt   *time.Time          `json:"started_at"`
	FinishedAt  *time.Time          `json:"finished_at"`
}

// RestorePlace is where files are put that are not to come back to where they were.
type RestorePlace struct {
	WorkspaceID uuid.UUID `json:"workspace_id" format:"uuid"`
	Path        string    `json:"path" minLength:"1" maxLength:"1024" doc:"A directory; it is made." example:"restored-2026-11-23"`
}

// RestorePlan is what a restore does.
type RestorePlan struct {
	Create    int64           `json:"create" doc:"How many files and directories are not there."`
	Replace   int64           `json:"replace" doc:"How many files are there with other content."`
	Unchanged int64           `json:"unchanged" doc:"How many are there as they were."`
	Remove    int64           `json:"remove" doc:"How many are removed: of an exact restore, what the backup does not have; of any, what is in the way, such as a file where the backup has a directory."`
	Kept      int64           `json:"kept" doc:"How many would be removed and cannot, since what programs have called them is no path, and the directories in which those are."`
	Bytes     int64           `json:"bytes" doc:"How much is written."`
	Changes   []RestoreChange `json:"changes" nullable:"false" doc:"The first thousand of them."`
}

// RestoreChange is what a restore does with one file.
type RestoreChange struct {
	Source string `json:"source" doc:"Whose it is: shared (the customer's own workspace), spaces/ with the id of the space, or media." example:"shared"`
	Path   string `json:"path"`
	Action string `json:"action" enum:"create,replace,remove"`
	Bytes  int64  `json:"bytes"`
}

type restoreOutput struct {
	ETag string `header:"ETag"`
	Body Restore
}

// RestorePath is the path of a restore.
type RestorePath struct {
	CustomerPath
	RestoreID uuid.UUID `path:"restore_id" format:"uuid" doc:"The restore."`
}

// RestoreCreate says what is to be put back. Without anything: everything, to where it was.
type RestoreCreate struct {
	WorkspaceID *uuid.UUID    `json:"workspace_id,omitempty" format:"uuid" doc:"Only this workspace."`
	Path        *string       `json:"path,omitempty" minLength:"1" maxLength:"1024" doc:"Only this file or directory of it." example:"briefs"`
	To          *RestorePlace `json:"to,omitempty" doc:"Put it there, instead of to where it was. What is there already must be the same, or it is refused."`
	Exact       bool          `json:"exact,omitempty" doc:"Remove what the backup does not have."`
}

// Drill is a backup restored elsewhere, to see whether everything is in it.
type Drill struct {
	ID          uuid.UUID  `json:"id" format:"uuid"`
	BackupID    uuid.UUID  `json:"backup_id" format:"uuid"`
	State       string     `json:"state" enum:"running,good,failed"`
	Files       *int64     `json:"files" doc:"How many were restored and compared."`
	Bytes       *int64     `json:"bytes"`
	Differences *int64     `json:"differences" doc:"How many were not as they should be."`
	Problem     *string    `json:"problem"`
	CreatedAt   time.Time  `json:"created_at"`
	FinishedAt  *time.Time `json:"finished_at"`
}

func (a *API) registerBackups() {
	tags := []string{"Backups"}
	const list, one = "/v1/customers/{customer_id}/backups", "/v1/customers/{customer_id}/backups/{backup_id}"
	const restores, restore = "/v1/customers/{customer_id}/restores", "/v1/customers/{customer_id}/restores/{restore_id}"
	register(a, huma.Operation{
		OperationID: "list-backups", Method: http.MethodGet, Path: list, Tags: tags, Summary: "List backups",
		Description: "Of all files: workspaces, and images and videos. Each night makes one. They are for owners and admins. Newest first.",
	}, a.listBackups)
	register(a, huma.Operation{
		OperationID: "create-backup", Method: http.MethodPost, Path: list, Tags: tags, Summary: "Make a backup now", DefaultStatus: http.StatusAccepted,
		Description: "One at a time.",
	}, a.createBackup)
	register(a, huma.Operation{
		OperationID: "get-backup", Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a backup",
	}, a.getBackup)
	register(a, huma.Operation{
		OperationID: "get-backup-status", Method: http.MethodGet, Path: "/v1/customers/{customer_id}/backup-status", Tags: tags, Summary: "Get how the backups stand",
	}, a.getBackupStatus)
	register(a, huma.Operation{
		OperationID: "create-restore", Method: http.MethodPost, Path: one + "/restores", Tags: tags, Summary: "Plan to put files back",
		Description:   "Nothing is changed yet: the restore's plan says what would be, and start-restore does it. A plan is forgotten after a day, or when there are 20 newer ones. One is made at a time. Owners and admins may.",
		DefaultStatus: http.StatusAccepted,
	}, a.createRestore)
	register(a, huma.Operation{
		OperationID: "list-restores", Method: http.MethodGet, Path: restores, Tags: tags, Summary: "List restores", Description: "Newest first. What their plans change, get-restore says.",
	}, a.listRestores)
	register(a, huma.Operation{
		OperationID: "get-restore", Method: http.MethodGet, Path: restore, Tags: tags, Summary: "Get a restore",
	}, a.getRestore)
	register(a, huma.Operation{
		OperationID: "start-restore", Method: http.MethodPost, Path: restore + "/start", Tags: tags, Summary: "Put the files back",
		Description: "As the plan says. Every file is fetched and checked before any is put in its place. If so much has changed since the plan was made that more would be removed or replaced than it says, nothing is done.", DefaultStatus: http.StatusAccepted,
		Errors: []int{http.StatusPreconditionFailed},
	}, a.startRestore)
	register(a, huma.Operation{
		OperationID: "delete-restore", Method: http.MethodDelete, Path: restore, Tags: tags, Summary: "Forget a plan", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteRestore)
	register(a, huma.Operation{
		OperationID: "list-drills", Method: http.MethodGet, Path: "/v1/customers/{customer_id}/drills", Tags: tags, Summary: "List drills",
		Description: "Now and then a backup is restored elsewhere and compared. Newest first.",
	}, a.listDrills)
}

func noBackups() *Problem {
	return problem(http.StatusServiceUnavailable, "Backups are not set up on this server. Whoever runs it sets FANFARE_BACKUP_BUCKET.")
}

func (a *API) listBackups(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Backup], error) {
	before, beforeID, err := timeCursor(listOfBackups, in.Cursor)
	if err != nil {
		return nil, err
	}
	if in.Cursor == "" {
		before, beforeID = time.Now().AddDate(1, 0, 0), uuid.Max
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.BackupListRow, error) {
		return q.BackupList(ctx, queries.BackupListParams{Before: before, BeforeID: beforeID, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.BackupListRow) (Backup, error) { return backupFrom(queries.BackupGetRow(row)), nil }
	body, err := page(rows, in.Limit, convert, func(row queries.BackupListRow) string { return cursorOfTime(listOfBackups, row.CreatedAt, row.ID) })
	return &pageOutput[Backup]{Body: body}, err
}

func (a *API) createBackup(ctx context.Context, in *struct {
	CustomerPath
	Body BackupCreate
}) (*backupOutput, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*backupOutput, error) {
		// The database decides first whether the caller may ask at all. The worker finds the row.
		if err := q.BackupCreate(ctx, queries.BackupCreateParams{ID: id, IsFull: in.Body.Full}); err != nil {
			return nil, err
		}
		if !a.Backups {
			return nil, noBackups()
		}
		row, err := q.BackupGet(ctx, id)
		return &backupOutput{Body: backupFrom(row)}, err
	})
}

func (a *API) getBackup(ctx context.Context, in *BackupPath) (*backupOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.BackupGetRow, error) { return q.BackupGet(ctx, in.BackupID) })
	if err != nil {
		return nil, noRows(err, "backup")
	}
	return &backupOutput{Body: backupFrom(row)}, nil
}

func (a *API) getBackupStatus(ctx context.Context, in *CustomerPath) (*struct{ Body BackupStatus }, error) {
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.BackupStatusGetRow, error) { return q.BackupStatusGet(ctx) })
	if err != nil {
		return nil, err
	}
	status := BackupStatus{Enabled: a.Backups}
	for _, row := range rows { // one or none
		status.LastGoodID, status.LastGoodAt, status.LastFailedAt = row.LastGoodID, utc(row.LastGoodAt), utc(row.LastFailedAt)
		status.LastGoodDrillAt, status.LastFailedDrillAt = utc(row.LastGoodDrillAt), utc(row.LastFailedDrillAt)
	}
	return &struct{ Body BackupStatus }{status}, nil
}

func (a *API) createRestore(ctx context.Context, in *struct {
	BackupPath
	Body RestoreCreate
}) (*restoreOutput, error) {
	b := in.Body
	switch {
	case b.Path != nil && b.WorkspaceID == nil:
		return nil, invalid("body.workspace_id", "must say of which workspace the path is")
	case b.To != nil && b.WorkspaceID == nil:
		return nil, invalid("body.workspace_id", "must say which workspace is to be put somewhere else")
	case b.To != nil && b.Exact:
		return nil, invalid("body.exact", "is for what comes back to where it was")
	}
	params := queries.RestoreCreateParams{BackupID: in.BackupID, WorkspaceID: b.WorkspaceID, Exact: b.Exact}
	if b.Path != nil {
		clean, err := workspace.CheckPath(*b.Path)
		if err != nil {
			return nil, fileFault(err, "body.path")
		}
		params.Path = &clean
	}
	if b.To != nil {
		clean, err := workspace.CheckPath(b.To.Path)
		if err != nil {
			return nil, fileFault(err, "body.to.path")
		}
		params.ToWorkspaceID, params.ToPath = &b.To.WorkspaceID, &clean
	}
	var err error
	if params.ID, err = uuid.NewV7(); err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*restoreOutput, error) {
		if err := q.RestoreCreate(ctx, params); err != nil {
			return nil, err
		}
		if !a.Backups {
			return nil, noBackups()
		}
		row, err := q.RestoreGet(ctx, params.ID)
		if err != nil {
			return nil, err
		}
		return restoreAnswer(row)
	})
}

func (a *API) listRestores(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Restore], error) {
	before, err := in.before(listOfRestores)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.RestoreListRow, error) {
		return q.RestoreList(ctx, queries.RestoreListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.RestoreListRow) (Restore, error) {
		return restoreFrom(queries.RestoreGetRow(row))
	}
	body, err := page(rows, in.Limit, convert, func(row queries.RestoreListRow) string { return cursorOf(listOfRestores, row.ID) })
	return &pageOutput[Restore]{Body: body}, err
}

func (a *API) getRestore(ctx context.Context, in *RestorePath) (*restoreOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.RestoreGetRow, error) { return q.RestoreGet(ctx, in.RestoreID) })
	if err != nil {
		return nil, noRows(err, "restore")
	}
	return restoreAnswer(row)
}

func (a *API) startRestore(ctx context.Context, in *struct {
	RestorePath
	Condition
}) (*restoreOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*restoreOutput, error) {
		var row queries.RestoreGetRow
		get := func() (err error) {
			row, err = q.RestoreGet(ctx, in.RestoreID)
			return noRows(err, "restore")
		}
		err := in.change(func(version *int64) (int64, error) {
			return q.RestoreStart(ctx, queries.RestoreStartParams{ID: in.RestoreID, Version: version})
		}, func() error {
			if err := get(); err != nil || row.State == "planned" {
				return err
			}
			return conflict("The restore is " + row.State + ": only one that is planned can be started.")
		})
		if err == nil {
			err = get()
		}
		if err != nil {
			return nil, err
		}
		return restoreAnswer(row)
	})
}

func (a *API) deleteRestore(ctx context.Context, in *struct {
	RestorePath
	Condition
}) (*struct{}, error) {
	return nil, a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.RestoreDelete(ctx, queries.RestoreDeleteParams{ID: in.RestoreID, Version: version})
		}, func() error {
			row, err := q.RestoreGet(ctx, in.RestoreID)
			if err != nil || row.State == "planning" || row.State == "planned" {
				return noRows(err, "restore")
			}
			return conflict("Only a plan that was not started can be forgotten.")
		})
	})
}

func (a *API) listDrills(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Drill], error) {
	before, err := in.before(listOfDrills)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.DrillListRow, error) {
		return q.DrillList(ctx, queries.DrillListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.DrillListRow) (Drill, error) {
		return Drill{
			ID: row.ID, BackupID: row.BackupID, State: row.State, Files: row.Files, Bytes: row.Bytes, Differences: row.Differences, Problem: row.Problem,
			CreatedAt: row.CreatedAt.UTC(), FinishedAt: utc(row.FinishedAt),
		}, nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.DrillListRow) string { return cursorOf(listOfDrills, row.ID) })
	return &pageOutput[Drill]{Body: body}, err
}

func backupFrom(row queries.BackupGetRow) Backup {
	return Backup{
		ID: row.ID, State: row.State, RequestedBy: row.RequestedBy, Full: row.IsFull, Files: row.Files, Bytes: row.Bytes, StoredBytes: row.StoredBytes,
		LeftOut: row.LeftOut, Unstable: row.Unstable, DamagedAt: utc(row.DamagedAt), Problem: row.Problem,
		CreatedAt: row.CreatedAt.UTC(), StartedAt: utc(row.StartedAt), FinishedAt: utc(row.FinishedAt),
	}
}

func restoreFrom(row queries.RestoreGetRow) (Restore, error) {
	restore := Restore{
		ID: row.ID, BackupID: row.BackupID, State: row.State, RequestedBy: row.RequestedBy, WorkspaceID: row.WorkspaceID, Path: row.Path, Exact: row.Exact,
		Problem: row.Problem, CreatedAt: row.CreatedAt.UTC(), StartedAt: utc(row.StartedAt), FinishedAt: utc(row.FinishedAt),
	}
	if row.ToWorkspaceID != nil && row.ToPath != nil {
		restore.To.Value = &RestorePlace{WorkspaceID: *row.ToWorkspaceID, Path: *row.ToPath}
	}
	if row.Plan != nil {
		if err := json.Unmarshal(row.Plan, &restore.Plan); err != nil {
			return restore, fmt.Errorf("read a restore's plan: %w", err)
		}
		if plan := restore.Plan.Value; plan != nil && plan.Changes == nil {
			plan.Changes = []RestoreChange{}
		}
	}
	return restore, nil
}

func restoreAnswer(row queries.RestoreGetRow) (*restoreOutput, error) {
	restore, err := restoreFrom(row)
	return &restoreOutput{ETag: etag(row.Version), Body: restore}, err
}
