package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

const (
	// mailchimpPageSize and mailchimpMaxPages bound the list of an account's audiences.
	mailchimpPageSize = 1000
	mailchimpMaxPages = 5
)

// MailchimpConnector connects audiences of Mailchimp:
// https://mailchimp.com/developer/marketing/guides/access-user-data-oauth-2/. Its tokens do not end by themselves, have
// no scopes, and are good at one data centre only.
type MailchimpConnector struct {
	*oauthClient
	mailchimpCentres
	loginURL string
}

// mailchimpCentres knows the addresses of Mailchimp's data centres. Each token is good at one of them.
type mailchimpCentres struct {
	// apiURL has {dc} where a data centre's name belongs.
	apiURL string
}

// NewMailchimpConnector makes a MailchimpConnector.
func NewMailchimpConnector(config MailchimpConfig) *MailchimpConnector {
	login := cmp.Or(config.LoginURL, "https://login.mailchimp.com")
	return &MailchimpConnector{loginURL: login, mailchimpCentres: newMailchimpCentres(config), oauthClient: &oauthClient{
		title: "Mailchimp", client: newClient(),
		config: oauth2.Config{
			ClientID: config.App.ClientID, ClientSecret: config.App.ClientSecret,
			Endpoint: oauth2.Endpoint{AuthURL: login + "/oauth2/authorize", TokenURL: login + "/oauth2/token", AuthStyle: oauth2.AuthStyleInParams},
		},
	}}
}

// Traits says what Mailchimp has of OAuth.
func (m *MailchimpConnector) Traits() Traits {
	return Traits{Issuer: m.loginURL, Revokes: RevokesNothing, AsksForCredentials: true}
}

// AuthorizeURL is the address of the consent page.
func (m *MailchimpConnector) AuthorizeURL(consent Consent) string { return m.authorizeURL(consent) }

// Exchange redeems a code, and asks for the data centre at which the token is good.
func (m *MailchimpConnector) Exchange(ctx context.Context, consent Consent, code string) (Tokens, error) {
	began := time.Now()
	token, err := m.exchange(ctx, consent, code)
	if err != nil {
		return Tokens{}, err
	}
	fresh := tokens(token, began, 0)
	fresh.RefreshToken, fresh.ReconnectBy = "", fresh.ExpiresAt
	fresh.Endpoint, err = m.endpoint(ctx, fresh.AccessToken)
	return fresh, err
}

// Renew has nothing to do: the tokens do not end.
func (m *MailchimpConnector) Renew(_ context.Context, tokens Tokens) (Tokens, error) {
	return tokens, nil
}

// Login tells which account somebody has signed in to, and its audiences.
func (m *MailchimpConnector) Login(ctx context.Context, tokens Tokens) (Login, error) {
	account, err := m.root(ctx, tokens.Endpoint, tokens.AccessToken)
	if err != nil {
		return Login{}, err
	}
	login := Login{Account: account}
	login.Accounts, _, err = m.audiences(ctx, tokens, account.ExternalID)
	return login, err
}

// Credentials asks which audiences there are.
func (m *MailchimpConnector) Credentials(ctx context.Context, tokens Tokens, accounts []string) (map[string]json.RawMessage, error) {
	if len(accounts) == 0 {
		return map[string]json.RawMessage{}, nil
	}
	login, err := m.root(ctx, tokens.Endpoint, tokens.AccessToken)
	if err != nil {
		return nil, err
	}
	audiences, whole, err := m.audiences(ctx, tokens, login.ExternalID)
	if err != nil {
		return nil, err
	}
	return m.credentialsOf(accounts, audiences, whole)
}

// Account asks who the credential belongs to.
func (m *MailchimpConnector) Account(ctx context.Context, raw json.RawMessage) (Account, error) {
	var credential MailchimpCredential
	if err := m.openCredential(raw, &credential); err != nil {
		return Account{}, err
	}
	if !mailchimpIDPattern.MatchString(credential.ListID) || !m.trusted(credential.Endpoint) {
		return Account{}, m.unreadable()
	}
	var list mailchimpList
	address := credential.Endpoint + "/3.0/lists/" + credential.ListID
	if err := m.get(ctx, reading, call{url: address, authorization: bearer(credential.AccessToken)}, m.listRefusal, &list); err != nil {
		return Account{}, err
	}
	if list.ID != credential.ListID {
		return Account{}, m.badAnswer(reading, http.StatusOK)
	}
	return list.account(credential.AccountID), nil
}

// Revoke does nothing: Mailchimp cannot be told. Its users withdraw the permission there, under Integrations.
func (m *MailchimpConnector) Revoke(context.Context, Tokens) error { return nil }

var (
	mailchimpCentrePattern = regexp.MustCompile(`^[a-z]{2}[0-9]{1,3}$`)
	mailchimpIDPattern     = regexp.MustCompile(`^[A-Za-z0-9]{1,64}$`)
)

