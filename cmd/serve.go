package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/api"
	"fanfare/db"
	"fanfare/internal/live"
	"fanfare/internal/telemetry"
	"fanfare/queries"
)

// shutdownTimeout is how long requests and jobs under way have to finish.
const shutdownTimeout = 25 * time.Second

type serveCommand struct {
	serviceConfig
	authConfig
	returnConfig
	customersConfig
	dashboardConfig
	Addr              string `default:":8080" env:"FANFARE_ADDR" help:"Address to listen on."`
	DatabaseURL       string `required:"" env:"DATABASE_URL" help:"Database, as fanfare_login."`
	ListenDatabaseURL string `env:"LISTEN_DATABASE_URL" help:"Database, as fanfare_login, by a direct connection, to hear of changes; needed where DATABASE_URL leads through PgBouncer in transaction mode, and the same as it by default."`
	DatabasePool      int32  `default:"20" env:"FANFARE_DATABASE_POOL" help:"Connections at most."`

	TrustedProxies []string `env:"FANFARE_TRUSTED_PROXIES" help:"Networks (CIDR) of your reverse proxies, whose X-Forwarded-For says from where a request comes; none by default."`
	workerSettings
	Worker            bool   `env:"FANFARE_SERVE_WORKER" help:"Also run a worker in this process."`
	WorkerDatabaseURL string `env:"WORKER_DATABASE_URL" help:"Database, as fanfare_worker; needed with --worker."`
}

// Run serves the API until it is told to stop.
func (c *serveCommand) Run(ctx context.Context, s streams) error {
	log := c.logger(s.err)
	if c.Worker && c.WorkerDatabaseURL == "" {
		return errors.New("--worker (FANFARE_SERVE_WORKER) needs " + workerSetting)
	}
	if err := c.check(false); err != nil { // the bots are to know the address as it is written right
		return err
	}
	with, err := c.services(ctx, c.APIURL, true)
	if err != nil {
		return err
	}
	if err := c.check(len(with.outside.connectors) > 0); err != nil {
		return err
	}
	verifier, err := c.verifier(ctx, log)
	if err != nil {
		return err
	}
	signIn, err := c.signIn(c.JwtIssuer)
	if err != nil {
		return err
	}
	corsOrigins, err := c.crossOrigins()
	if err != nil {
		return err
	}
	pages, err := c.pages(append(c.reached(c.JwtIssuer), c.APIURL), nil)
	if err != nil {
		return err
	}
	proxies, err := networks("trusted-proxies", c.TrustedProxies)
	if err != nil {
		return err
	}
	pool, err := openPool(ctx, c.DatabaseURL, loginSetting, "fanfare_login", c.DatabasePool, log)
	if err != nil {
		return err
	}
	defer pool.Close()
	warnIfNotMigrated(ctx, pool, log)
	telemetry.ObserveOldCredentials(queries.New(pool).OldCredentialCount)
	listener, err := listen(ctx, named("addr"), c.Addr)
	if err != nil {
		return err
	}
	deps, err := with.api(pool, log)
	if err != nil {
		return err
	}
	deps.Verifier, deps.Issuer, deps.APIURL, deps.ReturnURLs = verifier, c.JwtIssuer, c.APIURL, c.ReturnURLs
	deps.TrustedProxies, deps.AdminsMakeCustomers = proxies, c.adminsOnly()
	deps.SignIn, deps.Pages, deps.CORSOrigins = signIn, pages, corsOrigins
	if deps.Live, err = live.New(cmp.Or(c.ListenDatabaseURL, c.DatabaseURL), log); err != nil {
		return wrongURL(listenSetting, "fanfare_login")
	}
	handler := api.New(deps)
	parts := []func(context.Context) error{
		func(ctx context.Context) error { return serveHTTP(ctx, log, "api", listener, handler) },
		deps.Live.Run,
		watchKeys(with.vault, log),
		connectBots(deps.ChatBots),
	}
	if c.Worker {
		parts = append(parts, func(ctx context.Context) error {
			return with.work(ctx, log, c.WorkerDatabaseURL, c.Pool, handler, c.config())
		})
	}
	parts, err = c.withMetrics(ctx, log, parts...)
	if err != nil {
		return err
	}
	return together(ctx, log, parts...)
}

// warnIfNotMigrated says so at the start; every request would fail, each in its own words.
func warnIfNotMigrated(ctx context.Context, pool *pgxpool.Pool, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	readiness, err := queries.New(pool).Readiness(ctx)
	switch {
	case db.Unmigrated(err):
		log.ErrorContext(ctx, notMigrated)
	case err == nil && readiness.SchemaVersion < db.Version():
		log.ErrorContext(ctx, notMigrated, "database", readiness.SchemaVersion, "needed", db.Version())
	}
}

// listen listens at the address that the named setting holds.
func listen(ctx context.Context, setting, addr string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return listener, nil
}

// serveHTTP serves until ctx ends, then lets the requests under way finish. part names what is served.
func serveHTTP(ctx context.Context, log *slog.Logger, part string, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	log.InfoContext(ctx, "listening", "part", part, "addr", listener.Addr().String())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Shutdown(stopCtx); err != nil {
		return errors.Join(fmt.Errorf("finish requests: %w", err), server.Close())
	}
	return nil
}

// together runs the parts of a process beside each other. When one ends, the others are stopped, and all
// have ended when it returns.
func together(ctx context.Context, log *slog.Logger, parts ...func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, len(parts))
	for _, part := range parts {
		go func() { ended <- part(ctx) }()
	}
	var all error
	told := ctx.Done()
	for left := len(parts); left > 0; {
		select {
		case <-told:
			log.InfoContext(ctx, "stopping")
			told = nil
		case err := <-ended:
			all = errors.Join(all, err)
			cancel()
			left--
		}
	}
	log.InfoContext(ctx, "stopped")
	return all
}
