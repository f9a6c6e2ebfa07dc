package whatsapp_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"fanfare/internal/chat"
	"fanfare/internal/sandbox"
	"fanfare/internal/whatsapp"
)

type object = map[string]any

// bundle is a number of the sandbox with a chat, its bot, and a webhook that reads what it is told.
type bundle struct {
	t                                  *testing.T
	box                                *sandbox.Sandbox
	base, number, token, secret, proof string
	bot                                *whatsapp.Bot

	mu      sync.Mutex
	at      time.Time
	answers int // what the webhook answers, 200 if it is 0
	updates []chat.Update
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t, at: time.Now()}
	box, err := sandbox.New(sandbox.Options{Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	b.box, b.base = box, server.URL
	made := b.control("POST", "whatsapp/numbers", object{"verified_name": "Northlight"}, 201)
	b.number, b.token, b.secret, b.proof = made["phone_number_id"].(string), made["access_token"].(string), made["app_secret"].(string), made["verify_token"].(string)
	b.bot = whatsapp.New(b.base+"/whatsapp-graph/v26.0", b.number, b.token)
	hook := httptest.NewServer(http.HandlerFunc(b.webhook))
	t.Cleanup(hook.Close)
	b.control("PUT", "whatsapp/numbers/"+b.number+"/webhook", object{"url": hook.URL + "/hook", "retry_seconds": []int{0, 0}}, 204)
	b.control("POST", "whatsapp/numbers/"+b.number+"/chats", object{"phone": "15551234567", "user_id": "US.1349", "name": "Ada"}, 201)
	return b
}

func (b *bundle) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *bundle) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

func (b *bundle) webhook(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		challenge, err := whatsapp.Challenge(r.URL.Query(), b.proof)
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, challenge)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Error(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := whatsapp.Verify(r.Header, body, b.secret); err != nil {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	updates, err := whatsapp.Read(body)
	if err != nil {
		b.t.Errorf("%v: %s", err, body)
	}
	b.updates = append(b.updates, updates...)
	if b.answers != 0 {
		w.WriteHeader(b.answers)
	}
}

// took gives the updates since the last call.
func (b *bundle) took() []chat.Update {
	b.mu.Lock()
	defer b.mu.Unlock()
	updates := b.updates
	b.updates = nil
	return updates
}

// eventually waits until f is true, for what the sandbox does behind an answer.
func (b *bundle) eventually(what string, f func() bool) {
	b.t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		if f() {
			return
		}
	}
	b.t.Fatalf("not in time: %s", what)
}

func (b *bundle) control(method, path string, body any, status int) object {
	b.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+"/_sandbox/"+path, bytes.NewReader(encoded))
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		b.t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, answer, err)
	}
	var result object
	_ = json.Unmarshal(answer, &result) // 204 has none
	return result
}

// in steers the chat.
func (b *bundle) in(chatID, action string, body object) object {
	b.t.Helper()
	return b.control("POST", "whatsapp/numbers/"+b.number+"/chats/"+chatID+"/"+action, body, 200)
}

// shown gives the messages that a chat shows.
func (b *bundle) shown(chatID string) []object {
	b.t.Helper()
	list := []object{}
	for _, m := range b.control("GET", "whatsapp/numbers/"+b.number+"/chats/"+chatID, nil, 200)["messages"].([]any) {
		list = append(list, m.(object))
	}
	return list
}
