package tenant_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/queries"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// bundle is a database with two tenants that must not meet.
type bundle struct {
	*dbtest.DB
	a, b tenantData
}

// tenantData is a customer with an owner and three posts.
type tenantData struct {
	customer dbtest.Customer
	owner    dbtest.User
	posts    []uuid.UUID
}

func setup(t *testing.T) bundle {
	t.Helper()
	d := dbtest.New(t)
	return bundle{DB: d, a: newTenant(t, d), b: newTenant(t, d)}
}

func newTenant(t *testing.T, d *dbtest.DB) tenantData {
	t.Helper()
	c := d.Customer(t, dbtest.Customer{})
	data := tenantData{customer: c, owner: d.Member(t, c.ID, "owner")}
	account := d.Integration(t, dbtest.Integration{CustomerID: c.ID})
	for range 3 {
		post := d.Post(t, dbtest.Post{CustomerID: c.ID, Title: c.Name, Integrations: []dbtest.Integration{account}})
		data.posts = append(data.posts, post.ID)
	}
	return data
}

// scope is the owner's in their customer.
func (d tenantData) scope() tenant.Scope { return d.owner.Scope().In(d.customer.ID) }

// singleConn opens a pool of one connection, so that whatever comes next meets what was left on it.
func singleConn(t *testing.T, databaseURL string) *pgxpool.Pool {
	t.Helper()
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 1
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// listPosts gives the ids of the posts that q sees.
func listPosts(ctx context.Context, db queries.DBTX) ([]uuid.UUID, error) {
	rows, err := queries.New(db).PostList(ctx, queries.PostListParams{Before: uuid.Max, MaxRows: 100})
	ids := make([]uuid.UUID, len(rows))
	for i, row := range rows {
		ids[len(rows)-1-i] = row.ID // oldest first, as they were made
	}
	return ids, err
}

// who asks for the role that a statement runs as.
func who(ctx context.Context, db queries.DBTX) (role string, err error) {
	err = db.QueryRow(ctx, "select current_user::text").Scan(&role)
	return role, err
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != code {
		t.Errorf("got error %v, want SQLSTATE %s", err, code)
	}
}

func wantError(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits for a condition that the superuser sees.
func eventually(t *testing.T, d *dbtest.DB, condition string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for {
		var holds bool
		if err := d.Super.QueryRow(ctx, condition, args...).Scan(&holds); err != nil {
			t.Fatalf("wait for %s: %v", condition, err)
		}
		if holds {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("never came true: %s", condition)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

var errOwn = errors.New("the closure's own error")

// doNothing is a closure that only enters.
func doNothing(ctx context.Context, tx *tenant.Tx) error {
	_, err := tx.Exec(ctx, "select 1")
	return err
}
