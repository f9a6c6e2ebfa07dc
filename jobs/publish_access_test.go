package jobs

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

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
		w.box.ClearFaults()
		w.again(l)
		w.exec("update river.river_job set scheduled_at = now() where kind = 'publish'")
		eventually(w.bundle, "published", stateOf, post.PlatformPosts[0])
		w.wantTimes(p, post.PlatformPosts[0], 1)
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
