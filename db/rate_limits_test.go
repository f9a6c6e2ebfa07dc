package db_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// left is what tenancy.charge answers, and what its refusal says.
type left struct {
	Quota, Window, Remaining int
	ResetMS                  int64 `json:"reset_ms"`
	RetryAfterMS             int64 `json:"retry_after_ms"`
}

// A window in which nothing comes back while a test runs.
const longWindow = 86400

// charge charges a customer once. ok is false where the limit refuses.
func charge(t testing.TB, d *dbtest.DB, customerID uuid.UUID, endpoint string, quota, window int) (l left, ok bool) {
	t.Helper()
	var text string
	err := d.Super.QueryRow(context.Background(), "select tenancy.charge($1, null, $2, $3, $4)", customerID, endpoint, quota, window).Scan(&text)
	ok = err == nil
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) && pgErr.Code == "FF005" {
		text = pgErr.Detail
	} else if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return l, ok
}

// passes wants so many charges to pass and the next one to be refused.
func passes(t testing.TB, d *dbtest.DB, customerID uuid.UUID, endpoint string, quota, window, want int) {
	t.Helper()
	for i := range want {
		if l, ok := charge(t, d, customerID, endpoint, quota, window); !ok {
			t.Fatalf("charge %d of %d is refused: %+v", i+1, want, l)
		}
	}
	if l, ok := charge(t, d, customerID, endpoint, quota, window); ok {
		t.Fatalf("one more than %d passes: %+v", want, l)
	}
}

