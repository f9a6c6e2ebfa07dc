package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path"
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

// restoreConcurrency is how many restores a worker works at once, each of another customer.
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
// what is in its place already is unchanged then, and the rest is done; only then the workspace is active again. Nothing is removed or replaced that the plan has not told
// of, as it was then.
type restoreWorker struct {
	river.WorkerDefaults[RestoreArgs]
	*fileStores
	quota int64
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
	giveBack, err := w.turns.take(job.Queue, job.Args.CustomerID)
	if err != nil {
		return err
	}
	defer giveBack()
	touched := row.State == "applying" // an earlier try may have put files in their places
	if job.Attempt > backupStarts {
		err = errors.New("its worker has died too often")
	} else {
		err = w.whileThere(ctx, scope, row.ID, func(ctx context.Context) error { return w.restore(ctx, log, scope, job.Args.CustomerID, row, &touched) })
	}
	problem := explainRestore(err)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errRestoreGone), errors.Is(err, tenant.ErrNotFound):
		return river.JobCancel(errRestoreGone)
	case errors.Is(ctx.Err(), context.Canceled):
		return river.JobSnooze(time.Second) // it was broken off by us; nothing is wrong with it
	case errors.Is(err, errElsewhere):
		log.WarnContext(ctx, "the restore is for another worker", "error", err)
		return river.JobSnooze(10 * time.Second)
	case problem == "" && len(job.Errors)+1 < backupFailures && job.Attempt <= backupStarts:
		log.WarnContext(ctx, "restore failed and is tried again", "error", err)
		return fmt.Errorf("restore: %w", err)
	}
	log.WarnContext(ctx, "restore is given up", "error", err)
	switch {
	case errors.Is(err, workspace.ErrMissing):
		problem = "The directory of a workspace is missing: its disk may not be mounted. Tell whoever runs Fanfare."
	case problem == "":
		problem = "It failed, though it was tried several times. Try again later; if that fails too, tell whoever runs Fanfare."
	}
	if touched {
		problem += " Some files are in their places already, and others are not: plan the restore anew."
	} else {
		problem += " Nothing was changed."
	}
	if failErr := w.fail(ctx, log, scope, job.Args.CustomerID, row.ID, problem, err); failErr != nil && !errors.Is(failErr, tenant.ErrNotFound) {
		return fmt.Errorf("give up restore: %w", failErr)
	}
	return river.JobCancel(errors.New("the restore is given up"))
}

// whileThere does what is to be done until the restore is deleted, or its customer is being erased: nobody waits for its end then.
func (w *restoreWorker) whileThere(ctx context.Context, scope tenant.Scope, id uuid.UUID, do func(ctx context.Context) error) error {
	ctx, stop := watch(ctx, func(ctx context.Context) error {
		if _, err := queries.New(w.db.Read(scope)).RestoreForWorker(ctx, id); errors.Is(err, tenant.ErrNotFound) || errors.Is(err, pgx.ErrNoRows) {
			return errRestoreGone
		}
		return nil
	})
	defer stop()
	err := do(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errRestoreGone) {
		return errRestoreGone
	}
	return err
}

