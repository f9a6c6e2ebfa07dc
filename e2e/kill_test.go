package e2e

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"fanfare/internal/sandbox"
)

// killSteps announces, at each commit that is a step of publishing, that the step is done. It is the
// superuser's, in the test's own database, and changes nothing else.
const killSteps = `
create function e2e_step() returns trigger language plpgsql as $$
begin
	perform pg_notify('e2e_step', tg_argv[0]);
	return null;
end $$;
create trigger e2e_fetched after update on river.river_job for each row
	when (old.state <> 'running' and new.state = 'running') execute function e2e_step('fetched');
create trigger e2e_completed after update on river.river_job for each row
	when (old.state = 'running' and new.state = 'completed') execute function e2e_step('completed');
create trigger e2e_enqueued after insert on river.river_job for each row execute function e2e_step('enqueued');
create trigger e2e_claimed after insert on publish_attempts for each row execute function e2e_step('claimed');
create trigger e2e_kept after update on platform_posts for each row
	when (new.checkpoint is distinct from old.checkpoint) execute function e2e_step('kept');
create trigger e2e_recorded after update on publish_attempts for each row
	when (old.finished_at is null and new.outcome = 'published') execute function e2e_step('recorded');
`

// instants are where a worker is killed: before and after each request to the platform is applied, after each
// commit, in the middle of each of its own transactions, and at any time at all.
var instants = []string{
	"request ghost.find", "request ghost.create_draft", "request ghost.read", "request ghost.publish",
	"applied ghost.find", "applied ghost.create_draft", "applied ghost.read", "applied ghost.publish",
	"commit fetched", "commit claimed", "commit kept", "commit recorded", "commit completed",
	"inside claim", "inside record",
	"random", "random", "random",
}

// killer kills workers at chosen instants.
type killer struct {
	s *system
	b *brand
	// begin puts posts on their way; nil: three on the Ghost site.
	begin func(t *testing.T)
	// meanwhile, where it is there, waits for the kill and does what is to be done in that time; false: it does not come.
	meanwhile func(killed <-chan struct{}) bool
	// first: the first time that an instant comes counts, and not the second or third.
	first bool
	// publishing is the request during which the outcome's record is waited for; "" is that of Ghost.
	publishing string

	mu    sync.Mutex
	armed string // the instant that is waited for
	skip  int    // how often it passes before it counts
	hit   func() // what happens then

	kills     int
	byInstant map[string]int
}

// reached is called at every instant. What it does when it is the one, it does before the worker gets any further.
func (k *killer) reached(instant string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.armed != instant {
		return
	}
	if k.skip > 0 {
		k.skip--
		return
	}
	k.armed = ""
	k.hit()
}

func (k *killer) arm(instant string, skip int, hit func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.armed, k.skip, k.hit = instant, skip, hit
}

// watch has reached called by the sandbox and by the database.
func (k *killer) watch(t *testing.T) {
	t.Helper()
	k.watchSteps(t, killSteps)
}

// watchSteps is watch for what the given triggers announce.
func (k *killer) watchSteps(t *testing.T, triggers string) {
	t.Helper()
	k.s.box.OnRequest(func(r sandbox.RequestInfo) { k.reached("request " + r.Step) })
	k.s.box.OnApplied(func(r sandbox.RequestInfo) { k.reached("applied " + r.Step) })
	if _, err := k.s.super.Exec(t.Context(), triggers); err != nil {
		t.Fatalf("watch the database: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	conn, err := pgx.Connect(ctx, k.s.opts.superURL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "listen e2e_step"); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			n, err := conn.WaitForNotification(ctx)
			if err != nil {
				return // the test is over
			}
			k.reached("commit " + n.Payload)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		_ = conn.Close(context.Background())
	})
}

