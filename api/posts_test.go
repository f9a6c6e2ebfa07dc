package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestPostRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	fresh := func(t *testing.T) string {
		t.Helper()
		return c.path("/posts/%s", w.Post(t, dbtest.Post{CustomerID: c.customer.ID}).ID)
	}
	one := fresh(t)
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", one, nil) })
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path("/posts"), nil) })
	c.roles(t, creating, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "POST", c.path("/posts"), m{"text": "New"})
	})
	c.roles(t, working, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "PATCH", fresh(t), m{"text": "Changed"})
	})
	stale := statuses{412, 412, 412, 403, 412, 412, 403, 404}
	c.roles(t, stale, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "PATCH", fresh(t), m{"text": "Changed"}, "If-Match", `"v8"`)
	})
}

func TestPost(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	second := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID, Platform: "twitter"})
	campaign := w.Campaign(t, dbtest.Campaign{CustomerID: c.customer.ID})

	created := w.call(t, c.member, "POST", c.path("/posts"), m{
		"title": "Bread", "text": "Fresh bread.", "campaign_id": campaign.ID,
		"platforms": []m{{"integration_id": account.ID}, {"integration_id": second.ID, "text": "Bread!"}},
	}).want(t, 201)
	post := into[api.Post](t, created)
	if post.Title != "Bread" || post.Text != "Fresh bread." || *post.CampaignID != campaign.ID || post.State != "draft" || post.ScheduledAt != nil {
		t.Errorf("made %+v", post)
	}
	if len(post.PlatformPosts) != 2 || post.PlatformPosts[0].Text != "Fresh bread." || post.PlatformPosts[1].Text != "Bread!" ||
		post.PlatformPosts[0].IntegrationID != account.ID || post.PlatformPosts[1].Platform != "twitter" {
		t.Errorf("made %+v", post.PlatformPosts)
	}
	path := c.path("/posts/%s", post.ID)
	if got := w.call(t, c.viewer, "GET", path, nil).want(t, 200); string(got.body) != string(created.body) || got.etag() != created.etag() {
		t.Errorf("got %s %s, made %s %s", got.etag(), got.body, created.etag(), created.body)
	}

	changed := w.call(t, c.member, "PATCH", path, m{"title": "", "campaign_id": nil}, "If-Match", created.etag()).want(t, 200)
	if got := into[api.Post](t, changed); got.Title != "" || got.CampaignID != nil || got.Text != "Fresh bread." || len(got.PlatformPosts) != 2 {
		t.Errorf("changed to %+v", got)
	}
	w.call(t, c.member, "PATCH", path, m{"title": "Late"}, "If-Match", created.etag()).want(t, 412)

	// platforms is the whole list; who stays keeps their platform post, and null is as if it were not there.
	third := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	replaced := into[api.Post](t, w.call(t, c.member, "PATCH", path, m{"platforms": []m{{"integration_id": third.ID}, {"integration_id": second.ID}}}).want(t, 200))
	if len(replaced.PlatformPosts) != 2 || replaced.PlatformPosts[0].ID != post.PlatformPosts[1].ID || replaced.PlatformPosts[0].Text != "Fresh bread." ||
		replaced.PlatformPosts[1].IntegrationID != third.ID {
		t.Errorf("replaced to %+v", replaced.PlatformPosts)
	}
	kept := into[api.Post](t, w.call(t, c.member, "PATCH", path, m{"title": "Bread", "platforms": nil}).want(t, 200))
	if len(kept.PlatformPosts) != 2 || kept.Title != "Bread" {
		t.Errorf("kept %+v", kept)
	}
	none := into[api.Post](t, w.call(t, c.member, "PATCH", path, m{"platforms": []m{}}).want(t, 200))
	if len(none.PlatformPosts) != 0 {
		t.Errorf("left %+v", none.PlatformPosts)
	}
}

