package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/embedding"
	"fanfare/queries"
)

const (
	// queryEmbedTimeout is how long a search waits for the embeddings server. After it, it goes by words alone.
	queryEmbedTimeout = 3 * time.Second
	// rankSmoothing weighs places in two rankings: the higher, the less does the first place count.
	rankSmoothing = 60
)

// Memory is something that is to be remembered.
type Memory struct {
	ID        uuid.UUID     `json:"id" format:"uuid"`
	SpaceID   *uuid.UUID    `json:"space_id" format:"uuid" nullable:"true" doc:"The space that it belongs to; null where it is the whole customer's, which every space reads."`
	Text      string        `json:"text"`
	CreatedBy *uuid.UUID    `json:"created_by" format:"uuid" nullable:"true" doc:"The person who wrote it; null where it was a key, an agent, or somebody in a chat who is no member."`
	Person    *string       `json:"person" doc:"Who wrote it in a space: in its chat, by the platform's id; with an agent token, agent: and the name of its person."`
	CreatedAt time.Time     `json:"created_at"`
	UpdatedAt time.Time     `json:"updated_at"`
	Snippet   []SnippetPart `json:"snippet" nullable:"false" doc:"The text around what was found; empty without q, and where a memory was found by what it means."`
}

type memoryOutput struct {
	ETag string `header:"ETag"`
	Body Memory
}

// MemoryPath is the path of a memory.
type MemoryPath struct {
	CustomerPath
	MemoryID uuid.UUID `path:"memory_id" format:"uuid" doc:"The memory."`
}

// MemoryCreate is a new memory.
type MemoryCreate struct {
	Text    string     `json:"text" minLength:"1" maxLength:"4000"`
	SpaceID *uuid.UUID `json:"space_id,omitempty" format:"uuid" doc:"The space that it is to belong to. Left out: the one that the caller acts in, and where it acts in none, the whole customer."`
}

// MemoryUpdate changes the fields that are given.
type MemoryUpdate struct {
	Text *string `json:"text,omitempty" minLength:"1" maxLength:"4000"`
}

func (a *API) registerMemories() {
	tags := []string{"Memories"}
	const list, one = "/v1/customers/{customer_id}/memories", "/v1/customers/{customer_id}/memories/{memory_id}"
	reads, writes := needs("memories:read", "memories:write"), needs("memories:write")
	register(a, huma.Operation{
		OperationID: "list-memories", Metadata: reads, Method: http.MethodGet, Path: list, Tags: tags, Summary: "List memories, or search among them",
		Description: "Newest first; with q the best first, on one page. Where the installation has an embeddings server, also memories are found that mean much the same as q. " +
			"In a space they are its own and those of the whole customer; keys and agents of no space see those of spaces with conversations:read.",
	}, a.listMemories)
	register(a, huma.Operation{
		OperationID: "create-memory", Metadata: writes, Method: http.MethodPost, Path: list, Tags: tags, Summary: "Remember something",
		Description: "In a space, for that space alone. A space has 5000 memories at most, and the whole customer as many.", DefaultStatus: http.StatusCreated,
	}, a.createMemory)
	register(a, huma.Operation{
		OperationID: "get-memory", Metadata: reads, Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a memory",
	}, a.getMemory)
	register(a, huma.Operation{
		OperationID: "update-memory", Metadata: writes, Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Change a memory",
		Errors: []int{http.StatusPreconditionFailed},
	}, a.updateMemory)
	register(a, huma.Operation{
		OperationID: "delete-memory", Metadata: writes, Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Forget something",
		Description: "It is gone for good. That it was there stays in the audit log, and not what it said.", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteMemory)
}

func (a *API) listMemories(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
	SearchQuery
	SpaceID uuid.UUID `query:"space_id" format:"uuid" doc:"Only what is useful in this space: its own memories and those of the whole customer."`
}) (*pageOutput[Memory], error) {
	before, err := in.before(listOfMemories)
	if err != nil {
		return nil, err
	}
	var space *uuid.UUID
	if in.SpaceID != uuid.Nil {
		space = &in.SpaceID
	}
	within := scope(ctx).In(in.CustomerID)
	if in.Q != "" {
		found, err := a.searchMemories(ctx, within, space, in.Q, in.Limit)
		if err != nil {
			return nil, err
		}
		body := Page[Memory]{Items: make([]Memory, len(found))}
		for i, row := range found {
			body.Items[i] = memoryFrom(row)
		}
		return &pageOutput[Memory]{Body: body}, nil
	}
	rows, err := read(ctx, a, within, func(q *queries.Queries) ([]queries.MemoryListRow, error) {
		return q.MemoryList(ctx, queries.MemoryListParams{Before: before, SpaceID: space, MaxRows: in.more()})
	})
	if err == nil && space != nil {
		err = a.spaceThere(ctx, within, *space)
	}
	if err != nil {
		return nil, err
	}
	convert := func(row queries.MemoryListRow) (Memory, error) { return memoryFrom(queries.MemoryGetRow(row)), nil }
	body, err := page(rows, in.Limit, convert, func(row queries.MemoryListRow) string { return cursorOf(listOfMemories, row.ID) })
	return &pageOutput[Memory]{Body: body}, err
}

