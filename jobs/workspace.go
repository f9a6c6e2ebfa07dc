package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
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

const (
	// WorkspaceQueue is the queue of what is done with workspaces that nobody waits for.
	WorkspaceQueue = "workspace"
	// WorkspaceReturnQueue is that of what somebody waits for: new ones, and returns. No archiving, which may take long, keeps its slots.
	WorkspaceReturnQueue = "workspace-return"
)

const (
	// workspaceTimeout bounds one step; archiving a large workspace takes long.
	workspaceTimeout = 6 * time.Hour
	// workspaceConcurrency is how many workspaces a worker looks after at once, in each of the two queues.
	workspaceConcurrency = 4
	// measurings is how often a workspace is measured that others change meanwhile, until they wait; but not longer than lockedFor.
	measurings = 3
	lockedFor  = 5 * time.Second
	// clockTick is how far the times of a file system may be behind.
	clockTick = time.Second
	// asideFor is for how long the directory of an archived workspace stays at least, in case that a program still writes to it.
	asideFor = 10 * time.Minute
)

// WorkspaceRules say what becomes of workspaces that nobody uses, of customers without a policy of their own.
type WorkspaceRules struct {
	// After Unused without use it is announced that a workspace will be archived, Notice later it is, and Keep later its archive is deleted.
	Unused, Notice, Keep time.Duration
	// Quota is how many bytes the workspaces of a customer may have together, as the API has it; 0: 5 GiB.
	Quota int64
}

// WorkspaceArgs name a workspace for which there is something to do. What it is, is seen from its row.
type WorkspaceArgs struct {
	CustomerID  uuid.UUID `json:"customer_id" river:"unique"`
	WorkspaceID uuid.UUID `json:"workspace_id" river:"unique"`
	What        string    `json:"what"`
}

// Kind is the job's name in the queue.
func (WorkspaceArgs) Kind() string { return "workspace" }

// InsertOpts are the job's defaults. A workspace has one job at a time, whatever is to be done and in whichever queue.
func (a WorkspaceArgs) InsertOpts() river.InsertOpts {
	queue := WorkspaceQueue
	if a.What == "make" || a.What == "return" {
		queue = WorkspaceReturnQueue
	}
	return river.InsertOpts{Queue: queue, MaxAttempts: backupStarts, UniqueOpts: oneAtATime}
}

// workspaceWorker makes workspaces, measures them, archives those that nobody uses, brings them back, and deletes their archives in the end.
//
// Archiving: the archive is written and read back; the directory is set aside, so that nobody finds it, and compared with the archive; the row says that it is
// archived; some time later, in which programs may still have written to what they had open, the directory is compared again, and removed. Wherever that is broken off, the row
// is what counts: as long as it does not say archived, the directory comes back to its place. Until it is removed, a workspace comes back from there.
type workspaceWorker struct {
	river.WorkerDefaults[WorkspaceArgs]
	*fileStores
	rules   WorkspaceRules
	notices *notices
	lease   *lease
}

// Timeout bounds the whole job.
func (*workspaceWorker) Timeout(*river.Job[WorkspaceArgs]) time.Duration { return workspaceTimeout }

// NextRetry leaves a bucket that is away some time to come back; not too long, as somebody may wait.
func (*workspaceWorker) NextRetry(job *river.Job[WorkspaceArgs]) time.Time {
	return time.Now().Add(backoff(len(job.Errors)+1, 2*time.Second, 5*time.Minute))
}

// caring is one step of looking after a workspace.
type caring struct {
	*workspaceWorker
	scope      tenant.Scope
	customerID uuid.UUID
	row        queries.WorkspaceForWorkerRow
	log        *slog.Logger
}