func TestPostRefersToOthers(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	mine := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	theirs := w.Integration(t, dbtest.Integration{CustomerID: c.elsewhere.ID})
	theirCampaign := w.Campaign(t, dbtest.Campaign{CustomerID: c.elsewhere.ID})
	post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{mine}})
	path := c.path("/posts/%s", post.ID)
	before := w.stored(t)
	same := func(a, b answer) {
		t.Helper()
		if string(a.want(t, 404).body) != string(b.want(t, 404).body) {
			t.Errorf("%s and %s can be told apart", a.body, b.body)
		}
	}
	for _, field := range []func(id uuid.UUID) m{
		func(id uuid.UUID) m { return m{"text": "A", "campaign_id": id} },
		func(id uuid.UUID) m { return m{"text": "A", "platforms": []m{{"integration_id": id}}} },
	} {
		theirID := theirCampaign.ID
		if field(theirID)["platforms"] != nil {
			theirID = theirs.ID
		}
		for method, target := range map[string]string{http.MethodPost: c.path("/posts"), http.MethodPatch: path} {
			same(w.call(t, c.member, method, target, field(theirID), "X-Request-ID", "r"), w.call(t, c.member, method, target, field(uuid.New()), "X-Request-ID", "r"))
			w.call(t, c.viewer, method, target, field(theirID)).want(t, 403)
		}
	}
	twice := []m{{"integration_id": mine.ID}, {"integration_id": strings.ToUpper(mine.ID.String()), "text": "B"}}
	w.call(t, c.member, "POST", c.path("/posts"), m{"text": "A", "platforms": twice}).wantAt(t, "body.platforms[1].integration_id")
	w.call(t, c.member, "PATCH", path, m{"platforms": twice}).wantAt(t, "body.platforms[1].integration_id")
	if after := w.stored(t); after != before {
		t.Errorf("something was stored: %s, before %s", after, before)
	}
}

func TestPostList(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	campaign := w.Campaign(t, dbtest.Campaign{CustomerID: c.customer.ID})
	theirs := w.Campaign(t, dbtest.Campaign{CustomerID: c.elsewhere.ID})
	var all, cancelled, inCampaign, both []uuid.UUID
	for i := range 8 {
		id := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}}).ID
		w.Post(t, dbtest.Post{CustomerID: c.elsewhere.ID})
		all = append(all, id)
		if i%2 == 0 {
			w.call(t, c.member, "POST", c.path("/posts/%s/cancel", id), nil).want(t, 200)
			cancelled = append(cancelled, id)
		}
		if i > 2 {
			w.call(t, c.member, "PATCH", c.path("/posts/%s", id), m{"campaign_id": campaign.ID}).want(t, 200)
			inCampaign = append(inCampaign, id)
			if i%2 == 0 {
				both = append(both, id)
			}
		}
	}
	for query, want := range map[string][]uuid.UUID{
		"":                                     all,
		"?state=cancelled":                     cancelled,
		"?state=published":                     nil,
		"?campaign_id=" + campaign.ID.String(): inCampaign,
		"?state=cancelled&campaign_id=" + campaign.ID.String(): both,
		"?campaign_id=" + theirs.ID.String():                   nil,
		"?campaign_id=" + uuid.NewString():                     nil,
	} {
		ids, _ := w.walk(t, c.viewer, c.path("/posts%s", query))
		wantIDs(t, ids, want)
	}
	if _, pages := w.walk(t, c.viewer, c.path("/posts")); pages != 4 {
		t.Errorf("%d pages", pages)
	}
	if got := into[page](t, w.call(t, c.viewer, "GET", c.path("/posts?limit=100"), nil)); len(got.Items) != 8 || got.NextCursor != nil {
		t.Errorf("%d posts on the only page, next %v", len(got.Items), got.NextCursor)
	}
}

