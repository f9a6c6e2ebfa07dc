package jobs

import (
	"os"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/internal/backup"
	"fanfare/internal/bucket"
)

// whileWritten makes a backup, and calls each function once workspaces were walked and before any file is read, the first when that is so for the first time and so on.
// The backup goes on when the last one has returned.
func (p *places) whileWritten(changes ...func()) uuid.UUID {
	p.t.Helper()
	// Images and videos are walked last: that waits for the lock. The next lock is in line before this one is let go.
	begin := func() pgx.Tx {
		tx, err := p.Super.Begin(p.t.Context())
		must(p.t, err)
		p.t.Cleanup(func() { _ = tx.Rollback(p.t.Context()) })
		return tx
	}
	const lock = "lock table media in access exclusive mode"
	held := begin()
	_, err := held.Exec(p.t.Context(), lock)
	must(p.t, err)
	id := dbtest.NewID(p.t)
	p.exec("insert into backups (customer_id, id) values ($1, $2)", p.customer.ID, id)
	rotate := func() {
		next, locked := begin(), make(chan error, 1)
		go func() {
			_, err := next.Exec(p.t.Context(), lock)
			locked <- err
		}()
		eventually(p.bundle, 1, "select count(*)::int from pg_locks where relation = 'media'::regclass and mode = 'AccessExclusiveLock' and not granted")
		must(p.t, held.Rollback(p.t.Context()))
		must(p.t, <-locked)
		held = next
	}
	var try uuid.UUID
	for i, change := range changes {
		if i > 0 {
			rotate()
		}
		for {
			eventually(p.bundle, 1, "select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%MediaListForBackup%'")
			if now := scan[uuid.UUID](p.bundle, "select coalesce(object_id, id) from backups where id = $1", id); now != try && now != id {
				try = now
				break
			}
			rotate() // a statement is prepared before it is executed, and waits both times
		}
		change()
	}
	must(p.t, held.Rollback(p.t.Context()))
	return id
}

// A backup in which files that were moved while it was written are in neither place is written anew; if files go away all the time, it says so.
func TestBackupOfMovedFiles(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	names := []string{"b/1", "b/2", "b/3", "b/4"}
	for _, name := range names {
		p.program(nil, name, name)
	}
	move := func(i int) func() {
		return func() { must(t, os.Rename(p.at(nil, names[i]), p.at(nil, "a"+names[i][2:]))) }
	}
	first := p.whileWritten(move(0))
	eventually(p.bundle, "ready, 4 files, 0 left out: ", backupTold, first)
	must(t, os.RemoveAll(p.at(nil, "b")))
	must(t, os.Remove(p.at(nil, "a1")))
	if state, _, problem := p.restore(map[string]any{"backup_id": first}); state != "done" || p.tree(nil)["a1"] != "b/1" {
		t.Errorf("%s %s: %v", state, problem, p.tree(nil))
	}
	// Only the last try is left of it, and is what the next one relies on.
	kept := scan[uuid.UUID](p.bundle, "select object_id from backups where id = $1", first)
	await(t, func() (bool, string) {
		all, err := p.backups.Count(t.Context(), bucket.Backups(p.customer.ID))
		must(t, err)
		own, err := p.backups.Count(t.Context(), bucket.Backups(p.customer.ID)+kept.String())
		must(t, err)
		return all == own && own > 0, "there are objects of a try that came to nothing"
	})
	for _, name := range names { // so that they must be read
		p.program(nil, name, "new "+name)
	}
	second := p.whileWritten(move(1), move(2), move(3))
	eventually(p.bundle, "ready, 4 files, 1 left out: 1 files were moved or deleted while it was written, and may be missing in it.", backupTold, second)
}

const backupTold = "select format('%s, %s files, %s left out: %s', state, files, left_out, problem) from backups where id = $1"

// A backup that was written while files were put in their places, or a workspace was archived, is none.
func TestBackupDuringRestore(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	p.program(nil, "a", "a")
	for _, state := range []string{"restoring", "new"} {
		id := p.whileWritten(func() {
			p.exec("set session_replication_role = replica; update workspaces set state = '" + state + "' where space_id is null; set session_replication_role = default")
		})
		eventually(p.bundle, "scheduled", "select state::text from river.river_job where kind = 'backup' and args ->> 'backup_id' = $1::text", id)
		if got := scan[string](p.bundle, backupState, id); got != "running" {
			t.Errorf("while the workspace is %s the backup is %s", state, got)
		}
		p.exec("set session_replication_role = replica; update workspaces set state = 'active' where space_id is null; set session_replication_role = default")
		p.exec("update river.river_job set scheduled_at = now() where kind = 'backup' and state = 'scheduled'")
		eventually(p.bundle, "ready, 1 files, 0 left out: ", backupTold, id)
	}
}

// A restore to a workspace removes nothing of which its plan does not tell.
func TestRestoreLeavesLateFiles(t *testing.T) {
	p := setup(t).withFiles()
	must(t, p.store.Create(p.customer.ID, uuid.NullUUID{}))
	directory, err := p.store.Open(p.customer.ID, uuid.NullUUID{})
	must(t, err)
	defer directory.Close()
	p.program(nil, "kept.txt", "kept")
	tree := newWorkspaceTree(directory)
	repository, id := (&fileStores{backups: p.backups}).repository(p.customer.ID, bucket.Backups(p.customer.ID)), uuid.New()
	result, err := repository.Write(t.Context(), backup.WriteOptions{ID: id, Kind: "backup", Sources: []backup.NamedSource{{Name: sharedSource, Source: tree}}})
	must(t, err)
	manifest, err := repository.Open(t.Context(), id, result.ManifestSHA256)
	must(t, err)
	defer manifest.Close()
	p.program(nil, "aa/told.txt", "told")
	p.program(nil, "aa/b/told.txt", "told")
	plan, err := manifest.Plan(t.Context(), map[string]backup.Target{sharedSource: tree}, backup.Selection{}, backup.RestoreOptions{Exact: true})
	must(t, err)
	defer plan.Close()
	p.program(nil, "aa/late.txt", "late")
	must(t, plan.Apply(t.Context()))
	if got := p.tree(nil); len(got) != 3 || got["aa/late.txt"] != "late" || got["kept.txt"] != "kept" {
		t.Errorf("there is %v", got)
	}
}
