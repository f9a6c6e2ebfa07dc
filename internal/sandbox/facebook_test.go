package sandbox_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fanfare/internal/sandbox"
)

// graph asks the Graph API; params are names and values of the query.
func (c *oauthClient) graph(method, path, token string, params ...string) reply {
	c.t.Helper()
	return c.send(method, "/facebook-graph/v26.0"+path, changed(url.Values{"access_token": {token}}, params...))
}

// long connects a person and gives the long-lived token.
func (c *oauthClient) long(person string, changes ...string) string {
	c.t.Helper()
	r := c.renew(c.connect(person, changes...).text("access_token"))
	if r.status != http.StatusOK {
		c.t.Fatalf("exchange: %d %s", r.status, r.body)
	}
	return r.text("access_token")
}

// pageTokens gives the tokens of a person's pages, by page.
func (c *oauthClient) pageTokens(token string) map[string]string {
	c.t.Helper()
	r := c.graph("GET", "/me/accounts", token, "fields", "id,access_token")
	tokens := map[string]string{}
	list, ok := r.json["data"].([]any)
	if !ok {
		c.t.Fatalf("accounts: %d %s", r.status, r.body)
	}
	for _, one := range list {
		page := one.(object)
		tokens[page["id"].(string)], _ = page["access_token"].(string)
	}
	return tokens
}

func (c *oauthClient) wantGraphError(r reply, want string) {
	c.t.Helper()
	c.wantError(r, http.StatusBadRequest, want)
}

func TestFacebookExchange(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "facebook")
	// The token endpoint takes GET, too.
	query := changed(c.codeForm(c.consent(c.person)), "client_id", c.id, "client_secret", c.secret, "grant_type", "")
	short := c.send("GET", c.token, query)
	if short.status != http.StatusOK || short.number("expires_in") != 5400 || short.text("token_type") != "bearer" {
		t.Fatalf("%d %s", short.status, short.body)
	}
	first := c.renew(short.text("access_token"))
	if first.status != http.StatusOK || first.number("expires_in") != 60*86400 || first.text("access_token") == short.text("access_token") {
		t.Fatalf("%d %s", first.status, first.body)
	}
	c.clock.advance(59 * 24 * time.Hour)
	second := c.renew(first.text("access_token"))
	if second.number("expires_in") != 60*86400 || !c.works(second.text("access_token")) || !c.works(first.text("access_token")) {
		t.Errorf("%d %s", second.status, second.body)
	}
	c.clock.advance(24 * time.Hour)
	c.wantGraphError(c.renew(first.text("access_token")), "[190,463]")
	c.wantGraphError(c.me(first.text("access_token")), "[190,463]")
	if !c.works(second.text("access_token")) {
		t.Error("the new token has expired with the old one")
	}
	c.wantGraphError(c.renew("unknown"), "[190,null]")
	c.wantGraphError(c.renew(""), "[100,null]")
	for step, want := range map[string]int{"token": 1, "extend": 1, "refresh": 4} {
		if got := c.box.Count("facebook." + step); got != want {
			t.Errorf("%s: %d requests", step, got)
		}
	}
	c.box.OAuthSettings("facebook", sandbox.OAuthSettings{AccessSeconds: 100})
	if r := c.renew(c.connect(c.person).text("access_token")); r.number("expires_in") != 100 {
		t.Errorf("%s", r.body)
	}
}

func TestFacebookGraph(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "facebook")
	token := c.long(c.person)
	want := object{"id": "10001", "name": "Ada Lindqvist"}
	for _, r := range []reply{
		c.me(token), c.graph("GET", "/me", token), c.graph("GET", "/10001", token),
		c.send("GET", "/facebook-graph/v26.0/me", nil, "Authorization", "Bearer "+token),
		c.send("GET", "/facebook-graph/v26.0/me", nil, "Authorization", "OAuth "+token),
	} {
		if diff := cmp.Diff(want, r.json); diff != "" {
			t.Error(diff)
		}
	}
	c.wantGraphError(c.graph("GET", "/me", token, "fields", "id,shoe_size"), "[100,null]")
	c.wantGraphError(c.send("GET", "/facebook-graph/v26.0/me", nil), "[2500,null]")
	c.wantGraphError(c.send("GET", "/facebook-graph/v99.0/me", url.Values{"access_token": {token}}), "[2635,null]")
	if r := c.send("GET", "/facebook/v99.0/dialog/oauth", c.params()); r.status != http.StatusBadRequest {
		t.Errorf("a dialog of v99.0: %d", r.status)
	}
	mac := hmac.New(sha256.New, []byte(c.secret))
	mac.Write([]byte(token))
	if r := c.graph("GET", "/me", token, "appsecret_proof", hex.EncodeToString(mac.Sum(nil))); r.status != http.StatusOK {
		t.Errorf("proof: %d %s", r.status, r.body)
	}
	c.wantGraphError(c.graph("GET", "/me", token, "appsecret_proof", "00"), "[100,null]")
}

