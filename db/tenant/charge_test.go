package tenant_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

const aDay = 24 * time.Hour

// charging gives a scope that owes a charge, and what will have been reported of it.
func charging(scope tenant.Scope, quota int) (tenant.Scope, *[]tenant.Rate) {
	rates := &[]tenant.Rate{}
	limit := tenant.Limit{Endpoint: "get-thing", Quota: quota, Window: aDay}
	return scope.Charging(tenant.NewCharge(limit, func(r tenant.Rate) { *rates = append(*rates, r) })), rates
}

// used is how much has been taken of the customer's limit, by what is kept of it.
func used(t *testing.T, d bundle, customerID uuid.UUID, quota int) int {
	t.Helper()
	var n int
	must(t, d.Super.QueryRow(context.Background(), `select coalesce((select ceil(extract(epoch from tat - now()) / (86400.0 / $2))
		from rate_limits where customer_id = $1 and endpoint = 'get-thing'), 0)::int`, customerID, quota).Scan(&n))
	return n
}

func wantLimited(t *testing.T, err error) *tenant.RateLimitedError {
	t.Helper()
	var limited *tenant.RateLimitedError
	if !errors.As(err, &limited) {
		t.Fatalf("got error %v, want that of the rate limit", err)
	}
	return limited
}

func TestCharge(t *testing.T) {
	t.Parallel()
	const quota = 10

	t.Run("a read is charged once, with its statement", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		scope, rates := charging(d.a.scope(), quota)
		reader := d.Tenant().Read(scope)
		for range 3 {
			if ids, err := listPosts(t.Context(), reader); err != nil || len(ids) != 3 {
				t.Fatalf("reads %v: %v", ids, err)
			}
		}
		if role, err := who(t.Context(), reader); err != nil || role != "fanfare_user" {
			t.Errorf("reads as %s: %v", role, err)
		}
		must(t, d.Tenant().Tx(t.Context(), scope, doNothing))
		must(t, d.Tenant().Charge(t.Context(), scope))
		if n := used(t, d, d.a.customer.ID, quota); n != 1 {
			t.Errorf("charged %d times", n)
		}
		if r := *rates; len(r) != 1 || r[0].Remaining != quota-1 || r[0].Quota != quota || r[0].Window != aDay || r[0].Endpoint != "get-thing" || r[0].Reset <= 0 {
			t.Errorf("reported %+v", r)
		}
		if n := used(t, d, d.b.customer.ID, quota); n != 0 {
			t.Errorf("the other customer was charged %d times", n)
		}
	})

	t.Run("a charged read is read-only all the same", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		scope, _ := charging(d.a.scope(), quota)
		_, err := d.Tenant().Read(scope).Query(t.Context(), "update posts set title = 'x' returning id")
		wantCode(t, err, "25006")
		if n := used(t, d, d.a.customer.ID, quota); n != 0 {
			t.Errorf("charged %d times", n)
		}
	})

	t.Run("a read without rows, or one of which not all are taken, is charged", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		scope, _ := charging(d.a.scope(), quota)
		if err := d.Tenant().Read(scope).QueryRow(t.Context(), "select 1 where false").Scan(new(int)); !errors.Is(err, pgx.ErrNoRows) {
			t.Errorf("got %v", err)
		}
		scope, rates := charging(d.a.scope(), quota)
		var n int
		must(t, d.Tenant().Read(scope).QueryRow(t.Context(), "select n from generate_series(1, 100) n").Scan(&n))
		if n := used(t, d, d.a.customer.ID, quota); n != 2 || len(*rates) != 1 {
			t.Errorf("charged %d times, reported %v", n, *rates)
		}
	})

	t.Run("a read that fails hands the charge back", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		scope, rates := charging(d.a.scope(), quota)
		var n int
		wantCode(t, d.Tenant().Read(scope).QueryRow(t.Context(), "select 1 / 0").Scan(&n), "22012")
		wantCode(t, d.Tenant().Read(scope).QueryRow(t.Context(), "select 1 / (3 - n) from generate_series(1, 3) n").Scan(&n), "22012")
		_, err := d.Tenant().Read(scope).Query(t.Context(), "select credential from integrations")
		wantCode(t, err, "42501")
		if n := used(t, d, d.a.customer.ID, quota); n != 0 || len(*rates) != 0 {
			t.Errorf("charged %d times, reported %v", n, *rates)
		}
		must(t, d.Tenant().Charge(t.Context(), scope))
		must(t, d.Tenant().Charge(t.Context(), scope))
		if n := used(t, d, d.a.customer.ID, quota); n != 1 || len(*rates) != 1 {
			t.Errorf("charged %d times, reported %v", n, *rates)
		}
	})

	t.Run("a transaction is charged before it begins, once for all its attempts", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		scope, rates := charging(d.a.scope(), quota)
		wantError(t, d.Tenant().Tx(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
			must(t, doNothing(ctx, tx))
			if n := used(t, d, d.a.customer.ID, quota); n != 1 { // another connection sees it
				t.Errorf("charged %d times", n)
			}
			return errOwn
		}), errOwn)
		attempts := 0
		wantCode(t, d.Tenant().TxRetry(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
			attempts++
			return fail(ctx, tx, "40001")
		}), "40001")
		if n := used(t, d, d.a.customer.ID, quota); n != 1 || attempts != tenant.Attempts || len(*rates) != 1 {
			t.Errorf("charged %d times in %d attempts, reported %v", n, attempts, *rates)
		}
	})

	t.Run("when nothing is left nothing is done", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		for range 2 {
			scope, _ := charging(d.a.scope(), 2)
			must(t, d.Tenant().Charge(t.Context(), scope))
		}
		scope, rates := charging(d.a.scope(), 2)
		_, err := listPosts(t.Context(), d.Tenant().Read(scope))
		limited := wantLimited(t, err)
		if limited.Endpoint != "get-thing" || limited.Quota != 2 || limited.Window != aDay || limited.RetryAfter < aDay/2-time.Minute || limited.RetryAfter > aDay/2 {
			t.Errorf("got %+v", limited)
		}
		scope, _ = charging(d.a.scope(), 2)
		wantLimited(t, d.Tenant().Tx(t.Context(), scope, func(context.Context, *tenant.Tx) error {
			t.Error("the closure runs")
			return nil
		}))
		scope, _ = charging(d.a.scope(), 2)
		wantLimited(t, d.Tenant().Charge(t.Context(), scope))
		if len(*rates) != 0 {
			t.Errorf("reported %v", *rates)
		}
		scope, _ = charging(d.b.scope(), 2)
		if ids, err := listPosts(t.Context(), d.Tenant().Read(scope)); err != nil || len(ids) != 3 {
			t.Errorf("the other customer reads %v: %v", ids, err)
		}
	})

	t.Run("nobody is charged for strangers", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		scope, _ := charging(d.b.owner.Scope().In(d.a.customer.ID), quota)
		wantError(t, d.Tenant().Charge(t.Context(), scope), tenant.ErrNotFound)
		_, err := listPosts(t.Context(), d.Tenant().Read(scope))
		wantError(t, err, tenant.ErrNotFound)
		unknown, _ := charging(tenant.User("nobody", tenant.Request{}).In(d.a.customer.ID), quota)
		wantError(t, d.Tenant().Charge(t.Context(), unknown), tenant.ErrUnknownUser)
		if n := used(t, d, d.a.customer.ID, quota); n != 0 {
			t.Errorf("charged %d times", n)
		}
		// What a stranger's request owes is theirs.
		must(t, d.Tenant().Charge(t.Context(), scope.Outside()))
		var caller string
		must(t, d.Super.QueryRow(t.Context(), "select caller from caller_rate_limits").Scan(&caller))
		if want := "user:" + d.b.owner.ID.String(); caller != want {
			t.Errorf("charged %s, want %s", caller, want)
		}
	})
}

