package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// keysStatus is what `fanfare keys status --json` prints.
type keysStatus struct {
	Keys []struct {
		ID      uint32
		Primary bool
		Rows    map[string]int64
	}
	Lost []struct {
		ID   int64
		Rows map[string]int64
	}
	Reseal *struct {
		KeyID int64 `json:"key_id"`
		State string
	}
}

func (s *system) keysStatus(t testing.TB) keysStatus {
	t.Helper()
	var status keysStatus
	if err := json.Unmarshal([]byte(command(t, s.env, "keys", "status", "--json")), &status); err != nil {
		t.Fatal(err)
	}
	return status
}

// primary gives the primary key's id, and the rows under it.
func (k keysStatus) primary() (id uint32, rows map[string]int64) {
	for _, key := range k.Keys {
		if key.Primary {
			return key.ID, key.Rows
		}
	}
	return 0, nil
}

// under gives the rows under a key; known tells whether it is in the key set.
func (k keysStatus) under(id uint32) (rows map[string]int64, known bool) {
	for _, key := range k.Keys {
		if key.ID == id {
			return key.Rows, true
		}
	}
	return nil, false
}

// refusedCommand runs the program to its end, which must not be a good one, and gives what it said.
func refusedCommand(t testing.TB, env []string, args ...string) string {
	t.Helper()
	p := start(t, "fanfare "+args[0], env, args...)
	if status := p.wait(t, time.Minute); status != 1 {
		t.Fatalf("fanfare %s ended with status %d, want 1", strings.Join(args, " "), status)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.log, "\n")
}

func idOf(id uint32) string { return strconv.FormatUint(uint64(id), 10) }

// publishing publishes posts, one after the other and never waiting for one, until it is stopped and has published
// enough of them.
type publishing struct {
	b       *brand
	pressed atomic.Int64

	mu    sync.Mutex
	posts []string
}

func (p *publishing) run(ctx context.Context, t *testing.T, enough int64, pause time.Duration) {
	t.Helper()
	var presses sync.WaitGroup
	for p.pressed.Load() < enough || ctx.Err() == nil {
		p.pressed.Add(1)
		presses.Go(func() { p.one(t) })
		time.Sleep(pause) // a pace, not a wait
	}
	presses.Wait()
}

func (p *publishing) one(t *testing.T) {
	t.Helper()
	r, err := p.b.owner.try(t.Context(), http.MethodPost, p.b.path+"/posts", map[string]any{
		"title": uniqueName("Rotation"), "text": "Once.", "platforms": []any{map[string]any{"integration_id": p.b.integration}},
	})
	if err != nil || r.status != http.StatusCreated {
		t.Errorf("draft: %d %s %v", r.status, r.body, err)
		return
	}
	var post postAnswer
	if err := json.Unmarshal(r.body, &post); err != nil {
		t.Error(err)
		return
	}
	if r, err := p.b.owner.try(t.Context(), http.MethodPost, p.b.postPath(post.ID)+"/publish", nil); err != nil || r.status != http.StatusAccepted {
		t.Errorf("publish: %d %s %v", r.status, r.body, err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.posts = append(p.posts, post.ID)
}

// keyed makes an API key with a request that can be repeated, and gives the answer.
func (b *brand) keyed(t testing.TB, idempotencyKey string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.owner.base()+b.path+"/api-keys",
		bytes.NewReader([]byte(`{"name": "Key", "permissions": ["posts:read", "tokens:mint"]}`)))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Authorization": "Bearer " + b.owner.token, "Content-Type": "application/json", "Idempotency-Key": idempotencyKey} {
		request.Header.Set(name, value)
	}
	answer, err := b.owner.http.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusCreated {
		t.Fatalf("%d %s, %v", answer.StatusCode, body, err)
	}
	return string(body)
}

