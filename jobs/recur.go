package jobs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"fanfare/db/tenant"
	"fanfare/internal/platform"
	"fanfare/internal/schedule"
	"fanfare/queries"
)

const (
	// copyAhead is how long before its time a copy of a recurring post is made. The next one always is.
	copyAhead = 14 * 24 * time.Hour
	// copyLate is how long after its time a copy is still made. What is later is passed over.
	copyLate = 5 * time.Minute
	// recurAtOnce is how many recurring posts a worker looks at before it looks for others.
	recurAtOnce = 100
	// What keeps copies from going out is looked at again after recurPause.
	recurPause = 10 * time.Minute
	// recurTimeout bounds the look at one recurring post. What fails is looked at again after recurRetry.
	recurTimeout = 10 * time.Second
	recurRetry   = time.Minute
)

// dispatchRecurring makes the copies of recurring posts that are to be made, of all customers.
func (w *Worker) dispatchRecurring(ctx context.Context) error {
	todo, err := w.recurringToDo(ctx)
	if err != nil {
		return fmt.Errorf("look for recurring posts: %w", err)
	}
	var all error
	for _, r := range todo {
		if ctx.Err() != nil {
			break
		}
		scope := tenant.Worker(r.CustomerID, tenant.Request{Operation: "recur"})
		err := w.lookAtRecurring(ctx, scope, r)
		if err == nil || errors.Is(err, tenant.ErrNotFound) || ctx.Err() != nil {
			continue
		}
		all = errors.Join(all, fmt.Errorf("copy recurring post %s: %w", r.ID, err), w.putOffRecurring(ctx, scope, r.ID))
	}
	return errors.Join(all, ctx.Err())
}

func (w *Worker) recurringToDo(ctx context.Context) ([]queries.RecurringPostListToDoRow, error) {
	ctx, cancel := context.WithTimeout(ctx, recurTimeout)
	defer cancel()
	return w.q.RecurringPostListToDo(ctx, recurAtOnce)
}

func (w *Worker) lookAtRecurring(ctx context.Context, scope tenant.Scope, r queries.RecurringPostListToDoRow) error {
	ctx, cancel := context.WithTimeout(ctx, recurTimeout)
	defer cancel()
	return w.db.TxRetry(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error { return w.recur(ctx, tx, r.CustomerID, r.ID) })
}

// putOffRecurring has a recurring post that could not be dealt with looked at again later, so that it does not keep others
// waiting, and tells people.
func (w *Worker) putOffRecurring(ctx context.Context, scope tenant.Scope, id uuid.UUID) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recurTimeout)
	defer cancel()
	problem := "Copies of the post could not be made, for a reason on this server. It is tried again every minute; if this stays, tell whoever runs the server."
	err := w.db.Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
		return queries.New(tx).RecurringPostPutOff(ctx, queries.RecurringPostPutOffParams{ID: id, Wait: recurRetry, Problem: &problem})
	})
	if err != nil {
		return fmt.Errorf("put recurring post %s off: %w", id, err)
	}
	return nil
}

// recur makes one recurring post's copies up to copyAhead, and puts those on their way that can be. All of it is one
// transaction under the recurring post's lock: a worker that dies in it has done nothing, and two do not do it twice.
func (w *Worker) recur(ctx context.Context, tx *tenant.Tx, customerID, id uuid.UUID) error {
	q := queries.New(tx)
	row, err := q.RecurringPostLock(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // somebody else is at it, or has been
	}
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	now := row.DatabaseNow
	r, err := schedule.NewRecurrence(row.Rrule, row.StartsLocal, row.TimeZone)
	if err != nil {
		w.deps.Log.ErrorContext(ctx, "a recurring post cannot be read", "customer_id", customerID, "recurring_post_id", id, "error", err)
		problem := "When the post recurs cannot be told on this server. Change its rule or its time zone."
		return q.RecurringPostLooked(ctx, queries.RecurringPostLookedParams{
			ID: id, State: "active", MadeUntil: row.MadeUntil, LookAt: now.Add(recurPause), Problem: &problem,
		})
	}
	plan := planCopies(r, row.MadeUntil, now)
	looked := queries.RecurringPostLookedParams{
		ID: id, State: "active", NextAt: plan.next, MadeUntil: plan.madeUntil, LookAt: plan.lookAt, Skipped: plan.skipped, SkippedAt: plan.skippedAt,
	}
	if row.PostState == "cancelled" {
		problem := "The post that recurs is cancelled. Take it up again, or let another one recur."
		looked.Problem, looked.MadeUntil = &problem, row.MadeUntil
		looked.Skipped, looked.SkippedAt = 0, nil
	} else {
		for _, at := range plan.copies {
			if err := w.copyFor(ctx, q, id, at); err != nil {
				return err
			}
		}
		if looked.Problem, err = w.queueCopies(ctx, tx, q, customerID, id, now); err != nil {
			return err
		}
	}
	if looked.Problem != nil {
		looked.LookAt = earlier(looked.LookAt, now.Add(recurPause))
	}
	if plan.next == nil && looked.Problem == nil {
		looked.State = "ended"
	}
	if plan.skipped > 0 {
		w.deps.Log.WarnContext(ctx, "times of a recurring post have passed without a copy", "customer_id", customerID, "recurring_post_id", id, "skipped", plan.skipped)
	}
	if err := q.RecurringPostLooked(ctx, looked); err != nil {
		return fmt.Errorf("note what was done: %w", err)
	}
	return nil
}

