package jobs

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"fanfare/db/dbtest"
	"fanfare/internal/bots"
	"fanfare/internal/chat"
	"fanfare/internal/sandbox"
	"fanfare/internal/vault"
)

// polling is a sandbox with a bot of the installation, whose updates are fetched, and somebody who talks to it.
type polling struct {
	*bundle
	box    *sandbox.Sandbox
	url    string
	bot    sandbox.TelegramBot
	id     string
	person sandbox.TelegramPerson
}

func setupPolling(t *testing.T) *polling {
	t.Helper()
	p := &polling{bundle: setup(t)}
	var err error
	if p.box, err = sandbox.New(sandbox.Options{}); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(p.box.Handler())
	t.Cleanup(server.Close)
	p.url = server.URL
	if p.bot, err = p.box.AddTelegramBot(sandbox.TelegramBot{Username: "fanfare_bot"}); err != nil {
		t.Fatal(err)
	}
	if p.person, err = p.box.AddTelegramPerson(sandbox.TelegramPerson{FirstName: "Ada"}); err != nil {
		t.Fatal(err)
	}
	p.id = strconv.FormatInt(p.bot.ID, 10)
	return p
}

func (p *polling) registry() *bots.Registry {
	p.t.Helper()
	registry, err := bots.New(p.Worker, p.vault, bots.Config{
		Telegram: bots.TelegramConfig{Token: p.bot.Token, Poll: true, URL: p.url + "/telegram", LinkURL: p.url + "/telegram-me"},
	}, slog.New(slog.NewTextHandler(p.t.Output(), nil)))
	if err != nil {
		p.t.Fatal(err)
	}
	return registry
}

// chatting makes a worker that answers chats; nothing in them is anybody's, so that nothing is asked of the API.
func (p *polling) chatting() *Worker {
	p.t.Helper()
	w, err := NewWorker(Deps{
		Pool: p.Worker, Vault: p.vault, Log: slog.New(slog.NewTextHandler(p.t.Output(), nil)),
		Chats: &Chats{API: http.NotFoundHandler(), Bots: p.registry()},
	}, WorkerConfig{Lease: 2 * time.Second})
	if err != nil {
		p.t.Fatal(err)
	}
	return w
}

func (p *polling) say(text string) {
	p.t.Helper()
	if _, err := p.box.TelegramSay(sandbox.TelegramSaying{Bot: p.bot.ID, Person: p.person.ID, Text: text}); err != nil {
		p.t.Fatal(err)
	}
}

const countUpdates = "select count(*) from chat_updates where bot = $1"

