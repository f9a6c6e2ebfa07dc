package api_test

import (
	"net/http"
	"strings"
	"testing"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// Who may do what with workspaces, their policy and backups.
func TestWorkspaceRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	ids := w.everything(t, c)
	get := func(path string) func(*testing.T, dbtest.User) answer {
		return func(t *testing.T, who dbtest.User) answer {
			return w.call(t, who, http.MethodGet, c.path("%s", path), nil)
		}
	}
	admins, people := statuses{200, 200, 403, 403, 200, 403, 403, 404}, statuses{200, 200, 403, 403, 200, 200, 200, 404}
	for path, want := range map[string]statuses{
		"/workspaces": reading, "/workspaces/" + ids["workspace_id"]: reading, "/workspaces/" + ids["workspace_id"] + "/files": reading,
		"/workspace-policy": people, "/backups": admins, "/backups/" + ids["backup_id"]: admins, "/backup-status": admins,
		"/restores": admins, "/restores/" + ids["restore_id"]: admins, "/drills": admins,
	} {
		t.Run(path, func(t *testing.T) { c.roles(t, want, get(path)) })
	}
	c.roles(t, statuses{202, 202, 403, 403, 202, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		w.exec(t, "delete from backups where state = 'queued'")
		return w.call(t, who, http.MethodPost, c.path("/backups"), m{"full": true})
	})
	c.roles(t, statuses{202, 202, 403, 403, 202, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		w.exec(t, "delete from restores where state = 'planning'")
		return w.call(t, who, http.MethodPost, c.path("/backups/%s/restores", ids["backup_id"]), m{"workspace_id": ids["workspace_id"], "path": "notes"})
	})
}

// Owners say how long workspaces are kept and set a legal hold; only system admins give room, and whoever changes what has changed is told.
func TestWorkspacePolicy(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	path := c.path("/workspace-policy")
	first := w.call(t, c.owner, http.MethodGet, path, nil).want(t, 200)
	if p := into[api.WorkspacePolicy](t, first); p.UnusedDays != 90 || p.NoticeDays != 14 || p.ArchiveDays != 365 || p.Quota != 5<<30 || p.Own || p.LegalHold {
		t.Errorf("at first: %+v", p)
	}
	patch := func(who dbtest.User, body m, headers ...string) answer {
		t.Helper()
		return w.call(t, who, http.MethodPatch, path, body, headers...)
	}
	patch(c.owner, m{}).want(t, 422)
	for _, body := range []m{{"unused_days": 0}, {"archive_days": 3651}, {"quota": -1}} {
		patch(c.owner, body).want(t, 422)
	}
	patch(c.owner, m{"legal_hold": true}).wantAt(t, "body.hold_reason")
	patch(c.owner, m{"hold_reason": "A lawsuit"}).wantAt(t, "body.hold_reason")
	patch(c.owner, m{"quota": 1}).want(t, 403)
	patch(c.admin, m{"unused_days": 7}).want(t, 403)
	made := patch(c.owner, m{"unused_days": 7, "legal_hold": true, "hold_reason": "A lawsuit"}, "If-Match", first.etag()).want(t, 200)
	patch(c.owner, m{"unused_days": 8}, "If-Match", first.etag()).want(t, 412)
	if p := into[api.WorkspacePolicy](t, made); p.UnusedDays != 7 || p.ArchiveDays != 365 || !p.LegalHold || *p.HoldReason != "A lawsuit" || !p.Own {
		t.Errorf("then: %+v", p)
	}
	if p := into[api.WorkspacePolicy](t, patch(c.sysadmin, m{"quota": 1000}, "If-Match", made.etag()).want(t, 200)); p.Quota != 1000 || p.UnusedDays != 7 {
		t.Errorf("with room: %+v", p)
	}

	// Under the hold nothing is archived, and nobody erases the customer.
	work := w.workspace(t, c.customer.ID)
	if held := w.call(t, c.owner, http.MethodPost, c.path("/workspaces/%s/archive", work), nil).want(t, 409); !strings.Contains(held.problem(t).Detail, "legal hold") {
		t.Errorf("%s", held.body)
	}
	w.call(t, c.owner, http.MethodPost, c.path("/archive"), nil).want(t, 200)
	erase := func() answer {
		return w.call(t, c.owner, http.MethodPost, c.path("/erasure"), m{"name": c.customer.Name})
	}
	if held := erase().want(t, 409); !strings.Contains(held.problem(t).Detail, "legal hold") {
		t.Errorf("%s", held.body)
	}
	if p := into[api.WorkspacePolicy](t, patch(c.owner, m{"legal_hold": false, "unused_days": nil}).want(t, 200)); p.LegalHold || p.HoldReason != nil || p.UnusedDays != 90 {
		t.Errorf("lifted: %+v", p)
	}
	// A hold of the installation is for those to lift who run it, also where an owner had one before. Other changes of theirs leave an owner's alone.
	patch(c.owner, m{"legal_hold": true, "hold_reason": "   "}).wantAt(t, "body.hold_reason")
	patch(c.owner, m{"legal_hold": true, "hold_reason": "Ours"}).want(t, 200)
	if p := into[api.WorkspacePolicy](t, patch(c.sysadmin, m{"quota": 2000}).want(t, 200)); !p.LegalHold || p.HoldLocked || !p.Own {
		t.Errorf("an owner's hold: %+v", p)
	}
	if p := into[api.WorkspacePolicy](t, patch(c.sysadmin, m{"legal_hold": true, "quota": nil}).want(t, 200)); !p.LegalHold || !p.HoldLocked || p.Own {
		t.Errorf("the installation's hold: %+v", p)
	}
	for _, body := range []m{{"legal_hold": false}, {"hold_reason": "Never mind"}} {
		if locked := patch(c.owner, body).want(t, 403); !strings.Contains(locked.problem(t).Detail, "whoever runs Fanfare") {
			t.Errorf("%s", locked.body)
		}
	}
	if p := into[api.WorkspacePolicy](t, patch(c.sysadmin, m{"legal_hold": false}).want(t, 200)); p.LegalHold || p.HoldLocked {
		t.Errorf("lifted: %+v", p)
	}
	erase().want(t, 202)
}

