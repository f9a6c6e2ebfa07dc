package cmd

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/api"
	"fanfare/db"
	"fanfare/internal/backup"
	"fanfare/internal/bucket"
	"fanfare/internal/identity"
	"fanfare/internal/live"
	"fanfare/internal/localpg"
	"fanfare/internal/sandbox"
	"fanfare/internal/vault"
	"fanfare/internal/workspace"
	"fanfare/jobs"
)

type devCommand struct {
	LogFormat   string `enum:"json,text" default:"text" env:"FANFARE_LOG_FORMAT" help:"json, or text for people."`
	LogLevel    string `enum:"debug,info,warn,error" default:"info" env:"FANFARE_LOG_LEVEL" help:"The least level that is written."`
	Addr        string `default:"127.0.0.1:8080" env:"FANFARE_ADDR" help:"Address of the API; port 0 takes a free one."`
	SandboxAddr string `help:"Address of the sandbox; by default a free port, the same at the next start."`
	DataDir     string `default:".fanfare" env:"FANFARE_DATA_DIR" help:"Where everything is kept between runs."`
	DatabaseURL string `env:"DATABASE_URL" help:"A superuser's URL of a PostgreSQL database to use in place of the embedded one: an empty one, or Fanfare's."`
	pagesConfig
	mailConfig
	metricsConfig
	llmConfig
	llmBudgetConfig
	ReturnURLs []string `name:"return-urls" env:"FANFARE_RETURN_URLS" help:"Addresses to which browsers may be sent once an account is connected, and all below them, besides --public-url."`
	JSON       bool     `name:"json" help:"Print one line of JSON when ready, in place of text."`
}

// devState is what a data directory remembers between runs.
type devState struct {
	OwnerPassword  string `json:"owner_password"`
	LoginPassword  string `json:"login_password"`
	WorkerPassword string `json:"worker_password"`
	SandboxAddr    string `json:"sandbox_addr"`

	known bool // read from the file, not new
}

