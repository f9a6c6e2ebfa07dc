package cmd

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// maxOldCredentialLine is the longest line that is read, in bytes.
const maxOldCredentialLine = 1 << 20

type oldCredentialsImportCommand struct {
	keyConfig
	ownerConfig
	File   string  `arg:"" help:"NDJSON, one credential a line: {\"owner\", \"platform\", \"external_id\", \"name\", \"url\", \"credential\": {…}, \"customers\": [\"…\"]}; - is the standard input."`
	Until  lastDay `required:"" placeholder:"YYYY-MM-DD" help:"The last day (UTC) on which they can be used, a year ahead at most. It is one day for a person and a customer: it moves for what was imported for both before."`
	DryRun bool    `help:"Check everything and change nothing."`
}

// lastDay is a day as people write it: its beginning, UTC.
type lastDay struct{ time.Time }

// UnmarshalText is called by kong.
func (d *lastDay) UnmarshalText(text []byte) (err error) {
	if d.Time, err = time.Parse(time.DateOnly, string(text)); err != nil {
		return fmt.Errorf("%q is not a date such as 2027-03-31", text)
	}
	return nil
}

// Help is shown by kong below the summary.
func (c *oldCredentialsImportCommand) Help() string {
	text := &strings.Builder{}
	text.WriteString("A credential is sealed as it is imported, and becomes the account's own when the account first uses it. " +
		"What has not been used by the end of --until is deleted, and its accounts must be reconnected (needs_reauth, moved_out).\n\n" +
		"--until holds for all that a customer uses of a person's. Another day than at an import before, be it later or earlier, " +
		"moves the deadline of what was imported for the two then; the last lines say for how many.\n\n" +
		"An account stands in one line, with all its customers. The key set must be the one that the API and the workers have.\n\n" +
		"'credential' has these fields:\n\n")
	for _, name := range platform.Names {
		fmt.Fprintf(text, "  %-10s {%s}\n", name, strings.Join(platform.CredentialFields(name), ", "))
	}
	return text.String()
}

// Validate is called by kong.
func (c *oldCredentialsImportCommand) Validate() error {
	if c.Until.IsZero() {
		return nil // it is missing, which kong says
	}
	if c.deadline().Before(time.Now()) {
		return errors.New("--until is in the past")
	}
	if c.Until.After(time.Now().AddDate(1, 0, 0)) {
		return errors.New("--until is more than a year ahead")
	}
	return nil
}

// deadline is the end of the last day.
func (c *oldCredentialsImportCommand) deadline() time.Time { return c.Until.AddDate(0, 0, 1) }

// Run imports line by line. A line that is refused stops no other.
func (c *oldCredentialsImportCommand) Run(ctx context.Context, s streams) error {
	sealer, err := c.open(ctx)
	if err != nil {
		return err
	}
	in := os.Stdin
	if c.File != "-" {
		if in, err = os.Open(c.File); err != nil {
			return fmt.Errorf("open file: %w", err)
		}
		defer in.Close()
	}
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	importer, err := newOldCredentialImporter(ctx, s, conn, sealer)
	if err != nil {
		return err
	}
	importer.deadline, importer.dryRun = c.deadline(), c.DryRun
	var stored, there, refused int
	err = eachLine(in, func(number int, line []byte, tooLong bool) error {
		changed, err := false, error(&refusedLineError{fmt.Sprintf("the line is longer than %d bytes", maxOldCredentialLine)})
		if !tooLong {
			changed, err = importer.line(ctx, number, line)
		}
		var refusal *refusedLineError
		switch {
		case errors.As(err, &refusal):
			refused++
			fmt.Fprintf(s.out, "line %d refused: %s\n", number, refusal.why)
		case err != nil:
			return fmt.Errorf("line %d: %w", number, err)
		case changed:
			stored++
		default:
			there++
		}
		return nil
	})
	what, moved := "stored", "deadline moved"
	if c.DryRun {
		what, moved = "would be stored", "deadline would be moved"
	}
	fmt.Fprintf(s.out, "%s %d, already there %d, refused %d, %s for %d\n", what, stored, there, refused, moved, importer.moved)
	if importer.moved > 0 {
		fmt.Fprintf(s.out, "The deadline is that of a customer's use of a person's credentials; %s for all that was imported for the two before.\n",
			strings.TrimPrefix(moved, "deadline "))
	}
	if err == nil && refused > 0 {
		err = errors.New("lines were refused")
	}
	return err
}

