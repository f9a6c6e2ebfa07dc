package tenant_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/queries"
)

// both runs a closure through Read and through Tx: what can be entered, and as what, is the same.
func both(t *testing.T, d *tenant.DB, scope tenant.Scope, check func(t *testing.T, db queries.DBTX) error) (readErr, txErr error) {
	t.Helper()
	readErr = check(t, d.Read(scope))
	txErr = d.Tx(t.Context(), scope, func(_ context.Context, tx *tenant.Tx) error { return check(t, tx) })
	return readErr, txErr
}

func TestEnter(t *testing.T) {
	t.Parallel()

	// enters expects the scope to see exactly these posts, as this role.
	enters := func(t *testing.T, d *tenant.DB, scope tenant.Scope, role string, posts []uuid.UUID) {
		t.Helper()
		readErr, txErr := both(t, d, scope, func(t *testing.T, db queries.DBTX) error {
			t.Helper()
			got, err := who(t.Context(), db)
			if err != nil {
				return err
			}
			if got != role {
				t.Errorf("entered as %s, want %s", got, role)
			}
			ids, err := listPosts(t.Context(), db)
			if err == nil && !slices.Equal(ids, posts) {
				t.Errorf("sees posts %v, want %v", ids, posts)
			}
			return err
		})
		must(t, readErr)
		must(t, txErr)
	}
	// refused expects the scope to be refused.
	refused := func(t *testing.T, d *tenant.DB, scope tenant.Scope, want error) {
		t.Helper()
		readErr, txErr := both(t, d, scope, func(t *testing.T, db queries.DBTX) error {
			t.Helper()
			_, err := who(t.Context(), db)
			return err
		})
		wantError(t, readErr, want)
		wantError(t, txErr, want)
	}

	t.Run("a member in their customer", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		enters(t, d.Tenant(), d.a.scope(), "fanfare_user", d.a.posts)
		enters(t, d.Tenant(), d.b.scope(), "fanfare_user", d.b.posts)
	})

	t.Run("an unknown subject", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		for _, subject := range []string{"nobody", "", "no\x00body", "\xff\xfe"} {
			stranger := tenant.User(subject, tenant.Request{})
			refused(t, d.Tenant(), stranger, tenant.ErrUnknownUser)
			refused(t, d.Tenant(), stranger.In(d.a.customer.ID), tenant.ErrUnknownUser)
		}
	})

	t.Run("another tenant's customer and one that does not exist are the same", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		refused(t, d.Tenant(), d.a.owner.Scope().In(d.b.customer.ID), tenant.ErrNotFound)
		refused(t, d.Tenant(), d.a.owner.Scope().In(dbtest.NewID(t)), tenant.ErrNotFound)
		theirs := doNothingIn(t, d.Tenant(), d.a.owner.Scope().In(d.b.customer.ID))
		nobodys := doNothingIn(t, d.Tenant(), d.a.owner.Scope().In(dbtest.NewID(t)))
		if theirs.Error() != nobodys.Error() {
			t.Errorf("%q and %q can be told apart", theirs, nobodys)
		}
	})

	t.Run("a customer that does not exist, for a system role", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		admin := d.User(t, dbtest.User{SystemRole: "admin"})
		refused(t, d.Tenant(), admin.Scope().In(dbtest.NewID(t)), tenant.ErrNotFound)
	})

	t.Run("the zero scope", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		for _, scope := range []tenant.Scope{{}, tenant.Scope{}.In(d.a.customer.ID)} {
			if _, err := who(t.Context(), d.Tenant().Read(scope)); err == nil {
				t.Error("read in no scope")
			}
			err := d.Tenant().Tx(t.Context(), scope, func(context.Context, *tenant.Tx) error {
				t.Error("the closure ran in no scope")
				return nil
			})
			if err == nil {
				t.Error("no error")
			}
		}
	})

	t.Run("a person in no customer sees themselves and their customers", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		second := d.Customer(t, dbtest.Customer{})
		d.Join(t, second.ID, d.a.owner.ID, "viewer")
		readErr, txErr := both(t, d.Tenant(), d.a.owner.Scope(), func(t *testing.T, db queries.DBTX) error {
			t.Helper()
			self, err := queries.New(db).UserGetSelf(t.Context())
			if err != nil {
				return err
			}
			if self.ID != d.a.owner.ID {
				t.Errorf("is %v, want %v", self.ID, d.a.owner.ID)
			}
			var users int
			if err := db.QueryRow(t.Context(), "select count(*) from users").Scan(&users); err != nil {
				return err
			}
			if users != 1 {
				t.Errorf("sees %d users", users)
			}
			customers, err := queries.New(db).CustomerList(t.Context(), queries.CustomerListParams{Before: uuid.Max, MaxRows: 10})
			if err != nil {
				return err
			}
			if len(customers) != 2 || customers[0].ID != second.ID || customers[1].ID != d.a.customer.ID {
				t.Errorf("sees customers %v", customers)
			}
			return nil
		})
		must(t, readErr)
		must(t, txErr)
		readErr, txErr = both(t, d.Tenant(), d.a.owner.Scope(), func(t *testing.T, db queries.DBTX) error {
			t.Helper()
			_, err := listPosts(t.Context(), db)
			return err
		})
		wantCode(t, readErr, "42501")
		wantCode(t, txErr, "42501")
	})

	t.Run("a person in no customer at all", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		newcomer := d.User(t, dbtest.User{})
		customers, err := queries.New(d.Tenant().Read(newcomer.Scope())).
			CustomerList(t.Context(), queries.CustomerListParams{Before: uuid.Max, MaxRows: 10})
		must(t, err)
		if len(customers) != 0 {
			t.Errorf("sees customers %v", customers)
		}
	})

	t.Run("a system role enters any customer as fanfare_admin", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		for _, role := range []string{"viewer", "manager", "admin"} {
			user := d.User(t, dbtest.User{SystemRole: role})
			enters(t, d.Tenant(), user.Scope().In(d.a.customer.ID), "fanfare_admin", d.a.posts)
			enters(t, d.Tenant(), user.Scope().In(d.b.customer.ID), "fanfare_admin", d.b.posts)
		}
	})

	t.Run("a member with a system role acts as a member", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		user := d.User(t, dbtest.User{SystemRole: "admin"})
		d.Join(t, d.a.customer.ID, user.ID, "viewer")
		enters(t, d.Tenant(), user.Scope().In(d.a.customer.ID), "fanfare_user", d.a.posts)
		var member, system *string
		err := d.Tenant().Read(user.Scope().In(d.a.customer.ID)).
			QueryRow(t.Context(), "select tenancy.member_role(), tenancy.system_role()").Scan(&member, &system)
		must(t, err)
		if member == nil || *member != "viewer" || system != nil {
			t.Errorf("acts with member role %v and system role %v", member, system)
		}
	})

	t.Run("a removed member is refused at the next transaction", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		member := d.Member(t, d.a.customer.ID, "member")
		scope := member.Scope().In(d.a.customer.ID)
		enters(t, d.Tenant(), scope, "fanfare_user", d.a.posts)
		_, err := d.Super.Exec(t.Context(), "delete from memberships where user_id = $1", member.ID)
		must(t, err)
		refused(t, d.Tenant(), scope, tenant.ErrNotFound)
	})

	t.Run("a role that changes is the new one at the next transaction", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		member := d.Member(t, d.a.customer.ID, "admin")
		scope := member.Scope().In(d.a.customer.ID)
		rename := func() (renamed int64, err error) {
			err = d.Tenant().Tx(t.Context(), scope, func(ctx context.Context, tx *tenant.Tx) error {
				tag, err := tx.Exec(ctx, "update customers set name = 'New name'")
				renamed = tag.RowsAffected()
				return err
			})
			return renamed, err
		}
		if renamed, err := rename(); err != nil || renamed != 1 {
			t.Fatalf("an admin renamed %d customers: %v", renamed, err)
		}
		_, err := d.Super.Exec(t.Context(), "update memberships set role = 'viewer' where user_id = $1", member.ID)
		must(t, err)
		if renamed, err := rename(); err != nil || renamed != 0 {
			t.Errorf("a viewer renamed %d customers: %v", renamed, err)
		}
	})

	t.Run("the worker in one customer at a time", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		for _, data := range []tenantData{d.a, d.b} {
			scope := tenant.Worker(data.customer.ID, tenant.Request{Job: 1})
			posts := func(t *testing.T, db queries.DBTX) error {
				t.Helper()
				if role, err := who(t.Context(), db); err != nil || role != "fanfare_worker" {
					t.Errorf("entered as %s: %v", role, err)
				}
				rows, err := db.Query(t.Context(), "select id from posts order by id")
				if err != nil {
					return err
				}
				ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
				if err == nil && !slices.Equal(ids, data.posts) {
					t.Errorf("sees posts %v, want %v", ids, data.posts)
				}
				return err
			}
			readErr, txErr := both(t, d.TenantWorker(), scope, posts)
			must(t, readErr)
			must(t, txErr)
		}
		refused(t, d.TenantWorker(), tenant.Worker(dbtest.NewID(t), tenant.Request{}), tenant.ErrNotFound)
	})

	t.Run("neither login enters as the other", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		wantCode(t, doNothingIn(t, d.TenantWorker(), d.a.scope()), "42501")
		wantCode(t, doNothingIn(t, d.Tenant(), tenant.Worker(d.a.customer.ID, tenant.Request{})), "42501")
	})

	t.Run("a closure without a statement does not reach the database", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		stranger := tenant.User("nobody", tenant.Request{})
		must(t, d.Tenant().Tx(t.Context(), stranger, func(context.Context, *tenant.Tx) error { return nil }))
	})

	t.Run("a closure that swallows the refusal is refused all the same", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		err := d.Tenant().Tx(t.Context(), d.a.owner.Scope().In(d.b.customer.ID), func(ctx context.Context, tx *tenant.Tx) error {
			wantError(t, doNothing(ctx, tx), tenant.ErrNotFound)
			// Every later call says the same and sends nothing.
			_, queryErr := tx.Query(ctx, "select 1")
			wantError(t, queryErr, tenant.ErrNotFound)
			wantError(t, tx.QueryRow(ctx, "select 1").Scan(new(int)), tenant.ErrNotFound)
			_, beginErr := tx.Begin(ctx)
			wantError(t, beginErr, tenant.ErrNotFound)
			_, prepareErr := tx.Prepare(ctx, "", "select 1")
			wantError(t, prepareErr, tenant.ErrNotFound)
			_, copyErr := tx.CopyFrom(ctx, pgx.Identifier{"posts"}, []string{"id"}, pgx.CopyFromRows(nil))
			wantError(t, copyErr, tenant.ErrNotFound)
			var batch pgx.Batch
			batch.Queue("select 1")
			wantError(t, tx.SendBatch(ctx, &batch).Close(), tenant.ErrNotFound)
			return nil
		})
		wantError(t, err, tenant.ErrNotFound)
	})

	t.Run("a first statement that cannot be parsed", func(t *testing.T) {
		t.Parallel()
		d := setup(t)
		readErr, txErr := both(t, d.Tenant(), d.a.scope(), func(t *testing.T, db queries.DBTX) error {
			t.Helper()
			return db.QueryRow(t.Context(), "select nothing from nowhere").Scan()
		})
		wantCode(t, readErr, "42P01")
		wantCode(t, txErr, "42P01")
		enters(t, d.Tenant(), d.a.scope(), "fanfare_user", d.a.posts)
	})
}

func doNothingIn(t *testing.T, d *tenant.DB, scope tenant.Scope) error {
	t.Helper()
	return d.Tx(t.Context(), scope, doNothing)
}
