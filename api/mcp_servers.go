package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/mcpclient"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// MCPServer is an MCP server that a space uses, as the caller finds it.
type MCPServer struct {
	ID         uuid.UUID      `json:"id" format:"uuid"`
	Name       string         `json:"name"`
	URL        string         `json:"url"`
	Status     string         `json:"status" enum:"unchecked,connected,needs_login,failing" doc:"With the credential that credential names, or without any. connected: it lets in and lists its tools; needs_login: it wants a credential, or another one; failing: anything else."`
	Login      *string        `json:"login" enum:"oauth,token" doc:"How it is signed in to: oauth, by connect-mcp-server; token, by set-mcp-login with what its owner gives out. null: not known, or nobody has to."`
	Server     *MCPServerInfo `json:"server,omitempty" doc:"What it says of itself; only when it is connected. Nobody has checked it."`
	Failure    *MCPFailure    `json:"failure,omitempty" doc:"Why it is failing, or does not accept a credential; left out otherwise."`
	CheckedAt  *time.Time     `json:"checked_at" doc:"When it was looked at last; null: not yet."`
	Credential *MCPLogin      `json:"credential,omitempty" doc:"With what you get in: your own, else the space's, else one that is shared in the space. Left out where there is none."`
	HasClient  bool           `json:"has_client" doc:"This installation is known at the server's sign-in."`
	CreatedAt  time.Time      `json:"created_at"`
	UpdatedAt  time.Time      `json:"updated_at"`
}

// MCPServerInfo is what a server says of itself.
type MCPServerInfo struct {
	Name      string    `json:"name"`
	Title     string    `json:"title"`
	Version   string    `json:"version"`
	Protocol  string    `json:"protocol" doc:"The version of MCP, a date."`
	ToolCount int       `json:"tool_count"`
	Tools     []MCPTool `json:"tools,omitzero" nullable:"false" doc:"Left out by list-mcp-servers."`
	MoreTools bool      `json:"more_tools" doc:"It has more tools than these."`
}

// MCPTool is a tool of a server.
type MCPTool struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	ReadOnly    bool   `json:"read_only" doc:"The server says that it changes nothing."`
}

// MCPFailure is why a server is not connected.
type MCPFailure struct {
	Code    string `json:"code" doc:"Such as unreachable, tls, not_found, redirect, too_large, forbidden, address_refused, login_metadata; may be empty."`
	Message string `json:"message"`
}

// MCPLogin is what lets into a server.
type MCPLogin struct {
	ID        uuid.UUID  `json:"id" format:"uuid"`
	Owner     string     `json:"owner" enum:"me,shared,space" doc:"me: your own; shared: somebody else's in the space, who shares it; space: the space's."`
	Login     string     `json:"login" enum:"oauth,token"`
	ExpiresAt *time.Time `json:"expires_at" doc:"When the access ends, if it is not renewed before; null: not known."`
}

// MCPServerCreate is a new server.
type MCPServerCreate struct {
	Name string `json:"name" minLength:"1" maxLength:"100" pattern:"\\S" patternDescription:"more than white space"`
	URL  string `json:"url" minLength:"1" maxLength:"2048" doc:"Begins with https:// and leads to the public internet; in networks that this server allows, as it does its own machine in development, http:// will do." example:"https://mcp.example.com/mcp"`
}

// MCPServerUpdate changes the fields that are given.
type MCPServerUpdate struct {
	Name *string `json:"name,omitempty" minLength:"1" maxLength:"100" pattern:"\\S" patternDescription:"more than white space"`
	URL  *string `json:"url,omitempty" minLength:"1" maxLength:"2048" doc:"Another address is another server: everything that was given for the one before is withdrawn."`
}

// MCPToken is a token that a server's owner has given out.
type MCPToken struct {
	Owner string `json:"owner" enum:"me,space" doc:"me: of you alone, as somebody in the space's chat; space: of the space, which takes an admin."`
	Token string `json:"token" minLength:"8" maxLength:"8000" doc:"It is sent as Authorization: Bearer, stored sealed, and never shown again."`
}

