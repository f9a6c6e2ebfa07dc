package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/bucket"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// PublishQueue is the queue that publishing has to itself, so that nothing slow stands before a post that is due.
const PublishQueue = "publish"

const (
	// callTimeout bounds one conversation with a platform in which no file is sent, partTimeout what each further part of a
	// thread adds, publishTimeout any conversation.
	callTimeout, partTimeout, publishTimeout = 60 * time.Second, 15 * time.Second, 45 * time.Minute
	// recordTimeout bounds writing down an outcome, which goes on when the job itself is cancelled.
	recordTimeout = 15 * time.Second
	// customerLimit is about how many of one customer's posts are published at once, over all workers: claims
	// that are made at the same moment do not see each other.
	customerLimit = 25
	// accountLimit is the same for one account: Mailchimp takes 10 connections at a time.
	accountLimit = 8
	// transientLimit is how often a post may fail for a passing reason before a person is asked.
	transientLimit = 10
	// unresolvedLimit is how long without a break the platform is asked about an unknown outcome, or waited for while it
	// limits the rate or is at work, before a person is asked.
	unresolvedLimit = 24 * time.Hour
	// A post whose account's access cannot be renewed at the moment waits accessPause, accessPauseLimit at most, and is
	// given up accessGiveUp after it was due.
	accessPause, accessPauseLimit, accessGiveUp = 2 * time.Second, time.Minute, 24 * time.Hour
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
	renewer    *renewer
	notices    *notices
	// bucket has the files that posts show; nil: posts with files fail.
	bucket *bucket.Bucket
	lease  *lease
	// shares are the customers' shares of this process's slots.
	shares *shares
	// stopping is closed when the process is to end.
	stopping <-chan struct{}
	log      *slog.Logger
}

// Timeout bounds the whole job: a conversation to reconcile, one to publish, both once more with access that was
// renewed for it, the renewals, and the writing down.
func (w *publishWorker) Timeout(*river.Job[PublishArgs]) time.Duration {
	return 2*callTimeout + 2*publishTimeout + 2*renewPatience + 2*recordTimeout
}

// conversationTimeout bounds one conversation in which a post's files and parts are sent.
func conversationTimeout(post platform.Post) time.Duration {
	timeout := callTimeout + time.Duration(len(post.Options.Thread))*partTimeout
	for _, m := range post.Media {
		timeout += platform.UploadTime(m.Bytes)
	}
	return min(timeout, publishTimeout)
}

// claim is a platform post that this job may now work on.
type claim struct {
	queries.PlatformPostLockRow
	attempt    int32
	credential foundCredential
	// first is when the first attempt began, failures how many ended for a passing reason, unknowns how many
	// without a known outcome, rateLimits how often the platform asked to wait.
	first                          time.Time
	failures, unknowns, rateLimits int
	// last is how the attempts have ended since lastSince.
	last      string
	lastSince time.Time
	// unresolved: an earlier attempt has no known outcome.
	unresolved bool
	// unanswered: an answer of this attempt was lost. The platform says that there is more to do, but readers may have a part of
	// the post already, so it stays as it is. resumed: the same of an earlier attempt.
	unanswered, resumed bool
	// reserved: one of the account's requests was taken for this attempt.
	reserved bool
	// quotas are what the platform has said of the requests that it still takes.
	quotas []platform.Quota
	// stale is why the account's access could not be renewed for a day; nothing is sent then.
	stale *platform.Error
}

// staleError: the access of the post's account ends soon or has ended. Nothing was begun.
type staleError struct {
	authorizationID uuid.UUID
	platform        string
	due             time.Time
}

func (*staleError) Error() string { return "the account's access is to be renewed first" }

