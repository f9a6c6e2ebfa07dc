package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// An operation that takes long can tell how far it is: whoever accepts text/event-stream gets events (server-sent events, WHATWG
// HTML), and at the end the answer as one of them, "done" or "problem". Whoever does not gets the answer alone. The operation is the
// same: until it tells something first, everything is answered as ever.

// eventsWait is after how long in silence a comment is sent, so that nothing between takes the connection for dead.
const eventsWait = 10 * time.Second

type patienceKey struct{}

// patience is what an operation that takes long needs of its answer.
type patience struct {
	control *http.ResponseController
	events  *eventWriter // nil: nobody wants to know
}

// tellEvent tells an event of an operation that is under way, to whoever wants to know.
func tellEvent(ctx context.Context, name string, data any) {
	if p, _ := ctx.Value(patienceKey{}).(*patience); p != nil && p.events != nil {
		p.events.tell(name, data)
	}
}

// takeTime lets the answer come later than the server's own limit has it, which is for answers that are made at once.
func takeTime(ctx context.Context, d time.Duration) {
	if p, _ := ctx.Value(patienceKey{}).(*patience); p != nil {
		_ = p.control.SetWriteDeadline(time.Now().Add(d)) // a call from within the process has none
	}
}

// eventStreams gives operations the means to tell how far they are.
func eventStreams(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &patience{control: http.NewResponseController(w)}
		r = r.WithContext(context.WithValue(r.Context(), patienceKey{}, p))
		if !acceptsEvents(r.Header.Values("Accept")) {
			next.ServeHTTP(w, r)
			return
		}
		p.events = &eventWriter{ResponseWriter: w, control: p.control}
		defer p.events.end()
		next.ServeHTTP(p.events, r)
		p.events.conclude()
	})
}

// acceptsEvents tells whether text/event-stream is among the media types that are accepted.
func acceptsEvents(accept []string) bool {
	for value := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		kind, parameters, _ := strings.Cut(value, ";")
		if strings.EqualFold(strings.TrimSpace(kind), "text/event-stream") {
			return strings.ReplaceAll(parameters, " ", "") != "q=0"
		}
	}
	return false
}

// eventWriter passes an answer on, until the first event is told: from then on it keeps the answer for the last one.
type eventWriter struct {
	http.ResponseWriter
	control *http.ResponseController

	mu      sync.Mutex
	begun   bool
	stopped chan struct{} // closed at the end
	status  int
	body    []byte
}

// Unwrap lets http.ResponseController reach the connection.
func (w *eventWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader passes on, or keeps.
func (w *eventWriter) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.begun {
		w.ResponseWriter.WriteHeader(status)
	} else if w.status == 0 {
		w.status = status
	}
}

// Write passes on, or keeps.
func (w *eventWriter) Write(body []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.begun {
		return w.ResponseWriter.Write(body)
	}
	if w.status == 0 {
		w.status = http.StatusOK
	}
	w.body = append(w.body, body...)
	return len(body), nil
}

// tell writes an event.
func (w *eventWriter) tell(name string, data any) {
	encoded, err := json.Marshal(data)
	if err != nil {
		return // plain values
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.begin()
	w.send(fmt.Sprintf("event: %s\ndata: %s\n\n", name, encoded))
}

// begin begins the stream. The caller holds w.mu, as for send.
func (w *eventWriter) begin() {
	if w.begun {
		return
	}
	w.begun, w.stopped = true, make(chan struct{})
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep the events together
	w.ResponseWriter.WriteHeader(http.StatusOK)
	go w.keepAlive(w.stopped)
}

// send writes to the stream. A reader who has gone ends the request's context, which is what stops the work.
func (w *eventWriter) send(text string) {
	if _, err := w.ResponseWriter.Write([]byte(text)); err == nil {
		_ = w.control.Flush()
	}
}

func (w *eventWriter) keepAlive(stopped <-chan struct{}) {
	ticker := time.NewTicker(eventsWait)
	defer ticker.Stop()
	for {
		select {
		case <-stopped:
			return
		case <-ticker.C:
			w.mu.Lock()
			select {
			case <-stopped: // while this waited for the lock
			default:
				w.send(": it goes on\n\n")
			}
			w.mu.Unlock()
		}
	}
}

// conclude writes the answer as the last event.
func (w *eventWriter) conclude() {
	w.end()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.begun {
		return
	}
	name := "done"
	if w.status >= http.StatusMultipleChoices || w.status == 0 {
		name = "problem"
	}
	// The body is JSON of one line, and its end of line is no part of it.
	w.send(fmt.Sprintf("event: %s\ndata: %s\n\n", name, strings.TrimRight(string(w.body), "\n")))
}

// end ends the comments. Nothing is written by them once the handler has returned.
func (w *eventWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped != nil {
		close(w.stopped)
		w.stopped = nil
	}
}
