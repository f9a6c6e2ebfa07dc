package sandbox

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of messages, in UTF-16 code units where they are of texts
// (https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages, …/interactive-reply-buttons-messages,
// …/interactive-list-messages).
const (
	whatsappTextLimit     = 4096
	whatsappButtonsBody   = 1024 // the body of a message with reply buttons
	whatsappListBody      = 4096
	whatsappSmallText     = 60 // header, footer
	whatsappButtonLimit   = 3
	whatsappButtonTitle   = 20
	whatsappButtonID      = 256
	whatsappRowLimit      = 10 // of all sections together
	whatsappRowTitle      = 24
	whatsappRowID         = 200
	whatsappRowText       = 72
	whatsappSectionLimit  = 10
	whatsappServiceWindow = 24 * time.Hour
)

// whatsappRetries are the waits of a delivery that is not answered with 2xx: at once, and then ever later for 36 hours and more
// (https://developers.facebook.com/docs/graph-api/webhooks/getting-started).
var whatsappRetries = []time.Duration{0, time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour}

// whatsappState is the Cloud API.
type whatsappState struct {
	Numbers map[string]*whatsappNumber `json:"numbers"` // by phone number id
}

// whatsappNumber is a business's phone number.
type whatsappNumber struct {
	ID string `json:"id"`
	// Account is the id of the WhatsApp Business Account.
	Account string `json:"account"`
	// Display is the number as it is written, and Name the verified name.
	Display     string `json:"display"`
	Name        string `json:"name"`
	Token       string `json:"token"`
	Secret      string `json:"secret"` // of the app
	VerifyToken string `json:"verify_token"`
	// Webhook is "" until it was verified.
	Webhook string `json:"webhook"`
	// RetrySeconds are the waits between the tries of a delivery; nil is the platform's own.
	RetrySeconds []int `json:"retry_seconds"`
	// LateErrors accepts what cannot be delivered, and tells it by a status.
	LateErrors bool            `json:"late_errors"`
	Chats      []*whatsappChat `json:"chats"`
}

// whatsappChat is a person's chat with a number, or a group.
type whatsappChat struct {
	// Phone is the person's number, digits only; "" for a group.
	Phone string `json:"phone,omitempty"`
	// UserID is the business-scoped user id; "" for somebody who has none yet.
	UserID string `json:"user_id,omitempty"`
	// HidesPhone leaves the number out of what the business is told, as for people with a username.
	HidesPhone bool   `json:"hides_phone,omitempty"`
	Group      string `json:"group,omitempty"`
	Name       string `json:"name"`
	// Blocked tells that the person blocked the business.
	Blocked  bool            `json:"blocked,omitempty"`
	LastSaid time.Time       `json:"last_said,omitzero"`
	Messages []*chatMessage  `json:"messages"`
	People   []whatsappGuest `json:"people,omitempty"`
}

// whatsappGuest is somebody in a group.
type whatsappGuest struct {
	Phone string `json:"phone"`
	Name  string `json:"name"`
}

// id is how the control API calls the chat.
func (c *whatsappChat) id() string {
	switch {
	case c.Group != "":
		return c.Group
	case c.UserID != "":
		return c.UserID
	default:
		return c.Phone
	}
}

func (n *whatsappNumber) chat(id string) *whatsappChat {
	at := slices.IndexFunc(n.Chats, func(c *whatsappChat) bool {
		return id != "" && (id == c.Group || id == c.UserID || id == c.Phone)
	})
	if at < 0 {
		return nil
	}
	return n.Chats[at]
}

func (s *Sandbox) routeWhatsApp() {
	s.mux.HandleFunc("POST /whatsapp-graph/v26.0/{number}/messages", s.whatsappHandler("send", whatsappSend))
	s.mux.HandleFunc("GET /whatsapp-graph/v26.0/{number}", s.whatsappHandler("number", whatsappRead))
}

