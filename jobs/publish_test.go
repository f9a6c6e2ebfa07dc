package jobs

import (
	"context"
	"encoding/json"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/queries"
)

func insertAt(at time.Time) *river.InsertOpts { return &river.InsertOpts{ScheduledAt: at} }

func TestPublishes(t *testing.T) {
	b := setup(t)
	b.start(b.worker(WorkerConfig{}))
	p := b.scheduled(time.Now())
	eventually(b, "published", stateOf, p.PlatformPosts[0])
	eventually(b, "completed", "select state::text from river.river_job")
	if n := b.platform.times(p.PlatformPosts[0]); n != 1 {
		t.Errorf("published %d times", n)
	}
	if state := scan[string](b, "select state from posts where id = $1", p.ID); state != "published" {
		t.Errorf("the post is %s", state)
	}
	if outcome := scan[string](b, "select outcome from publish_attempts"); outcome != "published" {
		t.Errorf("the attempt's outcome is %s", outcome)
	}
}

// Each class of error has its one behaviour.
func TestClassDecidesWhatFollows(t *testing.T) {
	for _, test := range []struct {
		class       platform.Class
		state       string
		job         string
		integration string
	}{
		{platform.Credential, "failed", "completed", "needs_reauth"},
		{platform.Invalid, "failed", "completed", "active"},
		{platform.PaymentRequired, "failed", "completed", "active"},
		{platform.RateLimited, "scheduled", "scheduled", "active"},
		{platform.Transient, "scheduled", "scheduled", "active"},
	} {
		t.Run(string(test.class), func(t *testing.T) {
			b := setup(t)
			b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
				return &platform.Error{Class: test.class, Message: "No.", Status: 400, Code: "x", RetryAt: time.Now().Add(time.Hour)}
			}
			b.start(b.worker(WorkerConfig{}))
			p := b.scheduled(time.Now())
			eventually(b, test.job, "select state::text from river.river_job where attempted_at is not null")
			if state := scan[string](b, stateOf, p.PlatformPosts[0]); state != test.state {
				t.Errorf("the platform post is %s, not %s", state, test.state)
			}
			if problem := scan[string](b, "select problem_class || ': ' || problem from platform_posts"); problem != string(test.class)+": No." {
				t.Errorf("the problem is %q", problem)
			}
			if state := scan[string](b, "select state from integrations"); state != test.integration {
				t.Errorf("the account is %s, not %s", state, test.integration)
			}
			if outcome := scan[string](b, "select outcome from publish_attempts"); outcome != string(test.class) {
				t.Errorf("the attempt's outcome is %s", outcome)
			}
			if test.job != "scheduled" {
				return
			}
			wait := scan[float64](b, "select extract(epoch from retry_at - now()) from platform_posts")
			if wait < 3500 || wait > 3600 {
				t.Errorf("the next attempt is in %.0f s, not in the hour that the platform named", wait)
			}
		})
	}
}

