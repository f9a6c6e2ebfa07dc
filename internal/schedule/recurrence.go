package schedule

import (
	"fmt"
	"iter"
	"slices"
	"time"
)

// Horizon is how far ahead a post can be scheduled, and times are reckoned.
const Horizon = 5 * 365 * 24 * time.Hour

// Recurrence is a rule with the local time from which it counts. Clocks of its zone show the same time of day at each
// occurrence, whatever they are put to in between.
type Recurrence struct {
	Rule Rule
	// Starts is the local time of the first day that counts, and the time of day of all of them.
	Starts time.Time
	Zone   *time.Location
}

// Occurrence is one time at which something recurs.
type Occurrence struct {
	At time.Time
	// Local is the time by the rule. Where Shift is Skipped, clocks show another one At that instant.
	Local time.Time
	Shift Shift
}

// NewRecurrence reads a recurrence as it is stored.
func NewRecurrence(rule, starts, zone string) (r Recurrence, err error) {
	if r.Rule, err = ParseRule(rule); err != nil {
		return r, fmt.Errorf("schedule: the rule %w", err)
	}
	if r.Starts, err = ParseLocal(starts); err != nil {
		return r, err
	}
	r.Zone, err = Zone(zone)
	return r, err
}

// Between gives the occurrences after an instant and up to another one, in order. What it costs is bounded by the days
// between the two, whether the rule gives any of them or not; where the rule has a COUNT, by those from Starts on.
func (r Recurrence) Between(after, until time.Time) iter.Seq[Occurrence] {
	return func(yield func(Occurrence) bool) {
		rule := r.Rule.startingAt(r.Starts)
		begin := r.begin(after)
		var last time.Time
		n := 0
		for first, days := range r.periods(after, until) {
			for _, local := range rule.choose(first, days) {
				if local.Before(r.Starts) {
					continue
				}
				if n++; local.After(begin) {
					at, shift := Resolve(local, r.Zone)
					if at.After(until) || !rule.until(local, at) {
						return
					}
					// Where clocks jump over a whole day, that day's instant is the next one's.
					if at.After(after) && !at.Equal(last) && !yield(Occurrence{At: at, Local: local, Shift: shift}) {
						return
					}
					last = at
				}
				if n == rule.count {
					return
				}
			}
		}
	}
}

// Next is the first occurrence after an instant, if there is one within Horizon of it.
func (r Recurrence) Next(after time.Time) (Occurrence, bool) {
	for occurrence := range r.Between(after, after.Add(Horizon)) {
		return occurrence, true
	}
	return Occurrence{}, false
}

// periods gives the days, weeks, months or years in which there may be occurrences between two instants, by their first
// day and how many they have. Where occurrences are counted, it begins with the first of all.
func (r Recurrence) periods(after, until time.Time) iter.Seq2[time.Time, int] {
	return func(yield func(time.Time, int) bool) {
		n := 0
		if r.Rule.count == 0 {
			ahead := int(r.begin(after).Sub(r.Starts) / (24 * time.Hour))
			n = max(0, ahead/(frequencies[r.Rule.frequency].days*r.Rule.interval)-1) * r.Rule.interval
		}
		for end := Wall(until, r.Zone).AddDate(0, 0, 2); ; n += r.Rule.interval {
			first, days := r.period(n)
			if first.After(end) || !yield(first, days) {
				return
			}
		}
	}
}

// begin is a local time before all those whose instants come after one. Where clocks jump over a day, an instant is a day
// later than its local time.
func (r Recurrence) begin(after time.Time) time.Time { return Wall(after, r.Zone).AddDate(0, 0, -2) }

