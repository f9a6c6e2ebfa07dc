package sandbox

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of messages, in characters (https://docs.slack.dev/reference/methods/chat.postMessage, …/reference/block-kit/blocks/section-block,
// …/actions-block, …/block-elements/button-element).
const (
	slackTextLimit     = 40_000
	slackBlockLimit    = 50
	slackSectionLimit  = 3000
	slackElementLimit  = 25
	slackButtonText    = 75
	slackButtonValue   = 2000
	slackButtonURL     = 3000
	slackIdentifier    = 255 // block_id, action_id
	slackButtonDefault = "button"
)

// slackRetries are the waits of an event that is not answered with 2xx in time
// (https://docs.slack.dev/apis/events-api/#retries).
var slackRetries = []time.Duration{0, time.Minute, 5 * time.Minute}

// slackState is Slack.
type slackState struct {
	Apps  map[string]*slackApp  `json:"apps"`
	Teams map[string]*slackTeam `json:"teams"`
	// LastTS is the newest timestamp of a message, in microseconds: each has its own.
	LastTS int64 `json:"last_ts"`
}

// slackApp is an application.
type slackApp struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Secret string `json:"secret"` // for signing
	// Events and Interactivity are its addresses; Events is "" until it was verified.
	Events        string `json:"events"`
	Interactivity string `json:"interactivity"`
	// RetrySeconds are the waits between the tries of an event; nil is the platform's own.
	RetrySeconds []int                    `json:"retry_seconds"`
	Installs     map[string]*slackInstall `json:"installs"` // by team
}

// slackInstall is an application in a workspace.
type slackInstall struct {
	Token   string `json:"token"`
	BotUser string `json:"bot_user"`
	BotID   string `json:"bot_id"`
	Removed bool   `json:"removed"`
}

// slackTeam is a workspace.
type slackTeam struct {
	ID       string          `json:"id"`
	Name     string          `json:"name"`
	People   []slackPerson   `json:"people"`
	Channels []*slackChannel `json:"channels"`
}

type slackPerson struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Handle string `json:"handle"`
	Bot    bool   `json:"bot,omitempty"`
}

// slackChannel is a conversation.
type slackChannel struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	// Type is channel, group, mpim or im.
	Type     string         `json:"type"`
	Members  []string       `json:"members"`
	Archived bool           `json:"archived"`
	Created  int64          `json:"created"`
	Messages []*chatMessage `json:"messages"`
}

func (t *slackTeam) channel(id string) *slackChannel {
	at := slices.IndexFunc(t.Channels, func(c *slackChannel) bool { return c.ID == id })
	if at < 0 {
		return nil
	}
	return t.Channels[at]
}

func (t *slackTeam) person(id string) *slackPerson {
	at := slices.IndexFunc(t.People, func(p slackPerson) bool { return p.ID == id })
	if at < 0 {
		return nil
	}
	return &t.People[at]
}

func (c *slackChannel) message(ts string) *chatMessage {
	return messageIn(c.Messages, ts)
}

// slackCall is a call of a method of the Web API.
type slackCall struct {
	s       *Sandbox
	app     *slackApp
	install *slackInstall
	team    *slackTeam
	args    url.Values
	told    []*delivery
}

func (s *Sandbox) routeSlack() {
	for method, judge := range map[string]func(*slackCall) answer{
		"auth.test": slackAuthTest, "bots.info": slackBotInfo, "users.info": slackUserInfo, "conversations.info": slackConversation,
		"chat.postMessage": slackPostMessage, "chat.update": slackUpdate,
	} {
		s.mux.HandleFunc("POST /slack/api/"+method, s.slackHandler(method, judge))
	}
	for _, method := range []string{"auth.test", "bots.info", "users.info", "conversations.info", "chat.postMessage", "chat.update"} {
		s.addStep("slack", method)
	}
}

// slackHandler takes calls through faults and hooks, and to the workspace whose token they carry.
func (s *Sandbox) slackHandler(method string, judge func(*slackCall) answer) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, bodyErr := readLimited(w, r)
		args, argsErr := slackArguments(r, body)
		token := cmp.Or(bearer(r, "Bearer"), args.Get("token"))
		s.mu.Lock()
		account := ""
		if call := s.slackToken(token); call != nil {
			account = call.team.ID
		}
		s.mu.Unlock()
		var told []*delivery
		defer func() { go s.attemptAll(told) }() // what the application said is told to it as to everyone
		s.serve(w, r, exchange{
			info: RequestInfo{Platform: "slack", Account: account, Method: r.Method, Path: r.URL.Path, Step: "slack." + method},
			apply: func() answer {
				call := s.slackToken(token)
				switch {
				case bodyErr != nil || argsErr != nil:
					return slackError("invalid_arguments")
				case token == "":
					return slackError("not_authed")
				case call == nil:
					return slackError("invalid_auth")
				case call.install.Removed:
					return slackError("account_inactive")
				}
				call.args = args
				result := judge(call)
				told = call.told
				return result
			},
			refuse: slackFault,
		})
	}
}

