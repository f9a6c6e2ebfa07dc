package api_test

import (
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// outcome is a platform post as a report's test has made it.
type outcome struct {
	post, id, integration uuid.UUID
	platform, state       string
	at                    time.Time
	measured              bool
	numbers               [6]int64 // as in post_metrics
}

// outcomes are posts of any state around the beginnings of days, on three accounts, measured on some days.
func (w *world) outcomes(t *testing.T, customerID uuid.UUID, zone *time.Location, days []time.Time) (all []outcome) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	accounts := []dbtest.Integration{
		w.Integration(t, dbtest.Integration{CustomerID: customerID, Platform: "ghost"}),
		w.Integration(t, dbtest.Integration{CustomerID: customerID, Platform: "linkedin"}),
		w.Integration(t, dbtest.Integration{CustomerID: customerID, Platform: "linkedin"}),
	}
	states := []string{"published", "published", "published", "failed", "needs_attention", "scheduled", "draft", "cancelled"}
	for _, day := range days {
		midnight := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
		for _, offset := range []time.Duration{-90 * time.Minute, -time.Minute, -time.Microsecond, 0, time.Minute, 59 * time.Minute, 90 * time.Minute, 12 * time.Hour} {
			at := midnight.Add(offset)
			post := w.Post(t, dbtest.Post{CustomerID: customerID, Integrations: accounts[:1+random.IntN(3)], Title: "=cmd()", Text: strings.Repeat("é", 300)})
			w.exec(t, "update posts set scheduled_at = $2 where id = $1", post.ID, at)
			for i, id := range post.PlatformPosts {
				o := outcome{post: post.ID, id: id, integration: accounts[i].ID, platform: accounts[i].Platform, state: states[random.IntN(len(states))], at: at}
				w.state(t, o.id, o.state)
				for range random.IntN(3) * min(1, strings.Count(o.state, "published")) {
					o.measured = true
					for n := range o.numbers {
						o.numbers[n] = random.Int64N(1000)
					}
					w.exec(t, `insert into post_metrics (customer_id, platform_post_id, day, impressions, reach, likes, comments, shares, clicks, measured_at)
						select $1, $2, coalesce(max(day), '2030-01-01') + 1, $3, $4, $5, $6, $7, $8, '2030-02-01' from post_metrics where platform_post_id = $2`,
						customerID, o.id, o.numbers[0], o.numbers[1], o.numbers[2], o.numbers[3], o.numbers[4], o.numbers[5])
				}
				all = append(all, o)
			}
		}
	}
	return all
}

// state brings a platform post into a state by the way that leads there.
func (w *world) state(t *testing.T, id uuid.UUID, state string) {
	t.Helper()
	for _, step := range map[string][]string{"published": {"scheduled", "publishing"}, "failed": {"scheduled", "publishing"}, "needs_attention": {"scheduled", "publishing"}}[state] {
		w.exec(t, "update platform_posts set state = $2, attempt = 1 where id = $1", id, step)
	}
	if state != "draft" {
		w.exec(t, `update platform_posts set state = $2, external_id = case when $2 = 'published' then id::text end, published_at = case when $2 = 'published' then now() end,
			problem = case when $2 in ('failed', 'needs_attention') then '+Look.' end, problem_class = case when $2 in ('failed', 'needs_attention') then 'invalid' end where id = $1`, id, state)
	}
}

// summed is what a report says of some outcomes, added up in another way than the database does.
func summed(all []outcome) (n api.ReportNumbers) {
	posts := map[uuid.UUID]bool{}
	for _, o := range all {
		switch o.state {
		case "published":
			n.Published++
			posts[o.post] = true
		case "failed":
			n.Failed++
		case "needs_attention":
			n.NeedsAttention++
		}
		if o.measured {
			n.Measured++
		}
		for i, sum := range []*int64{&n.Impressions, &n.Reach, &n.Likes, &n.Comments, &n.Shares, &n.Clicks} {
			*sum += o.numbers[i]
		}
	}
	n.Posts = int64(len(posts))
	return n
}

