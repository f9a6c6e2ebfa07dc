package db_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"pgregory.net/rapid"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// llmWallet makes calls of LLMs for a customer, with what the installation lets everybody have.
type llmWallet struct {
	db            *tenant.DB
	scope         tenant.Scope
	tokens, money int64
}

func newLLMWallet(t testing.TB, d *dbtest.DB, tokens, money int64) (w llmWallet, customerID uuid.UUID) {
	t.Helper()
	customerID = d.Customer(t, dbtest.Customer{}).ID
	return llmWallet{d.Tenant(), d.Member(t, customerID, "member").Scope().In(customerID), tokens, money}, customerID
}

// budgetRefusal is what FF011 says.
type budgetRefusal struct {
	Budget                                string
	Allowed, Used, Reserved, Lost, Wanted int64
	RenewsAt                              time.Time `json:"renews_at"`
}

// reserve reserves. The refusal is nil where it could.
func (w llmWallet) reserve(ctx context.Context, id uuid.UUID, tokens, money int64) (*budgetRefusal, error) {
	_, err := runAs(ctx, w.db, w.scope, "select tenancy.reserve_llm($1, 'generate_post', false, $2, $3, $4, $5)", id, tokens, money, w.tokens, w.money)
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "FF011" {
		var r budgetRefusal
		return &r, json.Unmarshal([]byte(pgErr.Detail), &r)
	}
	return nil, err
}

func (w llmWallet) settle(ctx context.Context, id uuid.UUID, in, out, money int64) (settled bool, err error) {
	err = w.db.Tx(ctx, w.scope, func(ctx context.Context, tx *tenant.Tx) error {
		return tx.QueryRow(ctx, "select tenancy.settle_llm($1, $2, $3, $4)", id, in, out, money).Scan(&settled)
	})
	return settled, err
}

func (w llmWallet) release(ctx context.Context, id uuid.UUID) (released bool, err error) {
	err = w.db.Tx(ctx, w.scope, func(ctx context.Context, tx *tenant.Tx) error {
		return tx.QueryRow(ctx, "select tenancy.release_llm($1)", id).Scan(&released)
	})
	return released, err
}

// llmSums are what a customer has taken, by what is kept of it.
type llmSums struct{ Tokens, Money, ReservedTokens, ReservedMoney, LostTokens, LostMoney int64 }

