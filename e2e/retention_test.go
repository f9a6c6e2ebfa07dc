package e2e

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/bucket"
	"fanfare/internal/mail/mailtest"
)

const oneDay = 24 * time.Hour

// later lets time go by: all that has happened to workspaces and backups is moved into the past, with the files.
func (s *system) later(t testing.TB, days int) {
	t.Helper()
	by := time.Duration(days) * oneDay
	// Nobody may be looking at files of whose rows the time is another.
	eventually(t, time.Minute, "no workspace is being looked after", func() bool {
		return one[bool](t, s, `select not exists (select from river.river_job where kind in ('workspace', 'backup', 'drill') and state not in ('completed', 'cancelled', 'discarded'))
			and not exists (select from backups where state in ('queued', 'running', 'deleting')) and not exists (select from workspaces where state = 'new')`)
	})
	if err := filepath.WalkDir(s.workspaces, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		at := info.ModTime().Add(-by)
		return os.Chtimes(path, at, at)
	}); err != nil {
		t.Fatal(err)
	}
	tx, err := s.super.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }() // nothing, once it is committed
	for _, statement := range []string{
		`update workspaces set last_used_at = last_used_at - $1::interval, announced_at = announced_at - $1::interval, measured_at = measured_at - $1::interval,
			archived_at = archived_at - $1::interval`,
		"update backups set created_at = created_at - $1::interval, started_at = started_at - $1::interval, finished_at = finished_at - $1::interval",
		"update backup_status set night = night - $1::interval, drilled_at = drilled_at - $1::interval, last_good_at = last_good_at - $1::interval",
	} {
		if _, err := tx.Exec(t.Context(), "set local session_replication_role = replica"); err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), statement, by); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

type workspaceAnswer struct {
	State       string
	Bytes       int64
	AnnouncedAt *time.Time `json:"announced_at"`
	ArchivedAt  *time.Time `json:"archived_at"`
}

// get is what the API says of the workspace. To ask is not to use it.
func (f *filer) get(t testing.TB) workspaceAnswer {
	t.Helper()
	return call[workspaceAnswer](t, f.owner, http.MethodGet, f.path+"/workspaces/"+f.workspace, nil)
}

func (f *filer) becomes(t testing.TB, what string, so func(w workspaceAnswer) bool) {
	t.Helper()
	eventually(t, time.Minute, "the workspace is "+what, func() bool { return so(f.get(t)) })
}

func (f *filer) becomesState(t testing.TB, state string) {
	t.Helper()
	f.becomes(t, state, func(w workspaceAnswer) bool { return w.State == state })
}

func announced(w workspaceAnswer) bool { return w.State == "active" && w.AnnouncedAt != nil }

// inUse expects that the workspace is in use, and that nothing else is said of it.
func (f *filer) inUse(t testing.TB) {
	t.Helper()
	// Once it is measured anew, whoever looks after workspaces has seen it.
	eventually(t, time.Minute, "the workspace is measured", func() bool {
		return one[bool](t, f.s, "select measured_at > now() - interval '1 hour' from workspaces where id = $1", f.workspace)
	})
	if w := f.get(t); w.State != "active" || w.AnnouncedAt != nil {
		t.Errorf("the workspace is %s, announced at %v", w.State, w.AnnouncedAt)
	}
	f.same(t, "in use", f.now, treeOf(t, f.dir))
}

// back expects that the workspace comes back to whoever uses it, with everything that was in it.
func (f *filer) back(t testing.TB) {
	t.Helper()
	if _, err := os.Lstat(f.dir); !os.IsNotExist(err) {
		t.Errorf("the directory of an archived workspace is there: %v", err)
	}
	first := f.owner.expect(t, http.StatusConflict, http.MethodGet, f.files, nil)
	if first.header.Get("Retry-After") == "" || !strings.Contains(string(first.body), "brought back") {
		t.Errorf("whoever comes back is told: %v %s", first.header, first.body)
	}
	eventually(t, time.Minute, "the workspace is back", func() bool {
		return f.owner.do(t, http.MethodGet, f.files, nil).status == http.StatusOK
	})
	f.same(t, "back", f.now, treeOf(t, f.dir))
	for name, text := range f.now {
		if got := f.owner.expect(t, http.StatusOK, http.MethodGet, f.files+"/content?path="+name, nil); string(got.body) != text {
			t.Errorf("%s is back as %d bytes of %d", name, len(got.body), len(text))
		}
	}
	f.archivesGone(t)
	f.becomesState(t, "active")
}

func (f *filer) archivesGone(t testing.TB) {
	t.Helper()
	dir := filepath.Join(f.s.backups, filepath.FromSlash(bucket.Archives(f.id)))
	eventually(t, time.Minute, "nothing is left of its archive", func() bool {
		return len(filesOf(t, dir)) == 0 && one[bool](t, f.s, "select archive_id is null from workspaces where id = $1", f.workspace)
	})
}

