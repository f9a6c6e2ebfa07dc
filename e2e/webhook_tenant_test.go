package e2e

import "testing"

var webhookOperations = tested(map[string]any{
	"list-webhooks":           nil,
	"create-webhook":          map[string]any{"url": "https://hooks.example.com/eve"},
	"get-webhook":             nil,
	"update-webhook":          map[string]any{"url": "https://hooks.example.com/eve"},
	"delete-webhook":          nil,
	"rotate-webhook-secret":   nil,
	"test-webhook":            nil,
	"list-webhook-deliveries": nil,
	"get-webhook-delivery":    nil,
	"resend-webhook-delivery": nil,
})

func TestWebhookTenants(t *testing.T) {
	t.Parallel()
	w := newTwoAgencies(t)
	w.check(t, webhookOperations)
	w.hidesList(t, "webhooks")
}
