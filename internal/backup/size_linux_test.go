package backup

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/bucket"
)

// made is a source of files that are made as they are read: half noise, half text.
type made struct {
	files int
	bytes int64 // of each
}

// madeBlock is what their content is made of. It is longer than what zstd looks back at.
var madeBlock = func() []byte {
	b := noise(rand.New(rand.NewPCG(3, 4)), 4<<20)
	for i := 0; i < len(b); i += 8 << 10 {
		copy(b[i:i+4<<10], bytes.Repeat([]byte("All happy families are alike; every unhappy family is unhappy in its own way. "), 60))
	}
	return b
}()

// Walk walks directories of 1,000 files.
func (s made) Walk(_ context.Context, fn func(Entry) error) error {
	for i := range s.files {
		if i%1000 == 0 {
			if err := fn(Entry{Path: fmt.Sprintf("a directory/number %d", i/1000), Kind: Directory}); err != nil {
				return err
			}
		}
		if err := fn(s.entry(i)); err != nil {
			return err
		}
	}
	return nil
}

func (s made) entry(i int) Entry {
	return Entry{
		Path:  fmt.Sprintf("a directory/number %d/with a file of some name %d.txt", i/1000, i),
		Bytes: s.bytes, Modified: now, Stamp: Stamp{Inode: uint64(i + 1), Changed: now.UnixNano()},
	}
}

// Open opens a file.
func (s made) Open(_ context.Context, path string) (OpenFile, error) {
	var dir, i int
	if _, err := fmt.Sscanf(path, "a directory/number %d/with a file of some name %d.txt", &dir, &i); err != nil {
		return nil, err
	}
	return &madeFile{Reader: io.LimitReader(&madeReader{at: i * 4099 % len(madeBlock)}, s.bytes), entry: s.entry(i)}, nil
}

// madeReader repeats the block.
type madeReader struct{ at int }

// Read reads on.
func (r *madeReader) Read(p []byte) (int, error) {
	n := copy(p, madeBlock[r.at:])
	r.at = (r.at + n) % len(madeBlock)
	return n, nil
}

type madeFile struct {
	io.Reader
	entry Entry
}

func (f *madeFile) Stat() (Entry, error) { return f.entry, nil }
func (f *madeFile) Close() error         { return nil }

// sink is a target that keeps nothing.
type sink struct{ made }

func (sink) Walk(context.Context, func(Entry) error) error       { return nil }
func (sink) Stage(context.Context, int64, File) (Staging, error) { return nowhere{}, nil }
func (sink) Place(context.Context, int64, File) error            { return nil }
func (sink) MakeDirectory(context.Context, string) error         { return nil }
func (sink) Remove(context.Context, string) error                { return nil }

// measured is what a process of its own says of backup and restore.
type measured struct {
	Backup, Again, Restore time.Duration
	Stored, Manifest       int64
	Peak, Whole            int64 // the most MiB of memory, until before the restore and after it
}

// TestMemory: what one backup takes, and its restore, in a process of its own. With FANFARE_PROVE=1, of 2 GiB and of a million
// files.
func TestMemory(t *testing.T) {
	if what := os.Getenv("FANFARE_BACKUP_SIZE"); what != "" {
		childSize(t, what)
		return
	}
	type size struct {
		files int
		bytes int64
		most  int64 // MiB
	}
	sizes := []size{{20, 10 << 20, 120}, {20_000, 1 << 10, 120}}
	if whole() {
		sizes = append(sizes, size{2, 1 << 30, 120}, size{1_000_000, 300, 200})
	}
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%d files of %d bytes", size.files, size.bytes), func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMemory$", "-test.timeout=20m")
			child.Env = append(os.Environ(), fmt.Sprintf("FANFARE_BACKUP_SIZE=%d %d", size.files, size.bytes), "FANFARE_BACKUP_OUT="+out, "TMPDIR="+t.TempDir())
			if b, err := child.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, b)
			}
			b, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			var m measured
			if err := json.Unmarshal(b, &m); err != nil {
				t.Fatal(err)
			}
			total := float64(size.files) * float64(size.bytes) / (1 << 20)
			t.Logf("backup %v (%.0f MiB/s), again %v, restore %v (%.0f MiB/s), stored %d MiB, manifest %d KiB, peak of memory %d MiB, with the restore %d MiB",
				m.Backup.Round(time.Millisecond), total/m.Backup.Seconds(), m.Again.Round(time.Millisecond), m.Restore.Round(time.Millisecond), total/m.Restore.Seconds(), m.Stored>>20, m.Manifest>>10, m.Peak, m.Whole)
			if m.Whole > size.most {
				t.Errorf("it took %d MiB of memory; %d MiB is what may be", m.Whole, size.most)
			}
		})
	}
}

// childSize makes a backup, an incremental one after it, and restores it.
func childSize(t *testing.T, what string) {
	var files int
	var size int64
	if _, err := fmt.Sscan(what, &files, &size); err != nil {
		t.Fatal(err)
	}
	store, err := bucket.OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := setup(t, true)
	f.Store, f.segmentSize = store, 0
	var m measured
	cache := filepath.Join(t.TempDir(), "cache")
	began := time.Now()
	o := WriteOptions{Sources: []NamedSource{{"shared", made{files, size}}}, Cache: cache}
	result, id := f.write(o)
	m.Backup, m.Stored, m.Manifest = time.Since(began), result.Totals.UploadedBytes, result.ManifestBytes

	began = time.Now()
	previous, err := f.OpenCached(t.Context(), cache, id, result.ManifestSHA256)
	if err != nil {
		t.Fatal(err)
	}
	o.Previous, o.ID = previous, uuid.New()
	if again, _ := f.write(o); again.Totals.StoredFiles != 0 || again.Totals.Bytes != int64(files)*size {
		t.Fatalf("%+v", again.Totals)
	}
	m.Again = time.Since(began)
	m.Peak = peak(t)
	previous.Close()

	began = time.Now()
	opened := f.manifest(id, result.ManifestSHA256)
	plan, err := opened.Plan(t.Context(), map[string]Target{"shared": sink{}}, Selection{}, RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	if err := plan.Stage(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := plan.Apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.Restore, m.Whole = time.Since(began), peak(t)
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(os.Getenv("FANFARE_BACKUP_OUT"), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// peak is the most memory that this process has had, in MiB. What getrusage tells may be that of the process that has started it.
func peak(t *testing.T) int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(after, &kib); err != nil {
		t.Fatal(err)
	}
	return kib >> 10
}
