package sandbox_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestGhostRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.draft(object{"title": "A draft"})["id"].(string)
	now := b.clock.now().UTC().Format(time.RFC3339)
	edit := func(change object) object { change["updated_at"] = now; return posts(change) }
	cases := []struct {
		name, method, path string
		body               any
		status             int
		kind, code         string
		property           string
	}{
		{"malformed JSON", "POST", "posts/", `{"posts":[`, 400, "BadRequestError", "UNEXPECTED_ERROR", ""},
		{"no posts", "POST", "posts/", `{}`, 422, "ValidationError", "", "posts"},
		{"two posts", "POST", "posts/", `{"posts":[{"title":"a"},{"title":"b"}]}`, 422, "ValidationError", "", "posts"},
		{"no title", "POST", "posts/", posts(object{"status": "draft"}), 422, "ValidationError", "", "title"},
		{"title of 256", "POST", "posts/", posts(object{"title": strings.Repeat("é", 256)}), 422, "ValidationError", "", "title"},
		{"title no text", "POST", "posts/", posts(object{"title": 7}), 422, "ValidationError", "", "title"},
		{"slug of 192", "POST", "posts/", posts(object{"title": "a", "slug": strings.Repeat("a", 192)}), 422, "ValidationError", "", "slug"},
		{"excerpt of 301", "POST", "posts/", posts(object{"title": "a", "custom_excerpt": strings.Repeat("a", 301)}), 422, "ValidationError", "", "custom_excerpt"},
		{"meta title of 301", "POST", "posts/", posts(object{"title": "a", "meta_title": strings.Repeat("a", 301)}), 422, "ValidationError", "", "meta_title"},
		{"meta description of 501", "POST", "posts/", posts(object{"title": "a", "meta_description": strings.Repeat("a", 501)}), 422, "ValidationError", "", "meta_description"},
		{"bad status", "POST", "posts/", posts(object{"title": "a", "status": "live"}), 422, "ValidationError", "", "status"},
		{"bad date", "POST", "posts/", posts(object{"title": "a", "published_at": "soon"}), 422, "ValidationError", "", "published_at"},
		{"unknown source", "POST", "posts/?source=markdown", posts(object{"title": "a"}), 422, "ValidationError", "", "source"},
		{"scheduled without a date", "POST", "posts/", posts(object{"title": "a", "status": "scheduled"}), 422, "ValidationError", "", "published_at"},
		{"scheduled in the past", "POST", "posts/", posts(object{"title": "a", "status": "scheduled", "published_at": "2020-01-01T00:00:00.000Z"}), 422, "ValidationError", "", "published_at"},
		{"put without updated_at", "PUT", "posts/" + id + "/", posts(object{"title": "b"}), 422, "ValidationError", "", "updated_at"},
		{"put with a bad status", "PUT", "posts/" + id + "/", edit(object{"status": "gone"}), 422, "ValidationError", "", "status"},
		{"put with a long title", "PUT", "posts/" + id + "/", edit(object{"title": strings.Repeat("a", 256)}), 422, "ValidationError", "", "title"},
		{"put malformed", "PUT", "posts/" + id + "/", `nonsense`, 400, "BadRequestError", "UNEXPECTED_ERROR", ""},
		{"put scheduled in the past", "PUT", "posts/" + id + "/", edit(object{"status": "scheduled", "published_at": "2020-01-01T00:00:00Z"}), 422, "ValidationError", "", "published_at"},
		{"unknown newsletter", "PUT", "posts/" + id + "/?newsletter=nope", edit(object{"status": "published"}), 400, "BadRequestError", "", ""},
		{"put to an unknown id", "PUT", "posts/" + strings.Repeat("0", 24) + "/", edit(object{"title": "b"}), 404, "NotFoundError", "", ""},
		{"read an unknown id", "GET", "posts/" + strings.Repeat("0", 24) + "/", nil, 404, "NotFoundError", "", ""},
		{"delete an unknown id", "DELETE", "posts/" + strings.Repeat("0", 24) + "/", nil, 404, "NotFoundError", "", ""},
		{"unknown route", "GET", "posts/x/y/", nil, 404, "NotFoundError", "", ""},
		{"unknown format", "GET", "posts/" + id + "/?formats=docx", nil, 422, "ValidationError", "", "formats"},
		{"bad filter", "GET", "posts/?filter=slug", nil, 400, "BadRequestError", "", ""},
		{"bad limit", "GET", "posts/?limit=0", nil, 422, "ValidationError", "", "limit"},
		{"bad order", "GET", "posts/?order=weight", nil, 400, "BadRequestError", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := &bundle{t: t, box: b.box, clock: b.clock, base: b.base, key: b.key}
			r := b.admin(c.method, c.path, c.body)
			b.wantFault(r, c.status, c.kind, c.code)
			if _, _, property := r.fault(t); property != c.property {
				t.Errorf("property %q, want %q", property, c.property)
			}
		})
	}
	left := b.box.GhostPosts("news")
	if len(left) != 1 || left[0].Title != "A draft" || left[0].Status != "draft" {
		t.Errorf("refused requests left %+v", left)
	}
}

