package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/identity"
)

// bodies are a good body for each operation that has one. An operation that is missing here fails its tests.
var bodies = map[string]any{
	"create-customer":   m{"name": "Forged"},
	"update-customer":   m{"name": "Forged"},
	"create-invitation": m{"email": "forged@example.com", "role": "viewer"},
	"accept-invitation": m{"token": "forged"},
	"update-member":     m{"role": "viewer"},
	"create-campaign":   m{"name": "Forged"},
	"update-campaign":   m{"name": "Forged"},
	"create-post":       m{"text": "Forged"},
	"update-post":       m{"text": "Forged"},
	"submit-post":       m{"comment": "Forged"}, "approve-post": m{"comment": "Forged"}, "reject-post": m{"comment": "Forged"},
	"create-post-review":      m{"comment": "Forged"},
	"check-draft":             m{"text": "Forged"},
	"generate-post":           m{"prompt": "Forged", "platforms": []string{"twitter"}},
	"confirm-platform-post":   m{"external_url": "https://blog.example.com/forged/"},
	"create-media":            onePixel,
	"update-media":            m{"alt_text": "Forged"},
	"write-file":              "Forged",
	"write-file-text":         m{"path": "forged", "content": "Forged"},
	"move-file":               m{"from": "notes/there.md", "to": "notes/forged.md"},
	"create-directory":        m{"path": "forged-directory"},
	"use-file":                m{"path": "picture.gif"},
	"update-workspace-policy": m{"unused_days": 7},
	"create-backup":           m{},
	"create-restore":          m{},
	"use-image":               m{"image_id": "LBI7cgq3pbM"},
	"earlier-create-client":   m{"name": "Forged"},
	"earlier-pair":            m{"client_id": "00000000-0000-7000-8000-000000000000", "code": "000000", "chat_id": 7},
	"earlier-generate-post":   m{"client_id": "00000000-0000-7000-8000-000000000000", "prompt": "Forged", "platforms": []string{"twitter"}},
	"earlier-search-images":   m{"client_id": "00000000-0000-7000-8000-000000000000", "query": "forged"},
	"create-email-template":   m{"name": "Forged", "html": "<p>Forged</p>"},
	"update-email-template":   m{"name": "Forged"},
	"preview-email-template":  m{"title": "Forged"},
	"create-memory":           m{"text": "Forged"},
	"update-memory":           m{"text": "Forged"},
	"set-rate-limit":          m{"quota": 1, "window_seconds": 1},
	"set-llm-budget":          m{"monthly_tokens": 1},
	"schedule-post":           m{"scheduled_at": time.Now().Add(time.Hour).Format(time.RFC3339)},
	"create-queue-slot":       m{"weekday": "friday", "local_time": "17:45"},
	"create-recurring-post":   m{"post_id": "00000000-0000-7000-8000-000000000000", "rrule": "FREQ=DAILY", "starts_local": "2026-01-01T09:00"},
	"update-recurring-post":   m{"rrule": "FREQ=MONTHLY"},
	"create-api-key":          m{"name": "Forged", "permissions": []string{"posts:read"}},
	"update-api-key":          m{"name": "Forged"},
	"create-agent-token":      m{"name": "Forged", "permissions": []string{"posts:read"}},
	"create-webhook":          m{"url": "https://hooks.example.com/forged"},
	"update-webhook":          m{"description": "Forged"},
	"create-bot":              m{"platform": "telegram", "token": "1:forged-forged-forged"},
	"update-bot":              m{"token": "1:forged-forged-forged"},
	"update-space":            m{"title": "Forged"},
	"create-pairing":          m{"platform": "telegram", "bot": sharedBot},
	"erase-customer":          m{"name": "Forged"},
	"update-integration":      m{"is_default": true},
	"choose-accounts":         m{"external_ids": []string{sessionAccount}},
	"create-integration":      m{"platform": "ghost", "site_url": "https://blog.example.com", "admin_api_key": strings.Repeat("a", 24) + ":" + strings.Repeat("b", 64)},
	"create-credential":       m{"name": "Forged", "provider": "anthropic", "model": "claude", "key": "sk-forged-key"},
	"update-credential":       m{"name": "Forged"},
	"create-space-credential": m{"name": "Forged", "provider": "anthropic", "model": "claude", "key": "sk-forged-key", "owner": "space"},
	"update-space-credential": m{"name": "Forged"},
	"create-mcp-server":       m{"name": "Forged", "url": "https://mcp.example.com/forged"},
	"update-mcp-server":       m{"name": "Forged"},
	"set-mcp-login":           m{"owner": "space", "token": "a-forged-token"},
	"set-mcp-client":          m{"client_id": "forged"},
}

