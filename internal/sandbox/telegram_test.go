package sandbox_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// telegramBundle is a sandbox with a bot, Ada and Ben.
type telegramBundle struct {
	*bundle
	bot      sandbox.TelegramBot
	ada, ben int64
}

func setupTelegram(t *testing.T, dir string) *telegramBundle {
	t.Helper()
	b := &telegramBundle{bundle: setupDir(t, dir)}
	var err error
	if b.bot, err = b.box.AddTelegramBot(sandbox.TelegramBot{Username: "Fanfare_bot", Name: "Fanfare"}); err != nil {
		t.Fatal(err)
	}
	b.ada, b.ben = b.person("Ada", "ada_l"), b.person("Ben", "")
	return b
}

func (b *telegramBundle) person(name, username string) int64 {
	b.t.Helper()
	p, err := b.box.AddTelegramPerson(sandbox.TelegramPerson{FirstName: name, Username: username})
	if err != nil {
		b.t.Fatal(err)
	}
	return p.ID
}

// call calls a method of the Bot API with a form.
func (b *telegramBundle) call(method string, params ...any) reply {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(params); i += 2 {
		form.Set(fmt.Sprint(params[i]), fmt.Sprint(params[i+1]))
	}
	return b.callAs(b.bot.Token, method, form)
}

func (b *telegramBundle) callAs(token, method string, form url.Values) reply {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+"/telegram/bot"+token+"/"+method, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return decoded(resp, body)
}

// ok gives the result of a call that must succeed.
func (b *telegramBundle) ok(r reply) any {
	b.t.Helper()
	if r.status != 200 || r.json["ok"] != true {
		b.t.Fatalf("%d %s", r.status, r.body)
	}
	return r.json["result"]
}

func (b *telegramBundle) refused(r reply, status int, description string) {
	b.t.Helper()
	if r.status != status || r.json["ok"] != false || r.number("error_code") != status || r.text("description") != description {
		b.t.Errorf("%d %s; want %d %q", r.status, r.body, status, description)
	}
}