// monthSums reads the months, all of them together.
func monthSums(ctx context.Context, t testing.TB, d *dbtest.DB, customerID uuid.UUID) (s llmSums) {
	t.Helper()
	err := d.Super.QueryRow(ctx, `select coalesce(sum(tokens), 0)::bigint, coalesce(sum(cost_microusd), 0)::bigint, coalesce(sum(reserved_tokens), 0)::bigint,
		coalesce(sum(reserved_cost_microusd), 0)::bigint, coalesce(sum(lost_tokens), 0)::bigint, coalesce(sum(lost_cost_microusd), 0)::bigint
		from llm_months where customer_id = $1`, customerID).Scan(&s.Tokens, &s.Money, &s.ReservedTokens, &s.ReservedMoney, &s.LostTokens, &s.LostMoney)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rowSums adds up what the months are the sums of: usage and reservations. Lost reservations are there for a day.
func rowSums(ctx context.Context, t testing.TB, d *dbtest.DB, customerID uuid.UUID) (s llmSums) {
	t.Helper()
	err := d.Super.QueryRow(ctx, `
		select (select coalesce(sum(input_tokens + output_tokens), 0)::bigint from both_usage), (select coalesce(sum(cost_microusd), 0)::bigint from both_usage),
			coalesce(sum(tokens) filter (where lost_at is null), 0)::bigint, coalesce(sum(cost_microusd) filter (where lost_at is null), 0)::bigint,
			coalesce(sum(tokens) filter (where lost_at is not null), 0)::bigint, coalesce(sum(cost_microusd) filter (where lost_at is not null), 0)::bigint
		from llm_reservations where customer_id = $1`, customerID).Scan(&s.Tokens, &s.Money, &s.ReservedTokens, &s.ReservedMoney, &s.LostTokens, &s.LostMoney)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withBothUsage lets a test read usage_days and usage_entries as one.
func withBothUsage(t testing.TB, d *dbtest.DB) {
	t.Helper()
	mustExec(t, d, `create view both_usage as
		select customer_id, day, kind, platform, count, input_tokens, output_tokens, cost_microusd from usage_days
		union all select customer_id, day, kind, platform, count, input_tokens, output_tokens, cost_microusd from usage_entries`)
}

// TestLLMBudgetParallel: 200 calls at once over 24 connections, which take more than there is, some of which fail and some of which
// are left behind, while workers add up and look for what was left behind. The budget is never exceeded, nobody is refused for whom
// there was room, and in the end the sums are those of the rows.
func TestLLMBudgetParallel(t *testing.T) {
	t.Parallel()
	const tokens, money, calls = 60_000, 9_000_000, 200
	ctx := t.Context()
	d := dbtest.New(t)
	withBothUsage(t, d)
	w, customerID := newLLMWallet(t, d, tokens, money)
	config, err := pgxpool.ParseConfig(d.LoginURL)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 24
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	w.db = tenant.New(pool)

	over := func() bool {
		var exceeded bool
		if err := d.Super.QueryRow(ctx, `select exists (select from llm_months where tokens + reserved_tokens + lost_tokens > $1
			or cost_microusd + reserved_cost_microusd + lost_cost_microusd > $2)`, tokens, money).Scan(&exceeded); err != nil {
			t.Error(err)
		}
		return exceeded
	}
	done := make(chan struct{})
	var upkeep, callers sync.WaitGroup
	upkeep.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			if over() {
				t.Error("the budget is exceeded")
			}
			for _, sql := range []string{"select tenancy.add_up_usage(7)", "select tenancy.expire_llm(7)"} {
				if _, err := d.Worker.Exec(ctx, sql); err != nil {
					t.Errorf("%s: %v", sql, err)
				}
			}
		}
	})
	var mu sync.Mutex
	var refusedCalls, settledCalls, releasedCalls, leftBehind int
	count := func(n *int) {
		mu.Lock()
		defer mu.Unlock()
		*n++
	}
	for i := range calls {
		id := newID(t)
		callers.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			// on average 2.5 times what there is
			wantedTokens, wantedMoney := 200+r.Int64N(1200), r.Int64N(100_000)
			refusal, err := w.reserve(ctx, id, wantedTokens, wantedMoney)
			switch {
			case err != nil:
				t.Error(err)
				return
			case refusal != nil:
				count(&refusedCalls)
				if refusal.Used+refusal.Reserved+refusal.Lost+refusal.Wanted <= refusal.Allowed {
					t.Errorf("refused although there was room: %+v", refusal)
				}
				return
			}
			switch i % 5 {
			case 0:
				count(&releasedCalls)
				if _, err := w.release(ctx, id); err != nil {
					t.Error(err)
				}
			case 1:
				count(&leftBehind)
				if _, err := d.Super.Exec(ctx, "update llm_reservations set expires_at = now() - interval '1 second' where id = $1", id); err != nil {
					t.Error(err)
				}
			default:
				count(&settledCalls)
				in := r.Int64N(wantedTokens)
				// two at once: one of them counts
				var both sync.WaitGroup
				var times [2]bool
				for n := range times {
					both.Go(func() {
						var err error
						if times[n], err = w.settle(ctx, id, in, 1, wantedMoney/2); err != nil {
							t.Error(err)
						}
					})
				}
				both.Wait()
				if times[0] == times[1] {
					t.Errorf("of two settlements %v counted", times)
				}
			}
		})
	}
	callers.Wait()
	close(done)
	upkeep.Wait()
	for _, sql := range []string{"select tenancy.add_up_usage(100000)", "select tenancy.expire_llm(100000)"} {
		if _, err := d.Worker.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	if over() {
		t.Error("the budget is exceeded")
	}
	got, want := monthSums(ctx, t, d, customerID), rowSums(ctx, t, d, customerID)
	t.Logf("%d settled, %d released, %d left behind, %d refused; %+v", settledCalls, releasedCalls, leftBehind, refusedCalls, got)
	if got != want {
		t.Errorf("the month says %+v, the rows %+v", got, want)
	}
	if got.ReservedTokens != 0 || got.ReservedMoney != 0 {
		t.Errorf("reserved is %+v after all calls", got)
	}
	if refusedCalls == 0 || settledCalls == 0 || leftBehind == 0 || got.LostTokens == 0 {
		t.Error("the test did not come to the end of the budget")
	}
	if n := one[int](ctx, t, d.Super, "select sum(count)::int from usage_days where kind = 'generate_post'"); n != settledCalls {
		t.Errorf("%d calls are counted, want %d", n, settledCalls)
	}
	// What is left can still be taken, to the last token, and nothing more.
	left := tokens - got.Tokens - got.LostTokens
	if refusal, err := w.reserve(ctx, newID(t), left+1, 0); err != nil || refusal == nil || refusal.Budget != "tokens" {
		t.Errorf("one token more than is left: %+v, %v", refusal, err)
	}
	if refusal, err := w.reserve(ctx, newID(t), left, 0); err != nil || refusal != nil {
		t.Errorf("what is left: %+v, %v", refusal, err)
	}
}