func (*Worker) copyFor(ctx context.Context, q *queries.Queries, id uuid.UUID, at time.Time) error {
	postID, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make id: %w", err)
	}
	if _, err := q.RecurringPostCopy(ctx, queries.RecurringPostCopyParams{RecurrenceID: id, ID: postID, OccurrenceAt: at}); err != nil {
		return fmt.Errorf("copy: %w", err)
	}
	return nil
}

// queueCopies puts the copies on their way that are drafts and that nobody has touched. It answers why some stay drafts.
func (w *Worker) queueCopies(ctx context.Context, tx *tenant.Tx, q *queries.Queries, customerID, id uuid.UUID, now time.Time) (*string, error) {
	after := now.Add(-copyLate)
	drafts, err := q.RecurringPostListDrafts(ctx, queries.RecurringPostListDraftsParams{RecurrenceID: id, After: &after})
	if err != nil {
		return nil, fmt.Errorf("look for copies: %w", err)
	}
	var problem *string
	for _, draft := range drafts {
		platformPosts, err := q.PlatformPostListByPost(ctx, draft.ID)
		if err != nil {
			return nil, fmt.Errorf("read copy: %w", err)
		}
		unfit, err := unfitCopy(platformPosts)
		if err != nil {
			return nil, err
		}
		if unfit != "" {
			problem = &unfit
			continue
		}
		queued, err := q.RecurringPostQueueCopy(ctx, draft.ID)
		if err != nil {
			return nil, fmt.Errorf("schedule copy: %w", err)
		}
		var inserts []river.InsertManyParams
		for _, pp := range queued {
			if pp.State == "scheduled" {
				inserts = append(inserts, river.InsertManyParams{
					Args:       PublishArgs{CustomerID: customerID, PostID: draft.ID, PlatformPostID: pp.ID},
					InsertOpts: &river.InsertOpts{ScheduledAt: draft.OccurrenceAt},
				})
			}
		}
		if len(inserts) == 0 {
			continue
		}
		if _, err := w.client.InsertManyTx(ctx, tx, inserts); err != nil {
			return nil, fmt.Errorf("enqueue copy: %w", err)
		}
	}
	return problem, nil
}

// unfitCopy says to people why a copy cannot go out as it is; "" where it can.
func unfitCopy(platformPosts []queries.PlatformPostListByPostRow) (string, error) {
	if len(platformPosts) == 0 {
		return "The post that recurs names no platform to publish on. Add one.", nil
	}
	for _, pp := range platformPosts {
		account := fmt.Sprintf("The account %q on %s", pp.IntegrationName, platform.Name(pp.Platform).Title())
		switch pp.IntegrationState {
		case "active":
		case "needs_reauth":
			return account + " must be connected again before copies can go out.", nil
		default:
			return account + " is not connected. Connect it before copies can go out, or take it off the post.", nil
		}
		content, _, err := Content(pp.ID, pp.Title, pp.Text, pp.Options, pp.Files)
		if err != nil {
			return "", err
		}
		broken, err := FillIn(platform.Name(pp.Platform), &content, pp.Template)
		if err != nil {
			return "", err
		}
		if broken = append(broken, platform.Check(platform.Name(pp.Platform), content).Violations...); len(broken) > 0 {
			return fmt.Sprintf("The post that recurs breaks a rule of %s: %s", platform.Name(pp.Platform).Title(), broken[0].Message), nil
		}
	}
	return "", nil
}

// copyPlan is what there is to do about a recurring post.
type copyPlan struct {
	// copies are the times for which copies are to be made.
	copies []time.Time
	// madeUntil is up to where nothing is to be made then.
	madeUntil time.Time
	// next is the next time to come, nil where there is none.
	next *time.Time
	// lookAt is when there is more to do.
	lookAt time.Time
	// skipped is how many times had passed, skippedAt the last of them.
	skipped   int64
	skippedAt *time.Time
}

// planCopies decides what there is to do at a moment. Times up to madeUntil have their copies or were passed over.
func planCopies(r schedule.Recurrence, madeUntil, now time.Time) copyPlan {
	plan := copyPlan{madeUntil: madeUntil, lookAt: now.Add(copyAhead)}
	if next, found := r.Next(now); found {
		plan.next, plan.lookAt = &next.At, earlier(plan.lookAt, next.At)
	}
	for o := range r.Between(madeUntil, now.Add(schedule.Horizon)) {
		switch {
		case !o.At.After(now.Add(-copyLate)):
			plan.skipped++
			plan.skippedAt = &o.At
		case o.At.Before(now.Add(copyAhead)), !plan.madeUntil.After(now):
			plan.copies = append(plan.copies, o.At)
		default:
			plan.lookAt = earlier(plan.lookAt, o.At.Add(-copyAhead+time.Second))
			return plan
		}
		plan.madeUntil = o.At
	}
	return plan
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
