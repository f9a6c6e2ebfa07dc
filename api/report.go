package api

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/queries"
)

// reportDays is for how many days a report is made at most.
const reportDays = 400

// Report is what went out in a time, and how it did.
type Report struct {
	From      string          `json:"from" format:"date" doc:"The first day, by the customer's clocks."`
	To        string          `json:"to" format:"date" doc:"The last day."`
	TimeZone  string          `json:"time_zone" doc:"The customer's." example:"Europe/Berlin"`
	Total     ReportNumbers   `json:"total"`
	Platforms []ReportNumbers `json:"platforms" nullable:"false" doc:"By platform."`
	Accounts  []ReportNumbers `json:"accounts" nullable:"false" doc:"By connected account."`
	Days      []ReportNumbers `json:"days" nullable:"false" doc:"By platform and day; days without anything are left out."`
}

// ReportNumbers count what went out, of everything or of a platform, an account or a day. The platforms' own numbers are the newest that they have told; a platform that tells none adds nothing.
type ReportNumbers struct {
	Platform       string     `json:"platform,omitempty" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	IntegrationID  *uuid.UUID `json:"integration_id,omitempty" format:"uuid"`
	Account        string     `json:"account,omitempty" doc:"The account's name."`
	Day            string     `json:"day,omitempty" format:"date"`
	Posts          int64      `json:"posts" minimum:"0" doc:"Posts that are out somewhere."`
	Published      int64      `json:"published" minimum:"0" doc:"Platform posts that are out: a post counts once for each account."`
	Failed         int64      `json:"failed" minimum:"0" doc:"Platform posts that failed."`
	NeedsAttention int64      `json:"needs_attention" minimum:"0" doc:"Platform posts that need a decision."`
	Measured       int64      `json:"measured" minimum:"0" doc:"Of how many the platform has told numbers."`
	Impressions    int64      `json:"impressions" minimum:"0" doc:"How often they were shown; e-mails, delivered."`
	Reach          int64      `json:"reach" minimum:"0" doc:"How many people saw them, added up; e-mails, opened."`
	Likes          int64      `json:"likes" minimum:"0" doc:"Reactions of any kind."`
	Comments       int64      `json:"comments" minimum:"0"`
	Shares         int64      `json:"shares" minimum:"0"`
	Clicks         int64      `json:"clicks" minimum:"0"`
}

// ReportPost is a post on one account, as a report has it.
type ReportPost struct {
	PostID         uuid.UUID  `json:"post_id" format:"uuid"`
	PlatformPostID uuid.UUID  `json:"platform_post_id" format:"uuid"`
	Title          string     `json:"title"`
	Text           string     `json:"text" doc:"The first 200 characters."`
	Platform       string     `json:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	IntegrationID  uuid.UUID  `json:"integration_id" format:"uuid"`
	Account        string     `json:"account" doc:"The account's name."`
	State          string     `json:"state" enum:"published,failed,needs_attention"`
	ScheduledAt    time.Time  `json:"scheduled_at" doc:"When it was to go out."`
	PublishedAt    *time.Time `json:"published_at"`
	ExternalURL    *string    `json:"external_url" doc:"Where readers see it."`
	ProblemClass   *string    `json:"problem_class" enum:"credential,invalid,rate_limited,payment_required,transient,unknown_outcome"`
	Problem        *string    `json:"problem" doc:"What happened and what to do."`
	MeasuredAt     *time.Time `json:"measured_at" doc:"When the platform was asked for numbers; null: it has told none."`
	platform.Metrics
}

// ReportQuery chooses the days.
type ReportQuery struct {
	From string `query:"from" format:"date" doc:"The first day, by the customer's clocks; 29 days before the last without it."`
	To   string `query:"to" format:"date" doc:"The last day, which is part of it; today without it. At most 400 days."`
}

func (a *API) registerReport() {
	tags := []string{"Reports"}
	const path = "/v1/customers/{customer_id}/report"
	register(a, huma.Operation{
		OperationID: "get-report", Metadata: needs("posts:read"), Method: http.MethodGet, Path: path, Tags: tags, Summary: "Get what went out, and how it did",
		Description: "Posts whose time is in the days that are asked for, by what has become of them on each account, with the newest numbers of the platforms.",
	}, a.getReport)
	register(a, huma.Operation{
		OperationID: "list-report-posts", Metadata: needs("posts:read"), Method: http.MethodGet, Path: path + "/posts", Tags: tags, Summary: "List what went out, post by post",
		Description: "What get-report counts, the newest first.",
	}, a.listReportPosts)
	register(a, huma.Operation{
		OperationID: "export-report", Metadata: needs("posts:read"), Method: http.MethodGet, Path: path + "/export", Tags: tags, Summary: "Get what went out, as CSV",
		Description: "The same as list-report-posts, for a spreadsheet.",
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
			"text/csv": {Schema: &huma.Schema{Type: "string", Description: "RFC 4180: a line of names, then a post on an account on each. What a spreadsheet would take for a formula has an apostrophe before it, also behind each semicolon, tab and end of a line in a cell."}},
		}}},
	}, a.exportReport)
}

