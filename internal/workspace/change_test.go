package workspace

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestBadPaths(t *testing.T) {
	t.Parallel()
	_, d, dir := open(t)
	put(t, d, "good", "x")
	for name, path := range badPaths {
		_, err := d.Stat(path)
		expectPath(t, name+": Stat", err)
		_, err = d.Open(path)
		expectPath(t, name+": Open", err)
		_, err = try(d, path, "x", Condition{})
		expectPath(t, name+": Commit", err)
		_, err = d.MakeDirectory(path)
		expectPath(t, name+": MakeDirectory", err)
		_, err = d.Move(path, "new", true, Condition{})
		expectPath(t, name+": Move from", err)
		_, err = d.Move("good", path, true, Condition{})
		expectPath(t, name+": Move to", err)
		_, err = d.Delete(path, true, Condition{})
		expectPath(t, name+": Delete", err)
		if path == "" { // the top
			continue
		}
		_, _, err = d.List(context.Background(), path, "", 10)
		expectPath(t, name+": List", err)
		_, _, err = d.Search(context.Background(), path, "x", "", 10)
		expectPath(t, name+": Search", err)
	}
	if content, err := read(d, "good"); content != "x" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
	if names, err := os.ReadDir(dir); len(names) != 2 || err != nil { // and .fanfare
		t.Errorf("there is %v, %v", names, err)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	_, d, _ := open(t)
	any, none := Condition{IfMatch: []string{"*"}}, Condition{IfNoneMatch: []string{"*"}}
	_, err := try(d, "deep/a", "1", any)
	expect(t, "If-Match: * of nothing", err, ErrPrecondition)
	if _, err := d.Stat("deep"); err == nil {
		t.Error("the directory of a file that is not written is made")
	}
	change, err := try(d, "a", "1", none)
	must(t, err)
	tag := change.Entry.ETag
	_, err = try(d, "a", "2", none)
	expect(t, "If-None-Match: * of a file", err, ErrPrecondition)
	_, err = try(d, "a", "2", Condition{IfNoneMatch: []string{`"x"`, tag}})
	expect(t, "If-None-Match: its ETag", err, ErrPrecondition)
	_, err = try(d, "a", "2", Condition{IfMatch: []string{`"x"`}})
	expect(t, "If-Match: another", err, ErrPrecondition)
	_, err = try(d, "a", "2", Condition{IfMatch: []string{"W/" + tag}})
	expect(t, "If-Match: a weak one", err, ErrPrecondition)
	_, err = d.Delete("a", false, Condition{IfMatch: []string{`"x"`}})
	expect(t, "Delete, If-Match: another", err, ErrPrecondition)
	_, err = d.Move("a", "b", false, Condition{IfMatch: []string{`"x"`}})
	expect(t, "Move, If-Match: another", err, ErrPrecondition)
	if content, err := read(d, "a"); content != "1" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
	change, err = try(d, "a", "2", Condition{IfMatch: []string{`"x"`, tag}})
	must(t, err)
	if change.Entry.ETag == tag {
		t.Error("the ETag stayed")
	}
	change, err = d.Move("a", "b", false, Condition{IfMatch: []string{strings.Trim(change.Entry.ETag, `"`)}})
	must(t, err)
	_, err = d.Delete("b", false, Condition{IfMatch: []string{change.Entry.ETag}})
	must(t, err)
	if staged, err := d.Staged(); err != nil || len(staged) != 0 {
		t.Errorf("staged: %v, %v", staged, err)
	}
}

func TestStaged(t *testing.T) {
	t.Parallel()
	_, d, dir := open(t)
	id := uuid.New()
	staged, err := d.Stage(id)
	must(t, err)
	_, err = d.Stage(id)
	expect(t, "the same id again", err, ErrExists)
	_, err = io.WriteString(staged, "12345")
	must(t, err)
	if staged.Size() != 5 {
		t.Errorf("size %d", staged.Size())
	}
	if _, err := d.Commit(staged, "a", Condition{}); err == nil {
		t.Error("an unfinished file is committed")
	}
	must(t, staged.Finish())
	if _, err := staged.Write([]byte("x")); err == nil {
		t.Error("a finished file is written to")
	}
	if ids, err := d.Staged(); err != nil || len(ids) != 1 || ids[0] != id {
		t.Errorf("staged: %v, %v", ids, err)
	}
	_, other, _ := open(t)
	_, err = other.Commit(staged, "a", Condition{})
	expect(t, "a file of another workspace", err, ErrChanged)
	if err := os.WriteFile(filepath.Join(dir, ".fanfare", id.String()), []byte("54321"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = d.Commit(staged, "deep/a", Condition{})
	expect(t, "a program has written to it", err, ErrChanged)
	if _, err := d.Stat("deep"); err == nil {
		t.Error("the directory of a file that is not committed stays")
	}
	must(t, staged.Discard())
	must(t, staged.Discard())
	if ids, err := d.Staged(); err != nil || len(ids) != 0 {
		t.Errorf("staged: %v, %v", ids, err)
	}

	at := time.Date(2020, 2, 29, 12, 0, 0, 123456789, time.UTC)
	staged, err = d.Stage(id)
	must(t, err)
	staged.SetExecutable(true)
	staged.SetModifiedAt(at)
	must(t, staged.Finish())
	change, err := d.Commit(staged, "run.sh", Condition{})
	must(t, err)
	if !change.Entry.Executable || !change.Entry.ModifiedAt.Equal(at) {
		t.Errorf("%+v", change.Entry)
	}
	if _, err := d.Commit(staged, "run2.sh", Condition{}); err == nil {
		t.Error("committed twice")
	}
	must(t, staged.Discard())
	if change := put(t, d, "run.sh", "echo"); !change.Entry.Executable {
		t.Error("a new version cannot be executed")
	}
	usage, err := d.Measure(context.Background())
	if err != nil || time.Since(usage.LastChange) > time.Minute {
		t.Errorf("last change: %s, %v", usage.LastChange, err)
	}

	// Something that a crash has left.
	_, err = d.Stage(id)
	must(t, err)
	onDisk(t, filepath.Join(dir, ".fanfare", uuid.NewString(), "deep", "file"), "x")
	ids, err := d.Staged()
	must(t, err)
	if len(ids) != 2 {
		t.Errorf("%d left", len(ids))
	}
	for _, id := range append(ids, uuid.New()) {
		must(t, d.RemoveStaged(id))
	}
	if ids, err := d.Staged(); err != nil || len(ids) != 0 {
		t.Errorf("staged: %v, %v", ids, err)
	}
}

func TestMakeDirectory(t *testing.T) {
	t.Parallel()
	_, d, _ := open(t)
	change, err := d.MakeDirectory("a/b/c")
	if err != nil || !change.Created || change.Files != 3 || change.Bytes != 0 || change.Entry.Kind != KindDirectory || change.Entry.Path != "a/b/c" {
		t.Errorf("%+v, %v", change, err)
	}
	change, err = d.MakeDirectory("a/b")
	if err != nil || change.Created || change.Files != 0 || change.Entry.Path != "a/b" {
		t.Errorf("%+v, %v", change, err)
	}
	put(t, d, "a/file", "x")
	_, err = d.MakeDirectory("a/file")
	expect(t, "over a file", err, ErrExists)
	_, err = d.MakeDirectory("a/file/b")
	expect(t, "below a file", err, ErrNotDirectory)
	_, err = try(d, "a/file/b", "x", Condition{})
	expect(t, "a file below a file", err, ErrNotDirectory)
	_, err = try(d, "a/b", "x", Condition{})
	expect(t, "a file over a directory", err, ErrIsDirectory)
	_, err = d.Open("a/b")
	expect(t, "open a directory", err, ErrIsDirectory)
	_, _, err = d.List(context.Background(), "a/file", "", 10)
	expect(t, "list a file", err, ErrNotDirectory)
	_, err = d.Open("a/none")
	expect(t, "open nothing", err, ErrNotFound)
	_, err = d.Stat("none/none")
	expect(t, "stat nothing", err, ErrNotFound)
	_, _, err = d.Search(context.Background(), "none", "x", "", 10)
	expect(t, "search in nothing", err, ErrNotFound)
}

func TestMove(t *testing.T) {
	t.Parallel()
	_, d, _ := open(t)
	put(t, d, "a/b/c", "123")
	put(t, d, "other", "12345")
	change, err := d.Move("a/b/c", "x/y/c", false, Condition{})
	if err != nil || change.Files != 2 || change.Bytes != 0 || !change.Created || change.Entry.Path != "x/y/c" || change.Entry.Bytes != 3 {
		t.Errorf("%+v, %v", change, err)
	}
	_, err = d.Move("x/y/c", "other", false, Condition{})
	expect(t, "over a file", err, ErrExists)
	change, err = d.Move("x/y/c", "other", true, Condition{})
	if err != nil || change.Files != -1 || change.Bytes != -5 || change.Created {
		t.Errorf("%+v, %v", change, err)
	}
	if content, err := read(d, "other"); content != "123" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
	change, err = d.Move("other", "other", false, Condition{})
	if err != nil || change.Files != 0 || change.Bytes != 0 {
		t.Errorf("to itself: %+v, %v", change, err)
	}
	put(t, d, "x/y/z/file", "x")
	change, err = d.Move("x/y", "moved", false, Condition{})
	if err != nil || change.Files != 0 || change.Bytes != 0 || change.Entry.Kind != KindDirectory {
		t.Errorf("a directory: %+v, %v", change, err)
	}
	if content, err := read(d, "moved/z/file"); content != "x" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
	_, err = d.Move("moved", "moved/z/moved", true, Condition{})
	expectPath(t, "into itself", err)
	_, err = d.Move("moved", "x", true, Condition{})
	expect(t, "over an empty directory", err, ErrExists)
	_, err = d.Move("other", "moved", true, Condition{})
	expect(t, "a file over a directory", err, ErrExists)
	_, err = d.Move("moved", "other", true, Condition{})
	expect(t, "a directory over a file", err, ErrNotDirectory)
	_, err = d.Move("moved", "other/x", true, Condition{})
	expect(t, "below a file", err, ErrNotDirectory)
	_, err = d.Move("none", "b", true, Condition{})
	expect(t, "of nothing", err, ErrNotFound)
	deep := strings.Repeat("d/", 30) + "d"
	_, err = d.MakeDirectory(deep)
	must(t, err)
	_, err = d.Move("moved", deep+"/m", false, Condition{})
	expectPath(t, "content that would be too deep", err)
	if content, err := read(d, "moved/z/file"); content != "x" || err != nil {
		t.Errorf("%q, %v", content, err)
	}
	_, err = d.Move("moved/z/file", deep+"/m", false, Condition{})
	must(t, err)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	_, d, dir := open(t)
	put(t, d, "a/b/c", "123")
	put(t, d, "a/b/d/e", "4567")
	put(t, d, "file", "x")
	_, err := d.Delete("a", false, Condition{})
	expect(t, "a directory that is not empty", err, ErrNotEmpty)
	change, err := d.Delete("a/b/d/e", false, Condition{})
	if err != nil || change.Bytes != -4 || change.Files != -1 || change.Entry.Path != "a/b/d/e" {
		t.Errorf("%+v, %v", change, err)
	}
	change, err = d.Delete("a/b/d", false, Condition{})
	if err != nil || change.Bytes != 0 || change.Files != -1 {
		t.Errorf("%+v, %v", change, err)
	}
	change, err = d.Delete("a", true, Condition{})
	if err != nil || change.Bytes != -3 || change.Files != -3 {
		t.Errorf("%+v, %v", change, err)
	}
	_, err = d.Delete("a", true, Condition{})
	expect(t, "what is deleted", err, ErrNotFound)
	_, err = d.Delete("file/x", true, Condition{})
	expect(t, "below a file", err, ErrNotDirectory)
	change, err = d.Delete("file", true, Condition{})
	if err != nil || change.Bytes != -1 || change.Files != -1 {
		t.Errorf("%+v, %v", change, err)
	}
	if left, err := os.ReadDir(filepath.Join(dir, ".fanfare")); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestChanged: what a program writes while a file is read is noticed.
func TestChanged(t *testing.T) {
	t.Parallel()
	_, d, dir := open(t)
	put(t, d, "a", "123")
	file, err := d.Open("a")
	must(t, err)
	defer file.Close()
	must(t, file.Unchanged())
	onDisk(t, filepath.Join(dir, "a"), "1234")
	expect(t, "written to", file.Unchanged(), ErrChanged)

	must(t, os.Truncate(filepath.Join(dir, "a"), 1<<40))
	usage, err := d.Measure(context.Background())
	if err != nil || usage.Bytes != 1<<40 {
		t.Errorf("a sparse file: %+v, %v", usage, err)
	}
}

// TestBounds: what would take too long for one step is broken off, and counts as far as it was done.
func TestBounds(t *testing.T) {
	t.Parallel()
	_, d, _ := open(t)
	for _, name := range []string{"a/1", "a/2", "a/3", "b"} {
		put(t, d, name, "12345")
	}
	if usage, err := d.measure(context.Background(), 5); err != nil || usage.Files != 5 {
		t.Errorf("five of five: %+v, %v", usage, err)
	}
	if usage, err := d.measure(context.Background(), 4); !errors.Is(err, ErrUncounted) || usage.Files != 4 {
		t.Errorf("four of five: %+v, %v", usage, err)
	}
	if err := d.checkMoved("a", "longer", 3); err != nil {
		t.Errorf("three are moved: %v", err)
	}
	if err := d.checkMoved("a", "longer", 2); !errors.As(err, new(*PathError)) {
		t.Errorf("three of at most two are moved: %v", err)
	}
	change, err := d.delete("a", true, Condition{}, time.Now().Add(-time.Second))
	if err != nil || change.Files != 0 || change.Bytes != 0 {
		t.Errorf("deleted without time: %+v, %v", change, err)
	}
	if _, err := d.Stat("a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is deleted: %v", err)
	}
	left, err := d.Staged()
	if err != nil || len(left) != 1 {
		t.Fatalf("left: %v, %v", left, err)
	}
	must(t, d.RemoveStaged(left[0]))
	if usage, err := d.Measure(context.Background()); err != nil || usage.Files != 1 {
		t.Errorf("in the end: %+v, %v", usage, err)
	}
}
