package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/agenttoken"
	"fanfare/queries"
)

// AgentToken lets an AI agent act in one customer for an hour at most. It may do what its permissions say, and never
// more than the key and the person behind it may do at that moment.
type AgentToken struct {
	ID          uuid.UUID        `json:"id" format:"uuid" doc:"The token's jti."`
	Name        string           `json:"name"`
	Permissions TokenPermissions `json:"permissions" nullable:"false"`
	SpaceID     *uuid.UUID       `json:"space_id" format:"uuid" nullable:"true" doc:"The space that it acts in; null: the whole customer."`
	Person      *string          `json:"person" doc:"Who speaks with it, as the program that has it calls them; null: nobody in particular."`
	APIKeyID    *uuid.UUID       `json:"api_key_id" format:"uuid" nullable:"true" doc:"The key that it was made from; null if a person made it."`
	CreatedBy   *uuid.UUID       `json:"created_by" format:"uuid" nullable:"true" doc:"The person who made it; null if it was made from a key."`
	ExpiresAt   time.Time        `json:"expires_at"`
	RevokedAt   *time.Time       `json:"revoked_at" doc:"Null while it is not revoked."`
	CreatedAt   time.Time        `json:"created_at"`
}

// AgentTokenCreated is a new token, with the token itself.
type AgentTokenCreated struct {
	AgentToken
	Token string `json:"token" doc:"The token, to be sent as Authorization: Bearer. It is shown this once."`
}

type agentTokenOutput struct {
	ETag string `header:"ETag"`
	Body AgentToken
}

type agentTokenCreatedOutput struct {
	ETag string `header:"ETag"`
	Body AgentTokenCreated
}

// AgentTokenPath is the path of an agent token.
type AgentTokenPath struct {
	CustomerPath
	AgentTokenID uuid.UUID `path:"agent_token_id" format:"uuid" doc:"The agent token."`
}

// AgentTokenCreate is a new token.
type AgentTokenCreate struct {
	Name            string           `json:"name" minLength:"1" maxLength:"200" pattern:"\\S" patternDescription:"more than white space" doc:"Which agent it is for."`
	Permissions     TokenPermissions `json:"permissions" minItems:"1" nullable:"false" doc:"Not more than the key has that makes it."`
	SpaceID         *uuid.UUID       `json:"space_id,omitempty" format:"uuid" nullable:"true" doc:"A space that it is to act in, and to see nothing of others. With a key of a space, it is that one."`
	Person          *string          `json:"person,omitempty" minLength:"1" maxLength:"100" nullable:"true" doc:"Who speaks in that space: a name that the program gives somebody, for whom whoever makes the token vouches. They alone have what is given with such tokens for themselves. It is never one of the people in the chat, also where it is their id: what those gave, no token reaches."`
	LifetimeSeconds int32            `json:"lifetime_seconds,omitempty" minimum:"60" maximum:"3600" default:"3600"`
}

