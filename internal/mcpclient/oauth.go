package mcpclient

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/oauthex"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"fanfare/internal/platform"
)

// Registration is this installation as a client of an authorization server. Printing or logging it shows no secret; its JSON
// form, which has it, is for being sealed.
type Registration struct {
	// Issuer is the authorization server that knows the client. It is shown to no other.
	Issuer       string `json:"issuer"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret,omitempty"`
	// AuthMethod is how the client authenticates: "client_secret_post", "client_secret_basic" or "none".
	AuthMethod string `json:"auth_method"`
	// SecretExpiresAt is when the client must have registered anew; zero: never.
	SecretExpiresAt time.Time `json:"secret_expires_at,omitzero"`
}

// Format hides the secret from every verb of package fmt.
func (r Registration) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "client "+r.ClientID) }

// LogValue hides the secret from package slog.
func (r Registration) LogValue() slog.Value { return slog.StringValue("client " + r.ClientID) }

// maxClient bounds a client's id and its secret, in bytes.
const maxClient = 4096

// ClientOf gives the registration of a client that somebody has made by hand at the authorization server. The secret is
// empty where the client has none.
func (m Metadata) ClientOf(clientID, clientSecret string) (Registration, error) {
	registration := Registration{Issuer: m.Issuer, ClientID: clientID, ClientSecret: clientSecret, AuthMethod: m.authMethod(clientSecret != "")}
	if !registration.good() {
		return Registration{}, &platform.Error{Class: platform.Invalid, Code: platform.CodeInvalidClient, Message: "The client id or its secret cannot be one."}
	}
	return registration, nil
}

func (r Registration) good() bool {
	visible := func(text string) bool {
		return len(text) <= maxClient && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' })
	}
	return r.ClientID != "" && visible(r.ClientID) && visible(r.ClientSecret) && slices.Contains(authMethods, r.AuthMethod) &&
		(r.ClientSecret == "") == (r.AuthMethod == "none")
}

// authMethod chooses how to authenticate.
func (m Metadata) authMethod(secret bool) string {
	if !secret {
		return "none"
	}
	for _, method := range m.AuthMethods {
		if method != "none" {
			return method
		}
	}
	return "client_secret_basic"
}

