package api_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestPublishingRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	fresh := func(t *testing.T) string {
		t.Helper()
		return c.path("/posts/%s", w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}}).ID)
	}
	at := m{"scheduled_at": time.Now().Add(time.Hour)}
	stale := statuses{412, 412, 412, 403, 412, 412, 403, 404}
	for operation, o := range map[string]struct {
		want statuses
		body any
	}{"/publish": {launching, nil}, "/schedule": {launching, at}, "/cancel": {working, nil}} {
		c.roles(t, o.want, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "POST", fresh(t)+operation, o.body) })
		c.roles(t, stale, func(t *testing.T, who dbtest.User) answer {
			return w.call(t, who, "POST", fresh(t)+operation, o.body, "If-Match", `"v9"`)
		})
	}
}

// waiting gives the waiting jobs of a post: how many, and the moment of the first.
func (w *world) waiting(t testing.TB, p api.Post) (n int, at *time.Time) {
	t.Helper()
	err := w.Super.QueryRow(context.Background(), `select count(*), min(scheduled_at) from river.river_job
		where args ->> 'post_id' = $1 and state in ('available', 'scheduled', 'retryable', 'pending')`, p.ID.String()).Scan(&n, &at)
	if err != nil {
		t.Fatal(err)
	}
	return n, at
}

func TestScheduleAndCancel(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	first := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	second := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	id := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{first, second}}).ID
	path := c.path("/posts/%s", id)
	got := w.call(t, c.viewer, "GET", path, nil).want(t, 200)

	at := time.Now().Add(48 * time.Hour).Truncate(time.Second)
	scheduled := w.call(t, c.member, "POST", path+"/schedule", m{"scheduled_at": at.In(time.FixedZone("", 5*3600+1800))}, "If-Match", got.etag()).want(t, 202)
	post := into[api.Post](t, scheduled)
	if post.State != "scheduled" || !post.ScheduledAt.Equal(at) || post.ScheduledAt.Location() != time.UTC || post.PlatformPosts[1].State != "scheduled" {
		t.Errorf("scheduled %+v", post)
	}
	if n, when := w.waiting(t, post); n != 2 || !when.Equal(at) {
		t.Errorf("%d jobs at %s", n, when)
	}
	w.call(t, c.member, "POST", path+"/schedule", m{"scheduled_at": at}, "If-Match", got.etag()).want(t, 412)
	w.call(t, c.member, "PATCH", path, m{"platforms": []m{}}).want(t, 409)
	w.call(t, c.member, "PATCH", path, m{"text": "A better text"}).want(t, 200)

	moved := into[api.Post](t, w.call(t, c.member, "POST", path+"/schedule", m{"scheduled_at": at.Add(time.Hour)}).want(t, 202))
	if n, when := w.waiting(t, moved); n != 2 || !when.Equal(at.Add(time.Hour)) || !moved.ScheduledAt.Equal(at.Add(time.Hour)) {
		t.Errorf("moved: %d jobs at %s, the post says %s", n, when, moved.ScheduledAt)
	}

	cancelled := w.call(t, c.member, "POST", path+"/cancel", nil).want(t, 200)
	if p := into[api.Post](t, cancelled); p.State != "cancelled" {
		t.Errorf("is %s", p.State)
	}
	if n, _ := w.waiting(t, post); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
	again := w.call(t, c.member, "POST", path+"/cancel", nil).want(t, 200)
	if again.etag() != cancelled.etag() {
		t.Error("cancelling what is cancelled made a new version")
	}
	w.call(t, c.member, "PATCH", path, m{"platforms": []m{{"integration_id": first.ID}}}).want(t, 200)
	now := into[api.Post](t, w.call(t, c.member, "POST", path+"/publish", nil).want(t, 202))
	if n, _ := w.waiting(t, now); n != 1 || now.State != "scheduled" || time.Since(*now.ScheduledAt).Abs() > time.Minute {
		t.Errorf("published: %d jobs, %+v", n, now)
	}
}

func TestPublishRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	at := m{"scheduled_at": time.Now().Add(time.Hour)}
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	make := func(accounts ...dbtest.Integration) dbtest.Post {
		return w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: accounts})
	}

	nowhere := c.path("/posts/%s", make().ID)
	w.call(t, c.member, "POST", nowhere+"/publish", nil).want(t, 409)
	w.call(t, c.member, "POST", nowhere+"/schedule", at).want(t, 409)
	if p := into[api.Post](t, w.call(t, c.member, "POST", nowhere+"/cancel", nil).want(t, 200)); p.State != "cancelled" {
		t.Errorf("is %s", p.State)
	}

	for _, state := range []string{"disconnected", "needs_reauth"} {
		lost := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
		if state == "disconnected" {
			w.exec(t, "update integrations set state = $2, credential = null, key_id = null where id = $1", lost.ID, state)
		} else {
			w.exec(t, "update integrations set state = $2 where id = $1", lost.ID, state)
		}
		w.exec(t, "update integrations set name = 'The lost one' where id = $1", lost.ID)
		want := map[string]string{"disconnected": `The account "The lost one" on Ghost is not connected.`, "needs_reauth": `The account "The lost one" on Ghost must be connected again`}
		if p := w.call(t, c.member, "POST", c.path("/posts/%s/publish", make(account, lost).ID), nil).want(t, 409).problem(t); !strings.HasPrefix(p.Detail, want[state]) {
			t.Errorf("%s: %s", state, p.Detail)
		}
	}

	// What the worker has begun or finished is out of the API's hands.
	steps := map[string][]string{
		"publishing":      {"scheduled", "publishing"},
		"published":       {"scheduled", "publishing", "published"},
		"needs_attention": {"scheduled", "publishing", "needs_attention"},
	}
	for state, way := range steps {
		post := make(account)
		for _, step := range way {
			w.exec(t, "update posts set scheduled_at = now() where id = $1", post.ID)
			w.exec(t, `update platform_posts set state = $2, attempt = 1, external_id = id, published_at = now(), problem = 'p', problem_class = 'unknown_outcome'
				where post_id = $1`, post.ID, step)
		}
		path := c.path("/posts/%s", post.ID)
		if p := into[api.Post](t, w.call(t, c.viewer, "GET", path, nil)); p.State != state {
			t.Fatalf("is %s, want %s", p.State, state)
		}
		before := w.stored(t)
		w.call(t, c.member, "POST", path+"/publish", nil).want(t, 409)
		w.call(t, c.member, "POST", path+"/schedule", at).want(t, 409)
		w.call(t, c.member, "PATCH", path, m{"text": "Rewritten"}).want(t, 409)
		w.call(t, c.member, "PATCH", path, m{"platforms": []m{{"integration_id": account.ID, "text": "Rewritten"}}}).want(t, 409)
		w.call(t, c.member, "PATCH", path, m{"platforms": []m{}}).want(t, 409)
		if state != "needs_attention" {
			w.call(t, c.member, "POST", path+"/cancel", nil).want(t, 409)
		}
		if after := w.stored(t); after != before {
			t.Errorf("%s: something changed: %s, before %s", state, after, before)
		}
	}
}

// What failed is tried again, what is published stays as it is.
func TestPublishAgain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	accounts := []dbtest.Integration{w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID}), w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})}
	post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: accounts})
	path := c.path("/posts/%s", post.ID)
	w.call(t, c.member, "POST", path+"/publish", nil).want(t, 202)
	w.exec(t, "delete from river.river_job")
	w.exec(t, "update platform_posts set state = 'publishing', attempt = 1 where post_id = $1", post.ID)
	w.exec(t, "update platform_posts set state = 'published', external_id = 'x', external_url = 'https://x.example/1', published_at = now() where id = $1", post.PlatformPosts[0])
	w.exec(t, "update platform_posts set state = 'failed', problem = 'No.', problem_class = 'invalid' where id = $1", post.PlatformPosts[1])
	if p := into[api.Post](t, w.call(t, c.viewer, "GET", path, nil)); p.State != "partially_published" || *p.PlatformPosts[1].ProblemClass != "invalid" || *p.PlatformPosts[0].ExternalURL != "https://x.example/1" {
		t.Errorf("is %+v", p)
	}
	again := into[api.Post](t, w.call(t, c.member, "POST", path+"/publish", nil).want(t, 202))
	if again.PlatformPosts[0].State != "published" || again.PlatformPosts[1].State != "scheduled" || again.PlatformPosts[1].Problem != nil {
		t.Errorf("is %+v", again.PlatformPosts)
	}
	if n := w.count(t, "select count(*) from river.river_job where args ->> 'platform_post_id' = $1", post.PlatformPosts[1].String()); n != 1 {
		t.Errorf("%d jobs for the failed one", n)
	}
	if n := w.count(t, "select count(*) from river.river_job"); n != 1 {
		t.Errorf("%d jobs in all", n)
	}
}

