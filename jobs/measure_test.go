package jobs

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"fanfare/db/dbtest"
	"fanfare/internal/platform"
)

// measuring is a scripted platform that tells numbers.
type measuring struct {
	*scripted
	asked   atomic.Int64
	measure func(externalID string) (platform.Metrics, error)
}

func (m *measuring) Measure(_ context.Context, credential json.RawMessage, externalID string) (platform.Metrics, error) {
	m.asked.Add(1)
	if string(credential) != `{"secret":"s3cret"}` {
		return platform.Metrics{}, &platform.Error{Class: platform.Credential, Message: "another credential"}
	}
	return m.measure(externalID)
}

// published makes a post that has been published so long ago, with its first question due at its time.
func (b *bundle) published(ago time.Duration) dbtest.Post {
	b.t.Helper()
	p := b.Post(b.t, dbtest.Post{CustomerID: b.customer.ID, Integrations: []dbtest.Integration{b.integration}})
	b.schedule(p, time.Now().Add(-ago))
	b.exec("update platform_posts set state = 'publishing', attempt = 1 where post_id = $1", p.ID)
	b.exec("update platform_posts set state = 'published', external_id = id::text, published_at = now() - $2::interval where post_id = $1", p.ID, ago)
	b.exec("update platform_posts set measure_at = published_at + interval '1 hour' where post_id = $1", p.ID)
	return p
}

// measurer starts a worker whose platform tells numbers, and looks for what is due each time that ask is called.
func (b *bundle) measurer(measure func(string) (platform.Metrics, error)) (*measuring, *Worker) {
	b.t.Helper()
	m := &measuring{scripted: b.platform, measure: measure}
	w := b.worker(WorkerConfig{})
	w.deps.Publishers[platform.Ghost] = m
	b.start(w)
	return m, w
}

