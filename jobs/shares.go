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
	// of are the slots of those who have any, by job.
	of map[uuid.UUID]map[int64]slot
	// quick are those whose last conversation was.
	quick map[uuid.UUID]bool
}

type slot struct {
	since time.Time
	// heavy: files are sent, which takes its time.
	heavy bool
}

func newShares(slots int) *shares {
	return &shares{slots: slots, of: map[uuid.UUID]map[int64]slot{}, quick: map[uuid.UUID]bool{}}
}

// slow tells whether a customer's posts count as slow.
func (s *shares) slow(customerID uuid.UUID, now time.Time) bool {
	for _, slot := range s.of[customerID] {
		if slot.heavy || now.Sub(slot.since) > slowAfter {
			return true
		}
	}
	return !s.quick[customerID]
}

// take gives a job a slot, unless its customer has its share already. A heavy one sends files.
func (s *shares) take(customerID uuid.UUID, jobID int64, heavy bool, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	all, slow := 0, 0
	for other, taken := range s.of {
		all += len(taken)
		if s.slow(other, now) {
			slow += len(taken)
		}
	}
	switch few := len(s.of[customerID]) < slowShare; {
	case heavy || s.slow(customerID, now):
		if !few || slow >= max(1, s.slots/2) {
			return false
		}
	case !few && all >= s.slots*3/4:
		return false
	}
	if s.of[customerID] == nil {
		s.of[customerID] = map[int64]slot{}
	}
	s.of[customerID][jobID] = slot{now, heavy}
	return true
}

// done takes a job's slot back after its conversation.
func (s *shares) done(customerID uuid.UUID, jobID int64, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slot := s.of[customerID][jobID]; !slot.heavy {
		if now.Sub(slot.since) <= slowAfter {
			s.quick[customerID] = true
		} else {
			delete(s.quick, customerID)
		}
	}
	s.free(customerID, jobID)
}

// giveBack takes a job's slot back of which it made no use.
func (s *shares) giveBack(customerID uuid.UUID, jobID int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free(customerID, jobID)
}

func (s *shares) free(customerID uuid.UUID, jobID int64) {
	delete(s.of[customerID], jobID)
	if len(s.of[customerID]) == 0 {
		delete(s.of, customerID)
	}
}