// Work publishes the job's platform post, or finds that there is nothing to do.
func (w *publishWorker) Work(ctx context.Context, job *river.Job[PublishArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	c, wait, err := w.claim(ctx, job, false)
	var stale *staleError
	if errors.As(err, &stale) {
		c, wait, err = w.claimFresh(ctx, job, stale)
	}
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
	defer func() { w.shares.done(job.Args.CustomerID, job.ID, time.Now()) }()
	log := w.log.With("customer_id", job.Args.CustomerID, "platform_post_id", c.ID, "platform", c.Platform,
		"attempt", c.attempt, "job_id", job.ID)

	published, problem := w.publish(ctx, job, c)
	if problem != nil && problem.Class == platform.Credential && c.credential.sealed != nil && c.AuthorizationID != nil {
		part := problem.Partial
		published, problem = w.publishRenewed(ctx, job, c, problem)
		if problem != nil && problem.Partial == nil {
			problem.Partial = part // which readers see whatever came of the renewal
		}
	}
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

// claimFresh is claim for an account whose access is renewed first. While that is not possible the post waits and
// says so, and no attempt is counted.
func (w *publishWorker) claimFresh(ctx context.Context, job *river.Job[PublishArgs], stale *staleError) (c *claim, wait time.Duration, err error) {
	err = w.renewer.Fresh(ctx, w.grant(job, stale.authorizationID))
	var problem *platform.Error
	switch {
	case errors.Is(err, errNotSetUp):
		problem = &platform.Error{Class: platform.Transient, Code: codeNotSetUp, Message: "Connecting to the platform is not set up on this server.", Err: err}
	case err != nil && !errors.As(err, &problem):
		return nil, 0, fmt.Errorf("renew access: %w", err)
	}
	if problem == nil || problem.Class == platform.Credential {
		return w.claim(ctx, job, true) // with good access, or to find that the account is to be connected again
	}
	if time.Since(stale.due) > accessGiveUp {
		if c, wait, err = w.claim(ctx, job, true); c != nil {
			c.stale = &platform.Error{Class: platform.Transient, Err: problem,
				Message: "The platform has not renewed the account's access for a day, so nothing was sent. Publish again later."}
		}
		return c, wait, err
	}
	wait = putOff(job.Metadata, problem.RetryAt, accessPause, accessPauseLimit)
	w.log.WarnContext(ctx, "a post waits until its account's access is renewed", "customer_id", job.Args.CustomerID,
		"platform_post_id", job.Args.PlatformPostID, "again_in", wait, "job_id", job.ID, "error", problem)
	err = w.db.TxRetry(ctx, w.scope(job), func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		if _, err := q.PostLock(ctx, job.Args.PostID); err != nil {
			return err
		}
		why := waitsFor(stale.platform, problem)
		_, err := q.PlatformPostWait(ctx, queries.PlatformPostWaitParams{
			ID: job.Args.PlatformPostID, Wait: wait, Problem: &why, ProblemClass: ptr(string(platform.Transient)),
		})
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("note that a post waits: %w", err)
	}
	return nil, wait, nil
}

// codeNotSetUp: there is no application at the platform here with which access could be renewed.
const codeNotSetUp = "not_set_up"

// waitsFor says why a post waits for its account's access. It says the same as long as that is so: with each other word
// the post would become another version.
func waitsFor(platformName string, problem *platform.Error) string {
	name := cmp.Or(platform.Name(platformName).Title(), platformName)
	switch problem.Code {
	case codeNotSetUp:
		return "The account's access is to be renewed, and " + name + " is not set up on this installation's worker. The post goes out as soon as it can."
	case platform.CodeInvalidClient:
		return "The account's access is to be renewed, and " + name + " does not accept this installation's application: " +
			"whoever runs the installation must look at its settings. The post goes out as soon as it can."
	default:
		return "The account's access is being renewed; " + name + " cannot be reached at the moment. The post goes out as soon as it can."
	}
}

func (w *publishWorker) grant(job *river.Job[PublishArgs], authorizationID uuid.UUID) grant {
	return grant{job.Args.CustomerID, authorizationID, tenant.Request{Job: job.ID, Operation: job.Kind}}
}

// claim begins an attempt. It gives nil when there is nothing to do, and a time to wait when it is too early. Unless it
// was seen to already (fresh), *staleError says that the account's access must be renewed before.
func (w *publishWorker) claim(ctx context.Context, job *river.Job[PublishArgs], fresh bool) (c *claim, wait time.Duration, err error) {
	taken := false
	defer func() {
		if taken && c == nil {
			w.shares.giveBack(job.Args.CustomerID, job.ID)
		}
	}()
	err = w.db.TxRetry(ctx, w.scope(job), func(ctx context.Context, tx *tenant.Tx) error {
		c, wait = nil, 0
		q := queries.New(tx)
		if _, err := q.PostLock(ctx, job.Args.PostID); err != nil {
			return err
		}
		row, err := q.PlatformPostLock(ctx, queries.PlatformPostLockParams{ID: job.Args.PlatformPostID, Margin: renewMargin})
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
		case row.Ending && !fresh:
			return &staleError{authorizationID: *row.AuthorizationID, platform: row.Platform, due: cmp.Or(orZero(row.ScheduledAt), row.DatabaseNow)}
		case row.State == "publishing":
			busy, err := w.takeOver(ctx, q, job, row)
			if err != nil {
				return err
			}
			if busy {
				wait = 5 * time.Second
				return nil
			}
			found.unresolved, found.resumed = true, true
		default:
			// One customer's slow sites may not hold every worker's slots.
			publishing, err := q.PlatformPostCountPublishing(ctx, row.IntegrationID)
			if err != nil {
				return err
			}
			if publishing.OfCustomer >= customerLimit || publishing.OfAccount >= accountLimit {
				wait = crowded(job.Metadata)
				return nil
			}
		}
		if !taken {
			if taken = w.shares.take(job.Args.CustomerID, job.ID, string(row.Files) != "[]", time.Now()); !taken {
				wait = crowded(job.Metadata)
				return nil
			}
		}
		if row.Limited && row.State == "scheduled" {
			if wait, err = w.reserve(ctx, q, row); wait > 0 || err != nil {
				return err
			}
			found.reserved = true
		}
		started, err := q.PlatformPostStartAttempt(ctx, queries.PlatformPostStartAttemptParams{ID: row.ID, AttemptsSoFar: row.Attempt})
		if errors.Is(err, pgx.ErrNoRows) {
			return errors.New("the platform post changed under its lock")
		}
		if err != nil {
			return err
		}
		found.credential = foundCredential{
			customerID: job.Args.CustomerID, integrationID: row.IntegrationID, platform: row.Platform,
			sealed: started.Credential, oldID: started.OldCredentialID, deadline: started.Deadline,
		}
		if err := q.PublishAttemptCreate(ctx, queries.PublishAttemptCreateParams{
			PlatformPostID: row.ID, Number: found.attempt, JobID: job.ID,
		}); err != nil {
			return err
		}
		summary, err := q.PublishAttemptSummary(ctx, queries.PublishAttemptSummaryParams{PlatformPostID: row.ID, FirstAttempt: row.FirstAttempt})
		if err != nil {
			return err
		}
		found.first = summary.FirstStartedAt
		found.failures, found.unknowns, found.rateLimits = int(summary.TransientFailures), int(summary.UnknownOutcomes), int(summary.RateLimits)
		found.last, found.lastSince = summary.LastOutcome, summary.LastOutcomeSince
		c = &found
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	return c, wait, nil
}

// reserve takes one of the requests that the account still has. Where it has none, or the platform takes none from the whole
// application, the post waits and says so: the job gives its slot back meanwhile.
func (w *publishWorker) reserve(ctx context.Context, q *queries.Queries, row queries.PlatformPostLockRow) (wait time.Duration, err error) {
	limit, err := q.AccountLimitReserve(ctx, queries.AccountLimitReserveParams{IntegrationID: row.IntegrationID, Platform: row.Platform})
	if err != nil || !limit.WaitUntil.After(limit.DatabaseNow) {
		return 0, err
	}
	wait = limit.WaitUntil.Sub(limit.DatabaseNow).Truncate(time.Millisecond) + time.Millisecond
	problem := platform.Name(row.Platform).Title() + " takes no more posts of this account for now. The post goes out as soon as it does."
	_, err = q.PlatformPostWait(ctx, queries.PlatformPostWaitParams{
		ID: row.ID, Wait: wait, Problem: &problem, ProblemClass: ptr(string(platform.RateLimited)),
	})
	return wait, err
}

// crowded is how long a job waits whose customer has too many posts at platforms already: short at first, since
// most are done in a moment, and longer the more often it has waited.
func crowded(metadata []byte) time.Duration {
	wait := backoff(1+snoozes(metadata)/3, pollInterval, 15*time.Second)
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
	if c.stale != nil {
		return nil, c.stale
	}
	publisher, known := w.publishers[platform.Name(c.Platform)]
	if !known {
		return nil, &platform.Error{Class: platform.Invalid, Message: "This version of Fanfare cannot publish on " + platform.Name(c.Platform).Title() + " yet. Nothing was published."}
	}
	if c.IntegrationState != "active" || c.credential.sealed == nil {
		if c.unresolved {
			return nil, &platform.Error{Class: platform.UnknownOutcome,
				Message: "The account was disconnected before it could be seen whether the post is there."}
		}
		return nil, &platform.Error{Class: platform.Credential, Message: "The account is not connected. Reconnect it, then publish again."}
	}
	credential, version, err := credentialOpener{db: w.db, vault: w.vault, log: w.log}.open(ctx, w.scope(job), c.credential)
	if version != nil {
		c.IntegrationVersion = *version
	}
	if err != nil {
		return nil, &platform.Error{Class: platform.Transient, Err: err,
			Message: "The account's credential could not be read on this server. Nothing was published."}
	}
	post, err := w.content(c)
	if invalid := (*platform.Error)(nil); errors.As(err, &invalid) {
		return nil, c.unsendable(invalid)
	}
	if err != nil {
		return nil, &platform.Error{Class: platform.Transient, Err: err,
			Message: "What the post says could not be read on this server. Nothing was published."}
	}
	attempt := w.attempt(job, c)
	if c.unresolved {
		published, problem := reconcile(ctx, publisher, credential, post, attempt)
		if published != nil || problem != nil {
			return published, problem
		}
		c.unresolved = false // it is certainly not there
	}

	callCtx, cancel := context.WithTimeout(ctx, conversationTimeout(post))
	defer cancel()
	attempt.Checkpoint = c.Checkpoint
	published, err := publisher.Publish(callCtx, credential, post, attempt)
	if err == nil {
		return &published, nil
	}
	problem := platform.AsError(err)
	if problem.Class != platform.UnknownOutcome {
		return nil, problem
	}
	// The answer was lost. Ask at once, with a context that outlives a shutdown.
	c.unresolved, c.unanswered = true, true
	askCtx, cancelAsk := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancelAsk()
	attempt.Checkpoint = c.Checkpoint
	found, asked := reconcile(askCtx, publisher, credential, post, attempt)
	switch {
	case found != nil:
		return found, nil
	case asked != nil && asked.Class == platform.UnknownOutcome && problem.Code != "":
		return nil, problem // the platform has said more than can be found out
	case asked != nil:
		return nil, asked
	default:
		c.unresolved = false
		return nil, &platform.Error{Class: platform.Transient, Status: problem.Status, Code: problem.Code, Err: problem, Partial: problem.Partial,
			Message: problem.Message + " It was not found at the platform."}
	}
}

// unsendable is what becomes of a post that cannot be sent as it is now. Where an earlier attempt has no known outcome, that
// still has to be found out.
func (c *claim) unsendable(invalid *platform.Error) *platform.Error {
	if !c.unresolved {
		return invalid
	}
	return &platform.Error{Class: platform.UnknownOutcome, Err: invalid,
		Message: "An earlier attempt ended without an answer, and the post's e-mail template is gone since. Look at the platform whether the post is there."}
}

// content is what the claimed platform post says, with files that can be read. Its error is a *platform.Error where what it says
// cannot be published.
func (w *publishWorker) content(c *claim) (platform.Post, error) {
	post, paths, err := Content(c.ID, c.Title, c.Text, c.Options, c.Files)
	if err != nil {
		return platform.Post{}, err
	}
	broken, err := FillIn(platform.Name(c.Platform), &post, c.Template)
	if err != nil {
		return platform.Post{}, err
	}
	if len(broken) > 0 {
		return platform.Post{}, &platform.Error{Class: platform.Invalid, Code: broken[0].Rule, Message: broken[0].Message}
	}
	if len(paths) > 0 && w.bucket == nil {
		return platform.Post{}, errors.New("the post has files, and no bucket is set up")
	}
	for i, path := range paths {
		post.Media[i].Open = func(ctx context.Context, offset, length int64) (io.ReadCloser, error) {
			return w.bucket.ReadRange(ctx, path, offset, length)
		}
	}
	return post, nil
}

// attempt is what an adapter needs of its surroundings for the claimed platform post.
func (w *publishWorker) attempt(job *river.Job[PublishArgs], c *claim) platform.Attempt {
	return platform.Attempt{
		FirstStarted: c.first, Checkpoint: c.Checkpoint, Decided: c.FirstAttempt > 1, Stopping: w.stopping,
		Keep: func(ctx context.Context, checkpoint json.RawMessage) error {
			if err := w.keep(ctx, job, c, checkpoint); err != nil {
				return err
			}
			c.Checkpoint = checkpoint
			return nil
		},
		Taken: func(ctx context.Context, externalID string) (taken bool, err error) {
			err = w.db.TxRetry(ctx, w.scope(job), func(ctx context.Context, tx *tenant.Tx) (err error) {
				taken, err = queries.New(tx).PlatformPostIsTaken(ctx, queries.PlatformPostIsTakenParams{
					ID: c.ID, IntegrationID: c.IntegrationID, ExternalID: &externalID,
				})
				return err
			})
			return taken, err
		},
		Observe: func(quota platform.Quota) { c.quotas = append(c.quotas, quota) },
	}
}

// publishRenewed publishes once more after the platform has refused the account's access, if that can be renewed:
// nothing was published.
func (w *publishWorker) publishRenewed(ctx context.Context, job *river.Job[PublishArgs], c *claim, refused *platform.Error) (*platform.Published, *platform.Error) {
	err := w.renewer.Force(ctx, w.grant(job, *c.AuthorizationID), c.AuthorizationVersion)
	switch {
	case errors.Is(err, errNothingToRenew), errors.Is(err, errNotSetUp):
		return nil, refused
	case err != nil:
		var problem *platform.Error
		if errors.As(err, &problem) && problem.Class == platform.Credential {
			return nil, refused // somebody must sign in again, which is noted
		}
		waits := &platform.Error{Class: platform.Transient, Err: errors.Join(err, refused),
			Message: "The platform refused the account's access, and it could not be renewed yet. Nothing was published; it is tried again."}
		if problem != nil {
			waits.RetryAt = problem.RetryAt
		}
		return nil, waits
	}
	err = w.db.TxRetry(ctx, w.scope(job), func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		row, err := q.IntegrationForCheck(ctx, c.IntegrationID)
		if err != nil {
			return err
		}
		c.IntegrationState, c.IntegrationVersion, c.AuthorizationVersion = row.State, row.Version, row.AuthorizationVersion
		used, err := q.IntegrationUse(ctx, queries.IntegrationUseParams{ID: c.IntegrationID, Purpose: "publish"})
		c.credential.sealed, c.credential.oldID, c.credential.deadline = used.Credential, used.OldCredentialID, used.Deadline
		return err
	})
	if err != nil {
		return nil, &platform.Error{Class: platform.Transient, Err: err, Message: "The account's renewed credential could not be read. Nothing was published."}
	}
	return w.publish(ctx, job, c)
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

func orZero[T any](v *T) (zero T) {
	if v == nil {
		return zero
	}
	return *v
}
