package sandbox_test

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fanfare/internal/sandbox"
)

func TestRestartKeepsState(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/deep/er"
	b := setupDir(t, dir)
	id := b.draft(object{"title": "Kept", "html": "<p>Text</p>"})["id"]
	b.put(id, "", object{"status": "published"})
	b.draft(object{"title": "Draft"})
	key := b.box.RotateGhostKey("news")

	again := setupDir(t, dir)
	if again.key != key {
		t.Error("the key changed")
	}
	if diff := cmp.Diff(b.box.Published(), again.box.Published()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(b.box.GhostPosts("news"), again.box.GhostPosts("news")); diff != "" {
		t.Error(diff)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 {
		t.Errorf("files %v, %v", files, err)
	}
	if err := os.WriteFile(dir+"/sandbox.json", []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sandbox.New(sandbox.Options{Dir: dir}); err == nil {
		t.Error("a broken file was taken for an empty state")
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fault := func(body any) {
		t.Helper()
		if r := b.request("POST", "/_sandbox/faults", "", body); r.status != 204 {
			t.Fatalf("fault: %d %s", r.status, r.body)
		}
	}
	count := func() int { return len(b.box.GhostPosts("news")) }
	post := func() (reply, error) {
		return b.try("POST", "/ghost-sites/news/ghost/api/admin/posts/", "Ghost "+b.sign(token{}), posts(object{"title": "x"}))
	}

	fault(object{"platform": "ghost", "method": "POST", "path_contains": "/posts/", "fault": "drop_before"})
	if r, err := post(); err == nil || count() != 0 {
		t.Errorf("drop_before: %v, %d posts", r, count())
	}
	fault(object{"step": "ghost.create_draft", "fault": "drop_after"})
	if r, err := post(); err == nil || count() != 1 {
		t.Errorf("drop_after: %v, %d posts", r, count())
	}
	fault(object{"method": "POST", "fault": "status", "status": 429, "times": 2, "headers": object{"Retry-After": "7"}})
	for range 2 {
		r, err := post()
		if err != nil || r.header.Get("Retry-After") != "7" {
			t.Fatalf("429: %v %v", r, err)
		}
		b.wantFault(r, 429, "TooManyRequestsError", "")
	}
	if r, err := post(); err != nil || r.status != 201 || count() != 2 {
		t.Errorf("after the faults: %v %v", r, err)
	}
	fault(object{"fault": "slow", "delay_ms": 80})
	began := time.Now()
	if r, err := post(); err != nil || r.status != 201 || time.Since(began) < 80*time.Millisecond {
		t.Errorf("slow: %v %v after %v", r, err, time.Since(began))
	}
	fault(object{"fault": "status", "status": 502, "body": "<h1>Bad gateway</h1>", "times": -1})
	for range 3 {
		if r, err := post(); err != nil || r.status != 502 || r.json != nil {
			t.Errorf("proxy: %v %v", r, err)
		}
	}
	if r := b.request("GET", "/_sandbox/faults", "", nil); len(r.json["faults"].([]any)) != 1 {
		t.Errorf("faults %s", r.body)
	}
	if r := b.request("DELETE", "/_sandbox/faults", "", nil); r.status != 204 {
		t.Errorf("clear: %d", r.status)
	}
	if r, err := post(); err != nil || r.status != 201 {
		t.Errorf("cleared: %v %v", r, err)
	}
	for _, wrong := range []string{`{"fault":"explode"}`, `{"fault":"status"}`, `{"fault":"slow"}`, `{"fault":"slow","delay":5}`, `{`} {
		if r := b.request("POST", "/_sandbox/faults", "", wrong); r.status < 400 {
			t.Errorf("%s: %d", wrong, r.status)
		}
	}
}

func TestHooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	var seen []string
	note := func(when string) func(sandbox.RequestInfo) {
		return func(info sandbox.RequestInfo) {
			mu.Lock()
			defer mu.Unlock()
			seen = append(seen, fmt.Sprint(when, " ", info.Step, " ", info.Account, " posts=", len(b.box.GhostPosts("news"))))
		}
	}
	b.box.OnRequest(note("before"))
	b.box.OnApplied(note("after"))
	id := b.draft(object{"title": "One"})["id"].(string)
	b.admin("PUT", "posts/"+id+"/", posts(object{"status": "published"})) // refused: no updated_at
	b.put(id, "", object{"status": "published"})
	b.admin("GET", "posts/?filter=slug:one", nil)
	b.request("GET", "/ghost-sites/news/ghost/api/admin/site/", "", nil)
	want := []string{
		"before ghost.create_draft news posts=0", "after ghost.create_draft news posts=1",
		"before ghost.publish news posts=1",
		"before ghost.read news posts=1", "after ghost.read news posts=1",
		"before ghost.publish news posts=1", "after ghost.publish news posts=1",
		"before ghost.find news posts=1", "after ghost.find news posts=1",
		"before ghost.site news posts=1", "after ghost.site news posts=1",
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

func TestControlAndPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.request("POST", "/_sandbox/ghost-sites", "", object{"name": "shop", "title": "Shop & <Co>"})
	if made.status != 201 || made.json["site_url"] != b.base+"/ghost-sites/shop" {
		t.Fatalf("%d %s", made.status, made.body)
	}
	if again := b.request("POST", "/_sandbox/ghost-sites", "", object{"name": "shop"}); again.json["admin_api_key"] != made.json["admin_api_key"] {
		t.Error("asking again gave another key")
	}
	if r := b.request("POST", "/_sandbox/ghost-sites", "", object{"name": "../etc"}); r.status != 422 {
		t.Errorf("bad name: %d", r.status)
	}

	id := b.draft(object{"title": "A <b>bold</b> title", "html": "<p>Hello &lt;i&gt;</p><script>evil()</script>"})["id"]
	if r := b.request("GET", "/ghost-sites/news/a-b-bold-b-title/", "", nil); r.status != 404 {
		t.Errorf("a draft is public: %d", r.status)
	}
	url := b.put(id, "", object{"status": "published"}).post(t)["url"].(string)
	page := b.request("GET", strings.TrimPrefix(url, b.base), "", nil)
	if page.status != 200 || !strings.Contains(page.body, "A &lt;b&gt;bold&lt;/b&gt; title") || !strings.Contains(page.body, "<p>Hello &lt;i&gt;</p>") {
		t.Errorf("page: %d %s", page.status, page.body)
	}
	index := b.request("GET", "/", "", nil)
	for _, part := range []string{"ghost / news", "A &lt;b&gt;bold&lt;/b&gt; title", "Hello &lt;i&gt;", `href="` + strings.TrimPrefix(url, b.base) + `"`, "prefers-color-scheme"} {
		if !strings.Contains(index.body, part) {
			t.Errorf("the index lacks %q", part)
		}
	}
	for _, r := range []reply{page, index} {
		if strings.Contains(r.body, "evil()") || r.header.Get("Content-Security-Policy") == "" {
			t.Error("a script got through")
		}
	}
	if home := b.request("GET", "/ghost-sites/shop/", "", nil); home.status != 200 || !strings.Contains(home.body, "Shop &amp; &lt;Co&gt;") {
		t.Errorf("home: %d %s", home.status, home.body)
	}
	for _, path := range []string{"/ghost-sites/none/", "/ghost-sites/news/none/", "/nonsense"} {
		if r := b.request("GET", path, "", nil); r.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	list := b.request("GET", "/_sandbox/published", "", nil)
	first, _ := list.json["posts"].([]any)[0].(object)
	if first["account"] != "news" || first["times_published"] != 1.0 || first["url"] != url || len(list.json["doubles"].([]any)) != 0 {
		t.Errorf("published %s", list.body)
	}

	req, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, b.base+"/_sandbox/faults", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "cross-site")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("another site's page steers the sandbox: %d", resp.StatusCode)
	}
}

// TestControlInWords: what is wrong with a request to the control API is said in words, and as JSON.
func TestControlInWords(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, want := range map[string]string{
		"": "the body is empty; it must be a JSON object", "{": "the body is not valid JSON", "fault": "the body is not valid JSON",
		"[]": "the body must be a JSON object", `"x"`: "the body must be a JSON object", `{"times":"3"}`: "times must be a whole number",
		`{"Times":1.5}`: "times must be a whole number", `{"headers":[]}`: "headers must be an object of strings", `{"headers":{"a":1}}`: "headers must be an object of strings",
		`{"step":["x"]}`: "step must be a string",
		`{"delay":5}`:    `there is no field "delay"; the fields are platform, method, path_contains, step, fault, status, error_type, body, body_bytes, content_type, headers, delay_ms, times`,
		`{"body":"` + strings.Repeat("x", 2<<20) + `"}`: "the body is larger than 1048576 bytes",
	} {
		if r := b.request("POST", "/_sandbox/faults", "", body); r.status != http.StatusBadRequest || r.text("error") != want {
			t.Errorf("%.20s: %d %s", body, r.status, r.body)
		}
	}
	if r := b.request("PUT", "/_sandbox/oauth/linkedin", "", `{"refresh_tokens":1}`); r.text("error") != "refresh_tokens must be true or false" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := b.request("POST", "/_sandbox/oauth-apps", "", `{"redirect_uris":[1]}`); r.text("error") != "redirect_uris must be a list of strings" {
		t.Errorf("%d %s", r.status, r.body)
	}
	for unknown, status := range map[string]int{
		"GET /_sandbox/nothing": 404, "GET /_sandbox/": 404, "PUT /_sandbox/oauth": 404, "DELETE /_sandbox/published": 405, "GET /_sandbox/oauth/twitter": 405,
	} {
		method, path, _ := strings.Cut(unknown, " ")
		r := b.request(method, path, "", nil)
		requests, _ := r.json["requests"].([]any)
		if r.status != status || r.text("error") != "there is no "+unknown || (r.header.Get("Allow") == "") != (status == 404) || len(requests) < 12 || requests[0] != "GET /_sandbox/published" {
			t.Errorf("%s: %d %s", unknown, r.status, r.body)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	b := setupDir(t, t.TempDir())
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 5 {
				header := "Ghost " + b.sign(token{})
				post := posts(object{"title": fmt.Sprintf("Post %d %d", i, j), "slug": "same", "status": "published"})
				if r, err := b.try("POST", "/ghost-sites/news/ghost/api/admin/posts/", header, post); err != nil || r.status != 201 {
					t.Errorf("%v %v", r, err)
				}
				b.box.Published()
			}
		})
	}
	all.Wait()
	slugs := []string{}
	for _, post := range b.box.GhostPosts("news") {
		slugs = append(slugs, post.Slug)
	}
	slices.Sort(slugs)
	if len(slices.Compact(slugs)) != 40 || len(b.box.Published()) != 40 {
		t.Errorf("%d slugs, %d published", len(slugs), len(b.box.Published()))
	}
}
