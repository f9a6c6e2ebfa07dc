package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/queries"
)

// CustomerHealth is how a customer stands, in a few numbers.
type CustomerHealth struct {
	CustomerID uuid.UUID  `json:"customer_id" format:"uuid"`
	Name       string     `json:"name"`
	TimeZone   string     `json:"time_zone" example:"Europe/Berlin"`
	Waiting    int64      `json:"waiting" minimum:"0" doc:"How many posts wait for approval; 100 means as many or more."`
	Problems   int64      `json:"problems" minimum:"0" doc:"How many posts failed, or need a decision, in the last thirty days; 100 means as many or more."`
	Accounts   int64      `json:"accounts" minimum:"0" doc:"How many accounts must be connected again; 100 means as many or more."`
	NextPostAt *time.Time `json:"next_post_at" doc:"When the next scheduled post goes out, in UTC; null: none is scheduled."`
}

func (a *API) registerCustomerHealth() {
	register(a, huma.Operation{
		OperationID: "list-customer-health", Method: http.MethodGet, Path: "/v1/customer-health", Tags: []string{"Customers"}, Summary: "List how the caller's customers stand",
		Description: "What waits for a person in each of the customers that list-customers gives, in the same order and without the archived ones. get-overview says more of one.",
	}, a.listCustomerHealth)
}

func (a *API) listCustomerHealth(ctx context.Context, in *PageQuery) (*pageOutput[CustomerHealth], error) {
	before, err := in.before(listOfCustomers)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx), func(q *queries.Queries) ([]queries.CustomerListHealthRow, error) {
		return q.CustomerListHealth(ctx, queries.CustomerListHealthParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.CustomerListHealthRow) (CustomerHealth, error) {
		return CustomerHealth{CustomerID: row.ID, Name: row.Name, TimeZone: row.TimeZone, Waiting: row.Waiting, Problems: row.Problems, Accounts: row.Accounts, NextPostAt: utc(row.NextPostAt)}, nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.CustomerListHealthRow) string { return cursorOf(listOfCustomers, row.ID) })
	return &pageOutput[CustomerHealth]{Body: body}, err
}
