package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// ConnectSession is somebody's way to a platform and back.
type ConnectSession struct {
	ID        uuid.UUID        `json:"id" format:"uuid"`
	Platform  string           `json:"platform" enum:"twitter,linkedin,facebook,mailchimp" doc:"twitter is X."`
	State     string           `json:"state" enum:"started,answered,choosing,connected,failed,expired" doc:"started: the browser is at the platform; answered: it has come back; choosing: accounts are to be chosen."`
	Result    *string          `json:"result" enum:"connected,state_expired,access_denied,platform_error,issuer_mismatch,code_missing,code_refused,platform_unavailable,platform_answer_invalid,platform_misconfigured,scopes_missing,no_accounts,not_allowed,unavailable,internal" doc:"How it ended, as the browser was told; null until then."`
	Accounts  []ConnectAccount `json:"accounts" nullable:"false" doc:"The accounts to choose from."`
	ExpiresAt time.Time        `json:"expires_at" doc:"By when the browser must have come back, ten minutes after it was sent, or accounts must have been chosen, half an hour after it came back."`
}

// ConnectAccount is an account that can be connected.
type ConnectAccount struct {
	OfferedAccount
	Connected bool `json:"connected" doc:"It is connected already; to choose it again gives it what is new."`
}

// OfferedAccount is what is kept of an account that can be chosen.
type OfferedAccount struct {
	ExternalID string `json:"external_id" doc:"What identifies the account on its platform."`
	Name       string `json:"name"`
	URL        string `json:"url"`
	Kind       string `json:"kind" enum:"user,page,organization,audience" doc:"user: whoever signed in, on X or LinkedIn; page: a Facebook page; organization: a page of an organization on LinkedIn; audience: an audience of Mailchimp."`
}

type connectSessionOutput struct{ Body ConnectSession }

// ConnectSessionPath is the path of a connect session.
type ConnectSessionPath struct {
	CustomerPath
	ConnectSessionID uuid.UUID `path:"connect_session_id" format:"uuid" doc:"The connect session."`
}

// AccountChoice names accounts of a login.
type AccountChoice struct {
	ExternalIDs []string `json:"external_ids" minItems:"1" maxItems:"100" nullable:"false" doc:"The external_id of each account to connect."`
}

// Integrations are connected accounts.
type Integrations struct {
	Items []Integration `json:"items" nullable:"false" doc:"In the order in which they were named."`
}

type integrationsOutput struct{ Body Integrations }

func (a *API) registerConnectSessions() {
	tags := []string{"Integrations"}
	const one = "/v1/customers/{customer_id}/connect-sessions/{connect_session_id}"
	register(a, huma.Operation{
		OperationID: "get-connect-session", Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a connect session",
		Description: "Only whoever began it sees it, for an hour after its end at most.",
	}, a.getConnectSession)
	register(a, huma.Operation{
		OperationID: "choose-accounts", Method: http.MethodPost, Path: one + "/accounts", Tags: tags, Summary: "Choose the accounts to connect",
		Description: "For a connect session that is choosing, within half an hour after the browser came back. An account that was connected before " +
			"remains the same: it keeps its id, posts that name it go out on it again, and it stays the default of its platform if it is. The first " +
			"account of a platform becomes its default. Accounts of the same sign-in that are connected and not named here remain connected, and " +
			"work by the new sign-in too.",
	}, a.chooseAccounts)
}

func (a *API) getConnectSession(ctx context.Context, in *ConnectSessionPath) (*connectSessionOutput, error) {
	where := scope(ctx).In(in.CustomerID)
	allowed, err := read(ctx, a, where, func(q *queries.Queries) (bool, error) { return q.ConnectSessionMayRead(ctx) })
	if err == nil && !allowed {
		err = forbidden()
	}
	if err != nil {
		return nil, err
	}
	row, err := read(ctx, a, where, func(q *queries.Queries) (queries.ConnectSessionGetRow, error) {
		return q.ConnectSessionGet(ctx, in.ConnectSessionID)
	})
	if err != nil {
		return nil, noRows(err, "connect session")
	}
	session := ConnectSession{
		ID: row.ID, Platform: row.Platform, State: row.State, Result: row.Result, Accounts: []ConnectAccount{}, ExpiresAt: row.ExpiresAt.UTC(),
	}
	if row.Expired && row.Result == nil {
		session.State = "expired"
	}
	if err := json.Unmarshal(row.Accounts, &session.Accounts); err != nil {
		return nil, fmt.Errorf("decode accounts: %w", err)
	}
	for i := range session.Accounts {
		session.Accounts[i].Connected = slices.Contains(row.Connected, session.Accounts[i].ExternalID)
	}
	return &connectSessionOutput{Body: session}, nil
}

func (a *API) chooseAccounts(ctx context.Context, in *struct {
	ConnectSessionPath
	Body AccountChoice
}) (*integrationsOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*integrationsOutput, error) {
		name, login, err := a.chosenFrom(ctx, q, in.ConnectSessionPath)
		if err != nil {
			return nil, err
		}
		chosen, err := choose(login.Login.Accounts, in.Body.ExternalIDs)
		if err != nil {
			return nil, err
		}
		ids, err := a.storeLogin(ctx, q, in.CustomerID, name, login, chosen)
		if err != nil {
			return nil, err
		}
		ended, err := q.ConnectSessionFinish(ctx, queries.ConnectSessionFinishParams{ID: in.ConnectSessionID, State: "connected", Result: resultConnected})
		if err := oneRow(ended, err); err != nil {
			return nil, err
		}
		return integrationsAnswer(ctx, q, ids)
	})
}

