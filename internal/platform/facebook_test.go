package platform_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// setupFacebookPost sets up a post of a kind: text, link, photo, photos or video, with "+comment" if it has one.
func setupFacebookPost(t *testing.T, kind string) (b *facebookBundle, files int, parts []string) {
	t.Helper()
	b = setupFacebook(t)
	kind, commented := strings.CutSuffix(kind, "+comment")
	switch kind {
	case "link":
		b.post.Options.Link = "https://example.com/rolls?a=1&b=2"
	case "link alone":
		b.post.Text, b.post.Options.Link = "", "https://example.com/rolls"
	case "photo":
		b.post.Media = facebookPhotos(t, 1)
	case "photos":
		b.post.Media = facebookPhotos(t, 3)
	case "photos alone":
		b.post.Text, b.post.Media = "", facebookPhotos(t, 2)
	case "video":
		b.post.Media = []platform.Media{facebookVideo()}
	}
	if commented {
		b.post.Options.FirstComment = "Opening hours: https://example.com/hours"
		parts = []string{b.post.Options.FirstComment}
	}
	return b, len(b.post.Media), parts
}

func TestFacebookPublish(t *testing.T) {
	t.Parallel()
	for kind, steps := range map[string]string{
		"text":           "post read",
		"text+comment":   "post read comment",
		"link":           "post read",
		"link alone":     "post read",
		"photo":          "photo post read",
		"photos+comment": "photo photo photo post read comment",
		"photos alone":   "photo photo post read",
		"video+comment":  "video_start video_transfer video_transfer video_transfer video_finish video video video comment",
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b, files, parts := setupFacebookPost(t, kind)
			if got, err := b.reconcile(); got != nil || err != nil {
				t.Errorf("before anything was sent: %v, %v", got, err)
			}
			if sent := b.takeSteps(); sent != "" {
				t.Errorf("to know that nothing was sent took %s", sent)
			}
			var published platform.Published
			var err error
			if strings.HasPrefix(kind, "video") {
				// Facebook works on it first; until then it is not known whether anything comes of it.
				_, err = b.publish()
				b.want("a video at work", err, platform.UnknownOutcome, "processing")
				_, err = b.reconcile()
				if e := b.want("a video still at work", err, platform.Waiting, "processing"); e != nil && !e.RetryAt.After(time.Now()) {
					t.Errorf("to be asked again at %v", e.RetryAt)
				}
				published = b.goOn(true)
			} else if published, err = b.publish(); err != nil {
				t.Fatal(err)
			}
			if sent := b.takeSteps(); sent != steps {
				t.Errorf("sent %s, want %s", sent, steps)
			}
			b.wantOnce(published, files, parts...)
			post := b.box.Published()[0]
			if post.Text != b.post.Text || post.PostLink != b.post.Options.Link || !strings.HasPrefix(post.URL, b.base+"/facebook/bluebottlebakery/") {
				t.Errorf("there is %+v", post)
			}
			for i, m := range b.post.Media {
				content, err := m.Open(t.Context(), 0, -1)
				if err != nil {
					t.Fatal(err)
				}
				whole, err := io.ReadAll(content)
				if sum := sha256.Sum256(whole); err != nil || post.Files[i].SHA256 != hex.EncodeToString(sum[:]) || post.Files[i].AltText != m.AltText {
					t.Errorf("file %d is %+v", i, post.Files[i])
				}
			}
			again, err := b.reconcile()
			if err != nil || again == nil || *again != published {
				t.Errorf("asked again: %+v, %v", again, err)
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, published.URL, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := platform.NewEgress(loopback).Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			page, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(page, []byte(strings.Split(cmp.Or(b.post.Text, post.URL), "\n")[0])) && b.post.Text != "" {
				t.Errorf("its page: %d %s", resp.StatusCode, page)
			}
			for _, quota := range b.quotas {
				if !quota.App || quota.Limit != 100 || quota.Remaining != 99 || !quota.Resets.After(time.Now()) {
					t.Errorf("quota %+v", quota)
				}
			}
			if len(b.quotas) == 0 {
				t.Error("no quota")
			}
		})
	}
}

