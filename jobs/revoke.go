package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

const (
	// revokeCall bounds the call to a platform.
	revokeCall = 20 * time.Second
	// A revocation that fails for a passing reason is made again after revokePause, revokePauseLimit at most. After
	// revokeGiveUp the tokens are erased without the platform's knowing.
	revokePause, revokePauseLimit, revokeGiveUp = 5 * time.Second, 30 * time.Minute, 24 * time.Hour
	// revokeErasedCall bounds each call for a customer that is erased, revokeErased all of them.
	revokeErasedCall, revokeErased = 10 * time.Second, time.Minute
)

// What became of a revocation, as the audit log has it.
const (
	outcomeRevoked      = "revoked"
	outcomeNotSupported = "not_supported" // the platform cannot be told
	outcomeEnded        = "ended"         // revoked, or forgotten for the sake of others who have the same login
	outcomeLoginInUse   = "login_in_use"  // telling it would end what another authorization needs
	outcomeRefused      = "refused"       // the platform does not accept the tokens any more, or not for this
	outcomeGivenUp      = "given_up"      // it could not be reached for a day
)

// RevokeAuthorizationArgs name an authorization whose last account was disconnected.
type RevokeAuthorizationArgs struct {
	CustomerID      uuid.UUID `json:"customer_id"`
	AuthorizationID uuid.UUID `json:"authorization_id"`
}

// Kind is the job's name in the queue.
func (RevokeAuthorizationArgs) Kind() string { return "revoke_authorization" }

// InsertOpts are the job's defaults.
func (RevokeAuthorizationArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: ConnectionsQueue, MaxAttempts: 1000, UniqueOpts: oneAtATime}
}

// revokeWorker tells a platform that what was allowed is not needed any more, and erases the tokens. Whoever signs in
// again before that has the last word.
type revokeWorker struct {
	river.WorkerDefaults[RevokeAuthorizationArgs]
	db         *tenant.DB
	vault      *vault.Vault
	connectors map[platform.Name]platform.Connector
	queue      *Client
	lease      *lease
	log        *slog.Logger
}

// Timeout bounds the job.
func (*revokeWorker) Timeout(*river.Job[RevokeAuthorizationArgs]) time.Duration {
	return revokeCall + 3*recordTimeout
}

// Work revokes the job's authorization, or finds that there is nothing to revoke.
func (w *revokeWorker) Work(ctx context.Context, job *river.Job[RevokeAuthorizationArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	g := grant{job.Args.CustomerID, job.Args.AuthorizationID, tenant.Request{Job: job.ID, Operation: job.Kind}}
	row, err := queries.New(w.db.Read(g.scope())).AuthorizationWatch(ctx, queries.AuthorizationWatchParams{ID: g.id, Margin: renewMargin})
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("the authorization is gone"))
	case err != nil:
		return fmt.Errorf("read authorization: %w", err)
	case row.State != "revoking":
		return nil
	case row.Leased:
		// The newest tokens are on their way.
		return river.JobSnooze(time.Second)
	}
	log := w.log.With("customer_id", g.customerID, "authorization_id", g.id, "platform", row.Platform, "job_id", job.ID)
	outcome, problem := w.revoke(ctx, g, row)
	if ctx.Err() != nil {
		return river.JobSnooze(time.Second) // it was broken off by us
	}
	if problem != nil && time.Since(row.StateSince) < revokeGiveUp {
		wait := putOff(job.Metadata, problem.RetryAt, revokePause, revokePauseLimit)
		log.WarnContext(ctx, "what was allowed could not be revoked yet", "class", problem.Class, "status", problem.Status, "code", problem.Code,
			"again_in", wait, "error", problem)
		if err := w.db.TxRetry(ctx, g.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := queries.New(tx).AuthorizationRevocationFailed(ctx, queries.AuthorizationRevocationFailedParams{ID: g.id, Failure: ptr(failureOf(problem))})
			return err
		}); err != nil {
			return fmt.Errorf("note a failed revocation: %w", err)
		}
		return river.JobSnooze(wait)
	}
	if problem != nil {
		outcome = outcomeGivenUp
		log.WarnContext(ctx, "what was allowed is forgotten without the platform's knowing", "error", problem)
	}
	return w.end(ctx, log, g, row, outcome)
}

// told is the outcome as the customer's log has it. Where revoking would end every grant of a person, whether it was
// done says whether another customer needs it.
func (w *revokeWorker) told(name platform.Name, outcome string) string {
	connector := w.connectors[name]
	if connector != nil && connector.Traits().Revokes == platform.RevokesLogin && (outcome == outcomeRevoked || outcome == outcomeLoginInUse) {
		return outcomeEnded
	}
	return outcome
}

