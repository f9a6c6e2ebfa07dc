package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// room is a chat of the sandbox's WhatsApp or Slack, in which one person speaks.
type room struct {
	s *system
	// path is the chat's in the control API, by names the person there in each request.
	path string
	by   map[string]any
	// button is what the control API calls a button that is pressed.
	button string
}

// roomMessage is what a room shows.
type roomMessage struct {
	ID, From, Text string
	Buttons        []struct{ ID, Text string }
}

// inBox asks the sandbox's control API.
func inBox[T any](t testing.TB, s *system, method, path string, body any) T {
	t.Helper()
	answer := (&client{base: func() string { return s.boxURL + "/_sandbox/" }, http: http.DefaultClient}).do(t, method, path, body)
	if answer.status >= http.StatusMultipleChoices {
		t.Fatalf("%s %s: %d %s", method, path, answer.status, answer.body)
	}
	if len(answer.body) == 0 {
		answer.body = []byte("null")
	}
	return decode[T](t, answer)
}

func (r *room) do(t testing.TB, what string, body map[string]any) {
	t.Helper()
	for name, value := range r.by {
		body[name] = value
	}
	inBox[any](t, r.s, http.MethodPost, r.path+"/"+what, body)
}

func (r *room) say(t testing.TB, text string) {
	t.Helper()
	r.do(t, "say", map[string]any{"text": text})
}

func (r *room) press(t testing.TB, on roomMessage, text string) {
	t.Helper()
	i := slices.IndexFunc(on.Buttons, func(b struct{ ID, Text string }) bool { return b.Text == text })
	if i < 0 {
		t.Fatalf("no button %q below %q: %+v", text, on.Text, on.Buttons)
	}
	r.do(t, "press", map[string]any{"message": on.ID, r.button: on.Buttons[i].ID})
}

func (r *room) messages(t testing.TB) []roomMessage {
	t.Helper()
	return inBox[struct{ Messages []roomMessage }](t, r.s, http.MethodGet, r.path, nil).Messages
}

