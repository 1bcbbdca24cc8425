package plan_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan/randomview"
)

const clockSchema = `
CREATE TABLE events (id int PRIMARY KEY, person int, ts timestamptz, lt timestamp, d date, t time, ttl int, iv interval, epoch bigint, tx text);
CREATE TABLE people (id int PRIMARY KEY, name text, seen timestamptz);
CREATE SCHEMA app;
CREATE DOMAIN app.few AS int CHECK (VALUE < 25);
CREATE DOMAIN app.some AS int NOT NULL CHECK (VALUE < 25);
CREATE DOMAIN app.object AS jsonb NOT NULL CHECK (VALUE <> '[1, 2]');
CREATE VIEW app.recent AS SELECT id, person, ts FROM events WHERE ts > now() - interval '30 days';
CREATE VIEW app.nested AS SELECT recent.person, count(*) AS n, min(r2.ts) AS first FROM app.recent JOIN app.recent r2 USING (id) GROUP BY recent.person;
CREATE VIEW app."Odd now" AS SELECT id, 'now() and CURRENT_DATE' AS s, d AS "now()" FROM events WHERE d <= CURRENT_DATE;
CREATE FUNCTION app.days(since date, til date) RETURNS int LANGUAGE sql IMMUTABLE AS $$SELECT til - since$$;
CREATE FUNCTION app.ripe(at timestamptz) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$BEGIN IF extract(month FROM at AT TIME ZONE 'UTC') BETWEEN 4 AND 6 THEN RAISE EXCEPTION 'unripe' USING ERRCODE = 'P0088'; END IF; RETURN at > '2024-03-15'; END$$;
`

