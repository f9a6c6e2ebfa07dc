package cmd

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/backup"
	"fanfare/jobs"
)

// filesBelow are all files below a directory, with their content.
func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		found[strings.TrimPrefix(path, dir+"/")] = string(content)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// bare runs the command line without a database.
func (f *fileInstallation) bare(args ...string) (status int, said string) {
	f.t.Helper()
	var out bytes.Buffer
	status = Run(f.t.Context(), args, &out, &out)
	return status, out.String()
}

// TestRestoreFiles: an operator has files of an encrypted backup back without a worker, and without the database; nothing is done before --yes, a backup with one
// flipped bit is refused and leaves nothing, and so is one whose manifest was replaced, where the database is asked.
func TestRestoreFiles(t *testing.T) {
	f := setupFiles(t)
	customer := f.Customer(t, dbtest.Customer{}).ID
	space := f.Space(t, dbtest.Space{CustomerID: customer, PairedBy: f.Member(t, customer, "owner").ID})
	var keys [2]*age.X25519Identity
	for i := range keys {
		var err error
		if keys[i], err = age.GenerateX25519Identity(); err != nil {
			t.Fatal(err)
		}
	}
	wrongFile := filepath.Join(t.TempDir(), "other")
	for path, identity := range map[string]*age.X25519Identity{f.keyFile: keys[0], wrongFile: keys[1]} {
		if err := os.WriteFile(path, []byte(identity.String()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f.work(jobs.BackupConfig{Recipients: []backup.Recipient{keys[0].Recipient()}})
	f.eventually("2", "select count(*)::text from workspaces where state = 'active'")
	f.eventually("1", "select count(*)::text from backup_status where night > now() - interval '3 days'") // tonight's are past
	f.write(customer, "plans/2026.txt", "buy a cat")
	f.write(customer, "plans/2027.txt", "feed the cat")
	f.write(customer, "../spaces/"+space.ID.String()+"/chat.md", "hello")
	if err := os.Symlink("/etc/passwd", filepath.Join(f.workspaces, customer.String(), "shared", "link")); err != nil {
		t.Fatal(err)
	}
	first := f.backUp(customer)
	f.write(customer, "plans/2026.txt", "buy two cats")
	second := f.backUp(customer)

	base := slices.Clip([]string{"--bucket", "file://" + f.backups, "--customer", customer.String()})
	withKey := slices.Clip(append(base, "--identity", f.keyFile))
	restore := append([]string{"restore", "files"}, withKey...)
	all := map[string]string{"shared/plans/2026.txt": "buy two cats", "shared/plans/2027.txt": "feed the cat", "spaces/" + space.ID.String() + "/chat.md": "hello"}

	t.Run("list", func(t *testing.T) {
		said := f.must(append([]string{"backup", "list-files"}, withKey...)...)
		if lines := strings.Split(said, "\n"); len(lines) != 4 || !strings.HasPrefix(lines[1], second.String()) || !strings.HasPrefix(lines[2], first.String()) {
			t.Errorf("listed are\n%s", said)
		}
		// Each with what restoring by hand needs: where it is, and the digest of its manifest; the same without the database.
		for _, id := range []uuid.UUID{first, second} {
			var object, sum string
			if err := f.Super.QueryRow(t.Context(), "select object_id::text, manifest_sha256 from backups where id = $1", id).Scan(&object, &sum); err != nil {
				t.Fatal(err)
			}
			_, bare := f.bare(append([]string{"backup", "list-files"}, withKey...)...)
			for _, listed := range []string{said, bare} {
				if !slices.ContainsFunc(strings.Split(listed, "\n"), func(line string) bool {
					return strings.Contains(line, object) && slices.Contains(strings.Fields(line), sum)
				}) {
					t.Errorf("%s and %s are not listed together:\n%s", object, sum, listed)
				}
			}
		}
		status, said := f.bare(append([]string{"backup", "list-files"}, withKey...)...)
		if status != 0 || strings.Count(said, "\n") != 4 || !strings.Contains(said, "nobody knows the manifests' digests") || !strings.Contains(said, "26 bytes") {
			t.Errorf("without the database listed are, with status %d\n%s", status, said)
		}
		if status, said := f.bare(append([]string{"backup", "list-files"}, base...)...); status != 0 || strings.Count(said, "is encrypted, and --identity") != 2 {
			t.Errorf("without an identity listed are, with status %d\n%s", status, said)
		}
	})
	t.Run("plan", func(t *testing.T) {
		to := filepath.Join(t.TempDir(), "new")
		said := f.must(append(restore, "--to", to, "--files")...)
		for _, want := range []string{"Nothing was done. To restore: --yes", "shared/plans/2026.txt\t12", "shared ", second.String(), "1 links, devices and the like are not in it"} {
			if !strings.Contains(said, want) {
				t.Errorf("the plan does not say %q:\n%s", want, said)
			}
		}
		if _, err := os.Stat(to); !os.IsNotExist(err) {
			t.Errorf("a plan has made the directory: %v", err)
		}
	})
	t.Run("everything", func(t *testing.T) {
		for _, run := range []func(args ...string) (int, string){f.run, f.bare} {
			to := t.TempDir()
			if status, said := run(append(restore, "--to", to, "--yes")...); status != 0 {
				t.Fatalf("status %d\n%s", status, said)
			}
			if diff := cmp.Diff(all, filesBelow(t, to)); diff != "" {
				t.Error(diff)
			}
			if entries, err := os.ReadDir(to); err != nil || len(entries) != 2 {
				t.Errorf("in the directory are %v, %v", entries, err)
			}
			if status, said := run(append(restore, "--to", to, "--yes")...); status != 1 || !strings.Contains(said, "is not empty") {
				t.Errorf("into what is not empty: status %d\n%s", status, said)
			}
		}
	})
	t.Run("one file of an earlier one", func(t *testing.T) {
		to := filepath.Join(t.TempDir(), "a", "b")
		f.must(append(restore, "--to", to, "--backup", first.String(), "--source", "shared", "--path", "plans/2026.txt", "--yes")...)
		if diff := cmp.Diff(map[string]string{"shared/plans/2026.txt": "buy a cat"}, filesBelow(t, to)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("refused", func(t *testing.T) {
		for _, c := range []struct {
			args []string
			says string
		}{
			{append(base, "--identity", wrongFile, "--backup", second.String()), "none of the given identities can read it"},
			{append(base, "--backup", second.String()), "--identity (FANFARE_BACKUP_IDENTITY)"},
			{append(withKey, "--backup", uuid.NewString()), "has no backup"},
			{append(withKey, "--source", "elsewhere"), "the backup has no such source or path"},
			{append(withKey, "--path", "plans/2028.txt"), "the backup has no such source or path"},
			{append(withKey, "--path", "../../etc"), "the backup has no such source or path"},
		} {
			to := t.TempDir()
			status, said := f.run(append([]string{"restore", "files", "--to", to, "--yes"}, c.args...)...)
			if status != 1 || !strings.Contains(said, c.says) {
				t.Errorf("%v: status %d, want %q in\n%s", c.args, status, c.says, said)
			}
			if left := filesBelow(t, to); len(left) > 0 {
				t.Errorf("%v leaves %v", c.args, left)
			}
		}
		to := t.TempDir()
		if err := os.Mkdir(filepath.Join(to, unfinished), 0o700); err != nil {
			t.Fatal(err)
		}
		if status, said := f.run(append(restore, "--to", to, "--yes")...); status != 1 || !strings.Contains(said, "a restore that was broken off") {
			t.Errorf("into what was broken off: status %d\n%s", status, said)
		}
	})
	t.Run("damage", func(t *testing.T) {
		damaged := 0
		for path, content := range filesBelow(t, f.backups) {
			if !strings.Contains(path, "/backups/") {
				continue
			}
			damaged++
			whole := filepath.Join(f.backups, path)
			spoilt := []byte(content)
			spoilt[len(spoilt)/2] ^= 4
			if err := os.WriteFile(whole, spoilt, 0o600); err != nil {
				t.Fatal(err)
			}
			refused := 0
			for _, id := range []uuid.UUID{first, second} {
				to := t.TempDir()
				status, said := f.run(append(restore, "--to", to, "--backup", id.String(), "--yes")...)
				if status == 0 {
					continue // it does not need this one
				}
				refused++
				if !strings.Contains(said, "is damaged") {
					t.Errorf("%s: status %d\n%s", path, status, said)
				}
				if entries, err := os.ReadDir(to); err != nil || len(entries) > 0 {
					t.Errorf("%s: there is left %v, %v", path, entries, err)
				}
			}
			if refused == 0 {
				t.Errorf("one flipped bit in %s is not found", path)
			}
			if err := os.WriteFile(whole, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if damaged < 4 {
			t.Errorf("only %d objects were there to damage", damaged)
		}
	})
	t.Run("another manifest", func(t *testing.T) {
		var object string
		if err := f.Super.QueryRow(t.Context(), "select object_id::text from backups where id = $1", second).Scan(&object); err != nil {
			t.Fatal(err)
		}
		// Whoever has the public key can make a whole backup too. That it is not the one that was made, the digest says.
		f.exec("update backups set manifest_sha256 = repeat('0', 64) where id = $1", second)
		to := t.TempDir()
		if status, said := f.run(append(restore, "--to", to, "--backup", object, "--yes")...); status != 1 || !strings.Contains(said, "is not the one that was stored") {
			t.Errorf("status %d\n%s", status, said)
		}
		if status, said := f.bare(append(restore, "--to", to, "--backup", object, "--yes")...); status != 0 || !strings.Contains(said, "nobody knows the manifests' digests") {
			t.Errorf("without the database: status %d\n%s", status, said)
		}
	})
}

// backUp makes a backup, as an owner asks for it, and waits for it.
func (f *fileInstallation) backUp(customerID uuid.UUID) uuid.UUID {
	f.t.Helper()
	id := dbtest.NewID(f.t)
	f.exec("insert into backups (customer_id, id) values ($1, $2)", customerID, id)
	f.eventually("ready", "select state from backups where id = $1", id)
	return id
}

// On a full disk a restore ends with an error that says so, and leaves nothing that looks restored. A small disk is mounted for it, where that may be done.
func TestRestoreFilesFullDisk(t *testing.T) {
	f := setupFiles(t)
	customer := f.Customer(t, dbtest.Customer{}).ID
	f.work(jobs.BackupConfig{})
	f.eventually("1", "select count(*)::text from workspaces where state = 'active'")
	f.write(customer, "small.txt", "fits")
	f.write(customer, "large.txt", strings.Repeat("does not fit ", 100_000))
	f.backUp(customer)
	disk := t.TempDir()
	if !mountSmall(t, disk) {
		return
	}
	to := filepath.Join(disk, "restored")
	args := []string{"restore", "files", "--bucket", "file://" + f.backups, "--customer", customer.String(), "--to", to, "--yes"}
	if status, said := f.run(args...); status != 1 || !strings.Contains(said, "no space left on device") {
		t.Errorf("status %d\n%s", status, said)
	}
	if found := filesBelow(t, to); len(found) > 0 {
		t.Errorf("there is %v", slices.Collect(maps.Keys(found)))
	}
	// With room for it, the same command works.
	if status, said := f.run(append(args, "--path", "small.txt")...); status != 0 || filesBelow(t, to)["shared/small.txt"] != "fits" {
		t.Errorf("status %d\n%s", status, said)
	}
}
