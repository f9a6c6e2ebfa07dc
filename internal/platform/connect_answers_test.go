package platform

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// answering is a transport that answers by itself, and keeps what was asked.
type answering struct {
	answer func(*http.Request) (status int, body string)

	mu    sync.Mutex
	asked []*http.Request
}

func (a *answering) RoundTrip(req *http.Request) (*http.Response, error) {
	a.mu.Lock()
	a.asked = append(a.asked, req)
	a.mu.Unlock()
	status, body := a.answer(req)
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Request: req,
		Body: io.NopCloser(strings.NewReader(body))}, nil
}

// answered makes connectors that ask the transport.
func answered(transport http.RoundTripper) map[Name]Connector {
	client := &http.Client{Transport: transport, CheckRedirect: noRedirects}
	app := OAuthApp{ClientID: "id", ClientSecret: "client-secret-1"}
	x, linkedIn := NewTwitterConnector(TwitterConfig{App: app}), NewLinkedInConnector(LinkedInConfig{App: app, Pages: true})
	facebook, mailchimp := NewFacebookConnector(FacebookConfig{App: app}), NewMailchimpConnector(MailchimpConfig{App: app})
	x.client, linkedIn.client, facebook.client, mailchimp.client = client, client, client, client
	return map[Name]Connector{Twitter: x, LinkedIn: linkedIn, Facebook: facebook, Mailchimp: mailchimp}
}

func TestPlatformsOwnAddresses(t *testing.T) {
	t.Parallel()
	transport := &answering{answer: func(req *http.Request) (int, string) {
		if req.URL.Path == "/oauth2/metadata" {
			return 200, `{"dc":"us6","api_endpoint":"https://us6.api.mailchimp.com"}`
		}
		return 200, `{"access_token":"a","refresh_token":"r","data":[{"permission":"pages_show_list","status":"granted"}]}`
	}}
	for _, connector := range answered(transport) {
		tokens, err := connector.Exchange(t.Context(), Consent{RedirectURL: "https://fanfare.example.com/"}, "code")
		if err == nil {
			_ = connector.Revoke(t.Context(), tokens)
		}
	}
	var asked []string
	for _, req := range transport.asked {
		asked = append(asked, req.Method+" "+req.URL.Scheme+"://"+req.URL.Host+req.URL.Path)
		if req.URL.Host != "graph.facebook.com" && strings.Contains(req.URL.String(), "secret") {
			t.Errorf("a secret in %s", req.URL.Redacted())
		}
	}
	slices.Sort(asked)
	want := []string{
		"GET https://graph.facebook.com/v26.0/me/permissions",
		"GET https://graph.facebook.com/v26.0/oauth/access_token",
		"GET https://graph.facebook.com/v26.0/oauth/access_token",
		"GET https://login.mailchimp.com/oauth2/metadata",
		"POST https://api.x.com/2/oauth2/revoke",
		"POST https://api.x.com/2/oauth2/token",
		"POST https://login.mailchimp.com/oauth2/token",
		"POST https://www.linkedin.com/oauth/v2/accessToken",
		"POST https://www.linkedin.com/oauth/v2/revoke",
	}
	if !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}
}

