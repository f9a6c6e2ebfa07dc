package bots

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/internal/chat"
	"fanfare/internal/slack"
	"fanfare/internal/telegram"
	"fanfare/internal/whatsapp"
	"fanfare/queries"
)

// maxText is how much of what was said is written down, in characters. No platform but Slack lets people say more.
const maxText = 15_000

// maxAge is how old what happened may be. Platforms deliver no longer than that, Meta for seven days, and what was handled is known for
// longer: so what is delivered again is known as long as it is taken at all. Meta's signature says nothing of when it was made.
const maxAge = 7*24*time.Hour - time.Hour

// maxAhead is how far the platform's clock may be ahead of ours. What came from later would be taken for longer than it is known.
const maxAhead = time.Hour

// Verify tells whether a delivery is the platform's; else the error is chat.ErrForged. A bot without what verifies it believes
// nothing.
func (b *Bot) Verify(header http.Header, body []byte) error {
	var err error
	switch b.Platform {
	case chat.Telegram:
		err = telegram.Verify(header, b.secrets.WebhookSecret)
	case chat.WhatsApp:
		err = whatsapp.Verify(header, body, b.secrets.AppSecret)
	case chat.Slack:
		err = slack.Verify(header, body, b.secrets.SigningSecret, time.Now())
	default:
		err = chat.ErrForged
	}
	if err != nil {
		return chat.ErrForged
	}
	return nil
}

// nobodys are bots that nobody has, with secrets that nobody knows.
var nobodys = func() map[chat.Platform]*Bot {
	secret := rand.Text()
	secrets := Secrets{WebhookSecret: secret, AppSecret: secret, SigningSecret: secret, VerifyToken: secret}
	return map[chat.Platform]*Bot{
		chat.Telegram: {Platform: chat.Telegram, secrets: secrets},
		chat.WhatsApp: {Platform: chat.WhatsApp, secrets: secrets},
		chat.Slack:    {Platform: chat.Slack, secrets: secrets},
	}
}()

// Nobodys gives a bot that no delivery is for, so that one to an unknown bot takes as long to be refused as a forged one.
func Nobodys(platform chat.Platform) *Bot { return nobodys[platform] }

// Challenge gives what Meta is answered when the address of deliveries is entered there: see whatsapp.Challenge.
func (b *Bot) Challenge(query url.Values) (string, error) {
	return whatsapp.Challenge(query, b.secrets.VerifyToken)
}

// Read reads a delivery that Verify has found to be the platform's. What is understood is given even where the error, which wraps
// chat.ErrMalformed, tells of something that is not. Another error says that the platform does not say at the moment who the bot
// is, without which nothing can be understood.
//
// What is another bot's is left out: Meta signs for all numbers of an application with one secret, and Slack for all workspaces,
// and whoever has it could speak for them.
func (b *Bot) Read(ctx context.Context, body []byte) ([]chat.Update, error) {
	var self Identity
	if b.Platform != chat.WhatsApp {
		var err error
		if self, err = b.Self(ctx); err != nil {
			return nil, fmt.Errorf("ask who the bot is: %w", err)
		}
	}
	var updates []chat.Update
	var err error
	switch b.Platform {
	case chat.Telegram:
		var update chat.Update
		if update, err = telegram.Read(body, telegram.Account{ID: b.ID, Username: self.Username, Name: self.Name}); err == nil {
			updates = []chat.Update{update}
		}
	case chat.WhatsApp:
		updates, err = whatsapp.Read(body)
	case chat.Slack:
		updates, err = slack.Read(body, self.UserID)
	}
	ours := updates[:0]
	for _, u := range updates {
		if u.Event == chat.Ignored && !u.Addressed {
			continue
		}
		if u.Chat.Platform != b.Platform || u.Chat.Bot != b.ID || b.Platform == chat.Slack && u.Chat.Team != self.Team {
			err = errors.Join(err, fmt.Errorf("%w: it is another bot's", chat.ErrMalformed))
			continue
		}
		ours = append(ours, u)
	}
	return ours, err
}

