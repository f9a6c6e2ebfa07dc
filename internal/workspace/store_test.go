package workspace

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
)

func TestStore(t *testing.T) {
	t.Parallel()
	if _, err := OpenStore(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a store that is not there is opened")
	}
	base := t.TempDir()
	s, err := OpenStore(base)
	must(t, err)
	defer s.Close()
	customer, space := uuid.New(), uuid.NullUUID{UUID: uuid.New(), Valid: true}
	own := uuid.NullUUID{}
	_, err = s.Open(customer, own)
	expect(t, "before it is made", err, ErrMissing)
	must(t, s.Remove(customer, space))
	for range 2 {
		must(t, s.Create(customer, own))
		must(t, s.Create(customer, space))
	}
	for path, id := range map[string]uuid.NullUUID{"shared": own, "spaces/" + space.UUID.String(): space} {
		d, err := s.Open(customer, id)
		must(t, err)
		put(t, d, "a/file", path)
		must(t, d.Close())
		if content, err := os.ReadFile(filepath.Join(base, customer.String(), path, "a", "file")); err != nil || string(content) != path {
			t.Errorf("%q, %v", content, err)
		}
		_, err = d.Stat("a/file")
		if err == nil {
			t.Error("a closed workspace is read")
		}
	}
	must(t, s.Remove(customer, space))
	must(t, s.Remove(customer, space))
	_, err = s.Open(customer, space)
	expect(t, "after it is removed", err, ErrMissing)

	other := uuid.New()
	must(t, s.Create(other, own))
	d, err := s.Open(other, own)
	must(t, err)
	defer d.Close()
	put(t, d, "file", "theirs")
	must(t, s.Create(customer, space))
	onDisk(t, filepath.Join(base, customer.String(), "spaces", space.UUID.String(), "b", "c"), "x")
	must(t, os.Symlink(filepath.Join(base, other.String()), filepath.Join(base, customer.String(), "shared", "link")))
	must(t, os.Symlink("../../"+other.String(), filepath.Join(base, customer.String(), "shared", "a", "link")))
	files, err := s.RemoveCustomer(customer)
	if err != nil || files != 4 {
		t.Errorf("%d files, %v", files, err)
	}
	if _, err := os.Lstat(filepath.Join(base, customer.String())); !os.IsNotExist(err) {
		t.Error(err)
	}
	if files, err := s.RemoveCustomer(customer); files != 0 || err != nil {
		t.Errorf("%d files, %v", files, err)
	}
	if content, err := read(d, "file"); content != "theirs" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
}

// TestStoreLinks: a workspace whose place is taken by something else is missing, and not made anew elsewhere.
func TestStoreLinks(t *testing.T) {
	t.Parallel()
	s, d, dir := open(t)
	put(t, d, "file", "x")
	base := filepath.Dir(filepath.Dir(dir))
	there, err := uuid.Parse(filepath.Base(filepath.Dir(dir)))
	must(t, err)
	linked, file, below := uuid.New(), uuid.New(), uuid.New()
	must(t, os.Symlink(there.String(), filepath.Join(base, linked.String())))
	onDisk(t, filepath.Join(base, file.String()), "x")
	must(t, os.Mkdir(filepath.Join(base, below.String()), 0o755))
	must(t, os.Symlink("../"+there.String()+"/shared", filepath.Join(base, below.String(), "shared")))
	for _, id := range []uuid.UUID{linked, file, below} {
		_, err := s.Open(id, uuid.NullUUID{})
		expect(t, "Open", err, ErrMissing)
		if err := s.Create(id, uuid.NullUUID{}); err == nil {
			t.Error("Create makes a directory of something else")
		}
		must(t, s.Remove(id, uuid.NullUUID{}))
	}
	_, err = s.RemoveCustomer(below)
	must(t, err)
	if content, err := read(d, "file"); content != "x" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
}

