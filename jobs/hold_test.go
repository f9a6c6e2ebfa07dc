package jobs

import (
	"testing"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
)

// Archiving that has begun when a legal hold is set ends with the workspace as it was, though its directory was set aside already; and an archive that a workspace has
// left behind stays.
func TestHoldEndsArchiving(t *testing.T) {
	p := setup(t).withFiles()
	id, archive := p.workspaceID(nil), dbtest.NewID(t)
	must(t, p.store.Create(p.customer.ID, uuid.NullUUID{}))
	p.program(nil, "a.txt", "roses")
	p.exec("update workspaces set state = 'archiving', archive_id = $2 where id = $1", id, archive)
	must(t, p.store.SetAside(p.customer.ID, uuid.NullUUID{}, id))
	p.exec("insert into workspace_policies (customer_id, legal_hold, hold_reason) values ($1, true, 'A lawsuit')", p.customer.ID)
	p.start(p.worker())
	eventually(p.bundle, "active", workspaceState, id)
	if after := p.tree(nil); after["a.txt"] != "roses" {
		t.Errorf("back: %v", after)
	}
	p.later(1000 * day)
	eventually(p.bundle, 0, "select count(*)::int from river.river_job where kind = 'workspace' and state not in ('completed', 'cancelled', 'discarded')")
	if kept := scan[*uuid.UUID](p.bundle, "select archive_id from workspaces where id = $1", id); kept == nil || *kept != archive {
		t.Errorf("the archive is %v", kept)
	}
	if state := scan[string](p.bundle, workspaceState, id); state != "active" {
		t.Errorf("a thousand days later it is %s", state)
	}
	p.exec("update workspace_policies set legal_hold = false, hold_reason = null")
	eventually(p.bundle, true, "select announced_at is not null from workspaces where id = $1", id)
	p.later(15 * day)
	eventually(p.bundle, "archived", workspaceState, id)
}
