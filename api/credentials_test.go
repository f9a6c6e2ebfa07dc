package api_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
	"fanfare/jobs"
	"fanfare/queries"
)

// crowd is a group chat of a customer with two people that are members, kim (member) and pat (admin), and one that is nobody
// in Fanfare, lee; and another group of the same customer, in which all of them are too. Agent tokens speak for people whom their
// programs call as those in the chat are called.
type crowd struct {
	cast
	space, other  dbtest.Space
	lee, leeThere string // agent tokens of a lee: in the space, in the other
	kim           string // an agent token that says it is kim, in the space
	key           string // of the space, and of nobody in particular
}

func (w *world) crowd(t testing.TB) crowd {
	t.Helper()
	c := crowd{cast: w.cast(t)}
	id := c.customer.ID
	c.space, c.other = w.Space(t, dbtest.Space{CustomerID: id, PairedBy: c.owner.ID}), w.Space(t, dbtest.Space{CustomerID: id, PairedBy: c.owner.ID})
	for _, s := range []dbtest.Space{c.space, c.other} {
		for _, person := range []string{"kim", "lee", "pat"} {
			w.Speaks(t, s, person)
		}
	}
	w.Identify(t, c.space, "kim", c.member.ID)
	w.Identify(t, c.space, "pat", c.admin.ID)
	c.lee, c.leeThere, c.kim = w.agentOf(t, c.cast, c.space, "lee"), w.agentOf(t, c.cast, c.other, "lee"), w.agentOf(t, c.cast, c.space, "kim")
	c.key = w.APIKey(t, dbtest.APIKey{CustomerID: id, CreatedBy: c.owner.ID, SpaceID: &c.space.ID}).Key
	return c
}

// agentOf makes an agent token for somebody whom a program calls so, in a space.
func (w *world) agentOf(t testing.TB, c cast, s dbtest.Space, person string, permissions ...string) string {
	t.Helper()
	if permissions == nil {
		permissions = []string{"spaces:read", "credentials:write", "posts:write"}
	}
	return into[api.AgentTokenCreated](t, w.call(t, c.owner, "POST", c.path("/agent-tokens"),
		m{"name": person, "permissions": permissions, "space_id": s.ID, "person": person}).want(t, 201)).Token
}

// within is a path below the crowd's space.
func (c crowd) within(format string, args ...any) string {
	return c.path("/spaces/%s", c.space.ID) + fmt.Sprintf(format, args...)
}

// llmKey is a body for a key of a language model.
func llmKey(owner, key string) m {
	body := m{"name": "Key of " + key, "provider": "anthropic", "model": "claude", "key": "sk-secret-secret-" + key}
	if owner != "" {
		body["owner"] = owner
	}
	return body
}

// names lists the names of the credentials that a call shows.
func names(t testing.TB, a answer) string {
	t.Helper()
	var all []string
	for _, item := range into[page](t, a.want(t, 200)).Items {
		all = append(all, item.Name)
	}
	return strings.Join(all, ", ")
}

