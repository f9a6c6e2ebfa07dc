package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"golang.org/x/sync/singleflight"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/telemetry"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// ConnectionsQueue is the queue of what is done about authorizations: renewing and revoking.
const ConnectionsQueue = "connections"

const (
	// connectionsConcurrency is how many of these jobs a worker runs at once.
	connectionsConcurrency = 20
	// renewMargin is how long an access token must hold for work to begin with it.
	renewMargin = time.Minute
	// renewLease is how long a renewal may take, over which nobody else begins one; renewCall bounds the call to the
	// platform in it.
	renewLease, renewCall = time.Minute, 20 * time.Second
	// renewPatience bounds the wait for a renewal, one's own or another's.
	renewPatience = renewLease + 30*time.Second
	// After the first failure for a passing reason a renewal waits renewPause, renewPauseLimit at most, and
	// renewSoon where the answer was lost: the platform may take the old refresh token for a moment only. A platform
	// that names a time itself is believed up to renewRetryLimit.
	renewPause, renewPauseLimit, renewSoon, renewRetryLimit = 5 * time.Second, 5 * time.Minute, time.Second, time.Hour
	// watchPause is how long to wait before another renewal is looked at again, watchPauseLimit at most.
	watchPause, watchPauseLimit = 50 * time.Millisecond, 500 * time.Millisecond
)

// Why somebody must sign in again, as the database knows it.
const (
	reasonRevoked     = "revoked"
	reasonRefused     = "refused"
	reasonExpired     = "expired"
	reasonInterrupted = "interrupted"
	reasonAccessLost  = "access_lost"
)

// Why a renewal or revocation failed for a passing reason, as the database knows it.
const (
	failureUnavailable   = "unavailable"
	failureRateLimited   = "rate_limited"
	failureMisconfigured = "misconfigured"
	failureBadAnswer     = "bad_answer"
	failureUnreadable    = "unreadable"
)

// failureOf is the code of a passing reason.
func failureOf(problem *platform.Error) string {
	switch {
	case problem.Code == platform.CodeInvalidClient:
		return failureMisconfigured
	case problem.Code == platform.CodeBadAnswer:
		return failureBadAnswer
	case problem.Code == failureUnreadable && problem.Status == 0:
		return failureUnreadable
	case problem.Class == platform.RateLimited:
		return failureRateLimited
	default:
		return failureUnavailable
	}
}

// errNothingToRenew: the tokens cannot be renewed, so what the platform says of them is the last word.
var errNothingToRenew = errors.New("there is nothing to renew")

// errNotSetUp: this process has no application at the platform. Another may.
var errNotSetUp = errors.New("no application at the platform is set up here")

// errLeaseGone: somebody has signed in again, or another process has taken over.
var errLeaseGone = errors.New("the lease on the renewal is another's")

// renewer keeps access tokens good. Over any number of processes each authorization is renewed by one of them at a
// time, and by the others waited for.
//
// Whoever renews takes a lease on the row, in one statement that also says that the outcome is unknown from now on.
// That is committed before the platform is called. The answer is stored only while the lease is still theirs. A
// process that dies in between leaves the lease to run out, and the mark: if the platform then refuses the refresh
// token, it is known that an answer was lost and nobody has withdrawn anything.
type renewer struct {
	db         *tenant.DB
	vault      *vault.Vault
	connectors map[platform.Name]platform.Connector
	notices    *notices
	log        *slog.Logger

	// flights are the waits of this process, one for each authorization however many need it.
	flights singleflight.Group

	mu     sync.Mutex
	closed bool
	under  sync.WaitGroup // the renewals that this process makes
}

// grant names an authorization, and the job that needs it.
type grant struct {
	customerID, id uuid.UUID
	request        tenant.Request
}

func (g grant) scope() tenant.Scope { return tenant.Worker(g.customerID, g.request) }

// need says when tokens are fresh enough.
type need struct {
	// refused is the version of the authorization whose access token the platform has refused: any later one will do.
	refused int64
	// due: renew if the time has come, and wait for nobody.
	due bool
}

