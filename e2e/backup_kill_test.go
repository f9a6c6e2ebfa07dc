package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"fanfare/internal/backup"
	"fanfare/internal/bucket"
)

// content is what is in files, by their paths.
type content map[string]string

// treeOf is what the files of a directory hold, without what Fanfare keeps there for itself; nil: there is none.
func treeOf(t testing.TB, dir string) content {
	t.Helper()
	if _, err := os.Lstat(dir); os.IsNotExist(err) {
		return nil
	}
	found := content{}
	if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(dir, path)
		switch {
		case err != nil:
			return err
		case name == ".fanfare":
			return fs.SkipDir
		case e.IsDir():
			return nil
		}
		bytes, err := os.ReadFile(path)
		found[name] = string(bytes)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// filesOf are the names of all files below a directory, without directories.
func filesOf(t testing.TB, dir string) (names []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			name, _ := filepath.Rel(dir, path)
			names = append(names, filepath.ToSlash(name))
		}
		if os.IsNotExist(err) {
			return nil
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return names
}

func lengthsOf(c content) map[string]string {
	short := map[string]string{}
	for name, text := range c {
		short[name] = fmt.Sprintf("%d bytes, %.12q…", len(text), text)
	}
	return short
}

// filer is a customer with files, and what they must be.
type filer struct {
	s         *system
	owner     *client
	id        uuid.UUID
	path      string // /v1/customers/{id}
	workspace string
	files     string // path of the API
	dir       string

	now     content
	backups map[string]content // by the backups' ids, what they must hold
	// restoring is the restore that was started and is not known to be done, after what is there then.
	restoring string
	after     content
}

func (s *system) newFiler(t testing.TB) *filer {
	t.Helper()
	f := &filer{s: s, owner: s.person(t), now: content{}, backups: map[string]content{}}
	id := call[customerAnswer](t, f.owner, http.MethodPost, "/v1/customers", map[string]any{"name": uniqueName("Customer")}).ID
	f.id, f.path = uuid.MustParse(id), "/v1/customers/"+id
	f.workspace = one[string](t, s, "select id::text from workspaces where customer_id = $1 and space_id is null", id)
	f.files, f.dir = f.path+"/workspaces/"+f.workspace+"/files", filepath.Join(s.workspaces, id, "shared")
	f.owner.expect(t, http.StatusOK, http.MethodGet, f.files, nil) // which makes it
	return f
}

func (f *filer) state(t testing.TB) string {
	t.Helper()
	return one[string](t, f.s, "select state from workspaces where id = $1", f.workspace)
}

// write writes a file over the API.
func (f *filer) write(t testing.TB, name, text string) {
	t.Helper()
	f.owner.expect(t, http.StatusOK, http.MethodPut, f.files+"/text", map[string]any{"path": name, "content": text})
	f.now[name] = text
}

// program writes a file as a program does that has the workspace mounted.
func (f *filer) program(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o770); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o660); err != nil {
		t.Fatal(err)
	}
	f.now[name] = text
}

func (f *filer) remove(t testing.TB, name string) {
	t.Helper()
	f.owner.expect(t, http.StatusNoContent, http.MethodDelete, f.files+"?path="+url.QueryEscape(name), nil)
	delete(f.now, name)
}

// noise is text that hardly compresses.
func noise(size int) string {
	text := make([]byte, size)
	for i := range text {
		text[i] = 'a' + byte(rand.IntN(26))
	}
	return string(text)
}

// change changes some of the files.
func (f *filer) change(t testing.TB) {
	t.Helper()
	for range 4 {
		f.write(t, fmt.Sprintf("texts/%d.txt", rand.IntN(40)), noise(rand.IntN(20_000)))
		f.program(t, fmt.Sprintf("programs/%d/out.bin", rand.IntN(20)), noise(rand.IntN(40_000)))
	}
	if len(f.now) > 30 {
		for name := range f.now {
			f.remove(t, name)
			break
		}
	}
}

// repository is where the customer's backups, or archives, are.
func (f *filer) repository(t testing.TB, prefix string) *backup.Repository {
	t.Helper()
	store, err := bucket.OpenDirectory(f.s.backups)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return &backup.Repository{Store: store, Prefix: prefix, CustomerID: f.id}
}

