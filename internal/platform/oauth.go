package platform

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// oauthClient is what the connectors share: this installation's application at a platform, and the client through
// which it speaks.
type oauthClient struct {
	// title is the platform's name for people.
	title string
	// config has an explicit AuthStyle: finding it out would send a code twice.
	config oauth2.Config
	// optional are those of its scopes without which a login is as good.
	optional []string
	client   *http.Client
	// grantError gives the error code of RFC 6749, section 5.2, that a token endpoint's answer means, or "" where it
	// has none. Nil: the code that the answer names.
	grantError func(purpose, answer) string
}

// Format hides the secret from every verb of package fmt.
func (o *oauthClient) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, o.title+" connector of application "+o.config.ClientID)
}

// LogValue hides the secret from package slog.
func (o *oauthClient) LogValue() slog.Value {
	return slog.StringValue(o.title + " connector of application " + o.config.ClientID)
}

// purpose is what a request is for, which decides what its failure means.
type purpose int

const (
	// reading changes nothing.
	reading purpose = iota
	// exchanging uses up a code.
	exchanging
	// renewing may use up a refresh token.
	renewing
	// revoking ends a grant, and can be repeated.
	revoking
)

// authorizeURL is the consent page's address.
func (o *oauthClient) authorizeURL(consent Consent, options ...oauth2.AuthCodeOption) string {
	config := o.config
	config.RedirectURL = consent.RedirectURL
	return config.AuthCodeURL(consent.State, options...)
}

// exchange redeems a code at the token endpoint.
func (o *oauthClient) exchange(ctx context.Context, consent Consent, code string, options ...oauth2.AuthCodeOption) (*oauth2.Token, error) {
	config := o.config
	config.RedirectURL = consent.RedirectURL
	token, err := config.Exchange(context.WithValue(ctx, oauth2.HTTPClient, o.client), code, options...)
	return o.judged(exchanging, token, err)
}

// refresh uses a refresh token at the token endpoint. Where the answer has no new one, the result has the old one.
func (o *oauthClient) refresh(ctx context.Context, refreshToken string) (*oauth2.Token, error) {
	if refreshToken == "" {
		return nil, &Error{Class: Credential, Code: CodeInvalidGrant,
			Message: o.title + " has given no permission that can be renewed. Connect the account again."}
	}
	source := o.config.TokenSource(context.WithValue(ctx, oauth2.HTTPClient, o.client), &oauth2.Token{RefreshToken: refreshToken})
	token, err := source.Token()
	return o.judged(renewing, token, err)
}

var tokenPattern = regexp.MustCompile(`^[!-~]+$`)

// isToken tells whether a text can be sent as a token. One that cannot stand in a header is none.
func isToken(text string) bool { return len(text) <= 8192 && tokenPattern.MatchString(text) }

// judged makes an *Error of whatever went wrong at the token endpoint. The package's own errors go no further: they
// quote the answer, which may hold a token.
func (o *oauthClient) judged(p purpose, token *oauth2.Token, err error) (*oauth2.Token, error) {
	var refused *oauth2.RetrieveError
	var none *unansweredError
	switch {
	case errors.As(err, &refused):
		return nil, o.grantRefusal(p, answer{status: refused.Response.StatusCode, header: refused.Response.Header, body: refused.Body})
	case errors.As(err, &none):
		return nil, o.noAnswer(p, none)
	case err != nil, !isToken(token.AccessToken),
		token.RefreshToken != "" && !isToken(token.RefreshToken):
		return nil, o.badAnswer(p, http.StatusOK)
	}
	return token, nil
}

// maxTokenLife bounds what a platform says of a token's life, so that a time can always be stored.
const maxTokenLife = 10 * 365 * 24 * time.Hour

// tokens makes Tokens of a token that was asked for at the time began. usual is how long the platform's access tokens
// hold if the answer does not say; 0: they do not end.
func tokens(token *oauth2.Token, began time.Time, usual time.Duration) Tokens {
	t := Tokens{AccessToken: token.AccessToken, RefreshToken: token.RefreshToken, IssuedAt: began.UTC()}
	if life := lifetime(token.ExpiresIn, usual); life > 0 {
		t.ExpiresAt = t.IssuedAt.Add(life)
	}
	if scope, ok := token.Extra("scope").(string); ok {
		t.Scopes = scopes(scope)
	}
	return t
}

// OAuthTokens makes Tokens of a token endpoint's answer to a request that began at the time; false means that they are
// none that can be sent as bearer tokens. ExpiresAt is zero where the answer does not say it.
func OAuthTokens(token *oauth2.Token, began time.Time) (Tokens, bool) {
	if !isToken(token.AccessToken) || (token.RefreshToken != "" && !isToken(token.RefreshToken)) || !strings.EqualFold(token.Type(), "Bearer") {
		return Tokens{}, false
	}
	t := tokens(token, began, 0)
	t.Renewable = t.RefreshToken != ""
	return t, true
}

