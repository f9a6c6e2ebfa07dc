package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/backup"
	"fanfare/internal/bucket"
	"fanfare/internal/platform"
	"fanfare/internal/workspace"
)

// places are where a test's files are.
type places struct {
	*bundle
	dir, backupDir string
	store          *workspace.Store
	media, backups *bucket.Bucket
	config         WorkerConfig
	last           *Worker // that worker has made
}

// withFiles gives the bundle directories for workspaces, media and backups.
func (b *bundle) withFiles() *places {
	b.t.Helper()
	p := &places{bundle: b, dir: b.t.TempDir(), config: WorkerConfig{
		Workspaces: WorkspaceRules{Unused: 90 * day, Notice: 14 * day, Keep: 365 * day},
		Backups:    BackupConfig{At: 2 * time.Hour, Keep: backup.Policy{Daily: 30}, DrillEvery: 1000 * day},
	}}
	var err error
	if p.store, err = workspace.OpenStore(p.dir); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = p.store.Close() })
	p.media, _ = files(b.t)
	p.backups, p.backupDir = files(b.t)
	return p
}

func (p *places) worker() *Worker {
	p.t.Helper()
	w, err := NewWorker(Deps{
		Pool: p.Worker, Vault: p.vault, Log: slog.New(slog.NewTextHandler(p.t.Output(), nil)), Bucket: p.media, Workspaces: p.store, Backups: p.backups,
		Publishers: map[platform.Name]platform.Publisher{platform.Ghost: p.platform},
	}, p.config)
	if err != nil {
		p.t.Fatal(err)
	}
	p.last = w
	return w
}

// at is a path in the workspace of the customer, or of a space.
func (p *places) at(space *uuid.UUID, name string) string {
	if space == nil {
		return filepath.Join(p.dir, p.customer.ID.String(), "shared", name)
	}
	return filepath.Join(p.dir, p.customer.ID.String(), "spaces", space.String(), name)
}

// program writes a file as a program does that has the workspace mounted.
func (p *places) program(space *uuid.UUID, name, content string) {
	p.t.Helper()
	path := p.at(space, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o770); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o660); err != nil {
		p.t.Fatal(err)
	}
}

// tree is all of a workspace: paths with content, directories with a slash at their ends.
func (p *places) tree(space *uuid.UUID) map[string]string {
	p.t.Helper()
	found := map[string]string{}
	top := p.at(space, "")
	if err := filepath.WalkDir(top, func(path string, e os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(strings.TrimPrefix(path, strings.TrimSuffix(top, "/")), "/")
		switch {
		case name == "" || name == ".fanfare":
		case e.IsDir():
			found[name+"/"] = ""
		case e.Type().IsRegular():
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			found[name] = string(content)
		default:
			found[name] = "?"
		}
		return nil
	}); err != nil {
		p.t.Fatal(err)
	}
	return found
}

func (p *places) workspaceID(space *uuid.UUID) uuid.UUID {
	p.t.Helper()
	return scan[uuid.UUID](p.bundle, "select id from workspaces where customer_id = $1 and space_id is not distinct from $2", p.customer.ID, space)
}

const workspaceState = "select state from workspaces where id = $1"

// later moves all that has happened so far into the past, which is the same as the clock going on.
func (p *places) later(by time.Duration) {
	p.t.Helper()
	p.exec("set session_replication_role = replica")
	defer p.exec("set session_replication_role = default")
	p.exec(`update workspaces set last_used_at = last_used_at - $1::interval, announced_at = announced_at - $1::interval, measured_at = measured_at - $1::interval,
		archived_at = archived_at - $1::interval`, by)
	p.exec("update backups set created_at = created_at - $1::interval, started_at = started_at - $1::interval, finished_at = finished_at - $1::interval", by)
	p.exec("update backup_status set night = night - $1::interval, drilled_at = drilled_at - $1::interval, last_good_at = last_good_at - $1::interval", by)
	p.exec("update messages set said_at = said_at - $1::interval", by)
	if err := filepath.WalkDir(p.dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.Type()&os.ModeSymlink != 0 {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		at := info.ModTime().Add(-by)
		return os.Chtimes(path, at, at)
	}); err != nil {
		p.t.Fatal(err)
	}
}

