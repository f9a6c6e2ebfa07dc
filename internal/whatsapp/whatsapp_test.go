package whatsapp_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"fanfare/internal/chat"
	"fanfare/internal/sandbox"
	"fanfare/internal/whatsapp"
)

func (b *bundle) ada() chat.Chat {
	return chat.Chat{Platform: chat.WhatsApp, Bot: b.number, Kind: chat.User, ID: "US.1349", Title: "Ada"}
}

// TestConversation: what a person says comes in, what the bot says arrives with buttons, and what is pressed comes back.
func TestConversation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	said := b.in("US.1349", "say", object{"text": " Write about <rye> & wheat "})
	got := b.took()
	if len(got) != 1 {
		t.Fatalf("%+v", got)
	}
	want := chat.Update{
		ID: said["message"].(string), MessageID: said["message"].(string), Order: got[0].At.UnixMicro(), At: got[0].At, Event: chat.Said, Addressed: true,
		Chat: b.ada(), Person: chat.Person{ID: "US.1349", Name: "Ada"}, Text: "Write about <rye> & wheat",
	}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("%+v, want %+v", got[0], want)
	}
	if off := got[0].At.Sub(b.now()).Abs(); off > time.Second {
		t.Errorf("said %s off", off)
	}

	id, err := b.bot.Send(t.Context(), b.ada(), chat.Message{
		Text: "Rye & <wheat>", Replaces: "wamid.old",
		Buttons: [][]chat.Button{{{Text: "Approve", Data: "approve:1"}, {Text: "Edit", Data: "edit:1"}}, {{Text: "Preview", URL: "https://example.com/p?a=1&b=2"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	shown := b.shown("US.1349")
	last := shown[len(shown)-1]
	if last["id"] != id || last["text"] != "Rye & <wheat>\n\nPreview: https://example.com/p?a=1&b=2" || len(last["buttons"].([]any)) != 2 {
		t.Errorf("%v", last)
	}
	b.eventually("sent and delivered", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.updates) == 2 })
	for i, status := range []string{"sent", "delivered"} {
		if u := b.updates[i]; u.Event != chat.Ignored || u.ID != id+":"+status || u.Chat.ID != "US.1349" {
			t.Errorf("%+v", u)
		}
	}
	b.took()
	b.in("US.1349", "press", object{"message": id, "button": "edit:1"})
	pressed := b.took()
	if len(pressed) != 1 || pressed[0].Event != chat.Pressed || pressed[0].Button != "edit:1" || pressed[0].MessageID != id || pressed[0].ID == id || pressed[0].Chat != b.ada() {
		t.Errorf("%+v", pressed)
	}
	if err := b.bot.Acknowledge(t.Context(), pressed[0].Callback); err != nil {
		t.Error(err)
	}
	b.in("US.1349", "say", object{"type": "sticker"})
	if got := b.took(); len(got) != 1 || got[0].Event != chat.Ignored {
		t.Errorf("a sticker: %+v", got)
	}
}

// TestButtons: what has no place as a reply button is a row of a list, and every button can be pressed.
func TestButtons(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.in("US.1349", "say", object{"text": "hello"})
	many := func(n int) [][]chat.Button {
		var rows [][]chat.Button
		for i := range n {
			rows = append(rows, []chat.Button{{Text: "Choice " + strings.Repeat("x", i), Data: "choose:" + strings.Repeat("x", i)}})
		}
		return rows
	}
	long := strings.TrimSpace(strings.Repeat("A sentence of the text. ", 400)) // 9,599 characters
	for name, c := range map[string]struct {
		message  chat.Message
		messages int
		menus    int
		buttons  int
	}{
		"a text":                 {chat.Message{Text: "Hello"}, 1, 0, 0},
		"a long text":            {chat.Message{Text: long}, 3, 0, 0},
		"three":                  {chat.Message{Text: "Hello", Buttons: many(3)}, 1, 0, 3},
		"four":                   {chat.Message{Text: "Hello", Buttons: many(4)}, 1, 1, 4},
		"twenty-five":            {chat.Message{Text: "Hello", Buttons: many(25)}, 3, 3, 25},
		"titles that are long":   {chat.Message{Text: "Hello", Buttons: [][]chat.Button{{{Text: "A title of more than 20 characters", Data: "a"}}}}, 1, 1, 1},
		"titles that are equal":  {chat.Message{Text: "Hello", Buttons: [][]chat.Button{{{Text: "A", Data: "a"}, {Text: "A", Data: "b"}}}}, 1, 1, 2},
		"a long text, three":     {chat.Message{Text: strings.Repeat("word ", 300), Buttons: many(3)}, 2, 0, 3},
		"a very long one, three": {chat.Message{Text: long, Buttons: many(3)}, 4, 0, 3},
	} {
		before := len(b.shown("US.1349"))
		id, err := b.bot.Send(t.Context(), b.ada(), c.message)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		shown := b.shown("US.1349")[before:]
		menus, buttons, text := 0, 0, ""
		for _, m := range shown {
			if m["menu"] == true {
				menus++
			}
			list, _ := m["buttons"].([]any)
			buttons += len(list)
			text += m["text"].(string)
		}
		if len(shown) != c.messages || menus != c.menus || buttons != c.buttons || shown[len(shown)-1]["id"] != id {
			t.Errorf("%s: %d messages, %d lists, %d buttons", name, len(shown), menus, buttons)
		}
		if squeeze := strings.NewReplacer(" ", ""); c.buttons < 10 && squeeze.Replace(text) != squeeze.Replace(c.message.Text) {
			t.Errorf("%s: %q", name, text)
		}
	}
	var e *chat.Error
	if _, err := b.bot.Send(t.Context(), b.ada(), chat.Message{Text: " \n"}); !errors.As(err, &e) || e.Class != chat.Invalid {
		t.Errorf("a blank text: %v", err)
	}
	// A row of a list comes back as the button that it was.
	b.took()
	list := b.shown("US.1349")
	for _, m := range list {
		if m["menu"] == true {
			b.in("US.1349", "press", object{"message": m["id"], "button": m["buttons"].([]any)[0].(object)["id"]})
			b.eventually("the press", func() bool {
				for _, u := range b.took() {
					if u.Event == chat.Pressed && u.MessageID == m["id"] {
						return true
					}
				}
				return false
			})
		}
	}
}

// TestGroups: a group is one by its group_id, its people are told apart, and buttons are numbered lines there.
func TestGroups(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.control("POST", "whatsapp/numbers/"+b.number+"/chats", object{"group_id": "Y2FwaV9ncm91cDox", "people": []object{
		{"phone": "15550000001", "name": "Ben"}, {"phone": "15550000002", "name": "Cleo"},
	}}, 201)
	b.in("Y2FwaV9ncm91cDox", "say", object{"text": "/status", "phone": "15550000002"})
	b.in("Y2FwaV9ncm91cDox", "say", object{"text": "lunch?"})
	group := chat.Chat{Platform: chat.WhatsApp, Bot: b.number, Kind: chat.Group, ID: "Y2FwaV9ncm91cDox"}
	got := b.took()
	if len(got) != 2 || got[0].Chat != group || got[0].Person != (chat.Person{ID: "15550000002", Name: "Cleo"}) || !got[0].Addressed ||
		got[1].Person.ID != "15550000001" || got[1].Addressed {
		t.Fatalf("%+v", got)
	}
	id, err := b.bot.Send(t.Context(), group, chat.Message{Text: "Which?", Buttons: [][]chat.Button{{{Text: "One", Data: "1"}, {Text: "Two", Data: "2"}}}})
	if err != nil {
		t.Fatal(err)
	}
	shown := b.shown(group.ID)
	if last := shown[len(shown)-1]; last["text"] != "Which?\n\n1. One\n2. Two" {
		t.Errorf("%v", last)
	}
	b.eventually("the statuses", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.updates) == 2 })
	b.took()
	b.in(group.ID, "say", object{"text": "the first", "reply_to": id})
	if got := b.took(); len(got) != 1 || !got[0].Addressed {
		t.Errorf("an answer to the bot: %+v", got)
	}
}

