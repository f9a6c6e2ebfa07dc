package images_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"fanfare/internal/images"
	"fanfare/internal/sandbox"
)

// bundle is a client of a sandbox.
type bundle struct {
	*images.Unsplash
	box *sandbox.Sandbox
	url string
}

func setup(t *testing.T) bundle {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	return bundle{client(t, server.URL+"/unsplash", box.AddUnsplashApp()), box, server.URL}
}

func client(t *testing.T, address, key string) *images.Unsplash {
	t.Helper()
	c, err := images.NewUnsplash(images.Config{AccessKey: key, URL: address, App: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// wantClass wants an error of the class, which tells no secret.
func wantClass(t *testing.T, err error, class images.Class) {
	t.Helper()
	var fault *images.Error
	if !errors.As(err, &fault) || fault.Class != class || fault.Message == "" {
		t.Errorf("got %v, want %s", err, class)
	}
}

func TestUnsplash(t *testing.T) {
	t.Parallel()
	b := setup(t)
	found, err := b.Search(t.Context(), images.Query{Text: "coffee & cake", Orientation: "squarish", Page: 1, PerPage: 7})
	if err != nil || len(found.Images) != 7 || found.Total != 12 || found.Pages != 2 {
		t.Fatalf("%v, %+v", err, found)
	}
	image := found.Images[0]
	if image.Width != image.Height || image.AltText == "" || image.Color == "" || !strings.HasPrefix(image.Regular, b.url+"/unsplash-images/") || image.Small == "" || image.Thumb == "" {
		t.Errorf("found %+v", image)
	}
	credit := image.Credit
	for _, address := range []string{credit.PhotographerURL, credit.SourceURL} {
		link, err := url.Parse(address)
		if err != nil || link.Query().Get("utm_source") != "acme" || link.Query().Get("utm_medium") != "referral" || !strings.HasPrefix(address, b.url+"/unsplash/") {
			t.Errorf("the credit leads to %s", address)
		}
	}
	if credit.Text() != "Photo by "+credit.Photographer+" on Unsplash" {
		t.Errorf("the credit is %q", credit.Text())
	}
	escaped := images.Credit{Photographer: "Ana & <Beto>", PhotographerURL: "https://unsplash.com/@a?x=1&y=2", Source: "Unsplash", SourceURL: "https://unsplash.com/"}
	if got := escaped.HTML(); got != `Photo by <a href="https://unsplash.com/@a?x=1&amp;y=2">Ana &amp; &lt;Beto&gt;</a> on <a href="https://unsplash.com/">Unsplash</a>` {
		t.Errorf("the credit is %s", got)
	}

	again, err := b.Photo(t.Context(), image.ID)
	if err != nil || again.ID != image.ID || again.Credit != image.Credit {
		t.Errorf("%v, %+v", err, again)
	}
	content, err := b.Fetch(t.Context(), again)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	all, err := io.ReadAll(content)
	config, decodeErr := jpeg.DecodeConfig(bytes.NewReader(all))
	if err != nil || decodeErr != nil || config.Width != 2048 || config.Height != 2048 {
		t.Errorf("%v %v: %+v", err, decodeErr, config)
	}
	if n := b.box.UnsplashDownloads()[image.ID]; n != 0 {
		t.Errorf("reported %d times by being looked at", n)
	}
	if err := b.ReportUse(t.Context(), again); err != nil || b.box.UnsplashDownloads()[image.ID] != 1 {
		t.Errorf("%v, reported %d times", err, b.box.UnsplashDownloads()[image.ID])
	}
	none, err := b.Search(t.Context(), images.Query{Text: "?", PerPage: 10})
	if err != nil || none.Total != 0 || len(none.Images) != 0 {
		t.Errorf("%v, %+v", err, none)
	}
}

// TestUnsplashFailures: each way in which Unsplash fails is told apart.
func TestUnsplashFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault sandbox.Fault
		class images.Class
	}{
		"its limit":           {sandbox.Fault{Kind: "status", Status: 403, ErrorType: "rate_limit"}, images.RateLimited},
		"its limit, as 429":   {sandbox.Fault{Kind: "status", Status: 429}, images.RateLimited},
		"a key that is off":   {sandbox.Fault{Kind: "status", Status: 401}, images.Credential},
		"forbidden":           {sandbox.Fault{Kind: "status", Status: 403}, images.Credential},
		"gone":                {sandbox.Fault{Kind: "status", Status: 404}, images.NotFound},
		"a problem there":     {sandbox.Fault{Kind: "status", Status: 503}, images.Unavailable},
		"a redirect":          {sandbox.Fault{Kind: "status", Status: 302, Headers: map[string]string{"Location": "http://127.0.0.1:1/"}}, images.BadAnswer},
		"a bad request":       {sandbox.Fault{Kind: "status", Status: 400}, images.BadAnswer},
		"no answer":           {sandbox.Fault{Kind: "drop_after"}, images.Unavailable},
		"a web page":          {sandbox.Fault{Kind: "body", Body: "<html>"}, images.BadAnswer},
		"another JSON":        {sandbox.Fault{Kind: "body", Body: `{"results":[]}`, ContentType: "application/json"}, images.BadAnswer},
		"an answer too large": {sandbox.Fault{Kind: "body", Body: `{"total":0}`, BodyBytes: 5 << 20}, images.BadAnswer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			c.fault.Platform = "unsplash"
			if err := b.box.AddFault(c.fault); err != nil {
				t.Fatal(err)
			}
			_, err := b.Search(t.Context(), images.Query{Text: "whom nobody knows", PerPage: 10})
			wantClass(t, err, c.class)
			if strings.Contains(fmt.Sprint(err), b.box.AddUnsplashApp()) || strings.Contains(fmt.Sprint(err), "nobody") {
				t.Errorf("it tells the key or the search: %v", err)
			}
		})
	}
	t.Run("another key", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		_, err := client(t, b.url+"/unsplash", "wrong").Photo(t.Context(), b.box.UnsplashPhotoIDs()[0])
		wantClass(t, err, images.Credential)
	})
	t.Run("no such photo", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		for _, id := range []string{"none", "", "../search/photos", strings.Repeat("a", 41), "a?b"} {
			_, err := b.Photo(t.Context(), id)
			wantClass(t, err, images.NotFound)
		}
		if n := b.box.Count("unsplash.photo"); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		t.Parallel()
		_, err := client(t, "http://127.0.0.1:1", "key").Photo(t.Context(), "a")
		wantClass(t, err, images.Unavailable)
	})
	t.Run("the caller goes away", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		if err := b.box.AddFault(sandbox.Fault{Platform: "unsplash", Kind: "slow", DelayMS: 30_000}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := b.Photo(ctx, b.box.UnsplashPhotoIDs()[0])
		wantClass(t, err, images.Unavailable)
	})
}

