package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

const (
	// linkedInTokenLife is how long an access token of LinkedIn holds.
	linkedInTokenLife = 60 * 24 * time.Hour
	// linkedInPageSize and linkedInMaxPages bound the list of a member's organizations.
	linkedInPageSize = 100
	linkedInMaxPages = 20

	linkedInPersonURN       = "urn:li:person:"
	linkedInOrganizationURN = "urn:li:organization:"
)

// linkedInRoles are those in an organization that may publish for it:
// https://learn.microsoft.com/linkedin/marketing/community-management/organizations/organization-access-control-by-role
var linkedInRoles = []string{"ADMINISTRATOR", "CONTENT_ADMINISTRATOR", "CONTENT_ADMIN"}

// LinkedInConnector connects members of LinkedIn and their organizations:
// https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow. Only applications that LinkedIn
// has approved for it get refresh tokens; they end a year after the consent, whatever they are used for. The ExternalID
// of an account is the URN that is the author of its posts.
type LinkedInConnector struct {
	*oauthClient
	siteURL, apiURL string
	header          http.Header
	pages           bool
}

// NewLinkedInConnector makes a LinkedInConnector.
func NewLinkedInConnector(config LinkedInConfig) *LinkedInConnector {
	site, api := cmp.Or(config.SiteURL, "https://www.linkedin.com"), cmp.Or(config.APIURL, "https://api.linkedin.com")
	needed := []string{"openid", "profile", "w_member_social"}
	if config.Pages {
		needed = append(needed, "w_organization_social", "r_organization_social", "rw_organization_admin")
	}
	header := http.Header{"X-Restli-Protocol-Version": {"2.0.0"}}
	if config.Version != "" {
		header["Linkedin-Version"] = []string{config.Version}
	}
	return &LinkedInConnector{siteURL: site, apiURL: api, header: header, pages: config.Pages, oauthClient: &oauthClient{
		title: "LinkedIn", client: newClient(), grantError: linkedInGrantError,
		config: oauth2.Config{
			ClientID: config.App.ClientID, ClientSecret: config.App.ClientSecret,
			Endpoint: oauth2.Endpoint{AuthURL: site + "/oauth/v2/authorization", TokenURL: site + "/oauth/v2/accessToken", AuthStyle: oauth2.AuthStyleInParams},
			Scopes:   needed,
		},
	}}
}

// Traits says what LinkedIn has of OAuth.
func (l *LinkedInConnector) Traits() Traits {
	return Traits{Issuer: l.siteURL + "/oauth", Revokes: RevokesGrant, AsksForCredentials: true}
}

// AuthorizeURL is the address of the consent page.
func (l *LinkedInConnector) AuthorizeURL(consent Consent) string { return l.authorizeURL(consent) }

// Exchange redeems a code.
func (l *LinkedInConnector) Exchange(ctx context.Context, consent Consent, code string) (Tokens, error) {
	began := time.Now()
	token, err := l.exchange(ctx, consent, code)
	if err != nil {
		return Tokens{}, err
	}
	fresh := tokens(token, began, linkedInTokenLife)
	if err := l.needScopes(fresh.Scopes); err != nil {
		return Tokens{}, err
	}
	fresh.Renewable = fresh.RefreshToken != ""
	fresh.ReconnectBy = fresh.ExpiresAt
	if fresh.Renewable {
		fresh.ReconnectBy = fresh.IssuedAt.Add(lifetime(extraSeconds(token, "refresh_token_expires_in"), 365*24*time.Hour))
	}
	return fresh, nil
}

// Renew uses the refresh token.
func (l *LinkedInConnector) Renew(ctx context.Context, old Tokens) (Tokens, error) {
	began := time.Now()
	token, err := l.refresh(ctx, old.RefreshToken)
	if err != nil {
		return Tokens{}, err
	}
	fresh := tokens(token, began, linkedInTokenLife)
	if len(fresh.Scopes) == 0 {
		fresh.Scopes = old.Scopes
	}
	fresh.Renewable, fresh.ReconnectBy = true, old.ReconnectBy
	if left := extraSeconds(token, "refresh_token_expires_in"); left > 0 {
		fresh.ReconnectBy = fresh.IssuedAt.Add(lifetime(left, 0))
	}
	return fresh, nil
}

// Login tells who has signed in: the member and, with pages, the organizations that the member may publish for.
func (l *LinkedInConnector) Login(ctx context.Context, tokens Tokens) (Login, error) {
	person, err := l.person(ctx, tokens.AccessToken)
	if err != nil {
		return Login{}, err
	}
	login := Login{Account: person, Accounts: []LoginAccount{l.account(person, "user", tokens.AccessToken)}}
	if !l.pages {
		return login, nil
	}
	organizations, _, err := l.organizations(ctx, tokens.AccessToken, nil)
	if err != nil {
		return Login{}, err
	}
	login.Accounts = append(login.Accounts, organizations...)
	return login, nil
}

func (l *LinkedInConnector) account(account Account, kind, token string) LoginAccount {
	return LoginAccount{Account: account, Kind: kind,
		Credential: sealable(LinkedInCredential{AccessToken: token, Author: account.ExternalID})}
}

