//go:build unix

package localpg

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// As root the server runs as somebody else, who cannot enter t.TempDir, so that its cluster has to go
// elsewhere. As anybody else it is in the data directory.
func TestAccountAndPlaceOfTheCluster(t *testing.T) {
	t.Parallel()
	private := filepath.Join(t.TempDir(), "private")
	if err := os.Mkdir(private, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(private, "data")
	t.Cleanup(func() {
		if err := Remove(dir); err != nil {
			t.Error(err)
		}
	})
	s := start(t, testOptions(t, dir))
	cluster, err := recordedCluster(dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(cluster)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if got := query(t, s.URL("postgres"), "SHOW data_directory"); got != cluster {
		t.Errorf("the cluster is in %s, recorded is %s", got, cluster)
	}
	if os.Getuid() != 0 {
		if int(owner) != os.Getuid() || filepath.Dir(cluster) != dir {
			t.Errorf("%s belongs to user id %d", cluster, owner)
		}
		return
	}
	if owner == 0 || strings.HasPrefix(cluster, dir) {
		t.Errorf("%s belongs to user id %d", cluster, owner)
	}
	query(t, s.URL("postgres"), "CREATE TABLE kept AS SELECT 'yes' AS answer")
	stop(t, s)
	again := start(t, testOptions(t, dir))
	if got := query(t, again.URL("postgres"), "SELECT answer FROM kept"); got != "yes" {
		t.Errorf("the table holds %q", got)
	}
	stop(t, again)
	if err := Remove(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(cluster); err == nil {
		t.Errorf("%s is still there", cluster)
	}
}
