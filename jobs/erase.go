package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/internal/bucket"
	"fanfare/internal/mcpclient"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

// EraseQueue is the queue of erasures.
const EraseQueue = "erase"

const (
	// eraseTimeout bounds one run; what is left then is another's.
	eraseTimeout = 15 * time.Minute
	// eraseBatch is how many rows are deleted in one transaction. A larger one is hardly faster and loses more when
	// it is broken off.
	eraseBatch = 5000
	// eraseConcurrency is how many customers a worker erases at once.
	eraseConcurrency = 2
)

// EraseArgs name an erasure. They do not name the customer: the job outlives it.
type EraseArgs struct {
	ErasureID uuid.UUID `json:"erasure_id"`
}

// Kind is the job's name in the queue.
func (EraseArgs) Kind() string { return "erase" }

// InsertOpts are the job's defaults. An erasure is never given up.
func (EraseArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: EraseQueue, MaxAttempts: 10_000, UniqueOpts: oneAtATime}
}

// eraseWorker erases a customer: what it was allowed at platforms, its files, its rows, itself; then it writes the receipt. Each step is done as a
// whole or not at all, and doing it again finds nothing, so a job that was broken off goes on where it stood.
type eraseWorker struct {
	river.WorkerDefaults[EraseArgs]
	q          *queries.Queries
	bucket     *bucket.Bucket
	workspaces *workspace.Store
	backups    *bucket.Bucket
	lease      *lease
	log        *slog.Logger
	// What tells platforms that nothing is allowed any more.
	vault      *vault.Vault
	connectors map[platform.Name]platform.Connector
	mcp        *mcpclient.Client
}

// Timeout bounds the whole job.
func (*eraseWorker) Timeout(*river.Job[EraseArgs]) time.Duration { return eraseTimeout }

// Work erases the job's customer.
func (w *eraseWorker) Work(ctx context.Context, job *river.Job[EraseArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	log := w.log.With("erasure_id", job.Args.ErasureID, "job_id", job.ID)
	erasure, err := w.q.ErasureGet(ctx, job.Args.ErasureID)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("there is no such erasure"))
	case err != nil:
		return fmt.Errorf("load erasure: %w", err)
	case erasure.State == "finished":
		return nil
	case erasure.HasFiles && w.bucket == nil:
		log.WarnContext(ctx, "an erasure waits for a worker that has the bucket: set FANFARE_BUCKET for this one too")
		return river.JobSnooze(10 * time.Second)
	case erasure.HasWorkspaces && w.workspaces == nil:
		log.WarnContext(ctx, "an erasure waits for a worker that has the workspaces: set FANFARE_WORKSPACES for this one too")
		return river.JobSnooze(10 * time.Second)
	case erasure.HasBackups && w.backups == nil:
		log.WarnContext(ctx, "an erasure waits for a worker that has the bucket of backups: set FANFARE_BACKUP_BUCKET for this one too")
		return river.JobSnooze(10 * time.Second)
	}
	wait, err := w.erase(ctx, log, erasure)
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return river.JobSnooze(time.Second) // it was broken off by us; nothing is wrong with it
	case err != nil:
		return err
	case wait > 0:
		return river.JobSnooze(wait)
	}
	return nil
}

// erase does what is left to do. It gives a time to wait where jobs of the customer still run.
func (w *eraseWorker) erase(ctx context.Context, log *slog.Logger, erasure queries.Erasure) (wait time.Duration, err error) {
	if erasure.State == "requested" {
		w.revokeErased(ctx, log, erasure)
		w.signOutErased(ctx, log, erasure)
	}
	if err := w.files(ctx, log, erasure); err != nil {
		return 0, err
	}
	for left := "rows"; left != "nothing"; {
		if left, err = w.q.ErasureStep(ctx, queries.ErasureStepParams{ID: erasure.ID, MaxRows: eraseBatch}); err != nil {
			return 0, fmt.Errorf("erase rows: %w", err)
		}
		if left == "jobs" {
			// They end soon: none of them can enter the customer any more. Those of dead workers are handed on first.
			return time.Second, nil
		}
	}
	// What a job has written that was running then.
	if err := w.files(ctx, log, erasure); err != nil {
		return 0, err
	}
	finished, err := w.q.ErasureFinish(ctx, erasure.ID)
	if err != nil {
		return 0, fmt.Errorf("finish erasure: %w", err)
	}
	if !finished {
		return time.Second, nil // something was added by a transaction that had entered before: once more
	}
	log.InfoContext(ctx, "customer is erased", "took", time.Since(erasure.RequestedAt).Round(time.Millisecond))
	return 0, nil
}

// files deletes the customer's files, of all kinds and wherever they are, and notes how many there are. An error goes to the log alone: it
// names files, and what is kept of a job may not.
func (w *eraseWorker) files(ctx context.Context, log *slog.Logger, erasure queries.Erasure) error {
	if err := w.removeFiles(ctx, erasure); err != nil {
		log.WarnContext(ctx, "files of a customer could not be deleted", "error", err)
		return errors.New("the customer's files could not be deleted; the worker's log says why")
	}
	return nil
}

// removeFiles deletes them: those in buckets first. What cannot be deleted, or counted, keeps nothing else from being deleted. They are counted before, since a
// worker may die in the middle.
func (w *eraseWorker) removeFiles(ctx context.Context, erasure queries.Erasure) error {
	var buckets []*bucket.Bucket
	for _, b := range []*bucket.Bucket{w.bucket, w.backups} {
		if b != nil {
			buckets = append(buckets, b)
		}
	}
	prefix := bucket.OfCustomer(erasure.SubjectID)
	var files int64
	var all error
	count := func(n int64, err error) {
		files, all = files+n, errors.Join(all, err)
	}
	for _, b := range buckets {
		count(b.Count(ctx, prefix))
	}
	if w.workspaces != nil {
		count(w.workspaces.CountCustomer(ctx, erasure.SubjectID))
	}
	if files > 0 {
		if err := w.q.ErasureNoteFiles(ctx, queries.ErasureNoteFilesParams{ID: erasure.ID, Files: files}); err != nil {
			return fmt.Errorf("note files: %w", err)
		}
	}
	for _, b := range buckets {
		all = errors.Join(all, b.DeleteAll(ctx, prefix))
	}
	if w.workspaces != nil {
		_, err := w.workspaces.RemoveCustomer(erasure.SubjectID)
		all = errors.Join(all, err)
	}
	return all
}

// dispatchErasures gives every erasure that is not finished a job.
func (w *Worker) dispatchErasures(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	todo, err := w.q.ErasureListToDo(ctx, 100)
	if err != nil {
		return fmt.Errorf("look for erasures: %w", err)
	}
	for _, id := range todo {
		if _, err := w.client.Insert(ctx, EraseArgs{ErasureID: id}, nil); err != nil {
			return fmt.Errorf("enqueue erasure: %w", err)
		}
	}
	return nil
}
