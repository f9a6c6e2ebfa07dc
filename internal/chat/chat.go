// Package chat is what Telegram, WhatsApp and Slack have in common, as Fanfare sees them: what happens in a chat
// (Update), and what is said there (Message). One adapter each turns the platform's own shapes into these.
//
// The package must not decide who somebody is in Fanfare, and an adapter must not guess: a chat whose kind or id it does
// not know for certain is refused with ErrMalformed.
package chat

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Platform is where a chat is.
type Platform string

// The platforms.
const (
	Telegram Platform = "telegram"
	WhatsApp Platform = "whatsapp"
	Slack    Platform = "slack"
)

// Kind is what kind of chat it is. The platform says it; the shape of an id never does.
type Kind string

// The kinds of chats.
const (
	// User is a chat of one person with the bot.
	User Kind = "user"
	// Group is a chat of several people, or a channel.
	Group Kind = "group"
)

// Chat is a chat's natural key, with what it is called.
type Chat struct {
	Platform Platform
	// Bot is the platform's id of the bot in whose chat it is: Telegram's bot id, WhatsApp's phone number id, Slack's app id.
	Bot string
	// Team is Slack's id of the workspace; "" elsewhere.
	Team string
	Kind Kind
	// ID is the platform's id of the chat.
	ID string
	// Title is what the chat is called, for people to recognise it by; may be "".
	Title string
}

// Numbered tells whether the chat's platform shows no buttons there: they are numbered lines, by Choices.
func (c Chat) Numbered() bool { return c.Platform == WhatsApp && c.Kind == Group }

// Person is somebody in a chat.
type Person struct {
	// ID is the platform's; it is theirs in every chat (of a Slack workspace).
	ID string
	// Name is what they are called there; may be "".
	Name string
	// Username is their handle, without @; may be "".
	Username string
}

// MaxSeconds is the end of the year 9999, in seconds since 1970: JSON (RFC 3339) has no later time.
const MaxSeconds = 253_402_300_799

// Event is what an update tells.
type Event string

// The events.
const (
	// Said: the person wrote Text.
	Said Event = "said"
	// Pressed: the person pressed the button whose data is Button, on the message MessageID.
	Pressed Event = "pressed"
	// Added: the bot came into the chat, or is let in again.
	Added Event = "added"
	// Removed: the bot was removed from the chat, or blocked: nothing can be said there any more.
	Removed Event = "removed"
	// Joined and Left: People came into the group or left it.
	Joined Event = "joined"
	Left   Event = "left"
	// Moved: the chat has another id from now on, NewID, and is the same chat.
	Moved Event = "moved"
	// Arrived: the chat had another id before, OldID, where Moved tells of it. What is said in it comes after this.
	Arrived Event = "arrived"
	// Failed: what the bot said, MessageID, did not arrive, though the platform had accepted it; Failure says why.
	Failed Event = "failed"
	// Ignored: nothing that concerns us, such as a sticker or a message of another bot.
	Ignored Event = "ignored"
)

// Command is a word that a chat's menu offers; people send it after a slash.
type Command struct {
	// Name is up to 32 of a-z, 0-9 and _; Does, in up to 256 characters, what it is for.
	Name, Does string
}

// Update is one thing that happened. Platforms deliver it at least once.
type Update struct {
	// ID is the platform's id of the update, unique per bot.
	ID string
	// Order is a number by which the updates of a chat follow each other where the platform has one, such as Telegram's
	// update_id or a time in microseconds.
	Order int64
	Event Event
	Chat  Chat
	// Person is who did it; the zero Person where nobody is named.
	Person Person
	// Text is what was said, without the bot's mention. A command such as /start stands in it as it was written.
	Text string
	// Addressed tells whether what was said in a group was said to the bot: a command, a mention or a reply. In a chat of
	// one person everything is.
	Addressed bool
	Button    string
	MessageID string
	// Callback is what Bot.Acknowledge needs for a button; may be "".
	Callback string
	People   []Person
	NewID    string
	OldID    string
	// Failure is the class of what Failed tells.
	Failure Class
	At      time.Time
}

// Button is below a message, to be pressed.
type Button struct {
	Text string
	// Data comes back with the press: up to 64 bytes of ASCII, as Telegram allows.
	Data string
	// URL, where it is set, is opened by the button in place of sending Data.
	URL string
}

// MaxButtonData is how long a button's data may be, in bytes (https://core.telegram.org/bots/api#inlinekeyboardbutton).
const MaxButtonData = 64

// Message is what the bot says: plain text, which the adapter escapes where the platform would read it as markup, and
// splits where it is longer than the platform takes.
type Message struct {
	Text string
	// Buttons are in rows.
	Buttons [][]Button
	// Replaces is the id of an earlier message of the bot whose text and buttons this one takes the place of; "" for a new
	// one. Where the platform cannot, it is a new one.
	Replaces string
}

// Choices are the buttons that are pressed, in their order: the first is number 1 where there are numbers in place of buttons.
func (m Message) Choices() []Button {
	choices := []Button{}
	for _, row := range m.Buttons {
		for _, button := range row {
			if button.URL == "" {
				choices = append(choices, button)
			}
		}
	}
	return choices
}

// Bot speaks in the chats of one bot.
type Bot interface {
	// Send says something and gives the message's id. Errors are *Error.
	Send(ctx context.Context, to Chat, m Message) (id string, err error)
	// Acknowledge ends the waiting that a pressed button shows. It does nothing where the platform has no such thing.
	Acknowledge(ctx context.Context, callback string) error
}

// ErrMalformed says that something is no update of the platform, or of a chat whose kind or id is not known for certain.
var ErrMalformed = errors.New("chat: malformed update")

// ErrForged says that a delivery is not signed by the platform, or too old.
var ErrForged = errors.New("chat: not signed by the platform")

// Class says what kind of failure happened, and so what is to be done. It is decided from status and code, never from words.
type Class string

// The classes.
const (
	// Gone: the bot cannot speak there any more: it was removed or blocked, or the chat is gone.
	Gone Class = "gone"
	// Credential: the platform refuses the bot's credential.
	Credential Class = "credential"
	// Invalid: the platform refuses this message for good.
	Invalid Class = "invalid"
	// RateLimited: wait until RetryAt.
	RateLimited Class = "rate_limited"
	// Transient: trying again later may help. The message may have arrived.
	Transient Class = "transient"
)

// Error is a failure to speak.
type Error struct {
	Class Class
	// Status is the HTTP status, 0 if there was no answer.
	Status int
	// RetryAt is when the platform allows the next try; zero if it did not say.
	RetryAt time.Time
	// NewID is the chat's new id, where the platform says that it has one now: the message is to be sent there.
	NewID string
	// Err is the cause, for logs only. It never holds the credential.
	Err error
}

// Error is the text for logs.
func (e *Error) Error() string {
	return fmt.Sprintf("chat: %s (status %d): %v", e.Class, e.Status, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }
