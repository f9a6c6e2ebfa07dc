package e2e

import "testing"

var credentialOperations = tested(map[string]any{
	"list-credentials":        nil,
	"create-credential":       map[string]any{"name": "Eve's", "provider": "anthropic", "model": "claude", "key": "sk-of-eve"},
	"update-credential":       map[string]any{"name": "Eve's"},
	"delete-credential":       nil,
	"list-space-credentials":  nil,
	"create-space-credential": map[string]any{"name": "Eve's", "provider": "anthropic", "model": "claude", "key": "sk-of-eve", "owner": "space"},
	"update-space-credential": map[string]any{"name": "Eve's"},
	"delete-space-credential": nil,
})

func TestCredentialTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, credentialOperations)
	w.hidesList(t, "credentials")
	w.hidesList(t, "spaces/{space_id}/credentials")
}
