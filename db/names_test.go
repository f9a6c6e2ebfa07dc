package db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
)

// TestNamesAreNotBlank: the database takes no name that nobody sees, whatever the program lets through. What has such a name from before can be changed otherwise, and
// named.
func TestNamesAreNotBlank(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	h := newHouse(t, d, "ours")
	owner := h.people["owner"].Scope().In(h.id)
	blank := []string{" ", "\t\n ", "\u00a0", "\u2003\u3000", "\u200b\ufeff"}
	for _, c := range []struct {
		table  string
		id     any
		insert string // of a row with the name $1
		change string // of a column that is not the name
		named  bool   // the name can be changed
	}{
		{"customers", h.id, "select tenancy.create_customer(gen_random_uuid(), $1, '', '', '', 'en', 'UTC')", "audience = 'Gardeners'", true},
		{"campaigns", h.campaign, "insert into campaigns (id, name) values (gen_random_uuid(), $1)", "goal = 'More readers'", true},
		{"api_keys", h.key.ID, "insert into api_keys (id, name, prefix, key_hash, permissions) values (gen_random_uuid(), $1, 'ffk_abcdef', sha256(gen_random_uuid()::text::bytea), '{posts:read}')",
			"revoked_at = now()", true},
		{"agent_tokens", h.token.ID, "insert into agent_tokens (id, name, permissions, expires_at) values (gen_random_uuid(), $1, '{posts:read}', now() + interval '5 minutes')", "revoked_at = now()", false},
		{"email_templates", h.template, "insert into email_templates (id, name, html) values (gen_random_uuid(), $1, '<p>{{title}}</p>')", "html = '<b>{{title}}</b>'", true},
		{"mcp_servers", h.server, "insert into mcp_servers (id, space_id, name, url) select gen_random_uuid(), id, $1, 'https://mcp.example.com/other' from spaces", "url = 'https://mcp.example.com/moved'", true},
		{"credentials", h.llmKey, "insert into credentials (id, kind, name, provider, model, credential, key_id) values (gen_random_uuid(), 'llm', $1, 'anthropic', 'claude', 'x', 1)", "model = 'claude-2'", true},
	} {
		maker := owner
		if c.table == "customers" {
			maker = h.people["owner"].Scope() // whoever makes one is in none
		}
		want := refusal{badCheck, c.table + "_name_not_blank"}
		for _, name := range append(blank, "") {
			if _, err := can(ctx, d, maker, c.insert, name); refused(err) != want {
				t.Errorf("%s: a row with the name %q is made: %v", c.table, name, err)
			}
		}
		for _, name := range []string{" a ", "é", "漢", "😀", "."} {
			if did, err := can(ctx, d, maker, c.insert, name); !did || err != nil {
				t.Errorf("%s: no row with the name %q can be made: %v", c.table, name, err)
			}
		}
		err := pgx.BeginFunc(ctx, d.Super, func(tx pgx.Tx) error {
			_, err := tx.Exec(ctx, "set local session_replication_role = replica")
			_, more := tx.Exec(ctx, "update "+c.table+" set name = '  ' where id = $1", c.id)
			return errors.Join(err, more)
		})
		if err != nil {
			t.Fatal(err)
		}
		update := "update " + c.table + " set "
		if c.named {
			update += "name = coalesce($2::text, name), "
			if did, err := can(ctx, d, owner, update+c.change+" where id = $1", c.id, nil); !did || err != nil {
				t.Errorf("%s: a row that has a blank name cannot be changed: %v", c.table, err)
			}
			for _, name := range blank {
				if _, err := can(ctx, d, owner, update+c.change+" where id = $1", c.id, name); refused(err) != want {
					t.Errorf("%s: a row is given the name %q: %v", c.table, name, err)
				}
			}
			if did, err := can(ctx, d, owner, update+c.change+" where id = $1", c.id, "A name"); !did || err != nil {
				t.Errorf("%s: a row that has a blank name cannot be named: %v", c.table, err)
			}
		} else if did, err := can(ctx, d, owner, update+c.change+" where id = $1", c.id); !did || err != nil {
			t.Errorf("%s: a row that has a blank name cannot be changed: %v", c.table, err)
		}
	}
	// The server has a blank name by now, and lets in nonetheless.
	if did, err := can(ctx, d, owner, `insert into credentials (id, space_id, kind, name, mcp_server_id, login, credential, key_id)
		select gen_random_uuid(), space_id, 'mcp', name, id, 'token', 'x', 1 from mcp_servers where id = $1`, h.server); !did || err != nil {
		t.Errorf("no credential of a server that has a blank name can be stored: %v", err)
	}
}
