package api_test

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
	"fanfare/internal/vault"
)

// people of the sandbox, by platform, and what it has of them.
const (
	baker, cyclist         = "2244994945", "2244994946"    // twitter
	adaLinkedIn, benLinked = "ada-lindqvist", "ben-okafor" // two organizations; none
	adaFacebook, benFace   = "10001", "10002"              // two pages; none
	northlight, kite       = "30001", "30002"              // two lists; one
)

// way is somebody's way to a platform and back.
type way struct {
	api.Connect
	cookie *http.Cookie
}

func (c cast) connecting(platform string) string { return c.path("/integrations/%s/connect", platform) }

// begin asks for the way to a platform.
func (w *world) begin(t testing.TB, c cast, who dbtest.User, platform string) way {
	t.Helper()
	a := w.call(t, who, "GET", c.connecting(platform), nil).want(t, 200)
	cookie, err := http.ParseSetCookie(a.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return way{into[api.Connect](t, a), cookie}
}

// consent fills in the consent page's form, and gives the address to which the platform sends the browser.
func (w *world) consent(t testing.TB, address string, form url.Values) *url.URL {
	t.Helper()
	request := must(http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode())))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	back, err := response.Location()
	if err != nil {
		t.Fatalf("the consent page answers %d: %v", response.StatusCode, err)
	}
	return back
}

// allow lets a person of the sandbox allow everything.
func (w *world) allow(t testing.TB, way way, person string) *url.URL {
	t.Helper()
	return w.consent(t, way.AuthorizeURL, url.Values{"person": {person}, "decision": {"allow"}})
}

// arrival is where a browser is sent in the end.
type arrival struct {
	answer
	*url.URL
}

func (a arrival) result() string  { return a.Query().Get("connect") }
func (a arrival) session() string { return a.Query().Get("connect_session") }

// comeBack lets the browser come back with its cookies.
func (w *world) comeBack(t testing.TB, back *url.URL, cookies ...*http.Cookie) arrival {
	t.Helper()
	request := w.request(t, http.MethodGet, back.EscapedPath()+"?"+back.RawQuery, nil)
	for _, cookie := range cookies {
		request.AddCookie(cookie)
	}
	// What other sites of the domain leave behind, some of it no proper cookies.
	request.Header.Set("Cookie", strings.TrimPrefix(request.Header.Get("Cookie")+`; prefs={"a":1}; flag; =;`, "; "))
	a := w.do(t, request).want(t, http.StatusSeeOther)
	for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"} {
		if a.header.Get(name) != want {
			t.Errorf("%s is %q", name, a.header.Get(name))
		}
	}
	where, err := url.Parse(a.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"code", "state"} {
		if where.Query().Has(secret) {
			t.Errorf("the browser is sent on with the %s", secret)
		}
	}
	return arrival{a, where}
}

// connect goes the whole way, and chooses all accounts where there are several.
func (w *world) connect(t testing.TB, c cast, who dbtest.User, platform, person string) []api.Integration {
	t.Helper()
	way := w.begin(t, c, who, platform)
	arrived := w.comeBack(t, w.allow(t, way, person), way.cookie)
	switch arrived.result() {
	case "connected":
		var id string
		mustDo(t, w.Super.QueryRow(context.Background(), "select id from integrations where customer_id = $1 and platform = $2 order by updated_at desc limit 1",
			c.customer.ID, platform).Scan(&id))
		return []api.Integration{into[api.Integration](t, w.call(t, who, "GET", c.path("/integrations/%s", id), nil).want(t, 200))}
	case "choose":
		session := into[api.ConnectSession](t, w.call(t, who, "GET", c.path("/connect-sessions/%s", arrived.session()), nil).want(t, 200))
		var all []string
		for _, account := range session.Accounts {
			all = append(all, account.ExternalID)
		}
		return into[api.Integrations](t, w.call(t, who, "POST", c.path("/connect-sessions/%s/accounts", arrived.session()), m{"external_ids": all}).want(t, 200)).Items
	default:
		t.Fatalf("%s: %s", platform, arrived.result())
		return nil
	}
}

// session reads a connect session behind the API's back.
func (w *world) session(t testing.TB, id uuid.UUID) (state, result string, keepsSecret bool) {
	t.Helper()
	mustDo(t, w.Super.QueryRow(context.Background(), "select state, coalesce(result, ''), secret is not null from connect_sessions where id = $1", id).
		Scan(&state, &result, &keepsSecret))
	return state, result, keepsSecret
}

// kept counts what a sign-in leaves.
func (w *world) kept(t testing.TB) string {
	t.Helper()
	return fmt.Sprint(w.count(t, "select count(*) from authorizations"), w.count(t, "select count(*) from integrations"),
		w.count(t, "select coalesce(sum(version), 0) from integrations"), w.count(t, "select count(*) from river.river_job"),
		w.count(t, "select count(*) from connect_sessions where state = 'choosing'"))
}

// noSecrets looks for everything that the sandbox has issued, and for more, in the log and in the tables.
func (w *world) noSecrets(t testing.TB, more ...string) {
	t.Helper()
	var tables string
	mustDo(t, w.Super.QueryRow(context.Background(), `select concat((select string_agg(x::text, ' ') from authorizations x), (select string_agg(x::text, ' ') from integrations x),
		(select string_agg(x::text, ' ') from connect_sessions x), (select string_agg(x::text, ' ') from audit_log x),
		(select string_agg(x::text, ' ') from river.river_job x), (select string_agg(x::text, ' ') from idempotency_keys x))`).Scan(&tables))
	logs := w.logs.String()
	for i, secret := range append(w.box.Secrets(), more...) {
		if secret == "" {
			t.Fatal("an empty secret is everywhere")
		}
		if strings.Contains(logs, secret) || strings.Contains(logs, url.QueryEscape(secret)) {
			t.Errorf("the log holds secret %d", i)
		}
		if strings.Contains(tables, secret) || strings.Contains(tables, fmt.Sprintf("%x", secret)) {
			t.Errorf("a table holds secret %d", i)
		}
	}
}

