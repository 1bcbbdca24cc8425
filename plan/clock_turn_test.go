package plan_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
	"github.com/stepping-cdc/stepping-cdc/plan/explain"
)

// turnCases are views in which row and time are mixed, and which are what they are for a
// while in each row: none of them looks at all rows as the clock moves.
var turnCases = []viewCase{
	{name: "turn_months", query: `SELECT id FROM events WHERE lt > localtimestamp - person * interval '1 month'`},
	{name: "turn_months_mixed", query: `SELECT id, iv FROM events WHERE lt > localtimestamp - iv - interval '1 month 3 hours' OR lt < localtimestamp - interval '1 month' + iv`},
	{name: "turn_months_twice", query: `SELECT id FROM events WHERE lt BETWEEN (localtimestamp - person * interval '1 month') - ttl * interval '1 day' - person * interval '1 month' AND localtimestamp + iv`},
	{name: "turn_months_of_dates", query: `SELECT id FROM events WHERE current_date - person * interval '1 month' > d AND d > current_date - person * interval '1 month' - interval '1 month'`},
	{name: "turn_selected", query: `SELECT id, now() - ts < ttl * interval '1 hour' AS fresh, lt > localtimestamp - iv AS recent, now() - ts = ttl * interval '1 hour' AS exact FROM events WHERE isfinite(ts)`},
	{name: "turn_case", query: `SELECT id, CASE WHEN d + ttl < current_date THEN 'late' WHEN current_date - d > person THEN 'soon' ELSE 'ok' END AS state FROM events WHERE isfinite(d)`},
	{name: "turn_days", query: `SELECT id, extract(day FROM now() - ts) AS days, date_part('hour', localtimestamp - lt) AS hour, date_trunc('hour', now() - ts) AS hours FROM events WHERE isfinite(ts) AND isfinite(lt)`},
	{name: "turn_days_floor", query: `SELECT id, floor(extract(epoch FROM now() - ts) / 86400) AS days, (extract(epoch FROM localtimestamp - lt) / -3600)::int AS hours FROM events WHERE isfinite(ts) AND isfinite(lt)`},
	{name: "turn_epoch", query: `SELECT id, extract(epoch FROM now()) - epoch > 3600 * ttl AS old FROM events WHERE date_part('epoch', now()) - epoch > -86400 * person`},
	{name: "turn_age", query: `SELECT id, date_part('year', age(lt)) AS years, extract(month FROM age(localtimestamp, lt)) AS month, age(lt) > iv AS longer FROM events WHERE isfinite(lt)`},
	{name: "turn_age_between", query: `SELECT id FROM events WHERE isfinite(lt) AND age(localtimestamp, lt) BETWEEN interval '1 day' * person AND interval '1 month' AND age(lt, localtimestamp) < interval '10 days'`},
	{name: "turn_filter", query: `SELECT person, count(*) FILTER (WHERE now() - ts < ttl * interval '1 hour') AS n, sum(CASE WHEN lt + interval '1 day' > localtimestamp - iv THEN 1 END) AS m FROM events WHERE isfinite(ts) GROUP BY person`},
	{name: "turn_grouped", query: `SELECT extract(day FROM now() - ts) AS days, count(*) AS n, min(id) AS first FROM events WHERE isfinite(ts) GROUP BY 1 HAVING count(*) < 9`},
	{name: "turn_grouped_by_month", query: `SELECT date_trunc('month', localtimestamp - ttl * interval '1 hour') AS month, count(*) AS n FROM events GROUP BY 1`},
	{name: "turn_having", query: `SELECT person, max(lt) AS last FROM events GROUP BY person HAVING max(lt) < localtimestamp - count(*) * interval '1 day'`},
	{name: "turn_ordered", query: `SELECT id FROM events WHERE isfinite(ts) ORDER BY extract(day FROM now() - ts), id LIMIT 4`},
	{name: "turn_left_join", query: `SELECT p.id, e.id AS e FROM people p LEFT JOIN events e ON e.person = p.id AND e.lt > localtimestamp - e.ttl * interval '1 day'`},
	{name: "turn_left_join_left", query: `SELECT p.id, e.id AS e FROM people p LEFT JOIN events e ON e.person = p.id AND now() + p.id * interval '1 hour' > p.seen + interval '1 day'`},
	{name: "turn_full_join", query: `SELECT p.id, e.id AS e FROM people p FULL JOIN events e ON e.person = p.id AND now() - e.ts < e.ttl * interval '1 hour'`},
	{name: "turn_left_join_both", query: `SELECT p.id, e.id AS e, e.d FROM people p LEFT JOIN events e ON e.person = p.id AND now() - e.ttl * interval '1 hour' < p.seen`},
	{name: "turn_left_join_sum", query: `SELECT p.id, e.id AS e FROM people p LEFT JOIN events e ON e.person = p.id AND p.seen + e.ttl * interval '1 hour' > now() AND e.ts < now()`},
	{name: "turn_right_join_both", query: `SELECT p.name, e.id AS e FROM (SELECT name, seen FROM people) p RIGHT JOIN (SELECT person % 3 AS id, id, ttl FROM events) AS e (n, id, ttl) ON 'p' || e.n = p.name AND now() - e.ttl * interval '1 hour' < p.seen`},
	{name: "turn_full_join_both", query: `SELECT p.id, e.ttl FROM people p FULL JOIN events e ON e.person = p.id AND p.seen + e.ttl * interval '1 hour' > now() AND e.d < current_date`},
	{name: "turn_full_join_groups", query: `SELECT p.n, e.ttl, count(*) AS c FROM (SELECT id % 4 AS n, seen FROM people) p FULL JOIN (SELECT person % 4 AS person, ttl FROM events) e ON e.person = p.n AND (now() - p.seen < e.ttl * interval '1 hour' OR p.n = 2) GROUP BY 1, 2`},
	{name: "turn_left_join_lateral", query: `SELECT p.id, x.n, x.ts FROM people p LEFT JOIN LATERAL (SELECT e.id AS n, e.ts FROM events e WHERE e.person = p.id AND p.seen + e.ttl * interval '1 hour' > now() AND isfinite(e.ts) ORDER BY e.ts, e.id LIMIT 1) x ON x.ts + p.id * interval '1 hour' < now()`},
	{name: "turn_not_exists_both", query: `SELECT p.id FROM people p WHERE NOT EXISTS (SELECT FROM events e WHERE e.person = p.id AND now() - e.ttl * interval '1 hour' < p.seen)`},
	{name: "turn_not_exists", query: `SELECT p.id FROM people p WHERE NOT EXISTS (SELECT FROM events e WHERE e.person = p.id AND e.lt > localtimestamp - e.ttl * interval '1 day')`},
	{name: "turn_joined", query: `SELECT e.id, p.id AS p FROM events e JOIN people p ON p.id = e.person WHERE now() - e.ts < p.id * interval '3 days' + (e.ts - p.seen) AND isfinite(e.ts) AND isfinite(p.seen)`},
	{name: "turn_window", query: `SELECT id, row_number() OVER (PARTITION BY now() - ts < ttl * interval '1 hour' ORDER BY id) AS n FROM events WHERE isfinite(ts)`},
	{name: "turn_text", query: `SELECT id, 'for ' || extract(day FROM now() - ts) || ' days' AS t FROM events WHERE isfinite(ts)`},
	{name: "turn_distinct", query: `SELECT DISTINCT date_trunc('day', localtimestamp - ttl * interval '1 hour') AS day, (localtimestamp + iv)::date AS d, extract(hour FROM localtimestamp + person * interval '1 hour') AS hour FROM events`},
}

