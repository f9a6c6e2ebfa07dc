package tenant_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// entered is what a scope sees of itself.
type entered struct {
	Role, Space, Person, User string
	Permissions               []string
}

func enter(ctx context.Context, db *tenant.DB, scope tenant.Scope) (e entered, err error) {
	err = db.Read(scope).QueryRow(ctx, `select current_user::text, coalesce(tenancy.space_id()::text, ''), coalesce(tenancy.person(), ''), coalesce(tenancy.user_id()::text, ''),
		tenancy.permissions()`).Scan(&e.Role, &e.Space, &e.Person, &e.User, &e.Permissions)
	return e, err
}

func TestChat(t *testing.T) {
	t.Parallel()
	read := []string{"posts:read"}
	chat := func(s dbtest.Space, person string, needs ...string) tenant.Scope {
		return tenant.Chat(s.CustomerID, s.ID, person, needs, tenant.Request{ID: "test"}).In(s.CustomerID)
	}
	// paired is a customer's chat with a guest, and a member of the role who is known there.
	paired := func(t *testing.T, role string) (d bundle, s dbtest.Space, member dbtest.User) {
		t.Helper()
		d = setup(t)
		s = d.Space(t, dbtest.Space{CustomerID: d.a.customer.ID, PairedBy: d.a.owner.ID, Permissions: []string{"posts:read", "posts:write"}})
		d.Speaks(t, s, "guest")
		d.Speaks(t, s, "known")
		member = d.Member(t, d.a.customer.ID, role)
		d.Identify(t, s, "known", member.ID)
		return d, s, member
	}
	refused := func(t *testing.T, d bundle, scope tenant.Scope, want error) {
		t.Helper()
		_, err := enter(t.Context(), d.Tenant(), scope)
		wantError(t, err, want)
		wantError(t, d.Tenant().Tx(t.Context(), scope, doNothing), want)
	}
	exec := func(t *testing.T, d bundle, sql string, args ...any) {
		t.Helper()
		_, err := d.Super.Exec(t.Context(), sql, args...)
		must(t, err)
	}

	t.Run("a guest acts with what the space allows, in nobody's name of their own", func(t *testing.T) {
		t.Parallel()
		d, s, _ := paired(t, "viewer")
		got, err := enter(t.Context(), d.Tenant(), chat(s, "guest", "posts:write", "posts:publish"))
		must(t, err)
		if got.Role != "fanfare_agent" || got.Space != s.ID.String() || got.Person != "guest" || got.User != "" || !slices.Equal(got.Permissions, s.Permissions) {
			t.Errorf("entered as %+v", got)
		}
		refused(t, d, chat(s, "guest", "posts:publish"), tenant.ErrLacksPermission)
		refused(t, d, chat(s, "guest"), tenant.ErrLacksPermission) // what is for people alone
		refused(t, d, chat(s, "nobody", read...), tenant.ErrInvalidKey)
		refused(t, d, chat(s, "", read...), tenant.ErrInvalidKey)
	})

	t.Run("who is known acts with their own rights, and does what is for people alone", func(t *testing.T) {
		t.Parallel()
		d, s, member := paired(t, "viewer")
		got, err := enter(t.Context(), d.Tenant(), chat(s, "known"))
		must(t, err)
		if want := []string{"customer:read", "campaigns:read", "posts:read", "spaces:read"}; got.User != member.ID.String() || !slices.Equal(got.Permissions, want) {
			t.Errorf("a viewer entered as %+v", got)
		}
		refused(t, d, chat(s, "known", "posts:write"), tenant.ErrLacksPermission) // although guests may
		exec(t, d, "update memberships set role = 'owner' where user_id = $1", member.ID)
		got, err = enter(t.Context(), d.Tenant(), chat(s, "known", "posts:publish"))
		must(t, err)
		for _, never := range []string{"tokens:mint", "audit:read", "spaces:pair", "jobs:read", "conversations:read"} {
			if slices.Contains(got.Permissions, never) {
				t.Errorf("an owner may do %s in a chat", never)
			}
		}
	})

	t.Run("who is a member no more is a guest", func(t *testing.T) {
		t.Parallel()
		d, s, member := paired(t, "admin")
		exec(t, d, "delete from memberships where user_id = $1", member.ID)
		got, err := enter(t.Context(), d.Tenant(), chat(s, "known", read...))
		must(t, err)
		if got.User != "" || !slices.Equal(got.Permissions, s.Permissions) {
			t.Errorf("entered as %+v", got)
		}
		refused(t, d, chat(s, "known"), tenant.ErrLacksPermission)
	})

	t.Run("guests have what whoever paired the chat may do at this moment", func(t *testing.T) {
		t.Parallel()
		d, s, _ := paired(t, "viewer")
		d.Join(t, s.CustomerID, d.User(t, dbtest.User{}).ID, "owner")
		exec(t, d, "update memberships set role = 'viewer' where user_id = $1", d.a.owner.ID)
		got, err := enter(t.Context(), d.Tenant(), chat(s, "guest", read...))
		must(t, err)
		if !slices.Equal(got.Permissions, read) {
			t.Errorf("for a viewer they have %v", got.Permissions)
		}
		exec(t, d, "delete from memberships where user_id = $1", d.a.owner.ID)
		refused(t, d, chat(s, "guest", read...), tenant.ErrInvalidKey)
	})

	t.Run("whom a token names is nobody in the chat", func(t *testing.T) {
		t.Parallel()
		d, s, _ := paired(t, "owner")
		for _, person := range []string{"known", "guest", "nobody there", "agent:known"} {
			got, err := enter(t.Context(), d.Tenant(), d.AgentToken(t, dbtest.AgentToken{CustomerID: s.CustomerID, CreatedBy: &d.a.owner.ID, SpaceID: &s.ID, Person: &person}).Scope())
			must(t, err)
			if got.Space != s.ID.String() || got.Person != "agent:"+person || got.User != "" {
				t.Errorf("a token of %q entered as %+v", person, got)
			}
		}
		for sql, id := range map[string]uuid.UUID{
			"insert into space_people (customer_id, id, space_id, external_id) values ($1, gen_random_uuid(), $2, 'agent:x')":                                   s.ID,
			"insert into chat_identities (customer_id, id, platform, bot, external_id, user_id) values ($1, gen_random_uuid(), 'telegram', '1', 'agent:x', $2)": d.a.owner.ID,
			`insert into pairings (customer_id, id, platform, bot, code_hash, link_hash, permissions, own, created_by, person_id, claimed_at, claimed_by, team, kind, external_id)
				values ($1, gen_random_uuid(), 'telegram', '1', sha256('x'), sha256('y'), '{posts:read}', true, $2, 'agent:x', now(), 'link', '', 'user', 'x')`: d.a.owner.ID,
		} {
			_, err := d.Super.Exec(t.Context(), sql, s.CustomerID, id)
			wantCode(t, err, "23514")
		}
	})

	t.Run("who is known by one bot is nobody by another", func(t *testing.T) {
		t.Parallel()
		d, s, _ := paired(t, "owner")
		other := d.Space(t, dbtest.Space{CustomerID: s.CustomerID, PairedBy: d.a.owner.ID, Bot: s.Bot + "1", Permissions: read})
		d.Speaks(t, other, "known")
		got, err := enter(t.Context(), d.Tenant(), chat(other, "known", read...))
		must(t, err)
		if got.User != "" || !slices.Equal(got.Permissions, read) {
			t.Errorf("entered as %+v", got)
		}
		refused(t, d, chat(other, "known"), tenant.ErrLacksPermission)
	})

	t.Run("who has left, and a space that has ended", func(t *testing.T) {
		t.Parallel()
		d, s, _ := paired(t, "admin")
		person := "guest"
		token := d.AgentToken(t, dbtest.AgentToken{CustomerID: s.CustomerID, CreatedBy: &d.a.owner.ID, SpaceID: &s.ID, Person: &person}).Scope()
		key := d.APIKey(t, dbtest.APIKey{CustomerID: s.CustomerID, CreatedBy: d.a.owner.ID, SpaceID: &s.ID}).Scope()
		exec(t, d, "update space_people set left_at = now() where external_id = 'guest'")
		refused(t, d, chat(s, "guest", read...), tenant.ErrInvalidKey)
		must(t, d.Tenant().Tx(t.Context(), key, doNothing))
		must(t, d.Tenant().Tx(t.Context(), token, doNothing)) // who is another guest
		exec(t, d, "update space_people set left_at = now() where external_id = 'known'")
		refused(t, d, chat(s, "known"), tenant.ErrInvalidKey)
		exec(t, d, "update space_people set left_at = null")
		exec(t, d, "update spaces set ended_at = now(), ended_because = 'released'")
		for _, scope := range []tenant.Scope{chat(s, "guest", read...), chat(s, "known"), token, key} {
			refused(t, d, scope, tenant.ErrInvalidKey)
		}
	})

	t.Run("in no customer but the space's own", func(t *testing.T) {
		t.Parallel()
		d, s, _ := paired(t, "admin")
		refused(t, d, s.Scope("known").In(d.b.customer.ID), tenant.ErrNotFound)
		refused(t, d, s.Scope("known").In(dbtest.NewID(t)), tenant.ErrNotFound)
		refused(t, d, tenant.Chat(d.b.customer.ID, s.ID, "known", read, tenant.Request{}), tenant.ErrInvalidKey)
		refused(t, d, tenant.Chat(s.CustomerID, dbtest.NewID(t), "known", read, tenant.Request{}), tenant.ErrInvalidKey)
		rows, err := d.Tenant().Read(s.Scope("known")).Query(t.Context(), "select id from customers")
		must(t, err)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		must(t, err)
		if !slices.Equal(ids, []uuid.UUID{s.CustomerID}) {
			t.Errorf("outside they see the customers %v", ids)
		}
	})

	t.Run("an archived customer is read", func(t *testing.T) {
		t.Parallel()
		d, s, _ := paired(t, "owner")
		exec(t, d, "update customers set archived_at = now() where id = $1", s.CustomerID)
		for _, person := range []string{"guest", "known"} {
			ids, err := listPosts(t.Context(), d.Tenant().Read(chat(s, person, read...)))
			if err != nil || len(ids) != 0 { // none is of the space
				t.Errorf("%s reads %v, %v", person, ids, err)
			}
			err = d.Tenant().Tx(t.Context(), chat(s, person, "posts:write"), func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, "insert into posts (id, text) values ($1, 'x')", dbtest.NewID(t))
				return err
			})
			wantCode(t, err, "42501")
		}
	})

	t.Run("nothing of a chat is left for whoever comes next, nor of a session in a chat", func(t *testing.T) {
		t.Parallel()
		d, s, _ := paired(t, "owner")
		pool := singleConn(t, d.LoginURL)
		db := tenant.New(pool)
		must(t, db.Tx(t.Context(), chat(s, "known"), doNothing))
		nothingLeft(t, d.DB, pool)
		_, err := enter(t.Context(), db, chat(s, "guest", read...))
		must(t, err)
		nothingLeft(t, d.DB, pool)
		// What a session has set for itself is overruled by whoever enters.
		other := d.Space(t, dbtest.Space{CustomerID: s.CustomerID, PairedBy: d.a.owner.ID})
		for name, value := range map[string]string{
			"space_id": other.ID.String(), "person": "known", "space_person_id": other.ID.String(), "chat_role": "owner", "member_role": "owner", "permissions": "{posts:publish}",
		} {
			_, err := pool.Exec(t.Context(), "select set_config('fanfare."+name+"', $1, false)", value)
			must(t, err)
		}
		for who, scope := range map[string]tenant.Scope{
			"guest": chat(s, "guest", read...), "key": d.APIKey(t, dbtest.APIKey{CustomerID: s.CustomerID, CreatedBy: d.a.owner.ID}).Scope(), "owner": d.a.scope(),
		} {
			var space, person, speaker, chatRole, memberRole string
			var permissions []string
			must(t, db.Read(scope).QueryRow(t.Context(), `select coalesce(tenancy.space_id()::text, ''), coalesce(tenancy.person(), ''), coalesce(tenancy.space_person_id()::text, ''),
				current_setting('fanfare.chat_role', true), coalesce(tenancy.member_role(), ''), tenancy.permissions()`).Scan(&space, &person, &speaker, &chatRole, &memberRole, &permissions))
			want := map[string][4]string{"guest": {s.ID.String(), "guest", "", ""}, "key": {}, "owner": {3: "owner"}}[who]
			if [4]string{space, person, chatRole, memberRole} != want || (speaker != "") != (who == "guest") || speaker == other.ID.String() {
				t.Errorf("%s: space %s, person %s (%s), chat role %q, member role %q", who, space, person, speaker, chatRole, memberRole)
			}
			if who == "guest" && !slices.Equal(permissions, s.Permissions) || who == "owner" && len(permissions) != 0 {
				t.Errorf("%s has %v", who, permissions)
			}
		}
	})
}
