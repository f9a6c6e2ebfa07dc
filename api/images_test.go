package api_test

import (
	"bytes"
	"image/jpeg"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/sandbox"
)

// small is a photo that is quickly made.
func (w *world) photo() string { return w.box.UnsplashPhotoIDs()[3] }

func TestSearchImages(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	found := into[api.ImageResults](t, w.call(t, c.viewer, "GET", c.path("/images?query=%s&orientation=landscape&per_page=3&page=2", url.QueryEscape("bakery bread")), nil).want(t, 200))
	if len(found.Items) != 3 || found.Total != 24 || found.Pages != 8 {
		t.Fatalf("found %+v", found)
	}
	image := found.Items[0]
	credit := image.Credit
	if image.Width <= image.Height || image.AltText == "" || !strings.HasPrefix(image.URLs.Thumb, w.boxURL+"/unsplash-images/") || credit.Source != "Unsplash" ||
		credit.Text != "Photo by "+credit.Photographer+" on Unsplash" || !strings.Contains(credit.HTML, `<a href="`+w.boxURL+"/unsplash/@") ||
		!strings.Contains(credit.PhotographerURL, "utm_source=fanfare") || !strings.Contains(credit.SourceURL, "utm_medium=referral") {
		t.Errorf("found %+v", image)
	}
	if len(w.box.UnsplashDownloads()) != 0 {
		t.Error("what was only found is reported as used")
	}
	for query, at := range map[string]string{
		"": "query.query", "?query=": "query.query", "?query=%20": "query.query", "?query=a&per_page=31": "query.per_page", "?query=a&orientation=round": "query.orientation",
		"?query=" + strings.Repeat("a", 201): "query.query", "?query=a&page=0": "query.page",
	} {
		w.call(t, c.viewer, "GET", c.path("/images%s", query), nil).wantAt(t, at)
	}
	// A key's permission, and the customer's own limit.
	w.callWith(t, w.newKey(t, c, "customer:read").Key, "GET", c.path("/images?query=a"), nil).want(t, 403)
	w.callWith(t, w.newKey(t, c, "posts:write").Key, "GET", c.path("/images?query=a"), nil).want(t, 200).wantRate(t, "search-images", 30, 3600, someLeft)
	w.limit(t, c.customer.ID, "search-images", 1, aDay)
	w.exec(t, "delete from rate_limits")
	w.call(t, c.viewer, "GET", c.path("/images?query=a"), nil).want(t, 200)
	asked := w.box.Count("unsplash.search")
	w.call(t, c.owner, "GET", c.path("/images?query=a"), nil).wantLimited(t, "search-images")
	if w.box.Count("unsplash.search") != asked {
		t.Error("Unsplash was asked for a request too many")
	}
}

