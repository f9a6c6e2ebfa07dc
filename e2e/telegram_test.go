package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// newChatOnly is a system whose installation has a Telegram bot and a language model.
func newChatOnly(t *testing.T, opts options, polls bool) (*system, sandbox.TelegramBot) {
	t.Helper()
	var bot sandbox.TelegramBot
	opts.boxEnv = func(s *system) []string {
		var err error
		if bot, err = s.box.AddTelegramBot(sandbox.TelegramBot{Username: "fanfare_bot", Name: "Fanfare"}); err != nil {
			t.Fatal(err)
		}
		return chatEnv(s.boxURL, bot, polls)
	}
	return newSystem(t, opts), bot
}

// newChatSystem is one with an agency's five accounts.
func newChatSystem(t *testing.T, polls bool) (*system, *everyPlatform, sandbox.TelegramBot) {
	t.Helper()
	s, bot := newChatOnly(t, options{connectors: true}, polls)
	return s, newEveryPlatform(t, s), bot
}

// A message in Telegram becomes a post on all five platforms: somebody pairs their chat with a link of the dashboard, asks for a
// post, edits one of its variants, approves it, and is told when it is out. API, worker and everything outside are processes and
// servers of their own.
func TestTelegramToPublished(t *testing.T) {
	t.Parallel()
	for name, polls := range map[string]bool{"long polling": true, "webhook": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, e, bot := newChatSystem(t, polls)
			e.owner.expect(t, http.StatusOK, http.MethodPatch, e.path, map[string]any{"approval_required": true})
			nina := s.chatter(t, bot)

			nina.say(t, "/start")
			nina.hear(t, "pair this chat")
			nina.pairByLink(t, e.owner, e.path)

			nina.say(t, "write a post about the rye loaf that is back on Saturday")
			draft := nina.hear(t, "Draft", "Goes to: X (", "LinkedIn (", "Facebook (", "Mailchimp (", "Ghost (")
			nina.press(t, draft, "Edit")
			which := nina.hear(t, "On which platform")
			nina.press(t, which, "X")
			nina.hear(t, "Send me the new text for X")
			const tweet = "Rye is back on Saturday. Come early & bring a friend!"
			nina.say(t, tweet)
			edited := nina.hear(t, "Changed.", tweet)
			if n := len(s.box.Published()); n != 0 {
				t.Fatalf("%d posts are out that nobody has approved", n)
			}
			nina.press(t, edited, "Approve")
			approved := nina.hear(t, "Approved.")
			nina.press(t, approved, "Publish now")
			out := nina.hear(t, "Published: ", "X: http", "LinkedIn: http", "Facebook: http", "Mailchimp: ", "Ghost: http")

			published := s.box.Published()
			if len(published) != 5 {
				t.Fatalf("%d posts are out: %+v", len(published), published)
			}
			for _, p := range published {
				if p.TimesPublished != 1 {
					t.Errorf("%s: published %d times", p.Platform, p.TimesPublished)
				}
				if p.Platform == "twitter" && p.Text != tweet {
					t.Errorf("on X it says %q", p.Text)
				}
				if p.Platform != "twitter" && !strings.Contains(strings.ToLower(p.Text+p.Title), "rye") {
					t.Errorf("%s: it says %q %q", p.Platform, p.Title, p.Text)
				}
			}
			// Who did it is the person whose chat it is, and the dashboard shows it as theirs.
			me := call[meAnswer](t, e.owner, http.MethodGet, "/v1/me", nil)
			if n := one[int](t, s, "select count(*) from posts where approved_by = $1 and space_id is not null", me.ID); n != 1 {
				t.Errorf("%d posts were approved by the owner in a space", n)
			}
			if len(out.Buttons) != 0 {
				t.Errorf("below what is published there are buttons: %+v", out.Buttons)
			}
			nina.say(t, "/status")
			nina.hear(t, "1. Published")
			s.checkSettled(t)
		})
	}
}

// In a chat that is nobody's nothing can be reached, whatever is said or pressed there.
func TestTelegramUnpaired(t *testing.T) {
	t.Parallel()
	s, e, bot := newChatSystem(t, true)
	stranger := s.chatter(t, bot)
	stranger.say(t, "write a post about money")
	stranger.hear(t, "pair this chat")
	nina := s.chatter(t, bot)
	nina.pairByLink(t, e.owner, e.path)
	nina.say(t, "write a post about bread")
	draft := nina.hear(t, "Draft")
	for _, row := range draft.Buttons {
		for _, button := range row {
			// A button of somebody else's chat, as a client of their own can send it.
			id, err := s.box.TelegramSay(sandbox.TelegramSaying{Bot: bot.ID, Person: stranger.person.ID, Text: "/status"})
			if err != nil {
				t.Fatal(err)
			}
			_, _ = s.box.TelegramPress(sandbox.TelegramPress{Bot: bot.ID, Person: stranger.person.ID, MessageID: id, Data: button.Data}) // refused by the sandbox, as by Telegram
		}
	}
	before := len(stranger.messages())
	eventually(t, time.Minute, "the stranger is answered", func() bool { return len(stranger.messages()) >= min(before, 4) })
	if i := slices.IndexFunc(stranger.messages(), func(m sandbox.TelegramMessage) bool { return strings.Contains(m.Text, "bread") || len(m.Buttons) > 0 }); i >= 0 {
		t.Errorf("the stranger is shown %q", stranger.messages()[i].Text)
	}
	if n := one[int](t, s, "select count(*) from posts"); n != 1 {
		t.Errorf("there are %d posts", n)
	}
	// Released, the chat is nobody's again, and what it was given before does nothing any more.
	space := one[string](t, s, "select id::text from spaces")
	e.owner.expect(t, http.StatusNoContent, http.MethodDelete, e.path+"/spaces/"+space, nil)
	nina.press(t, draft, "Publish now")
	nina.hear(t, "pair this chat")
	if n := len(s.box.Published()); n != 0 {
		t.Errorf("%d posts are out", n)
	}
}