// Register registers this installation as a client (RFC 7591), for one redirect address. clientName is shown to people on
// the consent page. Errors are *platform.Error; CodeNoRegistration: somebody has to make the client there (ClientOf).
func (c *Client) Register(ctx context.Context, m Metadata, redirectURI, clientName string) (Registration, error) {
	if m.RegistrationEndpoint == "" {
		return Registration{}, &platform.Error{Class: platform.Invalid, Code: CodeNoRegistration,
			Message: "The sign-in server does not let clients register by themselves. Have its owner make one, and give its client id."}
	}
	// One with a secret if that can be: a stolen refresh token is of no use without it.
	method := m.authMethod(len(m.AuthMethods) == 0 || m.AuthMethods[0] != "none")
	kind := "web"
	if u, err := url.Parse(redirectURI); err == nil && isLoopback(u.Hostname()) {
		kind = "native" // OpenID Connect Registration allows no loopback for "web"
	}
	round, end := c.begin(ctx)
	defer end()
	made, err := oauthex.RegisterClient(round.ctx, m.RegistrationEndpoint, &oauthex.ClientRegistrationMetadata{
		RedirectURIs: []string{redirectURI}, TokenEndpointAuthMethod: method, GrantTypes: []string{"authorization_code", "refresh_token"},
		ResponseTypes: []string{"code"}, ClientName: clientName, Scope: strings.Join(m.Scopes, " "), ApplicationType: kind,
	}, round.client())
	if err != nil {
		// The package's other errors quote the answer, which may hold the secret.
		var refused *oauthex.ClientRegistrationError
		if errors.As(err, &refused) {
			return Registration{}, &platform.Error{Class: platform.Invalid, Status: http.StatusBadRequest, Code: errorCode(refused.ErrorCode),
				Message: "The sign-in server does not register this installation as a client. Have its owner make one, and give its client id."}
		}
		return Registration{}, round.judge("The sign-in server")
	}
	registration := Registration{
		Issuer: m.Issuer, ClientID: made.ClientID, ClientSecret: made.ClientSecret, AuthMethod: made.TokenEndpointAuthMethod,
		SecretExpiresAt: made.ClientSecretExpiresAt,
	}
	if registration.AuthMethod == "" {
		registration.AuthMethod = method
	}
	if registration.ClientSecret == "" {
		registration.AuthMethod = "none"
	}
	if !registration.good() {
		return Registration{}, &platform.Error{Class: platform.Invalid, Code: platform.CodeBadAnswer, Message: "The sign-in server gave a client that cannot be used."}
	}
	return registration, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

// config is the client for package oauth2. It is an error to show a client to another authorization server than its own.
func (m Metadata) config(r Registration) (oauth2.Config, error) {
	if r.Issuer != m.Issuer || !r.good() {
		return oauth2.Config{}, &platform.Error{Class: platform.Invalid, Code: CodeIssuer,
			Message: "The client was registered at another sign-in server than the one that the server names now. Connect once more."}
	}
	return oauth2.Config{
		ClientID: r.ClientID, ClientSecret: r.ClientSecret, Scopes: m.Scopes,
		Endpoint: oauth2.Endpoint{AuthURL: m.AuthorizationEndpoint, TokenURL: m.TokenEndpoint, AuthStyle: r.authStyle()},
	}, nil
}

func (r Registration) authStyle() oauth2.AuthStyle {
	if r.AuthMethod == "client_secret_basic" {
		return oauth2.AuthStyleInHeader
	}
	return oauth2.AuthStyleInParams
}

// AuthorizeURL is where a person is sent to allow the access. The consent's Verifier is oauth2.GenerateVerifier's; State,
// which comes back, must be as hard to guess.
func (c *Client) AuthorizeURL(m Metadata, r Registration, consent platform.Consent) (string, error) {
	config, err := m.config(r)
	if err != nil {
		return "", err
	}
	if consent.State == "" || len(consent.Verifier) < 43 || consent.RedirectURL == "" {
		return "", errors.New("a consent needs a state, a verifier and a redirect address")
	}
	config.RedirectURL = consent.RedirectURL
	return config.AuthCodeURL(consent.State, oauth2.S256ChallengeOption(consent.Verifier), resourceParam(m)), nil
}

func resourceParam(m Metadata) oauth2.AuthCodeOption {
	return oauth2.SetAuthURLParam("resource", m.Resource)
}

// Exchange redeems the code with which the person's browser came back. issuer is the "iss" of that answer, or "": one of
// another authorization server than was asked is refused before the code is shown to anybody (RFC 9207). Errors are
// *platform.Error.
func (c *Client) Exchange(ctx context.Context, m Metadata, r Registration, consent platform.Consent, code, issuer string) (platform.Tokens, error) {
	config, err := m.config(r)
	if err != nil {
		return platform.Tokens{}, err
	}
	if (issuer == "" && m.AnswersWithIssuer) || (issuer != "" && issuer != m.Issuer) {
		return platform.Tokens{}, &platform.Error{Class: platform.Invalid, Code: CodeIssuer,
			Message: "The answer comes from another sign-in server than was asked. Start connecting once more."}
	}
	config.RedirectURL = consent.RedirectURL
	return c.tokens(ctx, exchanging, func(ctx context.Context) (*oauth2.Token, error) {
		return config.Exchange(ctx, code, oauth2.VerifierOption(consent.Verifier), resourceParam(m))
	})
}

// Refresh gives new tokens for a refresh token, which may be of no use afterwards: an answer without a new one leaves the old
// one in the result. An error of the class UnknownOutcome means that the old one may have been used up. Errors are
// *platform.Error; platform.CodeInvalidGrant: the person must sign in anew.
func (c *Client) Refresh(ctx context.Context, m Metadata, r Registration, refreshToken string) (platform.Tokens, error) {
	if _, err := m.config(r); err != nil {
		return platform.Tokens{}, err
	}
	if refreshToken == "" {
		return platform.Tokens{}, &platform.Error{Class: platform.Credential, Code: platform.CodeInvalidGrant,
			Message: "The server has given no permission that can be renewed. Sign in to it again."}
	}
	// oauth2.Config has no way to send "resource" with a refresh, which the MCP specification demands of every request for
	// tokens. This type, for requests without a person, sends what it is told.
	config := clientcredentials.Config{
		ClientID: r.ClientID, ClientSecret: r.ClientSecret, TokenURL: m.TokenEndpoint, AuthStyle: r.authStyle(),
		EndpointParams: url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}, "resource": {m.Resource}},
	}
	return c.tokens(ctx, renewing, config.Token)
}

// purpose is what a request for tokens is for.
type purpose int

const (
	// exchanging uses up a code.
	exchanging purpose = iota
	// renewing may use up a refresh token.
	renewing
)

// tokens asks a token endpoint.
func (c *Client) tokens(ctx context.Context, p purpose, ask func(context.Context) (*oauth2.Token, error)) (platform.Tokens, error) {
	round, end := c.begin(ctx)
	defer end()
	began := time.Now()
	token, err := ask(context.WithValue(round.ctx, oauth2.HTTPClient, round.client()))
	if err != nil {
		return platform.Tokens{}, round.tokensRefused(p, err)
	}
	tokens, ok := platform.OAuthTokens(token, began)
	if !ok {
		return platform.Tokens{}, round.tokensRefused(p, nil)
	}
	return tokens, nil
}