// clockCases are views over the present time.
var clockCases = []viewCase{
	{name: "recent", query: `SELECT id, ts FROM events WHERE ts > now() - interval '7 days'`},
	{name: "cycle_marks", query: `WITH RECURSIVE t(l, r) AS (SELECT id, person FROM events UNION SELECT t.l, p.person FROM t JOIN events p ON p.id = t.r) CYCLE l, r SET again TO 'y' DEFAULT 'n' USING way SELECT DISTINCT t.l, t.r, t.again, (SELECT count(*) FROM events WHERE ts > now()) AS n FROM t`},
	{name: "recent_swapped", query: `SELECT id FROM events WHERE now() - interval '7 days' <= ts`},
	{name: "window", query: `SELECT id, ts FROM events WHERE ts BETWEEN now() - interval '1 month' AND now()`},
	{name: "upcoming", query: `SELECT id FROM events WHERE ts > transaction_timestamp() AND ts < statement_timestamp() + interval '36 hours'`},
	{name: "expiring", query: `SELECT id FROM events WHERE ts + interval '7 days' > now()`},
	{name: "row_ttl", query: `SELECT id FROM events WHERE ts + ttl * interval '1 hour' > now()`},
	{name: "row_interval", query: `SELECT id FROM events WHERE ts + iv > now()`},
	{name: "difference", query: `SELECT id FROM events WHERE now() - ts < interval '7 days'`},
	{name: "difference_other", query: `SELECT id FROM events WHERE ts - now() >= interval '1 day 2 hours'`},
	{name: "difference_row", query: `SELECT id FROM events WHERE now() - ts < iv`},
	{name: "span_hours", query: `SELECT id FROM events WHERE ts > now() - ttl * interval '1 hour'`},
	{name: "span_hours_by_arguments", query: `SELECT id FROM events WHERE now() + make_interval(hours => ttl, mins => person) >= ts`},
	{name: "span_days", query: `SELECT id FROM events WHERE ts > now() - ttl * interval '1 day'`},
	{name: "span_days_by_arguments", query: `SELECT id, iv FROM events WHERE now() - make_interval(days => ttl) > ts AND person <> 3`},
	{name: "span_any", query: `SELECT id, ts FROM events WHERE now() - iv <= ts`},
	{name: "span_local", query: `SELECT id FROM events WHERE lt BETWEEN localtimestamp - iv AND localtimestamp + ttl * interval '1 day'`},
	{name: "span_of_days", query: `SELECT id FROM events WHERE d + 30 > current_date - ttl`},
	{name: "span_of_dates", query: `SELECT id FROM events WHERE current_date - d BETWEEN person AND ttl`},
	{name: "span_to_timestamp", query: `SELECT id FROM events WHERE current_date - iv < lt`},
	{name: "span_negative", query: `SELECT id FROM events WHERE ts - now() < iv - interval '1 day'`},
	{name: "span_epoch", query: `SELECT id, ttl FROM events WHERE extract(epoch FROM now() - ts) > ttl * 3600 AND date_part('epoch', lt - localtimestamp) < epoch`},
	{name: "span_day_field", query: `SELECT id FROM events WHERE extract(day FROM now() - ts) >= person`},
	{name: "span_or", query: `SELECT id FROM events WHERE ts > now() - ttl * interval '1 hour' OR now() - ts < iv OR person = 2`},
	{name: "span_guarded", query: `SELECT id FROM events WHERE isfinite(ts) AND now() - ts < ttl * interval '1 hour' AND ts < now()`},
	{name: "span_far", query: `SELECT id FROM events WHERE ttl BETWEEN -4 AND 4 AND now() - ttl * interval '12345678 hours' < ts`},
	{name: "span_text", query: `SELECT id FROM events WHERE now() - (person || ' hours')::interval < ts`},
	{name: "span_grouped", query: `SELECT person, max(ts) AS last FROM events GROUP BY person HAVING max(ts) > now() - count(*) * interval '1 day'`},
	{name: "span_not_exists", query: `SELECT p.id FROM people p WHERE NOT EXISTS (SELECT FROM events e WHERE e.person = p.id AND now() - e.ts < e.ttl * interval '1 hour' AND isfinite(e.ts))`},
	{name: "difference_local", query: `SELECT id FROM events WHERE localtimestamp - lt > '2 days'`},
	{name: "difference_days", query: `SELECT id FROM events WHERE current_date - d <= 30`},
	{name: "today", query: `SELECT id, d FROM events WHERE d = current_date`},
	{name: "today_of", query: `SELECT id FROM events WHERE ts::date = current_date`},
	{name: "not_today", query: `SELECT id FROM events WHERE ts::date <> current_date`},
	{name: "this_month", query: `SELECT id FROM events WHERE date_trunc('month', ts) = date_trunc('month', now())`},
	{name: "this_week", query: `SELECT count(*) AS n, max(ts) AS last FROM events WHERE ts >= date_trunc('week', now())`},
	{name: "local", query: `SELECT id FROM events WHERE lt > now() - interval '10 days'`},
	{name: "local_date", query: `SELECT id FROM events WHERE d > now() - interval '10 days'`},
	{name: "date_local", query: `SELECT id FROM events WHERE d >= current_date - interval '1 month'`},
	{name: "date_zoned", query: `SELECT id FROM events WHERE ts < current_date`},
	{name: "local_of_date", query: `SELECT id FROM events WHERE lt <= current_date`},
	{name: "elsewhere", query: `SELECT id FROM events WHERE lt > now() AT TIME ZONE 'America/New_York'`},
	{name: "epoch", query: `SELECT id FROM events WHERE epoch > extract(epoch FROM now())`},
	{name: "epoch_float", query: `SELECT id FROM events WHERE epoch < date_part('epoch', now()) - 3600`},
	{name: "ages", query: `SELECT id, now() - ts AS age, age(ts) AS old, age(lt) AS old2, age(now(), ts) AS exact FROM events WHERE ts < now() AND isfinite(ts) AND isfinite(lt)`},
	{name: "age_filter", query: `SELECT id FROM events WHERE age(now(), ts) < interval '3 months' AND isfinite(ts)`},
	{name: "columns", query: `SELECT id, ts > now() AS future, d = current_date AS today, now() AS now, current_date AS day FROM events`},
	{name: "values", query: `SELECT now() AS a, current_timestamp AS b, current_timestamp(2) AS c, current_date AS d, current_time AS e, current_time(1) AS f, localtime AS g, localtime(3) AS h, localtimestamp AS i, localtimestamp(0) AS j`},
	{name: "or", query: `SELECT id FROM events WHERE ts > now() OR d > current_date + 3 OR ttl = 1`},
	{name: "not", query: `SELECT id FROM events WHERE NOT (ts > now() - interval '7 days' AND person IS NOT NULL)`},
	{name: "case", query: `SELECT id, CASE WHEN ts > now() THEN 'future' WHEN ts > now() - interval '1 day' THEN 'day' WHEN ts IS NULL THEN 'never' ELSE 'past' END AS c FROM events`},
	{name: "is_true", query: `SELECT id, (ts > now()) IS NOT TRUE AS a, (d = current_date) IS UNKNOWN AS b, coalesce(lt < localtimestamp, true) AS c FROM events`},
	{name: "filtered", query: `SELECT person, count(*) FILTER (WHERE ts > now() - interval '1 hour') AS hour, count(*) FILTER (WHERE ts > now() - interval '1 day') AS day, count(*) AS all FROM events GROUP BY person`},
	{name: "sums", query: `SELECT person, sum(CASE WHEN d < current_date THEN ttl END) AS overdue, bool_or(ts > now()) AS any FROM events GROUP BY person`},
	{name: "by_age", query: `SELECT ts > now() - interval '1 day' AS fresh, d - current_date AS days, count(*) AS n FROM events WHERE isfinite(d) GROUP BY 1, 2`},
	{name: "cube_of_equals", query: `SELECT ts > now() AS a, ts > now() AS b, count(*) AS n, GROUPING(ts > now()) AS g FROM events GROUP BY CUBE(1, 2)`},
	{name: "rollup_of_equals", query: `SELECT ts::date - current_date AS a, person, ts::date - current_date AS b, count(*) AS n FROM events WHERE isfinite(ts) GROUP BY rollup(3, 2, 1)`},
	{name: "rows_in_rows", query: `SELECT id, ts > now() AS future, (person, ROW(ttl, 1.0)) = (person, ROW(ttl, NULL::numeric)) AS a, (id, ROW(person, d)) <> (id, ROW(NULL::int, d)) AS b, ROW(ROW(id, person)) = ROW(ROW(id, person)) AS c,
		(id, ROW(person, ROW(ttl, 'a = b'::text))) IN ((id, ROW(NULL::int, ROW(ttl, 'a = b'::text))), (0, ROW(1, ROW(1, NULL::text)))) AS e, (id, ROW(ttl)) IS DISTINCT FROM (id, ROW(NULL::int)) AS f, (id, ROW(person)) < (id, ROW(ttl)) AS g, ROW(person, ttl) = ROW(1, NULL) AS h FROM events`},
	{name: "rows_in_rows_missing", query: `SELECT e.id, (p.id, ROW(p.name, 1)) = (p.id, ROW(NULL::text, e.ttl)) AS a, ROW(ROW(p.id, e.ttl)) <> ROW(ROW(NULL::int, e.ttl)) AS b FROM events e LEFT JOIN people p ON p.id = e.person AND p.seen < now() AND (ROW(p.id, ROW(e.ttl, e.d)) = ROW(e.person, ROW(NULL::int, current_date))) IS NOT TRUE`},
	{name: "having", query: `SELECT person, max(ts) AS last FROM events GROUP BY person HAVING max(ts) < now() - interval '10 days' OR count(*) > 5`},
	{name: "joined", query: `SELECT e.id, p.name FROM events e JOIN people p ON p.id = e.person WHERE e.ts > now() - interval '14 days'`},
	{name: "join_condition", query: `SELECT e.id, p.id AS p FROM events e JOIN people p ON p.id = e.person AND e.ts > p.seen AND p.seen < now()`},
	{name: "join_clock_key", query: `SELECT e.id, p.id AS p FROM events e JOIN people p ON e.d = current_date - p.id`},
	{name: "join_mixed", query: `SELECT e.id, p.id AS p FROM events e JOIN people p ON p.id = e.person WHERE e.ts > now() - p.id * interval '1 day'`},
	{name: "left_join", query: `SELECT p.id, e.id AS e FROM people p LEFT JOIN events e ON e.person = p.id AND e.ts > now() - interval '7 days'`},
	{name: "left_join_left", query: `SELECT p.id, e.id AS e FROM people p LEFT JOIN events e ON e.person = p.id AND p.seen > now() - interval '7 days'`},
	{name: "left_join_both", query: `SELECT p.id, e.id AS e FROM people p LEFT JOIN events e ON e.person = p.id AND e.ts - p.seen > now() - timestamptz '2024-03-01 00:00+00'`},
	{name: "full_join", query: `SELECT p.id, e.id AS e FROM people p FULL JOIN events e ON e.person = p.id AND e.ts > now() AND p.seen < now()`},
	{name: "exists", query: `SELECT p.id FROM people p WHERE EXISTS (SELECT FROM events e WHERE e.person = p.id AND e.ts > now() - interval '3 days')`},
	{name: "not_exists", query: `SELECT p.id FROM people p WHERE NOT EXISTS (SELECT FROM events e WHERE e.person = p.id AND e.ts BETWEEN now() - interval '20 days' AND now())`},
	{name: "scalar", query: `SELECT p.id, (SELECT count(*) FROM events e WHERE e.person = p.id AND e.ts > p.seen AND e.ts < now()) AS n FROM people p`},
	{name: "in_list", query: `SELECT id FROM events WHERE d IN (current_date, current_date - 1) OR person IN (SELECT id FROM people WHERE seen > now())`},
	{name: "latest_now", query: `SELECT DISTINCT ON (1) now() AS at, person, id FROM events ORDER BY 1, 2, 3`},
	{name: "latest_age", query: `SELECT DISTINCT ON (age(ts), (person)) age(ts) AS a, person, id FROM events ORDER BY 1, 2, 3`},
	{name: "latest", query: `SELECT DISTINCT ON (person) person, id, ts FROM events WHERE ts <= now() ORDER BY person, ts DESC, id`},
	{name: "next_ones", query: `SELECT id, ts FROM events WHERE ts > now() ORDER BY ts, id LIMIT 3`},
	{name: "by_distance", query: `SELECT id FROM events WHERE isfinite(ts) ORDER BY abs(extract(epoch FROM ts - now())), id LIMIT 3`},
	{name: "ranked", query: `SELECT id, rank() OVER (PARTITION BY person ORDER BY ts > now(), id) AS r, count(*) FILTER (WHERE ts > now()) OVER (PARTITION BY person) AS n FROM events`},
	{name: "unions", query: `SELECT id FROM events WHERE ts > now() UNION SELECT id FROM people WHERE seen > now() EXCEPT SELECT id FROM events WHERE d = current_date`},
	{name: "days", query: `SELECT g::date AS day, count(e.id) AS n FROM generate_series(date_trunc('day', now()) - interval '3 days', now(), interval '1 day') g LEFT JOIN events e ON e.d = g::date GROUP BY 1`},
	{name: "month_text", query: `SELECT id FROM events WHERE to_char(ts, 'YYYY-MM') = to_char(now(), 'YYYY-MM') AND isfinite(ts)`},
	{name: "time_of_day", query: `SELECT id FROM events WHERE t < localtime AND extract(isodow FROM now()) < 6`},
	{name: "clock_alone", query: `SELECT id FROM events WHERE now() > '2024-08-01' AND extract(day FROM current_date) % 2 = 0`},
	{name: "user_function", query: `SELECT id, app.days(d, current_date) AS n FROM events WHERE isfinite(d)`},
	{name: "user_view", query: `SELECT person, count(*) AS n FROM app.recent WHERE id > 2 GROUP BY person`},
	{name: "user_views", query: `SELECT * FROM app.nested UNION ALL SELECT id, 1, ts FROM app.recent r`},
	{name: "user_view_odd", query: `SELECT o.*, age.age FROM app."Odd now" o, LATERAL (SELECT current_date - o."now()") age(age) WHERE isfinite(o."now()")`},
	{name: "adopted", from: "app.recent"},
	{name: "maintained", query: `SELECT person, count(*) AS n FROM "window" JOIN recent USING (id) JOIN events USING (id) GROUP BY person`},
	{name: "cte", query: `WITH w AS (SELECT *, now() - interval '10 days' AS since FROM events) SELECT id, since FROM w WHERE ts > since`},
	{name: "closure", query: `WITH RECURSIVE r AS (SELECT id, ts FROM events WHERE ts > now() - interval '20 days' UNION SELECT e.id, e.ts FROM r JOIN events e ON e.id = r.id + 1 AND e.ts < now() + interval '5 days') SELECT id, ts FROM r`},
	{name: "recursive_all", query: `WITH RECURSIVE r AS (SELECT id, 0 AS n FROM people WHERE seen < now() UNION ALL SELECT e.person, r.n + 1 FROM r JOIN events e ON e.id = r.id WHERE r.n < 3 AND current_date - e.d < 30) SELECT id, n, now() > '2024-04-01' AS later FROM r`},
	{name: "recursive_days", query: `WITH RECURSIVE r AS (SELECT current_date AS day UNION ALL SELECT day - 1 FROM r WHERE day > current_date - 5) SELECT r.day, count(e.id) AS n FROM r LEFT JOIN events e ON e.d = r.day GROUP BY r.day`},
	{name: "recursive_moving", query: `WITH RECURSIVE r AS (SELECT id, ts FROM events WHERE person = 1 UNION SELECT e.id, e.ts FROM r JOIN events e ON e.person = r.id % 5 WHERE now() - e.ts < r.ts - timestamptz '2024-02-01 00:00+00' AND isfinite(r.ts) AND isfinite(e.ts)) SELECT id FROM r`},
	{name: "unripe", query: `SELECT id FROM events WHERE ts < now() AND app.ripe(now())`},
	{name: "unripe_alone", query: `SELECT count(*) AS n FROM events WHERE ts > '2030-01-01' AND app.ripe(now())`},
	{name: "unripe_guarded", query: `SELECT id, CASE WHEN person = 1 THEN app.ripe(now()) END AS r FROM events WHERE person IS NOT NULL`},
	{name: "overflows", query: `SELECT id FROM events WHERE id < 3 AND (ts + ttl * interval '2000 years' > now() OR person = 1)`},
	{name: "infinite", query: `SELECT id FROM events WHERE now() - ts < interval '100 years' AND person < 3`},
}

