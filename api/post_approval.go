package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/queries"
)

// PostReview is what somebody said about a post on its way to being published.
type PostReview struct {
	ID          uuid.UUID  `json:"id" format:"uuid"`
	PostVersion int64      `json:"post_version" doc:"The version of the post that it is about, as in its ETag."`
	Verdict     string     `json:"verdict" enum:"submitted,approved,rejected,withdrawn,comment"`
	Comment     string     `json:"comment"`
	CreatedBy   *uuid.UUID `json:"created_by" format:"uuid" nullable:"true" doc:"Who said it; null: an API key or agent token."`
	SpaceID     *uuid.UUID `json:"space_id" format:"uuid" nullable:"true" doc:"The space in which they said it, and so through which bot; null: in none."`
	CreatedAt   time.Time  `json:"created_at"`
	HasContent  bool       `json:"has_content" doc:"What the post said then is kept: get-post-review tells it. It is of each that is approved or rejected, unless it is from before that was kept."`
}

// PostReviewDetail is a review with what a client compares with another's, or with the post as it is.
type PostReviewDetail struct {
	PostReview
	Content *PostReviewContent `json:"content,omitempty" doc:"What the post said then; left out where has_content is false."`
}

// PostReviewContent is what a post said when somebody decided on it, in the fields that it has there.
type PostReviewContent struct {
	Title         string               `json:"title"`
	Text          string               `json:"text"`
	ScheduledAt   *time.Time           `json:"scheduled_at" doc:"When it was to go out, in UTC."`
	MediaIDs      []uuid.UUID          `json:"media_ids" nullable:"false" doc:"The files that it showed, in order."`
	Media         []PostReviewMedia    `json:"media" nullable:"false" doc:"All files that it showed on any platform, as they were described; within a space, those that are seen there."`
	Templates     []PostReviewTemplate `json:"templates" nullable:"false" doc:"The e-mail templates that it used."`
	PlatformPosts []PostReviewPlatform `json:"platform_posts" nullable:"false" doc:"What it said on each account."`
}

// PostReviewMedia is a file that a post showed.
type PostReviewMedia struct {
	ID      uuid.UUID `json:"id" format:"uuid"`
	AltText string    `json:"alt_text" doc:"What it said to those who cannot see it."`
}

// PostReviewTemplate is an e-mail template that a post used.
type PostReviewTemplate struct {
	ID           uuid.UUID `json:"id" format:"uuid"`
	Subject      string    `json:"subject"`
	PreviewText  string    `json:"preview_text"`
	HTMLSHA256   string    `json:"html_sha256" doc:"The SHA-256 of its HTML, in hexadecimal: another one means that it has changed."`
	CustomerName string    `json:"customer_name" doc:"The customer's name, which it may show."`
}

// PostReviewPlatform is what a post said on one account.
type PostReviewPlatform struct {
	IntegrationID uuid.UUID        `json:"integration_id" format:"uuid"`
	Platform      string           `json:"platform" enum:"twitter,linkedin,facebook,mailchimp,ghost" doc:"twitter is X."`
	Text          string           `json:"text" doc:"Its text there: its own, or the post's."`
	OwnText       bool             `json:"own_text" doc:"The text was its own."`
	MediaIDs      *[]uuid.UUID     `json:"media_ids" doc:"Files of its own, in order; null: it showed the post's."`
	Options       platform.Options `json:"options"`
}

// PostReviewPath is the path of something that was said about a post.
type PostReviewPath struct {
	PostPath
	ReviewID uuid.UUID `path:"review_id" format:"uuid" doc:"The review."`
}

type (
	postReviewOutput       struct{ Body PostReview }
	postReviewDetailOutput struct{ Body PostReviewDetail }
)

// PostSubmit asks for approval.
type PostSubmit struct {
	Comment     string              `json:"comment,omitempty" maxLength:"5000" doc:"For whoever approves."`
	ScheduledAt Nullable[time.Time] `json:"scheduled_at,omitempty" format:"date-time" doc:"When it is to go out once it is approved: RFC 3339 with a zone, in the future. null: it has no time. Left out, it keeps the one that it has." example:"2030-01-02T09:00:00+01:00"`
	LocalTime   *string             `json:"local_time,omitempty" maxLength:"64" doc:"In place of scheduled_at: by the clocks of the customer's time zone, as when a post is scheduled." example:"2030-01-02T09:00"`
}

