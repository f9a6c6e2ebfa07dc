package e2e

import (
	"bytes"
	"net/http"
	"testing"
)

var customerOperations = tested(map[string]any{
	"get-customer":         nil,
	"update-customer":      map[string]any{"name": "Taken over"},
	"archive-customer":     nil,
	"restore-customer":     nil,
	"get-customer-context": nil,
})

func TestCustomerTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, customerOperations)
	for _, query := range []string{"", "?archived=true&limit=100"} {
		list := w.b.owner.expect(t, http.StatusOK, http.MethodGet, "/v1/customers"+query, nil)
		if bytes.Contains(list.body, []byte(w.a.id)) || !bytes.Contains(list.body, []byte(w.b.id)) {
			t.Errorf("B's list of customers: %s", list.body)
		}
	}
	// Archived or not, A's customer is not there for B.
	w.a.owner.expect(t, http.StatusOK, http.MethodPost, w.a.path+"/archive", nil)
	w.check(t, customerOperations)
}
