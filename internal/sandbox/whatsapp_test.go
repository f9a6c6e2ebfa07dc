package sandbox_test

import (
	"net/url"
	"strings"
	"testing"

	"fanfare/internal/sandbox"
)

// whatsapp makes a number and a chat in which the person has just written; it gives the number and the token.
func (b *bundle) whatsapp() (number, token string) {
	b.t.Helper()
	made := b.request("POST", "/_sandbox/whatsapp/numbers", "", object{"phone_number_id": "106540352242922"})
	chats := "/_sandbox/whatsapp/numbers/106540352242922/chats"
	b.request("POST", chats, "", object{"phone": "16505551234", "user_id": "US.1", "name": "Ada"})
	b.request("POST", chats, "", object{"group_id": "Y2Fw", "people": []object{{"phone": "16505559999", "name": "Ben"}}})
	if r := b.request("POST", chats+"/US.1/say", "", object{"text": "hello"}); made.status != 201 || r.status != 200 {
		b.t.Fatalf("%d %s, %d %s", made.status, made.body, r.status, r.body)
	}
	return "106540352242922", made.text("access_token")
}

// TestWhatsAppMessages: what the Cloud API refuses is refused, with its codes.
func TestWhatsAppMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number, token := b.whatsapp()
	message := func(change object) object {
		m := object{"messaging_product": "whatsapp", "recipient_type": "individual", "to": "+1 (650) 555-1234", "type": "text", "text": object{"body": "Hello"}}
		for name, value := range change {
			if m[name] = value; value == nil {
				delete(m, name)
			}
		}
		return m
	}
	interactive := func(kind, text string, action object) object {
		return message(object{"type": "interactive", "text": nil, "interactive": object{"type": kind, "body": object{"text": text}, "action": action}})
	}
	button := func(id, title string) object {
		return object{"type": "reply", "reply": object{"id": id, "title": title}}
	}
	buttons := func(list ...object) object { return interactive("button", "Which?", object{"buttons": list}) }
	rows := func(n int) []object {
		list := []object{}
		for i := range n {
			list = append(list, object{"id": strings.Repeat("r", i+1), "title": "Row"})
		}
		return list
	}
	list := func(sections ...object) object {
		return interactive("list", "Which?", object{"button": "Choose", "sections": sections})
	}
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct {
		body any
		code int // 0 is accepted
	}{
		"a text":                   {message(nil), 0},
		"by user id":               {message(object{"to": nil, "recipient": "US.1"}), 0},
		"to a group":               {message(object{"to": "Y2Fw", "recipient_type": "group"}), 0},
		"of 4096":                  {message(object{"text": object{"body": long(4096)}}), 0},
		"of 4097":                  {message(object{"text": object{"body": long(4097)}}), 100},
		"of 2049 emoji":            {message(object{"text": object{"body": strings.Repeat("😀", 2049)}}), 100},
		"no product":               {message(object{"messaging_product": nil}), 100},
		"an unknown field":         {message(object{"colour": "red"}), 100},
		"no JSON":                  {"{", 100},
		"nobody":                   {message(object{"to": nil}), 131008},
		"both":                     {message(object{"recipient": "US.1"}), 131008},
		"no number":                {message(object{"to": "Ada"}), 131009},
		"a number as user id":      {message(object{"to": nil, "recipient": "16505551234"}), 131026},
		"a user id as number":      {message(object{"to": "US.1"}), 131009},
		"itself":                   {message(object{"to": "15550782922"}), 131021},
		"somebody else":            {message(object{"to": "16505550000"}), 131026},
		"a group as a person":      {message(object{"to": "Y2Fw"}), 131009},
		"a person as a group":      {message(object{"recipient_type": "group", "to": "16505551234"}), 131026},
		"another recipient type":   {message(object{"recipient_type": "everyone"}), 131009},
		"no text":                  {message(object{"text": nil}), 131008},
		"another type":             {message(object{"type": "poll"}), 131051},
		"three buttons":            {buttons(button("a", "A"), button("b", "B"), button("c", long(20))), 0},
		"a list":                   {list(object{"rows": rows(10)}), 0},
		"buttons to a group":       {interactiveTo(buttons(button("a", "A")), "Y2Fw"), 131051},
		"four buttons":             {buttons(button("a", "A"), button("b", "B"), button("c", "C"), button("d", "D")), 131009},
		"no button":                {buttons(), 131009},
		"a title of 21":            {buttons(button("a", long(21))), 131009},
		"an id of 257":             {buttons(button(long(257), "A")), 131009},
		"an id with space":         {buttons(button(" a", "A")), 131009},
		"two of an id":             {buttons(button("a", "A"), button("a", "B")), 131009},
		"two of a title":           {buttons(button("a", "A"), button("b", "A")), 131009},
		"a body of 1024":           {interactive("button", long(1024), object{"buttons": []object{button("a", "A")}}), 0},
		"a body of 1025":           {interactive("button", long(1025), object{"buttons": []object{button("a", "A")}}), 131009},
		"a list's body of 4097":    {interactive("list", long(4097), object{"button": "Choose", "sections": []object{{"rows": rows(1)}}}), 131009},
		"eleven rows":              {list(object{"title": "One", "rows": rows(6)}, object{"title": "Two", "rows": []object{{"id": "a", "title": "A"}, {"id": "b", "title": "B"}, {"id": "c", "title": "C"}, {"id": "d", "title": "D"}, {"id": "e", "title": "E"}}}), 131009},
		"two sections, no title":   {list(object{"rows": rows(1)}, object{"rows": []object{{"id": "a", "title": "A"}}}), 131009},
		"no row":                   {list(object{"rows": []object{}}), 131009},
		"a row's title of 25":      {list(object{"rows": []object{{"id": "a", "title": long(25)}}}), 131009},
		"a row's id of 201":        {list(object{"rows": []object{{"id": long(201), "title": "A"}}}), 131009},
		"a row's description, 73":  {list(object{"rows": []object{{"id": "a", "title": "A", "description": long(73)}}}), 131009},
		"a list without a button":  {interactive("list", "Which?", object{"sections": []object{{"rows": rows(1)}}}), 131009},
		"a list with reply button": {interactive("list", "Which?", object{"button": "Choose", "buttons": []object{button("a", "A")}, "sections": []object{{"rows": rows(1)}}}), 131009},
		"an unknown interactive":   {interactive("carousel", "Which?", object{}), 131009},
	} {
		r := b.request("POST", "/whatsapp-graph/v26.0/"+number+"/messages", "Bearer "+token, c.body)
		code := 0.0
		if e, ok := r.json["error"].(map[string]any); ok {
			code = e["code"].(float64)
		}
		if int(code) != c.code || (r.status == 200) != (c.code == 0) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	for name, c := range map[string]struct {
		path, authorization string
		status              int
	}{
		"no token":        {number + "/messages", "", 401},
		"another token":   {number + "/messages", "Bearer EAAx", 401},
		"another number":  {"1065403522/messages", "Bearer " + token, 400},
		"another address": {number + "/media", "Bearer " + token, 404},
	} {
		if r := b.request("POST", "/whatsapp-graph/v26.0/"+c.path, c.authorization, message(nil)); r.status != c.status {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
	if r := b.request("GET", "/whatsapp-graph/v26.0/"+number+"?fields=verified_name", "Bearer "+token, nil); r.status != 200 || r.text("verified_name") != "Northlight" || r.text("id") != number {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := b.request("GET", "/whatsapp-graph/v26.0/"+number+"?fields=colour", "Bearer "+token, nil); r.status != 400 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestChatPages: people write in a chat and press its buttons on the pages, and no other site does it for them.
func TestChatPages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	number, token := b.whatsapp()
	sent := b.request("POST", "/whatsapp-graph/v26.0/"+number+"/messages", "Bearer "+token, object{
		"messaging_product": "whatsapp", "to": "16505551234", "type": "interactive", "interactive": object{
			"type": "button", "body": object{"text": "<b>Which?</b>"}, "action": object{"buttons": []object{{"type": "reply", "reply": object{"id": "a:1", "title": "First"}}}},
		},
	})
	if r := b.send("GET", "/whatsapp", nil); r.status != 200 || !strings.Contains(r.body, "&lt;b&gt;Which?") || !strings.Contains(r.body, `value="a:1"`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	id := sent.json["messages"].([]any)[0].(map[string]any)["id"].(string)
	page := "/whatsapp/" + number + "/US.1"
	// There is no webhook: what is done is in the chat, and the page says that nobody was told.
	for _, form := range []url.Values{{"text": {"from the page"}}, {"message": {id}, "button": {"a:1"}}} {
		if r := b.send("POST", page, form); r.status != 200 || !strings.Contains(r.body, "did not take it") {
			t.Errorf("%v: %d %s", form, r.status, r.body)
		}
	}
	if r := b.send("POST", page, url.Values{"text": {"from elsewhere"}}, "Sec-Fetch-Site", "cross-site"); r.status != 403 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := b.send("POST", page, url.Values{"message": {id}, "button": {"b:2"}}); r.status != 422 {
		t.Errorf("%d %s", r.status, r.body)
	}
	shown := b.request("GET", "/_sandbox/whatsapp/numbers/"+number+"/chats/US.1", "", nil).body
	if !strings.Contains(shown, "from the page") || !strings.Contains(shown, "First") || strings.Contains(shown, "elsewhere") {
		t.Errorf("%s", shown)
	}
}

func interactiveTo(m object, group string) object {
	m["to"], m["recipient_type"] = group, "group"
	return m
}

// TestChatsKept: numbers, workspaces and what was said are there again when the sandbox is opened again.
func TestChatsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := setupDir(t, dir)
	number, token := b.whatsapp()
	team, channel, bot := b.slack()
	again, err := sandbox.New(sandbox.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	other := *b
	other.base = serve(t, again)
	if r := other.request("GET", "/_sandbox/whatsapp/numbers/"+number+"/chats/US.1", "", nil); r.status != 200 || !strings.Contains(r.body, "hello") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := other.request("GET", "/_sandbox/slack/teams/"+team+"/channels/"+channel, "", nil); r.status != 200 || !strings.Contains(r.body, "hello") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := other.request("POST", "/slack/api/auth.test", "Bearer "+bot, object{}); r.json["ok"] != true {
		t.Errorf("%d %s", r.status, r.body)
	}
	secrets := other.request("GET", "/_sandbox/secrets", "", nil).body
	if !strings.Contains(secrets, token) || !strings.Contains(secrets, bot) {
		t.Error("a secret is not listed")
	}
	for path, want := range map[string]string{"/whatsapp": "Ada", "/slack": "news"} {
		if r := other.request("GET", path, "", nil); r.status != 200 || !strings.Contains(r.body, want) || !strings.Contains(r.body, "hello") {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}
