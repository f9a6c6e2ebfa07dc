package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/bucket"
	"fanfare/queries"
)

// Export is an archive of everything that a customer has.
type Export struct {
	ID          uuid.UUID  `json:"id" format:"uuid"`
	State       string     `json:"state" enum:"queued,running,ready,failed,expired"`
	RequestedBy *uuid.UUID `json:"requested_by" format:"uuid" nullable:"true" doc:"The person who asked for it."`
	SizeBytes   *int64     `json:"size_bytes" doc:"Of the archive, once it is ready."`
	SHA256      *string    `json:"sha256" doc:"Of the archive, in hexadecimal."`
	Problem     *string    `json:"problem" doc:"Why it failed, and what to do."`
	ExpiresAt   *time.Time `json:"expires_at" doc:"Until when it can be downloaded."`
	CreatedAt   time.Time  `json:"created_at"`
	StartedAt   *time.Time `json:"started_at" doc:"When it last began to be written."`
	FinishedAt  *time.Time `json:"finished_at"`
}

type exportOutput struct {
	ETag string `header:"ETag"`
	Body Export
}

// ExportPath is the path of an export.
type ExportPath struct {
	CustomerPath
	ExportID uuid.UUID `path:"export_id" format:"uuid" doc:"The export."`
}

func (a *API) registerExports() {
	tags := []string{"Exports"}
	const list, one = "/v1/customers/{customer_id}/exports", "/v1/customers/{customer_id}/exports/{export_id}"
	register(a, huma.Operation{
		OperationID: "list-exports", Method: http.MethodGet, Path: list, Tags: tags, Summary: "List exports",
		Description: "Exports are for admins and owners. Newest first.",
	}, a.listExports)
	register(a, huma.Operation{
		OperationID: "create-export", Method: http.MethodPost, Path: list, Tags: tags, Summary: "Export everything",
		Description: "Writes everything that the customer has to an archive (zip), which can be downloaded for a day. " +
			"Admins and owners may do this, in an archived customer too; one at a time.",
		DefaultStatus: http.StatusAccepted,
	}, a.createExport)
	register(a, huma.Operation{
		OperationID: "get-export", Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get an export",
	}, a.getExport)
	register(a, huma.Operation{
		OperationID: "delete-export", Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Delete an export",
		Description: "Also ends one that is being written.", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteExport)
	register(a, huma.Operation{
		OperationID: "download-export", Method: http.MethodGet, Path: one + "/download", Tags: tags, Summary: "Download an export",
		Description: "The archive, or the part of it that `Range` names. README.txt in it says how to read it.",
		Errors:      []int{http.StatusConflict, http.StatusRequestedRangeNotSatisfiable},
		Responses:   map[string]*huma.Response{"200": zipResponse("The archive."), "206": zipResponse("The part that was asked for.")},
	}, a.downloadExport)
}

func zipResponse(description string) *huma.Response {
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{
		"application/zip": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}
}

func (a *API) listExports(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Export], error) {
	before, err := in.before(listOfExports)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.ExportListRow, error) {
		return q.ExportList(ctx, queries.ExportListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.ExportListRow) (Export, error) { return exportFrom(row), nil }
	body, err := page(rows, in.Limit, convert, func(row queries.ExportListRow) string { return cursorOf(listOfExports, row.ID) })
	return &pageOutput[Export]{Body: body}, err
}

func (a *API) createExport(ctx context.Context, in *CustomerPath) (*exportOutput, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*exportOutput, error) {
		// The database decides first whether the caller may ask at all. The worker finds the row.
		if err := q.ExportCreate(ctx, id); err != nil {
			return nil, err
		}
		if a.Bucket == nil {
			return nil, noBucket()
		}
		row, err := q.ExportGet(ctx, id)
		return exportAnswer(row), err
	})
}

// noBucket says that there is no place for files on this server.
func noBucket() *Problem {
	return problem(http.StatusServiceUnavailable, "Files are not set up on this server: it has no bucket. Whoever runs it sets FANFARE_BUCKET.")
}