// inside stops every worker in the middle of a transaction and calls hit: what publish_attempts gets is held
// up, so the transaction has begun, has changed the platform post, and cannot go on.
func (k *killer) inside(t *testing.T, step string, hit func()) {
	t.Helper()
	// The claim inserts an attempt, or first ends the one that a dead worker has left; the record of the outcome
	// updates it.
	statement := map[string]string{"inside claim": "^(insert into|update) publish_attempts", "inside record": "^update publish_attempts"}[step]
	if step == "inside record" {
		// Held up only once the post is at the platform, else the claim would be what is caught.
		published := make(chan struct{})
		k.arm("request "+cmp.Or(k.publishing, "ghost.publish"), 0, func() { close(published) })
		k.start(t)
		await(t, published, "a post is being published")
	}
	tx, err := k.s.super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }() // it only ever held a lock
	if _, err := tx.Exec(t.Context(), "lock table publish_attempts in share row exclusive mode"); err != nil {
		t.Fatal(err)
	}
	if step == "inside claim" {
		k.start(t)
	}
	eventually(t, 20*time.Second, "a worker is "+step, func() bool {
		return one[bool](t, k.s, `select exists (select from pg_stat_activity where datname = current_database()
			and wait_event_type = 'Lock' and regexp_replace(query, '^(\s*--[^\n]*\n)*', '') ~* $1)`, statement)
	})
	hit()
}

// start puts posts on their way, all at once.
func (k *killer) start(t *testing.T) {
	t.Helper()
	if k.begin != nil {
		k.begin(t)
		return
	}
	var presses sync.WaitGroup
	for range 3 {
		presses.Go(func() {
			post, err := k.b.owner.try(t.Context(), http.MethodPost, k.b.path+"/posts", map[string]any{
				"title": uniqueName("Kill"), "text": "Once.", "platforms": []any{map[string]any{"integration_id": k.b.integration}},
			})
			if err != nil || post.status != http.StatusCreated {
				t.Errorf("draft: %d %s %v", post.status, post.body, err)
				return
			}
			path := k.b.postPath(decode[postAnswer](t, post).ID) + "/publish"
			if r, err := k.b.owner.try(t.Context(), http.MethodPost, path, nil); err != nil || r.status != http.StatusAccepted {
				t.Errorf("publish: %d %s %v", r.status, r.body, err)
			}
		})
	}
	presses.Wait()
}

// round kills a worker at an instant. victims are all that run; each but the first lives on where that is
// possible: the database and the sandbox cannot tell which of them a step is of.
func (k *killer) round(t *testing.T, instant string, workers []*process) {
	t.Helper()
	killed := make(chan struct{})
	hit := func() {
		for _, w := range workers {
			_ = w.cmd.Process.Kill() // it is ours and has not been waited for
		}
		close(killed)
	}
	switch {
	case instant == "random":
		k.start(t)
		time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
		workers = workers[:1]
		hit()
	case strings.HasPrefix(instant, "inside"):
		k.inside(t, instant, hit)
	default:
		k.arm(instant, pick(k.first, 0, rand.IntN(3)), hit)
		k.start(t)
	}
	if k.meanwhile == nil {
		await(t, killed, "a worker is killed at "+instant)
	} else if !k.meanwhile(killed) {
		// What else goes wrong has kept everybody from getting there.
		k.arm("", 0, nil)
		instant = "late"
		select {
		case <-killed:
		default:
			hit()
		}
	}
	for _, w := range workers {
		<-w.done
	}
	k.kills += len(workers)
	k.byInstant[instant] += len(workers)
}

func await(t testing.TB, event <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(30 * time.Second):
		t.Fatalf("waited 30 s in vain: %s", what)
	}
}

