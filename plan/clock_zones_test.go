package plan_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stepping-cdc/stepping-cdc/embedded"
)

// transitionCases are shifts by days and months, and ages, of moments: they depend on the zone's transitions.
var transitionCases = []viewCase{
	{name: "zone_expired", query: `SELECT id FROM events WHERE ts + interval '1 month' < now()`},
	{name: "zone_expired_row", query: `SELECT id FROM events WHERE ts + ttl * interval '1 day' > now()`},
	{name: "zone_since", query: `SELECT id FROM events WHERE ts < now() - interval '1 month'`},
	{name: "zone_since_row", query: `SELECT id FROM events WHERE ts < now() - ttl * interval '1 day'`},
	{name: "zone_today", query: `SELECT id FROM events WHERE (ts + iv)::date = current_date`},
	{name: "zone_age", query: `SELECT id, age(now(), ts) > iv AS older FROM events`},
	{name: "zone_span", query: `SELECT id FROM events WHERE now() - iv < ts`},
	{name: "zone_span_ahead", query: `SELECT id, iv + now() >= ts AS a, ts = now() - ttl * interval '1 month' AS b, now() - (iv + interval '1 day 90 minutes') > ts AS c FROM events`},
	{name: "zone_span_back", query: `SELECT id FROM events WHERE ts <> (now() - iv) + iv OR (now() + ttl * interval '1 month') - interval '1 day' * ttl > ts + iv`},
	{name: "zone_span_negative", query: `SELECT id FROM events WHERE now() + make_interval(days => -ttl, mins => 10 * ttl) <= ts`},
	{name: "zone_span_text", query: `SELECT id FROM events WHERE now() - (ttl || ' days')::interval < ts`},
	{name: "zone_date", query: `SELECT id, (now() - iv)::date AS day FROM events WHERE (now() - ttl * interval '1 day')::date >= d`},
	{name: "zone_dates", query: `SELECT id, current_date - iv > d AS a, (now() + iv)::date = d AS b, now()::date - ttl >= ts::date AS c FROM events`},
	{name: "zone_local", query: `SELECT id, (now() - iv)::timestamp > lt AS a, extract(hour FROM (now() + iv)::timestamp) AS hour FROM events`},
	{name: "zone_moment", query: `SELECT id FROM events WHERE (localtimestamp - iv)::timestamptz > ts OR (current_date - ttl)::timestamptz = ts`},
	{name: "zone_back_and_forth", query: `SELECT id FROM events WHERE ((now() - iv)::timestamp - interval '1 day')::timestamptz < ts - interval '1 day' * ttl`},
	{name: "zone_ages", query: `SELECT id, age(now(), ts) < interval '1 month' AS a, age(ts, now()) >= - iv AS b, age(now(), ts + iv) = interval '0' AS c FROM events`},
	{name: "zone_age_fields", query: `SELECT id, date_part('year', age(ts)) AS years, extract(month FROM age(now(), ts)) AS months, age(ts) > iv AS longer FROM events`},
	{name: "zone_fields", query: `SELECT id, extract(hour FROM now() - iv) AS hour, date_part('dow', now() + ttl * interval '1 hour') AS dow, extract(month FROM now() - ttl * interval '1 day') AS month FROM events`},
	{name: "zone_truncated", query: `SELECT id, date_trunc('hour', now() - iv) AS hour, date_trunc('day', now() - ttl * interval '1 hour') > ts AS a, date_trunc('quarter', now() + iv) = ts AS b FROM events`},
	{name: "zone_truncated_halves", query: `SELECT id FROM events WHERE date_trunc('minute', now() - iv - interval '30 s') < date_trunc('hour', ts) AND date_trunc('week', now() + iv) >= ts`},
	{name: "zone_across", query: `SELECT id, now() - iv < lt AS a, d <= now() - ttl * interval '1 hour' AS b, localtimestamp - ttl * interval '1 hour' >= ts AS c, current_date - ttl < ts AS d FROM events`},
	{name: "zone_across_equal", query: `SELECT id FROM events WHERE now() - iv <> lt AND NOT d = now() + ttl * interval '1 hour' OR (now() - iv)::timestamp = ts`},
	{name: "zone_weeks", query: `SELECT id, extract(week FROM now() - iv) AS week, extract(isoyear FROM now() + iv) AS isoyear, date_part('doy', now() - ttl * interval '6 hours') AS doy, date_trunc('year', now() - iv) < lt AS a, extract(isodow FROM (now() + iv)::timestamp) AS isodow FROM events`},
	{name: "zone_across_far", query: `SELECT id, lt > now() - iv AS a, d = now() + iv AS b, d <> now() - ttl * interval '1 hour' AS c, localtimestamp - iv < ts AS e, current_date + ttl <> ts AS f, localtimestamp + iv >= d AS g, current_date - ttl = lt AS h FROM events`},
	{name: "zone_count", query: `SELECT person, count(*) FILTER (WHERE now() - iv < ts) AS n FROM events GROUP BY person`},
	{name: "zone_left_join_span", query: `SELECT p.id, e.id AS e FROM people p LEFT JOIN events e ON e.person = p.id AND now() - e.ttl * interval '1 day' < p.seen`},
	{name: "zone_left_join", query: `SELECT p.id, e.id AS e FROM people p LEFT JOIN events e ON e.person = p.id AND p.seen + e.ttl * interval '1 day' > now()`},
}