// As many at once as the limit allows all pass, and one more does not: none is refused for having waited.
func TestChargesAtOnce(t *testing.T) {
	t.Parallel()
	d := setup(t)
	const quota = 12
	for range 10 {
		_, err := d.Super.Exec(t.Context(), "delete from rate_limits")
		must(t, err)
		var refused atomic.Int64
		var remaining [quota]atomic.Int64
		var working sync.WaitGroup
		for range quota + 1 {
			working.Go(func() {
				scope, rates := charging(d.a.scope(), quota)
				var limited *tenant.RateLimitedError
				if err := d.Tenant().Charge(t.Context(), scope); errors.As(err, &limited) {
					refused.Add(1)
					return
				} else if err != nil {
					t.Error(err)
					return
				}
				remaining[(*rates)[0].Remaining].Add(1)
			})
		}
		working.Wait()
		if refused.Load() != 1 {
			t.Errorf("%d are refused, want 1", refused.Load())
		}
		for left := range remaining {
			if n := remaining[left].Load(); n != 1 {
				t.Errorf("%d are told that %d remain", n, left)
			}
		}
	}
}

// Many connections of many pools: exactly the quota passes, through reads, transactions and charges alone.
func TestChargeIsExact(t *testing.T) {
	t.Parallel()
	d := setup(t)
	const pools, goroutines, rounds, quota = 4, 6, 25, 137
	var passed, limited atomic.Int64
	var working sync.WaitGroup
	for range pools {
		db := tenant.New(dbtest.OpenPool(t, d.LoginURL))
		for i := range goroutines {
			working.Go(func() {
				for range rounds {
					scope, _ := charging(d.a.scope(), quota)
					var err error
					switch i % 3 {
					case 0:
						_, err = listPosts(t.Context(), db.Read(scope))
					case 1:
						err = db.Tx(t.Context(), scope, doNothing)
					case 2:
						err = db.Charge(t.Context(), scope)
					}
					var refused *tenant.RateLimitedError
					switch {
					case err == nil:
						passed.Add(1)
					case errors.As(err, &refused):
						limited.Add(1)
					default:
						t.Error(err)
					}
				}
			})
		}
	}
	working.Wait()
	if passed.Load() != quota || limited.Load() != pools*goroutines*rounds-quota {
		t.Errorf("%d passed and %d were refused, want %d to pass", passed.Load(), limited.Load(), quota)
	}
}

