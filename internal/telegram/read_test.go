package telegram_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fanfare/internal/chat"
	"fanfare/internal/telegram"
)

var self = telegram.Account{ID: "7000000001", Username: "Fanfare_bot", Name: "Fanfare"}

// TestRead: each file of testdata is an update as Telegram documents it; a file that is not listed fails.
func TestRead(t *testing.T) {
	t.Parallel()
	private := chat.Chat{Platform: chat.Telegram, Bot: self.ID, Kind: chat.User, ID: "5123456789", Title: "Ada L"}
	group := chat.Chat{Platform: chat.Telegram, Bot: self.ID, Kind: chat.Group, ID: "-4123456789", Title: "Kite"}
	supergroup := chat.Chat{Platform: chat.Telegram, Bot: self.ID, Kind: chat.Group, ID: "-1002123456789", Title: "Kite"}
	channel := chat.Chat{Platform: chat.Telegram, Bot: self.ID, Kind: chat.Group, ID: "-1001999999999", Title: "Kite news"}
	ada := chat.Person{ID: "5123456789", Name: "Ada L", Username: "ada_l"}
	ben := chat.Person{ID: "5123456790", Name: "Ben"}
	at := time.Unix(1795000000, 0).UTC()
	type u = chat.Update
	said := func(in chat.Chat, who chat.Person, text string, addressed bool) u {
		return u{Event: chat.Said, Chat: in, Person: who, Text: text, Addressed: addressed, MessageID: "42", At: at}
	}
	event := func(event chat.Event, in chat.Chat, message string) u {
		return u{Event: event, Chat: in, Person: ada, MessageID: message, At: at}
	}
	with := func(in u, change func(*u)) u {
		change(&in)
		return in
	}
	nobody := func(in *u) { in.Person = chat.Person{} }
	read := map[string]u{
		"private_start":            said(private, ada, "/start abc-DEF_123", true),
		"private_text":             said(private, ada, "write a post about kites", true),
		"private_forward":          said(private, ada, "news", true),
		"private_photo":            said(private, ada, "about this", true),
		"private_sticker":          with(event(chat.Ignored, private, "42"), func(in *u) { in.Addressed = true }),
		"private_pinned":           event(chat.Ignored, private, "42"),
		"group_text":               said(group, ada, "who has the keys?", false),
		"group_command":            said(group, ada, "/status", true),
		"group_command_ours":       said(group, ada, "/start tok", true),
		"group_command_other":      said(group, ada, "/start@Other_bot tok", false),
		"supergroup_mention":       said(supergroup, ada, "🎈 hey write a post", true),
		"supergroup_mention_other": said(supergroup, ada, "@Other_bot write", false),
		"group_reply":              said(group, ada, "shorter", true),
		"group_reply_sticker":      with(event(chat.Ignored, group, "42"), func(in *u) { in.Addressed = true }),
		"forum_topic":              said(supergroup, ada, "hello", false),
		"anonymous_admin":          said(supergroup, chat.Person{}, "/status", true),
		"linked_channel":           with(event(chat.Ignored, supergroup, "42"), nobody),
		"other_bot": with(event(chat.Ignored, group, "42"), func(in *u) {
			in.Person = chat.Person{ID: "7000000002", Name: "Other", Username: "Other_bot"}
		}),
		"channel_post":    said(channel, chat.Person{}, "help", true),
		"new_members":     with(event(chat.Joined, group, "42"), func(in *u) { in.People = []chat.Person{ben} }),
		"new_members_us":  event(chat.Ignored, group, "42"),
		"left_member":     with(event(chat.Left, group, "42"), func(in *u) { in.People, in.Person = []chat.Person{ben}, ben }),
		"migrate_to":      with(event(chat.Moved, group, "42"), func(in *u) { in.NewID, in.Person = supergroup.ID, chat.Person{} }),
		"migrate_from":    with(event(chat.Arrived, supergroup, "42"), func(in *u) { in.OldID, in.Person = group.ID, chat.Person{} }),
		"edited":          {Event: chat.Ignored},
		"poll":            {Event: chat.Ignored},
		"callback_inline": {Event: chat.Ignored},
		"callback": {
			Event: chat.Pressed, Chat: supergroup, Person: ada, Addressed: true, Button: "approve:7", MessageID: "40", Callback: "4382bfdwdsb323b2d9",
		},
		"callback_inaccessible": {
			Event: chat.Pressed, Chat: private, Person: ada, Addressed: true, Button: "approve:7", MessageID: "40", Callback: "4382bfdwdsb323b2d9",
		},
		"callback_game":   {Event: chat.Ignored, Chat: private, Person: ada},
		"added":           event(chat.Added, group, ""),
		"promoted":        event(chat.Ignored, group, ""),
		"removed":         event(chat.Removed, supergroup, ""),
		"restricted_out":  event(chat.Removed, supergroup, ""),
		"blocked":         event(chat.Removed, private, ""),
		"unblocked":       event(chat.Added, private, ""),
		"person_left":     with(event(chat.Left, supergroup, ""), func(in *u) { in.People = []chat.Person{ben} }),
		"person_joined":   with(event(chat.Joined, supergroup, ""), func(in *u) { in.People = []chat.Person{ben} }),
		"person_promoted": event(chat.Ignored, supergroup, ""),
	}
	refused := map[string]bool{
		"private_of_somebody_else": true, "unknown_type": true, "no_type": true, "no_chat_id": true, "no_sender": true, "two_things": true,
		"no_update_id": true, "another_bot": true, "unknown_status": true, "migrate_to_a_person": true,
	}
	for name, body := range updates(t) {
		got, err := telegram.Read(body, self)
		want, known := read[name]
		switch {
		case refused[name]:
			if !errors.Is(err, chat.ErrMalformed) || !cmp.Equal(got, chat.Update{}) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		case !known:
			t.Errorf("%s is not listed", name)
		default:
			want.ID, want.Order = "870000001", 870000001
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s: %v\n%s", name, err, diff)
			}
		}
	}
	if _, err := telegram.Read([]byte(`{"update_id":1}`), telegram.Account{}); err == nil {
		t.Error("read for no bot")
	}
}

