package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// runAs executes one statement in a scope.
func runAs(ctx context.Context, db *tenant.DB, scope tenant.Scope, sql string, args ...any) (rows int64, err error) {
	err = db.Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		tag, err := tx.Exec(ctx, sql, args...)
		rows = tag.RowsAffected()
		return err
	})
	return rows, err
}

// TestExportsOfArchived: whoever may take a customer's data out may do so in an archived customer too, one archive
// at a time, and lengthens no archive's day.
func TestExportsOfArchived(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	if _, err := d.Super.Exec(ctx, "update customers set archived_at = now() where id = $1", a.id); err != nil {
		t.Fatal(err)
	}
	system := d.User(t, dbtest.User{SystemRole: "admin"})
	for name, scope := range map[string]tenant.Scope{
		"owner": a.people["owner"].Scope().In(a.id), "admin": a.people["admin"].Scope().In(a.id), "system admin": system.Scope().In(a.id),
	} {
		id := newID(t)
		if _, err := runAs(ctx, d.Tenant(), scope, "insert into exports (id) values ($1)", id); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_, err := runAs(ctx, d.Tenant(), scope, "insert into exports (id) values ($1)", newID(t))
		if got, want := refused(err), (refusal{"23505", "exports_one_at_a_time"}); got != want {
			t.Errorf("%s asks for a second one: %v", name, err)
		}
		_, err = runAs(ctx, d.Tenant(), scope, "update exports set expires_at = now() + interval '1 year'")
		expectRefused(t, name+" lengthens the day", err, denied)
		if rows, err := runAs(ctx, d.Tenant(), scope, "delete from exports where id = $1", id); rows != 1 || err != nil {
			t.Errorf("%s deletes: %d rows, %v", name, rows, err)
		}
	}
	without := tenant.User(system.Subject, tenant.Request{}).In(a.id)
	for _, sql := range []string{"insert into exports (id) values (gen_random_uuid())", "update exports set expires_at = now()", "delete from exports"} {
		_, err := runAs(ctx, d.Tenant(), without, sql)
		expectRefused(t, "a system admin without a reason: "+sql, err, "FF004")
	}
	for _, role := range []string{"member", "viewer"} {
		_, err := runAs(ctx, d.Tenant(), a.people[role].Scope().In(a.id), "select 1 from exports")
		expectRefused(t, role, err, denied)
	}
}

// namesCustomer are columns that name a customer otherwise, and are erased with it; namesErased are those that may
// name one for good.
var (
	namesCustomer = []string{"public.chat_outbox.subject_id", "public.idempotency_keys.subject_id"}
	namesErased   = []string{"public.erasures.subject_id"}
)

// TestErasedColumns: what an erasure deletes is every table with customer_id, and every row that names a customer
// otherwise.
func TestErasedColumns(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	wanted := slices.Clone(namesCustomer)
	for _, table := range tenantTables(ctx, t, d.Super) {
		wanted = append(wanted, table+".customer_id")
	}
	slices.Sort(wanted)
	erased := column[string](ctx, t, d.Super, "select table_name || '.' || column_name from tenancy.erased_columns()")
	slices.Sort(erased)
	if diff := cmp.Diff(wanted, erased); diff != "" {
		t.Errorf("columns that name a customer (-schema +erased):\n%s", diff)
	}
	subjects := column[string](ctx, t, d.Super, cteOurs+`select o.name || '.' || a.attname from ours o
		join pg_attribute a on a.attrelid = o.oid and a.attname = 'subject_id' where o.relkind in ('r', 'p') order by 1`)
	named := slices.Concat(namesErased, namesCustomer)
	slices.Sort(named)
	if diff := cmp.Diff(named, subjects); diff != "" {
		t.Errorf("columns with the id of a customer that may be gone (-listed +schema):\n%s", diff)
	}
}

// requestErasure asks for the erasure of a customer as its owner, archived before.
func requestErasure(ctx context.Context, t testing.TB, d *dbtest.DB, h *house) (erasure uuid.UUID) {
	t.Helper()
	erasure = newID(t)
	if _, err := d.Super.Exec(ctx, "update customers set archived_at = now() where id = $1", h.id); err != nil {
		t.Fatal(err)
	}
	if _, err := runAs(ctx, d.Tenant(), h.people["owner"].Scope().In(h.id), "select tenancy.request_erasure($1, $2)", erasure, h.mark+" customer"); err != nil {
		t.Fatal(err)
	}
	return erasure
}

