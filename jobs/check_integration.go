package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// ChecksQueue is the queue of checks. They have one to themselves: sites of customers that answer slowly keep nobody's
// access from being renewed.
const ChecksQueue = "checks"

const (
	// checkCall bounds one question to a platform.
	checkCall = 20 * time.Second
	// A check that a passing reason keeps from an answer is made again after checkPause, checkPauseLimit at most, and
	// given up after checkGiveUp.
	checkPause, checkPauseLimit, checkGiveUp = 10 * time.Second, 15 * time.Minute, 24 * time.Hour
	// checksConcurrency is how many checks a worker makes at once.
	// Each may wait long for a slow site, and does nothing else meanwhile.
	checksConcurrency = 100
	// checksEvery is how often accounts are looked for that nobody has seen working for a day, checksAtOnce about how
	// many are checked in that time, over all customers.
	checksEvery, checksAtOnce = time.Minute, 300
)

// CheckIntegrationArgs name an account of which its platform is to be asked whether it works. Of those that people ask
// for there is one at a time for an account.
type CheckIntegrationArgs struct {
	CustomerID    uuid.UUID `json:"customer_id"`
	IntegrationID uuid.UUID `json:"integration_id"`
}

// Kind is the job's name in the queue.
func (CheckIntegrationArgs) Kind() string { return "check_integration" }

// InsertOpts are the job's defaults.
func (CheckIntegrationArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: ChecksQueue, MaxAttempts: 20, UniqueOpts: oneAtATime}
}

// checkWorker asks a platform about one account. Only the platform's own word that a credential is not good marks it;
// trouble on the way says nothing about it.
type checkWorker struct {
	river.WorkerDefaults[CheckIntegrationArgs]
	db         *tenant.DB
	vault      *vault.Vault
	publishers map[platform.Name]platform.Publisher
	connectors map[platform.Name]platform.Connector
	renewer    *renewer
	notices    *notices
	lease      *lease
	log        *slog.Logger
	// customerLimit is about how many checks of one customer's accounts are made at once, over all workers.
	customerLimit int
}

// Timeout bounds the job: two renewals that are waited for, and three questions.
func (*checkWorker) Timeout(*river.Job[CheckIntegrationArgs]) time.Duration {
	return 2*renewPatience + 3*checkCall + recordTimeout
}

// Work asks about the job's account, or finds that there is nothing to ask.
func (w *checkWorker) Work(ctx context.Context, job *river.Job[CheckIntegrationArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	c := &check{checkWorker: w, job: job, log: w.log.With("customer_id", job.Args.CustomerID, "integration_id", job.Args.IntegrationID, "job_id", job.ID)}
	older, err := queries.New(w.db.Read(c.scope())).JobCountOlderChecks(ctx, job.ID)
	if err == nil && older >= int64(w.customerLimit) {
		return river.JobSnooze(crowded(job.Metadata))
	}
	if err == nil {
		err = c.run(ctx)
	}
	var problem *platform.Error
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("the account is gone"))
	case err != nil && ctx.Err() != nil:
		return river.JobSnooze(time.Second) // it was broken off by us; nothing is wrong with it
	case errors.Is(err, errNotSetUp):
		problem = &platform.Error{Class: platform.Transient, Message: "The platform is not set up on this server."}
	case errors.As(err, &problem):
	default:
		return err
	}
	if problem.Class == platform.Credential {
		return nil // it is marked, or was changed meanwhile
	}
	if time.Since(job.CreatedAt) > checkGiveUp {
		c.log.WarnContext(ctx, "an account could not be checked for a day", "error", err)
		return river.JobCancel(errors.New("the platform gave no answer for a day"))
	}
	wait := putOff(job.Metadata, problem.RetryAt, checkPause, checkPauseLimit)
	c.log.WarnContext(ctx, "an account could not be checked yet", "class", problem.Class, "status", problem.Status, "code", problem.Code,
		"again_in", wait, "error", err)
	return river.JobSnooze(wait)
}

// check is one run of the job.
type check struct {
	*checkWorker
	job *river.Job[CheckIntegrationArgs]
	log *slog.Logger
}

func (c *check) scope() tenant.Scope {
	return tenant.Worker(c.job.Args.CustomerID, c.request())
}

func (c *check) request() tenant.Request {
	return tenant.Request{Job: c.job.ID, Operation: c.job.Kind}
}

func (c *check) grant(id uuid.UUID) grant { return grant{c.job.Args.CustomerID, id, c.request()} }

