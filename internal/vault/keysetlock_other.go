//go:build !unix

package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// lockPause is how long to wait before another try at a lock that somebody holds.
const lockPause = 20 * time.Millisecond

// lockKeySetFile waits until nobody else changes the file at path, by a file beside it that only one can
// make. One that a killed process has left must be removed by hand.
func lockKeySetFile(ctx context.Context, path string) (unlock func(), err error) {
	lock := path + ".lock"
	for {
		file, err := os.OpenFile(lock, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err == nil {
			_ = file.Close() // it is empty
			return func() { _ = os.Remove(lock) }, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("somebody else is changing the key set; if nobody is, remove %s: %w", lock, ctx.Err())
		case <-time.After(lockPause):
		}
	}
}

// keepOwner does nothing: there are no owners to keep as Unix has them.
func keepOwner(*os.File, fs.FileInfo) error { return nil }