// whatsappHandler takes requests through faults and hooks, and to the number whose token they carry.
func (s *Sandbox) whatsappHandler(step string, judge func(*Sandbox, *whatsappNumber, *http.Request, []byte) (answer, []*delivery)) http.HandlerFunc {
	s.addStep("whatsapp", step)
	return func(w http.ResponseWriter, r *http.Request) {
		body, bodyErr := readLimited(w, r)
		var told []*delivery
		defer func() { go s.attemptAll(told) }() // the statuses follow the answer, or the lack of one
		s.serve(w, r, exchange{
			info: RequestInfo{Platform: "whatsapp", Account: r.PathValue("number"), Method: r.Method, Path: r.URL.Path, Step: "whatsapp." + step},
			apply: func() answer {
				token := bearer(r, "Bearer", "OAuth")
				number := s.state.WhatsApp.Numbers[r.PathValue("number")]
				switch {
				case token == "":
					return graphErrorStatus(http.StatusUnauthorized, graphCredential, 0, "An access token is required to request this resource.")
				case !s.whatsappToken(token):
					return graphErrorStatus(http.StatusUnauthorized, graphCredential, 0, "Invalid OAuth access token - Cannot parse access token")
				case number == nil || number.Token != token:
					return graphErrorStatus(http.StatusBadRequest, 100, 33, "Unsupported "+strings.ToLower(r.Method)+
						" request. Object with ID '"+r.PathValue("number")+"' does not exist, cannot be loaded due to missing permissions, or does not support this operation.")
				case bodyErr != nil:
					return whatsappError(100, "Invalid parameter", "The request is too large.")
				}
				result, list := judge(s, number, r, body)
				told = list
				return result
			},
			refuse: facebookFault,
		})
	}
}

func (s *Sandbox) whatsappToken(token string) bool {
	for _, number := range s.state.WhatsApp.Numbers {
		if number.Token == token {
			return true
		}
	}
	return false
}

// whatsappRead answers who the number is, with the fields that are asked for.
func whatsappRead(_ *Sandbox, number *whatsappNumber, r *http.Request, _ []byte) (answer, []*delivery) {
	all := map[string]any{
		"id": number.ID, "display_phone_number": number.Display, "verified_name": number.Name, "quality_rating": "GREEN",
		"code_verification_status": "VERIFIED", "platform_type": "CLOUD_API",
	}
	fields := words(r.URL.Query().Get("fields"), ",")
	if len(fields) == 0 {
		fields = []string{"verified_name", "code_verification_status", "display_phone_number", "quality_rating", "platform_type"}
	}
	picked := map[string]any{"id": number.ID}
	for _, field := range fields {
		value, ok := all[field]
		if !ok {
			return graphError(100, 0, "(#100) Tried accessing nonexisting field ("+field+")"), nil
		}
		picked[field] = value
	}
	return graphAnswer(http.StatusOK, picked), nil
}

// whatsappMessage is a message as it is sent.
type whatsappMessage struct {
	MessagingProduct string `json:"messaging_product"`
	RecipientType    string `json:"recipient_type"`
	To               string `json:"to"`
	// Recipient is a business-scoped user id, in place of To.
	Recipient string `json:"recipient"`
	Type      string `json:"type"`
	Context   *struct {
		MessageID string `json:"message_id"`
	} `json:"context"`
	Callback string `json:"biz_opaque_callback_data"`
	Text     *struct {
		PreviewURL bool   `json:"preview_url"`
		Body       string `json:"body"`
	} `json:"text"`
	Interactive *whatsappInteractive `json:"interactive"`
}

type whatsappText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type whatsappInteractive struct {
	Type   string        `json:"type"`
	Header *whatsappText `json:"header"`
	Body   *whatsappText `json:"body"`
	Footer *whatsappText `json:"footer"`
	Action *struct {
		Button  string `json:"button"`
		Buttons []struct {
			Type  string `json:"type"`
			Reply struct {
				ID    string `json:"id"`
				Title string `json:"title"`
			} `json:"reply"`
		} `json:"buttons"`
		Sections []struct {
			Title string `json:"title"`
			Rows  []struct {
				ID          string `json:"id"`
				Title       string `json:"title"`
				Description string `json:"description"`
			} `json:"rows"`
		} `json:"sections"`
	} `json:"action"`
}

var (
	// phoneNoise may be in a number.
	phoneNoise  = strings.NewReplacer("+", "", " ", "", "-", "", "(", "", ")", "")
	phoneDigits = regexp.MustCompile(`^[0-9]{5,20}$`)
)