// MCPClient is this installation as a client of a server's sign-in, made there by hand.
type MCPClient struct {
	ClientID     string `json:"client_id" minLength:"1" maxLength:"4000"`
	ClientSecret string `json:"client_secret,omitempty" maxLength:"4000" doc:"Empty for a client without one. It is stored sealed, and never shown again."`
}

type mcpServerOutput struct {
	ETag string `header:"ETag"`
	Body MCPServer
}

// MCPServerPath is the path of an MCP server.
type MCPServerPath struct {
	SpacePath
	MCPServerID uuid.UUID `path:"mcp_server_id" format:"uuid" doc:"The MCP server."`
}

func (a *API) registerMCPServers() {
	tags := []string{"MCP servers"}
	const list, one = "/v1/customers/{customer_id}/spaces/{space_id}/mcp-servers", "/v1/customers/{customer_id}/spaces/{space_id}/mcp-servers/{mcp_server_id}"
	register(a, huma.Operation{
		OperationID: "list-mcp-servers", Metadata: needs("spaces:read", "credentials:write"), Method: http.MethodGet, Path: list, Tags: tags, Summary: "List the MCP servers of a space",
		Description: "With how each is for you: which you may use, and which want a sign-in. What tools they have, get-mcp-server tells.",
	}, a.listMCPServers)
	register(a, huma.Operation{
		OperationID: "create-mcp-server", Method: http.MethodPost, Path: list, Tags: tags, Summary: "Add an MCP server to a space",
		Description: "It is looked at within seconds, and then every few hours. Owners and admins only.", DefaultStatus: http.StatusCreated,
	}, a.createMCPServer)
	register(a, huma.Operation{
		OperationID: "get-mcp-server", Metadata: needs("spaces:read", "credentials:write"), Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get an MCP server",
	}, a.getMCPServer)
	register(a, huma.Operation{
		OperationID: "update-mcp-server", Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Change an MCP server",
		Description: "Owners and admins only.", Errors: []int{http.StatusPreconditionFailed},
	}, a.updateMCPServer)
	register(a, huma.Operation{
		OperationID: "delete-mcp-server", Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Delete an MCP server",
		Description:   "What was given for it is withdrawn: where somebody has signed in, that is ended there too, if it can be. Owners and admins only.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteMCPServer)
	register(a, huma.Operation{
		OperationID: "check-mcp-server", Metadata: needs("credentials:write"), Method: http.MethodPost, Path: one + "/check", Tags: tags, Summary: "Have an MCP server looked at",
		Description:   "Within seconds, and ten seconds after the last time at the earliest; checked_at tells when it was. With what lets you in, and never with what is somebody else's alone.",
		DefaultStatus: http.StatusAccepted,
	}, a.checkMCPServer)
	register(a, huma.Operation{
		OperationID: "set-mcp-login", Metadata: needs("credentials:write"), Method: http.MethodPut, Path: one + "/login", Tags: tags, Summary: "Give a token for an MCP server",
		Description: "In place of what was given before: by an admin for the space, by a person in it for themselves.",
	}, a.setMCPLogin)
	register(a, huma.Operation{
		OperationID: "delete-mcp-login", Metadata: needs("spaces:read", "credentials:write"), Method: http.MethodDelete, Path: one + "/login", Tags: tags, Summary: "Sign out of an MCP server",
		Description:   "The token or sign-in is of no use from then on, and is ended at the server too, if it can be.",
		DefaultStatus: http.StatusNoContent,
	}, a.deleteMCPLogin)
	register(a, huma.Operation{
		OperationID: "set-mcp-client", Method: http.MethodPut, Path: one + "/client", Tags: tags, Summary: "Give the client for signing in to an MCP server",
		Description: "Only where the server's sign-in does not let clients register by themselves. The client's redirect address is the API's own, followed by /v1/oauth/mcp/callback. Owners and admins only.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.setMCPClient)
}

func (a *API) listMCPServers(ctx context.Context, in *struct {
	SpacePath
	PageQuery
}) (*pageOutput[MCPServer], error) {
	before, err := in.before(listOfMCPServers)
	if err != nil {
		return nil, err
	}
	customer := scope(ctx).In(in.CustomerID)
	rows, err := read(ctx, a, customer, func(q *queries.Queries) ([]queries.McpServerListRow, error) {
		return q.McpServerList(ctx, queries.McpServerListParams{SpaceID: in.SpaceID, Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 { // of one that is there, or of none
		if _, err := read(ctx, a, customer, func(q *queries.Queries) (string, error) { return seenSpace(ctx, q, in.SpaceID) }); err != nil {
			return nil, err
		}
	}
	convert := func(row queries.McpServerListRow) (MCPServer, error) {
		return mcpServerFrom(queries.McpServerGetRow(row))
	}
	body, err := page(rows, in.Limit, convert, func(row queries.McpServerListRow) string { return cursorOf(listOfMCPServers, row.ID) })
	return &pageOutput[MCPServer]{Body: body}, err
}

// checkMCPURL refuses what can be told from the address alone not to be called.
func (a *API) checkMCPURL(text string) error {
	if err := a.mcp.CheckURL(text); err != nil {
		return invalid("body.url", "must be an address such as https://mcp.example.com/mcp on the public internet, without a user name and without #")
	}
	return nil
}

func (a *API) createMCPServer(ctx context.Context, in *struct {
	SpacePath
	Body MCPServerCreate
}) (*mcpServerOutput, error) {
	if err := a.checkMCPURL(in.Body.URL); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*mcpServerOutput, error) {
		if _, err := seenSpace(ctx, q, in.SpaceID); err != nil {
			return nil, err
		}
		if err := q.McpServerCreate(ctx, queries.McpServerCreateParams{ID: id, SpaceID: in.SpaceID, Name: in.Body.Name, URL: in.Body.URL}); err != nil {
			return nil, err
		}
		return mcpServer(ctx, q, in.SpaceID, id)
	})
}

func (a *API) getMCPServer(ctx context.Context, in *MCPServerPath) (*mcpServerOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.McpServerGetRow, error) {
		return q.McpServerGet(ctx, queries.McpServerGetParams{ID: in.MCPServerID, SpaceID: in.SpaceID})
	})
	if err != nil {
		return nil, noRows(err, "MCP server")
	}
	return mcpServerAnswer(row)
}

func mcpServer(ctx context.Context, q *queries.Queries, spaceID, id uuid.UUID) (*mcpServerOutput, error) {
	row, err := q.McpServerGet(ctx, queries.McpServerGetParams{ID: id, SpaceID: spaceID})
	if err != nil {
		return nil, noRows(err, "MCP server")
	}
	return mcpServerAnswer(row)
}

func mcpServerAnswer(row queries.McpServerGetRow) (*mcpServerOutput, error) {
	server, err := mcpServerFrom(row)
	if info := server.Server; info != nil {
		info.ToolCount = len(info.Tools)
		if info.Tools == nil {
			info.Tools = []MCPTool{}
		}
	}
	return &mcpServerOutput{ETag: etag(row.Version), Body: server}, err
}

func (a *API) updateMCPServer(ctx context.Context, in *struct {
	MCPServerPath
	Condition
	Body MCPServerUpdate
}) (*mcpServerOutput, error) {
	if in.Body.Name == nil && in.Body.URL == nil {
		return nil, nothingToChange()
	}
	if in.Body.URL != nil {
		if err := a.checkMCPURL(*in.Body.URL); err != nil {
			return nil, err
		}
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*mcpServerOutput, error) {
		if err := in.change(func(version *int64) (int64, error) {
			return q.McpServerUpdate(ctx, queries.McpServerUpdateParams{ID: in.MCPServerID, SpaceID: in.SpaceID, Version: version, Name: in.Body.Name, URL: in.Body.URL})
		}, in.exists(ctx, q)); err != nil {
			return nil, err
		}
		return mcpServer(ctx, q, in.SpaceID, in.MCPServerID)
	})
}

// exists tells whether the caller sees the server.
func (p MCPServerPath) exists(ctx context.Context, q *queries.Queries) func() error {
	return func() error {
		_, err := mcpServer(ctx, q, p.SpaceID, p.MCPServerID)
		return err
	}
}

func (a *API) deleteMCPServer(ctx context.Context, in *struct {
	MCPServerPath
	Condition
}) (*struct{}, error) {
	return nil, a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.McpServerDelete(ctx, queries.McpServerDeleteParams{ID: in.MCPServerID, SpaceID: in.SpaceID, Version: version})
		}, in.exists(ctx, q))
	})
}

