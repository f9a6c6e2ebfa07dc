package e2e

import "testing"

var exportOperations = tested(map[string]any{
	"list-exports":    nil,
	"create-export":   nil,
	"get-export":      nil,
	"download-export": nil,
	"delete-export":   nil,
})

var erasureOperations = tested(map[string]any{
	"erase-customer": map[string]any{"name": "Not mine"},
})

func TestExportTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, exportOperations)
	w.hidesList(t, "exports")
	w.check(t, erasureOperations)
	// The receipt of somebody else's erasure is not there either.
	w.a.owner.expect(t, 200, "POST", w.a.path+"/archive", nil)
	name := call[customerAnswer](t, w.a.owner, "GET", w.a.path, nil).Name
	erasure := call[erasureAnswer](t, w.a.owner, "POST", w.a.path+"/erasure", map[string]any{"name": name})
	theirs := told(t, w.b.owner.expect(t, 404, "GET", "/v1/erasures/"+erasure.ID, nil))
	if nobodys := told(t, w.b.owner.expect(t, 404, "GET", "/v1/erasures/"+randomID(), nil)); theirs != nobodys {
		t.Errorf("somebody else's receipt\n%s\nnobody's\n%s", theirs, nobodys)
	}
	w.check(t, exportOperations[:1]) // while it is being erased, and after
	w.a.awaitErasure(t, erasure.ID)
	w.check(t, append(exportOperations, erasureOperations...))
}
