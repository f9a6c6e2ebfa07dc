package jobs

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
)

// turns gives each customer one job at a time in a queue of this process, so that none holds all of its slots with what takes long.
type turns struct{ taken sync.Map }

type customerTurn struct {
	queue      string
	customerID uuid.UUID
}

// take takes the customer's turn in the queue, until it is given back. Where another job has it, the error puts the job off, which counts as no try.
func (t *turns) take(queue string, customerID uuid.UUID) (giveBack func(), err error) {
	key := customerTurn{queue, customerID}
	if _, taken := t.taken.LoadOrStore(key, true); taken {
		return nil, river.JobSnooze(shortened(2 * time.Second))
	}
	return func() { t.taken.Delete(key) }, nil
}

// lookEvery is how often is looked whether work that takes long is still wanted.
const lookEvery = 2 * time.Second

// watch is ctx until look, which is asked now and then, says why the work ends: that is its cause.
func watch(ctx context.Context, look func(ctx context.Context) error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		ticker := time.NewTicker(lookEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			if why := look(ctx); why != nil {
				cancel(why)
			}
		}
	}()
	return ctx, func() { cancel(context.Canceled) }
}
