package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// twitterTokenLife is how long an access token of X holds.
const twitterTokenLife = 2 * time.Hour

// TwitterConnector connects accounts of X:
// https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code. Its refresh tokens are good once.
type TwitterConnector struct {
	*oauthClient
	siteURL, apiURL string
}

// NewTwitterConnector makes a TwitterConnector.
func NewTwitterConnector(config TwitterConfig) *TwitterConnector {
	site, api := cmp.Or(config.SiteURL, "https://x.com"), cmp.Or(config.APIURL, "https://api.x.com")
	return &TwitterConnector{siteURL: site, apiURL: api, oauthClient: &oauthClient{
		title: "X", client: newClient(), grantError: twitterGrantError,
		config: oauth2.Config{
			ClientID: config.App.ClientID, ClientSecret: config.App.ClientSecret,
			Endpoint: oauth2.Endpoint{AuthURL: site + "/i/oauth2/authorize", TokenURL: api + "/2/oauth2/token", AuthStyle: oauth2.AuthStyleInHeader},
			Scopes:   []string{"tweet.read", "tweet.write", "users.read", "media.write", "offline.access"},
		},
	}}
}

// Traits says what X has of OAuth.
func (t *TwitterConnector) Traits() Traits {
	return Traits{PKCE: true, Issuer: t.siteURL, Revokes: RevokesGrant}
}

// AuthorizeURL is the address of the consent page.
func (t *TwitterConnector) AuthorizeURL(consent Consent) string {
	return t.authorizeURL(consent, oauth2.S256ChallengeOption(consent.Verifier))
}

// Exchange redeems a code.
func (t *TwitterConnector) Exchange(ctx context.Context, consent Consent, code string) (Tokens, error) {
	began := time.Now()
	token, err := t.exchange(ctx, consent, code, oauth2.VerifierOption(consent.Verifier))
	if err != nil {
		return Tokens{}, err
	}
	return t.granted(exchanging, token, began)
}

// Renew uses the refresh token, which is used up by that.
func (t *TwitterConnector) Renew(ctx context.Context, old Tokens) (Tokens, error) {
	began := time.Now()
	token, err := t.refresh(ctx, old.RefreshToken)
	if err != nil {
		return Tokens{}, err
	}
	return t.granted(renewing, token, began)
}

func (t *TwitterConnector) granted(p purpose, token *oauth2.Token, began time.Time) (Tokens, error) {
	fresh := tokens(token, began, twitterTokenLife)
	// Fewer scopes than before are found out when they are missed: the new refresh token must be kept in any case.
	if p == exchanging {
		if err := t.needScopes(fresh.Scopes); err != nil {
			return Tokens{}, err
		}
	}
	fresh.Renewable = fresh.RefreshToken != ""
	return fresh, nil
}

// Login tells who has signed in: X has one account per login.
func (t *TwitterConnector) Login(ctx context.Context, tokens Tokens) (Login, error) {
	account, err := t.me(ctx, tokens.AccessToken)
	if err != nil {
		return Login{}, err
	}
	return Login{Account: account, Accounts: []LoginAccount{{
		Account: account, Kind: "user",
		Credential: sealable(TwitterCredential{AccessToken: tokens.AccessToken, UserID: account.ExternalID}),
	}}}, nil
}

// Credentials needs no request: the account is the login's own.
func (t *TwitterConnector) Credentials(_ context.Context, tokens Tokens, accounts []string) (map[string]json.RawMessage, error) {
	credentials := make(map[string]json.RawMessage, len(accounts))
	for _, id := range accounts {
		credentials[id] = sealable(TwitterCredential{AccessToken: tokens.AccessToken, UserID: id})
	}
	return credentials, nil
}

// Account asks who the credential belongs to.
func (t *TwitterConnector) Account(ctx context.Context, raw json.RawMessage) (Account, error) {
	var credential TwitterCredential
	if err := t.openCredential(raw, &credential); err != nil {
		return Account{}, err
	}
	return t.me(ctx, credential.AccessToken)
}

// Revoke ends the grant.
func (t *TwitterConnector) Revoke(ctx context.Context, tokens Tokens) error {
	basic := &http.Request{Header: http.Header{}}
	// RFC 6749, section 2.3.1: both are form-encoded first.
	basic.SetBasicAuth(url.QueryEscape(t.config.ClientID), url.QueryEscape(t.config.ClientSecret))
	form := url.Values{"token": {tokens.AccessToken}, "token_type_hint": {"access_token"}}
	if tokens.RefreshToken != "" {
		form = url.Values{"token": {tokens.RefreshToken}, "token_type_hint": {"refresh_token"}}
	}
	return t.revoke(ctx, t.grantRefusal, call{method: http.MethodPost, url: t.apiURL + "/2/oauth2/revoke", form: form, authorization: basic.Header.Get("Authorization")})
}

var twitterIDPattern = regexp.MustCompile(`^[0-9]{1,20}$`)

func (t *TwitterConnector) me(ctx context.Context, token string) (Account, error) {
	var answer struct {
		Data struct {
			ID       string `json:"id"`
			Name     string `json:"name"`
			Username string `json:"username"`
		} `json:"data"`
	}
	err := t.get(ctx, reading, call{url: t.apiURL + "/2/users/me", authorization: bearer(token)}, t.refusal, &answer)
	if err != nil {
		return Account{}, err
	}
	if !twitterIDPattern.MatchString(answer.Data.ID) {
		return Account{}, t.badAnswer(reading, http.StatusOK)
	}
	return named(answer.Data.ID, answer.Data.Name, accountURL(t.siteURL, answer.Data.Username)), nil
}

// refusal knows X's problem types, such as https://api.twitter.com/2/problems/client-forbidden: the application, not
// the person, may not ask this.
func (t *TwitterConnector) refusal(p purpose, a answer) *Error {
	var problem struct {
		Type string `json:"type"`
	}
	if a.decode(&problem) && a.status == http.StatusForbidden {
		if kind := path.Base(problem.Type); kind == "client-forbidden" || kind == "oauth1-permissions" {
			return t.misconfigured(a.status, strings.ReplaceAll(kind, "-", "_"))
		}
	}
	return t.readRefusal(p, a)
}

// twitterGrantError: X answers invalid_request, "Value passed for the token was invalid", where a refresh token is used
// up or ended, and the same for a code. What is wrong with the application has codes of its own.
func twitterGrantError(_ purpose, a answer) string {
	if code := namedError(a); code != "invalid_request" {
		return code
	}
	return CodeInvalidGrant
}
