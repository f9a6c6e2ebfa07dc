package api

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
)

// limit is so many requests in so much time.
type limit struct {
	quota  int
	window time.Duration
}

// The limits by default. Each operation has its own count in each customer; a system admin gives a customer other
// limits at /v1/customers/{customer_id}/rate-limits. Callers in no customer are counted each for themselves, by the
// same limits, and those whom nobody knows by their address.
var (
	readLimit   = limit{6000, time.Minute}
	changeLimit = limit{1200, time.Minute}
	// operationLimits are of operations that cost more than others.
	operationLimits = map[string]limit{
		"create-customer":   {100, time.Hour}, // each has limits of its own, which they would multiply
		"create-invitation": {100, time.Hour},
		"create-export":     {10, time.Hour},
		"export-report":     {60, time.Hour}, // each may be of hundreds of thousands of posts
		"get-report":        {600, time.Hour},
		// A read that leaves a row: somebody on their way to a platform.
		"connect-integration": {100, time.Hour},
		"check-integration":   {100, time.Hour}, // each asks a platform, which limits us too
		"connect-mcp-server":  {100, time.Hour}, // as connect-integration, and it asks a server that the customer names
		"create-bot":          {100, time.Hour}, // as check-integration
		"update-bot":          {100, time.Hour},
		// Each sends something to somebody.
		"test-webhook":            {100, time.Hour},
		"resend-webhook-delivery": {100, time.Hour},
	}
	// ownLimits are of operations that each caller has the limit of for themselves: what takes rights away, or helps.
	// Nobody in a customer can use it up for those who must be able to do it.
	ownLimits = map[string]bool{
		"remove-member": true, "update-member": true, "revoke-invitation": true, "revoke-api-key": true, "revoke-agent-token": true,
		"disconnect-integration": true, "delete-bot": true, "archive-customer": true, "set-rate-limit": true, "reset-rate-limit": true,
		"release-space": true, "delete-chat-identity": true, "deny-pairing": true, "revoke-pairing": true, "delete-credential": true,
		"update-space-credential": true, "delete-space-credential": true, "delete-mcp-server": true, "delete-mcp-login": true,
		"update-workspace-policy": true, // a legal hold
	}
	// classLimits are of kinds of operations, which name theirs in their metadata.
	classLimits = map[string]limit{
		"llm": {50, time.Hour}, // calls a language model
		// Asks Unsplash, which gives all customers of an installation 5,000 requests an hour together, and 50 before it has
		// approved the application: nobody takes them all, see imagesOfPerson.
		imagesClass: {30, time.Hour},
	}
	// generationsOfPerson is how many generations with the installation's key a person asks for over all their customers, of which
	// they may have made any number themselves.
	generationsOfPerson  = tenant.Limit{Endpoint: "generate-post-all-customers", Quota: 200, Window: time.Hour, Person: true}
	publicLimit          = limit{600, time.Minute} // of each operation that needs no credential
	unauthenticatedLimit = limit{60, time.Minute}  // of requests with a credential that is missing or not valid
)

// Metadata of operations: classKey names one of classLimits; unlimited is true where nothing is counted.
const (
	classKey     = "limit"
	unlimitedKey = "unlimited"
	imagesClass  = "images"
)

// unauthenticatedEndpoint is the name under which refused credentials are counted.
const unauthenticatedEndpoint = "unauthenticated"

func (l limit) of(endpoint string) tenant.Limit {
	return tenant.Limit{Endpoint: endpoint, Quota: l.quota, Window: l.window}
}

// limitOf is the limit that an operation has by default.
func limitOf(operation *huma.Operation) tenant.Limit {
	l := changeLimit
	if !changes(operation) {
		l = readLimit
	}
	if operation.Metadata["public"] == true {
		l = publicLimit
	}
	if class, ok := operation.Metadata[classKey].(string); ok {
		l = classLimits[class]
	}
	endpoint := operation.OperationID
	if successor, ok := operation.Metadata[successorKey].(string); ok {
		endpoint = successor // together they have one limit
	}
	if own, ok := operationLimits[endpoint]; ok {
		l = own
	}
	limit := l.of(endpoint)
	limit.Own = ownLimits[endpoint]
	return limit
}

// chargeTimeout bounds a charge that an answer waits for which is known already; publicChargeTimeout one that a probe
// waits for.
const (
	chargeTimeout       = 2 * time.Second
	publicChargeTimeout = 500 * time.Millisecond
)

