package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// Integration is a connected account. Its credential never leaves the server.
type Integration struct {
	ID            uuid.UUID          `json:"id" format:"uuid"`
	Platform      string             `json:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	ExternalID    string             `json:"external_id" doc:"What identifies the account on its platform."`
	Name          string             `json:"name"`
	URL           string             `json:"url"`
	State         string             `json:"state" enum:"active,needs_reauth,disconnected" doc:"Whether it can be used. health.status is the same, and expiring for an active account that will stop working soon unless something is done."`
	IsDefault     bool               `json:"is_default" doc:"It is the account that is meant where a post names its platform and no account. The first account of a platform becomes it."`
	Health        IntegrationHealth  `json:"health"`
	Authorization MaybeAuthorization `json:"authorization" doc:"The sign-in that it hangs on; null for Ghost, which is connected by a key, and for an account that lives by a credential of an earlier installation until it is connected again."`
	CreatedAt     time.Time          `json:"created_at"`
	UpdatedAt     time.Time          `json:"updated_at"`
}

type integrationOutput struct {
	ETag string `header:"ETag"`
	Body Integration
}

// IntegrationPath is the path of a connected account.
type IntegrationPath struct {
	CustomerPath
	IntegrationID uuid.UUID `path:"integration_id" format:"uuid" doc:"The connected account."`
}

// IntegrationCreate connects an account by a key. Ghost is the platform that has such keys.
type IntegrationCreate struct {
	Platform    string `json:"platform" enum:"ghost" doc:"Only Ghost is connected by a key."`
	SiteURL     string `json:"site_url" minLength:"1" maxLength:"500" doc:"Address of the Ghost site." example:"https://blog.example.com"`
	AdminAPIKey string `json:"admin_api_key" minLength:"1" maxLength:"200" writeOnly:"true" doc:"The Admin API key of a custom integration in Ghost; it is checked against the site, then stored sealed."`
}

func (a *API) registerIntegrations() {
	tags := []string{"Integrations"}
	const list, one = "/v1/customers/{customer_id}/integrations", "/v1/customers/{customer_id}/integrations/{integration_id}"
	register(a, huma.Operation{
		OperationID: "list-integrations", Metadata: needs("posts:read", "posts:write", "posts:publish"), Method: http.MethodGet, Path: list, Tags: tags, Summary: "List connected accounts",
	}, a.listIntegrations)
	register(a, huma.Operation{
		OperationID: "create-integration", Method: http.MethodPost, Path: list, Tags: tags, Summary: "Connect a Ghost site",
		Description:   "The key is checked against the site before anything is stored. Connecting the same site again replaces its key.",
		DefaultStatus: http.StatusCreated,
	}, a.createIntegration)
	register(a, huma.Operation{
		OperationID: "get-integration", Metadata: needs("posts:read", "posts:write", "posts:publish"), Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a connected account",
	}, a.getIntegration)
	register(a, huma.Operation{
		OperationID: "disconnect-integration", Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Disconnect an account",
		Description: "Erases its credential. If it was the default of its platform, another connected account of the platform becomes it. Posts that wait " +
			"for it are not sent: they need attention, and once the account is connected again they can be published or scheduled again. With the last account of a sign-in its tokens go too, and the platform is told to end " +
			"the permission where it can be told.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.disconnectIntegration)
}

func (a *API) listIntegrations(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Integration], error) {
	before, err := in.before(listOfIntegrations)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.IntegrationsWithHealth, error) {
		return q.IntegrationList(ctx, queries.IntegrationListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	body, err := page(rows, in.Limit, integrationFrom, func(row queries.IntegrationsWithHealth) string { return cursorOf(listOfIntegrations, row.ID) })
	return &pageOutput[Integration]{Body: body}, err
}

func (a *API) createIntegration(ctx context.Context, in *struct {
	CustomerPath
	Body IntegrationCreate
}) (*integrationOutput, error) {
	credential, err := platform.ParseGhostCredential(in.Body.SiteURL, in.Body.AdminAPIKey)
	if err != nil {
		return nil, credentialProblem(err)
	}
	if before, err := answered[integrationOutput](ctx, a, scope(ctx).In(in.CustomerID)); before != nil || err != nil {
		return before, err
	}
	// Who may not connect accounts does not get to make this server call addresses either.
	if err := a.mayConnect(ctx, in.CustomerID); err != nil {
		return nil, err
	}
	plain, err := json.Marshal(credential)
	if err != nil {
		return nil, fmt.Errorf("encode credential: %w", err)
	}
	account, err := a.Ghost.Account(ctx, plain)
	if err != nil {
		return nil, credentialProblem(err)
	}
	if utf8.RuneCountInString(account.ExternalID) > maxExternalID {
		return nil, invalid("body.site_url", "is longer than 500 characters as addresses are written")
	}
	account.Name = cmp.Or(clip(account.Name, maxAccountName), account.ExternalID)
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*integrationOutput, error) {
		id, err := a.storeIntegration(ctx, q, in.CustomerID, platform.Ghost, account, plain, nil)
		if err != nil {
			return nil, err
		}
		row, err := q.IntegrationGet(ctx, id)
		if err != nil {
			return nil, err
		}
		return integrationAnswer(row)
	})
}

// Limits of what a platform says of an account, in characters, as the database has them.
const maxExternalID, maxAccountName, maxAccountURL = 500, 500, 2000

// clip makes a foreign text fit to be stored on one line: without control characters, and not longer than
// limit characters.
func clip(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200d' { // which holds some emoji together
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	if runes := []rune(text); len(runes) > limit {
		text = string(runes[:limit])
	}
	return strings.TrimSpace(text)
}

// mayConnect asks the database whether the caller may connect accounts.
func (a *API) mayConnect(ctx context.Context, customerID uuid.UUID) error {
	allowed, err := read(ctx, a, scope(ctx).In(customerID), func(q *queries.Queries) (bool, error) { return q.IntegrationMayCreate(ctx) })
	if err == nil && !allowed {
		err = forbidden()
	}
	return err
}

// storeIntegration seals a credential and stores it: for an account that is already connected in its place,
// so that posts which name it go on to work. authorizationID is the sign-in's that it comes with, nil for a key.
func (a *API) storeIntegration(ctx context.Context, q *queries.Queries, customerID uuid.UUID, name platform.Name, account platform.Account, plain []byte, authorizationID *uuid.UUID) (uuid.UUID, error) {
	id, err := q.IntegrationFindByAccount(ctx, queries.IntegrationFindByAccountParams{Platform: string(name), ExternalID: account.ExternalID})
	reconnect := err == nil
	if errors.Is(err, pgx.ErrNoRows) {
		id, err = uuid.NewV7()
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find account: %w", err)
	}
	sealed, keyID, err := a.Vault.SealWithID(plain, vault.Credential(customerID, id, string(name)))
	if err != nil {
		return uuid.Nil, fmt.Errorf("seal credential: %w", err)
	}
	if reconnect {
		changed, err := q.IntegrationReconnect(ctx, queries.IntegrationReconnectParams{
			ID: id, Name: account.Name, URL: account.URL, Credential: sealed, KeyID: &keyID, AuthorizationID: authorizationID,
		})
		return id, oneRow(changed, err)
	}
	return id, q.IntegrationCreate(ctx, queries.IntegrationCreateParams{
		ID: id, Platform: string(name), ExternalID: account.ExternalID, Name: account.Name, URL: account.URL, Credential: sealed, KeyID: &keyID,
		AuthorizationID: authorizationID,
	})
}

// credentialProblem points at the field that a credential's check has complained about.
func credentialProblem(err error) error {
	var refused *platform.Error
	if !errors.As(err, &refused) {
		return err
	}
	switch {
	case refused.Class == platform.Credential:
		return invalid("body.admin_api_key", refused.Message).cause(err)
	case refused.Class == platform.Invalid && refused.Code == platform.CodeAdminAPIKey:
		return invalid("body.admin_api_key", refused.Message).cause(err)
	case refused.Class == platform.Invalid:
		return invalid("body.site_url", refused.Message).cause(err)
	default:
		return err
	}
}

func (a *API) getIntegration(ctx context.Context, in *IntegrationPath) (*integrationOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.IntegrationsWithHealth, error) {
		return q.IntegrationGet(ctx, in.IntegrationID)
	})
	if err != nil {
		return nil, noRows(err, "integration")
	}
	return integrationAnswer(row)
}

func (a *API) disconnectIntegration(ctx context.Context, in *struct {
	IntegrationPath
	Condition
}) (*struct{}, error) {
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.IntegrationDisconnect(ctx, queries.IntegrationDisconnectParams{ID: in.IntegrationID, Version: version})
		}, func() error {
			_, err := q.IntegrationGet(ctx, in.IntegrationID)
			return noRows(err, "integration")
		})
	})
	return nil, err
}

func integrationAnswer(row queries.IntegrationsWithHealth) (*integrationOutput, error) {
	integration, err := integrationFrom(row)
	return &integrationOutput{ETag: etag(row.Version), Body: integration}, err
}

func integrationFrom(row queries.IntegrationsWithHealth) (Integration, error) {
	health, authorization, err := healthFrom(row)
	return Integration{
		ID: row.ID, Platform: row.Platform, ExternalID: row.ExternalID, Name: row.Name, URL: row.URL, State: row.State, IsDefault: row.IsDefault,
		Health: health, Authorization: authorization, CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}, err
}
