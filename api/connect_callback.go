package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// What came of somebody's way to a platform, as the browser gets it in the query parameter connect.
const (
	resultConnected             = "connected"
	resultChoose                = "choose"
	resultAccessDenied          = "access_denied"
	resultPlatformError         = "platform_error"
	resultStateMissing          = "state_missing"
	resultStateUnknown          = "state_unknown"
	resultStateUsed             = "state_used"
	resultStateExpired          = "state_expired"
	resultWrongPlatform         = "wrong_platform"
	resultWrongBrowser          = "wrong_browser"
	resultIssuerMismatch        = "issuer_mismatch"
	resultCodeMissing           = "code_missing"
	resultCodeRefused           = "code_refused"
	resultPlatformUnavailable   = "platform_unavailable"
	resultPlatformAnswerInvalid = "platform_answer_invalid"
	resultPlatformMisconfigured = "platform_misconfigured"
	resultScopesMissing         = "scopes_missing"
	resultNoAccounts            = "no_accounts"
	resultNotAllowed            = "not_allowed"
	resultUnavailable           = "unavailable"
	resultInternal              = "internal"
)

const (
	// callbackTimeout bounds an answer to a browser that a platform has sent back, and signInTimeout within it how
	// long the platform is asked. http.Server.WriteTimeout is longer.
	callbackTimeout = 35 * time.Second
	signInTimeout   = 28 * time.Second
	// revokeTimeout bounds telling a platform that its tokens are not wanted, which goes on after callbackTimeout;
	// finishTimeout bounds writing down how it ended.
	revokeTimeout = 5 * time.Second
	finishTimeout = 3 * time.Second
	// maxConnectCookies is how many cookies of a browser are tried.
	maxConnectCookies = 20
	// maxLoginAccounts is how many accounts of one login can be chosen from.
	maxLoginAccounts = 1000
)

func (a *API) registerConnectCallback() {
	register(a, huma.Operation{
		OperationID: "oauth-callback", Method: http.MethodGet, Path: "/v1/oauth/{platform}/callback", Tags: []string{"Integrations"},
		Metadata: map[string]any{"public": true, timeoutKey: callbackTimeout},
		Summary:  "Come back from a platform's consent page",
		Description: "For browsers that connect-integration has sent to a platform, with the cookie that it gave them. Whatever happened, they are " +
			"sent on, with the query parameters connect and platform (which is left out for a platform that is not there). connect is one of: connected; choose (choose accounts of connect_session); " +
			"access_denied, scopes_missing, no_accounts (the person's doing); state_missing, state_unknown, state_used, state_expired, wrong_platform, " +
			"wrong_browser, issuer_mismatch, code_missing, code_refused (begin again); platform_error, platform_unavailable, " +
			"platform_answer_invalid (begin again later); platform_misconfigured (the installation's doing); not_allowed; unavailable, internal.",
		DefaultStatus: http.StatusSeeOther, SkipValidateParams: true, // a platform may add what it likes
	}, a.oauthCallback)
}

// CallbackQuery is what a platform sends a browser back with. It is read as it is: a parameter that comes twice, or that
// nobody knows, is no reason to leave a person before a page of JSON.
type CallbackQuery struct {
	State  string `query:"state" doc:"What the platform was given."`
	Code   string `query:"code" doc:"What tokens are given for."`
	Error  string `query:"error" doc:"Why there is no code."`
	Issuer string `query:"iss" doc:"Who answers (RFC 9207)."`

	query   url.Values
	cookies []*http.Cookie
	probe   bool // only the head is asked for
}

var _ huma.Resolver = (*CallbackQuery)(nil)

// Resolve keeps all of the query and the cookies.
func (c *CallbackQuery) Resolve(ctx huma.Context) []error {
	asked := ctx.URL()
	c.query, c.cookies, c.probe = asked.Query(), nil, ctx.Method() != http.MethodGet
	ctx.EachHeader(func(name, value string) {
		if strings.EqualFold(name, "Cookie") {
			// One by one: a cookie of somebody else's that is no proper one does not take the others along.
			c.cookies = append(c.cookies, (&http.Request{Header: http.Header{"Cookie": {value}}}).Cookies()...)
		}
	})
	return nil
}

