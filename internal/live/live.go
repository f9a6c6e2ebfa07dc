// Package live tells who looks at something that it has changed. Postgres notifies each process of the API of a topic, which
// is nothing but a digest, over one connection that listens; whoever has subscribed to that topic is woken and looks again, under
// their own rights. No data passes through here.
package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// channel is where tenancy.tell_change notifies.
const channel = "fanfare_change"

// Limits of one process.
const (
	// maxStreams is how many may be subscribed at once, maxOfTopic how many of them to one topic, and maxOfCaller how many one person or program may have.
	maxStreams, maxOfTopic, maxOfCaller = 5000, 500, 30
	// maxOfPrograms is how many of all are for programs, and maxOfTopicsPrograms of those to one topic: whoever makes many keys takes no room from people.
	maxOfPrograms, maxOfTopicsPrograms = 2500, 100
	// retryAfter is how long it waits after a failure before it listens anew; twice as long after each, up to retryWithin.
	retryAfter, retryWithin = time.Second, 15 * time.Second
	// probeEvery is how often a silent connection is tried.
	probeEvery = 30 * time.Second
)

// ErrFull says that too many are subscribed, or that the process ends; ErrTooMany that the caller has as many as one may have.
var (
	ErrFull    = errors.New("too many streams")
	ErrTooMany = errors.New("too many streams of one caller")
)

// Hub wakes who has subscribed. The zero Hub is none; make one with New.
type Hub struct {
	config *pgx.ConnConfig
	log    *slog.Logger

	mu                sync.Mutex
	topics            map[string]*audience
	callers           map[string]int // how many streams each has
	streams, programs int
	ended             bool
}

// audience is who has subscribed to a topic.
type audience struct {
	streams  map[*Subscription]struct{}
	programs int // of how many of them a program is told
}

// Subscription is somebody who looks at a topic. Woken holds a token once it has changed since the last time; it is closed when the process ends.
type Subscription struct {
	Woken <-chan struct{}

	hub           *Hub
	topic, caller string
	program       bool
	woken         chan struct{}
}

// New makes a hub that listens by connections of its own. They must be direct ones: behind PgBouncer in transaction mode nobody can listen.
func New(databaseURL string, log *slog.Logger) (*Hub, error) {
	config, err := pgx.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("parse the URL of the database that is listened to: %w", err)
	}
	config.ConnectTimeout = 5 * time.Second
	config.RuntimeParams["application_name"] = "fanfare live"
	return &Hub{config: config, log: log, topics: map[string]*audience{}, callers: map[string]int{}}, nil
}

// Subscribe gives a caller who is woken when the topic changes, until they Close it. ErrFull where too many are subscribed, or the process ends; ErrTooMany where
// they have too many themselves. There is less room for programs than for people.
func (h *Hub) Subscribe(topic, caller string, program bool) (*Subscription, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.topics[topic]
	if of == nil {
		of = &audience{streams: map[*Subscription]struct{}{}}
	}
	if h.ended || h.streams >= maxStreams || len(of.streams) >= maxOfTopic || program && (h.programs >= maxOfPrograms || of.programs >= maxOfTopicsPrograms) {
		return nil, ErrFull
	}
	if h.callers[caller] >= maxOfCaller {
		return nil, ErrTooMany
	}
	woken := make(chan struct{}, 1)
	s := &Subscription{Woken: woken, woken: woken, hub: h, topic: topic, caller: caller, program: program}
	h.topics[topic] = of
	of.streams[s] = struct{}{}
	h.callers[caller]++
	h.streams++
	if program {
		of.programs++
		h.programs++
	}
	return s, nil
}

// Audience is how many are subscribed to the same topic, this one included.
func (s *Subscription) Audience() int {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if of := s.hub.topics[s.topic]; of != nil {
		return len(of.streams)
	}
	return 0
}

// Close ends a subscription.
func (s *Subscription) Close() {
	h := s.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	of := h.topics[s.topic]
	if of == nil {
		return
	}
	if _, there := of.streams[s]; !there {
		return
	}
	delete(of.streams, s)
	if len(of.streams) == 0 {
		delete(h.topics, s.topic)
	}
	if s.program {
		of.programs--
		h.programs--
	}
	if h.callers[s.caller]--; h.callers[s.caller] == 0 {
		delete(h.callers, s.caller)
	}
	h.streams--
}

// Run listens until ctx ends. While it cannot, everybody is woken now and then, so that what has changed is seen a little later.
func (h *Hub) Run(ctx context.Context) error {
	defer h.end()
	pause := retryAfter
	for told := false; ; {
		err := h.listen(ctx, func() {
			if told {
				h.log.InfoContext(ctx, "changes are heard of again")
			}
			told, pause = false, retryAfter
			h.wakeAll() // who has missed something
		})
		if ctx.Err() != nil {
			return nil
		}
		if !told {
			h.log.WarnContext(ctx, "changes cannot be heard of; whoever looks is told every now and then to look again", "error", err)
		}
		told = true
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, retryWithin)
		h.wakeAll()
	}
}

// listen listens by one connection until it fails.
func (h *Hub) listen(ctx context.Context, ready func()) error {
	conn, err := pgx.ConnectConfig(ctx, h.config)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = conn.Close(closing) // it ends either way
	}()
	if _, err := conn.Exec(ctx, "listen "+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	ready()
	for {
		waiting, cancel := context.WithTimeout(ctx, probeEvery)
		notification, err := conn.WaitForNotification(waiting)
		cancel()
		switch {
		case err == nil:
			h.wake(notification.Payload)
		case ctx.Err() != nil:
			return ctx.Err()
		case waiting.Err() != nil: // silence, or a connection that is cut off
			probing, cancel := context.WithTimeout(ctx, 5*time.Second)
			err := conn.Ping(probing)
			cancel()
			if err != nil {
				return fmt.Errorf("probe: %w", err)
			}
		default:
			return fmt.Errorf("wait: %w", err)
		}
	}
}

func (h *Hub) wake(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if of := h.topics[topic]; of != nil {
		for s := range of.streams {
			s.wake()
		}
	}
}

func (h *Hub) wakeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, of := range h.topics {
		for s := range of.streams {
			s.wake()
		}
	}
}

func (s *Subscription) wake() {
	select {
	case s.woken <- struct{}{}:
	default: // it is yet to look
	}
}

// end lets everybody go, who would keep the process from ending.
func (h *Hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended = true
	for _, of := range h.topics {
		for s := range of.streams {
			close(s.woken)
		}
	}
	h.topics, h.streams, h.programs = map[string]*audience{}, 0, 0
}
