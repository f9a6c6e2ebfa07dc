package jobs

import (
	"sync"
	"time"
)

// chatSlots divides the slots of a process among parties: customers, and bots with the chats that are nobody's. A party gets
// another one while it holds less than a quarter of how many are free: alone it has a fifth of all, and n parties that take all they
// get leave 4/(4+n) of them. So slow language models of some leave slots for the others, however little is known of either. (These
// are the dynamic thresholds of Choudhury and Hahne, by which switches share memory: IEEE/ACM Transactions on Networking 6 (2), 1998.)
type chatSlots struct {
	mu   sync.Mutex
	free int
	held map[string]int
}

func newChatSlots(slots int) *chatSlots {
	return &chatSlots{free: slots, held: map[string]int{}}
}

// take gives a party one more slot, unless it has its share.
func (s *chatSlots) take(party string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if 4*s.held[party] >= s.free {
		return false
	}
	s.free--
	s.held[party]++
	return true
}

// giveBack takes back a slot that was given.
func (s *chatSlots) giveBack(party string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free++
	if s.held[party]--; s.held[party] == 0 {
		delete(s.held, party)
	}
}

// crowdedChat is how long a chat waits that has found no slot: longer the more often it has, so that many do not keep the queue busy.
func crowdedChat(metadata []byte) time.Duration {
	return shortened(backoff(1+snoozes(metadata)/3, 2*pollInterval, 4*time.Second))
}
