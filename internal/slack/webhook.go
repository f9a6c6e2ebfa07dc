package slack

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
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

// maxAge is how far a request's time may be from ours (https://docs.slack.dev/authentication/verifying-requests-from-slack).
const maxAge = 5 * time.Minute

// Verify checks that Slack signed a request's body as it was received, with the signing secret, and within five minutes of now;
// else the error is chat.ErrForged. The library's verifier knows no other clock than its own.
func Verify(header http.Header, body []byte, signingSecret string, now time.Time) error {
	if signingSecret == "" {
		return errors.New("slack: there is no signing secret")
	}
	stamp := header.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || seconds < 0 || seconds >= 1<<40 || now.Sub(time.Unix(seconds, 0)).Abs() > maxAge {
		return chat.ErrForged
	}
	given, ok := strings.CutPrefix(header.Get("X-Slack-Signature"), "v0=")
	signature, err := hex.DecodeString(given)
	if !ok || err != nil {
		return chat.ErrForged
	}
	mac := hmac.New(sha256.New, []byte(signingSecret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	if !hmac.Equal(signature, mac.Sum(nil)) {
		return chat.ErrForged
	}
	return nil
}

// Challenge gives what the address of the webhook answers, as text/plain, to the request by which Slack verifies it; ok is false
// for any other body. It is to be called after Verify (https://docs.slack.dev/reference/events/url_verification).
func Challenge(body []byte) (challenge string, ok bool) {
	var request struct {
		Type      string `json:"type"`
		Challenge string `json:"challenge"`
	}
	if json.Unmarshal(body, &request) != nil || request.Type != "url_verification" || !chat.IsID(request.Challenge) {
		return "", false
	}
	return request.Challenge, true
}

// envelope is what the Events API delivers (https://docs.slack.dev/apis/events-api/#callback-field).
type envelope struct {
	Type           string          `json:"type"`
	TeamID         string          `json:"team_id"`
	AppID          string          `json:"api_app_id"`
	EventID        string          `json:"event_id"`
	EventTime      int64           `json:"event_time"`
	Event          json.RawMessage `json:"event"`
	Authorizations []struct {
		TeamID string `json:"team_id"`
		UserID string `json:"user_id"`
		IsBot  bool   `json:"is_bot"`
	} `json:"authorizations"`
}

// event holds the fields of all events that are read. Some are texts in one event and objects in another.
type event struct {
	Type         string          `json:"type"`
	Subtype      string          `json:"subtype"`
	User         json.RawMessage `json:"user"`
	BotID        string          `json:"bot_id"`
	Text         string          `json:"text"`
	TS           string          `json:"ts"`
	EventTS      string          `json:"event_ts"`
	Channel      json.RawMessage `json:"channel"`
	ChannelType  string          `json:"channel_type"`
	ParentUserID string          `json:"parent_user_id"`
	Inviter      string          `json:"inviter"`
	OldChannelID string          `json:"old_channel_id"`
	NewChannelID string          `json:"new_channel_id"`
}

// Read reads a request's body: a delivery of the Events API, or the form of a press. botUser is the bot user's id in the
// workspace (Identity.UserID); where it is "", the one that the delivery names is taken.
//
// A message's update has an id of its workspace, channel and time, as a mention in a channel is delivered twice, as a message
// and as a mention, with two event ids. A press has one that is a hash of what was pressed when by whom; the others have the event id.
//
// Where the application was taken out of the workspace, the update is Removed of a chat without Kind and ID: it holds for all chats
// of its Team.
func Read(body []byte, botUser string) ([]chat.Update, error) {
	if payload, ok := bytes.CutPrefix(body, []byte("payload=")); ok {
		return readPress(payload)
	}
	var e envelope
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("%w: no delivery of the Events API", chat.ErrMalformed)
	}
	switch e.Type {
	case "event_callback":
	case "url_verification", "app_rate_limited":
		return []chat.Update{}, nil
	default:
		return nil, fmt.Errorf("%w: no delivery of the Events API", chat.ErrMalformed)
	}
	// The workspace is that of the installation: in a channel that is shared, the other may be that of who speaks.
	if len(e.Authorizations) > 0 {
		first := e.Authorizations[0]
		e.TeamID = cmp.Or(first.TeamID, e.TeamID)
		if first.IsBot {
			botUser = cmp.Or(botUser, first.UserID)
		}
	}
	var v event
	if err := json.Unmarshal(e.Event, &v); err != nil || !chat.IsID(e.TeamID) || !chat.IsID(e.AppID) || !chat.IsID(e.EventID) {
		return nil, fmt.Errorf("%w: an event without app, workspace or id", chat.ErrMalformed)
	}
	update, err := e.read(v, botUser)
	if err != nil {
		return nil, err
	}
	return []chat.Update{update}, nil
}

// read turns an event into an update.
func (e *envelope) read(v event, botUser string) (chat.Update, error) {
	user, channel := idOf(v.User), idOf(v.Channel)
	update := chat.Update{
		ID: e.EventID, Event: chat.Ignored, Person: chat.Person{ID: user},
		Chat: chat.Chat{Platform: chat.Slack, Bot: e.AppID, Team: e.TeamID, ID: channel},
	}
	at, ok := timeOf(cmp.Or(v.EventTS, v.TS, strconv.FormatInt(e.EventTime, 10)))
	if !ok {
		return update, fmt.Errorf("%w: an event without a time", chat.ErrMalformed)
	}
	update.At, update.Order = at, at.UnixMicro()
	switch v.Type {
	case "message", "app_mention":
		return e.said(update, v, botUser)
	case "member_joined_channel", "member_left_channel":
		return membership(update, v, botUser)
	case "channel_left", "group_left":
		update.Event, update.Chat.Kind = chat.Removed, chat.Group
	case "app_uninstalled":
		update.Event, update.Chat.ID, update.Person = chat.Removed, "", chat.Person{}
		return update, nil
	case "channel_id_changed":
		update.Event, update.Chat.Kind, update.Chat.ID, update.NewID = chat.Moved, chat.Group, v.OldChannelID, v.NewChannelID
		if !chat.IsID(update.NewID) {
			return update, fmt.Errorf("%w: a channel without its new id", chat.ErrMalformed)
		}
	default:
		return update, nil
	}
	if !chat.IsID(update.Chat.ID) {
		return update, fmt.Errorf("%w: an event of no channel", chat.ErrMalformed)
	}
	return update, nil
}

// kinds are the types of conversations that messages tell (https://docs.slack.dev/reference/events/message).
var kinds = map[string]chat.Kind{"im": chat.User, "channel": chat.Group, "group": chat.Group, "mpim": chat.Group}

// said reads a message.
func (e *envelope) said(update chat.Update, v event, botUser string) (chat.Update, error) {
	// A file's message has a text of its own, as has what is said in a thread and shown in the channel.
	plain := v.Subtype == "" || v.Subtype == "file_share" || v.Subtype == "thread_broadcast"
	if !plain || v.BotID != "" || update.Person.ID == botUser && botUser != "" {
		return update, nil
	}
	kind := kinds[v.ChannelType]
	if v.Type == "app_mention" {
		// Slack tells mentions by this event in channels only, never in a direct message
		// (https://docs.slack.dev/reference/events/app_mention).
		kind = chat.Group
	}
	at, ok := timeOf(v.TS)
	if kind == "" || !ok || !chat.IsID(update.Chat.ID) || !chat.IsID(update.Person.ID) {
		return update, fmt.Errorf("%w: a message without channel, type of channel, person or time", chat.ErrMalformed)
	}
	text, mentioned := plainText(v.Text, botUser)
	update.ID = "message:" + update.Chat.Team + ":" + update.Chat.ID + ":" + v.TS
	update.At, update.Order, update.MessageID, update.Chat.Kind, update.Text = at, at.UnixMicro(), v.TS, kind, text
	if text == "" {
		return update, nil
	}
	update.Event = chat.Said
	update.Addressed = kind == chat.User || mentioned || v.Type == "app_mention" || strings.HasPrefix(text, "/") ||
		v.ParentUserID != "" && v.ParentUserID == botUser
	return update, nil
}

// membership reads who came into a channel or left it.
func membership(update chat.Update, v event, botUser string) (chat.Update, error) {
	if !chat.IsID(update.Chat.ID) || !chat.IsID(update.Person.ID) || botUser == "" {
		return update, fmt.Errorf("%w: somebody of no channel, or unknown who is the bot", chat.ErrMalformed)
	}
	// These events are of channels, public or private.
	update.Chat.Kind = chat.Group
	joined := v.Type == "member_joined_channel"
	switch {
	case update.Person.ID != botUser:
		update.Event, update.People = chat.Left, []chat.Person{update.Person}
		if joined {
			update.Event = chat.Joined
		}
	case joined:
		update.Event, update.Person = chat.Added, chat.Person{ID: v.Inviter}
	default:
		update.Event, update.Person = chat.Removed, chat.Person{}
	}
	return update, nil
}

// press is the payload of a press (https://docs.slack.dev/reference/interaction-payloads/block_actions-payload).
type press struct {
	Type  string `json:"type"`
	AppID string `json:"api_app_id"`
	Team  struct {
		ID string `json:"id"`
	} `json:"team"`
	User struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Username string `json:"username"`
	} `json:"user"`
	Channel struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	} `json:"channel"`
	Container struct {
		MessageTS string `json:"message_ts"`
		ChannelID string `json:"channel_id"`
	} `json:"container"`
	Actions []struct {
		Type     string `json:"type"`
		ActionID string `json:"action_id"`
		BlockID  string `json:"block_id"`
		Value    string `json:"value"`
		ActionTS string `json:"action_ts"`
	} `json:"actions"`
}

