package workspace

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// childVariable says what a child process of the tests, which runs this same program, is to do; its arguments are the
// directories to do it to.
const childVariable = "FANFARE_WORKSPACE_CHILD"

func TestMain(m *testing.M) {
	run, ok := map[string]func(args []string) error{
		"swap": swapForEver, "limit": writeToLimit, "stranger": useAsStranger, "shared": useWithOthers,
	}[os.Getenv(childVariable)]
	if !ok {
		os.Exit(m.Run())
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child is a process of this program that does something else.
func child(t *testing.T, what string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), childVariable+"="+what)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// TestNotServed: what is no plain file or directory is seen, counted and deleted, but nothing else is done to it, and
// nothing waits for it.
func TestNotServed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, d, dir := open(t)
	outside := t.TempDir()
	onDisk(t, filepath.Join(outside, "secret"), "secret")
	onDisk(t, filepath.Join(outside, "directory", "secret"), "secret")
	put(t, d, "real/file", "x")
	put(t, d, "file", "x")
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.Symlink(filepath.Join(outside, "secret"), at("to-file")))
	must(t, os.Symlink(filepath.Join(outside, "directory"), at("to-directory")))
	must(t, os.Symlink("../../../../../../../../../../etc", at("to-etc")))
	must(t, os.Symlink("real", at("to-real")))
	must(t, os.Symlink("file", at("to-own-file")))
	must(t, os.Symlink(".", at("to-itself")))
	must(t, os.Symlink("loop", at("loop")))
	must(t, os.Symlink(".fanfare", at("to-reserved")))
	must(t, os.Symlink("/proc/self/root", at("to-root")))
	must(t, os.Link(filepath.Join(outside, "secret"), at("hard")))
	must(t, unix.Mkfifo(at("fifo"), 0o666))
	listener, err := net.Listen("unix", at("socket"))
	must(t, err)
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	defer listener.Close()
	names := []string{"fifo", "hard", "loop", "socket", "to-directory", "to-etc", "to-file", "to-itself", "to-own-file", "to-real", "to-reserved", "to-root"}
	if err := unix.Mknod(at("device"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5))); err == nil { // /dev/zero; root may
		names = slices.Insert(names, 0, "device")
	} else if !errors.Is(err, unix.EPERM) {
		t.Fatal(err)
	}

	entries, more, err := d.List(ctx, "", "", 100)
	must(t, err)
	var others []string
	for _, e := range entries {
		if e.Kind == KindOther {
			others = append(others, e.Path)
			if e.Bytes != 0 {
				t.Errorf("%s tells its size", e.Path)
			}
		}
	}
	if !slices.Equal(others, names) || more || len(entries) != len(names)+2 {
		t.Errorf("%q, %v", others, more)
	}
	for _, name := range names {
		if e, err := d.Stat(name); err != nil || e.Kind != KindOther {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
		_, err := d.Open(name)
		expect(t, "Open "+name, err, ErrNotServed)
		_, err = try(d, name, "overwritten", Condition{})
		expect(t, "Commit "+name, err, ErrNotServed)
		_, err = d.MakeDirectory(name)
		expect(t, "MakeDirectory "+name, err, ErrExists)
		_, err = d.Move(name, "new", true, Condition{})
		expect(t, "Move "+name, err, ErrNotServed)
		_, err = d.Move("file", name, false, Condition{})
		expect(t, "Move to "+name, err, ErrExists)
		_, err = d.Move("file", name, true, Condition{})
		expect(t, "Move over "+name, err, ErrNotServed)
		_, _, err = d.List(ctx, name, "", 10)
		expect(t, "List "+name, err, ErrNotServed)
		_, _, err = d.Search(ctx, name, "", "", 10)
		expect(t, "Search "+name, err, ErrNotServed)
		for _, below := range []string{name + "/secret", name + "/deep/new"} {
			want := ErrNotServed
			if name == "hard" {
				want = ErrNotDirectory
			}
			_, err = d.Stat(below)
			expect(t, "Stat "+below, err, want)
			_, err = d.Open(below)
			expect(t, "Open "+below, err, want)
			_, err = try(d, below, "x", Condition{})
			expect(t, "Commit "+below, err, want)
			_, err = d.MakeDirectory(below)
			expect(t, "MakeDirectory "+below, err, want)
			_, err = d.Move("file", below, true, Condition{})
			expect(t, "Move to "+below, err, want)
			_, err = d.Move(below, "new", true, Condition{})
			expect(t, "Move "+below, err, want)
			_, err = d.Delete(below, true, Condition{})
			expect(t, "Delete "+below, err, want)
		}
	}
	usage, err := d.Measure(ctx)
	if err != nil || usage.Files != int64(len(names))+3 || usage.Other != int64(len(names)) || usage.Bytes != 2+6 {
		t.Errorf("%+v, %v", usage, err)
	}
	seen := 0
	must(t, d.Walk(ctx, func(Entry, Stamp) error { seen++; return nil }))
	if seen != len(names)+3 {
		t.Errorf("%d seen", seen)
	}
	for _, name := range names {
		change, err := d.Delete(name, true, Condition{})
		want := int64(0)
		if name == "hard" {
			want = -6
		}
		if err != nil || change.Files != -1 || change.Bytes != want {
			t.Errorf("delete %s: %+v, %v", name, change, err)
		}
	}
	if content, err := os.ReadFile(filepath.Join(outside, "secret")); string(content) != "secret" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
	if content, err := os.ReadFile(filepath.Join(outside, "directory", "secret")); string(content) != "secret" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
	if content, err := read(d, "file"); content != "x" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
}