// later lets time pass for everything that has been charged.
func later(t testing.TB, d *dbtest.DB, interval string) {
	t.Helper()
	for _, table := range []string{"rate_limits", "caller_rate_limits"} {
		if _, err := d.Super.Exec(context.Background(), "update "+table+" set tat = tat - $1::interval", interval); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCharge(t *testing.T) {
	t.Parallel()
	ctx := context.Background()

	t.Run("the quota passes at once, whatever it is", func(t *testing.T) {
		t.Parallel()
		d := dbtest.New(t)
		id := d.Customer(t, dbtest.Customer{}).ID
		// 86400 s cannot be divided evenly by most of them.
		for _, quota := range []int{1, 2, 3, 7, 11, 50, 97, 211} {
			passes(t, d, id, fmt.Sprint("endpoint-", quota), quota, longWindow, quota)
		}
	})

	t.Run("it says what is left and when there is more", func(t *testing.T) {
		t.Parallel()
		d := dbtest.New(t)
		id := d.Customer(t, dbtest.Customer{}).ID
		near := func(what string, got, want int64) {
			t.Helper()
			if got > want || got < want-60_000 { // time goes on meanwhile
				t.Errorf("%s: %d ms, want about %d", what, got, want)
			}
		}
		const day, hour = 86_400_000, 3_600_000
		for i := range 24 {
			l, ok := charge(t, d, id, "e", 24, longWindow)
			if !ok || l.Quota != 24 || l.Window != longWindow || l.Remaining != 23-i {
				t.Fatalf("charge %d: %+v", i, l)
			}
			if i < 23 {
				near("the whole quota is back in", l.ResetMS, int64(i+1)*hour)
			} else {
				near("the next is there in", l.ResetMS, hour)
			}
		}
		l, ok := charge(t, d, id, "e", 24, longWindow)
		if ok || l.Quota != 24 || l.Window != longWindow {
			t.Fatalf("refused: %+v", l)
		}
		near("retry after", l.RetryAfterMS, hour)
		again, _ := charge(t, d, id, "e", 24, longWindow)
		near("a refusal costs nothing: retry after", again.RetryAfterMS, hour)

		later(t, d, "1 hour")
		passes(t, d, id, "e", 24, longWindow, 1)
		later(t, d, "5 hours 30 minutes")
		passes(t, d, id, "e", 24, longWindow, 5)
		later(t, d, "30 minutes")
		passes(t, d, id, "e", 24, longWindow, 1)
		later(t, d, "40 days") // no more than the quota is ever saved
		passes(t, d, id, "e", 24, longWindow, 24)
	})

	t.Run("endpoints, customers and callers have their own", func(t *testing.T) {
		t.Parallel()
		d := dbtest.New(t)
		a, b := d.Customer(t, dbtest.Customer{}).ID, d.Customer(t, dbtest.Customer{}).ID
		passes(t, d, a, "one", 2, longWindow, 2)
		passes(t, d, a, "two", 2, longWindow, 2)
		passes(t, d, b, "one", 2, longWindow, 2)
		for _, address := range []string{"192.0.2.1", "192.0.2.2"} {
			for i := range 3 {
				_, err := d.Login.Exec(ctx, "select tenancy.charge_address($1, 'one', 2, 86400)", address)
				if i < 2 && err != nil {
					t.Errorf("%s: %v", address, err)
				} else if i == 2 {
					expectRefused(t, "the third of "+address, err, "FF005")
				}
			}
		}
	})

	t.Run("a rule takes the place of the default at once, and begins anew", func(t *testing.T) {
		t.Parallel()
		d := dbtest.New(t)
		a, b := d.Customer(t, dbtest.Customer{}).ID, d.Customer(t, dbtest.Customer{}).ID
		rule := func(sql string, args ...any) {
			t.Helper()
			if _, err := d.Super.Exec(ctx, sql, args...); err != nil {
				t.Fatal(err)
			}
		}
		passes(t, d, a, "e", 3, longWindow, 3)
		passes(t, d, b, "e", 3, longWindow, 3)
		rule("insert into rate_limit_rules (customer_id, endpoint, quota, window_seconds) values ($1, 'e', 5, 3600)", a)
		if l, ok := charge(t, d, a, "e", 3, longWindow); !ok || l.Quota != 5 || l.Window != 3600 || l.Remaining != 4 {
			t.Errorf("under the rule: %v %+v", ok, l)
		}
		passes(t, d, a, "e", 3, longWindow, 4)
		rule("update rate_limit_rules set quota = 2 where customer_id = $1", a)
		passes(t, d, a, "e", 3, longWindow, 2)
		rule("delete from rate_limit_rules where customer_id = $1", a)
		passes(t, d, a, "e", 3, longWindow, 3)
		passes(t, d, b, "e", 3, longWindow, 0)
	})

	t.Run("an instant that no charge can have set does not count", func(t *testing.T) {
		t.Parallel()
		d := dbtest.New(t)
		id := d.Customer(t, dbtest.Customer{}).ID
		passes(t, d, id, "e", 3, 60, 3)
		later(t, d, "-1 day") // as if the clock had been set back
		passes(t, d, id, "e", 3, 60, 3)
	})

	t.Run("what says nothing any more is swept", func(t *testing.T) {
		t.Parallel()
		d := dbtest.New(t)
		id := d.Customer(t, dbtest.Customer{}).ID
		for i := range 10 {
			passes(t, d, id, fmt.Sprint("old-", i), 1, 3600, 1)
		}
		if _, err := d.Login.Exec(ctx, "select tenancy.charge_address('192.0.2.1', 'old', 1, 60)"); err != nil {
			t.Fatal(err)
		}
		later(t, d, "2 hours")
		passes(t, d, id, "new", 1, 3600, 1)
		for _, want := range []int64{7, 3, 0} {
			if got := one[int64](ctx, t, d.Worker, "select tenancy.sweep_rate_limits(7)"); got != want {
				t.Errorf("swept %d, want %d", got, want)
			}
		}
		if rows := one[int64](ctx, t, d.Super, "select (select count(*) from rate_limits) * 10 + (select count(*) from caller_rate_limits)"); rows != 10 {
			t.Errorf("customers' rows and callers' rows left: %02d, want 10", rows)
		}
		passes(t, d, id, "new", 1, 3600, 0)
	})

	t.Run("it writes nothing that a commit waits for", func(t *testing.T) {
		t.Parallel()
		d := dbtest.New(t)
		if logged := one[int64](ctx, t, d.Super, "select count(*) from pg_class where relname in ('caller_rate_limits', 'rate_limits') and relpersistence <> 'u'"); logged != 0 {
			t.Errorf("%d of the tables are logged", logged)
		}
		if foreign := one[int64](ctx, t, d.Super, "select count(*) from pg_constraint where contype = 'f' and conrelid in ('rate_limits'::regclass, 'caller_rate_limits'::regclass)"); foreign != 0 {
			t.Error("a foreign key locks a row of a logged table")
		}
	})
}

// TestChargesOfOthers: nobody charges a customer without having entered it, or touches what is kept.
func TestChargesOfOthers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	before := checksum(ctx, t, d, b.id)
	limit := tenant.Limit{Endpoint: "e", Quota: 1, Window: longWindow * 1e9}
	for _, scope := range []tenant.Scope{a.people["owner"].Scope().In(b.id), a.people["owner"].Scope().In(newID(t))} {
		for range 3 {
			if err := d.Tenant().Charge(ctx, scope.Charging(tenant.NewCharge(limit, func(tenant.Rate) {}))); !errors.Is(err, tenant.ErrNotFound) {
				t.Errorf("charge a customer of others: %v", err)
			}
		}
	}
	if after := checksum(ctx, t, d, b.id); after != before {
		t.Error("the other customer was charged")
	}
	_, err := d.Login.Exec(ctx, "select tenancy.charge_entered('e', 1, 1)")
	expectRefused(t, "a charge without entering", err, denied)
	_, err = d.Login.Exec(ctx, "select tenancy.charge_person('e', 1, 1)")
	expectRefused(t, "a charge of a person without entering", err, denied)
	_, err = d.Login.Exec(ctx, "select tenancy.charge($1, null, 'e', 1, 1)", b.id)
	expectRefused(t, "a charge of any customer", err, denied)
	for _, who := range intruders(t, d, a) {
		for _, sql := range []string{
			"select tenancy.charge_entered('e', 1, 1)", "select tenancy.charge_address('192.0.2.1', 'e', 1, 1)", "select tenancy.charge_person('e', 1, 1)",
			"select tenancy.charge(tenancy.customer_id(), null, 'e', 1, 1)", "select 1 from caller_rate_limits", "delete from caller_rate_limits",
			"select 1 from rate_limits", "delete from rate_limits",
		} {
			err := who.db.Tx(ctx, who.scope, func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, sql)
				return err
			})
			expectRefused(t, who.name+": "+sql, err, denied)
		}
	}
}

