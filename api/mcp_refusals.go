package api

import (
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
)

// mcpRefusalKept is how long it is remembered that an MCP server cannot be signed in to: whoever asks meanwhile is told so without
// another request to a host that the customer names.
const mcpRefusalKept = 30 * time.Second

// mcpServerAt is an MCP server as it was at one version: with another address or client it is asked anew.
type mcpServerAt struct {
	id      uuid.UUID
	version int64
}

// mcpRefusals remembers why MCP servers could not be signed in to a moment ago. The zero value remembers nothing yet. Safe for
// concurrent use.
type mcpRefusals struct {
	mu sync.Mutex
	of map[mcpServerAt]mcpRefusal
}

type mcpRefusal struct {
	reason error
	until  time.Time
}

// recent gives why a server could not be signed in to, nil where that is not known or was too long ago.
func (r *mcpRefusals) recent(server mcpServerAt, now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	refusal, known := r.of[server]
	if !known || now.After(refusal.until) {
		return nil
	}
	return ownCopy(refusal.reason)
}

// ownCopy copies a problem, since each answer names its own request.
func ownCopy(err error) error {
	var p *Problem
	if errors.As(err, &p) {
		own := *p
		return &own
	}
	return err
}

// keep remembers why a server cannot be signed in to.
func (r *mcpRefusals) keep(server mcpServerAt, reason error, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[mcpServerAt]mcpRefusal{}
	}
	for other, refusal := range r.of {
		if now.After(refusal.until) {
			delete(r.of, other)
		}
	}
	r.of[server] = mcpRefusal{reason: ownCopy(reason), until: now.Add(mcpRefusalKept)}
}
