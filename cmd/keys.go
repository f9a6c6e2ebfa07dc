package cmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/db"
	"fanfare/internal/vault"
	"fanfare/jobs"
	"fanfare/queries"
)

type keysCommand struct {
	Create  keysCreateCommand  `cmd:"" help:"Make a new key set. Keep a copy of the file: without it no stored credential can be opened."`
	Status  keysStatusCommand  `cmd:"" help:"Show the keys, and how much is sealed with each."`
	Add     keysAddCommand     `cmd:"" help:"Add a fresh key, which seals nothing until it is promoted, and print its id."`
	Promote keysPromoteCommand `cmd:"" help:"Seal with a key from now on, and begin to re-encrypt everything with it."`
	Reseal  keysResealCommand  `cmd:"" help:"Begin once more to re-encrypt everything with the primary key."`
	Retire  keysRetireCommand  `cmd:"" help:"Take a key with which nothing is sealed any more out of the key set, for good."`
}

type keysCreateCommand struct{ keyConfig }

// Run makes a key set; an existing file is never touched.
func (c *keysCreateCommand) Run(ctx context.Context, s streams) error {
	v, err := vault.Create(ctx, c.vaultConfig())
	if err != nil {
		return c.blame(err)
	}
	fmt.Fprintf(s.out, "Made %s with key %d. Keep a copy of it in a safe place.\n", c.Keyset, v.PrimaryKeyID())
	return nil
}

// sealedConfig says where what is sealed is kept.
type sealedConfig struct {
	WorkerDatabaseURL string `required:"" env:"WORKER_DATABASE_URL" help:"Database, as fanfare_worker."`
}

