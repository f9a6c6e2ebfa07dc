package platform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// setupGhostFull is setupGhost with a post that has everything.
func setupGhostFull(t *testing.T) *ghostBundle {
	t.Helper()
	b := setupGhost(t)
	b.post.Media = []platform.Media{film("The oven"), picture(t, 1, `A "loaf"`), picture(t, 2, "Crumbs & more")}
	b.post.Options = platform.Options{
		Excerpt: "In short.", Tags: []string{"Bread", "#fanfare"}, Newsletter: "default-newsletter", EmailSegment: "status:free",
	}
	return b
}

const ghostFull = "upload upload upload find create_draft read publish"

func TestGhostFull(t *testing.T) {
	t.Parallel()
	b := setupGhostFull(t)
	got, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	if steps := b.takeSteps(); steps != ghostFull {
		t.Errorf("steps %s", steps)
	}
	b.wantOnce()
	seen, post := b.box.Published()[0], b.box.GhostPosts("news")[0]
	if post.FeatureImageAlt != `A "loaf"` || post.FeatureImage == "" || post.CustomExcerpt != "In short." || !cmp.Equal(post.Tags, []string{"Bread", "#fanfare"}) ||
		post.Newsletter != "default-newsletter" || post.EmailSegment != "status:free" || post.EmailStatus != "pending" ||
		seen.Audience != "default-newsletter (status:free)" {
		t.Errorf("post %+v, seen %+v", post, seen)
	}
	shown := []string{}
	for _, file := range seen.Files {
		shown = append(shown, file.ContentType+" "+file.AltText)
	}
	if diff := cmp.Diff([]string{`image/png A "loaf"`, "video/mp4 The oven", "image/png Crumbs & more"}, shown); diff != "" {
		t.Error(diff)
	}
	page, err := http.Get(got.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	if body, err := io.ReadAll(page.Body); err != nil || !strings.Contains(string(body), `alt="A &#34;loaf&#34;"`) || !strings.Contains(string(body), "<video") {
		t.Errorf("page %s", body)
	}

	// The numbers are those of the e-mail.
	b.takeSteps()
	if found, err := b.reconcile(); err != nil || found == nil || b.takeSteps() != "read" {
		t.Errorf("reconcile: %v %v", found, err)
	}
	if status := b.box.GhostPosts("news")[0].EmailStatus; status != "submitted" {
		t.Errorf("e-mail %s", status)
	}
	metrics, err := b.measure(got.ExternalID)
	number := func(n int64) *int64 { return &n }
	if diff := cmp.Diff(platform.Metrics{Impressions: number(39), Reach: number(20), Clicks: number(5)}, metrics); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

// TestGhostExchanges compares what is sent with what Ghost's documentation has.
func TestGhostExchanges(t *testing.T) {
	t.Parallel()
	server := replay(t, "ghost/publish.json")
	b := setupGhost(t)
	b.credential = b.credentialFor(server.URL, b.key)
	loaf, oven := picture(t, 1, "A loaf"), film("The oven")
	loaf.ID, oven.ID = uuid.MustParse("0190b3a1-0000-7000-8000-000000000001"), uuid.MustParse("0190b3a1-0000-7000-8000-000000000002")
	b.post = platform.Post{
		ID: uuid.MustParse("6f2f6a0e-5f8c-4d3c-9a57-1d1d6a3f0c11"), Title: "Fresh bread", Text: "Every morning.", Media: []platform.Media{loaf, oven},
		Options: platform.Options{Excerpt: "Bread.", Tags: []string{" Bread ", "#internal"}, Newsletter: "weekly", EmailSegment: "status:free"},
	}
	got, err := b.publish()
	if err != nil || got.URL != "https://blog.example/fresh-bread/" {
		t.Errorf("%+v %v", got, err)
	}
	want := `{"draft_id":"5ddc9141c35e7700383b2937","files":{` +
		`"0190b3a1-0000-7000-8000-000000000001":"https://blog.example/content/images/2026/11/0190b3a1-0000-7000-8000-000000000001.png",` +
		`"0190b3a1-0000-7000-8000-000000000002":"https://blog.example/content/media/2026/11/0190b3a1-0000-7000-8000-000000000002.mp4"}}`
	if string(b.checkpoint) != want {
		t.Errorf("kept %s", b.checkpoint)
	}
}

// TestGhostUploadForm looks at the form that a file is sent in.
func TestGhostUploadForm(t *testing.T) {
	t.Parallel()
	b := setupGhost(t)
	image := picture(t, 3, "")
	original, err := image.Open(t.Context(), 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(original)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer w.WriteHeader(http.StatusTooManyRequests)
		kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil || kind != "multipart/form-data" || r.ContentLength < image.Bytes {
			t.Errorf("%s of %d bytes: %v", kind, r.ContentLength, err)
		}
		form, err := multipart.NewReader(r.Body, params["boundary"]).ReadForm(1 << 20)
		if err != nil {
			t.Error(err)
			return
		}
		file := form.File["file"][0]
		opened, err := file.Open()
		if err != nil {
			t.Error(err)
			return
		}
		sent, err := io.ReadAll(opened)
		if err != nil || !bytes.Equal(sent, content) || file.Filename != image.ID.String()+".png" || file.Header.Get("Content-Type") != "image/png" ||
			!cmp.Equal(form.Value["purpose"], []string{"image"}) {
			t.Errorf("%d bytes, %+v, %v: %v", len(sent), file.Header, form.Value, err)
		}
	}))
	t.Cleanup(server.Close)
	b.credential, b.post.Media = b.credentialFor(server.URL, b.key), []platform.Media{image}
	_, err = b.publish()
	b.wantClass(err, platform.RateLimited)
}

