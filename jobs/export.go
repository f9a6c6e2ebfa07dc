package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"fanfare/db/tenant"
	"fanfare/internal/bucket"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

// ExportQueue is the queue of exports, which take long and must not stand before anything that is due.
const ExportQueue = "export"

const (
	// exportLifetime is how long an archive can be fetched.
	exportLifetime = 24 * time.Hour
	// exportTimeout bounds the writing of one archive.
	exportTimeout = 2 * time.Hour
	// exportFailures is how often writing may fail, and exportStarts how often it may begin, its worker having
	// died each time, before the export is given up.
	exportFailures = 5
	exportStarts   = 20
	// exportConcurrency is how many archives a worker writes at once.
	exportConcurrency = 2
)

// ExportArgs name an export that is to be written.
type ExportArgs struct {
	CustomerID uuid.UUID `json:"customer_id"`
	ExportID   uuid.UUID `json:"export_id"`
}

// Kind is the job's name in the queue.
func (ExportArgs) Kind() string { return "export" }

// InsertOpts are the job's defaults. An export has one job at a time.
func (ExportArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: ExportQueue, MaxAttempts: 2 * exportStarts, UniqueOpts: oneAtATime}
}

// oneAtATime allows another job with the same arguments once the one before has ended.
var oneAtATime = river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
	rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
}}

// exportWorker writes the archive of everything that a customer has.
//
// A job that was broken off begins anew: the archive gets its name when it is whole, and the export is ready
// only after that. Whatever ends in between, the job runs again, and cleans up if the export is gone by then.
type exportWorker struct {
	river.WorkerDefaults[ExportArgs]
	db         *tenant.DB
	bucket     *bucket.Bucket
	workspaces *workspace.Store
	lease      *lease
	log        *slog.Logger
}

// Timeout bounds the whole job.
func (*exportWorker) Timeout(*river.Job[ExportArgs]) time.Duration { return exportTimeout }

// NextRetry leaves a bucket that is away some time to come back.
func (*exportWorker) NextRetry(job *river.Job[ExportArgs]) time.Time {
	return time.Now().Add(backoff(len(job.Errors)+1, 10*time.Second, 5*time.Minute))
}

// errNoWorkspaces: the customer has workspaces, and this worker has not.
var errNoWorkspaces = errors.New("this worker has no workspaces: set FANFARE_WORKSPACES for it too")

// errExportGone: the export was deleted, or is finished.
var errExportGone = errors.New("there is no such export to write")

