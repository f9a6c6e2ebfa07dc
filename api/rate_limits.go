package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// RateLimit is how often one operation may be asked in a customer, by all of its people and programs together. The
// whole quota may be used at once; after that there is room for one more each window_seconds/quota.
type RateLimit struct {
	Operation            string `json:"operation" doc:"The operation's operationId." example:"create-post"`
	Quota                int32  `json:"quota" minimum:"1" doc:"How many requests."`
	WindowSeconds        int32  `json:"window_seconds" minimum:"1" doc:"In how many seconds."`
	Overridden           bool   `json:"overridden" doc:"Whether the customer has a limit of its own here."`
	DefaultQuota         int32  `json:"default_quota" minimum:"1"`
	DefaultWindowSeconds int32  `json:"default_window_seconds" minimum:"1"`
}

// RateLimits are those of all operations.
type RateLimits struct {
	Items []RateLimit `json:"items" nullable:"false" doc:"By operation."`
}

type rateLimitsOutput struct{ Body RateLimits }

type rateLimitOutput struct {
	ETag string `header:"ETag"`
	Body RateLimit
}

// RateLimitPath is the path of an operation's limit.
type RateLimitPath struct {
	CustomerPath
	Operation string `path:"operation" maxLength:"100" doc:"The operationId of an operation inside a customer." example:"create-post"`
}

// RateLimitSet is a customer's own limit.
type RateLimitSet struct {
	Quota         int32 `json:"quota" minimum:"1" maximum:"1000000" doc:"How many requests."`
	WindowSeconds int32 `json:"window_seconds" minimum:"1" maximum:"86400" doc:"In how many seconds; up to a day."`
}

func (a *API) registerRateLimits() {
	tags := []string{"Rate limits"}
	const list, one = "/v1/customers/{customer_id}/rate-limits", "/v1/customers/{customer_id}/rate-limits/{operation}"
	register(a, huma.Operation{
		OperationID: "list-rate-limits", Metadata: needs("customer:read"), Method: http.MethodGet, Path: list, Tags: tags,
		Summary:     "List the rate limits of a customer",
		Description: "Every operation inside a customer, with the limit that holds there.",
	}, a.listRateLimits)
	register(a, huma.Operation{
		OperationID: "get-rate-limit", Metadata: needs("customer:read"), Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get an operation's rate limit",
	}, a.getRateLimit)
	register(a, huma.Operation{
		OperationID: "set-rate-limit", Method: http.MethodPut, Path: one, Tags: tags, Summary: "Give a customer a rate limit of its own",
		Description: "System admins only. Takes effect with the next request; what has been used of the limit so far is forgotten.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.setRateLimit)
	register(a, huma.Operation{
		OperationID: "reset-rate-limit", Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Go back to the default rate limit",
		Description:   "System admins only. 404 where the customer has no limit of its own.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.resetRateLimit)
}

func (a *API) listRateLimits(ctx context.Context, in *CustomerPath) (*rateLimitsOutput, error) {
	rules, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.RateLimitRuleListRow, error) {
		return q.RateLimitRuleList(ctx)
	})
	if err != nil {
		return nil, err
	}
	own := map[string]queries.RateLimitRuleGetRow{}
	for _, rule := range rules {
		own[rule.Endpoint] = queries.RateLimitRuleGetRow(rule)
	}
	out := &rateLimitsOutput{Body: RateLimits{Items: []RateLimit{}}}
	for _, operation := range slices.Sorted(maps.Keys(a.limits)) {
		out.Body.Items = append(out.Body.Items, rateLimitFrom(a.limits[operation], own[operation]))
	}
	return out, nil
}

// limited gives the default limit of an operation that the path names.
func (a *API) limited(in RateLimitPath) (tenant.Limit, error) {
	limit, known := a.limits[in.Operation]
	if !known {
		return limit, notFound("operation inside a customer")
	}
	return limit, nil
}

func (a *API) getRateLimit(ctx context.Context, in *RateLimitPath) (*rateLimitOutput, error) {
	rule, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.RateLimitRuleGetRow, error) {
		return q.RateLimitRuleGet(ctx, in.Operation)
	})
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return nil, err
	}
	limit, err := a.limited(*in)
	if err != nil {
		return nil, err
	}
	return &rateLimitOutput{ETag: etag(rule.Version), Body: rateLimitFrom(limit, rule)}, nil
}

func (a *API) setRateLimit(ctx context.Context, in *struct {
	RateLimitPath
	Condition
	Body RateLimitSet
}) (*rateLimitOutput, error) {
	limit, err := a.limited(in.RateLimitPath)
	if err != nil {
		return nil, err
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*rateLimitOutput, error) {
		version, err := q.RateLimitRuleSet(ctx, queries.RateLimitRuleSetParams{
			Endpoint: in.Operation, Quota: in.Body.Quota, WindowSeconds: in.Body.WindowSeconds,
		})
		if err != nil {
			return nil, err
		}
		// The version before: none where the default held.
		if err := in.check(version - 1); err != nil {
			return nil, err
		}
		rule := queries.RateLimitRuleGetRow{Endpoint: in.Operation, Quota: in.Body.Quota, WindowSeconds: in.Body.WindowSeconds, Version: version}
		return &rateLimitOutput{ETag: etag(version), Body: rateLimitFrom(limit, rule)}, nil
	})
}

func (a *API) resetRateLimit(ctx context.Context, in *struct {
	RateLimitPath
	Condition
}) (*struct{}, error) {
	if _, err := a.limited(in.RateLimitPath); err != nil {
		return nil, err
	}
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.RateLimitRuleDelete(ctx, queries.RateLimitRuleDeleteParams{Endpoint: in.Operation, Version: version})
		}, func() error {
			_, err := q.RateLimitRuleGet(ctx, in.Operation)
			return noRows(err, "rate limit of the customer's own")
		})
	})
	return nil, err
}

// rateLimitFrom is the limit that holds: the customer's own, or with the zero rule the default.
func rateLimitFrom(limit tenant.Limit, rule queries.RateLimitRuleGetRow) RateLimit {
	out := RateLimit{
		Operation: limit.Endpoint, DefaultQuota: int32(limit.Quota), DefaultWindowSeconds: int32(limit.Window / time.Second),
	}
	out.Quota, out.WindowSeconds = out.DefaultQuota, out.DefaultWindowSeconds
	if rule.Version != noVersion {
		out.Quota, out.WindowSeconds, out.Overridden = rule.Quota, rule.WindowSeconds, true
	}
	return out
}