// TestGhostFileFaults fails the steps of a post with files in every way.
func TestGhostFileFaults(t *testing.T) {
	t.Parallel()
	faults := []failure{
		{"dropped", sandbox.Fault{Kind: sandbox.FaultDropBefore}, platform.Transient, platform.UnknownOutcome},
		{"answer lost", sandbox.Fault{Kind: sandbox.FaultDropAfter}, platform.Transient, platform.UnknownOutcome},
		{"500", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500}, platform.Transient, platform.UnknownOutcome},
		{"web page", sandbox.Fault{Kind: sandbox.FaultBody, Body: "<h1>Welcome</h1>"}, platform.Invalid, platform.UnknownOutcome},
		{"413", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 413}, platform.Invalid, platform.Invalid},
		{"415", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 415, ErrorType: "UnsupportedMediaTypeError"}, platform.Invalid, platform.Invalid},
		{"429", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429}, platform.RateLimited, platform.RateLimited},
		{"402 of the host", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, ErrorType: "HostLimitError"}, platform.PaymentRequired, platform.PaymentRequired},
	}
	for _, step := range []string{"upload", "publish"} {
		for _, f := range faults {
			t.Run(step+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				b := setupGhostFull(t)
				b.failAt(step, step == "publish", f)
				b.wantOnce()
				if post := b.box.GhostPosts("news")[0]; post.Newsletter == "" || len(b.box.Published()[0].Files) != 3 {
					t.Errorf("post %+v", post)
				}
			})
		}
	}
}

func TestGhostFileResume(t *testing.T) {
	t.Parallel()
	t.Run("killed after each piece", func(t *testing.T) {
		t.Parallel()
		b := setupGhostFull(t)
		want := []string{
			"upload", "upload", "upload", "find create_draft", // the fourth Keep fails: that of the draft
			"find read publish",
		}
		for i, steps := range want[:4] {
			attempt := b.attempt()
			attempt.Keep = func(_ context.Context, checkpoint json.RawMessage) error {
				if i < 3 {
					b.checkpoint = checkpoint
				}
				return errKilled
			}
			_, err := b.publisher.Publish(t.Context(), b.credential, b.post, attempt)
			b.wantClass(err, platform.Transient)
			if got := b.takeSteps(); got != steps {
				t.Errorf("steps %s, want %s", got, steps)
			}
		}
		if _, err := b.publish(); err != nil || b.takeSteps() != want[4] {
			t.Errorf("going on: %v", err)
		}
		b.wantOnce()
	})
	t.Run("a checkpoint of an earlier version", func(t *testing.T) {
		t.Parallel()
		b := setupGhostFull(t)
		b.fault(sandbox.Fault{Step: "ghost.publish", Kind: sandbox.FaultDropBefore})
		_, err := b.publish()
		b.wantClass(err, platform.UnknownOutcome)
		b.checkpoint = json.RawMessage(`{"draft_id":"` + b.box.GhostPosts("news")[0].ID + `"}`)
		b.takeSteps()
		if _, err := b.publish(); err != nil || b.takeSteps() != "read upload upload upload publish" {
			t.Errorf("going on: %v", err)
		}
		b.wantOnce()
	})
	t.Run("everything taken out before the next attempt", func(t *testing.T) {
		t.Parallel()
		b := setupGhostFull(t)
		b.fault(sandbox.Fault{Step: "ghost.publish", Kind: sandbox.FaultDropBefore})
		_, err := b.publish()
		b.wantClass(err, platform.UnknownOutcome)
		b.post.Media, b.post.Options = nil, platform.Options{}
		if _, err := b.publish(); err != nil {
			t.Fatal(err)
		}
		post := b.box.GhostPosts("news")[0]
		if post.FeatureImage != "" || post.FeatureImageAlt != "" || post.CustomExcerpt != "" || len(post.Tags) != 0 || post.Newsletter != "" || strings.Contains(post.HTML, "figure") {
			t.Errorf("post %+v", post)
		}
	})
	t.Run("stopping between two files", func(t *testing.T) {
		t.Parallel()
		b := setupGhostFull(t)
		attempt := b.attempt()
		stopping := make(chan struct{})
		close(stopping)
		attempt.Stopping = stopping
		_, err := b.publisher.Publish(t.Context(), b.credential, b.post, attempt)
		if e := b.wantClass(err, platform.Waiting); e.Code != "handed_over" || b.takeSteps() != "" {
			t.Errorf("%v", e)
		}
	})
	t.Run("unreadable addresses", func(t *testing.T) {
		t.Parallel()
		b := setupGhostFull(t)
		b.checkpoint = json.RawMessage(`{"files":{"0190b3a1-0000-7000-8000-000000000001":"javascript:alert(1)"}}`)
		_, err := b.publish()
		b.wantClass(err, platform.UnknownOutcome)
	})
}

