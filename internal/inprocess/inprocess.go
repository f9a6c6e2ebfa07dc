// Package inprocess calls the API's HTTP handler from within the process, so that chats and MCP tools do what they do through
// the operations themselves and with nobody's rights but the caller's: validation, limits, audit and policies are the same.
//
// The package must not grant anything: a call carries either the credential that came with the outer request, or says which
// person in which chat speaks, which the database checks when it enters them.
package inprocess

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"
)

// Speaker is somebody who speaks in the chat of a space, of whom the platform has told us.
type Speaker struct {
	CustomerID, SpaceID uuid.UUID
	// Person is the platform's id of them.
	Person string
}

type speakerKey struct{}

// As says that the calls made with the context are the speaker's. No request from outside has such a context.
func As(ctx context.Context, speaker Speaker) context.Context {
	return context.WithValue(ctx, speakerKey{}, speaker)
}

// SpeakerOf gives the speaker whose call it is.
func SpeakerOf(ctx context.Context) (Speaker, bool) {
	speaker, ok := ctx.Value(speakerKey{}).(Speaker)
	return speaker, ok
}

// Call is a request to an operation.
type Call struct {
	Method string
	// Path is below the server's root, each of its parts escaped (see Path).
	Path  string
	Query url.Values
	// Header is sent besides the body's type.
	Header http.Header
	// RemoteAddr is from where the outer request came, "" where there is none.
	RemoteAddr string
	// Body is sent as JSON; nil sends none.
	Body any
	// Events, unless nil, hears how far an operation is that tells it (text/event-stream); its answer is the same.
	Events func(name string, data []byte)
}

// Path joins parts of a path, and escapes each: what an agent gives for an id stays one part.
func Path(parts ...string) string {
	var path strings.Builder
	for _, part := range parts {
		path.WriteByte('/')
		path.WriteString(url.PathEscape(part))
	}
	return path.String()
}

// Answer is an operation's answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Problem is an answer that is an error: RFC 9457, as the API writes it.
type Problem struct {
	Status int    `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
	Errors []struct {
		Message  string `json:"message"`
		Location string `json:"location"`
		// Platform is of whose rule it is; "" where it is of none's.
		Platform string `json:"platform"`
	} `json:"errors"`
	RequestID string `json:"request_id"`
	// Header holds Retry-After and the like.
	Header http.Header `json:"-"`
}

// Error is what the API says to people.
func (p *Problem) Error() string {
	sentences := []string{cmp.Or(p.Detail, p.Title)}
	for _, e := range p.Errors {
		sentences = append(sentences, strings.TrimSpace(e.Location+" "+e.Message)+".")
	}
	return strings.Join(sentences, " ")
}

// Do makes the call and decodes what it answers into out, unless out is nil. An answer that is no success is a *Problem.
func Do(ctx context.Context, handler http.Handler, call Call, out any) (Answer, error) {
	var body []byte
	if call.Body != nil {
		encoded, err := json.Marshal(call.Body)
		if err != nil {
			return Answer{}, fmt.Errorf("encode request: %w", err)
		}
		body = encoded
	}
	target := call.Path
	if len(call.Query) > 0 {
		target += "?" + call.Query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, call.Method, target, bytes.NewReader(body))
	if err != nil {
		return Answer{}, fmt.Errorf("make request: %w", err)
	}
	request.RequestURI, request.RemoteAddr = target, call.RemoteAddr
	for name, values := range call.Header {
		request.Header[http.CanonicalHeaderKey(name)] = values
	}
	if call.Body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	recorder := &recorder{header: http.Header{}, events: call.Events}
	if call.Events != nil {
		request.Header.Set("Accept", eventStream)
	}
	handler.ServeHTTP(recorder, request)
	recorder.conclude()
	if err := ctx.Err(); err != nil {
		return Answer{}, err
	}
	answer := Answer{Status: recorder.status, Header: recorder.header, Body: recorder.body.Bytes()}
	if answer.Status < 200 || answer.Status > 299 {
		problem := &Problem{Status: answer.Status, Title: http.StatusText(answer.Status), Header: answer.Header}
		if err := json.Unmarshal(answer.Body, problem); err != nil {
			return answer, errors.Join(problem, err)
		}
		return answer, problem
	}
	if out == nil {
		return answer, nil
	}
	if err := json.Unmarshal(answer.Body, out); err != nil {
		return answer, fmt.Errorf("decode answer of %s %s: %w", call.Method, call.Path, err)
	}
	return answer, nil
}

// eventStream is the media type of server-sent events (WHATWG HTML, section 9.2).
const eventStream = "text/event-stream"

// recorder takes an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
	events func(name string, data []byte)
	// streams: the answer comes as events.
	streams bool
	// last is the event that holds the answer: done or problem.
	last     string
	lastData []byte
}

// Header holds what the handler sets.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader remembers the first status, and whether the answer comes as events: what is set in the header later changes nothing.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
		r.streams = r.events != nil && strings.HasPrefix(r.header.Get("Content-Type"), eventStream)
	}
}

// Write keeps the body, and of a stream of events what is not yet a whole one.
func (r *recorder) Write(body []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	n, err := r.body.Write(body)
	if r.streams {
		r.hear()
	}
	return n, err
}

// hear takes whole events off the body. The API ends each with an empty line, and writes its data in one.
func (r *recorder) hear() {
	for {
		end := bytes.Index(r.body.Bytes(), []byte("\n\n"))
		if end < 0 {
			return
		}
		name, data := "", []byte(nil)
		for line := range bytes.Lines(r.body.Next(end + 2)) {
			line = bytes.TrimRight(line, "\n")
			if value, found := bytes.CutPrefix(line, []byte("event: ")); found {
				name = string(value)
			} else if value, found := bytes.CutPrefix(line, []byte("data: ")); found {
				data = bytes.Clone(value)
			}
		}
		switch name {
		case "": // a comment
		case "done", "problem":
			r.last, r.lastData = name, data
		default:
			r.events(name, data)
		}
	}
}

// conclude makes the answer of a stream what it would have been without one.
func (r *recorder) conclude() {
	if !r.streams {
		return
	}
	r.body.Reset()
	r.body.Write(r.lastData)
	if r.last == "done" {
		return
	}
	r.status = http.StatusInternalServerError // a stream that has broken off
	var problem Problem
	if json.Unmarshal(r.lastData, &problem) == nil && problem.Status >= http.StatusBadRequest {
		r.status = problem.Status
	} else {
		r.body.WriteString(`{"title":"Internal Server Error","status":500}`)
	}
}
