package jobs

import (
	"os"
	"testing"
	"time"

	"filippo.io/age"
	"github.com/google/uuid"
	"golang.org/x/sys/unix"

	"fanfare/db/dbtest"
	"fanfare/internal/backup"
	"fanfare/queries"
)

// settled waits until a file was changed so long ago that its ctime is believed.
func settled(t *testing.T, path string) {
	t.Helper()
	await(t, func() (bool, string) {
		var stat unix.Stat_t
		must(t, unix.Stat(path, &stat))
		return time.Since(time.Unix(stat.Ctim.Unix())) > 1100*time.Millisecond, "it changes all the time"
	})
}

// mapped maps a file as a program does.
func mapped(t *testing.T, path string) []byte {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	defer file.Close()
	info, err := file.Stat()
	must(t, err)
	memory, err := unix.Mmap(int(file.Fd()), 0, int(info.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	must(t, err)
	t.Cleanup(func() { _ = unix.Munmap(memory) })
	return memory
}

// What a program writes to a file that it has mapped is in the next backup.
func TestBackupOfMappedFile(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	p.program(nil, "file", "w0")
	memory := mapped(t, p.at(nil, "file"))
	copy(memory, "w1")
	settled(t, p.at(nil, "file"))
	p.backUp()
	copy(memory, "w2")
	second := p.backUp()
	if scan[bool](p.bundle, "select is_full from backups where id = $1", second) {
		t.Error("the second backup stored everything anew")
	}
	must(t, os.Remove(p.at(nil, "file")))
	if state, _, problem := p.restore(map[string]any{"backup_id": second}); state != "done" || p.tree(nil)["file"] != "w2" {
		t.Errorf("%s %s: %v", state, problem, p.tree(nil))
	}
}

// What programs change after the archive was written is seen once the workspace is set aside, however they hide it; also where nobody can read the archive.
func TestArchiveIsOfWhatIsThere(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	must(t, err)
	for name, identities := range map[string][]age.Identity{"compared": {identity}, "without an identity": nil} {
		t.Run(name, func(t *testing.T) {
			p := setup(t).withFiles()
			must(t, p.store.Create(p.customer.ID, uuid.NullUUID{}))
			path := p.at(nil, "file")
			p.program(nil, "file", "w0")
			memory := mapped(t, path)
			c := &caring{
				workspaceWorker: &workspaceWorker{fileStores: &fileStores{workspaces: p.store, backups: p.backups, config: BackupConfig{
					Recipients: []backup.Recipient{identity.Recipient()}, Identities: identities,
				}}},
				customerID: p.customer.ID, row: queries.WorkspaceForWorkerRow{ID: dbtest.NewID(t)},
			}
			// archived tells whether the workspace is what its archive has, which was written before a change.
			archived := func(change func()) bool {
				t.Helper()
				settled(t, path)
				directory, err := p.store.Open(p.customer.ID, uuid.NullUUID{})
				must(t, err)
				defer directory.Close()
				id, began, repository := uuid.New(), time.Now(), c.archives()
				result, err := repository.Write(t.Context(), backup.WriteOptions{
					ID: id, Kind: "archive", Now: began, Full: true, Sources: []backup.NamedSource{{Name: sharedSource, Source: newWorkspaceTree(directory)}},
				})
				must(t, err)
				change()
				same, err := c.aside(t.Context(), repository, id, result.ManifestSHA256, began)
				must(t, err)
				must(t, c.back())
				return same
			}
			copy(memory, "w1")
			if !archived(func() {}) {
				t.Error("what is in the archive is not believed to be")
			}
			copy(memory, "w2")
			if archived(func() { copy(memory, "w3") }) {
				t.Error("what was written to a mapped file would be lost")
			}
			if archived(func() {
				info, err := os.Stat(path)
				must(t, err)
				p.program(nil, "file", "w4")
				must(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
			}) {
				t.Error("a file that was written, and its time set back, would be lost")
			}
		})
	}
}
