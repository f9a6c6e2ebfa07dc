package api

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/llm"
	"fanfare/queries"
)

// Whoever cannot reserve learns what is missing, when there is more, and whom to ask; and nothing of the statement.
func TestLLMBudgetRefusals(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	customer := d.Customer(t, dbtest.Customer{})
	scope := d.Member(t, customer.ID, "member").Scope().In(customer.ID)
	a := &API{Deps: Deps{LLMMonthlyTokens: 1000, LLMMonthlyMicroUSD: 2_000_000}}
	tx := func(do func(ctx context.Context, q *queries.Queries) error) error {
		return d.Tenant().Tx(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error { return do(ctx, queries.New(tx)) })
	}
	reserve := func(tokens, microUSD int64) (id uuid.UUID, err error) {
		err = tx(func(ctx context.Context, q *queries.Queries) (err error) {
			id, err = a.reserveLLM(ctx, q, "generate_post", llmChoice{}, llm.Bound{InputTokens: tokens, MicroUSD: microUSD})
			return err
		})
		return id, err
	}
	refused := func(tokens, microUSD int64, wait time.Duration, says ...string) {
		t.Helper()
		_, err := reserve(tokens, microUSD)
		if err == nil {
			t.Fatalf("%d tokens for %d were reserved", tokens, microUSD)
		}
		p := classify(err)
		if p.Status != http.StatusPaymentRequired || p.Type != "urn:fanfare:problem:llm-budget-used-up" || p.retryAfter != wait {
			t.Errorf("%d %s, again after %s", p.Status, p.Type, p.retryAfter)
		}
		for _, part := range append(says, "administrator") {
			if !strings.Contains(p.Detail, part) {
				t.Errorf("%q does not say %q", p.Detail, part)
			}
		}
		if strings.Contains(p.Detail, "reserve_llm") || strings.Contains(p.Detail, "FF011") {
			t.Errorf("%q speaks of the database", p.Detail)
		}
	}
	now := time.Now().UTC()
	renewed := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)

	refused(1001, 0, 0, "of tokens", "1001 tokens", "Of 1000 tokens", "0 tokens are used", renewed)
	refused(1, 2_500_000, 0, "of money", "2.5000 USD", "Of 2.0000 USD", renewed)
	id, err := reserve(900, 1_500_000)
	if err != nil {
		t.Fatal(err)
	}
	refused(200, 0, 30*time.Second, "held for calls under way", "900 tokens")
	if err := tx(func(ctx context.Context, q *queries.Queries) error {
		if settled, err := q.LLMSettle(ctx, queries.LLMSettleParams{ID: id, InputTokens: 500, OutputTokens: 350, CostMicrousd: 1_250_000}); err != nil || !settled {
			t.Errorf("settled %v: %v", settled, err)
		}
		if settled, err := q.LLMSettle(ctx, queries.LLMSettleParams{ID: id, InputTokens: 500, OutputTokens: 350, CostMicrousd: 1_250_000}); err != nil || settled {
			t.Errorf("settled twice %v: %v", settled, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	refused(151, 0, 0, "850 tokens are used", renewed)
	refused(1, 750_001, 0, "of money", "1.2500 USD are used")
	if id, err = reserve(150, 750_000); err != nil {
		t.Fatal(err)
	}
	if err := tx(func(ctx context.Context, q *queries.Queries) error {
		released, err := q.LLMRelease(ctx, id)
		if !released {
			t.Error("not released")
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := reserve(150, 0); err != nil {
		t.Errorf("what was given back: %v", err)
	}
	// Where nothing is configured, nothing is allowed.
	a.LLMMonthlyTokens, a.LLMMonthlyMicroUSD = 0, 0
	refused(1, 0, 0, "Of 0 tokens")
}