// run asks, renews where that may help, and asks once more. A *platform.Error is why there is no answer.
func (c *check) run(ctx context.Context) error {
	row, err := queries.New(c.db.Read(c.scope())).IntegrationForCheck(ctx, c.job.Args.IntegrationID)
	if err != nil {
		return fmt.Errorf("read account: %w", err)
	}
	if row.State != "active" {
		return nil // what is disconnected, or must be connected again, is known not to work
	}
	if row.AuthorizationID != nil {
		if err := c.renewer.Fresh(ctx, c.grant(*row.AuthorizationID)); err != nil {
			return err
		}
	}
	row, err = c.ask(ctx)
	switch {
	case !refuses(err):
		return err
	case row.AuthorizationID == nil:
		return c.mark(ctx, row, reasonRefused, false)
	}
	forced := c.renewer.Force(ctx, c.grant(*row.AuthorizationID), row.AuthorizationVersion)
	switch {
	case errors.Is(forced, errNothingToRenew):
		return c.askLogin(ctx, row)
	case forced != nil:
		return forced
	}
	if row, err = c.ask(ctx); refuses(err) {
		// The login was renewed a moment ago, so it works; what is refused is this account, unless they are the same.
		return c.mark(ctx, row, reasonAccessLost, false)
	}
	return err
}

// refuses tells whether a platform's answer was that the credential is not good.
func refuses(err error) bool {
	var problem *platform.Error
	return errors.As(err, &problem) && problem.Class == platform.Credential
}

// ask asks the platform who the account's credential belongs to, and notes that it works. row is the account as it
// was when the credential was read. There is nothing to ask where it is not active any more.
func (c *check) ask(ctx context.Context) (row queries.IntegrationForCheckRow, err error) {
	var found foundCredential
	err = c.db.TxRetry(ctx, c.scope(), func(ctx context.Context, tx *tenant.Tx) (err error) {
		q := queries.New(tx)
		if row, err = q.IntegrationForCheck(ctx, c.job.Args.IntegrationID); err != nil {
			return err
		}
		used, err := q.IntegrationUse(ctx, queries.IntegrationUseParams{ID: row.ID, Purpose: "check"})
		found = foundCredential{
			customerID: c.job.Args.CustomerID, integrationID: row.ID, platform: row.Platform,
			sealed: used.Credential, oldID: used.OldCredentialID, deadline: used.Deadline,
		}
		return err
	})
	if err != nil {
		return row, fmt.Errorf("read credential: %w", err)
	}
	if found.sealed == nil {
		return row, nil
	}
	credential, version, err := credentialOpener{db: c.db, vault: c.vault, log: c.checkWorker.log}.open(ctx, c.scope(), found)
	if version != nil {
		row.Version = *version
	}
	if err != nil {
		return row, later("The account's credential could not be read on this server.", err)
	}
	callCtx, cancel := context.WithTimeout(ctx, checkCall)
	defer cancel()
	account, err := c.account(callCtx, platform.Name(row.Platform), credential)
	if err != nil {
		return row, err
	}
	return row, c.works(ctx, row, account)
}

// account asks whoever speaks to the platform.
func (c *check) account(ctx context.Context, name platform.Name, credential json.RawMessage) (platform.Account, error) {
	if connector := c.connectors[name]; connector != nil {
		return connector.Account(ctx, credential)
	}
	if reader, ok := c.publishers[name].(platform.AccountReader); ok {
		return reader.Account(ctx, credential)
	}
	return platform.Account{}, errNotSetUp
}

// works notes that an account was seen to work, and what it is called now.
func (c *check) works(ctx context.Context, row queries.IntegrationForCheckRow, account platform.Account) error {
	name, url := clip(strings.TrimSpace(account.Name), 500), account.URL
	if name == "" {
		name = row.Name
	}
	if len(url) > 2000 {
		url = row.URL
	}
	err := c.db.TxRetry(ctx, c.scope(), func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		checked, err := q.IntegrationChecked(ctx, queries.IntegrationCheckedParams{ID: row.ID, Version: row.Version, Since: &row.DatabaseNow})
		switch {
		case err != nil:
			return err
		case checked == 0:
			return overtaken(ctx, q, row)
		case account.ExternalID != row.ExternalID:
			return nil
		}
		_, err = q.IntegrationRename(ctx, queries.IntegrationRenameParams{ID: row.ID, Name: name, URL: url})
		return err
	})
	if err != nil {
		return fmt.Errorf("note that an account works: %w", err)
	}
	return nil
}

