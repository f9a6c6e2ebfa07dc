package sandbox_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fanfare/internal/sandbox"
)

const linkedinProjection = "(elements*(role,state,organizationalTarget~(localizedName,vanityName)))"

func (c *oauthClient) acls(token string, changes ...string) reply {
	c.t.Helper()
	query := changed(url.Values{"q": {"roleAssignee"}, "state": {"APPROVED"}, "projection": {linkedinProjection}}, changes...)
	return c.send("GET", "/linkedin-api/v2/organizationalEntityAcls", query,
		"Authorization", "Bearer "+token, "X-Restli-Protocol-Version", "2.0.0")
}

func TestLinkedInUserinfo(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "linkedin")
	answer := c.connect(c.person)
	if answer.text("scope") != strings.ReplaceAll(c.scope, " ", ",") || answer.json["refresh_token"] != nil {
		t.Errorf("%s", answer.body)
	}
	want := object{
		"sub": "ada-lindqvist", "name": "Ada Lindqvist", "given_name": "Ada", "family_name": "Lindqvist",
		"locale": object{"country": "US", "language": "en"},
	}
	if diff := cmp.Diff(want, c.me(answer.text("access_token")).json); diff != "" {
		t.Error(diff)
	}
	if r := c.me(c.connect(c.person, "scope", "openid").text("access_token")); r.text("sub") != c.person || r.json["name"] != nil {
		t.Errorf("without profile: %s", r.body)
	}
	if r := c.me(c.connect(c.person, "scope", "profile").text("access_token")); r.status != http.StatusForbidden ||
		r.number("status") != 403 || r.number("serviceErrorCode") != 100 || r.text("message") == "" {
		t.Errorf("without openid: %d %s", r.status, r.body)
	}
}

func TestLinkedInRefusedTokens(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "linkedin")
	c.box.OAuthSettings("linkedin", sandbox.OAuthSettings{AccessSeconds: 60})
	revoked, expired := c.connect(c.person).text("access_token"), c.connect(c.other).text("access_token")
	c.box.Withdraw("linkedin", c.person)
	c.clock.advance(time.Minute)
	for token, want := range map[string]int{"": 65604, "unknown": 65600, revoked: 65601, expired: 65602} {
		for _, r := range []reply{c.me(token), c.acls(token)} {
			if r.status != http.StatusUnauthorized || r.number("status") != 401 || r.number("serviceErrorCode") != want || r.text("message") == "" {
				t.Errorf("%d %s, want %d", r.status, r.body, want)
			}
		}
	}
}

func TestLinkedInOrganizations(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "linkedin")
	token := c.connect(c.person).text("access_token")
	one := object{
		"role": "ADMINISTRATOR", "state": "APPROVED", "organizationalTarget": "urn:li:organization:1001",
		"organizationalTarget~": object{"localizedName": "Blue Bottle Bakery", "vanityName": "blue-bottle-bakery"},
	}
	two := object{
		"role": "ADMINISTRATOR", "state": "APPROVED", "organizationalTarget": "urn:li:organization:1002",
		"organizationalTarget~": object{"localizedName": "Harbour Cycles", "vanityName": "harbour-cycles"},
	}
	elements := func(r reply, want ...any) {
		t.Helper()
		if diff := cmp.Diff(append([]any{}, want...), r.json["elements"]); diff != "" || r.status != http.StatusOK {
			t.Errorf("%d %s", r.status, diff)
		}
	}
	elements(c.acls(token), one, two)
	elements(c.acls(token, "start", "1", "count", "5"), two)
	elements(c.acls(token, "count", "1"), one)
	elements(c.acls(token, "start", "7"))
	elements(c.acls(token, "state", "REQUESTED"))
	elements(c.acls(token, "role", "ANALYST"))
	elements(c.acls(c.connect(c.other).text("access_token")))
	// Without the projection there are no names.
	plain := c.acls(token, "projection", "", "count", "1")
	elements(plain, object{
		"role": "ADMINISTRATOR", "state": "APPROVED", "organizationalTarget": "urn:li:organization:1001",
		"roleAssignee": "urn:li:person:ada-lindqvist",
	})
	if paging, _ := plain.json["paging"].(object); paging["total"] != 2.0 || paging["count"] != 1.0 {
		t.Errorf("paging %s", plain.body)
	}

	c.box.RemovePage("linkedin", "1001")
	elements(c.acls(token), two)
	c.box.RestorePage("linkedin", "1001")
	elements(c.acls(token), one, two)

	if r := c.acls(c.connect(c.person, "scope", "openid profile r_organization_social").text("access_token")); r.status != http.StatusForbidden {
		t.Errorf("without rw_organization_admin: %d %s", r.status, r.body)
	}
	if r := c.acls(token, "q", ""); r.status != http.StatusBadRequest {
		t.Errorf("without finder: %d %s", r.status, r.body)
	}
	if r := c.send("GET", "/linkedin-api/v2/organizationalEntityAcls", url.Values{"q": {"roleAssignee"}}, "Authorization", "Bearer "+token); r.status != http.StatusBadRequest {
		t.Errorf("without protocol version: %d %s", r.status, r.body)
	}
}