// onePixel is a picture.
const onePixel = "GIF89a\x01\x00\x01\x00\x00\x00\x00\x2C\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3B"

var parameter = regexp.MustCompile(`\{[a-z_]+\}`)

// body is the operation's from bodies.
func (o operation) body(t testing.TB) any {
	t.Helper()
	body := bodies[o.OperationID]
	if (o.RequestBody != nil) != (body != nil) {
		t.Fatalf("%s: say in bodies what a good body is", o.OperationID)
	}
	return body
}

// in is the body of an operation whose body names the customer.
func (o operation) in(t testing.TB, customer uuid.UUID) m {
	t.Helper()
	body := maps.Clone(o.body(t).(m))
	body["client_id"] = customer
	return body
}

// path fills the template's parameters, the customer's as given and others with ids of nothing, and the query with what it must have.
func (o operation) path(customer string) string {
	path := strings.NewReplacer("{customer_id}", customer, "{platform}", "twitter").Replace(o.template)
	return parameter.ReplaceAllStringFunc(path, func(string) string { return uuid.NewString() }) + o.query()
}

// query is what the query must have, "" for almost all.
func (o operation) query() string {
	query := url.Values{}
	for _, p := range o.Parameters {
		switch {
		case p.In != "query" || !p.Required:
		case len(p.Schema.Enum) > 0:
			query.Set(p.Name, p.Schema.Enum[len(p.Schema.Enum)-1].(string))
		case p.Schema.Format == "date-time":
			query.Set(p.Name, map[string]string{"from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z"}[p.Name])
		default:
			query.Set(p.Name, "forged")
		}
	}
	if len(query) == 0 {
		return ""
	}
	return "?" + query.Encode()
}

// reads tells an operation that changes nothing inside a customer. The way to a platform begins with a GET that leaves a row.
func (o operation) reads() bool {
	return o.storesNothing() || o.Method == http.MethodGet && !slices.Contains([]string{"connect-integration", "connect-mcp-server", "earlier-authorize"}, o.OperationID)
}

// storesNothing tells a POST that changes nothing.
func (o operation) storesNothing() bool { return o.Metadata["stores_nothing"] == true }

// namesInBody tells an operation whose body names the customer, as client_id.
func (o operation) namesInBody() bool { return o.Metadata["customer_in_body"] == true }

func (o operation) public() bool { return o.Metadata["public"] == true }

// withoutVersion are changes of what nobody reads, and so nobody has seen a version of.
var withoutVersion = map[string]bool{"set-mcp-login": true, "delete-mcp-login": true}

