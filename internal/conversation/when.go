package conversation

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	clock    = `(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm|uhr|h)?`
	inSome   = regexp.MustCompile(`^in\s+(\d{1,3}|an?|einer?|one)\s*(minutes?|minuten?|min|hours?|stunden?|h|days?|tage?n?)$`)
	onDay    = regexp.MustCompile(`^(?:on\s+|am\s+|next\s+|nächsten\s+)?([a-zäöü]+)(?:\s+(?:at|um)|,)?(?:\s+` + clock + `)?$`)
	isoTime  = regexp.MustCompile(`^(\d{4})-(\d{2})-(\d{2})(?:[t\s]+(?:at\s+|um\s+)?` + clock + `)?$`)
	dayMonth = regexp.MustCompile(`^(\d{1,2})\.\s?(\d{1,2})\.\s?(\d{4})?,?(?:\s+(?:at\s+|um\s+)?` + clock + `)?$`)
	onlyTime = regexp.MustCompile(`^(?:at\s+|um\s+)?` + clock + `$`)
	weekdays = map[string]time.Weekday{
		"sunday": 0, "monday": 1, "tuesday": 2, "wednesday": 3, "thursday": 4, "friday": 5, "saturday": 6,
		"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6,
		"sonntag": 0, "montag": 1, "dienstag": 2, "mittwoch": 3, "donnerstag": 4, "freitag": 5, "samstag": 6,
	}
)

// usualMinute is at what time of a day something goes out that was asked for that day alone, in minutes.
const usualMinute = 9 * 60

// parseWhen reads at what time something is to go out, as people write it, by the clocks of the zone. The time is a local one,
// without a zone, as schedule-post takes it; false: it is not understood.
func parseWhen(text string, now time.Time, zone *time.Location) (local string, ok bool) {
	text = strings.ToLower(strings.Join(strings.Fields(text), " "))
	text = strings.Trim(text, " .!")
	here := now.In(zone)
	if parts := inSome.FindStringSubmatch(text); parts != nil {
		n, err := strconv.Atoi(parts[1])
		if err != nil {
			n = 1
		}
		switch {
		case strings.HasPrefix(parts[2], "m"):
			return format(here.Add(time.Duration(n) * time.Minute)), true
		case strings.HasPrefix(parts[2], "h"), strings.HasPrefix(parts[2], "s"):
			return format(here.Add(time.Duration(n) * time.Hour)), true
		}
		return format(here.AddDate(0, 0, n)), true
	}
	if parts := isoTime.FindStringSubmatch(text); parts != nil {
		return onDate(number(parts[1]), number(parts[2]), number(parts[3]), parts[4:7])
	}
	if parts := onlyTime.FindStringSubmatch(text); parts != nil && (parts[2] != "" || parts[3] != "") {
		at, ok := onDate(here.Year(), int(here.Month()), here.Day(), parts[1:4])
		if ok && at <= format(here) {
			tomorrow := here.AddDate(0, 0, 1)
			at, ok = onDate(tomorrow.Year(), int(tomorrow.Month()), tomorrow.Day(), parts[1:4])
		}
		return at, ok
	}
	if parts := dayMonth.FindStringSubmatch(text); parts != nil {
		year := here.Year()
		if parts[3] != "" {
			year = number(parts[3])
		}
		at, ok := onDate(year, number(parts[2]), number(parts[1]), parts[4:7])
		if ok && parts[3] == "" && at <= format(here) {
			at, ok = onDate(year+1, number(parts[2]), number(parts[1]), parts[4:7])
		}
		return at, ok
	}
	if parts := onDay.FindStringSubmatch(text); parts != nil {
		day := here
		switch weekday, known := weekdays[parts[1]]; {
		case parts[1] == "today" || parts[1] == "heute":
		case parts[1] == "tomorrow" || parts[1] == "morgen":
			day = here.AddDate(0, 0, 1)
		case known:
			ahead := (int(weekday) - int(here.Weekday()) + 7) % 7
			if ahead == 0 {
				ahead = 7
			}
			day = here.AddDate(0, 0, ahead)
		default:
			return "", false
		}
		return onDate(day.Year(), int(day.Month()), day.Day(), parts[2:5])
	}
	return "", false
}

// onDate is a time on a date; parts are hour, minute, and am, pm or nothing. A date that no calendar has is not understood.
func onDate(year, month, day int, parts []string) (string, bool) {
	minute := usualMinute
	if parts[0] != "" {
		hours, minutes := number(parts[0]), number(parts[1])
		switch {
		case parts[2] == "pm" && hours < 12:
			hours += 12
		case parts[2] == "am" && hours == 12:
			hours = 0
		case (parts[2] == "am" || parts[2] == "pm") && hours > 12:
			return "", false
		}
		if hours > 23 || minutes > 59 {
			return "", false
		}
		minute = hours*60 + minutes
	}
	at := time.Date(year, time.Month(month), day, minute/60, minute%60, 0, 0, time.UTC)
	if at.Year() != year || int(at.Month()) != month || at.Day() != day {
		return "", false
	}
	return format(at), true
}

// format is a local time as the API takes it.
func format(t time.Time) string { return t.Format("2006-01-02T15:04") }

// number reads digits; "" is 0.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		return 0
	}
	return n
}