func (b *telegramBundle) say(in sandbox.TelegramSaying) int {
	b.t.Helper()
	id, err := b.box.TelegramSay(in)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// updates are those that wait, by getUpdates.
func (b *telegramBundle) updates(params ...any) []object {
	b.t.Helper()
	list := []object{}
	for _, update := range b.ok(b.call("getUpdates", params...)).([]any) {
		list = append(list, update.(object))
	}
	return list
}

// kinds are the kinds of updates.
func kinds(updates []object) []string {
	list := []string{}
	for _, update := range updates {
		for name := range update {
			if name != "update_id" {
				list = append(list, name)
			}
		}
	}
	return list
}

func TestTelegramTokens(t *testing.T) {
	t.Parallel()
	b := setupTelegram(t, "")
	me := b.ok(b.call("GETME")).(object)
	if me["id"] != float64(b.bot.ID) || me["is_bot"] != true || me["username"] != "Fanfare_bot" || me["first_name"] != "Fanfare" {
		t.Errorf("%v", me)
	}
	b.refused(b.callAs(b.bot.Token+"x", "getMe", nil), 401, "Unauthorized")
	b.refused(b.callAs("1:abc", "getMe", nil), 401, "Unauthorized")
	b.refused(b.callAs("nonsense", "getMe", nil), 404, "Not Found")
	b.refused(b.call("sendNothing"), 404, "Not Found")
	// The same in each way of sending parameters.
	b.say(sandbox.TelegramSaying{Bot: b.bot.ID, Person: b.ada, Text: "hello"})
	path := "/telegram/bot" + b.bot.Token + "/sendMessage"
	b.ok(b.request("POST", path, "", object{"chat_id": b.ada, "text": "json"}))
	b.ok(b.request("GET", path+"?chat_id="+fmt.Sprint(b.ada)+"&text=query", "", nil))
}

func TestTelegramMessages(t *testing.T) {
	t.Parallel()
	b := setupTelegram(t, "")
	b.refused(b.call("sendMessage", "chat_id", b.ada, "text", "too early"), 400, "Bad Request: chat not found")
	b.say(sandbox.TelegramSaying{Bot: b.bot.ID, Person: b.ada, Text: "/start abc"})
	keyboard := func(buttons ...object) string {
		encoded, _ := json.Marshal(object{"inline_keyboard": []any{buttons}})
		return string(encoded)
	}
	sent := b.ok(b.call("sendMessage", "chat_id", b.ada, "text", " hello ", "reply_markup",
		keyboard(object{"text": "Yes", "callback_data": strings.Repeat("a", 64)}, object{"text": "See", "url": "https://example.com/"}))).(object)
	if sent["text"] != "hello" || sent["message_id"] != 2.0 || sent["from"].(object)["is_bot"] != true || sent["chat"].(object)["type"] != "private" {
		t.Errorf("%v", sent)
	}
	for _, c := range []struct{ text, markup, want string }{
		{"", "", "message text is empty"},
		{" \n ", "", "message text is empty"},
		{strings.Repeat("😀", 2049), "", "message is too long"},
		{"\xff", "", "strings must be encoded in UTF-8"},
		{"a", "{", "can't parse reply keyboard markup JSON object"},
		{"a", keyboard(object{"text": "a", "callback_data": strings.Repeat("a", 65)}), "BUTTON_DATA_INVALID"},
		{"a", keyboard(object{"text": "a", "callback_data": ""}), "BUTTON_DATA_INVALID"},
		{"a", keyboard(object{"text": "a"}), "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"},
		{"a", keyboard(object{"text": "a", "callback_data": "a", "url": "https://example.com"}), "BUTTON_TYPE_INVALID"},
		{"a", keyboard(object{"text": "a", "url": "http://localhost/"}), "inline keyboard button URL 'http://localhost/' is invalid: Wrong HTTP URL"},
	} {
		b.refused(b.call("sendMessage", "chat_id", b.ada, "text", c.text, "reply_markup", c.markup), 400, "Bad Request: "+c.want)
	}
	b.ok(b.call("sendMessage", "chat_id", b.ada, "text", strings.Repeat("😀", 2048)))
	html := func(text string) reply {
		return b.call("sendMessage", "chat_id", b.ada, "text", text, "parse_mode", "HTML")
	}
	bold := b.ok(html("<b>" + strings.Repeat("a", 4096) + "</b>")).(object)
	if entity := bold["entities"].([]any)[0].(object); entity["type"] != "bold" || entity["length"] != 4096.0 {
		t.Errorf("%v", entity)
	}
	b.refused(html("<p>a</p>"), 400, `Bad Request: can't parse entities: Unsupported start tag "p" at byte offset 0`)
	b.refused(html("<b>a"), 400, `Bad Request: can't parse entities: Can't find end tag corresponding to start tag "b"`)
	b.refused(b.call("sendMessage", "chat_id", b.ada, "text", "a", "parse_mode", "nothing"), 400, "Bad Request: unsupported parse_mode")

	edit := func(id any, text string) reply {
		return b.call("editMessageText", "chat_id", b.ada, "message_id", id, "text", text)
	}
	if edited := b.ok(edit(2, "changed")).(object); edited["text"] != "changed" || edited["edit_date"] == nil || edited["reply_markup"] != nil {
		t.Errorf("%v", edited)
	}
	if r := edit(2, "changed"); r.status != 400 || !strings.HasPrefix(r.text("description"), "Bad Request: message is not modified: ") {
		t.Errorf("%d %s", r.status, r.body)
	}
	b.refused(edit(1, "mine now"), 400, "Bad Request: message can't be edited")
	b.refused(edit(99, "a"), 400, "Bad Request: message to edit not found")
	b.ok(b.call("deleteMessage", "chat_id", b.ada, "message_id", 2))
	b.refused(edit(2, "again"), 400, "Bad Request: message to edit not found")
	b.ok(b.call("sendChatAction", "chat_id", b.ada, "action", "typing"))
	b.refused(b.call("sendChatAction", "chat_id", b.ada, "action", "sing"), 400, "Bad Request: wrong parameter action in request")
	b.ok(b.call("setMyCommands", "commands", `[{"command":"help","description":"What it does"}]`))
	b.refused(b.call("setMyCommands", "commands", `[{"command":"Help!","description":"What it does"}]`), 400, "Bad Request: BOT_COMMAND_INVALID")
}

func TestTelegramPressAndBlock(t *testing.T) {
	t.Parallel()
	b := setupTelegram(t, "")
	b.say(sandbox.TelegramSaying{Bot: b.bot.ID, Person: b.ada, Text: "hello"})
	b.ok(b.call("sendMessage", "chat_id", b.ada, "text", "Well?", "reply_markup", `{"inline_keyboard":[[{"text":"Yes","callback_data":"y"}]]}`))
	if _, err := b.box.TelegramPress(sandbox.TelegramPress{Bot: b.bot.ID, Person: b.ada, MessageID: 2, Data: "n"}); err == nil {
		t.Error("a button that is not there was pressed")
	}
	id, err := b.box.TelegramPress(sandbox.TelegramPress{Bot: b.bot.ID, Person: b.ada, MessageID: 2, Data: "y"})
	if err != nil {
		t.Fatal(err)
	}
	updates := b.updates()
	press := updates[len(updates)-1]["callback_query"].(object)
	if press["id"] != id || press["data"] != "y" || press["message"].(object)["message_id"] != 2.0 || press["from"].(object)["id"] != float64(b.ada) {
		t.Errorf("%v", press)
	}
	b.ok(b.call("answerCallbackQuery", "callback_query_id", id, "text", "Fine"))
	tooOld := "Bad Request: query is too old and response timeout expired or query ID is invalid"
	b.refused(b.call("answerCallbackQuery", "callback_query_id", id), 400, tooOld)
	if view, _ := b.box.TelegramChat(b.bot.ID, b.ada); len(view.Pressed) != 1 || !view.Pressed[0].Answered || view.Pressed[0].Text != "Fine" {
		t.Errorf("%+v", view.Pressed)
	}
	block := func(status string) {
		t.Helper()
		if err := b.box.TelegramMember(sandbox.TelegramMembership{Bot: b.bot.ID, Person: b.ada, Status: status}); err != nil {
			t.Fatal(err)
		}
	}
	block("kicked")
	b.refused(b.call("sendMessage", "chat_id", b.ada, "text", "a"), 403, "Forbidden: bot was blocked by the user")
	b.ok(b.call("getChat", "chat_id", b.ada))
	block("member")
	b.ok(b.call("sendMessage", "chat_id", b.ada, "text", "a"))
	if got := kinds(b.updates()); !slices.Equal(got, []string{"message", "callback_query", "my_chat_member", "my_chat_member"}) {
		t.Errorf("%v", got)
	}
}

func TestTelegramGroups(t *testing.T) {
	t.Parallel()
	b := setupTelegram(t, "")
	group, err := b.box.AddTelegramGroup(sandbox.TelegramGroup{Title: "Kite", People: []int64{b.ada}})
	if err != nil {
		t.Fatal(err)
	}
	member := func(in sandbox.TelegramMembership) {
		t.Helper()
		in.Chat, in.By = group, b.ada
		if err := b.box.TelegramMember(in); err != nil {
			t.Fatal(err)
		}
	}
	b.refused(b.call("sendMessage", "chat_id", group, "text", "a"), 400, "Bad Request: chat not found")
	member(sandbox.TelegramMembership{Bot: b.bot.ID, Status: "member"})
	member(sandbox.TelegramMembership{Person: b.ben, Status: "member"})
	own := int(b.ok(b.call("sendMessage", "chat_id", group, "text", "Hello")).(object)["message_id"].(float64))
	offset := func() any { return b.lastUpdate() + 1 }
	b.updates("offset", offset())
	// In privacy mode it hears what is meant for it.
	b.say(sandbox.TelegramSaying{Chat: group, Person: b.ada, Text: "not for you"})
	b.say(sandbox.TelegramSaying{Chat: group, Person: b.ada, Text: "/status@Other_bot"})
	b.say(sandbox.TelegramSaying{Chat: group, Person: b.ada, Text: "/status@Fanfare_bot now"})
	b.say(sandbox.TelegramSaying{Chat: group, Person: b.ben, Text: "well", ReplyTo: own})
	heard := []any{}
	for _, update := range b.updates() {
		heard = append(heard, update["message"].(object)["text"])
	}
	if !slices.Equal(heard, []any{"/status@Fanfare_bot now", "well"}) {
		t.Errorf("heard %v", heard)
	}
	b.updates("offset", offset())
	supergroup, err := b.box.TelegramMigrate(group, b.ada)
	if err != nil {
		t.Fatal(err)
	}
	moved := b.updates()
	to, from := moved[0]["message"].(object), moved[1]["message"].(object)
	if to["migrate_to_chat_id"] != float64(supergroup) || to["chat"].(object)["id"] != float64(group) ||
		from["migrate_from_chat_id"] != float64(group) || from["chat"].(object)["type"] != "supergroup" || supergroup > -1_000_000_000_000 {
		t.Errorf("%v", moved)
	}
	r := b.call("sendMessage", "chat_id", group, "text", "a")
	b.refused(r, 400, "Bad Request: group chat was upgraded to a supergroup chat")
	if r.json["parameters"].(object)["migrate_to_chat_id"] != float64(supergroup) {
		t.Errorf("%s", r.body)
	}
	group = supergroup
	b.updates("offset", offset())
	member(sandbox.TelegramMembership{Person: b.ben, Status: "left"})
	member(sandbox.TelegramMembership{Bot: b.bot.ID, Status: "kicked"})
	if got := kinds(b.updates()); !slices.Equal(got, []string{"message", "my_chat_member", "message"}) {
		t.Errorf("%v", got)
	}
	b.refused(b.call("sendMessage", "chat_id", group, "text", "a"), 403, "Forbidden: bot was kicked from the supergroup chat")
	member(sandbox.TelegramMembership{Bot: b.bot.ID, Status: "administrator"})
	b.ok(b.call("leaveChat", "chat_id", group))
	b.refused(b.call("sendMessage", "chat_id", group, "text", "a"), 403, "Forbidden: bot is not a member of the supergroup chat")
}

// lastUpdate is the newest that waits.
func (b *telegramBundle) lastUpdate() int64 {
	updates := b.updates()
	return int64(updates[len(updates)-1]["update_id"].(float64))
}

func TestTelegramPolling(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := setupTelegram(t, dir)
	for i := range 3 {
		b.say(sandbox.TelegramSaying{Bot: b.bot.ID, Person: b.ada, Text: fmt.Sprint(i)})
	}
	first := b.updates("limit", 2)
	if len(first) != 2 || len(b.updates()) != 3 {
		t.Errorf("%v", first)
	}
	// A restart keeps them; what is confirmed is gone.
	again := setupDir(t, dir)
	restarted := &telegramBundle{bundle: again, bot: b.bot, ada: b.ada, ben: b.ben}
	if got := restarted.updates("offset", int64(first[1]["update_id"].(float64))+1); len(got) != 1 || got[0]["message"].(object)["text"] != "2" {
		t.Errorf("%v", got)
	}
	if got := restarted.updates(); len(got) != 1 {
		t.Errorf("%v", got)
	}
	// Once more what was confirmed, whatever was confirmed.
	if err := again.box.TelegramRedeliver(b.bot.ID, int64(first[0]["update_id"].(float64))); err != nil {
		t.Fatal(err)
	}
	if got := restarted.updates(); len(got) != 2 || got[1]["update_id"] != first[0]["update_id"] {
		t.Errorf("%v", got)
	}
	if got := restarted.updates("offset", restarted.lastUpdate()+1); len(got) != 0 {
		t.Errorf("%v", got)
	}
	// A long poll waits for what comes, and ends when another begins.
	answers := make(chan reply, 2)
	poll := func() { answers <- restarted.call("getUpdates", "timeout", 30) }
	waiting := make(chan struct{}, 8)
	again.box.OnRequest(func(r sandbox.RequestInfo) { waiting <- struct{}{} })
	go poll()
	<-waiting
	go poll()
	<-waiting
	ended := <-answers
	restarted.refused(ended, 409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running")
	restarted.say(sandbox.TelegramSaying{Bot: b.bot.ID, Person: b.ada, Text: "late"})
	if got := restarted.ok(<-answers).([]any); len(got) != 1 {
		t.Errorf("%v", got)
	}
	restarted.ok(restarted.call("setWebhook", "url", "http://127.0.0.1:1/"))
	restarted.refused(restarted.call("getUpdates"), 409,
		"Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first")
	restarted.ok(restarted.call("deleteWebhook", "drop_pending_updates", true))
	if got := restarted.updates("allowed_updates", `["callback_query"]`); len(got) != 0 {
		t.Errorf("%v", got)
	}
	restarted.say(sandbox.TelegramSaying{Bot: b.bot.ID, Person: b.ada, Text: "unwanted"})
	if got := restarted.updates(); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestTelegramWebhook(t *testing.T) {
	t.Parallel()
	b := setupTelegram(t, "")
	type delivery struct {
		id     float64
		secret string
	}
	var mu sync.Mutex
	var got []delivery
	failing := 3
	arrived := make(chan struct{}, 64)
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var update object
		if err := json.NewDecoder(r.Body).Decode(&update); err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%v %v", err, r.Header)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, delivery{update["update_id"].(float64), r.Header.Get("X-Telegram-Bot-Api-Secret-Token")})
		if failing > 0 {
			failing--
			w.WriteHeader(http.StatusInternalServerError)
		}
		arrived <- struct{}{}
	}))
	t.Cleanup(hook.Close)
	for _, c := range []struct{ url, secret, want string }{
		{"ftp://127.0.0.1/", "", "bad webhook: An HTTPS URL must be provided for webhook"},
		{"https://example.com/", "", "bad webhook: the sandbox delivers on this machine only"},
		{hook.URL, "not good", "secret token contains unallowed characters"},
		{hook.URL, strings.Repeat("a", 257), "secret token contains unallowed characters"},
	} {
		b.refused(b.call("setWebhook", "url", c.url, "secret_token", c.secret), 400, "Bad Request: "+c.want)
	}
	b.ok(b.call("setWebhook", "url", hook.URL, "secret_token", "s-1_A"))
	b.say(sandbox.TelegramSaying{Bot: b.bot.ID, Person: b.ada, Text: "one"})
	b.say(sandbox.TelegramSaying{Bot: b.bot.ID, Person: b.ada, Text: "two"})
	wait := func(n int) {
		t.Helper()
		for range n {
			select {
			case <-arrived:
			case <-time.After(20 * time.Second):
				t.Fatal("no delivery")
			}
		}
	}
	wait(5)
	mu.Lock()
	first := got[0].id
	for i, d := range got {
		if want := first + float64(max(0, i-3)); d.id != want || d.secret != "s-1_A" {
			t.Errorf("delivery %d is %+v, want %v", i, d, want)
		}
	}
	mu.Unlock()
	if err := b.box.TelegramRedeliver(b.bot.ID, int64(first)); err != nil {
		t.Fatal(err)
	}
	wait(1)
	mu.Lock()
	if last := got[len(got)-1]; last.id != first {
		t.Errorf("%+v", last)
	}
	mu.Unlock()
	info := b.ok(b.call("getWebhookInfo")).(object)
	if info["url"] != hook.URL || info["last_error_message"] != "Wrong response from the webhook: 500 Internal Server Error" {
		t.Errorf("%v", info)
	}
	b.ok(b.call("setWebhook", "url", ""))
	if info := b.ok(b.call("getWebhookInfo")).(object); info["url"] != "" {
		t.Errorf("%v", info)
	}
}

