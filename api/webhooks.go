package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/vault"
	"fanfare/internal/webhook"
	"fanfare/queries"
)

// webhookOverlap is how long the secret before the last rotation still signs.
const webhookOverlap = 24 * time.Hour

// Webhook is an address that is told what happens to posts and accounts.
type Webhook struct {
	ID             uuid.UUID  `json:"id" format:"uuid"`
	URL            string     `json:"url"`
	Description    string     `json:"description"`
	Events         []string   `json:"events" nullable:"false" doc:"Of what it is told; empty: of everything."`
	State          string     `json:"state" enum:"active,paused,disabled" doc:"paused: nothing is sent; messages that waited already are sent when it is resumed, and no new ones are written. disabled: the same, since it answered 410."`
	Reason         *string    `json:"reason" enum:"person,failing,gone" doc:"Why it is not active. person: somebody paused it; failing: three messages in a row were given up, and nothing got through for more than a day; gone: it answered 410."`
	StateSince     time.Time  `json:"state_since"`
	FailingSince   *time.Time `json:"failing_since" doc:"Since when nothing gets through; null: the last attempt arrived, or there was none."`
	OldSecretUntil *time.Time `json:"old_secret_until" doc:"Until when the secret before the last rotation signs too; null: there is none."`
	CreatedAt      time.Time  `json:"created_at"`
	UpdatedAt      time.Time  `json:"updated_at"`
}

// NewWebhook is a webhook with its secret.
type NewWebhook struct {
	Webhook
	Secret string `json:"secret" doc:"Verifies what comes: whsec_ and 32 bytes in base64. It is shown this once."`
}

// WebhookDelivery is a message to a webhook.
type WebhookDelivery struct {
	ID            uuid.UUID  `json:"id" format:"uuid" doc:"The same in webhook-id, however often it is sent."`
	Event         string     `json:"event"`
	State         string     `json:"state" enum:"pending,delivered,failed"`
	Attempts      int32      `json:"attempts" doc:"How often it was sent."`
	NextAttemptAt *time.Time `json:"next_attempt_at" doc:"While it is being sent: when it is sent again if nothing is heard of that. null: it is not sent any more, or waits until the webhook is resumed."`
	Status        *int32     `json:"status" doc:"The last answer's."`
	Problem       *string    `json:"problem" doc:"Why the last attempt did not arrive."`
	DeliveredAt   *time.Time `json:"delivered_at"`
	CreatedAt     time.Time  `json:"created_at"`
}

// WebhookAttempt is one attempt to deliver a message.
type WebhookAttempt struct {
	Number     int32     `json:"number"`
	At         time.Time `json:"at"`
	DurationMS int64     `json:"duration_ms" doc:"0 where it was broken off."`
	Status     *int32    `json:"status" doc:"The answer's; null: there was none."`
	Problem    *string   `json:"problem" doc:"Why it did not arrive; null: it did."`
	Excerpt    string    `json:"excerpt" doc:"The beginning of what was answered."`
}

// WebhookDeliveryDetails is a message with what it says and what became of it.
type WebhookDeliveryDetails struct {
	WebhookDelivery
	Payload json.RawMessage  `json:"payload" doc:"What is sent: type, timestamp, and data, which for a post is its ids, title, state, time and platform_posts. See docs/operations.md."`
	Log     []WebhookAttempt `json:"log" nullable:"false" doc:"The last 20 attempts, oldest first."`
}

// WebhookCreate is a new webhook.
type WebhookCreate struct {
	URL         string         `json:"url" minLength:"1" maxLength:"2000" doc:"Begins with https:// and leads to the public internet." example:"https://example.com/hooks/fanfare"`
	Description string         `json:"description,omitempty" maxLength:"500"`
	Events      []webhookEvent `json:"events,omitempty" maxItems:"20" nullable:"false" doc:"Of what it is told; everything if empty or left out."`
}

