package jobs

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

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

// TestBackupToBucketInTrouble: a bucket that is slow is waited for; one that hangs, or is away, in the middle of a backup breaks it off, it is tried again, and
// fails in the end with a problem that says so. No transaction is held meanwhile, and nothing half is taken for whole.
func TestBackupToBucketInTrouble(t *testing.T) {
	p := setup(t).withFiles()
	server := buckettest.Start(t)
	slow := buckettest.NewProxy(t, server, 5*time.Millisecond) // some 12 MB in a second
	var err error
	if p.backups, err = bucket.Open(t.Context(), slow.URL, bucket.Options{S3Credentials: buckettest.Credentials(), Stall: 5 * time.Second}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.backups.Close() })
	p.inUse()
	eventually(p.bundle, true, "select exists (select from backup_status where customer_id = $1)", p.customer.ID) // the night's is past
	content := make([]byte, 36<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content) // does not compress
	p.program(nil, "large", string(content))
	whole := func() (manifests int) {
		t.Helper()
		must(t, p.backups.Each(t.Context(), bucket.Backups(p.customer.ID), func(key string) error {
			if strings.HasSuffix(key, "/manifest") {
				manifests++
			}
			return nil
		}))
		return manifests
	}

	// It hangs when a part is there.
	id := dbtest.NewID(t)
	p.exec("insert into backups (customer_id, id) values ($1, $2)", p.customer.ID, id)
	await(t, func() (bool, string) {
		objects, err := p.backups.Count(t.Context(), bucket.Backups(p.customer.ID))
		return err == nil && objects > 0, fmt.Sprint(objects, " objects, ", err)
	})
	server.Hang()
	job := "select state || ' ' || attempt from river.river_job where kind = 'backup' and args ->> 'backup_id' = $1"
	if got := scan[string](p.bundle, job, id.String()); got != "running 1" {
		t.Fatalf("the job is %s: it was too fast to be broken off", got)
	}
	began := time.Now()
	eventually(p.bundle, 0, "select count(*)::int from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null")
	if got := scan[string](p.bundle, job, id.String()); got != "running 1" {
		t.Errorf("transactions were held until the job was %s, %v", got, time.Since(began))
	}
	eventually(p.bundle, "retryable 1", job, id.String())
	if got := scan[string](p.bundle, "select errors[1] ->> 'error' from river.river_job where kind = 'backup' and args ->> 'backup_id' = $1", id.String()); !strings.Contains(got, bucket.ErrStalled.Error()) {
		t.Errorf("the first try failed with %q", got)
	}
	server.Continue()
	if got := scan[string](p.bundle, "select state || ' ' || coalesce(manifest_sha256, '') from backups where id = $1", id); got != "running " || whole() != 0 {
		t.Errorf("half a backup is %s, and there are %d manifests", got, whole())
	}

	// It is back, and slow.
	p.exec("update river.river_job set scheduled_at = now() where state = 'retryable'")
	eventually(p.bundle, "ready", backupState, id)
	await(t, func() (bool, string) { // what is left of the try that was broken off is swept away then
		objects, err := p.backups.Count(t.Context(), bucket.Backups(p.customer.ID))
		return err == nil && objects == 4, fmt.Sprint(objects, " objects are there, want three segments and a manifest; ", err)
	})
	must(t, os.Remove(p.at(nil, "large")))
	if state, _, problem := p.restore(map[string]any{"backup_id": id}); state != "done" || p.tree(nil)["large"] != string(content) {
		t.Errorf("the restore is %s %s", state, problem)
	}

	// It goes away in the middle, and stays away.
	_, _ = rand.NewChaCha8([32]byte{1}).Read(content)
	p.program(nil, "large", string(content))
	lost := dbtest.NewID(t)
	p.exec("insert into backups (customer_id, id) values ($1, $2)", p.customer.ID, lost)
	await(t, func() (bool, string) {
		objects, err := p.backups.Count(t.Context(), bucket.Backups(p.customer.ID))
		return err == nil && objects > 4, fmt.Sprint(objects, " objects, ", err)
	})
	server.Kill()
	await(t, func() (bool, string) {
		p.exec("update river.river_job set scheduled_at = now() where kind = 'backup' and state = 'retryable'")
		state := scan[string](p.bundle, backupState, lost)
		return state == "failed", "the backup is " + state
	})
	eventually(p.bundle, fmt.Sprint("cancelled ", backupFailures), "select state || ' ' || cardinality(errors) from river.river_job where kind = 'backup' and args ->> 'backup_id' = $1", lost.String())
	if got := scan[string](p.bundle, "select problem from backups where id = $1", lost); !strings.HasPrefix(got, "The backup could not be written, though it was tried several times.") {
		t.Errorf("it was given up with %q", got)
	}
	if !scan[bool](p.bundle, "select last_good_id = $2 and last_failed_at > last_good_at from backup_status where customer_id = $1", p.customer.ID, id) {
		t.Error("the status does not tell of it")
	}
	server.Restart()
	if whole() != 1 {
		t.Errorf("there are %d manifests, want that of the whole backup", whole())
	}
}