// Work does what is to be done with the job's workspace.
func (w *workspaceWorker) Work(ctx context.Context, job *river.Job[WorkspaceArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	log := w.log.With("customer_id", job.Args.CustomerID, "workspace_id", job.Args.WorkspaceID, "job_id", job.ID)
	scope := tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID})
	row, err := queries.New(w.db.Read(scope)).WorkspaceForWorker(ctx, job.Args.WorkspaceID)
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("there is no such workspace"))
	case err != nil:
		return fmt.Errorf("read workspace: %w", err)
	case w.workspaces == nil:
		return river.JobSnooze(10 * time.Second) // another worker has them
	}
	if row.State != "archiving" || row.WantedAt == nil { // else it only stays, for which somebody waits
		giveBack, err := w.turns.take(job.Queue, job.Args.CustomerID)
		if err != nil {
			return err
		}
		defer giveBack()
	}
	c := &caring{workspaceWorker: w, scope: scope, customerID: job.Args.CustomerID, row: row, log: log}
	err = c.step(ctx, job.Args.What)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, tenant.ErrNotFound):
		return river.JobCancel(errors.New("the customer is gone"))
	case errors.Is(ctx.Err(), context.Canceled):
		return river.JobSnooze(time.Second) // it was broken off by us; nothing is wrong with it
	}
	if problem := explainWorkspace(err); problem != "" {
		if noteErr := c.change(ctx, func(q *queries.Queries) (int64, error) {
			return q.WorkspaceProblem(ctx, queries.WorkspaceProblemParams{ID: row.ID, Problem: &problem})
		}); noteErr != nil {
			log.WarnContext(ctx, "why a workspace cannot be looked after is not noted", "error", noteErr)
		}
	}
	log.WarnContext(ctx, "workspace could not be looked after", "what", job.Args.What, "state", row.State, "error", err)
	return fmt.Errorf("look after workspace: %w", err)
}

// explainWorkspace says to the workspace's admins why it stays as it is, "" where that is nothing for them.
func explainWorkspace(err error) string {
	var disk diskError
	switch {
	case errors.As(err, &disk):
		return disk.Error()
	case errors.Is(err, workspace.ErrMissing):
		return "Its directory is missing: its disk may not be mounted. Tell whoever runs Fanfare."
	case errors.Is(err, workspace.ErrFull):
		return "The disk is full. Tell whoever runs Fanfare."
	case errors.Is(err, workspace.ErrNotEmpty):
		return "There is something else in its place on the disk. Tell whoever runs Fanfare."
	case errors.As(err, new(*backup.DamageError)):
		return "Its archive is damaged. Tell whoever runs Fanfare; a backup may have it still."
	case errors.Is(err, backup.ErrIdentity):
		return "Its archive is encrypted, and this server has no identity that opens it. Whoever runs Fanfare sets FANFARE_BACKUP_IDENTITY for the workers."
	}
	return ""
}

// step does the next step.
func (c *caring) step(ctx context.Context, what string) error {
	switch {
	case c.row.State == "new":
		return c.make(ctx)
	case c.row.State == "archiving":
		if c.row.WantedAt != nil {
			return c.stay(ctx, nil)
		}
		return c.archive(ctx)
	case (c.row.State == "archived" || c.row.State == "returning") && c.row.WantedAt != nil:
		return c.bringBack(ctx)
	case what == clearScratch && c.row.State == "archived":
		return c.clearAside(ctx)
	case what == clearScratch && (c.row.State == "active" || c.row.State == "deleted"):
		return c.freeScratch(ctx)
	case c.row.State == "archived" && what == "delete":
		if err := c.change(ctx, func(q *queries.Queries) (int64, error) {
			return q.WorkspaceDeleted(ctx, queries.WorkspaceDeletedParams{ID: c.row.ID, Keep: c.rules.Keep})
		}); err != nil {
			return err
		}
		c.log.InfoContext(ctx, "the archive of a workspace is deleted, since nobody came back")
		return nil // what is left of it is the next step
	case c.row.State == "active" && what == "archive":
		return c.archive(ctx)
	case c.row.State == "active" && what == "announce":
		return c.announce(ctx)
	case c.row.State == "active" && what == "measure":
		return c.measure(ctx)
	case (c.row.State == "active" || c.row.State == "deleted") && c.row.ArchiveID != nil:
		return c.forget(ctx)
	}
	return nil
}

// change changes the workspace's row; nothing changed is no error: another state has come between.
func (c *caring) change(ctx context.Context, change func(q *queries.Queries) (int64, error)) error {
	return c.db.TxRetry(ctx, c.scope, func(_ context.Context, tx *tenant.Tx) error {
		_, err := change(queries.New(tx))
		return err
	})
}

func (c *caring) space() uuid.NullUUID { return workspace.OfSpace(c.row.SpaceID) }

// place opens the workspace's directory; scratch opens what is set aside of it or being unpacked.
func (c *caring) place() (*workspace.Directory, error) {
	return c.workspaces.Open(c.customerID, c.space())
}
func (c *caring) scratch() (*workspace.Directory, error) {
	return c.workspaces.Scratch(c.customerID, c.row.ID)
}

