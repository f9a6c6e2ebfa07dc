package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
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

// victim is what a process does that may be killed at any moment.
type victim struct {
	Objects, Files, Cache, Done string
	CustomerID                  uuid.UUID
	// Write a backup with this id, after the one before.
	Write       uuid.UUID
	Previous    uuid.UUID
	PreviousSum string
	// Or restore Previous into Files.
	Restore bool
}

// do is what the process does that is killed.
func (v victim) do(ctx context.Context) error {
	store, err := bucket.OpenDirectory(v.Objects)
	if err != nil {
		return err
	}
	r := &Repository{Store: store, Prefix: "customers/x/backups/", CustomerID: v.CustomerID, Settle: -1, segmentSize: 4 << 10, Scratch: filepath.Dir(v.Done)}
	tree, err := OpenTree(v.Files)
	if err != nil {
		return err
	}
	m, err := r.OpenPrevious(ctx, v.Cache, v.Previous, v.PreviousSum)
	if err != nil {
		return err
	}
	fmt.Println("begins")
	if v.Restore {
		err = restore(ctx, m, tree, Selection{}, RestoreOptions{Exact: true})
	} else {
		_, err = r.Write(ctx, WriteOptions{ID: v.Write, Kind: "backup", Now: now, Sources: []NamedSource{{"shared", tree}}, Previous: m, Cache: v.Cache})
	}
	if err != nil {
		return err
	}
	return os.WriteFile(v.Done, nil, 0o600)
}

// run starts the victim and kills it after some time from when it begins. It returns how long it ran, and whether it was killed.
func (v victim) run(t *testing.T, after time.Duration) (took time.Duration, killed bool) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(v.Done)
	child := exec.Command(os.Args[0], string(text))
	child.Env = append(os.Environ(), "FANFARE_BACKUP_COMMAND=victim")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, len("begins"))
	if _, err := out.Read(line); err != nil || string(line) != "begins" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	began := time.Now()
	timer := time.AfterFunc(after, func() { child.Process.Kill() })
	defer timer.Stop()
	child.Wait()
	_, err = os.Stat(v.Done)
	return time.Since(began), err != nil
}

// TestKill kills a process with SIGKILL at random moments while it writes a backup or restores one. A backup whose manifest is there is
// whole; one whose manifest is not cannot be opened; nothing of a killed one stays after a sweep. Of a restore, each file is whole, the
// one before or the one of the backup.
func TestKill(t *testing.T) {
	t.Parallel()
	times := 10
	if whole() {
		times = 60
	}
	f := setup(t, false)
	f.fill()
	before := map[string]string{}
	for i := range 300 {
		name := fmt.Sprintf("many/%d/%d", i%10, i)
		before[name] = strings.Repeat(fmt.Sprintf("before %d ", i), 20)
		f.put(name, []byte(before[name]))
	}
	work := t.TempDir()
	kept, keptID := f.write(WriteOptions{Cache: filepath.Join(work, "kept")})
	baseline := f.manifest(keptID, kept.ManifestSHA256)
	v := victim{Objects: f.objects, Files: f.files, Cache: filepath.Join(work, "cache"), Done: filepath.Join(work, "done"), CustomerID: f.CustomerID, Previous: keptID, PreviousSum: kept.ManifestSHA256}
	for i := range 200 {
		f.put(fmt.Sprintf("many/%d/%d", i%10, i), []byte(strings.Repeat(fmt.Sprintf("after %d ", i), 25)))
	}
	whole, half, none := 0, 0, 0
	span := time.Minute // how long it takes if nothing comes in between
	for try := range times + 1 {
		v.Write = uuid.New()
		delay := time.Minute // the first may end
		if try > 0 {
			delay = rand.N(span + span/10)
		}
		took, killed := v.run(t, delay)
		if !killed {
			span = min(span, took)
		}
		manifest, err := os.ReadFile(filepath.Join(f.objects, f.manifestKey(v.Write)))
		switch {
		case err != nil && !killed:
			t.Fatal(err)
		case err != nil:
			if m, err := f.Open(t.Context(), v.Write, strings.Repeat("0", 64)); m != nil || !damaged(err) {
				t.Fatalf("half a backup was opened: %v", err)
			}
			if _, err := os.Stat(filepath.Join(f.objects, f.Prefix, v.Write.String())); err == nil {
				half++
			} else {
				none++
			}
		default:
			whole++
			sum := sha256.Sum256(manifest)
			m := f.manifest(v.Write, hex.EncodeToString(sum[:]))
			sound(t, m)
			same(t, f.files, f.restore(m))
		}
		// Whatever is in the cache, it is of a whole backup or of none.
		if c, err := f.OpenCached(t.Context(), v.Cache, keptID, kept.ManifestSHA256); err == nil {
			c.Close()
		}
		f.sweep(Keeping{Kept: []Kept{{keptID, kept.Uses}}})
		for name := range objects(t, f.objects) {
			if !strings.Contains(name, keptID.String()) {
				t.Fatalf("%s is left", name)
			}
		}
	}
	sound(t, baseline)
	t.Logf("of %d killed or ended while writing, %d were whole, %d half, %d had not begun", times+1, whole, half, none)

	target := t.TempDir()
	v.Files, v.Restore = target, true
	done, staged := 0, 0
	span = time.Minute
	for try := range times + 1 {
		delay := time.Minute
		if try > 0 {
			delay = rand.N(span + span/10)
		}
		for i := range 300 {
			name := filepath.Join(target, fmt.Sprintf("many/%d/%d", i%10, i))
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, []byte("now"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		took, killed := v.run(t, delay)
		if !killed {
			span = min(span, took)
		}
		replaced := 0
		for name, want := range before {
			b, err := os.ReadFile(filepath.Join(target, name))
			switch {
			case err != nil || string(b) != "now" && string(b) != want:
				t.Fatalf("%s has %q, %v", name, b, err)
			case string(b) == want:
				replaced++
			}
		}
		switch {
		case !killed && replaced != len(before):
			t.Fatalf("of %d files %d were restored", len(before), replaced)
		case !killed:
			done++
		case replaced == 0:
			staged++
		}
		if err := os.RemoveAll(filepath.Join(target, reserved)); err != nil {
			t.Fatal(err)
		}
	}
	if err := restore(context.WithoutCancel(t.Context()), baseline, f.open(target), Selection{}, RestoreOptions{Exact: true}); err != nil {
		t.Fatal(err)
	}
	t.Logf("of %d killed or ended while restoring, %d ended, %d had not replaced anything yet", times+1, done, staged)
}
