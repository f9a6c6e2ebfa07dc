package platform_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"image"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

const (
	linkedInPerson       = "urn:li:person:ada-lindqvist"
	linkedInOrganization = "urn:li:organization:1001"
)

// linkedInBundle is a publishBundle of LinkedIn that notes what is sent.
type linkedInBundle struct {
	*publishBundle
	token  string
	bodies map[string][]string
}

func setupLinkedIn(t *testing.T) *linkedInBundle {
	t.Helper()
	c := setupConnect(t)
	token := c.connect(platform.LinkedIn, "ada-lindqvist").AccessToken
	b := &linkedInBundle{newPublish(c, platform.LinkedIn), token, map[string][]string{}}
	b.postAs(linkedInOrganization)
	recorder := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		b.mu.Lock()
		path := regexp.MustCompile(`urn(%3A|:)[^/?]+`).ReplaceAllString(r.URL.Path, "{urn}")
		b.bodies[path] = append(b.bodies[path], string(body))
		b.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		b.box.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(recorder.Close)
	b.base = recorder.URL
	b.publisher = platform.NewLinkedIn(platform.LinkedInConfig{
		SiteURL: recorder.URL + "/linkedin", APIURL: recorder.URL + "/linkedin-api", Version: time.Now().UTC().Format("200601")})
	b.post = platform.Post{ID: uuid.New(), Text: "Fresh bread"}
	return b
}

// postAs says whose post it is.
func (b *linkedInBundle) postAs(author string) {
	b.t.Helper()
	b.credential = asJSON(b.t, platform.LinkedInCredential{AccessToken: b.token, Author: author})
}

// linkedInAt is a person's post at a server that plays LinkedIn.
func linkedInAt(t *testing.T, address string, post platform.Post) *publishBundle {
	t.Helper()
	return &publishBundle{
		connectBundle: &connectBundle{t: t}, publisher: platform.NewLinkedIn(platform.LinkedInConfig{APIURL: address, Version: "202610"}),
		credential: asJSON(t, platform.LinkedInCredential{AccessToken: "token", Author: linkedInPerson}), post: post,
	}
}

// work publishes as the worker does: again after a passing failure and a wait, and with a look after an unknown outcome.
func (b *linkedInBundle) work(ctx context.Context) (platform.Published, error) {
	b.t.Helper()
	for range 12 {
		published, err := b.publishIn(ctx)
		if err == nil || ctx.Err() != nil {
			return published, err
		}
		switch problem := platform.AsError(err); problem.Class {
		case platform.Transient, platform.Waiting:
		case platform.UnknownOutcome:
			found, err := b.reconcile()
			if err != nil {
				return platform.Published{}, err
			}
			if found != nil {
				return *found, nil
			}
		default:
			return published, err
		}
	}
	b.t.Error("it never ends")
	return platform.Published{}, nil
}

// pngImage shows something random, so that two of them differ.
func pngImage(t *testing.T, altText string) platform.Media {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 40, 30))
	for i := range picture.Pix {
		picture.Pix[i] = byte(rand.IntN(256))
	}
	m := pngFile(t, picture, altText)
	m.Width, m.Height = 40, 30
	return m
}

func mp4Video(size int) platform.Media {
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(rand.IntN(256))
	}
	copy(content, "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom")
	m := file("video/mp4", content, "")
	m.Duration = 5 * time.Second
	return m
}

var fixtureURN = regexp.MustCompile(`urn:li:(image|video|share|ugcPost):[A-Za-z0-9]+`)

// wantBody compares the last body that was sent to a path with a fixture; ids differ.
func (b *linkedInBundle) wantBody(path, fixture string) {
	b.t.Helper()
	b.mu.Lock()
	sent := b.bodies[path]
	b.mu.Unlock()
	if len(sent) == 0 {
		b.t.Fatalf("nothing was sent to %s", path)
	}
	var got, want any
	plain := fixtureURN.ReplaceAllStringFunc(sent[len(sent)-1], func(urn string) string {
		kind := strings.Split(urn, ":")[2]
		return "urn:li:" + kind + map[string]string{"image": ":C4E0", "video": ":C4E0"}[kind] + map[string]string{"share": ":0", "ugcPost": ":0"}[kind]
	})
	plain = regexp.MustCompile(`"(uploadToken)":"[0-9a-f]+"`).ReplaceAllString(plain, `"$1":"0"`)
	plain = regexp.MustCompile(`"/ambry-video/[0-9a-f]+"`).ReplaceAllString(plain, `"0"`)
	raw, err := os.ReadFile(filepath.Join("testdata", "linkedin", fixture))
	if err = errors.Join(err, json.Unmarshal([]byte(plain), &got), json.Unmarshal(raw, &want)); err != nil {
		b.t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		b.t.Errorf("%s (-want +got):\n%s", fixture, diff)
	}
}

