package api

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"fanfare/queries"
)

// usageDays is for how many days usage is told at once.
const usageDays = 731

// UsageOfKind is how much was used of one kind.
type UsageOfKind struct {
	Kind         string `json:"kind" doc:"What was used; more kinds may come." example:"generate_post"`
	Platform     string `json:"platform" doc:"The platform of published posts and of messages in chats; else empty. twitter is X." example:"linkedin"`
	Count        int64  `json:"count" minimum:"0" doc:"How many: calls, posts, searches, messages."`
	InputTokens  int64  `json:"input_tokens" minimum:"0" doc:"Of calls of LLMs, as their providers say."`
	OutputTokens int64  `json:"output_tokens" minimum:"0"`
	CostMicroUSD int64  `json:"cost_microusd" minimum:"0" doc:"What it cost the installation, in millionths of a US dollar: nothing with a key of the customer's own."`
}

// UsageItem is how much was used of one kind in a period.
type UsageItem struct {
	Period string `json:"period" doc:"The day as 2026-11-30, the month as 2026-11, or total." example:"2026-11-30"`
	UsageOfKind
}

// Usage is what a customer has used.
type Usage struct {
	From  string      `json:"from" format:"date" doc:"The first day, of UTC."`
	To    string      `json:"to" format:"date" doc:"The last day."`
	Items []UsageItem `json:"items" nullable:"false" doc:"By period, kind and platform. What was not used is left out."`
}

// UsageQuery chooses the days.
type UsageQuery struct {
	From    string `query:"from" format:"date" doc:"The first day, of UTC; the first of the month of the last day without it."`
	To      string `query:"to" format:"date" doc:"The last day, which is part of it; today without it. At most 731 days."`
	GroupBy string `query:"group_by" enum:"day,month,total" default:"day" doc:"The periods that are added up."`
}

// CustomerUsage is what one of all customers has used.
type CustomerUsage struct {
	CustomerID uuid.UUID     `json:"customer_id" format:"uuid"`
	Name       string        `json:"name"`
	Used       []UsageOfKind `json:"used" nullable:"false" doc:"By kind and platform."`
}

func (a *API) registerUsage() {
	tags := []string{"Usage"}
	register(a, huma.Operation{
		OperationID: "get-usage", Metadata: needs("customer:read"), Method: http.MethodGet, Path: "/v1/customers/{customer_id}/usage", Tags: tags,
		Summary:     "Get what a customer has used",
		Description: "Calls of LLMs with their tokens and cost, searches for images, posts published, messages: by day, of UTC, and by kind.",
	}, a.getUsage)
	register(a, huma.Operation{
		OperationID: "export-usage", Metadata: needs("customer:read"), Method: http.MethodGet, Path: "/v1/customers/{customer_id}/usage/export", Tags: tags,
		Summary:     "Get what a customer has used, as CSV",
		Description: "The same as get-usage, for a spreadsheet.",
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
			"text/csv": {Schema: &huma.Schema{Type: "string", Description: "RFC 4180: a line of names, then a period, a kind and a platform on each."}},
		}}},
	}, a.exportUsage)
	register(a, huma.Operation{
		OperationID: "list-installation-usage", Method: http.MethodGet, Path: "/v1/usage", Tags: tags,
		Summary: "List what all customers have used in a month", Errors: []int{http.StatusForbidden},
		Description: "By the customers' ids; without those that have used nothing. For system roles.",
	}, a.listInstallationUsage)
}

func (a *API) getUsage(ctx context.Context, in *struct {
	CustomerPath
	UsageQuery
}) (*struct{ Body Usage }, error) {
	usage, err := a.usage(ctx, in.CustomerID, in.UsageQuery)
	if err != nil {
		return nil, err
	}
	return &struct{ Body Usage }{usage}, nil
}

