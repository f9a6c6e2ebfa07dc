package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// visitor is a person's browser as far as connecting goes: it keeps cookies and follows redirects.
type visitor struct {
	http *http.Client
	seen *strings.Builder // every answer of the API that it got
}

func newVisitor(t testing.TB, seen *strings.Builder) *visitor {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{seen: seen, http: &http.Client{Jar: jar, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// begin asks for the address of a platform's consent page.
func (v *visitor) begin(t testing.TB, b *brand, platform string) connectAnswer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.owner.base()+b.path+"/integrations/"+platform+"/connect", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+b.owner.token)
	answer, err := v.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("connect %s: %d %s %v", platform, answer.StatusCode, body, err)
	}
	return decode[connectAnswer](t, response{body: body})
}

// consent fills in a platform's page, and gives the address to which it sends the browser.
func (v *visitor) consent(t testing.TB, address, person, decision string) (callback string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	form := u.Query()
	form.Set("person", person)
	form.Set("decision", decision)
	u.RawQuery = ""
	answer, err := v.http.PostForm(u.String(), form)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	callback = answer.Header.Get("Location")
	if callback == "" {
		body, _ := io.ReadAll(answer.Body)
		t.Fatalf("the consent page answers %d %s", answer.StatusCode, body)
	}
	return callback
}