// TestReservedReplaced: what programs do to the reserved directory hides nothing and stops no write.
func TestReservedReplaced(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, d, dir := open(t)
	outside := t.TempDir()
	at := filepath.Join(dir, ".fanfare")
	for what, plant := range map[string]func() error{
		"nothing":              func() error { return nil },
		"a file":               func() error { return os.WriteFile(at, []byte("12345"), 0o644) },
		"a link out":           func() error { return os.Symlink(outside, at) },
		"a link to the top":    func() error { return os.Symlink(".", at) },
		"a link to nothing":    func() error { return os.Symlink("nothing", at) },
		"a FIFO":               func() error { return unix.Mkfifo(at, 0o666) },
		"a file that is given": func() error { return os.Link(filepath.Join(dir, "file"), at) },
	} {
		must(t, os.RemoveAll(at))
		must(t, os.RemoveAll(filepath.Join(dir, "file")))
		onDisk(t, filepath.Join(dir, "file"), "x")
		must(t, plant())
		if ids, err := d.Staged(); err != nil || len(ids) != 0 {
			t.Errorf("%s: %v, %v", what, ids, err)
		}
		if usage, err := d.Measure(ctx); err != nil || usage.Files != 2 && what != "nothing" {
			t.Errorf("%s: %+v, %v", what, usage, err)
		}
		must(t, d.RemoveStaged(uuid.New()))
		change := put(t, d, "new", what)
		if change.Bytes != int64(len(what)) {
			t.Errorf("%s: %+v", what, change)
		}
		_, err := d.Delete("new", false, Condition{})
		must(t, err)
		if left, err := os.ReadDir(outside); err != nil || len(left) != 0 {
			t.Errorf("%s: %v, %v", what, left, err)
		}
	}
	must(t, os.RemoveAll(dir+"/file"))
	onDisk(t, filepath.Join(at, "hidden", "file"), "12345")
	onDisk(t, filepath.Join(at, uuid.NewString()), "not counted: it is removed as what a crash has left")
	onDisk(t, filepath.Join(dir, ".FANFARE", "file"), "123")
	onDisk(t, filepath.Join(dir, "deep", ".fanfare", "file"), "12")
	usage, err := d.Measure(ctx)
	if err != nil || usage.Bytes != 5+3+2 || usage.Files != 2+2+3 {
		t.Errorf("%+v, %v", usage, err)
	}
	entries, _, err := d.Search(ctx, "", "", "", 10)
	if err != nil || !slices.Equal(pathsOf(entries), []string{".FANFARE", "deep", "deep/.fanfare", "deep/.fanfare/file"}) || entries[0].Kind != KindOther {
		t.Errorf("%+v, %v", entries, err)
	}
}

