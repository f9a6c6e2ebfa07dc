package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// APIKey lets a program act in one customer. It may do what its permissions say, and never more than whoever made it
// may do at that moment.
type APIKey struct {
	ID          uuid.UUID      `json:"id" format:"uuid"`
	Name        string         `json:"name"`
	Prefix      string         `json:"prefix" doc:"How the key begins, to recognise it by." example:"ffk_J3QK7A"`
	Permissions KeyPermissions `json:"permissions" nullable:"false"`
	SpaceID     *uuid.UUID     `json:"space_id" format:"uuid" nullable:"true" doc:"The space that it acts in; null: the whole customer."`
	CreatedBy   uuid.UUID      `json:"created_by" format:"uuid" doc:"The person who made it."`
	ExpiresAt   *time.Time     `json:"expires_at" doc:"Null: it does not expire."`
	LastUsedAt  *time.Time     `json:"last_used_at" doc:"To within five minutes; null: never."`
	RevokedAt   *time.Time     `json:"revoked_at" doc:"Null while it works."`
	CreatedAt   time.Time      `json:"created_at"`
	UpdatedAt   time.Time      `json:"updated_at"`
}

// APIKeyCreated is a new key, with the key itself.
type APIKeyCreated struct {
	APIKey
	Key string `json:"key" doc:"The key. It is shown this once and cannot be found out again."`
}

type apiKeyOutput struct {
	ETag string `header:"ETag"`
	Body APIKey
}

type apiKeyCreatedOutput struct {
	ETag string `header:"ETag"`
	Body APIKeyCreated
}

// APIKeyPath is the path of a key.
type APIKeyPath struct {
	CustomerPath
	APIKeyID uuid.UUID `path:"api_key_id" format:"uuid" doc:"The API key."`
}

// APIKeyCreate is a new key.
type APIKeyCreate struct {
	Name        string         `json:"name" minLength:"1" maxLength:"200" pattern:"\\S" patternDescription:"more than white space" doc:"What it is for."`
	Permissions KeyPermissions `json:"permissions" minItems:"1" nullable:"false"`
	SpaceID     *uuid.UUID     `json:"space_id,omitempty" format:"uuid" nullable:"true" doc:"A space that it is to act in, and to see nothing of others; the whole customer if left out."`
	ExpiresAt   *time.Time     `json:"expires_at,omitempty" format:"date-time" nullable:"true" doc:"When it stops working; it does not expire if left out."`
}

// APIKeyUpdate renames a key. What a key may do does not change: make another.
type APIKeyUpdate struct {
	Name string `json:"name" minLength:"1" maxLength:"200" pattern:"\\S" patternDescription:"more than white space"`
}

