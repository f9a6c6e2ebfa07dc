package identity

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

const (
	defaultLeeway = 30 * time.Second
	maxLeeway     = 2 * time.Minute
	// minSecretBytes is the least length of an HS256 key, RFC 7518 section 3.2.
	minSecretBytes = 32
)

// Config says whose tokens are accepted. Issuer, Audience and exactly one of JWKSURL, KeySet and
// HS256Secret are required; New refuses anything less.
type Config struct {
	// Issuer must equal `iss` byte for byte. Supabase: https://<project>.supabase.co/auth/v1.
	Issuer string
	// Audience must be (one of) `aud`. Supabase: authenticated.
	Audience string

	// JWKSURL is where the issuer publishes its public keys: https, or http on a loopback host.
	JWKSURL string
	// KeySet holds the keys themselves, for development. Later changes to it have no effect.
	KeySet jwk.Set
	// HS256Secret is the secret shared with a Supabase project that still signs with HS256: the bytes
	// of the text that its dashboard shows, not decoded, at least 32. Whoever has it can sign in as
	// anybody, so prefer JWKSURL.
	HS256Secret []byte

	// Algorithms is the allow-list. With JWKSURL and KeySet it may hold RS, PS, ES and EdDSA
	// algorithms and is RS256, ES256 and EdDSA when empty. With HS256Secret it is always HS256.
	Algorithms []jwa.SignatureAlgorithm
	// Leeway allows for clocks that differ, when checking exp, nbf and iat: 30 s when zero, at most
	// 2 min.
	Leeway time.Duration
	// EmailsVerified says that the issuer puts only confirmed addresses into `email`, so that an
	// address counts as verified unless the token says `email_verified: false`. It is right for a
	// Supabase project with "Confirm email" switched on, whose tokens have no email_verified of
	// their own. Without it only `email_verified: true` at the top level counts; the one in Supabase's
	// user_metadata never does, because users can write it.
	EmailsVerified bool

	// HTTPClient fetches the JWKS; http.DefaultClient's transport when nil. Its timeout is cut to
	// 5 s and it never follows a redirect from https to http.
	HTTPClient *http.Client
	// Logger hears of failed fetches; slog.Default() when nil.
	Logger *slog.Logger
}

// ConfigError says which part of a Config New refuses. Its text does not name the field: whoever has configured it knows
// it by a name of their own.
type ConfigError struct {
	Field   string // Issuer, Audience, JWKSURL, HS256Secret or Leeway
	Problem string
}

// Error says what is wrong.
func (e *ConfigError) Error() string { return e.Problem }

// asymmetric are the algorithms whose keys may be public.
func asymmetric() []jwa.SignatureAlgorithm {
	return []jwa.SignatureAlgorithm{
		jwa.RS256(), jwa.RS384(), jwa.RS512(),
		jwa.PS256(), jwa.PS384(), jwa.PS512(),
		jwa.ES256(), jwa.ES384(), jwa.ES512(),
		jwa.EdDSA(), jwa.EdDSAEd25519(),
	}
}

// checked gives the configuration with its defaults filled in, or what is wrong with it.
func (c Config) checked() (Config, error) {
	if c.Issuer == "" {
		return c, &ConfigError{"Issuer", "the issuer is missing"}
	}
	if c.Audience == "" {
		return c, &ConfigError{"Audience", "the audience is missing"}
	}
	sources := 0
	for _, given := range []bool{c.JWKSURL != "", c.KeySet != nil, len(c.HS256Secret) > 0} {
		if given {
			sources++
		}
	}
	if sources != 1 {
		return c, fmt.Errorf("give exactly one of a JWKS URL, a key set and an HS256 secret; there are %d", sources)
	}
	if c.JWKSURL != "" {
		if err := checkJWKSURL(c.JWKSURL); err != nil {
			return c, err
		}
	}
	if n := len(c.HS256Secret); n > 0 && n < minSecretBytes {
		return c, &ConfigError{"HS256Secret", fmt.Sprintf("the HS256 secret has %d bytes; at least %d are needed", n, minSecretBytes)}
	}
	if err := c.checkAlgorithms(); err != nil {
		return c, err
	}
	switch {
	case len(c.HS256Secret) > 0:
		c.Algorithms = []jwa.SignatureAlgorithm{jwa.HS256()}
	case len(c.Algorithms) == 0:
		c.Algorithms = []jwa.SignatureAlgorithm{jwa.RS256(), jwa.ES256(), jwa.EdDSA()}
	default:
		c.Algorithms = slices.Clone(c.Algorithms)
	}
	if c.Leeway == 0 {
		c.Leeway = defaultLeeway
	}
	if c.Leeway < 0 || c.Leeway > maxLeeway {
		return c, &ConfigError{"Leeway", fmt.Sprintf("the leeway is %s; it must be between 0 and %s", c.Leeway, maxLeeway)}
	}
	if c.HTTPClient == nil {
		c.HTTPClient = &http.Client{}
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

// checkAlgorithms refuses a list in which a public key could be taken for a shared secret.
func (c Config) checkAlgorithms() error {
	allowed, kind := asymmetric(), "public keys"
	if len(c.HS256Secret) > 0 {
		allowed, kind = []jwa.SignatureAlgorithm{jwa.HS256()}, "a shared secret"
	}
	for _, algorithm := range c.Algorithms {
		if !slices.Contains(allowed, algorithm) {
			return fmt.Errorf("the algorithm %q cannot be allowed with %s", algorithm, kind)
		}
	}
	return nil
}

func checkJWKSURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return &ConfigError{"JWKSURL", "the JWKS URL is not an absolute URL"}
	}
	if u.User != nil {
		return &ConfigError{"JWKSURL", "the JWKS URL must not hold a user or password"}
	}
	if u.Scheme == "https" || u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return &ConfigError{"JWKSURL", "the JWKS URL must be https; http is allowed for loopback hosts only"}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}
