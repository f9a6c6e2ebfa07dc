package db_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// errTried rolls a trial back.
var errTried = errors.New("undo")

// can tells whether a statement reaches a row as the scope, and undoes it.
func can(ctx context.Context, d *dbtest.DB, scope tenant.Scope, sql string, args ...any) (bool, error) {
	var rows int64
	err := d.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		tag, err := tx.Exec(ctx, sql, args...)
		rows = tag.RowsAffected()
		if err == nil {
			err = errTried
		}
		return err
	})
	if errors.Is(err, errTried) {
		err = nil
	}
	return rows > 0, err
}

// permissions are what a scope may do once it is entered.
func permissions(ctx context.Context, t testing.TB, d *dbtest.DB, scope tenant.Scope) []string {
	t.Helper()
	found := one[[]string](ctx, t, d.Tenant().Read(scope), "select tenancy.permissions()")
	slices.Sort(found)
	return found
}

// TestKeyIsWorthItsMaker: what a key may do follows the role of whoever made it, at once and both ways; so does an
// agent token made from it.
func TestKeyIsWorthItsMaker(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	c := d.Customer(t, dbtest.Customer{})
	d.Member(t, c.ID, "owner")
	maker := d.Member(t, c.ID, "admin")
	key := d.APIKey(t, dbtest.APIKey{CustomerID: c.ID, CreatedBy: maker.ID})
	fromKey := d.AgentToken(t, dbtest.AgentToken{CustomerID: c.ID, KeyID: &key.ID})
	byHand := d.AgentToken(t, dbtest.AgentToken{CustomerID: c.ID, CreatedBy: &maker.ID})
	scopes := map[string]tenant.Scope{"key": key.Scope().In(c.ID), "its token": fromKey.Scope().In(c.ID), "the maker's token": byHand.Scope().In(c.ID)}
	post := "insert into posts (id, text) values (gen_random_uuid(), 'x')"
	for _, step := range []struct {
		change string
		writes bool
		dead   bool
	}{
		{"", true, false},
		{"update memberships set role = 'viewer' where user_id = $1", false, false},
		{"update memberships set role = 'member' where user_id = $1", true, false},
		{"delete from memberships where user_id = $1", false, true},
		// A system role is no membership: a key of it would act without a reason.
		{"insert into system_roles (user_id, role) values ($1, 'admin')", false, true},
	} {
		if step.change != "" {
			if _, err := d.Super.Exec(ctx, step.change, maker.ID); err != nil {
				t.Fatal(err)
			}
		}
		for name, scope := range scopes {
			wrote, err := can(ctx, d, scope, post)
			switch {
			case step.dead && !errors.Is(err, tenant.ErrInvalidKey):
				t.Errorf("after %q the %s is entered: %v", step.change, name, err)
			case !step.dead && step.writes && (err != nil || !wrote):
				t.Errorf("after %q the %s cannot write: %v", step.change, name, err)
			case !step.dead && !step.writes && refused(err).Code != denied:
				t.Errorf("after %q the %s: %v", step.change, name, err)
			}
		}
	}
}

