package cmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/backup"
	"fanfare/internal/bucket"
	"fanfare/internal/dbbackup"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

// filesConfig says where backups of files are, and who opens them. The database is not needed: it says which backups are whole, and that they are those that were made.
type filesConfig struct {
	identityConfig
	Bucket      string     `required:"" env:"FANFARE_BACKUP_BUCKET" help:"Bucket of the backups of files, as the workers have it."`
	Customer    customerID `required:"" help:"Whose files."`
	DatabaseURL string     `env:"MIGRATE_DATABASE_URL" help:"Database, as 'fanfare migrate' has it. Without it nobody knows whether a backup is one that Fanfare has made, as the digests are there."`
}

// fileBackup is a backup of a customer's files.
type fileBackup struct {
	id       uuid.UUID // in the API; zero where the database was not asked
	objectID uuid.UUID // in the bucket
	sum      string    // SHA-256 of the manifest; where the database was not asked, of the one that is there
	at       time.Time
	files    int64
	bytes    int64
	trouble  string // why it cannot be restored, or not be relied on
}

// name is what the backup is called.
func (b *fileBackup) name() string {
	if b.id != uuid.Nil {
		return b.id.String()
	}
	return b.objectID.String()
}

// open gives the repository of the customer's backups, and what closes it.
func (c *filesConfig) open(ctx context.Context) (*backup.Repository, func(), error) {
	r := &backup.Repository{
		CustomerID: c.Customer.UUID, Prefix: bucket.Backups(c.Customer.UUID),
		CheckPath: func(path string) error {
			_, err := workspace.CheckPath(path)
			return err
		},
	}
	if c.Identity != "" {
		var err error
		if r.Identities, err = dbbackup.ReadIdentities(c.Identity); err != nil {
			return nil, nil, fmt.Errorf("--identity (FANFARE_BACKUP_IDENTITY): %w", err)
		}
	}
	store, err := bucket.Open(ctx, c.Bucket, bucket.Options{})
	if err != nil {
		return nil, nil, fmt.Errorf("--bucket (FANFARE_BACKUP_BUCKET): %w", err)
	}
	r.Store = store
	return r, func() { _ = store.Close() }, nil
}

// list gives the backups, newest first: those that the database calls whole, or else those whose manifest is there.
func (c *filesConfig) list(ctx context.Context, r *backup.Repository) ([]*fileBackup, error) {
	manifests, err := r.Manifests(ctx)
	if err != nil {
		return nil, err
	}
	var all []*fileBackup
	if c.DatabaseURL == "" {
		for id := range manifests {
			b, err := look(ctx, r, id)
			if err != nil {
				return nil, err
			}
			all = append(all, b)
		}
		slices.SortFunc(all, func(a, b *fileBackup) int { return b.at.Compare(a.at) })
		return all, nil
	}
	conn, err := ownerConfig{c.DatabaseURL}.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := queries.New(conn).BackupListForOperator(ctx, c.Customer.UUID)
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	for _, row := range rows {
		b := &fileBackup{id: row.ID, objectID: row.ObjectID, sum: row.ManifestSha256, at: row.FinishedAt, files: row.Files, bytes: row.Bytes}
		switch {
		case !manifests[row.ObjectID]:
			b.trouble = "is not in this bucket"
		case row.Damaged:
			b.trouble = "is known to be damaged"
		}
		all = append(all, b)
	}
	return all, nil
}

// look sees what a backup is of which only the manifest is known.
func look(ctx context.Context, r *backup.Repository, id uuid.UUID) (*fileBackup, error) {
	b := &fileBackup{objectID: id}
	object, err := r.Store.Read(ctx, r.Prefix+id.String()+"/manifest")
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	defer object.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, object); err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	b.sum = hex.EncodeToString(hash.Sum(nil))
	manifest, err := r.Open(ctx, id, b.sum)
	var damage *backup.DamageError
	switch {
	case errors.Is(err, backup.ErrIdentity):
		b.trouble = "is encrypted, and --identity (FANFARE_BACKUP_IDENTITY) does not open it"
		return b, nil
	case errors.As(err, &damage):
		b.trouble = damage.Error()
		return b, nil
	case err != nil:
		return nil, err
	}
	b.at, b.files, b.bytes = manifest.CreatedAt, manifest.Totals.Files, manifest.Totals.Bytes
	return b, manifest.Close()
}

