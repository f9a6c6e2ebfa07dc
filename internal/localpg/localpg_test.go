package localpg

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// dataDir returns a data directory that an unprivileged account can get to. t.TempDir is private to
// the user of the test.
func dataDir(t *testing.T) string {
	t.Helper()
	parent, err := os.MkdirTemp("", "localpg-test-*")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "fanfare data") // with a blank, as home directories have
	t.Cleanup(func() {
		if err := Remove(dir); err != nil {
			t.Errorf("remove: %v", err)
		}
		if err := os.RemoveAll(parent); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func testOptions(t *testing.T, dir string) Options {
	t.Helper()
	return Options{DataDir: dir, NoSync: true, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

func start(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(context.Background()); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func query(t *testing.T, url, sql string, args ...any) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var answer string
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&answer); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	o := testOptions(t, dir)
	o.Settings = map[string]string{"max_connections": "17"}
	s := start(t, o)
	if got := query(t, s.URL("postgres"), "SHOW max_connections"); got != "17" {
		t.Errorf("max_connections is %s", got)
	}
	if got := query(t, s.URL("postgres"), "SHOW server_version"); !strings.HasPrefix(got, s.Version()) {
		t.Errorf("version %s, server says %s", s.Version(), got)
	}
	if got := query(t, s.URL("postgres"), "SELECT lower('ÄÉ') || current_setting('server_encoding')"); got != "äéUTF8" {
		t.Errorf("case folding and encoding: %s", got)
	}
	query(t, s.URL("postgres"), "CREATE ROLE app LOGIN PASSWORD 'a/b c'")
	query(t, s.URL("postgres"), "CREATE TABLE kept AS SELECT 'yes' AS answer")
	query(t, s.URL("postgres"), "GRANT SELECT ON kept TO app")
	stop(t, s)
	stop(t, s) // again does nothing
	if _, err := pgx.Connect(t.Context(), s.URL("postgres")); err == nil {
		t.Error("the stopped server still answers")
	}

	again := start(t, testOptions(t, dir))
	if again.Port() != s.Port() || again.Password() != s.Password() {
		t.Errorf("port %d then %d, same password: %t", s.Port(), again.Port(), again.Password() == s.Password())
	}
	if got := query(t, again.RoleURL("app", "a/b c", "postgres"), "SELECT answer FROM kept"); got != "yes" {
		t.Errorf("the table holds %q", got)
	}
	if _, err := pgx.Connect(t.Context(), again.RoleURL("app", "wrong", "postgres")); err == nil {
		t.Error("a wrong password is let in")
	}
	info, err := os.Stat(filepath.Join(dir, passwordFile))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the password file: %v %v", info.Mode(), err)
	}
	stop(t, again)

	if err := os.Remove(filepath.Join(dir, passwordFile)); err != nil {
		t.Fatal(err)
	}
	recovered := start(t, testOptions(t, dir))
	if recovered.Password() == again.Password() {
		t.Error("the lost password is known")
	}
	if got := query(t, recovered.URL("postgres"), "SELECT answer FROM kept"); got != "yes" {
		t.Errorf("the table holds %q", got)
	}
	if text, err := os.ReadFile(filepath.Join(dir, logFile)); err != nil || !strings.Contains(string(text), "ready to accept connections") {
		t.Errorf("the server's log: %v %s", err, text)
	}
}

func TestTwoBesideEachOtherAndSameDirectoryTwice(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	one, two := start(t, testOptions(t, dir)), start(t, testOptions(t, dataDir(t)))
	if one.Port() == two.Port() || one.Password() == two.Password() {
		t.Errorf("both have port %d or one password", one.Port())
	}
	_, err := Start(t.Context(), testOptions(t, dir))
	if !errors.Is(err, ErrAlreadyRunning) || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("same directory twice: %v", err)
	}
	if err := Remove(dir); !errors.Is(err, ErrAlreadyRunning) {
		t.Errorf("remove while running: %v", err)
	}
	for _, s := range []*Server{one, two} {
		query(t, s.URL("postgres"), "SELECT 'alive'")
	}
}

func TestGivenPortInUse(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	o := testOptions(t, dataDir(t))
	o.Port = listener.Addr().(*net.TCPAddr).Port
	if _, err := Start(t.Context(), o); err == nil || !strings.Contains(err.Error(), "in use by another program") {
		t.Fatalf("port in use: %v", err)
	}
	// The directory works once the port is free, and a taken port is recognised by the server's log too.
	listener.Close()
	s := start(t, o)
	if s.Port() != o.Port {
		t.Errorf("port %d, wanted %d", s.Port(), o.Port)
	}
	cluster, err := recordedCluster(dir(t, o))
	if err != nil {
		t.Fatal(err)
	}
	as, err := serverAccount(cluster)
	if err != nil {
		t.Fatal(err)
	}
	other := start(t, testOptions(t, dataDir(t)))
	stop(t, s)
	s.port = other.Port()
	if _, err := startOnce(t.Context(), o, s.binaries, as, cluster, s); !errors.Is(err, errPortTaken) {
		t.Errorf("port taken meanwhile: %v", err)
	}
}

func dir(t *testing.T, o Options) string {
	t.Helper()
	if err := makeDataDir(&o); err != nil {
		t.Fatal(err)
	}
	return o.DataDir
}

func TestBadSettingFailsAtOnceWithTheLog(t *testing.T) {
	t.Parallel()
	o := testOptions(t, dataDir(t))
	o.Settings = map[string]string{"max_connections": "many"}
	began := time.Now()
	_, err := Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), `"max_connections"`) || !strings.Contains(err.Error(), "ended before it was ready") {
		t.Errorf("bad setting: %v", err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
	for _, name := range []string{"port", "data_directory", "a=b", ""} {
		o.Settings = map[string]string{name: "1"}
		if _, err := Start(t.Context(), o); err == nil {
			t.Errorf("setting %q is accepted", name)
		}
	}
}

func TestCancelledStartLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := Start(ctx, testOptions(t, dir)); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("cancelled: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "pg*.init-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestHalfMadeCluster(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	for _, path := range []string{"pg/base", "pg.init-123/data/base"} {
		if err := os.MkdirAll(filepath.Join(dir, path), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "pg", "PG_VERSION"), []byte("15\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, testOptions(t, dir))
	query(t, s.URL("postgres"), "SELECT 'alive'")
	if left, _ := filepath.Glob(filepath.Join(dir, "pg.init-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, "pg.old-*", "PG_VERSION")); len(kept) != 1 {
		t.Errorf("what was in place is not kept: %v", kept)
	}
}