func (a *API) checkMCPServer(ctx context.Context, in *MCPServerPath) (*mcpServerOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*mcpServerOutput, error) {
		if err := in.exists(ctx, q)(); err != nil {
			return nil, err
		}
		asked, err := q.McpServerRequestCheck(ctx, in.MCPServerID)
		if err != nil {
			return nil, err
		}
		if !asked {
			return nil, forbidden()
		}
		return mcpServer(ctx, q, in.SpaceID, in.MCPServerID)
	})
}

func (a *API) setMCPLogin(ctx context.Context, in *struct {
	MCPServerPath
	Body MCPToken
}) (*mcpServerOutput, error) {
	if err := checkSecret("body.token", in.Body.Token); err != nil {
		return nil, err
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*mcpServerOutput, error) {
		person, err := ownerIn(ctx, q, in.SpaceID, in.Body.Owner)
		if err != nil {
			return nil, err
		}
		row, err := q.McpServerGet(ctx, queries.McpServerGetParams{ID: in.MCPServerID, SpaceID: in.SpaceID})
		if err != nil {
			return nil, noRows(err, "MCP server")
		}
		if err := a.putMCPLogin(ctx, q, mcpLogin{
			customerID: in.CustomerID, serverID: row.ID, url: row.URL, person: person, secret: mcpclient.Secret{Token: in.Body.Token},
		}); err != nil {
			return nil, err
		}
		return mcpServer(ctx, q, in.SpaceID, in.MCPServerID)
	})
}

