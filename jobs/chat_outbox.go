package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/chat"
	"fanfare/internal/conversation"
	"fanfare/queries"
)

// outboxBody is what is to be said: a message, or an event of which one is made when it is said.
type outboxBody struct {
	Message *chat.Message `json:"message,omitempty"`
	Event   string        `json:"event,omitempty"`
	PostID  uuid.UUID     `json:"post_id,omitzero"`
}

// maxSaid is how much is said at once, in characters: the outbox has room for them, and nobody reads more in a chat.
const maxSaid = 30_000

// addToOutbox has something said in a chat, in the caller's transaction. space is nil where the chat is nobody's.
func addToOutbox(ctx context.Context, q *queries.Queries, to chat.Chat, space *conversation.Space, m chat.Message) error {
	if clipped := clipRunes(m.Text, maxSaid); clipped != m.Text {
		m.Text = clipped + "…\n\n(That is not all of it. The rest is in the dashboard.)"
	}
	body, err := json.Marshal(outboxBody{Message: &m})
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make id: %w", err)
	}
	params := queries.ChatOutboxAddParams{
		ID: id, Platform: string(to.Platform), Bot: to.Bot, Team: to.Team, Kind: string(to.Kind), Chat: to.ID, Body: body,
	}
	if space != nil {
		params.SubjectID, params.SpaceID = &space.CustomerID, &space.ID
	}
	if err := q.ChatOutboxAdd(ctx, params); err != nil {
		return fmt.Errorf("store what is to be said: %w", err)
	}
	return nil
}