// WebhookUpdate changes the fields that are given; events replaces the whole list.
type WebhookUpdate struct {
	URL         *string         `json:"url,omitempty" minLength:"1" maxLength:"2000"`
	Description *string         `json:"description,omitempty" maxLength:"500"`
	Events      *[]webhookEvent `json:"events,omitempty" maxItems:"20"`
	State       *string         `json:"state,omitempty" enum:"active,paused" doc:"active resumes it."`
}

func (u WebhookUpdate) empty() bool {
	return u.URL == nil && u.Description == nil && u.Events == nil && u.State == nil
}

// webhookEvent is what a webhook can be told of. The names are the database's too (webhook_endpoints_events_known).
type webhookEvent string

// Schema names the events.
func (webhookEvent) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Enum: []any{"post.scheduled", "post.approval_requested", "post.approved", "post.rejected",
		"post.published", "post.partially_published", "post.failed", "post.needs_attention", "integration.needs_reauth"}}
}

// eventNames are the events that are named, each once.
func eventNames(events []webhookEvent) []string {
	names := make([]string, 0, len(events))
	for _, e := range events {
		if !slices.Contains(names, string(e)) {
			names = append(names, string(e))
		}
	}
	return names
}

type webhookOutput struct {
	ETag string `header:"ETag"`
	Body Webhook
}

type newWebhookOutput struct {
	ETag string `header:"ETag"`
	Body NewWebhook
}

type webhookDeliveryOutput struct{ Body WebhookDeliveryDetails }

// WebhookPath is the path of a webhook.
type WebhookPath struct {
	CustomerPath
	WebhookID uuid.UUID `path:"webhook_id" format:"uuid" doc:"The webhook."`
}

// WebhookDeliveryPath is the path of a message to a webhook.
type WebhookDeliveryPath struct {
	WebhookPath
	DeliveryID uuid.UUID `path:"delivery_id" format:"uuid" doc:"The message."`
}

