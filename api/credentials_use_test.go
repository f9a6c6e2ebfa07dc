package api_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"fanfare/api"
	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// TestGeneratePostWithOwnKey: a customer's own key is what its posts are written with, and costs the installation nothing.
func TestGeneratePostWithOwnKey(t *testing.T) {
	g := setupGenerating(t, options{egress: platform.NewEgress(loopback)})
	key := m{"name": "Ours", "provider": "openai", "model": "gpt-5.5", "base_url": g.boxURL + "/openai/v1", "key": "sandbox-key-of-ours"}
	for field, value := range map[string]any{"model": "of ours", "base_url": "https://user@llm.example.com/"} {
		wrong := m{"name": "Ours", "provider": "openai", "model": "m", "key": "sandbox-key-of-ours"}
		wrong[field] = value
		g.call(t, g.owner, "POST", g.path("/credentials"), wrong).wantAt(t, "body."+field)
	}
	made := into[api.Credential](t, g.call(t, g.owner, "POST", g.path("/credentials"), key).want(t, 201))
	g.call(t, g.owner, "PATCH", g.path("/credentials/%s", made.ID), m{"model": "of ours"}).wantAt(t, "body.model")

	ask := m{"prompt": "Soup", "platforms": []string{"twitter"}}
	got := into[api.GeneratedPosts](t, g.generate(t, ask).want(t, 201)).Usage
	if !got.OwnKey || got.CostMicroUSD != 0 || got.Model != "gpt-5.5" || got.InputTokens == 0 {
		t.Errorf("with the customer's key: %+v", got)
	}
	if n := g.count(t, "select count(*) from llm_months where customer_id = $1", g.customer.ID); n != 0 {
		t.Error("it took of the installation's budget")
	}
	if n := g.count(t, "select sum(input_tokens + output_tokens) from usage_entries where customer_id = $1 and cost_microusd = 0", g.customer.ID); n != int(got.InputTokens+got.OutputTokens) {
		t.Errorf("usage counts %d tokens, want %+v", n, got)
	}
	if n := g.count(t, "select count(*) from audit_log where action = 'credential.credential_use' and resource_id = $1", made.ID.String()); n != 1 {
		t.Errorf("%d uses are recorded", n)
	}
	g.call(t, g.owner, "PATCH", g.path("/credentials/%s", made.ID), m{"key": "not-one-that-the-model-takes"}).want(t, 200)
	if refused := g.generate(t, ask).want(t, http.StatusBadGateway).problem(t); !strings.Contains(refused.Detail, "refuses the customer's API key. Replace it") {
		t.Errorf("which key is refused is not told: %s", refused.Detail)
	}
	g.call(t, g.owner, "DELETE", g.path("/credentials/%s", made.ID), nil).want(t, 204)
	got = into[api.GeneratedPosts](t, g.generate(t, ask).want(t, 201)).Usage
	if got.OwnKey || got.CostMicroUSD == 0 || got.Model != "sandbox-writer" {
		t.Errorf("with the installation's: %+v", got)
	}
	if strings.Contains(g.logs.String(), "sandbox-key-of-ours") {
		t.Error("the key is in the log")
	}
}