// slackArguments reads what a method is called with: a form, or JSON whose values that are no texts stay JSON
// (https://docs.slack.dev/apis/web-api/#basics).
func slackArguments(r *http.Request, body []byte) (url.Values, error) {
	mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if strings.TrimSpace(strings.ToLower(mediaType)) != "application/json" {
		return url.ParseQuery(string(body))
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, err
	}
	args := url.Values{}
	for name, value := range fields {
		var text string
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		args.Set(name, text)
	}
	return args, nil
}

// slackToken finds whose a token is; nil if it is nobody's. The caller holds s.mu.
func (s *Sandbox) slackToken(token string) *slackCall {
	for _, app := range s.state.Slack.Apps {
		for team, install := range app.Installs {
			if token != "" && install.Token == token {
				return &slackCall{s: s, app: app, install: install, team: s.state.Slack.Teams[team]}
			}
		}
	}
	return nil
}

func slackAuthTest(c *slackCall) answer {
	return slackOK(map[string]any{
		"url": "https://" + strings.ToLower(c.team.ID) + ".slack.com/", "team": c.team.Name, "team_id": c.team.ID,
		"user": c.team.person(c.install.BotUser).Handle, "user_id": c.install.BotUser, "bot_id": c.install.BotID, "is_enterprise_install": false,
	})
}

func slackBotInfo(c *slackCall) answer {
	for _, app := range c.s.state.Slack.Apps {
		if install := app.Installs[c.team.ID]; install != nil && install.BotID == c.args.Get("bot") {
			return slackOK(map[string]any{"bot": map[string]any{
				"id": install.BotID, "deleted": install.Removed, "name": app.Name, "updated": 1, "app_id": app.ID, "user_id": install.BotUser, "icons": map[string]any{},
			}})
		}
	}
	return slackError("bot_not_found")
}

func slackUserInfo(c *slackCall) answer {
	person := c.team.person(c.args.Get("user"))
	if person == nil {
		return slackError("user_not_found")
	}
	return slackOK(map[string]any{"user": map[string]any{
		"id": person.ID, "team_id": c.team.ID, "name": person.Handle, "real_name": person.Name, "is_bot": person.Bot, "deleted": false,
		"profile": map[string]any{"real_name": person.Name, "display_name": person.Name, "team": c.team.ID},
	}})
}

func slackConversation(c *slackCall) answer {
	channel := c.team.channel(c.args.Get("channel"))
	if channel == nil || channel.Type != "channel" && !slices.Contains(channel.Members, c.install.BotUser) {
		return slackError("channel_not_found")
	}
	fields := map[string]any{
		"id": channel.ID, "created": channel.Created, "is_im": channel.Type == "im", "is_archived": channel.Archived, "context_team_id": c.team.ID,
	}
	if channel.Type == "im" {
		for _, member := range channel.Members {
			if member != c.install.BotUser {
				fields["user"] = member
			}
		}
		return slackOK(map[string]any{"channel": fields})
	}
	fields["name"], fields["name_normalized"] = channel.Name, channel.Name
	fields["is_channel"], fields["is_group"] = channel.Type == "channel", channel.Type == "group"
	fields["is_mpim"], fields["is_private"] = channel.Type == "mpim", channel.Type != "channel"
	fields["is_member"] = slices.Contains(channel.Members, c.install.BotUser)
	return slackOK(map[string]any{"channel": fields})
}

// writable finds the channel in which the application may write.
func (c *slackCall) writable() (*slackChannel, *answer) {
	channel := c.team.channel(c.args.Get("channel"))
	var problem string
	switch {
	case channel == nil:
		problem = "channel_not_found"
	case !slices.Contains(channel.Members, c.install.BotUser) && channel.Type == "channel":
		problem = "not_in_channel"
	case !slices.Contains(channel.Members, c.install.BotUser):
		problem = "channel_not_found"
	case channel.Archived:
		problem = "is_archived"
	default:
		return channel, nil
	}
	a := slackError(problem)
	return nil, &a
}

