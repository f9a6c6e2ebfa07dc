package jobs

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/backup"
	"fanfare/internal/workspace"
)

// beforeHold starts a restore, calls change right before the workspaces are held, when everything is staged, and waits for the end.
func (p *places) beforeHold(id uuid.UUID, change func()) (state, problem string) {
	p.t.Helper()
	p.exec(`create function wait_for_test() returns trigger language plpgsql as $$ begin perform pg_advisory_xact_lock(4711); return new; end $$`)
	p.exec("create trigger wait_for_test before update on restores for each row when (new.state = 'applying' and old.state = 'running') execute function wait_for_test()")
	defer p.exec("drop function wait_for_test() cascade")
	tx, err := p.Super.Begin(p.t.Context())
	must(p.t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(p.t.Context(), "select pg_advisory_xact_lock(4711)")
	must(p.t, err)
	p.exec("update restores set state = 'queued' where id = $1", id)
	eventually(p.bundle, 1, "select count(*)::int from pg_locks where locktype = 'advisory' and objid = 4711 and not granted")
	change()
	must(p.t, tx.Rollback(p.t.Context()))
	return p.ended(id, "done")
}

// staged is what is staged in the customer's own workspace.
func (p *places) staged() []string {
	p.t.Helper()
	entries, err := os.ReadDir(p.at(nil, ".fanfare"))
	if err != nil && !os.IsNotExist(err) {
		p.t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// No more is removed or replaced than the plan has told, as it was then, whenever it has changed; less is.
func TestRestoreDoesWhatWasTold(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	shared := p.workspaceID(nil)
	fill := func() {
		must(t, os.RemoveAll(p.at(nil, "")))
		for name, content := range map[string]string{"a.txt": "a", "b.txt": "b", "same.txt": "same", "dir/c.txt": "c"} {
			p.program(nil, name, content)
		}
	}
	fill()
	first := p.backUp()
	for name, change := range map[string]struct {
		do   func()
		done bool // else it is refused
	}{
		"nothing":                              {func() {}, true},
		"a file that is replaced was written":  {func() { p.program(nil, "a.txt", "written since") }, false},
		"a file that was unchanged is written": {func() { p.program(nil, "same.txt", "written since") }, false},
		"a new file":                           {func() { p.program(nil, "since.txt", "since") }, false},
		"a new file in a directory that goes":  {func() { p.program(nil, "new/since.txt", "since") }, false},
		"what was to go has gone": {func() {
			must(t, os.RemoveAll(p.at(nil, "new")))
			must(t, os.Remove(p.at(nil, "a.txt")))
			must(t, os.Remove(p.at(nil, "same.txt")))
		}, true},
	} {
		for when, start := range map[string]func(id uuid.UUID, change func()) (string, string){
			"before the start": func(id uuid.UUID, change func()) (string, string) {
				change()
				return p.begin(id)
			},
			"before the hold": p.beforeHold,
		} {
			fill()
			want := p.tree(nil)
			p.program(nil, "a.txt", "another")
			p.program(nil, "new/file.txt", "new")
			must(t, os.Remove(p.at(nil, "b.txt")))
			id, state, plan, problem := p.plan(map[string]any{"backup_id": first, "workspace_id": shared, "exact": true})
			if state != "planned" || plan.Counts != (backup.Counts{Create: 1, Replace: 1, Unchanged: 2, Remove: 2, Bytes: 2}) {
				t.Fatalf("%s: %s %+v %s", name, state, plan, problem)
			}
			state, problem = start(id, func() {
				change.do()
				if !change.done {
					want = p.tree(nil)
					maps.DeleteFunc(want, func(name, _ string) bool { return strings.HasPrefix(name, ".fanfare/") })
				}
			})
			if refused := state == "failed" && strings.Contains(problem, "changed since the plan was made") && strings.Contains(problem, "Nothing was changed."); refused != (!change.done) || !refused && state != "done" {
				t.Errorf("%s, %s: %s %s", name, when, state, problem)
			}
			if diff := cmp.Diff(want, p.tree(nil)); diff != "" {
				t.Errorf("%s, %s: %s", name, when, diff)
			}
			if got := scan[string](p.bundle, workspaceState, shared); got != "active" {
				t.Errorf("%s, %s: the workspace is %s", name, when, got)
			}
			if left := p.staged(); len(left) > 0 {
				t.Errorf("%s, %s: staged is %v", name, when, left)
			}
			if scan[bool](p.bundle, "select losses is not null from restores where id = $1", id) {
				t.Errorf("%s, %s: what it would have removed is still kept", name, when)
			}
		}
	}
}

// What programs put into a workspace does not keep a restore from it: names that are no paths stay, and are counted; links and the like make room for files.
func TestRestoreOverWhatProgramsMake(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	shared := p.workspaceID(nil)
	names := []string{"link", "second name", "pipe", "dir/link"}
	for _, name := range names {
		p.program(nil, name, "a file")
	}
	want := p.tree(nil)
	first := p.backUp()
	outside := filepath.Join(t.TempDir(), "outside")
	must(t, os.WriteFile(outside, []byte("outside"), 0o600))
	for _, name := range names {
		must(t, os.Remove(p.at(nil, name)))
	}
	must(t, os.Remove(p.at(nil, "dir")))
	must(t, os.Symlink(outside, p.at(nil, "link")))
	must(t, os.Link(outside, p.at(nil, "second name")))
	must(t, mkfifo(p.at(nil, "pipe")))
	must(t, os.Symlink(filepath.Dir(outside), p.at(nil, "dir")))
	p.program(nil, "bad\xff", "no path")
	p.program(nil, "bad\xffdir/file", "no path")
	p.program(nil, "new/bad\xff", "no path")
	state, plan, problem := p.restore(map[string]any{"backup_id": first, "workspace_id": shared, "exact": true})
	counts := backup.Counts{Create: 5, Remove: 4, Kept: 4, Bytes: int64(len(names) * len("a file"))}
	if state != "done" || plan.Counts != counts {
		t.Errorf("%s %+v, want %+v; %s", state, plan.Counts, counts, problem)
	}
	want["bad\xff"], want["bad\xffdir/"], want["bad\xffdir/file"] = "no path", "", "no path"
	want["new/"], want["new/bad\xff"] = "", "no path"
	if diff := cmp.Diff(want, p.tree(nil)); diff != "" {
		t.Error(diff)
	}
	if content, err := os.ReadFile(outside); string(content) != "outside" || err != nil {
		t.Errorf("outside: %q, %v", content, err)
	}

	// Elsewhere, it must be a directory, or nothing.
	p.program(nil, "file", "in the way")
	must(t, os.Symlink(filepath.Dir(outside), p.at(nil, "away")))
	for to, why := range map[string]string{
		"file": "no directory", "file/below": "no directory", "away": "no directory", "away/below": "no directory",
		strings.Repeat("a/", 31) + "a": "Choose a shorter directory",
	} {
		if state, _, problem := p.restore(map[string]any{"backup_id": first, "workspace_id": shared, "to_workspace_id": shared, "to_path": to}); state != "failed" || !strings.Contains(problem, why) {
			t.Errorf("to %s: %s %s", to, state, problem)
		}
	}
	if state, _, problem := p.restore(map[string]any{"backup_id": first, "workspace_id": shared, "to_workspace_id": shared, "to_path": "new/place"}); state != "done" {
		t.Errorf("to a new place: %s %s", state, problem)
	}
	if got := p.tree(nil); got["new/place/dir/link"] != "a file" || got["file"] != "in the way" {
		t.Errorf("there is %v", got)
	}
}

// A restore that cannot be ended is given up, and whatever has become of the workspaces meanwhile, they are let go.
func TestRestoreIsGivenUp(t *testing.T) {
	p := setup(t).withFiles()
	owner := p.Member(t, p.customer.ID, "owner")
	space := p.Space(t, dbtest.Space{CustomerID: p.customer.ID, PairedBy: owner.ID})
	other := p.second().Space(t, dbtest.Space{CustomerID: p.customer.ID, PairedBy: owner.ID})
	p.inUse()
	shared := p.workspaceID(nil)
	p.program(nil, "a.txt", "a")
	p.program(&space.ID, "b.txt", "b")
	first := p.backUp()
	id, state, _, problem := p.plan(map[string]any{"backup_id": first})
	if state != "planned" {
		t.Fatalf("%s %s", state, problem)
	}
	// As after a worker has died: its files are staged, and the workspaces are held.
	directory, err := p.store.Open(p.customer.ID, uuid.NullUUID{})
	must(t, err)
	left, err := directory.Stage(restoringTree(directory, "", id).stagedAs(7))
	must(t, err)
	must(t, left.Finish())
	must(t, directory.Close())
	must(t, os.Rename(p.at(&space.ID, ""), p.dir+"/away"))
	p.exec("update workspaces set state = 'restoring' where customer_id = $1 and (space_id is null or space_id = $2)", p.customer.ID, space.ID)
	p.exec("update workspaces set state = 'deleted' where space_id = $1", other.ID)
	p.exec("set session_replication_role = replica; update restores set state = 'applying'; set session_replication_role = default")
	await(t, func() (bool, string) {
		p.exec("update river.river_job set scheduled_at = now() where state = 'retryable'")
		state = scan[string](p.bundle, restoreState, id)
		return state == "failed", "the restore is " + state
	})
	if problem := scan[string](p.bundle, "select problem from restores where id = $1", id); !strings.Contains(problem, "directory of a workspace is missing") || !strings.Contains(problem, "Some files are in their places already, and others are not") {
		t.Error(problem)
	}
	if got := scan[string](p.bundle, "select string_agg(state || ' ' || (entries >= 100000), ', ' order by space_id nulls first) from workspaces where customer_id = $1 and (space_id is null or space_id = $2)",
		p.customer.ID, space.ID); got != "active false, active true" {
		t.Errorf("the workspaces are %s", got)
	}
	if got := scan[string](p.bundle, "select state from workspaces where space_id = $1", other.ID); got != "deleted" {
		t.Errorf("the deleted one is %s", got)
	}
	if left := p.staged(); len(left) > 0 {
		t.Errorf("staged is %v", left)
	}
	must(t, os.Rename(p.dir+"/away", p.at(&space.ID, "")))

	// A directory that is lost while files are put in their places is full, and not held for ever.
	p.exec("update workspaces set entries = 1 where customer_id = $1", p.customer.ID)
	p.program(nil, "a.txt", "another")
	id, _, _, _ = p.plan(map[string]any{"backup_id": first, "workspace_id": shared})
	if state, problem := p.beforeHold(id, func() { must(t, os.Rename(p.at(nil, ""), p.dir+"/away")) }); state != "done" {
		t.Errorf("%s %s", state, problem)
	}
	if got := scan[string](p.bundle, "select state || ' ' || entries from workspaces where id = $1", shared); got != "active 100000" {
		t.Errorf("the workspace is %s", got)
	}
}

// What a restore was told of earlier tries is removed, and plans that nobody starts do not pile up.
func TestRestoreLeavesNothing(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	shared := p.workspaceID(nil)
	p.program(nil, "a.txt", "a")
	first := p.backUp()
	for range 25 {
		p.exec("insert into restores (customer_id, id, backup_id, state, plan) values ($1, $2, $3, 'planned', '{}')", p.customer.ID, dbtest.NewID(t), first)
	}
	must(t, os.Remove(p.at(nil, "a.txt")))
	id, state, _, problem := p.plan(map[string]any{"backup_id": first, "workspace_id": shared})
	if n := scan[int](p.bundle, "select count(*)::int from restores where state = 'planned'"); state != "planned" || n != keptPlans {
		t.Errorf("%s %s; there are %d plans", state, problem, n)
	}
	directory, err := p.store.Open(p.customer.ID, uuid.NullUUID{})
	must(t, err)
	defer directory.Close()
	for number := range int64(3) {
		left, err := directory.Stage(restoringTree(directory, "", id).stagedAs(number))
		must(t, err)
		must(t, left.Finish())
	}
	if state, problem := p.begin(id); state != "done" || p.tree(nil)["a.txt"] != "a" {
		t.Errorf("%s %s %v", state, problem, p.tree(nil))
	}
	if left := p.staged(); len(left) > 0 {
		t.Errorf("staged is %v", left)
	}
}

// A restore takes no more room than the customer has, and makes no more files than a workspace may have: when it is planned, when it is started, and at the last moment.
func TestRestoreQuota(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	shared := p.workspaceID(nil)
	p.program(nil, "a.txt", strings.Repeat("a", 1000))
	p.program(nil, "b.txt", strings.Repeat("b", 1000))
	first := p.backUp()
	must(t, os.Remove(p.at(nil, "a.txt")))
	p.program(nil, "b.txt", strings.Repeat("c", 1000))
	p.exec("update workspaces set bytes = 1000, entries = 1 where id = $1", shared)
	quota := func(n int) {
		p.exec("insert into workspace_policies (customer_id, quota) values ($1, $2) on conflict (customer_id) do update set quota = excluded.quota", p.customer.ID, n)
	}
	all := map[string]any{"backup_id": first, "workspace_id": shared}
	before := p.tree(nil)
	refused := func(what, state, problem, why string) {
		t.Helper()
		if state != "failed" || !strings.Contains(problem, why) || !strings.Contains(problem, "Nothing was changed.") {
			t.Errorf("%s: %s %s", what, state, problem)
		}
		if diff := cmp.Diff(before, p.tree(nil)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
		if got := scan[string](p.bundle, "select state || ' ' || bytes from workspaces where id = $1", shared); got != "active 1000" {
			t.Errorf("%s: the workspace is %s", what, got)
		}
	}
	const noRoom = "takes 1000 bytes more, and the customer's workspaces have room for 999: they have 1000 of 1999. Have the quota raised"
	quota(1999)
	_, state, _, problem := p.plan(all)
	refused("planned", state, problem, noRoom)
	quota(2000)
	id, _, _, _ := p.plan(all)
	quota(1999)
	state, problem = p.begin(id)
	refused("started", state, problem, noRoom)
	quota(2000)
	id, _, _, _ = p.plan(all)
	state, problem = p.beforeHold(id, func() { quota(1999) })
	refused("held", state, problem, noRoom)
	quota(2000)
	p.exec("update workspaces set entries = 100000 where id = $1", shared)
	_, state, _, problem = p.plan(all)
	refused("too many files", state, problem, "A workspace would have 100001 files and directories, and may have 100000")
	p.exec("update workspaces set entries = 99999 where id = $1", shared)
	if state, _, problem := p.restore(all); state != "done" {
		t.Errorf("what there is room for: %s %s", state, problem)
	}
	// What takes no more room is restored, however little there is.
	p.program(nil, "b.txt", strings.Repeat("c", 2000))
	quota(1)
	if state, _, problem := p.restore(all); state != "done" || p.tree(nil)["b.txt"] != strings.Repeat("b", 1000) {
		t.Errorf("what takes less room: %s %s", state, problem)
	}
}

// On a disk without room for it nothing is restored, no drill begins, and no backup is taken for damaged; nor is it where the disk is full all the same.
func TestRestoreFullDisk(t *testing.T) {
	for _, test := range []struct {
		name    string
		reserve int64
		mount   bool
		why     string
	}{
		{"no room", 1 << 60, false, "The disk has not enough room: it takes "},
		{"full", -1 << 60, true, "The disk is full."}, // that nothing need be left hides that it is
	} {
		t.Run(test.name, func(t *testing.T) {
			p := setup(t).withFiles()
			if test.mount {
				must(t, p.store.Close())
				if !mountSmall(t, p.dir) {
					return
				}
				var err error
				p.store, err = workspace.OpenStore(p.dir)
				must(t, err)
			}
			p.config.Backups.DiskReserve, p.config.Backups.DrillEvery = test.reserve, 7*day
			p.inUse()
			shared := p.workspaceID(nil)
			p.program(nil, "a.txt", strings.Repeat("roses ", 100_000))
			first := p.backUp()
			eventually(p.bundle, "failed", "select coalesce((select state from drills where backup_id = $1), '')", first)
			if problem := scan[string](p.bundle, "select problem from drills where backup_id = $1", first); !strings.HasPrefix(problem, test.why) {
				t.Errorf("the drill: %s", problem)
			}
			if scan[bool](p.bundle, "select damaged_at is not null from backups where id = $1", first) {
				t.Error("the backup is taken for damaged")
			}
			if left, err := os.ReadDir(filepath.Join(p.dir, p.customer.ID.String(), "scratch")); err != nil && !os.IsNotExist(err) || len(left) != 0 {
				t.Errorf("left of the drill: %v %v", left, err)
			}
			p.program(nil, "a.txt", "weeds")
			p.program(nil, "filler", strings.Repeat("x", 600_000))
			before := p.tree(nil)
			state, _, problem := p.restore(map[string]any{"backup_id": first, "workspace_id": shared})
			if state != "failed" || !strings.HasPrefix(problem, test.why) || !strings.Contains(problem, "Nothing was changed.") {
				t.Errorf("%s %s", state, problem)
			}
			if diff := cmp.Diff(before, p.tree(nil)); diff != "" {
				t.Error(diff)
			}
			if left := p.staged(); len(left) > 0 {
				t.Errorf("staged is %v", left)
			}
			if got := scan[string](p.bundle, workspaceState, shared); got != "active" {
				t.Errorf("the workspace is %s", got)
			}
			must(t, os.Remove(p.at(nil, "filler")))
		})
	}
}

// What is put elsewhere takes the place of nothing.
func TestRestoreElsewhereReplacesNothing(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	shared := p.workspaceID(nil)
	p.program(nil, "a/one.txt", "roses")
	id := p.backUp()
	elsewhere := map[string]any{"backup_id": id, "workspace_id": shared, "path": "a", "to_workspace_id": shared, "to_path": "back"}
	for name, content := range map[string]string{"back/a/one.txt": "lilies", "back/a": "tulips"} {
		must(t, os.RemoveAll(p.at(nil, "back")))
		p.program(nil, name, content)
		before := p.tree(nil)
		if state, _, problem := p.restore(elsewhere); state != "failed" || !strings.Contains(problem, "something else already") {
			t.Errorf("%s: %s %s", name, state, problem)
		}
		if diff := cmp.Diff(before, p.tree(nil)); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
	}
	must(t, os.RemoveAll(p.at(nil, "back")))
	for range 2 { // the second time everything is there
		if state, _, problem := p.restore(elsewhere); state != "done" || p.tree(nil)["back/a/one.txt"] != "roses" {
			t.Errorf("%s %s %v", state, problem, p.tree(nil))
		}
	}
}
