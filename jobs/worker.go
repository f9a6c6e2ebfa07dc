package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"fanfare/db/tenant"
	"fanfare/queries"
)

const (
	// DefaultLease is how long after its last sign of life a worker is taken for dead.
	DefaultLease = 10 * time.Second
	// DefaultConcurrency is how many posts a worker publishes at once. Nearly all of that time is spent waiting
	// for platforms, with nothing held but memory.
	DefaultConcurrency = 200
	// DefaultCustomerChecks is about how many of one customer's accounts are checked at once, and how many of its MCP servers.
	DefaultCustomerChecks = 4
	// pollInterval is how often a worker looks for due jobs, and so the most that a scheduled post waits.
	pollInterval = 200 * time.Millisecond
	// promoteEvery and promoteAhead: scheduled jobs are put within reach of that look before they are due.
	promoteEvery = 500 * time.Millisecond
	promoteAhead = 3 * time.Second
	// sweepEvery is how often a worker looks for posts whose job is gone, sweepOverdue how late those must be.
	sweepEvery   = time.Minute
	sweepOverdue = time.Minute
	// dispatchEvery is how often a worker looks for exports and erasures that were asked for.
	dispatchEvery = time.Second
	// limitsEvery is how often a worker deletes what says nothing any more of how rate limits were used, limitsBatch
	// how many rows at once.
	limitsEvery = 5 * time.Minute
	limitsBatch = 10_000
	// usageEvery is how often what was used is added up, and reservations of LLM calls are looked for that were left behind.
	usageEvery = time.Minute
	// sealEvery is how often what was written to the audit log is sealed, sealBatch how many rows in one transaction.
	sealEvery = time.Second
	sealBatch = 5000
	// maintainEvery is how often the months of the audit log are looked after.
	maintainEvery = time.Hour
)

// WorkerConfig is how a worker runs.
type WorkerConfig struct {
	// Concurrency is how many posts are published at once; 0 means DefaultConcurrency.
	Concurrency int
	// Lease is how long the worker may be silent before others take its jobs over; 0 means DefaultLease.
	Lease time.Duration
	// CustomerChecks is about how many of one customer's accounts are checked at once, and of its MCP servers, over all workers; 0 means
	// DefaultCustomerChecks.
	CustomerChecks int
	// AuditMonths is for how many whole months the audit log is kept besides the current one; 0 means forever.
	AuditMonths int32
	// Workspaces says what becomes of workspaces that nobody uses.
	Workspaces WorkspaceRules
	// Backups says how files are backed up.
	Backups BackupConfig
}

// Worker is a process's share of the queue's work. Any number of them run beside each other.
type Worker struct {
	deps    Deps
	client  *Client
	lease   *lease
	db      *tenant.DB
	q       *queries.Queries
	renewer *renewer
	notices *notices
	months  int32
	backups BackupConfig
	rules   WorkspaceRules
	checks  int // of one customer at once
	stop    context.CancelFunc
	upkeep  sync.WaitGroup
	// stopping is closed when Stop begins.
	stopping     chan struct{}
	stoppingOnce sync.Once
}

// NewWorker makes a worker; Start begins its work.
func NewWorker(deps Deps, config WorkerConfig) (*Worker, error) {
	if config.Concurrency == 0 {
		config.Concurrency = DefaultConcurrency
	}
	if config.Lease == 0 {
		config.Lease = DefaultLease
	}
	if config.CustomerChecks == 0 {
		config.CustomerChecks = DefaultCustomerChecks
	}
	id := workerID()
	q := queries.New(deps.Pool)
	w := &Worker{deps: deps, lease: newLease(id, config.Lease, q), db: tenant.New(deps.Pool), q: q, months: config.AuditMonths, backups: config.Backups, rules: config.Workspaces, checks: config.CustomerChecks, stopping: make(chan struct{})}
	inserter, err := NewInserter(deps.Log)
	if err != nil {
		return nil, err
	}
	w.notices = newNotices(inserter, deps.Mail != nil, deps.Log)
	w.renewer = &renewer{db: w.db, vault: deps.Vault, connectors: deps.Connectors, notices: w.notices, log: deps.Log}
	client, err := river.NewClient(riverpgxv5.New(deps.Pool), &river.Config{
		ID:                id,
		Schema:            Schema,
		Logger:            deps.Log,
		Workers:           all(deps, config, w.lease, w.renewer, w.stopping),
		Queues:            queues(deps, config),
		FetchPollInterval: pollInterval,
		FetchCooldown:     pollInterval / 4,
		RetryPolicy:       retryPolicy{},
		// Dead workers are found by their leases; this is only for what would hang in a living one, and longer than any job.
		RescueStuckJobsAfter: 3 * time.Hour,
	})
	if err != nil {
		return nil, fmt.Errorf("make queue worker: %w", err)
	}
	w.client = client
	return w, nil
}

