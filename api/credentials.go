package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/llm"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// Credential is what agents work with: a key of a language model, or what lets into an MCP server. Its secret is never shown.
type Credential struct {
	ID          uuid.UUID  `json:"id" format:"uuid"`
	Kind        string     `json:"kind" enum:"llm,mcp" doc:"llm: the key of a language model; mcp: what lets into an MCP server of the space."`
	Owner       string     `json:"owner" enum:"me,person,space,customer" doc:"me: it is yours alone, unless it is shared; person: it is somebody else's, who shares it; space, customer: admins look after it."`
	Person      *string    `json:"person" doc:"Whose it is: their id on the space's platform, or agent: and the name that agent tokens give them; null: nobody's in particular."`
	Name        string     `json:"name"`
	Provider    *string    `json:"provider" enum:"anthropic,gemini,openai" doc:"Of a language model; openai is also every other server that speaks its API."`
	Model       *string    `json:"model"`
	BaseURL     string     `json:"base_url" doc:"Where the model is reached; empty: at the provider's own address."`
	Hint        string     `json:"hint" doc:"The last four characters of the secret; empty where it has fewer than 20."`
	MCPServerID *uuid.UUID `json:"mcp_server_id" format:"uuid" nullable:"true"`
	Login       *string    `json:"login" enum:"oauth,token" doc:"Of an MCP server: oauth, somebody has signed in; token, it was given out by the server's owner."`
	Shared      bool       `json:"shared" doc:"Its person lets the others in the space use it."`
	SharedAt    *time.Time `json:"shared_at"`
	ExpiresAt   *time.Time `json:"expires_at" doc:"When the access ends, if it is not renewed before; null: not known."`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

// LLMKey is the key of a language model.
type LLMKey struct {
	Name     string `json:"name" minLength:"1" maxLength:"100" pattern:"\\S" patternDescription:"more than white space"`
	Provider string `json:"provider" enum:"anthropic,gemini,openai"`
	Model    string `json:"model" minLength:"1" maxLength:"200" doc:"The provider's name for the model."`
	BaseURL  string `json:"base_url,omitempty" maxLength:"2000" doc:"Of a server that speaks the provider's API; it begins with https:// and leads to the public internet; in networks that this server allows, as it does its own machine in development, http:// will do. Left out, it is the provider's own." example:"https://llm.example.com/v1"`
	Key      string `json:"key" minLength:"8" maxLength:"4000" doc:"The secret. It is stored sealed, and never shown again."`
}

// SpaceCredentialCreate is a new key of a language model in a space.
type SpaceCredentialCreate struct {
	LLMKey
	Owner string `json:"owner" enum:"me,space" doc:"me: of you alone, as somebody in the space's chat; space: of the space, which takes an admin."`
}

// CredentialUpdate changes the fields that are given.
type CredentialUpdate struct {
	Name  *string `json:"name,omitempty" minLength:"1" maxLength:"100" pattern:"\\S" patternDescription:"more than white space"`
	Model *string `json:"model,omitempty" minLength:"1" maxLength:"200" doc:"Of a language model."`
	Key   *string `json:"key,omitempty" minLength:"8" maxLength:"4000" doc:"Another key of the same language model. Whoever shares the one before says anew whether to share this one."`
}

func (u CredentialUpdate) empty() bool { return u.Name == nil && u.Model == nil && u.Key == nil }

// SpaceCredentialUpdate changes the fields that are given.
type SpaceCredentialUpdate struct {
	CredentialUpdate
	Shared *bool `json:"shared,omitempty" doc:"Of one's own: true lets the others in the space use it, false takes that back. It ends by itself when you leave the space."`
}

type credentialOutput struct {
	ETag string `header:"ETag"`
	Body Credential
}

// CredentialPath is the path of a credential of the customer.
type CredentialPath struct {
	CustomerPath
	CredentialID uuid.UUID `path:"credential_id" format:"uuid" doc:"The credential."`
}

// SpaceCredentialPath is the path of a credential in a space.
type SpaceCredentialPath struct {
	SpacePath
	CredentialID uuid.UUID `path:"credential_id" format:"uuid" doc:"The credential."`
}

func (a *API) registerCredentials() {
	tags := []string{"Credentials"}
	const all, one = "/v1/customers/{customer_id}/credentials", "/v1/customers/{customer_id}/credentials/{credential_id}"
	const space, inSpace = "/v1/customers/{customer_id}/spaces/{space_id}/credentials", "/v1/customers/{customer_id}/spaces/{space_id}/credentials/{credential_id}"
	register(a, huma.Operation{
		OperationID: "list-credentials", Metadata: needs("spaces:read", "credentials:write"), Method: http.MethodGet, Path: all, Tags: tags,
		Summary: "List the customer's own credentials", Description: "Those that are of no space. A key or agent token of a space sees none of them.",
	}, a.listCredentials)
	register(a, huma.Operation{
		OperationID: "create-credential", Method: http.MethodPost, Path: all, Tags: tags, Summary: "Give a key of a language model for the whole customer",
		Description: "What the customer's posts are written with, unless the space or the person has a key of their own. There is one. Owners and admins only.", DefaultStatus: http.StatusCreated,
	}, a.createCredential)
	register(a, huma.Operation{
		OperationID: "update-credential", Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Change or replace a credential of the customer",
		Description: "Provider and address stay: for others, delete it and give a key anew. Owners and admins only.", Errors: []int{http.StatusPreconditionFailed},
	}, a.updateCredential)
	register(a, huma.Operation{
		OperationID: "delete-credential", Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Delete a credential of the customer",
		Description: "Owners and admins only.", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteCredential)
	register(a, huma.Operation{
		OperationID: "list-space-credentials", Metadata: needs("spaces:read", "credentials:write"), Method: http.MethodGet, Path: space, Tags: tags,
		Summary: "List credentials of a space", Description: "The space's, your own, and what others in the space share.",
	}, a.listSpaceCredentials)
	register(a, huma.Operation{
		OperationID: "create-space-credential", Metadata: needs("credentials:write"), Method: http.MethodPost, Path: space, Tags: tags, Summary: "Give a key of a language model in a space",
		Description: "One for the space, by its admins, and one for each person in it, by themselves: a member who is known to be somebody there, whoever speaks in its chat, or with an agent token whom it names. " +
			"Posts are written with the person's own, else the space's, else the customer's, else one that is shared in the space: what an agent token shares, for agent tokens alone.", DefaultStatus: http.StatusCreated,
	}, a.createSpaceCredential)
	register(a, huma.Operation{
		OperationID: "update-space-credential", Metadata: needs("spaces:read", "credentials:write"), Method: http.MethodPatch, Path: inSpace, Tags: tags,
		Summary: "Change, replace, share or unshare a credential of a space", Description: "What is somebody's, they change and share alone, and others never see it before. Provider and address stay: for others, delete it and give a key anew. To take sharing back takes no permission to write; owners and admins may take it back for others. " +
			"What an agent token shares is for agent tokens alone, and ends when that token or its key is revoked. In a chat and with a token, sharing the key of a language model takes posts:write: its server sees what is asked.",
		Errors: []int{http.StatusPreconditionFailed},
	}, a.updateSpaceCredential)
	register(a, huma.Operation{
		OperationID: "delete-space-credential", Metadata: needs("spaces:read", "credentials:write"), Method: http.MethodDelete, Path: inSpace, Tags: tags,
		Summary: "Delete a credential of a space", Description: "Owners and admins may delete what others share, too. It is of no use from then on. Where somebody has signed in to an MCP server, that is ended there too, if it can be.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteSpaceCredential)
}

// seenSpace tells who the caller is in a space; "" is nobody. A space that they do not see is none.
func seenSpace(ctx context.Context, q *queries.Queries, id uuid.UUID) (person string, err error) {
	row, err := q.SpaceSeen(ctx, id)
	if err != nil {
		return "", noRows(err, "space")
	}
	return row.Person, nil
}

// ownerIn is the person for whom something is given in a space; nil: for the space.
func ownerIn(ctx context.Context, q *queries.Queries, spaceID uuid.UUID, owner string) (*string, error) {
	person, err := seenSpace(ctx, q, spaceID)
	switch {
	case err != nil:
		return nil, err
	case owner != ownerMe:
		return nil, nil
	case person == "":
		return nil, problem(http.StatusForbidden, "You are nobody in this space's chat, so nothing there can be yours. Pair the chat as your own, or use an agent token that names a person.")
	}
	return &person, nil
}

const ownerMe = "me"

// sealLLMKey seals the key of a language model, and gives what is shown of it.
func (a *API) sealLLMKey(customerID, id uuid.UUID, key string) (sealed []byte, keyID int64, hint string, err error) {
	sealed, keyID, err = a.seal(llmSecret{Key: key}, vault.SpaceCredential(customerID, id))
	return sealed, keyID, hintOf(key), err
}

// llmSecret is what is sealed of the key of a language model.
type llmSecret struct {
	Key string `json:"key"`
}

// hintOf is what is shown of a secret: its last four characters, if that says little about it.
func hintOf(secret string) string {
	if len(secret) < 20 {
		return ""
	}
	return secret[len(secret)-4:]
}

// checkSecret refuses what cannot be sent in a header.
func checkSecret(location, secret string) error {
	for _, r := range secret {
		if r <= ' ' || r > '~' {
			return invalid(location, "holds a character that no key or token has, such as a space or the end of a line")
		}
	}
	return nil
}

// checkLLMKey refuses what can be told at once not to work.
func (a *API) checkLLMKey(in LLMKey) error {
	if err := checkSecret("body.key", in.Key); err != nil {
		return err
	}
	if in.BaseURL != "" {
		u, err := url.Parse(in.BaseURL)
		if err != nil || u.Fragment != "" || u.RawQuery != "" || a.Egress.Check(u) != nil {
			return invalid("body.base_url", "must be an address such as https://llm.example.com/v1 on the public internet, without a user name, ? and #")
		}
	}
	return checkModel(llm.Provider(in.Provider), in.Model, in.BaseURL)
}

// checkModel refuses a language model that cannot be called as it is named.
func checkModel(provider llm.Provider, model, baseURL string) error {
	_, err := llm.New(llm.Config{Provider: provider, APIKey: "checked-by-itself", Model: model, BaseURL: baseURL, Price: &llm.Price{}}) //nolint:gosec // it is no key; the real one is not looked at here
	var wrong *llm.ConfigError
	if errors.As(err, &wrong) {
		location := map[string]string{"Provider": "body.provider", "BaseURL": "body.base_url"}[wrong.Field]
		return invalid(cmp.Or(location, "body.model"), wrong.Message)
	}
	return err
}

func (a *API) listCredentials(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Credential], error) {
	return a.credentials(ctx, in.CustomerID, nil, in.PageQuery)
}

func (a *API) listSpaceCredentials(ctx context.Context, in *struct {
	SpacePath
	PageQuery
}) (*pageOutput[Credential], error) {
	return a.credentials(ctx, in.CustomerID, &in.SpaceID, in.PageQuery)
}

func (a *API) credentials(ctx context.Context, customerID uuid.UUID, spaceID *uuid.UUID, in PageQuery) (*pageOutput[Credential], error) {
	before, err := in.before(listOfCredentials)
	if err != nil {
		return nil, err
	}
	customer := scope(ctx).In(customerID)
	rows, err := read(ctx, a, customer, func(q *queries.Queries) ([]queries.CredentialListRow, error) {
		return q.CredentialList(ctx, queries.CredentialListParams{SpaceID: spaceID, Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 && spaceID != nil { // of one that is there, or of none
		if _, err := read(ctx, a, customer, func(q *queries.Queries) (string, error) { return seenSpace(ctx, q, *spaceID) }); err != nil {
			return nil, err
		}
	}
	convert := func(row queries.CredentialListRow) (Credential, error) {
		return credentialFrom(queries.CredentialGetRow(row), spaceID), nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.CredentialListRow) string { return cursorOf(listOfCredentials, row.ID) })
	return &pageOutput[Credential]{Body: body}, err
}

func (a *API) createCredential(ctx context.Context, in *struct {
	CustomerPath
	Body LLMKey
}) (*credentialOutput, error) {
	return a.storeLLMKey(ctx, in.CustomerID, nil, "", in.Body)
}

func (a *API) createSpaceCredential(ctx context.Context, in *struct {
	SpacePath
	Body SpaceCredentialCreate
}) (*credentialOutput, error) {
	return a.storeLLMKey(ctx, in.CustomerID, &in.SpaceID, in.Body.Owner, in.Body.LLMKey)
}

func (a *API) storeLLMKey(ctx context.Context, customerID uuid.UUID, spaceID *uuid.UUID, owner string, key LLMKey) (*credentialOutput, error) {
	if err := a.checkLLMKey(key); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	sealed, keyID, hint, err := a.sealLLMKey(customerID, id, key.Key)
	if err != nil {
		return nil, err
	}
	return change(ctx, a, scope(ctx).In(customerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*credentialOutput, error) {
		params := queries.CredentialCreateLLMParams{
			ID: id, SpaceID: spaceID, Name: key.Name, Provider: key.Provider, Model: key.Model, BaseUrl: key.BaseURL, Hint: hint, Credential: sealed, KeyID: keyID,
		}
		if spaceID != nil {
			person, err := ownerIn(ctx, q, *spaceID, owner)
			if err != nil {
				return nil, err
			}
			params.Person = person
		}
		if err := q.CredentialCreateLLM(ctx, params); err != nil {
			return nil, err
		}
		return credential(ctx, q, spaceID, id)
	})
}

func credential(ctx context.Context, q *queries.Queries, spaceID *uuid.UUID, id uuid.UUID) (*credentialOutput, error) {
	row, err := q.CredentialGet(ctx, queries.CredentialGetParams{ID: id, SpaceID: spaceID})
	if err != nil {
		return nil, noRows(err, "credential")
	}
	return &credentialOutput{ETag: etag(row.Version), Body: credentialFrom(row, spaceID)}, nil
}

func (a *API) updateCredential(ctx context.Context, in *struct {
	CredentialPath
	Condition
	Body CredentialUpdate
}) (*credentialOutput, error) {
	if in.Body.empty() {
		return nil, nothingToChange()
	}
	return a.changeCredential(ctx, in.CustomerID, nil, in.CredentialID, in.Condition, SpaceCredentialUpdate{CredentialUpdate: in.Body})
}

func (a *API) updateSpaceCredential(ctx context.Context, in *struct {
	SpaceCredentialPath
	Condition
	Body SpaceCredentialUpdate
}) (*credentialOutput, error) {
	if in.Body.empty() && in.Body.Shared == nil {
		return nil, nothingToChange()
	}
	return a.changeCredential(ctx, in.CustomerID, &in.SpaceID, in.CredentialID, in.Condition, in.Body)
}

func (a *API) changeCredential(ctx context.Context, customerID uuid.UUID, spaceID *uuid.UUID, id uuid.UUID, condition Condition, in SpaceCredentialUpdate) (*credentialOutput, error) {
	var sealed []byte
	var keyID int64
	var hint string
	if in.Key != nil {
		if err := checkSecret("body.key", *in.Key); err != nil {
			return nil, err
		}
		var err error
		if sealed, keyID, hint, err = a.sealLLMKey(customerID, id, *in.Key); err != nil {
			return nil, err
		}
	}
	return change(ctx, a, scope(ctx).In(customerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*credentialOutput, error) {
		get := func() (queries.CredentialGetRow, error) {
			row, err := q.CredentialGet(ctx, queries.CredentialGetParams{ID: id, SpaceID: spaceID})
			return row, noRows(err, "credential")
		}
		seen, err := get()
		switch {
		case err != nil:
			return nil, err
		case seen.Kind != "llm" && in.Key != nil:
			return nil, invalid("body.key", "is for a language model; what lets into an MCP server is set there")
		case seen.Kind != "llm" && in.Model != nil:
			return nil, invalid("body.model", "is for a language model")
		case in.Shared != nil && seen.Person == nil:
			return nil, invalid("body.shared", "is for what is somebody's own; this is everybody's in the space")
		}
		if in.Model != nil && seen.Provider != nil {
			if err := checkModel(llm.Provider(*seen.Provider), *in.Model, seen.BaseUrl); err != nil {
				return nil, err
			}
		}
		if seen.Person != nil && !seen.Own && in.empty() && !*in.Shared {
			if err := condition.change(func(version *int64) (int64, error) {
				return q.CredentialTakeBack(ctx, queries.CredentialTakeBackParams{ID: id, SpaceID: *spaceID, Version: version})
			}, func() error { _, err := get(); return err }); err != nil {
				return nil, err
			}
			seen.SharedAt = nil // which the caller does not see any more
			return &credentialOutput{ETag: etag(seen.Version + 1), Body: credentialFrom(seen, spaceID)}, nil
		}
		if err := condition.change(func(version *int64) (int64, error) {
			if sealed == nil {
				return q.CredentialUpdate(ctx, queries.CredentialUpdateParams{ID: id, SpaceID: spaceID, Version: version, Name: in.Name, Model: in.Model, Shared: in.Shared})
			}
			return q.CredentialReplace(ctx, queries.CredentialReplaceParams{
				ID: id, SpaceID: spaceID, Version: version, Name: in.Name, Model: in.Model, Hint: hint, Credential: sealed, KeyID: keyID, Shared: in.Shared,
			})
		}, func() error { _, err := get(); return err }); err != nil {
			return nil, err
		}
		return credential(ctx, q, spaceID, id)
	})
}

func (a *API) deleteCredential(ctx context.Context, in *struct {
	CredentialPath
	Condition
}) (*struct{}, error) {
	return nil, a.withdrawCredential(ctx, in.CustomerID, nil, in.CredentialID, in.Condition)
}

func (a *API) deleteSpaceCredential(ctx context.Context, in *struct {
	SpaceCredentialPath
	Condition
}) (*struct{}, error) {
	return nil, a.withdrawCredential(ctx, in.CustomerID, &in.SpaceID, in.CredentialID, in.Condition)
}

// withdrawCredential makes a credential useless at once; a worker tells its server and deletes it.
func (a *API) withdrawCredential(ctx context.Context, customerID uuid.UUID, spaceID *uuid.UUID, id uuid.UUID, condition Condition) error {
	return a.tx(ctx, scope(ctx).In(customerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return condition.change(func(version *int64) (int64, error) {
			n, err := q.CredentialWithdraw(ctx, queries.CredentialWithdrawParams{ID: id, SpaceID: spaceID, Version: version})
			if err == nil && n == 0 && spaceID != nil { // it may be somebody else's, who shares it
				n, err = q.CredentialTakeBack(ctx, queries.CredentialTakeBackParams{ID: id, SpaceID: *spaceID, Version: version, Whole: true})
			}
			return n, err
		}, func() error {
			_, err := q.CredentialGet(ctx, queries.CredentialGetParams{ID: id, SpaceID: spaceID})
			return noRows(err, "credential")
		})
	})
}

func credentialFrom(row queries.CredentialGetRow, spaceID *uuid.UUID) Credential {
	owner := "customer"
	switch {
	case row.Own:
		owner = ownerMe
	case row.Person != nil:
		owner = "person"
	case spaceID != nil:
		owner = "space"
	}
	return Credential{
		ID: row.ID, Kind: row.Kind, Owner: owner, Person: row.Person, Name: row.Name, Provider: row.Provider, Model: row.Model, BaseURL: row.BaseUrl,
		Hint: row.Hint, MCPServerID: row.McpServerID, Login: row.Login, Shared: row.SharedAt != nil, SharedAt: utc(row.SharedAt), ExpiresAt: utc(row.ExpiresAt),
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}
