package e2e

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// everyPlatform is a brand with an account on each platform.
type everyPlatform struct {
	*brand
	// accounts are the integrations by platform.
	accounts map[string]string
	// images and video are files that were uploaded.
	images []string
	video  string
}

// newEveryPlatform connects an account of each platform as people do, and uploads files.
func newEveryPlatform(t *testing.T, s *system) *everyPlatform {
	t.Helper()
	e := &everyPlatform{brand: s.newBrand(t), accounts: map[string]string{}}
	v := newVisitor(t, nil)
	v.connect(t, e.brand, "twitter", "2244994945")
	v.connect(t, e.brand, "linkedin", "ada-lindqvist", "urn:li:organization:1001")
	v.connect(t, e.brand, "facebook", "10001", "20001")
	v.connect(t, e.brand, "mailchimp", "30001", "30001/a1b2c3d4e5")
	type page struct{ Items []integrationAnswer }
	for _, account := range call[page](t, e.owner, http.MethodGet, e.path+"/integrations", nil).Items {
		e.accounts[account.Platform] = account.ID
	}
	if len(e.accounts) != 5 {
		t.Fatalf("accounts: %v", e.accounts)
	}
	for i := range 2 {
		e.images = append(e.images, e.upload(t, fmt.Sprintf("picture-%d.png", i), "image/png", testPNG(t, 320+i, 200), "A picture."))
	}
	e.video = e.upload(t, "film.mp4", "video/mp4", testMP4(t), "A film.")
	return e
}

// kind is a sort of post: where it goes and what it has besides its text.
type kind struct {
	name, platform string
	// more is added to the entry of the platform.
	more func(e *everyPlatform, text string) map[string]any
}

// kinds are what every adapter can do.
var kinds = []kind{
	{"text", "ghost", nil},
	{"images", "ghost", func(e *everyPlatform, _ string) map[string]any { return map[string]any{"media_ids": e.images} }},
	{"newsletter", "ghost", func(*everyPlatform, string) map[string]any {
		return map[string]any{"options": map[string]any{"newsletter": "default-newsletter"}}
	}},
	{"text", "twitter", nil},
	{"images", "twitter", func(e *everyPlatform, _ string) map[string]any { return map[string]any{"media_ids": e.images} }},
	{"video", "twitter", func(e *everyPlatform, _ string) map[string]any {
		return map[string]any{"media_ids": []string{e.video}}
	}},
	{"thread", "twitter", func(_ *everyPlatform, text string) map[string]any {
		return map[string]any{"options": map[string]any{"thread": []any{
			map[string]any{"text": "Second of " + text}, map[string]any{"text": "Third of " + text},
		}}}
	}},
	{"text", "linkedin", nil},
	{"images", "linkedin", func(e *everyPlatform, _ string) map[string]any { return map[string]any{"media_ids": e.images} }},
	{"video", "linkedin", func(e *everyPlatform, _ string) map[string]any {
		return map[string]any{"media_ids": []string{e.video}}
	}},
	{"comment", "linkedin", func(_ *everyPlatform, text string) map[string]any {
		return map[string]any{"options": map[string]any{"first_comment": "Below " + text}}
	}},
	{"text", "facebook", nil},
	{"images", "facebook", func(e *everyPlatform, _ string) map[string]any { return map[string]any{"media_ids": e.images} }},
	{"video", "facebook", func(e *everyPlatform, _ string) map[string]any {
		return map[string]any{"media_ids": []string{e.video}}
	}},
	{"comment", "facebook", func(_ *everyPlatform, text string) map[string]any {
		return map[string]any{"options": map[string]any{"first_comment": "Below " + text}}
	}},
	{"text", "mailchimp", nil},
	{"images", "mailchimp", func(e *everyPlatform, _ string) map[string]any { return map[string]any{"media_ids": e.images} }},
}

