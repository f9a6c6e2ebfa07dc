package db_test

import (
	"context"
	"fmt"
	"testing"

	"fanfare/db/dbtest"
)

// What was still to be said in a space that ends is said to nobody: the chat may be another customer's next.
func TestSpaceEndsSilently(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	customer := d.Customer(t, dbtest.Customer{})
	owner := d.Member(t, customer.ID, "owner")
	ending := d.Space(t, dbtest.Space{CustomerID: customer.ID, PairedBy: owner.ID, ExternalID: "ends"})
	staying := d.Space(t, dbtest.Space{CustomerID: customer.ID, PairedBy: owner.ID, ExternalID: "stays"})
	for _, space := range []dbtest.Space{ending, staying} {
		mustExec(t, d, `insert into chat_outbox (id, platform, bot, team, kind, chat, subject_id, space_id, body)
			select $1, s.platform, s.bot, s.team, s.kind, s.external_id, s.customer_id, s.id, '{}' from spaces s where s.id = $2`, newID(t), space.ID)
	}
	mustExec(t, d, "update spaces set ended_at = now(), ended_because = 'released' where id = $1", ending.ID)
	if chat := one[string](context.Background(), t, d.Super, "select string_agg(chat, ' ') from chat_outbox"); chat != "stays" {
		t.Errorf("something is to be said in %s", chat)
	}
}

// Of each chat and each customer's bots so much is taken in a minute, and who says too much keeps no other chat out.
func TestChatUpdateLimits(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	customer := d.Customer(t, dbtest.Customer{})
	owner := d.Member(t, customer.ID, "owner")
	for _, bot := range []string{"101", "102", "103"} {
		mustExec(t, d, "insert into bots (customer_id, id, platform, bot, credential, key_id) values ($1, $2, 'whatsapp', $3, 'sealed', 1)", customer.ID, newID(t), bot)
	}
	for _, bot := range []string{"101", "102", "900"} {
		d.Space(t, dbtest.Space{CustomerID: customer.ID, PairedBy: owner.ID, Platform: "whatsapp", Bot: bot, Kind: "user", ExternalID: "paired"})
	}
	n := 0
	// tell has updates come of a chat, each in one of its own with %d, and counts what is answered. The limits fill up again slowly.
	tell := func(bot, chat string, times int) map[string]int {
		t.Helper()
		answered := map[string]int{}
		for i := range times {
			n++
			in := chat
			if chat == "%d" {
				in = fmt.Sprint("chat ", i)
			}
			answered[one[string](ctx, t, d.Login, "select tenancy.receive_chat_update('whatsapp', $1, $2, '', 'user', $3, 1, '{}')", bot, fmt.Sprint("u", n), in)]++
		}
		return answered
	}
	between := func(what string, answered map[string]int, least, most int, refused string) {
		t.Helper()
		total := 0
		for _, n := range answered {
			total += n
		}
		if got := answered["new"]; got < least || got > most || answered[refused] != total-got {
			t.Errorf("%s: %v, want %d new, and %s", what, answered, least, refused)
		}
	}
	// The installation's.
	between("a chat that is nobody's", tell("900", "a", 40), 20, 25, "dropped")
	between("a chat of a customer", tell("900", "paired", 90), 90, 90, "")
	between("other chats", tell("900", "%d", 400), 400, 400, "")
	// A customer's own. One chat that says too much does not use up what the others have.
	between("a chat that is nobody's", tell("101", "a", 350), 20, 30, "dropped")
	between("all that are nobody's", tell("101", "%d", 330), 275, 310, "dropped")
	between("a chat of the customer beside them", tell("101", "paired", 80), 80, 80, "")
	between("another bot of theirs", tell("102", "%d", 290), 150, 265, "dropped")
	between("any chat of theirs", tell("102", "paired", 5), 0, 5, "later")
	between("the installation's", tell("900", "b", 5), 5, 5, "")
	mustExec(t, d, "delete from caller_rate_limits")
	// What is not taken of a chat counts for all of them too, 20 milliseconds each, until nothing is listened to.
	const told = "update caller_rate_limits set tat = clock_timestamp() + $1::interval where endpoint = 'chat-told'"
	tell("103", "a", 30)
	mustExec(t, d, told, "30 seconds")
	before := one[float64](ctx, t, d.Super, "select extract(epoch from tat)::float8 from caller_rate_limits where endpoint = 'chat-told'")
	between("a chat that is told of too much", tell("103", "a", 50), 0, 10, "dropped")
	if seconds := one[float64](ctx, t, d.Super, "select extract(epoch from tat)::float8 from caller_rate_limits where endpoint = 'chat-told'") - before; seconds < 0.99 || seconds > 1.01 {
		t.Errorf("50 updates count for %v seconds", seconds)
	}
	mustExec(t, d, told, "61 seconds")
	between("another bot of theirs", tell("101", "%d", 3), 0, 0, "later")
	mustExec(t, d, "delete from caller_rate_limits")
	mustExec(t, d, "update customers set archived_at = now() where id = $1", customer.ID)
	between("of an archived customer", tell("103", "a", 3), 0, 0, "closed")
	mustExec(t, d, "update customers set archived_at = null where id = $1", customer.ID)
	between("of a restored customer", tell("103", "a", 3), 3, 3, "")
}
