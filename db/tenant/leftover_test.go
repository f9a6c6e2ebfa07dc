package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/queries"
)

// settings are the names of all settings that the functions of the schema tenancy know.
func settings(t *testing.T, d *dbtest.DB) []string {
	t.Helper()
	rows, err := d.Super.Query(t.Context(), `
		select distinct (regexp_matches(pg_get_functiondef(p.oid), 'fanfare\.[a-z_]+', 'g'))[1]
		from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where n.nspname = 'tenancy' order by 1`)
	must(t, err)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	if !slices.Contains(names, "fanfare.customer_id") || len(names) < 7 {
		t.Fatalf("the settings found are %v", names)
	}
	return names
}

// nothingLeft looks at the connection that the next transaction would get.
func nothingLeft(t *testing.T, d *dbtest.DB, pool *pgxpool.Pool) (pid uint32) {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	must(t, err)
	defer conn.Release()
	if status := conn.Conn().PgConn().TxStatus(); status != 'I' {
		t.Errorf("the connection is in transaction status %c", status)
	}
	var current, session, role, readOnly string
	err = conn.QueryRow(t.Context(), `select current_user::text, session_user::text, current_setting('role'),
		current_setting('transaction_read_only')`).Scan(&current, &session, &role, &readOnly)
	must(t, err)
	if current != session || role != "none" || readOnly != "off" {
		t.Errorf("left on the connection: user %s of session %s, role %s, read only %s", current, session, role, readOnly)
	}
	for _, name := range settings(t, d) {
		var value *string
		must(t, conn.QueryRow(t.Context(), "select current_setting($1, true)", name).Scan(&value))
		if value != nil && *value != "" {
			t.Errorf("left on the connection: %s = %q", name, *value)
		}
	}
	return conn.Conn().PgConn().PID()
}