// TestFacebookFaults fails every step of publishing in every way. Each time the class must be right, and going on as a worker
// does must end with the post published once.
func TestFacebookFaults(t *testing.T) {
	t.Parallel()
	steps := []struct {
		kind, step string
		publishes  bool
	}{
		{"text", "post", true}, {"link", "post", true}, {"photos", "photo", false}, {"photos", "post", true},
		{"video", "video_start", false}, {"video", "video_transfer", false}, {"video", "video_finish", true},
		{"text+comment", "comment", true}, {"text+comment", "post", true}, {"video+comment", "video_finish", true}, {"video+comment", "comment", true},
	}
	faults := []struct {
		name          string
		fault         sandbox.Fault
		before, after platform.Class // of a request that prepares, and one that publishes
		code          string
	}{
		{"dropped", sandbox.Fault{Kind: sandbox.FaultDropBefore}, platform.Transient, platform.UnknownOutcome, ""},
		{"answer lost", sandbox.Fault{Kind: sandbox.FaultDropAfter}, platform.Transient, platform.UnknownOutcome, ""},
		{"500", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500}, platform.Transient, platform.UnknownOutcome, "2"},
		{"503 unknown", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503, ErrorType: "1"}, platform.Transient, platform.UnknownOutcome, "1"},
		{"400 of the code for trouble", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: "2"}, platform.Transient, platform.UnknownOutcome, "2"},
		{"502 by a proxy", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502, Body: "<h1>Bad gateway</h1>"}, platform.Transient, platform.UnknownOutcome, ""},
		{"200 by a proxy", sandbox.Fault{Kind: sandbox.FaultBody, Body: "<h1>Welcome</h1>"}, platform.Transient, platform.UnknownOutcome, ""},
		{"200 of nothing", sandbox.Fault{Kind: sandbox.FaultBody, Body: "{}"}, platform.Transient, platform.UnknownOutcome, ""},
		{"application's limit", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: "4"}, platform.RateLimited, platform.RateLimited, "4"},
		{"user's limit", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: "17"}, platform.RateLimited, platform.RateLimited, "17"},
		{"page's limit", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: "32"}, platform.RateLimited, platform.RateLimited, "32"},
		{"own limit", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: "613"}, platform.RateLimited, platform.RateLimited, "613"},
		{"page account's limit", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: "80001"}, platform.RateLimited, platform.RateLimited, "80001"},
		{"token", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 401, ErrorType: "190/460"}, platform.Credential, platform.Credential, "190"},
		{"permission", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, ErrorType: "200"}, platform.Credential, platform.Credential, "200"},
		{"parameter", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: "100"}, platform.Invalid, platform.Invalid, "100"},
		{"blocked", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: "368"}, platform.Invalid, platform.Invalid, "368"},
		{"duplicate", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400, ErrorType: "506"}, platform.Invalid, platform.Invalid, "506"},
	}
	for _, s := range steps {
		for _, f := range faults {
			t.Run(s.kind+"/"+s.step+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				b, files, parts := setupFacebookPost(t, s.kind)
				fault := f.fault
				fault.Step = "facebook." + s.step
				want, code := f.before, f.code
				if s.publishes {
					want = f.after
				}
				if strings.HasPrefix(f.name, "200") && want == platform.Transient {
					code = platform.CodeBadAnswer
				}
				if f.name == "200 of nothing" && s.step == "video_transfer" {
					code = platform.CodeBadAnswer
				}
				var err error
				if s.kind == "video+comment" && s.step == "comment" {
					_, err = b.publish()
					b.want("a video at work", err, platform.UnknownOutcome, "processing")
					b.clock.advance(2 * time.Second)
					_, err = b.reconcile()
					b.want("a video without its comment", err, platform.Waiting, "incomplete")
				}
				b.fault(fault)
				_, err = b.publish()
				e := b.want("publishing", err, want, code)
				if e == nil {
					return
				}
				if e.Class == platform.RateLimited && e.App != (code == "4") {
					t.Errorf("whose limit: %+v", e)
				}
				if (e.Partial != nil) != (s.step == "comment") {
					t.Errorf("partial %+v", e.Partial)
				}
				if left := b.box.Faults(); len(left) != 0 {
					t.Fatalf("not met: %+v", left)
				}
				published := b.goOn(want == platform.UnknownOutcome)
				b.wantOnce(published, files, parts...)
			})
		}
	}
}

