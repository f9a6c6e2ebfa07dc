package sandbox_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"fanfare/internal/sandbox"
)

func serve(t *testing.T, box *sandbox.Sandbox) string {
	t.Helper()
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	return server.URL
}

// slack makes a workspace with the application in a channel where somebody has said hello.
func (b *bundle) slack() (team, channel, token string) {
	b.t.Helper()
	app := b.request("POST", "/_sandbox/slack/apps", "", object{}).text("app_id")
	team = b.request("POST", "/_sandbox/slack/teams", "", object{}).text("team_id")
	installed := b.request("POST", "/_sandbox/slack/apps/"+app+"/install", "", object{"team": team})
	ada := b.request("POST", "/_sandbox/slack/teams/"+team+"/people", "", object{"name": "Ada"}).text("user_id")
	channel = b.request("POST", "/_sandbox/slack/teams/"+team+"/channels", "", object{"name": "news", "type": "channel", "members": []string{ada, installed.text("bot_user_id")}}).text("channel_id")
	if r := b.request("POST", "/_sandbox/slack/teams/"+team+"/channels/"+channel+"/say", "", object{"user": ada, "text": "hello"}); r.status != 200 {
		b.t.Fatalf("%d %s", r.status, r.body)
	}
	return team, channel, installed.text("bot_token")
}

