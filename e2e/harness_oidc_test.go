package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"fanfare/internal/identity"
)

// openIDProvider is an OpenID Connect provider with one client, the dashboard, and one person.
type openIDProvider struct {
	url, clientID, person string
	signer                *identity.Signer
	// lifetime is how long its tokens are good.
	lifetime time.Duration

	mu         sync.Mutex
	challenges map[string]string // by code
	refreshed  int
	problems   []string // what the dashboard did that it should not
}

func newOpenIDProvider(t testing.TB, person string, lifetime time.Duration) *openIDProvider {
	t.Helper()
	signer, err := identity.NewDevelopmentKey()
	if err != nil {
		t.Fatal(err)
	}
	p := &openIDProvider{clientID: "dashboard", person: person, signer: signer, lifetime: lifetime, challenges: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.metadata)
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, _ *http.Request) { answerJSON(w, signer.KeySet()) })
	mux.HandleFunc("GET /authorize", p.consent)
	mux.HandleFunc("GET /allow", p.allow)
	mux.HandleFunc("POST /token", p.token)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*") // the dashboard asks from its own origin
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.Close()
		for _, problem := range p.problems {
			t.Error("the OpenID provider:", problem)
		}
	})
	p.url = server.URL
	return p
}

func answerJSON(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the client hears of it
}

func (p *openIDProvider) metadata(w http.ResponseWriter, _ *http.Request) {
	answerJSON(w, map[string]any{
		"issuer": p.url, "authorization_endpoint": p.url + "/authorize", "token_endpoint": p.url + "/token", "jwks_uri": p.url + "/jwks",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "code_challenge_methods_supported": []string{"S256"},
	})
}

// consent is the page at which the person signs in.
func (p *openIDProvider) consent(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != p.clientID || q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("state") == "" {
		p.complain("asked for sign-in with " + r.URL.RawQuery)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><title>Provider</title><a href="/allow?%s">I am %s</a>`, html.EscapeString(r.URL.RawQuery), html.EscapeString(p.person))
}

func (p *openIDProvider) allow(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	code := uniqueName("code")
	p.mu.Lock()
	p.challenges[code] = q.Get("code_challenge")
	p.mu.Unlock()
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusSeeOther)
}

// token gives tokens for a code with its verifier, or anew.
func (p *openIDProvider) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		code := r.PostFormValue("code")
		verifier := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if challenge, known := p.challenges[code]; !known || challenge != base64.RawURLEncoding.EncodeToString(verifier[:]) {
			p.problems = append(p.problems, "a code came with the verifier of another, or twice")
			http.Error(w, `{"error": "invalid_grant"}`, http.StatusBadRequest)
			return
		}
		delete(p.challenges, code)
	case "refresh_token":
		p.refreshed++
	}
	token, err := p.sign()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answerJSON(w, map[string]any{"access_token": token, "id_token": token, "token_type": "Bearer", "expires_in": int(p.lifetime.Seconds()), "refresh_token": "again", "scope": "openid"})
}

// sign makes a token of the person.
func (p *openIDProvider) sign() (string, error) {
	return p.signer.Sign(identity.Claims{Issuer: p.url, Audience: audience, Subject: "oidc|" + p.person, Email: "oidc@example.com", EmailVerified: true, Name: p.person}, p.lifetime)
}

// env are the settings of an installation at which people sign in here.
func (p *openIDProvider) env() []string {
	return []string{"FANFARE_JWT_ISSUER=" + p.url, "FANFARE_JWT_JWKS_URL=" + p.url + "/jwks", "FANFARE_OIDC_CLIENT_ID=" + p.clientID}
}

func (p *openIDProvider) complain(problem string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = append(p.problems, problem)
}

func (p *openIDProvider) renewals() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refreshed
}
