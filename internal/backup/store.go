package backup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"
)

// sourceError is an error of a source's file, not of the store.
type sourceError struct{ error }

// Unwrap is the cause.
func (e sourceError) Unwrap() error { return e.error }

// store reads a file into segments. nil without an error: it is left out.
func (w *writer) store(ctx context.Context, source NamedSource, path string) (*File, error) {
	segments, filled := len(w.segments), len(w.buffer)
	for try := 0; ; try++ {
		file, err := w.read(ctx, source, path)
		var unreadable sourceError
		switch {
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case err == nil && (!file.Unstable || try == rereadings):
			w.totals.StoredFiles++
			w.totals.StoredBytes += file.Bytes
			if file.Unstable {
				w.totals.Unstable++
				if len(w.unstable) < listed {
					w.unstable = append(w.unstable, source.Name+"/"+path)
				}
			}
			return file, nil
		case err != nil && !errors.As(err, &unreadable):
			return nil, err
		}
		if err := w.forget(segments, filled); err != nil {
			return nil, err
		}
		switch {
		case err == nil: // it has changed; once more
		case errors.Is(err, fs.ErrNotExist):
			w.totals.Gone++
			return nil, w.leave(source.Name, path, "it was gone when it was to be read")
		case errors.Is(err, fs.ErrPermission):
			w.totals.Unreadable++
			return nil, w.leave(source.Name, path, "it may not be read")
		default:
			w.totals.Unreadable++
			return nil, w.leave(source.Name, path, "it could not be read")
		}
	}
}

// forget goes back to where the content ended before: segments that hold only what came after are written over.
func (w *writer) forget(segments, filled int) error {
	if len(w.segments) == segments {
		w.buffer = w.buffer[:filled]
		return nil
	}
	if err := w.wait(); err != nil {
		return err
	}
	if filled > 0 {
		segments++ // the first of them ends with what is forgotten
	}
	w.segments, w.buffer = w.segments[:segments], w.buffer[:0]
	return nil
}

// read reads a file once.
func (w *writer) read(ctx context.Context, source NamedSource, path string) (*File, error) {
	began := time.Now()
	in, err := source.Open(ctx, path)
	if err != nil {
		return nil, sourceError{err}
	}
	defer in.Close()
	before, err := in.Stat()
	if err != nil {
		return nil, sourceError{err}
	}
	sum := sha256.New()
	file := &File{Source: source.Name, Path: path}
	for file.Bytes < before.Bytes {
		if len(w.buffer) == cap(w.buffer) {
			if err := w.flush(ctx); err != nil {
				return nil, err
			}
		}
		start := len(w.buffer)
		chunk := w.buffer[start:min(cap(w.buffer), start+int(min(chunkSize, before.Bytes-file.Bytes)))]
		if err := w.repo.wait(ctx, len(chunk)); err != nil {
			return nil, err
		}
		n, err := io.ReadFull(in, chunk)
		if n > 0 {
			w.buffer = w.buffer[:start+n]
			_, _ = sum.Write(chunk[:n])
			file.Bytes += int64(n)
			key := segmentKey(w.o.ID, len(w.segments))
			if last := len(file.Places) - 1; last >= 0 && file.Places[last].Segment == key {
				file.Places[last].Bytes += int64(n)
			} else {
				file.Places = append(file.Places, Place{Segment: key, Offset: int64(start), Bytes: int64(n)})
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return nil, sourceError{err}
		}
	}
	after, err := in.Stat()
	if err != nil {
		return nil, sourceError{err}
	}
	file.SHA256 = hex.EncodeToString(sum.Sum(nil))
	file.Executable, file.Modified, file.Stamp = after.Executable, writable(after.Modified), after.Stamp
	file.Unstable = file.Bytes != after.Bytes || before.Bytes != after.Bytes || before.Stamp != after.Stamp || !before.Modified.Equal(after.Modified)
	if file.Stamp.Changed != 0 && began.Sub(time.Unix(0, file.Stamp.Changed)) < w.repo.settle() {
		file.Stamp = Stamp{} // another change could have the same time
	}
	return file, nil
}

// writable is a time that JSON can hold. Anybody can set any time.
func writable(t time.Time) time.Time {
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Unix(0, 0).UTC()
	}
	return t
}

// settle is how old a change must be for its time to be its own.
func (r *Repository) settle() time.Duration {
	if r.Settle != 0 {
		return r.Settle
	}
	return time.Second
}

// flush begins to store the segment that was filled, once the one before is stored.
func (w *writer) flush(ctx context.Context) error {
	if len(w.buffer) == 0 {
		return nil
	}
	if err := w.wait(); err != nil {
		return err
	}
	if w.spare == nil {
		w.spare = make([]byte, 0, cap(w.buffer))
	}
	content := w.buffer
	w.buffer, w.spare = w.spare[:0], w.buffer
	n := len(w.segments)
	w.segments = append(w.segments, Segment{Segment: segmentKey(w.o.ID, n), Bytes: int64(len(content))})
	done := make(chan error, 1)
	w.pending = done
	segment := &w.segments[n] // w.segments stays as it is until wait
	go func() {
		var err error
		segment.SHA256, segment.Stored, err = w.repo.seal(ctx, w.encoder, w.repo.Prefix+segment.Segment, bytes.NewReader(content))
		done <- err
	}()
	return nil
}

// wait waits until the segment before is stored.
func (w *writer) wait() error {
	if w.pending == nil {
		return nil
	}
	err := <-w.pending
	w.pending = nil
	if err != nil {
		return fmt.Errorf("store segment: %w", err)
	}
	return nil
}