// TestSlackMessages: what Slack refuses is refused, with its errors.
func TestSlackMessages(t *testing.T) {
	t.Parallel()
	b := setup(t)
	team, channel, token := b.slack()
	private := b.request("POST", "/_sandbox/slack/teams/"+team+"/channels", "", object{"name": "board", "type": "group"}).text("channel_id")
	public := b.request("POST", "/_sandbox/slack/teams/"+team+"/channels", "", object{"name": "all", "type": "channel"}).text("channel_id")
	posted := b.request("POST", "/slack/api/chat.postMessage", "Bearer "+token, object{"channel": channel, "text": "Hello"}).text("ts")
	theirs := b.request("GET", "/_sandbox/slack/teams/"+team+"/channels/"+channel, "", nil).json["messages"].([]any)[0].(map[string]any)["id"]
	long := func(n int) string { return strings.Repeat("x", n) }
	section := func(text string) object {
		return object{"type": "section", "text": object{"type": "mrkdwn", "text": text}}
	}
	button := func(id, text, value string) object {
		return object{"type": "button", "action_id": id, "value": value, "text": object{"type": "plain_text", "text": text}}
	}
	actions := func(elements ...object) object {
		return object{"type": "actions", "block_id": "b", "elements": elements}
	}
	many := func(n int) []object {
		list := []object{}
		for i := range n {
			list = append(list, button(long(i+1), "A", "a"))
		}
		return list
	}
	sections := func(n int) []object {
		list := []object{}
		for range n {
			list = append(list, section("a"))
		}
		return list
	}
	for name, c := range map[string]struct {
		method string
		args   object
		error  string // "" is accepted
	}{
		"a text":              {"chat.postMessage", object{"text": "Hello"}, ""},
		"40000 characters":    {"chat.postMessage", object{"text": long(40_000)}, ""},
		"40001 characters":    {"chat.postMessage", object{"text": long(40_001)}, "msg_too_long"},
		"nothing":             {"chat.postMessage", object{}, "no_text"},
		"no channel":          {"chat.postMessage", object{"text": "Hello", "channel": "C0NONE"}, "channel_not_found"},
		"a private channel":   {"chat.postMessage", object{"text": "Hello", "channel": private}, "channel_not_found"},
		"a public channel":    {"chat.postMessage", object{"text": "Hello", "channel": public}, "not_in_channel"},
		"blocks":              {"chat.postMessage", object{"blocks": []object{section("a"), actions(many(25)...)}}, ""},
		"50 blocks":           {"chat.postMessage", object{"blocks": sections(50)}, ""},
		"51 blocks":           {"chat.postMessage", object{"blocks": sections(51)}, "invalid_blocks"},
		"3000 characters":     {"chat.postMessage", object{"blocks": []object{section(long(3000))}}, ""},
		"3001 characters":     {"chat.postMessage", object{"blocks": []object{section(long(3001))}}, "invalid_blocks"},
		"26 buttons":          {"chat.postMessage", object{"blocks": []object{actions(many(26)...)}}, "invalid_blocks"},
		"no button":           {"chat.postMessage", object{"blocks": []object{actions()}}, "invalid_blocks"},
		"a text of 76":        {"chat.postMessage", object{"blocks": []object{actions(button("a", long(76), "a"))}}, "invalid_blocks"},
		"a value of 2001":     {"chat.postMessage", object{"blocks": []object{actions(button("a", "A", long(2001)))}}, "invalid_blocks"},
		"an action_id of 256": {"chat.postMessage", object{"blocks": []object{actions(button(long(256), "A", "a"))}}, "invalid_blocks"},
		"two of an action_id": {"chat.postMessage", object{"blocks": []object{actions(button("a", "A", "a"), button("a", "B", "b"))}}, "invalid_blocks"},
		"two of a block_id":   {"chat.postMessage", object{"blocks": []object{actions(button("a", "A", "a")), actions(button("b", "B", "b"))}}, "invalid_blocks"},
		"an unknown block":    {"chat.postMessage", object{"blocks": []object{{"type": "marquee"}}}, "invalid_blocks"},
		"an unknown field":    {"chat.postMessage", object{"blocks": []object{{"type": "section", "colour": "red"}}}, "invalid_blocks"},
		"no blocks":           {"chat.postMessage", object{"blocks": "x"}, "invalid_blocks"},
		"an update":           {"chat.update", object{"ts": posted, "text": "Better"}, ""},
		"of no message":       {"chat.update", object{"ts": "1.000001", "text": "Better"}, "message_not_found"},
		"of another's":        {"chat.update", object{"ts": theirs, "text": "Better"}, "cant_update_message"},
		"to nothing":          {"chat.update", object{"ts": posted}, "no_text"},
		"a channel":           {"conversations.info", object{}, ""},
		"a private one":       {"conversations.info", object{"channel": private}, "channel_not_found"},
		"nobody":              {"users.info", object{"user": "U0NONE"}, "user_not_found"},
		"no bot":              {"bots.info", object{"bot": "B0NONE"}, "bot_not_found"},
	} {
		args := object{"channel": channel}
		for name, value := range c.args {
			args[name] = value
		}
		// JSON and a form mean the same.
		form := url.Values{}
		for name, value := range args {
			text, ok := value.(string)
			if !ok {
				encoded, err := json.Marshal(value)
				if err != nil {
					t.Fatal(err)
				}
				text = string(encoded)
			}
			form.Set(name, text)
		}
		form.Set("token", token)
		answers := map[string]reply{
			"JSON": b.request("POST", "/slack/api/"+c.method, "Bearer "+token, args),
			"form": b.send("POST", "/slack/api/"+c.method, form),
		}
		for as, r := range answers {
			if r.status != 200 || (r.json["ok"] == true) != (c.error == "") || r.text("error") != c.error {
				t.Errorf("%s as %s: %d %s", name, as, r.status, r.body)
			}
		}
	}
	for authorization, want := range map[string]string{"": "not_authed", "Bearer xoxb-none": "invalid_auth"} {
		if r := b.request("POST", "/slack/api/auth.test", authorization, object{}); r.text("error") != want {
			t.Errorf("%q: %d %s", authorization, r.status, r.body)
		}
	}
	b.request("POST", "/_sandbox/slack/teams/"+team+"/channels/"+channel+"/archive", "", object{"archived": true})
	if r := b.request("POST", "/slack/api/chat.postMessage", "Bearer "+token, object{"channel": channel, "text": "Hello"}); r.text("error") != "is_archived" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if err := b.box.AddFault(sandbox.Fault{Step: "slack.chat.update", Kind: "status", Status: 429}); err != nil {
		t.Fatal(err)
	}
	if r := b.request("POST", "/slack/api/chat.update", "Bearer "+token, object{}); r.status != 429 || r.header.Get("Retry-After") != "30" || r.text("error") != "ratelimited" {
		t.Errorf("%d %s", r.status, r.body)
	}
}
