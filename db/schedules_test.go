package db_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"
	_ "time/tzdata"

	"fanfare/db/dbtest"
	"fanfare/internal/schedule"
)

// The server and Postgres have databases of zones of their own. Where clocks show a local time once, or jump over it,
// both reckon the same instant; where they show it twice, Postgres takes the second and Fanfare the first.
func TestLocalTimesAsPostgres(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	zones := column[string](ctx, t, d.Super, `select name from pg_timezone_names
		where name ~ '^(Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)/' order by name`)
	if len(zones) < 400 {
		t.Fatalf("Postgres knows %d zones", len(zones))
	}
	random := rand.New(rand.NewPCG(11, 22))
	tested, shifts := 0, map[schedule.Shift]int{}
	for _, name := range zones {
		zone, err := schedule.Zone(name)
		if err != nil {
			t.Errorf("Postgres knows %s: %v", name, err)
			continue
		}
		var locals []time.Time
		for range 50 {
			locals = append(locals, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(random.Int64N(6*366*24*60))*time.Minute))
		}
		// Around each change of clocks there are times that are shown twice or never.
		for at := time.Date(2026, 1, 1, 0, 0, 0, 0, zone); ; {
			_, ends := at.ZoneBounds()
			if ends.IsZero() || ends.Year() > 2031 {
				break
			}
			for minutes := -90; minutes <= 90; minutes += 15 {
				locals = append(locals, schedule.Wall(ends, zone).Add(time.Duration(minutes)*time.Minute))
			}
			at = ends
		}
		texts := make([]string, len(locals))
		for i, local := range locals {
			texts[i] = schedule.FormatLocal(local)
		}
		theirs := column[time.Time](ctx, t, d.Super, "select l::timestamp at time zone $2 from unnest($1::text[]) with ordinality u (l, n) order by n", texts, name)
		for i, local := range locals {
			ours, shift := schedule.Resolve(local, zone)
			tested++
			shifts[shift]++
			switch wall := schedule.Wall(ours, zone); {
			case shift == schedule.Repeated:
				if !ours.Before(theirs[i]) || !wall.Equal(local) || !schedule.Wall(theirs[i], zone).Equal(local) {
					t.Errorf("%s in %s, shown twice: %s, Postgres has %s", texts[i], name, ours, theirs[i].UTC())
				}
			case !ours.Equal(theirs[i]), shift == schedule.Exact && !wall.Equal(local), shift == schedule.Skipped && !wall.After(local):
				t.Errorf("%s in %s (%q): %s, Postgres has %s", texts[i], name, shift, ours, theirs[i].UTC())
			}
		}
	}
	if shifts[schedule.Skipped] < 1000 || shifts[schedule.Repeated] < 1000 {
		t.Errorf("the times were %v", shifts)
	}
	t.Logf("%d local times in %d zones: %v", tested, len(zones), shifts)
}
