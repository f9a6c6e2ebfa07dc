package workspace

import (
	"io/fs"
	"syscall"
	"time"
)

// identify tells the inode of a file, how many names it has, and when it or its inode was last changed.
func identify(info fs.FileInfo) (inode, links uint64, changed time.Time) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, info.ModTime()
	}
	return stat.Ino, uint64(stat.Nlink), time.Unix(stat.Ctimespec.Unix())
}
