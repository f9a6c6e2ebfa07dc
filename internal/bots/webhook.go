package bots

import (
	"context"
	"errors"
	"sync"
	"time"

	"fanfare/internal/chat"
	"fanfare/internal/conversation"
)

// HookPath is where the API takes deliveries of a bot, below its public address. Slack has two: …/events and …/actions.
func HookPath(platform chat.Platform, id string) string {
	return "/hooks/" + string(platform) + "/" + id
}

// HookURL is the address to which the platform is to deliver; "" where the API has no public one.
func (r *Registry) HookURL(platform chat.Platform, id string) string {
	if r.config.PublicURL == "" {
		return ""
	}
	return r.config.PublicURL + HookPath(platform, id)
}

// Fetches tells whether updates of a platform's bots are fetched, and not delivered.
func (r *Registry) Fetches(platform chat.Platform) bool {
	return platform == chat.Telegram && r.config.Telegram.Poll
}

// ErrNoAddress says that the API has no address to which a platform could deliver.
var ErrNoAddress = errors.New("bots: there is no public address")

// Connect has Telegram deliver to us, or keep updates to be fetched, and offer what can be said as a menu. On the other platforms somebody enters the address there.
// Errors are ErrNoAddress and *chat.Error.
func (r *Registry) Connect(ctx context.Context, b *Bot) error {
	if b.telegram == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if err := b.telegram.SetCommands(ctx, conversation.Commands); err != nil { // nothing depends on a menu
		r.log.WarnContext(ctx, "a bot's menu cannot be set", "platform", b.Platform, "bot", b.ID, "error", err)
	}
	if r.Fetches(b.Platform) {
		return b.telegram.DeleteWebhook(ctx)
	}
	to := r.HookURL(b.Platform, b.ID)
	if to == "" {
		return ErrNoAddress
	}
	return b.telegram.SetWebhook(ctx, to, b.secrets.WebhookSecret)
}

// Disconnect ends what Connect has begun.
func (r *Registry) Disconnect(ctx context.Context, b *Bot) error {
	if b.telegram == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return b.telegram.DeleteWebhook(ctx)
}

// ConnectShared connects the installation's bots, and tries again until it is done or ctx ends.
func (r *Registry) ConnectShared(ctx context.Context) {
	var all sync.WaitGroup
	for _, b := range r.shared {
		all.Go(func() { r.connectShared(ctx, b) })
	}
	all.Wait()
}

func (r *Registry) connectShared(ctx context.Context, b *Bot) {
	for pause := time.Second; ; pause = min(2*pause, time.Minute) {
		err := r.Connect(ctx, b)
		var who Identity
		if err == nil {
			who, err = b.Self(ctx)
		}
		if err == nil {
			r.log.InfoContext(ctx, "bot is connected", "platform", b.Platform, "bot", b.ID, "name", who.Name, "fetched", r.Fetches(b.Platform))
			return
		}
		if ctx.Err() != nil {
			return
		}
		r.log.WarnContext(ctx, "bot cannot be connected yet", "platform", b.Platform, "bot", b.ID, "error", err, "wait", pause)
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}
