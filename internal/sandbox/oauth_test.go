package sandbox_test

import (
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

func TestConsentPage(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, c *oauthClient) {
		page := c.send("GET", c.authorize, c.params())
		if page.status != http.StatusOK {
			t.Fatalf("%d %s", page.status, page.body)
		}
		for _, part := range []string{
			`<form method="post" action="` + c.authorize + `">`, `value="` + c.person + `"`, `value="` + c.other + `"`,
			`<button class="first" id="allow" name="decision" value="allow">`, `id="deny" name="decision" value="deny"`,
			`<input type="hidden" name="state" value="st&amp;te">`, "app.example", c.id,
		} {
			if !strings.Contains(page.body, part) {
				t.Errorf("the page lacks %s", part)
			}
		}
		for _, scope := range strings.FieldsFunc(c.scope, func(r rune) bool { return r == ' ' || r == ',' }) {
			if !strings.Contains(page.body, "<code>"+scope+"</code>") {
				t.Errorf("the page does not name %s", scope)
			}
		}
		policy := page.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "form-action") || page.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", page.header)
		}
		// As the form sends it, or to the address of the page.
		body := changed(c.params(), "person", c.person, "decision", "allow")
		if c.back(c.send("POST", c.authorize, body)).Get("code") == "" {
			t.Error("no code")
		}
		short := url.Values{"person": {c.person}, "decision": {"allow"}}
		if c.back(c.send("POST", c.authorize+"?"+c.params().Encode(), short)).Get("code") == "" {
			t.Error("no code")
		}
		for _, wrong := range []url.Values{{}, {"person": {c.person}}, {"decision": {"allow"}}, {"person": {"nobody"}, "decision": {"allow"}}} {
			if r := c.send("POST", c.authorize+"?"+c.params().Encode(), wrong); r.status != 400 || r.header.Get("Location") != "" {
				t.Errorf("%v: %d", wrong, r.status)
			}
		}
		// What other sites send is no consent.
		if r := c.send("POST", c.authorize, body, "Sec-Fetch-Site", "cross-site"); r.status != http.StatusForbidden {
			t.Errorf("consent from another site: %d", r.status)
		}
	})
}

func TestConsentDenied(t *testing.T) {
	t.Parallel()
	want := map[string]string{"twitter": "access_denied", "linkedin": "user_cancelled_authorize", "facebook": "access_denied", "mailchimp": "access_denied"}
	forEach(t, func(t *testing.T, c *oauthClient) {
		r := c.send("POST", c.authorize, c.params("person", c.person, "decision", "deny"))
		back := c.back(r)
		if back.Get("error") != want[c.platform] || back.Get("state") != "st&te" || back.Has("code") || back.Get("from") != "sandbox" {
			t.Errorf("sent back with %v", back)
		}
		if strings.HasSuffix(r.header.Get("Location"), "#_=_") != (c.platform == "facebook") {
			t.Errorf("sent back to %s", r.header.Get("Location"))
		}
		if c.platform == "linkedin" {
			if back := c.back(c.send("POST", c.authorize, c.params("decision", "deny"))); back.Get("error") != "user_cancelled_login" {
				t.Errorf("before the login: %v", back)
			}
		}
	})
}

// TestNeverRedirected: whoever asks with a wrong client or redirect is not sent anywhere.
func TestNeverRedirected(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, c *oauthClient) {
		for _, changes := range [][]string{
			{"client_id", ""}, {"client_id", "unknown"}, {"client_id", c.id + "0"}, {"redirect_uri", ""}, {"redirect_uri", redirect + "/"},
			{"redirect_uri", "https://app.example/v1/connect/callback"}, {"redirect_uri", redirect + "&x=1"},
			{"redirect_uri", strings.ToUpper(redirect)}, {"redirect_uri", "http" + strings.TrimPrefix(redirect, "https")},
			{"redirect_uri", "https://evil.example/"}, {"redirect_uri", redirect + "#x"},
		} {
			for _, method := range []string{"GET", "POST"} {
				params := changed(c.params("person", c.person, "decision", "allow"), changes...)
				if r := c.send(method, c.authorize, params); r.status != http.StatusBadRequest || r.header.Get("Location") != "" ||
					!strings.Contains(r.body, `<p id="error">`) {
					t.Errorf("%s %v: %d %s", method, changes, r.status, r.header.Get("Location"))
				}
			}
		}
		twice := c.params().Encode() + "&redirect_uri=" + url.QueryEscape("https://evil.example/")
		if r := c.send("GET", c.authorize+"?"+twice, nil); r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
			t.Errorf("two redirects: %d", r.status)
		}
		if r := c.send("GET", c.authorize+"?"+c.params().Encode()+"&state=other", nil); r.status != http.StatusBadRequest {
			t.Errorf("two states: %d", r.status)
		}
	})
}

