package platform

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"time"
)

// Connector connects accounts of one platform by OAuth 2.0 (RFC 6749): a person signs in at the platform and allows
// it. Like a Publisher it speaks HTTP to its platform and nothing else, sends each request once, and reports every
// failure as an *Error without a secret in it.
type Connector interface {
	// Traits says what the platform has of OAuth.
	Traits() Traits
	// AuthorizeURL is the address of the platform's consent page.
	AuthorizeURL(consent Consent) string
	// Exchange redeems the code with which the platform has sent the browser back. A code is good once: a lost answer
	// is lost. Codes of errors: CodeInvalidGrant, CodeInvalidClient, CodeBadAnswer.
	Exchange(ctx context.Context, consent Consent, code string) (Tokens, error)
	// Login tells who has signed in, and which accounts of theirs can be connected.
	Login(ctx context.Context, tokens Tokens) (Login, error)
	// Renew gives tokens that hold longer. The class of its error decides what follows: Credential (CodeInvalidGrant)
	// that the platform has ended the grant; UnknownOutcome that the answer was lost, so that a platform with
	// single-use refresh tokens may have made new ones; anything else that nothing has changed.
	Renew(ctx context.Context, tokens Tokens) (Tokens, error)
	// Credentials gives what publishing needs for each of the accounts, by their ExternalID. An account that is missing
	// from the answer is not in this login's hands any more.
	Credentials(ctx context.Context, tokens Tokens, accounts []string) (map[string]json.RawMessage, error)
	// Account asks the platform who a credential (of Login or Credentials) belongs to, as Publisher.Account does.
	Account(ctx context.Context, credential json.RawMessage) (Account, error)
	// Revoke tells the platform to end the grant. That it has ended already is no error.
	Revoke(ctx context.Context, tokens Tokens) error
}

// Traits are what a platform has of OAuth.
type Traits struct {
	// PKCE: it takes a code challenge (RFC 7636, S256).
	PKCE bool
	// Issuer is the "iss" that an answer must carry if it carries one (RFC 9207).
	Issuer string
	// Revokes says what Revoke ends.
	Revokes Revocation
	// AsksForCredentials: Credentials asks the platform, so that it can fail like Renew. Elsewhere it only writes the
	// tokens down in another form.
	AsksForCredentials bool
}

// Revocation says what a platform ends when it is told to end a grant.
type Revocation int

const (
	// RevokesNothing says that the platform cannot be told. Its user withdraws the permission there.
	RevokesNothing Revocation = iota
	// RevokesGrant is the grant that the tokens come from, and no other.
	RevokesGrant
	// RevokesLogin is every grant that the same person has given this application, also for other customers.
	RevokesLogin
)

// Consent is one person's way to a platform and back.
type Consent struct {
	// State comes back with the person's browser.
	State string
	// Verifier is the PKCE verifier; platforms without PKCE ignore it.
	Verifier string
	// RedirectURL is where the platform sends the browser: registered there, and compared exactly.
	RedirectURL string
}