// reportSpan is what a report is of: days, by the clocks of a zone.
type reportSpan struct {
	zone        *time.Location
	first, last time.Time
}

// reportSpan reads which days are meant.
func (a *API) reportSpan(ctx context.Context, customerID uuid.UUID, query ReportQuery) (s reportSpan, err error) {
	today, err := read(ctx, a, scope(ctx).In(customerID), func(q *queries.Queries) (time.Time, error) {
		zone, now, err := customerZone(ctx, q)
		if err != nil {
			return time.Time{}, err
		}
		return now.In(zone), nil
	})
	if err != nil {
		return s, err
	}
	s.zone, s.last = today.Location(), time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, time.UTC)
	if query.To != "" {
		if s.last, err = dayOf("query.to", query.To); err != nil {
			return s, err
		}
	}
	s.first = s.last.AddDate(0, 0, -29)
	if query.From != "" {
		if s.first, err = dayOf("query.from", query.From); err != nil {
			return s, err
		}
	}
	switch days := s.last.Sub(s.first)/(24*time.Hour) + 1; {
	case days < 1:
		return s, invalid("query.from", "must not be after to")
	case days > reportDays:
		return s, invalid("query.from", fmt.Sprintf("must not be more than %d days before to", reportDays-1))
	}
	return s, nil
}

func (a *API) getReport(ctx context.Context, in *struct {
	CustomerPath
	ReportQuery
}) (*struct{ Body Report }, error) {
	span, err := a.reportSpan(ctx, in.CustomerID, in.ReportQuery)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.ReportSummaryRow, error) {
		return q.ReportSummary(ctx, queries.ReportSummaryParams{TimeZone: span.zone.String(), FirstDay: span.first, LastDay: span.last})
	})
	if err != nil {
		return nil, err
	}
	body := Report{From: span.first.Format(time.DateOnly), To: span.last.Format(time.DateOnly), TimeZone: span.zone.String(),
		Platforms: []ReportNumbers{}, Accounts: []ReportNumbers{}, Days: []ReportNumbers{}}
	for _, row := range rows {
		body.add(row)
	}
	return &struct{ Body Report }{body}, nil
}

// Of what a row of ReportSummary is, by the bits for platform, account and day that are not set.
const (
	ofEverything = 0b111
	ofPlatform   = 0b011
	ofAccount    = 0b001
	ofDay        = 0b010
)

func (r *Report) add(row queries.ReportSummaryRow) {
	numbers := ReportNumbers{
		Platform: row.Platform, Posts: row.Posts, Published: row.Published, Failed: row.Failed, NeedsAttention: row.NeedsAttention, Measured: row.Measured,
		Impressions: row.Impressions, Reach: row.Reach, Likes: row.Likes, Comments: row.Comments, Shares: row.Shares, Clicks: row.Clicks,
	}
	switch row.Level {
	case ofEverything:
		r.Total = numbers
	case ofPlatform:
		r.Platforms = append(r.Platforms, numbers)
	case ofAccount:
		numbers.IntegrationID, numbers.Account = &row.IntegrationID, row.Account
		r.Accounts = append(r.Accounts, numbers)
	case ofDay:
		numbers.Day = row.Day.Format(time.DateOnly)
		r.Days = append(r.Days, numbers)
	}
}

// lastReportCursor is before everything in the order of the posts of a report.
var lastReportCursor = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

func (a *API) listReportPosts(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
	ReportQuery
}) (*pageOutput[ReportPost], error) {
	before, id, err := timeCursor(listOfReport, in.Cursor)
	if err != nil {
		return nil, err
	}
	if in.Cursor == "" {
		before = lastReportCursor
	}
	span, err := a.reportSpan(ctx, in.CustomerID, in.ReportQuery)
	if err != nil {
		return nil, err
	}
	rows, err := a.reportPosts(ctx, in.CustomerID, span, queries.ReportPostsParams{TextLength: calendarText, BeforeAt: before, BeforeID: id, MaxRows: in.more()})
	if err != nil {
		return nil, err
	}
	body, err := page(rows, in.Limit, reportPostFrom, func(row queries.ReportPostsRow) string {
		return cursorOfTime(listOfReport, *row.ScheduledAt, row.PlatformPostID)
	})
	return &pageOutput[ReportPost]{Body: body}, err
}

