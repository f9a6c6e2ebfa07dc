package jobs

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/schedule"
)

// recurring lets the bundle's post recur by a rule from a local time on, as somebody who asked for it now.
func (b *bundle) recurring(model uuid.UUID, rule, starts, zone string) uuid.UUID {
	b.t.Helper()
	id := dbtest.NewID(b.t)
	b.exec(`insert into recurring_posts (customer_id, id, post_id, rrule, starts_local, time_zone) values ($1, $2, $3, $4, $5::text::timestamp, $6)`,
		b.customer.ID, id, model, rule, starts, zone)
	return id
}

// model is a post that goes to the bundle's account, with a text of its own there and two files.
func (b *bundle) model() dbtest.Post {
	b.t.Helper()
	p := b.Post(b.t, dbtest.Post{CustomerID: b.customer.ID, Title: "Weekly", Text: "Again and again", Integrations: []dbtest.Integration{b.integration}})
	b.exec(`update platform_posts set text = 'Its own', options = '{"tags": ["again"]}', own_media = true where post_id = $1`, p.ID)
	for _, sql := range []string{
		"insert into post_media (customer_id, post_id, media_id, position) values ($1, $2, $3, 0)",
		"insert into platform_post_media (customer_id, platform_post_id, media_id, position) select $1, id, $3, 0 from platform_posts where post_id = $2",
	} {
		file := dbtest.NewID(b.t)
		b.exec("insert into media (customer_id, id, path, name, content_type, bytes, width, height) values ($1, $2, $3, 'a.png', 'image/png', 100, 100, 100)", b.customer.ID, file, file.String())
		b.exec(sql, b.customer.ID, p.ID, file)
	}
	return p
}

// recur has a worker look at all recurring posts that are due.
func (b *bundle) recur(w *Worker) {
	b.t.Helper()
	for range 10 { // of each customer some at a time
		if err := w.dispatchRecurring(b.t.Context()); err != nil {
			b.t.Fatal(err)
		}
		if scan[int](b, "select count(*)::int from tenancy.recurring_posts_to_do(1)") == 0 {
			return
		}
	}
	b.t.Fatal("there is always something to do")
}

// as runs a statement as a member of the bundle's customer, in whose name triggers then act.
func (b *bundle) as(who dbtest.User, sql string, args ...any) {
	b.t.Helper()
	err := b.Tenant().Tx(b.t.Context(), who.Scope().In(b.customer.ID), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tx.Exec(ctx, sql, args...)
		return err
	})
	if err != nil {
		b.t.Fatalf("%s: %v", sql, err)
	}
}

const (
	countCopies = "select count(*)::int from posts where recurrence_id = $1"
	// What a copy is, and whether everything of it waits for the same time.
	whatCopies = `select coalesce(string_agg(distinct concat_ws('|', p.title, p.text, p.state, pp.text, pp.options, pp.own_media,
			(select count(*) from post_media m where m.post_id = p.id), (select count(*) from platform_post_media m where m.platform_post_id = pp.id),
			p.scheduled_at = p.occurrence_at, (select count(*) from river.river_job j where j.args ->> 'platform_post_id' = pp.id::text
				and j.scheduled_at = p.occurrence_at and j.state = 'scheduled')), ' '), '')
		from posts p join platform_posts pp on pp.post_id = p.id where p.recurrence_id = $1 and p.occurrence_at > now()`
)

