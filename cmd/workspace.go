package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"

	"fanfare/queries"
)

type workspaceCommand struct {
	List  workspaceListCommand  `cmd:"" help:"List the workspaces of all customers, those first that were not used for the longest."`
	Clean workspaceCleanCommand `cmd:"" help:"Show which workspaces would be archived, and which archives deleted, since nobody uses them; with --yes, have workers do it."`
}

type workspaceListCommand struct {
	ownerConfig
	Customer   customerID `help:"Only this customer's."`
	State      string     `enum:",new,active,archiving,archived,returning,restoring,deleted" default:"" help:"Only those in this state: new, active, archiving, archived, returning, restoring or deleted."`
	UnusedDays int32      `help:"Only those that nobody has used for so many days."`
	JSON       bool       `name:"json" help:"Print JSON."`
}

// maxDays is the most that anything about workspaces can be told in days.
const maxDays = 3650

// Validate is kong's.
func (c *workspaceListCommand) Validate() error {
	return checkDays("--unused-days", c.UnusedDays)
}

// checkDays refuses what is no number of days; 0 is that none was given.
func checkDays(flag string, days int32) error {
	if days < 0 || days > maxDays {
		return fmt.Errorf("%s must be from 1 to %d", flag, maxDays)
	}
	return nil
}

// workspaceRow is a workspace for the operator.
type workspaceRow struct {
	CustomerID   uuid.UUID  `json:"customer_id"`
	Customer     string     `json:"customer"`
	ID           uuid.UUID  `json:"id"`
	SpaceID      *uuid.UUID `json:"space_id"` // null: the customer's own
	State        string     `json:"state"`
	Bytes        int64      `json:"bytes"`
	Entries      int64      `json:"entries"`
	MeasuredAt   time.Time  `json:"measured_at"`
	LastUsedAt   time.Time  `json:"last_used_at"`
	AnnouncedAt  *time.Time `json:"announced_at"`
	ArchivedAt   *time.Time `json:"archived_at"`
	ArchiveBytes int64      `json:"archive_bytes"`
	LegalHold    bool       `json:"legal_hold"`
	Problem      string     `json:"problem,omitempty"`
}

// Run lists workspaces.
func (c *workspaceListCommand) Run(ctx context.Context, s streams) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := queries.New(conn).WorkspaceListForOperator(ctx, queries.WorkspaceListForOperatorParams{
		Customer: orNil(c.Customer.UUID), State: orNil(c.State), UnusedDays: orNil(c.UnusedDays),
	})
	if err != nil {
		return fmt.Errorf("list workspaces: %w", err)
	}
	all := make([]workspaceRow, len(rows))
	for i, r := range rows {
		all[i] = workspaceRow{
			CustomerID: r.CustomerID, Customer: r.Customer, ID: r.ID, SpaceID: orNil(r.SpaceID), State: r.State, Bytes: r.Bytes, Entries: r.Entries,
			MeasuredAt: r.MeasuredAt, LastUsedAt: r.LastUsedAt, AnnouncedAt: unlessZero(r.AnnouncedAt), ArchivedAt: unlessZero(r.ArchivedAt), ArchiveBytes: r.ArchiveBytes,
			LegalHold: r.LegalHold, Problem: r.Problem,
		}
	}
	if c.JSON {
		err = json.NewEncoder(s.out).Encode(map[string]any{"workspaces": all})
	} else {
		err = printWorkspaces(s.out, all)
	}
	if err != nil {
		return fmt.Errorf("print workspaces: %w", err)
	}
	return nil
}

func printWorkspaces(out io.Writer, all []workspaceRow) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WORKSPACE\tCUSTOMER\tNAME\tOF\tSTATE\tSIZE\tARCHIVE\tLAST USE\tHOLD\tPROBLEM")
	var bytes, archives int64
	for _, w := range all {
		archive, hold := "", ""
		if w.ArchiveBytes > 0 {
			archive = size(w.ArchiveBytes)
		}
		if w.LegalHold {
			hold = "legal hold"
		}
		// What is archived takes no room in its place.
		there := ""
		if w.State != "archived" && w.State != "deleted" {
			there = size(w.Bytes)
			bytes += w.Bytes
		}
		archives += w.ArchiveBytes
		fmt.Fprintf(table, "%s\t%s\t%q\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", w.ID, w.CustomerID, w.Customer, ofWhat(w.SpaceID), w.State, there, archive,
			w.LastUsedAt.UTC().Format(time.DateOnly), hold, w.Problem)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d workspaces, %s, and archives of %s. Days are UTC.\n", len(all), size(bytes), size(archives))
	return err
}

// ofWhat says whose a workspace is within its customer.
func ofWhat(spaceID *uuid.UUID) string {
	if spaceID == nil {
		return "customer"
	}
	return "space " + spaceID.String()
}

// orNil is a pointer to a value that was given, nil to one that was not.
func orNil[T comparable](value T) *T {
	if value == *new(T) {
		return nil
	}
	return &value
}

// unlessZero is a time as orNil has it, whatever its location.
func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type workspaceCleanCommand struct {
	ownerConfig
	Customer    customerID `help:"Only this customer's."`
	UnusedDays  int32      `help:"Archive workspaces that nobody has used for so many days."`
	ArchiveDays int32      `name:"delete-archives-older-than-days" help:"Delete archives that were made so many days ago. This cannot be undone."`
	Yes         bool       `help:"Do it, after showing it."`
	JSON        bool       `name:"json" help:"Print JSON."`
}