// TestFacebookAfterPublishing: what fails after the request that publishes does not make it less published.
func TestFacebookAfterPublishing(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{sandbox.FaultDropBefore, sandbox.FaultStatus, sandbox.FaultBody} {
		b := setupFacebook(t)
		b.fault(sandbox.Fault{Step: "facebook.read", Kind: kind, Status: 500, Body: "<h1>No</h1>"})
		published, err := b.publish()
		if err != nil || published.URL != b.base+"/facebook/"+published.ExternalID {
			t.Errorf("%s: %+v, %v", kind, published, err)
		}
		if posts := b.box.Published(); len(posts) != 1 || posts[0].ID != published.ExternalID {
			t.Errorf("%s: %+v", kind, posts)
		}
	}
}

// TestFacebookKillAnywhere ends the process after each request of each kind of post, with and without its effect, and goes on
// with what was kept.
func TestFacebookKillAnywhere(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text", "link+comment", "photos+comment", "photos alone", "video+comment"} {
		for _, effect := range []string{sandbox.FaultDropBefore, sandbox.FaultDropAfter} {
			for at := int64(1); ; at++ {
				b, files, parts := setupFacebookPost(t, kind)
				var count atomic.Int64
				b.box.OnRequest(func(sandbox.RequestInfo) {
					if count.Add(1) == at {
						if err := b.box.AddFault(sandbox.Fault{Kind: effect}); err != nil {
							t.Error(err)
						}
						b.failKeeping(always) // nothing is kept any more
					}
				})
				published, err := b.publish()
				b.failKeeping(nil)
				if err != nil {
					// The worker that comes after asks first.
					published = b.goOn(true)
				}
				if count.Load() < at {
					break
				}
				b.wantOnce(published, files, parts...)
			}
		}
	}
}

// TestFacebookKeepFails: where the mark cannot be kept, nothing is published.
func TestFacebookKeepFails(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text", "photo", "video"} {
		b, _, _ := setupFacebookPost(t, kind)
		b.failKeeping(always)
		_, err := b.publish()
		b.want(kind, err, platform.Transient, "")
		if sent := b.takeSteps(); strings.Contains(sent, "post") || strings.Contains(sent, "finish") {
			t.Errorf("%s: sent %s", kind, sent)
		}
	}
}

// TestFacebookSettles: a page that does not show the post yet is not believed.
func TestFacebookSettles(t *testing.T) {
	t.Parallel()
	b, _, _ := setupFacebookPost(t, "text+comment")
	slow := b.config
	slow.Settle = time.Hour
	fast := b.publisher
	b.publisher = platform.NewFacebook(slow)
	b.fault(sandbox.Fault{Step: "facebook.post", Kind: sandbox.FaultDropBefore})
	_, err := b.publish()
	b.want("dropped", err, platform.UnknownOutcome, "")
	_, err = b.reconcile()
	if e := b.want("too early to know", err, platform.Waiting, "settling"); e != nil && time.Until(e.RetryAt) < 50*time.Minute {
		t.Errorf("again at %v", e.RetryAt)
	}
	b.publisher = fast
	if found, err := b.reconcile(); found != nil || err != nil {
		t.Errorf("%+v, %v", found, err)
	}
	b.fault(sandbox.Fault{Step: "facebook.comment", Kind: sandbox.FaultDropBefore})
	_, err = b.publish()
	b.want("the comment dropped", err, platform.UnknownOutcome, "")
	b.publisher = platform.NewFacebook(slow)
	_, err = b.reconcile()
	if e := b.want("too early to know of the comment", err, platform.Waiting, "settling"); e != nil && e.Partial == nil {
		t.Error("nothing is said of the post")
	}
	b.publisher = fast
	b.wantOnce(b.goOn(true), 0, b.post.Options.FirstComment)
}

