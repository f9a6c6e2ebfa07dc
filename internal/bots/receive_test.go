package bots_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"fanfare/db/dbtest"
	"fanfare/internal/bots"
	"fanfare/internal/chat"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// One delivery has the database asked about so many updates, and not again about a chat of which too much is told already.
func TestReceiveBounds(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	registry, err := bots.New(d.Login, nil, bots.Config{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	deliver := func(bot string, n int, in func(int) string) {
		t.Helper()
		updates := make([]chat.Update, n)
		for i := range updates {
			updates[i] = chat.Update{
				ID: fmt.Sprint(bot, i), At: time.Now(), Event: chat.Said, Chat: chat.Chat{Platform: chat.WhatsApp, Bot: bot, Kind: chat.User, ID: in(i), Title: fmt.Sprint("a name ", i)},
			}
		}
		if err := registry.Receive(t.Context(), updates); err != nil {
			t.Fatal(err)
		}
	}
	count := func(sql string, args ...any) (n int) {
		t.Helper()
		if err := d.Super.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	deliver("900", 1100, func(i int) string { return fmt.Sprint("chat ", i) })
	if n := count("select count(*) from chat_updates where bot = '900'"); n != 1000 {
		t.Errorf("%d updates of one delivery are taken", n)
	}
	customer := d.Customer(t, dbtest.Customer{})
	if _, err := d.Super.Exec(t.Context(), "insert into bots (customer_id, id, platform, bot, credential, key_id) values ($1, $2, 'whatsapp', '901', 'sealed', 1)",
		customer.ID, dbtest.NewID(t)); err != nil {
		t.Fatal(err)
	}
	deliver("901", 1000, func(int) string { return "one" })
	if n := count("select count(*) from chat_updates where bot = '901'"); n < 20 || n > 30 {
		t.Errorf("%d updates of a chat are taken", n)
	}
	// 20 milliseconds each, as there may be 3,000 in a minute.
	if ms := count("select (1000 * extract(epoch from tat - now()))::int from caller_rate_limits where endpoint = 'chat-told'"); ms > 2000 {
		t.Errorf("the database was asked about %d updates", ms/20)
	}
}