// queues are those that this worker can serve. A job that is inserted is announced; only what fell due later, in other
// queues than that of posts, waits for the next look.
func queues(deps Deps, config WorkerConfig) map[string]river.QueueConfig {
	served := map[string]river.QueueConfig{
		PublishQueue: {MaxWorkers: config.Concurrency}, ConnectionsQueue: {MaxWorkers: connectionsConcurrency, FetchPollInterval: dispatchEvery},
		ChecksQueue:  {MaxWorkers: checksConcurrency, FetchPollInterval: dispatchEvery},
		MetricsQueue: {MaxWorkers: metricsConcurrency, FetchPollInterval: dispatchEvery},
		EraseQueue:   {MaxWorkers: eraseConcurrency, FetchPollInterval: dispatchEvery}, ResealQueue: {MaxWorkers: 1, FetchPollInterval: dispatchEvery},
		WebhooksQueue: {MaxWorkers: webhooksConcurrency}, PairingsQueue: {MaxWorkers: pairingsConcurrency, FetchPollInterval: dispatchEvery},
	}
	if deps.Workspaces != nil {
		served[WorkspaceQueue] = river.QueueConfig{MaxWorkers: workspaceConcurrency, FetchPollInterval: dispatchEvery}
		served[WorkspaceReturnQueue] = river.QueueConfig{MaxWorkers: workspaceConcurrency, FetchPollInterval: dispatchEvery}
	}
	if deps.Backups != nil {
		served[BackupQueue] = river.QueueConfig{MaxWorkers: backupConcurrency, FetchPollInterval: dispatchEvery}
		served[RestoreQueue] = river.QueueConfig{MaxWorkers: restoreConcurrency, FetchPollInterval: dispatchEvery}
	}
	if deps.Bucket != nil {
		served[ExportQueue] = river.QueueConfig{MaxWorkers: exportConcurrency, FetchPollInterval: dispatchEvery}
	}
	if deps.Embedder != nil {
		served[EmbeddingsQueue] = river.QueueConfig{MaxWorkers: embeddingsConcurrency, FetchPollInterval: dispatchEvery}
	}
	if deps.Chats != nil {
		served[ChatQueue] = river.QueueConfig{MaxWorkers: chatsFetched}
	}
	if deps.Mail != nil {
		served[MailQueue] = river.QueueConfig{MaxWorkers: mailConcurrency}
	}
	return served
}

