package api_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestCalendar(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.exec(t, "update customers set time_zone = 'America/New_York' where id = $1", c.customer.ID)
	campaign := w.Campaign(t, dbtest.Campaign{CustomerID: c.customer.ID})
	ghost := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID, Platform: "ghost"})
	x := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID, Platform: "twitter"})
	at := func(id uuid.UUID, moment string) {
		w.exec(t, "update posts set scheduled_at = $2::timestamptz where id = $1", id, moment)
	}
	var all []string
	for i, moment := range []string{"2030-01-01 04:59:59.999999Z", "2030-01-01 05:00Z", "2030-01-01 05:00Z", "2030-01-15 12:00Z", "2030-02-01 04:59Z", "2030-02-01 05:00Z"} {
		post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Title: fmt.Sprint("Post ", i), Text: strings.Repeat("ü", 201), Integrations: []dbtest.Integration{x, ghost}})
		at(post.ID, moment)
		all = append(all, post.ID.String())
	}
	w.exec(t, "update posts set campaign_id = $2 where id = $1", all[3], campaign.ID)
	w.Post(t, dbtest.Post{CustomerID: c.customer.ID}) // without a time
	theirs := w.Post(t, dbtest.Post{CustomerID: c.elsewhere.ID})
	at(theirs.ID, "2030-01-15 12:00Z")

	const january = "/calendar?from=2030-01-01T00:00:00-05:00&to=2030-02-01T00:00:00-05:00"
	list := func(query string) (ids []string, posts []api.CalendarPost) {
		t.Helper()
		for cursor := ""; ; {
			page := into[api.Page[api.CalendarPost]](t, w.call(t, c.viewer, "GET", c.path("%s", query+cursor), nil).want(t, 200))
			for _, p := range page.Items {
				ids = append(ids, p.ID.String())
			}
			posts = append(posts, page.Items...)
			if page.NextCursor == nil {
				return ids, posts
			}
			cursor = "&cursor=" + *page.NextCursor
		}
	}
	for _, limit := range []string{"", "&limit=1", "&limit=2", "&limit=4"} {
		if ids, _ := list(january + limit); !cmp.Equal(ids, all[1:5]) {
			t.Errorf("%s: %v, want %v", limit, ids, all[1:5])
		}
	}
	ids, posts := list(january + "&campaign_id=" + campaign.ID.String())
	if !cmp.Equal(ids, all[3:4]) {
		t.Fatalf("of the campaign: %v", ids)
	}
	want := api.CalendarPost{
		ID: uuid.MustParse(all[3]), ETag: w.call(t, c.viewer, "GET", c.path("/posts/%s", all[3]), nil).want(t, 200).etag(), CampaignID: &campaign.ID, Title: "Post 3", Text: strings.Repeat("ü", 200), State: "draft",
		ScheduledAt: time.Date(2030, 1, 15, 12, 0, 0, 0, time.UTC), ScheduledLocal: "2030-01-15T07:00:00-05:00", TimeZone: "America/New_York",
		PlatformPosts: []api.CalendarPlatform{{IntegrationID: ghost.ID, Platform: "ghost", State: "draft"}, {IntegrationID: x.ID, Platform: "twitter", State: "draft"}},
	}
	if diff := cmp.Diff(want, posts[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if ids, _ := list(january + "&campaign_id=" + uuid.NewString()); len(ids) != 0 {
		t.Errorf("of no campaign: %v", ids)
	}
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path(january), nil) })
	for query, location := range map[string]string{
		"?from=2030-01-01T00:00:00Z&to=2030-01-01T00:00:00Z": "query.to", "?from=2030-01-01T00:00:00Z&to=2031-02-06T00:00:00Z": "query.to", "?from=2030-01-01T00:00:00Z": "query.to",
		"?to=2030-01-01T00:00:00Z": "query.from", "?from=2030-01-01&to=2030-01-02T00:00:00Z": "query.from", "?from=2030-01-01T00:00:00Z&to=2030-01-02T00:00:00Z&limit=501": "query.limit",
		"?from=2030-01-01T00:00:00Z&to=2030-01-02T00:00:00Z&campaign_id=x": "query.campaign_id", "?from=2030-01-01T00:00:00Z&to=2030-01-02T00:00:00Z&cursor=x": "query.cursor",
	} {
		w.call(t, c.viewer, "GET", c.path("/calendar%s", query), nil).wantAt(t, location)
	}
}

