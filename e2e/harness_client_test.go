package e2e

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
)

// What the tests read of the API's answers.
type (
	customerAnswer    struct{ ID, Name string }
	integrationAnswer struct{ ID, Platform, State, URL string }
	campaignAnswer    struct{ ID, Name string }
	meAnswer          struct{ ID, Email string }
	invitationAnswer  struct{ ID, State, Link string }

	postAnswer struct {
		ID, Title, Text, State string
		ScheduledAt            *time.Time           `json:"scheduled_at"`
		PlatformPosts          []platformPostAnswer `json:"platform_posts"`
	}
	platformPostAnswer struct {
		ID            string
		IntegrationID string `json:"integration_id"`
		Platform      string
		State, Text   string
		ExternalURL   *string    `json:"external_url"`
		PublishedAt   *time.Time `json:"published_at"`
		ProblemClass  *string    `json:"problem_class"`
		Problem       *string    `json:"problem"`
		RetryAt       *time.Time `json:"retry_at"`
	}
)

// client calls the API as one person.
type client struct {
	base   func() string
	token  string
	reason string // for what is done by a system role
	http   *http.Client
}

// person is somebody whom the system has never seen.
func (s *system) person(t testing.TB) *client {
	t.Helper()
	return &client{base: func() string { return "http://" + s.addr }, token: s.issuer.token(t, uniqueName("person")), http: &http.Client{Timeout: 30 * time.Second}}
}

// program calls with an API key or an agent token.
func (s *system) program(credential string) *client {
	return &client{base: func() string { return "http://" + s.addr }, token: credential, http: &http.Client{Timeout: 30 * time.Second}}
}

// nobody calls without a token.
func (s *system) nobody() *client {
	return &client{base: func() string { return "http://" + s.addr }, http: &http.Client{Timeout: 30 * time.Second}}
}

var (
	names   atomic.Int64
	senders atomic.Uint32
)

// uniqueName is one that nothing else in this test process has.
func uniqueName(kind string) string { return fmt.Sprintf("%s-%d", kind, names.Add(1)) }

// response is an answer of the API.
type response struct {
	status int
	header http.Header
	body   []byte
}

// try makes a request. The error is the network's.
func (c *client) try(ctx context.Context, method, path string, body any) (response, error) {
	return c.tryIf(ctx, "", method, path, body)
}

// tryIf makes a request about the version of an ETag, or about any if that is empty.
func (c *client) tryIf(ctx context.Context, etag, method, path string, body any) (response, error) {
	var reader io.Reader = http.NoBody
	switch body := body.(type) {
	case nil:
	case rawBody:
		reader = strings.NewReader(string(body))
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			return response{}, fmt.Errorf("encode request: %w", err)
		}
		reader = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.base()+path, reader)
	if err != nil {
		return response{}, fmt.Errorf("make request: %w", err)
	}
	// Each request comes from elsewhere: addresses are limited.
	n := senders.Add(1)
	request.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", byte(n>>16), byte(n>>8), byte(n)))
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.reason != "" {
		request.Header.Set("X-Admin-Reason", c.reason)
	}
	if etag != "" {
		request.Header.Set("If-Match", etag)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return response{}, fmt.Errorf("call: %w", err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return response{}, fmt.Errorf("read answer: %w", err)
	}
	return response{answer.StatusCode, answer.Header, content}, nil
}