// TestLongLists: a list is read to its end, a token goes to no address that an answer names, and a list that does not end
// is given up without calling an account lost.
func TestLongLists(t *testing.T) {
	t.Parallel()
	for _, total := range []int{0, 1, 100, 250, 1000, 2500, 9000} {
		transport := &answering{answer: func(req *http.Request) (int, string) { return listAnswer(req, total) }}
		connectors := answered(transport)
		for name, bound := range map[Name]int{LinkedIn: 2000, Facebook: 2000, Mailchimp: 5000} {
			tokens := Tokens{AccessToken: "a", Endpoint: "https://us6.api.mailchimp.com"}
			login, err := connectors[name].Login(t.Context(), tokens)
			found := len(login.Accounts)
			if name == LinkedIn {
				found-- // the person
			}
			if err != nil || found != min(total, bound) {
				t.Errorf("%s: %d of %d, %v", name, found, total, err)
			}
			last := map[Name]string{LinkedIn: "urn:li:organization:%d", Facebook: "%d", Mailchimp: "acc1/%d"}[name]
			for what, want := range map[string]int{fmt.Sprintf(last, 1): min(total, 1), fmt.Sprintf(last, 1_000_000): 0} {
				credentials, err := connectors[name].Credentials(t.Context(), tokens, []string{what})
				switch gone := want == 0; {
				case gone && total > bound:
					if AsError(err).Class != Transient {
						t.Errorf("%s: %s of %d: %v", name, what, total, err)
					}
				case err != nil || len(credentials) != want:
					t.Errorf("%s: %s of %d: %d, %v", name, what, total, len(credentials), err)
				}
			}
		}
		for _, req := range transport.asked {
			if host := req.URL.Hostname(); host == "evil.example" || strings.Contains(req.URL.RawQuery, "access_token=") {
				t.Fatalf("asked %s", req.URL)
			}
		}
	}
}

// listAnswer answers with a part of a list of the accounts 1 to total.
func listAnswer(req *http.Request, total int) (int, string) {
	query := req.URL.Query()
	number := func(name string) int {
		n, _ := strconv.Atoi(query.Get(name))
		return n
	}
	list := func(start, count int, format string) string {
		var all []string
		for i := start + 1; i <= min(total, start+count); i++ {
			all = append(all, strings.ReplaceAll(format, "%", strconv.Itoa(i)))
		}
		return strings.Join(all, ",")
	}
	switch req.URL.Path {
	case "/v2/userinfo":
		return 200, `{"sub":"ada"}`
	case "/v26.0/me":
		return 200, `{"id":"7"}`
	case "/3.0/":
		return 200, `{"account_id":"acc1"}`
	case "/v2/organizationalEntityAcls":
		return 200, `{"elements":[` + list(number("start"), number("count"),
			`{"role":"ADMINISTRATOR","state":"APPROVED","organizationalTarget":"urn:li:organization:%"}`) + `]}`
	case "/v26.0/me/accounts":
		start, next := number("after"), ""
		if start+number("limit") < total {
			next = "https://evil.example/next?access_token=a"
		}
		return 200, fmt.Sprintf(`{"data":[%s],"paging":{"cursors":{"after":"%d"},"next":%q}}`,
			list(start, number("limit"), `{"id":"%","access_token":"p%"}`), start+number("limit"), next)
	case "/3.0/lists":
		return 200, `{"lists":[` + list(number("offset"), number("count"), `{"id":"%"}`) + `]}`
	}
	return 404, ""
}

