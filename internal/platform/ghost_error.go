package platform

import (
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"time"
)

// Codes of failures that did not come from Ghost itself.
const (
	// CodeNotGhost is the Code when the address answers, but not as Ghost does.
	CodeNotGhost = "not_ghost"
	// CodeSiteMoved is the Code when the site sends requests elsewhere.
	CodeSiteMoved = "site_moved"
	// CodeCertificate is the Code when the site's TLS certificate is not valid.
	CodeCertificate = "certificate"

	codeHostNotFound = "host_not_found"
)

// maxRetryAfter bounds what a site can ask for. The header comes from a host that a customer named; a
// post must not sleep for years because of it.
const maxRetryAfter = 24 * time.Hour

// ghostErrors is the body of every refusal by Ghost.
type ghostErrors struct {
	Errors []struct {
		Type     string `json:"type"`
		Code     string `json:"code"`
		Property string `json:"property"`
	} `json:"errors"`
}

var ghostCodePattern = regexp.MustCompile(`^[A-Za-z0-9_.]{1,64}$`)

// noAnswer judges a request that failed on the way. sent says that it was the publishing request and
// that it may have reached Ghost.
func noAnswer(err error, sent bool) *Error {
	var refused *Error
	if errors.As(err, &refused) {
		return &Error{Class: refused.Class, Code: refused.Code, Message: refused.Message, Err: err}
	}
	if sent {
		return unknownAnswer(0, err)
	}
	var certificate *tls.CertificateVerificationError
	if errors.As(err, &certificate) {
		return &Error{Class: Invalid, Code: CodeCertificate, Err: err,
			Message: "The Ghost site's certificate is not valid, so the connection is not safe. Renew or correct it and try again."}
	}
	var dns *net.DNSError
	if errors.As(err, &dns) && dns.IsNotFound {
		return &Error{Class: Transient, Code: codeHostNotFound, Err: err,
			Message: "There is no site under this address. Check that it is spelt correctly."}
	}
	return &Error{Class: Transient, Err: err,
		Message: "The Ghost site cannot be reached at the moment. Nothing was published."}
}

// unknownAnswer is for a publishing request whose effect cannot be told from its answer.
func unknownAnswer(status int, cause error) *Error {
	return &Error{Class: UnknownOutcome, Status: status, Err: cause,
		Message: "The Ghost site gave no clear answer when the post was published. It may be there or not."}
}

func notGhost(status int, cause error) *Error {
	return &Error{Class: Invalid, Status: status, Code: CodeNotGhost, Err: cause,
		Message: "The address answers, but not as a Ghost site does. Check the site address, and that no " +
			"firewall or password page stands in front of the site."}
}

// draftGone turns "there is no such post" for a kept draft into the question whether it was seen.
func draftGone(err error) error {
	e := AsError(err)
	if e.Status != http.StatusNotFound || e.Code == CodeNotGhost {
		return err
	}
	return &Error{Class: UnknownOutcome, Status: e.Status, Code: e.Code, Err: e.Err,
		Message: "The post has gone from Ghost: somebody deleted it there. Publish it again if it is still wanted."}
}

// gone tells whether what was kept is not at the platform any more.
func gone(err error) bool {
	e := AsError(err)
	return e.Class == UnknownOutcome && e.Status == http.StatusNotFound
}

// newsletterRefused says of a post that is sent as a newsletter too what Ghost refuses with a 400 besides malformed requests.
func newsletterRefused(post Post, err error) error {
	e := AsError(err)
	if post.Options.Newsletter == "" || e.Status != http.StatusBadRequest || e.Class != Invalid || e.Code == CodeNotGhost {
		return err
	}
	return &Error{Class: Invalid, Status: e.Status, Code: e.Code, Err: e.Err,
		Message: "Ghost refuses the newsletter or which members get it. Look in Ghost under Settings, Newsletters, whether there is an " +
			"active one of this name, and publish again. Nothing was published."}
}

