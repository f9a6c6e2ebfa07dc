package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/schedule"
	"fanfare/jobs"
	"fanfare/queries"
)

// PostSchedule says when a post goes out: scheduled_at or local_time.
type PostSchedule struct {
	ScheduledAt *time.Time `json:"scheduled_at,omitempty" format:"date-time" doc:"RFC 3339 with a zone, in the future." example:"2030-01-02T09:00:00+01:00"`
	LocalTime   *string    `json:"local_time,omitempty" maxLength:"64" doc:"In place of scheduled_at: by the clocks of the customer's time zone. A time that they jump over is as much later; one that they show twice is the first of the two." example:"2030-01-02T09:00"`
}

// at is the instant that is meant.
func (s PostSchedule) at(ctx context.Context, q *queries.Queries) (time.Time, error) {
	at, place, past := time.Time{}, "body.scheduled_at", "must be in the future"
	switch {
	case (s.ScheduledAt == nil) == (s.LocalTime == nil):
		return at, invalid("body", "must have scheduled_at or local_time, and not both")
	case s.ScheduledAt != nil:
		at = *s.ScheduledAt
	default:
		place = "body.local_time"
		local, err := schedule.ParseLocal(*s.LocalTime)
		if err != nil {
			return at, invalid(place, "must be a local time without an offset, such as 2030-01-02T09:00")
		}
		zone, _, err := customerZone(ctx, q)
		if err != nil {
			return at, err
		}
		at, _ = schedule.Resolve(local, zone)
		past = "must be in the future; by the customer's time zone it is " + at.In(zone).Format(time.RFC3339)
	}
	switch ahead := time.Until(at); {
	case ahead <= 0:
		return at, invalid(place, past)
	case ahead > schedule.Horizon:
		return at, invalid(place, "must be within the next five years")
	}
	return at, nil
}

func (a *API) registerPostPublishing() {
	tags := []string{"Posts"}
	const one = "/v1/customers/{customer_id}/posts/{post_id}"
	register(a, huma.Operation{
		OperationID: "publish-post", Metadata: needs("posts:publish"), Method: http.MethodPost, Path: one + "/publish", Tags: tags, Summary: "Publish a post now",
		Description:   "Puts it on its way at once. What failed is tried again, and so is what was not sent because its account was not connected; what is already published stays as it is.",
		DefaultStatus: http.StatusAccepted, Errors: []int{http.StatusPreconditionFailed},
	}, a.publishPost)
	register(a, huma.Operation{
		OperationID: "schedule-post", Metadata: needs("posts:publish"), Method: http.MethodPost, Path: one + "/schedule", Tags: tags, Summary: "Publish a post at a time",
		Description: "A post that is already scheduled is moved.", DefaultStatus: http.StatusAccepted,
		Errors: []int{http.StatusPreconditionFailed},
	}, a.schedulePost)
	register(a, huma.Operation{
		OperationID: "cancel-post", Metadata: needs("posts:write", "posts:publish"), Method: http.MethodPost, Path: one + "/cancel", Tags: tags, Summary: "Do not publish a post",
		Description: "Takes back everything that is not yet published or being published. It can be scheduled again later, but not on an account where it may be out: that would post it twice. With posts:write alone, only what nobody has approved or scheduled is cancelled.",
		Errors:      []int{http.StatusPreconditionFailed},
	}, a.cancelPost)
}

func (a *API) publishPost(ctx context.Context, in *struct {
	PostPath
	Condition
}) (*postOutput, error) {
	return a.answerPost(ctx, in.PostPath, func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) error {
		return a.queuePost(ctx, tx, q, in.PostPath, in.Condition, nil)
	})
}

func (a *API) schedulePost(ctx context.Context, in *struct {
	PostPath
	Condition
	Body PostSchedule
}) (*postOutput, error) {
	return a.answerPost(ctx, in.PostPath, func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) error {
		at, err := in.Body.at(ctx, q)
		if err != nil {
			return err
		}
		return a.queuePost(ctx, tx, q, in.PostPath, in.Condition, &at)
	})
}

