package api_test

import (
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestCampaignRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	fresh := func(t *testing.T) string {
		t.Helper()
		return c.path("/campaigns/%s", w.Campaign(t, dbtest.Campaign{CustomerID: c.customer.ID}).ID)
	}
	one := fresh(t)
	ask := func(want statuses, method string, path func(*testing.T) string, body any, headers ...string) {
		c.roles(t, want, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, method, path(t), body, headers...) })
	}
	same := func(*testing.T) string { return one }
	list := func(*testing.T) string { return c.path("/campaigns") }
	stale := statuses{412, 412, 412, 403, 412, 412, 403, 404}
	ask(reading, "GET", same, nil)
	ask(reading, "GET", list, nil)
	ask(creating, "POST", list, m{"name": "New"})
	ask(working, "PATCH", fresh, m{"goal": "More"})
	ask(stale, "PATCH", fresh, m{"goal": "More"}, "If-Match", `"v7"`)
	ask(working, "POST", func(t *testing.T) string { return fresh(t) + "/archive" }, nil)
	ask(stale, "POST", func(t *testing.T) string { return fresh(t) + "/archive" }, nil, "If-Match", `"v7"`)
	ask(stale, "DELETE", fresh, nil, "If-Match", `"v7"`)
	ask(deleting, "DELETE", fresh, nil)
}

func TestCampaign(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	created := w.call(t, c.member, "POST", c.path("/campaigns"), m{"name": "Winter", "goal": "Bread", "starts_on": "2026-12-01", "ends_on": "2026-12-24"}).want(t, 201)
	campaign := into[api.Campaign](t, created)
	if campaign.Name != "Winter" || campaign.Goal != "Bread" || *campaign.StartsOn != "2026-12-01" || *campaign.EndsOn != "2026-12-24" {
		t.Errorf("made %+v", campaign)
	}
	path := c.path("/campaigns/%s", campaign.ID)
	if got := w.call(t, c.viewer, "GET", path, nil).want(t, 200); string(got.body) != string(created.body) || got.etag() != created.etag() {
		t.Errorf("got %s, made %s", got.body, created.body)
	}

	changed := w.call(t, c.member, "PATCH", path, m{"ends_on": nil, "goal": ""}, "If-Match", created.etag()).want(t, 200)
	if got := into[api.Campaign](t, changed); got.EndsOn != nil || *got.StartsOn != "2026-12-01" || got.Goal != "" || got.Name != "Winter" {
		t.Errorf("changed to %+v", got)
	}
	w.call(t, c.member, "PATCH", path, m{"name": "Late"}, "If-Match", created.etag()).want(t, 412)
	w.call(t, c.member, "PATCH", path, m{"ends_on": "2026-11-30"}).wantAt(t, "body.ends_on")
	w.call(t, c.member, "PATCH", path, m{"ends_on": "2026-12-01"}).want(t, 200)
	w.call(t, c.member, "PATCH", path, m{"starts_on": "0000-01-01"}).wantAt(t, "body.starts_on")
	w.call(t, c.member, "PATCH", path, m{"starts_on": "2026-02-30"}).wantAt(t, "body.starts_on")
	w.call(t, c.member, "POST", c.path("/campaigns"), m{"name": "X", "starts_on": "2026-12-02", "ends_on": "2026-12-01"}).wantAt(t, "body.ends_on")

	archived := w.call(t, c.member, "POST", path+"/archive", nil).want(t, 200)
	if into[api.Campaign](t, archived).ArchivedAt == nil {
		t.Error("not archived")
	}
	w.call(t, c.member, "DELETE", path, nil, "If-Match", created.etag()).want(t, 412)
	w.call(t, c.member, "DELETE", path, nil, "If-Match", archived.etag()).want(t, 204)
	w.call(t, c.member, "GET", path, nil).want(t, 404)
	w.call(t, c.member, "DELETE", path, nil).want(t, 404)
}

func TestCampaignWithPosts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	campaign := w.Campaign(t, dbtest.Campaign{CustomerID: c.customer.ID})
	path := c.path("/campaigns/%s", campaign.ID)
	post := into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), m{"text": "A", "campaign_id": campaign.ID}).want(t, 201))
	c.roles(t, statuses{409, 409, 409, 403, 409, 409, 403, 404}, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "DELETE", path, nil) })
	w.call(t, c.member, "PATCH", c.path("/posts/%s", post.ID), m{"campaign_id": nil}).want(t, 200)
	w.call(t, c.member, "DELETE", path, nil).want(t, 204)
}

func TestCampaignList(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	var want []uuid.UUID
	for range 6 {
		want = append(want, w.Campaign(t, dbtest.Campaign{CustomerID: c.customer.ID}).ID)
		w.Campaign(t, dbtest.Campaign{CustomerID: c.elsewhere.ID})
	}
	ids, pages := w.walk(t, c.viewer, c.path("/campaigns"))
	wantIDs(t, ids, want)
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
	w.call(t, c.member, "POST", c.path("/campaigns/%s/archive", want[2]), nil).want(t, 200)
	ids, _ = w.walk(t, c.viewer, c.path("/campaigns"))
	wantIDs(t, ids, append(append([]uuid.UUID{}, want[:2]...), want[3:]...))
	ids, _ = w.walk(t, c.viewer, c.path("/campaigns?archived=true"))
	wantIDs(t, ids, want)
}
