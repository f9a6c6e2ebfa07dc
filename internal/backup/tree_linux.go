package backup

import (
	"io/fs"
	"syscall"
)

// identify tells a file's stamp, and whether it has one name only.
func identify(info fs.FileInfo) (stamp Stamp, single bool) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return Stamp{Inode: s.Ino, Changed: s.Ctim.Nano()}, s.Nlink == 1
	}
	return Stamp{}, true
}
