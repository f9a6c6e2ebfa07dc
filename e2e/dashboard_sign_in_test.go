package e2e

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"fanfare/internal/identity"
)

// newDeskAt is somebody who has not signed in yet at the dashboard of a system.
func newDeskAt(t testing.TB, s *system) *desk {
	t.Helper()
	k := watched(t, "somebody", "http://"+s.addr)
	browse(t, k.browser, chromedp.EmulateViewport(1280, 900))
	return k
}

// TestSignInByOpenIDConnect: somebody signs in at an OpenID Connect provider with a code and PKCE, comes back to the page that they wanted, and their token
// is renewed before it ends.
func TestSignInByOpenIDConnect(t *testing.T) {
	t.Parallel()
	provider := newOpenIDProvider(t, "Oda Ibsen", 40*time.Second)
	s := newSystem(t, options{noWorker: true, env: provider.env()})
	k := newDeskAt(t, s)
	k.open(t, "/preferences?from=mail")
	k.click(t, "button", "Sign in")
	k.click(t, "link", "I am Oda Ibsen")
	k.at(t, k.base+"/preferences?from=mail")
	k.see(t, "button", "Oda Ibsen")
	eventually(t, time.Minute, "the token is renewed", func() bool {
		k.open(t, "/customers")
		k.see(t, "heading", "Customers")
		return provider.renewals() > 0
	})
	k.click(t, "button", "Oda Ibsen")
	k.click(t, "menuitem", "Sign out")
	k.see(t, "button", "Sign in")
	if left := browse(t, k.browser, chromedp.Evaluate[string](`JSON.stringify({...sessionStorage}) + JSON.stringify({...localStorage})`)); strings.Contains(left, "eyJ") {
		t.Errorf("a token is left in the browser: %s", left)
	}
}

// TestSignInBySupabase: somebody signs in at Supabase with e-mail and password; what it refuses is told in its words.
func TestSignInBySupabase(t *testing.T) {
	t.Parallel()
	signer, err := identity.NewDevelopmentKey()
	if err != nil {
		t.Fatal(err)
	}
	var project *httptest.Server
	project = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Access-Control-Allow-Headers", "*")
		switch {
		case r.Method == http.MethodOptions:
		case r.URL.Path == "/auth/v1/.well-known/jwks.json":
			answerJSON(w, signer.KeySet())
		case r.URL.Path == "/auth/v1/token" && r.URL.Query().Get("grant_type") == "password":
			var in struct{ Email, Password string }
			if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.Header.Get("apikey") != "sb_publishable_of_the_test" || in.Password != "correct horse" {
				w.WriteHeader(http.StatusBadRequest)
				answerJSON(w, map[string]any{"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"})
				return
			}
			token, err := signer.Sign(identity.Claims{Issuer: project.URL + "/auth/v1", Audience: audience, Subject: "supabase|1", Email: in.Email, EmailVerified: true, Name: "Sue Pabase"}, time.Hour)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
				return
			}
			answerJSON(w, map[string]any{
				"access_token": token, "token_type": "bearer", "expires_in": 3600, "expires_at": time.Now().Add(time.Hour).Unix(), "refresh_token": "again",
				"user": map[string]any{"id": "00000000-0000-4000-8000-000000000001", "aud": "authenticated", "email": in.Email, "app_metadata": map[string]any{}, "user_metadata": map[string]any{}, "created_at": "2026-01-01T00:00:00Z"},
			})
		case r.URL.Path == "/auth/v1/logout":
			w.WriteHeader(http.StatusNoContent)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(project.Close)
	s := newSystem(t, options{noWorker: true, env: []string{
		"FANFARE_JWT_ISSUER=" + project.URL + "/auth/v1", "FANFARE_JWT_JWKS_URL=" + project.URL + "/auth/v1/.well-known/jwks.json",
		"FANFARE_SUPABASE_URL=" + project.URL, "FANFARE_SUPABASE_ANON_KEY=sb_publishable_of_the_test",
	}})
	k := newDeskAt(t, s)
	k.open(t, "/customers")
	k.write(t, "textbox", "E-mail", "sue@example.com")
	k.write(t, "textbox", "Password", "wrong horse")
	k.click(t, "button", "Sign in")
	k.says(t, "Invalid login credentials")
	k.write(t, "textbox", "Password", "correct horse")
	k.click(t, "button", "Sign in")
	k.see(t, "heading", "Customers")
	k.open(t, "/customers") // in another tab or after a reload they are still signed in
	k.click(t, "button", "Sue Pabase")
	k.click(t, "menuitem", "Sign out")
	k.see(t, "textbox", "E-mail")
}
