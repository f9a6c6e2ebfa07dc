package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"golang.org/x/time/rate"

	"fanfare/db/tenant"
	"fanfare/internal/backup"
	"fanfare/internal/bucket"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

// BackupQueue is the queue of backups and drills. Both take long, and nobody waits for them.
const BackupQueue = "backup"

const (
	// backupTimeout bounds one try of a backup, a restore or a drill. Restores and drills begin anew after it.
	backupTimeout = 12 * time.Hour
	// backupFailures is how often a try may fail, and backupStarts how often one may begin, its worker having died each time, before it is given up.
	backupFailures = 5
	backupStarts   = 20
	// backupConcurrency is how many backups and drills a worker makes at once, each of another customer.
	backupConcurrency = 2
	// rewritings is how often a backup is written anew because files were gone when they were to be read: they may have been moved to where it had looked before.
	rewritings = 2
	// keepAll is for how long every backup is kept, also those that somebody has asked for on the same day.
	keepAll = 24 * time.Hour
	// keepFailed is for how long is told of backups that came to nothing.
	keepFailed = 30 * 24 * time.Hour
	// fullEvery is after how long everything is stored anew, so that what was damaged in the bucket is not relied on forever.
	fullEvery = 28 * 24 * time.Hour
	// nightEvery is how often a worker looks whether a night has begun, nightBatch for how many customers at once.
	nightEvery = 10 * time.Second
	nightBatch = 1000
	// busyWaits is how often a backup waits ten seconds for files that are being put in their places, which is quick.
	busyWaits = 360
	// backupLate is after how long the last backup is late, of which one is made each night; and for how long after its time a drill is not late.
	backupLate = 36 * time.Hour
)

// BackupConfig is how backups are made.
type BackupConfig struct {
	// At is when a night begins, by UTC: so long after midnight.
	At time.Duration
	// Keep says which backups are kept.
	Keep backup.Policy
	// DrillEvery is how often a customer's last backup is restored elsewhere, to see whether it can be.
	DrillEvery time.Duration
	// Recipients are whom backups are encrypted for; none: they are not. Identities open them, for restores and drills.
	Recipients []backup.Recipient
	Identities []age.Identity
	// Limiter bounds how many bytes a second are read and fetched by this process; nil: no bound.
	Limiter *rate.Limiter
	// DiskReserve is how many bytes restores, drills and returns of archived workspaces leave free on the disk of workspaces; 0: 256 MiB.
	DiskReserve int64
}

// Late is after how long a customer's last good backup, and its last good drill, is late.
func (c BackupConfig) Late() (backups, drills time.Duration) {
	return backupLate, c.DrillEvery + backupLate
}

// BackupArgs name a backup that is to be written, or to be let go.
type BackupArgs struct {
	CustomerID uuid.UUID `json:"customer_id"`
	BackupID   uuid.UUID `json:"backup_id"`
}

// Kind is the job's name in the queue.
func (BackupArgs) Kind() string { return "backup" }

// InsertOpts are the job's defaults. A backup has one job at a time.
func (BackupArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: BackupQueue, MaxAttempts: 2 * backupStarts, Priority: 2, UniqueOpts: oneAtATime}
}

// fileStores are the places of a customer's files, and how they are backed up.
type fileStores struct {
	db         *tenant.DB
	workspaces *workspace.Store
	media      *bucket.Bucket
	backups    *bucket.Bucket
	config     BackupConfig
	log        *slog.Logger
	turns      turns
}

// repository is where a customer's backups are.
func (f *fileStores) repository(customerID uuid.UUID, prefix string) *backup.Repository {
	return &backup.Repository{
		Store: f.backups, Prefix: prefix, CustomerID: customerID, Recipients: f.config.Recipients, Identities: f.config.Identities, Limiter: f.config.Limiter,
		CheckPath: func(path string) error {
			_, err := workspace.CheckPath(path)
			return err
		},
	}
}

// tx runs a change in a customer, which must concern something.
func (f *fileStores) tx(ctx context.Context, scope tenant.Scope, gone error, change func(q *queries.Queries) (int64, error)) error {
	return f.db.TxRetry(ctx, scope, func(_ context.Context, tx *tenant.Tx) error {
		changed, err := change(queries.New(tx))
		if err == nil && changed == 0 {
			err = gone
		}
		return err
	})
}

