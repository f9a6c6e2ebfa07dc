package sandbox

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// authorizeRequest is a request for consent whose client and redirect are right.
type authorizeRequest struct {
	responseType, state, scope           string
	codeChallenge, codeChallengeMethod   string
	requested, unknown                   []string // scopes
	hasResponseType, hasState, hasScopes bool
}

// authorizeError is a fault in a request for consent: a page for the person, or with a code a redirect.
type authorizeError struct {
	message string
	code    string
}

// routeAuthorize adds a consent page. GET shows it; POST is its form, with the same parameters and
//
//	person    who signs in: an id of the page's radio buttons
//	decision  "allow" or "deny"
//	decline   a scope that is not allowed, where people may choose; can be repeated
func (s *Sandbox) routeAuthorize(path string, svc *oauthService) {
	own := http.NewCrossOriginProtection()
	handler := own.Handler(s.oauthHandler(oauthEndpoint{
		svc: svc, step: always("authorize"), judge: authorize,
		invalid: func(message string) answer { return consentRefused(svc, message) },
		refuse: func(f Fault) answer {
			a := consentRefused(svc, "Ordered by a sandbox fault.")
			a.status = f.Status
			return f.dress(a)
		},
	}))
	s.mux.Handle("GET "+path, handler)
	s.mux.Handle("POST "+path, handler)
}

// consentRefused is the page for a request that cannot be sent back, because nobody knows whose it is.
func consentRefused(svc *oauthService, message string) answer {
	return pageAnswer(http.StatusBadRequest, "refused", map[string]any{"Title": svc.title, "Message": message})
}

// authorize shows the consent page, or acts on its form.
func authorize(s *Sandbox, st *oauthState, r *oauthRequest) answer {
	params := oauthForm{}
	for name, value := range r.query {
		params[name] = value
	}
	for name, value := range r.form {
		params[name] = value
	}
	switch {
	case r.svc == facebookService && !graphVersion.MatchString(r.PathValue("version")):
		return consentRefused(r.svc, "There is no such version of the dialog.")
	case st.App == nil || params["client_id"] != st.App.ID:
		return consentRefused(r.svc, "There is no application with this client_id.")
	case !slices.Contains(st.App.RedirectURIs, params["redirect_uri"]):
		return consentRefused(r.svc, "The redirect_uri does not match one that the application has registered.")
	}
	back := func(values url.Values) answer { return sendBack(r.svc, params, values) }
	request := readAuthorize(r.svc, params)
	if fault := r.svc.checkAuthorize(request); fault != nil {
		if fault.code == "" {
			return consentRefused(r.svc, fault.message)
		}
		return back(url.Values{"error": {fault.code}, "error_description": {fault.message}})
	}
	if r.Method != http.MethodPost {
		return consentPage(st, r, params, request)
	}
	person := r.svc.person(params["person"])
	switch {
	case params["decision"] == "deny":
		return back(r.svc.denied(params["person"]))
	case params["decision"] != "allow":
		return consentRefused(r.svc, "The decision is neither allow nor deny.")
	case person == nil:
		return consentRefused(r.svc, "There is no such person here.")
	}
	granted, denied := request.requested, []string{}
	if r.svc.optionalScopes {
		for _, scope := range words(params["decline"], " ") {
			if at := slices.Index(granted, scope); at >= 0 {
				granted, denied = slices.Delete(slices.Clone(granted), at, at+1), append(denied, scope)
			}
		}
	}
	now := s.now()
	code := s.issue(r.svc.codePrefix)
	st.Codes[code] = &oauthCode{
		Person: person.ID, Scopes: granted, Denied: denied, Redirect: params["redirect_uri"],
		Challenge: request.codeChallenge, Ends: now.Add(seconds(st.Settings.CodeSeconds, r.svc.codeLife)),
	}
	a := back(url.Values{"code": {code}})
	a.changed = true
	return a
}

