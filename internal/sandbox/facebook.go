package sandbox

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// facebookService is Facebook: no PKCE and no refresh tokens; short-lived tokens are exchanged for long-lived ones, and
// pages have tokens of their own
// (https://developers.facebook.com/docs/facebook-login/guides/access-tokens/get-long-lived).
var facebookService = &oauthService{
	platform: "facebook", title: "Facebook",
	people: []oauthPerson{
		{ID: "10001", Name: "Ada Lindqvist", Pages: []oauthPage{
			{ID: "20001", Name: "Blue Bottle Bakery", Handle: "bluebottlebakery"},
			{ID: "20002", Name: "Harbour Cycles", Handle: "harbourcycles"},
		}},
		{ID: "10002", Name: "Ben Okafor"},
	},
	scopes: []string{
		"public_profile", "email", "pages_show_list", "pages_manage_posts", "pages_read_engagement",
		"pages_manage_engagement", "pages_manage_metadata", "pages_read_user_content", "business_management", "read_insights",
	},
	optionalScopes: true,
	codeLife:       10 * time.Minute, accessLife: facebookLongLife,
	codePrefix: "AQD", accessPrefix: "EAA",
	checkAuthorize: checkFacebookAuthorize,
	denied: func(string) url.Values {
		return url.Values{
			"error": {"access_denied"}, "error_code": {"200"}, "error_description": {"Permissions error"}, "error_reason": {"user_denied"},
		}
	},
	fragment: "#_=_",
}

// The lives of a person's tokens, fresh from the dialog and after fb_exchange_token.
const (
	facebookShortLife = 90 * time.Minute
	facebookLongLife  = 60 * 24 * time.Hour
)

// Codes and subcodes of Graph API errors
// (https://developers.facebook.com/docs/graph-api/guides/error-handling).
const (
	graphClient     = 1
	graphParameter  = 100
	graphApp        = 101
	graphCredential = 190
	graphPermission = 200
	graphNoToken    = 2500

	graphAppRemoved  = 458
	graphExpired     = 463
	graphNoRole      = 492
	graphNoObject    = 33
	graphCodeExpired = 36007
	graphCodeURI     = 36008
	graphCodeUsed    = 36009
)

func (s *Sandbox) routeFacebook() {
	s.routeAuthorize("/facebook/{version}/dialog/oauth", facebookService)
	graph := func(pattern string, step oauthStep, judge func(*Sandbox, *oauthState, *oauthRequest) answer) {
		method, path, _ := strings.Cut(pattern, " ")
		s.mux.HandleFunc(method+" /facebook-graph/{version}"+path, s.oauthHandler(oauthEndpoint{
			svc: facebookService, step: step, refuse: facebookFault,
			invalid: func(message string) answer { return graphError(graphParameter, 0, "(#100) "+message) },
			judge: func(s *Sandbox, st *oauthState, r *oauthRequest) answer {
				if !graphVersion.MatchString(r.PathValue("version")) {
					return graphError(2635, 0, "(#2635) You are calling a version of the Graph API that does not exist")
				}
				return judge(s, st, r)
			},
		}))
	}
	graph("GET /oauth/access_token", facebookTokenStep, facebookToken)
	graph("POST /oauth/access_token", facebookTokenStep, facebookToken)
	graph("GET /me", always("me"), facebookMe)
	graph("GET /me/permissions", always("permissions"), facebookPermissions)
	graph("DELETE /me/permissions", always("revoke"), facebookRevoke)
	graph("GET /me/accounts", always("pages"), facebookAccounts)
	graph("GET /{page}", facebookNodeStep, facebookNode)
	s.routeFacebookPosts(graph)
}

var graphVersion = regexp.MustCompile(`^v(1[0-9]|2[0-6])\.0$`)

func checkFacebookAuthorize(r authorizeRequest) *authorizeError {
	switch {
	case r.hasResponseType && r.responseType != "code":
		return &authorizeError{message: "The response_type must be code."}
	case len(r.unknown) > 0:
		return &authorizeError{message: "Invalid Scopes: " + r.unknownScopes() + "."}
	}
	return nil
}

// param gives a parameter of the form or of the query: the Graph API takes both.
func (r *oauthRequest) param(name string) string {
	if value := r.form[name]; value != "" {
		return value
	}
	return r.query[name]
}