func stateOf(t testing.TB, way way) string {
	t.Helper()
	return must(url.Parse(way.AuthorizeURL)).Query().Get("state")
}

func TestConnectRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	c.roles(t, statuses{200, 200, 403, 403, 200, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "GET", c.connecting("twitter"), nil)
	})
	w.call(t, c.sysadmin, "GET", c.connecting("twitter"), nil, "X-Admin-Reason", "").want(t, 403)
	if n := w.count(t, "select count(*) from connect_sessions"); n != 3 {
		t.Errorf("%d sessions", n)
	}
	key := w.newKey(t, c, dbtest.AllPermissions...)
	w.callWith(t, key.Key, "GET", c.connecting("twitter"), nil).want(t, 403)
	w.call(t, c.owner, "GET", c.connecting("ghost"), nil).wantAt(t, "path.platform")
	for _, unknown := range []string{"myspace", "x"} {
		if a := w.call(t, c.owner, "GET", c.connecting(unknown), nil).wantAt(t, "path.platform"); !strings.Contains(string(a.body), "twitter is X") {
			t.Errorf("%s: %s", unknown, a.body)
		}
	}
	w.serve(t, options{noConnectors: true})
	if a := w.call(t, c.owner, "GET", c.connecting("twitter"), nil).wantAt(t, "path.platform"); !strings.Contains(string(a.body), "is not set up on this server") {
		t.Errorf("says %s", a.body)
	}
}

// A system admin's reason is kept over the way to the platform.
func TestConnectBySystemRole(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	way := w.begin(t, c, c.sysadmin, "twitter")
	if got := w.comeBack(t, w.allow(t, way, baker), way.cookie).result(); got != "connected" {
		t.Fatalf("is %s", got)
	}
	if n := w.count(t, "select count(*) from audit_log where action = 'integration.create' and reason = 'a test' and system_role = 'admin' and operation = 'oauth-callback'"); n != 1 {
		t.Errorf("the audit log has %d rows of it", n)
	}
}

func TestConnectBegins(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	for _, name := range []string{"twitter", "linkedin", "facebook", "mailchimp"} {
		way := w.begin(t, c, c.admin, name)
		address := must(url.Parse(way.AuthorizeURL))
		query := address.Query()
		if want := w.url + "/v1/oauth/" + name + "/callback"; query.Get("redirect_uri") != want || !strings.HasPrefix(way.AuthorizeURL, w.boxURL+"/"+name) {
			t.Errorf("%s: leads to %s", name, way.AuthorizeURL)
		}
		if (query.Get("code_challenge_method") == "S256") != (name == "twitter") || (len(query.Get("code_challenge")) == 43) != (name == "twitter") {
			t.Errorf("%s: PKCE: %v", name, query)
		}
		for what, secret := range map[string]string{"state": query.Get("state"), "cookie": way.cookie.Value} {
			if raw, err := base64.RawURLEncoding.DecodeString(secret); err != nil || len(raw) != 32 {
				t.Errorf("%s: the %s is %q", name, what, secret)
			}
		}
		k := way.cookie
		if k.Name != "fanfare-connect-"+way.ConnectSessionID.String() || !k.HttpOnly || k.Secure || k.SameSite != http.SameSiteLaxMode || k.Path != "/" || k.Domain != "" || k.MaxAge != 600 {
			t.Errorf("%s: the cookie is %s", name, k.Raw)
		}
		if left := time.Until(way.ExpiresAt); left < 9*time.Minute || left > 10*time.Minute {
			t.Errorf("%s: ends in %s", name, left)
		}
		session := into[api.ConnectSession](t, w.call(t, c.admin, "GET", c.path("/connect-sessions/%s", way.ConnectSessionID), nil).want(t, 200))
		if session.State != "started" || session.Platform != name || session.Result != nil || len(session.Accounts) != 0 {
			t.Errorf("%s: the session is %+v", name, session)
		}
		w.noSecrets(t, query.Get("state"), way.cookie.Value)
	}
	w.serve(t, options{apiURL: "https://api.example.com"})
	way := w.begin(t, c, c.admin, "twitter")
	if k := way.cookie; k.Name != "__Host-fanfare-connect-"+way.ConnectSessionID.String() || !k.HttpOnly || !k.Secure || k.Path != "/" || k.Domain != "" || k.MaxAge != 600 {
		t.Errorf("the cookie is %s", k.Raw)
	}
}

