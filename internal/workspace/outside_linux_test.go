package workspace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"
)

// secret is in the content and in the names of everything outside.
const secret = "SECRET"

// TestNothingOutsideWorkspace: whatever is asked for, and whatever is in the workspace, nothing outside of it is read or
// changed: nothing beside the store, of other customers, or of other workspaces of the same one.
func TestNothingOutsideWorkspace(t *testing.T) {
	length := 2 * time.Second
	if os.Getenv("FANFARE_PROVE") == "1" {
		length = time.Minute
	}
	t.Run("hostile paths and links", func(t *testing.T) { provePaths(t, length) })
	t.Run("hostile process", func(t *testing.T) { proveRace(t, length) })
}

// world is a store with a workspace and with secrets all around it.
type world struct {
	base     string // has all of it
	store    *Store
	d        *Directory
	customer uuid.UUID
	space    uuid.NullUUID
	dir      string   // the workspace
	outside  []string // the directories of secrets
	before   map[string]string
}

// newWorld makes a world, in memory if it can: it is synced all the time.
func newWorld(t interface {
	Helper()
	Fatal(args ...any)
}) *world {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	base, err := os.MkdirTemp("/dev/shm", "workspace")
	if err != nil {
		base, err = os.MkdirTemp("", "workspace")
	}
	check(err)
	w := &world{base: base, customer: uuid.New(), space: uuid.NullUUID{UUID: uuid.New(), Valid: true}}
	check(os.Mkdir(filepath.Join(base, "store"), 0o755))
	w.store, err = OpenStore(filepath.Join(base, "store"))
	check(err)
	check(w.store.Create(w.customer, w.space))
	w.d, err = w.store.Open(w.customer, w.space)
	check(err)
	w.dir = filepath.Join(base, "store", place(w.customer, w.space))
	sibling, other := uuid.NullUUID{UUID: uuid.New(), Valid: true}, uuid.New()
	check(w.store.Create(w.customer, sibling))
	check(w.store.Create(w.customer, uuid.NullUUID{}))
	check(w.store.Create(other, uuid.NullUUID{}))
	w.outside = []string{
		filepath.Join(base, "canary"), filepath.Join(base, "store", place(other, uuid.NullUUID{})),
		filepath.Join(base, "store", place(w.customer, sibling)), filepath.Join(base, "store", place(w.customer, uuid.NullUUID{})),
	}
	for _, dir := range w.outside {
		for _, name := range []string{"a", "b", "d/x", "d/e/f", secret} { // as in the workspace
			check(os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755))
			check(os.WriteFile(filepath.Join(dir, name), []byte(secret+name), 0o644))
		}
		check(os.MkdirAll(filepath.Join(dir, "d", secret), 0o755))
		check(os.Chmod(filepath.Join(dir, "d", secret), 0o500))
	}
	w.before = w.look()
	return w
}