func TestLinkedInRefresh(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	c := setupOAuth(t, "linkedin")
	yes := true
	c.box.OAuthSettings("linkedin", sandbox.OAuthSettings{RefreshTokens: &yes})
	first := c.connect(c.person)
	refresh := first.text("refresh_token")
	if refresh == "" || first.number("refresh_token_expires_in") != 365*86400 || first.number("expires_in") != 60*86400 {
		t.Fatalf("%s", first.body)
	}
	c.clock.advance(59 * day)
	second := c.renew(refresh)
	if second.text("refresh_token") != refresh || second.number("refresh_token_expires_in") != 306*86400 ||
		second.number("expires_in") != 60*86400 || second.text("access_token") == first.text("access_token") ||
		!c.works(second.text("access_token")) || !c.works(first.text("access_token")) {
		t.Errorf("%d %s", second.status, second.body)
	}
	c.clock.advance(301 * day)
	last := c.renew(refresh)
	if last.number("expires_in") != 5*86400 || last.number("refresh_token_expires_in") != 5*86400 {
		t.Errorf("a token outlives its refresh token: %s", last.body)
	}
	c.clock.advance(5 * day)
	c.wantError(c.renew(refresh), 400, "invalid_grant")
	if c.works(last.text("access_token")) {
		t.Error("an expired token is accepted")
	}
	c.wantError(c.renew("unknown"), 400, "invalid_grant")
	c.wantError(c.renew(""), 400, "invalid_request")

	again := c.connect(c.person)
	c.box.Withdraw("linkedin", c.person)
	c.wantError(c.renew(again.text("refresh_token")), 400, "invalid_grant")
}

func TestLinkedInRevoke(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "linkedin")
	yes := true
	c.box.OAuthSettings("linkedin", sandbox.OAuthSettings{RefreshTokens: &yes})
	for _, which := range []string{"access_token", "refresh_token"} {
		one, other := c.connect(c.person), c.connect(c.person)
		for range 2 {
			if r := c.ask(c.revoke, url.Values{"token": {one.text(which)}}); r.status != http.StatusOK || r.body != "" {
				t.Errorf("%d %s", r.status, r.body)
			}
		}
		if c.works(one.text("access_token")) || !c.works(other.text("access_token")) {
			t.Errorf("revoking the %s has not ended its grant, or more than that", which)
		}
		c.wantError(c.renew(one.text("refresh_token")), 400, "invalid_grant")
	}
	c.wantError(c.ask(c.revoke, url.Values{"token": {"unknown"}}), 400, "invalid_request")
	c.wantError(c.ask(c.revoke, url.Values{}), 400, "invalid_request")
}
