package platform

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"

	"golang.org/x/oauth2"
)

const (
	// facebookTokenLife is how long a long-lived user token of Facebook holds.
	facebookTokenLife = 60 * 24 * time.Hour
	// facebookPageSize and facebookMaxPages bound the list of a person's pages.
	facebookPageSize = 100
	facebookMaxPages = 20
)

// FacebookConnector connects Facebook pages:
// https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow. There are no refresh tokens: a token
// that has not ended yet is exchanged for one that holds longer.
type FacebookConnector struct {
	*oauthClient
	siteURL  string
	graphURL string // with the version
}

// NewFacebookConnector makes a FacebookConnector.
func NewFacebookConnector(config FacebookConfig) *FacebookConnector {
	version := cmp.Or(config.Version, "v26.0")
	site := cmp.Or(config.SiteURL, "https://www.facebook.com")
	graph := cmp.Or(config.GraphURL, "https://graph.facebook.com") + "/" + version
	var optional []string
	if config.Insights {
		optional = []string{"read_insights"}
	}
	return &FacebookConnector{siteURL: site, graphURL: graph, oauthClient: &oauthClient{
		title: "Facebook", client: newClient(), optional: optional,
		config: oauth2.Config{
			ClientID: config.App.ClientID, ClientSecret: config.App.ClientSecret,
			Endpoint: oauth2.Endpoint{AuthURL: site + "/" + version + "/dialog/oauth", TokenURL: graph + "/oauth/access_token", AuthStyle: oauth2.AuthStyleInParams},
			Scopes:   append([]string{"pages_show_list", "pages_manage_posts", "pages_read_engagement", "pages_manage_engagement", "business_management"}, optional...),
		},
	}}
}

// Traits says what Facebook has of OAuth.
func (f *FacebookConnector) Traits() Traits {
	return Traits{Issuer: f.siteURL, Revokes: RevokesLogin, AsksForCredentials: true}
}

// AuthorizeURL is the address of the consent page, which asks again for what was declined before.
func (f *FacebookConnector) AuthorizeURL(consent Consent) string {
	return f.authorizeURL(consent, oauth2.SetAuthURLParam("auth_type", "rerequest"))
}

// Exchange redeems a code, exchanges the token of hours that it gives for one of weeks, and checks what was allowed.
func (f *FacebookConnector) Exchange(ctx context.Context, consent Consent, code string) (Tokens, error) {
	short, err := f.token(ctx, exchanging, url.Values{"code": {code}, "redirect_uri": {consent.RedirectURL}})
	if err != nil {
		return Tokens{}, err
	}
	tokens, err := f.longLived(ctx, exchanging, short.AccessToken)
	if err != nil {
		return Tokens{}, err
	}
	tokens.Scopes, err = f.permissions(ctx, tokens.AccessToken)
	return tokens, err
}

// Renew exchanges the token again, as long as it holds.
func (f *FacebookConnector) Renew(ctx context.Context, old Tokens) (Tokens, error) {
	fresh, err := f.longLived(ctx, renewing, old.AccessToken)
	fresh.Scopes = old.Scopes
	return fresh, err
}

func (f *FacebookConnector) longLived(ctx context.Context, p purpose, token string) (Tokens, error) {
	tokens, err := f.token(ctx, p, url.Values{"grant_type": {"fb_exchange_token"}, "fb_exchange_token": {token}})
	tokens.Renewable = err == nil
	return tokens, err
}

// token asks the token endpoint, which takes GET and has its parameters in the query.
func (f *FacebookConnector) token(ctx context.Context, p purpose, query url.Values) (Tokens, error) {
	began := time.Now().UTC()
	query.Set("client_id", f.config.ClientID)
	query.Set("client_secret", f.config.ClientSecret)
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if err := f.get(ctx, p, call{url: f.config.Endpoint.TokenURL + "?" + query.Encode()}, f.refusal, &answer); err != nil {
		return Tokens{}, err
	}
	if !isToken(answer.AccessToken) {
		return Tokens{}, f.badAnswer(p, http.StatusOK)
	}
	return Tokens{AccessToken: answer.AccessToken, IssuedAt: began, ExpiresAt: began.Add(lifetime(answer.ExpiresIn, facebookTokenLife))}, nil
}

