package mcpclient_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"fanfare/internal/mcpclient"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

func TestWholeLogin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	l, first := w.connect()
	want := mcpclient.Metadata{
		Resource: w.base + "/mcp/studio", Issuer: w.base + "/mcp-login/studio", AuthorizationEndpoint: w.base + "/mcp-login/studio/authorize",
		TokenEndpoint: w.base + "/mcp-login/studio/token", RegistrationEndpoint: w.base + "/mcp-login/studio/register",
		RevocationEndpoint: w.base + "/mcp-login/studio/revoke", AuthMethods: []string{"client_secret_post", "client_secret_basic", "none"},
		Scopes: []string{"tools", "offline_access"}, AnswersWithIssuer: true,
	}
	if fmt.Sprint(l.metadata) != fmt.Sprint(want) {
		t.Errorf("metadata %+v", l.metadata)
	}
	if l.client.ClientSecret == "" || l.client.AuthMethod != "client_secret_post" || l.client.Issuer != want.Issuer || !l.client.SecretExpiresAt.IsZero() {
		t.Errorf("registered as %#v", l.client.AuthMethod)
	}
	if !first.Renewable || first.RefreshToken == "" || time.Until(first.ExpiresAt) < 55*time.Minute || strings.Join(first.Scopes, " ") != "tools offline_access" {
		t.Errorf("tokens until %s with %v", first.ExpiresAt, first.Scopes)
	}
	w.noSecret(first, l.client)
	connected := w.check("studio", "Bearer "+first.AccessToken)
	wantState(t, connected, mcpclient.Connected)
	w.noSecret(connected)

	// What is kept is enough to go on with.
	var kept login
	for to, from := range map[any]any{&kept.metadata: l.metadata, &kept.client: l.client} {
		data, err := json.Marshal(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, to); err != nil {
			t.Fatal(err)
		}
	}
	w.box.ExpireMCP("studio")
	expired := w.check("studio", "Bearer "+first.AccessToken)
	wantState(t, expired, mcpclient.NeedsLogin)
	if expired.Login.How != mcpclient.ByOAuth || !expired.Login.Refused {
		t.Errorf("expired: %+v", expired.Login)
	}
	second, err := w.client.Refresh(t.Context(), kept.metadata, kept.client, first.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if second.AccessToken == first.AccessToken || second.RefreshToken == first.RefreshToken || second.RefreshToken == "" {
		t.Error("the tokens were not replaced")
	}
	wantState(t, w.check("studio", "Bearer "+second.AccessToken), mcpclient.Connected)

	// The use of a replaced refresh token ends the grant.
	_, err = w.client.Refresh(t.Context(), l.metadata, l.client, first.RefreshToken)
	wantError(t, err, platform.Credential, platform.CodeInvalidGrant)
	w.noSecret(err, err.Error())
	_, err = w.client.Refresh(t.Context(), l.metadata, l.client, second.RefreshToken)
	wantError(t, err, platform.Credential, platform.CodeInvalidGrant)
	wantState(t, w.check("studio", "Bearer "+second.AccessToken), mcpclient.NeedsLogin)
	_, err = w.client.Refresh(t.Context(), l.metadata, l.client, "")
	wantError(t, err, platform.Credential, platform.CodeInvalidGrant)
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	w := setup(t)
	l, tokens := w.connect()
	for range 2 {
		if err := w.client.Revoke(t.Context(), l.metadata, l.client, tokens); err != nil {
			t.Fatal(err)
		}
	}
	wantState(t, w.check("studio", "Bearer "+tokens.AccessToken), mcpclient.NeedsLogin)
	_, again := w.connect()
	again.RefreshToken = ""
	wantError(t, w.client.Revoke(t.Context(), l.metadata, mcpclient.Registration{Issuer: l.metadata.Issuer, ClientID: "x", AuthMethod: "none"}, again),
		platform.Credential, platform.CodeInvalidClient)
	if err := w.box.AddFault(sandbox.Fault{Step: "mcp.revoke", Kind: sandbox.FaultStatus, Status: 503}); err != nil {
		t.Fatal(err)
	}
	wantError(t, w.client.Revoke(t.Context(), l.metadata, l.client, again), platform.Transient, "")
	l.metadata.RevocationEndpoint = ""
	wantError(t, w.client.Revoke(t.Context(), l.metadata, l.client, again), platform.Invalid, mcpclient.CodeNoRevocation)
}

