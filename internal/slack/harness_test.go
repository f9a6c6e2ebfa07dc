package slack_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"fanfare/internal/chat"
	"fanfare/internal/sandbox"
	"fanfare/internal/slack"
)

type object = map[string]any

// bundle is an application in a workspace of the sandbox with a person and a direct message, its bot, and a webhook that reads
// what it is told.
type bundle struct {
	t                                       *testing.T
	box                                     *sandbox.Sandbox
	base, app, secret, team, token, botUser string
	ada, direct                             string
	bot                                     *slack.Bot

	mu      sync.Mutex
	status  int // what the webhook answers, 200 if it is 0
	forged  int
	retries []string
	updates []chat.Update
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{t: t}
	box, err := sandbox.New(sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(box.Handler())
	t.Cleanup(server.Close)
	b.box, b.base = box, server.URL
	made := b.control("POST", "apps", object{"name": "Fanfare"}, 201)
	b.app, b.secret = made["app_id"].(string), made["signing_secret"].(string)
	b.team = b.control("POST", "teams", object{"name": "Northlight"}, 201)["team_id"].(string)
	made = b.control("POST", "apps/"+b.app+"/install", object{"team": b.team}, 201)
	b.token, b.botUser = made["bot_token"].(string), made["bot_user_id"].(string)
	b.bot = slack.New(b.base+"/slack/api", b.token)
	hook := httptest.NewServer(http.HandlerFunc(b.webhook))
	t.Cleanup(hook.Close)
	b.control("PUT", "apps/"+b.app+"/webhook", object{"events": hook.URL + "/events", "interactivity": hook.URL + "/press", "retry_seconds": []int{0, 0}}, 204)
	b.ada = b.person("Ada")
	b.direct = b.channel("", "im", b.ada, b.botUser)
	return b
}

func (b *bundle) webhook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Error(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := slack.Verify(r.Header, body, b.secret, time.Now()); err != nil {
		b.forged++
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if challenge, ok := slack.Challenge(body); ok {
		_, _ = io.WriteString(w, challenge)
		return
	}
	updates, err := slack.Read(body, b.botUser)
	if err != nil {
		b.t.Errorf("%v: %s", err, body)
	}
	b.updates = append(b.updates, updates...)
	b.retries = append(b.retries, r.Header.Get("X-Slack-Retry-Num"))
	if b.status != 0 {
		w.WriteHeader(b.status)
	}
}

// took gives the updates since the last call that are not ignored: what the bot says comes back to it.
func (b *bundle) took() []chat.Update {
	b.mu.Lock()
	defer b.mu.Unlock()
	updates := []chat.Update{}
	for _, u := range b.updates {
		if u.Event != chat.Ignored {
			updates = append(updates, u)
		}
	}
	b.updates = nil
	return updates
}

// seen gives the numbers of the retries, and how many requests were forged.
func (b *bundle) seen() ([]string, int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.retries), b.forged
}

func (b *bundle) eventually(what string, f func() bool) {
	b.t.Helper()
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); time.Sleep(5 * time.Millisecond) {
		if f() {
			return
		}
	}
	b.t.Fatalf("not in time: %s", what)
}

func (b *bundle) control(method, path string, body any, status int) object {
	b.t.Helper()
	return b.steer(method, "slack/"+path, body, status)
}

func (b *bundle) steer(method, path string, body any, status int) object {
	b.t.Helper()
	encoded, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+"/_sandbox/"+path, bytes.NewReader(encoded))
	if err != nil {
		b.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		b.t.Fatalf("%s %s: %d %s %v", method, path, resp.StatusCode, answer, err)
	}
	var result object
	_ = json.Unmarshal(answer, &result) // 204 has none
	return result
}

func (b *bundle) person(name string) string {
	b.t.Helper()
	return b.control("POST", "teams/"+b.team+"/people", object{"name": name}, 201)["user_id"].(string)
}

func (b *bundle) channel(name, kind string, members ...string) string {
	b.t.Helper()
	return b.control("POST", "teams/"+b.team+"/channels", object{"name": name, "type": kind, "members": members}, 201)["channel_id"].(string)
}

// in steers a channel.
func (b *bundle) in(channel, action string, body object) object {
	b.t.Helper()
	return b.control("POST", "teams/"+b.team+"/channels/"+channel+"/"+action, body, 200)
}

// shown gives the messages that a channel shows.
func (b *bundle) shown(channel string) []object {
	b.t.Helper()
	list := []object{}
	for _, m := range b.control("GET", "teams/"+b.team+"/channels/"+channel, nil, 200)["messages"].([]any) {
		list = append(list, m.(object))
	}
	return list
}

func (b *bundle) chat(kind chat.Kind, id string) chat.Chat {
	return chat.Chat{Platform: chat.Slack, Bot: b.app, Team: b.team, Kind: kind, ID: id}
}
