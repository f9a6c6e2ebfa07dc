package api_test

import (
	"bytes"
	"image/jpeg"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

// The server's own limit, which is for answers that are made at once, does not cut off one that takes longer.
func TestUseImageSlowly(t *testing.T) {
	t.Parallel()
	w := setupWith(t, options{wrap: func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mustDo(t, http.NewResponseController(w).SetWriteDeadline(time.Now().Add(500*time.Millisecond)))
			next.ServeHTTP(w, r)
		})
	}})
	c := w.cast(t)
	mustDo(t, w.box.AddFault(sandbox.Fault{Step: "unsplash.photo", Kind: sandbox.FaultSlow, DelayMS: 1000}))
	w.call(t, c.member, "POST", c.path("/media/images"), m{"image_id": w.photo()}).want(t, 201)
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

// TestEarlierRoutes: the routes of the earlier service do what their successors do, in their own shapes.
func TestEarlierRoutes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	announced := func(a answer, successor string) answer {
		t.Helper()
		links := strings.Split(a.header.Get("Link"), ", ")
		if a.header.Get("Deprecation") != "@1795564800" || !slices.Contains(links, "<"+successor+`>; rel="successor-version"`) {
			t.Errorf("Deprecation %q, Link %q, want %s", a.header.Get("Deprecation"), links, successor)
		}
		return a
	}

	made := into[struct {
		ClientID   uuid.UUID `json:"client_id"`
		Name       string
		BrandVoice string `json:"brand_voice"`
		Language   string
	}](t, announced(w.call(t, c.owner, "POST", "/client", m{"name": "Kite", "brand_voice": "Warm", "audience": "Cyclists"}).want(t, 201).wantRate(t, "create-customer", 100, 3600, 99), "/v1/customers"))
	customer := into[api.Customer](t, w.call(t, c.owner, "GET", "/v1/customers/"+made.ClientID.String(), nil).want(t, 200))
	if made.Name != "Kite" || made.BrandVoice != "Warm" || made.Language != "en" || customer.Audience != "Cyclists" || *customer.Role != "owner" {
		t.Errorf("made %+v, which is %+v", made, customer)
	}
	w.call(t, c.owner, "POST", "/client", m{"name": ""}).wantAt(t, "body.name")

	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID}).Platform
	w.call(t, c.owner, "POST", c.path("/posts"), m{"title": "News", "text": "We are open"}).want(t, 201)
	context := "/client/" + c.customer.ID.String() + "/context"
	known := into[m](t, announced(w.call(t, c.viewer, "GET", context, nil).want(t, 200).wantRate(t, "get-customer-context", 6000, 60, someLeft), c.path("/context")))
	posts, _ := known["recent_posts"].([]any)
	if known["client_id"] != c.customer.ID.String() || known["name"] != c.customer.Name || known["brand_voice"] == nil || len(posts) != 1 ||
		posts[0].(m)["text"] != "We are open" || posts[0].(m)["status"] != "draft" || !slices.Equal(known["connected_platforms"].([]any), []any{account}) {
		t.Errorf("context: %v", known)
	}
	if got := w.call(t, c.outsider, "GET", context, nil).want(t, 404); got.header.Get("Link") != `</docs>; rel="deprecation"` || got.header.Get("Deprecation") == "" {
		t.Errorf("a stranger is told %q", got.header.Get("Link"))
	}
	w.callWith(t, w.newKey(t, c, "posts:read").Key, "GET", context, nil).want(t, 403)

	search := m{"client_id": c.customer.ID, "query": "bread", "count": 4}
	found := into[struct {
		Images []struct{ ID, URL, Photographer, Credit string }
		Count  int
	}](t, announced(w.call(t, c.viewer, "POST", "/search_images", search).want(t, 200).wantRate(t, "search-images", 30, 3600, 29), c.path("/images")))
	if found.Count != 4 || len(found.Images) != 4 || !strings.Contains(found.Images[0].Credit, "utm_medium=referral") || found.Images[0].URL == "" {
		t.Errorf("found %+v", found)
	}
	// Both routes have one limit, in the customer that the body names; strangers are charged for themselves.
	w.call(t, c.viewer, "GET", c.path("/images?query=bread"), nil).want(t, 200).wantRate(t, "search-images", 30, 3600, 28)
	theirs := w.call(t, c.outsider, "POST", "/search_images", search, "X-Request-ID", "same").want(t, 404).wantRate(t, "search-images", 30, 3600, 29)
	nobodys := w.call(t, c.outsider, "POST", "/search_images", m{"client_id": uuid.NewString(), "query": "bread"}, "X-Request-ID", "same").want(t, 404)
	if string(theirs.body) != string(nobodys.body) {
		t.Errorf("%s and %s can be told apart", theirs.body, nobodys.body)
	}
	w.call(t, c.owner, "POST", "/search_images", m{"query": "bread"}).wantAt(t, "body")
	w.call(t, c.owner, "POST", "/search_images", m{"client_id": "7", "query": "bread"}).wantAt(t, "body.client_id")
	w.callWith(t, w.newKey(t, c, "campaigns:read").Key, "POST", "/search_images", search).want(t, 403)
	if n := w.count(t, "select count(*) from audit_log where action = 'request.refuse' and operation = 'earlier-search-images' and customer_id = $1", c.customer.ID); n != 1 {
		t.Errorf("the audit log has %d refusals", n)
	}
	w.limit(t, c.customer.ID, "search-images", 1, aDay)
	w.exec(t, "delete from rate_limits")
	w.call(t, c.viewer, "POST", "/search_images", search).want(t, 200)
	w.call(t, c.viewer, "POST", "/search_images", search).wantLimited(t, "search-images")
	if limits := w.call(t, c.owner, "GET", c.path("/rate-limits"), nil).want(t, 200); strings.Contains(string(limits.body), "earlier-") {
		t.Errorf("they have limits of their own: %s", limits.body)
	}

	// A code, and what becomes of it where somebody says that they typed it.
	group := int64(-100)
	coded := announced(w.call(t, c.owner, "POST", "/client/"+c.customer.ID.String()+"/generate_pairing_code", nil, "Idempotency-Key", "k").want(t, 201), c.path("/pairings"))
	code := into[api.EarlierPairingCode](t, coded)
	if again := w.call(t, c.owner, "POST", "/client/"+c.customer.ID.String()+"/generate_pairing_code", nil, "Idempotency-Key", "k").want(t, 201); string(again.body) != string(coded.body) ||
		len(code.Code) != 6 || code.ClientID != c.customer.ID || code.Link == nil || !strings.HasPrefix(*code.Link, w.boxURL+"/telegram-me/") {
		t.Errorf("%s, again %s", coded.body, again.body)
	}
	w.call(t, c.member, "POST", "/client/"+c.customer.ID.String()+"/generate_pairing_code", nil).want(t, 403)
	pairing := into[api.Page[api.Pairing]](t, w.call(t, c.owner, "GET", c.path("/pairings"), nil).want(t, 200)).Items[0]
	bot := w.newKey(t, c, "spaces:pair").Key
	state := func(code string, chat any, want string) {
		t.Helper()
		for _, body := range []m{{"code": code, "chat_id": chat}, {"client_id": c.customer.ID, "code": code, "chat_id": chat}} {
			got := announced(w.callWith(t, bot, "POST", "/telegram/pair", body).want(t, 200).wantRate(t, "list-pairings", 6000, 60, someLeft), c.path("/pairings"))
			if s := into[api.EarlierPaired](t, got); s.Status != want || s.Paired != (want == "paired") || s.ClientID != c.customer.ID {
				t.Errorf("%v: %s, want %s", body, got.body, want)
			}
		}
	}
	// Whoever names a chat binds nothing by it.
	state(code.Code, group, "unknown")
	w.claimed(t, c.path("/pairings/%s", pairing.ID))
	state(code.Code, group, "waiting")
	state(code.Code, "-100", "waiting")
	state(code.Code, 100, "unknown")
	if code.Code != "000000" {
		state("000000", group, "unknown")
	}
	if n := w.count(t, "select count(*) from spaces where customer_id = $1", c.customer.ID); n != 0 {
		t.Errorf("%d spaces of words alone", n)
	}
	space := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID, ExternalID: "-100"})
	w.exec(t, "update pairings set confirmed_at = now(), state = 'done', space_id = $2 where id = $1", pairing.ID, space.ID)
	state(code.Code, group, "paired")
	w.exec(t, "update spaces set external_id = '-1007' where id = $1", space.ID) // it became a supergroup
	state(code.Code, -1007, "paired")
	w.call(t, c.admin, "DELETE", c.path("/spaces/%s", space.ID), nil).want(t, 204)
	state(code.Code, -1007, "unknown")
	// Who has several customers says which, and sees nobody else's.
	w.Join(t, c.elsewhere.ID, c.owner.ID, "owner")
	w.call(t, c.owner, "POST", "/telegram/pair", m{"code": code.Code, "chat_id": group}).wantRate(t, "list-pairings", 6000, 60, someLeft).wantAt(t, "body.client_id")
	if other := into[api.EarlierPaired](t, w.call(t, c.owner, "POST", "/telegram/pair", m{"client_id": c.elsewhere.ID, "code": code.Code, "chat_id": group}).want(t, 200)); other.Status != "unknown" {
		t.Errorf("elsewhere it is %+v", other)
	}
	w.call(t, c.viewer, "POST", "/telegram/pair", m{"client_id": c.customer.ID, "code": code.Code, "chat_id": group}).want(t, 403)
	w.call(t, c.outsider, "POST", "/telegram/pair", m{"client_id": c.customer.ID, "code": code.Code, "chat_id": group}).want(t, 404)
	w.call(t, c.owner, "POST", "/telegram/pair", m{"client_id": c.customer.ID, "code": code.Code, "chat_id": m{}}).wantAt(t, "body.chat_id")
	w.callWith(t, w.newKey(t, c, "posts:read").Key, "POST", "/telegram/pair", m{"code": code.Code, "chat_id": group}).want(t, 403)

	// What is written is a draft, a text for each platform.
	write := m{"client_id": c.customer.ID, "prompt": "Our autumn menu", "platforms": []string{"twitter", "linkedin"}}
	wrote := announced(w.call(t, c.member, "POST", "/generate_post", write, "Idempotency-Key", "k").want(t, 201).wantRate(t, "generate-post", 50, 3600, 49), c.path("/posts/generate"))
	written := into[api.EarlierGeneratedPosts](t, wrote)
	if len(written.Posts) != 2 || written.Posts[0].Platform != "twitter" || written.Posts[1].Text == "" || written.Posts[0].PostID != written.Posts[1].PostID || len(written.Posts[0].Violations) != 0 {
		t.Errorf("wrote %s", wrote.body)
	}
	if draft := into[api.Post](t, w.call(t, c.viewer, "GET", c.path("/posts/%s", written.Posts[0].PostID), nil).want(t, 200)); draft.State != "draft" || draft.Text != written.Posts[0].Text {
		t.Errorf("the draft is %+v", draft)
	}
	asked := len(w.box.LLM().Requests)
	if again := w.call(t, c.member, "POST", "/generate_post", write, "Idempotency-Key", "k").want(t, 201); string(again.body) != string(wrote.body) || len(w.box.LLM().Requests) != asked {
		t.Errorf("again it is %s", again.body)
	}
	w.call(t, c.viewer, "POST", "/generate_post", write).want(t, 403)
	w.call(t, c.outsider, "POST", "/generate_post", write).want(t, 404)
	w.call(t, c.member, "POST", "/generate_post", m{"client_id": c.customer.ID, "prompt": "x", "platforms": []string{}}).wantAt(t, "body.platforms")
	if len(w.box.LLM().Requests) != asked {
		t.Error("a model was asked for who may not")
	}

	// The way to a platform and back, where the platform knows the earlier address.
	begun := announced(w.call(t, c.admin, "GET", "/oauth/twitter/authorize/"+c.customer.ID.String(), nil).want(t, 200), c.path("/integrations/twitter/connect"))
	way := into[struct {
		ClientID         uuid.UUID `json:"client_id"`
		Platform         string
		AuthorizationURL string `json:"authorization_url"`
	}](t, begun)
	if way.ClientID != c.customer.ID || way.Platform != "twitter" || !strings.HasPrefix(way.AuthorizationURL, w.boxURL+"/twitter/") || begun.header.Get("Set-Cookie") == "" {
		t.Errorf("begun: %s", begun.body)
	}
	w.call(t, c.viewer, "GET", "/oauth/twitter/authorize/"+c.customer.ID.String(), nil).want(t, 403)
	w.call(t, c.outsider, "GET", "/oauth/twitter/authorize/"+c.customer.ID.String(), nil).want(t, 404)
	sent := must(url.Parse(way.AuthorizationURL)).Query().Get("state")
	request := w.request(t, http.MethodGet, "/oauth/twitter/callback?error=access_denied&state="+url.QueryEscape(sent), nil)
	cookie, _, _ := strings.Cut(begun.header.Get("Set-Cookie"), ";")
	request.Header.Set("Cookie", cookie)
	back := announced(w.do(t, request).want(t, http.StatusSeeOther), "/v1/oauth/twitter/callback")
	if to := must(url.Parse(back.header.Get("Location"))).Query(); to.Get("connect") != "access_denied" || to.Get("platform") != "twitter" {
		t.Errorf("sent on to %s", back.header.Get("Location"))
	}
}
