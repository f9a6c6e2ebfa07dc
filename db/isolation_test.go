package db_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// house is a customer with one row in every tenant table. Everything in it that is text contains its mark.
type house struct {
	id       uuid.UUID
	mark     string
	people   map[string]dbtest.User // by member role, and "extra", a viewer to be changed
	posts    []uuid.UUID            // the first has the platform post and the file, the second has nothing
	platform uuid.UUID              // the platform post
	account  uuid.UUID
	campaign uuid.UUID
	file     uuid.UUID
	spare    uuid.UUID // a file that nothing shows
	review   uuid.UUID
	template uuid.UUID
	export   uuid.UUID
	key      dbtest.APIKey // with every permission
	token    dbtest.AgentToken
	invited  uuid.UUID // an open invitation
	login    uuid.UUID // an authorization
	session  uuid.UUID // a connect session of the owner's
	hook     uuid.UUID // a webhook
	message  uuid.UUID // to it, delivered
	slot     uuid.UUID // of the queue
	repeated uuid.UUID // a recurring post: the second one
	space    dbtest.Space
	speaker  string         // the owner, in its chat
	pairing  dbtest.Pairing // used by its link, and not completed yet
	said     uuid.UUID      // a message there
	memory   uuid.UUID      // of the space
	bot      uuid.UUID      // its own
	server   uuid.UUID      // an MCP server of the space
	llmKey   uuid.UUID      // a credential of the space
	entry    uuid.UUID      // of usage
	reserved uuid.UUID      // for a call of an LLM
	work     uuid.UUID      // the workspace of its own, in use
	change   uuid.UUID      // of a file in it, under way
	backup   uuid.UUID      // whole
	restore  uuid.UUID      // of it, done
	drill    uuid.UUID      // with it
	job      int64
}

