package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"filippo.io/age"
	"github.com/google/uuid"

	"fanfare/internal/bucket"
	"fanfare/internal/dbbackup"
	"fanfare/internal/workspace"
)

type restoreCommand struct {
	Customer restoreCustomerCommand `cmd:"" help:"Show what restoring a customer from a file would do; with --yes, do it."`
	Database restoreDatabaseCommand `cmd:"" help:"Show what restoring the whole server to a moment would do; with --yes, do it."`
	Files    restoreFilesCommand    `cmd:"" help:"Show what restoring a customer's files from a backup that workers made would do; with --yes, do it."`
	Rows     restoreRowsCommand     `cmd:"" help:"Show which rows tell of workspaces and backups that are not there, after the database or files were restored; with --yes, correct them."`
	Wal      restoreWALCommand      `cmd:"" help:"Fetch a file of WAL; for Postgres's restore_command: fanfare restore wal %f %p."`
}

// identityConfig says what opens encrypted backups.
type identityConfig struct {
	Identity string `type:"path" env:"FANFARE_BACKUP_IDENTITY" help:"File with the secret key of a recipient, as age-keygen makes it; needed for encrypted backups."`
}

// placesConfig says where files are of which rows tell.
type placesConfig struct {
	Workspaces string `type:"path" env:"FANFARE_WORKSPACES" help:"Directory of the workspaces, as API and workers have it."`
	Bucket     string `env:"FANFARE_BACKUP_BUCKET" help:"Bucket of the backups of files, as API and workers have it; needed where rows tell of backups or archived workspaces."`
}

// open gives the places, and what closes them.
func (c placesConfig) open(ctx context.Context) (places dbbackup.Places, done func(), err error) {
	done = func() {
		if places.Workspaces != nil {
			_ = places.Workspaces.Close()
		}
		if places.Backups != nil {
			_ = places.Backups.Close()
		}
	}
	if c.Workspaces != "" {
		if places.Workspaces, err = workspace.OpenStore(c.Workspaces); err != nil {
			return places, done, fmt.Errorf("--workspaces (FANFARE_WORKSPACES): %w", err)
		}
	}
	if c.Bucket != "" {
		if places.Backups, err = bucket.Open(ctx, c.Bucket, bucket.Options{}); err != nil {
			return places, done, fmt.Errorf("--bucket (FANFARE_BACKUP_BUCKET): %w", err)
		}
	}
	return places, done, nil
}

// explain names the setting that is missing.
func (c placesConfig) explain(err error) error {
	if errors.Is(err, dbbackup.ErrNoBucket) {
		return fmt.Errorf("set --bucket (FANFARE_BACKUP_BUCKET): %w", err)
	}
	return err
}

// tell says what rows told that is not so.
func (c placesConfig) tell(out io.Writer, r dbbackup.Reconciled) {
	if r.New > 0 {
		where := "whose directories are not there"
		if c.Workspaces == "" {
			where = "whose directories are made unless they are there (--workspaces looks)"
		}
		fmt.Fprintf(out, "%d workspaces begin anew, %s, or whose archives are gone (%d).\n", r.New, where, r.Archives)
	}
	if r.Backups > 0 {
		fmt.Fprintf(out, "%d backups of files are not in %s, and count as failed.\n", r.Backups, c.Bucket)
	}
	if r.Ended > 0 {
		fmt.Fprintf(out, "%d backups, restores, drills and changes of files that were under way are ended.\n", r.Ended)
	}
}

type restoreCustomerCommand struct {
	identityConfig
	placesConfig
	File         string `arg:"" type:"path" help:"File that 'fanfare backup customer' made."`
	DatabaseURL  string `required:"" env:"MIGRATE_DATABASE_URL" help:"Database, migrated, as a superuser: rows are put back past policies and triggers."`
	KeepSchedule bool   `help:"Let posts that were scheduled go out at their times. Without this they need attention first, as they may have gone out since the backup."`
	Yes          bool   `help:"Restore, after showing the plan."`
}

