package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/identity"
	"fanfare/queries"
)

// caller is who makes a request: a verified identity and the scope that it acts in.
type caller struct {
	identity identity.Identity
	scope    tenant.Scope
	// request and customerID are what is recorded if they are refused: nil where the operation names no customer.
	request    tenant.Request
	customerID *uuid.UUID
}

type callerKey struct{}

// scope is the caller's, in no customer. Without a caller it is the zero Scope, which enters nothing.
func scope(ctx context.Context) tenant.Scope {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c.scope
}

// authenticate turns the Authorization header into a caller. An operation is reachable without one only if
// it says public; forgetting anything here leads to 401, not to an open door.
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	if ctx.Operation().Metadata["public"] == true {
		next(ctx)
		return
	}
	given := 0
	ctx.EachHeader(func(name, _ string) {
		if strings.EqualFold(name, "Authorization") {
			given++
		}
	})
	if given > 1 {
		// Which one counts would depend on who looks: a proxy may have checked the other.
		a.refuse(ctx, problem(http.StatusUnauthorized, "Send one Authorization header."))
		return
	}
	token, p := bearer(ctx.Header("Authorization"))
	if p != nil {
		a.refuse(ctx, p)
		return
	}
	who, err := a.Verifier.Verify(ctx.Context(), token)
	request, _ := ctx.Context().Value(requestKey{}).(tenant.Request)
	request.Operation = ctx.Operation().OperationID
	request.Reason = clip(ctx.Header("X-Admin-Reason"), maxReason)
	if err != nil {
		if signed(err) {
			a.recordUnauthenticated(ctx.Context(), request)
		}
		a.refuse(ctx, unauthenticated(err))
		return
	}
	c := caller{identity: who, scope: tenant.User(who.Subject, request), request: request}
	if id, err := uuid.Parse(ctx.Param("customer_id")); err == nil {
		c.customerID = &id
	}
	next(huma.WithValue(ctx, callerKey{}, c))
}

// maxReason is how much of a reason is kept, in characters.
const maxReason = 500

// signed tells whether a refused token was one of the issuer's all the same: expired, or meant for somebody else.
func signed(err error) bool {
	return errors.Is(err, identity.ErrExpired) || errors.Is(err, identity.ErrNotYetValid) || errors.Is(err, identity.ErrIssuer) ||
		errors.Is(err, identity.ErrAudience) || errors.Is(err, identity.ErrSubject)
}

func bearer(header string) (string, *Problem) {
	if header == "" {
		return "", problem(http.StatusUnauthorized, "This needs a token: send it as `Authorization: Bearer <token>`.")
	}
	scheme, token, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", problem(http.StatusUnauthorized, "The Authorization header must be `Bearer <token>`.")
	}
	return token, nil
}

// unauthenticated explains why a token was refused, in the verifier's own public words.
func unauthenticated(err error) *Problem {
	if errors.Is(err, identity.ErrUnavailable) {
		p := unavailable()
		p.Detail = "The token cannot be checked at the moment, because its issuer's keys cannot be fetched. Try again in a few seconds."
		return p.cause(err)
	}
	p := problem(http.StatusUnauthorized, "The token is not valid.")
	var refused *identity.Error
	if errors.As(err, &refused) {
		p.Detail = refused.Reason
	}
	return p.cause(err)
}

// refuse answers a request that does not get as far as its handler.
func (a *API) refuse(ctx huma.Context, p *Problem) {
	explained := a.explain(ctx.Context(), p)
	for name, values := range explained.GetHeaders() {
		for _, value := range values {
			ctx.SetHeader(name, value)
		}
	}
	ctx.SetHeader("Content-Type", explained.ContentType(""))
	ctx.SetStatus(explained.Status)
	if err := a.huma.Marshal(ctx.BodyWriter(), "application/json", explained); err != nil {
		a.log.WarnContext(ctx.Context(), "answer was not written", "error", err)
	}
}

// registered runs fn, and once more after registering the caller if the database has never seen them. A
// user's row appears on first sight of a verified subject.
func (a *API) registered(ctx context.Context, fn func() error) error {
	err := fn()
	if !errors.Is(err, tenant.ErrUnknownUser) {
		return err
	}
	if err := a.registerCaller(ctx); err != nil {
		return err
	}
	return fn()
}

// maxUserName is how much of a person's name is kept, in characters.
const maxUserName = 200

// registerCaller makes the caller's row, or brings it up to what the token says.
func (a *API) registerCaller(ctx context.Context) error {
	c, _ := ctx.Value(callerKey{}).(caller)
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make id: %w", err)
	}
	params := queries.UserRegisterParams{ID: id, Subject: c.identity.Subject, EmailVerified: c.identity.EmailVerified}
	if c.identity.Email != "" {
		params.Email = &c.identity.Email
	}
	if name := clip(c.identity.Name, maxUserName); name != "" {
		params.Name = &name
	}
	if _, err := queries.New(a.Pool).UserRegister(ctx, params); err != nil {
		return fmt.Errorf("register user: %w", err)
	}
	return nil
}
