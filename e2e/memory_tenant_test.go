package e2e

import "testing"

var memoryOperations = tested(map[string]any{
	"list-messages":   nil,
	"delete-messages": nil,
	"list-memories":   nil,
	"create-memory":   map[string]any{"text": "Not mine"},
	"get-memory":      nil,
	"update-memory":   map[string]any{"text": "Taken over"},
	"delete-memory":   nil,
})

func TestMemoryTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, memoryOperations)
	w.hidesList(t, "memories")
}
