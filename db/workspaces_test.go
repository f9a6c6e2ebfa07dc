package db_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// beginChange holds room for a change of files, in a customer whose workspaces may have quota bytes together.
func beginChange(ctx context.Context, db *tenant.DB, scope tenant.Scope, id, workspace uuid.UUID, kind string, bytes int64, upTo bool, quota int64) (room int64, err error) {
	err = db.Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		return tx.QueryRow(ctx, "select tenancy.begin_file_change($1, $2, $3, $4, $5, $6)", id, workspace, kind, bytes, upTo, quota).Scan(&room)
	})
	return room, err
}

// finishChange applies a change and counts it.
func finishChange(ctx context.Context, db *tenant.DB, scope tenant.Scope, id uuid.UUID, bytes, entries int64) error {
	return db.Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		if _, err := tx.Exec(ctx, "select tenancy.apply_file_change($1)", id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "select tenancy.finish_file_change($1, 'a/file', null, $2, $3)", id, bytes, entries)
		return err
	})
}

// activeWorkspaces are a customer whose workspaces, its own and that of one space, are in use and empty.
func activeWorkspaces(t testing.TB, d *dbtest.DB) (customer uuid.UUID, owner dbtest.User, shared, ofSpace uuid.UUID) {
	t.Helper()
	customer = d.Customer(t, dbtest.Customer{}).ID
	owner = d.Member(t, customer, "owner")
	space := d.Space(t, dbtest.Space{CustomerID: customer, PairedBy: owner.ID})
	mustExec(t, d, "update workspaces set state = 'active' where customer_id = $1", customer)
	return customer, owner, d.Workspace(t, customer, nil), d.Workspace(t, customer, &space.ID)
}

// TestWhoUsesWorkspaces: who sees and changes the files of the customer's own workspace and of those of two spaces.
func TestWhoUsesWorkspaces(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	h := w.house
	mustExec(t, w.DB, "update workspaces set state = 'active' where customer_id = $1", h.id)
	mustExec(t, w.DB, "delete from file_changes")
	places := []struct {
		name string
		id   uuid.UUID
	}{{"shared", h.work}, {"ours", w.Workspace(t, h.id, &w.ours.ID)}, {"theirs", w.Workspace(t, h.id, &w.theirs.ID)}}
	owner := h.people["owner"].ID
	key := func(space *uuid.UUID, permissions ...string) dbtest.APIKey {
		return w.APIKey(t, dbtest.APIKey{CustomerID: h.id, CreatedBy: owner, SpaceID: space, Permissions: permissions})
	}
	demoted := w.Member(t, h.id, "viewer").ID
	w.Speaks(t, w.ours, "linked")
	w.Identify(t, w.ours, "linked", owner)
	keyOfOurs := key(&w.ours.ID)
	ofViewer := w.APIKey(t, dbtest.APIKey{CustomerID: h.id, CreatedBy: demoted})
	user := func(role string) tenant.Scope { return h.people[role].Scope() }
	system := func(role string) tenant.Scope { return w.User(t, dbtest.User{SystemRole: role}).Scope() }
	whole, reads := key(nil), key(nil, "files:read", "conversations:read")
	for name, test := range map[string]struct {
		scope         tenant.Scope
		reads, writes string // names of places
	}{
		"owner":                     {user("owner"), "shared ours theirs", "shared ours theirs"},
		"admin":                     {user("admin"), "shared ours theirs", "shared ours theirs"},
		"member":                    {user("member"), "shared", "shared"},
		"viewer":                    {user("viewer"), "shared", ""},
		"system admin":              {system("admin"), "shared ours theirs", "shared ours theirs"},
		"system manager":            {system("manager"), "shared ours theirs", "shared"},
		"system viewer":             {system("viewer"), "shared ours theirs", ""},
		"key with everything":       {whole.Scope(), "shared ours theirs", "shared ours theirs"},
		"key that reads":            {reads.Scope(), "shared ours theirs", ""},
		"key that reads the shared": {key(nil, "files:read").Scope(), "shared", ""},
		"key that writes":           {key(nil, "files:write").Scope(), "shared", "shared"},
		"key for something else":    {key(nil, "posts:read", "conversations:read").Scope(), "", ""},
		"key of a viewer":           {ofViewer.Scope(), "shared", ""},
		"key of the space":          {keyOfOurs.Scope(), "ours", "ours"},
		"key that reads the space":  {key(&w.ours.ID, "files:read").Scope(), "ours", ""},
		"token of a key":            {w.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, KeyID: &whole.ID}).Scope(), "shared ours theirs", "shared ours theirs"},
		"token of a key that reads": {w.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, KeyID: &reads.ID}).Scope(), "shared ours theirs", ""},
		"token of the space":        {w.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, CreatedBy: &owner, SpaceID: &w.ours.ID}).Scope(), "ours", "ours"},
		"token of the space's key":  {w.AgentToken(t, dbtest.AgentToken{CustomerID: h.id, KeyID: &keyOfOurs.ID, SpaceID: &w.theirs.ID}).Scope(), "ours", "ours"},
		"guest in the chat":         {w.ours.Scope("guest"), "", ""}, // chats are given no such permissions
		"owner in the chat":         {w.ours.Scope("linked"), "", ""},
	} {
		scope := test.scope.In(h.id)
		for _, archived := range []bool{false, true} {
			writes := test.writes
			if archived {
				mustExec(t, w.DB, "update customers set archived_at = now() where id = $1", h.id)
				writes = ""
			}
			var seen, used, changed []string
			err := w.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
				for _, place := range places {
					if one[bool](ctx, t, tx, "select exists (select from workspaces where id = $1)", place.id) {
						seen = append(seen, place.name)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, place := range places {
				_, err := runAs(ctx, w.Tenant(), scope, "select tenancy.use_workspace($1)", place.id)
				if err == nil {
					used = append(used, place.name)
				} else if got := refused(err); got != (refusal{"P0002", "workspaces_there"}) {
					t.Errorf("%s uses %s: %v", name, place.name, err)
				}
				change := newID(t)
				if _, err = beginChange(ctx, w.Tenant(), scope, change, place.id, "write", 10, false, 1<<20); err == nil {
					err = finishChange(ctx, w.Tenant(), scope, change, 10, 1)
				}
				if err == nil {
					changed = append(changed, place.name)
				} else if got := refused(err).Code; got != denied && got != "P0002" {
					t.Errorf("%s changes %s: %v", name, place.name, err)
				} else if (got == "P0002") == slices.Contains(strings.Fields(test.reads), place.name) {
					t.Errorf("%s changes %s: %v", name, place.name, err)
				}
			}
			for what, lists := range map[string][2][]string{
				"sees": {strings.Fields(test.reads), seen}, "uses": {strings.Fields(test.reads), used}, "changes": {strings.Fields(writes), changed},
			} {
				if !slices.Equal(lists[0], lists[1]) {
					t.Errorf("%s (archived: %t) %s %q, want %q", name, archived, what, lists[1], lists[0])
				}
			}
		}
		mustExec(t, w.DB, "update customers set archived_at = null where id = $1", h.id)
	}
	if n := one[int64](ctx, t, w.Super, "select count(*) from file_changes"); n != 0 {
		t.Errorf("%d changes are left", n)
	}
}

// TestWorkspacesOfOthers: with the ids of another customer's workspaces and changes nothing can be done, nor told from ids of nothing.
func TestWorkspacesOfOthers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	before := checksum(ctx, t, d, b.id)
	for _, who := range intruders(t, d, a) {
		if who.name == "worker" || who.name == "chat" {
			continue // they may call none of these, or for nothing: see TestWhoUsesWorkspaces
		}
		for sql, target := range map[string]uuid.UUID{
			"select tenancy.use_workspace($1)":                                                    b.work,
			"select tenancy.workspace_made($1)":                                                   b.work,
			"select tenancy.archive_workspace($1)":                                                b.work,
			"select tenancy.begin_file_change(gen_random_uuid(), $1, 'write', 1, false, 1000000)": b.work,
			"select tenancy.touch_file_change($1)":                                                b.change,
			"select tenancy.apply_file_change($1)":                                                b.change,
			"select tenancy.finish_file_change($1, 'x', null, 1, 1)":                              b.change,
			"select tenancy.drop_file_change($1)":                                                 b.change,
		} {
			_, toTheirs := runAs(ctx, who.db, who.scope, sql, target)
			_, toNothing := runAs(ctx, who.db, who.scope, sql, newID(t))
			if got, want := fmt.Sprint(toTheirs), fmt.Sprint(toNothing); got != want {
				t.Errorf("%s: %s: %s, and of nothing %s", who.name, sql, got, want)
			}
			if toTheirs == nil && !strings.Contains(sql, "drop") {
				t.Errorf("%s: %s reaches another customer", who.name, sql)
			}
		}
	}
	if checksum(ctx, t, d, b.id) != before {
		t.Error("the other customer's rows have changed")
	}
	// Nobody writes the rows themselves, not even their own.
	for _, sql := range []string{
		"update workspaces set bytes = 0", "update workspaces set state = 'active'", "delete from workspaces", "insert into workspaces (id) values (gen_random_uuid())",
		"select 1 from file_changes", "delete from file_changes", "update backups set state = 'ready'", "delete from backups", "update backup_status set last_good_at = now()",
		"insert into drills (id, backup_id) values (gen_random_uuid(), gen_random_uuid())", "update restores set plan = '{}'", "update restores set path = 'x'",
		"insert into workspace_policies (customer_id) values (gen_random_uuid())", "delete from workspace_policies",
		"select tenancy.workspace_for(gen_random_uuid(), false, false)", "select tenancy.workspaces_due('1 day', '1 day', '1 day', 10)", "select tenancy.count_workspaces()",
		"select tenancy.begin_night('2030-01-01', 10)", "select tenancy.backups_to_do('1 day', 10)",
	} {
		for _, who := range intruders(t, d, a) {
			if who.name == "worker" {
				continue
			}
			_, err := runAs(ctx, who.db, who.scope, sql)
			expectRefused(t, who.name+": "+sql, err, denied)
		}
	}
}