// TestAuthMethods: every way in which a client authenticates.
func TestAuthMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"client_secret_basic", "client_secret_post", "none"} {
		w := setup(t)
		l := w.begin()
		l.metadata.AuthMethods = []string{method}
		var err error
		if l.client, err = w.client.Register(t.Context(), l.metadata, redirect, "Fanfare"); err != nil {
			t.Fatal(err)
		}
		if l.client.AuthMethod != method || (l.client.ClientSecret == "") != (method == "none") {
			t.Errorf("%s: registered by %s", method, l.client.AuthMethod)
		}
		back := w.decide(l, "allow")
		tokens, err := w.client.Exchange(t.Context(), l.metadata, l.client, l.consent, back.Get("code"), back.Get("iss"))
		if err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		if tokens, err = w.client.Refresh(t.Context(), l.metadata, l.client, tokens.RefreshToken); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		if err := w.client.Revoke(t.Context(), l.metadata, l.client, tokens); err != nil {
			t.Fatalf("%s: %v", method, err)
		}
		wantState(t, w.check("studio", "Bearer "+tokens.AccessToken), mcpclient.NeedsLogin)
	}
}

func TestOwnClient(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.box.MCPSettings("studio", sandbox.MCPSettings{NoRegistration: true})
	metadata, found, err := w.client.Discover(t.Context(), w.url("studio"), nil) // by the well-known address
	if err != nil || !found {
		t.Fatalf("%v, %v", found, err)
	}
	_, err = w.client.Register(t.Context(), metadata, redirect, "Fanfare")
	wantError(t, err, platform.Invalid, mcpclient.CodeNoRegistration)
	id, secret := w.box.AddMCPClient("studio", redirect)
	client, err := metadata.ClientOf(id, secret)
	if err != nil {
		t.Fatal(err)
	}
	l := login{metadata: metadata, client: client, consent: platform.Consent{State: "s", Verifier: oauth2.GenerateVerifier(), RedirectURL: redirect}}
	back := w.decide(l, "allow")
	if _, err := w.client.Exchange(t.Context(), metadata, client, l.consent, back.Get("code"), back.Get("iss")); err != nil {
		t.Error(err)
	}
	for _, bad := range [][2]string{{"", ""}, {"a\nb", ""}, {"a", "b\x00"}, {strings.Repeat("x", 5000), ""}} {
		_, err := metadata.ClientOf(bad[0], bad[1])
		wantError(t, err, platform.Invalid, platform.CodeInvalidClient)
	}
}