// Work writes the job's export.
func (w *exportWorker) Work(ctx context.Context, job *river.Job[ExportArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	log := w.log.With("customer_id", job.Args.CustomerID, "export_id", job.Args.ExportID, "job_id", job.ID)
	began := time.Now()
	var err error
	if job.Attempt > exportStarts {
		err = errors.New("its worker has died too often")
	} else {
		err = w.export(ctx, job)
	}
	switch {
	case err == nil:
		log.InfoContext(ctx, "export is ready", "took", time.Since(began).Round(time.Millisecond))
		return nil
	case errors.Is(err, errExportGone), errors.Is(err, tenant.ErrNotFound):
		// What was written must not stay, if it is not the file of an export that is ready.
		if err := w.clear(ctx, job); err != nil {
			return fmt.Errorf("clear away an export that is gone: %w", err)
		}
		return river.JobCancel(errExportGone)
	case errors.Is(err, errNoWorkspaces):
		log.WarnContext(ctx, "an export waits for a worker that has the workspaces: set FANFARE_WORKSPACES for this one too")
		return river.JobSnooze(10 * time.Second)
	case errors.Is(ctx.Err(), context.Canceled):
		return river.JobSnooze(time.Second) // it was broken off by us; nothing is wrong with it
	case len(job.Errors)+1 < exportFailures && job.Attempt <= exportStarts:
		log.WarnContext(ctx, "export failed and is tried again", "error", err)
		return fmt.Errorf("write export: %w", err)
	}
	log.ErrorContext(ctx, "export is given up", "error", err)
	const problem = "The archive could not be written, though it was tried several times. Ask for another export later; if that fails too, tell whoever runs Fanfare."
	if failErr := w.tx(ctx, job, func(q *queries.Queries) (int64, error) {
		return q.ExportFail(ctx, queries.ExportFailParams{ID: job.Args.ExportID, Problem: ptr(problem)})
	}); failErr != nil && !errors.Is(failErr, errExportGone) && !errors.Is(failErr, tenant.ErrNotFound) {
		return fmt.Errorf("give up export: %w", failErr)
	}
	if err := w.clear(ctx, job); err != nil {
		log.WarnContext(ctx, "what was written of an export could not be cleared away", "error", err)
	}
	return river.JobCancel(errors.New("the export is given up"))
}

// export writes the archive and says that it is ready.
func (w *exportWorker) export(ctx context.Context, job *river.Job[ExportArgs]) error {
	if w.bucket == nil {
		return errors.New("this worker has no bucket")
	}
	if err := w.tx(ctx, job, func(q *queries.Queries) (int64, error) { return q.ExportStart(ctx, job.Args.ExportID) }); err != nil {
		return err
	}
	key := bucket.Export(job.Args.CustomerID, job.Args.ExportID)
	// What a dead worker has left of it.
	if err := w.bucket.DeleteAll(ctx, key); err != nil {
		return err
	}
	archive := &archive{
		reader: queries.New(w.db.Read(w.scope(job))), bucket: w.bucket, workspaces: w.workspaces,
		customerID: job.Args.CustomerID, exportID: job.Args.ExportID,
	}
	sum := sha256.New()
	var size counter
	if err := w.bucket.Write(ctx, key, "application/zip", func(out io.Writer) error {
		return archive.write(ctx, io.MultiWriter(out, sum, &size))
	}); err != nil {
		return err
	}
	return w.tx(ctx, job, func(q *queries.Queries) (int64, error) {
		return q.ExportReady(ctx, queries.ExportReadyParams{
			ID: job.Args.ExportID, SizeBytes: ptr(int64(size)), Sha256: ptr(hex.EncodeToString(sum.Sum(nil))), Lifetime: exportLifetime,
		})
	})
}

// clear deletes what there is of the export's file, unless it is one that can be fetched.
func (w *exportWorker) clear(ctx context.Context, job *river.Job[ExportArgs]) error {
	if w.bucket == nil {
		return nil
	}
	row, err := queries.New(w.db.Read(w.scope(job))).ExportGet(ctx, job.Args.ExportID)
	if err == nil && row.State == "ready" {
		return nil
	}
	return w.bucket.DeleteAll(context.WithoutCancel(ctx), bucket.Export(job.Args.CustomerID, job.Args.ExportID))
}

// tx runs a change of the export, which must concern it.
func (w *exportWorker) tx(ctx context.Context, job *river.Job[ExportArgs], change func(q *queries.Queries) (int64, error)) error {
	return w.db.TxRetry(ctx, w.scope(job), func(_ context.Context, tx *tenant.Tx) error {
		changed, err := change(queries.New(tx))
		if err == nil && changed == 0 {
			err = errExportGone
		}
		return err
	})
}

func (w *exportWorker) scope(job *river.Job[ExportArgs]) tenant.Scope {
	return tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID})
}

// counter counts the bytes that are written to it.
type counter int64

// Write counts.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// dispatchExports gives every export that waits a job, and deletes the files of those whose day is over.
func (w *Worker) dispatchExports(ctx context.Context) error {
	if w.deps.Bucket == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	todo, err := w.q.ExportListToDo(ctx, 100)
	if err != nil {
		return fmt.Errorf("look for exports: %w", err)
	}
	var all error
	for _, e := range todo {
		if e.Expired {
			err = w.expireExport(ctx, e.CustomerID, e.ID)
		} else {
			err = w.db.Tx(ctx, tenant.Worker(e.CustomerID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
				_, err := w.client.InsertTx(ctx, tx, ExportArgs{CustomerID: e.CustomerID, ExportID: e.ID}, nil)
				return err
			})
		}
		if err != nil && !errors.Is(err, tenant.ErrNotFound) { // the customer is being erased
			all = errors.Join(all, fmt.Errorf("look after export %s: %w", e.ID, err))
		}
	}
	return all
}

// expireExport deletes the file first: as long as that fails, the export counts as one with a file.
func (w *Worker) expireExport(ctx context.Context, customerID, exportID uuid.UUID) error {
	if err := w.deps.Bucket.DeleteAll(ctx, bucket.Export(customerID, exportID)); err != nil {
		return err
	}
	return w.db.Tx(ctx, tenant.Worker(customerID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := queries.New(tx).ExportExpired(ctx, exportID)
		return err
	})
}