// minuteCases turn in a sixtieth of all rows each second, as they must.
var minuteCases = []viewCase{
	{name: "zone_minutes", query: `SELECT id, extract(minute FROM now() - iv) AS minute, date_trunc('minute', now() - ttl * interval '7 seconds') > lt AS a, date_trunc('day', now() + iv) <= d AS b FROM events`},
}

// TestClockZones: around the transitions of zones of several kinds, every five minutes and at the transition, views
// whose expressions of the time depend on the zone equal Postgres.
func TestClockZones(t *testing.T) {
	for zone, transitions := range map[string][]string{
		"Europe/Berlin":       {"2024-03-31 01:00", "2024-10-27 01:00"},
		"America/New_York":    {"2024-03-10 07:00", "2024-11-03 06:00"},
		"Asia/Kolkata":        {"2024-03-30 18:30"}, // none: midnight
		"Australia/Lord_Howe": {"2024-04-06 15:00", "2024-10-05 15:30"},
		"Africa/Casablanca":   {"2024-03-10 02:00", "2024-04-14 02:00"},
		"America/St_Johns":    {"2010-11-07 02:31", "2011-03-13 03:31"},                     // a minute after midnight
		"America/Santiago":    {"2024-04-07 03:00", "2024-09-08 04:00"},                     // at midnight
		"Asia/Pyongyang":      {"2018-05-04 15:00"},                                         // by half an hour, for good
		"Pacific/Apia":        {"2011-09-24 14:00", "2011-12-30 10:00", "2012-03-31 14:00"}, // a day less in 2011
	} {
		t.Run(zone, func(t *testing.T) {
			dsn := embedded.NewDB(t)
			conn := connect(t, dsn)
			mustExec(t, conn, clockSchema)
			inZone(t, conn, zone)
			views, _ := caseViews(slices.Concat(transitionCases, minuteCases))
			r := newRig(t, dsn, views, rand.New(rand.NewPCG(5, 7)))
			// No time of theirs ever comes.
			mustExec(t, r.conn, `INSERT INTO events SELECT 900 + row_number() OVER (), 0, ts, lt, d, '12:00', 1, '1 day' FROM
				unnest('{infinity,-infinity,294276-12-31 12:00Z,4700-01-01 BC}'::timestamptz[], '{-infinity,infinity,294276-12-31 23:59:59.999999,4714-11-24 BC}'::timestamp[],
				'{infinity,-infinity,5874897-12-31,4714-11-24 BC}'::date[]) AS far(ts, lt, d)`)
			for n, text := range transitions {
				transition, err := time.Parse("2006-01-02 15:04", text)
				if err != nil {
					t.Fatal(err)
				}
				// The rows' moments come within these hours, days or a month later.
				mustExec(t, r.conn, fmt.Sprintf(`INSERT INTO people SELECT %d + i, 'p', timestamptz '%sZ' - i * interval '24 hours' FROM generate_series(1, 3) i`, 10*n, text))
				mustExec(t, r.conn, fmt.Sprintf(`INSERT INTO events SELECT %d + i, %d + i %% 4, at - (i %% 4) * interval '1 day' - (i %% 2) * interval '1 month', at, at::date, '12:00', i %% 4, (i %% 4) * interval '1 day' + (i %% 2) * interval '1 month'
					FROM (SELECT i, timestamp '%s' + (i - 40) * interval '7 minutes' AS at FROM generate_series(1, 80) i) i`, 100*n, 10*n, text))
				for at := transition.Add(-2 * time.Hour); at.Before(transition.Add(2 * time.Hour)); at = at.Add(5 * time.Minute) {
					r.tick(at)
					if at.Equal(transition.Add(-2 * time.Hour)) {
						r.feed(2)
					}
					r.check()
					if at.Equal(transition.Add(-5 * time.Minute)) {
						r.tick(transition.Add(-time.Microsecond))
						r.check()
					}
				}
			}
		})
	}
}
