package conversation

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/chat"
)

// talk is a conversation of one person, whose state is kept between what they say.
type talk struct {
	t     *testing.T
	api   *fakeAPI
	state *State
	said  int
}

func newTalk(t *testing.T, api fakeAPI) *talk {
	api.id, api.version, api.answers = uuid.New(), 3, map[string]string{}
	return &talk{t: t, api: &api}
}

func (k *talk) turn(update chat.Update) []chat.Message {
	k.t.Helper()
	k.said++
	update.ID, update.At, update.Person = fmt.Sprint(k.said), time.Now(), chat.Person{ID: "1"}
	answer, err := (&Conversation{API: k.api}).Answer(k.t.Context(), Turn{Update: update, State: k.state, Now: time.Now()})
	if err != nil {
		k.t.Fatal(err)
	}
	k.state = answer.State
	return answer.Messages
}

// say says something, and wants an answer that contains the words, in its messages' order.
func (k *talk) say(text string, words ...string) []chat.Message {
	k.t.Helper()
	return k.want(text, k.turn(chat.Update{Event: chat.Said, Text: text}), words)
}

// press presses a button of the post as it is now.
func (k *talk) press(verb string, words ...string) []chat.Message {
	k.t.Helper()
	b := button("", verb, &post{ID: k.api.id, etag: fmt.Sprintf(`"v%d"`, k.api.version)})
	return k.want(verb, k.turn(chat.Update{Event: chat.Pressed, Button: b.Data, MessageID: "77"}), words)
}

func (k *talk) want(what string, got []chat.Message, words []string) []chat.Message {
	k.t.Helper()
	all := ""
	for _, m := range got {
		all += m.Text + "\n"
	}
	for _, word := range words {
		if !strings.Contains(all, word) {
			k.t.Errorf("%q is answered %q, which does not say %q", what, all, word)
		}
	}
	return got
}

func labels(messages []chat.Message) (all []string) {
	for _, m := range messages {
		for _, b := range m.Choices() {
			all = append(all, b.Text)
		}
	}
	return all
}

// A text that is refused is asked for again, and what was typed goes in once nothing stands against it.
func TestTextRefused(t *testing.T) {
	t.Parallel()
	k := newTalk(t, fakeAPI{state: "scheduled", platforms: []string{"scheduled"}, refusals: map[string]map[string]any{
		"change": {"status": http.StatusUnprocessableEntity, "errors": []map[string]any{{"location": "platform_posts[0].text", "message": "is too long", "platform": "twitter"}}},
	}})
	k.press(verbEdit, "Send me the new text")
	if got := k.say("Far too long", "X: is too long", "Nothing is changed", "/cancel"); strings.Contains(got[0].Text, "platform_posts") {
		t.Errorf("it is told %q", got[0].Text)
	}
	k.api.refusals["change"] = map[string]any{"status": http.StatusConflict, "detail": "Somebody else changed the same thing at this moment. Try again."}
	k.say("Rye", "Changed.") // as it is already
	k.press(verbEdit)
	k.say("Short", "Somebody else", "Nothing is changed")
	k.api.version++ // somebody changes it in the dashboard
	k.say("Short", "changed meanwhile", "not used yet")
	k.say("Short", "Changed. It goes out at its time.")
	if k.state != nil || strings.Join(k.api.done, " ") != "change" {
		t.Errorf("it was done: %v, and asked %+v", k.api.done, k.state)
	}
	k.api.required = true
	k.press(verbEdit)
	k.say("Shorter", "It must be approved again")
	k.api.state = "published"
	k.press(verbEdit, "cannot be changed any more")
}

// One text for all platforms, and a way back.
func TestEditAll(t *testing.T) {
	t.Parallel()
	k := newTalk(t, fakeAPI{state: "draft", platforms: []string{"draft", "draft"}})
	if got := labels(k.press(verbEdit, "On which platform")); !slices.Equal(got, []string{"Ghost", "Ghost", "All", "Back"}) {
		t.Errorf("there are %q", got)
	}
	if got := k.press(verbBack, "Draft"); got[0].Replaces != "77" || !slices.Contains(labels(got), "Edit") {
		t.Errorf("back is %+v", got)
	}
	k.press(verbEditAll, "for all platforms")
	k.say("Wheat", "Changed.")
	platforms, _ := k.api.patched["platforms"].([]any)
	if k.api.patched["text"] != "Wheat" || len(platforms) != 2 {
		t.Fatalf("it was changed to %v", k.api.patched)
	}
	for _, p := range platforms {
		if text, own := p.(map[string]any)["text"]; own {
			t.Errorf("a platform still says %q of its own", text)
		}
	}
}

