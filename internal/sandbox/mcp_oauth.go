package sandbox

import (
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// mcpScopes are those that the authorization servers of MCP servers know. The first one is what using a server takes.
var mcpScopes = []string{"tools", "offline_access"}

// Lives of what an authorization server issues.
const (
	mcpCodeLife    = 5 * time.Minute
	mcpAccessLife  = time.Hour
	mcpRefreshLife = 30 * 24 * time.Hour
)

// maxMCPClients bounds how many clients may register at one server.
const maxMCPClients = 1000

// mcpPeople have an account at every MCP server behind OAuth.
var mcpPeople = []oauthPerson{
	{ID: "nora", Name: "Nora Haddad", Handle: "nora"},
	{ID: "otto", Name: "Otto Brandt", Handle: "otto"},
}

// mcpClient is a client of an authorization server.
type mcpClient struct {
	Name         string   `json:"name,omitempty"`
	Secret       string   `json:"secret,omitempty"`
	AuthMethod   string   `json:"auth_method"`
	RedirectURIs []string `json:"redirect_uris"`
}

// The ways in which a client authenticates at a token endpoint (RFC 7591, section 2).
const (
	authNone  = "none"
	authPost  = "client_secret_post"
	authBasic = "client_secret_basic"
)

// AddMCPClient registers a client at the authorization server of an MCP server by hand, one with a secret that it sends in
// the body. It panics if there is no such server, it is not behind OAuth, or the state cannot be saved.
func (s *Sandbox) AddMCPClient(name string, redirectURIs ...string) (clientID, clientSecret string) {
	client, err := s.addMCPClient(name, redirectURIs)
	if err != nil {
		panic("sandbox: add client at MCP server " + name + ": " + err.Error())
	}
	return client.id, client.Secret
}

// madeClient is a client with its id.
type madeClient struct {
	mcpClient
	id string
}

func (s *Sandbox) addMCPClient(name string, redirectURIs []string) (made madeClient, err error) {
	if !goodRedirects(redirectURIs) {
		return made, errRedirect
	}
	wrong := false
	err = s.changeMCP(name, func(server *mcpServer) {
		if wrong = server.Kind != MCPOAuth; !wrong {
			made = s.newMCPClient(server, mcpClient{AuthMethod: authPost, RedirectURIs: redirectURIs})
		}
	})
	if err == nil && wrong {
		err = errMCPServer
	}
	return made, err
}

// newMCPClient gives a client its id, and a secret unless it has none. The caller holds s.mu.
func (s *Sandbox) newMCPClient(server *mcpServer, client mcpClient) madeClient {
	if client.AuthMethod != authNone {
		client.Secret = s.issue("mcs-")
	}
	if server.Clients == nil {
		server.Clients = map[string]*mcpClient{}
	}
	made := madeClient{mcpClient: client, id: "mcpc-" + randomHex(8)}
	server.Clients[made.id] = &client
	return made
}

// goodRedirects: https, or http on this machine (OAuth 2.1, section 2.3.1), and no fragment.
func goodRedirects(addresses []string) bool {
	return len(addresses) > 0 && !slices.ContainsFunc(addresses, func(address string) bool {
		u, err := url.Parse(address)
		local := err == nil && slices.Contains([]string{"127.0.0.1", "::1", "localhost"}, u.Hostname())
		return err != nil || u.Host == "" || strings.Contains(address, "#") || (u.Scheme != "https" && (u.Scheme != "http" || !local))
	})
}

// routeMCPLogin adds what signing in takes: metadata, registration, consent and tokens.
func (s *Sandbox) routeMCPLogin() {
	oauth := func(pattern string, step string, e mcpEndpoint) {
		e.steps, e.oauth = append([]string{step}, e.steps...), true
		if e.refuse == nil {
			e.refuse = tokenFault
		}
		s.mux.Handle(pattern, s.mcpHandler(e))
	}
	oauth("GET /.well-known/oauth-protected-resource/mcp/{server}", "resource_metadata", mcpEndpoint{judge: mcpResourceMetadata})
	oauth("GET /.well-known/oauth-authorization-server/mcp-login/{server}", "login_metadata", mcpEndpoint{judge: mcpLoginMetadata})
	oauth("POST /mcp-login/{server}/register", "register", mcpEndpoint{judge: mcpRegister})
	oauth("POST /mcp-login/{server}/token", "token", mcpEndpoint{
		form: true, judge: mcpToken, steps: []string{"refresh"},
		step: func(r *mcpRequest) string {
			if r.form["grant_type"] == "refresh_token" {
				return "refresh"
			}
			return "token"
		},
	})
	oauth("POST /mcp-login/{server}/revoke", "revoke", mcpEndpoint{form: true, judge: mcpRevoke})
	consent := mcpEndpoint{
		steps: []string{"authorize"}, oauth: true, form: true, judge: mcpAuthorize,
		refuse: func(f Fault) answer {
			a := mcpConsentRefused("Ordered by a sandbox fault.")
			a.status = f.Status
			return f.dress(a)
		},
	}
	handler := http.NewCrossOriginProtection().Handler(s.mcpHandler(consent))
	s.mux.Handle("GET /mcp-login/{server}/authorize", handler)
	s.mux.Handle("POST /mcp-login/{server}/authorize", handler)
}

// mcpResourceMetadata is RFC 9728's document.
func mcpResourceMetadata(_ *Sandbox, server *mcpServer, r *mcpRequest) answer {
	return jsonAnswer(http.StatusOK, "application/json", map[string]any{
		"resource": r.resource(), "authorization_servers": []string{r.issuer()}, "scopes_supported": mcpScopes[:1],
		"bearer_methods_supported": []string{"header"}, "resource_name": "Sandbox " + server.Name,
	})
}

// mcpLoginMetadata is RFC 8414's document.
func mcpLoginMetadata(_ *Sandbox, server *mcpServer, r *mcpRequest) answer {
	methods := []string{authBasic, authPost, authNone}
	document := map[string]any{
		"issuer": r.issuer(), "authorization_endpoint": r.issuer() + "/authorize", "token_endpoint": r.issuer() + "/token",
		"revocation_endpoint": r.issuer() + "/revoke", "scopes_supported": mcpScopes, "response_types_supported": []string{"code"},
		"response_modes_supported": []string{"query"}, "grant_types_supported": []string{"authorization_code", "refresh_token"},
		"token_endpoint_auth_methods_supported": methods, "revocation_endpoint_auth_methods_supported": methods,
		"code_challenge_methods_supported": []string{"S256"}, "authorization_response_iss_parameter_supported": true,
	}
	if !server.Settings.NoRegistration {
		document["registration_endpoint"] = r.issuer() + "/register"
	}
	return jsonAnswer(http.StatusOK, "application/json", document)
}

// mcpRegister registers a client (RFC 7591).
func mcpRegister(s *Sandbox, server *mcpServer, r *mcpRequest) answer {
	var asked struct {
		RedirectURIs  []string `json:"redirect_uris"`
		AuthMethod    string   `json:"token_endpoint_auth_method"`
		GrantTypes    []string `json:"grant_types"`
		ResponseTypes []string `json:"response_types"`
		ClientName    string   `json:"client_name"`
		Scope         string   `json:"scope"`
	}
	refused := func(code, description string) answer { return tokenError(http.StatusBadRequest, code, description) }
	unknown := func(list, known []string) bool {
		return slices.ContainsFunc(list, func(one string) bool { return !slices.Contains(known, one) })
	}
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch {
	case server.Settings.NoRegistration:
		return plainAnswer(http.StatusNotFound, "there is no registration")
	case len(server.Clients) >= maxMCPClients:
		return tokenError(http.StatusTooManyRequests, "temporarily_unavailable", "Too many clients have registered")
	case !strings.EqualFold(strings.TrimSpace(mediaType), "application/json") || json.Unmarshal(r.body, &asked) != nil:
		return refused("invalid_client_metadata", "The body must be a JSON object")
	case !goodRedirects(asked.RedirectURIs):
		return refused("invalid_redirect_uri", "A redirect address is https, or http on this machine, without a fragment")
	}
	if asked.AuthMethod == "" {
		asked.AuthMethod = authBasic
	}
	if asked.GrantTypes == nil {
		asked.GrantTypes = []string{"authorization_code"}
	}
	if asked.ResponseTypes == nil {
		asked.ResponseTypes = []string{"code"}
	}
	switch {
	case !slices.Contains([]string{authNone, authPost, authBasic}, asked.AuthMethod):
		return refused("invalid_client_metadata", "The token_endpoint_auth_method is not supported")
	case unknown(asked.GrantTypes, []string{"authorization_code", "refresh_token"}) || unknown(asked.ResponseTypes, []string{"code"}):
		return refused("invalid_client_metadata", "A grant type or response type is not supported")
	case unknown(strings.Fields(asked.Scope), mcpScopes):
		return refused("invalid_client_metadata", "A scope is not known")
	}
	client := s.newMCPClient(server, mcpClient{Name: asked.ClientName, AuthMethod: asked.AuthMethod, RedirectURIs: asked.RedirectURIs})
	document := map[string]any{
		"client_id": client.id, "client_id_issued_at": s.now().Unix(), "client_name": asked.ClientName,
		"redirect_uris": asked.RedirectURIs, "token_endpoint_auth_method": asked.AuthMethod,
		"grant_types": asked.GrantTypes, "response_types": asked.ResponseTypes, "scope": asked.Scope,
	}
	if client.Secret != "" {
		document["client_secret"], document["client_secret_expires_at"] = client.Secret, 0
	}
	a := jsonAnswer(http.StatusCreated, "application/json", document)
	a.changed = true
	return a
}

func mcpConsentRefused(message string) answer {
	return pageAnswer(http.StatusBadRequest, "refused", map[string]any{"Title": "MCP sandbox", "Message": message})
}

var challengePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{43}$`)

// mcpAuthorize shows the consent page, or acts on its form, whose fields are those of the other services' pages.
func mcpAuthorize(s *Sandbox, server *mcpServer, r *mcpRequest) answer {
	if r.invalid != "" {
		return mcpConsentRefused(r.invalid)
	}
	params := oauthForm{}
	for _, from := range []oauthForm{r.query, r.form} {
		for name, value := range from {
			params[name] = value
		}
	}
	client := server.Clients[params["client_id"]]
	switch {
	case client == nil:
		return mcpConsentRefused("There is no client with this client_id.")
	case !slices.Contains(client.RedirectURIs, params["redirect_uri"]):
		return mcpConsentRefused("The redirect_uri does not match one that the client has registered.")
	}
	back := func(values url.Values) answer {
		values.Set("iss", r.issuer()) // RFC 9207
		return sendBack(&oauthService{title: "MCP sandbox"}, params, values)
	}
	refused := func(code, description string) answer {
		return back(url.Values{"error": {code}, "error_description": {description}})
	}
	scopes := strings.Fields(params["scope"])
	if len(scopes) == 0 {
		scopes = mcpScopes[:1]
	}
	switch {
	case params["response_type"] != "code":
		return refused("unsupported_response_type", "The response_type must be code")
	case params["code_challenge_method"] != "S256" || !challengePattern.MatchString(params["code_challenge"]):
		return refused("invalid_request", "A code_challenge with the method S256 is needed")
	case params["resource"] != r.resource():
		return refused("invalid_target", "The resource must be "+r.resource())
	case slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(mcpScopes, scope) }):
		return refused("invalid_scope", "A scope is not known")
	}
	if r.Method != http.MethodPost {
		return mcpConsentPage(server, r, params, scopes)
	}
	known := slices.ContainsFunc(mcpPeople, func(person oauthPerson) bool { return person.ID == params["person"] })
	switch {
	case params["decision"] == "deny":
		return back(consentDenied(params["person"]))
	case params["decision"] != "allow":
		return mcpConsentRefused("The decision is neither allow nor deny.")
	case !known:
		return mcpConsentRefused("There is no such person here.")
	}
	code := s.issue("mcd-")
	server.OAuth.Codes[code] = &oauthCode{
		Person: params["person"], Client: params["client_id"], Scopes: scopes, Redirect: params["redirect_uri"],
		Challenge: params["code_challenge"], Ends: s.now().Add(seconds(server.Settings.CodeSeconds, mcpCodeLife)),
	}
	a := back(url.Values{"code": {code}})
	a.changed = true
	return a
}

// mcpConsentPage asks the person.
func mcpConsentPage(server *mcpServer, r *mcpRequest, params oauthForm, scopes []string) answer {
	type shownPerson struct {
		oauthPerson
		Chosen bool
	}
	people := []shownPerson{}
	for i, person := range mcpPeople {
		people = append(people, shownPerson{oauthPerson: person, Chosen: i == 0})
	}
	hidden := url.Values{}
	for name, value := range params {
		if name != "person" && name != "decision" {
			hidden.Set(name, value)
		}
	}
	client := params["redirect_uri"]
	if u, err := url.Parse(client); err == nil {
		client = u.Host
	}
	title := "the MCP server " + server.Name
	return pageAnswer(http.StatusOK, "consent", map[string]any{
		"Title": "Sign in to " + title, "Platform": title, "Client": client, "ClientID": params["client_id"],
		"Action": r.URL.EscapedPath(), "Hidden": hidden, "People": people, "Scopes": scopes, "Optional": false,
	})
}

// mcpAuthenticated finds the client that a request to the token or revocation endpoint comes from. It must authenticate in
// the one way that it has registered.
func mcpAuthenticated(server *mcpServer, r *mcpRequest) (string, *answer) {
	id, secret, method := r.form["client_id"], r.form["client_secret"], authPost
	if user, password, ok := r.BasicAuth(); ok {
		decodedID, err1 := url.QueryUnescape(user)
		decodedSecret, err2 := url.QueryUnescape(password)
		if err1 != nil || err2 != nil || secret != "" || (id != "" && id != decodedID) {
			refusal := tokenError(http.StatusBadRequest, "invalid_request", "The client authenticates in more than one way")
			return "", &refusal
		}
		id, secret, method = decodedID, decodedSecret, authBasic
	} else if secret == "" {
		method = authNone
	}
	client := server.Clients[id]
	if client == nil || client.AuthMethod != method || subtle.ConstantTimeCompare([]byte(secret), []byte(client.Secret)) != 1 {
		refusal := tokenError(http.StatusUnauthorized, "invalid_client", "The client is not known, or does not authenticate as it has registered")
		refusal.header.Set("WWW-Authenticate", "Basic")
		return "", &refusal
	}
	return id, nil
}

// mcpToken gives tokens for a code, or for a refresh token, which is replaced.
func mcpToken(s *Sandbox, server *mcpServer, r *mcpRequest) answer {
	if r.invalid != "" {
		return tokenError(http.StatusBadRequest, "invalid_request", r.invalid)
	}
	client, refusal := mcpAuthenticated(server, r)
	if refusal != nil {
		return *refusal
	}
	needed := map[string][]string{"authorization_code": {"code", "redirect_uri", "code_verifier"}, "refresh_token": {"refresh_token"}}[r.form["grant_type"]]
	switch {
	case needed == nil:
		return tokenError(http.StatusBadRequest, "unsupported_grant_type", "The grant_type must be authorization_code or refresh_token")
	case r.form.missing(needed...) != "":
		return tokenError(http.StatusBadRequest, "invalid_request", "Missing parameter: "+r.form.missing(needed...))
	case r.form["resource"] != r.resource():
		return tokenError(http.StatusBadRequest, "invalid_target", "The resource must be "+r.resource())
	}
	st := &server.OAuth
	invalid := func(message string, changed bool) answer {
		a := tokenError(http.StatusBadRequest, "invalid_grant", message)
		a.changed = changed
		return a
	}
	if r.form["grant_type"] == "authorization_code" {
		if code := st.Codes[r.form["code"]]; code != nil && code.Client != client {
			return invalid("The code belongs to another client", false)
		}
		grantID, problem := s.redeem(st, r.form["code"], r.form["redirect_uri"], r.form["code_verifier"])
		if problem != codeGood {
			return invalid("The code, its redirect_uri or its verifier is not good", problem == codeUsed)
		}
		return s.mcpTokens(server, grantID)
	}
	old := r.form["refresh_token"]
	token, grant, problem := s.token(st, old, refreshToken)
	switch {
	case problem != tokenGood || grant.Client != client:
		return invalid("The refresh token is not good", false)
	case old != grant.Refresh: // it was replaced: one of the two who have it is a thief (OAuth 2.1, section 4.3.1)
		st.end(token.Grant, s.now())
		return invalid("The refresh token was used before", true)
	}
	grant.retire(st, old)
	delete(st.Tokens, grant.Access)
	return s.mcpTokens(server, token.Grant)
}

// mcpTokens answers with new tokens of a grant.
func (s *Sandbox) mcpTokens(server *mcpServer, grantID string) answer {
	st, life := &server.OAuth, seconds(server.Settings.AccessSeconds, mcpAccessLife)
	grant := st.Grants[grantID]
	grant.Access = s.addToken(st, "mca-", grantID, life, oauthToken{Kind: accessToken})
	grant.Refresh = s.addToken(st, "mcr-", grantID, seconds(server.Settings.RefreshSeconds, mcpRefreshLife), oauthToken{Kind: refreshToken})
	a := jsonAnswer(http.StatusOK, "application/json; charset=utf-8", map[string]any{
		"token_type": "Bearer", "access_token": grant.Access, "refresh_token": grant.Refresh,
		"expires_in": int(life.Seconds()), "scope": strings.Join(grant.Scopes, " "),
	})
	a.changed = true
	return a
}

// mcpRevoke ends the grant of a token (RFC 7009): one that is not known is no error.
func mcpRevoke(s *Sandbox, server *mcpServer, r *mcpRequest) answer {
	if r.invalid != "" || r.form["token"] == "" {
		return tokenError(http.StatusBadRequest, "invalid_request", "Missing parameter: token")
	}
	client, refusal := mcpAuthenticated(server, r)
	if refusal != nil {
		return *refusal
	}
	a := answer{status: http.StatusOK, header: http.Header{"Cache-Control": {"no-store"}}}
	if token, grant, problem := s.token(&server.OAuth, r.form["token"], accessToken, refreshToken); problem == tokenGood && grant.Client == client {
		server.OAuth.end(token.Grant, s.now())
		a.changed = true
	}
	return a
}
