package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/backup"
	"fanfare/internal/bucket"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

// RestoreQueue is the queue of restores, for which somebody waits.
const RestoreQueue = "restore"

// restoreConcurrency is how many restores a worker works at once.
const restoreConcurrency = 2

// RestoreArgs name a restore that is to be planned, or done.
type RestoreArgs struct {
	CustomerID uuid.UUID `json:"customer_id"`
	RestoreID  uuid.UUID `json:"restore_id"`
}

// Kind is the job's name in the queue.
func (RestoreArgs) Kind() string { return "restore" }

// InsertOpts are the job's defaults. A restore has one job at a time.
func (RestoreArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: RestoreQueue, MaxAttempts: 2 * backupStarts, UniqueOpts: oneAtATime}
}

// restoreWorker plans restores, and does them.
//
// Every file is staged and checked before any is put in its place. While they are, nobody reads or writes the workspace over the API. A job that was broken off plans anew:
// what is in its place already is unchanged then, and the rest is done; only then the workspace is active again.
type restoreWorker struct {
	river.WorkerDefaults[RestoreArgs]
	*fileStores
	lease *lease
}

// Timeout bounds the whole job.
func (*restoreWorker) Timeout(*river.Job[RestoreArgs]) time.Duration { return backupTimeout }

// NextRetry leaves a bucket that is away some time to come back.
func (*restoreWorker) NextRetry(job *river.Job[RestoreArgs]) time.Time {
	return time.Now().Add(backoff(len(job.Errors)+1, 5*time.Second, 5*time.Minute))
}

// errRestoreGone: it is finished or forgotten, or its customer is gone.
var errRestoreGone = errors.New("there is no such restore to do")

// noRestore is why a restore cannot be done, for people. Trying again does not help.
type noRestore string

// Error says why.
func (r noRestore) Error() string { return string(r) }

// Work plans the job's restore, or does it.
func (w *restoreWorker) Work(ctx context.Context, job *river.Job[RestoreArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	log := w.log.With("customer_id", job.Args.CustomerID, "restore_id", job.Args.RestoreID, "job_id", job.ID)
	scope := tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID})
	row, err := queries.New(w.db.Read(scope)).RestoreForWorker(ctx, job.Args.RestoreID)
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errRestoreGone)
	case err != nil:
		return fmt.Errorf("read restore: %w", err)
	case row.State == "planned", row.State == "done", row.State == "failed":
		return nil
	}
	if job.Attempt > backupStarts && row.State != "applying" { // else nobody could use the workspaces any more
		err = errors.New("its worker has died too often")
	} else {
		err = w.restore(ctx, log, scope, job.Args.CustomerID, row)
	}
	problem := explainRestore(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errRestoreGone), errors.Is(err, tenant.ErrNotFound):
		return river.JobCancel(errRestoreGone)
	case errors.Is(ctx.Err(), context.Canceled):
		return river.JobSnooze(time.Second) // it was broken off by us; nothing is wrong with it
	case row.State == "applying" && problem == "", problem == "" && len(job.Errors)+1 < backupFailures && job.Attempt <= backupStarts:
		// One that has begun to put files in their places is not given up: a part would be taken for the whole.
		log.WarnContext(ctx, "restore failed and is tried again", "error", err)
		return fmt.Errorf("restore: %w", err)
	}
	log.WarnContext(ctx, "restore is given up", "error", err)
	if problem == "" {
		problem = "The backup could not be read, though it was tried several times. Try again later; if that fails too, tell whoever runs Fanfare."
	}
	if row.State == "applying" {
		problem += " Some files are in their places already, and others are not."
	} else {
		problem += " Nothing was changed."
	}
	if failErr := w.fail(ctx, scope, job.Args.CustomerID, row, problem, err); failErr != nil && !errors.Is(failErr, tenant.ErrNotFound) {
		return fmt.Errorf("give up restore: %w", failErr)
	}
	return river.JobCancel(errors.New("the restore is given up"))
}

// explainRestore says what is wrong where trying again does not help, "" where it may.
func explainRestore(err error) string {
	var no noRestore
	var damage *backup.DamageError
	var path *workspace.PathError
	switch {
	case errors.As(err, &no):
		return string(no)
	case errors.As(err, &damage):
		return "The backup is damaged: " + damage.Error() + ". Take an earlier one."
	case errors.Is(err, backup.ErrIdentity):
		return "The backup is encrypted, and this server has no identity that opens it. Whoever runs Fanfare sets FANFARE_BACKUP_IDENTITY for the workers, or restores with 'fanfare restore files'."
	case errors.Is(err, backup.ErrNothingSelected):
		return "The backup has nothing of what was chosen."
	case errors.Is(err, workspace.ErrFull):
		return "The disk is full. Whoever runs Fanfare must make room."
	case errors.As(err, &path):
		return "A file cannot be put there, since its path " + path.Reason + ". Choose a shorter directory."
	}
	return ""
}

