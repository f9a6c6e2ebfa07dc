package api_test

import (
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// TestEarlierPairingCodeBot: a client that knows of one bot is given the installation's, whatever others the customer has, and without one
// the customer's own.
func TestEarlierPairingCodeBot(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	path := "/client/" + c.customer.ID.String() + "/generate_pairing_code"
	own := func(customerID uuid.UUID, bot string) {
		t.Helper()
		w.exec(t, "insert into bots (customer_id, id, platform, bot, credential, key_id) values ($1, $2, 'telegram', $3, 'sealed', 1)", customerID, dbtest.NewID(t), bot)
	}
	paired := func(want string) {
		t.Helper()
		w.call(t, c.owner, "POST", path, nil).want(t, 201)
		if made := into[api.Page[api.Pairing]](t, w.call(t, c.owner, "GET", c.path("/pairings"), nil).want(t, 200)).Items[0]; made.Bot != want {
			t.Errorf("the chat is one with %s, want %s", made.Bot, want)
		}
	}
	own(c.elsewhere.ID, "7000009")
	own(c.customer.ID, "7000002")
	paired(sharedBot)
	w.serve(t, options{noBots: true})
	paired("7000002")
	own(c.customer.ID, "7000003")
	w.call(t, c.owner, "POST", path, nil).want(t, 409)
	w.exec(t, "delete from bots where customer_id = $1", c.customer.ID)
	w.call(t, c.owner, "POST", path, nil).want(t, 409)
}