// newHouse fills every tenant table. A table that is added to the schema needs a row here.
func newHouse(t testing.TB, d *dbtest.DB, mark string) *house {
	t.Helper()
	h := &house{mark: mark, people: map[string]dbtest.User{}}
	h.id = d.Customer(t, dbtest.Customer{Name: mark + " customer"}).ID
	for _, role := range []string{"owner", "admin", "member", "viewer"} {
		h.people[role] = d.Member(t, h.id, role)
	}
	h.people["extra"] = d.Member(t, h.id, "viewer")
	account := d.Integration(t, dbtest.Integration{CustomerID: h.id, ExternalID: mark + " account", Credential: []byte(mark + " credential")})
	h.account = account.ID
	h.campaign = d.Campaign(t, dbtest.Campaign{CustomerID: h.id, Name: mark + " campaign"}).ID
	post := d.Post(t, dbtest.Post{CustomerID: h.id, Title: mark + " title", Text: mark + " text", Integrations: []dbtest.Integration{account}})
	h.posts = []uuid.UUID{post.ID, d.Post(t, dbtest.Post{CustomerID: h.id, Text: mark + " spare"}).ID}
	h.platform = post.PlatformPosts[0]
	h.file, h.spare, h.review, h.export, h.template = newID(t), newID(t), newID(t), newID(t), newID(t)
	h.invited, h.login, h.session = newID(t), newID(t), newID(t)
	h.hook, h.message, h.bot = newID(t), newID(t), newID(t)
	h.entry, h.reserved = newID(t), newID(t)
	h.slot, h.repeated = d.QueueSlot(t, h.id), d.RecurringPost(t, h.id, h.posts[1])
	h.key = d.APIKey(t, dbtest.APIKey{CustomerID: h.id, CreatedBy: h.people["owner"].ID})
	h.token = d.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, KeyID: &h.key.ID})
	h.memory = newID(t)
	h.space = d.Space(t, dbtest.Space{CustomerID: h.id, ExternalID: mark + " chat", Title: mark + " space", PairedBy: h.people["owner"].ID})
	h.speaker, h.said, h.server, h.llmKey = mark+" speaker", newID(t), newID(t), newID(t)
	h.work, h.change, h.backup, h.restore, h.drill = d.Workspace(t, h.id, nil), newID(t), newID(t), newID(t), newID(t)
	d.Speaks(t, h.space, h.speaker)
	d.Identify(t, h.space, h.speaker, h.people["owner"].ID)
	h.pairing = d.Pairing(t, dbtest.Pairing{CustomerID: h.id, CreatedBy: h.people["owner"].ID, Link: mark + " link"})
	ctx := context.Background()
	// The audit log tells of what was made so far. It is sealed, of all customers, and then each gets something that waits.
	if sealed := one[int](ctx, t, d.Super, "select tenancy.seal_audit(1000000)"); sealed == 0 {
		t.Fatal("nothing was sealed")
	}
	if _, err := d.Super.Exec(ctx, "update customers set audience = audience || '.'"); err != nil {
		t.Fatal(err)
	}
	for _, fixture := range []struct {
		sql  string
		args []any
	}{
		{"insert into publish_attempts (customer_id, platform_post_id, number, job_id, finished_at, outcome, message) values ($1, $2, 1, 1, now(), 'transient', $3)", []any{h.id, h.platform, mark + " message"}},
		{"insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, $3, 'image/png', 1)", []any{h.id, h.file, mark + "/path"}},
		{"insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, $3, 'image/png', 1)", []any{h.id, h.spare, mark + "/spare"}},
		{"insert into email_templates (customer_id, id, name, html) values ($1, $2, $3, $3)", []any{h.id, h.template, mark + " template"}},
		{"insert into invitations (customer_id, id, email, role, token_hash, sealed_token, key_id, invited_by) values ($1, $2, $3, 'member', $4, $5, 1, $6)",
			[]any{h.id, h.invited, mark + "@example.com", tokenHash(mark), []byte(mark + " token"), h.people["owner"].ID}},
		{"insert into authorizations (customer_id, id, platform, external_id, name, credential, key_id) values ($1, $2, 'twitter', $3, $3, $4, 1)",
			[]any{h.id, h.login, mark + " login", []byte(mark + " tokens")}},
		{`insert into connect_sessions (customer_id, id, platform, user_id, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id)
			values ($1, $2, 'twitter', $3, $4, $4, 'https://a.example', 'https://b.example', $5, 1)`,
			[]any{h.id, h.session, h.people["owner"].ID, tokenHash(mark), []byte(mark + " verifier")}},
		{"insert into webhook_endpoints (customer_id, id, url, description) values ($1, $2, $3, $4)", []any{h.id, h.hook, "https://" + mark + ".example", mark + " hook"}},
		{"insert into webhook_secrets (customer_id, id, endpoint_id, sealed, key_id, expires_at) values ($1, $2, $3, $4, 1, now() + interval '1 day')", []any{h.id, newID(t), h.hook, []byte(mark + " webhook secret")}},
		{"insert into webhook_deliveries (customer_id, id, endpoint_id, event, payload, state, next_at) values ($1, $2, $3, 'webhook.test', jsonb_build_object('x', $4::text), 'delivered', null)",
			[]any{h.id, h.message, h.hook, mark + " message"}},
		{"update recurring_posts set problem = $2 where id = $1", []any{h.repeated, mark + " problem"}},
		{"insert into post_media (customer_id, post_id, media_id, position) values ($1, $2, $3, 0)", []any{h.id, h.posts[0], h.file}},
		{"insert into platform_post_media (customer_id, platform_post_id, media_id, position) values ($1, $2, $3, 0)", []any{h.id, h.platform, h.file}},
		{`with limited as (
				insert into integrations (customer_id, id, platform, external_id, name, credential, key_id)
				values ($1, $2, 'ghost', $3, $3, $4, 1) returning customer_id, id)
			insert into account_limits (customer_id, integration_id, remaining, resets_at) select customer_id, id, 7, now() + interval '1 hour' from limited`,
			[]any{h.id, newID(t), mark + " limited", []byte(mark + " credential")}},
		{"insert into post_metrics (customer_id, platform_post_id, day, impressions) values ($1, $2, '2030-01-01', 1)", []any{h.id, h.platform}},
		{"insert into post_reviews (customer_id, id, post_id, post_version, verdict, comment, content) values ($1, $2, $3, 1, 'submitted', $4, jsonb_build_object('text', $4::text))", []any{h.id, h.review, h.posts[0], mark + " comment"}},
		{`insert into exports (customer_id, id, requested_by, state, size_bytes, sha256, expires_at)
			values ($1, $2, $3, 'ready', 1, repeat('a', 64), now() + interval '1 day')`, []any{h.id, h.export, h.people["owner"].ID}},
		{"insert into rate_limit_rules (customer_id, endpoint, quota, window_seconds) values ($1, $2, 1, 1)", []any{h.id, mark + " endpoint"}},
		{"insert into rate_limits (customer_id, endpoint, tat) values ($1, $2, now() + interval '1 hour')", []any{h.id, mark + " endpoint"}},
		{"insert into usage_days (customer_id, day, kind, platform, count) values ($1, '2030-01-01', 'post_published', $2, 1)", []any{h.id, mark}},
		{"insert into usage_entries (customer_id, id, kind, platform) values ($1, $2, 'post_published', $3)", []any{h.id, h.entry, mark}},
		{"insert into llm_budgets (customer_id, monthly_tokens) values ($1, 1000)", []any{h.id}},
		{"insert into llm_months (customer_id, month, tokens, reserved_tokens) values ($1, make_date(2000 + abs(hashtext($2)) % 1000, 1, 1), 7, 9)", []any{h.id, mark}},
		{"insert into llm_reservations (customer_id, id, kind, own_key, tokens, cost_microusd, reserved_at) values ($1, $2, 'generate_post', false, 9, 0, make_date(2000 + abs(hashtext($3)) % 1000, 1, 1))",
			[]any{h.id, h.reserved, mark}},
		{"insert into credential_moves (customer_id, id, old_owner_id, deadline) values ($1, $2, $3, now() + interval '1 day')", []any{h.id, newID(t), h.people["owner"].ID}},
		{`update pairings set state = 'claimed', claimed_by = 'link', claimed_at = now(), team = '', kind = 'group', external_id = $2, title = $2, person_id = $3, person_name = $3
			where id = $1`, []any{h.pairing.ID, mark + " other chat", h.speaker}},
		{"insert into memories (customer_id, id, space_id, text, person) values ($1, $2, $3, $4, $4)", []any{h.id, h.memory, h.space.ID, mark + " memory"}},
		{"insert into bots (customer_id, id, platform, bot, name, credential, key_id) values ($1, $2, 'telegram', $3, $4, $5, 1)",
			[]any{h.id, h.bot, h.bot.String(), mark + " bot", []byte(mark + " bot token")}},
		{"insert into mcp_servers (customer_id, id, space_id, name, url, created_by) values ($1, $2, $3, $4, 'https://mcp.example.com/', $5)",
			[]any{h.id, h.server, h.space.ID, mark + " server", h.people["owner"].ID}},
		{`insert into credentials (customer_id, id, space_id, kind, name, provider, model, credential, key_id, created_by)
			values ($1, $2, $3, 'llm', $4, 'anthropic', 'claude', 'x', 1, $5)`, []any{h.id, h.llmKey, h.space.ID, mark + " key", h.people["owner"].ID}},
		{"insert into messages (customer_id, id, space_id, direction, person, text) values ($1, $2, $3, 'in', $4, $5)", []any{h.id, h.said, h.space.ID, h.speaker, mark + " said"}},
		{"update workspaces set state = 'active', bytes = 7, entries = 1, problem = $2 where customer_id = $1", []any{h.id, mark + " problem"}},
		{"insert into file_changes (customer_id, id, workspace_id, kind, bytes) values ($1, $2, $3, 'write', 9)", []any{h.id, h.change, h.work}},
		{"insert into workspace_policies (customer_id, unused_days) values ($1, 30)", []any{h.id}},
		{"insert into backup_status (customer_id, last_good_id, last_good_at) values ($1, $2, now())", []any{h.id, h.backup}},
		{`insert into backups (customer_id, id, state, requested_by, object_id, manifest_sha256, uses, files, bytes, finished_at, problem)
			values ($1, $2, 'ready', $3, gen_random_uuid(), repeat('a', 64), '[]', 1, 7, now(), $4)`, []any{h.id, h.backup, h.people["owner"].ID, mark + " problem"}},
		{`insert into restores (customer_id, id, backup_id, state, requested_by, workspace_id, path, to_workspace_id, to_path, plan)
			values ($1, $2, $3, 'done', $4, $5, $6, $5, $6, '{}')`, []any{h.id, h.restore, h.backup, h.people["owner"].ID, h.work, mark + "/path"}},
		{"insert into drills (customer_id, id, backup_id, state, files, bytes, differences, problem) values ($1, $2, $3, 'good', 1, 7, 0, $4)", []any{h.id, h.drill, h.backup, mark + " problem"}},
	} {
		if _, err := d.Super.Exec(ctx, fixture.sql, fixture.args...); err != nil {
			t.Fatalf("%s: %v", fixture.sql, err)
		}
	}
	h.job = one[int64](ctx, t, d.Super, `insert into river.river_job (customer_id, args, kind, max_attempts)
		values ($1, jsonb_build_object('customer_id', $1::uuid::text, 'post_id', $2::uuid::text), 'publish', 1) returning id`, h.id, h.posts[0])
	return h
}