// openDatabase gives the database, which must be there and be migrated. The caller closes it.
func (c sealedConfig) openDatabase(ctx context.Context) (*pgxpool.Pool, error) {
	// What the pool would warn of is an error here.
	pool, err := openPool(ctx, c.WorkerDatabaseURL, workerSetting, "fanfare_worker", 2, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	readiness, err := queries.New(pool).Readiness(ctx)
	switch {
	case db.Unmigrated(err), err == nil && readiness.SchemaVersion < db.Version():
		err = errors.New(notMigrated)
	case err != nil:
		err = fmt.Errorf("reach the database that %s names: %w", workerSetting, err)
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

type keysAddCommand struct{ keyConfig }

// Run adds a key.
func (c *keysAddCommand) Run(ctx context.Context, s streams) error {
	id, err := vault.AddKey(ctx, c.vaultConfig())
	if err != nil {
		return c.blame(err)
	}
	fmt.Fprintln(s.out, id)
	fmt.Fprintf(s.err, "Added key %d to %s. Keep a copy of the file in a safe place.\n"+
		"When every API and worker process has the file (those that read this one take it over within %s): fanfare keys promote %d\n",
		id, c.Keyset, vault.WatchInterval, id)
	return nil
}

type keysPromoteCommand struct {
	keyConfig
	sealedConfig
	ID uint32 `arg:"" help:"Id of the key, as 'fanfare keys status' shows it."`
}

// Run promotes a key and enqueues the re-encryption, unless it is the primary key already.
func (c *keysPromoteCommand) Run(ctx context.Context, s streams) error {
	infos, err := vault.KeyInfos(ctx, c.vaultConfig())
	if err != nil {
		return c.blame(err)
	}
	if slices.ContainsFunc(infos, func(key vault.KeyInfo) bool { return key.ID == c.ID && key.Primary }) {
		fmt.Fprintf(s.out, "Key %d is the primary key already. To re-encrypt once more: fanfare keys reseal\n", c.ID)
		return nil
	}
	pool, err := c.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	if err := vault.Promote(ctx, c.vaultConfig(), c.ID); err != nil {
		return c.blame(err)
	}
	fmt.Fprintf(s.out, "Key %d is the primary key.\n", c.ID)
	return beginReseal(ctx, s, pool, c.ID)
}

type keysResealCommand struct {
	keyConfig
	sealedConfig
}

// Run enqueues the re-encryption.
func (c *keysResealCommand) Run(ctx context.Context, s streams) error {
	infos, err := vault.KeyInfos(ctx, c.vaultConfig())
	if err != nil {
		return c.blame(err)
	}
	pool, err := c.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	for _, key := range infos {
		if key.Primary {
			return beginReseal(ctx, s, pool, key.ID)
		}
	}
	return errors.New("the key set has no primary key")
}

// beginReseal enqueues the re-encryption with a key, unless it is under way.
func beginReseal(ctx context.Context, s streams, pool *pgxpool.Pool, id uint32) error {
	queue, err := jobs.NewInserter(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	var again bool
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		inserted, err := queue.InsertTx(ctx, tx, jobs.ResealArgs{KeyID: int64(id)}, nil)
		again = err == nil && inserted.UniqueSkippedAsDuplicate
		return err
	})
	if err != nil {
		return fmt.Errorf("enqueue the re-encryption (try again with 'fanfare keys reseal'): %w", err)
	}
	if again {
		fmt.Fprintln(s.out, "Re-encryption is under way already; see 'fanfare keys status'.")
		return nil
	}
	if readiness, err := queries.New(pool).Readiness(ctx); err == nil && readiness.LiveWorkers == 0 {
		fmt.Fprintln(s.err, "No worker is running; re-encryption waits for one.")
	}
	fmt.Fprintln(s.out, "Re-encryption begins; see 'fanfare keys status'. When nothing is left under a key: fanfare keys retire ID")
	return nil
}

type keysRetireCommand struct {
	keyConfig
	sealedConfig
	ID uint32 `arg:"" help:"Id of the key, as 'fanfare keys status' shows it."`
}

// Run retires a key if nothing is sealed with it any more.
func (c *keysRetireCommand) Run(ctx context.Context, s streams) error {
	pool, err := c.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer pool.Close()
	status, err := readKeyStatus(ctx, c.keyConfig, pool)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(status.Keys, func(k keyStatus) bool { return k.ID == c.ID && !k.Primary }); i >= 0 {
		if rows := status.Keys[i].Rows; len(rows) > 0 {
			return fmt.Errorf("key %d is still needed: with it are sealed %s. Promote another key, or begin again with 'fanfare keys reseal'", c.ID, spellRows(rows))
		}
		if r := status.Reseal; r != nil && underWay(r.State) {
			return fmt.Errorf("re-encryption with key %d is still under way (%s since %s); see 'fanfare keys status', and retire key %d when it has ended",
				r.KeyID, r.State, r.Since.Format(time.RFC3339), c.ID)
		}
	}
	if err := vault.Retire(ctx, c.vaultConfig(), c.ID); err != nil {
		return c.blame(err)
	}
	fmt.Fprintf(s.out, "Key %d is gone from %s. What is left of it are your own copies of the file, which backups of the database may need.\n", c.ID, c.Keyset)
	return nil
}

type keysStatusCommand struct {
	keyConfig
	WorkerDatabaseURL string `env:"WORKER_DATABASE_URL" help:"Database, as fanfare_worker: shows how much is sealed with each key."`
	JSON              bool   `name:"json" help:"Print JSON."`
}

// Run shows what there is.
func (c *keysStatusCommand) Run(ctx context.Context, s streams) error {
	var pool *pgxpool.Pool
	if c.WorkerDatabaseURL != "" {
		var err error
		if pool, err = (sealedConfig{c.WorkerDatabaseURL}).openDatabase(ctx); err != nil {
			return err
		}
		defer pool.Close()
	}
	status, err := readKeyStatus(ctx, c.keyConfig, pool)
	if err != nil {
		return err
	}
	if c.JSON {
		err = json.NewEncoder(s.out).Encode(status)
	} else {
		err = status.print(s.out)
	}
	if err != nil {
		return fmt.Errorf("print status: %w", err)
	}
	return nil
}

// keysStatus is what there is of keys, and of what is sealed with them.
type keysStatus struct {
	Keys []keyStatus `json:"keys"`
	// Lost are values whose key is not in the key set: nobody can open them. ID 0: they are no sealed values.
	Lost []lostKey `json:"lost,omitempty"`
	// Reseal is the last re-encryption that the queue remembers, for about a day.
	Reseal *resealStatus `json:"reseal,omitempty"`

	counted bool // the database was asked
}

type keyStatus struct {
	vault.KeyInfo
	Rows map[string]int64 `json:"rows,omitempty"` // by table
}

type lostKey struct {
	ID   int64            `json:"id"`
	Rows map[string]int64 `json:"rows"`
}

type resealStatus struct {
	KeyID int64     `json:"key_id"`
	State string    `json:"state"` // as the queue calls it
	Since time.Time `json:"since"`
}

// underWay tells whether a job in that state is still to end.
func underWay(state string) bool {
	return state != "completed" && state != "cancelled" && state != "discarded"
}

// readKeyStatus reads the key set, and the database if there is one.
func readKeyStatus(ctx context.Context, c keyConfig, pool *pgxpool.Pool) (*keysStatus, error) {
	infos, err := vault.KeyInfos(ctx, c.vaultConfig())
	if err != nil {
		return nil, c.blame(err)
	}
	status := &keysStatus{counted: pool != nil}
	for _, info := range infos {
		status.Keys = append(status.Keys, keyStatus{KeyInfo: info})
	}
	if pool == nil {
		return status, nil
	}
	q := queries.New(pool)
	counts, err := q.SealedCount(ctx)
	if err != nil {
		return nil, fmt.Errorf("count what is sealed: %w", err)
	}
	for _, count := range counts {
		status.add(count)
	}
	queued, err := q.ResealJobList(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for re-encryption: %w", err)
	}
	if len(queued) > 0 { // the newest that is under way, else the newest
		row := queued[max(0, slices.IndexFunc(queued, func(row queries.ResealJobListRow) bool { return underWay(row.State) }))]
		status.Reseal = &resealStatus{KeyID: row.KeyID, State: row.State, Since: row.CreatedAt}
	}
	return status, nil
}

func (s *keysStatus) add(count queries.SealedCountRow) {
	for i, key := range s.Keys {
		if int64(key.ID) == count.KeyID {
			if key.Rows == nil {
				s.Keys[i].Rows = map[string]int64{}
			}
			s.Keys[i].Rows[count.TableName] = count.SealedRows
			return
		}
	}
	i := slices.IndexFunc(s.Lost, func(l lostKey) bool { return l.ID == count.KeyID })
	if i < 0 {
		i = len(s.Lost)
		s.Lost = append(s.Lost, lostKey{ID: count.KeyID, Rows: map[string]int64{}})
	}
	s.Lost[i].Rows[count.TableName] = count.SealedRows
}

func (s *keysStatus) print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "KEY\tSTATUS\tSEALED WITH IT")
	sealed := func(rows map[string]int64) string {
		switch {
		case !s.counted:
			return "unknown without --worker-database-url (WORKER_DATABASE_URL)"
		case len(rows) == 0:
			return "nothing"
		}
		return spellRows(rows)
	}
	for _, key := range s.Keys {
		state := key.Status
		if key.Primary {
			state = "primary"
		}
		fmt.Fprintf(table, "%d\t%s\t%s\n", key.ID, state, sealed(key.Rows))
	}
	for _, lost := range s.Lost {
		name := strconv.FormatInt(lost.ID, 10)
		if lost.ID == 0 {
			name = "none"
		}
		fmt.Fprintf(table, "%s\tlost\t%s\n", name, sealed(lost.Rows))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(s.Lost) > 0 {
		fmt.Fprintln(out, "Lost: no key of the key set opens these. Put a copy of the key set back that has the key, or have the accounts reconnected.")
	}
	if r := s.Reseal; r != nil {
		fmt.Fprintf(out, "Re-encryption with key %d, asked for at %s: %s\n", r.KeyID, r.Since.Format(time.RFC3339), r.State)
	}
	return nil
}

// spellRows says how many rows of which tables.
func spellRows(rows map[string]int64) string {
	var parts []string
	for table, n := range rows {
		parts = append(parts, fmt.Sprintf("%s %d", table, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