// queuePost puts a post on its way: at a time, or now where at is nil. State, time and jobs change in one
// transaction, so no job is ever without its post nor a scheduled post without its job.
func (a *API) queuePost(ctx context.Context, tx *tenant.Tx, q *queries.Queries, in PostPath, condition Condition, at *time.Time) error {
	return a.queuePostAt(ctx, tx, q, in, condition, at, nil)
}

// queuePostAt is queuePost for a post that may have a slot of the queue: slot is that time then, else nil.
func (a *API) queuePostAt(ctx context.Context, tx *tenant.Tx, q *queries.Queries, in PostPath, condition Condition, at, slot *time.Time) error {
	post, err := lockPost(ctx, q, in.PostID, condition)
	if err != nil {
		return err
	}
	platformPosts, err := q.PlatformPostListByPost(ctx, in.PostID)
	if err != nil {
		return err
	}
	if err := publishable(post.State, platformPosts); err != nil {
		return err
	}
	if err := approvedFirst(platformPosts); err != nil {
		return err
	}
	if err := keepsRules(platformPosts); err != nil {
		return err
	}
	if slices.ContainsFunc(platformPosts, waitsForApproval) { // which is not needed any more
		if _, err := q.PlatformPostWithdrawByPost(ctx, in.PostID); err != nil {
			return err
		}
	}
	if post.State == "cancelled" {
		if _, err := q.PlatformPostReopenByPost(ctx, in.PostID); err != nil {
			return err
		}
	}
	if _, err := q.PostSetSchedule(ctx, queries.PostSetScheduleParams{ID: in.PostID, ScheduledAt: at, SlotAt: slot}); err != nil {
		return err
	}
	queued, err := q.PlatformPostQueueByPost(ctx, in.PostID)
	if err != nil {
		return err
	}
	if _, err := q.JobCancel(ctx, &in.PostID); err != nil {
		return err
	}
	return a.insertPublishJobs(ctx, tx, in, queued, at)
}

// keepsRules refuses a post that breaks rules of its platforms, with all of them.
func keepsRules(platformPosts []queries.PlatformPostListByPostRow) error {
	var broken []ProblemDetail
	for i, pp := range platformPosts {
		if pp.State == "published" || pp.State == "publishing" || cancelledForGood(pp) {
			continue
		}
		content, _, err := jobs.Content(pp.ID, pp.Title, pp.Text, pp.Options, pp.Files)
		if err != nil {
			return err
		}
		violations, err := jobs.FillIn(platform.Name(pp.Platform), &content, pp.Template)
		if err != nil {
			return err
		}
		for _, v := range append(violations, platform.Check(platform.Name(pp.Platform), content).Violations...) {
			broken = append(broken, ProblemDetail{
				Location: fmt.Sprintf("platform_posts[%d].%s", i, v.Field), Message: v.Message,
				Platform: pp.Platform, PlatformPostID: &pp.ID, Rule: v.Rule, Limit: v.Limit, Actual: v.Actual,
			})
		}
	}
	if len(broken) == 0 {
		return nil
	}
	p := problem(http.StatusUnprocessableEntity, "The post breaks rules of its platforms. Each is listed under errors.")
	p.Errors = broken
	return p
}

func (a *API) insertPublishJobs(ctx context.Context, tx *tenant.Tx, in PostPath, platformPostIDs []uuid.UUID, at *time.Time) error {
	inserts := make([]river.InsertManyParams, 0, len(platformPostIDs))
	for _, id := range platformPostIDs {
		opts := &river.InsertOpts{}
		if at != nil {
			opts.ScheduledAt = *at
		}
		inserts = append(inserts, river.InsertManyParams{
			Args:       jobs.PublishArgs{CustomerID: in.CustomerID, PostID: in.PostID, PlatformPostID: id},
			InsertOpts: opts,
		})
	}
	if _, err := a.Queue.InsertManyTx(ctx, tx, inserts); err != nil {
		return fmt.Errorf("enqueue publishing: %w", err)
	}
	return nil
}

func waitsForApproval(pp queries.PlatformPostListByPostRow) bool {
	return pp.State == "pending_approval"
}

