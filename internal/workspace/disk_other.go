//go:build !linux && !darwin

package workspace

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"syscall"
	"time"
)

// identify knows neither inodes nor second names here.
func identify(info fs.FileInfo) (inode, links uint64, changed time.Time) {
	return 0, 1, info.ModTime()
}

const (
	neverWait     = 0
	directoryOnly = 0
)

// What Windows says for a full disk and for a directory that is not empty.
const (
	errorDiskFull    = syscall.Errno(112)
	errorDirNotEmpty = syscall.Errno(145)
)

func isFull(err error) bool { return errors.Is(err, errorDiskFull) || errors.Is(err, syscall.ENOSPC) }

func isNotEmpty(err error) bool {
	return errors.Is(err, errorDirNotEmpty) || errors.Is(err, syscall.ENOTEMPTY)
}

// canRemoveFrom knows no such modes here.
func (*Directory) canRemoveFrom(string, fs.FileInfo) bool { return true }

// freeBytes is not known here: a disk is full when writing says so.
func freeBytes(*os.File) (int64, error) { return math.MaxInt64, nil }

// syncOpened does nothing: directories cannot be synced here.
func syncOpened(*os.File) error { return nil }

// setModified does nothing: the system offers it by name only.
func setModified(*os.File, time.Time) error { return nil }

// makeWritable does nothing: directories have no such modes here.
func makeWritable(*os.Root, string) error { return nil }
