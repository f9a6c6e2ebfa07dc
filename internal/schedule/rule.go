package schedule

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// MaxRule is how long a rule may be, in bytes.
	MaxRule = 500
	// maxCount bounds a rule's COUNT, maxList how many values a list such as BYMONTHDAY may have.
	maxCount, maxList = 1000, 31
)

// Rule says when something recurs: a recurrence rule of RFC 5545 (section 3.3.10), once a day at most. The time of day
// is not the rule's.
type Rule struct {
	text            string
	frequency       string
	interval, count int // a count of 0 is none
	weekStart       time.Weekday
	// The lists of the BY parts; an empty one is none.
	months, monthDays, yearDays, weeks, positions []int
	days                                          []nthDay
	until                                         func(local, at time.Time) bool
}

// nthDay is a day of BYDAY such as MO or -1FR; nth is 0 where it is each one.
type nthDay struct {
	weekday time.Weekday
	nth     int
}

// String is the rule as RFC 5545 writes it, without the name of the property.
func (r Rule) String() string { return r.text }

// frequencies are how often something can recur: how many days a period has at most, and how many periods there may be
// from one occurrence to the next, which is about five years, as Horizon is.
var frequencies = map[string]struct{ days, maxInterval int }{
	"DAILY": {1, 1000}, "WEEKLY": {7, 260}, "MONTHLY": {31, 60}, "YEARLY": {366, 5},
}

// ParseRule reads a rule such as FREQ=WEEKLY;BYDAY=MO,TH. The error says to people what is wrong with it.
func ParseRule(text string) (Rule, error) {
	text = strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(text)), "RRULE:")
	if text == "" || len(text) > MaxRule {
		return Rule{}, fmt.Errorf("must be a rule of 1 to %d characters, such as FREQ=WEEKLY;BYDAY=MO", MaxRule)
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, found := strings.Cut(part, "=")
		if !found || value == "" {
			return Rule{}, errors.New("must be parts such as FREQ=WEEKLY, with semicolons between them")
		}
		if _, twice := parts[name]; twice {
			return Rule{}, fmt.Errorf("has %s twice", clip(name))
		}
		parts[name] = value
	}
	if err := checkParts(parts); err != nil {
		return Rule{}, err
	}
	rule := Rule{
		text: text, frequency: parts["FREQ"], interval: max(1, number(parts["INTERVAL"])), count: number(parts["COUNT"]), weekStart: time.Monday,
		months: list(parts["BYMONTH"], number), monthDays: list(parts["BYMONTHDAY"], number), yearDays: list(parts["BYYEARDAY"], number),
		weeks: list(parts["BYWEEKNO"], number), positions: list(parts["BYSETPOS"], number), days: list(parts["BYDAY"], nthDayOf),
	}
	if day := parts["WKST"]; day != "" {
		rule.weekStart = nthDayOf(day).weekday
	}
	var err error
	rule.until, err = parseUntil(parts["UNTIL"])
	return rule, err
}

// list reads the values of a part that checkParts has found good.
func list[T any](value string, read func(string) T) (values []T) {
	if value != "" {
		for item := range strings.SplitSeq(value, ",") {
			values = append(values, read(item))
		}
	}
	return values
}

// number is a number that has been checked, 0 where there is none.
func number(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// nthDayOf reads a day that has been checked.
func nthDayOf(text string) nthDay {
	i := len(text) - 2
	return nthDay{weekday: time.Weekday(slices.Index(weekdays, text[i:])), nth: number(text[:i])}
}

// clip is what somebody sent, short enough to be said back.
func clip(text string) string { return fmt.Sprintf("%.20q", text) }

// checkParts refuses parts that are unknown, beyond bounds, or that RFC 5545 does not allow together.
func checkParts(parts map[string]string) error {
	frequency := parts["FREQ"]
	period, known := frequencies[frequency]
	if !known {
		return errors.New("must have FREQ=DAILY, WEEKLY, MONTHLY or YEARLY")
	}
	for name, value := range parts {
		var err error
		switch name {
		case "FREQ", "UNTIL":
		case "INTERVAL":
			err = within(name, value, 1, period.maxInterval)
		case "COUNT":
			err = within(name, value, 1, maxCount)
		case "WKST":
			if !slices.Contains(weekdays, value) {
				err = errors.New("must have WKST as one of MO, TU, WE, TH, FR, SA and SU")
			}
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
			// A period has no more days to choose from.
			err = checkList(name, value, numbers(period.days, true))
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

// weekdays are the days as RFC 5545 names them, in the order of time.Weekday.
var weekdays = []string{"SU", "MO", "TU", "WE", "TH", "FR", "SA"}

func within(name, value string, least, most int) error {
	if n, err := strconv.Atoi(value); err != nil || n < least || n > most || strings.HasPrefix(value, "+") {
		return fmt.Errorf("must have %s between %d and %d", name, least, most)
	}
	return nil
}

func checkList(name, value string, good func(string) bool) error {
	if strings.Count(value, ",") >= maxList {
		return fmt.Errorf("must have at most %d values in %s", maxList, name)
	}
	seen := map[string]bool{}
	for item := range strings.SplitSeq(value, ",") {
		if !good(item) {
			hint := ""
			if name == "BYDAY" {
				hint = "; days are MO, TU, WE, TH, FR, SA and SU"
			}
			return fmt.Errorf("has %s in %s, which does not belong there%s", clip(item), name, hint)
		}
		if n := number(item); n != 0 {
			item = strconv.Itoa(n) // 1 is also written 01 and +1
		}
		if seen[item] {
			return fmt.Errorf("has %s twice in %s: leave one out", clip(item), name)
		}
		seen[item] = true
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
