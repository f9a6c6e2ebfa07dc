package tenant_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/queries"
)

// createPost is a write that a member may make.
func createPost(ctx context.Context, db queries.DBTX, id uuid.UUID) error {
	return queries.New(db).PostCreate(ctx, queries.PostCreateParams{ID: id, Title: "Title", Text: "Text"})
}

// hasPosts expects customer a to have exactly these posts besides the first ones.
func (d bundle) hasPosts(t *testing.T, more ...uuid.UUID) {
	t.Helper()
	ids, err := listPosts(t.Context(), d.Tenant().Read(d.a.scope()))
	must(t, err)
	if want := slices.Concat(d.a.posts, more); !slices.Equal(ids, want) {
		t.Errorf("the posts are %v, want %v", ids, want)
	}
}

func TestTx(t *testing.T) {
	t.Parallel()

	t.Run("commits what the closure did", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		first, second := dbtest.NewID(t), dbtest.NewID(t)
		must(t, d.Tenant().Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			return errors.Join(createPost(ctx, tx, first), createPost(ctx, tx, second))
		}))
		d.hasPosts(t, first, second)
	})

	t.Run("rolls back on an error, also of the commit", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		err := d.Tenant().Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			must(t, createPost(ctx, tx, dbtest.NewID(t)))
			return errOwn
		})
		wantError(t, err, errOwn)
		err = d.Tenant().Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			must(t, createPost(ctx, tx, dbtest.NewID(t)))
			wantCode(t, createPost(ctx, tx, d.a.posts[0]), "23505")
			return nil
		})
		wantError(t, err, pgx.ErrTxCommitRollback)
		d.hasPosts(t)
	})

	t.Run("the closure cannot end it", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		id := dbtest.NewID(t)
		must(t, d.Tenant().Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			for range 2 { // before the first statement, and after it
				if tx.Commit(ctx) == nil || tx.Rollback(ctx) == nil {
					t.Error("the closure ended the transaction")
				}
				id = dbtest.NewID(t)
				must(t, createPost(ctx, tx, id))
			}
			_, err := queries.New(tx).PostLock(ctx, id)
			return err
		}))
	})

	t.Run("savepoints", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		kept, undone, outer, inner := dbtest.NewID(t), dbtest.NewID(t), dbtest.NewID(t), dbtest.NewID(t)
		must(t, d.Tenant().Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			// The first call of the transaction is the savepoint's.
			savepoint, err := tx.Begin(ctx)
			must(t, err)
			must(t, createPost(ctx, savepoint, kept))
			must(t, savepoint.Commit(ctx))

			savepoint, err = tx.Begin(ctx)
			must(t, err)
			must(t, createPost(ctx, savepoint, undone))
			must(t, savepoint.Rollback(ctx))

			savepoint, err = tx.Begin(ctx)
			must(t, err)
			must(t, createPost(ctx, savepoint, outer))
			nested, err := savepoint.Begin(ctx)
			must(t, err)
			must(t, createPost(ctx, nested, inner))
			must(t, nested.Rollback(ctx))
			return savepoint.Commit(ctx)
		}))
		d.hasPosts(t, kept, outer)
	})

	t.Run("an error inside a savepoint leaves the rest alone, and the role", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		before, after := dbtest.NewID(t), dbtest.NewID(t)
		must(t, d.Tenant().Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			must(t, createPost(ctx, tx, before))
			err := pgx.BeginFunc(ctx, tx, func(savepoint pgx.Tx) error {
				return createPost(ctx, savepoint, before)
			})
			wantCode(t, err, "23505")
			if role, err := who(ctx, tx); err != nil || role != "fanfare_user" {
				t.Errorf("goes on as %s: %v", role, err)
			}
			ids, err := listPosts(ctx, tx)
			must(t, err)
			if !slices.Equal(ids, append(slices.Clone(d.a.posts), before)) {
				t.Errorf("goes on with %v", ids)
			}
			return createPost(ctx, tx, after)
		}))
		d.hasPosts(t, before, after)
	})

	t.Run("batches and prepared statements", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		must(t, d.Tenant().Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			var batch pgx.Batch
			var roles []string
			for range 2 {
				batch.Queue("select current_user::text").QueryRow(func(row pgx.Row) error {
					var role string
					err := row.Scan(&role)
					roles = append(roles, role)
					return err
				})
			}
			must(t, tx.SendBatch(ctx, &batch).Close())
			if !slices.Equal(roles, []string{"fanfare_user", "fanfare_user"}) {
				t.Errorf("the batch ran as %v", roles)
			}
			return nil
		}))
		must(t, d.Tenant().Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tx.Prepare(ctx, "count_posts", "select count(*) from posts")
			must(t, err)
			var posts int
			must(t, tx.QueryRow(ctx, "count_posts").Scan(&posts))
			if posts != len(d.a.posts) {
				t.Errorf("counts %d posts", posts)
			}
			return nil
		}))
	})

	t.Run("COPY is refused", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		err := d.Tenant().Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tx.CopyFrom(ctx, pgx.Identifier{"posts"}, []string{"id", "text"}, pgx.CopyFromRows([][]any{{dbtest.NewID(t), "Text"}}))
			return err
		})
		wantCode(t, err, "0A000")
		d.hasPosts(t)
	})

	t.Run("large objects are refused", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		defer func() {
			if recover() == nil {
				t.Error("large objects can be had")
			}
		}()
		_ = d.Tenant().Tx(t.Context(), d.a.scope(), func(_ context.Context, tx *tenant.Tx) error {
			_ = tx.LargeObjects()
			return nil
		})
	})

	t.Run("the connection underneath may do nothing before the first statement", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		must(t, d.Tenant().Tx(t.Context(), d.a.scope(), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tx.Conn().Exec(ctx, "select id from posts")
			wantCode(t, err, "42501")
			return nil
		}))
	})
}

func TestReaderOnlyReads(t *testing.T) {
	t.Parallel()
	d := setup(t)
	worker := tenant.Worker(d.a.customer.ID, tenant.Request{})
	readers := []struct {
		reader    *tenant.Reader
		statement string
		code      string
	}{
		{d.Tenant().Read(d.a.scope()), "insert into posts (id, text) values (gen_random_uuid(), 'Text') returning id", "25006"},
		{d.Tenant().Read(d.a.scope()), "update posts set text = 'Text' returning id", "25006"},
		{d.Tenant().Read(d.a.scope()), "with gone as (delete from platform_posts returning id) select id from gone", "25006"},
		{d.Tenant().Read(d.a.scope()), "select id from posts for update", "25006"},
		{d.Tenant().Read(d.a.scope()), "create table anything (id uuid)", "25006"},
		{d.TenantWorker().Read(worker), "update posts set state = 'cancelled' returning id", "25006"},
		// A read cannot make itself a write; neither can it take another role or another customer.
		{d.Tenant().Read(d.a.scope()), "select set_config('transaction_read_only', 'off', true)", "42501"},
		{d.Tenant().Read(d.a.scope()), "select set_config('fanfare.customer_id', gen_random_uuid()::text, true)", "42501"},
	}
	for _, r := range readers {
		rows, err := r.reader.Query(t.Context(), r.statement)
		if err == nil {
			for rows.Next() {
			}
			err = rows.Err()
		}
		wantCode(t, err, r.code)
		wantCode(t, r.reader.QueryRow(t.Context(), r.statement).Scan(new(string)), r.code)
		if _, err := r.reader.Exec(t.Context(), r.statement); err == nil {
			t.Error("a Reader executes")
		}
	}
	d.hasPosts(t)
}
