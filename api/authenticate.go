package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/agenttoken"
	"fanfare/internal/identity"
	"fanfare/internal/inprocess"
	"fanfare/queries"
)

// caller is who makes a request: a person with a verified identity, or a program with a key or an agent token; and
// the scope that they act in.
type caller struct {
	identity identity.Identity // of a person; zero for programs
	scope    tenant.Scope
	meter    *meter // of the request
	// idempotencyKey is the header's, nil where there is none.
	idempotencyKey *string
	// needed are the permissions of which a key or token must have one.
	needed []string
	// request and customerID are what is recorded if they are refused: nil where the operation names no customer.
	request    tenant.Request
	customerID *uuid.UUID
}

// until is the end of what begins now and takes at most so long, but not longer than the caller is signed in.
func (c caller) until(most time.Duration) time.Time {
	end := time.Now().Add(most)
	if expires := c.identity.ExpiresAt; !expires.IsZero() && expires.Before(end) {
		return expires
	}
	return end
}

type callerKey struct{}

// scope is the caller's, in no customer. Without a caller it is the zero Scope, which enters nothing.
func scope(ctx context.Context) tenant.Scope {
	c, _ := ctx.Value(callerKey{}).(caller)
	return c.scope
}

// keyMark is how every API key begins, so that people, programs and scanners for leaked secrets know it.
const keyMark = "ffk_"

// authenticate turns the credential in the headers into a caller. An operation is reachable without one only if
// it says public; forgetting anything here leads to 401, not to an open door.
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	if ctx.Operation().Metadata["public"] == true {
		if err := a.chargePublic(ctx); err != nil {
			a.refuse(ctx, err)
			return
		}
		next(ctx)
		return
	}
	speaker, inChat := inprocess.SpeakerOf(ctx.Context())
	credential, p := "", (*Problem)(nil)
	if !inChat {
		credential, p = credentialOf(ctx)
	}
	if p != nil {
		a.refuseUnknown(ctx, p)
		return
	}
	request, _ := ctx.Context().Value(requestKey{}).(tenant.Request)
	request.Operation = ctx.Operation().OperationID
	request.Reason = clip(ctx.Header(reasonHeader), maxReason)
	needed, _ := ctx.Operation().Metadata[metadataNeeds].([]string)
	who, err := caller{scope: tenant.Chat(speaker.CustomerID, speaker.SpaceID, speaker.Person, needed, request)}, error(nil)
	if !inChat {
		who, err = a.recognise(ctx.Context(), credential, needed, request)
	}
	if err != nil {
		// What is too much is not recorded either: nobody can delete it again.
		if told := a.refuseUnknown(ctx, unauthenticated(err)); told && signed(err) {
			a.recordUnauthenticated(ctx.Context(), request)
		}
		return
	}
	who.request, who.needed = request, needed
	if id, err := uuid.Parse(ctx.Param("customer_id")); err == nil {
		who.customerID = &id
		logCustomer(ctx.Context(), id)
	}
	ctx.EachHeader(func(name, value string) {
		if strings.EqualFold(name, idempotencyHeader) {
			who.idempotencyKey = &value
		}
	})
	who.meter, who.scope = a.meter(ctx, who.scope)
	ctx = huma.WithValue(ctx, callerKey{}, who)
	if changes(ctx.Operation()) && ctx.Operation().Metadata[customerInBodyKey] != true {
		// First of all, so that nothing is read or done for a request too many. A read is charged with its first
		// statement instead.
		err := a.chargeFirst(ctx.Context(), who.meter)
		if errors.Is(err, tenant.ErrNotFound) && ctx.Operation().Metadata[afterwardsKey] == true {
			err = nil // the handler finds so too, and has something to say to it
		}
		if err != nil {
			a.refuse(ctx, err)
			return
		}
	}
	next(ctx)
}

// signed tells whether a refused token was one of the issuer's all the same: expired, or meant for somebody else.
func signed(err error) bool {
	return errors.Is(err, identity.ErrExpired) || errors.Is(err, identity.ErrNotYetValid) || errors.Is(err, identity.ErrIssuer) ||
		errors.Is(err, identity.ErrAudience) || errors.Is(err, identity.ErrSubject)
}