// Start begins to work jobs, until Stop. ctx covers the start alone.
func (w *Worker) Start(ctx context.Context) error {
	if err := w.lease.renew(ctx); err != nil {
		return fmt.Errorf("take worker's lease: %w", err)
	}
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	w.stop = stop
	w.every(background, w.lease.duration/5, w.renew)
	w.every(background, promoteEvery, w.promote)
	w.every(background, w.lease.duration/4, w.rescue)
	w.every(background, sweepEvery, w.sweep)
	w.every(background, sweepEvery, w.forget)
	w.every(background, dispatchEvery, w.dispatchExports)
	w.every(background, dispatchEvery, w.dispatchErasures)
	w.every(background, sweepEvery, w.removeMedia)
	w.every(background, dispatchEvery, w.dispatchAuthorizations)
	w.every(background, webhooksEvery, w.dispatchWebhooks)
	w.every(background, sweepEvery, w.giveUpWebhooks)
	w.every(background, checksEvery, w.dispatchChecks)
	w.every(background, dispatchEvery, w.dispatchMCP)
	w.every(background, dispatchEvery, w.dispatchRecurring)
	w.every(background, pairEvery, w.completePairings)
	w.every(background, checksEvery, w.remind)
	w.every(background, measureEvery, w.dispatchMeasurements)
	w.every(background, embeddingsEvery, w.dispatchEmbeddings)
	w.every(background, limitsEvery, w.sweepLimits)
	w.every(background, limitsEvery, w.forgetWatched)
	w.every(background, usageEvery, w.addUpUsage)
	w.every(background, sealEvery, w.seal)
	w.every(background, maintainEvery, w.maintainAudit)
	w.every(background, moveEvery, w.endCredentialMoves)
	if w.deps.Workspaces != nil {
		w.every(background, dispatchEvery, w.dispatchWorkspaces)
		w.every(background, scratchEvery, w.clearScratch)
	}
	if w.deps.Backups != nil {
		w.every(background, nightEvery, w.beginNight)
		w.every(background, dispatchEvery, w.dispatchBackups)
	}
	if w.deps.Chats != nil {
		w.every(background, chatsEvery, w.dispatchChats)
		w.every(background, limitsEvery, w.forgetChats)
		w.every(background, pollersEvery, newPollers(w).look)
	}
	if err := w.client.Start(context.WithoutCancel(ctx)); err != nil {
		stop()
		w.upkeep.Wait()
		return fmt.Errorf("start queue worker: %w", err)
	}
	return nil
}

// Stop lets the jobs under way finish and takes no new ones; what takes long is handed over where it stands. When ctx ends first, they are cancelled: a
// publishing call is broken off and its outcome is found out by whoever comes next.
func (w *Worker) Stop(ctx context.Context) error {
	w.stoppingOnce.Do(func() { close(w.stopping) })
	err := w.client.Stop(ctx)
	if err != nil {
		hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
		defer cancel()
		err = w.client.StopAndCancel(hard)
	}
	w.renewer.close()
	w.stop()
	w.upkeep.Wait()
	forgetCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if forgetErr := w.lease.forget(forgetCtx); forgetErr != nil {
		w.deps.Log.WarnContext(ctx, "worker's lease could not be given up; it runs out by itself", "error", forgetErr)
	}
	return err
}

// forgetWatched forgets the customers at whom nobody looks any more.
func (w *Worker) forgetWatched(ctx context.Context) error {
	if _, err := w.q.LiveForget(ctx); err != nil {
		return fmt.Errorf("forget who is looked at: %w", err)
	}
	return nil
}

// every runs a piece of upkeep now and then, and says so when it fails: the next time it may not.
func (w *Worker) every(ctx context.Context, interval time.Duration, work func(context.Context) error) {
	w.upkeep.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			if err := work(ctx); err != nil && ctx.Err() == nil {
				w.deps.Log.WarnContext(ctx, "worker's upkeep failed", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
		}
	})
}

func (w *Worker) renew(ctx context.Context) error {
	lost := w.lease.lapse()
	err := w.lease.renew(ctx)
	if err != nil {
		lost = w.lease.lose() || lost
		err = fmt.Errorf("renew lease: %w", err)
	}
	if lost {
		w.deps.Log.ErrorContext(ctx, "worker's lease is lost; the calls under way are broken off")
	}
	return err
}

func (w *Worker) promote(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := w.q.JobPromote(ctx, queries.JobPromoteParams{Ahead: promoteAhead, MaxRows: 10_000})
	if err != nil {
		return fmt.Errorf("promote due jobs: %w", err)
	}
	return nil
}

func (w *Worker) rescue(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	rescued, err := w.q.JobRescue(ctx, 1000)
	if err != nil {
		return fmt.Errorf("rescue jobs of dead workers: %w", err)
	}
	for _, job := range rescued {
		w.deps.Log.WarnContext(ctx, "job of a dead worker is handed on", "job_id", job.ID, "kind", job.Kind)
	}
	return nil
}