func (a *API) reportPosts(ctx context.Context, customerID uuid.UUID, span reportSpan, params queries.ReportPostsParams) ([]queries.ReportPostsRow, error) {
	params.TimeZone, params.FirstDay, params.LastDay = span.zone.String(), span.first, span.last
	return read(ctx, a, scope(ctx).In(customerID), func(q *queries.Queries) ([]queries.ReportPostsRow, error) { return q.ReportPosts(ctx, params) })
}

func reportPostFrom(row queries.ReportPostsRow) (ReportPost, error) {
	post := ReportPost{
		PostID: row.PostID, PlatformPostID: row.PlatformPostID, Title: row.Title, Text: row.Text, Platform: row.Platform, IntegrationID: row.IntegrationID,
		Account: row.Account, State: row.State, ScheduledAt: row.ScheduledAt.UTC(), PublishedAt: utc(row.PublishedAt), ExternalURL: row.ExternalURL,
		ProblemClass: row.ProblemClass, Problem: row.Problem,
		Metrics: platform.Metrics{Impressions: row.Impressions, Reach: row.Reach, Likes: row.Likes, Comments: row.Comments, Shares: row.Shares, Clicks: row.Clicks},
	}
	if row.MeasuredAt.Unix() != 0 {
		post.MeasuredAt = utc(&row.MeasuredAt)
	}
	return post, nil
}

func (a *API) exportReport(ctx context.Context, in *struct {
	CustomerPath
	ReportQuery
}) (*huma.StreamResponse, error) {
	span, err := a.reportSpan(ctx, in.CustomerID, in.ReportQuery)
	if err != nil {
		return nil, err
	}
	params := queries.ReportPostsParams{TextLength: 1000, BeforeAt: lastReportCursor, MaxRows: exportPage}
	rows, err := a.reportPosts(ctx, in.CustomerID, span, params)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		r, w := humago.Unwrap(hctx)
		w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
		w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="report-%s-%s.csv"`, span.first.Format(time.DateOnly), span.last.Format(time.DateOnly)))
		w.WriteHeader(http.StatusOK)
		if r.Method == http.MethodHead {
			return
		}
		control, out := http.NewResponseController(w), csv.NewWriter(w)
		out.UseCRLF = true // as RFC 4180 has it
		lines := [][]string{{"scheduled_at", "published_at", "platform", "account", "state", "title", "text", "url", "problem",
			"impressions", "reach", "likes", "comments", "shares", "clicks", "measured_at", "post_id", "platform_post_id"}}
		for {
			if err := control.SetWriteDeadline(time.Now().Add(exportPageTimeout)); err != nil {
				a.abort(hctx.Context(), err)
			}
			for _, row := range rows {
				lines = append(lines, reportLine(row, span.zone))
			}
			if err := out.WriteAll(lines); err != nil {
				a.abort(hctx.Context(), err)
			}
			if len(rows) < exportPage {
				return
			}
			lines = lines[:0]
			last := rows[len(rows)-1]
			params.BeforeAt, params.BeforeID = *last.ScheduledAt, last.PlatformPostID
			pageCtx, cancel := context.WithTimeout(hctx.Context(), exportPageTimeout)
			rows, err = a.reportPosts(pageCtx, in.CustomerID, span, params)
			cancel()
			if err != nil {
				a.abort(hctx.Context(), err)
			}
		}
	}}, nil
}

func reportLine(row queries.ReportPostsRow, zone *time.Location) []string {
	at := func(t *time.Time) string {
		if t == nil {
			return ""
		}
		return t.In(zone).Format(time.RFC3339)
	}
	number := func(n *int64) string {
		if n == nil {
			return ""
		}
		return strconv.FormatInt(*n, 10)
	}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return plainCell(*s)
	}
	measured := &row.MeasuredAt
	if measured.Unix() == 0 {
		measured = nil
	}
	return []string{
		at(row.ScheduledAt), at(row.PublishedAt), row.Platform, plainCell(row.Account), row.State, plainCell(row.Title), plainCell(row.Text), text(row.ExternalURL), text(row.Problem),
		number(row.Impressions), number(row.Reach), number(row.Likes), number(row.Comments), number(row.Shares), number(row.Clicks), at(measured),
		row.PostID.String(), row.PlatformPostID.String(),
	}
}