// A lost answer is looked up at once, and only "certainly not there" leads to another request.
func TestLostAnswer(t *testing.T) {
	lost := &platform.Error{Class: platform.UnknownOutcome, Message: "The answer was lost."}
	t.Run("it is there", func(t *testing.T) {
		b := setup(t)
		b.platform.publish = func(_ context.Context, post platform.Post, _ platform.Attempt) error {
			b.platform.put(post)
			return lost
		}
		b.start(b.worker(WorkerConfig{}))
		p := b.scheduled(time.Now())
		eventually(b, "published", stateOf, p.PlatformPosts[0])
		if n := b.platform.times(p.PlatformPosts[0]); n != 1 {
			t.Errorf("published %d times", n)
		}
	})
	t.Run("it is not there", func(t *testing.T) {
		b := setup(t)
		b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error { return lost }
		b.start(b.worker(WorkerConfig{}))
		p := b.scheduled(time.Now())
		eventually(b, "transient", "select outcome from publish_attempts where finished_at is not null")
		// It stays as it is until it is there: nobody edits what may still appear.
		if state := scan[string](b, stateOf, p.PlatformPosts[0]); state != "publishing" {
			t.Errorf("the platform post is %s", state)
		}
	})
	t.Run("asking is refused, and a part is there", func(t *testing.T) {
		b := setup(t)
		b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error { return lost }
		b.platform.reconcile = func(context.Context, platform.Post) (*platform.Published, error) {
			return nil, &platform.Error{Class: platform.Credential, Message: "Connect it again.", Partial: &platform.Published{ExternalID: "1", At: time.Now()}}
		}
		b.start(b.worker(WorkerConfig{}))
		p := b.scheduled(time.Now())
		eventually(b, "needs_attention", stateOf, p.PlatformPosts[0])
		// Publishing again would send the part that may be there.
		want := "unknown_outcome: It is not known whether the post is there. Look at the platform. Connect it again."
		if got := scan[string](b, "select problem_class || ': ' || problem from platform_posts"); got != want {
			t.Errorf("the problem is %q", got)
		}
	})
	t.Run("nobody can tell", func(t *testing.T) {
		b := setup(t)
		b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error { return lost }
		b.platform.reconcile = func(context.Context, platform.Post) (*platform.Published, error) { return nil, lost }
		b.start(b.worker(WorkerConfig{}))
		p := b.scheduled(time.Now())
		eventually(b, "needs_attention", stateOf, p.PlatformPosts[0])
		eventually(b, "completed", "select state::text from river.river_job")
	})
	t.Run("the platform cannot be asked yet", func(t *testing.T) {
		b := setup(t)
		sent := 0
		b.platform.publish = func(_ context.Context, post platform.Post, _ platform.Attempt) error {
			sent++
			b.platform.put(post)
			return lost
		}
		b.platform.reconcile = func(context.Context, platform.Post) (*platform.Published, error) {
			if b.platform.asked == 1 {
				return nil, &platform.Error{Class: platform.Transient, Message: "Down.", RetryAt: time.Now().Add(100 * time.Millisecond)}
			}
			return &platform.Published{ExternalID: "1", URL: "https://example.com/1", At: time.Now()}, nil
		}
		b.start(b.worker(WorkerConfig{}))
		p := b.scheduled(time.Now())
		eventually(b, "published", stateOf, p.PlatformPosts[0])
		if sent != 1 {
			t.Errorf("sent %d times", sent)
		}
		if outcomes := scan[[]string](b, "select array_agg(outcome order by number) from publish_attempts"); len(outcomes) != 2 ||
			outcomes[0] != "unknown_outcome" || outcomes[1] != "published" {
			t.Errorf("the attempts' outcomes are %v", outcomes)
		}
	})
}

func TestNothingToDo(t *testing.T) {
	for _, state := range []string{"draft", "cancelled"} {
		t.Run(state, func(t *testing.T) {
			b := setup(t)
			p := b.scheduled(time.Now())
			b.exec("update platform_posts set state = $2 where post_id = $1", p.ID, state)
			b.start(b.worker(WorkerConfig{}))
			eventually(b, "completed", "select state::text from river.river_job")
			if n := b.platform.times(p.PlatformPosts[0]); n != 0 {
				t.Errorf("published %d times", n)
			}
		})
	}
	t.Run("another customer's post", func(t *testing.T) {
		b := setup(t)
		p := b.scheduled(time.Now().Add(time.Hour))
		other := b.Customer(t, dbtest.Customer{})
		b.exec(`insert into river.river_job (customer_id, kind, queue, args, max_attempts) values ($1, 'publish', 'publish', $2, 5)`,
			other.ID, map[string]any{"customer_id": other.ID, "post_id": p.ID, "platform_post_id": p.PlatformPosts[0]})
		b.start(b.worker(WorkerConfig{}))
		eventually(b, "cancelled", "select state::text from river.river_job where customer_id = $1", other.ID)
		if state := scan[string](b, stateOf, p.PlatformPosts[0]); state != "scheduled" {
			t.Errorf("the other customer's post is %s", state)
		}
	})
	t.Run("moved to later", func(t *testing.T) {
		b := setup(t)
		p := b.scheduled(time.Now())
		b.exec("update posts set scheduled_at = now() + interval '1 hour' where id = $1", p.ID)
		b.start(b.worker(WorkerConfig{}))
		eventually(b, "scheduled", "select state::text from river.river_job where attempted_at is not null")
		if wait := scan[float64](b, "select extract(epoch from scheduled_at - now()) from river.river_job"); wait < 3590 {
			t.Errorf("the job comes back in %.0f s", wait)
		}
	})
	t.Run("customer archived", func(t *testing.T) {
		b := setup(t)
		p := b.scheduled(time.Now())
		b.exec("update customers set archived_at = now()")
		b.start(b.worker(WorkerConfig{}))
		eventually(b, "cancelled", stateOf, p.PlatformPosts[0])
	})
	t.Run("account disconnected", func(t *testing.T) {
		b := setup(t)
		p := b.scheduled(time.Now())
		b.exec("update integrations set state = 'disconnected', credential = null, key_id = null")
		b.start(b.worker(WorkerConfig{}))
		eventually(b, "needs_attention", stateOf, p.PlatformPosts[0])
		if class := scan[string](b, "select problem_class from platform_posts"); class != "credential" {
			t.Errorf("the problem's class is %s", class)
		}
	})
}