func TestGhostContent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const source = `<p onclick="x()">One <script>alert(1)</script><b>two</b></p><blink>three</blink><a href="javascript:x">four</a>`
	ignored := b.admin("POST", "posts/", posts(object{"title": "Ignored", "html": source, "unknown": 1, "authors": []string{"nobody@example.com"}}))
	if ignored.status != 201 || b.box.GhostPosts("news")[0].HTML != "" {
		t.Errorf("html without source=html: %d %s", ignored.status, ignored.body)
	}
	made := b.draft(object{"title": "Kept", "html": source})
	if _, ok := made["html"]; ok {
		t.Error("html in the answer without formats=html")
	}
	if made["status"] != "draft" || made["published_at"] != nil || len(made["id"].(string)) != 24 {
		t.Errorf("draft %v", made)
	}
	read := b.admin("GET", "posts/"+made["id"].(string)+"/?formats=html,plaintext", nil).post(t)
	if want := `<p>One <b>two</b></p>three<a>four</a>`; read["html"] != want {
		t.Errorf("html %q, want %q", read["html"], want)
	}
	if want := "One two\n\nthreefour"; read["plaintext"] != want {
		t.Errorf("plaintext %q, want %q", read["plaintext"], want)
	}
	if untitled := b.draft(object{"title": "  "}); untitled["title"] != "(Untitled)" {
		t.Errorf("empty title became %v", untitled["title"])
	}
}

func TestGhostSlugs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, c := range []struct{ title, slug, want string }{
		{"Hello, World!", "", "hello-world"},
		{"Hello world", "", "hello-world-2"},
		{"Hello world", "hello-world", "hello-world-3"},
		{"Crème brûlée", "", "creme-brulee"},
		{"🎉", "", "post"},
		{"x", "", "post-x"},
		{"A title", "Mixed CASE slug", "mixed-case-slug"},
		{strings.Repeat("long ", 45), "", strings.Repeat("long-", 37)},
	} {
		post := object{"title": c.title}
		if c.slug != "" {
			post["slug"] = c.slug
		}
		if got := b.draft(post)["slug"]; got != c.want {
			t.Errorf("title %q, slug %q: got %q, want %q", c.title, c.slug, got, c.want)
		}
	}
}

func TestGhostEdit(t *testing.T) {
	t.Parallel()
	b := setup(t)
	made := b.draft(object{"title": "First", "slug": "secret-slug"})
	id, stamp := made["id"].(string), made["updated_at"]

	// Within one second nothing is stale, and the first edit is lost.
	for _, title := range []string{"Second", "Third"} {
		if r := b.put(id, "", object{"updated_at": stamp, "title": title}); r.status != 200 {
			t.Fatalf("%s: %d %s", title, r.status, r.body)
		}
	}
	b.clock.advance(2 * time.Second)
	if r := b.put(id, "", object{"title": "Fourth"}); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := b.put(id, "", object{"updated_at": stamp, "title": "Fourth"}); r.status != 200 {
		t.Errorf("stale without a change: %d %s", r.status, r.body)
	}
	r := b.put(id, "", object{"updated_at": stamp, "title": "Fifth"})
	b.wantFault(r, 409, "UpdateCollisionError", "UPDATE_COLLISION")
	details, _ := r.json["errors"].([]any)[0].(object)["details"].(object)
	if fmt.Sprint(details["changedFields"]) != "[title]" || details["clientUpdatedAt"] != stamp {
		t.Errorf("details %v", details)
	}
	r = b.put(id, "?source=html", object{"status": "published", "slug": "A Pretty Title", "html": "<p>Text</p>"})
	published := r.post(t)
	if r.status != 200 || published["url"] != b.base+"/ghost-sites/news/a-pretty-title/" || published["published_at"] == nil {
		t.Errorf("published %d %s", r.status, r.body)
	}
	if r := b.put(id, "", object{"status": "scheduled", "published_at": b.clock.now().Add(time.Hour).Format(time.RFC3339)}); r.status != 422 {
		t.Errorf("scheduling what is published: %d", r.status)
	}
	if r := b.admin("DELETE", "posts/"+id+"/", nil); r.status != 204 || r.body != "" {
		t.Errorf("delete: %d %s", r.status, r.body)
	}
	if got := b.box.Published(); len(got) != 1 || got[0].TimesPublished != 1 || got[0].Text != "Text" {
		t.Errorf("record %+v", got)
	}
}

