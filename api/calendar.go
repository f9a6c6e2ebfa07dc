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

// calendarSpan is how much of the calendar is told at once, and calendarText how much of a post's text, in characters.
const (
	calendarSpan = 400 * 24 * time.Hour
	calendarText = 200
)

// CalendarPost is a post that has a time, as a calendar shows it.
type CalendarPost struct {
	ID              uuid.UUID          `json:"id" format:"uuid"`
	ETag            string             `json:"etag" doc:"Its version, for If-Match." example:"\"v3\""`
	CampaignID      *uuid.UUID         `json:"campaign_id" format:"uuid" nullable:"true"`
	Title           string             `json:"title"`
	Text            string             `json:"text" doc:"The first 200 characters."`
	State           string             `json:"state" enum:"draft,pending_approval,approved,scheduled,publishing,published,partially_published,failed,needs_attention,cancelled"`
	ScheduledAt     time.Time          `json:"scheduled_at" doc:"When it goes out, or went out, in UTC."`
	ScheduledLocal  string             `json:"scheduled_local" doc:"The same by the clocks of time_zone, with their offset." example:"2030-01-02T09:00:00+01:00"`
	TimeZone        string             `json:"time_zone" doc:"The customer's." example:"Europe/Berlin"`
	SlotAt          *time.Time         `json:"slot_at" doc:"The slot of the queue that it has; null: none."`
	RecurringPostID *uuid.UUID         `json:"recurring_post_id" format:"uuid" nullable:"true" doc:"What it is a copy of."`
	PlatformPosts   []CalendarPlatform `json:"platform_posts" nullable:"false"`
}

// CalendarPlatform is where a post of the calendar goes.
type CalendarPlatform struct {
	IntegrationID uuid.UUID `json:"integration_id" format:"uuid"`
	Platform      string    `json:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	State         string    `json:"state" enum:"draft,pending_approval,approved,scheduled,publishing,published,failed,needs_attention,cancelled"`
}

func (a *API) registerCalendar() {
	register(a, huma.Operation{
		OperationID: "list-calendar", Metadata: needs("posts:read", "posts:write", "posts:publish"), Method: http.MethodGet, Path: "/v1/customers/{customer_id}/calendar",
		Tags: []string{"Posts"}, Summary: "List the posts of a time",
		Description: "Posts that go out, went out, or are to go out once they are approved, by their time, whatever their state. At most 400 days at once.",
	}, a.listCalendar)
}

func (a *API) listCalendar(ctx context.Context, in *struct {
	CustomerPath
	From       time.Time `query:"from" required:"true" format:"date-time" doc:"From when on." example:"2030-01-01T00:00:00+01:00"`
	To         time.Time `query:"to" required:"true" format:"date-time" doc:"Until before when." example:"2030-02-01T00:00:00+01:00"`
	CampaignID string    `query:"campaign_id" format:"uuid" doc:"Only posts of this campaign."`
	Limit      int32     `query:"limit" minimum:"1" maximum:"500" default:"200" doc:"How many posts at most."`
	Cursor     string    `query:"cursor" maxLength:"100" doc:"next_cursor of the page before."`
}) (*pageOutput[CalendarPost], error) {
	switch span := in.To.Sub(in.From); {
	case span <= 0:
		return nil, invalid("query.to", "must be after from")
	case span > calendarSpan:
		return nil, invalid("query.to", "must be at most 400 days after from")
	}
	params := queries.CalendarListParams{TextLength: calendarText, FromAt: in.From, ToAt: in.To, MaxRows: in.Limit + 1}
	var err error
	if params.AfterAt, params.AfterID, err = timeCursor(listOfCalendar, in.Cursor); err != nil {
		return nil, err
	}
	if params.CampaignID, err = queryID("query.campaign_id", in.CampaignID); err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.CalendarListRow, error) { return q.CalendarList(ctx, params) })
	if err != nil {
		return nil, err
	}
	body, err := page(rows, in.Limit, calendarPostFrom, func(row queries.CalendarListRow) string {
		return cursorOfTime(listOfCalendar, *row.ScheduledAt, row.ID)
	})
	return &pageOutput[CalendarPost]{Body: body}, err
}

func calendarPostFrom(row queries.CalendarListRow) (CalendarPost, error) {
	post := CalendarPost{
		ID: row.ID, ETag: etag(row.Version), CampaignID: row.CampaignID, Title: row.Title, Text: row.Text, State: row.State,
		ScheduledAt: row.ScheduledAt.UTC(), TimeZone: row.TimeZone, SlotAt: utc(row.SlotAt), RecurringPostID: row.RecurrenceID,
	}
	if local := localTime(row.ScheduledAt, row.TimeZone); local != nil {
		post.ScheduledLocal = *local
	}
	if err := json.Unmarshal(row.PlatformPosts, &post.PlatformPosts); err != nil {
		return post, fmt.Errorf("decode platform posts: %w", err)
	}
	return post, nil
}