// ErrLater says that a customer's bots are told more in a minute than is taken of them, and that the rest is to be told again.
var ErrLater = errors.New("bots: more is told than is taken in a minute")

// maxUpdates is how much one delivery may tell: Meta puts up to 1,000 events into one
// (https://developers.facebook.com/docs/graph-api/webhooks/getting-started), the others one.
const maxUpdates = 1000

// Receive writes down what a bot was told, each once however often it is told, for a worker to handle. Where it fails, it is to be
// told again. What no database takes is left out, as it would fail again and again, and so is what strangers say too much.
func (r *Registry) Receive(ctx context.Context, updates []chat.Update) error {
	dropped := 0
	defer func() {
		if dropped > 0 {
			r.log.WarnContext(ctx, "a bot is told too much; updates of chats are left out", "platform", updates[0].Chat.Platform, "bot", updates[0].Chat.Bot, "updates", dropped)
		}
	}()
	refused := map[chat.Chat]bool{} // in this minute, and so in this delivery
	for i, u := range updates {
		if i == maxUpdates {
			dropped += len(updates) - i
			return nil
		}
		all, err := r.places(ctx, u)
		if err != nil {
			return err
		}
		for _, u := range all {
			in := u.Chat
			in.Title = ""
			if refused[in] {
				dropped++
				continue
			}
			result, err := r.receive(ctx, u)
			switch {
			case err != nil:
				return err
			case result == "later":
				return ErrLater
			case result == "closed": // to all of its bots, and they are all one bot's
				dropped += len(updates) - i
				return nil
			case result == "dropped":
				dropped++
				refused[in] = true
			}
		}
	}
	return nil
}

// places gives an update for each chat that it concerns: an application that is taken out of a workspace leaves all of its chats.
func (r *Registry) places(ctx context.Context, u chat.Update) ([]chat.Update, error) {
	if u.Chat.ID != "" {
		return []chat.Update{u}, nil
	}
	chats, err := r.q.ChatListOfTeam(ctx, queries.ChatListOfTeamParams{Platform: string(u.Chat.Platform), Bot: u.Chat.Bot, Team: u.Chat.Team})
	if err != nil {
		return nil, fmt.Errorf("list chats of a workspace: %w", err)
	}
	var all []chat.Update
	for _, c := range chats {
		one := u
		one.ID, one.Chat.Kind, one.Chat.ID = u.ID+":"+c.Chat, chat.Kind(c.Kind), c.Chat
		all = append(all, one)
	}
	return all, nil
}

// receive writes one update down; result is as tenancy.receive_chat_update has it, and "" where it is left out.
func (r *Registry) receive(ctx context.Context, u chat.Update) (result string, err error) {
	log := r.log.With("platform", u.Chat.Platform, "bot", u.Chat.Bot, "update_id", u.ID)
	if age := time.Since(u.At); !u.At.IsZero() && (age > maxAge || age < -maxAhead) {
		log.WarnContext(ctx, "an update of a chat is too old, or from later than now, and is left out", "at", u.At)
		return "", nil
	}
	if runes := []rune(u.Text); len(runes) > maxText {
		u.Text = string(runes[:maxText])
	}
	u.Text = chat.WithoutNUL(u.Text)
	body, err := json.Marshal(u)
	if err != nil {
		log.WarnContext(ctx, "an update of a chat cannot be encoded and is left out", "error", err)
		return "", nil
	}
	result, err = r.q.ChatUpdateReceive(ctx, queries.ChatUpdateReceiveParams{
		Platform: string(u.Chat.Platform), Bot: u.Chat.Bot, UpdateID: u.ID, Team: u.Chat.Team, Kind: string(u.Chat.Kind), Chat: u.Chat.ID,
		Place: u.Order, Body: body,
	})
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && (strings.HasPrefix(refused.Code, "22") || strings.HasPrefix(refused.Code, "23")):
		log.WarnContext(ctx, "an update of a chat cannot be stored and is left out", "code", refused.Code, "constraint", refused.ConstraintName)
		return "", nil
	case err != nil:
		return "", fmt.Errorf("store update: %w", err)
	}
	return result, nil
}
