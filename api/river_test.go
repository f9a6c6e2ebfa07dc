package api_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"fanfare/db/dbtest"
	"fanfare/internal/vault"
)

// The queue of all customers is seen by system admins, as long as they are, and by nobody else; and nothing is changed there.
func TestRiver(t *testing.T) {
	t.Parallel()
	w := setup(t)
	admin := w.User(t, dbtest.User{SystemRole: "admin"})
	manager := w.User(t, dbtest.User{SystemRole: "manager"})
	customer := w.Customer(t, dbtest.Customer{})
	owner := w.User(t, dbtest.User{})
	w.exec(t, "insert into memberships (customer_id, user_id, role) values ($1, $2, 'owner')", customer.ID, owner.ID)
	w.exec(t, `insert into river.river_job (id, state, kind, args, max_attempts, customer_id) values (4711, 'available', 'publish', jsonb_build_object('customer_id', $1::uuid::text, 'text', 'told to nobody'), 5, $1::uuid)`, customer.ID)
	session := func(t *testing.T, who dbtest.User, reason string) answer {
		t.Helper()
		request := w.request(t, http.MethodPost, "/v1/river-session", nil)
		request.Header.Set("Authorization", "Bearer "+w.token(t, who))
		if reason != "" {
			request.Header.Set("X-Admin-Reason", reason)
		}
		return w.do(t, request)
	}
	look := func(t *testing.T, method, path, cookie string) answer {
		t.Helper()
		request := w.request(t, method, path, nil)
		if cookie != "" {
			request.Header.Set("Cookie", "fanfare_river="+cookie)
		}
		return w.do(t, request)
	}

	session(t, owner, "I am curious").want(t, 403)
	session(t, manager, "I am curious").want(t, 403)
	session(t, admin, "").want(t, 403)
	given := session(t, admin, "a stuck job").want(t, 204).header.Get("Set-Cookie")
	for _, part := range []string{"Path=/river", "Max-Age=3600", "HttpOnly", "SameSite=Strict"} {
		if !strings.Contains(given, part) {
			t.Errorf("the cookie has not %s: %s", part, given)
		}
	}
	value, _, _ := strings.Cut(strings.TrimPrefix(given, "fanfare_river="), ";")
	if strings.Contains(given, "Secure") || strings.Contains(value, admin.Subject) {
		t.Errorf("the cookie is %s", given)
	}

	page := look(t, http.MethodGet, "/river/", value).want(t, 200)
	if !strings.Contains(string(page.body), "<title>River</title>") || !strings.Contains(page.header.Get("Content-Security-Policy"), "script-src 'self';") || page.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page: %v %s", page.header, page.body)
	}
	jobs := string(look(t, http.MethodGet, "/river/api/jobs?state=available", value).want(t, 200).body)
	if !strings.Contains(jobs, "4711") || !strings.Contains(jobs, customer.ID.String()) || strings.Contains(jobs, "told to nobody") {
		t.Errorf("the jobs: %s", jobs)
	}
	if one := string(look(t, http.MethodGet, "/river/api/jobs/4711", value).want(t, 200).body); strings.Contains(one, "told to nobody") {
		t.Errorf("the job: %s", one)
	}
	if states := string(look(t, http.MethodGet, "/river/api/states", value).want(t, 200).body); !strings.Contains(states, `"available":1`) {
		t.Errorf("the states: %s", states)
	}
	look(t, http.MethodGet, "/river/api/queues", value).want(t, 200)
	for _, path := range []string{"/river/api/jobs/cancel", "/river/api/jobs/retry", "/river/api/jobs/delete"} {
		look(t, http.MethodPost, path, value).want(t, 403)
		look(t, http.MethodPost, path, "").want(t, 401)
	}
	look(t, http.MethodPut, "/river/api/queues/default/pause", value).want(t, 403)

	sealed := func(t *testing.T, context vault.Context, content map[string]any) string {
		t.Helper()
		plain, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(must(w.vault.Seal(plain, context)))
	}
	later := time.Now().Add(time.Hour)
	for name, cookie := range map[string]string{
		"none": "", "not a cookie of ours": "x", "two": value + "; fanfare_river=" + value, "changed": value[:len(value)-4] + "AAAA",
		"expired":            sealed(t, vault.RiverSession(), map[string]any{"subject": admin.Subject, "reason": "x", "until": time.Now().Add(-time.Second)}),
		"without an end":     sealed(t, vault.RiverSession(), map[string]any{"subject": admin.Subject, "reason": "x"}),
		"of another context": sealed(t, vault.AgentTokenKey(vault.Installation), map[string]any{"subject": admin.Subject, "reason": "x", "until": later}),
	} {
		for _, path := range []string{"/river/", "/river/api/jobs", "/river/robots.txt"} {
			if a := look(t, http.MethodGet, path, cookie); a.status != 401 || strings.Contains(string(a.body), "4711") {
				t.Errorf("%s: %s: %d %s", name, path, a.status, a.body)
			}
		}
	}
	// Whoever the cookie names, the database asks who they are now.
	for _, who := range []dbtest.User{owner, manager} {
		a := look(t, http.MethodGet, "/river/api/jobs?state=available", sealed(t, vault.RiverSession(), map[string]any{"subject": who.Subject, "reason": "x", "until": later}))
		if a.status != 403 || strings.Contains(string(a.body), "4711") {
			t.Errorf("%s: %d %s", who.Subject, a.status, a.body)
		}
	}
	if a := look(t, http.MethodDelete, "/river/", value).want(t, 204); !strings.Contains(a.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("the end of a session leaves the cookie: %v", a.header)
	}
	w.exec(t, "delete from system_roles where user_id = $1", admin.ID)
	look(t, http.MethodGet, "/river/", value).want(t, 403)
	look(t, http.MethodGet, "/river/api/jobs?state=available", value).want(t, 403)

	for operation, atLeast := range map[string]int{"create-river-session": 1, "river-ui": 2} {
		var recorded int
		if err := w.Super.QueryRow(t.Context(), "select count(*) from audit_log where actor_id = $1 and reason = 'a stuck job' and operation = $2", admin.ID, operation).Scan(&recorded); err != nil || recorded < atLeast {
			t.Errorf("the audit log has %d entries of %s (%v)", recorded, operation, err)
		}
	}
}

func TestRiverCookieByTLS(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{apiURL: "https://api.example.com"})
	request := w.request(t, http.MethodPost, "/v1/river-session", nil)
	request.Header.Set("Authorization", "Bearer "+w.token(t, w.User(t, dbtest.User{SystemRole: "admin"})))
	request.Header.Set("X-Admin-Reason", "a stuck job")
	if given := w.do(t, request).want(t, 204).header.Get("Set-Cookie"); !strings.Contains(given, "Secure") {
		t.Errorf("the cookie is %s", given)
	}
}
