package jobs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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

// DrillArgs name a drill: a backup is restored elsewhere, to see whether everything is in it.
type DrillArgs struct {
	CustomerID uuid.UUID `json:"customer_id"`
	DrillID    uuid.UUID `json:"drill_id"`
}

// Kind is the job's name in the queue.
func (DrillArgs) Kind() string { return "drill" }

// InsertOpts are the job's defaults. A drill has one job at a time, and lets backups go before it.
func (DrillArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: BackupQueue, MaxAttempts: 2 * backupStarts, Priority: 4, UniqueOpts: oneAtATime}
}

// drillWorker restores backups into temporary workspaces, compares them with what was stored and with what is there now, and removes them again.
type drillWorker struct {
	river.WorkerDefaults[DrillArgs]
	*fileStores
	lease *lease
}

// Timeout bounds the whole job.
func (*drillWorker) Timeout(*river.Job[DrillArgs]) time.Duration { return backupTimeout }

// NextRetry leaves a bucket that is away some time to come back.
func (*drillWorker) NextRetry(job *river.Job[DrillArgs]) time.Time {
	return time.Now().Add(backoff(len(job.Errors)+1, 10*time.Second, 30*time.Minute))
}

// errDrillGone: it is finished, or its backup or customer is gone.
var errDrillGone = errors.New("there is no such drill")

// beginDrill makes a drill of a backup, unless somebody else has just done so.
func beginDrill(ctx context.Context, q *queries.Queries, backupID uuid.UUID, every time.Duration) error {
	begun, err := q.BackupStatusDrillBegun(ctx, every)
	if err != nil || begun == 0 {
		return err
	}
	// One that takes longer than the interval is not overtaken.
	if drilling, err := q.DrillUnderWay(ctx); err != nil || drilling {
		return err
	}
	b, err := q.BackupForWorker(ctx, backupID)
	if errors.Is(err, pgx.ErrNoRows) || err == nil && b.State != "ready" {
		return nil // its time was over; the next one has a drill again
	}
	if err != nil {
		return err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make id: %w", err)
	}
	return q.DrillCreate(ctx, queries.DrillCreateParams{ID: id, BackupID: backupID})
}

// Work does the job's drill.
func (w *drillWorker) Work(ctx context.Context, job *river.Job[DrillArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	log := w.log.With("customer_id", job.Args.CustomerID, "drill_id", job.Args.DrillID, "job_id", job.ID)
	scope := tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID})
	row, err := queries.New(w.db.Read(scope)).DrillForWorker(ctx, job.Args.DrillID)
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errDrillGone)
	case err != nil:
		return fmt.Errorf("read drill: %w", err)
	case row.State != "running":
		return nil
	}
	giveBack, err := w.turns.take(job.Queue, job.Args.CustomerID)
	if err != nil {
		return err
	}
	defer giveBack()
	finish := queries.DrillFinishParams{ID: row.ID, State: "good"}
	found, err := w.drill(ctx, scope, job.Args.CustomerID, row)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return river.JobSnooze(time.Second) // it was broken off by us; nothing is wrong with it
	case errors.Is(err, errElsewhere):
		log.WarnContext(ctx, "the drill is for another worker", "error", err)
		return river.JobSnooze(10 * time.Second)
	case err == nil && found.Good():
		log.InfoContext(ctx, "the backup can be restored", "files", found.Files, "bytes", found.Bytes)
	case err == nil:
		finish.State, finish.Problem = "failed", ptr(tellFindings(found))
		log.ErrorContext(ctx, "the backup is not what was stored", "missing", found.Missing, "different", found.Different, "extra", found.Extra, "damaged", found.Damaged)
	case explainRestore(err) != "":
		finish.State, finish.Problem = "failed", ptr(explainRestore(err))
		log.ErrorContext(ctx, "the backup cannot be restored", "error", err)
	case len(job.Errors)+1 < backupFailures && job.Attempt <= backupStarts:
		log.WarnContext(ctx, "drill failed and is tried again", "error", err)
		return fmt.Errorf("drill: %w", err)
	default:
		finish.State, finish.Problem = "failed", ptr("The backup could not be read, though it was tried several times.")
		log.ErrorContext(ctx, "drill is given up", "error", err)
	}
	if found != nil {
		finish.Files, finish.Bytes, finish.Differences = &found.Files, &found.Bytes, ptr(found.Missing+found.Different+found.Extra+found.Damaged)
	}
	if err := w.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		changed, finishErr := q.DrillFinish(ctx, finish)
		if finishErr == nil && changed == 0 {
			finishErr = errDrillGone
		}
		if finishErr != nil {
			return finishErr
		}
		if errors.As(err, new(*backup.DamageError)) || err == nil && finish.State == "failed" {
			if _, err := q.BackupDamaged(ctx, queries.BackupDamagedParams{ID: row.BackupID, Problem: finish.Problem}); err != nil {
				return err
			}
			if err := q.BackupStatusLastGood(ctx); err != nil {
				return err
			}
		}
		return q.BackupStatusDrilled(ctx, finish.State == "good")
	}); err != nil && !errors.Is(err, errDrillGone) && !errors.Is(err, tenant.ErrNotFound) {
		return fmt.Errorf("finish drill: %w", err)
	}
	return nil
}

