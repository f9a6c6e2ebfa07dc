package localpg

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
)

const (
	logFile    = "postgres.log"
	maxLogSize = 16 << 20
)

// serverLog is the file that the server writes its log to.
type serverLog struct {
	file   *os.File
	offset int64 // where this run of the server begins
}

// openServerLog opens the log for appending. One that has grown large is first moved to
// postgres.log.1.
func openServerLog(dataDir string) (serverLog, error) {
	path := filepath.Join(dataDir, logFile)
	if info, err := os.Stat(path); err == nil && info.Size() > maxLogSize {
		if err := os.Rename(path, path+".1"); err != nil {
			return serverLog{}, fmt.Errorf("rotate the server's log: %w", err)
		}
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return serverLog{}, fmt.Errorf("open the server's log: %w", err)
	}
	offset, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		file.Close()
		return serverLog{}, fmt.Errorf("open the server's log: %w", err)
	}
	return serverLog{file: file, offset: offset}, nil
}

// since returns what the server has logged in this run, 64 KiB at most.
func (l serverLog) since() string {
	text, err := io.ReadAll(io.NewSectionReader(l.file, l.offset, 64<<10))
	if err != nil {
		return "(the log cannot be read: " + err.Error() + ")"
	}
	return string(text)
}
