package e2e

import (
	"net/http"
	"testing"
)

var apiKeyOperations = tested(map[string]any{
	"list-api-keys":  nil,
	"create-api-key": map[string]any{"name": "Not mine", "permissions": []string{"posts:read"}},
	"get-api-key":    nil,
	"update-api-key": map[string]any{"name": "Taken over"},
	"revoke-api-key": nil,
})

func TestAPIKeyTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, apiKeyOperations)
	w.hidesList(t, "api-keys")

	// B's key opens B and nothing of A's.
	key := call[struct{ Key string }](t, w.b.owner, http.MethodPost, w.b.path+"/api-keys", map[string]any{"name": "Program", "permissions": []string{"posts:read", "customer:read"}})
	program := &client{base: w.b.owner.base, token: key.Key, http: w.b.owner.http}
	program.expect(t, http.StatusOK, http.MethodGet, w.b.path+"/posts", nil)
	program.expect(t, http.StatusNotFound, http.MethodGet, w.a.path+"/posts", nil)
	program.expect(t, http.StatusNotFound, http.MethodGet, w.b.path+"/posts/"+w.a.ids["post_id"], nil)
}