// maxActions is how many presses one payload may have: a block has no more elements
// (https://docs.slack.dev/reference/block-kit/blocks/actions-block), and people press one at a time.
const maxActions = 25

// readPress reads the form of an interaction behind its "payload=".
func readPress(form []byte) ([]chat.Update, error) {
	// Another field would have to be after the payload.
	raw, _, _ := bytes.Cut(form, []byte("&"))
	payload, err := url.QueryUnescape(string(raw))
	if err != nil {
		return nil, fmt.Errorf("%w: no form of an interaction", chat.ErrMalformed)
	}
	var p press
	if err := json.Unmarshal([]byte(payload), &p); err != nil || p.Type == "" {
		return nil, fmt.Errorf("%w: no payload of an interaction", chat.ErrMalformed)
	}
	if p.Type != "block_actions" {
		return []chat.Update{}, nil
	}
	if len(p.Actions) > maxActions {
		return nil, fmt.Errorf("%w: a payload with %d presses", chat.ErrMalformed, len(p.Actions))
	}
	updates := []chat.Update{}
	for _, action := range p.Actions {
		var kind chat.Kind
		for of, prefix := range blockPrefix {
			if strings.HasPrefix(action.BlockID, prefix) {
				kind = of
			}
		}
		// A button that opens an address has no value; a block that is not ours says nothing of the chat.
		if action.Type != "button" || action.Value == "" || kind == "" {
			continue
		}
		at, ok := timeOf(action.ActionTS)
		channel := cmp.Or(p.Channel.ID, p.Container.ChannelID)
		if !ok || !chat.IsID(p.AppID) || !chat.IsID(p.Team.ID) || !chat.IsID(channel) || !chat.IsID(p.User.ID) || !chat.IsID(p.Container.MessageTS) || !chat.IsButtonData(action.Value) {
			return nil, fmt.Errorf("%w: a press without app, workspace, channel, person, message, value or time", chat.ErrMalformed)
		}
		update := chat.Update{
			ID: pressID(p.Team.ID, channel, p.Container.MessageTS, p.User.ID, action.ActionID, action.Value, action.ActionTS),
			At: at, Order: at.UnixMicro(), Event: chat.Pressed, Addressed: true,
			Chat:   chat.Chat{Platform: chat.Slack, Bot: p.AppID, Team: p.Team.ID, Kind: kind, ID: channel},
			Person: chat.Person{ID: p.User.ID, Name: chat.WithoutNUL(p.User.Name), Username: chat.WithoutNUL(p.User.Username)},
			Button: action.Value, MessageID: p.Container.MessageTS,
		}
		if kind == chat.Group {
			update.Chat.Title = chat.WithoutNUL(p.Channel.Name)
		}
		updates = append(updates, update)
	}
	return updates, nil
}

// pressID hashes what makes a press the one that it is.
func pressID(parts ...string) string {
	hash := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return "press:" + hex.EncodeToString(hash[:16])
}

// idOf reads an id that is a text, or the id of an object; "" for neither.
func idOf(raw json.RawMessage) string {
	var id string
	if json.Unmarshal(raw, &id) == nil && chat.IsID(id) {
		return id
	}
	var object struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(raw, &object) == nil && chat.IsID(object.ID) {
		return object.ID
	}
	return ""
}

// timeOf reads a time as Slack writes it: seconds, and mostly six decimals.
func timeOf(text string) (time.Time, bool) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > 6 || strings.ContainsFunc(whole+fraction, func(r rune) bool { return r < '0' || r > '9' }) {
		return time.Time{}, false
	}
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || seconds <= 0 || seconds > chat.MaxSeconds {
		return time.Time{}, false
	}
	micros, _ := strconv.ParseInt((fraction + "000000")[:6], 10, 64)
	return time.Unix(seconds, micros*1000).UTC(), true
}