// only is a parameter that is there once.
func (c *CallbackQuery) only(name string) string {
	if values := c.query[name]; len(values) == 1 {
		return values[0]
	}
	return ""
}

type callbackOutput struct {
	Location  string   `header:"Location" doc:"Where the browser goes on."`
	SetCookie []string `header:"Set-Cookie" doc:"Takes the cookie away that has been used."`
}

// callback is a browser that has come back.
type callback struct {
	a         *API
	in        *CallbackQuery
	name      platform.Name
	connector platform.Connector
	state     string
	stateHash [sha256.Size]byte
	scope     tenant.Scope
	session   queries.ConnectSessionUseRow
	cookie    string // the name of the one that fits
	returnTo  string
}

func (a *API) oauthCallback(ctx context.Context, in *struct {
	Platform string `path:"platform" doc:"The platform."`
	CallbackQuery
}) (*callbackOutput, error) {
	c := &callback{a: a, in: &in.CallbackQuery, name: platform.Name(in.Platform), state: in.only("state"), returnTo: a.defaultReturn()}
	result := c.run(ctx)
	a.log.InfoContext(ctx, "a browser has come back from a platform", "result", result, "connect_session_id", c.session.ID, "request_id", requestID(ctx))
	said := map[string]string{"platform": "", "connect_session": ""}
	if isOAuthPlatform(in.Platform) {
		said["platform"] = in.Platform
	}
	if result == resultChoose {
		said["connect_session"] = c.session.ID.String()
	}
	return c.sendOn(result, said), nil
}

// sendOn sends the browser on: to where it was to go in the end, with the result and what else is said in the query. What is
// said of nothing is not there.
func (c *callback) sendOn(result string, said map[string]string) *callbackOutput {
	u, err := url.Parse(c.returnTo)
	if err != nil { // it was checked when it was stored
		u = &url.URL{Path: resultPath}
	}
	query := u.Query()
	query.Set("connect", result)
	for name, value := range said {
		if query.Del(name); value != "" {
			query.Set(name, value)
		}
	}
	u.RawQuery = query.Encode()
	out := &callbackOutput{Location: u.String()}
	if c.cookie != "" {
		out.SetCookie = []string{c.a.connectCookie(c.cookie, "", 0)}
	}
	return out
}

// begin looks whether there is a state that could be one, and makes the scope of its session. A result ends it.
func (c *callback) begin(ctx context.Context, operation string) (result string) {
	if c.state == "" || c.in.probe {
		return resultStateMissing
	}
	if !isRandomSecret(c.state) {
		return resultStateUnknown
	}
	c.stateHash = sha256.Sum256([]byte(c.state))
	request, _ := ctx.Value(requestKey{}).(tenant.Request)
	request.Operation = operation
	c.scope = tenant.Connect(c.stateHash, request)
	return ""
}

func (c *callback) run(ctx context.Context) (result string) {
	if !isOAuthPlatform(string(c.name)) {
		return resultWrongPlatform
	}
	if result := c.begin(ctx, "oauth-callback"); result != "" {
		return result
	}
	c.connector = c.a.Connectors[c.name]
	if result, err := c.use(ctx); err != nil || result != "" {
		if err != nil {
			result = c.failed(ctx, err)
		}
		return result
	}
	// The state is used up. What follows is brought to its end also if the browser goes away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callbackTimeout)
	defer cancel()
	tokens, login, err := c.signIn(ctx)
	if err != nil {
		result := c.failed(ctx, err)
		c.finish(ctx, result)
		return result
	}
	if len(login.Accounts) == 0 {
		c.revoke(ctx, tokens)
		c.finish(ctx, resultNoAccounts)
		return resultNoAccounts
	}
	result, err = c.store(ctx, tokens, login)
	if err == nil {
		return result
	}
	result = c.failed(ctx, err)
	// Whether what was to be stored is there is not known where the answer to the commit was lost. If the session can
	// still be failed, it is not.
	if failed := c.finish(ctx, result); failed || result == resultNotAllowed {
		c.revoke(ctx, tokens)
	}
	return result
}

