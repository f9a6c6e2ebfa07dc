package localpg

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

const locationFile = "cluster-location"

// recordedCluster returns the path of the cluster that belongs to a data directory: its
// subdirectory pg, unless it was put elsewhere.
func recordedCluster(dataDir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(dataDir, locationFile))
	if errors.Is(err, fs.ErrNotExist) {
		return filepath.Join(dataDir, "pg"), nil
	}
	if err != nil {
		return "", fmt.Errorf("read where the cluster is: %w", err)
	}
	path := strings.TrimSpace(string(text))
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("%s does not hold a path", filepath.Join(dataDir, locationFile))
	}
	return path, nil
}

// chooseCluster decides where a new cluster goes. That is in the data directory, unless the server
// has to run as an account that cannot get there (below /root, say): then it is a directory of the
// system, recorded in the data directory. A data directory that is itself as temporary as the system
// allows keeps its cluster there too.
func chooseCluster(ctx context.Context, o Options, b binaries, as account, cluster string) (string, error) {
	if !as.switched || filepath.Dir(cluster) != o.DataDir {
		return cluster, nil
	}
	// What is secret in the data directory has a mode of its own; passing through shows nothing.
	if info, err := os.Stat(o.DataDir); err == nil && info.Mode().Perm()&0o001 == 0 {
		if err := os.Chmod(o.DataDir, info.Mode().Perm()|0o011); err != nil {
			return "", fmt.Errorf("let user %s pass through the data directory: %w", as.name, err)
		}
	}
	if canEnter(b, as, o.DataDir) {
		return cluster, nil
	}
	elsewhere, err := systemCluster(o.DataDir, as)
	if err != nil {
		return "", fmt.Errorf("user %s, which PostgreSQL has to run as, cannot enter %s: %w", as.name, o.DataDir, err)
	}
	if !canEnter(b, as, filepath.Dir(elsewhere)) {
		return "", fmt.Errorf("user %s, which PostgreSQL has to run as, can enter neither %s nor %s: use another data directory",
			as.name, o.DataDir, filepath.Dir(elsewhere))
	}
	// A cluster there belongs to a data directory of this path whose record is gone: somebody removed
	// the directory and expects an empty database.
	if err := stopOrphan(ctx, o, b, elsewhere); err != nil {
		return "", err
	}
	if err := setAside(o, elsewhere); err != nil {
		return "", err
	}
	if err := writeFile(filepath.Join(o.DataDir, locationFile), elsewhere+"\n"); err != nil {
		return "", fmt.Errorf("record where the cluster is: %w", err)
	}
	o.Log.Warn("the database is not kept in the data directory, which the user that PostgreSQL runs as cannot enter",
		"user", as.name, "data", o.DataDir, "cluster", elsewhere)
	return elsewhere, nil
}

// systemCluster returns a place outside the data directory which always is the same for it.
func systemCluster(dataDir string, as account) (string, error) {
	hash := sha256.Sum256([]byte(dataDir))
	name := "fanfare-" + hex.EncodeToString(hash[:8])
	temporary, err := filepath.EvalSymlinks(os.TempDir())
	if err != nil {
		return "", err
	}
	parent := "/var/lib/fanfare"
	if rel, err := filepath.Rel(temporary, dataDir); err == nil && filepath.IsLocal(rel) {
		parent = temporary
	} else if err := os.MkdirAll(parent, 0o755); err != nil {
		parent = temporary
	}
	cluster := filepath.Join(parent, name)
	// Everybody may write to the temporary directory, so what is there already may be a trap.
	if _, err := os.Lstat(cluster); err == nil && !as.owns(cluster) {
		return "", fmt.Errorf("%s exists and is not a directory of user %s", cluster, as.name)
	}
	return cluster, nil
}

// canEnter tries whether the account can use a directory below the given one. The new working
// directory is entered by the child, as the account; the binaries themselves are known to work.
func canEnter(b binaries, as account, dir string) bool {
	cmd := b.command(context.Background(), "postgres", "--version")
	cmd.Dir = dir
	return run(cmd, as) == nil
}

// clusterMajor returns the major version that made the cluster, or 0 if there is no cluster.
func clusterMajor(cluster string) (int, error) {
	text, err := os.ReadFile(filepath.Join(cluster, "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the version of the cluster: %w", err)
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read the version of the cluster %s: %w", cluster, err)
	}
	return major, nil
}