// TestPeople: somebody without a user id is known by their number, who hides their number by their user id, and a new number moves the chat.
func TestPeople(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.control("POST", "whatsapp/numbers/"+b.number+"/chats", object{"phone": "15550000003", "name": "Dan"}, 201)
	b.control("POST", "whatsapp/numbers/"+b.number+"/chats", object{"phone": "15550000004", "user_id": "DE.77", "hides_phone": true, "name": "Eve"}, 201)
	for _, id := range []string{"15550000003", "DE.77"} {
		b.in(id, "say", object{"text": "hello"})
		got := b.took()
		if len(got) != 1 || got[0].Chat.ID != id || got[0].Person.ID != id || got[0].Person.Name == "" {
			t.Fatalf("%+v", got)
		}
		if _, err := b.bot.Send(t.Context(), got[0].Chat, chat.Message{Text: "hello"}); err != nil {
			t.Errorf("to %s: %v", id, err)
		}
		b.eventually("the statuses", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.updates) == 2 })
		for _, status := range b.took() {
			if status.Chat.ID != id {
				t.Errorf("the status is of %q, not %q", status.Chat.ID, id)
			}
		}
	}
	b.in("15550000003", "new-phone", object{"phone": "15550000005"})
	if got := b.took(); len(got) != 1 || got[0].Event != chat.Moved || got[0].Chat.ID != "15550000003" || got[0].NewID != "15550000005" {
		t.Errorf("%+v", got)
	}
	b.in("DE.77", "new-phone", object{"phone": "15550000006", "user_id": "DE.78"})
	if got := b.took(); len(got) != 1 || got[0].Event != chat.Moved || got[0].Chat.ID != "DE.77" || got[0].NewID != "DE.78" {
		t.Errorf("%+v", got)
	}
}

