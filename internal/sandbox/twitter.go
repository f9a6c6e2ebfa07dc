package sandbox

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// twitterService is X: OAuth 2.0 for a confidential client, with PKCE and rotating refresh tokens
// (https://docs.x.com/fundamentals/authentication/oauth-2-0/authorization-code).
var twitterService = &oauthService{
	platform: "twitter", title: "X",
	people: []oauthPerson{
		{ID: "2244994945", Name: "Blue Bottle Bakery", Handle: "bluebottlebakery"},
		{ID: "2244994946", Name: "Harbour Cycles", Handle: "harbourcycles"},
	},
	scopes: []string{
		"tweet.read", "tweet.write", "tweet.moderate.write", "users.email", "users.read", "follows.read", "follows.write",
		"offline.access", "space.read", "mute.read", "mute.write", "like.read", "like.write", "list.read", "list.write",
		"block.read", "block.write", "bookmark.read", "bookmark.write", "dm.read", "dm.write", "media.write",
	},
	codeLife: 30 * time.Second, accessLife: 2 * time.Hour, refreshLife: 180 * 24 * time.Hour,
	codePrefix: "xc", accessPrefix: "xa", refreshPrefix: "xr",
	checkAuthorize: checkTwitterAuthorize,
	denied:         func(string) url.Values { return url.Values{"error": {"access_denied"}} },
}

// twitterMeLimit and twitterMeWindow are the limit of GET /2/users/me for a person.
const (
	twitterMeLimit  = 75
	twitterMeWindow = 15 * time.Minute
)

// rateWindow counts the requests of a window of time.
type rateWindow struct {
	ends time.Time
	used int
}

func (s *Sandbox) routeTwitter() {
	s.routeAuthorize("/twitter/i/oauth2/authorize", twitterService)
	invalid := func(message string) answer { return tokenError(http.StatusBadRequest, "invalid_request", message) }
	s.mux.HandleFunc("POST /twitter-api/2/oauth2/token", s.oauthHandler(oauthEndpoint{
		svc: twitterService, step: tokenStep, judge: twitterToken, invalid: invalid, refuse: tokenFault,
	}))
	s.mux.HandleFunc("POST /twitter-api/2/oauth2/revoke", s.oauthHandler(oauthEndpoint{
		svc: twitterService, step: always("revoke"), judge: twitterRevoke, invalid: invalid, refuse: tokenFault,
	}))
	s.mux.HandleFunc("GET /twitter-api/2/users/me", s.oauthHandler(oauthEndpoint{
		svc: twitterService, step: always("me"), judge: twitterMe, refuse: twitterFault,
		invalid: func(message string) answer { return twitterProblem(http.StatusBadRequest, "Invalid Request", message) },
	}))
	s.routeTwitterPosts()
}

// tokenStep tells the renewing of tokens from the redeeming of a code.
var tokenStep = oauthStep{names: []string{"token", "refresh"}, of: func(_ *oauthState, r *oauthRequest) string {
	if r.form["grant_type"] == "refresh_token" {
		return "refresh"
	}
	return "token"
}}

var s256Challenge = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// checkTwitterAuthorize: X shows a page of its own for everything that is wrong.
func checkTwitterAuthorize(r authorizeRequest) *authorizeError {
	var message string
	switch {
	case r.responseType != "code":
		message = "The response_type must be code."
	case r.state == "" || len(r.state) > 500:
		message = "The state must have 1 to 500 characters."
	case r.codeChallengeMethod != "S256":
		message = "The code_challenge_method must be S256."
	case !s256Challenge.MatchString(r.codeChallenge):
		message = "The code_challenge is not that of S256."
	case !r.hasScopes:
		message = "The scope is missing."
	case len(r.unknown) > 0:
		message = "Unknown scope: " + r.unknownScopes() + "."
	default:
		return nil
	}
	return &authorizeError{message: message}
}

// twitterClient checks the Basic authentication of a confidential client.
func twitterClient(st *oauthState, r *oauthRequest) *answer {
	id, secret, ok := r.BasicAuth()
	if !ok || !st.client(id, secret) {
		refusal := tokenError(http.StatusUnauthorized, "unauthorized_client", "Missing valid authorization header")
		return &refusal
	}
	return nil
}

func twitterInvalid(description string) answer {
	return tokenError(http.StatusBadRequest, "invalid_request", description)
}

// missing gives the first of the parameters that the form lacks.
func (f oauthForm) missing(names ...string) string {
	for _, name := range names {
		if f[name] == "" {
			return name
		}
	}
	return ""
}

func twitterToken(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	if refusal := twitterClient(st, r); refusal != nil {
		return *refusal
	}
	switch r.form["grant_type"] {
	case "authorization_code":
		return twitterCode(s, st, r)
	case "refresh_token":
		return twitterRefresh(s, st, r)
	case "":
		return twitterInvalid("Missing required parameter [grant_type].")
	}
	return tokenError(http.StatusBadRequest, "unsupported_grant_type", "Value passed for the grant type was invalid.")
}

func twitterCode(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	if name := r.form.missing("code", "redirect_uri", "code_verifier"); name != "" {
		return twitterInvalid("Missing required parameter [" + name + "].")
	}
	grantID, problem := s.redeem(st, r.form["code"], r.form["redirect_uri"], r.form["code_verifier"])
	switch problem {
	case codeGood:
		return twitterTokens(s, st, grantID)
	case codeRedirect:
		return twitterInvalid("Value passed for the redirect uri did not match the uri of the authorization code.")
	case codeVerifier:
		return twitterInvalid("Value passed for the code verifier did not match the code challenge.")
	default:
		a := twitterInvalid("Value passed for the authorization code was invalid.")
		a.changed = problem == codeUsed
		return a
	}
}