func TestLoginRefusals(t *testing.T) {
	t.Parallel()
	w := setup(t)
	l := w.begin()
	if back := w.decide(l, "deny"); back.Get("error") != "access_denied" {
		t.Errorf("denied: %v", back)
	}
	exchange := func(change func(*login), code, issuer string) error {
		l := l
		if change != nil {
			change(&l)
		}
		_, err := w.client.Exchange(t.Context(), l.metadata, l.client, l.consent, code, issuer)
		w.noSecret(err, err.Error())
		return err
	}
	back := w.decide(l, "allow")
	code, issuer := back.Get("code"), back.Get("iss")
	before := w.box.Count("mcp.token")
	// An answer of another authorization server: the code is shown to nobody.
	wantError(t, exchange(nil, code, "https://evil.example"), platform.Invalid, mcpclient.CodeIssuer)
	wantError(t, exchange(nil, code, ""), platform.Invalid, mcpclient.CodeIssuer)
	wantError(t, exchange(func(l *login) { l.metadata.Issuer = "https://evil.example" }, code, "https://evil.example"), platform.Invalid, mcpclient.CodeIssuer)
	if sent := w.box.Count("mcp.token") - before; sent != 0 {
		t.Errorf("%d requests for tokens", sent)
	}
	wantError(t, exchange(func(l *login) { l.consent.Verifier = oauth2.GenerateVerifier() }, code, issuer), platform.Credential, platform.CodeInvalidGrant)
	wantError(t, exchange(func(l *login) { l.consent.RedirectURL += "x" }, code, issuer), platform.Credential, platform.CodeInvalidGrant)
	wantError(t, exchange(func(l *login) { l.metadata.Resource += "x" }, code, issuer), platform.Invalid, "invalid_target")
	wantError(t, exchange(func(l *login) { l.client.ClientSecret = "wrong" }, code, issuer), platform.Credential, platform.CodeInvalidClient)
	wantError(t, exchange(nil, "unknown", issuer), platform.Credential, platform.CodeInvalidGrant)
	for _, broken := range []platform.Consent{{}, {State: "s", RedirectURL: redirect}, {Verifier: oauth2.GenerateVerifier(), RedirectURL: redirect}} {
		if _, err := w.client.AuthorizeURL(l.metadata, l.client, broken); err == nil {
			t.Errorf("accepted %+v", broken)
		}
	}
	address, err := w.client.AuthorizeURL(l.metadata, l.client, l.consent)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	if query.Get("resource") != w.base+"/mcp/studio" || query.Get("code_challenge_method") != "S256" || query.Get("code_challenge") != oauth2.S256ChallengeFromVerifier(l.consent.Verifier) {
		t.Errorf("address %s", address)
	}
}

// TestTokenFaults: what the token endpoint's failures mean.
func TestTokenFaults(t *testing.T) {
	t.Parallel()
	w := setup(t)
	l, tokens := w.connect()
	const leaked = "leaked-token"
	for _, c := range []struct {
		fault sandbox.Fault
		class platform.Class
		code  string
	}{
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, platform.Transient, ""},
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429}, platform.RateLimited, ""},
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: "invalid_grant"}, platform.Credential, platform.CodeInvalidGrant},
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 401, ErrorType: "invalid_client"}, platform.Credential, platform.CodeInvalidClient},
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: leaked}, platform.Invalid, platform.CodeBadAnswer},
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 302, Headers: map[string]string{"Location": "http://169.254.169.254/"}}, platform.Invalid, mcpclient.CodeRedirect},
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, Body: "<html>" + leaked}, platform.Invalid, platform.CodeBadAnswer},
		{sandbox.Fault{Kind: sandbox.FaultBody, Body: "<html>" + leaked}, platform.UnknownOutcome, platform.CodeBadAnswer},
		{sandbox.Fault{Kind: sandbox.FaultBody, Body: `{"access_token":"` + leaked + `\n","token_type":"Bearer"}`, ContentType: "application/json"}, platform.UnknownOutcome, platform.CodeBadAnswer},
		{sandbox.Fault{Kind: sandbox.FaultBody, Body: `{"access_token":"` + leaked + `","token_type":"mac"}`, ContentType: "application/json"}, platform.UnknownOutcome, platform.CodeBadAnswer},
		{sandbox.Fault{Kind: sandbox.FaultBody, Body: "{", BodyBytes: 5 << 20, ContentType: "application/json"}, platform.UnknownOutcome, platform.CodeBadAnswer},
		{sandbox.Fault{Kind: sandbox.FaultDropBefore}, platform.UnknownOutcome, mcpclient.CodeUnreachable},
	} {
		c.fault.Step = "mcp.refresh"
		if err := w.box.AddFault(c.fault); err != nil {
			t.Fatal(err)
		}
		_, err := w.client.Refresh(t.Context(), l.metadata, l.client, tokens.RefreshToken)
		wantError(t, err, c.class, c.code)
		w.noSecret(err, err.Error())
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), leaked) {
			t.Errorf("%+v: quoted in %v", c.fault, err)
		}
		if left := w.box.Faults(); len(left) != 0 {
			t.Fatalf("unused: %+v", left)
		}
	}
	// None of it has used the token up.
	if _, err := w.client.Refresh(t.Context(), l.metadata, l.client, tokens.RefreshToken); err != nil {
		t.Error(err)
	}
	nowhere := l.metadata
	nowhere.TokenEndpoint = "http://127.0.0.1:1/token"
	_, err := w.client.Refresh(t.Context(), nowhere, l.client, tokens.RefreshToken)
	wantError(t, err, platform.Transient, mcpclient.CodeUnreachable) // nothing was sent
	nowhere.TokenEndpoint = "http://169.254.169.254/token"
	_, err = w.client.Refresh(t.Context(), nowhere, l.client, tokens.RefreshToken)
	wantError(t, err, platform.Invalid, platform.CodeAddressRefused)
}

