package db_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// asOne runs a statement that is to change one row; none is a refusal.
func asOne(ctx context.Context, w *twoSpaces, scope tenant.Scope, sql string, args ...any) error {
	rows, err := runAs(ctx, w.Tenant(), scope, sql, args...)
	if err == nil && rows == 0 {
		err = &pgconn.PgError{Code: denied}
	}
	return err
}

// TestBotsOfWhoHasLeft: in the chats of a customer's own bot nobody has rights, whosever they are, while whoever gave its secrets is no
// owner or admin, until somebody who is gives others. It says so.
func TestBotsOfWhoHasLeft(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	h := w.house
	owner, admin := h.people["owner"], h.people["admin"]
	mustExec(t, w.DB, "update customers set approval_required = true, approver_role = 'admin', self_approval = true where id = $1", h.id)
	bot := newID(t)
	if err := asOne(ctx, w, admin.Scope().In(h.id), "insert into bots (id, platform, bot, credential, key_id) values ($1, 'slack', 'left', 'sealed', 1)", bot); err != nil {
		t.Fatal(err)
	}
	s := w.Space(t, dbtest.Space{CustomerID: h.id, PairedBy: owner.ID, Platform: "slack", Bot: "left"})
	for _, person := range []string{"cleo", "guest"} {
		w.Speaks(t, s, person)
	}
	w.Identify(t, s, "cleo", owner.ID)
	expect := func(when string, may bool) {
		t.Helper()
		id := w.Post(t, dbtest.Post{CustomerID: h.id, SpaceID: &s.ID}).ID
		for what, err := range map[string]error{
			"cleo approves": asOne(ctx, w, s.Scope("cleo").In(h.id), "update posts set approved_at = now() where id = $1", id),
			"cleo writes":   asOne(ctx, w, s.Scope("cleo").In(h.id), "update posts set title = 'x' where id = $1", id),
			"a guest reads": asOne(ctx, w, s.Scope("guest").In(h.id), "select from posts where id = $1", id),
		} {
			if may != (err == nil) {
				t.Errorf("%s, %s: %v", when, what, err)
			}
		}
		var held bool
		if err := w.Tenant().Tx(ctx, owner.Scope().In(h.id), func(ctx context.Context, tx *tenant.Tx) error {
			return tx.QueryRow(ctx, "select tenancy.bot_held($1)", bot).Scan(&held)
		}); err != nil || held != may {
			t.Errorf("%s: held %t, %v", when, held, err)
		}
	}
	expect("while the admin is one", true)
	mustExec(t, w.DB, "update memberships set role = 'member' where user_id = $1", admin.ID)
	expect("as a member", false)
	mustExec(t, w.DB, "delete from memberships where user_id = $1", admin.ID)
	expect("having left", false)
	if err := asOne(ctx, w, owner.Scope().In(h.id), "update bots set credential = 'others' where id = $1", bot); err != nil {
		t.Fatal(err)
	}
	expect("with other secrets", true)
	mustExec(t, w.DB, "update bots set given_by = null where id = $1", bot)
	expect("of nobody known", false)
	operator := w.User(t, dbtest.User{SystemRole: "admin"})
	mustExec(t, w.DB, "update bots set given_by = $2 where id = $1", bot, operator.ID)
	expect("of a system admin", true)
	mustExec(t, w.DB, "update system_roles set role = 'manager' where user_id = $1", operator.ID)
	expect("of a former one", false)
}

// TestPairingStands: what a key or token has made is worth no more than it: revoked, or the key expired, nothing is confirmed or completed.
func TestPairingStands(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	h := w.house
	owner := h.people["owner"]
	for name, test := range map[string]struct {
		end    string
		stands bool
	}{
		"good":                    {"select $1::uuid, $2::uuid", true},
		"key revoked":             {"update api_keys set revoked_at = now() where id = $1 and $2::uuid is not null", false},
		"key expired":             {"update api_keys set expires_at = now() - interval '1 second' where id = $1 and $2::uuid is not null", false},
		"token revoked":           {"update agent_tokens set revoked_at = now() where id = $2 and $1::uuid is not null", false},
		"token expired":           {"update agent_tokens set expires_at = now() - interval '1 second' where id = $2 and $1::uuid is not null", true},
		"token gone":              {"delete from agent_tokens where id = $2 and $1::uuid is not null", false},
		"maker demoted to member": {"update memberships set role = 'member' where user_id = (select created_by from api_keys where id = $1) and $2::uuid is not null", false},
	} {
		maker := w.Member(t, h.id, "admin")
		key := w.APIKey(t, dbtest.APIKey{CustomerID: h.id, CreatedBy: maker.ID})
		token := w.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, KeyID: &key.ID})
		id := newID(t)
		if err := asOne(ctx, w, token.Scope().In(h.id), `insert into pairings (id, platform, bot, code_hash, link_hash, permissions, own)
			values ($1, 'telegram', '7000001', sha256('c'), sha256($2), '{posts:read}', false)`, id, []byte(id.String())); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		mustExec(t, w.DB, `update pairings set state = 'claimed', claimed_by = 'code', claimed_at = now(), team = '', kind = 'user', external_id = $2, person_id = '5' where id = $1`, id, name)
		mustExec(t, w.DB, test.end, key.ID, token.ID)
		err := asOne(ctx, w, owner.Scope().In(h.id), "update pairings set confirmed_at = now() where id = $1", id)
		if test.stands && err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !test.stands {
			refuses(t, err, "pairings_maker")
		}
		mustExec(t, w.DB, "update pairings set confirmed_at = now() where id = $1", id)
		space := w.Space(t, dbtest.Space{CustomerID: h.id, PairedBy: owner.ID})
		_, err = runAs(ctx, w.TenantWorker(), tenant.Worker(h.id, tenant.Request{}), "update pairings set state = 'done', space_id = $2 where id = $1", id, space.ID)
		if test.stands && err != nil {
			t.Errorf("%s: completed: %v", name, err)
		} else if !test.stands {
			expectRefused(t, name+": completed", err, denied)
			mustExec(t, w.DB, "update pairings set state = 'denied' where id = $1", id)
		}
	}
}

