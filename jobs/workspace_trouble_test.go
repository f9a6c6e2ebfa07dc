package jobs

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/backup"
	"fanfare/internal/bucket"
	"fanfare/internal/workspace"
	"fanfare/queries"
)

const workspaceProblem = "select coalesce(problem, '') like $2 || '%' from workspaces where id = $1"

// archived puts the customer's own workspace into its archive.
func (p *places) archived() (id uuid.UUID) {
	p.t.Helper()
	id = p.workspaceID(nil)
	p.exec("update workspaces set state = 'archiving' where id = $1", id)
	eventually(p.bundle, "archived", workspaceState, id)
	p.cleared(id)
	return id
}

// tryAgain has what is to be tried again be tried now.
func (p *places) tryAgain() {
	p.t.Helper()
	p.exec("update river.river_job set scheduled_at = now() where kind = 'workspace' and state = 'retryable'")
}

// spoil changes one bit of an object of the archive, until it is mended.
func (p *places) spoil(which func(key string) bool) (mend func()) {
	p.t.Helper()
	kept := map[string][]byte{}
	must(p.t, p.backups.Each(p.t.Context(), bucket.Archives(p.customer.ID), func(key string) error {
		content, err := os.ReadFile(filepath.Join(p.backupDir, filepath.FromSlash(key)))
		kept[key] = content
		return err
	}))
	key := p.flip(bucket.Archives(p.customer.ID), which)
	return func() {
		p.t.Helper()
		must(p.t, os.WriteFile(filepath.Join(p.backupDir, filepath.FromSlash(key)), kept[key], 0o600))
	}
}

// caring looks after a workspace as a job does.
func (p *places) caring(id uuid.UUID) *caring {
	p.t.Helper()
	db, log := p.TenantWorker(), slog.New(slog.NewTextHandler(p.t.Output(), nil))
	scope := tenant.Worker(p.customer.ID, tenant.Request{})
	row, err := queries.New(db.Read(scope)).WorkspaceForWorker(p.t.Context(), id)
	must(p.t, err)
	stores := &fileStores{db: db, workspaces: p.store, media: p.media, backups: p.backups, config: p.config.Backups, log: log}
	return &caring{workspaceWorker: &workspaceWorker{fileStores: stores, rules: p.config.Workspaces}, scope: scope, customerID: p.customer.ID, row: row, log: log}
}

// An archive that is damaged leaves the workspace archived, and says so; backups of everything else go on. Repaired, it comes back.
func TestWorkspaceWithDamagedArchive(t *testing.T) {
	p := setup(t).withFiles()
	space := p.Space(t, dbtest.Space{CustomerID: p.customer.ID, PairedBy: p.Member(t, p.customer.ID, "owner").ID})
	p.inUse()
	p.program(nil, "a.txt", "roses")
	p.program(&space.ID, "b.txt", "lilies")
	id := p.archived()
	isManifest := func(key string) bool { return strings.HasSuffix(key, "/manifest") }
	mend := p.spoil(isManifest)
	p.use(nil)
	eventually(p.bundle, true, workspaceProblem, id, "Its archive is damaged")
	if state := scan[string](p.bundle, workspaceState, id); state != "archived" {
		t.Errorf("it is %s", state)
	}
	p.backUp()
	mend()
	mend = p.spoil(func(key string) bool { return !isManifest(key) })
	p.exec("update workspaces set problem = null where id = $1", id)
	p.tryAgain()
	eventually(p.bundle, true, workspaceProblem, id, "Its archive is damaged")
	if state := scan[string](p.bundle, workspaceState, id); state != "returning" {
		t.Errorf("it is %s", state)
	}
	if there, err := p.store.HasScratch(p.customer.ID, id); err != nil || there {
		t.Errorf("a half is left: %v, %v", there, err)
	}
	if n := scan[int](p.bundle, "select files::int from backups where id = $1", p.backUp()); n != 1 {
		t.Errorf("%d files are in the backup", n)
	}
	mend()
	p.tryAgain()
	p.isBack(id)
	if after := p.tree(nil); after["a.txt"] != "roses" || len(after) != 1 {
		t.Errorf("back: %v", after)
	}
}