// Cursors are of one list each, and one that leads beyond the end is an empty page.
func TestCursors(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	for range 2 {
		w.Campaign(t, dbtest.Campaign{CustomerID: c.customer.ID})
		post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}})
		w.call(t, c.owner, "POST", c.path("/posts/%s/publish", post.ID), nil).want(t, 202)
		w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
		w.invite(t, c, c.owner, w.User(t, dbtest.User{}).Email, "viewer")
		w.Join(t, w.Customer(t, dbtest.Customer{}).ID, c.owner.ID, "viewer")
	}
	lists := []string{"/v1/customers", c.path("/members"), c.path("/campaigns"), c.path("/posts"), c.path("/integrations"), c.path("/jobs"), c.path("/invitations")}
	for _, list := range lists {
		cursor := into[page](t, w.call(t, c.owner, "GET", list+"?limit=1", nil).want(t, 200)).NextCursor
		if cursor == nil {
			t.Fatalf("%s has one page only", list)
		}
		for _, other := range lists {
			a := w.call(t, c.owner, "GET", other+"?cursor="+*cursor, nil)
			if other == list {
				a.want(t, 200)
			} else {
				a.wantAt(t, "query.cursor")
			}
		}
		for _, bad := range []string{"x", "!!!!", "AAAA", *cursor + "AA", (*cursor)[:len(*cursor)-2], "%00", strings.Repeat("A", 101)} {
			w.call(t, c.owner, "GET", list+"?cursor="+bad, nil).wantAt(t, "query.cursor")
		}
		for bad, status := range map[string]int{"0": 422, "-1": 422, "101": 422, "4294967297": 422, "x": 422, "1.5": 422, "1": 200, "100": 200, "": 200} {
			w.call(t, c.owner, "GET", list+"?limit="+bad, nil).want(t, status)
		}
		w.call(t, c.owner, "GET", list+"?nonsense=1", nil).wantAt(t, "query.nonsense")
	}
	// Everything is newer than this cursor, so nothing is left.
	post := into[page](t, w.call(t, c.owner, "GET", c.path("/posts?limit=1"), nil))
	for _, item := range into[page](t, w.call(t, c.owner, "GET", c.path("/posts"), nil)).Items {
		w.exec(t, "delete from platform_posts where post_id = $1", item.ID)
		w.exec(t, "delete from posts where id = $1", item.ID)
	}
	if got := into[page](t, w.call(t, c.owner, "GET", c.path("/posts?cursor=%s", *post.NextCursor), nil).want(t, 200)); len(got.Items) != 0 || got.NextCursor != nil {
		t.Errorf("beyond the end: %+v", got)
	}
}