// parts is how many pieces of such a post readers see: the post itself, the rest of a thread, a comment.
func (k kind) parts() int {
	switch k.name {
	case "thread":
		return 3
	case "comment":
		return 2
	default:
		return 1
	}
}

// sent is a post that was put on its way.
type sent struct {
	kind kind
	text string // which no other post has
	id   string
	seen bool // where it is said to be
	// alone: somebody has seen the post there, without the comment that is now for them to make.
	alone bool
}

// send makes a post of a kind and publishes it. What cannot be sent since the test is over is not.
func (e *everyPlatform) send(t *testing.T, k kind) *sent {
	t.Helper()
	p := &sent{kind: k, text: uniqueName("Once") + "."}
	entry := map[string]any{"integration_id": e.accounts[k.platform]}
	if k.more != nil {
		maps.Copy(entry, k.more(e, p.text))
	}
	post, err := e.owner.try(t.Context(), http.MethodPost, e.path+"/posts", map[string]any{"title": p.text, "text": p.text, "platforms": []any{entry}})
	if err != nil || post.status != http.StatusCreated {
		t.Errorf("draft: %d %s %v", post.status, post.body, err)
		return nil
	}
	p.id = decode[postAnswer](t, post).ID
	if r, err := e.owner.try(t.Context(), http.MethodPost, e.postPath(p.id)+"/publish", nil); err != nil || r.status != http.StatusAccepted {
		t.Errorf("publish: %d %s %v", r.status, r.body, err)
		return nil
	}
	return p
}

// there counts what readers have got of a post: how often it was published, how many pieces there are, and where it is.
func (e *everyPlatform) there(p *sent, published []sandbox.Post) (times, pieces int, urls []string) {
	for _, post := range published {
		if post.Platform != p.kind.platform || !strings.Contains(post.Title+" "+post.Text, p.text) {
			continue
		}
		times += post.TimesPublished
		pieces++
		urls = append(urls, post.URL)
		for _, part := range post.Parts {
			if strings.Contains(part, p.text) {
				pieces++
			}
		}
	}
	return times, pieces, urls
}

// neverTwice is one run of the test.
type neverTwice struct {
	*everyPlatform
	k *killer
	// reached are the kinds that come by each step.
	mu      sync.Mutex
	reached map[string][]kind
	posts   []*sent
}

// begin puts a post of each of some kinds on its way.
func (n *neverTwice) begin(t *testing.T, some []kind) {
	t.Helper()
	var presses sync.WaitGroup
	for _, k := range some {
		presses.Go(func() {
			if p := n.send(t, k); p != nil {
				n.mu.Lock()
				n.posts = append(n.posts, p)
				n.mu.Unlock()
			}
		})
	}
	presses.Wait()
}

// learn publishes a post of each kind in peace, one after the other, and so finds the steps of each.
func (n *neverTwice) learn(t *testing.T) {
	t.Helper()
	var current kind
	n.s.box.OnRequest(func(r sandbox.RequestInfo) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if current.name != "" && !slices.ContainsFunc(n.reached[r.Step], func(k kind) bool { return k.name == current.name && k.platform == current.platform }) {
			n.reached[r.Step] = append(n.reached[r.Step], current)
		}
	})
	worker := n.s.startWorker(t)
	for _, k := range kinds {
		n.mu.Lock()
		current = k
		n.mu.Unlock()
		n.begin(t, []kind{k})
		n.await(t, n.posts[len(n.posts)-1].id, "published")
	}
	n.mu.Lock()
	current = kind{}
	n.mu.Unlock()
	worker.stop(t)
}

// faults are what goes wrong besides, at a step of publishing.
func (n *neverTwice) fault(t *testing.T, step string) {
	t.Helper()
	fault := sandbox.Fault{Step: step, Times: 1 + rand.IntN(2)}
	switch rand.IntN(5) {
	case 0:
		fault.Kind = sandbox.FaultDropBefore
	case 1:
		fault.Kind = sandbox.FaultDropAfter
	case 2:
		fault.Kind, fault.DelayMS = sandbox.FaultSlow, 300
	case 3:
		fault.Kind, fault.Status = sandbox.FaultStatus, http.StatusServiceUnavailable
	default:
		fault.Kind, fault.Status, fault.Headers = sandbox.FaultStatus, http.StatusTooManyRequests, map[string]string{"Retry-After": "1"}
	}
	if err := n.s.box.AddFault(fault); err != nil {
		t.Fatal(err)
	}
}

