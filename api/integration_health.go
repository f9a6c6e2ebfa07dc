package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/jobs"
	"fanfare/queries"
)

// IntegrationHealth is how a connected account is.
type IntegrationHealth struct {
	Status      string     `json:"status" enum:"active,expiring,needs_reauth,disconnected" doc:"As the state of the account, and expiring: it is active, and will stop working soon, or has just stopped, unless somebody signs in again or a renewal succeeds. needs_reauth: it works again once somebody signs in."`
	Since       time.Time  `json:"since"`
	Reason      *string    `json:"reason" enum:"revoked,refused,expired,interrupted,access_lost,moved_out,reconnect_due,renewal_failing,renewal_misconfigured,renewal_unreadable" doc:"Why, where the status is not active. revoked: the permission was withdrawn at the platform, or the platform ended it; refused: the platform does not accept the access or the key any more; expired: what was allowed has come to its end; interrupted: the platform's answer to a renewal was lost, and what it gave with it; access_lost: whoever signed in does not manage this account any more; moved_out: the account lived by a credential of an earlier installation, and the time for that is over; reconnect_due: what was allowed ends within two weeks, and only a person can prolong it; renewal_failing: it ends within a day, and the platform has not renewed it so far; renewal_misconfigured: it ends within two weeks, and the platform does not renew it because it does not accept this installation's application, whose settings whoever runs the installation must look at; renewal_unreadable: it ends within two weeks, and this installation cannot open what it has stored of it, so whoever runs it must look at its key set. null for disconnected."`
	Message     string     `json:"message" doc:"What happened and what to do, in a sentence or two; empty where there is nothing to say."`
	ExpiresAt   *time.Time `json:"expires_at" doc:"When its access ends. It is renewed before, where the platform lets us. null where it does not end, or has ended for good."`
	ReconnectBy *time.Time `json:"reconnect_by" doc:"By when somebody must have signed in again, whatever is renewed until then. null where nobody must, or the access has ended for good."`
	CheckedAt   *time.Time `json:"checked_at" doc:"When it was last certain whether it works. It moves with every answer of the platform to a check, and whenever the account comes to needs_reauth: its access was refused or came to its end. It does not move while the platform cannot be reached."`
}

// IntegrationAuthorization is the sign-in that a connected account hangs on, which it may share with others.
type IntegrationAuthorization struct {
	ID          uuid.UUID  `json:"id" format:"uuid"`
	Name        string     `json:"name" doc:"Who signed in."`
	Status      string     `json:"status" enum:"active,expiring,needs_reauth,revoking,ended" doc:"revoking: its last account was disconnected, and the platform is being told to end the permission; ended: that is done, or given up, and its tokens are erased. Else as in the health of an account."`
	Since       time.Time  `json:"since"`
	Reason      *string    `json:"reason" enum:"revoked,refused,expired,interrupted,reconnect_due,renewal_failing,renewal_misconfigured,renewal_unreadable" doc:"As in the health of an account."`
	Message     string     `json:"message" doc:"What happened and what to do; empty where there is nothing to say."`
	ExpiresAt   *time.Time `json:"expires_at" doc:"As in the health of an account."`
	ReconnectBy *time.Time `json:"reconnect_by" doc:"As in the health of an account."`
}

// MaybeAuthorization is an authorization, or null for an account that is connected by a key.
type MaybeAuthorization struct{ *IntegrationAuthorization }

// MarshalJSON writes it, or null.
func (m MaybeAuthorization) MarshalJSON() ([]byte, error) {
	return json.Marshal(m.IntegrationAuthorization)
}

// UnmarshalJSON reads it, or null.
func (m *MaybeAuthorization) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &m.IntegrationAuthorization)
}

// Schema is the authorization's, or null.
func (MaybeAuthorization) Schema(r huma.Registry) *huma.Schema {
	schema := *huma.SchemaFromType(r, reflect.TypeFor[IntegrationAuthorization]())
	schema.Nullable = true
	return &schema
}

// IntegrationUpdate changes a connected account.
type IntegrationUpdate struct {
	IsDefault *bool `json:"is_default,omitempty" doc:"true makes it the account that is meant where a post names its platform and no account, in place of the one before."`
}

