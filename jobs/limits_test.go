package jobs

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/internal/platform"
)

// observing is a platform that takes so many posts of an account in a window and says so in every answer.
func observing(left *atomic.Int64, resets time.Time) func(context.Context, platform.Post, platform.Attempt) error {
	return func(_ context.Context, _ platform.Post, attempt platform.Attempt) error {
		rest := left.Add(-1)
		attempt.Observe(platform.Quota{Limit: 5, Remaining: int(max(rest, 0)), Resets: resets})
		if rest < 0 {
			return &platform.Error{Class: platform.RateLimited, Status: 429, Message: "Enough.", RetryAt: resets}
		}
		return nil
	}
}

const waitingForLimit = "select count(*)::int from platform_posts where state = 'scheduled' and problem_class = 'rate_limited' and retry_at > now()"

// An account whose window is used up is not asked again before the next one begins, by no worker, and another account goes on.
func TestAccountLimitIsKept(t *testing.T) {
	b := setup(t)
	resets := time.Now().Add(4 * time.Second)
	var left, asked atomic.Int64
	left.Store(5)
	limited := observing(&left, resets)
	b.platform.publish = func(ctx context.Context, post platform.Post, attempt platform.Attempt) error {
		asked.Add(1)
		if time.Now().After(resets) {
			return nil
		}
		return limited(ctx, post, attempt)
	}
	// The platform has told of the window before.
	b.exec("insert into account_limits (customer_id, integration_id, quota, remaining, resets_at) values ($1, $2, 5, 5, $3)", b.customer.ID, b.integration.ID, resets)
	b.start(b.worker(WorkerConfig{}))
	b.start(b.worker(WorkerConfig{}))
	for range 12 {
		b.scheduled(time.Now())
	}
	eventually(b, 7, waitingForLimit)
	if n := asked.Load(); n != 5 {
		t.Errorf("the platform was asked %d times in a window of 5", n)
	}
	if n := scan[int](b, "select count(*)::int from publish_attempts"); n != 5 {
		t.Errorf("%d attempts: waiting is none", n)
	}
	eventually(b, 12, "select count(*)::int from platform_posts where state = 'published'")
	if first := scan[time.Time](b, "select min(published_at) from (select published_at from platform_posts order by published_at offset 5) p"); first.Before(resets.Add(-10 * time.Millisecond)) {
		t.Errorf("the sixth post went out at %s, before the window ended at %s", first, resets)
	}
}

// A refusal makes the account's other posts wait without asking; where the whole application is refused, the platform's other
// accounts too, and no account elsewhere.
func TestRefusalPauses(t *testing.T) {
	for _, app := range []bool{false, true} {
		t.Run(map[bool]string{false: "account", true: "app"}[app], func(t *testing.T) {
			b := setup(t)
			var asked atomic.Int64
			b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
				asked.Add(1)
				return &platform.Error{Class: platform.RateLimited, App: app, Status: 429, Message: "Enough.", RetryAt: time.Now().Add(time.Hour)}
			}
			b.start(b.worker(WorkerConfig{}))
			b.scheduled(time.Now())
			eventually(b, 1, waitingForLimit)
			for range 3 {
				b.scheduled(time.Now())
			}
			eventually(b, 4, waitingForLimit)
			if n := asked.Load(); n != 1 {
				t.Errorf("the platform was asked %d times", n)
			}
			other := b.second()
			p := other.scheduled(time.Now())
			if app {
				eventually(b, 5, waitingForLimit)
				if n := asked.Load(); n != 1 {
					t.Errorf("the platform was asked %d times, though it takes nothing from the application", n)
				}
				return
			}
			eventually(b, "rate_limited", "select coalesce(outcome, '') from publish_attempts where platform_post_id = $1", p.PlatformPosts[0])
			if n := asked.Load(); n != 2 {
				t.Errorf("the platform was asked %d times; the other account has its own limit", n)
			}
		})
	}
}

// A request that was taken for an attempt and not made is given back, and a limit of another request pauses nobody.
func TestUnusedRequestsAreGivenBack(t *testing.T) {
	b := setup(t)
	b.exec("insert into account_limits (customer_id, integration_id, quota, remaining, resets_at) values ($1, $2, 5, 5, now() + interval '1 hour')", b.customer.ID, b.integration.ID)
	b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
		return &platform.Error{Class: platform.RateLimited, Aside: true, Status: 429, Message: "No more uploads.", RetryAt: time.Now().Add(time.Hour)}
	}
	b.start(b.worker(WorkerConfig{}))
	for range 3 {
		b.scheduled(time.Now())
	}
	eventually(b, 3, "select count(*)::int from publish_attempts where outcome = 'rate_limited'")
	if left := scan[int](b, "select remaining from account_limits where paused_until is null"); left != 5 {
		t.Errorf("%d requests are left of 5, of which none was made", left)
	}
}

