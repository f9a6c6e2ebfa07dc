package cmd

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/lestrrat-go/jwx/v3/jwt"

	"fanfare/api"
	"fanfare/web"
)

// pagesConfig says whether the dashboard is served.
type pagesConfig struct {
	Dashboard string `enum:"on,off" default:"on" env:"FANFARE_DASHBOARD" help:"off: the API alone is served, and no dashboard."`
}

// pages makes what serves the dashboard, which may reach the given addresses besides the API at its own; nil where it is off.
func (c *pagesConfig) pages(connect, images []string) (func(http.Handler) http.Handler, error) {
	if c.Dashboard == "off" {
		return nil, nil //nolint:nilnil // that is what "no dashboard" looks like
	}
	return web.New(web.Config{Files: web.Files(), Connect: origins(connect), Images: origins(images)})
}

// origins are those of addresses that have been checked. What has no origin is left out.
func origins(addresses []string) []string {
	var all []string
	for _, address := range addresses {
		if u, err := url.Parse(address); err == nil && u.Host != "" {
			all = append(all, u.Scheme+"://"+strings.ToLower(u.Host))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// dashboardConfig says how people sign in to the dashboard.
type dashboardConfig struct {
	pagesConfig
	OIDCClientID    string   `name:"oidc-client-id" env:"FANFARE_OIDC_CLIENT_ID" help:"Client ID of the dashboard at the issuer of tokens, with OpenID Connect: a public client, which has no secret; its redirect address is <--public-url>/sign-in/callback."`
	OIDCScopes      string   `name:"oidc-scopes" default:"openid profile email offline_access" env:"FANFARE_OIDC_SCOPES" help:"What the dashboard asks the issuer for."`
	OIDCOrigins     []string `name:"oidc-origins" env:"FANFARE_OIDC_ORIGINS" help:"Other origins at which the issuer gives tokens, with commas, such as https://oauth2.googleapis.com for Google."`
	SupabaseURL     string   `name:"supabase-url" env:"FANFARE_SUPABASE_URL" help:"Address of your Supabase project, where people sign in there: https://<project>.supabase.co."`
	SupabaseAnonKey string   `name:"supabase-anon-key" env:"FANFARE_SUPABASE_ANON_KEY" help:"The project's anon or publishable key, which everybody may know; required with --supabase-url."`
	CORSOrigins     []string `name:"cors-origins" env:"FANFARE_CORS_ORIGINS" help:"Other origins whose pages may call the API, with commas, such as https://app.example.com, for a dashboard that is served elsewhere; none by default."`
}

// crossOrigins checks the origins whose pages may call the API.
func (c *dashboardConfig) crossOrigins() ([]string, error) {
	all := make([]string, 0, len(c.CORSOrigins))
	for _, text := range c.CORSOrigins {
		origin, err := originOf("cors-origins", text)
		if err != nil {
			return nil, err
		}
		all = append(all, origin)
	}
	return all, nil
}

// scopePattern is one scope (RFC 6749, section 3.3).
var scopePattern = regexp.MustCompile(`^[\x21\x23-\x5B\x5D-\x7E]+$`)

// signIn checks the settings. issuer is that of tokens.
func (c *dashboardConfig) signIn(issuer string) (api.SignIn, error) {
	switch {
	case c.OIDCClientID != "" && (c.SupabaseURL != "" || c.SupabaseAnonKey != ""):
		return api.SignIn{}, fmt.Errorf("%s and %s are both set; unset one, as people sign in to the dashboard in one way", named("oidc-client-id"), named("supabase-url"))
	case c.OIDCClientID != "":
		return c.oidc(issuer)
	case len(c.OIDCOrigins) > 0:
		return api.SignIn{}, fmt.Errorf("%s needs %s", named("oidc-origins"), named("oidc-client-id"))
	case c.SupabaseURL == "" && c.SupabaseAnonKey == "":
		return api.SignIn{}, nil
	case c.SupabaseURL == "" || c.SupabaseAnonKey == "":
		return api.SignIn{}, fmt.Errorf("%s and %s belong together: set both, or none", named("supabase-url"), named("supabase-anon-key"))
	}
	address, err := safeURL("supabase-url", c.SupabaseURL)
	if err != nil {
		return api.SignIn{}, err
	}
	if err := publicKey(c.SupabaseAnonKey); err != nil {
		return api.SignIn{}, fmt.Errorf("%s: %w", named("supabase-anon-key"), err)
	}
	return api.SignIn{Kind: api.SignInSupabase, URL: &address, AnonKey: &c.SupabaseAnonKey}, nil
}

func (c *dashboardConfig) oidc(issuer string) (api.SignIn, error) {
	if !scopePattern.MatchString(c.OIDCClientID) {
		return api.SignIn{}, errors.New(named("oidc-client-id") + " must be an id of letters, digits and signs, without spaces")
	}
	if _, err := safeURL("jwt-issuer", issuer); err != nil {
		return api.SignIn{}, fmt.Errorf("with %s: %w", named("oidc-client-id"), err)
	}
	for _, origin := range c.OIDCOrigins {
		if _, err := originOf("oidc-origins", origin); err != nil {
			return api.SignIn{}, err
		}
	}
	scopes := strings.Fields(c.OIDCScopes)
	if !slices.Contains(scopes, "openid") {
		return api.SignIn{}, errors.New(named("oidc-scopes") + " must have openid among them")
	}
	for _, scope := range scopes {
		if !scopePattern.MatchString(scope) {
			return api.SignIn{}, fmt.Errorf("%s: %q is not a scope", named("oidc-scopes"), scope)
		}
	}
	return api.SignIn{Kind: api.SignInOIDC, Issuer: &issuer, ClientID: &c.OIDCClientID, Scopes: scopes}, nil
}

// reached are the addresses that a browser reaches to sign in.
func (c *dashboardConfig) reached(issuer string) []string {
	if c.OIDCClientID == "" {
		return []string{c.SupabaseURL}
	}
	return append([]string{issuer}, c.OIDCOrigins...)
}

// originOf checks an origin that a setting holds, and gives it as browsers write it.
func originOf(setting, text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text)) // which browsers write so too
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Hostname() == "" || u.Scheme+"://"+u.Host != text || strings.ContainsAny(text, "*\\'\";, ") {
		return "", fmt.Errorf("%s: %q is not an origin such as https://app.example.com, without a path", named(setting), text)
	}
	if u.Scheme == "http" && !onThisMachine(u.Hostname()) {
		return "", fmt.Errorf("%s: %s must begin with https://; http:// is for addresses on this machine", named(setting), text)
	}
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		return strings.TrimSuffix(text, ":"+port), nil // which browsers leave out
	}
	return text, nil
}

// publicKey refuses a key of Supabase that is not for everybody's eyes: the secret ones go around row-level security. Errors do not quote it.
func publicKey(key string) error {
	if strings.HasPrefix(key, "sb_publishable_") {
		return nil
	}
	if strings.HasPrefix(key, "sb_secret_") {
		return errors.New("this is a secret key, which must never leave the server; take the publishable or anon key")
	}
	token, err := jwt.ParseInsecure([]byte(key)) // only read: Supabase verifies it
	if err != nil {
		return errors.New("this is neither a publishable key (sb_publishable_…) nor an anon key, which is a JWT")
	}
	var role string
	if err := token.Get("role", &role); err != nil || role != "anon" {
		return fmt.Errorf("this is a key of the role %q, and everybody would see it; take the anon or publishable key, and replace this one at Supabase if it was ever served", role)
	}
	return nil
}
