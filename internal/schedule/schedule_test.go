package schedule

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/teambition/rrule-go"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func local(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := ParseLocal(text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func rule(t testing.TB, text string) Rule {
	t.Helper()
	r, err := ParseRule(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return r
}

func TestResolve(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, local, instant string
		shift                Shift
	}{
		{"Europe/Berlin", "2027-03-27T02:30", "2027-03-27T01:30:00Z", Exact},
		{"Europe/Berlin", "2027-03-28T01:59", "2027-03-28T00:59:00Z", Exact},
		{"Europe/Berlin", "2027-03-28T02:00", "2027-03-28T01:00:00Z", Skipped}, // shown as 03:00
		{"Europe/Berlin", "2027-03-28T02:30", "2027-03-28T01:30:00Z", Skipped},
		{"Europe/Berlin", "2027-03-28T03:00", "2027-03-28T01:00:00Z", Exact},
		{"Europe/Berlin", "2027-10-31T01:59", "2027-10-30T23:59:00Z", Exact},
		{"Europe/Berlin", "2027-10-31T02:00", "2027-10-31T00:00:00Z", Repeated},
		{"Europe/Berlin", "2027-10-31T02:59:59", "2027-10-31T00:59:59Z", Repeated},
		{"Europe/Berlin", "2027-10-31T03:00", "2027-10-31T02:00:00Z", Exact},
		{"America/New_York", "2027-03-14T02:30", "2027-03-14T07:30:00Z", Skipped},
		{"America/New_York", "2027-11-07T01:30", "2027-11-07T05:30:00Z", Repeated},
		{"America/Santiago", "2027-09-05T00:30", "2027-09-05T04:30:00Z", Skipped}, // at midnight, in the south
		{"America/Santiago", "2027-04-03T23:30", "2027-04-04T02:30:00Z", Repeated},
		{"Australia/Lord_Howe", "2027-10-03T02:15", "2027-10-02T15:45:00Z", Skipped}, // by half an hour
		{"Australia/Lord_Howe", "2027-10-03T02:30", "2027-10-02T15:30:00Z", Exact},
		{"Australia/Lord_Howe", "2027-04-04T01:45", "2027-04-03T14:45:00Z", Repeated},
		{"Australia/Lord_Howe", "2027-04-04T02:00", "2027-04-03T15:30:00Z", Exact},
		{"America/Havana", "2027-03-14T00:00", "2027-03-14T05:00:00Z", Skipped},
		{"Asia/Beirut", "2027-03-28T00:30", "2027-03-27T22:30:00Z", Skipped},
		{"Asia/Beirut", "2027-10-30T23:30", "2027-10-30T20:30:00Z", Repeated},
		{"Pacific/Apia", "2011-12-30T09:00", "2011-12-30T19:00:00Z", Skipped}, // the whole day
		{"Asia/Kathmandu", "2027-06-01T12:00", "2027-06-01T06:15:00Z", Exact},
		{"UTC", "2027-03-28T02:30", "2027-03-28T02:30:00Z", Exact},
	} {
		at, shift := Resolve(local(t, c.local), zone(t, c.zone))
		if got := at.Format(time.RFC3339); got != c.instant || shift != c.shift {
			t.Errorf("%s in %s is %s (%q), want %s (%q)", c.local, c.zone, got, shift, c.instant, c.shift)
		}
	}
}

func TestZone(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "Local", "Mars/Olympus", "../etc/passwd", "europe"} {
		if z, err := Zone(name); err == nil {
			t.Errorf("%q is the zone %s", name, z)
		}
	}
}

func TestParseLocal(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "2027-03-28", "2027-03-28T02:30Z", "2027-03-28T02:30+01:00", "2027-03-28T25:00", "2027-02-29T02:30",
		"2027-03-28T02:30:00.5", "2027-03-28 02:30", "2027-3-28T02:30"} {
		if at, err := ParseLocal(text); err == nil {
			t.Errorf("%q is %s", text, at)
		}
	}
	for _, text := range []string{"2027-03-28T02:30", "2027-03-28T02:30:15"} {
		if again := FormatLocal(local(t, text)); again != text {
			t.Errorf("%s is written %s", text, again)
		}
	}
}