func TestNoApplication(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for platform, address := range addresses {
		c := &oauthClient{bundle: b, platformAddress: address, platform: platform}
		if r := c.send("GET", c.authorize, c.params("client_id", "")); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", platform, r.status)
		}
		if r := c.exchange("x"); r.status < 400 {
			t.Errorf("%s: token %d", platform, r.status)
		}
	}
}

func TestAuthorizeRefusals(t *testing.T) {
	t.Parallel()
	// "" is a page, anything else the error with which the browser is sent back.
	cases := []struct {
		changes []string
		want    map[string]string // platforms that are missing accept it
	}{
		{[]string{"response_type", "token"}, map[string]string{
			"twitter": "", "linkedin": "unsupported_response_type", "facebook": "", "mailchimp": "unsupported_response_type"}},
		{[]string{"response_type", ""}, map[string]string{
			"twitter": "", "linkedin": "unsupported_response_type", "mailchimp": "unsupported_response_type"}},
		{[]string{"scope", "openid users.write"}, map[string]string{"twitter": "", "linkedin": "unauthorized_scope_error", "facebook": ""}},
		{[]string{"scope", ""}, map[string]string{"twitter": "", "linkedin": "invalid_request"}},
		{[]string{"state", ""}, map[string]string{"twitter": ""}},
		{[]string{"code_challenge_method", "plain"}, map[string]string{"twitter": ""}},
		{[]string{"code_challenge_method", ""}, map[string]string{"twitter": ""}},
		{[]string{"code_challenge", ""}, map[string]string{"twitter": ""}},
		{[]string{"code_challenge", "short"}, map[string]string{"twitter": ""}},
	}
	forEach(t, func(t *testing.T, c *oauthClient) {
		for _, test := range cases {
			r := c.send("GET", c.authorize, c.params(test.changes...))
			code, refused := test.want[c.platform]
			switch {
			case !refused:
				if r.status != http.StatusOK {
					t.Errorf("%v: %d %s", test.changes, r.status, r.body)
				}
			case code == "":
				if r.status != http.StatusBadRequest || r.header.Get("Location") != "" {
					t.Errorf("%v: %d %s", test.changes, r.status, r.header.Get("Location"))
				}
			default:
				if back := c.back(r); back.Get("error") != code || back.Get("state") != "st&te" {
					t.Errorf("%v: %v", test.changes, back)
				}
			}
		}
		if c.platform != "twitter" {
			r := c.send("POST", c.authorize, c.params("state", "", "person", c.person, "decision", "allow"))
			if back := c.back(r); back.Has("state") || !back.Has("code") {
				t.Errorf("without state: %v", back)
			}
		}
	})
}

func TestCodeOnce(t *testing.T) {
	t.Parallel()
	again := map[string]string{
		"twitter": "invalid_request", "linkedin": "invalid_request", "facebook": "[100,36009]", "mailchimp": "invalid_grant",
	}
	forEach(t, func(t *testing.T, c *oauthClient) {
		code := c.consent(c.person)
		first := c.exchange(code)
		if first.status != http.StatusOK || !c.works(first.text("access_token")) || first.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("exchange: %d %s", first.status, first.body)
		}
		other := c.connect(c.person).text("access_token")
		c.wantError(c.exchange(code), 400, again[c.platform])
		if c.works(first.text("access_token")) {
			t.Error("the grant outlived a second use of its code")
		}
		if !c.works(other) {
			t.Error("another grant of the same person has ended")
		}
		c.wantError(c.exchange("unknown"), 400, codeError[c.platform])
	})
}

