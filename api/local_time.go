package api

import (
	"context"
	"time"

	"fanfare/internal/schedule"
	"fanfare/queries"
)

// customerZone is the entered customer's time zone, and the time by the database's clock.
func customerZone(ctx context.Context, q *queries.Queries) (*time.Location, time.Time, error) {
	clock, err := q.CustomerClock(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	zone, err := schedule.Zone(clock.TimeZone)
	if err != nil {
		return nil, time.Time{}, conflict("The customer's time zone " + clock.TimeZone + " is not known to this server. Set another one for the customer.").cause(err)
	}
	return zone, clock.DatabaseNow, nil
}

// knownZone refuses a time zone that the server's own database of them does not have, whatever Postgres's has.
func knownZone(name *string) error {
	if name == nil {
		return nil
	}
	if _, err := schedule.Zone(*name); err != nil {
		return invalid("body.time_zone", "must be an IANA time zone such as Europe/Berlin").cause(err)
	}
	return nil
}

// localTime is an instant as clocks in a zone show it, with their offset; nil where there is none, or no such zone.
func localTime(at *time.Time, zone string) *string {
	if at == nil {
		return nil
	}
	location, err := schedule.Zone(zone)
	if err != nil {
		return nil
	}
	text := at.In(location).Format(time.RFC3339)
	return &text
}
