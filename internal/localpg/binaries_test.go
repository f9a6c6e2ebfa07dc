package localpg

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongBinDir(t *testing.T) {
	t.Parallel()
	o := testOptions(t, dataDir(t))
	o.BinDir = t.TempDir()
	_, err := Start(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), o.BinDir) || !strings.Contains(err.Error(), "no initdb") {
		t.Errorf("empty directory: %v", err)
	}
	for program, text := range map[string]string{"initdb": "#!/bin/sh\necho 'initdb (PostgreSQL) 12.3'\n", "postgres": "#!/bin/sh\necho 'postgres (PostgreSQL) 12.3'\n"} {
		if err := os.WriteFile(filepath.Join(o.BinDir, program), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := probe(t.Context(), o.BinDir, account{}, 0); err == nil || !strings.Contains(err.Error(), "12.3 is not one of 15 to 18") {
		t.Errorf("old version: %v", err)
	}
}

// One program linked into a directory of $PATH stands for the directory it is really in.
func TestPathDirsFollowsLinks(t *testing.T) {
	t.Parallel()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	real, linked, empty := filepath.Join(root, "real"), filepath.Join(root, "linked"), filepath.Join(root, "empty")
	for _, dir := range []string{real, linked, empty} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, program := range []string{"initdb", "postgres", "pg_ctl"} {
		if err := os.WriteFile(filepath.Join(real, program), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(real, "pg_ctl"), filepath.Join(linked, "pg_ctl")); err != nil {
		t.Fatal(err)
	}
	got := pathDirs(strings.Join([]string{empty, "relative", linked}, string(filepath.ListSeparator)))
	if len(got) != 1 || got[0] != real {
		t.Errorf("found %v, wanted %s", got, real)
	}
}

func TestGlobPlaceNewestFirst(t *testing.T) {
	root := t.TempDir()
	for _, path := range []string{"v9/bin/initdb", "v9/bin/postgres", "v17/bin/initdb", "v17/bin/postgres", "v18/bin/pg_dump"} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root) // so that the only numbers in the paths are versions
	got := globPlace("v*/bin").dirs
	if len(got) != 2 || got[0] != filepath.Join("v17", "bin") {
		t.Errorf("order: %v", got)
	}
}
