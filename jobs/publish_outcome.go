package jobs

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/queries"
)

// step is what follows from an outcome.
type step int

const (
	stepPublished  step = iota
	stepRetry           // nothing was published: try again at a time
	stepUnresolved      // it is not known: ask again at a time
	stepContinue        // readers have part of it: go on at a time
	stepFail            // nothing was published: a person must change something
	stepAsk             // it is not known and cannot be found out: a person must look
)

// decide gives the one behaviour of each error class (requirement P3) and the wait before another try.
func decide(c *claim, problem *platform.Error, now time.Time) (step, time.Duration) {
	if problem == nil {
		return stepPublished, 0
	}
	tooLong := problem.Code != platform.CodeHandedOver && c.last == string(c.outcome(problem)) && now.Sub(c.lastSince) > unresolvedLimit
	if c.unresolved {
		// Asking the platform failed. Only a passing reason is worth asking again.
		passing := problem.Class == platform.Transient || problem.Class == platform.RateLimited || problem.Class == platform.Waiting
		if c.stale != nil || !passing || tooLong {
			return stepAsk, 0
		}
		return stepUnresolved, until(problem, now, c.unknowns+1)
	}
	if c.stale != nil {
		return stepFail, 0
	}
	again, giveUp := stepRetry, stepFail
	switch {
	case problem.Partial != nil, c.ExternalID != nil, c.unanswered:
		again, giveUp = stepContinue, stepAsk
	case c.resumed:
		again = stepContinue
	}
	switch problem.Class {
	case platform.Waiting:
		if tooLong {
			return giveUp, 0
		}
		return again, max(problem.RetryAt.Sub(now), time.Second)
	case platform.RateLimited:
		if tooLong {
			return giveUp, 0
		}
		// The platform names the least to wait. One that names a second each time is left in peace all the same.
		return again, max(until(problem, now, 1), backoff(c.rateLimits+1, time.Second, 30*time.Minute))
	case platform.Transient:
		if c.failures+1 >= transientLimit {
			return giveUp, 0
		}
		return again, until(problem, now, c.failures+1)
	case platform.Credential, platform.Invalid, platform.PaymentRequired:
		return giveUp, 0
	default:
		return stepAsk, 0
	}
}

// outcome is how an attempt with this problem ends.
func (c *claim) outcome(problem *platform.Error) platform.Class {
	if c.unresolved {
		return platform.UnknownOutcome
	}
	return problem.Class
}

// until is the wait that the platform asks for, else one that doubles with each failure.
func until(problem *platform.Error, now time.Time, failures int) time.Duration {
	if wait := problem.RetryAt.Sub(now); wait > 0 {
		return wait
	}
	return backoff(failures, 5*time.Second, 30*time.Minute)
}

// record writes the outcome down, also when the job is being cancelled, and tells how long to wait until the
// job is to run again, 0 when it is done. An attempt that was taken over records nothing.
func (w *publishWorker) record(ctx context.Context, job *river.Job[PublishArgs], c *claim, published *platform.Published, problem *platform.Error) (wait time.Duration, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	next, wait := decide(c, problem, time.Now())
	err = w.recordStep(ctx, job, c, next, wait, published, problem)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.ConstraintName == "platform_posts_external_key" {
		c.unresolved = true
		problem = &platform.Error{Class: platform.UnknownOutcome, Err: err,
			Message: "What was found at the platform is another post of this account that says the same. Look there whether this one was published too."}
		next, wait = decide(c, problem, time.Now())
		err = w.recordStep(ctx, job, c, next, wait, nil, problem)
	}
	return wait, err
}

func (w *publishWorker) recordStep(ctx context.Context, job *river.Job[PublishArgs], c *claim, next step, wait time.Duration, published *platform.Published, problem *platform.Error) error {
	return w.db.TxRetry(ctx, w.scope(job), func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		if _, err := q.PostLock(ctx, c.PostID); err != nil {
			return err
		}
		changed, err := w.recordPlatformPost(ctx, q, c, next, wait, published, problem)
		if err != nil {
			return err
		}
		if changed == 0 {
			w.log.WarnContext(ctx, "outcome of an attempt that was taken over is not recorded",
				"platform_post_id", c.ID, "attempt", c.attempt, "job_id", job.ID)
			return nil
		}
		if err := observe(ctx, q, c, problem, wait); err != nil {
			return err
		}
		if problem != nil && problem.Class == platform.Credential && c.credential.sealed != nil {
			r := refusal{
				customerID: job.Args.CustomerID, integrationID: c.IntegrationID, version: c.IntegrationVersion, reason: reasonRefused,
				authorizationVersion: c.AuthorizationVersion,
			}
			if c.IsLogin {
				r.authorizationID = c.AuthorizationID
			}
			if _, err := w.notices.markRefused(ctx, tx, r); err != nil {
				return err
			}
		}
		return finishAttempt(ctx, q, c, problem)
	})
}

