package e2e

import "testing"

var agentTokenOperations = tested(map[string]any{
	"list-agent-tokens":  nil,
	"create-agent-token": map[string]any{"name": "Not mine", "permissions": []string{"posts:read"}},
	"get-agent-token":    nil,
	"revoke-agent-token": nil,
})

func TestAgentTokenTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, agentTokenOperations)
	w.hidesList(t, "agent-tokens")
}
