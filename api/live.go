package api

import (
	"cmp"
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
	// tellEvery is how far changes lie apart that are told, at least: much that changes at once is told once. Each telling looks whether one still may see the
	// customer, so where many look, they are told less often: as much longer as there are times of crowd.
	tellEvery, crowd = time.Second, 20
	// tellWithin bounds what is written to somebody who does not read. It is longer than any silence, as HTTP/2 ends a stream whose time to write is over also while
	// nothing is written.
	tellWithin = 3 * eventsWait
)

func (a *API) registerLive() {
	register(a, huma.Operation{
		OperationID: "watch-changes", Metadata: needs(anyPermission...), Method: http.MethodGet, Path: "/v1/customers/{customer_id}/changes", Tags: []string{"Customers"},
		Summary: "Be told when something changes",
		Description: "Server-sent events (WHATWG HTML). `change` means that something in the customer is different now: fetch again what you show. What it is, is not told, as that is " +
			"for each to see under their own rights. At most one a second, and fewer where many look. The first comes at once, and another a second later. The stream ends when seconds are over, or the credential is, " +
			"and when whoever watches no longer belongs to the customer; begin another one.",
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
	who, _ := ctx.Value(callerKey{}).(caller)
	inside := who.scope.In(in.CustomerID)
	topic, err := a.watch(ctx, inside)
	if err != nil {
		return nil, err
	}
	kind, subject, keyHash, token := inside.Caller()
	subscription, err := a.Live.Subscribe(topic, fmt.Sprintf("%s %s %x %s", kind, subject, keyHash, token), subject == "")
	switch {
	case errors.Is(err, live.ErrTooMany):
		return nil, problem(http.StatusTooManyRequests, "You are being told of changes in too many places already. Close some of them.")
	case errors.Is(err, live.ErrFull):
		return nil, problem(http.StatusServiceUnavailable, "Too many are being told of changes at the moment. Try again in a minute.")
	case err != nil:
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
		ctx, cancel := context.WithDeadline(hctx.Context(), who.until(time.Duration(in.Seconds)*time.Second))
		defer cancel()
		a.tellChanges(ctx, w, subscription, inside)
	}}, nil
}

// watch says that the caller looks at the customer, and gives the topic of its changes. It is refused to who may not.
func (a *API) watch(ctx context.Context, inside tenant.Scope) (topic string, err error) {
	err = a.tx(ctx, inside, func(ctx context.Context, _ *tenant.Tx, q *queries.Queries) error {
		topic, err = q.LiveWatch(ctx)
		return err
	})
	return topic, err
}

// tellChanges writes an event for each time that the subscription is woken, until ctx or the process ends, or the caller may not look any more.
func (a *API) tellChanges(ctx context.Context, w http.ResponseWriter, subscription *live.Subscription, inside tenant.Scope) {
	control := http.NewResponseController(w)
	send := func(text string) bool {
		_ = control.SetWriteDeadline(time.Now().Add(tellWithin)) // a call from within the process has none
		_, err := fmt.Fprint(w, text)
		return err == nil && control.Flush() == nil
	}
	ask := func(question func(context.Context) error) bool {
		ctx, cancel := context.WithTimeout(ctx, cmp.Or(a.RequestTimeout, requestTimeout))
		defer cancel()
		return question(ctx) == nil
	}
	mayWatch := func(ctx context.Context) error {
		_, err := read(ctx, a, inside, func(q *queries.Queries) (bool, error) { return q.LiveMayWatch(ctx) })
		return err
	}
	goesOn := func(ctx context.Context) error {
		_, err := a.watch(ctx, inside)
		return err
	}
	const change = "event: change\ndata: {}\n\n"
	if !send("retry: 2000\n" + change) {
		return
	}
	watching, silence, rest := time.NewTicker(watchEvery), time.NewTicker(eventsWait), time.NewTimer(tellEvery)
	defer watching.Stop()
	defer silence.Stop()
	defer rest.Stop()
	// A transaction that was under way when the customer came to be watched may have told nobody.
	woken, rested := true, false
	for {
		text := ""
		select {
		case <-ctx.Done():
			return
		case _, open := <-subscription.Woken:
			if !open {
				return
			}
			woken = true
		case <-rest.C:
			rested = true
		case <-silence.C:
			text = ": still here\n\n"
		case <-watching.C:
			if !ask(goesOn) {
				return
			}
		}
		if woken && rested {
			if !ask(mayWatch) {
				return
			}
			woken, rested, text = false, false, change
			rest.Reset(tellEvery * time.Duration(1+subscription.Audience()/crowd))
		}
		if text != "" && !send(text) {
			return
		}
	}
}
