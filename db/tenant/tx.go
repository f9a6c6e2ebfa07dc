package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Tx is a transaction inside a scope. It is what sqlc's queries and River's InsertTx take. It is a pgx.Tx,
// but whoever holds it cannot end it: Commit and Rollback belong to DB.Tx. Not safe for concurrent use.
type Tx struct {
	conn      *pgx.Conn
	entry     string
	arguments []any
	// inner is the transaction once the first statement has been sent.
	inner pgx.Tx
	// refused is why the scope could not be entered, if it could not.
	refused error
}

var _ pgx.Tx = (*Tx)(nil)

// errNotYours answers Commit and Rollback of the whole transaction.
var errNotYours = errors.New("tenant: the transaction is ended by DB.Tx, not by its closure")

// send sends "begin", the entry and the given statement as one batch, and reads the answers to the first two.
func (tx *Tx) send(ctx context.Context, sql string, args ...any) (pgx.BatchResults, error) {
	var batch pgx.Batch
	batch.BeginTx(pgx.TxOptions{})
	batch.Queue(tx.entry, tx.arguments...)
	if sql != "" {
		batch.Queue(sql, args...)
	}
	results := tx.conn.SendBatch(ctx, &batch)
	tx.inner = results.Tx()
	_, err := results.Exec() // begin
	if err == nil {
		_, err = results.Exec() // the entry
	}
	if err != nil {
		tx.refused = refused(tx.conn, results, err)
		return nil, tx.refused
	}
	return results, nil
}

// enter enters the scope by itself, for the few calls that cannot ride in a batch.
func (tx *Tx) enter(ctx context.Context) error {
	if tx.inner != nil {
		return tx.refused
	}
	results, err := tx.send(ctx, "")
	if err != nil {
		return err
	}
	return results.Close()
}

// Exec runs a statement and tells how many rows it concerned.
func (tx *Tx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	if tx.refused != nil {
		return pgconn.CommandTag{}, tx.refused
	}
	if tx.inner != nil {
		return tx.inner.Exec(ctx, sql, args...)
	}
	results, err := tx.send(ctx, sql, args...)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	tag, err := results.Exec()
	return tag, errors.Join(err, closing(err, results))
}

// Query runs a statement that answers rows. The rows must be closed before the next statement.
func (tx *Tx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	if tx.refused != nil {
		return nil, tx.refused
	}
	if tx.inner != nil {
		return tx.inner.Query(ctx, sql, args...)
	}
	results, err := tx.send(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	rows, err := queryLast(results, nil)
	if err != nil {
		return nil, err // not a nil *batchRows, which would not be nil
	}
	return rows, nil
}

// QueryRow runs a statement that answers one row; its error comes with Scan.
func (tx *Tx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := tx.Query(ctx, sql, args...)
	return singleRow{rows: rows, err: err}
}

// SendBatch sends several statements at once.
func (tx *Tx) SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults {
	if err := tx.enter(ctx); err != nil {
		return pgx.FailedBatchResults(batch, err)
	}
	return tx.inner.SendBatch(ctx, batch)
}

// CopyFrom sends rows by COPY. Postgres refuses it on tables with row-level security.
func (tx *Tx) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	if err := tx.enter(ctx); err != nil {
		return 0, err
	}
	return tx.inner.CopyFrom(ctx, table, columns, rows)
}

// Prepare prepares a statement on the transaction's connection.
func (tx *Tx) Prepare(ctx context.Context, name, sql string) (*pgconn.StatementDescription, error) {
	if err := tx.enter(ctx); err != nil {
		return nil, err
	}
	return tx.inner.Prepare(ctx, name, sql)
}

// Begin sets a savepoint. The returned transaction is ended by whoever asked for it: its Rollback goes
// back to the savepoint.
func (tx *Tx) Begin(ctx context.Context) (pgx.Tx, error) {
	if err := tx.enter(ctx); err != nil {
		return nil, err
	}
	return tx.inner.Begin(ctx)
}

// Conn is the connection underneath, of which River reads the configuration. A statement sent on it before
// the first one of the transaction runs as the login role and so may do nothing.
func (tx *Tx) Conn() *pgx.Conn { return tx.conn }

// LargeObjects is refused with a panic: large objects know no row-level security.
func (tx *Tx) LargeObjects() pgx.LargeObjects {
	panic("tenant: large objects have no row-level security and are not used")
}

// Commit is refused: DB.Tx commits when its closure returns nil.
func (tx *Tx) Commit(context.Context) error { return errNotYours }

// Rollback is refused: DB.Tx rolls back when its closure returns an error.
func (tx *Tx) Rollback(context.Context) error { return errNotYours }

// commit ends the transaction for good. One in which a statement has failed cannot be committed.
func (tx *Tx) commit(ctx context.Context) error {
	if tx.refused != nil {
		return tx.refused
	}
	if tx.inner == nil {
		return nil
	}
	if err := tx.inner.Commit(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// rollback undoes what was done. It has a context of its own, since the caller's may be over. If it
// fails, release ends the connection, which does the same.
func (tx *Tx) rollback(ctx context.Context) {
	if tx.inner == nil || tx.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
	defer cancel()
	_ = tx.inner.Rollback(ctx)
}
