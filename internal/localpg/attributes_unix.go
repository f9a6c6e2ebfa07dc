//go:build unix && !linux

package localpg

import "syscall"

// childAttributes puts a child in its own process group, so that Ctrl-C in a terminal reaches this
// process only and it decides what stops when, and sets the account it runs as. These systems have no
// parent-death signal: a server whose parent was killed is stopped by the next Start.
func childAttributes(as account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: as.credential()}
}
