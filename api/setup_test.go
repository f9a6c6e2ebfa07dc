package api_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/bucket"
	"fanfare/internal/embedding"
	"fanfare/internal/identity"
	"fanfare/internal/images"
	"fanfare/internal/llm"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
	"fanfare/internal/vault"
	"fanfare/internal/workspace"
	"fanfare/jobs"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

const (
	issuer   = "https://issuer.example/auth/v1"
	audience = "authenticated"
)

// world is a running API with everything real behind it.
type world struct {
	*dbtest.DB
	url      string
	signer   *identity.Signer
	vault    *vault.Vault
	box      *sandbox.Sandbox
	siteURL  string // of the sandbox's Ghost site
	siteKey  string
	siteHits *hits
	bucket   *bucket.Bucket
	work     *workspace.Store
	workDir  string
	logs     *logBuffer
	boxURL   string              // of the sandbox
	bot      sandbox.TelegramBot // of the installation
}

// options are what a test wants to be different.
type options struct {
	pool           *pgxpool.Pool
	verifier       *identity.Verifier
	requestTimeout time.Duration
	uploadStall    time.Duration
	noBucket       bool
	noWorkspaces   bool
	noBackups      bool
	rules          api.WorkspaceRules
	noLLM          bool
	noBudget       string // "tokens" or "money": customers without a budget of their own have none
	adminsOnly     bool   // only system admins make customers
	noEgress       bool   // the sandbox on loopback is out of bounds, as it would be in production
	allowed        []netip.Prefix
	egress         *platform.Egress                // what webhooks and MCP servers of customers are reached by; those on the internet if nil
	log            io.Writer                       // in place of the world's
	wrap           func(http.Handler) http.Handler // stands before the API
	publicURL      string
	apiURL         string // in place of the server's own
	returnURLs     []string
	embedder       embedding.Embedder
	noBots         bool // the installation has none
	noConnectors   bool
	noImages       bool
	mails          bool // e-mail is set up
	signIn         api.SignIn
	sandboxURL     string
	corsOrigins    []string
	pages          func(http.Handler) http.Handler
	proxies        []netip.Prefix // loopback if nil
}

var (
	developmentKey = sync.OnceValue(func() *identity.Signer { return must(identity.NewDevelopmentKey()) })
	loopback       = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func setup(t testing.TB) *world {
	t.Helper()
	return setupWith(t, options{})
}

func setupWith(t testing.TB, o options) *world {
	t.Helper()
	w := &world{DB: dbtest.New(t), signer: developmentKey(), logs: &logBuffer{}, siteHits: &hits{}}
	var err error
	if w.vault, err = vault.Create(t.Context(), vault.Config{KeySet: filepath.Join(t.TempDir(), "keys.json")}); err != nil {
		t.Fatal(err)
	}
	w.bucket = must(bucket.OpenDirectory(t.TempDir()))
	w.workDir = t.TempDir()
	w.work = must(workspace.OpenStore(w.workDir))
	t.Cleanup(func() { mustDo(t, w.work.Close()) })
	if w.box, err = sandbox.New(sandbox.Options{}); err != nil {
		t.Fatal(err)
	}
	w.bot = must(w.box.AddTelegramBot(sandbox.TelegramBot{Username: "fanfare_bot"}))
	w.box.OnRequest(w.siteHits.add)
	boxServer := httptest.NewServer(w.box.Handler())
	t.Cleanup(boxServer.Close)
	w.siteKey = w.box.AddGhostSite("blog", "The Blog")
	w.siteURL, w.boxURL = boxServer.URL+"/ghost-sites/blog", boxServer.URL

	w.serve(t, o)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the API's log:\n%s", w.logs)
		}
	})
	return w
}

