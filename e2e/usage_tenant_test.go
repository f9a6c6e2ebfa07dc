package e2e

import (
	"net/http"
	"testing"
)

var usageOperations = tested(map[string]any{
	"get-usage":        nil,
	"export-usage":     nil,
	"get-llm-budget":   nil,
	"set-llm-budget":   map[string]any{"monthly_tokens": 1},
	"reset-llm-budget": nil,
})

func TestUsageTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, usageOperations)

	// What each has published is each one's own usage.
	type usage struct {
		Items []struct {
			Kind, Platform string
			Count          int
		}
	}
	for _, a := range []agency{w.a, w.b} {
		published := one[int](t, w.s, "select count(*) from platform_posts where customer_id = $1 and state = 'published'", a.id)
		got := call[usage](t, a.owner, http.MethodGet, a.path+"/usage?group_by=total", nil)
		counted := 0
		for _, i := range got.Items {
			if i.Kind == "post_published" {
				counted += i.Count
			}
		}
		if published == 0 || counted != published {
			t.Errorf("%d posts are published, usage says %+v", published, got)
		}
	}
	if n := one[int](t, w.s, "select count(*) from llm_budgets"); n != 0 {
		t.Errorf("%d budgets were set", n)
	}
}