// TestStrangeNames: names that are no paths are shown with escapes, counted, and removed with their directory.
func TestStrangeNames(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, d, dir := open(t)
	shown := map[string]string{
		"\xff\xfe": `\xff\xfe`, "a\nb": `a\u{a}b`, "\x1b[2J": `\u{1b}[2J`, `a\b`: `a\\b`, "\u202egpj.exe": `\u{202e}gpj.exe`, "\u2028": `\u{2028}`,
	}
	for name := range shown {
		onDisk(t, filepath.Join(dir, "files", name), "12")
		onDisk(t, filepath.Join(dir, "directories", name, "below"), "345")
	}
	n := len(shown)
	for _, top := range []string{"files", "directories"} {
		for limit := 1; limit <= n+1; limit++ {
			var got []Entry
			after := ""
			for more := true; more; {
				var entries []Entry
				var err error
				entries, more, err = d.List(ctx, top, after, limit)
				must(t, err)
				got = append(got, entries...)
				after = got[len(got)-1].Name()
			}
			if len(got) != n {
				t.Errorf("%d entries by %d", len(got), limit)
			}
			for _, e := range got {
				if e.Kind != KindOther || !slices.ContainsFunc(slices.Collect(mapValues(shown)), func(s string) bool { return top+"/"+s == e.Path }) {
					t.Errorf("%+v", e)
				}
				_, err := d.Stat(e.Path)
				expectPath(t, "Stat", err)
			}
		}
	}
	usage, err := d.Measure(ctx)
	if err != nil || usage.Files != int64(2+3*n) || usage.Bytes != int64(5*n) || usage.Directories != int64(2+n) {
		t.Errorf("%+v, %v", usage, err)
	}
	seen := 0
	must(t, d.Walk(ctx, func(Entry, Stamp) error { seen++; return nil }))
	if seen != 2+2*n {
		t.Errorf("%d seen", seen)
	}
	change, err := d.Delete("directories", true, Condition{})
	if err != nil || change.Files != -int64(1+2*n) || change.Bytes != -int64(3*n) {
		t.Errorf("%+v, %v", change, err)
	}
	change, err = d.Delete("files", true, Condition{})
	if err != nil || change.Files != -int64(1+n) || change.Bytes != -int64(2*n) {
		t.Errorf("%+v, %v", change, err)
	}
}

func mapValues(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// TestFullDisk: a full disk is told as such, and nothing half remains. The system's limit of the size of a file stands
// for the disk everywhere; where a small disk can be mounted, it is one.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	if out, err := child(t, "limit", t.TempDir()).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	small := t.TempDir()
	if err := unix.Mount("tmpfs", small, "tmpfs", 0, "size=256k,nr_inodes=64"); err != nil {
		t.Logf("a disk cannot be mounted here: %v", err)
		return
	}
	defer func() { must(t, unix.Unmount(small, 0)) }()
	must(t, fillUp(small))
	s, err := OpenStore(small)
	must(t, err)
	defer s.Close()
	customer := uuid.New()
	must(t, s.Create(customer, uuid.NullUUID{}))
	d, err := s.Open(customer, uuid.NullUUID{})
	must(t, err)
	defer d.Close()
	for i := range 100 { // until no inode is left
		if _, err = d.MakeDirectory(fmt.Sprintf("a%d/b/c", i)); err != nil {
			break
		}
	}
	expect(t, "MakeDirectory", err, ErrFull)
	_, err = try(d, "file", "x", Condition{})
	expect(t, "Stage", err, ErrFull)
	expect(t, "Create", s.Create(uuid.New(), uuid.NullUUID{}), ErrFull)
	usage, err := d.Measure(context.Background())
	if err != nil || usage.Files%3 != 0 {
		t.Errorf("%+v, %v: directories made in vain are left", usage, err)
	}
	_, err = s.RemoveCustomer(customer)
	must(t, err)
}

// fillUp writes to a store until its disk is full.
func fillUp(base string) error {
	s, err := OpenStore(base)
	if err != nil {
		return err
	}
	defer s.Close()
	customer := uuid.New()
	if err := s.Create(customer, uuid.NullUUID{}); err != nil {
		return err
	}
	d, err := s.Open(customer, uuid.NullUUID{})
	if err != nil {
		return err
	}
	defer d.Close()
	if _, err := try(d, "file", "old", Condition{}); err != nil {
		return err
	}
	if _, err := try(d, "file", strings.Repeat("new", 1<<20), Condition{}); !errors.Is(err, ErrFull) {
		return fmt.Errorf("a full disk: %w", err)
	}
	if content, err := read(d, "file"); content != "old" || err != nil {
		return fmt.Errorf("the old file: %q, %w", content, err)
	}
	if ids, err := d.Staged(); err != nil || len(ids) != 0 {
		return fmt.Errorf("left: %v, %w", ids, err)
	}
	if _, err := try(d, "file", "fits", Condition{}); err != nil {
		return err
	}
	_, err = s.RemoveCustomer(customer)
	return err
}

// writeToLimit is fillUp where files cannot be longer than 128 KiB.
func writeToLimit(args []string) error {
	signal.Ignore(syscall.SIGXFSZ)
	if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: 128 << 10, Max: 128 << 10}); err != nil {
		return err
	}
	return fillUp(args[0])
}