// Copies are made two weeks ahead, say what the post says, and have their jobs; no look makes one twice.
func TestRecurringCopies(t *testing.T) {
	b := setup(t)
	w := b.worker(WorkerConfig{})
	daily := b.recurring(b.model().ID, "FREQ=DAILY", "2026-01-01T09:00", "Europe/Berlin")
	yearly := b.recurring(b.model().ID, "FREQ=YEARLY", time.Now().AddDate(0, -1, 0).Format("2006-01-02T15:04"), "UTC")
	for range 2 {
		b.recur(w)
		if n := scan[int](b, countCopies, daily); n != 14 {
			t.Errorf("%d copies for the next two weeks", n)
		}
		if n := scan[int](b, countCopies, yearly); n != 1 {
			t.Errorf("%d copies for the next time, in eleven months", n)
		}
		b.exec("update recurring_posts set look_at = now()")
	}
	for _, id := range []uuid.UUID{daily, yearly} {
		if got, want := scan[string](b, whatCopies, id), `Weekly|Again and again|scheduled|Its own|{"tags": ["again"]}|t|1|1|t|1`; got != want {
			t.Errorf("the copies are %s, want %s", got, want)
		}
	}
	if n := scan[int](b, "select count(*)::int from posts where recurrence_id = $1 and (occurrence_at at time zone 'Europe/Berlin')::time <> '09:00'", daily); n != 0 {
		t.Errorf("%d copies are not at nine", n)
	}
	// Half a day before it is in reach the next one is not made; then it is.
	b.exec("update recurring_posts set made_until = made_until - interval '1 day', look_at = now() where id = $1", daily)
	b.exec("delete from river.river_job")
	b.exec("delete from platform_posts where post_id = (select id from posts where recurrence_id = $1 order by occurrence_at desc limit 1)", daily)
	b.exec("delete from post_media where post_id = (select id from posts where recurrence_id = $1 order by occurrence_at desc limit 1)", daily)
	b.exec("delete from posts where id = (select id from posts where recurrence_id = $1 order by occurrence_at desc limit 1)", daily)
	b.recur(w)
	if n := scan[int](b, countCopies, daily); n != 14 {
		t.Errorf("%d copies after one more was to be made", n)
	}
	if n := scan[int](b, "select count(*)::int from recurring_posts where look_at <= now() or look_at > coalesce(next_at, look_at) or skipped <> 0 or problem is not null"); n != 0 {
		t.Errorf("%d recurring posts are looked at at the wrong time, or have something to say", n)
	}
}

// A weekly post at nine stays at nine over both changes of clocks, in what workers store.
func TestRecurrenceOverDST(t *testing.T) {
	t.Parallel()
	r, err := schedule.NewRecurrence("FREQ=WEEKLY;BYDAY=SU", "2027-01-03T09:00", "Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now, made := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	var times []time.Time
	for range 10_000 { // a year of a worker that looks when it has said it would
		plan := planCopies(r, made, now)
		times, made = append(times, plan.copies...), plan.madeUntil
		if plan.skipped != 0 || !plan.lookAt.After(now) {
			t.Fatalf("at %s: %+v", now, plan)
		}
		if now = plan.lookAt; now.Year() > 2027 {
			break
		}
	}
	offsets := map[string]int{}
	for i, at := range times {
		local := at.In(r.Zone)
		offsets[local.Format("-07:00")]++
		if local.Format("15:04") != "09:00" || local.Weekday() != time.Sunday || (i > 0 && local.YearDay() != times[i-1].In(r.Zone).AddDate(0, 0, 7).YearDay()) {
			t.Errorf("a copy is for %s", local)
		}
	}
	if len(times) < 53 || offsets["+02:00"] != 31 {
		t.Errorf("%d times, by their offsets %v", len(times), offsets)
	}
}

// What passed while no worker ran is passed over and counted; what is late by a moment is not.
func TestRecurringAfterOutage(t *testing.T) {
	b := setup(t)
	w := b.worker(WorkerConfig{})
	now := time.Now().UTC()
	// without files, for which the platform would need a bucket
	model := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Title: "Weekly", Integrations: []dbtest.Integration{b.integration}})
	id := b.recurring(model.ID, "FREQ=DAILY", now.Add(-time.Minute).AddDate(0, -1, 0).Format("2006-01-02T15:04"), "UTC")
	b.exec("update recurring_posts set made_until = now() - interval '10 days 1 hour' where id = $1", id)
	b.recur(w)
	if n := scan[int64](b, "select skipped from recurring_posts where id = $1 and skipped_at between now() - interval '25 hours' and now() - interval '23 hours'", id); n != 10 {
		t.Errorf("%d are passed over, want ten", n)
	}
	if n := scan[int](b, "select count(*)::int from posts where recurrence_id = $1 and occurrence_at <= now()", id); n != 1 {
		t.Errorf("%d copies for times that have passed, want one that is a minute late", n)
	}
	if n := scan[int](b, countCopies, id); n != 15 {
		t.Errorf("%d copies", n)
	}
	b.start(w)
	eventually(b, "published", "select state from posts where recurrence_id = $1 and occurrence_at <= now()", id)
	if n := len(b.platform.published); n != 1 {
		t.Errorf("%d were published", n)
	}
}

