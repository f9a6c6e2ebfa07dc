package cmd

import (
	"testing"

	"golang.org/x/sys/unix"
)

// mountSmall makes a directory a disk of one MiB, where that may be done.
func mountSmall(t *testing.T, dir string) bool {
	t.Helper()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Logf("a disk cannot be mounted here: %v", err)
		return false
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return true
}
