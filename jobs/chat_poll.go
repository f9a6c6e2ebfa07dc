package jobs

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"fanfare/internal/bots"
	"fanfare/internal/chat"
	"fanfare/queries"
)

const (
	// pollersEvery is how often a worker looks for bots whose updates nobody fetches.
	pollersEvery = time.Second
	// pollLease is how long after its last sign of life the fetching of a bot's updates is somebody else's.
	pollLease = 6 * time.Second
	// pollPause and maxPollPause are how long nothing is fetched after an error: longer from time to time.
	pollPause    = time.Second
	maxPollPause = 30 * time.Second
	// pollRefused is how long it is after the platform has refused the token.
	pollRefused = 10 * time.Minute
)

// pollers fetch the updates of bots, each bot's in one place over all workers: who has the lease of chat_polls.
//
// What is fetched is written down before it is confirmed. A worker that dies in between leaves it unconfirmed, and whoever takes
// over fetches it again; known by its id, it is there once.
type pollers struct {
	*Worker

	mu      sync.Mutex
	running map[string]*poller // by the bot's id
	pauses  map[string]*pause
}

// poller fetches the updates of one bot.
type poller struct {
	bot    *bots.Bot
	cancel context.CancelFunc
}

// pause is what a bot's errors have brought.
type pause struct {
	bot   *bots.Bot // with another token it begins anew
	until time.Time
	next  time.Duration
}

func newPollers(w *Worker) *pollers {
	return &pollers{Worker: w, running: map[string]*poller{}, pauses: map[string]*pause{}}
}

// look begins to fetch for bots for which nobody does, and ends where a bot is gone or has another token.
func (p *pollers) look(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	polled, err := p.deps.Chats.Bots.Polled(within)
	if err != nil {
		return fmt.Errorf("look for bots: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	there := map[string]*bots.Bot{}
	for _, bot := range polled {
		there[bot.ID] = bot.Bot
		if after := p.pauses[bot.ID]; p.running[bot.ID] != nil || after != nil && after.bot == bot.Bot && time.Now().Before(after.until) {
			continue
		}
		fetching, stop := context.WithCancel(ctx)
		p.running[bot.ID] = &poller{bot: bot.Bot, cancel: stop}
		p.upkeep.Go(func() {
			defer stop()
			p.ended(ctx, bot, p.fetch(fetching, bot))
		})
	}
	for id, running := range p.running {
		if there[id] != running.bot {
			running.cancel()
		}
	}
	return nil
}

// ended notes that nobody here fetches for a bot any more, and what has ended it.
func (p *pollers) ended(ctx context.Context, bot bots.Polled, failure error) {
	p.mu.Lock()
	delete(p.running, bot.ID)
	if failure == nil || errors.Is(failure, context.Canceled) {
		p.mu.Unlock()
		return
	}
	if p.pauses[bot.ID] == nil || p.pauses[bot.ID].bot != bot.Bot {
		p.pauses[bot.ID] = &pause{bot: bot.Bot, next: pollPause}
	}
	after := p.pauses[bot.ID]
	wait := after.next
	after.next = min(2*after.next, maxPollPause)
	var refused *chat.Error
	credential := errors.As(failure, &refused) && refused.Class == chat.Credential
	switch {
	case credential:
		wait = pollRefused
	case refused != nil && time.Until(refused.RetryAt) > wait:
		wait = time.Until(refused.RetryAt)
	}
	after.until = time.Now().Add(wait)
	p.mu.Unlock()
	p.deps.Log.WarnContext(ctx, "updates of a bot are not fetched", "platform", bot.Platform, "bot", bot.ID, "error", failure, "wait", wait)
	if credential {
		if err := p.deps.Chats.Bots.Refused(ctx, bot.Platform, bot.ID); err != nil {
			p.deps.Log.WarnContext(ctx, "it could not be noted that a token is refused", "error", err)
		}
	}
}

// fetch fetches a bot's updates while this worker has its lease; no error: somebody else has it, or ctx has ended.
func (p *pollers) fetch(ctx context.Context, bot bots.Polled) error {
	held, err := p.hold(ctx, bot)
	if err != nil || !held {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var keeping sync.WaitGroup
	keeping.Go(func() { p.keep(ctx, bot, cancel) })
	defer keeping.Wait()
	defer cancel(nil)
	if err := bot.Begin(ctx); err != nil {
		return quiet(ctx, err)
	}
	// Telegram knows what is confirmed, so it is asked for all that is not. It may number anew after a week in which nothing
	// happens, when an offset that was kept would confirm what nobody has seen.
	offset := int64(0)
	for {
		next, err := bot.Fetch(ctx, offset)
		if err != nil {
			return quiet(ctx, err)
		}
		p.fetched(bot)
		if next == offset {
			offset = 0
			continue
		}
		offset = next
		if held, err := p.hold(ctx, bot); err != nil || !held {
			return quiet(ctx, err) // or it is somebody else's by now, who confirms it
		}
	}
}

// quiet is no error where the fetching was to end.
func quiet(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errPollLost) {
		return nil
	}
	return err
}

// errPollLost ends a fetching whose lease could not be kept.
var errPollLost = errors.New("the lease of a bot's updates is lost")

// fetched forgets errors.
func (p *pollers) fetched(bot bots.Polled) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.pauses, bot.ID)
}

// hold takes or extends the lease; false: somebody else has it.
func (p *pollers) hold(ctx context.Context, bot bots.Polled) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, pollLease/3)
	defer cancel()
	held, err := p.q.ChatPollLease(ctx, queries.ChatPollLeaseParams{Platform: string(bot.Platform), Bot: bot.ID, Lease: p.lease.id, Duration: pollLease})
	if err != nil {
		return false, fmt.Errorf("take the lease of a bot's updates: %w", err)
	}
	return held > 0, nil
}

// keep extends the lease until ctx ends, and then gives it back. Where it cannot before it has run out, the fetching ends.
func (p *pollers) keep(ctx context.Context, bot bots.Polled, end context.CancelCauseFunc) {
	ticker := time.NewTicker(pollLease / 3)
	defer ticker.Stop()
	until := time.Now().Add(pollLease)
	for {
		select {
		case <-ctx.Done():
			p.giveBack(ctx, bot)
			return
		case <-ticker.C:
		}
		asked := time.Now()
		held, err := p.hold(ctx, bot)
		switch {
		case err == nil && held:
			until = asked.Add(pollLease)
		case err == nil, !time.Now().Add(pollLease / 3).Before(until):
			end(errPollLost)
		}
	}
}

// giveBack lets another worker begin at once.
func (p *pollers) giveBack(ctx context.Context, bot bots.Polled) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pollLease/3)
	defer cancel()
	_, err := p.q.ChatPollLease(ctx, queries.ChatPollLeaseParams{Platform: string(bot.Platform), Bot: bot.ID, Lease: p.lease.id})
	if err != nil {
		p.deps.Log.DebugContext(ctx, "the lease of a bot's updates could not be given back; it runs out by itself", "error", err)
	}
}
