package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"golang.org/x/oauth2"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/queries"
)

// Connect is the beginning of somebody's way to a platform and back.
type Connect struct {
	AuthorizeURL     string    `json:"authorize_url" doc:"The platform's consent page. Send the browser there that got this answer: it comes back with its cookie."`
	ConnectSessionID uuid.UUID `json:"connect_session_id" format:"uuid"`
	ExpiresAt        time.Time `json:"expires_at" doc:"By when the browser must have come back."`
}

type connectOutput struct {
	SetCookie string `header:"Set-Cookie" doc:"Binds the way to this browser."`
	Body      Connect
}

// oauthPlatforms are those that are connected by signing in.
var oauthPlatforms = []platform.Name{platform.Twitter, platform.LinkedIn, platform.Facebook, platform.Mailchimp}

// connectLifetime is how long a browser has to come back from a platform; the database counts it.
const connectLifetime = 10 * time.Minute

func (a *API) registerConnect() {
	register(a, huma.Operation{
		OperationID: "connect-integration", Method: http.MethodGet, Path: "/v1/customers/{customer_id}/integrations/{platform}/connect",
		Tags: []string{"Integrations"}, Summary: "Connect accounts by signing in at a platform",
		Description: "Gives the address of the platform's consent page, and the browser a cookie that it must come back with, within ten minutes. " +
			"The platform sends it to oauth-callback, which sends it on to return_to with the query parameters connect (what came of it), platform, " +
			"and with connect=choose also connect_session, whose accounts are then chosen by choose-accounts within half an hour. The first account of " +
			"a platform becomes its default.",
		Parameters: []*huma.Param{reasonParameter},
	}, a.connectIntegration)
}

// connectInput says which platform it is, and where the browser goes in the end.
type connectInput struct {
	CustomerPath
	Platform string `path:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"The platform; twitter is X."`
	ReturnTo string `query:"return_to" maxLength:"1500" doc:"Where the browser goes in the end: an address below the dashboard's, or below another one that the installation allows. Left out: the dashboard's list of accounts, or the API's own page /connect/result where the installation has no dashboard." example:"https://app.example.com/integrations"`
}

func (a *API) connectIntegration(ctx context.Context, in *connectInput) (*connectOutput, error) {
	name := platform.Name(in.Platform)
	if name == platform.Ghost {
		return nil, invalid("path.platform", "is connected by a key and not by signing in: use create-integration")
	}
	connector, known := a.Connectors[name]
	if !known || a.APIURL == "" {
		return nil, invalid("path.platform", "is not set up on this server")
	}
	returnTo, err := a.returnAddress(in.ReturnTo)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	cookie := randomSecret()
	consent := platform.Consent{State: randomSecret(), Verifier: oauth2.GenerateVerifier(), RedirectURL: CallbackURL(a.APIURL, name)}
	stateHash, cookieHash := sha256.Sum256([]byte(consent.State)), sha256.Sum256([]byte(cookie))
	sealed, keyID, err := a.Vault.SealWithID([]byte(consent.Verifier), vault.ConnectSession(in.CustomerID, id, in.Platform))
	if err != nil {
		return nil, fmt.Errorf("seal verifier: %w", err)
	}
	var expiresAt time.Time
	if err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (err error) {
		expiresAt, err = q.ConnectSessionCreate(ctx, queries.ConnectSessionCreateParams{
			ID: id, Platform: in.Platform, StateHash: stateHash[:], CookieHash: cookieHash[:],
			RedirectUri: consent.RedirectURL, ReturnTo: returnTo, Secret: sealed, KeyID: &keyID,
		})
		return err
	}); err != nil {
		return nil, err
	}
	return &connectOutput{
		SetCookie: a.connectCookie(a.cookiePrefix()+id.String(), cookie, connectLifetime),
		Body:      Connect{AuthorizeURL: connector.AuthorizeURL(consent), ConnectSessionID: id, ExpiresAt: expiresAt.UTC()},
	}, nil
}

