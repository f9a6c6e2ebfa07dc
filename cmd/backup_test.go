//go:build unix

package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/uuid"

	"fanfare/db"
	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/localpg"
)

// archived is a cluster that archives its WAL to a bucket, with this program. All of it runs as one user, who is not root.
type archived struct {
	t           *testing.T
	as          *syscall.Credential
	dir, bucket string
	program     string // this program
	identity    string // file
	recipient   string
	server      *localpg.Server
	*dbtest.DB
}

func newArchived(t *testing.T) *archived {
	t.Helper()
	dir, err := os.MkdirTemp("", "fanfare-backup-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	a := &archived{t: t, dir: dir, bucket: filepath.Join(dir, "bucket"), program: filepath.Join(dir, "fanfare"), identity: filepath.Join(dir, "identity")}
	if os.Geteuid() == 0 {
		account, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(account.Uid)
		gid, _ := strconv.Atoi(account.Gid)
		a.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	a.recipient = key.Recipient().String()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []error{
		os.WriteFile(a.program, content, 0o755), os.WriteFile(a.identity, []byte(key.String()+"\n"), 0o600), os.Mkdir(a.bucket, 0o700), os.Chmod(dir, 0o755),
	} {
		if step != nil {
			t.Fatal(step)
		}
	}
	for _, path := range []string{dir, a.identity, a.bucket} {
		a.own(path)
	}
	a.server = a.start("source", true)
	super := dbtest.OpenPool(t, a.server.URL("postgres"))
	if _, err := super.Exec(t.Context(), "create database fanfare; create role replicator login replication password 'the-secret-of-replication'"); err != nil {
		// a database is made in no transaction
		if _, err := super.Exec(t.Context(), "create database fanfare"); err != nil {
			t.Fatal(err)
		}
		if _, err := super.Exec(t.Context(), "create role replicator login replication password 'the-secret-of-replication'"); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	if err := db.Migrate(t.Context(), a.server.URL("fanfare"), db.LoginPasswords{Login: "x", Worker: "x", Backup: "x"}, &log); err != nil {
		t.Fatalf("%v\n%s", err, log.String())
	}
	a.DB = a.open(a.server)
	return a
}

func (a *archived) own(path string) {
	if a.as != nil {
		if err := os.Chown(path, int(a.as.Uid), int(a.as.Gid)); err != nil {
			a.t.Fatal(err)
		}
	}
}

// open gives the fixtures and the API's way in.
func (a *archived) open(s *localpg.Server) *dbtest.DB {
	a.t.Helper()
	return &dbtest.DB{
		Super: dbtest.OpenPool(a.t, s.URL("fanfare")), Login: dbtest.OpenPool(a.t, s.RoleURL("fanfare_login", "x", "fanfare")),
		SuperURL: s.URL("fanfare"), BackupURL: s.RoleURL("fanfare_backup", "x", "fanfare"),
	}
}

// start starts the server of a data directory below a.dir, which is made if it is not there.
func (a *archived) start(name string, archives bool) *localpg.Server {
	a.t.Helper()
	settings := map[string]string{"shared_buffers": "32MB", "restart_after_crash": "off"}
	if archives {
		settings["archive_mode"] = "on"
		settings["archive_command"] = fmt.Sprintf("'%s' backup wal --bucket 'file://%s' --recipient %s %%p %%f", a.program, a.bucket, a.recipient)
	}
	s, err := localpg.Start(a.t.Context(), localpg.Options{DataDir: filepath.Join(a.dir, name), NoSync: true, Settings: settings})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = s.Stop(context.Background()) })
	return s
}

// target is a data directory to restore to, which start then finds.
func (a *archived) target(name string) string {
	a.t.Helper()
	dir := filepath.Join(a.dir, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		a.t.Fatal(err)
	}
	a.own(dir)
	password, err := os.ReadFile(filepath.Join(a.dir, "source", "password"))
	if err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "password"), password, 0o600); err != nil {
		a.t.Fatal(err)
	}
	return filepath.Join(dir, "pg")
}