// TestUnsplashLeadsElsewhere: an answer that leads to another host is none, so that neither the key nor a reader is sent there.
func TestUnsplashLeadsElsewhere(t *testing.T) {
	t.Parallel()
	visited := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited = true }))
	t.Cleanup(elsewhere.Close)
	const good = `{"id":"a","width":1,"height":1,"urls":{"raw":"%[1]s/i","regular":"%[1]s/i","small":"%[1]s/i","thumb":"%[1]s/i"},` +
		`"links":{"download_location":"%[2]s/photos/a/download"},"user":{"name":"N","links":{"html":"%[3]s/@n"}}}`
	var body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
	t.Cleanup(server.Close)
	c := client(t, server.URL, "key")
	for name, hosts := range map[string][3]string{
		"photos":          {elsewhere.URL, server.URL, server.URL},
		"the report":      {server.URL, elsewhere.URL, server.URL},
		"the real report": {server.URL, "https://api.unsplash.com", server.URL},
		"the person":      {server.URL, server.URL, "javascript:alert(1)"},
		"a like name":     {"https://notunsplash.com", server.URL, server.URL},
		"a user":          {strings.Replace(server.URL, "http://", "http://unsplash.com@", 1), server.URL, server.URL},
		"no encryption":   {"http://images.unsplash.com", server.URL, server.URL},
	} {
		body = fmt.Sprintf(good, hosts[0], hosts[1], hosts[2])
		_, err := c.Photo(t.Context(), "a")
		wantClass(t, err, images.BadAnswer)
		if t.Failed() {
			t.Fatal(name)
		}
	}
	body = fmt.Sprintf(good, "https://images.unsplash.com", server.URL, "https://unsplash.com")
	if _, err := c.Photo(t.Context(), "a"); err != nil {
		t.Errorf("Unsplash's own hosts: %v", err)
	}
	if visited {
		t.Error("somebody else was asked")
	}
}

func TestNewUnsplash(t *testing.T) {
	t.Parallel()
	for _, config := range []images.Config{{}, {AccessKey: "a b"}, {AccessKey: "a", URL: "ftp://x"}, {AccessKey: "a", URL: "https://"}} {
		if _, err := images.NewUnsplash(config); err == nil {
			t.Errorf("%+v is taken", config)
		}
	}
}

// TestHourly: what Unsplash gives the application is known from its answers, and little is believed before the first.
func TestHourly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if n := b.Hourly(); n != 50 {
		t.Errorf("before an answer: %d", n)
	}
	for _, hourly := range []int{40, 5000} {
		if err := b.box.SetUnsplashHourly(hourly); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Search(t.Context(), images.Query{Text: "tea", PerPage: 1}); err != nil {
			t.Fatal(err)
		}
		if n := b.Hourly(); n != hourly {
			t.Errorf("%d, want %d", n, hourly)
		}
	}
}