// TestLLMBudgetModel compares random histories with what they come to by arithmetic, over changes of the budget and of the month.
func TestLLMBudgetModel(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	withBothUsage(t, d)
	type call struct {
		id            uuid.UUID
		tokens, money int64
		month         int // how many months ago
		lost          bool
	}
	rapid.Check(t, func(r *rapid.T) {
		w, customerID := newLLMWallet(t, d, rapid.Int64Range(0, 300).Draw(r, "tokens"), rapid.Int64Range(0, 300).Draw(r, "money"))
		allowed := llmSums{Tokens: w.tokens, Money: w.money}
		months := []llmSums{{}} // this one first
		var open []call
		var over []call // ended: settling or releasing them does nothing
		pick := func(label string) int { return rapid.IntRange(0, len(open)-1).Draw(r, label) }
		take := func(i int) call {
			c := open[i]
			open = append(open[:i:i], open[i+1:]...)
			over = append(over, c)
			m := &months[c.month]
			if c.lost {
				m.LostTokens, m.LostMoney = m.LostTokens-c.tokens, m.LostMoney-c.money
			} else {
				m.ReservedTokens, m.ReservedMoney = m.ReservedTokens-c.tokens, m.ReservedMoney-c.money
			}
			return c
		}
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			step := rapid.SampledFrom([]string{"reserve", "reserve", "reserve", "settle", "settle", "release", "again", "expire", "budget", "month"}).Draw(r, "step")
			if len(open) == 0 && (step == "settle" || step == "release") || len(over) == 0 && step == "again" {
				step = "reserve"
			}
			switch step {
			case "reserve":
				c := call{id: newID(t), tokens: rapid.Int64Range(1, 120).Draw(r, "wanted"), money: rapid.Int64Range(0, 60).Draw(r, "cost")}
				m := &months[0]
				fits := m.Tokens+m.ReservedTokens+m.LostTokens+c.tokens <= allowed.Tokens &&
					(c.money == 0 || m.Money+m.ReservedMoney+m.LostMoney+c.money <= allowed.Money)
				refusal, err := w.reserve(ctx, c.id, c.tokens, c.money)
				if err != nil || (refusal == nil) != fits {
					r.Fatalf("reserving %+v of %+v after %+v: %+v, %v", c, allowed, *m, refusal, err)
				}
				if fits {
					open = append(open, c)
					m.ReservedTokens, m.ReservedMoney = m.ReservedTokens+c.tokens, m.ReservedMoney+c.money
				}
			case "settle":
				c := take(pick("settled"))
				// more than was reserved, too
				in, out, cost := rapid.Int64Range(0, 150).Draw(r, "in"), rapid.Int64Range(0, 150).Draw(r, "out"), rapid.Int64Range(0, 80).Draw(r, "paid")
				months[c.month].Tokens += min(in+out, c.tokens)
				months[c.month].Money += min(cost, c.money)
				if settled, err := w.settle(ctx, c.id, in, out, cost); err != nil || !settled {
					r.Fatalf("settling: %v, %v", settled, err)
				}
			case "release":
				c := take(pick("released"))
				if released, err := w.release(ctx, c.id); err != nil || !released {
					r.Fatalf("releasing: %v, %v", released, err)
				}
			case "again":
				c := over[rapid.IntRange(0, len(over)-1).Draw(r, "ended")]
				settled, err := w.settle(ctx, c.id, 10, 10, 10)
				released, releaseErr := w.release(ctx, c.id)
				if err := errors.Join(err, releaseErr); err != nil || settled || released {
					r.Fatalf("ending it again: %v, %v, %v", settled, released, err)
				}
			case "expire":
				if len(open) > 0 {
					c := &open[pick("left behind")]
					mustExec(t, d, "update llm_reservations set expires_at = now() - interval '1 second' where id = $1", c.id)
					if !c.lost {
						c.lost = true
						m := &months[c.month]
						m.ReservedTokens, m.ReservedMoney = m.ReservedTokens-c.tokens, m.ReservedMoney-c.money
						m.LostTokens, m.LostMoney = m.LostTokens+c.tokens, m.LostMoney+c.money
					}
				}
				if _, err := d.Worker.Exec(ctx, "select tenancy.expire_llm(1000)"); err != nil {
					r.Fatal(err)
				}
			case "budget":
				allowed = llmSums{Tokens: rapid.Int64Range(0, 400).Draw(r, "own tokens"), Money: w.money}
				mustExec(t, d, `insert into llm_budgets (customer_id, monthly_tokens) values ($1, $2)
					on conflict (customer_id) do update set monthly_tokens = excluded.monthly_tokens`, customerID, allowed.Tokens)
			case "month":
				// A month goes by: what was this month's is the one before's.
				mustExec(t, d, "update llm_months set month = month + interval '1200 months' where customer_id = $1", customerID)
				mustExec(t, d, "update llm_months set month = month - interval '1201 months' where customer_id = $1", customerID)
				mustExec(t, d, "update llm_reservations set reserved_at = date_trunc('month', reserved_at at time zone 'UTC') at time zone 'UTC' - interval '1 day' where customer_id = $1", customerID)
				months = append([]llmSums{{}}, months...)
				for i := range open {
					open[i].month++
				}
			}
			for i, want := range months {
				var got llmSums
				err := d.Super.QueryRow(ctx, `select coalesce(sum(tokens), 0)::bigint, coalesce(sum(cost_microusd), 0)::bigint, coalesce(sum(reserved_tokens), 0)::bigint,
					coalesce(sum(reserved_cost_microusd), 0)::bigint, coalesce(sum(lost_tokens), 0)::bigint, coalesce(sum(lost_cost_microusd), 0)::bigint
					from llm_months where customer_id = $1 and month = (tenancy.month_of(now()) - make_interval(months => $2))::date`, customerID, i).
					Scan(&got.Tokens, &got.Money, &got.ReservedTokens, &got.ReservedMoney, &got.LostTokens, &got.LostMoney)
				if err != nil || got != want {
					r.Fatalf("after %s the month %d months ago is %+v, want %+v (%v)", step, i, got, want, err)
				}
			}
		}
	})
}

