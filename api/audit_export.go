package api

import (
	"bufio"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"fanfare/queries"
)

// exportPage is how many entries an export reads in one statement.
const exportPage = 1000

// exportPageTimeout bounds the reading of one page, and the writing of one to a slow reader.
const exportPageTimeout = time.Minute

func exportResponses() map[string]*huma.Response {
	return map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
		"application/x-ndjson": {Schema: &huma.Schema{Type: "string", Description: "An AuditEntry in JSON on each line."}},
		"text/csv":             {Schema: &huma.Schema{Type: "string", Description: "A line of names, then an entry on each. What a spreadsheet would take for a formula has an apostrophe before it, at the beginning of a cell and behind each semicolon, tab and end of a line in it."}},
	}}}
}

// exportAudit streams entries. The first page is read before the answer begins, so that a refusal is one.
func (a *API) exportAudit(ctx context.Context, in *struct {
	CustomerPath
	Format string `query:"format" enum:"ndjson,csv" default:"ndjson" doc:"JSON on each line, or CSV (RFC 4180)."`
	AuditFilter
}) (*huma.StreamResponse, error) {
	scope := scope(ctx).In(in.CustomerID)
	if _, err := read(ctx, a, scope, func(q *queries.Queries) (bool, error) { return q.AuditMayRead(ctx) }); err != nil {
		return nil, err
	}
	rows, err := a.auditRows(ctx, scope, in.AuditFilter, uuid.Max, exportPage)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		ctx, cancel := context.WithCancel(hctx.Context())
		defer cancel()
		r, w := humago.Unwrap(hctx)
		kind := map[string]string{"ndjson": "application/x-ndjson", "csv": "text/csv; charset=utf-8; header=present"}[in.Format]
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="audit-%s.%s"`, in.CustomerID, in.Format))
		w.WriteHeader(http.StatusOK)
		if r.Method == http.MethodHead {
			return
		}
		controller := http.NewResponseController(w)
		buffered := bufio.NewWriterSize(w, 64<<10)
		encoder := newAuditEncoder(in.Format, buffered)
		for {
			// The server's own limit is for answers that are made at once.
			if err := controller.SetWriteDeadline(time.Now().Add(exportPageTimeout)); err != nil {
				a.abort(ctx, err)
			}
			for _, row := range rows {
				if err := encoder.encode(row); err != nil {
					a.abort(ctx, err)
				}
			}
			if err := encoder.flush(); err != nil {
				a.abort(ctx, err)
			}
			if err := buffered.Flush(); err != nil {
				a.abort(ctx, err)
			}
			if len(rows) < exportPage {
				return
			}
			pageCtx, cancelPage := context.WithTimeout(ctx, exportPageTimeout)
			rows, err = a.auditRows(pageCtx, scope, in.AuditFilter, rows[len(rows)-1].ID, exportPage)
			cancelPage()
			if err != nil {
				a.abort(ctx, err)
			}
		}
	}}, nil
}

// abort ends a connection in the middle of an answer, so that nobody takes the half for the whole.
func (a *API) abort(ctx context.Context, err error) {
	a.log.WarnContext(ctx, "an export broke off", "error", err, "request_id", requestID(ctx))
	panic(http.ErrAbortHandler)
}

// auditEncoder writes entries in a format.
type auditEncoder interface {
	encode(row queries.AuditListRow) error
	flush() error
}

func newAuditEncoder(format string, w io.Writer) auditEncoder {
	if format == "csv" {
		return &csvAudit{w: csv.NewWriter(w)}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return &ndjsonAudit{encoder}
}

type ndjsonAudit struct{ encoder *json.Encoder }

func (e *ndjsonAudit) encode(row queries.AuditListRow) error {
	return e.encoder.Encode(auditEntryFrom(row))
}

func (e *ndjsonAudit) flush() error { return nil }

// csvAudit writes CSV whose lines end as RFC 4180 has it.
type csvAudit struct {
	w     *csv.Writer
	begun bool
}

var auditColumns = []string{"id", "occurred_at", "actor_kind", "actor_id", "system_role", "reason", "action", "resource_type", "resource_id",
	"changes", "request_id", "ip", "user_agent", "operation", "database_role"}

func (e *csvAudit) begin() error {
	if e.begun {
		return nil
	}
	e.begun, e.w.UseCRLF = true, true
	return e.w.Write(auditColumns)
}

func (e *csvAudit) encode(row queries.AuditListRow) error {
	if err := e.begin(); err != nil {
		return err
	}
	actorID := ""
	if row.ActorID != nil {
		actorID = row.ActorID.String()
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	cells := []string{row.ID.String(), row.OccurredAt.UTC().Format(time.RFC3339Nano), row.ActorKind, actorID, text(row.SystemRole), text(row.Reason),
		row.Action, row.ResourceType, text(row.ResourceID), string(row.Changes), text(row.RequestID), text(row.Ip), text(row.UserAgent),
		text(row.Operation), text(row.DatabaseRole)}
	for i, cell := range cells {
		cells[i] = plainCell(cell)
	}
	return e.w.Write(cells)
}

func (e *csvAudit) flush() error {
	if err := e.begin(); err != nil {
		return err
	}
	e.w.Flush()
	return e.w.Error()
}

// plainCell keeps a spreadsheet from taking a cell for a formula (OWASP, CSV injection). One whose lists are separated by semicolons begins another cell at each, and,
// as the quotes are not at the beginning of its own cell then, at each end of a line.
func plainCell(cell string) string { return formula.ReplaceAllString(cell, "$1'$2$3") }

var formula = regexp.MustCompile(`(^|[;\t\r\n])([=+\-@＝＋－＠])|^([\t\r\n])`)
