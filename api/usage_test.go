package api_test

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestUsage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, other := w.cast(t), w.cast(t)
	for _, sql := range []string{
		"insert into usage_days (customer_id, day, kind, count, input_tokens, output_tokens, cost_microusd) values ($1, '2030-01-31', 'generate_post', 2, 10, 20, 300)",
		"insert into usage_days (customer_id, day, kind, platform, count) values ($1, '2030-01-31', 'post_published', 'ghost', 4)",
		"insert into usage_days (customer_id, day, kind, platform, count) values ($1, '2030-02-01', 'post_published', 'ghost', 7)",
		// what is not added up yet counts as well
		"insert into usage_entries (customer_id, day, kind, count, input_tokens, output_tokens, cost_microusd) values ($1, '2030-01-31', 'generate_post', 1, 1, 2, 3)",
		"insert into usage_entries (customer_id, day, kind, platform) values ($1, '2030-01-01', 'post_published', 'twitter')",
		"insert into usage_entries (customer_id, day, kind, platform) values ($1, '2029-12-31', 'post_published', 'twitter')",
	} {
		w.exec(t, sql, c.customer.ID)
	}
	w.exec(t, "insert into usage_days (customer_id, day, kind, count) values ($1, '2030-01-31', 'generate_post', 1000)", other.customer.ID)

	item := func(period, kind, platform string, count, in, out, cost int64) api.UsageItem {
		return api.UsageItem{Period: period, UsageOfKind: api.UsageOfKind{Kind: kind, Platform: platform, Count: count, InputTokens: in, OutputTokens: out, CostMicroUSD: cost}}
	}
	for query, want := range map[string]api.Usage{
		"?from=2030-01-01&to=2030-02-01": {From: "2030-01-01", To: "2030-02-01", Items: []api.UsageItem{
			item("2030-01-01", "post_published", "twitter", 1, 0, 0, 0), item("2030-01-31", "generate_post", "", 3, 11, 22, 303),
			item("2030-01-31", "post_published", "ghost", 4, 0, 0, 0), item("2030-02-01", "post_published", "ghost", 7, 0, 0, 0)}},
		"?to=2030-01-31&group_by=day": {From: "2030-01-01", To: "2030-01-31", Items: []api.UsageItem{
			item("2030-01-01", "post_published", "twitter", 1, 0, 0, 0), item("2030-01-31", "generate_post", "", 3, 11, 22, 303),
			item("2030-01-31", "post_published", "ghost", 4, 0, 0, 0)}},
		"?from=2029-12-01&to=2030-02-28&group_by=month": {From: "2029-12-01", To: "2030-02-28", Items: []api.UsageItem{
			item("2029-12", "post_published", "twitter", 1, 0, 0, 0), item("2030-01", "generate_post", "", 3, 11, 22, 303),
			item("2030-01", "post_published", "ghost", 4, 0, 0, 0), item("2030-01", "post_published", "twitter", 1, 0, 0, 0),
			item("2030-02", "post_published", "ghost", 7, 0, 0, 0)}},
		"?from=2029-12-31&to=2030-02-28&group_by=total": {From: "2029-12-31", To: "2030-02-28", Items: []api.UsageItem{
			item("total", "generate_post", "", 3, 11, 22, 303), item("total", "post_published", "ghost", 11, 0, 0, 0), item("total", "post_published", "twitter", 2, 0, 0, 0)}},
		"?from=2030-02-02&to=2030-02-02": {From: "2030-02-02", To: "2030-02-02", Items: []api.UsageItem{}},
	} {
		got := into[api.Usage](t, w.call(t, c.viewer, "GET", c.path("/usage%s", query), nil).want(t, 200))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
		exported := w.call(t, c.viewer, "GET", c.path("/usage/export%s", query), nil).want(t, 200)
		if kind := exported.header.Get("Content-Type"); kind != "text/csv; charset=utf-8; header=present" {
			t.Errorf("%s is exported as %q", query, kind)
		}
		lines, err := csv.NewReader(strings.NewReader(string(exported.body))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		csvWant := [][]string{{"period", "kind", "platform", "count", "input_tokens", "output_tokens", "cost_microusd"}}
		for _, i := range want.Items {
			csvWant = append(csvWant, []string{i.Period, i.Kind, i.Platform, fmt.Sprint(i.Count), fmt.Sprint(i.InputTokens), fmt.Sprint(i.OutputTokens), fmt.Sprint(i.CostMicroUSD)})
		}
		if diff := cmp.Diff(csvWant, lines); diff != "" {
			t.Errorf("%s as CSV (-want +got):\n%s", query, diff)
		}
	}
	// This month so far, without a word.
	now := time.Now().UTC()
	got := into[api.Usage](t, w.call(t, c.owner, "GET", c.path("/usage"), nil).want(t, 200))
	if got.From != now.Format("2006-01")+"-01" || got.To != now.Format(time.DateOnly) || len(got.Items) != 0 {
		t.Errorf("without a word it is %+v", got)
	}
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path("/usage"), nil) })
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path("/usage/export"), nil) })

	for query, at := range map[string]string{
		"?from=2030-02-01&to=2030-01-31": "query.from", "?from=2028-01-01&to=2030-01-01": "query.from", "?from=0001-01-01&to=9999-12-31": "query.from",
		"?from=yesterday": "query.from", "?to=2030-02-30": "query.to", "?group_by=week": "query.group_by", "?to=0000-01-01": "query.to", "?since=2030-01-01": "query.since",
	} {
		for _, path := range []string{"/usage", "/usage/export"} {
			w.call(t, c.viewer, "GET", c.path("%s", path+query), nil).wantAt(t, at)
		}
	}
	w.call(t, c.viewer, "GET", c.path("/usage?from=2028-01-01&to=2029-12-31"), nil).want(t, 200)
}