// sweep enqueues the publishing of posts that are due and have no job, and forgets workers long dead.
func (w *Worker) sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if _, err := w.q.WorkerDeleteStale(ctx); err != nil {
		return fmt.Errorf("forget dead workers: %w", err)
	}
	stranded, err := w.q.PlatformPostListStranded(ctx, queries.PlatformPostListStrandedParams{Overdue: sweepOverdue, MaxRows: 1000})
	if err != nil {
		return fmt.Errorf("look for stranded posts: %w", err)
	}
	for _, s := range stranded {
		err := w.db.Tx(ctx, tenant.Worker(s.CustomerID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := w.client.InsertTx(ctx, tx, PublishArgs{CustomerID: s.CustomerID, PostID: s.PostID, PlatformPostID: s.PlatformPostID}, nil)
			return err
		})
		if err != nil {
			return fmt.Errorf("enqueue stranded post: %w", err)
		}
		w.deps.Log.WarnContext(ctx, "post had no job and is enqueued again", "customer_id", s.CustomerID, "platform_post_id", s.PlatformPostID)
	}
	return nil
}

// forget deletes what is kept for a while only. None of it keeps another from being done.
func (w *Worker) forget(ctx context.Context) error {
	_, erased := timed(ctx, 30*time.Second, w.q.ErasureForget)
	if err := errors.Join(
		repeatedly(ctx, w.q.AgentTokenDeleteExpired), repeatedly(ctx, w.q.IdempotencyKeyDeleteExpired), erased,
		repeatedly(ctx, w.q.ConnectSessionDeleteExpired), repeatedly(ctx, w.q.WebhookForget),
	); err != nil {
		return fmt.Errorf("forget what has had its time: %w", err)
	}
	return nil
}

// repeatedly does a piece of upkeep that concerns so many rows at once, until it finds fewer.
func repeatedly(ctx context.Context, work func(ctx context.Context, atOnce int32) (int64, error)) error {
	const atOnce = 10_000
	for {
		n, err := timed(ctx, 30*time.Second, func(ctx context.Context) (int64, error) { return work(ctx, atOnce) })
		if err != nil || n < atOnce {
			return err
		}
	}
}

func timed[T any](ctx context.Context, limit time.Duration, do func(ctx context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return do(ctx)
}

// sweepLimits keeps the tables of rate limits small.
func (w *Worker) sweepLimits(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		deleted, err := w.q.RateLimitSweep(ctx, limitsBatch)
		if err != nil {
			return fmt.Errorf("sweep rate limits: %w", err)
		}
		if deleted < limitsBatch {
			return nil
		}
	}
}

// addUpUsage keeps the tables of usage and of LLM budgets small. Neither keeps the other from being done.
func (w *Worker) addUpUsage(ctx context.Context) error {
	if err := errors.Join(repeatedly(ctx, w.q.UsageAddUp), repeatedly(ctx, w.q.LLMExpire)); err != nil {
		return fmt.Errorf("add up what customers use: %w", err)
	}
	return nil
}

// seal puts what was written to the audit log under seals. Whatever could not be sealed waits for the next time.
func (w *Worker) seal(ctx context.Context) error {
	for {
		sealed, err := w.sealSome(ctx)
		if err != nil {
			return fmt.Errorf("seal the audit log: %w", err)
		}
		if sealed < sealBatch {
			return nil
		}
	}
}

func (w *Worker) sealSome(ctx context.Context) (int32, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	return w.q.AuditSeal(ctx, sealBatch)
}

// maintainAudit makes the months to come of the audit log, and drops those that are too old.
func (w *Worker) maintainAudit(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var keep *int32
	if w.months > 0 {
		keep = &w.months
	}
	if err := w.q.AuditMaintain(ctx, keep); err != nil {
		return fmt.Errorf("look after the months of the audit log: %w", err)
	}
	return nil
}

// retryPolicy is for trouble of our own, such as a database that was away: soon, and then not too often.
type retryPolicy struct{}

// NextRetry is when a failed job runs again.
func (retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(backoff(len(job.Errors)+1, time.Second, time.Minute))
}

// workerID names a process uniquely, and tells an operator where it runs.
func workerID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%.60s-%d-%s", host, os.Getpid(), strings.ToLower(rand.Text()[:8]))
}