// make makes the directory.
func (c *caring) make(ctx context.Context) error {
	if err := c.workspaces.Create(c.customerID, c.space()); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	return c.change(ctx, func(q *queries.Queries) (int64, error) { return q.WorkspaceMadeByWorker(ctx, c.row.ID) })
}

// measure counts what is in the directory, and removes what changes have left that were broken off. One that cannot be measured lets others go first.
func (c *caring) measure(ctx context.Context) error {
	err := c.count(ctx)
	if err != nil && ctx.Err() == nil {
		err = errors.Join(err, c.change(ctx, func(q *queries.Queries) (int64, error) { return q.WorkspaceNotMeasured(ctx, c.row.ID) }))
	}
	return err
}

func (c *caring) count(ctx context.Context) error {
	directory, err := c.place()
	if err != nil {
		return err
	}
	defer directory.Close()
	if err := c.clear(ctx, directory); err != nil {
		return err
	}
	var usage workspace.Usage
	for range measurings {
		row, err := queries.New(c.db.Read(c.scope)).WorkspaceForWorker(ctx, c.row.ID)
		if err != nil || row.State != "active" {
			return err
		}
		if usage, err = measureDirectory(ctx, directory); err != nil {
			return err
		}
		measured := int64(0)
		err = c.change(ctx, func(q *queries.Queries) (_ int64, err error) {
			measured, err = q.WorkspaceMeasured(ctx, measuredParams(row.ID, &row.Version, usage))
			return measured, err
		})
		if err != nil || measured > 0 {
			return err
		}
	}
	return c.countLocked(ctx, directory, usage, lockedFor)
}

// countLocked counts what is in a directory that is changed all the time, while others wait; but not for longer than limit, since the transaction is idle meanwhile. Then what was
// counted last has to do, though it may lack a change: the next day's is right again.
func (c *caring) countLocked(ctx context.Context, directory *workspace.Directory, last workspace.Usage, limit time.Duration) error {
	return c.change(ctx, func(q *queries.Queries) (int64, error) {
		row, err := q.WorkspaceLock(ctx, c.row.ID)
		if err != nil || row.State != "active" {
			return 0, err
		}
		bounded, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		usage, err := measureDirectory(bounded, directory)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			usage, err = last, nil
		}
		if err != nil {
			return 0, err
		}
		return q.WorkspaceMeasured(ctx, measuredParams(c.row.ID, nil, usage))
	})
}

// fullEntries is how many files and directories a workspace can have; see tenancy.begin_file_change.
const fullEntries = 100_000

// measureDirectory counts what is in a workspace. One of which a part cannot be looked into counts as full: a program could hide there what it likes.
func measureDirectory(ctx context.Context, directory *workspace.Directory) (workspace.Usage, error) {
	usage, err := directory.Measure(ctx)
	if errors.Is(err, workspace.ErrUncounted) {
		usage.Files, err = max(usage.Files, fullEntries), nil
	}
	return usage, err
}

func measuredParams(id uuid.UUID, version *int64, usage workspace.Usage) queries.WorkspaceMeasuredParams {
	params := queries.WorkspaceMeasuredParams{ID: id, Version: version, Bytes: usage.Bytes, Entries: usage.Files}
	if !usage.LastChange.IsZero() {
		params.ChangedAt = &usage.LastChange
	}
	return params
}

// clear forgets changes that were broken off, and removes what they have staged.
func (c *caring) clear(ctx context.Context, directory *workspace.Directory) error {
	staged, err := directory.Staged() // first: what is staged later is not looked at
	if err != nil {
		return fmt.Errorf("list what is staged: %w", err)
	}
	var changes []uuid.UUID
	restoring := false
	err = c.db.TxRetry(ctx, c.scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
		q := queries.New(tx)
		if _, err = q.FileChangeForget(ctx, c.row.ID); err != nil {
			return err
		}
		if restoring, err = q.RestoreUnderWay(ctx); err != nil {
			return err
		}
		changes, err = q.FileChangeList(ctx, c.row.ID)
		return err
	})
	if err != nil || restoring {
		return err
	}
	for _, id := range staged {
		if slices.Contains(changes, id) {
			continue
		}
		if err := directory.RemoveStaged(id); errors.Is(err, fs.ErrPermission) { // a program has made directories in it that are not ours
			c.log.WarnContext(ctx, "what is staged in a workspace cannot be removed", "error", err)
		} else if err != nil {
			return fmt.Errorf("remove what is staged: %w", err)
		}
	}
	return nil
}

