package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/internal/bucket"
	"fanfare/internal/dbbackup"
)

type backupCommand struct {
	Customer backupCustomerCommand `cmd:"" help:"Back up one customer's rows of the database into a file."`
	Database backupDatabaseCommand `cmd:"" help:"Store a base backup of the database's whole server in a bucket."`
	Wal      backupWALCommand      `cmd:"" help:"Store a file of WAL; for Postgres's archive_command: fanfare backup wal %p %f."`
	List     backupListCommand     `cmd:"" help:"List the base backups that are whole."`
	Prune    backupPruneCommand    `cmd:"" help:"Delete base backups and WAL that are too old to be needed."`

	ListFiles backupListFilesCommand `cmd:"" help:"List the backups of a customer's files, which workers make."`
}

// recipientConfig says for whom backups are encrypted.
type recipientConfig struct {
	Recipient string `env:"FANFARE_BACKUP_RECIPIENT" help:"Public keys of age (age1…) for which backups are encrypted, with commas between them; none by default."`
}

// repositoryConfig says where backups of the whole server are kept.
type repositoryConfig struct {
	Bucket string `required:"" env:"FANFARE_BACKUP_BUCKET" help:"Bucket of the backups, such as file:///var/backups/fanfare; one for each cluster."`
}

// open gives the repository. The caller closes its bucket.
func (c repositoryConfig) open(ctx context.Context, recipient, identity string) (*dbbackup.Repository, error) {
	r := &dbbackup.Repository{}
	var err error
	if r.Recipients, err = dbbackup.ParseRecipients(recipient); err != nil {
		return nil, fmt.Errorf("--recipient (FANFARE_BACKUP_RECIPIENT): %w", err)
	}
	if identity != "" {
		if r.Identities, err = dbbackup.ReadIdentities(identity); err != nil {
			return nil, fmt.Errorf("--identity (FANFARE_BACKUP_IDENTITY): %w", err)
		}
	}
	if r.Bucket, err = bucket.Open(ctx, c.Bucket, bucket.Options{}); err != nil {
		return nil, fmt.Errorf("--bucket (FANFARE_BACKUP_BUCKET): %w", err)
	}
	return r, nil
}

type backupCustomerCommand struct {
	recipientConfig
	CustomerID  uuid.UUID `arg:"" help:"Id of the customer."`
	To          string    `required:"" type:"path" help:"File to make, which must not be there yet."`
	DatabaseURL string    `required:"" env:"BACKUP_DATABASE_URL" help:"Database, as fanfare_backup, which sees one customer's rows only."`
}

// Run backs up one customer.
func (c *backupCustomerCommand) Run(ctx context.Context, s streams) error {
	recipients, err := dbbackup.ParseRecipients(c.Recipient)
	if err != nil {
		return fmt.Errorf("--recipient (FANFARE_BACKUP_RECIPIENT): %w", err)
	}
	if _, err := pgx.ParseConfig(c.DatabaseURL); err != nil {
		return wrongURL("--database-url (BACKUP_DATABASE_URL)", "fanfare_backup")
	}
	header, err := dbbackup.BackUpCustomer(ctx, c.DatabaseURL, c.CustomerID, c.To, recipients)
	if err != nil {
		return err
	}
	var rows int64
	for _, n := range header.Rows {
		rows += n
	}
	fmt.Fprintf(s.out, "Backed up %s (%s) as of %s: %d rows in %s\n", header.Name, header.CustomerID, header.Time.Format(time.RFC3339), rows, c.To)
	if len(recipients) == 0 {
		fmt.Fprintln(s.err, "The file is not encrypted: no --recipient is set.")
	}
	return nil
}

// byteRate is a number of bytes per second, such as 50MiB.
type byteRate int64