func TestLinkedInRoles(t *testing.T) {
	t.Parallel()
	element := func(id, role, state string) string {
		return fmt.Sprintf(`{"role":%q,"state":%q,"organizationalTarget":%q,"organizationalTarget~":{"localizedName":" A\u0000 B ","vanityName":"a/../b"}}`, role, state, id)
	}
	transport := &answering{answer: func(req *http.Request) (int, string) {
		if req.URL.Path == "/v2/userinfo" {
			return 200, `{"sub":"ada","name":""}`
		}
		return 200, `{"elements":[` + strings.Join([]string{
			element("urn:li:organization:1", "ADMINISTRATOR", "APPROVED"), element("urn:li:organization:1", "CONTENT_ADMINISTRATOR", "APPROVED"),
			element("urn:li:organization:2", "ANALYST", "APPROVED"), element("urn:li:organization:3", "ADMINISTRATOR", "REVOKED"),
			element("urn:li:organizationBrand:4", "ADMINISTRATOR", "APPROVED"), element("urn:li:organization:5", "CONTENT_ADMIN", "APPROVED"),
		}, ",") + `]}`
	}}
	login, err := answered(transport)[LinkedIn].Login(t.Context(), Tokens{AccessToken: "a"})
	var got []Account
	for _, account := range login.Accounts {
		got = append(got, account.Account)
	}
	page := "https://www.linkedin.com/company/a%2F..%2Fb"
	if want := []Account{{"urn:li:person:ada", "urn:li:person:ada", ""}, {"urn:li:organization:1", "A  B", page}, {"urn:li:organization:5", "A  B", page}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	for _, req := range transport.asked {
		if req.Header.Get("X-Restli-Protocol-Version") != "2.0.0" || req.Header.Get("Authorization") != "Bearer a" {
			t.Errorf("headers of %s", req.URL)
		}
	}
}

func TestMailchimpEndpoint(t *testing.T) {
	t.Parallel()
	for metadata, good := range map[string]bool{
		`{"dc":"us6","api_endpoint":"https://us6.api.mailchimp.com"}`:                           true,
		`{"dc":"us21","api_endpoint":"https://us21.api.mailchimp.com/"}`:                        true,
		`{"dc":"us6","api_endpoint":"https://us7.api.mailchimp.com"}`:                           false,
		`{"dc":"us6","api_endpoint":"https://evil.example"}`:                                    false,
		`{"dc":"us6","api_endpoint":"http://us6.api.mailchimp.com"}`:                            false,
		`{"dc":"us6","api_endpoint":"https://us6.api.mailchimp.com@evil.example"}`:              false,
		`{"dc":"us6","api_endpoint":"https://us6.api.mailchimp.com.evil.example"}`:              false,
		`{"dc":"evil.example/","api_endpoint":"https://evil.example/.api.mailchimp.com"}`:       false,
		`{"dc":"evil.example#us6","api_endpoint":"https://evil.example#us6.api.mailchimp.com"}`: false,
		`{"dc":"US6","api_endpoint":"https://US6.api.mailchimp.com"}`:                           false,
		`{"dc":"","api_endpoint":"https://.api.mailchimp.com"}`:                                 false,
		`{"dc":"us6"}`: false,
		`{}`:           false,
	} {
		transport := &answering{answer: func(req *http.Request) (int, string) {
			if req.URL.Path == "/oauth2/token" {
				return 200, `{"access_token":"a","expires_in":0,"scope":null}`
			}
			return 200, metadata
		}}
		tokens, err := answered(transport)[Mailchimp].Exchange(t.Context(), Consent{}, "code")
		if (err == nil) != good || (good && (tokens.Endpoint == "" || !tokens.ExpiresAt.IsZero())) {
			t.Errorf("%s: %q, %v", metadata, tokens.Endpoint, err)
		}
		if !good && AsError(err).Code != CodeBadAnswer {
			t.Errorf("%s: %v", metadata, err)
		}
	}
	for _, endpoint := range []string{"", "https://evil.example", "https://us6.api.mailchimp.com.evil.example", "https://evil.example/us6.api.mailchimp.com", "https://us6.api.mailchimp.com/x"} {
		transport := &answering{answer: func(*http.Request) (int, string) { return 200, "{}" }}
		connector := answered(transport)[Mailchimp]
		_, errLogin := connector.Login(t.Context(), Tokens{AccessToken: "a", Endpoint: endpoint})
		_, errAccount := connector.Account(t.Context(), sealable(MailchimpCredential{AccessToken: "a", Endpoint: endpoint, AccountID: "1", ListID: "2"}))
		if AsError(errLogin).Class != Credential || AsError(errAccount).Class != Credential || len(transport.asked) != 0 {
			t.Errorf("%s: %v, %v, %d requests", endpoint, errLogin, errAccount, len(transport.asked))
		}
	}
}

// TestMailchimpThrottles: a 403 without a body asks to wait.
func TestMailchimpThrottles(t *testing.T) {
	t.Parallel()
	transport := &answering{answer: func(*http.Request) (int, string) { return 403, "" }}
	_, err := answered(transport)[Mailchimp].Login(t.Context(), Tokens{AccessToken: "a", Endpoint: "https://us6.api.mailchimp.com"})
	if AsError(err).Class != RateLimited {
		t.Error(err)
	}
}

func TestRetryTimes(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": -1, "soon": -1, "0": -1, "-5": -1,
		fmt.Sprint(now.Unix() + 90):     90 * time.Second,
		fmt.Sprint(now.Unix() - 90):     0,
		"9223372036854775807":           maxRetryAfter,
		"92233720368547758070":          -1,
		fmt.Sprint(now.Unix() + 100000): maxRetryAfter,
	} {
		at := resetAt(http.Header{rateLimitHeader: {header}}, now)
		if got := at.Sub(now); (want < 0) != at.IsZero() || (want >= 0 && got != want) {
			t.Errorf("%q: %s", header, at)
		}
	}
	for header, want := range map[string]time.Duration{
		"": -1, "[]": -1, "{}": -1, `{"1":[{"estimated_time_to_regain_access":0}]}`: -1, `{"1":[{"estimated_time_to_regain_access":-4}]}`: -1,
		`{"1":[{"call_count":1,"estimated_time_to_regain_access":3}],"2":[{"estimated_time_to_regain_access":7}]}`: 7 * time.Minute,
		`{"1":[{"estimated_time_to_regain_access":9223372036854775807}]}`:                                          maxRetryAfter,
	} {
		at := facebookRegain(http.Header{"X-Business-Use-Case-Usage": {header}}, now)
		if got := at.Sub(now); (want < 0) != at.IsZero() || (want >= 0 && got != want) {
			t.Errorf("%q: %s", header, at)
		}
	}
}

