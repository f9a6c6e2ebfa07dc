package workspace

import (
	"io/fs"
	"os"
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

// setModified sets when an open file was modified. By its name it could be another file by now.
func setModified(file *os.File, at time.Time) error {
	times := []syscall.Timeval{syscall.NsecToTimeval(time.Now().UnixNano()), syscall.NsecToTimeval(at.UnixNano())}
	return syscall.Futimes(int(file.Fd()), times)
}

// makeWritable gives the program all rights on a directory that is its own and that it can open.
func makeWritable(root *os.Root, name string) error {
	dir, err := openDirectory(root, name)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Chmod(0o700)
}
