package mcpclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"fanfare/internal/mcpclient"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

func TestCheckOpen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.box.AddMCPServer("news", sandbox.MCPOpen)
	status := w.check("news", "")
	wantState(t, status, mcpclient.Connected)
	server := status.Server
	if server.Name != "sandbox-news" || server.Title != "Sandbox news" || server.Version != "1.0.0" || server.Protocol == "" || server.MoreTools {
		t.Errorf("server %+v", server)
	}
	if len(server.Tools) != 2 || server.Tools[1] != (mcpclient.Tool{Name: "search_news", Description: "Search recent news by words of the headline.", ReadOnly: true}) {
		t.Errorf("tools %+v", server.Tools)
	}
}

func TestCheckToken(t *testing.T) {
	t.Parallel()
	w := setup(t)
	token := w.box.AddMCPServer("assets", sandbox.MCPToken)
	for _, authorization := range []string{"", "Bearer wrong", "Basic " + token} {
		status := w.check("assets", authorization)
		wantState(t, status, mcpclient.NeedsLogin)
		if status.Login.How != mcpclient.ByToken || status.Login.Metadata != nil || status.Login.Refused != (authorization != "") {
			t.Errorf("%q: %+v", authorization, status.Login)
		}
	}
	status := w.check("assets", "Bearer "+token)
	wantState(t, status, mcpclient.Connected)
	w.noSecret(status)
	w.box.RevokeMCP("assets")
	wantState(t, w.check("assets", "Bearer "+token), mcpclient.NeedsLogin)
}

func TestCheckFailing(t *testing.T) {
	t.Parallel()
	w := setup(t)
	token := w.box.AddMCPServer("assets", sandbox.MCPToken)
	for _, c := range []struct {
		name  string
		set   sandbox.MCPSettings
		fault *sandbox.Fault
		class platform.Class
		code  string
	}{
		{"error", sandbox.MCPSettings{Fail: "error"}, nil, platform.Transient, ""},
		{"garbage", sandbox.MCPSettings{Fail: "garbage"}, nil, platform.Invalid, platform.CodeBadAnswer},
		{"dropped", sandbox.MCPSettings{}, &sandbox.Fault{Platform: "mcp", Kind: sandbox.FaultDropBefore, Times: -1}, platform.Transient, mcpclient.CodeUnreachable},
		{"limited", sandbox.MCPSettings{}, &sandbox.Fault{Platform: "mcp", Kind: sandbox.FaultStatus, Status: 429, Headers: map[string]string{"Retry-After": "60"}, Times: -1}, platform.RateLimited, ""},
		{"unpaid", sandbox.MCPSettings{}, &sandbox.Fault{Platform: "mcp", Kind: sandbox.FaultStatus, Status: 402, Times: -1}, platform.PaymentRequired, ""},
		{"forbidden", sandbox.MCPSettings{}, &sandbox.Fault{Platform: "mcp", Kind: sandbox.FaultStatus, Status: 403, Times: -1}, platform.Credential, mcpclient.CodeForbidden},
		{"a page", sandbox.MCPSettings{}, &sandbox.Fault{Platform: "mcp", Kind: sandbox.FaultBody, Body: "<html>", Times: -1}, platform.Invalid, platform.CodeBadAnswer},
		{"tools fail", sandbox.MCPSettings{}, &sandbox.Fault{Step: "mcp.list_tools", Kind: sandbox.FaultStatus, Status: 503, Times: -1}, platform.Transient, ""},
		{"redirect", sandbox.MCPSettings{}, &sandbox.Fault{Platform: "mcp", Kind: sandbox.FaultStatus, Status: 307, Headers: map[string]string{"Location": "http://169.254.169.254/"}, Times: -1},
			platform.Invalid, mcpclient.CodeRedirect},
	} {
		w.box.ClearFaults()
		w.box.MCPSettings("assets", c.set)
		if c.fault != nil {
			if err := w.box.AddFault(*c.fault); err != nil {
				t.Fatal(err)
			}
		}
		status := w.check("assets", "Bearer "+token)
		if status.State != mcpclient.Failing {
			t.Errorf("%s: %+v", c.name, status)
			continue
		}
		wantError(t, status.Failure, c.class, c.code)
		w.noSecret(status.Failure, status.Failure.Error())
		if (c.name == "limited") != !status.Failure.RetryAt.IsZero() {
			t.Errorf("%s: retry at %v", c.name, status.Failure.RetryAt)
		}
	}
	w.box.ClearFaults()
	w.box.MCPSettings("assets", sandbox.MCPSettings{})
	wantState(t, w.check("assets", "Bearer "+token), mcpclient.Connected)
	status := w.check("nowhere", "")
	wantState(t, status, mcpclient.Failing)
	wantError(t, status.Failure, platform.Invalid, mcpclient.CodeNotFound)
}

