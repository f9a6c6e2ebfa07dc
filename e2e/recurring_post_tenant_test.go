package e2e

import (
	"net/http"
	"testing"
)

var recurringPostOperations = tested(map[string]any{
	"list-recurring-posts":  nil,
	"create-recurring-post": map[string]any{"post_id": "00000000-0000-7000-8000-000000000000", "rrule": "FREQ=DAILY", "starts_local": "2026-01-01T09:00"},
	"get-recurring-post":    nil,
	"update-recurring-post": map[string]any{"rrule": "FREQ=DAILY"},
	"delete-recurring-post": nil,
	"pause-recurring-post":  nil,
	"resume-recurring-post": nil,
	"list-post-occurrences": nil,
})

func TestRecurringPostTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, recurringPostOperations)
	w.hidesList(t, "recurring-posts")
	w.sameForBody(t, http.StatusNotFound, "create-recurring-post", w.a.ids["post_id"], func(id string) any {
		return map[string]any{"post_id": id, "rrule": "FREQ=DAILY", "starts_local": "2026-01-01T09:00"}
	})
}
