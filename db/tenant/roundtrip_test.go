package tenant_test

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// How often the database is waited for. These numbers may go down, never up.
func TestRoundTrips(t *testing.T) {
	t.Parallel()

	exec := func(ctx context.Context, tx *tenant.Tx) error { return doNothing(ctx, tx) }
	query := func(ctx context.Context, tx *tenant.Tx) error {
		rows, err := tx.Query(ctx, "select n from generate_series(1, 3) n")
		if err != nil {
			return err
		}
		_, err = pgx.CollectRows(rows, pgx.RowTo[int])
		return err
	}
	queryRow := func(ctx context.Context, tx *tenant.Tx) error { return tx.QueryRow(ctx, "select 1").Scan(new(int)) }
	savepoint := func(ctx context.Context, tx *tenant.Tx) error { // two: savepoint and release
		inner, err := tx.Begin(ctx)
		if err != nil {
			return err
		}
		return inner.Commit(ctx)
	}
	batch := func(ctx context.Context, tx *tenant.Tx) error {
		var b pgx.Batch
		b.Queue("select 1")
		b.Queue("select 2")
		return tx.SendBatch(ctx, &b).Close()
	}
	inTx := func(statements ...func(ctx context.Context, tx *tenant.Tx) error) func(context.Context, *tenant.DB, tenant.Scope) error {
		return func(ctx context.Context, db *tenant.DB, scope tenant.Scope) error {
			return db.Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
				for _, statement := range statements {
					if err := statement(ctx, tx); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	cases := []struct {
		name string
		want int
		run  func(ctx context.Context, db *tenant.DB, scope tenant.Scope) error
	}{
		{"a read of rows", 1, func(ctx context.Context, db *tenant.DB, scope tenant.Scope) error {
			rows, err := db.Read(scope).Query(ctx, "select n from generate_series(1, 3) n")
			if err != nil {
				return err
			}
			_, err = pgx.CollectRows(rows, pgx.RowTo[int])
			return err
		}},
		{"a read of one row", 1, func(ctx context.Context, db *tenant.DB, scope tenant.Scope) error {
			_, err := who(ctx, db.Read(scope))
			return err
		}},
		{"no statement", 0, inTx()},
		{"one Exec", 2, inTx(exec)},
		{"one Query", 2, inTx(query)},
		{"one QueryRow", 2, inTx(queryRow)},
		{"two statements", 3, inTx(exec, queryRow)},
		{"five statements", 6, inTx(queryRow, query, exec, query, queryRow)},
		// What cannot ride in a batch enters by itself: one more.
		{"a savepoint first", 4, inTx(savepoint)},
		{"a savepoint later", 4, inTx(exec, savepoint)},
		{"a batch first", 3, inTx(batch)},
		{"a batch later", 3, inTx(exec, batch)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			for _, who := range []struct {
				name  string
				url   string
				scope tenant.Scope
			}{
				{"user", d.LoginURL, d.a.scope()},
				{"worker", d.WorkerURL, tenant.Worker(d.a.customer.ID, tenant.Request{})},
				{"user who is charged", d.LoginURL, d.a.scope()},
			} {
				want := c.want
				charged := func() tenant.Scope { return who.scope }
				if who.name == "user who is charged" {
					charged = func() tenant.Scope { scope, _ := charging(who.scope, 100); return scope }
					if !strings.HasPrefix(c.name, "a read") { // which carries the charge
						want++
					}
				}
				pool, roundTrips := dbtest.CountingPool(t, who.url)
				db := tenant.New(pool)
				must(t, pool.Ping(t.Context()))
				must(t, c.run(t.Context(), db, charged())) // prepares the statements
				got := roundTrips.During(func() { must(t, c.run(t.Context(), db, charged())) })
				if got != want {
					t.Errorf("%s: %d round trips, want %d", who.name, got, want)
				}
			}
		})
	}
}
