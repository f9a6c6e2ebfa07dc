package sandbox_test

import (
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

func TestTwitterTokens(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "twitter")
	r := c.connect(c.person)
	if r.text("scope") != c.scope || r.text("token_type") != "bearer" || r.text("refresh_token") == "" {
		t.Errorf("%s", r.body)
	}
	me := c.me(r.text("access_token"))
	data, _ := me.json["data"].(object)
	if me.status != http.StatusOK || data["id"] != c.person || data["name"] != "Blue Bottle Bakery" || data["username"] != "bluebottlebakery" {
		t.Errorf("%d %s", me.status, me.body)
	}
	if c.works(r.text("refresh_token")) {
		t.Error("a refresh token is accepted by the API")
	}
	refused := c.me("x")
	if refused.status != http.StatusUnauthorized || refused.header.Get("Content-Type") != "application/problem+json" ||
		refused.text("title") != "Unauthorized" || refused.text("type") != "about:blank" || refused.number("status") != 401 {
		t.Errorf("%d %v %s", refused.status, refused.header, refused.body)
	}
	// Scopes are kept, and asked for.
	if r := c.connect(c.person, "scope", "tweet.read users.read"); r.text("refresh_token") != "" || r.text("scope") != "tweet.read users.read" {
		t.Errorf("a refresh token without offline.access: %s", r.body)
	}
	for _, scope := range []string{"tweet.read offline.access", "users.read", "tweet.write"} {
		r := c.connect(c.person, "scope", scope)
		if me := c.me(r.text("access_token")); me.status != http.StatusForbidden || me.text("title") != "Forbidden" {
			t.Errorf("%s: %d %s", scope, me.status, me.body)
		}
	}
}

func TestTwitterRotation(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "twitter")
	first := c.connect(c.person)
	second := c.renew(first.text("refresh_token"))
	if second.status != http.StatusOK || second.text("refresh_token") == first.text("refresh_token") || second.text("refresh_token") == "" ||
		second.text("scope") != c.scope || !c.works(second.text("access_token")) || !c.works(first.text("access_token")) {
		t.Fatalf("%d %s", second.status, second.body)
	}
	c.wantError(c.renew(first.text("refresh_token")), 400, "invalid_grant")
	if c.works(first.text("access_token")) || c.works(second.text("access_token")) {
		t.Error("the grant outlived the use of an old refresh token")
	}
	c.wantError(c.renew(second.text("refresh_token")), 400, "invalid_request")
	c.wantError(c.renew("unknown"), 400, "invalid_request")
	c.wantError(c.renew(second.text("access_token")), 400, "invalid_request")
	c.wantError(c.renew(""), 400, "invalid_request")

	// That the new tokens are unused is no excuse.
	unused := c.connect(c.person).text("refresh_token")
	lost := c.renew(unused)
	c.wantError(c.renew(unused), 400, "invalid_grant")
	c.wantError(c.renew(lost.text("refresh_token")), 400, "invalid_request")

	// A refresh token lives half a year, or as long as it is set to.
	for _, life := range []time.Duration{180 * 24 * time.Hour, 90 * time.Second} {
		one, two := c.connect(c.person).text("refresh_token"), c.connect(c.person).text("refresh_token")
		c.clock.advance(life - time.Second)
		if r := c.renew(one); r.status != http.StatusOK {
			t.Errorf("in time: %d %s", r.status, r.body)
		}
		c.clock.advance(time.Second)
		c.wantError(c.renew(two), 400, "invalid_request")
		c.box.OAuthSettings("twitter", sandbox.OAuthSettings{RefreshSeconds: 90})
	}
}

