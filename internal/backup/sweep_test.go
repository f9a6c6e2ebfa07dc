package backup

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// sweep sweeps, keeping some backups.
func (f *fixture) sweep(k Keeping) int {
	f.t.Helper()
	n, err := f.Sweep(f.t.Context(), func(context.Context) (Keeping, error) { return k, nil })
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}

// TestSweep: a year of backups of a tree that changes. After each the oldest go; those that are kept can be restored as they were.
func TestSweep(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.fill()
	type kept struct {
		id     uuid.UUID
		result *Result
		tree   map[string]string
	}
	var backups []kept
	var previous *Manifest
	days := 12
	if whole() {
		days = 60
	}
	for day := range days {
		for i := range 5 {
			f.put(fmt.Sprintf("dir/%d/changing %d.txt", i, (day+i)%9), []byte(fmt.Sprint("day ", day, strings.Repeat(" and so on", 20*i))))
		}
		if day%5 == 3 {
			if err := os.RemoveAll(filepath.Join(f.files, "dir/2")); err != nil {
				t.Fatal(err)
			}
		}
		result, id := f.write(WriteOptions{Previous: previous})
		backups = append(backups, kept{id, result, content(t, f.files)})
		// A dead one, and one that is being written.
		dead, writing := uuid.New(), uuid.New()
		for _, id := range []uuid.UUID{dead, writing} {
			f.seals(f.Prefix+segmentKey(id, 0), strings.NewReader("half"))
			f.seals(f.Prefix+segmentKey(id, 1)+".18c.tmp", strings.NewReader("half"))
		}
		if len(backups) > 3 {
			backups = backups[1:]
		}
		keeping := Keeping{Writing: []uuid.UUID{writing}}
		for _, b := range backups {
			keeping.Kept = append(keeping.Kept, Kept{b.id, b.result.Uses})
		}
		f.sweep(keeping)
		want := map[string]bool{segmentKey(writing, 0): true, segmentKey(writing, 1) + ".18c.tmp": true}
		for _, b := range backups {
			m := f.manifest(b.id, b.result.ManifestSHA256)
			sound(t, m)
			if got := content(t, f.restore(m)); !maps.Equal(got, b.tree) {
				t.Fatalf("on day %d the backup of %s is not what it was", day, m.CreatedAt)
			}
			want[b.id.String()+"/manifest"] = true
			for _, s := range m.segments {
				want[s.Segment] = true
			}
			if b.id == id {
				previous = m
			}
		}
		for name := range objects(t, f.objects) {
			if key := strings.TrimPrefix(name, f.Prefix); !want[key] {
				t.Errorf("on day %d nobody needs %s", day, key)
			}
		}
		if n := f.sweep(Keeping{Kept: keeping.Kept}); n != 2 {
			t.Errorf("once it is not written any more, %d objects of it go", n)
		}
		if entries, err := os.ReadDir(filepath.Join(f.objects, f.Prefix)); err != nil || len(entries) > 3+len(backups[len(backups)-1].result.Uses)*3 {
			t.Errorf("%d directories are left, %v", len(entries), err)
		}
	}
}

