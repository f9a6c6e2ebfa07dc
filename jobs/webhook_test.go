package jobs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/mail"
	"fanfare/internal/mail/mailtest"
	"fanfare/internal/platform"
	"fanfare/internal/vault"
	"fanfare/internal/webhook"
	"fanfare/queries"
)

// hook is a webhook with what its receiver got.
type hook struct {
	b      *bundle
	id     uuid.UUID
	secret string
	server *httptest.Server

	mu     sync.Mutex
	answer func(w http.ResponseWriter, r *http.Request)
	got    []message
}

// message is what a receiver got.
type message struct {
	header http.Header
	body   []byte
	Type   string         `json:"type"`
	Data   map[string]any `json:"data"`
}

// hook makes a webhook of a customer, which answers as it is told, 204 by default.
func (b *bundle) hook(customer uuid.UUID, events ...string) *hook {
	b.t.Helper()
	h := &hook{b: b, id: dbtest.NewID(b.t), secret: webhook.NewSecret(), answer: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }}
	h.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		m := message{header: r.Header.Clone()}
		m.body, _ = io.ReadAll(r.Body)
		_ = json.Unmarshal(m.body, &m)
		h.mu.Lock()
		h.got = append(h.got, m)
		answer := h.answer
		h.mu.Unlock()
		answer(w, r)
	}))
	b.t.Cleanup(func() { h.server.CloseClientConnections(); h.server.Close() })
	b.exec("insert into webhook_endpoints (customer_id, id, url, events) values ($1, $2, $3, $4)", customer, h.id, h.server.URL+"/hook", append([]string{}, events...))
	b.secret(customer, h.id, h.secret)
	return h
}

func (b *bundle) secret(customer, endpoint uuid.UUID, text string) {
	b.t.Helper()
	id := dbtest.NewID(b.t)
	sealed, keyID, err := b.vault.SealWithID([]byte(text), vault.WebhookSecret(customer, id))
	if err != nil {
		b.t.Fatal(err)
	}
	b.exec("insert into webhook_secrets (customer_id, id, endpoint_id, sealed, key_id) values ($1, $2, $3, $4, $5)", customer, id, endpoint, sealed, keyID)
}

func (h *hook) answers(answer func(w http.ResponseWriter, r *http.Request)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = answer
}

func (h *hook) answersStatus(status int, body string) {
	h.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func (h *hook) messages() []message {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.got)
}

// send writes a message as a trigger does.
func (h *hook) send(event string) uuid.UUID {
	h.b.t.Helper()
	id := dbtest.NewID(h.b.t)
	h.b.exec(`insert into webhook_deliveries (customer_id, id, endpoint_id, event, payload)
		select customer_id, $1, id, $3, jsonb_build_object('type', $3::text, 'data', '{"n": 1}'::jsonb) from webhook_endpoints where id = $2`, id, h.id, event)
	return id
}

// verify fails the test unless the specification's own library takes the message.
func (h *hook) verify(m message, secret string) {
	h.b.t.Helper()
	verifier, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		h.b.t.Fatal(err)
	}
	if err := verifier.Verify(m.body, m.header); err != nil {
		h.b.t.Errorf("%v: %s %s", err, m.header, m.body)
	}
}