// PostComment is what is said with a decision.
type PostComment struct {
	Comment string `json:"comment,omitempty" maxLength:"5000"`
}

// PostRemark is what is said about a post.
type PostRemark struct {
	Comment string `json:"comment" minLength:"1" maxLength:"5000"`
}

// reviewOf is what the database tells of a review.
func reviewOf(row queries.PostReviewGetRow) PostReview {
	return PostReview{
		ID: row.ID, PostVersion: row.PostVersion, Verdict: row.Verdict, Comment: row.Comment, CreatedBy: row.CreatedBy, SpaceID: row.SpaceID,
		CreatedAt: row.CreatedAt.UTC(), HasContent: row.Content != nil,
	}
}

// contentOf is what a post said, as the database has kept it: the text of an account only where that had its own.
func contentOf(kept json.RawMessage) (*PostReviewContent, error) {
	content := &PostReviewContent{}
	if err := json.Unmarshal(kept, content); err != nil {
		return nil, fmt.Errorf("decode what the post said: %w", err)
	}
	content.ScheduledAt = utc(content.ScheduledAt)
	for i := range content.PlatformPosts {
		one := &content.PlatformPosts[i]
		if one.OwnText = one.Text != ""; !one.OwnText {
			one.Text = content.Text
		}
	}
	return content, nil
}

