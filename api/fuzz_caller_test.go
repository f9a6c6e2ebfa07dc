package api_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"fanfare/db/dbtest"
	"fanfare/internal/agenttoken"
	"fanfare/internal/bucket"
)

// standing is what a caller is to the customer of a season.
type standing int

const (
	nobody   standing = iota // no valid credential
	spent                    // a key that was valid once, which is only found out on entering
	stranger                 // somebody, who does not belong to the customer
	reader                   // may change nothing
	writer
	everywhere // by a system role: may enter every customer
)

// fuzzCaller is one kind of caller.
type fuzzCaller struct {
	name     string
	standing standing
	headers  [][2]string
	// readsAll: what other customers have is no secret to them.
	readsAll bool
}

// season is a fresh customer with everything in it, and everybody who calls. What a worker has broken in the one
// before is left behind with it.
type season struct {
	cast    cast
	callers []fuzzCaller
	stock   *stock
	repair  func(t testing.TB)
}

// secretOf marks every text of the customer to which no caller belongs.
const secretOf = "known-to-nobody-here"

// bystander is a customer with everything in it to which no caller belongs: only system roles could get there.
func (w *world) bystander(t testing.TB) (id uuid.UUID, ids map[string]string) {
	t.Helper()
	c := w.Customer(t, dbtest.Customer{Name: secretOf})
	owner := w.Member(t, c.ID, "owner")
	account := w.Integration(t, dbtest.Integration{CustomerID: c.ID, ExternalID: "https://" + secretOf + ".example/" + c.ID.String()})
	campaign := w.Campaign(t, dbtest.Campaign{CustomerID: c.ID, Name: secretOf})
	post := w.Post(t, dbtest.Post{CustomerID: c.ID, Title: secretOf, Text: secretOf, Integrations: []dbtest.Integration{account}})
	key := w.APIKey(t, dbtest.APIKey{CustomerID: c.ID, CreatedBy: owner.ID})
	token := w.AgentToken(t, dbtest.AgentToken{CustomerID: c.ID, KeyID: &key.ID})
	w.limit(t, c.ID, "list-jobs", 1000, 60)
	exported := dbtest.NewID(t)
	w.exec(t, "insert into exports (customer_id, id) values ($1, $2)", c.ID, exported)
	return c.ID, map[string]string{
		"api_key_id": key.ID.String(), "agent_token_id": token.ID.String(), "export_id": exported.String(),
		"customer_id": c.ID.String(), "user_id": owner.ID.String(), "integration_id": account.ID.String(),
		"campaign_id": campaign.ID.String(), "post_id": post.ID.String(), "platform_post_id": post.PlatformPosts[0].String(), "connect_session_id": w.choosing(t, c.ID, owner.ID).String(),
	}
}

