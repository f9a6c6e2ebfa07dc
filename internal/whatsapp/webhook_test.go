package whatsapp_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"fanfare/internal/chat"
	"fanfare/internal/whatsapp"
)

// TestRead reads deliveries as Meta documents them.
func TestRead(t *testing.T) {
	t.Parallel()
	const phone, sent = "16505551234", 1739321024
	in := chat.Chat{Platform: chat.WhatsApp, Bot: "106540352242922", Kind: chat.User, ID: phone, Title: "Sheena Nelson"}
	update := func(event chat.Event, change func(*chat.Update)) chat.Update {
		at := time.Unix(sent, 0).UTC()
		u := chat.Update{
			ID: "wamid.A1", MessageID: "wamid.A1", Order: sent * 1_000_000, At: at, Event: event, Chat: in,
			Person: chat.Person{ID: phone, Name: "Sheena Nelson"},
		}
		if change != nil {
			change(&u)
		}
		return u
	}
	status := func(event chat.Event, name string, at int64, change func(*chat.Update)) chat.Update {
		u := chat.Update{ID: "wamid.B1:" + name, MessageID: "wamid.B1", Order: at * 1_000_000, At: time.Unix(at, 0).UTC(), Event: event, Chat: in}
		u.Chat.Title = ""
		if change != nil {
			change(&u)
		}
		return u
	}
	text := func(text string) func(*chat.Update) {
		return func(u *chat.Update) { u.Text, u.Addressed = text, true }
	}
	pressed := func(button string) func(*chat.Update) {
		return func(u *chat.Update) { u.Button, u.MessageID, u.Addressed = button, "wamid.B1", true }
	}
	moved := func(from, to string) func(*chat.Update) {
		return func(u *chat.Update) {
			u.Chat.ID, u.Chat.Title, u.NewID, u.Person = from, "", to, chat.Person{ID: from}
		}
	}
	for name, want := range map[string][]chat.Update{
		"text": {update(chat.Said, text("Does it come in another color?"))},
		"text_user_id": {update(chat.Said, func(u *chat.Update) {
			text("Hey")(u)
			u.Chat.ID, u.Person.ID, u.Person.Username = "US.13491208655302741918", "US.13491208655302741918", "sheena"
		})},
		"group": {update(chat.Said, func(u *chat.Update) {
			u.Text = "What do you all think about this?"
			u.Chat.Kind, u.Chat.ID, u.Chat.Title = chat.Group, "Y2FwaV9ncm91cDoxNzA1NTU1MDEzOToxMjAzNjM0MDQ2OTQyMzM4MjAZD", ""
		})},
		"button_reply":   {update(chat.Pressed, pressed("cancel-button"))},
		"list_reply":     {update(chat.Pressed, pressed("priority_express"))},
		"image":          {update(chat.Ignored, nil)},
		"reaction":       {update(chat.Ignored, nil)},
		"unsupported":    {update(chat.Ignored, nil)},
		"system_number":  {update(chat.Moved, moved(phone, "12195555358"))},
		"system_user_id": {update(chat.Moved, moved("US.1", "US.2"))},
		"status_read":    {status(chat.Ignored, "read", 1750263773, nil)},
		"status_failed":  {status(chat.Failed, "failed", 1731705721, func(u *chat.Update) { u.Failure = chat.Gone })},
		"status_group": {status(chat.Ignored, "delivered", 1750263773, func(u *chat.Update) {
			u.Chat.Kind, u.Chat.ID = chat.Group, "Y2FwaV9ncm91cDox"
		})},
		"other_field": {},
	} {
		got, err := whatsapp.Read(read(t, name))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v: %v", name, got, want, err)
		}
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) != 15 {
		t.Errorf("%d files: %v", len(files), err)
	}
	// What is good of a delivery is read, and what is not is told.
	got, err := whatsapp.Read(read(t, "several"))
	if !errors.Is(err, chat.ErrMalformed) || len(got) != 3 || got[0].Text != "one" || got[1].Text != "two" || got[2].ID != "wamid.B1:sent" {
		t.Errorf("%+v %v", got, err)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestReadMalformed: what is no delivery, or of nobody, is refused.
func TestReadMalformed(t *testing.T) {
	t.Parallel()
	text := string(read(t, "text"))
	for name, body := range map[string]string{
		"empty": "", "null": "null", "a list": "[]", "another object": `{"object":"page","entry":[]}`,
		"no number":          strings.Replace(text, "106540352242922", "", 1),
		"no sender":          strings.Replace(text, `"from": "16505551234"`, `"from": ""`, 1),
		"a sender with line": strings.Replace(text, `"from": "16505551234"`, `"from": "1\n2"`, 1),
		"no id":              strings.Replace(text, "wamid.A1", "", 1),
		"no time":            strings.Replace(text, "1739321024", "yesterday", 1),
		"a number as time":   strings.Replace(text, `"1739321024"`, `1739321024`, 1),
		"a time too large":   strings.Replace(text, "1739321024", "9223372036854775807", 1),
		"the year 33658":     strings.Replace(text, "1739321024", "1000000000000", 1),
		"a text of a number": strings.Replace(text, `"Does it come in another color?"`, `7`, 1),
		"an id too long":     strings.Replace(text, "wamid.A1", strings.Repeat("x", 256), 1),
		"moved to nowhere":   strings.Replace(string(read(t, "system_number")), `"wa_id": "12195555358"`, `"wa_id": ""`, 1),
		"status of nobody":   strings.Replace(string(read(t, "status_read")), `"recipient_id": "16505551234"`, `"recipient_id": ""`, 1),
	} {
		if got, err := whatsapp.Read([]byte(body)); !errors.Is(err, chat.ErrMalformed) || len(got) != 0 {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	got, err := whatsapp.Read([]byte(strings.Replace(text, "Does it", `Do\u0000es it`, 1)))
	if err != nil || got[0].Text != "Does it come in another color?" {
		t.Errorf("%+v %v", got, err)
	}
	long := strings.Replace(string(read(t, "button_reply")), "cancel-button", strings.Repeat("x", 65), 1)
	if got, err := whatsapp.Read([]byte(long)); err != nil || got[0].Event != chat.Ignored {
		t.Errorf("%+v %v", got, err)
	}
}

// TestVerify: only the app secret over the very body will do.
func TestVerify(t *testing.T) {
	t.Parallel()
	body := read(t, "text")
	sign := func(secret string, body []byte) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		return "sha256=" + hex.EncodeToString(mac.Sum(nil))
	}
	for name, c := range map[string]struct {
		signature, secret string
		good              bool
	}{
		"good":           {sign("s", body), "s", true},
		"another secret": {sign("x", body), "s", false},
		"another body":   {sign("s", append([]byte(" "), body...)), "s", false},
		"none":           {"", "s", false},
		"sha1":           {strings.Replace(sign("s", body), "sha256=", "sha1=", 1), "s", false},
		"no hexadecimal": {"sha256=zz", "s", false},
		"cut":            {sign("s", body)[:40], "s", false},
		"no secret":      {sign("", body), "", false},
	} {
		err := whatsapp.Verify(http.Header{"X-Hub-Signature-256": {c.signature}}, body, c.secret)
		if (err == nil) != c.good || !c.good && c.secret != "" && !errors.Is(err, chat.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestChallenge: only our verify token is answered.
func TestChallenge(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mode, token, challenge, ours string
		err                          error
	}{
		"good":          {"subscribe", "v", "1158201444", "v", nil},
		"another token": {"subscribe", "w", "1158201444", "v", chat.ErrForged},
		"no token":      {"subscribe", "", "1158201444", "v", chat.ErrForged},
		"another mode":  {"unsubscribe", "v", "1158201444", "v", chat.ErrMalformed},
		"no challenge":  {"subscribe", "v", "", "v", chat.ErrMalformed},
		"long":          {"subscribe", "v", strings.Repeat("1", 257), "v", chat.ErrMalformed},
	} {
		got, err := whatsapp.Challenge(url.Values{"hub.mode": {c.mode}, "hub.verify_token": {c.token}, "hub.challenge": {c.challenge}}, c.ours)
		if !errors.Is(err, c.err) || err == nil && got != c.challenge || err != nil && got != "" {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
	if _, err := whatsapp.Challenge(url.Values{"hub.mode": {"subscribe"}, "hub.verify_token": {""}, "hub.challenge": {"1"}}, ""); err == nil {
		t.Error("taken without a verify token")
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(read(f, strings.TrimSuffix(filepath.Base(file), ".json")))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		updates, err := whatsapp.Read(body)
		if err != nil && !errors.Is(err, chat.ErrMalformed) {
			t.Errorf("%v", err)
		}
		for _, u := range updates {
			if u.ID == "" || u.Chat.ID == "" || u.Chat.Bot == "" || u.Chat.Kind != chat.User && u.Chat.Kind != chat.Group || u.Order <= 0 ||
				u.Event == chat.Said && (u.Text == "" || u.Person.ID == "") || u.Event == chat.Pressed && (u.Button == "" || u.Person.ID == "") ||
				u.Event == chat.Moved && (u.NewID == "" || u.NewID == u.Chat.ID) {
				t.Errorf("%+v", u)
			}
			stored, err := json.Marshal(u)
			if err != nil || strings.Contains(string(stored), `\u0000`) {
				t.Errorf("%s %v", stored, err)
			}
		}
	})
}
