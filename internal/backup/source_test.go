package backup

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/time/rate"
)

// changing is a tree of which a file changes each time it is read, so many times.
type changing struct {
	*Tree
	path   string
	times  int
	change func()
}

// Open opens a file.
func (s *changing) Open(ctx context.Context, path string) (OpenFile, error) {
	f, err := s.Tree.Open(ctx, path)
	if err != nil || path != s.path || s.times == 0 {
		return f, err
	}
	s.times--
	return &changingFile{f, s.change}, nil
}

type changingFile struct {
	OpenFile
	change func()
}

// Read changes the file once something was read.
func (f *changingFile) Read(p []byte) (int, error) {
	n, err := f.OpenFile.Read(p)
	if f.change != nil {
		f.change()
		f.change = nil
	}
	return n, err
}

// TestUnstable: a file that changes while it is read is read again, and noted if it never stays the same. What was read in vain is
// not in the backup, and no other file suffers.
func TestUnstable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		bytes    int
		change   func(f *fixture, n int)
		times    int
		unstable bool
	}{
		"small, then still":  {100, (*fixture).grow, 3, false},
		"small, never still": {100, (*fixture).grow, 100, true},
		"large, then still":  {40_000, (*fixture).grow, 2, false},
		"large, never still": {40_000, (*fixture).grow, 100, true},
		"shrinking":          {40_000, (*fixture).shrink, 2, false},
		"always shrinking":   {40_000, (*fixture).shrink, 100, true},
		"replaced":           {40_000, (*fixture).replace, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := setup(t, false)
			f.fill()
			random := rand.New(rand.NewPCG(5, 6))
			f.put("m/file", noise(random, test.bytes))
			n := 0
			source := &changing{Tree: f.tree, path: "m/file", times: test.times, change: func() { n++; test.change(f, n) }}
			result, id := f.write(WriteOptions{Sources: []NamedSource{{"shared", source}}})
			if want := map[bool]int64{true: 1}[test.unstable]; result.Totals.Unstable != want || int64(len(result.Unstable)) != want {
				t.Errorf("%d are unstable: %v", result.Totals.Unstable, result.Unstable)
			}
			m := f.manifest(id, result.ManifestSHA256)
			sound(t, m)
			got, want := content(t, f.restore(m)), content(t, f.files)
			if test.unstable {
				delete(got, "m/file")
				delete(want, "m/file")
			}
			for name := range want {
				if got[name] != want[name] {
					t.Errorf("%s is not as it was", name)
				}
			}
			var stored, raw int64
			for _, s := range m.segments {
				raw += s.Bytes
			}
			stored = m.Totals.Bytes
			if raw > stored+2*int64(f.segmentSize) {
				t.Errorf("segments have %d bytes for %d bytes of files", raw, stored)
			}
			// The next backup reads it again.
			source.times = 0
			again, _ := f.write(WriteOptions{Previous: m, Sources: []NamedSource{{"shared", source}}})
			if n := again.Totals.StoredFiles; test.unstable && (n < 1 || n > 3) { // what shared a segment with what was read in vain, too
				t.Errorf("the next backup has stored %d files", n)
			}
		})
	}
}