func TestCodeLife(t *testing.T) {
	t.Parallel()
	own := map[string]time.Duration{
		"twitter": 30 * time.Second, "linkedin": 30 * time.Minute, "facebook": 10 * time.Minute, "mailchimp": 10 * time.Minute,
	}
	expired := maps.Clone(codeError)
	expired["facebook"] = "[100,36007]"
	forEach(t, func(t *testing.T, c *oauthClient) {
		for _, life := range []time.Duration{own[c.platform], 7 * time.Second} {
			code, late := c.consent(c.person), c.consent(c.person)
			c.clock.advance(life - time.Second)
			if r := c.exchange(code); r.status != http.StatusOK {
				t.Errorf("in time: %d %s", r.status, r.body)
			}
			c.clock.advance(time.Second)
			c.wantError(c.exchange(late), 400, expired[c.platform])
			c.box.OAuthSettings(c.platform, sandbox.OAuthSettings{CodeSeconds: 7})
		}
	})
}

func TestCodeRedirect(t *testing.T) {
	t.Parallel()
	want := maps.Clone(codeError)
	want["facebook"] = "[100,36008]"
	forEach(t, func(t *testing.T, c *oauthClient) {
		c.box.AddOAuthApp(c.platform, redirect+"2")
		code := c.consent(c.person)
		c.wantError(c.exchange(code, "redirect_uri", redirect+"2"), 400, want[c.platform])
		missing := c.exchange(code, "redirect_uri", "")
		if missing.status != http.StatusBadRequest {
			t.Errorf("without redirect: %d %s", missing.status, missing.body)
		}
		if r := c.exchange(code); r.status != http.StatusOK {
			t.Errorf("a wrong redirect has consumed the code: %d %s", r.status, r.body)
		}
	})
}

func TestPKCE(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, c *oauthClient) {
		code := c.consent(c.person)
		wrong := c.exchange(code, "code_verifier", verifier[1:]+"x")
		if c.platform != "twitter" {
			if wrong.status != http.StatusOK {
				t.Errorf("PKCE is not ignored: %d %s", wrong.status, wrong.body)
			}
			return
		}
		c.wantError(wrong, 400, "invalid_request")
		c.wantError(c.exchange(code, "code_verifier", ""), 400, "invalid_request")
		c.wantError(c.exchange(code, "code_verifier", challenge(verifier)), 400, "invalid_request")
		if r := c.exchange(code); r.status != http.StatusOK {
			t.Errorf("a wrong verifier has consumed the code: %d %s", r.status, r.body)
		}
	})
}

func TestClientAuthentication(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, c *oauthClient) {
		code := c.consent(c.person)
		form := c.codeForm(code)
		inForm := changed(form, "client_id", c.id, "client_secret", c.secret)
		basic := c.basic()
		switch c.platform {
		case "twitter":
			c.wantError(c.send("POST", c.token, inForm), 401, "unauthorized_client")
			c.wantError(c.send("POST", c.token, form, "Authorization", basic+"x"), 401, "unauthorized_client")
			c.wantError(c.send("POST", c.revoke, url.Values{"token": {"x"}}), 401, "unauthorized_client")
		case "linkedin":
			c.wantError(c.send("POST", c.token, form, "Authorization", basic), 400, "invalid_request")
			c.wantError(c.send("POST", c.token, changed(inForm, "client_secret", "x")), 401, "invalid_client")
			c.wantError(c.send("POST", c.token, changed(inForm, "client_id", "x")), 401, "invalid_client")
			c.wantError(c.send("POST", c.revoke, url.Values{"token": {"x"}, "client_id": {c.id}, "client_secret": {"x"}}), 401, "invalid_client")
		case "facebook":
			c.wantError(c.send("POST", c.token, form, "Authorization", basic), 400, "[101,null]")
			c.wantError(c.send("POST", c.token, changed(inForm, "client_id", "x")), 400, "[101,null]")
			c.wantError(c.send("GET", c.token, changed(inForm, "client_secret", "x")), 400, "[1,null]")
		case "mailchimp":
			c.wantError(c.send("POST", c.token, form, "Authorization", basic), 400, "invalid_request")
			c.wantError(c.send("POST", c.token, changed(inForm, "client_secret", "x")), 400, "invalid_client")
		}
		if r := c.exchange(code); r.status != http.StatusOK {
			t.Errorf("a failed authentication has consumed the code: %d %s", r.status, r.body)
		}
		// Parameters are given once, as a form, and there are no other grants.
		for _, change := range [][]string{{"grant_type", "password"}, {"code", ""}} {
			if r := c.exchange(c.consent(c.person), change...); r.status != http.StatusBadRequest {
				t.Errorf("%v: %d %s", change, r.status, r.body)
			}
		}
		body := changed(c.codeForm(c.consent(c.person)), "client_id", c.id, "client_secret", c.secret)
		if r := c.request("POST", c.token, basic, body.Encode()); r.status != http.StatusBadRequest {
			t.Errorf("a form that says it is JSON: %d", r.status)
		}
		body["code"] = append(body["code"], body.Get("code"))
		if r := c.send("POST", c.token, body, "Authorization", basic); r.status != http.StatusBadRequest {
			t.Errorf("two codes: %d", r.status)
		}
	})
}

