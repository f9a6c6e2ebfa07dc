package platform_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// step is what a connector does at a platform, with the fault that makes it fail.
type step struct {
	name string
	do   func(ctx context.Context) error
}

// steps are all that a connector does, by the sandbox's names for its requests.
func (b *connectBundle) steps(name platform.Name) []step {
	connector := b.connectors[name]
	kept := b.connect(name, people[name])
	login := b.login(name, kept)
	exchange := func(ctx context.Context) error {
		consent, code := b.allow(name, people[name])
		_, err := connector.Exchange(ctx, consent, code)
		return err
	}
	signIn := func(ctx context.Context) error {
		_, err := connector.Login(ctx, kept)
		return err
	}
	credentials := func(ctx context.Context) error {
		_, err := connector.Credentials(ctx, kept, ids(login))
		return err
	}
	renew := func(ctx context.Context) error {
		fresh, err := connector.Renew(ctx, b.connect(name, people[name]))
		if err == nil && fresh.AccessToken == "" {
			b.t.Errorf("%s: renewed without a token", name)
		}
		return err
	}
	revoke := func(ctx context.Context) error { return connector.Revoke(ctx, b.connect(name, people[name])) }
	last := login.Accounts[len(login.Accounts)-1]
	account := func(ctx context.Context) error {
		_, err := connector.Account(ctx, last.Credential)
		return err
	}
	switch name {
	case platform.Twitter:
		return []step{{"token", exchange}, {"refresh", renew}, {"me", signIn}, {"me", account}, {"revoke", revoke}}
	case platform.LinkedIn:
		return []step{{"token", exchange}, {"refresh", renew}, {"me", signIn}, {"pages", signIn}, {"pages", credentials}, {"pages", account}, {"revoke", revoke}}
	case platform.Facebook:
		return []step{{"token", exchange}, {"extend", exchange}, {"permissions", exchange}, {"refresh", renew}, {"me", signIn},
			{"pages", signIn}, {"pages", credentials}, {"page", account}, {"revoke", revoke}}
	default:
		return []step{{"token", exchange}, {"metadata", exchange}, {"me", signIn}, {"pages", signIn}, {"pages", credentials}, {"page", account}}
	}
}

func (s step) exchanges() bool {
	return s.name == "token" || s.name == "extend" || s.name == "permissions" || s.name == "metadata"
}

