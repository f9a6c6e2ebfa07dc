package platform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

const callback = "https://fanfare.example.com/v1/oauth/callback"

// clock is the sandbox's clock, which tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// connectBundle is a sandbox with an application at each platform, and the connectors for them.
type connectBundle struct {
	t          *testing.T
	box        *sandbox.Sandbox
	clock      *clock
	base       string
	connectors map[platform.Name]platform.Connector
}

func setupConnect(t *testing.T) *connectBundle {
	t.Helper()
	c := &clock{at: time.Now()}
	box, err := sandbox.New(sandbox.Options{Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	b := &connectBundle{t: t, box: box, clock: c, base: server.URL}
	b.connectors = b.connectorsFor(func(name platform.Name) platform.OAuthApp {
		id, secret := box.AddOAuthApp(string(name), callback)
		return platform.OAuthApp{ClientID: id, ClientSecret: secret}
	})
	// What LinkedIn gives to approved applications; tests of the other kind take it away again.
	approved := true
	box.OAuthSettings("linkedin", sandbox.OAuthSettings{RefreshTokens: &approved})
	return b
}

func (b *connectBundle) connectorsFor(app func(platform.Name) platform.OAuthApp) map[platform.Name]platform.Connector {
	return connectorsAt(b.base, app)
}

// connectorsAt makes connectors for a server that is laid out as the sandbox is.
func connectorsAt(base string, app func(platform.Name) platform.OAuthApp) map[platform.Name]platform.Connector {
	return map[platform.Name]platform.Connector{
		platform.Twitter: platform.NewTwitterConnector(platform.TwitterConfig{
			App: app(platform.Twitter), SiteURL: base + "/twitter", APIURL: base + "/twitter-api"}),
		platform.LinkedIn: platform.NewLinkedInConnector(platform.LinkedInConfig{
			App: app(platform.LinkedIn), SiteURL: base + "/linkedin", APIURL: base + "/linkedin-api", Version: "202610", Pages: true}),
		platform.Facebook: platform.NewFacebookConnector(platform.FacebookConfig{
			App: app(platform.Facebook), SiteURL: base + "/facebook", GraphURL: base + "/facebook-graph", Version: "v26.0"}),
		platform.Mailchimp: platform.NewMailchimpConnector(platform.MailchimpConfig{
			App: app(platform.Mailchimp), LoginURL: base + "/mailchimp-login", APIURL: base + "/mailchimp-api/{dc}"}),
	}
}

// people are those who sign in where a test does not care who does.
var people = map[platform.Name]string{
	platform.Twitter: "2244994945", platform.LinkedIn: "ada-lindqvist", platform.Facebook: "10001", platform.Mailchimp: "30001",
}

var connectable = []platform.Name{platform.Twitter, platform.LinkedIn, platform.Facebook, platform.Mailchimp}

// allow is a person's way through the consent page. It gives the consent and the code.
func (b *connectBundle) allow(name platform.Name, person string, decline ...string) (platform.Consent, string) {
	b.t.Helper()
	consent := platform.Consent{State: "state-1", Verifier: oauth2.GenerateVerifier(), RedirectURL: callback}
	form := url.Values{"person": {person}, "decision": {"allow"}, "decline": decline}
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.connectors[name].AuthorizeURL(consent), strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := platform.NewEgress(loopback).Client().Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	back, err := resp.Location()
	if err != nil {
		b.t.Fatalf("%s: no way back: %s", name, resp.Status)
	}
	if got := back.Query().Get("state"); got != consent.State || !strings.HasPrefix(back.String(), callback) {
		b.t.Fatalf("%s: sent back to %s", name, back)
	}
	return consent, back.Query().Get("code")
}

// connect signs somebody in.
func (b *connectBundle) connect(name platform.Name, person string) platform.Tokens {
	b.t.Helper()
	consent, code := b.allow(name, person)
	tokens, err := b.connectors[name].Exchange(b.t.Context(), consent, code)
	if err != nil {
		b.t.Fatalf("%s: exchange: %v", name, err)
	}
	return tokens
}

func (b *connectBundle) login(name platform.Name, tokens platform.Tokens) platform.Login {
	b.t.Helper()
	login, err := b.connectors[name].Login(b.t.Context(), tokens)
	if err != nil {
		b.t.Fatalf("%s: login: %v", name, err)
	}
	return login
}

func (b *connectBundle) fault(f sandbox.Fault) {
	b.t.Helper()
	if err := b.box.AddFault(f); err != nil {
		b.t.Fatal(err)
	}
}

// want checks an error: class and code, that people can read it, and that it shows no secret.
func (b *connectBundle) want(what string, err error, class platform.Class, code string) *platform.Error {
	b.t.Helper()
	e := wantError(b.t, what, err, class, code)
	if e != nil {
		hidden(b.t, what, b.box.Secrets(), e, *e)
	}
	return e
}

func wantError(t *testing.T, what string, err error, class platform.Class, code string) *platform.Error {
	t.Helper()
	var e *platform.Error
	if !errors.As(err, &e) {
		t.Errorf("%s: no *Error but %v; want %s %s", what, err, class, code)
		return nil
	}
	if e.Class != class || e.Code != code {
		t.Errorf("%s: %s %q, want %s %q: %v", what, e.Class, e.Code, class, code, err)
	}
	if !strings.HasSuffix(e.Message, ".") || strings.ContainsAny(e.Message, "{<=\n") {
		t.Errorf("%s: not a message for people: %q", what, e.Message)
	}
	return e
}

// hidden looks for secrets in every form in which values are printed and logged.
func hidden(t *testing.T, what string, secrets []string, values ...any) {
	t.Helper()
	if len(secrets) == 0 {
		t.Fatalf("%s: there are no secrets to look for", what)
	}
	var text bytes.Buffer
	logs := []*slog.Logger{slog.New(slog.NewJSONHandler(&text, nil)), slog.New(slog.NewTextHandler(&text, nil))}
	for _, value := range values {
		fmt.Fprintf(&text, "%v %+v %#v %s %x\n", value, value, value, value, value)
		for _, log := range logs {
			log.InfoContext(context.Background(), "test", "value", value)
		}
	}
	for _, secret := range secrets {
		forms := []string{secret, url.QueryEscape(secret), fmt.Sprintf("%x", secret), fmt.Sprintf("%d", []byte(secret))}
		if slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(text.String(), strings.Trim(form, "[]")) }) {
			t.Errorf("%s: a secret in %s", what, text.String())
			return
		}
	}
}

func ids(login platform.Login) []string {
	all := []string{}
	for _, account := range login.Accounts {
		all = append(all, account.ExternalID)
	}
	return all
}

func asJSON(t *testing.T, value any) json.RawMessage {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func formatSeconds(at time.Time) string { return fmt.Sprint(at.Unix()) }