func TestLifetimes(t *testing.T) {
	t.Parallel()
	for expires, want := range map[string]time.Duration{
		`7200`: 2 * time.Hour, `"60"`: time.Minute, `0`: 2 * time.Hour, `-5`: 2 * time.Hour, `null`: 2 * time.Hour, `99999999999999`: maxTokenLife,
	} {
		transport := &answering{answer: func(*http.Request) (int, string) { return 200, `{"access_token":"a","expires_in":` + expires + `}` }}
		tokens, err := answered(transport)[Twitter].Exchange(t.Context(), Consent{}, "code")
		if err != nil || tokens.ExpiresAt.Sub(tokens.IssuedAt) != want || tokens.Renewable {
			t.Errorf("%s: %s, %v", expires, tokens.ExpiresAt.Sub(tokens.IssuedAt), err)
		}
	}
}

// marker stands for a secret in the answers of fuzz tests.
const marker = "s3cr3t-m4rker-0123456789"

// FuzzTokenAnswer feeds token endpoints' answers to all that reads them.
func FuzzTokenAnswer(f *testing.F) {
	for _, body := range []string{
		`{"token_type":"bearer","expires_in":7200,"access_token":"` + marker + `","scope":"tweet.read tweet.write users.read media.write offline.access","refresh_token":"` + marker + `"}`,
		`{"access_token":"` + marker + `","expires_in":5184000,"refresh_token_expires_in":"31536000","scope":"openid,profile"}`,
		`{"access_token":"` + marker + `","refresh_token_expires_in":1e300,"expires_in":"7200"}`,
		`{"error":"invalid_grant","error_description":"` + marker + `"}`,
		`{"error":{"message":"` + marker + `","type":"OAuthException","code":190,"error_subcode":460}}`,
		`{"error":{"code":1e9}}`, `<html>` + marker, `{"access_token":"` + marker, `[]`, ``, `null`, "{\"access_token\":\"\xff\"}",
		`{"dc":"us6","api_endpoint":"https://us6.api.mailchimp.com","access_token":"` + marker + `"}`,
		`{"data":[{"permission":"pages_show_list","status":"granted"}],"access_token":"` + marker + `"}`,
	} {
		for _, status := range []int{200, 400, 401, 403, 429, 500, 302} {
			f.Add(status, body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		status = 200 + ((status-200)%400+400)%400
		for name, connector := range answered(&answering{answer: func(*http.Request) (int, string) { return status, body }}) {
			tokens, err := connector.Exchange(t.Context(), Consent{State: "s", Verifier: "v", RedirectURL: "https://a.example/"}, "code")
			checkTokens(t, name, tokens, err, Credential, Invalid, RateLimited, Transient)
			if name == Mailchimp {
				continue
			}
			tokens, err = connector.Renew(t.Context(), Tokens{AccessToken: "a", RefreshToken: "r", Renewable: true})
			checkTokens(t, name, tokens, err, Credential, RateLimited, Transient, UnknownOutcome)
			if err != nil && AsError(err).Class == Credential && status >= 500 {
				t.Fatalf("%s: trouble ends a grant: %v", name, err)
			}
			checkError(t, name, connector.Revoke(t.Context(), Tokens{AccessToken: "a"}), Credential, RateLimited, Transient)
		}
	})
}

func checkTokens(t *testing.T, name Name, tokens Tokens, err error, classes ...Class) {
	t.Helper()
	if err != nil {
		checkError(t, name, err, classes...)
		return
	}
	if !isToken(tokens.AccessToken) || (tokens.RefreshToken != "" && !isToken(tokens.RefreshToken)) || tokens.IssuedAt.IsZero() {
		t.Fatalf("%s: not a token: %q", name, tokens.AccessToken)
	}
	for _, at := range []time.Time{tokens.ExpiresAt, tokens.ReconnectBy} {
		if !at.IsZero() && (at.Before(tokens.IssuedAt) || at.Sub(tokens.IssuedAt) > maxTokenLife) {
			t.Fatalf("%s: ends at %s", name, at)
		}
	}
	if len(tokens.Scopes) > 100 || slices.ContainsFunc(tokens.Scopes, func(s string) bool { return !utf8.ValidString(s) || strings.Contains(s, "\x00") }) {
		t.Fatalf("%s: scopes %q", name, tokens.Scopes)
	}
	if name == Mailchimp && tokens.Endpoint != "https://us6.api.mailchimp.com" && !strings.HasSuffix(tokens.Endpoint, ".api.mailchimp.com") {
		t.Fatalf("sent to %s", tokens.Endpoint)
	}
}

func checkError(t *testing.T, name Name, err error, classes ...Class) {
	t.Helper()
	if err == nil {
		return
	}
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: no *Error but %v", name, err)
	}
	if !slices.Contains(classes, e.Class) {
		t.Fatalf("%s: %v", name, err)
	}
	if text := fmt.Sprintf("%v %+v %#v %v", err, *e, *e, e.Err); strings.Contains(text, marker) || e.Message == "" {
		t.Fatalf("%s: %s", name, text)
	}
}

