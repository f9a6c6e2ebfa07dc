package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// shutdown is a way of stopping a postmaster; see pg_ctl(1).
type shutdown int

const (
	fastShutdown      shutdown = iota // SIGINT: close the connections, flush the data
	immediateShutdown                 // SIGQUIT: leave the rest to recovery
	killed                            // SIGKILL
)

// runningServer returns the pid of the postmaster that runs the cluster, whoever started it.
func runningServer(cluster string) (pid int, ok bool) {
	pid, ok = readPidFile(cluster)
	if !ok || !isPostmaster(pid, cluster) {
		return 0, false
	}
	return pid, true
}

// readPidFile reads postmaster.pid, whose first line is the pid of a postmaster that runs the
// cluster or once did, and whose second line is the cluster's path.
func readPidFile(cluster string) (pid int, ok bool) {
	text, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return 0, false
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err = strconv.Atoi(strings.TrimSpace(first))
	return pid, err == nil && pid > 1
}

// stopOrphan stops a server which a killed process of ours has left behind. Whoever calls it holds
// the lock of the data directory, so nobody uses that server any more. A server that was started by
// hand in our cluster is left alone, with an error.
func stopOrphan(ctx context.Context, o Options, b binaries, cluster string) error {
	pid, ok := runningServer(cluster)
	if !ok {
		return nil // a postmaster.pid without its postmaster is for postgres to deal with
	}
	if !hasArgument(pid, marker(o.DataDir)) {
		return fmt.Errorf("%w as pid %d, which was not started by `fanfare dev`: stop that server first, or use --data-dir",
			ErrAlreadyRunning, pid)
	}
	o.Log.Warn("stopping a server that was left behind by a killed process", "pid", pid)
	gone := make(chan struct{})
	watch, stopWatching := context.WithCancel(context.Background())
	defer stopWatching()
	go func() {
		for isPostmaster(pid, cluster) {
			select {
			case <-watch.Done():
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
		close(gone)
	}()
	if err := stopServer(ctx, b, pid, gone); err != nil && !errors.Is(err, errStoppedHard) {
		return fmt.Errorf("a server was left behind by a killed process: %w", err)
	}
	return nil
}
