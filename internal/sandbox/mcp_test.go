package sandbox_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"fanfare/internal/sandbox"
)

// bearerTransport puts a token on every request.
type bearerTransport string

func (b bearerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	if b != "" {
		r.Header.Set("Authorization", "Bearer "+string(b))
	}
	return http.DefaultTransport.RoundTrip(r)
}

// session connects to an MCP server with the SDK's own client. protocol "" is the newest.
func (b *bundle) session(name, token, protocol string) (*mcp.ClientSession, error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 10*time.Second)
	b.t.Cleanup(cancel)
	session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1"}, nil).Connect(ctx,
		&mcp.StreamableClientTransport{Endpoint: b.base + "/mcp/" + name, HTTPClient: &http.Client{Transport: bearerTransport(token)}, MaxRetries: -1},
		&mcp.ClientSessionOptions{ProtocolVersion: protocol})
	if err == nil {
		b.t.Cleanup(func() { _ = session.Close() })
	}
	return session, err
}

func TestMCPTools(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.AddMCPServer("news", sandbox.MCPOpen)
	for _, protocol := range []string{"", "2025-11-25", "2025-06-18"} {
		session, err := b.session("news", "", protocol)
		if err != nil {
			t.Fatalf("%s: %v", protocol, err)
		}
		list, err := session.ListTools(t.Context(), nil)
		if err != nil || len(list.Tools) != 2 || list.Tools[0].Name != "brand_assets" || list.Tools[1].Name != "search_news" {
			t.Fatalf("%s: tools %+v, %v", protocol, list, err)
		}
		result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: "search_news", Arguments: object{"query": "Bakeries"}})
		if err != nil || result.IsError {
			t.Fatalf("%s: %+v, %v", protocol, result, err)
		}
		items, _ := result.StructuredContent.(map[string]any)["items"].([]any)
		if len(items) != 1 || items[0].(map[string]any)["url"] != "https://news.example/bread/shared-oven" {
			t.Errorf("%s: found %v", protocol, items)
		}
		result, err = session.CallTool(t.Context(), &mcp.CallToolParams{Name: "search_news", Arguments: object{}})
		if err != nil || !result.IsError {
			t.Errorf("%s: a call without its argument: %+v, %v", protocol, result, err)
		}
	}
	if b.box.Count("mcp.initialize") < 3 || b.box.Count("mcp.list_tools") != 3 || b.box.Count("mcp.call_tool") != 6 {
		t.Errorf("counts %v", b.box.Counts())
	}
	if r := b.request("POST", "/mcp/nowhere", "", object{}); r.status != http.StatusNotFound {
		t.Errorf("no such server: %d", r.status)
	}
}

func TestMCPToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	token := b.box.AddMCPServer("assets", sandbox.MCPToken)
	for _, wrong := range []string{"", "wrong", token + "0"} {
		if _, err := b.session("assets", wrong, ""); err == nil {
			t.Errorf("%q was let in", wrong)
		}
	}
	if _, err := b.session("assets", token, ""); err != nil {
		t.Error(err)
	}
	r := b.request("POST", "/mcp/assets", "Bearer wrong", object{})
	if header := r.header.Get("WWW-Authenticate"); r.status != 401 || !strings.Contains(header, "invalid_token") || strings.Contains(header, "resource_metadata") {
		t.Errorf("%d %q", r.status, header)
	}
	if again := b.box.AddMCPServer("assets", sandbox.MCPToken); again != token {
		t.Error("the token changed")
	}
	b.box.RevokeMCP("assets")
	if r := b.request("POST", "/mcp/assets", "Bearer "+token, object{}); r.status != 401 {
		t.Errorf("a replaced token: %d", r.status)
	}
}

