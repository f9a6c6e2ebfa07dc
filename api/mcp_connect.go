package api

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"fanfare/db/tenant"
	"fanfare/internal/mcpclient"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// platformMCP stands for MCP servers where others have a platform: in connect sessions and in the callback's address.
const platformMCP = "mcp"

// mcpConnectTimeout bounds the beginning of a sign-in: a look at the server, and a registration as its client.
const mcpConnectTimeout = 30 * time.Second

// mcpClientName is what people read on consent pages.
const mcpClientName = "Fanfare"

func (a *API) registerMCPConnect() {
	const one = "/v1/customers/{customer_id}/spaces/{space_id}/mcp-servers/{mcp_server_id}"
	register(a, huma.Operation{
		OperationID: "connect-mcp-server", Method: http.MethodGet, Path: one + "/connect", Tags: []string{"MCP servers"}, Summary: "Sign in to an MCP server",
		Metadata: map[string]any{timeoutKey: mcpConnectTimeout},
		Description: "Gives the address of the server's consent page, and the browser a cookie that it must come back with, within ten minutes. It is then sent on to " +
			"return_to with the query parameters connect (what came of it) and mcp_server. Admins sign in for the space, and members who are known to be somebody in it for themselves.",
		Parameters: []*huma.Param{reasonParameter}, Errors: []int{http.StatusConflict},
	}, a.connectMCPServer)
	register(a, huma.Operation{
		OperationID: "mcp-callback", Method: http.MethodGet, Path: "/v1/oauth/mcp/callback", Tags: []string{"MCP servers"},
		Metadata: map[string]any{"public": true, timeoutKey: callbackTimeout}, Summary: "Come back from an MCP server's consent page",
		Description: "For browsers that connect-mcp-server has sent there, with the cookie that it gave them. Whatever happened, they are sent on, with the query " +
			"parameter connect as of oauth-callback, and mcp_server.",
		DefaultStatus: http.StatusSeeOther, SkipValidateParams: true, // a server may add what it likes
	}, a.mcpCallback)
}

// mcpConsent is what is sealed in the session of a sign-in that is under way: all that it was begun with.
type mcpConsent struct {
	Verifier     string                 `json:"verifier"`
	URL          string                 `json:"url"`
	Metadata     mcpclient.Metadata     `json:"metadata"`
	Registration mcpclient.Registration `json:"registration"`
}

func (a *API) connectMCPServer(ctx context.Context, in *struct {
	MCPServerPath
	Owner    string `query:"owner" required:"true" enum:"me,space" doc:"me: for you alone, as somebody in the space's chat; space: for the space, which takes an admin."`
	ReturnTo string `query:"return_to" maxLength:"1500" doc:"Where the browser goes in the end, as of connect-integration."`
}) (*connectOutput, error) {
	if a.APIURL == "" {
		return nil, problem(http.StatusServiceUnavailable, "This server does not know its own public address, to which people come back: FANFARE_API_URL is not set.")
	}
	returnTo, err := a.returnAddress(in.ReturnTo)
	if err != nil {
		return nil, err
	}
	customer := scope(ctx).In(in.CustomerID)
	var person *string
	var consent mcpConsent
	var metadata *mcpclient.Metadata
	var sealed []byte
	server := mcpServerAt{id: in.MCPServerID}
	if err := a.tx(ctx, customer, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (err error) {
		metadata = nil
		if person, err = ownerIn(ctx, q, in.SpaceID, in.Owner); err != nil {
			return err
		}
		row, err := q.McpServerGet(ctx, queries.McpServerGetParams{ID: in.MCPServerID, SpaceID: in.SpaceID})
		if err != nil {
			return noRows(err, "MCP server")
		}
		consent.URL, server.version = row.URL, row.Version
		known, err := q.McpServerRegistration(ctx, queries.McpServerRegistrationParams{ID: in.MCPServerID, Person: person})
		if err != nil {
			return err
		}
		sealed = known.Registration
		return json.Unmarshal(known.Metadata, &metadata)
	}); err != nil {
		return nil, err
	}
	redirect := CallbackURL(a.APIURL, platformMCP)
	if err := a.mcpRefusals.recent(server, time.Now()); err != nil {
		return nil, err
	}
	// It comes to its end, and is remembered, also if the caller goes away.
	if err := a.prepareMCP(context.WithoutCancel(ctx), in.CustomerID, in.MCPServerID, redirect, &consent, metadata, sealed); err != nil {
		a.mcpRefusals.keep(server, err, time.Now())
		return nil, err
	}
	return a.beginMCP(ctx, customer, in.MCPServerPath, person, returnTo, redirect, consent)
}

