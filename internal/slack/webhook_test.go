package slack_test

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
	"strconv"
	"strings"
	"testing"
	"time"

	"fanfare/internal/chat"
	"fanfare/internal/slack"
)

// TestRead reads events as Slack documents them.
func TestRead(t *testing.T) {
	t.Parallel()
	at := time.Unix(1355517523, 5000).UTC()
	update := func(event chat.Event, channel, user string, change func(*chat.Update)) chat.Update {
		u := chat.Update{
			ID: "Ev123ABC456", Order: 1355517523_000005, At: at, Event: event, Person: chat.Person{ID: user},
			Chat: chat.Chat{Platform: chat.Slack, Bot: "A123ABC456", Team: "T123ABC456", Kind: chat.Group, ID: channel},
		}
		if change != nil {
			change(&u)
		}
		return u
	}
	said := func(kind chat.Kind, text string, addressed bool) func(*chat.Update) {
		return func(u *chat.Update) {
			u.ID = "message:T123ABC456:" + u.Chat.ID + ":1355517523.000005"
			u.Chat.Kind, u.Text, u.Addressed, u.MessageID = kind, text, addressed, "1355517523.000005"
		}
	}
	nowhere := func(u *chat.Update) { u.Chat.Kind = "" }
	for name, want := range map[string]chat.Update{
		"message_im":      update(chat.Said, "D024BE91L", "U123ABC456", said(chat.User, "Hello world", true)),
		"message_channel": update(chat.Said, "C123ABC456", "U123ABC456", said(chat.Group, "2 < 3 & https://example.com #news @ben @here", false)),
		"message_mention": update(chat.Said, "C123ABC456", "U123ABC456", said(chat.Group, "write a post about rye", true)),
		"app_mention":     update(chat.Said, "C123ABC456", "U123ABC456", said(chat.Group, "write a post about rye", true)),
		"message_thread":  update(chat.Said, "C123ABC456", "U123ABC456", said(chat.Group, "Hello world", true)),
		"shared_channel":  update(chat.Said, "C123ABC456", "U123ABC456", said(chat.Group, "Hello world", false)),
		"message_bot":     update(chat.Ignored, "C123ABC456", "U123ABC456", nowhere),
		"message_own":     update(chat.Ignored, "C123ABC456", "U0BOT", nowhere),
		"message_changed": update(chat.Ignored, "C2147483705", "", func(u *chat.Update) {
			nowhere(u)
			u.At, u.Order = time.Unix(1358878755, 1000).UTC(), 1358878755_000001
		}),
		"member_joined": update(chat.Joined, "C06", "U06", func(u *chat.Update) { u.People = []chat.Person{{ID: "U06"}} }),
		"member_left":   update(chat.Left, "C06", "U06", func(u *chat.Update) { u.People = []chat.Person{{ID: "U06"}} }),
		"bot_joined":    update(chat.Added, "C06", "U07", nil),
		"bot_left":      update(chat.Removed, "C06", "", nil),
		"channel_left":  update(chat.Removed, "C024BE91L", "", nil),
		"app_uninstalled": update(chat.Removed, "", "", func(u *chat.Update) {
			nowhere(u)
			u.At, u.Order = time.Unix(1355517523, 0).UTC(), 1355517523_000000
		}),
		"channel_rename": update(chat.Ignored, "C02ELGNBH", "", func(u *chat.Update) {
			nowhere(u)
			u.At, u.Order = time.Unix(1355517523, 0).UTC(), 1355517523_000000
		}),
		"channel_id_changed": update(chat.Moved, "G012Y48650T", "", func(u *chat.Update) {
			u.NewID, u.At, u.Order = "C012Y48650T", time.Unix(1612206778, 0).UTC(), 1612206778_000000
		}),
	} {
		for _, bot := range []string{"", "U0BOT"} {
			got, err := slack.Read(read(t, name), bot)
			if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0], want) {
				t.Errorf("%s: %+v, want %+v: %v", name, got, want, err)
			}
		}
	}
	if files, err := filepath.Glob("testdata/*.json"); err != nil || len(files) != 18 {
		t.Errorf("%d files: %v", len(files), err)
	}
	for _, body := range []string{`{"type":"url_verification","challenge":"c"}`, `{"type":"app_rate_limited","team_id":"T1"}`} {
		if got, err := slack.Read([]byte(body), ""); err != nil || len(got) != 0 {
			t.Errorf("%s: %+v %v", body, got, err)
		}
	}
}

