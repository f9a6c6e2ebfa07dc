package tenant

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// What the database answers when a tenant cannot be entered. Anything else that goes wrong is returned as
// pgx gives it.
var (
	// ErrUnknownUser: the subject is verified but has never been registered.
	ErrUnknownUser = errors.New("tenant: unknown user")
	// ErrNotFound: there is no such customer, or not for this user. The two cannot be told apart.
	ErrNotFound = errors.New("tenant: no such customer")
	// ErrInvalidKey: the API key or agent token is unknown, expired or revoked, or whoever made it has no role any more.
	ErrInvalidKey = errors.New("tenant: the key or token is not valid")
	// ErrLacksPermission: the key or token has none of the permissions that what it asks needs.
	ErrLacksPermission = errors.New("tenant: the key lacks the permission")
	// ErrNoConnectSession: nobody is on their way to connect an account with this state, or not any more.
	ErrNoConnectSession = errors.New("tenant: no such connect session")
	// ErrRefused: the login may not enter, because the connection still holds something of an earlier tenant
	// or is not one of the two login roles. It says nothing of the user's rights.
	ErrRefused = errors.New("tenant: entering was refused")
)

var errNoScope = errors.New("tenant: a transaction needs a scope that says for whom it runs")

// refused ends a batch whose scope could not be entered, and tells why it could not.
func refused(conn *pgx.Conn, results pgx.BatchResults, err error) error {
	_ = results.Close() // it repeats the error at hand
	var limited *RateLimitedError
	if errors.As(err, &limited) {
		return err
	}
	// The batch's statements are parsed before any runs. If that failed, nothing was entered or refused.
	var notSent pgx.ErrPreprocessingBatch
	var pgErr *pgconn.PgError
	if errors.As(err, &notSent) || !errors.As(err, &pgErr) {
		return fmt.Errorf("enter tenant: %w", err)
	}
	switch pgErr.Code {
	case "FF001", "22021": // a subject that is no text of Postgres, as one with a NUL, is nobody's
		return ErrUnknownUser
	case "FF002":
		return ErrNotFound
	case "FF003":
		return ErrInvalidKey
	case "FF006":
		return ErrLacksPermission
	case "FF008":
		return ErrNoConnectSession
	case "42501":
		// The connection still holds a role or a setting of an earlier tenant. It would be refused for
		// ever, so it ends here and the pool opens another.
		ctx, cancel := context.WithTimeout(context.Background(), rollbackTimeout)
		defer cancel()
		_ = conn.Close(ctx) // it ends either way
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	return fmt.Errorf("enter tenant: %w", err)
}

// mayRunAgain tells the failures after which Postgres asks for the whole transaction to be repeated:
// a serialization failure and a deadlock.
func mayRunAgain(err error) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && (pgErr.Code == "40001" || pgErr.Code == "40P01")
}
