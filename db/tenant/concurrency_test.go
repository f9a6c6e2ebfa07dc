package tenant_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/db/tenant"
)

// Many requests of two tenants share few connections; each sees its own tenant's rows only, whether the one
// before it succeeded or failed.
func TestTenantsShareConnections(t *testing.T) {
	t.Parallel()
	d := setup(t)
	config, err := pgxpool.ParseConfig(d.LoginURL)
	must(t, err)
	config.MaxConns = 5
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	must(t, err)
	t.Cleanup(pool.Close)
	db := tenant.New(pool)

	const goroutines, rounds = 50, 20
	own := func(ctx context.Context, data tenantData, round int) error {
		ids, err := listPosts(ctx, db.Read(data.scope()))
		if err != nil || !slices.Equal(ids, data.posts) {
			return fmt.Errorf("a read sees %v, want %v: %w", ids, data.posts, err)
		}
		err = db.Tx(ctx, data.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			for range 2 {
				ids, err := listPosts(ctx, tx)
				if err != nil || !slices.Equal(ids, data.posts) {
					return fmt.Errorf("a transaction sees %v, want %v: %w", ids, data.posts, err)
				}
			}
			switch round % 3 {
			case 1:
				return errOwn
			case 2:
				if _, err := tx.Exec(ctx, "select 1 / 0"); err == nil {
					return errors.New("1 / 0 is a number")
				}
				return errOwn
			}
			return nil
		})
		if round%3 != 0 && errors.Is(err, errOwn) {
			return nil
		}
		return err
	}
	var working sync.WaitGroup
	for i := range goroutines {
		data := []tenantData{d.a, d.b}[i%2]
		working.Go(func() {
			for round := range rounds {
				if err := own(t.Context(), data, round); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	working.Wait()
	if opened := pool.Stat().NewConnsCount(); opened > 5 {
		t.Errorf("%d connections were opened: some were thrown away", opened)
	}
}