// prepareMCP finds out how a server is signed in to, and makes this installation its client where it is not. The client's own
// limits bound it to mcpConnectTimeout.
func (a *API) prepareMCP(ctx context.Context, customerID, serverID uuid.UUID, redirect string, consent *mcpConsent, metadata *mcpclient.Metadata, sealed []byte) error {
	if metadata == nil {
		status, err := a.mcp.Check(ctx, consent.URL, "")
		switch {
		case err != nil:
			return err
		case status.State == mcpclient.Connected:
			return conflict("The server lets in without a sign-in.")
		case status.State == mcpclient.Failing:
			return status.Failure
		case status.Login.Metadata == nil:
			return conflict("The server wants a token that its owner gives out, and no sign-in.")
		}
		metadata = status.Login.Metadata
	}
	consent.Metadata = *metadata
	if sealed != nil {
		plain, err := a.Vault.Unseal(sealed, vault.MCPRegistration(customerID, serverID))
		if err != nil {
			return fmt.Errorf("open client: %w", err)
		}
		if json.Unmarshal(plain, &consent.Registration) != nil {
			return errors.New("the client is not what was sealed")
		}
	}
	r := consent.Registration
	if r.Issuer == metadata.Issuer && (r.SecretExpiresAt.IsZero() || time.Now().Add(time.Hour).Before(r.SecretExpiresAt)) {
		return nil
	}
	var err error
	consent.Registration, err = a.mcp.Register(ctx, *metadata, redirect, mcpClientName)
	return err
}

// beginMCP stores a sign-in that is under way, and gives the address of the consent page.
func (a *API) beginMCP(ctx context.Context, customer tenant.Scope, in MCPServerPath, person *string, returnTo, redirect string, consent mcpConsent) (*connectOutput, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	cookie := randomSecret()
	asked := platform.Consent{State: randomSecret(), Verifier: oauth2.GenerateVerifier(), RedirectURL: redirect}
	consent.Verifier = asked.Verifier
	authorizeURL, err := a.mcp.AuthorizeURL(consent.Metadata, consent.Registration, asked)
	if err != nil {
		return nil, err
	}
	secret, keyID, err := a.seal(consent, vault.ConnectSession(in.CustomerID, id, platformMCP))
	if err != nil {
		return nil, err
	}
	client, clientKeyID, err := a.seal(consent.Registration, vault.MCPRegistration(in.CustomerID, in.MCPServerID))
	if err != nil {
		return nil, err
	}
	metadata, err := json.Marshal(consent.Metadata)
	if err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	stateHash, cookieHash := sha256.Sum256([]byte(asked.State)), sha256.Sum256([]byte(cookie))
	var expiresAt time.Time
	if err := a.tx(ctx, customer, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		kept, err := q.McpServerKeepRegistration(ctx, queries.McpServerKeepRegistrationParams{
			ID: in.MCPServerID, Person: person, URL: consent.URL, Metadata: metadata, Registration: client, KeyID: clientKeyID,
		})
		if err == nil && !kept {
			err = conflict("The server was changed at this moment. Try again.")
		}
		if err != nil {
			return err
		}
		expiresAt, err = q.ConnectSessionCreateMCP(ctx, queries.ConnectSessionCreateMCPParams{
			ID: id, McpServerID: in.MCPServerID, Person: person, StateHash: stateHash[:], CookieHash: cookieHash[:],
			RedirectUri: redirect, ReturnTo: returnTo, Secret: secret, KeyID: &keyID,
		})
		return err
	}); err != nil {
		return nil, err
	}
	return &connectOutput{
		SetCookie: a.connectCookie(a.cookiePrefix()+id.String(), cookie, connectLifetime),
		Body:      Connect{AuthorizeURL: authorizeURL, ConnectSessionID: id, ExpiresAt: expiresAt.UTC()},
	}, nil
}

// mcpReturn is a browser that has come back.
type mcpReturn struct {
	callback
	serverID uuid.UUID
	person   *string
}

func (a *API) mcpCallback(ctx context.Context, in *CallbackQuery) (*callbackOutput, error) {
	c := &mcpReturn{callback: callback{a: a, in: in, name: platformMCP, state: in.only("state"), returnTo: a.defaultReturn()}}
	result := c.run(ctx)
	a.log.InfoContext(ctx, "a browser has come back from an MCP server", "result", result, "connect_session_id", c.session.ID, "request_id", requestID(ctx))
	said := map[string]string{"mcp_server": ""}
	if c.serverID != uuid.Nil {
		said["mcp_server"] = c.serverID.String()
	}
	return c.sendOn(result, said), nil
}