// Credentials asks for the organizations if there is one among the accounts.
func (l *LinkedInConnector) Credentials(ctx context.Context, tokens Tokens, accounts []string) (map[string]json.RawMessage, error) {
	var listed []LoginAccount
	var wanted []string
	for _, urn := range accounts {
		if strings.HasPrefix(urn, linkedInPersonURN) {
			listed = append(listed, l.account(Account{ExternalID: urn}, "user", tokens.AccessToken))
		} else {
			wanted = append(wanted, urn)
		}
	}
	whole := true
	if len(wanted) > 0 {
		var organizations []LoginAccount
		var err error
		if organizations, whole, err = l.organizations(ctx, tokens.AccessToken, wanted); err != nil {
			return nil, err
		}
		listed = append(listed, organizations...)
	}
	return l.credentialsOf(accounts, listed, whole)
}

// Account asks who the credential belongs to.
func (l *LinkedInConnector) Account(ctx context.Context, raw json.RawMessage) (Account, error) {
	var credential LinkedInCredential
	if err := l.openCredential(raw, &credential); err != nil {
		return Account{}, err
	}
	if !strings.HasPrefix(credential.Author, linkedInOrganizationURN) {
		return l.person(ctx, credential.AccessToken)
	}
	organizations, whole, err := l.organizations(ctx, credential.AccessToken, []string{credential.Author})
	if err != nil {
		return Account{}, err
	}
	for _, organization := range organizations {
		if organization.ExternalID == credential.Author {
			return organization.Account, nil
		}
	}
	if !whole {
		return Account{}, l.badAnswer(reading, http.StatusOK)
	}
	return Account{}, l.notTheirs()
}

// Revoke ends the grant.
func (l *LinkedInConnector) Revoke(ctx context.Context, tokens Tokens) error {
	return l.revoke(ctx, l.grantRefusal, call{method: http.MethodPost, url: l.siteURL + "/oauth/v2/revoke", form: url.Values{
		"client_id": {l.config.ClientID}, "client_secret": {l.config.ClientSecret},
		"token": {cmp.Or(tokens.RefreshToken, tokens.AccessToken)},
	}})
}

var (
	linkedInPersonPattern       = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
	linkedInOrganizationPattern = regexp.MustCompile(`^` + linkedInOrganizationURN + `[0-9]{1,20}$`)
)

func (l *LinkedInConnector) person(ctx context.Context, token string) (Account, error) {
	var answer struct {
		Sub  string `json:"sub"`
		Name string `json:"name"`
	}
	err := l.get(ctx, reading, call{url: l.apiURL + "/v2/userinfo", authorization: bearer(token), header: l.header}, l.refusal, &answer)
	if err != nil {
		return Account{}, err
	}
	if !linkedInPersonPattern.MatchString(answer.Sub) {
		return Account{}, l.badAnswer(reading, http.StatusOK)
	}
	return named(linkedInPersonURN+answer.Sub, answer.Name, ""), nil
}

// linkedInACLs is a page of the list of a member's roles in organizations.
type linkedInACLs struct {
	Elements []struct {
		Role   string `json:"role"`
		State  string `json:"state"`
		Target string `json:"organizationalTarget"`
		Named  struct {
			LocalizedName string `json:"localizedName"`
			VanityName    string `json:"vanityName"`
		} `json:"organizationalTarget~"`
	} `json:"elements"`
}

// organizations lists what the member may publish for. It stops when it has found all that are wanted, if any are;
// whole says that it has seen the end of the list.
func (l *LinkedInConnector) organizations(ctx context.Context, token string, wanted []string) (found []LoginAccount, whole bool, err error) {
	for page := range linkedInMaxPages {
		// The projection stands unescaped, as in LinkedIn's documentation.
		address := fmt.Sprintf("%s/v2/organizationalEntityAcls?q=roleAssignee&state=APPROVED"+
			"&projection=(elements*(role,state,organizationalTarget~(localizedName,vanityName)))&start=%d&count=%d",
			l.apiURL, page*linkedInPageSize, linkedInPageSize)
		var answer *linkedInACLs
		if err := l.get(ctx, reading, call{url: address, authorization: bearer(token), header: l.header}, l.refusal, &answer); err != nil {
			return nil, false, err
		}
		if answer.Elements == nil {
			return nil, false, l.badAnswer(reading, http.StatusOK)
		}
		for _, element := range answer.Elements {
			if isAmong(found, element.Target) || element.State != "APPROVED" || !slices.Contains(linkedInRoles, element.Role) ||
				!linkedInOrganizationPattern.MatchString(element.Target) {
				continue
			}
			organization := named(element.Target, element.Named.LocalizedName, accountURL(l.siteURL+"/company", element.Named.VanityName))
			found = append(found, l.account(organization, "organization", token))
		}
		if len(answer.Elements) < linkedInPageSize {
			return found, true, nil
		}
		if foundAll(found, wanted) {
			return found, false, nil
		}
	}
	return found, false, nil
}

// refusal knows LinkedIn's sunset of versions.
func (l *LinkedInConnector) refusal(p purpose, a answer) *Error {
	if a.status == http.StatusUpgradeRequired {
		return l.misconfigured(a.status, "NONEXISTENT_VERSION")
	}
	return l.readRefusal(p, a)
}

// linkedInGrantError: LinkedIn answers invalid_request where a code is used up or too old, and where a token that is to be
// revoked is not known any more.
func linkedInGrantError(p purpose, a answer) string {
	if code := namedError(a); code != "invalid_request" || p == renewing {
		return code
	}
	return CodeInvalidGrant
}