// approvedFirst refuses a post that would go out without the approval that the customer asks for.
func approvedFirst(platformPosts []queries.PlatformPostListByPostRow) error {
	if len(platformPosts) == 0 || platformPosts[0].Approved || !platformPosts[0].ApprovalRequired {
		return nil
	}
	if slices.ContainsFunc(platformPosts, waitsForApproval) {
		return conflict("The post waits for approval. It can go out once somebody has approved it.")
	}
	if slices.ContainsFunc(platformPosts, func(pp queries.PlatformPostListByPostRow) bool { return pp.State == "scheduled" }) {
		return keepsItsTime()
	}
	return approveFirst()
}

func approveFirst() *Problem {
	return conflict("What goes out here must be approved first. Submit the post for approval.")
}

// keepsItsTime refuses another time for what was scheduled before approval was asked for.
func keepsItsTime() *Problem {
	return conflict("The post was scheduled before approval was asked for here, and goes out at its time. For another time, cancel it and submit it for approval.")
}

// neverSent tells of a platform post that needs attention because its account was not connected: readers have none of it.
func neverSent(pp queries.PlatformPostListByPostRow) bool {
	return pp.State == "needs_attention" && pp.ProblemClass != nil && *pp.ProblemClass == string(platform.Credential) && pp.ExternalID == nil
}

// cancelledForGood tells of a platform post that was cancelled when it, or part of it, may have been out: publishing it
// would post it again.
func cancelledForGood(pp queries.PlatformPostListByPostRow) bool {
	return pp.State == "cancelled" && (pp.ExternalID != nil || pp.ProblemClass != nil && *pp.ProblemClass == string(platform.UnknownOutcome))
}

// publishable says why a post cannot be put on its way as it is.
func publishable(state string, platformPosts []queries.PlatformPostListByPostRow) error {
	if len(platformPosts) == 0 {
		return conflict("The post names no platform to publish on. Add one first.")
	}
	eligible := 0
	for _, pp := range platformPosts {
		switch pp.State {
		case "draft", "pending_approval", "approved", "scheduled", "failed", "cancelled":
		case "needs_attention":
			// What was never sent, because its account was not connected, can be.
			if pp.ProblemClass == nil || *pp.ProblemClass != string(platform.Credential) {
				continue
			}
		default:
			continue
		}
		if pp.State == "cancelled" && state != "cancelled" || cancelledForGood(pp) {
			continue
		}
		eligible++
		if err := connected(pp); err != nil {
			return err
		}
	}
	if eligible == 0 {
		return conflict("The post is " + spoken(state) + ": there is nothing to publish.")
	}
	return nil
}

// connected refuses a platform post whose account cannot publish.
func connected(pp queries.PlatformPostListByPostRow) error {
	account := fmt.Sprintf("The account %q on %s", pp.IntegrationName, platform.Name(pp.Platform).Title())
	switch pp.IntegrationState {
	case "active":
		return nil
	case "needs_reauth":
		return conflict(account + " must be connected again before the post can go out.")
	default:
		return conflict(account + " is not connected. Connect it before the post can go out, or take it off the post.")
	}
}

func (a *API) cancelPost(ctx context.Context, in *struct {
	PostPath
	Condition
}) (*postOutput, error) {
	return a.answerPost(ctx, in.PostPath, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		post, err := lockPost(ctx, q, in.PostID, in.Condition)
		if err != nil || post.State == "cancelled" {
			return err
		}
		platformPosts, err := q.PlatformPostListByPost(ctx, in.PostID)
		if err != nil {
			return err
		}
		if len(platformPosts) == 0 {
			_, err := q.PostSetState(ctx, queries.PostSetStateParams{ID: in.PostID, State: "cancelled"})
			return err
		}
		cancelled, err := q.PlatformPostCancelByPost(ctx, in.PostID)
		if err != nil {
			return err
		}
		if cancelled == 0 {
			return conflict("The post is " + spoken(post.State) + ": there is nothing left to cancel.")
		}
		if post.State == "draft" || post.State == "pending_approval" { // which has no jobs
			return nil
		}
		_, err = q.JobCancel(ctx, &in.PostID)
		return err
	})
}
