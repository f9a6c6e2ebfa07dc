package localpg

import (
	"os"
	"syscall"
)

// childAttributes puts a child in its own process group, so that Ctrl-C in a console reaches this
// process only and it decides what stops when.
func childAttributes(account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// interrupt ends a child; Windows knows no gentle way for any program.
func interrupt(process *os.Process) error { return process.Kill() }
