package dbtest

import (
	"context"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// RoundTrips counts how often a pool's connections have waited for the server: a round trip is a write
// after which something is read. Statements that travel together are one.
type RoundTrips struct {
	count atomic.Int64
}

// During tells how many round trips do made. Nobody else may use the pool meanwhile.
func (r *RoundTrips) During(do func()) int {
	before := r.count.Load()
	do()
	return int(r.count.Load() - before)
}

// CountingPool opens a pool of one connection that counts its round trips, and is closed with the test.
func CountingPool(t testing.TB, databaseURL string) (*pgxpool.Pool, *RoundTrips) {
	t.Helper()
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		t.Fatalf("parse database URL: %v", err)
	}
	config.MaxConns = 1
	// A connection that has been idle for a second is pinged before it is used: a round trip of the pool's
	// own, which would depend on how fast the test runs.
	config.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	roundTrips := &RoundTrips{}
	dial := config.ConnConfig.DialFunc
	config.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &countingConn{Conn: conn, roundTrips: roundTrips}, nil
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	if err != nil {
		t.Fatalf("open pool: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool, roundTrips
}

// countingConn is a connection that counts the first write after each read.
type countingConn struct {
	net.Conn
	roundTrips *RoundTrips
	// waiting is whether something has been written since the last read.
	waiting atomic.Bool
}

func (c *countingConn) Write(b []byte) (int, error) {
	if !c.waiting.Swap(true) {
		c.roundTrips.count.Add(1)
	}
	return c.Conn.Write(b)
}

func (c *countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.waiting.Store(false)
	}
	return n, err
}