func TestRequestErasure(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	system := d.User(t, dbtest.User{SystemRole: "admin"})
	ask := func(scope tenant.Scope, name string) error {
		_, err := runAs(ctx, d.Tenant(), scope, "select tenancy.request_erasure(gen_random_uuid(), $1)", name)
		return err
	}
	owner := a.people["owner"].Scope()
	if got := refused(ask(owner.In(a.id), "ours customer")); got != (refusal{badCheck, "erasures_of_archived"}) {
		t.Errorf("a customer in use: %v", got)
	}
	if _, err := d.Super.Exec(ctx, "update customers set archived_at = now() where id = $1", a.id); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "ours", "Ours customer", "ours customer "} {
		if got := refused(ask(owner.In(a.id), name)); got != (refusal{badCheck, "erasures_name_given"}) {
			t.Errorf("by the name %q: %v", name, got)
		}
	}
	for name, scope := range map[string]tenant.Scope{
		"admin": a.people["admin"].Scope().In(a.id), "viewer": a.people["viewer"].Scope().In(a.id), "in no customer": owner,
		"system manager": d.User(t, dbtest.User{SystemRole: "manager"}).Scope().In(a.id), "key": a.key.Scope().In(a.id), "agent": a.token.Scope().In(a.id),
	} {
		expectRefused(t, name, ask(scope, "ours customer"), denied)
	}
	expectRefused(t, "system admin without a reason", ask(tenant.User(system.Subject, tenant.Request{}).In(a.id), "ours customer"), "FF004")
	_, err := runAs(ctx, d.TenantWorker(), tenant.Worker(a.id, tenant.Request{}), "select tenancy.request_erasure(gen_random_uuid(), 'ours customer')")
	expectRefused(t, "worker", err, denied)
	if n := one[int64](ctx, t, d.Super, "select count(*) from erasures") + one[int64](ctx, t, d.Super, "select count(*) from customers where erasing_at is not null"); n != 0 {
		t.Error("a refused request has done something")
	}
	if err := ask(system.Scope().In(a.id), "ours customer"); err != nil {
		t.Errorf("system admin: %v", err)
	}
}

