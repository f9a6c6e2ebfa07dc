package e2e

import (
	"net/http"
	"testing"
)

var apiKeyOperations = tested(map[string]any{
	"list-api-keys":  nil,
	"create-api-key": map[string]any{"name": "Key", "permissions": []string{"posts:read"}},
	"get-api-key":    nil,
	"update-api-key": map[string]any{"name": "Renamed"},
	"revoke-api-key": nil,
})

var agentTokenOperations = tested(map[string]any{
	"list-agent-tokens":  nil,
	"create-agent-token": map[string]any{"name": "Agent", "permissions": []string{"posts:read"}},
	"get-agent-token":    nil,
	"revoke-agent-token": nil,
})

func TestAPIKeyTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, apiKeyOperations)
	w.check(t, agentTokenOperations)
	w.hidesList(t, "api-keys")
	w.hidesList(t, "agent-tokens")

	// A key and a token of B's in A's customer are as in a customer of nobody.
	before := w.s.checksum(t, w.a.id)
	for name, credential := range map[string]string{"key": w.b.key, "token": w.b.token} {
		program := w.s.program(credential)
		program.expect(t, http.StatusOK, http.MethodGet, w.b.path+"/posts", nil)
		theirs := program.expect(t, http.StatusNotFound, http.MethodGet, w.a.path+"/posts", nil)
		nobodys := program.expect(t, http.StatusNotFound, http.MethodGet, "/v1/customers/"+randomID()+"/posts", nil)
		if told(t, theirs) != told(t, nobodys) {
			t.Errorf("for B's %s, A's customer\n%s\nand nobody's\n%s", name, told(t, theirs), told(t, nobodys))
		}
		program.expect(t, http.StatusNotFound, http.MethodPost, w.a.path+"/posts", map[string]any{"text": "x"})
	}
	if after := w.s.checksum(t, w.a.id); after != before {
		t.Error("B's key has changed something of A's")
	}
}