// whatsappSend accepts a message (https://developers.facebook.com/documentation/business-messaging/whatsapp/reference/whatsapp-business-phone-number/message-api).
func whatsappSend(s *Sandbox, number *whatsappNumber, r *http.Request, body []byte) (answer, []*delivery) {
	if mediaType, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(mediaType), "application/json") {
		return whatsappError(100, "Invalid parameter", "The body must be application/json."), nil
	}
	var m whatsappMessage
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return whatsappError(100, "Invalid parameter", "The body is not the JSON of a message."), nil
	}
	chat, refusal := m.chat(number)
	if refusal != nil {
		return *refusal, nil
	}
	shown, refusal := m.show()
	if refusal != nil {
		return *refusal, nil
	}
	if chat.Group != "" && m.Type != "text" {
		return whatsappError(131051, "Unsupported message type", "Groups take no interactive messages."), nil
	}
	window := chat.Group != "" || s.now().Sub(chat.LastSaid) < whatsappServiceWindow
	if !window && !number.LateErrors {
		return whatsappError(131047, "Re-engagement message",
			"Message failed to send because more than 24 hours have passed since the customer last replied to this number."), nil
	}
	shown.ID, shown.At = whatsappMessageID(), s.now()
	contact := map[string]any{"input": m.To, "wa_id": chat.Phone}
	switch {
	case chat.Group != "":
		contact["wa_id"] = chat.Group
	case m.Recipient != "":
		contact = map[string]any{"input": m.Recipient, "user_id": chat.UserID}
	}
	a := graphAnswer(http.StatusOK, map[string]any{
		"messaging_product": "whatsapp", "contacts": []any{contact}, "messages": []any{map[string]any{"id": shown.ID}},
	})
	a.changed = true
	if !window {
		return a, []*delivery{s.whatsappStatus(number, chat, shown.ID, "failed", map[string]any{
			"code": 131047, "title": "Re-engagement message", "message": "Re-engagement message",
			"error_data": map[string]any{"details": "Message failed to send because more than 24 hours have passed since the customer last replied to this number."},
		})}
	}
	// A message to somebody who blocked the business is sent and never delivered.
	shown.Status = "sent"
	chat.Messages = append(chat.Messages, shown)
	told := []*delivery{s.whatsappStatus(number, chat, shown.ID, "sent", nil)}
	if !chat.Blocked {
		shown.Status = "delivered"
		told = append(told, s.whatsappStatus(number, chat, shown.ID, "delivered", nil))
	}
	return a, told
}

// chat finds whom a message is for.
func (m *whatsappMessage) chat(number *whatsappNumber) (*whatsappChat, *answer) {
	refuse := func(code int, title, details string) (*whatsappChat, *answer) {
		a := whatsappError(code, title, details)
		return nil, &a
	}
	if m.MessagingProduct != "whatsapp" {
		return refuse(100, "The parameter messaging_product is required.", "messaging_product must be whatsapp.")
	}
	if (m.To == "") == (m.Recipient == "") {
		return refuse(131008, "Required parameter is missing", "One of to and recipient is required.")
	}
	var chat *whatsappChat
	switch m.RecipientType {
	case "", "individual":
		phone := phoneNoise.Replace(m.To)
		if m.To != "" && !phoneDigits.MatchString(phone) {
			return refuse(131009, "Parameter value is not valid", "to is not a phone number.")
		}
		if phone == phoneNoise.Replace(number.Display) {
			return refuse(131021, "Recipient cannot be sender", "Recipient phone number cannot be the same as the sender's.")
		}
		if chat = number.chat(phone); m.Recipient != "" {
			if chat = number.chat(m.Recipient); chat != nil && chat.UserID != m.Recipient {
				chat = nil
			}
		}
		if chat != nil && chat.Group != "" {
			chat = nil
		}
	case "group":
		if chat = number.chat(m.To); chat != nil && chat.Group == "" {
			chat = nil
		}
	default:
		return refuse(131009, "Parameter value is not valid", "recipient_type is none of individual, group.")
	}
	if chat == nil {
		return refuse(131026, "Message undeliverable", "The recipient is not on WhatsApp, or cannot receive the message.")
	}
	return chat, nil
}

// show checks what a message holds, and gives it as the chat shows it.
func (m *whatsappMessage) show() (*chatMessage, *answer) {
	refuse := func(code int, details string) (*chatMessage, *answer) {
		title := map[int]string{131008: "Required parameter is missing", 131009: "Parameter value is not valid", 131051: "Unsupported message type", 100: "Invalid parameter"}[code]
		a := whatsappError(code, title, details)
		return nil, &a
	}
	switch m.Type {
	case "", "text":
		switch {
		case m.Text == nil || m.Text.Body == "":
			return refuse(131008, "text.body is required.")
		case utf16Length(m.Text.Body) > whatsappTextLimit:
			return refuse(100, "text.body has more than 4096 characters.")
		case m.Interactive != nil:
			return refuse(131009, "interactive does not go with the type text.")
		}
		return &chatMessage{Text: m.Text.Body}, nil
	case "interactive":
	default:
		return refuse(131051, "The sandbox takes messages of the types text and interactive.")
	}
	i := m.Interactive
	limit := map[string]int{"button": whatsappButtonsBody, "list": whatsappListBody}
	switch {
	case i == nil || i.Action == nil || i.Body == nil || i.Body.Text == "":
		return refuse(131008, "interactive needs body.text and action.")
	case limit[i.Type] == 0:
		return refuse(131009, "interactive.type is none of button, list.")
	case utf16Length(i.Body.Text) > limit[i.Type]:
		return refuse(131009, "interactive.body.text has more than "+strconv.Itoa(limit[i.Type])+" characters.")
	case i.Header != nil && (i.Header.Type != "text" || i.Header.Text == "" || utf16Length(i.Header.Text) > whatsappSmallText),
		i.Footer != nil && (i.Footer.Text == "" || utf16Length(i.Footer.Text) > whatsappSmallText):
		return refuse(131009, "interactive.header and footer have 1 to 60 characters.")
	}
	shown := &chatMessage{Text: i.Body.Text, Menu: i.Type == "list"}
	var details string
	if shown.Menu {
		shown.Buttons, details = i.rows()
	} else {
		shown.Buttons, details = i.buttons()
	}
	if details != "" {
		return refuse(131009, details)
	}
	return shown, nil
}

