package api_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestCrossOrigin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ask := func(t *testing.T, method, path string, headers ...string) answer {
		t.Helper()
		request := w.request(t, method, path, nil)
		for i := 0; i < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		return w.do(t, request)
	}
	const app, other = "https://app.example.com", "https://app.example.com.evil.example"
	if a := ask(t, http.MethodGet, "/livez", "Origin", app).want(t, 200); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Error("an origin is allowed where none was set")
	}
	w.serve(t, options{corsOrigins: []string{app, "http://localhost:5173"}})
	for origin, allowed := range map[string]bool{
		app: true, "http://localhost:5173": true, other: false, "http://app.example.com": false, "https://example.com": false, "null": false, "*": false, app + ":444": false, w.url: false, app + "/": false,
	} {
		want := ""
		if allowed {
			want = origin
		}
		a := ask(t, http.MethodGet, "/v1/dashboard", "Origin", origin).want(t, 200)
		if got := a.header.Get("Access-Control-Allow-Origin"); got != want || (a.header.Get("Access-Control-Allow-Credentials") == "true") != allowed || !strings.Contains(strings.Join(a.header.Values("Vary"), ","), "Origin") {
			t.Errorf("%s: %v", origin, a.header)
		}
		if exposed := a.header.Get("Access-Control-Expose-Headers"); allowed && (!strings.Contains(exposed, "Etag") || !strings.Contains(exposed, "Ratelimit") || !strings.Contains(exposed, "Retry-After")) || !allowed && exposed != "" {
			t.Errorf("%s: exposed is %q", origin, exposed)
		}
		a = ask(t, http.MethodOptions, "/v1/customers", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type,idempotency-key,x-admin-reason,x-api-key")
		if got := a.header.Get("Access-Control-Allow-Origin"); got != want || allowed && (a.status != 204 || a.header.Get("Access-Control-Allow-Methods") != "POST" || a.header.Get("Access-Control-Max-Age") == "" ||
			!strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "authorization")) {
			t.Errorf("asking beforehand from %s: %d %v", origin, a.status, a.header)
		}
		if a.header.Get("RateLimit") != "" || (a.header.Get("Access-Control-Allow-Credentials") == "true") != allowed {
			t.Errorf("asking beforehand from %s is charged: %v", origin, a.header)
		}
	}
	for name, headers := range map[string][2]string{"a method": {"Access-Control-Request-Method", "TRACE"}, "a header": {"Access-Control-Request-Headers", "cookie"}} {
		a := ask(t, http.MethodOptions, "/v1/customers", "Origin", app, "Access-Control-Request-Method", "GET", headers[0], headers[1])
		if got := a.header.Get("Access-Control-Allow-Origin"); got != "" {
			t.Errorf("%s that is not allowed: %v", name, a.header)
		}
	}
	if a := ask(t, http.MethodGet, "/river/", "Origin", app).want(t, 401); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("River UI lets another origin read it: %v", a.header)
	}
	// Who is refused is told why, on other origins too.
	if a := ask(t, http.MethodGet, "/v1/me", "Origin", app).want(t, 401); a.header.Get("Access-Control-Allow-Origin") != app {
		t.Errorf("a refusal: %v", a.header)
	}
	ask(t, http.MethodOptions, "/v1/customers", "Origin", app).want(t, 405) // it asks nothing beforehand
}
