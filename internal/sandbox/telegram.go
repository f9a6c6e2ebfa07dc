package sandbox

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Telegram's Bot API is at <base>/telegram/bot<token>/<method>, as https://core.telegram.org/bots/api has it. What people
// do in Telegram is done by the methods of telegram_people.go, by the control API, or on the pages below /telegram-chats.

// telegramState is everything that Telegram knows.
type telegramState struct {
	Bots   map[int64]*telegramBot    `json:"bots,omitempty"`
	People map[int64]*TelegramPerson `json:"people,omitempty"`
	// Chats are by telegramKey.
	Chats   map[string]*telegramChat     `json:"chats,omitempty"`
	Presses map[string]*telegramCallback `json:"presses,omitempty"`
	// Made counts everything that got an id.
	Made int64 `json:"made,omitempty"`
}

// telegramBot is a bot, with the updates that wait for it.
type telegramBot struct {
	TelegramBot
	Webhook *telegramWebhook `json:"webhook,omitempty"`
	// Allowed are the kinds of updates that it wants; nil is Telegram's own choice.
	Allowed []string         `json:"allowed,omitempty"`
	Queue   []telegramUpdate `json:"queue,omitempty"`
	// Past are the updates that are confirmed or delivered, the oldest first, at most telegramPast.
	Past       []telegramUpdate `json:"past,omitempty"`
	LastUpdate int64            `json:"last_update"`
	Commands   json.RawMessage  `json:"commands,omitempty"`
}

// telegramWebhook is where updates are delivered.
type telegramWebhook struct {
	URL            string    `json:"url"`
	Secret         string    `json:"secret,omitempty"`
	MaxConnections int       `json:"max_connections"`
	LastError      string    `json:"last_error,omitempty"`
	LastErrorAt    time.Time `json:"last_error_at,omitzero"`
}

// telegramUpdate is one update of a bot.
type telegramUpdate struct {
	ID   int64           `json:"id"`
	Kind string          `json:"kind"`
	Body json.RawMessage `json:"body"` // the whole Update
	At   time.Time       `json:"at"`
	// Again: it is delivered once more, whatever was confirmed.
	Again bool `json:"again,omitempty"`
}

// telegramRefusal is an error of the Bot API.
type telegramRefusal struct {
	status      int
	description string
	parameters  map[string]any
}

func telegramBad(description string) *telegramRefusal {
	return &telegramRefusal{status: http.StatusBadRequest, description: "Bad Request: " + description}
}

func (e *telegramRefusal) answer() answer {
	body := map[string]any{"ok": false, "error_code": e.status, "description": e.description}
	if e.parameters != nil {
		body["parameters"] = e.parameters
	}
	return jsonAnswer(e.status, "application/json", body)
}

// telegramFault answers a Fault of kind FaultStatus. With 429 the header Retry-After (seconds, else 5) is the wait.
func telegramFault(f Fault) answer {
	e := telegramRefusal{status: f.Status, description: f.ErrorType}
	if e.description == "" {
		e.description = http.StatusText(f.Status) + ": ordered by a sandbox fault"
	}
	if f.Status == http.StatusTooManyRequests {
		wait := 5
		if n, err := strconv.Atoi(f.Headers["Retry-After"]); err == nil {
			wait = n
		}
		e.description = fmt.Sprintf("Too Many Requests: retry after %d", wait)
		e.parameters = map[string]any{"retry_after": wait}
	}
	return f.dress(e.answer())
}

// telegramMethod is one method of the Bot API. It runs with s.mu held; changed tells that the state is to be saved.
type telegramMethod struct {
	step string
	run  func(*Sandbox, *telegramBot, telegramParams) (result any, changed bool, refusal *telegramRefusal)
}