// TestWorkspaceQuotaIsExact: many changes at once in two workspaces of one customer never have more than it may have, and what is given back can be
// taken again.
func TestWorkspaceQuotaIsExact(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	customer, owner, shared, ofSpace := activeWorkspaces(t, d)
	scope := owner.Scope().In(customer)
	const quota, size = 100, 7
	rounds := map[bool]int{true: 6, false: 25}[testing.Short()]
	var mu sync.Mutex
	var wrote int64
	var wg sync.WaitGroup
	for worker := range 12 {
		wg.Go(func() {
			for round := range rounds {
				id, place := newID(t), shared
				if worker%2 == 0 {
					place = ofSpace
				}
				room, err := beginChange(ctx, d.Tenant(), scope, id, place, "write", size, worker%3 == 0, quota)
				switch got := refused(err); {
				case got == refusal{badCheck, "workspaces_quota"}:
					continue
				case err != nil:
					t.Error(err)
					return
				}
				if held := one[int64](ctx, t, d.Super, `select (select sum(bytes) from workspaces where customer_id = $1)::bigint
					+ (select coalesce(sum(bytes), 0) from file_changes where customer_id = $1)::bigint`, customer); held > quota {
					t.Errorf("%d bytes are held", held)
				}
				if round%3 == 0 { // it comes to nothing
					if _, err := runAs(ctx, d.Tenant(), scope, "select tenancy.drop_file_change($1)", id); err != nil {
						t.Error(err)
					}
					continue
				}
				if err := finishChange(ctx, d.Tenant(), scope, id, room, 1); err != nil {
					t.Error(err)
				}
				mu.Lock()
				wrote += room
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if counted := one[int64](ctx, t, d.Super, "select sum(bytes)::bigint from workspaces where customer_id = $1", customer); counted != wrote || wrote > quota || wrote < quota-size {
		t.Errorf("%d bytes are counted and %d were written, of %d", counted, wrote, quota)
	}
	// With what is left as an upper bound, half of it can be had, down to the last byte, and then nothing.
	for left := quota - wrote; left > 0; {
		room, err := beginChange(ctx, d.Tenant(), scope, newID(t), shared, "write", 1000, true, quota)
		if err != nil || room != max(left/2, 1) {
			t.Fatalf("room %d, %v, of %d", room, err, left)
		}
		left -= room
	}
	_, err := beginChange(ctx, d.Tenant(), scope, newID(t), ofSpace, "write", 1, true, quota)
	if got := refused(err); got != (refusal{badCheck, "workspaces_quota"}) {
		t.Errorf("no room is left: %v", err)
	}
	// What takes no room goes on, and what is in an archive takes none.
	for _, kind := range []string{"delete", "move", "make_directory", "write"} {
		if _, err := beginChange(ctx, d.Tenant(), scope, newID(t), shared, kind, 0, false, quota); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	mustExec(t, d, "update workspaces set state = 'archived', archived_at = now(), archive_id = gen_random_uuid(), archive_sha256 = repeat('a', 64), bytes = 50 where id = $1", ofSpace)
	mustExec(t, d, "update workspaces set bytes = 0 where id = $1", shared)
	mustExec(t, d, "delete from file_changes")
	if room, err := beginChange(ctx, d.Tenant(), scope, newID(t), shared, "write", 1000, true, quota); err != nil || room != quota/2 {
		t.Errorf("room beside an archive: %d, %v", room, err)
	}
	// The customer's own quota goes before the installation's.
	mustExec(t, d, "delete from file_changes")
	mustExec(t, d, "insert into workspace_policies (customer_id, quota) values ($1, 3)", customer)
	if room, err := beginChange(ctx, d.Tenant(), scope, newID(t), shared, "write", 1000, true, quota); err != nil || room != 1 {
		t.Errorf("room of a quota of its own: %d, %v", room, err)
	}
}

// TestFileChanges: at most 20 writes at once, 10 of them in one workspace, and 30 changes in all, 100,000 entries, none in a workspace that is not in use, and none that was given up is applied.
func TestFileChanges(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	customer, owner, shared, ofSpace := activeWorkspaces(t, d)
	other, otherOwner, otherShared, _ := activeWorkspaces(t, d)
	scope := owner.Scope().In(customer)
	begin := func(workspace uuid.UUID, kind string) (uuid.UUID, error) {
		id := newID(t)
		_, err := beginChange(ctx, d.Tenant(), scope, id, workspace, kind, 10, false, 1<<40)
		return id, err
	}
	want := func(what string, err error, constraint string) {
		t.Helper()
		if got := refused(err); got != (refusal{badCheck, constraint}) {
			t.Errorf("%s: %v, want %s", what, err, constraint)
		}
	}
	errs := make([]error, 30)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() { _, errs[i] = begin([]uuid.UUID{shared, ofSpace}[i%2], "write") })
	}
	wg.Wait()
	begun := 0
	for _, err := range errs {
		if err == nil {
			begun++
		} else {
			want("one of many at once", err, "file_changes_at_once")
		}
	}
	if begun != 20 {
		t.Errorf("%d were begun at once", begun)
	}
	if n := one[int](ctx, t, d.Super, "select count(*)::int from file_changes where workspace_id = $1", shared); n != 10 {
		t.Errorf("%d of them in one workspace", n)
	}
	// What is deleted or moved waits for no writes, nor do writes for it.
	for i := range 10 {
		if _, err := begin(shared, []string{"delete", "move"}[i%2]); err != nil {
			t.Errorf("beside writes: %v", err)
		}
	}
	for _, kind := range []string{"delete", "move"} {
		_, err := begin(ofSpace, kind)
		want(kind+" beside 30 others", err, "file_changes_at_once")
	}
	mustExec(t, d, "delete from file_changes where kind = 'write' and workspace_id = $1", ofSpace)
	_, err := begin(shared, "make_directory")
	want("an eleventh in one workspace", err, "file_changes_at_once")
	for range 10 {
		if _, err := begin(ofSpace, "make_directory"); err != nil {
			t.Errorf("in another workspace: %v", err)
		}
	}
	if _, err := beginChange(ctx, d.Tenant(), otherOwner.Scope().In(other), newID(t), otherShared, "write", 10, false, 1<<40); err != nil {
		t.Errorf("another customer's: %v", err)
	}
	mustExec(t, d, "delete from file_changes")

	mustExec(t, d, "update workspaces set entries = 100000 where id = $1", shared)
	for _, kind := range []string{"write", "make_directory"} {
		_, err := begin(shared, kind)
		want(kind+" in a full workspace", err, "workspaces_entries")
	}
	for _, kind := range []string{"delete", "move"} {
		if _, err := begin(shared, kind); err != nil {
			t.Errorf("%s in a full workspace: %v", kind, err)
		}
	}
	mustExec(t, d, "update workspaces set entries = 0 where id = $1", shared)
	if _, err := begin(shared, "format"); refused(err).Constraint != "file_changes_kind_known" {
		t.Errorf("an unknown kind: %v", err)
	}
	if _, err := beginChange(ctx, d.Tenant(), scope, newID(t), shared, "write", -10, false, 1<<40); refused(err).Constraint != "file_changes_bytes_known" {
		t.Errorf("less than nothing: %v", err)
	}

	// One that a worker has taken for broken off is not applied, nor said to go on, nor counted.
	id, err := begin(shared, "write")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := runAs(ctx, d.Tenant(), scope, "select tenancy.touch_file_change($1)", id); err != nil {
		t.Error(err)
	}
	if rows, err := runAs(ctx, d.TenantWorker(), tenant.Worker(customer, tenant.Request{}), "delete from file_changes where id = $1", id); rows != 1 || err != nil {
		t.Fatalf("the worker gives up %d changes, %v", rows, err)
	}
	for _, sql := range []string{"select tenancy.touch_file_change($1)", "select tenancy.apply_file_change($1)", "select tenancy.finish_file_change($1, 'x', null, 1, 1)"} {
		_, err := runAs(ctx, d.Tenant(), scope, sql, id)
		want(sql, err, "file_changes_given_up")
	}
	// More than was held is not counted; less is.
	if id, err = begin(shared, "write"); err != nil {
		t.Fatal(err)
	}
	want("more than was held", finishChange(ctx, d.Tenant(), scope, id, 11, 1), "workspaces_quota")
	if err := finishChange(ctx, d.Tenant(), scope, id, 4, 2); err != nil {
		t.Error(err)
	}
	if got := one[string](ctx, t, d.Super, "select format('%s %s', bytes, entries) from workspaces where id = $1", shared); got != "4 2" {
		t.Errorf("counted: %s", got)
	}
	if got := one[string](ctx, t, d.Super, "select changes ->> 'path' || ' ' || (changes ->> 'bytes') from audit_log where action = 'file.write' and resource_id = $1", shared.String()); got != "a/file 4" {
		t.Errorf("the log tells %q", got)
	}
	// Whoever may not any more when it is applied does not.
	member := d.Member(t, customer, "member")
	id = newID(t)
	if _, err := beginChange(ctx, d.Tenant(), member.Scope().In(customer), id, shared, "write", 10, false, 1<<40); err != nil {
		t.Fatal(err)
	}
	mustExec(t, d, "update memberships set role = 'viewer' where user_id = $1", member.ID)
	expectRefused(t, "who may not any more", finishChange(ctx, d.Tenant(), member.Scope().In(customer), id, 1, 1), denied)

	for _, state := range []string{"new", "archiving", "restoring", "deleted"} {
		mustExec(t, d, "update workspaces set state = $2 where id = $1", shared, state)
		_, err := begin(shared, "delete")
		want(state, err, "workspaces_active")
		_, err = runAs(ctx, d.Tenant(), owner.Scope().In(customer), "select tenancy.apply_file_change($1)", id)
		want(state+" meanwhile", err, "file_changes_given_up")
	}
}

// TestWorkspaceIsWanted: whoever uses an archived workspace brings it back, one that is announced is kept, and one that is deleted begins anew. Admins
// have one archived.
func TestWorkspaceIsWanted(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	customer, owner, shared, ofSpace := activeWorkspaces(t, d)
	scope := owner.Scope().In(customer)
	use := func() (state string) {
		t.Helper()
		if err := d.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			return tx.QueryRow(ctx, "select tenancy.use_workspace($1)", shared).Scan(&state)
		}); err != nil {
			t.Fatal(err)
		}
		return state
	}
	row := func() string {
		return one[string](ctx, t, d.Super, `select format('%s wanted %s announced %s used now %s archive %s', state, wanted_at is not null, announced_at is not null,
			last_used_at > now() - interval '1 minute', archive_id is not null) from workspaces where id = $1`, shared)
	}
	archive := "archived_at = now(), archive_id = gen_random_uuid(), archive_sha256 = repeat('a', 64)"
	for _, test := range []struct{ set, answer, after string }{
		{"last_used_at = now() - interval '2 hours'", "active", "active wanted f announced f used now t archive f"},
		{"last_used_at = now() - interval '30 minutes'", "active", "active wanted f announced f used now f archive f"},
		{"announced_at = now(), last_used_at = now() - interval '30 minutes'", "active", "active wanted f announced f used now t archive f"},
		{"state = 'archiving', last_used_at = now() - interval '1 year'", "archiving", "archiving wanted t announced f used now t archive f"},
		{"state = 'archived', wanted_at = null, last_used_at = now() - interval '1 year', " + archive, "archived", "archived wanted t announced f used now t archive t"},
		{"state = 'returning'", "returning", "returning wanted t announced f used now t archive t"},
		{"state = 'restoring', wanted_at = null, archive_id = null", "restoring", "restoring wanted f announced f used now t archive f"},
		{"state = 'deleted', bytes = 5, entries = 5", "new", "new wanted f announced f used now t archive f"},
		{"state = 'new'", "new", "new wanted f announced f used now t archive f"},
	} {
		mustExec(t, d, "update workspaces set "+test.set+" where id = $1", shared)
		if answer, after := use(), row(); answer != test.answer || after != test.after {
			t.Errorf("after %s: %s, and then it is %s; want %s and %s", test.set, answer, after, test.answer, test.after)
		}
	}
	if n := one[int64](ctx, t, d.Super, "select bytes + entries from workspaces where id = $1", shared); n != 0 {
		t.Errorf("one that begins anew counts %d", n)
	}
	if _, err := runAs(ctx, d.Tenant(), scope, "select tenancy.workspace_made($1)", shared); err != nil || row() != "active wanted f announced f used now t archive f" {
		t.Errorf("made: %s, %v", row(), err)
	}

	system := d.User(t, dbtest.User{SystemRole: "admin"})
	key := d.APIKey(t, dbtest.APIKey{CustomerID: customer, CreatedBy: owner.ID})
	for name, who := range map[string]tenant.Scope{"member": d.Member(t, customer, "member").Scope(), "key": key.Scope()} {
		_, err := runAs(ctx, d.Tenant(), who.In(customer), "select tenancy.archive_workspace($1)", shared)
		expectRefused(t, name, err, denied)
	}
	for name, who := range map[string]tenant.Scope{"owner": owner.Scope(), "admin": d.Member(t, customer, "admin").Scope(), "system admin": system.Scope()} {
		mustExec(t, d, "update workspaces set state = 'active' where id = $1", ofSpace)
		if _, err := runAs(ctx, d.Tenant(), who.In(customer), "select tenancy.archive_workspace($1)", ofSpace); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Five times a day, of which one that is under way is none.
	ask := func() error {
		_, err := runAs(ctx, d.Tenant(), scope, "select tenancy.archive_workspace($1)", ofSpace)
		return err
	}
	for range 2 {
		mustExec(t, d, "update workspaces set state = 'active' where id = $1", ofSpace)
		for range 2 {
			if err := ask(); err != nil {
				t.Error(err)
			}
		}
	}
	mustExec(t, d, "update workspaces set state = 'active' where id = $1", ofSpace)
	if got := refused(ask()); got != (refusal{badCheck, "workspaces_archive_asked"}) {
		t.Errorf("for the sixth time: %v", got)
	}
	mustExec(t, d, "update workspaces set archive_asked_on = archive_asked_on - 1 where id = $1", ofSpace)
	if err := ask(); err != nil {
		t.Errorf("the next day: %v", err)
	}
	mustExec(t, d, "update workspaces set state = 'new' where id = $1", ofSpace)
	_, err := runAs(ctx, d.Tenant(), scope, "select tenancy.archive_workspace($1)", ofSpace)
	if got := refused(err); got != (refusal{badCheck, "workspaces_active"}) {
		t.Errorf("a new one: %v", err)
	}
	mustExec(t, d, "insert into workspace_policies (customer_id, legal_hold, hold_reason) values ($1, true, 'a lawsuit')", customer)
	_, err = runAs(ctx, d.Tenant(), scope, "select tenancy.archive_workspace($1)", shared)
	if got := refused(err); got != (refusal{badCheck, "workspaces_legal_hold"}) {
		t.Errorf("under a hold: %v", err)
	}
}

// TestWorkspacePolicies: owners say how long workspaces are kept and set a legal hold, in an archived customer too; the quota is for system admins, and
// under a hold nobody erases the customer.
func TestWorkspacePolicies(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	customer := d.Customer(t, dbtest.Customer{Name: "Held"}).ID
	owner := d.Member(t, customer, "owner")
	system := d.User(t, dbtest.User{SystemRole: "admin"})
	run := func(who tenant.Scope, sql string) error {
		rows, err := runAs(ctx, d.Tenant(), who.In(customer), sql)
		if err == nil && rows != 1 {
			err = fmt.Errorf("%d rows", rows)
		}
		return err
	}
	for _, role := range []string{"admin", "member", "viewer"} {
		expectRefused(t, role, run(d.Member(t, customer, role).Scope(), "insert into workspace_policies (unused_days) values (10)"), denied)
	}
	for _, role := range []string{"manager", "viewer"} {
		expectRefused(t, "system "+role, run(d.User(t, dbtest.User{SystemRole: role}).Scope(), "insert into workspace_policies (unused_days) values (10)"), denied)
	}
	expectRefused(t, "an owner's quota", run(owner.Scope(), "insert into workspace_policies (quota) values (10)"), denied)
	expectRefused(t, "without a reason", run(tenant.User(system.Subject, tenant.Request{}), "insert into workspace_policies (quota) values (10)"), "FF004")
	if err := run(owner.Scope(), "insert into workspace_policies (unused_days, archive_days) values (10, 20)"); err != nil {
		t.Fatal(err)
	}
	expectRefused(t, "an owner's quota later", run(owner.Scope(), "update workspace_policies set quota = 10"), denied)
	if err := run(system.Scope(), "update workspace_policies set quota = 10"); err != nil {
		t.Error(err)
	}
	if err := run(owner.Scope(), "update workspace_policies set unused_days = 11"); err != nil {
		t.Errorf("beside a quota: %v", err)
	}
	for sql, constraint := range map[string]string{
		"update workspace_policies set legal_hold = true":                   "workspace_policies_hold_says_why",
		"update workspace_policies set hold_reason = 'x'":                   "workspace_policies_hold_says_why",
		"update workspace_policies set unused_days = 0":                     "workspace_policies_days",
		"update workspace_policies set archive_days = 3651":                 "workspace_policies_days",
		"update workspace_policies set legal_hold = true, hold_reason = ''": "workspace_policies_hold_reason_length",
	} {
		if got := refused(run(owner.Scope(), sql)); got != (refusal{badCheck, constraint}) {
			t.Errorf("%s: %v", sql, got)
		}
	}
	mustExec(t, d, "update customers set archived_at = now() where id = $1", customer)
	admin := d.Member(t, customer, "admin")
	if err := run(admin.Scope(), "update workspace_policies set legal_hold = true, hold_reason = 'x'"); err == nil {
		t.Error("an admin sets a hold")
	}
	if err := run(owner.Scope(), "update workspace_policies set legal_hold = true, hold_reason = 'a lawsuit'"); err != nil {
		t.Errorf("in an archived customer: %v", err)
	}
	erase := func(who tenant.Scope) error {
		_, err := runAs(ctx, d.Tenant(), who.In(customer), "select tenancy.request_erasure($1, 'Held')", newID(t))
		return err
	}
	for name, who := range map[string]tenant.Scope{"owner": owner.Scope(), "system admin": system.Scope()} {
		if got := refused(erase(who)); got != (refusal{badCheck, "erasures_legal_hold"}) {
			t.Errorf("%s erases under a hold: %v", name, got)
		}
	}
	expectRefused(t, "an owner's hold of the installation", run(owner.Scope(), "update workspace_policies set hold_of_installation = true"), denied)
	if err := run(system.Scope(), "update workspace_policies set hold_of_installation = true, hold_reason = 'an order of a court'"); err != nil {
		t.Error(err)
	}
	for _, sql := range []string{"update workspace_policies set legal_hold = false, hold_reason = null, hold_of_installation = false", "update workspace_policies set hold_reason = 'no matter'",
		"update workspace_policies set hold_of_installation = false"} {
		if got := refused(run(owner.Scope(), sql)); got != (refusal{badCheck, "workspace_policies_hold_of_installation"}) {
			t.Errorf("an owner changes the hold of the installation: %s: %v", sql, got)
		}
	}
	if err := run(owner.Scope(), "update workspace_policies set unused_days = 12"); err != nil {
		t.Errorf("beside a hold of the installation: %v", err)
	}
	if err := run(system.Scope(), "update workspace_policies set legal_hold = false, hold_reason = null, hold_of_installation = false"); err != nil {
		t.Error(err)
	}
	// An erasure that is just being requested, and a hold that is set at the same time: the hold waits, and is refused.
	var wait sync.WaitGroup
	var hold error
	err := d.Tenant().Tx(ctx, owner.Scope().In(customer), func(ctx context.Context, tx *tenant.Tx) error {
		if _, err := tx.Exec(ctx, "select tenancy.request_erasure($1, 'Held')", newID(t)); err != nil {
			return err
		}
		waiting := make(chan int32)
		wait.Go(func() {
			hold = d.Tenant().Tx(ctx, system.Scope().In(customer), func(ctx context.Context, tx *tenant.Tx) error {
				waiting <- one[int32](ctx, t, tx, "select pg_backend_pid()")
				_, err := tx.Exec(ctx, "update workspace_policies set legal_hold = true, hold_reason = 'too late'")
				return err
			})
		})
		awaitLock(ctx, t, d, <-waiting)
		return nil
	})
	wait.Wait()
	if got := refused(hold).Constraint; got != "workspace_policies_customer_there" {
		t.Errorf("a hold of a customer that is being erased: %v", hold)
	}
	if err != nil {
		t.Errorf("once it is lifted: %v", err)
	}
	if got := column[string](ctx, t, d.Super, "select action from audit_log where customer_id = $1 and resource_type = 'workspace_policy' order by id", customer); len(got) != 7 {
		t.Errorf("the log tells of %q", got)
	}
}

// todo is what a worker is told to do.
type todo struct {
	CustomerID, ID uuid.UUID
	What           string
}

func todos(ctx context.Context, t testing.TB, q querier, sql string, args ...any) map[string]bool {
	t.Helper()
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[todo])
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, entry := range list {
		found[entry.What+" "+entry.ID.String()] = true
	}
	return found
}

// TestWorkspacesDue: what a worker has to do with which workspaces, and that it does nothing with those of customers that are being erased, nor lets
// anything go under a hold.
func TestWorkspacesDue(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	archive := "archive_id = gen_random_uuid(), archive_sha256 = repeat('a', 64)"
	type customer struct {
		name, policy, life string
		// what of cases is due there
		due func(name, what string) bool
	}
	cases := map[string]struct{ set, what string }{
		"to make":             {"state = 'new'", "make"},
		"to return":           {"state = 'archived', wanted_at = now(), archived_at = now(), " + archive, "return"},
		"returning":           {"state = 'returning', wanted_at = now(), archived_at = now(), " + archive, "return"},
		"being archived":      {"state = 'archiving'", "archive"},
		"unused for 100 days": {"last_used_at = now() - interval '100 days'", "announce"},
		"announced long ago":  {"last_used_at = now() - interval '120 days', announced_at = now() - interval '20 days'", "archive"},
		"announced":           {"last_used_at = now() - interval '100 days', announced_at = now() - interval '1 day'", ""},
		"archived long ago":   {"state = 'archived', archived_at = now() - interval '400 days', " + archive, "delete"},
		"archived":            {"state = 'archived', archived_at = now() - interval '100 days', " + archive, ""},
		"to measure":          {"measured_at = now() - interval '2 days'", "measure"},
		"back":                {archive, "forget"},
		"deleted":             {"state = 'deleted', " + archive, "forget"},
		"in use":              {"state = 'active'", ""},
		"unused for 40 days":  {"last_used_at = now() - interval '40 days'", ""},
	}
	keeps := func(name, what string) bool {
		return what == "make" || what == "return" || what == "measure" || name == "deleted" || name == "being archived" // which ends with it as it was
	}
	for _, c := range []customer{
		{"as everybody", "", "", func(_, what string) bool { return what != "" }},
		{"held", "legal_hold = true, hold_reason = 'x'", "", keeps},
		{"with its own days", "unused_days = 1000, archive_days = 1000", "", func(name, what string) bool {
			return what != "" && name != "unused for 100 days" && name != "archived long ago"
		}},
		{"with short days", "unused_days = 30, archive_days = 30", "", func(_, what string) bool { return what != "" }},
		{"being erased", "", "archived_at = now(), erasing_at = now()", func(string, string) bool { return false }},
	} {
		id := d.Customer(t, dbtest.Customer{Name: c.name}).ID
		owner := d.Member(t, id, "owner")
		if c.policy != "" {
			mustExec(t, d, "insert into workspace_policies (customer_id) values ($1)", id)
			mustExec(t, d, "update workspace_policies set "+c.policy+" where customer_id = $1", id)
		}
		places := map[string]uuid.UUID{}
		for name, test := range cases {
			space := d.Space(t, dbtest.Space{CustomerID: id, PairedBy: owner.ID})
			places[name] = d.Workspace(t, id, &space.ID)
			mustExec(t, d, "update workspaces set state = 'active' where id = $1", places[name])
			mustExec(t, d, "update workspaces set "+test.set+" where id = $1", places[name])
		}
		mustExec(t, d, `insert into file_changes (customer_id, id, workspace_id, kind, bytes, touched_at)
			values ($1, gen_random_uuid(), $2, 'write', 1, now() - interval '3 minutes')`, id, places["in use"])
		if c.life != "" {
			mustExec(t, d, "update customers set "+c.life+" where id = $1", id)
		}
		due := todos(ctx, t, d.Worker, "select customer_id, id, what from tenancy.workspaces_due('90 days', '14 days', '365 days', 1000)")
		for name, test := range cases {
			got := []string{}
			for _, what := range []string{"make", "return", "archive", "announce", "delete", "measure", "forget"} {
				if due[what+" "+places[name].String()] {
					got = append(got, what)
				}
			}
			want := []string{}
			what := test.what
			if c.name == "with short days" {
				what = map[string]string{"archived": "delete", "unused for 40 days": "announce"}[name]
				if what == "" {
					what = test.what
				}
			}
			if c.due(name, what) {
				want = append(want, what)
			}
			if name == "in use" && c.life == "" {
				want = append(want, "measure") // a change was broken off
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s (-want +due):\n%s", c.name, name, diff)
			}
		}
	}
	if n := len(todos(ctx, t, d.Worker, "select customer_id, id, what from tenancy.workspaces_due('90 days', '14 days', '365 days', 1)")); n > 12 {
		t.Errorf("%d at once, where one of each was asked for", n)
	}
}

// TestWorkspacesDueBehindOthers: what has a job already, and customers that are being erased, hide nothing behind them; and what is due is found by indexes, however many
// workspaces there are.
func TestWorkspacesDueBehindOthers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	const due = "select customer_id, id, what from tenancy.workspaces_due('90 days', '14 days', '365 days', 2)"
	var last uuid.UUID
	for i, age := range []string{"9 days", "8 days", "7 days", "6 days", "5 days"} {
		customer, _, shared, ofSpace := activeWorkspaces(t, d)
		mustExec(t, d, "update workspaces set measured_at = now() - $2::interval where id = $1", shared, age)
		mustExec(t, d, "update workspaces set state = 'archived', archived_at = now(), archive_id = gen_random_uuid(), archive_sha256 = repeat('a', 64), wanted_at = now() - $2::interval where id = $1", ofSpace, age)
		switch last = shared; {
		case i < 2:
			mustExec(t, d, "update customers set archived_at = now(), erasing_at = now() where id = $1", customer)
		case i < 4:
			for _, id := range []uuid.UUID{shared, ofSpace} {
				mustExec(t, d, `insert into river.river_job (customer_id, kind, queue, max_attempts, state, args)
					values ($1::uuid, 'workspace', 'workspace', 20, 'retryable', jsonb_build_object('workspace_id', $2::uuid))`, customer, id)
			}
		}
	}
	found := todos(ctx, t, d.Worker, due)
	if len(found) != 2 || !found["measure "+last.String()] {
		t.Errorf("due behind others: %v", found)
	}

	mustExec(t, d, `set session_replication_role = replica;
		insert into customers (id, name) select gen_random_uuid(), 'Many' from generate_series(1, 10000);
		insert into workspaces (customer_id, id, state) select id, gen_random_uuid(), 'active' from customers where name = 'Many';
		insert into river.river_job (customer_id, kind, queue, max_attempts, state, args)
			select customer_id, 'workspace', 'workspace', 20, 'retryable', jsonb_build_object('workspace_id', id) from workspaces where measured_at > now() - interval '1 day' and state = 'active' limit 1000;
		set session_replication_role = default;
		analyze workspaces; analyze customers; analyze river.river_job; analyze workspace_policies`)
	if again := todos(ctx, t, d.Worker, due); len(again) != 2 {
		t.Errorf("due among many: %v", again)
	}
	query := one[string](ctx, t, d.Super, "select substring(prosrc from '(with free.*);') from pg_proc where oid = 'tenancy.workspaces_due'::regproc")
	// With the plan that the function has after some calls, which knows no values.
	query = strings.NewReplacer("p_unused", "$1", "p_notice", "$2", "p_keep", "$3", "p_limit", "$4").Replace(query)
	conn, err := d.Super.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "set plan_cache_mode = force_generic_plan; prepare due (interval, interval, interval, integer) as "+query); err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(ctx, "explain (analyze) execute due ('90 days', '14 days', '365 days', 100)")
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range lines {
		if strings.Contains(line, "Seq Scan on workspaces") || strings.Contains(line, "Seq Scan on customers") || strings.Contains(line, "Seq Scan on river_job") {
			t.Errorf("all are looked at:\n%s", strings.Join(lines, "\n"))
			break
		}
	}
}

