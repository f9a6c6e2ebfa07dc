package e2e

import (
	"net/http"
	"testing"
)

var rateLimitOperations = tested(map[string]any{
	"list-rate-limits": nil,
	"get-rate-limit":   nil,
	"set-rate-limit":   map[string]any{"quota": 1, "window_seconds": 60},
	"reset-rate-limit": nil,
})

func TestRateLimitTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, rateLimitOperations)

	// Operations have the same names everywhere; their limits are each customer's.
	limit := w.a.path + "/rate-limits/list-posts"
	w.b.owner.expect(t, http.StatusNotFound, http.MethodGet, limit, nil)
	w.b.owner.expect(t, http.StatusNotFound, http.MethodDelete, limit, nil)
	w.b.owner.expect(t, http.StatusNotFound, http.MethodPut, limit, map[string]any{"quota": 1, "window_seconds": 60})
	if n := one[int](t, w.s, "select count(*) from rate_limit_rules"); n != 0 {
		t.Errorf("%d limits were set", n)
	}
}
