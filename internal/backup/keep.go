package backup

import (
	"fmt"
	"time"
)

// Policy says which backups stay. A day, week (from Monday) or month counts if there is a backup of it, in UTC.
type Policy struct {
	Daily   int           // the newest of each of the last so many days
	Weekly  int           // of each of the last so many weeks
	Monthly int           // of each of the last so many months
	MaxAge  time.Duration // older ones never stay, but for the newest of all; 0: no limit
}

// Keep says for each of the times at which good backups were made whether it stays. The newest always does, and one that
// claims to be from the future: the clock is wrong then, and not the backup.
func Keep(now time.Time, times []time.Time, p Policy) []bool {
	keep := make([]bool, len(times))
	newest := -1
	for i, t := range times {
		if !t.After(now) && (newest < 0 || t.After(times[newest])) {
			newest = i
		}
		keep[i] = t.After(now)
	}
	if newest >= 0 {
		keep[newest] = true
	}
	for _, rule := range []struct {
		n    int
		name func(t time.Time) string
	}{
		{p.Daily, func(t time.Time) string { return t.Format(time.DateOnly) }},
		{p.Weekly, func(t time.Time) string { year, week := t.ISOWeek(); return fmt.Sprint(year, " ", week) }},
		{p.Monthly, func(t time.Time) string { return t.Format("2006-01") }},
	} {
		before := now
		inclusive := true
		for range rule.n {
			// The newest backup of the span that comes next, back in time.
			next := -1
			for i, t := range times {
				if (t.Before(before) || inclusive && t.Equal(before)) && (next < 0 || t.After(times[next])) {
					next = i
				}
			}
			if next < 0 || p.MaxAge > 0 && now.Sub(times[next]) > p.MaxAge {
				break
			}
			keep[next] = true
			// Go back to the oldest of the same span; what is before that is the next.
			span := rule.name(times[next].UTC())
			before, inclusive = times[next], false
			for _, t := range times {
				if t.Before(before) && rule.name(t.UTC()) == span {
					before = t
				}
			}
		}
	}
	return keep
}