func TestOperationsAreDescribed(t *testing.T) {
	t.Parallel()
	if tags := api.OpenAPI().Tags; len(tags) < 2 || tags[len(tags)-1].Name != "Earlier routes" {
		t.Error("the deprecated routes are not the last of the documentation")
	}
	var public []string
	for _, o := range operations() {
		if o.public() {
			public = append(public, o.Method+" "+o.template)
			if o.Security == nil || len(o.Security) != 0 {
				t.Errorf("%s: the document asks for a token where none is needed", o.OperationID)
			}
		} else if o.Security != nil {
			t.Errorf("%s: has a security of its own", o.OperationID)
		}
		if o.Summary == "" || len(o.Tags) != 1 {
			t.Errorf("%s: summary %q, tags %v", o.OperationID, o.Summary, o.Tags)
		}
		want := []string{"422", "500"}
		if !o.public() {
			want = append(want, "401", "503")
		}
		if strings.Contains(o.template, "{") {
			want = append(want, "404")
		}
		if o.OperationID != "get-liveness" { // which asks nobody
			want = append(want, "429")
		}
		if o.Method != http.MethodGet && !o.storesNothing() {
			want = append(want, "403", "409")
		}
		if o.RequestBody != nil {
			want = append(want, "400", "408", "413", "415")
		}
		if slices.ContainsFunc(o.Parameters, func(p *huma.Param) bool { return p.Name == "If-Match" }) {
			want = append(want, "412")
		} else if (o.Method == http.MethodPut || o.Method == http.MethodPatch || o.Method == http.MethodDelete) && !o.public() && !withoutVersion[o.OperationID] {
			t.Errorf("%s: changes something that is there, and takes no If-Match", o.OperationID)
		}
		for _, status := range want {
			response := o.Responses[status]
			if response == nil || response.Content["application/problem+json"].Schema.Ref != "#/components/schemas/Problem" {
				t.Errorf("%s: does not document %s as a Problem", o.OperationID, status)
			}
		}
	}
	slices.Sort(public)
	if want := []string{"GET /health", "GET /livez", "GET /oauth/{platform}/callback", "GET /readyz", "GET /v1/dashboard", "GET /v1/oauth/mcp/callback", "GET /v1/oauth/{platform}/callback"}; !slices.Equal(public, want) {
		t.Errorf("public are %v, want %v", public, want)
	}
}

// signed makes a token of any kind.
func signed(t testing.TB, algorithm jwa.SignatureAlgorithm, key any, change func(*jwt.Builder)) string {
	t.Helper()
	builder := jwt.NewBuilder().Issuer(issuer).Audience([]string{audience}).Subject("forger").
		IssuedAt(time.Now()).Expiration(time.Now().Add(time.Hour))
	change(builder)
	token, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	text, err := jwt.Sign(token, jwt.WithKey(algorithm, key))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// unsignedWith makes a token with the given header and signature.
func unsignedWith(header, signature string) string {
	claims := must(json.Marshal(m{"iss": issuer, "aud": audience, "sub": "forger", "exp": time.Now().Add(time.Hour).Unix()}))
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(claims) + "." + signature
}

// ownKey makes an issuer whose private key the test has.
func ownKey(t testing.TB) (private jwk.Key, verifier *identity.Verifier) {
	t.Helper()
	private = must(jwk.Import(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))))
	mustDo(t, private.Set(jwk.KeyIDKey, "k"))
	mustDo(t, private.Set(jwk.AlgorithmKey, jwa.ES256()))
	set := jwk.NewSet()
	mustDo(t, set.AddKey(must(private.PublicKey())))
	return private, must(identity.New(t.Context(), identity.Config{Issuer: issuer, Audience: audience, KeySet: set}))
}

