package api_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// wantPersonLimited wants the answer to be 429 for the limit of a person, which is told beside the one of the customer.
func (a answer) wantPersonLimited(t testing.TB, name string) {
	t.Helper()
	p := a.want(t, http.StatusTooManyRequests).problem(t)
	if rates := a.header.Values("RateLimit"); len(rates) != 2 || !strings.HasPrefix(rates[1], `"`+name+`";r=0;t=`+a.header.Get("Retry-After")) ||
		!strings.HasPrefix(a.header.Values("RateLimit-Policy")[1], `"`+name+`";q=`) || !strings.Contains(p.Detail, name) {
		t.Errorf("%q %q: %s", rates, a.header.Get("Retry-After"), p.Detail)
	}
}

// TestGenerationsOfPerson: what is written with the installation's key is limited over all customers of a person, whatever way they
// ask; what is written with a customer's own key is not.
func TestGenerationsOfPerson(t *testing.T) {
	g := setupGenerating(t, options{egress: platform.NewEgress(loopback)})
	other := g.Customer(t, dbtest.Customer{})
	g.Join(t, other.ID, g.member.ID, "owner")
	elsewhere := "/v1/customers/" + other.ID.String()
	ask := m{"prompt": "Soup", "platforms": []string{"twitter"}}
	permissions := append([]string{"tokens:mint"}, agentPermissions...)
	key := g.APIKey(t, dbtest.APIKey{CustomerID: other.ID, CreatedBy: g.member.ID, Permissions: permissions})
	token := into[api.AgentTokenCreated](t, g.callWith(t, key.Key, "POST", elsewhere+"/agent-tokens", m{"name": "Agent", "permissions": agentPermissions}).want(t, 201)).Token

	g.exec(t, "insert into caller_rate_limits (caller, endpoint, tat) values ('user:' || $1::text, 'generate-post-all-customers', now() + 199 * interval '18 seconds')", g.member.ID)
	g.generate(t, ask).want(t, 201).wantRate(t, "generate-post", 50, 3600, 49)
	asked, posts := len(g.box.LLM().Requests), g.count(t, "select count(*) from posts")
	g.generate(t, ask).wantPersonLimited(t, "generate-post-all-customers")
	g.call(t, g.member, "POST", elsewhere+"/posts/generate", ask).wantPersonLimited(t, "generate-post-all-customers")
	g.callWith(t, key.Key, "POST", elsewhere+"/posts/generate", ask).wantPersonLimited(t, "generate-post-all-customers")
	g.callWith(t, key.Key, "POST", "/generate_post", m{"client_id": other.ID, "prompt": "Soup", "platforms": []string{"twitter"}}).wantPersonLimited(t, "generate-post-all-customers")
	if said := refused(t, g.agent(t, token, nil), "generate_post", ask); !strings.Contains(said, "generate-post-all-customers") {
		t.Errorf("the tool says %s", said)
	}
	if n := g.count(t, "select (select count(*) from llm_reservations) + (select coalesce(sum(reserved_tokens), 0) from llm_months)"); n != 0 {
		t.Errorf("%d are reserved", n)
	}
	if len(g.box.LLM().Requests) != asked || g.count(t, "select count(*) from posts") != posts {
		t.Error("the model was asked, or something is stored")
	}

	g.call(t, g.admin, "POST", g.path("/posts/generate"), ask).want(t, 201)
	g.call(t, g.owner, "POST", g.path("/credentials"), m{"name": "Ours", "provider": "openai", "model": "gpt-5.5", "base_url": g.boxURL + "/openai/v1", "key": sandbox.LLMKey}).want(t, 201)
	if got := into[api.GeneratedPosts](t, g.generate(t, ask).want(t, 201)); !got.Usage.OwnKey {
		t.Errorf("used %+v", got.Usage)
	}
}

// TestImagesOfPerson: of what Unsplash gives the installation in an hour one person takes a share, over all their customers.
func TestImagesOfPerson(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	mustDo(t, w.box.SetUnsplashHourly(40))
	other := w.Customer(t, dbtest.Customer{})
	w.Join(t, other.ID, c.member.ID, "owner")
	elsewhere := "/v1/customers/" + other.ID.String()
	for range 5 {
		w.call(t, c.member, "GET", c.path("/images?query=a"), nil).want(t, 200)
		w.call(t, c.member, "GET", elsewhere+"/images?query=a", nil).want(t, 200)
	}
	asked := w.box.Count("unsplash.search") + w.box.Count("unsplash.photo")
	w.call(t, c.member, "GET", c.path("/images?query=a"), nil).wantPersonLimited(t, "images-all-customers")
	w.call(t, c.member, "GET", elsewhere+"/images?query=a", nil).wantPersonLimited(t, "images-all-customers")
	w.call(t, c.member, "POST", "/search_images", m{"client_id": other.ID, "query": "a"}).wantPersonLimited(t, "images-all-customers")
	w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo()}).wantPersonLimited(t, "images-all-customers")
	w.nothingLeft(t, c.customer.ID)
	key := w.APIKey(t, dbtest.APIKey{CustomerID: other.ID, CreatedBy: c.member.ID}).Key
	w.callWith(t, key, "GET", elsewhere+"/images?query=a", nil).wantPersonLimited(t, "images-all-customers")
	if now := w.box.Count("unsplash.search") + w.box.Count("unsplash.photo"); now != asked {
		t.Errorf("Unsplash was asked %d times more", now-asked)
	}
	w.call(t, c.owner, "GET", c.path("/images?query=a"), nil).want(t, 200)
	w.call(t, c.owner, "POST", c.path("/media/images"), m{"image_id": w.photo()}).want(t, 201)
}