// Tokens are what a platform gives for a consent. Printing or logging them shows no token.
type Tokens struct {
	AccessToken string `json:"access_token"`
	// RefreshToken is empty where the platform gave none.
	RefreshToken string `json:"refresh_token,omitempty"`
	// IssuedAt and ExpiresAt bound the access token's life; a zero ExpiresAt: it does not end.
	IssuedAt  time.Time `json:"issued_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// ReconnectBy is when the person must have signed in again, whatever is renewed until then; zero: never.
	ReconnectBy time.Time `json:"reconnect_by,omitzero"`
	// Renewable: Renew can give tokens that hold longer than these.
	Renewable bool     `json:"renewable"`
	Scopes    []string `json:"scopes,omitempty"`
	// Endpoint is where the platform wants this login's requests, for those with several.
	Endpoint string `json:"endpoint,omitempty"`
}

// Format hides the tokens from every verb of package fmt.
func (t Tokens) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "tokens") }

// LogValue hides the tokens from package slog.
func (t Tokens) LogValue() slog.Value { return slog.StringValue("tokens") }

// RenewAt is when the tokens are to be renewed: a quarter of their life before its end, but at most 15 minutes for
// those of hours; zero where there is nothing to renew or it never ends.
func (t Tokens) RenewAt() time.Time {
	if !t.Renewable || t.ExpiresAt.IsZero() {
		return time.Time{}
	}
	life := t.ExpiresAt.Sub(t.IssuedAt)
	if life > 24*time.Hour {
		// A token of weeks is renewed with days to spare: an outage of the platform must not end it.
		return t.ExpiresAt.Add(-min(7*24*time.Hour, life/4))
	}
	return t.ExpiresAt.Add(-min(15*time.Minute, life/4))
}

// RenewAround is RenewAt, by chance up to a tenth of the time from now earlier: what was connected together is not renewed
// together. nil: never.
func (t Tokens) RenewAround(now time.Time) *time.Time {
	at := t.RenewAt()
	if at.IsZero() {
		return nil
	}
	if ahead := at.Sub(now); ahead > 0 {
		at = at.Add(-rand.N(ahead/10 + 1)) //nolint:gosec // chance, not secrecy
	}
	return &at
}

// Login is a person at a platform, with the accounts that they can connect.
type Login struct {
	Account
	// Accounts has one entry at least where there is anything to connect; the first is the most likely choice.
	Accounts []LoginAccount
}

// LogValue hides the credentials from package slog.
func (l Login) LogValue() slog.Value { return slog.StringValue("login " + l.ExternalID) }

// LoginAccount is an account that can be connected, with the credential that publishing on it needs. Printing or logging
// it does not show the credential.
type LoginAccount struct {
	Account
	// Kind says what sort of account it is: "user", "page", "organization" or "audience".
	Kind       string
	Credential json.RawMessage
}

// Format hides the credential from every verb of package fmt.
func (a LoginAccount) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, a.Kind+" "+a.ExternalID)
}

// LogValue hides the credential from package slog.
func (a LoginAccount) LogValue() slog.Value { return slog.StringValue(a.Kind + " " + a.ExternalID) }

// Codes of errors of a Connector.
const (
	// CodeInvalidGrant: the code or refresh token is not good (any more).
	CodeInvalidGrant = "invalid_grant"
	// CodeInvalidClient: the platform does not accept this installation's application as it is configured. It says
	// nothing about the person's grant.
	CodeInvalidClient = "invalid_client"
	// CodeBadAnswer: the platform answered, but not as the protocol has it.
	CodeBadAnswer = "bad_answer"
	// CodeScopes: the person has not allowed everything that is needed.
	CodeScopes = "scopes"
)

// OAuthApp is this installation's application at a platform.
type OAuthApp struct {
	ClientID string
	// ClientSecret is a secret. It has no JSON form, in which package slog would write it.
	ClientSecret string `json:"-"`
}

// Format hides the secret from every verb of package fmt.
func (a OAuthApp) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "application "+a.ClientID) }

// LogValue hides the secret from package slog.
func (a OAuthApp) LogValue() slog.Value { return slog.StringValue("application " + a.ClientID) }

// TwitterConfig says where a platform is and as which application it is spoken to, as LinkedInConfig, FacebookConfig and
// MailchimpConfig do. Addresses have no slash at their end; empty ones are the platform's own.
type TwitterConfig struct {
	App OAuthApp
	// SiteURL has the consent page (https://x.com), APIURL the rest (https://api.x.com).
	SiteURL, APIURL string
	// Settle is for publishing: how long after a request the account's own posts may not show yet what came of it. 0 is half a
	// minute.
	Settle time.Duration
}

// LinkedInConfig is described with TwitterConfig.
type LinkedInConfig struct {
	App OAuthApp
	// SiteURL has consent page and tokens (https://www.linkedin.com), APIURL the rest (https://api.linkedin.com).
	SiteURL, APIURL string
	// Version is the LinkedIn-Version header, YYYYMM.
	Version string
	// Pages asks for the permissions that connecting organizations' pages takes, which LinkedIn gives to approved
	// applications only.
	Pages bool
}

// FacebookConfig is described with TwitterConfig.
type FacebookConfig struct {
	App OAuthApp
	// SiteURL has the consent page (https://www.facebook.com), GraphURL the rest (https://graph.facebook.com; and of videos
	// https://graph-video.facebook.com).
	SiteURL, GraphURL string
	// Version is the Graph API's, such as v26.0.
	Version string
	// Insights asks for the permission that views and clicks of posts take, which Meta must have given the app. A login
	// without it is as good.
	Insights bool
	// Settle is for publishing: how long after a request the page may not show yet what came of it. 0 is half a minute.
	Settle time.Duration
}

// MailchimpConfig is described with TwitterConfig.
type MailchimpConfig struct {
	App OAuthApp
	// LoginURL has consent page and tokens (https://login.mailchimp.com). APIURL is the rest, with {dc} for the data
	// centre of the account (https://{dc}.api.mailchimp.com).
	LoginURL, APIURL string
}

// The credentials that publishing needs, by platform: what Login and Credentials give, as JSON. Each names its account
// by its ExternalID, so that it can be asked about by itself. Printing or logging them shows no token.

// TwitterCredential is for an X account.
type TwitterCredential struct {
	AccessToken string `json:"access_token"`
	UserID      string `json:"user_id"`
}

// Format hides the token from every verb of package fmt.
func (c TwitterCredential) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "X token for "+c.UserID)
}

// LogValue hides the token from package slog.
func (c TwitterCredential) LogValue() slog.Value { return slog.StringValue("X token for " + c.UserID) }

// LinkedInCredential is for a member or an organization, the author of its posts: "urn:li:person:…" or
// "urn:li:organization:…".
type LinkedInCredential struct {
	AccessToken string `json:"access_token"`
	Author      string `json:"author"`
}

// Format hides the token from every verb of package fmt.
func (c LinkedInCredential) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "LinkedIn token for "+c.Author)
}

// LogValue hides the token from package slog.
func (c LinkedInCredential) LogValue() slog.Value {
	return slog.StringValue("LinkedIn token for " + c.Author)
}

// FacebookCredential is for a page, with the page's own token.
type FacebookCredential struct {
	AccessToken string `json:"access_token"`
	PageID      string `json:"page_id"`
}

// Format hides the token from every verb of package fmt.
func (c FacebookCredential) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "Facebook token for page "+c.PageID)
}

// LogValue hides the token from package slog.
func (c FacebookCredential) LogValue() slog.Value {
	return slog.StringValue("Facebook token for page " + c.PageID)
}

// MailchimpCredential is for an audience. Its ExternalID is the account's id, a slash, and the list's.
type MailchimpCredential struct {
	AccessToken string `json:"access_token"`
	Endpoint    string `json:"endpoint"`
	AccountID   string `json:"account_id"`
	ListID      string `json:"list_id"`
}

// Format hides the token from every verb of package fmt.
func (c MailchimpCredential) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "Mailchimp token for "+c.AccountID+"/"+c.ListID)
}

// LogValue hides the token from package slog.
func (c MailchimpCredential) LogValue() slog.Value {
	return slog.StringValue("Mailchimp token for " + c.AccountID + "/" + c.ListID)
}
