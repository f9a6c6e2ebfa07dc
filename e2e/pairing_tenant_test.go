package e2e

import "testing"

var pairingOperations = tested(map[string]any{
	"list-pairings":   nil,
	"create-pairing":  map[string]any{"platform": "telegram"},
	"get-pairing":     nil,
	"confirm-pairing": nil,
	"deny-pairing":    nil,
	"revoke-pairing":  nil,
})

func TestPairingTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, pairingOperations)
	w.hidesList(t, "pairings")
}