// TestCredentialsOfSpace: what somebody gives in a group is theirs alone until they share it, and again once they take that
// back or leave.
func TestCredentialsOfSpace(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.crowd(t)
	list := c.within("/credentials")
	kims := into[api.Credential](t, w.call(t, c.member, "POST", list, llmKey("me", "of-kim")).want(t, 201))
	if kims.Owner != "me" || kims.Shared || kims.Hint != "-kim" || kims.Person == nil || *kims.Person != "kim" {
		t.Errorf("made %+v", kims)
	}
	w.call(t, c.member, "POST", list, llmKey("me", "again")).want(t, 409)
	w.call(t, c.member, "POST", list, llmKey("space", "of-space")).want(t, 403)
	w.call(t, c.admin, "POST", list, llmKey("space", "of-space")).want(t, 201)
	w.call(t, c.owner, "POST", list, llmKey("me", "of-owner")).want(t, 403) // who is nobody in the chat
	w.call(t, c.owner, "POST", c.path("/credentials"), llmKey("", "of-customer")).want(t, 201)
	w.callWith(t, c.key, "POST", list, llmKey("me", "of-key")).want(t, 403)
	w.callWith(t, c.key, "POST", list, llmKey("space", "of-key")).want(t, 403)
	w.callWith(t, c.lee, "POST", list, llmKey("space", "of-lee")).want(t, 403)

	one := c.within("/credentials/%s", kims.ID)
	everybody := func(when, kim, others, admins string) {
		t.Helper()
		for who, credential := range map[string]string{"kim": w.token(t, c.member), "whom a program calls kim": c.kim, "lee": c.lee, "the key": c.key,
			"pat": w.token(t, c.admin), "the owner": w.token(t, c.owner), "a viewer": w.token(t, c.viewer)} {
			want := map[string]string{"kim": kim, "whom a program calls kim": others, "lee": others, "the key": others, "a viewer": "Key of of-space"}[who]
			if want == "" {
				want = admins
			}
			if got := names(t, w.callWith(t, credential, "GET", list, nil)); got != want {
				t.Errorf("%s, %s sees %q, want %q", when, who, got, want)
			}
		}
	}
	const space, both = "Key of of-space", "Key of of-space, Key of of-kim"
	everybody("private", both, space, space)
	for who, credential := range map[string]string{"lee": c.lee, "whom a program calls kim": c.kim, "the key": c.key, "pat": w.token(t, c.admin), "the owner": w.token(t, c.owner)} {
		for _, body := range []m{{"shared": true}, {"name": "Taken"}, {"key": "sk-another-secret"}} {
			if got := w.callWith(t, credential, "PATCH", one, body); got.status != 404 {
				t.Errorf("%s changes what is private: %d %s", who, got.status, got.body)
			}
		}
		if got := w.callWith(t, credential, "DELETE", one, nil); got.status != 404 {
			t.Errorf("%s deletes what is private: %d %s", who, got.status, got.body)
		}
	}

	shared := w.call(t, c.member, "PATCH", one, m{"shared": true}).want(t, 200)
	if got := into[api.Credential](t, shared); !got.Shared || got.SharedAt == nil {
		t.Errorf("shared: %+v", got)
	}
	everybody("shared", both, both, both)
	for who, credential := range map[string]string{"lee": c.lee, "whom a program calls kim": c.kim, "the key": c.key, "pat": w.token(t, c.admin)} {
		for _, body := range []m{{"name": "Taken"}, {"key": "sk-another-secret"}, {"shared": false, "name": "Taken"}, {"shared": false}} {
			if who == "pat" && len(body) == 1 && body["shared"] == false {
				continue // see below
			}
			if got := w.callWith(t, credential, "PATCH", one, body); got.status != 403 {
				t.Errorf("%s changes what is shared: %d %s", who, got.status, got.body)
			}
		}
		if who == "pat" {
			continue
		}
		if got := w.callWith(t, credential, "DELETE", one, nil); got.status != 403 {
			t.Errorf("%s deletes what is shared: %d %s", who, got.status, got.body)
		}
	}
	// Admins take it back, as seen or not at all, and then see nothing of it.
	w.call(t, c.owner, "PATCH", one, m{"shared": false}, "If-Match", `"v1"`).want(t, 412)
	taken := w.call(t, c.owner, "PATCH", one, m{"shared": false}, "If-Match", shared.etag()).want(t, 200)
	if got := into[api.Credential](t, taken); got.Shared || got.SharedAt != nil {
		t.Errorf("taken back: %+v", got)
	}
	everybody("taken back by the owner", both, space, space)
	w.call(t, c.owner, "DELETE", one, nil).want(t, 404)
	w.call(t, c.member, "PATCH", one, m{"shared": true}, "If-Match", taken.etag()).want(t, 200)
	if got := into[api.Credential](t, w.call(t, c.member, "PATCH", one, m{"key": "sk-replaced-secret-key"}).want(t, 200)); got.Shared {
		t.Error("consent for one key is consent for another")
	}
	w.call(t, c.member, "PATCH", one, m{"shared": true}).want(t, 200)
	// Taking it back takes no permission to write; anything else does.
	role := func(is string) {
		w.exec(t, "update memberships set role = $2 where user_id = $1", c.member.ID, is)
	}
	role("viewer")
	w.call(t, c.member, "PATCH", one, m{"name": "Taken"}).want(t, 403)
	w.call(t, c.member, "PATCH", one, m{"shared": false}).want(t, 200)
	w.call(t, c.member, "PATCH", one, m{"shared": true}).want(t, 403)
	role("member")
	everybody("taken back", both, space, space)
	for _, what := range []string{"credential.create", "credential.update"} {
		if n := w.count(t, "select count(*) from audit_log where action = $1 and resource_id = $2", what, kims.ID.String()); n == 0 {
			t.Errorf("the log knows no %s", what)
		}
	}
	if n := w.count(t, "select count(*) from audit_log where changes::text like '%sk-%' and customer_id = $1", c.customer.ID); n > 0 {
		t.Error("a secret is in the log")
	}
	w.call(t, c.member, "PATCH", one, m{"shared": true}).want(t, 200)
	w.call(t, c.admin, "DELETE", one, nil).want(t, 204)
	w.call(t, c.member, "DELETE", one, nil).want(t, 404)
	if n := w.count(t, "select count(*) from credentials where credential is not null and id = $1", kims.ID); n > 0 {
		t.Error("a deleted key is still there")
	}
}

