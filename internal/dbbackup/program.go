package dbbackup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var digits = regexp.MustCompile(`\d+`)

// findProgram finds a client program of PostgreSQL: on the PATH, else where packages put it, the newest first, as those
// understand older servers.
func findProgram(name string) (string, error) {
	// Debian's own on the PATH is a script that chooses among versions by settings of the machine.
	if path, err := exec.LookPath(name); err == nil {
		if target, err := filepath.EvalSymlinks(path); err == nil && filepath.Base(target) != "pg_wrapper" {
			return path, nil
		}
	}
	var found []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/pgsql-*/bin/", "/opt/homebrew/opt/postgresql@*/bin/"} {
		some, _ := filepath.Glob(pattern + name) // fails for a malformed pattern only
		found = append(found, some...)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("%s was not found: it comes with PostgreSQL's client programs (Debian, Ubuntu: apt install postgresql-client)", name)
	}
	version := func(path string) int {
		n, _ := strconv.Atoi(digits.FindString(path)) // no number sorts last
		return n
	}
	return slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) }), nil
}

// program prepares a client program of PostgreSQL that connects by databaseURL. options are settings of its session, as
// in PGOPTIONS. What it says is kept for its error; see finish.
func program(ctx context.Context, name, databaseURL, options string, args ...string) (*exec.Cmd, error) {
	path, err := findProgram(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stderr = new(bytes.Buffer)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	cmd.WaitDelay = 5 * time.Second
	if databaseURL == "" {
		return cmd, nil
	}
	u, err := url.Parse(databaseURL)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		return nil, errors.New("the database's URL cannot be parsed; it must look like postgres://role:password@host:port/database")
	}
	query := u.Query()
	password, given := u.User.Password()
	if other := query.Get("password"); other != "" {
		password, given = other, true
		query.Del("password")
	}
	if given {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	if options != "" {
		query.Set("options", strings.TrimSpace(query.Get("options")+" "+options))
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	// libpq takes a plus sign for one.
	u.RawQuery = strings.ReplaceAll(query.Encode(), "+", "%20")
	cmd.Args = append(cmd.Args, "--no-password", "--dbname="+u.String())
	return cmd, nil
}

// finish waits for a program, and has what it said last in the error.
func finish(cmd *exec.Cmd) error {
	err := cmd.Wait()
	if err == nil {
		return nil
	}
	said := strings.TrimSpace(cmd.Stderr.(*bytes.Buffer).String())
	lines := strings.Split(said, "\n")
	return fmt.Errorf("%s: %w: %s", filepath.Base(cmd.Path), err, strings.Join(lines[max(0, len(lines)-3):], "; "))
}