// tokenHash is the hash of the token of a house's invitation.
func tokenHash(mark string) []byte {
	sum := sha256.Sum256([]byte(mark))
	return sum[:]
}

// tenantTables are the tables with customer_id, from the catalogue.
func tenantTables(ctx context.Context, t testing.TB, q querier) []string {
	t.Helper()
	return column[string](ctx, t, q, cteOurs+"select name from ours where tenant and relkind in ('r', 'p') order by name")
}

// checksum is of all rows of a customer in all tenant tables, and of the customer itself.
func checksum(ctx context.Context, t testing.TB, d *dbtest.DB, customerID uuid.UUID) string {
	t.Helper()
	parts := []string{"select 'customers' as name, r::text as r from customers r where id = $1"}
	for _, table := range tenantTables(ctx, t, d.Super) {
		parts = append(parts, fmt.Sprintf("select '%s', r::text from %s r where customer_id = $1", table, table))
	}
	return one[string](ctx, t, d.Super, "select md5(string_agg(name || r, '|' order by name, r)) from ("+strings.Join(parts, " union all ")+") x", customerID)
}

// intruder is somebody who may do much in customer A, and nothing in B.
type intruder struct {
	name  string
	db    *tenant.DB
	scope tenant.Scope
}

func intruders(t testing.TB, d *dbtest.DB, a *house) []intruder {
	t.Helper()
	return []intruder{
		{"owner", d.Tenant(), a.people["owner"].Scope().In(a.id)},
		{"viewer", d.Tenant(), a.people["viewer"].Scope().In(a.id)},
		{"system admin", d.Tenant(), d.User(t, dbtest.User{SystemRole: "admin"}).Scope().In(a.id)},
		{"key", d.Tenant(), a.key.Scope().In(a.id)},
		{"agent", d.Tenant(), a.token.Scope().In(a.id)},
		{"chat", d.Tenant(), a.space.Scope(a.speaker).In(a.id)},
		{"worker", d.TenantWorker(), tenant.Worker(a.id, tenant.Request{})},
	}
}

// key gives a WHERE clause for the primary key without customer_id, and its values in the customer's row.
func key(ctx context.Context, t testing.TB, d *dbtest.DB, table string, customerID uuid.UUID) (where string, values []any) {
	t.Helper()
	columns := column[string](ctx, t, d.Super, `select a.attname::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
		where i.indrelid = $1::regclass and i.indisprimary and a.attname <> 'customer_id' order by array_position(i.indkey::int2[], a.attnum)`, table)
	if len(columns) == 0 { // there is one row
		return "customer_id::text = $1", []any{customerID.String()}
	}
	conditions := make([]string, len(columns))
	for i, name := range columns {
		found := column[string](ctx, t, d.Super, fmt.Sprintf("select (%s)::text from %s where customer_id = $1 order by %s limit 1",
			name, table, strings.Join(columns, ", ")), customerID)
		if len(found) != 1 {
			t.Fatalf("%s: no row of the customer: newHouse must make one", table)
		}
		conditions[i] = fmt.Sprintf("(%s)::text = $%d", name, i+1)
		values = append(values, found[0])
	}
	return strings.Join(conditions, " and "), values
}

