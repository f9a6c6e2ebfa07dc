package db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

// querier is what a check reads the database with: a pool, a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// column reads the first column of every row.
func column[T any](ctx context.Context, t testing.TB, q querier, sql string, args ...any) []T {
	t.Helper()
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	values, err := pgx.CollectRows(rows, pgx.RowTo[T])
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return values
}

// one reads a single value.
func one[T any](ctx context.Context, t testing.TB, q querier, sql string, args ...any) T {
	t.Helper()
	values := column[T](ctx, t, q, sql, args...)
	if len(values) != 1 {
		t.Fatalf("%s: %d rows, want 1", sql, len(values))
	}
	return values[0]
}

// refusal is what a caller can learn of a refused statement: the code and the constraint.
type refusal struct{ Code, Constraint string }

// refused gives the refusal in an error, the zero refusal where there is none.
func refused(err error) refusal {
	var pgErr *pgconn.PgError
	if errors.As(err, &pgErr) {
		return refusal{pgErr.Code, pgErr.ConstraintName}
	}
	return refusal{}
}

// Codes of refusals that the tests expect.
const (
	denied       = "42501" // insufficient_privilege: no grant, or a policy's check
	badCheck     = "23514" // check_violation: a constraint or a guard
	badReference = "23503" // foreign_key_violation
	deadlock     = "40P01"
)

// expectRefused fails the test unless err is a refusal with the code.
func expectRefused(t testing.TB, what string, err error, code string) {
	t.Helper()
	if got := refused(err).Code; got != code {
		t.Errorf("%s: error %v (code %q), want code %s", what, err, got, code)
	}
}

func newID(t testing.TB) uuid.UUID {
	t.Helper()
	return dbtest.NewID(t)
}
