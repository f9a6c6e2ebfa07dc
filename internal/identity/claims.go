package identity

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lestrrat-go/jwx/v3/jwt"
)

const (
	maxSubjectBytes = 255
	maxNameBytes    = 255
	// maxEmailBytes: a local part of 64, an @ and a domain of 255, RFC 5321 section 4.5.3.1.
	maxEmailBytes = 320
)

// readClaims checks the claims of a token whose signature is known to be good.
func (v *Verifier) readClaims(payload []byte, now time.Time) (Identity, error) {
	fields, err := readObject(payload)
	if err != nil || !utf8.Valid(payload) {
		return Identity{}, refuse(ErrMalformed, "The token's claims are not a JSON object with unique names.")
	}
	// The library also takes dates as text, RFC 3339 included. RFC 7519 section 2 says number.
	for _, name := range []string{jwt.ExpirationKey, jwt.NotBeforeKey, jwt.IssuedAtKey} {
		if raw, found := fields[name]; found && (raw[0] < '0' || raw[0] > '9') {
			return Identity{}, refuse(ErrMalformed, "The token has a time that is not a number of seconds.")
		}
	}
	token := jwt.New()
	if err := json.Unmarshal(payload, token); err != nil {
		return Identity{}, refuse(ErrMalformed, "The token has a claim of the wrong type.")
	}
	expiresAt, found := token.Expiration()
	if !found {
		return Identity{}, refuse(ErrMalformed, "The token does not say when it expires.")
	}
	err = jwt.Validate(token,
		jwt.WithIssuer(v.config.Issuer),
		jwt.WithAudience(v.config.Audience),
		jwt.WithAcceptableSkew(v.config.Leeway),
		jwt.WithTruncation(0),
		jwt.WithClock(jwt.ClockFunc(func() time.Time { return now })))
	if err != nil {
		return Identity{}, claimError(err)
	}
	subject, _ := token.Subject()
	if !usableSubject(subject) {
		return Identity{}, refuse(ErrSubject, "The token does not name a person: its subject is missing or not usable.")
	}
	who := Identity{Subject: subject, Name: displayName(token), ExpiresAt: expiresAt.UTC()}
	if email := stringClaim(token, "email"); len(email) <= maxEmailBytes && !strings.ContainsFunc(email, unicode.IsControl) {
		who.Email = email
		who.EmailVerified = email != "" && v.emailVerified(token)
	}
	return who, nil
}

// claimError gives the sentinel for what the library found.
func claimError(err error) error {
	switch {
	case errors.Is(err, jwt.TokenExpiredError()):
		return refuse(ErrExpired, "The token has expired.")
	case errors.Is(err, jwt.TokenNotYetValidError()), errors.Is(err, jwt.InvalidIssuedAtError()):
		return refuse(ErrNotYetValid, "The token is not valid yet.")
	case errors.Is(err, jwt.InvalidIssuerError()):
		return refuse(ErrIssuer, "The token is from another issuer.")
	case errors.Is(err, jwt.InvalidAudienceError()):
		return refuse(ErrAudience, "The token is meant for another audience.")
	}
	return refuse(ErrMalformed, "The token's claims do not hold.")
}

// usableSubject also refuses U+FFFD: it is what broken text decodes to, so that two different
// subjects could become one.
func usableSubject(subject string) bool {
	return subject != "" && len(subject) <= maxSubjectBytes &&
		!strings.ContainsFunc(subject, unicode.IsControl) && !strings.ContainsRune(subject, utf8.RuneError)
}

// emailVerified decides whether the issuer vouches for the address. See Config.EmailsVerified.
func (v *Verifier) emailVerified(token jwt.Token) bool {
	var claim any
	if err := token.Get("email_verified", &claim); err != nil {
		return v.config.EmailsVerified && !token.Has("email_verified")
	}
	// Amazon Cognito and others send the text "true".
	return claim == true || claim == "true"
}

// displayName is `name`, or what Supabase keeps in user_metadata.
func displayName(token jwt.Token) string {
	name := stringClaim(token, "name")
	if name = cleanName(name); name != "" {
		return name
	}
	var metadata map[string]any
	if err := token.Get("user_metadata", &metadata); err != nil {
		return ""
	}
	for _, key := range []string{"full_name", "name"} {
		if text, ok := metadata[key].(string); ok {
			if name = cleanName(text); name != "" {
				return name
			}
		}
	}
	return ""
}

// cleanName drops control characters and cuts at a character boundary.
func cleanName(name string) string {
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, name))
	if len(name) <= maxNameBytes {
		return name
	}
	end := maxNameBytes
	for !utf8.RuneStart(name[end]) {
		end--
	}
	return strings.TrimSpace(name[:end])
}

// stringClaim is a claim that is a string, empty where there is none or it is something else.
func stringClaim(token jwt.Token, name string) string {
	var text string
	if err := token.Get(name, &text); err != nil {
		return ""
	}
	return text
}
