package sandbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	redirect = "https://app.example/v1/connect/callback?from=sandbox"
	verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// platformAddress is where a platform's OAuth server is.
type platformAddress struct {
	authorize, token, revoke string
	person, other            string // two people
	scope                    string // everything that connecting takes
}

var addresses = map[string]platformAddress{
	"twitter": {
		authorize: "/twitter/i/oauth2/authorize", token: "/twitter-api/2/oauth2/token", revoke: "/twitter-api/2/oauth2/revoke",
		person: "2244994945", other: "2244994946", scope: "tweet.read tweet.write users.read media.write offline.access",
	},
	"linkedin": {
		authorize: "/linkedin/oauth/v2/authorization", token: "/linkedin/oauth/v2/accessToken", revoke: "/linkedin/oauth/v2/revoke",
		person: "ada-lindqvist", other: "ben-okafor",
		scope: "openid profile w_member_social w_organization_social r_organization_social rw_organization_admin",
	},
	"facebook": {
		authorize: "/facebook/v26.0/dialog/oauth", token: "/facebook-graph/v26.0/oauth/access_token",
		person: "10001", other: "10002", scope: "pages_show_list,pages_manage_posts,pages_read_engagement",
	},
	"mailchimp": {
		authorize: "/mailchimp-login/oauth2/authorize", token: "/mailchimp-login/oauth2/token", person: "30001", other: "30002",
	},
}

// oauthClient is an application at a platform.
type oauthClient struct {
	*bundle
	platformAddress
	platform, id, secret string
}

func setupOAuth(t *testing.T, platform string) *oauthClient {
	t.Helper()
	return setup(t).app(platform)
}

func (b *bundle) app(platform string) *oauthClient {
	id, secret := b.box.AddOAuthApp(platform, redirect)
	return &oauthClient{bundle: b, platformAddress: addresses[platform], platform: platform, id: id, secret: secret}
}

// forEach runs a test on every platform.
func forEach(t *testing.T, test func(t *testing.T, c *oauthClient)) {
	t.Helper()
	for platform := range addresses {
		t.Run(platform, func(t *testing.T) {
			t.Parallel()
			test(t, setupOAuth(t, platform))
		})
	}
}

// params are those of a request for consent, with changes; an empty change takes one away.
func (c *oauthClient) params(changes ...string) url.Values {
	values := url.Values{
		"response_type": {"code"}, "client_id": {c.id}, "redirect_uri": {redirect}, "state": {"st&te"},
		"code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
	}
	if c.scope != "" {
		values.Set("scope", c.scope)
	}
	return changed(values, changes...)
}

func changed(values url.Values, changes ...string) url.Values {
	values = maps.Clone(values)
	for i := 0; i < len(changes); i += 2 {
		values.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			values.Del(changes[i])
		}
	}
	return values
}

// send sends a form, or a query with GET and DELETE. header is pairs of names and values.
func (b *bundle) send(method, path string, form url.Values, header ...string) reply {
	b.t.Helper()
	var body io.Reader
	if method == http.MethodPost {
		body = strings.NewReader(form.Encode())
	} else if len(form) > 0 {
		path += "?" + form.Encode()
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	result := reply{status: resp.StatusCode, header: resp.Header, body: string(data)}
	_ = json.Unmarshal(data, &result.json)
	return result
}

// back gives the query with which the browser was sent back.
func (c *oauthClient) back(r reply) url.Values {
	c.t.Helper()
	target, err := url.Parse(r.header.Get("Location"))
	if r.status != http.StatusFound || err != nil || !strings.HasPrefix(target.String(), redirect+"&") {
		c.t.Fatalf("not sent back: %d %q %s", r.status, r.header.Get("Location"), r.body)
	}
	return target.Query()
}

func (c *oauthClient) consent(person string, changes ...string) string {
	c.t.Helper()
	values := c.back(c.send("POST", c.authorize, changed(c.params("person", person, "decision", "allow"), changes...)))
	if values.Get("code") == "" || values.Get("state") != "st&te" {
		c.t.Fatalf("sent back with %v", values)
	}
	return values.Get("code")
}

// basic is the authentication of twitter's token endpoint.
func (c *oauthClient) basic() string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.id+":"+c.secret))
}

