package whatsapp

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"fanfare/internal/chat"
)

// Verify checks that Meta signed a delivery's body as it was received, with the app secret; else the error is chat.ErrForged.
// The signature has no time: a delivery that comes again is known by its updates' ids
// (https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads).
func Verify(header http.Header, body []byte, appSecret string) error {
	if appSecret == "" {
		return errors.New("whatsapp: there is no app secret")
	}
	given, ok := strings.CutPrefix(header.Get("X-Hub-Signature-256"), "sha256=")
	signature, err := hex.DecodeString(given)
	if !ok || err != nil {
		return chat.ErrForged
	}
	mac := hmac.New(sha256.New, []byte(appSecret))
	mac.Write(body)
	if !hmac.Equal(signature, mac.Sum(nil)) {
		return chat.ErrForged
	}
	return nil
}

// maxChallenge bounds a challenge, in bytes.
const maxChallenge = 256

// Challenge gives what the address of the webhook answers, as text/plain, to the GET by which Meta verifies it; the error is
// chat.ErrForged where the verify token is not ours
// (https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests).
func Challenge(query url.Values, verifyToken string) (string, error) {
	if verifyToken == "" {
		return "", errors.New("whatsapp: there is no verify token")
	}
	// Hashed, the comparison takes as long whatever the length.
	given, ours := sha256.Sum256([]byte(query.Get("hub.verify_token"))), sha256.Sum256([]byte(verifyToken))
	if subtle.ConstantTimeCompare(given[:], ours[:]) != 1 {
		return "", chat.ErrForged
	}
	challenge := query.Get("hub.challenge")
	if query.Get("hub.mode") != "subscribe" || challenge == "" || len(challenge) > maxChallenge {
		return "", chat.ErrMalformed
	}
	return challenge, nil
}

// delivery is what a webhook is sent
// (https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages).
type delivery struct {
	Object string `json:"object"`
	Entry  []struct {
		Changes []struct {
			Field string          `json:"field"`
			Value json.RawMessage `json:"value"`
		} `json:"changes"`
	} `json:"entry"`
}

type value struct {
	Metadata struct {
		PhoneNumberID string `json:"phone_number_id"`
		Number        string `json:"display_phone_number"`
	} `json:"metadata"`
	Contacts []contact         `json:"contacts"`
	Messages []json.RawMessage `json:"messages"`
	Statuses []json.RawMessage `json:"statuses"`
}

