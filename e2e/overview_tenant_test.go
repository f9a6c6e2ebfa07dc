package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const everyTime = "?from=2026-01-01T00:00:00Z&to=2027-01-30T00:00:00Z"

var readingOperations = tested(map[string]any{
	"get-overview":      nil,
	"list-calendar":     asked(everyTime),
	"get-report":        nil,
	"list-report-posts": nil,
	"export-report":     nil,
	"watch-changes":     asked("?seconds=1"),
})

func TestOverviewTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, readingOperations)
	// Each one's overview, calendar and report hold each one's own.
	from := time.Now().AddDate(0, 0, -30).UTC().Format(time.RFC3339)
	calendar := "/calendar?from=" + from + "&to=" + time.Now().AddDate(0, 11, 0).UTC().Format(time.RFC3339)
	for _, of := range []struct{ own, other agency }{{w.a, w.b}, {w.b, w.a}} {
		for _, path := range []string{"/overview", calendar, "/report", "/report/posts", "/report/export"} {
			body := string(of.own.owner.expect(t, http.StatusOK, http.MethodGet, of.own.path+path, nil).body)
			if !strings.Contains(body, of.own.ids["integration_id"]) && path != "/report/export" {
				t.Errorf("%s is without one's own account: %s", path, body)
			}
			for name, id := range of.other.ids {
				if strings.Contains(body, id) {
					t.Errorf("%s shows the other's %s", path, name)
				}
			}
		}
		type report struct {
			Total struct{ Published, Failed int }
		}
		published := one[int](t, w.s, "select count(*) from platform_posts where customer_id = $1 and state = 'published'", of.own.id)
		if got := call[report](t, of.own.owner, http.MethodGet, of.own.path+"/report", nil); published == 0 || got.Total.Published != published || got.Total.Failed != 0 {
			t.Errorf("%d are published, the report says %+v", published, got)
		}
		type page struct{ Items []struct{ ID string } }
		timed := one[int](t, w.s, "select count(*) from posts where customer_id = $1 and scheduled_at between $2::timestamptz and now() + interval '330 days'", of.own.id, from)
		if got := call[page](t, of.own.owner, http.MethodGet, of.own.path+calendar, nil); timed == 0 || len(got.Items) != timed {
			t.Errorf("%d posts have a time, the calendar has %d", timed, len(got.Items))
		}
	}
	// From A's cursor on, B's lists are B's.
	cursor := call[struct {
		Next *string `json:"next_cursor"`
	}](t, w.a.owner, http.MethodGet, w.a.path+calendar+"&limit=1", nil).Next
	if cursor == nil {
		t.Fatal("A's calendar has one page of one post")
	}
	body := string(w.b.owner.expect(t, http.StatusOK, http.MethodGet, w.b.path+calendar+"&cursor="+*cursor, nil).body)
	for name, id := range w.a.ids {
		if strings.Contains(body, id) {
			t.Errorf("from A's cursor on, B's calendar shows A's %s", name)
		}
	}
}