// facebookTokenStep tells the redeeming of a code ("token"), the first exchange for a long-lived token ("extend") and
// the renewing of a long-lived one ("refresh").
var facebookTokenStep = oauthStep{names: []string{"token", "extend", "refresh"}, of: func(st *oauthState, r *oauthRequest) string {
	if r.param("grant_type") != "fb_exchange_token" {
		return "token"
	}
	if token := st.Tokens[r.param("fb_exchange_token")]; token != nil && !token.Long {
		return "extend"
	}
	return "refresh"
}}

func facebookToken(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	switch {
	case r.param("client_id") == "":
		return graphError(graphApp, 0, "Missing client_id parameter.")
	case st.App == nil || r.param("client_id") != st.App.ID:
		return graphError(graphApp, 0, "Error validating application. Cannot get application info due to a system error.")
	case r.param("client_secret") == "":
		return graphError(graphApp, 0, "Missing client_secret parameter.")
	case !st.client(r.param("client_id"), r.param("client_secret")):
		return graphError(graphClient, 0, "Error validating client secret.")
	}
	switch r.param("grant_type") {
	case "fb_exchange_token":
		return facebookExchange(s, st, r)
	case "", "authorization_code":
		return facebookCode(s, st, r)
	}
	return graphError(graphParameter, 0, "Invalid grant_type: "+r.param("grant_type"))
}

func facebookCode(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	if r.param("redirect_uri") == "" {
		return graphError(graphParameter, 0, "Missing redirect_uri parameter.")
	}
	if r.param("code") == "" {
		return graphError(graphParameter, 0, "Missing authorization code")
	}
	grantID, problem := s.redeem(st, r.param("code"), r.param("redirect_uri"), "")
	switch problem {
	case codeGood:
		return facebookTokens(s, st, grantID, false)
	case codeUsed:
		a := graphError(graphParameter, graphCodeUsed, "This authorization code has been used.")
		a.changed = true
		return a
	case codeExpired:
		return graphError(graphParameter, graphCodeExpired, "This authorization code has expired.")
	case codeRedirect:
		return graphError(graphParameter, graphCodeURI, "Error validating verification code. Please make sure your redirect_uri is "+
			"identical to the one you used in the OAuth dialog request")
	default:
		return graphError(graphParameter, 0, "Invalid verification code format.")
	}
}

// facebookExchange gives a long-lived token for one that has not expired.
func facebookExchange(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	if r.param("fb_exchange_token") == "" {
		return graphError(graphParameter, 0, "Missing fb_exchange_token parameter")
	}
	token, _, refusal := facebookCheck(s, st, r.param("fb_exchange_token"), accessToken)
	if refusal != nil {
		return *refusal
	}
	return facebookTokens(s, st, token.Grant, true)
}

// facebookTokens answers with a token of a person.
func facebookTokens(s *Sandbox, st *oauthState, grantID string, long bool) answer {
	life := facebookShortLife
	if long {
		life = seconds(st.Settings.AccessSeconds, facebookLongLife)
	}
	secret := s.addToken(st, facebookService.accessPrefix, grantID, life, oauthToken{Kind: accessToken, Long: long})
	a := graphAnswer(http.StatusOK, map[string]any{"access_token": secret, "token_type": "bearer", "expires_in": int(life.Seconds())})
	a.changed = true
	return a
}

// facebookCheck finds a token and its grant.
func facebookCheck(s *Sandbox, st *oauthState, secret string, kinds ...string) (*oauthToken, *oauthGrant, *answer) {
	var refusal answer
	token, grant, problem := s.token(st, secret, kinds...)
	switch problem {
	case tokenRevoked:
		refusal = graphError(graphCredential, graphAppRemoved,
			"Error validating access token: The user has not authorized application "+st.App.ID+".")
	case tokenExpired:
		const layout = "Monday, 02-Jan-06 15:04:05 MST"
		refusal = graphError(graphCredential, graphExpired, fmt.Sprintf(
			"Error validating access token: Session has expired on %s. The current time is %s.",
			st.Tokens[secret].Ends.UTC().Format(layout), s.now().UTC().Format(layout)))
	case tokenUnknown:
		refusal = graphError(graphCredential, 0, "Invalid OAuth access token - Cannot parse access token")
	default:
		return token, grant, nil
	}
	return nil, nil, &refusal
}