func TestScratch(t *testing.T) {
	t.Parallel()
	s, d, dir := open(t)
	customer, err := uuid.Parse(filepath.Base(filepath.Dir(dir)))
	must(t, err)
	has := func(id uuid.UUID, want bool) {
		t.Helper()
		if got, err := s.HasScratch(customer, id); err != nil || got != want {
			t.Errorf("there is a scratch: %t, want %t, %v", got, want, err)
		}
	}
	first, second := uuid.New(), uuid.New()
	has(first, false)
	for range 2 {
		for _, id := range []uuid.UUID{first, second} {
			scratch, err := s.Scratch(customer, id)
			must(t, err)
			put(t, scratch, "deep/file", "brought back")
			must(t, scratch.Close())
			has(id, true)
		}
	}
	put(t, d, "file", "x")
	expect(t, "over files", s.Adopt(customer, first, uuid.NullUUID{}), ErrNotEmpty)
	_, err = d.Delete("file", false, Condition{})
	must(t, err)
	expect(t, "nothing", s.Adopt(customer, uuid.New(), uuid.NullUUID{}), ErrMissing)
	expect(t, "of another customer", s.Adopt(uuid.New(), first, uuid.NullUUID{}), ErrMissing)
	must(t, s.Adopt(customer, first, uuid.NullUUID{})) // over an empty one
	space := uuid.NullUUID{UUID: uuid.New(), Valid: true}
	must(t, s.Adopt(customer, second, space)) // where nothing is
	for _, id := range []uuid.NullUUID{{}, space} {
		d, err := s.Open(customer, id)
		must(t, err)
		if content, err := read(d, "deep/file"); content != "brought back" || err != nil {
			t.Errorf("%q, %v", content, err)
		}
		must(t, d.Close())
	}
	// Set aside and back.
	must(t, s.SetAside(customer, space, second))
	has(second, true)
	if _, err := s.Open(customer, space); !errors.Is(err, ErrMissing) {
		t.Errorf("the place of what is set aside: %v", err)
	}
	expect(t, "twice", s.SetAside(customer, space, second), ErrMissing)
	must(t, s.Adopt(customer, second, space))
	has(second, false)
	scratch, err := s.Scratch(customer, first)
	must(t, err)
	put(t, scratch, "file", "x")
	must(t, scratch.Close())
	for range 2 {
		must(t, s.RemoveScratch(customer, first))
		has(first, false)
	}
}

// TestDeepTree: what is deeper than files may be open at once is counted as far as it is looked into, and removed.
func TestDeepTree(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s, d, dir := open(t)
	const depth = 1500
	deep := func(name string) {
		root, err := os.OpenRoot(dir)
		must(t, err)
		must(t, root.Mkdir(name, 0o755))
		for range depth { // a program goes down by chdir
			below, err := root.OpenRoot(name)
			must(t, err)
			root.Close()
			root, name = below, "d"
			must(t, root.Mkdir(name, 0o755))
			must(t, root.WriteFile("file", []byte("12345"), 0o644))
		}
		root.Close()
	}
	deep("one")
	deep("two")
	var deepest Entry
	must(t, d.Walk(ctx, func(e Entry, _ Stamp) error {
		if len(e.Path) > len(deepest.Path) {
			deepest = e
		}
		return nil
	}))
	if _, err := CheckPath(filepath.ToSlash(filepath.Dir(deepest.Path))); err != nil || deepest.Kind != KindOther {
		t.Errorf("the walk ends with %+v", deepest)
	}
	usage, err := d.Measure(ctx)
	expect(t, "Measure", err, ErrUncounted)
	if usage.Files != 2*(2*maxDepth-1) || usage.Bytes != 2*5*(maxDepth-1) {
		t.Errorf("%+v", usage)
	}
	change, err := d.Delete("one", true, Condition{})
	if err != nil || change.Files != -(2*depth+1) || change.Bytes != -5*depth {
		t.Errorf("%+v, %v", change, err)
	}
	customer, err := uuid.Parse(filepath.Base(filepath.Dir(dir)))
	must(t, err)
	files, err := s.RemoveCustomer(customer)
	if err != nil || files != depth {
		t.Errorf("%d, %v", files, err)
	}
	if left, err := os.ReadDir(filepath.Dir(filepath.Dir(dir))); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