// endpoint asks where a token is good. The address in the answer must be the one that the configuration has for the
// data centre: a token is never sent to a host that an answer names freely.
func (m *MailchimpConnector) endpoint(ctx context.Context, token string) (string, error) {
	var answer struct {
		Centre   string `json:"dc"`
		Endpoint string `json:"api_endpoint"`
		// Error is there, with status 200, where the token is not good.
		Error string `json:"error"`
	}
	// This one endpoint wants the scheme of OAuth 2.0's drafts.
	err := m.get(ctx, exchanging, call{url: m.loginURL + "/oauth2/metadata", authorization: "OAuth " + token}, m.refusal, &answer)
	if err != nil {
		return "", err
	}
	switch endpoint := m.at(answer.Centre); {
	case answer.Error != "":
		return "", m.grantEnded(exchanging, http.StatusOK)
	case endpoint == "" || strings.TrimRight(answer.Endpoint, "/") != endpoint:
		return "", m.badAnswer(exchanging, http.StatusOK)
	default:
		return endpoint, nil
	}
}

func newMailchimpCentres(config MailchimpConfig) mailchimpCentres {
	return mailchimpCentres{apiURL: cmp.Or(config.APIURL, "https://{dc}.api.mailchimp.com")}
}

// at is the address of a data centre; "" if it is none.
func (m mailchimpCentres) at(centre string) string {
	if !mailchimpCentrePattern.MatchString(centre) {
		return ""
	}
	return strings.ReplaceAll(m.apiURL, "{dc}", centre)
}

// trusted tells whether an endpoint that was stored is one that the configuration has.
func (m mailchimpCentres) trusted(endpoint string) bool {
	before, after, _ := strings.Cut(m.apiURL, "{dc}")
	centre, ok := strings.CutPrefix(endpoint, before)
	centre, _, _ = strings.Cut(strings.TrimSuffix(centre, after), "/")
	return ok && m.at(centre) == endpoint
}

func (m *MailchimpConnector) root(ctx context.Context, endpoint, token string) (Account, error) {
	var answer struct {
		ID   string `json:"account_id"`
		Name string `json:"account_name"`
	}
	if !m.trusted(endpoint) {
		return Account{}, m.unreadable()
	}
	if err := m.get(ctx, reading, call{url: endpoint + "/3.0/", authorization: bearer(token)}, m.refusal, &answer); err != nil {
		return Account{}, err
	}
	if !mailchimpIDPattern.MatchString(answer.ID) {
		return Account{}, m.badAnswer(reading, http.StatusOK)
	}
	return named(answer.ID, answer.Name, ""), nil
}

// mailchimpList is an audience.
type mailchimpList struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	SignUpURL string `json:"subscribe_url_short"`
}

func (l mailchimpList) account(accountID string) Account {
	return named(accountID+"/"+l.ID, l.Name, foreignURL(l.SignUpURL))
}

// audiences lists those of an account; whole says that it has seen the end of the list.
func (m *MailchimpConnector) audiences(ctx context.Context, tokens Tokens, accountID string) (found []LoginAccount, whole bool, err error) {
	for page := range mailchimpMaxPages {
		var answer struct {
			Lists []mailchimpList `json:"lists"`
		}
		address := fmt.Sprintf("%s/3.0/lists?count=%d&offset=%d", tokens.Endpoint, mailchimpPageSize, page*mailchimpPageSize)
		if err := m.get(ctx, reading, call{url: address, authorization: bearer(tokens.AccessToken)}, m.refusal, &answer); err != nil {
			return nil, false, err
		}
		if answer.Lists == nil {
			return nil, false, m.badAnswer(reading, http.StatusOK)
		}
		for _, list := range answer.Lists {
			if !mailchimpIDPattern.MatchString(list.ID) {
				continue
			}
			found = append(found, LoginAccount{
				Account: list.account(accountID), Kind: "audience",
				Credential: sealable(MailchimpCredential{AccessToken: tokens.AccessToken, Endpoint: tokens.Endpoint, AccountID: accountID, ListID: list.ID}),
			})
		}
		if len(answer.Lists) < mailchimpPageSize {
			return found, true, nil
		}
	}
	return found, false, nil
}

// refusal knows that Mailchimp may ask to wait with a 403 that has no body.
func (m *MailchimpConnector) refusal(p purpose, a answer) *Error {
	if a.status == http.StatusForbidden && len(a.body) == 0 {
		return m.rateLimited(a)
	}
	return m.readRefusal(p, a)
}

// listRefusal knows that a list which has gone is a 404.
func (m *MailchimpConnector) listRefusal(p purpose, a answer) *Error {
	var problem struct {
		Status int `json:"status"`
	}
	if a.status == http.StatusNotFound && a.decode(&problem) && problem.Status == a.status {
		return m.notTheirs()
	}
	return m.refusal(p, a)
}