// TestFaults goes through every step with everything that can happen to its request.
func TestFaults(t *testing.T) {
	t.Parallel()
	html := "<!DOCTYPE html><title>Sign in to the hotel's network</title>"
	for _, name := range connectable {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			b := setupConnect(t)
			for _, step := range b.steps(name) {
				run := func(what string, f sandbox.Fault) error {
					t.Helper()
					f.Step = string(name) + "." + step.name
					b.fault(f)
					ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
					if f.Kind != sandbox.FaultSlow {
						ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
					}
					defer cancel()
					err := step.do(ctx)
					if len(b.box.Faults()) != 0 {
						t.Errorf("%s: %s did not happen", f.Step, what)
						b.box.ClearFaults()
					}
					return err
				}
				want := func(what string, f sandbox.Fault, class platform.Class, code string) *platform.Error {
					t.Helper()
					return b.want(string(name)+"."+step.name+": "+what, run(what, f), class, code)
				}
				lost, bad := platform.Transient, platform.Transient
				switch {
				case step.name == "refresh":
					lost, bad = platform.UnknownOutcome, platform.UnknownOutcome
				case step.exchanges():
					bad = platform.Invalid
				}
				want("lost before", sandbox.Fault{Kind: sandbox.FaultDropBefore}, lost, "")
				want("lost after", sandbox.Fault{Kind: sandbox.FaultDropAfter}, lost, "")
				want("slow", sandbox.Fault{Kind: sandbox.FaultSlow, DelayMS: 60_000}, lost, "")
				for _, status := range []int{500, 502, 503, 504, 408} {
					want("trouble", sandbox.Fault{Kind: sandbox.FaultStatus, Status: status}, platform.Transient, "")
					want("trouble in HTML", sandbox.Fault{Kind: sandbox.FaultStatus, Status: status, Body: html}, platform.Transient, "")
				}
				if e := want("wait", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429, Headers: map[string]string{"Retry-After": "120"}}, platform.RateLimited, ""); e != nil {
					if wait := time.Until(e.RetryAt); wait < time.Minute || wait > 3*time.Minute {
						t.Errorf("%s: to wait %s", step.name, wait)
					}
				}
				notTheirs := platform.Transient
				if step.exchanges() {
					notTheirs = platform.Invalid
				}
				for _, status := range []int{302, 307, 400, 401, 403, 404, 418} {
					want("HTML of somebody else", sandbox.Fault{Kind: sandbox.FaultStatus, Status: status, Body: html,
						Headers: map[string]string{"Location": b.base + "/elsewhere"}}, notTheirs, platform.CodeBadAnswer)
				}
				if step.name == "revoke" { // any 2xx will do
					continue
				}
				for what, body := range map[string]string{
					"HTML": html, "an empty object": "{}", "null": "null", "a list": "[]", "a text": `"token"`, "half": `{"access_token":"abc`,
					"types": `{"access_token":{"a":1},"data":7,"sub":1,"id":1,"elements":{},"lists":7,"account_id":{},"dc":1}`,
					"other things": `{"access_token":"","data":{"id":"../../x"},"sub":"../../x","id":"../../x","elements":null,` +
						`"lists":null,"account_id":"../x","dc":"evil.example/","api_endpoint":"https://evil.example/"}`,
					"a token that is none": `{"access_token":"a\r\nX-Evil: 1","data":[1],"sub":"\n","id":"\n","elements":0,"lists":0,"account_id":"\n","dc":"us6\n"}`,
				} {
					want(what, sandbox.Fault{Kind: sandbox.FaultBody, Body: body, ContentType: "application/json"}, bad, platform.CodeBadAnswer)
				}
				want("10 MB", sandbox.Fault{Kind: sandbox.FaultBody, Body: "{}", BodyBytes: 10 << 20}, bad, platform.CodeBadAnswer)
				want("a form", sandbox.Fault{Kind: sandbox.FaultBody, Body: "access_token=abc", ContentType: "text/plain"}, bad, platform.CodeBadAnswer)
			}
		})
	}
}

// TestSlowPlatform: an answer that takes a minute is not waited for.
func TestSlowPlatform(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	tokens := b.connect(platform.Twitter, "2244994945")
	b.fault(sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultSlow, DelayMS: 60_000})
	began := time.Now()
	_, err := b.connectors[platform.Twitter].Renew(t.Context(), tokens)
	b.want("slow", err, platform.UnknownOutcome, "")
	if took := time.Since(began); took < 9*time.Second || took > 20*time.Second {
		t.Errorf("gave up after %s", took)
	}
}

func TestPlatformAway(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	away := connectorsAt("http://127.0.0.1:1", func(name platform.Name) platform.OAuthApp {
		id, secret := b.box.AddOAuthApp(string(name), callback)
		return platform.OAuthApp{ClientID: id, ClientSecret: secret}
	})
	for _, name := range connectable {
		tokens := b.connect(name, people[name])
		login := b.login(name, tokens)
		_, err := away[name].Exchange(t.Context(), platform.Consent{Verifier: "v", RedirectURL: callback}, "code")
		b.want(string(name)+" exchange", err, platform.Transient, "")
		if name == platform.Mailchimp {
			// The endpoint is not one of these addresses: the token is sent nowhere.
			_, err = away[name].Login(t.Context(), tokens)
			b.want(string(name)+" login", err, platform.Credential, "")
			_, err = away[name].Account(t.Context(), login.Accounts[0].Credential)
			b.want(string(name)+" account", err, platform.Credential, "")
			continue
		}
		_, err = away[name].Renew(t.Context(), tokens)
		b.want(string(name)+" renew", err, platform.Transient, "")
		_, err = away[name].Login(t.Context(), tokens)
		b.want(string(name)+" login", err, platform.Transient, "")
		b.want(string(name)+" revoke", away[name].Revoke(t.Context(), tokens), platform.Transient, "")
	}
}

