package cmd

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// sayAgainAfter is how long a warning that repeats itself is not repeated in the log.
const sayAgainAfter = 30 * time.Second

// calmHandler keeps a worker's log readable while the database is away, when every part of the queue warns
// several times a second: a warning or error that says the same of the same thing is passed on once per
// sayAgainAfter, with the number of those left out meanwhile. It also lowers the queue's own routine to debug.
type calmHandler struct {
	next slog.Handler
	ids  string // of the attributes that the logger has
	said *saidMessages
}

type saidMessages struct {
	sync.Mutex
	last map[string]*saidMessage
}

type saidMessage struct {
	at      time.Time
	leftOut int
}

func newCalmHandler(next slog.Handler) *calmHandler {
	return &calmHandler{next: next, said: &saidMessages{last: map[string]*saidMessage{}}}
}

// Enabled implements slog.Handler.
func (h *calmHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *calmHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level == slog.LevelInfo && isRoutine(r.Message) {
		r.Level = slog.LevelDebug
		if !h.next.Enabled(ctx, r.Level) {
			return nil
		}
	}
	if r.Level >= slog.LevelWarn {
		leftOut, pass := h.said.pass(h.key(r), r.Time)
		if !pass {
			return nil
		}
		if leftOut > 0 {
			r.AddAttrs(slog.Int("left_out", leftOut))
		}
	}
	return h.next.Handle(ctx, r)
}

// key is what a record says and of which thing: two posts' warnings are two.
func (h *calmHandler) key(r slog.Record) string {
	key := r.Level.String() + r.Message + h.ids
	r.Attrs(func(a slog.Attr) bool {
		key += idOf(a)
		return true
	})
	return key
}

func idOf(a slog.Attr) string {
	if a.Key == "id" || strings.HasSuffix(a.Key, "_id") {
		return "\x00" + a.Value.String()
	}
	return ""
}

// pass decides whether a message is said, and how often it was not since the last time.
func (s *saidMessages) pass(key string, now time.Time) (leftOut int, pass bool) {
	s.Lock()
	defer s.Unlock()
	m := s.last[key]
	if m != nil && now.Sub(m.at) < sayAgainAfter {
		m.leftOut++
		return 0, false
	}
	if m != nil {
		leftOut = m.leftOut
	}
	if len(s.last) > 1000 { // each is of another thing; only the recent ones matter
		for k, old := range s.last {
			if now.Sub(old.at) >= sayAgainAfter {
				delete(s.last, k)
			}
		}
	}
	s.last[key] = &saidMessage{at: now}
	return leftOut, true
}

// isRoutine knows what River says while all is well.
func isRoutine(message string) bool {
	return strings.HasPrefix(message, "River client ") || strings.HasSuffix(message, ": Producer job counts")
}

// WithAttrs implements slog.Handler.
func (h *calmHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	ids := []string{h.ids}
	for _, a := range attrs {
		ids = append(ids, idOf(a))
	}
	return &calmHandler{next: h.next.WithAttrs(attrs), ids: strings.Join(ids, ""), said: h.said}
}

// WithGroup implements slog.Handler.
func (h *calmHandler) WithGroup(name string) slog.Handler {
	return &calmHandler{next: h.next.WithGroup(name), ids: h.ids, said: h.said}
}