// TestChargePerson: over all customers a person has one limit, whatever they act by; nobody else shares it, and no customer's rule
// changes it.
func TestChargePerson(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	first, second := d.Customer(t, dbtest.Customer{}), d.Customer(t, dbtest.Customer{})
	ada, ben := d.Member(t, first.ID, "owner"), d.Member(t, first.ID, "member")
	d.Join(t, second.ID, ada.ID, "owner")
	key := d.APIKey(t, dbtest.APIKey{CustomerID: second.ID, CreatedBy: ada.ID, Permissions: []string{"posts:write", "tokens:mint"}})
	minted := d.AgentToken(t, dbtest.AgentToken{CustomerID: second.ID, KeyID: &key.ID, Permissions: []string{"posts:write"}})
	given := d.AgentToken(t, dbtest.AgentToken{CustomerID: first.ID, CreatedBy: &ada.ID, Permissions: []string{"posts:write"}})
	space := d.Space(t, dbtest.Space{CustomerID: first.ID, PairedBy: ada.ID, Permissions: []string{"posts:write"}})
	for _, person := range []string{"guest", "ben"} {
		d.Speaks(t, space, person)
	}
	d.Identify(t, space, "ben", ben.ID)
	mustExec(t, d, "insert into rate_limit_rules (customer_id, endpoint, quota, window_seconds) values ($1, 'e', 1000, 60)", first.ID)
	chat := func(person string) tenant.Scope {
		return tenant.Chat(first.ID, space.ID, person, []string{"posts:write"}, tenant.Request{}).In(first.ID)
	}
	charge := func(scope tenant.Scope) error {
		limit := tenant.Limit{Endpoint: "e", Quota: 6, Window: longWindow * 1e9, Person: true}
		return d.Tenant().Charge(ctx, scope.Charging(tenant.NewCharge(limit, func(tenant.Rate) {})))
	}
	adas := map[string]tenant.Scope{
		"in one customer": ada.Scope().In(first.ID), "in another": ada.Scope().In(second.ID), "by a key": key.Scope().In(second.ID),
		"by a token of the key": minted.Scope().In(second.ID), "by a token": given.Scope().In(first.ID), "through a chat": chat("guest"),
	}
	for name, scope := range adas {
		if err := charge(scope); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, scope := range adas {
		var limited *tenant.RateLimitedError
		if err := charge(scope); !errors.As(err, &limited) || limited.Quota != 6 || limited.RetryAfter <= 0 {
			t.Errorf("%s, once more: %v", name, err)
		}
	}
	for name, scope := range map[string]tenant.Scope{"somebody else": ben.Scope().In(first.ID), "somebody else in the chat": chat("ben")} {
		if err := charge(scope); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := charge(ada.Scope().In(newID(t))); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("in no customer of theirs: %v", err)
	}
}

// TestLimitsThatAreNone: a charge of less than one request, or in no time, would give back what was used.
func TestLimitsThatAreNone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	owner := d.Member(t, d.Customer(t, dbtest.Customer{}).ID, "owner")
	for _, n := range [][2]any{{0, 60}, {-1, 60}, {1_000_001, 60}, {1, 0}, {1, -60}, {1, 86_401}, {-1, -60}, {nil, 60}, {1, nil}} {
		_, err := d.Login.Exec(ctx, "select tenancy.charge_address('192.0.2.1', 'e', $1, $2)", n[0], n[1])
		expectRefused(t, fmt.Sprint("of an address: ", n), err, "22023")
		for _, function := range []string{"charge_entered", "charge_person"} {
			_, err = d.Login.Exec(ctx, "select tenancy.enter_user($1, null, '{}'), tenancy."+function+"('e', $2, $3)", owner.Subject, n[0], n[1])
			expectRefused(t, fmt.Sprint(function, ": ", n), err, "22023")
		}
	}
	if n := one[int](ctx, t, d.Super, "select (select count(*) from caller_rate_limits) + (select count(*) from rate_limits)"); n != 0 {
		t.Errorf("%d are charged", n)
	}
}
