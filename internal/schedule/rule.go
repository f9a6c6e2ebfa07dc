package schedule

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

const (
	// MaxRule is how long a rule may be, in bytes.
	MaxRule = 500
	// maxInterval and maxCount bound a rule's INTERVAL and COUNT.
	maxInterval, maxCount = 1000, 1000
)

// Rule says when something recurs: a recurrence rule of RFC 5545 (section 3.3.10), once a day at most. The time of day
// is not the rule's.
type Rule struct {
	text   string
	option rrule.ROption
	until  func(local, at time.Time) bool
}

// String is the rule as RFC 5545 writes it, without the name of the property.
func (r Rule) String() string { return r.text }

// frequencies are how often something can recur.
var frequencies = []string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}

// ParseRule reads a rule such as FREQ=WEEKLY;BYDAY=MO,TH. The error says to people what is wrong with it.
func ParseRule(text string) (Rule, error) {
	text = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:")
	if text == "" || len(text) > MaxRule {
		return Rule{}, fmt.Errorf("must be a rule of 1 to %d characters, such as FREQ=WEEKLY;BYDAY=MO", MaxRule)
	}
	parts := map[string]string{}
	var kept []string
	for part := range strings.SplitSeq(text, ";") {
		name, value, found := strings.Cut(part, "=")
		if !found || value == "" {
			return Rule{}, errors.New("must be parts such as FREQ=WEEKLY, with semicolons between them")
		}
		if _, twice := parts[name]; twice {
			return Rule{}, fmt.Errorf("has %s twice", clip(name))
		}
		parts[name] = value
		if name != "UNTIL" {
			kept = append(kept, part)
		}
	}
	if err := checkParts(parts); err != nil {
		return Rule{}, err
	}
	rule := Rule{text: text}
	var err error
	if rule.until, err = parseUntil(parts["UNTIL"]); err != nil {
		return Rule{}, err
	}
	option, err := rrule.StrToROption(strings.Join(kept, ";"))
	if err != nil {
		return Rule{}, errors.New("is not a recurrence rule of RFC 5545")
	}
	rule.option = *option
	rule.option.Dtstart = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	if _, err := rrule.NewRRule(rule.option); err != nil {
		return Rule{}, errors.New("has a number outside of what RFC 5545 allows")
	}
	return rule, nil
}

// clip is what somebody sent, short enough to be said back.
func clip(text string) string { return fmt.Sprintf("%.20q", text) }

// checkParts refuses parts that are unknown, beyond bounds, or that RFC 5545 does not allow together.
func checkParts(parts map[string]string) error {
	frequency := parts["FREQ"]
	if !slices.Contains(frequencies, frequency) {
		return errors.New("must have FREQ=DAILY, WEEKLY, MONTHLY or YEARLY")
	}
	for name, value := range parts {
		var err error
		switch name {
		case "FREQ", "UNTIL":
		case "INTERVAL":
			err = within(name, value, 1, maxInterval)
		case "COUNT":
			err = within(name, value, 1, maxCount)
		case "WKST":
			err = checkList(name, value, func(day string) bool { return slices.Contains(weekdays, day) })
		case "BYDAY":
			err = checkList(name, value, func(day string) bool { return checkDay(day, frequency, parts["BYWEEKNO"] != "") })
		case "BYMONTH":
			err = checkList(name, value, numbers(12, false))
		case "BYMONTHDAY":
			err = checkList(name, value, numbers(31, true))
			if frequency == "WEEKLY" {
				err = errors.New("cannot have BYMONTHDAY with FREQ=WEEKLY")
			}
		case "BYYEARDAY":
			err = checkList(name, value, numbers(366, true))
			if frequency != "YEARLY" {
				err = errors.New("can have BYYEARDAY with FREQ=YEARLY alone")
			}
		case "BYWEEKNO":
			err = checkList(name, value, numbers(53, true))
			if frequency != "YEARLY" {
				err = errors.New("can have BYWEEKNO with FREQ=YEARLY alone")
			}
		case "BYSETPOS":
			err = checkList(name, value, numbers(366, true))
			if parts["BYDAY"]+parts["BYMONTH"]+parts["BYMONTHDAY"]+parts["BYYEARDAY"]+parts["BYWEEKNO"] == "" {
				err = errors.New("can have BYSETPOS only beside another BY part")
			}
		case "BYHOUR", "BYMINUTE", "BYSECOND":
			err = fmt.Errorf("cannot have %s: the time of day is that of starts_local", name)
		default:
			err = fmt.Errorf("has the unknown part %s", clip(name))
		}
		if err != nil {
			return err
		}
	}
	if parts["COUNT"] != "" && parts["UNTIL"] != "" {
		return errors.New("cannot have both COUNT and UNTIL")
	}
	return nil
}

