package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/audit"
	"fanfare/internal/vault"
)

type auditCommand struct {
	Verify auditVerifyCommand `cmd:"" help:"Recompute the audit log's digests and seals, and name the first row that does not agree."`
}

type auditVerifyCommand struct {
	DatabaseURL string    `required:"" env:"MIGRATE_DATABASE_URL" help:"Database, as 'fanfare migrate' has it: as an administrator of the server or as fanfare_owner, who read everything."`
	Customer    uuid.UUID `help:"Only this customer's log."`
	Heads       string    `type:"path" help:"File with where the logs ended in an earlier run, kept away from the database: it shows a log that was made anew or cut at its end. It is written anew if all agrees."`
	JSON        bool      `name:"json" help:"Print JSON."`
}

// Run verifies the log. Its error is what makes the exit status 1.
func (c *auditVerifyCommand) Run(ctx context.Context, s streams) error {
	earlier, err := readHeads(c.Heads)
	if err != nil {
		return err
	}
	conn, err := connectTo(ctx, c.DatabaseURL)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	var only *uuid.UUID
	if c.Customer != uuid.Nil {
		only = &c.Customer
	}
	report, err := audit.Verify(ctx, conn, only, earlier)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(s.out).Encode(map[string]any{"ok": report.OK(), "customers": report.Customers, "erased": report.Erased})
	} else {
		printReport(s, report)
	}
	if err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	if !report.OK() {
		return errors.New("the audit log is not what was written")
	}
	if c.Heads == "" {
		return nil
	}
	heads := report.Heads()
	for id, head := range earlier {
		if _, checked := heads[id]; only != nil && !checked && id != *only {
			heads[id] = head
		}
	}
	return writeHeads(c.Heads, heads)
}

func printReport(s streams, report *audit.Report) {
	broken := 0
	for _, c := range report.Customers {
		head := "none"
		if c.Head != nil {
			head = fmt.Sprintf("%d %s", c.Head.Number, c.Head.Hash)
		}
		name := c.ID.String()
		if c.ID == vault.Installation {
			name += " (the installation's own log)"
		}
		fmt.Fprintf(s.out, "%s  %d sealed, %d waiting, %d dropped, head %s\n", name, c.Sealed, c.Waiting, c.Dropped, head)
		if p := c.Problem; p != nil {
			broken++
			fmt.Fprintf(s.out, "  %s", p.What)
			if p.ID != uuid.Nil {
				fmt.Fprintf(s.out, ": row %s of %s", p.ID, p.Time.UTC().Format(time.RFC3339Nano))
			}
			if p.Seal != 0 {
				fmt.Fprintf(s.out, ", seal %d", p.Seal)
			}
			fmt.Fprintf(s.out, ", customer %s. %s\n", c.ID, p.Detail)
		}
	}
	for _, id := range report.Erased {
		fmt.Fprintf(s.out, "%s  was erased, with its log, and there is a receipt\n", id)
	}
	fmt.Fprintf(s.out, "logs %d, broken %d\n", len(report.Customers), broken)
}

// readHeads reads the heads of an earlier run; a file that is not there yet has none.
func readHeads(path string) (map[uuid.UUID]audit.Head, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no heads to compare with
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil //nolint:nilnil // the first run
	}
	if err != nil {
		return nil, fmt.Errorf("read heads: %w", err)
	}
	var heads map[uuid.UUID]audit.Head
	if err := json.Unmarshal(content, &heads); err != nil {
		return nil, fmt.Errorf("%s does not hold the heads of an earlier run: %w", path, err)
	}
	return heads, nil
}

// writeHeads replaces the file as a whole.
func writeHeads(path string, heads map[uuid.UUID]audit.Head) error {
	content, err := json.MarshalIndent(heads, "", "  ")
	if err != nil {
		return fmt.Errorf("encode heads: %w", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write heads: %w", err)
	}
	defer os.Remove(file.Name()) // gone already if all went well
	_, err = file.Write(append(content, '\n'))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write heads: %w", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write heads: %w", err)
	}
	return nil
}