// A backup waits for files that are being put in their places, but not for ever, and says why it has not come about.
func TestBackupWaitsForRestore(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	p.program(nil, "a.txt", "roses")
	p.exec("update workspaces set state = 'restoring' where id = $1", p.workspaceID(nil))
	id := dbtest.NewID(t)
	p.exec("insert into backups (customer_id, id) values ($1, $2)", p.customer.ID, id)
	eventually(p.bundle, true, "select coalesce((select metadata ->> 'snoozes' >= '1' from river.river_job where kind = 'backup'), false)")
	if state := scan[string](p.bundle, backupState, id); state != "queued" {
		t.Errorf("the backup is %s", state)
	}
	// That it had to wait for other jobs does not count.
	p.exec("update river.river_job set metadata = jsonb_set(metadata, '{snoozes}', to_jsonb($1::int)), scheduled_at = now() where kind = 'backup'", busyWaits)
	eventually(p.bundle, true, "select (metadata ->> 'snoozes')::int > $1 and metadata ->> 'output' = '2' from river.river_job where kind = 'backup'", busyWaits)
	if state := scan[string](p.bundle, backupState, id); state != "queued" {
		t.Errorf("the backup is %s", state)
	}
	p.exec("update river.river_job set metadata = jsonb_set(metadata, '{output}', to_jsonb($1::int)), scheduled_at = now() where kind = 'backup'", busyWaits)
	eventually(p.bundle, "failed", backupState, id)
	if problem := scan[string](p.bundle, "select problem from backups where id = $1", id); !strings.Contains(problem, "being put in their places") {
		t.Errorf("the problem: %s", problem)
	}
}

// What would be lost is not archived: files with a second name, or with a name that is no path. Links and pipes go with the workspace.
func TestWorkspaceWithoutLoss(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	p.program(nil, "a.txt", "roses")
	outside := filepath.Join(t.TempDir(), "second")
	must(t, os.Link(p.at(nil, "a.txt"), outside))
	must(t, os.Symlink("a.txt", p.at(nil, "link")))
	id := p.workspaceID(nil)
	p.exec("update workspaces set state = 'archiving' where id = $1", id)
	eventually(p.bundle, true, workspaceProblem, id, "It was not archived, since 1 of its files")
	if state, there := scan[string](p.bundle, workspaceState, id), p.tree(nil); state != "active" || there["a.txt"] != "roses" || there["link"] != "?" {
		t.Errorf("it is %s with %v", state, there)
	}
	must(t, os.Remove(outside))
	p.archived()
	p.use(nil)
	p.isBack(id)
	if there := p.tree(nil); len(there) != 1 || there["a.txt"] != "roses" {
		t.Errorf("back: %v", there)
	}
}

// What is put into a workspace after its archive was written is seen, whatever else programs add or take away.
func TestArchiveIsCompared(t *testing.T) {
	p := setup(t).withFiles()
	id := p.workspaceID(nil)
	must(t, p.store.Create(p.customer.ID, uuid.NullUUID{}))
	p.exec("update workspaces set state = 'active' where id = $1", id)
	for name, test := range map[string]struct {
		change func()
		same   bool
	}{
		"nothing": {func() {}, true},
		"a link":  {func() { must(t, os.Symlink("x", p.at(nil, "link"))) }, true},
		"a file, and a link where none is counted": {func() {
			p.program(nil, "new.txt", "x")
			p.program(nil, ".fanfare/x", "")
			must(t, os.Symlink("x", p.at(nil, ".fanfare/link")))
		}, false},
		"a second name": {func() { must(t, os.Link(p.at(nil, "a.txt"), filepath.Join(t.TempDir(), "second"))) }, false},
		"a new file with a second name": {func() {
			p.program(nil, "new.txt", "x")
			must(t, os.Link(p.at(nil, "new.txt"), p.at(nil, "newer.txt")))
		}, false},
	} {
		p.program(nil, "a.txt", "roses")
		c := p.caring(id)
		directory, err := p.store.Open(p.customer.ID, uuid.NullUUID{})
		must(t, err)
		began, archive := time.Now(), uuid.New()
		result, err := c.archives().Write(t.Context(), backup.WriteOptions{ID: archive, Kind: "archive", Now: began, Full: true,
			Sources: []backup.NamedSource{{Name: sharedSource, Source: newWorkspaceTree(directory)}}})
		must(t, errors.Join(err, directory.Close()))
		test.change()
		same, err := c.aside(t.Context(), c.archives(), archive, result.ManifestSHA256, began)
		if err != nil || same != test.same {
			t.Errorf("after %s: the same %v, %v", name, same, err)
		}
		must(t, p.store.RemoveScratch(p.customer.ID, id))
		must(t, p.store.Create(p.customer.ID, uuid.NullUUID{}))
	}
}

// Whoever comes back has their files back, though the customer has no room for more; but not where the disk has none.
func TestWorkspaceReturnsWithoutRoom(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	p.program(nil, "a.txt", "roses")
	id := p.archived()
	if bytes := scan[string](p.bundle, "select bytes || ' ' || entries from workspaces where id = $1", id); bytes != "5 1" {
		t.Errorf("archived: %s", bytes)
	}
	p.exec("update workspaces set bytes = 1::bigint << 60 where id = $1", id)
	p.exec("insert into workspace_policies (customer_id, quota) values ($1, 3)", p.customer.ID)
	p.use(nil)
	eventually(p.bundle, true, workspaceProblem, id, "The disk has not enough room")
	if state := scan[string](p.bundle, workspaceState, id); state != "archived" {
		t.Errorf("it is %s", state)
	}
	if _, err := os.Lstat(p.at(nil, "")); !os.IsNotExist(err) {
		t.Errorf("a half is there: %v", err)
	}
	p.exec("update workspaces set bytes = 5 where id = $1", id)
	p.tryAgain()
	eventually(p.bundle, "active", workspaceState, id)
	if there := p.tree(nil); there["a.txt"] != "roses" {
		t.Errorf("back: %v", there)
	}
	eventually(p.bundle, true, "select problem is null from workspaces where id = $1", id)
	if err := p.grow(id, 1); constraintOf(err) != "workspaces_quota" {
		t.Errorf("more is written than there is room for: %v", err)
	}
	p.exec("update workspace_policies set quota = 6 where customer_id = $1", p.customer.ID)
	must(t, p.grow(id, 1))
}

