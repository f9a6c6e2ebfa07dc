package api

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
)

// Problem is an error as RFC 9457 (problem+json) wants it: what happened, where, and what to do. It never
// holds a rejected value, another tenant's data, SQL or a secret.
type Problem struct {
	Type      string          `json:"type" doc:"Names the kind of problem; stable, for programs." example:"urn:fanfare:problem:not-found"`
	Title     string          `json:"title" doc:"The kind of problem in words; the same for each of its kind." example:"Not Found"`
	Status    int             `json:"status" doc:"The HTTP status." example:"404"`
	Detail    string          `json:"detail" doc:"What happened here and what to do." example:"There is no such post."`
	Errors    []ProblemDetail `json:"errors,omitempty" nullable:"false" doc:"Each place in the request that is wrong."`
	RequestID string          `json:"request_id,omitempty" doc:"Give this to support; it is in the logs and in X-Request-ID."`

	retryAfter time.Duration
	limit      *tenant.Limit // that is used up
	err        error
}

// ProblemDetail is one place in a request that is wrong.
type ProblemDetail struct {
	Message  string `json:"message" doc:"What is wrong with it." example:"expected length <= 255"`
	Location string `json:"location,omitempty" doc:"Where it stands." example:"body.title"`

	// The following are there where a post breaks a rule of its platform: see platform.Violation.
	Platform       string     `json:"platform,omitempty" doc:"The platform whose rule it is."`
	PlatformPostID *uuid.UUID `json:"platform_post_id,omitempty" format:"uuid" doc:"The platform post that breaks it."`
	Rule           string     `json:"rule,omitempty" doc:"The rule." example:"too_long"`
	Limit          int64      `json:"limit,omitempty" doc:"What the rule allows, in its unit."`
	Actual         int64      `json:"actual,omitempty" doc:"What the post has, in the same unit."`
}

// Error is the text for logs.
func (p *Problem) Error() string {
	if p.err != nil {
		return p.Detail + ": " + p.err.Error()
	}
	return p.Detail
}

// Unwrap gives the cause, which is never shown.
func (p *Problem) Unwrap() error { return p.err }

// GetStatus tells Huma the status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders tells Huma the headers.
func (p *Problem) GetHeaders() http.Header {
	headers := http.Header{}
	if p.retryAfter > 0 {
		headers.Set("Retry-After", strconv.Itoa(wholeSeconds(p.retryAfter)))
	}
	p.limitHeaders(headers)
	if p.Status == http.StatusUnauthorized {
		headers.Set("WWW-Authenticate", `Bearer realm="fanfare"`)
	}
	return headers
}

// ContentType is the media type of a problem.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// kinds are the names of problems by status, where a status has only one.
var kinds = map[int]string{
	http.StatusBadRequest:                   "bad-request",
	http.StatusUnauthorized:                 "unauthenticated",
	http.StatusPaymentRequired:              "llm-budget-used-up",
	http.StatusForbidden:                    "forbidden",
	http.StatusNotFound:                     "not-found",
	http.StatusMethodNotAllowed:             "method-not-allowed",
	http.StatusNotAcceptable:                "not-acceptable",
	http.StatusRequestTimeout:               "request-timeout",
	http.StatusConflict:                     "conflict",
	http.StatusPreconditionFailed:           "stale-version",
	http.StatusPreconditionRequired:         "precondition-required",
	http.StatusRequestEntityTooLarge:        "body-too-large",
	http.StatusUnsupportedMediaType:         "unsupported-media-type",
	http.StatusRequestedRangeNotSatisfiable: "no-such-range",
	http.StatusUnprocessableEntity:          "invalid",
	http.StatusTooManyRequests:              "rate-limited",
	http.StatusInternalServerError:          "internal",
	http.StatusBadGateway:                   "provider-failed",
	http.StatusServiceUnavailable:           "unavailable",
	http.StatusGatewayTimeout:               "provider-timeout",
	http.StatusInsufficientStorage:          "no-room",
}

// problem makes a Problem of the status's own kind.
func problem(status int, detail string, details ...ProblemDetail) *Problem {
	kind, known := kinds[status]
	if !known {
		kind = "status-" + strconv.Itoa(status)
	}
	return &Problem{Type: "urn:fanfare:problem:" + kind, Title: http.StatusText(status), Status: status, Detail: detail, Errors: details}
}

// invalid is a 422 about one place in the request.
func invalid(location, message string) *Problem {
	return problem(http.StatusUnprocessableEntity, "The request is not valid; see errors.", ProblemDetail{Message: message, Location: location})
}

