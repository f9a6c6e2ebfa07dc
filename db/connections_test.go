package db_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// begun makes a connect session as its person does, with hashes of its id.
func begun(t testing.TB, d *dbtest.DB, scope tenant.Scope) (id uuid.UUID, state, cookie [32]byte) {
	t.Helper()
	id = newID(t)
	state, cookie = sha256.Sum256([]byte("state "+id.String())), sha256.Sum256([]byte("cookie "+id.String()))
	err := d.Tenant().Tx(context.Background(), scope, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tx.Exec(ctx, `insert into connect_sessions (id, platform, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id)
			values ($1, 'twitter', $2, $3, 'https://api.example/callback', 'https://app.example/', 'verifier', 1)`, id, state[:], cookie[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id, state, cookie
}

// answer is what comes of a platform's answer to a connect session.
type answer struct {
	Outcome string
	Secret  string
}

// use comes back with a state, a cookie and a platform.
func use(ctx context.Context, d *dbtest.DB, state, cookie [32]byte, platform string) (got answer, err error) {
	err = d.Tenant().Tx(ctx, tenant.Connect(state, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
		return tx.QueryRow(ctx, "select outcome, coalesce(convert_from(secret, 'UTF8'), '') from tenancy.use_connect_session($1, $2, $3)",
			state[:], cookie[:], platform).Scan(&got.Outcome, &got.Secret)
	})
	return got, err
}

// TestConnectSessionFits: a state is good once, for its platform and its browser, in its ten minutes.
func TestConnectSessionFits(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	owner := a.people["owner"].Scope().In(a.id)
	id, state, cookie := begun(t, d, owner)
	expect := func(what string, state, cookie [32]byte, platform string, want answer) {
		t.Helper()
		got, err := use(ctx, d, state, cookie, platform)
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", what, got, err, want)
		}
	}
	expect("another platform", state, cookie, "linkedin", answer{Outcome: "wrong_platform"})
	expect("another browser", state, sha256.Sum256([]byte("another")), "twitter", answer{Outcome: "wrong_browser"})
	expect("all fits", state, cookie, "twitter", answer{"answered", "verifier"})
	expect("again", state, cookie, "twitter", answer{Outcome: "used"})
	if got := one[string](ctx, t, d.Super, "select state from connect_sessions where id = $1", id); got != "answered" {
		t.Errorf("the session is %s", got)
	}

	id, state, cookie = begun(t, d, owner)
	mustExec(t, d, "update connect_sessions set expires_at = now() - interval '1 second' where id = $1", id)
	expect("too late", state, cookie, "twitter", answer{Outcome: "expired"})
	mustExec(t, d, "update connect_sessions set expires_at = now() - interval '3 minutes' where id = $1", id)
	if _, err := use(ctx, d, state, cookie, "twitter"); !errors.Is(err, tenant.ErrNoConnectSession) {
		t.Errorf("long too late: %v", err)
	}
	if _, err := use(ctx, d, sha256.Sum256([]byte("never made")), cookie, "twitter"); !errors.Is(err, tenant.ErrNoConnectSession) {
		t.Errorf("a state that was never made: %v", err)
	}
	mustExec(t, d, "update connect_sessions set expires_at = now() - interval '2 hours' where id = $1", id)
	if got := one[int64](ctx, t, d.Worker, "select tenancy.delete_expired_connect_sessions(10)"); got != 1 {
		t.Errorf("%d sessions forgotten, want 1", got)
	}
}

// TestConnectSessionOnce: of many that come back with one state, one gets the secret.
func TestConnectSessionOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	_, state, cookie := begun(t, d, a.people["admin"].Scope().In(a.id))
	var answers [16]answer
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() {
			got, err := use(ctx, d, state, cookie, "twitter")
			if err != nil {
				t.Error(err)
			}
			answers[i] = got
		})
	}
	wg.Wait()
	count := map[answer]int{}
	for _, a := range answers {
		count[a]++
	}
	if diff := cmp.Diff(map[answer]int{{"answered", "verifier"}: 1, {Outcome: "used"}: 15}, count); diff != "" {
		t.Error(diff)
	}
}

