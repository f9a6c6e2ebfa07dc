package jobs

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"fanfare/db/dbtest"
	"fanfare/internal/platform"
	"fanfare/queries"
)

// A scheduled post goes out within a second of its time, and never before it.
func TestOnTime(t *testing.T) {
	b := setup(t)
	var at atomic.Value
	b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
		at.Store(time.Now())
		return nil
	}
	b.start(b.worker(WorkerConfig{}))
	due := time.Now().Add(3 * time.Second)
	p := b.scheduled(due)
	eventually(b, "published", stateOf, p.PlatformPosts[0])
	if late := at.Load().(time.Time).Sub(due); late < 0 || late > time.Second {
		t.Errorf("published %s after its time", late)
	}
}

// The job of a worker whose lease has ended goes to another, and the platform is asked before anything is sent.
func TestDeadWorkersJobIsTakenOver(t *testing.T) {
	b := setup(t)
	p := b.scheduled(time.Now())
	// What a worker leaves behind that was killed right after the platform had published.
	b.exec("insert into workers (id, lease_until) values ('dead', now() - interval '1 second')")
	b.exec("update river.river_job set state = 'running', attempt = 1, attempted_at = now(), attempted_by = '{dead}'")
	b.exec("update platform_posts set state = 'publishing', attempt = 1 where id = $1", p.PlatformPosts[0])
	b.exec(`insert into publish_attempts (customer_id, platform_post_id, number, job_id)
		select $1, $2, 1, id from river.river_job`, b.customer.ID, p.PlatformPosts[0])
	b.platform.put(platform.Post{ID: p.PlatformPosts[0]})

	b.start(b.worker(WorkerConfig{}))
	eventually(b, "published", stateOf, p.PlatformPosts[0])
	if n := b.platform.times(p.PlatformPosts[0]); n != 1 {
		t.Errorf("published %d times", n)
	}
	if outcomes := scan[[]string](b, "select array_agg(outcome order by number) from publish_attempts"); len(outcomes) != 2 ||
		outcomes[0] != "abandoned" || outcomes[1] != "published" {
		t.Errorf("the attempts' outcomes are %v", outcomes)
	}
}

// A second job for a post that somebody is publishing leaves it alone.
func TestTwoJobsForOnePost(t *testing.T) {
	b := setup(t)
	entered, goOn := make(chan struct{}), make(chan struct{})
	b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
		close(entered) // a second call would panic
		<-goOn
		return nil
	}
	b.start(b.worker(WorkerConfig{}))
	p := b.scheduled(time.Now())
	<-entered
	b.enqueue(p, time.Now())
	eventually(b, 1, "select count(*)::int from river.river_job where attempted_at is not null and scheduled_at > now() + interval '1 second'")
	close(goOn)
	eventually(b, "published", stateOf, p.PlatformPosts[0])
	if n := b.platform.times(p.PlatformPosts[0]); n != 1 {
		t.Errorf("published %d times", n)
	}
}

// A worker that cannot renew its lease breaks off what it is doing before others may begin.
func TestLostLeaseBreaksOffCalls(t *testing.T) {
	b := setup(t)
	entered := make(chan struct{})
	brokenOff := make(chan error, 1)
	b.platform.publish = func(ctx context.Context, _ platform.Post, _ platform.Attempt) error {
		close(entered)
		<-ctx.Done()
		brokenOff <- context.Cause(ctx)
		return &platform.Error{Class: platform.Transient, Message: "Broken off.", RetryAt: time.Now().Add(time.Hour)}
	}
	w := b.worker(WorkerConfig{Lease: time.Second})
	b.start(w)
	b.scheduled(time.Now())
	<-entered
	// The table is out of reach for the worker, as if the database were.
	b.exec("revoke insert, update on workers from fanfare_worker")
	select {
	case cause := <-brokenOff:
		if !errors.Is(cause, errLeaseLost) {
			t.Errorf("broken off by %v", cause)
		}
	case <-time.After(time.Minute):
		t.Fatal("the call went on without a lease")
	}
	b.exec("grant insert, update on workers to fanfare_worker")
	await(t, func() (bool, string) {
		ctx, release := w.lease.hold(t.Context())
		defer release()
		return ctx.Err() == nil, "the lease is not renewed, or does not hold"
	})
}

func TestStopLetsJobsFinish(t *testing.T) {
	b := setup(t)
	entered := make(chan struct{})
	b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
		close(entered)
		time.Sleep(300 * time.Millisecond) // how long the platform takes
		return nil
	}
	w := b.worker(WorkerConfig{})
	if err := w.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := b.scheduled(time.Now())
	<-entered
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state := scan[string](b, stateOf, p.PlatformPosts[0]); state != "published" {
		t.Errorf("the platform post is %s", state)
	}
	if n := scan[int](b, "select count(*)::int from workers"); n != 0 {
		t.Error("a stopped worker still has a lease")
	}
}

