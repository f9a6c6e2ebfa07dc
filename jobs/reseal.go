package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// ResealQueue is the queue of re-encryption.
const ResealQueue = "reseal"

const (
	// resealTimeout bounds one run; what is left then is the next one's.
	resealTimeout = 15 * time.Minute
	// resealBatch is how many values are handed out, and put back in one transaction.
	resealBatch = 200
	// resealPause is how long to wait for somebody else: who is changing a row, or a key set that is not here yet.
	resealPause = 2 * time.Second
	// resealPatience is how long a job waits for its key to be the primary one. After that another one is.
	resealPatience = 10 * time.Minute
	// resealSettle is when after a promotion nobody stores any more what was sealed with the key before. A process looks
	// at the key set every vault.WatchInterval; the rest is for what is in the middle of a transaction.
	resealSettle = 4 * vault.WatchInterval
)

// ResealArgs name the key with which everything that is stored sealed is to be sealed. It concerns all customers, so
// the job is no customer's.
type ResealArgs struct {
	KeyID int64 `json:"key_id"`
}

// Kind is the job's name in the queue.
func (ResealArgs) Kind() string { return "reseal" }

// InsertOpts are the job's defaults. It is never given up.
func (ResealArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: ResealQueue, MaxAttempts: 10_000, UniqueOpts: oneAtATime}
}

// sealedContexts gives, for each table of tenancy.sealed_columns(), to what the value of a row may be bound.
var sealedContexts = map[string]func(row queries.SealedValueListRow) ([]vault.Context, error){
	"agent_token_keys": boundByID(0, func(id uuid.UUID, _ queries.SealedValueListRow) vault.Context { return vault.AgentTokenKey(id) }),
	"authorizations": boundByID(1, func(id uuid.UUID, row queries.SealedValueListRow) vault.Context {
		return vault.Authorization(row.CustomerID, id, row.Platform)
	}),
	"bots": boundByID(1, func(id uuid.UUID, row queries.SealedValueListRow) vault.Context {
		return vault.BotCredential(row.CustomerID, id, row.Platform)
	}),
	"connect_sessions": boundByID(1, func(id uuid.UUID, row queries.SealedValueListRow) vault.Context {
		return vault.ConnectSession(row.CustomerID, id, row.Platform)
	}),
	"integrations": boundByID(1, func(id uuid.UUID, row queries.SealedValueListRow) vault.Context {
		return vault.Credential(row.CustomerID, id, row.Platform)
	}),
	"invitations": boundByID(1, func(id uuid.UUID, row queries.SealedValueListRow) vault.Context {
		return vault.InvitationToken(row.CustomerID, id)
	}),
	"old_credentials": boundByID(0, func(id uuid.UUID, row queries.SealedValueListRow) vault.Context {
		return vault.OldCredential(id, row.Platform)
	}),
	"credentials": boundByID(1, func(id uuid.UUID, row queries.SealedValueListRow) vault.Context {
		return vault.SpaceCredential(row.CustomerID, id)
	}),
	"mcp_servers": boundByID(1, func(id uuid.UUID, row queries.SealedValueListRow) vault.Context {
		return vault.MCPRegistration(row.CustomerID, id)
	}),
	"webhook_secrets": boundByID(1, func(id uuid.UUID, row queries.SealedValueListRow) vault.Context {
		return vault.WebhookSecret(row.CustomerID, id)
	}),
	// What made or entered a customer was asked outside of it, and concerns it all the same.
	"idempotency_keys": func(row queries.SealedValueListRow) ([]vault.Context, error) {
		operation, key := row.RowKey[1], row.RowKey[2]
		return []vault.Context{vault.Answer(row.CustomerID, operation, key), vault.Answer(vault.Installation, operation, key)}, nil
	},
}

// boundByID is for rows with an id of their own, at a place in their key.
func boundByID(place int, bound func(id uuid.UUID, row queries.SealedValueListRow) vault.Context) func(queries.SealedValueListRow) ([]vault.Context, error) {
	return func(row queries.SealedValueListRow) ([]vault.Context, error) {
		id, err := uuid.Parse(row.RowKey[place])
		if err != nil {
			return nil, fmt.Errorf("read id: %w", err)
		}
		return []vault.Context{bound(id, row)}, nil
	}
}

// resealWorker seals everything anew with the primary key.
//
// It goes through the tables until it finds nothing more that is under another key. A value is put back only into the
// row that still holds what was handed out, and what is done is not found again, so a job that was broken off goes on
// where it stood, and two at once would only waste time.
type resealWorker struct {
	river.WorkerDefaults[ResealArgs]
	pool  *pgxpool.Pool
	vault *vault.Vault
	lease *lease
	log   *slog.Logger
	// batch and settle are resealBatch and resealSettle; less in tests.
	batch  int32
	settle time.Duration
}

// Timeout bounds the whole job.
func (*resealWorker) Timeout(*river.Job[ResealArgs]) time.Duration { return resealTimeout }

