package tenant

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Limit is a rate limit: Quota requests in a Window, which may all come at once; after that one each
// Window/Quota. A customer's own rule for the endpoint, where there is one, overrules both numbers.
type Limit struct {
	// Endpoint names what is limited, as the OpenAPI document's operationId does.
	Endpoint string
	Quota    int
	// Window is in whole seconds.
	Window time.Duration
	// Own: each caller has the limit for themselves, also in a customer.
	Own bool
	// Person: the person behind the request has it over all their customers, whose rules do not matter: whoever acts, or who made
	// the key or the agent token, or who paired the chat.
	Person bool
}

// Rate is what a charge has left of a limit, in the numbers that hold for whoever was charged.
type Rate struct {
	Limit
	Remaining int
	// Reset is how long until there is more: the whole quota, or where nothing is left, the next request.
	Reset time.Duration
}

// RateLimitedError is returned where nothing is left of a limit.
type RateLimitedError struct {
	Limit
	// RetryAfter is how long until the next request passes, if nobody else takes its place.
	RetryAfter time.Duration
}

// Error is the text for logs.
func (e *RateLimitedError) Error() string {
	return fmt.Sprintf("tenant: rate limited: %s allows %d in %s", e.Endpoint, e.Quota, e.Window)
}

// Charge is what one request owes to its limit. It is made once, by the first of these that happens: DB.Charge, a
// transaction, which is charged before it begins and keeps the charge even if it fails, or a Reader's statement,
// with which the charge travels and with which it is undone. Safe for concurrent use.
type Charge struct {
	limit  Limit
	report func(Rate)
	mu     sync.Mutex
	made   bool
}

// NewCharge owes one request to the limit. report is told what is left once the charge is made for good.
func NewCharge(limit Limit, report func(Rate)) *Charge { return &Charge{limit: limit, report: report} }

// Owed tells whether the charge is still to be made.
func (c *Charge) Owed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.made
}

// MadeElsewhere says that the request is charged in another way, such as to the address that it came from.
func (c *Charge) MadeElsewhere() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = true
}

// take gives the charge to whoever asks first. They hand it back if they did not make it. A nil Charge is nobody's.
func (c *Charge) take() bool {
	if c == nil {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	took := !c.made
	c.made = true
	return took
}

func (c *Charge) handBack() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = false
}

// settle ends what take began: the answer of the database is told, or the charge is handed back. A refusal for
// want of quota is a charge that has been made.
func (c *Charge) settle(answer string, err error) error {
	var limited *RateLimitedError
	switch {
	case errors.As(err, &limited):
		return err
	case err != nil:
		c.handBack()
		return err
	}
	rate, err := c.limit.rate(answer)
	if err != nil {
		return err
	}
	c.report(rate)
	return nil
}

// arguments are what the functions tenancy.charge_… take.
func (l Limit) arguments() []any { return []any{l.Endpoint, l.Quota, int(l.Window / time.Second)} }

// charged is what the functions tenancy.charge_… answer, and what FF005 says in its detail.
type charged struct {
	Quota        int   `json:"quota"`
	Window       int   `json:"window"`
	Remaining    int   `json:"remaining"`
	ResetMS      int64 `json:"reset_ms"`
	RetryAfterMS int64 `json:"retry_after_ms"`
}

func (l Limit) read(text string) (Limit, charged, error) {
	var c charged
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return l, c, fmt.Errorf("read what a charge answers: %w", err)
	}
	l.Quota, l.Window = c.Quota, time.Duration(c.Window)*time.Second
	return l, c, nil
}

func (l Limit) rate(answer string) (Rate, error) {
	limit, c, err := l.read(answer)
	return Rate{Limit: limit, Remaining: c.Remaining, Reset: time.Duration(c.ResetMS) * time.Millisecond}, err
}

// limited turns the database's refusal for want of quota into a RateLimitedError, and leaves other errors as they are.
func (l Limit) limited(err error) error {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) || pgErr.Code != "FF005" {
		return err
	}
	limit, c, readErr := l.read(pgErr.Detail)
	if readErr != nil {
		return errors.Join(err, readErr)
	}
	return &RateLimitedError{Limit: limit, RetryAfter: time.Duration(c.RetryAfterMS) * time.Millisecond}
}

// Charge makes the scope's charge in a statement of its own, which enters the scope and does nothing else, so
// that it stays whatever becomes of the request, and holds its row for no longer. It does nothing for a scope that
// has none or whose charge has been made.
//
// Errors: those of entering, and *RateLimitedError.
func (db *DB) Charge(ctx context.Context, scope Scope) error {
	if !scope.charge.take() {
		return nil
	}
	answer, err := db.chargeAlone(ctx, scope)
	return scope.charge.settle(answer, err)
}

func (db *DB) chargeAlone(ctx context.Context, scope Scope) (answer string, err error) {
	statement, arguments, err := scope.entry(true, false)
	if err != nil {
		return "", err
	}
	conn, err := db.pool.Acquire(ctx)
	if err != nil {
		return "", fmt.Errorf("acquire connection: %w", err)
	}
	defer release(conn)
	var batch pgx.Batch
	batch.Queue(statement, arguments...)
	results := conn.Conn().SendBatch(ctx, &batch)
	if err := scope.charge.limit.limited(results.QueryRow().Scan(nil, &answer)); err != nil {
		return "", refused(conn.Conn(), results, err)
	}
	return answer, results.Close()
}

// ChargeAddress charges one request to the address that it came from, for callers whom nobody knows. Addresses of
// IPv6 are charged by their first 64 bits, which are one network's.
//
// Errors: *RateLimitedError.
func (db *DB) ChargeAddress(ctx context.Context, address netip.Addr, limit Limit) (Rate, error) {
	var answer string
	arguments := append([]any{addressKey(address)}, limit.arguments()...)
	if err := db.pool.QueryRow(ctx, "select tenancy.charge_address($1, $2, $3, $4)", arguments...).Scan(&answer); err != nil {
		return Rate{}, limit.limited(fmt.Errorf("charge address: %w", err))
	}
	return limit.rate(answer)
}

// addressKey is under which name an address is charged.
func addressKey(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	if address.Is6() {
		if network, err := address.Prefix(64); err == nil {
			return network.String()
		}
	}
	return address.String() // "invalid IP" for one that is not known
}
