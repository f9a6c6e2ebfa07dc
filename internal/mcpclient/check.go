package mcpclient

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"fanfare/internal/platform"
)

// State is what a check of a server comes to.
type State string

// The states.
const (
	// Connected: the server lets in and lists its tools.
	Connected State = "connected"
	// NeedsLogin: the server wants a credential, or another one.
	NeedsLogin State = "needs_login"
	// Failing: anything else.
	Failing State = "failing"
)

// Status is the state that a server is in. Of Server, Login and Failure the state's own is there.
type Status struct {
	State   State
	Server  *Server
	Login   *Login
	Failure *platform.Error
}

// Server is what a server says of itself. All its texts are somebody else's: one line each, of bounded length.
type Server struct {
	Name    string `json:"name"`
	Title   string `json:"title,omitempty"`
	Version string `json:"version,omitempty"`
	// Protocol is the version of MCP that was agreed on, a date.
	Protocol string `json:"protocol"`
	Tools    []Tool `json:"tools"`
	// MoreTools: the server has more tools than these.
	MoreTools bool `json:"more_tools,omitempty"`
}

// Tool is a tool of a server.
type Tool struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	// ReadOnly: the server says that it changes nothing. Nobody has checked that.
	ReadOnly bool `json:"read_only,omitempty"`
}

// How a server wants to be signed in to.
const (
	// ByOAuth: with Metadata.
	ByOAuth = "oauth"
	// ByToken: with something that its owner gives out.
	ByToken = "token"
)

// Login is how to sign in to a server.
type Login struct {
	How string
	// Refused: a credential was sent, and is not accepted (any more).
	Refused bool
	// Metadata is for ByOAuth.
	Metadata *Metadata
}

// Check connects to a server, asks for its tools and leaves. authorization is the value of the Authorization header, such as
// "Bearer …", or "". It goes to the server's own address and nowhere else.
//
// An error means that the check was not made: ctx has ended.
func (c *Client) Check(ctx context.Context, address, authorization string) (Status, error) {
	u, err := c.parse(address, "The server's address")
	if err != nil {
		return Status{State: Failing, Failure: platform.AsError(err)}, nil
	}
	round, end := c.begin(ctx)
	defer end()
	round.only, round.authorization = u, authorization
	server, failure := c.visit(round, u.String(), authorization)
	if ctx.Err() != nil {
		return Status{}, ctx.Err()
	}
	if failure == nil {
		return Status{State: Connected, Server: server}, nil
	}
	_, refused, _ := round.result()
	if refused == nil || (refused.status == 403 && !wantsScope(refused.header.Values("WWW-Authenticate"))) {
		return Status{State: Failing, Failure: failure}, nil
	}
	metadata, found, err := c.Discover(ctx, address, refused.header.Values("WWW-Authenticate"))
	switch {
	case ctx.Err() != nil:
		return Status{}, ctx.Err()
	case err != nil:
		return Status{State: Failing, Failure: platform.AsError(err)}, nil
	case found:
		return Status{State: NeedsLogin, Login: &Login{How: ByOAuth, Refused: authorization != "", Metadata: &metadata}}, nil
	}
	return Status{State: NeedsLogin, Login: &Login{How: ByToken, Refused: authorization != ""}}, nil
}

// wantsScope tells whether a 403 asks for a sign-in with more scopes (RFC 6750, section 3.1).
func wantsScope(wwwAuthenticate []string) bool {
	challenges, err := oauthex.ParseWWWAuthenticate(wwwAuthenticate)
	return err == nil && slices.ContainsFunc(challenges, func(challenge oauthex.Challenge) bool {
		return challenge.Scheme == "bearer" && challenge.Params["error"] == "insufficient_scope"
	})
}

// visit speaks the protocol.
func (c *Client) visit(r *round, address, authorization string) (*Server, *platform.Error) {
	// Without capabilities a server has nothing to ask the client for.
	client := mcp.NewClient(&mcp.Implementation{Name: "fanfare", Title: "Fanfare", Version: c.version},
		&mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}})
	client.AddReceivingMiddleware(onlyPings)
	session, err := client.Connect(r.ctx, &mcp.StreamableClientTransport{
		Endpoint: address, HTTPClient: r.client(), MaxRetries: -1, DisableStandaloneSSE: true, MaxEventSize: maxAnswer,
	}, nil)
	if err != nil {
		return nil, r.judge("The server")
	}
	defer func() { _ = session.Close() }() // the server forgets the session by itself if it is not told
	text := newCleaner(authorization)
	begun := session.InitializeResult()
	server := &Server{Protocol: text.clean(begun.ProtocolVersion, maxName), Tools: []Tool{}}
	if info := begun.ServerInfo; info != nil {
		server.Name, server.Title, server.Version = text.clean(info.Name, maxTitle), text.clean(info.Title, maxTitle), text.clean(info.Version, maxName)
	}
	if begun.Capabilities == nil || begun.Capabilities.Tools == nil {
		return server, nil
	}
	known, cursor := map[string]bool{}, ""
	for range maxToolPages {
		list, err := session.ListTools(r.ctx, &mcp.ListToolsParams{Cursor: cursor})
		if err != nil {
			return nil, r.judge("The server")
		}
		for _, tool := range list.Tools {
			if tool == nil {
				continue
			}
			name := text.clean(tool.Name, maxName)
			switch {
			case name == "" || known[name]:
				continue
			case len(server.Tools) == maxTools:
				server.MoreTools = true
				return server, nil
			}
			known[name] = true
			shown := Tool{Name: name, Title: text.clean(tool.Title, maxTitle), Description: text.clean(tool.Description, maxDescription)}
			if tool.Annotations != nil {
				shown.ReadOnly = tool.Annotations.ReadOnlyHint
			}
			server.Tools = append(server.Tools, shown)
		}
		if cursor = list.NextCursor; cursor == "" {
			return server, nil
		}
	}
	return nil, &platform.Error{Class: platform.Invalid, Code: CodeTooLarge, Message: "The server's list of tools does not come to an end."}
}

// onlyPings refuses whatever a server asks or tells of its own accord, but for the question whether the client is there. The
// SDK's handlers run in goroutines of its own, and not all of them bear parameters that are missing: in v1.8.0 a
// "notifications/elicitation/complete" without any ends the process.
func onlyPings(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, req mcp.Request) (mcp.Result, error) {
		if method == "ping" {
			return next(ctx, method, req)
		}
		return nil, &jsonrpc.Error{Code: jsonrpc.CodeMethodNotFound, Message: "not supported"}
	}
}

// cleaner makes a server's texts fit to be kept. It takes out the credential, should the server repeat it.
type cleaner struct{ secrets *strings.Replacer }

func newCleaner(authorization string) cleaner {
	pairs := []string{}
	_, credential, _ := strings.Cut(authorization, " ")
	for _, secret := range []string{authorization, strings.TrimSpace(credential)} {
		if len(secret) >= 4 { // shorter ones would take words apart
			pairs = append(pairs, secret, "…", url.QueryEscape(secret), "…")
		}
	}
	return cleaner{secrets: strings.NewReplacer(pairs...)}
}

func (c cleaner) clean(text string, most int) string {
	// A text is cut before it is searched, with room for a secret, since it may be long.
	if room := 4*most + 16<<10; len(text) > room {
		text = text[:room]
	}
	// What is invisible goes first: it could stand in the middle of a secret.
	return platform.ForeignText(c.secrets.Replace(platform.ForeignText(text, len(text))), most)
}