// announce says that the workspace will be archived, unless somebody has used it after all.
func (c *caring) announce(ctx context.Context) error {
	if err := c.measure(ctx); err != nil { // which sees what programs have changed
		return err
	}
	announced := int64(0)
	err := c.db.TxRetry(ctx, c.scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
		q := queries.New(tx)
		if announced, err = q.WorkspaceAnnounce(ctx, queries.WorkspaceAnnounceParams{ID: c.row.ID, Unused: c.rules.Unused}); err != nil {
			return err
		}
		if announced == 0 {
			_, err = q.WorkspaceNoteTalk(ctx, c.row.ID)
			return err
		}
		if !c.notices.mails {
			return nil
		}
		return c.notices.enqueue(ctx, tx, func(userID uuid.UUID) river.JobArgs {
			return WorkspaceEmailArgs{CustomerID: c.customerID, UserID: userID, WorkspaceID: c.row.ID}
		})
	})
	if err == nil && announced > 0 {
		c.log.InfoContext(ctx, "nobody uses a workspace; it is announced that it will be archived", "mails", c.notices.mails)
	}
	return err
}

// archives is where a customer's archives are.
func (c *caring) archives() *backup.Repository {
	return c.repository(c.customerID, bucket.Archives(c.customerID))
}

func (c *caring) deleteArchive(ctx context.Context, id uuid.UUID) error {
	return c.backups.DeleteAll(ctx, bucket.Archives(c.customerID)+id.String()+"/")
}

// archive puts the workspace into an archive.
func (c *caring) archive(ctx context.Context) error {
	if c.backups == nil {
		return nil // another worker has the bucket
	}
	if err := c.back(); err != nil { // from a try that was broken off
		return err
	}
	if held, err := queries.New(c.db.Read(c.scope)).WorkspaceHeld(ctx); err != nil || held {
		if held && c.row.State == "archiving" {
			err = c.stay(ctx, nil)
		}
		return err
	}
	if c.row.ArchiveID != nil {
		if err := c.deleteArchive(ctx, *c.row.ArchiveID); err != nil {
			return err
		}
	}
	directory, err := c.place()
	if err != nil {
		return err
	}
	defer directory.Close()
	usage, err := measureDirectory(ctx, directory)
	if err != nil {
		return err
	}
	if c.row.State == "active" && c.row.AnnouncedAt != nil && usage.LastChange.After(*c.row.AnnouncedAt) {
		return c.measure(ctx) // programs have used it since it was announced
	}
	id := uuid.New()
	begun := int64(0)
	if err := c.change(ctx, func(q *queries.Queries) (_ int64, err error) {
		begun, err = q.WorkspaceBeginArchive(ctx, queries.WorkspaceBeginArchiveParams{ID: c.row.ID, ArchiveID: &id, Notice: c.rules.Notice})
		return begun, err
	}); err != nil || begun == 0 {
		return err
	}
	if usage.Fixed > 0 {
		return c.stay(ctx, ptr(fmt.Sprintf("It was not archived, since Fanfare could not remove it: a program has made %d directories as another user that the group may not write to. Have them made with the mode 770.", usage.Fixed)))
	}
	// From here on it is known by the archive's id, as what is set aside. That is a change of its own, so nothing is read before changes since can be told from it.
	if err := mark(c.place, id); err != nil {
		return err
	}
	writing, stop := c.whileUnwanted(ctx)
	defer stop()
	select {
	case <-writing.Done():
	case <-time.After(clockTick):
	}
	tree := newWorkspaceTree(directory)
	repository, began := c.archives(), time.Now()
	result, err := repository.Write(writing, backup.WriteOptions{
		ID: id, Kind: "archive", Now: time.Now(), Sources: []backup.NamedSource{{Name: sourceName(c.row.SpaceID), Source: tree}}, Full: true,
	})
	if errors.Is(context.Cause(writing), errWanted) {
		return c.stay(ctx, nil)
	}
	if err != nil {
		return err
	}
	if lost := tree.content + result.Totals.Unreadable; lost > 0 {
		return c.stay(ctx, ptr(fmt.Sprintf("It was not archived, since %d of its files or directories would be lost: they cannot be read, or have a second name (a hard link) or a name that is no path. Copy or delete them.", lost)))
	}
	if result.Totals.Unstable > 0 {
		return c.stay(ctx, ptr("It was not archived, since some of its files are changed all the time."))
	}
	same, err := c.aside(ctx, repository, id, result.ManifestSHA256, began)
	if err != nil {
		return err
	}
	if !same {
		return c.stay(ctx, nil)
	}
	archived := int64(0)
	if err := c.change(ctx, func(q *queries.Queries) (_ int64, err error) {
		archived, err = q.WorkspaceArchived(ctx, queries.WorkspaceArchivedParams{
			ID: c.row.ID, ArchiveID: &id, ArchiveSha256: &result.ManifestSHA256, ArchiveBytes: ptr(result.Totals.UploadedBytes + result.ManifestBytes),
			Bytes: result.Totals.Bytes, Entries: result.Totals.Files + result.Totals.Directories,
		})
		return archived, err
	}); err != nil {
		return err
	}
	if archived == 0 { // somebody wants it
		return c.stay(ctx, nil)
	}
	c.log.InfoContext(ctx, "a workspace that nobody uses is archived", "files", result.Totals.Files, "bytes", result.Totals.Bytes)
	return nil
}

