package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// One post goes to all five platforms with images: it is written by one person and approved by another, waits for its time, and is
// then on each of them as it should be, which the sandbox shows on its page.
func TestFivePlatforms(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{connectors: true})
	e := newEveryPlatform(t, s)
	e.owner.expect(t, http.StatusOK, http.MethodPatch, e.path, map[string]any{"approval_required": true, "self_approval": false})
	author, boss := s.person(t), s.person(t)
	e.join(t, author, "member")
	e.join(t, boss, "admin")

	const text = "Our new crusts & crumbs are here: <b>come</b> and taste.\n\nhttps://example.com/bread?a=1&b=2"
	title := uniqueName("Bread")
	platforms := []any{}
	for _, platform := range []string{"twitter", "linkedin", "facebook", "mailchimp", "ghost"} {
		platforms = append(platforms, map[string]any{"platform": platform})
	}
	post := call[postAnswer](t, author, http.MethodPost, e.path+"/posts", map[string]any{"title": title, "text": text, "media_ids": e.images, "platforms": platforms})
	if r := author.do(t, http.MethodPost, e.postPath(post.ID)+"/publish", nil); r.status != http.StatusConflict {
		t.Fatalf("publishing without approval: %d %s", r.status, r.body)
	}
	at := time.Now().Add(8 * time.Second).UTC().Truncate(time.Millisecond)
	author.expect(t, http.StatusOK, http.MethodPost, e.postPath(post.ID)+"/submit", map[string]any{"comment": "For Saturday.", "scheduled_at": at})
	seen := boss.do(t, http.MethodGet, e.postPath(post.ID), nil)
	approved := boss.expectIf(t, http.StatusOK, seen.header.Get("ETag"), http.MethodPost, e.postPath(post.ID)+"/approve", map[string]any{"comment": "Yes!"})
	if state := decode[postAnswer](t, approved).State; state != "scheduled" {
		t.Fatalf("approved, the post is %s", state)
	}
	if n := len(s.box.Published()); n != 0 {
		t.Fatalf("%d posts are out before their time", n)
	}
	done := e.await(t, post.ID, "published")
	published := s.box.Published()
	if len(published) != 5 || len(done.PlatformPosts) != 5 {
		t.Fatalf("%d posts are out: %+v", len(published), published)
	}
	_, index := fetch(t, s.boxURL+"/")
	for _, pp := range done.PlatformPosts {
		if pp.ExternalURL == nil || pp.PublishedAt == nil {
			t.Fatalf("%s: %s", pp.Platform, spell(pp))
		}
		// Some platforms tell the second alone.
		if late := pp.PublishedAt.Sub(at); late < -time.Second || late > 5*time.Second {
			t.Errorf("%s: published %s after its time", pp.Platform, late)
		}
		i := slices.IndexFunc(published, func(p sandbox.Post) bool { return p.Platform == pp.Platform })
		if i < 0 {
			t.Fatalf("nothing is on %s", pp.Platform)
		}
		there := published[i]
		if there.TimesPublished != 1 {
			t.Errorf("%s: published %d times", pp.Platform, there.TimesPublished)
		}
		if !strings.Contains(there.Text, "crusts & crumbs") || !strings.Contains(there.Text, "<b>come</b>") || !strings.Contains(there.Text, "https://example.com/bread?a=1&b=2") {
			t.Errorf("%s: the text is %q", pp.Platform, there.Text)
		}
		if len(there.Files) != len(e.images) {
			t.Errorf("%s: %d files, want %d", pp.Platform, len(there.Files), len(e.images))
		}
		for _, file := range there.Files {
			if file.AltText != "A picture." {
				t.Errorf("%s: the description of a picture is %q", pp.Platform, file.AltText)
			}
			if !strings.Contains(index, file.Path()) {
				t.Errorf("%s: the sandbox's page does not show %s", pp.Platform, file.Path())
			}
			if status, _ := fetch(t, s.boxURL+file.Path()); status != http.StatusOK {
				t.Errorf("%s: the picture is not there: %d", pp.Platform, status)
			}
		}
		if !visible(t, *pp.ExternalURL, "crusts") {
			t.Errorf("%s: readers do not see it at %s", pp.Platform, *pp.ExternalURL)
		}
		if there.Title != "" && there.Title != title {
			t.Errorf("%s: the title is %q", pp.Platform, there.Title)
		}
	}
	s.checkSettled(t)
}