func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	own := map[string]time.Duration{"twitter": 2 * time.Hour, "linkedin": 60 * 24 * time.Hour, "facebook": 90 * time.Minute}
	forEach(t, func(t *testing.T, c *oauthClient) {
		for _, token := range []string{"", "unknown", c.consent(c.person)} {
			if c.works(token) {
				t.Errorf("%q is accepted", token)
			}
		}
		answer := c.connect(c.person)
		token := answer.text("access_token")
		life := own[c.platform]
		if answer.number("expires_in") != int(life.Seconds()) || answer.json["expires_in"] == nil {
			t.Errorf("expires_in: %s", answer.body)
		}
		if life == 0 {
			c.clock.advance(10 * 365 * 24 * time.Hour)
			if !c.works(token) {
				t.Error("a token of mailchimp has expired")
			}
		} else {
			c.clock.advance(life - time.Second)
			if !c.works(token) {
				t.Error("expired too early")
			}
			c.clock.advance(time.Second)
			if c.works(token) {
				t.Error("an expired token is accepted")
			}
		}
		if c.platform != "facebook" { // there it is the life of long-lived tokens
			c.box.OAuthSettings(c.platform, sandbox.OAuthSettings{AccessSeconds: 5})
			answer = c.connect(c.person)
			if answer.number("expires_in") != 5 {
				t.Errorf("expires_in: %s", answer.body)
			}
			c.clock.advance(5 * time.Second)
			if c.works(answer.text("access_token")) {
				t.Error("an expired token is accepted")
			}
		}
	})
}

func TestWithdraw(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, c *oauthClient) {
		one, two, other := c.connect(c.person), c.connect(c.person), c.connect(c.other).text("access_token")
		code := c.consent(c.person)
		c.box.Withdraw(c.platform, c.person)
		if c.works(one.text("access_token")) || c.works(two.text("access_token")) {
			t.Error("a grant outlived the withdrawal")
		}
		if !c.works(other) {
			t.Error("somebody else's grant has ended")
		}
		if r := c.exchange(code); r.status != http.StatusBadRequest {
			t.Errorf("a code outlived the withdrawal: %d %s", r.status, r.body)
		}
		if !c.works(c.connect(c.person).text("access_token")) {
			t.Error("the person cannot come back")
		}
		control := "/_sandbox/oauth/" + c.platform
		if r := c.request("POST", control+"/withdraw", "", object{"person": c.other}); r.status != http.StatusNoContent || c.works(other) {
			t.Errorf("withdraw over HTTP: %d", r.status)
		}
		if r := c.request("POST", control+"/withdraw", "", object{"person": "nobody"}); r.status != http.StatusUnprocessableEntity {
			t.Errorf("nobody: %d", r.status)
		}
	})
}

func TestOAuthRestart(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, c *oauthClient) {
		dir := t.TempDir()
		before := setupDir(t, dir).app(c.platform)
		before.box.OAuthSettings(c.platform, sandbox.OAuthSettings{AccessSeconds: 50, RefreshReuse: "grace"})
		token, code := before.connect(c.person).text("access_token"), before.consent(c.person)
		used := before.consent(c.person)
		ended := before.exchange(used).text("access_token")
		before.exchange(used)
		after := setupDir(t, dir).app(c.platform)
		if after.id != before.id || after.secret != before.secret {
			t.Error("another application")
		}
		if !after.works(token) {
			t.Error("the token is forgotten")
		}
		if ended == "" || after.works(ended) {
			t.Error("a grant that had ended is back")
		}
		if r := after.exchange(code); r.status != http.StatusOK || (c.platform != "facebook" && r.number("expires_in") != 50) {
			t.Errorf("code: %d %s", r.status, r.body)
		}
		for _, secret := range []string{token, code, after.secret} {
			if !slices.Contains(after.box.Secrets(), secret) {
				t.Error("a secret of before the restart is not listed")
			}
		}
		// What has ended long ago is forgotten.
		after.box.Withdraw(c.platform, c.person)
		after.clock.advance(48 * time.Hour)
		fresh := after.connect(c.other).text("access_token")
		saved, err := os.ReadFile(dir + "/sandbox.json")
		if err != nil || strings.Contains(string(saved), token) || strings.Contains(string(saved), code) || !strings.Contains(string(saved), fresh) {
			t.Errorf("not forgotten: %v %s", err, saved)
		}
	})
}

