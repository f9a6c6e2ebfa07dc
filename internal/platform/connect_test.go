package platform_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

func TestConnect(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	account := func(id, name, address string) platform.Account {
		if address != "" {
			address = b.base + address
		}
		return platform.Account{ExternalID: id, Name: name, URL: address}
	}
	for _, test := range []struct {
		name     platform.Name
		person   string
		login    platform.Account
		kinds    string
		accounts []platform.Account
	}{
		{platform.Twitter, "2244994945", account("2244994945", "Blue Bottle Bakery", "/twitter/bluebottlebakery"), "user",
			[]platform.Account{account("2244994945", "Blue Bottle Bakery", "/twitter/bluebottlebakery")}},
		{platform.LinkedIn, "ada-lindqvist", account("urn:li:person:ada-lindqvist", "Ada Lindqvist", ""), "user organization organization",
			[]platform.Account{account("urn:li:person:ada-lindqvist", "Ada Lindqvist", ""),
				account("urn:li:organization:1001", "Blue Bottle Bakery", "/linkedin/company/blue-bottle-bakery"),
				account("urn:li:organization:1002", "Harbour Cycles", "/linkedin/company/harbour-cycles")}},
		{platform.LinkedIn, "ben-okafor", account("urn:li:person:ben-okafor", "Ben Okafor", ""), "user",
			[]platform.Account{account("urn:li:person:ben-okafor", "Ben Okafor", "")}},
		{platform.Facebook, "10001", account("10001", "Ada Lindqvist", ""), "page page",
			[]platform.Account{account("20001", "Blue Bottle Bakery", "/facebook/bluebottlebakery"),
				account("20002", "Harbour Cycles", "/facebook/harbourcycles")}},
		{platform.Facebook, "10002", account("10002", "Ben Okafor", ""), "", nil},
		{platform.Mailchimp, "30001", account("30001", "Northlight", ""), "audience audience",
			[]platform.Account{account("30001/a1b2c3d4e5", "Bakery newsletter", ""), account("30001/b2c3d4e5f6", "Cycles newsletter", "")}},
		{platform.Mailchimp, "30002", account("30002", "Kite", ""), "audience",
			[]platform.Account{account("30002/c3d4e5f6a7", "Kite letter", "")}},
	} {
		connector := b.connectors[test.name]
		tokens := b.connect(test.name, test.person)
		login := b.login(test.name, tokens)
		var accounts []platform.Account
		var kinds []string
		given := map[string]json.RawMessage{}
		for _, one := range login.Accounts {
			accounts, kinds = append(accounts, one.Account), append(kinds, one.Kind)
			given[one.ExternalID] = one.Credential
			asked, err := connector.Account(t.Context(), one.Credential)
			if err != nil || asked != one.Account {
				t.Errorf("%s: account of a credential: %v, %v; want %v", test.name, asked, err, one.Account)
			}
			hidden(t, string(test.name), b.box.Secrets(), one, login)
		}
		if diff := cmp.Diff(test.login, login.Account); diff != "" {
			t.Errorf("%s: login: %s", test.name, diff)
		}
		if diff := cmp.Diff(test.accounts, accounts); diff != "" || strings.Join(kinds, " ") != test.kinds {
			t.Errorf("%s: accounts %v: %s", test.name, kinds, diff)
		}
		wanted := append(slices.Collect(maps.Keys(given)), "urn:li:organization:9", "9/9")
		if test.name == platform.Twitter {
			wanted = []string{test.person}
		}
		credentials, err := connector.Credentials(t.Context(), tokens, wanted)
		if err != nil || !maps.EqualFunc(credentials, given, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Errorf("%s: other credentials: %d, %v", test.name, len(credentials), err)
		}
	}
}

func TestConsentPage(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	consent := platform.Consent{State: "s t", Verifier: "verifier-of-at-least-43-characters-000000000", RedirectURL: callback}
	person := platform.NewLinkedInConnector(platform.LinkedInConfig{})
	for name, want := range map[string]string{
		b.connectors[platform.Twitter].AuthorizeURL(consent):  "scope=tweet.read+tweet.write+users.read+media.write+offline.access",
		b.connectors[platform.LinkedIn].AuthorizeURL(consent): "scope=openid+profile+w_member_social+w_organization_social+r_organization_social+rw_organization_admin",
		person.AuthorizeURL(consent):                          "scope=openid+profile+w_member_social",
		b.connectors[platform.Facebook].AuthorizeURL(consent): "scope=pages_show_list+pages_manage_posts+pages_read_engagement+pages_manage_engagement+business_management",
	} {
		if !strings.Contains(name+"&", want+"&") || !strings.Contains(name, "state=s+t") || strings.Contains(name, consent.Verifier) {
			t.Errorf("%s has not %s", name, want)
		}
	}
	for name, connector := range b.connectors {
		address := connector.AuthorizeURL(consent)
		if pkce := strings.Contains(address, "code_challenge_method=S256"); pkce != connector.Traits().PKCE {
			t.Errorf("%s: %s", name, address)
		}
		hidden(t, string(name), b.box.Secrets(), address, connector)
	}
	if want := "https://www.linkedin.com/oauth/v2/authorization?"; !strings.HasPrefix(person.AuthorizeURL(consent), want) {
		t.Errorf("LinkedIn is at %s", person.AuthorizeURL(consent))
	}
}

