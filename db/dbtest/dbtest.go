// Package dbtest gives each test a migrated PostgreSQL database of its own, cloned from a template, with
// pools of the production roles on it. The superuser's pool is for making and looking at data; a test of
// isolation that used it would prove nothing.
//
// The server is started once per test process, on the machine's own binaries, and stopped by Main. Set
// FANFARE_TEST_DATABASE_URL to a superuser's URL to use a running server instead.
package dbtest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	_ "github.com/jackc/pgx/v5/stdlib" // pgtestdb opens databases through database/sql
	"github.com/peterldowns/pgtestdb"

	"fanfare/db"
	"fanfare/db/tenant"
	"fanfare/internal/localpg"
)

// rolePassword is the password of the login roles on the test server.
const rolePassword = "fanfare-test"

// DB is one test's database.
type DB struct {
	// Super is the superuser's pool: no policy applies to it.
	Super *pgxpool.Pool
	// Login is the API's pool, Worker the worker's.
	Login, Worker *pgxpool.Pool
	// SuperURL, OwnerURL, LoginURL, WorkerURL and BackupURL open the database from another process.
	SuperURL, OwnerURL, LoginURL, WorkerURL, BackupURL string
}

// Tenant opens tenant transactions as the API does.
func (d *DB) Tenant() *tenant.DB { return tenant.New(d.Login) }

// TenantWorker opens tenant transactions as the worker does.
func (d *DB) TenantWorker() *tenant.DB { return tenant.New(d.Worker) }

// New makes a database for the test and drops it afterwards; that of a failed test is kept and named in
// its log, as long as the server runs.
func New(t testing.TB) *DB {
	t.Helper()
	super := serverURL(t)
	password, _ := super.User.Password()
	config := pgtestdb.Custom(t, pgtestdb.Config{
		DriverName: "pgx",
		Host:       super.Hostname(),
		Port:       super.Port(),
		User:       super.User.Username(),
		Password:   url.QueryEscape(password),
		Database:   "postgres",
		Options:    "sslmode=disable",
		TestRole:   &pgtestdb.Role{Username: super.User.Username(), Password: url.QueryEscape(password)},
		// A killed process may still hold a connection.
		ForceTerminateConnections: true,
	}, migrator{super})

	d := &DB{
		SuperURL:  config.URL(),
		OwnerURL:  withRole(super, "fanfare_owner", config.Database),
		LoginURL:  withRole(super, "fanfare_login", config.Database),
		WorkerURL: withRole(super, "fanfare_worker", config.Database),
		BackupURL: withRole(super, "fanfare_backup", config.Database),
	}
	d.Super = OpenPool(t, d.SuperURL)
	d.Login = OpenPool(t, d.LoginURL)
	d.Worker = OpenPool(t, d.WorkerURL)
	return d
}

// OpenPool opens a pool that is closed with the test.
func OpenPool(t testing.TB, databaseURL string) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(context.Background(), databaseURL)
	if err != nil {
		t.Fatalf("open pool: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// NewEmpty makes a database without anything in it, for tests of the migrations themselves, and gives the
// superuser's URL.
func NewEmpty(t testing.TB) string {
	t.Helper()
	super := serverURL(t)
	sum := sha256.Sum256([]byte(t.Name() + time.Now().String()))
	name := "empty_" + hex.EncodeToString(sum[:8])
	conn, err := pgx.Connect(context.Background(), super.String())
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	if _, err := conn.Exec(context.Background(), "create database "+name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), super.String())
		if err != nil {
			t.Fatalf("connect: %v", err)
		}
		defer func() { _ = conn.Close(context.Background()) }()
		if _, err := conn.Exec(context.Background(), "drop database "+name+" with (force)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	empty := *super
	empty.Path = "/" + name
	return empty.String()
}

func withRole(super *url.URL, role, database string) string {
	u := *super
	u.User = url.UserPassword(role, rolePassword)
	u.Path = "/" + database
	return u.String()
}

// migrator fills the template database.
type migrator struct{ super *url.URL }

// Hash names the template: another schema is another template.
func (migrator) Hash() (string, error) { return db.Version() + db.Checksum(), nil }

// Migrate runs the real migrations as an installer would.
func (m migrator) Migrate(ctx context.Context, _ *sql.DB, config pgtestdb.Config) error {
	passwords := db.LoginPasswords{Login: rolePassword, Worker: rolePassword, Backup: rolePassword}
	if err := db.Migrate(ctx, config.URL(), passwords, io.Discard); err != nil {
		return err
	}
	// In a real installation the owner's password is the operator's to set.
	conn, err := pgx.Connect(ctx, config.URL())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, "alter role fanfare_owner password '"+rolePassword+"'")
	return err
}

var server struct {
	sync.Mutex
	url   *url.URL
	local *localpg.Server
	dir   string
}

// serverURL is the superuser's URL of the test server, which is started at the first call.
func serverURL(t testing.TB) *url.URL {
	t.Helper()
	server.Lock()
	defer server.Unlock()
	if server.url != nil {
		return server.url
	}
	given := os.Getenv("FANFARE_TEST_DATABASE_URL")
	if given == "" {
		given = startLocal(t)
	}
	u, err := url.Parse(given)
	if err != nil {
		t.Fatal("FANFARE_TEST_DATABASE_URL cannot be parsed")
	}
	server.url = u
	return u
}

func startLocal(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fanfare-test-")
	if err != nil {
		t.Fatal(err)
	}
	// The server may run as another user, who must be able to get there.
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	local, err := localpg.Start(ctx, localpg.Options{
		DataDir:  filepath.Join(dir, "postgres"),
		NoSync:   true,
		Settings: map[string]string{"max_connections": "300", "shared_buffers": "128MB"},
	})
	if err != nil {
		t.Fatalf("start the test database server: %v", err)
	}
	server.local, server.dir = local, dir
	return local.URL("postgres")
}

// Main runs a package's tests and stops the server that they have used. Call it from TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if server.local != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := server.local.Stop(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "stop the test database server:", err)
			code = max(code, 1)
		}
		if err := os.RemoveAll(server.dir); err != nil {
			fmt.Fprintln(os.Stderr, "remove the test database server:", err)
		}
	}
	os.Exit(code)
}
