package localpg

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const lockFile = "lock"

// ErrAlreadyRunning says that another process, or another part of this one, has a server in the
// data directory.
var ErrAlreadyRunning = errors.New("already running")

// errLocked is what lockExclusive returns when somebody else has the lock.
var errLocked = errors.New("locked")

// dirLock is the right to run a server in a data directory. The operating system takes it back when
// the process dies, however it dies.
type dirLock struct{ file *os.File }

// lockDir takes the lock of a data directory, or says who has it.
func lockDir(dataDir string) (*dirLock, error) {
	file, err := os.OpenFile(filepath.Join(dataDir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data directory: %w", err)
	}
	if err := lockExclusive(file); err != nil {
		defer file.Close()
		if !errors.Is(err, errLocked) {
			return nil, fmt.Errorf("lock the data directory: %w", err)
		}
		holder := "another process"
		if text, err := io.ReadAll(io.LimitReader(file, 20)); err == nil && len(text) > 0 {
			holder = "pid " + strings.TrimSpace(string(text))
		}
		return nil, fmt.Errorf("%w as %s: another `fanfare dev` uses the directory %s; to run a second one, use `fanfare dev --data-dir …` or `make run ARGS=\"--data-dir …\"`",
			ErrAlreadyRunning, holder, dataDir)
	}
	// Only for the message above; nobody decides anything by it.
	if err := file.Truncate(0); err == nil {
		_, err = file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
		if err != nil {
			file.Close()
			return nil, fmt.Errorf("write the lock of the data directory: %w", err)
		}
	}
	return &dirLock{file: file}, nil
}

// release gives the lock back. Closing the file is not enough: a process that is just being started has a
// copy of it for a moment, and with it the lock. The file stays: removing it would let two processes lock
// two files of the same name.
func (l *dirLock) release() {
	_ = unlock(l.file) // closing does it too, if a little later
	_ = l.file.Close()
}