// notFound is the one answer for what is not there and for what is not yours.
func notFound(what string) *Problem {
	return problem(http.StatusNotFound, "There is no such "+what+".")
}

// nothingToChange refuses an update that names no field.
func nothingToChange() *Problem { return invalid("body", "names nothing to change") }

func conflict(detail string) *Problem { return problem(http.StatusConflict, detail) }

// cause attaches what goes to the log and not to the caller.
func (p *Problem) cause(err error) *Problem {
	p.err = err
	return p
}

func init() {
	// A field's name in another case would pass the validator by and still be decoded.
	huma.ValidateStrictCasing = true
	// Huma makes its own errors (validation, body, negotiation) through these.
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		p := fromHuma(status, message, errs...)
		if ctx != nil {
			p.RequestID = requestID(ctx.Context())
			if c, _ := ctx.Context().Value(callerKey{}).(caller); c.meter != nil {
				p = c.meter.refusal(ctx, p)
			}
		}
		return p
	}
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return fromHuma(status, message, errs...)
	}
}

// maxDetails is how many places in a request are named at most.
const maxDetails = 50

// fromHuma turns Huma's findings into a Problem. It drops the rejected values, which Huma would echo, and
// for a 5xx everything.
func fromHuma(status int, message string, errs ...error) *Problem {
	if message == "cannot read request body" {
		// The connection broke, or the framing of the body is wrong. Huma blames itself.
		return problem(http.StatusBadRequest, "The request body could not be read to its end.")
	}
	if status >= http.StatusInternalServerError {
		return internal()
	}
	p := problem(status, sentence(status, message))
	if status != http.StatusUnprocessableEntity {
		for _, err := range errs {
			if err != nil && strings.Contains(err.Error(), errDuplicateName.Error()) {
				p.Detail = "In the request body " + errDuplicateName.Error() + "."
			}
		}
		return p // the sentence says it all
	}
	for _, err := range errs[:min(len(errs), maxDetails)] {
		detailer, ok := err.(huma.ErrorDetailer) // Huma's own list, nothing is wrapped
		if !ok {
			continue // a decoder's own words may quote the request
		}
		detail := detailer.ErrorDetail()
		message, at := finding(detail.Message), place(detail.Location)
		if message == notValid && strings.HasSuffix(at, "_id") && (strings.HasPrefix(at, "path.") || strings.HasPrefix(at, "query.")) {
			message = notUUID
		}
		p.Errors = append(p.Errors, ProblemDetail{Message: message, Location: at})
	}
	return p
}

// findings are the beginnings of the validator's own sentences. Everything else comes from a decoder, which
// may quote what it could not read.
var findings = []string{"expected ", "unexpected property", "unknown query parameter", "required ", "invalid integer", "invalid boolean"}

// finding is what is wrong, in words that do not depend on the rejected value.
func finding(message string) string {
	if strings.Contains(message, "RFC 4122 uuid") {
		return notUUID
	}
	if strings.HasPrefix(message, "invalid date/time") {
		return "must be RFC 3339, such as 2026-01-02T15:04:05Z"
	}
	if strings.HasPrefix(message, "expected value to be one of") && strings.Contains(message, "twitter") {
		return message + "; twitter is X"
	}
	for _, known := range findings {
		if strings.HasPrefix(message, known) {
			return message
		}
	}
	return notValid
}

// notValid is what is said where the validator's own words would quote the request.
const notValid = "is not valid"

// notUUID is what is said of an id that is none, wherever it stands.
const notUUID = "must be a UUID"

var acceptablePlace = regexp.MustCompile(`^[A-Za-z0-9_.\[\]-]{1,100}$`)

// place is where something is wrong. The names of unknown fields and parameters are the caller's own words
// and are repeated only if they look like names.
func place(location string) string {
	if acceptablePlace.MatchString(location) {
		return location
	}
	root, _, _ := strings.Cut(location, ".")
	if acceptablePlace.MatchString(root) {
		return root
	}
	return ""
}

func sentence(status int, message string) string {
	switch status {
	case http.StatusBadRequest:
		if message == "request body is required" {
			return "The request needs a body in JSON."
		}
		return "The request body is not valid JSON."
	case http.StatusUnprocessableEntity:
		return "The request is not valid; see errors."
	case http.StatusRequestEntityTooLarge:
		return "The request body is too large."
	case http.StatusRequestTimeout:
		return "The request body did not arrive in time."
	case http.StatusUnsupportedMediaType:
		return "The request body must be application/json."
	default:
		return message
	}
}

func internal() *Problem {
	return problem(http.StatusInternalServerError, "Something went wrong on our side. Quote the request id if you ask for help.")
}