// TestLLMBudgetLeftBehind: what a crash leaves counts whole after a quarter of an hour, and truly if somebody says so within a day.
func TestLLMBudgetLeftBehind(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	withBothUsage(t, d)
	w, customerID := newLLMWallet(t, d, 100, 100)
	reserve := func() uuid.UUID {
		id := newID(t)
		if refusal, err := w.reserve(ctx, id, 30, 20); err != nil || refusal != nil {
			t.Fatalf("%+v, %v", refusal, err)
		}
		return id
	}
	expire := func() int64 { return one[int64](ctx, t, d.Worker, "select tenancy.expire_llm(100)") }
	want := func(when string, want llmSums) {
		t.Helper()
		if got := monthSums(ctx, t, d, customerID); got != want {
			t.Errorf("%s: %+v, want %+v", when, got, want)
		}
	}
	a, b, c := reserve(), reserve(), reserve()
	mustExec(t, d, "update llm_reservations set reserved_at = reserved_at - interval '14 minutes', expires_at = expires_at - interval '14 minutes'")
	if n := expire(); n != 0 {
		t.Errorf("%d are lost after 14 minutes", n)
	}
	mustExec(t, d, "update llm_reservations set expires_at = expires_at - interval '2 minutes'")
	if n := expire(); n != 3 {
		t.Errorf("%d are lost after 16 minutes, want 3", n)
	}
	want("lost", llmSums{LostTokens: 90, LostMoney: 60})
	if refusal, err := w.reserve(ctx, newID(t), 11, 0); err != nil || refusal == nil || refusal.Lost != 90 {
		t.Errorf("lost tokens are there to be taken: %+v, %v", refusal, err)
	}
	if settled, err := w.settle(ctx, a, 5, 7, 8); err != nil || !settled {
		t.Fatalf("late settlement: %v, %v", settled, err)
	}
	want("one settled late", llmSums{Tokens: 12, Money: 8, LostTokens: 60, LostMoney: 40})
	if released, err := w.release(ctx, b); err != nil || !released {
		t.Fatalf("late release: %v, %v", released, err)
	}
	want("one released late", llmSums{Tokens: 12, Money: 8, LostTokens: 30, LostMoney: 20})
	mustExec(t, d, "update llm_reservations set lost_at = lost_at - interval '25 hours'")
	if n := expire(); n != 1 {
		t.Errorf("%d are forgotten, want 1", n)
	}
	if settled, err := w.settle(ctx, c, 5, 7, 8); err != nil || settled {
		t.Errorf("settled after a day: %v, %v", settled, err)
	}
	want("in the end", llmSums{Tokens: 12, Money: 8, LostTokens: 30, LostMoney: 20})
	if n := one[int](ctx, t, d.Super, "select sum(count)::int from both_usage where customer_id = $1", customerID); n != 1 {
		t.Errorf("usage counts %d calls, want the one that was settled", n)
	}
	// A month that somebody holds waits, and keeps nobody else waiting.
	reserve()
	mustExec(t, d, "update llm_reservations set expires_at = now() - interval '1 second'")
	tx, err := d.Super.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "select from llm_months for update"); err != nil {
		t.Fatal(err)
	}
	if n := expire(); n != 0 {
		t.Errorf("%d were lost of a month that is held", n)
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if n := expire(); n != 1 {
		t.Errorf("%d were lost, want 1", n)
	}
}

