package dbbackup

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// partBytes is how large the parts of a base backup are, but for the last. A broken-off upload loses one at most, and
// stores that keep large files in pieces take it.
const partBytes = 256 << 20

// BaseOptions say how a base backup is made.
type BaseOptions struct {
	// Rate limits how fast the server is read, in bytes per second; 0 does not. From 32 KiB to 1 GiB.
	Rate int64
	// PartBytes is how large parts are; 0 is the default.
	PartBytes int64
}

// BackUp stores a base backup of the cluster. replicationURL is of a role with REPLICATION. It returns when the WAL that
// the backup needs is in the repository too: the cluster must archive to it.
func (r *Repository) BackUp(ctx context.Context, replicationURL string, o BaseOptions) (*Base, error) {
	b := &Base{StartedAt: time.Now().UTC(), Encrypted: len(r.Recipients) > 0}
	if err := b.describe(ctx, replicationURL); err != nil {
		return nil, err
	}
	earlier, err := r.List(ctx)
	if err != nil && !errors.Is(err, ErrDamaged) { // a damaged one is no reason to make none
		return nil, err
	}
	for _, e := range earlier {
		if e.System != b.System {
			return nil, fmt.Errorf("the bucket holds backups of another cluster (%s has the system identifier %s, and this is %s); "+
				"give each cluster a bucket of its own", e.ID, e.System, b.System)
		}
	}
	random := make([]byte, 2)
	_, _ = rand.Read(random) // never fails
	b.ID = b.StartedAt.Format(idLayout) + "-" + hex.EncodeToString(random)
	if err := r.store(ctx, b, replicationURL, o); err != nil {
		// What is left without a manifest is no backup; a later prune removes what this one cannot.
		return nil, errors.Join(err, r.Bucket.DeleteAll(context.WithoutCancel(ctx), basePrefix+b.ID+"/"))
	}
	return b, nil
}

// describe asks the server what it is.
func (b *Base) describe(ctx context.Context, replicationURL string) error {
	config, err := pgconn.ParseConfig(replicationURL)
	if err != nil {
		return errors.New("the database's URL cannot be parsed; it must look like postgres://role:password@host:port/")
	}
	config.RuntimeParams["replication"] = "true"
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect for replication (the role needs REPLICATION, and a line for it in pg_hba.conf): %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	ask := func(command string) (string, error) {
		results, err := conn.Exec(ctx, command).ReadAll()
		if err != nil || len(results) == 0 || len(results[0].Rows) == 0 {
			return "", fmt.Errorf("%s: %w", command, errors.Join(err))
		}
		return string(results[0].Rows[0][0]), nil
	}
	var mode, segment string
	for _, q := range []struct {
		command string
		into    *string
	}{{"IDENTIFY_SYSTEM", &b.System}, {"SHOW server_version", &b.Version}, {"SHOW archive_mode", &mode}, {"SHOW wal_segment_size", &segment}} {
		if *q.into, err = ask(q.command); err != nil {
			return err
		}
	}
	b.Version, _, _ = strings.Cut(b.Version, " ")
	if mode == "off" {
		return errors.New("archive_mode is off; without archived WAL a base backup cannot be restored: set archive_mode and archive_command first")
	}
	n, unit := strings.TrimRight(segment, "kMGB"), strings.TrimLeft(segment, "0123456789")
	size, err := strconv.ParseUint(n, 10, 32)
	shift, known := map[string]uint{"kB": 10, "MB": 20, "GB": 30}[unit]
	if err != nil || !known {
		return fmt.Errorf("wal_segment_size is %q, which is not understood", segment)
	}
	b.SegmentBytes = size << shift
	return nil
}

// store runs pg_basebackup and stores what it writes; the manifest last.
func (r *Repository) store(ctx context.Context, b *Base, replicationURL string, o BaseOptions) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Without WAL in the backup, the server waits until what it needs is archived.
	args := []string{"--pgdata=-", "--format=tar", "--wal-method=none", "--checkpoint=fast", "--manifest-checksums=SHA256"}
	if o.Rate > 0 {
		args = append(args, "--max-rate="+strconv.FormatInt(max(o.Rate>>10, 32), 10))
	}
	cmd, err := program(ctx, "pg_basebackup", replicationURL, "", args...)
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("run pg_basebackup: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run pg_basebackup: %w", err)
	}
	stored, w := io.Pipe()
	sealed := make(chan error, 1)
	go func() {
		err := b.seal(w, out, r)
		_, _ = copyBuffered(io.Discard, out) // else it would never end
		if waitErr := finish(cmd); waitErr != nil && (err == nil || ctx.Err() == nil) {
			err = waitErr // what was read is short for this reason
		}
		_ = w.CloseWithError(err) // nil is the end
		sealed <- err
	}()
	err = r.storeParts(ctx, b, stored, o)
	_ = stored.CloseWithError(errors.Join(err, io.ErrClosedPipe)) // who writes on, learns it
	if err != nil {
		cancel()
	}
	if sealErr := <-sealed; err == nil {
		err = sealErr
	}
	if err != nil {
		return err
	}
	if err := r.hasWAL(ctx, b); err != nil {
		return err
	}
	if n, err := r.Bucket.Count(ctx, basePrefix+b.ID+"/"); err != nil || n != int64(len(b.Parts)) {
		return errors.Join(err, fmt.Errorf("of %d parts %d are in the bucket", len(b.Parts), n))
	}
	b.FinishedAt = time.Now().UTC()
	line, err := checked(b)
	if err != nil {
		return err
	}
	return r.Bucket.Write(ctx, manifestKey(b.ID), "text/plain", func(w io.Writer) error {
		_, err := w.Write(line)
		return err
	})
}

