package jobs

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/bots"
	"fanfare/internal/chat"
	"fanfare/internal/conversation"
	"fanfare/queries"
)

// ChatQueue is the queue of what happens in chats.
const ChatQueue = "chat"

const (
	// chatsConcurrency is how many chats a worker answers at once. Most of that time a language model writes.
	chatsConcurrency = 200
	// chatsFetched is how many chats a worker has at once: besides those that it answers, those that find no slot and go back.
	chatsFetched = 2 * chatsConcurrency
	// chatsShare is how many jobs one party has at a time over all workers: see tenancy.chats_to_do.
	chatsShare = 50
	// chatTurns is how many updates a job handles before other chats have their turn.
	chatTurns = 20
	// chatsEvery is how often a worker looks for chats in which something happened.
	chatsEvery = 250 * time.Millisecond
	// chatTimeout bounds one job, in which several updates may be handled.
	chatTimeout = 10 * time.Minute
	// chatAttempts is how often an update is begun before it is given up with an apology.
	chatAttempts = 8
	// unknownBotTime is how long what has come from a bot that this worker does not have waits for another one that does.
	unknownBotTime = time.Hour
	// giveUpTime is after how long nobody expects an answer any more.
	giveUpTime = 3 * 24 * time.Hour
	// sayAttempts is how often something is tried to be said, over about a day, and sayPause the longest pause in between: a platform that
	// is there again does not wait for long.
	sayAttempts = 300
	sayPause    = 5 * time.Minute
	// maxSayWait is the longest wait that a platform may ask for.
	maxSayWait = time.Hour
	// arrivedPause is when it is looked again whether a chat is done with what happened under its id before.
	arrivedPause = time.Second
	// sayTimeout bounds one call of a bot.
	sayTimeout = 20 * time.Second
)

// Chats are what a worker needs to answer chats.
type Chats struct {
	// API is the handler of the API's operations, through which everything is done.
	API  http.Handler
	Bots *bots.Registry
}

// ChatArgs name a chat in which something happened or is to be said.
type ChatArgs struct {
	Platform string `json:"platform"`
	Bot      string `json:"bot"`
	Team     string `json:"team"`
	ChatKind string `json:"kind"`
	Chat     string `json:"chat"`
}

// Kind is the job's name in the queue.
func (ChatArgs) Kind() string { return "chat" }

// InsertOpts are the job's defaults. A chat has one job at a time, so that what was said first is answered first.
func (ChatArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: ChatQueue, MaxAttempts: 1000, UniqueOpts: oneAtATime}
}

// dispatchChats gives chats in which something happened a job, unless they have one.
func (w *Worker) dispatchChats(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	todo, err := w.q.ChatListToDo(ctx, queries.ChatListToDoParams{Share: chatsShare, MaxRows: 1000})
	if err != nil {
		return fmt.Errorf("look for chats: %w", err)
	}
	if len(todo) == 0 {
		return nil
	}
	inserts := make([]river.InsertManyParams, 0, len(todo))
	for _, c := range todo {
		inserts = append(inserts, river.InsertManyParams{Args: ChatArgs{Platform: c.Platform, Bot: c.Bot, Team: c.Team, ChatKind: c.Kind, Chat: c.Chat}})
	}
	if _, err := w.client.InsertMany(ctx, inserts); err != nil {
		return fmt.Errorf("enqueue chats: %w", err)
	}
	return nil
}

// forgetChats gives up what waits for too long, and forgets what was handled long ago.
func (w *Worker) forgetChats(ctx context.Context) error {
	given, err := timed(ctx, 30*time.Second, func(ctx context.Context) (queries.ChatGiveUpRow, error) {
		return w.q.ChatGiveUp(ctx, queries.ChatGiveUpParams{Older: giveUpTime, MaxRows: limitsBatch})
	})
	if err != nil {
		return fmt.Errorf("give up what waits in chats: %w", err)
	}
	if given.Updates > 0 || given.Messages > 0 {
		w.deps.Log.ErrorContext(ctx, "what has waited in chats for days is given up", "updates", given.Updates, "messages", given.Messages)
	}
	if err := errors.Join(repeatedly(ctx, w.q.ChatUpdateForget), repeatedly(ctx, w.q.ChatOutboxForget)); err != nil {
		return fmt.Errorf("forget what happened and was said in chats: %w", err)
	}
	return nil
}

// chatWorker handles what happened in a chat, one update after the other, and says what is to be said there. An update is
// handled once: what it changes is committed with its mark, or through operations that are repeated under the same key. What
// is said may be said twice after a crash, since no platform takes a key for it.
type chatWorker struct {
	river.WorkerDefaults[ChatArgs]
	db           *tenant.DB
	pool         *pgxpool.Pool
	q            *queries.Queries
	chats        Chats
	conversation *conversation.Conversation
	slots        *chatSlots
	lease        *lease
	log          *slog.Logger
}

