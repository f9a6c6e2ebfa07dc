package dbbackup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ToLatest is the timeline that was begun last.
const ToLatest = "latest"

// RestoreOptions say what is restored, and where.
type RestoreOptions struct {
	// To is the data directory: one that is there and empty, or one that is made.
	To string
	// Until is the moment to which WAL is replayed; zero is the end of what was archived.
	Until time.Time
	// Base is the base backup to begin with; empty is the newest that was finished by then.
	Base string
	// Timeline is ToLatest or a number; empty is ToLatest. A cluster that was restored begins a new one.
	Timeline string
	// RestoreCommand is what Postgres runs to get a file of WAL, with %f and %p.
	RestoreCommand string
}

// RestorePlan says what restoring would do.
type RestorePlan struct {
	Base     *Base
	Until    time.Time
	Timeline string
	// FirstWAL and LastWAL are the segments that are replayed at most, of which there are Segments.
	FirstWAL, LastWAL string
	Segments          int
	// ArchivedAt is when the last segment was archived: what came after it is not in the repository.
	ArchivedAt time.Time
}

// Plan says what restoring would do, after making sure that the base backup and the WAL are there, without a gap.
func (r *Repository) Plan(ctx context.Context, o RestoreOptions) (*RestorePlan, error) {
	p := &RestorePlan{Until: o.Until, Timeline: o.Timeline}
	if p.Timeline == "" {
		p.Timeline = ToLatest
	}
	var err error
	if p.Base, err = r.choose(ctx, o); err != nil {
		return nil, err
	}
	if err := r.planWAL(ctx, p); err != nil {
		return nil, err
	}
	return p, nil
}

// choose finds the base backup to begin with.
func (r *Repository) choose(ctx context.Context, o RestoreOptions) (*Base, error) {
	if o.Base != "" {
		b, err := r.base(ctx, o.Base)
		if err == nil && !o.Until.IsZero() && b.FinishedAt.After(o.Until) {
			err = fmt.Errorf("%s was finished at %s, and nothing is restored to a moment before that", b.ID, b.FinishedAt.Format(time.RFC3339))
		}
		return b, err
	}
	ids, _, err := r.ids(ctx)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 {
		return nil, errors.New("the bucket holds no whole base backup")
	}
	for _, id := range slices.Backward(ids) {
		b, err := r.base(ctx, id)
		if err != nil {
			return nil, fmt.Errorf("%w; name another one with --backup", err)
		}
		if o.Until.IsZero() || !b.FinishedAt.After(o.Until) {
			return b, nil
		}
	}
	return nil, fmt.Errorf("no base backup was finished by %s; the oldest is %s", o.Until.Format(time.RFC3339), ids[0])
}

// branch is a timeline that leads to the one to restore to, from the segment in which it begins to that in which the next
// one does.
type branch struct {
	timeline uint32
	from, to uint64
}

