// Package telemetry counts what the program does, with OpenTelemetry's metrics, and serves the counts in Prometheus'
// text format. Recording is always possible and costs nothing in a process that has not called Start. A metric never
// names a customer, a person or an account: whoever reads metrics has entered no tenant.
package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
)

const (
	// askTimeout bounds what a scrape asks the database.
	askTimeout = 2 * time.Second
	// scrapeTimeout bounds a whole scrape, and scrapesAtOnce how many there may be.
	scrapeTimeout = 8 * time.Second
	scrapesAtOnce = 3
)

// scope is the name of the meter that all instruments are of.
const scope = "fanfare"

// The instruments. They do nothing until Start gives the process a provider.
var (
	meter             = otel.Meter(scope)
	oldCredentialUses = must(meter.Int64Counter("fanfare_old_credential_uses",
		metric.WithDescription("Uses of credentials from an earlier installation.")))
	tokenRenewals = must(meter.Int64Counter("fanfare_token_renewals",
		metric.WithDescription("Renewals of tokens at a platform, by how they ended.")))
)

// must is for instruments, of which only the name or the unit can be wrong.
func must[T any](instrument T, err error) T {
	if err != nil {
		panic("telemetry: " + err.Error())
	}
	return instrument
}

// OldCredentialUse counts that an account was reached with a credential from an earlier installation.
func OldCredentialUse(ctx context.Context, platform string) {
	oldCredentialUses.Add(ctx, 1, metric.WithAttributes(attribute.String("platform", platform)))
}

// Outcomes of TokenRenewal.
const (
	// RenewalDone: there are new tokens, and they are stored.
	RenewalDone = "renewed"
	// RenewalRefused: the platform has ended the grant; a person must sign in again.
	RenewalRefused = "refused"
	// RenewalUnanswered: nobody knows whether the platform made new tokens.
	RenewalUnanswered = "unanswered"
	// RenewalFailed: for a passing reason; nothing has changed, and it is tried again.
	RenewalFailed = "failed"
	// RenewalUnreadable: the stored tokens could not be opened, so the platform was not asked.
	RenewalUnreadable = "unreadable"
	// renewalOther is whatever is none of these.
	renewalOther = "other"
)

var renewalOutcomes = []string{RenewalDone, RenewalRefused, RenewalUnanswered, RenewalFailed, RenewalUnreadable}

// TokenRenewal counts a renewal that was tried. outcome is one of the constants above; anything else is
// counted as "other", so that no text from outside becomes a label.
func TokenRenewal(ctx context.Context, platform, outcome string) {
	if !slices.Contains(renewalOutcomes, outcome) {
		outcome = renewalOther
	}
	tokenRenewals.Add(ctx, 1, metric.WithAttributes(attribute.String("platform", platform), attribute.String("outcome", outcome)))
}

// oldCredentialCount asks how many accounts still live by an old credential; nil until somebody can.
var oldCredentialCount atomic.Pointer[func(context.Context) (int64, error)]

var _ = must(meter.Int64ObservableGauge("fanfare_old_credentials",
	metric.WithDescription("Accounts that still live by a credential from an earlier installation."),
	metric.WithInt64Callback(func(ctx context.Context, observer metric.Int64Observer) error {
		count := oldCredentialCount.Load()
		if count == nil {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		n, err := (*count)(ctx)
		if err != nil {
			return fmt.Errorf("count old credentials: %w", err)
		}
		observer.Observe(n)
		return nil
	})))

// ObserveOldCredentials says how to ask how many accounts still live by an old credential. It is asked at each scrape;
// the metric is left out of an answer for which that fails or takes more than two seconds.
func ObserveOldCredentials(count func(context.Context) (int64, error)) {
	oldCredentialCount.Store(&count)
}

// oldestChatUpdate asks for how many seconds the oldest update of a chat has been waiting; nil until somebody can.
var oldestChatUpdate atomic.Pointer[func(context.Context) (float64, error)]

var _ = must(meter.Float64ObservableGauge("fanfare_oldest_chat_update_seconds",
	metric.WithDescription("For how long the oldest thing that happened in a chat has been waiting to be handled; 0 where nothing does."),
	metric.WithFloat64Callback(func(ctx context.Context, observer metric.Float64Observer) error {
		ask := oldestChatUpdate.Load()
		if ask == nil {
			return nil
		}
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		defer cancel()
		seconds, err := (*ask)(ctx)
		if err != nil {
			return fmt.Errorf("look for the oldest update of a chat: %w", err)
		}
		observer.Observe(seconds)
		return nil
	})))

// ObserveOldestChatUpdate says how to ask for how many seconds the oldest update of a chat has been waiting, as ObserveOldCredentials.
func ObserveOldestChatUpdate(ask func(context.Context) (float64, error)) {
	oldestChatUpdate.Store(&ask)
}

// Cached asks at most once in so long, and answers what it was told last. An error is told and not kept.
func Cached[T any](every time.Duration, ask func(context.Context) (T, error)) func(context.Context) (T, error) {
	asking := make(chan struct{}, 1)
	var told T
	var at time.Time
	return func(ctx context.Context) (T, error) {
		select {
		case asking <- struct{}{}:
			defer func() { <-asking }()
		case <-ctx.Done():
			var none T
			return none, ctx.Err()
		}
		if !at.IsZero() && time.Since(at) < every {
			return told, nil
		}
		answer, err := ask(ctx)
		if err == nil {
			told, at = answer, time.Now()
		}
		return answer, err
	}
}

// Start begins to count, and gives what serves GET /metrics. A process does so once: OpenTelemetry's provider is global.
// What cannot be told to a scrape is logged, and the rest is told.
func Start(log *slog.Logger) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("make metrics: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("metrics are not complete", "error", err) }))
	otel.SetMeterProvider(sdk.NewMeterProvider(sdk.WithReader(reader), sdk.WithView(onlyOurs)))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: scrapesAtOnce, Timeout: scrapeTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError,
	}))
	return mux, nil
}

// onlyOurs drops what libraries count by themselves: what is in /metrics is decided here.
func onlyOurs(i sdk.Instrument) (sdk.Stream, bool) {
	if i.Scope.Name == scope {
		return sdk.Stream{}, false
	}
	return sdk.Stream{Aggregation: sdk.AggregationDrop{}}, true
}
