// Package whatsapp speaks in WhatsApp chats by Meta's Cloud API, and reads what Meta's webhooks tell
// (https://developers.facebook.com/documentation/business-messaging/whatsapp).
//
// It must not guess: a webhook's chat has a group_id, or it is one person's.
package whatsapp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"fanfare/internal/chat"
)

// GraphURL is the Cloud API, with the version that this package speaks.
const GraphURL = "https://graph.facebook.com/v26.0"

// Limits of messages, in characters, counted as UTF-16 code units: Meta does not say what it counts
// (https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/text-messages, …/interactive-reply-buttons-messages,
// …/interactive-list-messages).
const (
	maxText        = 4096
	maxButtonsBody = 1024
	maxButtons     = 3
	maxButtonTitle = 20
	maxRows        = 10
	maxRowTitle    = 24
	maxRowText     = 72
)

// ErrWindow is the cause of the error for a message that is refused because the person has not written for 24 hours: until
// they do, only templates may be sent (https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages#customer-service-windows).
var ErrWindow = errors.New("whatsapp: the customer service window is closed")

// Bot speaks as one business phone number. It is safe for concurrent use.
type Bot struct {
	client        *http.Client
	graphURL      string
	phoneNumberID string
	token         string
}

var _ chat.Bot = (*Bot)(nil)

// New makes the bot of a phone number id with its access token. graphURL is GraphURL, or a sandbox's address with the version.
func New(graphURL, phoneNumberID, token string) *Bot {
	return &Bot{client: chat.NewClient(), graphURL: strings.TrimRight(graphURL, "/"), phoneNumberID: phoneNumberID, token: token}
}

// Identity is who a bot is.
type Identity struct {
	// PhoneNumberID is chat.Chat.Bot.
	PhoneNumberID string
	// Name is the verified name, and Number the phone number as it is written.
	Name, Number string
}

// Me asks who the bot is, which tells whether the token is good for the phone number. Errors are *chat.Error.
func (b *Bot) Me(ctx context.Context) (Identity, error) {
	var me struct {
		ID     string `json:"id"`
		Number string `json:"display_phone_number"`
		Name   string `json:"verified_name"`
	}
	if err := b.call(ctx, http.MethodGet, "?fields=id,display_phone_number,verified_name", nil, &me); err != nil {
		return Identity{}, err
	}
	if me.ID != b.phoneNumberID {
		return Identity{}, &chat.Error{Class: chat.Transient, Status: http.StatusOK, Err: errors.New("whatsapp: the answer is of another phone number")}
	}
	return Identity{PhoneNumberID: me.ID, Name: me.Name, Number: me.Number}, nil
}

// Send says something and gives the id of its last message.
//
// WhatsApp edits nothing, so m.Replaces makes no difference. Up to three buttons with short titles are reply buttons; else they
// are the rows of a list, of several lists where there are more than ten. A button with a URL is a line of the text. Groups take
// no buttons: there they are numbered lines. A text longer than a message is several, sent one after the other: where one of
// them fails, those before it were sent.
func (b *Bot) Send(ctx context.Context, to chat.Chat, m chat.Message) (string, error) {
	messages, err := compose(to, m)
	if err != nil {
		return "", err
	}
	id := ""
	for _, message := range messages {
		if id, err = b.send(ctx, to, message); err != nil {
			return "", err
		}
	}
	return id, nil
}

// ChatLink is a link that opens a person's chat with the phone number.
func ChatLink(number string) string { return "https://wa.me/" + digits(number) }

// StartLink is a link that opens a person's chat with a phone number; "/start <payload>" is typed in there, for the person to send
// (https://faq.whatsapp.com/5913398998672934).
func StartLink(number, payload string) string {
	return ChatLink(number) + "?text=" + url.QueryEscape("/start "+payload)
}

// Acknowledge does nothing: WhatsApp shows no waiting.
func (b *Bot) Acknowledge(context.Context, string) error { return nil }

