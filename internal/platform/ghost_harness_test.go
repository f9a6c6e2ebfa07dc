package platform_test

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
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

// ghostBundle is a publishBundle of a Ghost site.
type ghostBundle struct {
	*publishBundle
	ghost *platform.GhostPublisher
	key   string
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
		publishBundle: newPublish(&connectBundle{t: t, box: box, base: server.URL}, platform.Ghost),
		ghost:         platform.NewGhost(platform.NewEgress(loopback)),
		key:           box.AddGhostSite("news", "The News"),
	}
	b.publisher = b.ghost
	b.credential = b.credentialFor(server.URL+"/ghost-sites/news", b.key)
	b.post = platform.Post{ID: uuid.New(), Title: "Big News", Text: "First paragraph.\n\nSee https://example.com/x?a=1&b=2."}
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
	b.only()
	if posts := b.box.GhostPosts("news"); len(posts) != 1 {
		b.t.Errorf("not one: %+v", posts)
	}
}