// clearAside removes the directory of an archived workspace, unless a program that had it open has written to it since: then the workspace comes back with that. Half of
// one, which a return has left that the row knows nothing of, is removed as well.
func (c *caring) clearAside(ctx context.Context) error {
	aside, err := c.workspaces.HasScratch(c.customerID, c.row.ID)
	if err != nil || !aside || c.backups == nil || c.row.ArchivedAt == nil || time.Since(*c.row.ArchivedAt) < asideFor {
		return err
	}
	manifest, err := c.archives().Open(ctx, *c.row.ArchiveID, *c.row.ArchiveSha256)
	if err != nil && !errors.Is(err, backup.ErrIdentity) {
		return err
	}
	if manifest != nil {
		defer manifest.Close()
	}
	whole, err := c.isWhole(c.scratch)
	if err != nil {
		return err
	}
	if !whole {
		return c.freeScratch(ctx)
	}
	same, err := c.isArchived(ctx, manifest, *c.row.ArchivedAt)
	if err != nil {
		return err
	}
	if same {
		return c.freeScratch(ctx)
	}
	c.log.WarnContext(ctx, "a program has written to a workspace that is archived; it comes back")
	if err := c.change(ctx, func(q *queries.Queries) (int64, error) { return q.WorkspaceWanted(ctx, c.row.ID) }); err != nil {
		return err
	}
	return c.bringBack(ctx)
}

// freeScratch removes the temporary workspace. One that cannot be removed is out of the way at least; what is temporary is looked for each hour.
func (c *caring) freeScratch(ctx context.Context) error {
	left, err := c.workspaces.FreeScratch(c.customerID, c.row.ID)
	if left.Valid {
		c.log.ErrorContext(ctx, "a temporary workspace cannot be removed: directories in it are of another user; remove it by hand", "scratch", left.UUID)
	}
	return err
}

// errWanted: somebody wants the workspace that is being archived.
var errWanted = errors.New("somebody uses the workspace")

// whileUnwanted is ctx until somebody wants the workspace, who need not wait for the end of a long archive.
func (c *caring) whileUnwanted(ctx context.Context) (context.Context, context.CancelFunc) {
	return watch(ctx, func(ctx context.Context) error {
		if row, err := queries.New(c.db.Read(c.scope)).WorkspaceForWorker(ctx, c.row.ID); err == nil && row.WantedAt != nil {
			return errWanted
		}
		return nil
	})
}

// aside sets the directory aside and tells whether what is in it is what the archive has, all of which is read for that.
func (c *caring) aside(ctx context.Context, repository *backup.Repository, id uuid.UUID, sum string, began time.Time) (same bool, err error) {
	manifest, err := repository.Open(ctx, id, sum)
	switch {
	case errors.Is(err, backup.ErrIdentity):
		// Nobody here can read it, by the operator's choice. Its objects were stored without an error.
	case err != nil:
		return false, err
	default:
		defer manifest.Close()
		damaged, err := manifest.Verify(ctx)
		if err != nil || len(damaged) > 0 {
			return false, errors.Join(err, firstDamage(damaged))
		}
	}
	if err := c.workspaces.SetAside(c.customerID, c.space(), c.row.ID); err != nil {
		return false, err
	}
	return c.isArchived(ctx, manifest, began)
}

