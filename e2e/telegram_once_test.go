package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// writers are people who each have a chat of their own with the bot, as the owner of one customer or one of its admins.
func writers(t *testing.T, s *system, bot sandbox.TelegramBot, n int) (*brand, []*chatter) {
	t.Helper()
	b := s.newBrand(t)
	// More than a customer may otherwise have written in an hour.
	if _, err := s.super.Exec(t.Context(), "insert into rate_limit_rules (customer_id, endpoint, quota, window_seconds) values ($1, 'generate-post', 100000, 60)", b.id); err != nil {
		t.Fatal(err)
	}
	// What a killed worker had reserved is held for a quarter of an hour.
	if _, err := s.super.Exec(t.Context(), "insert into llm_budgets (customer_id, monthly_tokens, monthly_cost_microusd) values ($1, 1000000000, 100000000000)", b.id); err != nil {
		t.Fatal(err)
	}
	var all []*chatter
	maker := b.owner
	for i := range n {
		if i > 0 && i%5 == 0 { // what kills have done anew counts too, and one person has so much written in an hour
			maker = s.person(t)
			b.join(t, maker, "admin")
		}
		c := s.chatter(t, bot)
		c.pairByLink(t, maker, b.path)
		all = append(all, c)
	}
	return b, all
}

// drafts is how often the chat was shown a draft about a topic.
func (c *chatter) drafts(topic string) (shown int) {
	for _, m := range c.messages() {
		if strings.HasPrefix(m.Text, "Draft") && strings.Contains(strings.ToLower(m.Text), topic) {
			shown++
		}
	}
	return shown
}

// Whatever Telegram delivers twice is done once: what is said, what is pressed, and the pairing itself.
func TestTelegramTwice(t *testing.T) {
	t.Parallel()
	for name, polls := range map[string]bool{"long polling": true, "webhook": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, bot := newChatOnly(t, options{connectors: true}, polls)
			again := func() {
				t.Helper()
				if err := s.box.TelegramRedeliver(bot.ID, 0); err != nil {
					t.Fatal(err)
				}
			}
			b, all := writers(t, s, bot, 1)
			nina := all[0]
			again() // the link that was followed
			nina.say(t, "write a post about rye")
			again()
			draft := nina.hear(t, "Draft")
			again()
			nina.press(t, draft, "Publish now")
			again()
			nina.hear(t, "Published: ")
			again()
			nina.say(t, "/help")
			again()
			nina.hear(t, "write a post about …: I draft it")
			eventually(t, time.Minute, "everything is handled", func() bool {
				return one[int](t, s, "select count(*) from chat_updates where handled_at is null") == 0 && one[int](t, s, "select count(*) from chat_outbox where ended_at is null") == 0
			})
			if n := one[int](t, s, "select count(*) from posts where customer_id = $1", b.id); n != 1 {
				t.Errorf("there are %d posts", n)
			}
			if n := one[int](t, s, "select count(*) from spaces"); n != 1 {
				t.Errorf("there are %d spaces", n)
			}
			helped, calls := 0, s.box.LLM().Calls
			for _, m := range nina.messages() {
				if strings.Contains(m.Text, "write a post about …: I draft it") {
					helped++
				}
			}
			if helped != 1 || calls != 1 {
				t.Errorf("/help was answered %d times, and the model called %d times", helped, calls)
			}
			for _, p := range s.box.Published() {
				if p.TimesPublished != 1 {
					t.Errorf("%s: published %d times", p.Platform, p.TimesPublished)
				}
			}
			s.checkSettled(t)
		})
	}
}

// Workers are killed while they answer chats, at any moment: every request is carried out, and once, and everybody is answered.
func TestTelegramSurvivesKill(t *testing.T) {
	t.Parallel()
	people, kills, rounds := pick(proving(), 20, 5), pick(proving(), 60, 6), pick(proving(), 5, 2)
	s, bot := newChatOnly(t, options{connectors: true, noWorker: true, workerArgs: []string{"--lease", "1s"}}, true)
	worker := s.startWorker(t)
	b, all := writers(t, s, bot, people)
	if err := s.box.SetLLM(sandbox.LLMSettings{PauseMS: 30}); err != nil {
		t.Fatal(err)
	}
	topic := func(round, i int) string { return fmt.Sprintf("topic%dof%dend", round, i) }
	var wait sync.WaitGroup
	done := make(chan struct{})
	wait.Go(func() {
		defer close(done)
		for round := range rounds {
			for i, c := range all {
				if _, err := s.box.TelegramSay(sandbox.TelegramSaying{Bot: bot.ID, Person: c.person.ID, Text: "write a post about " + topic(round, i)}); err != nil {
					t.Error(err)
				}
				_ = s.box.TelegramRedeliver(bot.ID, 0) // there may be nothing to deliver again
				time.Sleep(time.Duration(rand.IntN(200)) * time.Millisecond)
			}
		}
	})
	began := time.Now()
	for range kills {
		time.Sleep(time.Duration(50+rand.IntN(pick(proving(), 900, 600))) * time.Millisecond)
		worker.kill()
		worker = s.startWorker(t)
	}
	took := time.Since(began)
	await(t, done, "everything is said")
	wait.Wait()
	handled := func() bool {
		return s.box.TelegramPending(bot.ID) == 0 && one[int](t, s, "select count(*) from chat_updates where handled_at is null") == 0 &&
			one[int](t, s, "select count(*) from chat_outbox where ended_at is null") == 0
	}
	eventually(t, 3*time.Minute, "everything is handled and said", handled)
	asked, posts, doubles, lost, unheard := people*rounds, 0, 0, 0, 0
	for i, c := range all {
		for round := range rounds {
			n := one[int](t, s, "select count(*) from posts where customer_id = $1 and text || title ilike '%' || $2 || '%'", b.id, topic(round, i))
			posts += n
			switch {
			case n == 0:
				lost++
			case n > 1:
				doubles++
			}
			if c.drafts(topic(round, i)) == 0 {
				unheard++
			}
		}
	}
	if doubles+lost+unheard > 0 {
		t.Errorf("%d doubles, %d lost, %d that nobody was told of", doubles, lost, unheard)
	}
	t.Logf("%d kills in %s, %d requests, %d posts, %d doubles, %d lost, %d untold", kills, took.Round(time.Second), asked, posts, doubles, lost, unheard)
	b.owner.expect(t, http.StatusOK, http.MethodGet, b.path+"/spaces", nil)
	s.checkSettled(t)
}
