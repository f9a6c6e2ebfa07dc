package jobs

import (
	"cmp"
	"context"
	"fmt"

	"github.com/google/uuid"

	"fanfare/internal/backup"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

const (
	// defaultQuota is that of customers without one of their own, in bytes, where WorkspaceRules say nothing.
	defaultQuota = 5 << 30
	// defaultDiskReserve is what is left free on the disk, in bytes, where BackupConfig says nothing.
	defaultDiskReserve = 256 << 20
	// fileOverhead is what a file takes of a disk besides its content, in bytes, at most: the rest of its last block, and its inode.
	fileOverhead = 8 << 10
)

// checkRoom refuses a restore that would take more room than the customer has, or make too many files. In the transaction of hold nobody else takes it meanwhile.
func (w *restoreWorker) checkRoom(ctx context.Context, q *queries.Queries, places map[string]*place) error {
	rows, err := q.WorkspaceListForWorker(ctx)
	if err != nil {
		return fmt.Errorf("list workspaces: %w", err)
	}
	entries := map[uuid.UUID]int64{}
	for _, r := range rows {
		entries[r.ID] = r.Entries
	}
	grows := int64(0)
	for _, p := range places {
		grows += p.grows.Bytes
		if n := entries[p.row.ID] + p.grows.Entries; p.grows.Entries > 0 && n > fullEntries {
			return noRestore(fmt.Sprintf("A workspace would have %d files and directories, and may have %d. Restore less, or delete some.", n, fullEntries))
		}
	}
	if grows <= 0 {
		return nil
	}
	room, err := q.WorkspaceRoom(ctx, cmp.Or(w.quota, defaultQuota))
	if err != nil {
		return fmt.Errorf("see how much room there is: %w", err)
	}
	if left := max(room.Quota-room.Used, 0); grows > left {
		return noRestore(fmt.Sprintf("It takes %d bytes more, and the customer's workspaces have room for %d: they have %d of %d. Have the quota raised, restore less, or delete files.",
			grows, left, room.Used, room.Quota))
	}
	return nil
}

// diskError says that the disk has no room for something, for people; it is a workspace.ErrFull.
type diskError struct{ need, left int64 }

// Error says how much room there is.
func (e diskError) Error() string {
	return fmt.Sprintf("The disk has not enough room: it takes %d bytes, and %d may be used. Whoever runs Fanfare must make room.", e.need, e.left)
}

// Unwrap is what kind of error it is.
func (diskError) Unwrap() error { return workspace.ErrFull }

// checkDisk refuses with a diskError to stage or unpack what the disk of workspaces has no room for.
func (f *fileStores) checkDisk(all ...backup.Growth) error {
	need := int64(0)
	for _, grows := range all {
		need += grows.Staged + grows.Files*fileOverhead
	}
	if need == 0 {
		return nil
	}
	free, err := f.workspaces.FreeBytes()
	if err != nil {
		return err
	}
	if left := max(free-cmp.Or(f.config.DiskReserve, defaultDiskReserve), 0); need > left {
		return diskError{need, left}
	}
	return nil
}
