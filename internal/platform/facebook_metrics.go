package platform

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// facebookMetrics are what Facebook has of a post since v26.0, which counts views in place of impressions:
// https://developers.facebook.com/docs/graph-api/changelog/version25.0
const facebookMetrics = "post_media_view,post_total_media_view_unique,post_clicks"

// Measure asks for reactions, comments and shares, and for views and clicks where the login has the permission for them
// (read_insights) and the page is large enough to have them.
func (f *FacebookPublisher) Measure(ctx context.Context, credential json.RawMessage, externalID string) (Metrics, error) {
	p, err := f.open(credential, Post{}, Attempt{Observe: func(Quota) {}})
	if err != nil {
		return Metrics{}, err
	}
	if !facebookPostPattern.MatchString(externalID) && !facebookIDPattern.MatchString(externalID) {
		return Metrics{}, p.invalid(0, "", "this is no id of a post.")
	}
	type summary struct {
		Summary struct {
			Total *int64 `json:"total_count"`
		} `json:"summary"`
	}
	var post struct {
		Reactions summary `json:"reactions"`
		Comments  summary `json:"comments"`
		Shares    struct {
			Count int64 `json:"count"`
		} `json:"shares"`
	}
	query := url.Values{"fields": {"reactions.limit(0).summary(true),comments.filter(stream).limit(0).summary(true),shares"}}
	if _, err := p.request(ctx, prepares, call{method: http.MethodGet, url: p.address("/"+externalID, query)}, &post); err != nil {
		return Metrics{}, err
	}
	// It leaves out what nobody has shared.
	metrics := Metrics{Likes: post.Reactions.Summary.Total, Comments: post.Comments.Summary.Total, Shares: &post.Shares.Count}

	var insights struct {
		Data []struct {
			Name   string `json:"name"`
			Period string `json:"period"`
			Values []struct {
				Value json.RawMessage `json:"value"`
			} `json:"values"`
		} `json:"data"`
	}
	a, err := p.request(ctx, prepares, call{method: http.MethodGet, url: p.address("/"+externalID+"/insights", url.Values{"metric": {facebookMetrics}})}, &insights)
	if problem, ok := facebookProblemOf(a); err != nil && ok &&
		(problem.Code == facebookParameter || problem.Code == facebookNotAllowed || (problem.Code >= facebookPermission && problem.Code <= facebookPermission+99)) {
		return metrics, nil
	}
	if err != nil {
		return Metrics{}, err
	}
	for _, one := range insights.Data {
		into := map[string]**int64{
			"post_media_view": &metrics.Impressions, "post_total_media_view_unique": &metrics.Reach, "post_clicks": &metrics.Clicks,
		}[one.Name]
		if into == nil || one.Period != "lifetime" || len(one.Values) == 0 {
			continue
		}
		if value, err := strconv.ParseInt(string(one.Values[0].Value), 10, 64); err == nil {
			*into = &value
		}
	}
	return metrics, nil
}
