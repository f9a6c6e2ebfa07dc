// Package identity tells which person a bearer token speaks for. It verifies JSON Web Tokens (RFC
// 7519) of one issuer: Supabase, any OpenID Connect provider with a JWKS, or the development key of
// this installation.
//
// It answers who somebody is and never what they may do: roles and memberships are read from the
// database in the request's own transaction, so nothing in a token but its subject, its e-mail address
// and its name is ever used. It does not know API keys or agent tokens. A token that cannot be
// verified is refused; there is no mode in which one is merely decoded.
package identity

import "time"

// Identity is a person as the issuer describes them.
type Identity struct {
	// Subject is the issuer's id of the person, from `sub`: 1 to 255 bytes, no control characters.
	// It is the only field that identifies somebody; e-mail addresses change hands.
	Subject string
	// Email is the `email` claim as it stands, at most 320 bytes, or empty.
	Email string
	// EmailVerified says that the issuer vouches for Email. Only then may it match an invitation.
	EmailVerified bool
	// Name is what to call the person, at most 255 bytes, or empty. The person can write it
	// themselves at most issuers: show it, never decide by it.
	Name string
	// ExpiresAt is the token's `exp`, in UTC.
	ExpiresAt time.Time
}
