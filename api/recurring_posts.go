package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/tenant"
	"fanfare/internal/schedule"
	"fanfare/queries"
)

// RecurringPost is a post that goes out again and again, as copies that are made ahead of their times.
type RecurringPost struct {
	ID          uuid.UUID  `json:"id" format:"uuid"`
	PostID      uuid.UUID  `json:"post_id" format:"uuid" doc:"What is copied: its title, text, files and accounts, and that it is approved. The post itself goes out only if it is scheduled, too."`
	RRule       string     `json:"rrule" doc:"A recurrence rule of RFC 5545." example:"FREQ=WEEKLY;BYDAY=MO,TH"`
	StartsLocal string     `json:"starts_local" doc:"The first day that counts, and the time of day, by the clocks of time_zone." example:"2030-01-07T09:00"`
	TimeZone    string     `json:"time_zone" example:"Europe/Berlin"`
	State       string     `json:"state" enum:"active,paused,ended" doc:"ended: its rule gives no further time in the next five years."`
	NextAt      *time.Time `json:"next_at" doc:"The next time, in UTC; null while it is paused or has ended."`
	NextLocal   *string    `json:"next_local" doc:"The same by the clocks of time_zone, with their offset." example:"2030-01-07T09:00:00+01:00"`
	Problem     *string    `json:"problem" doc:"Why its copies stay drafts, and what to do."`
	Skipped     int64      `json:"skipped" doc:"How many times were passed over, as they had passed before a copy could be made. What is late is not published in a burst."`
	SkippedAt   *time.Time `json:"skipped_at" doc:"The last time that was passed over."`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

type recurringPostOutput struct {
	ETag string `header:"ETag"`
	Body RecurringPost
}

// RecurringPostPath is the path of a recurring post.
type RecurringPostPath struct {
	CustomerPath
	RecurringPostID uuid.UUID `path:"recurring_post_id" format:"uuid" doc:"The recurring post."`
}

// RecurringPostCreate lets a post recur.
type RecurringPostCreate struct {
	PostID      uuid.UUID `json:"post_id" format:"uuid" doc:"The post to copy."`
	RRule       string    `json:"rrule" minLength:"1" maxLength:"500" doc:"A recurrence rule of RFC 5545 with FREQ=DAILY, WEEKLY, MONTHLY or YEARLY, at most 31 values in each list, and no time of day." example:"FREQ=WEEKLY;BYDAY=MO,TH"`
	StartsLocal string    `json:"starts_local" maxLength:"64" doc:"The first day that counts, and the time of day, by the clocks of time_zone." example:"2030-01-07T09:00"`
	TimeZone    *string   `json:"time_zone,omitempty" minLength:"1" maxLength:"64" doc:"An IANA time zone; the customer's, as it is now, if left out." example:"Europe/Berlin"`
}

// RecurringPostUpdate changes the fields that are given; null is as if the field were left out.
type RecurringPostUpdate struct {
	RRule       *string `json:"rrule,omitempty" minLength:"1" maxLength:"500"`
	StartsLocal *string `json:"starts_local,omitempty" maxLength:"64"`
	TimeZone    *string `json:"time_zone,omitempty" minLength:"1" maxLength:"64"`
}

// PostOccurrence is one time at which a recurring post goes out.
type PostOccurrence struct {
	At        time.Time  `json:"at" doc:"In UTC."`
	Local     string     `json:"local" doc:"The same by the clocks of the zone, with their offset."`
	Shift     *string    `json:"shift" enum:"skipped,repeated" doc:"Why clocks do not show the rule's time then, or show it twice: they jump over it, and it is as much later (skipped); or they are put back, and it is the first of the two (repeated)."`
	PostID    *uuid.UUID `json:"post_id" format:"uuid" nullable:"true" doc:"The copy for this time; null: it is yet to be made."`
	PostState *string    `json:"post_state" doc:"The copy's state."`
}

// PostOccurrenceList is a recurring post's near future.
type PostOccurrenceList struct {
	TimeZone string           `json:"time_zone"`
	Items    []PostOccurrence `json:"items" nullable:"false" doc:"In the order of their times."`
}

func (a *API) registerRecurringPosts() {
	tags := []string{"Recurring posts"}
	const list, one = "/v1/customers/{customer_id}/recurring-posts", "/v1/customers/{customer_id}/recurring-posts/{recurring_post_id}"
	reading, writing := needs("posts:read", "posts:write", "posts:publish"), needs("posts:publish")
	register(a, huma.Operation{
		OperationID: "list-recurring-posts", Metadata: reading, Method: http.MethodGet, Path: list, Tags: tags, Summary: "List recurring posts",
	}, a.listRecurringPosts)
	register(a, huma.Operation{
		OperationID: "create-recurring-post", Metadata: writing, Method: http.MethodPost, Path: list, Tags: tags, Summary: "Let a post recur",
		Description: "Copies of the post are made two weeks ahead of their times, the next one always. A copy is a post like any other; " +
			"one that is changed, moved or cancelled is left alone from then on. The others follow what is changed in the post or its rule. " +
			"Where the customer wants posts approved, copies of an approved post are approved. A post that breaks rules of its platforms is refused.",
		DefaultStatus: http.StatusCreated,
	}, a.createRecurringPost)
	register(a, huma.Operation{
		OperationID: "get-recurring-post", Metadata: reading, Method: http.MethodGet, Path: one, Tags: tags, Summary: "Get a recurring post",
	}, a.getRecurringPost)
	register(a, huma.Operation{
		OperationID: "update-recurring-post", Metadata: writing, Method: http.MethodPatch, Path: one, Tags: tags, Summary: "Change when a post recurs",
		Description: "From this moment on. Copies that have not begun to be published are made anew.", Errors: []int{http.StatusPreconditionFailed},
	}, a.updateRecurringPost)
	register(a, huma.Operation{
		OperationID: "delete-recurring-post", Metadata: writing, Method: http.MethodDelete, Path: one, Tags: tags, Summary: "Let a post recur no more",
		Description: "Takes away the copies that have not begun to be published. Those that were changed by hand stay.", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteRecurringPost)
	register(a, huma.Operation{
		OperationID: "pause-recurring-post", Metadata: writing, Method: http.MethodPost, Path: one + "/pause", Tags: tags, Summary: "Pause a recurring post",
		Description: "Takes away the copies that have not begun to be published. Those that were changed by hand stay.", Errors: []int{http.StatusPreconditionFailed},
	}, a.pauseRecurringPost)
	register(a, huma.Operation{
		OperationID: "resume-recurring-post", Metadata: writing, Method: http.MethodPost, Path: one + "/resume", Tags: tags, Summary: "Let a paused post recur again",
		Description: "From this moment on.", Errors: []int{http.StatusPreconditionFailed},
	}, a.resumeRecurringPost)
	register(a, huma.Operation{
		OperationID: "list-post-occurrences", Metadata: reading, Method: http.MethodGet, Path: one + "/occurrences", Tags: tags, Summary: "List a recurring post's next times",
		Description: "Of the next five years.",
	}, a.listPostOccurrences)
}

func (a *API) listRecurringPosts(ctx context.Context, in *struct {
	CustomerPath
	PageQuery
}) (*pageOutput[RecurringPost], error) {
	before, err := in.before(listOfRecurringPosts)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.RecurringPostListRow, error) {
		return q.RecurringPostList(ctx, queries.RecurringPostListParams{Before: before, MaxRows: in.more()})
	})
	if err != nil {
		return nil, err
	}
	convert := func(row queries.RecurringPostListRow) (RecurringPost, error) {
		return recurringPostFrom(queries.RecurringPostGetRow(row))
	}
	body, err := page(rows, in.Limit, convert, func(row queries.RecurringPostListRow) string { return cursorOf(listOfRecurringPosts, row.ID) })
	return &pageOutput[RecurringPost]{Body: body}, err
}