// notVerified is said where the database was not asked.
const notVerified = "Without --database-url (MIGRATE_DATABASE_URL) nobody knows the manifests' digests: what is restored is what somebody has put into the bucket, and whether Fanfare took it for whole is not known."

type backupListFilesCommand struct{ filesConfig }

// Run lists the backups of a customer's files.
func (c *backupListFilesCommand) Run(ctx context.Context, s streams) error {
	r, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	all, err := c.list(ctx, r)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "BACKUP\tIN THE BUCKET\tMADE\tFILES\tSIZE\tSHA-256 OF THE MANIFEST\tTROUBLE")
	for _, b := range all {
		made, files, bytes := "", "", ""
		if !b.at.IsZero() {
			made, files, bytes = b.at.UTC().Format(time.RFC3339), strconv.FormatInt(b.files, 10), size(b.bytes)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", b.name(), b.objectID, made, files, bytes, b.sum, b.trouble)
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print backups: %w", err)
	}
	if c.DatabaseURL == "" {
		fmt.Fprintln(s.err, notVerified)
	}
	return nil
}

type restoreFilesCommand struct {
	filesConfig
	Backup *uuid.UUID `placeholder:"ID" help:"Which backup, as 'fanfare backup list-files' names it. The newest without trouble by default."`
	Source string     `help:"Only of this workspace, shared or spaces/<id>, or of the media library: media."`
	Path   string     `help:"Only this file or directory."`
	To     string     `required:"" type:"path" help:"Directory to restore to, empty or to be made; below it each source has its own."`
	Files  bool       `help:"Name every file."`
	Yes    bool       `help:"Restore, after showing the plan."`
}

// unfinished is the directory in which files are until all are there and verified.
const unfinished = "unfinished"

// Help is shown by kong below the summary.
func (c *restoreFilesCommand) Help() string {
	return "It needs no worker, and no database. While the directory has one that is called " + unfinished + ", not everything is in its place. " +
		"Files of the media library have the ids that they have in the API."
}

// Run restores files, or shows what that would do.
func (c *restoreFilesCommand) Run(ctx context.Context, s streams) error {
	if err := emptyOrNew(c.To); err != nil {
		return err
	}
	r, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	b, err := c.choose(ctx, r)
	if err != nil {
		return err
	}
	manifest, err := r.Open(ctx, b.objectID, b.sum)
	if errors.Is(err, backup.ErrIdentity) {
		return fmt.Errorf("--identity (FANFARE_BACKUP_IDENTITY): %w", err)
	}
	if err != nil {
		return err
	}
	defer manifest.Close()
	if c.DatabaseURL == "" {
		fmt.Fprintln(s.err, notVerified)
	}
	if err := c.plan(ctx, s.out, manifest, b); err != nil {
		return err
	}
	if !c.Yes {
		fmt.Fprintln(s.out, "Nothing was done. To restore: --yes")
		return nil
	}
	if err := c.restore(ctx, manifest); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "The files are in %s.\n", c.To)
	return nil
}

// emptyOrNew refuses a directory in which there is something.
func emptyOrNew(dir string) error {
	switch entries, err := os.ReadDir(dir); {
	case err == nil && slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == unfinished }):
		return fmt.Errorf("--to: %s has files of a restore that was broken off; remove them first", dir)
	case err == nil && len(entries) > 0:
		return fmt.Errorf("--to: %s is not empty", dir)
	case err != nil && !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("--to: %w", err)
	}
	return nil
}

// choose gives the backup that is meant.
func (c *restoreFilesCommand) choose(ctx context.Context, r *backup.Repository) (*fileBackup, error) {
	all, err := c.list(ctx, r)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(b *fileBackup) bool {
		if c.Backup != nil {
			return b.id == *c.Backup || b.objectID == *c.Backup
		}
		return b.trouble == ""
	})
	switch {
	case i >= 0:
		return all[i], nil
	case c.Backup != nil:
		return nil, fmt.Errorf("customer %s has no backup %s that is whole; 'fanfare backup list-files' shows them", c.Customer, c.Backup)
	case len(all) > 0:
		return nil, fmt.Errorf("the newest backup of customer %s, %s, %s; 'fanfare backup list-files' shows all, and --backup takes one", c.Customer, all[0].name(), all[0].trouble)
	}
	return nil, fmt.Errorf("customer %s has no backup in this bucket", c.Customer)
}

