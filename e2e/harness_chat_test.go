package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// chatter is somebody in the sandbox's Telegram, in their chat with the installation's bot.
type chatter struct {
	s      *system
	bot    sandbox.TelegramBot
	person sandbox.TelegramPerson
}

// chatEnv are the settings with which a system has the sandbox's Telegram bot and language model. polls: updates are fetched,
// else they are delivered to the API, whose address must be known by then.
func chatEnv(boxURL string, bot sandbox.TelegramBot, polls bool) []string {
	env := []string{
		"FANFARE_TELEGRAM_TOKEN=" + bot.Token, "FANFARE_TELEGRAM_URL=" + boxURL + "/telegram", "FANFARE_TELEGRAM_LINK_URL=" + boxURL + "/telegram-me",
		"FANFARE_LLM_PROVIDER=openai", "FANFARE_LLM_API_KEY=" + sandbox.LLMKey, "FANFARE_LLM_MODEL=sandbox-writer", "FANFARE_LLM_BASE_URL=" + boxURL + "/openai/v1",
		"FANFARE_LLM_INPUT_PRICE=1", "FANFARE_LLM_OUTPUT_PRICE=5",
	}
	if polls {
		return append(env, "FANFARE_TELEGRAM_POLL=true")
	}
	return append(env, "FANFARE_TELEGRAM_WEBHOOK_SECRET=a-secret-of-the-tests-0123456789")
}

// chatter makes somebody new.
func (s *system) chatter(t testing.TB, bot sandbox.TelegramBot) *chatter {
	t.Helper()
	person, err := s.box.AddTelegramPerson(sandbox.TelegramPerson{FirstName: uniqueName("Person")})
	if err != nil {
		t.Fatal(err)
	}
	return &chatter{s, bot, person}
}

// say says something and gives the message's id.
func (c *chatter) say(t testing.TB, text string) int {
	t.Helper()
	id, err := c.s.box.TelegramSay(sandbox.TelegramSaying{Bot: c.bot.ID, Person: c.person.ID, Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// messages are what the bot has said in the chat and not taken away.
func (c *chatter) messages() []sandbox.TelegramMessage {
	view, _ := c.s.box.TelegramChat(c.bot.ID, c.person.ID)
	return slices.DeleteFunc(view.Messages, func(m sandbox.TelegramMessage) bool { return !m.Bot || m.Deleted })
}

// hear waits until the bot has said something that contains all of the words, and gives the last such message.
func (c *chatter) hear(t testing.TB, words ...string) (found sandbox.TelegramMessage) {
	t.Helper()
	defer func() {
		if t.Failed() {
			for _, m := range c.messages() {
				t.Logf("bot: %s", m.Text)
			}
		}
	}()
	eventually(t, time.Minute, "the bot says "+strings.Join(words, " … "), func() bool {
		for _, m := range slices.Backward(c.messages()) {
			if !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(m.Text, word) }) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// press presses the button with the text below a message.
func (c *chatter) press(t testing.TB, on sandbox.TelegramMessage, text string) {
	t.Helper()
	for _, row := range on.Buttons {
		for _, button := range row {
			if button.Text != text {
				continue
			}
			if _, err := c.s.box.TelegramPress(sandbox.TelegramPress{Bot: c.bot.ID, Person: c.person.ID, MessageID: on.ID, Data: button.Data}); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no button %q below %q: %+v", text, on.Text, on.Buttons)
}

// pairing is what the dashboard is given to pair a chat.
type pairingAnswer struct {
	ID, Code, Link, State string
	SpaceID               *string `json:"space_id"`
}

// pairByLink pairs somebody's chat with the link that a member has made, as theirs.
func (c *chatter) pairByLink(t testing.TB, maker *client, path string) {
	t.Helper()
	p := call[pairingAnswer](t, maker, http.MethodPost, path+"/pairings", map[string]any{"platform": "telegram", "own": true})
	_, token, _ := strings.Cut(p.Link, "start=")
	if token == "" {
		t.Fatalf("the link is %q", p.Link)
	}
	c.say(t, "/start "+token)
	c.hear(t, "paired")
}