func TestGhostNewsletter(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]platform.Options{
		"unknown newsletter": {Newsletter: "nope"},
		"unknown segment":    {Newsletter: "default-newsletter", EmailSegment: "everybody!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupGhost(t)
			b.post.Options = options
			_, err := b.publish()
			if e := b.wantClass(err, platform.Invalid); !strings.Contains(e.Message, "newsletter") {
				t.Errorf("%v", e)
			}
			if len(b.box.Published()) != 0 {
				t.Error("published")
			}
			b.post.Options = platform.Options{Newsletter: "default-newsletter"}
			if _, err := b.publish(); err != nil {
				t.Fatal(err)
			}
			b.wantOnce()
			if post := b.box.GhostPosts("news")[0]; post.EmailSegment != "all" {
				t.Errorf("sent to %s", post.EmailSegment)
			}
		})
	}
}

func TestGhostMeasure(t *testing.T) {
	t.Parallel()
	b := setupGhost(t)
	got, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.measure(got.ExternalID)
	if e := b.wantClass(err, platform.Invalid); !strings.Contains(e.Message, "newsletter") {
		t.Errorf("%v", e)
	}
	for _, id := range []string{strings.Repeat("0", 24), "../x", ""} {
		_, err = b.measure(id)
		b.wantClass(err, platform.Invalid)
	}
	b.fault(sandbox.Fault{Step: "ghost.read", Kind: sandbox.FaultStatus, Status: 429, Headers: map[string]string{"Retry-After": "60"}})
	_, err = b.measure(got.ExternalID)
	if e := b.wantClass(err, platform.RateLimited); time.Until(e.RetryAt).Round(10*time.Second) != time.Minute {
		t.Errorf("retry at %v", e.RetryAt)
	}
}

// TestGhostTemplate: files stand where a template's HTML names them, and the first of the others above the post.
func TestGhostTemplate(t *testing.T) {
	t.Parallel()
	b := setupGhost(t)
	b.post.Media = []platform.Media{picture(t, 1, strings.Repeat("x", 126)), picture(t, 2, "Above")}
	b.post.HTML = `<h2>Hello</h2><img src="media:1" alt="Named">`
	if _, err := b.publish(); err != nil {
		t.Fatal(err)
	}
	post := b.box.GhostPosts("news")[0]
	if seen := b.box.Published()[0]; len(seen.Files) != 2 || seen.Files[1].AltText != "Named" {
		t.Errorf("files %+v", seen.Files)
	}
	if post.FeatureImageAlt != "Above" || !strings.HasPrefix(post.HTML, `<h2>Hello</h2><img src="`+b.base) || strings.Count(post.HTML, "<img") != 1 {
		t.Errorf("post %+v", post)
	}
}

func TestGhostCheck(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 301)
	post := platform.Post{
		Title: long, Text: strings.Repeat("x", 100_001), HTML: strings.Repeat("x", 1_000_001),
		Options: platform.Options{Excerpt: long, Tags: []string{"good", long, " ", ",x"}, EmailSegment: "all", Subject: "x"},
		Media: []platform.Media{
			{ID: uuid.New(), ContentType: "video/quicktime"}, {ID: uuid.New(), ContentType: "video/mp4", Bytes: 250<<20 + 1},
			{ID: uuid.New(), ContentType: "image/bmp", AltText: strings.Repeat("é", 126)}, {ID: uuid.New(), ContentType: "image/webp", Bytes: 50<<20 + 1, AltText: long},
		},
	}
	got := []string{}
	for _, v := range platform.Check(platform.Ghost, post).Violations {
		got = append(got, fmt.Sprintf("%s %s %d %d", v.Field, v.Rule, v.Limit, v.Actual))
	}
	want := []string{
		"options.subject unsupported 0 0", "text too_long 100000 100001", "text too_large 1000000 1000001", "title too_long 255 301",
		"options.excerpt too_long 300 301", "options.tags[1] too_long 191 301", "options.tags[2] invalid 0 0", "options.tags[3] invalid 0 0",
		"options.newsletter required 0 0", "media[0] unsupported 0 0", "media[1] too_large 262144000 262144001", "media[2] unsupported 0 0",
		"media[2] too_long 125 126", "media[3] too_large 52428800 52428801",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