func TestGhostPublishedRecord(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.draft(object{"title": "Same"})["id"]
	publish := object{"status": "published"}
	b.put(id, "", object{"status": "published"})
	b.put(id, "", object{"status": "published", "title": "Same"})
	if doubles := b.box.Doubles(); len(doubles) != 0 {
		t.Errorf("a second publishing PUT is no second publication: %+v", doubles)
	}
	b.put(id, "", object{"status": "draft"})
	b.clock.advance(time.Second)
	b.put(id, "", publish)
	if n := b.box.TimesPublished("ghost", "news", "Same"); n != 2 {
		t.Errorf("published, withdrawn, published: %d times", n)
	}
	b.admin("POST", "posts/", posts(object{"title": "Same", "status": "published"}))
	doubles := b.box.Doubles()
	if len(doubles) != 1 || doubles[0].Times != 3 || len(doubles[0].IDs) != 2 {
		t.Errorf("doubles %+v", doubles)
	}
}

func TestGhostScheduleAndMail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	late := b.clock.now().Add(10 * time.Minute).UTC().Format(time.RFC3339)
	id := b.draft(object{"title": "Later", "status": "scheduled", "published_at": late})["id"].(string)
	if len(b.box.Published()) != 0 {
		t.Fatal("published at once")
	}
	b.clock.advance(11 * time.Minute)
	if post := b.admin("GET", "posts/"+id+"/", nil).post(t); post["status"] != "published" {
		t.Errorf("status %v after its time", post["status"])
	}

	ignored := b.admin("POST", "posts/?newsletter=nope", posts(object{"title": "On POST", "status": "published"}))
	if ignored.status != 201 || ignored.post(t)["email"] != nil {
		t.Errorf("newsletter on POST: %d %s", ignored.status, ignored.body)
	}
	id = b.draft(object{"title": "Mailed"})["id"].(string)
	mailed := b.put(id, "?newsletter=default-newsletter&email_segment=status:free", object{"status": "published"})
	if email, _ := mailed.post(t)["email"].(object); email["status"] != "pending" {
		t.Errorf("e-mail %v", mailed.body)
	}
	read := b.admin("GET", "posts/"+id+"/", nil).post(t)
	if email, _ := read["email"].(object); email["status"] != "submitted" || read["email_segment"] != "status:free" {
		t.Errorf("e-mail %v", read)
	}
}

func TestGhostBrowse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, title := range []string{"Ann's post", "Bob", "Cat"} {
		post := object{"title": title}
		if i == 2 {
			post["status"] = "published"
		}
		b.draft(post)
		b.clock.advance(time.Second)
	}
	cases := []struct{ query, want string }{
		{"", "Bob,Ann's post,Cat"},
		{"filter=slug:bob", "Bob"},
		{"filter=" + url.QueryEscape(`title:'Ann\'s post'`), "Ann's post"},
		{"filter=status:draft&order=title%20asc", "Ann's post,Bob"},
		{"filter=status:draft%2Bslug:bob", "Bob"},
		{"filter=status:draft+slug:cat", ""},
		{"filter=status:[published,scheduled]", "Cat"},
		{"filter=slug:none", ""},
		{"order=title%20desc&limit=1", "Cat"},
		{"order=title%20desc&limit=1&page=3", "Ann's post"},
		{"order=created_at%20asc&limit=all", "Ann's post,Bob,Cat"},
	}
	for _, c := range cases {
		r := b.admin("GET", "posts/?"+c.query, nil)
		list, _ := r.json["posts"].([]any)
		titles := []string{}
		for _, post := range list {
			titles = append(titles, post.(object)["title"].(string))
		}
		if got := strings.Join(titles, ","); r.status != http.StatusOK || got != c.want {
			t.Errorf("%s: %d %q, want %q", c.query, r.status, got, c.want)
		}
	}
	some := b.admin("GET", "posts/?limit=1&fields=id,title", nil)
	if post := some.post(t); len(post) != 2 {
		t.Errorf("fields=id,title: %v", post)
	}
	pagination := some.json["meta"].(object)["pagination"].(object)
	if pagination["total"] != 3.0 || pagination["pages"] != 3.0 || pagination["next"] != 2.0 || pagination["prev"] != nil {
		t.Errorf("pagination %v", pagination)
	}
}
