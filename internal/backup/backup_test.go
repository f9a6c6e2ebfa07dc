package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/internal/bucket"
)

// now is when the backups of tests are made.
var now = time.Date(2026, 3, 1, 3, 0, 0, 0, time.UTC)

// fixture is a repository in a directory and a tree to be kept.
type fixture struct {
	*Repository
	t        *testing.T
	objects  string // the bucket's directory
	files    string // the tree's
	tree     *Tree
	identity *age.X25519Identity
}

// setup makes a fixture whose segments are small. Encrypted or not.
func setup(t *testing.T, encrypted bool) *fixture {
	t.Helper()
	f := &fixture{t: t, objects: t.TempDir(), files: t.TempDir()}
	store, err := bucket.OpenDirectory(f.objects)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	f.Repository = &Repository{Store: store, Prefix: "customers/x/backups/", CustomerID: uuid.New(), Settle: -1, segmentSize: 4 << 10, Scratch: t.TempDir()}
	if encrypted {
		if f.identity, err = age.GenerateX25519Identity(); err != nil {
			t.Fatal(err)
		}
		f.Recipients, f.Identities = []Recipient{f.identity.Recipient()}, []age.Identity{f.identity}
	}
	f.tree = f.open(f.files)
	return f
}

// open opens a directory as a tree.
func (f *fixture) open(dir string) *Tree {
	f.t.Helper()
	tree, err := OpenTree(dir)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { tree.Close() })
	return tree
}

// put writes a file of the tree.
func (f *fixture) put(name string, content []byte) {
	f.t.Helper()
	path := filepath.Join(f.files, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		f.t.Fatal(err)
	}
}

// fill writes files of all sizes that matter.
func (f *fixture) fill() {
	random := rand.New(rand.NewPCG(1, 2))
	f.put("empty", nil)
	f.put("one", []byte("1"))
	for i := range 30 {
		f.put(fmt.Sprintf("dir/%d/small %d.txt", i%4, i), bytes.Repeat([]byte{byte(i)}, random.IntN(700)))
	}
	f.put("exact", noise(random, 4<<10))
	f.put("large", noise(random, 30_001))
	f.put("zeros", make([]byte, 50_000))
	f.put("Case", []byte("upper"))
	f.put("case", []byte("lower"))
	f.put("ünï/😀 \"quoted\"\n\\", []byte("odd names"))
	if err := os.Chmod(filepath.Join(f.files, "one"), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(f.files, "nothing/in/here"), 0o755); err != nil {
		f.t.Fatal(err)
	}
}

// noise is content that cannot be compressed.
func noise(random *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(random.Uint32())
	}
	return b
}

// write makes a backup of the tree, as the source shared.
func (f *fixture) write(o WriteOptions) (*Result, uuid.UUID) {
	f.t.Helper()
	o = f.options(o)
	result, err := f.Write(f.t.Context(), o)
	if err != nil {
		f.t.Fatal(err)
	}
	return result, o.ID
}

// options fills what is not given.
func (f *fixture) options(o WriteOptions) WriteOptions {
	if o.ID == uuid.Nil {
		o.ID = uuid.New()
	}
	if o.Now.IsZero() {
		o.Now = now
	}
	if o.Sources == nil {
		o.Sources = []NamedSource{{"shared", f.tree}}
	}
	o.Kind = "backup"
	return o
}

// manifest opens a backup.
func (f *fixture) manifest(id uuid.UUID, sum string) *Manifest {
	f.t.Helper()
	m, err := f.Open(f.t.Context(), id, sum)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { m.Close() })
	return m
}

// restore restores a backup into a new directory.
func (f *fixture) restore(m *Manifest) string {
	f.t.Helper()
	dir := f.t.TempDir()
	if err := restore(f.t.Context(), m, f.open(dir), Selection{}, RestoreOptions{}); err != nil {
		f.t.Fatal(err)
	}
	return dir
}

// restore restores the source shared.
func restore(ctx context.Context, m *Manifest, tree *Tree, sel Selection, o RestoreOptions) error {
	plan, err := m.Plan(ctx, map[string]Target{"shared": tree}, sel, o)
	if err != nil {
		return err
	}
	defer plan.Close()
	if err := plan.Stage(ctx); err != nil {
		return err
	}
	return plan.Apply(ctx)
}

// content is a directory as a map from paths to kinds, modes and contents.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			if name == reserved {
				return filepath.SkipDir
			}
			found[name] = "directory"
		case info.Mode().IsRegular():
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found[name] = fmt.Sprint(info.Mode()&0o100 != 0, " ", info.ModTime().UTC(), " ", string(b))
		default:
			found[name] = info.Mode().Type().String()
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// same fails the test if two directories differ.
func same(t *testing.T, want, got string) {
	t.Helper()
	if diff := cmp.Diff(content(t, want), content(t, got)); diff != "" {
		t.Errorf("what was restored is not what was kept (-kept +restored):\n%s", diff)
	}
}

