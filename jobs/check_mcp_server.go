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
	"golang.org/x/sync/errgroup"

	"fanfare/db/tenant"
	"fanfare/internal/mcpclient"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

const (
	// An MCP server that lets in, or wants a credential, is looked at again after mcpPause. One that fails is after
	// mcpFailurePause, then ever later, mcpPause at most.
	mcpPause, mcpFailurePause = 6 * time.Hour, time.Minute
	// mcpRefusedPause is when one is looked at again that does not accept a credential any more: only a person can change that.
	mcpRefusedPause = 24 * time.Hour
	// mcpAtOnce is about how many servers and credentials are looked for at once, over all customers, each of which has a share.
	mcpAtOnce = 100
	// mcpEndPatience is how long a server is told again and again that a sign-in has ended.
	mcpEndPatience = 24 * time.Hour
)

// CheckMCPServerArgs name an MCP server that is to be looked at, with a credential, or with zeros without any.
type CheckMCPServerArgs struct {
	CustomerID   uuid.UUID `json:"customer_id"`
	MCPServerID  uuid.UUID `json:"mcp_server_id"`
	CredentialID uuid.UUID `json:"credential_id"`
}

// Kind is the job's name in the queue.
func (CheckMCPServerArgs) Kind() string { return "check_mcp_server" }

// InsertOpts are the job's defaults.
func (CheckMCPServerArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: ChecksQueue, MaxAttempts: 20, UniqueOpts: oneAtATime}
}

// checkMCPWorker looks at one MCP server. Each credential has its own look and its own status: what a server says to one
// person, nobody else is told.
type checkMCPWorker struct {
	river.WorkerDefaults[CheckMCPServerArgs]
	db    *tenant.DB
	vault *vault.Vault
	mcp   *mcpclient.Client
	lease *lease
	log   *slog.Logger
}

// Timeout bounds the job: two looks with a sign-in's discovery each, and a renewal.
func (*checkMCPWorker) Timeout(*river.Job[CheckMCPServerArgs]) time.Duration {
	return renewLease + 2*time.Minute
}

// Work looks, or finds that there is nothing to look at any more.
func (w *checkMCPWorker) Work(ctx context.Context, job *river.Job[CheckMCPServerArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	c := &mcpCheck{checkMCPWorker: w, args: job.Args, scope: tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID, Operation: job.Kind}),
		log: w.log.With("customer_id", job.Args.CustomerID, "mcp_server_id", job.Args.MCPServerID, "credential_id", job.Args.CredentialID, "job_id", job.ID)}
	run := c.server
	if job.Args.CredentialID != uuid.Nil {
		run = c.credential
	}
	err := run(ctx)
	switch {
	case errors.Is(err, tenant.ErrNotFound), errors.Is(err, pgx.ErrNoRows):
		return river.JobCancel(errors.New("there is nothing to look at any more"))
	case err != nil && ctx.Err() != nil:
		return river.JobSnooze(time.Second) // it was broken off by us; nothing is wrong with it
	}
	return err
}

// mcpCheck is one run of the job.
type mcpCheck struct {
	*checkMCPWorker
	args  CheckMCPServerArgs
	scope tenant.Scope
	log   *slog.Logger
}

func (c *mcpCheck) tx(ctx context.Context, fn func(q *queries.Queries) error) error {
	return c.db.TxRetry(ctx, c.scope, func(_ context.Context, tx *tenant.Tx) error { return fn(queries.New(tx)) })
}

// found is what came of a look, as it is stored.
type found struct {
	status               string
	login                *string
	server, metadata     json.RawMessage
	failureCode, failure *string
	failures             int32
	wait                 time.Duration
}

// foundBy is what a status comes to; before is how many looks in a row had failed.
func foundBy(status mcpclient.Status, before int32) (f found, err error) {
	f = found{status: string(status.State), wait: shortened(mcpPause)}
	switch status.State {
	case mcpclient.Connected:
		f.server, err = json.Marshal(status.Server)
	case mcpclient.NeedsLogin:
		f.login = ptr(status.Login.How)
		if status.Login.Refused {
			f.failureCode, f.failure = ptr("refused"), ptr("The server does not accept the credential.")
			f.wait = shortened(mcpRefusedPause)
		}
		if status.Login.Metadata != nil {
			f.metadata, err = json.Marshal(status.Login.Metadata)
		}
	default:
		f.failures = before + 1
		f.failureCode, f.failure = ptr(clip(status.Failure.Code, 100)), ptr(clip(status.Failure.Message, 1000))
		f.wait = max(shortened(backoff(int(f.failures), mcpFailurePause, mcpPause)), min(time.Until(status.Failure.RetryAt), mcpPause))
	}
	if err != nil {
		return found{}, fmt.Errorf("encode what a server says: %w", err)
	}
	return f, nil
}

