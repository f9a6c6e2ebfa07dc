package e2e

import "testing"

var emailTemplateOperations = tested(map[string]any{
	"list-email-templates":   nil,
	"create-email-template":  map[string]any{"name": "Not mine", "html": "<p>Not mine</p>"},
	"get-email-template":     nil,
	"update-email-template":  map[string]any{"name": "Taken over"},
	"delete-email-template":  nil,
	"preview-email-template": map[string]any{"title": "Not mine"},
})

func TestEmailTemplateTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, emailTemplateOperations)
	w.hidesList(t, "email-templates")
}
