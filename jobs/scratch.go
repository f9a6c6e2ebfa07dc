package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/queries"
)

const (
	// scratchEvery is how often a worker looks for what steps have left that were broken off.
	scratchEvery = time.Hour
	// clearScratch is what is to be done with a workspace of which there may be something temporary left.
	clearScratch = "clear"
)

// clearScratch removes temporary workspaces that nobody needs: of an archived workspace whose worker has died before it had removed the directory, and of drills that
// are gone.
func (w *Worker) clearScratch(ctx context.Context) error {
	customers, err := w.deps.Workspaces.Customers()
	if err != nil {
		return err
	}
	var all error
	for _, customerID := range customers {
		scratches, err := w.deps.Workspaces.Scratches(customerID) // first: what is begun later is not looked at
		if err == nil && len(scratches) > 0 {
			err = w.clearScratchOf(ctx, customerID, scratches)
		}
		if err != nil && !errors.Is(err, tenant.ErrNotFound) { // the customer is being erased
			all = errors.Join(all, fmt.Errorf("clear what is temporary of customer %s: %w", customerID, err))
		}
	}
	return all
}

func (w *Worker) clearScratchOf(ctx context.Context, customerID uuid.UUID, scratches []uuid.UUID) error {
	var left []uuid.UUID
	err := w.db.TxRetry(ctx, tenant.Worker(customerID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
		left = nil
		q := queries.New(tx)
		drilling, err := q.DrillUnderWay(ctx)
		if err != nil {
			return err
		}
		for _, id := range scratches {
			_, err := q.WorkspaceForWorker(ctx, id)
			switch {
			case err == nil: // a workspace has one job at a time, so that nobody is unpacking it then
				_, err = w.client.InsertTx(ctx, tx, WorkspaceArgs{CustomerID: customerID, WorkspaceID: id, What: clearScratch}, nil)
			case errors.Is(err, pgx.ErrNoRows):
				err = nil
				if !drilling {
					left = append(left, id)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	var all error
	for _, id := range left {
		all = errors.Join(all, w.deps.Workspaces.RemoveScratch(customerID, id))
	}
	return all
}