// stored expects that a backup or archive is whole and holds what it must. It gives its objects.
func (f *filer) stored(t testing.TB, prefix string, id uuid.UUID, sum string, want content) (objects []string) {
	t.Helper()
	repository := f.repository(t, prefix)
	defer func() { _ = repository.Store.(*bucket.Bucket).Close() }()
	manifest, err := repository.Open(t.Context(), id, sum)
	if err != nil {
		t.Errorf("what is said to be whole cannot be opened: %v", err)
		return nil
	}
	defer manifest.Close()
	to := t.TempDir()
	tree, err := backup.OpenTree(to)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := manifest.Plan(t.Context(), map[string]backup.Target{"shared": tree}, backup.Selection{}, backup.RestoreOptions{})
	if err == nil {
		err = plan.Stage(t.Context())
	}
	if err == nil {
		err = plan.Apply(t.Context())
	}
	if err != nil {
		t.Errorf("what is said to be whole cannot be restored: %v", err)
	} else {
		plan.Close()
	}
	if err := tree.Close(); err != nil {
		t.Error(err)
	}
	f.same(t, "stored", want, treeOf(t, to))
	if err := os.RemoveAll(to); err != nil {
		t.Error(err)
	}
	objects = []string{id.String() + "/manifest"}
	for _, use := range manifest.Uses() {
		for _, span := range use.Segments {
			for number := span[0]; number <= span[1]; number++ {
				objects = append(objects, fmt.Sprintf("%s/%08d", use.Backup, number))
			}
		}
	}
	return objects
}

func (f *filer) same(t testing.TB, what string, want, got content) {
	t.Helper()
	if !maps.Equal(want, got) {
		t.Errorf("customer %s: what is %s is not what it must be:\n%s", f.id, what, cmp.Diff(lengthsOf(want), lengthsOf(got)))
	}
}

// judge looks at everything while nothing moves.
func (f *filer) judge(t testing.TB, all bool) {
	t.Helper()
	type row struct {
		state, archive, sum, restore string
	}
	var r row
	if err := f.s.super.QueryRow(t.Context(), `select w.state, coalesce(w.archive_id::text, ''), coalesce(w.archive_sha256, ''),
			coalesce((select r.state from restores r where r.id::text = $2), '')
		from workspaces w where w.id = $1`, f.workspace, f.restoring).Scan(&r.state, &r.archive, &r.sum, &r.restore); err != nil {
		t.Fatal(err)
	}
	place, aside := treeOf(t, f.dir), treeOf(t, filepath.Join(f.s.workspaces, f.id.String(), "scratch", f.workspace))
	switch {
	case r.restore == "applying":
		if r.state != "restoring" {
			t.Errorf("while files are put in their places, the workspace is %s", r.state)
		}
		f.owner.expect(t, http.StatusConflict, http.MethodGet, f.files, nil)
		f.owner.expect(t, http.StatusConflict, http.MethodPut, f.files+"/text", map[string]any{"path": "new.txt", "content": "x"})
		for name, text := range place {
			if before, there := f.now[name]; (!there || text != before) && text != f.after[name] {
				t.Errorf("%s is neither what it was nor what it becomes", name)
			}
		}
		for name, text := range f.after {
			if _, there := place[name]; !there && f.now[name] == text {
				t.Errorf("%s is lost while others are put in their places", name)
			}
		}
	case r.restore == "done":
		f.same(t, "restored", f.after, place)
	case r.state == "active":
		f.same(t, "in the workspace", f.now, place)
	case r.state == "archiving":
		if place != nil && aside != nil {
			t.Error("the workspace is in two places")
		}
		if place == nil {
			place = aside
		}
		f.same(t, "being archived", f.now, place)
	case r.state == "archived", r.state == "returning":
		if place != nil {
			f.same(t, "back", f.now, place)
		}
		if r.state == "archived" && aside != nil {
			f.same(t, "set aside", f.now, aside)
		}
		f.stored(t, bucket.Archives(f.id), uuid.MustParse(r.archive), r.sum, f.now)
	default:
		t.Errorf("the workspace is %s", r.state)
	}
	f.judgeBackups(t, all)
}