func readAuthorize(svc *oauthService, params oauthForm) authorizeRequest {
	request := authorizeRequest{
		responseType: params["response_type"], state: params["state"], scope: params["scope"],
	}
	_, request.hasResponseType = params["response_type"]
	_, request.hasState = params["state"]
	if svc == twitterService {
		request.codeChallenge, request.codeChallengeMethod = params["code_challenge"], params["code_challenge_method"]
	}
	separators := " "
	if svc == facebookService {
		separators = ", "
	}
	for _, scope := range words(params["scope"], separators) {
		if slices.Contains(request.requested, scope) {
			continue
		}
		request.requested = append(request.requested, scope)
		if !slices.Contains(svc.scopes, scope) {
			request.unknown = append(request.unknown, scope)
		}
	}
	request.hasScopes = len(request.requested) > 0
	return request
}

// sendBack redirects the browser to the client, with the client's own query, the values and the state.
func sendBack(svc *oauthService, params oauthForm, values url.Values) answer {
	target, err := url.Parse(params["redirect_uri"])
	if err != nil {
		return consentRefused(svc, "The redirect_uri cannot be read.")
	}
	if state, ok := params["state"]; ok {
		values.Set("state", state)
	}
	if target.RawQuery != "" {
		target.RawQuery += "&"
	}
	target.RawQuery += values.Encode()
	return answer{status: http.StatusFound, header: http.Header{
		"Location": {target.String() + svc.fragment}, "Cache-Control": {"no-store"}, "Referrer-Policy": {"no-referrer"},
	}}
}

// consentPage asks the person.
func consentPage(st *oauthState, r *oauthRequest, params oauthForm, request authorizeRequest) answer {
	type shownPerson struct {
		ID, Name, Handle string
		Pages            []oauthPage
		Chosen           bool
	}
	people := []shownPerson{}
	for i, person := range r.svc.people {
		people = append(people, shownPerson{ID: person.ID, Name: person.Name, Handle: person.Handle,
			Pages: st.pages(&person), Chosen: i == 0})
	}
	hidden := url.Values{}
	for name, value := range params {
		if !slices.Contains([]string{"person", "decision", "decline"}, name) {
			hidden.Set(name, value)
		}
	}
	client := params["redirect_uri"]
	if u, err := url.Parse(client); err == nil {
		client = u.Host
	}
	return pageAnswer(http.StatusOK, "consent", map[string]any{
		"Title": "Sign in with " + r.svc.title, "Platform": r.svc.title, "Client": client, "ClientID": st.App.ID,
		"Action": r.URL.EscapedPath(), "Hidden": hidden, "People": people, "Scopes": request.requested,
		"Optional": r.svc.optionalScopes,
	})
}

// showPeople shows who can sign in and which applications there are.
func (s *Sandbox) showPeople(w http.ResponseWriter, r *http.Request) {
	type shownPage struct {
		oauthPage
		Lost bool
	}
	type shownPerson struct {
		ID, Name, Handle string
		Pages            []shownPage
		Grants           int
	}
	type shownService struct {
		Title, Platform, ClientID string
		RedirectURIs              []string
		People                    []shownPerson
	}
	services := []shownService{}
	s.mu.Lock()
	for _, svc := range oauthServices {
		st := s.oauth(svc)
		service := shownService{Title: svc.title, Platform: svc.platform}
		if st.App != nil {
			service.ClientID, service.RedirectURIs = st.App.ID, slices.Clone(st.App.RedirectURIs)
		}
		for _, person := range svc.people {
			one := shownPerson{ID: person.ID, Name: person.Name, Handle: person.Handle}
			for _, page := range person.Pages {
				one.Pages = append(one.Pages, shownPage{oauthPage: page, Lost: slices.Contains(st.Lost, page.ID)})
			}
			for _, grant := range st.Grants {
				if grant.Person == person.ID && grant.Ended.IsZero() {
					one.Grants++
				}
			}
			service.People = append(service.People, one)
		}
		services = append(services, service)
	}
	s.mu.Unlock()
	pageAnswer(http.StatusOK, "people", map[string]any{
		"Title": "People and applications", "Services": services, "MCP": s.mcpServers(baseURL(r)), "MCPPeople": mcpPeople,
	}).write(w)
}

// consentDenied is how most platforms say that the person did not allow it.
func consentDenied(string) url.Values {
	return url.Values{"error": {"access_denied"}, "error_description": {"The user denied the request"}}
}

// unknownScopes names them for a message.
func (r authorizeRequest) unknownScopes() string { return strings.Join(r.unknown, ", ") }