// TestRowsOfOthers aims every kind of statement at the row of another customer, in every tenant table.
func TestRowsOfOthers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	// Wider grants than the real ones: what keeps the rows apart must be the policies, not a missing grant.
	if _, err := d.Super.Exec(ctx, `grant select, insert, update, delete on all tables in schema public to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker;
		grant select, insert, update, delete on river.river_job to fanfare_user, fanfare_agent, fanfare_admin`); err != nil {
		t.Fatal(err)
	}
	before := checksum(ctx, t, d, b.id)
	for _, who := range intruders(t, d, a) {
		for _, table := range tenantTables(ctx, t, d.Super) {
			if _, elsewhere := restrictiveElsewhere[table+" fanfare_worker"]; elsewhere && who.name == "worker" {
				continue
			}
			t.Run(who.name+"/"+table, func(t *testing.T) {
				where, values := key(ctx, t, d, table, b.id)
				ours, ourValues := key(ctx, t, d, table, a.id)
				// what is generated cannot be inserted
				columns := one[string](ctx, t, d.Super, `select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
					where attrelid = $1::text::regclass and attnum > 0 and not attisdropped and attgenerated = ''`, table)
				theirRow := one[string](ctx, t, d.Super, fmt.Sprintf("select to_jsonb(r)::text from %s r where customer_id = $1 limit 1", table), b.id)
				for _, attempt := range []struct {
					name, sql string
					args      []any
				}{
					{"select", fmt.Sprintf("select customer_id from %s where %s", table, where), values},
					{"select theirs", fmt.Sprintf("select customer_id from %s where customer_id = $1", table), []any{b.id}},
					{"select anything", fmt.Sprintf("select customer_id from %s where customer_id <> $1", table), []any{a.id}},
					{"lock", fmt.Sprintf("select customer_id from %s where %s for update", table, where), values},
					{"update", fmt.Sprintf("update %s set customer_id = customer_id where %s", table, where), values},
					{"update theirs", fmt.Sprintf("update %s set customer_id = customer_id where customer_id = $1", table), []any{b.id}},
					{"take over", fmt.Sprintf("update %s set customer_id = '%s' where %s", table, a.id, where), values},
					{"give away", fmt.Sprintf("update %s set customer_id = '%s' where %s", table, b.id, ours), ourValues},
					{"delete", fmt.Sprintf("delete from %s where %s", table, where), values},
					{"delete theirs", fmt.Sprintf("delete from %s where customer_id = $1", table), []any{b.id}},
					{"insert for them", fmt.Sprintf("insert into %s (%s) select %s from jsonb_populate_record(null::%s, $1::jsonb)", table, columns, columns, table), []any{theirRow}},
					{"upsert theirs", fmt.Sprintf("insert into %s (%s) select %s from jsonb_populate_record(null::%s, $1::jsonb) on conflict do nothing", table, columns, columns, table), []any{theirRow}},
				} {
					var rows int64
					err := who.db.Tx(ctx, who.scope, func(ctx context.Context, tx *tenant.Tx) error {
						tag, err := tx.Exec(ctx, attempt.sql, attempt.args...)
						rows = tag.RowsAffected()
						return err
					})
					switch {
					case err == nil && rows != 0:
						t.Errorf("%s: reached %d rows", attempt.name, rows)
					case err == nil && strings.Contains(attempt.name, "insert"), err == nil && strings.Contains(attempt.name, "upsert"):
						t.Errorf("%s: was not refused", attempt.name)
					case err != nil && refused(err).Code != denied:
						t.Errorf("%s: %v, want code %s", attempt.name, err, denied)
					case err != nil:
						leaksNothing(t, attempt.name, err, b)
					}
					if after := checksum(ctx, t, d, b.id); after != before {
						t.Fatalf("%s: the other customer's rows have changed", attempt.name)
					}
				}
			})
		}
	}
}

// leaksNothing fails the test if an error's text holds anything of the house.
func leaksNothing(t testing.TB, what string, err error, b *house) {
	t.Helper()
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		t.Errorf("%s: not an error of the database: %v", what, err)
		return
	}
	text := strings.Join([]string{pgErr.Message, pgErr.Detail, pgErr.Hint, pgErr.Where, pgErr.InternalQuery}, "\n")
	if strings.Contains(text, b.mark) || strings.Contains(text, b.id.String()) {
		t.Errorf("%s: the error tells of another customer: %s", what, text)
	}
}

// references point at a row of each tenant table by each foreign key: $1 is the other row's id.
// A foreign key that is added to the schema needs a statement here.
func references(a *house, fresh uuid.UUID) map[string]struct {
	sql    string
	target func(*house) uuid.UUID
	worker bool
} {
	type reference = struct {
		sql    string
		target func(*house) uuid.UUID
		worker bool
	}
	campaign := func(h *house) uuid.UUID { return h.campaign }
	post := func(h *house) uuid.UUID { return h.posts[1] }
	account := func(h *house) uuid.UUID { return h.account }
	file := func(h *house) uuid.UUID { return h.file }
	hook := func(h *house) uuid.UUID { return h.hook }
	space := func(h *house) uuid.UUID { return h.space.ID }
	work := func(h *house) uuid.UUID { return h.work }
	backup := func(h *house) uuid.UUID { return h.backup }
	return map[string]reference{
		"posts_campaign_fkey":             {fmt.Sprintf("insert into posts (id, text, campaign_id) values ('%s', 'x', $1)", fresh), campaign, false},
		"recurring_posts_post_fkey":       {fmt.Sprintf("insert into recurring_posts (id, post_id, rrule, starts_local) values ('%s', $1, 'FREQ=DAILY', '2026-01-01')", fresh), post, false},
		"platform_posts_post_fkey":        {fmt.Sprintf("insert into platform_posts (id, post_id, integration_id) values ('%s', $1, '%s')", fresh, a.account), post, false},
		"platform_posts_integration_fkey": {fmt.Sprintf("insert into platform_posts (id, post_id, integration_id) values ('%s', '%s', $1)", fresh, a.posts[1]), account, false},
		"post_media_post_fkey":            {fmt.Sprintf("insert into post_media (post_id, media_id, position) values ($1, '%s', 5)", a.file), post, false},
		"post_media_media_fkey":           {fmt.Sprintf("insert into post_media (post_id, media_id, position) values ('%s', $1, 5)", a.posts[1]), file, false},
		"platform_post_media_platform_post_fkey": {fmt.Sprintf("insert into platform_post_media (platform_post_id, media_id, position) values ($1, '%s', 5)", a.spare),
			func(h *house) uuid.UUID { return h.platform }, false},
		"platform_post_media_media_fkey": {fmt.Sprintf("insert into platform_post_media (platform_post_id, media_id, position) values ('%s', $1, 5)", a.platform),
			func(h *house) uuid.UUID { return h.spare }, false},
		"post_reviews_post_fkey":          {fmt.Sprintf("insert into post_reviews (id, post_id, post_version, verdict, comment) values ('%s', $1, 1, 'comment', 'x')", fresh), post, false},
		"integrations_authorization_fkey": {"update integrations set authorization_id = $1", func(h *house) uuid.UUID { return h.login }, false},
		"account_limits_integration_fkey": {"insert into account_limits (integration_id, remaining) values ($1, 1)", func(h *house) uuid.UUID { return h.account }, true},
		"post_metrics_platform_post_fkey": {"insert into post_metrics (platform_post_id, day) values ($1, '2030-02-02')", func(h *house) uuid.UUID { return h.platform }, true},
		"webhook_secrets_endpoint_fkey":   {fmt.Sprintf("insert into webhook_secrets (id, endpoint_id, sealed, key_id) values ('%s', $1, 'x', 1)", fresh), hook, false},
		"webhook_deliveries_endpoint_fkey": {fmt.Sprintf("insert into webhook_deliveries (id, endpoint_id, event, payload) values ('%s', $1, 'webhook.test', '{}')", fresh),
			hook, false},
		"chat_identities_member_fkey": {"insert into chat_identities (id, platform, bot, external_id, user_id) values (gen_random_uuid(), 'slack', '1', 'x', $1)",
			func(h *house) uuid.UUID { return h.people["viewer"].ID }, true},
		"mcp_servers_space_fkey": {fmt.Sprintf("insert into mcp_servers (id, space_id, name, url) values ('%s', $1, 'x', 'https://y.example.com/')", fresh), space, false},
		"credentials_space_fkey": {fmt.Sprintf(`insert into credentials (id, space_id, kind, name, mcp_server_id, login, credential, key_id)
			values ('%s', $1, 'mcp', 'x', '%s', 'token', 'x', 1)`, fresh, a.server), space, false},
		"credentials_server_fkey": {fmt.Sprintf(`insert into credentials (id, space_id, kind, name, mcp_server_id, login, credential, key_id)
			values ('%s', '%s', 'mcp', 'x', $1, 'token', 'x', 1)`, fresh, a.space.ID), func(h *house) uuid.UUID { return h.server }, false},
		"connect_sessions_server_fkey": {fmt.Sprintf(`insert into connect_sessions (id, platform, mcp_server_id, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id)
			values ('%s', 'mcp', $1, sha256('x'), sha256('x'), '', '', 'x', 1)`, fresh), func(h *house) uuid.UUID { return h.server }, false},
		"space_people_space_fkey": {fmt.Sprintf("insert into space_people (id, space_id, external_id) values ('%s', $1, 'x')", fresh), space, true},
		"memories_space_fkey":     {fmt.Sprintf("insert into memories (id, space_id, text) values ('%s', $1, 'x')", fresh), space, false},
		"messages_space_fkey":     {fmt.Sprintf("insert into messages (id, space_id, direction, text) values ('%s', $1, 'out', 'x')", fresh), space, true},
		"pairings_space_fkey":     {"update pairings set state = 'done', space_id = $1", space, true},
		"api_keys_space_fkey": {fmt.Sprintf(`insert into api_keys (id, name, prefix, key_hash, permissions, space_id)
			values ('%s', 'x', 'ffk_ABCDEF', sha256('x'), '{posts:read}', $1)`, fresh), space, false},
		"agent_tokens_space_fkey": {fmt.Sprintf("insert into agent_tokens (id, name, permissions, expires_at, space_id) values ('%s', 'x', '{posts:read}', now(), $1)", fresh),
			space, false},
		"restores_backup_fkey":                {fmt.Sprintf("insert into restores (id, backup_id) values ('%s', $1)", fresh), backup, false},
		"restores_workspace_fkey":             {fmt.Sprintf("insert into restores (id, backup_id, workspace_id) values ('%s', '%s', $1)", fresh, a.backup), work, false},
		"restores_to_workspace_fkey":          {fmt.Sprintf("insert into restores (id, backup_id, workspace_id, to_workspace_id, to_path) values ('%s', '%s', '%s', $1, 'x')", fresh, a.backup, a.work), work, false},
		"drills_backup_fkey":                  {fmt.Sprintf("insert into drills (id, backup_id) values ('%s', $1)", fresh), backup, true},
		"publish_attempts_platform_post_fkey": {"insert into publish_attempts (platform_post_id, number, job_id) values ($1, 7, 1)", func(h *house) uuid.UUID { return h.platform }, true},
	}
}

