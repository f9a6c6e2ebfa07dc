package api

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/queries"
)

// Access is who a caller is, and what their credential lets them do.
type Access struct {
	Kind string `json:"kind" enum:"person,api_key,agent_token,chat" doc:"Whose credential it is; chat: somebody who speaks in a space's chat."`
	// ID is of users, api_keys or agent_tokens.
	ID          *uuid.UUID     `json:"id" format:"uuid" nullable:"true" doc:"The person's, key's or token's id; null in a chat of somebody who is nobody in Fanfare."`
	CustomerID  *uuid.UUID     `json:"customer_id" format:"uuid" nullable:"true" doc:"The one customer that it is for; null for people, who may have several: see list-customers."`
	SpaceID     *uuid.UUID     `json:"space_id" format:"uuid" nullable:"true" doc:"The space that it acts in; null: the whole customer."`
	Permissions KeyPermissions `json:"permissions" nullable:"false" doc:"What it may do now. Empty for people: their role in each customer says it."`
}

type accessOutput struct{ Body Access }

// anyPermission lets every key and agent token call an operation: all that there are.
var anyPermission = []string{
	"customer:read", "campaigns:read", "campaigns:write", "posts:read", "posts:write", "posts:publish", "jobs:read", "audit:read", "tokens:mint",
	"spaces:read", "spaces:pair", "conversations:read", "memories:read", "memories:write", "credentials:write", "files:read", "files:write",
}

// chatPermissions are those that the people of a chat can have who are nobody in Fanfare.
var chatPermissions = []string{
	"customer:read", "campaigns:read", "posts:read", "posts:write", "posts:publish", "spaces:read", "memories:read", "memories:write", "credentials:write",
}

type (
	// KeyPermissions are an API key's.
	KeyPermissions []string
	// TokenPermissions are an agent token's, which makes no others.
	TokenPermissions []string
	// ChatPermissions are those of the people of a chat.
	ChatPermissions []string
)

// TransformSchema names them.
func (KeyPermissions) TransformSchema(_ huma.Registry, list *huma.Schema) *huma.Schema {
	return oneOf(list, anyPermission)
}

// TransformSchema names them.
func (TokenPermissions) TransformSchema(_ huma.Registry, list *huma.Schema) *huma.Schema {
	return oneOf(list, slices.DeleteFunc(slices.Clone(anyPermission), func(p string) bool { return p == "tokens:mint" }))
}

// TransformSchema names them.
func (ChatPermissions) TransformSchema(_ huma.Registry, list *huma.Schema) *huma.Schema {
	return oneOf(list, chatPermissions)
}

// oneOf has each of a list be one of these.
func oneOf(list *huma.Schema, known []string) *huma.Schema {
	for _, one := range known {
		list.Items.Enum = append(list.Items.Enum, one)
	}
	list.Items.PrecomputeMessages()
	return list
}

func (a *API) registerAccess() {
	register(a, huma.Operation{
		OperationID: "get-access", Metadata: needs(anyPermission...), Method: http.MethodGet, Path: "/v1/access", Tags: []string{"Me"},
		Summary:     "What is my credential for?",
		Description: "For programs that are given a key or token and are to find out which customer and which space it is for, and what it may do.",
	}, a.getAccess)
}

func (a *API) getAccess(ctx context.Context, _ *struct{}) (*accessOutput, error) {
	row, err := read(ctx, a, scope(ctx), func(q *queries.Queries) (queries.AccessGetRow, error) { return q.AccessGet(ctx) })
	if err != nil {
		return nil, err
	}
	body := Access{Kind: row.Kind, ID: known(row.ID), CustomerID: known(row.CustomerID), SpaceID: known(row.SpaceID), Permissions: row.Permissions}
	return &accessOutput{Body: body}, nil
}

// known gives an id, nil where it is of nothing.
func known(id uuid.UUID) *uuid.UUID {
	if id == uuid.Nil {
		return nil
	}
	return &id
}
