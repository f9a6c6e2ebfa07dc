package e2e

import (
	"net/http"
	"testing"
)

var memberOperations = tested(map[string]any{
	"list-members":  nil,
	"add-member":    map[string]any{"user_id": randomID(), "role": "owner"},
	"get-member":    nil,
	"update-member": map[string]any{"role": "viewer"},
	"remove-member": nil,
})

func TestMemberTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, memberOperations)
	w.hidesList(t, "members")
	w.sameForBody(t, http.StatusUnprocessableEntity, "add-member", randomID(), func(id string) any {
		return map[string]any{"user_id": id, "role": "member"}
	})

	// A person's id is no tenant's: whoever was given it can add them to a customer of their own. That
	// makes nobody a member of A, and adding oneself to A is impossible.
	me := call[meAnswer](t, w.b.owner, http.MethodGet, "/v1/me", nil)
	before := w.s.checksum(t, w.a.id)
	w.b.owner.expect(t, http.StatusNotFound, http.MethodPost, w.a.path+"/members", map[string]any{"user_id": me.ID, "role": "owner"})
	w.b.owner.expect(t, http.StatusCreated, http.MethodPost, w.b.path+"/members", map[string]any{"user_id": w.a.ids["user_id"], "role": "viewer"})
	if after := w.s.checksum(t, w.a.id); after != before {
		t.Error("adding A's person to B's customer has changed A's")
	}
	// Who may not add people does not learn from it who exists.
	viewer := w.a.member // by now a viewer in B's customer
	known := viewer.do(t, http.MethodPost, w.b.path+"/members", map[string]any{"user_id": me.ID, "role": "viewer"})
	unknown := viewer.do(t, http.MethodPost, w.b.path+"/members", map[string]any{"user_id": randomID(), "role": "viewer"})
	if known.status != http.StatusForbidden || told(t, known) != told(t, unknown) {
		t.Errorf("a viewer who adds somebody: %s, and somebody who does not exist: %s", told(t, known), told(t, unknown))
	}

	// Whoever is taken out of a customer is a stranger with their next request.
	w.b.owner.expect(t, http.StatusNoContent, http.MethodDelete, w.b.path+"/members/"+w.a.ids["user_id"], nil)
	viewer.expect(t, http.StatusNotFound, http.MethodGet, w.b.path, nil)
}