// TestNeverTwice kills workers with kill -9 at every step of every adapter, before and after the platform acts, at every commit, in the
// middle of transactions and at any time, while the platforms fail as well. At the end every post is out once, after the people
// who were asked have answered by what they see at the platform; and all that was said of posts was true.
func TestNeverTwice(t *testing.T) {
	wanted := pick(whole(), 1000, 40)
	s := newSystem(t, options{connectors: true, noWorker: true, workerArgs: []string{"--lease", "1s"}})
	// The time in between is left out here, and the limits with it; TestLimitedAccountDelaysNobody has them.
	s.box.OAuthSettings("twitter", sandbox.OAuthSettings{PostRequests: 1_000_000, ReadRequests: 1_000_000, MediaRequests: 1_000_000, AppPosts: 1_000_000})
	s.box.SetLinkedIn(sandbox.LinkedInSettings{PostsPerDay: 1_000_000})
	e := newEveryPlatform(t, s)
	k := &killer{s: s, b: e.brand, first: true, byInstant: map[string]int{}}
	n := &neverTwice{everyPlatform: e, k: k, reached: map[string][]kind{}}
	n.learn(t)
	k.watch(t)
	steps := slices.Sorted(maps.Keys(n.reached))
	var instants []string
	for _, step := range steps {
		instants = append(instants, "request "+step, "applied "+step)
	}
	for range max(1, len(steps)/8) {
		instants = append(instants, "commit fetched", "commit claimed", "commit kept", "commit recorded", "commit completed", "inside claim", "random")
	}
	rand.Shuffle(len(instants), func(i, j int) { instants[i], instants[j] = instants[j], instants[i] })
	began := time.Now()
	var workers []*process
	for round := 0; k.kills < wanted; round++ {
		instant := instants[round%len(instants)]
		workers = slices.DeleteFunc(workers, func(w *process) bool { return !w.runs() })
		for len(workers) < 2 {
			workers = append(workers, s.launchWorker(t))
		}
		for _, w := range workers {
			w.message(t, "worker is working")
		}
		some := []kind{kinds[rand.IntN(len(kinds))], kinds[rand.IntN(len(kinds))]}
		if _, step, found := strings.Cut(instant, " "); found && n.reached[step] != nil {
			some = append(some, n.reached[step]...)
		}
		k.begin = func(t *testing.T) { t.Helper(); n.begin(t, some) }
		if round%3 == 0 {
			n.fault(t, steps[rand.IntN(len(steps))])
		}
		k.meanwhile = func(killed <-chan struct{}) bool {
			for range 20 {
				n.hurry(t)
				select {
				case <-killed:
					return true
				case <-time.After(time.Second):
				}
			}
			return false
		}
		k.round(t, instant, workers)
	}
	took := time.Since(began)
	s.box.ClearFaults()
	s.startWorker(t)
	n.judge(t, fmt.Sprintf("%d kills in %s at %d instants", k.kills, took.Round(time.Second), len(k.byInstant)))
	for _, instant := range instants {
		if whole() && k.byInstant[instant] == 0 {
			t.Errorf("no kill at %s", instant)
		}
	}
}

// hurry lets the time pass for which posts and accounts wait.
func (n *neverTwice) hurry(t *testing.T) {
	t.Helper()
	n.s.exec(t, "update account_limits set paused_until = now() where paused_until > now()")
	n.s.exec(t, "update platform_posts set retry_at = now() where retry_at > now()")
	n.s.exec(t, "update river.river_job set scheduled_at = now() where kind = 'publish' and state = 'scheduled' and scheduled_at > now() + interval '1 second'")
}

