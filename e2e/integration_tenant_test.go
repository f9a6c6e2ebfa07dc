package e2e

import (
	"bytes"
	"net/http"
	"testing"
)

var integrationOperations = tested(map[string]any{
	"list-integrations": nil,
	"create-integration": map[string]any{
		"platform": "ghost", "site_url": "http://127.0.0.1:9/",
		"admin_api_key": "000000000000000000000000:0000000000000000000000000000000000000000000000000000000000000000",
	},
	"get-integration":        nil,
	"disconnect-integration": nil,
	"update-integration":     map[string]any{"is_default": true},
	"check-integration":      nil,
	"connect-integration":    nil,
	"get-connect-session":    nil,
	"choose-accounts":        map[string]any{"external_ids": []string{"2244994945"}},
})

func TestIntegrationTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, integrationOperations)
	w.hidesList(t, "integrations")

	// Two customers may connect the same site, each with its own key; neither sees or disturbs the other's.
	before := w.s.checksum(t, w.a.id)
	siteURL, key := w.s.site(w.a.site)
	theirs := w.b.connectWith(t, siteURL, key)
	if theirs.ID == w.a.integration {
		t.Error("connecting A's site from B gave A's account")
	}
	w.b.owner.expect(t, http.StatusNoContent, http.MethodDelete, w.b.path+"/integrations/"+theirs.ID, nil)
	if after := w.s.checksum(t, w.a.id); after != before {
		t.Error("connecting and disconnecting A's site from B has changed A's")
	}
	// The key is told to nobody, its own people included.
	_, secret, _ := bytes.Cut([]byte(key), []byte(":"))
	for _, path := range []string{"/integrations", "/integrations/" + w.a.integration, "/context"} {
		if body := w.a.owner.expect(t, http.StatusOK, http.MethodGet, w.a.path+path, nil).body; bytes.Contains(body, secret) {
			t.Errorf("%s tells the key", path)
		}
	}
}
