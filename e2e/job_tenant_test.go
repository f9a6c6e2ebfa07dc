package e2e

import "testing"

var jobOperations = tested(map[string]any{"list-jobs": nil})

func TestJobTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, jobOperations)
	w.hidesList(t, "jobs")
}