// Timeout bounds the whole job.
func (*chatWorker) Timeout(*river.Job[ChatArgs]) time.Duration { return chatTimeout }

// Work handles and says everything there is.
func (w *chatWorker) Work(ctx context.Context, job *river.Job[ChatArgs]) error {
	ctx, release := w.lease.hold(ctx)
	defer release()
	work := &chatWork{chatWorker: w, job: job, in: chat.Chat{
		Platform: chat.Platform(job.Args.Platform), Bot: job.Args.Bot, Team: job.Args.Team, Kind: chat.Kind(job.Args.ChatKind), ID: job.Args.Chat,
	}}
	work.log = w.log.With("job_id", job.ID, "platform", job.Args.Platform, "bot", job.Args.Bot)
	bot, err := w.chats.Bots.Bot(ctx, work.in.Platform, work.in.Bot)
	if err != nil {
		return fmt.Errorf("find bot: %w", err)
	}
	switch {
	case bot == nil:
		return work.drop(ctx, unknownBotTime)
	case bot.Archived:
		return work.drop(ctx, 0)
	}
	work.bot = bot.Speaker
	party, err := work.party(ctx, bot)
	if err != nil {
		return err
	}
	if !w.slots.take(party) {
		return river.JobSnooze(crowdedChat(job.Metadata))
	}
	defer w.slots.giveBack(party)
	for range chatTurns {
		handled, err := work.handleNext(ctx)
		if err != nil {
			return err
		}
		// What it has brought is said before the next is handled.
		if err := work.sayAll(ctx); err != nil || !handled {
			return err
		}
	}
	return nil
}

// drop drops what has waited in the chat for so long, as there is nobody to answer it. With a bot that this worker does not have,
// another one may: what has not waited for so long is left to it.
func (w *chatWork) drop(ctx context.Context, older time.Duration) error {
	row, err := w.q.ChatDrop(ctx, queries.ChatDropParams{
		Platform: string(w.in.Platform), Bot: w.in.Bot, Team: w.in.Team, Kind: string(w.in.Kind), Chat: w.in.ID, Older: older,
	})
	if err != nil {
		return fmt.Errorf("drop what waits in a chat: %w", err)
	}
	if row.Dropped > 0 {
		w.log.WarnContext(ctx, "what waits in a chat of a bot that is not there, or whose customer is archived, is dropped", "dropped", row.Dropped)
	}
	if row.More {
		return river.JobSnooze(time.Minute)
	}
	return nil
}

// party is whom the chat's slot counts for, as tenancy.chats_to_do counts its job.
func (w *chatWork) party(ctx context.Context, bot *bots.Bot) (string, error) {
	holder, held, err := holderOf(ctx, w.q, w.in)
	switch {
	case err != nil:
		return "", err
	case held:
		return holder.CustomerID.String(), nil
	case bot.Owner != nil:
		return bot.Owner.String(), nil
	}
	return string(w.in.Platform) + " " + w.in.Bot, nil
}

// chatWork is one job's work.
type chatWork struct {
	*chatWorker
	job *river.Job[ChatArgs]
	in  chat.Chat
	bot chat.Bot
	log *slog.Logger
}

// reply is what an update brings: all of it is stored with the update's mark.
type reply struct {
	messages []chat.Message
	// asked is what the person is asked; keep leaves it as it is.
	asked *conversation.State
	keep  bool
	// also is done in the same transaction, in the space's customer where there is one.
	also func(ctx context.Context, q *queries.Queries) error
}