// TestReadPress reads a press, whose chat's kind is in the block of the button.
func TestReadPress(t *testing.T) {
	t.Parallel()
	payload := string(read(t, "press"))
	form := func(payload string) []byte { return []byte(url.Values{"payload": {payload}}.Encode()) }
	got, err := slack.Read(form(payload), "")
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	want := chat.Update{
		ID: got[0].ID, Order: 1548426417_840180, At: time.Unix(1548426417, 840_180_000).UTC(), Event: chat.Pressed, Addressed: true,
		Chat:   chat.Chat{Platform: chat.Slack, Bot: "A0MDYCDME", Team: "T061EG9RZ", Kind: chat.Group, ID: "CBR2V3XEX", Title: "review-updates"},
		Person: chat.Person{ID: "U061F7AUR", Name: "ada", Username: "ada"}, Button: "approve:1", MessageID: "1548261231.000200",
	}
	if !reflect.DeepEqual(got[0], want) || !strings.HasPrefix(want.ID, "press:") {
		t.Errorf("%+v, want %+v", got[0], want)
	}
	again, _ := slack.Read(form(payload), "")
	later, _ := slack.Read(form(strings.Replace(payload, "1548426417.840180", "1548426418.000000", 1)), "")
	if again[0].ID != want.ID || later[0].ID == want.ID {
		t.Errorf("%q, again %q, later %q", want.ID, again[0].ID, later[0].ID)
	}
	direct, err := slack.Read(form(strings.Replace(payload, "group-3f9a01c2-0", "user-3f9a01c2-0", 1)), "")
	if err != nil || direct[0].Chat.Kind != chat.User || direct[0].Chat.Title != "" {
		t.Errorf("%+v %v", direct, err)
	}
	for name, other := range map[string]string{
		"a block that is not ours": strings.Replace(payload, "group-3f9a01c2-0", "3f9a", 1),
		"a link":                   strings.Replace(payload, `"approve:1"`, `""`, 1),
		"another interaction":      strings.Replace(payload, "block_actions", "view_submission", 1),
	} {
		if got, err := slack.Read(form(other), ""); err != nil || len(got) != 0 {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	for name, other := range map[string][]byte{
		"no form":        []byte("payload=%zz"),
		"no JSON":        form("approve"),
		"no type":        form("{}"),
		"no channel":     form(strings.ReplaceAll(payload, "CBR2V3XEX", "")),
		"no team":        form(strings.ReplaceAll(payload, `"id": "T061EG9RZ"`, `"id": ""`)),
		"no person":      form(strings.Replace(payload, "U061F7AUR", "", 1)),
		"no time":        form(strings.Replace(payload, "1548426417.840180", "x", 1)),
		"a value of 65":  form(strings.Replace(payload, "approve:1", strings.Repeat("x", 65), 1)),
		"no application": form(strings.Replace(payload, "A0MDYCDME", "", 1)),
		"very many":      form(`{"type":"block_actions","actions":[{}` + strings.Repeat(",{}", 25) + "]}"),
	} {
		if got, err := slack.Read(other, ""); !errors.Is(err, chat.ErrMalformed) || len(got) != 0 {
			t.Errorf("%s: %+v %v", name, got, err)
		}
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

// TestReadMalformed: what is no event, or in a conversation of unknown type, is refused; the shape of an id says nothing.
func TestReadMalformed(t *testing.T) {
	t.Parallel()
	text := string(read(t, "message_im"))
	for name, body := range map[string]string{
		"empty": "", "null": "null", "a list": "[]", "another type": `{"type":"other"}`, "no event": `{"type":"event_callback","team_id":"T1","api_app_id":"A1","event_id":"Ev1"}`,
		"no type of channel":      strings.Replace(text, `"channel_type": "im"`, `"channel_type": ""`, 1),
		"an unknown type":         strings.Replace(text, `"channel_type": "im"`, `"channel_type": "app_home"`, 1),
		"no channel":              strings.Replace(text, "D024BE91L", "", 1),
		"no person":               strings.Replace(text, "U123ABC456", "", 1),
		"no team":                 strings.ReplaceAll(text, "T123ABC456", ""),
		"no application":          strings.Replace(text, "A123ABC456", "", 1),
		"no id":                   strings.Replace(text, "Ev123ABC456", "", 1),
		"no time":                 strings.ReplaceAll(text, "1355517523.000005", "now"),
		"the year 10000":          strings.ReplaceAll(text, "1355517523.000005", "253402300800.000005"),
		"a negative time":         strings.ReplaceAll(text, "1355517523.000005", "-1355517523.000005"),
		"moved to nowhere":        strings.Replace(string(read(t, "channel_id_changed")), "C012Y48650T", "", 1),
		"unknown who is the bot":  strings.Replace(string(read(t, "member_joined")), `"is_bot": true`, `"is_bot": false`, 1),
		"left from no channel":    strings.Replace(string(read(t, "channel_left")), "C024BE91L", "", 1),
		"an id with a line break": strings.Replace(text, "D024BE91L", `D0\n1`, 1),
	} {
		if got, err := slack.Read([]byte(body), ""); !errors.Is(err, chat.ErrMalformed) || len(got) != 0 {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
}

// TestVerify: only the signing secret over the time and the very body will do, for five minutes.
func TestVerify(t *testing.T) {
	t.Parallel()
	// The example of https://docs.slack.dev/authentication/verifying-requests-from-slack.
	example := []byte("token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c")
	header := http.Header{
		"X-Slack-Request-Timestamp": {"1531420618"},
		"X-Slack-Signature":         {"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"},
	}
	if err := slack.Verify(header, example, "8f742231b10e8888abcd99yyyzzz85a5", time.Unix(1531420618, 0)); err != nil {
		t.Errorf("the example: %v", err)
	}
	now := time.Unix(1531420618, 0)
	body := []byte(`{"a":1}`)
	sign := func(secret string, at time.Time, body []byte) http.Header {
		stamp := strconv.FormatInt(at.Unix(), 10)
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte("v0:" + stamp + ":" + string(body)))
		return http.Header{"X-Slack-Request-Timestamp": {stamp}, "X-Slack-Signature": {"v0=" + hex.EncodeToString(mac.Sum(nil))}}
	}
	with := func(name, value string) http.Header {
		header := sign("s", now, body)
		header.Set(name, value)
		return header
	}
	for name, c := range map[string]struct {
		header http.Header
		good   bool
	}{
		"good":                    {sign("s", now, body), true},
		"five minutes ago":        {sign("s", now.Add(-5*time.Minute), body), true},
		"longer ago":              {sign("s", now.Add(-5*time.Minute-time.Second), body), false},
		"in the future":           {sign("s", now.Add(5*time.Minute+time.Second), body), false},
		"another secret":          {sign("x", now, body), false},
		"another body":            {sign("s", now, []byte(`{"a":2}`)), false},
		"another time":            {with("X-Slack-Request-Timestamp", "1531420619"), false},
		"no time":                 {with("X-Slack-Request-Timestamp", ""), false},
		"a time too large":        {with("X-Slack-Request-Timestamp", "9223372036854775807"), false},
		"no signature":            {with("X-Slack-Signature", ""), false},
		"another version":         {with("X-Slack-Signature", "v1=00"), false},
		"no hexadecimal":          {with("X-Slack-Signature", "v0=zz"), false},
		"nothing":                 {http.Header{}, false},
		"a signature that is cut": {with("X-Slack-Signature", sign("s", now, body).Get("X-Slack-Signature")[:20]), false},
	} {
		if err := slack.Verify(c.header, body, "s", now); (err == nil) != c.good || !c.good && !errors.Is(err, chat.ErrForged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := slack.Verify(sign("", now, body), body, "", now); err == nil {
		t.Error("taken without a secret")
	}
}

// TestChallenge: only a verification of the address has a challenge.
func TestChallenge(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}`: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
		`{"challenge":"c","type":"event_callback"}`:            "",
		`{"challenge":"<b>x</b>  ","type":"url_verification"}`: "",
		`{"type":"url_verification"}`:                          "",
		`payload=%7B%7D`:                                       "",
	} {
		if got, ok := slack.Challenge([]byte(body)); got != want || ok != (want != "") {
			t.Errorf("%s: %q %t", body, got, ok)
		}
	}
}

func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body := read(f, strings.TrimSuffix(filepath.Base(file), ".json"))
		f.Add(body, "U0BOT")
		f.Add([]byte(url.Values{"payload": {string(body)}}.Encode()), "")
	}
	f.Fuzz(func(t *testing.T, body []byte, bot string) {
		updates, err := slack.Read(body, bot)
		if err != nil && (!errors.Is(err, chat.ErrMalformed) || len(updates) > 0) {
			t.Errorf("%+v %v", updates, err)
		}
		for _, u := range updates {
			whole := u.Chat.ID != "" && (u.Chat.Kind == chat.User || u.Chat.Kind == chat.Group)
			if u.ID == "" || u.Chat.Bot == "" || u.Chat.Team == "" || u.Order <= 0 || u.Event != chat.Ignored && u.Event != chat.Removed && !whole ||
				u.Event == chat.Said && (u.Text == "" || u.Person.ID == "") || u.Event == chat.Pressed && (u.Button == "" || u.Person.ID == "") ||
				u.Event == chat.Moved && u.NewID == "" {
				t.Errorf("%+v", u)
			}
			stored, err := json.Marshal(u)
			if err != nil || strings.Contains(string(stored), `\u0000`) {
				t.Errorf("%s %v", stored, err)
			}
		}
	})
}