// searchMemories finds memories by their words and, where there is an embeddings server, by what they mean. It is asked after the
// database has let the caller in, and outside of a transaction; without its answer the search goes by words.
func (a *API) searchMemories(ctx context.Context, in tenant.Scope, space *uuid.UUID, text string, limit int32) ([]queries.MemoryGetRow, error) {
	byWords, err := read(ctx, a, in, func(q *queries.Queries) ([]queries.MemorySearchRow, error) {
		return q.MemorySearch(ctx, queries.MemorySearchParams{Query: text, SpaceID: space, MaxRows: limit})
	})
	if err == nil && space != nil {
		err = a.spaceThere(ctx, in, *space)
	}
	if err != nil {
		return nil, err
	}
	words := make([]queries.MemoryGetRow, len(byWords))
	for i, row := range byWords {
		words[i] = queries.MemoryGetRow(row)
	}
	vector, err := a.embedQuery(ctx, in, text)
	if vector == nil || err != nil {
		return words, err
	}
	nearest, err := read(ctx, a, in, func(q *queries.Queries) ([]queries.MemoryNearestRow, error) {
		return q.MemoryNearest(ctx, queries.MemoryNearestParams{Embedding: vector, Model: a.Embedder.Model(), SpaceID: space, MaxRows: limit})
	})
	if err != nil {
		return nil, err
	}
	meaning := make([]queries.MemoryGetRow, len(nearest))
	for i, row := range nearest {
		meaning[i] = queries.MemoryGetRow{
			ID: row.ID, SpaceID: row.SpaceID, Text: row.Text, CreatedBy: row.CreatedBy, Person: row.Person, Version: row.Version,
			CreatedAt: row.CreatedAt, UpdatedAt: row.UpdatedAt,
		}
	}
	return merge(words, meaning, int(limit)), nil
}

// embedKind is what usage counts a text as that the embeddings server was asked for.
const embedKind = "embed_text"

// embedQuery gives the vector of what is searched for, nil where there is none. It counts that the server was asked, if it has answered
// or the caller has gone away before.
func (a *API) embedQuery(ctx context.Context, in tenant.Scope, text string) ([]float32, error) {
	if a.Embedder == nil {
		return nil, nil
	}
	asking, cancel := context.WithTimeout(ctx, queryEmbedTimeout)
	defer cancel()
	vectors, err := a.Embedder.Embed(asking, []string{text})
	switch {
	case err == nil, errors.Is(ctx.Err(), context.Canceled):
	case errors.Is(err, embedding.ErrRefused):
		return nil, nil
	default:
		a.log.WarnContext(ctx, "memories are searched by words alone, because the embeddings server did not answer", "error", err, "request_id", requestID(ctx))
		return nil, nil
	}
	counting, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer done()
	counted := a.tx(counting, in, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return q.UsageCount(ctx, queries.UsageCountParams{Kind: embedKind, Count: 1})
	})
	if err != nil || counted != nil {
		return nil, counted
	}
	return vectors[0], nil
}

// merge makes one ranking of two, by reciprocal ranks: what is well up in both comes first.
// https://dl.acm.org/doi/10.1145/1571941.1572114
func merge(words, meaning []queries.MemoryGetRow, limit int) []queries.MemoryGetRow {
	score := map[uuid.UUID]float64{}
	var merged []queries.MemoryGetRow
	for _, ranking := range [][]queries.MemoryGetRow{words, meaning} {
		for place, row := range ranking {
			if _, known := score[row.ID]; !known {
				merged = append(merged, row)
			}
			score[row.ID] += 1 / float64(rankSmoothing+place+1)
		}
	}
	slices.SortStableFunc(merged, func(a, b queries.MemoryGetRow) int { return cmp.Compare(score[b.ID], score[a.ID]) })
	return merged[:min(len(merged), limit)]
}

func (a *API) createMemory(ctx context.Context, in *struct {
	CustomerPath
	Body MemoryCreate
}) (*memoryOutput, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*memoryOutput, error) {
		if err := q.MemoryCreate(ctx, queries.MemoryCreateParams{ID: id, SpaceID: in.Body.SpaceID, Text: in.Body.Text}); err != nil {
			return nil, err
		}
		row, err := q.MemoryGet(ctx, id)
		return memoryAnswer(row), err
	})
}

func (a *API) getMemory(ctx context.Context, in *MemoryPath) (*memoryOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.MemoryGetRow, error) {
		return q.MemoryGet(ctx, in.MemoryID)
	})
	if err != nil {
		return nil, noRows(err, "memory")
	}
	return memoryAnswer(row), nil
}

func (a *API) updateMemory(ctx context.Context, in *struct {
	MemoryPath
	Condition
	Body MemoryUpdate
}) (*memoryOutput, error) {
	if in.Body.Text == nil {
		return nil, nothingToChange()
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*memoryOutput, error) {
		var row queries.MemoryGetRow
		get := func() (err error) {
			row, err = q.MemoryGet(ctx, in.MemoryID)
			return noRows(err, "memory")
		}
		err := in.change(func(version *int64) (int64, error) {
			return q.MemoryUpdate(ctx, queries.MemoryUpdateParams{ID: in.MemoryID, Version: version, Text: *in.Body.Text})
		}, get)
		if err == nil {
			err = get()
		}
		return memoryAnswer(row), err
	})
}

func (a *API) deleteMemory(ctx context.Context, in *struct {
	MemoryPath
	Condition
}) (*struct{}, error) {
	return nil, a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.MemoryDelete(ctx, queries.MemoryDeleteParams{ID: in.MemoryID, Version: version})
		}, func() error {
			_, err := q.MemoryGet(ctx, in.MemoryID)
			return noRows(err, "memory")
		})
	})
}

func memoryAnswer(row queries.MemoryGetRow) *memoryOutput {
	return &memoryOutput{ETag: etag(row.Version), Body: memoryFrom(row)}
}

func memoryFrom(row queries.MemoryGetRow) Memory {
	return Memory{
		ID: row.ID, SpaceID: row.SpaceID, Text: row.Text, CreatedBy: row.CreatedBy, Person: row.Person,
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(), Snippet: snippet(row.Snippet),
	}
}
