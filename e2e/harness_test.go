// Package e2e tests the whole system as an operator runs it: the real program in processes of its own, a real
// PostgreSQL, and the sandbox in the platforms' place. What a test knows of the system it learns over HTTP, from
// the sandbox's record and, where it judges the outcome, as a superuser from the database.
//
// PostgreSQL runs in a container (postgres:18) where Docker answers and has the image, else embedded as in
// `fanfare dev`. FANFARE_E2E_POSTGRES=docker or =embedded insists on one of them; FANFARE_TEST_DATABASE_URL
// names a running server instead. -short runs the long tests in a short form; FANFARE_PROVE=1 runs them
// whole, also under -short. FANFARE_E2E_LOGS=1 shows the processes' logs of tests that pass, too.
package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
	"github.com/testcontainers/testcontainers-go/modules/postgres"

	"fanfare/internal/localpg"
)

const postgresImage = "postgres:18"

// settings of the server for tests: room for many processes, and no care for a crash of the machine.
var settings = map[string]string{"max_connections": "400", "shared_buffers": "128MB", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

// binary is the program under test, built once.
var binary string

// inDocker tells where databases run.
var inDocker bool

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fanfare-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "fanfare")
	build := exec.Command("go", "build", "-o", binary, "fanfare")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: build the program:", err)
		return 1
	}
	stop, err := startSharedPostgres()
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	defer stop()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		stop()
		_ = os.RemoveAll(dir) // deferred calls do not run any more
		os.Exit(1)
	}()
	return m.Run()
}

// startSharedPostgres starts the server of all tests, on which dbtest makes a database for each.
func startSharedPostgres() (stop func(), err error) {
	if os.Getenv("FANFARE_TEST_DATABASE_URL") != "" {
		fmt.Println("e2e: PostgreSQL: the server named by FANFARE_TEST_DATABASE_URL")
		return func() {}, nil
	}
	why := dockerMissing()
	switch wanted := os.Getenv("FANFARE_E2E_POSTGRES"); {
	case wanted == "embedded":
		why = "FANFARE_E2E_POSTGRES=embedded"
	case wanted == "docker" && why != "":
		return nil, errors.New("FANFARE_E2E_POSTGRES=docker, but " + why)
	}
	if why != "" {
		return startEmbedded(why)
	}
	inDocker = true
	server, err := runContainer(0)
	if err != nil {
		return nil, err
	}
	fmt.Printf("e2e: PostgreSQL: Testcontainers %s, container %.12s\n", postgresImage, server.container.GetContainerID())
	return server.remove, os.Setenv("FANFARE_TEST_DATABASE_URL", server.url)
}

func startEmbedded(why string) (stop func(), err error) {
	dir, err := os.MkdirTemp("", "fanfare-e2e-postgres-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for PostgreSQL: %w", err)
	}
	// The server may run as another user, who must be able to get there.
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make a directory for PostgreSQL: %w", err)
	}
	server, err := localpg.Start(context.Background(), localpg.Options{DataDir: dir, NoSync: true, Settings: settings})
	if err != nil {
		return nil, fmt.Errorf("start the embedded PostgreSQL: %w", err)
	}
	fmt.Printf("e2e: PostgreSQL: embedded, version %s (%s)\n", server.Version(), why)
	return func() {
		if err := errors.Join(server.Stop(context.Background()), os.RemoveAll(dir)); err != nil {
			fmt.Fprintln(os.Stderr, "e2e: stop the embedded PostgreSQL:", err)
		}
	}, os.Setenv("FANFARE_TEST_DATABASE_URL", server.URL("postgres"))
}