// use does what the API does when somebody uses a workspace.
func (p *places) use(space *uuid.UUID) string {
	p.t.Helper()
	owner := p.Member(p.t, p.customer.ID, "owner")
	tx, err := p.Login.Begin(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.Background()) }()
	if _, err := tx.Exec(p.t.Context(), "select set_config('role', tenancy.enter_user($1, $2, '{}'), true)", owner.Subject, p.customer.ID); err != nil {
		p.t.Fatal(err)
	}
	var state string
	if err := tx.QueryRow(p.t.Context(), "select tenancy.use_workspace($1)", p.workspaceID(space)).Scan(&state); err != nil {
		p.t.Fatal(err)
	}
	if err := tx.Commit(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	return state
}

// isBack waits until all of a workspace's return is done.
func (p *places) isBack(id uuid.UUID) {
	p.t.Helper()
	eventually(p.bundle, true, "select state = 'active' and archive_id is null from workspaces where id = $1", id)
}

// cleared has an archived workspace stay so for an hour, after which its directory is removed.
func (p *places) cleared(id uuid.UUID) {
	p.t.Helper()
	p.exec("update workspaces set archived_at = archived_at - interval '1 hour' where id = $1 and state = 'archived'", id)
	p.swept(id)
	await(p.t, func() (bool, string) {
		_, err := os.Lstat(p.aside(id, ""))
		return os.IsNotExist(err), "the directory that was set aside is still there"
	})
}

// swept does what a worker does each hour, and waits until a workspace has no job.
func (p *places) swept(id uuid.UUID) {
	p.t.Helper()
	jobless := "select not exists (select from river.river_job where kind = 'workspace' and args ->> 'workspace_id' = $1::text and state not in ('completed', 'cancelled', 'discarded'))"
	eventually(p.bundle, true, jobless, id.String())
	must(p.t, p.last.clearScratch(p.t.Context()))
	eventually(p.bundle, true, jobless, id.String())
}

// aside is a path in a directory that was set aside.
func (p *places) aside(id uuid.UUID, name string) string {
	return filepath.Join(p.dir, p.customer.ID.String(), "scratch", id.String(), name)
}

// The 90 days, from end to end: announced, archived, back when somebody comes, archived again, deleted, and anew.
func TestUnusedWorkspace(t *testing.T) {
	p := setup(t).withFiles()
	owner := p.Member(t, p.customer.ID, "owner")
	space := p.Space(t, dbtest.Space{CustomerID: p.customer.ID, PairedBy: owner.ID})
	p.start(p.worker())
	shared, chat := p.workspaceID(nil), p.workspaceID(&space.ID)
	eventually(p.bundle, 2, "select count(*)::int from workspaces where state = 'active'")
	p.program(&space.ID, "notes/june.md", "roses")
	p.program(&space.ID, "empty/x", "")
	p.program(&space.ID, "tool.sh", "#!/bin/sh")
	if err := os.Chmod(p.at(&space.ID, "tool.sh"), 0o770); err != nil {
		t.Fatal(err)
	}
	before := p.tree(&space.ID)

	p.later(89 * day)
	eventually(p.bundle, "roses", "select 'roses' from workspaces where id = $1 and measured_at > now() - interval '1 hour' and bytes = 14 and entries = 5", chat)
	if n := scan[int](p.bundle, "select count(*)::int from workspaces where announced_at is not null"); n != 0 {
		t.Fatalf("after 89 days %d are announced", n)
	}
	p.later(2 * day)
	eventually(p.bundle, 2, "select count(*)::int from workspaces where announced_at is not null and state = 'active'")
	// Somebody uses one of them.
	if state := p.use(nil); state != "active" {
		t.Fatalf("the workspace in use is %s", state)
	}
	eventually(p.bundle, true, "select announced_at is null and last_used_at > now() - interval '1 hour' from workspaces where id = $1", shared)
	p.later(13 * day)
	if state := scan[string](p.bundle, workspaceState, chat); state != "active" {
		t.Fatalf("13 days after it was announced the workspace is %s", state)
	}
	p.later(2 * day)
	eventually(p.bundle, "archived", workspaceState, chat)
	await(t, func() (bool, string) {
		_, err := os.Lstat(p.at(&space.ID, ""))
		return os.IsNotExist(err), "the directory is still there"
	})
	if state := scan[string](p.bundle, workspaceState, shared); state != "active" {
		t.Errorf("the workspace that is used is %s", state)
	}

	// Somebody comes back.
	p.cleared(chat)
	if state := p.use(&space.ID); state != "archived" {
		t.Fatalf("the archived workspace is %s", state)
	}
	p.isBack(chat)
	if after := p.tree(&space.ID); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("came back: %v, was: %v", after, before)
	}
	if info, err := os.Stat(p.at(&space.ID, "tool.sh")); err != nil || info.Mode()&0o100 == 0 {
		t.Errorf("a program came back: %v %v", info, err)
	}
	eventually(p.bundle, true, "select archive_id is null from workspaces where id = $1", chat)
	if n, err := p.backups.Count(t.Context(), bucket.Archives(p.customer.ID)); err != nil || n != 0 {
		t.Errorf("%d objects of the archive are left: %v", n, err)
	}

	// Nobody does.
	p.later(91 * day)
	eventually(p.bundle, true, "select announced_at is not null from workspaces where id = $1", chat)
	p.later(15 * day)
	eventually(p.bundle, "archived", workspaceState, chat)
	p.later(364 * day)
	p.later(2 * day)
	eventually(p.bundle, "deleted", workspaceState, chat)
	eventually(p.bundle, true, "select archive_id is null from workspaces where id = $1", chat)
	await(t, func() (bool, string) {
		n, err := p.backups.Count(t.Context(), bucket.Archives(p.customer.ID))
		left := scan[int](p.bundle, "select count(*)::int from workspaces where archive_id is not null and id <> $1", chat)
		return err == nil && (n == 0 || left > 0), fmt.Sprintf("%d objects of archives are left: %v", n, err)
	})
	if state := p.use(&space.ID); state != "new" {
		t.Errorf("used again, the deleted workspace is %s", state)
	}
	eventually(p.bundle, "active", workspaceState, chat)
	if after := p.tree(&space.ID); len(after) != 0 {
		t.Errorf("begun anew: %v", after)
	}
}