// ask sends a form to an OAuth endpoint, authenticated as the platform has it.
func (c *oauthClient) ask(path string, form url.Values) reply {
	c.t.Helper()
	if c.platform == "twitter" {
		return c.send("POST", path, form, "Authorization", c.basic())
	}
	return c.send("POST", path, changed(form, "client_id", c.id, "client_secret", c.secret))
}

func (c *oauthClient) codeForm(code string, changes ...string) url.Values {
	return changed(url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirect}, "code_verifier": {verifier},
	}, changes...)
}

func (c *oauthClient) exchange(code string, changes ...string) reply {
	c.t.Helper()
	return c.ask(c.token, c.codeForm(code, changes...))
}

// connect is the whole way of a person; it gives the token answer.
func (c *oauthClient) connect(person string, changes ...string) reply {
	c.t.Helper()
	r := c.exchange(c.consent(person, changes...))
	if r.status != http.StatusOK || r.text("access_token") == "" {
		c.t.Fatalf("exchange: %d %s", r.status, r.body)
	}
	return r
}

func (r reply) text(name string) string { s, _ := r.json[name].(string); return s }

func (r reply) number(name string) int { n, _ := r.json[name].(float64); return int(n) }

// renew is the refresh of a token.
func (c *oauthClient) renew(token string) reply {
	c.t.Helper()
	if c.platform == "facebook" {
		return c.ask(c.token, url.Values{"grant_type": {"fb_exchange_token"}, "fb_exchange_token": {token}})
	}
	return c.ask(c.token, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}})
}

// works tells whether an access token is accepted.
func (c *oauthClient) works(token string) bool {
	c.t.Helper()
	r := c.me(token)
	if r.status == http.StatusOK {
		return r.text("error") == ""
	}
	if r.status != http.StatusBadRequest && r.status != http.StatusUnauthorized {
		c.t.Fatalf("me: %d %s", r.status, r.body)
	}
	return false
}

func (c *oauthClient) me(token string) reply {
	c.t.Helper()
	switch c.platform {
	case "twitter":
		return c.send("GET", "/twitter-api/2/users/me", nil, "Authorization", "Bearer "+token)
	case "linkedin":
		return c.send("GET", "/linkedin-api/v2/userinfo", nil, "Authorization", "Bearer "+token)
	case "facebook":
		return c.send("GET", "/facebook-graph/v26.0/me", url.Values{"fields": {"id,name"}, "access_token": {token}})
	}
	return c.send("GET", "/mailchimp-login/oauth2/metadata", nil, "Authorization", "OAuth "+token)
}

// wantError checks an error answer of a token endpoint.
func (c *oauthClient) wantError(r reply, status int, code string) {
	c.t.Helper()
	got := r.text("error")
	if c.platform == "facebook" {
		fields, _ := r.json["error"].(object)
		data, _ := json.Marshal([]any{fields["code"], fields["error_subcode"]})
		got = string(data)
		if fields["message"] == "" || fields["type"] != "OAuthException" || fields["fbtrace_id"] == "" {
			c.t.Errorf("not the shape of the Graph API's errors: %s", r.body)
		}
	} else if r.text("error_description") == "" {
		c.t.Errorf("no description: %s", r.body)
	}
	if r.status != status || got != code {
		c.t.Errorf("%d %s, want %d %s: %s", r.status, got, status, code, r.body)
	}
	for _, secret := range c.box.Secrets() {
		if strings.Contains(r.body, secret) {
			c.t.Errorf("a secret in an error: %s", r.body)
		}
	}
}

// codeError is how a platform refuses a code that is not good.
var codeError = map[string]string{
	"twitter": "invalid_request", "linkedin": "invalid_request", "facebook": "[100,null]", "mailchimp": "invalid_grant",
}
