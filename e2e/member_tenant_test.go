package e2e

import (
	"net/http"
	"testing"
)

var memberOperations = tested(map[string]any{
	"list-members":  nil,
	"get-member":    nil,
	"update-member": map[string]any{"role": "viewer"},
	"remove-member": nil,
})

func TestMemberTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, memberOperations)
	w.hidesList(t, "members")

	// A person may be in both; whoever is taken out of a customer is a stranger with their next request.
	before := w.s.checksum(t, w.a.id)
	user := w.b.join(t, w.a.member, "viewer")
	if user != w.a.ids["user_id"] {
		t.Fatalf("A's person is %s in A and %s in B", w.a.ids["user_id"], user)
	}
	if after := w.s.checksum(t, w.a.id); after != before {
		t.Error("A's person in B's customer has changed A's")
	}
	w.a.member.expect(t, http.StatusOK, http.MethodGet, w.b.path, nil)
	w.b.owner.expect(t, http.StatusNoContent, http.MethodDelete, w.b.path+"/members/"+user, nil)
	w.a.member.expect(t, http.StatusNotFound, http.MethodGet, w.b.path, nil)
}