// sound fails the test if a backup is damaged.
func sound(t *testing.T, m *Manifest) {
	t.Helper()
	damaged, err := m.Verify(t.Context())
	if err != nil || len(damaged) > 0 {
		t.Errorf("verify: %v, %v", damaged, err)
	}
}

func TestRoundTrip(t *testing.T) {
	for _, encrypted := range []bool{false, true} {
		t.Run(fmt.Sprint("encrypted ", encrypted), func(t *testing.T) {
			t.Parallel()
			f := setup(t, encrypted)
			f.fill()
			result, id := f.write(WriteOptions{})
			m := f.manifest(id, result.ManifestSHA256)
			sound(t, m)
			same(t, f.files, f.restore(m))
			if m.Totals != result.Totals || m.Totals.Files != 38 || m.Totals.StoredFiles != 38 || m.Totals.LeftOut != 0 || m.Kind != "backup" || !m.CreatedAt.Equal(now) {
				t.Errorf("the manifest says %+v", m.Head)
			}
			for name, b := range objects(t, f.objects) {
				if encrypted && !bytes.HasPrefix(b, []byte("age-encryption.org/v1\n")) {
					t.Errorf("%s is not encrypted", name)
				}
			}
			c, err := m.Compare(t.Context(), map[string]Source{"shared": f.open(f.restore(m))}, map[string]Source{"shared": f.tree})
			if err != nil || !c.Good() || c.Files != 38 || c.Same != 38 || c.Changed != 0 {
				t.Errorf("compare: %+v, %v", c, err)
			}
		})
	}
}

// objects are all objects of a bucket's directory.
func objects(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		found[name], err = os.ReadFile(path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestIncremental: what has not changed is not stored again, and each backup is the tree as it was.
func TestIncremental(t *testing.T) {
	t.Parallel()
	f := setup(t, true)
	f.fill()
	cache := filepath.Join(t.TempDir(), "manifest")
	first, firstID := f.write(WriteOptions{Cache: cache})
	if first.CacheError != nil {
		t.Fatal(first.CacheError)
	}
	f.put("one", []byte("2"))
	f.put("new/file", []byte("new"))
	if err := os.Remove(filepath.Join(f.files, "case")); err != nil {
		t.Fatal(err)
	}
	f.Identities = nil // the server cannot read what it has written
	previous, err := f.OpenPrevious(t.Context(), cache, firstID, first.ManifestSHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer previous.Close()
	second, secondID := f.write(WriteOptions{Previous: previous})
	if second.Totals.StoredFiles != 2 || second.Totals.StoredBytes != 4 || second.Totals.Files != 38 {
		t.Errorf("the second backup has %+v", second.Totals)
	}
	full, fullID := f.write(WriteOptions{Previous: previous, Full: true})
	if full.Totals.StoredFiles != 38 || len(full.Uses) != 1 || full.Uses[0].Backup != fullID {
		t.Errorf("the full backup has %+v, uses %v", full.Totals, full.Uses)
	}
	f.Identities = []age.Identity{f.identity}
	for id, result := range map[uuid.UUID]*Result{secondID: second, fullID: full} {
		m := f.manifest(id, result.ManifestSHA256)
		sound(t, m)
		same(t, f.files, f.restore(m))
	}
	if !slices.ContainsFunc(second.Uses, func(u Use) bool { return u.Backup == firstID }) {
		t.Errorf("the second backup uses %v", second.Uses)
	}
}

// TestCacheOfAnother: a kept manifest that is not the right one is not used.
func TestCacheOfAnother(t *testing.T) {
	t.Parallel()
	f := setup(t, true)
	f.fill()
	cache := filepath.Join(t.TempDir(), "manifest")
	result, id := f.write(WriteOptions{Cache: cache})
	f.Identities = nil
	if m, err := f.OpenPrevious(t.Context(), cache, id, result.ManifestSHA256); err != nil {
		t.Fatal(err)
	} else {
		m.Close()
	}
	kept, err := os.ReadFile(cache)
	if err != nil {
		t.Fatal(err)
	}
	for what, bad := range map[string][]byte{
		"cut off": kept[:len(kept)-1], "empty": nil, "short": kept[:50], "changed": bytes.Replace(kept, []byte(`"offset":0`), []byte(`"offset":1`), 1),
	} {
		if err := os.WriteFile(cache, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := f.OpenPrevious(t.Context(), cache, id, result.ManifestSHA256); m != nil || !errors.Is(err, ErrIdentity) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := os.WriteFile(cache, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	if m, err := f.OpenPrevious(t.Context(), cache, uuid.New(), result.ManifestSHA256); m != nil || err == nil {
		t.Error("the manifest of another backup was opened")
	}
	// Without a previous one everything is stored.
	if second, _ := f.write(WriteOptions{}); second.Totals.StoredFiles != second.Totals.Files {
		t.Errorf("it has stored %+v", second.Totals)
	}
}

// whole says whether tests run in their whole form.
func whole() bool { return os.Getenv("FANFARE_PROVE") == "1" }