// A time that cannot be is asked for again, in the chat's own words.
func TestTimeRefused(t *testing.T) {
	t.Parallel()
	for name, required := range map[string]bool{"scheduled": false, "submitted": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			past := map[string]any{"status": http.StatusUnprocessableEntity, "detail": "The request is not valid; see errors.",
				"errors": []map[string]any{{"location": "body.local_time", "message": "must be in the future; by the customer's time zone it is 2020-01-01T09:00:00Z"}}}
			k := newTalk(t, fakeAPI{state: "draft", required: required, platforms: []string{"draft"}, refusals: map[string]map[string]any{"schedule": past, "submit": past}})
			k.press(verbSchedule, "When shall it go out?")
			if got := k.say("2020-01-01 09:00", "That time is over.", "/cancel"); strings.Contains(got[0].Text, "local_time") {
				t.Errorf("it is told %q", got[0].Text)
			}
			k.api.refusals[map[bool]string{false: "schedule", true: "submit"}[required]] = past
			k.say("2090-01-01 09:00", "more than five years ahead")
			k.say("whenever", "I do not understand that time.")
			k.say("tomorrow", map[bool]string{false: "It is scheduled.", true: "once it is approved"}[required])
			if len(k.api.done) != 1 {
				t.Errorf("it was done: %v", k.api.done)
			}
		})
	}
}

// Nothing is offered that would be refused.
func TestOffered(t *testing.T) {
	t.Parallel()
	writes, all := []string{"posts:write"}, []string{"posts:write", "posts:publish"}
	for name, c := range map[string]struct {
		state              string
		may                []string
		required, approves bool
		want               string
	}{
		"all":                           {"draft", all, false, false, "Publish now, Edit, Schedule, Discard"},
		"who writes":                    {"draft", writes, false, false, "Edit, Discard"},
		"who writes, with approval":     {"draft", writes, true, false, "Submit for approval, Edit, Schedule, Discard"},
		"who approves":                  {"draft", all, true, true, "Approve, Edit, Schedule, Discard"},
		"who publishes, with approval":  {"draft", all, true, false, "Submit for approval, Edit, Schedule, Discard"},
		"waits":                         {"pending_approval", writes, true, false, "Edit, Withdraw, Discard"},
		"waits for who approves":        {"pending_approval", all, true, true, "Approve, Edit, Schedule, Withdraw, Discard"},
		"scheduled":                     {"scheduled", all, false, false, "Publish now, Edit, Reschedule, Take back"},
		"scheduled, for who writes":     {"scheduled", writes, false, false, ""},
		"failed, for who writes":        {"failed", writes, false, false, "Edit"},
		"failed":                        {"failed", all, false, false, "Try again, Edit"},
		"failed, with approval":         {"failed", all, true, false, "Submit for approval, Edit"},
		"out in part":                   {"partially_published", all, false, false, "Try again"},
		"published":                     {"published", all, false, false, ""},
		"who may do nothing but read":   {"draft", []string{"posts:read"}, true, false, ""},
		"cancelled, for who writes":     {"cancelled", writes, false, false, "Edit"},
		"cancelled, for who may do all": {"cancelled", all, false, false, "Publish now, Edit, Schedule"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newTalk(t, fakeAPI{state: c.state, required: c.required, approves: c.approves, may: c.may, platforms: []string{c.state}})
			if got := strings.Join(labels(k.press(verbShow)), ", "); got != c.want {
				t.Errorf("there are %q, want %q", got, c.want)
			}
		})
	}
}

// What a button has done is told as it is, and one that does nothing any more goes away.
func TestButtonsGo(t *testing.T) {
	t.Parallel()
	k := newTalk(t, fakeAPI{state: "draft", required: true, platforms: []string{"draft"}, may: []string{"posts:write"}})
	k.press(verbSubmit, "It waits for approval now.")
	k.api.state = "scheduled"
	k.press(verbTakeBack, "Taken back.")
	k.api.state = "draft"
	k.press(verbDiscard, "Discarded.")
	k.api.state = "published"
	if got := k.press(verbPublish, "published"); got[0].Replaces != "77" || len(labels(got)) > 0 {
		t.Errorf("after it went out: %+v", got)
	}
	k.api.version--
	stale := button("", verbApprove, &post{ID: k.api.id, etag: `"v1"`})
	k.api.state = "draft"
	if got := k.turn(chat.Update{Event: chat.Pressed, Button: stale.Data, MessageID: "77"}); !strings.Contains(got[0].Text, "changed meanwhile") || got[0].Replaces != "77" {
		t.Errorf("a button of a version before: %+v", got)
	}
}

