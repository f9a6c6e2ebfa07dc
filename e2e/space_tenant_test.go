package e2e

import "testing"

var spaceOperations = tested(map[string]any{
	"list-spaces":          nil,
	"get-space":            nil,
	"update-space":         map[string]any{"title": "Eve's"},
	"release-space":        nil,
	"list-space-people":    nil,
	"list-chat-identities": nil,
	"delete-chat-identity": nil,
})

func TestSpaceTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, spaceOperations)
	w.hidesList(t, "spaces")
	w.hidesList(t, "chat-identities")
}
