package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Reader runs single read-only statements inside a scope. Each is one round trip: entering and statement
// travel as one batch, in an implicit transaction that is over with the answer. Two statements of one
// Reader see two snapshots; use DB.Tx where they must agree. Safe for concurrent use.
type Reader struct {
	db    *DB
	scope Scope
}

// Read gives a Reader for the scope. Errors of entering, ErrUnknownUser, ErrNotFound and *RateLimitedError, come
// with each statement's own. A charge that the scope owes travels with the first statement, and is undone with it
// if it fails.
func (db *DB) Read(scope Scope) *Reader { return &Reader{db: db, scope: scope} }

// Query runs a statement that answers rows. The connection is held until the rows are closed.
func (r *Reader) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if !r.scope.charge.take() {
		return r.query(ctx, nil, sql, args...)
	}
	rows, err := r.query(ctx, r.scope.charge, sql, args...)
	if err != nil {
		return nil, r.scope.charge.settle("", err)
	}
	return rows, nil
}

// query makes the given charge together with the statement, if there is one.
func (r *Reader) query(ctx context.Context, charge *Charge, sql string, args ...any) (pgx.Rows, error) {
	statement, arguments, err := r.scope.entry(charge != nil, true)
	if err != nil {
		return nil, err
	}
	conn, err := r.db.pool.Acquire(ctx)
	if err != nil {
		return nil, fmt.Errorf("acquire connection: %w", err)
	}
	var batch pgx.Batch
	batch.Queue(statement, arguments...)
	batch.Queue(sql, args...)
	results := conn.Conn().SendBatch(ctx, &batch)
	var left string
	if charge != nil {
		err = charge.limit.limited(results.QueryRow().Scan(nil, &left, nil))
	} else {
		_, err = results.Exec()
	}
	if err != nil {
		err = refused(conn.Conn(), results, err)
		release(conn)
		return nil, err
	}
	rows, err := queryLast(results, conn)
	if err != nil {
		return nil, err
	}
	rows.charge, rows.left = charge, left
	return rows, nil
}

// QueryRow runs a statement that answers one row; its error comes with Scan.
func (r *Reader) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := r.Query(ctx, sql, args...)
	return singleRow{rows: rows, err: err}
}

// Exec is refused: a Reader changes nothing.
func (r *Reader) Exec(context.Context, string, ...any) (pgconn.CommandTag, error) {
	return pgconn.CommandTag{}, errors.New("tenant: a Reader only reads; use DB.Tx")
}

// queryLast hands out the rows of a batch's last statement, and ends the batch when they are closed.
func queryLast(results pgx.BatchResults, conn *pgxpool.Conn) (*batchRows, error) {
	rows, err := results.Query()
	if err != nil {
		_ = results.Close() // it repeats the error at hand
		if conn != nil {
			release(conn)
		}
		return nil, err
	}
	return &batchRows{Rows: rows, results: results, conn: conn}, nil
}

// batchRows are the rows of a batch's last statement.
type batchRows struct {
	pgx.Rows
	results pgx.BatchResults
	conn    *pgxpool.Conn // to be released with the rows; nil inside a transaction
	charge  *Charge       // made if the batch succeeds; nil where none was
	left    string        // what it has left of its limit
	closed  bool
	err     error
}

// Next goes to the next row, and closes the rows after the last as pgx's own do.
func (r *batchRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Close ends the rows and their batch. It may be called again.
func (r *batchRows) Close() {
	if r.closed {
		return
	}
	r.closed = true
	r.Rows.Close()
	r.err = errors.Join(r.Rows.Err(), closing(r.Rows.Err(), r.results))
	if r.conn != nil {
		release(r.conn)
	}
	if r.charge != nil {
		r.err = r.charge.settle(r.left, r.err)
	}
}

// Err is what went wrong; complete after Close.
func (r *batchRows) Err() error {
	if r.closed {
		return r.err
	}
	return r.Rows.Err()
}

// closing ends a batch and gives its error unless that only repeats the one already at hand.
func closing(known error, results pgx.BatchResults) error {
	if err := results.Close(); known == nil {
		return err
	}
	return nil
}

// singleRow is the first row of rows, as pgx.Row wants it.
type singleRow struct {
	rows pgx.Rows
	err  error
}

// Scan reads the row. pgx.ErrNoRows if there is none.
func (r singleRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}
