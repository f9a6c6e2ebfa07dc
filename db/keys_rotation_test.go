package db_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// sealedBy is what a value looks like that was sealed with a key.
func sealedBy(key uint32, text string) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{1}, key), text...)
}

// sealedRow is what tenancy.sealed_values hands out of a row.
type sealedRow struct {
	Key    []string
	Sealed string
}

func sealedValues(ctx context.Context, t testing.TB, d *dbtest.DB, table string, key int64, readable []int64, after []string, limit int) []sealedRow {
	t.Helper()
	rows, err := d.Worker.Query(ctx, "select row_key, coalesce(sealed, '') from tenancy.sealed_values($1, $2, $3, $4, $5, $6)",
		table, key, readable, after, limit, tenant.Request{Job: 5, Operation: "reseal"}.JSON())
	if err != nil {
		t.Fatal(err)
	}
	got := []sealedRow{}
	for rows.Next() {
		var row sealedRow
		var sealed []byte
		if err := rows.Scan(&row.Key, &sealed); err != nil {
			t.Fatal(err)
		}
		row.Sealed = string(sealed)
		got = append(got, row)
	}
	if rows.Err() != nil {
		t.Fatal(rows.Err())
	}
	return got
}

func resealed(ctx context.Context, t testing.TB, d *dbtest.DB, table string, key []string, from, to []byte) bool {
	t.Helper()
	return one[bool](ctx, t, d.Worker, "select tenancy.reseal($1, $2, $3, $4, $5)", table, key, from, to, tenant.Request{Job: 5, Operation: "reseal"}.JSON())
}

// sealSomething puts one value under a key into every column that holds sealed ones.
func sealSomething(t testing.TB, d *dbtest.DB, key uint32) map[string][]string {
	t.Helper()
	c, u := d.Customer(t, dbtest.Customer{}), d.User(t, dbtest.User{})
	account := d.Integration(t, dbtest.Integration{CustomerID: c.ID, Credential: sealedBy(key, "integrations"), KeyID: int64(key)})
	authorization, session, invitation, signer := newID(t), newID(t), newID(t), newID(t)
	hash := make([]byte, 32)
	mustExec(t, d, `insert into authorizations (customer_id, id, platform, external_id, name, credential, key_id, expires_at, renew_at, lease, lease_until)
		values ($1, $2, 'twitter', '1', 'A', $3, $4, now(), now(), $2, now() + interval '1 hour')`, c.ID, authorization, sealedBy(key, "authorizations"), int64(key))
	mustExec(t, d, `insert into connect_sessions (customer_id, id, platform, user_id, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id)
		values ($1, $2, 'twitter', $3, $4, $4, '', '', $5, $6)`, c.ID, session, u.ID, hash, sealedBy(key, "connect_sessions"), int64(key))
	mustExec(t, d, `insert into invitations (customer_id, id, email, role, token_hash, invited_by, sealed_token, key_id)
		values ($1, $2, 'a@example.com', 'viewer', $3, $4, $5, $6)`, c.ID, invitation, hash, u.ID, sealedBy(key, "invitations"), int64(key))
	old := newID(t)
	mustExec(t, d, "insert into old_credentials (id, owner_id, platform, external_id, name, credential, key_id) values ($1, $2, 'ghost', '1', 'A', $3, $4)",
		old, u.ID, sealedBy(key, "old_credentials"), int64(key))
	endpoint, secret := newID(t), newID(t)
	mustExec(t, d, "insert into webhook_endpoints (customer_id, id, url) values ($1, $2, 'https://example.com')", c.ID, endpoint)
	mustExec(t, d, "insert into webhook_secrets (customer_id, id, endpoint_id, sealed, key_id) values ($1, $2, $3, $4, $5)",
		c.ID, secret, endpoint, sealedBy(key, "webhook_secrets"), int64(key))
	bot := newID(t)
	mustExec(t, d, "insert into bots (customer_id, id, platform, bot, credential, key_id) values ($1, $2, 'telegram', $3, $4, $5)",
		c.ID, bot, bot.String(), sealedBy(key, "bots"), int64(key))
	space := d.Space(t, dbtest.Space{CustomerID: c.ID, PairedBy: u.ID})
	server, given := newID(t), newID(t)
	mustExec(t, d, "insert into mcp_servers (customer_id, id, space_id, name, url, registration, key_id, created_by) values ($1, $2, $3, 'Server', 'https://example.com', $4, $5, $6)",
		c.ID, server, space.ID, sealedBy(key, "mcp_servers"), int64(key), u.ID)
	// shared: what somebody has consented to stays so
	mustExec(t, d, `insert into credentials (customer_id, id, space_id, kind, person, name, mcp_server_id, login, credential, key_id, shared_at, shared_by, created_by)
		values ($1, $2, $3, 'mcp', 'kim', 'Server', $4, 'oauth', $5, $6, now(), $7, $7)`, c.ID, given, space.ID, server, sealedBy(key, "credentials"), int64(key), u.ID)
	mustExec(t, d, "insert into agent_token_keys (id, sealed, key_id) values ($1, $2, $3)", signer, sealedBy(key, "agent_token_keys"), int64(key))
	mustExec(t, d, `insert into idempotency_keys (actor_id, operation, key, fingerprint, acted_as, answer, key_id, subject_id)
		values ($1, 'create-post', 'k{"1,2}', $2, '', $3, $4, $5)`, u.ID, hash, sealedBy(key, "idempotency_keys"), int64(key), c.ID)
	return map[string][]string{
		"integrations":     {c.ID.String(), account.ID.String()},
		"bots":             {c.ID.String(), bot.String()},
		"authorizations":   {c.ID.String(), authorization.String()},
		"connect_sessions": {c.ID.String(), session.String()},
		"invitations":      {c.ID.String(), invitation.String()},
		"agent_token_keys": {signer.String()},
		"old_credentials":  {old.String()},
		"webhook_secrets":  {c.ID.String(), secret.String()},
		"idempotency_keys": {u.ID.String(), "create-post", `k{"1,2}`},
		"mcp_servers":      {c.ID.String(), server.String()},
		"credentials":      {c.ID.String(), given.String()},
	}
}

