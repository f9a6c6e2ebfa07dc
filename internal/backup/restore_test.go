package backup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPlan: what a restore would do is said first, nothing is changed by that, and then just that is done.
func TestPlan(t *testing.T) {
	t.Parallel()
	f := setup(t, true)
	f.put("same", []byte("same"))
	f.put("same content", []byte("same content"))
	f.put("other mode", []byte("other mode"))
	f.put("other content", []byte("content 1"))
	f.put("other size", []byte("size"))
	f.put("missing/deep/file", []byte("missing"))
	f.put("a link", []byte("no link"))
	f.put("a directory", []byte("a file"))
	f.put("a file/in it", []byte("below"))
	f.put("link/in it", []byte("below"))
	f.put("sub/one", []byte("one"))
	f.put("sub/two", []byte("two"))
	f.put("submarine", []byte("not below sub"))
	if err := os.MkdirAll(filepath.Join(f.files, "empty/directory"), 0o755); err != nil {
		t.Fatal(err)
	}
	result, id := f.write(WriteOptions{})
	m := f.manifest(id, result.ManifestSHA256)
	kept := content(t, f.files)

	outside := t.TempDir()
	change := func() {
		at := func(name string) string { return filepath.Join(f.files, name) }
		for _, name := range []string{"missing", "a link", "a directory", "a file", "link", "empty", "sub/one"} {
			if err := os.RemoveAll(at(name)); err != nil {
				t.Fatal(err)
			}
		}
		f.put("same content", []byte("same content"))
		f.put("other content", []byte("content 2"))
		f.put("other size", []byte("another size"))
		f.put("a directory/with/files", []byte("in the way"))
		f.put("a directory/with/more", []byte("in the way"))
		f.put("a file", []byte("in the way"))
		f.put("sub/two", []byte("2"))
		f.put("sub/new", []byte("new"))
		f.put("new/file", []byte("new"))
		for _, err := range []error{
			os.Chmod(at("other mode"), 0o755), os.Symlink("same", at("a link")), os.Symlink(outside, at("link")), os.Symlink("same", at("new/link")),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	obstacles := []string{
		"create a directory", "create a file", "create a file/in it", "create a link", "create empty", "create empty/directory", "create link",
		"create link/in it", "create missing", "create missing/deep", "create missing/deep/file", "create sub/one",
		"remove a directory", "remove a directory/with", "remove a directory/with/files", "remove a directory/with/more", "remove a file", "remove a link", "remove link",
		"replace other content", "replace other mode", "replace other size", "replace sub/two",
	}
	for name, test := range map[string]struct {
		sel   Selection
		exact bool
		want  []string
		after func(before map[string]string) map[string]string
	}{
		"everything": {Selection{}, false, obstacles, func(map[string]string) map[string]string {
			after := maps.Clone(kept)
			for _, name := range []string{"new", "new/file", "new/link", "sub/new"} {
				after[name] = "any"
			}
			return after
		}},
		"exact": {
			Selection{}, true, slices.Concat(obstacles, []string{"remove new", "remove new/file", "remove new/link", "remove sub/new"}),
			func(map[string]string) map[string]string { return maps.Clone(kept) },
		},
		"a directory": {Selection{Path: "sub"}, false, []string{"create sub/one", "replace sub/two"}, func(before map[string]string) map[string]string {
			after := maps.Clone(before)
			after["sub/one"], after["sub/two"] = kept["sub/one"], kept["sub/two"]
			return after
		}},
		"a directory, exact": {Selection{Path: "sub", Source: "shared"}, true, []string{"create sub/one", "remove sub/new", "replace sub/two"}, func(before map[string]string) map[string]string {
			after := maps.Clone(before)
			after["sub/one"], after["sub/two"] = kept["sub/one"], kept["sub/two"]
			delete(after, "sub/new")
			return after
		}},
		"a file": {Selection{Path: "missing/deep/file"}, true, []string{"create missing/deep/file"}, func(before map[string]string) map[string]string {
			after := maps.Clone(before)
			for _, name := range []string{"missing", "missing/deep", "missing/deep/file"} {
				after[name] = kept[name]
			}
			return after
		}},
		"below a link": {Selection{Path: "link/in it"}, false, []string{"create link/in it", "remove link"}, func(before map[string]string) map[string]string {
			after := maps.Clone(before)
			after["link"], after["link/in it"] = "directory", kept["link/in it"]
			return after
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.Remove(filepath.Join(f.files, "same content")); err != nil { // whose time would stay
				t.Fatal(err)
			}
			if err := restore(t.Context(), m, f.open(f.files), Selection{}, RestoreOptions{Exact: true}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(kept, content(t, f.files)); diff != "" {
				t.Fatal(diff)
			}
			change()
			before := content(t, f.files)
			plan, err := m.Plan(t.Context(), map[string]Target{"shared": f.open(f.files)}, test.sel, RestoreOptions{Exact: test.exact})
			if err != nil {
				t.Fatal(err)
			}
			defer plan.Close()
			var got []string
			var counts Counts
			for _, c := range plan.Changes {
				got = append(got, fmt.Sprint(c.Action, " ", c.Path))
				switch c.Action {
				case Create:
					counts.Create++
				case Replace:
					counts.Replace++
				case Remove:
					counts.Remove++
				}
				if c.Action != Remove {
					counts.Bytes += c.Bytes
				}
			}
			slices.Sort(got)
			slices.Sort(test.want)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("the plan is not the one expected (-want +got):\n%s", diff)
			}
			counts.Unchanged = plan.Counts.Unchanged
			if plan.Counts != counts {
				t.Errorf("it counts %+v, and has %+v", plan.Counts, counts)
			}
			if err := plan.Stage(t.Context()); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, content(t, f.files)); diff != "" {
				t.Errorf("planning and staging have changed something:\n%s", diff)
			}
			if err := plan.Apply(t.Context()); err != nil {
				t.Fatal(err)
			}
			after, want := content(t, f.files), test.after(before)
			for name := range want {
				if want[name] == "any" {
					want[name] = before[name]
				}
			}
			if test.sel.Path == "" { // what stays is not touched, not even its time
				want["same content"] = before["same content"]
			}
			if diff := cmp.Diff(want, after); diff != "" {
				t.Errorf("the tree is not the one expected (-want +got):\n%s", diff)
			}
		})
	}
	if found := content(t, outside); len(found) > 0 {
		t.Errorf("outside of the tree there is %v", found)
	}
}

// TestEachSegmentOnce: a restore of many files fetches each segment they need once, and no other.
func TestEachSegmentOnce(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.fill()
	result, id := f.write(WriteOptions{})
	m := f.manifest(id, result.ManifestSHA256)
	counting := &faulty{Store: f.Store}
	f.Store = counting
	for _, sel := range []Selection{{}, {Path: "dir"}, {Path: "large"}, {Path: "empty"}} {
		counting.reads = nil
		if err := restore(t.Context(), m, f.open(t.TempDir()), sel, RestoreOptions{}); err != nil {
			t.Fatal(err)
		}
		want := map[string]bool{}
		if err := m.Files(t.Context(), func(file File) error {
			for _, p := range file.Places {
				if sel.has(file.Path) {
					want[f.Prefix+p.Segment] = true
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(counting.reads)
		if !slices.Equal(counting.reads, slices.Sorted(maps.Keys(want))) {
			t.Errorf("for %+v were read %v", sel, counting.reads)
		}
	}
}

// TestCompare: a drill finds what is not as it was stored.
func TestCompare(t *testing.T) {
	t.Parallel()
	f := setup(t, true)
	f.fill()
	result, id := f.write(WriteOptions{})
	m := f.manifest(id, result.ManifestSHA256)
	dir := f.restore(m)
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, err := range []error{
		os.Remove(at("one")), os.RemoveAll(at("nothing")), os.WriteFile(at("case"), []byte("LOWER"), 0o600), os.WriteFile(at("new"), nil, 0o600),
		os.Chmod(at("exact"), 0o755), os.Remove(at("empty")), os.Symlink("case", at("empty")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	f.put("dir/1/new", []byte("new"))
	f.put("zeros", []byte("changed"))
	if err := os.Remove(filepath.Join(f.files, "Case")); err != nil {
		t.Fatal(err)
	}
	c, err := m.Compare(t.Context(), map[string]Source{"shared": f.open(dir)}, map[string]Source{"shared": f.tree})
	if err != nil {
		t.Fatal(err)
	}
	if c.Good() || c.Missing != 5 || c.Different != 2 || c.Extra != 2 || c.Changed != 3 || c.Same != 36 || c.Damaged != 0 {
		t.Errorf("found is %+v", c)
	}
	var got []string
	for _, finding := range c.Findings {
		got = append(got, finding.Path+" "+finding.What)
	}
	if text := strings.Join(got, "\n"); !strings.Contains(text, "case is not what was stored") || !strings.Contains(text, "new is not in the backup") || !strings.Contains(text, "one is missing") {
		t.Errorf("it says %s", text)
	}
	// A file whose content changed without anybody having written it.
	if err := m.Files(t.Context(), func(file File) error {
		if file.Path != "large" {
			return nil
		}
		f.put("large", make([]byte, file.Bytes))
		c, err := m.Compare(t.Context(), nil, map[string]Source{"shared": rotten{f.tree, file}})
		if err != nil || c.Damaged != 1 || c.Good() {
			t.Errorf("found is %+v, %v", c, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// listedTree is a tree in which something has a name that is no path.
type listedTree struct {
	*Tree
	more []Entry
}

// Walk has that too, each right after the directory in which it is.
func (l listedTree) Walk(ctx context.Context, fn func(Entry) error) error {
	return l.Tree.Walk(ctx, func(e Entry) error {
		if err := fn(e); err != nil {
			return err
		}
		for _, more := range l.more {
			if path.Dir(more.Path) == e.Path {
				if err := fn(more); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// What has a name that is no path stays where it is, with the directories in which it is, and is counted. It does not make room.
func TestUnnamed(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.put("kept/a", []byte("a"))
	result, id := f.write(WriteOptions{})
	m := f.manifest(id, result.ManifestSHA256)
	f.put("new/a", []byte("a"))
	tree := listedTree{f.open(f.files), []Entry{
		{Path: `kept/\xff`, Kind: Other, Unnamed: true, Stamp: Stamp{Inode: 1, Changed: 1}},
		{Path: `new/\xff`, Kind: Other, Unnamed: true, Stamp: Stamp{Inode: 2, Changed: 1}},
	}}
	for exact, want := range map[bool]Counts{false: {Unchanged: 1}, true: {Unchanged: 1, Remove: 1, Kept: 3}} {
		plan, err := m.Plan(t.Context(), map[string]Target{"shared": tree}, Selection{}, RestoreOptions{Exact: exact})
		if err != nil {
			t.Fatal(err)
		}
		defer plan.Close()
		if plan.Counts != want {
			t.Errorf("exact %v: %+v, want %+v", exact, plan.Counts, want)
		}
		if err := plan.Apply(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if got := content(t, f.files); got["new"] == "" || got["new/a"] != "" || got["kept/a"] == "" {
		t.Errorf("there is %v", got)
	}
	if err := os.RemoveAll(filepath.Join(f.files, "kept")); err != nil {
		t.Fatal(err)
	}
	f.put("kept/a/b", []byte("in the way"))
	tree.more = []Entry{{Path: `kept/a/\xff`, Kind: Other, Unnamed: true}}
	if _, err := m.Plan(t.Context(), map[string]Target{"shared": tree}, Selection{}, RestoreOptions{}); !errors.Is(err, ErrNotEmpty) || !strings.Contains(err.Error(), "shared/kept/a") {
		t.Errorf("what stays in the way: %v", err)
	}
}

// A plan tells what it takes of a target, and whether it removes or replaces more than another.
func TestLosses(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.put("a", []byte("aaaa"))
	f.put("b/c", []byte("cc"))
	result, id := f.write(WriteOptions{})
	m := f.manifest(id, result.ManifestSHA256)
	plan := func(exact bool) *Plan {
		t.Helper()
		p, err := m.Plan(t.Context(), map[string]Target{"shared": f.open(f.files)}, Selection{}, RestoreOptions{Exact: exact})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		return p
	}
	if p := plan(true); len(p.Losses()) != 0 || p.Growth["shared"] != (Growth{}) || p.LosesMore(nil) {
		t.Errorf("nothing to do: %+v", p.Growth)
	}
	f.put("a", []byte("other content"))
	f.put("new/d", []byte("ddd"))
	if err := os.RemoveAll(filepath.Join(f.files, "b")); err != nil {
		t.Fatal(err)
	}
	exact, not := plan(true), plan(false)
	if want := (Growth{Staged: 6, Files: 2, Bytes: 4 + 2 - int64(len("other content")) - 3}); exact.Growth["shared"] != want {
		t.Errorf("it takes %+v, want %+v", exact.Growth["shared"], want)
	}
	if want := (Growth{Staged: 6, Files: 2, Bytes: 4 + 2 - int64(len("other content")), Entries: 2}); not.Growth["shared"] != want {
		t.Errorf("it takes %+v, want %+v", not.Growth["shared"], want)
	}
	if len(exact.Losses()) != 3*8 || len(not.Losses()) != 8 || exact.LosesMore(exact.Losses()) || not.LosesMore(exact.Losses()) || !exact.LosesMore(not.Losses()) || !not.LosesMore(nil) {
		t.Errorf("losses: %x, %x", exact.Losses(), not.Losses())
	}
	f.put("a", []byte("since then")) // of the same name
	if !plan(false).LosesMore(exact.Losses()) {
		t.Error("a file that was written since is replaced")
	}
}

// full is a tree whose disk is full after so many bytes.
type full struct {
	*Tree
	left *int
}

// Stage begins a file.
func (d full) Stage(ctx context.Context, number int64, file File) (Staging, error) {
	s, err := d.Tree.Stage(ctx, number, file)
	return fullStaging{s, d.left}, err
}

type fullStaging struct {
	Staging
	left *int
}

// Write writes as much as there is room for.
func (s fullStaging) Write(p []byte) (int, error) {
	n, err := s.Staging.Write(p[:min(len(p), *s.left)])
	*s.left -= n
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return n, err
}

// On a full disk nothing is put in its place, wherever it is full, and nothing staged stays.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	f := setup(t, true)
	f.fill()
	result, id := f.write(WriteOptions{})
	m := f.manifest(id, result.ManifestSHA256)
	for _, room := range []int{0, 1, int(result.Totals.Bytes) / 2, int(result.Totals.Bytes) - 1} {
		dir := t.TempDir()
		tree, err := OpenTree(dir)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := m.Plan(t.Context(), map[string]Target{"shared": full{tree, &room}}, Selection{}, RestoreOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Stage(t.Context()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("staged on a full disk: %v", err)
		}
		plan.Close()
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("there is %v, %v", left, err)
		}
	}
}

// What a program writes while a restore puts files in their places is not removed, as the plan does not tell of it; where it is in the way, that is an error.
func TestLateFiles(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.put("kept", []byte("kept"))
	f.put("file", []byte("file"))
	result, id := f.write(WriteOptions{})
	m := f.manifest(id, result.ManifestSHA256)
	if err := os.Remove(filepath.Join(f.files, "file")); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		late string
		want string // the error
	}{
		"in a directory that goes":   {"aa/b/late.txt", ""},
		"at the top of it":           {"aa/late.txt", ""},
		"in the way":                 {"file/late.txt", "restore shared/file: the directory is not empty"},
		"in a directory in the way":  {"file/below/late.txt", "restore shared/file: the directory is not empty"},
		"beside what is in no place": {"new/late.txt", ""},
	} {
		f.put("aa/told.txt", []byte("told"))
		f.put("aa/b/c/told.txt", []byte("told"))
		f.put("aa/d/told.txt", []byte("told"))
		if err := os.RemoveAll(filepath.Join(f.files, "file")); err != nil {
			t.Fatal(err)
		}
		f.put("file/below/told.txt", []byte("told"))
		plan, err := m.Plan(t.Context(), map[string]Target{"shared": f.open(f.files)}, Selection{}, RestoreOptions{Exact: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Stage(t.Context()); err != nil {
			t.Fatal(err)
		}
		f.put(test.late, []byte("late"))
		err = plan.Apply(t.Context())
		plan.Close()
		if got := fmt.Sprint(err); test.want == "" && err != nil || test.want != "" && got != test.want {
			t.Errorf("%s: %v", name, err)
		}
		got := content(t, f.files)
		if !strings.HasSuffix(got[test.late], "late") {
			t.Errorf("%s: it was removed: %v", name, got)
		}
		for path, text := range got {
			if err == nil && strings.HasSuffix(text, "told") {
				t.Errorf("%s: %s is left", name, path)
			}
		}
		if err := os.RemoveAll(filepath.Join(f.files, strings.Split(test.late, "/")[0])); err != nil {
			t.Fatal(err)
		}
	}
}