// messenger makes a worker that reaches receivers on this machine.
func (b *bundle) messenger() *Worker {
	b.t.Helper()
	return b.messengerWith(Deps{Egress: platform.NewEgress([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")})})
}

func (b *bundle) messengerWith(deps Deps) *Worker {
	b.t.Helper()
	deps.Pool, deps.Vault, deps.Log = b.Worker, b.vault, slog.New(slog.NewTextHandler(b.t.Output(), nil))
	deps.Publishers = map[platform.Name]platform.Publisher{platform.Ghost: b.platform}
	w, err := NewWorker(deps, WorkerConfig{})
	if err != nil {
		b.t.Fatal(err)
	}
	return w
}

const (
	stateOfMessage = "select state || coalesce(' ' || status, '') || ' ' || attempts from webhook_deliveries where id = $1 and started_at is null"
	problemOf      = "select coalesce(problem, '') from webhook_deliveries where id = $1"
	stateOfHook    = "select state || coalesce(' ' || reason, '') from webhook_endpoints where id = $1"
	nowDue         = "update webhook_deliveries set next_at = now() where id = $1 and state = 'pending'"
)

// What happens to a post is told in the transaction in which it happens, to whoever wants to know, and signed.
func TestWebhookTellsOfPosts(t *testing.T) {
	b := setup(t)
	everything, failures, other := b.hook(b.customer.ID), b.hook(b.customer.ID, "post.failed"), b.hook(b.Customer(t, dbtest.Customer{}).ID)
	paused := b.hook(b.customer.ID)
	b.exec("update webhook_endpoints set state = 'paused', reason = 'person' where id = $1", paused.id)
	b.start(b.messenger())
	p := b.scheduled(time.Now())
	b.exec("update posts set title = 'A title', text = 'What it says' where id = $1", p.ID)
	eventually(b, int64(2), "select count(*) from webhook_deliveries where state = 'delivered'")
	types := []string{}
	for _, m := range everything.messages() {
		types = append(types, m.Type)
		everything.verify(m, everything.secret)
		if strings.Contains(string(m.body), "What it says") || strings.Contains(string(m.body), "s3cret") {
			t.Errorf("it says too much: %s", m.body)
		}
		if got := m.header.Get("Content-Type"); got != "application/json" {
			t.Errorf("Content-Type is %s", got)
		}
		if m.Type != "post.published" {
			continue
		}
		post, _ := m.Data["platform_posts"].([]any)[0].(map[string]any)
		if m.Data["post_id"] != p.ID.String() || m.Data["state"] != "published" || post["state"] != "published" || post["platform"] != "ghost" ||
			post["external_url"] != "https://example.com/"+p.PlatformPosts[0].String() || m.Data["customer_id"] != b.customer.ID.String() {
			t.Errorf("told %s", m.body)
		}
	}
	slices.Sort(types)
	if diff := cmp.Diff([]string{"post.published", "post.scheduled"}, types); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
		return &platform.Error{Class: platform.Invalid, Message: "It is too long."}
	}
	b.scheduled(time.Now())
	eventually(b, int64(5), "select count(*) from webhook_deliveries where state = 'delivered'")
	got := failures.messages()
	if len(got) != 1 || got[0].Type != "post.failed" || !strings.Contains(string(got[0].body), "It is too long.") {
		t.Errorf("the one that is told of failures got %v", got)
	}
	if n := len(other.messages()) + len(paused.messages()); n > 0 {
		t.Errorf("%d messages to another customer's webhook, or one that is paused", n)
	}
}

// Nobody is told of what was not committed, and where nobody is to be told nothing is written.
func TestWebhookTellsOfWhatHappened(t *testing.T) {
	b := setup(t)
	p := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Integrations: []dbtest.Integration{b.integration}})
	const count = "select count(*) from webhook_deliveries"
	b.exec("update platform_posts set state = 'pending_approval' where post_id = $1", p.ID)
	if n := scan[int](b, count); n != 0 {
		t.Errorf("%d messages to nobody", n)
	}
	h := b.hook(b.customer.ID)
	tx, err := b.Super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "update posts set approved_at = now() where id = $1", p.ID); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := scan[int](b, count); n != 0 {
		t.Errorf("%d messages of what did not happen", n)
	}
	who := b.Member(t, b.customer.ID, "owner")
	b.exec("update posts set approved_at = now() where id = $1", p.ID)
	b.exec("update platform_posts set state = 'approved' where post_id = $1", p.ID)
	b.exec("update platform_posts set state = 'pending_approval' where post_id = $1", p.ID)
	b.exec("insert into post_reviews (customer_id, id, post_id, post_version, verdict, comment, created_by) values ($1, $2, $3, 1, 'rejected', 'No.', $4)",
		b.customer.ID, dbtest.NewID(t), p.ID, who.ID)
	b.exec("update integrations set state = 'needs_reauth', reason = 'revoked' where id = $1", b.integration.ID)
	got := scan[[]string](b, "select array_agg(event order by id) from webhook_deliveries where endpoint_id = $1", h.id)
	if diff := cmp.Diff([]string{"post.approved", "post.approval_requested", "post.rejected", "integration.needs_reauth"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got := scan[string](b, "select payload ->> 'type' || ' ' || (payload -> 'data' ->> 'reason') from webhook_deliveries where event = 'integration.needs_reauth'"); got != "integration.needs_reauth revoked" {
		t.Errorf("told of the account: %s", got)
	}
}

// What does not arrive is sent again, later each time, under the same id, until it has arrived or is given up.
func TestWebhookRetries(t *testing.T) {
	b := setup(t)
	h := b.hook(b.customer.ID)
	h.answersStatus(http.StatusInternalServerError, "Sorry,\x00 not <b>now</b>\n\n")
	b.start(b.messenger())
	id := h.send("post.failed")
	for i, wait := range webhookWaits {
		eventually(b, fmt.Sprintf("pending 500 %d", i+1), stateOfMessage, id)
		left := scan[float64](b, "select extract(epoch from next_at - now())::float8 from webhook_deliveries where id = $1", id)
		if left > wait.Seconds() || left < wait.Seconds()*3/4-15 {
			t.Errorf("after attempt %d the next one is %v s away, of at most %v", i+1, left, wait)
		}
		b.exec(nowDue, id)
	}
	eventually(b, "failed 500 8", stateOfMessage, id)
	if got := scan[string](b, problemOf, id); got != "It answered 500. Only 200 to 299 say that a message has arrived." {
		t.Error(got)
	}
	var log []webhookAttempt
	if err := json.Unmarshal(scan[[]byte](b, "select log from webhook_deliveries where id = $1", id), &log); err != nil {
		t.Fatal(err)
	}
	if len(log) != 8 || log[7].Number != 8 || log[7].Status != 500 || log[7].Excerpt != "Sorry, not <b>now</b>" || log[7].At.IsZero() {
		t.Errorf("on record: %+v", log)
	}
	got := h.messages()
	if len(got) != 8 {
		t.Fatalf("%d messages", len(got))
	}
	for _, m := range got {
		h.verify(m, h.secret)
		if m.header.Get("Webhook-Id") != id.String() || string(m.body) != string(got[0].body) {
			t.Errorf("another message: %s %s", m.header, m.body)
		}
	}
	// Somebody has it sent again: at once, with all attempts before it.
	h.answersStatus(http.StatusOK, "")
	owner := b.Member(t, b.customer.ID, "owner")
	b.asPerson(owner, func(ctx context.Context, q *queries.Queries) error {
		_, err := q.WebhookDeliveryResend(ctx, queries.WebhookDeliveryResendParams{ID: id, EndpointID: h.id})
		return err
	})
	eventually(b, "delivered 200 9", stateOfMessage, id)
	if last := h.messages()[8]; last.header.Get("Webhook-Id") != id.String() {
		t.Errorf("sent again as %s", last.header)
	}
}

func (b *bundle) asPerson(u dbtest.User, do func(ctx context.Context, q *queries.Queries) error) {
	b.t.Helper()
	if err := b.Tenant().Tx(b.t.Context(), u.Scope().In(b.customer.ID), func(ctx context.Context, tx *tenant.Tx) error {
		return do(ctx, queries.New(tx))
	}); err != nil {
		b.t.Fatal(err)
	}
}

// Nobody waits for an endpoint that hangs: neither another one of the same customer's, nor another customer's.
func TestWebhookThatHangs(t *testing.T) {
	b := setup(t)
	slow, quick, other := b.hook(b.customer.ID), b.hook(b.customer.ID), b.hook(b.Customer(t, dbtest.Customer{}).ID)
	done := make(chan struct{})
	t.Cleanup(func() { close(done) })
	slow.answers(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-done:
		}
	})
	var hanging []uuid.UUID
	for range 3 * webhookEndpointShare {
		hanging = append(hanging, slow.send("post.published"))
	}
	b.start(b.messenger())
	const running = "select count(*) from webhook_deliveries where started_at is not null"
	eventually(b, int64(webhookEndpointShare), running)
	began := time.Now()
	ids := []uuid.UUID{quick.send("post.published"), other.send("post.published")}
	for _, id := range ids {
		eventually(b, "delivered 204 1", stateOfMessage, id)
	}
	if took := time.Since(began); took > webhookTimeout/2 {
		t.Errorf("the others waited for %v", took)
	}
	if n := scan[int](b, running); n > webhookEndpointShare {
		t.Errorf("%d at once to one endpoint", n)
	}
	eventually(b, "pending 1", stateOfMessage, hanging[0])
	if got := scan[string](b, problemOf, hanging[0]); got != "It did not answer within 15 seconds." {
		t.Error(got)
	}
}