// chosenFrom gives what a session keeps while accounts are chosen, and locks it.
func (a *API) chosenFrom(ctx context.Context, q *queries.Queries, in ConnectSessionPath) (name platform.Name, login signedIn, err error) {
	sealed, err := q.ConnectSessionSecret(ctx, in.ConnectSessionID)
	if err != nil {
		return name, login, err
	}
	row, err := q.ConnectSessionGet(ctx, in.ConnectSessionID)
	switch {
	case err != nil:
		return name, login, noRows(err, "connect session")
	case sealed != nil:
	case row.State == "connected" || row.State == "failed":
		return name, login, conflict("The connect session has ended. Connect the accounts again to choose others.")
	case row.Expired:
		return name, login, conflict("The connect session has expired. Connect the accounts again.")
	default:
		return name, login, conflict("There is nothing to choose yet: the browser has not come back from the platform.")
	}
	name = platform.Name(row.Platform)
	plain, err := a.Vault.Unseal(sealed, vault.ConnectSession(in.CustomerID, in.ConnectSessionID, string(name)))
	if err != nil {
		return name, login, fmt.Errorf("open sign-in: %w", err)
	}
	if err := json.Unmarshal(plain, &login); err != nil {
		return name, login, errors.New("decode sign-in: it is not as it was written") // the decoder could quote it
	}
	return name, login, nil
}

// choose gives the named accounts.
func choose(accounts []platform.LoginAccount, externalIDs []string) ([]platform.LoginAccount, error) {
	if err := eachOnce("body.external_ids", externalIDs); err != nil {
		return nil, err
	}
	chosen := make([]platform.LoginAccount, 0, len(externalIDs))
	for i, id := range externalIDs {
		at := slices.IndexFunc(accounts, func(account platform.LoginAccount) bool { return account.ExternalID == id })
		if at < 0 {
			return nil, invalid(fmt.Sprintf("body.external_ids[%d]", i), "is none of the accounts of this connect session")
		}
		chosen = append(chosen, accounts[at])
	}
	return chosen, nil
}

func integrationsAnswer(ctx context.Context, q *queries.Queries, ids []uuid.UUID) (*integrationsOutput, error) {
	rows, err := q.IntegrationListByID(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := map[uuid.UUID]Integration{}
	for _, row := range rows {
		if byID[row.ID], err = integrationFrom(row); err != nil {
			return nil, err
		}
	}
	out := &integrationsOutput{Body: Integrations{Items: make([]Integration, 0, len(ids))}}
	for _, id := range ids {
		out.Body.Items = append(out.Body.Items, byID[id])
	}
	return out, nil
}

// signedIn is what a sign-in has given. It is only ever written sealed.
type signedIn struct {
	Tokens platform.Tokens
	Login  platform.Login
}

// storeLogin stores a sign-in with the accounts that were chosen of it, and gives their ids: the authorization of the
// same login and the same accounts are kept, and get what is new. So do accounts of the login that are connected and
// not among the chosen.
func (a *API) storeLogin(ctx context.Context, q *queries.Queries, customerID uuid.UUID, name platform.Name, login signedIn, chosen []platform.LoginAccount) ([]uuid.UUID, error) {
	authorizationID, err := a.storeAuthorization(ctx, q, customerID, name, login)
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, 0, len(chosen))
	for _, account := range chosen {
		id, err := a.storeIntegration(ctx, q, customerID, name, account.Account, account.Credential, &authorizationID)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	connected, err := q.IntegrationListByAuthorization(ctx, &authorizationID)
	if err != nil {
		return nil, err
	}
	for _, account := range login.Login.Accounts {
		named := slices.ContainsFunc(chosen, func(other platform.LoginAccount) bool { return other.ExternalID == account.ExternalID })
		if named || !slices.Contains(connected, account.ExternalID) {
			continue
		}
		if _, err := a.storeIntegration(ctx, q, customerID, name, account.Account, account.Credential, &authorizationID); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// storeAuthorization seals the tokens and stores them: for a login that is known already in its place.
func (a *API) storeAuthorization(ctx context.Context, q *queries.Queries, customerID uuid.UUID, name platform.Name, login signedIn) (uuid.UUID, error) {
	who, tokens := login.Login.Account, login.Tokens
	id, err := q.AuthorizationFindByLogin(ctx, queries.AuthorizationFindByLoginParams{Platform: string(name), ExternalID: who.ExternalID})
	known := err == nil
	if errors.Is(err, pgx.ErrNoRows) {
		id, err = uuid.NewV7()
	}
	if err != nil {
		return uuid.Nil, fmt.Errorf("find authorization: %w", err)
	}
	sealed, keyID, err := a.seal(tokens, vault.Authorization(customerID, id, string(name)))
	if err != nil {
		return uuid.Nil, err
	}
	scopes := append([]string{}, tokens.Scopes...)
	expiresAt, renewAt, reconnectBy := timeOrNil(tokens.ExpiresAt), tokens.RenewAround(time.Now()), timeOrNil(tokens.ReconnectBy)
	if !known {
		return id, q.AuthorizationCreate(ctx, queries.AuthorizationCreateParams{
			ID: id, Platform: string(name), ExternalID: who.ExternalID, Name: who.Name, Scopes: scopes, Credential: sealed, KeyID: &keyID,
			ExpiresAt: expiresAt, RenewAt: renewAt, ReconnectBy: reconnectBy,
		})
	}
	changed, err := q.AuthorizationReconnect(ctx, queries.AuthorizationReconnectParams{
		ID: id, Name: who.Name, Scopes: scopes, Credential: sealed, KeyID: &keyID, ExpiresAt: expiresAt, RenewAt: renewAt, ReconnectBy: reconnectBy,
	})
	return id, oneRow(changed, err)
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
