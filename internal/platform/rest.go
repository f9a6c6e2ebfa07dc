package platform

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// rest is a platform's API as an adapter speaks to it for publishing.
type rest struct {
	// title is the platform's name for people.
	title string
	// client is for short requests, uploads for those that carry a piece of a file.
	client, uploads *http.Client
	// refusal judges an answer other than 2xx by its status, code and fields. Nil, or a nil answer of it, leaves that to the
	// status alone.
	refusal func(answer) *Error
}

func newRest(title string, refusal func(answer) *Error) rest {
	return rest{title: title, client: newClient(), uploads: newUploadClient(), refusal: refusal}
}

// effect is what a request does, which decides what it means when its answer is lost.
type effect int

const (
	// prepares: it reads, or makes what no reader sees. It may be made again.
	prepares effect = iota
	// publishes: it makes something visible.
	publishes
)

// do sends a request once and decodes its answer, a JSON object, into out; nil where nothing of it is needed. Its errors
// are *Error, and the answer is there wherever the platform has given one, for its headers.
func (r *rest) do(ctx context.Context, effect effect, c call, out any) (answer, error) {
	client := r.client
	if c.upload != nil {
		client = r.uploads
	}
	a, err := send(ctx, client, c)
	if err != nil {
		return answer{}, r.noAnswer(effect, unanswered(err))
	}
	if !a.ok() {
		refused := r.refused(effect, a)
		refused.Aside = refused.Class == RateLimited && effect == prepares
		return a, refused
	}
	if out != nil && !a.decode(out) {
		return a, r.badAnswer(effect, a.status)
	}
	return a, nil
}

// noAnswer judges a request that was not answered, or not to the end.
func (r *rest) noAnswer(effect effect, e *unansweredError) *Error {
	if effect == publishes && e.sent {
		unknown := r.unknown(e.status)
		unknown.Err = e
		return unknown
	}
	return &Error{Class: Transient, Err: e, Message: r.title + " cannot be reached at the moment. Nothing was published."}
}

// badAnswer judges an answer that is not as the platform's documentation has it.
func (r *rest) badAnswer(effect effect, status int) *Error {
	if effect == publishes {
		return r.unknown(status)
	}
	return &Error{Class: Transient, Status: status, Code: CodeBadAnswer, Message: r.title + " gave an answer that cannot be understood. Nothing was published."}
}

// unknown is for a request that publishes and whose effect cannot be told from its answer.
func (r *rest) unknown(status int) *Error {
	return &Error{Class: UnknownOutcome, Status: status, Message: r.title + " gave no clear answer when the post was published. It may be there or not."}
}

// refused judges an answer other than 2xx.
func (r *rest) refused(effect effect, a answer) *Error {
	if r.refusal != nil {
		if e := r.refusal(a); e != nil {
			return e
		}
	}
	var object map[string]json.RawMessage
	switch {
	case a.status == http.StatusTooManyRequests:
		return &Error{Class: RateLimited, Status: a.status, RetryAt: resetAt(a.header, time.Now()), Message: r.title + " takes no more requests for now."}
	case a.status == http.StatusRequestTimeout || a.status >= 500:
		if effect == publishes {
			return r.unknown(a.status) // it may have been carried out all the same
		}
		return &Error{Class: Transient, Status: a.status, RetryAt: retryAt(a.header, time.Now()), Message: r.title + " has a problem at the moment. Nothing was published."}
	case a.status < 400 || !a.decode(&object):
		// Something else answers in the platform's place, a proxy for example: this says nothing about the post.
		return r.badAnswer(effect, a.status)
	case a.status == http.StatusUnauthorized:
		return r.credentialRefused(a.status, "")
	case a.status == http.StatusPaymentRequired:
		return r.unpaid(a.status, "")
	default:
		return r.invalid(a.status, "", "")
	}
}

// credentialRefused is for access that the platform does not take.
func (r *rest) credentialRefused(status int, code string) *Error {
	return &Error{Class: Credential, Status: status, Code: code, Message: r.title + " does not accept the account's permission any more. Connect the account again, then publish again."}
}

// unpaid is for what the account's or the application's plan does not cover.
func (r *rest) unpaid(status int, code string) *Error {
	return &Error{Class: PaymentRequired, Status: status, Code: code, Message: r.title + " does not publish it before it is paid for there. Nothing was published."}
}

// invalid is for a post that the platform refuses as it is. why is the platform's own reason, or "".
func (r *rest) invalid(status int, code, why string) *Error {
	message := r.title + " refuses the post as it is. Change it, then publish again."
	if why = foreignText(why); why != "" {
		message = r.title + " refuses the post as it is: " + why
	}
	return &Error{Class: Invalid, Status: status, Code: known(code), Message: message}
}

// unreadable is for a stored credential that is not one of this platform.
func (r *rest) unreadable() *Error {
	return &Error{Class: Credential, Message: "What was stored for this account cannot be read. Connect the account again."}
}