func slackPostMessage(c *slackCall) answer {
	channel, refusal := c.writable()
	if refusal != nil {
		return *refusal
	}
	m, refusal := c.shown()
	if refusal != nil {
		return *refusal
	}
	at := c.s.slackNow()
	m.ID, m.At = slackTime(at), time.UnixMicro(at)
	channel.Messages = append(channel.Messages, m)
	event := map[string]any{
		"type": "message", "user": c.install.BotUser, "bot_id": c.install.BotID, "app_id": c.app.ID, "text": c.args.Get("text"), "ts": m.ID,
		"event_ts": m.ID, "channel": channel.ID, "channel_type": channel.Type, "team": c.team.ID,
	}
	c.told = c.s.slackTell(c.team, channel, event)
	a := slackOK(map[string]any{"channel": channel.ID, "ts": m.ID, "message": map[string]any{
		"type": "message", "user": c.install.BotUser, "bot_id": c.install.BotID, "app_id": c.app.ID, "text": c.args.Get("text"), "ts": m.ID, "team": c.team.ID,
	}})
	a.changed = true
	return a
}

func slackUpdate(c *slackCall) answer {
	channel, refusal := c.writable()
	if refusal != nil {
		return *refusal
	}
	old := channel.message(c.args.Get("ts"))
	switch {
	case old == nil:
		return slackError("message_not_found")
	case old.From != "":
		return slackError("cant_update_message")
	}
	m, refusal := c.shown()
	if refusal != nil {
		return *refusal
	}
	previous := old.Text
	// Blocks stay unless others, or an empty list, take their place; then the text is for notifications only.
	if old.Edited = true; c.args.Has("blocks") || old.Blocks == nil {
		old.Text, old.Buttons, old.Blocks = m.Text, m.Buttons, m.Blocks
	}
	stamp := slackTime(c.s.slackNow())
	c.told = c.s.slackTell(c.team, channel, map[string]any{
		"type": "message", "subtype": "message_changed", "hidden": true, "channel": channel.ID, "channel_type": channel.Type, "ts": stamp, "event_ts": stamp,
		"message":          map[string]any{"type": "message", "user": c.install.BotUser, "bot_id": c.install.BotID, "text": c.args.Get("text"), "ts": old.ID},
		"previous_message": map[string]any{"type": "message", "user": c.install.BotUser, "bot_id": c.install.BotID, "text": previous, "ts": old.ID},
	})
	a := slackOK(map[string]any{"channel": channel.ID, "ts": old.ID, "text": c.args.Get("text")})
	a.changed = true
	return a
}

// shown checks what a message holds, and gives it as people see it.
func (c *slackCall) shown() (*chatMessage, *answer) {
	text, blocks := c.args.Get("text"), c.args.Get("blocks")
	var a answer
	switch {
	case text == "" && (blocks == "" || blocks == "[]"):
		a = slackError("no_text")
		return nil, &a
	case len([]rune(text)) > slackTextLimit:
		a = slackError("msg_too_long")
		return nil, &a
	case blocks == "" || blocks == "[]":
		return &chatMessage{Text: slackShown(text)}, nil
	}
	m, problem := slackBlocks(blocks)
	if problem != "" {
		a = jsonAnswer(http.StatusOK, "application/json; charset=utf-8", map[string]any{
			"ok": false, "error": "invalid_blocks", "response_metadata": map[string]any{"messages": []any{"[ERROR] " + problem}},
		})
		return nil, &a
	}
	return m, nil
}

// slackBlock is a section or an actions block.
type slackBlock struct {
	Type     string            `json:"type"`
	BlockID  string            `json:"block_id"`
	Text     *slackText        `json:"text"`
	Expand   bool              `json:"expand"`
	Elements []json.RawMessage `json:"elements"`
}

type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Emoji    bool   `json:"emoji"`
	Verbatim bool   `json:"verbatim"`
}

type slackElement struct {
	Type     string     `json:"type"`
	Text     *slackText `json:"text"`
	ActionID string     `json:"action_id"`
	Value    string     `json:"value"`
	URL      string     `json:"url"`
	Style    string     `json:"style"`
}