func TestRefusalsAreKnown(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	for _, test := range []struct {
		name         platform.Name
		step         string
		status       int
		kind, body   string
		header, text string
		class        platform.Class
		code         string
	}{
		{platform.Twitter, "refresh", 400, "invalid_grant", "", "", "", platform.Credential, platform.CodeInvalidGrant},
		{platform.Twitter, "refresh", 400, "invalid_request", "", "", "", platform.Credential, platform.CodeInvalidGrant},
		{platform.Twitter, "refresh", 401, "unauthorized_client", "", "", "", platform.Transient, platform.CodeInvalidClient},
		{platform.Twitter, "refresh", 400, "temporarily_unavailable", "", "", "", platform.Transient, ""},
		{platform.Twitter, "refresh", 429, "", "", "X-Rate-Limit-Reset", "later", platform.RateLimited, ""},
		{platform.Twitter, "me", 402, "", "", "", "", platform.PaymentRequired, ""},
		{platform.Twitter, "me", 403, "", "", "", "", platform.Credential, ""},
		{platform.Twitter, "me", 403, "", `{"type":"https://api.twitter.com/2/problems/client-forbidden"}`, "", "", platform.Transient, platform.CodeInvalidClient},
		{platform.LinkedIn, "refresh", 400, "invalid_request", "", "", "", platform.Transient, platform.CodeInvalidClient},
		{platform.LinkedIn, "refresh", 400, "invalid_grant", "", "", "", platform.Credential, platform.CodeInvalidGrant},
		{platform.LinkedIn, "refresh", 401, "invalid_client", "", "", "", platform.Transient, platform.CodeInvalidClient},
		{platform.LinkedIn, "token", 400, "unauthorized_scope_error", "", "", "", platform.Transient, platform.CodeInvalidClient},
		{platform.LinkedIn, "me", 426, "", "", "", "", platform.Transient, platform.CodeInvalidClient},
		{platform.LinkedIn, "me", 403, "", "", "", "", platform.Credential, ""},
		{platform.Facebook, "refresh", 400, "190/460", "", "", "", platform.Credential, platform.CodeInvalidGrant},
		{platform.Facebook, "refresh", 400, "1", "", "", "", platform.Transient, platform.CodeInvalidClient},
		{platform.Facebook, "refresh", 400, "2", "", "", "", platform.Transient, ""},
		{platform.Facebook, "refresh", 400, "101", "", "", "", platform.Transient, platform.CodeInvalidClient},
		{platform.Facebook, "token", 400, "191", "", "", "", platform.Transient, platform.CodeInvalidClient},
		{platform.Facebook, "me", 400, "4", "", "", "", platform.RateLimited, ""},
		{platform.Facebook, "me", 400, "17", "", "", "", platform.RateLimited, ""},
		{platform.Facebook, "me", 403, "32", "", "", "", platform.RateLimited, ""},
		{platform.Facebook, "me", 400, "613", "", "", "", platform.RateLimited, ""},
		{platform.Facebook, "pages", 400, "80001", "", "X-Business-Use-Case-Usage", `{"20001":[{"estimated_time_to_regain_access":2}]}`, platform.RateLimited, ""},
		{platform.Facebook, "me", 400, "10", "", "", "", platform.Credential, "10"},
		{platform.Facebook, "pages", 403, "200", "", "", "", platform.Credential, "200"},
		{platform.Facebook, "pages", 403, "299", "", "", "", platform.Credential, "299"},
		{platform.Facebook, "pages", 400, "100", "", "", "", platform.Transient, "100"},
		{platform.Mailchimp, "token", 400, "invalid_client", "", "", "", platform.Transient, platform.CodeInvalidClient},
		{platform.Mailchimp, "me", 403, "", "", "", "", platform.Credential, ""},
		{platform.Mailchimp, "pages", 404, "", "", "", "", platform.Transient, platform.CodeBadAnswer},
	} {
		what := string(test.name) + "." + test.step + " " + test.kind + test.body + " " + http.StatusText(test.status)
		f := sandbox.Fault{Step: string(test.name) + "." + test.step, Kind: sandbox.FaultStatus, Status: test.status, ErrorType: test.kind, Body: test.body}
		if test.header != "" {
			f.Headers = map[string]string{test.header: test.text}
			if test.text == "later" {
				f.Headers[test.header] = formatSeconds(time.Now().Add(2 * time.Minute))
			}
		}
		tokens := b.connect(test.name, people[test.name])
		b.fault(f)
		var err error
		switch test.step {
		case "token":
			consent, code := b.allow(test.name, people[test.name])
			_, err = b.connectors[test.name].Exchange(t.Context(), consent, code)
		case "refresh":
			_, err = b.connectors[test.name].Renew(t.Context(), tokens)
		default:
			_, err = b.connectors[test.name].Login(t.Context(), tokens)
		}
		e := b.want(what, err, test.class, test.code)
		if e != nil && test.header != "" {
			if wait := time.Until(e.RetryAt); wait < time.Minute || wait > 3*time.Minute {
				t.Errorf("%s: to wait %s", what, wait)
			}
		}
		b.box.ClearFaults()
	}
	// Where it limits by refusing to talk, Mailchimp sends no body; and it says in a 200 that a token is not good.
	tokens := b.connect(platform.Mailchimp, "30001")
	b.box.Withdraw("mailchimp", "30001")
	_, err := b.connectors[platform.Mailchimp].Login(t.Context(), tokens)
	b.want("mailchimp withdrawn", err, platform.Credential, "")
	b.fault(sandbox.Fault{Step: "mailchimp.metadata", Kind: sandbox.FaultBody, Body: `{"error":"invalid_token"}`})
	consent, code := b.allow(platform.Mailchimp, "30001")
	_, err = b.connectors[platform.Mailchimp].Exchange(t.Context(), consent, code)
	b.want("mailchimp metadata", err, platform.Credential, platform.CodeInvalidGrant)
}

