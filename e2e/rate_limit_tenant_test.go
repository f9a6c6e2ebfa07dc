package e2e

import "testing"

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
}
