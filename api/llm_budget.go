package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db/tenant"
	"fanfare/internal/llm"
	"fanfare/queries"
)

// LLMBudget is how much a customer may use of LLMs in a month of UTC, and what it has taken of this month's. Money is in millionths
// of a US dollar.
type LLMBudget struct {
	MonthlyTokens              int64     `json:"monthly_tokens" minimum:"0" doc:"Tokens in a month, in and out together, for calls that are not made with a key of the customer's own."`
	MonthlyCostMicroUSD        int64     `json:"monthly_cost_microusd" minimum:"0" doc:"Money in a month, for calls that are not made with a key of the customer's own." example:"20000000"`
	Overridden                 bool      `json:"overridden" doc:"Whether the customer has a budget of its own, of tokens or of money."`
	DefaultMonthlyTokens       int64     `json:"default_monthly_tokens" minimum:"0"`
	DefaultMonthlyCostMicroUSD int64     `json:"default_monthly_cost_microusd" minimum:"0"`
	UsedTokens                 int64     `json:"used_tokens" minimum:"0" doc:"What this month's calls have used, as the providers say, and no more than was reserved for each."`
	UsedCostMicroUSD           int64     `json:"used_cost_microusd" minimum:"0"`
	ReservedTokens             int64     `json:"reserved_tokens" minimum:"0" doc:"What calls under way may use at most."`
	ReservedCostMicroUSD       int64     `json:"reserved_cost_microusd" minimum:"0"`
	LostTokens                 int64     `json:"lost_tokens" minimum:"0" doc:"What calls may have used of which nobody knows the end, as after a crash. It counts against the budget, and is not part of the usage."`
	LostCostMicroUSD           int64     `json:"lost_cost_microusd" minimum:"0"`
	RenewsAt                   time.Time `json:"renews_at" doc:"When the next month begins, with a whole budget."`
}

type llmBudgetOutput struct {
	ETag string `header:"ETag"`
	Body LLMBudget
}

// LLMBudgetSet is a customer's own budget. What is left out is as the installation has it.
type LLMBudgetSet struct {
	MonthlyTokens       *int64 `json:"monthly_tokens,omitempty" minimum:"0" maximum:"1000000000000" doc:"Tokens in a month, in and out together; 0: none."`
	MonthlyCostMicroUSD *int64 `json:"monthly_cost_microusd,omitempty" minimum:"0" maximum:"1000000000000" doc:"Money in a month, in millionths of a US dollar; 0: none, which leaves calls with a key of the customer's own." example:"20000000"`
}

func (a *API) registerLLMBudget() {
	tags := []string{"Usage"}
	const path = "/v1/customers/{customer_id}/llm-budget"
	register(a, huma.Operation{
		OperationID: "get-llm-budget", Metadata: needs("customer:read"), Method: http.MethodGet, Path: path, Tags: tags,
		Summary:     "Get a customer's LLM budget",
		Description: "What calls of LLMs may use in this month, and what they have used. The ETag is that of the budget, whatever is used of it.",
	}, a.getLLMBudget)
	register(a, huma.Operation{
		OperationID: "set-llm-budget", Method: http.MethodPut, Path: path, Tags: tags, Summary: "Give a customer an LLM budget of its own",
		Description: "System admins only. Takes effect with the next call, in this month too.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.setLLMBudget)
	register(a, huma.Operation{
		OperationID: "reset-llm-budget", Method: http.MethodDelete, Path: path, Tags: tags, Summary: "Go back to the default LLM budget",
		Description:   "System admins only. 404 where the customer has no budget of its own.",
		DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.resetLLMBudget)
}

func (a *API) getLLMBudget(ctx context.Context, in *CustomerPath) (*llmBudgetOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.LLMBudgetGetRow, error) { return q.LLMBudgetGet(ctx) })
	if err != nil {
		return nil, err
	}
	return a.llmBudgetAnswer(row), nil
}

func (a *API) setLLMBudget(ctx context.Context, in *struct {
	CustomerPath
	Condition
	Body LLMBudgetSet
}) (*llmBudgetOutput, error) {
	if in.Body.MonthlyTokens == nil && in.Body.MonthlyCostMicroUSD == nil {
		return nil, nothingToChange()
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*llmBudgetOutput, error) {
		version, err := q.LLMBudgetSet(ctx, queries.LLMBudgetSetParams{MonthlyTokens: in.Body.MonthlyTokens, MonthlyCostMicrousd: in.Body.MonthlyCostMicroUSD})
		if err != nil {
			return nil, err
		}
		// The version before: none where the default held.
		if err := in.check(version - 1); err != nil {
			return nil, err
		}
		row, err := q.LLMBudgetGet(ctx)
		if err != nil {
			return nil, err
		}
		return a.llmBudgetAnswer(row), nil
	})
}