// refusal judges an answer other than 2xx, from its status and Ghost's type and code. Words of the
// answer are not passed on: the host is the customer's, and what it says could be anything.
func refusal(resp *http.Response, body []byte, publishing bool, now time.Time) *Error {
	var answer ghostErrors
	fromGhost := json.Unmarshal(body, &answer) == nil && len(answer.Errors) > 0
	e := &Error{Status: resp.StatusCode}
	var kind, property string
	if fromGhost {
		first := answer.Errors[0]
		kind, property = known(first.Type), first.Property
		if e.Code = known(first.Code); e.Code == "" {
			e.Code = kind
		}
	}
	status := resp.StatusCode
	switch {
	case status == http.StatusTooManyRequests:
		e.Class, e.RetryAt = RateLimited, retryAt(resp.Header, now)
		e.Message = "The Ghost site asks to wait. The post is tried again later."
	case status == http.StatusPaymentRequired || kind == "HostLimitError":
		e.Class = PaymentRequired
		e.Message = "The plan of this Ghost site does not cover this. Its owner can change the plan at the Ghost host."
	case status == http.StatusNotImplemented && fromGhost:
		e.Class = Invalid
		e.Message = "This Ghost site does not offer what is needed to publish. Update Ghost to version 5 or later."
	case status >= 500 || status == http.StatusRequestTimeout:
		if publishing {
			// An error after the post was stored, or a proxy that lost patience, looks the same.
			e.Class, e.Message = UnknownOutcome, unknownAnswer(status, nil).Message
			break
		}
		e.Class, e.RetryAt = Transient, retryAt(resp.Header, now)
		e.Message = "The Ghost site has a problem at the moment. Nothing was published."
	case status >= 300 && status < 400:
		e.Class, e.Code = Invalid, CodeSiteMoved
		e.Message = "The site sends requests to another address" + movedTo(resp) + ". Enter that as the site address."
	case !fromGhost && publishing:
		// Something else answers in Ghost's place: this says nothing about the post.
		e.Class, e.Code, e.Message = UnknownOutcome, CodeNotGhost, unknownAnswer(status, nil).Message
	case !fromGhost:
		return notGhost(status, nil)
	case status == http.StatusUnauthorized || status == http.StatusForbidden ||
		e.Code == "MISSING_ADMIN_API_KID" || e.Code == "INVALID_JWT":
		e.Class = Credential
		e.Message = "Ghost refuses the key. Copy the Admin API key from Ghost under Settings, Integrations, and connect " +
			"the site again. If the key is right, the clock of the Ghost server may be wrong."
	case status == http.StatusConflict:
		e.Class = Transient
		e.Message = "Somebody edited the draft in Ghost at the same moment. Nothing was published; it is tried again."
	case status == http.StatusNotFound:
		e.Class = Invalid
		e.Message = "Ghost does not know what was asked for. Check the site address and that Ghost is version 5 or later."
	case status == http.StatusRequestEntityTooLarge:
		e.Class = Invalid
		e.Message = "The post or one of its files is larger than the Ghost site accepts. Make it smaller."
	case status == http.StatusUnsupportedMediaType:
		e.Class = Invalid
		e.Message = "The Ghost site does not accept files of this type. Use another one."
	default:
		e.Class = Invalid
		e.Message = "Ghost refuses the post" + about(property) + ". Change it and publish again."
	}
	return e
}

// known passes a type or code on only if it looks like one.
func known(code string) string {
	if ghostCodePattern.MatchString(code) {
		return code
	}
	return ""
}

// about names the field that Ghost complains of, if it is one of ours.
func about(property string) string {
	switch property {
	case "title", "slug", "html", "status", "custom_excerpt", "feature_image_alt", "tags":
		return " because of its " + property
	}
	return ""
}

// movedTo names the host of a redirect, so that the person sees what to enter.
func movedTo(resp *http.Response) string {
	target, err := resp.Location()
	if err != nil {
		return ""
	}
	site, err := parseSiteURL((&url.URL{Scheme: target.Scheme, Host: target.Host}).String())
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (%s)", site)
}

// RetryAt is retryAt for other packages: never before now, nor later than maxRetryAfter from it.
func RetryAt(header http.Header, now time.Time) time.Time { return retryAt(header, now) }

// retryAt reads Retry-After, as seconds or as a date (RFC 9110, section 10.2.3); zero if there is none.
func retryAt(header http.Header, now time.Time) time.Time {
	value := header.Get("Retry-After")
	var at time.Time
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		at = now.Add(time.Duration(seconds) * time.Second)
	} else if date, err := http.ParseTime(value); err == nil {
		at = date
	} else {
		return time.Time{}
	}
	return boundedRetry(at, now)
}
