package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/queries"
)

// recentPosts is how many posts a customer's context shows.
const recentPosts = 10

// CustomerContext is what somebody who writes for a customer needs to know, people and AI agents alike.
type CustomerContext struct {
	ID           uuid.UUID        `json:"id" format:"uuid"`
	Name         string           `json:"name"`
	Description  string           `json:"description"`
	BrandVoice   string           `json:"brand_voice"`
	Audience     string           `json:"audience"`
	Language     string           `json:"language"`
	TimeZone     string           `json:"time_zone"`
	Integrations []ContextAccount `json:"integrations" nullable:"false" doc:"The connected accounts."`
	RecentPosts  []Post           `json:"recent_posts" nullable:"false" doc:"The newest posts, newest first."`
}

// ContextAccount is a connected account as a writer sees it.
type ContextAccount struct {
	ID       uuid.UUID `json:"id" format:"uuid"`
	Platform string    `json:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	Name     string    `json:"name"`
	State    string    `json:"state" enum:"active,needs_reauth,disconnected"`
}

type customerContextOutput struct{ Body CustomerContext }

func (a *API) registerCustomerContext() {
	register(a, huma.Operation{
		OperationID: "get-customer-context", Metadata: needs("customer:read"), Method: http.MethodGet, Path: "/v1/customers/{customer_id}/context", Tags: []string{"Customers"},
		Summary: "Get what a writer needs to know of a customer",
	}, a.getCustomerContext)
}

func (a *API) getCustomerContext(ctx context.Context, in *CustomerPath) (*customerContextOutput, error) {
	var body CustomerContext
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		c, err := q.CustomerGet(ctx, in.CustomerID)
		if err != nil {
			return err
		}
		body = CustomerContext{
			ID: c.ID, Name: c.Name, Description: c.Description, BrandVoice: c.BrandVoice, Audience: c.Audience,
			Language: c.Language, TimeZone: c.TimeZone, Integrations: []ContextAccount{}, RecentPosts: []Post{},
		}
		accounts, err := q.IntegrationList(ctx, queries.IntegrationListParams{Before: uuid.Max, MaxRows: 100})
		if err != nil {
			return err
		}
		for _, i := range accounts {
			if i.State != "disconnected" {
				body.Integrations = append(body.Integrations, ContextAccount{ID: i.ID, Platform: i.Platform, Name: i.Name, State: i.State})
			}
		}
		posts, err := q.PostList(ctx, queries.PostListParams{Before: uuid.Max, MaxRows: recentPosts})
		if err != nil {
			return err
		}
		for _, row := range posts {
			post, err := postFrom(queries.PostGetRow(row))
			if err != nil {
				return err
			}
			body.RecentPosts = append(body.RecentPosts, post)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &customerContextOutput{Body: body}, nil
}