// initDirs and setAsideDirs match the directories that a cluster leaves beside itself.
func initDirs(cluster string) string     { return cluster + ".init-*" }
func setAsideDirs(cluster string) string { return cluster + ".old-*" }

// removeHalfMade clears the way after an interrupted start. A cluster is made beside its place and
// then renamed, so what is in place should be whole; if it is not, it was not this package that made
// it, and it is kept under another name.
func removeHalfMade(o Options, cluster string) error {
	leftovers, _ := filepath.Glob(initDirs(cluster)) // fails for a malformed pattern only
	for _, dir := range leftovers {
		o.Log.Info("removing a half-made cluster", "path", dir)
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("remove a half-made cluster: %w", err)
		}
	}
	if isFile(filepath.Join(cluster, "PG_VERSION")) && isFile(filepath.Join(cluster, "global", "pg_control")) {
		return nil
	}
	return setAside(o, cluster)
}

// setAside keeps what is in the cluster's place under another name.
func setAside(o Options, cluster string) error {
	if _, err := os.Lstat(cluster); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	aside := fmt.Sprintf("%s.old-%s", cluster, time.Now().UTC().Format("20060102T150405.000"))
	o.Log.Warn("what is in the cluster's place cannot be used; it is set aside and a new cluster is made",
		"path", cluster, "kept as", aside)
	if err := os.Rename(cluster, aside); err != nil {
		return fmt.Errorf("set the old cluster aside: %w", err)
	}
	return nil
}

// ensureCluster makes the cluster if there is none and returns the superuser's password.
func ensureCluster(ctx context.Context, o Options, b binaries, as account, cluster string) (string, error) {
	password, known, err := loadPassword(o.DataDir)
	if err != nil {
		return "", err
	}
	major, err := clusterMajor(cluster)
	if err != nil {
		return "", err
	}
	if major != 0 && !known {
		o.Log.Warn("the superuser's password was lost; setting a new one", "data", o.DataDir)
		if err := resetPassword(ctx, b, as, cluster, password); err != nil {
			return "", err
		}
	}
	if !known {
		if err := savePassword(o.DataDir, password); err != nil {
			return "", err
		}
	}
	if major == 0 {
		if err := initCluster(ctx, o, b, as, cluster, password); err != nil {
			return "", fmt.Errorf("make the cluster: %w", err)
		}
	}
	return password, nil
}

// initCluster runs initdb beside the cluster's place and renames the result, so that a cluster in
// place is always a whole one.
func initCluster(ctx context.Context, o Options, b binaries, as account, cluster, password string) error {
	began := time.Now()
	work, err := os.MkdirTemp(filepath.Dir(cluster), filepath.Base(cluster)+".init-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	pwfile := filepath.Join(work, "password")
	if err := os.WriteFile(pwfile, []byte(password+"\n"), 0o600); err != nil {
		return err
	}
	for _, path := range []string{pwfile, work} {
		if err := as.own(path); err != nil {
			return err
		}
	}
	data := filepath.Join(work, "data")
	args := []string{
		"--pgdata=" + data, "--username=" + Superuser, "--pwfile=" + pwfile,
		"--auth=scram-sha-256", "--encoding=UTF8",
	}
	if o.NoSync {
		args = append(args, "--no-sync")
	}
	var said string
	for _, locale := range locales(b.major) {
		var out strings.Builder
		cmd := b.command(ctx, "initdb", append(args[:len(args):len(args)], locale...)...)
		cmd.Stdout, cmd.Stderr = &out, &out
		if err = run(cmd, as); err == nil {
			break
		}
		said = out.String()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !strings.Contains(said, "locale") {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, lastLines(said, 15))
	}
	if err := os.Rename(data, cluster); err != nil {
		return err
	}
	o.Log.Info("made a new cluster", "path", cluster, "version", b.version, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// locales lists initdb's locale arguments, best first. All sort by code point, so that a database
// orders text the same on every machine. PostgreSQL 17 brings C.UTF-8 along; before, the operating
// system may have it; C, which is always there, folds the case of ASCII letters only.
func locales(major int) [][]string {
	if major >= 17 {
		return [][]string{{"--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"}}
	}
	return [][]string{{"--locale=C.UTF-8"}, {"--locale=C"}}
}
