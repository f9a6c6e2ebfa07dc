package telegram_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fanfare/internal/chat"
	"fanfare/internal/sandbox"
	"fanfare/internal/telegram"
)

// bundle is a sandbox with a bot, Ada, and their chat.
type bundle struct {
	t    *testing.T
	box  *sandbox.Sandbox
	opts telegram.Options
	id   int64
	bot  *telegram.Bot
	me   telegram.Account
	key  string
	ada  int64
	chat chat.Chat
}

func setup(t *testing.T) *bundle {
	t.Helper()
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	made, err := box.AddTelegramBot(sandbox.TelegramBot{Username: "Fanfare_bot", Name: "Fanfare"})
	if err != nil {
		t.Fatal(err)
	}
	ada, err := box.AddTelegramPerson(sandbox.TelegramPerson{FirstName: "Ada", Username: "ada_l"})
	if err != nil {
		t.Fatal(err)
	}
	b := &bundle{
		t: t, box: box, opts: telegram.Options{BaseURL: server.URL + "/telegram", LinkURL: server.URL + "/telegram-me"},
		id: made.ID, key: made.Token, ada: ada.ID,
	}
	b.bot = b.open(made.Token)
	if b.me, err = b.bot.Me(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.say("hello")
	b.chat = chat.Chat{Platform: chat.Telegram, Bot: b.me.ID, Kind: chat.User, ID: fmt.Sprint(ada.ID)}
	return b
}

func (b *bundle) open(token string) *telegram.Bot {
	b.t.Helper()
	bot, err := telegram.New(token, b.opts)
	if err != nil {
		b.t.Fatal(err)
	}
	return bot
}

func (b *bundle) say(text string) {
	b.t.Helper()
	if _, err := b.box.TelegramSay(sandbox.TelegramSaying{Bot: b.id, Person: b.ada, Text: text}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) fault(f sandbox.Fault) {
	b.t.Helper()
	if err := b.box.AddFault(f); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bundle) send(m chat.Message) string {
	b.t.Helper()
	id, err := b.bot.Send(b.t.Context(), b.chat, m)
	if err != nil {
		b.t.Fatal(err)
	}
	return id
}

// shown is what the chat shows of the bot's messages.
func (b *bundle) shown() []sandbox.TelegramMessage {
	view, _ := b.box.TelegramChat(b.id, b.ada)
	return slices.DeleteFunc(view.Messages, func(m sandbox.TelegramMessage) bool { return !m.Bot })
}

// refused gives the error, which must be of the class and hold no token.
func (b *bundle) refused(err error, class chat.Class) *chat.Error {
	b.t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.Class != class {
		b.t.Errorf("%v, want %s", err, class)
		return &chat.Error{}
	}
	_, secret, _ := strings.Cut(b.key, ":")
	if strings.Contains(fmt.Sprintf("%v %+v %#v %v", err, e, *e, e.Err), secret) {
		b.t.Errorf("the token is in %v", err)
	}
	return e
}

func TestMe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if want := (telegram.Account{ID: fmt.Sprint(b.id), Username: "Fanfare_bot", Name: "Fanfare"}); b.me != want || b.bot.ID() != want.ID {
		t.Errorf("%+v", b.me)
	}
	e := b.refused(func() error { _, err := b.open(b.key[:len(b.key)-1] + "_").Me(t.Context()); return err }(), chat.Credential)
	if e.Status != 401 {
		t.Errorf("%+v", e)
	}
	for _, token := range []string{"", "abc", "123:short", b.key + "\n", "../" + b.key, b.key + "/", "0" + b.key} {
		if _, err := telegram.New(token, b.opts); !errors.Is(err, telegram.ErrToken) {
			t.Errorf("%q: %v", token, err)
		}
	}
	for _, base := range []string{"ftp://a", "api.telegram.org", "http://user@a", "http://a?b=c", "http://a#b", "http://\n"} {
		if _, err := telegram.New(b.key, telegram.Options{BaseURL: base}); err == nil {
			t.Errorf("%q is taken", base)
		}
	}
	if shown := fmt.Sprintf("%v %+v %#v", b.bot, b.bot, *b.bot); strings.Contains(shown, b.key[11:]) {
		t.Error("a Bot shows its token")
	}
}

func TestSend(t *testing.T) {
	t.Parallel()
	b := setup(t)
	buttons := [][]chat.Button{{{Text: "Approve", Data: "approve:7"}, {Text: "Open", URL: "https://fanfare.example/posts/7"}}, {}, {{Text: "Edit", Data: "edit:7"}}}
	id := b.send(chat.Message{Text: "<b>*A_ draft*", Buttons: buttons})
	got := b.shown()[0]
	if fmt.Sprint(got.ID) != id || got.Text != "<b>*A_ draft*" || len(got.Entities) != 0 || fmt.Sprint(got.Buttons) != "[[{Approve approve:7 } {Open  https://fanfare.example/posts/7}] [{Edit edit:7 }]]" {
		t.Errorf("%s: %+v", id, got)
	}
	// An earlier message is changed, and the same change again is no error.
	for range 2 {
		if again := b.send(chat.Message{Text: "Approved", Replaces: id}); again != id {
			t.Errorf("%s in place of %s", again, id)
		}
	}
	if got := b.shown(); len(got) != 1 || got[0].Text != "Approved" || got[0].Buttons != nil || got[0].Edits != 1 {
		t.Errorf("%+v", got)
	}
	// One that is not there, or not the bot's, is a new one.
	for _, gone := range []string{"999", "1", "nonsense"} {
		if again := b.send(chat.Message{Text: "Approved", Replaces: gone}); again == gone || again == id {
			t.Errorf("%s in place of %s", again, gone)
		}
	}
	before := len(b.shown())
	long := strings.Repeat("A paragraph of some words, and a flag 🎈.\n\n", 250)
	id = b.send(chat.Message{Text: long, Buttons: buttons})
	parts := b.shown()[before:]
	if len(parts) != 3 || fmt.Sprint(parts[2].ID) != id || len(parts[2].Buttons) != 2 || parts[0].Buttons != nil || parts[1].Buttons != nil {
		t.Errorf("%d parts", len(parts))
	}
	for _, part := range parts {
		if !strings.HasPrefix(part.Text, "A paragraph") || !strings.HasSuffix(part.Text, "🎈.") {
			t.Errorf("%q", part.Text)
		}
	}
	b.send(chat.Message{Text: "not \xff UTF-8"})
	for _, refused := range []chat.Message{{Text: ""}, {Text: " "}, {Text: "a", Buttons: [][]chat.Button{{{Text: "a", Data: strings.Repeat("a", 65)}}}}} {
		_, err := b.bot.Send(t.Context(), b.chat, refused)
		b.refused(err, chat.Invalid)
	}
	other := b.chat
	other.Bot = "1"
	_, err := b.bot.Send(t.Context(), other, chat.Message{Text: "a"})
	b.refused(err, chat.Invalid)
	other = b.chat
	other.ID = "5999999999"
	_, err = b.bot.Send(t.Context(), other, chat.Message{Text: "a"})
	if e := b.refused(err, chat.Gone); e.Status != 400 {
		t.Errorf("%+v", e)
	}
	if err := b.box.TelegramMember(sandbox.TelegramMembership{Bot: b.id, Person: b.ada, Status: "kicked"}); err != nil {
		t.Fatal(err)
	}
	_, err = b.bot.Send(t.Context(), b.chat, chat.Message{Text: "a"})
	if e := b.refused(err, chat.Gone); e.Status != 403 {
		t.Errorf("%+v", e)
	}
}

func TestAcknowledge(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.send(chat.Message{Text: "Well?", Buttons: [][]chat.Button{{{Text: "Yes", Data: "y"}}}})
	if _, err := b.box.TelegramPress(sandbox.TelegramPress{Bot: b.id, Person: b.ada, MessageID: 2, Data: "y"}); err != nil {
		t.Fatal(err)
	}
	updates, _ := b.receive(0)
	press := updates[len(updates)-1]
	if press.Event != chat.Pressed || press.Button != "y" || press.MessageID != "2" || press.Person.ID != fmt.Sprint(b.ada) {
		t.Fatalf("%+v", press)
	}
	for range 2 { // the second is too late, and no error
		if err := b.bot.Acknowledge(t.Context(), press.Callback); err != nil {
			t.Error(err)
		}
	}
	if view, _ := b.box.TelegramChat(b.id, b.ada); !view.Pressed[0].Answered {
		t.Error("not answered")
	}
	b.fault(sandbox.Fault{Step: "telegram.answer_callback_query", Kind: sandbox.FaultStatus, Status: 500})
	b.refused(b.bot.Acknowledge(t.Context(), press.Callback), chat.Transient)
}

// receive reads what waits.
func (b *bundle) receive(offset int64) ([]chat.Update, int64) {
	b.t.Helper()
	var updates []chat.Update
	next, err := b.bot.Updates(b.t.Context(), offset, func(_ context.Context, raw []json.RawMessage) error {
		for _, body := range raw {
			update, err := telegram.Read(body, b.me)
			if err != nil {
				return err
			}
			updates = append(updates, update)
		}
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return updates, next
}

// TestGroup: all that happens in a group, from the platform to Read.
func TestGroup(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ben, err := b.box.AddTelegramPerson(sandbox.TelegramPerson{FirstName: "Ben"})
	if err != nil {
		t.Fatal(err)
	}
	group, err := b.box.AddTelegramGroup(sandbox.TelegramGroup{Title: "Kite", People: []int64{b.ada}})
	if err != nil {
		t.Fatal(err)
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	do(b.box.TelegramMember(sandbox.TelegramMembership{Chat: group, By: b.ada, Bot: b.id, Status: "member"}))
	do(b.box.TelegramMember(sandbox.TelegramMembership{Chat: group, By: b.ada, Person: ben.ID, Status: "member"}))
	_, err = b.box.TelegramSay(sandbox.TelegramSaying{Chat: group, Person: ben.ID, Text: "@Fanfare_bot write a post"})
	do(err)
	moved, err := b.box.TelegramMigrate(group, b.ada)
	do(err)
	do(b.box.TelegramMember(sandbox.TelegramMembership{Chat: moved, By: ben.ID, Person: ben.ID, Status: "left"}))
	to := chat.Chat{Platform: chat.Telegram, Bot: b.me.ID, Kind: chat.Group, ID: fmt.Sprint(group)}
	_, err = b.bot.Send(t.Context(), to, chat.Message{Text: "a"})
	if e := b.refused(err, chat.Transient); e.NewID != fmt.Sprint(moved) || e.Status != 400 {
		t.Errorf("%+v", e)
	}
	to.ID = fmt.Sprint(moved)
	if _, err := b.bot.Send(t.Context(), to, chat.Message{Text: "a"}); err != nil {
		t.Error(err)
	}
	do(b.box.TelegramMember(sandbox.TelegramMembership{Chat: moved, By: b.ada, Bot: b.id, Status: "kicked"}))
	updates, _ := b.receive(0)
	got := []string{}
	for _, u := range updates {
		if u.Event == chat.Ignored {
			continue
		}
		who := ""
		for _, person := range u.People {
			who += " " + person.Name
		}
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s by %s:%s %s", u.Event, u.Chat.Kind, u.Chat.ID, u.Person.Name, who, u.Text+u.NewID+u.OldID)))
	}
	want := []string{
		fmt.Sprintf("said user %d by Ada: hello", b.ada),
		fmt.Sprintf("added group %d by Ada:", group),
		fmt.Sprintf("joined group %d by Ada: Ben", group),
		fmt.Sprintf("said group %d by Ben: write a post", group),
		fmt.Sprintf("moved group %d by : %d", group, moved),
		fmt.Sprintf("arrived group %d by : %d", moved, group),
		fmt.Sprintf("left group %d by Ben: Ben", moved),
		fmt.Sprintf("removed group %d by Ada:", moved),
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	_, err = b.bot.Send(t.Context(), to, chat.Message{Text: "a"})
	b.refused(err, chat.Gone)
}

// TestUpdates: what is not stored is not confirmed, whoever asks next.
func TestUpdates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.say("second")
	failed := errors.New("not stored")
	next, err := b.bot.Updates(t.Context(), 0, func(context.Context, []json.RawMessage) error { return failed })
	if !errors.Is(err, failed) || next != 0 || b.box.TelegramPending(b.id) != 2 {
		t.Errorf("%d, %v, %d wait", next, err, b.box.TelegramPending(b.id))
	}
	// Stored, and then the process ends: they come once more, with the same ids.
	first, _ := b.receive(0)
	again, next := b.receive(0)
	if len(first) != 2 || first[0].ID != again[0].ID || first[1].ID != again[1].ID || next != again[1].Order+1 {
		t.Errorf("%+v and %+v, then %d", first, again, next)
	}
	b.say("third")
	if third, _ := b.receive(next); len(third) != 1 || third[0].Text != "third" || b.box.TelegramPending(b.id) != 1 {
		t.Errorf("%+v", third)
	}
	if err := b.bot.SetWebhook(t.Context(), "http://127.0.0.1:1/hook", "s3cret"); err != nil {
		t.Fatal(err)
	}
	_, err = b.bot.Updates(t.Context(), 0, func(context.Context, []json.RawMessage) error { return nil })
	if e := b.refused(err, chat.Transient); e.Status != 409 {
		t.Errorf("%+v", e)
	}
	if err := b.bot.DeleteWebhook(t.Context()); err != nil {
		t.Fatal(err)
	}
	if kept, _ := b.receive(0); len(kept) != 1 {
		t.Errorf("%+v", kept)
	}
	b.refused(b.bot.SetWebhook(t.Context(), "http://127.0.0.1:1/", "not good"), chat.Invalid)
	b.refused(b.bot.SetWebhook(t.Context(), "http://127.0.0.1:1/", ""), chat.Invalid)
	b.refused(b.bot.SetWebhook(t.Context(), "ftp://127.0.0.1/", "s3cret"), chat.Invalid)
}

// TestUpdatesFail: failures of Telegram and of the store are told, without the token, and nothing is lost or out of order.
func TestUpdatesFail(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.fault(sandbox.Fault{Step: "telegram.get_updates", Kind: sandbox.FaultDropAfter})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var texts []string
	stored := false
	store := func(_ context.Context, raw []json.RawMessage) error {
		if !stored {
			stored = true
			return errors.New("not stored")
		}
		for _, body := range raw {
			update, err := telegram.Read(body, b.me)
			if err != nil {
				return err
			}
			texts = append(texts, update.Text)
		}
		return nil
	}
	var failures []error
	for offset := int64(0); len(texts) < 2 && len(failures) < 3; {
		next, err := b.bot.Updates(ctx, offset, store)
		if err != nil {
			failures = append(failures, err)
		} else if len(texts) == 1 {
			b.say("second")
		}
		offset = next
	}
	if err := errors.Join(failures...); len(failures) != 2 || !slices.Equal(texts, []string{"hello", "second"}) || strings.Contains(err.Error(), b.key[11:]) {
		t.Errorf("%v %q", failures, texts)
	}
	_, err := b.open(b.key[:len(b.key)-1]+"_").Updates(ctx, 0, store)
	b.refused(err, chat.Credential)
}

// TestWebhook: deliveries hold the secret, and are read as those of long polling are.
func TestWebhook(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	var got []string
	done := make(chan struct{})
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || telegram.Verify(r.Header, "s3cret") != nil || telegram.Verify(r.Header, "other") == nil {
			t.Errorf("%v %v", err, r.Header)
		}
		update, err := telegram.Read(body, b.me)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if got = append(got, update.Text); len(got) == 2 {
			close(done)
		}
	}))
	t.Cleanup(hook.Close)
	if err := b.bot.SetWebhook(t.Context(), hook.URL, "s3cret"); err != nil {
		t.Fatal(err)
	}
	b.say("second")
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatal("no delivery")
	}
	mu.Lock()
	defer mu.Unlock()
	if !slices.Equal(got, []string{"hello", "second"}) {
		t.Errorf("%q", got)
	}
}

