package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/jobs"
)

// ask answers a query with one text.
func (f *fileInstallation) ask(sql string, args ...any) (answer string) {
	f.t.Helper()
	if err := f.Super.QueryRow(f.t.Context(), sql, args...).Scan(&answer); err != nil {
		f.t.Fatalf("%s: %v", sql, err)
	}
	return answer
}

// TestRestoredRowsTellOfFiles: after a customer's rows, or the whole database, or the files were restored to another moment than the others, rows of workspaces and
// backups tell what is there, nothing waits for what was under way, and workers go on.
func TestRestoredRowsTellOfFiles(t *testing.T) {
	f := setupFiles(t)
	customer := f.Customer(t, dbtest.Customer{Name: "Ours"}).ID
	owner := f.Member(t, customer, "owner").ID
	lost, archived := f.Space(t, dbtest.Space{CustomerID: customer, PairedBy: owner}).ID, f.Space(t, dbtest.Space{CustomerID: customer, PairedBy: owner}).ID
	shared, ofLost, ofArchived := f.Workspace(t, customer, nil), f.Workspace(t, customer, &lost), f.Workspace(t, customer, &archived)
	other := f.Customer(t, dbtest.Customer{Name: "Theirs"}).ID
	stop := f.work(jobs.BackupConfig{})
	f.eventually("4", "select count(*)::text from workspaces where state = 'active'")
	f.eventually("2", "select count(*)::text from backup_status where night > now() - interval '3 days'") // tonight's are past
	f.write(customer, "plans.txt", "buy a cat")
	f.write(customer, "../spaces/"+lost.String()+"/notes.txt", "roses")
	f.write(customer, "../spaces/"+archived.String()+"/notes.txt", "tulips")
	f.write(other, "theirs.txt", "a dog")
	first := f.backUp(customer)
	f.write(customer, "plans.txt", "buy two cats")
	second := f.backUp(customer)
	f.exec("update workspaces set state = 'archiving' where id = $1", ofArchived)
	f.eventually("archived", stateOfWorkspace, ofArchived)

	rows := []string{"restore", "rows", "--workspaces", f.workspaces, "--bucket", "file://" + f.backups}
	command := func(f *fileInstallation, args ...string) (int, string) {
		return f.bare(append(args, "--database-url", f.SuperURL)...)
	}
	if status, said := command(f, append(rows, "--yes")...); status != 1 || !strings.Contains(said, "workers are running") {
		t.Errorf("with a worker: status %d\n%s", status, said)
	}
	stop()
	if status, said := f.bare(append(rows, "--database-url", f.OwnerURL)...); status != 1 || !strings.Contains(said, "as a superuser") {
		t.Errorf("as the owner: status %d\n%s", status, said)
	}
	if status, said := command(f, append(rows, "--yes")...); status != 0 || !strings.Contains(said, "tell what is there") {
		t.Errorf("where everything is as rows say: status %d\n%s", status, said)
	}

	// The moment of the rows is one at which a lot was under way. What they tell of is lost then, but for the first backup and the archive.
	under := []uuid.UUID{dbtest.NewID(t), dbtest.NewID(t), dbtest.NewID(t), dbtest.NewID(t), dbtest.NewID(t)}
	f.exec("insert into backups (customer_id, id, state) values ($1, $2, 'running')", customer, under[0])
	f.exec("insert into restores (customer_id, id, backup_id, state, plan) values ($1, $2, $3, 'applying', '{}')", customer, under[1], first)
	f.exec("insert into restores (customer_id, id, backup_id, state, plan) values ($1, $2, $3, 'planned', '{}')", customer, under[2], second)
	f.exec("insert into drills (customer_id, id, backup_id) values ($1, $2, $3)", customer, under[3], first)
	f.exec("insert into file_changes (customer_id, id, workspace_id, kind, bytes) values ($1, $2, $3, 'write', 1000)", customer, under[4], shared)
	f.exec("update workspaces set state = 'restoring' where id = $1", shared)
	file := filepath.Join(t.TempDir(), "customer.dump")
	if status, said := f.bare("backup", "customer", customer.String(), "--to", file, "--database-url", f.BackupURL); status != 0 {
		t.Fatal(said)
	}
	for _, gone := range []string{
		filepath.Join(f.workspaces, customer.String(), "spaces", lost.String()),
		filepath.Join(f.backups, "customers", customer.String(), "backups", f.ask("select object_id::text from backups where id = $1", second), "manifest"),
	} {
		if err := os.RemoveAll(gone); err != nil {
			t.Fatal(err)
		}
	}

	// check looks at what the rows say afterwards, and whether workers go on.
	check := func(t *testing.T, f *fileInstallation, wantArchived, wantFirst string) {
		t.Helper()
		for query, want := range map[string]string{
			"select string_agg(distinct state, ' ') from workspaces where id in ('" + shared.String() + "', '" + ofLost.String() + "')": "new",
			"select state from workspaces where id = '" + ofArchived.String() + "'":                                                     wantArchived,
			"select state from backups where id = '" + first.String() + "'":                                                             wantFirst,
			"select state || ' ' || problem from backups where id = '" + second.String() + "'":                                          "failed It is not in the bucket of backups any more.",
			"select state || ' ' || problem from backups where id = '" + under[0].String() + "'":                                        "failed The database was restored to an earlier moment.",
			"select string_agg(state || ' ' || problem, ', ') from restores":                                                            "failed The database was restored to an earlier moment. Plan it anew., failed The database was restored to an earlier moment. Plan it anew.",
			"select string_agg(state, ' ') from drills where problem = 'The database was restored to an earlier moment.'":               "failed",
			"select count(*)::text from file_changes":                                                                                   "0",
			"select coalesce(last_good_id::text, '') from backup_status where customer_id = '" + customer.String() + "'":                map[string]string{"ready": first.String()}[wantFirst],
		} {
			if got := f.ask(query); got != want {
				t.Errorf("%s is %q, want %q", query, got, want)
			}
		}
		f.work(jobs.BackupConfig{})
		f.eventually("0", "select count(*)::text from workspaces where state not in ('active', 'archived')")
		f.exec("update workspaces set wanted_at = now() where id = $1 and state = 'archived'", ofArchived)
		f.eventually("active", stateOfWorkspace, ofArchived)
		if wantArchived == "archived" {
			f.eventually("true", "select (bytes > 0)::text from workspaces where id = $1", shared) // looked through, as its directory is there
		}
		f.write(customer, "new.txt", "since then")
		f.backUp(customer)
		if wantArchived == "archived" {
			notes, err := os.ReadFile(filepath.Join(f.workspaces, customer.String(), "spaces", archived.String(), "notes.txt"))
			if err != nil || string(notes) != "tulips" {
				t.Errorf("the archived workspace is back with %q, %v", notes, err)
			}
		}
	}

	restore := []string{"restore", "customer", file}
	t.Run("a customer, where its files are", func(t *testing.T) {
		fresh := &fileInstallation{DB: dbtest.New(t), t: t, workspaces: copied(t, f.workspaces), backups: copied(t, f.backups)}
		if status, said := command(fresh, append(restore, "--yes")...); status != 1 || !strings.Contains(said, "set --bucket (FANFARE_BACKUP_BUCKET)") {
			t.Errorf("without a bucket: status %d\n%s", status, said)
		}
		places := append(restore, "--workspaces", fresh.workspaces, "--bucket", "file://"+fresh.backups)
		for _, args := range [][]string{places, append(places, "--yes")} {
			status, said := command(fresh, args...)
			for _, want := range []string{"2 workspaces begin anew, whose directories are not there, or whose archives are gone (0)", "1 backups of files are not in file://", "5 backups, restores, drills and changes"} {
				if status != 0 || !strings.Contains(said, want) {
					t.Errorf("%v: status %d, want %q in\n%s", args, status, want, said)
				}
			}
			if n := fresh.ask("select count(*)::text from customers"); n != map[bool]string{true: "1", false: "0"}[len(args) > len(places)] {
				t.Errorf("%v: there are %s customers", args, n)
			}
		}
		check(t, fresh, "archived", "ready")
	})
	t.Run("a customer whose files are gone", func(t *testing.T) {
		fresh := &fileInstallation{DB: dbtest.New(t), t: t, workspaces: t.TempDir(), backups: t.TempDir()}
		if status, said := command(fresh, append(restore, "--bucket", "file://"+fresh.backups, "--yes")...); status != 0 || !strings.Contains(said, "3 workspaces begin anew") ||
			!strings.Contains(said, "are gone (1)") || !strings.Contains(said, "2 backups of files are not in") {
			t.Fatalf("status %d\n%s", status, said)
		}
		check(t, fresh, "new", "failed")
	})
	t.Run("all rows", func(t *testing.T) {
		f := &fileInstallation{DB: f.DB, t: t, workspaces: f.workspaces, backups: f.backups}
		status, said := command(f, rows...)
		if status != 0 || !strings.Contains(said, "Nothing was done. To do it: --yes") || !strings.Contains(said, `"Ours" (`+customer.String()+")") || strings.Contains(said, "Theirs") {
			t.Errorf("status %d\n%s", status, said)
		}
		if state := f.ask(stateOfWorkspace, shared); state != "restoring" {
			t.Errorf("a plan has made a workspace %s", state)
		}
		if status, said := command(f, append(rows, "--yes")...); status != 0 || !strings.Contains(said, "The rows are corrected.") {
			t.Errorf("status %d\n%s", status, said)
		}
		if status, said := command(f, append(rows, "--customer", customer.String())...); status != 0 || !strings.Contains(said, "tell what is there") {
			t.Errorf("once more: status %d\n%s", status, said)
		}
		check(t, f, "archived", "ready")
		if content, err := os.ReadFile(filepath.Join(f.workspaces, other.String(), "shared", "theirs.txt")); err != nil || string(content) != "a dog" {
			t.Errorf("the other customer has %q, %v", content, err)
		}
	})
}

// copied is a copy of a directory.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}