func TestTokensLife(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	day := 24 * time.Hour
	check := func(name platform.Name, tokens platform.Tokens, renewable bool, expires, reconnect time.Duration) {
		t.Helper()
		since := func(at time.Time) time.Duration {
			if at.IsZero() {
				return 0
			}
			return at.Sub(tokens.IssuedAt).Round(time.Minute)
		}
		if tokens.Renewable != renewable || since(tokens.ExpiresAt) != expires || since(tokens.ReconnectBy) != reconnect ||
			time.Since(tokens.IssuedAt) > time.Minute {
			t.Errorf("%s: renewable %t, expires after %s, reconnect after %s", name, tokens.Renewable, since(tokens.ExpiresAt), since(tokens.ReconnectBy))
		}
	}
	check(platform.Twitter, b.connect(platform.Twitter, "2244994945"), true, 2*time.Hour, 0)
	check(platform.LinkedIn, b.connect(platform.LinkedIn, "ada-lindqvist"), true, 60*day, 365*day)
	check(platform.Facebook, b.connect(platform.Facebook, "10001"), true, 60*day, 0)
	check(platform.Mailchimp, b.connect(platform.Mailchimp, "30001"), false, 0, 0)
	b.box.OAuthSettings("linkedin", sandbox.OAuthSettings{})
	check(platform.LinkedIn, b.connect(platform.LinkedIn, "ada-lindqvist"), false, 60*day, 60*day)
	if endpoint := b.connect(platform.Mailchimp, "30002").Endpoint; endpoint != b.base+"/mailchimp-api/us21" {
		t.Errorf("Mailchimp is at %s", endpoint)
	}
}

func TestRenew(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	for _, name := range []platform.Name{platform.Twitter, platform.LinkedIn, platform.Facebook} {
		old := b.connect(name, people[name])
		b.clock.advance(time.Hour)
		fresh, err := b.connectors[name].Renew(t.Context(), old)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if fresh.AccessToken == old.AccessToken || !fresh.Renewable || len(fresh.Scopes) == 0 || fresh.ExpiresAt.IsZero() {
			t.Errorf("%s: not renewed: %v %t", name, fresh.Scopes, fresh.Renewable)
		}
		if rotates := name == platform.Twitter; (fresh.RefreshToken != old.RefreshToken) != rotates {
			t.Errorf("%s: whether the refresh token is another one is not %t", name, rotates)
		}
		if name == platform.LinkedIn {
			if moved := fresh.ReconnectBy.Sub(old.ReconnectBy).Abs(); moved < 59*time.Minute || moved > 61*time.Minute {
				t.Errorf("the end of the consent moved by %s", moved)
			}
		}
		login := b.login(name, fresh)
		if credentials, err := b.connectors[name].Credentials(t.Context(), fresh, ids(login)); err != nil || len(credentials) != len(login.Accounts) {
			t.Errorf("%s: %d credentials, %v", name, len(credentials), err)
		}
	}
	unchanged := b.connect(platform.Mailchimp, "30001")
	if same, err := b.connectors[platform.Mailchimp].Renew(t.Context(), unchanged); err != nil || same.AccessToken != unchanged.AccessToken {
		t.Errorf("mailchimp: %v", err)
	}
	for _, name := range []platform.Name{platform.Twitter, platform.LinkedIn} {
		_, err := b.connectors[name].Renew(t.Context(), platform.Tokens{AccessToken: "a"})
		b.want(string(name)+" without a refresh token", err, platform.Credential, platform.CodeInvalidGrant)
	}
}