// TestCredentialsOfAgents: whom a program speaks for has credentials of their own, by the program's name for them, and shares, changes
// and takes them back like anybody; what people in the chat gave is another's, whatever the program calls them.
func TestCredentialsOfAgents(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.crowd(t)
	list := c.within("/credentials")
	w.call(t, c.member, "POST", list, llmKey("me", "of-kim")).want(t, 201)
	mine := into[api.Credential](t, w.callWith(t, c.kim, "POST", list, llmKey("me", "of-agent")).want(t, 201))
	if mine.Owner != "me" || mine.Person == nil || *mine.Person != "agent:kim" {
		t.Errorf("made %+v", mine)
	}
	one := c.within("/credentials/%s", mine.ID)
	reader := w.agentOf(t, c.cast, c.space, "kim", "spaces:read")
	see := func(when string, want map[string]string) {
		t.Helper()
		for who, credential := range map[string]string{"kim": w.token(t, c.member), "agent": c.kim, "reader": reader, "lee": c.lee, "pat": w.token(t, c.admin)} {
			if got := names(t, w.callWith(t, credential, "GET", list, nil)); got != want[who] {
				t.Errorf("%s, %s sees %q, want %q", when, who, got, want[who])
			}
		}
	}
	const kims, agents = "Key of of-kim", "Key of of-agent"
	see("private", map[string]string{"kim": kims, "agent": agents, "reader": agents})
	w.callWith(t, c.kim, "PATCH", one, m{"shared": true}).want(t, 200)
	see("shared", map[string]string{"kim": kims, "agent": agents, "reader": agents, "lee": agents, "pat": agents})
	w.callWith(t, c.lee, "PATCH", one, m{"shared": false}).want(t, 403)
	w.callWith(t, reader, "PATCH", one, m{"name": "Taken"}).want(t, 403)
	w.callWith(t, reader, "PATCH", one, m{"shared": false}).want(t, 200)
	w.callWith(t, reader, "PATCH", one, m{"shared": true}).want(t, 403)
	w.callWith(t, c.kim, "DELETE", one, nil).want(t, 204)
	see("deleted", map[string]string{"kim": kims})
}

// TestCredentialsOfSomebodyElse: what somebody gave is withdrawn when their chat turns out to be another member's: else an admin, who
// talks them into following a link, would have what they gave for themselves.
func TestCredentialsOfSomebodyElse(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.crowd(t)
	list := c.within("/credentials")
	w.give(t, c, "lee")
	w.call(t, c.member, "POST", list, llmKey("me", "of-kim")).want(t, 201)
	w.Identify(t, c.space, "lee", c.admin.ID)
	w.exec(t, "update chat_identities set user_id = $1 where external_id = 'kim'", c.admin.ID)
	if got := names(t, w.call(t, c.admin, "GET", list, nil)); got != "" {
		t.Errorf("whose chats they are now, sees %q", got)
	}
	if got := w.llmOf(t, c, "lee") + w.llmOf(t, c, "kim"); got != "" {
		t.Errorf("they are answered with %q", got)
	}
	// By another bot nobody is who they are by this one.
	forged := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID, Bot: "7000002"})
	w.exec(t, "update chat_identities set user_id = $1 where external_id = 'kim'", c.member.ID)
	w.call(t, c.member, "POST", list, llmKey("me", "of-kim")).want(t, 201)
	w.Identify(t, forged, "kim", c.owner.ID)
	if got := names(t, w.call(t, c.owner, "GET", list, nil)) + names(t, w.call(t, c.member, "GET", list, nil)); got != "Key of of-kim" {
		t.Errorf("the owner, who says to be kim by another bot, and kim see %q", got)
	}
}

