package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// TestFuzzFindsFaults plants one fault after the other in an API and expects that the fuzzer finds each: a fuzzer
// that finds nothing could also be one that looks at nothing.
func TestFuzzFindsFaults(t *testing.T) {
	t.Parallel()
	// after lets fn change an answer.
	after := func(fn func(w *world, r *http.Request, a *httptest.ResponseRecorder) *httptest.ResponseRecorder) func(*world, http.Handler) http.Handler {
		return func(w *world, next http.Handler) http.Handler {
			return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
				a := httptest.NewRecorder()
				next.ServeHTTP(a, r)
				a = fn(w, r, a)
				for name, values := range a.Header() {
					out.Header()[name] = values
				}
				out.Header().Del("Content-Length")
				out.WriteHeader(a.Code)
				if r.Method != http.MethodHead {
					_, _ = out.Write(a.Body.Bytes())
				}
			})
		}
	}
	// instead gives the answer another status, and the body that a problem of that status has.
	instead := func(a *httptest.ResponseRecorder, status int) *httptest.ResponseRecorder {
		other := httptest.NewRecorder()
		for name, values := range a.Header() {
			other.Header()[name] = values
		}
		other.Header().Set("Content-Type", "application/problem+json")
		other.WriteHeader(status)
		_ = json.NewEncoder(other).Encode(m{"type": "urn:fanfare:problem:planted", "title": http.StatusText(status), "status": status, "detail": "Planted.", "request_id": a.Header().Get("X-Request-ID")})
		return other
	}
	inBody := func(status int, change func(body m)) func(*world, *http.Request, *httptest.ResponseRecorder) *httptest.ResponseRecorder {
		return func(_ *world, r *http.Request, a *httptest.ResponseRecorder) *httptest.ResponseRecorder {
			var body m
			if a.Code == status && json.Unmarshal(a.Body.Bytes(), &body) == nil {
				change(body)
				a.Body = bytes.NewBuffer(must(json.Marshal(body)))
			}
			return a
		}
	}
	when := func(condition func(r *http.Request, a *httptest.ResponseRecorder) bool, status int) func(*world, http.Handler) http.Handler {
		return after(func(_ *world, r *http.Request, a *httptest.ResponseRecorder) *httptest.ResponseRecorder {
			if condition(r, a) {
				return instead(a, status)
			}
			return a
		})
	}
	var tokenOfSomebody atomic.Value
	for _, fault := range []struct {
		name, finding string
		wrap          func(w *world, next http.Handler) http.Handler
	}{
		{"the database lacks a function", "the server is to blame", func(w *world, next http.Handler) http.Handler {
			w.exec(t, "alter function tenancy.own_memberships() rename to gone")
			return next
		}},
		{"the log has an error", "the log says", func(w *world, next http.Handler) http.Handler {
			w.exec(t, "alter function tenancy.own_memberships() rename to gone")
			return next
		}},
		{"a crash", "no whole answer", func(_ *world, next http.Handler) http.Handler {
			return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.RawQuery, "cursor=") {
					panic(http.ErrAbortHandler)
				}
				next.ServeHTTP(out, r)
			})
		}},
		{"a status that is not documented", "does not document 410", when(func(r *http.Request, _ *httptest.ResponseRecorder) bool { return r.Method == http.MethodDelete }, http.StatusGone)},
		{"a field is missing", "does not fit its schema", after(inBody(http.StatusOK, func(body m) { delete(body, "title") }))},
		{"a field too many", "does not fit its schema", after(inBody(http.StatusCreated, func(body m) { body["internal"] = 1 }))},
		{"a field of another type", "does not fit its schema", after(inBody(http.StatusOK, func(body m) { body["items"] = m{} }))},
		{"another media type", "which is not documented", after(func(_ *world, _ *http.Request, a *httptest.ResponseRecorder) *httptest.ResponseRecorder {
			if a.Code == http.StatusCreated {
				a.Header().Set("Content-Type", "text/html")
			}
			return a
		})},
		{"no ETag", "no header ETag", after(func(_ *world, _ *http.Request, a *httptest.ResponseRecorder) *httptest.ResponseRecorder {
			a.Header().Del("ETag")
			return a
		})},
		{"an open door", "is no answer to nobody", func(_ *world, next http.Handler) http.Handler {
			return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
				a := httptest.NewRecorder()
				token, _ := tokenOfSomebody.Load().(string)
				if r.Header.Get("Authorization") == "" && token != "" && r.Method == http.MethodGet {
					r.Header.Set("Authorization", token)
				}
				next.ServeHTTP(a, r)
				if a.Code == http.StatusCreated {
					tokenOfSomebody.Store(r.Header.Get("Authorization"))
				}
				for name, values := range a.Header() {
					out.Header()[name] = values
				}
				out.WriteHeader(a.Code)
				_, _ = out.Write(a.Body.Bytes())
			})
		}},
		{"forbidden, where it is not there", "is no answer to a stranger", when(func(r *http.Request, a *httptest.ResponseRecorder) bool {
			return a.Code == http.StatusNotFound && r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/posts")
		}, http.StatusForbidden)},
		{"stale, where it is somebody else's", "is no answer to somebody else's id", when(func(r *http.Request, a *httptest.ResponseRecorder) bool {
			return a.Code == http.StatusNotFound && r.Header.Get("If-Match") != ""
		}, http.StatusPreconditionFailed)},
		{"another customer in an answer", "tells of another customer", after(inBody(http.StatusNotFound, func(body m) { body["detail"] = "There is no such thing in " + secretOf + "." }))},
		{"a reader who writes", "who may only read", when(func(r *http.Request, a *httptest.ResponseRecorder) bool {
			return a.Code == http.StatusForbidden && strings.HasSuffix(r.URL.Path, "/campaigns")
		}, http.StatusCreated)},
		{"a change by what is refused", "it was refused, and yet", after(func(w *world, r *http.Request, a *httptest.ResponseRecorder) *httptest.ResponseRecorder {
			if a.Code == http.StatusUnprocessableEntity && r.Method == http.MethodPatch {
				w.exec(t, "update campaigns set goal = goal || '!'")
			}
			return a
		})},
		{"a change of another customer", "to which no caller belongs", after(func(w *world, _ *http.Request, a *httptest.ResponseRecorder) *httptest.ResponseRecorder {
			if a.Code == http.StatusCreated {
				w.exec(t, "update campaigns set goal = 'planted' where name = $1", secretOf)
			}
			return a
		})},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			f := newFuzzer(t, 1, fault.wrap)
			f.done = func(finding string) bool { return strings.Contains(finding, fault.finding) }
			f.run(t, 0, 6000, slices.DeleteFunc(slices.Clone(operations()), func(o operation) bool {
				on, few := shownBy[fault.name]
				return few && on != o.OperationID
			}))
			if !f.stop.Load() {
				t.Errorf("it is not found; answers %v. What is: %q", f.statuses, f.findings)
			}
		})
	}
}

// shownBy are the operations that show a fault which few others do.
var shownBy = map[string]string{
	"forbidden, where it is not there":   "create-post",
	"stale, where it is somebody else's": "update-campaign",
	"a reader who writes":                "create-campaign",
	"a change of another customer":       "create-campaign",
}