// fail gives a restore up, and notes where its backup is damaged.
func (w *restoreWorker) fail(ctx context.Context, scope tenant.Scope, customerID uuid.UUID, row queries.RestoreForWorkerRow, problem string, cause error) error {
	var held map[string]*place
	if row.State == "applying" {
		var err error
		if held, err = w.places(ctx, scope, customerID, row); err != nil {
			return err
		}
		defer closePlaces(held)
	}
	return w.release(ctx, scope, held, func(ctx context.Context, q *queries.Queries) error {
		if _, err := q.RestoreSetState(ctx, queries.RestoreSetStateParams{ID: row.ID, State: "failed", Problem: &problem}); err != nil {
			return err
		}
		if errors.As(cause, new(*backup.DamageError)) {
			if _, err := q.BackupDamaged(ctx, queries.BackupDamagedParams{ID: row.BackupID, Problem: ptr(cause.Error())}); err != nil {
				return err
			}
		}
		return nil
	})
}

// place is a workspace into which is restored.
type place struct {
	row       queries.WorkspaceListForWorkerRow
	directory *workspace.Directory
	tree      *workspaceTree
}

// places are the workspaces that a restore concerns, by the names of their sources in the backup. They must be closed.
func (f *fileStores) places(ctx context.Context, scope tenant.Scope, customerID uuid.UUID, row queries.RestoreForWorkerRow) (places map[string]*place, err error) {
	rows, err := queries.New(f.db.Read(scope)).WorkspaceListForWorker(ctx)
	if err != nil {
		return nil, fmt.Errorf("list workspaces: %w", err)
	}
	places = map[string]*place{}
	defer func() {
		if err != nil {
			closePlaces(places)
		}
	}()
	byID := map[uuid.UUID]queries.WorkspaceListForWorkerRow{}
	for _, r := range rows {
		byID[r.ID] = r
	}
	add := func(source string, r queries.WorkspaceListForWorkerRow, below string) error {
		switch {
		case r.State == "archived" || r.State == "archiving" || r.State == "returning" || r.State == "deleted" || r.State == "new":
			if row.WorkspaceID == nil && r.State == "new" {
				return nil // nobody has used it yet
			}
			return noRestore("A workspace that would be restored is not in use: it was archived, or nobody has used it yet. List its files first, so that it is there, and plan the restore anew.")
		case f.workspaces == nil:
			return errors.New("this worker has no workspaces")
		}
		directory, err := f.workspaces.Open(customerID, workspace.OfSpace(r.SpaceID))
		if err != nil {
			return fmt.Errorf("open workspace %s: %w", r.ID, err)
		}
		places[source] = &place{row: r, directory: directory, tree: newWorkspaceTree(directory, below)}
		return nil
	}
	if row.WorkspaceID == nil {
		for _, r := range rows {
			if err := add(sourceName(r.SpaceID), r, ""); err != nil {
				return places, err
			}
		}
		return places, nil
	}
	from, found := byID[*row.WorkspaceID]
	if !found {
		return places, noRestore("There is no such workspace any more.")
	}
	to, below := from, ""
	if row.ToWorkspaceID != nil && row.ToPath != nil {
		if to, found = byID[*row.ToWorkspaceID]; !found {
			return places, noRestore("There is no such workspace any more.")
		}
		below = *row.ToPath
	}
	return places, add(sourceName(from.SpaceID), to, below)
}

func closePlaces(places map[string]*place) {
	for _, p := range places {
		_ = p.tree.discard()
		_ = p.directory.Close()
	}
}

// restore does the next step of a restore.
func (w *restoreWorker) restore(ctx context.Context, log *slog.Logger, scope tenant.Scope, customerID uuid.UUID, row queries.RestoreForWorkerRow) error {
	if row.BackupState != "ready" || row.ObjectID == nil || row.ManifestSha256 == nil {
		return noRestore("The backup is not there any more.")
	}
	manifest, err := w.repository(customerID, bucket.Backups(customerID)).Open(ctx, *row.ObjectID, *row.ManifestSha256)
	if err != nil {
		return err
	}
	defer manifest.Close()
	if row.State == "queued" || row.State == "running" {
		if err := w.setState(ctx, scope, row.ID, "running"); err != nil {
			return err
		}
	}
	places, err := w.places(ctx, scope, customerID, row)
	if err != nil {
		return err
	}
	defer closePlaces(places)
	plan, err := w.plan(ctx, scope, customerID, manifest, places, row)
	if err != nil {
		return err
	}
	defer plan.Close()
	if row.State == "planning" {
		told, err := json.Marshal(planFrom(plan))
		if err != nil {
			return fmt.Errorf("encode plan: %w", err)
		}
		return w.tx(ctx, scope, errRestoreGone, func(q *queries.Queries) (int64, error) {
			return q.RestorePlanned(ctx, queries.RestorePlannedParams{ID: row.ID, Plan: told})
		})
	}
	if err := plan.Stage(ctx); err != nil {
		return err
	}
	if err := w.hold(ctx, scope, places, row.ID); err != nil {
		return err
	}
	if err := plan.Apply(ctx); err != nil {
		return err
	}
	if err := w.finish(ctx, scope, places, row.ID); err != nil {
		return err
	}
	log.InfoContext(ctx, "files of a backup are back", "created", plan.Counts.Create, "replaced", plan.Counts.Replace, "removed", plan.Counts.Remove, "bytes", plan.Counts.Bytes)
	return nil
}

