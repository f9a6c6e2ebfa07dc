package cmd

import (
	"context"
	"log/slog"

	"fanfare/internal/telemetry"
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