// Help is shown by kong below the summary.
func (c *workspaceCleanCommand) Help() string {
	return "Nothing of a customer that is under a legal hold is archived or deleted, and no archive that its customer's own policy keeps for longer. " +
		"What is archived comes back as soon as somebody uses it. Workers do it, within minutes; they need FANFARE_BACKUP_BUCKET."
}

// Validate is kong's.
func (c *workspaceCleanCommand) Validate() error {
	if c.UnusedDays == 0 && c.ArchiveDays == 0 {
		return errors.New("say what is to be cleaned: --unused-days, --delete-archives-older-than-days, or both")
	}
	return errors.Join(checkDays("--unused-days", c.UnusedDays), checkDays("--delete-archives-older-than-days", c.ArchiveDays))
}

// cleanRow is what a cleaning does to a workspace, or would.
type cleanRow struct {
	CustomerID   uuid.UUID  `json:"customer_id"`
	Customer     string     `json:"customer"`
	ID           uuid.UUID  `json:"id"`
	SpaceID      *uuid.UUID `json:"space_id"`       // null: the customer's own
	Action       string     `json:"action"`         // archive or delete
	Kept         string     `json:"kept,omitempty"` // why it is not: legal_hold or policy
	Done         bool       `json:"done"`
	Bytes        int64      `json:"bytes"`
	ArchiveBytes int64      `json:"archive_bytes"`
	LastUsedAt   time.Time  `json:"last_used_at"`
	ArchivedAt   *time.Time `json:"archived_at"`
}

// Run shows what would be done, and does it if it is to.
func (c *workspaceCleanCommand) Run(ctx context.Context, s streams) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	q := queries.New(conn)
	rows, err := q.WorkspaceListToClean(ctx, queries.WorkspaceListToCleanParams{
		Customer: orNil(c.Customer.UUID), UnusedDays: orNil(c.UnusedDays), ArchiveDays: orNil(c.ArchiveDays),
	})
	if err != nil {
		return fmt.Errorf("look for unused workspaces: %w", err)
	}
	all := make([]cleanRow, len(rows))
	var ids []uuid.UUID
	for i, r := range rows {
		all[i] = cleanRow{
			CustomerID: r.CustomerID, Customer: r.Customer, ID: r.ID, SpaceID: orNil(r.SpaceID), Action: r.What, Kept: r.Kept, Bytes: r.Bytes, ArchiveBytes: r.ArchiveBytes,
			LastUsedAt: r.LastUsedAt, ArchivedAt: unlessZero(r.ArchivedAt),
		}
		if r.Kept == "" {
			ids = append(ids, r.ID)
		}
	}
	if !c.JSON {
		if err := printCleaning(s.out, all); err != nil {
			return fmt.Errorf("print workspaces: %w", err)
		}
	}
	done := map[uuid.UUID]bool{}
	if c.Yes && len(ids) > 0 {
		cleaned, err := q.WorkspaceClean(ctx, queries.WorkspaceCleanParams{Ids: ids, UnusedDays: orNil(c.UnusedDays), ArchiveDays: orNil(c.ArchiveDays)})
		if err != nil {
			return fmt.Errorf("clean workspaces: %w", err)
		}
		for _, r := range cleaned {
			done[r.ID] = true
		}
	}
	if c.JSON {
		for i := range all {
			all[i].Done = done[all[i].ID]
		}
		err = json.NewEncoder(s.out).Encode(map[string]any{"workspaces": all})
	} else {
		err = c.conclude(s.out, len(ids), len(done))
	}
	if err != nil {
		return fmt.Errorf("print workspaces: %w", err)
	}
	return nil
}

// conclude says what has come of it.
func (c *workspaceCleanCommand) conclude(out io.Writer, planned, done int) (err error) {
	switch {
	case planned == 0:
		_, err = fmt.Fprintln(out, "There is nothing to do.")
	case !c.Yes:
		_, err = fmt.Fprintln(out, "Nothing was done. To do it: --yes")
	default:
		_, err = fmt.Fprintf(out, "Workers do it now, with %d of %d. 'fanfare workspace list' shows how far they are.\n", done, planned)
	}
	return err
}

func printCleaning(out io.Writer, all []cleanRow) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "WORKSPACE\tCUSTOMER\tNAME\tOF\tLAST USE\tSIZE\tWHAT")
	for _, w := range all {
		what, bytes := "archive", w.Bytes
		if w.Action == "delete" {
			what, bytes = "delete the archive of "+w.ArchivedAt.UTC().Format(time.DateOnly), w.ArchiveBytes
		}
		switch w.Kept {
		case "legal_hold":
			what = "nothing: its customer is under a legal hold"
		case "policy":
			what = "nothing: its customer's policy keeps archives for longer"
		}
		fmt.Fprintf(table, "%s\t%s\t%q\t%s\t%s\t%s\t%s\n", w.ID, w.CustomerID, w.Customer, ofWhat(w.SpaceID), w.LastUsedAt.UTC().Format(time.DateOnly), size(bytes), what)
	}
	return table.Flush()
}