func (a *API) registerAPIKeys() {
	tags := []string{"API keys"}
	const list, one = "/v1/customers/{customer_id}/api-keys", "/v1/customers/{customer_id}/api-keys/{api_key_id}"
	register(a, huma.Operation{
		OperationID: "list-api-keys", Method: http.MethodGet, Path: list, Tags: tags, Summary: "List API keys", Description: "Admins only.",
	}, a.listAPIKeys)
	register(a, huma.Operation{
		OperationID: "create-api-key", Method: http.MethodPost, Path: list, Tags: tags, Summary: "Make an API key",
		Description:   "Admins only. The key stops working when whoever made it leaves, and can never do more than they can.",
		DefaultStatus: http.StatusCreated,
	}, a.createAPIKey)
	register(a, huma.Operation{
		OperationID: "get-api-key", Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get an API key",
	}, a.getAPIKey)
	register(a, huma.Operation{
		OperationID: "update-api-key", Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Rename an API key",
		Errors: []int{http.StatusPreconditionFailed},
	}, a.updateAPIKey)
	register(a, huma.Operation{
		OperationID: "revoke-api-key", Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Revoke an API key",
		Description:   "It and every agent token made from it stop working with the next request. It stays on the list.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.revokeAPIKey)
}

func (a *API) listAPIKeys(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[APIKey], error) {
	before, err := in.before(listOfAPIKeys)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.APIKeyListRow, error) {
		return q.APIKeyList(ctx, queries.APIKeyListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.APIKeyListRow) (APIKey, error) { return apiKeyFrom(queries.APIKeyGetRow(row)), nil }
	body, err := page(rows, in.Limit, convert, func(row queries.APIKeyListRow) string { return cursorOf(listOfAPIKeys, row.ID) })
	return &pageOutput[APIKey]{Body: body}, err
}

// shownOfKey is how much of a key is kept to recognise it by: its mark and six of its 52 characters.
const shownOfKey = len(keyMark) + 6

func (a *API) createAPIKey(ctx context.Context, in *struct {
	CustomerPath
	Body APIKeyCreate
}) (*apiKeyCreatedOutput, error) {
	if err := eachOnce("body.permissions", in.Body.Permissions); err != nil {
		return nil, err
	}
	if in.Body.ExpiresAt != nil && !in.Body.ExpiresAt.After(time.Now()) {
		return nil, invalid("body.expires_at", "must be in the future")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	key := keyMark + rand.Text() + rand.Text() // 260 random bits
	hash := sha256.Sum256([]byte(key))
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*apiKeyCreatedOutput, error) {
		if err := q.APIKeyCreate(ctx, queries.APIKeyCreateParams{
			ID: id, Name: in.Body.Name, Prefix: key[:shownOfKey], KeyHash: hash[:], Permissions: in.Body.Permissions, ExpiresAt: in.Body.ExpiresAt,
			SpaceID: in.Body.SpaceID,
		}); err != nil {
			return nil, err
		}
		row, err := q.APIKeyGet(ctx, id)
		return &apiKeyCreatedOutput{ETag: etag(row.Version), Body: APIKeyCreated{APIKey: apiKeyFrom(row), Key: key}}, err
	})
}

func (a *API) getAPIKey(ctx context.Context, in *APIKeyPath) (*apiKeyOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.APIKeyGetRow, error) {
		return q.APIKeyGet(ctx, in.APIKeyID)
	})
	if err != nil {
		return nil, noRows(err, "API key")
	}
	return apiKeyAnswer(row), nil
}

func (a *API) updateAPIKey(ctx context.Context, in *struct {
	APIKeyPath
	Condition
	Body APIKeyUpdate
}) (*apiKeyOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*apiKeyOutput, error) {
		var row queries.APIKeyGetRow
		get := func() (err error) {
			row, err = q.APIKeyGet(ctx, in.APIKeyID)
			return noRows(err, "API key")
		}
		err := in.change(func(version *int64) (int64, error) {
			return q.APIKeyUpdate(ctx, queries.APIKeyUpdateParams{ID: in.APIKeyID, Name: in.Body.Name, Version: version})
		}, get)
		if err == nil {
			err = get()
		}
		return apiKeyAnswer(row), err
	})
}

func (a *API) revokeAPIKey(ctx context.Context, in *struct {
	APIKeyPath
	Condition
}) (*struct{}, error) {
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.APIKeyRevoke(ctx, queries.APIKeyRevokeParams{ID: in.APIKeyID, Version: version})
		}, func() error {
			_, err := q.APIKeyGet(ctx, in.APIKeyID)
			return noRows(err, "API key")
		})
	})
	return nil, err
}

func apiKeyAnswer(row queries.APIKeyGetRow) *apiKeyOutput {
	return &apiKeyOutput{ETag: etag(row.Version), Body: apiKeyFrom(row)}
}

func apiKeyFrom(row queries.APIKeyGetRow) APIKey {
	return APIKey{
		ID: row.ID, Name: row.Name, Prefix: row.Prefix, Permissions: row.Permissions, SpaceID: row.SpaceID, CreatedBy: row.CreatedBy,
		ExpiresAt: utc(row.ExpiresAt), LastUsedAt: utc(row.LastUsedAt), RevokedAt: utc(row.RevokedAt),
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}
