package api_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestLLMBudgets(t *testing.T) {
	t.Parallel()
	const reason = "X-Admin-Reason"
	now := time.Now().UTC()
	byDefault := api.LLMBudget{
		MonthlyTokens: 1_000_000, MonthlyCostMicroUSD: 5_000_000, DefaultMonthlyTokens: 1_000_000, DefaultMonthlyCostMicroUSD: 5_000_000,
		RenewsAt: time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC),
	}
	same := func(t *testing.T, what string, a answer, want api.LLMBudget) {
		t.Helper()
		if diff := cmp.Diff(want, into[api.LLMBudget](t, a.want(t, 200))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}

	t.Run("a system admin's change holds, and members see it", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c, other := w.cast(t), w.cast(t)
		path := c.path("/llm-budget")
		get := func(who dbtest.User) answer { return w.call(t, who, "GET", path, nil) }
		before := get(c.viewer)
		same(t, "at first", before, byDefault)
		set := w.call(t, c.sysadmin, "PUT", path, m{"monthly_tokens": 70}, reason, "too much", "If-Match", before.etag())
		own := byDefault
		own.MonthlyTokens, own.Overridden = 70, true
		same(t, "set", set, own)
		w.exec(t, `insert into llm_months (customer_id, month, tokens, cost_microusd, reserved_tokens, reserved_cost_microusd, lost_tokens, lost_cost_microusd)
			values ($1, tenancy.month_of(now()), 1, 2, 3, 4, 5, 6), ($1, '2020-01-01', 9, 9, 9, 9, 9, 9), ($2, tenancy.month_of(now()), 8, 8, 8, 8, 8, 8)`, c.customer.ID, other.customer.ID)
		own.UsedTokens, own.UsedCostMicroUSD, own.ReservedTokens, own.ReservedCostMicroUSD, own.LostTokens, own.LostCostMicroUSD = 1, 2, 3, 4, 5, 6
		for _, who := range []dbtest.User{c.viewer, c.owner, c.sysviewer, c.sysadmin} {
			a := get(who)
			same(t, "read", a, own)
			if a.etag() != set.etag() {
				t.Errorf("the ETag is %s, want %s", a.etag(), set.etag())
			}
		}
		w.call(t, c.sysadmin, "PUT", path, m{"monthly_tokens": 1}, reason, "r", "If-Match", before.etag()).want(t, 412)
		own.MonthlyTokens, own.MonthlyCostMicroUSD = byDefault.MonthlyTokens, 0
		// What is left out is as the installation has it.
		again := w.call(t, c.sysadmin, "PUT", path, m{"monthly_cost_microusd": 0}, reason, "r", "If-Match", set.etag())
		same(t, "set again", again, own)
		w.call(t, c.sysadmin, "DELETE", path, nil, reason, "r", "If-Match", set.etag()).want(t, 412)
		w.call(t, c.sysadmin, "DELETE", path, nil, reason, "r", "If-Match", again.etag()).want(t, 204)
		own.MonthlyCostMicroUSD, own.Overridden = byDefault.MonthlyCostMicroUSD, false
		same(t, "reset", get(c.viewer), own)
		w.call(t, c.sysadmin, "DELETE", path, nil, reason, "r").want(t, 404)
		if got := w.count(t, "select count(*) from audit_log where customer_id = $1 and action like 'llm_budget.%' and reason is not null", c.customer.ID); got != 3 {
			t.Errorf("%d changes are in the audit log", got)
		}
		c.roles(t, reading, func(_ *testing.T, who dbtest.User) answer { return get(who) })
	})

	t.Run("nobody else changes it", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		path := c.path("/llm-budget")
		for _, exists := range []bool{false, true} {
			if exists {
				w.exec(t, "insert into llm_budgets (customer_id, monthly_tokens) values ($1, 77)", c.customer.ID)
			}
			for _, who := range []dbtest.User{c.viewer, c.member, c.admin, c.owner, c.sysviewer, c.manager} {
				w.call(t, who, "PUT", path, m{"monthly_tokens": 1}, reason, "r").want(t, 403)
				if exists {
					w.call(t, who, "DELETE", path, nil, reason, "r").want(t, 403)
				}
			}
			w.call(t, c.sysadmin, "PUT", path, m{"monthly_tokens": 1}, reason, "").want(t, 403) // does not say why
			w.call(t, c.outsider, "PUT", path, m{"monthly_tokens": 1}, reason, "r").want(t, 404)
		}
		if n := w.count(t, "select sum(monthly_tokens) from llm_budgets"); n != 77 {
			t.Errorf("the budget has become %d", n)
		}
	})

	t.Run("what is asked for must be right", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		c := w.cast(t)
		set := func(body any) answer { return w.call(t, c.sysadmin, "PUT", c.path("/llm-budget"), body, reason, "r") }
		set(m{"monthly_tokens": -1}).wantAt(t, "body.monthly_tokens")
		set(m{"monthly_tokens": 1_000_000_000_001}).wantAt(t, "body.monthly_tokens")
		set(m{"monthly_cost_microusd": -1}).wantAt(t, "body.monthly_cost_microusd")
		set(m{"monthly_cost_microusd": 1.5}).wantAt(t, "body.monthly_cost_microusd")
		set(m{}).wantAt(t, "body")
		set(m{"monthly_tokens": nil}).want(t, 422)
		if n := w.count(t, "select count(*) from llm_budgets"); n != 0 {
			t.Errorf("%d budgets", n)
		}
		set(m{"monthly_tokens": 1_000_000_000_000, "monthly_cost_microusd": 1_000_000_000_000}).want(t, 200)
	})
}