// Run runs everything in one process until it is told to stop.
func (c *devCommand) Run(ctx context.Context, s streams) (err error) {
	log := logConfig{LogFormat: c.LogFormat, LogLevel: c.LogLevel}.logger(s.err)
	if err := c.checkAddresses(); err != nil {
		return err
	}
	if err := (&returnConfig{ReturnURLs: c.ReturnURLs}).check(false); err != nil {
		return err
	}
	llmMicroUSD, err := c.microUSD()
	if err != nil {
		return err
	}
	model, err := c.model()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.DataDir, 0o711); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	statePath := filepath.Join(c.DataDir, "development.json")
	state, err := loadDevState(statePath)
	if err != nil {
		return err
	}
	server, adminURL, err := c.startDatabase(ctx, log, state)
	if err != nil {
		return err
	}
	if server != nil {
		defer func() {
			err = errors.Join(err, stopDatabase(ctx, server))
		}()
	}
	// Written down before they are set: whoever cannot show the passwords may not use the roles.
	if err := state.save(statePath); err != nil {
		return err
	}
	passwords := db.LoginPasswords{Owner: state.OwnerPassword, Login: state.LoginPassword, Worker: state.WorkerPassword}
	if err := db.Migrate(ctx, adminURL, passwords, logWriter(ctx, log)); err != nil {
		return err
	}

	sealer, err := vault.OpenOrCreate(ctx, vault.Config{KeySet: filepath.Join(c.DataDir, "keyset.json")})
	if err != nil {
		return err // it says what was done
	}
	signer, err := identity.LoadOrCreateDevelopmentKey(filepath.Join(c.DataDir, "token-key.json"))
	if err != nil {
		return fmt.Errorf("load development key: %w", err)
	}
	verifier, err := identity.New(ctx, identity.Config{Issuer: devIssuer, Audience: devAudience, KeySet: signer.KeySet(), Logger: log})
	if err != nil {
		return fmt.Errorf("set up authentication: %w", err)
	}
	box, boxListener, err := c.openSandbox(ctx, log, state)
	if err != nil {
		return err
	}
	defer boxListener.Close()
	boxURL := "http://" + boxListener.Addr().String()
	listener, err := listenNear(ctx, c.Addr, log)
	if err != nil {
		return err
	}
	defer listener.Close()
	if err := state.save(statePath); err != nil {
		return err
	}

	loginURL, workerURL, ownerURL, err := roleURLs(adminURL, state)
	if err != nil {
		return err
	}
	apiURL := "http://" + listener.Addr().String()
	outside, err := sandboxPlatforms(box, boxURL, apiURL).platforms()
	if err != nil {
		return err
	}
	if model == nil {
		if model, err = sandboxLLM(boxURL); err != nil {
			return fmt.Errorf("set up the sandbox's language model: %w", err)
		}
	}
	photos, err := (&imagesConfig{UnsplashAccessKey: box.AddUnsplashApp(), UnsplashURL: boxURL + "/unsplash"}).unsplash()
	if err != nil {
		return err
	}
	files, err := openDevBucket(filepath.Join(c.DataDir, "bucket"))
	if err != nil {
		return err
	}
	backups, err := openDevBucket(filepath.Join(c.DataDir, "backups"))
	if err != nil {
		return err
	}
	workspaces, err := openDevWorkspaces(filepath.Join(c.DataDir, "workspaces"))
	if err != nil {
		return err
	}
	defer workspaces.Close()
	pool, err := openPool(ctx, loginURL, loginSetting, "fanfare_login", 20, log)
	if err != nil {
		return err
	}
	defer pool.Close()
	c.PublicURL = cmp.Or(c.PublicURL, apiURL)
	mailer, err := c.sender()
	if err != nil {
		return err
	}
	chats, err := sandboxChats(box, boxURL, apiURL)
	if err != nil {
		return err
	}
	with := services{
		vault: sealer, outside: outside, bots: chats, photos: photos, files: files, workspaces: workspaces, workspaceRules: api.DefaultWorkspaceRules, backups: backups, backupConfig: devBackups, mailer: mailer, model: model,
		monthlyTokens: c.LLMMonthlyTokens, monthlyMicroUSD: llmMicroUSD, publicURL: c.PublicURL,
	}
	deps, err := with.api(pool, log)
	if err != nil {
		return err
	}
	deps.Verifier, deps.Issuer, deps.APIURL, deps.ReturnURLs = verifier, devIssuer, apiURL, c.ReturnURLs
	deps.SignIn, deps.SandboxURL = api.SignIn{Kind: api.SignInDevelopment}, boxURL
	if pages, err := c.pages(nil, []string{boxURL}); err != nil {
		return err
	} else if pages != nil {
		people := &devSignIn{signer: signer, addr: listener.Addr().String(), log: log}
		deps.Pages = func(unknown http.Handler) http.Handler { return people.pages(pages(unknown)) }
	}
	if deps.Live, err = live.New(loginURL, log); err != nil {
		return err
	}
	handler := api.New(deps)
	demo := &demo{
		adminURL: adminURL, apiURL: apiURL, sandboxURL: boxURL,
		databaseURL: ownerURL, workerURL: workerURL, box: box, vault: sealer, signer: signer,
	}
	parts, err := c.withMetrics(ctx, log,
		func(ctx context.Context) error { return serveHTTP(ctx, log, "sandbox", boxListener, box.Handler()) },
		func(ctx context.Context) error { return serveHTTP(ctx, log, "api", listener, handler) },
		deps.Live.Run,
		watchKeys(sealer, log),
		func(ctx context.Context) error {
			return with.work(ctx, log, workerURL, workerConnections, handler, jobs.WorkerConfig{Lease: 2 * time.Second})
		},
		func(ctx context.Context) error {
			if err := demo.prepare(ctx); err != nil {
				return fmt.Errorf("prepare demo data: %w", err)
			}
			if err := demo.announce(s.out, c.JSON, c.DataDir); err != nil {
				return err
			}
			if server == nil {
				<-ctx.Done()
				return nil
			}
			select {
			case <-ctx.Done():
				return nil
			case <-server.Done():
				return errors.New("the embedded database has ended; see " + filepath.Join(c.DataDir, "postgres", "postgres.log"))
			}
		},
	)
	if err != nil {
		return err
	}
	return together(ctx, log, parts...)
}

// devBackups are made as in production by default.
var devBackups = jobs.BackupConfig{At: 2 * time.Hour, Keep: backup.Policy{Daily: 30}, DrillEvery: 7 * 24 * time.Hour}

// openDevWorkspaces opens the directory for workspaces, which it makes.
func openDevWorkspaces(dir string) (*workspace.Store, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("make directory for workspaces: %w", err)
	}
	return workspace.OpenStore(dir)
}

