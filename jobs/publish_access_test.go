package jobs

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"fanfare/db/dbtest"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// poster publishes on X for who shows the account's newest access token.
type poster struct {
	*scripted
	w *world
}

// Publish asks the sandbox whose the token is, and publishes.
func (p *poster) Publish(ctx context.Context, credential json.RawMessage, post platform.Post, attempt platform.Attempt) (platform.Published, error) {
	if _, err := p.w.connectors[platform.Twitter].Account(ctx, credential); err != nil {
		return platform.Published{}, err
	}
	if p.publish != nil {
		if err := p.publish(ctx, post, attempt); err != nil {
			return platform.Published{}, err
		}
	}
	return p.put(post), nil
}

// newTweet connects an account of X, and schedules a post on it.
func newTweet(t *testing.T) (w *world, l *login, p *poster, post dbtest.Post) {
	t.Helper()
	w = newWorld(t)
	l = w.connect(w.customer, platform.Twitter, "2244994945")
	p = &poster{&scripted{}, w}
	w.publishers[platform.Twitter] = p
	post = w.Post(t, dbtest.Post{CustomerID: w.customer.ID, Integrations: l.accounts})
	w.schedule(post, time.Now())
	w.enqueue(post, time.Now())
	return w, l, p, post
}

func (w *world) wantTimes(p *poster, id uuid.UUID, want int) {
	w.t.Helper()
	if n := p.times(id); n != want {
		w.t.Errorf("published %d times, want %d", n, want)
	}
}