// Posts are found by their words, by where they go and come from and by their states, in either order.
func TestFindPosts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, other := w.cast(t), w.cast(t)
	x := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID, Platform: "twitter"})
	ghost := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	theirs := w.Integration(t, dbtest.Integration{CustomerID: other.customer.ID})
	space := w.Space(t, dbtest.Space{CustomerID: c.customer.ID, PairedBy: c.owner.ID})
	posts := map[string]uuid.UUID{}
	write := func(c cast, name, title, text string, accounts ...dbtest.Integration) {
		t.Helper()
		platforms := []m{}
		for _, account := range accounts {
			platforms = append(platforms, m{"integration_id": account.ID})
		}
		posts[name] = into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), m{"title": title, "text": text, "platforms": platforms}).want(t, 201)).ID
	}
	write(c, "bread", "Our Bakery", "Fresh bread at 8, at the Café on the corner: it's hot", x)
	write(c, "rolls", "", "Rolls, from the bakery’s oven. "+strings.Repeat("More of them. ", 10), ghost)
	write(c, "both", "Two", "Rolls and bread", x, ghost)
	write(c, "none", "Nowhere", "Nothing "+strings.Repeat("x ", 10_000)+"hidden")
	write(other, "theirs", "Bakery", "Bread and rolls of others", theirs)
	w.exec(t, "update posts set space_id = $2 where id = $1", posts["none"], space.ID)
	w.exec(t, "update platform_posts set state = 'pending_approval' where post_id = $1", posts["rolls"])
	w.exec(t, "update platform_posts set state = 'cancelled' where post_id = $1", posts["both"])
	now := time.Now()
	for name, hours := range map[string]int{"bread": 3, "rolls": 1, "both": 3} {
		w.exec(t, "update posts set scheduled_at = $2 where id = $1", posts[name], now.Add(time.Duration(hours)*time.Hour))
	}
	key := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, Permissions: []string{"posts:read"}}).Key
	ofSpace := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, SpaceID: &space.ID}).Key
	names := func(ids []string) (result []string) {
		for _, id := range ids {
			for name, one := range posts {
				if one.String() == id {
					result = append(result, name)
				}
			}
		}
		return result
	}
	listed := func(credential, query string) []string {
		var ids []string
		for _, post := range into[api.Page[api.Post]](t, w.callWith(t, credential, "GET", c.path("/posts?%s", query), nil).want(t, 200)).Items {
			ids = append(ids, post.ID.String())
		}
		return names(ids)
	}
	for query, want := range map[string][]string{
		"q=bakery": {"rolls", "bread"}, "q=BAKERY+bread": {"bread"}, "q=cafe": {"bread"}, "q=caf%C3%89+corner": {"bread"}, "q=nowh": {"none"}, "q=no": nil, "q=roll": {"both", "rolls"},
		"q=hidden": nil, "q=%22%27%26%7C!%3A*%5C": nil, "q=it%27s": {"bread"}, "q=roll&state=draft": nil, "q=bread&integration_id=" + ghost.ID.String(): {"both"},
		"state=draft": {"none", "bread"}, "state=draft,cancelled": {"none", "both", "bread"}, "state=failed": nil,
		"platform=twitter": {"both", "bread"}, "platform=ghost": {"both", "rolls"}, "platform=linkedin": nil, "platform=twitter&integration_id=" + ghost.ID.String(): nil,
		"integration_id=" + ghost.ID.String(): {"both", "rolls"}, "integration_id=" + theirs.ID.String(): nil,
		"space_id=" + space.ID.String(): {"none"}, "space_id=" + uuid.NewString(): nil, "campaign_id=" + uuid.NewString(): nil,
		"order=scheduled": {"both", "bread", "rolls"}, "order=scheduled&q=bread&state=draft": {"bread"}, "order=created": {"none", "both", "rolls", "bread"},
	} {
		ids, _ := w.walk(t, c.viewer, c.path("/posts?%s", query))
		if got := names(ids); !slices.Equal(got, want) {
			t.Errorf("%s: a viewer finds %v, want %v", query, got, want)
		}
		if got := listed(key, query); !slices.Equal(got, want) {
			t.Errorf("%s: a key finds %v, want %v", query, got, want)
		}
		if got := listed(ofSpace, query); !slices.Equal(got, slices.DeleteFunc(slices.Clone(want), func(name string) bool { return name != "none" })) {
			t.Errorf("%s: a space's key finds %v", query, got)
		}
		w.call(t, other.member, "GET", c.path("/posts?%s", query), nil).want(t, 404)
	}
	for query, place := range map[string]string{"state=done": "query.state[0]", "state=draft,done": "query.state[1]", "order=x": "query.order", "integration_id=x": "query.integration_id", "space_id=x": "query.space_id", "platform=x": "query.platform"} {
		w.call(t, c.viewer, "GET", c.path("/posts?%s", query), nil).wantAt(t, place)
	}
	// A cursor is of one order.
	first := into[api.Page[api.Post]](t, w.call(t, c.viewer, "GET", c.path("/posts?limit=1"), nil).want(t, 200))
	w.call(t, c.viewer, "GET", c.path("/posts?order=scheduled&cursor=%s", *first.NextCursor), nil).wantAt(t, "query.cursor")
	w.call(t, c.viewer, "GET", c.path("/posts?state=draft&cursor=%s", *first.NextCursor), nil).want(t, 200)
	// What is changed is found by its new words.
	w.call(t, c.member, "PATCH", c.path("/posts/%s", posts["bread"]), m{"text": "Pretzels"}).want(t, 200)
	if got := listed(key, "q=pretzel"); !slices.Equal(got, []string{"bread"}) {
		t.Errorf("after a change: %v", got)
	}
	if got := listed(key, "q=corner"); len(got) != 0 {
		t.Errorf("of before a change: %v", got)
	}
}