// A saturated account holds no slot: with a single one, another account's post goes out while a hundred wait.
func TestSaturatedAccountHoldsNoSlot(t *testing.T) {
	b := setup(t)
	b.exec("insert into account_limits (customer_id, integration_id, paused_until) values ($1, $2, now() + interval '15 minutes')", b.customer.ID, b.integration.ID)
	for range 100 {
		b.scheduled(time.Now())
	}
	b.start(b.worker(WorkerConfig{Concurrency: 1}))
	eventually(b, 100, waitingForLimit)
	other := b.second()
	p := other.scheduled(time.Now())
	eventually(b, "published", stateOf, p.PlatformPosts[0])
	if n := scan[int](b, waitingForLimit); n != 100 {
		t.Errorf("%d of 100 still wait", n)
	}
}

// What readers have in part stays where it is until the rest is there, and goes on from there.
func TestPartIsPublished(t *testing.T) {
	part := &platform.Published{ExternalID: "part", URL: "https://example.com/part", At: time.Now()}
	for _, test := range []struct {
		name   string
		class  platform.Class
		state  string
		class2 string
	}{
		{"passing", platform.Transient, "publishing", "transient"},
		{"waiting", platform.Waiting, "publishing", "transient"},
		{"refused", platform.Invalid, "needs_attention", "invalid"},
		{"disconnected", platform.Credential, "needs_attention", "credential"},
		{"unknown", platform.UnknownOutcome, "needs_attention", "unknown_outcome"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := setup(t)
			b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
				return &platform.Error{Class: test.class, Message: "No.", RetryAt: time.Now().Add(time.Hour), Partial: part}
			}
			b.platform.reconcile = func(context.Context, platform.Post) (*platform.Published, error) {
				return nil, &platform.Error{Class: platform.UnknownOutcome, Message: "Who knows.", Partial: part}
			}
			b.start(b.worker(WorkerConfig{}))
			p := b.scheduled(time.Now())
			eventually(b, true, "select finished_at is not null from publish_attempts")
			got := scan[string](b, "select state || ' ' || problem_class || ' ' || external_id || ' ' || external_url from platform_posts where id = $1", p.PlatformPosts[0])
			if want := test.state + " " + test.class2 + " part https://example.com/part"; got != want {
				t.Errorf("the platform post is %q, not %q", got, want)
			}
			var refused *pgconn.PgError
			_, err := b.Super.Exec(t.Context(), "update posts set text = 'Another.' where id = $1", p.ID)
			if !errors.As(err, &refused) || refused.ConstraintName != "posts_content_frozen" {
				t.Errorf("a post that is out in part was changed: %v", err)
			}
			if test.state != "publishing" {
				return
			}
			b.platform.mu.Lock()
			b.platform.publish = nil
			b.platform.reconcile = func(context.Context, platform.Post) (*platform.Published, error) { return nil, nil } //nolint:nilnil // there is more to do
			b.platform.mu.Unlock()
			eventually(b, "scheduled", "select state::text from river.river_job")
			b.exec("update platform_posts set retry_at = now()")
			b.exec("update river.river_job set scheduled_at = now()")
			eventually(b, "published", stateOf, p.PlatformPosts[0])
		})
	}
}

// A worker that is to end breaks off what takes long, and another goes on at once where it stood.
func TestHandOver(t *testing.T) {
	b := setup(t)
	began := make(chan struct{}, 1)
	b.platform.publish = func(ctx context.Context, _ platform.Post, attempt platform.Attempt) error {
		if string(attempt.Checkpoint) == `{"pieces": 1}` {
			return nil
		}
		if err := attempt.Keep(ctx, []byte(`{"pieces": 1}`)); err != nil {
			return err
		}
		began <- struct{}{}
		select {
		case <-attempt.Stopping:
			return platform.HandedOver()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	first := b.worker(WorkerConfig{})
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := b.scheduled(time.Now())
	<-began
	b.start(b.worker(WorkerConfig{}))
	stopping := time.Now()
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(stopping); took > callTimeout/2 {
		t.Errorf("stopping took %s", took)
	}
	eventually(b, "published", stateOf, p.PlatformPosts[0])
	if outcomes := scan[string](b, "select string_agg(outcome, ' ' order by number) from publish_attempts"); outcomes != "waiting published" {
		t.Errorf("the attempts ended %s", outcomes)
	}
}
