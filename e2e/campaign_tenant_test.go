package e2e

import "testing"

var campaignOperations = tested(map[string]any{
	"list-campaigns":   nil,
	"create-campaign":  map[string]any{"name": "Not mine"},
	"get-campaign":     nil,
	"update-campaign":  map[string]any{"name": "Taken over"},
	"delete-campaign":  nil,
	"archive-campaign": nil,
})

func TestCampaignTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, campaignOperations)
	w.hidesList(t, "campaigns")
}
