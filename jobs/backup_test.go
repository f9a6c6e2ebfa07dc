package jobs

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
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
)

const (
	backupState  = "select state from backups where id = $1"
	restoreState = "select state from restores where id = $1"
)

// backUp makes a backup as an owner asks for it, and waits until it is ready.
func (p *places) backUp() uuid.UUID {
	p.t.Helper()
	id := dbtest.NewID(p.t)
	p.exec("insert into backups (customer_id, id) values ($1, $2)", p.customer.ID, id)
	eventually(p.bundle, "ready", backupState, id)
	return id
}

// restore plans a restore and, if it is planned, does it.
func (p *places) restore(sets map[string]any) (state string, plan restorePlan, problem string) {
	p.t.Helper()
	id, state, plan, problem := p.plan(sets)
	if state == "planned" {
		state, problem = p.begin(id)
	}
	return state, plan, problem
}

// plan plans a restore.
func (p *places) plan(sets map[string]any) (id uuid.UUID, state string, plan restorePlan, problem string) {
	p.t.Helper()
	id = dbtest.NewID(p.t)
	columns, values, args := "customer_id, id", "$1, $2", []any{p.customer.ID, id}
	for column, value := range sets {
		args = append(args, value)
		columns, values = columns+", "+column, fmt.Sprintf("%s, $%d", values, len(args))
	}
	p.exec(fmt.Sprintf("insert into restores (%s) values (%s)", columns, values), args...)
	state, problem = p.ended(id, "planned")
	if state == "planned" {
		if err := json.Unmarshal([]byte(scan[string](p.bundle, "select plan::text from restores where id = $1", id)), &plan); err != nil {
			p.t.Fatal(err)
		}
	}
	return id, state, plan, problem
}

// begin does a restore that is planned.
func (p *places) begin(id uuid.UUID) (state, problem string) {
	p.t.Helper()
	p.exec("update restores set state = 'queued' where id = $1", id)
	return p.ended(id, "done")
}

// ended waits until a restore has a state, or has failed.
func (p *places) ended(id uuid.UUID, want string) (state, problem string) {
	p.t.Helper()
	await(p.t, func() (bool, string) {
		state = scan[string](p.bundle, restoreState, id)
		return state == want || state == "failed", "the restore is " + state
	})
	return state, scan[string](p.bundle, "select coalesce(problem, '') from restores where id = $1", id)
}

// image makes a file that posts can show.
func (p *places) image(content string) uuid.UUID {
	p.t.Helper()
	id := dbtest.NewID(p.t)
	key := bucket.Media(p.customer.ID) + id.String()
	if err := p.media.Write(p.t.Context(), key, "image/png", func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	}); err != nil {
		p.t.Fatal(err)
	}
	p.exec("insert into media (customer_id, id, path, content_type, bytes, sha256) values ($1, $2, $3, 'image/png', $4, sha256($5))", p.customer.ID, id, key, len(content), []byte(content))
	return id
}

// shown is the content of a file that posts can show, "" if it is gone.
func (p *places) shown(id uuid.UUID) string {
	p.t.Helper()
	file, err := p.media.Read(p.t.Context(), bucket.Media(p.customer.ID)+id.String())
	if err != nil {
		return ""
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	if err != nil {
		p.t.Fatal(err)
	}
	return string(content)
}

// inUse makes the customer's workspaces ones that are in use, and starts a worker.
func (p *places) inUse() *Worker {
	p.t.Helper()
	w := p.worker()
	p.start(w)
	eventually(p.bundle, 0, "select count(*)::int from workspaces where state = 'new'")
	return w
}

// flip changes one bit of an object that a backup has written.
func (p *places) flip(prefix string, which func(key string) bool) string {
	p.t.Helper()
	var keys []string
	if err := p.backups.Each(p.t.Context(), prefix, func(key string) error {
		if which(key) {
			keys = append(keys, key)
		}
		return nil
	}); err != nil || len(keys) == 0 {
		p.t.Fatalf("%d objects, %v", len(keys), err)
	}
	key := keys[rand.N(len(keys))]
	path := filepath.Join(p.backupDir, filepath.FromSlash(key))
	content, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	content[rand.N(len(content))] ^= 1 << rand.N(8)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		p.t.Fatal(err)
	}
	return key
}

