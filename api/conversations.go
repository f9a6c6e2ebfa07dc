package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// Message is what was said in a space.
type Message struct {
	ID         uuid.UUID     `json:"id" format:"uuid"`
	SpaceID    uuid.UUID     `json:"space_id" format:"uuid"`
	Direction  string        `json:"direction" enum:"in,out" doc:"in: somebody said it; out: Fanfare did."`
	Person     string        `json:"person" doc:"Who said it, by the platform's id; empty for Fanfare."`
	PersonName string        `json:"person_name"`
	Text       string        `json:"text" doc:"Foreign text: whoever writes in the chat."`
	SaidAt     time.Time     `json:"said_at"`
	Snippet    []SnippetPart `json:"snippet" nullable:"false" doc:"The text around what was found; empty without q."`
}

// SnippetPart is a piece of a text in which something was found.
type SnippetPart struct {
	Text  string `json:"text"`
	Match bool   `json:"match" doc:"Whether it is what was found. Words that are found without their accents are not marked."`
}

// SearchQuery is what is searched for.
type SearchQuery struct {
	Q string `query:"q" maxLength:"200" doc:"What to search for: words that must all be there, \"a phrase\" in quotes, or between two words, - before what must not be there. Case and accents do not matter, and the last word may be unfinished from its third letter on."`
}

// Erased is how much was deleted.
type Erased struct {
	Messages int64 `json:"messages"`
	Memories int64 `json:"memories"`
}

func (a *API) registerConversations() {
	tags := []string{"Conversations"}
	const list = "/v1/customers/{customer_id}/spaces/{space_id}/messages"
	register(a, huma.Operation{
		OperationID: "list-messages", Metadata: needs("conversations:read", "memories:read"), Method: http.MethodGet, Path: list, Tags: tags, Summary: "List what was said in a space",
		Description: "Newest first, also what is found by q. Keys and agents of the space, and its people, see it with either permission, others with conversations:read. " +
			"A space that is not the caller's to see has no messages.",
	}, a.listMessages)
	register(a, huma.Operation{
		OperationID: "delete-messages", Method: http.MethodDelete, Path: list, Tags: tags, Summary: "Delete what was said in a space",
		Description: "All of it, or what was said before a time; with the space's memories, if that is asked for. It is gone for good, and how much it was is in the audit log. If-Match takes the ETag of the space.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.deleteMessages)
}

func (a *API) listMessages(ctx context.Context, in *struct {
	SpacePath
	PageQuery
	SearchQuery
}) (*pageOutput[Message], error) {
	before, err := in.before(listOfMessages)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.MessageListRow, error) {
		if in.Q == "" {
			return q.MessageList(ctx, queries.MessageListParams{SpaceID: in.SpaceID, Before: before, MaxRows: in.more()})
		}
		found, err := q.MessageSearch(ctx, queries.MessageSearchParams{SpaceID: in.SpaceID, Query: in.Q, Before: before, MaxRows: in.more()})
		rows := make([]queries.MessageListRow, len(found))
		for i, row := range found {
			rows[i] = queries.MessageListRow(row)
		}
		return rows, err
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 { // of one that is there, or of none
		if err := a.spaceThere(ctx, scope(ctx).In(in.CustomerID), in.SpaceID); err != nil {
			return nil, err
		}
	}
	convert := func(row queries.MessageListRow) (Message, error) {
		return Message{
			ID: row.ID, SpaceID: row.SpaceID, Direction: row.Direction, Person: row.Person, PersonName: row.PersonName, Text: row.Text,
			SaidAt: row.SaidAt.UTC(), Snippet: snippet(row.Snippet),
		}, nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.MessageListRow) string { return cursorOf(listOfMessages, row.ID) })
	return &pageOutput[Message]{Body: body}, err
}

// spaceThere refuses a space that is not there for the caller.
func (a *API) spaceThere(ctx context.Context, in tenant.Scope, id uuid.UUID) error {
	there, err := read(ctx, a, in, func(q *queries.Queries) (bool, error) { return q.SpaceThere(ctx, id) })
	if err == nil && !there {
		err = notFound("space")
	}
	return err
}

func (a *API) deleteMessages(ctx context.Context, in *struct {
	SpacePath
	Condition
	Before   time.Time `query:"before" doc:"Only what is from before this moment."`
	Memories bool      `query:"memories" default:"false" doc:"Also the memories of the space."`
}) (*struct{ Body Erased }, error) {
	var before *time.Time
	if !in.Before.IsZero() {
		before = &in.Before
	}
	out := &struct{ Body Erased }{}
	return out, a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (err error) {
		space, err := q.SpaceGet(ctx, in.SpaceID)
		if err != nil {
			return noRows(err, "space")
		}
		// Else nothing would be found, and that told as done.
		if allowed, err := q.MessageMayDelete(ctx); err != nil {
			return err
		} else if !allowed {
			return forbidden()
		}
		if err := in.check(space.Version); err != nil {
			return err
		}
		if out.Body.Messages, err = q.MessageDelete(ctx, queries.MessageDeleteParams{SpaceID: in.SpaceID, Before: before}); err != nil {
			return err
		}
		if in.Memories {
			out.Body.Memories, err = q.MemoryDeleteOfSpace(ctx, queries.MemoryDeleteOfSpaceParams{SpaceID: in.SpaceID, Before: before})
		}
		return err
	})
}

// snippet takes a text apart in which characters 1 and 2 stand around what was found.
func snippet(marked string) []SnippetPart {
	parts := []SnippetPart{}
	add := func(text string, match bool) {
		if text != "" {
			parts = append(parts, SnippetPart{Text: text, Match: match})
		}
	}
	for marked != "" {
		plain, rest, _ := strings.Cut(marked, "\x01")
		found, after, _ := strings.Cut(rest, "\x02")
		add(plain, false)
		add(found, true)
		marked = after
	}
	return parts
}