// planWAL looks for the segments that are to be replayed.
func (r *Repository) planWAL(ctx context.Context, p *RestorePlan) error {
	b := p.Base
	there, latest, err := r.listWAL(ctx, b)
	if err != nil {
		return err
	}
	if p.Timeline != ToLatest {
		n, err := strconv.ParseUint(p.Timeline, 10, 32)
		if err != nil || uint32(n) < b.Timeline {
			return fmt.Errorf("the timeline must be %q, or a number from %d on, which is that of the base backup", ToLatest, b.Timeline)
		}
		latest = uint32(n)
	}
	branches, err := r.history(ctx, b, latest)
	if err != nil {
		return err
	}
	first, needed, err := b.segments()
	if err != nil {
		return err
	}
	// find gives the name of a segment on the newest of the timelines that have it: in the one in which a timeline
	// begins, all of them are the same up to there.
	find := func(n uint64) string {
		for _, br := range slices.Backward(branches) {
			if name := segmentName(br.timeline, n, b.SegmentBytes); n >= br.from && n <= br.to && there[name] {
				return name
			}
		}
		return ""
	}
	last := needed
	for name := range there {
		timeline, n := segmentNumber(name, b.SegmentBytes)
		if slices.ContainsFunc(branches, func(br branch) bool { return br.timeline == timeline && n >= br.from && n <= br.to }) {
			last = max(last, n)
		}
	}
	p.FirstWAL = segmentName(b.Timeline, first, b.SegmentBytes)
	for n := first; n <= last; n++ {
		name := find(n)
		if name != "" {
			p.LastWAL = name
			p.Segments++
			continue
		}
		missing := segmentName(branches[len(branches)-1].timeline, n, b.SegmentBytes)
		switch {
		case n <= needed:
			return fmt.Errorf("the WAL segment %s is missing, without which the base backup %s cannot be restored; begin with another one (--backup)",
				segmentName(b.Timeline, n, b.SegmentBytes), b.ID)
		case p.Until.IsZero():
			return fmt.Errorf("the WAL segment %s is missing, and later ones are there: what came after %s cannot be restored; "+
				"restore to a moment before that (--until), or begin with a later base backup (--backup)", missing, p.LastWAL)
		}
		// What was archived after the moment to restore to has all that leads to it.
		if err := r.reaches(ctx, p); err != nil {
			return fmt.Errorf("the WAL segment %s is missing: %w", missing, err)
		}
		return nil
	}
	return r.reaches(ctx, p)
}

// reaches makes sure that the last segment was archived after the moment to restore to.
func (r *Repository) reaches(ctx context.Context, p *RestorePlan) error {
	header, stored, err := r.readWAL(ctx, p.LastWAL)
	if err != nil {
		return err
	}
	_ = stored.Close()
	p.ArchivedAt = header.ArchivedAt
	if !p.Until.IsZero() && p.Until.After(header.ArchivedAt) {
		return fmt.Errorf("the archived WAL ends at %s (%s), before %s", header.ArchivedAt.Format(time.RFC3339), p.LastWAL, p.Until.Format(time.RFC3339))
	}
	return nil
}