// Clocks show the same time at each occurrence, over both changes of a year; what the calendar lacks is as late as the
// clocks jumped, what it has twice is the first.
func TestRecurrenceOverDST(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, rule, starts string
		count              int
		want               map[string]string // the instants on these local days; all others show the time of starts
	}{
		{"Europe/Berlin", "FREQ=WEEKLY;BYDAY=SU", "2027-01-03T09:00", 52, map[string]string{
			"2027-03-21": "2027-03-21T08:00:00Z", "2027-03-28": "2027-03-28T07:00:00Z",
			"2027-10-24": "2027-10-24T07:00:00Z", "2027-10-31": "2027-10-31T08:00:00Z",
		}},
		{"Europe/Berlin", "FREQ=WEEKLY", "2027-01-01T09:00", 53, map[string]string{
			"2027-03-26": "2027-03-26T08:00:00Z", "2027-04-02": "2027-04-02T07:00:00Z",
			"2027-10-29": "2027-10-29T07:00:00Z", "2027-11-05": "2027-11-05T08:00:00Z",
		}},
		{"Europe/Berlin", "FREQ=DAILY", "2027-01-01T02:30", 365, map[string]string{
			"2027-03-27": "2027-03-27T01:30:00Z", "2027-03-28": "2027-03-28T01:30:00Z", "2027-03-29": "2027-03-29T00:30:00Z",
			"2027-10-30": "2027-10-30T00:30:00Z", "2027-10-31": "2027-10-31T00:30:00Z", "2027-11-01": "2027-11-01T01:30:00Z",
		}},
		{"America/Santiago", "FREQ=DAILY", "2027-01-01T00:30", 365, map[string]string{
			"2027-09-04": "2027-09-04T04:30:00Z", "2027-09-05": "2027-09-05T04:30:00Z", "2027-09-06": "2027-09-06T03:30:00Z",
		}},
		{"Australia/Lord_Howe", "FREQ=DAILY", "2027-01-01T02:15", 365, map[string]string{
			"2027-10-02": "2027-10-01T15:45:00Z", "2027-10-03": "2027-10-02T15:45:00Z", "2027-10-04": "2027-10-03T15:15:00Z",
		}},
		{"America/Havana", "FREQ=DAILY", "2027-01-01T00:00", 365, map[string]string{
			"2027-03-13": "2027-03-13T05:00:00Z", "2027-03-14": "2027-03-14T05:00:00Z", "2027-03-15": "2027-03-15T04:00:00Z",
		}},
		{"Asia/Beirut", "FREQ=DAILY", "2027-01-01T00:30", 365, map[string]string{
			"2027-03-27": "2027-03-26T22:30:00Z", "2027-03-28": "2027-03-27T22:30:00Z", "2027-03-29": "2027-03-28T21:30:00Z",
		}},
	} {
		z, starts := zone(t, c.zone), local(t, c.starts)
		n, seen := 0, 0
		var last time.Time
		for o := range (Recurrence{rule(t, c.rule), starts, z}).Between(time.Time{}, starts.Add(Horizon)) {
			if o.At.Year() > 2027 || o.Local.Year() > 2027 {
				break
			}
			n++
			if !o.At.After(last) {
				t.Errorf("%s in %s: %s does not come after %s", c.rule, c.zone, o.At, last)
			}
			last = o.At
			if want, named := c.want[o.Local.Format(time.DateOnly)]; named {
				seen++
				if got := o.At.Format(time.RFC3339); got != want {
					t.Errorf("%s in %s: on %s it is %s, want %s", c.rule, c.zone, o.Local.Format(time.DateOnly), got, want)
				}
			}
			if shown := Wall(o.At, z); o.Shift != Skipped && (shown.Hour() != starts.Hour() || shown.Minute() != starts.Minute()) {
				t.Errorf("%s in %s: clocks show %s", c.rule, c.zone, shown)
			}
		}
		if n != c.count || seen != len(c.want) {
			t.Errorf("%s in %s: %d occurrences in 2027, want %d; %d of %d days looked at", c.rule, c.zone, n, c.count, seen, len(c.want))
		}
	}
}