// use uses up the state, if it is one of this browser's, and ends the session at once where the platform says that
// there is no sign-in. The result is empty where it goes on.
func (c *callback) use(ctx context.Context) (result string, err error) {
	refused := c.refusal()
	err = c.a.tx(ctx, c.scope, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		result, c.cookie, c.returnTo = "", "", c.a.defaultReturn()
		if allowed, err := q.IntegrationMayCreate(ctx); err != nil || !allowed {
			if err == nil {
				result = resultNotAllowed
			}
			return err
		}
		if err := c.match(ctx, q); err != nil {
			return err
		}
		result, err = c.judge(ctx, q, refused)
		return err
	})
	return result, err
}

// judge gives the result of a session that match has used up, or found not to be usable: refused where it is this browser's.
// It ends the session where that is a result.
func (c *callback) judge(ctx context.Context, q *queries.Queries, refused string) (result string, err error) {
	switch c.session.Outcome {
	case "answered":
		result = refused
	case "used":
		result = resultStateUsed
	case "expired":
		result = resultStateExpired
	case "wrong_platform":
		result = resultWrongPlatform
	case "wrong_browser":
		result = resultWrongBrowser
	default:
		result = resultStateUnknown
	}
	if c.session.ReturnTo != "" {
		c.returnTo = c.session.ReturnTo
	}
	if c.session.Outcome == "expired" || c.session.Outcome == "answered" && refused != "" {
		_, err = q.ConnectSessionFinish(ctx, queries.ConnectSessionFinishParams{ID: c.session.ID, State: "failed", Result: result})
	}
	return result, err
}

// match uses up the state with the cookie that belongs to it, or learns why it cannot be used.
func (c *callback) match(ctx context.Context, q *queries.Queries) (err error) {
	try := func(cookieHash []byte) error {
		c.session, err = q.ConnectSessionUse(ctx, queries.ConnectSessionUseParams{
			StateHash: c.stateHash[:], CookieHash: cookieHash, Platform: string(c.name),
		})
		return err
	}
	tried := 0
	for _, cookie := range slices.Backward(c.in.cookies) { // the newest come last
		if !strings.HasPrefix(cookie.Name, c.a.cookiePrefix()) || !isRandomSecret(cookie.Value) {
			continue
		}
		if tried++; tried > maxConnectCookies {
			break
		}
		hash := sha256.Sum256([]byte(cookie.Value))
		if err := try(hash[:]); err != nil {
			return err
		}
		if c.session.ReturnTo == "" && (c.session.Outcome == "wrong_browser" || c.session.Outcome == "used") {
			continue // it is not this cookie's session
		}
		if c.session.ReturnTo != "" {
			c.cookie = cookie.Name
		}
		return nil
	}
	if tried == 0 {
		return try(make([]byte, sha256.Size)) // no cookie has this hash
	}
	return nil
}

// refusal is why there will be no tokens, by what the platform has sent along; empty where there may be.
func (c *callback) refusal() string {
	if c.connector == nil {
		return resultPlatformMisconfigured
	}
	// Who answers comes before what is answered: an error could be another server's too.
	if issuers := c.in.query["iss"]; len(issuers) > 1 || len(issuers) == 1 && issuers[0] != c.connector.Traits().Issuer {
		return resultIssuerMismatch
	}
	if c.in.query.Has("error") {
		switch c.in.only("error") {
		case "access_denied", "user_cancelled_login", "user_cancelled_authorize": // the latter are LinkedIn's
			return resultAccessDenied
		default:
			return resultPlatformError
		}
	}
	if c.in.only("code") == "" {
		return resultCodeMissing
	}
	return ""
}

