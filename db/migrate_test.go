package db_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/db"
	"fanfare/db/dbtest"
	"fanfare/internal/localpg"
)

// migrationFiles are the names in migrations, in order.
func migrationFiles(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("migrations/*.sql")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	for i := range paths {
		paths[i] = filepath.Base(paths[i])
	}
	return paths
}

// everything describes a database: what Fanfare's roles, schemas and grants are made of, without the parts of
// partitioned tables, whose names depend on the date.
const everything = `
	select format('schema %s of %s %s', nspname, nspowner::regrole, nspacl) from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
	union all select format('%s %s of %s %s', relkind, oid::regclass, relowner::regrole, relacl) from pg_class
		where relnamespace in (select oid from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema') and not relispartition
	union all select format('column %s.%s %s %s', attrelid::regclass, attname, format_type(atttypid, atttypmod), attacl) from pg_attribute
		where attnum > 0 and not attisdropped and attrelid in (select oid from pg_class
			where not relispartition and relnamespace in (select oid from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'))
	union all select format('policy %s %s', polrelid::regclass, polname) from pg_policy
	union all select format('function %s %s', oid::regprocedure, proacl) from pg_proc
		where pronamespace in (select oid from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema')
	union all select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint where connamespace::regnamespace::text !~ '^(pg_|information)'
		and not exists (select from pg_class c where c.oid = conrelid and c.relispartition)
	order by 1`

func migrate(t testing.TB, url string) string {
	t.Helper()
	var log bytes.Buffer
	if err := db.Migrate(context.Background(), url, db.LoginPasswords{}, &log); err != nil {
		t.Fatalf("migrate: %v\n%s", err, log.String())
	}
	return log.String()
}

// TestMigrateUpAndDown: from nothing to the newest version, the same again without a change, down to nothing, and up.
func TestMigrateUpAndDown(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := dbtest.NewEmpty(t)
	pool := dbtest.OpenPool(t, url)
	describe := func() []string { return column[string](ctx, t, pool, everything) }
	tables := func() []string {
		return column[string](ctx, t, pool, "select oid::regclass::text from pg_class where relkind in ('r', 'v', 'S') and relnamespace::regnamespace::text !~ '^(pg_|information)'")
	}
	first := migrate(t, url)
	for _, name := range migrationFiles(t) {
		if !strings.Contains(first, name) {
			t.Errorf("%s was not applied:\n%s", name, first)
		}
	}
	full := describe()
	if again := migrate(t, url); strings.Contains(again, "Applying") {
		t.Errorf("the second run applied something:\n%s", again)
	}
	if diff := cmp.Diff(full, describe()); diff != "" {
		t.Errorf("the second run changed something:\n%s", diff)
	}
	if got := one[string](ctx, t, pool, "select max(version) from schema_migrations"); got != db.Version() {
		t.Errorf("the newest migration is %s, and Version() is %s", got, db.Version())
	}
	files := migrationFiles(t)
	for i := range files {
		if err := db.Rollback(url, io.Discard); err != nil {
			t.Fatalf("roll back %s: %v", files[len(files)-1-i], err)
		}
	}
	if got := tables(); !slices.Equal(got, []string{"schema_migrations"}) {
		t.Errorf("left after all was rolled back: %v", got)
	}
	if got := column[string](ctx, t, pool, "select nspname::text from pg_namespace where nspname in ('tenancy', 'river')"); len(got) > 0 {
		t.Errorf("left after all was rolled back: schemas %v", got)
	}
	migrate(t, url)
	if diff := cmp.Diff(full, describe()); diff != "" {
		t.Errorf("up again is something else:\n%s", diff)
	}
}

// TestMigrateEachStepBack: every migration can be taken back and applied again by itself, and is the same then.
func TestMigrateEachStepBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := dbtest.NewEmpty(t)
	pool := dbtest.OpenPool(t, url)
	migrate(t, url)
	full := column[string](ctx, t, pool, everything)
	for steps := range migrationFiles(t) {
		for range steps + 1 {
			if err := db.Rollback(url, io.Discard); err != nil {
				t.Fatalf("roll back: %v", err)
			}
		}
		migrate(t, url)
		if diff := cmp.Diff(full, column[string](ctx, t, pool, everything)); diff != "" {
			t.Fatalf("%d back and up again is something else:\n%s", steps+1, diff)
		}
		if steps >= 3 {
			break // the newest ones, which an upgrade may have to take back; all of them: TestMigrateUpAndDown
		}
	}
}

