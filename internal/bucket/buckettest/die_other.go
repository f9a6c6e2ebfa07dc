//go:build !linux

package buckettest

import "syscall"

// dieWithParent is for Linux.
func dieWithParent() *syscall.SysProcAttr { return nil }