// mcpLogin is what lets somebody into a server at an address; person is nil for the space.
type mcpLogin struct {
	customerID, serverID uuid.UUID
	url                  string
	person               *string
	secret               mcpclient.Secret
}

// putMCPLogin stores what lets into a server, in place of what did before.
func (a *API) putMCPLogin(ctx context.Context, q *queries.Queries, in mcpLogin) error {
	id, err := q.CredentialOfMCP(ctx, queries.CredentialOfMCPParams{McpServerID: &in.serverID, Person: in.person})
	known := err == nil
	if errors.Is(err, pgx.ErrNoRows) {
		id, err = uuid.NewV7()
	}
	if err != nil {
		return fmt.Errorf("find credential: %w", err)
	}
	params := queries.CredentialCreateMCPParams{ID: id, Person: in.person, McpServerID: in.serverID, URL: in.url, Login: mcpclient.ByToken, Hint: hintOf(in.secret.Token)}
	if in.secret.Token == "" {
		params.Login = mcpclient.ByOAuth
		params.ExpiresAt, params.RenewAt = timeOrNil(in.secret.Tokens.ExpiresAt), timeOrNil(in.secret.Tokens.RenewAt())
	}
	if params.Credential, params.KeyID, err = a.seal(in.secret, vault.SpaceCredential(in.customerID, id)); err != nil {
		return err
	}
	var stored int64
	if known {
		stored, err = q.CredentialReplaceMCP(ctx, queries.CredentialReplaceMCPParams{
			ID: id, McpServerID: params.McpServerID, URL: params.URL, Hint: params.Hint, Login: params.Login,
			Credential: params.Credential, KeyID: params.KeyID, ExpiresAt: params.ExpiresAt, RenewAt: params.RenewAt,
		})
	} else {
		stored, err = q.CredentialCreateMCP(ctx, params)
	}
	if err == nil && stored == 0 {
		// With another address everything is withdrawn that was given for the one before.
		if _, err := q.CredentialOfMCP(ctx, queries.CredentialOfMCPParams{McpServerID: &in.serverID, Person: in.person}); err == nil && known {
			return forbidden()
		} else if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("find credential: %w", err)
		}
		return conflict("The server, or what lets into it, was changed at this moment. Try again.")
	}
	return err
}