// TestMigrateAtOnce: several installers on one database, and on several of one server, do not collide.
func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	urls := []string{dbtest.NewEmpty(t), dbtest.NewEmpty(t)}
	var wait sync.WaitGroup
	for range 3 {
		for _, url := range urls {
			wait.Go(func() {
				// Passwords are set too: that is a change of rows that all databases share. They are the test server's own.
				if err := db.Migrate(ctx, url, db.LoginPasswords{Login: "fanfare-test", Worker: "fanfare-test"}, io.Discard); err != nil {
					t.Errorf("one of several installers: %v", err)
				}
			})
		}
	}
	wait.Wait()
	first := column[string](ctx, t, dbtest.OpenPool(t, urls[0]), everything)
	if diff := cmp.Diff(first, column[string](ctx, t, dbtest.OpenPool(t, urls[1]), everything)); diff != "" {
		t.Error(diff)
	}
	if len(first) < 100 {
		t.Errorf("only %d lines describe the database", len(first))
	}
}

// startServer starts a server of the test's own, for what would disturb the others.
func startServer(t testing.TB) *localpg.Server {
	t.Helper()
	dir, err := os.MkdirTemp("", "fanfare-test-")
	if err != nil {
		t.Fatal(err)
	}
	// The server may run as another user, who must be able to get there.
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	server, err := localpg.Start(context.Background(), localpg.Options{DataDir: filepath.Join(dir, "postgres"), NoSync: true})
	if err != nil {
		t.Fatalf("start a database server: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Stop(context.Background()); err != nil {
			t.Errorf("stop the database server: %v", err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return server
}

// as gives a database's URL for another role.
func as(t testing.TB, databaseURL, role string) string {
	t.Helper()
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "installer")
	return u.String()
}

// installer makes a role that is no superuser, and gives it the database when it is to own it.
func installer(t testing.TB, super *pgxpool.Pool, name, attributes string) {
	t.Helper()
	ctx := context.Background()
	if _, err := super.Exec(ctx, fmt.Sprintf("create role %s login password 'installer' %s", name, attributes)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := super.Exec(ctx, fmt.Sprintf("do $$ begin execute format('alter database %%I owner to current_user', current_database()); end $$; drop owned by %s; drop role %s", name, name)); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
	})
	if _, err := super.Exec(ctx, fmt.Sprintf("do $$ begin execute format('alter database %%I owner to %s', current_database()); end $$", name)); err != nil {
		t.Fatal(err)
	}
}

// TestMigrateWithoutSuperuser: the owner of a database who may make roles, as managed Postgres has it, installs
// Fanfare; one who may not installs it when somebody else has made the roles.
func TestMigrateWithoutSuperuser(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	superURL := dbtest.NewEmpty(t)
	super := dbtest.OpenPool(t, superURL)
	if _, err := super.Exec(ctx, "select 1"); err != nil {
		t.Fatal(err)
	}
	name := "installer_" + strings.ReplaceAll(newID(t).String(), "-", "")
	installer(t, super, name, "createrole")
	migrate(t, as(t, superURL, name))
	migrate(t, as(t, superURL, name))
	if owner := one[string](ctx, t, super, "select relowner::regrole::text from pg_class where oid = 'posts'::regclass"); owner != "fanfare_owner" {
		t.Errorf("posts belongs to %s", owner)
	}
	if may := one[bool](ctx, t, super, "select has_schema_privilege('fanfare_user', 'public', 'create') or has_schema_privilege('fanfare_login', 'public', 'create')"); may {
		t.Error("tenants may create in public")
	}
	var policies int64
	if policies = one[int64](ctx, t, super, "select count(*) from pg_policy"); policies < 30 {
		t.Errorf("%d policies", policies)
	}

	// By now the roles exist. One who may only act as the owner updates the schema.
	plain := "plain_" + strings.TrimPrefix(name, "installer_")
	if _, err := super.Exec(ctx, fmt.Sprintf("create role %s login password 'installer'; grant fanfare_owner to %s; do $$ begin execute format('grant connect on database %%I to %s', current_database()); end $$", plain, plain, plain)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := super.Exec(ctx, fmt.Sprintf("drop owned by %s; drop role %s", plain, plain)); err != nil {
			t.Error(err)
		}
	})
	if err := db.Rollback(superURL, io.Discard); err != nil {
		t.Fatal(err)
	}
	if log := migrate(t, as(t, superURL, plain)); !strings.Contains(log, db.Version()) {
		t.Errorf("nothing was applied:\n%s", log)
	}
}

