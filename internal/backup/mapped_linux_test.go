package backup

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// mapped maps a file as a program does, and writes to it.
func mapped(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	memory, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Munmap(memory) })
	return memory
}

// What a program writes to a file that it has mapped is in the next backup, and seen when a restore or a drill compares it.
func TestMapped(t *testing.T) {
	t.Parallel()
	f := setup(t, false)
	f.Settle = 50 * time.Millisecond
	f.put("file", []byte("w0"))
	path := filepath.Join(f.files, "file")
	memory := mapped(t, path)
	settled := func() {
		t.Helper()
		for {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if stamp, _ := identify(info); time.Since(time.Unix(0, stamp.Changed)) > 2*f.Settle {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	copy(memory, "w1")
	settled()
	result, id := f.write(WriteOptions{})
	first := f.manifest(id, result.ManifestSHA256)
	if again, _ := f.write(WriteOptions{Previous: first}); again.Totals.StoredFiles != 0 {
		t.Fatal("the file was not believed to be unchanged")
	}
	copy(memory, "w2")
	result, id = f.write(WriteOptions{Previous: first})
	second := f.manifest(id, result.ManifestSHA256)
	if got := content(t, f.restore(second)); got["file"] != content(t, f.files)["file"] {
		t.Errorf("the second backup has %q", got["file"])
	}

	// It is as in the backup, and then not, each time by what a plan has read.
	settled()
	result, id = f.write(WriteOptions{Full: true})
	third := f.manifest(id, result.ManifestSHA256)
	f.put("other", nil)
	if err := os.Chtimes(path, time.Now(), time.Now()); err != nil { // it must be read
		t.Fatal(err)
	}
	copy(memory, "w3")
	copy(memory, "w2")
	settled()
	for _, want := range []Counts{{Unchanged: 1}, {Replace: 1, Bytes: 2}} {
		plan, err := third.Plan(t.Context(), map[string]Target{"shared": f.tree}, Selection{}, RestoreOptions{})
		if err != nil {
			t.Fatal(err)
		}
		plan.Close()
		if plan.Counts != want {
			t.Errorf("the plan is %+v, want %+v", plan.Counts, want)
		}
		copy(memory, "w4")
	}
}