// CallbackURL is where a platform sends browsers back to an API with that address, as it is registered there.
func CallbackURL(apiURL string, name platform.Name) string {
	return apiURL + "/v1/oauth/" + string(name) + "/callback"
}

// randomSecret is 32 random bytes as text.
func randomSecret() string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(secret[:])
}

// isRandomSecret tells whether a text could be of randomSecret.
func isRandomSecret(text string) bool {
	secret, err := base64.RawURLEncoding.Strict().DecodeString(text)
	return err == nil && len(secret) == 32 && len(text) == base64.RawURLEncoding.EncodedLen(32)
}

// secure tells whether browsers reach the API by TLS. Without it, it is on loopback.
func (a *API) secure() bool { return strings.HasPrefix(a.APIURL, "https://") }

// cookiePrefix is how the names of connect sessions' cookies begin; their id follows. Browsers take a name with __Host-
// from this host alone, and only by TLS.
func (a *API) cookiePrefix() string {
	if a.secure() {
		return "__Host-fanfare-connect-"
	}
	return "fanfare-connect-"
}

// connectCookie is a Set-Cookie header. Lax: the browser comes back by a link of the platform's. A lifetime of 0 takes
// the cookie away.
func (a *API) connectCookie(name, value string, lifetime time.Duration) string {
	cookie := http.Cookie{ //nolint:gosec // Secure wherever the API is reached by TLS
		Name: name, Value: value, Path: "/", MaxAge: int(lifetime / time.Second), HttpOnly: true, Secure: a.secure(), SameSite: http.SameSiteLaxMode,
	}
	if lifetime == 0 {
		cookie.MaxAge = -1
	}
	return cookie.String()
}

// defaultReturn is where browsers go in the end that nobody sends elsewhere: to the dashboard, if there is one.
func (a *API) defaultReturn() string {
	if a.PublicURL != "" && a.PublicURL != a.APIURL {
		return a.PublicURL + "/integrations"
	}
	return a.APIURL + resultPath
}

// returnAddress checks where a browser is to go in the end, as the query's return_to says; "" is the default.
func (a *API) returnAddress(given string) (string, error) {
	if given == "" {
		return a.defaultReturn(), nil
	}
	if asked, ok := plainAddress(given); ok {
		for _, base := range append([]string{a.PublicURL}, a.ReturnURLs...) {
			if at, ok := plainAddress(base); ok && below(asked, at) {
				return asked.String(), nil
			}
		}
	}
	return "", invalid("query.return_to", "is not an address to which this server sends browsers back: it must be below FANFARE_PUBLIC_URL "+
		"or an address in FANFARE_RETURN_URLS, which are settings of the server, and have no fragment and no escapes in its path")
}

// plainAddress reads an http or https address in which nothing can be read in two ways: visible ASCII without
// backslashes, no user, no fragment, no escapes in its path and nothing in it that leads elsewhere.
func plainAddress(text string) (*url.URL, bool) {
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '\\' || r == '#' }) {
		return nil, false
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.User != nil || u.Opaque != "" {
		return nil, false
	}
	if _, err := url.ParseQuery(u.RawQuery); err != nil {
		return nil, false
	}
	if at := u.EscapedPath(); strings.ContainsAny(at, "%;") || strings.Contains(at, "..") ||
		at != "" && strings.TrimSuffix(at, "/") != strings.TrimSuffix(path.Clean(at), "/") {
		return nil, false
	}
	return u, true
}

// below tells whether an address is the base or below its path, at the same place.
func below(u, base *url.URL) bool {
	if u.Scheme != base.Scheme || !strings.EqualFold(u.Hostname(), base.Hostname()) || port(u) != port(base) {
		return false
	}
	at := strings.TrimSuffix(base.Path, "/")
	return u.Path == at || strings.HasPrefix(u.Path, at+"/")
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	return map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// isOAuthPlatform tells whether a platform is connected by signing in.
func isOAuthPlatform(name string) bool { return slices.Contains(oauthPlatforms, platform.Name(name)) }
