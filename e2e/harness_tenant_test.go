package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// tenantOperations holds, for every operation inside a customer, a body that its owner could send.
// Each <resource>_tenant_test.go adds its own.
var tenantOperations = map[string]any{}

// tested adds the operations of one file, and gives their names.
func tested(bodies map[string]any) []string {
	maps.Copy(tenantOperations, bodies)
	return slices.Sorted(maps.Keys(bodies))
}

// operation is one of the API's, as its own document lists it.
type operation struct{ id, method, path string }

// namingInBody are the operations whose body names the customer, as client_id.
var namingInBody = []string{"earlier-search-images", "earlier-pair", "earlier-generate-post"}

// inside tells whether the operation acts in a customer: one that its path names, or its body.
func (o operation) inside() bool {
	return strings.Contains(o.path, "{customer_id}") || slices.Contains(namingInBody, o.id)
}

// operations are those inside a customer.
func operations(t testing.TB, s *system) map[string]operation {
	t.Helper()
	all := allOperations(t, s)
	maps.DeleteFunc(all, func(_ string, o operation) bool { return !o.inside() })
	return all
}

func allOperations(t testing.TB, s *system) map[string]operation {
	t.Helper()
	_, document := fetch(t, "http://"+s.addr+"/openapi.json")
	var parsed struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		}
	}
	if err := json.Unmarshal([]byte(document), &parsed); err != nil {
		t.Fatal(err)
	}
	all := map[string]operation{}
	for path, methods := range parsed.Paths {
		for method, o := range methods {
			all[o.OperationID] = operation{o.OperationID, strings.ToUpper(method), path}
		}
	}
	return all
}

// Every operation inside a customer is in one of the tenant tests.
func TestTenantTestsCoverEveryOperation(t *testing.T) {
	t.Parallel()
	all := operations(t, newSystem(t, options{noWorker: true}))
	if len(all) < 20 {
		t.Fatalf("the document lists %d operations", len(all))
	}
	for id := range all {
		if _, found := tenantOperations[id]; !found {
			t.Errorf("%s: add it to a <resource>_tenant_test.go", id)
		}
	}
	for id := range tenantOperations {
		if _, found := all[id]; !found {
			t.Errorf("%s is tested and does not exist", id)
		}
	}
}

// agency is a customer with one of everything.
type agency struct {
	*brand
	member *client
	// ids by the names that they have in paths.
	ids map[string]string
	// key and token are of a program that may do everything.
	key, token string
}

// twoAgencies are customers of people who have nothing to do with each other.
type twoAgencies struct {
	s    *system
	a, b agency
	ops  map[string]operation
}

func newTwoAgencies(t testing.TB) twoAgencies {
	t.Helper()
	s := newSystem(t, options{})
	w := twoAgencies{s: s, a: newAgency(t, s), b: newAgency(t, s), ops: operations(t, s)}
	eventually(t, 20*time.Second, "workspaces are made, and the queue is at rest", func() bool {
		return one[int](t, s, "select count(*) from workspaces where state = 'new'") == 0 &&
			one[int](t, s, "select count(*) from river.river_job where state not in ('completed', 'scheduled')") == 0
	})
	return w
}