// UnmarshalText reads a rate.
func (r *byteRate) UnmarshalText(text []byte) error {
	number, unit := strings.TrimRight(string(text), "KMGiB"), strings.TrimLeft(string(text), "0123456789")
	factor, known := map[string]int64{"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}[unit]
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || !known || n*factor < 32<<10 || n*factor > 1<<30 {
		return fmt.Errorf("%q is not a number of bytes per second from 32KiB to 1GiB, such as 50MiB", text)
	}
	*r = byteRate(n * factor)
	return nil
}

type backupDatabaseCommand struct {
	repositoryConfig
	recipientConfig
	DatabaseURL string   `required:"" env:"REPLICATION_DATABASE_URL" help:"The server, as a role with REPLICATION."`
	Rate        byteRate `help:"How fast the server is read at most, per second: 50MiB. As fast as it goes by default."`
}

// Run stores a base backup.
func (c *backupDatabaseCommand) Run(ctx context.Context, s streams) error {
	r, err := c.open(ctx, c.Recipient, "")
	if err != nil {
		return err
	}
	defer func() { _ = r.Bucket.Close() }()
	b, err := r.BackUp(ctx, c.DatabaseURL, dbbackup.BaseOptions{Rate: int64(c.Rate)})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Stored base backup %s: %s, of %s in the cluster\n", b.ID, size(b.Stored()), size(b.Bytes))
	if !b.Encrypted {
		fmt.Fprintln(s.err, "The backup is not encrypted: no --recipient is set.")
	}
	return nil
}

// size is a number of bytes for people.
func size(n int64) string {
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.bytes {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.bytes), unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

type backupWALCommand struct {
	repositoryConfig
	recipientConfig
	Path string `arg:"" type:"path" help:"The file: %p."`
	Name string `arg:"" help:"Its name: %f."`
}

// Run stores a file of WAL. Any trouble makes the exit status 1, and Postgres keeps the file and tries again.
func (c *backupWALCommand) Run(ctx context.Context) error {
	r, err := c.open(ctx, c.Recipient, "")
	if err != nil {
		return err
	}
	defer func() { _ = r.Bucket.Close() }()
	return r.ArchiveWAL(ctx, c.Path, c.Name, time.Now())
}

type backupListCommand struct{ repositoryConfig }

// Run lists base backups.
func (c *backupListCommand) Run(ctx context.Context, s streams) error {
	r, err := c.open(ctx, "", "")
	if err != nil {
		return err
	}
	defer func() { _ = r.Bucket.Close() }()
	bases, err := r.List(ctx)
	return errors.Join(printBases(s.out, bases), err)
}

func printBases(out io.Writer, bases []*dbbackup.Base) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "BACKUP\tFINISHED\tSTORED\tCLUSTER\tENCRYPTED\tPOSTGRES\tTIMELINE")
	for _, b := range bases {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%t\t%s\t%d\n", b.ID, b.FinishedAt.Format(time.RFC3339), size(b.Stored()), size(b.Bytes), b.Encrypted, b.Version, b.Timeline)
	}
	return w.Flush()
}

type backupPruneCommand struct {
	repositoryConfig
	KeepDays int  `default:"30" help:"Every moment of so many days can be restored to afterwards."`
	DryRun   bool `help:"Only say what would be deleted."`
}

// Validate is kong's.
func (c *backupPruneCommand) Validate() error {
	if c.KeepDays < 1 || c.KeepDays > 36500 {
		return errors.New("--keep-days must be from 1 to 36500")
	}
	return nil
}

// Run deletes what is too old.
func (c *backupPruneCommand) Run(ctx context.Context, s streams) error {
	r, err := c.open(ctx, "", "")
	if err != nil {
		return err
	}
	defer func() { _ = r.Bucket.Close() }()
	now := time.Now()
	p, err := r.Prune(ctx, now.AddDate(0, 0, -c.KeepDays), now, c.DryRun)
	if err != nil {
		return err
	}
	verb := "Deleted"
	if c.DryRun {
		verb = "Would delete"
	}
	for _, b := range p.Deleted {
		fmt.Fprintf(s.out, "%s base backup %s of %s\n", verb, b.ID, b.FinishedAt.Format(time.RFC3339))
	}
	for _, id := range slices.Sorted(slices.Values(p.Half)) {
		fmt.Fprintf(s.out, "%s what is left of the base backup %s, which was never finished\n", verb, id)
	}
	fmt.Fprintf(s.out, "%s %d files of WAL; %d base backups are kept\n", verb, p.Segments, len(p.Kept))
	return nil
}
