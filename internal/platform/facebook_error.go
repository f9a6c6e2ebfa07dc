package platform

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Codes of the Graph API: https://developers.facebook.com/docs/graph-api/guides/error-handling
const (
	facebookUnknownError = 1
	facebookDown         = 2
	facebookAppLimit     = 4
	facebookNotAllowed   = 10
	facebookParameter    = 100
	facebookSession      = 102
	facebookToken        = 190
	facebookPermission   = 200 // to 299
	facebookBlocked      = 368
	facebookDuplicate    = 506
	facebookVideoProblem = 6000
)

// facebookLimits are the codes of limits of one account: of its user, its page, and of calls of a kind. 4 is the application's.
var facebookLimits = []int{17, 32, 613, 80001}

// Subcodes of 6000: https://developers.facebook.com/docs/video-api/reference/error-codes
const (
	facebookVideoAgain   = 1363019
	facebookVideoTimeout = 1363030
	facebookVideoPart    = 1363033
	facebookVideoOffset  = 1363037
)

// facebookProblem is the error in a refusal.
type facebookProblem struct {
	Code      int             `json:"code"`
	Subcode   int             `json:"error_subcode"`
	Transient bool            `json:"is_transient"`
	Message   string          `json:"message"`
	ForPeople string          `json:"error_user_msg"`
	Data      json.RawMessage `json:"error_data"`
}

// facebookProblemOf reads a refusal; false where it is none of the Graph API.
func facebookProblemOf(a answer) (facebookProblem, bool) {
	var body struct {
		Error *facebookProblem `json:"error"`
	}
	if a.ok() || !a.decode(&body) || body.Error == nil {
		return facebookProblem{}, false
	}
	return *body.Error, true
}

// facebookVideoCode is the Code of an error with a subcode of 6000.
func facebookVideoCode(subcode int) string {
	return strconv.Itoa(facebookVideoProblem) + "." + strconv.Itoa(subcode)
}

// address is that of something in the Graph API. The token is never in it.
func (p *facebookPost) address(path string, query url.Values) string {
	return p.graphURL + path + p.proof(query)
}

// proof is the query with the proof that the application sends the request, where it is known.
func (p *facebookPost) proof(query url.Values) string {
	values := url.Values{}
	maps.Copy(values, query)
	if p.proves != nil {
		values.Set("appsecret_proof", p.proves(p.credential.AccessToken))
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

// request is rest.do with the page's token, the Graph API's errors, and a look at what it says of its limits.
func (p *facebookPost) request(ctx context.Context, effect effect, c call, out any) (answer, error) {
	c.authorization = bearer(p.credential.AccessToken)
	a, err := p.do(ctx, effect, c, out)
	if a.status != 0 {
		facebookUsage(a.header, time.Now(), p.attempt.Observe)
	}
	if err != nil && a.status != 0 && !a.ok() {
		if refused := p.refusal(effect, a); refused != nil {
			return a, refused
		}
	}
	return a, err
}

// refusal judges an answer other than 2xx by the Graph API's code for it; nil where it has none.
func (p *facebookPost) refusal(effect effect, a answer) *Error {
	problem, ok := facebookProblemOf(a)
	if !ok {
		return nil
	}
	code := strconv.Itoa(problem.Code)
	// Of these it is not said whether the request had its effect all the same.
	trouble := problem.Code == facebookUnknownError || problem.Code == facebookDown || problem.Transient || a.status >= 500 || a.status == http.StatusRequestTimeout ||
		(problem.Code == facebookVideoProblem && (problem.Subcode == 0 || problem.Subcode == facebookVideoAgain))
	switch c := problem.Code; {
	case c == facebookAppLimit || slices.Contains(facebookLimits, c) || a.status == http.StatusTooManyRequests:
		var retry time.Time
		if c != facebookAppLimit { // which the page's own header says nothing of
			retry = facebookRegain(a.header, time.Now())
		}
		if retry.IsZero() {
			retry = resetAt(a.header, time.Now())
		}
		return &Error{Class: RateLimited, Status: a.status, Code: code, RetryAt: retry, App: c == facebookAppLimit, Message: "Facebook takes no more requests for now."}
	case trouble && effect == publishes:
		unknown := p.unknown(a.status)
		unknown.Code = code
		return unknown
	case c == facebookVideoProblem && slices.Contains([]int{0, facebookVideoAgain, facebookVideoTimeout, facebookVideoPart}, problem.Subcode):
		return &Error{Class: Transient, Status: a.status, Code: facebookVideoCode(problem.Subcode), Message: "Facebook had a problem with the upload of the video. Nothing was published."}
	case trouble:
		return &Error{Class: Transient, Status: a.status, Code: code, RetryAt: retryAt(a.header, time.Now()), Message: "Facebook has a problem at the moment. Nothing was published."}
	case c == facebookToken || c == facebookSession:
		return p.credentialRefused(a.status, code)
	case c == facebookNotAllowed || (c >= facebookPermission && c <= facebookPermission+99):
		return &Error{Class: Credential, Status: a.status, Code: code,
			Message: "Facebook does not allow this with the permissions that the account has. Connect the account again and allow everything that is asked for, then publish again."}
	case c == facebookBlocked:
		return &Error{Class: Invalid, Status: a.status, Code: code,
			Message: "Facebook has blocked this for now, as it does with what looks like spam. Look at the page's notices on Facebook, and publish later or something else."}
	case c == facebookDuplicate:
		return &Error{Class: Invalid, Status: a.status, Code: code, Message: "The page has this post already, so Facebook refuses it. Change the text, then publish again."}
	default:
		why := foreignText(cmp.Or(problem.ForPeople, problem.Message))
		if strings.Contains(why, p.credential.AccessToken) {
			why = "" // some errors quote what was sent
		}
		if why != "" && !strings.HasSuffix(why, ".") {
			why += "."
		}
		return p.invalid(a.status, code, why)
	}
}

// facebookWindow is how long a limit is taken to hold where Facebook does not say. It counts the calls of the last hour.
const facebookWindow = 10 * time.Minute

// facebookUsage reads how much of its limits is used, in hundredths: of the application's, and of the page's.
// https://developers.facebook.com/docs/graph-api/overview/rate-limiting
func facebookUsage(header http.Header, now time.Time, observe func(Quota)) {
	type usage struct {
		Calls int `json:"call_count"`
		Time  int `json:"total_time"`
		CPU   int `json:"total_cputime"`
	}
	left := func(u usage) int { return max(0, 100-max(u.Calls, u.Time, u.CPU)) }
	var app *usage
	if json.Unmarshal([]byte(header.Get("X-App-Usage")), &app) == nil && app != nil {
		observe(Quota{App: true, Limit: 100, Remaining: left(*app), Resets: now.Add(facebookWindow)})
	}
	var cases map[string][]usage
	if json.Unmarshal([]byte(header.Get("X-Business-Use-Case-Usage")), &cases) != nil {
		return
	}
	remaining, found := 100, false
	for _, all := range cases {
		for _, one := range all {
			remaining, found = min(remaining, left(one)), true
		}
	}
	if !found {
		return
	}
	resets := facebookRegain(header, now)
	if resets.IsZero() {
		resets = now.Add(facebookWindow)
	} else {
		remaining = 0 // it is already refusing
	}
	observe(Quota{Limit: 100, Remaining: remaining, Resets: resets})
}
