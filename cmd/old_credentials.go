package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/queries"
)

type oldCredentialsCommand struct {
	Import oldCredentialsImportCommand `cmd:"" help:"Store credentials from an earlier installation, where they belonged to people, for customers to use until a date."`
	Status oldCredentialsStatusCommand `cmd:"" help:"Show which customers' accounts still live by an old credential, and until when."`
	End    oldCredentialsEndCommand    `cmd:"" help:"End a customer's use of a person's old credentials now. This cannot be undone."`
}

// ownerConfig says where the database is, for commands that act for all customers.
type ownerConfig struct {
	DatabaseURL string `required:"" env:"MIGRATE_DATABASE_URL" help:"Database, as 'fanfare migrate' has it: as an administrator of the server or as fanfare_owner."`
}

// connect connects and acts as fanfare_owner, whoever has logged in.
func (c ownerConfig) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := connectTo(ctx, c.DatabaseURL)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "set role fanfare_owner"); err != nil {
		return nil, errors.Join(errors.New(ownerSetting+" must log in as an administrator of the server or as fanfare_owner, as the database is migrated"), conn.Close(ctx))
	}
	return conn, nil
}

type oldCredentialsStatusCommand struct {
	ownerConfig
	JSON bool `name:"json" help:"Print JSON."`
}

// Help is shown by kong below the summary.
func (c *oldCredentialsStatusCommand) Help() string {
	return "STILL OLD: accounts that have only the old credential yet. MOVED: accounts that have a copy of their own by now, or were connected anew; " +
		"it does not mean that the platform accepts it, which the account's health tells. LEFT BEHIND: accounts without a credential, which must be reconnected.\n\n" +
		"LAST DAY is that of a customer's use of a person's credentials. It is \"over\" when that has ended, and \"none needed\" where none of the customer's accounts lives by an old credential any more."
}

// customerStatus is how far a customer's accounts are.
type customerStatus struct {
	CustomerID uuid.UUID        `json:"customer_id"`
	Customer   string           `json:"customer"`
	Platforms  []platformStatus `json:"platforms"`
	Moves      []moveStatus     `json:"moves"`
}

// platformStatus counts accounts: those that live by an old credential, those that have their own by now, and those
// that were left behind when the time was over.
type platformStatus struct {
	Platform   string `json:"platform"`
	Living     int64  `json:"living"`
	Moved      int64  `json:"moved"`
	LeftBehind int64  `json:"left_behind"`
}

// moveStatus is a customer's use of one person's old credentials. Uses are of all platforms.
type moveStatus struct {
	Owner      string     `json:"owner"`
	Email      *string    `json:"email"`
	Uses       int64      `json:"uses"`
	LastUsedAt *time.Time `json:"last_used_at"`
	Deadline   time.Time  `json:"deadline"`
	EndedAt    *time.Time `json:"ended_at"`
	DaysLeft   *int       `json:"days_left"` // null when it has ended
}

// Run prints how far the moves are.
func (c *oldCredentialsStatusCommand) Run(ctx context.Context, s streams) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := queries.New(conn).OldCredentialStatus(ctx)
	if err != nil {
		return fmt.Errorf("read status: %w", err)
	}
	customers, err := statusOf(rows, time.Now())
	if err != nil {
		return err
	}
	if c.JSON {
		if err := json.NewEncoder(s.out).Encode(map[string]any{"customers": customers}); err != nil {
			return fmt.Errorf("print status: %w", err)
		}
		return nil
	}
	return printStatus(s, customers)
}

// statusOf puts a customer's platforms together.
func statusOf(rows []queries.OldCredentialStatusRow, now time.Time) ([]customerStatus, error) {
	customers := []customerStatus{}
	for _, row := range rows {
		if n := len(customers); n == 0 || customers[n-1].CustomerID != row.CustomerID {
			moves := []moveStatus{}
			if err := json.Unmarshal(row.Moves, &moves); err != nil {
				return nil, fmt.Errorf("read moves: %w", err)
			}
			for i := range moves {
				if m := &moves[i]; m.EndedAt == nil {
					days := max(0, int(math.Ceil(m.Deadline.Sub(now).Hours()/24)))
					m.DaysLeft = &days
				}
			}
			customers = append(customers, customerStatus{CustomerID: row.CustomerID, Customer: row.Customer, Platforms: []platformStatus{}, Moves: moves})
		}
		if row.Platform != "" {
			c := &customers[len(customers)-1]
			c.Platforms = append(c.Platforms, platformStatus{Platform: row.Platform, Living: row.Living, Moved: row.Moved, LeftBehind: row.LeftBehind})
		}
	}
	return customers, nil
}