// command prepares this program.
func (a *archived) command(args ...string) *exec.Cmd {
	cmd := exec.Command(a.program, args...)
	cmd.Env = append(os.Environ(), "FANFARE_BACKUP_BUCKET=file://"+a.bucket, "FANFARE_BACKUP_RECIPIENT="+a.recipient, "FANFARE_BACKUP_IDENTITY="+a.identity,
		"REPLICATION_DATABASE_URL="+a.server.RoleURL("replicator", "the-secret-of-replication", ""))
	cmd.Dir = a.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.as}
	return cmd
}

// run runs this program, and gives its exit status and what it has said.
func (a *archived) run(args ...string) (status int, said string) {
	a.t.Helper()
	out, err := a.command(args...).CombinedOutput()
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		a.t.Fatal(err)
	}
	if strings.Contains(string(out), "the-secret-of-replication") || strings.Contains(string(out), "AGE-SECRET-KEY") {
		a.t.Errorf("it tells a secret: %s", out)
	}
	if ended != nil {
		return ended.ExitCode(), string(out)
	}
	return 0, string(out)
}

// must runs this program, which must succeed.
func (a *archived) must(args ...string) string {
	a.t.Helper()
	status, said := a.run(args...)
	if status != 0 {
		a.t.Fatalf("%s: exit status %d: %s", strings.Join(args, " "), status, said)
	}
	return said
}

var backupID = regexp.MustCompile(`\d{8}T\d{6}Z-[0-9a-f]{4}`)

func (a *archived) backUp() string {
	a.t.Helper()
	return backupID.FindString(a.must("backup", "database"))
}

// exec runs a statement on a database.
func (a *archived) exec(d *dbtest.DB, sql string, args ...any) {
	a.t.Helper()
	if _, err := d.Super.Exec(a.t.Context(), sql, args...); err != nil {
		a.t.Fatalf("%s: %v", sql, err)
	}
}

func ask[T any](t *testing.T, d *dbtest.DB, sql string, args ...any) (value T) {
	t.Helper()
	if err := d.Super.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

// await waits for a condition.
func await(what string, t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited for a minute: %s", what)
		}
	}
}

// archive has all WAL so far archived, and gives the last segment's name.
func (a *archived) archive(d *dbtest.DB) string {
	a.t.Helper()
	a.exec(d, "select pg_logical_emit_message(true, 'test', 'so that there is something to archive')")
	last := ask[string](a.t, d, "select pg_walfile_name(pg_switch_wal())")
	await(last+" is archived", a.t, func() bool {
		_, err := os.Stat(a.wal(last))
		return err == nil
	})
	return last
}

func (a *archived) wal(name string) string {
	return filepath.Join(a.bucket, "database", "wal", name[:16], name)
}

// now is a moment after all that was committed, and before all that will be.
func (a *archived) now(d *dbtest.DB) time.Time {
	a.t.Helper()
	a.exec(d, "select pg_sleep(0.002)")
	now := ask[time.Time](a.t, d, "select clock_timestamp()")
	a.exec(d, "select pg_sleep(0.002)")
	return now
}

// promoted waits until a restored server has replayed the WAL.
func (a *archived) promoted(d *dbtest.DB) {
	a.t.Helper()
	await("the WAL is replayed", a.t, func() bool { return !ask[bool](a.t, d, "select pg_is_in_recovery()") })
}

func flip(t *testing.T, path string) (undo func()) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	i, bit := rand.IntN(len(content)), rand.IntN(8)
	t.Logf("flipping bit %d of byte %d of %d of %s", bit, i, len(content), path)
	put := func() {
		content[i] ^= 1 << bit
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put()
	return put
}

func isEmpty(t *testing.T, dir string) bool {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return len(entries) == 0
}

