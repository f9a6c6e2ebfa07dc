package tenant_test

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/db/dbtest"
)

// relation is a table or view of ours.
type relation struct {
	Name   string // with its schema
	Column string // the first
	View   bool
	Tenant bool // belongs to a customer, or is one
}

// relations are all tables and views outside of Postgres's own schemas.
func relations(t *testing.T, d *dbtest.DB) []relation {
	t.Helper()
	rows, err := d.Super.Query(t.Context(), `
		select format('%I.%I', n.nspname, c.relname) as name, quote_ident(first.attname) as column, c.relkind in ('v', 'm') as view,
			c.relname = 'customers' or exists (
				select from pg_attribute a where a.attrelid = c.oid and a.attname = 'customer_id') as tenant
		from pg_class c
			join pg_namespace n on n.oid = c.relnamespace
			join pg_attribute first on first.attrelid = c.oid and first.attnum = 1
		where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
		order by 1`)
	must(t, err)
	found, err := pgx.CollectRows(rows, pgx.RowToStructByName[relation])
	must(t, err)
	if len(found) < 15 {
		t.Fatalf("only %d tables and views found: %v", len(found), found)
	}
	return found
}

// fillRest makes rows in the tables that setup leaves empty. In an empty table a policy is never asked.
func fillRest(t *testing.T, d bundle) {
	t.Helper()
	for _, statement := range []string{
		"insert into campaigns (customer_id, id, name) select id, gen_random_uuid(), 'Campaign' from customers",
		`insert into publish_attempts (customer_id, platform_post_id, number, job_id) select customer_id, id, 1, 1 from platform_posts`,
		`insert into media (customer_id, id, path, content_type, bytes) select customer_id, id, id::text, 'image/png', 1 from posts`,
		"insert into post_media (customer_id, post_id, media_id, position) select customer_id, id, id, 0 from posts",
		`insert into system_roles (user_id, role) select id, 'viewer' from users limit 1`,
	} {
		_, err := d.Super.Exec(t.Context(), statement)
		must(t, err)
	}
}

func TestOutsideOfATransaction(t *testing.T) {
	t.Parallel()

	// denied expects a statement to be refused for want of permission, and not to answer nothing.
	denied := func(t *testing.T, pool *pgxpool.Pool, statement string) {
		t.Helper()
		_, err := pool.Exec(t.Context(), statement)
		if err == nil {
			t.Errorf("%s: allowed", statement)
			return
		}
		wantCode(t, err, "42501")
	}

	t.Run("the login may touch no table and no view", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		fillRest(t, d)
		for _, r := range relations(t, d.DB) {
			denied(t, d.Login, "select "+r.Column+" from "+r.Name)
			denied(t, d.Login, "select count(*) from "+r.Name)
			if r.View {
				continue
			}
			denied(t, d.Login, "select "+r.Column+" from "+r.Name+" for update")
			denied(t, d.Login, "insert into "+r.Name+" default values")
			denied(t, d.Login, fmt.Sprintf("update %s set %s = %[2]s", r.Name, r.Column))
			denied(t, d.Login, "delete from "+r.Name)
			denied(t, d.Login, "truncate "+r.Name)
		}
	})

	t.Run("the worker may touch no table of a tenant", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		fillRest(t, d)
		checked := 0
		for _, r := range relations(t, d.DB) {
			if !r.Tenant || r.Name == "river.river_job" { // its queue; its tests are the job package's
				continue
			}
			checked++
			denied(t, d.Worker, "select "+r.Column+" from "+r.Name)
			denied(t, d.Worker, "select count(*) from "+r.Name)
			if r.View {
				continue
			}
			denied(t, d.Worker, "insert into "+r.Name+" default values")
			denied(t, d.Worker, "delete from "+r.Name)
			denied(t, d.Worker, "truncate "+r.Name)
		}
		if checked < 9 {
			t.Errorf("only %d tables of tenants were found", checked)
		}
		denied(t, d.Worker, "update posts set state = 'cancelled'")
		denied(t, d.Worker, "update platform_posts set state = 'cancelled'")
		denied(t, d.Worker, "update integrations set state = 'needs_reauth'")
		denied(t, d.Worker, "update publish_attempts set outcome = 'abandoned', finished_at = now()")
		denied(t, d.Worker, "select * from posts_with_platforms")
	})

	t.Run("neither login becomes a role that is not its own", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		denied(t, d.Login, "set role fanfare_owner")
		denied(t, d.Login, "set role fanfare_definer")
		denied(t, d.Login, "set role fanfare_worker")
		denied(t, d.Worker, "set role fanfare_user")
		denied(t, d.Worker, "set role fanfare_admin")
	})
}