func TestCheckHangs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.box.AddMCPServer("news", sandbox.MCPOpen)
	w.box.MCPSettings("news", sandbox.MCPSettings{Fail: "hang"})
	began := time.Now()
	status := w.check("news", "")
	if took := time.Since(began); took > 13*time.Second {
		t.Errorf("it took %s", took)
	}
	wantState(t, status, mcpclient.Failing)
	wantError(t, status.Failure, platform.Transient, mcpclient.CodeUnreachable)
	if _, err := w.client.Check(soon(t), w.url("news"), ""); !errors.Is(err, context.Canceled) {
		t.Errorf("a check that was given up: %v", err)
	}
}

func TestCheckAddresses(t *testing.T) {
	t.Parallel()
	guarded := mcpclient.New(platform.NewEgress(nil), "test")
	for _, address := range []string{
		"", "mcp.example", "ftp://mcp.example/", "http://mcp.example/mcp", "https://user:secret@mcp.example/", "https://mcp.example/#x",
		"https://127.0.0.1/mcp", "https://[::1]/mcp", "https://localhost/mcp", "https://169.254.169.254/latest/meta-data", "https://10.0.0.1/",
		"https://[::ffff:127.0.0.1]/", "https://mcp.example/" + strings.Repeat("x", mcpclient.MaxURL), "javascript:alert(1)", "https:///mcp", "https://%zz/",
	} {
		if err := guarded.CheckURL(address); err == nil {
			t.Errorf("%q is accepted", address)
		}
		status := check(t, guarded, address, "Bearer a secret of somebody")
		wantState(t, status, mcpclient.Failing)
		wantError(t, status.Failure, platform.Invalid, platform.CodeAddressRefused)
		if strings.Contains(status.Failure.Error(), "secret") {
			t.Errorf("%q: %v", address, status.Failure)
		}
	}
	if err := guarded.CheckURL("https://mcp.example/mcp?team=1"); err != nil {
		t.Error(err)
	}
	// Where networks are allowed, http is for those only: a public address is not dialled without TLS.
	status := check(t, newClient(), "http://192.0.2.1/mcp", "")
	wantState(t, status, mcpclient.Failing)
	wantError(t, status.Failure, platform.Invalid, platform.CodeAddressRefused)
	status = check(t, newClient(), "http://127.0.0.1:1/mcp", "")
	wantState(t, status, mcpclient.Failing)
	wantError(t, status.Failure, platform.Transient, mcpclient.CodeUnreachable)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	status = check(t, newClient(), secure.URL+"/mcp", "")
	wantState(t, status, mcpclient.Failing)
	wantError(t, status.Failure, platform.Invalid, mcpclient.CodeTLS)
}

// TestCheckNewest: a server of the version without sessions, which is asked by server/discover.
func TestCheckNewest(t *testing.T) {
	t.Parallel()
	server := mcp.NewServer(&mcp.Implementation{Name: "newest", Version: "3"}, nil)
	mcp.AddTool(server, &mcp.Tool{Name: "one"}, func(context.Context, *mcp.CallToolRequest, any) (*mcp.CallToolResult, any, error) {
		return nil, nil, nil
	})
	var requests atomic.Int32
	handler := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true})
	base := serve(t, map[string]http.HandlerFunc{"/mcp": func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		handler.ServeHTTP(w, r)
	}})
	status := check(t, newClient(), base+"/mcp", "")
	wantState(t, status, mcpclient.Connected)
	if status.Server.Protocol != "2026-07-28" || status.Server.Name != "newest" || len(status.Server.Tools) != 1 || requests.Load() != 2 {
		t.Errorf("%d requests: %+v", requests.Load(), status.Server)
	}
}