// grow begins a change by which a workspace would grow, as an owner.
func (p *places) grow(id uuid.UUID, bytes int64) error {
	p.t.Helper()
	owner := p.Member(p.t, p.customer.ID, "owner")
	tx, err := p.Login.Begin(p.t.Context())
	must(p.t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(p.t.Context(), "select set_config('role', tenancy.enter_user($1, $2, '{}'), true)", owner.Subject, p.customer.ID)
	must(p.t, err)
	_, err = tx.Exec(p.t.Context(), "select tenancy.begin_file_change($1, $2, 'write', $3, false, 1000)", dbtest.NewID(p.t), id, bytes)
	return err
}

func constraintOf(err error) string {
	var database *pgconn.PgError
	if errors.As(err, &database) {
		return database.ConstraintName
	}
	return ""
}

// Files that are found where an archived workspace belongs are not taken for it, and not lost.
func TestReturnToOtherFiles(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	p.program(nil, "a.txt", "roses")
	id := p.archived()
	p.program(nil, "other.txt", "x")
	p.use(nil)
	eventually(p.bundle, true, workspaceProblem, id, "There is something else in its place")
	must(t, os.Remove(p.at(nil, "other.txt")))
	p.tryAgain()
	p.isBack(id)
	if there := p.tree(nil); len(there) != 1 || there["a.txt"] != "roses" {
		t.Errorf("back: %v", there)
	}
}

// A workspace that is changed all the time is counted while others wait, but not for long: then what was counted before has to do.
func TestCountingIsBounded(t *testing.T) {
	p := setup(t).withFiles()
	id := p.workspaceID(nil)
	must(t, p.store.Create(p.customer.ID, uuid.NullUUID{}))
	p.exec("update workspaces set state = 'active' where id = $1", id)
	p.program(nil, "a.txt", "roses")
	directory, err := p.store.Open(p.customer.ID, uuid.NullUUID{})
	must(t, err)
	defer directory.Close()
	for limit, want := range map[time.Duration]string{time.Minute: "5 1", 0: "7 3"} {
		must(t, p.caring(id).countLocked(t.Context(), directory, workspace.Usage{Bytes: 7, Files: 3}, limit))
		if got := scan[string](p.bundle, "select bytes || ' ' || entries from workspaces where id = $1", id); got != want {
			t.Errorf("within %v: %s, want %s", limit, got, want)
		}
	}
}

// A reserved directory that a program has replaced does not keep a workspace from being measured.
func TestReservedIsReplaced(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	id := p.workspaceID(nil)
	p.program(nil, "a.txt", "roses")
	p.program(nil, ".fanfare", "x")
	p.exec("update workspaces set measured_at = now() - interval '2 days', problem = 'Its directory is missing' where id = $1", id)
	eventually(p.bundle, "6 2 ", "select bytes || ' ' || entries || ' ' || coalesce(problem, '') from workspaces where id = $1", id)
}

// A directory that cannot be removed keeps nothing else from being erased, and the erasure from being finished.
func TestEraseGoesOn(t *testing.T) {
	b := setup(t)
	store, _ := files(t)
	backups, _ := files(t)
	dirs, _ := workspaces(t)
	must(t, dirs.Create(b.customer.ID, uuid.NullUUID{}))
	for _, files := range []*bucket.Bucket{store, backups} {
		b.put(files, bucket.OfCustomer(b.customer.ID)+"media/x")
	}
	b.exec("update workspaces set state = 'active' where customer_id = $1", b.customer.ID)
	id := b.askForErasure()
	must(t, dirs.Close()) // as a disk that is away
	b.start(b.workerThatHas(Deps{Bucket: store, Workspaces: dirs, Backups: backups}, WorkerConfig{}))
	eventually(b, true, "select exists (select from river.river_job where kind = 'erase' and state = 'retryable')")
	for _, files := range []*bucket.Bucket{store, backups} {
		if n, err := files.Count(t.Context(), bucket.OfCustomer(b.customer.ID)); err != nil || n != 0 {
			t.Errorf("%d files are left: %v", n, err)
		}
	}
	if state := scan[string](b, erasureState, id); state == "finished" {
		t.Error("the receipt is there")
	}
}
