package bots

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"fanfare/db/tenant"
	"fanfare/internal/chat"
	"fanfare/queries"
)

// Polled is a bot whose updates are fetched.
type Polled struct {
	*Bot
	registry *Registry
}

// Polled lists the bots whose updates are fetched: all of Telegram's where that is configured, and else none.
func (r *Registry) Polled(ctx context.Context) ([]Polled, error) {
	if !r.config.Telegram.Poll {
		return nil, nil
	}
	var polled []Polled
	for _, b := range r.shared {
		if b.telegram != nil {
			polled = append(polled, Polled{b, r})
		}
	}
	rows, err := r.q.BotListOf(ctx, string(chat.Telegram))
	if err != nil {
		return nil, fmt.Errorf("list bots: %w", err)
	}
	for _, row := range rows {
		b, err := r.Bot(ctx, chat.Telegram, row.Bot)
		if err != nil {
			r.log.WarnContext(ctx, "a bot cannot be used", "platform", chat.Telegram, "bot", row.Bot, "error", err)
			continue
		}
		if b != nil && b.telegram != nil {
			polled = append(polled, Polled{b, r})
		}
	}
	return polled, nil
}

// Begin has Telegram keep what happens until it is fetched.
func (p Polled) Begin(ctx context.Context) error { return p.registry.Connect(ctx, p.Bot) }

// Fetch waits for what happens, up to half a minute, and writes it down. It gives the offset that confirms it, and the given one
// where nothing happened; what is not confirmed is fetched again.
func (p Polled) Fetch(ctx context.Context, offset int64) (next int64, err error) {
	return p.telegram.Updates(ctx, offset, func(ctx context.Context, raw []json.RawMessage) error {
		for _, body := range raw {
			updates, err := p.Read(ctx, body)
			switch {
			case errors.Is(err, chat.ErrMalformed):
				p.registry.log.WarnContext(ctx, "a platform tells something that is not understood", "platform", p.Platform, "bot", p.ID, "error", err)
			case err != nil:
				return err
			}
			if err := p.registry.Receive(ctx, updates); err != nil {
				return err
			}
		}
		return nil
	})
}

// Refused notes that the platform does not take a bot's token any more. For a bot of the installation it does nothing but say so.
// Only a worker's registry can.
func (r *Registry) Refused(ctx context.Context, platform chat.Platform, id string) error {
	bot, err := r.Bot(ctx, platform, id)
	if err != nil || bot == nil {
		return err
	}
	r.log.ErrorContext(ctx, "a platform refuses a bot's token", "platform", platform, "bot", id)
	if bot.Owner == nil {
		return nil
	}
	err = tenant.New(r.pool).TxRetry(ctx, tenant.Worker(*bot.Owner, tenant.Request{Operation: "bot_refused"}), func(ctx context.Context, tx *tenant.Tx) error {
		return queries.New(tx).BotRefused(ctx, queries.BotRefusedParams{
			ID: bot.rowID, Version: bot.version, Problem: "The platform does not accept the token any more. Enter a new one.",
		})
	})
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return fmt.Errorf("note that a token is refused: %w", err)
	}
	return nil
}
