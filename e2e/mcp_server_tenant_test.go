package e2e

import "testing"

var mcpServerOperations = tested(map[string]any{
	"list-mcp-servers":   nil,
	"create-mcp-server":  map[string]any{"name": "Eve's", "url": "https://mcp.example.com/eve"},
	"get-mcp-server":     nil,
	"update-mcp-server":  map[string]any{"name": "Eve's"},
	"delete-mcp-server":  nil,
	"check-mcp-server":   nil,
	"set-mcp-login":      map[string]any{"owner": "space", "token": "a-token-of-eve"},
	"delete-mcp-login":   asked("?owner=space"),
	"set-mcp-client":     map[string]any{"client_id": "eve"},
	"connect-mcp-server": asked("?owner=space"),
})

func TestMCPServerTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, mcpServerOperations)
	w.hidesList(t, "spaces/{space_id}/mcp-servers")
}