func TestLinkedInText(t *testing.T) {
	t.Parallel()
	b := setupLinkedIn(t)
	b.postAs(linkedInPerson)
	b.post.Text = "Fresh bread (daily) @ 50% off? #Bäckerei C# a_b [x] {y} <z> | \\ * ~\r\n\r\nhttps://example.com/a_b#top"
	published, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	post := b.only()
	if post.Text != strings.ReplaceAll(b.post.Text, "\r", "") || post.Account != linkedInPerson || post.Audience != "PUBLIC" {
		t.Errorf("%+v", post)
	}
	if published.ExternalID != post.ID || published.URL != post.URL || time.Since(published.At) > time.Minute {
		t.Errorf("%+v is not %+v", published, post)
	}
	b.wantBody("/linkedin-api/rest/posts", "post_text.json")
	if steps := b.takeSteps(); steps != "post" {
		t.Error(steps)
	}
	// The page is there for people.
	resp, err := http.Get(published.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if page, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || !strings.Contains(string(page), "Fresh bread") {
		t.Errorf("%s: %s", resp.Status, page)
	}
}

func TestLinkedInLinkAndComment(t *testing.T) {
	t.Parallel()
	b := setupLinkedIn(t)
	b.post.Text = "Read this"
	b.post.Options = platform.Options{Link: "https://example.com/bread?a=1", LinkTitle: "Bread", FirstComment: "More at https://example.com/a_b (soon)"}
	if _, err := b.publish(); err != nil {
		t.Fatal(err)
	}
	post := b.only()
	if post.PostLink != b.post.Options.Link || len(post.Parts) != 1 || post.Parts[0] != b.post.Options.FirstComment || post.Account != linkedInOrganization {
		t.Errorf("%+v", post)
	}
	b.wantBody("/linkedin-api/rest/posts", "post_article.json")
	b.wantBody("/linkedin-api/rest/socialActions/{urn}/comments", "comment.json")
}

func TestLinkedInImages(t *testing.T) {
	t.Parallel()
	t.Run("one, for connections", func(t *testing.T) {
		t.Parallel()
		b := setupLinkedIn(t)
		b.postAs(linkedInPerson)
		b.post.Text, b.post.Media = "One image", []platform.Media{pngImage(t, "A loaf")}
		b.post.Options.Visibility = "connections"
		if _, err := b.publish(); err != nil {
			t.Fatal(err)
		}
		post := b.only()
		if len(post.Files) != 1 || post.Files[0].AltText != "A loaf" || post.Files[0].ContentType != "image/png" || post.Audience != "CONNECTIONS" {
			t.Errorf("%+v", post)
		}
		b.wantBody("/linkedin-api/rest/posts", "post_image.json")
	})
	t.Run("two that LinkedIn works on", func(t *testing.T) {
		t.Parallel()
		b := setupLinkedIn(t)
		b.box.SetLinkedIn(sandbox.LinkedInSettings{ImagePolls: 1})
		b.post.Text, b.post.Media = "Two images", []platform.Media{pngImage(t, "A loaf"), pngImage(t, "")}
		_, err := b.publish()
		if e := b.want("at work", err, platform.Waiting, "processing"); e != nil && (e.RetryAt.Before(time.Now()) || time.Until(e.RetryAt) > time.Minute) {
			t.Errorf("again at %s", e.RetryAt)
		}
		if found, err := b.reconcile(); found != nil || err != nil {
			t.Errorf("reconcile: %v, %v", found, err)
		}
		if _, err := b.publish(); err != nil {
			t.Fatal(err)
		}
		if post := b.only(); len(post.Files) != 2 || post.Files[0].Bytes != int(b.post.Media[0].Bytes) {
			t.Errorf("%+v", post)
		}
		b.wantBody("/linkedin-api/rest/posts", "post_images.json")
		if steps := b.takeSteps(); steps != "init_image upload_image init_image upload_image image image image image post" {
			t.Error(steps)
		}
	})
	t.Run("one that LinkedIn cannot show", func(t *testing.T) {
		t.Parallel()
		b := setupLinkedIn(t)
		b.post.Media = []platform.Media{file("image/png", []byte("no picture"), "")}
		_, err := b.publish()
		b.want("no picture", err, platform.Invalid, "processing_failed")
		b.post.Media[0] = pngImage(t, "")
		if _, err := b.publish(); err != nil {
			t.Fatal(err)
		}
		b.only()
	})
}

// smallParts makes LinkedIn ask for a video in parts of 64 KiB.
func (b *linkedInBundle) smallParts(settings sandbox.LinkedInSettings) {
	settings.PartBytes = 64 << 10
	b.box.SetLinkedIn(settings)
}

func TestLinkedInVideo(t *testing.T) {
	t.Parallel()
	b := setupLinkedIn(t)
	b.smallParts(sandbox.LinkedInSettings{})
	b.post.Media = []platform.Media{mp4Video(200_000)}
	_, err := b.publish()
	b.want("at work", err, platform.Waiting, "processing")
	if _, err := b.publish(); err != nil {
		t.Fatal(err)
	}
	post := b.only()
	if len(post.Files) != 1 || post.Files[0].Bytes != 200_000 || post.Files[0].ContentType != "video/mp4" || !strings.HasPrefix(post.ID, "urn:li:ugcPost:") {
		t.Errorf("%+v", post)
	}
	b.wantBody("/linkedin-api/rest/videos", "finalize_video.json")
	b.mu.Lock()
	b.bodies["begin"] = b.bodies["/linkedin-api/rest/videos"][:1]
	b.mu.Unlock()
	b.wantBody("begin", "init_video.json")
	if steps := b.takeSteps(); steps != "init_video upload_part upload_part upload_part upload_part video finalize_video video video post" {
		t.Error(steps)
	}
}

// TestLinkedInStops: a process that ends hands a video over between two parts, and the next one sends the rest only.
func TestLinkedInStops(t *testing.T) {
	t.Parallel()
	b := setupLinkedIn(t)
	b.smallParts(sandbox.LinkedInSettings{})
	b.post.Media = []platform.Media{mp4Video(200_000)}
	parts := 0
	b.box.OnApplied(func(info sandbox.RequestInfo) {
		if info.Step == "linkedin.upload_part" {
			if parts++; parts == 2 {
				close(b.stopping)
			}
		}
	})
	_, err := b.publish()
	b.want("stopped", err, platform.Waiting, "handed_over")
	b.stopping = make(chan struct{})
	if _, err := b.work(t.Context()); err != nil {
		t.Fatal(err)
	}
	if parts != 4 || b.only().Files[0].Bytes != 200_000 {
		t.Errorf("%d parts were sent", parts)
	}
}

// TestLinkedInKilled breaks off the work at each request, before and after it was applied, and at each Keep, and goes on as the next
// process does. Nothing is there twice; that it is not known happens only where the request that makes something visible was on its way.
func TestLinkedInKilled(t *testing.T) {
	t.Parallel()
	for _, when := range []string{"before", "after", "keep"} {
		for at := 1; ; at++ {
			b := setupLinkedIn(t)
			b.smallParts(sandbox.LinkedInSettings{AllowDuplicates: true, ImagePolls: 1})
			b.post.Media = []platform.Media{mp4Video(200_000)}
			b.post.Options.FirstComment = "First!"
			ctx, kill := context.WithCancel(t.Context())
			count, last := 0, ""
			hit := func(info sandbox.RequestInfo) {
				if count++; count == at {
					last = info.Step
					kill()
				}
			}
			switch when {
			case "before":
				b.box.OnRequest(hit)
			case "after":
				b.box.OnApplied(hit)
			}
			keeps, keptFirst := 0, false
			attempt := b.attempt()
			plain := attempt.Keep
			attempt.Keep = func(ctx context.Context, checkpoint json.RawMessage) error {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				keeps++
				if when == "keep" && keeps == at {
					// Killed before or after it was stored, in turn.
					if keptFirst = at%2 == 0; keptFirst {
						_ = plain(ctx, checkpoint)
					}
					kill()
					return context.Canceled
				}
				return plain(ctx, checkpoint)
			}
			var err error
			for ctx.Err() == nil {
				attempt.Checkpoint = b.checkpoint
				if _, err = b.publisher.Publish(ctx, b.credential, b.post, attempt); err == nil {
					break
				}
			}
			killed := ctx.Err() != nil
			kill()
			if !killed {
				if at < 8 {
					t.Fatalf("%s: only %d moments", when, at-1)
				}
				break
			}
			found, err := b.reconcile()
			if err == nil && found == nil {
				_, err = b.work(t.Context())
			}
			posts := b.box.Published()
			unknown := err != nil && platform.AsError(err).Class == platform.UnknownOutcome
			switch {
			case err != nil && !unknown:
				t.Errorf("%s %d (%s): %v", when, at, last, err)
			case unknown && when != "keep" && last != "linkedin.post" && last != "linkedin.comment":
				t.Errorf("%s %d (%s): unknown, though nothing was published then: %v", when, at, last, err)
			case !unknown && (len(posts) != 1 || len(posts[0].Parts) != 1):
				t.Errorf("%s %d (%s): %+v", when, at, last, posts)
			}
			if len(posts) > 1 || len(posts) == 1 && (posts[0].TimesPublished != 1 || len(posts[0].Parts) > 1) {
				t.Errorf("%s %d (%s): twice: %+v", when, at, last, posts)
			}
		}
	}
}

// TestLinkedInFaults orders every fault at every step.
func TestLinkedInFaults(t *testing.T) {
	t.Parallel()
	visible := []string{"linkedin.post", "linkedin.comment"}
	for _, step := range []string{"init_image", "upload_image", "image", "init_video", "upload_part", "video", "finalize_video", "post", "comment"} {
		for _, fault := range []sandbox.Fault{
			{Kind: sandbox.FaultDropBefore}, {Kind: sandbox.FaultDropAfter}, {Kind: sandbox.FaultStatus, Status: 500}, {Kind: sandbox.FaultStatus, Status: 503, Body: "<html>"},
			{Kind: sandbox.FaultStatus, Status: 401}, {Kind: sandbox.FaultStatus, Status: 403}, {Kind: sandbox.FaultStatus, Status: 426},
			{Kind: sandbox.FaultStatus, Status: 429}, {Kind: sandbox.FaultStatus, Status: 302}, {Kind: sandbox.FaultBody, Body: "<html>hello</html>"},
			{Kind: sandbox.FaultBody, Body: "{}"}, {Kind: sandbox.FaultStatus, Status: 409},
		} {
			fault.Step = "linkedin." + step
			name := step + " " + fault.Kind + " " + strings.TrimSpace(http.StatusText(fault.Status)+" "+fault.Body)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := setupLinkedIn(t)
				b.smallParts(sandbox.LinkedInSettings{AllowDuplicates: true})
				b.post.Media, b.post.Options.FirstComment = []platform.Media{pngImage(t, "")}, "First!"
				if strings.Contains(step, "video") || step == "upload_part" {
					b.post.Media = []platform.Media{mp4Video(200_000)}
				}
				b.fault(fault)
				_, err := b.work(t.Context())
				posts := b.box.Published()
				if len(posts) > 1 || len(posts) == 1 && len(posts[0].Parts) > 1 {
					t.Fatalf("twice: %+v", posts)
				}
				publishes := slices.Contains(visible, fault.Step)
				lost := fault.Kind != sandbox.FaultStatus || fault.Status >= 500 || fault.Status == 302
				refused := step == "comment" && fault.Status == 403
				var want platform.Class
				switch {
				case refused:
					want = platform.Invalid
				case publishes && lost:
					want = platform.UnknownOutcome
				case fault.Status == 401, fault.Status == 403 && step != "upload_image" && step != "upload_part":
					want = platform.Credential
				case fault.Status == 429:
					want = platform.RateLimited
				}
				if want == "" {
					if err != nil || len(posts) != 1 || len(posts[0].Parts) != 1 {
						t.Fatalf("%v, %+v", err, posts)
					}
					return
				}
				e := platform.AsError(err)
				if err == nil || e.Class != want {
					t.Fatalf("%v, want %s", err, want)
				}
				hidden(t, name, b.box.Secrets(), e, *e)
				if (e.Partial != nil) != (step == "comment") {
					t.Errorf("partial: %+v", e.Partial)
				}
				if want == platform.RateLimited && (e.RetryAt.Before(time.Now()) || e.RetryAt.UTC().Hour() != 0) {
					t.Errorf("again at %s", e.RetryAt)
				}
				if want == platform.UnknownOutcome {
					return
				}
				// Nothing became visible, and it goes on as if nothing had been.
				if found, err := b.reconcile(); err != nil || found != nil {
					t.Errorf("reconcile: %v, %v", found, err)
				}
				if _, err := b.work(t.Context()); err != nil {
					t.Errorf("again: %v", err)
				}
				if post := b.only(); len(post.Parts) != 1 {
					t.Errorf("%+v", post)
				}
			})
		}
	}
}

