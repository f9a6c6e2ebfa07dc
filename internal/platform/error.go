package platform

import (
	"errors"
	"fmt"
	"time"
)

// Class says what kind of failure happened at a platform, and so what is to be done. It is decided
// from status and code, never from the words of a message.
type Class string

// The classes, each with its one behaviour.
const (
	// Credential: the platform refuses the credential. The account must be reconnected.
	Credential Class = "credential"
	// Invalid: the platform refuses the post as it is. It must be changed.
	Invalid Class = "invalid"
	// RateLimited: wait until RetryAt, then try again.
	RateLimited Class = "rate_limited"
	// PaymentRequired: the account's plan at the platform does not cover it. Its owner must act there.
	PaymentRequired Class = "payment_required"
	// Transient: nothing was published and trying again later may help. Back off.
	Transient Class = "transient"
	// UnknownOutcome: the post may or may not have been published. Reconcile, or ask a person.
	UnknownOutcome Class = "unknown_outcome"
	// Waiting: nothing went wrong; the work goes on at RetryAt, when the platform is done with what was uploaded.
	Waiting Class = "waiting"
)

// Error is a failure at a platform.
type Error struct {
	Class Class
	// Status is the HTTP status the platform answered with, 0 if there was no answer.
	Status int
	// Code is the platform's own code or type for the error, if it gave one.
	Code string
	// Message is for the customer's people: what happened and what to do. It never holds a secret.
	Message string
	// RetryAt is when the platform allows the next try, zero if it did not say.
	RetryAt time.Time
	// App says that a limit is the whole application's, of all accounts, and not the account's.
	App bool
	// Aside says that a limit is of another request than the one that publishes: other posts need not wait for it.
	Aside bool
	// Partial is what readers see already of a post with several parts. It is set on every error of such a post, also when
	// an earlier attempt published it; the rest is published by trying again, or never.
	Partial *Published
	// Err is the cause, for logs only.
	Err error
}

// Error is the text for logs.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s: %s", e.Class, e.Message)
	if e.Status != 0 {
		text += fmt.Sprintf(" (status %d %s)", e.Status, e.Code)
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// AsError gives the platform error in err's chain. Anything else becomes an UnknownOutcome, because
// a failure that nobody classified must never lead to a second try without a look.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Class: UnknownOutcome, Message: "The outcome is not known.", Err: err}
}