func TestMCPFails(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.AddMCPServer("news", sandbox.MCPOpen)
	b.box.MCPSettings("news", sandbox.MCPSettings{Fail: "error"})
	if r := b.request("POST", "/mcp/news", "", object{}); r.status != 500 {
		t.Errorf("error: %d", r.status)
	}
	b.box.MCPSettings("news", sandbox.MCPSettings{Fail: "garbage"})
	if r := b.request("POST", "/mcp/news", "", object{}); r.status != 200 || r.json != nil {
		t.Errorf("garbage: %d %s", r.status, r.body)
	}
	b.box.MCPSettings("news", sandbox.MCPSettings{Fail: "hang"})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.base+"/mcp/news", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := client.Do(req); err == nil {
		_ = resp.Body.Close()
		t.Errorf("hang: %d", resp.StatusCode)
	}
	b.box.MCPSettings("news", sandbox.MCPSettings{})
	if _, err := b.session("news", "", ""); err != nil {
		t.Error(err)
	}
	if err := b.box.AddFault(sandbox.Fault{Step: "mcp.list_tools", Kind: sandbox.FaultStatus, Status: 503}); err != nil {
		t.Fatal(err)
	}
	session, err := b.session("news", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := session.ListTools(t.Context(), nil); err == nil {
		t.Error("the fault did not happen")
	}
}

// mcpLogin is a client at the authorization server of the MCP server "studio".
type mcpLogin struct {
	*bundle
	id, secret string
}

func setupMCPLogin(t *testing.T) *mcpLogin {
	t.Helper()
	b := setup(t)
	b.box.AddMCPServer("studio", sandbox.MCPOAuth)
	r := b.request("POST", "/mcp-login/studio/register", "", object{
		"redirect_uris": []string{redirect}, "token_endpoint_auth_method": "client_secret_post", "client_name": "Test",
	})
	if r.status != http.StatusCreated || r.text("client_id") == "" || r.text("client_secret") == "" {
		t.Fatalf("register: %d %s", r.status, r.body)
	}
	return &mcpLogin{bundle: b, id: r.text("client_id"), secret: r.text("client_secret")}
}

func (m *mcpLogin) resource() string { return m.base + "/mcp/studio" }

func (m *mcpLogin) params(changes ...string) url.Values {
	return changed(url.Values{
		"response_type": {"code"}, "client_id": {m.id}, "redirect_uri": {redirect}, "state": {"st&te"}, "resource": {m.resource()},
		"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"}, "scope": {"tools offline_access"},
		"person": {"nora"}, "decision": {"allow"},
	}, changes...)
}

// back reads where the browser was sent.
func (m *mcpLogin) back(r reply) url.Values {
	m.t.Helper()
	target, err := url.Parse(r.header.Get("Location"))
	if err != nil || r.status != http.StatusFound || !strings.HasPrefix(target.String(), redirect) {
		m.t.Fatalf("sent back: %d %q %s", r.status, r.header.Get("Location"), r.body)
	}
	return target.Query()
}

func (m *mcpLogin) token(form url.Values, changes ...string) reply {
	m.t.Helper()
	form = changed(form, "client_id", m.id, "client_secret", m.secret, "resource", m.resource())
	return m.send("POST", "/mcp-login/studio/token", changed(form, changes...))
}

func (m *mcpLogin) codeForm() url.Values {
	m.t.Helper()
	code := m.back(m.send("POST", "/mcp-login/studio/authorize", m.params())).Get("code")
	return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier}}
}

func (m *mcpLogin) works(token string) bool {
	m.t.Helper()
	return m.request("POST", "/mcp/studio", "Bearer "+token, object{}).status != http.StatusUnauthorized
}