// judgeBackups expects that what is said to be ready, or the newest of it, is whole. It gives the objects that are needed.
func (f *filer) judgeBackups(t testing.TB, all bool) (objects []string) {
	t.Helper()
	rows, err := f.s.super.Query(t.Context(), "select id::text, object_id, manifest_sha256 from backups where customer_id = $1 and state = 'ready' order by id desc limit $2",
		f.id, pick(all, 10_000, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, sum string
		var object uuid.UUID
		if err := rows.Scan(&id, &object, &sum); err != nil {
			t.Fatal(err)
		}
		want, known := f.backups[id]
		if !known {
			t.Errorf("nobody has asked for backup %s", id)
		}
		objects = append(objects, f.stored(t, bucket.Backups(f.id), object, sum, want)...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return objects
}

// keeping is what goes on while a worker is killed again and again: one change at a time, and none while somebody looks.
type keeping struct {
	s      *system
	moving sync.RWMutex // held by those who change something
	over   atomic.Bool

	backups, restores, archives, drills atomic.Int64
}

func (k *keeping) move(change func()) {
	k.moving.RLock()
	defer k.moving.RUnlock()
	change()
}

const keepingPatience = 3 * time.Minute

// anotherDay lets people ask again for what they may only ask for some times a day.
func (k *keeping) anotherDay(t testing.TB) {
	t.Helper()
	for _, sql := range []string{"update backups set created_at = created_at - interval '1 day' where requested_by is not null", "update workspaces set archive_asked = 0 where archive_asked > 0"} {
		if _, err := k.s.super.Exec(t.Context(), sql); err != nil {
			t.Error(err)
		}
	}
}

// backUp makes a backup.
func (k *keeping) backUp(t testing.TB, f *filer) (id string) {
	t.Helper()
	k.anotherDay(t)
	k.move(func() {
		id = call[struct{ ID string }](t, f.owner, http.MethodPost, f.path+"/backups", map[string]any{"full": rand.IntN(4) == 0}).ID
		f.backups[id] = maps.Clone(f.now)
	})
	var state string
	eventually(t, keepingPatience, "a backup is ready", func() bool {
		state = one[string](t, k.s, "select state from backups where id = $1", id)
		return state != "queued" && state != "running"
	})
	if state != "ready" {
		t.Errorf("a backup is %s: %s", state, one[string](t, k.s, "select coalesce(problem, '') from backups where id = $1", id))
	}
	k.backups.Add(1)
	return id
}

// restore puts a backup back over what has changed since.
func (k *keeping) restore(t testing.TB, f *filer, id string) {
	t.Helper()
	exact, restore := rand.IntN(2) == 0, ""
	state := func() string { return one[string](t, k.s, "select state from restores where id = $1", restore) }
	k.move(func() {
		restore = call[struct{ ID string }](t, f.owner, http.MethodPost, f.path+"/backups/"+id+"/restores", map[string]any{"workspace_id": f.workspace, "exact": exact}).ID
	})
	eventually(t, keepingPatience, "a restore is planned", func() bool { return state() != "planning" })
	k.move(func() {
		f.after = maps.Clone(f.now)
		if exact {
			f.after = content{}
		}
		maps.Copy(f.after, f.backups[id])
		f.restoring = restore
		f.owner.expect(t, http.StatusAccepted, http.MethodPost, f.path+"/restores/"+restore+"/start", nil)
	})
	eventually(t, keepingPatience, "a restore is done", func() bool { return state() == "done" || state() == "failed" })
	if state() != "done" {
		t.Errorf("a restore failed: %s", one[string](t, k.s, "select coalesce(problem, '') from restores where id = $1", restore))
	}
	k.move(func() { f.now, f.restoring = f.after, "" })
	k.restores.Add(1)
}

// archive has the workspace archived, and comes back.
func (k *keeping) archive(t testing.TB, f *filer) {
	t.Helper()
	k.anotherDay(t)
	k.move(func() {
		f.owner.expect(t, http.StatusAccepted, http.MethodPost, f.path+"/workspaces/"+f.workspace+"/archive", nil)
	})
	eventually(t, keepingPatience, "a workspace is archived", func() bool { return f.state(t) != "archiving" })
	if state := f.state(t); state != "archived" {
		t.Errorf("the workspace is %s: %s", state, one[string](t, k.s, "select coalesce(problem, '') from workspaces where id = $1", f.workspace))
	}
	// Every other time the directory that was set aside has been removed meanwhile, as it is some time later, so that the archive is unpacked.
	if k.archives.Load()%2 == 0 {
		if err := os.RemoveAll(filepath.Join(k.s.workspaces, f.id.String(), "scratch", f.workspace)); err != nil {
			t.Error(err)
		}
	}
	eventually(t, keepingPatience, "a workspace is back", func() (back bool) {
		k.move(func() { back = f.owner.do(t, http.MethodGet, f.files, nil).status == http.StatusOK })
		return back
	})
	k.archives.Add(1)
}

// drill has the last backup restored elsewhere.
func (k *keeping) drill(t testing.TB, f *filer) {
	t.Helper()
	before := one[int](t, k.s, "select count(*) from drills where customer_id = $1 and state = 'good'", f.id)
	k.move(func() {
		if _, err := k.s.super.Exec(context.Background(), "update backup_status set drilled_at = '-infinity' where customer_id = $1", f.id); err != nil {
			t.Error(err)
		}
	})
	eventually(t, keepingPatience, "a drill is done", func() bool {
		return one[int](t, k.s, "select count(*) from drills where customer_id = $1 and state = 'good'", f.id) > before
	})
	k.drills.Add(1)
}

// live is what a customer does until it is over.
func (k *keeping) live(t testing.TB, f *filer) {
	t.Helper()
	for round := rand.IntN(3); !k.over.Load() && !t.Failed(); round++ {
		k.move(func() { f.change(t) })
		k.backUp(t, f)
		switch round % 3 {
		case 0:
			k.move(func() { f.change(t) })
			k.restore(t, f, slices.Collect(maps.Keys(f.backups))[rand.IntN(len(f.backups))])
		case 1:
			k.archive(t, f)
		case 2:
			k.drill(t, f)
		}
	}
}

// moments are when a worker is killed: at any time, or a little after something is under way.
var moments = []struct{ name, under string }{
	{"at random", "select true"},
	{"while a backup is written", "select exists (select from backups where state = 'running')"},
	{"before files are put in their places", "select exists (select from restores where state = 'running')"},
	{"while files are put in their places", "select exists (select from restores where state = 'applying')"},
	{"while a workspace is archived", "select exists (select from workspaces where state = 'archiving')"},
	{"just after it was archived", "select exists (select from workspaces where state = 'archived')"},
	{"while a workspace is brought back", "select exists (select from workspaces where state = 'returning')"},
	{"just after it is back", "select exists (select from workspaces where state = 'active' and archive_id is not null)"},
	{"during a drill", "select exists (select from drills where state = 'running')"},
}

// kill -9 of the worker at any moment of backups, restores, drills, and of the archiving and bringing back of workspaces: nothing half is ever taken for a whole one,
// nothing is lost, and in the end nothing is left over.
func TestBackupSurvivesKill(t *testing.T) {
	t.Parallel()
	wanted := pick(proving(), 90, 6)
	s := newSystem(t, options{noWorker: true, backups: true, workerArgs: []string{"--lease", "1s"}, env: []string{"FANFARE_BACKUP_RATE=2000000"}})
	k := &keeping{s: s}
	filers := make([]*filer, 3)
	first := s.startWorker(t)
	for i := range filers {
		filers[i] = s.newFiler(t)
		// No night comes: what a backup holds is known because somebody has asked for it.
		if _, err := s.super.Exec(t.Context(), "insert into backup_status (customer_id, night) values ($1, '2999-01-01') on conflict (customer_id) do update set night = excluded.night", filers[i].id); err != nil {
			t.Fatal(err)
		}
	}
	var lives sync.WaitGroup
	defer lives.Wait()
	defer k.over.Store(true)
	for _, f := range filers {
		lives.Go(func() { k.live(t, f) })
	}
	began, kills := time.Now(), map[string]int{}
	for worker := first; len(kills) == 0 || sum(kills) < wanted; worker = s.startWorker(t) {
		moment := moments[sum(kills)%len(moments)]
		name := "at random"
		for deadline := time.Now().Add(4 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
			if one[bool](t, s, moment.under) {
				name = moment.name
				break
			}
		}
		time.Sleep(rand.N(pick(name == "at random", 1500*time.Millisecond, 120*time.Millisecond)))
		worker.kill()
		kills[name]++
		k.moving.Lock()
		eventually(t, 20*time.Second, "the dead worker's transactions are over", func() bool {
			return one[int](t, s, "select count(*) from pg_stat_activity where datname = current_database() and usename = 'fanfare_worker'") == 0
		})
		for _, f := range filers {
			f.judge(t, false)
		}
		k.moving.Unlock()
		if t.Failed() {
			return
		}
	}
	took := time.Since(began)
	k.over.Store(true)
	lives.Wait()
	k.settle(t, filers)
	fmt.Printf("%s: %d kills in %s (%v), %d backups, %d restores, %d archived and brought back, %d drills; nothing lost, nothing half, nothing left over\n",
		t.Name(), sum(kills), took.Round(time.Second), kills, k.backups.Load(), k.restores.Load(), k.archives.Load(), k.drills.Load())
	for _, moment := range moments {
		if proving() && kills[moment.name] == 0 {
			t.Errorf("no kill %s", moment.name)
		}
	}
	if problems := one[string](t, s, `select coalesce(string_agg(distinct e ->> 'error', '; '), 'none') from river.river_job, unnest(errors) e`); problems != "none" {
		t.Logf("errors of jobs: %s", problems)
	}
}

func sum(counts map[string]int) (all int) {
	for _, n := range counts {
		all += n
	}
	return all
}

// settle expects that in the end, when a day has gone by, nothing is left that no row tells of, and that everything is counted right.
func (k *keeping) settle(t testing.TB, filers []*filer) {
	t.Helper()
	for _, f := range filers {
		k.backUp(t, f) // which sweeps
	}
	if _, err := k.s.super.Exec(t.Context(), "update workspaces set measured_at = now() - interval '2 days' where state = 'active'"); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "everything is measured", func() bool {
		return one[bool](t, k.s, "select not exists (select from workspaces where state <> 'active' or measured_at < now() - interval '1 day' or archive_id is not null)")
	})
	k.s.checkSettled(t)
	for _, f := range filers {
		f.judge(t, true)
		f.counted(t)
		needed := f.judgeBackups(t, true)
		for _, object := range filesOf(t, filepath.Join(k.s.backups, filepath.FromSlash(bucket.Backups(f.id)))) {
			if !slices.Contains(needed, object) {
				t.Errorf("no backup needs %s", object)
			}
		}
		for what, dir := range map[string]string{
			"archives": filepath.Join(k.s.backups, filepath.FromSlash(bucket.Archives(f.id))), "temporary": filepath.Join(k.s.workspaces, f.id.String(), "scratch"),
			"staged": filepath.Join(f.dir, ".fanfare"),
		} {
			if left := filesOf(t, dir); len(left) > 0 {
				t.Errorf("left of what is %s: %v", what, left)
			}
		}
	}
}

// counted expects that a workspace's row says what is in its directory, and that nothing holds room.
func (f *filer) counted(t testing.TB) {
	t.Helper()
	var bytes, entries int64
	if err := filepath.WalkDir(f.dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == f.dir:
			return nil
		case e.Name() == ".fanfare":
			return fs.SkipDir
		}
		entries++
		if !e.IsDir() {
			info, err := e.Info()
			if err != nil {
				return err
			}
			bytes += info.Size()
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := one[string](t, f.s, "select bytes || ' bytes, ' || entries || ' entries' from workspaces where id = $1", f.workspace); got != fmt.Sprintf("%d bytes, %d entries", bytes, entries) {
		t.Errorf("the workspace is counted as %s; it has %d bytes, %d entries", got, bytes, entries)
	}
	if policy := call[struct{ Bytes int64 }](t, f.owner, http.MethodGet, f.path+"/workspace-policy", nil); policy.Bytes != bytes {
		t.Errorf("the quota counts %d bytes of %d", policy.Bytes, bytes)
	}
	if n := one[int](t, f.s, "select count(*) from file_changes where customer_id = $1", f.id); n != 0 {
		t.Errorf("%d changes hold room", n)
	}
}

// upload writes a file whose bytes come as they come. It is answered, or the API dies.
func (f *filer) upload(name string, body io.Reader) (status int, err error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPut, f.owner.base()+f.files+"/content?path="+url.QueryEscape(name), body)
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+f.owner.token)
	request.Header.Set("Content-Type", "application/octet-stream")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// The API is killed in the middle of uploads, and after a file was put in its place and before it is counted: nobody sees a half file, and a few minutes later the
// counts are right and nothing is left.
func TestUploadSurvivesKillOfAPI(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{})
	f := s.newFiler(t)
	rounds := pick(proving(), 30, 4)
	inUpload, uncounted := 0, 0
	for round := range rounds {
		f.write(t, "kept.txt", noise(5_000))
		before := f.now["kept.txt"]
		answered := make(chan error, 1)
		if round%2 == 0 {
			part, whole := io.Pipe()
			go func() {
				_, err := f.upload("kept.txt", part)
				answered <- err
			}()
			go func() {
				for {
					if _, err := whole.Write(bytes.Repeat([]byte("half "), 2_000)); err != nil {
						return
					}
				}
			}()
			eventually(t, 20*time.Second, "some of a file has arrived", func() bool { return len(filesOf(t, filepath.Join(f.dir, ".fanfare"))) > 0 })
			time.Sleep(rand.N(100 * time.Millisecond))
			s.serve.kill()
			_ = part.CloseWithError(io.ErrClosedPipe)
			inUpload++
		} else {
			// What is noted in the log last waits, so that the file is in its place and not counted.
			tx, err := s.super.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(t.Context(), "lock table audit_log in share row exclusive mode"); err != nil {
				t.Fatal(err)
			}
			text := noise(20_000)
			go func() {
				_, err := f.upload("kept.txt", strings.NewReader(text))
				answered <- err
			}()
			eventually(t, 20*time.Second, "the file is in its place", func() bool { return treeOf(t, f.dir)["kept.txt"] == text })
			s.serve.kill()
			if err := tx.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}
			before = text
			uncounted++
		}
		if err := <-answered; err == nil {
			t.Error("an upload was answered by an API that is dead")
		}
		eventually(t, 20*time.Second, "the dead API's transactions are over", func() bool {
			return one[int](t, s, "select count(*) from pg_stat_activity where datname = current_database() and usename = 'fanfare_login' and state = 'active'") == 0
		})
		s.startServe(t)
		f.now["kept.txt"] = before
		f.same(t, "there after the kill", f.now, treeOf(t, f.dir))
		if n := one[int](t, s, "select count(*) from file_changes"); n != 1 {
			t.Errorf("%d changes hold room, not the one that was broken off", n)
		}
		if _, err := s.super.Exec(t.Context(), "update file_changes set touched_at = touched_at - interval '3 minutes'"); err != nil {
			t.Fatal(err)
		}
		eventually(t, 30*time.Second, "the workspace is measured anew", func() bool { return one[int](t, s, "select count(*) from file_changes") == 0 })
		eventually(t, 30*time.Second, "the job is over", func() bool {
			return one[int](t, s, "select count(*) from river.river_job where kind = 'workspace' and state not in ('completed', 'cancelled', 'discarded')") == 0
		})
		f.counted(t)
		if left := filesOf(t, filepath.Join(f.dir, ".fanfare")); len(left) > 0 {
			t.Errorf("left of an upload: %v", left)
		}
		if t.Failed() {
			return
		}
	}
	fmt.Printf("%s: %d kills in the middle of uploads, %d between a file and its count; all counted right\n", t.Name(), inUpload, uncounted)
}
