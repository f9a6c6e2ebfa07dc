package jobs

import (
	"testing"
	"time"

	"github.com/google/uuid"
)

// Slow customers share half of the slots, however many they are; the last quarter is for those who have few.
func TestShares(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newShares(40)
	var job int64
	fill := func(customer uuid.UUID, heavy bool, most int) (taken []int64) {
		t.Helper()
		for range most {
			if job++; !s.take(customer, job, heavy, now) {
				return taken
			}
			taken = append(taken, job)
		}
		return taken
	}
	// learn has the customer answer quickly once.
	learn := func(customer uuid.UUID) {
		t.Helper()
		for _, id := range fill(customer, false, 1) {
			s.done(customer, id, now)
		}
	}
	good := uuid.New()
	learn(good)
	held := map[uuid.UUID][]int64{}
	for range 10 {
		stranger := uuid.New()
		held[stranger] = fill(stranger, false, 25)
	}
	total := 0
	for _, jobs := range held {
		if total += len(jobs); len(jobs) > slowShare {
			t.Errorf("a stranger has %d slots", len(jobs))
		}
	}
	if total != 20 {
		t.Errorf("strangers have %d of 40 slots", total)
	}
	if n := len(fill(uuid.New(), true, 25)); n != 0 {
		t.Errorf("%d more with files", n)
	}
	// Who answers quickly goes on: here up to three quarters, and from there on with few.
	first := fill(good, false, 25)
	if len(first) != 10 {
		t.Errorf("%d slots beside strangers", len(first))
	}
	other := uuid.New()
	for customer, jobs := range held { // two strangers answer, one of them late
		for i, id := range jobs {
			s.done(customer, id, now.Add(time.Duration(i)*time.Minute))
		}
		if len(jobs) > 1 && (s.quick[customer] || s.of[customer] != nil) {
			t.Error("a late answer is counted as a quick one")
		}
	}
	learn(other)
	if n := len(fill(other, false, 25)); n != 20 {
		t.Errorf("another has %d slots beside ten", n)
	}
	third := uuid.New()
	learn(third)
	if n := len(fill(third, false, 25)); n != slowShare {
		t.Errorf("a third has %d slots of the last quarter", n)
	}
	// What does not come back makes even the quick slow.
	now = now.Add(slowAfter + time.Second)
	if n := len(fill(other, false, 1)); n != 0 {
		t.Error("whose posts hang gets more slots")
	}
	for _, id := range first {
		s.giveBack(good, id)
	}
	if !s.quick[good] {
		t.Error("slots that were not used are held against their customer")
	}
	if s.take(good, 1_000_000, false, now) {
		s.done(good, 1_000_000, now.Add(slowAfter+time.Second))
	} else {
		t.Error("who is quick gets no slot")
	}
	if s.quick[good] || s.of[good] != nil {
		t.Error("who has nothing under way and is slow is remembered")
	}
}
