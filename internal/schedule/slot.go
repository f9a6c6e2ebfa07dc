package schedule

import (
	"fmt"
	"iter"
	"slices"
	"time"
)

// Slot is a time of the week at which a queue sends something.
type Slot struct {
	Weekday time.Weekday
	// Minute is the minute of the day by the clocks of the queue's zone.
	Minute int
}

// ParseClock reads a time of day such as 09:30 as the minute of the day.
func ParseClock(text string) (int, error) {
	clock, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, fmt.Errorf("schedule: %q is not a time of day such as 09:30", text)
	}
	return clock.Hour()*60 + clock.Minute(), nil
}

// Slots gives the times of a weekly queue after an instant, in order and without end where there is any slot.
func Slots(slots []Slot, after time.Time, zone *time.Location) iter.Seq[Occurrence] {
	return func(yield func(Occurrence) bool) {
		if len(slots) == 0 {
			return
		}
		wall := Wall(after, zone)
		day := time.Date(wall.Year(), wall.Month(), wall.Day()-1, 0, 0, 0, 0, time.UTC) // a jump may have moved one of yesterday
		last := after
		for ; ; day = day.AddDate(0, 0, 1) {
			for _, occurrence := range onDay(slots, day, zone) {
				// Where clocks jump, two local times can be one instant.
				if !occurrence.At.After(last) {
					continue
				}
				last = occurrence.At
				if !yield(occurrence) {
					return
				}
			}
		}
	}
}

// onDay gives a day's slots in the order of their instants.
func onDay(slots []Slot, day time.Time, zone *time.Location) []Occurrence {
	var times []Occurrence
	for _, slot := range slots {
		if slot.Weekday != day.Weekday() {
			continue
		}
		local := day.Add(time.Duration(slot.Minute) * time.Minute)
		at, shift := Resolve(local, zone)
		times = append(times, Occurrence{At: at, Local: local, Shift: shift})
	}
	slices.SortFunc(times, func(a, b Occurrence) int { return a.At.Compare(b.At) })
	return times
}
