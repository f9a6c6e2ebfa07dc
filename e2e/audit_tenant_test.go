package e2e

import (
	"net/http"
	"strings"
	"testing"
)

var auditOperations = tested(map[string]any{"list-audit-entries": nil, "export-audit-entries": nil})

func TestAuditTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, auditOperations)
	w.hidesList(t, "audit")
	for _, format := range []string{"ndjson", "csv"} {
		r := w.b.owner.do(t, http.MethodGet, w.b.path+"/audit/export?format="+format, nil)
		if r.status != http.StatusOK || !strings.Contains(string(r.body), w.b.ids["post_id"]) {
			t.Errorf("B's export as %s: %d %s", format, r.status, r.body)
		}
		for name, id := range w.a.ids {
			if strings.Contains(string(r.body), id) {
				t.Errorf("B's export as %s holds A's %s", format, name)
			}
		}
	}
}
