package e2e

import "testing"

var mediaOperations = tested(map[string]any{
	"list-media":        nil,
	"create-media":      onePixel,
	"get-media":         nil,
	"get-media-content": nil,
	"update-media":      map[string]any{"alt_text": "Taken over"},
	"delete-media":      nil,
})

func TestMediaTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, mediaOperations)
	w.hidesList(t, "media")
}
