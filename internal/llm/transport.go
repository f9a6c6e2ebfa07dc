package llm

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"fanfare/internal/httpclient"
)

// Limits of an answer.
const (
	maxAnswer   = 4 << 20  // bytes, of a stream with all its frames
	maxRefusal  = 64 << 10 // bytes that are read of a refusal
	dialTimeout = 10 * time.Second
	// maxRetryAfter bounds what a provider asks to wait.
	maxRetryAfter = 24 * time.Hour
)

// plain reaches hosts that the configuration names.
var plain = httpclient.NewTransport(dialTimeout)

// transport carries one call below a provider's library, which would otherwise read answers without a limit, put them into errors,
// and lose headers. It judges every refusal itself.
type transport struct {
	next   http.RoundTripper
	config Config

	mu      sync.Mutex
	sent    bool   // the request has left, whole
	refused *Error // what the answer was, if it was a refusal
	broken  error  // what ended the reading of the answer
}

func newTransport(config Config) *transport {
	t := &transport{next: plain, config: config}
	if config.Client != nil {
		t.next = http.DefaultTransport
		if config.Client.Transport != nil {
			t.next = config.Client.Transport
		}
	}
	return t
}

// errRefused stands for what is in transport.refused.
var errRefused = errors.New("the provider refused the request")

// RoundTrip sends the request once.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.mark(false)
	req = req.Clone(httptrace.WithClientTrace(req.Context(), &httptrace.ClientTrace{
		WroteRequest: func(info httptrace.WroteRequestInfo) { t.mark(info.Err == nil) },
	}))
	req.GetBody = nil // without it net/http cannot send a body a second time
	// The libraries say much about the machine that they run on.
	for name := range req.Header {
		if strings.HasPrefix(name, "X-Stainless-") {
			req.Header.Del(name)
		}
	}
	req.Header.Del("X-Goog-Api-Client")
	req.Header.Set("User-Agent", "Fanfare")
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		t.note(err)
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
		_ = resp.Body.Close()
		if err != nil {
			body = nil
		}
		t.mu.Lock()
		t.refused = t.config.refusal(resp.StatusCode, resp.Header, body, time.Now())
		t.mu.Unlock()
		return nil, errRefused
	}
	resp.Body = &answerBody{Reader: http.MaxBytesReader(nil, resp.Body, maxAnswer), Closer: resp.Body, t: t}
	return resp, nil
}

func (t *transport) mark(sent bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sent = sent
}

func (t *transport) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.broken == nil {
		t.broken = err
	}
}

// answerBody notes what ends its reading: libraries put other words for it, or none.
type answerBody struct {
	io.Reader
	io.Closer
	t *transport
}

// Read passes on.
func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.t.note(err)
	}
	return n, err
}

// explain makes an *Error of what a library says, and of what was seen below it. begun: something of the answer had come.
//
// A provider that has begun is paid for what it wrote, though we end it. So is one that is still silent when the caller goes away, as
// that may be on purpose: it reads and thinks first. One that is silent until our time is over has failed.
func (t *transport) explain(ctx context.Context, err error, begun bool) *Error {
	t.mu.Lock()
	defer t.mu.Unlock()
	var own *Error
	var tooLarge *http.MaxBytesError
	switch {
	case t.refused != nil:
		return t.refused
	case errors.As(err, &own):
		return own
	case errors.As(t.broken, &tooLarge):
		e := t.config.badAnswer("larger than is read")
		e.taken = begun
		return e
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		e := t.config.fail(Timeout)
		e.Err, e.taken = ctx.Err(), begun
		return e
	case ctx.Err() != nil:
		e := t.config.fail(Transient)
		e.Err, e.taken = ctx.Err(), begun || t.sent
		return e
	case t.broken != nil:
		e := t.config.fail(Transient)
		e.Err = t.broken // net/http's own words, with addresses at most
		return e
	default:
		e := t.config.badAnswer("no stream as it is documented") // the library's words may quote it
		e.taken = begun
		return e
	}
}

