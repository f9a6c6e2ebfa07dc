package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// Every benchmark runs on little data for a moment: what it measures then means nothing, but it measures,
// and both sides read the same.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	// The server may run as another user, who must be able to get there.
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "b1.json")
	for range 2 { // once making the data, once with what is there
		err := run(t.Context(), []string{
			"b1", "--data-dir", dir, "--customers", "20", "--posts", "600", "--platforms", "2", "--shared-buffers", "32MB",
			"--turns", "2", "--duration", "50ms", "--warm-up", "10ms", "--json", file,
		})
		if err != nil && !errors.Is(err, errBelowBar) {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got result
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	if got.Benchmark != "B1" || len(got.Ratios) != 2 || got.Ratio <= 0 || got.Measured.Median <= 0 || got.Machine.Postgres == "" {
		t.Errorf("the result is %s", content)
	}
	if got.Met != (got.Ratio >= b1Bar) {
		t.Errorf("the bar is said to be met: %v, with a ratio of %v", got.Met, got.Ratio)
	}
}

// So do the nights of backups, and what is wrong with them is said.
func TestRunBackups(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(t.TempDir(), "backups.json")
	if err := run(t.Context(), []string{
		"backups", "--dir", filepath.Join(dir, "bench"), "--customers", "3", "--files", "6", "--bytes", "3000000", "--changed", "0.2", "--idle", "100ms", "--json", file,
	}); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ Nights []night }
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Nights) != 2 {
		t.Fatalf("the result is %s", content)
	}
	first, second := got.Nights[0], got.Nights[1]
	if first.Backups != 3 || first.Files != 18 || first.Bytes != 3_000_000 || first.Transactions == 0 || first.Seconds <= 0 || second.Bytes != first.Bytes ||
		second.StoredBytes >= first.StoredBytes || second.BucketBytes <= first.BucketBytes {
		t.Errorf("the result is %s", content)
	}
}

func TestRunRefuses(t *testing.T) {
	for _, args := range [][]string{
		{"b1", "--turns", "0"},
		{"b1", "--customers", "0", "--data-dir", t.TempDir()},
		{"b1", "--platforms", "6", "--data-dir", t.TempDir()},
		{"backups", "--files", "5", "--dir", filepath.Join(t.TempDir(), "bench")},
	} {
		if err := run(t.Context(), args); err == nil {
			t.Errorf("%v was run", args)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 4}, 4},
		{[]float64{4, 1, 3, 2}, 2.5},
	} {
		before := slices.Clone(c.values)
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.values, got, c.want)
		}
		if !slices.Equal(before, c.values) {
			t.Errorf("%v was reordered to %v", before, c.values)
		}
	}
}