// TestFaults: each failure is what its status and parameters say, and no error holds the token.
func TestFaults(t *testing.T) {
	t.Parallel()
	b := setup(t)
	html := "<html>no</html>"
	send := func() error {
		_, err := b.bot.Send(t.Context(), b.chat, chat.Message{Text: "a"})
		return err
	}
	const step = "telegram.send_message"
	for _, c := range []struct {
		what  string
		fault sandbox.Fault
		class chat.Class
	}{
		{"500", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 500}, chat.Transient},
		{"502 of a proxy", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502, Body: html}, chat.Transient},
		{"401", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 401}, chat.Credential},
		{"401 of a proxy", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 401, Body: html}, chat.Transient},
		{"403", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403}, chat.Gone},
		{"403 of a proxy", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403, Body: html}, chat.Transient},
		{"404", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 404}, chat.Credential},
		{"400", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 400}, chat.Invalid},
		{"429", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429}, chat.RateLimited},
		{"a redirect", sandbox.Fault{Kind: sandbox.FaultStatus, Status: 302, Headers: map[string]string{"Location": "/telegram/bot" + b.key + "/getMe"}}, chat.Transient},
		{"nothing", sandbox.Fault{Kind: sandbox.FaultDropBefore}, chat.Transient},
		{"too much", sandbox.Fault{Kind: sandbox.FaultBody, Body: `{"ok":true,"result":{"message_id":7}}`, BodyBytes: 2 << 20}, chat.Transient},
		{"no JSON", sandbox.Fault{Kind: sandbox.FaultBody, Body: html}, chat.Transient},
		{"an empty object", sandbox.Fault{Kind: sandbox.FaultBody, Body: `{}`}, chat.Transient},
		{"null", sandbox.Fault{Kind: sandbox.FaultBody, Body: `null`}, chat.Transient},
		{"no result", sandbox.Fault{Kind: sandbox.FaultBody, Body: `{"ok":true}`}, chat.Transient},
		{"another result", sandbox.Fault{Kind: sandbox.FaultBody, Body: `{"ok":true,"result":[1]}`}, chat.Transient},
		{"no message", sandbox.Fault{Kind: sandbox.FaultBody, Body: `{"ok":true,"result":{}}`}, chat.Transient},
	} {
		c.fault.Step = step
		b.fault(c.fault)
		before := len(b.shown())
		if e := b.refused(send(), c.class); e.Err == nil || e.Status != c.fault.Status && c.fault.Kind == sandbox.FaultStatus {
			t.Errorf("%s: %+v", c.what, e)
		}
		if len(b.shown()) != before {
			t.Errorf("%s: sent", c.what)
		}
	}
	b.fault(sandbox.Fault{Step: step, Kind: sandbox.FaultStatus, Status: 429, Headers: map[string]string{"Retry-After": "7"}})
	e := b.refused(send(), chat.RateLimited)
	if wait := time.Until(e.RetryAt); wait < 5*time.Second || wait > 7*time.Second {
		t.Errorf("wait %s", wait)
	}
	// The answer is lost: it may have arrived.
	b.fault(sandbox.Fault{Step: step, Kind: sandbox.FaultDropAfter})
	before := len(b.shown())
	b.refused(send(), chat.Transient)
	if len(b.shown()) != before+1 {
		t.Error("not sent")
	}
	// Not the earlier message's fault, so no new one takes its place.
	b.fault(sandbox.Fault{Step: "telegram.edit_message_text", Kind: sandbox.FaultStatus, Status: 500})
	before = len(b.shown())
	_, err := b.bot.Send(t.Context(), b.chat, chat.Message{Text: "b", Replaces: fmt.Sprint(b.shown()[0].ID)})
	b.refused(err, chat.Transient)
	if len(b.shown()) != before {
		t.Error("a new message in place of one that could not be changed now")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	b.fault(sandbox.Fault{Step: step, Kind: sandbox.FaultSlow, DelayMS: 60_000})
	_, err = b.bot.Send(ctx, b.chat, chat.Message{Text: "a"})
	if b.refused(err, chat.Transient); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	unreachable, err := telegram.New(b.key, telegram.Options{BaseURL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = unreachable.Me(t.Context())
	if e := b.refused(err, chat.Transient); e.Status != 0 {
		t.Errorf("%+v", e)
	}
}
