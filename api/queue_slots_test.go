package api_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestLocalTime(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.exec(t, "update customers set time_zone = 'Europe/Berlin' where id = $1", c.customer.ID)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	path := c.path("/posts/%s", w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}}).ID)
	for local, want := range map[string][2]string{
		"2027-01-11T09:00":    {"2027-01-11T08:00:00Z", "2027-01-11T09:00:00+01:00"},
		"2027-07-12T09:00:30": {"2027-07-12T07:00:30Z", "2027-07-12T09:00:30+02:00"},
		"2027-03-28T02:30":    {"2027-03-28T01:30:00Z", "2027-03-28T03:30:00+02:00"}, // clocks jump over it
		"2027-10-31T02:30":    {"2027-10-31T00:30:00Z", "2027-10-31T02:30:00+02:00"}, // they show it twice
	} {
		post := into[api.Post](t, w.call(t, c.member, "POST", path+"/schedule", m{"local_time": local}).want(t, 202))
		if got := post.ScheduledAt.Format(time.RFC3339); got != want[0] || *post.ScheduledLocal != want[1] || post.TimeZone != "Europe/Berlin" {
			t.Errorf("%s: %s, %s in %s; want %s", local, got, *post.ScheduledLocal, post.TimeZone, want)
		}
		if n, at := w.waiting(t, post); n != 1 || !at.Equal(*post.ScheduledAt) {
			t.Errorf("%s: %d jobs at %s", local, n, at)
		}
	}
	for place, body := range map[string]m{
		"body":              {},
		"body ":             {"local_time": "2027-01-11T09:00", "scheduled_at": "2027-01-11T09:00:00Z"},
		"body.local_time":   {"local_time": "2027-02-30T09:00"},
		"body.local_time ":  {"local_time": "2027-01-11T09:00Z"},
		"body.local_time  ": {"local_time": "2020-01-11T09:00"},
		"body.scheduled_at": {"scheduled_at": "2020-01-11T09:00:00Z"},
	} {
		p := w.call(t, c.member, "POST", path+"/schedule", body).want(t, 422).problem(t)
		if len(p.Errors) != 1 || p.Errors[0].Location != strings.TrimRight(place, " ") {
			t.Errorf("%v: %+v", body, p.Errors)
		}
	}
	// Postgres takes a zone's name in any case, the server does not.
	if p := w.call(t, c.owner, "PATCH", c.path(""), m{"time_zone": "EUROPE/BERLIN"}).want(t, 422).problem(t); p.Errors[0].Location != "body.time_zone" {
		t.Errorf("%+v", p)
	}
	w.exec(t, "update customers set time_zone = 'EUROPE/BERLIN' where id = $1", c.customer.ID)
	w.call(t, c.member, "POST", path+"/schedule", m{"local_time": "2027-01-11T09:00"}).want(t, 409)
	if post := into[api.Post](t, w.call(t, c.viewer, "GET", path, nil).want(t, 200)); post.ScheduledLocal != nil || post.ScheduledAt == nil {
		t.Errorf("in a zone that the server does not know: %+v", post)
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.exec(t, "update customers set time_zone = 'Europe/Berlin' where id = $1", c.customer.ID)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	post := func() string {
		return c.path("/posts/%s", w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}}).ID)
	}
	first := post()
	if p := w.call(t, c.member, "POST", first+"/queue", nil).want(t, 409).problem(t); p.Detail != "The queue has no slots. Add one first." {
		t.Error(p.Detail)
	}
	slots := c.path("/queue-slots")
	for _, day := range []string{"monday", "thursday"} {
		w.call(t, c.member, "POST", slots, m{"weekday": day, "local_time": "09:30"}).want(t, 201)
	}
	spare := into[api.QueueSlot](t, w.call(t, c.member, "POST", slots, m{"weekday": "monday", "local_time": "08:00"}).want(t, 201))
	w.call(t, c.member, "POST", slots, m{"weekday": "monday", "local_time": "09:30"}).want(t, 409)
	w.call(t, c.member, "POST", slots, m{"weekday": "monday", "local_time": "24:00"}).want(t, 422)
	w.call(t, c.member, "POST", slots, m{"weekday": "someday", "local_time": "09:00"}).want(t, 422)
	w.call(t, c.viewer, "DELETE", slots+"/"+spare.ID.String(), nil).want(t, 403)
	w.call(t, c.member, "DELETE", slots+"/"+spare.ID.String(), nil).want(t, 204)
	w.call(t, c.member, "DELETE", slots+"/"+spare.ID.String(), nil).want(t, 404)
	list := into[api.QueueSlotList](t, w.call(t, c.viewer, "GET", slots, nil).want(t, 200))
	if len(list.Items) != 2 || list.Items[0].Weekday != "monday" || list.Items[1].LocalTime != "09:30" {
		t.Errorf("the queue is %+v", list)
	}

	upcoming := func() []api.UpcomingSlot {
		t.Helper()
		return into[api.UpcomingSlotList](t, w.call(t, c.viewer, "GET", slots+"/upcoming?limit=120", nil).want(t, 200)).Items
	}
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	next := upcoming()
	offsets := map[string]bool{}
	for i, slot := range next {
		local := slot.At.In(berlin)
		offsets[local.Format("-07:00")] = true
		if local.Format("15:04") != "09:30" || (local.Weekday() != time.Monday && local.Weekday() != time.Thursday) || slot.PostID != nil ||
			slot.Local != local.Format(time.RFC3339) || (i > 0 && !slot.At.After(next[i-1].At)) {
			t.Errorf("a slot is %+v", slot)
		}
	}
	if len(next) != 120 || len(offsets) != 2 {
		t.Fatalf("%d slots, by the offsets %v", len(next), offsets)
	}

	// A post that is scheduled by hand for a slot's time has it, too.
	byHand := post()
	w.call(t, c.member, "POST", byHand+"/schedule", m{"scheduled_at": next[1].At}).want(t, 202)
	queue := func(path string) api.Post {
		t.Helper()
		return into[api.Post](t, w.call(t, c.member, "POST", path+"/queue", nil).want(t, 202))
	}
	inSlot := func(path string, slot int) {
		t.Helper()
		p := into[api.Post](t, w.call(t, c.viewer, "GET", path, nil).want(t, 200))
		if n, at := w.waiting(t, p); p.State != "scheduled" || p.SlotAt == nil || !p.SlotAt.Equal(next[slot].At) || !p.ScheduledAt.Equal(next[slot].At) || n != 1 || !at.Equal(next[slot].At) {
			t.Errorf("not in slot %d: %+v, %d jobs at %s", slot, p, n, at)
		}
	}
	queue(first)
	inSlot(first, 0)
	queue(first) // once more: it has the next one already
	inSlot(first, 0)
	second := post()
	queue(second)
	inSlot(second, 2)
	if now := upcoming(); now[0].PostID == nil || now[1].PostID == nil || now[2].PostID == nil || now[3].PostID != nil || first != c.path("/posts/%s", *now[0].PostID) {
		t.Errorf("the queue is %+v", now[:4])
	}

	// A slot is given back by whoever cancels, moves or takes back its post.
	w.call(t, c.member, "POST", first+"/cancel", nil).want(t, 200)
	third := post()
	queue(third)
	inSlot(third, 0)
	if p := into[api.Post](t, w.call(t, c.member, "POST", third+"/schedule", m{"scheduled_at": next[5].At.Add(time.Minute)}).want(t, 202)); p.SlotAt != nil {
		t.Errorf("moved: %+v", p)
	}
	queue(first)
	inSlot(first, 0)
	w.exec(t, "update platform_posts set state = 'draft' where post_id = (select id from posts where slot_at = $1)", next[0].At)
	if p := into[api.Post](t, w.call(t, c.viewer, "GET", first, nil).want(t, 200)); p.SlotAt != nil || p.State != "draft" {
		t.Errorf("taken back: %+v", p)
	}
	if p := into[api.Post](t, w.call(t, c.member, "POST", second+"/publish", nil).want(t, 202)); p.SlotAt != nil {
		t.Errorf("published now: %+v", p)
	}

	// Many at once get a slot each.
	var wait sync.WaitGroup
	for range 12 {
		path := post()
		wait.Go(func() { queue(path) })
	}
	wait.Wait()
	taken := 0
	for _, slot := range upcoming()[:13] {
		if slot.PostID != nil {
			taken++
		}
	}
	if n := w.count(t, "select count(distinct slot_at) from posts where customer_id = $1 and state = 'scheduled'", c.customer.ID); n != 12 || taken != 13 {
		t.Errorf("%d slots are taken, %d of the next thirteen", n, taken)
	}
}