// eventPools are literals: the events lie around the times that the clock passes,
// those at which summer time begins and ends among them.
func (r *rig) eventLiteral(col string) string {
	day := func() time.Time {
		switch r.rnd.IntN(8) {
		case 0:
			return time.Date(2024, 3, 31, r.rnd.IntN(5), 30*r.rnd.IntN(2), 0, 0, time.UTC)
		case 1:
			return time.Date(2024, 10, 27, r.rnd.IntN(5), 30*r.rnd.IntN(2), 0, 0, time.UTC)
		}
		// Mostly near the clock.
		return r.clock.Add(time.Duration(r.rnd.NormFloat64() * float64(10*24*time.Hour))).Truncate(time.Hour / 2)
	}
	if r.rnd.IntN(12) == 0 {
		return "NULL"
	}
	switch col {
	case "id":
		return fmt.Sprint(r.rnd.IntN(40))
	case "person":
		return fmt.Sprint(r.rnd.IntN(5))
	case "ts", "seen", "lt":
		switch r.rnd.IntN(30) {
		case 0:
			return "'infinity'"
		case 1:
			return "'-infinity'"
		case 2:
			return map[bool]string{true: "'294276-12-31 12:00'", false: "'4713-01-02 00:00 BC'"}[r.rnd.IntN(2) == 0]
		case 3:
			return "'" + r.clock.Format("2006-01-02 15:04:05.999999") + map[bool]string{true: "", false: "+00"}[col == "lt"] + "'"
		}
		return "'" + day().Format("2006-01-02 15:04") + map[bool]string{true: "", false: "+00"}[col == "lt"] + "'"
	case "d":
		switch r.rnd.IntN(30) {
		case 0:
			return "'infinity'"
		case 1:
			return "'5874897-12-31'"
		}
		return "'" + day().Format("2006-01-02") + "'"
	case "t":
		return fmt.Sprintf("'%02d:30'", r.rnd.IntN(24))
	case "ttl":
		return fmt.Sprint(r.rnd.IntN(200) - 20)
	case "iv":
		return randomview.NotNull(r.rnd, "interval")
	case "epoch":
		return fmt.Sprint(day().Unix())
	}
	return randomview.Literal(r.rnd, "text")
}

