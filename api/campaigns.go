package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// Campaign is a named group of posts with dates and a goal.
type Campaign struct {
	ID         uuid.UUID  `json:"id" format:"uuid"`
	Name       string     `json:"name"`
	Goal       string     `json:"goal" doc:"What it is to achieve."`
	StartsOn   *string    `json:"starts_on" format:"date" doc:"First day, in the customer's time zone."`
	EndsOn     *string    `json:"ends_on" format:"date" doc:"Last day, in the customer's time zone."`
	ArchivedAt *time.Time `json:"archived_at"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
}

type campaignOutput struct {
	ETag string `header:"ETag"`
	Body Campaign
}

// CampaignPath is the path of a campaign.
type CampaignPath struct {
	CustomerPath
	CampaignID uuid.UUID `path:"campaign_id" format:"uuid" doc:"The campaign."`
}

// CampaignCreate is a new campaign.
type CampaignCreate struct {
	Name     string  `json:"name" minLength:"1" maxLength:"200" pattern:"\\S" patternDescription:"more than white space"`
	Goal     string  `json:"goal,omitempty" maxLength:"10000"`
	StartsOn *string `json:"starts_on,omitempty" format:"date"`
	EndsOn   *string `json:"ends_on,omitempty" format:"date"`
}

// CampaignUpdate changes the fields that are given. A date can be cleared with null; elsewhere null is as if
// the field were left out.
type CampaignUpdate struct {
	Name     *string          `json:"name,omitempty" minLength:"1" maxLength:"200" pattern:"\\S" patternDescription:"more than white space"`
	Goal     *string          `json:"goal,omitempty" maxLength:"10000"`
	StartsOn Nullable[string] `json:"starts_on,omitempty" format:"date"`
	EndsOn   Nullable[string] `json:"ends_on,omitempty" format:"date"`
}

func (u CampaignUpdate) empty() bool {
	return u.Name == nil && u.Goal == nil && !u.StartsOn.Sent && !u.EndsOn.Sent
}

func (a *API) registerCampaigns() {
	tags := []string{"Campaigns"}
	const list, one = "/v1/customers/{customer_id}/campaigns", "/v1/customers/{customer_id}/campaigns/{campaign_id}"
	register(a, huma.Operation{
		OperationID: "list-campaigns", Metadata: needs("campaigns:read", "campaigns:write"), Method: http.MethodGet, Path: list, Tags: tags, Summary: "List campaigns",
	}, a.listCampaigns)
	register(a, huma.Operation{
		OperationID: "create-campaign", Metadata: needs("campaigns:write"), Method: http.MethodPost, Path: list, Tags: tags, Summary: "Create a campaign",
		DefaultStatus: http.StatusCreated,
	}, a.createCampaign)
	register(a, huma.Operation{
		OperationID: "get-campaign", Metadata: needs("campaigns:read", "campaigns:write"), Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a campaign",
	}, a.getCampaign)
	register(a, huma.Operation{
		OperationID: "update-campaign", Metadata: needs("campaigns:write"), Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Change a campaign",
		Errors: []int{http.StatusPreconditionFailed},
	}, a.updateCampaign)
	register(a, huma.Operation{
		OperationID: "delete-campaign", Metadata: needs("campaigns:write"), Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Delete a campaign without posts",
		Description: "One that has posts is archived instead.", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteCampaign)
	register(a, huma.Operation{
		OperationID: "archive-campaign", Metadata: needs("campaigns:write"), Method: http.MethodPost, Path: one + "/archive", Tags: tags, Summary: "Archive a campaign",
		Description: "Takes it off the list. Its posts stay as they are.", Errors: []int{http.StatusPreconditionFailed},
	}, a.archiveCampaign)
}

func (a *API) listCampaigns(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
	Archived bool `query:"archived" default:"false" doc:"Also the archived ones."`
}) (*pageOutput[Campaign], error) {
	before, err := in.before(listOfCampaigns)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.CampaignListRow, error) {
		return q.CampaignList(ctx, queries.CampaignListParams{Before: before, MaxRows: in.more(), Archived: in.Archived})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.CampaignListRow) (Campaign, error) {
		return campaignFrom(queries.CampaignGetRow(row)), nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.CampaignListRow) string { return cursorOf(listOfCampaigns, row.ID) })
	return &pageOutput[Campaign]{Body: body}, err
}

func (a *API) createCampaign(ctx context.Context, in *struct {
	CustomerPath
	Body CampaignCreate
}) (*campaignOutput, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	starts, err := date("body.starts_on", in.Body.StartsOn)
	if err != nil {
		return nil, err
	}
	ends, err := date("body.ends_on", in.Body.EndsOn)
	if err != nil {
		return nil, err
	}
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*campaignOutput, error) {
		if err := q.CampaignCreate(ctx, queries.CampaignCreateParams{
			ID: id, Name: in.Body.Name, Goal: in.Body.Goal, StartsOn: starts, EndsOn: ends,
		}); err != nil {
			return nil, err
		}
		row, err := q.CampaignGet(ctx, id)
		return campaignAnswer(row), err
	})
}

func (a *API) getCampaign(ctx context.Context, in *CampaignPath) (*campaignOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.CampaignGetRow, error) {
		return q.CampaignGet(ctx, in.CampaignID)
	})
	if err != nil {
		return nil, noRows(err, "campaign")
	}
	return campaignAnswer(row), nil
}

func (a *API) updateCampaign(ctx context.Context, in *struct {
	CampaignPath
	Condition
	Body CampaignUpdate
}) (*campaignOutput, error) {
	if in.Body.empty() {
		return nil, nothingToChange()
	}
	starts, err := date("body.starts_on", in.Body.StartsOn.Value)
	if err != nil {
		return nil, err
	}
	ends, err := date("body.ends_on", in.Body.EndsOn.Value)
	if err != nil {
		return nil, err
	}
	return a.changeCampaign(ctx, in.CampaignPath, in.Condition, func(ctx context.Context, q *queries.Queries, version *int64) (int64, error) {
		return q.CampaignUpdate(ctx, queries.CampaignUpdateParams{
			ID: in.CampaignID, Version: version, Name: in.Body.Name, Goal: in.Body.Goal,
			StartsOnDoUpdate: in.Body.StartsOn.Sent, StartsOn: starts,
			EndsOnDoUpdate: in.Body.EndsOn.Sent, EndsOn: ends,
		})
	})
}

func (a *API) archiveCampaign(ctx context.Context, in *struct {
	CampaignPath
	Condition
}) (*campaignOutput, error) {
	return a.changeCampaign(ctx, in.CampaignPath, in.Condition, func(ctx context.Context, q *queries.Queries, version *int64) (int64, error) {
		return q.CampaignArchive(ctx, queries.CampaignArchiveParams{ID: in.CampaignID, Version: version})
	})
}

// changeCampaign runs a change and answers the campaign as it is then.
func (a *API) changeCampaign(ctx context.Context, in CampaignPath, condition Condition, apply func(ctx context.Context, q *queries.Queries, version *int64) (int64, error)) (*campaignOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*campaignOutput, error) {
		var row queries.CampaignGetRow
		get := func() (err error) {
			row, err = q.CampaignGet(ctx, in.CampaignID)
			return noRows(err, "campaign")
		}
		err := condition.change(func(version *int64) (int64, error) { return apply(ctx, q, version) }, get)
		if err == nil {
			err = get()
		}
		return campaignAnswer(row), err
	})
}

func (a *API) deleteCampaign(ctx context.Context, in *struct {
	CampaignPath
	Condition
}) (*struct{}, error) {
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		err := in.change(func(version *int64) (int64, error) {
			return q.CampaignDelete(ctx, queries.CampaignDeleteParams{ID: in.CampaignID, Version: version})
		}, func() error {
			_, err := q.CampaignGet(ctx, in.CampaignID)
			return noRows(err, "campaign")
		})
		if violates(err, "posts_campaign_fkey") {
			return conflict("The campaign has posts. Archive it instead.")
		}
		return err
	})
	return nil, err
}

// date reads a day that has passed the schema's check of its form.
func date(location string, text *string) (*time.Time, error) {
	if text == nil {
		return nil, nil //nolint:nilnil // no date is a valid date
	}
	day, err := time.Parse(time.DateOnly, *text)
	if err != nil || day.Year() < 1 {
		return nil, invalid(location, "must be a date such as 2026-11-30")
	}
	return &day, nil
}

func campaignAnswer(row queries.CampaignGetRow) *campaignOutput {
	return &campaignOutput{ETag: etag(row.Version), Body: campaignFrom(row)}
}

func campaignFrom(row queries.CampaignGetRow) Campaign {
	return Campaign{
		ID: row.ID, Name: row.Name, Goal: row.Goal, StartsOn: day(row.StartsOn), EndsOn: day(row.EndsOn),
		ArchivedAt: utc(row.ArchivedAt), CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}
}

func day(t *time.Time) *string {
	if t == nil {
		return nil
	}
	text := t.Format(time.DateOnly)
	return &text
}