// Answers of every kind, and what is made of them.
func TestWebhookAnswers(t *testing.T) {
	b := setup(t)
	b.start(b.messenger())
	private := b.hook(b.customer.ID)
	for _, test := range []struct {
		name    string
		answer  http.HandlerFunc
		state   string
		problem string
	}{
		{"created", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusCreated) }, "delivered 201 1", ""},
		{"a body without an end", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, "delivered 200 1", ""},
		{"no answer at all", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "pending 1", "The connection failed, or was broken off before there was an answer."},
		{"endless headers", func(w http.ResponseWriter, _ *http.Request) {
			for i := range 1000 {
				w.Header().Set(fmt.Sprint("X-", i), strings.Repeat("x", 200))
			}
		}, "pending 1", "The connection failed, or was broken off before there was an answer."},
		{"a redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, private.server.URL, http.StatusTemporaryRedirect)
		},
			"pending 307 1", "It answered 307, a redirect, which is not followed. Give the address that it leads to."},
		{"busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, "pending 429 1", "It answered 429. Only 200 to 299 say that a message has arrived."},
	} {
		h := b.hook(b.customer.ID)
		h.answers(test.answer)
		id := h.send("post.published")
		eventually(b, test.state, stateOfMessage, id)
		if got := scan[string](b, problemOf, id); got != test.problem {
			t.Errorf("%s: %q", test.name, got)
		}
		if n := scan[int](b, "select octet_length(log::text) from webhook_deliveries where id = $1", id); n > 4000 {
			t.Errorf("%s: %d bytes are kept", test.name, n)
		}
	}
	if n := len(private.messages()); n > 0 {
		t.Errorf("%d redirects were followed", n)
	}
}