// FuzzAccountAnswer feeds the answers about people and accounts to all that reads them.
func FuzzAccountAnswer(f *testing.F) {
	for _, body := range []string{
		`{"data":{"id":"2244994945","name":"Blue Bottle Bakery","username":"bluebottlebakery"}}`,
		`{"sub":"ada","name":"Ada","elements":[{"role":"ADMINISTRATOR","state":"APPROVED","organizationalTarget":"urn:li:organization:1","organizationalTarget~":{"localizedName":"\u202eB","vanityName":"b"}}]}`,
		`{"id":"10001","name":" A\u0000 ","data":[{"id":"20001","name":"\ud800","username":"../x","access_token":"` + marker + `"}],"paging":{"cursors":{"after":"a&b"},"next":"https://evil.example"}}`,
		`{"account_id":"30001","account_name":"","lists":[{"id":"a1","name":"\ufffd","subscribe_url_short":"javascript:alert(1)"}],"id":"a1"}`,
		`{"error":{"code":190,"message":"` + marker + `"}}`, `{"type":"https://api.x.com/2/problems/client-forbidden","detail":"` + marker + `"}`,
		`<html>`, `{"elements":null,"lists":[],"data":[]}`, ``,
	} {
		for _, status := range []int{200, 400, 401, 403, 404, 426, 429, 503} {
			f.Add(status, body)
		}
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		status = 200 + ((status-200)%400+400)%400
		tokens := Tokens{AccessToken: marker, Endpoint: "https://us6.api.mailchimp.com"}
		credentials := map[Name]json.RawMessage{
			Twitter:  sealable(TwitterCredential{AccessToken: marker, UserID: "1"}),
			LinkedIn: sealable(LinkedInCredential{AccessToken: marker, Author: "urn:li:organization:1"}),
			Facebook: sealable(FacebookCredential{AccessToken: marker, PageID: "20001"}),
			Mailchimp: sealable(MailchimpCredential{AccessToken: marker, Endpoint: "https://us6.api.mailchimp.com", AccountID: "30001",
				ListID: "a1"}),
		}
		transport := &answering{answer: func(*http.Request) (int, string) { return status, body }}
		for name, connector := range answered(transport) {
			login, err := connector.Login(t.Context(), tokens)
			checkError(t, name, err, Credential, PaymentRequired, RateLimited, Transient)
			if err == nil {
				checkAccount(t, name, login.Account)
			}
			for _, account := range login.Accounts {
				checkAccount(t, name, account.Account)
				if !json.Valid(account.Credential) {
					t.Fatalf("%s: credential", name)
				}
			}
			account, err := connector.Account(t.Context(), credentials[name])
			checkError(t, name, err, Credential, PaymentRequired, RateLimited, Transient)
			if err == nil {
				checkAccount(t, name, account)
			}
			_, err = connector.Account(t.Context(), json.RawMessage(body))
			checkError(t, name, err, Credential, PaymentRequired, RateLimited, Transient)
			_, err = connector.Credentials(t.Context(), tokens, []string{"urn:li:organization:1", "20001", "30001/a1"})
			checkError(t, name, err, Credential, PaymentRequired, RateLimited, Transient)
		}
		for _, req := range transport.asked {
			if host := req.URL.Hostname(); host != "api.x.com" && host != "api.linkedin.com" && host != "graph.facebook.com" && !strings.HasSuffix(host, ".api.mailchimp.com") {
				t.Fatalf("asked %s", host)
			}
		}
	})
}