// come follows the platform's redirect to the API, and gives what the browser returns with.
func (v *visitor) come(t testing.TB, callback string) url.Values {
	t.Helper()
	answer, err := v.http.Get(callback)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusSeeOther {
		t.Fatalf("the callback answers %d %s %v", answer.StatusCode, body, err)
	}
	if v.seen != nil {
		fmt.Fprintln(v.seen, answer.Header, string(body))
	}
	back, err := url.Parse(answer.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	return back.Query()
}

// connect connects accounts of a platform: all that are chosen, or the one that there is.
func (v *visitor) connect(t testing.TB, b *brand, platform, person string, choice ...string) {
	t.Helper()
	begun := v.begin(t, b, platform)
	back := v.come(t, v.consent(t, begun.AuthorizeURL, person, "allow"))
	switch {
	case len(choice) == 0 && back.Get("connect") == "connected":
	case len(choice) > 0 && back.Get("connect") == "choose":
		r := b.owner.expect(t, http.StatusOK, http.MethodPost, b.path+"/connect-sessions/"+begun.ConnectSessionID+"/accounts", map[string]any{"external_ids": choice})
		if v.seen != nil {
			fmt.Fprintln(v.seen, string(r.body))
		}
	default:
		t.Fatalf("connecting %s ends with %v", platform, back)
	}
}

// chatSecrets lets everything happen in which a secret of chats, language models and MCP servers plays a part, and gives those that
// the sandbox has not issued.
func chatSecrets(t *testing.T, s *system, b *brand, shared sandbox.TelegramBot, seen *strings.Builder) (secrets []string) {
	t.Helper()
	shown := func(status int, method, path string, body any) response {
		t.Helper()
		r := b.owner.expect(t, status, method, b.path+path, body)
		fmt.Fprintln(seen, string(r.body))
		return r
	}
	// A chat by a link, whose answer is not searched: it is shown there once.
	made := b.owner.expect(t, http.StatusCreated, http.MethodPost, b.path+"/pairings", map[string]any{"platform": "telegram", "bot": strconv.FormatInt(shared.ID, 10), "own": true})
	_, link, _ := strings.Cut(decode[pairingAnswer](t, made).Link, "start=")
	nina := s.chatter(t, shared)
	nina.say(t, "/start "+link)
	nina.hear(t, "paired")
	space := "/spaces/" + decode[struct{ Items []struct{ ID string } }](t, shown(http.StatusOK, http.MethodGet, "/spaces", nil)).Items[0].ID
	// A bot of the customer's own.
	own, err := s.box.AddTelegramBot(sandbox.TelegramBot{Username: "own_bot"})
	if err != nil {
		t.Fatal(err)
	}
	added := decode[struct{ ID string }](t, shown(http.StatusCreated, http.MethodPost, "/bots", map[string]any{"platform": "telegram", "token": own.Token}))
	const wrongBot = "1234567:AAwrong-wrong-wrong-wrong-wrong-wrong"
	shown(http.StatusUnprocessableEntity, http.MethodPatch, "/bots/"+added.ID, map[string]any{"token": wrongBot})
	// Keys of language models: one that is not accepted, and one that is.
	const wrongKey, rightKey = "sk-wrong-key-of-nobody-at-all", "sandbox-key-of-a-customer-1234"
	llm := map[string]any{"name": "Key", "provider": "openai", "model": "gpt-5.4-mini", "base_url": s.boxURL + "/openai/v1", "key": wrongKey}
	credential := decode[struct{ ID string }](t, shown(http.StatusCreated, http.MethodPost, "/credentials", llm))
	prompt := map[string]any{"prompt": "Rye bread", "platforms": []string{"twitter"}}
	if r := b.owner.do(t, http.MethodPost, b.path+"/posts/generate", prompt); r.status < http.StatusBadRequest {
		t.Errorf("a wrong key writes: %d %s", r.status, r.body)
	} else {
		fmt.Fprintln(seen, string(r.body))
	}
	shown(http.StatusOK, http.MethodPatch, "/credentials/"+credential.ID, map[string]any{"key": rightKey})
	shown(http.StatusCreated, http.MethodPost, "/posts/generate", prompt)
	// An MCP server with a token, first a wrong one.
	token := s.box.AddMCPServer("tools", sandbox.MCPToken)
	server := space + "/mcp-servers/" + decode[struct{ ID string }](t, shown(http.StatusCreated, http.MethodPost, space+"/mcp-servers",
		map[string]any{"name": "Tools", "url": s.boxURL + "/mcp/tools"})).ID
	const wrongToken = "a-token-that-the-server-did-not-give"
	for _, given := range []struct{ token, status string }{{wrongToken, "needs_login"}, {token, "connected"}} {
		shown(http.StatusOK, http.MethodPut, server+"/login", map[string]any{"owner": "space", "token": given.token})
		eventually(t, 60*time.Second, "the MCP server is "+given.status, func() bool {
			status := decode[struct {
				Status    string
				CheckedAt *time.Time `json:"checked_at"`
			}](t, shown(http.StatusOK, http.MethodGet, server, nil))
			return status.Status == given.status && status.CheckedAt != nil
		})
	}
	shown(http.StatusOK, http.MethodGet, space+"/credentials", nil)
	shown(http.StatusOK, http.MethodGet, space+"/messages", nil)
	return []string{link, wrongBot, wrongKey, rightKey, wrongToken}
}

// TestNoSecretAnywhere lets everything happen in which a secret plays a part, what goes wrong included, and then
// searches for each secret that the platforms have issued: in the logs of all processes at their most talkative, in
// the whole database with its jobs and its audit log, in files, and in every answer.
func TestNoSecretAnywhere(t *testing.T) {
	var bot sandbox.TelegramBot
	s := newSystem(t, options{connectors: true, noWorker: true, env: []string{"FANFARE_LOG_LEVEL=debug", wholeLogs}, boxEnv: func(s *system) []string {
		var err error
		if bot, err = s.box.AddTelegramBot(sandbox.TelegramBot{Username: "fanfare_bot", Name: "Fanfare"}); err != nil {
			t.Fatal(err)
		}
		return chatEnv(s.boxURL, bot, true)
	}})
	yes := true
	s.box.OAuthSettings("linkedin", sandbox.OAuthSettings{RefreshTokens: &yes, AccessSeconds: 120})
	s.box.OAuthSettings("twitter", sandbox.OAuthSettings{AccessSeconds: 120})
	worker := s.startWorker(t)
	var seen strings.Builder
	b := s.newBrand(t)
	v := newVisitor(t, &seen)
	fault := func(step string, f sandbox.Fault) {
		t.Helper()
		f.Step = step
		if err := s.box.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	connect := func() {
		t.Helper()
		v.connect(t, b, "twitter", "2244994945")
		v.connect(t, b, "linkedin", "ada-lindqvist", "urn:li:person:ada-lindqvist", "urn:li:organization:1001")
		v.connect(t, b, "facebook", "10001", "20001", "20002")
		v.connect(t, b, "mailchimp", "30001", "30001/a1b2c3d4e5")
	}
	connect()
	// What goes wrong on the way.
	for _, step := range []string{"twitter.token", "linkedin.token", "facebook.token", "mailchimp.token"} {
		platform, _, _ := strings.Cut(step, ".")
		person := map[string]string{"twitter": "2244994945", "linkedin": "ben-okafor", "facebook": "10001", "mailchimp": "30002"}[platform]
		for _, f := range []sandbox.Fault{
			{Kind: sandbox.FaultDropAfter}, {Kind: sandbox.FaultStatus, Status: 500},
			{Kind: sandbox.FaultStatus, Status: 400, Body: `{"error":"invalid_grant"}`},
		} {
			begun := v.begin(t, b, platform)
			callback := v.consent(t, begun.AuthorizeURL, person, "allow")
			fault(step, f)
			if back := v.come(t, callback); back.Get("connect") == "connected" || back.Get("connect") == "choose" {
				t.Errorf("%s with %+v: %v", step, f, back)
			}
			v.come(t, callback) // the same once more
			s.box.ClearFaults()
		}
	}
	// Renewals, some of them broken off, and checks.
	renewed := func(platform string, n int) {
		t.Helper()
		eventually(t, 60*time.Second, platform+" is renewed", func() bool {
			if _, err := s.super.Exec(t.Context(), "update authorizations set renew_at = now() where platform = $1 and state = 'active'", platform); err != nil {
				t.Fatal(err)
			}
			return one[int](t, s, "select count(*)::int from audit_log where action = 'authorization.credential_use' and changes ->> 'purpose' = 'renew'") >= n
		})
	}
	fault("twitter.refresh", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503})
	fault("linkedin.refresh", sandbox.Fault{Kind: sandbox.FaultDropBefore})
	fault("facebook.refresh", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500})
	for n, platform := range []string{"twitter", "linkedin", "facebook", "twitter"} {
		renewed(platform, n+1)
	}
	type accountsAnswer struct {
		Items []struct{ ID, Platform, State string }
	}
	accounts := func() accountsAnswer {
		r := b.owner.expect(t, http.StatusOK, http.MethodGet, b.path+"/integrations", nil)
		fmt.Fprintln(&seen, string(r.body))
		return decode[accountsAnswer](t, r)
	}
	for _, i := range accounts().Items {
		fmt.Fprintln(&seen, string(b.owner.expect(t, http.StatusAccepted, http.MethodPost, b.path+"/integrations/"+i.ID+"/check", nil).body))
	}
	// A post, an export, a key with which an answer is repeated.
	post := b.draft(t, draft{title: "With a key", text: "Of a site."})
	b.publish(t, post.ID)
	b.await(t, post.ID, "published")
	b.owner.expect(t, http.StatusUnprocessableEntity, http.MethodPost, b.path+"/integrations", map[string]any{"platform": "ghost", "site_url": s.boxURL + "/ghost-sites/" + b.site, "admin_api_key": "not a key"})
	given := chatSecrets(t, s, b, bot, &seen)
	// A withdrawn permission, and disconnecting everything, which the platforms are told.
	s.box.Withdraw("twitter", "2244994945")
	eventually(t, 60*time.Second, "the withdrawal is noticed", func() bool {
		if _, err := s.super.Exec(t.Context(), "update authorizations set renew_at = now() where platform = 'twitter' and state = 'active'"); err != nil {
			t.Fatal(err)
		}
		return one[int](t, s, "select count(*)::int from authorizations where state = 'needs_reauth' and platform = 'twitter'") == 1
	})
	dump := s.dump(t)
	for _, i := range accounts().Items {
		if i.State != "disconnected" {
			b.owner.expect(t, http.StatusNoContent, http.MethodDelete, b.path+"/integrations/"+i.ID, nil)
		}
	}
	eventually(t, 60*time.Second, "all permissions are withdrawn", func() bool {
		return one[int](t, s, "select count(*)::int from authorizations where state <> 'ended'") == 0
	})
	fmt.Fprintln(&seen, string(b.owner.expect(t, http.StatusOK, http.MethodGet, b.path+"/audit?limit=100", nil).body))
	fmt.Fprintln(&seen, string(b.owner.expect(t, http.StatusOK, http.MethodGet, b.path+"/jobs?limit=100", nil).body))
	if n := one[int](t, s, "select count(*)::int from integrations where credential is not null"); n != 0 {
		t.Errorf("%d credentials are left of disconnected accounts", n)
	}
	dump += s.dump(t)
	worker.stop(t)
	s.serve.stop(t)

	places := map[string]string{"the database": dump, "the worker's log": worker.written(), "the API's log": s.serve.written(), "an answer": seen.String()}
	if err := filepath.WalkDir(s.bucket, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		places[path] = string(content)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	secrets := append(s.box.Secrets(), given...)
	for name, text := range places {
		if len(text) < 100 {
			t.Errorf("%s is empty: nothing is proved by it", name)
		}
		for _, secret := range secrets {
			for form, spelt := range map[string]string{
				"as it is": secret, "escaped": url.QueryEscape(secret), "in hexadecimal": hex.EncodeToString([]byte(secret)),
				"in base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="), "in base64 for addresses": base64.RawURLEncoding.EncodeToString([]byte(secret)),
			} {
				if at := strings.Index(text, spelt); at >= 0 {
					t.Errorf("a secret of the platforms stands in %s, %s: …%.100s", name, form, text[max(0, at-60):at])
				}
			}
		}
	}
	if len(secrets) < 30 {
		t.Errorf("the platforms have issued %d secrets only", len(secrets))
	}
	t.Logf("%d secrets, %d places, %d characters searched", len(secrets), len(places), len(dump)+len(worker.written())+len(s.serve.written())+seen.Len())
}
