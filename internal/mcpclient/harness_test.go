package mcpclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"fanfare/internal/mcpclient"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// loopback lets the client reach servers on this machine, and no other private ones.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func newClient() *mcpclient.Client { return mcpclient.New(platform.NewEgress(loopback), "test") }

// world is a sandbox with an MCP server behind OAuth, "studio", and a client.
type world struct {
	t      *testing.T
	box    *sandbox.Sandbox
	base   string
	client *mcpclient.Client
}

func setup(t *testing.T) *world {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	box.AddMCPServer("studio", sandbox.MCPOAuth)
	return &world{t: t, box: box, base: server.URL, client: newClient()}
}

func (w *world) url(name string) string { return w.base + "/mcp/" + name }

func (w *world) check(name, authorization string) mcpclient.Status {
	w.t.Helper()
	return check(w.t, w.client, w.url(name), authorization)
}

func check(t *testing.T, client *mcpclient.Client, address, authorization string) mcpclient.Status {
	t.Helper()
	status, err := client.Check(t.Context(), address, authorization)
	if err != nil {
		t.Fatal(err)
	}
	return status
}

// wantState checks a state and that what belongs to it, and nothing else, is there.
func wantState(t *testing.T, status mcpclient.Status, want mcpclient.State) {
	t.Helper()
	if status.State != want {
		t.Fatalf("state %s, want %s: %v", status.State, want, status.Failure)
	}
	if (status.Server != nil) != (want == mcpclient.Connected) || (status.Login != nil) != (want == mcpclient.NeedsLogin) ||
		(status.Failure != nil) != (want == mcpclient.Failing) {
		t.Fatalf("the wrong parts: %+v", status)
	}
}

func wantError(t *testing.T, err error, class platform.Class, code string) {
	t.Helper()
	var e *platform.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v", err)
	}
	if e.Class != class || e.Code != code || e.Message == "" {
		t.Errorf("error %s %q %q, want %s %q: %v", e.Class, e.Code, e.Message, class, code, err)
	}
}

const redirect = "https://app.example/v1/mcp/callback"

// login is a person's way to a server.
type login struct {
	metadata mcpclient.Metadata
	client   mcpclient.Registration
	consent  platform.Consent
}

// begin discovers, registers and makes a consent.
func (w *world) begin() login {
	w.t.Helper()
	status := w.check("studio", "")
	wantState(w.t, status, mcpclient.NeedsLogin)
	if status.Login.How != mcpclient.ByOAuth || status.Login.Refused {
		w.t.Fatalf("login %+v", status.Login)
	}
	metadata := *status.Login.Metadata
	client, err := w.client.Register(w.t.Context(), metadata, redirect, "Fanfare")
	if err != nil {
		w.t.Fatal(err)
	}
	return login{metadata: metadata, client: client, consent: platform.Consent{State: "the state", Verifier: oauth2.GenerateVerifier(), RedirectURL: redirect}}
}

var browser = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// decide opens the consent page, sends its form, and gives the parameters with which the browser is sent back.
func (w *world) decide(l login, decision string) url.Values {
	w.t.Helper()
	address, err := w.client.AuthorizeURL(l.metadata, l.client, l.consent)
	if err != nil {
		w.t.Fatal(err)
	}
	status, page, _ := w.browse(http.MethodGet, address, nil)
	if status != http.StatusOK || !strings.Contains(page, `value="nora"`) || !strings.Contains(page, "app.example") {
		w.t.Fatalf("consent page: %d %s", status, page)
	}
	status, page, header := w.browse(http.MethodPost, address, url.Values{"person": {"nora"}, "decision": {decision}})
	back, err := url.Parse(header.Get("Location"))
	if err != nil || status != http.StatusFound || !strings.HasPrefix(back.String(), redirect+"?") || back.Query().Get("state") != l.consent.State {
		w.t.Fatalf("sent back: %d %q %s", status, header.Get("Location"), page)
	}
	return back.Query()
}

func (w *world) browse(method, address string, form url.Values) (int, string, http.Header) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := browser.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

// connect is the whole way; it gives the tokens.
func (w *world) connect() (login, platform.Tokens) {
	w.t.Helper()
	l := w.begin()
	back := w.decide(l, "allow")
	tokens, err := w.client.Exchange(w.t.Context(), l.metadata, l.client, l.consent, back.Get("code"), back.Get("iss"))
	if err != nil {
		w.t.Fatal(err)
	}
	return l, tokens
}

// noSecret checks that a text holds none that the sandbox has issued.
func (w *world) noSecret(texts ...any) {
	w.t.Helper()
	for _, text := range texts {
		for _, secret := range w.box.Secrets() {
			if strings.Contains(fmt.Sprintf("%v %+v %#v", text, text, text), secret) {
				w.t.Errorf("a secret in %T", text)
			}
		}
	}
}

// serve serves handlers by pattern, and gives the address.
func serve(t *testing.T, handlers map[string]http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	for pattern, handler := range handlers {
		mux.HandleFunc(pattern, handler)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func answerJSON(status int, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
}

type object = map[string]any

// rpc is a server of the older protocol: it answers by method.
func rpc(results map[string]func(params json.RawMessage) any) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var message struct {
			ID     json.RawMessage `json:"id"`
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
		}
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		if message.ID == nil {
			w.WriteHeader(http.StatusAccepted)
			return
		}
		result := results[message.Method]
		if result == nil {
			answerJSON(http.StatusOK, object{"jsonrpc": "2.0", "id": message.ID, "error": object{"code": -32601, "message": "Method not found"}})(w, r)
			return
		}
		answerJSON(http.StatusOK, object{"jsonrpc": "2.0", "id": message.ID, "result": result(message.Params)})(w, r)
	}
}

// initialized answers "initialize".
func initialized(json.RawMessage) any {
	return object{"protocolVersion": "2025-06-18", "capabilities": object{"tools": object{}}, "serverInfo": object{"name": "other", "version": "2"}}
}

// soon is a context that ends before a check would.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