func TestNothingIsLeft(t *testing.T) {
	t.Parallel()

	// slow is a statement that a test sees running, and that outlasts the test unless it is ended.
	const slow = "select pg_sleep(300) /* slow */"
	const slowRuns = "select exists (select from pg_stat_activity where datname = current_database() and state = 'active' and query = $1)"

	cases := []struct {
		name string
		// keeps is whether the connection survives, so that it is the very one that is looked at.
		keeps bool
		run   func(t *testing.T, d bundle, db *tenant.DB)
	}{
		{"success", true, func(t *testing.T, d bundle, db *tenant.DB) {
			must(t, doNothingIn(t, db, d.a.scope()))
			_, err := who(t.Context(), db.Read(d.a.scope()))
			must(t, err)
		}},
		{"an error of the closure", true, func(t *testing.T, d bundle, db *tenant.DB) {
			err := db.Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				must(t, doNothing(ctx, tx))
				return errOwn
			})
			wantError(t, err, errOwn)
		}},
		{"an error of a statement", true, func(t *testing.T, d bundle, db *tenant.DB) {
			err := db.Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				must(t, doNothing(ctx, tx))
				_, err := tx.Exec(ctx, "select 1 / 0")
				return err
			})
			wantCode(t, err, "22012")
		}},
		{"an error of the first statement", true, func(t *testing.T, d bundle, db *tenant.DB) {
			err := db.Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, "select 1 / 0")
				return err
			})
			wantCode(t, err, "22012")
		}},
		{"an error of a read", true, func(t *testing.T, d bundle, db *tenant.DB) {
			wantCode(t, db.Read(d.a.scope()).QueryRow(t.Context(), "select 1 / 0").Scan(new(int)), "22012")
		}},
		{"an error after the first rows of a read", true, func(t *testing.T, d bundle, db *tenant.DB) {
			rows, err := db.Read(d.a.scope()).Query(t.Context(), "select 1 / (1000 - n) from generate_series(1, 2000) n")
			must(t, err)
			for rows.Next() {
			}
			wantCode(t, rows.Err(), "22012")
		}},
		{"a value that cannot be scanned", true, func(t *testing.T, d bundle, db *tenant.DB) {
			if err := db.Read(d.a.scope()).QueryRow(t.Context(), "select 'text'").Scan(new(int)); err == nil {
				t.Error("no error")
			}
			if err := db.Read(d.a.scope()).QueryRow(t.Context(), "select 1 where false").Scan(new(int)); !errors.Is(err, pgx.ErrNoRows) {
				t.Errorf("got %v, want no rows", err)
			}
		}},
		{"a panic", true, func(t *testing.T, d bundle, db *tenant.DB) {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_ = db.Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				must(t, doNothing(ctx, tx))
				panic("in the closure")
			})
		}},
		{"the end of the goroutine", true, func(t *testing.T, d bundle, db *tenant.DB) {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_ = db.Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
					if err := doNothing(ctx, tx); err != nil {
						t.Error(err)
					}
					runtime.Goexit()
					return nil
				})
			}()
			<-ended
		}},
		{"a context that is over before", true, func(t *testing.T, d bundle, db *tenant.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			wantError(t, db.Tx(ctx, d.a.scope(), doNothing), context.Canceled)
			_, err := who(ctx, db.Read(d.a.scope()))
			wantError(t, err, context.Canceled)
		}},
		{"a context that ends before the first statement", true, func(t *testing.T, d bundle, db *tenant.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			err := db.Tx(ctx, d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				cancel()
				return doNothing(ctx, tx)
			})
			wantError(t, err, context.Canceled)
		}},
		{"a context that ends during a statement", false, func(t *testing.T, d bundle, db *tenant.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				defer cancel()
				eventually(t, d.DB, slowRuns, slow)
			}()
			err := db.Tx(ctx, d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				must(t, doNothing(ctx, tx))
				_, err := tx.Exec(ctx, slow)
				return err
			})
			wantError(t, err, context.Canceled)
		}},
		{"a context that ends during the first statement", false, func(t *testing.T, d bundle, db *tenant.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				defer cancel()
				eventually(t, d.DB, slowRuns, slow)
			}()
			err := db.Tx(ctx, d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, slow)
				return err
			})
			wantError(t, err, context.Canceled)
		}},
		{"a context that ends during a read", false, func(t *testing.T, d bundle, db *tenant.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				defer cancel()
				eventually(t, d.DB, slowRuns, slow)
			}()
			var nothing string
			wantError(t, db.Read(d.a.scope()).QueryRow(ctx, slow).Scan(&nothing), context.Canceled)
		}},
		{"a context that ends after the statement", false, func(t *testing.T, d bundle, db *tenant.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			err := db.Tx(ctx, d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, "update customers set name = 'never committed'")
				cancel()
				return err
			})
			wantError(t, err, context.Canceled)
			var renamed bool
			must(t, d.Super.QueryRow(t.Context(), "select exists (select from customers where name = 'never committed')").Scan(&renamed))
			if renamed {
				t.Error("was committed")
			}
		}},
		{"a closure that fails for its own context", true, func(t *testing.T, d bundle, db *tenant.DB) {
			ctx, cancel := context.WithCancel(t.Context())
			err := db.Tx(ctx, d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				must(t, doNothing(ctx, tx))
				cancel()
				return ctx.Err() // the rollback has a context of its own
			})
			wantError(t, err, context.Canceled)
		}},
		{"a connection that breaks", false, func(t *testing.T, d bundle, db *tenant.DB) {
			err := db.Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				must(t, doNothing(ctx, tx))
				_, err := d.Super.Exec(ctx, "select pg_terminate_backend($1)", tx.Conn().PgConn().PID())
				must(t, err)
				_, err = tx.Exec(ctx, slow)
				return err
			})
			if err == nil {
				t.Error("no error")
			}
		}},
		{"a connection that breaks during a read", false, func(t *testing.T, d bundle, db *tenant.DB) {
			go func() {
				eventually(t, d.DB, slowRuns, slow)
				if _, err := d.Super.Exec(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where query = $1", slow); err != nil {
					t.Error(err)
				}
			}()
			wantCode(t, db.Read(d.a.scope()).QueryRow(t.Context(), slow).Scan(new(string)), "57P01")
		}},
		{"a scope that cannot be entered", true, func(t *testing.T, d bundle, db *tenant.DB) {
			wantError(t, doNothingIn(t, db, d.a.owner.Scope().In(d.b.customer.ID)), tenant.ErrNotFound)
			_, err := who(t.Context(), db.Read(tenant.User("nobody", tenant.Request{})))
			wantError(t, err, tenant.ErrUnknownUser)
		}},
		{"a rollback to a savepoint", true, func(t *testing.T, d bundle, db *tenant.DB) {
			must(t, db.Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				savepoint, err := tx.Begin(ctx)
				must(t, err)
				_, err = savepoint.Exec(ctx, "select 1 / 0")
				wantCode(t, err, "22012")
				return savepoint.Rollback(ctx)
			}))
		}},
		{"a closure that swallows the error of a statement", true, func(t *testing.T, d bundle, db *tenant.DB) {
			err := db.Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, "update customers set name = 'never committed'")
				must(t, err)
				_, err = tx.Exec(ctx, "select 1 / 0")
				wantCode(t, err, "22012")
				return nil
			})
			wantError(t, err, pgx.ErrTxCommitRollback)
		}},
		{"rows of the first statement that are not read to the end", false, func(t *testing.T, d bundle, db *tenant.DB) {
			err := db.Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				rows, err := tx.Query(ctx, "select n from generate_series(1, 100000) n")
				must(t, err)
				rows.Next()
				return nil
			})
			if err == nil {
				t.Error("committed with rows unread")
			}
		}},
		{"rows of a later statement that are not read to the end", false, func(t *testing.T, d bundle, db *tenant.DB) {
			err := db.Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				must(t, doNothing(ctx, tx))
				rows, err := tx.Query(ctx, "select n from generate_series(1, 100000) n")
				must(t, err)
				rows.Next()
				return errOwn
			})
			wantError(t, err, errOwn)
		}},
		{"rows that are closed early", true, func(t *testing.T, d bundle, db *tenant.DB) {
			must(t, db.Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				for range 2 { // of the first statement, and of a later one
					rows, err := tx.Query(ctx, "select n from generate_series(1, 100000) n")
					must(t, err)
					rows.Next()
					rows.Close()
					rows.Close()
					must(t, rows.Err())
				}
				return nil
			}))
		}},
		{"rows of a read that are closed early", true, func(t *testing.T, d bundle, db *tenant.DB) {
			rows, err := db.Read(d.a.scope()).Query(t.Context(), "select n from generate_series(1, 100000) n")
			must(t, err)
			rows.Next()
			rows.Close()
			rows.Close()
			must(t, rows.Err())
			rows, err = db.Read(d.a.scope()).Query(t.Context(), "select n from generate_series(1, 100000) n")
			must(t, err)
			rows.Close()
			must(t, rows.Err())
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := setup(t)
			pool := singleConn(t, d.LoginURL)
			before := nothingLeft(t, d.DB, pool)
			c.run(t, d, tenant.New(pool))
			after := nothingLeft(t, d.DB, pool)
			if (before == after) != c.keeps {
				t.Errorf("the connection was kept: %v, want %v", before == after, c.keeps)
			}
			// And the next tenant of it sees only its own.
			ids, err := listPosts(t.Context(), tenant.New(pool).Read(d.b.scope()))
			must(t, err)
			if !slices.Equal(ids, d.b.posts) {
				t.Errorf("the next tenant sees %v, want %v", ids, d.b.posts)
			}
		})
	}

	t.Run("of the worker", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		pool := singleConn(t, d.WorkerURL)
		scope := tenant.Worker(d.a.customer.ID, tenant.Request{Job: 7})
		must(t, doNothingIn(t, tenant.New(pool), scope))
		nothingLeft(t, d.DB, pool)
		_, err := who(t.Context(), tenant.New(pool).Read(scope))
		must(t, err)
		nothingLeft(t, d.DB, pool)
		wantError(t, doNothingIn(t, tenant.New(pool), tenant.Worker(uuid.New(), tenant.Request{})), tenant.ErrNotFound)
		nothingLeft(t, d.DB, pool)
		_, err = pool.Exec(t.Context(), "select * from customers")
		wantCode(t, err, "42501")
	})
}

