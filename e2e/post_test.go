package e2e

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// From a person whom nobody knows to a post that readers see.
func TestPublishPost(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	owner := s.person(t)
	me := call[meAnswer](t, owner, http.MethodGet, "/v1/me", nil)
	if me.ID == "" || me.Email == "" {
		t.Fatalf("a person at first sight is %+v", me)
	}
	b := s.newBrand(t)
	campaign := call[campaignAnswer](t, b.owner, http.MethodPost, b.path+"/campaigns", map[string]any{"name": "Winter"})
	post := b.draft(t, draft{campaign: campaign.ID})
	if post.State != "draft" {
		t.Fatalf("a new post is %s", post.State)
	}
	if accepted := b.publish(t, post.ID); accepted.State != "scheduled" {
		t.Errorf("a post on its way is %s", accepted.State)
	}
	b.checkPublished(t, b.await(t, post.ID, "published"))
	s.checkSettled(t)
	s.nobody().expect(t, http.StatusOK, http.MethodGet, "/readyz", nil)
}

func TestPublishOnTwoSites(t *testing.T) {
	t.Parallel()
	b := newSystem(t, options{}).newBrand(t)
	second := uniqueName("site")
	post := b.draft(t, draft{integrations: []string{b.integration, b.connect(t, second)}})
	b.publish(t, post.ID)
	published := b.await(t, post.ID, "published")
	b.checkPublished(t, published)
	if len(published.PlatformPosts) != 2 || b.s.times(b.site, post.Title) != 1 || b.s.times(second, post.Title) != 1 {
		t.Errorf("on the two sites: %d and %d times", b.s.times(b.site, post.Title), b.s.times(second, post.Title))
	}
	b.s.checkSettled(t)
}

// Ten people press the button at the same moment.
func TestPublishPressedByMany(t *testing.T) {
	t.Parallel()
	b := newSystem(t, options{}).newBrand(t)
	post := b.draft(t, draft{})
	var presses sync.WaitGroup
	for range 10 {
		presses.Go(func() {
			r, err := b.owner.try(t.Context(), http.MethodPost, b.postPath(post.ID)+"/publish", nil)
			if err != nil || (r.status != http.StatusAccepted && r.status != http.StatusConflict) {
				t.Errorf("publish: %d %s %v", r.status, r.body, err)
			}
		})
	}
	presses.Wait()
	b.checkPublished(t, b.await(t, post.ID, "published"))
	b.owner.expect(t, http.StatusConflict, http.MethodPost, b.postPath(post.ID)+"/publish", nil)
	b.s.checkSettled(t)
}

// publishTimes notes the moment of each publishing request that a site has accepted, by the post's id there.
type publishTimes struct {
	mu sync.Mutex
	at map[string]time.Time
}

