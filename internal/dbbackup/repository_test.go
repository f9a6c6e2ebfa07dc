package dbbackup

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fanfare/internal/bucket"
)

const segmentBytes = 16 << 20

func newRepository(t *testing.T) (r *Repository, dir string) {
	t.Helper()
	dir = t.TempDir()
	b, err := bucket.OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return &Repository{Bucket: b}, dir
}

// archive stores a file of WAL.
func archive(t *testing.T, r *Repository, name, content string, at time.Time) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.ArchiveWAL(t.Context(), path, name, at); err != nil {
		t.Fatal(err)
	}
}

// store stores a base backup that needs one segment; without a manifest where half.
func store(t *testing.T, r *Repository, at time.Time, timeline uint32, segment uint64, half bool) *Base {
	t.Helper()
	b := &Base{
		ID: at.Format(idLayout) + "-0000", StartedAt: at, FinishedAt: at.Add(time.Minute), Timeline: timeline, SegmentBytes: segmentBytes,
		StartLSN: fmt.Sprintf("%X/%X", segment>>8, segment<<24&0xffffffff|0x28), EndLSN: fmt.Sprintf("%X/%X", segment>>8, segment<<24&0xffffffff|0x100),
	}
	write := func(key string, content []byte) {
		if err := r.Bucket.Write(t.Context(), key, "text/plain", func(w io.Writer) error { _, err := w.Write(content); return err }); err != nil {
			t.Fatal(err)
		}
	}
	write(b.part(1), []byte("part"))
	if half {
		return b
	}
	line, err := checked(b)
	if err != nil {
		t.Fatal(err)
	}
	write(manifestKey(b.ID), line)
	return b
}

