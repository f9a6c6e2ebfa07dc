package bucket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// ErrStalled says that a bucket has moved nothing, in neither direction, for as long as it may.
var ErrStalled = errors.New("bucket: nothing has moved for too long")

// defaultStall is how long a bucket on the network may move nothing while it is waited for.
const defaultStall = time.Minute

// watch ends the context of an operation when nothing moves while the bucket is waited for. Time in which nobody waits, as while
// a reader's own reader is slow, does not count.
type watch struct {
	limit  time.Duration // 0: no limit, as for directories
	cancel context.CancelCauseFunc

	mu      sync.Mutex
	timer   *time.Timer
	waiting int // calls
}

// watchKey is where a watch is in its context.
type watchKey struct{}

// watched gives a context for the requests of one operation, and its watch. cancel must be called in the end.
func watched(ctx context.Context, limit time.Duration) (context.Context, *watch) {
	w := &watch{limit: limit}
	ctx, w.cancel = context.WithCancelCause(ctx)
	return context.WithValue(ctx, watchKey{}, w), w
}

// wait runs a call in which the bucket is waited for. Its error is ErrStalled where that took too long.
func (w *watch) wait(ctx context.Context, call func() error) error {
	if w.limit == 0 {
		return call()
	}
	w.mu.Lock()
	switch {
	case w.timer == nil:
		w.timer = time.AfterFunc(w.limit, func() { w.cancel(ErrStalled) })
	case w.waiting == 0:
		w.timer.Reset(w.limit)
	}
	w.waiting++
	w.mu.Unlock()
	err := call()
	w.mu.Lock()
	if w.waiting--; w.waiting == 0 {
		w.timer.Stop()
	}
	w.mu.Unlock()
	if err != nil && errors.Is(context.Cause(ctx), ErrStalled) {
		return fmt.Errorf("%w: %s", ErrStalled, w.limit)
	}
	return err
}

// moved says that something came from the bucket, or went there.
func (w *watch) moved() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting > 0 {
		w.timer.Reset(w.limit)
	}
}

// doer sends requests, and tells the watch of each what moves. It is what the clients of all clouds take.
type doer func(*http.Request) (*http.Response, error)

// Do sends a request.
func (d doer) Do(r *http.Request) (*http.Response, error) {
	w, _ := r.Context().Value(watchKey{}).(*watch)
	if w == nil {
		return d(r)
	}
	if r.Body != nil && r.Body != http.NoBody {
		r = r.WithContext(r.Context()) // a copy: the request is the caller's
		r.Body = movingBody{r.Body, w}
	}
	response, err := d(r)
	if err == nil {
		w.moved()
		response.Body = movingBody{response.Body, w}
	}
	return response, err
}

// RoundTrip sends a request.
func (d doer) RoundTrip(r *http.Request) (*http.Response, error) { return d.Do(r) }

// movingBody tells a watch of what is read.
type movingBody struct {
	io.ReadCloser
	watch *watch
}

// Read reads on.
func (b movingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.watch.moved()
	}
	return n, err
}
