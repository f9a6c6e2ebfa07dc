package backup

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Use is what a backup needs of the segments that one backup, itself or an earlier one, has written.
type Use struct {
	Backup   uuid.UUID `json:"backup"`
	Segments [][2]int  `json:"segments"` // ranges of numbers, first and last
}

// Uses are the segments that the backup needs.
func (m *Manifest) Uses() (uses []Use) {
	for _, s := range m.segments {
		id, number, _ := parseSegment(s.Segment)
		if len(uses) == 0 || uses[len(uses)-1].Backup != id {
			uses = append(uses, Use{Backup: id})
		}
		use := &uses[len(uses)-1]
		if last := len(use.Segments) - 1; last >= 0 && use.Segments[last][1] == number-1 {
			use.Segments[last][1] = number
		} else {
			use.Segments = append(use.Segments, [2]int{number, number})
		}
	}
	return uses
}

// Kept is a backup that is kept, and what it needs. nil Uses are not known; a backup that needs nothing has an empty slice.
type Kept struct {
	Backup uuid.UUID
	Uses   []Use
}

// Keeping is all that may not be deleted.
type Keeping struct {
	Kept    []Kept      // every whole backup that is kept, and those which the ones that are being written have as the previous
	Writing []uuid.UUID // those that are being written
}

// ErrNotSwept says that nothing was deleted, since it is not known what is needed.
var ErrNotSwept = errors.New("nothing was deleted from the backups")

// isID is the name of a backup; what has another is left alone.
var isID = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// ours is how the objects of a backup begin, also those that are not whole. What is deleted by such a name takes no other along.
var ours = regexp.MustCompile(`^([0-9]{8}|manifest)`)

// Sweep deletes what no backup needs: those that are no longer kept, their manifests first; segments that only they have used;
// what was left by backups that were never finished. It returns how many objects it has deleted.
//
// keeping is asked after the objects were listed. So a backup that is noted as being written before its first object is, and
// as kept before it is no longer noted as being written, is safe at any moment. The error is ErrNotSwept, and nothing is
// deleted, if it is not known what one of the kept needs, or if there are whole backups and none is to be kept: to delete
// everything, delete the prefix.
func (r *Repository) Sweep(ctx context.Context, keeping func(ctx context.Context) (Keeping, error)) (deleted int, err error) {
	if err := r.check(); err != nil {
		return 0, err
	}
	found := map[string][]string{} // by the backups' ids
	whole := 0
	if err := r.Store.Each(ctx, r.Prefix, func(key string) error {
		id, name, _ := strings.Cut(strings.TrimPrefix(key, r.Prefix), "/")
		if !isID.MatchString(id) {
			return nil
		}
		if name == "manifest" {
			whole++
		}
		found[id] = append(found[id], name)
		return nil
	}); err != nil {
		return 0, fmt.Errorf("list backups: %w", err)
	}
	k, err := keeping(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask what is kept: %w", err)
	}
	if len(k.Kept) == 0 && whole > 0 {
		return 0, fmt.Errorf("%w: none of them is to be kept", ErrNotSwept)
	}
	needed := map[string]bool{}
	for _, kept := range k.Kept {
		if kept.Uses == nil {
			return 0, fmt.Errorf("%w: what backup %s needs is not known", ErrNotSwept, kept.Backup)
		}
		needed[kept.Backup.String()+"/manifest"] = true
		for _, use := range kept.Uses {
			for _, span := range use.Segments {
				for number := span[0]; number <= span[1]; number++ {
					needed[segmentKey(use.Backup, number)] = true
				}
			}
		}
	}
	writing := map[string]bool{}
	for _, id := range k.Writing {
		writing[id.String()] = true
	}
	// What is not to stay, manifests first: a backup that is half deleted cannot be opened.
	var manifests, others []string
	for id, names := range found {
		if writing[id] {
			continue
		}
		if !slices.ContainsFunc(names, func(name string) bool { return needed[id+"/"+name] }) {
			manifests, others = append(manifests, id+"/manifest"), append(others, id+"/") // the directory too
			deleted += len(names)
			continue
		}
		for _, name := range names {
			switch {
			case needed[id+"/"+name] || !ours.MatchString(name):
				continue
			case strings.HasPrefix(name, "manifest"):
				manifests = append(manifests, id+"/"+name)
			default:
				others = append(others, id+"/"+name)
			}
			deleted++
		}
	}
	for _, key := range append(manifests, others...) {
		if err := r.Store.DeleteAll(ctx, r.Prefix+key); err != nil {
			return 0, fmt.Errorf("delete %s: %w", key, err)
		}
	}
	return deleted, nil
}
