package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

// The kinds of MCP servers.
const (
	// MCPOpen is for everybody.
	MCPOpen = "open"
	// MCPToken wants one fixed bearer token.
	MCPToken = "token"
	// MCPOAuth is behind OAuth, as the MCP specification's "Authorization" has it.
	MCPOAuth = "oauth"
)

const (
	// maxMCPBody bounds a message to an MCP server, in bytes.
	maxMCPBody = 1 << 20
	// mcpSessionIdle is how long a session without requests lives.
	mcpSessionIdle = 10 * time.Minute
)

// MCPSettings change how an MCP server behaves from now on. Zero values are its usual ways.
type MCPSettings struct {
	// Fail is how every request to the server itself fails: "error" is a 500, "hang" no answer at all, "garbage" an answer
	// that is no JSON-RPC; "" is none of them. What signing in takes goes on working.
	Fail string `json:"fail,omitempty"`
	// CodeSeconds, AccessSeconds and RefreshSeconds are lives: 5 minutes, an hour and 30 days by default.
	CodeSeconds    int `json:"code_seconds,omitempty"`
	AccessSeconds  int `json:"access_seconds,omitempty"`
	RefreshSeconds int `json:"refresh_seconds,omitempty"`
	// NoRegistration: clients cannot register by themselves. They are made with AddMCPClient.
	NoRegistration bool `json:"no_registration,omitempty"`
}

func (m MCPSettings) check() error {
	if !slices.Contains([]string{"", "error", "hang", "garbage"}, m.Fail) {
		return fmt.Errorf("%w: fail %q is none of error, hang, garbage", errInput, m.Fail)
	}
	if min(m.CodeSeconds, m.AccessSeconds, m.RefreshSeconds) < 0 {
		return fmt.Errorf("%w: a setting is negative", errInput)
	}
	return nil
}

// mcpServer is one MCP server, <base>/mcp/<name>. Its authorization server's issuer is <base>/mcp-login/<name>.
type mcpServer struct {
	Name     string      `json:"name"`
	Kind     string      `json:"kind"`
	Token    string      `json:"token,omitempty"`
	Settings MCPSettings `json:"settings,omitzero"`
	// Clients are those that have registered, by id.
	Clients map[string]*mcpClient `json:"clients,omitempty"`
	OAuth   oauthState            `json:"oauth,omitzero"`
}

var (
	errMCPName   = errors.New("an MCP server's name has 1 to 63 of a-z, 0-9 and -, and does not begin with -")
	errMCPKind   = errors.New("the kind is none of open, token, oauth")
	errMCPServer = errors.New("there is no such MCP server")
)

// AddMCPServer makes an MCP server, <base>/mcp/<name>, and gives the token that one of the kind MCPToken wants. A server
// that exists stays as it is. It panics if name or kind is invalid or the state cannot be saved.
func (s *Sandbox) AddMCPServer(name, kind string) (token string) {
	token, err := s.addMCPServer(name, kind)
	if err != nil {
		panic(fmt.Sprintf("sandbox: add MCP server %q: %v", name, err))
	}
	return token
}

