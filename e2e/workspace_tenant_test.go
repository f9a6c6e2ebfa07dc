package e2e

import (
	"net/http"
	"testing"
)

var workspaceOperations = tested(map[string]any{
	"list-workspaces":         nil,
	"get-workspace":           nil,
	"archive-workspace":       nil,
	"get-workspace-policy":    nil,
	"update-workspace-policy": map[string]any{"unused_days": 1},
	"list-files":              nil,
	"get-file":                asked("?path=notes.md"),
	"read-file":               asked("?path=notes.md"),
	"read-file-text":          asked("?path=notes.md"),
	"write-file":              asked("?path=notes.md"),
	"write-file-text":         map[string]any{"path": "notes.md", "content": "Taken over"},
	"move-file":               map[string]any{"from": "notes.md", "to": "taken.md"},
	"delete-file":             asked("?path=notes.md"),
	"create-directory":        map[string]any{"path": "taken"},
	"use-file":                map[string]any{"path": "notes.md"},
})

var backupOperations = tested(map[string]any{
	"list-backups":      nil,
	"get-backup":        nil,
	"create-backup":     map[string]any{},
	"get-backup-status": nil,
	"list-restores":     nil,
	"get-restore":       nil,
	"create-restore":    map[string]any{},
	"start-restore":     nil,
	"delete-restore":    nil,
	"list-drills":       nil,
})

func TestWorkspaceTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	for _, a := range []*agency{&w.a, &w.b} {
		a.ids["backup_id"], a.ids["restore_id"] = randomID(), randomID()
		for _, row := range []struct {
			sql string
			id  string
		}{
			{"insert into backups (customer_id, id, state, object_id, manifest_sha256, uses, files, bytes, finished_at) values ($1, $2, 'ready', $2, repeat('a', 64), '[]', 1, 1, now())", a.ids["backup_id"]},
			{"insert into restores (customer_id, id, backup_id, state, plan) select customer_id, $2, id, 'planned', '{}' from backups where customer_id = $1", a.ids["restore_id"]},
			{"insert into drills (customer_id, id, backup_id, state, files, bytes, differences) select customer_id, $2, id, 'good', 1, 1, 0 from backups where customer_id = $1", randomID()},
		} {
			if _, err := w.s.super.Exec(t.Context(), row.sql, a.id, row.id); err != nil {
				t.Fatalf("%s: %v", row.sql, err)
			}
		}
	}
	w.check(t, workspaceOperations)
	w.check(t, backupOperations)
	for _, list := range []string{"workspaces", "backups", "restores", "drills"} {
		w.hidesList(t, list)
	}
	w.sameForBody(t, http.StatusUnprocessableEntity, "create-restore", w.a.ids["workspace_id"], func(id string) any { return map[string]any{"workspace_id": id} })
	w.sameForBody(t, http.StatusUnprocessableEntity, "create-restore", w.a.ids["workspace_id"], func(id string) any {
		return map[string]any{"workspace_id": w.b.ids["workspace_id"], "to": map[string]any{"workspace_id": id, "path": "x"}}
	})
	// Each reads its own.
	for _, a := range []agency{w.a, w.b} {
		path := a.path + "/workspaces/" + a.ids["workspace_id"] + "/files/content?path=notes.md"
		if got := a.owner.expect(t, http.StatusOK, http.MethodGet, path, nil); string(got.body) != "Of the agency" {
			t.Errorf("the file: %q", got.body)
		}
	}
}