// period is the nth day, week, month or year after that of Starts: its first day, at the time of day of Starts, and how
// many days it has.
func (r Recurrence) period(n int) (first time.Time, days int) {
	year, month, day := r.Starts.Date()
	at := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, r.Starts.Hour(), r.Starts.Minute(), r.Starts.Second(), 0, time.UTC)
	}
	switch r.Rule.frequency {
	case "DAILY":
		return at(year, month, day+n), 1
	case "WEEKLY":
		return at(year, month, day-daysInto(r.Starts, r.Rule.weekStart)+7*n), 7
	case "MONTHLY":
		first = at(year, month+time.Month(n), 1)
		return first, monthLength(first)
	default:
		first = at(year+n, time.January, 1)
		return first, yearLength(first)
	}
}

// startingAt is the rule with what it leaves to the day from which it counts.
func (r Rule) startingAt(starts time.Time) Rule {
	if len(r.days)+len(r.monthDays)+len(r.yearDays)+len(r.weeks) > 0 {
		return r
	}
	switch r.frequency {
	case "WEEKLY":
		r.days = []nthDay{{weekday: starts.Weekday()}}
	case "MONTHLY":
		r.monthDays = []int{starts.Day()}
	case "YEARLY":
		r.monthDays = []int{starts.Day()}
		if len(r.months) == 0 {
			r.months = []int{int(starts.Month())}
		}
	}
	return r
}

// choose gives those of a period's days that the rule names.
func (r Rule) choose(first time.Time, days int) []time.Time {
	var named []time.Time
	for i := range days {
		if day := first.AddDate(0, 0, i); r.names(day) {
			named = append(named, day)
		}
	}
	if len(r.positions) == 0 {
		return named
	}
	var chosen []time.Time
	for i, day := range named {
		if fromEitherEnd(r.positions, i+1, len(named)) {
			chosen = append(chosen, day)
		}
	}
	return chosen
}

// names tells whether a day is one of those that all of the rule's lists have.
func (r Rule) names(day time.Time) bool {
	if len(r.months) > 0 && !slices.Contains(r.months, int(day.Month())) ||
		len(r.monthDays) > 0 && !fromEitherEnd(r.monthDays, day.Day(), monthLength(day)) ||
		len(r.yearDays) > 0 && !fromEitherEnd(r.yearDays, day.YearDay(), yearLength(day)) {
		return false
	}
	if len(r.weeks) > 0 {
		// A week belongs to the year in which its fourth day is.
		fourth := day.AddDate(0, 0, 3-daysInto(day, r.weekStart))
		if !fromEitherEnd(r.weeks, nth(fourth.YearDay()), weeks(fourth.YearDay(), yearLength(fourth))) {
			return false
		}
	}
	return len(r.days) == 0 || slices.ContainsFunc(r.days, func(d nthDay) bool {
		if d.weekday != day.Weekday() || d.nth == 0 {
			return d.weekday == day.Weekday()
		}
		// The second Monday is that of the month, or of the year where the rule names no months.
		place, length := day.Day(), monthLength(day)
		if r.frequency == "YEARLY" && len(r.months) == 0 {
			place, length = day.YearDay(), yearLength(day)
		}
		return fromEitherEnd([]int{d.nth}, nth(place), weeks(place, length))
	})
}

// fromEitherEnd tells whether a list has a place of so many, counted from the beginning or, as a negative number, from
// the end.
func fromEitherEnd(list []int, place, of int) bool {
	return slices.Contains(list, place) || slices.Contains(list, place-of-1)
}

// nth is the how manieth of its weekday a day is that is the place-th of a month or a year, weeks how many of them there
// are in one so long.
func nth(place int) int           { return (place-1)/7 + 1 }
func weeks(place, length int) int { return nth(place) + (length-place)/7 }

// daysInto is how many days a day comes after the beginning of its week.
func daysInto(day time.Time, weekStart time.Weekday) int {
	return int(day.Weekday()-weekStart+7) % 7
}

func monthLength(day time.Time) int {
	return time.Date(day.Year(), day.Month()+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func yearLength(day time.Time) int {
	return time.Date(day.Year(), time.December, 31, 0, 0, 0, 0, time.UTC).YearDay()
}