// season makes a new one. Here is the list of callers.
func (w *world) season(t testing.TB, issuerKey jwk.Key, foreign map[string]string) *season {
	t.Helper()
	c := w.cast(t)
	id := c.customer.ID
	removed := w.Member(t, id, "admin")
	w.exec(t, "delete from memberships where customer_id = $1 and user_id = $2", id, removed.ID)
	spare := w.User(t, dbtest.User{})
	account := w.Integration(t, dbtest.Integration{CustomerID: id})
	campaign := w.Campaign(t, dbtest.Campaign{CustomerID: id})
	empty := w.Campaign(t, dbtest.Campaign{CustomerID: id})
	var posts []string
	for range 3 {
		posts = append(posts, w.Post(t, dbtest.Post{CustomerID: id, Integrations: []dbtest.Integration{account}}).ID.String())
	}

	// Of these one waits for approval, one for a decision, and one has failed.
	var ended []string
	for _, states := range [][]string{{"pending_approval"}, {"scheduled", "publishing", "needs_attention"}, {"scheduled", "publishing", "failed"}} {
		post := w.Post(t, dbtest.Post{CustomerID: id, Integrations: []dbtest.Integration{account}})
		w.exec(t, "update posts set scheduled_at = now() where id = $1", post.ID)
		for _, state := range states {
			w.exec(t, "update platform_posts set state = $2, problem = 'Look.', problem_class = 'unknown_outcome' where post_id = $1", post.ID, state)
		}
		posts, ended = append(posts, post.ID.String()), append(ended, post.PlatformPosts[0].String())
	}

	key := func(customer uuid.UUID, maker dbtest.User, permissions ...string) dbtest.APIKey {
		return w.APIKey(t, dbtest.APIKey{CustomerID: customer, CreatedBy: maker.ID, Permissions: permissions})
	}
	revoked, left, elsewhere := key(id, c.owner), key(id, removed), key(c.elsewhere.ID, c.outsider)
	w.exec(t, "update api_keys set revoked_at = now() where id = $1", revoked.ID)
	agents := agenttoken.New(w.Login, w.vault)
	agent := func(customer, maker uuid.UUID, lifetime time.Duration) string {
		row := w.AgentToken(t, dbtest.AgentToken{CustomerID: customer, CreatedBy: &maker})
		return must(agents.Sign(t.Context(), agenttoken.Claims{
			ID: row.ID, CustomerID: customer, Permissions: row.Permissions, ExpiresAt: time.Now().Add(lifetime),
		}))
	}

	// Everybody is invited to a customer where none of them is.
	away, host := w.Customer(t, dbtest.Customer{}), w.User(t, dbtest.User{})
	w.Join(t, away.ID, host.ID, "owner")
	invite := func(customerID uuid.UUID, email, token string, by dbtest.User) string {
		invitation, hash := dbtest.NewID(t), sha256.Sum256([]byte(token))
		w.exec(t, "insert into invitations (customer_id, id, email, role, token_hash, invited_by) values ($1, $2, $3, 'viewer', $4, $5)",
			customerID, invitation, email, hash[:], by.ID)
		return invitation.String()
	}
	invited := map[string]string{}
	for name, who := range map[string]dbtest.User{
		"viewer": c.viewer, "member": c.member, "admin": c.admin, "owner": c.owner, "outsider": c.outsider, "removed member": removed, "system admin": c.sysadmin,
	} {
		invited[name] = rand.Text()
		invite(away.ID, who.Email, invited[name], host)
	}
	w.limit(t, id, "list-jobs", 1000, 60)
	w.limit(t, id, "create-post", 1000, 60)
	exported, erased := dbtest.NewID(t), dbtest.NewID(t)
	w.exec(t, "insert into exports (customer_id, id) values ($1, $2)", id, exported)
	w.ready(t, c, exported)
	w.exec(t, "insert into erasures (id, subject_id, requested_by, has_files) values ($1, $2, $3, false)", erased, dbtest.NewID(t), c.owner.ID)

	token := func(who dbtest.User, changes ...func(*jwt.Builder)) string {
		return signed(t, jwa.ES256(), issuerKey, func(b *jwt.Builder) {
			b.Subject(who.Subject).Claim("email", who.Email).Claim("email_verified", true)
			for _, change := range changes {
				change(b)
			}
		})
	}
	bearer := func(token string) [][2]string { return [][2]string{{"Authorization", "Bearer " + token}} }
	person := func(name string, standing standing, who dbtest.User) fuzzCaller {
		return fuzzCaller{name, standing, bearer(token(who)), standing == everywhere}
	}
	program := func(name string, standing standing, key dbtest.APIKey) fuzzCaller {
		return fuzzCaller{name, standing, [][2]string{{"x-api-key", key.Key}}, false}
	}
	good := token(c.owner)
	file, template, hook, message := dbtest.NewID(t), dbtest.NewID(t), dbtest.NewID(t), dbtest.NewID(t)
	picture := string(pngFile(t))
	mustDo(t, w.bucket.Write(t.Context(), bucket.Media(id)+file.String(), "image/png", func(out io.Writer) error {
		_, err := io.WriteString(out, picture)
		return err
	}))
	w.exec(t, "insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, $3, 'image/png', $4)", id, file, bucket.Media(id)+file.String(), len(picture))
	w.exec(t, "insert into email_templates (customer_id, id, name, html) values ($1, $2, 'Letter', '<p>{{title}}</p>')", id, template)
	space, memory := w.Space(t, dbtest.Space{CustomerID: id, PairedBy: c.owner.ID}), dbtest.NewID(t)
	w.exec(t, "insert into messages (customer_id, id, space_id, direction, text) values ($1, $2, $3, 'in', 'Said')", id, dbtest.NewID(t), space.ID)
	w.exec(t, "insert into memories (customer_id, id, text) values ($1, $2, 'Remembered')", id, memory)
	review := dbtest.NewID(t)
	w.exec(t, "insert into post_reviews (customer_id, id, post_id, post_version, verdict, comment) values ($1, $2, $3, 1, 'comment', 'Said')", id, review, posts[0])
	server, own, given := dbtest.NewID(t), dbtest.NewID(t), dbtest.NewID(t)
	w.exec(t, "insert into mcp_servers (customer_id, id, space_id, name, url, created_by) values ($1, $2, $3, 'Server', 'https://mcp.example.com/', $4)", id, server, space.ID, c.owner.ID)
	const llmKey = `insert into credentials (customer_id, id, space_id, kind, name, provider, model, credential, key_id, created_by)
		values ($1, $2, $3, 'llm', 'Key', 'anthropic', 'claude-sonnet-5-5', 'x', 1, $4)`
	w.exec(t, llmKey, id, own, nil, c.owner.ID)
	w.exec(t, llmKey, id, given, space.ID, c.owner.ID)
	w.exec(t, "insert into webhook_endpoints (customer_id, id, url) values ($1, $2, 'https://127.0.0.1:1/')", id, hook)
	w.exec(t, "insert into webhook_deliveries (customer_id, id, endpoint_id, event, payload, state, next_at) values ($1, $2, $3, 'webhook.test', '{}', 'failed', null)", id, message, hook)
	work, backup, plan := w.workspace(t, id), dbtest.NewID(t), dbtest.NewID(t)
	w.exec(t, "insert into backups (customer_id, id, state, object_id, manifest_sha256, uses, files, bytes, finished_at) values ($1, $2, 'ready', $2, repeat('a', 64), '[]', 1, 1, now())", id, backup)
	w.exec(t, "insert into restores (customer_id, id, backup_id, state, plan) values ($1, $2, $3, 'planned', '{}')", id, plan, backup)
	sysviewer := person("system viewer", reader, c.sysviewer)
	sysviewer.readsAll = true
	result := &season{
		cast: c,
		callers: []fuzzCaller{
			{"nobody", nobody, nil, false},
			{"garbage", nobody, bearer("garbage"), false},
			{"another scheme", nobody, [][2]string{{"Authorization", "Basic " + good}}, false},
			{"two tokens", nobody, append(bearer(good), bearer(good)...), false},
			{"a forged token", nobody, bearer(good[:len(good)-8] + "AAAAAAAA"), false},
			{"an expired token", nobody, bearer(token(c.owner, func(b *jwt.Builder) { b.Expiration(time.Now().Add(-time.Hour)) })), false},
			{"a token for others", nobody, bearer(token(c.owner, func(b *jwt.Builder) { b.Audience([]string{"others"}) })), false},
			{"a long token", nobody, bearer(strings.Repeat("a", 20_000)), false},
			person("outsider", stranger, c.outsider), person("removed member", stranger, removed), person("somebody new", stranger, dbtest.User{Subject: "new-" + dbtest.NewID(t).String()}),
			person("viewer", reader, c.viewer), person("member", writer, c.member), person("admin", writer, c.admin), person("owner", writer, c.owner),
			program("key", writer, key(id, c.owner)), program("key for drafts", writer, key(id, c.member, "posts:write")),
			program("key that reads", reader, key(id, c.admin, "customer:read", "campaigns:read", "posts:read", "jobs:read", "audit:read")),
			program("key of a viewer", reader, key(id, c.viewer)), program("key of another customer", stranger, elsewhere),
			program("revoked key", spent, revoked), program("key of somebody who has left", spent, left), program("unknown key", spent, dbtest.APIKey{Key: "ffk_unknown"}),
			{"agent token", writer, bearer(agent(id, c.owner.ID, time.Hour)), false},
			{"agent token of another customer", stranger, bearer(agent(c.elsewhere.ID, c.outsider.ID, time.Hour)), false},
			{"expired agent token", nobody, bearer(agent(id, c.owner.ID, -time.Hour)), false},
			{"key and token", nobody, append(bearer(good), [2]string{"x-api-key", elsewhere.Key}), false},
			sysviewer, person("system manager", everywhere, c.manager), person("system admin", everywhere, c.sysadmin),
		},
		stock: &stock{
			customer: id.String(), foreign: foreign, invited: invited, cursors: map[string][]string{}, site: w.siteURL, siteKey: w.siteKey, picture: picture, photo: w.box.UnsplashPhotoIDs()[3],
			own: map[string][]string{
				"user_id":        {c.viewer.ID.String(), c.member.ID.String(), spare.ID.String()},
				"integration_id": {account.ID.String()}, "post_id": posts, "platform_post_id": ended, "review_id": {review.String()},
				"export_id": {exported.String()}, "erasure_id": {erased.String()},
				"media_id": {file.String()}, "email_template_id": {template.String()}, "webhook_id": {hook.String()}, "delivery_id": {message.String()},
				"queue_slot_id":     {w.QueueSlot(t, id).String(), w.QueueSlot(t, id).String()},
				"recurring_post_id": {w.RecurringPost(t, id, uuid.MustParse(posts[0])).String(), w.RecurringPost(t, id, uuid.MustParse(posts[1])).String()},
				"space_id":          {space.ID.String()}, "memory_id": {memory.String()},
				"bot_id":           {w.ownBot(t, id).String()},
				"pairing_id":       {w.Pairing(t, dbtest.Pairing{CustomerID: id, CreatedBy: c.owner.ID}).ID.String(), w.Pairing(t, dbtest.Pairing{CustomerID: id, CreatedBy: c.owner.ID, Code: "271828"}).ID.String()},
				"invitation_id":    {invite(id, "first@example.com", rand.Text(), c.owner), invite(id, "second@example.com", rand.Text(), c.owner)},
				"chat_identity_id": {w.Identify(t, space, dbtest.NewID(t).String(), c.owner.ID).String()},
				"mcp_server_id":    {server.String()}, "credential_id": {own.String(), given.String()},
				"workspace_id": {work.String()}, "backup_id": {backup.String()}, "restore_id": {plan.String()},
				"operation": {"list-jobs", "create-post"},
				"platform":  {"twitter", "linkedin", "facebook", "mailchimp", "ghost"},
				"connect_session_id": {
					w.choosing(t, id, c.owner.ID).String(), w.choosing(t, id, c.admin.ID).String(), w.choosing(t, id, c.sysadmin.ID).String(),
				},
				"campaign_id": {campaign.ID.String(), empty.ID.String()},
			},
		},
		repair: func(t testing.TB) {
			t.Helper()
			for name, content := range map[string]string{"notes/there.md": "There.", "picture.gif": onePixel, fuzzedFile: "A day."} {
				file := filepath.Join(w.workDir, id.String(), "shared", name)
				if _, err := os.Lstat(file); err != nil {
					mustDo(t, errors.Join(os.MkdirAll(filepath.Dir(file), 0o750), os.WriteFile(file, []byte(content), 0o600)))
				}
			}
			w.exec(t, "update workspaces set state = 'active', wanted_at = null where customer_id = $1 and state = 'archiving'", id)
			w.exec(t, "update workspace_policies set legal_hold = false, hold_reason = null, hold_of_installation = false where customer_id = $1 and legal_hold", id)
			w.exec(t, "update backups set state = 'failed', problem = 'x' where customer_id = $1 and state = 'queued'", id)
			w.exec(t, "update restores set state = 'planned', plan = '{}' where customer_id = $1 and state = 'planning'", id)
			w.exec(t, "update customers set archived_at = null where id = $1 and archived_at is not null", id)
			w.exec(t, "delete from memberships where customer_id = $1 and user_id = any ($2)", id, []uuid.UUID{removed.ID, c.outsider.ID, c.sysviewer.ID, c.sysadmin.ID, c.manager.ID, spare.ID})
			for role, who := range map[string]dbtest.User{"owner": c.owner, "admin": c.admin, "member": c.member, "viewer": c.viewer} {
				w.exec(t, `insert into memberships (customer_id, user_id, role) values ($1, $2, $3)
					on conflict (customer_id, user_id) do update set role = excluded.role where memberships.role <> excluded.role`, id, who.ID, role)
			}
		},
	}
	w.exec(t, "update api_keys set last_used_at = now() where customer_id = $1", id) // else the first use of one changes it
	return result
}

