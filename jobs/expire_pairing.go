package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/chat"
	"fanfare/queries"
)

// PairingsQueue is the queue of what ends by itself of pairings.
const PairingsQueue = "pairings"

const (
	// pairingsConcurrency is how many of these jobs a worker does at once: each is a few statements.
	pairingsConcurrency = 5
	// expireTimeout bounds one job.
	expireTimeout = 30 * time.Second
)

// ExpirePairingArgs name a pairing whose time is over, or that somebody has denied.
type ExpirePairingArgs struct {
	CustomerID uuid.UUID `json:"customer_id"`
	PairingID  uuid.UUID `json:"pairing_id"`
}

// Kind is the job's name in the queue.
func (ExpirePairingArgs) Kind() string { return "expire_pairing" }

// InsertOpts are the job's defaults.
func (ExpirePairingArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: PairingsQueue, MaxAttempts: 100}
}

// expirePairingWorker ends pairings whose time is over, and takes back what was asked of whoever else has the chat. The chat
// itself is told by the database, in the transaction that ends the pairing.
type expirePairingWorker struct {
	river.WorkerDefaults[ExpirePairingArgs]
	db    *tenant.DB
	q     *queries.Queries
	lease *lease
}

// Timeout bounds the job.
func (*expirePairingWorker) Timeout(*river.Job[ExpirePairingArgs]) time.Duration {
	return expireTimeout
}

// Work ends the pairing, or comes back when its time has been prolonged.
func (w *expirePairingWorker) Work(ctx context.Context, job *river.Job[ExpirePairingArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	var pairing queries.PairingLockRow
	var wait time.Duration
	request := tenant.Request{Job: job.ID, Operation: job.Kind}
	err := w.db.TxRetry(ctx, tenant.Worker(job.Args.CustomerID, request), func(ctx context.Context, tx *tenant.Tx) (err error) {
		q := queries.New(tx)
		if pairing, err = q.PairingLock(ctx, job.Args.PairingID); err != nil {
			return err
		}
		wait = 0
		if pairing.State != "open" && pairing.State != "claimed" {
			return nil
		}
		if !pairing.Over {
			wait = pairing.ExpiresAt.Sub(pairing.DatabaseNow)
			return nil
		}
		return q.PairingExpire(ctx, job.Args.PairingID)
	})
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("the pairing is gone"))
	case err != nil:
		return fmt.Errorf("end pairing: %w", err)
	case wait > 0:
		return river.JobSnooze(wait + time.Millisecond) // what is over is over after its instant
	case pairing.HeldElsewhere:
		to := chat.Chat{Platform: chat.Platform(pairing.Platform), Bot: pairing.Bot, Team: pairing.Team, Kind: chat.Kind(pairing.Kind), ID: pairing.ExternalID}
		return wantChat(ctx, w.db, w.q, to, job.Args.CustomerID, request, false)
	}
	return nil
}
