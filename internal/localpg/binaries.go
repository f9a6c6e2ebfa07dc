package localpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The major versions that Fanfare's schema is tested with.
const (
	oldestMajor = 15
	newestMajor = 18
)

// binaries is one installation of PostgreSQL.
type binaries struct {
	dir     string // holds initdb and postgres
	version string // such as "17.5"
	major   int
}

func (b binaries) path(program string) string { return programIn(b.dir, program) }

func programIn(dir, program string) string {
	if runtime.GOOS == "windows" {
		program += ".exe"
	}
	return filepath.Join(dir, program)
}

// command prepares one of the installation's programs. It runs in the directory of the binaries,
// which its account can certainly enter, unlike the one this process happens to be in.
func (b binaries) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, b.path(program), args...)
	cmd.Dir = b.dir
	cmd.Env = childEnvironment()
	cmd.Cancel = func() error { return interrupt(cmd.Process) } // initdb tidies up
	cmd.WaitDelay = 5 * time.Second                             // then it is killed
	return cmd
}

// place is one place where binaries may be: a description for people and the directories there.
type place struct {
	name string
	dirs []string
}

// findBinaries returns an installation of the wanted major version, or of any supported one when
// want is 0. Every candidate is tried out as the account which will run it, which finds unreadable
// and broken ones.
func findBinaries(ctx context.Context, o Options, as account, want int) (binaries, error) {
	if o.BinDir != "" {
		dir, err := filepath.Abs(o.BinDir)
		if err != nil {
			return binaries{}, fmt.Errorf("directory of PostgreSQL's binaries: %w", err)
		}
		b, err := probe(ctx, dir, as, want)
		if err != nil {
			return b, fmt.Errorf("the given directory %s cannot be used as PostgreSQL's binaries: %w", dir, err)
		}
		return b, nil
	}
	var searched []string
	for _, place := range append(machinePlaces(), cachePlace(o, as, want)) {
		if len(place.dirs) == 0 {
			searched = append(searched, place.name+": nothing there")
		}
		for _, dir := range place.dirs {
			b, err := probe(ctx, dir, as, want)
			if err == nil {
				return b, nil
			}
			if ctx.Err() != nil {
				return b, ctx.Err()
			}
			searched = append(searched, fmt.Sprintf("%s: %v", dir, err))
		}
	}
	b, err := fetchBinaries(ctx, o, as, want)
	if err == nil {
		return b, nil
	}
	if ctx.Err() != nil {
		return b, ctx.Err()
	}
	needed := fmt.Sprintf("PostgreSQL %d to %d", oldestMajor, newestMajor)
	advice := "Install PostgreSQL"
	suggested := defaultMajor
	if want != 0 {
		needed = fmt.Sprintf("PostgreSQL %d (which made this cluster)", want)
		advice = fmt.Sprintf("Install PostgreSQL %d, or remove the data directory to begin with a new cluster", want)
		suggested = want
	}
	return b, fmt.Errorf("%s was not found.\nLooked for initdb and postgres in:\n  %s\nDownload failed: %w\n"+
		"%s (Debian, Ubuntu: apt install postgresql; Fedora: dnf install postgresql-server; macOS: brew install postgresql@%d), "+
		"or give the directory of its binaries, or the URL of a database that is already running",
		needed, strings.Join(searched, "\n  "), err, advice, suggested)
}

// machinePlaces lists the directories where packages put PostgreSQL, best first.
func machinePlaces() []place {
	places := []place{
		{name: "$PATH", dirs: pathDirs(os.Getenv("PATH"))}, //nolint:forbidigo // the search path is the machine's, not a setting of ours
		globPlace("/usr/lib/postgresql/*/bin"),
		globPlace("/usr/pgsql-*/bin"),
	}
	switch runtime.GOOS {
	case "darwin":
		places = append(places,
			globPlace("/opt/homebrew/opt/postgresql@*/bin"),
			globPlace("/opt/homebrew/opt/postgresql/bin"),
			globPlace("/usr/local/opt/postgresql*/bin"),
			globPlace("/Applications/Postgres.app/Contents/Versions/*/bin"))
	case "windows":
		places = append(places, globPlace(`C:\Program Files\PostgreSQL\*\bin`))
	}
	return places
}

// pathDirs returns the directories that the programs of PostgreSQL on $PATH really are in. Links are
// followed first: distributions link single programs into a common directory.
func pathDirs(path string) []string {
	var dirs []string
	add := func(dir string) {
		if isFile(programIn(dir, "initdb")) && isFile(programIn(dir, "postgres")) && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range filepath.SplitList(path) {
		if !filepath.IsAbs(dir) {
			continue
		}
		for _, program := range []string{"postgres", "initdb", "pg_ctl"} {
			if target, err := filepath.EvalSymlinks(programIn(dir, program)); err == nil {
				add(filepath.Dir(target))
			}
		}
		add(dir)
	}
	return dirs
}

// globPlace lists the directories of a pattern, the highest version in their names first.
func globPlace(pattern string) place {
	dirs, _ := filepath.Glob(pattern) // fails for a malformed pattern only
	dirs = slices.DeleteFunc(dirs, func(dir string) bool {
		return !isFile(programIn(dir, "initdb")) || !isFile(programIn(dir, "postgres"))
	})
	slices.SortStableFunc(dirs, func(a, b string) int { return numberIn(b) - numberIn(a) })
	return place{name: pattern, dirs: dirs}
}

var number = regexp.MustCompile(`\d+`)

func numberIn(text string) int {
	n, _ := strconv.Atoi(number.FindString(text)) // no number sorts last
	return n
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) ((\d+)\S*)`)

// probe asks the binaries in dir for their version.
func probe(ctx context.Context, dir string, as account, want int) (binaries, error) {
	b := binaries{dir: dir}
	for _, program := range []string{"initdb", "postgres"} {
		if !isFile(b.path(program)) {
			return b, fmt.Errorf("there is no %s in it", filepath.Base(b.path(program)))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, program := range []string{"initdb", "postgres"} {
		cmd := b.command(ctx, program, "--version")
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := run(cmd, as); err != nil {
			if errors.Is(err, os.ErrPermission) && as.switched {
				return b, fmt.Errorf("user %s, which PostgreSQL has to run as, cannot use it: %w", as.name, err)
			}
			return b, fmt.Errorf("%s --version: %w\n%s", program, err, lastLines(out.String(), 5))
		}
		m := versionLine.FindStringSubmatch(out.String())
		if m == nil {
			return b, fmt.Errorf("%s --version says %q, which names no version of PostgreSQL", program, strings.TrimSpace(out.String()))
		}
		major, _ := strconv.Atoi(m[2]) // the pattern has digits only
		if program == "postgres" && major != b.major {
			return b, fmt.Errorf("initdb is of version %s and postgres of version %s", b.version, m[1])
		}
		b.version, b.major = m[1], major
	}
	if b.major < oldestMajor || b.major > newestMajor {
		return b, fmt.Errorf("version %s is not one of %d to %d", b.version, oldestMajor, newestMajor)
	}
	if want != 0 && b.major != want {
		return b, fmt.Errorf("version %s cannot run a cluster of version %d", b.version, want)
	}
	return b, nil
}