// look reads everything that is not in the workspace.
func (w *world) look() map[string]string {
	all := map[string]string{}
	err := filepath.WalkDir(w.base, func(path string, entry fs.DirEntry, err error) error {
		if path == w.dir {
			return fs.SkipDir
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		content := []byte(nil)
		if info.Mode().IsRegular() {
			if content, err = os.ReadFile(path); err != nil {
				return err
			}
		}
		all[path] = fmt.Sprintf("%s inode %d uid %d modified %s %q", info.Mode(), stat.Ino, stat.Uid, info.ModTime(), content)
		return nil
	})
	if err != nil {
		all["error"] = err.Error()
	}
	return all
}

// changed tells what is not as it was outside.
func (w *world) changed() (changes []string) {
	now := w.look()
	for path, was := range w.before {
		if now[path] != was {
			changes = append(changes, fmt.Sprintf("%s: %s, was %s", path, now[path], was))
		}
	}
	for path, is := range now {
		if _, ok := w.before[path]; !ok {
			changes = append(changes, path+" is new: "+is)
		}
	}
	return changes
}

// close removes the world.
func (w *world) close() {
	w.d.Close()
	w.store.Close()
	os.RemoveAll(w.base)
}

// node is what the model has at a path.
type node struct {
	kind    Kind
	content string
	second  bool // a second name of a file outside
}

// model is what should be in a workspace.
type model map[string]node

// lookup is what Directory should say of a path.
func (m model) lookup(path string) (node, error) {
	for _, dir := range ancestors(path) {
		switch n, ok := m[dir]; {
		case !ok:
			return node{}, ErrNotFound
		case n.kind == KindFile || n.second:
			return node{}, ErrNotDirectory
		case n.kind == KindOther:
			return node{}, ErrNotServed
		}
	}
	n, ok := m[path]
	if !ok {
		return node{}, ErrNotFound
	}
	return n, nil
}

// below are the paths in a directory, and it.
func (m model) below(path string) (paths []string) {
	for p := range m {
		if p == path || strings.HasPrefix(p, path+"/") {
			paths = append(paths, p)
		}
	}
	return paths
}

// makeAncestors adds the directories above a path.
func (m model) makeAncestors(path string) {
	for _, dir := range ancestors(path) {
		m[dir] = node{kind: KindDirectory}
	}
}

// put is what Commit should do.
func (m model) put(path, content string) error {
	n, err := m.lookup(path)
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	case err == nil && n.kind == KindDirectory:
		return ErrIsDirectory
	case err == nil && n.kind == KindOther:
		return ErrNotServed
	}
	m.makeAncestors(path)
	m[path] = node{kind: KindFile, content: content}
	return nil
}

// makeDirectory is what MakeDirectory should do.
func (m model) makeDirectory(path string) error {
	n, err := m.lookup(path)
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		return err
	case err == nil && n.kind != KindDirectory:
		return ErrExists
	}
	m.makeAncestors(path + "/")
	return nil
}

// errPath stands for a PathError.
var errPath = errors.New("a PathError")

// move is what Move should do.
func (m model) move(from, to string, replace bool) error {
	n, err := m.lookup(from)
	switch {
	case err != nil:
		return err
	case n.kind == KindOther:
		return ErrNotServed
	case from == to:
		return nil
	case strings.HasPrefix(to, from+"/"):
		return errPath
	}
	old, err := m.lookup(to)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return err
	case old.kind == KindDirectory || !replace:
		return ErrExists
	case old.kind == KindOther:
		return ErrNotServed
	case n.kind == KindDirectory:
		return ErrNotDirectory
	}
	moved := m.below(from)
	m.makeAncestors(to)
	for _, path := range moved {
		m[to+strings.TrimPrefix(path, from)] = m[path]
	}
	for _, path := range moved {
		delete(m, path)
	}
	return nil
}

// remove is what Delete should do.
func (m model) remove(path string, recursive bool) error {
	if _, err := m.lookup(path); err != nil {
		return err
	}
	below := m.below(path)
	if len(below) > 1 && !recursive {
		return ErrNotEmpty
	}
	for _, path := range below {
		delete(m, path)
	}
	return nil
}

