package api

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"fanfare/db/tenant"
)

type requestKey struct{}

// requestID is the id of the request that ctx belongs to.
func requestID(ctx context.Context) string {
	request, _ := ctx.Value(requestKey{}).(tenant.Request)
	return request.ID
}

// clientIP is from where the request comes that ctx belongs to.
func clientIP(ctx context.Context) string {
	request, _ := ctx.Value(requestKey{}).(tenant.Request)
	return request.IP
}

// acceptableRequestID is what a caller may choose as a request id; anything else is replaced.
var acceptableRequestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// requestID gives each request an id, the caller's own if it is usable, and remembers from where it came.
func (a *API) requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-ID")
		if !acceptableRequestID.MatchString(id) {
			id = uuid.Must(uuid.NewV7()).String() // fails only without a source of randomness
		}
		w.Header().Set("X-Request-ID", id)
		ip := r.RemoteAddr
		if address := addressOf(r, a.TrustedProxies); address.IsValid() {
			ip = address.String()
		}
		userAgent := strings.ToValidUTF8(r.UserAgent(), "")
		if len(userAgent) > 256 {
			userAgent = strings.ToValidUTF8(userAgent[:256], "")
		}
		request := tenant.Request{ID: id, IP: ip, UserAgent: strings.ReplaceAll(userAgent, "\x00", "")}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, request)))
	})
}

// logRequests writes a line per request: what was asked and what came of it, never a query or a body.
func (a *API) logRequests(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		recorder := &statusRecorder{ResponseWriter: w}
		var customerID string
		r = r.WithContext(context.WithValue(r.Context(), loggedKey{}, &customerID))
		defer func() {
			level := slog.LevelInfo
			switch r.URL.Path {
			case "/health", "/livez", "/readyz":
				level = slog.LevelDebug
			}
			a.log.Log(r.Context(), level, "request", "method", r.Method, "path", r.URL.Path, "status", recorder.status,
				"duration", time.Since(start), "request_id", requestID(r.Context()), "ip", clientIP(r.Context()),
				"customer_id", customerID)
		}()
		next.ServeHTTP(recorder, r)
	})
}

type loggedKey struct{}

// logCustomer has the line of the request name the customer in whom the caller acts, or tries to. Further out, the request is another one
// than the handler's, and does not know its path's values.
func logCustomer(ctx context.Context, id uuid.UUID) {
	if customerID, ok := ctx.Value(loggedKey{}).(*string); ok {
		*customerID = id.String()
	}
}

// statusRecorder remembers the status of an answer.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader remembers and passes on.
func (w *statusRecorder) WriteHeader(status int) {
	if w.status >= http.StatusOK {
		return // the answer has begun; net/http would only complain
	}
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write passes on.
func (w *statusRecorder) Write(body []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(body)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *statusRecorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// recoverPanics turns a panic into a 500 and a line in the log.
func (a *API) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		recorder := &statusRecorder{ResponseWriter: w}
		defer func() {
			if v := recover(); v != nil {
				if v == http.ErrAbortHandler { //nolint:errorlint,err113 // net/http compares it so too
					panic(v)
				}
				a.log.ErrorContext(r.Context(), "panic in a request", "panic", fmt.Sprint(v), "stack", string(debug.Stack()),
					"request_id", requestID(r.Context()))
				if recorder.status != 0 {
					panic(http.ErrAbortHandler) // half an answer is out: end the connection, so that nobody takes it for whole
				}
				a.write(recorder, r, internal())
			}
		}()
		next.ServeHTTP(recorder, r)
	})
}

// securityHeaders closes what a browser would otherwise leave open on an API's answers.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Frame-Options", "DENY")
		header.Set("Cache-Control", "no-store")
		header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		next.ServeHTTP(w, r)
	})
}

// unknownPaths answers paths that no operation has with the pages, and those and methods that are not there either as problems, where the mux answers in plain text.
// The mux would also lead from a path such as //v1/me to its clean form; here there is no such path.
func (a *API) unknownPaths(mux *http.ServeMux, next http.Handler) http.Handler {
	var pages http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
			http.Redirect(w, r, "/docs", http.StatusFound) // where people look first
			return
		}
		a.write(w, r, problem(http.StatusNotFound, "There is no such path. The operations are listed at /docs."))
	})
	if a.Pages != nil {
		pages = a.Pages(pages)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := r.URL.EscapedPath()
		handler, pattern := mux.Handler(r)
		if pattern != "" && strings.TrimSuffix(asked, "/") == strings.TrimSuffix(path.Clean(asked), "/") {
			next.ServeHTTP(w, r)
			return
		}
		if pattern == "" { // else it is an operation's, which must not run for a probe
			probe := &discard{header: http.Header{}}
			handler.ServeHTTP(probe, r)
			if probe.status == http.StatusMethodNotAllowed {
				w.Header().Set("Allow", probe.header.Get("Allow"))
				a.write(w, r, problem(http.StatusMethodNotAllowed, "This path does not know this method; see the Allow header."))
				return
			}
		}
		pages.ServeHTTP(w, r)
	})
}

// mediaTypes leaves Huma nothing to negotiate. Everything answers JSON, whatever is accepted, and Huma's reading
// of Accept panics on some input. A body's type is compared in lower case and without its parameters, as
// RFC 9110 (section 8.3.1) wants it; bodies that are compressed or not in UTF-8 are not read.
func mediaTypes(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Accept")
		if given := r.Header.Get("Content-Type"); given != "" {
			kind, parameters, err := mime.ParseMediaType(given)
			charset := parameters["charset"]
			if err != nil || r.Header.Get("Content-Encoding") != "" || (charset != "" && !strings.EqualFold(charset, "utf-8")) {
				kind = "invalid" // and so refused, rather than read as what it is not
			}
			r.Header.Set("Content-Type", kind)
		}
		next.ServeHTTP(w, r)
	})
}

// discard takes the mux's own answer to an unknown path.
type discard struct {
	header http.Header
	status int
}

// Header holds what the mux sets.
func (d *discard) Header() http.Header { return d.header }

// Write drops the text.
func (d *discard) Write(body []byte) (int, error) { return len(body), nil }

// WriteHeader remembers the status.
func (d *discard) WriteHeader(status int) { d.status = status }

// write answers with a problem outside of Huma.
func (a *API) write(w http.ResponseWriter, r *http.Request, p *Problem) {
	if err := p.write(w, r); err != nil {
		a.log.WarnContext(r.Context(), "answer was not written", "error", err)
	}
}

// Refuse answers with a problem, for Pages.
func Refuse(w http.ResponseWriter, r *http.Request, status int, detail string) error {
	return problem(status, detail).write(w, r)
}

func (p *Problem) write(w http.ResponseWriter, r *http.Request) error {
	p.RequestID = requestID(r.Context())
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	return json.NewEncoder(w).Encode(p)
}