func checkAccount(t *testing.T, name Name, account Account) {
	t.Helper()
	if account.ExternalID == "" || len(account.ExternalID) > 200 || account.Name == "" || utf8.RuneCountInString(account.Name) > 500 ||
		!utf8.ValidString(account.Name) || strings.ContainsAny(account.Name, "\x00\n\r") || strings.TrimSpace(account.Name) != account.Name {
		t.Fatalf("%s: %q %q", name, account.ExternalID, account.Name)
	}
	if account.URL == "" {
		return
	}
	if u, err := url.Parse(account.URL); err != nil || (u.Scheme != "https" && u.Scheme != "http") || len(account.URL) > maxSiteURL {
		t.Fatalf("%s: %q", name, account.URL)
	}
}

// TestAnswersAreReadWhole: an answer that ends too early is none, and neither is one that is compressed to look small.
func TestAnswersAreReadWhole(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		headers string
		body    func(io.Writer)
		code    string
	}{
		"half":    {"Content-Length: 100", func(w io.Writer) { _, _ = io.WriteString(w, `{"access_token":"a"`) }, ""},
		"headers": {"X-Long: " + strings.Repeat("x", 2*clientMaxHeader), func(io.Writer) {}, ""},
		"gzip": {"Content-Encoding: gzip", func(w io.Writer) {
			zip := gzip.NewWriter(w)
			_, _ = io.WriteString(zip, `{"access_token":"a"}`+strings.Repeat(" ", 64<<20))
			_ = zip.Close()
		}, CodeBadAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				conn, buffer, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = buffer.WriteString("HTTP/1.1 200 OK\r\n" + test.headers + "\r\n\r\n")
				test.body(buffer)
				_ = buffer.Flush()
				_ = conn.Close()
			}))
			defer server.Close()
			connector := NewTwitterConnector(TwitterConfig{APIURL: server.URL})
			_, err := connector.Renew(t.Context(), Tokens{RefreshToken: "r"})
			if e := AsError(err); e.Class != UnknownOutcome || e.Code != test.code {
				t.Errorf("renew: %v", err)
			}
			_, err = connector.Login(t.Context(), Tokens{AccessToken: "a"})
			if e := AsError(err); e.Class != Transient || e.Code != test.code {
				t.Errorf("login: %v", err)
			}
		})
	}
}
