package e2e

import (
	"net/http"
	"testing"
)

var invitationOperations = tested(map[string]any{
	"list-invitations":  nil,
	"create-invitation": map[string]any{"email": "eve@example.com", "role": "owner"},
	"get-invitation":    nil,
	"revoke-invitation": nil,
})

func TestInvitationTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, invitationOperations)
	w.hidesList(t, "invitations")

	// Who has somebody else's link learns nothing of it and does not get in.
	guest := w.s.person(t)
	_, token := w.a.invite(t, call[meAnswer](t, guest, http.MethodGet, "/v1/me", nil).Email, "owner")
	before := w.s.checksum(t, w.a.id)
	accept := func(c *client, token string) response {
		return c.do(t, http.MethodPost, "/v1/invitations/accept", map[string]any{"token": token})
	}
	stolen, invented := accept(w.b.owner, token), accept(w.b.owner, "invented")
	if stolen.status != http.StatusNotFound || told(t, stolen) != told(t, invented) {
		t.Errorf("for somebody else's token\n%s\nfor one of nobody\n%s", told(t, stolen), told(t, invented))
	}
	if after := w.s.checksum(t, w.a.id); after != before {
		t.Error("a stolen token has changed something")
	}
	if r := accept(guest, token); r.status != http.StatusOK {
		t.Errorf("the guest: %d %s", r.status, r.body)
	}
	if r := accept(guest, token); r.status != http.StatusNotFound || told(t, r) != told(t, invented) {
		t.Errorf("the guest a second time: %s", told(t, r))
	}

	// One address can be invited by both, whatever the other has done.
	for _, b := range []*brand{w.a.brand, w.b.brand} {
		b.invite(t, "both@example.com", "viewer")
	}
}