// openDevBucket opens the directory for files, which it makes.
func openDevBucket(dir string) (*bucket.Bucket, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory for files: %w", err)
	}
	return bucket.OpenDirectory(dir)
}

// checkAddresses finds what is wrong with an address before anything is made.
func (c *devCommand) checkAddresses() error {
	if _, err := net.ResolveTCPAddr("tcp", c.Addr); err != nil {
		return fmt.Errorf("--addr (FANFARE_ADDR) must look like 127.0.0.1:8080: %w", err)
	}
	if c.MetricsAddr != "" {
		if _, err := net.ResolveTCPAddr("tcp", c.MetricsAddr); err != nil {
			return fmt.Errorf("%s must look like 127.0.0.1:9090: %w", named("metrics-addr"), err)
		}
	}
	if c.SandboxAddr != "" {
		return loopbackOnly("--sandbox-addr", c.SandboxAddr)
	}
	return nil
}

// startDatabase starts the embedded server, or takes the one that is given.
func (c *devCommand) startDatabase(ctx context.Context, log *slog.Logger, state *devState) (*localpg.Server, string, error) {
	if c.DatabaseURL != "" {
		return nil, c.DatabaseURL, c.checkGiven(ctx, log, state)
	}
	server, err := localpg.Start(ctx, localpg.Options{DataDir: filepath.Join(c.DataDir, "postgres"), Log: log})
	if err != nil {
		return nil, "", fmt.Errorf("start the embedded database: %w", err)
	}
	if err := ensureDatabase(ctx, server); err != nil {
		return nil, "", errors.Join(err, stopDatabase(ctx, server))
	}
	return server, server.URL("fanfare"), nil
}

