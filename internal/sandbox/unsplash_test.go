package sandbox_test

import (
	"encoding/json"
	"image/jpeg"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestUnsplash: the way from a search to a photo that is used, as Unsplash documents it.
func TestUnsplash(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.box.AddUnsplashApp()
	if again := b.box.AddUnsplashApp(); again != key {
		t.Error("another key the second time")
	}
	api := func(path string, header ...string) reply {
		return b.send("GET", path, nil, append([]string{"Authorization", "Client-ID " + key}, header...)...)
	}
	type photo struct {
		ID            string
		Width, Height int
		URLs          struct{ Raw, Regular, Small, Thumb string }
		Links         struct {
			DownloadLocation string `json:"download_location"`
		}
		User struct {
			Name  string
			Links struct{ HTML string }
		}
	}
	var found struct {
		Total      int
		TotalPages int `json:"total_pages"`
		Results    []photo
	}
	read := func(r reply, into any) {
		t.Helper()
		if r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if err := json.Unmarshal([]byte(r.body), into); err != nil {
			t.Fatal(err)
		}
	}
	first := api("/unsplash/search/photos?query=coffee&orientation=portrait&per_page=5&content_filter=high")
	read(first, &found)
	if found.Total != 12 || found.TotalPages != 3 || len(found.Results) != 5 || first.header.Get("X-Total") != "12" || first.header.Get("X-Per-Page") != "5" ||
		!strings.Contains(first.header.Get("Link"), `rel="next"`) || strings.Contains(first.header.Get("Link"), `rel="prev"`) || first.header.Get("X-Ratelimit-Limit") != "5000" {
		t.Errorf("found %d on %d pages, %d of them here, headers %v", found.Total, found.TotalPages, len(found.Results), first.header)
	}
	one := found.Results[0]
	if one.Width >= one.Height {
		t.Errorf("not upright: %d × %d", one.Width, one.Height)
	}
	read(api("/unsplash/search/photos?query=coffee&orientation=portrait&per_page=5&page=3"), &found)
	if len(found.Results) != 2 {
		t.Errorf("the last page has %d", len(found.Results))
	}
	read(api("/unsplash/search/photos?query=coffee&per_page=1000"), &found)
	if len(found.Results) != 30 {
		t.Errorf("a page has %d", len(found.Results))
	}
	read(api("/unsplash/search/photos?query=%3F%21"), &found)
	if found.Total != 0 || found.Results == nil {
		t.Errorf("nothing was asked for, and %d found", found.Total)
	}

	var same photo
	read(api("/unsplash/photos/"+one.ID), &same)
	if same.ID != one.ID || same.User != one.User {
		t.Errorf("by its id: %+v", same)
	}
	local := func(address string) string { return strings.TrimPrefix(address, b.base) }
	for query, want := range map[string][2]int{"": {one.Width, one.Height}, "&w=400&fit=max&fm=jpg&q=80": {400, 600}, "&w=500&h=150": {100, 150}, "&w=9000": {one.Width, one.Height}} {
		r := b.send("GET", local(one.URLs.Raw)+query, nil) // no key
		config, err := jpeg.DecodeConfig(strings.NewReader(r.body))
		if err != nil || config.Width != want[0] || config.Height != want[1] || r.header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("%q: %d %v %+v", query, r.status, err, config)
		}
	}
	for _, query := range []string{"&fm=webp", "&w=0", "&w=wide", "&q=101", "&fit=crop"} {
		if r := b.send("GET", local(one.URLs.Raw)+query, nil); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, r.status)
		}
	}

	// Reported is what names the link that was given, with the key.
	var told struct{ URL string }
	read(api("/unsplash/photos/"+one.ID+"/download"), &told)
	if r := b.send("GET", local(one.Links.DownloadLocation), nil); r.status != http.StatusUnauthorized || len(b.box.UnsplashDownloads()) != 0 {
		t.Errorf("without a key, or without the link: %d, %v", r.status, b.box.UnsplashDownloads())
	}
	read(api(local(one.Links.DownloadLocation)), &told)
	if n := b.box.UnsplashDownloads()[one.ID]; n != 1 || !strings.HasPrefix(told.URL, b.base+"/unsplash-images/") {
		t.Errorf("reported %d times, %s", n, told.URL)
	}
	var shown struct{ Downloads map[string]int }
	read(b.send("GET", "/_sandbox/unsplash", nil), &shown)
	if shown.Downloads[one.ID] != 1 {
		t.Errorf("the control API tells %v", shown.Downloads)
	}

	// Credits lead to a page.
	person, err := url.Parse(one.User.Links.HTML)
	if err != nil {
		t.Fatal(err)
	}
	if r := b.send("GET", person.Path, nil); r.status != http.StatusOK || !strings.Contains(r.body, one.ID) {
		t.Errorf("%s: %d", person.Path, r.status)
	}
	if r := b.send("GET", "/unsplash/@nobody", nil); r.status != http.StatusNotFound {
		t.Errorf("nobody's page: %d", r.status)
	}
}

// TestUnsplashRefuses: what Unsplash rejects is rejected, and in its words.
func TestUnsplashRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	key := b.box.AddUnsplashApp()
	for _, c := range []struct {
		path, authorization string
		status              int
		says                string
	}{
		{"/unsplash/search/photos?query=a", "", 401, "OAuth error: The access token is invalid"},
		{"/unsplash/search/photos?query=a", "Client-ID x", 401, "OAuth error: The access token is invalid"},
		{"/unsplash/search/photos?query=a", "Bearer " + key, 401, "OAuth error: The access token is invalid"},
		{"/unsplash/search/photos?query=a&client_id=" + key, "", 200, "total_pages"},
		{"/unsplash/search/photos", "Client-ID " + key, 400, "query is missing"},
		{"/unsplash/search/photos?query=a&orientation=round", "Client-ID " + key, 400, "orientation does not have a valid value"},
		{"/unsplash/search/photos?query=a&content_filter=medium&page=x", "Client-ID " + key, 400, "page is invalid"},
		{"/unsplash/photos/none", "Client-ID " + key, 404, "Couldn't find Photo"},
		{"/unsplash/photos/none/download", "Client-ID " + key, 404, "Couldn't find Photo"},
	} {
		if r := b.send("GET", c.path, nil, "Authorization", c.authorization); r.status != c.status || !strings.Contains(r.body, c.says) {
			t.Errorf("%s: %d %s", c.path, r.status, r.body)
		}
	}
	if r := b.request("PUT", "/_sandbox/unsplash", "", object{"hourly_requests": 2}); r.status != http.StatusNoContent {
		t.Fatalf("%d %s", r.status, r.body)
	}
	ask := func() reply { return b.send("GET", "/unsplash/photos/none", nil, "Authorization", "Client-ID "+key) }
	for _, left := range []string{"1", "0"} {
		if r := ask(); r.status != http.StatusNotFound || r.header.Get("X-Ratelimit-Remaining") != left {
			t.Errorf("%d, %s left", r.status, r.header.Get("X-Ratelimit-Remaining"))
		}
	}
	if r := ask(); r.status != http.StatusForbidden || r.body != "Rate Limit Exceeded" || r.header.Get("X-Ratelimit-Remaining") != "0" {
		t.Errorf("%d %s", r.status, r.body)
	}
	b.clock.advance(time.Hour)
	if r := ask(); r.status != http.StatusNotFound {
		t.Errorf("an hour later: %d", r.status)
	}
}