func TestUseImage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	c.roles(t, creating, func(t *testing.T, who dbtest.User) answer {
		t.Helper()
		return w.call(t, who, "POST", c.path("/media/images"), m{"image_id": w.photo()})
	})
	if n := w.box.UnsplashDownloads()[w.photo()]; n != 5 || w.box.Count("unsplash.photo") != 5 {
		t.Errorf("five used it, it was reported %d times and asked for %d times", n, w.box.Count("unsplash.photo"))
	}

	used := w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo()}).want(t, 201)
	file := into[api.Media](t, used)
	if file.ContentType != "image/jpeg" || *file.Width != 1600 || *file.Height != 1067 || file.AltText == "" || file.SHA256 == nil || file.Name != "unsplash-"+w.photo()+".jpg" ||
		file.Credit == nil || file.Credit.Source != "Unsplash" || file.Credit.Photographer == "" || !strings.Contains(file.Credit.HTML, "utm_source=fanfare") {
		t.Errorf("used: %s", used.body)
	}
	one := c.path("/media/%s", file.ID)
	if got := w.call(t, c.viewer, "GET", one, nil).want(t, 200); string(got.body) != string(used.body) || got.etag() != used.etag() {
		t.Errorf("read: %s", got.body)
	}
	content := w.call(t, c.viewer, "GET", one+"/content", nil).want(t, 200)
	if config, err := jpeg.DecodeConfig(bytes.NewReader(content.body)); err != nil || config.Width != 1600 || int64(len(content.body)) != file.Bytes {
		t.Errorf("the file: %v %+v, %d bytes", err, config, len(content.body))
	}
	var source, id, photographer string
	mustDo(t, w.Super.QueryRow(t.Context(), "select source, source_id, photographer from media where id = $1", file.ID).Scan(&source, &id, &photographer))
	if source != "unsplash" || id != w.photo() || photographer != file.Credit.Photographer {
		t.Errorf("stored %s %s %s", source, id, photographer)
	}
	for _, change := range []string{"photographer = 'Me'", "source = null, source_id = null, source_url = null, photographer = null, photographer_url = null"} {
		if _, err := w.Super.Exec(t.Context(), "update media set "+change+" where id = $1", file.ID); err == nil || !strings.Contains(err.Error(), "does not change") {
			t.Errorf("%s: %v", change, err)
		}
	}
	// The credit stays, whatever else of the file changes, and a post shows the file with its text as it was written.
	changed := into[api.Media](t, w.call(t, c.member, "PATCH", one, m{"alt_text": "Bread", "name": "b.jpg"}).want(t, 200))
	if changed.Credit == nil || *changed.Credit != *file.Credit || changed.AltText != "Bread" {
		t.Errorf("changed: %+v", changed)
	}
	post := into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), m{"text": "Look", "media_ids": []uuid.UUID{file.ID}}).want(t, 201))
	if post.Text != "Look" || len(post.MediaIDs) != 1 {
		t.Errorf("the post: %+v", post)
	}
	own := into[api.Media](t, w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo(), "alt_text": ""}).want(t, 201))
	if own.AltText != "" {
		t.Errorf("alt text %q", own.AltText)
	}
	uploaded := into[api.Media](t, w.upload(t, c.member, c.customer.ID, "", bytes.NewReader(pngFile(t))).want(t, 201))
	if uploaded.Credit != nil {
		t.Errorf("an upload has the credit %+v", uploaded.Credit)
	}
	for _, body := range []m{{}, {"image_id": ""}, {"image_id": "../x"}, {"image_id": strings.Repeat("a", 41)}, {"image_id": w.photo(), "alt_text": strings.Repeat("a", 2001)}} {
		w.call(t, c.member, "POST", c.path("/media/images"), body).want(t, 422)
	}
}

// The bytes of a photo are stored once for an Idempotency-Key, also where two ask at once.
func TestUseImageOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	answers := make([]answer, 4)
	var wait sync.WaitGroup
	for i := range answers {
		wait.Go(func() {
			answers[i] = w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo()}, "Idempotency-Key", "k")
		})
	}
	wait.Wait()
	for _, a := range answers {
		if a.status != 201 || string(a.body) != string(answers[0].body) {
			t.Errorf("%d %s, another %s", a.status, a.body, answers[0].body)
		}
	}
	before := w.box.UnsplashDownloads()[w.photo()]
	w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo()}, "Idempotency-Key", "k").want(t, 201)
	w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.box.UnsplashPhotoIDs()[7]}, "Idempotency-Key", "k").want(t, 422)
	if files := w.count(t, "select count(*) from media"); files != 1 || w.box.UnsplashDownloads()[w.photo()] != before {
		t.Errorf("%d files, reported again", files)
	}
}

// Each request that Unsplash has answered is counted, and no other.
func TestImagesAreCounted(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	counted := func(want int64) {
		t.Helper()
		items := into[api.Usage](t, w.call(t, c.viewer, "GET", c.path("/usage?group_by=total"), nil).want(t, 200)).Items
		if want == 0 && len(items) == 0 {
			return
		}
		if len(items) != 1 || items[0].Kind != "search_images" || items[0].Count != want {
			t.Errorf("used %+v, want %d", items, want)
		}
	}
	w.call(t, c.viewer, "GET", c.path("/images?query="), nil).want(t, 422)
	w.call(t, c.outsider, "GET", c.path("/images?query=a"), nil).want(t, 404)
	mustDo(t, w.box.AddFault(sandbox.Fault{Step: "unsplash.search", Kind: "status", Status: 500}))
	w.call(t, c.viewer, "GET", c.path("/images?query=a"), nil).want(t, 503)
	counted(0)
	w.call(t, c.viewer, "GET", c.path("/images?query=a"), nil).want(t, 200)
	counted(1)
	w.callWith(t, w.newKey(t, c, "posts:read").Key, "POST", "/search_images", m{"client_id": c.customer.ID, "query": "a"}).want(t, 200)
	counted(2)
	for range 2 { // the second is answered as the first
		w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo()}, "Idempotency-Key", "k").want(t, 201)
		counted(4)
	}
	mustDo(t, w.box.AddFault(sandbox.Fault{Step: "unsplash.image", Kind: "status", Status: 500})) // the file's server, which does not count
	w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo()}).want(t, 503)
	counted(5)
}