// kill -9 of the worker, again and again, at every step of publishing and between them: every post is out
// once, and the API says so. The sandbox's record is the judge.
func TestPublishSurvivesKill(t *testing.T) {
	wanted := pick(whole(), 200, 2*len(instants)/3)
	s := newSystem(t, options{noWorker: true, workerArgs: []string{"--lease", "1s"}})
	k := &killer{s: s, b: s.newBrand(t), byInstant: map[string]int{}}
	k.watch(t)
	began := time.Now()
	var workers []*process
	for round := 0; k.kills < wanted; round++ {
		instant := instants[round%len(instants)]
		// Every fifth time round the list there are two workers, and both die at once; at random, one of them.
		count := pick(round/len(instants)%5 == 4, 2, 1)
		alive := workers[:0]
		for _, w := range workers {
			if w.runs() {
				alive = append(alive, w)
			}
		}
		workers = alive
		for len(workers) < count {
			workers = append(workers, s.launchWorker(t))
		}
		for _, w := range workers {
			w.message(t, "worker is working")
		}
		k.round(t, instant, workers)
	}
	took := time.Since(began)
	s.startWorker(t)
	k.judge(t, fmt.Sprintf("%d kills in %s", k.kills, took.Round(time.Second)), 0)
	for _, instant := range instants {
		if whole() && k.byInstant[instant] == 0 {
			t.Errorf("no kill at %s", instant)
		}
	}
}

// A worker that is stopped like a paused virtual machine and comes back after another has taken over does not
// publish again.
func TestPublishSurvivesPause(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{noWorker: true, workerArgs: []string{"--lease", "1s"}})
	k := &killer{s: s, b: s.newBrand(t)}
	k.watch(t)
	steps := []string{"applied ghost.find", "applied ghost.create_draft", "applied ghost.read", "request ghost.publish", "applied ghost.publish"}
	for _, step := range pick(whole(), steps, steps[3:4]) {
		paused := s.startWorker(t)
		stopped := make(chan struct{})
		k.arm(step, 0, func() {
			paused.signal(t, syscall.SIGSTOP)
			close(stopped)
		})
		k.start(t)
		await(t, stopped, "a worker is paused at "+step)
		other := s.startWorker(t)
		// Where the paused one was in a transaction as well, the database ends that after 10 s.
		eventually(t, 30*time.Second, "another worker publishes what the paused one had", func() bool {
			return one[int](t, s, "select count(*) from platform_posts where state <> 'published'") == 0
		})
		paused.signal(t, syscall.SIGCONT)
		// It goes on, finds that it has lost its lease, and can be stopped in good order.
		eventually(t, 20*time.Second, "the paused worker lives again", func() bool {
			return one[int](t, s, "select count(*) from workers where lease_until > now()") == 2
		})
		paused.stop(t)
		other.stop(t)
	}
	s.startWorker(t)
	// Between seeing that there is no draft and making one, a pause can make it one too many.
	k.judge(t, fmt.Sprintf("%d pauses", len(pick(whole(), steps, steps[3:4]))), 1)
}

// judge waits until everything is published and compares what the API says with what the site has, where
// leftDrafts posts that nobody saw may be left over.
func (k *killer) judge(t *testing.T, what string, leftDrafts int) {
	t.Helper()
	posts := map[string]postAnswer{}
	began := time.Now()
	eventually(t, 90*time.Second, "every post is at its end", func() bool {
		return one[int](t, k.s, "select count(*) from posts where state in ('scheduled', 'publishing')") == 0
	})
	settling := time.Since(began).Round(time.Millisecond)
	type page struct {
		Items []postAnswer
		Next  *string `json:"next_cursor"`
	}
	for query := "?limit=100"; query != ""; {
		p := call[page](t, k.b.owner, http.MethodGet, k.b.path+"/posts"+query, nil)
		for _, post := range p.Items {
			posts[post.ID] = post
		}
		if query = ""; p.Next != nil {
			query = "?limit=100&cursor=" + *p.Next
		}
	}
	addresses := map[string]string{}
	for _, published := range k.s.box.Published() {
		addresses[published.Title] = published.URL
	}
	doubles, lost := 0, 0
	for _, post := range posts {
		switch n := k.s.times(k.b.site, post.Title); {
		case n == 0:
			lost++
			t.Errorf("post %q is lost: %s", post.Title, spell(post))
		case n > 1:
			doubles++
		}
		k.b.checkPublished(t, post)
		if len(post.PlatformPosts) == 1 && post.PlatformPosts[0].ExternalURL != nil && *post.PlatformPosts[0].ExternalURL != addresses[post.Title] {
			t.Errorf("post %q is said to be at %s and is at %s", post.Title, *post.PlatformPosts[0].ExternalURL, addresses[post.Title])
		}
	}
	if n := len(k.s.box.GhostPosts(k.b.site)) - len(posts); n > leftDrafts {
		t.Errorf("%d drafts are left on the site", n)
	}
	k.s.checkSettled(t)
	fmt.Printf("%s: %s, then %s to settle, %d posts, %d doubles, %d lost\n", t.Name(), what, settling, len(posts), doubles, lost)
	t.Logf("attempts ended: %s", one[string](t, k.s, `select string_agg(n || ' ' || outcome, ', ' order by n desc)
		from (select outcome, count(*) as n from publish_attempts group by outcome) o`))
	t.Logf("errors of jobs: %s", one[string](t, k.s, `select coalesce(string_agg(n || ' × ' || error, '; ' order by n desc), 'none')
		from (select e ->> 'error' as error, count(*) as n from river.river_job, unnest(errors) e group by 1) o`))
}

