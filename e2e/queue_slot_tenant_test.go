package e2e

import (
	"bytes"
	"net/http"
	"testing"
)

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

	// A's post has A's next slot, of which B's queue, which has the same slot, shows nothing.
	w.a.owner.expect(t, http.StatusAccepted, http.MethodPost, w.a.postPath(w.a.ids["post_id"])+"/queue", nil)
	for _, path := range []string{"/queue-slots", "/queue-slots/upcoming"} {
		if shown := w.b.owner.expect(t, http.StatusOK, http.MethodGet, w.b.path+path, nil).body; bytes.Contains(shown, []byte(w.a.ids["queue_slot_id"])) || bytes.Contains(shown, []byte(w.a.ids["post_id"])) {
			t.Errorf("B's %s shows what is A's: %s", path, shown)
		}
	}
}
