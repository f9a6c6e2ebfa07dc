//go:build unix

package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"
)

// lockPause is how long to wait before another try at a lock that somebody holds.
const lockPause = 20 * time.Millisecond

// lockKeySetFile waits until nobody else changes the file at path. The lock is the file's own and ends
// with the process, so nothing is left of one that was killed. It holds on this machine.
func lockKeySetFile(ctx context.Context, path string) (unlock func(), err error) {
	for {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		locked, err := lockFile(file, path)
		if err == nil && locked {
			return func() { _ = file.Close() }, nil
		}
		_ = file.Close() // nothing was written
		if err != nil {
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("somebody else is changing %s: %w", path, ctx.Err())
		case <-time.After(lockPause):
		}
	}
}

// lockFile tries to lock a file, and says no too if another one has taken its place meanwhile.
func lockFile(file *os.File, path string) (locked bool, err error) {
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	mine, err := file.Stat()
	if err != nil {
		return false, err
	}
	there, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	return os.SameFile(mine, there), nil
}

// keepOwner gives a new file the owner and the group of the one whose place it takes: the processes that
// read it may be another user's than whoever changes it.
func keepOwner(file *os.File, was fs.FileInfo) error {
	now, err := file.Stat()
	if err != nil {
		return err
	}
	have, want := now.Sys().(*syscall.Stat_t), was.Sys().(*syscall.Stat_t)
	if have.Uid == want.Uid && have.Gid == want.Gid {
		return nil
	}
	if err := file.Chown(int(want.Uid), int(want.Gid)); err != nil {
		return fmt.Errorf("the file belongs to user %d and group %d; run this as that user, or as root: %w", want.Uid, want.Gid, err)
	}
	return nil
}