// Everything that can be connected, with what is stored of it.
func TestConnectFlows(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		platform, person string
		accounts         int
		renews           bool
	}{
		{"twitter", baker, 1, true}, {"twitter", cyclist, 1, true},
		{"linkedin", adaLinkedIn, 3, false}, {"linkedin", benLinked, 1, false},
		{"facebook", adaFacebook, 2, true},
		{"mailchimp", northlight, 2, false}, {"mailchimp", kite, 1, false},
	} {
		t.Run(test.platform+" "+test.person, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			c := w.cast(t)
			way := w.begin(t, c, c.admin, test.platform)
			back := w.allow(t, way, test.person)
			began := time.Now()
			arrived := w.comeBack(t, back, way.cookie)
			if gone := must(http.ParseSetCookie(arrived.header.Get("Set-Cookie"))); gone.Name != way.cookie.Name || gone.MaxAge >= 0 || gone.Value != "" {
				t.Errorf("the cookie is not taken away: %s", gone.Raw)
			}
			if arrived.Path != "/connect/result" || arrived.Query().Get("platform") != test.platform {
				t.Errorf("leads to %s", arrived)
			}
			var made []api.Integration
			if test.accounts == 1 {
				if arrived.result() != "connected" || arrived.session() != "" {
					t.Fatalf("leads to %s", arrived)
				}
				made = into[api.Page[api.Integration]](t, w.call(t, c.viewer, "GET", c.path("/integrations"), nil).want(t, 200)).Items
			} else {
				if arrived.result() != "choose" || arrived.session() != way.ConnectSessionID.String() {
					t.Fatalf("leads to %s", arrived)
				}
				session := into[api.ConnectSession](t, w.call(t, c.admin, "GET", c.path("/connect-sessions/%s", way.ConnectSessionID), nil).want(t, 200))
				if session.State != "choosing" || len(session.Accounts) != test.accounts {
					t.Fatalf("the session is %+v", session)
				}
				if n := w.count(t, "select count(*) from authorizations") + w.count(t, "select count(*) from integrations"); n != 0 {
					t.Errorf("%d things are stored before anybody has chosen", n)
				}
				w.noSecrets(t)
				var all []string
				for _, account := range session.Accounts {
					if account.Connected || account.Name == "" || account.Kind == "" {
						t.Errorf("offers %+v", account)
					}
					all = append(all, account.ExternalID)
				}
				slices.Reverse(all)
				made = into[api.Integrations](t, w.call(t, c.admin, "POST", c.path("/connect-sessions/%s/accounts", way.ConnectSessionID), m{"external_ids": all}).want(t, 200)).Items
				for i, account := range made {
					if account.ExternalID != all[i] {
						t.Errorf("place %d has %s", i, account.ExternalID)
					}
				}
			}
			if state, result, secret := w.session(t, way.ConnectSessionID); state != "connected" || result != "connected" || secret {
				t.Errorf("the session is %s %s, keeps a secret: %t", state, result, secret)
			}
			if len(made) != test.accounts {
				t.Fatalf("%d accounts are connected", len(made))
			}
			defaults := 0
			for _, account := range made {
				w.checkConnected(t, c, account, test.renews, began)
				if account.IsDefault {
					defaults++
				}
			}
			if n := w.count(t, "select count(*) from authorizations"); n != 1 || defaults != 1 {
				t.Errorf("%d authorizations, %d defaults", n, defaults)
			}
			w.noSecrets(t, stateOf(t, way), way.cookie.Value)
		})
	}
}

// checkConnected holds an account, and what is sealed of it, to what it should be.
func (w *world) checkConnected(t testing.TB, c cast, account api.Integration, renews bool, began time.Time) {
	t.Helper()
	name := platform.Name(account.Platform)
	login := account.Authorization.IntegrationAuthorization
	if account.State != "active" || account.Health.Status != "active" || account.Health.Message != "" || account.Health.Reason != nil || account.Name == "" ||
		login == nil || login.Status != "active" || login.Name == "" {
		t.Errorf("is %+v, %+v", account, login)
		return
	}
	var credential, tokens []byte
	var expiresAt, renewAt *time.Time
	mustDo(t, w.Super.QueryRow(context.Background(), `select i.credential, a.credential, a.expires_at, a.renew_at
		from integrations i join authorizations a on a.id = i.authorization_id where i.id = $1`, account.ID).Scan(&credential, &tokens, &expiresAt, &renewAt))
	plain, err := w.vault.Unseal(credential, vault.Credential(c.customer.ID, account.ID, account.Platform))
	if err != nil {
		t.Fatal(err)
	}
	told, err := w.connectors(w.url)[name].Account(t.Context(), plain)
	if err != nil || told.ExternalID != account.ExternalID {
		t.Errorf("the credential is of %+v: %v", told, err)
	}
	plainTokens, err := w.vault.Unseal(tokens, vault.Authorization(c.customer.ID, login.ID, account.Platform))
	if err != nil {
		t.Fatal(err)
	}
	var stored platform.Tokens
	mustDo(t, json.Unmarshal(plainTokens, &stored))
	if stored.RefreshToken != "" && strings.Contains(string(plain), stored.RefreshToken) {
		t.Error("the account's credential holds the refresh token")
	}
	if (renewAt != nil) != renews || renews != stored.Renewable {
		t.Errorf("is renewed at %v", renewAt)
	}
	if renews {
		at := stored.RenewAt()
		if earliest := at.Add(-at.Sub(stored.IssuedAt) / 10); renewAt.After(at.Add(time.Millisecond)) || renewAt.Before(earliest.Add(-time.Millisecond)) || renewAt.Before(began) {
			t.Errorf("is renewed at %s, want from %s to %s", renewAt, earliest, at)
		}
	}
	if (expiresAt == nil) != stored.ExpiresAt.IsZero() || expiresAt != nil && stored.ExpiresAt.Sub(*expiresAt).Abs() > time.Millisecond {
		t.Errorf("ends at %v, the tokens at %v", expiresAt, stored.ExpiresAt)
	}
	if (login.ReconnectBy == nil) != stored.ReconnectBy.IsZero() {
		t.Errorf("reconnect by %v, the tokens by %v", login.ReconnectBy, stored.ReconnectBy)
	}
}

