package sandbox_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"fanfare/internal/sandbox"
)

// clock is a clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// bundle is a sandbox with one Ghost site, served over HTTP.
type bundle struct {
	t     *testing.T
	box   *sandbox.Sandbox
	clock *clock
	base  string
	key   string
}

func setup(t *testing.T) *bundle {
	t.Helper()
	return setupDir(t, "")
}

func setupDir(t *testing.T, dir string) *bundle {
	t.Helper()
	c := &clock{at: time.Now()}
	box, err := sandbox.New(sandbox.Options{Dir: dir, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	steps := box.Steps()
	box.OnRequest(func(r sandbox.RequestInfo) {
		if !slices.Contains(steps[r.Platform], r.Step) {
			t.Errorf("%s %s is %q, which is not listed", r.Method, r.Path, r.Step)
		}
	})
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	return &bundle{t: t, box: box, clock: c, base: server.URL, key: box.AddGhostSite("news", "The News")}
}

// token describes the token of a request; what is zero is made as Ghost wants it.
type token struct {
	alg      jwa.SignatureAlgorithm
	noKid    bool
	kid      string
	secret   string
	aud      string
	age      time.Duration // how long ago it was issued
	life     time.Duration
	noIat    bool
	noExp    bool
	unsigned bool
}

func (b *bundle) sign(in token) string {
	b.t.Helper()
	id, secret, _ := strings.Cut(b.key, ":")
	if in.kid != "" {
		id = in.kid
	}
	if in.secret != "" {
		secret = in.secret
	}
	if in.aud == "" {
		in.aud = "/admin/"
	}
	if in.life == 0 {
		in.life = 5 * time.Minute
	}
	issued := b.clock.now().Add(-in.age)
	builder := jwt.NewBuilder().Audience([]string{in.aud})
	if !in.noIat {
		builder = builder.IssuedAt(issued)
	}
	if !in.noExp {
		builder = builder.Expiration(issued.Add(in.life))
	}
	claims, err := builder.Build()
	if err != nil {
		b.t.Fatal(err)
	}
	header := jws.NewHeaders()
	if !in.noKid {
		if err := header.Set(jws.KeyIDKey, id); err != nil {
			b.t.Fatal(err)
		}
	}
	alg := in.alg
	if alg.String() == "" {
		alg = jwa.HS256()
	}
	raw, err := hex.DecodeString(secret)
	if err != nil {
		b.t.Fatal(err)
	}
	var signed []byte
	if in.unsigned {
		payload, err := json.Marshal(claims)
		if err != nil {
			b.t.Fatal(err)
		}
		signed, err = jws.Sign(payload, jws.WithInsecureNoSignature(jws.WithProtectedHeaders(header)))
		if err != nil {
			b.t.Fatal(err)
		}
		return string(signed)
	}
	signed, err = jwt.Sign(claims, jwt.WithKey(alg, raw, jws.WithProtectedHeaders(header)))
	if err != nil {
		b.t.Fatal(err)
	}
	return string(signed)
}

type reply struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// admin sends an authorised request to the site's Admin API. body is JSON text, or a value to encode,
// or nil.
func (b *bundle) admin(method, path string, body any) reply {
	b.t.Helper()
	return b.request(method, "/ghost-sites/news/ghost/api/admin/"+path, "Ghost "+b.sign(token{}), body)
}

func (b *bundle) request(method, path, authorization string, body any) reply {
	b.t.Helper()
	result, err := b.try(method, path, authorization, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

var client = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{DisableKeepAlives: true},
	Timeout:       10 * time.Second,
}

func (b *bundle) try(method, path, authorization string, body any) (reply, error) {
	b.t.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(body)
	default:
		encoded, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		reader = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, reader)
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	return decoded(resp, data), nil
}

// decoded is an answer whose body was read.
func decoded(resp *http.Response, body []byte) reply {
	result := reply{status: resp.StatusCode, header: resp.Header, body: string(body)}
	_ = json.Unmarshal(body, &result.json)
	return result
}

type object = map[string]any

// posts wraps a post as the Admin API wants it.
func posts(post object) object { return object{"posts": []any{post}} }

// post gives the first post of an answer.
func (r reply) post(t *testing.T) object {
	t.Helper()
	list, _ := r.json["posts"].([]any)
	if len(list) == 0 {
		t.Fatalf("no post in %d %s", r.status, r.body)
	}
	return list[0].(object)
}

// fault gives type, code and property of a refusal.
func (r reply) fault(t *testing.T) (kind, code, property string) {
	t.Helper()
	list, _ := r.json["errors"].([]any)
	if len(list) != 1 {
		t.Fatalf("no error in %d %s", r.status, r.body)
	}
	fields := list[0].(object)
	for _, name := range []string{"message", "context", "type", "details", "property", "help", "code", "id", "ghostErrorCode"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("the error lacks %q", name)
		}
	}
	text := func(name string) string { s, _ := fields[name].(string); return s }
	return text("type"), text("code"), text("property")
}

func (b *bundle) wantFault(r reply, status int, kind, code string) {
	b.t.Helper()
	if r.status != status {
		b.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	gotKind, gotCode, _ := r.fault(b.t)
	if gotKind != kind || gotCode != code {
		b.t.Errorf("error %s %s, want %s %s", gotKind, gotCode, kind, code)
	}
}

// draft makes a draft and gives it.
func (b *bundle) draft(post object) object {
	b.t.Helper()
	r := b.admin("POST", "posts/?source=html", posts(post))
	if r.status != http.StatusCreated {
		b.t.Fatalf("draft: %d %s", r.status, r.body)
	}
	return r.post(b.t)
}

// put edits a post, with the updated_at it now has.
func (b *bundle) put(id any, query string, change object) reply {
	b.t.Helper()
	if _, ok := change["updated_at"]; !ok {
		change["updated_at"] = b.admin("GET", "posts/"+id.(string)+"/", nil).post(b.t)["updated_at"]
	}
	return b.admin("PUT", "posts/"+id.(string)+"/"+query, posts(change))
}