func TestTwitterRotationGrace(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "twitter")
	c.box.OAuthSettings("twitter", sandbox.OAuthSettings{RefreshReuse: "grace"})
	first := c.connect(c.person).text("refresh_token")
	var last reply
	for range 100 { // answers that are lost on their way
		lost := last
		last = c.renew(first)
		if last.status != http.StatusOK {
			t.Fatalf("%d %s", last.status, last.body)
		}
		if lost.status != 0 && c.works(lost.text("access_token")) {
			t.Fatal("a token that was replaced is accepted")
		}
	}
	// Once the tokens made from it are used, it is old.
	if !c.works(last.text("access_token")) {
		t.Fatal("the newest token is refused")
	}
	c.wantError(c.renew(first), 400, "invalid_grant")
	if c.works(last.text("access_token")) {
		t.Error("the grant outlived the use of an old refresh token")
	}

	one := c.connect(c.person).text("refresh_token")
	two := c.renew(one).text("refresh_token")
	three := c.renew(two)
	c.wantError(c.renew(one), 400, "invalid_grant") // older than the newest predecessor
	if c.works(three.text("access_token")) {
		t.Error("the grant outlived the use of an old refresh token")
	}

	// Of two answers to one token only the later counts.
	one = c.connect(c.person).text("refresh_token")
	lost, kept := c.renew(one), c.renew(one)
	c.wantError(c.renew(lost.text("refresh_token")), 400, "invalid_grant")
	if c.works(kept.text("access_token")) {
		t.Error("the grant outlived the use of a replaced refresh token")
	}
}

// TestTwitterRotationRestart: a restart in between changes nothing.
func TestTwitterRotationRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() *oauthClient { return setupDir(t, dir).app("twitter") }
	c := open()
	c.box.OAuthSettings("twitter", sandbox.OAuthSettings{RefreshReuse: "grace"})
	first := c.connect(c.person).text("refresh_token")
	c.renew(first)
	c = open()
	second := c.renew(first)
	if second.status != http.StatusOK || !c.works(second.text("access_token")) {
		t.Fatalf("%d %s", second.status, second.body)
	}
	c = open()
	c.wantError(c.renew(first), 400, "invalid_grant")
	c = open()
	if c.works(second.text("access_token")) {
		t.Error("a grant that had ended is back")
	}
	third := c.connect(c.person)
	c.ask(c.revoke, url.Values{"token": {third.text("access_token")}})
	c = open()
	if c.works(third.text("access_token")) {
		t.Error("a grant that was revoked is back")
	}
}

func TestTwitterRevoke(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "twitter")
	for _, which := range []string{"access_token", "refresh_token"} {
		r, other := c.connect(c.person), c.connect(c.person)
		for range 2 { // the second time there is nothing left to end
			if revoked := c.ask(c.revoke, url.Values{"token": {r.text(which)}}); revoked.status != http.StatusOK || revoked.json["revoked"] != true {
				t.Errorf("%d %s", revoked.status, revoked.body)
			}
		}
		if c.works(r.text("access_token")) || c.renew(r.text("refresh_token")).status != http.StatusBadRequest {
			t.Errorf("revoking the %s has not ended the grant", which)
		}
		if !c.works(other.text("access_token")) {
			t.Error("another grant has ended")
		}
	}
	c.wantError(c.ask(c.revoke, url.Values{}), 400, "invalid_request")
	if c.box.Count("twitter.revoke") != 5 {
		t.Errorf("counts %v", c.box.Counts())
	}
}

func TestTwitterRateLimit(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "twitter")
	token, other := c.connect(c.person).text("access_token"), c.connect(c.other).text("access_token")
	reset := strconv.FormatInt(c.clock.now().Add(15*time.Minute).Unix(), 10)
	for i := range 75 {
		r := c.me(token)
		if r.status != http.StatusOK || r.header.Get("x-rate-limit-limit") != "75" ||
			r.header.Get("x-rate-limit-remaining") != strconv.Itoa(74-i) || r.header.Get("x-rate-limit-reset") != reset {
			t.Fatalf("%d: %d %v", i, r.status, r.header)
		}
	}
	if r := c.me(token); r.status != http.StatusTooManyRequests || r.header.Get("x-rate-limit-remaining") != "0" || r.text("title") == "" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
	if r := c.me(other); r.status != http.StatusOK {
		t.Errorf("somebody else is held up: %d", r.status)
	}
	c.clock.advance(15 * time.Minute)
	if r := c.me(token); r.status != http.StatusOK {
		t.Errorf("the next window: %d", r.status)
	}
	c.box.OAuthSettings("twitter", sandbox.OAuthSettings{MeRequests: 1})
	if r := c.me(token); r.status != http.StatusTooManyRequests {
		t.Errorf("a limit of one: %d", r.status)
	}
}