// Work does what is left to do.
func (w *resealWorker) Work(ctx context.Context, job *river.Job[ResealArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	log := w.log.With("key_id", job.Args.KeyID, "job_id", job.ID)
	if !w.sealsWith(job.Args.KeyID) {
		if err := w.vault.Reload(ctx); err != nil {
			log.WarnContext(ctx, "re-encryption waits, as the key set cannot be read", "error", err)
			return river.JobSnooze(resealPause)
		}
	}
	if !w.sealsWith(job.Args.KeyID) {
		if time.Since(job.CreatedAt) > resealPatience {
			return river.JobCancel(errors.New("another key is the primary one"))
		}
		log.InfoContext(ctx, "re-encryption waits until its key is the primary one here", "primary_key_id", w.vault.PrimaryKeyID())
		return river.JobSnooze(resealPause)
	}
	run := &reseal{resealWorker: w, log: log, key: job.Args.KeyID, lost: map[string]bool{},
		request: tenant.Request{Job: job.ID, Operation: ResealArgs{}.Kind()}.JSON()}
	err := run.all(ctx, job.CreatedAt.Add(w.settle))
	switch {
	case errors.Is(err, errNotPrimary):
		return river.JobSnooze(resealPause)
	case err != nil && ctx.Err() != nil:
		log.InfoContext(ctx, "re-encryption is broken off, and goes on", "done", run.done)
		return river.JobSnooze(time.Second) // by us, or its time is over; nothing is wrong with it
	case err != nil:
		return err
	case len(run.lost) > 0:
		log.ErrorContext(ctx, "re-encryption is finished, but for values that cannot be opened", "done", run.done, "lost", len(run.lost))
	default:
		log.InfoContext(ctx, "re-encryption is finished", "done", run.done)
	}
	return nil
}

func (w *resealWorker) sealsWith(key int64) bool { return int64(w.vault.PrimaryKeyID()) == key }

// errNotPrimary says that another key was made the primary one meanwhile.
var errNotPrimary = errors.New("another key is the primary one by now")

// reseal is one run.
type reseal struct {
	*resealWorker
	log     *slog.Logger
	key     int64
	request string
	done    int             // values sealed anew
	lost    map[string]bool // rows whose value cannot be opened
}

// all goes through everything until there is nothing to do, at the time settled or later: until then some process may
// still seal with the key before.
func (r *reseal) all(ctx context.Context, settled time.Time) error {
	for {
		late := !time.Now().Before(settled)
		done, left := r.done, 0
		for _, table := range slices.Sorted(maps.Keys(sealedContexts)) {
			n, err := r.table(ctx, table)
			if err != nil {
				return fmt.Errorf("re-encrypt %s: %w", table, err)
			}
			left += n
		}
		if left == 0 && done == r.done && late {
			return nil
		}
		wait := max(0, time.Until(settled))
		if left > 0 {
			wait = resealPause
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// table goes through a table once, and gives how many rows were being changed by somebody else.
func (r *reseal) table(ctx context.Context, table string) (left int, err error) {
	var readable []int64
	for _, id := range r.vault.KeyIDs() {
		readable = append(readable, int64(id))
	}
	q := queries.New(r.pool)
	var after []string
	for {
		rows, err := q.SealedValueList(ctx, queries.SealedValueListParams{
			TableName: table, KeyID: r.key, Readable: readable, After: after, MaxRows: r.batch, Request: r.request,
		})
		if err != nil {
			return 0, fmt.Errorf("list values: %w", err)
		}
		if len(rows) == 0 {
			return left, nil
		}
		after = rows[len(rows)-1].RowKey
		changes, err := r.sealAnew(ctx, table, rows)
		if err != nil {
			return 0, err
		}
		replaced, err := r.replace(ctx, changes)
		if err != nil {
			return 0, err
		}
		r.done += replaced
		left += len(changes) - replaced
		if replaced > 0 {
			r.log.InfoContext(ctx, "values are sealed anew", "table", table, "done", r.done)
		}
	}
}

// sealAnew opens values and seals them with the primary key. What cannot be opened is noted and left as it is.
func (r *reseal) sealAnew(ctx context.Context, table string, rows []queries.SealedValueListRow) ([]queries.SealedValueReplaceParams, error) {
	var changes []queries.SealedValueReplaceParams
	for _, row := range rows {
		contexts, err := sealedContexts[table](row)
		if err != nil {
			return nil, err
		}
		plain, bound, err := r.open(row.Sealed, contexts)
		if err != nil {
			r.note(ctx, table, row)
			continue
		}
		sealed, key, err := r.vault.SealWithID(plain, bound)
		clear(plain)
		if err != nil {
			return nil, fmt.Errorf("seal: %w", err)
		}
		if key != r.key {
			return nil, errNotPrimary
		}
		changes = append(changes, queries.SealedValueReplaceParams{
			TableName: table, RowKey: row.RowKey, OldValue: row.Sealed, NewValue: sealed, Request: r.request,
		})
	}
	return changes, nil
}

// open opens a value that is bound to one of the contexts.
func (r *reseal) open(sealed []byte, contexts []vault.Context) (plain []byte, bound vault.Context, err error) {
	for _, bound = range contexts {
		if plain, err = r.vault.Unseal(sealed, bound); err == nil {
			return plain, bound, nil
		}
	}
	return nil, vault.Context{}, err
}

// note logs, once in a run, that a value cannot be opened.
func (r *reseal) note(ctx context.Context, table string, row queries.SealedValueListRow) {
	id := fmt.Sprint(table, row.RowKey)
	if r.lost[id] {
		return
	}
	r.lost[id] = true
	why := "it does not open"
	if len(row.Sealed) == 0 {
		why = "its key is in no key set of this worker"
	}
	// An answer's third part is a caller's own text.
	r.log.WarnContext(ctx, "a sealed value cannot be opened and stays as it is", "why", why, "table", table,
		"row", row.RowKey[:min(2, len(row.RowKey))], "sealed_with", row.KeyID)
}

// replace puts values back, in one transaction, and gives how many: a row that has changed since, or is being changed,
// is left alone.
func (r *reseal) replace(ctx context.Context, changes []queries.SealedValueReplaceParams) (replaced int, err error) {
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		replaced = 0
		q := queries.New(tx)
		for _, change := range changes {
			ok, err := q.SealedValueReplace(ctx, change)
			if err != nil {
				return err
			}
			if ok {
				replaced++
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("put values back: %w", err)
	}
	return replaced, nil
}