// sayAll says what is to be said in the chat, in its order, up to what must wait: the chat gets another job when its time has come.
func (w *chatWork) sayAll(ctx context.Context) error {
	for {
		row, err := w.q.ChatOutboxNext(ctx, queries.ChatOutboxNextParams{
			Platform: string(w.in.Platform), Bot: w.in.Bot, Team: w.in.Team, Kind: string(w.in.Kind), Chat: w.in.ID,
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("load what is to be said: %w", err)
		}
		if row.Later {
			return nil
		}
		again, err := w.say(ctx, row)
		if err != nil || again {
			return err
		}
	}
}

// say says one thing. again: not now, but later.
func (w *chatWork) say(ctx context.Context, row queries.ChatOutboxNextRow) (again bool, err error) {
	var body outboxBody
	if err := json.Unmarshal(row.Body, &body); err != nil {
		return false, fmt.Errorf("decode what is to be said: %w", err)
	}
	var space *conversation.Space
	if row.SubjectID != nil && row.SpaceID != nil {
		space = &conversation.Space{CustomerID: *row.SubjectID, ID: *row.SpaceID}
		switch has, err := w.hasChat(ctx, space); {
		case err != nil:
			return false, err
		case !has: // what was still to be said then is said to nobody: the chat may be another customer's
			return false, w.end(ctx, row, nil, nil, "")
		}
	}
	message := body.Message
	if message == nil {
		if space == nil {
			return false, w.end(ctx, row, space, nil, "")
		}
		made, found, err := w.messageOf(ctx, space, body)
		if err != nil {
			return false, err
		}
		if !found {
			return false, w.end(ctx, row, space, nil, "")
		}
		message = &made
	}
	within, cancel := context.WithTimeout(ctx, sayTimeout)
	id, err := w.bot.Send(within, w.in, *message)
	cancel()
	if err == nil {
		return false, w.end(ctx, row, space, &id, message.Text)
	}
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	return w.notSaid(ctx, row, space, err)
}

// hasChat tells whether a space still has its chat. It has not once it was released, or erased.
func (w *chatWork) hasChat(ctx context.Context, space *conversation.Space) (bool, error) {
	err := w.tx(ctx, space, func(ctx context.Context, q *queries.Queries) error {
		_, err := q.SpaceBrief(ctx, space.ID)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, tenant.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look whether a space has its chat: %w", err)
	}
	return true, nil
}

// notSaid does what is to be done about a message that the platform has not taken.
func (w *chatWork) notSaid(ctx context.Context, row queries.ChatOutboxNextRow, space *conversation.Space, failure error) (again bool, err error) {
	refused := &chat.Error{Class: chat.Transient, Err: failure}
	errors.As(failure, &refused)
	log := w.log.With("outbox_id", row.ID, "class", string(refused.Class), "status", refused.Status)
	switch {
	case refused.NewID != "":
		return false, w.follow(ctx, refused.NewID)
	case refused.Class == chat.Gone:
		log.InfoContext(ctx, "a chat cannot be reached any more")
		if space != nil {
			err := w.tx(ctx, space, func(ctx context.Context, q *queries.Queries) error { return w.out(ctx, q, space.ID, "gone") })
			if err != nil && !errors.Is(err, tenant.ErrNotFound) {
				return false, fmt.Errorf("note that a chat is gone: %w", err)
			}
		}
		return false, w.end(ctx, row, space, nil, "")
	case refused.Class == chat.Invalid, row.Attempts >= sayAttempts:
		log.ErrorContext(ctx, "what was to be said in a chat is given up", "error", failure)
		return false, w.end(ctx, row, space, nil, "")
	}
	if refused.Class == chat.Credential {
		if err := w.chats.Bots.Refused(ctx, w.in.Platform, w.in.Bot); err != nil {
			log.WarnContext(ctx, "it could not be noted that a token is refused", "error", err)
		}
	}
	if refused.Class != chat.RateLimited {
		log.WarnContext(ctx, "what is to be said in a chat must wait", "error", failure)
	}
	wait := backoff(int(row.Attempts)+1, time.Second, sayPause)
	if until := time.Until(refused.RetryAt); until > 0 {
		wait = min(until, maxSayWait)
	}
	if err := w.q.ChatOutboxPutOff(ctx, queries.ChatOutboxPutOffParams{ID: row.ID, SendAt: time.Now().Add(wait)}); err != nil {
		return false, fmt.Errorf("put off what is to be said: %w", err)
	}
	return true, nil
}

// follow goes on in a chat that has another id, as the platform says, with the space that the chat is now: what was to be said may
// be of none.
func (w *chatWork) follow(ctx context.Context, newID string) error {
	space, err := w.space(ctx)
	if err != nil {
		return err
	}
	if err := w.tx(ctx, space, func(ctx context.Context, q *queries.Queries) error { return w.move(ctx, q, space, newID) }); err != nil {
		return fmt.Errorf("follow a chat: %w", err)
	}
	return nil
}

// end notes that something was said, and in a space what. Where id is nil it was not, and never will be.
func (w *chatWork) end(ctx context.Context, row queries.ChatOutboxNextRow, space *conversation.Space, id *string, text string) error {
	err := tenant.ErrNotFound
	if space != nil && id != nil {
		err = w.tx(ctx, space, func(ctx context.Context, q *queries.Queries) error {
			if err := q.MessageCreate(ctx, queries.MessageCreateParams{
				ID: row.ID, SpaceID: space.ID, Direction: "out", Text: clipRunes(text, maxMessage), SaidAt: time.Now(),
			}); err != nil {
				return err
			}
			return q.ChatOutboxEnd(ctx, queries.ChatOutboxEndParams{ID: row.ID, MessageID: id})
		})
	}
	if errors.Is(err, tenant.ErrNotFound) { // it is kept in no space, or that was erased meanwhile
		err = w.q.ChatOutboxEnd(ctx, queries.ChatOutboxEndParams{ID: row.ID, MessageID: id})
	}
	if err != nil {
		return fmt.Errorf("note what was said: %w", err)
	}
	return nil
}

// messageOf makes a message of an event; false: there is nothing to tell any more.
func (w *chatWork) messageOf(ctx context.Context, space *conversation.Space, body outboxBody) (chat.Message, bool, error) {
	var row queries.PostOutcomeRow
	err := w.tx(ctx, space, func(ctx context.Context, q *queries.Queries) (err error) {
		row, err = q.PostOutcome(ctx, body.PostID)
		return err
	})
	if errors.Is(err, pgx.ErrNoRows) || errors.Is(err, tenant.ErrNotFound) {
		return chat.Message{}, false, nil
	}
	if err != nil {
		return chat.Message{}, false, fmt.Errorf("read what became of a post: %w", err)
	}
	event := conversation.Event{Name: body.Event, PostID: row.ID, Version: `"v` + strconv.FormatInt(row.Version, 10) + `"`, Title: row.Title, Text: row.Text}
	if err := json.Unmarshal(row.Outcomes, &event.Outcomes); err != nil {
		return chat.Message{}, false, fmt.Errorf("decode what became of a post: %w", err)
	}
	return w.conversation.Tell(w.in, event), true, nil
}
