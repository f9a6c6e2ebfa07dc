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

// linkedinService is LinkedIn: no PKCE, the secret in the form, refresh tokens for approved applications only
// (https://learn.microsoft.com/en-us/linkedin/shared/authentication/authorization-code-flow and programmatic-refresh-tokens).
var linkedinService = &oauthService{
	platform: "linkedin", title: "LinkedIn",
	people: []oauthPerson{
		{ID: "ada-lindqvist", Name: "Ada Lindqvist", Pages: []oauthPage{
			{ID: "1001", Name: "Blue Bottle Bakery", Handle: "blue-bottle-bakery"},
			{ID: "1002", Name: "Harbour Cycles", Handle: "harbour-cycles"},
		}},
		{ID: "ben-okafor", Name: "Ben Okafor"},
	},
	scopes: []string{
		"openid", "profile", "email", "r_basicprofile", "w_member_social", "r_member_social", "w_organization_social",
		"r_organization_social", "rw_organization_admin", "r_organization_admin",
	},
	codeLife: 30 * time.Minute, accessLife: 60 * 24 * time.Hour, refreshLife: 365 * 24 * time.Hour,
	codePrefix: "AQc", accessPrefix: "AQV", refreshPrefix: "AQX",
	checkAuthorize: checkLinkedInAuthorize,
	denied: func(person string) url.Values {
		if person == "" {
			return url.Values{"error": {"user_cancelled_login"}, "error_description": {"The user cancelled LinkedIn login"}}
		}
		return url.Values{"error": {"user_cancelled_authorize"}, "error_description": {"The user cancelled the authorization"}}
	},
}

func (s *Sandbox) routeLinkedIn() {
	s.routeAuthorize("/linkedin/oauth/v2/authorization", linkedinService)
	s.mux.HandleFunc("POST /linkedin/oauth/v2/accessToken", s.oauthHandler(oauthEndpoint{
		svc: linkedinService, step: tokenStep, judge: linkedinToken, invalid: linkedinInvalid, refuse: tokenFault,
	}))
	s.mux.HandleFunc("POST /linkedin/oauth/v2/revoke", s.oauthHandler(oauthEndpoint{
		svc: linkedinService, step: always("revoke"), judge: linkedinRevoke, invalid: linkedinInvalid, refuse: tokenFault,
	}))
	api := func(path, step string, judge func(*Sandbox, *oauthState, *oauthRequest) answer) {
		s.mux.HandleFunc("GET /linkedin-api"+path, s.oauthHandler(oauthEndpoint{
			svc: linkedinService, step: always(step), judge: judge, refuse: linkedinFault,
			invalid: func(message string) answer {
				return linkedinError(http.StatusBadRequest, 100, "ILLEGAL_ARGUMENT", message)
			},
		}))
	}
	api("/v2/userinfo", "me", linkedinUserinfo)
	api("/v2/organizationalEntityAcls", "pages", linkedinAcls)
}

func checkLinkedInAuthorize(r authorizeRequest) *authorizeError {
	switch {
	case r.responseType != "code":
		return &authorizeError{code: "unsupported_response_type", message: "The response_type must be code"}
	case !r.hasScopes:
		return &authorizeError{code: "invalid_request", message: "A required parameter \"scope\" is missing"}
	case len(r.unknown) > 0:
		return &authorizeError{code: "unauthorized_scope_error",
			message: "Scope \"" + r.unknown[0] + "\" is not authorized for your application"}
	}
	return nil
}

func linkedinInvalid(description string) answer {
	return tokenError(http.StatusBadRequest, "invalid_request", description)
}