func (a *API) registerWebhooks() {
	tags := []string{"Webhooks"}
	const list, one = "/v1/customers/{customer_id}/webhooks", "/v1/customers/{customer_id}/webhooks/{webhook_id}"
	const deliveries, delivery = one + "/deliveries", one + "/deliveries/{delivery_id}"
	register(a, huma.Operation{
		OperationID: "list-webhooks", Method: http.MethodGet, Path: list, Tags: tags, Summary: "List webhooks",
		Description: "Owners and admins only.",
	}, a.listWebhooks)
	register(a, huma.Operation{
		OperationID: "create-webhook", Method: http.MethodPost, Path: list, Tags: tags, Summary: "Create a webhook",
		Description: "What happens to posts and accounts is sent to the address from now on, as a POST that is signed by the Standard Webhooks " +
			"specification. A message is repeated over 32 hours until it is answered with 200 to 299, and may arrive more than once, each time with the same webhook-id. " +
			"At most 10,000 messages wait for a webhook; beyond that the oldest are given up. Of a post for many accounts with long problems, platform_posts may be " +
			"replaced by platform_posts_by_state: how many there are in each state. At most 20 webhooks.",
		DefaultStatus: http.StatusCreated,
	}, a.createWebhook)
	register(a, huma.Operation{OperationID: "get-webhook", Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a webhook"}, a.getWebhook)
	register(a, huma.Operation{
		OperationID: "update-webhook", Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Change, pause or resume a webhook",
		Errors: []int{http.StatusPreconditionFailed},
	}, a.updateWebhook)
	register(a, huma.Operation{
		OperationID: "delete-webhook", Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Delete a webhook",
		Description: "With its messages.", DefaultStatus: http.StatusNoContent, Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteWebhook)
	register(a, huma.Operation{
		OperationID: "rotate-webhook-secret", Method: http.MethodPost, Path: one + "/rotate-secret", Tags: tags, Summary: "Give a webhook a new secret",
		Description: "For 24 hours messages are signed with the one before it too, and not with any older one.", Errors: []int{http.StatusPreconditionFailed},
	}, a.rotateWebhookSecret)
	register(a, huma.Operation{
		OperationID: "test-webhook", Method: http.MethodPost, Path: one + "/test", Tags: tags, Summary: "Send a test message to a webhook",
		Description: "Its type is webhook.test. It is sent once, also to a webhook that is not active.", DefaultStatus: http.StatusAccepted,
	}, a.testWebhook)
	register(a, huma.Operation{
		OperationID: "list-webhook-deliveries", Method: http.MethodGet, Path: deliveries, Tags: tags, Summary: "List messages to a webhook",
		Description: "Those of the last 30 days, newest first.",
	}, a.listWebhookDeliveries)
	register(a, huma.Operation{
		OperationID: "get-webhook-delivery", Method: http.MethodGet, Path: delivery, Tags: tags, Summary: "Get a message to a webhook",
	}, a.getWebhookDelivery)
	register(a, huma.Operation{
		OperationID: "resend-webhook-delivery", Method: http.MethodPost, Path: delivery + "/resend", Tags: tags, Summary: "Send a message to a webhook again",
		Description: "Whether it has arrived before or not: at once, under the same id, and repeated like a new one.", DefaultStatus: http.StatusAccepted,
	}, a.resendWebhookDelivery)
}

func (a *API) listWebhooks(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[Webhook], error) {
	before, err := in.before(listOfWebhooks)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.WebhookListRow, error) {
		return q.WebhookList(ctx, queries.WebhookListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.WebhookListRow) (Webhook, error) { return webhookFrom(queries.WebhookGetRow(row)), nil }
	body, err := page(rows, in.Limit, convert, func(row queries.WebhookListRow) string { return cursorOf(listOfWebhooks, row.ID) })
	return &pageOutput[Webhook]{Body: body}, err
}

// checkWebhookURL refuses what can be told from the address alone not to be called. The rest is found out when it is dialled.
func (a *API) checkWebhookURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Fragment != "" || a.Egress.Check(u) != nil {
		return invalid("body.url", "must be an address such as https://example.com/hooks on the public internet, without a user name and without #")
	}
	return nil
}

// sealWebhookSecret makes a secret for a webhook: its text, which is shown once, and what is stored.
func (a *API) sealWebhookSecret(customerID, webhookID uuid.UUID) (text string, stored queries.WebhookSecretCreateParams, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return "", stored, fmt.Errorf("make id: %w", err)
	}
	text = webhook.NewSecret()
	sealed, keyID, err := a.Vault.SealWithID([]byte(text), vault.WebhookSecret(customerID, id))
	if err != nil {
		return "", stored, fmt.Errorf("seal webhook secret: %w", err)
	}
	return text, queries.WebhookSecretCreateParams{ID: id, EndpointID: webhookID, Sealed: sealed, KeyID: keyID}, nil
}

func (a *API) createWebhook(ctx context.Context, in *struct {
	CustomerPath
	Body WebhookCreate
}) (*newWebhookOutput, error) {
	if err := a.checkWebhookURL(in.Body.URL); err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	secret, stored, err := a.sealWebhookSecret(in.CustomerID, id)
	if err != nil {
		return nil, err
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*newWebhookOutput, error) {
		if err := q.WebhookCreate(ctx, queries.WebhookCreateParams{
			ID: id, URL: in.Body.URL, Description: in.Body.Description, Events: eventNames(in.Body.Events),
		}); err != nil {
			return nil, err
		}
		if err := q.WebhookSecretCreate(ctx, stored); err != nil {
			return nil, err
		}
		row, err := q.WebhookGet(ctx, id)
		return &newWebhookOutput{ETag: etag(row.Version), Body: NewWebhook{webhookFrom(row), secret}}, err
	})
}

func (a *API) getWebhook(ctx context.Context, in *WebhookPath) (*webhookOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.WebhookGetRow, error) { return q.WebhookGet(ctx, in.WebhookID) })
	if err != nil {
		return nil, noRows(err, "webhook")
	}
	return &webhookOutput{ETag: etag(row.Version), Body: webhookFrom(row)}, nil
}