func TestOAuthControl(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.RotateGhostKey("news")
	made := b.request("POST", "/_sandbox/oauth-apps", "", object{"platform": "twitter", "redirect_uris": []string{redirect}})
	id, secret := b.box.AddOAuthApp("twitter", "https://two.example/")
	if made.status != http.StatusCreated || made.text("client_id") != id || made.text("client_secret") != secret || secret == "" {
		t.Errorf("%d %s", made.status, made.body)
	}
	c := b.app("twitter")
	answer := c.connect(c.person)
	if c.send("GET", c.authorize, c.params("redirect_uri", "https://two.example/")).status != http.StatusOK {
		t.Error("a redirect that was added later is refused")
	}
	for _, test := range []struct{ method, path, body string }{
		{"POST", "/_sandbox/oauth-apps", `{"platform":"ghost"}`},
		{"POST", "/_sandbox/oauth-apps", `{"platform":"twitter","redirect_uris":["/relative"]}`},
		{"POST", "/_sandbox/oauth-apps", `{"platform":"twitter","redirect_uris":["https://x.example/#f"]}`},
		{"POST", "/_sandbox/oauth-apps", `{"platform":"twitter","redirect_uris":["javascript:alert(1)"]}`},
		{"PUT", "/_sandbox/oauth/nowhere", `{}`},
		{"PUT", "/_sandbox/oauth/twitter", `{"refresh_reuse":"maybe"}`},
		{"PUT", "/_sandbox/oauth/twitter", `{"access_seconds":-1}`},
		{"POST", "/_sandbox/oauth/facebook/remove-page", `{"page":"1001"}`},
	} {
		if r := b.request(test.method, test.path, "", test.body); r.status != http.StatusUnprocessableEntity || r.text("error") == "" {
			t.Errorf("%v: %d %s", test, r.status, r.body)
		}
	}
	if r := b.request("PUT", "/_sandbox/oauth/twitter", "", `{"unknown":1}`); r.status != http.StatusBadRequest {
		t.Errorf("unknown setting: %d", r.status)
	}
	if r := b.request("PUT", "/_sandbox/oauth/twitter", "", object{"access_seconds": 9, "refresh_tokens": true}); r.status != http.StatusNoContent {
		t.Errorf("settings: %d %s", r.status, r.body)
	}
	if r := c.connect(c.person); r.number("expires_in") != 9 {
		t.Errorf("the settings do not hold: %s", r.body)
	}

	if b.box.Count("twitter.token") != 2 || b.box.Count("twitter.authorize") != 3 || b.box.Count("twitter.me") != 0 {
		t.Errorf("counts %v", b.box.Counts())
	}
	counts, _ := b.request("GET", "/_sandbox/counts", "", nil).json["counts"].(object)
	if counts["twitter.token"] != 2.0 {
		t.Errorf("counts %v", counts)
	}
	listed, _ := b.request("GET", "/_sandbox/secrets", "", nil).json["secrets"].([]any)
	_, first, _ := strings.Cut(b.key, ":")
	for _, want := range []string{secret, answer.text("access_token"), answer.text("refresh_token"), first} {
		if !slices.Contains(listed, any(want)) {
			t.Errorf("%q is not listed", want)
		}
	}
	if slices.Contains(b.box.Secrets(), "") || len(b.box.Secrets()) != len(listed) {
		t.Error("the lists differ")
	}

	if index := b.request("GET", "/", "", nil); !strings.Contains(index.body, `href="/people"`) {
		t.Error("the index does not lead to the people")
	}
	b.box.RemovePage("facebook", "20002")
	people := b.request("GET", "/people", "", nil)
	for _, part := range []string{id, "https://two.example/", "Ada Lindqvist", "ben-okafor", "2244994946", "a1b2c3d4e5", "grants: 2", "taken away"} {
		if !strings.Contains(people.body, part) {
			t.Errorf("the people's page lacks %q", part)
		}
	}
	for _, secret := range b.box.Secrets() {
		if strings.Contains(people.body, secret) {
			t.Error("a secret on a page")
		}
	}
}

