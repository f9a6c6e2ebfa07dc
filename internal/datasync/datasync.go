// Package datasync makes the times of files tell the truth about programs that have mapped them.
//
// Such a program changes a file by writing to memory. The system moves the file's ctime when it first does so, and not for what it writes later to the same page,
// as long as that is not on the disk. Once it is, the next write moves ctime again.
package datasync

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// File waits until the content of an open file, which need not be open for writing, is on the disk: what is changed after that moves its ctime. That a file system
// cannot do it is no error.
func File(file *os.File) error {
	err := sync(file)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.EROFS) {
		return nil
	}
	if err != nil {
		return &fs.PathError{Op: "sync", Path: file.Name(), Err: err}
	}
	return nil
}
