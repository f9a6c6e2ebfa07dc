package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// groupChat is a group in the sandbox's Telegram with the installation's bot in it.
type groupChat struct {
	s   *system
	bot sandbox.TelegramBot
	id  int64
}

func (g *groupChat) say(t testing.TB, who *chatter, text string) {
	t.Helper()
	if _, err := g.s.box.TelegramSay(sandbox.TelegramSaying{Chat: g.id, Person: who.person.ID, Text: text}); err != nil {
		t.Fatal(err)
	}
}

// said is what the bot has said in the group.
func (g *groupChat) said() []sandbox.TelegramMessage {
	view, _ := g.s.box.TelegramChat(0, g.id)
	return slices.DeleteFunc(view.Messages, func(m sandbox.TelegramMessage) bool { return !m.Bot || m.Kind == "service" })
}

// hear waits until the bot has said the word, and gives the last such message.
func (g *groupChat) hear(t testing.TB, word string) (found sandbox.TelegramMessage) {
	t.Helper()
	defer func() {
		if t.Failed() {
			for _, m := range g.said() {
				t.Logf("bot: %s", m.Text)
			}
		}
	}()
	eventually(t, time.Minute, "the bot says "+word, func() bool {
		for _, m := range slices.Backward(g.said()) {
			if strings.Contains(m.Text, word) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

func (g *groupChat) member(t testing.TB, by *chatter, person int64, status string) {
	t.Helper()
	change := sandbox.TelegramMembership{Chat: g.id, By: by.person.ID, Person: person, Status: status}
	if person == 0 {
		change.Bot = g.bot.ID
	}
	if err := g.s.box.TelegramMember(change); err != nil {
		t.Fatal(err)
	}
}

// A group becomes a supergroup while the bot is still busy in it: the space is the same, nothing that is said there on either side is
// lost, and nobody is told to pair it again. Whoever leaves is in the space no more, and with the bot the space ends.
func TestTelegramGroup(t *testing.T) {
	t.Parallel()
	for name, polls := range map[string]bool{"long polling": true, "webhook": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, bot := newChatOnly(t, options{connectors: true}, polls)
			b := s.newBrand(t)
			nina, tom := s.chatter(t, bot), s.chatter(t, bot)
			id, err := s.box.AddTelegramGroup(sandbox.TelegramGroup{Title: "Bakers", People: []int64{nina.person.ID, tom.person.ID}})
			if err != nil {
				t.Fatal(err)
			}
			group := &groupChat{s, bot, id}
			group.member(t, nina, 0, "administrator")
			group.hear(t, "To pair this group")
			p := call[pairingAnswer](t, b.owner, http.MethodPost, b.path+"/pairings", map[string]any{"platform": "telegram", "permissions": []string{"customer:read", "posts:read", "posts:write", "posts:publish"}})
			_, token, _ := strings.Cut(p.Link, "start=")
			group.say(t, nina, "/start "+token)
			group.hear(t, "is paired with")
			space := one[string](t, s, "select id::text from spaces")

			if err := s.box.SetLLM(sandbox.LLMSettings{PauseMS: 300}); err != nil {
				t.Fatal(err)
			}
			group.say(t, tom, "/write rye bread")
			group.hear(t, "I am writing")
			group.say(t, tom, "/status")
			old := *group
			if group.id, err = s.box.TelegramMigrate(old.id, nina.person.ID); err != nil {
				t.Fatal(err)
			}
			group.say(t, nina, "/help")
			draft := group.hear(t, "Ghost:")
			group.hear(t, "1. Draft")
			group.hear(t, "I write and publish posts for")
			for _, m := range slices.Concat(group.said(), old.said()[1:]) {
				if strings.Contains(m.Text, "To pair this group") {
					t.Error("the group is told that it is nobody's")
				}
			}
			if n := one[int](t, s, "select count(*) from spaces where id = $1 and ended_at is null and external_id like '-100%'", space); n != 1 || one[int](t, s, "select count(*) from spaces") != 1 {
				t.Error("the space is not the same any more")
			}
			if calls := s.box.LLM().Calls; calls != 1 {
				t.Errorf("the model was called %d times", calls)
			}
			press := ""
			for _, row := range draft.Buttons {
				for _, button := range row {
					if button.Text == "Publish now" {
						press = button.Data
					}
				}
			}
			if _, err := s.box.TelegramPress(sandbox.TelegramPress{Chat: group.id, Person: tom.person.ID, MessageID: draft.ID, Data: press}); err != nil {
				t.Fatal(err)
			}
			group.hear(t, "Published: ")

			group.member(t, nina, tom.person.ID, "left")
			eventually(t, time.Minute, "who has left is not in the space", func() bool {
				return one[int](t, s, "select count(*) from space_people where left_at is not null") == 1
			})
			group.member(t, nina, 0, "kicked")
			eventually(t, time.Minute, "the space ends with the bot", func() bool {
				return one[int](t, s, "select count(*) from spaces where ended_because = 'removed'") == 1
			})
			s.checkSettled(t)
		})
	}
}