// columnOf is the column of a table that holds sealed values.
func columnOf(ctx context.Context, t testing.TB, d *dbtest.DB, table string) string {
	t.Helper()
	return one[string](ctx, t, d.Super, "select column_name from tenancy.sealed_columns() where table_name = $1", table)
}

// Every value is counted, handed out and put back, and of its row nothing else changes.
func TestResealChangesTheEnvelopeAlone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	rows := sealSomething(t, d, 4_000_000_001)
	tables := column[string](ctx, t, d.Super, "select table_name from tenancy.sealed_columns()")
	if len(tables) != len(rows) {
		t.Errorf("sealed are %v; the test has rows of %d", tables, len(rows))
	}
	for _, table := range tables {
		old, fresh := sealedBy(4_000_000_001, table), sealedBy(7, table+" again")
		if n := one[int64](ctx, t, d.Worker, "select sealed_rows from tenancy.count_sealed() where table_name = $1 and key_id = 4000000001", table); n != 1 {
			t.Errorf("%s: %d rows under the old key", table, n)
		}
		if diff := cmp.Diff([]sealedRow{{rows[table], string(old)}}, sealedValues(ctx, t, d, table, 7, []int64{7, 4_000_000_001}, nil, 10)); diff != "" {
			t.Errorf("%s: -want +got:\n%s", table, diff)
		}
		rest := fmt.Sprintf("select (to_jsonb(x) - '{key_id,%s}'::text[])::text from %s x", columnOf(ctx, t, d, table), table)
		before := one[string](ctx, t, d.Super, rest)
		if resealed(ctx, t, d, table, rows[table], fresh, fresh) {
			t.Errorf("%s: another value was replaced", table)
		}
		if !resealed(ctx, t, d, table, rows[table], old, fresh) {
			t.Errorf("%s: the value was not replaced", table)
		}
		if resealed(ctx, t, d, table, rows[table], old, fresh) {
			t.Errorf("%s: replaced twice", table)
		}
		if diff := cmp.Diff(before, one[string](ctx, t, d.Super, rest)); diff != "" {
			t.Errorf("%s: more changed than the value:\n%s", table, diff)
		}
		if got := one[string](ctx, t, d.Super, fmt.Sprintf("select key_id || ' ' || encode(%s, 'hex') from %s", columnOf(ctx, t, d, table), table)); got != fmt.Sprintf("7 %x", fresh) {
			t.Errorf("%s holds %s", table, got)
		}
		if got := sealedValues(ctx, t, d, table, 7, []int64{7}, nil, 10); len(got) > 0 {
			t.Errorf("%s: handed out again: %v", table, got)
		}
	}
	// A change that is none of re-encryption's counts as before, also in the same transaction.
	for _, table := range []string{"integrations", "authorizations"} {
		before := one[int64](ctx, t, d.Super, "select version from "+table)
		mustExec(t, d, fmt.Sprintf("update %s set credential = $1", table), sealedBy(8, "reconnected"))
		if after := one[int64](ctx, t, d.Super, "select version from "+table); after != before+1 {
			t.Errorf("%s: version %d after a change, %d before", table, after, before)
		}
	}
}

