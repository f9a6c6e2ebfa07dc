package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"fanfare/queries"
)

// errLeaseLost ends the calls under way of a worker that others may take for dead.
var errLeaseLost = errors.New("the worker could not renew its lease")

// lease is a worker's proof of life. While it holds, no other worker touches its running jobs; when it
// cannot be renewed in time, the worker stops what it is doing before the others begin to.
type lease struct {
	id       string
	duration time.Duration
	queries  *queries.Queries

	mu     sync.Mutex
	ctx    context.Context //nolint:containedctx // it is the lease's own lifetime, not a caller's
	cancel context.CancelCauseFunc
	until  time.Time
}

func newLease(id string, duration time.Duration, q *queries.Queries) *lease {
	l := &lease{id: id, duration: duration, queries: q}
	l.ctx, l.cancel = context.WithCancelCause(context.Background())
	return l
}

// hold gives a context that also ends when the lease is lost. release must be called.
func (l *lease) hold(ctx context.Context) (held context.Context, release func()) {
	l.mu.Lock()
	lifetime := l.ctx
	l.mu.Unlock()
	held, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(lifetime, func() { cancel(context.Cause(lifetime)) })
	return held, func() {
		stop()
		cancel(nil)
	}
}

// renew extends the lease. Its time counts from before the statement, so the database never thinks that it
// ends earlier than we do.
func (l *lease) renew(ctx context.Context) error {
	asked := time.Now()
	ctx, cancel := context.WithTimeout(ctx, l.duration/2)
	defer cancel()
	if err := l.queries.WorkerRenew(ctx, queries.WorkerRenewParams{ID: l.id, Lease: l.duration}); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = asked.Add(l.duration)
	if l.ctx.Err() != nil {
		l.ctx, l.cancel = context.WithCancelCause(context.Background())
	}
	return nil
}

// lose ends everything that is held if the lease will be over before it can be asked for once more.
func (l *lease) lose() (lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Until(l.until) > l.duration/4 || l.ctx.Err() != nil {
		return false
	}
	l.cancel(errLeaseLost)
	return true
}

// lapse ends everything that is held if the lease has run out unnoticed, as that of a process which was paused
// does: others may have taken it over. It comes before a renewal, which would only hide it.
func (l *lease) lapse() (lost bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.until) || l.ctx.Err() != nil {
		return false
	}
	l.cancel(errLeaseLost)
	return true
}

// forget ends the lease, so that others need not wait for it to run out.
func (l *lease) forget(ctx context.Context) error { return l.queries.WorkerDelete(ctx, l.id) }