// What can be wrong with a browser that comes back, before the platform is asked. Nothing is stored, and nothing is
// used up that is not this browser's.
func TestConnectStrayBrowsers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	other := cast{customer: c.elsewhere, owner: c.outsider}
	way := w.begin(t, c, c.admin, "twitter")
	back := w.allow(t, way, baker)
	with := func(change func(url.Values)) *url.URL {
		changed, query := *back, back.Query()
		change(query)
		changed.RawQuery = query.Encode()
		return &changed
	}
	elsewhere := *back
	elsewhere.Path = "/v1/oauth/linkedin/callback"
	nowhere := *back
	nowhere.Path = "/v1/oauth/myspace/callback"
	same, theirs := w.begin(t, c, c.owner, "twitter"), w.begin(t, other, other.owner, "twitter")
	forged := *way.cookie
	forged.Value = base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	var many []*http.Cookie
	for i := range 30 {
		many = append(many, &http.Cookie{Name: fmt.Sprintf("fanfare-connect-%d", i), Value: base64.RawURLEncoding.EncodeToString([]byte(rand.Text() + "123456"))})
	}
	before := w.kept(t)
	for _, test := range []struct {
		name    string
		back    *url.URL
		cookies []*http.Cookie
		want    string
	}{
		{"no state", with(func(q url.Values) { q.Del("state") }), []*http.Cookie{way.cookie}, "state_missing"},
		{"an empty state", with(func(q url.Values) { q.Set("state", "") }), []*http.Cookie{way.cookie}, "state_missing"},
		{"two states", with(func(q url.Values) { q.Add("state", q.Get("state")) }), []*http.Cookie{way.cookie}, "state_missing"},
		{"no query", with(func(q url.Values) { clear(q) }), nil, "state_missing"},
		{"a state that is none", with(func(q url.Values) { q.Set("state", "'; drop table connect_sessions; --") }), []*http.Cookie{way.cookie}, "state_unknown"},
		{"a state that is too long", with(func(q url.Values) { q.Set("state", strings.Repeat("A", 10_000)) }), []*http.Cookie{way.cookie}, "state_unknown"},
		{"a state of nobody", with(func(q url.Values) { q.Set("state", strings.Repeat("A", 43)) }), []*http.Cookie{way.cookie}, "state_unknown"},
		{"another platform", &elsewhere, []*http.Cookie{way.cookie}, "wrong_platform"},
		{"a platform of nobody", &nowhere, []*http.Cookie{way.cookie}, "wrong_platform"},
		{"no cookie", back, nil, "wrong_browser"},
		{"another browser", back, []*http.Cookie{&forged}, "wrong_browser"},
		{"an empty cookie", back, []*http.Cookie{{Name: way.cookie.Name}}, "wrong_browser"},
		{"a cookie of another name", back, []*http.Cookie{{Name: "session", Value: way.cookie.Value}}, "wrong_browser"},
		{"a colleague's browser", back, []*http.Cookie{same.cookie}, "wrong_browser"},
		{"another customer's browser", back, []*http.Cookie{theirs.cookie}, "wrong_browser"},
		{"a colleague's state", with(func(q url.Values) { q.Set("state", stateOf(t, same)) }), []*http.Cookie{way.cookie}, "wrong_browser"},
		{"another customer's state", with(func(q url.Values) { q.Set("state", stateOf(t, theirs)) }), []*http.Cookie{way.cookie}, "wrong_browser"},
		{"too many newer cookies", back, append([]*http.Cookie{way.cookie}, many...), "wrong_browser"},
	} {
		arrived := w.comeBack(t, test.back, test.cookies...)
		if arrived.result() != test.want {
			t.Errorf("%s: %s, want %s", test.name, arrived.result(), test.want)
		}
		if arrived.Path != "/connect/result" || arrived.header.Get("Set-Cookie") != "" {
			t.Errorf("%s: leads to %s, sets %q", test.name, arrived, arrived.header.Get("Set-Cookie"))
		}
		for _, session := range []uuid.UUID{way.ConnectSessionID, same.ConnectSessionID, theirs.ConnectSessionID} {
			if state, _, _ := w.session(t, session); state != "started" {
				t.Errorf("%s: the session is %s", test.name, state)
			}
		}
	}
	request := w.request(t, http.MethodHead, back.Path+"?"+back.RawQuery, nil)
	request.AddCookie(way.cookie)
	w.do(t, request).want(t, 303)
	if n := w.box.Count("twitter.token"); n != 0 || w.kept(t) != before {
		t.Errorf("the platform was asked %d times, and there is %s, before %s", n, w.kept(t), before)
	}
	// The right browser still gets through, with others' cookies beside its own.
	if got := w.comeBack(t, back, append(slices.Clone(many), same.cookie, way.cookie, &forged)...).result(); got != "connected" {
		t.Errorf("the right browser: %s", got)
	}
	again := w.comeBack(t, back, way.cookie)
	if again.result() != "state_used" || w.box.Count("twitter.token") != 1 {
		t.Errorf("the second time: %s, the platform was asked %d times", again.result(), w.box.Count("twitter.token"))
	}
	w.noSecrets(t, stateOf(t, way), way.cookie.Value)
}

func TestConnectExpires(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	for ago, want := range map[string]string{"1 minute": "state_expired", "5 minutes": "state_unknown"} {
		way := w.begin(t, c, c.admin, "twitter")
		back := w.allow(t, way, baker)
		w.exec(t, "update connect_sessions set expires_at = now() - $2::interval where id = $1", way.ConnectSessionID, ago)
		if got := w.comeBack(t, back, way.cookie).result(); got != want {
			t.Errorf("%s ago: %s, want %s", ago, got, want)
		}
		session := into[api.ConnectSession](t, w.call(t, c.admin, "GET", c.path("/connect-sessions/%s", way.ConnectSessionID), nil).want(t, 200))
		if want == "state_expired" && (session.State != "failed" || *session.Result != want) || want == "state_unknown" && session.State != "expired" {
			t.Errorf("%s ago: the session is %+v", ago, session)
		}
	}
	if n := w.box.Count("twitter.token"); n != 0 || w.kept(t) != "0 0 0 0 0" {
		t.Errorf("the platform was asked %d times, and there is %s", n, w.kept(t))
	}
}

