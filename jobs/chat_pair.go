package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/chat"
	"fanfare/internal/conversation"
	"fanfare/queries"
)

// pair uses a code or link that somebody has brought into the chat. Where it is good, the chat is told with what is done.
func (w *chatWork) pair(ctx context.Context, update chat.Update, word pairingWord) (reply, error) {
	if update.Person.ID == "" { // nobody whom it could be put down to
		return reply{keep: true}, nil
	}
	// With what the chat is called, which whoever confirms it is shown.
	in := w.in
	in.Title = update.Chat.Title
	answer, err := claimPairing(ctx, w.db, w.q, in, update.Person, word, w.describe)
	if err != nil {
		return reply{}, err
	}
	text := map[claimAnswer]string{
		claimInvalid:   conversation.NotValid,
		claimThrottled: "Too many codes were tried. Try again in a quarter of an hour, or use the link from the dashboard.",
	}[answer]
	if answer == claimAlreadyYours || answer == claimPairedBefore {
		if text, err = w.pairedWith(ctx); err != nil {
			return reply{}, err
		}
	}
	if text == "" {
		return reply{keep: true}, nil
	}
	return reply{keep: true, messages: []chat.Message{{Text: text}}}, nil
}

// pairedWith says whose the chat is; "" where it is nobody's any more.
func (w *chatWork) pairedWith(ctx context.Context) (string, error) {
	space, err := w.space(ctx)
	if err != nil || space == nil {
		return "", err
	}
	var brief queries.SpaceBriefRow
	err = w.tx(ctx, space, func(ctx context.Context, q *queries.Queries) (err error) {
		brief, err = q.SpaceBrief(ctx, space.ID)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, tenant.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read whose a chat is: %w", err)
	}
	return "This chat is paired with " + brief.Customer + " already.", nil
}

// describeTimeout bounds asking a platform what a chat and a person are called.
const describeTimeout = 5 * time.Second

// describer is a bot of a platform that names nobody where it tells what was said, such as Slack.
type describer interface {
	Describe(ctx context.Context, of chat.Chat) (chat.Chat, error)
	Person(ctx context.Context, id string) (chat.Person, error)
}

// describe finds out what a chat and the person in it are called, as far as the platform says so in time.
func (w *chatWork) describe(ctx context.Context, in chat.Chat, person chat.Person) (chat.Chat, chat.Person) {
	if bot, ok := w.bot.(describer); ok {
		ctx, cancel := context.WithTimeout(ctx, describeTimeout)
		defer cancel()
		if person.Name == "" {
			if known, err := bot.Person(ctx, person.ID); err == nil {
				person = known
			} else {
				w.log.WarnContext(ctx, "a platform does not say who pairs a chat", "error", err)
			}
		}
		if in.Title == "" && in.Kind == chat.Group {
			if known, err := bot.Describe(ctx, in); err == nil {
				in.Title = known.Title
			} else {
				w.log.WarnContext(ctx, "a platform does not say what a chat is called", "error", err)
			}
		}
	}
	if in.Kind == chat.User && in.Title == "" {
		in.Title = person.Name
	}
	return in, person
}