// A worker that is told to end with SIGTERM finishes what is short and hands over what is long; another goes on with that
// where it stood, and nothing waits until a lease or a request has run out of time.
func TestStopWhilePublishing(t *testing.T) {
	t.Parallel()
	// With a lease of a minute, whoever waited for it would be seen.
	s := newSystem(t, options{connectors: true, noWorker: true, workerArgs: []string{"--lease", "1m"}})
	e := newEveryPlatform(t, s)
	long := e.upload(t, "long.mp4", "video/mp4", longMP4(t, 24<<20), "")

	t.Run("a short one is finished", func(t *testing.T) {
		first, second := s.startWorker(t), s.startWorker(t)
		begun := make(chan struct{}, 1)
		s.box.OnRequest(func(r sandbox.RequestInfo) {
			if r.Step == "ghost.publish" {
				select {
				case begun <- struct{}{}:
				default:
				}
			}
		})
		s.fault(t, e.site, sandbox.Fault{Step: "ghost.publish", Kind: sandbox.FaultSlow, DelayMS: 2000})
		post := e.publish(t, e.draft(t, draft{}).ID)
		await(t, begun, "the post is being published")
		began := time.Now()
		for _, w := range []*process{first, second} { // one of the two has it
			w.stop(t)
		}
		took := time.Since(began)
		e.checkPublished(t, e.post(t, post.ID))
		if attempts := one[int](t, s, "select attempt from platform_posts where post_id = $1", post.ID); attempts != 1 || took > 15*time.Second {
			t.Errorf("stopping took %s, and %d attempts", took, attempts)
		}
		t.Logf("finished, and stopped after %s", took.Round(time.Millisecond))
	})
	t.Run("a long one is handed over", func(t *testing.T) {
		first := s.startWorker(t)
		if err := s.box.AddFault(sandbox.Fault{Step: "twitter.media_append", Kind: sandbox.FaultSlow, DelayMS: 700, Times: -1}); err != nil {
			t.Fatal(err)
		}
		sent := make(chan struct{}, 100)
		s.box.OnApplied(func(r sandbox.RequestInfo) {
			if r.Step == "twitter.media_append" {
				sent <- struct{}{}
			}
		})
		post := call[postAnswer](t, e.owner, http.MethodPost, e.path+"/posts", map[string]any{
			"text": "A long film.", "platforms": []any{map[string]any{"integration_id": e.accounts["twitter"], "media_ids": []string{long}}},
		})
		e.publish(t, post.ID)
		await(t, sent, "the first piece is there")
		s.startWorker(t)
		began := time.Now()
		first.stop(t)
		stopped := time.Since(began)
		e.await(t, post.ID, "published")
		took := time.Since(began)
		if stopped > 8*time.Second {
			t.Errorf("the worker ended %s after SIGTERM", stopped)
		}
		if took > 40*time.Second {
			t.Errorf("the post was out %s after SIGTERM", took)
		}
		if outcomes := one[string](t, s, `select string_agg(outcome, ' ' order by number) from publish_attempts a
			join platform_posts pp on pp.id = a.platform_post_id where pp.post_id = $1`, post.ID); strings.Contains(outcomes, "abandoned") || !strings.Contains(outcomes, "waiting") {
			t.Errorf("the attempts ended %s", outcomes)
		}
		// No piece was sent a second time but the one that was under way.
		if n, pieces := s.box.Count("twitter.media_append"), 24/4; n > pieces+2 {
			t.Errorf("%d pieces were sent", n)
		}
		t.Logf("the worker ended after %s, the post was out after %s", stopped.Round(time.Millisecond), took.Round(time.Millisecond))
		s.checkSettled(t)
	})
}
