package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"fanfare/api"
	"fanfare/db"
	"fanfare/internal/telemetry"
	"fanfare/jobs"
	"fanfare/queries"
)

type workerCommand struct {
	serviceConfig
	workerSettings
	WorkerDatabaseURL string `required:"" env:"WORKER_DATABASE_URL" help:"Database, as fanfare_worker; a direct connection, not through a transaction pooler."`
	DatabaseURL       string `env:"DATABASE_URL" help:"Database, as fanfare_login, with which chats are answered; without it this worker answers none."`
	ChatPool          int32  `name:"chat-database-pool" default:"10" env:"FANFARE_CHAT_DATABASE_POOL" help:"Connections at most of that URL."`
}

// workerConnections is how many connections a worker has at most, unless that is set.
const workerConnections = 30

// workerSettings say how a worker works.
type workerSettings struct {
	Concurrency    int           `default:"200" env:"FANFARE_WORKER_CONCURRENCY" help:"Posts that a worker publishes at once."`
	Lease          time.Duration `default:"10s" env:"FANFARE_WORKER_LEASE" help:"How long after its last sign of life a worker's jobs are handed to others."`
	Pool           int32         `name:"worker-database-pool" default:"30" env:"FANFARE_WORKER_DATABASE_POOL" help:"Connections of a worker at most, from 3, besides one that only listens."`
	CustomerChecks int           `default:"4" env:"FANFARE_WORKER_CUSTOMER_CHECKS" help:"Accounts of one customer that are checked at once, over all workers, about."`
	AuditMonths    int32         `default:"24" env:"FANFARE_AUDIT_MONTHS" help:"Whole months for which the audit log is kept, besides the current one; 0 keeps it forever."`
}

// Validate is called by kong.
func (c *workerSettings) Validate() error {
	if c.Concurrency < 1 || c.Concurrency > 10_000 {
		return fmt.Errorf("--concurrency (FANFARE_WORKER_CONCURRENCY) must be from 1 to 10000, not %d", c.Concurrency)
	}
	if c.Lease < time.Second || c.Lease > 10*time.Minute {
		return fmt.Errorf("--lease (FANFARE_WORKER_LEASE) must be from 1s to 10m, not %s", c.Lease)
	}
	if c.Pool < 3 || c.Pool > 1000 {
		return fmt.Errorf("--worker-database-pool (FANFARE_WORKER_DATABASE_POOL) must be from 3 to 1000, not %d", c.Pool)
	}
	if c.CustomerChecks < 1 || c.CustomerChecks > 10_000 {
		return fmt.Errorf("--customer-checks (FANFARE_WORKER_CUSTOMER_CHECKS) must be from 1 to 10000, not %d", c.CustomerChecks)
	}
	if c.AuditMonths < 0 || c.AuditMonths > 1200 {
		return fmt.Errorf("--audit-months (FANFARE_AUDIT_MONTHS) must be from 0 to 1200, not %d", c.AuditMonths)
	}
	return nil
}

func (c *workerSettings) config() jobs.WorkerConfig {
	return jobs.WorkerConfig{Concurrency: c.Concurrency, Lease: c.Lease, CustomerChecks: c.CustomerChecks, AuditMonths: c.AuditMonths}
}

// Run works the queue until it is told to stop.
func (c *workerCommand) Run(ctx context.Context, s streams) error {
	log := c.logger(s.err)
	with, err := c.services(ctx, "", false)
	if err != nil {
		return err
	}
	var handler http.Handler
	if c.DatabaseURL == "" {
		log.WarnContext(ctx, "this worker answers no chats: "+loginSetting+" is not set")
	} else {
		for _, missing := range missingForChats(with.model != nil, with.photos != nil) {
			log.WarnContext(ctx, missing)
		}
		pool, err := openPool(ctx, c.DatabaseURL, loginSetting, "fanfare_login", c.ChatPool, log)
		if err != nil {
			return err
		}
		defer pool.Close()
		deps, err := with.api(pool, log) // nobody reaches it from outside, so that there is nothing to verify tokens with
		if err != nil {
			return err
		}
		handler = api.New(deps)
	}
	parts, err := c.withMetrics(ctx, log, watchKeys(with.vault, log), func(ctx context.Context) error {
		return with.work(ctx, log, c.WorkerDatabaseURL, c.Pool, handler, c.config())
	})
	if err != nil {
		return err
	}
	return together(ctx, log, parts...)
}

// missingForChats says what a worker that answers chats cannot do there. serve may have the settings all the same: what is asked in a chat,
// the worker's own handler does.
func missingForChats(model, photos bool) []string {
	var all []string
	if !model {
		all = append(all, "chats are answered, and no language model is set up here, so that none writes posts in them but by a customer's own key: FANFARE_LLM_PROVIDER, "+
			"FANFARE_LLM_API_KEY and FANFARE_LLM_MODEL are to be set as for serve")
	}
	if !photos {
		all = append(all, "chats are answered, and no photos can be searched for in them: FANFARE_UNSPLASH_ACCESS_KEY is to be set as for serve")
	}
	return all
}

// work runs a worker with so many connections until ctx ends, then lets the jobs under way finish. While the database is away
// at the start, it waits for it. handler is the API's, through which chats are answered; nil: this worker answers none.
func (s services) work(ctx context.Context, log *slog.Logger, databaseURL string, connections int32, handler http.Handler, config jobs.WorkerConfig) error {
	pool, err := openPool(ctx, databaseURL, workerSetting, "fanfare_worker", connections, log)
	if err != nil {
		return err
	}
	defer pool.Close()
	telemetry.ObserveOldCredentials(queries.New(pool).OldCredentialCount)
	telemetry.ObserveOldestChatUpdate(queries.New(pool).ChatOldest)
	s.observeFiles(queries.New(pool))
	deps := jobs.Deps{
		Pool: pool, Log: slog.New(newCalmHandler(log.Handler())), Vault: s.vault, Publishers: s.outside.publishers, Connectors: s.outside.connectors,
		Bucket: s.files, Workspaces: s.workspaces, Backups: s.backups, Mail: s.mailer, PublicURL: s.publicURL, Egress: s.outside.egress, Embedder: s.embedder, Version: api.Version,
	}
	if handler != nil {
		registry, err := newBots(pool, s.vault, s.bots, deps.Log)
		if err != nil {
			return err
		}
		deps.Chats = &jobs.Chats{API: handler, Bots: registry}
	}
	const day = 24 * time.Hour
	config.Backups = s.backupConfig
	config.Workspaces = jobs.WorkspaceRules{
		Unused: time.Duration(s.workspaceRules.UnusedDays) * day, Notice: time.Duration(s.workspaceRules.NoticeDays) * day, Keep: time.Duration(s.workspaceRules.ArchiveDays) * day,
		Quota: s.workspaceRules.Quota,
	}
	worker, err := jobs.NewWorker(deps, config)
	if err != nil {
		return err
	}
	var said string
	var saidAt time.Time
	for {
		if err = worker.Start(ctx); err == nil {
			break
		}
		text := "the worker cannot start yet"
		if db.Unmigrated(err) {
			text = "the worker cannot start yet: " + notMigrated
		}
		if text != said || time.Since(saidAt) >= sayAgainAfter {
			log.WarnContext(ctx, text, "error", err)
			said, saidAt = text, time.Now()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
	log.InfoContext(ctx, "worker is working")
	<-ctx.Done()
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := worker.Stop(stopCtx); err != nil {
		return fmt.Errorf("stop worker: %w", err)
	}
	return nil
}