// A day that a zone leaves out makes one occurrence of two.
func TestDayLeftOut(t *testing.T) {
	t.Parallel()
	var days []string
	starts := local(t, "2011-12-28T09:00")
	for o := range (Recurrence{rule(t, "FREQ=DAILY;COUNT=5"), starts, zone(t, "Pacific/Apia")}).Between(time.Time{}, starts.Add(Horizon)) {
		days = append(days, Wall(o.At, zone(t, "Pacific/Apia")).Format(time.DateOnly))
	}
	if want := []string{"2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"}; !slices.Equal(days, want) {
		t.Errorf("the days are %v, want %v", days, want)
	}
}

// Examples of RFC 5545, section 3.8.5.3, which have no time of day in the rule.
func TestRulesOfRFC5545(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"FREQ=DAILY;COUNT=4":                                       "1997-09-02 1997-09-03 1997-09-04 1997-09-05",
		"FREQ=DAILY;UNTIL=19970904T000000Z":                        "1997-09-02 1997-09-03",
		"FREQ=DAILY;UNTIL=19970903":                                "1997-09-02 1997-09-03",
		"FREQ=DAILY;UNTIL=19970903T090000":                         "1997-09-02 1997-09-03",
		"FREQ=DAILY;UNTIL=19970903T085959":                         "1997-09-02",
		"FREQ=DAILY;INTERVAL=10;COUNT=3":                           "1997-09-02 1997-09-12 1997-09-22",
		"FREQ=WEEKLY;INTERVAL=2;WKST=SU;COUNT=3":                   "1997-09-02 1997-09-16 1997-09-30",
		"FREQ=WEEKLY;COUNT=4;WKST=SU;BYDAY=TU,TH":                  "1997-09-02 1997-09-04 1997-09-09 1997-09-11",
		"RRULE:FREQ=MONTHLY;COUNT=3;BYDAY=1FR":                     "1997-09-05 1997-10-03 1997-11-07",
		"freq=monthly;count=3;byday=-2mo":                          "1997-09-22 1997-10-20 1997-11-17",
		"FREQ=MONTHLY;BYMONTHDAY=-3;COUNT=3":                       "1997-09-28 1997-10-29 1997-11-28",
		"FREQ=MONTHLY;BYMONTHDAY=31;COUNT=3":                       "1997-10-31 1997-12-31 1998-01-31",
		"FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;COUNT=3":              "1998-02-13 1998-03-13 1998-11-13",
		"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2;COUNT=3":    "1997-09-29 1997-10-30 1997-11-27",
		"FREQ=YEARLY;INTERVAL=3;COUNT=3;BYYEARDAY=1,100,200":       "2000-01-01 2000-04-09 2000-07-18",
		"FREQ=YEARLY;BYDAY=20MO;COUNT=2":                           "1998-05-18 1999-05-17",
		"FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO;COUNT=2":                 "1998-05-11 1999-05-17",
		"FREQ=YEARLY;BYWEEKNO=1,-1;BYDAY=MO;COUNT=5":               "1997-12-22 1997-12-29 1998-12-28 1999-01-04 1999-12-27",
		"FREQ=MONTHLY;BYDAY=SU,1TU;COUNT=6":                        "1997-09-02 1997-09-07 1997-09-14 1997-09-21 1997-09-28 1997-10-05",
		"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO":       "1997-09-02 1997-09-07 1997-09-16 1997-09-21",
		"FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU":       "1997-09-02 1997-09-14 1997-09-16 1997-09-28",
		"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;COUNT=2":              "2000-02-29 2004-02-29",
		"FREQ=YEARLY;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4;COUNT=2": "1997-11-04 1998-11-03",
	} {
		var days []string
		starts := local(t, "1997-09-02T09:00")
		for o := range (Recurrence{rule(t, text), starts, zone(t, "America/New_York")}).Between(time.Time{}, starts.AddDate(10, 0, 0)) {
			days = append(days, o.Local.Format(time.DateOnly))
		}
		if got := strings.Join(days, " "); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

// Rules that nobody can mean are refused.
func TestHostileRules(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "FREQ", "FREQ=", "=DAILY", "INTERVAL=1", "FREQ=SECONDLY", "FREQ=MINUTELY", "FREQ=HOURLY", "FREQ=DAILY;FREQ=WEEKLY",
		"FREQ=DAILY;COUNT=0", "FREQ=DAILY;COUNT=1001", "FREQ=DAILY;COUNT=99999999999999999999", "FREQ=DAILY;INTERVAL=0", "FREQ=DAILY;INTERVAL=-1",
		"FREQ=DAILY;INTERVAL=1001", "FREQ=DAILY;INTERVAL=+1", "FREQ=DAILY;COUNT=3;UNTIL=20271231", "FREQ=DAILY;UNTIL=2027", "FREQ=DAILY;UNTIL=20271331",
		"FREQ=DAILY;BYHOUR=9", "FREQ=DAILY;BYMINUTE=1", "FREQ=DAILY;BYSECOND=1", "FREQ=DAILY;BYEASTER=0", "FREQ=DAILY;X=1", "FREQ=DAILY;BYDAY=1MO",
		"FREQ=WEEKLY;BYDAY=XX", "FREQ=WEEKLY;BYDAY=M", "FREQ=WEEKLY;BYDAY=", "FREQ=WEEKLY;BYMONTHDAY=1", "FREQ=MONTHLY;BYMONTHDAY=32", "FREQ=MONTHLY;BYMONTHDAY=0",
		"FREQ=MONTHLY;BYDAY=6MO", "FREQ=MONTHLY;BYYEARDAY=1", "FREQ=MONTHLY;BYWEEKNO=1", "FREQ=YEARLY;BYMONTH=13", "FREQ=YEARLY;BYMONTH=-1",
		"FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "FREQ=YEARLY;BYDAY=54MO", "FREQ=DAILY;BYSETPOS=1", "FREQ=DAILY;WKST=1MO", "FREQ=DAILY;;", "FREQ=DAILY\nX=1",
		"FREQ=DAILY;DTSTART=20270101T000000Z", "FREQ=DAILY;TZID=X", "FREQ=WEEKLY;BYDAY=" + strings.Repeat("MO,", 300) + "MO", "\x00",
		"FREQ=DAILY;BYDAY=MO;BYSETPOS=" + counting(2, 143), "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=TU;BYSETPOS=" + counting(1, 140),
		"FREQ=DAILY;BYDAY=MO;BYSETPOS=2", "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=8", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-32", "FREQ=YEARLY;BYDAY=MO;BYSETPOS=367",
		"FREQ=YEARLY;BYDAY=MO;BYSETPOS=" + counting(1, 32), "FREQ=YEARLY;BYYEARDAY=" + counting(1, 32), "FREQ=DAILY;BYDAY=MO;BYSETPOS=1,01", "FREQ=DAILY;BYDAY=MO,MO",
		"FREQ=WEEKLY;INTERVAL=261", "FREQ=MONTHLY;INTERVAL=61", "FREQ=YEARLY;INTERVAL=6", "FREQ=DAILY;WKST=MO,TU", "FREQ=DAILY;BYMONTHDAY=1,", "FREQ=DAILY;BYMONTHDAY=-",
	} {
		if r, err := ParseRule(text); err == nil {
			t.Errorf("%q is the rule %s", text, r)
		}
	}
}

