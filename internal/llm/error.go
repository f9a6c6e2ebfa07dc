package llm

import (
	"cmp"
	"fmt"
	"time"
)

// Class says what kind of failure a call met, and so what is to be done. It is decided from status and code, never from the words of
// a message.
type Class string

// The classes, each with its one behaviour.
const (
	// Credential: the key is refused. It must be replaced.
	Credential Class = "credential"
	// Invalid: the provider refuses the request as it is, or does not have the model. The settings must be corrected.
	Invalid Class = "invalid"
	// TooLarge: the request is more than the model reads. Ask with less.
	TooLarge Class = "too_large"
	// RateLimited: wait until RetryAt.
	RateLimited Class = "rate_limited"
	// Payment: the account at the provider has no credit left. Its owner must act there.
	Payment Class = "payment_required"
	// Refused: the model, or a filter in front of it, will not answer this. Ask for something else.
	Refused Class = "refused"
	// Truncated: the answer had no room. Ask for less at once.
	Truncated Class = "truncated"
	// BadAnswer: what came back cannot be used. Trying again may help.
	BadAnswer Class = "bad_answer"
	// Transient: the provider cannot answer at the moment. Trying again later may help.
	Transient Class = "transient"
	// Timeout: the answer took too long.
	Timeout Class = "timeout"
)

// Error is a failed call.
type Error struct {
	Class    Class
	Provider Provider
	// Status is the HTTP status of the answer, 0 if there was none.
	Status int
	// Code is the provider's own code or type for the error, if it gave one.
	Code string
	// Message is for people: what happened and what to do. It holds no secret and nothing that the provider wrote.
	Message string
	// RetryAt is when the provider takes the next request, zero if it did not say.
	RetryAt time.Time
	// Usage is what the provider has taken all the same: it has answered, or was answering when whoever asked went away or had waited
	// long enough. Zero where it has refused or failed.
	Usage Usage
	// Err is the cause, for logs only. It holds no secret and nothing that the provider wrote either.
	Err error

	// taken: the provider has taken something.
	taken bool
}

// Error is the text for logs.
func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s: %s", e.Provider, e.Class, e.Message)
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

// fail makes an error of a class, in the class's words.
func (c Config) fail(class Class) *Error {
	who := c.Provider.Title()
	if c.Provider == OpenAI && c.BaseURL != defaultBaseURLs[OpenAI] {
		who = "The language model's server"
	}
	key := cmp.Or(c.KeyName, "the API key")
	return &Error{Class: class, Provider: c.Provider, Message: map[Class]string{
		Credential:  who + " refuses " + key + ". Replace it with one that is valid.",
		Invalid:     who + " refuses the request. Check that the model's name is right and that the model can answer in JSON.",
		TooLarge:    "The request is more than the model can read. Shorten it, or give less material.",
		RateLimited: who + " takes no more requests for now. Try again later.",
		Payment:     who + " asks for payment: the account of " + key + " has no credit left. Top it up.",
		Refused:     "The model will not write this. Ask for something else, or in other words.",
		Truncated:   "The model's answer was longer than it may be. Ask for fewer platforms, languages or versions at once.",
		BadAnswer:   "The model's answer cannot be used. Try again.",
		Transient:   who + " cannot be reached or cannot answer at the moment. Try again in a while.",
		Timeout:     who + " took too long to answer. Try again, or ask for less at once.",
	}[class]}
}

// badAnswer is an answer that cannot be used; what says why, for logs.
func (c Config) badAnswer(what string) *Error {
	e := c.fail(BadAnswer)
	e.taken = true
	e.Err = fmt.Errorf("the answer is %s", what) //nolint:err113 // for logs only
	return e
}

// ended is an answer that the provider has ended for another reason than that it is complete.
func (c Config) ended(class Class, reason string) *Error {
	e := c.fail(class)
	e.Status, e.Code, e.taken = 200, code(reason), true
	return e
}