// What the platform may send a browser back with, or answer when it is asked.
func TestConnectPlatformRefuses(t *testing.T) {
	t.Parallel()
	type faults []sandbox.Fault
	set := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	drop := func(name string) func(url.Values) { return func(q url.Values) { q.Del(name) } }
	body := func(step, body string, size int) faults {
		return faults{{Step: step, Kind: sandbox.FaultBody, Body: body, BodyBytes: size, ContentType: "application/json"}}
	}
	for _, test := range []struct {
		name, platform, person string
		form                   url.Values // in place of allowing
		change                 func(url.Values)
		faults                 faults
		want                   string
		revoked                int
	}{
		{name: "declined at X", form: url.Values{"decision": {"deny"}}, want: "access_denied"},
		{name: "declined at LinkedIn", platform: "linkedin", form: url.Values{"decision": {"deny"}}, want: "access_denied"},
		{name: "declined by a person at LinkedIn", platform: "linkedin", form: url.Values{"decision": {"deny"}, "person": {adaLinkedIn}}, want: "access_denied"},
		{name: "declined at Facebook", platform: "facebook", form: url.Values{"decision": {"deny"}}, want: "access_denied"},
		{name: "declined at Mailchimp", platform: "mailchimp", form: url.Values{"decision": {"deny"}}, want: "access_denied"},
		{name: "another error", change: set("error", "server_error"), want: "platform_error"},
		{name: "an error that is no word", change: set("error", "<script>"), want: "platform_error"},
		{name: "another issuer", change: set("iss", "https://evil.example"), want: "issuer_mismatch"},
		{name: "an empty issuer", change: set("iss", ""), want: "issuer_mismatch"},
		{name: "another issuer's error", change: func(q url.Values) { q.Set("iss", "https://evil.example"); q.Set("error", "access_denied") }, want: "issuer_mismatch"},
		{name: "no code", change: drop("code"), want: "code_missing"},
		{name: "an empty code", change: set("code", ""), want: "code_missing"},
		{name: "two codes", change: func(q url.Values) { q.Add("code", "another") }, want: "code_missing"},
		{name: "a code of nobody", change: set("code", "nonsense"), want: "code_refused"},
		{name: "a code that is long", change: set("code", strings.Repeat("x", 20_000)), want: "code_refused"},
		{name: "no permission for pages", platform: "facebook", person: adaFacebook,
			form: url.Values{"person": {adaFacebook}, "decision": {"allow"}, "decline": {"pages_manage_posts"}}, want: "scopes_missing"},
		{name: "nothing to connect", platform: "facebook", person: benFace, want: "no_accounts"},
		{name: "an answer without token", faults: body("twitter.token", `{"token_type":"bearer"}`, 0), want: "platform_answer_invalid"},
		{name: "an answer that is no object", faults: body("twitter.token", `"token"`, 0), want: "platform_answer_invalid"},
		{name: "an answer in HTML", faults: faults{{Step: "twitter.token", Kind: sandbox.FaultBody, Body: "<!DOCTYPE html><title>Sign in</title>"}}, want: "platform_answer_invalid"},
		{name: "an answer of 10 MB", faults: body("twitter.token", `{"access_token":"a"`, 10<<20), want: "platform_answer_invalid"},
		{name: "no answer", faults: faults{{Step: "twitter.token", Kind: sandbox.FaultDropAfter}}, want: "platform_unavailable"},
		{name: "a refused connection", faults: faults{{Step: "twitter.token", Kind: sandbox.FaultDropBefore}}, want: "platform_unavailable"},
		{name: "an answer after a minute", faults: faults{{Step: "twitter.token", Kind: sandbox.FaultSlow, DelayMS: 60_000}}, want: "platform_unavailable"},
		{name: "trouble", faults: faults{{Step: "twitter.token", Kind: sandbox.FaultStatus, Status: 503}}, want: "platform_unavailable"},
		{name: "too much", faults: faults{{Step: "twitter.token", Kind: sandbox.FaultStatus, Status: 429}}, want: "platform_unavailable"},
		{name: "an application that is not known", faults: faults{{Step: "twitter.token", Kind: sandbox.FaultStatus, Status: 401, Body: `{"error":"invalid_client"}`, ContentType: "application/json"}}, want: "platform_misconfigured"},
		{name: "nobody's tokens", faults: faults{{Step: "twitter.me", Kind: sandbox.FaultStatus, Status: 500}}, want: "platform_unavailable", revoked: 1},
		{name: "tokens of HTML", faults: faults{{Step: "twitter.me", Kind: sandbox.FaultBody, Body: "<html>"}}, want: "platform_answer_invalid", revoked: 1},
		{name: "tokens that cannot be revoked", faults: faults{
			{Step: "twitter.me", Kind: sandbox.FaultStatus, Status: 500}, {Step: "twitter.revoke", Kind: sandbox.FaultStatus, Status: 500},
		}, want: "platform_unavailable", revoked: 1},
		{name: "Facebook cannot revoke one", platform: "facebook", person: adaFacebook,
			faults: faults{{Step: "facebook.pages", Kind: sandbox.FaultStatus, Status: 500, Times: -1}}, want: "platform_unavailable"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			c := w.cast(t)
			name, person := test.platform, test.person
			if name == "" {
				name, person = "twitter", baker
			}
			way := w.begin(t, c, c.admin, name)
			form := test.form
			if form == nil {
				form = url.Values{"person": {person}, "decision": {"allow"}}
			}
			back := w.consent(t, way.AuthorizeURL, form)
			if test.change != nil {
				query := back.Query()
				test.change(query)
				back.RawQuery = query.Encode()
			}
			for _, fault := range test.faults {
				mustDo(t, w.box.AddFault(fault))
			}
			before := w.kept(t)
			arrived := w.comeBack(t, back, way.cookie)
			if arrived.result() != test.want {
				t.Errorf("%s, want %s", arrived.result(), test.want)
			}
			if state, result, secret := w.session(t, way.ConnectSessionID); state != "failed" || result != test.want || secret {
				t.Errorf("the session is %s %s, keeps a secret: %t", state, result, secret)
			}
			if after := w.kept(t); after != before {
				t.Errorf("something is stored: %s, before %s", after, before)
			}
			if n := w.box.Count(name + ".revoke"); n != test.revoked {
				t.Errorf("revoked %d times, want %d", n, test.revoked)
			}
			if again := w.comeBack(t, back, way.cookie).result(); again != "state_used" {
				t.Errorf("the second time: %s", again)
			}
			w.noSecrets(t, stateOf(t, way), way.cookie.Value)
			if strings.Contains(w.logs.String(), `"level":"ERROR"`) {
				t.Error("the log has an error")
			}
		})
	}
}