func (a *API) registerPostApproval() {
	tags := []string{"Posts"}
	const one = "/v1/customers/{customer_id}/posts/{post_id}"
	register(a, huma.Operation{
		OperationID: "submit-post", Metadata: needs("posts:write"), Method: http.MethodPost, Path: one + "/submit", Tags: tags, Summary: "Ask for approval of a post",
		Description: "A draft, what has failed, what was not sent because its account was not connected, or a cancelled post waits for approval then. One that breaks rules of its platforms is refused (422), with all of them.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.submitPost)
	register(a, huma.Operation{
		OperationID: "withdraw-post", Metadata: needs("posts:write"), Method: http.MethodPost, Path: one + "/withdraw", Tags: tags, Summary: "Take a post back that waits for approval",
		Description: "It is a draft again.", Errors: []int{http.StatusPreconditionFailed},
	}, a.withdrawPost)
	register(a, huma.Operation{
		OperationID: "approve-post", Method: http.MethodPost, Path: one + "/approve", Tags: tags, Summary: "Approve a post",
		Description: "What is approved is the version that If-Match names, so that nobody approves what they have not seen. A post whose time lies ahead is scheduled with it; " +
			"one without a time, or whose time has passed, is approved and waits to be published or scheduled. Who may approve is the customer's approver_role. In the chats of a customer's own bot nobody approves unless admins may, also what they wrote.",
		Errors: []int{http.StatusPreconditionFailed, http.StatusPreconditionRequired},
	}, a.approvePost)
	for _, parameter := range a.huma.OpenAPI().Paths[one+"/approve"].Post.Parameters {
		parameter.Required = parameter.Required || parameter.Name == "If-Match" // without it the answer is 428, not 422
	}
	register(a, huma.Operation{
		OperationID: "reject-post", Method: http.MethodPost, Path: one + "/reject", Tags: tags, Summary: "Do not approve a post",
		Description: "It is a draft again, and the comment says what is to be changed. Who may approve may reject.", Errors: []int{http.StatusPreconditionFailed},
	}, a.rejectPost)
	register(a, huma.Operation{
		OperationID: "list-post-reviews", Metadata: needs("posts:read", "posts:write", "posts:publish"), Method: http.MethodGet, Path: one + "/reviews", Tags: tags,
		Summary:     "List what was said about a post",
		Description: "The newest first. Submitting, withdrawing, approving and rejecting write one, and so does a comment. A recurring post's copies begin without any.",
	}, a.listPostReviews)
	register(a, huma.Operation{
		OperationID: "get-post-review", Metadata: needs("posts:read", "posts:write", "posts:publish"), Method: http.MethodGet, Path: one + "/reviews/{review_id}", Tags: tags,
		Summary: "Get what was said about a post",
		Description: "With what the post said when it was approved or rejected. What changed since somebody decided is the difference between " +
			"the content of the newest that is approved or rejected and the post as it is.",
	}, a.getPostReview)
	register(a, huma.Operation{
		OperationID: "create-post-review", Metadata: needs("posts:write"), Method: http.MethodPost, Path: one + "/reviews", Tags: tags, Summary: "Comment on a post",
		Description: "Says something about the post as it is now, and decides nothing.", DefaultStatus: http.StatusCreated,
	}, a.createPostReview)
}

func (a *API) submitPost(ctx context.Context, in *struct {
	PostPath
	Condition
	Body *PostSubmit `required:"false"`
}) (*postOutput, error) {
	body := PostSubmit{}
	if in.Body != nil {
		body = *in.Body
	}
	return a.answerPost(ctx, in.PostPath, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		timed, at := body.ScheduledAt.Sent || body.LocalTime != nil, (*time.Time)(nil)
		if body.ScheduledAt.Value != nil || body.LocalTime != nil {
			when, err := PostSchedule{ScheduledAt: body.ScheduledAt.Value, LocalTime: body.LocalTime}.at(ctx, q)
			if err != nil {
				return err
			}
			at = &when
		}
		post, err := lockPost(ctx, q, in.PostID, in.Condition)
		if err != nil {
			return err
		}
		platformPosts, err := q.PlatformPostListByPost(ctx, in.PostID)
		if err != nil {
			return err
		}
		switch post.State {
		case "draft", "failed", "cancelled", "partially_published", "needs_attention":
		default:
			return conflict("The post is " + spoken(post.State) + ": there is nothing to submit.")
		}
		if len(platformPosts) == 0 {
			return conflict("The post names no platform to publish on. Add one first.")
		}
		if err := keepsRules(platformPosts); err != nil {
			return err
		}
		// First, since it is about the version before.
		if _, err := review(ctx, q, in.PostID, "submitted", body.Comment); err != nil {
			return err
		}
		if post.State == "cancelled" {
			if _, err := q.PlatformPostReopenByPost(ctx, in.PostID); err != nil {
				return err
			}
		}
		submitted, err := q.PlatformPostSubmitByPost(ctx, in.PostID)
		if err != nil {
			return err
		}
		if submitted == 0 {
			return conflict("The post is " + spoken(post.State) + ": there is nothing to submit.")
		}
		_, err = q.PostSubmit(ctx, queries.PostSubmitParams{ID: in.PostID, ScheduledAtDoUpdate: timed, ScheduledAt: at})
		return err
	})
}

func (a *API) withdrawPost(ctx context.Context, in *struct {
	PostPath
	Condition
}) (*postOutput, error) {
	return a.answerPost(ctx, in.PostPath, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return sendBack(ctx, q, in.PostID, in.Condition, "withdrawn", "")
	})
}

func (a *API) rejectPost(ctx context.Context, in *struct {
	PostPath
	Condition
	Body PostRemark
}) (*postOutput, error) {
	return a.answerPost(ctx, in.PostPath, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return sendBack(ctx, q, in.PostID, in.Condition, "rejected", in.Body.Comment)
	})
}

// sendBack makes drafts of what waits for approval, and writes down why.
func sendBack(ctx context.Context, q *queries.Queries, postID uuid.UUID, condition Condition, verdict, comment string) error {
	post, err := lockPost(ctx, q, postID, condition)
	if err != nil {
		return err
	}
	// First, since this is where the database refuses those who may not.
	if _, err := review(ctx, q, postID, verdict, comment); err != nil {
		return err
	}
	back, err := q.PlatformPostWithdrawByPost(ctx, postID)
	if err == nil && back == 0 {
		err = conflict("The post is " + spoken(post.State) + ": it does not wait for approval.")
	}
	return err
}