// The keys are rotated by an operator's commands while posts are published, with nothing started anew: no post fails,
// none is published twice, and in the end nothing needs the old key.
func TestKeyRotationWhilePublishing(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{noWorker: true})
	processes := []*process{s.serve, s.startWorker(t), s.startWorker(t)}
	b := s.newBrand(t)
	for range pick(whole(), 20, 3) {
		s.newBrand(t)
	}
	answer := b.keyed(t, "rotation")
	var key struct{ Key string }
	if err := json.Unmarshal([]byte(answer), &key); err != nil {
		t.Fatal(err)
	}
	token := call[struct{ Token string }](t, s.program(key.Key), http.MethodPost, b.path+"/agent-tokens", map[string]any{"name": "Agent", "permissions": []string{"posts:read"}})

	publish := &publishing{b: b}
	ctx, stop := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	busy.Go(func() { publish.run(ctx, t, int64(pick(whole(), 100, 25)), 100*time.Millisecond) })
	began := time.Now()
	rotations := pick(whole(), 3, 1)
	for round := range rotations {
		old, rows := s.keysStatus(t).primary()
		if rows["integrations"] == 0 || rows["agent_token_keys"] != 1 || rows["idempotency_keys"] != 1 {
			t.Errorf("under key %d: %v", old, rows)
		}
		added := command(t, s.env, "keys", "add")
		if round == 0 {
			for _, p := range processes {
				p.message(t, "the key set was changed")
			}
		} // later on the operator is in a hurry
		command(t, s.env, "keys", "promote", added)
		if said := refusedCommand(t, s.env, "keys", "retire", idOf(old)); !strings.Contains(said, "still") {
			t.Errorf("retiring what is needed: %s", said)
		}
		eventually(t, time.Minute, "everything is re-encrypted", func() bool {
			status := s.keysStatus(t)
			left, _ := status.under(old)
			return len(left) == 0 && status.Reseal != nil && strconv.FormatInt(status.Reseal.KeyID, 10) == added && status.Reseal.State == "completed"
		})
		command(t, s.env, "keys", "retire", idOf(old))
		if _, known := s.keysStatus(t).under(old); known {
			t.Errorf("key %d is still there", old)
		}
		if content, err := os.ReadFile(s.keyset); err != nil || bytes.Contains(content, []byte(idOf(old))) {
			t.Errorf("the file still names key %d: %v", old, err)
		}
	}
	stop()
	busy.Wait()
	took := time.Since(began)
	if len(publish.posts) < pick(whole(), 100, 25) {
		t.Errorf("%d posts were published", len(publish.posts))
	}
	for _, id := range publish.posts {
		b.checkPublished(t, b.await(t, id, "published"))
	}
	s.checkSettled(t)
	if n := one[int](t, s, "select count(*) from publish_attempts where outcome <> 'published'"); n != 0 {
		t.Errorf("%d attempts failed", n)
	}
	status := s.keysStatus(t)
	primary, rows := status.primary()
	if len(status.Keys) != 1 || len(status.Lost) != 0 {
		t.Errorf("after it all: %+v", status)
	}
	// The bytes say so too, whatever stands beside them.
	if n := one[int](t, s, "select count(*) from integrations where tenancy.sealed_by(credential) <> $1 or key_id <> $1", int64(primary)); n != 0 {
		t.Errorf("%d accounts are under another key", n)
	}
	if n := one[int](t, s, "select count(*) from integrations where version <> 1"); n != 0 {
		t.Errorf("%d accounts have another version, as if somebody had changed them", n)
	}
	// Everything is readable, by those who were there and by one who comes now.
	s.startWorker(t)
	s.startAnotherServe(t)
	post := b.draft(t, draft{})
	b.publish(t, post.ID)
	b.checkPublished(t, b.await(t, post.ID, "published"))
	if again := b.keyed(t, "rotation"); again != answer {
		t.Errorf("the repeated request is answered with %s, before with %s", again, answer)
	}
	s.program(token.Token).expect(t, http.StatusOK, http.MethodGet, b.path+"/posts", nil)
	fmt.Printf("%s: %d rotations in %s, %d posts, 0 failed, now sealed with the new key: %v\n", t.Name(), rotations, took.Round(time.Millisecond), len(publish.posts)+1, rows)
}

// What an operator is told when something is not as it should be.
func TestKeysCommands(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{noWorker: true})
	b := s.newBrand(t)
	first, _ := s.keysStatus(t).primary()
	added := command(t, s.env, "keys", "add")
	for _, c := range []struct{ args, says string }{
		{"retire " + idOf(first), "it is the primary key; promote another one first"},
		{"retire 7", "has no key 7; it has " + idOf(first) + ", " + added},
		{"promote 7", "has no key 7"},
	} {
		if said := refusedCommand(t, s.env, append([]string{"keys"}, strings.Fields(c.args)...)...); !strings.Contains(said, c.says) {
			t.Errorf("keys %s: %s", c.args, said)
		}
	}
	away := append(s.env[:len(s.env):len(s.env)], "WORKER_DATABASE_URL=postgres://fanfare_worker:x@127.0.0.1:1/x")
	if said := refusedCommand(t, away, "keys", "promote", added); !strings.Contains(said, "WORKER_DATABASE_URL") {
		t.Errorf("without a database: %s", said)
	}
	if now, _ := s.keysStatus(t).primary(); now != first {
		t.Error("a promotion that was refused took place")
	}
	command(t, s.env, "keys", "promote", added)
	if out := command(t, s.env, "keys", "reseal"); !strings.Contains(out, "under way already") {
		t.Errorf("asked for twice: %s", out)
	}
	if said := refusedCommand(t, s.env, "keys", "retire", idOf(first)); !strings.Contains(said, "still needed: with it are sealed integrations 1.") {
		t.Errorf("retiring what is needed: %s", said)
	}
	// The key set that the account was sealed with is lost, and nobody has noticed.
	if _, err := s.super.Exec(t.Context(), `update integrations set credential = '\x0100000007'::bytea || substr(credential, 6), key_id = 7`); err != nil {
		t.Fatal(err)
	}
	status := s.keysStatus(t)
	if len(status.Lost) != 1 || status.Lost[0].ID != 7 || status.Lost[0].Rows["integrations"] != 1 {
		t.Errorf("lost: %+v", status.Lost)
	}
	if out := command(t, s.env, "keys", "status"); !regexp.MustCompile(`(?m)^7 +lost +integrations 1$`).MatchString(out) || !strings.Contains(out, "Re-encryption with key "+added) {
		t.Errorf("status:\n%s", out)
	}
	if said := refusedCommand(t, s.env, "keys", "retire", idOf(first)); !strings.Contains(said, "still under way (available") {
		t.Errorf("retiring before a worker has looked: %s", said)
	}
	worker := s.startWorker(t)
	worker.message(t, "a sealed value cannot be opened and stays as it is")
	worker.message(t, "re-encryption is finished, but for values that cannot be opened")
	eventually(t, 20*time.Second, "the first key can be retired", func() bool { return s.keysStatus(t).Reseal.State == "completed" })
	command(t, s.env, "keys", "retire", idOf(first))
	// Reconnected, it works.
	b.connect(t, b.site)
	post := b.draft(t, draft{})
	b.publish(t, post.ID)
	b.await(t, post.ID, "published")
}