// A post that is due and has no job, whatever ate it, is enqueued again; others are not.
func TestSweepFindsStrandedPosts(t *testing.T) {
	b := setup(t)
	stranded := b.scheduled(time.Now().Add(-10 * time.Minute))
	b.exec("delete from river.river_job")
	waiting := b.scheduled(time.Now().Add(-10 * time.Minute))
	draft := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Integrations: []dbtest.Integration{b.integration}})
	later := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Integrations: []dbtest.Integration{b.integration}})
	b.schedule(later, time.Now().Add(time.Hour))
	w := b.worker(WorkerConfig{})
	if err := w.sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		post dbtest.Post
		want int
	}{{stranded, 1}, {waiting, 1}, {draft, 0}, {later, 0}} {
		if n := scan[int](b, "select count(*)::int from river.river_job where args ->> 'post_id' = $1", test.post.ID.String()); n != test.want {
			t.Errorf("%d jobs, not %d", n, test.want)
		}
	}
}

// What says nothing any more of how limits were used is deleted, in as many batches as it takes.
func TestSweepOfLimits(t *testing.T) {
	b := setup(t)
	b.exec(`insert into rate_limits (customer_id, endpoint, tat) select $1, 'e-' || n, now() - interval '2 minutes' from generate_series(1, $2) n`,
		b.customer.ID, limitsBatch+5)
	b.exec("insert into rate_limits (customer_id, endpoint, tat) values ($1, 'used', now() + interval '1 minute')", b.customer.ID)
	b.exec("insert into caller_rate_limits (caller, endpoint, tat) values ('user:a', 'e', now() - interval '1 day'), ('user:b', 'e', now() + interval '1 day')")
	if err := b.worker(WorkerConfig{}).sweepLimits(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := scan[string](b, "select string_agg(x, ' ' order by x) from (select endpoint from rate_limits union all select caller from caller_rate_limits) l (x)"); left != "used user:b" {
		t.Errorf("left are %s", left)
	}
}

// What was counted is added up, in as many batches as it takes, and reservations that were left behind are charged.
func TestAddUpUsage(t *testing.T) {
	b := setup(t)
	b.exec("insert into usage_entries (customer_id, kind, count) select $1, 'x', 1 from generate_series(1, 10005)", b.customer.ID)
	b.exec("insert into llm_months (customer_id, month, reserved_tokens) values ($1, tenancy.month_of(now()), 5)", b.customer.ID)
	b.exec("insert into llm_reservations (customer_id, id, kind, own_key, tokens, cost_microusd, expires_at) values ($1, gen_random_uuid(), 'x', false, 5, 0, now())", b.customer.ID)
	if err := b.worker(WorkerConfig{}).addUpUsage(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := scan[string](b, "select concat_ws(' ', (select count(*) from usage_entries), (select sum(count) from usage_days), reserved_tokens, lost_tokens) from llm_months"); got != "0 10005 0 5" {
		t.Errorf("entries, counted, reserved and lost are %s", got)
	}
}

// Promotion hands over what falls due soon and nothing else.
func TestPromote(t *testing.T) {
	b := setup(t)
	soon, later := b.scheduled(time.Now().Add(promoteAhead-time.Second)), b.scheduled(time.Now().Add(time.Hour))
	n, err := queries.New(b.Worker).JobPromote(t.Context(), queries.JobPromoteParams{Ahead: promoteAhead, MaxRows: 10})
	if err != nil || n != 1 {
		t.Fatalf("promoted %d jobs: %v", n, err)
	}
	const job = "select state::text from river.river_job where args ->> 'post_id' = $1"
	if state := scan[string](b, job, soon.ID.String()); state != "available" {
		t.Errorf("the job that is due soon is %s", state)
	}
	if state := scan[string](b, job, later.ID.String()); state != "scheduled" {
		t.Errorf("the job for later is %s", state)
	}
}

// Ways to a platform that nobody has gone to their end are forgotten, with what is sealed of them.
func TestForgetsConnectSessions(t *testing.T) {
	b := setup(t)
	admin := b.Member(t, b.customer.ID, "admin")
	for _, ago := range []string{"10 minutes", "2 hours"} {
		b.exec(`insert into connect_sessions (customer_id, id, platform, user_id, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id, expires_at)
			select $1, gen_random_uuid(), 'twitter', $4, sha256($2::bytea), sha256($2::bytea), '', '', 'sealed', 1, now() - $3::interval`,
			b.customer.ID, []byte(ago), ago, admin.ID)
	}
	w := b.worker(WorkerConfig{})
	if err := w.forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(b, 1, "select count(*)::int from connect_sessions")
}