func (s *Sandbox) addMCPServer(name, kind string) (string, error) {
	switch {
	case !siteNamePattern.MatchString(name):
		return "", errMCPName
	case !slices.Contains([]string{MCPOpen, MCPToken, MCPOAuth}, kind):
		return "", errMCPKind
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.state.MCP[name]; known != nil {
		if known.Kind != kind {
			return "", fmt.Errorf("%w: %q is there already, of the kind %s", errInput, name, known.Kind)
		}
		return known.Token, nil
	}
	server := &mcpServer{Name: name, Kind: kind}
	if kind == MCPToken {
		server.Token = s.issue("mcp-")
	}
	s.state.MCP[name] = server
	return server.Token, s.save()
}

// MCPSettings sets how an MCP server behaves. It panics if there is none of the name, a setting is invalid or the state
// cannot be saved.
func (s *Sandbox) MCPSettings(name string, settings MCPSettings) {
	if err := s.setMCPSettings(name, settings); err != nil {
		panic(fmt.Sprintf("sandbox: settings of MCP server %q: %v", name, err))
	}
}

func (s *Sandbox) setMCPSettings(name string, settings MCPSettings) error {
	if err := settings.check(); err != nil {
		return err
	}
	return s.changeMCP(name, func(server *mcpServer) { server.Settings = settings })
}

// ExpireMCP ends the access tokens of an MCP server now; refresh tokens stay good. It panics if there is none of the name
// or the state cannot be saved.
func (s *Sandbox) ExpireMCP(name string) { s.mustChangeMCP(name, s.expireMCP) }

// RevokeMCP ends every grant of an MCP server, and replaces the fixed token of one of the kind MCPToken. It panics as
// ExpireMCP does.
func (s *Sandbox) RevokeMCP(name string) { s.mustChangeMCP(name, s.revokeMCP) }

func (s *Sandbox) mustChangeMCP(name string, change func(*mcpServer)) {
	if err := s.changeMCP(name, change); err != nil {
		panic(fmt.Sprintf("sandbox: MCP server %q: %v", name, err))
	}
}

func (s *Sandbox) expireMCP(server *mcpServer) {
	for _, token := range server.OAuth.Tokens {
		if token.Kind == accessToken {
			token.Ends = s.now()
		}
	}
}

func (s *Sandbox) revokeMCP(server *mcpServer) {
	for id := range server.OAuth.Grants {
		server.OAuth.end(id, s.now())
	}
	if server.Kind == MCPToken {
		server.Token = s.issue("mcp-")
	}
}

// changeMCP changes and saves the state of an MCP server.
func (s *Sandbox) changeMCP(name string, change func(*mcpServer)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	server := s.state.MCP[name]
	if server == nil {
		return errMCPServer
	}
	server.OAuth.fill()
	change(server)
	return s.save()
}

// mcpRequest is a request to an MCP server or to its authorization server.
type mcpRequest struct {
	*http.Request
	base        string
	body        []byte
	query, form oauthForm
	invalid     string // why query or form cannot be read
}

// resource is the server's own address, by which tokens for it are asked for.
func (r *mcpRequest) resource() string { return r.base + "/mcp/" + r.PathValue("server") }

// issuer is the address of the server's authorization server.
func (r *mcpRequest) issuer() string { return r.base + "/mcp-login/" + r.PathValue("server") }

// mcpEndpoint is one address of an MCP server or its authorization server.
type mcpEndpoint struct {
	// steps are all that step can give.
	steps []string
	step  func(*mcpRequest) string
	// oauth: there is such an address only for a server behind OAuth.
	oauth bool
	// form: the body is a form.
	form bool
	// judge judges the request and carries it out. It runs with s.mu held.
	judge func(*Sandbox, *mcpServer, *mcpRequest) answer
	// refuse answers a Fault of kind FaultStatus.
	refuse func(Fault) answer
}

// mcpHandler takes requests to the endpoint through faults and hooks like any other.
func (s *Sandbox) mcpHandler(e mcpEndpoint) http.Handler {
	for _, name := range e.steps {
		s.addStep("mcp", name)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMCPBody))
		if err != nil {
			http.Error(w, "the body is too large", http.StatusRequestEntityTooLarge)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		req := &mcpRequest{Request: r, base: baseURL(r), body: body}
		if e.form {
			req.readForm()
		}
		step := e.steps[0]
		if e.step != nil {
			step = e.step(req)
		}
		s.serve(w, r, exchange{
			info: RequestInfo{Platform: "mcp", Account: r.PathValue("server"), Method: r.Method, Path: r.URL.Path, Step: "mcp." + step},
			apply: func() answer {
				server := s.state.MCP[r.PathValue("server")]
				if server == nil || (e.oauth && server.Kind != MCPOAuth) {
					return plainAnswer(http.StatusNotFound, "there is no such MCP server")
				}
				server.OAuth.fill()
				server.OAuth.forget(s.now())
				return e.judge(s, server, req)
			},
			refuse: e.refuse,
		})
	})
}

