package buckettest

import "syscall"

// dieWithParent has the kernel end a process when this one is gone, also where it was killed.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
