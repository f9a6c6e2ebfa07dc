package sandbox_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func (c *oauthClient) mailchimp(path, authorization string) reply {
	c.t.Helper()
	return c.send("GET", "/mailchimp-api"+path, nil, "Authorization", authorization)
}

func TestMailchimpMetadata(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "mailchimp")
	answer := c.connect(c.person)
	if scope, ok := answer.json["scope"]; !ok || scope != nil || answer.json["expires_in"] != 0.0 || answer.json["refresh_token"] != nil {
		t.Errorf("%s", answer.body)
	}
	want := object{
		"dc": "us6", "role": "owner", "accountname": "Northlight", "user_id": 30001.0,
		"login": object{
			"email": "northlight@example.com", "avatar": nil, "login_id": 30001.0, "login_name": "northlight",
			"login_email": "northlight@example.com",
		},
		"login_url": c.base + "/mailchimp-login", "api_endpoint": c.base + "/mailchimp-api/us6",
	}
	token := answer.text("access_token")
	bearer := c.send("GET", "/mailchimp-login/oauth2/metadata", nil, "Authorization", "Bearer "+token)
	for _, r := range []reply{c.me(token), bearer} {
		if diff := cmp.Diff(want, r.json); diff != "" {
			t.Error(diff)
		}
	}
	// A token that is not good is told in a 200.
	c.wantError(c.me("unknown"), 200, "invalid_token")
	c.box.Withdraw("mailchimp", c.person)
	c.wantError(c.me(token), 200, "invalid_token")
	c.wantError(c.ask(c.token, c.codeForm("x", "grant_type", "refresh_token")), 400, "unsupported_grant_type")
}

func TestMailchimpAPI(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "mailchimp")
	token := c.connect(c.person).text("access_token")
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("anything:"+token))
	for _, authorization := range []string{"Bearer " + token, "OAuth " + token, basic} {
		for _, path := range []string{"/us6/3.0/", "/us6/3.0"} {
			r := c.mailchimp(path, authorization)
			if r.status != http.StatusOK || r.text("account_id") != "30001" || r.text("account_name") != "Northlight" {
				t.Errorf("%s: %d %s", path, r.status, r.body)
			}
		}
	}
	paths := []string{"/3.0/", "/3.0/lists", "/3.0/lists/a1b2c3d4e5"}
	for _, path := range paths {
		for _, r := range []reply{
			c.mailchimp("/us21"+path, "Bearer "+token), c.mailchimp("/us6"+path, "Bearer x"), c.mailchimp("/us6"+path, ""),
		} {
			if r.status != http.StatusUnauthorized || r.header.Get("Content-Type") != "application/problem+json; charset=utf-8" ||
				r.number("status") != 401 || r.text("title") == "" || r.text("detail") == "" || r.text("instance") == "" || r.text("type") == "" {
				t.Errorf("%s: %d %s", path, r.status, r.body)
			}
		}
	}
	kite := c.connect(c.other).text("access_token")
	if r := c.mailchimp("/us21/3.0/", "Bearer "+kite); r.text("account_name") != "Kite" {
		t.Errorf("%d %s", r.status, r.body)
	}
	c.box.Withdraw("mailchimp", c.person)
	for _, path := range paths {
		if r := c.mailchimp("/us6"+path, "Bearer "+token); r.status != http.StatusUnauthorized {
			t.Errorf("%s after the withdrawal: %d", path, r.status)
		}
	}
}

func TestMailchimpLists(t *testing.T) {
	t.Parallel()
	c := setupOAuth(t, "mailchimp")
	bearer := "Bearer " + c.connect(c.person).text("access_token")
	lists := func(query url.Values, want object) {
		t.Helper()
		query.Set("fields", "lists.id,lists.name,total_items")
		r := c.mailchimp("/us6/3.0/lists?"+query.Encode(), bearer)
		if diff := cmp.Diff(want, r.json); diff != "" {
			t.Error(diff)
		}
	}
	bakery, cycles := object{"id": "a1b2c3d4e5", "name": "Bakery newsletter"}, object{"id": "b2c3d4e5f6", "name": "Cycles newsletter"}
	lists(url.Values{}, object{"lists": []any{bakery, cycles}, "total_items": 2.0})
	lists(url.Values{"count": {"1"}}, object{"lists": []any{bakery}, "total_items": 2.0})
	lists(url.Values{"count": {"1000"}, "offset": {"1"}}, object{"lists": []any{cycles}, "total_items": 2.0})
	lists(url.Values{"offset": {"9"}}, object{"lists": []any{}, "total_items": 2.0})
	if r := c.mailchimp("/us6/3.0/lists?count=1001", bearer); r.status != http.StatusBadRequest {
		t.Errorf("1,001 lists: %d", r.status)
	}
	full := c.mailchimp("/us6/3.0/lists/a1b2c3d4e5?fields=id,stats.member_count,nothing", bearer)
	if diff := cmp.Diff(object{"id": "a1b2c3d4e5", "stats": object{"member_count": 120.0}}, full.json); diff != "" {
		t.Error(diff)
	}
	for _, list := range []string{"c3d4e5f6a7", "none"} {
		if r := c.mailchimp("/us6/3.0/lists/"+list, bearer); r.status != http.StatusNotFound || r.text("title") != "Resource Not Found" {
			t.Errorf("%s: %d %s", list, r.status, r.body)
		}
	}
	c.box.RemovePage("mailchimp", "a1b2c3d4e5")
	lists(url.Values{}, object{"lists": []any{cycles}, "total_items": 1.0})
	if r := c.mailchimp("/us6/3.0/lists/a1b2c3d4e5", bearer); r.status != http.StatusNotFound {
		t.Errorf("a lost list: %d", r.status)
	}
	c.box.RestorePage("mailchimp", "a1b2c3d4e5")
	lists(url.Values{}, object{"lists": []any{bakery, cycles}, "total_items": 2.0})
}
