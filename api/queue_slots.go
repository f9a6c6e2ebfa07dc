package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"fanfare/db/tenant"
	"fanfare/internal/schedule"
	"fanfare/queries"
)

const (
	// maxSlots is how many slots a queue has at most.
	maxSlots = 500
	// maxTaken is how many posts that wait are looked at to tell which slots are free.
	maxTaken = 20_000
)

// QueueSlot is a time of the week at which the queue sends a post.
type QueueSlot struct {
	ID        uuid.UUID `json:"id" format:"uuid"`
	Weekday   string    `json:"weekday" enum:"monday,tuesday,wednesday,thursday,friday,saturday,sunday"`
	LocalTime string    `json:"local_time" doc:"By the clocks of the customer's time zone." example:"09:30"`
	CreatedAt time.Time `json:"created_at"`
}

// QueueSlotCreate is a new slot.
type QueueSlotCreate struct {
	Weekday   string `json:"weekday" enum:"monday,tuesday,wednesday,thursday,friday,saturday,sunday"`
	LocalTime string `json:"local_time" pattern:"^([01][0-9]|2[0-3]):[0-5][0-9]$" doc:"By the clocks of the customer's time zone." example:"09:30"`
}

// QueueSlotList is a whole queue.
type QueueSlotList struct {
	Items []QueueSlot `json:"items" nullable:"false" doc:"All slots, from Monday on."`
}

// UpcomingSlot is one time at which the queue sends a post.
type UpcomingSlot struct {
	At        time.Time  `json:"at" doc:"In UTC."`
	Local     string     `json:"local" doc:"The same by the clocks of the customer's time zone, with their offset."`
	Shift     *string    `json:"shift" enum:"skipped,repeated" doc:"Why clocks do not show the slot's time then, or show it twice: they jump over it, and the slot is as much later (skipped); or they are put back, and the slot is the first of the two (repeated)."`
	Free      bool       `json:"free" doc:"Whether nothing goes out then."`
	PostID    *uuid.UUID `json:"post_id" format:"uuid" nullable:"true" doc:"What goes out then; null where the slot is free, or it is not of the space that the caller acts in."`
	PostTitle *string    `json:"post_title" doc:"Its title."`
	PostState *string    `json:"post_state" enum:"pending_approval,approved,scheduled"`
}

// UpcomingSlotList is the queue's near future.
type UpcomingSlotList struct {
	TimeZone string         `json:"time_zone" doc:"The customer's."`
	Items    []UpcomingSlot `json:"items" nullable:"false" doc:"In the order of their times."`
}

type queueSlotOutput struct {
	ETag string `header:"ETag"`
	Body QueueSlot
}

// QueueSlotPath is the path of a slot.
type QueueSlotPath struct {
	CustomerPath
	QueueSlotID uuid.UUID `path:"queue_slot_id" format:"uuid" doc:"The slot."`
}

// days are the names of weekdays, by their numbers.
var days = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

func (a *API) registerQueueSlots() {
	tags := []string{"Queue"}
	const list = "/v1/customers/{customer_id}/queue-slots"
	register(a, huma.Operation{
		OperationID: "list-queue-slots", Metadata: needs("posts:read", "posts:write", "posts:publish"), Method: http.MethodGet, Path: list, Tags: tags, Summary: "List the slots of the queue",
	}, a.listQueueSlots)
	register(a, huma.Operation{
		OperationID: "create-queue-slot", Metadata: needs("posts:publish"), Method: http.MethodPost, Path: list, Tags: tags, Summary: "Add a slot to the queue",
		DefaultStatus: http.StatusCreated,
	}, a.createQueueSlot)
	register(a, huma.Operation{
		OperationID: "delete-queue-slot", Metadata: needs("posts:publish"), Method: http.MethodDelete, Path: list + "/{queue_slot_id}", Tags: tags, Summary: "Take a slot off the queue",
		Description: "What is scheduled stays so.", DefaultStatus: http.StatusNoContent,
		Errors: []int{http.StatusPreconditionFailed},
	}, a.deleteQueueSlot)
	register(a, huma.Operation{
		OperationID: "list-upcoming-slots", Metadata: needs("posts:read", "posts:write", "posts:publish"), Method: http.MethodGet, Path: list + "/upcoming", Tags: tags, Summary: "List the queue's next times and what goes out then",
	}, a.listUpcomingSlots)
	register(a, huma.Operation{
		OperationID: "queue-post", Metadata: needs("posts:publish"), Method: http.MethodPost, Path: "/v1/customers/{customer_id}/posts/{post_id}/queue", Tags: tags, Summary: "Publish a post in the next free slot",
		Description:   "Schedules it for the first slot of the queue at which no other post goes out. A post that is already scheduled is moved, and gives its slot back, as one that is cancelled does.",
		DefaultStatus: http.StatusAccepted, Errors: []int{http.StatusPreconditionFailed},
	}, a.queuePostInSlot)
}

func (a *API) listQueueSlots(ctx context.Context, in *CustomerPath) (*struct{ Body QueueSlotList }, error) {
	rows, err := read(ctx, a, scope(ctx).In(in.CustomerID), func(q *queries.Queries) ([]queries.QueueSlotListRow, error) { return q.QueueSlotList(ctx) })
	if err != nil {
		return nil, err
	}
	body := QueueSlotList{Items: make([]QueueSlot, 0, len(rows))}
	for _, row := range rows {
		body.Items = append(body.Items, queueSlotFrom(queries.QueueSlotGetRow(row)))
	}
	return &struct{ Body QueueSlotList }{body}, nil
}

