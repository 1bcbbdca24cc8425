package randomview

import (
	"math/rand/v2"
	"time"
)

// InSummerTime gives a database's sessions a time zone in which clocks change.
const InSummerTime = `DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Europe/Berlin'); END$$`

// Dates, times and the spans between them. The pools and templates make few
// intervals that are equal and yet not the same, such as a month and 30 days: a
// text of such a one would be Postgres' to choose.
func init() {
	declare("date", family{
		constants: []string{"date '2024-03-01'", "date '2024-02-29'", "NULL::date", "date 'infinity'"},
		clock:     []string{"current_date", "(current_date - 1)", "(now() - interval '3 days')::date", "now()::date"},
		exprs: []string{
			"({date} + 1)", "({date} - 2)", "({ts})::date", "(date '2024-02-28' + least(abs(({int})::bigint), 40)::int)", "({tstz} AT TIME ZONE 'UTC')::date",
		},
		conds:    []string{"isfinite({date})", "(({date}, {date}) OVERLAPS ({date}, {date}))", "({date} < {ts})", "({ts} >= {date})", "({tstz} > {date})"},
		extremes: true, step: "'1 day'",
	})
	declare("ts", family{
		constants: []string{"timestamp '2024-03-01 12:00'", "NULL::timestamp", "timestamp '-infinity'"},
		clock:     []string{"localtimestamp", "(localtimestamp - interval '12 hours')", "(now() AT TIME ZONE 'Asia/Tokyo')", "date_trunc('month', localtimestamp)", "(current_date + time '12:00')"},
		exprs: []string{
			"({ts} + interval '1 day')", "({date})::timestamp", "date_trunc('day', {ts})", "({ts} + {interval})", "({ts} - {interval})", "({date} + {time})", "({date} - {interval})",
			"({tstz} AT TIME ZONE 'America/New_York')", "({tstz})::timestamp", "date_trunc('month', {ts})", "date_trunc('week', {ts})", "date_bin('7 hours', {ts}, '2024-01-01')", "({ts})::timestamp(0)",
		},
		conds:    []string{"isfinite({ts})", "({ts} < {tstz})", "(({ts}, {interval}) OVERLAPS ({ts}, {interval}))"},
		extremes: true, step: "'12 hours'",
	})
	declare("tstz", family{
		constants: []string{"timestamptz '2024-03-31 01:30+00'", "timestamptz 'infinity'", "NULL::timestamptz", "timestamptz '2024-10-27 00:30+00'"},
		clock:     []string{"now()", "current_timestamp", "(now() - interval '1 day')", "(now() + interval '30 minutes')", "date_trunc('day', now())", "transaction_timestamp()"},
		exprs: []string{
			"({ts})::timestamptz", "({date})::timestamptz", "({tstz} + {interval})", "({tstz} - {interval})", "({ts} AT TIME ZONE 'Asia/Tokyo')", "date_trunc('day', {tstz})", "date_trunc('hour', {tstz}, 'America/New_York')",
			"to_timestamp({int} * 1000)", "({date} + {timetz})", "date_bin('1 day', {tstz}, '2024-01-01 00:00+00')",
		},
		conds:    []string{"isfinite({tstz})", "({tstz} > {ts})", "(({tstz}, {tstz}) OVERLAPS ({tstz}, {tstz}))"},
		extremes: true, step: "'36 hours'",
	})
	declare("interval", family{
		constants: []string{"interval '1 day'", "interval '2 hours'", "interval '0'", "NULL::interval", "interval '-1 mon 3 days'"},
		exprs: []string{
			"({interval} + {interval})", "(- {interval})", "({interval} * 3)", "({interval} / 7)", "({time})::interval", "({time} - {time})", "make_interval(hours => least(abs(({int})::bigint), 20)::int)",
			"CASE WHEN isfinite({x=ts}) AND isfinite({y=ts}) THEN {x} - {y} END", "CASE WHEN isfinite({x=tstz}) AND isfinite({y=tstz}) THEN {x} - {y} END", "CASE WHEN isfinite({x=ts}) AND isfinite({y=ts}) THEN age({x}, {y}) END",
		},
		extremes: true, step: "'5 hours'",
	})
	declare("time", family{
		constants: []string{"time '12:00'", "time '24:00'", "NULL::time"},
		clock:     []string{"localtime", "now()::time"},
		exprs:     []string{"({time} + {interval})", "({time} - {interval})", "({timetz})::time", "({ts})::time", "({interval})::time", "make_time(abs({int} % 24)::int, 30, 0)"},
		conds:     []string{"(({time}, {time}) OVERLAPS ({time}, {interval}))"},
		extremes:  true, step: "'90 minutes'",
	})
	declare("timetz", family{
		constants: []string{"timetz '12:00+02'", "timetz '10:00+00'", "NULL::timetz"},
		exprs:     []string{"({timetz} + {interval})", "({timetz} - {interval})", "({timetz} AT TIME ZONE interval '-3 hours')", "({tstz})::timetz"},
		extremes:  true, step: "'1 hour'",
	})
	declare("int", family{exprs: []string{
		"CASE WHEN isfinite({x=date}) AND isfinite({y=date}) THEN {x} - {y} END", "CASE WHEN isfinite({x=date}) THEN extract(isodow FROM {x})::int END", "CASE WHEN isfinite({x=ts}) THEN extract(doy FROM {x})::int END",
		"extract(hour FROM {time})::int", "extract(timezone FROM {timetz})::int", "CASE WHEN isfinite({x=tstz}) THEN extract(hour FROM {x})::int END",
	}})
	declare("num", family{exprs: []string{"CASE WHEN isfinite({x=ts}) THEN extract(epoch FROM {x}) END", "extract(epoch FROM {time})", "CASE WHEN isfinite({x=tstz}) THEN extract(epoch FROM {x}) END"}})
	declare("text", family{exprs: []string{"({date})::text", "({ts})::text", "({tstz})::text", "({time})::text", "({timetz})::text", "to_char({ts}, 'YYYY-MM-DD HH24:MI:SS.US')", "to_char({tstz}, 'Dy, FMDD Mon IYYY IW TZ')", "to_char({date}, 'Q J')"}})
	declare("interval", family{clock: []string{"(now() - timestamptz '2024-03-01 00:00+00')", "age(timestamp '2024-02-01')", "(localtimestamp - date '2024-03-31')"}})
	declare("int", family{clock: []string{"extract(month FROM now())::int", "(current_date - date '2024-03-01')", "extract(hour FROM localtime)::int"}})
	for name, pool := range map[string][]string{
		"widespan":  {"NULL", "'0'", "'1 mon'", "'1 year 2 mons 3 days 04:05:06.7'", "'-1 day'", "'1 day'", "'01:30:07'", "'-2 mons 5 days'"},
		"widetz":    {"NULL", "'2024-03-31 00:30+00'", "'2024-03-31 01:00+00'", "'2024-10-27 00:30+00'", "'2024-10-27 01:30+00'", "'infinity'", "'-infinity'", "'2024-02-29 12:00+00'"},
		"wideclock": {"NULL", "'00:00'", "'24:00'", "'12:34:56.789'", "'12:00'"},
	} {
		pools[name] = pool
	}
}

// Time is the next present after one: mostly about a time that the tables know.
func Time(rnd *rand.Rand, after time.Time) time.Time {
	known := []time.Time{
		time.Date(2024, 2, 29, 11, 0, 0, 0, time.UTC), time.Date(2024, 2, 29, 23, 0, 0, 0, time.UTC), time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC),
		time.Date(2024, 3, 31, 0, 30, 0, 0, time.UTC), time.Date(2024, 3, 31, 1, 0, 0, 0, time.UTC), time.Date(2024, 10, 27, 0, 30, 0, 0, time.UTC), time.Date(2024, 10, 27, 1, 30, 0, 1000, time.UTC),
	}
	for _, at := range known {
		if at.After(after) && rnd.IntN(2) == 0 {
			return at
		}
	}
	return after.Add(time.Duration(rnd.IntN(40)) * time.Hour)
}