// TestTokenIsNarrowerThanItsKey: a token has no permission that its key has not, and dies with it.
func TestTokenIsNarrowerThanItsKey(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	c := d.Customer(t, dbtest.Customer{})
	owner := d.Member(t, c.ID, "owner")
	key := d.APIKey(t, dbtest.APIKey{CustomerID: c.ID, CreatedBy: owner.ID, Permissions: []string{"posts:read", "tokens:mint"}})
	mint := "insert into agent_tokens (id, name, permissions, expires_at) values (gen_random_uuid(), 'x', $1, now() + interval '10 minutes')"
	if made, err := can(ctx, d, key.Scope().In(c.ID), mint, []string{"posts:read"}); err != nil || !made {
		t.Errorf("the key makes no token: %v", err)
	}
	_, err := can(ctx, d, key.Scope().In(c.ID), mint, []string{"posts:read", "posts:write"})
	expectRefused(t, "a token with more than its key", err, denied)
	_, err = can(ctx, d, key.Scope().In(c.ID), mint, []string{"posts:read", "tokens:mint"})
	expectRefused(t, "a token that makes tokens", err, badCheck)
	_, err = can(ctx, d, key.Scope().In(c.ID), "insert into agent_tokens (id, name, permissions, expires_at) values (gen_random_uuid(), 'x', '{posts:read}', now() + interval '61 minutes')")
	expectRefused(t, "a token for more than an hour", err, badCheck)

	// Whatever stands in its row, a token does no more than its key.
	token := d.AgentToken(t, dbtest.AgentToken{CustomerID: c.ID, KeyID: &key.ID})
	if got := permissions(ctx, t, d, token.Scope().In(c.ID)); !slices.Equal(got, []string{"posts:read"}) {
		t.Errorf("the token may %v", got)
	}
	_, err = can(ctx, d, token.Scope().In(c.ID), mint, []string{"posts:read"})
	expectRefused(t, "a token makes a token", err, denied)
	for _, end := range []string{"revoked_at = now()", "expires_at = now()"} {
		if _, err := d.Super.Exec(ctx, "update api_keys set revoked_at = null, expires_at = null"); err != nil {
			t.Fatal(err)
		}
		fresh := d.APIKey(t, dbtest.APIKey{CustomerID: c.ID, CreatedBy: owner.ID})
		its := d.AgentToken(t, dbtest.AgentToken{CustomerID: c.ID, KeyID: &fresh.ID})
		if _, err := can(ctx, d, its.Scope().In(c.ID), "select 1"); err != nil {
			t.Errorf("before its key ends: %v", err)
		}
		if _, err := d.Super.Exec(ctx, "update api_keys set "+end+" where id = $1", fresh.ID); err != nil {
			t.Fatal(err)
		}
		for name, scope := range map[string]tenant.Scope{"key": fresh.Scope(), "token": its.Scope()} {
			if _, err := can(ctx, d, scope.In(c.ID), "select 1"); !errors.Is(err, tenant.ErrInvalidKey) {
				t.Errorf("%s after %s: %v", name, end, err)
			}
		}
	}
}