func TestPublishRenewsFirst(t *testing.T) {
	t.Run("a token that ends", func(t *testing.T) {
		w, l, p, post := newTweet(t)
		w.due(l)
		w.start(w.jobsWorker())
		eventually(w.bundle, "published", stateOf, post.PlatformPosts[0])
		w.wantTimes(p, post.PlatformPosts[0], 1)
		if n := w.box.Count("twitter.refresh"); n != 1 {
			t.Errorf("renewed %d times", n)
		}
	})
	t.Run("while the platform renews nothing", func(t *testing.T) {
		w, l, p, post := newTweet(t)
		w.due(l)
		w.fault(sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultStatus, Status: 503, Times: -1})
		w.start(w.jobsWorker())
		eventually(w.bundle, true, "select coalesce((metadata ->> 'snoozes')::int, 0) > 0 from river.river_job where kind = 'publish'")
		if n := scan[int](w.bundle, "select count(*) from publish_attempts"); n != 0 {
			t.Errorf("%d attempts were counted", n)
		}
		w.wantState(l, "active")
		// It says why it waits, and until when: not for longer than its job does.
		const why = "select state || ' ' || problem_class || ': ' || problem from platform_posts"
		waits := "scheduled transient: The account's access is being renewed; X cannot be reached at the moment. The post goes out as soon as it can."
		if got := scan[string](w.bundle, why); got != waits {
			t.Error(got)
		}
		// While the job runs again, its own time is still the one from before.
		eventually(w.bundle, true, "select retry_at <= j.scheduled_at from platform_posts, river.river_job j where j.kind = 'publish' and j.state <> 'running'")
		// It waits once more, and is the same version; nothing more is recorded of it.
		const told = "select version || ' ' || (select count(*) from audit_log where resource_type = 'platform_post' and action = 'platform_post.update') from posts"
		before, retryAt := scan[string](w.bundle, told), scan[time.Time](w.bundle, "select retry_at from platform_posts")
		if n := scan[int](w.bundle, "select count(*) from audit_log where action = 'platform_post.update' and changes::text like '%cannot be reached%'"); n != 1 {
			t.Errorf("that it waits is recorded %d times", n)
		}
		eventually(w.bundle, true, "select retry_at > $1 from platform_posts", retryAt)
		if got := scan[string](w.bundle, told); got != before {
			t.Errorf("version and records were %s and are %s", before, got)
		}
		w.box.ClearFaults()
		w.again(l)
		w.exec("update river.river_job set scheduled_at = now() where kind = 'publish'")
		eventually(w.bundle, "published", stateOf, post.PlatformPosts[0])
		w.wantTimes(p, post.PlatformPosts[0], 1)
		if n := scan[int](w.bundle, "select count(*) from platform_posts where num_nonnulls(problem, problem_class, retry_at) > 0"); n != 0 {
			t.Error("it still says why it has waited")
		}
		if n := scan[int](w.bundle, "select count(*) from publish_attempts"); n != 1 {
			t.Errorf("%d attempts were counted", n)
		}
	})
	t.Run("what held it up is over when the attempt begins", func(t *testing.T) {
		w, l, p, post := newTweet(t)
		w.due(l)
		w.fault(sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultStatus, Status: http.StatusUnauthorized,
			Body: `{"error":"invalid_client"}`, ContentType: "application/json", Times: -1})
		during := ""
		p.publish = func(context.Context, platform.Post, platform.Attempt) error {
			during = scan[string](w.bundle, "select concat_ws(' ', state, problem_class, problem, retry_at) from platform_posts")
			return nil
		}
		w.start(w.jobsWorker())
		eventually(w.bundle, true, "select problem like '%X does not accept this installation''s application%' from platform_posts where problem is not null")
		w.box.ClearFaults()
		w.again(l)
		eventually(w.bundle, "published", stateOf, post.PlatformPosts[0])
		if during != "publishing" {
			t.Errorf("during the attempt: %s", during)
		}
	})
	t.Run("moved while it waits", func(t *testing.T) {
		w, l, p, post := newTweet(t)
		w.due(l)
		w.fault(sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultStatus, Status: 503, Times: -1})
		job := &river.Job[PublishArgs]{JobRow: &rivertype.JobRow{Kind: "publish", Metadata: []byte("{}")}, Args: PublishArgs{
			CustomerID: w.customer.ID, PostID: post.ID, PlatformPostID: post.PlatformPosts[0]}}
		worker := &publishWorker{db: w.TenantWorker(), renewer: w.renewer(false), log: slog.New(slog.NewTextHandler(t.Output(), nil))}
		stale := &staleError{authorizationID: l.id, platform: "twitter", due: time.Now()}
		w.exec("update posts set scheduled_at = now() + interval '1 day'")
		if _, wait, err := worker.claimFresh(t.Context(), job, stale); err != nil || wait <= 0 {
			t.Errorf("waits %s, %v", wait, err)
		}
		if n := scan[int](w.bundle, "select count(*) from platform_posts where num_nonnulls(problem, problem_class, retry_at) > 0"); n != 0 {
			t.Error("it says of a post for tomorrow that it waits")
		}
		w.wantTimes(p, post.PlatformPosts[0], 0)
	})
	t.Run("for a day in vain", func(t *testing.T) {
		w, l, p, post := newTweet(t)
		w.due(l)
		w.fault(sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultStatus, Status: 503, Times: -1})
		w.exec("update posts set scheduled_at = now() - interval '25 hours'")
		w.start(w.jobsWorker())
		eventually(w.bundle, "failed", stateOf, post.PlatformPosts[0])
		w.wantTimes(p, post.PlatformPosts[0], 0)
		w.wantState(l, "active")
		if got := scan[string](w.bundle, "select problem_class || ': ' || problem from platform_posts"); !strings.HasPrefix(got, "transient: The platform has not renewed the account's access for a day") {
			t.Error(got)
		}
	})
	t.Run("a token that is refused", func(t *testing.T) {
		w, l, p, post := newTweet(t)
		w.refuse("twitter.me", 1)
		w.start(w.jobsWorker())
		eventually(w.bundle, "published", stateOf, post.PlatformPosts[0])
		w.wantTimes(p, post.PlatformPosts[0], 1)
		w.wantState(l, "active")
		if n := scan[int](w.bundle, "select count(*) from publish_attempts"); n != 1 {
			t.Errorf("%d attempts", n)
		}
		if n := w.box.Count("twitter.refresh"); n != 1 {
			t.Errorf("renewed %d times", n)
		}
	})
	t.Run("a token that is refused after a renewal too", func(t *testing.T) {
		w, l, p, post := newTweet(t)
		w.refuse("twitter.me", -1)
		w.start(w.jobsWorker())
		eventually(w.bundle, "failed", stateOf, post.PlatformPosts[0])
		w.wantTimes(p, post.PlatformPosts[0], 0)
		w.wantState(l, "needs_reauth refused")
		w.wantAccount(l.accounts[0].ID, "needs_reauth refused")
	})
	t.Run("withdrawn", func(t *testing.T) {
		w, l, p, post := newTweet(t)
		w.box.Withdraw("twitter", l.person)
		w.start(w.jobsWorker())
		eventually(w.bundle, "failed", stateOf, post.PlatformPosts[0])
		w.wantTimes(p, post.PlatformPosts[0], 0)
		w.wantState(l, "needs_reauth revoked")
		w.wantAccount(l.accounts[0].ID, "needs_reauth revoked")
	})
	t.Run("a token that is refused while the platform renews nothing", func(t *testing.T) {
		w, l, p, post := newTweet(t)
		w.refuse("twitter.me", 1)
		w.fault(sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultStatus, Status: 503})
		w.start(w.jobsWorker())
		eventually(w.bundle, "published", stateOf, post.PlatformPosts[0])
		w.wantTimes(p, post.PlatformPosts[0], 1)
		w.wantState(l, "active")
	})
}