// do makes a request that is answered, whatever the answer.
func (c *client) do(t testing.TB, method, path string, body any) response {
	t.Helper()
	r, err := c.try(t.Context(), method, path, body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

// expect makes a request that is answered with the status.
func (c *client) expect(t testing.TB, status int, method, path string, body any) response {
	t.Helper()
	r := c.do(t, method, path, body)
	if r.status != status {
		t.Fatalf("%s %s: %d %s, want %d", method, path, r.status, r.body, status)
	}
	return r
}

// expectIf is expect for a request about the version of an ETag.
func (c *client) expectIf(t testing.TB, status int, etag, method, path string, body any) response {
	t.Helper()
	r, err := c.tryIf(t.Context(), etag, method, path, body)
	if err != nil || r.status != status {
		t.Fatalf("%s %s: %d %s, %v, want %d", method, path, r.status, r.body, err, status)
	}
	return r
}

// call makes a request that succeeds, and decodes its answer.
func call[T any](t testing.TB, c *client, method, path string, body any) T {
	t.Helper()
	r := c.do(t, method, path, body)
	if r.status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
	return decode[T](t, r)
}

func decode[T any](t testing.TB, r response) T {
	t.Helper()
	var value T
	if err := json.Unmarshal(r.body, &value); err != nil {
		t.Fatalf("decode %s: %v", r.body, err)
	}
	return value
}

func fetch(t testing.TB, url string) (status int, body string) {
	t.Helper()
	return send(t, http.MethodGet, url, "")
}

// send sends a body to an address of no particular API.
func send(t testing.TB, method, url, text string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(content)
}

// brand is a customer with its owner and a Ghost site.
type brand struct {
	s           *system
	owner       *client
	id          string
	path        string // /v1/customers/{id}
	integration string
	site        string
}

// newBrand makes a customer as a person would: they sign in, make it and connect their site.
func (s *system) newBrand(t testing.TB) *brand {
	t.Helper()
	b := &brand{s: s, owner: s.person(t)}
	b.id = call[customerAnswer](t, b.owner, http.MethodPost, "/v1/customers", map[string]any{"name": uniqueName("Customer")}).ID
	b.path = "/v1/customers/" + b.id
	b.site = uniqueName("site")
	b.integration = b.connect(t, b.site)
	return b
}

// invite invites somebody, and gives the invitation with the token in its link.
func (b *brand) invite(t testing.TB, email, role string) (id, token string) {
	t.Helper()
	invited := call[invitationAnswer](t, b.owner, http.MethodPost, b.path+"/invitations", map[string]any{"email": email, "role": role})
	_, token, found := strings.Cut(invited.Link, "#token=")
	if !found {
		t.Fatalf("the invitation's link is %q", invited.Link)
	}
	return invited.ID, token
}

// join makes somebody a member, as a person would: they are invited and accept. It gives their id.
func (b *brand) join(t testing.TB, who *client, role string) (userID string) {
	t.Helper()
	me := call[meAnswer](t, who, http.MethodGet, "/v1/me", nil)
	_, token := b.invite(t, me.Email, role)
	if joined := call[customerAnswer](t, who, http.MethodPost, "/v1/invitations/accept", map[string]any{"token": token}); joined.ID != b.id {
		t.Fatalf("the invitation to %s leads to %s", b.id, joined.ID)
	}
	return me.ID
}

// connect connects a Ghost site, which is made if there is none of the name.
func (b *brand) connect(t testing.TB, site string) (integrationID string) {
	t.Helper()
	siteURL, key := b.s.site(site)
	return b.connectWith(t, siteURL, key).ID
}

func (b *brand) connectWith(t testing.TB, siteURL, key string) integrationAnswer {
	t.Helper()
	return call[integrationAnswer](t, b.owner, http.MethodPost, b.path+"/integrations",
		map[string]any{"platform": "ghost", "site_url": siteURL, "admin_api_key": key})
}

// draft describes a post; empty fields are filled.
type draft struct {
	title, text, campaign string
	integrations          []string
}

// draft makes a post.
func (b *brand) draft(t testing.TB, d draft) postAnswer {
	t.Helper()
	if d.integrations == nil {
		d.integrations = []string{b.integration}
	}
	platforms := []map[string]any{}
	for _, id := range d.integrations {
		platforms = append(platforms, map[string]any{"integration_id": id})
	}
	body := map[string]any{"title": cmp.Or(d.title, uniqueName("Post")), "text": cmp.Or(d.text, "What there is to say."), "platforms": platforms}
	if d.campaign != "" {
		body["campaign_id"] = d.campaign
	}
	return call[postAnswer](t, b.owner, http.MethodPost, b.path+"/posts", body)
}

func (b *brand) postPath(id string) string { return b.path + "/posts/" + id }

func (b *brand) post(t testing.TB, id string) postAnswer {
	t.Helper()
	return call[postAnswer](t, b.owner, http.MethodGet, b.postPath(id), nil)
}

func (b *brand) publish(t testing.TB, id string) postAnswer {
	t.Helper()
	return call[postAnswer](t, b.owner, http.MethodPost, b.postPath(id)+"/publish", nil)
}

func (b *brand) schedule(t testing.TB, id string, at time.Time) postAnswer {
	t.Helper()
	return call[postAnswer](t, b.owner, http.MethodPost, b.postPath(id)+"/schedule", map[string]any{"scheduled_at": at})
}

// await waits until the post is in a state and gives it.
func (b *brand) await(t testing.TB, id, state string) postAnswer {
	t.Helper()
	var post postAnswer
	deadline := time.Now().Add(60 * time.Second)
	for {
		if post = b.post(t, id); post.State == state {
			return post
		}
		if time.Now().After(deadline) {
			t.Fatalf("post %q is %s and not %s after a minute: %s", post.Title, post.State, state, spell(post))
		}
		time.Sleep(30 * time.Millisecond)
	}
}

// checkPublished expects that a published post is where it says, once.
func (b *brand) checkPublished(t testing.TB, post postAnswer) {
	t.Helper()
	if post.State != "published" {
		t.Errorf("post %q is %s, not published: %s", post.Title, post.State, spell(post))
		return
	}
	for _, pp := range post.PlatformPosts {
		if pp.State != "published" || pp.ExternalURL == nil {
			t.Errorf("platform post of %q: %s", post.Title, spell(pp))
			continue
		}
		if pp.Problem != nil {
			t.Errorf("published post %q still tells of a problem: %s", post.Title, *pp.Problem)
		}
		if !visible(t, *pp.ExternalURL, post.Title) {
			t.Errorf("post %q is not at %s", post.Title, *pp.ExternalURL)
		}
		site, _, _ := strings.Cut(strings.TrimPrefix(*pp.ExternalURL, b.s.boxURL+"/ghost-sites/"), "/")
		if n := b.s.times(site, post.Title); n != 1 {
			t.Errorf("post %q was published %d times on %s", post.Title, n, site)
		}
	}
}

func spell(v any) string {
	encoded, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

func randomID() string { return uuid.Must(uuid.NewV7()).String() }