// Run restores a customer, or shows what that would do.
func (c *restoreCustomerCommand) Run(ctx context.Context, s streams) error {
	var identities []age.Identity
	if c.Identity != "" {
		var err error
		if identities, err = dbbackup.ReadIdentities(c.Identity); err != nil {
			return fmt.Errorf("--identity (FANFARE_BACKUP_IDENTITY): %w", err)
		}
	}
	places, done, err := c.open(ctx)
	defer done()
	if err != nil {
		return err
	}
	conn, err := connectTo(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	options := dbbackup.CustomerOptions{KeepSchedule: c.KeepSchedule, Files: &places}
	plan, err := dbbackup.PlanCustomer(ctx, conn, c.File, identities, options)
	if err != nil {
		return c.explain(err)
	}
	c.print(s, plan)
	switch {
	case len(plan.Here) > 0:
		return fmt.Errorf("customer %s is there already; nothing was done. A customer is restored where it is not: into a fresh database, or after it was erased", plan.CustomerID)
	case !c.Yes:
		fmt.Fprintln(s.out, "Nothing was done. To restore: --yes")
		return nil
	}
	if _, err := dbbackup.RestoreCustomer(ctx, conn, c.File, identities, options); err != nil {
		return c.explain(err)
	}
	fmt.Fprintln(s.out, "The customer is restored.")
	return nil
}

func (c *restoreCustomerCommand) print(s streams, plan *dbbackup.CustomerPlan) {
	fmt.Fprintf(s.out, "%s (%s) as of %s\n", plan.Name, plan.CustomerID, plan.Time.Format(time.RFC3339))
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TABLE\tIN THE FILE\tHERE")
	tables := maps.Clone(plan.Rows)
	maps.Copy(tables, plan.Here)
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		if plan.Rows[table]+plan.Here[table] > 0 {
			fmt.Fprintf(w, "%s\t%d\t%d\n", table, plan.Rows[table], plan.Here[table])
		}
	}
	_ = w.Flush() // a terminal: there is nobody left to tell
	if len(plan.Here) > 0 {
		return
	}
	fmt.Fprintf(s.out, "Of the %d people, %d are new here; the others stay as they are.\n", plan.Rows["users"], plan.NewUsers)
	if plan.Scheduled > 0 && !c.KeepSchedule {
		fmt.Fprintf(s.out, "%d scheduled posts on platforms will need attention: they may have gone out since (--keep-schedule lets them go out).\n", plan.Scheduled)
	} else if plan.Scheduled > 0 {
		fmt.Fprintf(s.out, "%d scheduled posts on platforms will go out at their times, at once where those are past.\n", plan.Scheduled)
	}
	c.tell(s.out, plan.Files)
	if plan.Erased {
		fmt.Fprintln(s.out, "The customer was erased here. The receipt of that will go, and the log will say that it was restored.")
	}
	if len(plan.LeftOut) > 0 {
		fmt.Fprintf(s.out, "Left out, as the database has dropped these months of the audit log since: %s\n", strings.Join(plan.LeftOut, ", "))
	}
	if plan.OlderSchema {
		fmt.Fprintf(s.out, "The backup is of an older schema (%s): what migrations since then have filled in is not there for its rows.\n", plan.Schema)
	}
}

type restoreRowsCommand struct {
	placesConfig
	Customer    customerID `help:"Only this customer's."`
	DatabaseURL string     `required:"" env:"MIGRATE_DATABASE_URL" help:"Database, migrated, as a superuser: rows of all customers are read and changed."`
	Yes         bool       `help:"Correct them, after showing it."`
}

// Help is shown by kong below the summary.
func (c *restoreRowsCommand) Help() string {
	return "For after the database was restored to an earlier moment, or the disk of the workspaces or the bucket of their backups was lost or put back. " +
		"A workspace without its directory begins anew, empty, and so does an archived one without its archive; a backup that is not in the bucket counts as failed; " +
		"what was under way is ended. Files and objects stay as they are. Mount the disk first, and stop the workers."
}

// Validate is kong's.
func (c *restoreRowsCommand) Validate() error {
	if c.Workspaces == "" {
		return errors.New("--workspaces (FANFARE_WORKSPACES) is missing: without it nobody knows which directories are there")
	}
	return nil
}

