package e2e

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"
)

// Worker processes that are killed while they make copies of recurring posts, two at a time, leave no copy out and make
// none twice; and what is copied goes out, once, at its time.
func TestRecurringPostsKilled(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{noWorker: true})
	b := s.newBrand(t)
	recur := func(title, rule string, starts time.Time) {
		t.Helper()
		call[struct{ ID string }](t, b.owner, http.MethodPost, b.path+"/recurring-posts", map[string]any{
			"post_id": b.draft(t, draft{title: title}).ID, "rrule": rule, "starts_local": starts.UTC().Format("2006-01-02T15:04:05"), "time_zone": "UTC",
		})
	}
	const posts = 12
	for range posts {
		recur(uniqueName("daily"), "FREQ=DAILY", time.Now().Add(12*time.Hour))
	}
	const copies = "select count(*)::int from posts where recurrence_id is not null"
	for range pick(whole(), 40, 4) {
		// All of them are to be looked at again, and some of their copies are missing.
		if _, err := s.super.Exec(t.Context(), `select tenancy.remove_copies(customer_id, id, now()) from recurring_posts where random() < 0.7`); err != nil {
			t.Fatal(err)
		}
		if _, err := s.super.Exec(t.Context(), "update recurring_posts set look_at = now(), made_until = now()"); err != nil {
			t.Fatal(err)
		}
		before := one[int](t, s, copies)
		workers := []*process{s.launchWorker(t), s.launchWorker(t)}
		reached := before + rand.IntN(max(posts*14-before, 1))
		eventually(t, time.Minute, "workers make copies", func() bool { return one[int](t, s, copies) >= reached })
		for _, w := range workers {
			w.kill()
		}
	}
	title := uniqueName("soon")
	due := time.Now().Add(15 * time.Second).Truncate(time.Second)
	recur(title, "FREQ=WEEKLY", due)
	s.startWorker(t)
	s.startWorker(t)
	eventually(t, time.Minute, "all copies are made", func() bool { return one[int](t, s, copies) == posts*14+2 })
	eventually(t, time.Minute, "the copy that is due is out", func() bool {
		return one[int](t, s, "select count(*)::int from posts where title = $1 and state = 'published' and scheduled_at = $2", title, due) == 1
	})
	if late := one[time.Time](t, s, "select min(published_at) from platform_posts where state = 'published'").Sub(due); late < -time.Second || late > 5*time.Second {
		t.Errorf("it went out %s after its time", late)
	}
	for what, sql := range map[string]string{
		"times with two copies": "select (count(*) - count(distinct (recurrence_id, occurrence_at)))::int from posts where recurrence_id is not null",
		"copies without just one job": `select count(*)::int from posts p join platform_posts pp on pp.post_id = p.id where p.recurrence_id is not null and pp.state = 'scheduled'
			and 1 <> (select count(*) from river.river_job j where j.args ->> 'platform_post_id' = pp.id::text and j.state in ('available', 'scheduled') and j.scheduled_at = p.occurrence_at)`,
		"copies that are not on their way": "select count(*)::int from posts where recurrence_id is not null and state not in ('scheduled', 'published')",
		"jobs of what is gone":             "select count(*)::int from river.river_job j where j.kind = 'publish' and j.state in ('available', 'scheduled') and not exists (select from platform_posts pp where pp.id::text = j.args ->> 'platform_post_id')",
		"recurring posts with a complaint": "select count(*)::int from recurring_posts where problem is not null or skipped <> 0",
	} {
		if n := one[int](t, s, sql); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
}
