package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/queries"
)

// overviewRows is how many of each an overview names.
const overviewRows = 5

// Overview is what there is to know of a customer at the beginning of a day.
type Overview struct {
	TimeZone  string            `json:"time_zone" doc:"The customer's." example:"Europe/Berlin"`
	Next      []OverviewPost    `json:"next" nullable:"false" doc:"What goes out next, at most five."`
	Scheduled int64             `json:"scheduled" minimum:"0" doc:"How many posts go out in the next seven days; 1000 means as many or more."`
	Waiting   OverviewPosts     `json:"waiting" doc:"What waits for approval."`
	Problems  OverviewPosts     `json:"problems" doc:"What failed, or needs a decision, in the last thirty days; the newest first."`
	Accounts  []OverviewAccount `json:"accounts" nullable:"false" doc:"Connected accounts with which something is wrong, or soon will be."`
	Connected int64             `json:"connected" minimum:"0" doc:"How many accounts are connected, these included."`
	Pairings  []OverviewPairing `json:"pairings" nullable:"false" doc:"Chats that wait for their pairing to be confirmed; for those who may."`
}

// OverviewPosts are some of many posts.
type OverviewPosts struct {
	Count int64          `json:"count" minimum:"0" doc:"How many there are; 1000 means as many or more."`
	Posts []OverviewPost `json:"posts" nullable:"false" doc:"The first five."`
}

// OverviewPost is a post of an overview.
type OverviewPost struct {
	ID            uuid.UUID          `json:"id" format:"uuid"`
	Title         string             `json:"title"`
	Text          string             `json:"text" doc:"The first 200 characters."`
	State         string             `json:"state" enum:"draft,pending_approval,approved,scheduled,publishing,published,partially_published,failed,needs_attention,cancelled"`
	ScheduledAt   *time.Time         `json:"scheduled_at" doc:"When it goes out, or was to go out, in UTC."`
	PlatformPosts []OverviewPlatform `json:"platform_posts" nullable:"false" doc:"Where it goes; of problems, where there is one."`
}

// OverviewPlatform is where a post of an overview goes.
type OverviewPlatform struct {
	CalendarPlatform
	ProblemClass *string `json:"problem_class" enum:"credential,invalid,rate_limited,payment_required,transient,unknown_outcome"`
	Problem      *string `json:"problem" doc:"What happened and what to do."`
}

// OverviewAccount is an account with which something is wrong.
type OverviewAccount struct {
	IntegrationID uuid.UUID  `json:"integration_id" format:"uuid"`
	Platform      string     `json:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	Name          string     `json:"name"`
	Status        string     `json:"status" enum:"expiring,needs_reauth"`
	Since         time.Time  `json:"since"`
	ReconnectBy   *time.Time `json:"reconnect_by" doc:"By when somebody must connect it again; null: nobody knows, or now."`
}

// OverviewPairing is a chat that waits for its pairing to be confirmed.
type OverviewPairing struct {
	PairingID  uuid.UUID `json:"pairing_id" format:"uuid"`
	Platform   string    `json:"platform" enum:"telegram,whatsapp,slack"`
	Title      *string   `json:"title" doc:"The chat's, if it has one."`
	PersonName *string   `json:"person_name" doc:"Who typed the code."`
	ExpiresAt  time.Time `json:"expires_at"`
}

func (a *API) registerOverview() {
	register(a, huma.Operation{
		OperationID: "get-overview", Method: http.MethodGet, Path: "/v1/customers/{customer_id}/overview", Tags: []string{"Customers"},
		Summary: "Get how a customer stands", Description: "What goes out next, what waits for a person, and what went wrong.",
	}, a.getOverview)
}

func (a *API) getOverview(ctx context.Context, in *CustomerPath) (*struct{ Body Overview }, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.OverviewGetRow, error) {
		return q.OverviewGet(ctx, queries.OverviewGetParams{TextLength: calendarText, MaxRows: overviewRows})
	})
	if err != nil {
		return nil, err
	}
	body := Overview{TimeZone: row.TimeZone, Scheduled: row.Scheduled, Connected: row.Connected, Waiting: OverviewPosts{Count: row.Waiting}, Problems: OverviewPosts{Count: row.Problems}}
	for _, part := range []struct {
		from json.RawMessage
		to   any
	}{{row.NextPosts, &body.Next}, {row.WaitingPosts, &body.Waiting.Posts}, {row.ProblemPosts, &body.Problems.Posts}, {row.Accounts, &body.Accounts}, {row.Pairings, &body.Pairings}} {
		if err := json.Unmarshal(part.from, part.to); err != nil {
			return nil, fmt.Errorf("decode overview: %w", err)
		}
	}
	return &struct{ Body Overview }{body}, nil
}