func TestFacebookPermissions(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "facebook")
	body := c.params("person", c.person, "decision", "allow")
	body["decline"] = []string{"pages_manage_posts", "pages_show_list", "read_insights"}
	token := c.exchange(c.back(c.send("POST", c.authorize, body)).Get("code")).text("access_token")
	permission := func(name, status string) any { return object{"permission": name, "status": status} }
	want := []any{
		permission("public_profile", "granted"), permission("pages_read_engagement", "granted"),
		permission("pages_manage_posts", "declined"), permission("pages_show_list", "declined"),
	}
	if diff := cmp.Diff(want, c.graph("GET", "/me/permissions", token).json["data"]); diff != "" {
		t.Error(diff)
	}
	c.wantGraphError(c.graph("GET", "/me/accounts", token), "[200,null]")
	c.wantGraphError(c.graph("GET", "/20001", token), "[100,33]")
	if page := c.send("GET", c.authorize, c.params()); !strings.Contains(page.body, `name="decline" value="pages_show_list"`) {
		t.Error("the page offers no choice")
	}
	// Elsewhere it is everything or nothing.
	x := c.app("twitter")
	if r := x.connect(x.person, "decline", "tweet.write"); r.text("scope") != x.scope {
		t.Errorf("%s", r.body)
	}
}

func TestFacebookRevoke(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "facebook")
	one, two, other := c.long(c.person), c.long(c.person), c.long(c.other)
	page := c.pageTokens(two)["20001"]
	if r := c.graph("DELETE", "/me/permissions", one); r.status != http.StatusOK || r.json["success"] != true {
		t.Errorf("%d %s", r.status, r.body)
	}
	for _, token := range []string{one, two, page} {
		c.wantGraphError(c.graph("GET", "/me", token), "[190,458]")
	}
	for _, path := range []string{"/me/accounts", "/me/permissions", "/20001"} {
		c.wantGraphError(c.graph("GET", path, one), "[190,458]")
	}
	c.wantGraphError(c.graph("DELETE", "/me/permissions", one), "[190,458]")
	c.wantGraphError(c.renew(two), "[190,458]")
	if !c.works(other) {
		t.Error("somebody else's grant has ended")
	}
}