func (a *API) approvePost(ctx context.Context, in *struct {
	PostPath
	Condition
	Body *PostComment `required:"false"`
}) (*postOutput, error) {
	comment := ""
	if in.Body != nil {
		comment = in.Body.Comment
	}
	return a.answerPost(ctx, in.PostPath, func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) error {
		post, err := lockPost(ctx, q, in.PostID, in.Condition)
		if err != nil {
			return err
		}
		if in.version() == nil {
			return problem(http.StatusPreconditionRequired, "Give the ETag of the version that you have seen in the If-Match header: that version is approved, and no other.")
		}
		platformPosts, err := q.PlatformPostListByPost(ctx, in.PostID)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(platformPosts, waitsForApproval) {
			return conflict("The post is " + spoken(post.State) + ": it does not wait for approval.")
		}
		if err := keepsRules(platformPosts); err != nil {
			return err
		}
		if _, err := q.PostApprove(ctx, in.PostID); err != nil {
			return err
		}
		if _, err := review(ctx, q, in.PostID, "approved", comment); err != nil {
			return err
		}
		if _, err := q.PlatformPostApproveByPost(ctx, in.PostID); err != nil {
			return err
		}
		if post.ScheduledAt == nil || !post.ScheduledAt.After(time.Now()) {
			return nil
		}
		for _, pp := range platformPosts {
			if pp.State != "pending_approval" && pp.State != "approved" {
				continue
			}
			if err := connected(pp); err != nil {
				return err
			}
		}
		queued, err := q.PlatformPostQueueApproved(ctx, in.PostID)
		if err != nil {
			return err
		}
		return a.insertPublishJobs(ctx, tx, in.PostPath, queued, post.ScheduledAt)
	})
}

// review writes down what was said about a post as it is now, or, with its approval, as it was when it was approved. It
// gives the row's id.
func review(ctx context.Context, q *queries.Queries, postID uuid.UUID, verdict, comment string) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return id, fmt.Errorf("make id: %w", err)
	}
	written, err := q.PostReviewCreate(ctx, queries.PostReviewCreateParams{ID: id, PostID: postID, Verdict: verdict, Comment: comment})
	var refused *pgconn.PgError
	switch {
	case verdict == "rejected" && errors.As(err, &refused) && refused.Code == "42501":
		return id, mayNotApprove().cause(err)
	case err == nil && written == 0:
		return id, notFound("post")
	}
	return id, err
}

func mayNotApprove() *Problem {
	return problem(http.StatusForbidden, "Your role here does not allow approving or rejecting posts; the customer's approver_role says which does.")
}

func (a *API) listPostReviews(ctx context.Context, in *struct {
	PostPath
	PageQuery
}) (*pageOutput[PostReview], error) {
	before, err := in.before(listOfReviews)
	if err != nil {
		return nil, err
	}
	encoded, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (json.RawMessage, error) {
		return q.PostReviewList(ctx, queries.PostReviewListParams{PostID: in.PostID, Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, noRows(err, "post")
	}
	var reviews []PostReview
	if err := json.Unmarshal(encoded, &reviews); err != nil {
		return nil, fmt.Errorf("decode reviews: %w", err)
	}
	body, err := page(reviews, in.Limit, func(r PostReview) (PostReview, error) {
		r.CreatedAt = r.CreatedAt.UTC()
		return r, nil
	}, func(r PostReview) string { return cursorOf(listOfReviews, r.ID) })
	return &pageOutput[PostReview]{Body: body}, err
}

func (a *API) getPostReview(ctx context.Context, in *PostReviewPath) (*postReviewDetailOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.PostReviewGetRow, error) {
		return q.PostReviewGet(ctx, queries.PostReviewGetParams{PostID: in.PostID, ID: in.ReviewID})
	})
	if err != nil {
		return nil, noRows(err, "review")
	}
	body := PostReviewDetail{PostReview: reviewOf(row)}
	if body.HasContent {
		body.Content, err = contentOf(row.Content)
	}
	return &postReviewDetailOutput{Body: body}, err
}

func (a *API) createPostReview(ctx context.Context, in *struct {
	PostPath
	Body PostRemark
}) (*postReviewOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*postReviewOutput, error) {
		id, err := review(ctx, q, in.PostID, "comment", in.Body.Comment)
		if err != nil {
			return nil, err
		}
		row, err := q.PostReviewGet(ctx, queries.PostReviewGetParams{PostID: in.PostID, ID: id})
		if err != nil {
			return nil, err
		}
		return &postReviewOutput{Body: reviewOf(row)}, nil
	})
}