// linkedinClient checks the client's id and secret in the form.
func linkedinClient(st *oauthState, r *oauthRequest) *answer {
	if name := r.form.missing("client_id", "client_secret"); name != "" {
		refusal := linkedinInvalid("A required parameter \"" + name + "\" is missing")
		return &refusal
	}
	if !st.client(r.form["client_id"], r.form["client_secret"]) {
		refusal := tokenError(http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		return &refusal
	}
	return nil
}

func linkedinToken(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	if r.form["grant_type"] == "" {
		return linkedinInvalid("A required parameter \"grant_type\" is missing")
	}
	if refusal := linkedinClient(st, r); refusal != nil {
		return *refusal
	}
	switch r.form["grant_type"] {
	case "authorization_code":
		if name := r.form.missing("code", "redirect_uri"); name != "" {
			return linkedinInvalid("A required parameter \"" + name + "\" is missing")
		}
		grantID, problem := s.redeem(st, r.form["code"], r.form["redirect_uri"], "")
		if problem == codeGood {
			return linkedinTokens(s, st, grantID)
		}
		a := linkedinInvalid("Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. " +
			"Or authorization code expired. Or external member binding exists")
		if problem == codeUnknown {
			a = linkedinInvalid("Unable to retrieve access token: authorization code not found")
		}
		a.changed = problem == codeUsed
		return a
	case "refresh_token":
		if r.form["refresh_token"] == "" {
			return linkedinInvalid("A required parameter \"refresh_token\" is missing")
		}
		token, _, problem := s.token(st, r.form["refresh_token"], refreshToken)
		if problem != tokenGood {
			return tokenError(http.StatusBadRequest, "invalid_grant",
				"The provided authorization grant or refresh token is invalid, expired or revoked")
		}
		return linkedinTokens(s, st, token.Grant)
	}
	return tokenError(http.StatusBadRequest, "unsupported_grant_type", "The grant_type is not supported")
}

// linkedinTokens answers with a new access token of a grant, and its refresh token if it has one. Using a refresh token
// does not extend its life, and no access token outlives it.
func linkedinTokens(s *Sandbox, st *oauthState, grantID string) answer {
	now := s.now()
	svc, grant := linkedinService, st.Grants[grantID]
	if grant.Access == "" && st.Settings.RefreshTokens != nil && *st.Settings.RefreshTokens {
		grant.Refresh = s.addToken(st, svc.refreshPrefix, grantID, seconds(st.Settings.RefreshSeconds, svc.refreshLife),
			oauthToken{Kind: refreshToken})
	}
	life := seconds(st.Settings.AccessSeconds, svc.accessLife)
	body := map[string]any{"token_type": "Bearer", "scope": strings.Join(grant.Scopes, ",")}
	if grant.Refresh != "" {
		left := st.Tokens[grant.Refresh].Ends.Sub(now)
		life = min(life, left)
		body["refresh_token"], body["refresh_token_expires_in"] = grant.Refresh, int(left.Seconds())
	}
	grant.Access = s.addToken(st, svc.accessPrefix, grantID, life, oauthToken{Kind: accessToken})
	body["access_token"], body["expires_in"] = grant.Access, int(life.Seconds())
	a := jsonAnswer(http.StatusOK, "application/json", body)
	a.changed = true
	return a
}

// linkedinRevoke ends the grant of a token.
func linkedinRevoke(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	if refusal := linkedinClient(st, r); refusal != nil {
		return *refusal
	}
	if r.form["token"] == "" {
		return linkedinInvalid("A required parameter \"token\" is missing")
	}
	token, _, problem := s.token(st, r.form["token"], accessToken, refreshToken)
	switch problem {
	case tokenUnknown:
		return linkedinInvalid("The provided token is invalid")
	case tokenGood:
		st.end(token.Grant, s.now())
	}
	return answer{status: http.StatusOK, header: http.Header{"Cache-Control": {"no-store"}}, changed: problem == tokenGood}
}

// linkedinGrant finds the grant of the access token.
func linkedinGrant(s *Sandbox, st *oauthState, r *oauthRequest) (*oauthGrant, *answer) {
	secret := bearer(r.Request, "Bearer")
	_, grant, problem := s.token(st, secret, accessToken)
	var refusal answer
	switch {
	case secret == "":
		refusal = linkedinError(http.StatusUnauthorized, 65604, "EMPTY_ACCESS_TOKEN", "Empty oauth2 access token")
	case problem == tokenRevoked:
		refusal = linkedinError(http.StatusUnauthorized, 65601, "REVOKED_ACCESS_TOKEN", "The token used in the request has been revoked by the user")
	case problem == tokenExpired:
		refusal = linkedinError(http.StatusUnauthorized, 65602, "EXPIRED_ACCESS_TOKEN", "The token used in the request has expired")
	case problem != tokenGood:
		refusal = linkedinError(http.StatusUnauthorized, 65600, "INVALID_ACCESS_TOKEN", "Invalid access token")
	default:
		return grant, nil
	}
	return nil, &refusal
}

func linkedinUserinfo(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	grant, refusal := linkedinGrant(s, st, r)
	if refusal != nil {
		return *refusal
	}
	if !grant.allows("openid") {
		return linkedinForbidden("GET /userinfo")
	}
	person := linkedinService.person(grant.Person)
	body := map[string]any{"sub": person.ID}
	if grant.allows("profile") {
		given, family, _ := strings.Cut(person.Name, " ")
		body["name"], body["given_name"], body["family_name"] = person.Name, given, family
		body["locale"] = map[string]string{"country": "US", "language": "en"}
	}
	if grant.allows("email") {
		body["email"], body["email_verified"] = person.ID+"@example.com", true
	}
	return jsonAnswer(http.StatusOK, "application/json", body)
}

var linkedinDecoration = regexp.MustCompile(`organizationalTarget~\(([A-Za-z,]*)\)`)

// linkedinAcls lists the organizations that the person administers. The projection decides whether their names are
// there (https://learn.microsoft.com/en-us/linkedin/shared/api-guide/concepts/projections).
func linkedinAcls(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	grant, refusal := linkedinGrant(s, st, r)
	if refusal != nil {
		return *refusal
	}
	if !grant.allows("rw_organization_admin") && !grant.allows("r_organization_admin") {
		return linkedinForbidden("FINDER-roleAssignee /organizationalEntityAcls")
	}
	if r.Header.Get("X-Restli-Protocol-Version") != "2.0.0" {
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "X-Restli-Protocol-Version 2.0.0 is required")
	}
	if r.query["q"] != "roleAssignee" {
		return linkedinError(http.StatusBadRequest, 0, "ILLEGAL_ARGUMENT", "No query finder \""+r.query["q"]+"\"")
	}
	elements := []map[string]any{}
	projection := r.query["projection"]
	decoration := linkedinDecoration.FindStringSubmatch(projection)
	wants := func(field string) bool {
		return projection == "" || strings.Contains(projection, "*,") || strings.Contains(projection, field)
	}
	matches := func(name, value string) bool { return r.query[name] == "" || r.query[name] == value }
	for _, page := range st.pages(linkedinService.person(grant.Person)) {
		if !matches("state", "APPROVED") || !matches("role", "ADMINISTRATOR") {
			continue
		}
		element := map[string]any{"organizationalTarget": "urn:li:organization:" + page.ID}
		if wants("role,") || wants("role)") {
			element["role"] = "ADMINISTRATOR"
		}
		if wants("state") {
			element["state"] = "APPROVED"
		}
		if wants("roleAssignee") {
			element["roleAssignee"] = "urn:li:person:" + grant.Person
		}
		if decoration != nil {
			target := map[string]any{}
			for _, field := range strings.Split(decoration[1], ",") {
				switch field {
				case "localizedName":
					target[field] = page.Name
				case "vanityName":
					target[field] = page.Handle
				case "id":
					id, _ := strconv.Atoi(page.ID)
					target[field] = id
				}
			}
			element["organizationalTarget~"] = target
		}
		elements = append(elements, element)
	}
	start, count := number(r.query["start"], 0), number(r.query["count"], 10)
	body := map[string]any{"elements": window(elements, start, count)}
	if wants("paging") {
		body["paging"] = map[string]any{"start": start, "count": count, "links": []any{}, "total": len(elements)}
	}
	return jsonAnswer(http.StatusOK, "application/json", body)
}