// A legal hold keeps everything; what is said in a chat, and what programs write, is use.
func TestWorkspaceIsKept(t *testing.T) {
	p := setup(t).withFiles()
	owner := p.Member(t, p.customer.ID, "owner")
	talks := p.Space(t, dbtest.Space{CustomerID: p.customer.ID, PairedBy: owner.ID})
	writes := p.Space(t, dbtest.Space{CustomerID: p.customer.ID, PairedBy: owner.ID})
	held := p.second()
	p.exec("insert into workspace_policies (customer_id, legal_hold, hold_reason) values ($1, true, 'A lawsuit')", held.customer.ID)
	p.start(p.worker())
	eventually(p.bundle, 4, "select count(*)::int from workspaces where state = 'active'")
	p.later(100 * day)
	p.exec("insert into messages (customer_id, id, space_id, direction, text, said_at) values ($1, $2, $3, 'in', 'Hello', now() - interval '1 day')", p.customer.ID, dbtest.NewID(t), talks.ID)
	p.program(&writes.ID, "new.txt", "x")
	eventually(p.bundle, true, "select announced_at is not null from workspaces where id = $1", p.workspaceID(nil))
	for name, id := range map[string]uuid.UUID{"spoken in": p.workspaceID(&talks.ID), "written to": p.workspaceID(&writes.ID)} {
		eventually(p.bundle, true, "select last_used_at > now() - interval '2 days' and announced_at is null from workspaces where id = $1", id)
		if t.Failed() {
			t.Errorf("the workspace that is %s", name)
		}
	}
	p.later(1000 * day)
	eventually(p.bundle, "archived", workspaceState, p.workspaceID(nil))
	if n := scan[int](p.bundle, "select count(*)::int from workspaces where customer_id = $1 and state = 'active' and announced_at is null", held.customer.ID); n != 1 {
		t.Error("the workspace under a hold is announced")
	}
}

// A program that writes while the workspace is archived, and somebody who wants it meanwhile, keep it.
func TestArchivingIsBrokenOff(t *testing.T) {
	p := setup(t).withFiles()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	p.config.Backups.Recipients, p.config.Backups.Identities = []backup.Recipient{identity.Recipient()}, []age.Identity{identity}
	id := p.workspaceID(nil)
	if err := p.store.Create(p.customer.ID, uuid.NullUUID{}); err != nil {
		t.Fatal(err)
	}
	p.program(nil, "a.txt", "roses")
	// As a process has left it that was killed after the directory was set aside.
	p.exec("update workspaces set state = 'archiving', archive_id = $2 where id = $1", id, dbtest.NewID(t))
	if err := p.store.SetAside(p.customer.ID, uuid.NullUUID{}, id); err != nil {
		t.Fatal(err)
	}
	if state := p.use(nil); state != "archiving" {
		t.Fatalf("it is %s", state)
	}
	p.start(p.worker())
	eventually(p.bundle, "active", workspaceState, id)
	if after := p.tree(nil); after["a.txt"] != "roses" {
		t.Errorf("back: %v", after)
	}
	// Nobody wants it: the archive is written anew, and what was encrypted comes back.
	eventually(p.bundle, true, "select archive_id is null from workspaces where id = $1", id)
	p.exec("update workspaces set state = 'archiving' where id = $1", id)
	eventually(p.bundle, "archived", workspaceState, id)
	if strings.Contains(allOf(t, p.backupDir), "roses") {
		t.Error("the archive is not encrypted")
	}
	p.cleared(id)
	p.use(nil)
	eventually(p.bundle, "active", workspaceState, id)
	if after := p.tree(nil); after["a.txt"] != "roses" {
		t.Errorf("back: %v", after)
	}
}