// judge waits until nothing is under way, answers where a person is asked, and compares what is said with what is there.
func (n *neverTwice) judge(t *testing.T, what string) {
	t.Helper()
	began := time.Now()
	straight, asked, confirmed, alone, again, failed, lies := 0, 0, 0, 0, 0, 0, 0
	for turn := 0; ; turn++ {
		eventually(t, 3*time.Minute, "every post is at an end", func() bool {
			n.hurry(t)
			return one[int](t, n.s, "select count(*) from platform_posts where state in ('scheduled', 'publishing')") == 0
		})
		published, open := n.s.box.Published(), 0
		for _, p := range n.posts {
			if p.seen {
				continue
			}
			post := n.post(t, p.id)
			pp := post.PlatformPosts[0]
			times, pieces, urls := n.there(p, published)
			decide := fmt.Sprintf("%s/platform-posts/%s/", n.postPath(p.id), pp.ID)
			switch pp.State {
			case "published":
				if turn == 0 {
					straight++
				}
				if p.seen = true; times < 1 || pp.ExternalURL == nil || !visible(t, *pp.ExternalURL, p.text) {
					lies++
					t.Errorf("%s/%s: said to be published, and there are %v: %s", p.kind.platform, p.kind.name, urls, spell(pp))
				}
			case "failed":
				failed, open = failed+1, open+1
				if times != 0 {
					lies++
					t.Errorf("%s/%s: said to have failed, and it is at %v: %s", p.kind.platform, p.kind.name, urls, spell(pp))
				}
				n.owner.expect(t, http.StatusAccepted, http.MethodPost, decide+"retry", nil)
			case "needs_attention":
				asked, open = asked+1, open+1
				// Nobody can read on LinkedIn: with its answer the post is unknown, and the comment below it was never sent.
				p.alone = p.kind.platform == "linkedin" && p.kind.name == "comment" && pieces == 1 && pp.ExternalURL == nil
				if p.alone {
					alone++
				}
				if p.alone || pieces == p.kind.parts() {
					confirmed++
					n.owner.expect(t, http.StatusOK, http.MethodPost, decide+"confirm", map[string]any{"external_url": urls[0]})
				} else {
					again++
					n.owner.expect(t, http.StatusAccepted, http.MethodPost, decide+"retry", nil)
				}
			default:
				t.Fatalf("%s/%s is %s: %s", p.kind.platform, p.kind.name, pp.State, spell(pp))
			}
		}
		if open == 0 {
			break
		}
		if turn == 20 {
			t.Fatalf("%d posts come to no end", open)
		}
	}
	doubles, lost := 0, 0
	published := n.s.box.Published()
	for _, p := range n.posts {
		times, pieces, urls := n.there(p, published)
		switch {
		case pieces > p.kind.parts() || times > p.kind.parts():
			doubles++
			t.Errorf("%s/%s %q is out more than once: %v", p.kind.platform, p.kind.name, p.text, urls)
		case pieces < p.kind.parts() && !p.alone:
			lost++
			t.Errorf("%s/%s %q is not out as a whole: %d of %d at %v", p.kind.platform, p.kind.name, p.text, pieces, p.kind.parts(), urls)
		}
	}
	n.s.checkSettled(t)
	fmt.Printf("%s: %s, then %s to settle, %d posts: %d published without asking, %d questions (%d confirmed, %d of them without the comment, %d posted again), %d failed and retried; %d doubles, %d lost, %d untrue outcomes\n",
		t.Name(), what, time.Since(began).Round(time.Second), len(n.posts), straight, asked, confirmed, alone, again, failed, doubles, lost, lies)
	t.Logf("attempts ended: %s", one[string](t, n.s, `select string_agg(n || ' ' || outcome, ', ' order by n desc)
		from (select outcome, count(*) as n from publish_attempts group by outcome) o`))
}