func (c *mcpReturn) run(ctx context.Context) (result string) {
	if result := c.begin(ctx, "mcp-callback"); result != "" {
		return result
	}
	if result, err := c.use(ctx); err != nil || result != "" {
		if err != nil {
			result = c.failed(ctx, err)
		}
		return result
	}
	// The state is used up. What follows is brought to its end also if the browser goes away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), callbackTimeout)
	defer cancel()
	secret, address, err := c.signIn(ctx)
	if err == nil {
		err = c.store(ctx, secret, address)
	}
	if err == nil {
		return resultConnected
	}
	result = c.failed(ctx, err)
	var refused *platform.Error
	if errors.As(err, &refused) && refused.Code == mcpclient.CodeIssuer {
		result = resultIssuerMismatch
	}
	if failed := c.finish(ctx, result); (failed || result == resultNotAllowed) && secret.Tokens.AccessToken != "" {
		c.revoke(ctx, secret)
	}
	return result
}

// use uses up the state, if it is one of this browser's, and ends the session where the server says that there is no sign-in.
func (c *mcpReturn) use(ctx context.Context) (result string, err error) {
	err = c.a.tx(ctx, c.scope, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		result, c.cookie, c.returnTo = "", "", c.a.defaultReturn()
		if err := c.match(ctx, q); err != nil {
			return err
		}
		if result, err = c.judge(ctx, q, c.refusal()); err != nil || c.session.ID == uuid.Nil {
			return err
		}
		row, err := q.ConnectSessionOfMCP(ctx, c.session.ID)
		c.serverID, c.person = row.McpServerID, row.Person
		return err
	})
	return result, err
}

// refusal is why there will be no tokens, by what the server has sent along; empty where there may be. Who answers is checked
// with the code.
func (c *mcpReturn) refusal() string {
	switch {
	case len(c.in.query["iss"]) > 1:
		return resultIssuerMismatch
	case c.in.query.Has("error") && c.in.only("error") == "access_denied":
		return resultAccessDenied
	case c.in.query.Has("error"):
		return resultPlatformError
	case c.in.only("code") == "":
		return resultCodeMissing
	}
	return ""
}

// signIn gets the tokens for the code.
func (c *mcpReturn) signIn(ctx context.Context) (secret mcpclient.Secret, address string, err error) {
	plain, err := c.a.Vault.Unseal(c.session.Secret, vault.ConnectSession(c.session.CustomerID, c.session.ID, platformMCP))
	if err != nil {
		return secret, "", fmt.Errorf("open consent: %w", err)
	}
	var consent mcpConsent
	if json.Unmarshal(plain, &consent) != nil {
		return secret, "", errors.New("the consent is not what was sealed")
	}
	secret = mcpclient.Secret{Metadata: consent.Metadata, Registration: consent.Registration}
	asked := platform.Consent{State: c.state, Verifier: consent.Verifier, RedirectURL: c.session.RedirectUri}
	secret.Tokens, err = c.a.mcp.Exchange(ctx, consent.Metadata, consent.Registration, asked, c.in.only("code"), c.in.only("iss"))
	return secret, consent.URL, err
}

// store keeps the tokens, if whoever began may still sign in and the server is still at the address.
func (c *mcpReturn) store(ctx context.Context, secret mcpclient.Secret, address string) error {
	return c.a.tx(ctx, c.scope, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		if err := c.a.putMCPLogin(ctx, q, mcpLogin{
			customerID: c.session.CustomerID, serverID: c.serverID, url: address, person: c.person, secret: secret,
		}); err != nil {
			return err
		}
		ended, err := q.ConnectSessionFinish(ctx, queries.ConnectSessionFinishParams{ID: c.session.ID, State: "connected", Result: resultConnected})
		return oneRow(ended, err)
	})
}

// revoke gives tokens back that are not kept.
func (c *mcpReturn) revoke(ctx context.Context, secret mcpclient.Secret) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), revokeTimeout)
	defer cancel()
	if err := c.a.mcp.Revoke(ctx, secret.Metadata, secret.Registration, secret.Tokens); err != nil {
		c.a.log.WarnContext(ctx, "tokens that are not kept could not be revoked", "error", err, "connect_session_id", c.session.ID, "request_id", requestID(ctx))
	}
}