// server looks without a credential.
func (c *mcpCheck) server(ctx context.Context) error {
	row, err := queries.New(c.db.Read(c.scope)).McpServerForCheck(ctx, c.args.MCPServerID)
	if err != nil {
		return fmt.Errorf("read MCP server: %w", err)
	}
	status, err := c.mcp.Check(ctx, row.URL, "")
	if err != nil {
		return err
	}
	f, err := foundBy(status, row.Failures)
	if err != nil {
		return err
	}
	c.log.InfoContext(ctx, "an MCP server was looked at", "status", f.status, "code", orZero(f.failureCode), "again_in", f.wait)
	return c.tx(ctx, func(q *queries.Queries) error {
		_, err := q.McpServerChecked(ctx, queries.McpServerCheckedParams{
			ID: c.args.MCPServerID, URL: row.URL, Status: f.status, Login: f.login, Server: f.server, Metadata: f.metadata,
			FailureCode: f.failureCode, Failure: f.failure, Failures: f.failures, Wait: f.wait,
		})
		return err
	})
}

// credential looks with one, which is renewed before where that is due, and once where the server refuses it.
func (c *mcpCheck) credential(ctx context.Context) error {
	row, err := c.read(ctx)
	if err != nil {
		return err
	}
	wasDue := row.Due
	if wasDue {
		if refused, err := c.renew(ctx, row, false); err != nil || refused {
			return err
		}
		if row, err = c.read(ctx); err != nil {
			return err
		}
	}
	status, err := c.look(ctx, row)
	if err != nil {
		return err
	}
	if status.State == mcpclient.NeedsLogin && row.Renewable && !wasDue {
		if refused, err := c.renew(ctx, row, true); err != nil || refused {
			return err
		}
		if status, err = c.look(ctx, row); err != nil {
			return err
		}
	}
	f, err := foundBy(status, row.Failures)
	if err != nil {
		return err
	}
	c.log.InfoContext(ctx, "an MCP server was looked at with a credential", "status", f.status, "code", orZero(f.failureCode), "again_in", f.wait)
	return c.tx(ctx, func(q *queries.Queries) error {
		_, err := q.CredentialChecked(ctx, queries.CredentialCheckedParams{
			ID: c.args.CredentialID, Version: row.Version, Status: f.status, Server: f.server,
			FailureCode: f.failureCode, Failure: f.failure, Failures: f.failures, Wait: f.wait,
		})
		return err
	})
}

func (c *mcpCheck) read(ctx context.Context) (queries.CredentialForCheckRow, error) {
	row, err := queries.New(c.db.Read(c.scope)).CredentialForCheck(ctx, c.args.CredentialID)
	if err != nil {
		return row, fmt.Errorf("read credential: %w", err)
	}
	return row, nil
}

// look asks the server with the credential as it is now.
func (c *mcpCheck) look(ctx context.Context, row queries.CredentialForCheckRow) (mcpclient.Status, error) {
	var sealed []byte
	if err := c.tx(ctx, func(q *queries.Queries) (err error) {
		sealed, err = q.CredentialUse(ctx, queries.CredentialUseParams{ID: c.args.CredentialID, Purpose: "check"})
		return err
	}); err != nil {
		return mcpclient.Status{}, fmt.Errorf("use credential: %w", err)
	}
	if sealed == nil {
		return mcpclient.Status{}, fmt.Errorf("use credential: %w", pgx.ErrNoRows) // whose it is has left
	}
	secret, err := openMCPSecret(c.vault, c.args.CustomerID, c.args.CredentialID, sealed)
	if err != nil {
		return mcpclient.Status{}, err
	}
	return c.mcp.Check(ctx, row.URL, secret.Authorization())
}

func openMCPSecret(v *vault.Vault, customerID, id uuid.UUID, sealed []byte) (mcpclient.Secret, error) {
	plain, err := v.Unseal(sealed, vault.SpaceCredential(customerID, id))
	if err != nil {
		return mcpclient.Secret{}, fmt.Errorf("open credential: %w", err)
	}
	return mcpclient.ParseSecret(plain)
}