// refusal judges an answer whose status is not 200.
func (c Config) refusal(status int, header http.Header, body []byte, now time.Time) *Error {
	said := readRefusal(body)
	class := Invalid
	switch {
	case said.is(paymentCodes):
		class = Payment
	case said.is(credentialCodes), status == http.StatusUnauthorized, status == http.StatusForbidden:
		class = Credential
	case status == http.StatusPaymentRequired:
		class = Payment
	case status == http.StatusRequestEntityTooLarge, said.is(tooLargeCodes):
		class = TooLarge
	case said.is(refusedCodes):
		class = Refused
	case status == http.StatusTooManyRequests:
		class = RateLimited
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout:
		class = Timeout
	case status >= http.StatusInternalServerError:
		class = Transient
	}
	e := c.fail(class)
	e.Status, e.Code = status, code(said.code())
	if class == RateLimited || class == Transient {
		e.RetryAt = retryAt(header, said.delay, now)
	}
	return e
}

// The codes that say more than the status. OpenAI: https://developers.openai.com/api/docs/guides/error-codes; Anthropic:
// https://platform.claude.com/docs/en/api/errors; Gemini: https://ai.google.dev/gemini-api/docs/troubleshooting, whose wrong key is a
// 400 with the reason API_KEY_INVALID, and whose FAILED_PRECONDITION asks for billing.
var (
	paymentCodes    = []string{"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "billing_error", "FAILED_PRECONDITION"}
	credentialCodes = []string{"invalid_api_key", "authentication_error", "permission_error", "API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "UNAUTHENTICATED"}
	tooLargeCodes   = []string{"context_length_exceeded", "string_above_max_length", "request_too_large"}
	refusedCodes    = []string{"content_policy_violation", "content_filter", "invalid_prompt"}
)

// refusal is what is read of a refusal's body.
type refusal struct {
	// codes are what it calls the error, the most exact first.
	codes []string
	// delay is how long it asks to wait.
	delay time.Duration
}

func (r refusal) code() string {
	if len(r.codes) == 0 {
		return ""
	}
	return r.codes[0]
}

func (r refusal) is(codes []string) bool {
	return slices.ContainsFunc(r.codes, func(code string) bool { return slices.Contains(codes, code) })
}

// readRefusal reads the bodies of all providers, which differ in their fields and not in where these stand.
func readRefusal(body []byte) refusal {
	var said struct {
		Error struct {
			Type    string          `json:"type"`   // Anthropic, OpenAI
			Code    json.RawMessage `json:"code"`   // OpenAI: a text; Gemini: the status
			Status  string          `json:"status"` // Gemini
			Details []struct {
				Reason     string `json:"reason"`
				RetryDelay string `json:"retryDelay"`
			} `json:"details"`
		} `json:"error"`
	}
	body = bytes.TrimSpace(body)
	if bytes.HasPrefix(body, []byte("[")) && bytes.HasSuffix(body, []byte("]")) { // Gemini's, where a stream without SSE was asked for
		body = body[1 : len(body)-1]
	}
	if json.Unmarshal(body, &said) != nil {
		return refusal{}
	}
	r := refusal{}
	var text string
	if json.Unmarshal(said.Error.Code, &text) == nil && text != "" {
		r.codes = append(r.codes, text)
	}
	for _, detail := range said.Error.Details {
		if detail.Reason != "" {
			r.codes = append(r.codes, detail.Reason)
		}
		if delay, err := time.ParseDuration(detail.RetryDelay); err == nil && delay > 0 {
			r.delay = delay
		}
	}
	for _, text := range []string{said.Error.Status, said.Error.Type} {
		if text != "" {
			r.codes = append(r.codes, text)
		}
	}
	return r
}

var acceptableCode = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// code is a code as it may be kept: a word, and nothing that a server could hide a text in.
func code(text string) string {
	if !acceptableCode.MatchString(text) {
		return ""
	}
	return text
}

// retryAt reads when the next request is taken: Retry-After in seconds or as a date (RFC 9110), OpenAI's retry-after-ms, or what the
// body says; zero if nothing does.
func retryAt(header http.Header, delay time.Duration, now time.Time) time.Time {
	at := time.Time{}
	if delay > 0 {
		at = now.Add(delay)
	}
	given := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(given, 64); err == nil && seconds >= 0 {
		at = now.Add(time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second)))
	} else if date, err := http.ParseTime(given); err == nil {
		at = date
	}
	if ms, err := strconv.ParseFloat(header.Get("Retry-After-Ms"), 64); err == nil && ms >= 0 {
		at = now.Add(time.Duration(min(ms, maxRetryAfter.Seconds()*1000) * float64(time.Millisecond)))
	}
	switch {
	case at.IsZero():
		return at
	case at.Before(now):
		return now
	case at.After(now.Add(maxRetryAfter)):
		return now.Add(maxRetryAfter)
	}
	return at
}
