package mcpclient

import (
	"cmp"
	"context"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

// Metadata is how people sign in to a server: what its resource metadata (RFC 9728) and its authorization server's metadata
// (RFC 8414) say, checked. It holds no secret, and can be kept as JSON.
type Metadata struct {
	// Resource is the server as tokens are asked for (RFC 8707).
	Resource string `json:"resource"`
	// Issuer is the authorization server.
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	// RegistrationEndpoint and RevocationEndpoint are empty where there is none.
	RegistrationEndpoint string `json:"registration_endpoint,omitempty"`
	RevocationEndpoint   string `json:"revocation_endpoint,omitempty"`
	// AuthMethods are the ways in which clients authenticate; none: "client_secret_basic" (RFC 8414, section 2).
	AuthMethods []string `json:"auth_methods,omitempty"`
	// Scopes are to be asked for.
	Scopes []string `json:"scopes,omitempty"`
	// AnswersWithIssuer: the browser comes back with "iss" (RFC 9207).
	AnswersWithIssuer bool `json:"answers_with_issuer,omitempty"`
}

// maxScopes bounds the scopes that are asked for.
const maxScopes = 50

// Discover finds out how people sign in to a server. wwwAuthenticate are the values of that header of its 401. False means
// that the server does not say it: it wants a token that its owner gives out.
//
// Errors are *platform.Error. As the MCP specification demands, it is refused what does not name the server itself as the
// resource, an authorization server that calls itself something else, one without PKCE by S256, and addresses that are not
// https (http on loopback is for development).
func (c *Client) Discover(ctx context.Context, address string, wwwAuthenticate []string) (Metadata, bool, error) {
	server, err := c.parse(address, "The server's address")
	if err != nil {
		return Metadata{}, false, err
	}
	round, end := c.begin(ctx)
	defer end()
	named, scopes := challenge(wwwAuthenticate)
	resource, found, err := c.resourceMetadata(round, server, named)
	if err != nil || !found {
		return Metadata{}, false, err
	}
	if len(resource.AuthorizationServers) == 0 {
		return Metadata{}, false, badMetadata("The server names nobody who signs people in.", nil)
	}
	login, err := c.loginMetadata(round, resource.AuthorizationServers[0])
	if err != nil {
		return Metadata{}, false, err
	}
	if len(scopes) == 0 {
		scopes = resource.ScopesSupported
	}
	if slices.Contains(login.ScopesSupported, "offline_access") && !slices.Contains(scopes, "offline_access") {
		scopes = append(slices.Clone(scopes), "offline_access") // what refresh tokens take where it is known
	}
	return Metadata{
		Resource: resource.Resource, Issuer: login.Issuer, AuthorizationEndpoint: login.AuthorizationEndpoint,
		TokenEndpoint: login.TokenEndpoint, RegistrationEndpoint: login.RegistrationEndpoint, RevocationEndpoint: login.RevocationEndpoint,
		AuthMethods: known(login.TokenEndpointAuthMethodsSupported), Scopes: goodScopes(scopes),
		AnswersWithIssuer: login.AuthorizationResponseIssParameterSupported,
	}, true, nil
}

// challenge reads what a 401 says: where the resource metadata is, and which scopes it takes. A header that cannot be read
// says nothing.
func challenge(wwwAuthenticate []string) (metadata string, scopes []string) {
	challenges, err := oauthex.ParseWWWAuthenticate(wwwAuthenticate)
	if err != nil {
		return "", nil
	}
	for _, challenge := range challenges {
		if challenge.Scheme == "bearer" {
			return challenge.Params["resource_metadata"], strings.Fields(challenge.Params["scope"])
		}
	}
	return "", nil
}

// resourceMetadata finds the server's document: where its 401 says, else at the two well-known addresses. A document that
// names another resource is refused (RFC 9728, section 3.3): its tokens would be meant for somebody else. Only the one at the
// root may speak for the whole host.
func (c *Client) resourceMetadata(r *round, server *url.URL, named string) (*oauthex.ProtectedResourceMetadata, bool, error) {
	root := &url.URL{Scheme: server.Scheme, Host: server.Host}
	wellKnown := *server
	wellKnown.Path, wellKnown.RawPath = "/.well-known/oauth-protected-resource"+strings.TrimSuffix("/"+strings.Trim(server.Path, "/"), "/"), ""
	type place struct{ address, resource string }
	places := []place{{wellKnown.String(), server.String()}, {root.String() + "/.well-known/oauth-protected-resource", root.String()}}
	if named != "" {
		places = slices.Insert(places, 0, place{named, server.String()})
	}
	var refusal error
	for _, place := range places {
		if _, err := c.parse(place.address, "The address of the server's sign-in metadata"); err != nil {
			return nil, false, err
		}
		// With and without a slash at the end it is the same resource to many servers.
		for _, resource := range []string{place.resource, otherSlash(place.resource)} {
			document, err := oauthex.GetProtectedResourceMetadata(r.ctx, place.address, resource, r.client())
			if err == nil {
				return document, true, nil
			}
			last, _, overrun := r.result()
			switch {
			case overrun != nil, last.err != nil, r.ctx.Err() != nil, last.status >= 500, last.status == http.StatusTooManyRequests:
				return nil, false, r.judge("The server")
			case isJSON(last):
				if refusal == nil { // the first says best what is wrong
					refusal = badMetadata("The server's sign-in metadata is refused", cmp.Or(errors.Unwrap(err), err)) // without the function's name
				}
				continue
			case place.address == named:
				return nil, false, badMetadata("The server names sign-in metadata that is not there.", nil)
			}
			break // a page for people, a redirect to one, or nothing
		}
	}
	return nil, false, refusal
}

// otherSlash gives the address with a slash at its end if it has none, else without it.
func otherSlash(address string) string {
	if without, has := strings.CutSuffix(address, "/"); has {
		return without
	}
	return address + "/"
}

func isJSON(a outcome) bool {
	mediaType, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	return a.status == http.StatusOK && err == nil && mediaType == "application/json"
}

// loginMetadata gets the authorization server's document, and checks it.
func (c *Client) loginMetadata(r *round, issuer string) (*oauthex.AuthServerMeta, error) {
	const refused = "The sign-in server's metadata is refused"
	u, err := c.parse(issuer, "The address of the sign-in server")
	if err != nil {
		return nil, err
	}
	if u.RawQuery != "" {
		return nil, badMetadata(refused, errors.New("the issuer has a query"))
	}
	login, err := auth.GetAuthServerMetadata(r.ctx, strings.TrimSuffix(issuer, "/"), r.client())
	if err != nil {
		if last, _, overrun := r.result(); overrun == nil && last.err == nil && last.status == http.StatusOK && r.ctx.Err() == nil {
			return nil, badMetadata(refused, err)
		}
		return nil, r.judge("The sign-in server")
	}
	switch {
	case login == nil:
		return nil, badMetadata("The sign-in server does not say how to sign in.", nil)
	case !slices.Contains(login.CodeChallengeMethodsSupported, "S256"):
		return nil, badMetadata(refused, errors.New("it does not support PKCE by S256"))
	case len(login.ResponseTypesSupported) > 0 && !slices.Contains(login.ResponseTypesSupported, "code"):
		return nil, badMetadata(refused, errors.New("it does not support authorization codes"))
	case login.AuthorizationEndpoint == "" || login.TokenEndpoint == "":
		return nil, badMetadata(refused, errors.New("an endpoint is missing"))
	}
	for _, endpoint := range []string{login.AuthorizationEndpoint, login.TokenEndpoint, login.RegistrationEndpoint, login.RevocationEndpoint} {
		if endpoint == "" {
			continue
		}
		if _, err := c.parse(endpoint, "An address in the sign-in server's metadata"); err != nil {
			return nil, err
		}
	}
	return login, nil
}

// The ways of authenticating that this package can, the most wanted first.
var authMethods = []string{"client_secret_post", "client_secret_basic", "none"}

func known(methods []string) []string {
	return slices.DeleteFunc(slices.Clone(authMethods), func(method string) bool { return !slices.Contains(methods, method) })
}

// goodScopes keeps what can be a scope (RFC 6749, section 3.3).
func goodScopes(scopes []string) []string {
	good := []string{}
	for _, scope := range scopes {
		ok := scope != "" && len(scope) <= maxTitle && !strings.ContainsFunc(scope, func(r rune) bool { return r < '!' || r > '~' || r == '"' || r == '\\' })
		if ok && !slices.Contains(good, scope) && len(good) < maxScopes {
			good = append(good, scope)
		}
	}
	return good
}