// signIn gets the tokens for the code, and asks who has signed in. Tokens of somebody whom the platform then does not
// tell are given back.
func (c *callback) signIn(ctx context.Context) (tokens platform.Tokens, login platform.Login, err error) {
	verifier, err := c.a.Vault.Unseal(c.session.Secret, vault.ConnectSession(c.session.CustomerID, c.session.ID, string(c.name)))
	if err != nil {
		return tokens, login, fmt.Errorf("open verifier: %w", err)
	}
	asking, cancel := context.WithTimeout(ctx, signInTimeout)
	defer cancel()
	consent := platform.Consent{State: c.state, Verifier: string(verifier), RedirectURL: c.session.RedirectUri}
	if tokens, err = c.connector.Exchange(asking, consent, c.in.only("code")); err != nil {
		return tokens, login, err
	}
	if login, err = c.connector.Login(asking, tokens); err == nil {
		login, err = tidyLogin(login)
	}
	if err != nil {
		c.revoke(ctx, tokens)
	}
	return tokens, login, err
}

// tidyLogin makes what a platform says of its people and accounts fit to be stored.
func tidyLogin(login platform.Login) (platform.Login, error) {
	fit := func(account *platform.Account) bool {
		account.Name = clip(account.Name, maxAccountName)
		if account.Name == "" {
			account.Name = account.ExternalID
		}
		if len(account.URL) > maxAccountURL || clip(account.URL, maxAccountURL) != account.URL {
			account.URL = ""
		}
		return account.ExternalID != "" && clip(account.ExternalID, maxExternalID) == account.ExternalID
	}
	good := fit(&login.Account)
	login.Accounts = append([]platform.LoginAccount(nil), login.Accounts[:min(len(login.Accounts), maxLoginAccounts)]...)
	seen := map[string]bool{}
	for i := range login.Accounts {
		account := &login.Accounts[i]
		good = good && fit(&account.Account) && len(account.Credential) > 0 && !seen[account.ExternalID]
		seen[account.ExternalID] = true
	}
	if !good {
		return login, &platform.Error{Class: platform.Transient, Code: platform.CodeBadAnswer, Message: "The platform does not tell its accounts apart."}
	}
	return login, nil
}

// errWithdrawn: the platform was told meanwhile to end every grant of whoever has signed in, and so maybe this one.
var errWithdrawn = &platform.Error{Class: platform.Credential, Code: platform.CodeInvalidGrant, Message: "What was allowed was withdrawn meanwhile."}

// store keeps what a sign-in has given: a single account at once, several until somebody has chosen.
func (c *callback) store(ctx context.Context, tokens platform.Tokens, login platform.Login) (result string, err error) {
	// Somebody else may be storing the same account; then it is there at the second try.
	for range 3 {
		if err = c.a.tx(ctx, c.scope, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
			good, err := q.LoginHold(ctx, queries.LoginHoldParams{ConnectSessionID: c.session.ID, Login: login.ExternalID})
			if err != nil {
				return err
			}
			if !good {
				return errWithdrawn
			}
			if len(login.Accounts) > 1 {
				result = resultChoose
				return c.offer(ctx, q, tokens, login)
			}
			result = resultConnected
			if _, err := c.a.storeLogin(ctx, q, c.session.CustomerID, c.name, signedIn{Tokens: tokens, Login: login}, login.Accounts); err != nil {
				return err
			}
			ended, err := q.ConnectSessionFinish(ctx, queries.ConnectSessionFinishParams{ID: c.session.ID, State: "connected", Result: resultConnected})
			return oneRow(ended, err)
		}); !violates(err, "authorizations_login_key") && !violates(err, "integrations_account_key") && !violates(err, "integrations_default_key") {
			break
		}
	}
	return result, err
}

// oneRow turns a change that concerned nothing into the refusal that it is: the policies left nothing to change.
func oneRow(changed int64, err error) error {
	if err == nil && changed == 0 {
		return forbidden()
	}
	return err
}

