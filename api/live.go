package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"fanfare/db/tenant"
	"fanfare/internal/live"
	"fanfare/queries"
)

const (
	// watchEvery is how often it is said that somebody still looks, and seen whether they still may; tenancy.watch forgets it after two and a half times as long.
	watchEvery = time.Minute
	// tellEvery is how far changes lie apart that are told, at least: much that changes at once is told once.
	tellEvery = time.Second
	// tellWithin bounds what is written to somebody who does not read.
	tellWithin = 10 * time.Second
)

func (a *API) registerLive() {
	register(a, huma.Operation{
		OperationID: "watch-changes", Metadata: needs(anyPermission...), Method: http.MethodGet, Path: "/v1/customers/{customer_id}/changes", Tags: []string{"Customers"},
		Summary: "Be told when something changes",
		Description: "Server-sent events (WHATWG HTML). `change` means that something in the customer is different now: fetch again what you show. What it is, is not told, as that is " +
			"for each to see under their own rights. At most one a second. The first comes at once. The stream ends when seconds are over, and when whoever watches no longer belongs to the customer: begin " +
			"another one.",
		Responses: map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{
			"text/event-stream": {Schema: &huma.Schema{Type: "string", Description: "Events named change, with {} as data, and comments in between."}},
		}}},
		Errors: []int{http.StatusServiceUnavailable},
	}, a.watchChanges)
}

func (a *API) watchChanges(ctx context.Context, in *struct {
	CustomerPath
	Seconds int `query:"seconds" minimum:"1" maximum:"600" default:"600" doc:"For how long."`
}) (*huma.StreamResponse, error) {
	if a.Live == nil {
		return nil, problem(http.StatusServiceUnavailable, "This server tells no changes.")
	}
	inside := scope(ctx).In(in.CustomerID)
	topic, err := a.watch(ctx, inside)
	if err != nil {
		return nil, err
	}
	subscription, err := a.Live.Subscribe(topic)
	if errors.Is(err, live.ErrFull) {
		return nil, problem(http.StatusServiceUnavailable, "Too many are being told of changes at the moment. Try again in a minute.")
	}
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		defer subscription.Close()
		r, w := humago.Unwrap(hctx)
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("X-Accel-Buffering", "no") // nginx would keep the events together
		w.WriteHeader(http.StatusOK)
		if r.Method == http.MethodHead {
			return
		}
		ctx, cancel := context.WithTimeout(hctx.Context(), time.Duration(in.Seconds)*time.Second)
		defer cancel()
		a.tellChanges(ctx, w, subscription, func() error {
			_, err := a.watch(ctx, inside)
			return err
		})
	}}, nil
}

// watch says that the caller looks at the customer, and gives the topic of its changes. It is refused to who may not.
func (a *API) watch(ctx context.Context, inside tenant.Scope) (topic []byte, err error) {
	err = a.tx(ctx, inside, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		topic, err = q.LiveWatch(ctx)
		return err
	})
	return topic, err
}

// tellChanges writes an event for each time that the subscription is woken, and ends once check fails, which is asked before each.
func (a *API) tellChanges(ctx context.Context, w http.ResponseWriter, subscription *live.Subscription, check func() error) {
	control := http.NewResponseController(w)
	send := func(text string) bool {
		_ = control.SetWriteDeadline(time.Now().Add(tellWithin)) // a call from within the process has none
		_, err := fmt.Fprint(w, text)
		return err == nil && control.Flush() == nil
	}
	const change = "event: change\ndata: {}\n\n"
	if !send("retry: 2000\n" + change) {
		return
	}
	checking, silence, rest := time.NewTicker(watchEvery), time.NewTicker(eventsWait), time.NewTimer(0)
	defer checking.Stop()
	defer silence.Stop()
	defer rest.Stop()
	woken, rested := false, false
	for {
		var text string
		select {
		case <-ctx.Done():
			return
		case _, goesOn := <-subscription.Woken:
			if !goesOn {
				return
			}
			woken = true
		case <-rest.C:
			rested = true
		case <-silence.C:
			text = ": still here\n\n"
		case <-checking.C:
			if check() != nil {
				return
			}
		}
		if woken && rested {
			if check() != nil {
				return
			}
			woken, rested, text = false, false, change
			rest.Reset(tellEvery)
		}
		if text != "" && !send(text) {
			return
		}
	}
}
