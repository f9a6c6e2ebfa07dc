package api

import (
	"context"
	"net/http"
	"time"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// refusalTimeout bounds the recording of a refusal, for which the caller waits.
const refusalTimeout = 5 * time.Second

// recordRefusal writes to the audit log that the caller was refused. It happens before they are told. If it fails the
// refusal stands, and the log says what the audit log does not.
func (a *API) recordRefusal(ctx context.Context, status int) {
	c, known := ctx.Value(callerKey{}).(caller)
	if !known {
		return
	}
	kind, subject, keyHash, token := c.scope.Caller()
	a.record(ctx, queries.AuditRecordRefusalParams{
		Kind: kind, Subject: &subject, KeyHash: keyHash, TokenCustomerID: &token[0], TokenID: &token[1],
		CustomerID: c.customerID, Status: int32(status), Request: c.request.JSON(),
	})
}

// recordUnauthenticated writes to the audit log that a token of the issuer was refused. Anything else that is no good
// token is noise of the net, which an append-only log need not keep.
func (a *API) recordUnauthenticated(ctx context.Context, request tenant.Request) {
	a.record(ctx, queries.AuditRecordRefusalParams{Kind: "nobody", Status: http.StatusUnauthorized, Request: request.JSON()})
}

func (a *API) record(ctx context.Context, refusal queries.AuditRecordRefusalParams) {
	// The request may be over by now, or its time used up; what happened is recorded all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), refusalTimeout)
	defer cancel()
	if err := queries.New(a.Pool).AuditRecordRefusal(ctx, refusal); err != nil {
		a.log.ErrorContext(ctx, "a refusal was not recorded in the audit log", "error", err, "request_id", requestID(ctx), "status", refusal.Status)
	}
}