// TestWindow: a day after the person's last word nothing can be sent, and they hear nothing who have blocked the business.
func TestWindow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.in("US.1349", "say", object{"text": "hello"})
	b.advance(24*time.Hour - time.Second)
	if _, err := b.bot.Send(t.Context(), b.ada(), chat.Message{Text: "in time"}); err != nil {
		t.Fatal(err)
	}
	b.advance(2 * time.Second)
	_, err := b.bot.Send(t.Context(), b.ada(), chat.Message{Text: "too late"})
	var e *chat.Error
	if !errors.Is(err, whatsapp.ErrWindow) || !errors.As(err, &e) || e.Class != chat.Invalid || e.Status != 400 {
		t.Errorf("%v", err)
	}
	hook := b.control("GET", "whatsapp/numbers", nil, 200)["numbers"].([]any)[0].(object)["webhook"]
	b.control("PUT", "whatsapp/numbers/"+b.number+"/webhook", object{"url": hook, "late_errors": true}, 204)
	b.eventually("the statuses", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.updates) == 3 })
	b.took()
	id, err := b.bot.Send(t.Context(), b.ada(), chat.Message{Text: "too late"})
	if err != nil {
		t.Fatal(err)
	}
	b.eventually("the failure", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.updates) == 1 })
	if got := b.took(); got[0].Event != chat.Failed || got[0].MessageID != id || got[0].Failure != chat.Invalid {
		t.Errorf("%+v", got)
	}
}

// TestDeliveries: a delivery that is not taken comes again as it was; a forged one is known.
func TestDeliveries(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mu.Lock()
	b.answers = 500
	b.mu.Unlock()
	said := b.in("US.1349", "say", object{"text": "hello"})
	b.eventually("two tries more", func() bool { b.mu.Lock(); defer b.mu.Unlock(); return len(b.updates) == 3 })
	got := b.took()
	if !reflect.DeepEqual(got[0], got[1]) || !reflect.DeepEqual(got[0], got[2]) {
		t.Errorf("%+v", got)
	}
	id := said["deliveries"].([]any)[0].(object)["id"].(string)
	if a := b.control("POST", "deliveries/"+id+"/again", object{"forged": true}, 200); a["status"] != 403.0 || len(b.took()) != 0 {
		t.Errorf("forged: %v", a)
	}
	if a := b.control("POST", "deliveries/"+id+"/again", object{}, 200); a["status"] != 500.0 || len(b.took()) != 1 {
		t.Errorf("again: %v", a)
	}
}