// askLogin asks about the login itself, whose tokens cannot be renewed, when an account of it is refused.
func (c *check) askLogin(ctx context.Context, row queries.IntegrationForCheckRow) error {
	var sealed []byte
	err := c.db.TxRetry(ctx, c.scope(), func(ctx context.Context, tx *tenant.Tx) (err error) {
		sealed, err = queries.New(tx).AuthorizationUse(ctx, queries.AuthorizationUseParams{ID: *row.AuthorizationID, Purpose: "check"})
		return err
	})
	if err != nil {
		return fmt.Errorf("read tokens: %w", err)
	}
	connector := c.connectors[platform.Name(row.Platform)]
	if sealed == nil || connector == nil {
		return errNotSetUp
	}
	tokens, err := openTokens(c.vault, c.grant(*row.AuthorizationID), row.Platform, sealed)
	if err != nil {
		return later("The account's tokens could not be read on this server.", err)
	}
	callCtx, cancel := context.WithTimeout(ctx, checkCall)
	defer cancel()
	_, err = connector.Login(callCtx, tokens)
	switch {
	case refuses(err):
		return c.mark(ctx, row, reasonRefused, true)
	case err != nil:
		return err
	}
	return c.mark(ctx, row, reasonAccessLost, false)
}

// mark notes that an account is refused: the account alone, or with login everything that the same sign-in carries.
// An account that is the login itself is both.
func (c *check) mark(ctx context.Context, row queries.IntegrationForCheckRow, reason string, login bool) error {
	err := c.db.TxRetry(ctx, c.scope(), func(ctx context.Context, tx *tenant.Tx) error {
		r := refusal{
			customerID: c.job.Args.CustomerID, integrationID: row.ID, version: row.Version, reason: reason,
			authorizationVersion: row.AuthorizationVersion,
		}
		if row.AuthorizationID != nil && (login || row.ExternalID == row.Login) {
			r.authorizationID, r.reason = row.AuthorizationID, reasonRefused
		}
		marked, err := c.notices.markRefused(ctx, tx, r)
		if err != nil || marked {
			return err
		}
		return overtaken(ctx, queries.New(tx), row)
	})
	if err != nil {
		return fmt.Errorf("note that an account is refused: %w", err)
	}
	return nil
}

// overtaken says that an account is to be asked about once more: the answer is about a credential that it does not have
// any more. It is not where the account does not work any more, or somebody else has seen since that it does.
func overtaken(ctx context.Context, q *queries.Queries, row queries.IntegrationForCheckRow) error {
	now, err := q.IntegrationForCheck(ctx, row.ID)
	if err != nil || now.State != "active" || orZero(now.CheckedAt).After(row.DatabaseNow) {
		return err
	}
	return later("The account was changed while its platform was asked about it.", nil)
}

// refusal says of what a platform does not accept the credential.
type refusal struct {
	customerID, integrationID uuid.UUID
	version                   int64
	// authorizationID: it is the login that is refused, with all its accounts.
	authorizationID      *uuid.UUID
	authorizationVersion int64
	reason               string
}

// markRefused notes that a platform refuses an account or its login, and has it told. marked is false where that has
// changed since.
func (n *notices) markRefused(ctx context.Context, tx *tenant.Tx, r refusal) (marked bool, err error) {
	if r.authorizationID == nil {
		return n.markAccount(ctx, tx, r.customerID, r.integrationID, r.version, r.reason)
	}
	changed, err := queries.New(tx).AuthorizationNeedsReauth(ctx, queries.AuthorizationNeedsReauthParams{
		ID: *r.authorizationID, Version: r.authorizationVersion, Reason: &r.reason,
	})
	if err != nil || changed == 0 {
		return false, err
	}
	n.log.WarnContext(ctx, "an account's access is refused; somebody must sign in again", "customer_id", r.customerID,
		"authorization_id", r.authorizationID, "reason", r.reason)
	return true, n.authorizationNeedsReauth(ctx, tx, grant{customerID: r.customerID, id: *r.authorizationID})
}

// dispatchChecks has accounts asked about that nobody has seen working for a day, spread over the time until the next
// look.
func (w *Worker) dispatchChecks(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	todo, err := w.q.IntegrationListToCheck(ctx, checksAtOnce)
	if err != nil {
		return fmt.Errorf("look for accounts to check: %w", err)
	}
	var all error
	for _, i := range todo {
		opts := &river.InsertOpts{Tags: []string{"daily"}, ScheduledAt: time.Now().Add(rand.N(checksEvery))} //nolint:gosec // chance, not secrecy
		all = errors.Join(all, w.enqueue(ctx, i.CustomerID, CheckIntegrationArgs{CustomerID: i.CustomerID, IntegrationID: i.ID}, opts))
	}
	return all
}
