package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// Erasure is the receipt of a customer's erasure.
type Erasure struct {
	ID          uuid.UUID        `json:"id" format:"uuid"`
	CustomerID  uuid.UUID        `json:"customer_id" format:"uuid" doc:"What the customer's id was."`
	State       string           `json:"state" enum:"requested,running,finished"`
	RequestedBy uuid.UUID        `json:"requested_by" format:"uuid" doc:"The person who asked for it."`
	RequestedAt time.Time        `json:"requested_at"`
	StartedAt   *time.Time       `json:"started_at"`
	FinishedAt  *time.Time       `json:"finished_at" doc:"From when on nothing is left but this."`
	Rows        map[string]int64 `json:"rows" doc:"How many rows were deleted so far, by table."`
	Files       int64            `json:"files" doc:"How many files were deleted."`
}

type erasureOutput struct{ Body Erasure }

// ErasureRequest names the customer once more.
type ErasureRequest struct {
	Name string `json:"name" minLength:"1" maxLength:"200" doc:"The customer's name, exactly."`
}

// ErasurePath is the path of an erasure.
type ErasurePath struct {
	ErasureID uuid.UUID `path:"erasure_id" format:"uuid" doc:"The erasure."`
}

func (a *API) registerErasures() {
	tags := []string{"Customers"}
	register(a, huma.Operation{
		OperationID: "erase-customer", Metadata: map[string]any{afterwardsKey: true}, Method: http.MethodPost, Path: "/v1/customers/{customer_id}/erasure", Tags: tags,
		Summary: "Erase a customer for good",
		Description: "Deletes everything that the customer has, which cannot be undone: posts, accounts, files, members, keys, its audit log. " +
			"It must be archived and is named once more. From now on it is not there for anybody; the receipt at /v1/erasures/{erasure_id} " +
			"says when nothing is left. Owners only.",
		DefaultStatus: http.StatusAccepted,
	}, a.eraseCustomer)
	register(a, huma.Operation{
		OperationID: "list-erasures", Method: http.MethodGet, Path: "/v1/erasures", Tags: tags,
		Summary: "List the erasures that you have asked for", Description: "System roles see all. Newest first.",
	}, a.listErasures)
	register(a, huma.Operation{
		OperationID: "get-erasure", Method: http.MethodGet, Path: "/v1/erasures/{erasure_id}", Tags: tags,
		Summary: "Get the receipt of an erasure", Description: "For whoever asked for it, and for system roles.",
	}, a.getErasure)
}

func (a *API) eraseCustomer(ctx context.Context, in *struct {
	CustomerPath
	Body ErasureRequest
}) (*erasureOutput, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	out, err := change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*erasureOutput, error) {
		if err := q.ErasureRequest(ctx, queries.ErasureRequestParams{ID: id, Name: in.Body.Name}); err != nil {
			return nil, err
		}
		row, err := q.ErasureGet(ctx, id)
		if err != nil {
			return nil, err
		}
		return erasureAnswer(row)
	})
	if errors.Is(err, tenant.ErrNotFound) {
		// Whoever asks again finds no customer, but their own erasure of it.
		if row, readErr := read(ctx, a, scope(ctx), func(q *queries.Queries) (queries.Erasure, error) {
			return q.ErasureGetOwn(ctx, in.CustomerID)
		}); readErr == nil {
			return erasureAnswer(row)
		}
	}
	return out, err
}

func (a *API) listErasures(ctx context.Context, in *PageQuery) (*pageOutput[Erasure], error) {
	before, err := in.before(listOfErasures)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx), func(q *queries.Queries) ([]queries.Erasure, error) {
		return q.ErasureList(ctx, queries.ErasureListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	body, err := page(rows, in.Limit, erasureFrom, func(row queries.Erasure) string { return cursorOf(listOfErasures, row.ID) })
	return &pageOutput[Erasure]{Body: body}, err
}

func (a *API) getErasure(ctx context.Context, in *ErasurePath) (*erasureOutput, error) {
	row, err := read(ctx, a, scope(ctx), func(q *queries.Queries) (queries.Erasure, error) { return q.ErasureGet(ctx, in.ErasureID) })
	if err != nil {
		return nil, noRows(err, "erasure")
	}
	return erasureAnswer(row)
}

func erasureAnswer(row queries.Erasure) (*erasureOutput, error) {
	erasure, err := erasureFrom(row)
	return &erasureOutput{Body: erasure}, err
}

func erasureFrom(row queries.Erasure) (Erasure, error) {
	erasure := Erasure{
		ID: row.ID, CustomerID: row.SubjectID, State: row.State, RequestedBy: row.RequestedBy, RequestedAt: row.RequestedAt.UTC(),
		StartedAt: utc(row.StartedAt), FinishedAt: utc(row.FinishedAt), Files: row.Files,
	}
	if err := json.Unmarshal(row.Counts, &erasure.Rows); err != nil {
		return Erasure{}, fmt.Errorf("decode counts: %w", err)
	}
	return erasure, nil
}