func (a *API) getRecurringPost(ctx context.Context, in *RecurringPostPath) (*recurringPostOutput, error) {
	row, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) (queries.RecurringPostGetRow, error) {
		return q.RecurringPostGet(ctx, in.RecurringPostID)
	})
	if err != nil {
		return nil, noRows(err, "recurring post")
	}
	return recurringPostAnswer(row)
}

func (a *API) createRecurringPost(ctx context.Context, in *struct {
	CustomerPath
	Body RecurringPostCreate
}) (*recurringPostOutput, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	if err := knownZone(in.Body.TimeZone); err != nil {
		return nil, err
	}
	path := RecurringPostPath{in.CustomerPath, id}
	return a.answerRecurringPost(ctx, path, func(ctx context.Context, q *queries.Queries) error {
		if _, err := q.PostGet(ctx, in.Body.PostID); err != nil {
			return noRows(err, "post")
		}
		platformPosts, err := q.PlatformPostListByPost(ctx, in.Body.PostID)
		if err != nil {
			return err
		}
		if len(platformPosts) == 0 {
			return conflict("The post has no account to go out on. Give it one first.")
		}
		if err := keepsRules(platformPosts); err != nil {
			return err
		}
		zone, now, err := customerZone(ctx, q)
		if err != nil {
			return err
		}
		name := zone.String()
		if in.Body.TimeZone != nil {
			name = *in.Body.TimeZone
		}
		r, next, err := recurrence(in.Body.RRule, in.Body.StartsLocal, name, now)
		if err != nil {
			return err
		}
		return q.RecurringPostCreate(ctx, queries.RecurringPostCreateParams{
			ID: id, PostID: in.Body.PostID, Rrule: r.Rule.String(), StartsLocal: schedule.FormatLocal(r.Starts), TimeZone: name, NextAt: &next.At,
		})
	})
}