func (b *Bot) send(ctx context.Context, to chat.Chat, message map[string]any) (string, error) {
	message["messaging_product"] = "whatsapp"
	switch {
	case to.Kind == chat.Group:
		message["recipient_type"], message["to"] = "group", to.ID
	case isUserID(to.ID):
		message["recipient_type"], message["recipient"] = "individual", to.ID
	default:
		message["recipient_type"], message["to"] = "individual", to.ID
	}
	var sent struct {
		Messages []struct {
			ID string `json:"id"`
		} `json:"messages"`
	}
	if err := b.call(ctx, http.MethodPost, "/messages", message, &sent); err != nil {
		return "", err
	}
	if len(sent.Messages) != 1 || sent.Messages[0].ID == "" {
		return "", &chat.Error{Class: chat.Transient, Status: http.StatusOK, Err: errors.New("whatsapp: the answer names no message")}
	}
	return sent.Messages[0].ID, nil
}

// isUserID tells a business-scoped user id, which has a dot behind the country, from a phone number. They are sent to under
// different names (https://developers.facebook.com/documentation/business-messaging/whatsapp/business-scoped-user-ids).
func isUserID(id string) bool { return strings.Contains(id, ".") }

// compose gives the messages of the Cloud API that say m.
func compose(to chat.Chat, m chat.Message) ([]map[string]any, error) {
	paragraphs, buttons := []string{m.Text}, m.Choices()
	for _, row := range m.Buttons {
		for _, button := range row {
			if button.URL != "" {
				paragraphs = append(paragraphs, button.Text+": "+button.URL)
			}
		}
	}
	if to.Numbered() && len(buttons) > 0 {
		lines := make([]string, len(buttons))
		for i, button := range buttons {
			lines[i] = strconv.Itoa(i+1) + ". " + button.Text
		}
		paragraphs, buttons = append(paragraphs, strings.Join(lines, "\n")), nil
	}
	pieces := chat.Split(strings.Join(paragraphs, "\n\n"), maxText, utf16.RuneLen)
	if len(pieces) == 0 {
		return nil, &chat.Error{Class: chat.Invalid, Err: errors.New("whatsapp: a message needs a text")}
	}
	few := isFew(buttons)
	if last := len(pieces) - 1; few && length(pieces[last]) > maxButtonsBody {
		pieces = append(pieces[:last], chat.Split(pieces[last], maxButtonsBody, utf16.RuneLen)...)
	}
	messages := []map[string]any{}
	for i, piece := range pieces {
		switch {
		case i < len(pieces)-1 || len(buttons) == 0:
			messages = append(messages, map[string]any{"type": "text", "text": map[string]any{"preview_url": false, "body": piece}})
		case few:
			messages = append(messages, replyButtons(piece, buttons))
		default:
			for from := 0; from < len(buttons); from += maxRows {
				to := min(from+maxRows, len(buttons))
				if from > 0 {
					piece = fmt.Sprintf("%d–%d", from+1, to)
				}
				messages = append(messages, list(piece, buttons[from:to]))
			}
		}
	}
	return messages, nil
}

// isFew tells whether the buttons can be reply buttons: up to three, with short titles that differ.
func isFew(buttons []chat.Button) bool {
	titles := map[string]bool{}
	for _, button := range buttons {
		if length(button.Text) > maxButtonTitle || titles[button.Text] {
			return false
		}
		titles[button.Text] = true
	}
	return len(buttons) > 0 && len(buttons) <= maxButtons
}

func replyButtons(text string, buttons []chat.Button) map[string]any {
	replies := []any{}
	for _, button := range buttons {
		replies = append(replies, map[string]any{"type": "reply", "reply": map[string]any{"id": button.Data, "title": button.Text}})
	}
	return interactive("button", text, map[string]any{"buttons": replies})
}

