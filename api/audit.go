package api

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// AuditEntry is one thing that happened: who did what to what, from where.
type AuditEntry struct {
	ID           uuid.UUID  `json:"id" format:"uuid" doc:"Grows with time."`
	OccurredAt   time.Time  `json:"occurred_at"`
	ActorKind    string     `json:"actor_kind" enum:"user,key,agent,worker,database,nobody" doc:"database is SQL by hand; nobody is a caller who was not known."`
	ActorID      *uuid.UUID `json:"actor_id" format:"uuid" nullable:"true" doc:"Of the user, the API key or the agent token."`
	SystemRole   *string    `json:"system_role" doc:"The system role with which a user acted who is no member."`
	Reason       *string    `json:"reason" doc:"What they gave as the reason."`
	Action       string     `json:"action" example:"post.update"`
	ResourceType string     `json:"resource_type" example:"post"`
	ResourceID   *string    `json:"resource_id"`
	Changes      any        `json:"changes" doc:"Of a change, an object from columns to {from, to}; of a secret only {changed: true}; of anything else its details."`
	RequestID    *string    `json:"request_id"`
	IP           *string    `json:"ip"`
	UserAgent    *string    `json:"user_agent"`
	Operation    *string    `json:"operation" doc:"The operation of this document, by its id." example:"update-post"`
	DatabaseRole *string    `json:"database_role" doc:"Who wrote SQL by hand."`
}

// AuditFilter chooses entries.
type AuditFilter struct {
	Since        time.Time `query:"since" doc:"Not before this moment."`
	Until        time.Time `query:"until" doc:"Before this moment."`
	ActorID      uuid.UUID `query:"actor_id" format:"uuid" doc:"By this user, API key or agent token."`
	ActorKind    string    `query:"actor_kind" enum:"user,key,agent,worker,database,nobody" doc:"By this kind of actor."`
	Action       string    `query:"action" maxLength:"100" doc:"Of this action." example:"post.update"`
	ResourceType string    `query:"resource_type" maxLength:"100" doc:"On this type of resource." example:"post"`
	ResourceID   string    `query:"resource_id" maxLength:"200" doc:"On this resource."`
}

func (a *API) registerAudit() {
	tags := []string{"Audit"}
	register(a, huma.Operation{
		OperationID: "list-audit-entries", Metadata: needs("audit:read"), Method: http.MethodGet, Path: "/v1/customers/{customer_id}/audit", Tags: tags,
		Summary: "List what happened in a customer", Errors: []int{http.StatusForbidden},
		Description: "Newest first. For owners and admins, also of an archived customer, and for system roles.",
	}, a.listAudit)
	register(a, huma.Operation{
		OperationID: "export-audit-entries", Metadata: needs("audit:read"), Method: http.MethodGet, Path: "/v1/customers/{customer_id}/audit/export", Tags: tags,
		Summary: "Export what happened in a customer", Errors: []int{http.StatusForbidden},
		Description: "Newest first, all that the filters choose. If it cannot be completed the connection breaks off.",
		Responses:   exportResponses(),
	}, a.exportAudit)
	register(a, huma.Operation{
		OperationID: "list-installation-audit-entries", Method: http.MethodGet, Path: "/v1/audit", Tags: tags,
		Summary: "List what happened outside of customers", Errors: []int{http.StatusForbidden},
		Description: "Newest first: people, system roles, refused attempts of strangers. For system roles.",
	}, a.listInstallationAudit)
}

func (a *API) listAudit(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
	AuditFilter
}) (*pageOutput[AuditEntry], error) {
	return a.auditPage(ctx, scope(ctx).In(in.CustomerID), in.PageQuery, in.AuditFilter)
}

func (a *API) listInstallationAudit(ctx context.Context, in *struct {
	PageQuery
	AuditFilter
}) (*pageOutput[AuditEntry], error) {
	return a.auditPage(ctx, scope(ctx), in.PageQuery, in.AuditFilter)
}

func (a *API) auditPage(ctx context.Context, scope tenant.Scope, query PageQuery, filter AuditFilter) (*pageOutput[AuditEntry], error) {
	before, err := query.before(listOfAudit)
	if err != nil {
		return nil, err
	}
	if _, err := read(ctx, a, scope, func(q *queries.Queries) (bool, error) { return q.AuditMayRead(ctx) }); err != nil {
		return nil, err
	}
	rows, err := a.auditRows(ctx, scope, filter, before, query.more())
	if err != nil {
		return nil, err
	}
	convert := func(row queries.AuditListRow) (AuditEntry, error) { return auditEntryFrom(row), nil }
	body, err := page(rows, query.Limit, convert, func(row queries.AuditListRow) string { return cursorOf(listOfAudit, row.ID) })
	return &pageOutput[AuditEntry]{Body: body}, err
}

