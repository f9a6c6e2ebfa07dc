package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/queries"
)

// PostMetrics are the numbers of a post on each of its accounts.
type PostMetrics struct {
	PlatformPosts []PlatformPostMetrics `json:"platform_posts" nullable:"false"`
}

// PlatformPostMetrics are the numbers of a post on one account.
type PlatformPostMetrics struct {
	PlatformPostID uuid.UUID      `json:"platform_post_id" format:"uuid"`
	IntegrationID  uuid.UUID      `json:"integration_id" format:"uuid"`
	Platform       string         `json:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	Latest         *MetricsOfDay  `json:"latest,omitempty" doc:"The newest numbers; left out where there are none yet, or the platform tells none."`
	Days           []MetricsOfDay `json:"days" nullable:"false" doc:"The numbers as they were at the end of each day on which the platform was asked, the oldest first."`
	NextAt         *time.Time     `json:"next_at" doc:"When the platform is asked next; null: not any more, or not yet."`
}

// MetricsOfDay are what a platform said on a day, of the whole time since the post was published. Null: it does not say.
type MetricsOfDay struct {
	Day        string    `json:"day" format:"date" doc:"The day, of UTC."`
	MeasuredAt time.Time `json:"measured_at" doc:"When the platform was asked."`
	platform.Metrics
}

func (a *API) registerPostMetrics() {
	register(a, huma.Operation{
		OperationID: "get-post-metrics", Metadata: needs("posts:read"), Method: http.MethodGet, Path: "/v1/customers/{customer_id}/posts/{post_id}/metrics",
		Tags: []string{"Posts"}, Summary: "Get a post's numbers",
		Description: "What the platforms say of how the post did. They are asked an hour and six hours after publishing, then daily for a week, weekly for a month, and monthly for a year.",
	}, a.getPostMetrics)
}

func (a *API) getPostMetrics(ctx context.Context, in *PostPath) (*struct{ Body PostMetrics }, error) {
	raw, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (json.RawMessage, error) { return q.PostMetricsGet(ctx, in.PostID) })
	if err != nil {
		return nil, noRows(err, "post")
	}
	var body PostMetrics
	if err := json.Unmarshal(raw, &body.PlatformPosts); err != nil {
		return nil, fmt.Errorf("read a post's numbers: %w", err)
	}
	for i := range body.PlatformPosts {
		if days := body.PlatformPosts[i].Days; len(days) > 0 {
			body.PlatformPosts[i].Latest = &days[len(days)-1]
		}
	}
	return &struct{ Body PostMetrics }{body}, nil
}