// TestUnreadable: what programs that run as another user keep from Fanfare is shown, and not taken for nothing.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	cmd := child(t, "stranger", base)
	unprivileged(t, cmd, base)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// unprivileged has a child run as somebody whom modes stop, in a directory where they may write.
func unprivileged(t *testing.T, cmd *exec.Cmd, base string) {
	t.Helper()
	if os.Getuid() == 0 { // whom no mode stops
		must(t, os.Chmod(filepath.Dir(base), 0o755))
		must(t, os.Chmod(base, 0o777))
		program := filepath.Join(base, "test") // the one that runs may be where others cannot go
		content, err := os.ReadFile(os.Args[0])
		must(t, err)
		must(t, os.WriteFile(program, content, 0o755))
		cmd.Path = program
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65534, Gid: 65534}
		cmd.Dir = base
	}
}

// useAsStranger looks at directories and files of which the modes forbid it.
func useAsStranger(args []string) (err error) {
	ctx := context.Background()
	fail := func(what string, args ...any) { err = errors.Join(err, fmt.Errorf(what, args...)) }
	s, failed := OpenStore(args[0])
	if failed != nil {
		return failed
	}
	defer s.Close()
	customer := uuid.New()
	if err := s.Create(customer, uuid.NullUUID{}); err != nil {
		return err
	}
	d, failed := s.Open(customer, uuid.NullUUID{})
	if failed != nil {
		return failed
	}
	defer d.Close()
	for _, path := range []string{"closed/file", "readable/file", "fixed/file", "fixed/below/file", "file", "open/file"} {
		if _, err := try(d, path, "12345", Condition{}); err != nil {
			return err
		}
	}
	dir := filepath.Join(args[0], customer.String(), "shared")
	for name, mode := range map[string]os.FileMode{"closed": 0, "readable": 0o400, "fixed/below": 0o500, "fixed": 0o500, "file": 0} {
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			return err
		}
	}
	var seen []string
	if err := d.Walk(ctx, func(e Entry, _ Stamp) error { seen = append(seen, e.Path+" "+string(e.Kind)); return nil }); err != nil {
		fail("Walk: %w", err)
	}
	if want := []string{"closed other", "file file", "fixed directory", "fixed/below directory", "fixed/below/file file", "fixed/file file",
		"open directory", "open/file file", "readable directory", "readable/file other"}; !slices.Equal(seen, want) {
		fail("Walk: %q", seen)
	}
	if usage, err := d.Measure(ctx); !errors.Is(err, ErrUncounted) || usage.Files != 10 {
		fail("Measure: %+v, %w", usage, err)
	}
	if entries, _, err := d.List(ctx, "readable", "", 10); err != nil || len(entries) != 1 || entries[0].Kind != KindOther {
		fail("List: %+v, %w", entries, err)
	}
	for what, do := range map[string]func() error{
		"Open":        func() error { _, err := d.Open("file"); return err },
		"Open below":  func() error { _, err := d.Open("closed/file"); return err },
		"List":        func() error { _, _, err := d.List(ctx, "closed", "", 10); return err },
		"Commit":      func() error { _, err := try(d, "fixed/new", "x", Condition{}); return err },
		"Move to":     func() error { _, err := d.Move("open/file", "fixed/new", false, Condition{}); return err },
		"Move from":   func() error { _, err := d.Move("fixed/file", "new", false, Condition{}); return err },
		"Delete":      func() error { _, err := d.Delete("fixed/file", false, Condition{}); return err },
		"Make":        func() error { _, err := d.MakeDirectory("fixed/new"); return err },
		"Make closed": func() error { _, err := d.MakeDirectory("closed/new"); return err },
	} {
		if err := do(); !errors.Is(err, ErrNotServed) {
			fail("%s: %w", what, err)
		}
	}
	if err := os.Chmod(filepath.Join(dir, ".fanfare"), 0); err != nil {
		return err
	}
	if usage, err := d.Measure(ctx); !errors.Is(err, ErrUncounted) || usage.Files != 10 {
		fail("Measure: %+v, %w", usage, err)
	}
	if staged, err := d.Staged(); err != nil || len(staged) != 0 {
		fail("Staged: %v, %w", staged, err)
	}
	if _, err := try(d, "new", "x", Condition{}); err == nil {
		fail("a file is staged in a closed directory")
	}
	if err := os.Chmod(filepath.Join(dir, ".fanfare"), 0o700); err != nil {
		return err
	}
	change, failed := d.Delete("fixed", true, Condition{})
	if failed != nil || change.Files != -4 {
		fail("Delete: %+v, %w", change, failed)
	}
	if files, err := s.RemoveCustomer(customer); err != nil || files != 4 {
		fail("RemoveCustomer: %d, %w", files, err)
	}
	return err
}

