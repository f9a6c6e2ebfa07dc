package jobs

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/bucket"
	"fanfare/internal/platform"
)

const erasureState = "select state from erasures where id = $1"

// askForErasure archives the bundle's customer and asks for its erasure, as its owner would.
func (b *bundle) askForErasure() uuid.UUID {
	b.t.Helper()
	owner := b.Member(b.t, b.customer.ID, "owner")
	id := dbtest.NewID(b.t)
	b.exec("update customers set archived_at = now() where id = $1", b.customer.ID)
	tx, err := b.Login.Begin(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, step := range []struct {
		sql  string
		args []any
	}{
		{"select set_config('role', tenancy.enter_user($1, $2, '{}'), true)", []any{owner.Subject, b.customer.ID}},
		{"select tenancy.request_erasure($1, $2)", []any{id, b.customer.Name}},
	} {
		if _, err := tx.Exec(b.t.Context(), step.sql, step.args...); err != nil {
			b.t.Fatalf("%s: %v", step.sql, err)
		}
	}
	if err := tx.Commit(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return id
}

func (b *bundle) put(files *bucket.Bucket, key string) {
	b.t.Helper()
	if err := files.Write(b.t.Context(), key, "text/plain", func(w io.Writer) error {
		_, err := io.WriteString(w, "x")
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
}

// Rows and files of the customer go, those of others stay, and the receipt counts them.
func TestErase(t *testing.T) {
	b := setup(t)
	store, dir := files(t)
	other := b.Customer(t, dbtest.Customer{})
	b.Post(t, dbtest.Post{CustomerID: other.ID})
	b.Post(t, dbtest.Post{CustomerID: b.customer.ID, Integrations: []dbtest.Integration{b.integration}})
	b.exec("insert into media (customer_id, id, path, content_type, bytes) values ($1, $1, 'x', 'image/png', 3)", b.customer.ID)
	for _, key := range []string{bucket.Media(b.customer.ID) + "x", bucket.Media(b.customer.ID) + "y/z.tmp", bucket.Media(other.ID) + "x"} {
		b.put(store, key)
	}
	id := b.askForErasure()
	b.start(b.workerWith(store, WorkerConfig{}))
	eventually(b, "finished", erasureState, id)
	if got := scan[string](b, "select concat_ws(' ', files, counts ->> 'public.posts', counts ->> 'public.media', counts ->> 'public.customers') from erasures"); got != "2 1 1 1" {
		t.Errorf("the receipt counts %s", got)
	}
	if n := scan[int](b, "select count(*)::int from posts"); n != 1 {
		t.Errorf("%d posts are left", n)
	}
	var left []string
	if err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		left = append(left, path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if joined := strings.Join(left, "\n"); strings.Contains(joined, b.customer.ID.String()) || !strings.Contains(joined, bucket.Media(other.ID)+"x") {
		t.Errorf("in the bucket:\n%s", joined)
	}
	eventually(b, "completed", "select state::text from river.river_job where kind = 'erase'")
}

// Files of workspaces and backups go too, wherever they are, and are counted; a worker that has not all of these places leaves it to one that has.
func TestEraseWorkspacesAndBackups(t *testing.T) {
	b := setup(t)
	store, _ := files(t)
	backups, _ := files(t)
	dirs, at := workspaces(t)
	other := b.Customer(t, dbtest.Customer{})
	space := b.Space(t, dbtest.Space{CustomerID: b.customer.ID, PairedBy: b.Member(t, b.customer.ID, "owner").ID})
	for _, place := range []string{b.customer.ID.String() + "/shared", b.customer.ID.String() + "/spaces/" + space.ID.String(), other.ID.String() + "/shared"} {
		if err := os.MkdirAll(filepath.Join(at, place, "sub"), 0o750); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"sub/file", "other"} {
			if err := os.WriteFile(filepath.Join(at, place, name), []byte("x"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, customer := range []uuid.UUID{b.customer.ID, other.ID} {
		for _, key := range []string{"backups/a/0", "backups/a/manifest", "archives/b/manifest"} {
			b.put(backups, bucket.OfCustomer(customer)+key)
		}
		b.put(store, bucket.Media(customer)+"x")
	}
	b.exec("update workspaces set state = 'active' where customer_id = $1", b.customer.ID)
	b.exec("insert into backups (customer_id, id, state, problem) values ($1, $1, 'failed', 'x')", b.customer.ID)
	id := b.askForErasure()
	for _, deps := range []Deps{{Bucket: store, Backups: backups}, {Bucket: store, Workspaces: dirs}} {
		before := scan[int](b, "select coalesce((select (metadata ->> 'snoozes')::int from river.river_job where kind = 'erase'), 0)")
		poor := b.workerThatHas(deps, WorkerConfig{})
		if err := poor.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(b, true, "select coalesce((select (metadata ->> 'snoozes')::int from river.river_job where kind = 'erase'), 0) > $1", before)
		if err := poor.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if state := scan[string](b, erasureState, id); state != "requested" {
			t.Errorf("a worker that has not everything has begun: %s", state)
		}
		b.exec("update river.river_job set scheduled_at = now()")
	}
	b.start(b.workerThatHas(Deps{Bucket: store, Workspaces: dirs, Backups: backups}, WorkerConfig{}))
	eventually(b, "finished", erasureState, id)
	if n := scan[int](b, "select files::int from erasures"); n != 4+3+1 {
		t.Errorf("the receipt counts %d files", n)
	}
	for _, files := range []*bucket.Bucket{store, backups} {
		if n, err := files.Count(t.Context(), bucket.OfCustomer(b.customer.ID)); err != nil || n != 0 {
			t.Errorf("%d files are left: %v", n, err)
		}
		if n, err := files.Count(t.Context(), bucket.OfCustomer(other.ID)); err != nil || n == 0 {
			t.Errorf("%d files of another customer are left: %v", n, err)
		}
	}
	entries, err := os.ReadDir(at)
	if err != nil || len(entries) != 1 || entries[0].Name() != other.ID.String() {
		t.Errorf("the directories: %v, %v", entries, err)
	}
	if n := scan[int](b, "select count(*)::int from workspaces where customer_id = $1", b.customer.ID); n != 0 {
		t.Errorf("%d rows of workspaces are left", n)
	}
}

// A post that is being published at that moment ends first, whatever becomes of it; only then are its rows erased.
func TestEraseWaitsForRunningJobs(t *testing.T) {
	b := setup(t)
	entered, goOn := make(chan struct{}), make(chan struct{})
	b.platform.publish = func(context.Context, platform.Post, platform.Attempt) error {
		close(entered) // a second call would panic
		<-goOn
		return nil
	}
	b.start(b.worker(WorkerConfig{}))
	b.scheduled(time.Now())
	<-entered
	id := b.askForErasure()
	eventually(b, "running", erasureState, id)
	eventually(b, true, "select scheduled_at > now() or state = 'running' from river.river_job where kind = 'erase' and metadata ->> 'snoozes' >= '1'")
	if n := scan[int](b, "select count(*)::int from posts"); n != 1 {
		t.Error("the post went while it was being published")
	}
	close(goOn)
	eventually(b, "finished", erasureState, id)
	if n := scan[int](b, "select count(*)::int from river.river_job where customer_id is not null"); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
}

// A worker without the bucket does not erase what has files in it; one with it does. Without files none is needed.
func TestEraseWithoutBucket(t *testing.T) {
	b := setup(t)
	store, _ := files(t)
	b.exec(`insert into exports (customer_id, id, state, size_bytes, sha256, expires_at)
		values ($1, $1, 'ready', 1, repeat('a', 64), now() + interval '1 day')`, b.customer.ID)
	key := bucket.Export(b.customer.ID, b.customer.ID)
	b.put(store, key)
	id := b.askForErasure()
	poor := b.worker(WorkerConfig{})
	if err := poor.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(b, true, "select coalesce(metadata ->> 'snoozes', '0') >= '1' from river.river_job where kind = 'erase'")
	if state := scan[string](b, erasureState, id); state != "requested" {
		t.Errorf("a worker without the bucket has begun: %s", state)
	}
	if err := poor.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.exec("update river.river_job set scheduled_at = now()")
	b.start(b.workerWith(store, WorkerConfig{}))
	eventually(b, "finished", erasureState, id)
	if n, err := store.Count(t.Context(), "customers/"); err != nil || n != 0 {
		t.Errorf("%d files are left: %v", n, err)
	}
}