// A return that was broken off before what was unpacked was in its place begins anew: an empty directory is not taken for all there was. And what archiving has left
// that was broken off after the row said so is removed, as is what drills have left that are gone.
func TestWorkspaceAfterCrash(t *testing.T) {
	p := setup(t).withFiles()
	id := p.workspaceID(nil)
	p.inUse()
	p.program(nil, "a.txt", "roses")
	archive := func() {
		p.exec("update workspaces set state = 'archiving' where id = $1", id)
		eventually(p.bundle, "archived", workspaceState, id)
		must(t, os.MkdirAll(p.aside(dbtest.NewID(t), "some"), 0o770)) // of a drill that is gone
		p.cleared(id)
		if left, err := os.ReadDir(p.aside(id, "..")); err != nil || len(left) != 0 {
			t.Errorf("left: %v %v", left, err)
		}
	}
	back := func(state string, want map[string]string) {
		t.Helper()
		p.exec("update workspaces set state = $2, wanted_at = now() where id = $1", id, state)
		p.isBack(id)
		if diff := cmp.Diff(want, p.tree(nil)); diff != "" {
			t.Errorf("back (-want +got):\n%s", diff)
		}
	}
	archive()
	must(t, os.MkdirAll(p.at(nil, ""), 0o770)) // in its place, by whom ever
	back("archived", map[string]string{"a.txt": "roses"})
	archive()
	must(t, os.MkdirAll(p.at(nil, ""), 0o770))
	must(t, os.MkdirAll(p.aside(id, "some"), 0o770)) // a half
	back("returning", map[string]string{"a.txt": "roses"})
	archive()
	must(t, os.MkdirAll(p.at(nil, ""), 0o770))
	back("returning", map[string]string{"a.txt": "roses"})
	for _, at := range []string{p.aside(id, ""), p.at(nil, "")} { // whole, but not in its place, and there, but the row does not say so
		archive()
		must(t, os.MkdirAll(at, 0o770))
		must(t, os.WriteFile(filepath.Join(at, "a.txt"), []byte("roses"), 0o660))
		must(t, os.WriteFile(filepath.Join(at, "later.txt"), []byte("lilies"), 0o660))
		must(t, os.MkdirAll(filepath.Join(at, ".fanfare"), 0o770))
		must(t, os.WriteFile(filepath.Join(at, ".fanfare", scan[string](p.bundle, "select archive_id::text from workspaces where id = $1", id)), nil, 0o660))
		back("returning", map[string]string{"a.txt": "roses", "later.txt": "lilies"})
		must(t, os.Remove(p.at(nil, "later.txt")))
	}
}

// Half of what a return has unpacked is not taken for all there is by a row that knows nothing of the return, as one does that was restored to an earlier moment.
func TestHalfOfArchived(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	p.program(nil, "a.txt", "roses")
	p.program(nil, "b.txt", "lilies")
	id := p.archived()
	half := func() {
		must(t, os.MkdirAll(p.aside(id, ""), 0o770))
		must(t, os.WriteFile(p.aside(id, "a.txt"), []byte("roses"), 0o660))
	}
	half()
	p.cleared(id)
	if state := scan[string](p.bundle, workspaceState, id); state != "archived" {
		t.Errorf("with half of it on the disk, the workspace is %s", state)
	}
	half()
	p.use(nil)
	p.isBack(id)
	if diff := cmp.Diff(map[string]string{"a.txt": "roses", "b.txt": "lilies"}, p.tree(nil)); diff != "" {
		t.Errorf("back (-want +got):\n%s", diff)
	}
}

