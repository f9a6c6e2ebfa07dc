//go:build unix

package localpg

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func signalServer(_ binaries, pid int, how shutdown) error {
	return syscall.Kill(pid, map[shutdown]syscall.Signal{
		fastShutdown:      syscall.SIGINT,
		immediateShutdown: syscall.SIGQUIT,
		killed:            syscall.SIGKILL,
	}[how])
}

// interrupt asks a child and the children it has to end.
func interrupt(process *os.Process) error { return syscall.Kill(-process.Pid, syscall.SIGTERM) }

// isPostmaster reports whether the process with this pid is a postmaster of the cluster. The pid may
// long since be somebody else's.
func isPostmaster(pid int, cluster string) bool {
	args, ok := arguments(pid)
	if !ok || len(args) == 0 {
		return false
	}
	program := filepath.Base(args[0])
	return (program == "postgres" || program == "postmaster") && slices.ContainsFunc(args, func(arg string) bool {
		return strings.TrimPrefix(arg, "-D") == cluster
	})
}

// hasArgument reports whether the process was started with this argument.
func hasArgument(pid int, argument string) bool {
	args, _ := arguments(pid)
	return slices.Contains(args, argument)
}