// TestFacebookLooksAlike: what the page has is ours only if it says and shows the same and is nobody else's.
func TestFacebookLooksAlike(t *testing.T) {
	t.Parallel()
	// lose publishes without an effect, and asks.
	lose := func(b *facebookBundle) (*platform.Published, error) {
		t.Helper()
		b.fault(sandbox.Fault{Step: "facebook.post", Kind: sandbox.FaultDropBefore})
		_, err := b.publish()
		b.want("dropped", err, platform.UnknownOutcome, "")
		return b.reconcile()
	}
	other := func(b *facebookBundle, change func(*platform.Post)) platform.Published {
		t.Helper()
		before, kept := b.post, b.checkpoint
		b.checkpoint = nil
		change(&b.post)
		published, err := b.publish()
		if err != nil {
			t.Fatal(err)
		}
		b.post, b.checkpoint = before, kept
		return published
	}

	b := setupFacebook(t)
	same := other(b, func(p *platform.Post) { p.Text = "\r\n" + strings.ReplaceAll(p.Text, "\n", "\r\n") + " \n" })
	if found, err := lose(b); err != nil || found == nil || found.ExternalID != same.ExternalID {
		t.Errorf("the same: %+v, %v", found, err)
	}
	b.checkpoint = nil
	b.taken = []string{same.ExternalID}
	if found, err := lose(b); err != nil || found != nil {
		t.Errorf("another post's: %+v, %v", found, err)
	}

	for name, change := range map[string]func(*platform.Post){
		"another text":   func(p *platform.Post) { p.Text += "!" },
		"another case":   func(p *platform.Post) { p.Text = strings.ToUpper(p.Text) },
		"in other lines": func(p *platform.Post) { p.Text = strings.ReplaceAll(p.Text, "\n\n", "\n") },
	} {
		b := setupFacebook(t)
		other(b, change)
		if found, err := lose(b); err != nil || found != nil {
			t.Errorf("%s: %+v, %v", name, found, err)
		}
	}

	// An old one is not ours.
	b = setupFacebook(t)
	b.clock.advance(-3 * time.Minute)
	other(b, func(*platform.Post) {})
	b.clock.advance(3 * time.Minute)
	if found, err := lose(b); err != nil || found != nil {
		t.Errorf("an old one: %+v, %v", found, err)
	}

	// What leaves it open is asked of a person.
	for name, c := range map[string]struct {
		kind   string
		change func(*platform.Post)
	}{
		"another link":         {"link", func(p *platform.Post) { p.Options.Link += "#part" }},
		"wordless other photo": {"photos alone", func(p *platform.Post) { p.Media = facebookPhotos(t, 2) }},
		"with a photo":         {"text", func(p *platform.Post) { p.Media = facebookPhotos(t, 1) }},
		"with a link":          {"text", func(p *platform.Post) { p.Options.Link = "https://example.com" }},
		"with fewer photos":    {"photos", func(p *platform.Post) { p.Media = facebookPhotos(t, 2) }},
	} {
		b, _, _ := setupFacebookPost(t, c.kind)
		other(b, c.change)
		_, err := lose(b)
		b.want(name, err, platform.UnknownOutcome, "")
	}

	// On a page with much on it, the whole list is read.
	b = setupFacebook(t)
	same = other(b, func(*platform.Post) {})
	for i := range 120 {
		other(b, func(p *platform.Post) { p.Text = fmt.Sprint("Post ", i) })
	}
	if found, err := lose(b); err != nil || found == nil || found.ExternalID != same.ExternalID {
		t.Errorf("far down: %+v, %v", found, err)
	}
}