// turnErrorCases have rows whose value is an error for some time: these are looked at at each tick.
var turnErrorCases = []viewCase{
	{name: "turn_fails_at_times", query: `SELECT id FROM events WHERE ttl < -17 AND localtimestamp + (ttl + 20) * interval '146126 years 3 months' < '294276-12-31' OR person = 1`},
}

func init() { clockCases = append(append(clockCases, turnCases...), turnErrorCases...) }

// TestClockTurns: views in which row and time are mixed look at no more than the rows that
// turn, in a time zone with summer time as well.
func TestClockTurns(t *testing.T) {
	for zone, cases := range map[string][]viewCase{"UTC": turnCases, "Europe/Berlin": transitionCases} {
		t.Run(zone, func(t *testing.T) {
			dsn := embedded.NewDB(t)
			conn := connect(t, dsn)
			mustExec(t, conn, clockSchema)
			inZone(t, conn, zone)
			views, _ := caseViews(cases)
			mustExec(t, conn, `INSERT INTO people SELECT i, 'p' || i, '2024-02-01Z'::timestamptz + i * interval '1 hour' FROM generate_series(1, 40) i`)
			mustExec(t, conn, `INSERT INTO events SELECT i, i % 40, at, at, at::date, '12:00', i % 300, (i % 7) * interval '1 month 3 days', extract(epoch FROM at), 'x'
				FROM (SELECT i, timestamp '2023-10-01 00:00:00.5' + i * interval '7 hours 11 minutes' AS at FROM generate_series(1, 1000) i) i`)
			for _, v := range views {
				looksAtFew(t, dsn, v)
			}
		})
	}
}

// inZone makes a time zone the database's.
func inZone(t *testing.T, conn *pgx.Conn, zone string) {
	t.Helper()
	mustExec(t, conn, "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = ''"+zone+"''', current_database()); END$$")
}

func looksAtFew(t *testing.T, dsn string, v plan.View) {
	t.Helper()
	r := newRig(t, dsn, []plan.View{v}, rand.New(rand.NewPCG(1, 2)))
	if text, err := explain.View(r.prog.Views[0], nil, "text"); err != nil || strings.Contains(text, "With the clock") {
		t.Errorf("%s looks at all rows: %v\n%s", v.Name, err, text)
	}
	r.feed(1)
	read := func() (n int64) {
		for _, node := range r.circuit.Nodes() {
			n += node.Stats.KeysRead
		}
		return n
	}
	before := read()
	const ticks = 200
	for range ticks {
		r.tick(r.clock.Add(time.Second))
	}
	r.check()
	// Some ten rows at most turn in these minutes.
	if n := read() - before; n > 20*ticks {
		t.Errorf("%s: %d ticks read %d keys", v.Name, ticks, n)
	}
}