// counting is the list of the numbers from one to another.
func counting(from, to int) string {
	var all []string
	for n := from; n <= to; n++ {
		all = append(all, strconv.Itoa(n))
	}
	return strings.Join(all, ",")
}

// looked is how many days are looked at to find that there are no occurrences between two instants.
func looked(r Recurrence, after, until time.Time) (days int) {
	for _, n := range r.periods(after, until) {
		days += n
	}
	return days
}

// The most days that are looked at for any rule up to Horizon: those until then, and some periods from which it begins;
// where occurrences are counted, those from the year 2000 on.
const mostDays, mostDaysCounted = 3500, 13000

// Whether a rule gives anything or not, no more days are looked at than there are up to the horizon, and not all those
// since it began.
func TestWorkOfRules(t *testing.T) {
	t.Parallel()
	now := time.Date(2028, time.June, 1, 12, 0, 0, 0, time.UTC)
	for _, text := range []string{
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=31", "FREQ=WEEKLY;BYDAY=MO;BYSETPOS=" + counting(2, 7),
		"FREQ=DAILY;INTERVAL=1000;BYMONTH=2;BYMONTHDAY=30", "FREQ=YEARLY;BYWEEKNO=53;BYDAY=MO;BYSETPOS=366", "FREQ=YEARLY;BYMONTH=2;BYDAY=6MO",
		"FREQ=YEARLY;BYYEARDAY=" + counting(336, 366) + ";BYMONTH=1;BYSETPOS=" + counting(336, 366),
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=1000", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=1",
	} {
		r := Recurrence{rule(t, text), local(t, "2000-01-01T09:00"), time.UTC}
		if o, found := r.Next(now); found {
			t.Errorf("%s occurs at %s", text, o.At)
		}
		most := mostDays
		if r.Rule.count > 0 {
			most = mostDaysCounted
		}
		if n := looked(r, now, now.Add(Horizon)); n == 0 || n > most {
			t.Errorf("%s: %d days are looked at", text, n)
		}
	}
}

