// Package db holds the schema: the migrations, the roles, and the code that applies both. It begins no
// transaction on tenant tables; that is db/tenant's work alone.
package db

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/amacneil/dbmate/v2/pkg/dbmate"
	_ "github.com/amacneil/dbmate/v2/pkg/driver/postgres" // dbmate finds its driver by the URL's scheme
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed migrations/*.sql
var migrations embed.FS

//go:embed roles.sql
var roles string

// LoginPasswords are the passwords that Migrate sets for the roles that log in. An empty one is left as it is.
type LoginPasswords struct {
	Owner, Login, Worker, Backup string
}

// Migrate brings the database at adminURL up to this program's schema: it makes the roles when the URL's
// role may do so, then runs the migrations as fanfare_owner. Safe to run at any time and by several
// processes at once. A database that holds another application's tables is refused before anything is
// changed. log receives a line per migration and per password.
func Migrate(ctx context.Context, adminURL string, passwords LoginPasswords, log io.Writer) error {
	conn, err := pgx.Connect(ctx, adminURL)
	if err != nil {
		return fmt.Errorf("connect for migrations: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := refuseForeign(ctx, conn); err != nil {
		return err
	}
	if err := ensureRoles(ctx, conn, passwords, log); err != nil {
		return err
	}
	// One migrator at a time; dbmate itself takes no lock. The lock ends with this connection.
	if _, err := conn.Exec(ctx, "select pg_advisory_lock(7262835002)"); err != nil {
		return fmt.Errorf("lock migrations: %w", err)
	}
	migrator, err := newMigrator(adminURL, sslMode(conn), log)
	if err != nil {
		return err
	}
	if err := migrator.Migrate(); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	// The audit log needs a table per month. The worker makes them ahead of time; this is for an installation that
	// has stood still. Nothing is dropped here.
	if _, err := conn.Exec(ctx, "begin; set local role fanfare_owner; select tenancy.maintain_audit(null); commit"); err != nil {
		return fmt.Errorf("make the months of the audit log: %w", err)
	}
	return nil
}

// Rollback takes back the newest migration. For development and tests.
func Rollback(adminURL string, log io.Writer) error {
	migrator, err := newMigrator(adminURL, "", log)
	if err != nil {
		return err
	}
	if err := migrator.Rollback(); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}

// Version is the newest migration that this program knows, as it stands in schema_migrations.
func Version() string {
	entries, err := migrations.ReadDir("migrations")
	if err != nil || len(entries) == 0 {
		panic("db: the migrations are not in this program") // they are embedded at build time
	}
	version, _, _ := strings.Cut(entries[len(entries)-1].Name(), "_")
	return version
}

// refuseForeign refuses a database that is not Fanfare's and holds tables: it is another application's, and
// that application would lose its rights in schema public. It only reads catalogues, which any role may.
func refuseForeign(ctx context.Context, conn *pgx.Conn) error {
	var tables []string
	err := conn.QueryRow(ctx, `
		select coalesce(array_agg(format('%I.%I', n.nspname, c.relname) order by c.relname), '{}')
		from pg_catalog.pg_class c
		join pg_catalog.pg_namespace n on n.oid = c.relnamespace
		join pg_catalog.pg_roles r on r.oid = c.relowner
		where n.nspname = 'public' and c.relkind in ('r', 'p', 'f', 'v', 'm')
			-- An extension's are nobody's. dbmate's own table stays when all is rolled back.
			and not exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
			and not (c.relname = 'schema_migrations' and r.rolname = 'fanfare_owner')
			-- The first migration makes this schema, before any table.
			and not exists (select from pg_catalog.pg_namespace t join pg_catalog.pg_roles o on o.oid = t.nspowner
				where t.nspname = 'tenancy' and o.rolname = 'fanfare_owner')`).Scan(&tables)
	if err != nil {
		return fmt.Errorf("look for other applications' tables: %w", err)
	}
	if len(tables) == 0 {
		return nil
	}
	const shown = 3
	list := strings.Join(tables[:min(shown, len(tables))], ", ")
	if len(tables) > shown {
		list += ", …"
	}
	return fmt.Errorf("the database holds tables of another application (%s); nothing was changed; give Fanfare a database of its own", list)
}

// sslMode is how the migrator must connect to reach what conn has reached, empty where it finds out by itself.
// Where neither the URL nor the environment decides, pgx tries both ways and the migrator's driver does not.
func sslMode(conn *pgx.Conn) string {
	switch conn.PgConn().Conn().(type) {
	case *net.UnixConn:
		return "disable"
	case *tls.Conn:
		if len(conn.Config().Fallbacks) > 0 {
			return "require"
		}
	default:
		if len(conn.Config().Fallbacks) > 0 {
			return "disable"
		}
	}
	return ""
}

// newMigrator prepares dbmate. sslmode counts where the URL does not decide.
func newMigrator(adminURL, sslmode string, log io.Writer) (*dbmate.DB, error) {
	u, err := url.Parse(adminURL)
	if err != nil {
		return nil, errors.New("the database URL cannot be parsed; it must look like postgres://role:password@host:port/database")
	}
	query := u.Query()
	// Whoever connects, everything that a migration makes belongs to the owner.
	query.Set("options", "-c role=fanfare_owner -c lock_timeout=10s -c search_path=public")
	if given := query.Get("sslmode"); sslmode != "" && (given == "" || given == "allow" || given == "prefer") {
		query.Set("sslmode", sslmode)
	}
	u.RawQuery = query.Encode()
	migrator := dbmate.New(u)
	migrator.FS = migrations
	migrator.MigrationsDir = []string{"migrations"}
	migrator.AutoDumpSchema = false
	migrator.Strict = true
	migrator.Log = log
	return migrator, nil
}

// ensureRoles runs roles.sql when the connected role may make roles, and otherwise makes sure that somebody has.
func ensureRoles(ctx context.Context, conn *pgx.Conn, passwords LoginPasswords, log io.Writer) error {
	var mayCreate bool
	var missing int
	err := conn.QueryRow(ctx, `
		select (select rolsuper or rolcreaterole from pg_roles where rolname = current_user),
			8 - (select count(*) from pg_roles where rolname in ('fanfare_owner', 'fanfare_definer', 'fanfare_login',
				'fanfare_user', 'fanfare_agent', 'fanfare_admin', 'fanfare_worker', 'fanfare_backup'))`).Scan(&mayCreate, &missing)
	if err != nil {
		return fmt.Errorf("look for roles: %w", err)
	}
	if !mayCreate {
		if missing > 0 {
			return errors.New("the roles of Fanfare do not exist and this database role may not make them; " +
				"run db/roles.sql once as an administrator of the server, or give `fanfare migrate` an administrator's URL")
		}
		if passwords != (LoginPasswords{}) {
			fmt.Fprintln(log, "No password was set: this database role may not change roles.")
		}
		return nil
	}
	if err := againOnCollision(ctx, func() error {
		_, err := conn.Exec(ctx, roles)
		return err
	}); err != nil {
		return fmt.Errorf("make roles: %w", err)
	}
	for _, login := range []struct{ role, password string }{
		{"fanfare_owner", passwords.Owner}, {"fanfare_login", passwords.Login}, {"fanfare_worker", passwords.Worker},
		{"fanfare_backup", passwords.Backup},
	} {
		role, password := login.role, login.password
		if password == "" {
			continue
		}
		var statement string
		err := conn.QueryRow(ctx, "select format('alter role %I password %L', $1::text, $2::text)", role, password).Scan(&statement)
		if err != nil {
			return fmt.Errorf("set password of %s: %w", role, err)
		}
		if err := againOnCollision(ctx, func() error {
			_, err := conn.Exec(ctx, statement)
			return err
		}); err != nil {
			return fmt.Errorf("set password of %s: %w", role, redact(err))
		}
		fmt.Fprintln(log, "Set the password of", role)
	}
	return nil
}

// againOnCollision repeats a change of the server's shared catalogue that met another installer's, at most
// 20 times over about four seconds. Such a change is all or nothing.
func againOnCollision(ctx context.Context, change func() error) error {
	var err error
	for attempt := range 20 {
		var pgErr *pgconn.PgError
		if err = change(); err == nil || !errors.As(err, &pgErr) {
			return err
		}
		switch pgErr.Code {
		case "23505", "42710": // the other made the same role or membership
		case "XX000": // "tuple concurrently updated", which has no code of its own
			if !strings.Contains(pgErr.Message, "concurrently") {
				return err
			}
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(time.Duration(attempt) * 20 * time.Millisecond):
		}
	}
	return err
}

// redact keeps a statement with a password in it out of an error.
func redact(err error) error {
	return errors.New(strings.SplitN(err.Error(), "\n", 2)[0])
}

// Unmigrated tells whether a statement failed because the schema is not there: no such schema, table or function.
func Unmigrated(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && slices.Contains([]string{"3F000", "42P01", "42883"}, pgErr.Code)
}

// Checksum tells two schemas apart that have the same Version: one whose migrations are still being
// written changes without a new file.
func Checksum() string {
	sum := sha256.New()
	_, _ = io.WriteString(sum, roles) // a hash never fails to write
	entries, err := migrations.ReadDir("migrations")
	if err != nil {
		panic("db: the migrations are not in this program") // they are embedded at build time
	}
	for _, entry := range entries {
		content, err := migrations.ReadFile("migrations/" + entry.Name())
		if err != nil {
			panic("db: the migrations are not in this program")
		}
		_, _ = sum.Write(content)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
