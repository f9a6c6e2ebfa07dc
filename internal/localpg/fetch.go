package localpg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// DefaultRepositoryURL is where the zonky project publishes binaries of PostgreSQL for every
// platform (https://github.com/zonkyio/embedded-postgres-binaries).
const DefaultRepositoryURL = "https://repo1.maven.org/maven2"

const defaultMajor = 17

// published are the versions that are downloaded, by major version.
var published = map[int]embeddedpostgres.PostgresVersion{
	15: embeddedpostgres.V15,
	16: embeddedpostgres.V16,
	17: embeddedpostgres.V17,
	18: embeddedpostgres.V18,
}

func publishedVersion(want int) embeddedpostgres.PostgresVersion {
	if want == 0 {
		want = defaultMajor
	}
	return published[want]
}

// cacheDir returns the directory of downloaded binaries. A user's cache is private to the user, so
// when another account runs the server it is a directory of the system.
func cacheDir(o Options, as account) (string, error) {
	if o.CacheDir != "" {
		return filepath.Abs(o.CacheDir)
	}
	if as.switched {
		return "/var/cache/fanfare", nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache directory: %w", err)
	}
	return filepath.Join(dir, "fanfare"), nil
}

// cachePlace is where the binaries of an earlier download are.
func cachePlace(o Options, as account, want int) place {
	dir, err := cacheDir(o, as)
	if err != nil {
		return place{name: "the cache of downloads"}
	}
	home := filepath.Join(dir, "postgres-"+string(publishedVersion(want)))
	found := place{name: home}
	if isFile(programIn(filepath.Join(home, "bin"), "postgres")) {
		found.dirs = []string{filepath.Join(home, "bin")}
	}
	return found
}

// fetchBinaries downloads binaries into the cache.
func fetchBinaries(ctx context.Context, o Options, as account, want int) (binaries, error) {
	version := publishedVersion(want)
	cache, err := cacheDir(o, as)
	if err != nil {
		return binaries{}, err
	}
	if err := reach(ctx, o.RepositoryURL); err != nil {
		return binaries{}, err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return binaries{}, fmt.Errorf("make the cache of downloads: %w", err)
	}
	o.Log.Info("downloading PostgreSQL, once", "version", version, "from", o.RepositoryURL, "to", cache)
	home := filepath.Join(cache, "postgres-"+string(version))
	// The library cannot be cancelled. It works in a directory of its own, which the goroutine
	// removes, so it may be left to its end.
	result := make(chan error, 1)
	go func() { result <- download(o.RepositoryURL, version, cache, home, as) }()
	select {
	case err = <-result:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return binaries{}, fmt.Errorf("PostgreSQL %s from %s: %w", version, o.RepositoryURL, err)
	}
	b, err := probe(ctx, filepath.Join(home, "bin"), as, want)
	if err != nil {
		return b, fmt.Errorf("the downloaded PostgreSQL in %s: %w", home, err)
	}
	return b, nil
}

// reach finds out in a few seconds, and with the reason, whether the repository can be reached. The
// library would take longer and not say why.
func reach(ctx context.Context, repository string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, repository, nil)
	if err != nil {
		return fmt.Errorf("repository URL: %w", err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("reach the repository: %w", err)
	}
	return response.Body.Close()
}

// download gets binaries and puts them at home, all or nothing.
//
// The library offers no way to only download: it always goes on to start a server, and as root it
// could not. So it is given a directory that has nothing of a cluster but a PG_VERSION. Then it
// downloads, verifies, extracts and runs pg_ctl on that directory, which says that it cannot start
// and exits. That pg_ctl said anything is the proof that everything before it succeeded.
func download(repository string, version embeddedpostgres.PostgresVersion, cache, home string, as account) error {
	work, err := os.MkdirTemp(cache, "download-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	extracted, noCluster := filepath.Join(work, "postgres"), filepath.Join(work, "no-cluster")
	if err := os.Mkdir(noCluster, 0o700); err != nil {
		return err
	}
	major := strconv.Itoa(numberIn(string(version))) + "\n"
	if err := os.WriteFile(filepath.Join(noCluster, "PG_VERSION"), []byte(major), 0o600); err != nil {
		return err
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	var said bytes.Buffer
	library := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(version).
		BinaryRepositoryURL(repository).
		CachePath(filepath.Join(work, "archive")).
		RuntimePath(filepath.Join(work, "runtime")).
		BinariesPath(extracted).
		DataPath(noCluster).
		Port(uint32(port)).
		Logger(&said))
	startErr := library.Start()
	if startErr == nil {
		return errors.Join(errors.New("a server started where there is no cluster"), library.Stop())
	}
	if said.Len() == 0 {
		return startErr
	}
	if as.switched {
		if err := openToAll(extracted); err != nil {
			return fmt.Errorf("make the binaries readable: %w", err)
		}
	}
	// What is at home, if anything, was tried and did not work.
	if err := os.Rename(home, filepath.Join(work, "replaced")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(extracted, home)
}

// openToAll lets every user read what its owner may read, and enter or run what its owner may.
func openToAll(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm()
		return os.Chmod(path, mode|(mode&0o500)>>3|(mode&0o500)>>6) //nolint:gosec // a directory that only we have just filled
	})
}