// What a rule gives does not depend on where one begins to look, and is what another implementation makes of it.
func TestRulesAgree(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2)) // the same rules each time
	berlin := zone(t, "Europe/Berlin")
	given := 0
	for range 400 {
		text := randomRule(random)
		r := Recurrence{rule(t, text), time.Date(2000+random.IntN(30), time.Month(1+random.IntN(12)), 1+random.IntN(31), random.IntN(24), 30, 0, 0, time.UTC), berlin}
		until := r.Starts.AddDate(12, 0, 0)
		var all []time.Time
		for o := range r.Between(time.Time{}, until) {
			all = append(all, o.Local)
		}
		given += len(all)
		after, _ := Resolve(r.Starts.AddDate(random.IntN(10), random.IntN(12), 0), berlin)
		var later []time.Time
		for o := range r.Between(after, until) {
			later = append(later, o.Local)
		}
		i := slices.IndexFunc(all, func(local time.Time) bool { at, _ := Resolve(local, berlin); return at.After(after) })
		if i < 0 {
			i = len(all)
		}
		if !slices.Equal(later, all[i:]) {
			t.Errorf("%s from %s: after %s come %v, want %v", text, r.Starts, after, later, all[i:])
		}
		if want := byLibrary(t, text, r.Starts, until); !slices.Equal(all, want) {
			t.Errorf("%s from %s: %v, want %v", text, r.Starts, all, want)
		}
	}
	if given < 40_000 {
		t.Errorf("the rules give %d occurrences", given)
	}
}