// The copies follow the post that recurs, its rule and its state; one that somebody has made their own does not.
func TestRecurringChanges(t *testing.T) {
	b := setup(t)
	w := b.worker(WorkerConfig{})
	member := b.Member(t, b.customer.ID, "member")
	model := b.model()
	id := b.recurring(model.ID, "FREQ=DAILY", "2026-01-01T09:00", "UTC")
	b.recur(w)
	byTime := scan[[]uuid.UUID](b, "select array_agg(id order by occurrence_at) from posts where recurrence_id = $1", id)
	if len(byTime) != 14 {
		t.Fatalf("%d copies", len(byTime))
	}
	edited, cancelled, moved, unfiled := byTime[1], byTime[2], byTime[3], byTime[4]
	b.as(member, "update posts set text = 'By hand' where id = $1", edited)
	b.as(member, "update platform_posts set state = 'cancelled' where post_id = $1", cancelled)
	b.as(member, "update posts set scheduled_at = scheduled_at + interval '1 hour' where id = $1", moved)
	b.as(member, "delete from post_media where post_id = $1", unfiled)
	kept := []uuid.UUID{edited, cancelled, moved, unfiled}
	own := func(when string) {
		t.Helper()
		if n := scan[int](b, "select count(*)::int from posts where id = any ($1) and detached_at is not null", kept); n != 4 {
			t.Errorf("%s: %d of four posts are there that somebody has made their own", when, n)
		}
		if n := scan[int](b, `select count(*)::int from river.river_job j where j.state = 'scheduled' and not exists (
			select from platform_posts pp where pp.id::text = j.args ->> 'platform_post_id' and pp.state in ('scheduled', 'cancelled'))`); n != 0 {
			t.Errorf("%s: %d jobs are left of copies that are gone", when, n)
		}
	}
	own("before")

	others := func() string { return scan[string](b, whatCopies+" and p.detached_at is null", id) }
	b.as(member, "update posts set title = 'Weekly news' where id = $1", model.ID)
	own("changed")
	if got := others(); got != "" {
		t.Errorf("copies are left that say what the post does not say any more: %s", got)
	}
	b.recur(w)
	if got := others(); !strings.HasPrefix(got, "Weekly news|Again and again|scheduled|") || strings.Contains(got, " Weekly|") {
		t.Errorf("the new copies are %s", got)
	}
	if n := scan[int](b, countCopies, id); n != 14 {
		t.Errorf("%d copies after the post was changed", n)
	}
	for name, sql := range map[string]string{
		"its text on a platform": "update platform_posts set text = 'Another' where post_id = $1",
		"its files":              "delete from post_media where post_id = $1",
		"its own files there":    "delete from platform_post_media where platform_post_id = (select id from platform_posts where post_id = $1)",
	} {
		b.as(member, sql, model.ID)
		if got := others(); got != "" {
			t.Errorf("%s: copies are left: %s", name, got)
		}
		b.recur(w)
		if n := scan[int](b, countCopies, id); n != 14 {
			t.Errorf("%s: %d copies", name, n)
		}
	}

	b.as(member, "update recurring_posts set rrule = 'FREQ=DAILY;INTERVAL=2', starts_local = '2026-01-01 17:15' where id = $1", id)
	own("another rule")
	b.recur(w)
	if n := scan[int](b, countCopies+" and detached_at is null", id); n != 7 {
		t.Errorf("%d copies of every other day", n)
	}
	if n := scan[int](b, "select count(*)::int from posts where recurrence_id = $1 and detached_at is null and (occurrence_at at time zone 'UTC')::time <> '17:15'", id); n != 0 {
		t.Errorf("%d copies at the old time", n)
	}

	b.as(member, "update recurring_posts set state = 'paused' where id = $1", id)
	own("paused")
	b.recur(w)
	if n := scan[int](b, countCopies+" and detached_at is null", id); n != 0 {
		t.Errorf("%d copies while it is paused", n)
	}
	b.as(member, "update recurring_posts set state = 'active' where id = $1", id)
	b.recur(w)
	if n := scan[int](b, countCopies+" and detached_at is null", id); n != 7 {
		t.Errorf("%d copies after the pause", n)
	}

	// What has begun to be published stays.
	begun := scan[uuid.UUID](b, "select id from posts where recurrence_id = $1 and detached_at is null order by occurrence_at limit 1", id)
	b.exec("update platform_posts set attempt = 1 where post_id = $1", begun)
	b.as(member, "delete from recurring_posts where id = $1", id)
	if left := scan[[]uuid.UUID](b, "select array_agg(id) from posts where occurrence_at is not null"); len(left) != 5 || !slices.Contains(left, begun) {
		t.Errorf("%d posts are left of it", len(left))
	}
	own("deleted")
}