// What becomes of workspaces that nobody uses, from end to end: announced after 90 days, archived a fortnight later, back when somebody comes, and deleted after a year
// in which nobody did. One customer has days of its own, another is under a legal hold.
func TestUnusedWorkspaceEndToEnd(t *testing.T) {
	t.Parallel()
	mails := mailtest.Start(t, mailtest.Options{NoTLS: true})
	s := newSystem(t, options{backups: true, env: []string{
		"FANFARE_SMTP_URL=smtp://" + mails.Addr + "?tls=none", "FANFARE_MAIL_FROM=Fanfare <fanfare@agency.example>", "FANFARE_PUBLIC_URL=https://app.agency.example",
	}})
	shared, own, held := s.newFiler(t), s.newFiler(t), s.newFiler(t)
	chat := *shared
	chat.now = content{}
	space := (&brand{s: s, owner: shared.owner, id: shared.id.String(), path: shared.path}).newSpace(t)
	chat.workspace = one[string](t, s, "select id::text from workspaces where space_id = $1", space)
	chat.files, chat.dir = chat.path+"/workspaces/"+chat.workspace+"/files", filepath.Join(s.workspaces, chat.id.String(), "spaces", uuid.MustParse(space).String())
	patch := func(f *filer, body map[string]any) {
		t.Helper()
		f.owner.expect(t, http.StatusOK, http.MethodPatch, f.path+"/workspace-policy", body)
	}
	patch(own, map[string]any{"unused_days": 10, "archive_days": 5})
	patch(held, map[string]any{"legal_hold": true, "hold_reason": "A lawsuit"})
	for _, f := range []*filer{shared, own, held, &chat} {
		f.write(t, "briefs/june.md", "roses")
		f.write(t, "empty.txt", "")
		f.write(t, "long.txt", noise(200_000))
	}
	told := func(f *filer) (texts []string) {
		email := call[meAnswer](t, f.owner, http.MethodGet, "/v1/me", nil).Email
		for _, m := range mails.Messages() {
			if strings.EqualFold(m.To, email) {
				texts = append(texts, m.Text)
			}
		}
		return texts
	}

	// Ten days are enough for one of them.
	s.later(t, 11)
	own.becomes(t, "announced", announced)
	eventually(t, 30*time.Second, "its owner is told", func() bool { return len(told(own)) == 1 })
	s.later(t, 15)
	own.becomesState(t, "archived")
	own.back(t)
	s.later(t, 11)
	own.becomes(t, "announced", announced)
	s.later(t, 15)
	own.becomesState(t, "archived")
	s.later(t, 6)
	own.becomesState(t, "deleted")
	own.archivesGone(t)
	for _, f := range []*filer{shared, held, &chat} {
		f.inUse(t)
	}

	// 89 days, and 91.
	s.later(t, 89-11-15-11-15-6)
	for _, f := range []*filer{shared, held, &chat} {
		f.inUse(t)
	}
	if n := len(told(shared)); n != 0 {
		t.Errorf("after 89 days %d e-mails are sent", n)
	}
	s.later(t, 2)
	shared.becomes(t, "announced", announced)
	chat.becomes(t, "announced", announced)
	eventually(t, 30*time.Second, "its owner is told of both", func() bool { return len(told(shared)) == 2 })
	for _, text := range told(shared) {
		if !strings.Contains(text, "https://app.agency.example/workspaces") {
			t.Errorf("the e-mail leads nowhere: %s", text)
		}
	}
	// One of them is used after all.
	shared.write(t, "new.txt", "I am still here.")
	shared.inUse(t)
	s.later(t, 13)
	chat.becomes(t, "announced still", announced)
	s.later(t, 2)
	chat.becomesState(t, "archived")
	shared.inUse(t)
	chat.back(t)

	// Nobody comes.
	s.later(t, 91)
	chat.becomes(t, "announced", announced)
	shared.becomes(t, "announced", announced)
	shared.write(t, "new.txt", "I am still here!")
	s.later(t, 15)
	chat.becomesState(t, "archived")
	shared.inUse(t)
	for range 6 { // somebody uses the other all the time
		s.later(t, 60)
		shared.write(t, "new.txt", noise(10))
	}
	chat.becomesState(t, "archived")
	s.later(t, 6)
	chat.becomesState(t, "deleted")
	chat.archivesGone(t)

	// Whoever comes now begins anew.
	if files := call[struct{ Items []any }](t, chat.owner, http.MethodGet, chat.files, nil); len(files.Items) != 0 {
		t.Errorf("in a workspace that was deleted there are %v", files.Items)
	}
	chat.now = content{}
	chat.write(t, "again.txt", "tulips")
	chat.inUse(t)

	// All the while nothing was done under the hold, nor may an admin; when it is lifted, things take their course.
	held.inUse(t)
	held.owner.expect(t, http.StatusConflict, http.MethodPost, held.path+"/workspaces/"+held.workspace+"/archive", nil)
	patch(held, map[string]any{"legal_hold": false})
	held.becomes(t, "announced", announced)

	// An admin archives one at once, and a member may not.
	member := s.person(t)
	if _, err := s.super.Exec(t.Context(), "insert into memberships (customer_id, user_id, role) values ($1, $2, 'member')", shared.id,
		call[meAnswer](t, member, http.MethodGet, "/v1/me", nil).ID); err != nil {
		t.Fatal(err)
	}
	member.expect(t, http.StatusForbidden, http.MethodPost, shared.path+"/workspaces/"+shared.workspace+"/archive", nil)
	shared.owner.expect(t, http.StatusAccepted, http.MethodPost, shared.path+"/workspaces/"+shared.workspace+"/archive", nil)
	shared.becomesState(t, "archived")
	shared.back(t)
}