// renew gets new tokens for the credential, under a lease that one worker has at a time. forced: although its time has not
// come. Nothing happens where somebody else is at it. refused says that only a person can go on, which is stored.
//
// The lease is committed before the server is asked, with a mark that the outcome is unknown. The answer is stored only while
// the lease is ours.
func (c *mcpCheck) renew(ctx context.Context, row queries.CredentialForCheckRow, forced bool) (refused bool, err error) {
	lease, until := uuid.New(), time.Now().Add(renewLease)
	var taken queries.CredentialTakeLeaseRow
	err = c.tx(ctx, func(q *queries.Queries) (err error) {
		taken, err = q.CredentialTakeLease(ctx, queries.CredentialTakeLeaseParams{
			ID: c.args.CredentialID, Lease: lease, Duration: renewLease, Forced: forced, Version: row.Version,
		})
		return err
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("take lease on renewal: %w", err)
	case taken.Credential == nil:
		return false, fmt.Errorf("use credential: %w", pgx.ErrNoRows)
	}
	// From here on an answer may be on its way that must be kept.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	secret, err := openMCPSecret(c.vault, c.args.CustomerID, c.args.CredentialID, taken.Credential)
	if err != nil {
		return false, errors.Join(err, c.notRenewed(ctx, lease, taken, &platform.Error{Class: platform.Transient}))
	}
	tokens, err := c.mcp.Refresh(ctx, secret.Metadata, secret.Registration, secret.Tokens.RefreshToken)
	if err == nil {
		secret.Tokens = tokens
		return false, c.keep(ctx, lease, secret)
	}
	problem := platform.AsError(err)
	if problem.Class != platform.Credential && problem.Class != platform.Invalid {
		return false, c.notRenewed(ctx, lease, taken, problem)
	}
	c.log.WarnContext(ctx, "an MCP server does not renew a sign-in; somebody must sign in again", "code", problem.Code, "interrupted", taken.WasUnanswered)
	return true, c.tx(ctx, func(q *queries.Queries) error {
		_, err := q.CredentialRefused(ctx, queries.CredentialRefusedParams{
			ID: c.args.CredentialID, Lease: lease, FailureCode: clip(problem.Code, 100), Failure: clip(problem.Message, 1000), Wait: shortened(mcpRefusedPause),
		})
		return err
	})
}

// notRenewed lets a renewal be tried again, sooner where the answer was lost: the server may take the old token for a moment only.
func (c *mcpCheck) notRenewed(ctx context.Context, lease uuid.UUID, taken queries.CredentialTakeLeaseRow, problem *platform.Error) error {
	wait := max(shortened(backoff(int(taken.Failures)+1, renewPause, renewPauseLimit)), min(time.Until(problem.RetryAt), renewRetryLimit))
	unanswered := taken.WasUnanswered
	if problem.Class == platform.UnknownOutcome {
		unanswered = true
		if taken.Failures == 0 {
			wait = renewSoon
		}
	}
	c.log.WarnContext(ctx, "a sign-in to an MCP server could not be renewed yet", "class", problem.Class, "code", problem.Code, "again_in", wait)
	return c.tx(ctx, func(q *queries.Queries) error {
		_, err := q.CredentialNotRenewed(ctx, queries.CredentialNotRenewedParams{
			ID: c.args.CredentialID, Lease: lease, Unanswered: unanswered, RenewAt: time.Now().Add(wait),
		})
		return err
	})
}

// keep stores new tokens, for as long as the lease holds however often that fails: there may be no others.
func (c *mcpCheck) keep(ctx context.Context, lease uuid.UUID, secret mcpclient.Secret) error {
	plain, err := json.Marshal(secret)
	if err != nil {
		return errors.New("the credential cannot be encoded")
	}
	for {
		err := c.tx(ctx, func(q *queries.Queries) error {
			sealed, keyID, err := c.vault.SealWithID(plain, vault.SpaceCredential(c.args.CustomerID, c.args.CredentialID))
			if err != nil {
				return fmt.Errorf("seal credential: %w", err)
			}
			params := queries.CredentialStoreTokensParams{ID: c.args.CredentialID, Lease: lease, Credential: sealed, KeyID: keyID}
			if !secret.Tokens.ExpiresAt.IsZero() {
				params.ExpiresAt = &secret.Tokens.ExpiresAt
			}
			if at := secret.Tokens.RenewAt(); !at.IsZero() {
				params.RenewAt = &at
			}
			stored, err := q.CredentialStoreTokens(ctx, params)
			if err == nil && stored == 0 {
				c.log.WarnContext(ctx, "new tokens of an MCP server are not stored: somebody has signed in again, or another process has taken over")
			}
			return err
		})
		if err == nil || errors.Is(err, tenant.ErrNotFound) {
			return err
		}
		c.log.WarnContext(ctx, "new tokens of an MCP server could not be stored yet", "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("store new tokens: %w", err)
		case <-time.After(time.Second):
		}
	}
}

// EndCredentialArgs name a credential that was withdrawn.
type EndCredentialArgs struct {
	CustomerID   uuid.UUID `json:"customer_id"`
	MCPServerID  uuid.UUID `json:"mcp_server_id"`
	CredentialID uuid.UUID `json:"credential_id"`
}

// Kind is the job's name in the queue.
func (EndCredentialArgs) Kind() string { return "end_credential" }

// InsertOpts are the job's defaults.
func (EndCredentialArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: ConnectionsQueue, MaxAttempts: 10_000, UniqueOpts: oneAtATime}
}