// slackBlocks reads blocks; the text says what is wrong with them.
func slackBlocks(raw string) (*chatMessage, string) {
	var blocks []slackBlock
	if err := strictJSON([]byte(raw), &blocks); err != nil {
		return nil, "the blocks are not those that the sandbox knows: section with a text, and actions with buttons"
	}
	if len(blocks) > slackBlockLimit {
		return nil, "no more than 50 items allowed [json-pointer:/blocks]"
	}
	m := &chatMessage{Blocks: json.RawMessage(raw)}
	var texts, ids []string
	for i, block := range blocks {
		at := fmt.Sprintf(" [json-pointer:/blocks/%d]", i)
		if len(block.BlockID) > slackIdentifier || block.BlockID != "" && slices.Contains(ids, block.BlockID) {
			return nil, "block_id must be unique and have up to 255 characters" + at
		}
		id := cmp.Or(block.BlockID, randomHex(3))
		ids = append(ids, id)
		switch {
		case block.Type == "section" && block.Text != nil && block.Elements == nil:
			if n := len([]rune(block.Text.Text)); n < 1 || n > slackSectionLimit || block.Text.Type != "mrkdwn" && block.Text.Type != "plain_text" {
				return nil, "must be a text of 1 to 3000 characters" + at + "/text"
			}
			texts = append(texts, slackShown(block.Text.Text))
		case block.Type == "actions" && block.Text == nil:
			if n := len(block.Elements); n < 1 || n > slackElementLimit {
				return nil, "must have 1 to 25 elements" + at + "/elements"
			}
			for _, element := range block.Elements {
				button, problem := slackButton(element)
				if problem == "" && slices.ContainsFunc(m.Buttons, func(b chatButton) bool { return b.ID == button.ID && b.BlockID == id }) {
					problem = "action_id must be unique"
				}
				if problem != "" {
					return nil, problem + at + "/elements"
				}
				button.BlockID = id
				m.Buttons = append(m.Buttons, button)
			}
		default:
			return nil, "unsupported type: " + block.Type + at
		}
	}
	m.Text = strings.Join(texts, "\n")
	return m, ""
}

func slackButton(raw json.RawMessage) (chatButton, string) {
	var e slackElement
	err := strictJSON(raw, &e)
	switch {
	case err != nil || e.Type != slackButtonDefault || e.Text == nil || e.Text.Type != "plain_text":
		return chatButton{}, "must be a button with a plain text"
	case e.Text.Text == "" || len([]rune(e.Text.Text)) > slackButtonText:
		return chatButton{}, "must have a text of 1 to 75 characters"
	case len(e.ActionID) > slackIdentifier || len([]rune(e.Value)) > slackButtonValue || len([]rune(e.URL)) > slackButtonURL:
		return chatButton{}, "must have an action_id of up to 255, a value of up to 2000 and a url of up to 3000 characters"
	case !slices.Contains([]string{"", "primary", "danger"}, e.Style):
		return chatButton{}, "style must be primary or danger"
	}
	if e.URL != "" {
		if u, err := url.Parse(e.URL); err != nil || u.Host == "" {
			return chatButton{}, "url must be an address"
		}
	}
	return chatButton{ID: cmp.Or(e.ActionID, randomHex(3)), Text: e.Text.Text, Value: e.Value, URL: e.URL}, ""
}

// slackShown is a text as people see it (https://docs.slack.dev/messaging/formatting-message-text).
func slackShown(text string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(text, "<")
		b.WriteString(before)
		inner, after, closed := strings.Cut(rest, ">")
		if !found {
			break
		}
		if !closed {
			b.WriteString("<" + rest)
			break
		}
		if _, label, ok := strings.Cut(inner, "|"); ok {
			inner = label
		}
		b.WriteString(inner)
		text = after
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(b.String())
}

// slackNow is the time for a new message, in microseconds; each is later than the last. The caller holds s.mu.
func (s *Sandbox) slackNow() int64 {
	s.state.Slack.LastTS = max(s.now().UnixMicro(), s.state.Slack.LastTS+1)
	return s.state.Slack.LastTS
}

// slackTime is a time as Slack writes it: seconds with six decimals.
func slackTime(micros int64) string {
	return fmt.Sprintf("%d.%06d", micros/1_000_000, micros%1_000_000)
}

func slackOK(fields map[string]any) answer {
	fields["ok"] = true
	return jsonAnswer(http.StatusOK, "application/json; charset=utf-8", fields)
}

func slackError(code string) answer {
	return jsonAnswer(http.StatusOK, "application/json; charset=utf-8", map[string]any{"ok": false, "error": code})
}

// slackFault answers a Fault of kind FaultStatus. An ErrorType is Slack's error, with the status 200 where it is not 429 or 5xx.
func slackFault(f Fault) answer {
	code := cmp.Or(f.ErrorType, "fatal_error")
	status := f.Status
	if f.ErrorType != "" && status < http.StatusInternalServerError {
		status = http.StatusOK
	}
	if f.Status == http.StatusTooManyRequests {
		status, code = http.StatusTooManyRequests, "ratelimited"
	}
	a := jsonAnswer(status, "application/json; charset=utf-8", map[string]any{"ok": false, "error": code})
	if status == http.StatusTooManyRequests {
		a.header.Set("Retry-After", strconv.Itoa(30))
	}
	return f.dress(a)
}

// strictJSON decodes one value whose fields are all known.
func strictJSON(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