func TestTelegramFaults(t *testing.T) {
	t.Parallel()
	b := setupTelegram(t, "")
	for _, f := range []object{
		{"step": "telegram.get_me", "fault": "status", "status": 429, "headers": object{"Retry-After": "7"}},
		{"step": "telegram.get_me", "fault": "status", "status": 502},
	} {
		if r := b.request("POST", "/_sandbox/faults", "", f); r.status != 204 {
			t.Fatalf("%d %s", r.status, r.body)
		}
	}
	r := b.call("getMe")
	b.refused(r, 429, "Too Many Requests: retry after 7")
	if r.json["parameters"].(object)["retry_after"] != 7.0 {
		t.Errorf("%s", r.body)
	}
	if r := b.call("getMe"); r.status != 502 || r.number("error_code") != 502 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestTelegramControl: all of it by the control API, as another process does it.
func TestTelegramControl(t *testing.T) {
	t.Parallel()
	b := setupTelegram(t, "")
	post := func(path string, body object, status int) reply {
		t.Helper()
		r := b.request("POST", "/_sandbox/telegram/"+path, "", body)
		if r.status != status {
			t.Fatalf("%s: %d %s", path, r.status, r.body)
		}
		return r
	}
	bot := post("bots", object{"username": "other_bot"}, 201)
	if again := post("bots", object{"username": "Other_Bot"}, 201); again.text("token") != bot.text("token") || bot.text("token") == "" {
		t.Errorf("%s", again.body)
	}
	id := int64(bot.number("id"))
	if !slices.Contains(b.box.Secrets(), bot.text("token")) {
		t.Error("the token is not among the secrets")
	}
	cleo := int64(post("people", object{"first_name": "Cleo"}, 201).number("id"))
	chat := int64(post("groups", object{"title": "Team", "people": []int64{cleo}}, 201).number("chat"))
	post("members", object{"chat": chat, "by": cleo, "bot": id, "status": "member"}, 204)
	said := post("say", object{"chat": chat, "person": cleo, "text": "/start@other_bot x"}, 201)
	post("redeliver", object{"bot": id}, 204)
	moved := int64(post("migrate", object{"chat": chat, "by": cleo}, 201).number("chat"))
	r := b.request("GET", fmt.Sprintf("/_sandbox/telegram/chats?chat=%d", chat), "", nil)
	view := r.json["chats"].([]any)[0].(object)
	if view["moved_to"] != float64(moved) || view["messages"].([]any)[said.number("message_id")-1].(object)["text"] != "/start@other_bot x" {
		t.Errorf("%s", r.body)
	}
	if r := b.request("POST", "/_sandbox/telegram/groups", "", `{"title":"a","people":["b"]}`); r.status != 400 || r.text("error") != "people must be a list of whole numbers" {
		t.Errorf("%d %s", r.status, r.body)
	}
	for path, body := range map[string]object{
		"bots": {"username": "nobody"}, "people": {}, "groups": {"title": "a", "people": []int64{1}},
		"say": {"chat": chat, "person": cleo, "text": "moved"}, "press": {"chat": moved, "person": cleo, "message_id": 1, "data": "a"},
		"members": {"bot": id, "person": cleo, "status": "kicked"}, "redeliver": {"bot": id, "update_id": 1}, "migrate": {"chat": moved, "by": cleo},
	} {
		if r := post(path, body, 422); r.text("error") == "" {
			t.Errorf("%s: %s", path, r.body)
		}
	}
}

// TestTelegramPages: a developer follows a deep link, and no other site's form is taken.
func TestTelegramPages(t *testing.T) {
	t.Parallel()
	b := setupTelegram(t, "")
	get := func(path, want string) {
		t.Helper()
		if r := b.request("GET", path, "", nil); r.status != 200 || !strings.Contains(r.body, want) {
			t.Errorf("%s: %d, lacks %q: %s", path, r.status, want, r.body)
		}
	}
	form := func(path, site string, values url.Values) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.base+"/telegram-chats/"+path, strings.NewReader(values.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", site)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	id := fmt.Sprint
	get("/telegram-chats", "Write to it as Ada")
	if status := form("bots", "same-origin", url.Values{"username": {"own_bot"}}); status != 303 {
		t.Errorf("%d", status)
	}
	get("/telegram-chats", b.box.TelegramBots()[1].Token)
	get("/telegram-me/fanfare_bot?start=tok-1_A", `name="payload" value="tok-1_A"`)
	start := url.Values{"bot": {id(b.bot.ID)}, "person": {id(b.ada)}, "payload": {"tok-1_A"}}
	if status := form("start", "cross-site", start); status != 403 {
		t.Errorf("another site's form: %d", status)
	}
	if status := form("start", "same-origin", start); status != 303 {
		t.Errorf("%d", status)
	}
	b.ok(b.call("sendMessage", "chat_id", b.ada, "text", "<b>Well?", "reply_markup", `{"inline_keyboard":[[{"text":"Yes","callback_data":"y"}]]}`))
	chat := fmt.Sprintf("/telegram-chats/%d/%d", b.bot.ID, b.ada)
	get(chat, "/start tok-1_A")
	get(chat, "&lt;b&gt;Well?")
	get(chat, `<button name="data" value="y">Yes</button>`)
	if status := form("press", "same-origin", url.Values{"bot": {id(b.bot.ID)}, "person": {id(b.ada)}, "message_id": {"2"}, "data": {"y"}}); status != 303 {
		t.Errorf("%d", status)
	}
	get(chat, "waits for the bot")
	if status := form("groups", "same-origin", url.Values{"title": {"Team"}, "person": {id(b.ada), id(b.ben)}}); status != 303 {
		t.Errorf("%d", status)
	}
	group := b.box.TelegramChats()[0].Chat
	start.Set("chat", id(group))
	if status := form("start", "same-origin", start); status != 303 {
		t.Errorf("%d", status)
	}
	get(fmt.Sprintf("/telegram-chats/0/%d", group), "/start@Fanfare_bot tok-1_A")
	if status := form("say", "same-origin", url.Values{"chat": {id(group)}, "person": {id(b.ada)}, "text": {" "}}); status != 422 {
		t.Errorf("%d", status)
	}
}
