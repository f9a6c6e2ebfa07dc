package tenant_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// fail makes a statement fail with a code.
func fail(ctx context.Context, tx *tenant.Tx, code string) error {
	_, err := tx.Exec(ctx, "do $$ begin raise exception using errcode = '"+code+"'; end $$")
	return err
}

func TestTxRetry(t *testing.T) {
	t.Parallel()

	t.Run("two transactions in each other's way both commit", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		_, err := d.Super.Exec(t.Context(), "alter role fanfare_login in database "+
			pgx.Identifier{d.Super.Config().ConnConfig.Database}.Sanitize()+" set deadlock_timeout = '20ms'")
		must(t, err)
		var bothHoldOne, both sync.WaitGroup
		bothHoldOne.Add(2)
		attempts := make([]int, 2)
		failures := make([]error, 2)
		for i := range 2 {
			both.Go(func() {
				failures[i] = d.Tenant().TxRetry(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
					attempts[i]++
					if _, err := queries.New(tx).PostLock(ctx, d.a.posts[i]); err != nil {
						return err
					}
					if attempts[i] == 1 {
						bothHoldOne.Done()
						bothHoldOne.Wait()
					}
					_, err := tx.Exec(ctx, "update posts set title = title || $1 where id = $2", "+", d.a.posts[1-i])
					return err
				})
			})
		}
		both.Wait()
		must(t, errors.Join(failures...))
		if attempts[0]+attempts[1] < 3 {
			t.Errorf("there was no deadlock: %v attempts", attempts)
		}
		for _, id := range d.a.posts[:2] {
			post, err := queries.New(d.Tenant().Read(d.a.scope())).PostGet(t.Context(), id)
			must(t, err)
			if post.Title != d.a.customer.Name+"+" {
				t.Errorf("the title is %q", post.Title)
			}
		}
	})

	count := func(t *testing.T, run func(ctx context.Context, scope tenant.Scope, fn func(context.Context, *tenant.Tx) error) error,
		ctx context.Context, scope tenant.Scope, fn func(ctx context.Context, tx *tenant.Tx) error,
	) (attempts int, err error) {
		t.Helper()
		err = run(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			attempts++
			return fn(ctx, tx)
		})
		return attempts, err
	}

	t.Run("gives up", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		for _, code := range []string{"40001", "40P01"} {
			attempts, err := count(t, d.Tenant().TxRetry, t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
				return fail(ctx, tx, code)
			})
			wantCode(t, err, code)
			if attempts != tenant.Attempts {
				t.Errorf("%d attempts, want %d", attempts, tenant.Attempts)
			}
		}
	})

	t.Run("stops at the first success", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		failures := 2
		attempts, err := count(t, d.Tenant().TxRetry, t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			if failures--; failures >= 0 {
				return fail(ctx, tx, "40001")
			}
			return doNothing(ctx, tx)
		})
		must(t, err)
		if attempts != 3 {
			t.Errorf("%d attempts, want 3", attempts)
		}
	})

	t.Run("repeats nothing else", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		for code, fn := range map[string]func(ctx context.Context, tx *tenant.Tx) error{
			"23505": func(ctx context.Context, tx *tenant.Tx) error { return fail(ctx, tx, "23505") },
			"22012": func(ctx context.Context, tx *tenant.Tx) error { return fail(ctx, tx, "22012") },
		} {
			attempts, err := count(t, d.Tenant().TxRetry, t.Context(), d.a.scope(), fn)
			wantCode(t, err, code)
			if attempts != 1 {
				t.Errorf("%s: %d attempts", code, attempts)
			}
		}
		attempts, err := count(t, d.Tenant().TxRetry, t.Context(), d.a.owner.Scope().In(d.b.customer.ID), doNothing)
		wantError(t, err, tenant.ErrNotFound)
		if attempts != 1 {
			t.Errorf("not found: %d attempts", attempts)
		}
		attempts, err = count(t, d.Tenant().TxRetry, t.Context(), d.a.scope(), func(context.Context, *tenant.Tx) error { return errOwn })
		wantError(t, err, errOwn)
		if attempts != 1 {
			t.Errorf("own error: %d attempts", attempts)
		}
	})

	t.Run("Tx repeats nothing", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		attempts, err := count(t, d.Tenant().Tx, t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			return fail(ctx, tx, "40001")
		})
		wantCode(t, err, "40001")
		if attempts != 1 {
			t.Errorf("%d attempts", attempts)
		}
	})

	t.Run("a context that is over stops it", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		ctx, cancel := context.WithCancel(t.Context())
		attempts, err := count(t, d.Tenant().TxRetry, ctx, d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			err := fail(ctx, tx, "40001")
			cancel()
			return err
		})
		wantError(t, err, context.Canceled)
		wantCode(t, err, "40001")
		if attempts != 1 {
			t.Errorf("%d attempts after the context was over", attempts)
		}
	})
}