// meter sees to it that a request is charged to its limit, once, whatever becomes of it.
type meter struct {
	a      *API
	limit  tenant.Limit
	scope  tenant.Scope // in the customer that the path names, owing the charge
	charge *tenant.Charge
	tell   func(tenant.Rate)
}

// meter counts a request of the scope, and tells the caller what is left.
func (a *API) meter(ctx huma.Context, scope tenant.Scope) (*meter, tenant.Scope) {
	m := &meter{a: a, limit: limitOf(ctx.Operation()), tell: func(rate tenant.Rate) { tellRate(ctx, rate) }}
	m.charge = tenant.NewCharge(m.limit, m.tell)
	scope = scope.Charging(m.charge)
	m.scope = scope
	if id, err := uuid.Parse(ctx.Param("customer_id")); err == nil {
		m.scope = scope.In(id)
	}
	return m, scope
}

// settle makes the charge if it is still owed: a read that failed, or a request that was refused before it came to
// the database. err is what is to be answered; the answer is another one where a limit is used up, or the caller may
// not enter the customer. Who may not is charged for themselves.
func (m *meter) settle(ctx context.Context, err error) error {
	if !m.charge.Owed() {
		return err
	}
	if !aboutEntering(err) {
		entering := m.a.registered(ctx, func() error { return m.a.db.Charge(ctx, m.scope) })
		if entering == nil || (err != nil && !aboutEntering(entering)) {
			return err
		}
		err = entering
	}
	if limited := m.chargeOutside(ctx, err); limited != nil {
		return limited
	}
	return err
}

// chargeOutside charges a caller who could not enter, for the given reason: in no customer, or by the address where
// their credential is not valid or lets them enter nothing.
func (m *meter) chargeOutside(ctx context.Context, reason error) error {
	if errors.Is(reason, tenant.ErrNotFound) {
		err := m.a.db.Charge(ctx, m.scope.Outside())
		if isLimited(err) {
			return err
		}
		if reason = err; err == nil {
			return nil
		}
	}
	switch {
	case errors.Is(reason, tenant.ErrInvalidKey):
		m.charge.MadeElsewhere()
		return m.a.chargeAddress(ctx, unauthenticatedLimit.of(unauthenticatedEndpoint), m.tell)
	case errors.Is(reason, tenant.ErrLacksPermission):
		m.charge.MadeElsewhere()
		return m.a.chargeAddress(ctx, m.limit, m.tell)
	default:
		return nil
	}
}

// afterwards is settle for a request whose answer is known. The caller may have gone away meanwhile.
func (m *meter) afterwards(ctx context.Context, err error) error {
	if !m.charge.Owed() {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), chargeTimeout)
	defer cancel()
	return m.settle(ctx, err)
}

// refusal is settle for a problem with which Huma refuses a request, before its handler.
func (m *meter) refusal(ctx huma.Context, p *Problem) *Problem {
	err := m.afterwards(ctx.Context(), p)
	if errors.Is(err, p) {
		return p
	}
	explained := m.a.explain(ctx.Context(), err)
	explained.setHeaders(ctx)
	return explained
}

// aboutEntering tells whether an error decides for itself what is answered and who is charged.
func aboutEntering(err error) bool {
	return errors.Is(err, tenant.ErrNotFound) || errors.Is(err, tenant.ErrInvalidKey) || errors.Is(err, tenant.ErrLacksPermission) || isLimited(err)
}

// chargePerson charges what is about to cost the installation something to the person behind the request, beside the charge to the
// customer. It is made in a transaction of its own, so that nobody waits for a model or a platform with it.
func (a *API) chargePerson(ctx context.Context, customerID uuid.UUID, limit tenant.Limit) error {
	charge := tenant.NewCharge(limit, func(tenant.Rate) {}) // the headers tell of the customer's limit
	return a.db.Charge(ctx, scope(ctx).In(customerID).Charging(charge))
}

// imagesOfPerson is what one person may ask Unsplash over all their customers, in requests to Unsplash: of what it gives the
// installation in an hour a quarter at once, and so half of it in any hour.
func (a *API) imagesOfPerson() tenant.Limit {
	return tenant.Limit{Endpoint: "images-all-customers", Quota: max(1, a.Images.Hourly()/4), Window: time.Hour, Person: true}
}

func isLimited(err error) bool {
	var limited *tenant.RateLimitedError
	return errors.As(err, &limited)
}

