package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestListByPages(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, d, _ := open(t)
	var want []string
	for i := range 23 {
		name := fmt.Sprintf("dir/%02d", i)
		put(t, d, name, "x")
		want = append(want, name)
	}
	put(t, d, "dir.md", "x") // beside it
	for limit := 1; limit < 30; limit++ {
		var got []string
		after := ""
		for more := true; more; {
			var entries []Entry
			var err error
			entries, more, err = d.List(ctx, "dir", after, limit)
			must(t, err)
			if len(entries) > limit {
				t.Fatalf("%d entries", len(entries))
			}
			got = append(got, pathsOf(entries)...)
			after = entries[len(entries)-1].Name()
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %q", limit, got)
		}
	}
	entries, more, err := d.List(ctx, "", "", 10)
	if err != nil || more || !slices.Equal(pathsOf(entries), []string{"dir", "dir.md"}) {
		t.Errorf("the top: %q, %v, %v", pathsOf(entries), more, err)
	}
	entries, more, err = d.List(ctx, "dir", "zz", 0)
	if err != nil || more || len(entries) != 0 {
		t.Errorf("after all: %q, %v, %v", pathsOf(entries), more, err)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, d, _ := open(t)
	for _, path := range []string{"Plan.md", "a/plan.md", "a/b/PLAN [1].txt", "a/b/c/übung.md", "a-b/x", "z/plan", "z/plan/plan2"} {
		if path == "z/plan" {
			continue
		}
		put(t, d, path, "x")
	}
	for _, c := range []struct {
		under, pattern string
		want           []string
	}{
		{"", "plan", []string{"Plan.md", "a/b/PLAN [1].txt", "a/plan.md", "z/plan", "z/plan/plan2"}},
		{"", "*.md", []string{"Plan.md", "a/b/c/übung.md", "a/plan.md"}},
		{"", "PLAN*", []string{"Plan.md", "a/b/PLAN [1].txt", "a/plan.md", "z/plan", "z/plan/plan2"}},
		{"", "plan?", []string{"z/plan/plan2"}},
		{"", "*[1]*", []string{"a/b/PLAN [1].txt"}},
		{"", "[1]", []string{"a/b/PLAN [1].txt"}},
		{"", "ÜBUNG", []string{"a/b/c/übung.md"}},
		{"", `\*`, nil},
		{"", "a/plan", nil},
		{"a", "plan", []string{"a/b/PLAN [1].txt", "a/plan.md"}},
		{"a/b", "", []string{"a/b/PLAN [1].txt", "a/b/c", "a/b/c/übung.md"}},
		{"", strings.Repeat("*a", 100), nil},
	} {
		entries, more, err := d.Search(ctx, c.under, c.pattern, "", 100)
		if err != nil || more || !slices.Equal(pathsOf(entries), c.want) {
			t.Errorf("%q below %q: %q, %v, %v", c.pattern, c.under, pathsOf(entries), more, err)
		}
		for limit := range 4 { // by pages
			var got []string
			after := ""
			for more := true; more; {
				entries, more, err = d.Search(ctx, c.under, c.pattern, after, limit+1)
				must(t, err)
				if got = append(got, pathsOf(entries)...); more {
					after = got[len(got)-1]
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q below %q by %d: %q", c.pattern, c.under, limit+1, got)
			}
		}
	}
	for after, want := range map[string][]string{
		"a": {"a/b/PLAN [1].txt", "a/plan.md"}, "a/b/PLAN [1].txt": {"a/plan.md"}, "a/c": {"a/plan.md"}, "Z": {"a/b/PLAN [1].txt", "a/plan.md"},
		"a/plan.md/below": nil, "b": nil, "a-": nil, "/": {"a/b/PLAN [1].txt", "a/plan.md"}, "../..": {"a/b/PLAN [1].txt", "a/plan.md"},
	} {
		entries, _, err := d.Search(ctx, "a", "plan", after, 100)
		if err != nil || !slices.Equal(pathsOf(entries), want) {
			t.Errorf("after %q: %q, %v", after, pathsOf(entries), err)
		}
	}
	_, _, err := d.Search(ctx, "", strings.Repeat("x", 256), "", 10)
	expectPath(t, "a long pattern", err)
	_, _, err = d.Search(ctx, "", "\xff", "", 10)
	expectPath(t, "a pattern that is not UTF-8", err)
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	_, _, err = d.Search(cancelled, "", "plan", "", 10)
	expect(t, "cancelled", err, context.Canceled)
	_, err = d.Measure(cancelled)
	expect(t, "cancelled", err, context.Canceled)
	_, _, err = d.List(cancelled, "a", "", 10)
	expect(t, "cancelled", err, context.Canceled)
}

// TestManyFiles: a directory of 100,000 files that a program has made is listed, searched and counted in a moment.
func TestManyFiles(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	_, d, dir := open(t)
	const many = 100_000
	must(t, os.Mkdir(filepath.Join(dir, "many"), 0o755))
	for i := range many {
		must(t, os.WriteFile(filepath.Join(dir, "many", fmt.Sprintf("file-%06d", i)), nil, 0o644))
	}
	timed := func(what string, fn func()) {
		began := time.Now()
		fn()
		took := time.Since(began)
		t.Logf("%s: %s", what, took.Round(time.Millisecond))
		if took > 20*time.Second {
			t.Errorf("%s took %s", what, took)
		}
	}
	timed("list a page", func() {
		entries, more, err := d.List(ctx, "many", "file-050000", 100)
		if err != nil || !more || len(entries) != 100 || entries[0].Path != "many/file-050001" || entries[99].Path != "many/file-050100" {
			t.Errorf("%d, %v, %v", len(entries), more, err)
		}
	})
	timed("list the last page", func() {
		entries, more, err := d.List(ctx, "many", "file-099989", 10)
		if err != nil || more || len(entries) != 10 {
			t.Errorf("%d, %v, %v", len(entries), more, err)
		}
	})
	timed("search", func() {
		entries, more, err := d.Search(ctx, "", "*99999", "", 10)
		if err != nil || more || len(entries) != 1 {
			t.Errorf("%d, %v, %v", len(entries), more, err)
		}
	})
	timed("measure", func() {
		usage, err := d.Measure(ctx)
		if err != nil || usage.Files != many+1 {
			t.Errorf("%+v, %v", usage, err)
		}
	})
	timed("walk", func() {
		n, last := 0, ""
		err := d.Walk(ctx, func(e Entry, _ Stamp) error {
			if ComparePaths(last, e.Path) >= 0 {
				return fmt.Errorf("%q comes after %q", e.Path, last)
			}
			n, last = n+1, e.Path
			return nil
		})
		if err != nil || n != many+1 {
			t.Errorf("%d, %v", n, err)
		}
	})
	timed("delete", func() {
		change, err := d.Delete("many", true, Condition{})
		if err != nil || change.Files != -many-1 {
			t.Errorf("%+v, %v", change, err)
		}
	})
}

func TestWalkEnds(t *testing.T) {
	t.Parallel()
	_, d, _ := open(t)
	put(t, d, "a", "x")
	stop := errors.New("stop")
	expect(t, "Walk", d.Walk(context.Background(), func(Entry, Stamp) error { return stop }), stop)
}