// lifetime reads a number of seconds; usual stands for one that is missing.
func lifetime(seconds int64, usual time.Duration) time.Duration {
	if seconds <= 0 {
		return usual
	}
	return time.Duration(min(seconds, int64(maxTokenLife/time.Second))) * time.Second
}

// extraSeconds reads a number of seconds that RFC 6749 does not know; 0 where there is none.
func extraSeconds(token *oauth2.Token, name string) int64 {
	switch value := token.Extra(name).(type) {
	case float64:
		return int64(max(0, min(value, maxTokenLife.Seconds())))
	case string:
		seconds, err := strconv.ParseInt(value, 10, 64)
		if err == nil {
			return seconds
		}
	}
	return 0
}

// scopes reads a list with spaces or, as LinkedIn writes it, commas.
func scopes(list string) []string {
	all := strings.FieldsFunc(foreignText(list), func(r rune) bool { return r == ' ' || r == ',' })
	return all[:min(len(all), 100)]
}

// needScopes checks what was granted, where the platform tells it.
func (o *oauthClient) needScopes(granted []string) error {
	if len(granted) == 0 {
		return nil // RFC 6749, section 5.1: the same as was asked for
	}
	for _, scope := range o.config.Scopes {
		if !slices.Contains(granted, scope) && !slices.Contains(o.optional, scope) {
			return o.scopesMissing()
		}
	}
	return nil
}

func (o *oauthClient) scopesMissing() *Error {
	return &Error{Class: Invalid, Code: CodeScopes,
		Message: o.title + " was not allowed everything that is needed. Connect again and allow all that is asked for."}
}

// get asks for something that holds a JSON object, for a purpose. refusal judges an answer other than 2xx.
func (o *oauthClient) get(ctx context.Context, p purpose, c call, refusal func(purpose, answer) *Error, out any) error {
	c.method = http.MethodGet
	a, err := send(ctx, o.client, c)
	if err != nil {
		return o.noAnswer(p, unanswered(err))
	}
	if !a.ok() {
		return refusal(p, a)
	}
	if !a.decode(out) {
		return o.badAnswer(p, a.status)
	}
	return nil
}

// revoke asks a platform to end the grant of a token, as RFC 7009 has it or in the platform's own way. refusal judges an
// answer other than 2xx.
func (o *oauthClient) revoke(ctx context.Context, refusal func(purpose, answer) *Error, c call) error {
	a, err := send(ctx, o.client, c)
	if err != nil {
		return o.noAnswer(revoking, unanswered(err))
	}
	if a.ok() {
		return nil
	}
	refused := refusal(revoking, a)
	if refused.Code == CodeInvalidGrant {
		return nil // it has ended already
	}
	return refused
}

// noAnswer judges a request that was not answered, or not to the end.
func (o *oauthClient) noAnswer(p purpose, e *unansweredError) *Error {
	switch {
	case e.tooLarge():
		return o.badAnswer(p, e.status)
	case e.sent && p == renewing:
		return &Error{Class: UnknownOutcome, Err: e,
			Message: o.title + " gave no answer when the permission was renewed. It may have been renewed or not."}
	case e.sent && p == exchanging:
		return &Error{Class: Transient, Err: e, Message: o.title + " gave no answer. Start connecting once more."}
	}
	return &Error{Class: Transient, Err: e, Message: o.title + " cannot be reached at the moment. Try again later."}
}

// badAnswer judges an answer that is not as the protocol has it, by its status.
func (o *oauthClient) badAnswer(p purpose, status int) *Error {
	e := &Error{Class: Transient, Status: status, Code: CodeBadAnswer,
		Message: o.title + " gave an answer that cannot be understood. Try again later."}
	switch {
	case p == exchanging:
		e.Class, e.Message = Invalid, o.title+" gave an answer that cannot be understood. Start connecting once more."
	case p == renewing && status >= 200 && status <= 299:
		e.Class = UnknownOutcome
		e.Message = o.title + " gave an answer that cannot be understood when the permission was renewed. It may have been renewed or not."
	}
	return e
}

// grantRefusal judges an answer other than 2xx of a token or revocation endpoint.
func (o *oauthClient) grantRefusal(p purpose, a answer) *Error {
	code := namedError(a)
	if o.grantError != nil {
		code = o.grantError(p, a)
	}
	switch {
	case a.status == http.StatusTooManyRequests:
		return o.rateLimited(a)
	case a.status >= 500 || a.status == http.StatusRequestTimeout || code == "server_error" || code == "temporarily_unavailable":
		return o.trouble(a)
	case code == "":
		return o.badAnswer(p, a.status)
	case code == CodeInvalidGrant || (p == revoking && code == "invalid_token"):
		return o.grantEnded(p, a.status)
	}
	return o.misconfigured(a.status, code)
}

