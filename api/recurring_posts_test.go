package api_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestRecurringPosts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.exec(t, "update customers set time_zone = 'Europe/Berlin' where id = $1", c.customer.ID)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}}).ID
	list := c.path("/recurring-posts")
	with := func(more m) m {
		body := m{"post_id": post, "rrule": "FREQ=DAILY", "starts_local": "2027-01-01T02:30"}
		for name, value := range more {
			body[name] = value
		}
		return body
	}
	created := w.call(t, c.member, "POST", list, with(nil)).want(t, 201)
	r := into[api.RecurringPost](t, created)
	if r.TimeZone != "Europe/Berlin" || r.State != "active" || r.NextAt.Format(time.RFC3339) != "2027-01-01T01:30:00Z" || *r.NextLocal != "2027-01-01T02:30:00+01:00" || r.StartsLocal != "2027-01-01T02:30" {
		t.Errorf("created %+v", r)
	}
	path := list + "/" + r.ID.String()

	// The preview tells where clocks are changed.
	w.call(t, c.member, "PATCH", path, m{"starts_local": "2027-03-27T02:30"}, "If-Match", created.etag()).want(t, 200)
	w.call(t, c.member, "PATCH", path, m{"starts_local": "2027-03-28T02:30"}, "If-Match", created.etag()).want(t, 412)
	items := into[api.PostOccurrenceList](t, w.call(t, c.viewer, "GET", path+"/occurrences?limit=3", nil).want(t, 200)).Items
	for i, want := range []string{"2027-03-27T02:30:00+01:00 ", "2027-03-28T03:30:00+02:00 skipped", "2027-03-29T02:30:00+02:00 "} {
		got := items[i].Local + " "
		if items[i].Shift != nil {
			got += *items[i].Shift
		}
		if got != want || items[i].PostID != nil {
			t.Errorf("the preview is %q, want %q", got, want)
		}
	}

	// Nothing is reckoned further than five years ahead.
	w.call(t, c.member, "PATCH", path, m{"rrule": "FREQ=DAILY;BYMONTH=1;BYMONTHDAY=1", "starts_local": "2000-01-01T09:00"}).want(t, 200)
	if n := len(into[api.PostOccurrenceList](t, w.call(t, c.viewer, "GET", path+"/occurrences?limit=100", nil).want(t, 200)).Items); n < 4 || n > 5 {
		t.Errorf("%d new years to come", n)
	}

	for place, body := range map[string]m{
		"body.rrule":        {"rrule": "FREQ=HOURLY"},
		"body.rrule 2":      {"rrule": "FREQ=SECONDLY"},
		"body.rrule 3":      {"rrule": "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"},
		"body.rrule 4":      {"rrule": "FREQ=DAILY;COUNT=3", "starts_local": "2020-01-01T09:00"}, // is over
		"body.rrule 5":      {"rrule": "FREQ=DAILY;BYDAY=MO;BYSETPOS=2,3,4", "starts_local": "2000-01-01T09:00"},
		"body.starts_local": {"starts_local": "tomorrow"}, "body.starts_local 2": {"starts_local": "1999-01-01T09:00"},
		"body.starts_local 3": {"starts_local": "2099-01-01T09:00"},
		"body.time_zone":      {"time_zone": "Mars/Olympus"}, "body.time_zone 2": {"time_zone": "Local"},
	} {
		location, _, _ := strings.Cut(place, " ")
		if p := w.call(t, c.member, "POST", list, with(body)).want(t, 422).problem(t); len(p.Errors) != 1 || p.Errors[0].Location != location {
			t.Errorf("%v: %+v", body, p)
		}
		if p := w.call(t, c.member, "PATCH", path, body).want(t, 422).problem(t); len(p.Errors) != 1 || p.Errors[0].Location != location {
			t.Errorf("%v: %+v", body, p)
		}
	}
	w.call(t, c.member, "POST", list, with(m{"post_id": r.ID})).want(t, 404)
	w.call(t, c.member, "PATCH", path, m{}).want(t, 422)

	for _, step := range []struct{ do, state string }{{"/pause", "paused"}, {"/pause", "paused"}, {"/resume", "active"}, {"/resume", "active"}} {
		w.call(t, c.viewer, "POST", path+step.do, nil).want(t, 403)
		if r := into[api.RecurringPost](t, w.call(t, c.member, "POST", path+step.do, nil).want(t, 200)); r.State != step.state || (r.NextAt == nil) != (r.State == "paused") {
			t.Errorf("%s: %+v", step.do, r)
		}
	}
	w.exec(t, "update recurring_posts set state = 'ended', next_at = null, rrule = 'FREQ=DAILY;COUNT=1', starts_local = '2026-01-01'")
	w.call(t, c.member, "POST", path+"/pause", nil).want(t, 409)
	w.call(t, c.member, "POST", path+"/resume", nil).want(t, 409)
	if r := into[api.RecurringPost](t, w.call(t, c.member, "PATCH", path, m{"rrule": "FREQ=WEEKLY"}).want(t, 200)); r.State != "active" || r.NextAt == nil {
		t.Errorf("changed after its end: %+v", r)
	}

	// A copy shows what it is of, and does not recur itself.
	copied := w.Post(t, dbtest.Post{CustomerID: c.customer.ID}).ID
	w.exec(t, "update posts set recurrence_id = $1, occurrence_at = now() + interval '1 day' where id = $2", r.ID, copied)
	if p := into[api.Post](t, w.call(t, c.viewer, "GET", c.path("/posts/%s", copied), nil).want(t, 200)); *p.RecurringPostID != r.ID || p.OccurrenceAt == nil {
		t.Errorf("a copy is %+v", p)
	}
	w.call(t, c.member, "POST", list, with(m{"post_id": copied})).want(t, 409)

	if page := into[api.Page[api.RecurringPost]](t, w.call(t, c.viewer, "GET", list, nil).want(t, 200)); len(page.Items) != 1 {
		t.Errorf("the list is %+v", page)
	}
	w.call(t, c.viewer, "DELETE", path, nil).want(t, 403)
	w.call(t, c.member, "DELETE", path, nil).want(t, 204)
	w.call(t, c.member, "GET", path, nil).want(t, 404)
	w.call(t, c.member, "DELETE", path, nil).want(t, 404)
	w.call(t, c.member, "GET", c.path("/posts/%s", copied), nil).want(t, 404)
}

