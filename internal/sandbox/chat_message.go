package sandbox

import (
	"encoding/json"
	"slices"
	"time"
)

// chatMessage is a message as a chat of WhatsApp or Slack shows it.
type chatMessage struct {
	ID string `json:"id"`
	// From is "" for the bot, else who said it.
	From    string       `json:"from,omitempty"`
	Text    string       `json:"text"`
	Buttons []chatButton `json:"buttons,omitempty"`
	// Menu tells that the buttons are the rows of a list.
	Menu   bool      `json:"menu,omitempty"`
	Status string    `json:"status,omitempty"`
	Edited bool      `json:"edited,omitempty"`
	At     time.Time `json:"at"`
	// Blocks are Slack's, as they were sent.
	Blocks json.RawMessage `json:"blocks,omitempty"`
}

// chatButton is a button of a message.
type chatButton struct {
	ID      string `json:"id"`
	BlockID string `json:"block_id,omitempty"`
	Text    string `json:"text"`
	Value   string `json:"value,omitempty"`
	URL     string `json:"url,omitempty"`
}

// messageIn finds a message by its id; nil: it is not there.
func messageIn(messages []*chatMessage, id string) *chatMessage {
	at := slices.IndexFunc(messages, func(m *chatMessage) bool { return m.ID == id })
	if at < 0 {
		return nil
	}
	return messages[at]
}