// twitterTokens answers with new tokens of a grant.
func twitterTokens(s *Sandbox, st *oauthState, grantID string) answer {
	svc, grant := twitterService, st.Grants[grantID]
	life := seconds(st.Settings.AccessSeconds, svc.accessLife)
	grant.Access = s.addToken(st, svc.accessPrefix, grantID, life, oauthToken{Kind: accessToken})
	body := map[string]any{
		"token_type": "bearer", "expires_in": int(life.Seconds()), "access_token": grant.Access,
		"scope": strings.Join(grant.Scopes, " "),
	}
	if grant.allows("offline.access") {
		grant.Refresh = s.addToken(st, svc.refreshPrefix, grantID, seconds(st.Settings.RefreshSeconds, svc.refreshLife),
			oauthToken{Kind: refreshToken})
		body["refresh_token"] = grant.Refresh
	}
	a := jsonAnswer(http.StatusOK, "application/json; charset=utf-8", body)
	a.changed = true
	return a
}

// twitterRefresh replaces the tokens of a grant.
func twitterRefresh(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	old := r.form["refresh_token"]
	if old == "" {
		return twitterInvalid("Missing required parameter [refresh_token].")
	}
	token, grant, problem := s.token(st, old, refreshToken)
	if problem != tokenGood {
		return twitterInvalid("Value passed for the token was invalid.")
	}
	switch {
	case old == grant.Refresh:
		grant.retire(st, old)
		grant.Previous = old
	case old == grant.Previous && st.Settings.RefreshReuse == "grace":
		// The tokens that were made of it were lost on their way.
		delete(st.Tokens, grant.Access)
		grant.retire(st, grant.Refresh)
	default:
		st.end(token.Grant, s.now())
		a := tokenError(http.StatusBadRequest, "invalid_grant", "Value passed for the token was invalid.")
		a.changed = true
		return a
	}
	return twitterTokens(s, st, token.Grant)
}

// retire remembers a replaced refresh token, and forgets the oldest of many.
func (g *oauthGrant) retire(st *oauthState, refresh string) {
	g.Retired = append(g.Retired, refresh)
	if len(g.Retired) > maxRetired {
		oldest := slices.IndexFunc(g.Retired, func(token string) bool { return token != g.Previous })
		delete(st.Tokens, g.Retired[oldest])
		g.Retired = slices.Delete(g.Retired, oldest, oldest+1)
	}
}

// twitterRevoke ends the grant of a token. As RFC 7009 has it, a token that is not known is no error.
func twitterRevoke(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	if refusal := twitterClient(st, r); refusal != nil {
		return *refusal
	}
	if r.form["token"] == "" {
		return twitterInvalid("Missing required parameter [token].")
	}
	a := jsonAnswer(http.StatusOK, "application/json; charset=utf-8", map[string]bool{"revoked": true})
	if token, _, problem := s.token(st, r.form["token"], accessToken, refreshToken); problem == tokenGood {
		st.end(token.Grant, s.now())
		a.changed = true
	}
	return a
}

func twitterMe(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	secret := bearer(r.Request, "Bearer")
	_, grant, problem := s.token(st, secret, accessToken)
	if problem != tokenGood {
		return twitterProblem(http.StatusUnauthorized, "Unauthorized", "Unauthorized")
	}
	used := grant.Previous != "" && secret == grant.Access
	if used {
		grant.Previous = ""
	}
	if !grant.allows("users.read") || !grant.allows("tweet.read") {
		a := twitterProblem(http.StatusForbidden, "Forbidden", "Forbidden")
		a.changed = used
		return a
	}
	now := s.now()
	window := s.meWindows[grant.Person]
	if !now.Before(window.ends) {
		window = rateWindow{ends: now.Add(twitterMeWindow)}
	}
	limit := twitterMeLimit
	if st.Settings.MeRequests > 0 {
		limit = st.Settings.MeRequests
	}
	person := twitterService.person(grant.Person)
	a := jsonAnswer(http.StatusOK, "application/json; charset=utf-8", map[string]any{"data": map[string]string{
		"id": person.ID, "name": person.Name, "username": person.Handle,
	}})
	if window.used >= limit {
		a = twitterProblem(http.StatusTooManyRequests, "Too Many Requests", "Too Many Requests")
	} else {
		window.used++
	}
	s.meWindows[grant.Person] = window
	a.header.Set("X-Rate-Limit-Limit", strconv.Itoa(limit))
	a.header.Set("X-Rate-Limit-Remaining", strconv.Itoa(limit-window.used))
	a.header.Set("X-Rate-Limit-Reset", strconv.FormatInt(window.ends.Unix(), 10))
	a.changed = used
	return a
}

// twitterProblem is an error of X's API.
func twitterProblem(status int, title, detail string) answer {
	return jsonAnswer(status, "application/problem+json", map[string]any{
		"type": "about:blank", "title": title, "status": status, "detail": detail,
	})
}

func twitterFault(f Fault) answer {
	title := http.StatusText(f.Status)
	if f.ErrorType != "" {
		title = f.ErrorType
	}
	return f.dress(twitterProblem(f.Status, title, "Ordered by a sandbox fault."))
}