// serve runs an API on the world's database, in place of the one before.
func (w *world) serve(t testing.TB, o options) {
	t.Helper()
	if o.log == nil {
		o.log = w.logs
	}
	log := slog.New(slog.NewJSONHandler(o.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if o.verifier == nil {
		o.verifier, err = identity.New(t.Context(), identity.Config{Issuer: issuer, Audience: audience, KeySet: w.signer.KeySet(), Logger: log})
		if err != nil {
			t.Fatal(err)
		}
	}
	if o.pool == nil {
		o.pool = w.Login
	}
	if o.allowed == nil && !o.noEgress {
		o.allowed = loopback
	}
	if o.proxies == nil {
		o.proxies = loopback
	}
	queue, err := jobs.NewInserter(log)
	if err != nil {
		t.Fatal(err)
	}
	files := w.bucket
	if o.noBucket {
		files = nil
	}
	work := w.work
	if o.noWorkspaces {
		work = nil
	}
	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	apiURL := cmp.Or(o.apiURL, w.url)
	connectors := w.connectors(apiURL)
	if o.noConnectors {
		connectors = nil
	}
	model := must(llm.New(llm.Config{
		Provider: llm.OpenAI, APIKey: sandbox.LLMKey, Model: "sandbox-writer", BaseURL: w.boxURL + "/openai/v1", Timeout: 5 * time.Second,
		Price: &llm.Price{Input: 1_000_000, Output: 5_000_000},
	}))
	if o.noLLM {
		model = nil
	}
	photos := must(images.NewUnsplash(images.Config{AccessKey: w.box.AddUnsplashApp(), URL: w.boxURL + "/unsplash"}))
	if o.noImages {
		photos = nil
	}
	tokens, money := int64(1_000_000), int64(5_000_000)
	switch o.noBudget {
	case "tokens":
		tokens = 0
	case "money":
		money = 0
	}
	handler := api.New(api.Deps{
		Pool: o.pool, Verifier: o.verifier, Vault: w.vault, Queue: queue, Bucket: files, Log: log, RequestTimeout: o.requestTimeout, UploadStall: o.uploadStall,
		Workspaces: work, WorkspaceRules: o.rules, Backups: !o.noBackups,
		Connectors: connectors, Egress: o.egress, Images: photos, APIURL: apiURL, Issuer: issuer, ChatBots: w.chatBots(t, o, apiURL, log), ReturnURLs: o.returnURLs, Embedder: o.embedder,
		PublicURL: o.publicURL, MailsInvitations: o.mails, TrustedProxies: o.proxies,
		LLM: model, LLMMonthlyTokens: tokens, LLMMonthlyMicroUSD: money, AdminsMakeCustomers: o.adminsOnly,
		SignIn: o.signIn, SandboxURL: o.sandboxURL, Pages: o.pages, CORSOrigins: o.corsOrigins,
		Ghost: platform.NewGhost(platform.NewEgress(o.allowed)),
	})
	if o.wrap != nil {
		handler = o.wrap(handler)
	}
	server.Config.Handler = handler
	server.Start()
	t.Cleanup(server.Close)
}

// connectors are those of applications in the sandbox, to which browsers come back at the API's address.
func (w *world) connectors(apiURL string) map[platform.Name]platform.Connector {
	app := func(name platform.Name) platform.OAuthApp {
		id, secret := w.box.AddOAuthApp(string(name), apiURL+"/v1/oauth/"+string(name)+"/callback")
		return platform.OAuthApp{ClientID: id, ClientSecret: secret}
	}
	return map[platform.Name]platform.Connector{
		platform.Twitter: platform.NewTwitterConnector(platform.TwitterConfig{
			App: app(platform.Twitter), SiteURL: w.boxURL + "/twitter", APIURL: w.boxURL + "/twitter-api",
		}),
		platform.LinkedIn: platform.NewLinkedInConnector(platform.LinkedInConfig{
			App: app(platform.LinkedIn), SiteURL: w.boxURL + "/linkedin", APIURL: w.boxURL + "/linkedin-api", Version: "202610", Pages: true,
		}),
		platform.Facebook: platform.NewFacebookConnector(platform.FacebookConfig{
			App: app(platform.Facebook), SiteURL: w.boxURL + "/facebook", GraphURL: w.boxURL + "/facebook-graph", Version: "v26.0",
		}),
		platform.Mailchimp: platform.NewMailchimpConnector(platform.MailchimpConfig{
			App: app(platform.Mailchimp), LoginURL: w.boxURL + "/mailchimp-login", APIURL: w.boxURL + "/mailchimp-api/{dc}",
		}),
	}
}

// hits counts requests that have reached the Ghost site.
type hits struct {
	sync.Mutex
	n int
}

func (h *hits) add(r sandbox.RequestInfo) {
	if r.Platform == "ghost" {
		h.Lock()
		h.n++
		h.Unlock()
	}
}
func (h *hits) count() int { h.Lock(); defer h.Unlock(); return h.n }

// logBuffer keeps what was logged.
type logBuffer struct {
	sync.Mutex
	buffer bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.Lock()
	defer b.Unlock()
	return b.buffer.Write(p)
}
func (b *logBuffer) String() string { b.Lock(); defer b.Unlock(); return b.buffer.String() }

// token is a good one for the person.
func (w *world) token(t testing.TB, who dbtest.User) string {
	t.Helper()
	token, err := w.signer.Sign(identity.Claims{
		Issuer: issuer, Audience: audience, Subject: who.Subject, Email: who.Email, EmailVerified: true, Name: who.Email,
	}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// problem reads the answer as a problem.
func (a answer) problem(t testing.TB) api.Problem {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Fatalf("not a problem: %v: %s", err, a.body)
	}
	return p
}

// into reads the body.
func into[T any](t testing.TB, a answer) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(a.body, &v); err != nil {
		t.Fatalf("read %s: %v", a.body, err)
	}
	return v
}

func (a answer) etag() string { return a.header.Get("ETag") }

// want fails the test unless the answer has the status.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("got %d, want %d: %s", a.status, status, a.body)
	}
	return a
}

// wantAt wants a 422 that points at the place.
func (a answer) wantAt(t testing.TB, location string) answer {
	t.Helper()
	a.want(t, http.StatusUnprocessableEntity)
	p := a.problem(t)
	if len(p.Errors) == 0 || p.Errors[0].Location != location {
		t.Errorf("points at %v, want %s", p.Errors, location)
	}
	return a
}