// endCredentialWorker deletes a credential that was withdrawn, and before that tells the server of a sign-in that it has ended.
type endCredentialWorker struct {
	river.WorkerDefaults[EndCredentialArgs]
	db    *tenant.DB
	vault *vault.Vault
	mcp   *mcpclient.Client
	lease *lease
	log   *slog.Logger
}

// Work ends the job's credential.
func (w *endCredentialWorker) Work(ctx context.Context, job *river.Job[EndCredentialArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	log := w.log.With("customer_id", job.Args.CustomerID, "credential_id", job.Args.CredentialID, "job_id", job.ID)
	scope := tenant.Worker(job.Args.CustomerID, tenant.Request{Job: job.ID, Operation: job.Kind})
	err := w.revoke(ctx, scope, job.Args)
	if problem := (*platform.Error)(nil); errors.As(err, &problem) && problem.Class != platform.Invalid && problem.Class != platform.Credential &&
		time.Since(job.CreatedAt) < mcpEndPatience {
		wait := putOff(job.Metadata, problem.RetryAt, checkPause, checkPauseLimit)
		log.WarnContext(ctx, "an MCP server could not be told yet that a sign-in has ended", "code", problem.Code, "again_in", wait)
		return river.JobSnooze(wait)
	}
	switch {
	case errors.Is(err, tenant.ErrNotFound):
		return river.JobCancel(errors.New("the customer is gone"))
	case err != nil && ctx.Err() != nil:
		return river.JobSnooze(time.Second)
	case err != nil:
		log.WarnContext(ctx, "an MCP server was not told that a sign-in has ended; it is forgotten here", "error", err)
	}
	return w.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := queries.New(tx).CredentialEndDelete(ctx, job.Args.CredentialID)
		return err
	})
}

// revoke tells the server, where there is something to tell.
func (w *endCredentialWorker) revoke(ctx context.Context, scope tenant.Scope, args EndCredentialArgs) error {
	var sealed []byte
	err := w.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
		sealed, err = queries.New(tx).CredentialUse(ctx, queries.CredentialUseParams{ID: args.CredentialID, Purpose: "revoke"})
		return err
	})
	if err != nil || sealed == nil {
		return err
	}
	secret, err := openMCPSecret(w.vault, args.CustomerID, args.CredentialID, sealed)
	if err != nil || secret.Token != "" {
		return err
	}
	return w.mcp.Revoke(ctx, secret.Metadata, secret.Registration, secret.Tokens)
}

// signOutErased tells the MCP servers of a customer that is about to be erased, as far as that can be done in a minute. Nothing of
// it keeps the customer from being erased.
func (w *eraseWorker) signOutErased(ctx context.Context, log *slog.Logger, erasure queries.Erasure) {
	rows, err := w.q.CredentialListOfErased(ctx, erasure.ID)
	if err != nil {
		log.WarnContext(ctx, "the MCP servers could not be told of a customer that is erased", "error", err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, revokeErased)
	defer cancel()
	var calls errgroup.Group
	calls.SetLimit(10)
	for _, row := range rows {
		calls.Go(func() error {
			log := log.With("credential_id", row.ID)
			secret, err := openMCPSecret(w.vault, erasure.SubjectID, row.ID, row.Credential)
			if err == nil {
				ctx, cancel := context.WithTimeout(ctx, revokeErasedCall)
				defer cancel()
				err = w.mcp.Revoke(ctx, secret.Metadata, secret.Registration, secret.Tokens)
			}
			if err != nil {
				log.WarnContext(ctx, "a sign-in to an MCP server could not be ended, and is forgotten", "error", err)
				return nil
			}
			log.InfoContext(ctx, "a sign-in to an MCP server is ended before the customer is erased")
			return nil
		})
	}
	_ = calls.Wait() // no call gives an error
}

// dispatchMCP has servers looked at whose time has come, and credentials ended that were withdrawn.
func (w *Worker) dispatchMCP(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	todo, err := w.q.McpToDo(ctx, queries.McpToDoParams{MaxRows: mcpAtOnce, OfCustomer: int32(w.checks)})
	if err != nil {
		return fmt.Errorf("look for MCP servers: %w", err)
	}
	var all error
	for _, d := range todo {
		if d.Work == "end" {
			all = errors.Join(all, w.enqueue(ctx, d.CustomerID, EndCredentialArgs{CustomerID: d.CustomerID, MCPServerID: d.ServerID, CredentialID: d.CredentialID}, nil))
			continue
		}
		opts := &river.InsertOpts{ScheduledAt: time.Now().Add(rand.N(dispatchEvery))} //nolint:gosec // chance, not secrecy
		all = errors.Join(all, w.enqueue(ctx, d.CustomerID, CheckMCPServerArgs{CustomerID: d.CustomerID, MCPServerID: d.ServerID, CredentialID: d.CredentialID}, opts))
	}
	return all
}