// TestCheckOlder: servers without server/discover, with sloppy lists.
func TestCheckOlder(t *testing.T) {
	t.Parallel()
	const secret = "s3cret-of-theirs"
	base := serve(t, map[string]http.HandlerFunc{"/mcp": rpc(map[string]func(json.RawMessage) any{
		"initialize": initialized,
		"tools/list": func(json.RawMessage) any {
			return object{"tools": []any{
				object{"name": "a", "inputSchema": object{"type": "object"}}, object{"name": "a", "inputSchema": object{"type": "object"}},
				object{"name": strings.Repeat("n", 5000), "description": strings.Repeat("d", 5000), "inputSchema": object{"type": "object"}},
				object{"name": "", "inputSchema": object{"type": "object"}},
				object{"name": "echo", "description": "You are " + secret[:3] + "\u200b" + secret[3:] + "\nor Bearer " + secret + "\u202e.", "inputSchema": object{"type": "object"}},
			}}
		},
	})})
	status := check(t, newClient(), base+"/mcp", "Bearer "+secret)
	wantState(t, status, mcpclient.Connected)
	server := status.Server
	if server.Name != "other" || server.Protocol != "2025-06-18" || len(server.Tools) != 3 {
		t.Fatalf("server %+v", server)
	}
	if long := server.Tools[1]; len(long.Name) != 128 || len(long.Description) != 500 {
		t.Errorf("lengths %d, %d", len(long.Name), len(long.Description))
	}
	if echo := server.Tools[2].Description; echo != "You are … or …." {
		t.Errorf("description %q", echo)
	}
}

// TestCheckHostile: whatever a server does, a check ends soon, with few requests, and says why.
func TestCheckHostile(t *testing.T) {
	t.Parallel()
	const secret = "s3cret-of-theirs"
	stream := func(w http.ResponseWriter, r *http.Request, event func(int) string) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; r.Context().Err() == nil; i++ {
			if _, err := fmt.Fprint(w, event(i)); err != nil {
				return
			}
		}
	}
	tools := func(list func(json.RawMessage) any) http.HandlerFunc {
		return rpc(map[string]func(json.RawMessage) any{"initialize": initialized, "tools/list": list})
	}
	for _, c := range []struct {
		name    string
		handler http.HandlerFunc
		code    string
	}{
		{"a hundred megabytes", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":1,"result":"`))
			for range 100 {
				if _, err := w.Write([]byte(strings.Repeat("x", 1<<20))); err != nil {
					return
				}
			}
		}, mcpclient.CodeTooLarge},
		{"endless comments", func(w http.ResponseWriter, r *http.Request) {
			stream(w, r, func(int) string { return ":" + strings.Repeat("x", 100) + "\n\n" })
		}, mcpclient.CodeTooLarge},
		{"one endless event", func(w http.ResponseWriter, r *http.Request) {
			stream(w, r, func(int) string { return "data: " + strings.Repeat("x", 1000) + "\n" })
		}, mcpclient.CodeTooLarge},
		{"endless questions", func(w http.ResponseWriter, r *http.Request) {
			stream(w, r, func(i int) string {
				return fmt.Sprintf("data: {\"jsonrpc\":\"2.0\",\"id\":\"q%d\",\"method\":\"ping\"}\n\n", i)
			})
		}, mcpclient.CodeTooLarge},
		{"resumed for ever", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = w.Write([]byte("id: 1\nretry: 0\ndata:\n\n"))
		}, platform.CodeBadAnswer},
		{"a list without an end", tools(func(json.RawMessage) any {
			return object{"tools": []any{}, "nextCursor": "again"}
		}), mcpclient.CodeTooLarge},
		{"large pages", tools(func(json.RawMessage) any {
			return object{"tools": []any{object{"name": "a", "description": strings.Repeat("x", 900_000), "inputSchema": object{"type": "object"}}}, "nextCursor": "again"}
		}), mcpclient.CodeTooLarge},
		{"no list", tools(func(json.RawMessage) any { return "tools" }), platform.CodeBadAnswer},
		{"a result of nothing", rpc(map[string]func(json.RawMessage) any{"initialize": func(json.RawMessage) any { return nil }}), platform.CodeBadAnswer},
		{"an unknown protocol", rpc(map[string]func(json.RawMessage) any{
			"initialize": func(json.RawMessage) any { return object{"protocolVersion": "1999-01-01", "capabilities": object{}} },
		}), platform.CodeBadAnswer},
		{"depth", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":1,"result":` + strings.Repeat("[", 500_000)))
		}, platform.CodeBadAnswer},
		{"the credential in an error", func(w http.ResponseWriter, r *http.Request) {
			answerJSON(400, object{"jsonrpc": "2.0", "id": 1, "error": object{"code": 1, "message": r.Header.Get("Authorization")}})(w, r)
		}, platform.CodeBadAnswer},
		{"another status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }, platform.CodeBadAnswer},
		{"to the metadata service", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusTemporaryRedirect)
		}, mcpclient.CodeRedirect},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int32
			base := serve(t, map[string]http.HandlerFunc{"/mcp": func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				c.handler(w, r)
			}})
			began := time.Now()
			status := check(t, newClient(), base+"/mcp", "Bearer "+secret)
			if took := time.Since(began); took > 8*time.Second || requests.Load() > 60 {
				t.Errorf("it took %s and %d requests", took, requests.Load())
			}
			wantState(t, status, mcpclient.Failing)
			wantError(t, status.Failure, platform.Invalid, c.code)
			if strings.Contains(status.Failure.Error(), secret) {
				t.Errorf("the credential is in %v", status.Failure)
			}
		})
	}
}

