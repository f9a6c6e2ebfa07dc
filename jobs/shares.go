package jobs

import (
	"sync"
	"time"

	"github.com/google/uuid"
)

const (
	// slowAfter is how long a conversation with a platform may take before its customer counts as slow.
	slowAfter = 2 * time.Second
	// slowShare is how many posts of one customer a process publishes at once that is slow, or of which nothing is known yet.
	slowShare = 4
)

// shares divides a process's slots among customers, so that slow platforms of some, such as sites of their own, do not hold
// the posts of others: what is slow has half of the slots, and the last quarter is for those who have few.
type shares struct {
	slots int

	mu sync.Mutex
	of map[uuid.UUID]*share
}

// share is what one customer has of the slots.
type share struct {
	taken map[int64]slot // by job
	// quick: the last conversation was.
	quick bool
}

type slot struct {
	since time.Time
	// heavy: files are sent, which takes its time.
	heavy bool
}

func newShares(slots int) *shares { return &shares{slots: slots, of: map[uuid.UUID]*share{}} }

// slow tells whether the customer's posts count as slow.
func (s *share) slow(now time.Time) bool {
	for _, slot := range s.taken {
		if slot.heavy || now.Sub(slot.since) > slowAfter {
			return true
		}
	}
	return !s.quick
}

// take gives a job a slot, unless its customer has its share already. A heavy one sends files.
func (s *shares) take(customerID uuid.UUID, jobID int64, heavy bool, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.of[customerID]
	if own == nil {
		own = &share{taken: map[int64]slot{}}
	}
	all, slow := 0, 0
	for _, other := range s.of {
		all += len(other.taken)
		if other.slow(now) {
			slow += len(other.taken)
		}
	}
	switch few := len(own.taken) < slowShare; {
	case heavy || own.slow(now):
		if !few || slow >= max(1, s.slots/2) {
			return false
		}
	case !few && all >= s.slots*3/4:
		return false
	}
	own.taken[jobID] = slot{now, heavy}
	s.of[customerID] = own
	return true
}

// done takes a job's slot back after its conversation.
func (s *shares) done(customerID uuid.UUID, jobID int64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	own := s.of[customerID]
	if slot := own.taken[jobID]; !slot.heavy {
		own.quick = now.Sub(slot.since) <= slowAfter
	}
	s.forget(customerID, jobID)
}

// giveBack takes a job's slot back of which it made no use.
func (s *shares) giveBack(customerID uuid.UUID, jobID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(customerID, jobID)
}

func (s *shares) forget(customerID uuid.UUID, jobID int64) {
	own := s.of[customerID]
	delete(own.taken, jobID)
	if !own.quick && len(own.taken) == 0 {
		delete(s.of, customerID) // as if nothing were known of it
	}
}