// chargeAddress charges a request of nobody known to the address that it came from. Its only error is that of a limit
// that is used up: without the database the request is answered as it would be anyway.
func (a *API) chargeAddress(ctx context.Context, limit tenant.Limit, tell func(tenant.Rate)) error {
	rate, err := a.db.ChargeAddress(ctx, clientAddress(ctx), limit)
	switch {
	case isLimited(err):
		return err
	case err != nil:
		a.log.WarnContext(ctx, "an address could not be charged", "error", err, "request_id", requestID(ctx))
	default:
		tell(rate)
	}
	return nil
}

// chargePublic charges a request to an operation that needs no credential.
func (a *API) chargePublic(ctx huma.Context) error {
	if ctx.Operation().Metadata[unlimitedKey] == true {
		return nil
	}
	within, cancel := context.WithTimeout(ctx.Context(), publicChargeTimeout)
	defer cancel()
	return a.chargeAddress(within, limitOf(ctx.Operation()), func(rate tenant.Rate) { tellRate(ctx, rate) })
}

// refuseUnknown answers a request whose credential is missing or not valid, until there are too many of them: told
// says that it was told so, and not that it asks too often.
func (a *API) refuseUnknown(ctx huma.Context, p *Problem) (told bool) {
	var err error = p
	told = true
	if p.Status == http.StatusUnauthorized {
		within, cancel := context.WithTimeout(ctx.Context(), chargeTimeout)
		defer cancel()
		tell := func(rate tenant.Rate) { tellRate(ctx, rate) }
		if limited := a.chargeAddress(within, unauthenticatedLimit.of(unauthenticatedEndpoint), tell); limited != nil {
			err, told = limited, false
		}
	}
	a.refuse(ctx, err)
	return told
}

// The headers of draft-ietf-httpapi-ratelimit-headers: the limit, and what is left of it.
const (
	policyHeader = "RateLimit-Policy"
	rateHeader   = "RateLimit"
)

func policy(l tenant.Limit) string {
	return fmt.Sprintf("%q;q=%d;w=%d", l.Endpoint, l.Quota, int(l.Window/time.Second))
}

func tellRate(ctx huma.Context, rate tenant.Rate) {
	ctx.SetHeader(policyHeader, policy(rate.Limit))
	ctx.SetHeader(rateHeader, fmt.Sprintf("%q;r=%d;t=%d", rate.Endpoint, rate.Remaining, wholeSeconds(rate.Reset)))
}

// wholeSeconds rounds up, so that whoever waits so long has waited long enough.
func wholeSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// rateLimited is the answer where a limit is used up.
func rateLimited(e *tenant.RateLimitedError) *Problem {
	p := problem(http.StatusTooManyRequests, fmt.Sprintf(
		"The limit of %s is used up: %d requests in %d seconds. There is room for the next one in %d seconds.",
		e.Endpoint, e.Quota, int(e.Window/time.Second), max(1, wholeSeconds(e.RetryAfter))))
	p.retryAfter = e.RetryAfter
	p.limit = &e.Limit
	return p
}

// limitHeaders adds the headers of a limit that is used up.
func (p *Problem) limitHeaders(headers http.Header) {
	if p.limit != nil {
		headers.Set(policyHeader, policy(*p.limit))
		headers.Set(rateHeader, fmt.Sprintf("%q;r=0;t=%s", p.limit.Endpoint, headers.Get("Retry-After")))
	}
}

// documentLimits says of every operation that it is limited, and how it tells so.
func (a *API) documentLimits(operation *huma.Operation) {
	document := a.huma.OpenAPI()
	if document.Components.Headers == nil {
		text := func(description, example string) *huma.Param {
			return &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}, Example: example}
		}
		document.Components.Headers = map[string]*huma.Param{
			policyHeader: text("The limit that this request was counted under: its name, how many requests (q), in how many seconds (w).", `"get-post";q=6000;w=60`),
			rateHeader:   text("What is left of it: how many requests (r), and in how many seconds there will be more (t).", `"get-post";r=5999;t=1`),
			"Retry-After": {Description: "In how many seconds there is room for the next request.",
				Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int32"}, Example: 1},
		}
	}
	for status, response := range operation.Responses {
		code, err := strconv.Atoi(status)
		names := []string{policyHeader, rateHeader}
		switch {
		case code == http.StatusTooManyRequests:
			names = append(names, "Retry-After")
		case err != nil || code >= http.StatusMultipleChoices || operation.Metadata["public"] == true:
			continue
		}
		if response.Headers == nil {
			response.Headers = map[string]*huma.Param{}
		}
		for _, name := range names {
			response.Headers[name] = &huma.Param{Ref: "#/components/headers/" + name}
		}
	}
}