// TestLinkedInDeadline: where our own deadline would cut off a request that publishes, it is not begun.
func TestLinkedInDeadline(t *testing.T) {
	t.Parallel()
	b := setupLinkedIn(t)
	b.post.Options.FirstComment = "First!"
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	handedOver := func(partial bool) {
		t.Helper()
		b.takeSteps()
		_, err := b.publishIn(ctx)
		if e := b.want("too late", err, platform.Waiting, "handed_over"); e != nil && (e.Partial != nil) != partial {
			t.Errorf("%+v", e)
		}
		if found, err := b.reconcile(); found != nil || err != nil || b.takeSteps() != "" {
			t.Errorf("something may have been sent: %v %v", found, err)
		}
	}
	handedOver(false)
	b.fault(sandbox.Fault{Step: "linkedin.comment", Kind: sandbox.FaultStatus, Status: 429})
	_, err := b.publish()
	b.want("limited", err, platform.RateLimited, "TOO_MANY_REQUESTS")
	handedOver(true)
	if _, err := b.publish(); err != nil {
		t.Error(err)
	}
	if post := b.only(); len(post.Parts) != 1 {
		t.Errorf("%+v", post)
	}
}

// TestLinkedInEnds: what LinkedIn has answered is kept although the conversation ends with it, so that nobody needs to look there.
func TestLinkedInEnds(t *testing.T) {
	t.Parallel()
	b := setupLinkedIn(t)
	published, err := b.publishEnding(1)
	if found, err2 := b.reconcile(); err != nil || err2 != nil || found == nil || found.ExternalID != published.ExternalID {
		t.Errorf("%+v %v %+v %v", published, err, found, err2)
	}

	b = setupLinkedIn(t)
	b.post.Options.FirstComment = "First!"
	_, err = b.publishEnding(1)
	if e := b.want("before the comment", err, platform.Transient, ""); e != nil && e.Partial == nil {
		t.Errorf("%+v", e)
	}
	if found, err := b.reconcile(); found != nil || err != nil {
		t.Errorf("the post: %v %v", found, err)
	}
	published, err = b.publishEnding(1) // after the mark of the comment
	if found, err2 := b.reconcile(); err != nil || err2 != nil || found == nil || found.ExternalID != published.ExternalID {
		t.Errorf("the comment: %+v %v %+v %v", published, err, found, err2)
	}
	if again, err := b.publish(); err != nil || again.ExternalID != published.ExternalID {
		t.Errorf("again: %+v %v", again, err)
	}
	if post := b.only(); len(post.Parts) != 1 {
		t.Errorf("%+v", post)
	}

	// The same of refusals: no mark is left.
	for _, step := range []string{"post", "comment"} {
		b = setupLinkedIn(t)
		b.post.Options.FirstComment = "First!"
		b.fault(sandbox.Fault{Step: "linkedin." + step, Kind: sandbox.FaultStatus, Status: 429})
		_, err = b.publishEnding(map[string]int{"post": 1, "comment": 3}[step])
		b.want(step+" refused", err, platform.RateLimited, "TOO_MANY_REQUESTS")
		if found, err := b.reconcile(); found != nil || err != nil {
			t.Errorf("%s refused: %v %v", step, found, err)
		}
	}
}

