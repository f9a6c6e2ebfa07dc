package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// PublishQueue is the queue that publishing has to itself, so that nothing slow stands before a post that is due.
const PublishQueue = "publish"

// Names of sealed fields, as the vault binds them: an integration's credential, an authorization's tokens, and what a
// connect session keeps.
const (
	CredentialField     = vault.CredentialField
	AuthorizationField  = vault.AuthorizationField
	ConnectSessionField = vault.ConnectSessionField
)

const (
	// callTimeout bounds one conversation with a platform.
	callTimeout = 60 * time.Second
	// recordTimeout bounds writing down an outcome, which goes on when the job itself is cancelled.
	recordTimeout = 15 * time.Second
	// customerLimit is about how many of one customer's posts are published at once, over all workers: claims
	// that are made at the same moment do not see each other.
	customerLimit = 25
	// transientLimit is how often a post may fail for a passing reason before a person is asked.
	transientLimit = 10
	// unresolvedLimit is how long the platform is asked about an unknown outcome, or waited for while it
	// limits the rate, before a person is asked.
	unresolvedLimit = 24 * time.Hour
)

// PublishArgs name a platform post that is to be published.
type PublishArgs struct {
	CustomerID     uuid.UUID `json:"customer_id"`
	PostID         uuid.UUID `json:"post_id"`
	PlatformPostID uuid.UUID `json:"platform_post_id"`
}

// Kind is the job's name in the queue.
func (PublishArgs) Kind() string { return "publish" }

// InsertOpts are the job's defaults. Its attempts at a platform are counted in publish_attempts; River's
// count only covers trouble of our own, such as a database that is away.
func (PublishArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: PublishQueue, MaxAttempts: 100}
}

// publishWorker publishes platform posts, each at most once.
//
// The attempt's row is committed before the platform is called and finished after it, and no transaction is
// open in between. Whoever finds an attempt without an end asks the platform what became of it before
// anything is sent again. Every write names the attempt it belongs to, so that a worker which was taken for
// dead cannot overwrite what its successor did.
type publishWorker struct {
	river.WorkerDefaults[PublishArgs]
	db         *tenant.DB
	vault      *vault.Vault
	publishers map[platform.Name]platform.Publisher
	lease      *lease
	log        *slog.Logger
}

// Timeout bounds the whole job: a conversation to reconcile, one to publish, and the writing down.
func (w *publishWorker) Timeout(*river.Job[PublishArgs]) time.Duration {
	return 2*callTimeout + 2*recordTimeout
}

// claim is a platform post that this job may now work on.
type claim struct {
	queries.PlatformPostLockRow
	attempt int32
	// credential is sealed, nil where the account is not connected.
	credential []byte
	// first is when the first attempt began, failures how many ended for a passing reason, unknowns how many
	// without a known outcome, rateLimits how often the platform asked to wait.
	first                          time.Time
	failures, unknowns, rateLimits int
	// unresolved: an earlier attempt has no known outcome.
	unresolved bool
}

// Work publishes the job's platform post, or finds that there is nothing to do.
func (w *publishWorker) Work(ctx context.Context, job *river.Job[PublishArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	c, wait, err := w.claim(ctx, job)
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("the platform post is gone"))
	case err != nil && errors.Is(context.Cause(ctx), errLeaseLost):
		// Nothing has begun, and nothing is wrong with the job.
		return river.JobSnooze(time.Second)
	case err != nil:
		return fmt.Errorf("claim platform post: %w", err)
	case wait > 0:
		return river.JobSnooze(wait)
	case c == nil:
		return nil
	}
	log := w.log.With("customer_id", job.Args.CustomerID, "platform_post_id", c.ID, "platform", c.Platform,
		"attempt", c.attempt, "job_id", job.ID)

	published, problem := w.publish(ctx, job, c)
	if problem != nil && problem.Class == platform.Transient && errors.Is(ctx.Err(), context.Canceled) {
		// It was broken off by us, not by the platform, so there is no reason to leave the platform in peace.
		problem.RetryAt = time.Now().Add(time.Second)
	}
	wait, err = w.record(ctx, job, c, published, problem)
	if err != nil {
		return fmt.Errorf("record outcome: %w", err)
	}
	if problem != nil {
		log.WarnContext(ctx, "publishing failed", "class", problem.Class, "status", problem.Status, "code", problem.Code,
			"again_in", wait, "error", problem)
	} else {
		log.InfoContext(ctx, "published", "url", published.URL)
	}
	if wait > 0 {
		return river.JobSnooze(wait)
	}
	return nil
}