// TestLLMBudgetMonths: a call counts in the month, and on the day, in which it was reserved, and a new month has a whole budget.
func TestLLMBudgetMonths(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	withBothUsage(t, d)
	w, customerID := newLLMWallet(t, d, 100, 100)
	id := newID(t)
	if refusal, err := w.reserve(ctx, id, 100, 100); err != nil || refusal != nil {
		t.Fatalf("%+v, %v", refusal, err)
	}
	refusal, err := w.reserve(ctx, newID(t), 1, 0)
	now := time.Now().UTC()
	renews := time.Date(now.Year(), now.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	if err != nil || refusal == nil || !refusal.RenewsAt.Equal(renews) {
		t.Fatalf("%+v, %v; want it to be renewed at %s", refusal, err, renews)
	}
	mustExec(t, d, "update llm_months set month = (month - interval '1 month')::date")
	mustExec(t, d, "update llm_reservations set reserved_at = $1", renews.AddDate(0, -1, 0).Add(-time.Second)) // the last one of the month before
	if refusal, err := w.reserve(ctx, newID(t), 100, 100); err != nil || refusal != nil {
		t.Fatalf("in a new month: %+v, %v", refusal, err)
	}
	if settled, err := w.settle(ctx, id, 40, 30, 20); err != nil || !settled {
		t.Fatal(settled, err)
	}
	got := column[string](ctx, t, d.Super, "select concat_ws(' ', month, tokens, cost_microusd, reserved_tokens) from llm_months where customer_id = $1 order by month", customerID)
	want := []string{renews.AddDate(0, -2, 0).Format(time.DateOnly) + " 70 20 0", renews.AddDate(0, -1, 0).Format(time.DateOnly) + " 0 0 100"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("months are %v, want %v", got, want)
	}
	if day := one[string](ctx, t, d.Super, "select concat_ws(' ', day, kind, count, input_tokens, output_tokens, cost_microusd) from both_usage"); day != renews.AddDate(0, -1, -1).Format(time.DateOnly)+" generate_post 1 40 30 20" {
		t.Errorf("usage is %s", day)
	}
}

// TestLLMBudgetReported: whatever a provider reports, a call ends, and counts as no less than nothing and no more than was reserved.
func TestLLMBudgetReported(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	withBothUsage(t, d)
	for _, own := range []bool{false, true} {
		for _, c := range []struct{ in, out, money, wantIn, wantOut, wantMoney any }{
			{10, 20, 30, 10, 20, 30},
			{0, 0, 0, 0, 0, 0},
			{int64(900_000_000_000), int64(900_000_000_000), int64(900_000_000_000), 100, 0, 50},
			{int64(1e15), 1, 1, 100, 0, 1},
			{60, int64(math.MaxInt64), int64(math.MaxInt64), 60, 40, 50},
			{int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MinInt64), 100, 0, 0},
			{-5, int64(math.MinInt64), -1, 0, 0, 0},
			{int64(math.MinInt64), 500, 51, 0, 100, 50},
			{nil, nil, nil, 100, 0, 50},
		} {
			w, customerID := newLLMWallet(t, d, 1000, 1000)
			mustExec(t, d, "insert into llm_months (customer_id, month) values ($1, tenancy.month_of(now()))", customerID)
			id, reserved := newID(t), 50
			if own {
				reserved, c.wantMoney = 0, 0
			}
			if _, err := runAs(ctx, d.Tenant(), w.scope, "select tenancy.reserve_llm($1, 'generate_post', $2, 100, $3, 1000, 1000)", id, own, reserved); err != nil {
				t.Fatal(err)
			}
			if n, err := runAs(ctx, d.Tenant(), w.scope, "select 1 where tenancy.settle_llm($1, $2, $3, $4)", id, c.in, c.out, c.money); err != nil || n != 1 {
				t.Errorf("%+v: %d, %v", c, n, err)
			}
			want := fmt.Sprint("1 ", c.wantIn, " ", c.wantOut, " ", c.wantMoney)
			if got := one[string](ctx, t, d.Super, "select concat_ws(' ', count, input_tokens, output_tokens, cost_microusd) from both_usage where customer_id = $1", customerID); got != want {
				t.Errorf("%+v, own key %t: usage is %s, want %s", c, own, got, want)
			}
			taken := llmSums{Tokens: int64(c.wantIn.(int) + c.wantOut.(int)), Money: int64(c.wantMoney.(int))}
			if own {
				taken = llmSums{}
			}
			if got := monthSums(ctx, t, d, customerID); got != taken {
				t.Errorf("%+v, own key %t: the month is %+v, want %+v", c, own, got, taken)
			}
			if n := one[int](ctx, t, d.Super, "select count(*)::int from llm_reservations where customer_id = $1", customerID); n != 0 {
				t.Errorf("%+v: the reservation is still there", c)
			}
		}
	}
}

