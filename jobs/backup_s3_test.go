package jobs

import (
	"os"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/backup"
	"fanfare/internal/bucket"
	"fanfare/internal/bucket/buckettest"
)

// TestBackupToS3: backups, their retention, restoring and drills with a real S3 server, which checks signatures; it is killed in between. One bit that is
// flipped in what it keeps is found.
func TestBackupToS3(t *testing.T) {
	p := setup(t).withFiles()
	var server *buckettest.Server
	p.backups, server = buckettest.S3(t)
	p.backupDir = server.Directory
	p.config.Backups.Keep = backup.Policy{Daily: 3}
	w := p.inUse()
	p.program(nil, "a.txt", strings.Repeat("roses ", 100_000))
	p.program(nil, "b.txt", "first")
	image := p.image("a picture")
	p.exec("update workspaces set entries = 2")
	p.later(day) // whatever night it was, there is another
	const nights = 6
	for night := range nights {
		must(t, w.beginNight(t.Context()))
		eventually(p.bundle, true, "select exists (select from backups where customer_id = $1 and state = 'ready' and finished_at > now() - interval '12 hours')", p.customer.ID)
		eventually(p.bundle, 0, "select count(*)::int from river.river_job where kind = 'backup' and state not in ('completed', 'cancelled', 'discarded')")
		p.program(nil, "b.txt", strings.Repeat("x", night+1))
		p.later(day)
	}
	if n := scan[int](p.bundle, "select count(*)::int from backups where state = 'ready'"); n < 3 || n > 4 {
		t.Errorf("after %d nights %d backups are kept, of 3 days", nights, n)
	}
	// The first is full, and is still needed by those that are kept; what only others needed is gone.
	if n, err := p.backups.Count(t.Context(), bucket.Backups(p.customer.ID)); err != nil || n > 3*4+2 {
		t.Errorf("%d objects are kept, %v", n, err)
	}

	// The server ends while a backup is asked for, and comes back.
	server.Kill()
	id := dbtest.NewID(t)
	p.exec("insert into backups (customer_id, id) values ($1, $2)", p.customer.ID, id)
	eventually(p.bundle, true, "select exists (select from river.river_job where kind = 'backup' and state = 'retryable')")
	server.Restart()
	p.exec("update river.river_job set scheduled_at = now() where state = 'retryable'")
	eventually(p.bundle, "ready", backupState, id)

	must(t, os.Remove(p.at(nil, "a.txt")))
	must(t, p.media.DeleteAll(t.Context(), bucket.Media(p.customer.ID)+image.String()))
	if state, plan, problem := p.restore(map[string]any{"backup_id": id}); state != "done" || plan.Create+plan.Replace != 2 {
		t.Fatalf("%s %+v %s", state, plan, problem)
	}
	if got := p.tree(nil)["a.txt"]; got != strings.Repeat("roses ", 100_000) || p.shown(image) != "a picture" {
		t.Errorf("restored %d bytes, and %q", len(got), p.shown(image))
	}

	drill := func(backupID uuid.UUID) string {
		drill := dbtest.NewID(t)
		p.exec("insert into drills (customer_id, id, backup_id) values ($1, $2, $3)", p.customer.ID, drill, backupID)
		eventually(p.bundle, true, "select state <> 'running' from drills where id = $1", drill)
		return scan[string](p.bundle, "select state || ' ' || coalesce(problem, '') from drills where id = $1", drill)
	}
	if got := drill(id); got != "good " {
		t.Errorf("the drill is %s", got)
	}
	flipped := p.flip(bucket.Backups(p.customer.ID), func(key string) bool {
		return strings.Contains(key, scan[string](p.bundle, "select object_id::text from backups where id = $1", id))
	})
	if got := drill(id); !strings.HasPrefix(got, "failed") || !strings.Contains(got, "damaged") {
		t.Errorf("a bit of %s is flipped, and the drill is %s", flipped, got)
	}
	if scan[bool](p.bundle, "select damaged_at is null from backups where id = $1", id) {
		t.Error("nobody is told of the damage")
	}
}