// What was written down and not confirmed, as a process has ended in between, is fetched again and is there once.
func TestPollAfterACrash(t *testing.T) {
	p := setupPolling(t)
	for i := range 3 {
		p.say(fmt.Sprint("before the crash ", i))
	}
	polled, err := p.registry().Polled(t.Context())
	if err != nil || len(polled) != 1 {
		t.Fatalf("%d bots are fetched for: %v", len(polled), err)
	}
	if _, err := polled[0].Fetch(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	eventually(p.bundle, 3, countUpdates, p.id)
	if n := p.box.TelegramPending(p.bot.ID); n != 3 {
		t.Fatalf("%d updates wait at Telegram, want 3: nothing is confirmed", n)
	}
	// Whoever died holds the lease for a while.
	p.exec("insert into chat_polls (platform, bot, lease, lease_until) values ('telegram', $1, 'who has died', now() + interval '1 second')", p.id)
	p.start(p.chatting())
	p.say("after the crash")
	eventually(p.bundle, 4, countUpdates, p.id)
	await(t, func() (bool, string) { return p.box.TelegramPending(p.bot.ID) == 0, "nothing is confirmed" })
	eventually(p.bundle, 4, countUpdates+" and handled_at is not null", p.id)
	eventually(p.bundle, 0, "select count(*) from chat_outbox where ended_at is null") // it is handled before it is answered
	if answers := p.heard(); len(answers) != 4 {
		t.Errorf("the bot has said %d things, want 4", len(answers))
	}
}

// Of two workers one fetches, and the other goes on when it stops.
func TestTwoPollers(t *testing.T) {
	p := setupPolling(t)
	first, second := p.chatting(), p.chatting()
	p.start(first)
	p.start(second)
	p.say("hello")
	eventually(p.bundle, 1, countUpdates, p.id)
	holder := scan[string](p.bundle, "select lease from chat_polls where bot = $1", p.id)
	stopped := first
	if holder == second.lease.id {
		stopped = second
	}
	if err := stopped.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.say("and hello to you")
	eventually(p.bundle, 2, countUpdates, p.id)
	if now := scan[string](p.bundle, "select lease from chat_polls where bot = $1", p.id); now == holder {
		t.Error("the one that has stopped still fetches")
	}
}

// A customer's own bot is fetched for too, until it is removed or Telegram refuses its token, which its owner is told.
func TestPollOwnBot(t *testing.T) {
	p := setupPolling(t)
	own, err := p.box.AddTelegramBot(sandbox.TelegramBot{Username: "own_bot"})
	if err != nil {
		t.Fatal(err)
	}
	id := strconv.FormatInt(own.ID, 10)
	p.start(p.chatting())
	p.addBot(id, strings.Replace(own.Token, ":AA", ":BB", 1)) // of the right form, and not its token
	eventually(p.bundle, "refused", "select state from bots where bot = $1", id)
	p.exec("delete from bots where bot = $1", id)
	p.addBot(id, own.Token)
	if _, err := p.box.TelegramSay(sandbox.TelegramSaying{Bot: own.ID, Person: p.person.ID, Text: "hello"}); err != nil {
		t.Fatal(err)
	}
	eventually(p.bundle, 1, countUpdates, id)
	bot, err := p.registry().Bot(t.Context(), chat.Telegram, id)
	if err != nil || bot == nil || bot.Owner == nil || *bot.Owner != p.customer.ID {
		t.Errorf("the bot is not the customer's: %v", err)
	}
}

// addBot gives the customer a Telegram bot.
func (p *polling) addBot(bot, token string) {
	p.t.Helper()
	id := dbtest.NewID(p.t)
	sealed, err := p.vault.Seal([]byte(`{"token":"`+token+`"}`), vault.BotCredential(p.customer.ID, id, "telegram"))
	if err != nil {
		p.t.Fatal(err)
	}
	p.exec("insert into bots (customer_id, id, platform, bot, credential, key_id) values ($1, $2, 'telegram', $3, $4, $5)",
		p.customer.ID, id, bot, sealed, int64(p.vault.PrimaryKeyID()))
}

// said waits until the bot's last words contain these.
func (p *polling) said(words string) {
	p.t.Helper()
	await(p.t, func() (bool, string) {
		last := ""
		if all := p.heard(); len(all) > 0 {
			last = all[len(all)-1].Text
		}
		return strings.Contains(last, words), fmt.Sprintf("the bot says %q, not %q", last, words)
	})
}

// heard is what the bot has said to the person.
func (p *polling) heard() []sandbox.TelegramMessage {
	view, _ := p.box.TelegramChat(p.bot.ID, p.person.ID)
	return slices.DeleteFunc(view.Messages, func(m sandbox.TelegramMessage) bool { return !m.Bot })
}

// Somebody who pairs a chat is told how it stands, however often they ask.
func TestPairingAnswers(t *testing.T) {
	p := setupPolling(t)
	p.start(p.chatting())
	byCode, _ := p.pairer(dbtest.Pairing{Bot: p.id})
	p.say("hello")
	p.said("To pair this chat")
	p.say(byCode.Code)
	p.said("Somebody must confirm")
	p.say("hello?")
	p.said("waits to be confirmed")
	p.exec("update pairings set confirmed_at = now() where id = $1", byCode.ID)
	p.said(saidPaired(p.customer))
	already := "This chat is paired with " + p.customer.Name + " already."
	byLink, _ := p.pairer(dbtest.Pairing{Bot: p.id, Link: strings.Repeat("a", 43)})
	p.say("/start " + byLink.Link)
	p.said(already)
	mine, _ := p.pairer(dbtest.Pairing{Bot: p.id, Own: true, Link: strings.Repeat("b", 43)})
	p.say("/start " + mine.Link)
	eventually(p.bundle, "done", "select state from pairings where id = $1", mine.ID)
	p.said(saidPaired(p.customer))
	p.say("/start " + mine.Link)
	p.said(already)
}
