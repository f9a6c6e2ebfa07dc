//go:build linux || darwin

package workspace

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// Flags to open what may have become something else since it was looked at: a FIFO would wait for a writer for ever.
const (
	neverWait     = syscall.O_NONBLOCK
	directoryOnly = syscall.O_DIRECTORY | syscall.O_NONBLOCK
)

// isFull tells whether the disk, the system's quota, or what it lets a file have is full.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

// isNotEmpty tells whether a directory could not be removed because something is in it.
func isNotEmpty(err error) bool { return errors.Is(err, syscall.ENOTEMPTY) }

// canRemoveFrom tells whether what is in a directory can be removed: in our own, modes can be changed if they forbid it.
func (d *Directory) canRemoveFrom(name string, info fs.FileInfo) bool {
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) == os.Geteuid() {
		return true
	}
	dir, err := openDirectory(d.root, name)
	if gone(err) {
		return true
	}
	if err != nil || info.Mode()&fs.ModeSticky != 0 && os.Geteuid() != 0 {
		return false
	}
	defer dir.Close()
	return unix.Faccessat(int(dir.Fd()), ".", unix.W_OK|unix.X_OK, unix.AT_EACCESS) == nil
}

// freeBytes is how many bytes a disk has left for the program.
func freeBytes(dir *os.File) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Fstatfs(int(dir.Fd()), &stat); err != nil {
		return 0, err
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil //nolint:unconvert // types differ between systems
}

// syncOpened waits until the names in an open directory are on the disk.
func syncOpened(dir *os.File) error { return fail("sync directory", dir.Sync()) }