// TestOwnModelReports: whatever usage a server that a customer names reports, its answer is taken, the budget is as it was, and what is
// counted is no more than the call could have used.
func TestOwnModelReports(t *testing.T) {
	g := setupGenerating(t, options{egress: platform.NewEgress(loopback)})
	var usage string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		const chunk = `data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"x",`
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, `%s"choices":[{"index":0,"delta":{"content":"{\"post_1\":{\"twitter\":{\"text\":\"Soup\"}}}"},"finish_reason":"stop"}]}`+"\n\n", chunk)
		fmt.Fprintf(w, `%s"choices":[],"usage":{"prompt_tokens":%[2]s,"completion_tokens":%[2]s,"total_tokens":%[2]s}}`+"\n\ndata: [DONE]\n\n", chunk, usage)
	}))
	t.Cleanup(server.Close)
	g.call(t, g.owner, "POST", g.path("/credentials"), m{"name": "Ours", "provider": "openai", "model": "m", "base_url": server.URL, "key": "key-of-ours"}).want(t, 201)
	for _, usage = range []string{"900000000000", "1e15", "9223372036854775807", "-5", "1e400"} {
		got := into[api.GeneratedPosts](t, g.generate(t, m{"prompt": "Soup", "platforms": []string{"twitter"}}).want(t, 201)).Usage
		if !got.OwnKey || got.InputTokens < 1 || got.InputTokens > 100_000 || got.OutputTokens < 1 || got.OutputTokens > 100_000 {
			t.Errorf("%s: %+v", usage, got)
		}
	}
	if posts, reserved, used, entries := g.kept(t); posts != 5 || reserved != 0 || used != 0 || entries != 5 {
		t.Errorf("%d posts, %d reserved, %d used, %d entries", posts, reserved, used, entries)
	}
	budget := into[api.LLMBudget](t, g.call(t, g.owner, "GET", g.path("/llm-budget"), nil).want(t, 200))
	if budget.UsedTokens+budget.ReservedTokens+budget.LostTokens != 0 {
		t.Errorf("%+v", budget)
	}
	g.call(t, g.owner, "GET", g.path("/usage"), nil).want(t, 200)
}

// requests counts those that the sandbox gets at a step.
func (w *world) requests(step string) func() int {
	var mu sync.Mutex
	var n int
	w.box.OnRequest(func(r sandbox.RequestInfo) {
		if r.Step == step {
			mu.Lock()
			n++
			mu.Unlock()
		}
	})
	return func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// TestCredentialsEndWithSpace: with the space everything ends that was given for it, at the MCP server too.
func TestCredentialsEndWithSpace(t *testing.T) {
	t.Parallel()
	w, c := mcp(t)
	revoked := w.requests("mcp.revoke")
	path, _ := w.addMCP(t, c, "studio", sandbox.MCPOAuth)
	w.becomes(t, c.lee, path, "needs_login")
	w.call(t, c.member, "POST", c.within("/credentials"), llmKey("me", "of-kim")).want(t, 201)
	w.callWith(t, c.leeThere, "POST", c.path("/spaces/%s/credentials", c.other.ID), llmKey("me", "of-lee")).want(t, 201)
	if got := w.signIn(t, c.member, path, "me").result(); got != "connected" {
		t.Fatal(got)
	}
	w.becomes(t, w.token(t, c.member), path, "connected")
	w.call(t, c.owner, "DELETE", c.within(""), nil).want(t, 204)
	w.callWith(t, c.kim, "GET", c.within("/credentials"), nil).want(t, 401)
	if got := names(t, w.call(t, c.member, "GET", c.within("/credentials"), nil)); got != "" {
		t.Errorf("in a space that has ended, kim sees %q", got)
	}
	w.call(t, c.member, "POST", c.within("/credentials"), llmKey("me", "again")).want(t, 403)
	if got := w.call(t, c.owner, "POST", c.within("/mcp-servers"), m{"name": "Late", "url": w.boxURL + "/mcp/late"}); got.status < 400 || got.status >= 500 {
		t.Errorf("a server for a space that has ended: %d %s", got.status, got.body)
	}
	eventually(t, "what was given there is deleted", func() bool {
		return w.count(t, "select count(*) from credentials where space_id = $1", c.space.ID) == 0
	})
	if n := w.count(t, "select count(*) from credentials where space_id = $1", c.other.ID); n != 1 || revoked() != 1 {
		t.Errorf("%d are left in the other space, %d sign-ins were ended", n, revoked())
	}
}

// TestMCPClientByHand: where clients cannot register by themselves, signing in takes one that somebody has made.
func TestMCPClientByHand(t *testing.T) {
	t.Parallel()
	w, c := mcp(t)
	w.box.AddMCPServer("closed", sandbox.MCPOAuth)
	w.box.MCPSettings("closed", sandbox.MCPSettings{NoRegistration: true})
	made := into[api.MCPServer](t, w.call(t, c.owner, "POST", c.within("/mcp-servers"), m{"name": "Closed", "url": w.boxURL + "/mcp/closed"}).want(t, 201))
	path := c.within("/mcp-servers/%s", made.ID)
	if got := w.becomes(t, c.lee, path, "needs_login"); got.HasClient {
		t.Errorf("nobody has made a client: %+v", got)
	}
	if got := w.call(t, c.member, "GET", path+"/connect?owner=me", nil); got.status < 400 || got.status >= 500 {
		t.Errorf("without a client: %d %s", got.status, got.body)
	}
	id, secret := w.box.AddMCPClient("closed", w.url+"/v1/oauth/mcp/callback")
	client := m{"client_id": id, "client_secret": secret}
	w.call(t, c.member, "PUT", path+"/client", client).want(t, 403)
	w.callWith(t, c.kim, "PUT", path+"/client", client).want(t, 403)
	if got := into[api.MCPServer](t, w.call(t, c.owner, "PUT", path+"/client", client).want(t, 200)); !got.HasClient {
		t.Errorf("with a client: %+v", got)
	}
	if got := w.signIn(t, c.member, path, "me").result(); got != "connected" {
		t.Fatalf("with a client: %s", got)
	}
	w.becomes(t, w.token(t, c.member), path, "connected")
	if n := w.count(t, "select count(*) from audit_log where changes::text like '%' || $1 || '%'", secret); n > 0 || strings.Contains(w.logs.String(), secret) {
		t.Error("the client's secret is in a log")
	}
	// Another address is another server, which knows no such client.
	w.call(t, c.owner, "PATCH", path, m{"url": w.boxURL + "/mcp/elsewhere"}).want(t, 200)
	if got := into[api.MCPServer](t, w.call(t, c.owner, "GET", path, nil).want(t, 200)); got.HasClient {
		t.Error("the client was kept for another server")
	}
}

// TestShareAndLeave: whoever shares what is theirs while they leave has not shared it, whichever comes first.
func TestShareAndLeave(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for range 5 {
		c := w.crowd(t)
		kims := into[api.Credential](t, w.call(t, c.member, "POST", c.within("/credentials"), llmKey("me", "of-kim")).want(t, 201))
		kim := w.token(t, c.member)
		var both sync.WaitGroup
		both.Go(func() { w.callWith(t, kim, "PATCH", c.within("/credentials/%s", kims.ID), m{"shared": true}) })
		both.Go(func() {
			if err := w.TenantWorker().TxRetry(t.Context(), tenant.Worker(c.customer.ID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, "update space_people set left_at = now() where space_id = $1 and external_id = 'kim'", c.space.ID)
				return err
			}); err != nil {
				t.Error(err)
			}
		})
		both.Wait()
		if n := w.count(t, "select count(*) from credentials where id = $1 and (shared_at is not null or withdrawn_at is null or credential is not null)", kims.ID); n > 0 {
			t.Error("what somebody gave who has left is still of use")
		}
		if got := w.llmOf(t, c, "lee"); got != "" {
			t.Errorf("lee is answered with %q", got)
		}
	}
}