// number reads a number that is not negative, or gives the other.
func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return n
	}
	return otherwise
}

// window gives a part of a list.
func window[T any](list []T, start, count int) []T {
	start = min(start, len(list))
	return slices.Clip(list[start:min(len(list), start+min(count, len(list)))])
}

func linkedinForbidden(resource string) answer {
	return linkedinError(http.StatusForbidden, 100, "ACCESS_DENIED", "Not enough permissions to access: "+resource)
}

// linkedinError is an error of LinkedIn's API.
func linkedinError(status, serviceErrorCode int, code, message string) answer {
	return jsonAnswer(status, "application/json", map[string]any{
		"status": status, "serviceErrorCode": serviceErrorCode, "code": code, "message": message,
	})
}

func linkedinFault(f Fault) answer {
	codes := map[int]string{401: "INVALID_ACCESS_TOKEN", 403: "ACCESS_DENIED", 404: "RESOURCE_NOT_FOUND", 429: "TOO_MANY_REQUESTS", 426: "NONEXISTENT_VERSION"}
	numbers := map[int]int{401: 65600, 403: 100, 429: 101}
	code := f.ErrorType
	if code == "" {
		code = codes[f.Status]
	}
	if code == "" {
		code = "INTERNAL_SERVER_ERROR"
	}
	return f.dress(linkedinError(f.Status, numbers[f.Status], code, "Ordered by a sandbox fault."))
}