var weekdays = []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}

func within(name, value string, least, most int) error {
	if n, err := strconv.Atoi(value); err != nil || n < least || n > most || strings.HasPrefix(value, "+") {
		return fmt.Errorf("must have %s between %d and %d", name, least, most)
	}
	return nil
}

func checkList(name, value string, good func(string) bool) error {
	for item := range strings.SplitSeq(value, ",") {
		if !good(item) {
			hint := ""
			if name == "BYDAY" {
				hint = "; days are MO, TU, WE, TH, FR, SA and SU"
			}
			return fmt.Errorf("has %s in %s, which does not belong there%s", clip(item), name, hint)
		}
	}
	return nil
}

// numbers tells whether an item is a number from 1 to most, or as many from the end where negative ones may stand.
func numbers(most int, negative bool) func(string) bool {
	return func(item string) bool {
		n, err := strconv.Atoi(item)
		if negative && n < 0 {
			n = -n
		}
		return err == nil && n >= 1 && n <= most
	}
}

// checkDay tells whether a day such as MO or, in a month or a year, -1FR may stand in BYDAY.
func checkDay(day, frequency string, weeks bool) bool {
	if len(day) < 2 || !slices.Contains(weekdays, day[len(day)-2:]) {
		return false
	}
	ordinal := day[:len(day)-2]
	switch {
	case ordinal == "":
		return true
	case frequency == "MONTHLY":
		return numbers(5, true)(ordinal)
	case frequency == "YEARLY" && !weeks:
		return numbers(53, true)(ordinal)
	default:
		return false
	}
}

// parseUntil reads the end of a rule: the last day that counts, or the last moment, in UTC or by the clocks of the
// recurrence's zone.
func parseUntil(value string) (func(local, at time.Time) bool, error) {
	if value == "" {
		return func(time.Time, time.Time) bool { return true }, nil
	}
	if end, err := time.Parse("20060102T150405Z", value); err == nil {
		return func(_, at time.Time) bool { return !at.After(end) }, nil
	}
	if end, err := time.Parse("20060102T150405", value); err == nil {
		return func(local, _ time.Time) bool { return !local.After(end) }, nil
	}
	if day, err := time.Parse("20060102", value); err == nil {
		end := day.AddDate(0, 0, 1)
		return func(local, _ time.Time) bool { return local.Before(end) }, nil
	}
	return nil, errors.New("must have UNTIL as 20271231, 20271231T235959Z or 20271231T235959")
}

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

// All gives the occurrences in order, to the end of the rule or of the calendar (the year 9999). To find that a rule has
// no further one takes a fifth of a second at most.
func (r Recurrence) All() iter.Seq[Occurrence] {
	return func(yield func(Occurrence) bool) {
		option := r.Rule.option
		option.Dtstart = r.Starts
		rule, err := rrule.NewRRule(option)
		if err != nil {
			return // ParseRule has made one of it
		}
		var last time.Time
		for next := rule.Iterator(); ; {
			local, more := next()
			if !more {
				return
			}
			at, shift := Resolve(local, r.Zone)
			if !r.Rule.until(local, at) {
				return
			}
			// Where clocks jump over a whole day, that day's instant is the next one's.
			if at.Equal(last) {
				continue
			}
			last = at
			if !yield(Occurrence{At: at, Local: local, Shift: shift}) {
				return
			}
		}
	}
}

// After gives the occurrences that come after an instant.
func (r Recurrence) After(instant time.Time) iter.Seq[Occurrence] {
	return func(yield func(Occurrence) bool) {
		for occurrence := range r.All() {
			if occurrence.At.After(instant) && !yield(occurrence) {
				return
			}
		}
	}
}

// Next is the first occurrence after an instant, if there is one.
func (r Recurrence) Next(instant time.Time) (Occurrence, bool) {
	for occurrence := range r.After(instant) {
		return occurrence, true
	}
	return Occurrence{}, false
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
