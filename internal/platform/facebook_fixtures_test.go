package platform_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/internal/platform"
)

// facebookExchange is a request as the adapter must send it, and Facebook's answer, as documented.
type facebookExchange struct {
	Request struct {
		Method string            `json:"method"`
		Path   string            `json:"path"`
		Query  map[string]string `json:"query"`
		Form   map[string]string `json:"form"`
	} `json:"request"`
	Response struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
	} `json:"response"`
}

func facebookFixture(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// facebookSentForm reads a form of either kind. Of a file it gives type and length.
func facebookSentForm(t *testing.T, r *http.Request) map[string]string {
	t.Helper()
	form := map[string]string{}
	mediaType, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if mediaType != "multipart/form-data" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		values, err := url.ParseQuery(string(body))
		if err != nil {
			t.Error(err)
		}
		for name, all := range values {
			form[name] = strings.Join(all, " and ")
		}
		return form
	}
	if err := r.ParseMultipartForm(1 << 20); err != nil {
		t.Error(err)
		return form
	}
	for name, all := range r.MultipartForm.Value {
		form[name] = strings.Join(all, " and ")
	}
	for name, all := range r.MultipartForm.File {
		form[name] = fmt.Sprintf("(%s, %d bytes)", all[0].Header.Get("Content-Type"), all[0].Size)
	}
	return form
}

// facebookAt serves exchanges one after the other, and gives an adapter that speaks to them.
func facebookAt(t *testing.T, exchanges []facebookExchange) (*platform.FacebookPublisher, func() int) {
	t.Helper()
	at := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if at == len(exchanges) {
			t.Errorf("one more request: %s %s", r.Method, r.URL)
			return
		}
		want := exchanges[at]
		at++
		query := map[string]string{}
		for name, all := range r.URL.Query() {
			query[name] = strings.Join(all, " and ")
		}
		if r.Method != want.Request.Method || r.URL.Path != want.Request.Path || r.Header.Get("Authorization") != "Bearer page-token" || strings.Contains(r.URL.String(), "page-token") {
			t.Errorf("%s %s with %q, want %s %s", r.Method, r.URL, r.Header.Get("Authorization"), want.Request.Method, want.Request.Path)
		}
		if diff := cmp.Diff(want.Request.Query, query); diff != "" && len(want.Request.Query)+len(query) > 0 {
			t.Errorf("request %d: query: %s", at, diff)
		}
		form := facebookSentForm(t, r)
		if diff := cmp.Diff(want.Request.Form, form); diff != "" && len(want.Request.Form)+len(form) > 0 {
			t.Errorf("request %d: form: %s", at, diff)
		}
		for name, value := range want.Response.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(want.Response.Status)
		_, _ = w.Write(want.Response.Body)
	}))
	t.Cleanup(server.Close)
	return platform.NewFacebook(platform.FacebookConfig{GraphURL: server.URL}), func() int { return at }
}

var facebookFixtureCredential = json.RawMessage(`{"access_token":"page-token","page_id":"20001"}`)

// TestFacebookFixtures: requests and answers are as Facebook documents them.
func TestFacebookFixtures(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 9, 34, 14, 0, time.UTC)
	clip := file("video/mp4", bytes.Repeat([]byte("x"), 3000), "")
	for name, c := range map[string]struct {
		change    func(*platform.Post)
		published platform.Published
	}{
		"photos_and_comment": {func(p *platform.Post) { p.Media, p.Options.FirstComment = facebookPhotos(t, 2), "Until ten." },
			platform.Published{ExternalID: "20001_1584201893745299", URL: "https://www.facebook.com/bluebottlebakery/posts/pfbid02abc", At: at}},
		"link": {func(p *platform.Post) { p.Options.Link = "https://example.com/rolls?a=1&b=2" },
			platform.Published{ExternalID: "20001_1584201893745300", URL: "https://www.facebook.com/20001_1584201893745300"}},
		"video": {func(p *platform.Post) { p.Media = []platform.Media{clip} },
			platform.Published{ExternalID: "20001_1564747010440999", URL: "https://www.facebook.com/bluebottlebakery/videos/1564747010440105/"}},
	} {
		var exchanges []facebookExchange
		facebookFixture(t, "facebook/"+name+".json", &exchanges)
		facebook, sent := facebookAt(t, exchanges)
		post := platform.Post{ID: uuid.New(), Text: " Fresh rolls at seven.\r\n"}
		c.change(&post)
		published, err := facebook.Publish(t.Context(), facebookFixtureCredential, post, (&publishBundle{started: time.Now()}).attempt())
		if err != nil || sent() != len(exchanges) {
			t.Errorf("%s: %d of %d requests, %v", name, sent(), len(exchanges), err)
			continue
		}
		if c.published.At.IsZero() {
			c.published.At = published.At // ours
		}
		if published != c.published {
			t.Errorf("%s: %+v, want %+v", name, published, c.published)
		}
	}
}

// TestFacebookErrors: what Facebook refuses the request with that publishes.
func TestFacebookErrors(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Name    string            `json:"name"`
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    json.RawMessage   `json:"body"`
		Class   platform.Class    `json:"class"`
		Code    string            `json:"code"`
		App     bool              `json:"app"`
		Minutes int               `json:"minutes"`
		Says    string            `json:"says"`
	}
	facebookFixture(t, "facebook/errors.json", &cases)
	for _, c := range cases {
		var one, look facebookExchange
		one.Request.Method, one.Request.Path, one.Request.Form = http.MethodPost, "/v26.0/20001/feed", map[string]string{"message": "Text"}
		one.Response.Status, one.Response.Headers, one.Response.Body = c.Status, c.Headers, c.Body
		exchanges := []facebookExchange{one}
		attempt := (&publishBundle{started: time.Now()}).attempt()
		if c.Code == "506" { // the feed is looked at
			look.Request.Method, look.Request.Path = http.MethodGet, "/v26.0/20001/feed"
			look.Request.Query = map[string]string{
				"limit": "100", "since": formatSeconds(attempt.FirstStarted.Add(-24 * time.Hour)),
				"fields": "id,message,created_time,permalink_url,from,attachments{media_type,unshimmed_url,target,subattachments{media_type,unshimmed_url,target}}",
			}
			look.Response.Status, look.Response.Body = http.StatusOK, json.RawMessage(`{"data":[]}`)
			exchanges = append(exchanges, look)
		}
		facebook, _ := facebookAt(t, exchanges)
		_, err := facebook.Publish(t.Context(), facebookFixtureCredential, platform.Post{ID: uuid.New(), Text: "Text"}, attempt)
		e := wantError(t, c.Name, err, c.Class, c.Code)
		if e == nil {
			continue
		}
		if e.App != c.App || !strings.Contains(e.Message, c.Says) || strings.Contains(e.Message, "page-token") {
			t.Errorf("%s: %+v", c.Name, e)
		}
		if got := int(time.Until(e.RetryAt).Round(time.Minute) / time.Minute); c.Minutes != max(got, 0) {
			t.Errorf("%s: again at %v", c.Name, e.RetryAt)
		}
	}
}