// unwritable are foreign keys whose columns nobody may write: a default fills them from what was entered.
var unwritable = map[string]string{
	"posts_recurrence_fkey":       "update posts set recurrence_id = $1",
	"workspaces_space_fkey":       "update workspaces set space_id = $1",
	"file_changes_workspace_fkey": "insert into file_changes (customer_id, id, workspace_id, kind, bytes) values (tenancy.customer_id(), gen_random_uuid(), $1, 'write', 1)",
	"posts_space_fkey":            "insert into posts (id, text, space_id) values (gen_random_uuid(), 'x', $1)",
	"post_reviews_space_fkey":     "insert into post_reviews (id, post_id, post_version, verdict, comment, space_id) values (gen_random_uuid(), gen_random_uuid(), 1, 'comment', 'x', $1)",
	"media_space_fkey":            "insert into media (id, path, content_type, bytes, space_id) values (gen_random_uuid(), 'x', 'image/png', 1, $1)",
	"agent_tokens_key_fkey":       "insert into agent_tokens (id, name, permissions, expires_at, api_key_id) values (gen_random_uuid(), 'x', '{posts:read}', now(), $1)",
}

// TestReferencesToOthers: a foreign key to another customer's row fails exactly as one to a row that does
// not exist, so that nobody can tell the two apart; to a row of one's own it works.
func TestReferencesToOthers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	before := checksum(ctx, t, d, b.id)
	statements := references(a, newID(t))
	inSchema := column[string](ctx, t, d.Super, cteOurs+`select f.conname::text from pg_constraint f join ours o on o.oid = f.conrelid join ours t on t.oid = f.confrelid
		where f.contype = 'f' and t.tenant and f.conname <> all ($1) order by 1`, keys(unwritable))
	if diff := cmp.Diff(inSchema, slices.Sorted(maps.Keys(statements))); diff != "" {
		t.Fatalf("foreign keys between tenant tables (-schema +tested):\n%s", diff)
	}
	for name, sql := range unwritable {
		for _, who := range intruders(t, d, a) {
			err := who.db.Tx(ctx, who.scope, func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, sql, b.key.ID)
				return err
			})
			expectRefused(t, name+" as "+who.name, err, denied)
		}
	}
	for name, statement := range statements {
		t.Run(name, func(t *testing.T) {
			db, scope := d.Tenant(), a.people["owner"].Scope().In(a.id)
			if statement.worker {
				db, scope = d.TenantWorker(), tenant.Worker(a.id, tenant.Request{})
			}
			errUndo := errors.New("undo")
			attempt := func(id uuid.UUID) error {
				return db.Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
					if _, err := tx.Exec(ctx, statement.sql, id); err != nil {
						return err
					}
					return errUndo
				})
			}
			missing, theirs := newID(t), statement.target(b)
			toNothing, toTheirs := attempt(missing), attempt(theirs)
			if got, want := refused(toTheirs), (refusal{badReference, name}); got != want {
				t.Errorf("to another customer's row: %v (%v), want %v", got, toTheirs, want)
			}
			said := func(err error, id uuid.UUID) pgconn.PgError {
				var pgErr *pgconn.PgError
				if !errors.As(err, &pgErr) {
					t.Fatalf("not refused by the database: %v", err)
				}
				plain := *pgErr
				plain.Detail = strings.ReplaceAll(plain.Detail, id.String(), "<id>")
				return plain
			}
			if diff := cmp.Diff(said(toNothing, missing), said(toTheirs, theirs)); diff != "" {
				t.Errorf("the two refusals differ (-not there +not yours):\n%s", diff)
			}
			if err := attempt(statement.target(a)); !errors.Is(err, errUndo) {
				t.Errorf("to a row of one's own: %v", err)
			}
			if checksum(ctx, t, d, b.id) != before {
				t.Error("the other customer's rows have changed")
			}
		})
	}
}