// call is a request to the Graph API with a token, and with the proof that the application sends it:
// https://developers.facebook.com/docs/facebook-login/security#proof
func (f *FacebookConnector) call(path string, query url.Values, token string) call {
	query.Set("appsecret_proof", facebookProof(f.config.ClientSecret, token))
	return call{url: f.graphURL + path + "?" + query.Encode(), authorization: bearer(token)}
}

// facebookProof proves that whoever sends a token knows the application's secret.
func facebookProof(secret, token string) string {
	proof := hmac.New(sha256.New, []byte(secret))
	proof.Write([]byte(token))
	return hex.EncodeToString(proof.Sum(nil))
}

// permissions gives what the person has allowed, if that is everything.
func (f *FacebookConnector) permissions(ctx context.Context, token string) ([]string, error) {
	var answer struct {
		Data []struct {
			Permission string `json:"permission"`
			Status     string `json:"status"`
		} `json:"data"`
	}
	if err := f.get(ctx, exchanging, f.call("/me/permissions", url.Values{}, token), f.refusal, &answer); err != nil {
		return nil, err
	}
	if answer.Data == nil {
		return nil, f.badAnswer(exchanging, http.StatusOK)
	}
	var granted []string
	for _, permission := range answer.Data {
		if permission.Status == "granted" && len(granted) < 100 {
			granted = append(granted, foreignText(permission.Permission))
		}
	}
	if len(granted) == 0 {
		return nil, f.scopesMissing()
	}
	return granted, f.needScopes(granted)
}

// Login tells who has signed in, and the pages that they have allowed.
func (f *FacebookConnector) Login(ctx context.Context, tokens Tokens) (Login, error) {
	person, err := f.node(ctx, "me", "id,name", tokens.AccessToken)
	if err != nil {
		return Login{}, err
	}
	pages, _, err := f.pages(ctx, tokens.AccessToken, nil)
	if err != nil {
		return Login{}, err
	}
	person.URL = "" // a person's own page is none of ours
	return Login{Account: person, Accounts: pages}, nil
}

// Credentials gives the pages' own tokens.
func (f *FacebookConnector) Credentials(ctx context.Context, tokens Tokens, accounts []string) (map[string]json.RawMessage, error) {
	if len(accounts) == 0 {
		return map[string]json.RawMessage{}, nil
	}
	pages, whole, err := f.pages(ctx, tokens.AccessToken, accounts)
	if err != nil {
		return nil, err
	}
	return f.credentialsOf(accounts, pages, whole)
}

// Account asks who the credential belongs to.
func (f *FacebookConnector) Account(ctx context.Context, raw json.RawMessage) (Account, error) {
	var credential FacebookCredential
	if err := f.openCredential(raw, &credential); err != nil {
		return Account{}, err
	}
	if !facebookIDPattern.MatchString(credential.PageID) {
		return Account{}, f.unreadable()
	}
	return f.node(ctx, credential.PageID, "id,name,username", credential.AccessToken)
}

// Revoke takes every permission back that the person has given the application.
func (f *FacebookConnector) Revoke(ctx context.Context, tokens Tokens) error {
	c := f.call("/me/permissions", url.Values{}, tokens.AccessToken)
	c.method = http.MethodDelete
	return f.revoke(ctx, f.refusal, c)
}

var facebookIDPattern = regexp.MustCompile(`^[0-9]{1,32}$`)

// facebookNode is a person or a page.
type facebookNode struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Username    string `json:"username"`
	AccessToken string `json:"access_token"`
}

func (f *FacebookConnector) named(node facebookNode) Account {
	return named(node.ID, node.Name, accountURL(f.siteURL, cmp.Or(foreignText(node.Username), node.ID)))
}

func (f *FacebookConnector) node(ctx context.Context, id, fields, token string) (Account, error) {
	var node facebookNode
	if err := f.get(ctx, reading, f.call("/"+id, url.Values{"fields": {fields}}, token), f.refusal, &node); err != nil {
		return Account{}, err
	}
	if !facebookIDPattern.MatchString(node.ID) {
		return Account{}, f.badAnswer(reading, http.StatusOK)
	}
	return f.named(node), nil
}