type workspaceList struct{ Items []api.Workspace }

// A workspace that was archived is brought back by whoever uses it, who is told to come again.
func TestWorkspaceComesBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t, options{})
	d.write(t, "file", "x").want(t, 200)
	path := d.path("/workspaces/%s", d.id)
	if state := into[api.Workspace](t, d.call(t, d.admin, http.MethodPost, path+"/archive", nil).want(t, 202)).State; state != "archiving" {
		t.Errorf("it is %s", state)
	}
	for range 4 {
		d.exec(t, "update workspaces set state = 'active' where id = $1", d.id)
		d.call(t, d.admin, http.MethodPost, path+"/archive", nil).want(t, 202)
	}
	d.exec(t, "update workspaces set state = 'active' where id = $1", d.id)
	if a := d.call(t, d.admin, http.MethodPost, path+"/archive", nil).want(t, 429); a.header.Get("Retry-After") == "" {
		t.Errorf("for the sixth time: %v", a.header)
	}
	d.exec(t, "update workspaces set state = 'archived', archived_at = now(), archive_id = gen_random_uuid(), archive_sha256 = repeat('a', 64), archive_bytes = 7 where id = $1", d.id)
	for _, a := range []answer{d.read(t, "file"), d.write(t, "file", "y"), d.call(t, d.viewer, http.MethodGet, d.at("/files"), nil)} {
		if a.want(t, 409).header.Get("Retry-After") != "2" || !strings.Contains(a.problem(t).Detail, "brought back") {
			t.Errorf("%v %s", a.header, a.body)
		}
	}
	if n := d.count(t, "select count(*) from workspaces where wanted_at is not null"); n != 1 {
		t.Error("nobody wants it back")
	}
	// Why it does not come back is told to whoever waits, and where workspaces are listed.
	const damaged = "Its archive is damaged."
	d.exec(t, "update workspaces set problem = $2 where id = $1", d.id, damaged)
	if a := d.read(t, "file").want(t, 409); !strings.Contains(a.problem(t).Detail, damaged) {
		t.Errorf("%s", a.body)
	}
	token := d.newToken(t, d.cast, "", "files:read")
	agent := d.agent(t, token.Token, nil)
	for what, list := range map[string]workspaceList{
		"of the customer":     into[workspaceList](t, d.call(t, d.viewer, http.MethodGet, d.path("/workspaces"), nil).want(t, 200)),
		"of the installation": into[workspaceList](t, d.call(t, d.sysviewer, http.MethodGet, "/v1/workspaces?state=archived", nil).want(t, 200)),
		"by a tool":           use[workspaceList](t, agent, "list_workspaces", m{}),
		"the one":             {Items: []api.Workspace{into[api.Workspace](t, d.call(t, d.viewer, http.MethodGet, path, nil).want(t, 200))}},
	} {
		if len(list.Items) != 1 || list.Items[0].Problem == nil || *list.Items[0].Problem != damaged {
			t.Errorf("%s: %+v", what, list)
		}
	}
	d.exec(t, "update workspaces set state = 'restoring', wanted_at = null where id = $1", d.id)
	if a := d.read(t, "file").want(t, 409); !strings.Contains(a.problem(t).Detail, "backup") {
		t.Errorf("%s", a.body)
	}
	d.exec(t, "update workspaces set state = 'deleted', archive_id = null, archive_sha256 = null where id = $1", d.id)
	d.write(t, "anew", "x").want(t, 200)

	// What a system role lists is of all customers, the longest unused first, in pages.
	d.exec(t, "update workspaces set last_used_at = now() - interval '100 days' where customer_id = $1", d.elsewhere.ID)
	ids, pages := d.walk(t, d.sysviewer, "/v1/workspaces")
	if len(ids) != 2 || pages < 1 || ids[1] != d.id.String() {
		t.Errorf("listed in %d pages: %v", pages, ids)
	}
	if ids, _ := d.walk(t, d.sysviewer, "/v1/workspaces?unused_days=90"); len(ids) != 1 {
		t.Errorf("unused: %v", ids)
	}
	if ids, _ := d.walk(t, d.sysviewer, "/v1/workspaces?state=archived"); len(ids) != 0 {
		t.Errorf("archived: %v", ids)
	}
	d.call(t, d.owner, http.MethodGet, "/v1/workspaces", nil).want(t, 403)
}