// However many publish at once, each platform post has one waiting job.
func TestPublishAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}})
	path := c.path("/posts/%s", post.ID)
	etag := w.call(t, c.viewer, "GET", path, nil).etag()
	var wait sync.WaitGroup
	var lock sync.Mutex
	got := map[int]int{}
	for i := range 12 {
		wait.Go(func() {
			headers := []string{}
			if i%2 == 0 {
				headers = []string{"If-Match", etag}
			}
			a := w.call(t, c.member, "POST", path+"/publish", nil, headers...)
			lock.Lock()
			defer lock.Unlock()
			got[a.status]++
		})
	}
	wait.Wait()
	if n, _ := w.waiting(t, api.Post{ID: post.ID}); n != 1 {
		t.Errorf("%d waiting jobs", n)
	}
	if got[202] < 6 || got[202] > 7 || got[202]+got[412] != 12 {
		t.Errorf("answered %v", got)
	}
}

func TestScheduleTimes(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}})
	path := c.path("/posts/%s/schedule", post.ID)
	soon := time.Now().Add(24 * time.Hour).UTC()
	before := w.stored(t)
	for _, bad := range []string{
		time.Now().Add(-time.Second).Format(time.RFC3339), "2020-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
		time.Now().AddDate(6, 0, 0).Format(time.RFC3339),
	} {
		w.call(t, c.member, "POST", path, m{"scheduled_at": bad}).wantAt(t, "body.scheduled_at")
	}
	for _, bad := range []any{
		soon.Format("2006-01-02T15:04:05"), soon.Format("2006-01-02"), soon.Format("2006-01-02 15:04:05Z"), "tomorrow", "", nil, 1893456000, true,
		"2030-02-30T00:00:00Z", "2030-01-01T24:00:00Z", "2030-01-01T23:59:60Z",
		"2030-01-01T09:00:00+25:00", "10000-01-01T00:00:00Z", []string{"2030-01-01T09:00:00Z"},
	} {
		if got := w.call(t, c.member, "POST", path, m{"scheduled_at": bad}); got.status != 422 {
			t.Errorf("%v: got %d", bad, got.status)
		}
	}
	if after := w.stored(t); after != before {
		t.Errorf("something changed: %s, before %s", after, before)
	}
	for i, good := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05.999999Z"} {
		at := soon.Add(time.Duration(i) * time.Minute).Truncate(time.Microsecond)
		p := into[api.Post](t, w.call(t, c.member, "POST", path, m{"scheduled_at": at.Format(good)}).want(t, 202))
		if p.ScheduledAt.Sub(at).Abs() >= time.Second {
			t.Errorf("scheduled at %s, want %s", p.ScheduledAt, at)
		}
	}
}

// What is at its platform already keeps its job, whatever becomes of the rest of the post.
func TestScheduleLeavesWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	accounts := []dbtest.Integration{w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID}), w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})}
	post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Title: "Two", Integrations: accounts})
	path := c.path("/posts/%s", post.ID)
	w.call(t, c.member, "POST", path+"/publish", nil).want(t, 202)
	w.exec(t, "update platform_posts set state = 'publishing', attempt = 1, retry_at = now() + interval '1 hour' where post_id = $1", post.ID)
	w.exec(t, "update platform_posts set state = 'failed', problem = 'No.', problem_class = 'invalid' where id = $1", post.PlatformPosts[1])
	const jobs = "select count(*) from river.river_job where args ->> 'platform_post_id' = $1 and state in ('available', 'scheduled')"
	w.call(t, c.member, "POST", path+"/schedule", m{"scheduled_at": time.Now().Add(30 * 24 * time.Hour).Format(time.RFC3339)}).want(t, 202)
	w.call(t, c.member, "POST", path+"/cancel", nil).want(t, 200)
	if n := w.count(t, jobs, post.PlatformPosts[0].String()); n != 1 {
		t.Errorf("%d jobs for the one that is being published", n)
	}
	if n := w.count(t, jobs, post.PlatformPosts[1].String()); n != 0 {
		t.Errorf("%d jobs for the one that was cancelled", n)
	}
	w.exec(t, "delete from river.river_job")
	w.exec(t, "update platform_posts set retry_at = now() - interval '2 minutes' where id = $1", post.PlatformPosts[0])
	if n := w.count(t, "select count(*) from tenancy.stranded_platform_posts('1 minute', 10)"); n != 1 {
		t.Errorf("%d posts are found whose job is gone", n)
	}
}