func (a *API) resetLLMBudget(ctx context.Context, in *struct {
	CustomerPath
	Condition
}) (*struct{}, error) {
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) { return q.LLMBudgetDelete(ctx, version) }, func() error {
			row, err := q.LLMBudgetGet(ctx)
			if err == nil && row.Version == noVersion {
				return notFound("LLM budget of the customer's own")
			}
			return err
		})
	})
	return nil, err
}

// llmBudgetAnswer is the budget that holds: the customer's own, or where it says nothing the default.
func (a *API) llmBudgetAnswer(row queries.LLMBudgetGetRow) *llmBudgetOutput {
	body := LLMBudget{
		MonthlyTokens: a.LLMMonthlyTokens, MonthlyCostMicroUSD: a.LLMMonthlyMicroUSD, Overridden: row.Version != noVersion,
		DefaultMonthlyTokens: a.LLMMonthlyTokens, DefaultMonthlyCostMicroUSD: a.LLMMonthlyMicroUSD,
		UsedTokens: row.Tokens, UsedCostMicroUSD: row.CostMicrousd, ReservedTokens: row.ReservedTokens, ReservedCostMicroUSD: row.ReservedCostMicrousd,
		LostTokens: row.LostTokens, LostCostMicroUSD: row.LostCostMicrousd, RenewsAt: row.Month.AddDate(0, 1, 0),
	}
	if row.MonthlyTokens != nil {
		body.MonthlyTokens = *row.MonthlyTokens
	}
	if row.MonthlyCostMicrousd != nil {
		body.MonthlyCostMicroUSD = *row.MonthlyCostMicrousd
	}
	return &llmBudgetOutput{ETag: etag(row.Version), Body: body}
}

// reserveLLM reserves what a call of an LLM may use at most in the entered customer's budget. It stands in a transaction of its own
// before the call, since the customer's other calls wait for the end of that. kind is what usage counts the call as, such as
// generate_post. A call with a key of the customer's own takes nothing of the budget; its reservation bounds what usage counts.
//
// Afterwards the reservation is settled with what was used (queries.LLMSettle), or released where that is nothing
// (queries.LLMRelease); in a transaction of its own too, and with a context that does not end with the request. A call takes less
// than 15 minutes: a reservation that is still there then counts as used, whole.
//
// Errors: FF011, which becomes a 402, where the budget does not have as much; and where the request's Idempotency-Key is in use for a
// call that has not ended, a violation that becomes a 409.
func (a *API) reserveLLM(ctx context.Context, q *queries.Queries, kind string, model llmChoice, bound llm.Bound) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("make id: %w", err)
	}
	return id, q.LLMReserve(ctx, queries.LLMReserveParams{
		Request: underWay(ctx), ID: id, Kind: kind, OwnKey: model.own, Tokens: bound.Tokens(), CostMicrousd: bound.MicroUSD,
		DefaultTokens: a.LLMMonthlyTokens, DefaultCostMicrousd: a.LLMMonthlyMicroUSD,
	})
}

// llmBudgetUsedUp is the answer where a month's budget does not have what a call may use. It is 402 and not 429, which programs
// repeat by themselves: only time or a person changes it. Where calls under way hold the rest it says when to try again.
func llmBudgetUsedUp(err *pgconn.PgError) *Problem {
	var taken struct {
		Budget                                string
		Allowed, Used, Reserved, Lost, Wanted int64
		RenewsAt                              time.Time `json:"renews_at"`
	}
	if readErr := json.Unmarshal([]byte(err.Detail), &taken); readErr != nil {
		return internal().cause(fmt.Errorf("%w; read its detail: %w", err, readErr))
	}
	amount, of := func(n int64) string { return fmt.Sprintf("%d tokens", n) }, "tokens"
	if taken.Budget == "cost" {
		amount, of = func(n int64) string { return fmt.Sprintf("%.4f USD", float64(n)/1e6) }, "money"
	}
	const ask = " An administrator of this installation can raise it."
	p := problem(http.StatusPaymentRequired, fmt.Sprintf("The customer's LLM budget of %s does not allow this call, which may use %s. Of %s in this month, %s are used",
		of, amount(taken.Wanted), amount(taken.Allowed), amount(taken.Used+taken.Lost)))
	switch {
	case taken.Used+taken.Lost+taken.Wanted <= taken.Allowed:
		p.Detail += fmt.Sprintf(" and %s held for calls under way: try again when those have ended.%s", amount(taken.Reserved), ask)
		p.retryAfter = 30 * time.Second
	default:
		p.Detail += fmt.Sprintf(". It is renewed on %s, at 0:00 UTC.%s", taken.RenewsAt.Format(time.DateOnly), ask)
	}
	return p.cause(err)
}