// facebookGrant finds the grant of the access token, which is in the query or in the Authorization header.
func facebookGrant(s *Sandbox, st *oauthState, r *oauthRequest, kinds ...string) (*oauthToken, *oauthGrant, *answer) {
	secret := r.param("access_token")
	if secret == "" {
		secret = bearer(r.Request, "Bearer", "OAuth")
	}
	if secret == "" {
		refusal := graphError(graphNoToken, 0, "An active access token must be used to query information about the current user.")
		return nil, nil, &refusal
	}
	token, grant, refusal := facebookCheck(s, st, secret, kinds...)
	if refusal != nil {
		return nil, nil, refusal
	}
	if proof := r.param("appsecret_proof"); proof != "" {
		mac := hmac.New(sha256.New, []byte(st.App.Secret))
		mac.Write([]byte(secret))
		if want := hex.EncodeToString(mac.Sum(nil)); !hmac.Equal([]byte(want), []byte(proof)) {
			refused := graphError(graphParameter, 0, "Invalid appsecret_proof provided in the API argument")
			return nil, nil, &refused
		}
	}
	if token.Kind == pageToken && slices.Contains(st.Lost, token.Page) {
		refused := graphError(graphCredential, graphNoRole, "Error validating access token: The user must be an administrator, "+
			"editor, or moderator of the page in order to impersonate it.")
		return nil, nil, &refused
	}
	return token, grant, nil
}

// graphFields picks the fields that the request asks for.
func graphFields(r *oauthRequest, node string, all map[string]any, otherwise ...string) (map[string]any, *answer) {
	names := otherwise
	if wanted := r.query["fields"]; wanted != "" {
		names = append([]string{"id"}, words(wanted, ",")...)
	}
	picked := map[string]any{}
	for _, name := range names {
		value, ok := all[name]
		if !ok {
			refusal := graphError(graphParameter, 0, fmt.Sprintf("(#100) Tried accessing nonexistent field (%s) on node type (%s)", name, node))
			return nil, &refusal
		}
		picked[name] = value
	}
	return picked, nil
}

func graphFieldsAnswer(r *oauthRequest, node string, all map[string]any) answer {
	picked, refusal := graphFields(r, node, all, "id", "name")
	if refusal != nil {
		return *refusal
	}
	return graphAnswer(http.StatusOK, picked)
}

// facebookMe tells who a token belongs to: a person, or a page.
func facebookMe(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	token, grant, refusal := facebookGrant(s, st, r, accessToken, pageToken)
	if refusal != nil {
		return *refusal
	}
	person := facebookService.person(grant.Person)
	if token.Kind == pageToken {
		return graphFieldsAnswer(r, "Page", facebookPageFields(person.page(token.Page)))
	}
	fields := map[string]any{"id": person.ID, "name": person.Name}
	if grant.allows("email") {
		fields["email"] = person.ID + "@example.com"
	}
	return graphFieldsAnswer(r, "User", fields)
}

// page gives a page that the person has or had.
func (p *oauthPerson) page(id string) *oauthPage {
	for i := range p.Pages {
		if p.Pages[i].ID == id {
			return &p.Pages[i]
		}
	}
	return nil
}

func facebookPageFields(page *oauthPage) map[string]any {
	return map[string]any{
		"id": page.ID, "name": page.Name, "username": page.Handle, "link": "https://www.facebook.com/" + page.Handle,
		"category": "Local business", "tasks": []string{"ANALYZE", "ADVERTISE", "MODERATE", "CREATE_CONTENT", "MANAGE"},
	}
}

func facebookPermissions(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	_, grant, refusal := facebookGrant(s, st, r, accessToken)
	if refusal != nil {
		return *refusal
	}
	data := []map[string]string{{"permission": "public_profile", "status": "granted"}}
	for _, scope := range grant.Scopes {
		if scope != "public_profile" {
			data = append(data, map[string]string{"permission": scope, "status": "granted"})
		}
	}
	for _, scope := range grant.Denied {
		data = append(data, map[string]string{"permission": scope, "status": "declined"})
	}
	return graphAnswer(http.StatusOK, map[string]any{"data": data})
}

// facebookRevoke ends every grant of the person for the application.
func facebookRevoke(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	_, grant, refusal := facebookGrant(s, st, r, accessToken)
	if refusal != nil {
		return *refusal
	}
	st.endPerson(grant.Person, s.now())
	a := graphAnswer(http.StatusOK, map[string]any{"success": true})
	a.changed = true
	return a
}

