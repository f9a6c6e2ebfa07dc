package mcpclient

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	"fanfare/internal/httpclient"
)

var (
	errTooLarge    = errors.New("the answers are too large")
	errTooMany     = errors.New("too many requests")
	errOtherServer = errors.New("a request to another address")
)

// round is the requests of one operation. It holds them to the operation's limits, whatever the packages do that send them,
// and remembers what came of them: those packages' errors quote answers, which may hold a secret, and lose causes.
type round struct {
	base http.RoundTripper
	// ctx is the operation's. Requests end with it, also those that the SDK detaches from their caller's.
	ctx    context.Context
	cancel context.CancelFunc
	// only, if it is there, is the one address that requests may go to, with the authorization.
	only          *url.URL
	authorization string

	requests atomic.Int32
	bytes    atomic.Int64

	mu   sync.Mutex
	last outcome
	// refused is the first 401, or else the first 403.
	refused *outcome
	// overrun is set when a limit was reached.
	overrun error
}

// outcome is what came of a request: an error, or an answer's status and header.
type outcome struct {
	err    error
	status int
	header http.Header
}

// begin starts an operation. The caller calls the function at its end.
func (c *Client) begin(ctx context.Context) (*round, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	return &round{base: c.egress.Client().Transport, ctx: ctx, cancel: cancel}, cancel
}

// client gives the client for the round's requests. It follows no redirect.
func (r *round) client() *http.Client {
	return &http.Client{Transport: r, CheckRedirect: httpclient.NoRedirects}
}

// RoundTrip sends the request once.
func (r *round) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := r.send(req)
	outcome := outcome{err: err}
	if err == nil {
		outcome.status, outcome.header = resp.StatusCode, resp.Header
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = outcome
	switch {
	case outcome.status == http.StatusUnauthorized && (r.refused == nil || r.refused.status != http.StatusUnauthorized),
		outcome.status == http.StatusForbidden && r.refused == nil:
		r.refused = &outcome
	}
	return resp, err
}

func (r *round) send(req *http.Request) (*http.Response, error) {
	var err error
	switch {
	case r.only != nil && req.URL.String() != r.only.String():
		err = errOtherServer
	case r.requests.Add(1) > maxRequests:
		err = r.over(errTooMany)
	}
	if err != nil {
		if req.Body != nil {
			_ = req.Body.Close()
		}
		return nil, err
	}
	ctx, cancel := context.WithCancel(req.Context())
	stop := context.AfterFunc(r.ctx, cancel)
	end := func() {
		stop()
		cancel()
	}
	req = req.Clone(ctx)
	req.Header.Set("User-Agent", "Fanfare")
	if r.authorization != "" {
		req.Header.Set("Authorization", r.authorization)
	}
	resp, err := r.base.RoundTrip(req)
	if err != nil {
		end()
		return nil, err
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, round: r, end: end}
	return resp, nil
}

// over notes the limit that was reached, and ends the operation.
func (r *round) over(limit error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.overrun == nil {
		r.overrun = limit
	}
	r.cancel()
	return limit
}

// result gives what came of the last request, the refusal of the credential, and the limit that was reached.
func (r *round) result() (last outcome, refused *outcome, overrun error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last, r.refused, r.overrun
}

// boundedBody is an answer's body, within the limits.
type boundedBody struct {
	io.ReadCloser
	round *round
	read  int64
	end   func()
}

// Read reads until a limit.
func (b *boundedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if total := b.round.bytes.Add(int64(n)); b.read > maxAnswer || total > maxAnswers {
		return 0, b.round.over(errTooLarge)
	}
	return n, err
}

// Close ends the request.
func (b *boundedBody) Close() error {
	defer b.end()
	return b.ReadCloser.Close()
}
