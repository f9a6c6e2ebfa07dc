package sandbox

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// ghostTokenLife is both the oldest token and the longest life of a token that are accepted.
const ghostTokenLife = 5 * time.Minute

// ghostAudience is what Ghost matches the audience with; "/admin/" is the documented one.
var ghostAudience = regexp.MustCompile(`/?admin/?$`)

// authenticate checks the token in Ghost's order: header, form, key id, key, signature, claims.
func (r *ghostRequest) authenticate(now time.Time) *ghostError {
	header := r.Header.Get("Authorization")
	if header == "" {
		return &ghostError{status: http.StatusForbidden, kind: "NoPermissionError", message: "Authorization failed",
			context: "Unable to determine the authenticated user or integration. Check that cookies are being passed " +
				"through if using session authentication."}
	}
	scheme, token, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Ghost") || token == "" {
		return ghostRefusal(http.StatusUnauthorized, "UnauthorizedError", "INVALID_AUTH_HEADER",
			`Authorization header format is "Authorization: Ghost [token]"`)
	}
	message, err := jws.Parse([]byte(token), jws.WithCompact())
	if err != nil || len(message.Signatures()) != 1 {
		return ghostRefusal(http.StatusBadRequest, "BadRequestError", "INVALID_JWT", "Invalid token")
	}
	kid, _ := message.Signatures()[0].ProtectedHeaders().KeyID()
	if kid == "" {
		return ghostRefusal(http.StatusBadRequest, "BadRequestError", "MISSING_ADMIN_API_KID", "Admin API kid missing.")
	}
	if kid != r.site.KeyID {
		return ghostRefusal(http.StatusUnauthorized, "UnauthorizedError", "UNKNOWN_ADMIN_API_KEY", "Unknown Admin API Key")
	}
	if err := r.site.checkToken(token, now); err != nil {
		return ghostRefusal(http.StatusUnauthorized, "UnauthorizedError", "INVALID_JWT", "Invalid token: "+err.Error())
	}
	return nil
}

// checkToken checks signature and claims. HS256 only, whatever the token's header says.
func (site *ghostSite) checkToken(token string, now time.Time) error {
	secret, err := hex.DecodeString(site.Secret)
	if err != nil {
		return fmt.Errorf("stored secret: %w", err)
	}
	claims, err := jwt.Parse([]byte(token), jwt.WithKey(jwa.HS256(), secret), jwt.WithValidate(false))
	if err != nil {
		return errors.New("invalid signature")
	}
	issued, hasIssued := claims.IssuedAt()
	expires, hasExpires := claims.Expiration()
	audience, _ := claims.Audience()
	switch {
	case !hasExpires:
		return errors.New("exp missing")
	case !now.Before(expires):
		return errors.New("jwt expired")
	case !slices.ContainsFunc(audience, ghostAudience.MatchString):
		return fmt.Errorf("jwt audience invalid. expected: %s", ghostAudience)
	case !hasIssued:
		return errors.New("iat required when maxAge is specified")
	case !now.Before(issued.Add(ghostTokenLife)):
		return errors.New("maxAge exceeded")
	case expires.Sub(issued) > ghostTokenLife:
		return errors.New("exp more than 5 minutes after iat")
	}
	if before, ok := claims.NotBefore(); ok && now.Before(before) {
		return errors.New("jwt not active")
	}
	return nil
}
