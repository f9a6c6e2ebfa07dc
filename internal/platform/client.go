package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

// Limits of a request to a platform's own host.
const (
	clientTimeout     = 10 * time.Second // from dialling to the last byte of the answer
	uploadTimeout     = 2 * time.Minute  // the same, for a request that carries a piece of a file, and what the line needs
	clientDialTimeout = 5 * time.Second
	clientMaxHeader   = 64 << 10 // bytes
	clientMaxBody     = 1 << 20  // bytes
)

// newOnceTransport makes a transport whose connections are not reused, which together with sendOnce means that
// a request is sent once: net/http repeats one by itself only when a reused connection breaks, or on HTTP/2.
func newOnceTransport(dialTimeout time.Duration, maxHeader int64, control func(context.Context, string, string, syscall.RawConn) error) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, ControlContext: control}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext:            dialer.DialContext,
		DisableKeepAlives:      true,
		Protocols:              protocols,
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// sendOnce sends the request, and limits the answer's body to maxBody bytes: reading past it fails with a
// *http.MaxBytesError.
func sendOnce(transport *http.Transport, req *http.Request, maxBody int64) (*http.Response, error) {
	// Belt and braces for "once": without GetBody net/http cannot send a body a second time.
	once := req.Clone(req.Context())
	once.GetBody = nil
	resp, err := transport.RoundTrip(once)
	if err != nil {
		return nil, err
	}
	resp.Body = limitedBody{Reader: http.MaxBytesReader(nil, resp.Body, maxBody), Closer: resp.Body}
	return resp, nil
}

// noRedirects makes an http.Client give a redirect as the answer that it is.
func noRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// newClient makes the client for hosts that the configuration names: the platforms' own. It sends a request once,
// follows no redirect, and gives an answer only when it has all of it; a request without an answer is an *unansweredError.
// Proxies of the environment are used.
func newClient() *http.Client { return newTimedClient(clientTimeout) }

// newUploadClient is newClient for requests that carry a piece of a file.
func newUploadClient() *http.Client { return newTimedClient(uploadTimeout) }

func newTimedClient(timeout time.Duration) *http.Client {
	transport := newOnceTransport(clientDialTimeout, clientMaxHeader, nil)
	transport.Proxy = http.ProxyFromEnvironment
	return &http.Client{CheckRedirect: noRedirects, Transport: &clientTransport{transport: transport, timeout: timeout}}
}

type clientTransport struct {
	transport *http.Transport
	timeout   time.Duration
}

// RoundTrip sends the request once and reads the whole answer.
func (t *clientTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	// The time is measured here and not by http.Client, which loses the error's cause when it is over.
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout+lineTime(req.ContentLength))
	defer cancel()
	// GotConn comes before the first byte of the request, so without it nothing was sent.
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	req = req.Clone(httptrace.WithClientTrace(ctx, trace))
	req.Header.Set("User-Agent", "Fanfare")
	resp, err := sendOnce(t.transport, req, clientMaxBody)
	if err != nil {
		return nil, &unansweredError{sent: connected.Load(), err: err}
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, &unansweredError{sent: true, status: resp.StatusCode, err: err}
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	// Package oauth2 would read an answer of another type as a form. What all these hosts mean is JSON.
	resp.Header.Set("Content-Type", "application/json")
	return resp, nil
}

// unansweredError is a request that has no answer, or none that could be read to its end.
type unansweredError struct {
	// sent: the request may have reached the platform.
	sent bool
	// status is the answer's, where it began; else 0.
	status int
	err    error
}

// Error is the text for logs.
func (e *unansweredError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *unansweredError) Unwrap() error { return e.err }

// tooLarge tells whether the answer was larger than is read.
func (e *unansweredError) tooLarge() bool {
	var tooLarge *http.MaxBytesError
	return errors.As(e.err, &tooLarge)
}

// answer is a platform's answer, whole.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) ok() bool { return a.status >= 200 && a.status <= 299 }

// decode reads the answer as a JSON object; false means that it is none of this shape. The decoder's error may quote
// the answer, so it goes no further.
func (a answer) decode(out any) bool {
	trimmed := bytes.TrimLeft(a.body, " \t\r\n")
	return len(trimmed) > 0 && trimmed[0] == '{' && json.Unmarshal(a.body, out) == nil
}