// TestConnectSessionRights: it acts with what its person may do now, and its secret is theirs alone.
func TestConnectSessionRights(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	admin := a.people["admin"]
	id, state, cookie := begun(t, d, admin.Scope().In(a.id))
	who := func(state [32]byte) (string, error) {
		var got string
		err := d.Tenant().Tx(ctx, tenant.Connect(state, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
			return tx.QueryRow(ctx, "select current_user || ' ' || tenancy.user_id() || ' ' || tenancy.customer_id() || ' ' || coalesce(tenancy.member_role(), '')").Scan(&got)
		})
		return got, err
	}
	if got, err := who(state); err != nil || got != "fanfare_user "+admin.ID.String()+" "+a.id.String()+" admin" {
		t.Errorf("enters as %q, %v", got, err)
	}
	if _, err := use(ctx, d, state, cookie, "twitter"); err != nil {
		t.Fatal(err)
	}
	mustExec(t, d, "update connect_sessions set state = 'choosing', secret = 'tokens', key_id = 1 where id = $1", id)
	secret := func(scope tenant.Scope) (got *string, err error) {
		err = d.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			return tx.QueryRow(ctx, "select convert_from(tenancy.connect_session_secret($1), 'UTF8')", id).Scan(&got)
		})
		return got, err
	}
	if got, err := secret(admin.Scope().In(a.id)); err != nil || got == nil || *got != "tokens" {
		t.Errorf("the secret for whoever began: %v, %v", got, err)
	}
	for name, other := range map[string]tenant.Scope{
		"another admin": a.people["owner"].Scope().In(a.id), "the owner of another customer": b.people["owner"].Scope().In(b.id),
		"a system admin": d.User(t, dbtest.User{SystemRole: "admin"}).Scope().In(a.id),
	} {
		if got, err := secret(other); err != nil || got != nil {
			t.Errorf("the secret for %s: %v, %v", name, got, err)
		}
	}
	_, err := secret(a.people["viewer"].Scope().In(a.id))
	expectRefused(t, "the secret for a viewer", err, denied)

	mustExec(t, d, "update memberships set role = 'member' where user_id = $1", admin.ID)
	_, err = secret(admin.Scope().In(a.id))
	expectRefused(t, "the secret after a demotion", err, denied)
	mustExec(t, d, "delete from memberships where user_id = $1", admin.ID)
	if _, err := who(state); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("entering after the removal: %v", err)
	}

	// A system admin's reason is kept: the platform's answer brings none.
	system := d.User(t, dbtest.User{SystemRole: "admin"})
	_, state, _ = begun(t, d, tenant.User(system.Subject, tenant.Request{Reason: "asked by Ada"}).In(a.id))
	err = d.Tenant().Tx(ctx, tenant.Connect(state, tenant.Request{ID: "req-9"}), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tx.Exec(ctx, "insert into authorizations (id, platform, external_id, name, credential, key_id) values ($1, 'twitter', 's', 's', 's', 1)", newID(t))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := one[string](ctx, t, d.Super, "select reason || ' ' || request_id from audit_log where action = 'authorization.create' and actor_id = $1", system.ID); got != "asked by Ada req-9" {
		t.Errorf("recorded as %q", got)
	}
}

// connected is a customer with accounts on one authorization, the first the default.
func connected(t testing.TB, d *dbtest.DB, customerID uuid.UUID, login string, accounts int) (authorization uuid.UUID, ids []uuid.UUID) {
	t.Helper()
	authorization = newID(t)
	mustExec(t, d, "insert into authorizations (customer_id, id, platform, external_id, name, credential, key_id) values ($1, $2, 'linkedin', $3, $3, 'tokens', 1)",
		customerID, authorization, login)
	for range accounts {
		id := d.Integration(t, dbtest.Integration{CustomerID: customerID, Platform: "linkedin"}).ID
		mustExec(t, d, "update integrations set authorization_id = $2 where id = $1", id, authorization)
		ids = append(ids, id)
	}
	return authorization, ids
}