// A restore is planned, started once, or forgotten.
func TestRestores(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	ids := w.everything(t, c)
	create := func(body m) answer {
		t.Helper()
		return w.call(t, c.admin, http.MethodPost, c.path("/backups/%s/restores", ids["backup_id"]), body)
	}
	work := ids["workspace_id"]
	create(m{"path": "x"}).wantAt(t, "body.workspace_id")
	create(m{"to": m{"workspace_id": work, "path": "x"}}).wantAt(t, "body.workspace_id")
	create(m{"workspace_id": work, "to": m{"workspace_id": work, "path": "x"}, "exact": true}).wantAt(t, "body.exact")
	create(m{"workspace_id": work, "path": "../x"}).wantAt(t, "body.path")
	create(m{"workspace_id": work, "to": m{"workspace_id": work, "path": "/x"}}).wantAt(t, "body.to.path")
	create(m{"workspace_id": dbtest.NewID(t)}).wantAt(t, "body.workspace_id")
	create(m{"workspace_id": work, "to": m{"workspace_id": dbtest.NewID(t), "path": "x"}}).wantAt(t, "body.to.workspace_id")
	w.call(t, c.admin, http.MethodPost, c.path("/backups/%s/restores", dbtest.NewID(t)), m{}).want(t, 404)
	made := create(m{"workspace_id": work, "path": "notes", "to": m{"workspace_id": work, "path": "restored"}}).want(t, 202)
	restore := into[api.Restore](t, made)
	if restore.State != "planning" || restore.To.Value == nil || restore.To.Value.Path != "restored" || *restore.RequestedBy != c.admin.ID || restore.Plan.Value != nil {
		t.Errorf("made: %+v", restore)
	}
	if other := create(m{}).want(t, 409); !strings.Contains(other.problem(t).Detail, "being planned") {
		t.Errorf("a second plan at once: %s", other.body)
	}
	path := c.path("/restores/%s", restore.ID)
	w.call(t, c.admin, http.MethodPost, path+"/start", nil).want(t, 409)
	w.exec(t, `update restores set state = 'planned', plan = '{"create": 1, "replace": 2, "unchanged": 3, "remove": 0, "kept": 5, "bytes": 4, "changes": [{"source": "shared", "path": "a", "action": "create", "bytes": 4}]}' where id = $1`, restore.ID)
	w.call(t, c.admin, http.MethodPost, path+"/start", nil, "If-Match", made.etag()).want(t, 412)
	planned := w.call(t, c.admin, http.MethodGet, path, nil).want(t, 200)
	if plan := into[api.Restore](t, planned).Plan.Value; plan == nil || plan.Create != 1 || plan.Replace != 2 || plan.Kept != 5 || len(plan.Changes) != 1 || plan.Changes[0].Action != "create" {
		t.Errorf("the plan: %+v", plan)
	}
	// A list tells how much it is, and not each change, of which there may be a thousand.
	if items := into[api.Page[api.Restore]](t, w.call(t, c.admin, http.MethodGet, c.path("/restores"), nil).want(t, 200)).Items; items[0].Plan.Value == nil || items[0].Plan.Value.Create != 1 || len(items[0].Plan.Value.Changes) != 0 {
		t.Errorf("listed: %+v", items[0])
	}
	w.call(t, c.admin, http.MethodDelete, path, nil, "If-Match", made.etag()).want(t, 412)
	if started := into[api.Restore](t, w.call(t, c.admin, http.MethodPost, path+"/start", nil, "If-Match", planned.etag()).want(t, 202)); started.State != "queued" {
		t.Errorf("started: %+v", started)
	}
	w.call(t, c.admin, http.MethodPost, path+"/start", nil).want(t, 409)
	w.call(t, c.admin, http.MethodDelete, path, nil).want(t, 409)
	if other := w.call(t, c.admin, http.MethodPost, c.path("/restores/%s/start", ids["restore_id"]), nil).want(t, 409); !strings.Contains(other.problem(t).Detail, "put back") {
		t.Errorf("a second one at once: %s", other.body)
	}
	w.call(t, c.admin, http.MethodDelete, c.path("/restores/%s", ids["restore_id"]), nil).want(t, 204)
	w.exec(t, "update backups set state = 'deleting' where id = $1", ids["backup_id"])
	create(m{}).want(t, 409)
	w.call(t, c.admin, http.MethodGet, c.path("/backups/%s", ids["backup_id"]), nil).want(t, 404)
}