// recurrence reads when something recurs, as a request says it, with its next time after now.
func recurrence(rrule, startsLocal, zone string, now time.Time) (r schedule.Recurrence, next schedule.Occurrence, err error) {
	if r.Rule, err = schedule.ParseRule(rrule); err != nil {
		return r, next, invalid("body.rrule", err.Error())
	}
	if r.Starts, err = schedule.ParseLocal(startsLocal); err != nil {
		return r, next, invalid("body.starts_local", "must be a local time without an offset, such as 2030-01-07T09:00")
	}
	if r.Starts.Year() < 2000 || r.Starts.After(now.Add(schedule.Horizon)) {
		return r, next, invalid("body.starts_local", "must be between the year 2000 and five years from now")
	}
	if r.Zone, err = schedule.Zone(zone); err != nil {
		return r, next, invalid("body.time_zone", "must be an IANA time zone such as Europe/Berlin").cause(err)
	}
	next, found := r.Next(now)
	if !found {
		return r, next, invalid("body.rrule", "gives no time between now and five years from now")
	}
	return r, next, nil
}

func (a *API) updateRecurringPost(ctx context.Context, in *struct {
	RecurringPostPath
	Condition
	Body RecurringPostUpdate
}) (*recurringPostOutput, error) {
	if in.Body.RRule == nil && in.Body.StartsLocal == nil && in.Body.TimeZone == nil {
		return nil, nothingToChange()
	}
	return a.answerRecurringPost(ctx, in.RecurringPostPath, func(ctx context.Context, q *queries.Queries) error {
		row, err := holdRecurringPost(ctx, q, in.RecurringPostID, in.Condition)
		if err != nil {
			return err
		}
		r, next, err := recurrence(or(in.Body.RRule, row.Rrule), or(in.Body.StartsLocal, row.StartsLocal), or(in.Body.TimeZone, row.TimeZone), row.DatabaseNow)
		if err != nil {
			return err
		}
		changed, err := q.RecurringPostUpdate(ctx, queries.RecurringPostUpdateParams{
			ID: in.RecurringPostID, Rrule: r.Rule.String(), StartsLocal: schedule.FormatLocal(r.Starts), TimeZone: or(in.Body.TimeZone, row.TimeZone), NextAt: &next.At,
		})
		return concerned(changed, err)
	})
}

// or is what is given, else what is there.
func or[T any](given *T, there T) T {
	if given != nil {
		return *given
	}
	return there
}

// concerned is the error of a change that should have concerned one row.
func concerned(rows int64, err error) error {
	if err == nil && rows == 0 {
		return forbidden()
	}
	return err
}

func (a *API) pauseRecurringPost(ctx context.Context, in *struct {
	RecurringPostPath
	Condition
}) (*recurringPostOutput, error) {
	return a.answerRecurringPost(ctx, in.RecurringPostPath, func(ctx context.Context, q *queries.Queries) error {
		row, err := holdRecurringPost(ctx, q, in.RecurringPostID, in.Condition)
		if err != nil || row.State == "paused" {
			return err
		}
		if row.State == "ended" {
			return conflict("The recurring post has ended: there is nothing to pause.")
		}
		return concerned(q.RecurringPostSetState(ctx, queries.RecurringPostSetStateParams{ID: in.RecurringPostID, State: "paused"}))
	})
}

func (a *API) resumeRecurringPost(ctx context.Context, in *struct {
	RecurringPostPath
	Condition
}) (*recurringPostOutput, error) {
	return a.answerRecurringPost(ctx, in.RecurringPostPath, func(ctx context.Context, q *queries.Queries) error {
		row, err := holdRecurringPost(ctx, q, in.RecurringPostID, in.Condition)
		if err != nil || row.State == "active" {
			return err
		}
		_, next, err := recurrence(row.Rrule, row.StartsLocal, row.TimeZone, row.DatabaseNow)
		if err != nil {
			return conflict("The recurring post has ended: its rule gives no further time in the next five years. Change when it recurs.").cause(err)
		}
		return concerned(q.RecurringPostSetState(ctx, queries.RecurringPostSetStateParams{ID: in.RecurringPostID, State: "active", NextAt: &next.At}))
	})
}

