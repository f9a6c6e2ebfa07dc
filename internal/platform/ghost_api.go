package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
)

// ghostTokenLife is the longest life that Ghost allows a token.
const ghostTokenLife = 5 * time.Minute

// ghostSite is one site with its key: the Admin API as far as the adapter needs it.
type ghostSite struct {
	*GhostPublisher
	credential GhostCredential
}

func (g *GhostPublisher) open(raw json.RawMessage) (*ghostSite, error) {
	credential, err := openGhostCredential(raw)
	if err != nil {
		return nil, err
	}
	return &ghostSite{GhostPublisher: g, credential: credential}, nil
}

// ghostCall is one request to the Admin API.
type ghostCall struct {
	method string
	path   string // below /ghost/api/admin/
	query  url.Values
	post   map[string]any // the one post of the body; without it and a file there is no body
	upload *upload
	public bool // goes without the key
	// publishing marks the request that makes the post visible: once it may have left this machine,
	// a missing answer is an UnknownOutcome and not a Transient.
	publishing bool
}

// call sends the request once and decodes the answer into out. Its errors are *Error.
func (s *ghostSite) call(ctx context.Context, call ghostCall, out any) error {
	// GotConn comes before the first byte of the request, so without it nothing was sent.
	var connected atomic.Bool
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }}
	req, err := s.request(httptrace.WithClientTrace(ctx, trace), call)
	if err != nil {
		return &Error{Class: Transient, Message: "The request to the Ghost site could not be made.", Err: err}
	}
	client := s.client
	if call.upload != nil {
		client = s.uploads
	}
	resp, err := client.Do(req)
	if err != nil {
		return noAnswer(err, call.publishing && connected.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		var tooBig *http.MaxBytesError
		if errors.As(err, &tooBig) && !call.publishing {
			return notGhost(resp.StatusCode, err)
		}
		return noAnswer(err, call.publishing)
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return refusal(resp, body, call.publishing, s.now())
	}
	if err := json.Unmarshal(body, out); err != nil {
		// Neither the body nor the decoder's error, which may quote it, belongs in a log.
		if call.publishing {
			return unknownAnswer(resp.StatusCode, nil)
		}
		return notGhost(resp.StatusCode, nil)
	}
	return nil
}

func (s *ghostSite) request(ctx context.Context, call ghostCall) (*http.Request, error) {
	address := s.credential.SiteURL + "/ghost/api/admin/" + call.path
	if len(call.query) > 0 {
		address += "?" + call.query.Encode()
	}
	var body io.Reader
	if call.upload != nil {
		body = call.upload.body
	}
	if call.post != nil {
		encoded, err := json.Marshal(map[string]any{"posts": []any{call.post}})
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, call.method, address, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Version", s.version)
	req.Header.Set("User-Agent", "Fanfare")
	if call.post != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if call.upload != nil {
		req.Header.Set("Content-Type", call.upload.contentType)
		req.ContentLength = call.upload.bytes
	}
	if !call.public {
		token, err := s.token()
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Ghost "+token)
	}
	return req, nil
}

// token makes the signed token of one request, as https://ghost.org/docs/admin-api/#token-authentication
// describes it.
func (s *ghostSite) token() (string, error) {
	secret, err := s.credential.secret()
	if err != nil {
		return "", errors.New("the key's secret is not hexadecimal")
	}
	now := s.now()
	claims, err := jwt.NewBuilder().
		IssuedAt(now).Expiration(now.Add(ghostTokenLife)).Audience([]string{"/admin/"}).Build()
	if err != nil {
		return "", err
	}
	claims.Options().Enable(jwt.FlattenAudience)
	header := jws.NewHeaders()
	if err := header.Set(jws.KeyIDKey, s.credential.keyID()); err != nil {
		return "", err
	}
	signed, err := jwt.Sign(claims, jwt.WithKey(jwa.HS256(), secret, jws.WithProtectedHeaders(header)))
	return string(signed), err
}
