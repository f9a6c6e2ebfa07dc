package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/queries"
)

// Job is a piece of work in the queue.
type Job struct {
	ID             uuid.UUID  `json:"id" format:"uuid"`
	Kind           string     `json:"kind" example:"publish"`
	State          string     `json:"state" enum:"waiting,running,completed,cancelled,failed" doc:"waiting also covers jobs for a later time and those that will be tried again."`
	PostID         *uuid.UUID `json:"post_id" format:"uuid" nullable:"true"`
	PlatformPostID *uuid.UUID `json:"platform_post_id" format:"uuid" nullable:"true"`
	Attempt        int16      `json:"attempt" doc:"How often it has run."`
	CreatedAt      time.Time  `json:"created_at"`
	ScheduledAt    time.Time  `json:"scheduled_at" doc:"When it runs next, or ran."`
	StartedAt      *time.Time `json:"started_at" doc:"When it last began to run."`
	FinishedAt     *time.Time `json:"finished_at"`
}

func (a *API) registerJobs() {
	register(a, huma.Operation{
		OperationID: "list-jobs", Metadata: needs("jobs:read"), Method: http.MethodGet, Path: "/v1/customers/{customer_id}/jobs", Tags: []string{"Jobs"},
		Summary: "List the customer's jobs", Description: "Newest first. Finished jobs are kept for a day, failed ones for a week.",
	}, a.listJobs)
}

func (a *API) listJobs(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Job], error) {
	before, err := in.before(listOfJobs)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.JobListRow, error) {
		return q.JobList(ctx, queries.JobListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.JobListRow) (Job, error) { return jobFrom(row), nil }
	body, err := page(rows, in.Limit, convert, func(row queries.JobListRow) string { return cursorOf(listOfJobs, row.PublicID) })
	return &pageOutput[Job]{Body: body}, err
}

func jobFrom(row queries.JobListRow) Job {
	return Job{
		ID: row.PublicID, Kind: row.Kind, State: jobState(row.State),
		PostID: optionalID(row.PostID), PlatformPostID: optionalID(row.PlatformPostID), Attempt: row.Attempt,
		CreatedAt: row.CreatedAt.UTC(), ScheduledAt: row.ScheduledAt.UTC(), StartedAt: utc(row.AttemptedAt), FinishedAt: utc(row.FinalizedAt),
	}
}

// jobState puts River's states into the words of the API.
func jobState(state string) string {
	switch state {
	case "running", "completed", "cancelled":
		return state
	case "discarded":
		return "failed"
	default: // available, pending, retryable, scheduled
		return "waiting"
	}
}

func optionalID(text string) *uuid.UUID {
	id, err := uuid.Parse(text)
	if err != nil {
		return nil
	}
	return &id
}