func (r *mcpRequest) readForm() {
	var err error
	if r.query, err = parseForm(r.URL.RawQuery); err != nil {
		r.invalid = err.Error()
	}
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if len(r.body) > 0 && !strings.EqualFold(strings.TrimSpace(mediaType), formType) {
		r.invalid = "The body must be " + formType + "."
	} else if r.form, err = parseForm(string(r.body)); err != nil {
		r.invalid = err.Error()
	}
}

func plainAnswer(status int, text string) answer {
	return answer{status: status, body: []byte(text + "\n"), header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}}
}

// routeMCP adds the MCP servers, streamable HTTP of the protocol's versions that the SDK knows
// (https://modelcontextprotocol.io/specification/2025-11-25/basic/transports).
func (s *Sandbox) routeMCP() {
	s.mux.Handle("/mcp/{server}", s.mcpHandler(mcpEndpoint{
		steps: []string{"initialize", "list_tools", "call_tool", "other"}, step: mcpStep, judge: mcpServe,
		refuse: func(f Fault) answer { return f.dress(plainAnswer(f.Status, "ordered by a sandbox fault")) },
	}))
	s.routeMCPLogin()
}

// mcpStep names a message by its method. server/discover is what newer clients send in the place of initialize.
func mcpStep(r *mcpRequest) string {
	var message struct {
		Method string `json:"method"`
	}
	_ = json.Unmarshal(r.body, &message)
	switch message.Method {
	case "initialize", "server/discover":
		return "initialize"
	case "tools/list":
		return "list_tools"
	case "tools/call":
		return "call_tool"
	}
	return "other"
}

// mcpServe lets a request with the right credential through to the protocol.
func mcpServe(s *Sandbox, server *mcpServer, r *mcpRequest) answer {
	switch server.Settings.Fail {
	case "error":
		return plainAnswer(http.StatusInternalServerError, "internal error")
	case "hang":
		return answer{next: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		})}
	case "garbage":
		return answer{status: http.StatusOK, body: []byte(`{"jsonrpc":"2.0","id":1,"result":{"protocolVer`),
			header: http.Header{"Content-Type": {"application/json"}}}
	}
	secret := bearer(r.Request, "Bearer")
	switch {
	case server.Kind == MCPToken && (secret == "" || secret != server.Token):
		return mcpUnauthorized(r, server, secret, tokenUnknown)
	case server.Kind == MCPOAuth:
		if _, _, problem := s.token(&server.OAuth, secret, accessToken); problem != tokenGood {
			return mcpUnauthorized(r, server, secret, problem)
		}
	}
	return answer{next: s.mcpProtocol(server.Name)}
}

// mcpUnauthorized asks for a credential as RFC 6750 has it, and RFC 9728 where there is metadata.
func mcpUnauthorized(r *mcpRequest, server *mcpServer, secret string, problem tokenProblem) answer {
	params := []string{}
	if secret != "" {
		why := map[tokenProblem]string{tokenUnknown: "is not known", tokenRevoked: "was revoked", tokenExpired: "has expired"}[problem]
		params = append(params, `error="invalid_token"`, `error_description="The access token `+why+`"`)
	}
	if server.Kind == MCPOAuth {
		params = append(params, `resource_metadata="`+r.base+"/.well-known/oauth-protected-resource/mcp/"+server.Name+`"`,
			`scope="`+strings.Join(mcpScopes[:1], " ")+`"`)
	}
	a := plainAnswer(http.StatusUnauthorized, "a bearer token is needed")
	a.header.Set("WWW-Authenticate", strings.TrimSpace("Bearer "+strings.Join(params, ", ")))
	return a
}

// mcpProtocol gives what speaks the protocol for a server. The caller holds s.mu.
func (s *Sandbox) mcpProtocol(name string) http.Handler {
	if s.mcpHandlers[name] == nil {
		server := newMCPServer(name)
		s.mcpHandlers[name] = mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
			&mcp.StreamableHTTPOptions{SessionTimeout: mcpSessionIdle, MaxRequestBodyBytes: maxMCPBody})
	}
	return s.mcpHandlers[name]
}

