package tenant_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/queries"
)

// A plan that the connection has cached for one role or tenant must not answer another. One connection
// serves them in turns, often enough that Postgres goes over to generic plans.
func TestCachedPlansDoNotCross(t *testing.T) {
	t.Parallel()
	d := setup(t)
	admin := d.User(t, dbtest.User{SystemRole: "admin"}).Scope()
	login := tenant.New(singleConn(t, d.LoginURL))
	both := d.a.owner
	d.Join(t, d.b.customer.ID, both.ID, "viewer")

	turns := []struct {
		scope     tenant.Scope
		posts     []uuid.UUID
		customers []uuid.UUID
	}{
		{d.a.scope(), d.a.posts, []uuid.UUID{d.a.customer.ID}},
		{d.b.scope(), d.b.posts, []uuid.UUID{d.b.customer.ID}},
		{admin.In(d.a.customer.ID), d.a.posts, []uuid.UUID{d.a.customer.ID, d.b.customer.ID}},
		{both.Scope().In(d.b.customer.ID), d.b.posts, []uuid.UUID{d.b.customer.ID}},
		{admin.In(d.b.customer.ID), d.b.posts, []uuid.UUID{d.a.customer.ID, d.b.customer.ID}},
		{both.Scope(), nil, []uuid.UUID{d.a.customer.ID, d.b.customer.ID}},
		{admin, nil, []uuid.UUID{d.a.customer.ID, d.b.customer.ID}},
	}
	for range 15 {
		for i, turn := range turns {
			reader := login.Read(turn.scope)
			posts, err := listPosts(t.Context(), reader)
			if turn.posts == nil {
				wantCode(t, err, "42501")
			} else if err != nil || !slices.Equal(posts, turn.posts) {
				t.Fatalf("turn %d: sees posts %v, want %v: %v", i, posts, turn.posts, err)
			}
			list, err := queries.New(reader).CustomerList(t.Context(), queries.CustomerListParams{Before: uuid.Max, MaxRows: 10})
			must(t, err)
			var customers []uuid.UUID
			for _, c := range slices.Backward(list) {
				customers = append(customers, c.ID)
			}
			if !slices.Equal(customers, turn.customers) {
				t.Fatalf("turn %d: sees customers %v, want %v", i, customers, turn.customers)
			}
		}
	}
}

// The same for statements that are prepared by name and made to use generic plans from the start.
func TestGenericPlansDoNotCross(t *testing.T) {
	t.Parallel()
	d := setup(t)
	admin := d.User(t, dbtest.User{SystemRole: "viewer"}).Scope()
	_, err := d.Super.Exec(t.Context(), "alter role fanfare_login in database "+pgx.Identifier{d.Super.Config().ConnConfig.Database}.Sanitize()+
		" set plan_cache_mode = force_generic_plan")
	must(t, err)
	pool := singleConn(t, d.LoginURL)
	for range 5 {
		for _, data := range []tenantData{d.a, d.b} {
			for _, scope := range []tenant.Scope{data.scope(), admin.In(data.customer.ID)} {
				posts, err := listPosts(t.Context(), tenant.New(pool).Read(scope))
				if err != nil || !slices.Equal(posts, data.posts) {
					t.Fatalf("sees posts %v, want %v: %v", posts, data.posts, err)
				}
			}
		}
		_, err := pool.Exec(t.Context(), "select p.id from posts p")
		wantCode(t, err, "42501")
	}
}