// TestKeysOfOthersAreFree: ids and unique values that another customer has are no obstacle, and so tell nothing.
func TestKeysOfOthersAreFree(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	before := checksum(ctx, t, d, b.id)
	// The values are all of customer B's rows. By table, and every unique key with a value to choose.
	statements := map[string]struct {
		sql  string
		args []any
	}{
		"memberships_pkey":           {"", nil}, // people get in by an invitation alone: see TestInvitations
		"invitations_pkey":           {"insert into invitations (id, email, role, token_hash) values ($1, 'x@example.com', 'viewer', $2)", []any{b.invited, tokenHash("x")}},
		"invitations_token_hash_key": {"insert into invitations (id, email, role, token_hash) values ($1, 'y@example.com', 'viewer', $2)", []any{newID(t), tokenHash(b.mark)}},
		"invitations_open_key":       {"insert into invitations (id, email, role, token_hash) values ($1, $2, 'viewer', $3)", []any{newID(t), b.mark + "@example.com", tokenHash("y")}},
		"integrations_pkey":          {"insert into integrations (id, platform, external_id, name, credential, key_id) values ($1, 'ghost', 'x', 'x', 'x', 1)", []any{b.account}},
		"integrations_default_key":   {"", nil}, // filled by a trigger, by the customer alone
		"authorizations_pkey":        {"insert into authorizations (id, platform, external_id, name, credential, key_id) values ($1, 'twitter', 'x', 'x', 'x', 1)", []any{b.login}},
		"authorizations_login_key":   {"insert into authorizations (id, platform, external_id, name, credential, key_id) values ($1, 'twitter', $2, 'x', 'x', 1)", []any{newID(t), b.mark + " login"}},
		"connect_sessions_pkey": {`insert into connect_sessions (id, platform, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id)
			values ($1, 'twitter', sha256('x'), sha256('x'), 'x', 'x', 'x', 1)`, []any{b.session}},
		"integrations_account_key": {"insert into integrations (id, platform, external_id, name, credential, key_id) values ($1, 'ghost', $2, 'x', 'x', 1)", []any{newID(t), b.mark + " account"}},
		"campaigns_pkey":           {"insert into campaigns (id, name) values ($1, 'x')", []any{b.campaign}},
		"queue_slots_pkey":         {"insert into queue_slots (id, weekday, local_time) values ($1, 2, '10:00')", []any{b.slot}},
		"queue_slots_time_key":     {"insert into queue_slots (id, weekday, local_time) values ($1, 3, '09:30')", []any{newID(t)}},
		"recurring_posts_pkey": {"insert into recurring_posts (id, post_id, rrule, starts_local) values ($1, $2, 'FREQ=DAILY', '2026-01-01')",
			[]any{b.repeated, a.posts[1]}},
		"recurring_posts_rule_key":         {"", nil}, // names rows of one's own by foreign keys: see TestReferencesToOthers
		"posts_slot_key":                   {"update posts set scheduled_at = '2030-01-01', slot_at = '2030-01-01' where id = $1", []any{a.posts[0]}},
		"posts_occurrence_key":             {"", nil}, // filled by functions alone
		"posts_pkey":                       {"insert into posts (id, text) values ($1, 'x')", []any{b.posts[0]}},
		"platform_posts_pkey":              {"insert into platform_posts (id, post_id, integration_id) values ($1, $2, $3)", []any{b.platform, a.posts[1], a.account}},
		"platform_posts_account_key":       {"", nil}, // names rows of one's own by foreign keys: see TestReferencesToOthers
		"media_pkey":                       {"insert into media (id, path, content_type, bytes) values ($1, 'x', 'image/png', 1)", []any{b.file}},
		"media_path_key":                   {"", nil}, // the path is the database's: see guard_media
		"email_templates_pkey":             {"insert into email_templates (id, name, html) values ($1, 'x', 'x')", []any{b.template}},
		"email_templates_name_key":         {"insert into email_templates (id, name, html) values ($1, $2, 'x')", []any{newID(t), b.mark + " template"}},
		"post_media_pkey":                  {"", nil}, // foreign keys, as above
		"post_media_position_key":          {"insert into post_media (post_id, media_id, position) values ($1, $2, 0)", []any{a.posts[1], a.file}},
		"platform_posts_external_key":      {"", nil}, // by the account alone, which is one's own by a foreign key
		"platform_post_media_pkey":         {"", nil}, // foreign keys, as above
		"platform_post_media_position_key": {"insert into platform_post_media (platform_post_id, media_id, position) values ($1, $2, 1)", []any{a.platform, a.spare}},
		"post_reviews_pkey":                {"insert into post_reviews (id, post_id, post_version, verdict, comment) values ($1, $2, 1, 'comment', 'x')", []any{b.review, a.posts[0]}},
		"account_limits_pkey":              {"", nil}, // a foreign key, as above
		"post_metrics_pkey":                {"", nil}, // a foreign key, as above, and a day
		"publish_attempts_pkey":            {"", nil}, // a foreign key, as above, and a number
		"api_keys_pkey": {"insert into api_keys (id, name, prefix, key_hash, permissions) values ($1, 'x', 'ffk_ABCDEF', sha256('x'), '{posts:read}')",
			[]any{b.key.ID}},
		"api_keys_by_hash": {"", nil}, // of 260 random bits that the API chooses
		"agent_tokens_pkey": {"insert into agent_tokens (id, name, permissions, expires_at) values ($1, 'x', '{posts:read}', now())",
			[]any{b.token.ID}},
		"webhook_endpoints_pkey":      {"insert into webhook_endpoints (id, url) values ($1, 'https://x.example')", []any{b.hook}},
		"webhook_secrets_pkey":        {"", nil}, // a foreign key, as above
		"webhook_secrets_current_key": {"", nil}, // by the endpoint, as above
		"webhook_deliveries_pkey":     {"insert into webhook_deliveries (id, endpoint_id, event, payload) values ($1, $2, 'webhook.test', '{}')", []any{b.message, a.hook}},
		"exports_pkey":                {"insert into exports (id) values ($1)", []any{b.export}},
		"exports_one_at_a_time":       {"", nil}, // by the customer alone
		"river_job_pkey":              {"", nil}, // see TestJobsOfTenants
		"river_job_unique_idx":        {"", nil}, // see TestJobsOfTenants
		"rate_limit_rules_pkey":       {"", nil}, // written by system admins only, who see every customer's
		"rate_limits_pkey":            {"", nil}, // written by functions only: see TestChargesOfOthers
		"usage_days_pkey":             {"", nil}, // written by functions only
		"usage_entries_pkey":          {"", nil},
		"llm_months_pkey":             {"", nil},
		"llm_reservations_pkey":       {"", nil}, // as above: see TestLLMBudgetOfOthers
		"llm_budgets_pkey":            {"", nil}, // by the customer alone
		"credential_moves_pkey":       {"", nil}, // written by the operator only
		"credential_moves_owner_key":  {"", nil},
		"bots_pkey":                   {"insert into bots (id, platform, bot, credential, key_id) values ($1, 'telegram', 'free', 'x', 1)", []any{b.bot}},
		"bots_bot_key":                {"", nil}, // of all customers on purpose: see TestBotOfAnother
		"spaces_pkey":                 {"", nil}, // written by the worker alone
		"spaces_by_chat":              {"", nil}, // as spaces_pkey: see TestChatOfAnother
		"space_people_pkey":           {"", nil},
		"space_people_person_key":     {"", nil},
		"chat_identities_pkey":        {"", nil},
		"chat_identities_person_key":  {"", nil},
		"messages_pkey":               {"", nil},
		"memories_pkey":               {"insert into memories (id, text) values ($1, 'x')", []any{b.memory}},
		"mcp_servers_pkey":            {"insert into mcp_servers (id, space_id, name, url) values ($1, $2, 'x', 'https://z.example.com/')", []any{b.server, a.space.ID}},
		"mcp_servers_url_key":         {"insert into mcp_servers (id, space_id, name, url) values ($1, $2, 'x', 'https://x.example.com/')", []any{newID(t), a.space.ID}},
		"mcp_servers_space_key":       {"", nil}, // a part of it is mcp_servers_pkey
		"credentials_pkey": {"insert into credentials (id, space_id, kind, name, mcp_server_id, login, credential, key_id) values ($1, $2, 'mcp', 'x', $3, 'token', 'x', 1)",
			[]any{b.llmKey, a.space.ID, a.server}},
		"credentials_llm_key": {"insert into credentials (id, kind, name, provider, model, credential, key_id) values ($1, 'llm', 'x', 'openai', 'x', 'x', 1)", []any{newID(t)}},
		"credentials_mcp_key": {"", nil}, // of a server of one's own
		"pairings_pkey": {"insert into pairings (id, platform, bot, code_hash, link_hash, permissions, own) values ($1, 'telegram', '1', sha256('x'), sha256('x'), '{posts:read}', false)",
			[]any{b.pairing.ID}},
		"pairings_by_link":             {"", nil}, // of 256 random bits that the API chooses
		"llm_reservations_request_key": {"", nil}, // written by functions only, as llm_reservations_pkey
		"workspaces_pkey":              {"", nil}, // made by triggers only
		"workspaces_space_key":         {"", nil},
		"file_changes_pkey":            {"select tenancy.begin_file_change($1, $2, 'write', 1, false, 1000000)", []any{b.change, a.work}},
		"workspace_policies_pkey":      {"", nil}, // by the customer alone
		"backup_status_pkey":           {"", nil}, // by the customer alone, as are the three below
		"backups_pkey":                 {"insert into backups (id) values ($1)", []any{b.backup}},
		"backups_one_at_a_time":        {"", nil},
		"restores_pkey":                {"insert into restores (id, backup_id) values ($1, $2)", []any{b.restore, a.backup}},
		"restores_one_at_a_time":       {"", nil},
		"restores_one_plan_at_a_time":  {"", nil},
		"drills_pkey":                  {"", nil}, // written by the worker alone
		"drills_one_at_a_time":         {"", nil},
		"audit_log_pkey":               {"", nil}, // nobody writes the audit log
		"audit_unsealed_pkey":          {"", nil},
		"audit_seals_pkey":             {"", nil},
	}
	inSchema := column[string](ctx, t, d.Super, cteOurs+`select i.indexrelid::regclass::text from pg_index i join ours o on o.oid = i.indrelid
		where i.indisunique and o.tenant`)
	for i := range inSchema {
		inSchema[i] = strings.TrimPrefix(inSchema[i], "river.")
	}
	slices.Sort(inSchema)
	if diff := cmp.Diff(inSchema, slices.Sorted(maps.Keys(statements))); diff != "" {
		t.Fatalf("unique keys of tenant tables (-schema +tested):\n%s", diff)
	}
	for name, statement := range statements {
		if statement.sql == "" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			if err := d.Tenant().Tx(ctx, a.people["owner"].Scope().In(a.id), func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, statement.sql, statement.args...)
				return err
			}); err != nil {
				t.Errorf("a value that another customer has: %v", err)
			}
			if checksum(ctx, t, d, b.id) != before {
				t.Error("the other customer's rows have changed")
			}
		})
	}
}