// TestBackupsToDo: each night makes a backup of each customer with files, once; the worker is told what has no job, and nothing of a customer that is
// being erased.
func TestBackupsToDo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	with, _, shared, _ := activeWorkspaces(t, d)
	mustExec(t, d, "update workspaces set bytes = 1, entries = 1 where id = $1", shared)
	media := d.Customer(t, dbtest.Customer{}).ID
	mustExec(t, d, "insert into media (customer_id, id, path, content_type, bytes, state) values ($1, gen_random_uuid(), 'x', 'image/png', 1, 'ready')", media)
	empty := d.Customer(t, dbtest.Customer{}).ID
	erased, _, itsShared, _ := activeWorkspaces(t, d)
	mustExec(t, d, "update workspaces set bytes = 1, entries = 1 where id = $1", itsShared)
	mustExec(t, d, "update customers set archived_at = now(), erasing_at = now() where id = $1", erased)
	night := func(date string, limit int) int {
		return one[int](ctx, t, d.Worker, "select tenancy.begin_night($1, $2)", date, limit)
	}
	if n := night("2029-12-31", 10); n != 0 || one[int](ctx, t, d.Super, "select count(*) from backups") != 0 {
		t.Errorf("%d customers were seen to in their first night", n)
	}
	seen := 0
	for range 10 { // two customers at a time
		n := night("2030-01-01", 2)
		if seen += n; n < 2 {
			break
		}
	}
	if seen != 3 {
		t.Errorf("%d customers were seen to, want 3", seen)
	}
	backups := func() []string {
		return column[string](ctx, t, d.Super, "select customer_id || ' ' || coalesce(night::text, '-') || ' ' || (requested_by is null) from backups order by 1")
	}
	want := []string{with.String() + " 2030-01-01 true", media.String() + " 2030-01-01 true", empty.String() + " 2030-01-01 true"}
	slices.Sort(want)
	if diff := cmp.Diff(want, backups()); diff != "" {
		t.Errorf("backups (-want +got):\n%s", diff)
	}
	if n := night("2030-01-01", 10); n != 0 {
		t.Errorf("the same night once more: %d", n)
	}
	night("2030-01-02", 10) // while those of the night before are under way
	if diff := cmp.Diff(want, backups()); diff != "" {
		t.Errorf("a second one at once (-want +got):\n%s", diff)
	}
	mustExec(t, d, "update backups set state = 'failed', problem = 'x'")
	mustExec(t, d, "update workspaces set bytes = 0, entries = 0 where id = $1", shared) // what was deleted is to be known, too
	night("2030-01-03", 10)
	if n := len(backups()); n != 6 {
		t.Errorf("%d backups after another night, want 6", n)
	}
	if one[bool](ctx, t, d.Super, "select exists (select from backups where customer_id = $1)", erased) {
		t.Error("a customer that is being erased has a backup")
	}

	due := func() map[string]bool {
		return todos(ctx, t, d.Worker, "select customer_id, id, what from tenancy.backups_to_do('30 days', 100)")
	}
	queued := one[uuid.UUID](ctx, t, d.Super, "select id from backups where customer_id = $1 and state = 'queued'", with)
	if !due()["backup "+queued.String()] {
		t.Error("a backup that waits is not to do")
	}
	job := one[int64](ctx, t, d.Super, `insert into river.river_job (customer_id, args, kind, max_attempts, state)
		values ($1, jsonb_build_object('customer_id', $1::uuid::text, 'backup_id', $2::uuid::text), 'backup', 1, 'retryable') returning id`, with, queued)
	if due()["backup "+queued.String()] {
		t.Error("a backup that has a job is to do")
	}
	mustExec(t, d, "update river.river_job set state = 'discarded', finalized_at = now() where id = $1", job)
	if !due()["backup "+queued.String()] {
		t.Error("a backup whose job was given up is not to do")
	}
	mustExec(t, d, `update backups set state = 'ready', object_id = gen_random_uuid(), manifest_sha256 = repeat('a', 64), uses = '[]', files = 1, bytes = 1, finished_at = now()
		where id = $1`, queued)
	mustExec(t, d, "update backup_status set last_good_id = $2, last_good_at = now() where customer_id = $1", with, queued)
	going := newID(t)
	mustExec(t, d, "insert into backups (customer_id, id, state) values ($1, $2, 'deleting')", with, going)
	if !due()["backup "+going.String()] {
		t.Error("a backup whose time is over is not to do")
	}
	mustExec(t, d, "insert into workspace_policies (customer_id, legal_hold, hold_reason) values ($1, true, 'a lawsuit')", with)
	if due()["backup "+going.String()] {
		t.Error("a backup is let go under a legal hold")
	}
	mustExec(t, d, "delete from workspace_policies")
	restore, drill := newID(t), newID(t)
	mustExec(t, d, "insert into restores (customer_id, id, backup_id) values ($1, $2, $3)", with, restore, queued)
	got := due()
	for _, what := range []string{"restore " + restore.String(), "begin_drill " + queued.String()} {
		if !got[what] {
			t.Errorf("%s is not to do", what)
		}
	}
	mustExec(t, d, "insert into drills (customer_id, id, backup_id) values ($1, $2, $3)", with, drill, queued)
	mustExec(t, d, "update backup_status set drilled_at = now() - interval '29 days' where customer_id = $1", with)
	if got = due(); !got["drill "+drill.String()] || got["begin_drill "+queued.String()] {
		t.Errorf("with a drill under way: %v", got)
	}
	mustExec(t, d, "update customers set archived_at = now(), erasing_at = now()")
	if got := due(); len(got) != 0 {
		t.Errorf("of customers that are being erased: %v", got)
	}
}

