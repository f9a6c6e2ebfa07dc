package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// mailchimpService is Mailchimp: no scopes, no PKCE, tokens that never expire and cannot be revoked by clients
// (https://mailchimp.com/developer/marketing/guides/access-user-data-oauth-2/).
var mailchimpService = &oauthService{
	platform: "mailchimp", title: "Mailchimp",
	people: []oauthPerson{
		{ID: "30001", Name: "Northlight", Handle: "northlight", DC: "us6", Pages: []oauthPage{
			{ID: "a1b2c3d4e5", Name: "Bakery newsletter"}, {ID: "b2c3d4e5f6", Name: "Cycles newsletter"},
		}},
		{ID: "30002", Name: "Kite", Handle: "kite", DC: "us21", Pages: []oauthPage{{ID: "c3d4e5f6a7", Name: "Kite letter"}}},
	},
	codeLife:   10 * time.Minute,
	codePrefix: "mc", accessPrefix: "ma",
	checkAuthorize: checkMailchimpAuthorize,
	denied:         consentDenied,
}

func (s *Sandbox) routeMailchimp() {
	s.routeAuthorize("/mailchimp-login/oauth2/authorize", mailchimpService)
	invalid := func(message string) answer { return tokenError(http.StatusBadRequest, "invalid_request", message) }
	s.mux.HandleFunc("POST /mailchimp-login/oauth2/token", s.oauthHandler(oauthEndpoint{
		svc: mailchimpService, step: always("token"), judge: mailchimpToken, invalid: invalid, refuse: tokenFault,
	}))
	s.mux.HandleFunc("GET /mailchimp-login/oauth2/metadata", s.oauthHandler(oauthEndpoint{
		svc: mailchimpService, step: always("metadata"), judge: mailchimpMetadata, invalid: invalid, refuse: tokenFault,
	}))
	api := func(path, step string, judge func(*Sandbox, *oauthState, *oauthRequest, *oauthPerson) answer) {
		s.mux.HandleFunc("GET /mailchimp-api/{dc}/3.0"+path, s.mailchimpConnections(s.oauthHandler(oauthEndpoint{
			svc: mailchimpService, step: always(step), refuse: mailchimpFault,
			invalid: func(message string) answer { return mailchimpProblem(http.StatusBadRequest, "Bad Request", message) },
			judge: func(s *Sandbox, st *oauthState, r *oauthRequest) answer {
				person, refusal := mailchimpPerson(s, st, r.Request)
				if refusal != nil {
					return *refusal
				}
				return judge(s, st, r, person)
			},
		})))
	}
	api("", "me", mailchimpRoot)
	api("/{$}", "me", mailchimpRoot)
	api("/lists", "pages", mailchimpLists)
	api("/lists/{list}", "page", mailchimpList)
	s.routeMailchimpCampaigns()
}

func checkMailchimpAuthorize(r authorizeRequest) *authorizeError {
	if r.responseType != "code" {
		return &authorizeError{code: "unsupported_response_type", message: "The response_type must be code"}
	}
	return nil
}

func mailchimpToken(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	if name := r.form.missing("grant_type", "client_id", "client_secret", "redirect_uri", "code"); name != "" {
		return tokenError(http.StatusBadRequest, "invalid_request", "Missing parameter: "+name)
	}
	if !st.client(r.form["client_id"], r.form["client_secret"]) {
		return tokenError(http.StatusBadRequest, "invalid_client", "The client credentials are invalid")
	}
	if r.form["grant_type"] != "authorization_code" {
		return tokenError(http.StatusBadRequest, "unsupported_grant_type", "The grant_type must be authorization_code")
	}
	grantID, problem := s.redeem(st, r.form["code"], r.form["redirect_uri"], "")
	if problem != codeGood {
		message := "The authorization code is invalid or has expired"
		if problem == codeRedirect {
			message = "The redirect URI does not match that of the authorization request"
		}
		a := tokenError(http.StatusBadRequest, "invalid_grant", message)
		a.changed = problem == codeUsed
		return a
	}
	secret := s.addToken(st, mailchimpService.accessPrefix, grantID, seconds(st.Settings.AccessSeconds, 0), oauthToken{Kind: accessToken})
	a := jsonAnswer(http.StatusOK, "application/json", map[string]any{
		"access_token": secret, "expires_in": st.Settings.AccessSeconds, "scope": nil,
	})
	a.changed = true
	return a
}

// mailchimpMetadata tells which data centre a login belongs to. A token that is not accepted is told in a 200.
func mailchimpMetadata(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	_, grant, problem := s.token(st, bearer(r.Request, "OAuth", "Bearer"), accessToken)
	if problem != tokenGood {
		return tokenError(http.StatusOK, "invalid_token", "The access token provided is invalid or has expired")
	}
	person := mailchimpService.person(grant.Person)
	id, _ := strconv.Atoi(person.ID)
	email := person.Handle + "@example.com"
	return jsonAnswer(http.StatusOK, "application/json", map[string]any{
		"dc": person.DC, "role": "owner", "accountname": person.Name, "user_id": id,
		"login": map[string]any{
			"email": email, "avatar": nil, "login_id": id, "login_name": person.Handle, "login_email": email,
		},
		"login_url": r.base + "/mailchimp-login", "api_endpoint": r.base + "/mailchimp-api/" + person.DC,
	})
}