// backupWorker writes backups, and lets those go whose time is over.
//
// A try that was broken off begins anew under another id: nobody has the digest of what it has left, so that nobody takes it for a backup, and it is swept away.
type backupWorker struct {
	river.WorkerDefaults[BackupArgs]
	*fileStores
	lease *lease
}

// Timeout bounds the whole job.
func (*backupWorker) Timeout(*river.Job[BackupArgs]) time.Duration { return backupTimeout }

// NextRetry leaves a bucket that is away some time to come back.
func (*backupWorker) NextRetry(job *river.Job[BackupArgs]) time.Time {
	return time.Now().Add(backoff(len(job.Errors)+1, 10*time.Second, 30*time.Minute))
}

// errBackupGone: somebody else has it, or it is finished, or its customer is gone.
var errBackupGone = errors.New("there is no such backup to write")

// Work writes the job's backup, or lets it go.
func (w *backupWorker) Work(ctx context.Context, job *river.Job[BackupArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	log := w.log.With("customer_id", job.Args.CustomerID, "backup_id", job.Args.BackupID, "job_id", job.ID)
	scope := tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID})
	row, err := queries.New(w.db.Read(scope)).BackupForWorker(ctx, job.Args.BackupID)
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errBackupGone)
	case err != nil:
		return fmt.Errorf("read backup: %w", err)
	case row.State != "deleting" && row.State != "queued" && row.State != "running":
		return nil
	}
	giveBack, err := w.turns.take(job.Queue, job.Args.CustomerID)
	if err != nil {
		return err
	}
	defer giveBack()
	if row.State == "deleting" {
		return w.keep(ctx, log, scope, job.Args.CustomerID)
	}
	began := time.Now()
	busy := 0 // how often it has waited for files, which its output tells
	_ = json.Unmarshal(job.Output(), &busy)
	if job.Attempt > backupStarts {
		err = errors.New("its worker has died too often")
	} else {
		err = w.write(ctx, log, scope, job.Args, row.IsFull)
	}
	switch {
	case err == nil:
		log.InfoContext(ctx, "backup is ready", "took", time.Since(began).Round(time.Millisecond))
		// Whatever comes of it, the backup is there; the next one lets go what this one could not.
		if err := w.keep(ctx, log, scope, job.Args.CustomerID); err != nil && ctx.Err() == nil {
			log.WarnContext(ctx, "backups whose time is over are still there", "error", err)
		}
		return nil
	case errors.Is(err, errNothingToBackUp):
		return w.tx(ctx, scope, errBackupGone, func(q *queries.Queries) (int64, error) { return q.BackupDelete(ctx, job.Args.BackupID) })
	case errors.Is(err, errBackupGone), errors.Is(err, tenant.ErrNotFound):
		return river.JobCancel(errBackupGone)
	case errors.Is(ctx.Err(), context.Canceled):
		return river.JobSnooze(time.Second) // it was broken off by us; nothing is wrong with it
	case errors.Is(err, errElsewhere):
		log.WarnContext(ctx, "the backup is for another worker", "error", err)
		return river.JobSnooze(10 * time.Second)
	case errors.Is(err, errBusy) && busy < busyWaits:
		if err := river.RecordOutput(ctx, busy+1); err != nil {
			return fmt.Errorf("note that the backup waits: %w", err)
		}
		return river.JobSnooze(10 * time.Second)
	case !errors.Is(err, errBusy) && len(job.Errors)+1 < backupFailures && job.Attempt <= backupStarts:
		log.WarnContext(ctx, "backup failed and is tried again", "error", err)
		return fmt.Errorf("write backup: %w", err)
	}
	log.ErrorContext(ctx, "backup is given up", "error", err)
	problem := "The backup could not be written, though it was tried several times. The next night tries again; if that fails too, tell whoever runs Fanfare."
	switch {
	case errors.Is(err, errBusy):
		problem = "For an hour files of a backup were being put in their places, or a workspace was being archived. The next night tries again; if that fails too, tell whoever runs Fanfare."
	case errors.Is(err, workspace.ErrMissing):
		problem = "The directory of a workspace is missing: its disk may not be mounted. Tell whoever runs Fanfare."
	}
	if failErr := w.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		if _, err := q.BackupFail(ctx, queries.BackupFailParams{ID: job.Args.BackupID, Problem: &problem}); err != nil {
			return err
		}
		return q.BackupStatusFailed(ctx)
	}); failErr != nil && !errors.Is(failErr, tenant.ErrNotFound) {
		return fmt.Errorf("give up backup: %w", failErr)
	}
	return river.JobCancel(errors.New("the backup is given up"))
}