func (w *restoreWorker) setState(ctx context.Context, scope tenant.Scope, id uuid.UUID, state string) error {
	return w.tx(ctx, scope, errRestoreGone, func(q *queries.Queries) (int64, error) {
		return q.RestoreSetState(ctx, queries.RestoreSetStateParams{ID: id, State: state})
	})
}

// plan compares the backup with what is there.
func (w *restoreWorker) plan(ctx context.Context, scope tenant.Scope, customerID uuid.UUID, manifest *backup.Manifest, places map[string]*place, row queries.RestoreForWorkerRow) (*backup.Plan, error) {
	targets := map[string]backup.Target{}
	for source, p := range places {
		targets[source] = p.tree
	}
	selection := backup.Selection{}
	if row.Path != nil {
		selection.Path = *row.Path
	}
	if row.WorkspaceID == nil && w.media != nil {
		tree := newMediaTree(w.db, w.media, scope, customerID)
		tree.compared = true
		known := map[string]bool{} // a file that was deleted since stays so: no post shows it
		if err := tree.Walk(ctx, func(e backup.Entry) error { known[e.Path] = true; return nil }); err != nil {
			return nil, fmt.Errorf("list images and videos: %w", err)
		}
		selection.Leave = func(source, path string) bool { return source == mediaSource && !known[path] }
		targets[mediaSource] = tree
	}
	return manifest.Plan(ctx, targets, selection, backup.RestoreOptions{Exact: row.Exact})
}

// hold keeps everybody else from the workspaces until the files are in their places.
func (w *restoreWorker) hold(ctx context.Context, scope tenant.Scope, places map[string]*place, id uuid.UUID) error {
	return w.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		changed, err := q.RestoreSetState(ctx, queries.RestoreSetStateParams{ID: id, State: "applying"})
		if err == nil && changed == 0 {
			err = errRestoreGone
		}
		if err != nil {
			return err
		}
		for _, p := range places {
			held, err := q.WorkspaceBeginRestore(ctx, p.row.ID)
			if err == nil && held == 0 {
				err = noRestore("A workspace was archived meanwhile. List its files first, so that it is there, and plan the restore anew.")
			}
			if err == nil {
				err = q.FileChangeGiveUp(ctx, p.row.ID)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// finish counts what is there now, and lets everybody use the workspaces again.
func (w *restoreWorker) finish(ctx context.Context, scope tenant.Scope, places map[string]*place, id uuid.UUID) error {
	return w.release(ctx, scope, places, func(ctx context.Context, q *queries.Queries) error {
		changed, err := q.RestoreSetState(ctx, queries.RestoreSetStateParams{ID: id, State: "done"})
		if err == nil && changed == 0 {
			err = errRestoreGone
		}
		return err
	})
}

// release counts what is in the workspaces, and lets everybody use them again, in one transaction with what else is to be changed.
func (w *restoreWorker) release(ctx context.Context, scope tenant.Scope, places map[string]*place, also func(ctx context.Context, q *queries.Queries) error) error {
	used := map[uuid.UUID]workspace.Usage{}
	for _, p := range places {
		usage, err := measureDirectory(ctx, p.directory)
		if err != nil {
			return fmt.Errorf("measure workspace: %w", err)
		}
		used[p.row.ID] = usage
	}
	return w.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		for workspaceID, usage := range used {
			if _, err := q.WorkspaceEndRestore(ctx, queries.WorkspaceEndRestoreParams{ID: workspaceID, Bytes: usage.Bytes, Entries: usage.Files}); err != nil {
				return err
			}
		}
		return also(ctx, q)
	})
}

// restorePlan is how a plan is told; api.RestorePlan reads it.
type restorePlan struct {
	backup.Counts
	Changes []backup.Change `json:"changes"`
}

func planFrom(plan *backup.Plan) restorePlan {
	told := restorePlan{Counts: plan.Counts, Changes: []backup.Change{}}
	for _, change := range plan.Changes {
		if !change.Directory {
			told.Changes = append(told.Changes, change)
		}
	}
	return told
}