func (a *API) updateWebhook(ctx context.Context, in *struct {
	WebhookPath
	Condition
	Body WebhookUpdate
}) (*webhookOutput, error) {
	if in.Body.empty() {
		return nil, nothingToChange()
	}
	if in.Body.URL != nil {
		if err := a.checkWebhookURL(*in.Body.URL); err != nil {
			return nil, err
		}
	}
	var events []string // nil: they stay
	if in.Body.Events != nil {
		events = eventNames(*in.Body.Events)
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*webhookOutput, error) {
		row, err := changeWebhook(ctx, q, in.WebhookID, in.Condition, func(version *int64) (int64, error) {
			return q.WebhookUpdate(ctx, queries.WebhookUpdateParams{
				ID: in.WebhookID, Version: version, URL: in.Body.URL, Description: in.Body.Description, Events: events, State: in.Body.State,
			})
		})
		return &webhookOutput{ETag: etag(row.Version), Body: webhookFrom(row)}, err
	})
}

// changeWebhook makes a change under a condition, and gives what is there then.
func changeWebhook(ctx context.Context, q *queries.Queries, id uuid.UUID, condition Condition, apply func(version *int64) (int64, error)) (row queries.WebhookGetRow, err error) {
	get := func() (err error) {
		row, err = q.WebhookGet(ctx, id)
		return noRows(err, "webhook")
	}
	if err := condition.change(apply, get); err != nil {
		return row, err
	}
	return row, get()
}

func (a *API) deleteWebhook(ctx context.Context, in *struct {
	WebhookPath
	Condition
}) (*struct{}, error) {
	return nil, a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.WebhookDelete(ctx, queries.WebhookDeleteParams{ID: in.WebhookID, Version: version})
		}, func() error {
			_, err := q.WebhookGet(ctx, in.WebhookID)
			return noRows(err, "webhook")
		})
	})
}

func (a *API) rotateWebhookSecret(ctx context.Context, in *struct {
	WebhookPath
	Condition
}) (*newWebhookOutput, error) {
	secret, stored, err := a.sealWebhookSecret(in.CustomerID, in.WebhookID)
	if err != nil {
		return nil, err
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*newWebhookOutput, error) {
		row, err := changeWebhook(ctx, q, in.WebhookID, in.Condition, func(version *int64) (int64, error) {
			changed, err := q.WebhookTouch(ctx, queries.WebhookTouchParams{ID: in.WebhookID, Version: version})
			if err != nil || changed == 0 {
				return 0, err
			}
			if err := q.WebhookSecretReplace(ctx, queries.WebhookSecretReplaceParams{EndpointID: in.WebhookID, Overlap: webhookOverlap}); err != nil {
				return 0, err
			}
			return changed, q.WebhookSecretCreate(ctx, stored)
		})
		return &newWebhookOutput{ETag: etag(row.Version), Body: NewWebhook{webhookFrom(row), secret}}, err
	})
}

func (a *API) testWebhook(ctx context.Context, in *WebhookPath) (*webhookDeliveryOutput, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	payload, err := json.Marshal(map[string]any{
		"type": "webhook.test", "timestamp": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
		"data": map[string]any{"customer_id": in.CustomerID, "webhook_id": in.WebhookID},
	})
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*webhookDeliveryOutput, error) {
		if err := q.WebhookTestCreate(ctx, queries.WebhookTestCreateParams{ID: id, EndpointID: in.WebhookID, Payload: payload}); err != nil {
			return nil, err
		}
		return webhookDelivery(ctx, q, in.WebhookID, id)
	})
}