// TestEraseSignsOut: before a customer is erased, the MCP servers are told that sign-ins have ended.
func TestEraseSignsOut(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{egress: platform.NewEgress(loopback), noBucket: true})
	w.worker(t)
	c := w.crowd(t)
	revoked := w.requests("mcp.revoke")
	path, _ := w.addMCP(t, c, "studio", sandbox.MCPOAuth)
	w.becomes(t, c.lee, path, "needs_login")
	if got := w.signIn(t, c.member, path, "me").result(); got != "connected" {
		t.Fatal(got)
	}
	w.becomes(t, w.token(t, c.member), path, "connected")
	w.call(t, c.owner, "POST", c.path("/archive"), nil).want(t, 200)
	w.call(t, c.owner, "POST", c.path("/erasure"), m{"name": c.customer.Name}).want(t, 202)
	eventually(t, "the customer is erased", func() bool { return w.count(t, "select count(*) from erasures where state = 'finished'") == 1 })
	if revoked() != 1 {
		t.Errorf("%d sign-ins were ended at the server", revoked())
	}
	if n := w.count(t, `select count(*) from audit_log where customer_id = tenancy.installation_id() and action = 'credential.credential_use'
		and resource_id = $1`, c.customer.ID.String()); n != 1 {
		t.Errorf("%d records of it", n)
	}
}