func (w *publishWorker) scope(job *river.Job[PublishArgs]) tenant.Scope {
	return tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID, Operation: job.Kind})
}

// claim begins an attempt. It gives nil when there is nothing to do, and a time to wait when it is too early.
func (w *publishWorker) claim(ctx context.Context, job *river.Job[PublishArgs]) (c *claim, wait time.Duration, err error) {
	err = w.db.TxRetry(ctx, w.scope(job), func(ctx context.Context, tx *tenant.Tx) error {
		c, wait = nil, 0
		q := queries.New(tx)
		if _, err := q.PostLock(ctx, job.Args.PostID); err != nil {
			return err
		}
		row, err := q.PlatformPostLock(ctx, job.Args.PlatformPostID)
		if err != nil {
			return err
		}
		due := row.DatabaseNow
		if row.ScheduledAt != nil && row.State == "scheduled" {
			due = *row.ScheduledAt
		}
		if row.RetryAt != nil && row.RetryAt.After(due) {
			due = *row.RetryAt
		}
		found := claim{PlatformPostLockRow: row, attempt: row.Attempt + 1}
		switch {
		case row.State != "scheduled" && row.State != "publishing":
			return nil // published, cancelled or changed back to a draft meanwhile
		case row.State == "scheduled" && row.ArchivedAt != nil:
			// It was put on its way at the moment of archiving. Were it left, it would go out when the customer is restored.
			_, err := q.PlatformPostCancel(ctx, row.ID)
			return err
		case due.After(row.DatabaseNow):
			// Rescheduled, or to be tried again later. Rounded up: waking early would only wait again.
			wait = due.Sub(row.DatabaseNow).Truncate(time.Millisecond) + time.Millisecond
			return nil
		case row.State == "publishing":
			busy, err := w.takeOver(ctx, q, job, row)
			if err != nil {
				return err
			}
			if busy {
				wait = 5 * time.Second
				return nil
			}
			found.unresolved = true
		default:
			// One customer's slow sites may not hold every worker's slots.
			publishing, err := q.PlatformPostCountPublishing(ctx)
			if err != nil {
				return err
			}
			if publishing >= customerLimit {
				wait = crowded(job.Metadata)
				return nil
			}
		}
		found.credential, err = q.PlatformPostStartAttempt(ctx, queries.PlatformPostStartAttemptParams{ID: row.ID, AttemptsSoFar: row.Attempt})
		if errors.Is(err, pgx.ErrNoRows) {
			return errors.New("the platform post changed under its lock")
		}
		if err != nil {
			return err
		}
		if err := q.PublishAttemptCreate(ctx, queries.PublishAttemptCreateParams{
			PlatformPostID: row.ID, Number: found.attempt, JobID: job.ID,
		}); err != nil {
			return err
		}
		summary, err := q.PublishAttemptSummary(ctx, row.ID)
		if err != nil {
			return err
		}
		found.first = summary.FirstStartedAt
		found.failures, found.unknowns, found.rateLimits = int(summary.TransientFailures), int(summary.UnknownOutcomes), int(summary.RateLimits)
		c = &found
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	return c, wait, nil
}

// crowded is how long a job waits whose customer has too many posts at platforms already: short at first, since
// most are done in a moment, and longer the more often it has waited.
func crowded(metadata []byte) time.Duration {
	var waited struct {
		Snoozes int `json:"snoozes"`
	}
	if err := json.Unmarshal(metadata, &waited); err != nil {
		waited.Snoozes = 0 // River writes it; without it the wait is a short one
	}
	wait := backoff(1+waited.Snoozes/3, pollInterval, 15*time.Second)
	return wait/2 + rand.N(wait) //nolint:gosec // so that they do not all come back at once
}

// takeOver ends the newest attempt on paper if whoever made it is gone. busy says that they are not.
func (w *publishWorker) takeOver(ctx context.Context, q *queries.Queries, job *river.Job[PublishArgs], row queries.PlatformPostLockRow) (busy bool, err error) {
	last, err := q.PublishAttemptGet(ctx, queries.PublishAttemptGetParams{PlatformPostID: row.ID, Number: row.Attempt})
	if err != nil {
		return false, err
	}
	if last.FinishedAt != nil {
		return false, nil // it ended without knowing the outcome
	}
	if last.JobID != job.ID {
		if busy, err = q.JobIsRunning(ctx, last.JobID); err != nil || busy {
			return busy, err
		}
	}
	_, err = q.PublishAttemptFinish(ctx, queries.PublishAttemptFinishParams{
		PlatformPostID: row.ID, Number: row.Attempt, Outcome: ptr("abandoned"),
	})
	return false, err
}

// publish talks to the platform. No transaction is open meanwhile.
func (w *publishWorker) publish(ctx context.Context, job *river.Job[PublishArgs], c *claim) (*platform.Published, *platform.Error) {
	publisher, known := w.publishers[platform.Name(c.Platform)]
	if !known {
		return nil, &platform.Error{Class: platform.Invalid, Message: "Publishing to " + c.Platform + " is not set up on this server."}
	}
	if c.IntegrationState != "active" || c.credential == nil {
		if c.unresolved {
			return nil, &platform.Error{Class: platform.UnknownOutcome,
				Message: "The account was disconnected before it could be seen whether the post is there."}
		}
		return nil, &platform.Error{Class: platform.Credential, Message: "The account is not connected. Reconnect it, then publish again."}
	}
	credential, err := w.vault.Unseal(c.credential, vault.Credential(job.Args.CustomerID, c.IntegrationID, c.Platform))
	if err != nil {
		return nil, &platform.Error{Class: platform.Transient, Err: err,
			Message: "The account's credential could not be read on this server. Nothing was published."}
	}
	post := platform.Post{ID: c.ID, Title: c.Title, Text: c.Text}
	attempt := platform.Attempt{FirstStarted: c.first, Checkpoint: c.Checkpoint, Keep: func(ctx context.Context, checkpoint json.RawMessage) error {
		if err := w.keep(ctx, job, c, checkpoint); err != nil {
			return err
		}
		c.Checkpoint = checkpoint
		return nil
	}}
	if c.unresolved {
		published, problem := reconcile(ctx, publisher, credential, post, attempt)
		if published != nil || problem != nil {
			return published, problem
		}
		c.unresolved = false // it is certainly not there
	}

	callCtx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	published, err := publisher.Publish(callCtx, credential, post, attempt)
	if err == nil {
		return &published, nil
	}
	problem := platform.AsError(err)
	if problem.Class != platform.UnknownOutcome {
		return nil, problem
	}
	// The answer was lost. Ask at once, with a context that outlives a shutdown.
	c.unresolved = true
	askCtx, cancelAsk := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancelAsk()
	attempt.Checkpoint = c.Checkpoint
	found, asked := reconcile(askCtx, publisher, credential, post, attempt)
	switch {
	case found != nil:
		return found, nil
	case asked != nil:
		return nil, asked
	default:
		c.unresolved = false
		return nil, &platform.Error{Class: platform.Transient, Err: problem, Message: problem.Message + " The post is not there; it will be sent again."}
	}
}

// reconcile asks the platform what became of an earlier attempt. nil and nil: the post is certainly not there.
func reconcile(ctx context.Context, publisher platform.Publisher, credential []byte, post platform.Post, attempt platform.Attempt) (*platform.Published, *platform.Error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	published, err := publisher.Reconcile(ctx, credential, post, attempt)
	if err != nil {
		return nil, platform.AsError(err)
	}
	return published, nil
}

// errSuperseded: another attempt has begun, so this one must not go on.
var errSuperseded = errors.New("another attempt has taken over")

// keep stores a checkpoint as long as this attempt is the newest one.
func (w *publishWorker) keep(ctx context.Context, job *river.Job[PublishArgs], c *claim, checkpoint json.RawMessage) error {
	return w.db.TxRetry(ctx, w.scope(job), func(ctx context.Context, tx *tenant.Tx) error {
		kept, err := queries.New(tx).PlatformPostKeep(ctx, queries.PlatformPostKeepParams{ID: c.ID, Attempt: c.attempt, Checkpoint: checkpoint})
		if err == nil && kept != 1 {
			err = errSuperseded
		}
		return err
	})
}

func ptr[T any](v T) *T { return &v }