// A platform that says who it is, as RFC 9207 has it, is believed.
func TestConnectIssuer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	way := w.begin(t, c, c.admin, "twitter")
	back := w.allow(t, way, baker)
	back.RawQuery += "&iss=" + url.QueryEscape(w.connectors(w.url)[platform.Twitter].Traits().Issuer) + "&session_state=x&error_uri=&unknown"
	if got := w.comeBack(t, back, way.cookie).result(); got != "connected" {
		t.Errorf("is %s", got)
	}
}

// A code is good once, and for whoever it was made for.
func TestConnectCodeTwice(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	first, second := w.begin(t, c, c.admin, "linkedin"), w.begin(t, c, c.admin, "linkedin")
	back := w.allow(t, first, benLinked)
	if got := w.comeBack(t, back, first.cookie).result(); got != "connected" {
		t.Fatalf("is %s", got)
	}
	before := w.kept(t)
	query := back.Query()
	query.Set("state", stateOf(t, second))
	back.RawQuery = query.Encode()
	if got := w.comeBack(t, back, second.cookie).result(); got != "code_refused" || w.kept(t) != before {
		t.Errorf("is %s, and there is %s, before %s", got, w.kept(t), before)
	}
	// Another person's code: PKCE binds it to the way that it was made on.
	mine, theirs := w.begin(t, c, c.admin, "twitter"), w.begin(t, c, c.owner, "twitter")
	stolen := w.allow(t, theirs, baker)
	query = stolen.Query()
	query.Set("state", stateOf(t, mine))
	stolen.RawQuery = query.Encode()
	if got := w.comeBack(t, stolen, mine.cookie).result(); got != "code_refused" || w.kept(t) != before {
		t.Errorf("is %s, and there is %s, before %s", got, w.kept(t), before)
	}
	w.noSecrets(t)
}

// Facebook ends every grant of a person at once. What somebody is given while that happens may be void, and is not kept;
// what is kept first is not ended.
func TestConnectWhileLoginIsRevoked(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	other := cast{customer: c.elsewhere, owner: c.outsider, viewer: c.outsider}
	pages := w.connect(t, other, other.owner, "facebook", adaFacebook)
	for _, page := range pages {
		w.call(t, other.owner, "DELETE", other.path("/integrations/%s", page.ID), nil).want(t, 204)
	}
	worker := w.TenantWorker()
	ask := func(sql string) (answer string) {
		if err := worker.Tx(t.Context(), tenant.Worker(other.customer.ID, tenant.Request{Job: 5}), func(ctx context.Context, tx *tenant.Tx) error {
			return tx.QueryRow(ctx, sql, pages[0].Authorization.ID).Scan(&answer)
		}); err != nil {
			t.Error(err)
		}
		return answer
	}
	const begin, end = "select tenancy.begin_login_revocation($1)::text", "select tenancy.end_login_revocation($1)::text"
	var once sync.Once
	w.box.OnRequest(func(r sandbox.RequestInfo) {
		if r.Step == "facebook.token" {
			once.Do(func() {
				if got := ask(begin); got != "true" {
					t.Errorf("begun: %s", got)
				}
			})
		}
	})
	before := w.kept(t)
	way := w.begin(t, c, c.admin, "facebook")
	if got := w.comeBack(t, w.allow(t, way, adaFacebook), way.cookie).result(); got != "code_refused" || w.kept(t) != before {
		t.Errorf("during a revocation: %s, kept %s", got, w.kept(t))
	}
	ask(end)
	w.connect(t, c, c.admin, "facebook", adaFacebook)
	if got := ask(begin); got != "false" {
		t.Errorf("begun although the login is needed: %s", got)
	}
	w.noSecrets(t)
}