// TestLinkedInExpiredUpload: addresses that have ended are asked for anew, whether that is known beforehand or not.
func TestLinkedInExpiredUpload(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]sandbox.LinkedInSettings{"known": {UploadSeconds: 60}, "found out": {UploadSeconds: 3600}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupLinkedIn(t)
			b.smallParts(settings)
			b.post.Media = []platform.Media{mp4Video(200_000)}
			b.fault(sandbox.Fault{Step: "linkedin.upload_part", Kind: sandbox.FaultStatus, Status: 503})
			_, err := b.publish()
			b.want("broken off", err, platform.Transient, "")
			b.clock.advance(time.Hour)
			b.smallParts(sandbox.LinkedInSettings{})
			if _, err := b.work(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.only()
			if inits := b.box.Count("linkedin.init_video"); inits != 2 {
				t.Errorf("%d uploads were begun", inits)
			}
		})
	}
}

// TestLinkedInForeignUploads: a file is sent to LinkedIn's hosts only, and to the one that is configured in their place.
func TestLinkedInForeignUploads(t *testing.T) {
	t.Parallel()
	reached := false
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(other.Close)
	for _, address := range []string{other.URL + "/x", "http://www.linkedin.com/x", "https://linkedin.com.example.com/x", "https://notlinkedin.com/x", "https://a@www.linkedin.com/x", "//x", ""} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]any{"value": map[string]any{"image": "urn:li:image:1", "uploadUrl": address}})
		}))
		_, err := linkedInAt(t, api.URL, platform.Post{Media: []platform.Media{pngImage(t, "")}}).publish()
		wantError(t, address, err, platform.Transient, platform.CodeBadAnswer)
		api.Close()
	}
	if reached {
		t.Error("a file was sent elsewhere")
	}
}

// TestLinkedInRefusals: each documented error has its class.
func TestLinkedInRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		fixture string
		class   platform.Class
		code    string
		says    string
	}{
		{"error_401_revoked.json", platform.Credential, "REVOKED_ACCESS_TOKEN", "Connect the account again"},
		{"error_401_expired.json", platform.Credential, "65602", "Connect the account again"},
		{"error_403.json", platform.Credential, "ACCESS_DENIED", "a role is missing"},
		{"error_426.json", platform.Transient, "NONEXISTENT_VERSION", "newer LinkedIn version"},
		{"error_429.json", platform.RateLimited, "101", "00:00 UTC"},
		{"error_400_too_long.json", platform.Invalid, "FIELD_ARRAY_SIZE_TOO_HIGH", "Size of array"},
		{"error_422_duplicate.json", platform.Invalid, "DUPLICATE_POST", "https://www.linkedin.com/feed/update/urn:li:share:7141138937766391808"},
	} {
		raw, err := os.ReadFile(filepath.Join("testdata", "linkedin", c.fixture))
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ Status int }
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatal(err)
		}
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(body.Status)
			_, _ = w.Write(raw)
		}))
		b := linkedInAt(t, api.URL, platform.Post{Text: "x"})
		_, err = b.publish()
		e := platform.AsError(err)
		if err == nil || e.Class != c.class || e.Code != c.code || e.Status != body.Status || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: %v %s", c.fixture, err, e.Code)
		}
		if strings.Contains(string(b.checkpoint), "sending") {
			t.Errorf("%s: the mark stays: %s", c.fixture, b.checkpoint)
		}
		api.Close()
	}
}