// TestKeysEnterTheirCustomerAlone: another customer's and none at all are the same to a key; a wrong key, an expired
// and a revoked one are refused.
func TestKeysEnterTheirCustomerAlone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	for name, scope := range map[string]tenant.Scope{"key": a.key.Scope(), "token": a.token.Scope()} {
		_, theirs := can(ctx, d, scope.In(b.id), "select 1")
		_, nobodys := can(ctx, d, scope.In(newID(t)), "select 1")
		if !errors.Is(theirs, tenant.ErrNotFound) || theirs.Error() != nobodys.Error() {
			t.Errorf("%s: another's customer %v, nobody's %v", name, theirs, nobodys)
		}
		if got := column[string](ctx, t, d.Tenant().Read(scope), "select name from customers"); !slices.Equal(got, []string{a.mark + " customer"}) {
			t.Errorf("%s in no customer sees %v", name, got)
		}
		_, err := can(ctx, d, scope, "select 1 from posts")
		expectRefused(t, name+" in no customer reads posts", err, denied)
	}
	for name, scope := range map[string]tenant.Scope{
		"an unknown key":                 dbtest.APIKey{Key: "ffk_nobodys"}.Scope(),
		"an unknown token":               dbtest.AgentToken{CustomerID: a.id, ID: newID(t)}.Scope(),
		"a token under another customer": dbtest.AgentToken{CustomerID: b.id, ID: a.token.ID}.Scope(),
	} {
		if _, err := can(ctx, d, scope.In(a.id), "select 1"); !errors.Is(err, tenant.ErrInvalidKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := d.Super.Exec(ctx, "update agent_tokens set expires_at = now()"); err != nil {
		t.Fatal(err)
	}
	if _, err := can(ctx, d, a.token.Scope().In(a.id), "select 1"); !errors.Is(err, tenant.ErrInvalidKey) {
		t.Errorf("an expired token: %v", err)
	}
}

// TestDraftingIsNotPublishing: posts:write alone puts nothing on its way and touches nothing that is; posts:publish
// alone rewrites nothing.
func TestDraftingIsNotPublishing(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	with := func(permissions ...string) tenant.Scope {
		return d.APIKey(t, dbtest.APIKey{CustomerID: a.id, CreatedBy: a.people["owner"].ID, Permissions: permissions}).Scope().In(a.id)
	}
	writer, publisher := with("posts:write"), with("posts:publish")
	edit := "update platform_posts set text = 'x' where id = $1"
	schedule := "with p as (update posts set scheduled_at = now() where id = (select post_id from platform_posts where id = $1)) update platform_posts set state = 'scheduled' where id = $1"
	cancel := "update platform_posts set state = 'cancelled' where id = $1"
	for _, test := range []struct {
		name, state string
		scope       tenant.Scope
		sql         string
		allowed     bool
	}{
		{"drafting", "draft", writer, edit, true},
		{"drafting puts on its way", "draft", writer, schedule, false},
		{"drafting edits what is on its way", "scheduled", writer, edit, false},
		{"drafting takes back what is on its way", "scheduled", writer, cancel, false},
		{"publishing", "draft", publisher, schedule, true},
		{"publishing takes back", "scheduled", publisher, cancel, true},
		{"publishing rewrites", "draft", publisher, edit, false},
		{"publishing rewrites what is on its way", "scheduled", publisher, edit, false},
	} {
		if _, err := d.Super.Exec(ctx, "update posts set scheduled_at = now() + interval '1 day' where id = $1", a.posts[0]); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Super.Exec(ctx, "update platform_posts set state = $2 where id = $1", a.platform, test.state); err != nil {
			t.Fatal(err)
		}
		done, err := can(ctx, d, test.scope, test.sql, a.platform)
		if test.allowed && (err != nil || !done) || !test.allowed && done || err != nil && refused(err).Code != denied {
			t.Errorf("%s: %t, %v", test.name, done, err)
		}
	}
	if done, err := can(ctx, d, publisher, "update posts set title = 'x' where id = $1", a.posts[1]); done || refused(err).Code != denied {
		t.Errorf("publishing rewrites a post: %t, %v", done, err)
	}
	job := "insert into river.river_job (args, kind, max_attempts, state) values (jsonb_build_object('customer_id', $1::text), $2, 1, 'available')"
	_, err := can(ctx, d, writer, job, a.id, "publish")
	expectRefused(t, "drafting enqueues", err, denied)
	_, err = can(ctx, d, publisher, job, a.id, "something_else")
	expectRefused(t, "publishing enqueues another kind of job", err, denied)
}

// TestReadingNeedsPermission: a key sees nothing of what it has no permission for, and what asks for a permission that
// it lacks does not even enter.
func TestReadingNeedsPermission(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	key := d.APIKey(t, dbtest.APIKey{CustomerID: a.id, CreatedBy: a.people["owner"].ID, Permissions: []string{"tokens:mint"}})
	token := d.AgentToken(t, dbtest.AgentToken{CustomerID: a.id, KeyID: &a.key.ID, Permissions: []string{"jobs:read"}})
	for _, table := range append(tenantTables(ctx, t, d.Super), "customers", "users", "posts_with_platforms") {
		seen, err := can(ctx, d, key.Scope().In(a.id), "select 1 from "+table)
		if seen || err != nil && refused(err).Code != denied {
			t.Errorf("reading %s: %t, %v", table, seen, err)
		}
	}
	hash := sha256.Sum256([]byte(key.Key))
	for needs, want := range map[string]error{"tokens:mint": nil, "posts:read": tenant.ErrLacksPermission, "": tenant.ErrLacksPermission} {
		for name, scope := range map[string]tenant.Scope{
			"key":   tenant.Key(hash, strings.Fields(needs), tenant.Request{}),
			"token": tenant.Token(a.id, token.ID, strings.Fields(strings.ReplaceAll(needs, "tokens:mint", "jobs:read")), tenant.Request{}),
		} {
			if _, err := can(ctx, d, scope.In(a.id), "select 1"); !errors.Is(err, want) {
				t.Errorf("%s, for something that needs %q: %v", name, needs, err)
			}
		}
	}
	if _, err := can(ctx, d, tenant.Key(hash, nil, tenant.Request{}).In(a.id), "select 1"); !errors.Is(err, tenant.ErrLacksPermission) {
		t.Errorf("for something that says nothing: %v", err)
	}
}

// TestArchivedKeysRead: in an archived customer a key reads and changes nothing.
func TestArchivedKeysRead(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	if _, err := d.Super.Exec(ctx, "update customers set archived_at = now() where id = $1", a.id); err != nil {
		t.Fatal(err)
	}
	for _, scope := range []tenant.Scope{a.key.Scope().In(a.id), a.token.Scope().In(a.id)} {
		if seen, err := can(ctx, d, scope, "select 1 from posts"); err != nil || !seen {
			t.Errorf("reading: %v", err)
		}
		for table, statements := range commands(t, a, newID(t)) {
			for command, sql := range statements {
				if command[0] == 'w' || table == "public.agent_tokens" && command == "u" {
					continue // the worker's own; and revoking, which is never too much
				}
				if done, err := can(ctx, d, scope, sql); done || err != nil && refused(err).Code != denied {
					t.Errorf("%s %s: %t, %v", table, command, done, err)
				}
			}
		}
	}
}

// TestLastUse: the first use of a key is written down, the next ones within five minutes are not, and nobody waits.
func TestLastUse(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	scope := a.key.Scope().In(a.id)
	version := func() string {
		return one[string](ctx, t, d.Super, "select xmin::text || ' ' || coalesce(last_used_at::text, 'never') || ' v' || version from api_keys where id = $1", a.key.ID)
	}
	fresh := version()
	read := func() {
		t.Helper()
		if got := one[int64](ctx, t, d.Tenant().Read(scope), "select count(*) from posts"); got != 2 {
			t.Errorf("sees %d posts", got)
		}
	}
	read()
	used := version()
	if used == fresh {
		t.Error("the first use was not written down")
	}
	read()
	if again := version(); again != used {
		t.Errorf("written again: %s, before %s", again, used)
	}
	if _, err := d.Super.Exec(ctx, "update api_keys set last_used_at = now() - interval '6 minutes'"); err != nil {
		t.Fatal(err)
	}
	// Somebody else has the row locked: the use goes on without waiting.
	tx, err := d.Super.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "select 1 from api_keys where id = $1 for update", a.key.ID); err != nil {
		t.Fatal(err)
	}
	read()
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	before := version()
	read()
	if version() == before {
		t.Error("a use after five minutes was not written down")
	}
}

