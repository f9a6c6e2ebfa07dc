package telegram

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"fanfare/internal/chat"
)

// updatesMethod is https://core.telegram.org/bots/api#getupdates. The library's own polling confirms an update when it
// hands it on, and so loses those that were not stored when the process ends; its request cannot be made by itself.
const updatesMethod = "getUpdates"

// Updates waits for updates, at most pollTime, and hands them to store, as they came and in their order, if there are any.
// What store has returned without an error for is confirmed to Telegram by the next call, with the offset that this one
// gives; everything else comes again. 0 is the offset to begin with: whatever is not confirmed.
//
// Errors are those of store, and *chat.Error; status 409 says that there is a webhook, or that another process asks, too.
func (b *Bot) Updates(ctx context.Context, offset int64, store func(context.Context, []json.RawMessage) error) (next int64, err error) {
	raw, err := b.fetch(ctx, offset)
	if err != nil || len(raw) == 0 {
		return offset, err
	}
	next = offset
	for _, update := range raw {
		var one struct {
			ID int64 `json:"update_id"`
		}
		if err := json.Unmarshal(update, &one); err != nil || one.ID < 1 {
			return offset, &chat.Error{Class: chat.Transient, Status: http.StatusOK, Err: errors.New("an update has no id")}
		}
		next = max(next, one.ID+1)
	}
	if err := store(ctx, raw); err != nil {
		return offset, err
	}
	return next, nil
}

// fetch is one getUpdates.
func (b *Bot) fetch(ctx context.Context, offset int64) ([]json.RawMessage, error) {
	body, err := json.Marshal(map[string]any{
		"offset": offset, "limit": 50, "timeout": int(pollTime / time.Second), "allowed_updates": allowedUpdates,
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.address(updatesMethod), bytes.NewReader(body))
	if err != nil {
		return nil, unanswered(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.client.Do(req)
	if err != nil {
		return nil, failure(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Result []json.RawMessage `json:"result"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, failure(err)
	}
	return answer.Result, nil
}