// TestLinkedInDuplicate: a refusal as duplicate after a lost answer is for a person to look; without one the post is to be changed.
func TestLinkedInDuplicate(t *testing.T) {
	t.Parallel()
	b := setupLinkedIn(t)
	b.fault(sandbox.Fault{Step: "linkedin.post", Kind: sandbox.FaultDropAfter})
	_, err := b.work(t.Context())
	b.want("lost", err, platform.UnknownOutcome, "")
	first := b.only()
	_, err = b.publish() // as after "post again"
	if e := b.want("again", err, platform.UnknownOutcome, "DUPLICATE_POST"); e != nil && !strings.Contains(e.Message, first.URL) {
		t.Error(e.Message)
	}
	if _, err := b.reconcile(); platform.AsError(err).Class != platform.UnknownOutcome {
		t.Errorf("the mark is gone: %v", err)
	}
	b.checkpoint = nil
	_, err = b.publish()
	b.want("another post that says the same", err, platform.Invalid, "DUPLICATE_POST")
	b.only()
}

func TestLinkedInReconcile(t *testing.T) {
	t.Parallel()
	comment := platform.Options{FirstComment: "First!"}
	for _, c := range []struct {
		checkpoint string
		options    platform.Options
		found      bool
		class      platform.Class
		partial    bool
	}{
		{checkpoint: ``}, {checkpoint: `null`}, {checkpoint: `{"media":{}}`},
		{checkpoint: `{"sending":true}`, class: platform.UnknownOutcome},
		{checkpoint: `[`, class: platform.UnknownOutcome}, {checkpoint: `[]`, class: platform.UnknownOutcome},
		{checkpoint: `{"sending":true,"post":"urn:li:share:1"}`, found: true},
		{checkpoint: `{"sending":true,"post":"urn:li:share:1"}`, options: comment},
		{checkpoint: `{"sending":true,"post":"urn:li:share:1","comment_sending":true}`, options: comment, class: platform.UnknownOutcome, partial: true},
	} {
		b := setupLinkedIn(t)
		b.checkpoint, b.post.Options = json.RawMessage(c.checkpoint), c.options
		found, err := b.reconcile()
		if (found != nil) != c.found || (err != nil) != (c.class != "") {
			t.Fatalf("%s: %v, %v", c.checkpoint, found, err)
		}
		if err != nil {
			if e := platform.AsError(err); e.Class != c.class || (e.Partial != nil) != c.partial {
				t.Errorf("%s: %+v", c.checkpoint, e)
			}
		}
		if steps := b.takeSteps(); steps != "" {
			t.Errorf("%s: asked %s", c.checkpoint, steps)
		}
	}
}