// TestFacebookDuplicate: Facebook refuses what it has just been told.
func TestFacebookDuplicate(t *testing.T) {
	t.Parallel()
	b := setupFacebook(t)
	b.box.OAuthSettings("facebook", sandbox.OAuthSettings{RefuseDuplicates: true})
	first, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	// None of ours was sent before, so it is another one, whether it is known or somebody has posted it by hand.
	for _, taken := range [][]string{nil, {first.ExternalID}} {
		b.checkpoint, b.taken = nil, taken
		_, err = b.publish()
		if e := b.want("the same as another post", err, platform.Invalid, "506"); e != nil && !strings.Contains(e.Message, "repetition of "+first.URL+". Change the text") {
			t.Errorf("%v", e)
		}
		b.takeSteps()
		if found, err := b.reconcile(); found != nil || err != nil || b.takeSteps() != "" {
			t.Errorf("the refused request leaves a doubt: %v, %v", found, err)
		}
	}
	// One of ours was sent before: that may be the one.
	b.checkpoint = json.RawMessage(`{"sending":true}`)
	_, err = b.publish()
	b.want("the same, sent before", err, platform.UnknownOutcome, "506")
	b.checkpoint = json.RawMessage(`{"sending":"yes"}`)
	_, err = b.publish()
	b.want("a checkpoint of another shape", err, platform.UnknownOutcome, "")
}

// TestFacebookPhotosExpire: what is not there any more is uploaded again.
func TestFacebookPhotosExpire(t *testing.T) {
	t.Parallel()
	b, files, _ := setupFacebookPost(t, "photos")
	b.fault(sandbox.Fault{Step: "facebook.post", Kind: sandbox.FaultStatus, Status: 400, ErrorType: "17"})
	_, err := b.publish()
	b.want("limited", err, platform.RateLimited, "17")
	b.takeSteps()
	b.clock.advance(25 * time.Hour) // the platform's; ours may differ
	b.post.Media[0], b.post.Media[1] = b.post.Media[1], b.post.Media[0]
	b.started = b.clock.now()
	_, err = b.publish()
	b.want("expired", err, platform.Transient, "100")
	published, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	if sent := b.takeSteps(); sent != "post photo photo photo post read" {
		t.Errorf("sent %s", sent)
	}
	b.wantOnce(published, files)
}

// TestFacebookVideoResumes goes on in the middle of a video, wherever it stopped.
func TestFacebookVideoResumes(t *testing.T) {
	t.Parallel()
	b, files, _ := setupFacebookPost(t, "video")
	// A process that ends hands over after the piece that is on its way.
	stop := b.stopping
	b.box.OnApplied(func(info sandbox.RequestInfo) {
		if info.Step == "facebook.video_transfer" && b.box.Count(info.Step) == 1 {
			close(stop)
		}
	})
	_, err := b.publish()
	b.want("stopping", err, platform.Waiting, "handed_over")
	b.stopping = make(chan struct{})
	if sent := b.takeSteps(); sent != "video_start video_transfer" {
		t.Errorf("sent %s", sent)
	}
	// The answer to the next piece is lost: Facebook has it, and says so.
	b.fault(sandbox.Fault{Step: "facebook.video_transfer", Kind: sandbox.FaultDropAfter})
	_, err = b.publish()
	b.want("a lost answer", err, platform.Transient, "")
	b.clock.advance(time.Minute)
	_, err = b.publish()
	b.want("at work", err, platform.UnknownOutcome, "processing")
	if sent := b.takeSteps(); sent != "video_transfer video_transfer video_transfer video_finish video" {
		t.Errorf("sent %s", sent)
	}
	b.wantOnce(b.goOn(true), files)

	// An upload that has expired begins again; so does one of another file.
	for name, change := range map[string]func(*facebookBundle){
		"expired":      func(b *facebookBundle) { b.clock.advance(25 * time.Hour); b.started = b.clock.now() },
		"another file": func(b *facebookBundle) { b.post.Media = []platform.Media{facebookVideo()} },
	} {
		b, files, _ := setupFacebookPost(t, "video")
		b.fault(sandbox.Fault{Step: "facebook.video_finish", Kind: sandbox.FaultStatus, Status: 400, ErrorType: "32"})
		_, err := b.publish()
		b.want(name, err, platform.RateLimited, "32")
		change(b)
		b.wantOnce(b.goOn(false), files)
	}
}

