package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/queries"
)

// PlatformPostPath is the path of a post on one account.
type PlatformPostPath struct {
	PostPath
	PlatformPostID uuid.UUID `path:"platform_post_id" format:"uuid" doc:"The platform post."`
}

// PlatformPostConfirm says that a post is there.
type PlatformPostConfirm struct {
	ExternalURL string     `json:"external_url" minLength:"1" maxLength:"500" format:"uri" doc:"Where readers see it: the address that the platform shows for it." example:"https://x.com/bluebottle/status/1790000000000000000"`
	PublishedAt *time.Time `json:"published_at,omitempty" format:"date-time" doc:"When it was published there; now if it is left out and not known."`
}

// PublishAttempt is one try to publish a platform post.
type PublishAttempt struct {
	Number     int        `json:"number" doc:"Counted from 1."`
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at" doc:"null while it is under way."`
	Outcome    *string    `json:"outcome" enum:"published,credential,invalid,rate_limited,payment_required,transient,unknown_outcome,abandoned,withdrawn,waiting" doc:"How it ended. waiting: the platform was still at work on what was uploaded; abandoned: whoever made it is gone; withdrawn: it was taken back before anything was sent; the others are the problem_class of platform posts."`
	Status     *int       `json:"status" doc:"The HTTP status that the platform answered, where that decided it."`
	Code       *string    `json:"code" doc:"The platform's own code."`
	Message    *string    `json:"message" doc:"What happened and what to do."`
}