// pages lists the pages of a person. It stops when it has found all that are wanted, if any are; whole says that it has
// seen the end of the list. The next page is asked for by cursor, never by the address in the answer.
func (f *FacebookConnector) pages(ctx context.Context, token string, wanted []string) (found []LoginAccount, whole bool, err error) {
	query := url.Values{"fields": {"id,name,username,access_token"}, "limit": {strconv.Itoa(facebookPageSize)}}
	for range facebookMaxPages {
		var answer struct {
			Data   []facebookNode `json:"data"`
			Paging struct {
				Cursors struct {
					After string `json:"after"`
				} `json:"cursors"`
				Next string `json:"next"`
			} `json:"paging"`
		}
		if err := f.get(ctx, reading, f.call("/me/accounts", query, token), f.refusal, &answer); err != nil {
			return nil, false, err
		}
		if answer.Data == nil {
			return nil, false, f.badAnswer(reading, http.StatusOK)
		}
		for _, page := range answer.Data {
			// A page without a token is one on which this person can do nothing.
			if !facebookIDPattern.MatchString(page.ID) || !isToken(page.AccessToken) {
				continue
			}
			found = append(found, LoginAccount{Account: f.named(page), Kind: "page",
				Credential: sealable(FacebookCredential{AccessToken: page.AccessToken, PageID: page.ID})})
		}
		after := answer.Paging.Cursors.After
		if answer.Paging.Next == "" || after == "" {
			return found, true, nil
		}
		if foundAll(found, wanted) {
			return found, false, nil
		}
		query.Set("after", after)
	}
	return found, false, nil
}

// facebookError is the body of a refusal:
// https://developers.facebook.com/docs/graph-api/guides/error-handling
type facebookError struct {
	Error *struct {
		Code      int  `json:"code"`
		Subcode   int  `json:"error_subcode"`
		Transient bool `json:"is_transient"`
	} `json:"error"`
}

// Subcodes of 100: a redirect address other than that of the consent page, and an object that is not there for this token.
const (
	facebookRedirectMismatch = 36008
	facebookNoObject         = 33
)

// refusal judges an answer other than 2xx by Facebook's code for it.
func (f *FacebookConnector) refusal(p purpose, a answer) *Error {
	var body facebookError
	decoded := a.decode(&body) && body.Error != nil
	granting := p == exchanging || p == renewing
	switch {
	case decoded && slices.Contains([]int{4, 17, 32, 613, 80001}, body.Error.Code), a.status == http.StatusTooManyRequests:
		e := f.rateLimited(a)
		if at := facebookRegain(a.header, time.Now()); !at.IsZero() {
			e.RetryAt = at
		}
		return e
	case a.status >= 500 || a.status == http.StatusRequestTimeout:
		return f.trouble(a)
	case !decoded:
		return f.badAnswer(p, a.status)
	case body.Error.Transient || body.Error.Code == 2:
		return f.trouble(a)
	}
	switch code := body.Error.Code; {
	case code == 190 || code == 102:
		if p == reading {
			return f.refused(a.status, strconv.Itoa(code))
		}
		return f.grantEnded(p, a.status)
	case code == 100 && p == exchanging && body.Error.Subcode != facebookRedirectMismatch:
		return f.grantEnded(p, a.status)
	case code == 100 && p == reading && body.Error.Subcode == facebookNoObject:
		return f.notTheirs()
	case code == 10 || (code >= 200 && code <= 299):
		return f.refused(a.status, strconv.Itoa(code))
	case granting:
		// 1: the secret is wrong; 101: the application's id; 191 and 100: the redirect address or another parameter.
		return f.misconfigured(a.status, strconv.Itoa(code))
	default:
		e := f.badAnswer(p, a.status)
		e.Code = strconv.Itoa(code)
		return e
	}
}

// facebookRegain reads when access is regained, in minutes, from the header of business use cases; zero if it does not
// say: https://developers.facebook.com/docs/graph-api/overview/rate-limiting
func facebookRegain(header http.Header, now time.Time) time.Time {
	var usage map[string][]struct {
		Minutes int64 `json:"estimated_time_to_regain_access"`
	}
	if json.Unmarshal([]byte(header.Get("X-Business-Use-Case-Usage")), &usage) != nil {
		return time.Time{}
	}
	var most int64
	for _, cases := range usage {
		for _, use := range cases {
			most = max(most, use.Minutes)
		}
	}
	if most == 0 {
		return time.Time{}
	}
	return boundedRetry(now.Add(time.Duration(min(most, int64(maxRetryAfter/time.Minute)))*time.Minute), now)
}