// Where the customer wants posts approved, copies of an approved post are approved, and those of another wait.
func TestRecurringApproval(t *testing.T) {
	b := setup(t)
	w := b.worker(WorkerConfig{})
	owner := b.Member(t, b.customer.ID, "owner")
	b.exec("update customers set approval_required = true where id = $1", b.customer.ID)
	model := b.model()
	id := b.recurring(model.ID, "FREQ=DAILY", "2026-01-01T09:00", "UTC")
	states := func() string {
		return scan[string](b, `select string_agg(distinct concat_ws('|', p.state, p.approved_at is not null, p.approved_by = $2), ' ')
			from posts p where p.recurrence_id = $1`, id, owner.ID)
	}
	jobs := "select count(*)::int from river.river_job where kind = 'publish' and state = 'scheduled'"
	b.recur(w)
	if got := states(); got != "pending_approval|f" {
		t.Errorf("the copies of a draft are %s", got)
	}
	if n := scan[int](b, jobs); n != 0 {
		t.Errorf("%d jobs", n)
	}
	b.as(owner, "update posts set approved_at = now() where id = $1", model.ID)
	b.recur(w)
	if got := states(); got != "scheduled|t|t" {
		t.Errorf("the copies of an approved post are %s", got)
	}
	if n := scan[int](b, jobs); n != 14 {
		t.Errorf("%d jobs", n)
	}
	b.as(owner, "update posts set text = 'Something else' where id = $1", model.ID)
	b.recur(w)
	if got := states(); got != "pending_approval|f" {
		t.Errorf("the copies of what was changed since are %s", got)
	}
	if n := scan[int](b, jobs); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
}

// Copies that cannot go out stay drafts, and the recurring post says why, until they can.
func TestRecurringProblems(t *testing.T) {
	b := setup(t)
	w := b.worker(WorkerConfig{})
	member := b.Member(t, b.customer.ID, "member")
	model := b.model()
	id := b.recurring(model.ID, "FREQ=DAILY", "2026-01-01T09:00", "UTC")
	look := func(wantProblem, wantState string) {
		t.Helper()
		b.exec("update recurring_posts set look_at = now()")
		b.recur(w)
		if got := scan[string](b, "select coalesce(problem, '') from recurring_posts where id = $1 and look_at <= now() + interval '1 day'", id); (got == "") != (wantProblem == "") || !strings.Contains(got, wantProblem) {
			t.Errorf("the problem is %q, want %q", got, wantProblem)
		}
		if got := scan[string](b, "select coalesce(string_agg(distinct state, ' '), '') from posts where recurrence_id = $1", id); got != wantState {
			t.Errorf("the copies are %q, want %q", got, wantState)
		}
	}
	b.exec("update integrations set state = 'needs_reauth' where id = $1", b.integration.ID)
	look("must be connected again", "draft")
	b.exec("update integrations set state = 'active' where id = $1", b.integration.ID)
	look("", "scheduled")
	b.as(member, "update platform_posts set options = '{\"visibility\": \"nobody\"}' where post_id = $1", model.ID)
	b.as(member, "update posts set title = '' where id = $1", model.ID)
	look("breaks a rule of Ghost", "draft")
	b.as(member, "update platform_posts set options = '{}' where post_id = $1", model.ID)
	b.as(member, "update posts set title = 'Weekly' where id = $1", model.ID)
	look("", "scheduled")
	b.as(member, "update platform_posts set state = 'cancelled' where post_id = $1", model.ID)
	look("is cancelled", "")
	b.as(member, "update platform_posts set state = 'draft' where post_id = $1", model.ID)
	look("", "scheduled")
	b.as(member, "delete from platform_posts where post_id = $1", model.ID)
	look("names no platform", "draft")
	// In an archived customer nothing is made.
	b.exec("update customers set archived_at = now() where id = $1", b.customer.ID)
	if n := scan[int](b, "select count(*)::int from tenancy.recurring_posts_to_do(10)"); n != 0 {
		t.Errorf("%d recurring posts of an archived customer are to be looked at", n)
	}
}