// revoke does what the platform has for it. problem is a passing reason why that could not be done.
func (w *revokeWorker) revoke(ctx context.Context, g grant, row queries.AuthorizationWatchRow) (outcome string, problem *platform.Error) {
	connector := w.connectors[platform.Name(row.Platform)]
	if connector == nil {
		return "", &platform.Error{Class: platform.Transient, Message: "No application at the platform is set up on this server.", Err: errNotSetUp}
	}
	traits := connector.Traits()
	if traits.Revokes == platform.RevokesNothing {
		return outcomeNotSupported, nil
	}
	var sealed []byte
	free := true
	if err := w.db.TxRetry(ctx, g.scope(), func(ctx context.Context, tx *tenant.Tx) (err error) {
		q := queries.New(tx)
		// Also where they are not needed then: what is recorded says nothing of other customers.
		if sealed, err = q.AuthorizationUse(ctx, queries.AuthorizationUseParams{ID: g.id, Purpose: "revoke"}); err != nil {
			return err
		}
		if traits.Revokes == platform.RevokesLogin {
			free, err = q.AuthorizationBeginLoginRevocation(ctx, g.id)
		}
		return err
	}); err != nil {
		return "", &platform.Error{Class: platform.Transient, Message: "The tokens could not be read.", Err: err}
	}
	if !free {
		return outcomeLoginInUse, nil
	}
	tokens, err := openTokens(w.vault, g, row.Platform, sealed)
	if err != nil {
		return "", &platform.Error{Class: platform.Transient, Code: failureUnreadable, Message: "The tokens could not be read on this server.", Err: err}
	}
	outcome, problem = revoke(ctx, connector, tokens, revokeCall)
	if traits.Revokes == platform.RevokesLogin && (problem == nil || problem.Status != 0) { // it has answered
		w.endLoginRevocation(ctx, g)
	}
	return outcome, problem
}

// endLoginRevocation says that a platform has answered. That this fails only makes those begin again who sign in within
// a minute.
func (w *revokeWorker) endLoginRevocation(ctx context.Context, g grant) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := w.db.TxRetry(ctx, g.scope(), func(ctx context.Context, tx *tenant.Tx) error {
		return queries.New(tx).AuthorizationEndLoginRevocation(ctx, g.id)
	}); err != nil {
		w.log.WarnContext(ctx, "the end of a revocation was not written down", "customer_id", g.customerID, "authorization_id", g.id, "error", err)
	}
}

// revoke tells a platform. problem is a passing reason why it could not be told.
func revoke(ctx context.Context, connector platform.Connector, tokens platform.Tokens, timeout time.Duration) (outcome string, problem *platform.Error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := connector.Revoke(ctx, tokens)
	if err == nil {
		return outcomeRevoked, nil
	}
	problem = platform.AsError(err)
	switch problem.Class {
	case platform.Transient, platform.RateLimited, platform.UnknownOutcome:
		return "", problem
	default:
		return outcomeRefused, nil
	}
}

// end erases the tokens and records the outcome, unless somebody has signed in again.
func (w *revokeWorker) end(ctx context.Context, log *slog.Logger, g grant, row queries.AuthorizationWatchRow, outcome string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	var ended bool
	var accounts []queries.IntegrationListOfAuthorizationRow
	err := w.db.TxRetry(ctx, g.scope(), func(ctx context.Context, tx *tenant.Tx) (err error) {
		q := queries.New(tx)
		if ended, err = q.AuthorizationEnd(ctx, queries.AuthorizationEndParams{ID: g.id, Version: row.Version, Outcome: w.told(platform.Name(row.Platform), outcome)}); err != nil || ended {
			return err
		}
		// Telling the platform may have ended what somebody has just allowed once more: see whether it works.
		if accounts, err = q.IntegrationListOfAuthorization(ctx, g.id); err != nil {
			return err
		}
		for _, account := range accounts {
			if _, err := w.queue.InsertTx(ctx, tx, CheckIntegrationArgs{CustomerID: g.customerID, IntegrationID: account.ID}, nil); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("end authorization: %w", err)
	case ended:
		log.InfoContext(ctx, "tokens are erased", "outcome", outcome)
		return nil
	case len(accounts) > 0:
		log.InfoContext(ctx, "somebody has signed in again while their permission was revoked", "outcome", outcome)
		return nil
	}
	return river.JobSnooze(time.Second) // it was renewed meanwhile; the newest tokens are to be revoked
}

// revokeErased tells the platforms of a customer that is about to be erased, as far as that can be done in a minute.
// Nothing of it keeps the customer from being erased.
func (w *eraseWorker) revokeErased(ctx context.Context, log *slog.Logger, erasure queries.Erasure) {
	rows, err := w.q.AuthorizationListOfErased(ctx, erasure.ID)
	if err != nil {
		log.WarnContext(ctx, "the platforms could not be told of a customer that is erased", "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, revokeErased)
	defer cancel()
	var calls sync.WaitGroup
	slots := make(chan struct{}, 10)
	for _, row := range rows {
		connector := w.connectors[platform.Name(row.Platform)]
		if connector == nil || connector.Traits().Revokes == platform.RevokesNothing {
			continue
		}
		calls.Go(func() {
			select {
			case slots <- struct{}{}:
				defer func() { <-slots }()
			case <-ctx.Done():
				return
			}
			log := log.With("authorization_id", row.ID, "platform", row.Platform)
			tokens, err := openTokens(w.vault, grant{customerID: erasure.SubjectID, id: row.ID}, row.Platform, row.Credential)
			if err != nil {
				log.WarnContext(ctx, "what was allowed could not be revoked: the tokens could not be read on this server", "error", err)
				return
			}
			if connector.Traits().Revokes == platform.RevokesLogin {
				free, err := w.q.AuthorizationBeginLoginRevocationOfErased(ctx, queries.AuthorizationBeginLoginRevocationOfErasedParams{ErasureID: erasure.ID, ID: row.ID})
				if err != nil {
					log.WarnContext(ctx, "what was allowed could not be revoked: it is not known whether others need it", "error", err)
				}
				if err != nil || !free {
					return
				}
			}
			outcome, problem := revoke(ctx, connector, tokens, revokeErasedCall)
			if problem != nil {
				log.WarnContext(ctx, "what was allowed could not be revoked, and is forgotten", "error", problem)
				return
			}
			log.InfoContext(ctx, "what was allowed is revoked before the customer is erased", "outcome", outcome)
		})
	}
	calls.Wait()
}
