package db_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// TestUsageParallel: what many count at once, while several workers add up, is all there at every moment, and in the end on its day.
func TestUsageParallel(t *testing.T) {
	t.Parallel()
	const each, callers = 40, 8
	ctx := t.Context()
	d := dbtest.New(t)
	withBothUsage(t, d)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	mustExec(t, d, "delete from usage_days")
	mustExec(t, d, "delete from usage_entries")
	done := make(chan struct{})
	var upkeep, counting sync.WaitGroup
	for range 3 {
		upkeep.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := d.Worker.Exec(ctx, "select tenancy.add_up_usage(11)"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	upkeep.Go(func() { // what was there stays there
		last := 0
		for {
			select {
			case <-done:
				return
			default:
			}
			var n int
			if err := d.Super.QueryRow(ctx, "select coalesce(sum(count), 0)::int from both_usage").Scan(&n); err != nil || n < last {
				t.Errorf("%d are counted after %d: %v", n, last, err)
			}
			last = n
		}
	})
	for i := range callers {
		h := []*house{a, b}[i%2]
		scope := []tenant.Scope{h.people["viewer"].Scope(), h.key.Scope(), h.token.Scope(), h.people["owner"].Scope()}[i/2].In(h.id)
		counting.Go(func() {
			for range each {
				if _, err := runAs(ctx, d.Tenant(), scope, "select tenancy.count_usage('search_images', 3)"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	counting.Wait()
	close(done)
	upkeep.Wait()
	if _, err := d.Worker.Exec(ctx, "select tenancy.add_up_usage(100000)"); err != nil {
		t.Fatal(err)
	}
	got := column[string](ctx, t, d.Super, "select concat_ws(' ', customer_id, kind, count, day = (now() at time zone 'UTC')::date) from usage_days")
	slices.Sort(got)
	want := []string{fmt.Sprintf("%s search_images %d t", a.id, 3*each*callers/2), fmt.Sprintf("%s search_images %d t", b.id, 3*each*callers/2)}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("usage is %v, want %v", got, want)
	}
	if n := one[int](ctx, t, d.Super, "select count(*)::int from usage_entries"); n != 0 {
		t.Errorf("%d entries are left", n)
	}
}

// TestUsageCounted: what callers count themselves is requests to a library of photos, few at a time, and by whoever may search there.
func TestUsageCounted(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	mustExec(t, d, "delete from usage_entries")
	member := a.people["member"].Scope().In(a.id)
	const count = "select tenancy.count_usage($1, $2)"
	for _, c := range []struct {
		kind  any
		count any
	}{
		{"image_search", 1}, {"generate_post", 1}, {"post_published", 1}, {"", 1}, {nil, 1},
		{"search_images", int64(math.MaxInt64)}, {"search_images", 101}, {"search_images", 0}, {"search_images", -1}, {"search_images", nil},
	} {
		_, err := runAs(ctx, d.Tenant(), member, count, c.kind, c.count)
		expectRefused(t, fmt.Sprint(c), err, "22023")
	}
	writing := d.APIKey(t, dbtest.APIKey{CustomerID: a.id, CreatedBy: a.people["owner"].ID, Permissions: []string{"posts:write"}})
	other := d.APIKey(t, dbtest.APIKey{CustomerID: a.id, CreatedBy: a.people["owner"].ID, Permissions: []string{"customer:read", "memories:write"}})
	for name, test := range map[string]struct {
		scope tenant.Scope
		may   bool
	}{
		"viewer": {a.people["viewer"].Scope().In(a.id), true}, "key": {writing.Scope().In(a.id), true}, "agent": {a.token.Scope().In(a.id), true},
		"system viewer": {d.User(t, dbtest.User{SystemRole: "viewer"}).Scope().In(a.id), true},
		"other key":     {other.Scope().In(a.id), false}, "in no customer": {a.people["owner"].Scope(), false},
	} {
		_, err := runAs(ctx, d.Tenant(), test.scope, count, "search_images", 1)
		if test.may && err != nil || !test.may && refused(err).Code != denied {
			t.Errorf("%s counts: %v", name, err)
		}
	}
	if _, err := runAs(ctx, d.Tenant(), other.Scope().In(a.id), count, "embed_text", 1); err != nil {
		t.Errorf("a search among memories: %v", err)
	}
	_, err := runAs(ctx, d.Tenant(), writing.Scope().In(a.id), count, "embed_text", 1)
	expectRefused(t, "a search among memories by a key for posts", err, denied)
	_, err = runAs(ctx, d.TenantWorker(), tenant.Worker(a.id, tenant.Request{}), count, "search_images", 1)
	expectRefused(t, "the worker", err, denied)
	if got := one[string](ctx, t, d.Super, "select concat_ws(' ', count(*), sum(count)) from usage_entries"); got != "5 5" {
		t.Errorf("counted is %s", got)
	}
	// No other way makes an entry that could not be added up.
	for _, column := range []string{"count", "input_tokens", "output_tokens", "cost_microusd"} {
		for _, n := range []int64{-1, 1_000_000_000_001, math.MaxInt64} {
			_, err := d.Super.Exec(ctx, "insert into usage_entries (customer_id, kind, "+column+") values ($1, 'x', $2)", a.id, n)
			expectRefused(t, column, err, "23514")
		}
	}
	if _, err := d.Worker.Exec(ctx, "select tenancy.add_up_usage(1000)"); err != nil {
		t.Error(err)
	}
}

// TestUsageOfPublishedPosts: a post counts once it is out, whoever knows it, on its platform and once.
func TestUsageOfPublishedPosts(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	mustExec(t, d, "delete from usage_entries")
	counted := func() []string {
		return column[string](ctx, t, d.Super, "select concat_ws(' ', customer_id = $1, kind, platform, count) from usage_entries", a.id)
	}
	set := func(sql string) {
		t.Helper()
		mustExec(t, d, sql, a.platform)
		if state := one[string](ctx, t, d.Super, "select state from platform_posts where id = $1", a.platform); state != "published" && len(counted()) > 0 {
			t.Errorf("%s counts as %v", state, counted())
		}
	}
	mustExec(t, d, "update posts set scheduled_at = now() where id = $1", a.posts[0])
	set("update platform_posts set state = 'scheduled' where id = $1")
	set("update platform_posts set state = 'publishing' where id = $1")
	set("update platform_posts set state = 'needs_attention', problem = 'x', problem_class = 'unknown_outcome' where id = $1")
	if _, err := runAs(ctx, d.Tenant(), a.people["owner"].Scope().In(a.id),
		"update platform_posts set state = 'published', external_id = 'x', published_at = '2026-01-01' where id = $1", a.platform); err != nil {
		t.Fatal(err)
	}
	mustExec(t, d, "update platform_posts set external_url = 'https://x.example' where id = $1", a.platform)
	if got := counted(); !slices.Equal(got, []string{"t post_published ghost 1"}) {
		t.Errorf("a published post counts as %v", got)
	}
}

// TestUsageOfMessages: what is said in a chat counts, by its platform and by who says it.
func TestUsageOfMessages(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	withBothUsage(t, d)
	customer := d.Customer(t, dbtest.Customer{})
	owner := d.Member(t, customer.ID, "owner")
	space := newID(t)
	mustExec(t, d, "insert into spaces (customer_id, id, platform, bot, kind, external_id, permissions, paired_by) values ($1, $2, 'telegram', 'b', 'user', '1', '{posts:read}', $3)", customer.ID, space, owner.ID)
	for _, direction := range []string{"in", "in", "out"} {
		if _, err := runAs(ctx, d.TenantWorker(), tenant.Worker(customer.ID, tenant.Request{}),
			"insert into messages (id, space_id, direction, text) values ($1, $2, $3, 'Hello')", newID(t), space, direction); err != nil {
			t.Fatal(err)
		}
	}
	got := column[string](ctx, t, d.Super, "select concat_ws(' ', customer_id = $1, kind, platform, sum(count)) from both_usage group by customer_id, kind, platform order by kind", customer.ID)
	if want := []string{"t message_received telegram 2", "t message_sent telegram 1"}; !slices.Equal(got, want) {
		t.Errorf("messages count as %v, want %v", got, want)
	}
}

// TestUsageOfMemories: a memory counts each time an embeddings server has told what it means, and not when it refused or forgot it.
func TestUsageOfMemories(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	customer := d.Customer(t, dbtest.Customer{})
	id := newID(t)
	mustExec(t, d, "insert into memories (customer_id, id, text) values ($1, $2, 'Soup on Mondays')", customer.ID, id)
	for i, step := range []struct {
		sql  string
		want int
	}{
		{"update memories set embedding = '{1,2}', embedding_model = 'a' where id = $1", 1},
		{"update memories set embedding = '{1,2}', embedding_model = 'b' where id = $1", 2},
		{"update memories set text = 'Soup on Fridays' where id = $1", 2},
		{"update memories set embedding_model = 'b' where id = $1", 2}, // refused
		{"update memories set embedding = '{1,2}', embedding_model = 'b' where id = $1", 3},
	} {
		mustExec(t, d, step.sql, id)
		if n := one[int](ctx, t, d.Super, "select coalesce(sum(count), 0)::int from usage_entries where customer_id = $1 and kind = 'embed_text'", customer.ID); n != step.want {
			t.Errorf("after step %d it counts %d, want %d", i+1, n, step.want)
		}
	}
}

// TestUsageOfGoneCustomers: what is left of an erased customer is dropped and keeps nobody else's from being added up.
func TestUsageOfGoneCustomers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	there := d.Customer(t, dbtest.Customer{}).ID
	mustExec(t, d, "insert into usage_entries (customer_id, kind) values ($1, 'x'), ($2, 'x')", newID(t), there)
	if n := one[int64](ctx, t, d.Worker, "select tenancy.add_up_usage(100)"); n != 2 {
		t.Errorf("%d entries were taken, want 2", n)
	}
	if got := column[uuid.UUID](ctx, t, d.Super, "select customer_id from usage_days union all select customer_id from usage_entries"); !slices.Equal(got, []uuid.UUID{there}) {
		t.Errorf("usage is of %v, want %v", got, there)
	}
}

// TestUsageOfCustomers: the list over all customers is for system roles, month by month and page by page.
func TestUsageOfCustomers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	d.Customer(t, dbtest.Customer{}) // has used nothing
	mustExec(t, d, "insert into usage_days (customer_id, day, kind, count, input_tokens, output_tokens, cost_microusd) values ($1, '2030-01-31', 'generate_post', 2, 3, 4, 5), ($1, '2030-02-01', 'generate_post', 100, 0, 0, 0)", a.id)
	mustExec(t, d, "insert into usage_entries (customer_id, day, kind, count, input_tokens) values ($1, '2030-01-02', 'generate_post', 1, 1)", a.id)
	list := func(scope tenant.Scope, after uuid.UUID, limit int) (got []string, err error) {
		err = d.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			rows, err := tx.Query(ctx, "select concat_ws(' ', name, used #>> '{0,kind}', used #>> '{0,count}', used #>> '{0,input_tokens}', used #>> '{0,cost_microusd}', jsonb_array_length(used)) from tenancy.usage_of_customers('2030-01-15', $1, $2)", after, limit)
			if err != nil {
				return err
			}
			got, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		return got, err
	}
	system := d.User(t, dbtest.User{SystemRole: "viewer"}).Scope()
	want := []string{"ours customer generate_post 3 4 5 2", "theirs customer post_published 1 0 0 1"}
	if got, err := list(system, uuid.Nil, 10); err != nil || !slices.Equal(got, want) {
		t.Errorf("the list is %q, %v; want %q", got, err, want)
	}
	if got, err := list(system, a.id, 10); err != nil || !slices.Equal(got, want[1:]) {
		t.Errorf("the second page is %q, %v", got, err)
	}
	if got, err := list(system, uuid.Nil, 1); err != nil || !slices.Equal(got, want[:1]) {
		t.Errorf("the first page is %q, %v", got, err)
	}
	for name, scope := range map[string]tenant.Scope{"an owner": b.people["owner"].Scope(), "an owner in a customer": b.people["owner"].Scope().In(b.id), "a key": a.key.Scope().In(a.id)} {
		_, err := list(scope, uuid.Nil, 10)
		expectRefused(t, name, err, denied)
	}
}