// A worker that was taken for dead cannot overwrite what its successor did, nor publish after it.
func TestSupersededAttempt(t *testing.T) {
	b := setup(t)
	entered, goOn := make(chan struct{}), make(chan struct{})
	var keepError error
	b.platform.publish = func(ctx context.Context, _ platform.Post, attempt platform.Attempt) error {
		close(entered)
		<-goOn
		if keepError = attempt.Keep(ctx, json.RawMessage(`{"draft_id":"1"}`)); keepError != nil {
			return &platform.Error{Class: platform.Transient, Message: "Not kept.", Err: keepError}
		}
		return nil
	}
	b.start(b.worker(WorkerConfig{}))
	p := b.scheduled(time.Now())
	<-entered
	b.exec("update platform_posts set attempt = attempt + 1 where id = $1", p.PlatformPosts[0])
	close(goOn)
	eventually(b, true, "select state <> 'running' from river.river_job where attempted_at is not null")
	if keepError == nil {
		t.Error("a superseded attempt could keep its checkpoint")
	}
	if n := b.platform.times(p.PlatformPosts[0]); n != 0 {
		t.Errorf("published %d times", n)
	}
	if state := scan[string](b, stateOf, p.PlatformPosts[0]); state != "publishing" {
		t.Errorf("the superseded attempt changed the state to %s", state)
	}
}