func (a *API) createQueueSlot(ctx context.Context, in *struct {
	CustomerPath
	Body QueueSlotCreate
}) (*queueSlotOutput, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("make id: %w", err)
	}
	weekday := int16(slices.Index(days, in.Body.Weekday))
	return change(ctx, a, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (*queueSlotOutput, error) {
		slots, err := q.QueueSlotList(ctx)
		if err != nil {
			return nil, err
		}
		if len(slots) >= maxSlots {
			return nil, conflict(fmt.Sprintf("The queue has %d slots already, which is as many as it can have.", maxSlots))
		}
		if err := q.QueueSlotCreate(ctx, queries.QueueSlotCreateParams{ID: id, Weekday: weekday, LocalTime: in.Body.LocalTime}); err != nil {
			return nil, err
		}
		row, err := q.QueueSlotGet(ctx, id)
		return &queueSlotOutput{ETag: etag(row.Version), Body: queueSlotFrom(row)}, err
	})
}

func (a *API) deleteQueueSlot(ctx context.Context, in *struct {
	QueueSlotPath
	Condition
}) (*struct{}, error) {
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		return in.change(func(version *int64) (int64, error) {
			return q.QueueSlotDelete(ctx, queries.QueueSlotDeleteParams{ID: in.QueueSlotID, Version: version})
		}, func() error {
			_, err := q.QueueSlotGet(ctx, in.QueueSlotID)
			return noRows(err, "slot")
		})
	})
	return nil, err
}

func queueSlotFrom(row queries.QueueSlotGetRow) QueueSlot {
	return QueueSlot{ID: row.ID, Weekday: days[row.Weekday], LocalTime: row.LocalTime, CreatedAt: row.CreatedAt.UTC()}
}

// queue is what there is to know of a customer's queue.
type queue struct {
	zone  *time.Location
	now   time.Time
	slots []schedule.Slot
	// taken is what goes out when, by the instant.
	taken map[int64]queries.QueueListTakenRow
}

func readQueue(ctx context.Context, q *queries.Queries) (queue, error) {
	zone, now, err := customerZone(ctx, q)
	if err != nil {
		return queue{}, err
	}
	rows, err := q.QueueSlotList(ctx)
	if err != nil {
		return queue{}, err
	}
	waiting, err := q.QueueListTaken(ctx, maxTaken)
	if err != nil {
		return queue{}, err
	}
	all := queue{zone: zone, now: now, taken: map[int64]queries.QueueListTakenRow{}}
	for _, row := range rows {
		minute, err := schedule.ParseClock(row.LocalTime)
		if err != nil {
			return queue{}, err
		}
		all.slots = append(all.slots, schedule.Slot{Weekday: time.Weekday(row.Weekday), Minute: minute})
	}
	for _, row := range waiting {
		if _, twice := all.taken[row.ScheduledAt.UnixMicro()]; !twice {
			all.taken[row.ScheduledAt.UnixMicro()] = row
		}
	}
	return all, nil
}

func (a *API) listUpcomingSlots(ctx context.Context, in *struct {
	CustomerPath
	Limit int `query:"limit" minimum:"1" maximum:"200" default:"20" doc:"How many at most."`
}) (*struct{ Body UpcomingSlotList }, error) {
	var all queue
	err := a.tx(ctx, scope(ctx).In(in.CustomerID), func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) (err error) {
		all, err = readQueue(ctx, q)
		return err
	})
	if err != nil {
		return nil, err
	}
	body := UpcomingSlotList{TimeZone: all.zone.String(), Items: make([]UpcomingSlot, 0, in.Limit)}
	for o := range schedule.Slots(all.slots, all.now, all.zone) {
		slot := UpcomingSlot{At: o.At, Local: o.At.In(all.zone).Format(time.RFC3339), Shift: shiftOf(o), Free: true}
		if row, taken := all.taken[o.At.UnixMicro()]; taken {
			slot.Free = false
			if row.ID != uuid.Nil { // else it is not the caller's to see
				slot.PostID, slot.PostTitle, slot.PostState = &row.ID, &row.Title, &row.State
			}
		}
		if body.Items = append(body.Items, slot); len(body.Items) == in.Limit {
			break
		}
	}
	return &struct{ Body UpcomingSlotList }{body}, nil
}

// shiftOf is what became of a local time, nil where clocks show it once.
func shiftOf(o schedule.Occurrence) *string {
	if o.Shift == schedule.Exact {
		return nil
	}
	text := string(o.Shift)
	return &text
}

func (a *API) queuePostInSlot(ctx context.Context, in *struct {
	PostPath
	Condition
}) (*postOutput, error) {
	return a.answerPost(ctx, in.PostPath, func(ctx context.Context, tx *tenant.Tx, q *queries.Queries) error {
		if _, err := lockPost(ctx, q, in.PostID, in.Condition); err != nil {
			return err
		}
		// One after the other: what the one before has taken is seen here.
		if err := q.QueueLock(ctx); err != nil {
			return err
		}
		all, err := readQueue(ctx, q)
		if err != nil {
			return err
		}
		if len(all.slots) == 0 {
			return conflict("The queue has no slots. Add one first.")
		}
		for o := range schedule.Slots(all.slots, all.now, all.zone) {
			if o.At.Sub(all.now) > schedule.Horizon {
				break
			}
			if row, taken := all.taken[o.At.UnixMicro()]; taken && row.ID != in.PostID {
				continue
			}
			return a.queuePostAt(ctx, tx, q, in.PostPath, in.Condition, &o.At, &o.At)
		}
		return conflict("Every slot of the queue is taken for the next five years. Add one first.")
	})
}