// call is one request to a platform.
type call struct {
	method, url   string
	authorization string
	header        http.Header
	// The body is one of these, or there is none.
	form   url.Values
	json   any
	upload *upload
}

// upload is a body that is sent as it is read.
type upload struct {
	contentType string
	// bytes is its length.
	bytes int64
	body  io.Reader
}

// content gives a call's body: what to read, its length and its type.
func (c call) content() (body io.Reader, length int64, contentType string, err error) {
	switch {
	case c.form != nil:
		encoded := c.form.Encode()
		return strings.NewReader(encoded), int64(len(encoded)), "application/x-www-form-urlencoded", nil
	case c.json != nil:
		encoded, err := json.Marshal(c.json)
		return bytes.NewReader(encoded), int64(len(encoded)), "application/json", err
	case c.upload != nil:
		return c.upload.body, c.upload.bytes, c.upload.contentType, nil
	default:
		return nil, 0, "", nil
	}
}

// send sends the request once. Its error is an *unansweredError, and shows no address: some hold a secret.
func send(ctx context.Context, client *http.Client, c call) (answer, error) {
	body, length, contentType, err := c.content()
	if err != nil {
		return answer{}, &unansweredError{err: errors.New("the request's body could not be made")}
	}
	req, err := http.NewRequestWithContext(ctx, c.method, c.url, body)
	if err != nil {
		return answer{}, &unansweredError{err: errors.New("the request could not be made")}
	}
	req.ContentLength = length
	for name, values := range c.header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "application/json")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if c.authorization != "" {
		req.Header.Set("Authorization", c.authorization)
	}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, unanswered(err)
	}
	defer func() { _ = resp.Body.Close() }()
	content, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, &unansweredError{sent: true, status: resp.StatusCode, err: err}
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: content}, nil
}

// unanswered finds the *unansweredError below what http.Client puts around it, which names the address.
func unanswered(err error) *unansweredError {
	var e *unansweredError
	if errors.As(err, &e) {
		return e
	}
	return &unansweredError{sent: true, err: errors.New("the request failed")}
}

// rateLimitHeader is X's; other platforms send none of the name.
const rateLimitHeader = "X-Rate-Limit-Reset"

// resetAt reads when a platform allows the next request: X's header with the second since 1970, else Retry-After; zero
// if it does not say.
func resetAt(header http.Header, now time.Time) time.Time {
	if second, err := strconv.ParseInt(header.Get(rateLimitHeader), 10, 64); err == nil && second > 0 {
		return boundedRetry(time.Unix(min(second, now.Add(2*maxRetryAfter).Unix()), 0), now)
	}
	return retryAt(header, now)
}

// boundedRetry keeps what a platform asks for between now and maxRetryAfter from now.
func boundedRetry(at, now time.Time) time.Time {
	if at.Before(now) {
		return now
	}
	if limit := now.Add(maxRetryAfter); at.After(limit) {
		return limit
	}
	return at
}

// zeroWidthJoiner holds some emoji together.
const zeroWidthJoiner = '\u200d'

// foreignText makes what a platform says of an account fit to be stored and shown.
func foreignText(text string) string { return ForeignText(text, 500) }

// ForeignText makes what somebody else's service says fit to be stored and shown: valid UTF-8 in one line, without space
// at its ends, of at most so many characters.
func ForeignText(text string, most int) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, unicode.Is(unicode.Cf, r) && r != zeroWidthJoiner:
			return -1 // what turns the direction of a text around, above all
		case unicode.IsControl(r), unicode.In(r, unicode.Zl, unicode.Zp): // ends of lines and paragraphs, too
			return ' '
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > most {
		text = strings.TrimSpace(string([]rune(text)[:most]))
	}
	return text
}

// foreignURL gives the address if people can be sent there, else "".
func foreignURL(text string) string {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" || u.User != nil {
		return ""
	}
	if normal := u.String(); len(normal) <= maxSiteURL && utf8.ValidString(normal) {
		return normal
	}
	return ""
}

// accountURL is where people see an account: base with the name below it; "" without a name.
func accountURL(base, name string) string {
	if name = foreignText(name); name == "" {
		return ""
	}
	return foreignURL(fmt.Sprintf("%s/%s", base, url.PathEscape(name)))
}