func TestFacebookPages(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "facebook")
	short := c.connect(c.person).text("access_token")
	token := c.renew(short).text("access_token")
	r := c.graph("GET", "/me/accounts", token, "fields", "id,name,username,access_token")
	list, _ := r.json["data"].([]any)
	if len(list) != 2 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	tokens := c.pageTokens(token)
	want := object{"id": "20001", "name": "Blue Bottle Bakery", "username": "bluebottlebakery", "access_token": tokens["20001"]}
	if diff := cmp.Diff(want, list[0]); diff != "" {
		t.Error(diff)
	}
	for _, secret := range tokens {
		found := false
		for _, known := range c.box.Secrets() {
			found = found || known == secret
		}
		if !found {
			t.Error("a page token is not among the secrets")
		}
	}
	first := c.graph("GET", "/me/accounts", token, "fields", "id", "limit", "1")
	paging, _ := first.json["paging"].(object)
	next, _ := paging["next"].(string)
	if len(first.json["data"].([]any)) != 1 || !strings.HasPrefix(next, c.base+"/facebook-graph/v26.0/me/accounts?") {
		t.Fatalf("%s", first.body)
	}
	second := c.send("GET", strings.TrimPrefix(next, c.base), nil)
	if diff := cmp.Diff([]any{object{"id": "20002"}}, second.json["data"]); diff != "" {
		t.Error(diff)
	}
	if paging, _ := second.json["paging"].(object); paging["next"] != nil {
		t.Errorf("more than all: %s", second.body)
	}
	if len(c.pageTokens(c.long(c.other))) != 0 {
		t.Error("pages of somebody who has none")
	}

	// A page's token is for this page, and tells so.
	page := object{"id": "20001", "name": "Blue Bottle Bakery", "username": "bluebottlebakery"}
	for _, r := range []reply{
		c.graph("GET", "/20001", tokens["20001"], "fields", "id,name,username"), c.graph("GET", "/20001", token, "fields", "id,name,username"),
		c.graph("GET", "/me", tokens["20001"], "fields", "id,name,username"),
	} {
		if diff := cmp.Diff(page, r.json); diff != "" {
			t.Error(diff)
		}
	}
	c.wantGraphError(c.graph("GET", "/20002", tokens["20001"]), "[100,33]")
	c.wantGraphError(c.graph("GET", "/20001", c.long(c.other)), "[100,33]")
	c.wantGraphError(c.graph("GET", "/me/accounts", tokens["20001"]), "[190,null]")
	c.wantGraphError(c.renew(tokens["20001"]), "[190,null]")

	// That of a long-lived login does not expire, that of a short-lived one does.
	brief := c.pageTokens(short)["20001"]
	c.clock.advance(90 * time.Minute)
	c.wantGraphError(c.graph("GET", "/20001", brief), "[190,463]")
	c.clock.advance(60 * 24 * time.Hour)
	if r := c.graph("GET", "/20001", tokens["20001"]); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
	c.box.Withdraw("facebook", c.person)
	c.wantGraphError(c.graph("GET", "/20001", tokens["20001"]), "[190,458]")
}

func TestFacebookRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before := setupDir(t, dir).app("facebook")
	before.box.RemovePage("facebook", "20002")
	token := before.long(before.person)
	page := before.pageTokens(token)["20001"]
	after := setupDir(t, dir).app("facebook")
	if r := after.graph("GET", "/20001", page); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
	if pages := after.pageTokens(token); len(pages) != 1 || pages["20001"] != page {
		t.Errorf("%d pages", len(pages))
	}
	after.graph("DELETE", "/me/permissions", token)
	last := setupDir(t, dir).app("facebook")
	last.wantGraphError(last.me(token), "[190,458]")
}

func TestFacebookLostPage(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "facebook")
	token := c.long(c.person)
	page := c.pageTokens(token)["20001"]
	if r := c.request("POST", "/_sandbox/oauth/facebook/remove-page", "", object{"page": "20001"}); r.status != http.StatusNoContent {
		t.Fatalf("%d %s", r.status, r.body)
	}
	c.wantGraphError(c.graph("GET", "/20001", page), "[190,492]")
	c.wantGraphError(c.graph("GET", "/20001", token), "[100,33]")
	if left := c.pageTokens(token); len(left) != 1 || left["20002"] == "" || !c.works(token) {
		t.Errorf("left %d pages", len(left))
	}
	if r := c.request("POST", "/_sandbox/oauth/facebook/restore-page", "", object{"page": "20001"}); r.status != http.StatusNoContent {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := c.graph("GET", "/20001", page); r.status != http.StatusOK || c.pageTokens(token)["20001"] != page {
		t.Errorf("given back: %d %s", r.status, r.body)
	}
}

func TestFacebookFaultCodes(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "facebook")
	for status, want := range map[int]string{500: "[2,null]", 429: "[4,null]", 401: "[190,null]", 403: "[200,null]", 400: "[1,null]"} {
		if err := c.box.AddFault(sandbox.Fault{Step: "facebook.me", Kind: sandbox.FaultStatus, Status: status}); err != nil {
			t.Fatal(err)
		}
		c.wantError(c.me("x"), status, want)
	}
	if err := c.box.AddFault(sandbox.Fault{Step: "facebook.me", Kind: sandbox.FaultStatus, Status: 400, ErrorType: "190/460"}); err != nil {
		t.Fatal(err)
	}
	c.wantGraphError(c.me("x"), "[190,460]")
}
