// Package schedule turns what people say of time into instants: a local time in an IANA time zone, a weekly queue of
// slots, a rule by which something recurs. Nothing here reads a clock.
package schedule

import (
	"errors"
	"fmt"
	"time"
)

// Shift is what became of a local time that its zone's clocks do not show exactly once.
type Shift string

const (
	// Exact is a local time that clocks show once.
	Exact Shift = ""
	// Skipped is a local time that clocks jumped over: it is as much later as they jumped (RFC 5545, section 3.3.5).
	Skipped Shift = "skipped"
	// Repeated is a local time that clocks show twice: it is the first of the two (RFC 5545, section 3.3.5).
	Repeated Shift = "repeated"
)

// Zone is a time zone of the IANA database, such as Europe/Berlin.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" { // which LoadLocation takes for the server's own
		return nil, errZone
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, errZone
	}
	return zone, nil
}

// errZone does not repeat the name, which comes from anybody and may end in a log.
var errZone = errors.New("schedule: the time zone is not known here")

// localForms are how a local time can be written: RFC 3339 without its offset, with or without seconds.
var localForms = []string{"2006-01-02T15:04", "2006-01-02T15:04:05"}

// ParseLocal reads a local time such as 2027-03-28T02:30. Its zone, which is none, shows as UTC.
func ParseLocal(text string) (time.Time, error) {
	for _, form := range localForms {
		local, err := time.Parse(form, text)
		if err == nil && len(text) == len(form) { // Parse also takes fractions of a second
			return local, nil
		}
	}
	return time.Time{}, fmt.Errorf("schedule: %q is not a local time such as 2027-03-28T02:30", text)
}

// FormatLocal writes a local time as ParseLocal reads it.
func FormatLocal(local time.Time) string {
	if local.Second() == 0 {
		return local.Format(localForms[0])
	}
	return local.Format(localForms[1])
}

// Wall is what clocks show in a zone at an instant, as a local time.
func Wall(at time.Time, zone *time.Location) time.Time {
	at = at.In(zone)
	return time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
}

// Resolve gives the instant of a local time in a zone.
func Resolve(local time.Time, zone *time.Location) (time.Time, Shift) {
	at := time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), local.Second(), local.Nanosecond(), zone)
	// Date answers one of the two instants of a time that is shown twice, and, of one that is never shown, the instant
	// that either of the offsets around the jump makes of it; which, it leaves open.
	switch wall := Wall(at, zone); {
	case wall.After(local): // reckoned with the offset before the jump
		return at.UTC(), Skipped
	case wall.Before(local): // reckoned with the offset after it
		_, offset := at.Zone()
		return local.Add(-time.Duration(offset) * time.Second), Skipped
	}
	begins, ends := at.ZoneBounds()
	if !begins.IsZero() {
		if first := withOffset(local, begins.Add(-time.Nanosecond)); first.Before(begins) {
			return first, Repeated
		}
	}
	if !ends.IsZero() {
		if second := withOffset(local, ends); !second.Before(ends) {
			return at.UTC(), Repeated
		}
	}
	return at.UTC(), Exact
}

// withOffset is the instant of a local time by the offset that a zone has at some other instant.
func withOffset(local, other time.Time) time.Time {
	_, offset := other.Zone()
	return local.Add(-time.Duration(offset) * time.Second)
}