// leavesTraces are tables in which also a refused request, or one that only reads, may leave a row. A workspace is used, and so made or brought back, before
// it is known what becomes of the request.
var leavesTraces = []string{"public.audit_log", "public.audit_unsealed", "public.audit_seals", "public.rate_limits", "public.usage_entries", "public.llm_months", "public.workspaces"}

// fingerprints gives a function that reads one of each table's rows of a customer: it changes with every row that
// is made, changed or removed.
func (w *world) fingerprints(t testing.TB) func(t testing.TB, customerID uuid.UUID) map[string]string {
	t.Helper()
	rows, err := w.Super.Query(context.Background(), `
		select format('select %1$L, count(*) || '' '' || coalesce(sum(xmin::text::bigint), 0) from %1$s where %2$I = $1', t.name, t.attname)
		from (
			select format('%I.%I', n.nspname, c.relname) as name, a.attname
			from pg_class c
				join pg_namespace n on n.oid = c.relnamespace
				join pg_attribute a on a.attrelid = c.oid
			where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ('public', 'river')
				and (a.attname = 'customer_id' or (c.relname = 'customers' and a.attname = 'id'))
		) t
		where t.name <> all ($1)`, leavesTraces)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(parts) < 8 {
		t.Fatalf("%d tables with customers' data: %v", len(parts), err)
	}
	statement := strings.Join(parts, " union all ")
	return func(t testing.TB, customerID uuid.UUID) map[string]string {
		t.Helper()
		rows, err := w.Super.Query(context.Background(), statement, customerID)
		if err != nil {
			t.Fatal(err)
		}
		prints := map[string]string{}
		var table, print string
		if _, err := pgx.ForEachRow(rows, []any{&table, &print}, func() error { prints[table] = print; return nil }); err != nil {
			t.Fatal(err)
		}
		return prints
	}
}

// differ names the tables in which two fingerprints differ.
func differ(a, b map[string]string) (tables []string) {
	for _, table := range slices.Sorted(maps.Keys(a)) {
		if a[table] != b[table] {
			tables = append(tables, table)
		}
	}
	return tables
}