// PlatformPostAttempts are the attempts of one platform post.
type PlatformPostAttempts struct {
	PlatformPostID uuid.UUID        `json:"platform_post_id" format:"uuid"`
	IntegrationID  uuid.UUID        `json:"integration_id" format:"uuid"`
	Platform       string           `json:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	Attempts       []PublishAttempt `json:"attempts" nullable:"false" doc:"The newest hundred, newest first."`
}

type postAttemptsOutput struct {
	Body struct {
		PlatformPosts []PlatformPostAttempts `json:"platform_posts" nullable:"false"`
	}
}

func (a *API) registerPlatformPosts() {
	tags := []string{"Posts"}
	const post = "/v1/customers/{customer_id}/posts/{post_id}"
	const one = post + "/platform-posts/{platform_post_id}"
	register(a, huma.Operation{
		OperationID: "confirm-platform-post", Method: http.MethodPost, Path: one + "/confirm", Tags: tags, Summary: "Say that a post is there",
		Description: "For a platform post that needs attention, because nobody knows whether the platform has it: somebody has looked, and it has. It counts as published then.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.confirmPlatformPost)
	register(a, huma.Operation{
		OperationID: "retry-platform-post", Metadata: needs("posts:publish"), Method: http.MethodPost, Path: one + "/retry", Tags: tags, Summary: "Publish a post again on one account",
		Description: "For a platform post that has failed, and for one that needs attention: somebody has looked, and the platform does not have it. The latter is for people alone, unless " +
			"nothing was sent because the account was not connected. What is published stays as it is; of a thread that is there in part the rest is posted. It goes out at once, " +
			"or at the post's time where others of it still wait for that.",
		DefaultStatus: http.StatusAccepted, Errors: []int{http.StatusPreconditionFailed},
	}, a.retryPlatformPost)
	register(a, huma.Operation{
		OperationID: "list-publish-attempts", Metadata: needs("posts:read", "posts:write", "posts:publish"), Method: http.MethodGet, Path: post + "/attempts", Tags: tags,
		Summary: "List the attempts to publish a post",
	}, a.listPublishAttempts)
}

// lockPlatformPost locks a post for a change of one of its platform posts, and gives all of them.
func lockPlatformPost(ctx context.Context, q *queries.Queries, in PlatformPostPath, condition Condition) (post queries.PostLockRow, one queries.PlatformPostListByPostRow, all []queries.PlatformPostListByPostRow, err error) {
	if post, err = lockPost(ctx, q, in.PostID, Condition{}); err != nil {
		return post, one, nil, err
	}
	if all, err = q.PlatformPostListByPost(ctx, in.PostID); err != nil {
		return post, one, nil, err
	}
	for _, pp := range all {
		if pp.ID == in.PlatformPostID {
			return post, pp, all, condition.check(post.Version)
		}
	}
	return post, one, nil, notFound("platform post")
}

func (a *API) confirmPlatformPost(ctx context.Context, in *struct {
	PlatformPostPath
	Condition
	Body PlatformPostConfirm
}) (*postOutput, error) {
	address, err := url.Parse(in.Body.ExternalURL)
	if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Hostname() == "" || address.User != nil {
		return nil, invalid("body.external_url", "must be an address that begins with https:// and names no user")
	}
	if at := in.Body.PublishedAt; at != nil && (at.After(time.Now().Add(time.Minute)) || at.Year() < 2000) {
		return nil, invalid("body.published_at", "must lie in the past, and not before the year 2000")
	}
	return a.answerPost(ctx, in.PostPath, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		_, pp, _, err := lockPlatformPost(ctx, q, in.PlatformPostPath, in.Condition)
		if err != nil {
			return err
		}
		if pp.State != "needs_attention" {
			return conflict("The post is " + spoken(pp.State) + " on this account: there is nothing to confirm.")
		}
		externalID := platform.PostIDOf(platform.Name(pp.Platform), address)
		changed, err := q.PlatformPostConfirm(ctx, queries.PlatformPostConfirmParams{
			ID: pp.ID, ExternalID: &externalID, ExternalURL: &in.Body.ExternalURL, PublishedAt: in.Body.PublishedAt,
		})
		if err == nil && changed == 0 {
			err = forbidden()
		}
		return err
	})
}

func (a *API) retryPlatformPost(ctx context.Context, in *struct {
	PlatformPostPath
	Condition
}) (*postOutput, error) {
	return a.answerPost(ctx, in.PostPath, func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) error {
		post, pp, all, err := lockPlatformPost(ctx, q, in.PlatformPostPath, in.Condition)
		if err != nil {
			return err
		}
		switch {
		case pp.State == "failed" || neverSent(pp):
			one := []queries.PlatformPostListByPostRow{pp}
			if err := approvedFirst(one); err != nil {
				return err
			}
			if err := keepsRules(one); err != nil {
				return err
			}
		case pp.State == "needs_attention": // it is frozen as it was when it was sent
			if pp.ApprovalRequired && !pp.Approved {
				return conflict("What goes out here must be approved first, and what may be out cannot be submitted. Confirm that it is there, or cancel it and make a new post.")
			}
		default:
			return conflict("The post is " + spoken(pp.State) + " on this account: there is nothing to try again.")
		}
		if err := connected(pp); err != nil {
			return err
		}
		var at *time.Time
		for _, other := range all {
			if other.State == "scheduled" && post.ScheduledAt != nil && post.ScheduledAt.After(time.Now()) {
				at = post.ScheduledAt
			}
		}
		if at == nil {
			if _, err := q.PostSetSchedule(ctx, queries.PostSetScheduleParams{ID: in.PostID}); err != nil {
				return err
			}
		}
		changed, err := q.PlatformPostRetryOne(ctx, pp.ID)
		if err != nil {
			return err
		}
		if changed == 0 {
			return forbidden()
		}
		return a.insertPublishJobs(ctx, tx, in.PostPath, []uuid.UUID{pp.ID}, at)
	})
}

func (a *API) listPublishAttempts(ctx context.Context, in *PostPath) (*postAttemptsOutput, error) {
	encoded, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (json.RawMessage, error) { return q.PostAttempts(ctx, in.PostID) })
	if err != nil {
		return nil, noRows(err, "post")
	}
	out := &postAttemptsOutput{}
	if err := json.Unmarshal(encoded, &out.Body.PlatformPosts); err != nil {
		return nil, fmt.Errorf("decode attempts: %w", err)
	}
	for _, pp := range out.Body.PlatformPosts {
		for i := range pp.Attempts {
			attempt := &pp.Attempts[i]
			attempt.StartedAt, attempt.FinishedAt = attempt.StartedAt.UTC(), utc(attempt.FinishedAt)
		}
	}
	return out, nil
}
