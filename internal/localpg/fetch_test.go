package localpg

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestNothingFound(t *testing.T) {
	repository := httptest.NewServer(http.NotFoundHandler())
	o := testOptions(t, dataDir(t))
	libraryLogsTo(t, t.TempDir())
	o.CacheDir, o.RepositoryURL = t.TempDir(), repository.URL
	// No machine has a cluster of version 16 and lacks every other one, so 16 is asked for where
	// another one is installed.
	want := 16
	if b, err := findBinaries(t.Context(), testOptions(t, t.TempDir()), account{}, 0); err == nil && b.major == want {
		want = 18
	}
	_, err := findBinaries(t.Context(), o, account{}, want)
	if err == nil || !strings.Contains(err.Error(), "/usr/lib/postgresql/") || !strings.Contains(err.Error(), "no version found") ||
		!strings.Contains(err.Error(), "Install PostgreSQL") {
		t.Errorf("not in the repository: %v", err)
	}
	repository.Close()
	_, err = findBinaries(t.Context(), o, account{}, want)
	if err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("repository out of reach: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(o.CacheDir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The repository of this test has the programs of the machine, packed as the real one packs them.
func TestFetch(t *testing.T) {
	as, err := serverAccount(t.TempDir() + "/none")
	if err != nil {
		t.Fatal(err)
	}
	local, err := findBinaries(t.Context(), testOptions(t, t.TempDir()), as, 0)
	if err != nil {
		t.Skip(err)
	}
	if _, err := exec.LookPath("xz"); err != nil {
		t.Skip(err)
	}
	jar := packJar(t, local)
	sum := sha256.Sum256(jar)
	repository := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, ".jar"):
			_, _ = w.Write(jar)
		case strings.HasSuffix(r.URL.Path, ".sha256"):
			_, _ = w.Write([]byte(hex.EncodeToString(sum[:])))
		}
	}))
	defer repository.Close()

	o := testOptions(t, t.TempDir())
	o.CacheDir, o.RepositoryURL = filepath.Join(dataDir(t), "cache"), repository.URL
	if err := os.MkdirAll(o.CacheDir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(o.CacheDir), 0o755); err != nil {
		t.Fatal(err)
	}
	libraryLogsTo(t, t.TempDir())
	got, err := fetchBinaries(t.Context(), o, as, local.major)
	if err != nil {
		t.Fatal(err)
	}
	if got.version != local.version || !strings.HasPrefix(got.dir, o.CacheDir) {
		t.Errorf("got version %s in %s", got.version, got.dir)
	}
	if found := cachePlace(o, as, local.major).dirs; len(found) != 1 || found[0] != got.dir {
		t.Errorf("the next start looks in %v", found)
	}
	if left, _ := filepath.Glob(filepath.Join(o.CacheDir, "download-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	sum[0]++
	if _, err := fetchBinaries(t.Context(), o, as, local.major); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("wrong checksum: %v", err)
	}
}

// libraryLogsTo keeps the machine's temporary directory clean of the log file that the library leaves
// behind at every download. The environment is the only way to tell it, so such tests run alone.
func libraryLogsTo(t *testing.T, dir string) {
	t.Helper()
	t.Setenv("TMPDIR", dir)
}

func packJar(t *testing.T, b binaries) []byte {
	t.Helper()
	var archive bytes.Buffer
	files := tar.NewWriter(&archive)
	for _, program := range []string{"initdb", "postgres", "pg_ctl"} {
		text, err := os.ReadFile(b.path(program))
		if err != nil {
			t.Fatal(err)
		}
		// Only its owner may read it, as in a cache made under a strict umask.
		if err := files.WriteHeader(&tar.Header{Name: "bin/" + program, Mode: 0o700, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write(text); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	compress := exec.Command("xz", "-0", "--stdout")
	compress.Stdin = &archive
	compressed, err := compress.Output()
	if err != nil {
		t.Fatal(err)
	}
	var jar bytes.Buffer
	zipped := zip.NewWriter(&jar)
	w, err := zipped.Create("postgres.txz")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(compressed); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}
