package cmd

import (
	"context"
	"log/slog"
	"time"

	"fanfare/internal/telemetry"
	"fanfare/jobs"
	"fanfare/queries"
)

// metricsConfig says where metrics are served.
type metricsConfig struct {
	MetricsAddr string `env:"FANFARE_METRICS_ADDR" help:"Address on which Prometheus reads /metrics, such as 127.0.0.1:9090; it asks for no password, so keep it from the outside. None by default."`
}

// withMetrics adds the serving of metrics to the parts of a process, if they are wanted.
func (c metricsConfig) withMetrics(ctx context.Context, log *slog.Logger, parts ...func(context.Context) error) ([]func(context.Context) error, error) {
	if c.MetricsAddr == "" {
		return parts, nil
	}
	handler, err := telemetry.Start(slog.New(newCalmHandler(log.Handler())))
	if err != nil {
		return nil, err
	}
	listener, err := listen(ctx, named("metrics-addr"), c.MetricsAddr)
	if err != nil {
		return nil, err
	}
	return append(parts, func(ctx context.Context) error { return serveHTTP(ctx, log, "metrics", listener, handler) }), nil
}

// askFilesEvery is how often the database is asked at most how workspaces and backups stand.
const askFilesEvery = 30 * time.Second

// observeFiles has metrics tell how workspaces and backups stand, where there are any.
func (s services) observeFiles(q *queries.Queries) {
	if s.workspaces != nil {
		telemetry.ObserveWorkspaces(telemetry.Cached(askFilesEvery, func(ctx context.Context) ([]telemetry.WorkspaceCount, error) {
			rows, err := q.WorkspaceCount(ctx)
			counts := make([]telemetry.WorkspaceCount, len(rows))
			for i, r := range rows {
				counts[i] = telemetry.WorkspaceCount{State: r.State, Workspaces: r.Workspaces, Bytes: r.Bytes, ArchiveBytes: r.ArchiveBytes}
			}
			return counts, err
		}))
	}
	if s.backups != nil {
		telemetry.ObserveBackups(askBackups(q, s.backupConfig))
	}
}

// askBackups asks how the backups of all customers stand.
func askBackups(q *queries.Queries, config jobs.BackupConfig) func(context.Context) (telemetry.BackupHealth, error) {
	late, drillLate := config.Late()
	return telemetry.Cached(askFilesEvery, func(ctx context.Context) (telemetry.BackupHealth, error) {
		r, err := q.BackupHealth(ctx, queries.BackupHealthParams{Late: late, DrillLate: drillLate})
		return telemetry.BackupHealth{
			Customers: r.Customers, Late: r.Late, Failing: r.Failing, DrillsLate: r.DrillsLate, DrillsFailing: r.DrillsFailing,
			OldestGoodAt: r.OldestGoodAt, NewestGoodAt: r.NewestGoodAt, NewestGoodDrillAt: r.NewestGoodDrillAt,
		}, err
	})
}