// isArchived tells whether what is in the directory that is set aside is what the archive has. Where nobody here can read its manifest, nothing may have changed since.
func (c *caring) isArchived(ctx context.Context, manifest *backup.Manifest, since time.Time) (bool, error) {
	directory, err := c.scratch()
	if err != nil {
		return false, err
	}
	defer directory.Close()
	if manifest == nil {
		usage, err := measureDirectory(ctx, directory)
		return err == nil && !usage.LastChange.After(since.Add(-clockTick)) && !usage.LastTouch.After(since.Add(-clockTick)), err
	}
	tree := newWorkspaceTree(directory)
	plan, err := manifest.Plan(ctx, map[string]backup.Target{sourceName(c.row.SpaceID): tree}, backup.Selection{}, backup.RestoreOptions{Exact: true})
	if err != nil {
		return false, err
	}
	defer plan.Close()
	// What is there and not in the archive is removed by an exact restore: links and the like, which no archive has, go with the workspace. They are counted by the same
	// walk, so that nothing else passes for one of them.
	return plan.Counts.Create == 0 && plan.Counts.Replace == 0 && plan.Counts.Remove+plan.Counts.Kept == tree.others && tree.content == 0, nil
}

func firstDamage(damaged []*backup.DamageError) error {
	if len(damaged) == 0 {
		return nil
	}
	return damaged[0]
}

// back brings a directory to its place that was set aside.
func (c *caring) back() error {
	aside, err := c.workspaces.HasScratch(c.customerID, c.row.ID)
	if err != nil || !aside {
		return err
	}
	return c.workspaces.Adopt(c.customerID, c.row.ID, c.space())
}

// stay leaves the workspace in use.
func (c *caring) stay(ctx context.Context, problem *string) error {
	if err := c.back(); err != nil {
		return err
	}
	c.log.InfoContext(ctx, "a workspace is not archived, since somebody uses it")
	return c.change(ctx, func(q *queries.Queries) (int64, error) {
		return q.WorkspaceStays(ctx, queries.WorkspaceStaysParams{ID: c.row.ID, Problem: problem})
	})
}

// bringBack makes an archived workspace one in use.
func (c *caring) bringBack(ctx context.Context) error {
	switch {
	case c.backups == nil:
		return nil // another worker has the bucket
	case c.row.ArchiveID == nil || c.row.ArchiveSha256 == nil:
		return errors.New("there is no archive")
	}
	if err := c.put(ctx); err != nil {
		return err
	}
	directory, err := c.place()
	if err != nil {
		return err
	}
	defer directory.Close()
	usage, err := measureDirectory(ctx, directory)
	if err != nil {
		return err
	}
	if err := c.change(ctx, func(q *queries.Queries) (int64, error) {
		return q.WorkspaceReturned(ctx, queries.WorkspaceReturnedParams{ID: c.row.ID, Bytes: usage.Bytes, Entries: usage.Files})
	}); err != nil {
		return err
	}
	c.log.InfoContext(ctx, "an archived workspace is back", "files", usage.Files, "bytes", usage.Bytes)
	return directory.RemoveStaged(*c.row.ArchiveID) // its archive is forgotten by the next step
}

// put puts the directory in its place: the one that was set aside, as long as it is there, else what the archive has.
//
// A directory that has all there is says so by what is staged in it under the archive's id. One without that may be somebody else's, or half of one.
func (c *caring) put(ctx context.Context) error {
	there, err := c.isWhole(c.place)
	if err != nil || there && c.row.State == "returning" {
		return err
	}
	whole, err := c.workspaces.HasScratch(c.customerID, c.row.ID)
	if whole {
		whole, err = c.isWhole(c.scratch)
	}
	if err != nil {
		return err
	}
	if !whole {
		if err := c.unpack(ctx); err != nil {
			return err
		}
	} else if err := c.beginReturn(ctx); err != nil {
		return err
	}
	return c.workspaces.Adopt(c.customerID, c.row.ID, c.space())
}