// Whatever goes wrong at Unsplash is said so, and leaves nothing behind.
func TestImagesFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault  sandbox.Fault
		status int
		says   string
		retry  bool
	}{
		"its limit":      {sandbox.Fault{Kind: "status", Status: 403, ErrorType: "rate_limit"}, 429, "used up", true},
		"its key":        {sandbox.Fault{Kind: "status", Status: 401}, 503, "FANFARE_UNSPLASH_ACCESS_KEY", false},
		"it is away":     {sandbox.Fault{Kind: "drop_before"}, 503, "cannot be reached", true},
		"it has trouble": {sandbox.Fault{Kind: "status", Status: 500}, 503, "problem", true},
		"not its answer": {sandbox.Fault{Kind: "body", Body: "<html>"}, 502, "cannot be", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			c := w.cast(t)
			// The search, and each request that the use of a photo takes.
			for _, step := range []string{"search", "photo", "image", "download"} {
				fault := test.fault
				fault.Step = "unsplash." + step
				status, says := test.status, test.says
				if name == "not its answer" && step == "image" {
					says = "no image that can be published"
				}
				mustDo(t, w.box.AddFault(fault))
				method, path, body := "POST", c.path("/media/images"), any(m{"image_id": w.photo()})
				if step == "search" {
					method, path, body = "GET", c.path("/images?query=a"), nil
				}
				got := w.call(t, c.member, method, path, body, "Idempotency-Key", "k-"+step).want(t, status)
				if p := got.problem(t); (status == 502 && p.Type != "urn:fanfare:problem:provider-failed") || !strings.Contains(p.Detail, says) || (got.header.Get("Retry-After") != "") != test.retry {
					t.Errorf("%s: %s, Retry-After %q", step, got.body, got.header.Get("Retry-After"))
				}
				w.nothingLeft(t, c.customer.ID)
			}
			// It may be sent again.
			w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo()}, "Idempotency-Key", "k-download").want(t, 201)
			if n := w.box.UnsplashDownloads()[w.photo()]; n != 1 {
				t.Errorf("reported %d times", n)
			}
			if strings.Contains(w.logs.String(), w.box.AddUnsplashApp()) {
				t.Error("the log tells the key")
			}
		})
	}

	t.Run("no such photo", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": "none"}).want(t, 404)
		w.nothingLeft(t, c.customer.ID)
	})
	t.Run("no room", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		w.exec(t, "update customers set media_quota = 1000 where id = $1", c.customer.ID)
		w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo()}).want(t, 409)
		w.nothingLeft(t, c.customer.ID)
		if len(w.box.UnsplashDownloads()) != 0 {
			t.Error("it is reported as used")
		}
	})
	t.Run("too large", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		mustDo(t, w.box.AddFault(sandbox.Fault{Step: "unsplash.image", Kind: "body", Body: "\xff\xd8\xff\xe0", BodyBytes: 31 << 20, ContentType: "image/jpeg"}))
		w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo()}).want(t, 413)
		w.nothingLeft(t, c.customer.ID)
	})
	t.Run("not set up", func(t *testing.T) {
		t.Parallel()
		w := setupWith(t, options{noImages: true})
		c := w.cast(t)
		for _, got := range []answer{
			w.call(t, c.member, "GET", c.path("/images?query=a"), nil).want(t, 503),
			w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo()}).want(t, 503),
		} {
			if !strings.Contains(got.problem(t).Detail, "FANFARE_UNSPLASH_ACCESS_KEY") {
				t.Errorf("got %s", got.body)
			}
		}
		w.call(t, c.outsider, "GET", c.path("/images?query=a"), nil).want(t, 404)
	})
}