// A rule that has come to its end ends the recurring post.
func TestRecurringEnds(t *testing.T) {
	b := setup(t)
	w := b.worker(WorkerConfig{})
	id := b.recurring(b.model().ID, "FREQ=DAILY;COUNT=3", time.Now().UTC().Add(time.Hour).Format("2006-01-02T15:04"), "UTC")
	b.recur(w)
	if n := scan[int](b, countCopies, id); n != 3 {
		t.Errorf("%d copies", n)
	}
	if state := scan[string](b, "select state from recurring_posts where id = $1 and look_at = next_at", id); state != "active" {
		t.Errorf("it is %s while copies wait", state)
	}
	b.exec("update recurring_posts set starts_local = starts_local - interval '10 days', look_at = now(), made_until = now() where id = $1", id)
	b.recur(w)
	if state := scan[string](b, "select state from recurring_posts where id = $1 and next_at is null", id); state != "ended" {
		t.Errorf("it is %s", state)
	}
}

// Any number of workers at once, some of whose transactions are broken off, make every copy once.
func TestRecurringAtOnce(t *testing.T) {
	b := setup(t)
	const posts, workers = 8, 4
	for range posts {
		b.recurring(b.model().ID, "FREQ=DAILY", "2026-01-01T09:00", "UTC")
	}
	var wait sync.WaitGroup
	for range workers {
		w := b.worker(WorkerConfig{})
		wait.Go(func() {
			for range 10 {
				b.exec("update recurring_posts set look_at = now(), made_until = now() where id = (select id from recurring_posts order by random() limit 1)")
				ctx, cancel := context.WithTimeout(context.Background(), 15*time.Millisecond)
				_ = w.dispatchRecurring(ctx) // broken off somewhere
				cancel()
				if err := w.dispatchRecurring(context.Background()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	b.exec("update recurring_posts set look_at = now()")
	b.recur(b.worker(WorkerConfig{}))
	if n := scan[int](b, "select count(*)::int from posts where recurrence_id is not null"); n != posts*14 {
		t.Errorf("%d copies, want %d", n, posts*14)
	}
	if n := scan[int](b, "select count(distinct (recurrence_id, occurrence_at))::int from posts where recurrence_id is not null and state = 'scheduled'"); n != posts*14 {
		t.Errorf("copies for %d times are on their way, want %d", n, posts*14)
	}
	if n := scan[int](b, "select count(distinct args ->> 'platform_post_id')::int from river.river_job where state = 'scheduled'"); n != posts*14 {
		t.Errorf("%d have a job, want %d", n, posts*14)
	}
	if n := scan[int](b, "select count(*)::int from river.river_job"); n != posts*14 {
		t.Errorf("%d jobs, want %d", n, posts*14)
	}
}

// However many recurring posts a customer has, those of others are looked at in between; and what fails, or takes for ever,
// keeps none of them waiting and says so.
func TestRecurringFairly(t *testing.T) {
	b := setup(t)
	w := b.worker(WorkerConfig{})
	model := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Title: "Broken", Integrations: []dbtest.Integration{b.integration}})
	hangs := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Title: "Hangs", Integrations: []dbtest.Integration{b.integration}})
	for hour := range 9 {
		b.recurring(model.ID, "FREQ=DAILY", fmt.Sprintf("2026-01-01T%02d:00", hour), "UTC")
	}
	first := b.recurring(hangs.ID, "FREQ=DAILY", "2026-01-01T09:00", "UTC")
	b.exec("update recurring_posts set look_at = now() - interval '1 day'")
	b.exec("update recurring_posts set look_at = now() - interval '2 days' where id = $1", first)
	other := dbtest.NewID(t)
	elsewhere := b.Customer(t, dbtest.Customer{})
	theirs := b.Post(t, dbtest.Post{CustomerID: elsewhere.ID, Title: "Weekly", Integrations: []dbtest.Integration{b.Integration(t, dbtest.Integration{CustomerID: elsewhere.ID})}})
	b.exec("insert into recurring_posts (customer_id, id, post_id, rrule, starts_local, time_zone) values ($1, $2, $3, 'FREQ=DAILY', '2026-01-01 09:00', 'UTC')", elsewhere.ID, other, theirs.ID)
	if n := scan[int](b, "select count(*)::int from tenancy.recurring_posts_to_do(100)"); n != 6 {
		t.Errorf("%d are to be looked at, want five of the one customer and one of the other", n)
	}
	if n := scan[int](b, "select count(*)::int from tenancy.recurring_posts_to_do(2) where id = $1", other); n != 1 {
		t.Error("the other customer's is not among the first two")
	}

	b.exec(`create function public.fail() returns trigger language plpgsql as $$ begin
		if new.title = 'Hangs' then perform pg_sleep(60); end if;
		raise 'cannot be copied';
	end $$`)
	b.exec("create trigger fail before insert on posts for each row when (new.title in ('Broken', 'Hangs')) execute function public.fail()")
	if err := w.dispatchRecurring(t.Context()); err == nil {
		t.Error("nothing failed")
	}
	if n := scan[int](b, countCopies, other); n != 14 {
		t.Errorf("%d copies of the other customer's post", n)
	}
	said := "select count(*)::int from recurring_posts where problem like '%could not be made%' and look_at > now() and customer_id = $1"
	if n := scan[int](b, said, b.customer.ID); n != 5 {
		t.Errorf("%d say that they failed, and are put off", n)
	}
	b.exec("drop trigger fail on posts")
	b.exec("update recurring_posts set look_at = now()")
	b.recur(w)
	if n := scan[int](b, "select count(*)::int from recurring_posts where problem is not null"); n != 0 {
		t.Errorf("%d say still that they failed", n)
	}
	if n := scan[int](b, "select count(*)::int from posts where recurrence_id is not null"); n != 11*14 {
		t.Errorf("%d copies", n)
	}
}

// A copy is judged as the e-mail that its template makes of it.
func TestRecurringWithTemplate(t *testing.T) {
	b := setup(t)
	w := b.worker(WorkerConfig{})
	template := dbtest.NewID(t)
	b.exec("insert into email_templates (customer_id, id, name, html) values ($1, $2, 'Letter', '{{text}}<p>{{greeting}}</p>')", b.customer.ID, template)
	model := b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Title: "Weekly", Text: "News", Integrations: []dbtest.Integration{b.integration}})
	b.exec("update platform_posts set options = jsonb_build_object('template_id', $2::text) where post_id = $1", model.ID, template)
	id := b.recurring(model.ID, "FREQ=DAILY", "2026-01-01T09:00", "UTC")
	b.recur(w)
	if problem := scan[string](b, "select coalesce(problem, '') from recurring_posts where id = $1", id); !strings.Contains(problem, "needs the variable greeting") {
		t.Errorf("the problem is %q", problem)
	}
	if n := scan[int](b, countCopies+" and state = 'draft'", id); n != 14 {
		t.Errorf("%d copies are drafts", n)
	}
	member := b.Member(t, b.customer.ID, "member")
	b.as(member, "update platform_posts set options = options || '{\"variables\": {\"greeting\": \"Hello\"}}' where post_id = $1", model.ID)
	b.recur(w)
	if n := scan[int](b, countCopies+" and state = 'scheduled'", id); n != 14 {
		t.Errorf("%d copies are on their way once the variable has a value", n)
	}
}