// isWhole tells whether a directory, if it is there, has all that the archive has.
func (c *caring) isWhole(open func() (*workspace.Directory, error)) (bool, error) {
	directory, err := open()
	if errors.Is(err, workspace.ErrMissing) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer directory.Close()
	staged, err := directory.Staged()
	return slices.Contains(staged, *c.row.ArchiveID), err
}

// mark notes in a directory that it has all that an archive has.
func mark(open func() (*workspace.Directory, error), archiveID uuid.UUID) error {
	directory, err := open()
	if err != nil {
		return err
	}
	defer directory.Close()
	staged, err := directory.Stage(archiveID)
	if errors.Is(err, workspace.ErrExists) {
		return nil
	}
	if err != nil {
		return err
	}
	return staged.Finish()
}

func (c *caring) beginReturn(ctx context.Context) error {
	return c.change(ctx, func(q *queries.Queries) (int64, error) { return q.WorkspaceBeginReturn(ctx, c.row.ID) })
}

// unpack restores the archive into a temporary workspace. As long as its manifest cannot be read, or there is no room on the disk, the workspace stays archived. The customer's
// quota is no hindrance, since the files are its own: it can write nothing more until there is room.
func (c *caring) unpack(ctx context.Context) error {
	manifest, err := c.archives().Open(ctx, *c.row.ArchiveID, *c.row.ArchiveSha256)
	if err != nil {
		return err
	}
	defer manifest.Close()
	if err := c.freeScratch(ctx); err != nil {
		return err
	}
	if err := c.checkDisk(backup.Growth{Staged: c.row.Bytes, Files: c.row.Entries}); err != nil {
		return err
	}
	if err := c.beginReturn(ctx); err != nil {
		return err
	}
	if err := c.unpackInto(ctx, manifest); err != nil {
		return errors.Join(err, c.freeScratch(ctx)) // the next try begins anew; until then it takes no room
	}
	return nil
}

func (c *caring) unpackInto(ctx context.Context, manifest *backup.Manifest) error {
	directory, err := c.scratch()
	if err != nil {
		return err
	}
	defer directory.Close()
	tree := newWorkspaceTree(directory)
	plan, err := manifest.Plan(ctx, map[string]backup.Target{sourceName(c.row.SpaceID): tree}, backup.Selection{}, backup.RestoreOptions{})
	if err != nil {
		return err
	}
	defer plan.Close()
	if err := plan.Stage(ctx); err != nil {
		return err
	}
	if err := plan.Apply(ctx); err != nil {
		return err
	}
	return mark(c.scratch, *c.row.ArchiveID)
}

// forget deletes an archive that is not needed any more.
func (c *caring) forget(ctx context.Context) error {
	if c.backups == nil {
		return nil // another worker has the bucket
	}
	if c.row.State == "active" { // else it was let go before the hold
		if held, err := queries.New(c.db.Read(c.scope)).WorkspaceHeld(ctx); err != nil || held {
			return err
		}
	}
	if err := c.freeScratch(ctx); err != nil {
		return err
	}
	if err := c.deleteArchive(ctx, *c.row.ArchiveID); err != nil {
		return err
	}
	return c.change(ctx, func(q *queries.Queries) (int64, error) {
		return q.WorkspaceForgetArchive(ctx, queries.WorkspaceForgetArchiveParams{ID: c.row.ID, ArchiveID: c.row.ArchiveID})
	})
}

// dispatchWorkspaces gives workspaces for which there is something to do a job.
func (w *Worker) dispatchWorkspaces(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	due, err := w.q.WorkspaceListDue(ctx, queries.WorkspaceListDueParams{Unused: w.rules.Unused, Notice: w.rules.Notice, Keep: w.rules.Keep, MaxRows: 100})
	if err != nil {
		return fmt.Errorf("look for workspaces: %w", err)
	}
	var all error
	for _, d := range due {
		if w.deps.Backups == nil && d.What != "make" && d.What != "measure" {
			continue // without archives nothing is announced
		}
		err := w.db.Tx(ctx, tenant.Worker(d.CustomerID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := w.client.InsertTx(ctx, tx, WorkspaceArgs{CustomerID: d.CustomerID, WorkspaceID: d.ID, What: d.What}, nil)
			return err
		})
		if err != nil && !errors.Is(err, tenant.ErrNotFound) { // the customer is being erased
			all = errors.Join(all, fmt.Errorf("look after workspace %s: %w", d.ID, err))
		}
	}
	return all
}