// TestMe: the token tells whose it is, or that it is not good.
func TestMe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	me, err := b.bot.Me(t.Context())
	if err != nil || me.PhoneNumberID != b.number || me.Name != "Northlight" || !strings.HasPrefix(me.Number, "+1 555") {
		t.Errorf("%+v %v", me, err)
	}
	for name, bot := range map[string]*whatsapp.Bot{
		"another token":  whatsapp.New(b.base+"/whatsapp-graph/v26.0", b.number, "EAAnone"),
		"another number": whatsapp.New(b.base+"/whatsapp-graph/v26.0", "10000", b.token),
		"a path":         whatsapp.New(b.base+"/whatsapp-graph/v26.0", "../../_sandbox/secrets?", b.token),
	} {
		_, err := bot.Me(t.Context())
		var e *chat.Error
		if !errors.As(err, &e) || e.Class == chat.Transient || strings.Contains(err.Error(), b.token) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestFaults: what goes wrong is classed by status and code, and holds no token.
func TestFaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.in("US.1349", "say", object{"text": "hello"})
	for name, c := range map[string]struct {
		fault sandbox.Fault
		want  chat.Class
	}{
		"190":            {sandbox.Fault{Kind: "status", Status: 401, ErrorType: "190"}, chat.Credential},
		"rate limit":     {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "130429", Headers: map[string]string{"Retry-After": "60"}}, chat.RateLimited},
		"429":            {sandbox.Fault{Kind: "status", Status: 429, Body: "slow down"}, chat.RateLimited},
		"pair limit":     {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "131056"}, chat.RateLimited},
		"undeliverable":  {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "131026"}, chat.Gone},
		"account locked": {sandbox.Fault{Kind: "status", Status: 403, ErrorType: "131031"}, chat.Credential},
		"parameter":      {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "100"}, chat.Invalid},
		"no object":      {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "100/33"}, chat.Credential},
		"unknown code":   {sandbox.Fault{Kind: "status", Status: 400, ErrorType: "999999"}, chat.Invalid},
		"502":            {sandbox.Fault{Kind: "status", Status: 502, Body: "<html>"}, chat.Transient},
		"redirect":       {sandbox.Fault{Kind: "status", Status: 302, Headers: map[string]string{"Location": "https://example.com/"}}, chat.Transient},
		"no JSON":        {sandbox.Fault{Kind: "body", Body: "<html>"}, chat.Transient},
		"another JSON":   {sandbox.Fault{Kind: "body", Body: "{}"}, chat.Transient},
		"too much":       {sandbox.Fault{Kind: "body", BodyBytes: 2 << 20}, chat.Transient},
		"dropped":        {sandbox.Fault{Kind: "drop_before"}, chat.Transient},
		"lost":           {sandbox.Fault{Kind: "drop_after"}, chat.Transient},
	} {
		c.fault.Step = "whatsapp.send"
		if err := b.box.AddFault(c.fault); err != nil {
			t.Fatal(err)
		}
		_, err := b.bot.Send(t.Context(), b.ada(), chat.Message{Text: "Hello"})
		var e *chat.Error
		if !errors.As(err, &e) || e.Class != c.want || strings.Contains(err.Error(), b.token) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "rate limit" && time.Until(e.RetryAt) < 50*time.Second {
			t.Errorf("%s until %s", name, e.RetryAt)
		}
	}
}

// TestSlowHost: a host that does not answer is given up.
func TestSlowHost(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-gate }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(gate) })
	began := time.Now()
	_, err := whatsapp.New(server.URL, "1", "t").Me(t.Context())
	var e *chat.Error
	if !errors.As(err, &e) || e.Class != chat.Transient || time.Since(began) > 20*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