func (a *API) registerAgentTokens() {
	tags := []string{"Agent tokens"}
	const list, one = "/v1/customers/{customer_id}/agent-tokens", "/v1/customers/{customer_id}/agent-tokens/{agent_token_id}"
	register(a, huma.Operation{
		OperationID: "list-agent-tokens", Metadata: needs("tokens:mint"), Method: http.MethodGet, Path: list, Tags: tags, Summary: "List agent tokens",
		Description: "Admins see all of them, a key with tokens:mint its own. A token is forgotten a week after its end.",
	}, a.listAgentTokens)
	register(a, huma.Operation{
		OperationID: "create-agent-token", Metadata: needs("tokens:mint"), Method: http.MethodPost, Path: list, Tags: tags, Summary: "Make an agent token",
		Description: "For admins, and for keys with tokens:mint. The token dies with the key or the person that made it, and one of a space with the space. " +
			"A key of a space makes tokens of that space alone. The claim space_id says which it is. In what a person of a token gave or wrote, they stand as agent: and their name.",
		DefaultStatus: http.StatusCreated,
	}, a.createAgentToken)
	register(a, huma.Operation{
		OperationID: "get-agent-token", Metadata: needs("tokens:mint"), Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get an agent token",
	}, a.getAgentToken)
	register(a, huma.Operation{
		OperationID: "revoke-agent-token", Metadata: needs("tokens:mint"), Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Revoke an agent token",
		Description:   "It stops working with the next request.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.revokeAgentToken)
}

func (a *API) listAgentTokens(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[AgentToken], error) {
	before, err := in.before(listOfAgentTokens)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.AgentTokenListRow, error) {
		return q.AgentTokenList(ctx, queries.AgentTokenListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.AgentTokenListRow) (AgentToken, error) {
		return agentTokenFrom(queries.AgentTokenGetRow(row)), nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.AgentTokenListRow) string { return cursorOf(listOfAgentTokens, row.ID) })
	return &pageOutput[AgentToken]{Body: body}, err
}

func (a *API) createAgentToken(ctx context.Context, in *struct {
	CustomerPath
	Body AgentTokenCreate
}) (*agentTokenCreatedOutput, error) {
	if err := eachOnce("body.permissions", in.Body.Permissions); err != nil {
		return nil, err
	}
	if in.Body.Person != nil && in.Body.SpaceID == nil {
		return nil, invalid("body.person", "needs space_id: the space in which they speak")
	}
	// Outside of the transaction: the first time, this reads keys on a connection of its own.
	if err := a.tokens.Prepare(ctx); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*agentTokenCreatedOutput, error) {
		if err := q.AgentTokenCreate(ctx, queries.AgentTokenCreateParams{
			ID: id, Name: in.Body.Name, Permissions: in.Body.Permissions, Lifetime: time.Duration(in.Body.LifetimeSeconds) * time.Second,
			SpaceID: in.Body.SpaceID, Person: in.Body.Person,
		}); err != nil {
			return nil, err
		}
		row, err := q.AgentTokenGet(ctx, id)
		if err != nil {
			return nil, err
		}
		token, err := a.tokens.Sign(ctx, agenttoken.Claims{ID: id, CustomerID: in.CustomerID, Permissions: row.Permissions, SpaceID: row.SpaceID, ExpiresAt: row.ExpiresAt})
		return &agentTokenCreatedOutput{ETag: etag(row.Version), Body: AgentTokenCreated{AgentToken: agentTokenFrom(row), Token: token}}, err
	})
}

func (a *API) getAgentToken(ctx context.Context, in *AgentTokenPath) (*agentTokenOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.AgentTokenGetRow, error) {
		return q.AgentTokenGet(ctx, in.AgentTokenID)
	})
	if err != nil {
		return nil, noRows(err, "agent token")
	}
	return &agentTokenOutput{ETag: etag(row.Version), Body: agentTokenFrom(row)}, nil
}

func (a *API) revokeAgentToken(ctx context.Context, in *struct {
	AgentTokenPath
	Condition
}) (*struct{}, error) {
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.AgentTokenRevoke(ctx, queries.AgentTokenRevokeParams{ID: in.AgentTokenID, Version: version})
		}, func() error {
			_, err := q.AgentTokenGet(ctx, in.AgentTokenID)
			return noRows(err, "agent token")
		})
	})
	return nil, err
}

func agentTokenFrom(row queries.AgentTokenGetRow) AgentToken {
	return AgentToken{
		ID: row.ID, Name: row.Name, Permissions: row.Permissions, SpaceID: row.SpaceID, Person: row.Person, APIKeyID: row.APIKeyID, CreatedBy: row.CreatedBy,
		ExpiresAt: row.ExpiresAt.UTC(), RevokedAt: utc(row.RevokedAt), CreatedAt: row.CreatedAt.UTC(),
	}
}