func (f *fixture) grow(int) {
	out, err := os.OpenFile(filepath.Join(f.files, "m/file"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = out.WriteString("and more")
		out.Close()
	}
	if err != nil {
		f.t.Error(err)
	}
}

func (f *fixture) shrink(n int) {
	if err := os.Truncate(filepath.Join(f.files, "m/file"), int64(39_000-5_000*n)); err != nil {
		f.t.Error(err)
	}
}

func (f *fixture) replace(int) { f.put("m/file", []byte("short")) }

// TestLeftOut: what cannot or may not be kept is left out with a reason, and the rest is kept.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.put("kept", []byte("kept"))
	f.put("gone", []byte("gone"))
	f.put("failing", bytes.Repeat([]byte("x"), 30_000))
	f.put("forbidden", []byte("forbidden"))
	f.put("later a link", []byte("file"))
	f.put("first name", []byte("two names"))
	at := func(name string) string { return filepath.Join(f.files, name) }
	for _, err := range []error{
		os.Symlink("/etc/passwd", at("link")),
		os.Symlink("kept", at("inner link")),
		os.Symlink("..", at("link up")),
		syscall.Mkfifo(at("pipe"), 0o600),
		os.Link(at("first name"), at("second name")),
		os.WriteFile(at("bad \xff name"), nil, 0o600),
		os.MkdirAll(at("bad \xfe directory/in it"), 0o700),
		os.MkdirAll(at(".fanfare/restore-1"), 0o700),
		os.WriteFile(at(".fanfare/staged"), nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	source := &opening{Tree: f.tree, open: func(path string) (OpenFile, error) {
		switch path {
		case "gone":
			os.Remove(at("gone"))
		case "forbidden":
			return nil, &os.PathError{Op: "open", Path: path, Err: syscall.EACCES}
		case "later a link":
			os.Remove(at(path))
			if err := os.Symlink("/etc/passwd", at(path)); err != nil {
				t.Error(err)
			}
		case "failing":
			f, err := f.tree.Open(t.Context(), path)
			return &failingFile{f, 20_000}, err
		}
		return nil, nil
	}}
	result, id := f.write(WriteOptions{Sources: []NamedSource{{"shared", source}}})
	want := []string{
		`bad \xfe directory: its name is not UTF-8`, `bad \xff name: its name is not UTF-8`,
		"failing: it could not be read", "first name: it has more than one name", "forbidden: it may not be read",
		"gone: it was gone when it was to be read", "inner link: it is a link", "later a link: it could not be read",
		"link up: it is a link", "link: it is a link", "pipe: it is a device, a pipe or a socket", "second name: it has more than one name",
	}
	m := f.manifest(id, result.ManifestSHA256)
	var got []string
	if err := m.LeftOut(t.Context(), func(l LeftOut) error { got = append(got, l.Path+": "+l.Reason); return nil }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) || len(result.LeftOut) != len(want) || m.Totals.LeftOut != int64(len(want)) || m.Totals.Unreadable != 3 || m.Totals.Gone != 1 {
		t.Errorf("left out are\n%s\nin all %d, unreadable %d, gone %d", strings.Join(got, "\n"), m.Totals.LeftOut, m.Totals.Unreadable, m.Totals.Gone)
	}
	sound(t, m)
	if got := content(t, f.restore(m)); len(got) != 1 || !strings.HasSuffix(got["kept"], "kept") {
		t.Errorf("restored are %v", got)
	}
	if err := m.Files(t.Context(), func(file File) error {
		if file.Path != "kept" {
			t.Errorf("%s is kept", file.Path)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// opening is a tree that does something when a file is opened.
type opening struct {
	*Tree
	open func(path string) (OpenFile, error)
}

// Open opens a file.
func (s *opening) Open(ctx context.Context, path string) (OpenFile, error) {
	if f, err := s.open(path); f != nil || err != nil {
		return f, err
	}
	return s.Tree.Open(ctx, path)
}

// failingFile fails after some bytes.
type failingFile struct {
	OpenFile
	left int
}

// Read reads, or fails.
func (f *failingFile) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, syscall.EIO
	}
	n, err := f.OpenFile.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}

// TestJustChanged: a file that was changed at the time it was read could be changed again without its times telling: it is read
// again.
func TestJustChanged(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.Settle = time.Hour
	f.put("file", []byte("some text"))
	first, id := f.write(WriteOptions{})
	f.Settle = -1
	m := f.manifest(id, first.ManifestSHA256)
	second, id := f.write(WriteOptions{Previous: m})
	third, _ := f.write(WriteOptions{Previous: f.manifest(id, second.ManifestSHA256)})
	if second.Totals.StoredFiles != 1 || third.Totals.StoredFiles != 0 {
		t.Errorf("stored were %d, then %d", second.Totals.StoredFiles, third.Totals.StoredFiles)
	}
}

// TestSources: sources share segments, and are restored apart from each other.
func TestSources(t *testing.T) {
	t.Parallel()
	f := setup(t, true)
	f.fill()
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "one"), []byte("another one"), 0o600); err != nil {
		t.Fatal(err)
	}
	result, id := f.write(WriteOptions{Sources: []NamedSource{{"shared", f.tree}, {"spaces/1", f.open(other)}, {"empty", f.open(t.TempDir())}}})
	m := f.manifest(id, result.ManifestSHA256)
	sound(t, m)
	if len(m.Sources) != 3 || m.Sources[1] != (SourceTotal{"spaces/1", 1, 0, 11}) {
		t.Errorf("the sources are %+v", m.Sources)
	}
	first, second := t.TempDir(), t.TempDir()
	targets := map[string]Target{"shared": f.open(first), "spaces/1": f.open(second), "of another": f.open(t.TempDir())}
	plan, err := m.Plan(t.Context(), targets, Selection{}, RestoreOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	if err := errors.Join(plan.Stage(t.Context()), plan.Apply(t.Context())); err != nil {
		t.Fatal(err)
	}
	same(t, f.files, first)
	if b, err := os.ReadFile(filepath.Join(second, "one")); err != nil || string(b) != "another one" {
		t.Errorf("%q, %v", b, err)
	}
	for what, sel := range map[string]Selection{"no such source": {Source: "spaces/2"}, "no such path": {Path: "nowhere"}} {
		if _, err := m.Plan(t.Context(), targets, sel, RestoreOptions{}); !errors.Is(err, ErrNothingSelected) {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, sources := range [][]NamedSource{{{"a", f.tree}, {"a", f.tree}}, {{"../a", f.tree}}, {{"", f.tree}}} {
		if _, err := f.Write(t.Context(), f.options(WriteOptions{Sources: sources})); err == nil {
			t.Errorf("the sources %v were taken", sources)
		}
	}
}

// TestOddTimes: no time that somebody gives a file keeps it, or the others, out of the backup.
func TestOddTimes(t *testing.T) {
	t.Parallel()
	for _, year := range []int{-5000, 0, 1, 9999, 10_000, 300_000} {
		f := setup(t, false)
		f.put("file", []byte("text"))
		e := File{Path: "file", Modified: time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC), Stamp: Stamp{Inode: 1}}
		source := []NamedSource{{"shared", rotten{f.tree, e}}}
		first, id := f.write(WriteOptions{Sources: source})
		m := f.manifest(id, first.ManifestSHA256)
		if again, _ := f.write(WriteOptions{Sources: source, Previous: m}); again.Totals.Files != 1 || again.Totals.StoredFiles != 0 {
			t.Errorf("in the year %d: %+v", year, again.Totals)
		}
		if b, err := os.ReadFile(filepath.Join(f.restore(m), "file")); err != nil || string(b) != "text" {
			t.Errorf("in the year %d: %q, %v", year, b, err)
		}
	}
}

// TestLimit: reading of a source, and of a bucket, takes as long as the limit says.
func TestLimit(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.put("file", noise(rand.New(rand.NewPCG(7, 8)), 60_000))
	f.Limiter = rate.NewLimiter(100_000, 10_000)
	for what, do := range map[string]func(){
		"writing": func() { f.write(WriteOptions{}) },
		"verifying": func() {
			f.Limiter.SetLimit(rate.Inf)
			result, id := f.write(WriteOptions{})
			m := f.manifest(id, result.ManifestSHA256)
			f.Limiter.SetLimit(100_000)
			sound(t, m)
		},
	} {
		began := time.Now()
		do()
		if took := time.Since(began); took < 450*time.Millisecond {
			t.Errorf("%s 60,000 bytes took %v", what, took)
		}
	}
}

// TestBrokenOff: a backup whose context ends, or whose source cannot be walked, is none.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.fill()
	ctx, cancel := context.WithCancel(t.Context())
	source := &changing{Tree: f.tree, path: "large", times: 1, change: cancel}
	o := f.options(WriteOptions{Sources: []NamedSource{{"shared", source}}})
	if _, err := f.Write(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
	if _, err := f.Open(t.Context(), o.ID, strings.Repeat("0", 64)); !damaged(err) {
		t.Errorf("open: %v", err)
	}
	broken := errors.New("the disk is away")
	o = f.options(WriteOptions{Sources: []NamedSource{{"shared", f.tree}, {"broken", unwalkable{f.tree, broken}}}})
	if _, err := f.Write(t.Context(), o); !errors.Is(err, broken) {
		t.Errorf("it ended with %v", err)
	}
	kept, id := f.write(WriteOptions{})
	f.sweep(Keeping{Kept: []Kept{{id, kept.Uses}}})
	for name := range objects(t, f.objects) {
		if !strings.Contains(name, id.String()) {
			t.Errorf("%s is left", name)
		}
	}
}

// unwalkable is a source that fails.
type unwalkable struct {
	*Tree
	err error
}

// Walk fails.
func (s unwalkable) Walk(context.Context, func(Entry) error) error { return s.err }