// TestNothingPrintsSecrets prints and logs whatever holds a secret.
func TestNothingPrintsSecrets(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	app := platform.OAuthApp{ClientID: "id", ClientSecret: "client-secret-1"}
	values := []any{
		app, &app,
		platform.TwitterConfig{App: app}, platform.LinkedInConfig{App: app}, platform.FacebookConfig{App: app}, platform.MailchimpConfig{App: app},
		&platform.TwitterConfig{App: app},
		platform.TwitterCredential{AccessToken: "client-secret-1"}, platform.LinkedInCredential{AccessToken: "client-secret-1"},
		platform.FacebookCredential{AccessToken: "client-secret-1"}, platform.MailchimpCredential{AccessToken: "client-secret-1"},
		platform.Tokens{AccessToken: "client-secret-1", RefreshToken: "client-secret-1"},
		&platform.Tokens{AccessToken: "client-secret-1", RefreshToken: "client-secret-1"},
		platform.LoginAccount{Credential: asJSON(t, "client-secret-1")},
		platform.Login{Accounts: []platform.LoginAccount{{Credential: asJSON(t, "client-secret-1")}}},
	}
	for _, connector := range connectorsAt(b.base, func(platform.Name) platform.OAuthApp { return app }) {
		values = append(values, connector)
	}
	hidden(t, "values", []string{"client-secret-1"}, values...)
}