var (
	// errNothingToBackUp: the customer has no files, and never had a backup.
	errNothingToBackUp = errors.New("there is nothing to back up")
	// errElsewhere: this worker does not have all places of the customer's files.
	errElsewhere = errors.New("this worker does not have the workspaces, or not the bucket of images and videos")
	// errBusy: files are being put in their places at this moment.
	errBusy = errors.New("files are being put in their places")
)

// sources are what a customer has. They must be closed.
func (f *fileStores) sources(ctx context.Context, scope tenant.Scope, customerID uuid.UUID) (sources []backup.NamedSource, done func(), err error) {
	var open []*workspace.Directory
	done = func() {
		for _, directory := range open {
			_ = directory.Close()
		}
	}
	rows, err := queries.New(f.db.Read(scope)).WorkspaceListForWorker(ctx)
	if err != nil {
		return nil, done, fmt.Errorf("list workspaces: %w", err)
	}
	for _, row := range rows {
		switch {
		case row.State == "restoring":
			done()
			return nil, done, errBusy
		case row.State != "active" && row.State != "archiving":
			continue // what is archived, or on its way back, is in its archive
		case f.workspaces == nil:
			done()
			return nil, done, errElsewhere
		}
		directory, err := f.workspaces.Open(customerID, workspace.OfSpace(row.SpaceID))
		if err != nil {
			done()
			if row.State == "archiving" && errors.Is(err, workspace.ErrMissing) {
				err = errBusy // it is set aside
			}
			return nil, done, fmt.Errorf("open workspace %s: %w", row.ID, err)
		}
		open = append(open, directory)
		sources = append(sources, backup.NamedSource{Name: sourceName(row.SpaceID), Source: newWorkspaceTree(directory)})
	}
	media := backup.NamedSource{Name: mediaSource, Source: newMediaTree(f.db, f.media, scope, customerID)}
	if f.media != nil {
		return append(sources, media), done, nil
	}
	some, err := anything(ctx, media)
	if err == nil && some {
		err = errElsewhere
	}
	if err != nil {
		done()
		return nil, done, err
	}
	return sources, done, nil
}

// anything tells whether there is a file or directory in any of the sources.
func anything(ctx context.Context, sources ...backup.NamedSource) (bool, error) {
	errFound := errors.New("there is one")
	for _, source := range sources {
		err := source.Walk(ctx, func(backup.Entry) error { return errFound })
		if errors.Is(err, errFound) {
			return true, nil
		} else if err != nil {
			return false, fmt.Errorf("look into %s: %w", source.Name, err)
		}
	}
	return false, nil
}