// TestLinkedInRefusesItself: what LinkedIn would refuse is not sent.
func TestLinkedInRefusesItself(t *testing.T) {
	t.Parallel()
	b := setupLinkedIn(t)
	b.post.Options.Visibility = "connections"
	_, err := b.publish()
	b.want("an organization's connections", err, platform.Invalid, "invalid")
	b.post = platform.Post{Text: strings.Repeat("x", 3001)}
	_, err = b.publish()
	b.want("too long", err, platform.Invalid, "too_long")
	b.post.Text = "x"
	for _, credential := range []string{`{}`, `"x"`, `{"access_token":"a b","author":"urn:li:person:x"}`, `{"access_token":"a","author":"urn:li:share:1"}`} {
		_, err := b.publisher.Publish(t.Context(), json.RawMessage(credential), b.post, b.attempt())
		b.want(credential, err, platform.Credential, "")
	}
	b.failKeeping(always)
	_, err = b.publish()
	b.want("cannot be kept", err, platform.Transient, "")
	if steps := b.takeSteps(); steps != "" || len(b.box.Published()) != 0 {
		t.Errorf("sent: %s", steps)
	}
	b.failKeeping(nil)
	b.token = b.connect(platform.LinkedIn, "ben-okafor").AccessToken
	b.postAs(linkedInOrganization)
	_, err = b.publish()
	b.want("somebody else's organization", err, platform.Credential, "ACCESS_DENIED")
}

// TestLinkedInLengths: the longest text passes the check and the platform, one more passes neither.
func TestLinkedInLengths(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"x", "ü", "😀", "(", "#a "} {
		per := len([]rune(unit))
		if unit == "😀" {
			per = 2
		}
		b := setupLinkedIn(t)
		b.post.Text = strings.Repeat(unit, 3000/per)
		report := platform.Check(platform.LinkedIn, b.post)
		if report.Length != 3000 || report.Limit != 3000 || len(report.Violations) != 0 {
			t.Errorf("%s: %+v", unit, report)
		}
		if _, err := b.publish(); err != nil {
			t.Errorf("%s: %v", unit, err)
		}
		b.post.Text += "x"
		if report := platform.Check(platform.LinkedIn, b.post); len(report.Violations) != 1 || report.Violations[0].Actual != 3001 {
			t.Errorf("%s: %+v", unit, report)
		}
	}
}