func TestBackupAndRestore(t *testing.T) {
	p := setup(t).withFiles()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	p.config.Backups.Recipients, p.config.Backups.Identities = []backup.Recipient{identity.Recipient()}, []age.Identity{identity}
	owner := p.Member(t, p.customer.ID, "owner")
	space := p.Space(t, dbtest.Space{CustomerID: p.customer.ID, PairedBy: owner.ID})
	other := p.second().Space(t, dbtest.Space{CustomerID: p.customer.ID, PairedBy: owner.ID})
	p.inUse()
	image := p.image("a picture of roses")
	p.program(nil, "briefs/june.md", "roses")
	p.program(nil, "briefs/july.md", "tulips")
	p.program(&space.ID, "notes.txt", "asked for lilies")
	if err := os.Symlink("/etc/passwd", p.at(nil, "link")); err != nil {
		t.Fatal(err)
	}
	before, chat := p.tree(nil), p.tree(&space.ID)
	first := p.backUp()
	if got := scan[string](p.bundle, "select files || ' ' || left_out || ' ' || is_full from backups where id = $1", first); got != "4 1 true" {
		t.Errorf("files, left out, full: %s", got)
	}
	if all := allOf(t, p.backupDir); strings.Contains(all, "roses") || strings.Contains(all, "june") {
		t.Error("the backup is not encrypted")
	}

	// Everything goes wrong.
	p.program(nil, "briefs/june.md", "weeds")
	p.program(nil, "new.md", "since then")
	must(t, os.Remove(p.at(nil, "briefs/july.md")))
	must(t, os.RemoveAll(p.at(&space.ID, "notes.txt")))
	must(t, p.media.DeleteAll(t.Context(), bucket.Media(p.customer.ID)+image.String()))
	second := p.backUp()
	if scan[bool](p.bundle, "select is_full from backups where id = $1", second) {
		t.Error("the second backup stored everything anew")
	}

	// Elsewhere first, only one directory of it.
	shared := p.workspaceID(nil)
	state, plan, problem := p.restore(map[string]any{"backup_id": first, "workspace_id": shared, "path": "briefs", "to_workspace_id": shared, "to_path": "back"})
	if state != "done" || plan.Create != 3 || plan.Replace+plan.Remove+plan.Unchanged != 0 {
		t.Errorf("%s %+v %s", state, plan, problem)
	}
	now := p.tree(nil)
	if now["back/briefs/june.md"] != "roses" || now["briefs/june.md"] != "weeds" || now["new.md"] != "since then" {
		t.Errorf("there is: %v", now)
	}
	must(t, os.RemoveAll(p.at(nil, "back")))

	// Then everything, to where it was; what is new stays.
	state, plan, problem = p.restore(map[string]any{"backup_id": first})
	want := backup.Counts{Create: 2, Replace: 2, Bytes: int64(len("tulips" + "roses" + "asked for lilies" + "a picture of roses"))}
	if state != "done" || plan.Counts != want {
		t.Errorf("%s %+v, want %+v; %s", state, plan.Counts, want, problem)
	}
	before["new.md"] = "since then"
	if diff := cmp.Diff(before, p.tree(nil)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(chat, p.tree(&space.ID)); diff != "" {
		t.Error(diff)
	}
	if got := p.shown(image); got != "a picture of roses" {
		t.Errorf("the image is %q", got)
	}
	eventually(p.bundle, 3, "select count(*)::int from workspaces where customer_id = $1 and state = 'active'", p.customer.ID)
	if got, want := scan[int](p.bundle, "select bytes::int from workspaces where id = $1", shared), len("roses"+"tulips"+"since then")+len("/etc/passwd"); got != want && got != want-len("/etc/passwd") {
		t.Errorf("the workspace is counted as %d bytes, want %d", got, want)
	}

	// Exactly as it was.
	state, plan, _ = p.restore(map[string]any{"backup_id": first, "workspace_id": shared, "exact": true})
	if state != "done" || plan.Create+plan.Replace != 0 || plan.Remove == 0 {
		t.Errorf("%s %+v", state, plan)
	}
	delete(before, "new.md")
	delete(before, "link") // a link is in no backup
	if diff := cmp.Diff(before, p.tree(nil)); diff != "" {
		t.Error(diff)
	}
	_ = other

	// What is not there, or damaged, changes nothing.
	if state, _, problem := p.restore(map[string]any{"backup_id": first, "workspace_id": shared, "path": "nowhere"}); state != "failed" || !strings.Contains(problem, "nothing of what was chosen") {
		t.Errorf("%s %s", state, problem)
	}
	p.program(nil, "briefs/june.md", "weeds")
	p.flip(bucket.Backups(p.customer.ID), func(string) bool { return true })
	p.flip(bucket.Backups(p.customer.ID), func(key string) bool { return !strings.HasSuffix(key, "manifest") })
	if state, _, problem := p.restore(map[string]any{"backup_id": first, "workspace_id": shared}); state == "done" {
		if got := p.tree(nil)["briefs/june.md"]; got != "roses" {
			t.Errorf("restored from damage: %q", got)
		}
	} else if !strings.Contains(problem, "damaged") || p.tree(nil)["briefs/june.md"] != "weeds" {
		t.Errorf("%s %s, %v", state, problem, p.tree(nil))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Every night has a backup of everybody who has something, and those whose time is over go, with what only they have needed. With FANFARE_PROVE=1 45 nights,
// else 10.
func TestNights(t *testing.T) {
	p := setup(t).withFiles()
	p.config.Backups.Keep = backup.Policy{Daily: 7} // weeks and months have days of the calendar, which p.later does not move
	nothing, held := p.second(), p.second()
	p.exec("insert into workspace_policies (customer_id, legal_hold, hold_reason) values ($1, true, 'A lawsuit')", held.customer.ID)
	w := p.inUse()
	q := &places{bundle: held, dir: p.dir}
	for name, content := range map[string]string{"same.txt": "all the time", "other.txt": "first"} {
		p.program(nil, name, content)
		q.program(nil, name, content)
	}
	p.later(day) // whatever night it was, there is another
	ready := func(customer dbtest.Customer) int {
		return scan[int](p.bundle, "select count(*)::int from backups where customer_id = $1 and state = 'ready'", customer.ID)
	}
	nights, fulls := 10, 1
	if os.Getenv("FANFARE_PROVE") == "1" {
		nights, fulls = 45, 2
	}
	for night := range nights {
		want := min(night+1, 7)
		must(t, w.beginNight(t.Context()))
		for _, customer := range []dbtest.Customer{p.customer, held.customer} {
			eventually(p.bundle, true, "select exists (select from backups where customer_id = $1 and state = 'ready' and finished_at > now() - interval '12 hours')", customer.ID)
		}
		eventually(p.bundle, "", "select coalesce(string_agg(state, ' '), '') from backups where state <> 'ready'")
		eventually(p.bundle, 0, "select count(*)::int from river.river_job where kind = 'backup' and state not in ('completed', 'cancelled', 'discarded')")
		if got := ready(p.customer); got < want {
			t.Fatalf("after %d nights there are %d backups", night+1, got)
		}
		p.program(nil, "other.txt", fmt.Sprint("night ", night))
		p.later(day)
	}
	if got := ready(p.customer); got < 7 || got > 8 {
		t.Errorf("%d backups are kept, of 7 days", got)
	}
	if got := ready(held.customer); got < nights-1 {
		t.Errorf("of the customer under a hold %d backups are kept", got)
	}
	if n := scan[int](p.bundle, "select count(*)::int from backups where customer_id = $1", nothing.customer.ID); n != 0 {
		t.Errorf("there are %d backups of nothing", n)
	}
	objects, err := p.backups.Count(t.Context(), bucket.Backups(p.customer.ID))
	if err != nil || objects > int64(3*ready(p.customer)+5) {
		t.Errorf("%d objects are kept, %v", objects, err)
	}
	if full := scan[int](p.bundle, "select count(*)::int from backups where customer_id = $1 and is_full", held.customer.ID); full != fulls {
		t.Errorf("in %d nights everything was stored anew %d times", nights, full)
	}
	// The oldest of all can still be restored.
	oldest := scan[uuid.UUID](p.bundle, "select id from backups where customer_id = $1 and state = 'ready' order by finished_at limit 1", p.customer.ID)
	must(t, os.Remove(p.at(nil, "same.txt")))
	if state, _, problem := p.restore(map[string]any{"backup_id": oldest, "workspace_id": p.workspaceID(nil)}); state != "done" || p.tree(nil)["same.txt"] != "all the time" {
		t.Errorf("%s %s %v", state, problem, p.tree(nil))
	}
}

// A drill tells a backup that can be restored from one that cannot, and the next backup relies on nothing that is damaged.
func TestDrill(t *testing.T) {
	p := setup(t).withFiles()
	p.config.Backups.DrillEvery = 7 * day
	p.inUse()
	p.program(nil, "a.txt", strings.Repeat("roses ", 1000))
	p.image("a picture")
	first := p.backUp()
	eventually(p.bundle, "good 2", "select state || ' ' || coalesce(files, 0) from drills where backup_id = $1", first)
	eventually(p.bundle, true, "select last_good_drill_at is not null from backup_status where customer_id = $1", p.customer.ID)
	if left, err := os.ReadDir(filepath.Join(p.dir, p.customer.ID.String(), "scratch")); err != nil || len(left) != 0 {
		t.Errorf("left of the drill: %v %v", left, err)
	}
	flipped := p.flip(bucket.Backups(p.customer.ID), func(key string) bool { return !strings.HasSuffix(key, "manifest") })
	p.later(8 * day)
	eventually(p.bundle, "failed", "select state from drills where backup_id = $1 order by id desc limit 1", first)
	eventually(p.bundle, true, "select damaged_at is not null and last_failed_drill_at is not null from backups b join backup_status s using (customer_id) where b.id = $1", first)
	if problem := scan[string](p.bundle, "select problem from drills where backup_id = $1 order by id desc limit 1", first); !strings.Contains(problem, "damaged") {
		t.Errorf("flipped %s: %s", flipped, problem)
	}
	if good := scan[*uuid.UUID](p.bundle, "select last_good_id from backup_status where customer_id = $1", p.customer.ID); good != nil {
		t.Errorf("the damaged backup is still the last good one")
	}
	second := p.backUp()
	if !scan[bool](p.bundle, "select is_full from backups where id = $1", second) {
		t.Error("the next backup relies on a damaged one")
	}
	p.later(8 * day)
	eventually(p.bundle, "good", "select coalesce((select d.state from drills d join backups b on b.id = d.backup_id where b.is_full and b.id <> $1 order by d.id desc limit 1), '')", first)
}

// A bucket that is away for some time delays backups; one that stays away fails them, and is told of.
func TestBackupBucketAway(t *testing.T) {
	p := setup(t).withFiles()
	p.inUse()
	p.program(nil, "a.txt", "roses")
	must(t, os.Chmod(p.backupDir, 0o755))
	away := p.backupDir + "-away"
	must(t, os.Rename(p.backupDir, away))
	must(t, os.WriteFile(p.backupDir, nil, 0o600)) // a file is in its place
	id := dbtest.NewID(t)
	p.exec("insert into backups (customer_id, id) values ($1, $2)", p.customer.ID, id)
	eventually(p.bundle, true, "select exists (select from river.river_job where kind = 'backup' and state = 'retryable')")
	if state := scan[string](p.bundle, backupState, id); state != "running" && state != "queued" {
		t.Errorf("the backup is %s", state)
	}
	must(t, os.Remove(p.backupDir))
	must(t, os.Rename(away, p.backupDir))
	p.exec("update river.river_job set scheduled_at = now() where state = 'retryable'")
	eventually(p.bundle, "ready", backupState, id)
	if time.Since(scan[time.Time](p.bundle, "select last_good_at from backup_status where customer_id = $1", p.customer.ID)) > time.Minute {
		t.Error("the status does not tell of it")
	}
}

// A worker that does not have all places of a customer's files leaves its backup to one that has, instead of writing one without them.
func TestBackupElsewhere(t *testing.T) {
	for name, without := range map[string]func(p *places){
		"workspaces": func(p *places) { p.store = nil },
		"media":      func(p *places) { p.media = nil },
	} {
		t.Run("without "+name, func(t *testing.T) {
			p := setup(t).withFiles()
			must(t, p.store.Create(p.customer.ID, uuid.NullUUID{}))
			p.exec("update workspaces set state = 'active'")
			p.program(nil, "a.txt", "roses")
			p.image("a picture")
			id := dbtest.NewID(t)
			p.exec("insert into backups (customer_id, id) values ($1, $2)", p.customer.ID, id)
			store, media := p.store, p.media
			without(p)
			w := p.worker()
			p.start(w)
			eventually(p.bundle, true, "select exists (select from river.river_job where kind = 'backup' and metadata ? 'snoozes')")
			must(t, w.Stop(t.Context()))
			if state := scan[string](p.bundle, backupState, id); state != "queued" {
				t.Errorf("the backup is %s", state)
			}
			p.store, p.media = store, media
			p.exec("update river.river_job set scheduled_at = now() where kind = 'backup'")
			p.start(p.worker())
			eventually(p.bundle, "ready 2", "select state || ' ' || coalesce(files, 0) from backups where id = $1", id)
		})
	}
}