// TestLLMBudgetOwnKeys: calls with keys of one's own take nothing of the budget, with whatever becomes of them, and need none.
func TestLLMBudgetOwnKeys(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	w, customerID := newLLMWallet(t, d, 0, 0)
	mustExec(t, d, "insert into llm_months (customer_id, month) values ($1, tenancy.month_of(now()))", customerID)
	reserve := func() uuid.UUID {
		id := newID(t)
		if _, err := runAs(ctx, d.Tenant(), w.scope, "select tenancy.reserve_llm($1, 'generate_post', true, 1000000, 0, 0, 0)", id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	expire := func() int64 { return one[int64](ctx, t, d.Worker, "select tenancy.expire_llm(100)") }
	a, b := reserve(), reserve()
	reserve() // is left behind
	if refusal, err := w.reserve(ctx, newID(t), 1, 0); err != nil || refusal == nil || refusal.Reserved != 0 {
		t.Errorf("a call with the installation's key: %+v, %v", refusal, err)
	}
	if released, err := w.release(ctx, a); err != nil || !released {
		t.Errorf("release: %v, %v", released, err)
	}
	mustExec(t, d, "update llm_reservations set expires_at = now() - interval '1 hour'")
	if n := expire(); n != 0 {
		t.Errorf("%d are lost", n)
	}
	if settled, err := w.settle(ctx, b, 1, 1, 0); err != nil || !settled {
		t.Errorf("late settlement: %v, %v", settled, err)
	}
	mustExec(t, d, "update llm_reservations set expires_at = now() - interval '25 hours'")
	if n := expire(); n != 1 {
		t.Errorf("%d are forgotten, want 1", n)
	}
	if got := monthSums(ctx, t, d, customerID); got != (llmSums{}) {
		t.Errorf("the month is %+v", got)
	}
	_, err := runAs(ctx, d.Tenant(), w.scope, "select tenancy.reserve_llm($1, 'generate_post', true, 1, 1, 0, 0)", newID(t))
	expectRefused(t, "an own key for the installation's money", err, "22023")
}

// TestLLMBudgetMoney: a call that costs the installation nothing is not refused for want of money, and any other is.
func TestLLMBudgetMoney(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	w, _ := newLLMWallet(t, d, 1000, 100)
	id := newID(t)
	if refusal, err := w.reserve(ctx, id, 10, 100); err != nil || refusal != nil {
		t.Fatalf("%+v, %v", refusal, err)
	}
	if _, err := w.settle(ctx, id, 5, 5, 150); err != nil { // more than was reserved: that counts
		t.Fatal(err)
	}
	if refusal, err := w.reserve(ctx, newID(t), 10, 1); err != nil || refusal == nil || refusal.Budget != "cost" || refusal.Used != 100 || refusal.Allowed != 100 {
		t.Errorf("a call that costs: %+v, %v", refusal, err)
	}
	if refusal, err := w.reserve(ctx, newID(t), 10, 0); err != nil || refusal != nil {
		t.Errorf("a call that costs nothing: %+v, %v", refusal, err)
	}
	none := llmWallet{w.db, w.scope, 0, 0}
	if refusal, err := none.reserve(ctx, newID(t), 1, 0); err != nil || refusal == nil {
		t.Errorf("where the installation allows nothing: %+v, %v", refusal, err)
	}
}

// TestLLMBudgetOfOthers: who may take of the budget, and that nobody takes of another customer's or ends another's call.
func TestLLMBudgetOfOthers(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	before := checksum(ctx, t, d, b.id)
	reading := d.APIKey(t, dbtest.APIKey{CustomerID: a.id, CreatedBy: a.people["owner"].ID, Permissions: []string{"customer:read", "posts:read"}})
	manager, support := d.User(t, dbtest.User{SystemRole: "manager"}), d.User(t, dbtest.User{SystemRole: "viewer"})
	const reserve = "select tenancy.reserve_llm($1, 'generate_post', false, 1, 1, 1000, 1000)"
	for name, test := range map[string]struct {
		scope tenant.Scope
		may   bool
	}{
		"owner": {a.people["owner"].Scope(), true}, "member": {a.people["member"].Scope(), true}, "viewer": {a.people["viewer"].Scope(), false},
		"key": {a.key.Scope(), true}, "agent": {a.token.Scope(), true}, "reading key": {reading.Scope(), false},
		"system manager": {manager.Scope(), true}, "system viewer": {support.Scope(), false},
	} {
		_, err := runAs(ctx, d.Tenant(), test.scope.In(a.id), reserve, newID(t))
		if test.may && err != nil || !test.may && refused(err).Code != denied {
			t.Errorf("%s reserves: %v", name, err)
		}
	}
	_, err := runAs(ctx, d.TenantWorker(), tenant.Worker(a.id, tenant.Request{}), reserve, newID(t))
	expectRefused(t, "the worker reserves", err, denied)
	_, err = runAs(ctx, d.Tenant(), a.people["owner"].Scope(), reserve, newID(t))
	expectRefused(t, "in no customer", err, denied)
	for _, sql := range []string{"select 1 where tenancy.settle_llm($1, 1, 1, 1)", "select 1 where tenancy.release_llm($1)"} {
		if n, err := runAs(ctx, d.Tenant(), a.people["owner"].Scope().In(a.id), sql, b.reserved); err != nil || n != 0 {
			t.Errorf("%s of another customer: %d, %v", sql, n, err)
		}
	}
	// An id that another customer has is free here.
	if _, err := runAs(ctx, d.Tenant(), a.people["owner"].Scope().In(a.id), reserve, b.reserved); err != nil {
		t.Errorf("an id of another customer's: %v", err)
	}
	for name, args := range map[string][]any{
		"nothing": {0, 0, 10, 10}, "less than nothing": {-5, 0, 10, 10}, "money back": {1, -1, 10, 10},
		"without a budget": {1, 1, nil, nil}, "too much": {int64(1) << 62, 0, int64(1) << 62, 0},
	} {
		_, err := runAs(ctx, d.Tenant(), a.people["owner"].Scope().In(a.id), "select tenancy.reserve_llm($1, 'x', false, $2, $3, $4, $5)", append([]any{newID(t)}, args...)...)
		expectRefused(t, name, err, "22023")
	}
	mustExec(t, d, "update customers set archived_at = now() where id = $1", a.id)
	_, err = runAs(ctx, d.Tenant(), a.people["owner"].Scope().In(a.id), reserve, newID(t))
	expectRefused(t, "in an archived customer", err, denied)
	if n, err := runAs(ctx, d.Tenant(), a.people["owner"].Scope().In(a.id), "select 1 where tenancy.settle_llm($1, 1, 1, 1)", a.reserved); err != nil || n != 1 {
		t.Errorf("a call that ends after the customer was archived: %d, %v", n, err)
	}
	if checksum(ctx, t, d, b.id) != before {
		t.Error("the other customer has changed")
	}
}
