package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// readyWait is long enough for the recovery of a development database after a crash.
	readyWait    = 2 * time.Minute
	portAttempts = 5
)

// Start starts a server for the data directory, making the cluster if there is none, and returns
// when it accepts connections. The context is for starting only: the server runs until Stop.
//
// The error is ErrAlreadyRunning when another process has a server in this data directory.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := makeDataDir(&o); err != nil {
		return nil, err
	}
	lock, err := lockDir(o.DataDir)
	if err != nil {
		return nil, err
	}
	s, err := startLocked(ctx, o, lock)
	if err != nil {
		lock.release()
		return nil, fmt.Errorf("start PostgreSQL in %s: %w", o.DataDir, err)
	}
	o.Log.Info("postgres is ready", "version", s.version, "port", s.port, "pid", s.process.pid(),
		"data", o.DataDir, "took", time.Since(began).Round(time.Millisecond))
	return s, nil
}

// makeDataDir makes the data directory and replaces it in the options by its real path, under which
// the server knows it too.
func makeDataDir(o *Options) error {
	if err := os.MkdirAll(o.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	dir, err := filepath.EvalSymlinks(o.DataDir)
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	o.DataDir = dir
	return nil
}

// startLocked is Start for whoever holds the lock of the data directory.
func startLocked(ctx context.Context, o Options, lock *dirLock) (*Server, error) {
	cluster, err := recordedCluster(o.DataDir)
	if err != nil {
		return nil, err
	}
	as, err := serverAccount(cluster)
	if err != nil {
		return nil, err
	}
	if err := removeHalfMade(o, cluster); err != nil {
		return nil, err
	}
	major, err := clusterMajor(cluster)
	if err != nil {
		return nil, err
	}
	b, err := findBinaries(ctx, o, as, major)
	if err != nil {
		return nil, err
	}
	if as.switched {
		o.Log.Debug("PostgreSQL refuses to run as root", "runs as", as.name)
	}
	if major == 0 {
		if cluster, err = chooseCluster(ctx, o, b, as, cluster); err != nil {
			return nil, err
		}
	} else if err := stopOrphan(ctx, o, b, cluster); err != nil {
		return nil, err
	}
	password, err := ensureCluster(ctx, o, b, as, cluster)
	if err != nil {
		return nil, err
	}
	s := &Server{version: b.version, password: password, binaries: b, lock: lock, log: o.Log}
	leftovers := time.Now().Add(leftoversWait)
	for attempt := 1; ; attempt++ {
		if s.port, err = choosePort(o); err != nil {
			return nil, err
		}
		s.process, err = startOnce(ctx, o, b, as, cluster, s)
		if err == nil {
			break
		}
		if errors.Is(err, errLeftovers) && time.Now().Before(leftovers) && wait(ctx, 100*time.Millisecond) {
			attempt--
			continue
		}
		if o.Port != 0 || attempt == portAttempts || !errors.Is(err, errPortTaken) {
			return nil, err
		}
		o.Log.Warn("the port was taken meanwhile, trying another one", "port", s.port)
		forgetPort(o.DataDir)
	}
	if err := rememberPort(o.DataDir, s.port); err != nil {
		o.Log.Warn("the port could not be kept for the next start", "err", err)
	}
	return s, nil
}

var errPortTaken = errors.New("the port is in use")

// errLeftovers says that processes of a server that was killed have not ended yet. They do within moments of it.
var errLeftovers = errors.New("what a killed server has started is still ending")

// leftoversWait is how long they are waited for.
const leftoversWait = 15 * time.Second

// wait waits, and tells whether ctx has not ended meanwhile.
func wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// startOnce starts the server process and waits until a connection works.
func startOnce(ctx context.Context, o Options, b binaries, as account, cluster string, s *Server) (*process, error) {
	log, err := openServerLog(o.DataDir)
	if err != nil {
		return nil, err
	}
	defer log.file.Close() // the server has its own copy
	//nolint:noctx // the server outlives the context of its start; Stop ends it
	cmd := exec.Command(b.path("postgres"), serverArguments(o, cluster, s.port)...)
	cmd.Dir = b.dir
	cmd.Env = childEnvironment()
	cmd.Stdout, cmd.Stderr = log.file, log.file
	p, err := launch(cmd, as)
	if err != nil {
		return nil, fmt.Errorf("run postgres: %w", err)
	}
	if err := waitReady(ctx, s.URL("postgres"), o.DataDir, p); err != nil {
		if stopErr := stopServer(ctx, b, p.pid(), p.done); stopErr != nil && !errors.Is(stopErr, errStoppedHard) {
			err = errors.Join(err, stopErr)
		}
		said := log.since()
		if !errors.Is(err, errPortTaken) && (strings.Contains(said, "Address already in use") || strings.Contains(said, "could not create any TCP/IP sockets")) {
			err = fmt.Errorf("%w: %w", errPortTaken, err)
		}
		if strings.Contains(said, "pre-existing shared memory block") {
			err = fmt.Errorf("%w: %w", errLeftovers, err)
		}
		return nil, fmt.Errorf("%w\nThe end of %s:\n%s", err, log.file.Name(), lastLines(said, 15))
	}
	return p, nil
}

// serverArguments are the arguments of postgres. The marker is a setting of nobody's: it tells an
// orphan of ours from a server that somebody started by hand in the same directory.
func serverArguments(o Options, cluster string, port int) []string {
	settings := map[string]string{
		"listen_addresses":        "127.0.0.1",
		"unix_socket_directories": "",
		"logging_collector":       "off",
		"log_destination":         "stderr",
	}
	if o.NoSync {
		settings["fsync"] = "off"
		settings["synchronous_commit"] = "off"
		settings["full_page_writes"] = "off"
	}
	for name, value := range o.Settings {
		settings[name] = value
	}
	names := make([]string, 0, len(settings))
	for name := range settings {
		names = append(names, name)
	}
	slices.Sort(names)
	args := []string{"-D", cluster, "-p", strconv.Itoa(port), "-c", marker(o.DataDir)}
	for _, name := range names {
		args = append(args, "-c", name+"="+settings[name])
	}
	return args
}

func marker(dataDir string) string { return markerName + "=" + dataDir }

const markerName = "fanfare.data_dir"

// waitReady returns when a connection works, or when it never will.
func waitReady(ctx context.Context, url, dataDir string, p *process) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	go func() {
		select {
		case <-p.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	for {
		found, err := connectOnce(ctx, url)
		if err == nil && found == dataDir {
			return nil
		}
		var refused *pgconn.PgError
		switch {
		case err == nil || errors.As(err, &refused) && refused.Code == "42704": // undefined_object
			return fmt.Errorf("%w: another PostgreSQL server answers there", errPortTaken)
		case errors.As(err, &refused) && refused.Code == "28P01" && !ended(p.done): // invalid_password
			return fmt.Errorf("the cluster has another superuser password than the data directory: %w", err)
		}
		select {
		case <-p.done:
			return fmt.Errorf("postgres ended before it was ready: %w", p.err)
		case <-ctx.Done():
			if ended(p.done) {
				return fmt.Errorf("postgres ended before it was ready: %w", p.err)
			}
			return fmt.Errorf("postgres did not become ready: %w", errors.Join(ctx.Err(), err))
		case <-time.After(15 * time.Millisecond):
		}
	}
}

// connectOnce asks the server which data directory it belongs to: between choosing a port and
// binding it another server may have come.
func connectOnce(ctx context.Context, url string) (dataDir string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	err = conn.QueryRow(ctx, "SELECT current_setting($1)", markerName).Scan(&dataDir)
	return dataDir, errors.Join(err, conn.Close(ctx))
}

// Remove deletes the cluster of a data directory and everything else that Start made for it, even
// where the cluster had to be put elsewhere. The directory itself stays, with its lock and what others
// put there. The error is ErrAlreadyRunning when the server runs.
func Remove(dataDir string) error {
	o, err := Options{DataDir: dataDir}.withDefaults()
	if err != nil {
		return err
	}
	if _, err := os.Stat(o.DataDir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := makeDataDir(&o); err != nil {
		return err
	}
	lock, err := lockDir(o.DataDir)
	if err != nil {
		return err
	}
	defer lock.release()
	cluster, err := recordedCluster(o.DataDir)
	if err != nil {
		return err
	}
	if pid, ok := runningServer(cluster); ok {
		return fmt.Errorf("remove %s: %w as pid %d", cluster, ErrAlreadyRunning, pid)
	}
	gone := []string{cluster}
	for _, pattern := range []string{initDirs(cluster), setAsideDirs(cluster)} {
		more, _ := filepath.Glob(pattern) // fails for a malformed pattern only
		gone = append(gone, more...)
	}
	for _, name := range []string{passwordFile, portFile, logFile, logFile + ".1", locationFile} {
		gone = append(gone, filepath.Join(o.DataDir, name))
	}
	for _, path := range gone {
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("remove the data directory: %w", err)
		}
	}
	return nil
}