// An endpoint that says that it is gone gets nothing more; nor does one that is not there for long.
func TestWebhookGoneOrDead(t *testing.T) {
	b := setup(t)
	server := mailtest.Start(t, mailtest.Options{})
	sender, err := mail.New(mail.Config{URL: "smtp://" + server.Addr, From: "Fanfare <fanfare@agency.example>", Roots: server.Roots})
	if err != nil {
		t.Fatal(err)
	}
	owner, admin := b.User(t, dbtest.User{Email: "olga@example.com"}), b.User(t, dbtest.User{Email: "ada@example.com"})
	member := b.User(t, dbtest.User{Email: "max@example.com"})
	b.Join(t, b.customer.ID, owner.ID, "owner")
	b.Join(t, b.customer.ID, admin.ID, "admin")
	b.Join(t, b.customer.ID, member.ID, "member")
	gone, dead := b.hook(b.customer.ID), b.hook(b.customer.ID)
	gone.answersStatus(http.StatusGone, "")
	dead.answersStatus(http.StatusBadGateway, "")
	b.start(b.messengerWith(Deps{Egress: platform.NewEgress([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), Mail: sender, PublicURL: "https://fanfare.example"}))

	id := gone.send("post.published")
	eventually(b, "failed 410 1", stateOfMessage, id)
	eventually(b, "disabled gone", stateOfHook, gone.id)

	// Three messages that are at their last attempt, at first within a day, so that it may only be away for a while.
	last := func(count int) {
		for range count {
			id := dead.send("post.published")
			b.exec("update webhook_deliveries set round = $2 where id = $1", id, len(webhookWaits))
			eventually(b, "failed 502 1", stateOfMessage, id)
		}
	}
	last(3)
	if got := scan[string](b, stateOfHook, dead.id); got != "active" {
		t.Errorf("after three messages within a day it is %s", got)
	}
	b.exec("update webhook_endpoints set failing_since = now() - interval '25 hours', failures = 1 where id = $1", dead.id)
	last(1)
	if got := scan[string](b, stateOfHook, dead.id); got != "active" {
		t.Errorf("after two messages it is %s", got)
	}
	waiting := dead.send("post.published")
	eventually(b, "pending 502 1", stateOfMessage, waiting)
	last(1)
	eventually(b, "paused failing", stateOfHook, dead.id)
	if !scan[bool](b, "select next_at is null from webhook_deliveries where id = $1", waiting) {
		t.Error("what waits for it is still due")
	}
	eventually(b, int64(4), "select count(*) from river.river_job where kind = 'webhook_email' and state = 'completed'")
	told := map[string]int{}
	for _, m := range server.Messages() {
		told[m.To]++
		if !strings.Contains(m.Text, strings.TrimPrefix(dead.server.URL, "http://")) && !strings.Contains(m.Text, strings.TrimPrefix(gone.server.URL, "http://")) || strings.Contains(m.Text, "/hook\n") {
			t.Errorf("told: %s", m.Text)
		}
	}
	if diff := cmp.Diff(map[string]int{"olga@example.com": 2, "ada@example.com": 2}, told); diff != "" {
		t.Errorf("told -want +got:\n%s", diff)
	}
	// Nothing is written for it now. Somebody resumes it: what waited is sent.
	before := scan[int](b, "select count(*) from webhook_deliveries")
	b.exec("update integrations set state = 'needs_reauth', reason = 'revoked' where id = $1", b.integration.ID)
	if n := scan[int](b, "select count(*) from webhook_deliveries"); n != before {
		t.Errorf("%d messages for nobody", n-before)
	}
	dead.answersStatus(http.StatusOK, "")
	state := "active"
	b.asPerson(admin, func(ctx context.Context, q *queries.Queries) error {
		_, err := q.WebhookUpdate(ctx, queries.WebhookUpdateParams{ID: dead.id, State: &state})
		return err
	})
	eventually(b, "delivered 200 2", stateOfMessage, waiting)
	if got := scan[string](b, "select state || failures || (failing_since is null) from webhook_endpoints where id = $1", dead.id); got != "active0true" {
		t.Errorf("resumed, it is %s", got)
	}
}

// Nothing but the public internet is called, whatever the name says, and without TLS nothing at all.
func TestWebhookAddresses(t *testing.T) {
	b := setup(t)
	h := b.hook(b.customer.ID)
	port := h.server.URL[strings.LastIndex(h.server.URL, ":"):]
	b.start(b.messengerWith(Deps{}))
	for _, address := range []string{
		h.server.URL, "https://127.0.0.1" + port, "https://[::1]" + port, "https://localhost" + port, "https://webhook.loops.test" + port,
		"http://webhook.loops.test" + port, "https://10.0.0.1/", "https://169.254.169.254/latest", "https://[::ffff:127.0.0.1]" + port, "https://0.0.0.0" + port,
	} {
		b.exec("update webhook_endpoints set url = $2 where id = $1", h.id, address)
		id := h.send("post.published")
		eventually(b, "pending 1", stateOfMessage, id)
		if got := scan[string](b, problemOf, id); got != "The address is not called: it must begin with https:// and lead to the public internet." {
			t.Errorf("%s: %s", address, got)
		}
	}
	b.exec("update webhook_endpoints set url = 'https://nobody.knows.test/' where id = $1", h.id)
	id := h.send("post.published")
	eventually(b, "pending 1", stateOfMessage, id)
	if got := scan[string](b, problemOf, id); got != "Nobody knows the host name." {
		t.Error(got)
	}
	if n := len(h.messages()); n > 0 {
		t.Errorf("%d messages arrived", n)
	}
}

// After a rotation both secrets sign for a day, and only two.
func TestWebhookRotation(t *testing.T) {
	b := setup(t)
	h := b.hook(b.customer.ID)
	b.start(b.messenger())
	owner := b.Member(t, b.customer.ID, "owner")
	rotate := func() string {
		secret, id := webhook.NewSecret(), dbtest.NewID(t)
		sealed, keyID, err := b.vault.SealWithID([]byte(secret), vault.WebhookSecret(b.customer.ID, id))
		if err != nil {
			t.Fatal(err)
		}
		b.asPerson(owner, func(ctx context.Context, q *queries.Queries) error {
			if err := q.WebhookSecretReplace(ctx, queries.WebhookSecretReplaceParams{EndpointID: h.id, Overlap: 1000 * time.Hour}); err != nil {
				return err
			}
			return q.WebhookSecretCreate(ctx, queries.WebhookSecretCreateParams{ID: id, EndpointID: h.id, Sealed: sealed, KeyID: keyID})
		})
		return secret
	}
	secrets := []string{h.secret, rotate(), rotate()}
	valid := func(want ...bool) {
		t.Helper()
		id := h.send("post.published")
		eventually(b, "delivered 204 1", stateOfMessage, id)
		all := h.messages()
		m := all[len(all)-1]
		for i, secret := range secrets {
			if err := webhook.Verify(m.header, secret, time.Now(), m.body); (err == nil) != want[i] {
				t.Errorf("secret %d: %v; signed %s", i, err, m.header.Get("Webhook-Signature"))
			}
		}
	}
	valid(false, true, true)
	if late := scan[bool](b, "select max(expires_at) > now() + interval '24 hours' from webhook_secrets"); late {
		t.Error("the one before signs for more than a day")
	}
	b.exec("update webhook_secrets set expires_at = now() where expires_at > now()")
	valid(false, false, true)
	if _, err := b.Worker.Exec(t.Context(), "select tenancy.forget_webhooks(100)"); err != nil {
		t.Fatal(err)
	}
	if n := scan[int](b, "select count(*) from webhook_secrets"); n != 1 {
		t.Errorf("%d secrets are kept", n)
	}
}

// A worker that ends between sending and recording leaves a message that is sent again, under the same id.
func TestWebhookBrokenOff(t *testing.T) {
	b := setup(t)
	h := b.hook(b.customer.ID)
	arrived, done := make(chan struct{}, 10), make(chan struct{})
	t.Cleanup(func() { close(done) })
	h.answers(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		select {
		case <-r.Context().Done():
		case <-done:
		}
	})
	first := b.messenger()
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := h.send("post.published")
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = first.Stop(ctx) // at once
	h.answersStatus(http.StatusOK, "")
	b.start(b.messenger())
	eventually(b, "delivered 200 2", stateOfMessage, id)
	var log []webhookAttempt
	if err := json.Unmarshal(scan[[]byte](b, "select log from webhook_deliveries where id = $1", id), &log); err != nil {
		t.Fatal(err)
	}
	if len(log) != 2 || log[0].Number != 1 || log[0].Problem != "The attempt was broken off. It may have arrived." || log[1].Status != 200 {
		t.Errorf("on record: %+v", log)
	}
	for _, m := range h.messages() {
		if m.header.Get("Webhook-Id") != id.String() {
			t.Errorf("sent as %s", m.header)
		}
	}
}