func (r *rig) writeEvent() {
	r.t.Helper()
	table, cols := "events", strings.Fields("id person ts lt d t ttl iv epoch tx")
	if r.rnd.IntN(4) == 0 {
		table, cols = "people", strings.Fields("id name seen")
	}
	var sql string
	switch n := r.rnd.IntN(40); {
	case n == 0:
		sql = "TRUNCATE " + table
	case n < 8:
		sql = fmt.Sprintf("DELETE FROM %s WHERE id %% 7 = %d", table, r.rnd.IntN(7))
	case n < 20:
		c := cols[r.rnd.IntN(len(cols))]
		sql = fmt.Sprintf("UPDATE %s SET %s = %s WHERE id = %d", table, c, r.eventLiteral(c), r.rnd.IntN(40))
	default:
		vals := make([]string, len(cols))
		for i, c := range cols {
			vals[i] = r.eventLiteral(c)
		}
		sql = fmt.Sprintf("INSERT INTO %s (%s) VALUES (%s) ON CONFLICT DO NOTHING", table, strings.Join(cols, ", "), strings.Join(vals, ", "))
	}
	var pgErr *pgconn.PgError
	if _, err := r.conn.Exec(r.t.Context(), sql); err != nil && (!errors.As(err, &pgErr) || !strings.HasPrefix(pgErr.Code, "23")) {
		r.t.Fatalf("%v\n%s", err, sql)
	}
}