// The API process is killed while people press publish: each press took effect as a whole, or not at all.
func TestPublishSurvivesKillOfAPI(t *testing.T) {
	s := newSystem(t, options{noWorker: true})
	b := s.newBrand(t)
	k := &killer{s: s, b: b}
	k.watch(t)
	rounds := pick(whole(), 40, 6)
	var answered, unanswered int // of the presses that took effect
	var posts []string
	for round := range rounds {
		var fresh []string
		for range 6 {
			fresh = append(fresh, b.draft(t, draft{}).ID)
		}
		acceptedIDs := make([]bool, len(fresh))
		killed := make(chan struct{})
		if round%2 == 0 {
			// As soon as the database has it, whether or not the answer is on its way.
			k.arm("commit enqueued", rand.IntN(len(fresh)), func() {
				_ = s.serve.cmd.Process.Kill() // it is ours and has not been waited for
				close(killed)
			})
		}
		var presses sync.WaitGroup
		for i, id := range fresh {
			presses.Go(func() {
				r, err := b.owner.try(t.Context(), http.MethodPost, b.postPath(id)+"/publish", nil)
				if err == nil && r.status != http.StatusAccepted {
					t.Errorf("publish: %d %s", r.status, r.body)
				}
				acceptedIDs[i] = err == nil
			})
		}
		if round%2 == 0 {
			await(t, killed, "the API is killed at a commit")
		} else {
			time.Sleep(time.Duration(rand.Int64N(int64(120 * time.Millisecond))))
		}
		s.serve.kill()
		presses.Wait()
		s.startServe(t)
		for i, id := range fresh {
			state := b.post(t, id).State
			queued := one[int](t, s, "select count(*) from river.river_job where args ->> 'post_id' = $1 and state in ('available', 'scheduled')", id)
			switch {
			case acceptedIDs[i] && state != "scheduled":
				t.Errorf("a post whose publishing was accepted is %s", state)
			case state == "scheduled" && queued != 1, state == "draft" && queued != 0:
				t.Errorf("a post is %s and has %d jobs", state, queued)
			case state != "scheduled" && state != "draft":
				t.Errorf("a post is %s", state)
			}
			if acceptedIDs[i] {
				answered++
			} else if state == "scheduled" {
				unanswered++
			}
		}
		posts = append(posts, fresh...)
	}
	// Whoever got no answer presses again.
	for _, id := range posts {
		b.publish(t, id)
	}
	s.startWorker(t)
	for _, id := range posts {
		b.checkPublished(t, b.await(t, id, "published"))
	}
	s.checkSettled(t)
	fmt.Printf("%s: %d kills, %d presses, of which %d were answered and %d took effect unanswered, %d doubles\n",
		t.Name(), rounds, len(posts), answered, unanswered, len(s.box.Doubles()))
}