func newAgency(t testing.TB, s *system) agency {
	t.Helper()
	b := s.newBrand(t)
	campaign := call[campaignAnswer](t, b.owner, http.MethodPost, b.path+"/campaigns", map[string]any{"name": "Winter"})
	published := b.draft(t, draft{campaign: campaign.ID})
	b.publish(t, published.ID)
	b.await(t, published.ID, "published")
	scheduled := b.draft(t, draft{campaign: campaign.ID})
	b.schedule(t, scheduled.ID, time.Now().Add(24*time.Hour))
	post := b.draft(t, draft{campaign: campaign.ID})
	review := call[struct{ ID string }](t, b.owner, http.MethodPost, b.path+"/posts/"+post.ID+"/reviews", map[string]any{"comment": "Of the agency"})
	slot := call[struct{ ID string }](t, b.owner, http.MethodPost, b.path+"/queue-slots", map[string]any{"weekday": "monday", "local_time": "09:30"})
	// Far off: nothing goes out by itself while tests look.
	recurring := call[struct{ ID string }](t, b.owner, http.MethodPost, b.path+"/recurring-posts",
		map[string]any{"post_id": b.draft(t, draft{}).ID, "rrule": "FREQ=YEARLY", "starts_local": time.Now().AddDate(0, 6, 0).Format("2006-01-02T15:04")})
	member := s.person(t)
	export := b.export(t)
	user := b.join(t, member, "admin")
	invitation, _ := b.invite(t, uniqueName("guest")+"@example.com", "viewer")
	all := []string{"customer:read", "campaigns:read", "campaigns:write", "posts:read", "posts:write", "posts:publish", "jobs:read", "audit:read",
		"files:read", "files:write"}
	key := call[struct{ ID, Key string }](t, b.owner, http.MethodPost, b.path+"/api-keys",
		map[string]any{"name": "Everything", "permissions": append(all, "tokens:mint")})
	token := call[struct{ ID, Token string }](t, s.program(key.Key), http.MethodPost, b.path+"/agent-tokens", map[string]any{"name": "Agent", "permissions": all})
	connecting := call[struct {
		ID string `json:"connect_session_id"`
	}](t, b.owner, http.MethodGet, b.path+"/integrations/twitter/connect", nil)
	file := call[struct{ ID string }](t, b.owner, http.MethodPost, b.path+"/media", onePixel)
	template := call[struct{ ID string }](t, b.owner, http.MethodPost, b.path+"/email-templates", map[string]any{"name": "Letter", "html": "<p>{{title}}</p>"})
	hook := call[struct{ ID string }](t, b.owner, http.MethodPost, b.path+"/webhooks", map[string]any{"url": "https://127.0.0.1:1/", "events": []string{"integration.needs_reauth"}})
	memory := call[struct{ ID string }](t, b.owner, http.MethodPost, b.path+"/memories", map[string]any{"text": "No emojis"})
	work := call[struct{ Items []struct{ ID string } }](t, b.owner, http.MethodGet, b.path+"/workspaces", nil).Items[0].ID
	b.owner.expect(t, http.StatusOK, http.MethodPut, b.path+"/workspaces/"+work+"/files/text", map[string]any{"path": "notes.md", "content": "Of the agency"})
	message := call[struct{ ID string }](t, b.owner, http.MethodPost, b.path+"/webhooks/"+hook.ID+"/test", nil)
	eventually(t, 20*time.Second, "the test message is given up", func() bool {
		return one[string](t, s, "select state from webhook_deliveries where id = $1", message.ID) == "failed"
	})
	// Chats come from outside: what they bring is put there as the worker does.
	owner := one[string](t, s, "select user_id::text from memberships where customer_id = $1 and role = 'owner'", b.id)
	space, identity, pairing, bot, server := randomID(), randomID(), randomID(), randomID(), randomID()
	for _, chat := range []struct {
		sql  string
		args []any
	}{
		{"insert into spaces (customer_id, id, platform, bot, kind, external_id, permissions, paired_by) values ($1, $2::uuid, 'telegram', '1', 'user', $2::uuid::text, '{posts:read}', $3)", []any{b.id, space, owner}},
		{"insert into space_people (customer_id, id, space_id, external_id) values ($1, gen_random_uuid(), $2, 'person')", []any{b.id, space}},
		{"insert into messages (customer_id, id, space_id, direction, text) values ($1, gen_random_uuid(), $2, 'out', 'Hello')", []any{b.id, space}},
		{"insert into chat_identities (customer_id, id, platform, bot, external_id, user_id) values ($1, $2, 'telegram', '1', 'person', $3)", []any{b.id, identity, owner}},
		{"insert into pairings (customer_id, id, platform, bot, code_hash, link_hash, permissions, own, created_by) values ($1, $2::uuid, 'telegram', '1', sha256('x'), sha256(convert_to($2::uuid::text, 'UTF8')), '{posts:read}', false, $3)",
			[]any{b.id, pairing, owner}},
		{"insert into bots (customer_id, id, platform, bot, credential, key_id) values ($1, $2::uuid, 'telegram', $2::uuid::text, 'x', 1)", []any{b.id, bot}},
		// Nobody looks at it while tests do.
		{"insert into mcp_servers (customer_id, id, space_id, name, url, next_check_at, created_by) values ($1, $2, $3, 'Server', 'https://127.0.0.1:1/mcp', null, null)", []any{b.id, server, space}},
		{"insert into credentials (customer_id, id, space_id, kind, name, mcp_server_id, login, credential, key_id, next_check_at, created_by) values ($1, gen_random_uuid(), $2, 'mcp', 'Server', $3, 'token', 'x', 1, null, null)",
			[]any{b.id, space, server}},
	} {
		if _, err := s.super.Exec(t.Context(), chat.sql, chat.args...); err != nil {
			t.Fatalf("%s: %v", chat.sql, err)
		}
	}
	credential := call[struct{ ID string }](t, b.owner, http.MethodPost, b.path+"/credentials",
		map[string]any{"name": "Key", "provider": "anthropic", "model": "claude", "key": "sk-of-an-agency-" + randomID()})
	return agency{brand: b, member: member, key: key.Key, token: token.Token, ids: map[string]string{
		"api_key_id": key.ID, "agent_token_id": token.ID,
		"space_id": space, "chat_identity_id": identity, "pairing_id": pairing, "bot_id": bot,
		"credential_id": credential.ID, "mcp_server_id": server,
		"customer_id": b.id, "campaign_id": campaign.ID, "post_id": post.ID, "platform_post_id": post.PlatformPosts[0].ID, "review_id": review.ID, "integration_id": b.integration, "user_id": user,
		"invitation_id": invitation, "export_id": export.ID, "connect_session_id": connecting.ID,
		"media_id": file.ID, "memory_id": memory.ID, "email_template_id": template.ID,
		"workspace_id": work,
		"webhook_id":   hook.ID, "delivery_id": message.ID,
		"queue_slot_id": slot.ID, "recurring_post_id": recurring.ID,
	}}
}