// offer keeps tokens and accounts until somebody has chosen among them.
func (c *callback) offer(ctx context.Context, q *queries.Queries, tokens platform.Tokens, login platform.Login) error {
	offered := make([]OfferedAccount, 0, len(login.Accounts))
	for _, account := range login.Accounts {
		offered = append(offered, OfferedAccount{ExternalID: account.ExternalID, Name: account.Name, URL: account.URL, Kind: account.Kind})
	}
	accounts, err := json.Marshal(offered)
	if err != nil {
		return fmt.Errorf("encode accounts: %w", err)
	}
	sealed, keyID, err := c.a.seal(signedIn{Tokens: tokens, Login: login}, vault.ConnectSession(c.session.CustomerID, c.session.ID, string(c.name)))
	if err != nil {
		return err
	}
	kept, err := q.ConnectSessionChoose(ctx, queries.ConnectSessionChooseParams{ID: c.session.ID, Login: login.ExternalID, Accounts: accounts, Secret: sealed, KeyID: &keyID})
	return oneRow(kept, err)
}

// finish writes down how it ended, and tells whether the session has failed by that. It has a context of its own, since
// the request's may be over.
func (c *callback) finish(ctx context.Context, result string) (failed bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTimeout)
	defer cancel()
	err := c.a.tx(ctx, c.scope, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		ended, err := q.ConnectSessionFailAnswered(ctx, queries.ConnectSessionFailAnsweredParams{ID: c.session.ID, Result: result})
		failed = ended == 1
		return err
	})
	if err != nil {
		c.a.log.WarnContext(ctx, "how a connect session ended was not written down", "error", err, "result", result,
			"connect_session_id", c.session.ID, "request_id", requestID(ctx))
	}
	return failed && err == nil
}

// revoke gives tokens back that are not kept, where that ends nothing else.
func (c *callback) revoke(ctx context.Context, tokens platform.Tokens) {
	if c.connector.Traits().Revokes != platform.RevokesGrant {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	if err := c.connector.Revoke(ctx, tokens); err != nil {
		c.a.log.WarnContext(ctx, "tokens that are not kept could not be revoked", "error", err, "platform", c.name,
			"connect_session_id", c.session.ID, "request_id", requestID(ctx))
	}
}

// failed says what an error means for the browser, and writes what the operator should know to the log.
func (c *callback) failed(ctx context.Context, err error) (result string) {
	result = resultOf(err)
	log := c.a.log.WarnContext
	switch result {
	case resultInternal:
		log = c.a.log.ErrorContext
	case resultStateUnknown, resultNotAllowed, resultScopesMissing, resultCodeRefused:
		log = c.a.log.DebugContext
	}
	log(ctx, "an account was not connected", "error", err, "result", result, "platform", c.name,
		"connect_session_id", c.session.ID, "request_id", requestID(ctx))
	return result
}

// resultOf is what an error means for the browser.
func resultOf(err error) string {
	var refused *platform.Error
	var pgErr *pgconn.PgError
	var p *Problem
	switch {
	case errors.Is(err, tenant.ErrNoConnectSession):
		return resultStateUnknown
	case errors.Is(err, tenant.ErrRefused): // says nothing of anybody's rights
		return resultUnavailable
	case errors.Is(err, tenant.ErrNotFound), errors.As(err, &p) && p.Status == http.StatusForbidden,
		errors.As(err, &pgErr) && (pgErr.Code == "42501" || pgErr.Code == "FF004"):
		return resultNotAllowed
	case errors.As(err, &refused):
		return platformResult(refused)
	}
	switch classify(err).Status {
	case http.StatusServiceUnavailable, http.StatusConflict:
		return resultUnavailable
	default:
		return resultInternal
	}
}

// platformResult is what a platform's error means for the browser.
func platformResult(err *platform.Error) string {
	switch err.Code {
	case platform.CodeInvalidGrant:
		return resultCodeRefused
	case platform.CodeInvalidClient:
		return resultPlatformMisconfigured
	case platform.CodeBadAnswer:
		return resultPlatformAnswerInvalid
	case platform.CodeScopes:
		return resultScopesMissing
	}
	switch err.Class {
	case platform.Transient, platform.RateLimited, platform.UnknownOutcome:
		return resultPlatformUnavailable
	default:
		return resultPlatformError
	}
}