// seal compresses and encrypts the tar that comes from pg_basebackup, and reads on the way what it says of itself.
func (b *Base) seal(w io.Writer, tarball io.Reader, r *Repository) error {
	sealed, err := seal(w, r.Recipients)
	if err != nil {
		return err
	}
	sum := sha256.New()
	var size counter
	seen := io.TeeReader(bufio.NewReaderSize(tarball, 1<<20), io.MultiWriter(sealed, sum, &size))
	files := tar.NewReader(seen)
	for {
		file, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read from pg_basebackup: %w", err)
		}
		if file.Name == "backup_manifest" {
			if err := b.readServerManifest(files); err != nil {
				return err
			}
		}
	}
	if _, err := copyBuffered(io.Discard, seen); err != nil {
		return fmt.Errorf("read from pg_basebackup: %w", err)
	}
	if b.StartLSN == "" {
		return errors.New("pg_basebackup wrote no manifest")
	}
	b.Bytes, b.SHA256 = int64(size), hex.EncodeToString(sum.Sum(nil))
	return sealed.Close()
}

// readServerManifest reads which WAL the backup needs.
func (b *Base) readServerManifest(r io.Reader) error {
	var m struct {
		Ranges []struct {
			Timeline uint32 `json:"Timeline"`
			Start    string `json:"Start-LSN"`
			End      string `json:"End-LSN"`
		} `json:"WAL-Ranges"`
	}
	if err := json.NewDecoder(r).Decode(&m); err != nil {
		return fmt.Errorf("read the manifest of pg_basebackup: %w", err)
	}
	if len(m.Ranges) != 1 {
		return errors.New("the server changed its timeline during the backup; make another one")
	}
	b.Timeline, b.StartLSN, b.EndLSN = m.Ranges[0].Timeline, m.Ranges[0].Start, m.Ranges[0].End
	return nil
}

// counter counts bytes.
type counter int64

// Write counts.
func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// storeParts stores a stream in parts.
func (r *Repository) storeParts(ctx context.Context, b *Base, stream io.Reader, o BaseOptions) error {
	size := o.PartBytes
	if size == 0 {
		size = partBytes
	}
	ahead := bufio.NewReaderSize(stream, 256<<10)
	for {
		if _, err := ahead.Peek(1); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		sum := sha256.New()
		var stored counter
		err := r.Bucket.Write(ctx, b.part(len(b.Parts)+1), "application/octet-stream", func(w io.Writer) error {
			_, err := copyBuffered(io.MultiWriter(w, sum, &stored), io.LimitReader(ahead, size))
			return err
		})
		if err != nil {
			return fmt.Errorf("store the backup: %w", err)
		}
		b.Parts = append(b.Parts, Part{Bytes: int64(stored), SHA256: hex.EncodeToString(sum.Sum(nil))})
	}
}

// hasWAL makes sure that the WAL which the backup needs is in the repository.
func (r *Repository) hasWAL(ctx context.Context, b *Base) error {
	first, last, err := b.segments()
	if err != nil {
		return err
	}
	for n := first; n <= last; n++ {
		name := segmentName(b.Timeline, n, b.SegmentBytes)
		_, stored, err := r.readWAL(ctx, name)
		if errors.Is(err, ErrNoSuchWAL) {
			return fmt.Errorf("the server says that it has archived the WAL of the backup, and %s is not in this bucket: "+
				"archive_command must store it here, with 'fanfare backup wal'", name)
		}
		if err != nil {
			return err
		}
		_ = stored.Close()
	}
	return nil
}

// segments are the numbers of the first and last segment that a backup needs.
func (b *Base) segments() (first, last uint64, err error) {
	start, err := lsn(b.StartLSN)
	if err != nil {
		return 0, 0, err
	}
	end, err := lsn(b.EndLSN)
	if err != nil {
		return 0, 0, err
	}
	return start / b.SegmentBytes, max(end-1, start) / b.SegmentBytes, nil
}