// TestSweepWithoutKnowing: what may be needed stays.
func TestSweepWithoutKnowing(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.fill()
	result, id := f.write(WriteOptions{})
	_, other := f.write(WriteOptions{})
	f.seals(f.Prefix+id.String()[:1], strings.NewReader("whose name is the beginning of a backup's"))
	f.seals(f.Prefix+id.String()+"/000", strings.NewReader("whose name is the beginning of a segment's"))
	before := objects(t, f.objects)
	broken := errors.New("the database is away")
	for what, keeping := range map[string]func(context.Context) (Keeping, error){
		"nothing kept": func(context.Context) (Keeping, error) { return Keeping{}, nil },
		"unknown": func(context.Context) (Keeping, error) {
			return Keeping{Kept: []Kept{{id, result.Uses}, {other, nil}}}, nil
		},
		"an error": func(context.Context) (Keeping, error) { return Keeping{}, broken },
	} {
		if n, err := f.Sweep(t.Context(), keeping); n != 0 || !errors.Is(err, ErrNotSwept) && !errors.Is(err, broken) {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
	if after := objects(t, f.objects); len(after) != len(before) {
		t.Errorf("of %d objects %d are left", len(before), len(after))
	}
	f.sweep(Keeping{Kept: []Kept{{id, result.Uses}}})
	m := f.manifest(id, result.ManifestSHA256)
	sound(t, m)
	for name := range objects(t, f.objects) {
		if strings.Contains(name, other.String()) {
			t.Errorf("%s is left", name)
		}
	}
}

// TestLittleUsed: an earlier segment of which less than half is used is not needed any more; one of which half is used is.
func TestLittleUsed(t *testing.T) {
	t.Parallel()
	for _, left := range []int{1, 2} {
		f := setup(t, false)
		for i := range 4 {
			f.put(fmt.Sprint(i), make([]byte, 1<<10)) // one segment
		}
		f.put("large", make([]byte, 50<<10)) // its segments are used in full
		first, firstID := f.write(WriteOptions{})
		previous := f.manifest(firstID, first.ManifestSHA256)
		for i := left; i < 4; i++ {
			if err := os.Remove(filepath.Join(f.files, fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		second, secondID := f.write(WriteOptions{Previous: previous})
		if want := map[int]int64{1: 1, 2: 0}[left]; second.Totals.StoredFiles != want {
			t.Errorf("of %d of 4 KiB, %d were stored anew", left, second.Totals.StoredFiles)
		}
		m := f.manifest(secondID, second.ManifestSHA256)
		f.sweep(Keeping{Kept: []Kept{{secondID, second.Uses}}})
		sound(t, m)
		same(t, f.files, f.restore(m))
	}
}

// TestLostSegment: what is no longer in the bucket is stored anew.
func TestLostSegment(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.fill()
	first, id := f.write(WriteOptions{})
	m := f.manifest(id, first.ManifestSHA256)
	f.object(f.Prefix+m.segments[2].Segment, nil)
	second, secondID := f.write(WriteOptions{Previous: m})
	if n := second.Totals.StoredFiles; n == 0 || n == second.Totals.Files {
		t.Errorf("%d files were stored anew", n)
	}
	again := f.manifest(secondID, second.ManifestSHA256)
	sound(t, again)
	same(t, f.files, f.restore(again))
	if _, err := f.Write(t.Context(), f.options(WriteOptions{ID: id})); err == nil {
		t.Error("a backup was written over another")
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	day := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	month := []time.Time{} // one a day, newest last
	for n := 400; n >= 0; n-- {
		month = append(month, day(n))
	}
	kept := func(times []time.Time, p Policy) (days []int) {
		for i, keep := range Keep(now, times, p) {
			if keep {
				days = append(days, int(now.Sub(times[i])/(24*time.Hour)))
			}
		}
		slices.Sort(days)
		return days
	}
	for name, test := range map[string]struct {
		times []time.Time
		p     Policy
		want  []int
	}{
		"none":      {nil, Policy{Daily: 3}, nil},
		"no policy": {month, Policy{}, []int{0}},
		"daily":     {month, Policy{Daily: 3}, []int{0, 1, 2}},
		"weekly":    {month, Policy{Weekly: 3}, []int{0, 7, 14}}, // now is a Sunday
		"monthly":   {month, Policy{Monthly: 3}, []int{0, 1, 29}},
		"all":       {month, Policy{Daily: 2, Weekly: 2, Monthly: 2}, []int{0, 1, 7}},
		"age": {month, Policy{Daily: 100, Weekly: 100, Monthly: 100, MaxAge: 30 * 24 * time.Hour}, func() (n []int) {
			for i := range 31 {
				n = append(n, i)
			}
			return n
		}()},
		"only old":    {[]time.Time{day(90), day(80)}, Policy{Daily: 7, MaxAge: 30 * 24 * time.Hour}, []int{80}},
		"with gaps":   {[]time.Time{day(90), day(50), day(50).Add(-time.Hour), day(2)}, Policy{Daily: 3}, []int{2, 50, 90}},
		"same moment": {[]time.Time{day(1), day(1), day(3)}, Policy{Daily: 2}, []int{1, 3}},
		"the future":  {[]time.Time{day(-5), day(1), day(2)}, Policy{Daily: 1}, []int{-5, 1}},
	} {
		if got := kept(test.times, test.p); !slices.Equal(got, test.want) {
			t.Errorf("%s: kept are those %v days old, want %v", name, got, test.want)
		}
	}
	// A year, night by night: never more than the policy allows, never older, and the oldest is as old as it can be.
	p := Policy{Daily: 7, Weekly: 4, Monthly: 3, MaxAge: 90 * 24 * time.Hour}
	var times []time.Time
	for night := range 365 {
		today := now.AddDate(0, 0, night)
		times = append(times, today)
		keep := Keep(today, times, p)
		next := times[:0]
		for i, t := range times {
			if keep[i] {
				next = append(next, t)
			}
		}
		times = next
		if len(times) > 14 || !slices.Contains(times, today) {
			t.Fatalf("on night %d there are %d", night, len(times))
		}
		if oldest := today.Sub(times[0]); oldest > p.MaxAge || night > 100 && oldest < 30*24*time.Hour {
			t.Fatalf("on night %d the oldest is %v old", night, oldest)
		}
	}
}