// handleNext handles the next update of the chat; false: there is none.
func (w *chatWork) handleNext(ctx context.Context) (bool, error) {
	row, err := w.q.ChatUpdateBegin(ctx, queries.ChatUpdateBeginParams{
		Platform: string(w.in.Platform), Bot: w.in.Bot, Team: w.in.Team, Kind: string(w.in.Kind), Chat: w.in.ID,
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("load update: %w", err)
	}
	var update chat.Update
	if err := json.Unmarshal(row.Body, &update); err != nil {
		return false, fmt.Errorf("decode update: %w", err)
	}
	update.Chat.ID = w.in.ID // which may have changed since
	if update.At.IsZero() {
		update.At = row.ReceivedAt
	}
	space, err := w.space(ctx)
	if err != nil {
		return false, err
	}
	if update.Event == chat.Pressed && update.Callback != "" {
		w.acknowledge(ctx, update.Callback)
	}
	answer, err := w.answer(ctx, update, space, row.Attempts)
	if err == nil {
		err = w.finish(ctx, update, space, row.UpdateID, answer)
	}
	var wait *river.JobSnoozeError
	if err == nil || row.Attempts < chatAttempts || ctx.Err() != nil || errors.As(err, &wait) {
		return err == nil, err
	}
	w.log.ErrorContext(ctx, "an update of a chat is given up", "update_id", row.UpdateID, "error", err)
	answer = reply{messages: []chat.Message{{Text: "Something went wrong on my side, and I could not do that. Please try again."}}}
	return true, w.finish(ctx, update, space, row.UpdateID, answer)
}

// space is the one that the chat is; nil: it is nobody's.
func (w *chatWork) space(ctx context.Context) (*conversation.Space, error) {
	holder, held, err := holderOf(ctx, w.q, w.in)
	if err != nil || !held {
		return nil, err
	}
	return &conversation.Space{CustomerID: holder.CustomerID, ID: holder.SpaceID}, nil
}

// acknowledge ends the waiting that a pressed button shows. Nothing depends on it.
func (w *chatWork) acknowledge(ctx context.Context, callback string) {
	ctx, cancel := context.WithTimeout(ctx, sayTimeout)
	defer cancel()
	if err := w.bot.Acknowledge(ctx, callback); err != nil {
		w.log.DebugContext(ctx, "a pressed button could not be acknowledged", "error", err)
	}
}

// answer finds out what an update brings.
func (w *chatWork) answer(ctx context.Context, update chat.Update, space *conversation.Space, attempt int32) (reply, error) {
	switch update.Event {
	case chat.Ignored:
		if !update.Addressed { // else something that is no text was meant for us
			return reply{keep: true}, nil
		}
		update.Event, update.Text = chat.Said, ""
	case chat.Moved:
		return reply{keep: true, also: func(ctx context.Context, q *queries.Queries) error { return w.move(ctx, q, space, update.NewID) }}, nil
	case chat.Arrived:
		return w.arrived(ctx, space, update)
	}
	if update.Event == chat.Said && (space == nil || update.Addressed) {
		if code, link := conversation.Pairing(update.Text, space != nil); code != "" || link != "" {
			return w.pair(ctx, update, pairingWord{code: code, link: link})
		}
	}
	if space == nil {
		return w.answerUnpaired(ctx, update)
	}
	switch update.Event {
	case chat.Removed:
		return reply{keep: true, also: func(ctx context.Context, q *queries.Queries) error {
			return w.out(ctx, q, space.ID, "removed")
		}}, nil
	case chat.Added, chat.Failed:
		return reply{keep: true, also: func(ctx context.Context, q *queries.Queries) error {
			if update.Event == chat.Failed && update.Failure != chat.Gone {
				return nil
			}
			return q.SpaceReachable(ctx, queries.SpaceReachableParams{ID: space.ID, Reachable: update.Event == chat.Added})
		}}, nil
	case chat.Joined, chat.Left:
		return reply{keep: true, also: func(ctx context.Context, q *queries.Queries) error { return w.cameOrWent(ctx, q, space.ID, update) }}, nil
	}
	return w.answerInSpace(ctx, update, space, attempt)
}

// out notes that the bot cannot speak in the chat any more: a group's space ends, and a person's may come back.
func (w *chatWork) out(ctx context.Context, q *queries.Queries, spaceID uuid.UUID, because string) error {
	if w.in.Kind == chat.Group {
		return q.SpaceEnd(ctx, queries.SpaceEndParams{ID: spaceID, Because: because})
	}
	return q.SpaceReachable(ctx, queries.SpaceReachableParams{ID: spaceID, Reachable: false})
}

func (w *chatWork) cameOrWent(ctx context.Context, q *queries.Queries, spaceID uuid.UUID, update chat.Update) error {
	for _, person := range update.People {
		var err error
		if update.Event == chat.Joined {
			_, err = seen(ctx, q, spaceID, person)
		} else {
			err = q.SpacePersonLeft(ctx, queries.SpacePersonLeftParams{SpaceID: spaceID, ExternalID: person.ID})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// arrived waits until a chat that has this id now is done with what happened there under the one before: the last of it is that it
// has moved. Else what is said here meanwhile would be said in a chat that is nobody's.
func (w *chatWork) arrived(ctx context.Context, space *conversation.Space, update chat.Update) (reply, error) {
	if space != nil {
		return reply{keep: true}, nil
	}
	before := w.in
	before.ID = update.OldID
	holder, held, err := holderOf(ctx, w.q, before)
	if err != nil || !held {
		return reply{keep: true}, err
	}
	busy, err := w.q.ChatHasUpdates(ctx, queries.ChatHasUpdatesParams{
		Platform: string(before.Platform), Bot: before.Bot, Team: before.Team, Kind: string(before.Kind), Chat: before.ID,
	})
	if err != nil {
		return reply{}, fmt.Errorf("look for what happened before: %w", err)
	}
	if busy {
		return reply{}, river.JobSnooze(arrivedPause)
	}
	// Only this is known of the move so far.
	err = w.tx(ctx, &conversation.Space{CustomerID: holder.CustomerID, ID: holder.SpaceID}, func(ctx context.Context, q *queries.Queries) error {
		_, err := q.SpaceMove(ctx, queries.SpaceMoveParams{ID: holder.SpaceID, ExternalID: w.in.ID})
		return err
	})
	if err != nil && !errors.Is(err, tenant.ErrNotFound) {
		return reply{}, fmt.Errorf("move space: %w", err)
	}
	return reply{keep: true}, nil
}

// move follows a chat that has another id from now on, with what is still to be handled and said there. Where it has been paired under
// that id already, the space that it was ends, with all of that.
func (w *chatWork) move(ctx context.Context, q *queries.Queries, space *conversation.Space, newID string) error {
	if space != nil {
		moved, err := q.SpaceMove(ctx, queries.SpaceMoveParams{ID: space.ID, ExternalID: newID})
		if err != nil {
			return err
		}
		if moved == 0 {
			if err := q.SpaceEnd(ctx, queries.SpaceEndParams{ID: space.ID, Because: "gone"}); err != nil {
				return err
			}
			_, err = q.ChatDrop(ctx, queries.ChatDropParams{
				Platform: string(w.in.Platform), Bot: w.in.Bot, Team: w.in.Team, Kind: string(w.in.Kind), Chat: w.in.ID,
			})
			return err
		}
	}
	if err := q.ChatMoveUpdates(ctx, queries.ChatMoveUpdatesParams{
		NewChat: newID, Platform: string(w.in.Platform), Bot: w.in.Bot, Team: w.in.Team, Kind: string(w.in.Kind), Chat: w.in.ID,
	}); err != nil {
		return err
	}
	return q.ChatMoveOutbox(ctx, queries.ChatMoveOutboxParams{
		NewChat: newID, Platform: string(w.in.Platform), Bot: w.in.Bot, Team: w.in.Team, Kind: string(w.in.Kind), Chat: w.in.ID,
	})
}

// answerUnpaired answers in a chat that is nobody's: it can be paired, and nothing else.
func (w *chatWork) answerUnpaired(ctx context.Context, update chat.Update) (reply, error) {
	switch update.Event {
	case chat.Said, chat.Added, chat.Pressed:
	default:
		return reply{}, nil
	}
	waits, err := w.q.ChatWaits(ctx, queries.ChatWaitsParams{
		Platform: string(w.in.Platform), Bot: w.in.Bot, Team: w.in.Team, Kind: string(w.in.Kind), Chat: w.in.ID,
	})
	if err != nil {
		return reply{}, fmt.Errorf("look whether a chat waits: %w", err)
	}
	return reply{messages: conversation.Unpaired(update, waits).Messages}, nil
}

// answerInSpace has the conversation answer.
func (w *chatWork) answerInSpace(ctx context.Context, update chat.Update, space *conversation.Space, attempt int32) (reply, error) {
	if update.Person.ID == "" { // nobody in particular, such as a channel's post
		return reply{keep: true}, nil
	}
	turn := conversation.Turn{Update: update, Now: time.Now()}
	err := w.db.TxRetry(ctx, w.scope(space), func(ctx context.Context, tx *tenant.Tx) error {
		q := queries.New(tx)
		brief, err := q.SpaceBrief(ctx, space.ID)
		if err != nil {
			return err
		}
		space.Customer = brief.Customer
		if title := clipRunes(update.Chat.Title, maxChatName); title != "" && title != brief.Title {
			if err := q.SpaceTitle(ctx, queries.SpaceTitleParams{ID: space.ID, Title: title}); err != nil {
				return err
			}
		}
		person, err := seen(ctx, q, space.ID, update.Person)
		if err != nil {
			return err
		}
		turn.State = conversation.ParseState(person.Asked)
		if update.Event != chat.Said || update.Text == "" {
			return nil
		}
		return q.MessageCreate(ctx, queries.MessageCreateParams{
			ID: messageID(update), SpaceID: space.ID, Direction: "in", Person: update.Person.ID, PersonName: clipRunes(update.Person.Name, maxChatName),
			Text: clipRunes(update.Text, maxMessage), SaidAt: update.At,
		})
	})
	if err != nil {
		return reply{}, fmt.Errorf("write down what was said: %w", err)
	}
	turn.Space = *space
	if attempt == 1 {
		turn.Say = func(ctx context.Context, m chat.Message) {
			ctx, cancel := context.WithTimeout(ctx, sayTimeout)
			defer cancel()
			if _, err := w.bot.Send(ctx, w.in, m); err != nil {
				w.log.DebugContext(ctx, "what was said meanwhile did not arrive", "error", err)
			}
		}
	}
	answer, err := w.conversation.Answer(ctx, turn)
	if err != nil {
		return reply{}, fmt.Errorf("answer: %w", err)
	}
	return reply{messages: answer.Messages, asked: answer.State}, nil
}

// finish stores what an update has brought, with its mark: all of it or nothing. Where somebody else has handled the update
// meanwhile, nothing is stored.
func (w *chatWork) finish(ctx context.Context, update chat.Update, space *conversation.Space, updateID string, r reply) error {
	err := w.tx(ctx, space, func(ctx context.Context, q *queries.Queries) error {
		marked, err := q.ChatUpdateHandled(ctx, queries.ChatUpdateHandledParams{Platform: string(w.in.Platform), Bot: w.in.Bot, UpdateID: updateID})
		if err != nil || marked == 0 {
			return err
		}
		if r.also != nil {
			if err := r.also(ctx, q); err != nil {
				return err
			}
		}
		to := w.in
		if update.Event == chat.Moved {
			to.ID = update.NewID
		}
		for _, m := range r.messages {
			if err := addToOutbox(ctx, q, to, space, m); err != nil {
				return err
			}
		}
		if space == nil || r.keep || update.Person.ID == "" {
			return nil
		}
		asked, err := conversation.MarshalState(r.asked)
		if err != nil {
			return err
		}
		if r.asked != nil && len(r.asked.Choices) > 0 && len(r.messages) > 0 {
			if err := q.SpaceChoicesForget(ctx, queries.SpaceChoicesForgetParams{SpaceID: space.ID, ExternalID: update.Person.ID}); err != nil {
				return err
			}
		}
		return q.SpacePersonAsked(ctx, queries.SpacePersonAskedParams{Asked: asked, SpaceID: space.ID, ExternalID: update.Person.ID})
	})
	if err != nil {
		return fmt.Errorf("store what an update has brought: %w", err)
	}
	return nil
}

// tx is a transaction in the space's customer, or where the chat is nobody's, the worker's own.
func (w *chatWork) tx(ctx context.Context, space *conversation.Space, fn func(ctx context.Context, q *queries.Queries) error) error {
	if space == nil {
		return pgx.BeginFunc(ctx, w.pool, func(tx pgx.Tx) error { return fn(ctx, queries.New(tx)) })
	}
	return w.db.TxRetry(ctx, w.scope(space), func(ctx context.Context, tx *tenant.Tx) error { return fn(ctx, queries.New(tx)) })
}

// scope is the worker's at this job, in the space's customer.
func (w *chatWork) scope(space *conversation.Space) tenant.Scope {
	return tenant.Worker(space.CustomerID, tenant.Request{Job: w.job.ID, Operation: "chat"})
}

// maxMessage is how much of what was said is kept, in characters.
const maxMessage = 50_000

// seen notes that somebody is in a space.
func seen(ctx context.Context, q *queries.Queries, spaceID uuid.UUID, person chat.Person) (queries.SpacePersonSeenRow, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return queries.SpacePersonSeenRow{}, fmt.Errorf("make id: %w", err)
	}
	return q.SpacePersonSeen(ctx, queries.SpacePersonSeenParams{
		ID: id, SpaceID: spaceID, ExternalID: person.ID, Name: clipRunes(cmp.Or(person.Name, person.Username), maxChatName), Username: clipRunes(person.Username, maxChatName),
	})
}

// messageID is the id under which what was said is kept: the same when the update is handled again.
func messageID(update chat.Update) uuid.UUID {
	id := uuid.NewSHA1(uuid.NameSpaceOID, []byte(fmt.Sprintf("%s\n%s\n%s", update.Chat.Platform, update.Chat.Bot, update.ID)))
	ms := update.At.UnixMilli()
	for i := range 6 { // in the order of time, as all ids are (RFC 9562, section 5.7)
		id[i] = byte(ms >> (8 * (5 - i)))
	}
	id[6] = id[6]&0x0f | 0x70
	return id
}

// clipRunes is the beginning of a text, in characters.
func clipRunes(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit])
	}
	return text
}