// facebookAccounts lists the person's pages with their tokens.
func facebookAccounts(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	token, grant, refusal := facebookGrant(s, st, r, accessToken)
	if refusal != nil {
		return *refusal
	}
	if !grant.allows("pages_show_list") {
		return graphError(graphPermission, 0, "(#200) Requires pages_show_list permission")
	}
	pages := st.pages(facebookService.person(grant.Person))
	limit := max(1, number(r.query["limit"], 25))
	start := 0
	if after, err := base64.RawURLEncoding.DecodeString(r.query["after"]); err == nil {
		start = number(string(after), 0)
	}
	data, changed := []map[string]any{}, false
	for _, page := range window(pages, start, limit) {
		fields := facebookPageFields(&page)
		secret, issued := s.facebookPageToken(st, token, page.ID)
		fields["access_token"], changed = secret, changed || issued
		picked, refusal := graphFields(r, "Page", fields, "access_token", "category", "name", "id", "tasks")
		if refusal != nil {
			refusal.changed = changed
			return *refusal
		}
		data = append(data, picked)
	}
	body := map[string]any{"data": data}
	if len(data) > 0 {
		cursor := func(at int) string { return base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(at))) }
		paging := map[string]any{"cursors": map[string]string{"before": cursor(start), "after": cursor(start + len(data))}}
		if start+len(data) < len(pages) {
			next := url.Values{"limit": {strconv.Itoa(limit)}, "after": {cursor(start + len(data))}}
			for _, name := range []string{"fields", "access_token"} {
				if r.query[name] != "" {
					next.Set(name, r.query[name])
				}
			}
			paging["next"] = r.base + r.URL.Path + "?" + next.Encode()
		}
		body["paging"] = paging
	}
	a := graphAnswer(http.StatusOK, body)
	a.changed = changed
	return a
}

// facebookPageToken gives the token of a page. That of a long-lived login does not expire, that of a short-lived one ends
// with it; both end with the grant.
func (s *Sandbox) facebookPageToken(st *oauthState, login *oauthToken, page string) (secret string, issued bool) {
	ends := login.Ends
	if login.Long {
		ends = time.Time{}
	}
	for secret, known := range st.Tokens {
		if known.Kind == pageToken && known.Grant == login.Grant && known.Page == page && known.Ends.Equal(ends) {
			return secret, false
		}
	}
	secret = s.addToken(st, facebookService.accessPrefix, login.Grant, 0, oauthToken{Kind: pageToken, Page: page})
	st.Tokens[secret].Ends = ends
	return secret, true
}

// facebookPage tells about a page, to its own token or to a person who administers it.
func facebookPage(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	token, grant, refusal := facebookGrant(s, st, r, accessToken, pageToken)
	if refusal != nil {
		return *refusal
	}
	id, person := r.PathValue("page"), facebookService.person(grant.Person)
	if token.Kind == accessToken && id == person.ID {
		return graphFieldsAnswer(r, "User", map[string]any{"id": person.ID, "name": person.Name})
	}
	administered := slices.ContainsFunc(st.pages(person), func(page oauthPage) bool { return page.ID == id })
	if !administered || (token.Kind == pageToken && token.Page != id) || (token.Kind == accessToken && !grant.allows("pages_show_list")) {
		return graphError(graphParameter, graphNoObject, "Unsupported get request. Object with ID '"+id+"' does not exist, cannot be "+
			"loaded due to missing permissions, or does not support this operation.")
	}
	return graphFieldsAnswer(r, "Page", facebookPageFields(person.page(id)))
}

func graphAnswer(status int, body any) answer {
	a := jsonAnswer(status, "application/json; charset=UTF-8", body)
	a.header.Set("Facebook-Api-Version", "v26.0")
	a.header.Set("X-App-Usage", `{"call_count":1,"total_cputime":1,"total_time":1}`)
	return a
}

// graphError is an error of the Graph API, whose status is 400 for nearly everything.
func graphError(code, subcode int, message string) answer {
	return graphErrorStatus(http.StatusBadRequest, code, subcode, message)
}

func graphErrorStatus(status, code, subcode int, message string) answer {
	fields := map[string]any{"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "A" + randomHex(10)}
	if subcode != 0 {
		fields["error_subcode"] = subcode
	}
	return graphAnswer(status, map[string]any{"error": fields})
}

// facebookFault answers a Fault of kind FaultStatus. An ErrorType of digits, "190" or "190/460", is code and subcode.
func facebookFault(f Fault) answer {
	code, subcode := 1, 0
	switch {
	case f.Status == http.StatusUnauthorized:
		code = graphCredential
	case f.Status == http.StatusForbidden:
		code = graphPermission
	case f.Status == http.StatusTooManyRequests:
		code = 4
	case f.Status >= http.StatusInternalServerError:
		code = 2
	}
	if f.ErrorType != "" {
		first, second, _ := strings.Cut(f.ErrorType, "/")
		code, subcode = number(first, code), number(second, 0)
	}
	return f.dress(graphErrorStatus(f.Status, code, subcode, "Ordered by a sandbox fault."))
}