// TestBackupsADay: people have ten backups made a day, and the nights go on.
func TestBackupsADay(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	customer := d.Customer(t, dbtest.Customer{}).ID
	owner := d.Member(t, customer, "owner").Scope().In(customer)
	ask := func() error {
		_, err := runAs(ctx, d.Tenant(), owner, "insert into backups (id) values (gen_random_uuid())")
		return err
	}
	for range 10 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
		mustExec(t, d, "update backups set state = 'failed', problem = 'x'")
	}
	if got := refused(ask()); got != (refusal{badCheck, "backups_a_day"}) {
		t.Errorf("the eleventh: %v", got)
	}
	if one[int](ctx, t, d.Worker, "select tenancy.begin_night('2029-12-31', 10) + tenancy.begin_night('2030-01-01', 10)"); one[int](ctx, t, d.Super, "select count(*) from backups where night is not null") != 1 {
		t.Error("no backup of the night")
	}
	mustExec(t, d, "update backups set created_at = created_at - interval '1 day', state = 'failed', problem = 'x'")
	if err := ask(); err != nil {
		t.Errorf("a day later: %v", err)
	}
}

// TestBackupHealth: a customer whose backups have never come to anything is late.
func TestBackupHealth(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	good, never := d.Customer(t, dbtest.Customer{}).ID, d.Customer(t, dbtest.Customer{}).ID
	d.Customer(t, dbtest.Customer{}) // it has nothing to back up
	one[int](ctx, t, d.Worker, "select tenancy.begin_night('2029-12-31', 10) + tenancy.begin_night('2030-01-01', 10)")
	mustExec(t, d, "delete from backups where customer_id <> $1", never)
	mustExec(t, d, "update backup_status set last_good_at = now(), last_good_id = gen_random_uuid() where customer_id = $1", good)
	late := func() int {
		return one[int](ctx, t, d.Worker, "select late from tenancy.backup_health('36 hours', '8 days')")
	}
	if n := late(); n != 0 {
		t.Errorf("%d are late in the first night", n)
	}
	mustExec(t, d, "update backups set created_at = now() - interval '37 hours', state = 'failed', problem = 'x'")
	if n := late(); n != 1 {
		t.Errorf("%d are late, want the one that never had a good backup", n)
	}
	mustExec(t, d, "update backup_status set last_good_at = now() - interval '37 hours' where customer_id = $1", good)
	if n := late(); n != 2 {
		t.Errorf("%d are late, want both", n)
	}
}

