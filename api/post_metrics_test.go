package api_test

import (
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestPostMetrics(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	second := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID, Platform: "linkedin"})
	post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account, second}})
	path := c.path("/posts/%s/metrics", post.ID)
	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", path, nil) })

	for _, row := range []string{
		`insert into post_metrics (customer_id, platform_post_id, day, impressions, likes, measured_at) values ($1, $2, '2030-01-03', 30, 3, '2030-01-03 10:00Z')`,
		`insert into post_metrics (customer_id, platform_post_id, day, impressions, likes, measured_at) values ($1, $2, '2030-01-02', 20, 0, '2030-01-02 10:00Z')`,
	} {
		if _, err := w.Super.Exec(t.Context(), row, c.customer.ID, post.PlatformPosts[1]); err != nil {
			t.Fatal(err)
		}
	}
	got := into[api.PostMetrics](t, w.call(t, c.viewer, "GET", path, nil).want(t, 200))
	if len(got.PlatformPosts) != 2 || got.PlatformPosts[0].Latest != nil || len(got.PlatformPosts[0].Days) != 0 || got.PlatformPosts[0].Days == nil {
		t.Fatalf("%+v", got)
	}
	numbers := got.PlatformPosts[1]
	if numbers.IntegrationID != second.ID || numbers.Platform != "linkedin" || numbers.PlatformPostID != post.PlatformPosts[1] || len(numbers.Days) != 2 ||
		numbers.Days[0].Day != "2030-01-02" || *numbers.Days[0].Likes != 0 || numbers.Days[0].Clicks != nil {
		t.Errorf("%+v", numbers)
	}
	if numbers.Latest == nil || numbers.Latest.Day != "2030-01-03" || *numbers.Latest.Impressions != 30 || numbers.Latest.MeasuredAt.Hour() != 10 {
		t.Errorf("%+v", numbers.Latest)
	}
	w.call(t, c.viewer, "GET", c.path("/posts/%s/metrics", uuid.New()), nil).want(t, 404)
}