// eachLine gives the lines that are not empty, and their numbers from 1. One that is too long comes without its text,
// which is not kept in memory.
func eachLine(in io.Reader, do func(number int, line []byte, tooLong bool) error) error {
	reader := bufio.NewReaderSize(in, 64<<10)
	for number := 1; ; number++ {
		var line []byte
		tooLong := false
		var err error
		for {
			var part []byte
			part, err = reader.ReadSlice('\n')
			if tooLong = tooLong || len(line)+len(part) > maxOldCredentialLine; tooLong {
				line = nil
			} else {
				line = append(line, part...)
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				break
			}
		}
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return fmt.Errorf("read file: %w", err)
		}
		if line = bytes.TrimSpace(line); tooLong || len(line) > 0 {
			if err := do(number, line, tooLong); err != nil {
				return err
			}
		}
		if last {
			return nil
		}
	}
}

// oldCredentialLine is a line of the file.
type oldCredentialLine struct {
	Owner      string          `json:"owner"`
	Platform   string          `json:"platform"`
	ExternalID string          `json:"external_id"`
	Name       string          `json:"name"`
	URL        string          `json:"url"`
	Credential json.RawMessage `json:"credential"`
	Customers  []string        `json:"customers"`
}

// refusedLineError says why a line is not imported, in words that quote nothing of a credential.
type refusedLineError struct{ why string }

func (e *refusedLineError) Error() string { return e.why }

func refuse(format string, args ...any) error {
	return &refusedLineError{fmt.Sprintf(format, args...)}
}

// parseOldCredential reads and checks a line. The credential comes back in its normal form.
func parseOldCredential(text []byte) (line oldCredentialLine, customers []uuid.UUID, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&line); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) && wrong.Field != "" {
			return line, nil, refuse("%s is of another type", wrong.Field)
		}
		// The decoder's own words may quote what it has read.
		return line, nil, refuse("it is no JSON object, or has a field that is not one of owner, platform, external_id, name, url, credential, customers")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return line, nil, refuse("something follows the JSON object")
	}
	line.Name = cmp.Or(line.Name, line.ExternalID)
	for _, field := range []struct {
		name, value string
		least, most int
	}{
		{"owner", line.Owner, 1, 320}, {"platform", line.Platform, 1, 50}, {"external_id", line.ExternalID, 1, 500},
		{"name", line.Name, 1, 500}, {"url", line.URL, 0, 2000},
	} {
		if n := utf8.RuneCountInString(field.value); n < field.least || n > field.most || strings.ContainsFunc(field.value, unicode.IsControl) {
			return line, nil, refuse("%s must have %d to %d characters, and no control characters", field.name, field.least, field.most)
		}
	}
	if line.URL != "" {
		if u, err := url.Parse(line.URL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
			return line, nil, refuse("url is not an address such as https://blog.example.com")
		}
	}
	if len(line.Customers) == 0 {
		return line, nil, refuse("customers names nobody who may use the credential")
	}
	for _, text := range line.Customers {
		id, err := uuid.Parse(text)
		if err != nil {
			return line, nil, refuse("customers: there is something that is no id")
		}
		customers = append(customers, id)
	}
	line.Credential, err = platform.ParseCredential(platform.Name(line.Platform), line.ExternalID, line.Credential)
	var wrong *platform.Error
	if errors.As(err, &wrong) {
		err = refuse("%s", wrong.Message)
	}
	return line, customers, err
}

// oldCredentialImporter imports lines, each in a transaction of its own.
type oldCredentialImporter struct {
	conn     *pgx.Conn
	vault    *vault.Vault
	deadline time.Time
	dryRun   bool

	deadlines map[oldUse]time.Time // before, or as lines have moved them
	moved     int                  // how many of them
	lines     map[oldAccount]int   // in which line an account stands that was not refused
}

// oldUse is a customer's use of a person's old credentials.
type oldUse struct{ customer, owner uuid.UUID }

// oldAccount is what an old credential is for.
type oldAccount struct {
	owner                uuid.UUID
	platform, externalID string
}

// newOldCredentialImporter checks the key set, and looks at what was imported before.
func newOldCredentialImporter(ctx context.Context, s streams, conn *pgx.Conn, sealer *vault.Vault) (*oldCredentialImporter, error) {
	if err := checkInstallation(ctx, s, conn, sealer.KeyIDs()); err != nil {
		return nil, err
	}
	uses, err := queries.New(conn).CredentialMoveDeadlineList(ctx)
	if err != nil {
		return nil, fmt.Errorf("read deadlines: %w", err)
	}
	i := &oldCredentialImporter{conn: conn, vault: sealer, deadlines: map[oldUse]time.Time{}, lines: map[oldAccount]int{}}
	for _, use := range uses {
		i.deadlines[oldUse{use.CustomerID, use.OwnerID}] = use.Deadline
	}
	return i, nil
}