// A test message is sent once, whatever becomes of it, and counts against nobody.
func TestWebhookTestMessage(t *testing.T) {
	b := setup(t)
	h := b.hook(b.customer.ID)
	h.answersStatus(http.StatusTeapot, "")
	b.exec("update webhook_endpoints set state = 'paused', reason = 'person' where id = $1", h.id)
	b.start(b.messenger())
	id := h.send(webhookTest)
	eventually(b, "failed 418 1", stateOfMessage, id)
	if got := scan[string](b, "select state || failures || (failing_since is null) from webhook_endpoints where id = $1", h.id); got != "paused0true" {
		t.Errorf("the webhook is %s", got)
	}
}

// Messages are kept for a month.
func TestWebhookForget(t *testing.T) {
	b := setup(t)
	h := b.hook(b.customer.ID)
	old, young := h.send("post.published"), h.send("post.published")
	b.exec("update webhook_deliveries set created_at = now() - interval '31 days' where id = $1", old)
	if _, err := b.Worker.Exec(t.Context(), "select tenancy.forget_webhooks(100)"); err != nil {
		t.Fatal(err)
	}
	if got := scan[uuid.UUID](b, "select id from webhook_deliveries"); got != young {
		t.Errorf("left is %s", got)
	}
}

// However long problems and addresses are, and however many accounts a post is for, what happens to it is recorded, and told
// as far as there is room.
func TestWebhookOfManyLongProblems(t *testing.T) {
	for name, test := range map[string]struct {
		url, problem, wantURL, wantProblem string
		byState                            bool
	}{
		"short":      {"https://example.com/1", "It is too long.", "https://example.com/1", "It is too long.", false},
		"long":       {"https://example.com/" + strings.Repeat("x", 1900), strings.Repeat("ä", 2000), "", strings.Repeat("ä", 299) + "…", false},
		"very large": {strings.Repeat("😀", 900), strings.Repeat("\x01", 2000), "", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			h := b.hook(b.customer.ID)
			accounts := []dbtest.Integration{b.integration}
			for len(accounts) < 50 {
				accounts = append(accounts, b.account(b.customer))
			}
			p := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Integrations: accounts})
			b.schedule(p, time.Now())
			b.exec("update platform_posts set state = 'publishing' where post_id = $1", p.ID)
			b.exec("update platform_posts set state = 'failed', external_url = $2, problem_class = 'invalid', problem = $3 where post_id = $1", p.ID, test.url, test.problem)
			if got := scan[string](b, "select state from posts where id = $1", p.ID); got != "failed" {
				t.Errorf("the post is %s", got)
			}
			var told struct {
				Data struct {
					Title, State         string
					PlatformPosts        []struct{ External_url, Problem *string } `json:"platform_posts"`
					PlatformPostsByState map[string]int                            `json:"platform_posts_by_state"`
				}
			}
			body := scan[[]byte](b, "select payload from webhook_deliveries where endpoint_id = $1 and event = 'post.failed'", h.id)
			if err := json.Unmarshal(body, &told); err != nil {
				t.Fatal(err)
			}
			if told.Data.Title != "A title" || told.Data.State != "failed" || len(body) > 200_000 {
				t.Errorf("%d bytes: %.200s", len(body), body)
			}
			if test.byState {
				if diff := cmp.Diff(map[string]int{"failed": 50}, told.Data.PlatformPostsByState); diff != "" || told.Data.PlatformPosts != nil {
					t.Errorf("by state -want +got:\n%s%.200s", diff, body)
				}
				return
			}
			if len(told.Data.PlatformPosts) != 50 || told.Data.PlatformPostsByState != nil {
				t.Fatalf("told of %d: %.200s", len(told.Data.PlatformPosts), body)
			}
			if got := told.Data.PlatformPosts[49]; *got.Problem != test.wantProblem || (got.External_url == nil) != (test.wantURL == "") || got.External_url != nil && *got.External_url != test.wantURL {
				t.Errorf("told %.3000s", body)
			}
		})
	}
}