// drill restores the backup elsewhere and compares.
func (w *drillWorker) drill(ctx context.Context, scope tenant.Scope, customerID uuid.UUID, row queries.DrillForWorkerRow) (*backup.Comparison, error) {
	if row.BackupState != "ready" || row.ObjectID == nil || row.ManifestSha256 == nil {
		return nil, noRestore("The backup is not there any more.")
	}
	if w.workspaces == nil {
		return nil, errElsewhere
	}
	manifest, err := w.repository(customerID, bucket.Backups(customerID)).Open(ctx, *row.ObjectID, *row.ManifestSha256)
	if err != nil {
		return nil, err
	}
	defer manifest.Close()
	targets, restored := map[string]backup.Target{}, map[string]backup.Source{}
	defer func() {
		for name := range targets {
			if err := w.workspaces.RemoveScratch(customerID, scratchOf(row.ID, name)); err != nil {
				w.log.WarnContext(ctx, "what a drill has restored is not removed", "error", err, "drill_id", row.ID)
			}
		}
	}()
	for _, source := range manifest.Sources {
		id := scratchOf(row.ID, source.Name)
		if err := w.workspaces.RemoveScratch(customerID, id); err != nil { // of a try that was broken off
			return nil, err
		}
		directory, err := w.workspaces.Scratch(customerID, id)
		if err != nil {
			return nil, err
		}
		defer directory.Close()
		tree := newWorkspaceTree(directory)
		targets[source.Name], restored[source.Name] = tree, tree
	}
	plan, err := manifest.Plan(ctx, targets, backup.Selection{}, backup.RestoreOptions{})
	if err == nil {
		defer plan.Close()
		err = w.checkDisk(slices.Collect(maps.Values(plan.Growth))...)
	}
	if err == nil {
		err = plan.Stage(ctx)
	}
	if err == nil {
		err = plan.Apply(ctx)
	}
	if err != nil && !errors.Is(err, backup.ErrNothingSelected) {
		return nil, err
	}
	live, done, err := w.sources(ctx, scope, customerID)
	defer done()
	if err != nil && !errors.Is(err, errBusy) && !errors.Is(err, workspace.ErrMissing) {
		return nil, err
	}
	now := map[string]backup.Source{}
	for _, source := range live {
		now[source.Name] = source.Source
	}
	return manifest.Compare(ctx, restored, now)
}

// scratchOf names the temporary workspace of a drill's source.
func scratchOf(drillID uuid.UUID, source string) uuid.UUID {
	return uuid.NewSHA1(drillID, []byte(source))
}

// tellFindings says what is not as it should be, for people.
func tellFindings(found *backup.Comparison) string {
	lines := []string{fmt.Sprintf("%d files are missing, %d have other content, %d are too many, and %d look unchanged since and are not.", found.Missing, found.Different, found.Extra, found.Damaged)}
	for i, f := range found.Findings {
		if i == 10 {
			lines = append(lines, "…")
			break
		}
		lines = append(lines, fmt.Sprintf("%.100s: %.200s %s", f.Source, f.Path, f.What))
	}
	return clip(strings.Join(lines, "\n"), 2000)
}