// A post is written for the platforms that were named, and what is to be remembered is.
func TestNamed(t *testing.T) {
	t.Parallel()
	k := newTalk(t, fakeAPI{state: "draft", platforms: []string{"draft"}})
	k.say("write a post for X about rye", "Draft")
	k.say("write a post about rye on LinkedIn", "No account is connected for LinkedIn")
	k.say("remember that we close at six", "in mind")
	k.press(verbEdit)
	k.say("Remember that Rye is back", "Changed.") // is what the post says
	k.say("write a post about rye for TikTok and X", "I do not know TikTok, and have written nothing", "I know X, LinkedIn, Facebook, Mailchimp and Ghost")
	k.say("/write", "What shall the post be about?", "/cancel")
	k.say("", "I read text only. What shall the post be about?")
	k.say("about spelt, please", "Goes to: Ghost (Bread Weekly)")
	k.say("write a post for X", "What shall the post be about?")
	k.say("wheat", "Draft")
	k.say("/remember", "What shall I keep in mind")
	k.say("no emoji", "in mind")
	want := `generate {"platforms":["twitter"],"prompt":"rye"} memories {"text":"we close at six"} change ` +
		`generate {"platforms":["twitter","ghost"],"prompt":"spelt"} generate {"platforms":["twitter"],"prompt":"wheat"} memories {"text":"no emoji"}`
	if got := strings.Join(k.api.done, " "); got != want {
		t.Errorf("it was done: %s", got)
	}
	k.api.refusals = map[string]map[string]any{"memories": {"status": http.StatusForbidden, "detail": "Here, people may not have anything remembered."}}
	k.say("remember that we close at seven", "Here, people may not")
	others := k.turn(chat.Update{Event: chat.Said, Text: "Remember that night?", Chat: chat.Chat{Kind: chat.Group}})
	if len(others) > 0 {
		t.Errorf("what is said to others is answered %+v", others)
	}
}

// Whoever cannot publish is told so, and who does.
func TestMayNot(t *testing.T) {
	t.Parallel()
	k := newTalk(t, fakeAPI{state: "draft", platforms: []string{"draft"}, may: []string{"posts:write"}})
	k.say("write a post about rye", "Goes to: Ghost (Bread Weekly)", "You cannot publish from this chat.")
	if got := k.say("/help", "I write posts for", "cannot be published from this chat"); strings.Contains(got[0].Text, "http") {
		t.Errorf("the help is %q", got[0].Text)
	}
	k.api.required = true
	k.say("/help", "submit it for approval")
	k.press(verbSubmit, "It waits for approval now.", "Somebody else has to approve it, in the dashboard.")
	k.api.state, k.api.may = "draft", nil
	k.say("/help", "I write and publish posts for", "have it approved")
	k.api.state = "pending_approval"
	k.api.refusals = map[string]map[string]any{"approve": {"status": http.StatusForbidden, "detail": "You, or somebody in a chat that you paired, wrote or submitted it."}}
	if got := labels(k.press(verbApprove, "You, or somebody in a chat that you paired")); slices.Contains(got, "Approve") {
		t.Errorf("there are %q", got)
	}
	k.api.may = []string{"posts:read"}
	k.say("/help", "Nobody can write posts from here.")
	k.api.refusals["memories"] = map[string]any{"status": http.StatusPaymentRequired, "detail": "Of 1000 tokens 13583 are used."}
	if got := k.say("remember rye", "This month's budget for writing is used up"); strings.Contains(got[0].Text, "13583") {
		t.Errorf("the budget is told: %q", got[0].Text)
	}
}

// What is on its way or out offers nothing that is over, and is told as it stands.
func TestOnItsWay(t *testing.T) {
	t.Parallel()
	k := newTalk(t, fakeAPI{state: "draft", platforms: []string{"draft"}})
	if got := k.press(verbPublish, "On its way."); got[0].Replaces != "77" || len(labels(got)) > 0 {
		t.Errorf("it is answered %+v", got)
	}
	old := button("", verbSchedule, &post{ID: k.api.id, etag: `"v3"`})
	for state, words := range map[string][]string{
		"publishing": {"It is on its way already"}, "published": {"It is out already", "Published", "• Ghost: https://ghost.test/rye"},
		"failed": {"Failed", "• Ghost: Too long."}, "partially_published": {"It is out already", "• Ghost: https://", "• Ghost: Too long.", "“write a post for Ghost about …”"},
	} {
		k.api.state, k.api.platforms = state, map[string][]string{"failed": {"failed"}, "partially_published": {"published", "failed"}}[state]
		if k.api.platforms == nil {
			k.api.platforms = []string{state}
		}
		k.want("an old button when it is "+state, k.turn(chat.Update{Event: chat.Pressed, Button: old.Data, MessageID: "77"}), words)
		if k.state != nil {
			t.Errorf("%s: it is asked %+v", state, k.state)
		}
	}
	k.api.state, k.api.platforms, k.api.at = "scheduled", []string{"scheduled"}, time.Now()
	if got := labels(k.press(verbShow, "On its way")); !slices.Equal(got, []string{"Take back"}) {
		t.Errorf("there are %q", got)
	}
	k.api.at = time.Date(2090, 1, 2, 9, 0, 0, 0, time.UTC)
	k.press(verbShow, "Scheduled, for Monday, 2 January 2090, 09:00 (UTC)")
	k.say("/status", "1. Scheduled, for", "\nRye")
	k.say("publish it", "That is done with the buttons", "/status")
	k.say("/start old-link", "is not valid")
}
