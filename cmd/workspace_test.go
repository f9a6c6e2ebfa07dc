package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/backup"
	"fanfare/internal/bucket"
	"fanfare/internal/workspace"
	"fanfare/jobs"
)

// fileInstallation is a database with a worker that looks after workspaces and backups.
type fileInstallation struct {
	*dbtest.DB
	t                            *testing.T
	workspaces, backups, keyFile string
}

func setupFiles(t *testing.T) *fileInstallation {
	t.Helper()
	t.Parallel()
	return &fileInstallation{DB: dbtest.New(t), t: t, workspaces: t.TempDir(), backups: t.TempDir(), keyFile: filepath.Join(t.TempDir(), "identity")}
}

// work starts a worker, which works until the test ends, or until it is stopped.
func (f *fileInstallation) work(config jobs.BackupConfig) (stop func()) {
	f.t.Helper()
	store, err := workspace.OpenStore(f.workspaces)
	if err != nil {
		f.t.Fatal(err)
	}
	backups, err := bucket.OpenDirectory(f.backups)
	if err != nil {
		f.t.Fatal(err)
	}
	const day = 24 * time.Hour
	config.Keep, config.DrillEvery = backup.Policy{Daily: 30}, 1000*day
	worker, err := jobs.NewWorker(jobs.Deps{
		Pool: f.Worker, Log: slog.New(slog.NewTextHandler(f.t.Output(), nil)), Workspaces: store, Backups: backups,
	}, jobs.WorkerConfig{Workspaces: jobs.WorkspaceRules{Unused: 1000 * day, Notice: 14 * day, Keep: 3000 * day}, Backups: config})
	if err != nil {
		f.t.Fatal(err)
	}
	if err := worker.Start(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := worker.Stop(ctx); err != nil {
			f.t.Error(err)
		}
		_ = store.Close()
		_ = backups.Close()
	})
	f.t.Cleanup(stop)
	return stop
}

func (f *fileInstallation) exec(sql string, args ...any) {
	f.t.Helper()
	if _, err := f.Super.Exec(f.t.Context(), sql, args...); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
}

// eventually waits until a query answers what is wanted.
func (f *fileInstallation) eventually(want, sql string, args ...any) {
	f.t.Helper()
	got := ""
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if err := f.Super.QueryRow(f.t.Context(), sql, args...).Scan(&got); err != nil {
			f.t.Fatalf("%s: %v", sql, err)
		}
		if got == want {
			return
		}
	}
	f.t.Fatalf("%s is %q, want %q", sql, got, want)
}

// run runs the command line on the database as its owner.
func (f *fileInstallation) run(args ...string) (status int, said string) {
	f.t.Helper()
	var out bytes.Buffer
	status = Run(f.t.Context(), append(args, "--database-url", f.OwnerURL), &out, &out)
	return status, out.String()
}

// must runs what has to succeed.
func (f *fileInstallation) must(args ...string) string {
	f.t.Helper()
	status, said := f.run(args...)
	if status != 0 {
		f.t.Fatalf("fanfare %s: status %d\n%s", strings.Join(args, " "), status, said)
	}
	return said
}

// write writes a file of a customer's own workspace.
func (f *fileInstallation) write(customerID uuid.UUID, name, content string) {
	f.t.Helper()
	path := filepath.Join(f.workspaces, customerID.String(), "shared", name)
	if err := os.MkdirAll(filepath.Dir(path), 0o770); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o660); err != nil {
		f.t.Fatal(err)
	}
}

const stateOfWorkspace = "select state from workspaces where id = $1"

