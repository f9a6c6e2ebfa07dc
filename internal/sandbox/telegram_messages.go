package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/net/html"
)

const (
	// telegramMaxText is how long a message may be once its entities are read, in UTF-16 code units, by which Telegram counts
	// entities. It is not documented which unit holds here; this one is the strictest.
	telegramMaxText = 4096
	// telegramCallbackLife is how long a press can be answered.
	telegramCallbackLife = 15 * time.Minute
)

// TelegramMessage is one message of a chat.
type TelegramMessage struct {
	ID   int   `json:"id"`
	From int64 `json:"from"` // a person or a bot; 0 in a channel
	Bot  bool  `json:"bot,omitempty"`
	// Text is a caption where Kind is "photo".
	Text string    `json:"text,omitempty"`
	At   time.Time `json:"at"`
	// EditedAt is when it was last changed.
	EditedAt time.Time `json:"edited_at,omitzero"`
	Edits    int       `json:"edits,omitempty"`
	ReplyTo  int       `json:"reply_to,omitempty"`
	// Kind is "" for text, else "sticker", "photo" or "service".
	Kind    string `json:"kind,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
	// Buttons are below it, in rows.
	Buttons  [][]TelegramButton `json:"buttons,omitempty"`
	Entities []telegramEntity   `json:"entities,omitempty"`
	// Service is what happened in the chat, by the name of the message's field.
	Service map[string]any `json:"service,omitempty"`
}

// TelegramButton is a button below a message: with data for the bot, or a link.
type TelegramButton struct {
	Text string `json:"text"`
	Data string `json:"callback_data,omitempty"`
	URL  string `json:"url,omitempty"`
}

// telegramEntity is a part of a text that means something; offset and length are in UTF-16 code units.
type telegramEntity struct {
	Type   string `json:"type"`
	Offset int    `json:"offset"`
	Length int    `json:"length"`
	URL    string `json:"url,omitempty"`
}

// telegramCallback is a button that was pressed.
type telegramCallback struct {
	ID      string    `json:"id"`
	Bot     int64     `json:"bot"`
	Chat    string    `json:"chat"`
	Message int       `json:"message"`
	Person  int64     `json:"person"`
	Data    string    `json:"data"`
	At      time.Time `json:"at"`
	// Answered is when the bot acknowledged it.
	Answered time.Time `json:"answered,omitzero"`
	Text     string    `json:"text,omitempty"`
}

// telegramReach finds the chat of a request, and refuses it where the bot cannot speak.
func (s *Sandbox) telegramReach(bot *telegramBot, p telegramParams) (*telegramChat, *telegramRefusal) {
	if p["chat_id"] == "" {
		return nil, telegramBad("chat_id is empty")
	}
	id, err := strconv.ParseInt(p["chat_id"], 10, 64)
	if err != nil {
		return nil, telegramBad("chat not found")
	}
	chat := s.telegram().Chats[telegramKey(bot.ID, id)]
	if chat == nil {
		return nil, telegramBad("chat not found")
	}
	if chat.Type == "private" {
		if chat.Blocked {
			return nil, telegramForbidden("bot was blocked by the user")
		}
		return chat, nil
	}
	switch status := chat.Bots[bot.ID]; {
	case status == "":
		return nil, telegramBad("chat not found")
	case chat.MovedTo != 0:
		e := telegramBad("group chat was upgraded to a supergroup chat")
		e.parameters = map[string]any{"migrate_to_chat_id": chat.MovedTo}
		return nil, e
	case status == "kicked":
		return nil, telegramForbidden("bot was kicked from the " + chat.Type + " chat")
	case status == "left":
		return nil, telegramForbidden("bot is not a member of the " + chat.Type + " chat")
	case chat.Type == "channel" && status != "administrator":
		return nil, telegramBad("need administrator rights in the channel chat")
	}
	return chat, nil
}

func telegramForbidden(description string) *telegramRefusal {
	return &telegramRefusal{status: http.StatusForbidden, description: "Forbidden: " + description}
}

// telegramSendMessage is https://core.telegram.org/bots/api#sendmessage.
func (s *Sandbox) telegramSendMessage(bot *telegramBot, p telegramParams) (any, bool, *telegramRefusal) {
	chat, refusal := s.telegramReach(bot, p)
	if refusal != nil {
		return nil, false, refusal
	}
	message, refusal := readTelegramMessage(p)
	if refusal != nil {
		return nil, false, refusal
	}
	if message.ReplyTo, refusal = chat.readReply(p); refusal != nil {
		return nil, false, refusal
	}
	message.From, message.Bot = bot.ID, true
	if chat.Type == "channel" {
		message.From = 0
	}
	chat.add(message, s.now())
	chat.LastBot = bot.ID
	return s.telegramShape(chat, message, true), true, nil
}

// readTelegramMessage reads a message's text and buttons.
func readTelegramMessage(p telegramParams) (*TelegramMessage, *telegramRefusal) {
	text, entities := p["text"], []telegramEntity(nil)
	if !utf8.ValidString(text) {
		return nil, telegramBad("strings must be encoded in UTF-8")
	}
	switch strings.ToLower(p["parse_mode"]) {
	case "":
		if given := p["entities"]; given != "" && json.Unmarshal([]byte(given), &entities) != nil {
			return nil, telegramBad("can't parse entities JSON object")
		}
	case "html":
		var refusal *telegramRefusal
		if text, entities, refusal = readTelegramHTML(text); refusal != nil {
			return nil, refusal
		}
	default: // MarkdownV2 and Markdown, which nothing here reads
		return nil, telegramBad("unsupported parse_mode")
	}
	// What stands around a text falls away.
	text = strings.TrimRight(text, " \t\r\n")
	if len(entities) == 0 {
		text = strings.TrimLeft(text, " \t\r\n")
	}
	switch n := utf16Length(text); {
	case n == 0:
		return nil, telegramBad("message text is empty")
	case n > telegramMaxText:
		return nil, telegramBad("message is too long")
	}
	buttons, refusal := readTelegramButtons(p["reply_markup"])
	if refusal != nil {
		return nil, refusal
	}
	return &TelegramMessage{Text: text, Entities: entities, Buttons: buttons}, nil
}

func utf16Length(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// telegramTags are the elements of https://core.telegram.org/bots/api#html-style and the entities that they make.
var telegramTags = map[string]string{
	"b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline", "s": "strikethrough",
	"strike": "strikethrough", "del": "strikethrough", "tg-spoiler": "spoiler", "code": "code", "pre": "pre",
	"blockquote": "blockquote", "a": "text_link",
}

// readTelegramHTML reads a text with the elements that Telegram knows. Everything else is refused.
func readTelegramHTML(source string) (string, []telegramEntity, *telegramRefusal) {
	type open struct {
		name string
		at   int // its entity
	}
	var text strings.Builder
	var entities []telegramEntity
	var stack []open
	offset := 0 // in the source, in bytes
	tokens := html.NewTokenizer(strings.NewReader(source))
	for {
		kind := tokens.Next()
		raw := len(tokens.Raw())
		token := tokens.Token()
		switch kind {
		case html.ErrorToken:
			if len(stack) > 0 {
				return "", nil, telegramBad(fmt.Sprintf("can't parse entities: Can't find end tag corresponding to start tag %q", stack[len(stack)-1].name))
			}
			return text.String(), entities, nil
		case html.TextToken:
			if strings.Contains(source[offset:offset+raw], "<") {
				return "", nil, telegramBad(fmt.Sprintf("can't parse entities: Unsupported start tag \"\" at byte offset %d", offset))
			}
			text.WriteString(token.Data)
		case html.StartTagToken:
			entity := telegramEntity{Type: telegramTags[token.Data], Offset: utf16Length(text.String())}
			if entity.Type == "" {
				return "", nil, telegramBad(fmt.Sprintf("can't parse entities: Unsupported start tag %q at byte offset %d", token.Data, offset))
			}
			for _, attribute := range token.Attr {
				if token.Data == "a" && attribute.Key == "href" {
					entity.URL = attribute.Val
				}
			}
			stack, entities = append(stack, open{token.Data, len(entities)}), append(entities, entity)
		case html.EndTagToken:
			if len(stack) == 0 || stack[len(stack)-1].name != token.Data {
				return "", nil, telegramBad(fmt.Sprintf("can't parse entities: Unexpected end tag at byte offset %d", offset))
			}
			entity := &entities[stack[len(stack)-1].at]
			entity.Length = utf16Length(text.String()) - entity.Offset
			stack = stack[:len(stack)-1]
		case html.SelfClosingTagToken, html.CommentToken, html.DoctypeToken:
			return "", nil, telegramBad(fmt.Sprintf("can't parse entities: Unsupported start tag %q at byte offset %d", token.Data, offset))
		}
		offset += raw
	}
}

// readTelegramButtons reads an inline keyboard (https://core.telegram.org/bots/api#inlinekeyboardbutton), with the buttons
// that the sandbox has: data and links. Exactly one of them is allowed in each.
func readTelegramButtons(markup string) ([][]TelegramButton, *telegramRefusal) {
	if markup == "" {
		return nil, nil
	}
	var keyboard struct {
		Rows [][]map[string]json.RawMessage `json:"inline_keyboard"`
	}
	if err := json.Unmarshal([]byte(markup), &keyboard); err != nil {
		return nil, telegramBad("can't parse reply keyboard markup JSON object")
	}
	if keyboard.Rows == nil {
		return nil, telegramBad("object expected as reply markup")
	}
	rows, count := [][]TelegramButton{}, 0
	for _, row := range keyboard.Rows {
		buttons := []TelegramButton{}
		for _, one := range row {
			var button TelegramButton
			encoded, _ := json.Marshal(one) // of what was just decoded
			if err := json.Unmarshal(encoded, &button); err != nil || button.Text == "" {
				return nil, telegramBad("can't parse inline keyboard button: Field \"text\" must be of type String")
			}
			if refusal := button.check(one); refusal != nil {
				return nil, refusal
			}
			buttons = append(buttons, button)
			count++
		}
		if len(buttons) > 0 {
			rows = append(rows, buttons)
		}
	}
	if count > 100 {
		return nil, telegramBad("REPLY_MARKUP_TOO_LONG")
	}
	return rows, nil
}

func (b TelegramButton) check(fields map[string]json.RawMessage) *telegramRefusal {
	_, data := fields["callback_data"]
	_, link := fields["url"]
	delete(fields, "text")
	switch {
	case len(fields) == 0:
		return telegramBad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
	case len(fields) != 1 || !data && !link:
		return telegramBad("BUTTON_TYPE_INVALID")
	case data && (b.Data == "" || len(b.Data) > 64):
		return telegramBad("BUTTON_DATA_INVALID")
	}
	if link {
		to, err := url.Parse(b.URL)
		if err != nil || !slices.Contains([]string{"http", "https", "tg"}, to.Scheme) || to.Scheme != "tg" && !strings.Contains(to.Host, ".") {
			return telegramBad(fmt.Sprintf("inline keyboard button URL '%s' is invalid: Wrong HTTP URL", b.URL))
		}
	}
	return nil
}

// readReply reads which message it answers; 0 for none.
func (c *telegramChat) readReply(p telegramParams) (int, *telegramRefusal) {
	reply := struct {
		MessageID int  `json:"message_id"`
		Without   bool `json:"allow_sending_without_reply"`
	}{MessageID: int(p.number("reply_to_message_id"))}
	if given := p["reply_parameters"]; given != "" && json.Unmarshal([]byte(given), &reply) != nil {
		return 0, telegramBad("can't parse reply parameters JSON object")
	}
	if reply.MessageID == 0 || c.message(reply.MessageID) != nil {
		return reply.MessageID, nil
	}
	if reply.Without {
		return 0, nil
	}
	return 0, telegramBad("message to be replied not found")
}

// telegramEditMessage is https://core.telegram.org/bots/api#editmessagetext.
func (s *Sandbox) telegramEditMessage(bot *telegramBot, p telegramParams) (any, bool, *telegramRefusal) {
	chat, refusal := s.telegramReach(bot, p)
	if refusal != nil {
		return nil, false, refusal
	}
	if p.number("message_id") == 0 {
		return nil, false, telegramBad("message identifier is not specified")
	}
	message := chat.message(int(p.number("message_id")))
	switch {
	case message == nil:
		return nil, false, telegramBad("message to edit not found")
	case !message.Bot || message.From != bot.ID && chat.Type != "channel" || message.Kind != "":
		return nil, false, telegramBad("message can't be edited")
	}
	changed, refusal := readTelegramMessage(p)
	if refusal != nil {
		return nil, false, refusal
	}
	if changed.Text == message.Text && sameJSON(changed.Buttons, message.Buttons) && sameJSON(changed.Entities, message.Entities) {
		return nil, false, telegramBad("message is not modified: specified new message content and reply markup are exactly the same " +
			"as a current content and reply markup of the message")
	}
	message.Text, message.Entities, message.Buttons = changed.Text, changed.Entities, changed.Buttons
	message.EditedAt = s.now()
	message.Edits++
	return s.telegramShape(chat, message, true), true, nil
}

func sameJSON[T any](a, b []T) bool {
	if len(a) == 0 && len(b) == 0 {
		return true
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}

// telegramDeleteMessage is https://core.telegram.org/bots/api#deletemessage, of a bot that administers nothing.
func (s *Sandbox) telegramDeleteMessage(bot *telegramBot, p telegramParams) (any, bool, *telegramRefusal) {
	chat, refusal := s.telegramReach(bot, p)
	if refusal != nil {
		return nil, false, refusal
	}
	message := chat.message(int(p.number("message_id")))
	switch {
	case message == nil:
		return nil, false, telegramBad("message to delete not found")
	case s.now().Sub(message.At) > 48*time.Hour, chat.Type != "private" && (!message.Bot || message.From != bot.ID):
		return nil, false, telegramBad("message can't be deleted")
	}
	message.Deleted = true
	return true, true, nil
}

// telegramAnswerCallback is https://core.telegram.org/bots/api#answercallbackquery.
func (s *Sandbox) telegramAnswerCallback(bot *telegramBot, p telegramParams) (any, bool, *telegramRefusal) {
	press := s.telegram().Presses[p["callback_query_id"]]
	if press == nil || press.Bot != bot.ID || !press.Answered.IsZero() || s.now().Sub(press.At) > telegramCallbackLife {
		return nil, false, telegramBad("query is too old and response timeout expired or query ID is invalid")
	}
	if len([]rune(p["text"])) > 200 {
		return nil, false, telegramBad("MESSAGE_TOO_LONG")
	}
	press.Answered, press.Text = s.now(), p["text"]
	return true, true, nil
}

var telegramActions = []string{
	"typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
	"choose_sticker", "find_location", "record_video_note", "upload_video_note",
}

// telegramChatAction is https://core.telegram.org/bots/api#sendchataction.
func (s *Sandbox) telegramChatAction(bot *telegramBot, p telegramParams) (any, bool, *telegramRefusal) {
	if _, refusal := s.telegramReach(bot, p); refusal != nil {
		return nil, false, refusal
	}
	if !slices.Contains(telegramActions, p["action"]) {
		return nil, false, telegramBad("wrong parameter action in request")
	}
	return true, false, nil
}

// telegramGetChat is https://core.telegram.org/bots/api#getchat.
func (s *Sandbox) telegramGetChat(bot *telegramBot, p telegramParams) (any, bool, *telegramRefusal) {
	chat, refusal := s.telegramReach(bot, p)
	if known := s.telegram().Chats[telegramKey(bot.ID, p.number("chat_id"))]; refusal != nil && known != nil && known.Type == "private" {
		chat, refusal = known, nil // one where the bot is blocked can still be read
	}
	if refusal != nil {
		return nil, false, refusal
	}
	full := s.telegramChatShape(chat)
	full["accent_color_id"], full["max_reaction_count"] = 0, 11
	full["accepted_gift_types"] = map[string]any{
		"unlimited_gifts": false, "limited_gifts": false, "unique_gifts": false, "premium_subscription": false, "gifts_from_channels": false,
	}
	return full, false, nil
}

// telegramLeaveChat is https://core.telegram.org/bots/api#leavechat.
func (s *Sandbox) telegramLeaveChat(bot *telegramBot, p telegramParams) (any, bool, *telegramRefusal) {
	chat, refusal := s.telegramReach(bot, p)
	switch {
	case refusal != nil:
		return nil, false, refusal
	case chat.Type == "private":
		return nil, false, telegramBad("chat member status can't be changed in private chats")
	}
	s.setTelegramBot(chat, bot, bot.user(), "left")
	return true, true, nil
}