// Fresh makes sure that the authorization's access token, and the credentials of its accounts, are good for a minute
// at least. It returns once they are.
//
// Errors: *platform.Error of class Credential where a person must sign in again, of class Transient where it cannot be
// done now, with the time to come back; errNotSetUp; else trouble of our own.
func (r *renewer) Fresh(ctx context.Context, g grant) error { return r.wait(ctx, g, need{}) }

// Force is Fresh for an access token that the platform has refused before its time, known by the version of the
// authorization with which it was read. It is renewed once, whoever asks. errNothingToRenew says that it cannot be.
func (r *renewer) Force(ctx context.Context, g grant, refused int64) error {
	return r.wait(ctx, g, need{refused: refused})
}

// Due renews the authorization if its time has come and nobody is at it.
func (r *renewer) Due(ctx context.Context, g grant) error { return r.wait(ctx, g, need{due: true}) }

// wait has what is needed done once for all in this process who need the same. It goes on when a caller has no time
// left: an answer of the platform must not be lost for that.
func (r *renewer) wait(ctx context.Context, g grant, n need) error {
	flight := r.flights.DoChan(fmt.Sprintf("%s %s %v", g.customerID, g.id, n), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), renewPatience)
		defer cancel()
		err := r.renew(ctx, g, n)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() != nil {
			err = later("The account's access is being renewed, which takes long.", err)
		}
		return nil, err
	})
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case result := <-flight:
		return result.Err
	}
}

// close waits until no renewal of this process is under way, and lets none begin.
func (r *renewer) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.under.Wait()
}

// begin tells whether a renewal may begin; it is then to be ended with under.Done.
func (r *renewer) begin() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.under.Add(1)
	}
	return !r.closed
}

// renew looks at the row until it is as it is needed, and renews where nobody else does.
func (r *renewer) renew(ctx context.Context, g grant, n need) error {
	reader := queries.New(r.db.Read(g.scope()))
	for pause := watchPause; ; pause = min(2*pause, watchPauseLimit) {
		row, err := reader.AuthorizationWatch(ctx, queries.AuthorizationWatchParams{ID: g.id, Margin: renewMargin})
		if err != nil {
			return fmt.Errorf("look at authorization: %w", err)
		}
		needed := row.Ending
		switch {
		case n.refused > 0:
			needed = row.Version == n.refused
		case n.due:
			needed = row.Due || (row.RenewAt == nil && row.Ended)
		}
		switch {
		case row.State != "active":
			return signInAgain()
		case row.Leased && (needed || n.refused > 0):
			// Its credentials may be still to come, too.
			if n.due {
				return nil
			}
		case !needed:
			return nil
		case row.RenewAt == nil && row.Ended:
			return r.expire(ctx, g, row)
		case row.RenewAt == nil && n.refused > 0:
			return errNothingToRenew
		case row.RenewAt == nil:
			return nil // it holds for some seconds yet, and then no longer
		case row.Waits:
			return notRenewed(orZero(row.Failure), *row.RenewAt, nil)
		case r.connectors[platform.Name(row.Platform)] == nil:
			r.log.WarnContext(ctx, "an account's access is to be renewed, but no application at its platform is set up here",
				"customer_id", g.customerID, "authorization_id", g.id, "platform", row.Platform)
			return errNotSetUp
		default:
			done, err := r.lead(ctx, g, n)
			if done || (err != nil && !errors.Is(err, errLeaseGone)) {
				return err
			}
			// Somebody else was first, or has changed it meanwhile: the row says what holds now.
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // so that they do not all look at once
		}
	}
}

// signInAgain is what is said of an authorization that only a person can prolong.
func signInAgain() error {
	return &platform.Error{Class: platform.Credential, Message: "The account is not connected any more. Reconnect it."}
}

// later says that something cannot be done now.
func later(message string, cause error) error {
	return &platform.Error{Class: platform.Transient, Message: message, Err: cause}
}

// notRenewed says that a renewal has failed for a passing reason: with CodeInvalidClient where the platform does not
// accept this installation's application.
func notRenewed(failure string, at time.Time, cause error) error {
	problem := &platform.Error{Class: platform.Transient, Message: "The platform has not renewed the account's access. It is tried again.", RetryAt: at, Err: cause}
	if failure == failureMisconfigured {
		problem.Code = platform.CodeInvalidClient
	}
	return problem
}