// A webhook that is deleted while something happens does not keep it from happening.
func TestWebhookDeletedMeanwhile(t *testing.T) {
	b := setup(t)
	gone, stays := b.hook(b.customer.ID), b.hook(b.customer.ID)
	p := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Integrations: []dbtest.Integration{b.integration}})
	tx, err := b.Super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "delete from webhook_endpoints where id = $1", gone.id); err != nil {
		t.Fatal(err)
	}
	happens := make(chan error, 1)
	go func() {
		_, err := b.Super.Exec(t.Context(), "update platform_posts set state = 'pending_approval' where post_id = $1", p.ID)
		happens <- err
	}()
	eventually(b, int64(1), "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-happens; err != nil {
		t.Fatal(err)
	}
	if got := scan[uuid.UUID](b, "select endpoint_id from webhook_deliveries"); got != stays.id {
		t.Errorf("told %s", got)
	}
}

// due is what is to be sent, by endpoint.
func (b *bundle) due(endpointShare, customerShare, limit int) map[uuid.UUID]int {
	b.t.Helper()
	rows, err := queries.New(b.Worker).WebhookListDue(b.t.Context(), queries.WebhookListDueParams{
		EndpointShare: int32(endpointShare), CustomerShare: int32(customerShare), MaxRows: int32(limit),
	})
	if err != nil {
		b.t.Fatal(err)
	}
	due := map[uuid.UUID]int{}
	for _, row := range rows {
		due[row.EndpointID]++
	}
	return due
}