// buttons checks reply buttons; the text says what is wrong.
func (i *whatsappInteractive) buttons() ([]chatButton, string) {
	if i.Action.Button != "" || i.Action.Sections != nil {
		return nil, "action.button and sections are for lists."
	}
	if n := len(i.Action.Buttons); n < 1 || n > whatsappButtonLimit {
		return nil, "action.buttons has 1 to 3 buttons."
	}
	var list []chatButton
	for _, b := range i.Action.Buttons {
		switch {
		case b.Type != "reply":
			return nil, "a button's type must be reply."
		case b.Reply.Title == "" || utf16Length(b.Reply.Title) > whatsappButtonTitle:
			return nil, "a button's title has 1 to 20 characters."
		case b.Reply.ID == "" || utf16Length(b.Reply.ID) > whatsappButtonID || b.Reply.ID != strings.TrimSpace(b.Reply.ID):
			return nil, "a button's id has 1 to 256 characters and no space around it."
		case slices.ContainsFunc(list, func(other chatButton) bool { return other.ID == b.Reply.ID || other.Text == b.Reply.Title }):
			return nil, "the buttons' ids and titles must differ."
		}
		list = append(list, chatButton{ID: b.Reply.ID, Text: b.Reply.Title})
	}
	return list, ""
}

// rows checks the sections of a list; the text says what is wrong.
func (i *whatsappInteractive) rows() ([]chatButton, string) {
	switch n := len(i.Action.Sections); {
	case i.Action.Buttons != nil:
		return nil, "action.buttons are not for lists."
	case i.Action.Button == "" || utf16Length(i.Action.Button) > whatsappButtonTitle:
		return nil, "action.button has 1 to 20 characters."
	case n < 1 || n > whatsappSectionLimit:
		return nil, "action.sections has 1 to 10 sections."
	}
	var list []chatButton
	for _, section := range i.Action.Sections {
		if utf16Length(section.Title) > whatsappRowTitle || section.Title == "" && len(i.Action.Sections) > 1 {
			return nil, "a section's title has up to 24 characters, and is required where there are several."
		}
		if len(section.Rows) == 0 {
			return nil, "a section needs rows."
		}
		for _, row := range section.Rows {
			switch {
			case row.Title == "" || utf16Length(row.Title) > whatsappRowTitle:
				return nil, "a row's title has 1 to 24 characters."
			case row.ID == "" || utf16Length(row.ID) > whatsappRowID:
				return nil, "a row's id has 1 to 200 characters."
			case utf16Length(row.Description) > whatsappRowText:
				return nil, "a row's description has up to 72 characters."
			case slices.ContainsFunc(list, func(other chatButton) bool { return other.ID == row.ID }):
				return nil, "the rows' ids must differ."
			}
			list = append(list, chatButton{ID: row.ID, Text: row.Title, Value: row.Description})
		}
	}
	if len(list) > whatsappRowLimit {
		return nil, "a list has up to 10 rows."
	}
	return list, ""
}

func whatsappMessageID() string {
	return "wamid." + base64.StdEncoding.EncodeToString([]byte(randomHex(20)))
}

// whatsappError is an error of the Cloud API (https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes).
func whatsappError(code int, title, details string) answer {
	return graphAnswer(http.StatusBadRequest, map[string]any{"error": map[string]any{
		"message": "(#" + strconv.Itoa(code) + ") " + title, "type": "OAuthException", "code": code,
		"error_data": map[string]any{"messaging_product": "whatsapp", "details": details}, "fbtrace_id": "A" + randomHex(10),
	}})
}