func (a *API) registerIntegrationHealth() {
	tags := []string{"Integrations"}
	const one = "/v1/customers/{customer_id}/integrations/{integration_id}"
	register(a, huma.Operation{
		OperationID: "update-integration", Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Make an account the default of its platform",
		Errors: []int{http.StatusPreconditionFailed},
	}, a.updateIntegration)
	register(a, huma.Operation{
		OperationID: "check-integration", Method: http.MethodPost, Path: one + "/check", Tags: tags, Summary: "Ask the platform whether an account works",
		Description:   "The platform is asked soon after the answer, in which the account is as it was. Read it again to see what came of it: health.checked_at moves with every answer; while the platform cannot be reached the job is tried again, see list-jobs. An account that is disconnected, or whose access has ended, is not checked (409).",
		DefaultStatus: http.StatusAccepted,
	}, a.checkIntegration)
}

func (a *API) updateIntegration(ctx context.Context, in *struct {
	IntegrationPath
	Condition
	Body IntegrationUpdate
}) (*integrationOutput, error) {
	switch {
	case in.Body.IsDefault == nil:
		return nil, nothingToChange()
	case !*in.Body.IsDefault:
		return nil, invalid("body.is_default", "must be true: a platform's default changes by making another account the default")
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*integrationOutput, error) {
		if err := makeDefault(ctx, q, in.IntegrationID, in.Condition); err != nil {
			return nil, err
		}
		row, err := q.IntegrationGet(ctx, in.IntegrationID)
		if err != nil {
			return nil, err
		}
		return integrationAnswer(row)
	})
}

// makeDefault makes an account the default of its platform.
func makeDefault(ctx context.Context, q *queries.Queries, id uuid.UUID, condition Condition) error {
	account, err := q.IntegrationLock(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		// The policy for changes also decides which rows can be locked: one that can only be read is not found there.
		if _, err := q.IntegrationGet(ctx, id); err != nil {
			return noRows(err, "integration")
		}
		return forbidden()
	}
	if err == nil {
		err = condition.check(account.Version)
	}
	switch {
	case err != nil:
		return err
	case account.State == "disconnected":
		return conflict("The account is disconnected. Connect it again to make it the default.")
	case account.IsDefault:
		return nil
	}
	if _, err := q.IntegrationClearDefault(ctx, queries.IntegrationClearDefaultParams{Platform: account.Platform, ID: id}); err != nil {
		return err
	}
	return oneRow(q.IntegrationSetDefault(ctx, id))
}

func (a *API) checkIntegration(ctx context.Context, in *IntegrationPath) (*integrationOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) (*integrationOutput, error) {
		row, err := q.IntegrationGet(ctx, in.IntegrationID)
		if err != nil {
			return nil, noRows(err, "integration")
		}
		if _, err := a.Queue.InsertTx(ctx, tx, jobs.CheckIntegrationArgs{CustomerID: in.CustomerID, IntegrationID: in.IntegrationID}, nil); err != nil {
			return nil, fmt.Errorf("enqueue check: %w", err)
		}
		switch row.State {
		case "disconnected":
			return nil, conflict("The account is disconnected: there is nothing to check. Connect it again.")
		case "needs_reauth":
			return nil, conflict("Its access has ended; connect it again.")
		}
		return integrationAnswer(row)
	})
}

// healthMessage says in words what a status means, and what to do.
func healthMessage(name platform.Name, status string, reason *string, expiresAt, reconnectBy *time.Time, now time.Time) string {
	why := ""
	if reason != nil {
		why = *reason
	}
	site := name.Title()
	again := " Connect the account again."
	if name == platform.Ghost {
		again = " Connect the site again with a valid Admin API key."
	}
	switch {
	case status == "disconnected":
		return "The account was disconnected." + again
	case status == "revoking" || status == "ended":
		return "The last account of this sign-in was disconnected, and it is used no more."
	case status == "expiring":
		return expiringMessage(site, why, expiresAt, reconnectBy, now)
	case status != "needs_reauth":
		return ""
	}
	switch why {
	case "revoked":
		return "The permission was withdrawn at " + site + "." + again
	case "expired":
		return "What was allowed at " + site + " has ended." + again
	case "interrupted":
		return "The connection to " + site + " was lost while it was being renewed, and cannot be taken up again." + again
	case "access_lost":
		return "Whoever signed in at " + site + " does not manage this account any more. Let somebody connect it again who does."
	case "moved_out":
		return "The account was brought along from an earlier system, and the time for that is over." + again
	default:
		return site + " does not accept the connection any more." + again
	}
}