// printStatus prints a line for each customer and platform, then one for each person whose credentials a customer uses.
func printStatus(s streams, customers []customerStatus) error {
	accounts := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(accounts, "CUSTOMER\tNAME\tPLATFORM\tSTILL OLD\tMOVED\tLEFT BEHIND")
	uses := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(uses, "CUSTOMER\tCREDENTIALS OF\tUSES\tLAST USE\tLAST DAY\tDAYS LEFT")
	var living int64
	for _, c := range customers {
		platforms := c.Platforms
		if len(platforms) == 0 {
			platforms = []platformStatus{{Platform: "none"}}
		}
		var left int64
		for _, p := range platforms {
			left += p.Living
			fmt.Fprintf(accounts, "%s\t%q\t%s\t%d\t%d\t%d\n", c.CustomerID, c.Customer, p.Platform, p.Living, p.Moved, p.LeftBehind)
		}
		living += left
		for _, m := range c.Moves {
			lastUse, lastDay, daysLeft := "never", "over", ""
			if m.LastUsedAt != nil {
				lastUse = m.LastUsedAt.UTC().Format(time.DateTime)
			}
			switch {
			case m.DaysLeft != nil && left == 0:
				lastDay = "none needed"
			case m.DaysLeft != nil:
				lastDay, daysLeft = m.Deadline.UTC().AddDate(0, 0, -1).Format(time.DateOnly), strconv.Itoa(*m.DaysLeft)
			}
			fmt.Fprintf(uses, "%s\t%q\t%d\t%s\t%s\t%s\n", c.CustomerID, m.Owner, m.Uses, lastUse, lastDay, daysLeft)
		}
	}
	if err := accounts.Flush(); err != nil {
		return fmt.Errorf("print status: %w", err)
	}
	fmt.Fprintln(s.out)
	if err := uses.Flush(); err != nil {
		return fmt.Errorf("print status: %w", err)
	}
	fmt.Fprintf(s.out, "\n%s. Times are UTC. Uses and the last day are of a person's credentials on all platforms.\n", spellLiving(living))
	return nil
}

func spellLiving(accounts int64) string {
	if accounts == 1 {
		return "1 account lives by an old credential"
	}
	return fmt.Sprintf("%d accounts live by an old credential", accounts)
}

type oldCredentialsEndCommand struct {
	ownerConfig
	CustomerID customerID `arg:"" help:"The customer, by its id."`
	Owner      string     `required:"" help:"Whose old credentials: the subject, or the e-mail address of a verified person."`
}

// customerID is an id on the command line.
type customerID struct{ uuid.UUID }

// UnmarshalText is called by kong.
func (id *customerID) UnmarshalText(text []byte) (err error) {
	if id.UUID, err = uuid.ParseBytes(text); err != nil || id.UUID == uuid.Nil { // the zero id stands for none
		return fmt.Errorf("%q is not an id such as 019a5c1e-7d3b-7c42-9f60-2b8e4d1a6c05", text)
	}
	return nil
}

// Help is shown by kong below the summary.
func (c *oldCredentialsEndCommand) Help() string {
	return "Accounts that have not moved must be reconnected. A customer's ended use cannot be begun again, not even by another import."
}

// Run ends a move.
func (c *oldCredentialsEndCommand) Run(ctx context.Context, s streams) error {
	conn, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	q := queries.New(conn)
	owner, err := findOwner(ctx, q, c.Owner)
	if err != nil {
		return err
	}
	ended, err := q.CredentialMoveEnd(ctx, queries.CredentialMoveEndParams{Customer: c.CustomerID.UUID, OwnerID: owner})
	if err != nil {
		return fmt.Errorf("end move: %w", err)
	}
	if len(ended) == 0 {
		return fmt.Errorf("customer %s does not use old credentials of this person (any more)", c.CustomerID)
	}
	fmt.Fprintf(s.out, "Ended, which cannot be undone. Accounts that have not moved and must be reconnected: %d\n", ended[0].LeftBehind)
	return nil
}

// Reasons why a person cannot be told by what was given.
var (
	errNoOwner   = errors.New("owner: there is nobody with this subject or verified e-mail address")
	errTwoOwners = errors.New("owner: several people have this e-mail address; give the subject")
)

// findOwner gives the person that a subject or an e-mail address stands for.
func findOwner(ctx context.Context, q *queries.Queries, owner string) (uuid.UUID, error) {
	found, err := q.OldOwnerFind(ctx, owner)
	switch {
	case err != nil:
		return uuid.Nil, fmt.Errorf("find owner: %w", err)
	case len(found) == 0:
		return uuid.Nil, errNoOwner
	case len(found) > 1:
		return uuid.Nil, errTwoOwners
	}
	return found[0], nil
}