// look has the worker look for what is due, once the jobs of the last look have ended.
func (b *bundle) look(w *Worker) {
	b.t.Helper()
	eventually(b, 0, "select count(*)::int from river.river_job where kind = 'measure' and state <> 'completed'")
	if err := w.dispatchMeasurements(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

func TestNextMeasurement(t *testing.T) {
	t.Parallel()
	published := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	var ages []time.Duration
	for at := published; ; {
		next := nextMeasurement(published, at)
		if next == nil {
			break
		}
		if !next.After(at) || len(ages) > 100 {
			t.Fatalf("after %s comes %s", at.Sub(published), next.Sub(published))
		}
		at = *next
		ages = append(ages, at.Sub(published))
	}
	want := []time.Duration{time.Hour, 6 * time.Hour, day, 2 * day, 3 * day, 4 * day, 5 * day, 6 * day, 7 * day, 14 * day, 21 * day, 28 * day}
	for n := 2; n <= 12; n++ {
		want = append(want, time.Duration(n)*30*day)
	}
	if len(ages) != len(want) {
		t.Fatalf("%v, want %v", ages, want)
	}
	for i := range want {
		if ages[i] != want[i] {
			t.Errorf("question %d comes after %s, want %s", i+1, ages[i], want[i])
		}
	}
	if next := nextMeasurement(published, published.Add(-time.Hour)); next == nil || next.Sub(published) != time.Hour {
		t.Errorf("published in the future: %v", next)
	}
}

// TestMeasure: a post is asked about when it is due, less and less often, the numbers of a day are its newest ones, and the use of
// the credential is recorded.
func TestMeasure(t *testing.T) {
	b := setup(t)
	var likes atomic.Int64
	likes.Store(3)
	m, w := b.measurer(func(string) (platform.Metrics, error) {
		return platform.Metrics{Impressions: ptr(int64(100)), Likes: ptr(likes.Load())}, nil
	})
	p := b.published(50 * time.Minute)
	id := p.PlatformPosts[0]
	b.look(w)
	if n := scan[int](b, "select count(*)::int from river.river_job where kind = 'measure'"); n != 0 {
		t.Fatalf("%d questions before the first hour is over", n)
	}
	const atHours = "select round(extract(epoch from measure_at - published_at) / 3600)::int from platform_posts where id = $1"
	if hours := scan[int](b, atHours, id); hours != 1 {
		t.Errorf("the first question comes after %d hours", hours)
	}
	for i, step := range []struct{ age, next int }{{1, 6}, {6, 24}, {24, 48}, {150, 168}, {170, 336}, {700, 1440}} {
		likes.Add(1)
		b.exec("update platform_posts set published_at = now() - make_interval(hours => $2, mins => 1), measure_at = now() where id = $1", id, step.age)
		b.look(w)
		eventually(b, step.next, atHours, id)
		if n := m.asked.Load(); n != int64(i+1) {
			t.Errorf("after %d hours it was asked %d times, want %d", step.age, n, i+1)
		}
	}
	got := scan[string](b, "select string_agg(concat_ws(' ', day = (now() at time zone 'UTC')::date, impressions, likes, clicks is null, measured_at > now() - interval '1 minute'), ',') from post_metrics")
	if got != "t 100 9 t t" {
		t.Errorf("kept: %s", got)
	}
	b.exec("update post_metrics set day = day - 1")
	b.exec("update platform_posts set published_at = now() - interval '330 days', measure_at = now() where id = $1", id)
	b.look(w)
	eventually(b, 8640, atHours, id)
	if days := scan[int](b, "select count(*)::int from post_metrics"); days != 2 {
		t.Errorf("%d days are kept", days)
	}
	b.exec("update platform_posts set published_at = now() - interval '360 days', measure_at = now() where id = $1", id)
	b.look(w)
	eventually(b, true, "select measure_at is null from platform_posts where id = $1", id)
	uses := scan[int](b, "select count(*)::int from audit_log where action = 'integration.credential_use' and changes::text like '%measure%'")
	if uses != 8 {
		t.Errorf("%d uses of the credential are recorded, of 8", uses)
	}
	if n := scan[int](b, "select count(*)::int from audit_log where resource_type = 'platform_post' and changes::text like '%measure_at%'"); n != 0 {
		t.Errorf("%d changes of measure_at are in the log", n)
	}
}

// TestMeasureStops: what ends the questions, what puts them off, and what is believed.
func TestMeasureStops(t *testing.T) {
	for name, test := range map[string]struct {
		problem *platform.Error
		prepare string
		// next is when it is asked again, in minutes from now, 0 for never.
		from, to int
		asked    int64
	}{
		"gone":          {problem: &platform.Error{Class: platform.Invalid, Message: "Gone."}, asked: 1},
		"limited":       {problem: &platform.Error{Class: platform.RateLimited, Message: "Enough.", RetryAt: time.Now().Add(5 * time.Hour)}, from: 295, to: 301, asked: 1},
		"passing":       {problem: &platform.Error{Class: platform.Transient, Message: "Later."}, from: 59, to: 61, asked: 1},
		"refused":       {problem: &platform.Error{Class: platform.Credential, Message: "No."}, from: 230, to: 361, asked: 1},
		"disconnected":  {prepare: "update integrations set state = 'disconnected', credential = null, key_id = null", from: 230, to: 361},
		"paused":        {prepare: "insert into account_limits (customer_id, integration_id, paused_until) select customer_id, id, now() + interval '2 hours' from integrations", from: 119, to: 121},
		"app is paused": {prepare: "insert into app_limits (platform, paused_until) values ('ghost', now() + interval '2 hours')", from: 119, to: 121},
	} {
		t.Run(name, func(t *testing.T) {
			b := setup(t)
			m, w := b.measurer(func(string) (platform.Metrics, error) { return platform.Metrics{}, test.problem })
			id := b.published(2 * time.Hour).PlatformPosts[0]
			if test.prepare != "" {
				b.exec(test.prepare)
			}
			b.look(w)
			eventually(b, true, "select coalesce(measure_at > now(), true) from platform_posts where id = $1", id)
			minutes := scan[int](b, "select coalesce(ceil(extract(epoch from measure_at - now()) / 60), 0)::int from platform_posts where id = $1", id)
			if minutes < test.from || minutes > test.to {
				t.Errorf("asked again in %d minutes, want %d to %d", minutes, test.from, test.to)
			}
			if m.asked.Load() != test.asked {
				t.Errorf("asked %d times", m.asked.Load())
			}
			if n := scan[int](b, "select count(*)::int from post_metrics"); n != 0 {
				t.Errorf("%d rows of numbers", n)
			}
			if checks := scan[int](b, "select count(*)::int from river.river_job where kind = 'check_integration'"); (checks == 1) != (name == "refused") {
				t.Errorf("%d checks", checks)
			}
		})
	}
}

// TestMeasureWithoutNumbers: a platform that tells none is not asked, and not looked at again; archived customers' posts wait.
func TestMeasureWithoutNumbers(t *testing.T) {
	b := setup(t)
	w := b.worker(WorkerConfig{})
	b.start(w)
	id := b.published(2 * time.Hour).PlatformPosts[0]
	b.exec("update customers set archived_at = now()")
	b.look(w)
	if n := scan[int](b, "select count(*)::int from river.river_job where kind = 'measure'"); n != 0 {
		t.Errorf("%d questions for an archived customer", n)
	}
	b.exec("update customers set archived_at = null")
	b.look(w)
	eventually(b, true, "select measure_at is null from platform_posts where id = $1", id)
	eventually(b, "completed", "select state::text from river.river_job where kind = 'measure'")
	if n := scan[int](b, "select count(*)::int from audit_log where changes::text like '%measure%'"); n != 0 {
		t.Error("the credential was used")
	}
}

// TestMeasureFairly: a site that says that its posts are old is not asked before others, and however many of a customer's posts are
// due, and however many of them wait already, those of others come in between.
func TestMeasureFairly(t *testing.T) {
	b := setup(t)
	for name, test := range map[string]struct {
		published string
		minutes   int
	}{"the past": {"-10 years", 60}, "the future": {"2 hours", 180}} {
		p := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Integrations: []dbtest.Integration{b.integration}})
		b.schedule(p, time.Now())
		b.exec("update platform_posts set state = 'publishing', attempt = 1 where post_id = $1", p.ID)
		b.exec("update platform_posts set state = 'published', external_id = id::text, published_at = now() + $2::interval where post_id = $1", p.ID, test.published)
		if minutes := scan[int](b, "select round(extract(epoch from measure_at - now()) / 60)::int from platform_posts where post_id = $1", p.ID); minutes != test.minutes {
			t.Errorf("what was published in %s is asked about in %d minutes, want %d", name, minutes, test.minutes)
		}
	}

	for range 15 {
		b.published(10 * day)
	}
	elsewhere := b.Customer(t, dbtest.Customer{})
	theirs := b.Post(t, dbtest.Post{CustomerID: elsewhere.ID, Integrations: []dbtest.Integration{b.Integration(t, dbtest.Integration{CustomerID: elsewhere.ID})}}).PlatformPosts[0]
	b.exec("update platform_posts set measure_at = now() where id = $1", theirs)
	todo := "select count(*)::int from tenancy.posts_to_measure($1) where customer_id = $2"
	for _, test := range []struct{ most, mine, theirs int }{{500, 10, 1}, {2, 1, 1}} {
		if mine, other := scan[int](b, todo, test.most, b.customer.ID), scan[int](b, todo, test.most, elsewhere.ID); mine != test.mine || other != test.theirs {
			t.Errorf("of %d, %d are of the one customer and %d of the other, want %d and %d", test.most, mine, other, test.mine, test.theirs)
		}
	}
	// With jobs of the one customer there, which nobody works off, the other's is the first.
	w := b.worker(WorkerConfig{})
	b.exec("update platform_posts set measure_at = now() + interval '1 hour' where id = $1", theirs)
	if err := w.dispatchMeasurements(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.exec("update platform_posts set measure_at = now() where id = $1", theirs)
	if n := scan[int](b, todo, 11, elsewhere.ID); n != 1 {
		t.Error("the other customer's post is not the first")
	}
	if n := scan[int](b, todo, 500, b.customer.ID); n != 0 {
		t.Errorf("%d more than ten of a customer are asked about at once", n)
	}
}