// expiringMessage says when what was allowed at a platform ends, or that it has, and who can do something about it.
func expiringMessage(site, why string, expiresAt, reconnectBy *time.Time, now time.Time) string {
	end := expiresAt
	if why == "reconnect_due" {
		end = reconnectBy
	}
	when, over := spokenEnd(end, now), end != nil && !end.After(now)
	switch {
	case why == "reconnect_due" && over:
		return fmt.Sprintf("What was allowed at %s ended %s. Posts cannot go out until you connect the account again.", site, when)
	case why == "reconnect_due":
		return fmt.Sprintf("What was allowed at %s ends %s and cannot be prolonged without you. Connect the account again before.", site, when)
	case why == "renewal_misconfigured" && over:
		return fmt.Sprintf("%s's access ended %s and could not be renewed: %[1]s does not accept this installation's application. "+
			"Posts wait until whoever runs this installation has set right its settings for %[1]s.", site, when)
	case why == "renewal_misconfigured":
		return fmt.Sprintf("%s does not accept this installation's application, so the connection cannot be renewed; it ends %s. "+
			"Whoever runs this installation must look at its settings for %[1]s.", site, when)
	case why == "renewal_unreadable" && over:
		return fmt.Sprintf("%s's access ended %s and could not be renewed: this installation cannot open what it has stored. "+
			"Posts wait until whoever runs it has set right its key set.", site, when)
	case why == "renewal_unreadable":
		return fmt.Sprintf("This installation cannot open what it has stored of the connection to %s, so it cannot be renewed; it ends %s. "+
			"Whoever runs it must look at its key set.", site, when)
	case over:
		return fmt.Sprintf("%s's access ended %s and could not be renewed yet. Posts wait until it is.", site, when)
	default:
		return fmt.Sprintf("%s has not let us renew the connection for a while, and it ends %s. We go on trying; connect the account again if it stays so.", site, when)
	}
}

// spokenEnd is a time as people read it: the hour of today, the day and the hour where it is less than two days away, or
// the day.
func spokenEnd(t *time.Time, now time.Time) string {
	if t == nil {
		return "on a day that is not known"
	}
	at, now := t.UTC(), now.UTC()
	const day = "2 January 2006"
	switch {
	case at.Format(day) == now.Format(day):
		return at.Format("at 15:04 UTC")
	case at.Sub(now).Abs() < 48*time.Hour:
		return at.Format("on " + day + " at 15:04 UTC")
	default:
		return at.Format("on " + day)
	}
}

// healthFrom reads the health of an account and of its authorization.
func healthFrom(row queries.IntegrationsWithHealth) (health IntegrationHealth, login MaybeAuthorization, err error) {
	if err := json.Unmarshal(row.Health, &health); err != nil {
		return health, login, fmt.Errorf("decode health: %w", err)
	}
	if err := json.Unmarshal(row.Login, &login); err != nil {
		return health, login, fmt.Errorf("decode authorization: %w", err)
	}
	name, now := platform.Name(row.Platform), time.Now()
	health.Message = healthMessage(name, health.Status, health.Reason, health.ExpiresAt, health.ReconnectBy, now)
	health.Since, health.ExpiresAt, health.ReconnectBy, health.CheckedAt = health.Since.UTC(), utc(health.ExpiresAt), utc(health.ReconnectBy), utc(health.CheckedAt)
	if l := login.IntegrationAuthorization; l != nil {
		l.Message = healthMessage(name, l.Status, l.Reason, l.ExpiresAt, l.ReconnectBy, now)
		l.Since, l.ExpiresAt, l.ReconnectBy = l.Since.UTC(), utc(l.ExpiresAt), utc(l.ReconnectBy)
	}
	return health, login, nil
}