// namedError is the code in an answer of the form of RFC 6749, section 5.2; "" if it has none.
func namedError(a answer) string {
	var body struct {
		Error string `json:"error"`
	}
	if !a.decode(&body) {
		return ""
	}
	return known(body.Error)
}

func (o *oauthClient) grantEnded(p purpose, status int) *Error {
	message := o.title + " has ended the permission. Connect the account again."
	if p == exchanging {
		message = o.title + " does not accept the sign-in any more. Start connecting once more."
	}
	return &Error{Class: Credential, Status: status, Code: CodeInvalidGrant, Message: message}
}

func (o *oauthClient) misconfigured(status int, code string) *Error {
	e := &Error{Class: Transient, Status: status, Code: CodeInvalidClient,
		Message: o.title + " does not accept this installation's application as it is set up. Its operator must check the client id, " +
			"the secret, the redirect address and the permissions of the application."}
	if code != "" && code != CodeInvalidClient {
		e.Err = errors.New("the platform's code is " + code)
	}
	return e
}

func (o *oauthClient) trouble(a answer) *Error {
	return &Error{Class: Transient, Status: a.status, RetryAt: retryAt(a.header, time.Now()),
		Message: o.title + " has a problem at the moment. Try again later."}
}

func (o *oauthClient) rateLimited(a answer) *Error {
	return &Error{Class: RateLimited, Status: a.status, RetryAt: resetAt(a.header, time.Now()),
		Message: o.title + " asks to wait. Try again later."}
}

// readRefusal judges an answer other than 2xx to a question with an access token. An answer that is not JSON comes from
// somebody else, and says nothing about the token.
func (o *oauthClient) readRefusal(p purpose, a answer) *Error {
	var object map[string]json.RawMessage
	switch {
	case a.status == http.StatusTooManyRequests:
		return o.rateLimited(a)
	case a.status >= 500 || a.status == http.StatusRequestTimeout:
		return o.trouble(a)
	case !a.decode(&object):
		return o.badAnswer(p, a.status)
	case a.status == http.StatusPaymentRequired:
		return &Error{Class: PaymentRequired, Status: a.status,
			Message: o.title + " does not answer before it is paid. The operator of this installation must act there."}
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		return o.refused(a.status, "")
	}
	return o.badAnswer(p, a.status)
}

// refused is for an access token that the platform does not take.
func (o *oauthClient) refused(status int, code string) *Error {
	return &Error{Class: Credential, Status: status, Code: code,
		Message: o.title + " does not accept the permission any more. Connect the account again."}
}

// notTheirs is for an account that is not in the hands of the login any more.
func (o *oauthClient) notTheirs() *Error {
	return &Error{Class: Credential, Message: "Whoever has connected this account is not allowed to publish on it any more. Connect it again."}
}

// unreadable is for a stored credential that is not one of this platform.
func (o *oauthClient) unreadable() *Error {
	return &Error{Class: Credential, Message: "What was stored for this account cannot be read. Connect the account again."}
}

// openCredential reads a stored credential. Its error does not quote it.
func (o *oauthClient) openCredential(raw json.RawMessage, out any) error {
	if err := json.Unmarshal(raw, out); err != nil {
		return o.unreadable()
	}
	return nil
}

// credentialsOf gives the credentials of those accounts that a platform has listed. One that is missing is not in the
// login's hands any more, if the list was whole; else that is not known.
func (o *oauthClient) credentialsOf(accounts []string, listed []LoginAccount, whole bool) (map[string]json.RawMessage, error) {
	credentials := make(map[string]json.RawMessage, len(accounts))
	for _, account := range listed {
		if slices.Contains(accounts, account.ExternalID) {
			credentials[account.ExternalID] = account.Credential
		}
	}
	if !whole && len(credentials) < len(accounts) {
		return nil, o.badAnswer(reading, http.StatusOK)
	}
	return credentials, nil
}

// foundAll tells whether all that are wanted have been found, where some in particular are.
func foundAll(found []LoginAccount, wanted []string) bool {
	return len(wanted) > 0 && !slices.ContainsFunc(wanted, func(externalID string) bool { return !isAmong(found, externalID) })
}

func isAmong(accounts []LoginAccount, externalID string) bool {
	return slices.ContainsFunc(accounts, func(account LoginAccount) bool { return account.ExternalID == externalID })
}

// sealable makes the JSON form of a credential.
func sealable(credential any) json.RawMessage {
	raw, err := json.Marshal(credential)
	if err != nil {
		panic(err) // structs of strings
	}
	return raw
}

func bearer(token string) string { return "Bearer " + token }

// named makes an account of what a platform says of it.
func named(externalID, name, address string) Account {
	if name = foreignText(name); name == "" {
		name = externalID
	}
	return Account{ExternalID: externalID, Name: name, URL: address}
}
