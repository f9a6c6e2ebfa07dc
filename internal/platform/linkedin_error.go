package platform

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// linkedInDuplicateCode is LinkedIn's code for a post that says the same as another one of its author.
const linkedInDuplicateCode = "DUPLICATE_POST"

// linkedInRefusal is an error of LinkedIn: https://learn.microsoft.com/linkedin/shared/api-guide/concepts/error-handling.
type linkedInRefusal struct {
	ServiceErrorCode int    `json:"serviceErrorCode"`
	Code             string `json:"code"`
	Message          string `json:"message"`
	ErrorDetails     struct {
		InputErrors []struct {
			Description string `json:"description"`
			Code        string `json:"code"`
		} `json:"inputErrors"`
	} `json:"errorDetails"`
}

// judge knows LinkedIn's errors by status and code. Every 403 that is documented for posts, files and comments is for a missing
// permission or role, which only connecting again, or another person, mends.
func (l *LinkedInPublisher) judge(a answer) *Error {
	var refusal linkedInRefusal
	if !a.decode(&refusal) {
		return nil
	}
	code, why := cmp.Or(refusal.Code, strconv.Itoa(refusal.ServiceErrorCode)), refusal.Message
	if code == "0" {
		code = ""
	}
	if errors := refusal.ErrorDetails.InputErrors; len(errors) > 0 {
		code, why = cmp.Or(errors[0].Code, code), cmp.Or(errors[0].Description, why)
	}
	code = known(code)
	switch a.status {
	case http.StatusUnauthorized:
		// 65600 an invalid token, 65601 a revoked one, 65602 an expired one, 65604 none.
		return l.credentialRefused(a.status, cmp.Or(code, strconv.Itoa(refusal.ServiceErrorCode)))
	case http.StatusForbidden:
		return &Error{Class: Credential, Status: a.status, Code: code, Message: "LinkedIn does not let this account publish here: a permission or a role is missing. " +
			"Connect it again as somebody who may publish for it, then publish again."}
	case http.StatusUpgradeRequired:
		return &Error{Class: Transient, Status: a.status, Code: code, RetryAt: l.now().Add(30 * time.Minute),
			Message: "LinkedIn has ended the version of its API that this installation uses. Whoever runs it must set a newer LinkedIn version. Nothing was published."}
	case http.StatusTooManyRequests:
		return &Error{Class: RateLimited, Status: a.status, Code: code, RetryAt: linkedInQuotaEnd(a.header, l.now()),
			Message: "LinkedIn takes no more requests for now. Its limits are those of a day, which ends at 00:00 UTC."}
	case http.StatusConflict:
		return &Error{Class: Transient, Status: a.status, Code: code, Message: "LinkedIn was busy with the same account. Nothing was published; it is tried again."}
	case http.StatusRequestTimeout:
		return nil
	}
	if a.status < 400 || a.status >= 500 {
		return nil
	}
	if strings.HasPrefix(why, "com.linkedin.") {
		_, why, _ = strings.Cut(why, ": ")
	}
	return l.invalid(a.status, code, why)
}

// linkedInQuotaEnd is when a limit ends: quotas are those of a day of UTC, and LinkedIn sends no headers of them.
func linkedInQuotaEnd(header http.Header, now time.Time) time.Time {
	if at := resetAt(header, now); !at.IsZero() {
		return at
	}
	return now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}

// commentRefused judges the refusal of a first comment. The same token has just published the post, so it is not in doubt; and
// what is new is not known everywhere at once.
func (s *linkedInSession) commentRefused(problem *Error) *Error {
	e := *problem
	switch {
	case e.Status == http.StatusNotFound:
		e.Class, e.Message = Transient, "The post is on LinkedIn, which does not find it yet for its first comment. It is tried again."
	case e.Status == http.StatusForbidden:
		e.Class, e.Message = Invalid, "The post is on LinkedIn, which does not let this account comment on it. Add the comment there."
	case e.Class == Invalid:
		e.Message = "The post is on LinkedIn, which refuses its first comment. Add the comment there."
	}
	return &e
}