var pathParameter = regexp.MustCompile(`\{([a-z_]+)\}`)

// fill puts ids into a path; those that are not given are made up.
func fill(path string, ids map[string]string) string {
	return pathParameter.ReplaceAllStringFunc(path, func(name string) string {
		if id, given := ids[strings.Trim(name, "{}")]; given {
			return id
		}
		return randomID()
	})
}

// check tries A's ids as a person of B, with every operation of a file: each answers as it does for ids that
// nobody has, and nothing changes.
func (w twoAgencies) check(t *testing.T, ids []string) {
	t.Helper()
	before := [2]string{w.s.checksum(t, w.a.id), w.s.checksum(t, w.b.id)}
	charged := one[string](t, w.s, "select greatest(max(tat), clock_timestamp())::text from rate_limits where customer_id = $1", w.a.id)
	for _, id := range ids {
		o, found := w.ops[id]
		if !found {
			t.Errorf("there is no operation %s", id)
			continue
		}
		body := tenantOperations[id]
		everyNil := map[string]string{}
		for name := range w.a.ids {
			everyNil[name] = uuid.Nil.String()
		}
		w.same(t, o, body, "A's customer", w.a.ids, nil, everyNil)
		if strings.Count(o.path, "{") <= 1 || strings.Contains(o.path, "{platform}") { // which is nobody's
			continue
		}
		inB := func(ids map[string]string) map[string]string {
			ids = maps.Clone(ids)
			ids["customer_id"] = w.b.id
			return ids
		}
		w.same(t, o, body, "B's customer with A's thing", inB(w.a.ids), map[string]string{"customer_id": w.b.id}, inB(everyNil))
		// A's customer with B's own thing in it is A's customer all the same.
		mixed := maps.Clone(w.b.ids)
		mixed["customer_id"] = w.a.id
		w.same(t, o, body, "A's customer with B's thing", mixed, nil, everyNil)
	}
	if n := one[int](t, w.s, "select count(*) from rate_limits where customer_id = $1 and tat > $2::timestamptz", w.a.id, charged); n != 0 {
		t.Errorf("%d limits of A's were charged for a stranger", n)
	}
	after := [2]string{w.s.checksum(t, w.a.id), w.s.checksum(t, w.b.id)}
	if before != after {
		t.Errorf("something has changed: A %s → %s, B %s → %s", before[0], after[0], before[1], after[1])
	}
}

// asked is a query in place of a body. naming makes a body that names the customer, which the path does not.
type (
	asked  string
	naming func(ids map[string]string) any
)

// same expects 404 for each set of ids, all in the same words.
func (w twoAgencies) same(t *testing.T, o operation, body any, what string, idSets ...map[string]string) {
	t.Helper()
	var first string
	for i, ids := range idSets {
		path, sent := fill(o.path, ids), body
		switch body := body.(type) {
		case asked:
			path, sent = path+string(body), nil
		case naming:
			if ids == nil { // which is nobody's
				ids = map[string]string{"customer_id": randomID()}
			}
			sent = body(ids)
		}
		r := w.b.owner.do(t, o.method, path, sent)
		answer := told(t, r)
		if r.status != http.StatusNotFound {
			t.Errorf("%s, %s (ids %d): %s", o.id, what, i, answer)
		}
		if i == 0 {
			first = answer
		} else if answer != first {
			t.Errorf("%s, %s: for A's ids\n%s\nfor ids of nobody (%d)\n%s", o.id, what, first, i, answer)
		}
	}
}

