package datasync

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// sync leaves out what is not needed to read the file again, such as its times.
func sync(file *os.File) error {
	for {
		if err := unix.Fdatasync(int(file.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