func TestMCPLogin(t *testing.T) {
	t.Parallel()
	m := setupMCPLogin(t)
	r := m.request("POST", "/mcp/studio", "", object{})
	metadata := m.base + "/.well-known/oauth-protected-resource/mcp/studio"
	if header := r.header.Get("WWW-Authenticate"); r.status != 401 || header != `Bearer resource_metadata="`+metadata+`", scope="tools"` {
		t.Fatalf("%d %q", r.status, header)
	}
	r = m.send("GET", strings.TrimPrefix(metadata, m.base), nil)
	if r.text("resource") != m.resource() || r.header.Get("Content-Type") != "application/json" {
		t.Errorf("resource metadata %s", r.body)
	}
	r = m.send("GET", "/.well-known/oauth-authorization-server/mcp-login/studio", nil)
	if r.text("issuer") != m.base+"/mcp-login/studio" || r.text("registration_endpoint") == "" {
		t.Errorf("login metadata %s", r.body)
	}
	page := m.send("GET", "/mcp-login/studio/authorize", m.params("person", "", "decision", ""))
	if page.status != 200 || !strings.Contains(page.body, `value="otto"`) || !strings.Contains(page.body, `<input type="hidden" name="resource"`) {
		t.Errorf("page: %d %s", page.status, page.body)
	}
	if back := m.back(m.send("POST", "/mcp-login/studio/authorize", m.params("decision", "deny"))); back.Get("error") != "access_denied" ||
		back.Get("iss") != m.base+"/mcp-login/studio" {
		t.Errorf("denied: %v", back)
	}

	form := m.codeForm()
	first := m.token(form)
	access, refresh := first.text("access_token"), first.text("refresh_token")
	if first.status != 200 || !m.works(access) || refresh == "" || first.text("token_type") != "Bearer" || first.number("expires_in") != 3600 {
		t.Fatalf("token: %d %s", first.status, first.body)
	}
	if _, err := m.session("studio", access, ""); err != nil {
		t.Error(err)
	}
	renewed := m.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
	if renewed.status != 200 || m.works(access) || !m.works(renewed.text("access_token")) || renewed.text("refresh_token") == refresh {
		t.Fatalf("refresh: %d %s", renewed.status, renewed.body)
	}
	m.box.ExpireMCP("studio")
	if m.works(renewed.text("access_token")) {
		t.Error("an expired token works")
	}
	again := m.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {renewed.text("refresh_token")}})
	if again.status != 200 || !m.works(again.text("access_token")) {
		t.Fatalf("refresh after the end: %d %s", again.status, again.body)
	}
	// A replaced refresh token ends the grant.
	if r := m.token(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}); r.status != 400 || r.text("error") != "invalid_grant" {
		t.Errorf("replaced: %d %s", r.status, r.body)
	}
	if m.works(again.text("access_token")) {
		t.Error("the grant outlived the use of a replaced refresh token")
	}

	other := m.token(m.codeForm())
	if r := m.send("POST", "/mcp-login/studio/revoke", url.Values{"token": {other.text("refresh_token")}, "client_id": {m.id}, "client_secret": {m.secret}}); r.status != 200 {
		t.Errorf("revoke: %d %s", r.status, r.body)
	}
	if m.works(other.text("access_token")) {
		t.Error("a revoked token works")
	}
	for _, secret := range []string{m.secret, form.Get("code"), access, refresh} {
		if !slices.Contains(m.box.Secrets(), secret) {
			t.Error("a secret is not listed")
		}
	}
}