func TestOAuthFaults(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, c *oauthClient) {
		order := func(f sandbox.Fault) {
			t.Helper()
			if err := c.box.AddFault(f); err != nil {
				t.Fatal(err)
			}
		}
		var mu sync.Mutex
		var accounts []string
		c.box.OnRequest(func(r sandbox.RequestInfo) {
			mu.Lock()
			defer mu.Unlock()
			if r.Step == c.platform+".token" {
				accounts = append(accounts, r.Account)
			}
		})
		code := c.consent(c.other)
		step := c.platform + ".token"
		order(sandbox.Fault{Step: step, Kind: sandbox.FaultStatus, Status: 503})
		if r := c.exchange(code); r.status != 503 || r.json["error"] == nil {
			t.Errorf("503: %d %s", r.status, r.body)
		}
		order(sandbox.Fault{Step: step, Kind: sandbox.FaultStatus, Status: 429, Headers: map[string]string{"Retry-After": "3"}})
		if r := c.exchange(code); r.status != 429 || r.header.Get("Retry-After") != "3" {
			t.Errorf("429: %d %v", r.status, r.header)
		}
		order(sandbox.Fault{Step: step, Kind: sandbox.FaultBody, Body: "<h1>Hello</h1>"})
		if r := c.exchange(code); r.status != 200 || r.body != "<h1>Hello</h1>" || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
			t.Errorf("HTML: %d %s", r.status, r.body)
		}
		order(sandbox.Fault{Step: step, Kind: sandbox.FaultBody, Body: `{"token_type":"bearer"}`, ContentType: "application/json", BodyBytes: 10 << 20})
		if r := c.exchange(code); r.status != 200 || len(r.body) != 10<<20 || r.text("token_type") != "bearer" || r.header.Get("Content-Type") != "application/json" {
			t.Errorf("10 MB: %d, %d bytes", r.status, len(r.body))
		}
		order(sandbox.Fault{Step: step, Kind: sandbox.FaultDropAfter})
		form := changed(c.codeForm(code), "client_id", c.id, "client_secret", c.secret)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.base+c.token, strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Authorization", c.basic())
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			t.Error("an answer in spite of drop_after")
		}
		if r := c.exchange(code); r.status != http.StatusBadRequest {
			t.Errorf("the lost answer has not consumed the code: %d %s", r.status, r.body)
		}
		mu.Lock()
		if len(accounts) != 6 || len(slices.Compact(accounts)) != 1 || accounts[0] != c.other || c.box.Count(step) != 6 {
			t.Errorf("requests of %v, counted %d", accounts, c.box.Count(step))
		}
		mu.Unlock()
		order(sandbox.Fault{Step: c.platform + ".authorize", Kind: sandbox.FaultStatus, Status: 500})
		if r := c.send("GET", c.authorize, c.params()); r.status != 500 || !strings.Contains(r.body, "<html") {
			t.Errorf("authorize: %d %s", r.status, r.body)
		}
		who := c.platform + ".me"
		if c.platform == "mailchimp" {
			who = "mailchimp.metadata"
		}
		order(sandbox.Fault{Step: who, Kind: sandbox.FaultStatus, Status: 500})
		if r := c.me("x"); r.status != 500 || r.json == nil {
			t.Errorf("me: %d %s", r.status, r.body)
		}
	})
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []sandbox.Fault{
		{Kind: sandbox.FaultBody}, {Kind: sandbox.FaultBody, BodyBytes: -1}, {Kind: sandbox.FaultBody, BodyBytes: 1 << 40},
	} {
		if box.AddFault(wrong) == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}

// TestConcurrentCode: of many exchanges of one code at most one is given tokens, and those do not last.
func TestConcurrentCode(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, c *oauthClient) {
		code := c.consent(c.person)
		var all sync.WaitGroup
		var mu sync.Mutex
		tokens := []string{}
		for range 8 {
			all.Go(func() {
				if r := c.exchange(code); r.status == http.StatusOK {
					mu.Lock()
					defer mu.Unlock()
					tokens = append(tokens, r.text("access_token"))
				}
			})
		}
		all.Wait()
		if len(tokens) != 1 || c.works(tokens[0]) {
			t.Errorf("%d tokens", len(tokens))
		}
	})
}