// TestFacebookVideoFails: Facebook makes nothing of the video.
func TestFacebookVideoFails(t *testing.T) {
	t.Parallel()
	b, files, _ := setupFacebookPost(t, "video")
	b.box.OAuthSettings("facebook", sandbox.OAuthSettings{VideoFails: true})
	_, err := b.publish()
	b.want("at work", err, platform.UnknownOutcome, "processing")
	b.clock.advance(2 * time.Second)
	if found, err := b.reconcile(); found != nil || err != nil {
		t.Errorf("%+v, %v", found, err)
	}
	_, err = b.publish()
	b.want("failed", err, platform.Invalid, "error")
	if posts := b.box.Published(); len(posts) != 0 {
		t.Errorf("published %+v", posts)
	}
	b.box.OAuthSettings("facebook", sandbox.OAuthSettings{})
	b.wantOnce(b.goOn(false), files)

	b, _, _ = setupFacebookPost(t, "video")
	b.post.Media[0] = file("video/mp4", bytes.Repeat([]byte("no video"), 1000), "")
	_, err = b.publish()
	b.want("no video", err, platform.Invalid, "6000")
}

// TestFacebookPostsAgain: a person has seen that it is not there, and wants it posted again.
func TestFacebookPostsAgain(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"text", "photos", "video"} {
		b, files, _ := setupFacebookPost(t, kind)
		step := map[bool]string{true: "video_finish", false: "post"}[kind == "video"]
		b.fault(sandbox.Fault{Step: "facebook." + step, Kind: sandbox.FaultDropBefore})
		_, err := b.publish()
		b.want(kind, err, platform.UnknownOutcome, "")
		b.wantOnce(b.goOn(false), files)
	}
	// A video that is there after all is not published twice.
	b, files, _ := setupFacebookPost(t, "video")
	b.fault(sandbox.Fault{Step: "facebook.video_finish", Kind: sandbox.FaultDropAfter})
	_, err := b.publish()
	b.want("lost", err, platform.UnknownOutcome, "")
	b.wantOnce(b.goOn(false), files)
}

// TestFacebookCredential: what is stored is no credential of a page, or the permission is gone.
func TestFacebookCredential(t *testing.T) {
	t.Parallel()
	b := setupFacebook(t)
	for _, credential := range []string{``, `{}`, `{"access_token":"a b","page_id":"1"}`, `{"access_token":"a","page_id":"../me"}`} {
		_, err := b.publisher.Publish(t.Context(), json.RawMessage(credential), b.post, b.attempt())
		b.want(credential, err, platform.Credential, "")
	}
	b.box.RemovePage("facebook", facebookPageID)
	_, err := b.publish()
	b.want("the page is lost", err, platform.Credential, "190")
	b.box.RestorePage("facebook", facebookPageID)
	b.box.Withdraw("facebook", people[platform.Facebook])
	_, err = b.publish()
	b.want("withdrawn", err, platform.Credential, "190")
	facebook := b.publisher.(*platform.FacebookPublisher)
	hidden(t, "the adapter", b.box.Secrets(), facebook, *facebook)
}