// list is what List should show.
func (m model) list(dir string) (paths []string, err error) {
	if dir != "" {
		n, err := m.lookup(dir)
		switch {
		case err != nil:
			return nil, err
		case n.kind == KindOther:
			return nil, ErrNotServed
		case n.kind == KindFile:
			return nil, ErrNotDirectory
		}
	}
	for path := range m {
		if parent := filepath.Dir(path); parent == dir || dir == "" && parent == "." {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths, nil
}

// plants are what a program may have put into a workspace.
func (w *world) plants() map[string]func(path string) error {
	link := func(target string) func(string) error {
		return func(path string) error { return os.Symlink(target, path) }
	}
	above := strings.Repeat("../", 20)
	return map[string]func(path string) error{
		"link to a directory":      link(w.outside[0]),
		"link to a file":           link(filepath.Join(w.outside[0], "a")),
		"relative link":            link(above + strings.TrimPrefix(w.outside[0], "/")),
		"link to a customer":       link(w.outside[1]),
		"link to the next space":   link("../" + filepath.Base(w.outside[2])),
		"link to a file beside":    link("../../shared/a"),
		"link to the store":        link("../../.."),
		"link to the system":       link("/"),
		"link to the root of proc": link("/proc/self/cwd"),
		"link to the top":          link("."),
		"link to reserved":         link(".fanfare"),
		"link to a":                link("a"),
		"link to d":                link("d"),
		"link to nothing":          link("nothing"),
		"link to itself":           func(path string) error { return os.Symlink(filepath.Base(path), path) },
		"second name":              func(path string) error { return os.Link(filepath.Join(w.outside[0], "a"), path) },
		"second name beside":       func(path string) error { return os.Link(filepath.Join(w.outside[2], "b"), path) },
		"FIFO":                     func(path string) error { return unix.Mkfifo(path, 0o666) },
	}
}

func provePaths(t *testing.T, length time.Duration) {
	ctx := context.Background()
	var worlds, operations, refused int
	bad := slices.Collect(maps.Values(badPaths))
	bad = slices.DeleteFunc(append(bad, "a/../../../canary/a", "d/../../a", "/dev/shm", "a/\x00", "..\\..\\canary"), func(s string) bool { return s == "" })
	slices.Sort(bad)
	goodPath := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "d", "e", secret, "x y", "ü"}), 1, 4).Draw(t, "names"), "/")
	})
	paths := rapid.Custom(func(t *rapid.T) string {
		if rapid.IntRange(0, 5).Draw(t, "bad") == 0 {
			return rapid.SampledFrom(bad).Draw(t, "path")
		}
		return goodPath.Draw(t, "path")
	})
	prove := func(t *rapid.T) {
		worlds++
		w := newWorld(t)
		defer w.close()
		d, m := w.d, model{}
		plants := w.plants()
		kinds := slices.Sorted(maps.Keys(plants))
		var bytes, files int64
		agree := func(what string, err, want error, paths ...string) bool {
			operations++
			for _, path := range paths {
				if slices.Contains(bad, path) {
					want = errPath
				}
			}
			if err != nil {
				refused++
			}
			_, isPath := errors.AsType[*PathError](err)
			if isPath {
				err = errPath
			}
			if !errors.Is(err, want) {
				t.Fatalf("%s %q: %v, not %v", what, paths, err, want)
			}
			return err == nil
		}
		isBad := func(paths ...string) bool {
			return slices.ContainsFunc(paths, func(p string) bool { return slices.Contains(bad, p) })
		}
		count := func(change Change) { bytes, files = bytes+change.Bytes, files+change.Files }
		t.Repeat(map[string]func(*rapid.T){
			"plant": func(r *rapid.T) {
				path, kind := goodPath.Draw(r, "path"), rapid.SampledFrom(kinds).Draw(r, "kind")
				if n, err := m.lookup(filepath.Dir(path)); filepath.Dir(path) != "." && (err != nil || n.kind != KindDirectory) {
					return
				}
				if _, ok := m[path]; ok {
					return
				}
				if err := plants[kind](filepath.Join(w.dir, path)); err != nil {
					r.Fatal(err)
				}
				second := strings.HasPrefix(kind, "second")
				m[path] = node{kind: KindOther, second: second}
				if files++; second {
					bytes += int64(len(secret) + 1)
				}
			},
			"put": func(r *rapid.T) {
				path, content := paths.Draw(r, "path"), rapid.StringN(0, 20, -1).Draw(r, "content")
				change, err := try(d, path, content, Condition{})
				var want error
				if !isBad(path) {
					want = m.put(path, content)
				}
				if agree("put", err, want, path) {
					count(change)
				}
			},
			"make": func(r *rapid.T) {
				path := paths.Draw(r, "path")
				change, err := d.MakeDirectory(path)
				var want error
				if !isBad(path) {
					want = m.makeDirectory(path)
				}
				if agree("make", err, want, path) {
					count(change)
				}
			},
			"move": func(r *rapid.T) {
				from, to, replace := paths.Draw(r, "from"), paths.Draw(r, "to"), rapid.Bool().Draw(r, "replace")
				change, err := d.Move(from, to, replace, Condition{})
				var want error
				if !isBad(from, to) {
					want = m.move(from, to, replace)
				}
				if agree("move", err, want, from, to) {
					count(change)
				}
			},
			"delete": func(r *rapid.T) {
				path, recursive := paths.Draw(r, "path"), rapid.Bool().Draw(r, "recursive")
				change, err := d.Delete(path, recursive, Condition{})
				var want error
				if !isBad(path) {
					want = m.remove(path, recursive)
				}
				if agree("delete", err, want, path) {
					count(change)
				}
			},
			"read": func(r *rapid.T) {
				path := paths.Draw(r, "path")
				content, err := read(d, path)
				n, want := m.lookup(path)
				switch {
				case want == nil && n.kind == KindDirectory:
					want = ErrIsDirectory
				case want == nil && n.kind == KindOther:
					want = ErrNotServed
				}
				if agree("read", err, want, path) && content != n.content {
					r.Fatalf("%q is %q, not %q", path, content, n.content)
				}
			},
			"list": func(r *rapid.T) {
				path := rapid.OneOf(paths, rapid.Just("")).Draw(r, "path")
				entries, _, err := d.List(ctx, path, "", 1000)
				want, failed := m.list(path)
				if agree("list", err, failed, path) && !slices.Equal(pathsOf(entries), want) {
					r.Fatalf("%q has %q, not %q", path, pathsOf(entries), want)
				}
			},
			"search": func(r *rapid.T) {
				path := rapid.OneOf(paths, rapid.Just("")).Draw(r, "path")
				entries, _, err := d.Search(ctx, path, "", "", 1000)
				_, failed := m.list(path)
				if agree("search", err, failed, path) {
					want := slices.DeleteFunc(slices.Collect(maps.Keys(m)), func(p string) bool { return path != "" && !strings.HasPrefix(p, path+"/") })
					slices.SortFunc(want, ComparePaths)
					if !slices.Equal(pathsOf(entries), want) {
						r.Fatalf("%q has %q, not %q", path, pathsOf(entries), want)
					}
				}
			},
		})
		usage, err := d.Measure(ctx)
		if err != nil || usage.Bytes != bytes || usage.Files != files || files != int64(len(m)) {
			t.Fatalf("%+v, %v; the changes come to %d bytes and %d files, the model has %d", usage, err, bytes, files, len(m))
		}
		err = d.Walk(ctx, func(e Entry, _ Stamp) error {
			n := m[e.Path]
			if e.Kind != n.kind || e.Bytes != int64(len(n.content)) {
				return fmt.Errorf("%+v is not %+v", e, n)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if changes := w.changed(); len(changes) > 0 {
			t.Fatalf("outside: %q", changes)
		}
		if err := w.store.Remove(w.customer, w.space); err != nil {
			t.Fatal(err)
		}
		delete(w.before, filepath.Dir(w.dir)) // it has one directory less
		changes := w.changed()
		if len(changes) != 1 || !strings.HasPrefix(changes[0], filepath.Dir(w.dir)+" is new") {
			t.Fatalf("after the removal: %q", changes)
		}
	}
	for began := time.Now(); time.Since(began) < length; {
		rapid.Check(t, prove)
	}
	t.Logf("%d workspaces, %d operations, of which %d were refused", worlds, operations, refused)
}

// raceNames are what the hostile process swaps and what is asked for meanwhile.
var raceNames = []string{"a", "b", "d", "d/x", "d/e", "d/e/f", "d/" + "a", "b/x"}

func proveRace(t *testing.T, length time.Duration) {
	var operations, succeeded, swaps, rounds int64
	kinds := map[string]int64{}
	for began := time.Now(); time.Since(began) < length && !t.Failed(); rounds++ {
		w := newWorld(t)
		cmd := child(t, "swap", append([]string{w.dir}, w.outside...)...)
		stop, err := cmd.StdinPipe()
		must(t, err)
		out, err := cmd.StdoutPipe()
		must(t, err)
		cmd.Stderr = os.Stderr
		must(t, cmd.Start())
		done := make(chan struct{})
		var mu sync.Mutex
		var group sync.WaitGroup
		until := time.Now().Add(min(length, 10*time.Second))
		for range 3 {
			group.Go(func() {
				for time.Now().Before(until) && !t.Failed() {
					what := rand.IntN(len(raceOperations))
					start := time.Now()
					err := raceOperations[what].do(w)
					if took := time.Since(start); took > 20*time.Second {
						t.Errorf("%s took %s", raceOperations[what].name, took)
					}
					kind, ok := expected(err)
					if !ok {
						t.Errorf("%s: %v", raceOperations[what].name, err)
					}
					mu.Lock()
					operations++
					if err == nil {
						succeeded++
					}
					kinds[kind]++
					mu.Unlock()
				}
			})
		}
		go func() { group.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(time.Until(until) + time.Minute):
			must(t, cmd.Process.Kill())
			t.Fatal("an operation hangs")
		}
		if err := w.store.Remove(w.customer, w.space); err != nil && !errors.Is(err, ErrChanged) {
			t.Errorf("Remove: %v", err)
		}
		must(t, stop.Close())
		said, err := io.ReadAll(out)
		must(t, err)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the hostile process: %v", err)
		}
		n, err := strconv.ParseInt(string(said), 10, 64)
		if err != nil || n == 0 {
			t.Errorf("the hostile process has done %q, %v", said, err)
		}
		swaps += n
		parent := filepath.Dir(w.dir)
		delete(w.before, parent)
		for _, change := range w.changed() {
			if !strings.HasPrefix(change, parent+" is new") {
				t.Errorf("outside: %s", change)
			}
		}
		w.close()
	}
	if succeeded == 0 {
		t.Error("nothing has succeeded")
	}
	t.Logf("%d rounds, %d operations, %d succeeded; the hostile process swapped %d times; %v", rounds, operations, succeeded, swaps, kinds)
}

// expected tells what kind of error a hostile process may cause.
func expected(err error) (kind string, ok bool) {
	if err == nil {
		return "none", true
	}
	for _, one := range []error{ErrNotFound, ErrExists, ErrNotEmpty, ErrIsDirectory, ErrNotDirectory, ErrNotServed, ErrPrecondition, ErrChanged, ErrUncounted} {
		if errors.Is(err, one) {
			return strings.TrimPrefix(one.Error(), "workspace: "), true
		}
	}
	_, ok = errors.AsType[*PathError](err)
	return "path", ok
}

// leaked is an error if something of the outside was returned.
func leaked(err error, returned ...string) error {
	for _, s := range returned {
		if strings.Contains(s, secret) {
			return fmt.Errorf("LEAKED: %q", s)
		}
	}
	return err
}

// raceOperations are what is done while the hostile process runs.
var raceOperations = []struct {
	name string
	do   func(w *world) error
}{
	{"read", func(w *world) error {
		content, err := read(w.d, raceName())
		return leaked(err, content)
	}},
	{"read again", func(w *world) error {
		content, err := read(w.d, raceName())
		return leaked(err, content)
	}},
	{"put", func(w *world) error {
		_, err := try(w.d, raceName(), "ours", Condition{})
		return err
	}},
	{"put executable", func(w *world) error {
		staged, err := w.d.Stage(uuid.New())
		if err != nil {
			return err
		}
		defer staged.Discard()
		staged.SetExecutable(true)
		staged.SetModifiedAt(time.Unix(1, 0))
		for range 50 { // slowly
			if _, err := staged.Write([]byte("ours")); err != nil {
				return err
			}
		}
		if err := staged.Finish(); err != nil {
			return err
		}
		_, err = w.d.Commit(staged, raceName(), Condition{IfNoneMatch: []string{`"x"`}})
		return err
	}},
	{"make", func(w *world) error { _, err := w.d.MakeDirectory(raceName()); return err }},
	{"move", func(w *world) error {
		_, err := w.d.Move(raceName(), raceName(), rand.IntN(2) == 0, Condition{})
		return err
	}},
	{"delete", func(w *world) error {
		_, err := w.d.Delete(raceName(), rand.IntN(2) == 0, Condition{})
		return err
	}},
	{"stat", func(w *world) error {
		e, err := w.d.Stat(raceName())
		return leaked(err, e.Path)
	}},
	{"list", func(w *world) error {
		entries, _, err := w.d.List(context.Background(), []string{"", "a", "b", "d", "d/e"}[rand.IntN(5)], "", 100)
		return leaked(err, pathsOf(entries)...)
	}},
	{"search", func(w *world) error {
		entries, _, err := w.d.Search(context.Background(), []string{"", "d"}[rand.IntN(2)], "*", "", 100)
		return leaked(err, pathsOf(entries)...)
	}},
	{"walk", func(w *world) error {
		return w.d.Walk(context.Background(), func(e Entry, _ Stamp) error {
			if e.Kind != KindFile {
				return leaked(nil, e.Path)
			}
			content, err := read(w.d, e.Path)
			if _, ok := expected(err); !ok {
				return err
			}
			return leaked(nil, e.Path, content)
		})
	}},
	{"measure", func(w *world) error { _, err := w.d.Measure(context.Background()); return err }},
	{"remove staged", func(w *world) error {
		ids, err := w.d.Staged()
		if err == nil && len(ids) > 0 {
			err = w.d.RemoveStaged(ids[rand.IntN(len(ids))])
		}
		return err
	}},
}

// raceName is a name that the hostile process may be swapping; half of the time one of those that it flips.
func raceName() string {
	if rand.IntN(2) == 0 {
		return []string{"a", "d/x"}[rand.IntN(2)]
	}
	return raceNames[rand.IntN(len(raceNames))]
}

// swapForEver is the hostile process: it swaps what is in a workspace for links to secrets and back, until its input ends. It writes how often.
// All that it makes is made right below the top, which nobody swaps, so that it does not itself do anything outside.
func swapForEver(args []string) error {
	dir, outside := args[0], args[1:]
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	var swaps, names atomic.Int64
	for _, attack := range []func(root *os.Root, dir string, outside []string, temporary string) int64{swap, flip, flip, replaceStaged} {
		go func() {
			for {
				swaps.Add(attack(root, dir, outside, "t"+strconv.FormatInt(names.Add(1), 10)))
			}
		}()
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	fmt.Print(swaps.Load())
	return err
}

// flip puts a plain file or directory in place of something, and exchanges it with something that leads out, back and forth: so fast
// that one is there when an operation looks, and the other when it goes on.
func flip(root *os.Root, dir string, outside []string, temporary string) (flips int64) {
	made, target := filepath.Join(dir, temporary), outside[rand.IntN(len(outside))]
	relative, _ := filepath.Rel(dir, target)
	at := []string{"a", "d"}[rand.IntN(2)]
	plain := temporary + "-plain" // made there, because another may just have put a link at the name
	if at == "a" {
		root.WriteFile(plain, []byte("theirs"), 0o644)
		switch rand.IntN(5) {
		case 0, 1:
			os.Symlink(filepath.Join(target, "a"), made)
		case 2:
			os.Symlink(relative+"/a", made)
		case 3:
			os.Link(filepath.Join(target, "a"), made)
		case 4:
			unix.Mkfifo(made, 0o666)
		}
	} else {
		root.MkdirAll(plain+"/e", 0o755)
		for _, name := range []string{"x", "a", "e/f"} {
			root.WriteFile(plain+"/"+name, []byte("theirs"), 0o644)
		}
		switch rand.IntN(5) {
		case 0, 1:
			os.Symlink(filepath.Join(target, "d"), made)
		case 2:
			os.Symlink(relative+"/d", made)
		case 3:
			os.Symlink(target, made)
		case 4:
			unix.Mkfifo(made, 0o666)
		}
	}
	root.RemoveAll(at)
	root.Rename(plain, at)
	for range 20_000 {
		if unix.Renameat2(unix.AT_FDCWD, made, unix.AT_FDCWD, filepath.Join(dir, at), unix.RENAME_EXCHANGE) != nil {
			break // it was moved or deleted
		}
		flips++
	}
	root.RemoveAll(temporary)
	root.RemoveAll(plain)
	return flips
}

// replaceStaged puts a second name of a file outside in place of what is being written.
func replaceStaged(root *os.Root, dir string, outside []string, temporary string) (replaced int64) {
	staged, err := (&Directory{root: root}).Staged()
	if err != nil {
		return 0
	}
	for _, id := range staged {
		os.Link(filepath.Join(outside[rand.IntN(len(outside))], "a"), filepath.Join(dir, temporary))
		if root.Rename(temporary, ".fanfare/"+id.String()) == nil {
			replaced++
		}
	}
	root.RemoveAll(temporary)
	return replaced
}

// swap makes something and puts it in place of something else.
func swap(root *os.Root, dir string, outside []string, temporary string) (swaps int64) {
	made := filepath.Join(dir, temporary)
	target := outside[rand.IntN(len(outside))]
	relative, _ := filepath.Rel(dir, target)
	switch rand.IntN(13) {
	case 0, 1:
		os.WriteFile(made, []byte("theirs"), 0o644)
	case 2, 3:
		os.Mkdir(made, 0o755)
		for _, name := range []string{"x", "a", "f"} {
			root.WriteFile(temporary+"/"+name, []byte("theirs"), 0o644)
		}
		root.Mkdir(temporary+"/e", 0o755)
		root.WriteFile(temporary+"/e/f", []byte("theirs"), 0o644)
	case 4:
		os.Symlink(target, made)
	case 5:
		os.Symlink(filepath.Join(target, "a"), made)
	case 6:
		os.Symlink(relative, made)
	case 7:
		os.Symlink(relative+"/d", made)
	case 8, 9:
		os.Link(filepath.Join(target, []string{"a", "b", "d/x", "d/e/f"}[rand.IntN(4)]), made)
	case 10:
		unix.Mkfifo(made, 0o666)
	case 11:
		os.Symlink([]string{".", "d", ".fanfare", "..", "b"}[rand.IntN(5)], made)
	case 12:
		os.Symlink([]string{target, ".", relative}[rand.IntN(3)], made)
		unix.Renameat2(unix.AT_FDCWD, made, unix.AT_FDCWD, filepath.Join(dir, ".fanfare"), unix.RENAME_EXCHANGE)
	}
	at := raceName()
	if strings.Contains(at, "/") {
		root.RemoveAll(at)
		root.Rename(temporary, at)
	} else {
		for range 1 + rand.IntN(20) { // there and back
			unix.Renameat2(unix.AT_FDCWD, made, unix.AT_FDCWD, filepath.Join(dir, at), unix.RENAME_EXCHANGE)
		}
		root.Rename(temporary, at)
	}
	root.RemoveAll(temporary)
	return 1
}
