package localpg

import (
	"context"
	"fmt"
	"os"
	"strconv"
)

// signalServer has pg_ctl deliver the signal: postmasters on Windows listen for signals on a pipe of
// PostgreSQL's own making.
func signalServer(b binaries, pid int, how shutdown) error {
	if how == killed {
		process, err := os.FindProcess(pid)
		if err != nil {
			return err
		}
		return process.Kill()
	}
	signal := map[shutdown]string{fastShutdown: "INT", immediateShutdown: "QUIT"}[how]
	out, err := b.command(context.Background(), "pg_ctl", "kill", signal, strconv.Itoa(pid)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("pg_ctl kill %s: %w\n%s", signal, err, lastLines(string(out), 5))
	}
	return nil
}

// isPostmaster reports whether there is a process with this pid. Windows does not show the command
// line of another process; the pid comes from the cluster's own file.
func isPostmaster(pid int, _ string) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = process.Release()
	return true
}

// hasArgument trusts the lock of the data directory, for the same reason.
func hasArgument(int, string) bool { return true }
