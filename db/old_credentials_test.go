package db_test

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/db"
	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// oldAccount is an account that lives by an old credential.
type oldAccount struct {
	customer, id, old, move uuid.UUID
	owner                   dbtest.User
}

// newOldAccount makes one, with a move that ends at a time. An owner whose id is zero is made.
func newOldAccount(t testing.TB, d *dbtest.DB, customer uuid.UUID, owner dbtest.User, deadline time.Time) oldAccount {
	t.Helper()
	if owner.ID == uuid.Nil {
		owner = d.User(t, dbtest.User{})
	}
	a := oldAccount{customer: customer, id: newID(t), old: newID(t), move: newID(t), owner: owner}
	external := "https://" + a.id.String() + ".example.com"
	for _, fixture := range []struct {
		sql  string
		args []any
	}{
		{"insert into old_credentials (id, owner_id, platform, external_id, name, credential, key_id) values ($1, $2, 'ghost', $3, 'x', 'old sealed', 1)", []any{a.old, owner.ID, external}},
		{"insert into credential_moves (customer_id, id, old_owner_id, deadline) values ($1, $2, $3, $4) on conflict do nothing", []any{customer, a.move, owner.ID, deadline}},
		{"insert into integrations (customer_id, id, platform, external_id, name, old_credential_id) values ($1, $2, 'ghost', $3, 'x', $4)", []any{customer, a.id, external, a.old}},
	} {
		if _, err := d.Super.Exec(context.Background(), fixture.sql, fixture.args...); err != nil {
			t.Fatalf("%s: %v", fixture.sql, err)
		}
	}
	return a
}