// TestSharedByTokens: what a token shares is for tokens, ends with it, and is taken back by admins, who change nothing else of what
// others share.
func TestSharedByTokens(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	h := w.house
	owner, member := h.people["owner"], h.people["member"]
	named := func(person string, key *uuid.UUID, permissions ...string) dbtest.AgentToken {
		token := dbtest.AgentToken{CustomerID: h.id, KeyID: key, SpaceID: &w.ours.ID, Person: &person, Permissions: permissions}
		if key == nil {
			token.CreatedBy = &owner.ID
		}
		return w.AgentToken(t, token)
	}
	w.Speaks(t, w.ours, "cleo")
	w.Speaks(t, w.ours, "ben")
	w.Identify(t, w.ours, "cleo", owner.ID)
	w.Identify(t, w.ours, "ben", member.ID)
	key := w.APIKey(t, dbtest.APIKey{CustomerID: h.id, CreatedBy: owner.ID})
	few, mallory, keys, other := named("mallory", nil, "credentials:write"), named("mallory", nil), named("mallory", &key.ID), named("other", nil)
	mustExec(t, w.DB, "delete from credentials where kind = 'llm'") // those of the space and the customer come first
	id := newID(t)
	if err := asOne(ctx, w, few.Scope().In(h.id), `insert into credentials (id, space_id, kind, person, name, provider, model, credential, key_id)
		values ($1, tenancy.space_id(), 'llm', tenancy.person(), 'Key', 'openai', 'm', 'sealed', 1)`, id); err != nil {
		t.Fatal(err)
	}
	const share = "update credentials set shared_at = now() where id = $1"
	finds := func(who string, scope tenant.Scope, want bool) {
		t.Helper()
		rows, err := runAs(ctx, w.Tenant(), scope, "select from tenancy.find_llm_credential() f where f.id = $1", id)
		if err != nil || want != (rows == 1) {
			t.Errorf("%s finds %d, %v", who, rows, err)
		}
	}
	shared := func(when string, want bool) {
		t.Helper()
		if got := one[bool](ctx, t, w.Super, "select shared_at is not null from credentials where id = $1", id); got != want {
			t.Errorf("%s: shared %t", when, got)
		}
		finds("another token, "+when, other.Scope().In(h.id), want)
	}
	expectRefused(t, "shared by who writes nothing", asOne(ctx, w, few.Scope().In(h.id), share, id), denied)
	for name, end := range map[string]string{
		"the token is revoked": "update agent_tokens set revoked_at = now() where id = $1 and $2::uuid is not null",
		"its key is revoked":   "update api_keys set revoked_at = now() where id = $2 and $1::uuid is not null",
	} {
		by := mallory
		if name == "its key is revoked" {
			by = keys
		}
		if err := asOne(ctx, w, by.Scope().In(h.id), share, id); err != nil {
			t.Fatal(err)
		}
		shared("before "+name, true)
		finds("the owner in the chat", w.ours.Scope("cleo").In(h.id), false)
		finds("the owner", owner.Scope().In(h.id), false)
		if rows, err := runAs(ctx, w.Tenant(), w.ours.Scope("cleo").In(h.id), "select from credentials where id = $1", id); err != nil || rows != 0 {
			t.Errorf("in the chat it is seen: %d, %v", rows, err)
		}
		mustExec(t, w.DB, end, by.ID, key.ID)
		shared("once "+name, false)
	}

	// What others share, admins take back, and nothing else.
	again := named("mallory", nil)
	back := func(who tenant.Scope, whole bool) int64 {
		t.Helper()
		var n int64
		if err := w.Tenant().Tx(ctx, who.In(h.id), func(ctx context.Context, tx *tenant.Tx) error {
			return tx.QueryRow(ctx, "select tenancy.take_back_shared($1, $2, null, $3)", id, w.ours.ID, whole).Scan(&n)
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := back(owner.Scope(), true); n != 0 {
		t.Errorf("what nobody shares is taken: %d", n)
	}
	for _, whole := range []bool{false, true} {
		if err := asOne(ctx, w, again.Scope().In(h.id), share, id); err != nil {
			t.Fatal(err)
		}
		for _, sql := range []string{"update credentials set credential = 'mine' where id = $1", "update credentials set base_url = 'https://mine.example' where id = $1"} {
			expectRefused(t, sql, asOne(ctx, w, owner.Scope().In(h.id), sql, id), denied)
		}
		if n := back(member.Scope(), whole); n != 0 {
			t.Errorf("a member takes it back: %d", n)
		}
		if n := back(owner.Scope(), whole); n != 1 {
			t.Errorf("the owner takes back %d", n)
		}
		shared("taken back", false)
		if got := one[bool](ctx, t, w.Super, "select withdrawn_at is not null from credentials where id = $1", id); got != whole {
			t.Errorf("withdrawn %t, want %t", got, whole)
		}
	}
}