// TestNothingOutside: without a tenant, or with one that is not theirs, nobody reads anything.
func TestNothingOutside(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	owner := dbtest.OpenPool(t, d.OwnerURL)
	for _, table := range append(tenantTables(ctx, t, d.Super), "posts_with_platforms", "customers") {
		_, err := d.Login.Exec(ctx, "select 1 from "+table)
		expectRefused(t, table+" as the login", err, denied)
		if table != "river.river_job" {
			_, err = d.Worker.Exec(ctx, "select 1 from "+table)
			expectRefused(t, table+" as the worker outside a customer", err, denied)
		}
		if table != "posts_with_platforms" {
			if rows := one[int64](ctx, t, owner, "select count(*) from "+table); rows != 0 {
				t.Errorf("the owner sees %d rows of %s", rows, table)
			}
			_, err = owner.Exec(ctx, "set row_security = off; select 1 from "+table)
			expectRefused(t, table+" as the owner without row security", err, denied)
		}
		if table == "customers" {
			continue // the list of one's customers needs none entered
		}
		_, err = d.Tenant().Read(a.people["owner"].Scope()).Query(ctx, "select 1 from "+table)
		expectRefused(t, table+" as a user in no customer", err, denied)
	}
	for _, scope := range []tenant.Scope{a.people["owner"].Scope().In(b.id), a.people["owner"].Scope().In(newID(t))} {
		if _, err := d.Tenant().Read(scope).Query(ctx, "select 1"); !errors.Is(err, tenant.ErrNotFound) {
			t.Errorf("entering a customer of others: %v", err)
		}
	}
	for _, role := range peopleRoles {
		tx, err := d.Login.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tx.Exec(ctx, "select set_config('role', $1, true)", role)
		if err != nil {
			t.Fatal(err)
		}
		_, err = tx.Exec(ctx, "select set_config('fanfare.customer_id', '', true)")
		expectRefused(t, "set_config as "+role, err, denied)
		if err := tx.Rollback(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// TestNothingLeaks: statistics, plans, other sessions' statements and leaky operators show nothing of others.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	if _, err := d.Super.Exec(ctx, `insert into posts (customer_id, id, text) select $1, gen_random_uuid(), 'theirs ' || n from generate_series(1, 500) n`, b.id); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"create statistics posts_both (mcv) on state, text from posts", "analyze posts, customers, river.river_job"} {
		if _, err := d.Super.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	statistics := []string{
		"select count(*) from pg_stats where schemaname in ('public', 'river') and tablename in ('posts', 'river_job')",
		"select count(*) from pg_stats_ext where schemaname = 'public'",
		"select count(*) from pg_stat_activity where query ~ 'fanfare_leak_probe' and pid <> pg_backend_pid()",
	}
	// Another session of the same login, at work.
	busy, err := d.Login.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Release()
	if _, err := busy.Exec(ctx, "select 'fanfare_leak_probe'"); err != nil {
		t.Fatal(err)
	}
	for _, sql := range statistics {
		if seen := one[int64](ctx, t, d.Super, sql); seen == 0 {
			t.Errorf("the superuser sees nothing either: %s", sql)
		}
	}
	for _, who := range intruders(t, d, a) {
		t.Run(who.name, func(t *testing.T) {
			read := func(sql string, args ...any) []string {
				t.Helper()
				rows, err := who.db.Read(who.scope).Query(ctx, sql, args...)
				if err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
				lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
				if err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
				return lines
			}
			for _, sql := range statistics {
				if strings.Contains(sql, "tablename") && who.name == "worker" {
					sql = strings.Replace(sql, "'posts', 'river_job'", "'posts', 'posts'", 1)
				}
				if got := read(strings.Replace(sql, "count(*)", "count(*)::text", 1)+" and $1 <> ''", "x"); got[0] != "0" {
					t.Errorf("sees %s rows: %s", got[0], sql)
				}
			}
			// The database must not evaluate an operator that can fail, or tell, on rows of others.
			read("select count(*)::text from posts where 1 / (case when text like 'theirs%' then 0 else 1 end) = 1")
			plan := strings.Join(read("explain (analyze, verbose, costs off, timing off, summary off) select id, title, text from posts"), "\n")
			if strings.Contains(plan, b.id.String()) || strings.Contains(plan, b.mark) {
				t.Errorf("the plan tells of another customer:\n%s", plan)
			}
			if !strings.Contains(plan, "customer_id = $") && !strings.Contains(plan, "customer_id = (InitPlan") {
				t.Errorf("the plan has no condition on the customer that is evaluated once:\n%s", plan)
			}
		})
	}
}

// TestRefusedRowsAreNotShown: the error of a constraint names it and shows no row, not even one's own:
// with it the sealed credential would come back.
func TestRefusedRowsAreNotShown(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	for _, sql := range []string{
		"update integrations set state = 'gone'",
		"update integrations set credential = null",
		"insert into integrations (id, platform, external_id, name, credential, key_id) values (gen_random_uuid(), 'ghost', 'ours account', 'x', 'ours credential', 1)",
	} {
		err := d.Tenant().Tx(ctx, a.people["owner"].Scope().In(a.id), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
		var pgErr *pgconn.PgError
		if !errors.As(err, &pgErr) {
			t.Errorf("%s: %v, want a refusal", sql, err)
		} else if strings.Contains(pgErr.Detail, "credential") || strings.Contains(pgErr.Detail, "6f757273") {
			t.Errorf("%s: the error shows the row: %s", sql, pgErr.Detail)
		}
	}
	for _, sql := range []string{
		"select credential from integrations", "select i from integrations i", "select to_jsonb(i) from integrations i",
		"update integrations set name = encode(credential, 'hex')", "update integrations set name = 'x' returning credential",
		"select credential from authorizations", "update authorizations set name = encode(credential, 'hex')",
		"select secret from connect_sessions", "select 1 from connect_sessions where state_hash = sha256('x')", "select cookie_hash from connect_sessions",
		"select 1 from integrations where credential = 'x'", "select 1 from integrations order by credential",
	} {
		err := d.Tenant().Tx(ctx, a.people["owner"].Scope().In(a.id), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
		expectRefused(t, sql, err, denied)
	}
}