// Who may not connect accounts any more does not, at whatever moment that happens.
func TestConnectRightsLost(t *testing.T) {
	t.Parallel()
	for name, lose := range map[string]func(w *world, t testing.TB, c cast){
		"demoted": func(w *world, t testing.TB, c cast) {
			w.exec(t, "update memberships set role = 'viewer' where user_id = $1", c.admin.ID)
		},
		"removed": func(w *world, t testing.TB, c cast) {
			w.exec(t, "delete from memberships where user_id = $1", c.admin.ID)
		},
		"archived": func(w *world, t testing.TB, c cast) {
			w.exec(t, "update customers set archived_at = now() where id = $1", c.customer.ID)
		},
	} {
		t.Run(name+" at the consent page", func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			c := w.cast(t)
			way := w.begin(t, c, c.admin, "twitter")
			back := w.allow(t, way, baker)
			lose(w, t, c)
			if got := w.comeBack(t, back, way.cookie); got.result() != "not_allowed" || got.Path != "/connect/result" {
				t.Errorf("leads to %s", got)
			}
			if n := w.box.Count("twitter.token"); n != 0 || w.kept(t) != "0 0 0 0 0" {
				t.Errorf("the platform was asked %d times, and there is %s", n, w.kept(t))
			}
		})
		t.Run(name+" while the platform is asked", func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			c := w.cast(t)
			w.box.OnApplied(func(r sandbox.RequestInfo) {
				if r.Step == "twitter.me" {
					lose(w, t, c)
				}
			})
			way := w.begin(t, c, c.admin, "twitter")
			if got := w.comeBack(t, w.allow(t, way, baker), way.cookie).result(); got != "not_allowed" {
				t.Errorf("is %s", got)
			}
			if n := w.box.Count("twitter.revoke"); n != 1 || w.kept(t) != "0 0 0 0 0" {
				t.Errorf("revoked %d times, and there is %s", n, w.kept(t))
			}
			w.noSecrets(t)
		})
	}
}

// Of two browsers' tabs that come back at once one gets through, and the code is used once.
func TestConnectTwiceAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	for range 5 {
		way := w.begin(t, c, c.admin, "twitter")
		back := w.allow(t, way, baker)
		asked := w.box.Count("twitter.token")
		var results [4]string
		var returning sync.WaitGroup
		for i := range results {
			returning.Go(func() { results[i] = w.comeBack(t, back, way.cookie).result() })
		}
		returning.Wait()
		slices.Sort(results[:])
		if results != [4]string{"connected", "state_used", "state_used", "state_used"} || w.box.Count("twitter.token") != asked+1 {
			t.Errorf("are %v", results)
		}
	}
	if n := w.count(t, "select count(*) from integrations"); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

// Many ways that lead to the same new account at once all arrive, and there is one account.
func TestConnectSameAccountAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	var results [6]string
	var returning sync.WaitGroup
	for i := range results {
		way := w.begin(t, c, c.admin, "linkedin")
		back := w.allow(t, way, benLinked)
		returning.Go(func() { results[i] = w.comeBack(t, back, way.cookie).result() })
	}
	returning.Wait()
	for _, result := range results {
		if result != "connected" {
			t.Errorf("are %v", results)
			break
		}
	}
	if got := w.kept(t); !strings.HasPrefix(got, "1 1 ") {
		t.Errorf("there is %s", got)
	}
}