// randomRule is a rule that RFC 5545 and the library with which rules are compared understand alike. The library takes
// BYDAY=MO,1TU for days that are both, gets a year's first and last weeks wrong, and chooses from a first week by
// BYSETPOS only what is left of it.
func randomRule(random *rand.Rand) string {
	some := func(most, from, to int) string {
		numbers := map[int]bool{}
		for range 1 + random.IntN(most) {
			n := from + random.IntN(to-from+1)
			numbers[n] = n != 0
		}
		var list []string
		for n, good := range numbers {
			if good {
				list = append(list, strconv.Itoa(n))
			}
		}
		if list == nil {
			return "1"
		}
		slices.Sort(list)
		return strings.Join(list, ",")
	}
	days := func(ordinals string) string {
		var list []string
		for _, day := range weekdays {
			if random.IntN(3) == 0 {
				list = append(list, strings.Split(ordinals, ",")[0]+day)
			}
		}
		return strings.Join(append(list, strings.Split(ordinals, ",")[0]+"XX")[:max(1, len(list))], ",")
	}
	frequency := []string{"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}[random.IntN(4)]
	text := "FREQ=" + frequency
	limited := false
	add := func(oneIn int, part string) {
		if random.IntN(oneIn) == 0 && !strings.Contains(part, "XX") {
			text += ";" + part
			limited = limited || strings.HasPrefix(part, "BY")
		}
	}
	add(2, "INTERVAL="+strconv.Itoa(1+random.IntN(5)))
	add(3, "COUNT="+strconv.Itoa(1+random.IntN(60)))
	add(3, "WKST="+weekdays[random.IntN(7)])
	add(3, "BYMONTH="+some(5, 1, 12))
	if frequency != "WEEKLY" {
		add(3, "BYMONTHDAY="+some(8, -31, 31))
	}
	switch {
	case frequency == "YEARLY" && random.IntN(3) == 0:
		add(1, "BYWEEKNO="+some(10, 2, 51))
		add(2, "BYDAY="+days(""))
	case frequency == "YEARLY" && random.IntN(2) == 0:
		add(1, "BYYEARDAY="+some(31, -366, 366))
	case frequency == "YEARLY" && !strings.Contains(text, "BYMONTH"):
		add(2, "BYDAY="+days(some(1, -53, 53)))
	case frequency == "MONTHLY" || frequency == "YEARLY":
		add(2, "BYDAY="+days([]string{"", some(1, -4, 4)}[random.IntN(2)]))
	default:
		add(2, "BYDAY="+days(""))
	}
	if limited && frequency != "WEEKLY" {
		add(3, "BYSETPOS="+some(4, -frequencies[frequency].days, frequencies[frequency].days))
	}
	return text
}

// byLibrary is what another implementation makes of a rule.
func byLibrary(t *testing.T, text string, starts, until time.Time) (all []time.Time) {
	t.Helper()
	option, err := rrule.StrToROption(text)
	if err != nil {
		t.Fatal(err)
	}
	option.Dtstart, option.Until = starts, until
	other, err := rrule.NewRRule(*option)
	if err != nil {
		t.Fatal(err)
	}
	return other.All()
}

func TestSlots(t *testing.T) {
	t.Parallel()
	slots := []Slot{{time.Sunday, 2*60 + 30}, {time.Sunday, 3*60 + 30}, {time.Saturday, 18 * 60}, {time.Monday, 0}}
	for after, want := range map[string]string{
		// 02:30 is shown as 03:30 on that day, and so is one slot with it.
		"2027-03-27T16:59:59Z": "2027-03-27T17:00:00Z 2027-03-28T01:30:00Z 2027-03-28T22:00:00Z 2027-04-03T16:00:00Z",
		"2027-03-27T17:00:00Z": "2027-03-28T01:30:00Z 2027-03-28T22:00:00Z 2027-04-03T16:00:00Z 2027-04-04T00:30:00Z",
		"2027-10-31T00:00:00Z": "2027-10-31T00:30:00Z 2027-10-31T02:30:00Z 2027-10-31T23:00:00Z 2027-11-06T17:00:00Z",
		"2027-10-31T00:30:00Z": "2027-10-31T02:30:00Z 2027-10-31T23:00:00Z 2027-11-06T17:00:00Z 2027-11-07T01:30:00Z", // not once more
	} {
		at, err := time.Parse(time.RFC3339, after)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for o := range Slots(slots, at, zone(t, "Europe/Berlin")) {
			if got = append(got, o.At.Format(time.RFC3339)); len(got) == 4 {
				break
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("after %s: %v, want %s", after, got, want)
		}
	}
	for range Slots(nil, time.Now(), time.UTC) {
		t.Fatal("a queue without slots has one")
	}
	for _, text := range []string{"", "9:00", "24:00", "09:60", "09:00:00", "-1:00"} {
		if minute, err := ParseClock(text); err == nil {
			t.Errorf("%q is minute %d", text, minute)
		}
	}
	if minute, err := ParseClock("23:59"); minute != 23*60+59 || err != nil {
		t.Errorf("23:59 is minute %d: %v", minute, err)
	}
}

func FuzzParseRule(f *testing.F) {
	for _, text := range []string{"FREQ=WEEKLY;BYDAY=MO,TH", "FREQ=MONTHLY;BYDAY=-1FR;COUNT=3", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;UNTIL=20401231", "FREQ=DAILY;INTERVAL=1000"} {
		f.Add(text)
	}
	starts := time.Date(2027, time.January, 1, 2, 30, 0, 0, time.UTC)
	berlin, err := Zone("Europe/Berlin")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseRule(text)
		if err != nil {
			return
		}
		if again, err := ParseRule(r.String()); err != nil || again.String() != r.String() {
			t.Fatalf("%q is %q, and that is %q: %v", text, r, again, err)
		}
		n, last := 0, time.Time{}
		recurrence := Recurrence{r, starts, berlin}
		if n := looked(recurrence, starts.AddDate(28, 0, 0), starts.AddDate(28, 0, 0).Add(Horizon)); n > mostDays && (r.count == 0 || n > mostDaysCounted) {
			t.Fatalf("%q: %d days are looked at", text, n)
		}
		for o := range recurrence.Between(time.Time{}, starts.Add(Horizon)) {
			if !o.At.After(last) {
				t.Fatalf("%q: %s does not come after %s", text, o.At, last)
			}
			last = o.At
			if n++; n == 50 {
				break
			}
		}
	})
}