// What recurs goes out as it is, and by each rule once.
func TestRecurringPostRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	const path = "/recurring-posts"
	body := func(post uuid.UUID, rrule, starts string) m {
		return m{"post_id": post, "rrule": rrule, "starts_local": starts, "time_zone": "Europe/Berlin"}
	}
	good := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}}).ID
	first := into[api.RecurringPost](t, w.call(t, c.member, "POST", c.path(path), body(good, "FREQ=WEEKLY;BYDAY=SA", "2027-01-01T09:00")).want(t, 201)).ID
	for _, again := range []m{body(good, "RRULE:FREQ=WEEKLY;BYDAY=SA", "2027-01-01T09:00"), body(good, "FREQ=WEEKLY;BYDAY=SA", "2027-01-02T09:00:00")} {
		if p := w.call(t, c.member, "POST", c.path(path), again).want(t, 409).problem(t); !strings.Contains(p.Detail, "go out twice") {
			t.Errorf("answered %+v", p)
		}
	}
	other := into[api.RecurringPost](t, w.call(t, c.member, "POST", c.path(path), body(good, "FREQ=WEEKLY;BYDAY=SU", "2027-01-01T09:00")).want(t, 201)).ID
	w.call(t, c.member, "PATCH", c.path(path+"/%s", other), m{"rrule": "FREQ=WEEKLY;BYDAY=SA"}).want(t, 409)
	w.call(t, c.member, "DELETE", c.path(path+"/%s", first), nil).want(t, 204)
	w.call(t, c.member, "PATCH", c.path(path+"/%s", other), m{"rrule": "FREQ=WEEKLY;BYDAY=SA"}).want(t, 200)

	nowhere := w.Post(t, dbtest.Post{CustomerID: c.customer.ID}).ID
	w.call(t, c.member, "POST", c.path(path), body(nowhere, "FREQ=DAILY", "2027-01-01T09:00")).want(t, 409)
	w.exec(t, "update posts set title = '' where id = $1", good)
	if p := w.call(t, c.member, "POST", c.path(path), body(good, "FREQ=DAILY", "2027-01-01T09:00")).want(t, 422).problem(t); len(p.Errors) != 1 || p.Errors[0].Rule != "required" {
		t.Errorf("answered %+v", p)
	}
}

// A post recurs by no more than ten rules, and a customer's posts by no more than two hundred, whoever asks at once.
func TestRecurringPostLimits(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	newPost := func() uuid.UUID {
		return w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}}).ID
	}
	post := newPost()
	body := func(post uuid.UUID, minute int) m {
		return m{"post_id": post, "rrule": "FREQ=DAILY", "starts_local": fmt.Sprintf("2027-01-01T02:%02d", minute)}
	}
	fill := func(post uuid.UUID, n int) {
		w.exec(t, `insert into recurring_posts (customer_id, id, post_id, rrule, starts_local, time_zone)
			select $1, gen_random_uuid(), $2, 'FREQ=DAILY', '2027-01-01 09:00'::timestamp + make_interval(mins => m), 'UTC' from generate_series(1, $3::int) m`,
			c.customer.ID, post, n)
	}
	fill(post, 8)
	var all sync.WaitGroup
	var made atomic.Int32
	for minute := range 6 {
		all.Go(func() {
			if a := w.call(t, c.member, "POST", c.path("/recurring-posts"), body(post, minute)); a.status == 201 {
				made.Add(1)
			} else if a.status != 409 || !strings.Contains(string(a.body), "10 rules") {
				t.Errorf("answered %d %s", a.status, a.body)
			}
		})
	}
	all.Wait()
	if made.Load() != 2 {
		t.Errorf("%d were made beside eight", made.Load())
	}
	for range 19 {
		fill(newPost(), 10)
	}
	if p := w.call(t, c.member, "POST", c.path("/recurring-posts"), body(newPost(), 0)).want(t, 409).problem(t); !strings.Contains(p.Detail, "200 recurring posts") {
		t.Errorf("answered %+v", p)
	}
}