// observe notes what the platform has said of the requests that it still takes, so that other posts of the account, or of the whole
// application, wait too. wait is how long this post waits.
func observe(ctx context.Context, q *queries.Queries, c *claim, problem *platform.Error, wait time.Duration) error {
	if c.reserved && len(c.quotas) == 0 && problem != nil && problem.Class != platform.UnknownOutcome {
		// The request for which it was taken was not made.
		if err := q.AccountLimitReturn(ctx, c.IntegrationID); err != nil {
			return err
		}
	}
	for _, quota := range c.quotas {
		var err error
		switch {
		case quota.Resets.IsZero():
		case !quota.App:
			params := queries.AccountLimitObserveParams{IntegrationID: c.IntegrationID, Remaining: ptr(bounded(quota.Remaining)), ResetsAt: &quota.Resets}
			if quota.Limit > 0 {
				params.Quota = ptr(bounded(quota.Limit))
			}
			err = q.AccountLimitObserve(ctx, params)
		case quota.Remaining <= 0:
			err = q.AppLimitPause(ctx, queries.AppLimitPauseParams{Platform: c.Platform, Pause: max(time.Until(quota.Resets), 0)})
		}
		if err != nil {
			return err
		}
	}
	switch {
	case problem == nil || problem.Class != platform.RateLimited || wait <= 0:
		return nil
	case c.unresolved, problem.Aside, problem.Partial != nil && !problem.App: // other requests have limits of their own
		return nil
	case problem.App:
		return q.AppLimitPause(ctx, queries.AppLimitPauseParams{Platform: c.Platform, Pause: wait})
	default:
		return q.AccountLimitPause(ctx, queries.AccountLimitPauseParams{IntegrationID: c.IntegrationID, Pause: wait})
	}
}

// bounded is a platform's number as the database can hold it.
func bounded(n int) int32 { return int32(max(0, min(n, 1_000_000_000))) }

// recordPlatformPost moves the platform post on. It concerns no row if another attempt has begun.
func (w *publishWorker) recordPlatformPost(ctx context.Context, q *queries.Queries, c *claim, next step, wait time.Duration, published *platform.Published, problem *platform.Error) (int64, error) {
	if next == stepPublished {
		return q.PlatformPostPublished(ctx, queries.PlatformPostPublishedParams{
			ID: c.ID, Attempt: c.attempt,
			ExternalID: &published.ExternalID, ExternalURL: &published.URL, PublishedAt: &published.At,
		})
	}
	message, class := clip(problem.Message, maxProblem), string(problem.Class)
	if problem.Class == platform.Waiting {
		class = string(platform.Transient)
	}
	var externalID, externalURL *string
	var publishedAt *time.Time
	if part := problem.Partial; part != nil {
		externalID, externalURL, publishedAt = &part.ExternalID, &part.URL, &part.At
	}
	state := "failed"
	switch next {
	case stepRetry:
		return q.PlatformPostRetry(ctx, queries.PlatformPostRetryParams{
			ID: c.ID, Attempt: c.attempt, Wait: wait, Problem: &message, ProblemClass: &class,
		})
	case stepUnresolved, stepContinue:
		if next == stepUnresolved {
			message = "It is not known yet whether the post is there. The platform is asked again."
		}
		return q.PlatformPostUnresolved(ctx, queries.PlatformPostUnresolvedParams{
			ID: c.ID, Attempt: c.attempt, Wait: wait, Problem: &message, ProblemClass: &class,
			ExternalID: externalID, ExternalURL: externalURL, PublishedAt: publishedAt,
		})
	case stepAsk:
		state = "needs_attention"
		if c.unresolved || problem.Partial == nil && c.ExternalID == nil {
			if problem.Class != platform.UnknownOutcome {
				message = clip("It is not known whether the post is there. Look at the platform. "+problem.Message, maxProblem)
			}
			class = string(platform.UnknownOutcome)
		}
	}
	return q.PlatformPostStop(ctx, queries.PlatformPostStopParams{
		ID: c.ID, Attempt: c.attempt, State: state, Problem: &message, ProblemClass: &class,
		ExternalID: externalID, ExternalURL: externalURL, PublishedAt: publishedAt,
	})
}

// What a platform says is kept up to these lengths, in characters.
const (
	maxProblem = 2000
	maxCode    = 200
)

// clip makes a platform's words fit to be stored.
func clip(text string, limit int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "")
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}

func finishAttempt(ctx context.Context, q *queries.Queries, c *claim, problem *platform.Error) error {
	finish := queries.PublishAttemptFinishParams{PlatformPostID: c.ID, Number: c.attempt, Outcome: ptr("published")}
	if problem != nil {
		finish.Outcome = ptr(string(c.outcome(problem)))
		finish.Message = ptr(clip(problem.Message, maxProblem))
		if problem.Status != 0 {
			finish.Status = ptr(int32(problem.Status))
		}
		if problem.Code != "" {
			finish.Code = ptr(clip(problem.Code, maxCode))
		}
	}
	_, err := q.PublishAttemptFinish(ctx, finish)
	return err
}