// While a copy is made, no file that it shows goes: whoever takes it off the post that recurs, and deletes it, waits, and
// takes the copy away too.
func TestRecurringHoldsFiles(t *testing.T) {
	b := setup(t)
	member := b.Member(t, b.customer.ID, "member")
	model := b.model()
	id := b.recurring(model.ID, "FREQ=DAILY", "2026-01-01T09:00", "UTC")
	removed := make(chan error, 1)
	err := b.worker(WorkerConfig{}).db.Tx(t.Context(), tenant.Worker(b.customer.ID, tenant.Request{Operation: "recur"}), func(ctx context.Context, tx *tenant.Tx) error {
		if _, err := tx.Exec(ctx, "select tenancy.copy_recurring_post($1, $2, now() + interval '1 day')", id, dbtest.NewID(t)); err != nil {
			return err
		}
		go func() {
			removed <- b.Tenant().Tx(context.Background(), member.Scope().In(b.customer.ID), func(ctx context.Context, tx *tenant.Tx) error {
				var file uuid.UUID
				if err := tx.QueryRow(ctx, "delete from post_media where post_id = $1 returning media_id", model.ID).Scan(&file); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, "update media set state = 'deleting' where id = $1", file)
				return err
			})
		}()
		eventually(b, true, "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-removed; err != nil {
		t.Error(err)
	}
	if n := scan[int](b, countCopies, id); n != 0 {
		t.Errorf("%d copies are left of what the post does not show any more", n)
	}
	if n := scan[int](b, "select count(*)::int from post_media s join media m on m.id = s.media_id where m.state <> 'ready'"); n != 0 {
		t.Errorf("%d posts show a file that goes", n)
	}
}