func TestInstallationUsage(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c, other := w.cast(t), w.cast(t)
	w.exec(t, "insert into usage_days (customer_id, day, kind, count, cost_microusd) values ($1, '2030-01-31', 'generate_post', 2, 300), ($1, '2030-02-01', 'generate_post', 5, 1)", c.customer.ID)
	w.exec(t, "insert into usage_entries (customer_id, day, kind, platform) values ($1, '2030-01-01', 'post_published', 'ghost'), ($1, '2030-01-01', 'post_published', 'ghost')", other.customer.ID)
	list := func(who dbtest.User, query string) answer { return w.call(t, who, "GET", "/v1/usage"+query, nil) }
	want := []api.CustomerUsage{
		{CustomerID: c.customer.ID, Name: c.customer.Name, Used: []api.UsageOfKind{{Kind: "generate_post", Count: 2, CostMicroUSD: 300}}},
		{CustomerID: other.customer.ID, Name: other.customer.Name, Used: []api.UsageOfKind{{Kind: "post_published", Platform: "ghost", Count: 2}}},
	}
	for _, who := range []dbtest.User{c.sysadmin, c.manager, c.sysviewer} {
		got := into[api.Page[api.CustomerUsage]](t, list(who, "?month=2030-01").want(t, 200))
		if diff := cmp.Diff(api.Page[api.CustomerUsage]{Items: want}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	first := into[api.Page[api.CustomerUsage]](t, list(c.sysviewer, "?month=2030-01&limit=1").want(t, 200))
	if len(first.Items) != 1 || first.NextCursor == nil {
		t.Fatalf("the first page is %+v", first)
	}
	second := into[api.Page[api.CustomerUsage]](t, list(c.sysviewer, "?month=2030-01&limit=1&cursor="+*first.NextCursor).want(t, 200))
	if diff := cmp.Diff(want, append(first.Items, second.Items...)); diff != "" || second.NextCursor != nil {
		t.Errorf("page by page (-want +got):\n%s", diff)
	}
	if got := into[api.Page[api.CustomerUsage]](t, list(c.sysviewer, "").want(t, 200)); len(got.Items) != 0 {
		t.Errorf("in this month: %+v", got)
	}
	for _, who := range []dbtest.User{c.owner, c.viewer, c.outsider} {
		if a := list(who, "?month=2030-01").want(t, 403); strings.Contains(string(a.body), c.customer.Name) {
			t.Errorf("a refusal tells: %s", a.body)
		}
	}
	for query, at := range map[string]string{"?month=2030-13": "query.month", "?month=2030": "query.month", "?month=0000-01": "query.month", "?cursor=x": "query.cursor"} {
		list(c.sysadmin, query).wantAt(t, at)
	}
	w.call(t, c.sysadmin, http.MethodGet, "/v1/usage?month=9999-12", nil).want(t, 200)
}
