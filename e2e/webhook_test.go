package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"fanfare/internal/webhook"
)

type webhookAnswer struct{ ID, URL, State, Secret string }

type deliveryAnswer struct {
	ID, Event, State string
	Attempts         int
	Log              []struct {
		Number  int
		Status  *int
		Problem *string
	}
}

// receiver keeps the messages that come to it, as its owner's webhook.
type receiver struct {
	server *httptest.Server

	mu     sync.Mutex
	before func() // of the next answer
	got    []received
}

type received struct {
	header http.Header
	body   string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		r.mu.Lock()
		r.got = append(r.got, received{request.Header.Clone(), string(body)})
		before := r.before
		r.before = nil
		r.mu.Unlock()
		if before != nil {
			before()
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(r.server.Close)
	return r
}

func (r *receiver) messages() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// await waits for a message of a type, and gives all of that type.
func (r *receiver) await(t *testing.T, event string, count int) []received {
	t.Helper()
	var of []received
	eventually(t, time.Minute, event+" arrives", func() bool {
		of = nil
		for _, m := range r.messages() {
			if strings.Contains(m.body, `"type": "`+event+`"`) {
				of = append(of, m)
			}
		}
		return len(of) >= count
	})
	return of
}

func verify(t *testing.T, m received, secret string) {
	t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		t.Fatal(err)
	}
	if err := verifier.Verify([]byte(m.body), m.header); err != nil {
		t.Errorf("%v: %s %s", err, m.header, m.body)
	}
}

// From the making of a webhook to what it is told of a published post, its log, a new secret and its end.
func TestWebhook(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	b, r := s.newBrand(t), newReceiver(t)
	hook := call[webhookAnswer](t, b.owner, http.MethodPost, b.path+"/webhooks", map[string]any{"url": r.server.URL, "events": []string{"post.published"}})
	path := b.path + "/webhooks/" + hook.ID
	if again := call[webhookAnswer](t, b.owner, http.MethodGet, path, nil); again.Secret != "" || again.State != "active" || !strings.HasPrefix(hook.Secret, "whsec_") {
		t.Errorf("made %+v, then read %+v", hook, again)
	}
	post := b.draft(t, draft{})
	b.publish(t, post.ID)
	m := r.await(t, "post.published", 1)[0]
	verify(t, m, hook.Secret)
	for _, want := range []string{post.ID, `"external_url": "http`, `"platform": "ghost"`, `"customer_id": "` + b.id + `"`} {
		if !strings.Contains(m.body, want) {
			t.Errorf("it does not tell %s: %s", want, m.body)
		}
	}
	// Its log has it, and it can be sent again under the same id.
	id := m.header.Get(webhook.HeaderID)
	var delivery deliveryAnswer
	eventually(t, 10*time.Second, "the message is on record", func() bool {
		delivery = call[deliveryAnswer](t, b.owner, http.MethodGet, path+"/deliveries/"+id, nil)
		return delivery.State == "delivered"
	})
	if delivery.Event != "post.published" || delivery.Attempts != 1 || len(delivery.Log) != 1 || *delivery.Log[0].Status != http.StatusNoContent {
		t.Errorf("on record: %+v", delivery)
	}
	// With a new secret, what is sent is signed with both.
	rotated := call[webhookAnswer](t, b.owner, http.MethodPost, path+"/rotate-secret", nil)
	call[deliveryAnswer](t, b.owner, http.MethodPost, path+"/deliveries/"+id+"/resend", nil)
	again := r.await(t, "post.published", 2)[1]
	verify(t, again, hook.Secret)
	verify(t, again, rotated.Secret)
	if again.header.Get(webhook.HeaderID) != id || again.body != m.body {
		t.Errorf("sent again as %s %s", again.header, again.body)
	}
	test := call[deliveryAnswer](t, b.owner, http.MethodPost, path+"/test", nil)
	verify(t, r.await(t, "webhook.test", 1)[0], rotated.Secret)
	page := call[struct{ Items []deliveryAnswer }](t, b.owner, http.MethodGet, path+"/deliveries?limit=10", nil)
	if len(page.Items) != 2 || page.Items[0].ID != test.ID || page.Items[1].ID != id {
		t.Errorf("listed: %+v", page.Items)
	}
	if paused := call[webhookAnswer](t, b.owner, http.MethodPatch, path, map[string]any{"state": "paused"}); paused.State != "paused" {
		t.Errorf("paused, it is %s", paused.State)
	}
	if refused := b.owner.do(t, http.MethodPost, path+"/deliveries/"+id+"/resend", nil); refused.status != http.StatusConflict {
		t.Errorf("sent again while it is paused: %d %s", refused.status, refused.body)
	}
	if gone := b.owner.do(t, http.MethodDelete, path, nil); gone.status != http.StatusNoContent {
		t.Errorf("deleted: %d %s", gone.status, gone.body)
	}
	if n := one[int](t, s, "select (select count(*) from webhook_deliveries) + (select count(*) from webhook_secrets)"); n != 0 {
		t.Errorf("%d rows are left of it", n)
	}
	for _, address := range []string{"ftp://example.com", "https://", "https://user:pass@example.com", "https://10.0.0.1/", "https://localhost/#x", "no address"} {
		if refused := b.owner.do(t, http.MethodPost, b.path+"/webhooks", map[string]any{"url": address}); refused.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d %s", address, refused.status, refused.body)
		}
	}
	for range 20 {
		call[webhookAnswer](t, b.owner, http.MethodPost, b.path+"/webhooks", map[string]any{"url": r.server.URL})
	}
	if refused := b.owner.do(t, http.MethodPost, b.path+"/webhooks", map[string]any{"url": r.server.URL}); refused.status != http.StatusConflict {
		t.Errorf("the 21st: %d %s", refused.status, refused.body)
	}
}

// kill -9 of the worker when the message has come and nothing is recorded yet: it comes again, under the same id.
func TestWebhookSurvivesKill(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{noWorker: true, workerArgs: []string{"--lease", "1s"}})
	b, r := s.newBrand(t), newReceiver(t)
	hook := call[webhookAnswer](t, b.owner, http.MethodPost, b.path+"/webhooks", map[string]any{"url": r.server.URL})
	worker := s.startWorker(t)
	killed := make(chan struct{})
	r.before = func() {
		worker.kill()
		close(killed)
	}
	message := call[deliveryAnswer](t, b.owner, http.MethodPost, b.path+"/webhooks/"+hook.ID+"/test", nil)
	await(t, killed, "the worker is killed")
	s.startWorker(t)
	for _, m := range r.await(t, "webhook.test", 2) {
		verify(t, m, hook.Secret)
		if got := m.header.Get(webhook.HeaderID); got != message.ID {
			t.Errorf("it came as %s, not %s", got, message.ID)
		}
	}
	eventually(t, 10*time.Second, "the message is on record", func() bool {
		message = call[deliveryAnswer](t, b.owner, http.MethodGet, b.path+"/webhooks/"+hook.ID+"/deliveries/"+message.ID, nil)
		return message.State == "delivered"
	})
	if len(message.Log) != 2 || message.Log[0].Problem == nil || message.Log[0].Status != nil || message.Log[1].Status == nil {
		t.Errorf("on record: %+v", message)
	}
}
