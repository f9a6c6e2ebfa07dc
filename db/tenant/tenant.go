// Package tenant begins every transaction on tenant data, and is the only code that does. A transaction
// enters a Scope before its first statement: the database itself checks who may enter what, sets the
// transaction-local settings that its policies read, and changes to the role that those policies are for.
// Without that step the login role may do nothing at all.
//
// Entering costs no round trip of its own: it travels with the first statement. The package must not look
// at the data: which rows a statement reaches is decided by the policies alone.
package tenant

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// DB opens transactions on a pool of connections of one of the two login roles: fanfare_login for the
// API, fanfare_worker for the worker.
type DB struct {
	pool *pgxpool.Pool
}

// New makes a DB of a pool. The pool stays the caller's to close.
func New(pool *pgxpool.Pool) *DB { return &DB{pool: pool} }

// Attempts is how often TxRetry runs its closure at most.
const Attempts = 4

// rollbackTimeout bounds the rollback of a transaction whose own context may be over.
const rollbackTimeout = 5 * time.Second

// Tx runs fn in one transaction inside the scope and commits it, or rolls it back when fn returns an
// error or panics. The first statement carries "begin" and the entering with it; if fn makes no
// statement, nothing reaches the database and the scope is not checked. A statement that fails ends the
// transaction, as there are no implicit savepoints: use tx.Begin where one may.
//
// Errors: ErrUnknownUser and ErrNotFound where the scope cannot be entered, else those of fn and pgx.
func (db *DB) Tx(ctx context.Context, scope Scope, fn func(ctx context.Context, tx *Tx) error) (err error) {
	statement, arguments, err := scope.entry(false, false)
	if err != nil {
		return err
	}
	if err := db.Charge(ctx, scope); err != nil {
		return err
	}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("acquire connection: %w", err)
	}
	tx := &Tx{conn: conn.Conn(), entry: statement, arguments: arguments}
	committed := false
	// Deferred so that it also happens when fn panics or ends its goroutine.
	defer func() {
		if !committed {
			tx.rollback(ctx)
		}
		release(conn)
	}()
	if err := fn(ctx, tx); err != nil {
		return err
	}
	if err := tx.commit(ctx); err != nil {
		return err
	}
	committed = true
	return nil
}

// TxRetry is Tx for a closure that may run more than once: when Postgres asks for a repetition (40001
// serialization failure, 40P01 deadlock), the closure runs again, up to Attempts times with a short,
// growing pause. The closure must not touch anything but the transaction and what it sets from scratch.
func (db *DB) TxRetry(ctx context.Context, scope Scope, fn func(ctx context.Context, tx *Tx) error) error {
	var err error
	for attempt := range Attempts {
		if attempt > 0 {
			pause := time.Duration(rand.Int64N(int64(5 * time.Millisecond << attempt))) //nolint:gosec // a pause need not be unpredictable
			select {
			case <-ctx.Done():
				return errors.Join(err, ctx.Err())
			case <-time.After(pause):
			}
		}
		if err = db.Tx(ctx, scope, fn); err == nil || !mayRunAgain(err) {
			return err
		}
	}
	return fmt.Errorf("gave up after %d attempts: %w", Attempts, err)
}

// release gives a connection back to the pool if nothing is left of its transaction, else ends it.
func release(conn *pgxpool.Conn) {
	if !conn.Conn().IsClosed() && conn.Conn().PgConn().TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		_ = conn.Conn().Close(ctx) // it ends either way; what is left of the transaction ends with it
	}
	conn.Release()
}