// TestDisconnection: posts that wait are a person's to decide on, the next account is the default, and the last one
// takes the authorization with it. Nobody else's accounts are touched.
func TestDisconnection(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	authorization, accounts := connected(t, d, a.id, "ada", 2)
	connected(t, d, b.id, "ada", 2)
	before := checksum(ctx, t, d, b.id)
	post := d.Post(t, dbtest.Post{CustomerID: a.id, Integrations: []dbtest.Integration{{ID: accounts[0]}, {ID: accounts[1]}}})
	draft := d.Post(t, dbtest.Post{CustomerID: a.id, Integrations: []dbtest.Integration{{ID: accounts[0]}}})
	admin := a.people["admin"].Scope().In(a.id)
	exec := func(sql string, args ...any) {
		t.Helper()
		if err := d.Tenant().Tx(ctx, admin, func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tx.Exec(ctx, sql, args...)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	state := func() string {
		t.Helper()
		return one[string](ctx, t, d.Super, `select string_agg(concat_ws(' ', i.state, case when i.is_default then 'default' end, pp.state, pp.problem_class), ', ' order by i.id) || '; ' ||
			(select p.state from posts p where p.id = $1) || '; ' || (select state from authorizations where id = $2) || '; ' || (select state from posts where id = $3)
			from integrations i join platform_posts pp on pp.integration_id = i.id and pp.post_id = $1`, post.ID, authorization, draft.ID)
	}
	expect := func(want string) {
		t.Helper()
		if got := state(); got != want {
			t.Errorf("\n%s, want\n%s", got, want)
		}
	}
	exec("update posts set scheduled_at = now() where id = $1", post.ID)
	exec("update platform_posts set state = 'scheduled' where post_id = $1", post.ID)
	expect("active default scheduled, active scheduled; scheduled; active; draft")
	disconnect := "update integrations set state = 'disconnected', credential = null, key_id = null where id = $1"
	exec(disconnect, accounts[0])
	expect("disconnected needs_attention credential, active default scheduled; publishing; active; draft")
	exec(disconnect, accounts[1])
	expect("disconnected needs_attention credential, disconnected needs_attention credential; needs_attention; revoking; draft")
	// What was never sent may go again, once the account is back.
	exec("update integrations set state = 'active', credential = 'new', key_id = 1 where id = $1", accounts[1])
	exec("update platform_posts set state = 'scheduled', problem = null, problem_class = null where post_id = $1 and integration_id = $2", post.ID, accounts[1])
	expect("disconnected needs_attention credential, active default scheduled; publishing; revoking; draft")
	if checksum(ctx, t, d, b.id) != before {
		t.Error("another customer's rows have changed")
	}
	err := d.Tenant().Tx(ctx, admin, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tx.Exec(ctx, "update platform_posts set state = 'needs_attention', problem = 'x', problem_class = 'credential' where integration_id = $1", accounts[1])
		return err
	})
	expectRefused(t, "a person who says that a post needs attention", err, denied)
}

// TestDefaultAccount: one per platform, always an account that is connected.
func TestDefaultAccount(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	_, accounts := connected(t, d, a.id, "ada", 3)
	owner := a.people["owner"].Scope().In(a.id)
	try := func(sql string, args ...any) error {
		return d.Tenant().Tx(ctx, owner, func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tx.Exec(ctx, sql, args...)
			return err
		})
	}
	if got := refused(try("update integrations set is_default = true where id = $1", accounts[1])); got.Constraint != "integrations_default_key" {
		t.Errorf("two defaults: %v", got)
	}
	if err := errors.Join(try("update integrations set is_default = false where id = $1", accounts[0]), try("update integrations set is_default = true where id = $1", accounts[2])); err != nil {
		t.Fatal(err)
	}
	mustExec(t, d, "update integrations set state = 'needs_reauth', reason = 'revoked' where id = $1", accounts[0])
	if err := try("update integrations set state = 'disconnected', credential = null, key_id = null where id = $1", accounts[2]); err != nil {
		t.Fatal(err)
	}
	if got := one[uuid.UUID](ctx, t, d.Super, "select id from integrations where customer_id = $1 and platform = 'linkedin' and is_default", a.id); got != accounts[1] {
		t.Errorf("the next default is %v, want the one that works", got)
	}
	if got := refused(try("update integrations set is_default = true where id = $1", accounts[2])); got != (refusal{}) {
		t.Errorf("a disconnected default: %v", got) // it stays what it was
	}
	if got := one[int](ctx, t, d.Super, "select count(*)::int from integrations where customer_id = $1 and is_default and state = 'disconnected'", a.id); got != 0 {
		t.Error("a disconnected account is the default")
	}
}

