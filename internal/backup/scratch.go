package backup

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// scratch makes a temporary file that has no name, so that nothing of it stays, whatever happens.
func (r *Repository) scratch() (*os.File, error) {
	f, err := os.CreateTemp(r.Scratch, "fanfare-backup-*")
	if err != nil {
		return nil, fmt.Errorf("make scratch file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("make scratch file: %w", err)
	}
	return f, nil
}

// scratchLines are lines of JSON in a temporary file.
type scratchLines struct {
	file *os.File
	out  *bufio.Writer
	json *json.Encoder
}

// scratchLines makes an empty file.
func (r *Repository) scratchLines() (*scratchLines, error) {
	f, err := r.scratch()
	if err != nil {
		return nil, err
	}
	s := &scratchLines{file: f, out: bufio.NewWriterSize(f, 64<<10)}
	s.json = json.NewEncoder(s.out)
	s.json.SetEscapeHTML(false)
	return s, nil
}

// add appends a line.
func (s *scratchLines) add(v any) error {
	if err := s.json.Encode(v); err != nil {
		return fmt.Errorf("write scratch file: %w", err)
	}
	return nil
}

// rewind makes all that was written readable, from the beginning.
func (s *scratchLines) rewind() (io.Reader, error) {
	if err := s.out.Flush(); err != nil {
		return nil, fmt.Errorf("write scratch file: %w", err)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read scratch file: %w", err)
	}
	return bufio.NewReaderSize(s.file, 64<<10), nil
}

// close throws the file away.
func (s *scratchLines) close() {
	if s != nil {
		_ = s.file.Close()
	}
}