func list(text string, buttons []chat.Button) map[string]any {
	rows := []any{}
	for _, button := range buttons {
		row := map[string]any{"id": button.Data, "title": chat.Shorten(button.Text, maxRowTitle, utf16.RuneLen)}
		if row["title"] != button.Text {
			row["description"] = chat.Shorten(button.Text, maxRowText, utf16.RuneLen)
		}
		rows = append(rows, row)
	}
	return interactive("list", text, map[string]any{"button": "Choose", "sections": []any{map[string]any{"rows": rows}}})
}

func interactive(kind, text string, action map[string]any) map[string]any {
	return map[string]any{"type": "interactive", "interactive": map[string]any{
		"type": kind, "body": map[string]any{"text": text}, "action": action,
	}}
}

func length(text string) int {
	n := 0
	for _, r := range text {
		n += utf16.RuneLen(r)
	}
	return n
}

// call calls the phone number's address, and decodes the answer into result.
func (b *Bot) call(ctx context.Context, method, path string, body, result any) error {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return &chat.Error{Class: chat.Invalid, Err: fmt.Errorf("encode message: %w", err)}
		}
		content = bytes.NewReader(encoded)
	}
	req, err := http.NewRequestWithContext(ctx, method, b.graphURL+"/"+url.PathEscape(b.phoneNumberID)+path, content)
	if err != nil {
		return &chat.Error{Class: chat.Invalid, Err: fmt.Errorf("make request: %w", err)}
	}
	req.Header.Set("Authorization", "Bearer "+b.token)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return &chat.Error{Class: chat.Transient, Err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return &chat.Error{Class: chat.Transient, Status: resp.StatusCode, Err: fmt.Errorf("read answer: %w", err)}
	}
	if resp.StatusCode != http.StatusOK {
		return failure(resp, answer)
	}
	if err := json.Unmarshal(answer, result); err != nil {
		return &chat.Error{Class: chat.Transient, Status: resp.StatusCode, Err: errors.New("whatsapp: the answer is not JSON as documented")}
	}
	return nil
}

// failure makes an error of an answer that is none of success.
func failure(resp *http.Response, body []byte) error {
	var answer struct {
		Error struct {
			Code    int `json:"code"`
			Subcode int `json:"error_subcode"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &answer) // without a code the status decides
	code := answer.Error.Code
	e := &chat.Error{Class: classOf(resp.StatusCode, code, answer.Error.Subcode), Status: resp.StatusCode, Err: fmt.Errorf("whatsapp: error %d", code)}
	if code == codeWindow {
		e.Err = fmt.Errorf("%w (error %d)", ErrWindow, code)
	}
	if e.Class == chat.RateLimited {
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds >= 0 && seconds <= 24*3600 {
			e.RetryAt = time.Now().Add(time.Duration(seconds) * time.Second)
		}
	}
	return e
}

// codeWindow is the code for ErrWindow.
const codeWindow = 131047

// classOf says what an error means (https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes).
func classOf(status, code, subcode int) chat.Class {
	switch code {
	case 131026, // undeliverable
		131030, // not in the list of allowed recipients
		130497: // not in this country
		return chat.Gone
	case 3, 10, 190, 368, // capability, permission, token, blocked for its policies
		33,                     // the phone number is gone
		131005, 131031, 131042, // access denied, account locked, not paid
		133010: // the phone number is not registered
		return chat.Credential
	case 4, 80007, 130429, 131048, 131056:
		return chat.RateLimited
	case 1, 2, 131000, 131016, 131057, 133004:
		return chat.Transient
	case 100:
		if subcode == 33 { // no such object for this token
			return chat.Credential
		}
		return chat.Invalid
	}
	switch {
	case code >= 200 && code <= 299, code == 0 && (status == http.StatusUnauthorized || status == http.StatusForbidden):
		return chat.Credential
	case status == http.StatusTooManyRequests:
		return chat.RateLimited
	case status >= 500, status < 400, status == http.StatusRequestTimeout:
		return chat.Transient
	case status == http.StatusUnauthorized:
		return chat.Credential
	default:
		return chat.Invalid
	}
}