func TestOperationsNeedAToken(t *testing.T) {
	t.Parallel()
	private, verifier := ownKey(t)
	w := setupWith(t, options{verifier: verifier})
	own := func(change func(*jwt.Builder)) string { return signed(t, jwa.ES256(), private, change) }
	good := own(func(*jwt.Builder) {})
	parts := strings.Split(good, ".")

	var publicKey ecdsa.PublicKey
	mustDo(t, jwk.Export(must(private.PublicKey()), &publicKey))
	der := must(x509.MarshalPKIXPublicKey(&publicKey))
	publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	foreign := must(jwk.Import(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))))
	mustDo(t, foreign.Set(jwk.KeyIDKey, "k"))

	authorizations := map[string]string{
		"none":                      "",
		"no scheme":                 good,
		"another scheme":            "Basic " + good,
		"no token":                  "Bearer ",
		"only the scheme":           "Bearer",
		"a token too many":          "Bearer " + good + " " + good,
		"garbage":                   "Bearer garbage",
		"two parts":                 "Bearer " + parts[0] + "." + parts[1],
		"alg none":                  "Bearer " + unsignedWith(`{"alg":"none","typ":"JWT"}`, ""),
		"alg None":                  "Bearer " + unsignedWith(`{"alg":"None"}`, ""),
		"unsigned":                  "Bearer " + parts[0] + "." + parts[1] + ".",
		"another's claims":          "Bearer " + unsignedWith(`{"alg":"ES256","kid":"k"}`, parts[2]),
		"HS256 with the public key": "Bearer " + signed(t, jwa.HS256(), publicPEM, func(*jwt.Builder) {}),
		"HS256 with the public DER": "Bearer " + signed(t, jwa.HS256(), der, func(*jwt.Builder) {}),
		"a foreign key of our name": "Bearer " + signed(t, jwa.ES256(), foreign, func(*jwt.Builder) {}),
		"expired":                   "Bearer " + own(func(b *jwt.Builder) { b.Expiration(time.Now().Add(-time.Hour)) }),
		"without an end":            "Bearer " + own(func(b *jwt.Builder) { b.Expiration(time.Time{}) }),
		"not yet valid":             "Bearer " + own(func(b *jwt.Builder) { b.NotBefore(time.Now().Add(time.Hour)) }),
		"issued in the future":      "Bearer " + own(func(b *jwt.Builder) { b.IssuedAt(time.Now().Add(time.Hour)) }),
		"another issuer":            "Bearer " + own(func(b *jwt.Builder) { b.Issuer("https://evil.example") }),
		"another audience":          "Bearer " + own(func(b *jwt.Builder) { b.Audience([]string{"somebody-else"}) }),
		"no subject":                "Bearer " + own(func(b *jwt.Builder) { b.Subject("") }),
		"very long":                 "Bearer " + strings.Repeat("a", 30_000),
	}
	request := w.request(t, http.MethodGet, "/v1/me", nil)
	request.Header.Set("Authorization", "bearer "+good)
	w.do(t, request).want(t, 200) // what is refused below differs from this one in one thing each

	before := w.stored(t)
	for name, authorization := range authorizations {
		for _, o := range operations() {
			request := w.request(t, o.Method, o.path(uuid.NewString()), o.body(t))
			if authorization != "" {
				request.Header.Set("Authorization", authorization)
			}
			got := w.do(t, request)
			if o.public() {
				if got.status != http.StatusOK && got.status != http.StatusServiceUnavailable && got.status != http.StatusSeeOther {
					t.Errorf("%s, %s: got %d", name, o.OperationID, got.status)
				}
				continue
			}
			if got.status != http.StatusUnauthorized || !strings.HasPrefix(got.header.Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s, %s: got %d, WWW-Authenticate %q: %s", name, o.OperationID, got.status, got.header.Get("WWW-Authenticate"), got.body)
			}
		}
	}
	if after := w.stored(t); after != before {
		t.Errorf("something was stored: %s, before %s", after, before)
	}
	if logs := w.logs.String(); strings.Contains(logs, parts[2]) || strings.Contains(logs, parts[1]) {
		t.Error("the log holds a token")
	}
}