func TestRegisterFaults(t *testing.T) {
	t.Parallel()
	w := setup(t)
	l := w.begin()
	const leaked = "leaked-secret"
	for _, c := range []struct {
		fault sandbox.Fault
		class platform.Class
		code  string
	}{
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500}, platform.Transient, ""},
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403}, platform.Credential, mcpclient.CodeForbidden},
		{sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: "invalid_redirect_uri"}, platform.Invalid, "invalid_redirect_uri"},
		{sandbox.Fault{Kind: sandbox.FaultBody, Body: `{"client_secret":"` + leaked + `","client_id":7}`, ContentType: "application/json"}, platform.Invalid, platform.CodeBadAnswer},
		{sandbox.Fault{Kind: sandbox.FaultBody, Body: `{"client_secret":"` + leaked + `","client_id":"a\nb"}`, ContentType: "application/json"}, platform.Invalid, platform.CodeBadAnswer},
		{sandbox.Fault{Kind: sandbox.FaultBody, Body: `{"client_id":"a","client_secret":"` + leaked + `","token_endpoint_auth_method":"private_key_jwt"}`, ContentType: "application/json"},
			platform.Invalid, platform.CodeBadAnswer},
	} {
		c.fault.Step = "mcp.register"
		if err := w.box.AddFault(c.fault); err != nil {
			t.Fatal(err)
		}
		_, err := w.client.Register(t.Context(), l.metadata, redirect, "Fanfare")
		wantError(t, err, c.class, c.code)
		if strings.Contains(fmt.Sprintf("%v %+v", err, err), leaked) {
			t.Errorf("%+v: quoted in %v", c.fault, err)
		}
	}
	_, err := w.client.Register(t.Context(), l.metadata, "http://app.example/back", "Fanfare")
	wantError(t, err, platform.Invalid, "invalid_redirect_uri")
}

// metadataServer is an MCP server behind OAuth whose two documents can be changed.
func metadataServer(t *testing.T, header func(base string) string, resource, login func(base string, document object)) string {
	t.Helper()
	var base string
	document := func(make func() object, change func(string, object)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			body := make()
			if change != nil {
				change(base, body)
			}
			answerJSON(http.StatusOK, body)(w, r)
		}
	}
	base = serve(t, map[string]http.HandlerFunc{
		"/mcp": func(w http.ResponseWriter, _ *http.Request) {
			if header != nil {
				w.Header().Set("WWW-Authenticate", header(base))
			}
			w.WriteHeader(http.StatusUnauthorized)
		},
		"/.well-known/oauth-protected-resource/mcp": document(func() object {
			return object{"resource": base + "/mcp", "authorization_servers": []string{base + "/login"}}
		}, resource),
		"/.well-known/oauth-authorization-server/login": document(func() object {
			return object{"issuer": base + "/login", "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token",
				"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"}}
		}, login),
		"/elsewhere": document(func() object {
			return object{"resource": "https://bank.example/mcp", "authorization_servers": []string{base + "/login"}}
		}, nil),
		"/to-the-inside": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		},
	})
	return base + "/mcp"
}

func set(name string, value any) func(string, object) {
	return func(_ string, document object) { document[name] = value }
}