func (a *API) deleteRecurringPost(ctx context.Context, in *struct {
	RecurringPostPath
	Condition
}) (*struct{}, error) {
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		if _, err := holdRecurringPost(ctx, q, in.RecurringPostID, in.Condition); err != nil {
			return err
		}
		return concerned(q.RecurringPostDelete(ctx, in.RecurringPostID))
	})
	return nil, err
}

// holdRecurringPost locks a recurring post for a change, if it is there, the caller may change it, and it is the version
// that the caller has seen.
func holdRecurringPost(ctx context.Context, q *queries.Queries, id uuid.UUID, condition Condition) (queries.RecurringPostHoldRow, error) {
	row, err := q.RecurringPostHold(ctx, id)
	switch {
	case err == nil:
		return row, condition.check(row.Version)
	case !errors.Is(err, pgx.ErrNoRows):
		return row, err
	}
	// The policy for changes also decides which rows can be locked: one that can only be read is not found there.
	if _, err := q.RecurringPostGet(ctx, id); err != nil {
		return row, noRows(err, "recurring post")
	}
	return row, forbidden()
}

func (a *API) listPostOccurrences(ctx context.Context, in *struct {
	RecurringPostPath
	Limit int `query:"limit" minimum:"1" maximum:"100" default:"10" doc:"How many at most."`
}) (*struct{ Body PostOccurrenceList }, error) {
	var row queries.RecurringPostGetRow
	var copies []queries.RecurringPostListCopiesRow
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (err error) {
		if row, err = q.RecurringPostGet(ctx, in.RecurringPostID); err != nil {
			return noRows(err, "recurring post")
		}
		copies, err = q.RecurringPostListCopies(ctx, in.RecurringPostID)
		return err
	})
	if err != nil {
		return nil, err
	}
	r, err := schedule.NewRecurrence(row.Rrule, row.StartsLocal, row.TimeZone)
	if err != nil {
		return nil, conflict("This server cannot tell when the post recurs: it does not know the rule or the time zone. Change when it recurs.").cause(err)
	}
	made := map[int64]queries.RecurringPostListCopiesRow{}
	for _, c := range copies {
		made[c.OccurrenceAt.UnixMicro()] = c
	}
	body := PostOccurrenceList{TimeZone: row.TimeZone, Items: make([]PostOccurrence, 0, in.Limit)}
	for o := range r.Between(row.DatabaseNow, row.DatabaseNow.Add(schedule.Horizon)) {
		item := PostOccurrence{At: o.At, Local: o.At.In(r.Zone).Format(time.RFC3339), Shift: shiftOf(o)}
		if c, is := made[o.At.UnixMicro()]; is {
			item.PostID, item.PostState = &c.ID, &c.State
		}
		if body.Items = append(body.Items, item); len(body.Items) == in.Limit {
			break
		}
	}
	return &struct{ Body PostOccurrenceList }{body}, nil
}

// answerRecurringPost runs a change and answers the recurring post as it is then.
func (a *API) answerRecurringPost(ctx context.Context, in RecurringPostPath, apply func(ctx context.Context, q *queries.Queries) error) (*recurringPostOutput, error) {
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*recurringPostOutput, error) {
		if err := apply(ctx, q); err != nil {
			return nil, err
		}
		row, err := q.RecurringPostGet(ctx, in.RecurringPostID)
		if err != nil {
			return nil, err
		}
		return recurringPostAnswer(row)
	})
}

func recurringPostAnswer(row queries.RecurringPostGetRow) (*recurringPostOutput, error) {
	body, err := recurringPostFrom(row)
	return &recurringPostOutput{ETag: etag(row.Version), Body: body}, err
}

func recurringPostFrom(row queries.RecurringPostGetRow) (RecurringPost, error) {
	starts, err := schedule.ParseLocal(row.StartsLocal)
	if err != nil {
		return RecurringPost{}, err
	}
	return RecurringPost{
		ID: row.ID, PostID: row.PostID, RRule: row.Rrule, StartsLocal: schedule.FormatLocal(starts), TimeZone: row.TimeZone, State: row.State,
		NextAt: utc(row.NextAt), NextLocal: localTime(row.NextAt, row.TimeZone), Problem: row.Problem,
		Skipped: row.Skipped, SkippedAt: utc(row.SkippedAt), CreatedAt: row.CreatedAt.UTC(), UpdatedAt: row.UpdatedAt.UTC(),
	}, nil
}
