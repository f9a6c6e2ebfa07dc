package dbbackup

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// halfAge is after how long a base backup without a manifest is one that was broken off, and not one under way.
const halfAge = 7 * 24 * time.Hour

// Pruned says what was deleted, or would be.
type Pruned struct {
	Kept, Deleted []*Base
	// Half are base backups that were never finished.
	Half []string
	// Segments counts files of WAL that no kept base backup needs.
	Segments int
}

// Prune deletes base backups that are not needed to restore to any moment since keepFrom, and WAL from before the oldest
// that is kept. The newest base backup always stays; so does the last one before keepFrom, from which the moments after
// keepFrom are reached. With dry it deletes nothing.
func (r *Repository) Prune(ctx context.Context, keepFrom, now time.Time, dry bool) (*Pruned, error) {
	_, half, err := r.ids(ctx)
	if err != nil {
		return nil, err
	}
	bases, err := r.List(ctx)
	if err != nil {
		return nil, err // one that is damaged may be needed: somebody must look
	}
	p := &Pruned{}
	for i, b := range bases {
		if i+1 < len(bases) && bases[i+1].FinishedAt.Before(keepFrom) {
			p.Deleted = append(p.Deleted, b)
		} else {
			p.Kept = append(p.Kept, b)
		}
	}
	for _, id := range half {
		if begun, err := time.Parse(idLayout, strings.Split(id, "-")[0]); err == nil && now.Sub(begun) > halfAge {
			p.Half = append(p.Half, id)
		}
	}
	if !dry {
		doomed := slices.Clone(p.Half)
		for _, b := range p.Deleted {
			// The manifest first: what is deleted by half is not whole.
			if err := r.Bucket.DeleteAll(ctx, manifestKey(b.ID)); err != nil {
				return nil, fmt.Errorf("delete %s: %w", b.ID, err)
			}
			doomed = append(doomed, b.ID)
		}
		for _, id := range doomed {
			if err := r.Bucket.DeleteAll(ctx, basePrefix+id+"/"); err != nil {
				return nil, fmt.Errorf("delete %s: %w", id, err)
			}
		}
	}
	if len(p.Kept) == 0 {
		return p, nil // then nobody knows which WAL is needed
	}
	return p, r.pruneWAL(ctx, p, dry)
}

// pruneWAL deletes segments from before the oldest base backup that is kept, on whatever timeline. How timelines began
// is kept for good.
func (r *Repository) pruneWAL(ctx context.Context, p *Pruned, dry bool) error {
	oldest := ""
	for _, b := range p.Kept {
		first, _, err := b.segments()
		if err != nil {
			return err
		}
		if name := segmentName(b.Timeline, first, b.SegmentBytes)[8:]; oldest == "" || name < oldest {
			oldest = name
		}
	}
	var old []string
	err := r.Bucket.Each(ctx, walPrefix, func(key string) error {
		name := path.Base(key)
		if walName.MatchString(name) && !historyOnly.MatchString(name) && key == walKey(name) && name[8:24] < oldest {
			old = append(old, key)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list WAL: %w", err)
	}
	p.Segments = len(old)
	if dry {
		return nil
	}
	for _, key := range old {
		if err := r.Bucket.DeleteAll(ctx, key); err != nil {
			return fmt.Errorf("delete WAL: %w", err)
		}
	}
	return nil
}
