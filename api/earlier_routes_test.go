package api_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/internal/chat"
)

// TestEarlierPairingCodeBot: a client that knows of one bot is given the installation's, whatever others the customer has, and without one
// the customer's own.
func TestEarlierPairingCodeBot(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	shared := chat.BotInfo{Platform: chat.Telegram, ID: "7000001"}
	own := func(id string) chat.BotInfo {
		return chat.BotInfo{Platform: chat.Telegram, ID: id, Owner: &c.customer.ID}
	}
	foreign := chat.BotInfo{Platform: chat.Telegram, ID: "7000009", Owner: new(uuid.New())}
	for i, test := range []struct {
		bots []chat.BotInfo
		want string
	}{
		{[]chat.BotInfo{own("7000002"), shared, own("7000003")}, "7000001"},
		{[]chat.BotInfo{own("7000002"), foreign, {Platform: chat.Slack, ID: "A1"}}, "7000002"},
		{[]chat.BotInfo{own("7000002"), own("7000003")}, ""},
		{[]chat.BotInfo{foreign}, ""},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			w.serve(t, options{bots: func(context.Context, uuid.UUID) ([]chat.BotInfo, error) { return test.bots, nil }})
			path := "/client/" + c.customer.ID.String() + "/generate_pairing_code"
			if test.want == "" {
				w.call(t, c.owner, "POST", path, nil).want(t, 409)
				return
			}
			w.call(t, c.owner, "POST", path, nil).want(t, 201)
			if made := into[api.Page[api.Pairing]](t, w.call(t, c.owner, "GET", c.path("/pairings"), nil).want(t, 200)).Items[0]; made.Bot != test.want {
				t.Errorf("the chat is one with %s, want %s", made.Bot, test.want)
			}
		})
	}
}
