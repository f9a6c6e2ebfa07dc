package backup

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/uuid"
)

// Manifests names the backups whose manifest is in the store. Whether it is the one that was stored, only its digest tells.
func (r *Repository) Manifests(ctx context.Context) (map[uuid.UUID]bool, error) {
	found := map[uuid.UUID]bool{}
	if err := r.Store.Each(ctx, r.Prefix, func(key string) error {
		name, is := strings.CutSuffix(strings.TrimPrefix(key, r.Prefix), "/manifest")
		if id, err := uuid.Parse(name); is && err == nil {
			found[id] = true
		}
		return nil
	}); err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	return found, nil
}