// write writes a backup and says that it is ready.
func (w *backupWorker) write(ctx context.Context, log *slog.Logger, scope tenant.Scope, args BackupArgs, full bool) error {
	sources, done, err := w.sources(ctx, scope, args.CustomerID)
	defer done()
	if err != nil {
		return err
	}
	earlier, err := queries.New(w.db.Read(scope)).BackupListReady(ctx)
	if err != nil {
		return fmt.Errorf("list backups: %w", err)
	}
	if len(earlier) == 0 {
		if some, err := anything(ctx, sources...); err != nil {
			return err
		} else if !some {
			return errNothingToBackUp
		}
	}
	repository := w.repository(args.CustomerID, bucket.Backups(args.CustomerID))
	options := backup.WriteOptions{ID: uuid.New(), Kind: "backup", Now: time.Now(), Sources: sources, Full: true}
	if w.workspaces != nil {
		options.Cache = w.workspaces.ManifestPath(args.CustomerID)
	}
	start := queries.BackupStartParams{ID: args.BackupID, ObjectID: &options.ID, IsFull: true}
	if !full && relied(earlier) {
		previous, err := repository.OpenPrevious(ctx, options.Cache, earlier[0].ObjectID, earlier[0].ManifestSha256)
		if err != nil {
			log.InfoContext(ctx, "everything is backed up anew, since the backup before cannot be read", "error", err)
		} else {
			defer previous.Close()
			options.Previous, options.Full, start.PreviousID, start.IsFull = previous, false, &earlier[0].ID, false
		}
	}
	var result *backup.Result
	for try := 0; ; try++ {
		// It is noted as being written before its first object is.
		if err := w.tx(ctx, scope, errBackupGone, func(q *queries.Queries) (int64, error) { return q.BackupStart(ctx, start) }); err != nil {
			return err
		}
		if result, err = repository.Write(ctx, options); err != nil {
			return err
		}
		if result.Totals.Gone == 0 || try == rewritings {
			break
		}
		log.InfoContext(ctx, "the backup is written anew, since files were moved or deleted meanwhile", "files", result.Totals.Gone)
		options.ID = uuid.New()
	}
	if err := w.stillThere(ctx, scope, sources); err != nil {
		return err
	}
	if result.CacheError != nil {
		log.WarnContext(ctx, "the next backup may have to store everything anew", "error", result.CacheError)
	}
	uses, err := json.Marshal(append([]backup.Use{}, result.Uses...)) // never null: that it needs nothing is known
	if err != nil {
		return fmt.Errorf("encode what the backup needs: %w", err)
	}
	ready := queries.BackupReadyParams{
		ID: args.BackupID, ObjectID: &options.ID, ManifestSha256: &result.ManifestSHA256, Uses: uses, Files: &result.Totals.Files, Bytes: &result.Totals.Bytes,
		StoredBytes: ptr(result.Totals.UploadedBytes + result.ManifestBytes), LeftOut: &result.Totals.LeftOut, Unstable: &result.Totals.Unstable,
	}
	var problems []string
	if n := result.Totals.Gone; n > 0 {
		problems = append(problems, fmt.Sprintf("%d files were moved or deleted while it was written, and may be missing in it.", n))
	}
	if n := result.Totals.Unreadable; n > 0 {
		problems = append(problems, fmt.Sprintf("%d files could not be read, and are not in it.", n))
		log.WarnContext(ctx, "files could not be read, and are not in the backup", "files", n)
	}
	if len(problems) > 0 {
		ready.Problem = ptr(strings.Join(problems, " "))
	}
	return w.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		changed, err := q.BackupReady(ctx, ready)
		if err == nil && changed == 0 {
			err = errBackupGone
		}
		if err != nil {
			return err
		}
		return q.BackupStatusGood(ctx, &args.BackupID)
	})
}

// stillThere tells whether the workspaces of sources are still those that were opened: errBusy if files were being put in their places, or one was archived, while they were
// read.
func (w *backupWorker) stillThere(ctx context.Context, scope tenant.Scope, sources []backup.NamedSource) error {
	rows, err := queries.New(w.db.Read(scope)).WorkspaceListForWorker(ctx)
	if err != nil {
		return fmt.Errorf("list workspaces: %w", err)
	}
	there := map[string]bool{mediaSource: true}
	for _, row := range rows {
		there[sourceName(row.SpaceID)] = row.State == "active" || row.State == "archiving"
	}
	for _, source := range sources {
		if !there[source.Name] {
			return errBusy
		}
	}
	return nil
}

// relied tells whether the next backup may rely on what earlier ones have stored, newest first: none of them since the last full one is known to be damaged, and
// that one is not too old.
func relied(earlier []queries.BackupListReadyRow) bool {
	for _, b := range earlier {
		if b.DamagedAt != nil {
			return false
		}
		if b.IsFull {
			return time.Since(b.FinishedAt) < fullEvery
		}
	}
	return false
}