// TestSystemRolesGiveAReason: without a reason a system role reads, and every change is refused as such.
func TestSystemRolesGiveAReason(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	admin := d.User(t, dbtest.User{SystemRole: "admin"})
	silent := tenant.User(admin.Subject, tenant.Request{ID: "test"}).In(a.id)
	spoken := tenant.User(admin.Subject, tenant.Request{ID: "test", Reason: "a request of the owner"}).In(a.id)
	if seen, err := can(ctx, d, silent, "select 1 from posts"); err != nil || !seen {
		t.Errorf("reading: %v", err)
	}
	statements := commands(t, a, d.User(t, dbtest.User{}).ID)
	statements["public.customers"]["archive"] = "update customers set archived_at = now()"
	for table, rights := range may {
		for command, sql := range statements[table] {
			if command != "archive" && (len(command) > 1 || !slices.Contains([]byte(rights["s-admin"]), command[0])) {
				continue
			}
			_, err := can(ctx, d, silent, sql)
			if got := refused(err).Code; got != "FF004" {
				t.Errorf("%s %s without a reason: %v", table, command, err)
			}
			if done, err := can(ctx, d, spoken, sql); err != nil || !done {
				t.Errorf("%s %s with a reason: %v", table, command, err)
			}
		}
	}
}

// TestEnteringOfKeysIsTheLoginsAlone: nobody who has entered enters again as a key.
func TestEnteringOfKeysIsTheLoginsAlone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	for _, who := range intruders(t, d, a) {
		for _, sql := range []string{"select tenancy.enter_key('x', null, null, '')", "select tenancy.enter_token(null, null, null, null, '')",
			"select * from tenancy.agent_token_keys()", "select tenancy.add_agent_token_key(null, null, 1, null)",
			"select tenancy.permissions_of_user(null, null)", "select 1 from agent_token_keys"} {
			err := who.db.Tx(ctx, who.scope, func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, sql)
				return err
			})
			expectRefused(t, sql+" as "+who.name, err, denied)
		}
	}
}