// TestDirectoriesOfOthers: from directories that a program has made as another user nothing can be removed. They are counted, keep nothing else from being
// removed, and a temporary workspace that has some is out of the way.
func TestDirectoriesOfOthers(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	customer, scratch := uuid.New(), uuid.New()
	cmd := child(t, "shared", base, customer.String(), scratch.String())
	unprivileged(t, cmd, base)
	for _, dir := range []string{"shared", "spaces/" + uuid.NewString(), "scratch/" + scratch.String()} {
		at := filepath.Join(base, customer.String(), dir)
		onDisk(t, filepath.Join(at, "ours", "file"), "12345")
		onDisk(t, filepath.Join(at, "theirs", "file"), "12345")
		onDisk(t, filepath.Join(at, "zones", "file"), "12345")
	}
	if os.Getuid() == 0 { // else there is nobody else
		must(t, filepath.WalkDir(filepath.Join(base, customer.String()), func(path string, e os.DirEntry, err error) error {
			if err != nil || e.Name() == "theirs" || filepath.Base(filepath.Dir(path)) == "theirs" {
				return err
			}
			return os.Chown(path, 65534, 65534)
		}))
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// useWithOthers looks at, and removes, what others have made.
func useWithOthers(args []string) (err error) {
	fail := func(what string, args ...any) { err = errors.Join(err, fmt.Errorf(what, args...)) }
	customer, scratch := uuid.MustParse(args[1]), uuid.MustParse(args[2])
	theirs := int64(0)
	if info, err := os.Stat(filepath.Join(args[0], args[1], "shared", "theirs")); err != nil {
		return err
	} else if info.Sys().(*syscall.Stat_t).Uid != uint32(os.Getuid()) {
		theirs = 1
	}
	s, failed := OpenStore(args[0])
	if failed != nil {
		return failed
	}
	defer s.Close()
	d, failed := s.Open(customer, uuid.NullUUID{})
	if failed != nil {
		return failed
	}
	defer d.Close()
	if usage, err := d.Measure(context.Background()); err != nil || usage.Fixed != theirs || usage.Files != 6 {
		fail("Measure: %+v, %w", usage, err)
	}
	left, failed := s.FreeScratch(customer, scratch)
	if failed != nil || left.Valid != (theirs > 0) {
		fail("FreeScratch: %v, %w", left, failed)
	}
	if there, err := s.HasScratch(customer, scratch); err != nil || there {
		fail("the temporary workspace is in the way: %v, %w", there, err)
	}
	files, failed := s.RemoveCustomer(customer)
	if files != 2*(3-theirs) || (failed != nil) != (theirs > 0) {
		fail("RemoveCustomer: %d, %w", files, failed)
	}
	var rest []string
	if failed := filepath.WalkDir(filepath.Join(args[0], args[1]), func(path string, e os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil && !e.IsDir() {
			rest = append(rest, filepath.Base(filepath.Dir(path)))
		}
		return err
	}); failed != nil {
		fail("look: %w", failed)
	}
	if want := slices.Repeat([]string{"theirs"}, int(3*theirs)); !slices.Equal(rest, want) {
		fail("left: %q; RemoveCustomer said %w", rest, failed)
	}
	if theirs > 0 && !strings.Contains(failed.Error(), "/shared") {
		fail("it is not said where: %w", failed)
	}
	return err
}

// TestContent: of what is not served, links and the like are told from what has content.
func TestContent(t *testing.T) {
	t.Parallel()
	_, d, dir := open(t)
	put(t, d, "file", "x")
	for name, make := range map[string]func(path string) error{
		"link":        func(path string) error { return os.Symlink("file", path) },
		"second name": func(path string) error { return os.Link(filepath.Join(dir, "file"), path) },
		"bad\xff":     func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) },
		"worse\xff":   func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		must(t, make(filepath.Join(dir, name)))
	}
	content := map[string]bool{}
	must(t, d.Walk(context.Background(), func(e Entry, _ Stamp) error {
		if e.Kind == KindOther {
			content[e.Path] = e.Content
		}
		return nil
	}))
	want := map[string]bool{"link": false, "file": true, "second name": true, printable("bad\xff"): true, printable("worse\xff"): true}
	if !maps.Equal(content, want) {
		t.Errorf("content: %v, want %v", content, want)
	}
}