func TestReport(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for zoneName, days := range map[string][]string{
		"Europe/Berlin": {"2026-03-29", "2026-03-30", "2026-10-25", "2026-10-26"},
		"Africa/Cairo":  {"2026-04-24", "2026-04-25", "2026-10-30"}, // where the clocks change at midnight: one of these days begins at 1:00
		"Pacific/Apia":  {"2026-06-01"},
		"Pacific/Niue":  {"2026-06-01"},
	} {
		t.Run(zoneName, func(t *testing.T) {
			t.Parallel()
			c := w.cast(t)
			w.exec(t, "update customers set time_zone = $2 where id = $1", c.customer.ID, zoneName)
			zone := must(time.LoadLocation(zoneName))
			made := make([]time.Time, len(days))
			for i, day := range days {
				made[i] = must(time.Parse(time.DateOnly, day))
			}
			all := w.outcomes(t, c.customer.ID, zone, made)
			for _, span := range [][2]string{{days[0], days[0]}, {days[0], days[len(days)-1]}, {"2026-01-01", "2026-12-31"}, {days[len(days)-1], "2026-11-30"}, {"2025-01-01", "2025-12-31"}} {
				w.checkReport(t, c, zone, span, all)
			}
		})
	}
	t.Run("in general", func(t *testing.T) {
		t.Parallel()
		c := w.cast(t)
		for _, path := range []string{"/report", "/report/posts", "/report/export"} {
			c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path("%s", path), nil) })
			for query, at := range map[string]string{
				"?from=2030-02-01&to=2030-01-31": "query.from", "?from=2028-01-01&to=2030-01-01": "query.from", "?from=0001-01-01&to=9999-12-31": "query.from",
				"?from=yesterday": "query.from", "?to=2030-02-30": "query.to", "?to=0000-01-01": "query.to", "?since=2030-01-01": "query.since",
			} {
				w.call(t, c.viewer, "GET", c.path("%s", path+query), nil).wantAt(t, at)
			}
		}
		w.call(t, c.viewer, "GET", c.path("/report?from=0001-01-01&to=0001-01-01"), nil).want(t, 200)
		w.call(t, c.viewer, "GET", c.path("/report?from=9999-12-01&to=9999-12-31"), nil).want(t, 200)
		w.call(t, c.viewer, "GET", c.path("/report/posts?cursor=x"), nil).wantAt(t, "query.cursor")
		got := into[api.Report](t, w.call(t, c.viewer, "GET", c.path("/report"), nil).want(t, 200))
		today := time.Now().UTC()
		if got.TimeZone != "UTC" || got.To != today.Format(time.DateOnly) || got.From != today.AddDate(0, 0, -29).Format(time.DateOnly) || got.Platforms == nil || got.Total != (api.ReportNumbers{}) {
			t.Errorf("without a word it is %+v", got)
		}
	})
}