// listWAL lists the segments from a base backup on, and finds the newest timeline.
func (r *Repository) listWAL(ctx context.Context, b *Base) (there map[string]bool, latest uint32, err error) {
	first, _, err := b.segments()
	if err != nil {
		return nil, 0, err
	}
	there, latest = map[string]bool{}, b.Timeline
	err = r.Bucket.Each(ctx, walPrefix, func(key string) error {
		name := path.Base(key)
		switch {
		case key != walKey(name):
		case historyOnly.MatchString(name):
			timeline, err := strconv.ParseUint(name[:8], 16, 32)
			if err == nil {
				latest = max(latest, uint32(timeline))
			}
		case segmentOnly.MatchString(name):
			if _, n := segmentNumber(name, b.SegmentBytes); n >= first {
				there[name] = true
			}
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list WAL: %w", err)
	}
	return there, latest, nil
}

// history gives the timelines from that of the base backup to another.
func (r *Repository) history(ctx context.Context, b *Base, to uint32) ([]branch, error) {
	first, _, err := b.segments()
	if err != nil {
		return nil, err
	}
	branches := []branch{{b.Timeline, first, math.MaxUint64}}
	if to == b.Timeline {
		return branches, nil
	}
	var text bytes.Buffer
	name := fmt.Sprintf("%08X.history", to)
	if err := r.content(ctx, name, &text); err != nil {
		return nil, fmt.Errorf("read how timeline %d began: %w", to, err)
	}
	// Each line has a timeline, and where the next one left it.
	found := false
	type left struct {
		timeline uint32
		at       uint64
	}
	var lines []left
	for line := range strings.Lines(text.String()) {
		fields := strings.Fields(line)
		if len(fields) < 2 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		timeline, err := strconv.ParseUint(fields[0], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, ErrDamaged)
		}
		at, err := lsn(fields[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, ErrDamaged)
		}
		lines = append(lines, left{uint32(timeline), at / b.SegmentBytes})
	}
	for i, l := range lines {
		if found = found || l.timeline == b.Timeline; !found {
			continue
		}
		next := to
		if i+1 < len(lines) {
			next = lines[i+1].timeline
		}
		branches[len(branches)-1].to = l.at
		branches = append(branches, branch{next, l.at, math.MaxUint64})
	}
	if !found {
		return nil, fmt.Errorf("timeline %d does not come from timeline %d, which the base backup %s is of; name another timeline or backup (--timeline, --backup)", to, b.Timeline, b.ID)
	}
	return branches, nil
}

// controlFile is without which Postgres does not start: it comes last.
const controlFile = "global/pg_control"

// Restore restores into the data directory, and leaves it so that Postgres replays the WAL when it is started. Until all
// is there and verified, the directory has no global/pg_control, and Postgres does not start on it.
func (r *Repository) Restore(ctx context.Context, p *RestorePlan, o RestoreOptions) (err error) {
	if os.Geteuid() == 0 {
		return errors.New("this is the superuser of the machine, and Postgres refuses to run as it: restore as the user that runs Postgres")
	}
	if err := checkTarget(o.To); err != nil {
		return err
	}
	if err := os.MkdirAll(o.To, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	if err := os.Chmod(o.To, 0o700); err != nil { //nolint:gosec // a directory
		return fmt.Errorf("close the data directory to others: %w", err)
	}
	root, err := os.OpenRoot(o.To)
	if err != nil {
		return fmt.Errorf("open the data directory: %w", err)
	}
	defer func() { _ = root.Close() }()
	defer func() {
		if err != nil {
			err = errors.Join(err, empty(root))
		}
	}()
	if err := r.unpack(ctx, p.Base, root); err != nil {
		return err
	}
	if err := configure(root, p, o); err != nil {
		return err
	}
	if err := syncAll(root); err != nil {
		return err
	}
	if err := root.Rename(controlFile+".fanfare", controlFile); err != nil {
		return fmt.Errorf("finish: %w", err)
	}
	return syncDirectory(filepath.Join(o.To, filepath.Dir(controlFile)))
}

// checkTarget makes sure that nothing is in the data directory.
func checkTarget(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look into the data directory: %w", err)
	}
	if len(entries) == 0 {
		return nil
	}
	if _, err := os.Stat(filepath.Join(dir, controlFile)); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, "PG_VERSION")); err == nil {
			return fmt.Errorf("%s holds what a restore has left that was broken off; remove what is in it first", dir)
		}
	}
	return fmt.Errorf("%s is not empty; nothing was done", dir)
}

// empty removes what was restored.
func empty(root *os.Root) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		err = errors.Join(err, root.RemoveAll(entry.Name()))
	}
	return err
}

// unpack verifies and unpacks a base backup.
func (r *Repository) unpack(ctx context.Context, b *Base, root *os.Root) error {
	parts := &partReader{r: r, b: b, ctx: ctx}
	defer parts.close()
	plain, err := unseal(parts, r.Identities)
	if err != nil {
		return fmt.Errorf("base backup %s: %w", b.ID, err)
	}
	defer plain.Close()
	sum := sha256.New()
	seen := io.TeeReader(bufio.NewReaderSize(plain, 1<<20), sum)
	files := tar.NewReader(seen)
	for {
		file, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = unpackFile(root, file, files)
		}
		if err != nil {
			return fmt.Errorf("unpack base backup %s: %w", b.ID, err)
		}
	}
	if _, err := copyBuffered(io.Discard, seen); err != nil {
		return fmt.Errorf("base backup %s: %w", b.ID, err)
	}
	if hex.EncodeToString(sum.Sum(nil)) != b.SHA256 || parts.next != len(b.Parts) {
		return fmt.Errorf("base backup %s: %w: it is not what was stored", b.ID, ErrDamaged)
	}
	return nil
}