// newsItem is a piece of news.
type newsItem struct {
	Title string `json:"title" jsonschema:"the headline"`
	URL   string `json:"url" jsonschema:"where it can be read"`
	Date  string `json:"date" jsonschema:"the day it appeared, as 2006-01-02"`
}

var mcpNews = []newsItem{
	{"Sourdough sales rise for a third year", "https://news.example/bread/sourdough-sales", "2026-03-02"},
	{"City opens forty kilometres of new cycle lanes", "https://news.example/city/cycle-lanes", "2026-04-18"},
	{"Small bakeries share one oven, and the bill", "https://news.example/bread/shared-oven", "2026-05-09"},
	{"Kite festival returns to the coast", "https://news.example/coast/kite-festival", "2026-06-21"},
}

// brandAsset is a file of a brand.
type brandAsset struct {
	Name string `json:"name"`
	Kind string `json:"kind" jsonschema:"logo, photo or font"`
	URL  string `json:"url"`
}

var mcpAssets = []brandAsset{
	{"Wordmark, dark", "logo", "https://assets.example/wordmark-dark.svg"},
	{"Wordmark, light", "logo", "https://assets.example/wordmark-light.svg"},
	{"The shop in the morning", "photo", "https://assets.example/shop-morning.jpg"},
	{"Text face", "font", "https://assets.example/text.woff2"},
}

// newMCPServer makes a server with the tools that all of them have.
func newMCPServer(name string) *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "sandbox-" + name, Title: "Sandbox " + name, Version: "1.0.0"}, nil)
	readOnly := &mcp.ToolAnnotations{ReadOnlyHint: true}
	type newsInput struct {
		Query string `json:"query" jsonschema:"words that the headline holds"`
	}
	type newsOutput struct {
		Items []newsItem `json:"items"`
	}
	mcp.AddTool(server, &mcp.Tool{Name: "search_news", Description: "Search recent news by words of the headline.", Annotations: readOnly},
		func(_ context.Context, _ *mcp.CallToolRequest, in newsInput) (*mcp.CallToolResult, newsOutput, error) {
			found := slices.DeleteFunc(slices.Clone(mcpNews), func(item newsItem) bool {
				return !slices.ContainsFunc(strings.Fields(strings.ToLower(in.Query)), func(word string) bool {
					return strings.Contains(strings.ToLower(item.Title), word)
				})
			})
			return nil, newsOutput{Items: found}, nil
		})
	type assetsInput struct {
		Kind string `json:"kind,omitempty" jsonschema:"logo, photo or font; all of them if it is left out"`
	}
	type assetsOutput struct {
		Assets []brandAsset `json:"assets"`
	}
	mcp.AddTool(server, &mcp.Tool{Name: "brand_assets", Description: "List the files of the brand.", Annotations: readOnly},
		func(_ context.Context, _ *mcp.CallToolRequest, in assetsInput) (*mcp.CallToolResult, assetsOutput, error) {
			found := slices.DeleteFunc(slices.Clone(mcpAssets), func(asset brandAsset) bool { return in.Kind != "" && asset.Kind != in.Kind })
			return nil, assetsOutput{Assets: found}, nil
		})
	return server
}

// shownMCPServer is an MCP server as the control API and the pages show it.
type shownMCPServer struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	URL     string `json:"url"`
	Token   string `json:"token,omitempty"`
	Fail    string `json:"fail,omitempty"`
	Clients int    `json:"clients,omitempty"`
	// Grants are those that have not ended.
	Grants int `json:"grants,omitempty"`
}

// mcpServers lists the MCP servers by name.
func (s *Sandbox) mcpServers(base string) []shownMCPServer {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := []shownMCPServer{}
	for _, name := range slices.Sorted(maps.Keys(s.state.MCP)) {
		server := s.state.MCP[name]
		shown := shownMCPServer{
			Name: name, Kind: server.Kind, URL: base + "/mcp/" + name, Token: server.Token, Fail: server.Settings.Fail, Clients: len(server.Clients),
		}
		for _, grant := range server.OAuth.Grants {
			if grant.Ended.IsZero() {
				shown.Grants++
			}
		}
		list = append(list, shown)
	}
	return list
}