// tokensRefused judges what went wrong at a token endpoint. The package's own errors go no further: they quote the answer,
// which may hold a token.
func (r *round) tokensRefused(p purpose, err error) *platform.Error {
	last, _, _ := r.result()
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		if e := grantRefused(last, errorCode(refused.ErrorCode)); e != nil {
			return e
		}
	}
	e := r.judge("The sign-in server")
	switch sent := last.err == nil || wasSent(last.err); {
	case p == renewing && (last.status < 300) && sent:
		e.Class, e.Message = platform.UnknownOutcome, "The sign-in server gave no answer that can be understood when the permission was renewed. It may have been renewed or not."
	case p == exchanging && last.status >= 200 && last.status <= 299:
		e.Class, e.Message = platform.Invalid, "The sign-in server gave an answer that cannot be understood. Start connecting once more."
	}
	return e
}

// wasSent tells whether a request without an answer may have reached the server.
func wasSent(err error) bool {
	var refused *platform.Error
	var certificate *tls.CertificateVerificationError
	var op *net.OpError
	notSent := errors.As(err, &refused) || errors.As(err, &certificate) || (errors.As(err, &op) && op.Op == "dial") ||
		errors.Is(err, errTooMany) || errors.Is(err, errOtherServer)
	return !notSent
}

// grantRefused judges an error of RFC 6749, section 5.2; nil: the status says it all.
func grantRefused(a outcome, code string) *platform.Error {
	switch {
	case a.status >= 500 || a.status == http.StatusTooManyRequests || (a.status >= 300 && a.status <= 399):
		return nil
	case code == platform.CodeInvalidGrant:
		return &platform.Error{Class: platform.Credential, Status: a.status, Code: code,
			Message: "The server does not accept the sign-in any more. Sign in to it again."}
	case code == platform.CodeInvalidClient || code == "unauthorized_client":
		return &platform.Error{Class: platform.Credential, Status: a.status, Code: platform.CodeInvalidClient,
			Message: "The sign-in server does not know this installation as a client any more. Connect once more."}
	case code != "":
		return &platform.Error{Class: platform.Invalid, Status: a.status, Code: code,
			Message: "The sign-in server refuses the request (" + code + ")."}
	}
	return nil
}

// errorCodes are those that can be told on: of RFC 6749, 7009, 7591 and 8707.
var errorCodes = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope", "invalid_target",
	"invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement", "unapproved_software_statement", "unsupported_token_type",
	"access_denied", "temporarily_unavailable", "server_error",
}

func errorCode(code string) string {
	if slices.Contains(errorCodes, code) {
		return code
	}
	return ""
}

// Revoke ends at the authorization server what a person has allowed (RFC 7009). It can be repeated. Errors are
// *platform.Error; CodeNoRevocation: the tokens end by themselves only.
func (c *Client) Revoke(ctx context.Context, m Metadata, r Registration, tokens platform.Tokens) error {
	if _, err := m.config(r); err != nil {
		return err
	}
	if m.RevocationEndpoint == "" {
		return &platform.Error{Class: platform.Invalid, Code: CodeNoRevocation,
			Message: "The sign-in server cannot be told to end the permission. End it there."}
	}
	form := url.Values{"token": {tokens.RefreshToken}, "token_type_hint": {"refresh_token"}}
	if tokens.RefreshToken == "" {
		form = url.Values{"token": {tokens.AccessToken}, "token_type_hint": {"access_token"}}
	}
	if r.AuthMethod != "client_secret_basic" {
		form.Set("client_id", r.ClientID)
		if r.ClientSecret != "" {
			form.Set("client_secret", r.ClientSecret)
		}
	}
	round, end := c.begin(ctx)
	defer end()
	req, err := http.NewRequestWithContext(round.ctx, http.MethodPost, m.RevocationEndpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return badMetadata("The address for ending the permission cannot be read.", nil)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if r.AuthMethod == "client_secret_basic" {
		req.SetBasicAuth(url.QueryEscape(r.ClientID), url.QueryEscape(r.ClientSecret)) // RFC 6749, section 2.3.1
	}
	resp, err := round.client().Do(req)
	if err != nil {
		return round.judge("The sign-in server")
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= 200 && resp.StatusCode <= 299 {
		return nil
	}
	var body struct {
		Error string `json:"error"`
	}
	_ = json.NewDecoder(resp.Body).Decode(&body) // what is no JSON has no code
	last, _, _ := round.result()
	switch refused := grantRefused(last, errorCode(body.Error)); {
	case refused == nil:
		return round.judge("The sign-in server")
	case refused.Code == platform.CodeInvalidGrant:
		return nil // it has ended already
	default:
		return refused
	}
}