// keep lets go the backups whose time is over, and what was left by those that were broken off; not under a legal hold.
func (f *fileStores) keep(ctx context.Context, log *slog.Logger, scope tenant.Scope, customerID uuid.UUID) error {
	var going []uuid.UUID
	var held bool
	err := f.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
		q := queries.New(tx)
		going = nil
		if held, err = q.WorkspaceHeld(ctx); err != nil || held {
			return err
		}
		ready, err := q.BackupListReady(ctx)
		if err != nil {
			return err
		}
		times := make([]time.Time, len(ready))
		for i, b := range ready {
			times[i] = b.FinishedAt
		}
		for i, kept := range backup.Keep(time.Now(), times, f.config.Keep) {
			if !kept && time.Since(times[i]) > keepAll {
				if _, err := q.BackupLetGo(ctx, ready[i].ID); err != nil {
					return err
				}
			}
		}
		if _, err := q.BackupLetGoFailed(ctx, keepFailed); err != nil {
			return err
		}
		if _, err := q.RestoreForget(ctx); err != nil {
			return err
		}
		going, err = q.BackupListGoing(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("see which backups are kept: %w", err)
	}
	if held {
		return nil
	}
	deleted, err := f.repository(customerID, bucket.Backups(customerID)).Sweep(ctx, func(ctx context.Context) (backup.Keeping, error) { return f.keeping(ctx, scope) })
	if errors.Is(err, backup.ErrNotSwept) {
		log.WarnContext(ctx, "no backup is let go", "error", err)
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweep backups: %w", err)
	}
	if len(going) == 0 {
		return nil
	}
	log.InfoContext(ctx, "backups are let go", "backups", len(going), "objects", deleted)
	return f.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		for _, id := range going {
			if _, err := queries.New(tx).BackupDelete(ctx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// keeping is all of a customer's backups that must stay.
func (f *fileStores) keeping(ctx context.Context, scope tenant.Scope) (keeping backup.Keeping, err error) {
	err = f.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		keeping = backup.Keeping{}
		// First: one that becomes ready in between is in both lists, and not in neither.
		writing, err := q.BackupListWriting(ctx)
		if err != nil {
			return err
		}
		keeping.Writing = writing
		ready, err := q.BackupListReady(ctx)
		if err != nil {
			return err
		}
		for _, b := range ready {
			kept := backup.Kept{Backup: b.ObjectID}
			if err := json.Unmarshal(b.Uses, &kept.Uses); err != nil {
				return fmt.Errorf("read what a backup needs: %w", err)
			}
			keeping.Kept = append(keeping.Kept, kept)
		}
		return nil
	})
	return keeping, err
}

// night is the night that has begun last.
func night(now time.Time, at time.Duration) time.Time {
	return now.UTC().Add(-at).Truncate(24 * time.Hour)
}

// beginNight has everybody's files backed up, once a night.
func (w *Worker) beginNight(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		seen, err := w.q.BackupBeginNight(ctx, queries.BackupBeginNightParams{Night: night(time.Now(), w.backups.At), MaxCustomers: nightBatch})
		if err != nil {
			return fmt.Errorf("begin the night's backups: %w", err)
		}
		if seen < nightBatch {
			return nil
		}
	}
}

// dispatchBackups gives backups, restores and drills their jobs, and begins drills that are due.
func (w *Worker) dispatchBackups(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	todo, err := w.q.BackupListToDo(ctx, queries.BackupListToDoParams{DrillEvery: w.backups.DrillEvery, MaxRows: 200})
	if err != nil {
		return fmt.Errorf("look for backups: %w", err)
	}
	var all error
	for _, t := range todo {
		err := w.db.Tx(ctx, tenant.Worker(t.CustomerID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) (err error) {
			switch t.What {
			case "backup":
				_, err = w.client.InsertTx(ctx, tx, BackupArgs{CustomerID: t.CustomerID, BackupID: t.ID}, nil)
			case "restore":
				_, err = w.client.InsertTx(ctx, tx, RestoreArgs{CustomerID: t.CustomerID, RestoreID: t.ID}, nil)
			case "drill":
				_, err = w.client.InsertTx(ctx, tx, DrillArgs{CustomerID: t.CustomerID, DrillID: t.ID}, nil)
			case "begin_drill":
				err = beginDrill(ctx, queries.New(tx), t.ID, w.backups.DrillEvery)
			}
			return err
		})
		if err != nil && !errors.Is(err, tenant.ErrNotFound) { // the customer is being erased
			all = errors.Join(all, fmt.Errorf("look after %s %s: %w", t.What, t.ID, err))
		}
	}
	return all
}