// A customer that is not there and one that is not yours cannot be told apart, by any operation.
func TestOperationsOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	before := w.stored(t)
	covered := 0
	for _, o := range operations() {
		if !strings.Contains(o.template, "{customer_id}") {
			continue
		}
		covered++
		theirs := w.call(t, c.outsider, o.Method, o.path(c.customer.ID.String()), o.body(t), "X-Request-ID", "same").want(t, 404)
		nobodys := w.call(t, c.outsider, o.Method, o.path(uuid.NewString()), o.body(t), "X-Request-ID", "same").want(t, 404)
		none := w.call(t, c.outsider, o.Method, o.path(uuid.Nil.String()), o.body(t), "X-Request-ID", "same").want(t, 404)
		if string(theirs.body) != string(nobodys.body) || string(none.body) != string(nobodys.body) {
			t.Errorf("%s: %s and %s can be told apart", o.OperationID, theirs.body, nobodys.body)
		}
	}
	if covered < 20 {
		t.Errorf("only %d operations were asked", covered)
	}
	if after := w.stored(t); after != before {
		t.Errorf("something was stored: %s, before %s", after, before)
	}
	if n := w.siteHits.count() + w.box.Count("unsplash.search") + w.box.Count("unsplash.photo"); n > 0 {
		t.Errorf("somebody else was asked %d times", n)
	}
}

// What is not there in one's own customer is 404 with every id, and a stale or odd If-Match does not change that.
func TestOperationsOnNothing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	for _, o := range operations() {
		if strings.Count(o.template, "{") != 2 || strings.Contains(o.template, "{platform}") { // which is no thing
			continue
		}
		for _, ifMatch := range []string{"", `"v1"`, `"v999"`} {
			w.call(t, c.owner, o.Method, o.path(c.customer.ID.String()), o.body(t), "If-Match", ifMatch).want(t, 404)
		}
		for _, id := range []string{"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"} {
			path := parameter.ReplaceAllString(strings.ReplaceAll(o.template, "{customer_id}", c.customer.ID.String()), id)
			w.call(t, c.owner, o.Method, path+o.query(), o.body(t)).want(t, 404)
		}
		if strings.Contains(o.template, "{operation}") {
			continue // an operation has a name
		}
		path := parameter.ReplaceAllString(strings.ReplaceAll(o.template, "{customer_id}", c.customer.ID.String()), "not-an-id")
		w.call(t, c.owner, o.Method, path, o.body(t)).want(t, 422)
	}
}

// A key that the issuer replaces stops working without a restart, and the new one begins to.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	older, newer := must(identity.NewDevelopmentKey()), must(identity.NewDevelopmentKey())
	var current atomic.Pointer[identity.Signer]
	current.Store(older)
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_ = json.NewEncoder(w).Encode(current.Load().KeySet())
	}))
	t.Cleanup(keys.Close)
	w := setupWith(t, options{verifier: must(identity.New(t.Context(), identity.Config{Issuer: issuer, Audience: audience, JWKSURL: keys.URL}))})
	claims := identity.Claims{Issuer: issuer, Audience: audience, Subject: "somebody"}
	oldToken, newToken := must(older.Sign(claims, time.Hour)), must(newer.Sign(claims, time.Hour))
	ask := func(t *testing.T, token string) answer {
		t.Helper()
		request := w.request(t, http.MethodGet, "/v1/me", nil)
		request.Header.Set("Authorization", "Bearer "+token)
		return w.do(t, request)
	}
	ask(t, oldToken).want(t, 200)
	current.Store(newer)
	// The issuer is asked again at most every few seconds on account of an unknown key.
	deadline := time.Now().Add(30 * time.Second)
	for ask(t, newToken).status != 200 {
		if time.Now().After(deadline) {
			t.Fatal("the new key never worked")
		}
		time.Sleep(100 * time.Millisecond)
	}
	ask(t, oldToken).want(t, 401)
}

// While the issuer has never been reached, a token may be good: that is 503 and not 401.
func TestKeysAway(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	w := setupWith(t, options{verifier: must(identity.New(t.Context(), identity.Config{Issuer: issuer, Audience: audience, JWKSURL: gone.URL, Logger: slog.New(slog.DiscardHandler)}))})
	a := w.call(t, dbtest.User{Subject: "somebody"}, http.MethodGet, "/v1/me", nil).want(t, 503)
	if a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}