// A worker that was out of reach for too long and comes back does not end the job that another has since.
func TestRescuedJobIsItsNewWorkers(t *testing.T) {
	b := setup(t)
	var calls atomic.Int32
	entered, goOn := []chan struct{}{make(chan struct{}), make(chan struct{})}, []chan struct{}{make(chan struct{}), make(chan struct{})}
	b.platform.publish = func(_ context.Context, post platform.Post, _ platform.Attempt) error {
		n := calls.Add(1) - 1
		close(entered[n])
		<-goOn[n]
		if n == 0 {
			return &platform.Error{Class: platform.RateLimited, Message: "Later.", RetryAt: time.Now().Add(time.Millisecond)}
		}
		b.platform.put(post)
		return nil
	}
	first := b.worker(WorkerConfig{})
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := b.scheduled(time.Now())
	<-entered[0]
	b.exec("update workers set lease_until = now() - interval '1 minute'")
	if err := first.rescue(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.start(b.worker(WorkerConfig{}))
	<-entered[1]
	close(goOn[0])
	if err := first.Stop(t.Context()); err != nil { // it has written by then how its job ended
		t.Fatal(err)
	}
	if states := scan[string](b, "select string_agg(state::text, ' ') from river.river_job"); states != "running" {
		t.Errorf("the job is %s", states)
	}
	close(goOn[1])
	eventually(b, "published", stateOf, p.PlatformPosts[0])
	if outcomes := scan[string](b, "select string_agg(outcome, ' ' order by number) from publish_attempts"); outcomes != "abandoned published" {
		t.Errorf("the attempts ended %s", outcomes)
	}
}

// What a thread, a long rate limit and a dead worker leave behind: since when the attempts have ended in the same way.
func TestPublishAttemptSummary(t *testing.T) {
	b := setup(t)
	p := b.scheduled(time.Now().Add(time.Hour))
	for i, outcome := range []string{"rate_limited", "waiting", "unknown_outcome", "waiting", "abandoned", "waiting"} {
		b.exec(`insert into publish_attempts (customer_id, platform_post_id, number, job_id, started_at, finished_at, outcome)
			values ($1, $2, $3, 1, now() - make_interval(hours => $4), now(), $5)`, b.customer.ID, p.PlatformPosts[0], i+1, 10-i, outcome)
	}
	for first, want := range map[int32]time.Duration{1: 7 * time.Hour, 6: 5 * time.Hour, 7: 0} {
		q := queries.New(b.TenantWorker().Read(tenant.Worker(b.customer.ID, tenant.Request{})))
		b.exec(`insert into publish_attempts (customer_id, platform_post_id, number, job_id) values ($1, $2, 7, 1) on conflict do nothing`, b.customer.ID, p.PlatformPosts[0])
		got, err := q.PublishAttemptSummary(t.Context(), queries.PublishAttemptSummaryParams{PlatformPostID: p.PlatformPosts[0], FirstAttempt: first})
		if err != nil {
			t.Fatal(err)
		}
		if since := time.Since(got.LastOutcomeSince); since < want-time.Minute || since > want+time.Minute || (got.LastOutcome == "waiting") != (want > 0) {
			t.Errorf("from attempt %d on: %q for %s, want %s", first, got.LastOutcome, since, want)
		}
	}
}

func TestDecide(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		claim   claim
		problem *platform.Error
		want    step
	}{
		"published":                      {claim{}, nil, stepPublished},
		"ninth passing failure":          {claim{failures: transientLimit - 2}, &platform.Error{Class: platform.Transient}, stepRetry},
		"tenth passing failure":          {claim{failures: transientLimit - 1}, &platform.Error{Class: platform.Transient}, stepFail},
		"rate limits are waited out":     {claim{rateLimits: 100, first: now}, &platform.Error{Class: platform.RateLimited}, stepRetry},
		"rate limits for a day":          {claim{rateLimits: 100, last: "rate_limited", lastSince: now.Add(-25 * time.Hour)}, &platform.Error{Class: platform.RateLimited}, stepFail},
		"a rate limit after a day":       {claim{first: now.Add(-25 * time.Hour), last: "waiting", lastSince: now.Add(-25 * time.Hour)}, &platform.Error{Class: platform.RateLimited}, stepRetry},
		"the answer was lost":            {claim{unanswered: true}, &platform.Error{Class: platform.Transient}, stepContinue},
		"the tenth answer was lost":      {claim{unanswered: true, failures: transientLimit - 1}, &platform.Error{Class: platform.Transient}, stepAsk},
		"an earlier answer was lost":     {claim{resumed: true, first: now}, &platform.Error{Class: platform.RateLimited}, stepContinue},
		"it was lost and is refused now": {claim{resumed: true}, &platform.Error{Class: platform.Invalid}, stepFail},
		"readers had a part before":      {claim{PlatformPostLockRow: queries.PlatformPostLockRow{ExternalID: ptr("1")}}, &platform.Error{Class: platform.Invalid}, stepAsk},
		"readers have a part":            {claim{}, &platform.Error{Class: platform.Transient, Partial: &platform.Published{}}, stepContinue},
		"a part alone for a day":         {claim{last: "waiting", lastSince: now.Add(-25 * time.Hour)}, &platform.Error{Class: platform.Waiting, Partial: &platform.Published{}}, stepAsk},
		"at work for a day":              {claim{last: "waiting", lastSince: now.Add(-25 * time.Hour)}, &platform.Error{Class: platform.Waiting}, stepFail},
		"handed over after a day":        {claim{last: "waiting", lastSince: now.Add(-25 * time.Hour)}, platform.HandedOver(), stepRetry},
		"the rest of it is refused":      {claim{}, &platform.Error{Class: platform.Invalid, Partial: &platform.Published{}}, stepAsk},
		"the platform is at work":        {claim{first: now}, &platform.Error{Class: platform.Waiting}, stepRetry},
		"unknown class":                  {claim{}, &platform.Error{Class: "new"}, stepAsk},
		"unknown outcome":                {claim{}, &platform.Error{Class: platform.UnknownOutcome}, stepAsk},
		"asking fails for now":           {claim{unresolved: true, first: now}, &platform.Error{Class: platform.Transient}, stepUnresolved},
		"asking fails for a day":         {claim{unresolved: true, last: "unknown_outcome", lastSince: now.Add(-25 * time.Hour)}, &platform.Error{Class: platform.Transient}, stepAsk},
		"asking fails after a day":       {claim{unresolved: true, first: now.Add(-25 * time.Hour), last: "rate_limited", lastSince: now.Add(-25 * time.Hour)}, &platform.Error{Class: platform.Transient}, stepUnresolved},
		"asking is refused":              {claim{unresolved: true, first: now}, &platform.Error{Class: platform.Credential}, stepAsk},
		"asking cannot tell":             {claim{unresolved: true, first: now}, &platform.Error{Class: platform.UnknownOutcome}, stepAsk},
		"asking says the post is broken": {claim{unresolved: true, first: now}, &platform.Error{Class: platform.Invalid}, stepAsk},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, wait := decide(&test.claim, test.problem, now)
			if got != test.want {
				t.Errorf("decided %d, not %d", got, test.want)
			}
			if again := got == stepRetry || got == stepUnresolved || got == stepContinue; again != (wait > 0) {
				t.Errorf("step %d waits %s", got, wait)
			}
		})
	}
}