// TestSpaceOfCredentials: which space somebody is in is said by their token, and by nothing that they send.
func TestSpaceOfCredentials(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.crowd(t)
	leeHere := into[api.Credential](t, w.callWith(t, c.lee, "POST", c.within("/credentials"), llmKey("me", "of-lee")).want(t, 201))
	server := into[api.MCPServer](t, w.call(t, c.owner, "POST", c.within("/mcp-servers"), m{"name": "Server", "url": "https://mcp.example.com/"}).want(t, 201))
	claims := []string{"X-Space-Id", c.space.ID.String(), "X-Fanfare-Space", c.space.ID.String(), "Fanfare-Space-Id", c.space.ID.String(), "X-Fanfare-Person", "lee"}
	for _, try := range []struct {
		method, path string
		body         any
	}{
		{"GET", "/credentials", nil}, {"POST", "/credentials", llmKey("me", "of-another")},
		{"PATCH", "/credentials/" + leeHere.ID.String(), m{"shared": true}}, {"DELETE", "/credentials/" + leeHere.ID.String(), nil},
		{"GET", "/mcp-servers", nil}, {"GET", "/mcp-servers/" + server.ID.String(), nil}, {"POST", "/mcp-servers/" + server.ID.String() + "/check", nil},
		{"PUT", "/mcp-servers/" + server.ID.String() + "/login", m{"owner": "me", "token": "a-token-of-lee"}},
		{"DELETE", "/mcp-servers/" + server.ID.String() + "/login?owner=me", nil},
	} {
		if got := w.callWith(t, c.leeThere, try.method, c.within("%s", try.path), try.body, claims...); got.status != 404 {
			t.Errorf("%s %s from another space: %d %s", try.method, try.path, got.status, got.body)
		}
	}
	there := c.path("/spaces/%s/credentials", c.other.ID)
	if got := names(t, w.callWith(t, c.leeThere, "GET", there, nil, claims...)); got != "" {
		t.Errorf("headers lead into another space: %s", got)
	}
	// Ids of the one space below the other.
	w.callWith(t, c.leeThere, "PATCH", there+"/"+leeHere.ID.String(), m{"shared": true}).want(t, 404)
	w.callWith(t, c.leeThere, "GET", there+"?space_id="+c.space.ID.String(), nil).want(t, 422)
	w.callWith(t, c.leeThere, "POST", there, m{"name": "x", "provider": "anthropic", "model": "x", "key": "sk-secret-1", "owner": "me", "space_id": c.space.ID}).want(t, 422)
	// A token of nobody there.
	elsewhere := w.Customer(t, dbtest.Customer{})
	w.callWith(t, c.lee, "GET", strings.Replace(c.within("/credentials"), c.customer.ID.String(), elsewhere.ID.String(), 1), nil).want(t, 404)
}

// give has somebody in the crowd's chat give a key of a language model for themselves.
func (w *world) give(t testing.TB, c crowd, person string) {
	t.Helper()
	scope := tenant.Chat(c.customer.ID, c.space.ID, person, []string{"credentials:write"}, tenant.Request{ID: "test"}).In(c.customer.ID)
	mustDo(t, w.Tenant().Tx(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tx.Exec(ctx, `insert into credentials (id, space_id, kind, person, name, provider, model, credential, key_id)
			values ($1, tenancy.space_id(), 'llm', tenancy.person(), $2, 'anthropic', 'claude', 'sealed', 1)`, dbtest.NewID(t), "Key of "+person)
		return err
	}))
}

