package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fanfare/db/tenant"
	"fanfare/internal/bucket"
	"fanfare/queries"
)

// removeMedia deletes files that are to go: what somebody has deleted and not finished with, and what uploads have left that
// were broken off. Bytes go before their row: as long as that fails, the row tells of them.
func (w *Worker) removeMedia(ctx context.Context) error {
	if w.deps.Bucket == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	todo, err := w.q.MediaListToRemove(ctx, 1000)
	if err != nil {
		return fmt.Errorf("look for files to remove: %w", err)
	}
	var all error
	for _, m := range todo {
		err := w.deps.Bucket.DeleteAll(ctx, bucket.Media(m.CustomerID)+m.ID.String())
		if err == nil {
			err = w.db.Tx(ctx, tenant.Worker(m.CustomerID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
				return queries.New(tx).MediaDelete(ctx, m.ID)
			})
		}
		if err != nil && !errors.Is(err, tenant.ErrNotFound) { // the customer is being erased
			all = errors.Join(all, fmt.Errorf("remove file %s: %w", m.ID, err))
		}
	}
	return all
}