// TestAdminsMakeCustomers: where an installation leaves it to system admins, nobody else makes customers, by either route.
func TestAdminsMakeCustomers(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{adminsOnly: true})
	c := w.cast(t)
	before := w.count(t, "select count(*) from customers")
	for _, who := range []dbtest.User{c.owner, c.manager, c.sysviewer, {Subject: "newcomer"}} {
		for _, path := range []string{"/v1/customers", "/client"} {
			if p := w.call(t, who, "POST", path, m{"name": "Mine"}, "X-Admin-Reason", "test").want(t, http.StatusForbidden).problem(t); !strings.Contains(p.Detail, "only system admins make customers") {
				t.Errorf("%s: %s", path, p.Detail)
			}
		}
	}
	if n := w.count(t, "select count(*) from customers"); n != before {
		t.Errorf("%d customers were made", n-before)
	}
	made := into[api.Customer](t, w.call(t, c.sysadmin, "POST", "/v1/customers", m{"name": "Theirs"}, "X-Admin-Reason", "test").want(t, 201))
	if made.ID == uuid.Nil || made.Role == nil || *made.Role != "owner" {
		t.Errorf("made %+v", made)
	}
	// What is there goes on as ever.
	w.call(t, c.owner, "PATCH", c.path(""), m{"name": "Renamed"}).want(t, 200)
}

// TestNoBudgetByDefault: an installation can give customers nothing until a system admin does. They use keys of their own.
func TestNoBudgetByDefault(t *testing.T) {
	ask := m{"prompt": "Soup", "platforms": []string{"twitter"}}
	for _, none := range []string{"money", "tokens"} {
		t.Run(none, func(t *testing.T) {
			g := setupGenerating(t, options{noBudget: none, egress: platform.NewEgress(loopback)})
			g.generate(t, ask).want(t, http.StatusPaymentRequired)
			if n := len(g.box.LLM().Requests); n != 0 {
				t.Errorf("the model was asked %d times", n)
			}
			given := into[api.Credential](t, g.call(t, g.owner, "POST", g.path("/credentials"),
				m{"name": "Ours", "provider": "openai", "model": "gpt-5.5", "base_url": g.boxURL + "/openai/v1", "key": sandbox.LLMKey}).want(t, 201))
			g.generate(t, ask).want(t, 201)
			g.call(t, g.owner, "DELETE", g.path("/credentials/%s", given.ID), nil).want(t, 204)
			g.call(t, g.sysadmin, "PUT", g.path("/llm-budget"), m{"monthly_tokens": 1_000_000, "monthly_cost_microusd": 5_000_000}, "X-Admin-Reason", "pays").want(t, 200)
			if got := into[api.GeneratedPosts](t, g.generate(t, ask).want(t, 201)); got.Usage.OwnKey {
				t.Errorf("used %+v", got.Usage)
			}
		})
	}
}

// TestConnectMCPServerAgain: that a server cannot be signed in to is remembered for a moment, and its host is not asked each time.
func TestConnectMCPServerAgain(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{egress: platform.NewEgress(loopback)})
	c := w.crowd(t)
	var requests atomic.Int64
	w.box.OnRequest(func(r sandbox.RequestInfo) {
		if strings.HasPrefix(r.Step, "mcp.") {
			requests.Add(1)
		}
	})
	closed, _ := w.addMCP(t, c, "studio", sandbox.MCPOAuth)
	w.box.MCPSettings("studio", sandbox.MCPSettings{NoRegistration: true})
	fixed, _ := w.addMCP(t, c, "fixed", sandbox.MCPToken)
	open, _ := w.addMCP(t, c, "open", sandbox.MCPOpen)
	failing, _ := w.addMCP(t, c, "failing", sandbox.MCPOpen)
	w.box.MCPSettings("failing", sandbox.MCPSettings{Fail: "error"})
	for name, path := range map[string]string{"no registration": closed, "a token": fixed, "open": open, "failing": failing} {
		path += "/connect?owner=space"
		before := requests.Load()
		first := w.call(t, c.owner, "GET", path, nil)
		if first.status < 400 || first.status == http.StatusInternalServerError {
			t.Errorf("%s: %d", name, first.status)
		}
		asked := requests.Load()
		if asked == before {
			t.Errorf("%s: the server was not asked", name)
		}
		for _, who := range []dbtest.User{c.owner, c.admin} {
			again := w.call(t, who, "GET", path, nil).want(t, first.status)
			if again.problem(t).Detail != first.problem(t).Detail || again.problem(t).RequestID == first.problem(t).RequestID {
				t.Errorf("%s: %s, and before %s", name, again.body, first.body)
			}
		}
		w.call(t, c.viewer, "GET", path, nil).want(t, http.StatusForbidden) // who may not is not told
		if now := requests.Load(); now != asked {
			t.Errorf("%s: the server was asked %d times more", name, now-asked)
		}
	}
	w.call(t, c.owner, "GET", fixed+"/connect?owner=space", nil).wantRate(t, "connect-mcp-server", 100, 3600, someLeft)
	// At another address it is another server.
	w.box.AddMCPServer("later", sandbox.MCPOAuth)
	w.call(t, c.owner, "PATCH", fixed, m{"url": w.boxURL + "/mcp/later"}).want(t, 200)
	w.call(t, c.owner, "GET", fixed+"/connect?owner=space", nil).want(t, 200)
}