// afterwardsKey marks an operation that also answers for a customer that is not there any more.
const afterwardsKey = "afterwards"

// chargeFirst charges a request before anything else is done for it.
func (a *API) chargeFirst(ctx context.Context, m *meter) error {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(a.RequestTimeout, requestTimeout))
	defer cancel()
	return m.settle(ctx, nil)
}

// reasonHeader says why somebody uses their system role; maxReason is how much of it is kept, in characters.
const (
	reasonHeader = "X-Admin-Reason"
	maxReason    = 500
)

// recognise finds out whose credential it is. A key is only known by its hash here: the database says, while it is
// entered, whether there is such a key.
func (a *API) recognise(ctx context.Context, credential string, needed []string, request tenant.Request) (caller, error) {
	switch {
	case strings.HasPrefix(credential, keyMark):
		return caller{scope: tenant.Key(sha256.Sum256([]byte(credential)), needed, request)}, nil
	case identity.ClaimedIssuer(credential) == agenttoken.Issuer:
		customerID, id, err := a.tokens.Verify(ctx, credential)
		return caller{scope: tenant.Token(customerID, id, needed, request)}, err
	default:
		who, err := a.Verifier.Verify(ctx, credential)
		return caller{identity: who, scope: tenant.User(who.Subject, request)}, err
	}
}

// credentialOf finds the one credential of a request: a key in x-api-key, or a key or token in Authorization.
func credentialOf(ctx huma.Context) (string, *Problem) {
	var authorizations, keys int
	ctx.EachHeader(func(name, _ string) {
		switch {
		case strings.EqualFold(name, "Authorization"):
			authorizations++
		case strings.EqualFold(name, keyHeader):
			keys++
		}
	})
	if authorizations+keys > 1 {
		// Which one counts would depend on who looks: a proxy may have checked the other.
		return "", problem(http.StatusUnauthorized, "Send one credential: one Authorization header or one x-api-key header.")
	}
	if keys == 1 {
		key := ctx.Header(keyHeader)
		if !strings.HasPrefix(key, keyMark) {
			return "", problem(http.StatusUnauthorized, "The x-api-key header holds no API key of Fanfare; they begin with "+keyMark+". A token goes into `Authorization: Bearer`.")
		}
		return key, nil
	}
	return bearer(ctx.Header("Authorization"))
}

// keyHeader carries an API key.
const keyHeader = "x-api-key"

func bearer(header string) (string, *Problem) {
	if header == "" {
		return "", problem(http.StatusUnauthorized, "This needs a token or a key: send it as `Authorization: Bearer <token>` or as `x-api-key: <key>`.")
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
func (a *API) refuse(ctx huma.Context, err error) {
	explained := a.explain(ctx.Context(), err)
	explained.setHeaders(ctx)
	ctx.SetHeader("Content-Type", explained.ContentType(""))
	ctx.SetStatus(explained.Status)
	if err := a.huma.Marshal(ctx.BodyWriter(), "application/json", explained); err != nil {
		a.log.WarnContext(ctx.Context(), "answer was not written", "error", err)
	}
}

// setHeaders sets the problem's headers where Huma does not.
func (p *Problem) setHeaders(ctx huma.Context) {
	for name, values := range p.GetHeaders() {
		for _, value := range values {
			ctx.SetHeader(name, value)
		}
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

func forPeople() *Problem {
	return problem(http.StatusForbidden, "This is for people: an API key or agent token acts for a customer, within its permissions.")
}

// maxUserName is how much of a person's name is kept, in characters.
const maxUserName = 200

// registerCaller makes the caller's row, or brings it up to what the token says. Keys and agent tokens have none.
func (a *API) registerCaller(ctx context.Context) error {
	c, _ := ctx.Value(callerKey{}).(caller)
	if c.identity.Subject == "" {
		return forPeople()
	}
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