// explainRestore says what is wrong where trying again does not help, "" where it may.
func explainRestore(err error) string {
	var no noRestore
	var damage *backup.DamageError
	var path *workspace.PathError
	var disk diskError
	switch {
	case errors.As(err, &no):
		return string(no)
	case errors.As(err, &disk):
		return disk.Error()
	case errors.As(err, &damage):
		return "The backup is damaged: " + damage.Error() + ". Take another one: earlier ones may share the damaged part."
	case errors.Is(err, backup.ErrIdentity):
		return "The backup is encrypted, and this server has no identity that opens it. Whoever runs Fanfare sets FANFARE_BACKUP_IDENTITY for the workers, or restores with 'fanfare restore files'."
	case errors.Is(err, backup.ErrTooMuch):
		return fmt.Sprintf("More than %d files and directories would be removed or replaced. Restore less at once.", backup.MaxLosses)
	case errors.Is(err, backup.ErrNotEmpty):
		return "A directory has to make room for a file of the backup, and there is something in it that no restore removes. Move it away."
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
func (w *restoreWorker) fail(ctx context.Context, log *slog.Logger, scope tenant.Scope, customerID, id uuid.UUID, problem string, cause error) error {
	row, err := queries.New(w.db.Read(scope)).RestoreForWorker(ctx, id) // this try may have begun to hold the workspaces
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := w.clear(ctx, scope, customerID, id); err != nil {
		log.WarnContext(ctx, "what a restore has staged is removed later", "error", err)
	}
	return w.release(ctx, log, scope, customerID, row.State == "applying", func(ctx context.Context, q *queries.Queries) error {
		if _, err := q.RestoreSetState(ctx, queries.RestoreSetStateParams{ID: row.ID, State: "failed", Problem: ptr(clip(problem, 2000))}); err != nil {
			return err
		}
		if errors.As(cause, new(*backup.DamageError)) {
			if _, err := q.BackupDamaged(ctx, queries.BackupDamagedParams{ID: row.BackupID, Problem: ptr(cause.Error())}); err != nil {
				return err
			}
			return q.BackupStatusLastGood(ctx)
		}
		return nil
	})
}

// place is a workspace into which is restored.
type place struct {
	row       queries.WorkspaceListForWorkerRow
	directory *workspace.Directory
	tree      *workspaceTree
	grows     backup.Growth
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
		case row.State == "applying" && r.State != "restoring":
			return nil // it was not in use, or not there, when the others began to be held
		case r.State == "archived" || r.State == "archiving" || r.State == "returning" || r.State == "deleted" || r.State == "new":
			if row.WorkspaceID == nil && r.State == "new" {
				return nil // nobody has used it yet
			}
			return noRestore("A workspace that would be restored is not in use: it was archived, or nobody has used it yet. List its files first, so that it is there, and plan the restore anew.")
		case f.workspaces == nil:
			return errElsewhere
		}
		directory, err := f.workspaces.Open(customerID, workspace.OfSpace(r.SpaceID))
		if err != nil {
			return fmt.Errorf("open workspace %s: %w", r.ID, err)
		}
		places[source] = &place{row: r, directory: directory, tree: restoringTree(directory, below, row.ID)}
		return checkBelow(directory, below)
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

// checkBelow refuses to restore into what is there and is no directory.
func checkBelow(directory *workspace.Directory, below string) error {
	if below == "" {
		return nil
	}
	entry, err := directory.Stat(below)
	switch {
	case errors.Is(err, workspace.ErrNotFound), err == nil && entry.Kind == workspace.KindDirectory:
		return nil
	case err == nil, errors.Is(err, workspace.ErrNotDirectory), errors.Is(err, workspace.ErrNotServed):
		return noRestore("The directory to restore to is no directory, or goes through something that is none, such as a file or a link. Choose another.")
	}
	return fmt.Errorf("look at the directory to restore to: %w", err)
}

// clear removes what a restore has staged and not put in its place.
func (w *restoreWorker) clear(ctx context.Context, scope tenant.Scope, customerID, id uuid.UUID) error {
	rows, err := queries.New(w.db.Read(scope)).WorkspaceListForWorker(ctx)
	if err != nil || w.workspaces == nil {
		return err
	}
	var all error
	for _, r := range rows {
		if r.State != "active" && r.State != "restoring" {
			continue
		}
		directory, err := w.workspaces.Open(customerID, workspace.OfSpace(r.SpaceID))
		if errors.Is(err, workspace.ErrMissing) {
			continue
		}
		if err == nil {
			err = errors.Join(restoringTree(directory, "", id).clear(), directory.Close())
		}
		all = errors.Join(all, err)
	}
	return all
}

// restore does the next step of a restore. touched becomes true before the first file is put in its place.
func (w *restoreWorker) restore(ctx context.Context, log *slog.Logger, scope tenant.Scope, customerID uuid.UUID, row queries.RestoreForWorkerRow, touched *bool) error {
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
	if row.State != "planning" {
		for _, p := range places { // of a try that was broken off
			if err := p.tree.clear(); err != nil {
				return fmt.Errorf("remove what an earlier try has staged: %w", err)
			}
		}
	}
	plan, err := w.plan(ctx, scope, customerID, manifest, places, row, true)
	if err != nil {
		return err
	}
	defer plan.Close()
	for source, p := range places {
		p.grows = plan.Growth[source]
	}
	if row.ToPath != nil && row.State != "applying" && plan.Counts.Replace+plan.Counts.Remove > 0 {
		return noRestore("There is something else already where it would be put. Choose a directory that is empty, or not there.")
	}
	switch row.State {
	case "planning":
		return w.planned(ctx, scope, places, row.ID, plan)
	case "applying": // its room is counted already
	default:
		if plan.LosesMore(row.Losses) {
			return errChangedSince
		}
		if err := w.checkRoom(ctx, queries.New(w.db.Read(scope)), places); err != nil {
			return err
		}
	}
	var grows []backup.Growth
	for _, p := range places {
		grows = append(grows, p.grows)
	}
	if err := w.checkDisk(grows...); err != nil {
		return err
	}
	if err := plan.Stage(ctx); err != nil {
		return err
	}
	if row.State != "applying" {
		if err := w.hold(ctx, scope, places, row.ID); err != nil {
			return err
		}
	}
	// What people have changed until they were kept from it. Images and videos never change.
	last, err := w.plan(ctx, scope, customerID, manifest, places, row, false)
	switch {
	case errors.Is(err, backup.ErrNothingSelected): // of workspaces
	case err != nil:
		return err
	default:
		defer last.Close()
		if last.LosesMore(row.Losses) {
			return errChangedSince
		}
		if err := last.Stage(ctx); err != nil {
			return err
		}
		*touched = true
		if err := last.Apply(ctx); err != nil {
			return err
		}
	}
	if err := w.finish(ctx, log, scope, customerID, row.ID); err != nil {
		return err
	}
	log.InfoContext(ctx, "files of a backup are back", "created", plan.Counts.Create, "replaced", plan.Counts.Replace, "removed", plan.Counts.Remove, "bytes", plan.Counts.Bytes)
	return nil
}

// errChangedSince: what is there is not what was there when the plan was made.
const errChangedSince = noRestore("Files have changed since the plan was made, so that more would be removed or replaced than it says. Plan the restore anew.")

// keptPlans is how many plans are kept that nobody has started, for a day.
const keptPlans = 20

// planned tells what the restore would do.
func (w *restoreWorker) planned(ctx context.Context, scope tenant.Scope, places map[string]*place, id uuid.UUID, plan *backup.Plan) error {
	if err := w.checkRoom(ctx, queries.New(w.db.Read(scope)), places); err != nil {
		return err
	}
	told, err := json.Marshal(planFrom(plan))
	if err != nil {
		return fmt.Errorf("encode plan: %w", err)
	}
	params := queries.RestorePlannedParams{ID: id, Plan: told, Losses: plan.Losses()}
	return w.tx(ctx, scope, errRestoreGone, func(q *queries.Queries) (int64, error) {
		planned, err := q.RestorePlanned(ctx, params)
		if err == nil {
			_, err = q.RestoreForgetPlans(ctx, keptPlans)
		}
		return planned, err
	})
}

func (w *restoreWorker) setState(ctx context.Context, scope tenant.Scope, id uuid.UUID, state string) error {
	return w.tx(ctx, scope, errRestoreGone, func(q *queries.Queries) (int64, error) {
		return q.RestoreSetState(ctx, queries.RestoreSetStateParams{ID: id, State: state})
	})
}

// plan compares the backup with what is there, in the media library too if that is wanted.
func (w *restoreWorker) plan(ctx context.Context, scope tenant.Scope, customerID uuid.UUID, manifest *backup.Manifest, places map[string]*place, row queries.RestoreForWorkerRow, media bool) (*backup.Plan, error) {
	targets := map[string]backup.Target{}
	for source, p := range places {
		targets[source] = p.tree
	}
	selection := backup.Selection{}
	if row.Path != nil {
		selection.Path = *row.Path
	}
	if media && row.WorkspaceID == nil && w.media != nil {
		tree := newMediaTree(w.db, w.media, scope, customerID)
		tree.compared = true
		known := map[string]bool{} // a file that was deleted since stays so: no post shows it
		if err := tree.Walk(ctx, func(e backup.Entry) error { known[e.Path] = true; return nil }); err != nil {
			return nil, fmt.Errorf("list images and videos: %w", err)
		}
		selection.Leave = func(source, path string) bool { return source == mediaSource && !known[path] }
		targets[mediaSource] = tree
	}
	plan, err := manifest.Plan(ctx, targets, selection, backup.RestoreOptions{Exact: row.Exact})
	if err != nil || row.ToPath == nil {
		return plan, err
	}
	if err := plan.Each(ctx, func(change backup.Change) error {
		_, err := workspace.CheckPath(path.Join(*row.ToPath, change.Path))
		return err
	}); err != nil {
		plan.Close()
		return nil, err
	}
	return plan, nil
}

// hold keeps everybody else from the workspaces until the files are in their places.
func (w *restoreWorker) hold(ctx context.Context, scope tenant.Scope, places map[string]*place, id uuid.UUID) error {
	return w.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		if err := q.WorkspaceLockRoom(ctx); err != nil {
			return err
		}
		changed, err := q.RestoreSetState(ctx, queries.RestoreSetStateParams{ID: id, State: "applying"})
		if err == nil && changed == 0 {
			err = errRestoreGone
		}
		if err != nil {
			return err
		}
		for _, p := range places {
			if _, err := q.WorkspaceLock(ctx, p.row.ID); err != nil {
				return err
			}
			if err := q.FileChangeGiveUp(ctx, p.row.ID); err != nil {
				return err
			}
		}
		if err := w.checkRoom(ctx, q, places); err != nil {
			return err
		}
		for _, p := range places {
			held, err := q.WorkspaceBeginRestore(ctx, queries.WorkspaceBeginRestoreParams{ID: p.row.ID, Bytes: p.grows.Bytes, Entries: p.grows.Entries})
			if err == nil && held == 0 {
				err = noRestore("A workspace was archived meanwhile. List its files first, so that it is there, and plan the restore anew.")
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// finish counts what is there now, and lets everybody use the workspaces again.
func (w *restoreWorker) finish(ctx context.Context, log *slog.Logger, scope tenant.Scope, customerID, id uuid.UUID) error {
	return w.release(ctx, log, scope, customerID, true, func(ctx context.Context, q *queries.Queries) error {
		changed, err := q.RestoreSetState(ctx, queries.RestoreSetStateParams{ID: id, State: "done"})
		if err == nil && changed == 0 {
			err = errRestoreGone
		}
		return err
	})
}

// release counts what is in the workspaces that are held, and lets everybody use them again, in one transaction with what else is to be changed. A customer has one
// restore at a time that holds workspaces. One that cannot be counted, as when its directory is missing, is full until it can.
func (w *restoreWorker) release(ctx context.Context, log *slog.Logger, scope tenant.Scope, customerID uuid.UUID, held bool, also func(ctx context.Context, q *queries.Queries) error) error {
	var counted []queries.WorkspaceEndRestoreParams
	if held && w.workspaces == nil {
		return errElsewhere
	}
	if held {
		rows, err := queries.New(w.db.Read(scope)).WorkspaceListForWorker(ctx)
		if err != nil {
			return fmt.Errorf("list workspaces: %w", err)
		}
		for _, r := range rows {
			if r.State != "restoring" {
				continue
			}
			end := queries.WorkspaceEndRestoreParams{ID: r.ID, Entries: max(r.Entries, fullEntries)}
			usage, err := w.count(ctx, customerID, r.SpaceID)
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err == nil:
				end.Bytes, end.Entries = &usage.Bytes, usage.Files
			default:
				log.WarnContext(ctx, "a workspace into which was restored cannot be counted, and is full until it can", "workspace_id", r.ID, "error", err)
			}
			counted = append(counted, end)
		}
	}
	return w.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		for _, end := range counted {
			if _, err := q.WorkspaceEndRestore(ctx, end); err != nil {
				return err
			}
		}
		return also(ctx, q)
	})
}

// count counts what is in a workspace.
func (w *restoreWorker) count(ctx context.Context, customerID uuid.UUID, spaceID *uuid.UUID) (workspace.Usage, error) {
	directory, err := w.workspaces.Open(customerID, workspace.OfSpace(spaceID))
	if err != nil {
		return workspace.Usage{}, err
	}
	defer directory.Close()
	return measureDirectory(ctx, directory)
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