func TestDiscoverRefusals(t *testing.T) {
	t.Parallel()
	named := func(path string) func(string) string {
		return func(base string) string {
			if strings.HasPrefix(path, "/") {
				path = base + path
			}
			return `Bearer resource_metadata="` + path + `"`
		}
	}
	for name, c := range map[string]struct {
		header          func(string) string
		resource, login func(string, object)
		code, says      string
	}{
		"another resource":        {nil, set("resource", "https://bank.example/mcp"), nil, mcpclient.CodeMetadata, "bank.example"},
		"the whole host":          {nil, func(base string, d object) { d["resource"] = base }, nil, mcpclient.CodeMetadata, "resource"},
		"nobody signs in":         {nil, set("authorization_servers", []string{}), nil, mcpclient.CodeMetadata, "nobody"},
		"an inner login":          {nil, set("authorization_servers", []string{"http://169.254.169.254/login"}), nil, mcpclient.CodeMetadata, "169.254.169.254"},
		"an inner login with TLS": {nil, set("authorization_servers", []string{"https://10.0.0.7/login"}), nil, mcpclient.CodeMetadata, "10.0.0.7"},
		"a login by script":       {nil, set("authorization_servers", []string{"javascript:alert(1)"}), nil, mcpclient.CodeMetadata, "javascript"},
		"a login without TLS":     {nil, set("authorization_servers", []string{"http://login.example/"}), nil, mcpclient.CodeMetadata, "HTTPS"},
		"a login with a query":    {nil, func(base string, d object) { d["authorization_servers"] = []string{base + "/login?x=1"} }, nil, mcpclient.CodeMetadata, "query"},
		"a login that is not there": {nil, func(base string, d object) { d["authorization_servers"] = []string{base + "/nothing"} }, nil, mcpclient.CodeMetadata,
			"does not say"},
		"another issuer":          {nil, nil, set("issuer", "https://accounts.bank.example"), mcpclient.CodeMetadata, "accounts.bank.example"},
		"no issuer":               {nil, nil, set("issuer", ""), mcpclient.CodeMetadata, "issuer"},
		"no PKCE":                 {nil, nil, set("code_challenge_methods_supported", nil), mcpclient.CodeMetadata, "PKCE"},
		"plain PKCE":              {nil, nil, set("code_challenge_methods_supported", []string{"plain"}), mcpclient.CodeMetadata, "S256"},
		"no codes":                {nil, nil, set("response_types_supported", []string{"token"}), mcpclient.CodeMetadata, "codes"},
		"no token endpoint":       {nil, nil, set("token_endpoint", ""), mcpclient.CodeMetadata, "missing"},
		"tokens without TLS":      {nil, nil, set("token_endpoint", "http://login.example/token"), mcpclient.CodeMetadata, "token_endpoint"},
		"tokens from inside":      {nil, nil, set("token_endpoint", "https://192.168.0.1/token"), mcpclient.CodeMetadata, "192.168.0.1"},
		"consent by script":       {nil, nil, set("authorization_endpoint", "javascript:alert(1)"), mcpclient.CodeMetadata, "javascript"},
		"revocation inside":       {nil, nil, set("revocation_endpoint", "https://[fd00::1]/revoke"), platform.CodeAddressRefused, "private"},
		"consent with a password": {nil, nil, set("authorization_endpoint", "https://a:b@login.example/"), platform.CodeAddressRefused, "password"},
		"no document":             {nil, nil, set("token_endpoint", 7), mcpclient.CodeMetadata, ""},
		"a large document":        {nil, nil, set("padding", strings.Repeat("x", 3<<20)), mcpclient.CodeMetadata, ""},
		"names another resource":  {named("/elsewhere"), set("resource", ""), nil, mcpclient.CodeMetadata, "bank.example"},
		"names nothing":           {named("/nothing"), nil, nil, mcpclient.CodeMetadata, "not there"},
		"names a redirect":        {named("/to-the-inside"), nil, nil, mcpclient.CodeMetadata, "not there"},
		"names the inside":        {named("http://169.254.169.254/latest/meta-data/"), nil, nil, platform.CodeAddressRefused, "https"},
		"names the inside by TLS": {named("https://169.254.169.254/latest/"), nil, nil, platform.CodeAddressRefused, "private"},
		"names a file":            {named("file:///etc/passwd"), nil, nil, platform.CodeAddressRefused, "https"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status := check(t, newClient(), metadataServer(t, c.header, c.resource, c.login), "")
			wantState(t, status, mcpclient.Failing)
			wantError(t, status.Failure, platform.Invalid, c.code)
			if !strings.Contains(status.Failure.Message, c.says) {
				t.Errorf("message %q lacks %q", status.Failure.Message, c.says)
			}
		})
	}
}

