package localpg

import "syscall"

// childAttributes puts a child in its own process group, so that Ctrl-C in a terminal reaches this
// process only and it decides what stops when; has the kernel send it a fast shutdown (SIGINT, which
// also ends initdb) when this process dies, even by kill -9; and sets the account it runs as.
func childAttributes(as account) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Setpgid:    true,
		Pdeathsig:  syscall.SIGINT,
		Credential: as.credential(),
	}
}
