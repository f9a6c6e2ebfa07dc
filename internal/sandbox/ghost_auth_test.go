package sandbox_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
)

func TestGhostAuth(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cases := []struct {
		name   string
		header string // stands in for a token
		token  token
		status int
		kind   string
		code   string
	}{
		{name: "good", status: 200},
		{name: "good with another audience of the admin API", token: token{aud: "/v5/admin/"}, status: 200},
		{name: "good and four minutes old", token: token{age: 4 * time.Minute}, status: 200},
		{name: "no header", header: "-", status: 403, kind: "NoPermissionError"},
		{name: "bearer", header: "Bearer x.y.z", status: 401, kind: "UnauthorizedError", code: "INVALID_AUTH_HEADER"},
		{name: "scheme alone", header: "Ghost", status: 401, kind: "UnauthorizedError", code: "INVALID_AUTH_HEADER"},
		{name: "no token", header: "Ghost rubbish", status: 400, kind: "BadRequestError", code: "INVALID_JWT"},
		{name: "no kid", token: token{noKid: true}, status: 400, kind: "BadRequestError", code: "MISSING_ADMIN_API_KID"},
		{name: "unknown key", token: token{kid: strings.Repeat("0", 24)}, status: 401, kind: "UnauthorizedError", code: "UNKNOWN_ADMIN_API_KEY"},
		{name: "wrong secret", token: token{secret: strings.Repeat("ab", 32)}, status: 401, kind: "UnauthorizedError", code: "INVALID_JWT"},
		{name: "expired", token: token{age: 2 * time.Minute, life: time.Minute}, status: 401, kind: "UnauthorizedError", code: "INVALID_JWT"},
		{name: "too long a life", token: token{life: 6 * time.Minute}, status: 401, kind: "UnauthorizedError", code: "INVALID_JWT"},
		{name: "too old", token: token{age: 6 * time.Minute, life: 10 * time.Minute}, status: 401, kind: "UnauthorizedError", code: "INVALID_JWT"},
		{name: "no iat", token: token{noIat: true}, status: 401, kind: "UnauthorizedError", code: "INVALID_JWT"},
		{name: "no exp", token: token{noExp: true}, status: 401, kind: "UnauthorizedError", code: "INVALID_JWT"},
		{name: "wrong audience", token: token{aud: "/content/"}, status: 401, kind: "UnauthorizedError", code: "INVALID_JWT"},
		{name: "alg HS512", token: token{alg: jwa.HS512()}, status: 401, kind: "UnauthorizedError", code: "INVALID_JWT"},
		{name: "alg none", token: token{unsigned: true}, status: 401, kind: "UnauthorizedError", code: "INVALID_JWT"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &bundle{t: t, box: b.box, clock: b.clock, base: b.base, key: b.key}
			header := c.header
			switch header {
			case "":
				header = "Ghost " + b.sign(c.token)
			case "-":
				header = ""
			}
			r := b.request("GET", "/ghost-sites/news/ghost/api/admin/posts/?limit=1&fields=id", header, nil)
			if c.status == 200 {
				if r.status != 200 {
					t.Fatalf("%d %s", r.status, r.body)
				}
				return
			}
			b.wantFault(r, c.status, c.kind, c.code)
			if !strings.HasPrefix(r.header.Get("Content-Version"), "v5.") {
				t.Errorf("Content-Version %q", r.header.Get("Content-Version"))
			}
		})
	}
}

func TestGhostKeyRotation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if again := b.box.AddGhostSite("news", "Another title"); again != b.key {
		t.Error("adding a site again changed its key")
	}
	old := "Ghost " + b.sign(token{})
	b.key = b.box.RotateGhostKey("news")
	b.wantFault(b.request("GET", "/ghost-sites/news/ghost/api/admin/posts/", old, nil), 401, "UnauthorizedError", "INVALID_JWT")
	if r := b.admin("GET", "posts/", nil); r.status != 200 {
		t.Errorf("new key: %d %s", r.status, r.body)
	}
}

func TestGhostSites(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.box.AddGhostSite("other", "Other")
	site := b.request("GET", "/ghost-sites/news/ghost/api/admin/site/", "", nil)
	fields, _ := site.json["site"].(object)
	if site.status != 200 || fields["title"] != "The News" || fields["url"] != b.base+"/ghost-sites/news/" {
		t.Errorf("site: %d %s", site.status, site.body)
	}
	// A key opens its own site only.
	r := b.request("GET", "/ghost-sites/other/ghost/api/admin/posts/", "Ghost "+b.sign(token{}), nil)
	b.wantFault(r, 401, "UnauthorizedError", "UNKNOWN_ADMIN_API_KEY")
	for _, closed := range []string{"users/me/", "settings/", "images/upload/"} {
		b.wantFault(b.admin("GET", closed, nil), 501, "NotImplementedError", "")
	}
	if r := b.request("GET", "/ghost-sites/nowhere/ghost/api/admin/site/", "", nil); r.status != 404 || r.json != nil {
		t.Errorf("unknown site: %d %s", r.status, r.body)
	}
	r = b.request("GET", "/ghost-sites/news/ghost/api/admin/posts?limit=1", "", nil)
	if r.status != 301 || r.header.Get("Location") != "/ghost-sites/news/ghost/api/admin/posts/?limit=1" {
		t.Errorf("no slash at the end: %d %v", r.status, r.header)
	}
}