// llmOf is the name of the key of a language model that somebody in the crowd's space is answered with, "" where there is none.
func (w *world) llmOf(t testing.TB, c crowd, person string) (name string) {
	t.Helper()
	name, _ = w.llmFor(t, c, person)
	return name
}

// llmFor also tells whose the key is.
func (w *world) llmFor(t testing.TB, c crowd, person string) (name, whose string) {
	t.Helper()
	scope := tenant.Chat(c.customer.ID, c.space.ID, person, []string{"posts:write"}, tenant.Request{ID: "test"}).In(c.customer.ID)
	var found queries.CredentialFindLLMRow
	err := w.Tenant().Tx(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) (err error) {
		found, err = queries.New(tx).CredentialFindLLM(ctx)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return "", ""
	}
	mustDo(t, err)
	mustDo(t, w.Super.QueryRow(t.Context(), "select name from credentials where id = $1", found.ID).Scan(&name))
	return name, found.Whose
}

// TestLanguageModelOf: one's own, then the space's, then the customer's, then what is shared in the space.
func TestLanguageModelOf(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.crowd(t)
	expect := func(when, kim, kims, lee, lees string) {
		t.Helper()
		var got [4]string
		got[0], got[1] = w.llmFor(t, c, "kim")
		got[2], got[3] = w.llmFor(t, c, "lee")
		if got != [4]string{kim, kims, lee, lees} {
			t.Errorf("%s: %q", when, got)
		}
	}
	expect("nothing", "", "", "", "")
	kims := into[api.Credential](t, w.call(t, c.member, "POST", c.within("/credentials"), llmKey("me", "kim")).want(t, 201))
	expect("kim's own", "Key of kim", "own", "", "")
	w.call(t, c.member, "PATCH", c.within("/credentials/%s", kims.ID), m{"shared": true}).want(t, 200)
	expect("shared", "Key of kim", "own", "Key of kim", "shared")
	w.call(t, c.owner, "POST", c.path("/credentials"), llmKey("", "customer")).want(t, 201)
	expect("the customer's", "Key of kim", "own", "Key of customer", "customer")
	w.call(t, c.admin, "POST", c.within("/credentials"), llmKey("space", "space")).want(t, 201)
	expect("the space's", "Key of kim", "own", "Key of space", "space")
	w.callWith(t, c.lee, "POST", c.within("/credentials"), llmKey("me", "agent")).want(t, 201)
	expect("what a program's lee gave is another's", "Key of kim", "own", "Key of space", "space")
	w.give(t, c, "lee")
	expect("each their own", "Key of kim", "own", "Key of lee", "own")
	w.leaves(t, c, "lee")
	w.call(t, c.member, "PATCH", c.within("/credentials/%s", kims.ID), m{"shared": false}).want(t, 200)
	if got, whose := w.llmFor(t, c, "pat"); got != "Key of space" || whose != "space" {
		t.Errorf("taken back, pat is answered with %q, %q", got, whose)
	}
	if n := w.count(t, "select count(*) from audit_log where action = 'credential.credential_use'"); n != 12 {
		t.Errorf("%d uses are recorded", n)
	}
}

// TestLeaving: with the person, what they gave goes from the space.
func TestLeaving(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.crowd(t)
	list := c.within("/credentials")
	kims := into[api.Credential](t, w.call(t, c.member, "POST", list, llmKey("me", "of-kim")).want(t, 201))
	w.call(t, c.member, "PATCH", c.within("/credentials/%s", kims.ID), m{"shared": true}).want(t, 200)
	if got := names(t, w.callWith(t, c.lee, "GET", list, nil)); got != "Key of of-kim" {
		t.Fatalf("lee sees %q", got)
	}
	w.leaves(t, c, "kim")
	for who, credential := range map[string]string{"lee": c.lee, "kim": w.token(t, c.member), "pat": w.token(t, c.admin)} {
		if got := names(t, w.callWith(t, credential, "GET", list, nil)); got != "" {
			t.Errorf("kim has left, and %s sees %q", who, got)
		}
	}
	w.call(t, c.member, "POST", list, llmKey("me", "of-kim")).want(t, 403)
	if n := w.count(t, "select count(*) from credentials where id = $1 and credential is not null", kims.ID); n > 0 {
		t.Error("the key of somebody who has left is still there")
	}
	w.worker(t)
	eventually(t, "it is deleted", func() bool { return w.count(t, "select count(*) from credentials where id = $1", kims.ID) == 0 })
}