// sameForBody sends ids of A's, of nobody and nil inside a body to an operation of B's own, and expects one
// answer to all, with the status.
func (w twoAgencies) sameForBody(t *testing.T, status int, id string, foreign string, body func(id string) any) {
	t.Helper()
	before := [2]string{w.s.checksum(t, w.a.id), w.s.checksum(t, w.b.id)}
	o := w.ops[id]
	var answers []string
	for _, named := range []string{foreign, randomID(), uuid.Nil.String()} {
		r := w.b.owner.do(t, o.method, fill(o.path, w.b.ids), body(named))
		if r.status != status {
			t.Errorf("%s with somebody else's id in its body: %d %s, want %d", id, r.status, r.body, status)
		}
		answers = append(answers, told(t, r))
	}
	if answers[0] != answers[1] || answers[0] != answers[2] {
		t.Errorf("%s with an id in its body: for A's\n%s\nfor nobody's\n%s\nfor nil\n%s", id, answers[0], answers[1], answers[2])
	}
	if after := [2]string{w.s.checksum(t, w.a.id), w.s.checksum(t, w.b.id)}; before != after {
		t.Errorf("%s with somebody else's id in its body has changed something", id)
	}
}

// hidesList expects that a list of B's holds nothing of A's, also from A's own cursor on.
func (w twoAgencies) hidesList(t *testing.T, resource string) {
	t.Helper()
	var page struct {
		Items []json.RawMessage
		Next  *string `json:"next_cursor"`
	}
	page.Items = nil
	page.Next = nil
	if err := json.Unmarshal(w.a.owner.expect(t, http.StatusOK, http.MethodGet, w.a.path+"/"+fill(resource, w.a.ids)+"?limit=1", nil).body, &page); err != nil {
		t.Fatal(err)
	}
	queries := []string{"?limit=100"}
	if page.Next != nil {
		queries = append(queries, "?limit=100&cursor="+*page.Next)
	}
	for _, query := range queries {
		body := w.b.owner.expect(t, http.StatusOK, http.MethodGet, w.b.path+"/"+fill(resource, w.b.ids)+query, nil).body
		for name, id := range w.a.ids {
			if bytes.Contains(body, []byte(id)) {
				t.Errorf("B's list of %s%s shows A's %s", resource, query, name)
			}
		}
	}
}

var digits = regexp.MustCompile(`\d+`)

// told is what a caller learns from an answer, without what differs between any two.
func told(t testing.TB, r response) string {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal(r.body, &body); err != nil {
		t.Errorf("an answer is not JSON: %s", r.body)
	}
	delete(body, "request_id")
	header := r.header.Clone()
	for _, name := range []string{"Date", "X-Request-Id"} {
		header.Del(name)
	}
	if left := header.Get("Ratelimit"); left != "" {
		header.Set("Ratelimit", digits.ReplaceAllString(left, "#")) // it goes down with every request
	}
	encoded, err := json.Marshal([]any{r.status, header, body})
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// checksum is one over everything that the database holds of a customer, in whatever table but those that are named.
// The seals of the audit log are left out, since the worker makes them when it gets to it, and so is what each
// request uses of its limit.
func (s *system) checksum(t testing.TB, customerID string, but ...string) string {
	t.Helper()
	return one[string](t, s, s.checksumStatement(t, but), customerID)
}

// checksumStatement is made once for each list of exceptions: the tables do not change while a system runs.
func (s *system) checksumStatement(t testing.TB, but []string) string {
	t.Helper()
	if made, found := s.checksums.Load(fmt.Sprint(but)); found {
		return made.(string)
	}
	rows, err := s.super.Query(t.Context(), `
		select t.name,
			format('(select %1$L || '' '' || count(*) || '' '' || coalesce(md5(string_agg(r::text, ''|'' order by r::text)), '''') from %1$s r where %2$I = $1)',
				t.name, t.attname)
		from (
			select format('%I.%I', n.nspname, c.relname) as name, a.attname
			from pg_class c
				join pg_namespace n on n.oid = c.relnamespace
				join pg_attribute a on a.attrelid = c.oid
			where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ('public', 'river')
				-- usage is added up at any moment
				and c.relname not in ('audit_unsealed', 'audit_seals', 'rate_limits', 'usage_entries', 'usage_days')
				and (a.attname = 'customer_id' or (c.relname = 'customers' and a.attname = 'id'))
		) t
		order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	var tables int
	var parts []string
	var name, part string
	if _, err := pgx.ForEachRow(rows, []any{&name, &part}, func() error {
		if tables++; !slices.Contains(but, name) {
			parts = append(parts, part)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if tables < 8 {
		t.Fatalf("tables with customers' data: %v", parts)
	}
	statement := "select concat_ws(', ', " + strings.Join(parts, ", ") + ")"
	s.checksums.Store(fmt.Sprint(but), statement)
	return statement
}