func (a *API) getExport(ctx context.Context, in *ExportPath) (*exportOutput, error) {
	row, err := a.exportRow(ctx, in)
	if err != nil {
		return nil, err
	}
	return exportAnswer(row), nil
}

func (a *API) exportRow(ctx context.Context, in *ExportPath) (queries.ExportGetRow, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.ExportGetRow, error) {
		return q.ExportGet(ctx, in.ExportID)
	})
	return row, noRows(err, "export")
}

// deleteExport puts the export out of reach, deletes its file, then its row: if it ends in between, the worker
// goes on with it. An export that is being written has no file yet; its job finds that there is nothing to do.
func (a *API) deleteExport(ctx context.Context, in *struct {
	ExportPath
	Condition
}) (*struct{}, error) {
	customer := scope(ctx).In(in.CustomerID)
	var ready bool
	err := a.tx(ctx, customer, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		row, err := q.ExportGet(ctx, in.ExportID)
		if err != nil {
			return noRows(err, "export")
		}
		if err := in.check(row.Version); err != nil {
			return err
		}
		expired, err := q.ExportExpire(ctx, in.ExportID)
		if ready = expired > 0; err != nil || ready {
			return err
		}
		_, err = q.ExportDelete(ctx, in.ExportID)
		return err
	})
	if err != nil || !ready {
		return nil, err
	}
	if a.Bucket == nil {
		return nil, noBucket()
	}
	if err := a.Bucket.DeleteAll(ctx, bucket.Export(in.CustomerID, in.ExportID)); err != nil {
		return nil, fmt.Errorf("delete export's file: %w", err)
	}
	return nil, a.tx(ctx, customer, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		_, err := q.ExportDelete(ctx, in.ExportID)
		return err
	})
}

func (a *API) downloadExport(ctx context.Context, in *ExportPath) (*huma.StreamResponse, error) {
	row, err := a.exportRow(ctx, in)
	switch {
	case err != nil:
		return nil, err
	case row.State == "queued" || row.State == "running":
		return nil, conflict("The export is not ready yet. Look at its state again in a while.")
	case row.State == "failed":
		return nil, conflict("The export failed, so there is no archive. Ask for another one.")
	case !row.Downloadable:
		return nil, problem(http.StatusNotFound, "The archive is gone: it can be downloaded for a day. Ask for another export.")
	case a.Bucket == nil:
		return nil, noBucket()
	}
	// Opened for the time of the whole answer, which outlasts this function and its ctx.
	file, err := a.Bucket.Read(context.WithoutCancel(ctx), bucket.Export(in.CustomerID, in.ExportID))
	if errors.Is(err, bucket.ErrNotFound) {
		return nil, problem(http.StatusNotFound, "The archive is gone. Ask for another export.")
	}
	if err != nil {
		return nil, fmt.Errorf("open export's file: %w", err)
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer file.Close()
		ctx.SetHeader("Content-Type", "application/zip")
		ctx.SetHeader("Content-Disposition", `attachment; filename="fanfare-export-`+in.ExportID.String()+`.zip"`)
		ctx.SetHeader("ETag", `"`+*row.Sha256+`"`)
		a.serveFile(ctx, file)
	}}, nil
}

func exportAnswer(row queries.ExportGetRow) *exportOutput {
	return &exportOutput{ETag: etag(row.Version), Body: exportFrom(queries.ExportListRow{
		ID: row.ID, State: row.State, RequestedBy: row.RequestedBy, StartedAt: row.StartedAt, FinishedAt: row.FinishedAt,
		SizeBytes: row.SizeBytes, Sha256: row.Sha256, Problem: row.Problem, ExpiresAt: row.ExpiresAt, CreatedAt: row.CreatedAt,
	})}
}

func exportFrom(row queries.ExportListRow) Export {
	return Export{
		ID: row.ID, State: row.State, RequestedBy: row.RequestedBy, SizeBytes: row.SizeBytes, SHA256: row.Sha256, Problem: row.Problem,
		ExpiresAt: utc(row.ExpiresAt), CreatedAt: row.CreatedAt.UTC(), StartedAt: utc(row.StartedAt), FinishedAt: utc(row.FinishedAt),
	}
}