func unpackFile(root *os.Root, header *tar.Header, content io.Reader) error {
	name := path.Clean(header.Name)
	if !filepath.IsLocal(name) {
		return fmt.Errorf("%w: it has a file %q", ErrDamaged, header.Name)
	}
	switch header.Typeflag {
	case tar.TypeDir:
		if name == "." {
			return nil
		}
		return root.MkdirAll(name, 0o700)
	case tar.TypeReg:
	default:
		return fmt.Errorf("%q is neither a file nor a directory; clusters with tablespaces are not restored by this", header.Name)
	}
	if err := root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	if name == controlFile {
		name += ".fanfare"
	}
	file, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := io.Copy(file, content); err != nil {
		return err
	}
	return file.Close()
}

// partReader reads the parts of a base backup one after the other, and verifies each.
type partReader struct {
	r    *Repository
	b    *Base
	ctx  context.Context //nolint:containedctx // a reader has no other way to be told
	next int
	file io.ReadCloser
	sum  hash.Hash
	size int64
}

// Read reads on. Its errors name the part.
func (p *partReader) Read(buf []byte) (int, error) {
	for {
		if p.file == nil {
			if p.next == len(p.b.Parts) {
				return 0, io.EOF
			}
			p.next++
			file, err := p.r.Bucket.Read(p.ctx, p.b.part(p.next))
			if err != nil {
				return 0, fmt.Errorf("part %d of base backup %s: %w", p.next, p.b.ID, err)
			}
			p.file, p.sum, p.size = file, sha256.New(), 0
		}
		n, err := p.file.Read(buf)
		_, _ = p.sum.Write(buf[:n]) // a hash never fails to write
		p.size += int64(n)
		if errors.Is(err, io.EOF) {
			want := p.b.Parts[p.next-1]
			if hex.EncodeToString(p.sum.Sum(nil)) != want.SHA256 || p.size != want.Bytes {
				return 0, fmt.Errorf("part %d of base backup %s: %w: it is not what was stored", p.next, p.b.ID, ErrDamaged)
			}
			p.close()
			err = nil
			if n == 0 {
				continue
			}
		}
		return n, err
	}
}

func (p *partReader) close() {
	if p.file != nil {
		_ = p.file.Close()
		p.file = nil
	}
}

// configure has Postgres replay the WAL.
func configure(root *os.Root, p *RestorePlan, o RestoreOptions) error {
	quote := func(value string) string { return "'" + strings.ReplaceAll(value, "'", "''") + "'" }
	settings := "\n# By 'fanfare restore database', of base backup " + p.Base.ID + ".\n" +
		"restore_command = " + quote(o.RestoreCommand) + "\n" +
		"recovery_target_timeline = " + quote(p.Timeline) + "\n"
	// what an earlier restore may have left
	settings += "recovery_target = ''\nrecovery_target_lsn = ''\nrecovery_target_name = ''\nrecovery_target_xid = ''\n"
	if p.Until.IsZero() {
		settings += "recovery_target_time = ''\n"
	} else {
		settings += "recovery_target_time = " + quote(p.Until.UTC().Format("2006-01-02 15:04:05.999999+00")) + "\nrecovery_target_action = 'promote'\n"
	}
	file, err := root.OpenFile("postgresql.auto.conf", os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	defer file.Close()
	if _, err := file.WriteString(settings); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	signal, err := root.OpenFile("recovery.signal", os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write recovery.signal: %w", err)
	}
	return signal.Close()
}

// syncAll has every file and name reach the disk.
func syncAll(root *os.Root) error {
	return fs.WalkDir(root.FS(), ".", func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file, err := root.Open(name)
		if err != nil {
			return err
		}
		return errors.Join(file.Sync(), file.Close())
	})
}