func (a *API) listWebhookDeliveries(ctx context.Context, in *struct {
	WebhookPath
	PageQuery
	State string `query:"state" enum:"pending,delivered,failed" doc:"Only messages in this state."`
}) (*pageOutput[WebhookDelivery], error) {
	before, err := in.before(listOfWebhookDeliveries)
	if err != nil {
		return nil, err
	}
	params := queries.WebhookDeliveryListParams{EndpointID: in.WebhookID, Before: before, MaxRows: in.more()}
	if in.State != "" {
		params.State = &in.State
	}
	customer := scope(ctx).In(in.CustomerID)
	rows, err := read(ctx, a, customer, func(q *queries.Queries) ([]queries.WebhookDeliveryListRow, error) {
		return q.WebhookDeliveryList(ctx, params)
	})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 { // of one that is there, or of none
		if _, err := read(ctx, a, customer, func(q *queries.Queries) (queries.WebhookGetRow, error) { return q.WebhookGet(ctx, in.WebhookID) }); err != nil {
			return nil, noRows(err, "webhook")
		}
	}
	convert := func(row queries.WebhookDeliveryListRow) (WebhookDelivery, error) {
		return webhookDeliveryFrom(row), nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.WebhookDeliveryListRow) string { return cursorOf(listOfWebhookDeliveries, row.ID) })
	return &pageOutput[WebhookDelivery]{Body: body}, err
}

func (a *API) getWebhookDelivery(ctx context.Context, in *WebhookDeliveryPath) (*webhookDeliveryOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.WebhookDeliveryGetRow, error) {
		return q.WebhookDeliveryGet(ctx, queries.WebhookDeliveryGetParams{ID: in.DeliveryID, EndpointID: in.WebhookID})
	})
	if err != nil {
		return nil, noRows(err, "message")
	}
	return webhookDeliveryAnswer(row)
}

func (a *API) resendWebhookDelivery(ctx context.Context, in *WebhookDeliveryPath) (*webhookDeliveryOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*webhookDeliveryOutput, error) {
		changed, err := q.WebhookDeliveryResend(ctx, queries.WebhookDeliveryResendParams{ID: in.DeliveryID, EndpointID: in.WebhookID})
		if err != nil {
			return nil, err
		}
		out, err := webhookDelivery(ctx, q, in.WebhookID, in.DeliveryID)
		switch {
		case err != nil:
			return nil, err
		case changed == 0:
			return nil, forbidden()
		case out.Body.NextAttemptAt == nil:
			return nil, conflict("The webhook is not active. Resume it first.")
		}
		return out, nil
	})
}

func webhookDelivery(ctx context.Context, q *queries.Queries, webhookID, id uuid.UUID) (*webhookDeliveryOutput, error) {
	row, err := q.WebhookDeliveryGet(ctx, queries.WebhookDeliveryGetParams{ID: id, EndpointID: webhookID})
	if err != nil {
		return nil, noRows(err, "message")
	}
	return webhookDeliveryAnswer(row)
}

func webhookFrom(row queries.WebhookGetRow) Webhook {
	return Webhook{
		ID: row.ID, URL: row.URL, Description: row.Description, Events: row.Events, State: row.State, Reason: row.Reason,
		StateSince: row.StateSince.UTC(), FailingSince: utc(row.FailingSince), OldSecretUntil: utc(row.OldSecretUntil),
		CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}

func webhookDeliveryFrom(row queries.WebhookDeliveryListRow) WebhookDelivery {
	return WebhookDelivery{
		ID: row.ID, Event: row.Event, State: row.State, Attempts: row.Attempts, NextAttemptAt: utc(row.NextAt), Status: row.Status,
		Problem: row.Problem, DeliveredAt: utc(row.DeliveredAt), CreatedAt: row.CreatedAt.UTC(),
	}
}

func webhookDeliveryAnswer(row queries.WebhookDeliveryGetRow) (*webhookDeliveryOutput, error) {
	log := []WebhookAttempt{}
	if err := json.Unmarshal(row.Log, &log); err != nil {
		return nil, fmt.Errorf("decode attempts: %w", err)
	}
	return &webhookDeliveryOutput{Body: WebhookDeliveryDetails{
		WebhookDelivery: webhookDeliveryFrom(queries.WebhookDeliveryListRow{
			ID: row.ID, EndpointID: row.EndpointID, Event: row.Event, State: row.State, Attempts: row.Attempts, NextAt: row.NextAt,
			Status: row.Status, Problem: row.Problem, DeliveredAt: row.DeliveredAt, CreatedAt: row.CreatedAt,
		}), Payload: row.Payload, Log: log,
	}}, nil
}