// callWith asks with an API key or an agent token, as call does.
func (w *world) callWith(t testing.TB, credential, method, path string, body any, headers ...string) answer {
	t.Helper()
	request := w.request(t, method, path, body)
	if strings.HasPrefix(credential, "ffk_") {
		request.Header.Set("x-api-key", credential)
	} else {
		request.Header.Set("Authorization", "Bearer "+credential)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return w.do(t, request)
}

// call asks as somebody, with a body in JSON where there is one, and headers as pairs of name and value. The
// answer is held against the OpenAPI document.
func (w *world) call(t testing.TB, who dbtest.User, method, path string, body any, headers ...string) answer {
	t.Helper()
	request := w.request(t, method, path, body)
	request.Header.Set("Authorization", "Bearer "+w.token(t, who))
	request.Header.Set("X-Admin-Reason", "a test") // needed by system roles alone
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	return w.do(t, request)
}

func (w *world) request(t testing.TB, method, path string, body any) *http.Request {
	t.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	case io.Reader:
		reader = body
	default:
		reader = bytes.NewReader(must(json.Marshal(body)))
	}
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, w.url+path, reader)
	if err != nil {
		t.Fatal(err)
	}
	if reader != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	// Each request comes from elsewhere, through a proxy on loopback: addresses are limited.
	n := senders.Add(1)
	request.Header.Set("X-Forwarded-For", netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}).String())
	return request
}

var senders atomic.Uint32

// do sends a request as it is, and checks the answer.
func (w *world) do(t testing.TB, request *http.Request) answer {
	t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		t.Fatalf("%s %s: %v", request.Method, request.URL.Path, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read answer: %v", err)
	}
	a := answer{status: response.StatusCode, header: response.Header, body: body}
	checkAnswer(t, request, a)
	return a
}

// m is a JSON object.
type m = map[string]any

// count gives the number that a query of the superuser answers.
func (w *world) count(t testing.TB, sql string, args ...any) int {
	t.Helper()
	var n int
	if err := w.Super.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// exec changes something behind the API's back.
func (w *world) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := w.Super.Exec(context.Background(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// stored counts the rows of everything that a request could have made.
func (w *world) stored(t testing.TB) string {
	t.Helper()
	var counts string
	err := w.Super.QueryRow(context.Background(), `
		select format('users %s customers %s/%s memberships %s campaigns %s/%s posts %s/%s platform_posts %s/%s integrations %s/%s invitations %s/%s jobs %s',
			(select count(*) from users),
			(select count(*) from customers), (select sum(version) from customers),
			(select count(*) from memberships),
			(select count(*) from campaigns), (select sum(version) from campaigns),
			(select count(*) from posts), (select sum(version) from posts),
			(select count(*) from platform_posts), (select sum(version) from platform_posts),
			(select count(*) from integrations), (select sum(version) from integrations),
			(select count(*) from invitations), (select sum(version) from invitations),
			(select count(*) from river.river_job)) || format(' exports %s erasures %s',
			(select count(*) from exports), (select count(*) from erasures)) || format(' authorizations %s/%s connect_sessions %s',
			(select count(*) from authorizations), (select sum(version) from authorizations), (select count(*) from connect_sessions))
			|| format(' media %s/%s email_templates %s/%s', (select count(*) from media), (select sum(version) from media),
				(select count(*) from email_templates), (select sum(version) from email_templates))`).Scan(&counts)
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// page is a page of anything that has an id.
type page struct {
	Items []struct {
		ID     string `json:"id"`
		UserID string `json:"user_id"`
		Name   string `json:"name"`
		State  string `json:"state"`
	} `json:"items"`
	NextCursor *string `json:"next_cursor"`
}

// walk reads a list to its end, two at a time, and gives the ids in order and the number of pages.
func (w *world) walk(t testing.TB, who dbtest.User, path string) (ids []string, pages int) {
	t.Helper()
	separator := "?"
	if strings.Contains(path, "?") {
		separator = "&"
	}
	next := path + separator + "limit=2"
	for {
		p := into[page](t, w.call(t, who, http.MethodGet, next, nil).want(t, 200))
		pages++
		for _, item := range p.Items {
			ids = append(ids, item.ID+item.UserID)
		}
		if p.NextCursor == nil {
			return ids, pages
		}
		if len(p.Items) != 2 || pages > 50 {
			t.Fatalf("page %d of %s has %d items and a next one", pages, path, len(p.Items))
		}
		next = path + separator + "limit=2&cursor=" + *p.NextCursor
	}
}

// wantIDs compares ids with those that are wanted, given oldest first, where the list is newest first.
func wantIDs(t testing.TB, got []string, want []uuid.UUID) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d things, want %d: %v", len(got), len(want), got)
	}
	for i, id := range got {
		if id != want[len(want)-1-i].String() {
			t.Errorf("place %d holds %s, want %s", i, id, want[len(want)-1-i])
		}
	}
}

// mustDo fails the test for an error.
func mustDo(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