// checkInstallation refuses keys that open nothing of all that is stored: another key set's, under which nobody would find
// what is imported. Of single keys that are lost it only warns, as an installation can live on without them.
func checkInstallation(ctx context.Context, s streams, conn *pgx.Conn, keys []uint32) error {
	var counts []queries.SealedCountRow
	err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
		// The owner may not count what is sealed, but may act as who may.
		if _, err = tx.Exec(ctx, "set local role fanfare_definer"); err == nil {
			counts, err = queries.New(tx).SealedCount(ctx)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("count what is sealed: %w", err)
	}
	known := 0
	lost := &keysStatus{}
	for _, count := range counts {
		switch {
		case slices.Contains(keys, uint32(count.KeyID)):
			known++
		case count.KeyID != 0: // else it is no sealed value
			lost.add(count)
		}
	}
	if len(lost.Lost) == 0 {
		return nil
	}
	var sealed []string
	for _, key := range lost.Lost {
		sealed = append(sealed, fmt.Sprintf("key %d (%s)", key.ID, spellRows(key.Rows)))
	}
	if known == 0 {
		return fmt.Errorf("%s: this is not the key set of the installation: everything in the database is sealed with keys that it has not, %s. "+
			"Name the key set that the API and the workers have; nobody could open what is imported with another. "+
			"If that one is lost, let them have this one and connect an account first", named("keyset"), strings.Join(sealed, ", "))
	}
	fmt.Fprintf(s.err, "warning: the key set has not every key with which something in the database is sealed; nobody can open what is sealed with %s. See 'fanfare keys status'.\n",
		strings.Join(sealed, ", "))
	return nil
}

// errDryRun undoes what a line has done.
var errDryRun = errors.New("dry run")

// line imports one. changed tells whether anything was not there already.
func (i *oldCredentialImporter) line(ctx context.Context, number int, text []byte) (changed bool, err error) {
	line, customers, err := parseOldCredential(text)
	if err != nil {
		return false, err
	}
	account := oldAccount{platform: line.Platform, externalID: line.ExternalID}
	err = pgx.BeginFunc(ctx, i.conn, func(tx pgx.Tx) (err error) {
		q := queries.New(tx)
		account.owner, err = findOwner(ctx, q, line.Owner)
		switch {
		case errors.Is(err, errNoOwner) || errors.Is(err, errTwoOwners):
			return refuse("%v", err)
		case err != nil:
			return err
		}
		if first := i.lines[account]; first > 0 {
			return refuse("the same account stands in line %d; all its customers belong there", first)
		}
		if changed, err = i.store(ctx, q, account, line, customers); err == nil && i.dryRun {
			err = errDryRun
		}
		return err
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && (pgErr.Code[:2] == "22" || pgErr.Code[:2] == "23") {
		err = refuse("the database does not take it (%s %s)", pgErr.Code, pgErr.ConstraintName)
	}
	if err == nil {
		i.remember(account, number, customers)
	}
	return changed, err
}

// remember notes what a line has done, for the lines to come and the summary.
func (i *oldCredentialImporter) remember(account oldAccount, number int, customers []uuid.UUID) {
	i.lines[account] = number
	for _, customer := range customers {
		use := oldUse{customer, account.owner}
		if deadline, known := i.deadlines[use]; known && !deadline.Equal(i.deadline) {
			i.moved++
		}
		i.deadlines[use] = i.deadline
	}
}

func (i *oldCredentialImporter) store(ctx context.Context, q *queries.Queries, account oldAccount, line oldCredentialLine, customers []uuid.UUID) (changed bool, err error) {
	found, err := q.OldCredentialFind(ctx, queries.OldCredentialFindParams{OwnerID: account.owner, Platform: line.Platform, ExternalID: line.ExternalID})
	if err != nil {
		return false, fmt.Errorf("look for the credential: %w", err)
	}
	params := queries.OldCredentialImportParams{
		ID: found.ID, OwnerID: account.owner, Platform: line.Platform, ExternalID: line.ExternalID, Name: line.Name, URL: line.URL,
		CustomerIds: customers, Deadline: i.deadline,
	}
	if found.ID == uuid.Nil {
		if params.ID, err = uuid.NewV7(); err != nil {
			return false, fmt.Errorf("make id: %w", err)
		}
	}
	bound := vault.OldCredential(params.ID, line.Platform)
	// One that cannot be opened is replaced too: the file holds it.
	if plain, err := i.vault.Unseal(found.Credential, bound); err != nil || !bytes.Equal(plain, line.Credential) {
		if params.Credential, params.KeyID, err = i.vault.SealWithID(line.Credential, bound); err != nil {
			return false, fmt.Errorf("seal the credential: %w", err)
		}
	}
	done, err := q.OldCredentialImport(ctx, params)
	switch {
	case err != nil:
		return false, fmt.Errorf("store the credential: %w", err)
	case done.Problem == "customer_unknown":
		return false, refuse("customers: there is no customer %s", done.CustomerID)
	case done.Problem == "move_ended":
		return false, refuse("customers: %s has ended its use of this person's old credentials", done.CustomerID)
	case done.Problem != "":
		return false, refuse("%s: %s", done.Problem, done.CustomerID)
	}
	return done.Changed, nil
}