// updates are the files of testdata, by name.
func updates(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	bodies := map[string][]byte{}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		bodies[strings.TrimSuffix(filepath.Base(file), ".json")] = body
	}
	return bodies
}

// FuzzRead: whatever comes is an update of a chat whose kind and id are known, or refused, and nothing panics.
func FuzzRead(f *testing.F) {
	for _, body := range updates(f) {
		f.Add(body)
	}
	for _, body := range []string{"", "null", "[]", `{"update_id":1,"message":null}`, `{"update_id":9223372036854775808}`,
		`{"update_id":1,"message":{"message_id":1,"chat":{"id":-1,"type":"group"},"from":{"id":1},"text":"a@Fanfare_bot","entities":[{"type":"mention","offset":-9223372036854775808,"length":9223372036854775807},{"type":"mention","offset":1,"length":12},{"type":"bot_command","offset":0,"length":13},{"type":"mention","offset":9223372036854775807,"length":9}]}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := telegram.Read(body, self)
		switch {
		case err != nil && !errors.Is(err, chat.ErrMalformed):
			t.Error(err)
		case err != nil && !cmp.Equal(got, chat.Update{}):
			t.Errorf("%+v with %v", got, err)
		case err != nil:
		case got.ID == "" || got.Order < 1 || got.Event == "":
			t.Errorf("%+v", got)
		case got.Event != chat.Ignored && (got.Chat.Kind != chat.User && got.Chat.Kind != chat.Group || got.Chat.ID == "" || got.Chat.Bot != self.ID):
			t.Errorf("%+v", got)
		case got.Chat.Kind == chat.User && got.Event == chat.Said && got.Person.ID != got.Chat.ID:
			t.Errorf("%+v", got)
		case got.Event == chat.Pressed && (got.Person.ID == "" || got.Callback == "" || got.Button == ""):
			t.Errorf("%+v", got)
		}
	})
}

func TestVerify(t *testing.T) {
	t.Parallel()
	header := func(values ...string) http.Header { return http.Header{"X-Telegram-Bot-Api-Secret-Token": values} }
	if err := telegram.Verify(header("s3cret"), "s3cret"); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		header http.Header
		secret string
	}{
		{header("s3cre"), "s3cret"}, {header("s3crets"), "s3cret"}, {header("S3cret"), "s3cret"}, {header(), "s3cret"}, {http.Header{}, "s3cret"},
		{header(""), ""}, {http.Header{}, ""}, {header("a"), ""}, {header("wrong", "s3cret"), "s3cret"}, {header("s3cret", "s3cret"), "s3cret"},
	} {
		if err := telegram.Verify(c.header, c.secret); !errors.Is(err, chat.ErrForged) {
			t.Errorf("%v with %q: %v", c.header, c.secret, err)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	token := strings.Repeat("aZ0_-", 12) + "abcd"
	if got, err := telegram.StartLink(telegram.Options{}, "Fanfare_bot", token); err != nil || got != "https://t.me/Fanfare_bot?start="+token {
		t.Error(got, err)
	}
	at := telegram.Options{LinkURL: "http://127.0.0.1:8081/telegram-me/"}
	if got, err := telegram.StartLink(at, "Fanfare_bot", "a"); err != nil || got != "http://127.0.0.1:8081/telegram-me/Fanfare_bot?start=a" {
		t.Error(got, err)
	}
	for _, c := range []struct{ username, payload string }{
		{"Fanfare_bot", ""}, {"Fanfare_bot", token + "e"}, {"Fanfare_bot", "a b"}, {"Fanfare_bot", "a&b"}, {"a/b", "a"}, {"", "a"},
	} {
		if got, err := telegram.StartLink(telegram.Options{}, c.username, c.payload); err == nil {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if _, err := telegram.StartLink(telegram.Options{LinkURL: "ftp://t.me"}, "Fanfare_bot", "a"); err == nil {
		t.Error("a link to ftp")
	}
}