// Run shows which rows are wrong, or corrects them.
func (c *restoreRowsCommand) Run(ctx context.Context, s streams) error {
	places, done, err := c.open(ctx)
	defer done()
	if err != nil {
		return err
	}
	conn, err := connectTo(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	wrong := false
	if err := dbbackup.ReconcileAll(ctx, conn, orNil(c.Customer.UUID), places, !c.Yes, func(id uuid.UUID, name string, r dbbackup.Reconciled) {
		if !r.Nothing() {
			wrong = true
			fmt.Fprintf(s.out, "%q (%s)\n", name, id)
			c.tell(s.out, r)
		}
	}); err != nil {
		return c.explain(err)
	}
	switch {
	case !wrong:
		fmt.Fprintln(s.out, "All rows of workspaces and backups tell what is there.")
	case !c.Yes:
		fmt.Fprintln(s.out, "Nothing was done. To do it: --yes")
	default:
		fmt.Fprintln(s.out, "The rows are corrected.")
	}
	return nil
}

type restoreDatabaseCommand struct {
	repositoryConfig
	identityConfig
	To       string    `required:"" type:"path" help:"Data directory, empty or to be made; of the user that runs this, who must be the one that runs Postgres."`
	Until    time.Time `placeholder:"2027-03-31T12:00:00Z" help:"Moment to restore to (RFC 3339). Everything that was archived by default."`
	Backup   string    `help:"Base backup to begin with, as 'fanfare backup list' names it. The newest that was finished by then, by default."`
	Timeline string    `default:"latest" help:"Timeline to follow: latest, or its number."`
	Yes      bool      `help:"Restore, after showing the plan."`
}

// Run restores the whole server into a data directory, or shows what that would do.
func (c *restoreDatabaseCommand) Run(ctx context.Context, s streams) error {
	r, err := c.open(ctx, "", c.Identity)
	if err != nil {
		return err
	}
	defer func() { _ = r.Bucket.Close() }()
	o := dbbackup.RestoreOptions{To: c.To, Until: c.Until, Base: c.Backup, Timeline: c.Timeline}
	if o.RestoreCommand, err = c.restoreCommand(); err != nil {
		return err
	}
	plan, err := r.Plan(ctx, o)
	if err != nil {
		return err
	}
	until := "everything that was archived"
	if !c.Until.IsZero() {
		until = c.Until.Format(time.RFC3339Nano)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "base backup\t%s, finished at %s, %s\n", plan.Base.ID, plan.Base.FinishedAt.Format(time.RFC3339), size(plan.Base.Bytes))
	fmt.Fprintf(w, "WAL\t%s to %s, %d segments, archived until %s\n", plan.FirstWAL, plan.LastWAL, plan.Segments, plan.ArchivedAt.Format(time.RFC3339))
	fmt.Fprintf(w, "until\t%s\n", until)
	fmt.Fprintf(w, "timeline\t%s\n", plan.Timeline)
	fmt.Fprintf(w, "to\t%s\n", c.To)
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	if !c.Yes {
		fmt.Fprintln(s.out, "Nothing was done. To restore: --yes")
		return nil
	}
	if err := r.Restore(ctx, plan, o); err != nil {
		return err
	}
	major, _, _ := strings.Cut(plan.Base.Version, ".")
	fmt.Fprintf(s.out, "Restored. Start PostgreSQL %s on it: it replays the WAL, and then takes connections that write:\n  pg_ctl start --pgdata=%s\n"+
		"For a try that must not archive to the same bucket, add: --options='-c archive_mode=off'\n", major, c.To)
	return nil
}

// restoreCommand is how Postgres fetches files of WAL with this program.
func (c *restoreDatabaseCommand) restoreCommand() (string, error) {
	program, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find this program: %w", err)
	}
	location := c.Bucket
	// Postgres runs it in the data directory.
	if rest, relative := strings.CutPrefix(location, "file://./"); relative {
		dir, err := filepath.Abs(rest)
		if err != nil {
			return "", fmt.Errorf("find the bucket's directory: %w", err)
		}
		location = "file://" + filepath.ToSlash(dir)
	}
	words := []string{program, "restore", "wal", "--bucket", location}
	if c.Identity != "" {
		words = append(words, "--identity", c.Identity)
	}
	for i, word := range words {
		words[i] = "'" + strings.ReplaceAll(strings.ReplaceAll(word, "'", `'\''`), "%", "%%") + "'"
	}
	return strings.Join(words, " ") + ` %f "%p"`, nil
}

type restoreWALCommand struct {
	repositoryConfig
	identityConfig
	Name string `arg:"" help:"The file's name: %f."`
	Path string `arg:"" type:"path" help:"Where it is to be: %p."`
}

// abortRecovery is an exit status by which Postgres knows that something is wrong, and ends its recovery. With a smaller
// one it takes the WAL to end here, and would go on without what follows.
const abortRecovery = 126

// Run fetches a file of WAL. The exit status is 1 where there is none, and abortRecovery where nobody knows.
func (c *restoreWALCommand) Run(ctx context.Context) error {
	r, err := c.open(ctx, "", c.Identity)
	if err == nil {
		defer func() { _ = r.Bucket.Close() }()
		err = r.RestoreWAL(ctx, c.Name, c.Path)
	}
	if err != nil && !errors.Is(err, dbbackup.ErrNoSuchWAL) {
		return &statusError{error: err, status: abortRecovery}
	}
	return err
}