// The look for what is due touches what is due, however many endpoints there are, what waits for later, and what archived
// customers have left.
func TestWebhooksDueTouchesWhatIsDue(t *testing.T) {
	b := setup(t)
	b.exec("insert into customers (id, name) select gen_random_uuid(), 'Customer ' || n from generate_series(1, 500) n")
	b.exec(`insert into webhook_endpoints (customer_id, id, url)
		select c.id, gen_random_uuid(), 'https://example.com' from customers c, generate_series(1, 20) where c.name like 'Customer %' and c.id <> $1`, b.customer.ID)
	// Half of them have been failing, and have messages that wait for another time.
	b.exec(`insert into webhook_deliveries (customer_id, id, endpoint_id, event, payload, next_at)
		select e.customer_id, gen_random_uuid(), e.id, 'post.failed', '{}', now() + interval '1 hour' from webhook_endpoints e where e.id < '80000000-0000-0000-0000-000000000000'`)
	// A hundred customers are archived while much is due.
	b.exec(`insert into webhook_deliveries (customer_id, id, endpoint_id, event, payload)
		select e.customer_id, gen_random_uuid(), e.id, 'post.failed', '{}' from webhook_endpoints e join (select id from customers where id <> $1 order by id limit 100) c on c.id = e.customer_id`, b.customer.ID)
	b.exec(`update customers set archived_at = now() where id in (select customer_id from webhook_deliveries where next_at <= now())`)
	if n := scan[int](b, "select count(*) from webhook_endpoints"); n != 10_000 {
		t.Fatalf("%d endpoints", n)
	}
	b.exec("vacuum analyze webhook_endpoints, webhook_deliveries, customers")
	touched := func() (tables, indexes int64) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), b.SuperURL) // which has counted nothing yet
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close(t.Context()) }()
		if err := pgx.BeginFunc(t.Context(), conn, func(tx pgx.Tx) error {
			for range 8 { // the plan for any parameters too
				if _, err := tx.Exec(t.Context(), "select * from tenancy.webhooks_due(4, 16, 400)"); err != nil {
					return err
				}
			}
			return tx.QueryRow(t.Context(), `select sum(t.seq_tup_read)::bigint, sum(i.entries)::bigint
				from pg_stat_xact_user_tables t, lateral (
					select sum(pg_stat_get_xact_tuples_returned(indexrelid)) as entries from pg_index where indrelid = t.relid) i
				where t.relname in ('webhook_endpoints', 'webhook_deliveries', 'customers')`).Scan(&tables, &indexes)
		}); err != nil {
			t.Fatal(err)
		}
		return tables, indexes
	}
	if tables, indexes := touched(); tables != 0 || indexes != 0 {
		t.Errorf("with nothing due, %d rows and %d entries of indexes are read", tables, indexes)
	}
	h := b.hook(b.customer.ID)
	for range 5 {
		h.send("post.published")
	}
	if diff := cmp.Diff(map[uuid.UUID]int{h.id: 4}, b.due(4, 16, 400)); diff != "" {
		t.Errorf("due -want +got:\n%s", diff)
	}
	if tables, indexes := touched(); tables != 0 || indexes > 8*50 {
		t.Errorf("with five due, %d rows and %d entries of indexes are read", tables, indexes)
	}
	// Restored, a customer has sent what waited.
	restored := scan[uuid.UUID](b, "select id from customers where archived_at is not null limit 1")
	b.exec("update customers set archived_at = null where id = $1", restored)
	waits := scan[int](b, "select count(*) from webhook_deliveries where customer_id = $1", restored)
	if due := b.due(100, 100, 400); len(due) != 21 || waits < 20 {
		t.Errorf("due for %d endpoints, of %d messages", len(due), waits)
	}
}

// Whoever is far behind hides nobody.
func TestWebhooksDueBehindManyOthers(t *testing.T) {
	b := setup(t)
	behind, also, other := b.hook(b.customer.ID), b.hook(b.customer.ID), b.hook(b.Customer(t, dbtest.Customer{}).ID)
	b.exec(`insert into webhook_deliveries (customer_id, id, endpoint_id, event, payload, next_at)
		select e.customer_id, gen_random_uuid(), e.id, 'post.published', '{}', now() - interval '1 hour' from webhook_endpoints e, generate_series(1, 3000) where e.id = $1`, behind.id)
	also.send("post.published")
	other.send("post.published")
	if diff := cmp.Diff(map[uuid.UUID]int{behind.id: 4, also.id: 1, other.id: 1}, b.due(4, 16, 400)); diff != "" {
		t.Errorf("due -want +got:\n%s", diff)
	}
	if diff := cmp.Diff(map[uuid.UUID]int{behind.id: 3, other.id: 1}, b.due(3, 3, 400)); diff != "" {
		t.Errorf("due, three of a customer's, -want +got:\n%s", diff)
	}
	// What has a job counts.
	b.exec(`insert into river.river_job (args, kind, max_attempts, queue, state)
		select jsonb_build_object('customer_id', d.customer_id, 'endpoint_id', d.endpoint_id, 'delivery_id', d.id), 'webhook_delivery', 1, 'webhooks', 'available'
		from webhook_deliveries d where d.endpoint_id = $1 order by d.next_at limit 3`, behind.id)
	if diff := cmp.Diff(map[uuid.UUID]int{behind.id: 1, also.id: 1, other.id: 1}, b.due(4, 16, 400)); diff != "" {
		t.Errorf("due beside three, -want +got:\n%s", diff)
	}
	if got := b.due(4, 16, 5); len(got) != 2 {
		t.Errorf("two of five are left, due are %v", got)
	}
}

// What is being sent is not due.
func TestWebhookUnderWayIsNotDue(t *testing.T) {
	b := setup(t)
	h := b.hook(b.customer.ID)
	arrived, done := make(chan struct{}, 1), make(chan struct{})
	h.answers(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-done })
	b.start(b.messenger())
	id := h.send("post.published")
	<-arrived
	left := scan[float64](b, "select extract(epoch from next_at - now())::float8 from webhook_deliveries where id = $1 and state = 'pending'", id)
	if left <= webhookTimeout.Seconds() || left > webhookBrokenOff.Seconds() {
		t.Errorf("due again after %v s", left)
	}
	close(done)
	eventually(b, "delivered 200 1", stateOfMessage, id)
}