// find asks for an account's credential as the worker does in a customer.
func find(t testing.TB, d *dbtest.DB, customer, account uuid.UUID) string {
	t.Helper()
	var found string
	if err := d.TenantWorker().Tx(context.Background(), tenant.Worker(customer, tenant.Request{Job: 5}), func(ctx context.Context, tx *tenant.Tx) error {
		return tx.QueryRow(ctx, `select concat_ws(' ', convert_from(f.credential, 'UTF8'), case when f.old_credential_id is not null and f.deadline > now() then 'by the old way' end)
			from tenancy.find_credential($1, 'publish') f`, account).Scan(&found)
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestFindCredential: an account's own credential comes first; the old one only while its owner's move to this very
// customer is open, and each use of it is counted and recorded.
func TestFindCredential(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	mine, other := d.Customer(t, dbtest.Customer{}).ID, d.Customer(t, dbtest.Customer{}).ID
	counted := func(a oldAccount) string {
		t.Helper()
		return one[string](ctx, t, d.Super, `select concat_ws(' ', m.uses, o.uses, m.last_used_at is not null and o.last_used_at is not null,
				(select count(*) from audit_log l where l.action = 'old_credential.use' and l.resource_id = $3::uuid::text),
				(select count(*) from audit_log l where l.action = 'integration.credential_use' and l.resource_id = $3::uuid::text))
			from credential_moves m, old_credentials o where m.id = $1 and o.id = $2`, a.move, a.old, a.id)
	}
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := d.Super.Exec(ctx, sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	const oldWay, nothing, unused = "old sealed by the old way", "", "0 0 f 0 0"
	a := newOldAccount(t, d, mine, dbtest.User{}, time.Now().Add(time.Hour))
	if got := find(t, d, other, a.id); got != nothing {
		t.Errorf("another customer finds %q", got)
	}
	if got := counted(a); got != unused {
		t.Errorf("another customer's look counts: %s", got)
	}
	for use := 1; use <= 2; use++ {
		if got := find(t, d, mine, a.id); got != oldWay {
			t.Errorf("finds %q", got)
		}
		if got, want := counted(a), fmt.Sprintf("%d %d t %d 0", use, use, use); got != want {
			t.Errorf("counted %s, want %s", got, want)
		}
	}
	got := one[string](ctx, t, d.Super, `select concat_ws(' ', customer_id, actor_kind, resource_type, job_id, changes ->> 'purpose', changes ->> 'platform',
		changes ->> 'old_credential_id', changes ->> 'deadline' is not null) from audit_log where action = 'old_credential.use' order by id limit 1`)
	if want := fmt.Sprintf("%s worker integration 5 publish ghost %s t", mine, a.old); got != want {
		t.Errorf("recorded is %s, want %s", got, want)
	}
	// The same account of another customer is another row, with a move of its own or none.
	theirs := newOldAccount(t, d, other, dbtest.User{}, time.Now().Add(time.Hour))
	exec("update integrations set old_credential_id = $2, external_id = (select external_id from old_credentials where id = $2) where id = $1", theirs.id, a.old)
	if got := find(t, d, other, theirs.id); got != nothing {
		t.Errorf("a customer without a move from the owner finds %q", got)
	}
	exec("update integrations set old_credential_id = $2 where id = $1", theirs.id, theirs.old)
	if got := find(t, d, other, theirs.id); got != nothing {
		t.Errorf("the credential of another account is found: %q", got)
	}

	exec("update integrations set credential = 'own sealed', key_id = 1 where id = $1", a.id)
	if got := find(t, d, mine, a.id); got != "own sealed" {
		t.Errorf("with an own credential it finds %q", got)
	}
	if got := counted(a); got != "2 2 t 2 1" {
		t.Errorf("with an own credential it counts %s", got)
	}

	for name, sql := range map[string]string{
		"after the deadline":     "update credential_moves set deadline = now() where id = $1 and $2::uuid is not null",
		"after the end":          "update credential_moves set ended_at = now() where id = $1 and $2::uuid is not null",
		"without a move":         "delete from credential_moves where id = $1 and $2::uuid is not null",
		"when it needs a person": "update integrations set state = 'needs_reauth' where id = $2 and $1::uuid is not null",
		"when disconnected":      "update integrations set state = 'disconnected' where id = $2 and $1::uuid is not null",
	} {
		b := newOldAccount(t, d, mine, dbtest.User{}, time.Now().Add(time.Hour))
		exec(sql, b.move, b.id)
		if got := find(t, d, mine, b.id); got != nothing {
			t.Errorf("%s it finds %q", name, got)
		}
		if uses := one[int64](ctx, t, d.Super, "select uses from old_credentials where id = $1", b.old); uses != 0 {
			t.Errorf("%s it counts %d", name, uses)
		}
	}
}

// TestOldCredentialsAreNobodys: no role of people reaches an old credential, a move, or what hands them out; the worker
// gets what it needs from functions alone.
func TestOldCredentialsAreNobodys(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	h := newHouse(t, d, "ours")
	a := newOldAccount(t, d, h.id, h.people["owner"], time.Now().Add(time.Hour))
	statements := []string{
		"select 1 from old_credentials", "update old_credentials set uses = 0", "delete from old_credentials",
		"insert into old_credentials (id, owner_id, platform, external_id, name, credential, key_id) values (gen_random_uuid(), gen_random_uuid(), 'ghost', 'x', 'x', 'x', 1)",
		"select * from tenancy.find_old_owner('x')", "select * from tenancy.old_credential_status()",
		"select * from tenancy.old_credential_of(gen_random_uuid(), 'ghost', 'x')",
		"select * from tenancy.import_old_credential(gen_random_uuid(), gen_random_uuid(), 'ghost', 'x', 'x', '', 'x', 1, '{}', now())",
		"update credential_moves set deadline = now() + interval '1 year'", "delete from credential_moves",
	}
	ofPeople := []string{
		"select 1 from credential_moves", "select * from tenancy.find_credential('" + a.id.String() + "', 'x')",
		"select * from tenancy.end_credential_moves(null, null)", "select * from tenancy.warn_credential_moves('1 day')",
		"select tenancy.count_old_credentials()", "select old_credential_id from integrations", "update integrations set old_credential_id = null",
		"insert into integrations (id, platform, external_id, name, old_credential_id) values (gen_random_uuid(), 'ghost', 'y', 'y', '" + a.old.String() + "')",
	}
	for _, who := range intruders(t, d, h) {
		all := statements
		if who.name != "worker" {
			all = append(append([]string{}, statements...), ofPeople...)
		}
		for _, sql := range all {
			_, err := runAs(ctx, who.db, who.scope, sql)
			expectRefused(t, who.name+": "+sql, err, denied)
		}
	}
	owner := dbtest.OpenPool(t, d.OwnerURL)
	if rows := one[int64](ctx, t, owner, "select count(*) from old_credentials"); rows != 0 {
		t.Errorf("the owner sees %d old credentials", rows)
	}
	// What has moved does not move back, whoever may write the account.
	if _, err := d.Super.Exec(ctx, "update integrations set credential = 'own', key_id = 1 where id = $1", a.id); err != nil {
		t.Fatal(err)
	}
	_, err := runAs(ctx, d.Tenant(), h.people["owner"].Scope().In(h.id), "update integrations set credential = null, key_id = null where id = $1", a.id)
	if got, want := refused(err), (refusal{"23514", "integrations_credential_held"}); got != want {
		t.Errorf("moved back: %v", err)
	}
	if _, err := runAs(ctx, d.Tenant(), h.people["owner"].Scope().In(h.id), "update integrations set state = 'disconnected', credential = null, key_id = null where id = $1", a.id); err != nil {
		t.Errorf("disconnect: %v", err)
	}
	if kept := one[bool](ctx, t, d.Super, "select old_credential_id is not null from integrations where id = $1", a.id); kept {
		t.Error("a disconnected account knows the old credential still")
	}
}

// TestEndCredentialMoves: with its deadline a move ends for the accounts that have not moved, and for no other; an old
// credential goes with the last move that reaches it.
func TestEndCredentialMoves(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	exec := func(sql string, args ...any) {
		t.Helper()
		if _, err := d.Super.Exec(ctx, sql, args...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	mine, other := d.Customer(t, dbtest.Customer{}).ID, d.Customer(t, dbtest.Customer{}).ID
	owner := d.User(t, dbtest.User{})
	soon, over := time.Now().Add(time.Hour), time.Now().Add(-time.Second)
	stays := newOldAccount(t, d, mine, owner, over)
	moved := newOldAccount(t, d, mine, owner, over)
	gone := newOldAccount(t, d, mine, owner, over)
	refusedOne := newOldAccount(t, d, mine, owner, over)
	elsewhere := newOldAccount(t, d, other, owner, soon)
	unrelated := newOldAccount(t, d, mine, dbtest.User{}, soon)
	exec("update integrations set credential = 'own', key_id = 1 where id = $1", moved.id)
	exec("update integrations set state = 'disconnected' where id = $1", gone.id)
	exec("update integrations set state = 'needs_reauth', reason = 'refused' where id = $1", refusedOne.id)
	end := func() []string {
		t.Helper()
		return column[string](ctx, t, d.Worker, "select concat_ws(' ', customer_id, left_behind) from tenancy.end_credential_moves(null, null)")
	}
	state := func(a oldAccount) string {
		t.Helper()
		return one[string](ctx, t, d.Super, "select concat_ws(' ', state, reason) from integrations where id = $1", a.id)
	}
	if diff := cmp.Diff([]string{mine.String() + " 2"}, end()); diff != "" {
		t.Errorf("ended (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		a    oldAccount
		want string
	}{
		{stays, "needs_reauth moved_out"}, {refusedOne, "needs_reauth moved_out"}, {moved, "active"}, {gone, "disconnected"},
		{elsewhere, "active"}, {unrelated, "active"},
	} {
		if got := state(c.a); got != c.want {
			t.Errorf("an account is %q, want %q", got, c.want)
		}
	}
	if n := one[int64](ctx, t, d.Super, "select count(*) from old_credentials"); n != 6 {
		t.Errorf("%d old credentials are left, though moves are open that reach them", n)
	}
	if again := end(); len(again) != 0 {
		t.Errorf("ended again: %v", again)
	}
	if got := find(t, d, other, elsewhere.id); got != "old sealed by the old way" {
		t.Errorf("the other customer finds %q", got)
	}
	// A person connects the account again.
	exec("update integrations set credential = 'new', key_id = 1, state = 'active' where id = $1", stays.id)
	if got := state(stays); got != "active" {
		t.Errorf("a reconnected account is %q", got)
	}

	// One customer's move is ended by hand, and goes with the other customer's.
	if got := column[int64](ctx, t, d.Worker, "select left_behind from tenancy.end_credential_moves($1, $2)", mine, unrelated.owner.ID); len(got) != 1 || got[0] != 1 {
		t.Errorf("ended by hand: %v", got)
	}
	if got := state(unrelated); got != "needs_reauth moved_out" {
		t.Errorf("the account is %q", got)
	}
	if n := one[int64](ctx, t, d.Super, "select count(*) from old_credentials where owner_id = $1", unrelated.owner.ID); n != 0 {
		t.Errorf("%d old credentials are left that no move reaches", n)
	}
	if got := column[int64](ctx, t, d.Worker, "select left_behind from tenancy.end_credential_moves($1, $2)", mine, unrelated.owner.ID); len(got) != 0 {
		t.Errorf("ended twice: %v", got)
	}
	if _, err := d.Super.Exec(ctx, "update customers set archived_at = now() where id = $1", other); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{
		"update customers set erasing_at = now() where id = $1",
		"insert into erasures (id, subject_id, requested_by, has_files) select gen_random_uuid(), $1, u.id, false from users u limit 1",
		"select tenancy.erase_step(e.id, 1000000) from erasures e where e.subject_id = $1",
	} {
		exec(sql, other)
	}
	end()
	if n := one[int64](ctx, t, d.Super, "select count(*) from old_credentials"); n != 0 {
		t.Errorf("%d old credentials are left after the last customer that used them was erased", n)
	}
	if n := one[int64](ctx, t, d.Super, "select count(*) from audit_log where action = 'old_credential.delete'"); n != 6 {
		t.Errorf("%d deletions are recorded", n)
	}
}

// TestWarnCredentialMoves: of an unfinished move that ends soon, once a day.
func TestWarnCredentialMoves(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	customer := d.Customer(t, dbtest.Customer{}).ID
	day := 24 * time.Hour
	soon := newOldAccount(t, d, customer, dbtest.User{}, time.Now().Add(13*day))
	newOldAccount(t, d, customer, soon.owner, time.Time{})
	newOldAccount(t, d, customer, dbtest.User{}, time.Now().Add(15*day))
	done := newOldAccount(t, d, customer, dbtest.User{}, time.Now().Add(day))
	ended := newOldAccount(t, d, customer, dbtest.User{}, time.Now().Add(day))
	for sql, id := range map[string]uuid.UUID{
		"update integrations set credential = 'own', key_id = 1 where id = $1": done.id,
		"update credential_moves set ended_at = now() where id = $1":           ended.move,
	} {
		if _, err := d.Super.Exec(ctx, sql, id); err != nil {
			t.Fatal(err)
		}
	}
	warned := func() []string {
		t.Helper()
		return column[string](ctx, t, d.Worker, "select concat_ws(' ', move_id, left_to_move) from tenancy.warn_credential_moves('14 days')")
	}
	want := []string{soon.move.String() + " 2"}
	if diff := cmp.Diff(want, warned()); diff != "" {
		t.Errorf("warned of (-want +got):\n%s", diff)
	}
	if again := warned(); len(again) != 0 {
		t.Errorf("warned again at once: %v", again)
	}
	if _, err := d.Super.Exec(ctx, "update credential_moves set warned_at = warned_at - interval '1 day'"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, warned()); diff != "" {
		t.Errorf("a day later (-want +got):\n%s", diff)
	}
}

// TestOldCredentialsTakenBack: whoever goes back to the version before loses no account; one that lived by an old
// credential is disconnected there. Coming again works on what there is.
func TestOldCredentialsTakenBack(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	customer := d.Customer(t, dbtest.Customer{}).ID
	d.Integration(t, dbtest.Integration{CustomerID: customer})
	newOldAccount(t, d, customer, dbtest.User{}, time.Now().Add(time.Hour))
	moved := newOldAccount(t, d, customer, dbtest.User{}, time.Now().Add(time.Hour))
	if _, err := d.Super.Exec(ctx, "update integrations set credential = 'own', key_id = 1 where id = $1", moved.id); err != nil {
		t.Fatal(err)
	}
	there := func() bool {
		return one[bool](ctx, t, d.Super, "select to_regclass('public.old_credentials') is not null")
	}
	for there() {
		if err := db.Rollback(d.SuperURL, io.Discard); err != nil {
			t.Fatal(err)
		}
	}
	const states = "select string_agg(concat_ws(' ', state, credential is not null), ', ' order by state, id) from integrations"
	if got, want := one[string](ctx, t, d.Super, states), "active t, active t, disconnected f"; got != want {
		t.Errorf("the accounts are %s, want %s", got, want)
	}
	migrate(t, d.SuperURL)
	if got, want := one[string](ctx, t, d.Super, states), "active t, active t, disconnected f"; got != want || !there() {
		t.Errorf("after coming again the accounts are %s, want %s", got, want)
	}
}
