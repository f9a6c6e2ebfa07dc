package cmd

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"fanfare/jobs"
)

type workerCommand struct {
	logConfig
	keyConfig
	platformConfig
	WorkerDatabaseURL string        `required:"" env:"WORKER_DATABASE_URL" help:"Database, as fanfare_worker; a direct connection, not through a transaction pooler."`
	Concurrency       int           `default:"50" env:"FANFARE_WORKER_CONCURRENCY" help:"Posts that are published at once."`
	Lease             time.Duration `default:"10s" env:"FANFARE_WORKER_LEASE" help:"How long after its last sign of life a worker's jobs are handed to others."`
}

// Run works the queue until it is told to stop.
func (c *workerCommand) Run(ctx context.Context, s streams) error {
	log := c.logger(s.err)
	sealer, err := c.open(ctx)
	if err != nil {
		return err
	}
	publishers, err := c.publishers()
	if err != nil {
		return err
	}
	deps := jobs.Deps{Vault: sealer, Publishers: publishers, Log: log}
	return runWorker(ctx, log, c.WorkerDatabaseURL, deps, jobs.WorkerConfig{Concurrency: c.Concurrency, Lease: c.Lease})
}

// runWorker runs a worker until ctx ends, then lets the jobs under way finish. While the database is away
// at the start, it waits for it.
func runWorker(ctx context.Context, log *slog.Logger, databaseURL string, deps jobs.Deps, config jobs.WorkerConfig) error {
	pool, err := openPool(ctx, databaseURL, "fanfare_worker", 30, log)
	if err != nil {
		return err
	}
	defer pool.Close()
	deps.Pool = pool
	worker, err := jobs.NewWorker(deps, config)
	if err != nil {
		return err
	}
	for {
		if err = worker.Start(ctx); err == nil {
			break
		}
		log.WarnContext(ctx, "the worker cannot start yet", "error", err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("stopped before the worker could start: %w", err)
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