// TestDiscoverAccepts: documents that are a little off, as many servers have them.
func TestDiscoverAccepts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		header          func(string) string
		resource, login func(string, object)
	}{
		"as it is":          {},
		"with a slash":      {nil, func(base string, d object) { d["resource"] = base + "/mcp/" }, nil},
		"issuer with slash": {nil, func(base string, d object) { d["authorization_servers"] = []string{base + "/login/"} }, nil},
		"odd header":        {func(string) string { return `Bearer realm=""` }, nil, nil},
		"other challenge":   {func(string) string { return `Basic realm="x"` }, nil, nil},
		"odd scopes":        {nil, set("scopes_supported", []string{"", "a b", "é", "fine", "fine", `"`}), nil},
	} {
		status := check(t, newClient(), metadataServer(t, c.header, c.resource, c.login), "")
		if status.State != mcpclient.NeedsLogin || status.Login.How != mcpclient.ByOAuth || status.Login.Metadata.TokenEndpoint == "" {
			t.Errorf("%s: %+v %v", name, status, status.Failure)
		} else if name == "odd scopes" && strings.Join(status.Login.Metadata.Scopes, " ") != "fine" {
			t.Errorf("scopes %q", status.Login.Metadata.Scopes)
		}
	}
	// A page for people at the well-known address is no metadata.
	base := serve(t, map[string]http.HandlerFunc{
		"/mcp": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"/":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
	})
	status := check(t, newClient(), base+"/mcp", "")
	if status.State != mcpclient.NeedsLogin || status.Login.How != mcpclient.ByToken {
		t.Errorf("a page: %+v", status)
	}
	// The root's document speaks for the whole host.
	var root string
	root = serve(t, map[string]http.HandlerFunc{
		"/mcp": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) },
		"/.well-known/oauth-protected-resource": func(w http.ResponseWriter, r *http.Request) {
			answerJSON(200, object{"resource": root + "/", "authorization_servers": []string{root}})(w, r)
		},
		"/.well-known/openid-configuration": func(w http.ResponseWriter, r *http.Request) {
			answerJSON(200, object{"issuer": root, "authorization_endpoint": root + "/a", "token_endpoint": root + "/t", "code_challenge_methods_supported": []string{"plain", "S256"}})(w, r)
		},
	})
	status = check(t, newClient(), root+"/mcp", "")
	if status.State != mcpclient.NeedsLogin || status.Login.How != mcpclient.ByOAuth || status.Login.Metadata.Resource != root+"/" {
		t.Errorf("the root: %+v", status)
	}
	// More scopes are wanted.
	scoped := serve(t, map[string]http.HandlerFunc{"/mcp": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("WWW-Authenticate", `Bearer error="insufficient_scope", scope="more"`)
		w.WriteHeader(http.StatusForbidden)
	}})
	status = check(t, newClient(), scoped+"/mcp", "Bearer token")
	if status.State != mcpclient.NeedsLogin || !status.Login.Refused {
		t.Errorf("scopes: %+v", status)
	}
	if _, _, err := newClient().Discover(soon(t), root+"/mcp", nil); err == nil {
		t.Error("found after the end")
	} else {
		var e *platform.Error
		if !errors.As(err, &e) || e.Class != platform.Transient {
			t.Errorf("%v", err)
		}
	}
}
