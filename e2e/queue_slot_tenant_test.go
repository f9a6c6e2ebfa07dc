package e2e

import "testing"

var queueSlotOperations = tested(map[string]any{
	"list-queue-slots":    nil,
	"list-upcoming-slots": nil,
	"create-queue-slot":   map[string]any{"weekday": "tuesday", "local_time": "11:00"},
	"delete-queue-slot":   nil,
	"queue-post":          nil,
})

func TestQueueSlotTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, queueSlotOperations)
	w.hidesList(t, "queue-slots")
}