// Of what waits for an endpoint only the newest messages are kept; the others are given up, and say so.
func TestWebhookBacklog(t *testing.T) {
	b := setup(t)
	full, other := b.hook(b.customer.ID), b.hook(b.customer.ID)
	b.exec("update webhook_endpoints set state = 'paused', reason = 'person'")
	b.exec(`insert into webhook_deliveries (customer_id, id, endpoint_id, event, payload, next_at)
		select e.customer_id, tenancy.audit_id(now() - interval '1 hour' + n * interval '1 ms'), e.id, 'post.published', jsonb_build_object('n', n), null
		from webhook_endpoints e, generate_series(1, $2::integer) n where e.id = $1`, full.id, webhooksKept+12_345)
	b.exec(`insert into webhook_deliveries (customer_id, id, endpoint_id, event, payload, next_at)
		select e.customer_id, gen_random_uuid(), e.id, 'post.published', '{}', null from webhook_endpoints e, generate_series(1, $2::integer) n where e.id = $1`, other.id, webhooksKept)
	if err := b.messenger().giveUpWebhooks(t.Context()); err != nil {
		t.Fatal(err)
	}
	const ofState = "select count(*) || ' from ' || coalesce(min((payload ->> 'n')::integer), 0) from webhook_deliveries where endpoint_id = $1 and state = $2"
	if got := scan[string](b, ofState, full.id, "failed"); got != "12345 from 1" {
		t.Errorf("given up are %s", got)
	}
	if got := scan[string](b, ofState, full.id, "pending"); got != "10000 from 12346" {
		t.Errorf("waiting are %s", got)
	}
	if got := scan[string](b, "select distinct problem from webhook_deliveries where state = 'failed'"); got != "More than 10000 messages waited for the webhook, and this was one of the oldest. It is not sent by itself any more." {
		t.Error(got)
	}
	if got := scan[string](b, ofState, other.id, "pending"); got != "10000 from 0" {
		t.Errorf("of the other's are waiting %s", got)
	}
}

// However much is too old, it is forgotten at once.
func TestWebhookForgetMany(t *testing.T) {
	b := setup(t)
	h := b.hook(b.customer.ID)
	b.exec(`insert into webhook_deliveries (customer_id, id, endpoint_id, event, payload, state, next_at, created_at)
		select e.customer_id, gen_random_uuid(), e.id, 'post.published', '{}', 'delivered', null, now() - interval '31 days' from webhook_endpoints e, generate_series(1, 25000)`)
	b.exec(`insert into webhook_secrets (customer_id, id, endpoint_id, sealed, key_id, expires_at)
		select e.customer_id, gen_random_uuid(), e.id, 'x', 1, now() - interval '1 hour' from webhook_endpoints e, generate_series(1, 10001)`)
	young := h.send("post.published")
	if err := b.messenger().forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := scan[[]uuid.UUID](b, "select array_agg(id) from webhook_deliveries"); len(got) != 1 || got[0] != young {
		t.Errorf("%d messages are left", len(got))
	}
	if n := scan[int](b, "select count(*) from webhook_secrets"); n != 1 {
		t.Errorf("%d secrets are left", n)
	}
}

// A webhook is another one for whoever looks after it when they, or an end of it, have changed it; not when attempts fail.
func TestWebhookVersion(t *testing.T) {
	b := setup(t)
	h := b.hook(b.customer.ID)
	h.answersStatus(http.StatusBadGateway, "")
	owner := b.Member(t, b.customer.ID, "owner")
	version := func(want int64, after string) {
		t.Helper()
		if got := scan[int64](b, "select version from webhook_endpoints where id = $1", h.id); got != want {
			t.Errorf("after %s the version is %d, not %d", after, got, want)
		}
	}
	b.start(b.messenger())
	id := h.send("post.published")
	eventually(b, "pending 502 1", stateOfMessage, id)
	if scan[bool](b, "select failing_since is null from webhook_endpoints where id = $1", h.id) {
		t.Error("it is not on record that it fails")
	}
	version(1, "a failed attempt")
	url := h.server.URL + "/other"
	b.asPerson(owner, func(ctx context.Context, q *queries.Queries) error {
		_, err := q.WebhookUpdate(ctx, queries.WebhookUpdateParams{ID: h.id, URL: &url})
		return err
	})
	version(2, "another address")
	b.asPerson(owner, func(ctx context.Context, q *queries.Queries) error {
		n, err := q.WebhookTouch(ctx, queries.WebhookTouchParams{ID: h.id})
		if n != 1 {
			t.Errorf("%d are touched", n)
		}
		return err
	})
	version(3, "a rotation")
	h.answersStatus(http.StatusGone, "")
	b.exec(nowDue, id)
	eventually(b, "disabled gone", stateOfHook, h.id)
	version(4, "its end")
}