// dockerMissing says why no container can be run, "" if one can. It pulls nothing.
func dockerMissing() (why string) {
	for name, value := range map[string]string{"TESTCONTAINERS_RYUK_DISABLED": "true", "TESTCONTAINERS_HOST_OVERRIDE": "127.0.0.1"} {
		if os.Getenv(name) == "" {
			if err := os.Setenv(name, value); err != nil {
				return err.Error()
			}
		}
	}
	defer func() {
		if v := recover(); v != nil { // Testcontainers panics where it finds no Docker
			why = fmt.Sprint(v)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	provider, err := testcontainers.NewDockerProvider(testcontainers.WithLogger(quiet{}))
	if err != nil {
		return "Docker does not answer: " + err.Error()
	}
	defer provider.Close()
	images, err := provider.ListImages(ctx)
	if err != nil {
		return "Docker does not answer: " + err.Error()
	}
	if !slices.ContainsFunc(images, func(i testcontainers.ImageInfo) bool { return i.Name == postgresImage }) {
		return "Docker has no image " + postgresImage
	}
	return ""
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}

var _ tclog.Logger = quiet{}

// containerServer is a PostgreSQL in a container.
type containerServer struct {
	container *postgres.PostgresContainer
	url       string
}

// runContainer starts a server in a container, at a port of this machine (0: any).
func runContainer(port int) (*containerServer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	command := []string{"postgres"}
	for name, value := range settings {
		command = append(command, "-c", name+"="+value)
	}
	c, err := postgres.Run(ctx, postgresImage,
		testcontainers.WithLogger(quiet{}),
		// Whatever becomes of the test process, the server ends some day.
		testcontainers.WithEntrypoint("timeout", "7200", "docker-entrypoint.sh"),
		testcontainers.WithCmd(command...),
		testcontainers.WithHostConfigModifier(func(host *container.HostConfig) {
			host.PortBindings = network.PortMap{network.MustParsePort("5432/tcp"): {
				{HostIP: netip.MustParseAddr("127.0.0.1"), HostPort: strconv.Itoa(port)},
			}}
			host.AutoRemove = port == 0 // with a port of its own it is started again
		}),
		postgres.BasicWaitStrategies(),
	)
	server := &containerServer{container: c}
	if err == nil {
		server.url, err = c.ConnectionString(ctx, "sslmode=disable")
	}
	if err != nil {
		server.remove()
		return nil, fmt.Errorf("run %s: %w", postgresImage, err)
	}
	return server, nil
}

func (s *containerServer) remove() {
	if s.container == nil {
		return
	}
	if err := testcontainers.TerminateContainer(s.container, testcontainers.StopTimeout(0)); err != nil {
		fmt.Fprintln(os.Stderr, "e2e: remove container:", err)
	}
}

// ownServer is a PostgreSQL that one test can stop and start again, always at the same address.
type ownServer struct {
	superURL     string
	stop, resume func(t testing.TB)
}

func newOwnServer(t testing.TB) ownServer {
	t.Helper()
	if inDocker {
		return ownContainer(t)
	}
	options := localpg.Options{DataDir: postgresDir(t), NoSync: true, Settings: settings}
	server, err := localpg.Start(t.Context(), options)
	if err != nil {
		t.Fatalf("start PostgreSQL: %v", err)
	}
	options.Port = server.Port()
	stop := func(t testing.TB) {
		t.Helper()
		if err := server.Stop(context.Background()); err != nil {
			t.Fatalf("stop PostgreSQL: %v", err)
		}
	}
	t.Cleanup(func() { stop(t) })
	return ownServer{superURL: server.URL("postgres"), stop: stop, resume: func(t testing.TB) {
		t.Helper()
		if server, err = localpg.Start(t.Context(), options); err != nil {
			t.Fatalf("start PostgreSQL again: %v", err)
		}
	}}
}

func ownContainer(t testing.TB) ownServer {
	t.Helper()
	server, err := runContainer(freePort(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.remove)
	return ownServer{
		superURL: server.url,
		stop: func(t testing.TB) {
			t.Helper()
			patience := 30 * time.Second
			if err := server.container.Stop(t.Context(), &patience); err != nil {
				t.Fatalf("stop PostgreSQL: %v", err)
			}
		},
		resume: func(t testing.TB) {
			t.Helper()
			if err := server.container.Start(t.Context()); err != nil {
				t.Fatalf("start PostgreSQL again: %v", err)
			}
			eventually(t, 30*time.Second, "PostgreSQL answers again", func() bool {
				conn, err := pgx.Connect(t.Context(), server.url)
				return err == nil && conn.Close(t.Context()) == nil
			})
		},
	}
}

// withDatabase is a server's URL with another database in it.
func withDatabase(t testing.TB, serverURL, database string) string {
	t.Helper()
	u, err := url.Parse(serverURL)
	if err != nil {
		t.Fatal("the server's URL cannot be parsed")
	}
	u.Path = "/" + database
	return u.String()
}

// withRole is a URL with another role and its password in it.
func withRole(t testing.TB, databaseURL, role, password string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal("the server's URL cannot be parsed")
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}

// whole tells whether the long tests run in whole.
func whole() bool { return os.Getenv("FANFARE_PROVE") == "1" || !testing.Short() }

// proving tells whether what takes longer than a build can wait for is wanted too.
func proving() bool { return os.Getenv("FANFARE_PROVE") == "1" }

func pick[T any](condition bool, yes, no T) T {
	if condition {
		return yes
	}
	return no
}

// eventually waits for a condition, up to a time that is generous for a busy machine.
func eventually(t testing.TB, patience time.Duration, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain: %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// postgresDir is a directory that the server's own user can get into, removed with the test.
func postgresDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "fanfare-e2e-postgres-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove %s: %v", dir, err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func lines(text string) []string { return strings.Split(strings.TrimRight(text, "\n"), "\n") }