// mailchimpPerson finds whose token it is. It is good at the data centre of its account only.
func mailchimpPerson(s *Sandbox, st *oauthState, r *http.Request) (*oauthPerson, *answer) {
	secret := bearer(r, "Bearer", "OAuth")
	if _, password, ok := r.BasicAuth(); ok {
		secret = password // any user name
	}
	var refusal answer
	_, grant, problem := s.token(st, secret, accessToken)
	switch {
	case secret == "":
		refusal = mailchimpProblem(http.StatusUnauthorized, "API Key Missing", "Your request did not include an API key.")
	case problem == tokenGood && mailchimpService.person(grant.Person).DC == r.PathValue("dc"):
		return mailchimpService.person(grant.Person), nil
	default:
		refusal = mailchimpProblem(http.StatusUnauthorized, "API Key Invalid",
			"Your API key may be invalid, or you've attempted to access the wrong datacenter.")
	}
	return nil, &refusal
}

func mailchimpRoot(_ *Sandbox, _ *oauthState, r *oauthRequest, person *oauthPerson) answer {
	return mailchimpAnswer(r.query["fields"], map[string]any{
		"account_id": person.ID, "login_id": person.ID, "account_name": person.Name, "username": person.Handle,
		"email": person.Handle + "@example.com", "role": "owner", "account_timezone": "Europe/London",
		"total_subscribers": 0, "_links": []any{},
	})
}

func mailchimpLists(_ *Sandbox, st *oauthState, r *oauthRequest, person *oauthPerson) answer {
	all := st.pages(person)
	count, offset := number(r.query["count"], 10), number(r.query["offset"], 0)
	if count > 1000 {
		return mailchimpProblem(http.StatusBadRequest, "Invalid Resource", "The count must be at most 1000.")
	}
	lists := []any{}
	for _, list := range window(all, offset, count) {
		lists = append(lists, mailchimpListFields(list))
	}
	return mailchimpAnswer(r.query["fields"], map[string]any{
		"lists": lists, "total_items": len(all), "_links": []any{},
		"constraints": map[string]any{"may_create": true, "max_instances": 5, "current_total_instances": len(all)},
	})
}

func mailchimpList(_ *Sandbox, st *oauthState, r *oauthRequest, person *oauthPerson) answer {
	for _, list := range st.pages(person) {
		if list.ID == r.PathValue("list") {
			return mailchimpAnswer(r.query["fields"], mailchimpListFields(list))
		}
	}
	return mailchimpProblem(http.StatusNotFound, "Resource Not Found", "The requested resource could not be found.")
}

func mailchimpListFields(list oauthPage) map[string]any {
	return map[string]any{
		"id": list.ID, "name": list.Name, "permission_reminder": "You signed up at our counter.",
		"campaign_defaults": map[string]any{
			"from_name": list.Name, "from_email": "letters@example.com", "subject": "", "language": "en",
		},
		"stats": map[string]any{"member_count": mailchimpMembers, "campaign_count": 0}, "visibility": "pub",
	}
}

// mailchimpAnswer answers with the fields that the request asks for, all if it names none: paths with dots, which go
// through lists.
func mailchimpAnswer(fields string, body map[string]any) answer {
	if names := words(fields, ","); len(names) > 0 {
		body = pickFields(body, names)
	}
	return jsonAnswer(http.StatusOK, "application/json; charset=utf-8", body)
}

func pickFields(body map[string]any, fields []string) map[string]any {
	picked, deeper := map[string]any{}, map[string][]string{}
	for _, field := range fields {
		name, rest, nested := strings.Cut(field, ".")
		if _, ok := body[name]; !ok {
			continue
		}
		if nested {
			deeper[name] = append(deeper[name], rest)
		} else {
			picked[name] = body[name]
		}
	}
	for name, rest := range deeper {
		switch value := body[name].(type) {
		case map[string]any:
			picked[name] = pickFields(value, rest)
		case []any:
			list := []any{}
			for _, one := range value {
				if fields, ok := one.(map[string]any); ok {
					list = append(list, pickFields(fields, rest))
				}
			}
			picked[name] = list
		}
	}
	return picked
}

// mailchimpProblem is an error of Mailchimp's API (https://mailchimp.com/developer/marketing/docs/errors/).
func mailchimpProblem(status int, title, detail string) answer {
	return jsonAnswer(status, "application/problem+json; charset=utf-8", map[string]any{
		"type": "https://mailchimp.com/developer/marketing/docs/errors/", "title": title, "status": status, "detail": detail,
		"instance": uuid.NewString(),
	})
}

func mailchimpFault(f Fault) answer {
	title := f.ErrorType
	if title == "" {
		title = http.StatusText(f.Status)
	}
	return f.dress(mailchimpProblem(f.Status, title, "Ordered by a sandbox fault."))
}