func TestChargeAddress(t *testing.T) {
	t.Parallel()
	d := setup(t)
	db := d.Tenant()
	limit := tenant.Limit{Endpoint: "e", Quota: 2, Window: aDay}
	for _, group := range [][]string{
		{"192.0.2.1", "::ffff:192.0.2.1"}, // the same one
		{"192.0.2.2", "192.0.2.2"},
		{"2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff"}, // one network
		{"2001:db8:0:2::1", "2001:db8:0:2::1%eth0"},
	} {
		for i, text := range group {
			rate, err := db.ChargeAddress(t.Context(), netip.MustParseAddr(text), limit)
			if err != nil || rate.Remaining != 1-i || rate.Quota != 2 {
				t.Errorf("%s: %+v, %v", text, rate, err)
			}
		}
		_, err := db.ChargeAddress(t.Context(), netip.MustParseAddr(group[0]), limit)
		if got := wantLimited(t, err); got.RetryAfter <= 0 || got.Endpoint != "e" {
			t.Errorf("%s: %+v", group[0], got)
		}
	}
	for range 2 { // whoever has no address is charged too
		_, err := db.ChargeAddress(t.Context(), netip.Addr{}, limit)
		must(t, err)
	}
	_, err := db.ChargeAddress(t.Context(), netip.Addr{}, limit)
	wantLimited(t, err)
}