// clockFailsInPostgresAlone are failsInPostgresAlone: it asks one of two conditions though the other one turns the row down.
var clockFailsInPostgresAlone = map[string]string{"recursive_all": "22008"}

// TestClockViewsEqualPostgres: as the clock moves, with writes and without, every
// view equals its query at that time, in time zones with and without summer time.
func TestClockViewsEqualPostgres(t *testing.T) {
	alone := map[string]bool{}
	defer func() {
		for name := range clockFailsInPostgresAlone {
			if !alone[name] {
				t.Errorf("view %s failed whenever it fails in Postgres", name)
			}
		}
	}()
	for i, zone := range []string{"UTC", "Europe/Berlin"} {
		t.Run(zone, func(t *testing.T) {
			dsn := embedded.NewDB(t)
			conn := connect(t, dsn)
			mustExec(t, conn, clockSchema)
			inZone(t, conn, zone)
			version := majorVersion(t, conn)
			views, loose := caseViews(slices.DeleteFunc(slices.Clone(clockCases), func(c viewCase) bool { return c.since > version }))
			r := newRig(t, dsn, views, rand.New(rand.NewPCG(uint64(i), 7)))
			r.loose = loose
			for range 30 {
				r.writeEvent()
			}
			r.feed(2)
			r.check()
			steps := []time.Duration{time.Microsecond, time.Second, time.Minute, time.Hour, 24 * time.Hour, 10 * 24 * time.Hour}
			nights := map[int]time.Time{15: time.Date(2024, 3, 30, 23, 15, 0, 0, time.UTC), 60: time.Date(2024, 10, 26, 23, 15, 0, 0, time.UTC)}
			for round := range 90 {
				if r.rnd.IntN(3) > 0 {
					r.tick(r.clock.Add(1 + time.Duration(r.rnd.Float64()*2*float64(steps[r.rnd.IntN(len(steps))]))).Truncate(time.Microsecond))
				}
				// Over the beginning and the end of summer time, half an hour at a time.
				if night, ok := nights[round]; ok {
					for at := night; at.Before(night.Add(4 * time.Hour)); at = at.Add(30 * time.Minute) {
						if at.After(r.clock) {
							r.tick(at)
							r.check()
						}
					}
				}
				if r.rnd.IntN(4) > 0 {
					for range 1 + r.rnd.IntN(8) {
						r.writeEvent()
					}
				}
				r.feed(2)
				r.check()
			}
			if r.clock.Before(time.Date(2024, 10, 28, 0, 0, 0, 0, time.UTC)) {
				t.Errorf("the clock went no further than %s", r.clock)
			}
			for _, v := range views {
				if r.agreed[v.Name] == 0 {
					t.Errorf("view %s failed in Postgres each time", v.Name)
				}
				if r.filled[v.Name] == 0 {
					t.Errorf("view %s never had a row", v.Name)
				}
			}
			r.explained(clockFailsInPostgresAlone)
			for name := range r.missed {
				alone[name] = true
			}
			for _, name := range []string{"unripe", "unripe_guarded", "infinite", "overflows"} {
				// From 17 on there are infinite intervals.
				if r.failed[name] == 0 && (name != "infinite" || conn.PgConn().ParameterStatus("server_version") < "17") {
					t.Errorf("view %s never had an error in its data", name)
				}
			}
		})
	}
}