// TestPointInTime restores a whole server to a moment before something went wrong, from a base backup and archived WAL.
func TestPointInTime(t *testing.T) {
	t.Parallel()
	a := newArchived(t)
	if status, said := a.run("restore", "database", "--to", filepath.Join(a.dir, "none")); status != 1 || !strings.Contains(said, "no whole base backup") {
		t.Errorf("without a base backup: %d, %s", status, said)
	}
	customer := a.Customer(t, dbtest.Customer{Name: "Restored"})
	owner := a.Member(t, customer.ID, "owner")
	a.Post(t, dbtest.Post{CustomerID: customer.ID, Title: "before the backup"})
	first := a.backUp()
	if said := a.must("backup", "list"); !strings.Contains(said, first) || !strings.Contains(said, "true") {
		t.Errorf("the list: %s", said)
	}
	account := a.Integration(t, dbtest.Integration{CustomerID: customer.ID})
	scheduled := a.Post(t, dbtest.Post{CustomerID: customer.ID, Title: "after the backup", Integrations: []dbtest.Integration{account}})
	a.exec(a.DB, "update posts set scheduled_at = now() + interval '1 hour' where id = $1", scheduled.ID)
	a.exec(a.DB, "update platform_posts set state = 'scheduled' where post_id = $1", scheduled.ID)
	wanted := a.now(a.DB)
	a.exec(a.DB, "delete from platform_posts; delete from posts; drop table email_templates cascade")
	gone := a.now(a.DB)
	a.archive(a.DB)

	plan := []string{"restore", "database", "--to", a.target("restored"), "--until", wanted.Format(time.RFC3339Nano)}
	to := plan[3]
	said := a.must(plan...)
	if !strings.Contains(said, first) || !strings.Contains(said, "Nothing was done") || !isEmpty(t, to) {
		t.Errorf("the plan: %s", said)
	}
	said = a.must(append(plan, "--yes")...)
	if !strings.Contains(said, "Restored. Start PostgreSQL") {
		t.Errorf("restored: %s", said)
	}
	if status, said := a.run(append(plan, "--yes")...); status != 1 || !strings.Contains(said, "is not empty") {
		t.Errorf("a second time: %d, %s", status, said)
	}
	restored := a.open(a.start("restored", true))
	a.promoted(restored)
	titles := func(d *dbtest.DB) []string {
		t.Helper()
		var titles []string
		err := d.Tenant().Tx(t.Context(), owner.Scope().In(customer.ID), func(ctx context.Context, tx *tenant.Tx) error {
			return tx.QueryRow(ctx, "select array_agg(title order by title) from posts").Scan(&titles)
		})
		if err != nil {
			t.Fatal(err)
		}
		return titles
	}
	if got := titles(restored); !slices.Equal(got, []string{"after the backup", "before the backup"}) {
		t.Errorf("restored to before they were deleted, the posts are %q", got)
	}
	if n := ask[int](t, restored, "select count(*) from email_templates"); n != 0 {
		t.Errorf("%d templates", n)
	}
	// What may have gone out since is held by the statement in docs/operations.md.
	docs, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	hold := regexp.MustCompile("(?s)```sql\n(update platform_posts .*?)```").FindSubmatch(docs)
	if hold == nil {
		t.Fatal("docs/operations.md does not say how scheduled posts are held")
	}
	a.exec(restored, string(hold[1]))
	if got := ask[string](t, restored, "select state from posts where id = $1", scheduled.ID); got != "needs_attention" {
		t.Errorf("the scheduled post is %s", got)
	}
	var out bytes.Buffer
	if status := Run(t.Context(), []string{"audit", "verify", "--database-url", restored.SuperURL}, &out, &out); status != 0 {
		t.Errorf("the log: %s", out.String())
	}

	t.Run("a restored server is backed up too", func(t *testing.T) {
		// It has begun another timeline, and archives to the same bucket.
		restored.Post(t, dbtest.Post{CustomerID: customer.ID, Title: "on the second timeline"})
		a.archive(restored)
		a.must("restore", "database", "--to", a.target("latest"), "--yes")
		latest := a.open(a.start("latest", false))
		a.promoted(latest)
		if got := titles(latest); len(got) != 3 {
			t.Errorf("restored to the end, the posts are %q", got)
		}
		// What the first timeline came to is there too.
		a.must("restore", "database", "--to", a.target("first"), "--timeline", "1", "--until", gone.Format(time.RFC3339Nano), "--yes")
		old := a.open(a.start("first", false))
		a.promoted(old)
		if n := ask[int](t, old, "select count(*) from posts"); n != 0 {
			t.Errorf("restored to after they were deleted, there are %d posts", n)
		}
	})

	t.Run("the customer's own backup", func(t *testing.T) {
		file := filepath.Join(a.dir, "customer.dump.age")
		said := a.must("backup", "customer", customer.ID.String(), "--to", file, "--database-url", restored.BackupURL)
		if !strings.Contains(said, "Backed up Restored") {
			t.Error(said)
		}
		content, err := os.ReadFile(file)
		if err != nil || bytes.Contains(content, []byte("before the backup")) {
			t.Errorf("the file holds what is to be secret: %v", err)
		}
		if status, said := a.run("backup", "customer", customer.ID.String(), "--to", file, "--database-url", restored.BackupURL); status != 1 || !strings.Contains(said, "is there already") {
			t.Errorf("over a file: %d, %s", status, said)
		}
		if status, said := a.run("restore", "customer", file, "--database-url", restored.SuperURL, "--yes"); status != 1 || !strings.Contains(said, "is there already") {
			t.Errorf("over a customer: %d, %s", status, said)
		}
		fresh := dbtest.New(t)
		if said := a.must("restore", "customer", file, "--database-url", fresh.SuperURL); !strings.Contains(said, "Nothing was done") || !strings.Contains(said, "memberships") {
			t.Error(said)
		}
		if status, said := a.run("restore", "customer", file, "--database-url", fresh.OwnerURL, "--yes"); status != 1 || !strings.Contains(said, "as a superuser") {
			t.Errorf("as another role: %d, %s", status, said)
		}
		a.must("restore", "customer", file, "--database-url", fresh.SuperURL, "--yes")
		if got := titles(fresh); len(got) != 3 {
			t.Errorf("the posts are %q", got)
		}
	})
}