// hear waits until the bot has said something that contains all of the words, and gives the last such message.
func (r *room) hear(t testing.TB, words ...string) (found roomMessage) {
	t.Helper()
	defer func() {
		if t.Failed() {
			for _, m := range r.messages(t) {
				t.Logf("%s: %s", m.From, m.Text)
			}
		}
	}()
	eventually(t, time.Minute, "the bot says "+strings.Join(words, " … "), func() bool {
		for _, m := range slices.Backward(r.messages(t)) {
			if m.From == "" && !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(m.Text, word) }) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

// addedBot is a bot as it is answered when it is added.
type addedBot struct {
	Bot, Team   string
	WebhookURL  string `json:"webhook_url"`
	ActionsURL  string `json:"actions_url"`
	VerifyToken string `json:"verify_token"`
}

// pairedNames are what a chat and who pairs it are called, as whoever confirms it is shown them.
type pairedNames struct {
	Chat   string `json:"chat_title"`
	Person string `json:"person_name"`
}

// pairByCode pairs a chat with a code, which the owner confirms.
func (r *room) pairByCode(t testing.TB, b *brand, platform, word string, own bool, named pairedNames) {
	t.Helper()
	p := call[pairingAnswer](t, b.owner, http.MethodPost, b.path+"/pairings", map[string]any{
		"platform": platform, "own": own, "permissions": []string{"customer:read", "posts:read", "posts:write", "posts:publish"},
	})
	r.say(t, word+p.Code)
	r.hear(t, "Somebody must confirm")
	claimed := b.owner.expect(t, http.StatusOK, http.MethodGet, b.path+"/pairings/"+p.ID, nil)
	if got := decode[pairedNames](t, claimed); got != named {
		t.Errorf("the one who confirms sees %+v, want %+v", got, named)
	}
	b.owner.expectIf(t, http.StatusOK, claimed.header.Get("ETag"), http.MethodPost, b.path+"/pairings/"+p.ID+"/confirm", nil)
	r.hear(t, "is paired with")
}

// publish has a post written, and published with a button or, where there are none, with its number.
func (r *room) publish(t testing.TB, topic string, buttons bool) {
	t.Helper()
	r.say(t, "/write "+topic)
	draft := r.hear(t, "Draft", topic)
	if buttons {
		r.press(t, draft, "Publish now")
	} else {
		r.say(t, "1")
	}
	r.hear(t, "Published: ", topic)
}

func newWhatsAppSlack(t *testing.T) (*system, *brand) {
	s := newSystem(t, options{connectors: true, boxEnv: func(s *system) []string {
		return []string{
			"FANFARE_WHATSAPP_URL=" + s.boxURL + "/whatsapp-graph/v26.0", "FANFARE_SLACK_URL=" + s.boxURL + "/slack/api",
			"FANFARE_LLM_PROVIDER=openai", "FANFARE_LLM_API_KEY=" + sandbox.LLMKey, "FANFARE_LLM_MODEL=sandbox-writer", "FANFARE_LLM_BASE_URL=" + s.boxURL + "/openai/v1",
			"FANFARE_LLM_INPUT_PRICE=1", "FANFARE_LLM_OUTPUT_PRICE=5",
		}
	}})
	return s, s.newBrand(t)
}

// The same conversation in WhatsApp: from a message to a published post, in a person's chat and in a group, where there are no buttons.
func TestWhatsAppToPublished(t *testing.T) {
	t.Parallel()
	s, b := newWhatsAppSlack(t)
	number := inBox[map[string]string](t, s, http.MethodPost, "whatsapp/numbers", map[string]any{"verified_name": "Northlight"})
	bot := call[addedBot](t, b.owner, http.MethodPost, b.path+"/bots", map[string]any{
		"platform": "whatsapp", "token": number["access_token"], "phone_number_id": number["phone_number_id"], "app_secret": number["app_secret"],
	})
	at := "whatsapp/numbers/" + number["phone_number_id"]
	inBox[any](t, s, http.MethodPut, at+"/webhook", map[string]any{"url": bot.WebhookURL, "verify_token": bot.VerifyToken})
	inBox[any](t, s, http.MethodPost, at+"/chats", map[string]any{"phone": "15551234567", "user_id": "US.1349", "name": "Ada"})
	ada := &room{s: s, path: at + "/chats/US.1349", button: "button"}
	ada.say(t, "hello")
	ada.hear(t, "To pair this chat")
	p := call[pairingAnswer](t, b.owner, http.MethodPost, b.path+"/pairings", map[string]any{"platform": "whatsapp", "own": true})
	_, token, _ := strings.Cut(p.Link, "start+")
	ada.say(t, "/start "+token)
	ada.hear(t, "is paired with")
	ada.publish(t, "Rye", true)

	inBox[any](t, s, http.MethodPost, at+"/chats", map[string]any{"group_id": "G1", "people": []any{map[string]any{"phone": "15551234567", "name": "Ada"}, map[string]any{"phone": "15557654321", "name": "Ben"}}})
	group := &room{s: s, path: at + "/chats/G1", by: map[string]any{"phone": "15557654321"}}
	group.say(t, "/start")
	group.hear(t, "To pair this group")
	group.pairByCode(t, b, "whatsapp", "/pair ", false, pairedNames{Person: "Ben"})
	group.publish(t, "Spelt", false)
	s.checkSettled(t)
}

// And in Slack: in a direct message and in a channel, where who has left does nothing any more.
func TestSlackToPublished(t *testing.T) {
	t.Parallel()
	s, b := newWhatsAppSlack(t)
	app := inBox[map[string]string](t, s, http.MethodPost, "slack/apps", map[string]any{"name": "Fanfare"})
	team := inBox[map[string]string](t, s, http.MethodPost, "slack/teams", map[string]any{"name": "Northlight"})["team_id"]
	installed := inBox[map[string]string](t, s, http.MethodPost, "slack/apps/"+app["app_id"]+"/install", map[string]any{"team": team})
	bot := call[addedBot](t, b.owner, http.MethodPost, b.path+"/bots", map[string]any{
		"platform": "slack", "token": installed["bot_token"], "signing_secret": app["signing_secret"],
	})
	inBox[any](t, s, http.MethodPut, "slack/apps/"+app["app_id"]+"/webhook", map[string]any{"events": bot.WebhookURL, "interactivity": bot.ActionsURL})
	people := "slack/teams/" + team + "/people"
	channels := "slack/teams/" + team + "/channels"
	ada := inBox[map[string]string](t, s, http.MethodPost, people, map[string]any{"name": "Ada"})["user_id"]
	ben := inBox[map[string]string](t, s, http.MethodPost, people, map[string]any{"name": "Ben"})["user_id"]
	open := func(kind, name string, members ...string) string {
		return channels + "/" + inBox[map[string]string](t, s, http.MethodPost, channels, map[string]any{"type": kind, "name": name, "members": append(members, installed["bot_user_id"])})["channel_id"]
	}
	direct := &room{s: s, path: open("im", "", ada), by: map[string]any{"user": ada}, button: "action"}
	direct.say(t, "hello")
	direct.hear(t, "To pair this chat")
	direct.pairByCode(t, b, "slack", "", true, pairedNames{"Ada", "Ada"})
	direct.publish(t, "Rye", true)

	channel := &room{s: s, path: open("channel", "bakers", ada, ben), by: map[string]any{"user": ben, "mention": installed["bot_user_id"]}, button: "action"}
	channel.say(t, "help")
	channel.hear(t, "To pair this channel", "mention me here with: pair and the code")
	channel.pairByCode(t, b, "slack", "pair ", false, pairedNames{"bakers", "Ben"})
	if spaces := call[struct{ Items []struct{ Title string } }](t, b.owner, http.MethodGet, b.path+"/spaces", nil).Items; len(spaces) != 2 || spaces[0].Title != "bakers" || spaces[1].Title != "Ada" {
		t.Errorf("the spaces are %+v", spaces)
	}
	channel.publish(t, "Spelt", true)
	s.checkSettled(t)
}