type contact struct {
	WaID    string `json:"wa_id"`
	UserID  string `json:"user_id"`
	Profile struct {
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"profile"`
}

type message struct {
	ID        string `json:"id"`
	From      string `json:"from"`
	FromUser  string `json:"from_user_id"`
	GroupID   string `json:"group_id"`
	Timestamp string `json:"timestamp"`
	Type      string `json:"type"`
	Context   struct {
		From string `json:"from"`
		ID   string `json:"id"`
	} `json:"context"`
	Text struct {
		Body string `json:"body"`
	} `json:"text"`
	Button struct {
		Payload string `json:"payload"`
	} `json:"button"`
	Interactive struct {
		Type        string `json:"type"`
		ButtonReply reply  `json:"button_reply"`
		ListReply   reply  `json:"list_reply"`
	} `json:"interactive"`
	System struct {
		Type         string `json:"type"`
		WaID         string `json:"wa_id"`
		UserID       string `json:"user_id"`
		PreviousUser string `json:"previous_user_id"`
	} `json:"system"`
}

type reply struct {
	ID string `json:"id"`
}

type status struct {
	ID            string `json:"id"`
	Status        string `json:"status"`
	Timestamp     string `json:"timestamp"`
	Recipient     string `json:"recipient_id"`
	RecipientUser string `json:"recipient_user_id"`
	RecipientType string `json:"recipient_type"`
	Errors        []struct {
		Code int `json:"code"`
	} `json:"errors"`
}

// Read reads a delivery's body, which may hold several messages and statuses of several numbers: Chat.Bot says of which. What is
// understood is given even where the error tells of something that is not; that wraps chat.ErrMalformed.
//
// A person is known by their business-scoped user id, and by their phone number where Meta gives none. An update's id is that of
// the message, and for a status that of the message and the status. Statuses are ignored, but for a failed one.
func Read(body []byte) ([]chat.Update, error) {
	var d delivery
	if err := json.Unmarshal(body, &d); err != nil || d.Object != "whatsapp_business_account" {
		return nil, fmt.Errorf("%w: no delivery of a WhatsApp Business Account", chat.ErrMalformed)
	}
	updates := []chat.Update{}
	var problems []error
	add := func(update chat.Update, err error) {
		if err != nil {
			problems = append(problems, err)
			return
		}
		updates = append(updates, update)
	}
	for _, entry := range d.Entry {
		for _, change := range entry.Changes {
			if change.Field != "messages" {
				continue
			}
			var v value
			if err := json.Unmarshal(change.Value, &v); err != nil || !chat.IsID(v.Metadata.PhoneNumberID) {
				problems = append(problems, fmt.Errorf("%w: messages of no phone number", chat.ErrMalformed))
				continue
			}
			for _, raw := range v.Messages {
				add(v.message(raw))
			}
			for _, raw := range v.Statuses {
				add(v.status(raw))
			}
		}
	}
	return updates, errors.Join(problems...)
}

func (v *value) message(raw json.RawMessage) (chat.Update, error) {
	var m message
	at, ok := time.Time{}, false
	if err := json.Unmarshal(raw, &m); err == nil {
		at, ok = timeOf(m.Timestamp)
	}
	person := cmp.Or(m.FromUser, m.From)
	if !ok || !chat.IsID(m.ID) || !chat.IsID(person) || m.GroupID != "" && !chat.IsID(m.GroupID) {
		return chat.Update{}, fmt.Errorf("%w: a message without id, sender or time", chat.ErrMalformed)
	}
	update := chat.Update{
		ID: m.ID, Order: at.UnixMicro(), At: at, Event: chat.Ignored, Person: v.person(person, m), MessageID: m.ID,
		Chat: chat.Chat{Platform: chat.WhatsApp, Bot: v.Metadata.PhoneNumberID, Kind: chat.User, ID: person},
	}
	update.Chat.Title = update.Person.Name
	if m.GroupID != "" {
		update.Chat.Kind, update.Chat.ID, update.Chat.Title = chat.Group, m.GroupID, ""
	}
	switch m.Type {
	case "text":
		update.Text = strings.TrimSpace(chat.WithoutNUL(m.Text.Body))
		if update.Text != "" {
			update.Event = chat.Said
			update.Addressed = m.GroupID == "" || strings.HasPrefix(update.Text, "/") || m.Context.From != "" && digits(m.Context.From) == digits(v.Metadata.Number)
		}
	case "interactive", "button":
		update.Button = cmp.Or(m.Interactive.ButtonReply.ID, m.Interactive.ListReply.ID, m.Button.Payload)
		if chat.IsID(m.Context.ID) && chat.IsButtonData(update.Button) {
			update.Event, update.MessageID, update.Addressed = chat.Pressed, m.Context.ID, true
		} else {
			update.Button = ""
		}
	case "system":
		return v.moved(update, m)
	}
	return update, nil
}

// moved reads that a person has another phone number, and with it another id
// (https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages/system).
func (v *value) moved(update chat.Update, m message) (chat.Update, error) {
	if m.System.Type != "user_changed_number" && m.System.Type != "user_changed_user_id" {
		return update, nil
	}
	from, to := m.From, m.System.WaID
	if m.System.PreviousUser != "" || m.System.UserID != "" {
		from, to = m.System.PreviousUser, m.System.UserID
	}
	if m.GroupID != "" || !chat.IsID(from) || !chat.IsID(to) {
		return chat.Update{}, fmt.Errorf("%w: a changed number without both of them", chat.ErrMalformed)
	}
	update.Event, update.Chat.ID, update.NewID, update.Person.ID = chat.Moved, from, to, from
	if from == to {
		update.Event, update.NewID = chat.Ignored, ""
	}
	return update, nil
}

// person names who said something.
func (v *value) person(id string, m message) chat.Person {
	for _, c := range v.Contacts {
		if c.UserID != "" && c.UserID == m.FromUser || c.WaID != "" && c.WaID == m.From {
			return chat.Person{ID: id, Name: chat.WithoutNUL(c.Profile.Name), Username: strings.TrimPrefix(chat.WithoutNUL(c.Profile.Username), "@")}
		}
	}
	return chat.Person{ID: id}
}

func (v *value) status(raw json.RawMessage) (chat.Update, error) {
	var s status
	at, ok := time.Time{}, false
	if err := json.Unmarshal(raw, &s); err == nil {
		at, ok = timeOf(s.Timestamp)
	}
	kind, recipient := chat.User, cmp.Or(s.RecipientUser, s.Recipient)
	if s.RecipientType == "group" {
		kind, recipient = chat.Group, s.Recipient
	}
	if !ok || !chat.IsID(s.ID) || !chat.IsID(s.Status) || !chat.IsID(recipient) {
		return chat.Update{}, fmt.Errorf("%w: a status without id, recipient or time", chat.ErrMalformed)
	}
	update := chat.Update{
		ID: s.ID + ":" + s.Status, Order: at.UnixMicro(), At: at, Event: chat.Ignored, MessageID: s.ID,
		Chat: chat.Chat{Platform: chat.WhatsApp, Bot: v.Metadata.PhoneNumberID, Kind: kind, ID: recipient},
	}
	if s.Status == "failed" {
		update.Event, update.Failure = chat.Failed, chat.Invalid
		if len(s.Errors) > 0 {
			update.Failure = classOf(http.StatusBadRequest, s.Errors[0].Code, 0)
		}
	}
	return update, nil
}

// timeOf reads a time in seconds.
func timeOf(text string) (time.Time, bool) {
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil || seconds <= 0 || seconds > chat.MaxSeconds {
		return time.Time{}, false
	}
	return time.Unix(seconds, 0).UTC(), true
}

func digits(number string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, number)
}