func TestRefreshTokenIsGoodOnce(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	connector := b.connectors[platform.Twitter]
	old := b.connect(platform.Twitter, "2244994945")
	fresh, err := connector.Renew(t.Context(), old)
	if err != nil {
		t.Fatal(err)
	}
	_, err = connector.Renew(t.Context(), old)
	b.want("an old refresh token", err, platform.Credential, platform.CodeInvalidGrant)
	_, err = connector.Renew(t.Context(), fresh)
	b.want("the newest one after that", err, platform.Credential, platform.CodeInvalidGrant)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	for _, name := range connectable {
		connector := b.connectors[name]
		tokens := b.connect(name, people[name])
		other := b.connect(name, people[name])
		for range 2 { // that it has ended already is no error
			if err := connector.Revoke(t.Context(), tokens); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		_, err := connector.Login(t.Context(), tokens)
		_, errOther := connector.Login(t.Context(), other)
		switch connector.Traits().Revokes {
		case platform.RevokesNothing:
			if err != nil || errOther != nil {
				t.Errorf("%s: %v, %v", name, err, errOther)
			}
		case platform.RevokesGrant:
			if platform.AsError(err).Class != platform.Credential || errOther != nil {
				t.Errorf("%s: %v, %v", name, err, errOther)
			}
		case platform.RevokesLogin:
			if platform.AsError(err).Class != platform.Credential || platform.AsError(errOther).Class != platform.Credential {
				t.Errorf("%s: %v, %v", name, err, errOther)
			}
		}
	}
	if err := b.connectors[platform.LinkedIn].Revoke(t.Context(), platform.Tokens{AccessToken: "forgotten"}); err != nil {
		t.Errorf("a token that LinkedIn has forgotten: %v", err)
	}
}

func TestWithdrawnAndExpired(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(b *connectBundle){
		"withdrawn": func(b *connectBundle) {
			for name, person := range people {
				b.box.Withdraw(string(name), person)
			}
		},
		"expired": func(b *connectBundle) { b.clock.advance(400 * 24 * time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupConnect(t)
			kept, logins := map[platform.Name]platform.Tokens{}, map[platform.Name]platform.Login{}
			for _, name := range connectable {
				if name == platform.Mailchimp { // never ends there, unless the sandbox is told so
					b.box.OAuthSettings("mailchimp", sandbox.OAuthSettings{AccessSeconds: 3600})
				}
				kept[name] = b.connect(name, people[name])
				logins[name] = b.login(name, kept[name])
			}
			if kept[platform.Mailchimp].ReconnectBy.IsZero() {
				t.Error("a token of Mailchimp that ends does not say so")
			}
			end(b)
			for _, name := range connectable {
				connector := b.connectors[name]
				code := ""
				if name == platform.Facebook {
					code = "190"
				}
				_, err := connector.Login(t.Context(), kept[name])
				b.want(string(name)+" login", err, platform.Credential, code)
				_, err = connector.Account(t.Context(), logins[name].Accounts[0].Credential)
				// A page's token is one without an end.
				if pageStays := name == platform.Facebook && strings.HasSuffix(t.Name(), "expired"); !pageStays {
					b.want(string(name)+" account", err, platform.Credential, code)
				}
				if name != platform.Mailchimp {
					_, err = connector.Renew(t.Context(), kept[name])
					b.want(string(name)+" renew", err, platform.Credential, platform.CodeInvalidGrant)
				}
				if err := connector.Revoke(t.Context(), kept[name]); err != nil {
					t.Errorf("%s revoke: %v", name, err)
				}
			}
		})
	}
}

func TestAccountLost(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	for name, page := range map[platform.Name]string{platform.LinkedIn: "1001", platform.Facebook: "20001", platform.Mailchimp: "a1b2c3d4e5"} {
		tokens := b.connect(name, people[name])
		login := b.login(name, tokens)
		at := slices.IndexFunc(login.Accounts, func(a platform.LoginAccount) bool { return strings.HasSuffix(a.ExternalID, page) })
		b.box.RemovePage(string(name), page)
		credentials, err := b.connectors[name].Credentials(t.Context(), tokens, ids(login))
		if _, there := credentials[login.Accounts[at].ExternalID]; err != nil || there || len(credentials) != len(login.Accounts)-1 {
			t.Errorf("%s: %d credentials of %d, %v", name, len(credentials), len(login.Accounts), err)
		}
		_, err = b.connectors[name].Account(t.Context(), login.Accounts[at].Credential)
		if e := platform.AsError(err); e.Class != platform.Credential {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExchangeRefused(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	wrong := b.connectorsFor(func(name platform.Name) platform.OAuthApp {
		id, _ := b.box.AddOAuthApp(string(name), callback)
		return platform.OAuthApp{ClientID: id, ClientSecret: "not-the-secret-00000000"}
	})
	stranger := b.connectorsFor(func(platform.Name) platform.OAuthApp {
		return platform.OAuthApp{ClientID: "4711", ClientSecret: "not-the-secret-00000000"}
	})
	for _, name := range connectable {
		connector := b.connectors[name]
		consent, code := b.allow(name, people[name])
		for what, other := range map[string]platform.Connector{"secret": wrong[name], "id": stranger[name]} {
			_, err := other.Exchange(t.Context(), consent, code)
			b.want(string(name)+" exchange with another "+what, err, platform.Transient, platform.CodeInvalidClient)
		}
		elsewhere := consent
		elsewhere.RedirectURL += "/elsewhere"
		_, err := connector.Exchange(t.Context(), elsewhere, code)
		if name == platform.Facebook { // which tells it from a bad code
			b.want(string(name)+" another redirect", err, platform.Transient, platform.CodeInvalidClient)
		} else {
			b.want(string(name)+" another redirect", err, platform.Credential, platform.CodeInvalidGrant)
		}
		if connector.Traits().PKCE {
			other := consent
			other.Verifier = "another-verifier-of-at-least-43-characters-000"
			_, err = connector.Exchange(t.Context(), other, code)
			b.want(string(name)+" another verifier", err, platform.Credential, platform.CodeInvalidGrant)
		}
		tokens, err := connector.Exchange(t.Context(), consent, code)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if name != platform.Mailchimp {
			_, err = wrong[name].Renew(t.Context(), tokens)
			b.want(string(name)+" renew with another secret", err, platform.Transient, platform.CodeInvalidClient)
		}
		if name == platform.Twitter || name == platform.LinkedIn {
			b.want(string(name)+" revoke with another secret", wrong[name].Revoke(t.Context(), tokens), platform.Transient, platform.CodeInvalidClient)
		}
		_, err = connector.Exchange(t.Context(), consent, code)
		b.want(string(name)+" a code again", err, platform.Credential, platform.CodeInvalidGrant)
		_, err = connector.Exchange(t.Context(), consent, "nonsense")
		b.want(string(name)+" a code that is none", err, platform.Credential, platform.CodeInvalidGrant)
		consent, code = b.allow(name, people[name])
		b.clock.advance(time.Hour)
		_, err = connector.Exchange(t.Context(), consent, code)
		b.want(string(name)+" an old code", err, platform.Credential, platform.CodeInvalidGrant)
	}
}

func TestScopesMissing(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	consent, code := b.allow(platform.Facebook, "10001", "pages_manage_posts")
	_, err := b.connectors[platform.Facebook].Exchange(t.Context(), consent, code)
	b.want("a permission was declined", err, platform.Invalid, platform.CodeScopes)
	for name, scope := range map[platform.Name]string{platform.Twitter: "tweet.read users.read", platform.LinkedIn: "openid,profile"} {
		step := string(name) + ".token"
		b.fault(sandbox.Fault{Step: step, Kind: sandbox.FaultBody, Body: `{"access_token":"a","refresh_token":"r","expires_in":7200,"scope":"` + scope + `"}`})
		consent, code := b.allow(name, people[name])
		_, err := b.connectors[name].Exchange(t.Context(), consent, code)
		b.want(string(name), err, platform.Invalid, platform.CodeScopes)
	}
}

// TestRequestsAreSentOnce counts the requests of a whole flow, and of one that is not answered.
func TestRequestsAreSentOnce(t *testing.T) {
	t.Parallel()
	b := setupConnect(t)
	for _, name := range connectable {
		tokens := b.connect(name, people[name])
		b.login(name, tokens)
		_, _ = b.connectors[name].Renew(t.Context(), tokens)
	}
	want := map[string]int{
		"twitter.authorize": 1, "twitter.token": 1, "twitter.me": 1, "twitter.refresh": 1,
		"linkedin.authorize": 1, "linkedin.token": 1, "linkedin.me": 1, "linkedin.pages": 1, "linkedin.refresh": 1,
		"facebook.authorize": 1, "facebook.token": 1, "facebook.extend": 1, "facebook.permissions": 1, "facebook.me": 1, "facebook.pages": 1,
		"facebook.refresh":    1,
		"mailchimp.authorize": 1, "mailchimp.token": 1, "mailchimp.metadata": 1, "mailchimp.me": 1, "mailchimp.pages": 1,
	}
	if diff := cmp.Diff(want, b.box.Counts()); diff != "" {
		t.Error(diff)
	}
	for _, name := range connectable {
		before := b.box.Count(string(name) + ".token")
		b.fault(sandbox.Fault{Step: string(name) + ".token", Kind: sandbox.FaultDropAfter})
		consent, code := b.allow(name, people[name])
		_, err := b.connectors[name].Exchange(t.Context(), consent, code)
		b.want(string(name), err, platform.Transient, "")
		if got := b.box.Count(string(name)+".token") - before; got != 1 {
			t.Errorf("%s: a code was sent %d times", name, got)
		}
	}
}