// TestCleanWorkspaces: the operator sees all workspaces, and has workers archive those that nobody uses and delete old archives; nothing is done before --yes,
// nor ever to what is under a legal hold or what its customer's own policy keeps. What is archived comes back.
func TestCleanWorkspaces(t *testing.T) {
	f := setupFiles(t)
	unused, held, busy := f.Customer(t, dbtest.Customer{Name: "Unused"}).ID, f.Customer(t, dbtest.Customer{Name: "Held"}).ID, f.Customer(t, dbtest.Customer{Name: "Busy"}).ID
	ids := map[uuid.UUID]uuid.UUID{}
	for _, customer := range []uuid.UUID{unused, held, busy} {
		ids[customer] = f.Workspace(t, customer, nil)
	}
	talking := f.Space(t, dbtest.Space{CustomerID: busy, PairedBy: f.Member(t, busy, "owner").ID})
	f.exec("update workspaces set last_used_at = now() - interval '200 days' where customer_id <> $1 or space_id is not null", busy)
	f.exec("insert into messages (customer_id, space_id, id, direction, text, said_at) values ($1, $2, gen_random_uuid(), 'in', 'hello', now())", busy, talking.ID)
	f.exec("insert into workspace_policies (customer_id, legal_hold, hold_reason) values ($1, true, 'a lawsuit')", held)

	f.exec("update workspaces set state = 'active'")
	clean := []string{"workspace", "clean", "--unused-days", "90", "--delete-archives-older-than-days", "30"}
	if status, said := f.run(append(clean, "--yes")...); status != 1 || !strings.Contains(said, "no worker that makes backups") {
		t.Errorf("without a worker: status %d\n%s", status, said)
	}
	f.exec("update workspaces set state = 'new'")
	f.work(jobs.BackupConfig{})
	f.eventually("4", "select count(*)::text from workspaces where state = 'active'")
	f.eventually("true", "select exists (select from backup_status where night > now() - interval '3 days')::text")
	f.write(unused, "plans/2026.txt", "buy a cat")

	said := f.must(clean...)
	for _, want := range []string{"archive\n", "nothing: its customer is under a legal hold", "Nothing was done. To do it: --yes"} {
		if !strings.Contains(said, want) {
			t.Errorf("the plan does not say %q:\n%s", want, said)
		}
	}
	if strings.Contains(said, "Busy") {
		t.Errorf("somebody talks there:\n%s", said)
	}
	f.eventually("0", "select count(*)::text from workspaces where state <> 'active'")
	if said := f.must(append(clean, "--yes")...); !strings.Contains(said, "with 1 of 1") {
		t.Errorf("it says\n%s", said)
	}
	f.eventually("archived", stateOfWorkspace, ids[unused])
	if _, err := os.Stat(filepath.Join(f.workspaces, unused.String(), "shared")); !os.IsNotExist(err) {
		t.Errorf("the directory of what is archived: %v", err)
	}
	f.eventually("fanfare_owner", `select database_role from audit_log where resource_id = $1 and actor_kind = 'database' and action = 'workspace.update'
		and changes -> 'state' ->> 'to' = 'archiving' and database_role is not null`, ids[unused].String())

	// It is listed, and comes back when it is wanted.
	var list struct{ Workspaces []workspaceRow }
	if err := json.Unmarshal([]byte(f.must("workspace", "list", "--state", "archived", "--json")), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Workspaces) != 1 || list.Workspaces[0].ID != ids[unused] || list.Workspaces[0].ArchiveBytes == 0 || list.Workspaces[0].ArchivedAt == nil || list.Workspaces[0].SpaceID != nil {
		t.Errorf("archived are %+v", list.Workspaces)
	}
	f.exec("update workspaces set wanted_at = now() where id = $1", ids[unused])
	f.eventually("active", stateOfWorkspace, ids[unused])
	if content, err := os.ReadFile(filepath.Join(f.workspaces, unused.String(), "shared", "plans", "2026.txt")); err != nil || string(content) != "buy a cat" {
		t.Errorf("the file that came back: %q, %v", content, err)
	}

	// An archive goes after its time, unless its customer's own policy keeps it.
	f.exec("update workspaces set last_used_at = now() - interval '200 days' where id = $1", ids[unused])
	f.eventually("true", "select (archive_id is null)::text from workspaces where id = $1", ids[unused])
	f.must(append(clean, "--yes", "--customer", unused.String())...)
	f.eventually("archived", stateOfWorkspace, ids[unused])
	f.exec("update workspaces set archived_at = now() - interval '40 days' where id = $1", ids[unused])
	f.exec("insert into workspace_policies (customer_id, archive_days) values ($1, 50)", unused)
	if said := f.must(append(clean, "--yes")...); !strings.Contains(said, "policy keeps archives for longer") || !strings.Contains(said, "There is nothing to do.") {
		t.Errorf("under the customer's own policy it says\n%s", said)
	}
	f.exec("update workspace_policies set archive_days = null where customer_id = $1", unused)
	var cleaned struct{ Workspaces []cleanRow }
	if err := json.Unmarshal([]byte(f.must(append(clean, "--yes", "--json", "--customer", unused.String())...)), &cleaned); err != nil {
		t.Fatal(err)
	}
	if len(cleaned.Workspaces) != 1 || !cleaned.Workspaces[0].Done || cleaned.Workspaces[0].Action != "delete" {
		t.Errorf("cleaned are %+v", cleaned.Workspaces)
	}
	f.eventually("deleted true", "select state || ' ' || (archive_id is null)::text from workspaces where id = $1", ids[unused])
	if left, err := os.ReadDir(filepath.Join(f.backups, "customers", unused.String(), "archives")); len(left) > 0 {
		t.Errorf("of the archive is left %v, %v", left, err)
	}
	if said := f.must("workspace", "list"); !strings.Contains(said, "legal hold") || !strings.Contains(said, "4 workspaces, ") {
		t.Errorf("the list is\n%s", said)
	}
}