func TestOverview(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	get := func(who dbtest.User) api.Overview {
		t.Helper()
		return into[api.Overview](t, w.call(t, who, "GET", c.path("/overview"), nil).want(t, 200))
	}
	none := api.OverviewPosts{Posts: []api.OverviewPost{}}
	if diff := cmp.Diff(api.Overview{TimeZone: "UTC", Next: []api.OverviewPost{}, Waiting: none, Problems: none, Accounts: []api.OverviewAccount{}, Pairings: []api.OverviewPairing{}}, get(c.viewer)); diff != "" {
		t.Errorf("of an empty customer (-want +got):\n%s", diff)
	}
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	lost := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	w.exec(t, "update integrations set state = 'needs_reauth', reason = 'revoked', name = 'Lost' where id = $1", lost.ID)
	post := func(state string, in time.Duration) dbtest.Post {
		p := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}, Title: state})
		w.exec(t, "update posts set scheduled_at = now() + $2::interval where id = $1", p.ID, in)
		w.state(t, p.PlatformPosts[0], state)
		return p
	}
	var next []uuid.UUID
	for i := range 7 {
		next = append(next, post("scheduled", time.Duration(i+1)*24*time.Hour+time.Minute).ID)
	}
	post("scheduled", -time.Hour)
	waiting, early := post("pending_approval", 2*time.Hour), post("pending_approval", time.Hour)
	failed, unsure := post("failed", -2*time.Hour), post("needs_attention", -time.Hour)
	old := post("failed", -50*24*time.Hour)
	w.exec(t, "alter table platform_posts disable trigger user")
	w.exec(t, "update platform_posts set updated_at = now() - interval '31 days' where post_id = $1", old.ID)
	w.exec(t, "update platform_posts set updated_at = now() - interval '1 hour' where post_id = $1", unsure.ID)
	w.exec(t, "alter table platform_posts enable trigger user")
	post("published", -time.Hour)
	pairing := w.Pairing(t, dbtest.Pairing{CustomerID: c.customer.ID, CreatedBy: c.owner.ID})
	w.claimed(t, "/pairings/"+pairing.ID.String())

	got := get(c.owner)
	named := func(posts []api.OverviewPost) (ids []uuid.UUID) {
		for _, p := range posts {
			ids = append(ids, p.ID)
		}
		return ids
	}
	for what, pair := range map[string][2][]uuid.UUID{
		"next": {next[:5], named(got.Next)}, "waiting": {{early.ID, waiting.ID}, named(got.Waiting.Posts)}, "problems": {{failed.ID, unsure.ID}, named(got.Problems.Posts)},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	if got.Scheduled != 6 || got.Waiting.Count != 2 || got.Problems.Count != 2 || got.Connected != 2 {
		t.Errorf("%+v", got)
	}
	if p := got.Problems.Posts[0]; p.Title != "failed" || p.State != "failed" || len(p.PlatformPosts) != 1 || *p.PlatformPosts[0].Problem != "+Look." || *p.PlatformPosts[0].ProblemClass != "invalid" ||
		p.PlatformPosts[0].IntegrationID != account.ID {
		t.Errorf("%+v", p)
	}
	if len(got.Accounts) != 1 || got.Accounts[0].IntegrationID != lost.ID || got.Accounts[0].Status != "needs_reauth" || got.Accounts[0].Name != "Lost" || time.Since(got.Accounts[0].Since) > time.Minute {
		t.Errorf("%+v", got.Accounts)
	}
	if len(got.Pairings) != 1 || got.Pairings[0].PairingID != pairing.ID || got.Pairings[0].Platform != "telegram" {
		t.Errorf("%+v", got.Pairings)
	}
	if got := get(c.member); len(got.Pairings) != 0 {
		t.Errorf("a member sees pairings: %+v", got.Pairings)
	}
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path("/overview"), nil) })
	if got := into[api.Overview](t, w.call(t, c.outsider, "GET", "/v1/customers/"+c.elsewhere.ID.String()+"/overview", nil).want(t, 200)); got.Connected != 0 || len(got.Next) != 0 {
		t.Errorf("the other customer's: %+v", got)
	}
}