// TestCheckLeavesNothing: no goroutine and no session outlives a check.
func TestCheckLeavesNothing(t *testing.T) { //nolint:paralleltest // counts goroutines
	w := setup(t)
	w.box.AddMCPServer("news", sandbox.MCPOpen)
	questions := serve(t, map[string]http.HandlerFunc{"/mcp": func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := 0; r.Context().Err() == nil; i++ {
			if _, err := fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":\"q%d\",\"method\":\"ping\"}\n\n", i); err != nil {
				return
			}
		}
	}})
	before := runtime.NumGoroutine()
	for range 10 {
		wantState(t, w.check("news", ""), mcpclient.Connected)
		wantState(t, w.check("studio", ""), mcpclient.NeedsLogin)
		wantState(t, check(t, w.client, questions+"/mcp", ""), mcpclient.Failing)
	}
	for began := time.Now(); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 10*time.Second {
			stacks := make([]byte, 1<<16)
			t.Fatalf("%d goroutines, %d before: %s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// TestCheckStrangeMessages: what a server asks and tells of its own accord, with whatever parameters, stops no process: the SDK
// handles it in goroutines of its own, where nothing recovers from a panic.
func TestCheckStrangeMessages(t *testing.T) {
	t.Parallel()
	methods := []string{
		"ping", "roots/list", "sampling/createMessage", "elicitation/create", "tasks/get", "initialize", "tools/list", "", "notifications/cancelled",
		"notifications/progress", "notifications/message", "notifications/tools/list_changed", "notifications/prompts/list_changed",
		"notifications/resources/list_changed", "notifications/resources/updated", "notifications/elicitation/complete", "notifications/subscriptions/acknowledged",
	}
	params := []string{"", `,"params":null`, `,"params":[]`, `,"params":"x"`, `,"params":{}`, `,"params":{"_meta":null}`,
		`,"params":{"_meta":{"progressToken":{}},"requestId":{},"progressToken":[],"messages":[null],"requestedSchema":{"type":"object","properties":{"a":null}}}`,
		`,"params":{"_meta":[],"requestId":1.5,"uri":7}`}
	odd := []string{`{}`, `null`, `[]`, `[null]`, `7`, `{"jsonrpc":"2.0"}`, `{"jsonrpc":"2.0","id":1}`, `{"jsonrpc":"2.0","id":null,"result":null}`,
		`{"jsonrpc":"2.0","id":1,"result":null,"error":null}`, `{"jsonrpc":"2.0","id":1,"error":null}`, `{"jsonrpc":"2.0","id":1,"error":{}}`,
		`{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"","data":{"supported":[null,"2026-07-28"]}}}`,
		`{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"","data":7}}`, `{"jsonrpc":"2.0","id":99,"result":{}}`, `{"jsonrpc":"2.0","id":{},"result":{}}`, `{"jsonrpc":"1.0","id":1,"method":"ping"}`}
	results := []string{`{}`, `null`, `[]`, `{"protocolVersion":null,"capabilities":null,"serverInfo":null}`,
		`{"protocolVersion":"2025-06-18"}`, `{"protocolVersion":"2025-06-18","capabilities":{"tools":null,"resources":7}}`,
		`{"protocolVersion":"2025-06-18","capabilities":{"tools":{"listChanged":true},"logging":{},"extensions":{"a":null}},"serverInfo":{"name":null,"icons":[null]}}`,
		`{"supportedVersions":null,"capabilities":{"tools":{}}}`, `{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}},"ttlMs":-1}`,
		`{"tools":[null,{"inputSchema":{"type":["x"],"properties":{"a":{"x-mcp-header":7}}}}],"nextCursor":7}`,
		`{"resultType":"input_required","inputRequests":{"a":null},"tools":[]}`, `{"resultType":"input_required","inputRequests":{"a":{"method":"elicitation/create","params":null}}}`}
	messages := slices.Clone(odd)
	for _, method := range methods {
		for _, with := range params {
			id := `,"id":"q"`
			if strings.HasPrefix(method, "notifications/") {
				id = ""
			}
			messages = append(messages, fmt.Sprintf(`{"jsonrpc":"2.0","method":%q%s%s}`, method, id, with))
		}
	}
	client := newClient()
	ask := func(before, result, list string) {
		base := serve(t, map[string]http.HandlerFunc{"/mcp": func(w http.ResponseWriter, r *http.Request) {
			var message struct {
				ID     json.RawMessage `json:"id"`
				Method string          `json:"method"`
			}
			if json.NewDecoder(r.Body).Decode(&message) != nil || message.ID == nil || message.Method == "" {
				w.WriteHeader(http.StatusAccepted)
				return
			}
			own := result
			switch {
			case message.Method == "tools/list" && list != "":
				own = list
			case own == "" && message.Method == "server/discover":
				own = `{"supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true}},"serverInfo":{"name":"x","version":"1"},"tools":[]}`
			case own == "":
				own = `{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"tools":[]}`
			}
			w.Header().Set("Content-Type", "text/event-stream")
			if before != "" {
				_, _ = fmt.Fprintf(w, "data: %s\n\n", before)
			}
			_, _ = fmt.Fprintf(w, "data: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}\n\n", message.ID, own)
		}})
		began := time.Now()
		if status := check(t, client, base+"/mcp", ""); status.State == mcpclient.NeedsLogin || time.Since(began) > 12*time.Second {
			t.Errorf("%s, %s, %s: %s after %s", before, result, list, status.State, time.Since(began))
		}
	}
	for _, message := range messages {
		ask(message, "", "")
		ask(message, `{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"tools":[]}`, "")
	}
	for _, result := range results {
		ask("", result, "")
		ask(`{"jsonrpc":"2.0","method":"ping","id":"q"}`, result, "")
		ask("", "", result)
	}
}

// TestCheckStrangeTools: lists that the SDK lets through do no harm.
func TestCheckStrangeTools(t *testing.T) {
	t.Parallel()
	many := []any{}
	for i := range 500 {
		many = append(many, object{"name": fmt.Sprintf("tool_%d", i), "inputSchema": object{"type": "object"}})
	}
	for name, c := range map[string]struct {
		list  any
		tools int
		more  bool
	}{
		"none": {[]any{}, 0, false}, "null": {nil, 0, false}, "null tools": {[]any{nil, nil}, 0, false},
		"odd": {[]any{object{}, object{"name": "x"}, object{"name": "y", "annotations": nil, "inputSchema": nil}}, 2, false}, "many": {many, 200, true},
	} {
		base := serve(t, map[string]http.HandlerFunc{"/mcp": rpc(map[string]func(json.RawMessage) any{
			"initialize": initialized, "tools/list": func(json.RawMessage) any { return object{"tools": c.list} },
		})})
		status := check(t, newClient(), base+"/mcp", "")
		if status.State == mcpclient.Failing { // refused as a whole is as good
			wantError(t, status.Failure, platform.Invalid, platform.CodeBadAnswer)
			t.Logf("%s: refused", name)
			continue
		}
		if len(status.Server.Tools) != c.tools || status.Server.MoreTools != c.more {
			t.Errorf("%s: %d tools, more %v", name, len(status.Server.Tools), status.Server.MoreTools)
		}
	}
}
