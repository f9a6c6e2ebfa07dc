package platform_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// ghostBundle is a Ghost site in a sandbox, the adapter for it, and a post with its kept checkpoint.
type ghostBundle struct {
	t          *testing.T
	box        *sandbox.Sandbox
	base       string
	key        string
	credential json.RawMessage
	ghost      *platform.GhostPublisher
	post       platform.Post
	checkpoint json.RawMessage

	mu    sync.Mutex
	steps []string
}

func setupGhost(t *testing.T) *ghostBundle {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	b := &ghostBundle{
		t: t, box: box, base: server.URL, key: box.AddGhostSite("news", "The News"),
		ghost: platform.NewGhost(platform.NewEgress(loopback)),
		post:  platform.Post{ID: uuid.New(), Title: "Big News", Text: "First paragraph.\n\nSee https://example.com/x?a=1&b=2."},
	}
	b.credential = b.credentialFor(server.URL+"/ghost-sites/news", b.key)
	box.OnRequest(func(info sandbox.RequestInfo) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.steps = append(b.steps, strings.TrimPrefix(info.Step, "ghost."))
	})
	return b
}

func (b *ghostBundle) credentialFor(site, key string) json.RawMessage {
	b.t.Helper()
	raw, err := json.Marshal(platform.GhostCredential{SiteURL: site, AdminAPIKey: key})
	if err != nil {
		b.t.Fatal(err)
	}
	return raw
}

// attempt is one that keeps checkpoints in the bundle, as a job keeps them in its row.
func (b *ghostBundle) attempt() platform.Attempt {
	return platform.Attempt{FirstStarted: time.Now(), Checkpoint: b.checkpoint,
		Keep: func(_ context.Context, checkpoint json.RawMessage) error {
			b.checkpoint = checkpoint
			return nil
		}}
}

func (b *ghostBundle) publish() (platform.Published, error) {
	return b.ghost.Publish(b.t.Context(), b.credential, b.post, b.attempt())
}

func (b *ghostBundle) reconcile() (*platform.Published, error) {
	return b.ghost.Reconcile(b.t.Context(), b.credential, b.post, b.attempt())
}

func (b *ghostBundle) fault(f sandbox.Fault) {
	b.t.Helper()
	if err := b.box.AddFault(f); err != nil {
		b.t.Fatal(err)
	}
}

// takeSteps gives the requests since the last call.
func (b *ghostBundle) takeSteps() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	steps := strings.Join(b.steps, " ")
	b.steps = nil
	return steps
}

// edit changes a post the way a person in Ghost would, with the same key.
func (b *ghostBundle) edit(post sandbox.GhostPost, fields string) {
	b.t.Helper()
	id, secret, _ := strings.Cut(b.key, ":")
	raw, err := hex.DecodeString(secret)
	if err != nil {
		b.t.Fatal(err)
	}
	header := jws.NewHeaders()
	claims, err := jwt.NewBuilder().IssuedAt(time.Now()).Expiration(time.Now().Add(time.Minute)).Audience([]string{"/admin/"}).Build()
	if err = errors.Join(err, header.Set(jws.KeyIDKey, id)); err != nil {
		b.t.Fatal(err)
	}
	token, err := jwt.Sign(claims, jwt.WithKey(jwa.HS256(), raw, jws.WithProtectedHeaders(header)))
	if err != nil {
		b.t.Fatal(err)
	}
	body := `{"posts":[{"updated_at":"` + post.UpdatedAt.Format(time.RFC3339) + `",` + fields + `}]}`
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPut,
		b.base+"/ghost-sites/news/ghost/api/admin/posts/"+post.ID+"/", strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Ghost "+string(token))
	resp, err := platform.NewEgress(loopback).Client().Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		b.t.Fatalf("edit: %s", resp.Status)
	}
}

// wantOnce checks that the site has the post, published once, and no draft beside it.
func (b *ghostBundle) wantOnce() {
	b.t.Helper()
	posts, published := b.box.GhostPosts("news"), b.box.Published()
	if len(posts) != 1 || len(published) != 1 || published[0].TimesPublished != 1 || len(b.box.Doubles()) != 0 {
		b.t.Errorf("not exactly once: %+v, %+v", posts, published)
	}
}

// wantClass checks an error: its class, that a person can read it, and that it holds no secret.
func (b *ghostBundle) wantClass(err error, want platform.Class) *platform.Error {
	b.t.Helper()
	var e *platform.Error
	if !errors.As(err, &e) {
		b.t.Fatalf("no *Error but %v; want %s", err, want)
	}
	if e.Class != want {
		b.t.Errorf("class %s, want %s: %v", e.Class, want, err)
	}
	noSecret(b.t, e, b.key)
	return e
}

// noSecret looks for the key, its half, or a token in everything that an error shows.
func noSecret(t *testing.T, e *platform.Error, key string) {
	t.Helper()
	if e.Message == "" || strings.Contains(e.Message, "{") {
		t.Errorf("not a message for people: %q", e.Message)
	}
	_, secret, _ := strings.Cut(key, ":")
	text := fmt.Sprintf("%v %+v %#v %s", e, e, *e, e.Err)
	if slices.ContainsFunc([]string{key, secret, "eyJ"}, func(part string) bool { return part != "" && strings.Contains(text, part) }) {
		t.Errorf("a secret in %s", text)
	}
}
