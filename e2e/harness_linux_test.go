package e2e

import "syscall"

// dieWithUs has the kernel kill a started process when the test process dies, as it does at a time-out.
func dieWithUs() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
