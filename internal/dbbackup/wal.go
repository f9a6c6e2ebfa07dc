package dbbackup

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"fanfare/internal/bucket"
)

// walName is how files of WAL are named that Postgres archives: segments, histories of timelines, notes on base backups,
// and the last segment of a timeline that another continues.
var (
	walName     = regexp.MustCompile(`^([0-9A-F]{24}(\.[0-9A-F]{8}\.backup|\.partial)?|[0-9A-F]{8}\.history)$`)
	segmentOnly = regexp.MustCompile(`^[0-9A-F]{24}$`)
	historyOnly = regexp.MustCompile(`^[0-9A-F]{8}\.history$`)
)

// ErrNoSuchWAL says that there is no such file of WAL in the repository: the WAL ends there.
var ErrNoSuchWAL = errors.New("there is no such file of WAL")

// walHeader is the first line of a stored file of WAL.
type walHeader struct {
	Name       string    `json:"name"`
	Bytes      int64     `json:"bytes"`
	SHA256     string    `json:"sha256"`
	ArchivedAt time.Time `json:"archived_at"`
}

// walKey groups files by 256 segments, so that few are listed to find one.
func walKey(name string) string { return walPrefix + name[:min(16, len(name))] + "/" + name }

// ArchiveWAL stores a file of WAL. Storing the same once more does nothing; another content under the same name is
// refused: it is of another cluster, and would destroy this one's backups.
func (r *Repository) ArchiveWAL(ctx context.Context, path, name string, now time.Time) error {
	if !walName.MatchString(name) {
		return fmt.Errorf("%q is not the name of a file of WAL", name)
	}
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read WAL: %w", err)
	}
	defer file.Close()
	sum := sha256.New()
	size, err := copyBuffered(sum, file)
	if err != nil {
		return fmt.Errorf("read WAL: %w", err)
	}
	header := walHeader{Name: name, Bytes: size, SHA256: hex.EncodeToString(sum.Sum(nil)), ArchivedAt: now.UTC()}
	stored, content, err := r.readWAL(ctx, name)
	if err == nil {
		_ = content.Close()
	}
	switch {
	case err == nil && stored.SHA256 == header.SHA256:
		return nil
	case err == nil:
		return fmt.Errorf("%s is stored already with another content: the bucket holds the WAL of another cluster, or of another life of this one; "+
			"give this one a bucket of its own", name)
	case !errors.Is(err, ErrNoSuchWAL):
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read WAL: %w", err)
	}
	return r.Bucket.Write(ctx, walKey(name), "application/octet-stream", func(w io.Writer) error {
		line, err := checked(header)
		if err != nil {
			return err
		}
		if _, err := w.Write(line); err != nil {
			return err
		}
		sealed, err := seal(w, r.Recipients)
		if err != nil {
			return err
		}
		again := sha256.New()
		if _, err := copyBuffered(io.MultiWriter(sealed, again), file); err != nil {
			return fmt.Errorf("store WAL: %w", err)
		}
		if hex.EncodeToString(again.Sum(nil)) != header.SHA256 {
			return fmt.Errorf("%s has changed while it was stored", path)
		}
		return sealed.Close()
	})
}

// readWAL opens a stored file of WAL, after its header. The caller closes it, where there is no error.
func (r *Repository) readWAL(ctx context.Context, name string) (*walHeader, *storedWAL, error) {
	file, err := r.Bucket.Read(ctx, walKey(name))
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, nil, ErrNoSuchWAL
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", name, err)
	}
	stored := &storedWAL{Reader: bufio.NewReaderSize(file, 64<<10), Closer: file}
	header := &walHeader{}
	if err := readChecked(stored.Reader, header); err != nil {
		_ = file.Close()
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	if header.Name != name {
		_ = file.Close()
		return nil, nil, fmt.Errorf("%s: %w: it is %s", name, ErrDamaged, header.Name)
	}
	return header, stored, nil
}

type storedWAL struct {
	*bufio.Reader
	io.Closer
}

// content verifies and writes what a stored file of WAL holds.
func (r *Repository) content(ctx context.Context, name string, w io.Writer) error {
	header, stored, err := r.readWAL(ctx, name)
	if err != nil {
		return err
	}
	defer stored.Close()
	plain, err := unseal(stored.Reader, r.Identities)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	defer plain.Close()
	sum := sha256.New()
	size, err := copyBuffered(io.MultiWriter(w, sum), plain)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if size != header.Bytes || hex.EncodeToString(sum.Sum(nil)) != header.SHA256 {
		return fmt.Errorf("%s: %w: it is not what was archived", name, ErrDamaged)
	}
	return nil
}

// RestoreWAL writes a file of WAL to path, where it appears when it is whole. ErrNoSuchWAL if there is none.
func (r *Repository) RestoreWAL(ctx context.Context, name, path string) error {
	if !walName.MatchString(name) {
		return fmt.Errorf("%q is not the name of a file of WAL", name)
	}
	file, err := os.OpenFile(path+".fanfare", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write WAL: %w", err)
	}
	defer os.Remove(file.Name()) // gone already if all went well
	defer file.Close()
	if err := r.content(ctx, name, file); err != nil {
		return err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write WAL: %w", err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write WAL: %w", err)
	}
	return nil
}