// TestRestoreStates: admins plan and start restores of what is whole, forget plans, and do no more; the worker goes through the states in order.
func TestRestoreStates(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	owner, system := a.people["owner"].Scope(), d.User(t, dbtest.User{SystemRole: "admin"}).Scope()
	worker := tenant.Worker(a.id, tenant.Request{})
	try := func(db *tenant.DB, scope tenant.Scope, sql string, args ...any) error {
		rows, err := runAs(ctx, db, scope, sql, args...)
		if err == nil && rows == 0 {
			err = errors.New("no row")
		}
		return err
	}
	for name, who := range map[string]tenant.Scope{
		"member": a.people["member"].Scope(), "viewer": a.people["viewer"].Scope(), "key": a.key.Scope(), "agent": a.token.Scope(),
		"system manager": d.User(t, dbtest.User{SystemRole: "manager"}).Scope(),
	} {
		for _, sql := range []string{"insert into restores (id, backup_id) values (gen_random_uuid(), $1)", "select from backups where id = $1", "select from restores where backup_id = $1",
			"select from drills where backup_id = $1", "insert into backups (id) select gen_random_uuid() where $1::uuid is not null"} {
			expectRefused(t, name+": "+sql, try(d.Tenant(), who.In(a.id), sql, a.backup), denied)
		}
	}
	for name, who := range map[string]tenant.Scope{"owner": owner, "admin": a.people["admin"].Scope(), "system admin": system} {
		scope, id := who.In(a.id), newID(t)
		insert := func(more string) error {
			return try(d.Tenant(), scope, "insert into restores (id, backup_id"+strings.ReplaceAll(more, "=", "")+") values ($1, $2)", id, a.backup)
		}
		if err := insert(""); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if by := one[*uuid.UUID](ctx, t, d.Super, "select requested_by from restores where id = $1", id); by == nil {
			t.Errorf("%s: nobody has asked for it", name)
		}
		for _, state := range []string{"queued", "done", "running", "failed"} {
			if got := refused(try(d.Tenant(), scope, "update restores set state = $2 where id = $1", id, state)); got.Constraint != "restores_state_transition" {
				t.Errorf("%s makes a plan that is being made %s: %v", name, state, got)
			}
		}
		if err := try(d.TenantWorker(), worker, "update restores set state = 'planned', plan = '{}' where id = $1", id); err != nil {
			t.Fatal(err)
		}
		if err := try(d.Tenant(), scope, "update restores set state = 'queued' where id = $1", id); err != nil {
			t.Errorf("%s starts it: %v", name, err)
		}
		if err := try(d.Tenant(), scope, "delete from restores where id = $1", id); err == nil {
			t.Errorf("%s forgets one that was started", name)
		}
		for _, step := range []struct {
			state string
			ok    bool
		}{{"planned", false}, {"done", false}, {"applying", false}, {"running", true}, {"running", true}, {"queued", false}, {"applying", true}, {"running", false}, {"done", true}, {"applying", false}} {
			err := try(d.TenantWorker(), worker, "update restores set state = $2 where id = $1", id, step.state)
			if got := refused(err); step.ok != (err == nil) || !step.ok && got.Constraint != "restores_state_transition" {
				t.Errorf("then %s: %v", step.state, err)
			}
		}
		other := newID(t)
		if err := try(d.Tenant(), scope, "insert into restores (id, backup_id) values ($1, $2)", other, a.backup); err != nil {
			t.Error(err)
		}
		if err := try(d.Tenant(), scope, "delete from restores where id = $1", other); err != nil {
			t.Errorf("%s forgets a plan: %v", name, err)
		}
	}
	// Only what is whole, and one's own.
	for _, state := range []string{"deleting", "failed", "running", "queued"} {
		mustExec(t, d, "update backups set state = $2 where id = $1", a.backup, state)
		err := try(d.Tenant(), owner.In(a.id), "insert into restores (id, backup_id) values (gen_random_uuid(), $1)", a.backup)
		if got := refused(err); got != (refusal{badCheck, "restores_of_ready"}) {
			t.Errorf("of one that is %s: %v", state, err)
		}
	}
	mustExec(t, d, "update backups set state = 'ready' where id = $1", a.backup)
	for column, target := range map[string]uuid.UUID{"workspace_id": b.work, "to_workspace_id": b.work} {
		sql := fmt.Sprintf("insert into restores (id, backup_id, workspace_id, %s, to_path) values (gen_random_uuid(), $1, $2, $3, 'x')", column)
		args := []any{a.backup, a.work, target}
		if column == "workspace_id" {
			sql, args = "insert into restores (id, backup_id, workspace_id) values (gen_random_uuid(), $1, $2)", []any{a.backup, target}
		}
		if got := refused(try(d.Tenant(), owner.In(a.id), sql, args...)).Code; got != badReference {
			t.Errorf("%s of another customer: %s", column, got)
		}
	}
	// In an archived customer backups are made and seen, and nothing is put back.
	mustExec(t, d, "update customers set archived_at = now() where id = $1", a.id)
	expectRefused(t, "restoring in an archived customer", try(d.Tenant(), owner.In(a.id), "insert into restores (id, backup_id) values (gen_random_uuid(), $1)", a.backup), denied)
	if err := try(d.Tenant(), owner.In(a.id), "insert into backups (id) values ($1)", newID(t)); err != nil {
		t.Errorf("a backup of an archived customer: %v", err)
	}
}