// telegramMethods are by their names in lower case, for Telegram does not mind the case.
var telegramMethods = map[string]telegramMethod{
	"getme":               {"get_me", (*Sandbox).telegramGetMe},
	"setwebhook":          {"set_webhook", (*Sandbox).telegramSetWebhook},
	"deletewebhook":       {"delete_webhook", (*Sandbox).telegramDeleteWebhook},
	"getwebhookinfo":      {"get_webhook_info", (*Sandbox).telegramWebhookInfo},
	"getupdates":          {"get_updates", nil},
	"sendmessage":         {"send_message", (*Sandbox).telegramSendMessage},
	"editmessagetext":     {"edit_message_text", (*Sandbox).telegramEditMessage},
	"deletemessage":       {"delete_message", (*Sandbox).telegramDeleteMessage},
	"answercallbackquery": {"answer_callback_query", (*Sandbox).telegramAnswerCallback},
	"sendchataction":      {"send_chat_action", (*Sandbox).telegramChatAction},
	"setmycommands":       {"set_my_commands", (*Sandbox).telegramSetCommands},
	"getchat":             {"get_chat", (*Sandbox).telegramGetChat},
	"leavechat":           {"leave_chat", (*Sandbox).telegramLeaveChat},
}

// telegramSteps are the steps of all methods, without the platform.
var telegramSteps = []string{
	"get_me", "set_webhook", "delete_webhook", "get_webhook_info", "get_updates", "send_message", "edit_message_text",
	"delete_message", "answer_callback_query", "send_chat_action", "set_my_commands", "get_chat", "leave_chat", "other",
}

func (s *Sandbox) routeTelegram() {
	for _, step := range telegramSteps {
		s.addStep("telegram", step)
	}
	s.mux.HandleFunc("GET /telegram/{bot}/{method}", s.serveTelegram)
	s.mux.HandleFunc("POST /telegram/{bot}/{method}", s.serveTelegram)
	s.routeTelegramPages()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, bot := range s.telegram().Bots {
		s.wakeTelegram(bot)
	}
}

// telegram gives the state, which is made when it is first needed. The caller holds s.mu.
func (s *Sandbox) telegram() *telegramState {
	if s.state.Telegram == nil {
		s.state.Telegram = &telegramState{}
	}
	st := s.state.Telegram
	if st.Bots == nil {
		st.Bots = map[int64]*telegramBot{}
	}
	if st.People == nil {
		st.People = map[int64]*TelegramPerson{}
	}
	if st.Chats == nil {
		st.Chats = map[string]*telegramChat{}
	}
	if st.Presses == nil {
		st.Presses = map[string]*telegramCallback{}
	}
	return st
}

var telegramTokenPath = regexp.MustCompile(`^bot([0-9]{1,19}):[A-Za-z0-9_-]+$`)

// serveTelegram takes a request to the Bot API through faults and hooks like any other. The path that it is known by has
// the bot's id in place of its token.
func (s *Sandbox) serveTelegram(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("method")
	method, known := telegramMethods[strings.ToLower(name)]
	if !known {
		method.step = "other"
	}
	params, bad := readTelegramParams(w, r)
	info := RequestInfo{Platform: "telegram", Method: r.Method, Path: "/telegram/bot/" + name, Step: "telegram." + method.step}
	bot, refusal := s.telegramBotOf(r.PathValue("bot"))
	if bot != nil {
		info.Account = strconv.FormatInt(bot.ID, 10)
		info.Path = "/telegram/bot" + info.Account + "/" + name
	}
	switch {
	case refusal != nil:
	case !known:
		refusal = &telegramRefusal{status: http.StatusNotFound, description: "Not Found"}
	case bad != nil:
		refusal = bad
	}
	x := exchange{info: info, refuse: telegramFault, apply: func() answer {
		if refusal != nil {
			return refusal.answer()
		}
		result, changed, refusal := method.run(s, bot, params)
		if refusal != nil {
			a := refusal.answer()
			a.changed = changed
			return a
		}
		a := jsonAnswer(http.StatusOK, "application/json", map[string]any{"ok": true, "result": result})
		a.changed = changed
		return a
	}}
	if refusal == nil && method.run == nil {
		poll := &telegramPoll{bot: bot, params: params}
		x.wait = func(r *http.Request) { s.awaitTelegram(r.Context(), poll) }
		method.run = func(s *Sandbox, _ *telegramBot, _ telegramParams) (any, bool, *telegramRefusal) {
			return s.collectTelegram(poll)
		}
	}
	s.serve(w, r, x)
}