// The log tells of one use of each credential, with its purpose, and of the change, with the job.
func TestResealIsRecorded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	rows := sealSomething(t, d, 6)
	mustExec(t, d, "update integrations set key_id = 7") // a wrong one, which deceives nobody
	for table, key := range rows {
		for range sealedValues(ctx, t, d, table, 7, []int64{6, 7}, nil, 10) {
			resealed(ctx, t, d, table, key, sealedBy(6, table), sealedBy(7, table))
		}
	}
	got := column[string](ctx, t, d.Super, `select action || ' ' || changes || ' ' || job_id || ' ' || operation || ' ' || (customer_id = tenancy.installation_id())
		from audit_log where actor_kind = 'worker' order by 1`)
	want := []string{
		`agent_token_key.update {"sealed": {"changed": true}} 5 reseal true`,
		`authorization.credential_use {"purpose": "reseal"} 5 reseal false`,
		`authorization.update {"credential": {"changed": true}} 5 reseal false`,
		`bot.update {"credential": {"changed": true}} 5 reseal false`,
		`connect_session.credential_use {"purpose": "reseal"} 5 reseal false`,
		`connect_session.update {"secret": {"changed": true}} 5 reseal false`,
		`credential.credential_use {"purpose": "reseal"} 5 reseal false`,
		`credential.update {"credential": {"changed": true}} 5 reseal false`,
		`integration.credential_use {"purpose": "reseal"} 5 reseal false`,
		`integration.update {"credential": {"changed": true}} 5 reseal false`,
		`invitation.update {"sealed_token": {"changed": true}} 5 reseal false`,
		`mcp_server.credential_use {"purpose": "reseal"} 5 reseal false`,
		`mcp_server.update {"registration": {"changed": true}} 5 reseal false`,
		`old_credential.credential_use {"purpose": "reseal"} 5 reseal true`,
		`old_credential.update {"credential": {"changed": true}} 5 reseal true`,
		`webhook_secret.update {"sealed": {"changed": true}} 5 reseal false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Values are handed out in order and in parts; of those whose key is in no key set there is no value, and no use.
func TestSealedValuesInParts(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	c := d.Customer(t, dbtest.Customer{})
	for i := range 5 {
		d.Integration(t, dbtest.Integration{CustomerID: c.ID, ExternalID: fmt.Sprint(i), Credential: sealedBy(uint32(i), "x"), KeyID: int64(i)})
	}
	d.Integration(t, dbtest.Integration{CustomerID: c.ID, ExternalID: "no sealed value", Credential: []byte("x"), KeyID: 2})
	var got []string
	var after []string
	for {
		part := sealedValues(ctx, t, d, "integrations", 2, []int64{1, 2, 4}, after, 2)
		if len(part) == 0 {
			break
		}
		for _, row := range part {
			got = append(got, fmt.Sprintf("%x", row.Sealed))
		}
		after = part[len(part)-1].Key
	}
	if want := []string{"", fmt.Sprintf("%x", sealedBy(1, "x")), "", fmt.Sprintf("%x", sealedBy(4, "x")), ""}; strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %q, want %q", got, want)
	}
	if n := one[int64](ctx, t, d.Super, "select count(*) from audit_log where action = 'integration.credential_use'"); n != 2 {
		t.Errorf("%d uses on record, want 2", n)
	}
	if n := one[int64](ctx, t, d.Worker, "select sealed_rows from tenancy.count_sealed() where key_id is null"); n != 1 {
		t.Errorf("%d values that are none", n)
	}
}

// A row that somebody is changing is left alone, without waiting; so is one that holds nothing any more.
func TestResealWaitsForNobody(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	key := sealSomething(t, d, 6)["integrations"]
	tx, err := d.Super.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "update integrations set credential = $1, key_id = 7", sealedBy(7, "reconnected")); err != nil {
		t.Fatal(err)
	}
	if resealed(ctx, t, d, "integrations", key, sealedBy(6, "integrations"), sealedBy(7, "old")) {
		t.Error("replaced while it is being changed")
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if resealed(ctx, t, d, "integrations", key, sealedBy(6, "integrations"), sealedBy(7, "old")) {
		t.Error("replaced after it was changed")
	}
	mustExec(t, d, "update integrations set state = 'disconnected', credential = null, key_id = null")
	if resealed(ctx, t, d, "integrations", key, sealedBy(7, "reconnected"), sealedBy(7, "old")) {
		t.Error("replaced after it was disconnected")
	}
	if _, err := d.Worker.Exec(ctx, "select tenancy.reseal('integrations', $1, '', 'no sealed value', '')", key); refused(err).Code != "22023" {
		t.Errorf("something unsealed: %v", err)
	}
	if _, err := d.Worker.Exec(ctx, "select tenancy.reseal('users', $1, '', 'x', '')", key); refused(err).Code != "P0002" {
		t.Errorf("another table: %v", err)
	}
}

// Nobody but the worker asks.
func TestResealIsTheWorkersAlone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	for _, sql := range []string{"select * from tenancy.count_sealed()", "select * from tenancy.sealed_values('integrations', 1, '{}', null, 1, '')",
		"select tenancy.reseal('integrations', '{}', '', '', '')"} {
		for _, who := range intruders(t, d, a) {
			if who.db == nil || strings.HasPrefix(who.name, "worker") {
				continue
			}
			err := who.db.Tx(ctx, who.scope, func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, sql)
				return err
			})
			expectRefused(t, sql+" as "+who.name, err, denied)
		}
		_, err := d.Login.Exec(ctx, sql)
		expectRefused(t, sql+" as the login", err, denied)
	}
}