// TestMigrateWithoutRoles: who may not make the missing roles is told what to do. The roles of the test's server
// are there, so they are missed on a server of its own.
func TestMigrateWithoutRoles(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := startServer(t)
	super := dbtest.OpenPool(t, server.URL("postgres"))
	if _, err := super.Exec(ctx, "create role plain login password 'installer'"); err != nil {
		t.Fatal(err)
	}
	err := db.Migrate(ctx, as(t, server.URL("postgres"), "plain"), db.LoginPasswords{}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "run db/roles.sql once as an administrator") {
		t.Errorf("error %v, want one that says what to do", err)
	}
	if n := one[int64](ctx, t, super, "select count(*) from pg_class where relname in ('schema_migrations', 'users')"); n != 0 {
		t.Error("something was made nevertheless")
	}
	// What the error says to do helps, also twice; on this server nobody has made a role before.
	roles, err := os.ReadFile("roles.sql")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := super.Exec(ctx, string(roles)); err != nil {
			t.Fatalf("roles.sql: %v", err)
		}
	}
	if _, err := super.Exec(ctx, "grant fanfare_owner to plain; grant connect on database postgres to plain"); err != nil {
		t.Fatal(err)
	}
	migrate(t, as(t, server.URL("postgres"), "plain"))
	if _, err := super.Exec(ctx, "drop schema public, tenancy, river cascade; create schema public; drop owned by plain; drop role plain"); err != nil {
		t.Fatal(err)
	}
	// An installer who may make roles, where there are none yet: the first one of a managed server.
	for _, sql := range []string{
		"drop owned by fanfare_owner, fanfare_definer, fanfare_login, fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker cascade",
		"drop role fanfare_owner, fanfare_definer, fanfare_login, fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker",
		"create role installer login createrole password 'installer'", "create database managed owner installer",
	} {
		if _, err := super.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	migrate(t, as(t, server.URL("managed"), "installer"))
	managed := dbtest.OpenPool(t, server.URL("managed"))
	if owner := one[string](ctx, t, managed, "select nspowner::regrole::text from pg_namespace where nspname = 'public'"); owner != "fanfare_owner" {
		t.Errorf("public belongs to %s", owner)
	}
}

// TestMigrateForeign: another application's database is left as it is.
func TestMigrateForeign(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	url := dbtest.NewEmpty(t)
	pool := dbtest.OpenPool(t, url)
	if _, err := pool.Exec(ctx, "create table users (id int); create table schema_migrations (version text); insert into schema_migrations values ('20260101000000')"); err != nil {
		t.Fatal(err)
	}
	before := column[string](ctx, t, pool, everything)
	err := db.Migrate(ctx, url, db.LoginPasswords{}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "tables of another application (public.schema_migrations, public.users)") {
		t.Errorf("error %v, want one that names the tables", err)
	}
	if diff := cmp.Diff(before, column[string](ctx, t, pool, everything)); diff != "" {
		t.Errorf("something was changed:\n%s", diff)
	}
}

// TestMigrateWithoutSSLMode: a URL without sslmode reaches a server without TLS, as pgx does.
func TestMigrateWithoutSSLMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"", "prefer"} {
		u, err := url.Parse(dbtest.NewEmpty(t))
		if err != nil {
			t.Fatal(err)
		}
		query := u.Query()
		query.Del("sslmode")
		if mode != "" {
			query.Set("sslmode", mode)
		}
		u.RawQuery = query.Encode()
		migrate(t, u.String())
	}
}

// TestMigrateBadAddress: an address of nothing is an error, and the error does not show its password.
func TestMigrateBadAddress(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	for _, address := range []string{"postgres://u:" + secret + "@[", "postgres://u:" + secret + "@127.0.0.1:1/x?sslmode=disable"} {
		for what, err := range map[string]error{"migrate": db.Migrate(context.Background(), address, db.LoginPasswords{}, io.Discard), "roll back": db.Rollback(address, io.Discard)} {
			if err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("%s at a bad address: %v", what, err)
			}
		}
	}
}

// lintAllowed are statements in the up section of a migration that lose or rewrite what a running older program
// uses, by file and statement, each with the reason why that is safe.
var lintAllowed = map[string]string{
	"20261122000600_invitations.sql: drop policy memberships_insert on memberships":             "people are invited from now on; an older program that adds one by id is refused, and nothing is lost",
	"20261122000600_invitations.sql: drop policy memberships_admin_insert on memberships":       "as above",
	"20261123000100_authorizations.sql: alter table authorizations no force row level security": "a table that is new in the same transaction, so that its foreign key can be checked; forced again in it",
	"20261123000100_authorizations.sql: alter table integrations no force row level security":   "the owner fills in the default accounts under a lock, and forces it again in the same transaction",
	"20261125000500_credentials.sql: alter table connect_sessions drop constraint connect_sessions_platform_known, add constraint connect_sessions_platform_known check (platform in ('twitter', 'linkedin', 'facebook', 'mailchimp', 'mcp')) not valid":                                                                           "replaced in the same transaction by one that allows more",
	"20261123000500_old_credentials.sql: alter table integrations drop constraint integrations_credential_held":                                                                                                                                                                                                                    "replaced in the same transaction by one that allows more",
	"20261123000800_login_revocations.sql: drop function tenancy.login_in_use(uuid)":                                                                                                                                                                                                                                               "an older worker's revocation fails and is tried again until a newer one makes it",
	"20261124000100_publishing.sql: alter table publish_attempts drop constraint publish_attempts_outcome_known, add constraint publish_attempts_outcome_known check (outcome in ('published', 'credential', 'invalid', 'rate_limited', 'payment_required', 'transient', 'unknown_outcome', 'abandoned', 'withdrawn', 'waiting'))": "replaced in the same transaction by one that allows more",
	"20261123000800_login_revocations.sql: drop function tenancy.use_authorizations_of_erased(uuid)":                                                                                                                                                                                                                               "replaced in the same transaction by one that answers a column less; an older worker erases without telling the platforms",
}