// telegramBotOf finds the bot of a path's "bot<token>".
func (s *Sandbox) telegramBotOf(segment string) (*telegramBot, *telegramRefusal) {
	parts := telegramTokenPath.FindStringSubmatch(segment)
	if parts == nil {
		return nil, &telegramRefusal{status: http.StatusNotFound, description: "Not Found"}
	}
	id, _ := strconv.ParseInt(parts[1], 10, 64)
	s.mu.Lock()
	defer s.mu.Unlock()
	bot := s.telegram().Bots[id]
	if bot == nil || "bot"+bot.Token != segment {
		return nil, &telegramRefusal{status: http.StatusUnauthorized, description: "Unauthorized"}
	}
	return bot, nil
}

// telegramParams are a request's parameters. Objects and lists are in JSON.
type telegramParams map[string]string

// maxTelegramBody bounds a request, in bytes.
const maxTelegramBody = 1 << 20

// readTelegramParams reads them as Telegram takes them: in the query, as a form of either kind, or as a JSON object.
func readTelegramParams(w http.ResponseWriter, r *http.Request) (telegramParams, *telegramRefusal) {
	params := telegramParams{}
	add := func(values url.Values) {
		for name, list := range values {
			params[name] = list[0]
		}
	}
	add(r.URL.Query())
	r.Body = http.MaxBytesReader(w, r.Body, maxTelegramBody)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	switch kind {
	case "application/x-www-form-urlencoded":
		if err = r.ParseForm(); err == nil {
			add(r.PostForm)
		}
	case "multipart/form-data":
		// A form without a part is no form at all, but a method that needs none takes it.
		if err = r.ParseMultipartForm(maxTelegramBody); errors.Is(err, io.EOF) {
			err = nil
		} else if err == nil {
			add(r.MultipartForm.Value)
			_ = r.MultipartForm.RemoveAll()
		}
	case "application/json":
		err = addTelegramJSON(params, r.Body)
	default:
		_, err = io.Copy(io.Discard, r.Body)
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &telegramRefusal{status: http.StatusRequestEntityTooLarge, description: "Request Entity Too Large"}
	case err != nil:
		return nil, telegramBad("can't parse the request")
	}
	return params, nil
}

func addTelegramJSON(params telegramParams, body io.Reader) error {
	var object map[string]json.RawMessage
	if err := json.NewDecoder(body).Decode(&object); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	for name, value := range object {
		var text string
		if string(value) == "null" {
			continue
		}
		if json.Unmarshal(value, &text) != nil {
			text = string(value)
		}
		params[name] = text
	}
	return nil
}

// flag is a boolean parameter.
func (p telegramParams) flag(name string) bool {
	value := strings.ToLower(p[name])
	return value == "true" || value == "yes" || value == "1"
}

// number is a whole number, 0 where it is none.
func (p telegramParams) number(name string) int64 {
	n, _ := strconv.ParseInt(p[name], 10, 64)
	return n
}

// telegramGetMe is https://core.telegram.org/bots/api#getme.
func (s *Sandbox) telegramGetMe(bot *telegramBot, _ telegramParams) (any, bool, *telegramRefusal) {
	me := bot.user()
	me["can_join_groups"], me["can_read_all_group_messages"], me["supports_inline_queries"] = true, bot.ReadsAll, false
	return me, false, nil
}

// telegramSetCommands is https://core.telegram.org/bots/api#setmycommands, for all chats.
func (s *Sandbox) telegramSetCommands(bot *telegramBot, p telegramParams) (any, bool, *telegramRefusal) {
	var commands []struct {
		Command     string `json:"command"`
		Description string `json:"description"`
	}
	if err := json.Unmarshal([]byte(p["commands"]), &commands); err != nil || len(commands) > 100 {
		return nil, false, telegramBad("can't parse commands JSON object")
	}
	for _, one := range commands {
		if !regexp.MustCompile(`^[a-z0-9_]{1,32}$`).MatchString(strings.TrimPrefix(one.Command, "/")) {
			return nil, false, telegramBad("BOT_COMMAND_INVALID")
		}
		if n := len([]rune(one.Description)); n < 1 || n > 256 {
			return nil, false, telegramBad("BOT_COMMAND_DESCRIPTION_INVALID")
		}
	}
	bot.Commands = json.RawMessage(p["commands"])
	return true, true, nil
}