// What has begun is brought to its end without the browser.
func TestConnectBrowserLeaves(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	way := w.begin(t, c, c.admin, "twitter")
	back := w.allow(t, way, baker)
	mustDo(t, w.box.AddFault(sandbox.Fault{Step: "twitter.token", Kind: sandbox.FaultSlow, DelayMS: 500}))
	ctx, leave := context.WithCancel(t.Context())
	w.box.OnRequest(func(r sandbox.RequestInfo) {
		if r.Step == "twitter.token" {
			leave()
		}
	})
	request := w.request(t, http.MethodGet, back.Path+"?"+back.RawQuery, nil).WithContext(ctx)
	request.AddCookie(way.cookie)
	if response, err := http.DefaultClient.Do(request); err == nil {
		response.Body.Close()
		t.Fatal("there was an answer")
	}
	deadline := time.Now().Add(time.Minute)
	for {
		if state, _, _ := w.session(t, way.ConnectSessionID); state == "connected" {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the session is %s", state)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := w.count(t, "select count(*) from integrations where state = 'active'"); n != 1 {
		t.Errorf("%d accounts", n)
	}
}

// Where browsers may be sent in the end.
func TestConnectReturnAddress(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{publicURL: "https://app.example.com/dash", returnURLs: []string{"http://127.0.0.1:3000", "https://other.example:8443/in"}})
	c := w.cast(t)
	ask := func(address string) answer {
		return w.call(t, c.admin, "GET", c.connecting("twitter")+"?return_to="+url.QueryEscape(address), nil)
	}
	for _, good := range []string{
		"https://app.example.com/dash", "https://app.example.com/dash/", "https://app.example.com:443/dash/a/b?tab=accounts&x=1", "https://APP.example.com/dash/x",
		"http://127.0.0.1:3000", "http://127.0.0.1:3000/", "http://127.0.0.1:3000/any/where", "https://other.example:8443/in/here",
	} {
		ask(good).want(t, 200)
	}
	before := w.count(t, "select count(*) from connect_sessions")
	for _, bad := range []string{
		"https://evil.example", "https://evil.example/dash", "https://app.example.com.evil.example/dash", "https://evil.example/https://app.example.com/dash",
		"https://app.example.com", "https://app.example.com/", "https://app.example.com/dashboard", "https://app.example.com/dash-evil", "https://app.example.com/other",
		"http://app.example.com/dash", "https://app.example.com:8443/dash", "https://other.example/in", "https://other.example:8443/into", "https://other.example:8443",
		"http://127.0.0.1:3001/", "https://127.0.0.1:3000/", "http://localhost:3000/", "http://127.1:3000/", "http://2130706433:3000/",
		"//app.example.com/dash", "/dash", "dash", "app.example.com/dash", "https:app.example.com/dash", "https:/app.example.com/dash", "https:///app.example.com/dash",
		"https://user@app.example.com/dash", "https://app.example.com@evil.example/dash", "https://app.example.com:443@evil.example/dash", "https://:@app.example.com/dash",
		"https://evil.example\\@app.example.com/dash", "https://app.example.com\\.evil.example/dash", "https:\\\\app.example.com/dash", "https://app.example.com/dash\\..\\evil",
		"https://app.example.com/dash/../evil", "https://app.example.com/dash/..", "https://app.example.com/dash/./x", "https://app.example.com/dash//evil.example",
		"https://app.example.com/dash/%2e%2e/evil", "https://app.example.com/dash/%252e%252e/evil", "https://app.example.com/dash/..%2fevil", "https://app.example.com/dash%2f..%2fevil",
		"https://app.example.com/dash/..;/evil", "https://app.example.com/dash/%5c..%5cevil", "https://app.example.com/dash/%00", "https://app.example.com%2fdash", "https://app.example.com%00.evil.example/dash",
		"https://app.example.com/dash#fragment", "https://app.example.com/dash#", "https://app.example.com/dash?x=1#y", "https://app.example.com/dash?a;b",
		"https://app.example.com/dash\r\nSet-Cookie: a=b", "https://app.example.com/dash\x00", "https://app.example.com/da sh", "https://app.example.com/dash\t", " https://app.example.com/dash",
		"https://app.example.com/dash/ü", "https://аpp.example.com/dash", "https://app.example.com。evil.example/dash", "https://app.example.com/dash/\u202e",
		"javascript:alert(1)", "javascript://app.example.com/dash%0aalert(1)", "data:text/html,x", "file:///etc/passwd", "ftp://app.example.com/dash", "blob:https://app.example.com/dash",
		"https://app.example.com./dash", "https://[::1]/dash", "https://app.example.com:0443/dash", "https://app.example.com:99999/dash", "https://app.example.com:443:443/dash",
		"https://app.example.com/dash/" + strings.Repeat("x", 1500),
	} {
		a := ask(bad)
		if a.status != 422 || !strings.Contains(string(a.body), "query.return_to") {
			t.Errorf("%q: %d %s", bad, a.status, a.body)
		}
		if said := string(a.body); len(bad) <= 1500 && !strings.Contains(said, "FANFARE_RETURN_URLS") || strings.Contains(said, "127.0.0.1:3000") || strings.Contains(said, "other.example") {
			t.Errorf("%q: %s", bad, said)
		}
	}
	if n := w.count(t, "select count(*) from connect_sessions"); n != before {
		t.Errorf("%d sessions were made", n-before)
	}

	// The browser gets there, and only if it is the one that began.
	a := ask("http://127.0.0.1:3000/accounts?tab=1&connect=old").want(t, 200)
	way := way{into[api.Connect](t, a), must(http.ParseSetCookie(a.header.Get("Set-Cookie")))}
	back := w.allow(t, way, baker)
	if got := w.comeBack(t, back).String(); got != "https://app.example.com/dash/integrations?connect=wrong_browser&platform=twitter" {
		t.Errorf("another browser: %s", got)
	}
	for _, want := range []string{"connected", "state_used"} {
		if got := w.comeBack(t, back, way.cookie).String(); got != "http://127.0.0.1:3000/accounts?connect="+want+"&platform=twitter&tab=1" {
			t.Errorf("%s: %s", want, got)
		}
	}
	way = w.begin(t, c, c.admin, "linkedin")
	if got := w.comeBack(t, w.allow(t, way, adaLinkedIn), way.cookie).String(); got != "https://app.example.com/dash/integrations?connect=choose&connect_session="+way.ConnectSessionID.String()+"&platform=linkedin" {
		t.Errorf("the default: %s", got)
	}
}

// Each caller's address has a limit, as with everything public.
func TestConnectCallbackIsLimited(t *testing.T) {
	t.Parallel()
	w := setup(t)
	limited := false
	for range 700 {
		request := w.request(t, http.MethodGet, "/v1/oauth/twitter/callback?state=x", nil)
		request.Header.Set("X-Forwarded-For", "10.99.0.1")
		if a := w.do(t, request); a.status == 429 {
			limited = true
			break
		}
	}
	if !limited {
		t.Error("there is no limit")
	}
}

func TestConnectResultPage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	get := func(query string) answer {
		return w.do(t, w.request(t, http.MethodGet, "/connect/result?"+query, nil)).want(t, 200)
	}
	plain := string(get("").body)
	for _, result := range []string{
		"connected", "choose", "access_denied", "platform_error", "state_missing", "state_unknown", "state_used", "state_expired", "wrong_platform", "wrong_browser",
		"issuer_mismatch", "code_missing", "code_refused", "platform_unavailable", "platform_answer_invalid", "platform_misconfigured", "scopes_missing", "no_accounts",
		"not_allowed", "unavailable", "internal",
	} {
		a := get("connect=" + result + "&platform=facebook")
		page := string(a.body)
		if page == plain || strings.Contains(page, "Nothing to tell") || !strings.Contains(page, "Facebook") {
			t.Errorf("%s is not told: %s", result, page)
		}
		if a.header.Get("Content-Type") != "text/html; charset=utf-8" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("headers %v", a.header)
		}
		policy := a.header.Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") || strings.Contains(policy, "unsafe") {
			t.Errorf("the policy is %s", policy)
		}
		if strings.Contains(page, "<script") || strings.Contains(page, "http") {
			t.Errorf("the page loads something: %s", page)
		}
	}
	for _, odd := range []string{
		"connect=nonsense", "connect=%3Cscript%3Ealert(1)%3C/script%3E", "connect=connected%00", "platform=%22%3E%3Cimg%20src=x%3E", "connect=&platform=ghost", "%ZZ", "connect_session=x",
	} {
		if page := string(get(odd).body); page != plain {
			t.Errorf("%s changes the page: %s", odd, page)
		}
	}
}