// auditRows reads entries with ids less than before, newest first, by the query for the filter that is likely to
// leave the fewest.
func (a *API) auditRows(ctx context.Context, scope tenant.Scope, f AuditFilter, before uuid.UUID, limit int32) ([]queries.AuditListRow, error) {
	since, until, after := f.Since, endOfTime, auditID(f.Since)
	if !f.Until.IsZero() {
		until = f.Until
	}
	if end := auditID(until); bytes.Compare(end[:], before[:]) < 0 {
		before = end
	}
	// With the bound of the page, months before which it begins are not looked at.
	if last := auditTime(before).Add(time.Millisecond); last.Before(until) {
		until = last
	}
	actorKind, action, resourceType := optional(f.ActorKind), optional(f.Action), optional(f.ResourceType)
	actorID := optional(f.ActorID)
	return read(ctx, a, scope, func(q *queries.Queries) ([]queries.AuditListRow, error) {
		switch {
		case f.ResourceID != "":
			rows, err := q.AuditListByResource(ctx, queries.AuditListByResourceParams{
				Before: before, After: after, Since: since, Until: until, ResourceID: f.ResourceID, ActorID: actorID, ActorKind: actorKind,
				Action: action, ResourceType: resourceType, MaxRows: limit,
			})
			return auditRowsFrom(rows, func(r queries.AuditListByResourceRow) queries.AuditListRow { return queries.AuditListRow(r) }), err
		case actorID != nil:
			rows, err := q.AuditListByActor(ctx, queries.AuditListByActorParams{
				Before: before, After: after, Since: since, Until: until, ActorID: f.ActorID, ActorKind: actorKind,
				Action: action, ResourceType: resourceType, MaxRows: limit,
			})
			return auditRowsFrom(rows, func(r queries.AuditListByActorRow) queries.AuditListRow { return queries.AuditListRow(r) }), err
		case f.Action != "":
			rows, err := q.AuditListByAction(ctx, queries.AuditListByActionParams{
				Before: before, After: after, Since: since, Until: until, Action: f.Action, ActorKind: actorKind,
				ResourceType: resourceType, MaxRows: limit,
			})
			return auditRowsFrom(rows, func(r queries.AuditListByActionRow) queries.AuditListRow { return queries.AuditListRow(r) }), err
		default:
			return q.AuditList(ctx, queries.AuditListParams{
				Before: before, After: after, Since: since, Until: until, ActorKind: actorKind, ResourceType: resourceType, MaxRows: limit,
			})
		}
	})
}

// endOfTime is after everything that the log can hold.
var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// auditID is the least id that an entry of the moment, or of a later one, can have: a UUIDv7 with the microseconds
// after the milliseconds (RFC 9562, section 6.2, method 3), as the database makes them.
func auditID(at time.Time) uuid.UUID {
	// Rounded up: a finer moment than the database knows lies after the entries of its microsecond.
	microseconds := at.Add(time.Microsecond - 1).UnixMicro()
	if microseconds < 0 {
		return uuid.Nil
	}
	milliseconds, fraction := uint64(microseconds/1000), uint64(microseconds%1000*4096/1000)
	var id uuid.UUID
	for i := range 6 {
		id[i] = byte(milliseconds >> (40 - 8*i))
	}
	id[6], id[7], id[8] = 0x70|byte(fraction>>8), byte(fraction), 0x80
	return id
}

// auditTime is the moment of an id, to the millisecond.
func auditTime(id uuid.UUID) time.Time {
	var milliseconds int64
	for _, b := range id[:6] {
		milliseconds = milliseconds<<8 | int64(b)
	}
	if milliseconds > endOfTime.UnixMilli() {
		return endOfTime
	}
	return time.UnixMilli(milliseconds)
}

func auditRowsFrom[R any](rows []R, convert func(R) queries.AuditListRow) []queries.AuditListRow {
	converted := make([]queries.AuditListRow, 0, len(rows))
	for _, row := range rows {
		converted = append(converted, convert(row))
	}
	return converted
}

func auditEntryFrom(row queries.AuditListRow) AuditEntry {
	return AuditEntry{
		ID: row.ID, OccurredAt: row.OccurredAt.UTC(), ActorKind: row.ActorKind, ActorID: row.ActorID, SystemRole: row.SystemRole, Reason: row.Reason,
		Action: row.Action, ResourceType: row.ResourceType, ResourceID: row.ResourceID, Changes: row.Changes,
		RequestID: row.RequestID, IP: row.Ip, UserAgent: row.UserAgent, Operation: row.Operation, DatabaseRole: row.DatabaseRole,
	}
}

// optional is nil for a filter that was not given.
func optional[T comparable](value T) *T {
	var none T
	if value == none {
		return nil
	}
	return &value
}