// TestErase: from the request on the customer is not there for anybody, and step by step it is not there at all;
// nothing of another is touched.
func TestErase(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	d.Join(t, b.id, a.people["owner"].ID, "viewer")
	published := a.posts[0] // its rows are guarded like those of any post that is out
	if _, err := d.Super.Exec(ctx, `update posts set scheduled_at = now() where id = $1`, published); err != nil {
		t.Fatal(err)
	}
	for _, state := range []string{"scheduled", "publishing", "published"} {
		if _, err := d.Super.Exec(ctx, `update platform_posts set state = $2, external_id = 'x', published_at = now() where post_id = $1`, published, state); err != nil {
			t.Fatal(err)
		}
	}
	before := checksum(ctx, t, d, b.id)
	users := one[int64](ctx, t, d.Super, "select count(*) from users")
	erasure := requestErasure(ctx, t, d, a)

	system := d.User(t, dbtest.User{SystemRole: "admin"})
	enter := func(db *tenant.DB, scope tenant.Scope) error {
		_, err := runAs(ctx, db, scope, "select 1")
		return err
	}
	for name, err := range map[string]error{
		"owner": enter(d.Tenant(), a.people["owner"].Scope().In(a.id)), "viewer": enter(d.Tenant(), a.people["viewer"].Scope().In(a.id)),
		"system admin": enter(d.Tenant(), system.Scope().In(a.id)), "worker": enter(d.TenantWorker(), tenant.Worker(a.id, tenant.Request{})),
	} {
		if !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("%s enters: %v", name, err)
		}
	}
	for name, scope := range map[string]tenant.Scope{"key": a.key.Scope(), "agent": a.token.Scope(), "key inside": a.key.Scope().In(a.id)} {
		if err := enter(d.Tenant(), scope); !errors.Is(err, tenant.ErrInvalidKey) {
			t.Errorf("%s enters: %v", name, err)
		}
	}
	for name, scope := range map[string]tenant.Scope{"owner": a.people["owner"].Scope(), "system admin": system.Scope()} {
		if got := column[string](ctx, t, d.Tenant().Read(scope), "select name from customers"); !slices.Equal(got, []string{"theirs customer"}) {
			t.Errorf("%s lists %q", name, got)
		}
	}

	step := func(limit int) string {
		return one[string](ctx, t, d.Worker, "select tenancy.erase_step($1, $2)", erasure, limit)
	}
	if _, err := d.Super.Exec(ctx, "update river.river_job set state = 'running' where customer_id = $1", a.id); err != nil {
		t.Fatal(err)
	}
	posts := one[int64](ctx, t, d.Super, "select count(*) from posts")
	if got := step(100); got != "jobs" || one[int64](ctx, t, d.Super, "select count(*) from posts") != posts {
		t.Errorf("while a job runs: %q", got)
	}
	if _, err := d.Super.Exec(ctx, "update river.river_job set state = 'retryable' where customer_id = $1", a.id); err != nil {
		t.Fatal(err)
	}
	steps := 1
	for ; step(3) == "rows"; steps++ {
		if one[bool](ctx, t, d.Worker, "select tenancy.finish_erasure($1)", erasure) {
			t.Fatal("finished while there are rows")
		}
		if steps > 100 {
			t.Fatal("no end")
		}
	}
	if got := step(3); got != "nothing" {
		t.Errorf("once more: %q", got)
	}
	for range 2 {
		if !one[bool](ctx, t, d.Worker, "select tenancy.finish_erasure($1)", erasure) {
			t.Error("not finished")
		}
	}
	for _, table := range tenantTables(ctx, t, d.Super) {
		if n := one[int64](ctx, t, d.Super, "select count(*) from "+table+" where customer_id = $1", a.id); n != 0 {
			t.Errorf("%s: %d rows are left", table, n)
		}
	}
	if n := one[int64](ctx, t, d.Super, "select count(*) from customers where id = $1", a.id); n != 0 {
		t.Error("the customer is left")
	}
	if after := checksum(ctx, t, d, b.id); after != before {
		t.Error("the other customer's rows have changed")
	}
	if n := one[int64](ctx, t, d.Super, "select count(*) from users where id <> $1", system.ID); n != users {
		t.Errorf("%d users are left of %d", n, users)
	}
	_, err := d.Worker.Exec(ctx, "select tenancy.erase_step($1, 3)", erasure)
	expectRefused(t, "a step after the end", err, "P0002")

	// What a transaction leaves that had entered before, where no foreign key refuses it.
	for _, id := range []uuid.UUID{a.id, b.id} {
		if _, err := d.Super.Exec(ctx, `insert into river.river_job (customer_id, args, kind, max_attempts)
			values ($1, jsonb_build_object('customer_id', $1::uuid::text), 'late', 1)`, id); err != nil {
			t.Fatal(err)
		}
	}
	if n := one[int64](ctx, t, d.Worker, "select tenancy.forget_erased()"); n != 1 {
		t.Errorf("%d late rows were found", n)
	}
	if got := one[uuid.UUID](ctx, t, d.Super, "select customer_id from river.river_job where kind = 'late'"); got != b.id {
		t.Errorf("the late job of %s is left", got)
	}

	// The receipt: what was deleted, for whoever asked and for system roles.
	receipt := "select concat_ws(' ', state, counts ->> 'public.posts', counts ->> 'public.memberships', counts ->> 'river.river_job', counts ->> 'public.customers') from erasures where id = $1"
	for name, scope := range map[string]tenant.Scope{
		"owner": a.people["owner"].Scope(), "owner elsewhere": a.people["owner"].Scope().In(b.id), "system admin": system.Scope(),
		"system viewer": d.User(t, dbtest.User{SystemRole: "viewer"}).Scope(),
	} {
		if got := one[string](ctx, t, d.Tenant().Read(scope), receipt, erasure); got != "finished 2 5 1 1" {
			t.Errorf("%s reads %q", name, got)
		}
	}
	for name, scope := range map[string]tenant.Scope{
		"former admin": a.people["admin"].Scope(), "other owner": b.people["owner"].Scope(), "other owner inside": b.people["owner"].Scope().In(b.id),
	} {
		if got := column[string](ctx, t, d.Tenant().Read(scope), receipt, erasure); len(got) != 0 {
			t.Errorf("%s reads %q", name, got)
		}
	}
	for _, sql := range []string{"delete from erasures", "update erasures set files = 9", "insert into erasures (id, subject_id, requested_by, has_files) values (gen_random_uuid(), gen_random_uuid(), tenancy.user_id(), false)"} {
		for _, scope := range []tenant.Scope{a.people["owner"].Scope(), system.Scope()} {
			_, err := runAs(ctx, d.Tenant(), scope, sql)
			expectRefused(t, sql, err, denied)
		}
	}
}