// TestBackupTrouble: what is damaged, missing, away or half is found, and nothing of it is taken for whole.
func TestBackupTrouble(t *testing.T) {
	t.Parallel()
	a := newArchived(t)
	first := a.backUp()
	a.exec(a.DB, "create table notes (text text)")
	last := a.archive(a.DB)
	base := filepath.Join(a.bucket, "database", "base", first)
	fails := func(status int, says string, args ...string) {
		t.Helper()
		if got, said := a.run(args...); got != status || !strings.Contains(said, says) {
			t.Errorf("%s: exit status %d, want %d with %q: %s", strings.Join(args, " "), got, status, says, said)
		}
	}

	t.Run("flipped bits", func(t *testing.T) {
		to := a.target("flipped")
		undo := flip(t, filepath.Join(base, "000001"))
		got, said := a.run("restore", "database", "--to", to, "--yes")
		if got != 1 || !strings.Contains(said, "base backup "+first) || !isEmpty(t, to) {
			t.Errorf("a part: %d, %s", got, said)
		}
		undo()
		undo = flip(t, filepath.Join(base, "manifest"))
		fails(1, "damaged", "backup", "list")
		fails(1, "damaged", "restore", "database", "--to", to, "--yes")
		fails(1, "damaged", "backup", "prune")
		second := a.backUp() // a damaged one is no reason to make none
		a.must("restore", "database", "--to", to, "--backup", second)
		undo()
		a.must("backup", "list")
		file := filepath.Join(a.dir, "segment")
		undo = flip(t, a.wal(last))
		fails(126, last, "restore", "wal", last, file)
		if _, err := os.Stat(file); err == nil {
			t.Error("a damaged segment is there")
		}
		undo()
		a.must("restore", "wal", last, file)
	})

	t.Run("archiving", func(t *testing.T) {
		segment := filepath.Join(a.dir, "segment")
		a.must("backup", "wal", segment, last) // once more
		content, err := os.ReadFile(segment)
		if err != nil {
			t.Fatal(err)
		}
		content[1000] ^= 1
		other := filepath.Join(a.dir, "other")
		if err := os.WriteFile(other, content, 0o644); err != nil {
			t.Fatal(err)
		}
		fails(1, "another content", "backup", "wal", other, last)
		fails(1, "is not the name of a file of WAL", "backup", "wal", other, "../../x")
		fails(1, "no such file", "restore", "wal", "0000000100000000000000FF", filepath.Join(a.dir, "x"))
		fails(1, "no such file", "restore", "wal", "00000009.history", filepath.Join(a.dir, "x"))
	})

	t.Run("the bucket is away", func(t *testing.T) {
		away := a.bucket + ".away"
		if err := os.Rename(a.bucket, away); err != nil {
			t.Fatal(err)
		}
		fails(126, "open bucket", "restore", "wal", last, filepath.Join(a.dir, "x"))
		fails(1, "open bucket", "backup", "wal", filepath.Join(a.dir, "segment"), last)
		fails(1, "open bucket", "backup", "database")
		failed := ask[int64](t, a.DB, "select failed_count from pg_stat_archiver")
		a.exec(a.DB, "insert into notes values ('while the bucket was away')")
		segment := ask[string](t, a.DB, "select pg_walfile_name(pg_switch_wal())")
		await("archiving fails", t, func() bool { return ask[int64](t, a.DB, "select failed_count from pg_stat_archiver") > failed })
		if err := os.Rename(away, a.bucket); err != nil {
			t.Fatal(err)
		}
		// Postgres tries again by itself.
		await("the segment is archived", t, func() bool {
			_, err := os.Stat(a.wal(segment))
			return err == nil
		})
	})

	t.Run("a segment is missing", func(t *testing.T) {
		file := a.wal(last)
		if err := os.Rename(file, file+".away"); err != nil {
			t.Fatal(err)
		}
		fails(1, "the WAL segment "+last+" is missing", "restore", "database", "--to", a.target("gap"), "--backup", first)
		if err := os.Rename(file+".away", file); err != nil {
			t.Fatal(err)
		}
		fails(1, "the archived WAL ends at", "restore", "database", "--to", filepath.Join(a.dir, "later"), "--until", time.Now().Add(time.Hour).Format(time.RFC3339))
		fails(1, "no base backup was finished by", "restore", "database", "--to", filepath.Join(a.dir, "later"), "--until", "2020-01-01T00:00:00Z")
		fails(1, "there is no whole base backup", "restore", "database", "--to", filepath.Join(a.dir, "later"), "--backup", "20200101T000000Z-0000")
	})

	t.Run("kill -9", func(t *testing.T) {
		kills := 4
		if os.Getenv("FANFARE_PROVE") == "1" {
			kills = 40
		}
		killed := func(after time.Duration, args ...string) {
			t.Helper()
			cmd := a.command(args...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-time.After(after):
			case <-t.Context().Done():
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		for i := range kills {
			before := a.must("backup", "list")
			killed(time.Duration(rand.Int64N(int64(2*time.Second))), "backup", "database", "--rate", "32MiB")
			after := a.must("backup", "list")
			for _, id := range backupID.FindAllString(after, -1) {
				if !strings.Contains(before, id) {
					// It was finished just before: then it can be restored.
					a.must("restore", "database", "--to", filepath.Join(a.target(fmt.Sprintf("finished%d", i))), "--backup", id, "--yes")
				}
			}
			// Those that are not whole are not restored.
			entries, err := os.ReadDir(filepath.Dir(base))
			if err != nil {
				t.Fatal(err)
			}
			for _, entry := range entries {
				if !strings.Contains(after, entry.Name()) {
					fails(1, "there is no whole base backup", "restore", "database", "--to", filepath.Join(a.dir, "half"), "--backup", entry.Name())
				}
			}
		}
		for i := range kills {
			to := a.target(fmt.Sprintf("killed%d", i))
			killed(100*time.Millisecond+time.Duration(rand.Int64N(int64(time.Second))), "restore", "database", "--to", to, "--backup", first, "--yes")
			if _, err := os.Stat(filepath.Join(to, "global", "pg_control")); err == nil {
				continue // it was finished
			}
			if !isEmpty(t, to) {
				fails(1, "", "restore", "database", "--to", to, "--yes")
			}
			cmd := exec.Command(postgres(t), "-D", to)
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.as}
			cmd.Dir = a.dir
			if out, err := cmd.CombinedOutput(); err == nil {
				t.Errorf("Postgres starts on a half-restored directory: %s", out)
			}
		}
		whole := a.target("whole")
		a.must("restore", "database", "--to", whole, "--yes")
		d := a.open(a.start("whole", false))
		a.promoted(d)
		if n := ask[int](t, d, "select count(*) from notes"); n != 1 {
			t.Errorf("%d notes", n)
		}
	})

	t.Run("no secret is in the bucket", func(t *testing.T) {
		err := filepath.WalkDir(a.bucket, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			content, err := os.ReadFile(path)
			for _, secret := range []string{"the-secret-of-replication", "SCRAM-SHA-256$", "while the bucket was away"} {
				if bytes.Contains(content, []byte(secret)) {
					t.Errorf("%s holds %s", path, secret)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// postgres finds the server's binary.
func postgres(t *testing.T) string {
	t.Helper()
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if path, err := exec.LookPath("postgres"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		t.Fatal("no postgres was found")
	}
	return found[0]
}

// TestBackupRefusals: what cannot work is refused in words that name the setting.
func TestBackupRefusals(t *testing.T) {
	t.Parallel()
	id, missing := uuid.NewString(), "file://"+filepath.Join(t.TempDir(), "missing")
	there := "file://" + t.TempDir()
	nobody := url.URL{Scheme: "postgres", User: url.UserPassword("x", "s3cret"), Host: "127.0.0.1:1", Path: "/x"}
	for _, c := range []struct {
		args   string
		status int
		says   string
	}{
		{"backup customer " + id + " --to x", 2, "--database-url (BACKUP_DATABASE_URL)"},
		{"backup customer " + id + " --to x --database-url postgres://u:s3cret@h:x/", 1, "--database-url (BACKUP_DATABASE_URL) cannot be parsed"},
		{"backup customer " + id + " --to x --database-url " + nobody.String() + " --recipient AGE-SECRET-KEY-1", 1, "--recipient (FANFARE_BACKUP_RECIPIENT): a recipient must look like"},
		{"backup customer x --to x --database-url " + nobody.String(), 2, "<customer-id>"},
		{"backup customer " + id + " --to " + filepath.Join(t.TempDir(), "x") + " --database-url " + nobody.String(), 1, "connect to the database"},
		{"backup database", 2, "--bucket (FANFARE_BACKUP_BUCKET)"},
		{"backup database --bucket " + missing + " --database-url " + nobody.String(), 1, "--bucket (FANFARE_BACKUP_BUCKET): open bucket"},
		{"backup database --bucket " + there + " --database-url " + nobody.String(), 1, "connect for replication"},
		{"backup database --bucket " + there + " --database-url " + nobody.String() + " --rate 1TiB", 2, "from 32KiB to 1GiB"},
		{"backup prune --bucket " + there + " --keep-days 0", 2, "--keep-days must be from 1"},
		{"backup list --bucket " + missing, 1, "--bucket (FANFARE_BACKUP_BUCKET)"},
		{"restore database --bucket " + there + " --to x --until yesterday", 2, "--until"},
		{"restore database --bucket " + there + " --to x --identity " + missing, 1, "--identity (FANFARE_BACKUP_IDENTITY)"},
		{"restore customer " + filepath.Join(t.TempDir(), "x"), 2, "--database-url (MIGRATE_DATABASE_URL)"},
	} {
		var out bytes.Buffer
		status := Run(t.Context(), strings.Fields(c.args), &out, &out)
		if status != c.status || !strings.Contains(out.String(), c.says) || strings.Contains(out.String(), "s3cret") {
			t.Errorf("%s: exit status %d, want %d with %q: %s", c.args, status, c.status, c.says, out.String())
		}
	}
}