func TestMCPLoginRefusals(t *testing.T) {
	t.Parallel()
	m := setupMCPLogin(t)
	for _, c := range []struct {
		changes []string
		want    string // "" is a page
	}{
		{[]string{"client_id", "x"}, ""}, {[]string{"redirect_uri", "https://evil.example/"}, ""}, {[]string{"decision", "x"}, ""},
		{[]string{"person", "nobody"}, ""}, {[]string{"response_type", "token"}, "unsupported_response_type"},
		{[]string{"code_challenge", ""}, "invalid_request"}, {[]string{"code_challenge_method", "plain"}, "invalid_request"},
		{[]string{"resource", ""}, "invalid_target"}, {[]string{"resource", m.base + "/mcp/other"}, "invalid_target"},
		{[]string{"scope", "everything"}, "invalid_scope"},
	} {
		r := m.send("POST", "/mcp-login/studio/authorize", m.params(c.changes...))
		if c.want == "" {
			if r.status != 400 || r.header.Get("Location") != "" {
				t.Errorf("%v: %d", c.changes, r.status)
			}
		} else if back := m.back(r); back.Get("error") != c.want || back.Has("code") {
			t.Errorf("%v: %v", c.changes, back)
		}
	}
	form := m.codeForm()
	for _, c := range []struct {
		changes []string
		status  int
		want    string
	}{
		{[]string{"client_secret", "wrong"}, 401, "invalid_client"}, {[]string{"client_secret", ""}, 401, "invalid_client"},
		{[]string{"client_id", "x"}, 401, "invalid_client"}, {[]string{"grant_type", "password"}, 400, "unsupported_grant_type"},
		{[]string{"resource", ""}, 400, "invalid_target"}, {[]string{"code_verifier", ""}, 400, "invalid_request"},
		{[]string{"code_verifier", strings.Repeat("a", 43)}, 400, "invalid_grant"}, {[]string{"redirect_uri", redirect + "x"}, 400, "invalid_grant"},
		{[]string{"code", "x"}, 400, "invalid_grant"},
	} {
		if r := m.token(form, c.changes...); r.status != c.status || r.text("error") != c.want {
			t.Errorf("%v: %d %s", c.changes, r.status, r.body)
		}
	}
	thief, secret := m.box.AddMCPClient("studio", redirect)
	if r := m.token(form, "client_id", thief, "client_secret", secret); r.text("error") != "invalid_grant" {
		t.Errorf("another client's code: %d %s", r.status, r.body)
	}
	first := m.token(form)
	if first.status != 200 {
		t.Fatalf("%d %s", first.status, first.body)
	}
	if r := m.token(form); r.text("error") != "invalid_grant" || m.works(first.text("access_token")) {
		t.Errorf("a code used twice: %d %s", r.status, r.body)
	}
	for _, body := range []object{
		{}, {"redirect_uris": []string{"http://app.example/back"}}, {"redirect_uris": []string{"javascript:alert(1)"}},
		{"redirect_uris": []string{redirect}, "token_endpoint_auth_method": "private_key_jwt"},
		{"redirect_uris": []string{redirect}, "grant_types": []string{"password"}},
	} {
		if r := m.request("POST", "/mcp-login/studio/register", "", body); r.status != 400 || r.text("error") == "" {
			t.Errorf("%v: %d %s", body, r.status, r.body)
		}
	}
	m.box.MCPSettings("studio", sandbox.MCPSettings{NoRegistration: true})
	if r := m.request("POST", "/mcp-login/studio/register", "", object{"redirect_uris": []string{redirect}}); r.status != 404 {
		t.Errorf("registration: %d", r.status)
	}
}

func TestMCPControl(t *testing.T) {
	t.Parallel()
	b := setupDir(t, t.TempDir())
	made := b.request("POST", "/_sandbox/mcp-servers", "", object{"name": "assets", "kind": "token"})
	if made.status != 201 || made.text("url") != b.base+"/mcp/assets" || made.text("token") == "" {
		t.Fatalf("%d %s", made.status, made.body)
	}
	for _, body := range []object{{"name": "assets", "kind": "open"}, {"name": "A", "kind": "open"}, {"name": "a", "kind": "x"}} {
		if r := b.request("POST", "/_sandbox/mcp-servers", "", body); r.status != 422 || r.text("error") == "" {
			t.Errorf("%v: %d %s", body, r.status, r.body)
		}
	}
	if r := b.request("PUT", "/_sandbox/mcp-servers/assets", "", object{"fail": "error"}); r.status != 204 {
		t.Errorf("settings: %d %s", r.status, r.body)
	}
	for _, c := range []struct{ path, fail string }{{"assets", "x"}, {"nowhere", "error"}} {
		if r := b.request("PUT", "/_sandbox/mcp-servers/"+c.path, "", object{"fail": c.fail}); r.status != 422 {
			t.Errorf("%v: %d %s", c, r.status, r.body)
		}
	}
	for _, path := range []string{"/_sandbox/mcp-servers/assets/expire", "/_sandbox/mcp-servers/assets/revoke"} {
		if r := b.request("POST", path, "", nil); r.status != 204 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := b.request("POST", "/_sandbox/mcp-servers/assets/clients", "", object{"redirect_uris": []string{redirect}}); r.status != 422 {
		t.Errorf("a client of a server without OAuth: %d", r.status)
	}
	page := b.send("GET", "/people", nil)
	if !strings.Contains(page.body, b.base+"/mcp/assets") || !strings.Contains(page.body, "fails: error") {
		t.Errorf("page: %s", page.body)
	}
}