// checkGiven refuses a given database whose server development mode would disturb. It changes nothing.
// Another application's tables are refused by db.Migrate.
func (c *devCommand) checkGiven(ctx context.Context, log *slog.Logger, state *devState) error {
	conn, err := pgx.Connect(ctx, c.DatabaseURL)
	if err != nil {
		return fmt.Errorf("connect to the database that DATABASE_URL names: %w; unset it to use the embedded database", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	log.InfoContext(ctx, "using the database that DATABASE_URL names; unset it to use the embedded one",
		"host", conn.Config().Host, "port", conn.Config().Port, "database", conn.Config().Database)
	var super, rolesInUse bool
	err = conn.QueryRow(ctx, "select rolsuper from pg_roles where rolname = current_user").Scan(&super)
	if err != nil {
		return fmt.Errorf("look at the given database: %w", err)
	}
	if !super {
		return errors.New("DATABASE_URL must be a superuser's in development mode, which makes roles and demo data; unset it to use the embedded database")
	}
	err = conn.QueryRow(ctx, `select exists (select from pg_authid
		where rolname in ('fanfare_owner', 'fanfare_login', 'fanfare_worker') and rolpassword is not null)`).Scan(&rolesInUse)
	if err != nil {
		return fmt.Errorf("look for roles on the given server: %w", err)
	}
	if !rolesInUse {
		return nil
	}
	// The roles are the whole server's: setting their passwords would lock another installation out.
	err = errors.New("this data directory has not set their passwords")
	if state.known {
		err = c.tryLogin(ctx, state)
	}
	if err != nil {
		return fmt.Errorf("another Fanfare uses the roles of the server that DATABASE_URL names (%w); unset it to use the embedded database, or name another server. "+
			"If that installation is gone, free its roles: alter role fanfare_owner password null; the same for fanfare_login and fanfare_worker", err)
	}
	return nil
}

// tryLogin finds out whether the passwords on the given server are this data directory's.
func (c *devCommand) tryLogin(ctx context.Context, state *devState) error {
	login, worker, _, err := roleURLs(c.DatabaseURL, state)
	if err != nil {
		return err
	}
	for _, databaseURL := range []string{login, worker} {
		conn, err := pgx.Connect(ctx, databaseURL)
		var refused *pgconn.PgError
		switch {
		case err == nil:
			_ = conn.Close(ctx)
		case !errors.As(err, &refused):
			return fmt.Errorf("log in: %w", err)
		case strings.HasPrefix(refused.Code, "28"): // invalid authorization
			return errors.New("this data directory's passwords are not theirs")
		}
		// Refused for another reason, such as no right to connect to a database that is still to be set up: the
		// password was the right one.
	}
	return nil
}

func stopDatabase(ctx context.Context, server *localpg.Server) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := server.Stop(ctx); err != nil {
		return fmt.Errorf("stop the embedded database: %w", err)
	}
	return nil
}

func ensureDatabase(ctx context.Context, server *localpg.Server) error {
	conn, err := pgx.Connect(ctx, server.URL("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the embedded database: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var exists bool
	if err := conn.QueryRow(ctx, "select exists (select from pg_database where datname = 'fanfare')").Scan(&exists); err != nil {
		return fmt.Errorf("look for the database: %w", err)
	}
	if exists {
		return nil
	}
	if _, err := conn.Exec(ctx, "create database fanfare"); err != nil {
		return fmt.Errorf("create the database: %w", err)
	}
	return nil
}

// openSandbox opens the sandbox at the address that it had before, which the demo's accounts name.
func (c *devCommand) openSandbox(ctx context.Context, log *slog.Logger, state *devState) (*sandbox.Sandbox, net.Listener, error) {
	box, err := sandbox.New(sandbox.Options{Dir: filepath.Join(c.DataDir, "sandbox"), Log: log})
	if err != nil {
		return nil, nil, fmt.Errorf("open sandbox: %w", err)
	}
	for name, kind := range map[string]string{"news": sandbox.MCPOpen, "assets": sandbox.MCPToken, "studio": sandbox.MCPOAuth} {
		box.AddMCPServer(name, kind)
	}
	addr := c.SandboxAddr
	if addr == "" {
		addr = state.SandboxAddr
	}
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	listener, err := listen(ctx, "--sandbox-addr", addr)
	if err != nil && c.SandboxAddr == "" {
		log.WarnContext(ctx, "the sandbox's earlier port is taken; it gets another, and the demo's accounts with it", "addr", addr)
		listener, err = listen(ctx, "--sandbox-addr", "127.0.0.1:0")
	}
	if err != nil {
		return nil, nil, err
	}
	state.SandboxAddr = listener.Addr().String()
	return box, listener, nil
}

// listenNear listens at addr, or at one of the ports after it if that is taken: two instances can run
// beside each other without being told so.
func listenNear(ctx context.Context, addr string, log *slog.Logger) (net.Listener, error) {
	first, err := listen(ctx, named("addr"), addr)
	if err == nil {
		return first, nil
	}
	tcp, resolveErr := net.ResolveTCPAddr("tcp", addr)
	if resolveErr != nil {
		return nil, err
	}
	for port := tcp.Port + 1; port <= tcp.Port+20 && port <= 65535; port++ {
		tcp.Port = port
		if listener, nextErr := net.ListenTCP("tcp", tcp); nextErr == nil {
			log.WarnContext(ctx, "the address is taken; another is used", "addr", addr, "used", listener.Addr().String())
			return listener, nil
		}
	}
	return nil, err
}

// roleURLs are the administrator's URL with the roles of the application in it.
func roleURLs(adminURL string, state *devState) (login, worker, owner string, err error) {
	u, err := url.Parse(adminURL)
	if err != nil {
		return "", "", "", wrongURL(loginSetting, "postgres")
	}
	with := func(role, password string) string {
		v := *u
		v.User = url.UserPassword(role, password)
		return v.String()
	}
	return with("fanfare_login", state.LoginPassword), with("fanfare_worker", state.WorkerPassword), with("fanfare_owner", state.OwnerPassword), nil
}

func loadDevState(path string) (*devState, error) {
	state := &devState{OwnerPassword: rand.Text(), LoginPassword: rand.Text(), WorkerPassword: rand.Text()}
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return state, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read development state: %w", err)
	}
	if err := json.Unmarshal(content, state); err != nil {
		return nil, fmt.Errorf("read development state %s: %w; delete the file to begin anew", path, err)
	}
	state.known = true
	return state, nil
}

func (s *devState) save(path string) error {
	content, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return fmt.Errorf("encode development state: %w", err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return fmt.Errorf("write development state: %w", err)
	}
	return nil
}

// loopbackOnly refuses an address from which others could reach the sandbox, which checks nobody. setting names where it
// was given.
func loopbackOnly(setting, addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%s must look like 127.0.0.1:8081: %w", setting, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s: the sandbox only listens on this machine itself, such as at 127.0.0.1:8081", setting)
	}
	return nil
}

// logWriter writes each line that it is given to the log.
func logWriter(ctx context.Context, log *slog.Logger) io.Writer {
	return slog.NewLogLogger(log.With("part", "migrate").Handler(), slog.LevelDebug).Writer()
}