var (
	lintForbidden = regexp.MustCompile(`(?i)\b(drop\s+(table|column|view|type|schema|constraint|default|not\s+null|index|policy|function|trigger)|` +
		`alter\s+(column\s+\S+\s+)?(set\s+data\s+)?type|alter\s+type|rename|truncate|delete\s+from|disable\s+row|no\s+force|` +
		`set\s+not\s+null|security_invoker\s*=\s*(false|off)|cluster|vacuum\s+full|lock\s+table)\b`)
	sqlComment = regexp.MustCompile(`(?m)--.*$`)
	sqlBody    = regexp.MustCompile(`(?s)\$\$.*?\$\$`)
)

// lint gives what is wrong with a migration file.
func lint(name, content string) []string {
	var wrong []string
	up, down, found := strings.Cut(content, "-- migrate:down")
	if !strings.HasPrefix(content, "-- migrate:up\n") || !found || strings.TrimSpace(down) == "" {
		wrong = append(wrong, "it must begin with -- migrate:up and have a -- migrate:down that is not empty")
	}
	if strings.Contains(content, "transaction:false") {
		wrong = append(wrong, "it does not run in a transaction, so that half of it may stay")
	}
	code := sqlBody.ReplaceAllString(sqlComment.ReplaceAllString(up, ""), "")
	if first, _, _ := strings.Cut(strings.TrimSpace(code), ";"); !strings.EqualFold(first, "set local row_security = off") {
		wrong = append(wrong, "its first statement must be: set local row_security = off")
	}
	if regexp.MustCompile(`_river_\d+_to_\d+\.sql$`).MatchString(name) {
		return wrong // River's own, unchanged: TestRiverIsUnchanged
	}
	for _, statement := range strings.Split(code, ";") {
		statement = strings.Join(strings.Fields(statement), " ")
		if forbidden := lintForbidden.FindString(statement); forbidden != "" && lintAllowed[name+": "+statement] == "" {
			wrong = append(wrong, fmt.Sprintf("%q in %q is not compatible with a program that still runs; list it in lintAllowed with the reason", forbidden, statement))
		}
	}
	return wrong
}

// TestMigrationFiles holds every file to what zero-downtime upgrades ask for, and the lint to its word.
func TestMigrationFiles(t *testing.T) {
	t.Parallel()
	for _, name := range migrationFiles(t) {
		content, err := os.ReadFile(filepath.Join("migrations", name))
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^\d{14}_[a-z0-9_]+\.sql$`).MatchString(name) {
			t.Errorf("%s is not named like 20261121000100_what.sql", name)
		}
		for _, wrong := range lint(name, string(content)) {
			t.Errorf("%s: %s", name, wrong)
		}
	}
	const good = "-- migrate:up\n-- drop table, only in words\nset local row_security = off;\n%s\n-- migrate:down\ndrop table x;\n"
	if wrong := lint("x.sql", fmt.Sprintf(good, "create table x (id uuid); alter table x enable row level security;")); len(wrong) > 0 {
		t.Errorf("the lint finds fault with a good file: %q", wrong)
	}
	for _, bad := range []string{
		"alter table x drop column y;", "ALTER TABLE x\n  ALTER COLUMN y\n TYPE text;", "alter table x rename to z;", "alter table x rename y to z;", "drop table x;",
		"truncate x;", "delete from x;", "alter table x alter y set not null;", "alter table x disable row level security;", "drop policy p on x;",
	} {
		if wrong := lint("x.sql", fmt.Sprintf(good, bad)); len(wrong) != 1 {
			t.Errorf("the lint says %q of %s", wrong, bad)
		}
	}
	for _, bad := range []string{"create table x ();", "-- migrate:up\ncreate table x ();\n-- migrate:down\ndrop table x;", "-- migrate:up\nset local row_security = off;"} {
		if wrong := lint("x.sql", bad); len(wrong) == 0 {
			t.Errorf("the lint finds nothing wrong with %q", bad)
		}
	}
}