func TestFacebookRefusesInvalid(t *testing.T) {
	t.Parallel()
	b := setupFacebook(t)
	b.takeSteps()
	b.post.Text = strings.Repeat("a", 63207)
	_, err := b.publish()
	b.want("too long", err, platform.Invalid, "too_long")
	if sent := b.takeSteps(); sent != "" {
		t.Errorf("sent %s", sent)
	}
}

func TestFacebookLimits(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		`{"20001":[{"type":"pages","call_count":100,"total_cputime":1,"total_time":1,"estimated_time_to_regain_access":7}]}`: 7 * time.Minute,
		`{"20001":[{"type":"pages","call_count":30,"total_cputime":55,"total_time":1,"estimated_time_to_regain_access":0}]}`: 0,
		`nonsense`: 0,
	} {
		b := setupFacebook(t)
		b.fault(sandbox.Fault{Step: "facebook.post", Kind: sandbox.FaultStatus, Status: 400, ErrorType: "80001", Headers: map[string]string{
			"X-App-Usage": `{"call_count":12,"total_time":40,"total_cputime":3}`, "X-Business-Use-Case-Usage": header,
		}})
		_, err := b.publish()
		e := b.want(header, err, platform.RateLimited, "80001")
		if e == nil {
			continue
		}
		if want == 0 && !e.RetryAt.IsZero() || want > 0 && time.Until(e.RetryAt).Round(time.Minute) != want {
			t.Errorf("%s: again at %v", header, e.RetryAt)
		}
		got := ""
		for _, quota := range b.quotas {
			got += fmt.Sprintf("%t %d/%d in %v; ", quota.App, quota.Remaining, quota.Limit, time.Until(quota.Resets).Round(time.Minute))
		}
		wanted := map[time.Duration]string{7 * time.Minute: "true 60/100 in 10m0s; false 0/100 in 7m0s; ", 0: "true 60/100 in 10m0s; "}[want]
		if strings.HasPrefix(header, "{") && want == 0 {
			wanted += "false 45/100 in 10m0s; "
		}
		if got != wanted {
			t.Errorf("%s: quotas %s, want %s", header, got, wanted)
		}
	}
}

func TestFacebookMeasure(t *testing.T) {
	t.Parallel()
	b, _, _ := setupFacebookPost(t, "text+comment")
	published, err := b.publish()
	if err != nil {
		t.Fatal(err)
	}
	b.clock.advance(time.Hour)
	measured := func(credential json.RawMessage) string {
		t.Helper()
		metrics, err := b.publisher.Measure(t.Context(), credential, published.ExternalID)
		if err != nil {
			t.Fatal(err)
		}
		return string(asJSON(t, metrics))
	}
	if got, want := measured(b.credential), `{"impressions":120,"reach":60,"likes":6,"comments":1,"shares":2,"clicks":12}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	// Without the permission for insights the login is as good, and what everybody sees is measured.
	consent, code := b.allow(platform.Facebook, people[platform.Facebook], "read_insights")
	tokens, err := b.connectors[platform.Facebook].Exchange(t.Context(), consent, code)
	if err != nil {
		t.Fatal(err)
	}
	less := b.login(platform.Facebook, tokens).Accounts[0].Credential
	if got, want := measured(less), `{"impressions":null,"reach":null,"likes":6,"comments":1,"shares":2,"clicks":null}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	_, err = b.measure(facebookPageID + "_1")
	b.want("gone", err, platform.Invalid, "100")
	_, err = b.measure("../me")
	b.want("no id", err, platform.Invalid, "")
	for step, code := range map[string]string{"read": "2", "insights": "2"} {
		b.fault(sandbox.Fault{Step: "facebook." + step, Kind: sandbox.FaultStatus, Status: 500})
		_, err = b.measure(published.ExternalID)
		b.want(step, err, platform.Transient, code)
	}
}