// A site that names a second to wait each time is still left in peace for longer and longer.
func TestRateLimitsGrow(t *testing.T) {
	t.Parallel()
	now := time.Now()
	problem := &platform.Error{Class: platform.RateLimited, RetryAt: now.Add(time.Second)}
	for limits, least := range map[int]time.Duration{0: time.Second, 5: 30 * time.Second, 20: 30 * time.Minute} {
		if _, wait := decide(&claim{rateLimits: limits, first: now}, problem, now); wait < least {
			t.Errorf("after %d times: %s, less than %s", limits, wait, least)
		}
	}
	problem.RetryAt = now.Add(time.Hour)
	if _, wait := decide(&claim{first: now}, problem, now); wait != time.Hour {
		t.Errorf("the platform named an hour, but the wait is %s", wait)
	}
}

// Whatever a site says, the outcome can be written down.
func TestOutcomeOfHostileSiteIsRecorded(t *testing.T) {
	b := setup(t)
	b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
		return &platform.Error{Class: platform.Invalid, Message: strings.Repeat("ä\x00\xff", 5000), Code: strings.Repeat("c", 5000)}
	}
	b.start(b.worker(WorkerConfig{}))
	p := b.scheduled(time.Now())
	eventually(b, "failed", stateOf, p.PlatformPosts[0])
}

// One customer's slow sites do not hold all of a worker's slots.
func TestOneCustomerCannotHoldEverySlot(t *testing.T) {
	b := setup(t)
	goOn := make(chan struct{})
	var at atomic.Int32
	b.platform.publish = func(ctx context.Context, post platform.Post, _ platform.Attempt) error {
		if post.Title == "slow" {
			at.Add(1)
			select {
			case <-goOn:
			case <-ctx.Done():
			}
		}
		return nil
	}
	b.start(b.worker(WorkerConfig{Concurrency: 3 * slowShare}))
	for range 4 * slowShare {
		p := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Title: "slow", Integrations: []dbtest.Integration{b.integration}})
		b.schedule(p, time.Now())
		b.enqueue(p, time.Now())
	}
	eventually(b, true, "select count(*) >= $1 from platform_posts where state = 'publishing'", slowShare)

	// Another customer's post is not delayed by it.
	theirs := b.second()
	p := theirs.scheduled(time.Now())
	eventually(theirs, "published", stateOf, p.PlatformPosts[0])
	if n := at.Load(); n != slowShare {
		t.Errorf("%d of one customer's posts were at the platform at once", n)
	}
	close(goOn)
	eventually(b, int64(4*slowShare), "select count(*) from platform_posts where state = 'published' and customer_id = $1", b.customer.ID)
}

// Nor do they hold all slots of all workers: what is at platforms already is counted by customer, and by account.
func TestManyAtPlatforms(t *testing.T) {
	for name, limit := range map[string]struct{ account, elsewhere int }{
		"of the account": {accountLimit, 0}, "of the customer": {1, customerLimit - 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			other := b.account(b.customer)
			for i := range limit.account + limit.elsewhere {
				account := b.integration
				if i >= limit.account {
					account = other
				}
				p := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Integrations: []dbtest.Integration{account}})
				b.schedule(p, time.Now().Add(time.Hour))
				b.exec("update platform_posts set state = 'publishing' where post_id = $1", p.ID)
			}
			b.start(b.worker(WorkerConfig{}))
			p := b.scheduled(time.Now())
			eventually(b, true, "select coalesce(sum((metadata ->> 'snoozes')::integer), 0) > 1 from river.river_job where args ->> 'post_id' = $1", p.ID.String())
			if state := scan[string](b, stateOf, p.PlatformPosts[0]); state != "scheduled" {
				t.Errorf("one more is %s", state)
			}
			b.exec("update platform_posts set state = 'needs_attention', problem = 'x', problem_class = 'unknown_outcome' where post_id <> $1", p.ID)
			eventually(b, "published", stateOf, p.PlatformPosts[0])
		})
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 4: 8 * time.Second, 7: time.Minute, 1000: time.Minute} {
		if got := backoff(n, time.Second, time.Minute); got != want {
			t.Errorf("after %d failures: %s, not %s", n, got, want)
		}
	}
}