func watchPublishing(s *system) *publishTimes {
	p := &publishTimes{at: map[string]time.Time{}}
	s.box.OnApplied(func(r sandbox.RequestInfo) {
		if r.Step != "ghost.publish" {
			return
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.at[strings.Split(strings.TrimSuffix(r.Path, "/"), "/posts/")[1]] = time.Now()
	})
	return p
}

// of is the moment at which a site got the post with the title.
func (p *publishTimes) of(t testing.TB, s *system, site, title string) time.Time {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, post := range s.box.GhostPosts(site) {
		if post.Title == title && post.Status == "published" {
			return p.at[post.ID]
		}
	}
	t.Fatalf("%q is not published on %s", title, site)
	return time.Time{}
}

// Posts go out within a second after their time and never before it.
func TestScheduledOnTime(t *testing.T) {
	s := newSystem(t, options{})
	// A second worker: two must not stand in each other's way.
	s.startWorker(t)
	b := s.newBrand(t)
	published := watchPublishing(s)
	count, spread := pick(proving(), 100, 10), pick(proving(), 20*time.Second, 3*time.Second)
	due := map[string]time.Time{}
	posts := make([]postAnswer, count)
	for i := range posts {
		posts[i] = b.draft(t, draft{})
	}
	begin := time.Now().Add(4 * time.Second)
	for i, post := range posts {
		at := begin.Add(spread * time.Duration(i) / time.Duration(count)).Truncate(time.Microsecond)
		if scheduled := b.schedule(t, post.ID, at); scheduled.State != "scheduled" || !scheduled.ScheduledAt.Equal(at) {
			t.Fatalf("scheduled for %s: %s", at, spell(scheduled))
		}
		due[post.ID] = at
	}
	var worst time.Duration
	for _, post := range posts {
		b.checkPublished(t, b.await(t, post.ID, "published"))
		late := published.of(t, s, b.site, post.Title).Sub(due[post.ID])
		if late < 0 || late > time.Second {
			t.Errorf("post %q went out %s after its time", post.Title, late)
		}
		worst = max(worst, late)
	}
	s.checkSettled(t)
	t.Logf("%d posts over %s, the latest %s after its time", count, spread, worst.Round(time.Millisecond))
}

// What people do to a post that waits for its time reaches it.
func TestScheduledPostChanges(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	b := s.newBrand(t)
	published := watchPublishing(s)
	soon := time.Now().Add(4 * time.Second)
	later := soon.Add(2 * time.Second)

	cancelled := b.draft(t, draft{})
	b.schedule(t, cancelled.ID, soon)
	if post := call[postAnswer](t, b.owner, http.MethodPost, b.postPath(cancelled.ID)+"/cancel", nil); post.State != "cancelled" {
		t.Errorf("a cancelled post is %s", post.State)
	}
	brought := b.draft(t, draft{})
	b.schedule(t, brought.ID, time.Now().Add(time.Hour))
	b.schedule(t, brought.ID, soon)
	postponed := b.draft(t, draft{})
	b.schedule(t, postponed.ID, soon)
	b.schedule(t, postponed.ID, later)
	edited := b.draft(t, draft{text: "The old text."})
	b.schedule(t, edited.ID, soon)
	newTitle := uniqueName("Edited")
	call[postAnswer](t, b.owner, http.MethodPatch, b.postPath(edited.ID), map[string]any{"title": newTitle, "text": "The new text."})
	hurried := b.draft(t, draft{})
	b.schedule(t, hurried.ID, time.Now().Add(time.Hour))
	b.publish(t, hurried.ID)

	b.checkPublished(t, b.await(t, hurried.ID, "published"))
	if time.Now().After(soon) {
		t.Error("a post that is published now waits")
	}
	for id, at := range map[string]time.Time{brought.ID: soon, postponed.ID: later, edited.ID: soon} {
		post := b.await(t, id, "published")
		b.checkPublished(t, post)
		if late := published.of(t, s, b.site, post.Title).Sub(at); late < 0 || late > time.Second {
			t.Errorf("post %q went out %s after its time", post.Title, late)
		}
	}
	for _, post := range s.box.Published() {
		if post.Title == newTitle && post.Text != "The new text." {
			t.Errorf("the edited post says %q", post.Text)
		}
	}
	// By now the cancelled one's time is well over.
	if post := b.post(t, cancelled.ID); post.State != "cancelled" || s.times(b.site, cancelled.Title) != 0 {
		t.Errorf("the cancelled post is %s, published %d times", post.State, s.times(b.site, cancelled.Title))
	}
	// It can be taken up again.
	b.publish(t, cancelled.ID)
	b.checkPublished(t, b.await(t, cancelled.ID, "published"))
	s.checkSettled(t)
}

// A key that the site no longer takes stops the post with a word to its people, until they connect it again.
func TestPublishWithRefusedKey(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	b := s.newBrand(t)
	post := b.draft(t, draft{})
	key := s.box.RotateGhostKey(b.site)
	b.publish(t, post.ID)
	failed := b.await(t, post.ID, "failed").PlatformPosts[0]
	if failed.ProblemClass == nil || *failed.ProblemClass != "credential" || failed.Problem == nil || *failed.Problem == "" {
		t.Errorf("the failed post says %s", spell(failed))
	}
	path := b.path + "/integrations/" + b.integration
	if state := call[integrationAnswer](t, b.owner, http.MethodGet, path, nil).State; state != "needs_reauth" {
		t.Errorf("the account is %s", state)
	}
	b.owner.expect(t, http.StatusConflict, http.MethodPost, b.postPath(post.ID)+"/publish", nil)
	again := b.connectWith(t, s.boxURL+"/ghost-sites/"+b.site, key)
	if again.ID != b.integration || again.State != "active" {
		t.Fatalf("connected again: %+v", again)
	}
	b.publish(t, post.ID)
	b.checkPublished(t, b.await(t, post.ID, "published"))
	s.checkSettled(t)
}

// Whatever goes wrong at whichever step, the post is out once in the end and the API says so.
func TestPublishThroughFaults(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	kinds := map[string]sandbox.Fault{
		"drop_before": {Kind: sandbox.FaultDropBefore},
		"drop_after":  {Kind: sandbox.FaultDropAfter},
		"503":         {Kind: sandbox.FaultStatus, Status: http.StatusServiceUnavailable},
		"429":         {Kind: sandbox.FaultStatus, Status: http.StatusTooManyRequests, Headers: map[string]string{"Retry-After": "2"}},
		"slow":        {Kind: sandbox.FaultSlow, DelayMS: 1500},
	}
	published := watchPublishing(s)
	type trial struct {
		b       *brand
		post    postAnswer
		began   time.Time
		limited bool
	}
	trials := map[string]trial{}
	// All are put on their way first: most of them wait for their next try.
	for _, step := range []string{"ghost.find", "ghost.create_draft", "ghost.read", "ghost.publish"} {
		for name, fault := range kinds {
			b := s.newBrand(t)
			post := b.draft(t, draft{})
			fault.Step = step
			s.fault(t, b.site, fault)
			began := time.Now()
			b.publish(t, post.ID)
			trials[name+" at "+step] = trial{b, post, began, name == "429"}
		}
	}
	for name, trial := range trials {
		t.Run(name, func(t *testing.T) {
			trial.b.checkPublished(t, trial.b.await(t, trial.post.ID, "published"))
			if took := published.of(t, s, trial.b.site, trial.post.Title).Sub(trial.began); trial.limited && took < 2*time.Second {
				t.Errorf("tried again after %s, although the site asked for 2 s", took)
			}
			if containsSite(s.box.Faults(), trial.b.site) {
				t.Error("the fault was not met")
			}
			if n := len(s.box.GhostPosts(trial.b.site)); n != 1 {
				t.Errorf("%d posts on the site, drafts included", n)
			}
		})
	}
	s.checkSettled(t)
}

func containsSite(faults []sandbox.Fault, site string) bool {
	for _, f := range faults {
		if strings.Contains(f.PathContains, "/"+site+"/") {
			return true
		}
	}
	return false
}

// A worker that is told to stop finishes what it is at and leaves the rest to the next, who need not wait for
// its lease to run out.
func TestWorkerStopsInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{noWorker: true, workerArgs: []string{"--lease", "5m", "--concurrency", "1"}})
	b := s.newBrand(t)
	s.fault(t, b.site, sandbox.Fault{Kind: sandbox.FaultSlow, Step: "ghost.publish", DelayMS: 2500})
	atPublish := make(chan struct{}, 10)
	s.box.OnRequest(func(r sandbox.RequestInfo) {
		if r.Step == "ghost.publish" {
			atPublish <- struct{}{}
		}
	})
	posts := []postAnswer{b.draft(t, draft{}), b.draft(t, draft{}), b.draft(t, draft{})}
	worker := s.startWorker(t)
	for _, post := range posts {
		b.publish(t, post.ID)
	}
	<-atPublish
	began := time.Now()
	worker.stop(t)
	if n := s.box.Published(); len(n) != 1 {
		t.Errorf("a worker that was told to stop at its first post has published %d", len(n))
	}
	if n := one[int](t, s, "select count(*) from workers"); n != 0 {
		t.Error("a worker that has stopped still holds its lease")
	}
	if n := one[int](t, s, "select count(*) from river.river_job where state = 'running'"); n != 0 {
		t.Errorf("%d jobs of a worker that has stopped are still running", n)
	}
	s.startWorker(t)
	for _, post := range posts {
		b.checkPublished(t, b.await(t, post.ID, "published"))
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("handing over took %s", took)
	}
	s.checkSettled(t)
}