// checkReport compares what the three operations answer with what is true.
func (w *world) checkReport(t *testing.T, c cast, zone *time.Location, span [2]string, all []outcome) {
	t.Helper()
	day := func(o outcome) string { return o.at.In(zone).Format(time.DateOnly) }
	var here []outcome
	for _, o := range all {
		if slices.Contains([]string{"published", "failed", "needs_attention"}, o.state) && day(o) >= span[0] && day(o) <= span[1] {
			here = append(here, o)
		}
	}
	want := api.Report{From: span[0], To: span[1], TimeZone: zone.String(), Total: summed(here), Platforms: []api.ReportNumbers{}}
	for _, platform := range []string{"ghost", "linkedin"} {
		of := slices.DeleteFunc(slices.Clone(here), func(o outcome) bool { return o.platform != platform })
		if n := summed(of); len(of) > 0 {
			n.Platform = platform
			want.Platforms = append(want.Platforms, n)
		}
	}
	query := fmt.Sprintf("?from=%s&to=%s", span[0], span[1])
	got := into[api.Report](t, w.call(t, c.viewer, "GET", c.path("/report%s", query), nil).want(t, 200))
	if diff := cmp.Diff(want.Platforms, got.Platforms); diff != "" || got.Total != want.Total || got.From != want.From || got.To != want.To || got.TimeZone != want.TimeZone {
		t.Errorf("%s: %+v, want %+v\n%s", query, got.Total, want.Total, diff)
	}
	accounts := map[uuid.UUID][]outcome{}
	byDay := map[string][]outcome{}
	for _, o := range here {
		accounts[o.integration] = append(accounts[o.integration], o)
		byDay[o.platform+day(o)] = append(byDay[o.platform+day(o)], o)
	}
	if len(got.Accounts) != len(accounts) || len(got.Days) != len(byDay) {
		t.Errorf("%s: %d accounts and %d days, want %d and %d", query, len(got.Accounts), len(got.Days), len(accounts), len(byDay))
	}
	for _, n := range got.Accounts {
		want := summed(accounts[*n.IntegrationID])
		want.Platform, want.IntegrationID, want.Account = n.Platform, n.IntegrationID, n.Account
		if n != want || n.Account == "" {
			t.Errorf("%s: account %+v, want %+v", query, n, want)
		}
	}
	for _, n := range got.Days {
		want := summed(byDay[n.Platform+n.Day])
		want.Platform, want.Day = n.Platform, n.Day
		if n != want {
			t.Errorf("%s: day %+v, want %+v", query, n, want)
		}
	}

	// Post by post, the newest first, page by page; and the same as CSV.
	slices.SortFunc(here, func(a, b outcome) int {
		if a.at.Equal(b.at) {
			return strings.Compare(b.id.String(), a.id.String())
		}
		return b.at.Compare(a.at)
	})
	var posts []api.ReportPost
	for cursor := ""; ; {
		page := into[api.Page[api.ReportPost]](t, w.call(t, c.viewer, "GET", c.path("/report/posts%s&limit=7%s", query, cursor), nil).want(t, 200))
		posts = append(posts, page.Items...)
		if page.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *page.NextCursor
	}
	exported := w.call(t, c.viewer, "GET", c.path("/report/export%s", query), nil).want(t, 200)
	lines, err := csv.NewReader(strings.NewReader(string(exported.body))).ReadAll()
	if err != nil || len(lines) != len(here)+1 || len(posts) != len(here) {
		t.Fatalf("%s: %d posts and %d lines, want %d: %v", query, len(posts), len(lines), len(here), err)
	}
	if name := exported.header.Get("Content-Disposition"); name != fmt.Sprintf(`attachment; filename="report-%s-%s.csv"`, span[0], span[1]) {
		t.Errorf("it is named %s", name)
	}
	for i, o := range here {
		p, line := posts[i], lines[i+1]
		if p.PlatformPostID != o.id || p.PostID != o.post || p.State != o.state || !p.ScheduledAt.Equal(o.at) || (p.MeasuredAt != nil) != o.measured || len([]rune(p.Text)) != 200 ||
			(p.Problem != nil) != (o.state != "published") || o.measured && (*p.Impressions != o.numbers[0] || *p.Clicks != o.numbers[5]) || !o.measured && p.Likes != nil {
			t.Errorf("%s: %+v, want %+v", query, p, o)
		}
		cells := map[string]string{}
		for n, name := range lines[0] {
			cells[name] = line[n]
		}
		want := map[string]string{"scheduled_at": o.at.In(zone).Format(time.RFC3339), "platform": o.platform, "state": o.state, "title": "'=cmd()", "text": strings.Repeat("é", 300),
			"platform_post_id": o.id.String(), "post_id": o.post.String(), "problem": map[bool]string{true: "", false: "'+Look."}[o.state == "published"], "likes": "", "measured_at": ""}
		if o.measured {
			want["likes"], want["measured_at"] = fmt.Sprint(o.numbers[2]), p.MeasuredAt.In(zone).Format(time.RFC3339)
		}
		for name, cell := range want {
			if cells[name] != cell {
				t.Errorf("%s: %s is %q, want %q", query, name, cells[name], cell)
			}
		}
	}
}
