package workspace

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// identify tells the inode of a file, how many names it has, and when it or its inode was last changed.
func identify(info fs.FileInfo) (inode, links uint64, changed time.Time) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, info.ModTime()
	}
	return stat.Ino, uint64(stat.Nlink), time.Unix(stat.Ctim.Unix()) //nolint:unconvert // not 64 bits wide everywhere
}

// setModified sets when an open file was modified. By its name it could be another file by now.
func setModified(file *os.File, at time.Time) error {
	modified, err := unix.TimeToTimespec(at)
	if err != nil {
		return err
	}
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, modified}
	return unix.UtimesNanoAt(int(file.Fd()), "", times, unix.AT_EMPTY_PATH)
}

// makeWritable gives the program all rights on a directory that is its own. By the name it could be a file by now, one with a
// second name outside.
func makeWritable(root *os.Root, name string) error {
	dir, err := root.OpenFile(name, unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer dir.Close()
	return os.Chmod(fmt.Sprintf("/proc/self/fd/%d", dir.Fd()), 0o700) //nolint:gosec // a directory
}