// TestAuthorizationTakesAccountsAlong: when only a person can prolong it, its accounts say so; a new credential begins
// everything anew, and ends a renewal that is under way.
func TestAuthorizationTakesAccountsAlong(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	authorization, accounts := connected(t, d, a.id, "ada", 2)
	other, others := connected(t, d, a.id, "ben", 1)
	err := d.TenantWorker().Tx(ctx, tenant.Worker(a.id, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
		if got := one[string](ctx, t, tx, "select convert_from(tenancy.use_authorization($1, 'renew'), 'UTF8')", authorization); got != "tokens" {
			t.Errorf("the worker gets %q", got)
		}
		_, err := tx.Exec(ctx, `update authorizations set state = 'needs_reauth', reason = 'revoked', renew_at = now(), failures = 3, failure = 'misconfigured', lease = $2, lease_until = now()
			where id = $1`, authorization, newID(t))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	states := func() []string {
		return column[string](ctx, t, d.Super, `select concat_ws(' ', state, reason) from integrations where id = any ($1) order by id`,
			append(append([]uuid.UUID{}, accounts...), others...))
	}
	if diff := cmp.Diff([]string{"needs_reauth revoked", "needs_reauth revoked", "active"}, states()); diff != "" {
		t.Error(diff)
	}
	if got := one[string](ctx, t, d.Super, "select concat_ws(' ', state, reason, renew_at, failures, failure) from authorizations where id = $1", authorization); got != "needs_reauth revoked 3 misconfigured" {
		t.Errorf("the authorization: %s", got)
	}
	err = d.Tenant().Tx(ctx, a.people["admin"].Scope().In(a.id), func(ctx context.Context, tx *tenant.Tx) error {
		if _, err := tx.Exec(ctx, "update authorizations set credential = 'new', key_id = 2 where id = $1", authorization); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "update integrations set credential = 'new', key_id = 2, state = 'active' where authorization_id = $1", authorization)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := one[string](ctx, t, d.Super, "select concat_ws(' ', state, reason, failures, failure, lease) from authorizations where id = $1", authorization); got != "active 0" {
		t.Errorf("after signing in again: %s", got)
	}
	if diff := cmp.Diff([]string{"active", "active", "active"}, states()); diff != "" {
		t.Error(diff)
	}
	if got := one[int](ctx, t, d.Super, "select count(*)::int from audit_log where action = 'authorization.credential_use' and resource_id = $1", authorization.String()); got != 1 {
		t.Errorf("%d uses recorded, want 1", got)
	}
	if got := one[string](ctx, t, d.Super, "select state from authorizations where id = $1", other); got != "active" {
		t.Errorf("another login is %s", got)
	}
}