// leaves lets the platform tell that somebody has left the crowd's space.
func (w *world) leaves(t testing.TB, c crowd, person string) {
	t.Helper()
	err := w.TenantWorker().Tx(t.Context(), tenant.Worker(c.customer.ID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tx.Exec(ctx, "update space_people set left_at = now() where space_id = $1 and external_id = $2", c.space.ID, person)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// worker runs one on the world's database, which reaches the sandbox.
func (w *world) worker(t testing.TB) {
	t.Helper()
	worker, err := jobs.NewWorker(jobs.Deps{
		Pool: w.Worker, Vault: w.vault, Log: slog.New(slog.NewJSONHandler(w.logs, nil)), Egress: platform.NewEgress(loopback), Bucket: w.bucket,
	}, jobs.WorkerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if err := worker.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := worker.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// mcp is a world with a worker, which reaches the sandbox's MCP servers.
func mcp(t testing.TB) (*world, crowd) {
	t.Helper()
	w := setupWith(t, options{egress: platform.NewEgress(loopback)})
	w.worker(t)
	return w, w.crowd(t)
}

// addMCP adds one of the sandbox's MCP servers to the crowd's space.
func (w *world) addMCP(t testing.TB, c crowd, name, kind string) (path, token string) {
	t.Helper()
	token = w.box.AddMCPServer(name, kind)
	made := into[api.MCPServer](t, w.call(t, c.owner, "POST", c.within("/mcp-servers"), m{"name": name, "url": w.boxURL + "/mcp/" + name}).want(t, 201))
	return c.within("/mcp-servers/%s", made.ID), token
}

// becomes waits until somebody finds a server in a status, looked at.
func (w *world) becomes(t testing.TB, credential, path, status string) api.MCPServer {
	t.Helper()
	var got api.MCPServer
	defer func() {
		if t.Failed() {
			t.Logf("the server is %+v", got)
		}
	}()
	eventually(t, path+" is "+status, func() bool {
		got = into[api.MCPServer](t, w.callWith(t, credential, "GET", path, nil).want(t, 200))
		return got.Status == status
	})
	return got
}

// uses counts how often the credentials of a server were handed out.
func (w *world) uses(t testing.TB, id uuid.UUID) int {
	t.Helper()
	return w.count(t, "select count(*) from audit_log where action = 'credential.credential_use' and resource_id = $1", id.String())
}

// checkNow has a server looked at and waits until that is done.
func (w *world) checkNow(t testing.TB, credential, path string) {
	t.Helper()
	id := path[strings.LastIndex(path, "/")+1:]
	w.exec(t, "update mcp_servers set checked_at = null where id = $1", id)
	w.exec(t, "update credentials set checked_at = null where mcp_server_id = $1", id)
	w.callWith(t, credential, "POST", path+"/check", nil).want(t, http.StatusAccepted)
	eventually(t, "it is looked at", func() bool {
		return w.count(t, "select count(*) from mcp_servers where id = $1 and checked_at is not null", id) == 1
	})
}

func TestMCPServers(t *testing.T) {
	t.Parallel()
	w, c := mcp(t)
	open, _ := w.addMCP(t, c, "open", sandbox.MCPOpen)
	if got := w.becomes(t, c.lee, open, "connected"); got.Server == nil || len(got.Server.Tools) == 0 || got.Credential != nil || got.CheckedAt == nil {
		t.Errorf("an open server is %+v", got)
	}
	w.call(t, c.owner, "POST", c.within("/mcp-servers"), m{"name": "Twice", "url": w.boxURL + "/mcp/open"}).want(t, 409)
	w.call(t, c.member, "POST", c.within("/mcp-servers"), m{"name": "Mine", "url": w.boxURL + "/mcp/mine"}).want(t, 403)
	w.call(t, c.owner, "POST", c.within("/mcp-servers"), m{"name": "Inside", "url": "http://169.254.169.254/"}).wantAt(t, "body.url")

	path, token := w.addMCP(t, c, "fixed", sandbox.MCPToken)
	if got := w.becomes(t, c.lee, path, "needs_login"); got.Login == nil || *got.Login != "token" {
		t.Errorf("a server with a token is %+v", got)
	}
	kims := into[api.MCPServer](t, w.call(t, c.member, "PUT", path+"/login", m{"owner": "me", "token": token}).want(t, 200))
	if kims.Credential == nil || kims.Credential.Owner != "me" || kims.Credential.Login != "token" {
		t.Fatalf("kim has %+v", kims.Credential)
	}
	w.becomes(t, w.token(t, c.member), path, "connected")
	// The list tells how many tools each has, whatever the caller gets in with, and what they are is told of one server.
	listed := w.callWith(t, w.token(t, c.member), "GET", c.within("/mcp-servers"), nil).want(t, 200)
	for _, server := range into[struct{ Items []api.MCPServer }](t, listed).Items {
		whole := into[api.MCPServer](t, w.callWith(t, w.token(t, c.member), "GET", c.within("/mcp-servers/%s", server.ID), nil).want(t, 200))
		if server.Server == nil || server.Server.ToolCount == 0 || whole.Server.ToolCount != server.Server.ToolCount || len(whole.Server.Tools) != server.Server.ToolCount {
			t.Errorf("listed as %+v, and it is %+v", server.Server, whole.Server)
		}
	}
	if strings.Contains(string(listed.body), `"tools"`) {
		t.Errorf("the list has tools: %s", listed.body)
	}
	for who, credential := range map[string]string{"lee": c.lee, "the key": c.key, "pat": w.token(t, c.admin), "the owner": w.token(t, c.owner)} {
		if got := into[api.MCPServer](t, w.callWith(t, credential, "GET", path, nil).want(t, 200)); got.Credential != nil || got.Status != "needs_login" || got.Server != nil {
			t.Errorf("%s gets in with what is kim's: %+v", who, got)
		}
	}
	// Nobody else's look uses it.
	before := w.uses(t, kims.Credential.ID)
	for _, credential := range []string{c.lee, c.kim, c.key, w.token(t, c.admin)} {
		w.checkNow(t, credential, path)
	}
	if after := w.uses(t, kims.Credential.ID); after != before {
		t.Errorf("looks of others have used kim's credential %d times", after-before)
	}
	w.checkNow(t, w.token(t, c.member), path)
	eventually(t, "kim's look uses it", func() bool { return w.uses(t, kims.Credential.ID) == before+1 })

	w.call(t, c.member, "PATCH", c.within("/credentials/%s", kims.Credential.ID), m{"shared": true}).want(t, 200)
	if got := into[api.MCPServer](t, w.callWith(t, c.lee, "GET", path, nil).want(t, 200)); got.Credential == nil || got.Credential.Owner != "shared" || got.Status != "connected" {
		t.Errorf("shared, lee finds %+v", got)
	}
	w.callWith(t, c.lee, "PUT", path+"/login", m{"owner": "me", "token": token}).want(t, 200)
	if got := w.becomes(t, c.lee, path, "connected"); got.Credential == nil || got.Credential.Owner != "me" {
		t.Errorf("with a token of their own, lee finds %+v", got)
	}
	w.callWith(t, c.lee, "DELETE", path+"/login?owner=me", nil).want(t, 204)
	w.call(t, c.owner, "PUT", path+"/login", m{"owner": "space", "token": "not-the-right-one"}).want(t, 200)
	if got := w.becomes(t, w.token(t, c.owner), path, "needs_login"); got.Credential == nil || got.Credential.Owner != "space" {
		t.Errorf("the owner finds %+v", got)
	}
	w.box.MCPSettings("open", sandbox.MCPSettings{Fail: "error"})
	w.checkNow(t, c.lee, open)
	if got := w.becomes(t, c.lee, open, "failing"); got.Failure == nil || got.Failure.Message == "" {
		t.Errorf("a failing server is %+v", got)
	}
	// Another address is another server.
	w.call(t, c.owner, "PATCH", path, m{"url": w.boxURL + "/mcp/other"}).want(t, 200)
	eventually(t, "what was given for it is deleted", func() bool { return w.count(t, "select count(*) from credentials") == 0 })
	w.call(t, c.owner, "DELETE", path, nil).want(t, 204)
	if logs := w.logs.String(); strings.Contains(logs, token) {
		t.Error("the token is in the log")
	}
}

// signIn goes the whole way to an MCP server's consent page and back.
func (w *world) signIn(t testing.TB, who dbtest.User, path, owner string) arrival {
	t.Helper()
	a := w.call(t, who, "GET", path+"/connect?owner="+owner, nil).want(t, 200)
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	back := w.allow(t, way{into[api.Connect](t, a), cookie}, "nora")
	return w.comeBack(t, back, cookie)
}

func TestMCPSignIn(t *testing.T) {
	t.Parallel()
	w, c := mcp(t)
	path, _ := w.addMCP(t, c, "studio", sandbox.MCPOAuth)
	if got := w.becomes(t, c.lee, path, "needs_login"); got.Login == nil || *got.Login != "oauth" {
		t.Fatalf("the server is %+v", got)
	}
	w.call(t, c.member, "GET", path+"/connect?owner=space", nil).want(t, 403)
	w.call(t, c.owner, "GET", path+"/connect?owner=me", nil).want(t, 403) // who is nobody there
	w.callWith(t, c.kim, "GET", path+"/connect?owner=me", nil).want(t, 403)

	// Another browser, and a state that is used twice.
	a := w.call(t, c.member, "GET", path+"/connect?owner=me", nil).want(t, 200)
	cookie := must(http.ParseSetCookie(a.header.Get("Set-Cookie")))
	back := w.allow(t, way{into[api.Connect](t, a), cookie}, "nora")
	if got := w.comeBack(t, back).result(); got != "wrong_browser" {
		t.Errorf("without the cookie: %s", got)
	}
	if got := w.comeBack(t, back, cookie).result(); got != "connected" {
		t.Fatalf("with it: %s", got)
	}
	if got := w.comeBack(t, back, cookie).result(); got != "state_used" {
		t.Errorf("once more: %s", got)
	}
	kim := w.token(t, c.member)
	kims := w.becomes(t, kim, path, "connected").Credential
	if kims.Owner != "me" || kims.Login != "oauth" || kims.ExpiresAt == nil {
		t.Errorf("kim has %+v", kims)
	}
	if got := into[api.MCPServer](t, w.callWith(t, c.lee, "GET", path, nil).want(t, 200)); got.Credential != nil || got.Status != "needs_login" {
		t.Errorf("lee gets in: %+v", got)
	}

	// An access token that has ended is renewed.
	w.box.ExpireMCP("studio")
	w.checkNow(t, kim, path)
	eventually(t, "it is renewed", func() bool {
		return w.count(t, "select count(*) from audit_log where action = 'credential.credential_use' and resource_id = $1 and changes::text like '%renew%'", kims.ID.String()) == 1
	})
	w.becomes(t, kim, path, "connected")
	// What was revoked there takes a person.
	w.box.RevokeMCP("studio")
	w.checkNow(t, kim, path)
	w.becomes(t, kim, path, "needs_login")
	if got := w.signIn(t, c.member, path, "me"); got.result() != "connected" || got.Query().Get("mcp_server") == "" {
		t.Fatalf("signing in again: %s", got.URL)
	}
	w.becomes(t, kim, path, "connected")
	if got := w.signIn(t, c.admin, path, "space").result(); got != "connected" {
		t.Fatalf("for the space: %s", got)
	}
	w.becomes(t, c.lee, path, "connected")

	// Signing out ends it there, too; so does leaving.
	w.call(t, c.admin, "DELETE", path+"/login?owner=space", nil).want(t, 204)
	w.leaves(t, c, "kim")
	eventually(t, "both are ended and deleted", func() bool { return w.count(t, "select count(*) from credentials") == 0 })
	if n := w.count(t, "select count(*) from audit_log where action = 'credential.credential_use' and changes::text like '%revoke%'"); n != 2 {
		t.Errorf("%d sign-ins were ended at the server", n)
	}
	for _, secret := range w.box.Secrets() {
		if strings.Contains(w.logs.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
}
