package slack_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"fanfare/internal/chat"
	"fanfare/internal/sandbox"
	"fanfare/internal/slack"
)

// TestConversation: what a person says comes in, what the bot says arrives with buttons, what is pressed comes back, and a
// message is replaced.
func TestConversation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.in(b.direct, "say", object{"user": b.ada, "text": "Write about <rye> & wheat"})
	got := b.took()
	direct := b.chat(chat.User, b.direct)
	if len(got) != 1 || got[0].Event != chat.Said || got[0].Chat != direct || got[0].Person.ID != b.ada || got[0].Text != "Write about <rye> & wheat" || !got[0].Addressed {
		t.Fatalf("%+v", got)
	}
	const text = "Rye & <wheat>: *not bold*, <@U1> &amp; <!channel>"
	id, err := b.bot.Send(t.Context(), direct, chat.Message{Text: text, Buttons: [][]chat.Button{
		{{Text: "Approve", Data: "approve:1"}, {Text: "Edit", Data: "edit:1"}}, {{Text: "Preview", URL: "https://example.com/p?a=1&b=2"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	last := b.shown(b.direct)[1]
	if buttons := last["buttons"].([]any); last["id"] != id || last["text"] != text || len(buttons) != 3 || buttons[2].(object)["url"] != "https://example.com/p?a=1&b=2" {
		t.Errorf("%v", last)
	}
	b.in(b.direct, "press", object{"user": b.ada, "message": id, "action": "edit:1"})
	pressed := b.took()
	if len(pressed) != 1 || pressed[0].Event != chat.Pressed || pressed[0].Button != "edit:1" || pressed[0].MessageID != id || pressed[0].Chat != direct ||
		pressed[0].Person != (chat.Person{ID: b.ada, Name: "ada", Username: "ada"}) {
		t.Fatalf("%+v", pressed)
	}
	if err := b.bot.Acknowledge(t.Context(), pressed[0].Callback); err != nil {
		t.Error(err)
	}
	// The link's press tells nothing.
	b.in(b.direct, "press", object{"user": b.ada, "message": id, "action": "button-2"})
	if got := b.took(); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	replaced, err := b.bot.Send(t.Context(), direct, chat.Message{Text: "Approved.", Replaces: id})
	if shown := b.shown(b.direct); err != nil || replaced != id || len(shown) != 2 || shown[1]["text"] != "Approved." || shown[1]["buttons"] != nil {
		t.Errorf("%q %v %v", replaced, shown, err)
	}
	fresh, err := b.bot.Send(t.Context(), direct, chat.Message{Text: "Once more.", Replaces: "1355517523.000005"})
	if shown := b.shown(b.direct); err != nil || fresh == id || len(shown) != 3 || shown[2]["id"] != fresh {
		t.Errorf("%q %v %v", fresh, shown, err)
	}
	b.in(b.direct, "edit", object{"message": b.shown(b.direct)[0]["id"], "text": "something else"})
	if got := b.took(); len(got) != 0 {
		t.Errorf("edited, and its own: %+v", got)
	}
}

// TestLong: a long text is several messages without a loss, and its buttons are below the last.
func TestLong(t *testing.T) {
	t.Parallel()
	b := setup(t)
	direct := b.chat(chat.User, b.direct)
	text := strings.TrimSpace(strings.Repeat("Salt & <pepper> for all. ", 400))
	var rows [][]chat.Button
	for range 3 {
		var row []chat.Button
		for range 30 {
			row = append(row, chat.Button{Text: strings.Repeat("Long ", 20), Data: strings.Repeat("x", chat.MaxButtonData)})
		}
		rows = append(rows, row)
	}
	id, err := b.bot.Send(t.Context(), direct, chat.Message{Text: text, Buttons: rows})
	if err != nil {
		t.Fatal(err)
	}
	shown := b.shown(b.direct)
	var texts []string
	for i, m := range shown {
		texts = append(texts, m["text"].(string))
		if list, _ := m["buttons"].([]any); (i == len(shown)-1) != (len(list) == 90) {
			t.Errorf("message %d has %d buttons", i, len(list))
		}
	}
	if strings.Join(texts, " ") != text || shown[len(shown)-1]["id"] != id || len(shown) < 4 {
		t.Errorf("%d messages", len(shown))
	}
	var e *chat.Error
	if _, err := b.bot.Send(t.Context(), direct, chat.Message{Text: "\n"}); !errors.As(err, &e) || e.Class != chat.Invalid {
		t.Errorf("a blank text: %v", err)
	}
}

// TestChannels: a mention comes once for both of its events, people come and go, and the bot is told where it is and no longer is.
func TestChannels(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, kind := range []string{"channel", "group", "mpim"} {
		id := b.channel("news", kind, b.ada)
		here := b.chat(chat.Group, id)
		b.in(id, "say", object{"user": b.ada, "text": "the bot is not here"})
		if _, err := b.bot.Send(t.Context(), here, chat.Message{Text: "Hello"}); !isClass(err, chat.Gone) {
			t.Errorf("%s: %v", kind, err)
		}
		b.in(id, "add", object{"user": b.botUser, "inviter": b.ada})
		if got := b.took(); len(got) != 1 || got[0].Event != chat.Added || got[0].Chat != here || got[0].Person.ID != b.ada {
			t.Errorf("%s: %+v", kind, got)
		}
		b.in(id, "say", object{"user": b.ada, "text": "lunch?"})
		if got := b.took(); len(got) != 1 || got[0].Event != chat.Said || got[0].Addressed || got[0].Chat != here {
			t.Errorf("%s: %+v", kind, got)
		}
		b.in(id, "say", object{"user": b.ada, "text": "write <b> about rye", "mention": b.botUser})
		if got := b.took(); len(got) != 2 || got[0].ID != got[1].ID || got[0].Text != "write <b> about rye" || got[1].Text != got[0].Text || !got[0].Addressed || got[1].Chat != here {
			t.Errorf("%s: %+v", kind, got)
		}
		sent, err := b.bot.Send(t.Context(), here, chat.Message{Text: "Which?", Buttons: [][]chat.Button{{{Text: "One", Data: "1"}}}})
		if err != nil {
			t.Fatal(err)
		}
		b.in(id, "press", object{"user": b.ada, "message": sent, "action": "1"})
		if got := b.took(); len(got) != 1 || got[0].Event != chat.Pressed || got[0].Chat.Kind != chat.Group || got[0].Chat.ID != id {
			t.Errorf("%s: %+v", kind, got)
		}
		b.in(id, "say", object{"user": b.ada, "text": "the second", "thread": sent})
		if got := b.took(); len(got) != 1 || !got[0].Addressed {
			t.Errorf("%s: %+v", kind, got)
		}
		ben := b.person("Ben " + kind)
		b.in(id, "add", object{"user": ben})
		b.in(id, "remove", object{"user": ben})
		if got := b.took(); len(got) != 2 || got[0].Event != chat.Joined || got[1].Event != chat.Left || got[0].People[0].ID != ben || got[1].Chat != here {
			t.Errorf("%s: %+v", kind, got)
		}
		described, err := b.bot.Describe(t.Context(), b.chat("", id))
		if here.Title = "news"; err != nil || described != here {
			t.Errorf("%s: %+v %v", kind, described, err)
		}
		b.in(id, "rename", object{"name": "old-news"})
		moved := b.in(id, "new-id", object{})["message"].(string)
		if got := b.took(); len(got) != 1 || got[0].Event != chat.Moved || got[0].Chat.ID != id || got[0].NewID != moved {
			t.Errorf("%s: %+v", kind, got)
		}
		b.in(moved, "archive", object{"archived": true})
		if _, err := b.bot.Send(t.Context(), b.chat(chat.Group, moved), chat.Message{Text: "Hello"}); !isClass(err, chat.Gone) {
			t.Errorf("%s: %v", kind, err)
		}
		b.in(moved, "remove", object{"user": b.botUser})
		if got := b.took(); len(got) != 1 || got[0].Event != chat.Removed || got[0].Chat != b.chat(chat.Group, moved) {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	described, err := b.bot.Describe(t.Context(), b.chat("", b.direct))
	if err != nil || described != b.chat(chat.User, b.direct) {
		t.Errorf("%+v %v", described, err)
	}
	if _, err := b.bot.Describe(t.Context(), b.chat("", "C0NONE")); !isClass(err, chat.Gone) {
		t.Error(err)
	}
	b.control("POST", "apps/"+b.app+"/uninstall", object{"team": b.team}, 200)
	if got := b.took(); len(got) != 1 || got[0].Event != chat.Removed || got[0].Chat != b.chat("", "") {
		t.Errorf("%+v", got)
	}
	if _, err := b.bot.Send(t.Context(), b.chat(chat.User, b.direct), chat.Message{Text: "Hello"}); !isClass(err, chat.Credential) {
		t.Error(err)
	}
}

func isClass(err error, want chat.Class) bool {
	var e *chat.Error
	return errors.As(err, &e) && e.Class == want
}

// TestMe: the token tells whose it is, or that it is not good.
func TestMe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	me, err := b.bot.Me(t.Context())
	if want := (slack.Identity{AppID: b.app, TeamID: b.team, UserID: b.botUser, Name: "Fanfare", Team: "Northlight"}); err != nil || me != want {
		t.Errorf("%+v %v", me, err)
	}
	for _, token := range []string{"", "xoxb-none", "a token\nwith a line"} {
		if _, err := slack.New(b.base+"/slack/api", token).Me(t.Context()); !isClass(err, chat.Credential) || token != "" && strings.Contains(err.Error(), token) {
			t.Errorf("%q: %v", token, err)
		}
	}
}

// TestDeliveries: an event that is not taken comes again with the same id; a forged one and an old one are known.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mu.Lock()
	b.status = 500
	b.mu.Unlock()
	said := b.in(b.direct, "say", object{"user": b.ada, "text": "hello"})
	b.eventually("two tries more", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.updates) == 3 })
	retries, _ := b.seen()
	if got := b.took(); got[0].ID != got[1].ID || got[0].ID != got[2].ID || !slices.Equal(retries, []string{"", "1", "2"}) {
		t.Errorf("%+v %q", got, retries)
	}
	id := said["deliveries"].([]any)[0].(object)["id"].(string)
	for name, how := range map[string]object{"forged": {"forged": true}, "late": {"late_seconds": 301}} {
		if a := b.steer("POST", "deliveries/"+id+"/again", how, 200); a["status"] != 403.0 || len(b.took()) != 0 {
			t.Errorf("%s: %v", name, a)
		}
	}
	if a := b.steer("POST", "deliveries/"+id+"/again", object{}, 200); a["status"] != 500.0 || len(b.took()) != 1 {
		t.Errorf("again: %v", a)
	}
	if _, forged := b.seen(); forged != 2 {
		t.Errorf("%d were forged", forged)
	}
}

// TestFaults: what goes wrong is classed by status and code, and holds no token.
func TestFaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, c := range map[string]struct {
		fault sandbox.Fault
		want  chat.Class
	}{
		"invalid_auth":     {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "invalid_auth"}, chat.Credential},
		"account_inactive": {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "account_inactive"}, chat.Credential},
		"missing_scope":    {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "missing_scope"}, chat.Credential},
		"is_archived":      {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "is_archived"}, chat.Gone},
		"msg_too_long":     {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "msg_too_long"}, chat.Invalid},
		"a new error":      {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "something_else"}, chat.Invalid},
		"internal_error":   {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "internal_error"}, chat.Transient},
		"429":              {sandbox.Fault{Kind: "status", Status: 429}, chat.RateLimited},
		"503":              {sandbox.Fault{Kind: "status", Status: 503, Body: "<html>"}, chat.Transient},
		"redirect":         {sandbox.Fault{Kind: "status", Status: 302, Headers: map[string]string{"Location": "https://example.com/"}}, chat.Transient},
		"no JSON":          {sandbox.Fault{Kind: "body", Body: "<html>"}, chat.Transient},
		"broken JSON":      {sandbox.Fault{Kind: "body", Body: `{"ok":`, ContentType: "application/json"}, chat.Transient},
		"another JSON":     {sandbox.Fault{Kind: "body", Body: `{}`, ContentType: "application/json"}, chat.Transient},
		"a list":           {sandbox.Fault{Kind: "body", Body: `[]`, ContentType: "application/json"}, chat.Transient},
		"too much":         {sandbox.Fault{Kind: "body", BodyBytes: 2 << 20, ContentType: "application/json"}, chat.Transient},
		"dropped":          {sandbox.Fault{Kind: "drop_before"}, chat.Transient},
		"lost":             {sandbox.Fault{Kind: "drop_after"}, chat.Transient},
	} {
		c.fault.Step = "slack.chat.postMessage"
		if err := b.box.AddFault(c.fault); err != nil {
			t.Fatal(err)
		}
		_, err := b.bot.Send(t.Context(), b.chat(chat.User, b.direct), chat.Message{Text: "Hello"})
		var e *chat.Error
		if !errors.As(err, &e) || e.Class != c.want || strings.Contains(err.Error(), b.token) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if name == "429" && (time.Until(e.RetryAt) < 25*time.Second || time.Until(e.RetryAt) > 31*time.Second) {
			t.Errorf("%s until %s", name, e.RetryAt)
		}
	}
}