func (a *API) deleteMCPLogin(ctx context.Context, in *struct {
	MCPServerPath
	Owner string `query:"owner" required:"true" enum:"me,space" doc:"Whose."`
}) (*struct{}, error) {
	return nil, a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		person, err := ownerIn(ctx, q, in.SpaceID, in.Owner)
		if err != nil {
			return err
		}
		if err := in.exists(ctx, q)(); err != nil {
			return err
		}
		id, err := q.CredentialOfMCP(ctx, queries.CredentialOfMCPParams{McpServerID: &in.MCPServerID, Person: person})
		if err != nil {
			return noRows(err, "sign-in")
		}
		changed, err := q.CredentialWithdraw(ctx, queries.CredentialWithdrawParams{ID: id, SpaceID: &in.SpaceID})
		return oneRow(changed, err)
	})
}

func (a *API) setMCPClient(ctx context.Context, in *struct {
	MCPServerPath
	Condition
	Body MCPClient
}) (*mcpServerOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*mcpServerOutput, error) {
		row, err := q.McpServerGet(ctx, queries.McpServerGetParams{ID: in.MCPServerID, SpaceID: in.SpaceID})
		if err != nil {
			return nil, noRows(err, "MCP server")
		}
		known, err := q.McpServerRegistration(ctx, queries.McpServerRegistrationParams{ID: in.MCPServerID})
		if err != nil {
			return nil, err
		}
		var metadata *mcpclient.Metadata
		if err := json.Unmarshal(known.Metadata, &metadata); err != nil {
			return nil, fmt.Errorf("decode metadata: %w", err)
		}
		if metadata == nil {
			return nil, conflict("It is not known yet how the server is signed in to. Have it looked at first: it must say needs_login with oauth.")
		}
		registration, err := metadata.ClientOf(in.Body.ClientID, in.Body.ClientSecret)
		if err != nil {
			return nil, err
		}
		sealed, keyID, err := a.seal(registration, vault.MCPRegistration(in.CustomerID, in.MCPServerID))
		if err != nil {
			return nil, err
		}
		if err := in.change(func(version *int64) (int64, error) {
			return q.McpServerSetClient(ctx, queries.McpServerSetClientParams{
				ID: in.MCPServerID, SpaceID: in.SpaceID, URL: row.URL, Version: version, Registration: sealed, KeyID: keyID,
			})
		}, in.exists(ctx, q)); err != nil {
			return nil, err
		}
		return mcpServer(ctx, q, in.SpaceID, in.MCPServerID)
	})
}

// mcpServerFrom shows a server as it is with what lets the caller in, or without anything.
func mcpServerFrom(row queries.McpServerGetRow) (MCPServer, error) {
	server := MCPServer{
		ID: row.ID, Name: row.Name, URL: row.URL, Status: row.Status, Login: row.Login, CheckedAt: utc(row.CheckedAt), HasClient: row.Registered,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
	info, code, message := row.Server, row.FailureCode, row.Failure
	if row.UsedID != uuid.Nil {
		server.Status, server.CheckedAt = row.UsedStatus, utc(row.UsedCheckedAt)
		info, code, message = row.UsedServer, row.UsedFailureCode, row.UsedFailure
		server.Credential = &MCPLogin{ID: row.UsedID, Owner: row.UsedOf, ExpiresAt: utc(row.UsedUntil)}
		if row.UsedLogin != nil {
			server.Credential.Login = *row.UsedLogin
		}
	}
	if message != nil {
		server.Failure = &MCPFailure{Message: *message}
		if code != nil {
			server.Failure.Code = *code
		}
	}
	if len(info) > 0 {
		server.Server = &MCPServerInfo{}
		if err := json.Unmarshal(info, server.Server); err != nil {
			return MCPServer{}, fmt.Errorf("decode what a server says: %w", err)
		}
	}
	return server, nil
}