// TestEraseOnlyErased: a step touches no customer that was not given up, whatever is asked.
func TestEraseOnlyErased(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	before := checksum(ctx, t, d, a.id)
	for _, function := range []string{"erase_step($1, 10)", "finish_erasure($1)"} {
		_, err := d.Worker.Exec(ctx, "select tenancy."+function, newID(t))
		expectRefused(t, function, err, "P0002")
		_, err = runAs(ctx, d.Tenant(), a.people["owner"].Scope().In(a.id), "select tenancy."+function, newID(t))
		expectRefused(t, function+" as an owner", err, denied)
	}
	// What the worker may say of itself opens nothing but the view of the definer's functions.
	if _, err := d.Worker.Exec(ctx, "select set_config('fanfare.erasing', $1, false)", a.id.String()); err != nil {
		t.Fatal(err)
	}
	if _, err := runAs(ctx, d.TenantWorker(), tenant.Worker(a.id, tenant.Request{}), "delete from posts"); refused(err).Code != denied {
		t.Errorf("the worker deletes posts: %v", err)
	}
	if checksum(ctx, t, d, a.id) != before {
		t.Error("something has changed")
	}
}

// TestErasureSpeed measures the erasure of a large customer: 100,000 posts, each out on an account. FANFARE_PROVE=1
// or no -short for the whole of it.
func TestErasureSpeed(t *testing.T) {
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	posts := 100_000
	if testing.Short() && os.Getenv("FANFARE_PROVE") != "1" {
		posts = 5_000
	}
	fill := strings.Split(fmt.Sprintf(`set session_replication_role = replica;
		insert into posts (customer_id, id, title, text, state) select '%[1]s', gen_random_uuid(), 'Post ' || n, repeat('Text ', 100), 'published' from generate_series(1, %[2]d) n;
		insert into platform_posts (customer_id, id, post_id, integration_id, state, external_id, published_at)
			select p.customer_id, gen_random_uuid(), p.id, '%[3]s', 'published', p.id::text, now() from posts p where p.state = 'published';
		insert into publish_attempts (customer_id, platform_post_id, number, job_id, finished_at, outcome)
			select p.customer_id, p.id, 9, 1, now(), 'published' from platform_posts p where p.state = 'published';
		insert into audit_log (customer_id, id, occurred_at, actor_kind, action, resource_type)
			select p.customer_id, p.id, now(), 'user', 'post.create', 'post' from posts p;
		analyze posts, platform_posts, publish_attempts, audit_log`, a.id, posts, a.account), ";")
	conn, err := d.Super.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, sql := range fill {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	if err := conn.Conn().Close(ctx); err != nil {
		t.Fatal(err)
	}
	conn.Release()
	erasure := requestErasure(ctx, t, d, a)
	began, slowest, steps := time.Now(), time.Duration(0), 0
	for left := "rows"; left != "nothing"; steps++ {
		begin := time.Now()
		if left = one[string](ctx, t, d.Worker, "select tenancy.erase_step($1, 5000)", erasure); left == "jobs" {
			t.Fatal("a job runs")
		}
		slowest = max(slowest, time.Since(begin))
	}
	took := time.Since(began)
	t.Logf("%d posts, as many platform posts, attempts and rows of the log: %s in %d steps, the longest %s", posts, took.Round(time.Millisecond), steps, slowest.Round(time.Millisecond))
	if took > time.Minute {
		t.Errorf("erasing took %s", took)
	}
	if !one[bool](ctx, t, d.Worker, "select tenancy.finish_erasure($1)", erasure) {
		t.Error("something is left")
	}
}
