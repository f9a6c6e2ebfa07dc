// Command schemadump writes db/schema.sql, the whole schema in one file, for reading: it starts a scratch
// server, runs the migrations and dumps what they have made. With -check it writes nothing and fails when the
// file is not what the migrations make.
//
// pg_dump differs between major versions in what it writes, so the file is made with PostgreSQL 15, the oldest
// that is supported; -check on another major version is an error that says so.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"fanfare/db"
	"fanfare/internal/localpg"
)

// major is the version of pg_dump that the committed file is made with.
const major = 15

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "schemadump:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("schemadump", flag.ContinueOnError)
	check := flags.Bool("check", false, "compare the file with the migrations instead of writing it")
	path := flags.String("file", "db/schema.sql", "the file")
	if err := flags.Parse(args); err != nil {
		return err
	}
	dump, err := Dump(ctx)
	if err != nil {
		return err
	}
	if !*check {
		return os.WriteFile(*path, dump, 0o644) //nolint:gosec // everybody may read the schema
	}
	committed, err := os.ReadFile(*path)
	if err != nil {
		return err
	}
	if line := firstDifference(committed, dump); line > 0 {
		return fmt.Errorf("%s is not what the migrations make, from line %d on; run: go run ./db/schemadump", *path, line)
	}
	_, err = fmt.Fprintln(out, *path, "is what the migrations make")
	return err
}

// firstDifference is the number of the first line in which two texts differ, 0 if they are the same.
func firstDifference(a, b []byte) int {
	if bytes.Equal(a, b) {
		return 0
	}
	linesA, linesB := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range min(len(linesA), len(linesB)) {
		if !bytes.Equal(linesA[i], linesB[i]) {
			return i + 1
		}
	}
	return min(len(linesA), len(linesB)) + 1
}

// Dump migrates a scratch database and gives its schema. The months of the audit log are left out: which there are
// depends on the date.
func Dump(ctx context.Context) (_ []byte, err error) {
	bin, err := findBinaries(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "fanfare-schemadump-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	// The server may run as another user, who must be able to get there.
	if err := os.Chmod(dir, 0o755); err != nil { //nolint:gosec // the cluster inside is closed to others
		return nil, err
	}
	server, err := localpg.Start(ctx, localpg.Options{DataDir: filepath.Join(dir, "postgres"), NoSync: true, BinDir: bin})
	if err != nil {
		return nil, fmt.Errorf("start a scratch server: %w", err)
	}
	defer func() {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, server.Stop(stopCtx))
	}()
	url := server.URL("postgres")
	if err := db.Migrate(ctx, url, db.LoginPasswords{}, io.Discard); err != nil {
		return nil, err
	}
	var stdout, stderr bytes.Buffer
	dump := exec.CommandContext(ctx, program(bin, "pg_dump"), "--schema-only", "--no-owner",
		"--exclude-table=public.schema_migrations", "--exclude-table=public.audit_log_[0-9]*", "--dbname="+url)
	dump.Stdout, dump.Stderr = &stdout, &stderr
	if err := dump.Run(); err != nil {
		return nil, fmt.Errorf("pg_dump: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return tidy(stdout.Bytes()), nil
}

var (
	// Lines that tell the version, or are random.
	changing = regexp.MustCompile(`^(-- Dumped (from|by) |\\(un)?restrict |SET transaction_timeout|-- PostgreSQL database dump)`)
	owner    = regexp.MustCompile(`; Owner: -$`)
	manyGaps = regexp.MustCompile(`\n{3,}`)
)

const heading = `-- The schema that the migrations make, for reading. Made by go run ./db/schemadump; do not edit.
-- Everything belongs to fanfare_owner but the SECURITY DEFINER functions, which are fanfare_definer's. The roles
-- and the grants on the database are in roles.sql.

`

// tidy takes out of a dump what changes from machine to machine or says nothing.
func tidy(dump []byte) []byte {
	var kept []string
	for line := range strings.SplitSeq(string(dump), "\n") {
		line = strings.TrimRight(line, " \t\r")
		if changing.MatchString(line) || line == "--" || strings.HasPrefix(line, "SET ") || strings.HasPrefix(line, "SELECT pg_catalog.set_config(") {
			continue
		}
		kept = append(kept, owner.ReplaceAllString(line, ""))
	}
	body := manyGaps.ReplaceAllString(strings.Join(kept, "\n"), "\n\n")
	return []byte(heading + strings.TrimSpace(body) + "\n")
}

func program(dir, name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, name)
}

var versionNumber = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// findBinaries gives a directory with pg_dump and the server of the right major version. The binaries that
// localpg downloads have no pg_dump, so these must be installed.
func findBinaries(ctx context.Context) (string, error) {
	candidates := []string{fmt.Sprintf("/usr/lib/postgresql/%d/bin", major), fmt.Sprintf("/usr/pgsql-%d/bin", major),
		fmt.Sprintf("/opt/homebrew/opt/postgresql@%d/bin", major), fmt.Sprintf("/usr/local/opt/postgresql@%d/bin", major)}
	candidates = append(candidates, filepath.SplitList(os.Getenv("PATH"))...) //nolint:forbidigo // the search path is the machine's, not a setting of ours
	var seen []string
	for _, dir := range candidates {
		if _, err := os.Stat(program(dir, "initdb")); err != nil {
			continue
		}
		said, err := exec.CommandContext(ctx, program(dir, "pg_dump"), "--version").Output()
		if err != nil {
			continue
		}
		found := versionNumber.FindSubmatch(said)
		if found != nil && string(found[1]) == strconv.Itoa(major) {
			return dir, nil
		}
		seen = append(seen, dir+": "+strings.TrimSpace(string(said)))
	}
	if len(seen) == 0 {
		seen = []string{"none"}
	}
	return "", fmt.Errorf("schema.sql is made with the pg_dump of PostgreSQL %d, which is not on this machine (found: %s); "+
		"install postgresql-%d, or put its bin directory first in PATH", major, strings.Join(seen, "; "), major)
}