// plan shows what would be restored, which is as in an empty directory.
func (c *restoreFilesCommand) plan(ctx context.Context, out io.Writer, manifest *backup.Manifest, b *fileBackup) error {
	empty, err := os.MkdirTemp("", "fanfare-restore-*")
	if err != nil {
		return fmt.Errorf("make temporary directory: %w", err)
	}
	defer os.Remove(empty)
	tree, err := backup.OpenTree(empty)
	if err != nil {
		return err
	}
	defer func() { _ = tree.Close() }() // nothing is staged there
	targets := map[string]backup.Target{}
	for _, source := range manifest.Sources {
		targets[source.Name] = tree
	}
	plan, err := manifest.Plan(ctx, targets, c.selection(), backup.RestoreOptions{})
	if err != nil {
		return err
	}
	defer plan.Close()
	fmt.Fprintf(out, "Backup %s of customer %s, made at %s, to %s\n", b.name(), c.Customer, manifest.CreatedAt.UTC().Format(time.RFC3339), c.To)
	if b.trouble != "" {
		fmt.Fprintf(out, "It %s.\n", b.trouble)
	}
	counts := map[string]*backup.SourceTotal{}
	if err := plan.Each(ctx, func(change backup.Change) error {
		total := counts[change.Source]
		if total == nil {
			total = &backup.SourceTotal{}
			counts[change.Source] = total
		}
		if change.Directory {
			total.Directories++
			return nil
		}
		total.Files++
		total.Bytes += change.Bytes
		if c.Files {
			fmt.Fprintf(out, "%s/%s\t%d\n", change.Source, printable(change.Path), change.Bytes)
		}
		return nil
	}); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tFILES\tDIRECTORIES\tSIZE")
	for _, source := range manifest.Sources {
		if total := counts[source.Name]; total != nil {
			fmt.Fprintf(w, "%s\t%d\t%d\t%s\n", source.Name, total.Files, total.Directories, size(total.Bytes))
		}
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("print plan: %w", err)
	}
	if t := manifest.Totals; t.LeftOut+t.Unstable > 0 {
		fmt.Fprintf(out, "Of the whole backup, %d links, devices and the like are not in it, and %d files changed while they were read.\n", t.LeftOut, t.Unstable)
	}
	return nil
}

// printable is a path as a terminal may have it.
func printable(path string) string {
	if quoted := strconv.Quote(path); quoted != `"`+path+`"` {
		return quoted
	}
	return path
}

func (c *restoreFilesCommand) selection() backup.Selection {
	return backup.Selection{Source: c.Source, Path: c.Path}
}

// restore restores into a directory of its own, and moves what is there to its place when all of it is verified.
func (c *restoreFilesCommand) restore(ctx context.Context, manifest *backup.Manifest) (err error) {
	if err := os.MkdirAll(c.To, 0o750); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	work := filepath.Join(c.To, unfinished)
	if err := os.Mkdir(work, 0o750); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(work))
		}
	}()
	if err := c.fill(ctx, manifest, work); err != nil {
		return err
	}
	entries, err := os.ReadDir(work)
	if err != nil {
		return fmt.Errorf("list what is restored: %w", err)
	}
	for _, e := range entries {
		if err := os.Rename(filepath.Join(work, e.Name()), filepath.Join(c.To, e.Name())); err != nil {
			return fmt.Errorf("put files in their places: %w", err)
		}
	}
	if err := os.Remove(work); err != nil {
		return fmt.Errorf("finish restore: %w", err)
	}
	return nil
}

// fill restores what is selected into a directory, each source into its own.
func (c *restoreFilesCommand) fill(ctx context.Context, manifest *backup.Manifest, dir string) (err error) {
	targets := map[string]backup.Target{}
	for _, source := range manifest.Sources {
		if c.Source != "" && c.Source != source.Name {
			continue
		}
		own := filepath.Join(dir, filepath.FromSlash(source.Name)) // a valid path, as in every manifest that was opened
		if err := os.MkdirAll(own, 0o750); err != nil {
			return fmt.Errorf("make directory: %w", err)
		}
		tree, err := backup.OpenTree(own)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, tree.Close()) }()
		targets[source.Name] = tree
	}
	plan, err := manifest.Plan(ctx, targets, c.selection(), backup.RestoreOptions{})
	if err != nil {
		return err
	}
	defer plan.Close()
	if err := plan.Stage(ctx); err != nil {
		return err
	}
	return plan.Apply(ctx)
}