// usage reads what the query chooses.
func (a *API) usage(ctx context.Context, customerID uuid.UUID, query UsageQuery) (Usage, error) {
	from, to, err := query.days(time.Now())
	if err != nil {
		return Usage{}, err
	}
	rows, err := read(ctx, a, scope(ctx).In(customerID), func(q *queries.Queries) ([]queries.UsageListRow, error) {
		return q.UsageList(ctx, queries.UsageListParams{GroupBy: query.GroupBy, FromDay: from, ToDay: to})
	})
	if err != nil {
		return Usage{}, err
	}
	usage := Usage{From: from.Format(time.DateOnly), To: to.Format(time.DateOnly), Items: make([]UsageItem, len(rows))}
	layout := map[string]string{"day": time.DateOnly, "month": "2006-01", "total": "total"}[query.GroupBy]
	for i, row := range rows {
		usage.Items[i] = UsageItem{row.Period.Format(layout), UsageOfKind{row.Kind, row.Platform, row.Count, row.InputTokens, row.OutputTokens, row.CostMicrousd}}
	}
	return usage, nil
}

// days are the first and the last day that are asked for.
func (q UsageQuery) days(now time.Time) (from, to time.Time, err error) {
	to = now.UTC().Truncate(24 * time.Hour)
	if q.To != "" {
		if to, err = dayOf("query.to", q.To); err != nil {
			return from, to, err
		}
	}
	from = time.Date(to.Year(), to.Month(), 1, 0, 0, 0, 0, time.UTC)
	if q.From != "" {
		if from, err = dayOf("query.from", q.From); err != nil {
			return from, to, err
		}
	}
	switch days := to.Sub(from)/(24*time.Hour) + 1; {
	case days < 1:
		return from, to, invalid("query.from", "must not be after to")
	case days > usageDays:
		return from, to, invalid("query.from", fmt.Sprintf("must not be more than %d days before to", usageDays-1))
	}
	return from, to, nil
}

// dayOf reads a day that stands in a query.
func dayOf(location, text string) (time.Time, error) {
	day, err := date(location, &text)
	if err != nil {
		return time.Time{}, err
	}
	return *day, nil
}

func (a *API) exportUsage(ctx context.Context, in *struct {
	CustomerPath
	UsageQuery
}) (*huma.StreamResponse, error) {
	usage, err := a.usage(ctx, in.CustomerID, in.UsageQuery)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := humago.Unwrap(hctx)
		w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="usage-%s-%s.csv"`, usage.From, usage.To))
		w.WriteHeader(http.StatusOK)
		if r.Method == http.MethodHead {
			return
		}
		lines := [][]string{{"period", "kind", "platform", "count", "input_tokens", "output_tokens", "cost_microusd"}}
		for _, i := range usage.Items {
			lines = append(lines, []string{i.Period, i.Kind, i.Platform, strconv.FormatInt(i.Count, 10), strconv.FormatInt(i.InputTokens, 10),
				strconv.FormatInt(i.OutputTokens, 10), strconv.FormatInt(i.CostMicroUSD, 10)})
		}
		out := csv.NewWriter(w)
		out.UseCRLF = true // as RFC 4180 has it
		if err := out.WriteAll(lines); err != nil {
			a.abort(hctx.Context(), err)
		}
	}}, nil
}

func (a *API) listInstallationUsage(ctx context.Context, in *struct {
	PageQuery
	Month string `query:"month" pattern:"^[0-9]{4}-(0[1-9]|1[0-2])$" patternDescription:"a month such as 2026-11" doc:"The month, of UTC; this one without it." example:"2026-11"`
}) (*pageOutput[CustomerUsage], error) {
	after, err := in.after(listOfUsage)
	if err != nil {
		return nil, err
	}
	month := time.Now().UTC()
	if in.Month != "" {
		if month, err = time.Parse("2006-01", in.Month); err != nil || month.Year() < 1 {
			return nil, invalid("query.month", "must be a month such as 2026-11")
		}
	}
	rows, err := read(ctx, a, scope(ctx), func(q *queries.Queries) ([]queries.UsageListByCustomerRow, error) {
		return q.UsageListByCustomer(ctx, queries.UsageListByCustomerParams{Month: month, After: after, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.UsageListByCustomerRow) (CustomerUsage, error) {
		usage := CustomerUsage{CustomerID: row.CustomerID, Name: row.Name}
		if err := json.Unmarshal(row.Used, &usage.Used); err != nil {
			return usage, fmt.Errorf("read a customer's usage: %w", err)
		}
		return usage, nil
	}
	body, err := page(rows, in.Limit, convert, func(row queries.UsageListByCustomerRow) string { return cursorOf(listOfUsage, row.CustomerID) })
	return &pageOutput[CustomerUsage]{Body: body}, err
}