func TestLinkedInMeasure(t *testing.T) {
	t.Parallel()
	b := setupLinkedIn(t)
	b.post.Options.FirstComment = "First!"
	for _, files := range [][]platform.Media{nil, {mp4Video(100_000)}} {
		b.checkpoint, b.post.Media = nil, files
		published, err := b.work(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b.box.SetLinkedInStatistics(published.ExternalID, sandbox.LinkedInStatistics{
			ImpressionCount: 900, UniqueImpressionsCount: 700, ClickCount: 31, LikeCount: -1, CommentCount: 4, ShareCount: 2})
		metrics, err := b.measure(published.ExternalID)
		if err != nil {
			t.Fatal(err)
		}
		want := `{"impressions":900,"reach":700,"likes":0,"comments":5,"shares":2,"clicks":31}`
		if got := string(asJSON(t, metrics)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		b.box.DeleteLinkedInPost(published.ExternalID)
		_, err = b.measure(published.ExternalID)
		b.want("deleted", err, platform.Invalid, "not_found")
	}
	_, err := b.measure("elsewhere")
	b.want("not an id", err, platform.Invalid, "not_found")
	b.fault(sandbox.Fault{Step: "linkedin.statistics", Kind: sandbox.FaultBody, Body: "{}"})
	_, err = b.measure("urn:li:share:1")
	b.want("something else", err, platform.Transient, platform.CodeBadAnswer)
	b.postAs(linkedInPerson)
	_, err = b.measure("urn:li:share:1")
	b.want("a person", err, platform.Invalid, "no_numbers")
}

// TestLinkedInCheck: all that is wrong is said at once.
func TestLinkedInCheck(t *testing.T) {
	t.Parallel()
	small := platform.Media{ContentType: "video/webm", Bytes: 10, Duration: time.Second}
	long := platform.Media{ContentType: "video/mp4", Bytes: 501 << 20, Duration: time.Hour}
	wide := platform.Media{ContentType: "image/webp", Width: 10_000, Height: 10_000, AltText: strings.Repeat("x", 4087)}
	good := platform.Media{ContentType: "image/jpeg", Width: 6000, Height: 6000}
	link := platform.Options{Link: "https://example.com", LinkTitle: "Title"}
	for name, c := range map[string]struct {
		post platform.Post
		want string
	}{
		"nothing":    {platform.Post{Text: " \n"}, "text required"},
		"a link":     {platform.Post{Options: link}, ""},
		"an image":   {platform.Post{Media: []platform.Media{good}}, ""},
		"20 images":  {platform.Post{Media: slices.Repeat([]platform.Media{good}, 20)}, ""},
		"21 images":  {platform.Post{Media: slices.Repeat([]platform.Media{good}, 21)}, "media too_many"},
		"two videos": {platform.Post{Media: []platform.Media{small, long}}, "media[0] unsupported, media[0] too_small, media[0] too_small, media[1] too_large, media[1] too_large, media too_many"},
		"mixed":      {platform.Post{Media: []platform.Media{wide, {ContentType: "video/mp4", Bytes: 1 << 20}}}, "media[0] unsupported, media[0] too_large, media[0] too_long, media mixed"},
		"options": {platform.Post{Text: "x", Options: platform.Options{Link: "ftp://x", FirstComment: strings.Repeat("x", 1251), Visibility: "all"}},
			"options.link invalid, options.link_title required, options.first_comment too_long, options.visibility invalid"},
		"link and file": {platform.Post{Options: link, Media: []platform.Media{good}}, "options.link mixed"},
		"title alone":   {platform.Post{Text: "x", Options: platform.Options{LinkTitle: "x"}}, "options.link required"},
		"long title":    {platform.Post{Options: platform.Options{Link: "https://example.com", LinkTitle: strings.Repeat("x", 401)}}, "options.link_title too_long"},
		"not LinkedIn":  {platform.Post{Text: "x", Options: platform.Options{Subject: "x"}}, "options.subject unsupported"},
	} {
		var got []string
		for _, v := range platform.Check(platform.LinkedIn, c.post).Violations {
			got = append(got, v.Field+" "+v.Rule)
			if !strings.HasSuffix(v.Message, ".") {
				t.Errorf("%s: %q", name, v.Message)
			}
		}
		if text := strings.Join(got, ", "); text != c.want {
			t.Errorf("%s: %s, want %s", name, text, c.want)
		}
	}
}