// What a program writes that still has an archived workspace open brings it back; where nobody does, it comes back from where it was set aside, as long as that is there.
func TestArchivedIsWritten(t *testing.T) {
	p := setup(t).withFiles()
	id := p.workspaceID(nil)
	p.inUse()
	p.program(nil, "a.txt", "roses")
	archive := func() {
		p.exec("update workspaces set state = 'archiving' where id = $1", id)
		eventually(p.bundle, "archived", workspaceState, id)
	}
	archive()
	p.swept(id)
	if _, err := os.Lstat(p.aside(id, "a.txt")); err != nil {
		t.Errorf("just after it was archived: %v", err)
	}
	must(t, os.WriteFile(p.aside(id, "late.txt"), []byte("lilies"), 0o660))
	p.exec("update workspaces set archived_at = archived_at - interval '1 hour' where id = $1", id)
	p.swept(id)
	p.isBack(id)
	want := map[string]string{"a.txt": "roses", "late.txt": "lilies"}
	if diff := cmp.Diff(want, p.tree(nil)); diff != "" {
		t.Errorf("it was written to (-want +got):\n%s", diff)
	}
	archive()
	must(t, os.WriteFile(p.aside(id, "a.txt"), []byte("tulips"), 0o660))
	p.use(nil)
	p.isBack(id)
	want["a.txt"] = "tulips"
	if diff := cmp.Diff(want, p.tree(nil)); diff != "" {
		t.Errorf("from where it was set aside (-want +got):\n%s", diff)
	}
	eventually(p.bundle, int64(12), "select bytes from workspaces where id = $1 and archive_id is null", id)
}

// allOf is the content of all files below a directory.
func allOf(t testing.TB, dir string) string {
	t.Helper()
	var all strings.Builder
	if err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		all.Write(content)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// A directory that is missing is a disk that is not mounted: nothing is made in its place, and no backup is made of nothing.
func TestMissingDirectory(t *testing.T) {
	p := setup(t).withFiles()
	id := p.workspaceID(nil)
	p.exec("update workspaces set state = 'active', bytes = 5, entries = 1, measured_at = now() - interval '2 days' where id = $1", id)
	p.start(p.worker())
	eventually(p.bundle, true, "select coalesce(problem, '') like 'Its directory is missing%' from workspaces where id = $1", id)
	eventually(p.bundle, true, "select measured_at > now() - interval '1 hour' from workspaces where id = $1", id) // others go first
	if bytes := scan[int](p.bundle, "select bytes::int from workspaces where id = $1", id); bytes != 5 {
		t.Errorf("a missing directory is counted as %d bytes", bytes)
	}
	if _, err := os.Lstat(p.at(nil, "")); !os.IsNotExist(err) {
		t.Errorf("the directory was made: %v", err)
	}
	if n := scan[int](p.bundle, "select count(*)::int from backups where state = 'ready'"); n != 0 {
		t.Error("a backup was made of nothing")
	}
}

// Changes that were broken off hold no room for long, and what they have left is removed.
func TestMeasureAfterCrash(t *testing.T) {
	p := setup(t).withFiles()
	id, change := p.workspaceID(nil), dbtest.NewID(t)
	if err := p.store.Create(p.customer.ID, uuid.NullUUID{}); err != nil {
		t.Fatal(err)
	}
	p.program(nil, "a.txt", "roses")
	directory, err := p.store.Open(p.customer.ID, uuid.NullUUID{})
	if err != nil {
		t.Fatal(err)
	}
	defer directory.Close()
	for _, staged := range []uuid.UUID{change, dbtest.NewID(t)} {
		s, err := directory.Stage(staged)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write([]byte("half")); err != nil {
			t.Fatal(err)
		}
		if err := s.Finish(); err != nil {
			t.Fatal(err)
		}
	}
	p.exec("update workspaces set state = 'active', bytes = 1000, entries = 77 where id = $1", id)
	p.exec("insert into file_changes (customer_id, id, workspace_id, kind, bytes, touched_at) values ($1, $2, $3, 'write', 500, now() - interval '3 minutes')", p.customer.ID, change, id)
	p.start(p.worker())
	eventually(p.bundle, "5 1", "select bytes || ' ' || entries from workspaces where id = $1", id)
	if n := scan[int](p.bundle, "select count(*)::int from file_changes"); n != 0 {
		t.Errorf("%d changes hold room", n)
	}
	if left, err := directory.Staged(); err != nil || len(left) != 0 {
		t.Errorf("staged: %v %v", left, err)
	}
}