// What a session sets for itself survives its transactions. Nothing in Fanfare does that; if something
// ever did, it must not reach the next tenant.
func TestLeftoverOfASession(t *testing.T) {
	t.Parallel()

	// refusedOnce expects the poisoned connection to be refused, and the pool to have another one then.
	refusedOnce := func(t *testing.T, d bundle, poison string, enter func(db *tenant.DB, scope tenant.Scope) error) {
		t.Helper()
		pool := singleConn(t, d.LoginURL)
		before := nothingLeft(t, d.DB, pool)
		_, err := pool.Exec(t.Context(), poison)
		must(t, err)
		wantCode(t, enter(tenant.New(pool), d.b.scope()), "42501")
		if after := nothingLeft(t, d.DB, pool); after == before {
			t.Error("the poisoned connection is still in the pool")
		}
		must(t, enter(tenant.New(pool), d.b.scope()))
	}
	ways := map[string]func(t *testing.T) func(db *tenant.DB, scope tenant.Scope) error{
		"Tx": func(t *testing.T) func(db *tenant.DB, scope tenant.Scope) error {
			return func(db *tenant.DB, scope tenant.Scope) error { return db.Tx(t.Context(), scope, doNothing) }
		},
		"Read": func(t *testing.T) func(db *tenant.DB, scope tenant.Scope) error {
			return func(db *tenant.DB, scope tenant.Scope) error {
				_, err := who(t.Context(), db.Read(scope))
				return err
			}
		},
		"Begin": func(t *testing.T) func(db *tenant.DB, scope tenant.Scope) error {
			return func(db *tenant.DB, scope tenant.Scope) error {
				return db.Tx(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
					savepoint, err := tx.Begin(ctx)
					if err != nil {
						return err
					}
					return savepoint.Commit(ctx)
				})
			}
		},
	}
	for name, way := range ways {
		for poisonName, poison := range map[string]string{
			"a role":     "set role fanfare_user",
			"a user":     "select set_config('fanfare.user_id', '%s', false)",
			"a customer": "select set_config('fanfare.customer_id', '%s', false)",
		} {
			t.Run(name+" after "+poisonName, func(t *testing.T) {
				t.Parallel()
				d := setup(t)
				if strings.Contains(poison, "%s") {
					poison = fmt.Sprintf(poison, d.a.customer.ID)
				}
				refusedOnce(t, d, poison, way(t))
			})
		}
	}

	t.Run("any other setting is overruled by entering", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		viewer := d.Member(t, d.b.customer.ID, "viewer").Scope()
		pool := singleConn(t, d.LoginURL)
		for name, value := range map[string]string{
			"fanfare.customer_ids": "{" + d.a.customer.ID.String() + "}",
			"fanfare.member_role":  "owner",
			"fanfare.system_role":  "admin",
			"fanfare.archived":     "on",
			"fanfare.request":      "another's",
		} {
			_, err := pool.Exec(t.Context(), "select set_config($1, $2, false)", name, value)
			must(t, err)
		}
		for _, scope := range []tenant.Scope{viewer.In(d.b.customer.ID), viewer} {
			customers, err := queries.New(tenant.New(pool).Read(scope)).
				CustomerList(t.Context(), queries.CustomerListParams{Before: uuid.Max, MaxRows: 10})
			must(t, err)
			if len(customers) != 1 || customers[0].ID != d.b.customer.ID {
				t.Errorf("sees customers %v", customers)
			}
			for name, theirs := range map[string]string{
				"fanfare.member_role": "owner", "fanfare.system_role": "admin", "fanfare.archived": "on", "fanfare.request": "another's",
			} {
				var value *string
				must(t, tenant.New(pool).Read(scope).QueryRow(t.Context(), "select current_setting($1, true)", name).Scan(&value))
				if value != nil && *value == theirs {
					t.Errorf("%s is still %s", name, *value)
				}
			}
		}
		must(t, tenant.New(pool).Tx(t.Context(), viewer.In(d.b.customer.ID), func(ctx context.Context, tx *tenant.Tx) error {
			tag, err := tx.Exec(ctx, "update customers set name = 'Taken over'")
			if err == nil && tag.RowsAffected() != 0 {
				t.Error("a viewer changed a customer")
			}
			return err
		}))
	})
}
