package workspace

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
)

func TestWriteAndRead(t *testing.T) {
	t.Parallel()
	_, d, _ := open(t)
	change := put(t, d, "plans/2026/spring.md", "Flowers")
	if !change.Created || change.Bytes != 7 || change.Files != 3 || change.Entry.Path != "plans/2026/spring.md" {
		t.Errorf("created: %+v", change)
	}
	first := change.Entry.ETag
	if content, err := read(d, "plans/2026/spring.md"); err != nil || content != "Flowers" {
		t.Errorf("read: %q, %v", content, err)
	}
	change = put(t, d, "plans/2026/spring.md", "Sun")
	if change.Created || change.Bytes != -4 || change.Files != 0 || change.Entry.ETag == first {
		t.Errorf("replaced: %+v", change)
	}
	entry, err := d.Stat("plans/2026/spring.md")
	if err != nil || entry != change.Entry || entry.Kind != KindFile || entry.Bytes != 3 || time.Since(entry.ModifiedAt) > time.Minute {
		t.Errorf("stat: %+v, %v", entry, err)
	}
	if staged, err := d.Staged(); err != nil || len(staged) != 0 {
		t.Errorf("staged: %v, %v", staged, err)
	}
	file, err := d.Open("plans/2026/spring.md")
	must(t, err)
	defer file.Close()
	if file.Entry() != entry {
		t.Errorf("opened: %+v", file.Entry())
	}
	part := make([]byte, 2)
	if n, err := file.ReadAt(part, 1); n != 2 || err != nil || string(part) != "un" {
		t.Errorf("ReadAt: %d, %v, %q", n, err, part)
	}
	if at, err := file.Seek(-1, io.SeekEnd); at != 2 || err != nil {
		t.Errorf("Seek: %d, %v", at, err)
	}
	if rest, err := io.ReadAll(file); string(rest) != "n" || err != nil {
		t.Errorf("rest: %q, %v", rest, err)
	}
}

func TestMeasureAndWalk(t *testing.T) {
	t.Parallel()
	_, d, dir := open(t)
	put(t, d, "a/b", "12")
	put(t, d, "a-b", "345")
	_, err := d.MakeDirectory("z/y")
	must(t, err)
	must(t, os.Symlink("a-b", filepath.Join(dir, "link")))
	staged, err := d.Stage(uuid.New())
	must(t, err)
	defer staged.Discard()
	_, err = io.WriteString(staged, "not yet")
	must(t, err)
	usage, err := d.Measure(context.Background())
	info, failed := os.Lstat(filepath.Join(dir, "link"))
	must(t, failed)
	if _, _, touched := identify(info); usage.LastTouch.Before(touched) {
		t.Errorf("last touch: %s, before %s", usage.LastTouch, touched)
	}
	usage.LastChange, usage.LastTouch = time.Time{}, time.Time{}
	if err != nil || usage != (Usage{Bytes: 5, Files: 6, Directories: 3, Other: 1}) {
		t.Errorf("usage: %+v, %v", usage, err)
	}
	var paths []string
	must(t, d.Walk(context.Background(), func(e Entry, _ Stamp) error {
		paths = append(paths, e.Path+" "+string(e.Kind))
		return nil
	}))
	want := []string{"a directory", "a/b file", "a-b file", "link other", "z directory", "z/y directory"}
	if !slices.Equal(paths, want) {
		t.Errorf("walk: %q", paths)
	}
	change, err := d.Delete("a", true, Condition{})
	if err != nil || change.Bytes != -2 || change.Files != -2 {
		t.Errorf("delete: %+v, %v", change, err)
	}
}
