package identity

import "errors"

// The reasons to refuse a token. Each error of Verify is an *Error that wraps exactly one of them.
// All answer 401 but ErrUnavailable, which answers 503: the token may be good.
var (
	// ErrMalformed: it is not a compact JWS with a JSON object of claims, it is too large, or its
	// header asks for something that is not supported.
	ErrMalformed = errors.New("malformed token")
	// ErrAlgorithm: the token's algorithm is not on the allow-list or not the named key's.
	ErrAlgorithm = errors.New("algorithm not allowed")
	// ErrSignature: no current key of the issuer made the signature.
	ErrSignature = errors.New("signature not valid")
	// ErrExpired: `exp` has passed by more than the leeway.
	ErrExpired = errors.New("token expired")
	// ErrNotYetValid: `nbf` or `iat` is in the future by more than the leeway.
	ErrNotYetValid = errors.New("token not yet valid")
	// ErrIssuer: `iss` is missing or another issuer's.
	ErrIssuer = errors.New("wrong issuer")
	// ErrAudience: `aud` is missing or does not contain ours.
	ErrAudience = errors.New("wrong audience")
	// ErrSubject: `sub` is missing or cannot be used as an id.
	ErrSubject = errors.New("no usable subject")
	// ErrUnavailable: the issuer's keys have never been fetched, so nothing can be verified.
	ErrUnavailable = errors.New("signing keys not available")
)

// Error is why a token was refused.
type Error struct {
	// Reason is a sentence for the caller. It never holds a part of the token.
	Reason string
	// Err wraps one of the sentinels above and, for ErrUnavailable, the cause. It is for logs and
	// never holds a part of the token either.
	Err error
}

// Error is the text for logs.
func (e *Error) Error() string { return e.Err.Error() + ": " + e.Reason }

// Unwrap gives the sentinel.
func (e *Error) Unwrap() error { return e.Err }

// refuse makes the error for a token. What the JWT library says is left out on purpose: its messages
// quote the token.
func refuse(sentinel error, reason string) error {
	return &Error{Reason: reason, Err: sentinel}
}