func keys(t *testing.T, r *Repository, prefix string) (found []string) {
	t.Helper()
	if err := r.Bucket.Each(t.Context(), prefix, func(key string) error { found = append(found, strings.TrimPrefix(key, prefix)); return nil }); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestWAL: what is archived comes back, once more is no error, and any flipped bit is found.
func TestWAL(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, dir := newRepository(t)
	const name = "000000010000000000000001"
	content := strings.Repeat("wal ", 1000)
	archive(t, r, name, content, time.Now())
	archive(t, r, name, content, time.Now())
	var got bytes.Buffer
	if err := r.content(ctx, name, &got); err != nil || got.String() != content {
		t.Fatalf("%d bytes, %v", got.Len(), err)
	}
	path := filepath.Join(dir, filepath.FromSlash(walKey(name)))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(whole) * 8 {
		damaged := bytes.Clone(whole)
		damaged[i/8] ^= 1 << (i % 8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := r.content(ctx, name, io.Discard); !errors.Is(err, ErrDamaged) {
			t.Errorf("bit %d of byte %d: %v", i%8, i/8, err)
		}
	}
	for _, bad := range []string{"", "x", "../../etc/passwd", "00000001000000000000000", "00000001.history/..", "00000001000000000000000g"} {
		if err := r.ArchiveWAL(ctx, path, bad, time.Now()); err == nil {
			t.Errorf("%q is taken for a file of WAL", bad)
		}
		if err := r.RestoreWAL(ctx, bad, filepath.Join(dir, "x")); err == nil || errors.Is(err, ErrNoSuchWAL) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestPlanWAL: gaps are found, over timelines too.
func TestPlanWAL(t *testing.T) {
	t.Parallel()
	start := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name string
		// wal are segments as timeline and number, archived one a minute.
		wal       [][2]uint64
		history   map[uint32]string
		timeline  string
		until     time.Duration // since the base backup was begun
		last      uint64
		says      string
		timelines uint32 // of the last segment
	}{
		{"all is there", [][2]uint64{{1, 254}, {1, 255}, {1, 256}, {1, 257}}, nil, "", 0, 257, "", 1},
		{"what is before does not matter", [][2]uint64{{1, 3}, {1, 254}}, nil, "", 0, 254, "", 1},
		{"its own is missing", [][2]uint64{{1, 255}}, nil, "", 0, 0, "the WAL segment 0000000100000000000000FE is missing, without which", 0},
		{"one is missing", [][2]uint64{{1, 254}, {1, 255}, {1, 257}}, nil, "", 0, 0, "the WAL segment 000000010000000100000000 is missing, and later ones are there", 0},
		{"one is missing that is not needed", [][2]uint64{{1, 254}, {1, 255}, {1, 257}}, nil, "", 90 * time.Second, 255, "", 1},
		{"one is missing that is needed", [][2]uint64{{1, 254}, {1, 255}, {1, 257}}, nil, "", 3 * time.Minute, 0, "000000010000000100000000 is missing", 0},
		{"a moment that was not archived", [][2]uint64{{1, 254}, {1, 255}}, nil, "", time.Hour, 0, "the archived WAL ends at", 0},
		{"a second timeline", [][2]uint64{{1, 254}, {1, 255}, {1, 256}, {1, 257}, {2, 255}, {2, 256}}, map[uint32]string{2: "1\t0/FF000100\tbecause\n"}, "", 0, 256, "", 2},
		{"a second timeline of which nothing is archived", [][2]uint64{{1, 254}, {1, 255}, {1, 257}}, map[uint32]string{2: "1\t0/FF000100\tbecause\n"}, "", 0, 255, "", 1},
		{"the first, beside a second", [][2]uint64{{1, 254}, {1, 255}, {1, 256}, {1, 257}, {2, 255}}, map[uint32]string{2: "1\t0/FF000100\tbecause\n"}, "1", 0, 257, "", 1},
		{"a gap in the second", [][2]uint64{{1, 254}, {2, 255}, {2, 257}}, map[uint32]string{2: "1\t0/FF000100\tbecause\n"}, "", 0, 0, "000000020000000100000000 is missing", 0},
		{"a third, of the second", [][2]uint64{{1, 254}, {1, 255}, {2, 255}, {2, 256}, {3, 256}, {3, 257}}, map[uint32]string{2: "1\t0/FF000100\tx\n", 3: "1\t0/FF000100\tx\n2\t1/100\tx\n"}, "", 0, 257, "", 3},
		{"of another", [][2]uint64{{1, 254}}, map[uint32]string{5: "4\t0/FF000100\tx\n"}, "", 0, 0, "timeline 5 does not come from timeline 1", 0},
		{"no history", [][2]uint64{{1, 254}}, nil, "7", 0, 0, "there is no such file of WAL", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			r, _ := newRepository(t)
			store(t, r, start, 1, 254, false)
			for i, w := range test.wal {
				name := segmentName(uint32(w[0]), w[1], segmentBytes)
				archive(t, r, name, name, start.Add(time.Duration(i+1)*time.Minute))
			}
			for timeline, text := range test.history {
				archive(t, r, fmt.Sprintf("%08X.history", timeline), text, start)
			}
			o := RestoreOptions{Timeline: test.timeline}
			if test.until != 0 {
				o.Until = start.Add(test.until)
			}
			p, err := r.Plan(t.Context(), o)
			switch {
			case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
				t.Errorf("the error is %v, want %q", err, test.says)
			case test.says == "" && err != nil:
				t.Error(err)
			case test.says == "" && p.LastWAL != segmentName(test.timelines, test.last, segmentBytes):
				t.Errorf("the last segment is %s", p.LastWAL)
			}
		})
	}
}

// TestPrune runs a hundred days on a simulated clock: after each night, every moment of the last thirty days can be restored to, and
// not much more is kept.
func TestPrune(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r, _ := newRepository(t)
	start := time.Date(2027, 1, 1, 3, 0, 0, 0, time.UTC)
	const keep = 30
	for day := range 100 {
		now := start.AddDate(0, 0, day)
		timeline := uint32(1 + day/60)
		if day == 60 {
			archive(t, r, "00000002.history", fmt.Sprintf("1\t0/%X\tx\n", uint64(2*day)<<24), now)
		}
		for n := range 2 {
			name := segmentName(timeline, uint64(2*day+n), segmentBytes)
			archive(t, r, name, name, now)
		}
		store(t, r, now, timeline, uint64(2*day), day%7 == 3) // some are broken off
		now = now.Add(time.Hour)
		before := keys(t, r, "database/")
		dry, err := r.Prune(ctx, now.AddDate(0, 0, -keep), now, true)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(before, keys(t, r, "database/")) {
			t.Fatal("something was deleted on trial")
		}
		p, err := r.Prune(ctx, now.AddDate(0, 0, -keep), now, false)
		if err != nil {
			t.Fatal(err)
		}
		if len(dry.Deleted) != len(p.Deleted) || dry.Segments != p.Segments || len(dry.Half) != len(p.Half) {
			t.Fatalf("day %d: on trial %+v, then %+v", day, dry, p)
		}
		for _, back := range []int{0, 1, keep / 2, keep - 1} {
			if back >= day {
				continue
			}
			until := start.AddDate(0, 0, day-back).Add(-time.Hour)
			if _, err := r.Plan(ctx, RestoreOptions{Until: until}); err != nil {
				t.Fatalf("day %d, %d days back: %v", day, back, err)
			}
		}
		if bases, err := r.List(ctx); err != nil || len(bases) > keep+3 {
			t.Fatalf("day %d: %d base backups are kept, %v", day, len(bases), err)
		}
		if wal := keys(t, r, walPrefix); len(wal) > 2*(keep+5)+1 {
			t.Fatalf("day %d: %d files of WAL are kept", day, len(wal))
		}
	}
	_, half, err := r.ids(ctx)
	if err != nil || len(half) != 1 { // that of the last week
		t.Errorf("broken off: %v, %v", half, err)
	}
	// However old, the newest stays.
	if p, err := r.Prune(ctx, start.AddDate(5, 0, 0), start.AddDate(5, 0, 0), false); err != nil || len(p.Kept) != 1 {
		t.Errorf("after years %+v, %v", p, err)
	}
	if _, err := r.Plan(ctx, RestoreOptions{}); err != nil {
		t.Error(err)
	}
}