// TestManyPosts: with many posts, a month of the calendar, the overview and a month's report read what they tell, and not the tables.
func TestManyPosts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	posts, patience := 100_000, time.Second
	if testing.Short() && os.Getenv("FANFARE_PROVE") != "1" {
		posts = 20_000
	}
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	conn, err := w.Super.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	// Twenty years, one post in a hundred failed long ago, half of them another customer's.
	for i, customer := range []uuid.UUID{c.customer.ID, c.elsewhere.ID} {
		if i == 1 {
			account = w.Integration(t, dbtest.Integration{CustomerID: customer})
		}
		for _, sql := range []string{
			"set session_replication_role = replica",
			fmt.Sprintf(`insert into posts (customer_id, id, title, text, state, scheduled_at) select '%s', gen_random_uuid(), 'Post ' || n, repeat('Text ', 100),
				case when n %% 100 = 0 then 'failed' else 'published' end, now() - interval '10 years' + n * interval '20 years' / %d from generate_series(1, %[2]d) n`, customer, posts/2),
			fmt.Sprintf(`insert into platform_posts (customer_id, id, post_id, integration_id, state, external_id, published_at, problem, problem_class, updated_at)
				select p.customer_id, gen_random_uuid(), p.id, '%s', p.state, p.id::text, now(), 'Look.', 'invalid', now() - interval '1 year' from posts p where p.customer_id = '%s'`, account.ID, customer),
			"set session_replication_role = origin",
		} {
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, table := range []string{"posts", "platform_posts", "integrations"} {
		if _, err := conn.Exec(t.Context(), "vacuum analyze "+table); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now().UTC()
	read := func() (n int) {
		t.Helper()
		if _, err := conn.Exec(context.Background(), "select pg_stat_force_next_flush()"); err != nil {
			t.Fatal(err)
		}
		return w.count(t, "select coalesce(sum(seq_scan), 0) from pg_stat_user_tables where relname in ('posts', 'platform_posts')")
	}
	before := read()
	for _, path := range []string{
		fmt.Sprintf("/calendar?from=%s&to=%s", now.AddDate(0, 0, -15).Format(time.RFC3339), now.AddDate(0, 0, 15).Format(time.RFC3339)),
		"/overview", "/report", "/report/posts", "/report/export",
	} {
		var took time.Duration
		for range 8 { // also by a plan that is made once for all
			began := time.Now()
			w.call(t, c.viewer, "GET", c.path("%s", path), nil).want(t, 200)
			took = time.Since(began)
		}
		fmt.Printf("%s: %s of %d posts: %s\n", t.Name(), strings.SplitN(path, "?", 2)[0], posts, took.Round(100*time.Microsecond))
		if took > patience {
			t.Errorf("%s took %s", path, took)
		}
	}
	w.Login.Reset() // whose connections tell what they have read as they close
	eventually(t, "connections are closed", func() bool {
		return w.count(t, "select count(*) from pg_stat_activity where usename = 'fanfare_login' and datname = current_database()") == 0
	})
	if after := read(); after != before {
		t.Errorf("whole tables were read %d times", after-before)
	}
}
