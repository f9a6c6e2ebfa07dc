package mcpclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"time"

	"fanfare/internal/platform"
)

// judge makes an *platform.Error of an operation that failed, from what came of its requests. who is whom they went to, as
// the beginning of a sentence.
func (r *round) judge(who string) *platform.Error {
	last, _, overrun := r.result()
	var refused *platform.Error
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case overrun != nil:
		return &platform.Error{Class: platform.Invalid, Code: CodeTooLarge, Err: overrun,
			Message: who + " says more than is listened to."}
	case errors.As(last.err, &refused):
		return refused
	case errors.Is(r.ctx.Err(), context.DeadlineExceeded):
		return &platform.Error{Class: platform.Transient, Code: CodeUnreachable, Err: context.DeadlineExceeded,
			Message: who + " did not answer within 10 seconds."}
	case errors.As(last.err, &certificate), errors.As(last.err, &record):
		return &platform.Error{Class: platform.Invalid, Code: CodeTLS, Err: last.err,
			Message: who + " has no certificate that is good for its address."}
	case last.err != nil:
		return &platform.Error{Class: platform.Transient, Code: CodeUnreachable, Err: last.err,
			Message: who + " cannot be reached at the moment."}
	}
	return judgeStatus(who, last)
}

// judgeStatus judges an answer by its status alone. One of 2xx is an answer that is not as the protocol has it.
func judgeStatus(who string, a outcome) *platform.Error {
	e := &platform.Error{Class: platform.Invalid, Status: a.status}
	switch {
	case a.status == http.StatusTooManyRequests:
		e.Class, e.RetryAt, e.Message = platform.RateLimited, platform.RetryAt(a.header, time.Now()), who+" asks to wait."
	case a.status >= 500 || a.status == http.StatusRequestTimeout:
		e.Class, e.RetryAt, e.Message = platform.Transient, platform.RetryAt(a.header, time.Now()), who+" has a problem at the moment."
	case a.status >= 300 && a.status <= 399:
		e.Code, e.Message = CodeRedirect, who+" leads to another address, which is not followed. Give the address to which it leads."
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		e.Class, e.Code, e.Message = platform.Credential, CodeForbidden, who+" does not allow this access."
	case a.status == http.StatusPaymentRequired:
		e.Class, e.Message = platform.PaymentRequired, who+" does not answer before it is paid for there."
	case a.status == http.StatusNotFound || a.status == http.StatusGone || a.status == http.StatusMethodNotAllowed:
		e.Code, e.Message = CodeNotFound, who+" has no MCP server at this address."
	default:
		e.Code, e.Message = platform.CodeBadAnswer, who+" gave an answer that cannot be understood."
	}
	return e
}

// badMetadata is for what a server says of how to sign in. cause may be shown: the requests for it carry no secret.
func badMetadata(message string, cause error) *platform.Error {
	e := &platform.Error{Class: platform.Invalid, Code: CodeMetadata, Message: message, Err: cause}
	if cause != nil {
		e.Message += ": " + platform.ForeignText(cause.Error(), maxDescription)
	}
	return e
}