// expire notes that an access token has ended that nothing can renew.
func (r *renewer) expire(ctx context.Context, g grant, row queries.AuthorizationWatchRow) error {
	changed := int64(0)
	err := r.db.TxRetry(ctx, g.scope(), func(ctx context.Context, tx *tenant.Tx) (err error) {
		changed, err = queries.New(tx).AuthorizationNeedsReauth(ctx, queries.AuthorizationNeedsReauthParams{
			ID: g.id, Version: row.Version, Reason: ptr(reasonExpired),
		})
		if err == nil && changed > 0 {
			err = r.notices.authorizationNeedsReauth(ctx, tx, g)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("note that an access token has ended: %w", err)
	}
	if changed > 0 {
		r.log.WarnContext(ctx, "an account's access has ended; somebody must sign in again", "customer_id", g.customerID,
			"authorization_id", g.id, "platform", row.Platform, "reason", reasonExpired)
	}
	return signInAgain()
}

// turn is one renewal by this process.
type turn struct {
	grant
	queries.AuthorizationTakeLeaseRow
	lease     uuid.UUID
	until     time.Time // when the lease ends; never later than the database thinks
	connector platform.Connector
	log       *slog.Logger
}

// context is what the authorization's tokens are bound to.
func (g grant) context(platformName string) vault.Context {
	return vault.Authorization(g.customerID, g.id, platformName)
}

// lead takes the lease and renews. done is false where somebody else was first.
func (r *renewer) lead(ctx context.Context, g grant, n need) (done bool, err error) {
	if !r.begin() {
		return false, later("This server is being stopped.", nil)
	}
	defer r.under.Done()
	t := &turn{grant: g, lease: uuid.New(), until: time.Now().Add(renewLease)}
	err = r.db.TxRetry(ctx, g.scope(), func(ctx context.Context, tx *tenant.Tx) (err error) {
		t.AuthorizationTakeLeaseRow, err = queries.New(tx).AuthorizationTakeLease(ctx, queries.AuthorizationTakeLeaseParams{
			ID: g.id, Lease: &t.lease, Duration: renewLease, Margin: renewMargin, RefusedVersion: n.refused,
		})
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("take lease on renewal: %w", err)
	}
	t.connector = r.connectors[platform.Name(t.Platform)]
	t.log = r.log.With("customer_id", g.customerID, "authorization_id", g.id, "platform", t.Platform, "job_id", g.request.Job)
	// From here on an answer of the platform may be on its way that must be kept.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Until(t.until))
	defer cancel()
	err = r.call(ctx, t)
	return !errors.Is(err, errLeaseGone), err
}

// call asks the platform for new tokens, and writes down what becomes of it.
func (r *renewer) call(ctx context.Context, t *turn) error {
	tokens, err := openTokens(r.vault, t.grant, t.Platform, t.Credential)
	if err != nil {
		t.log.ErrorContext(ctx, "an account's tokens could not be read on this server; is it the right key set?", "error", err)
		telemetry.TokenRenewal(ctx, t.Platform, telemetry.RenewalUnreadable)
		return r.failed(ctx, t, &platform.Error{Class: platform.Transient, Code: failureUnreadable, Err: err, Message: "The account's tokens could not be read on this server."}, t.WasUnanswered)
	}
	if tokens.RefreshToken == "" && !tokens.ExpiresAt.IsZero() && !time.Now().Before(tokens.ExpiresAt) {
		// It would have been exchanged for a new one while it was good.
		return r.refused(ctx, t, reasonExpired, nil)
	}
	callCtx, cancel := context.WithTimeout(ctx, renewCall)
	defer cancel()
	fresh, err := t.connector.Renew(callCtx, tokens)
	if err == nil {
		return r.keep(ctx, t, fresh)
	}
	problem := platform.AsError(err)
	switch {
	case problem.Class == platform.Credential && problem.Code == platform.CodeInvalidGrant:
		reason := reasonRevoked
		switch {
		case t.WasUnanswered:
			reason = reasonInterrupted
		case t.ReconnectBy != nil && !time.Now().Before(*t.ReconnectBy):
			reason = reasonExpired
		}
		telemetry.TokenRenewal(ctx, t.Platform, telemetry.RenewalRefused)
		return r.refused(ctx, t, reason, problem)
	case problem.Class == platform.UnknownOutcome:
		telemetry.TokenRenewal(ctx, t.Platform, telemetry.RenewalUnanswered)
		return r.failed(ctx, t, problem, true)
	default:
		telemetry.TokenRenewal(ctx, t.Platform, telemetry.RenewalFailed)
		return r.failed(ctx, t, problem, t.WasUnanswered)
	}
}

// openTokens unseals an authorization's tokens. Errors hold nothing of them.
func openTokens(v *vault.Vault, g grant, platformName string, sealed []byte) (tokens platform.Tokens, err error) {
	plain, err := v.Unseal(sealed, g.context(platformName))
	if err != nil {
		return tokens, err
	}
	if json.Unmarshal(plain, &tokens) != nil {
		return tokens, errors.New("the tokens are not what was sealed")
	}
	return tokens, nil
}

// keep stores new tokens, for as long as the lease holds however often that fails: there may be no others.
func (r *renewer) keep(ctx context.Context, t *turn, tokens platform.Tokens) error {
	var err error
	ask := t.connector.Traits().AsksForCredentials
	for {
		err = r.store(ctx, t, tokens, &ask)
		if err == nil || errors.Is(err, errLeaseGone) || errors.Is(err, tenant.ErrNotFound) {
			break
		}
		t.log.WarnContext(ctx, "new tokens could not be stored yet", "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("store new tokens: %w", err)
		case <-time.After(time.Second):
		}
	}
	switch {
	case errors.Is(err, errLeaseGone):
		t.log.WarnContext(ctx, "new tokens are not stored: somebody has signed in again, or another process has taken over")
		return err
	case err != nil:
		return fmt.Errorf("store new tokens: %w", err)
	case ask:
		if err := r.askForCredentials(ctx, t, tokens); err != nil {
			return err
		}
	}
	telemetry.TokenRenewal(ctx, t.Platform, telemetry.RenewalDone)
	t.log.InfoContext(ctx, "access renewed", "expires_at", tokens.ExpiresAt)
	return nil
}

func (r *renewer) seal(tokens platform.Tokens, bound vault.Context) (sealed []byte, keyID int64, err error) {
	plain, err := json.Marshal(tokens) //nolint:gosec // it is sealed next
	if err != nil {
		return nil, 0, errors.New("the tokens cannot be encoded")
	}
	return r.vault.SealWithID(plain, bound)
}

// store writes the tokens, and the accounts' credentials unless the platform is to be asked for them.
func (r *renewer) store(ctx context.Context, t *turn, tokens platform.Tokens, ask *bool) error {
	// Each time anew: this is tried for long enough that the key may have become another one.
	sealed, keyID, err := r.seal(tokens, t.context(t.Platform))
	if err != nil {
		return fmt.Errorf("seal tokens: %w", err)
	}
	return r.db.TxRetry(ctx, t.scope(), func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		var credentials map[string]json.RawMessage
		accounts, err := q.IntegrationListOfAuthorization(ctx, t.id)
		if err != nil {
			return err
		}
		if !*ask {
			if credentials, err = t.connector.Credentials(ctx, tokens, externalIDs(accounts)); err != nil {
				t.log.ErrorContext(ctx, "credentials could not be made of new tokens", "error", err)
				*ask = true // once more, when the tokens are safe
			}
		}
		params := queries.AuthorizationStoreTokensParams{
			ID: t.id, Lease: &t.lease, KeepLease: *ask, Credential: sealed, KeyID: &keyID, Scopes: slices.Concat([]string{}, tokens.Scopes),
			ExpiresAt: timeOrNil(tokens.ExpiresAt), ReconnectBy: timeOrNil(tokens.ReconnectBy), RenewAt: tokens.RenewAround(time.Now()),
		}
		if *ask {
			params.RenewAt = ptr(time.Now().Add(renewLease)) // should the credentials be still missing then
		}
		stored, err := q.AuthorizationStoreTokens(ctx, params)
		if err == nil && stored == 0 {
			err = errLeaseGone
		}
		if err != nil || *ask {
			return err
		}
		return r.handOut(ctx, tx, t, accounts, credentials)
	})
}

// askForCredentials has the platform give the credentials of the accounts, and ends the renewal.
func (r *renewer) askForCredentials(ctx context.Context, t *turn, tokens platform.Tokens) error {
	accounts, err := queries.New(r.db.Read(t.scope())).IntegrationListOfAuthorization(ctx, t.id)
	if err != nil {
		return fmt.Errorf("list accounts: %w", err)
	}
	callCtx, cancel := context.WithTimeout(ctx, renewCall)
	defer cancel()
	credentials, err := t.connector.Credentials(callCtx, tokens, externalIDs(accounts))
	if err != nil {
		return r.failed(ctx, t, platform.AsError(err), false)
	}
	err = r.db.TxRetry(ctx, t.scope(), func(ctx context.Context, tx *tenant.Tx) error {
		done, err := queries.New(tx).AuthorizationRenewalDone(ctx, queries.AuthorizationRenewalDoneParams{
			ID: t.id, Lease: &t.lease, RenewAt: tokens.RenewAround(time.Now()),
		})
		if err == nil && done == 0 {
			err = errLeaseGone
		}
		if err != nil {
			return err
		}
		return r.handOut(ctx, tx, t, accounts, credentials)
	})
	if err != nil {
		return fmt.Errorf("store credentials: %w", err)
	}
	return nil
}

// handOut gives each account its credential. One that has none is not in this login's hands any more.
func (r *renewer) handOut(ctx context.Context, tx *tenant.Tx, t *turn, accounts []queries.IntegrationListOfAuthorizationRow, credentials map[string]json.RawMessage) error {
	q := queries.New(tx)
	for _, account := range accounts {
		credential, ok := credentials[account.ExternalID]
		if !ok {
			// Whoever signed in does not manage it any more.
			if _, err := r.notices.markAccount(ctx, tx, t.customerID, account.ID, account.Version, reasonAccessLost); err != nil {
				return err
			}
			continue
		}
		sealed, keyID, err := r.vault.SealWithID(credential, vault.Credential(t.customerID, account.ID, t.Platform))
		if err != nil {
			return fmt.Errorf("seal credential: %w", err)
		}
		if _, err := q.IntegrationRenewCredential(ctx, queries.IntegrationRenewCredentialParams{
			ID: account.ID, AuthorizationID: t.id, Credential: sealed, KeyID: &keyID,
		}); err != nil {
			return err
		}
	}
	return nil
}

// refused notes that the platform has ended the grant, unless the row has moved: then somebody else knows better.
func (r *renewer) refused(ctx context.Context, t *turn, reason string, problem *platform.Error) error {
	changed := int64(0)
	err := r.db.TxRetry(ctx, t.scope(), func(ctx context.Context, tx *tenant.Tx) (err error) {
		changed, err = queries.New(tx).AuthorizationRenewalRefused(ctx, queries.AuthorizationRenewalRefusedParams{
			ID: t.id, Lease: &t.lease, Reason: &reason,
		})
		if err == nil && changed > 0 {
			err = r.notices.authorizationNeedsReauth(ctx, tx, t.grant)
		}
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("note that a grant has ended: %w", err)
	case changed == 0:
		t.log.InfoContext(ctx, "a renewal was refused, but somebody else has renewed or signed in again")
		return errLeaseGone
	}
	t.log.WarnContext(ctx, "an account's access has ended; somebody must sign in again", "reason", reason, "error", asCause(problem))
	return signInAgain()
}

// asCause keeps a nil *platform.Error from becoming an error that is not nil.
func asCause(problem *platform.Error) error {
	if problem == nil {
		return nil
	}
	return problem
}

// failed gives the lease back after a failure that says nothing about the grant, and tells when it is tried again.
func (r *renewer) failed(ctx context.Context, t *turn, problem *platform.Error, unanswered bool) error {
	wait, failure := renewWait(problem, int(t.Failures)+1, time.Now()), failureOf(problem)
	t.log.WarnContext(ctx, "access could not be renewed", "class", problem.Class, "status", problem.Status, "code", problem.Code,
		"again_in", wait, "error", problem)
	err := r.db.TxRetry(ctx, t.scope(), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := queries.New(tx).AuthorizationRenewalFailed(ctx, queries.AuthorizationRenewalFailedParams{
			ID: t.id, Lease: &t.lease, Unanswered: unanswered, Failure: &failure, Wait: wait,
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("note a failed renewal: %w", err)
	}
	return notRenewed(failure, time.Now().Add(wait), problem)
}

// renewWait is how long to wait after the nth failure in a row.
func renewWait(problem *platform.Error, failures int, now time.Time) time.Duration {
	if wait := problem.RetryAt.Sub(now); wait > 0 {
		return min(wait, renewRetryLimit)
	}
	first := renewPause
	if problem.Class == platform.UnknownOutcome {
		first = renewSoon
	}
	return shortened(backoff(failures, first, renewPauseLimit))
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func externalIDs(accounts []queries.IntegrationListOfAuthorizationRow) []string {
	ids := make([]string, len(accounts))
	for i, account := range accounts {
		ids[i] = account.ExternalID
	}
	return ids
}

// RenewAuthorizationArgs name an authorization that is to be renewed.
type RenewAuthorizationArgs struct {
	CustomerID      uuid.UUID `json:"customer_id"`
	AuthorizationID uuid.UUID `json:"authorization_id"`
}

// Kind is the job's name in the queue.
func (RenewAuthorizationArgs) Kind() string { return "renew_authorization" }

// InsertOpts are the job's defaults. A renewal that fails is made again by whoever looks for those that are due.
func (RenewAuthorizationArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: ConnectionsQueue, MaxAttempts: 5, UniqueOpts: oneAtATime}
}

// renewWorker renews one authorization.
type renewWorker struct {
	river.WorkerDefaults[RenewAuthorizationArgs]
	renewer *renewer
	lease   *lease
}

// Timeout bounds the job.
func (*renewWorker) Timeout(*river.Job[RenewAuthorizationArgs]) time.Duration {
	return renewPatience + recordTimeout
}

// Work renews the job's authorization, or finds that there is nothing to do. What the platform says is in the row.
func (w *renewWorker) Work(ctx context.Context, job *river.Job[RenewAuthorizationArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	err := w.renewer.Due(ctx, grant{job.Args.CustomerID, job.Args.AuthorizationID, tenant.Request{Job: job.ID, Operation: job.Kind}})
	var problem *platform.Error
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("the authorization is gone"))
	case errors.Is(err, errNotSetUp):
		return river.JobSnooze(10 * time.Second)
	case errors.As(err, &problem):
		return nil
	case err != nil && ctx.Err() != nil:
		return river.JobSnooze(time.Second) // it was broken off by us; nothing is wrong with it
	}
	return err
}

// dispatchAuthorizations gives every authorization for which there is something to do a job.
func (w *Worker) dispatchAuthorizations(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	platforms := []string{}
	for name := range w.deps.Connectors {
		platforms = append(platforms, string(name))
	}
	todo, err := w.q.AuthorizationListToDo(ctx, queries.AuthorizationListToDoParams{Platforms: platforms, MaxRows: 100})
	if err != nil {
		return fmt.Errorf("look for authorizations: %w", err)
	}
	var all error
	for _, a := range todo {
		var args river.JobArgs = RenewAuthorizationArgs{CustomerID: a.CustomerID, AuthorizationID: a.ID}
		if a.Work == "revoke" {
			args = RevokeAuthorizationArgs{CustomerID: a.CustomerID, AuthorizationID: a.ID}
		}
		all = errors.Join(all, w.enqueue(ctx, a.CustomerID, args, nil))
	}
	return all
}

// enqueue inserts a job of a customer. One that is being erased needs none any more.
func (w *Worker) enqueue(ctx context.Context, customerID uuid.UUID, args river.JobArgs, opts *river.InsertOpts) error {
	err := w.db.Tx(ctx, tenant.Worker(customerID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := w.client.InsertTx(ctx, tx, args, opts)
		return err
	})
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return fmt.Errorf("enqueue %s: %w", args.Kind(), err)
	}
	return nil
}
