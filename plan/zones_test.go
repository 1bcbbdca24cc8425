package plan_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// TestZonesEqualPostgres: what is computed natively in a time zone is what Postgres computes in it,
// around all transitions and far from them. A zone with rules of its own is not known.
func TestZonesEqualPostgres(t *testing.T) {
	conn := connect(t, embedded.NewDB(t))
	rows, _ := conn.Query(t.Context(), `SELECT name FROM pg_timezone_names WHERE name !~ '^(posix|right)/' ORDER BY md5(name) LIMIT 5`)
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	names = append(names, "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia", "Europe/Dublin",
		"Asia/Manila", "America/Juneau", "Asia/Kathmandu", "Pacific/Kwajalein", "Antarctica/Troll", "Africa/Monrovia", "<-03>+03")
	rnd := rand.New(rand.NewPCG(1, 4))
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			tx, err := conn.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(t.Context()) }()
			mustExec(t, conn, "SET LOCAL TimeZone = '"+name+"'")
			zone, err := catalog.New(tx).Zone(t.Context(), name)
			if err != nil || zone == nil {
				t.Fatal("no zone", err)
			}
			equalZones(t, tx, rnd, func(signature string, a, b values.Datum) values.Datum {
				f := zone.Lookup(signature)
				if f.F1 != nil {
					return f.F1(a)
				}
				return f.F2(a, b)
			})
		})
	}
	for _, name := range []string{"A5B,J60/1,J60/2", "FOO-5:30BAR"} {
		mustExec(t, conn, "SET TimeZone = '"+name+"'")
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if zone, err := catalog.New(tx).Zone(t.Context(), name); zone != nil || err != nil {
			t.Errorf("a zone with rules of its own: %v %v", zone, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// equalZones asks Postgres about moments, days, shifts and ages.
func equalZones(t *testing.T, tx pgx.Tx, rnd *rand.Rand, call func(signature string, a, b values.Datum) values.Datum) {
	t.Helper()
	const day = 86_400_000_000
	// The changes of the offset as Postgres tells them, to the hour.
	rows, _ := tx.Query(t.Context(), `SELECT (extract(epoch FROM at) * 1000000)::int8 - 946684800000000 FROM (
		SELECT at, extract(timezone FROM at) AS o, lag(extract(timezone FROM at)) OVER (ORDER BY at) AS was FROM generate_series('1830-01-01Z'::timestamptz, '2045-01-01Z', '6 hours') at) o WHERE o <> was`)
	changes, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		t.Fatal(err)
	}
	var moments, others []int64
	for i := range 2000 {
		var at int64
		switch {
		case i%8 == 0:
			at = rnd.Int64N(9_000_000_000_000_000_000) - 200_000_000_000_000_000
		case i%8 == 1 || len(changes) == 0:
			at = rnd.Int64N(100*366*day) - 30*366*day
		default:
			at = changes[rnd.IntN(len(changes))] + (rnd.Int64N(60*4)-30*4)*day/96
		}
		if i%3 == 0 {
			at += rnd.Int64N(7_200_000_000)
		}
		moments, others = append(moments, at), append(others, at+(rnd.Int64N(90)-45)*day/24)
	}
	others[3], moments[5], moments[9], others[9] = values.TimestampInfinity, values.TimestampMinusInfinity, 9223371331199999999, -211813488000000000
	n := len(moments)
	ats, later, spans, intervals := make([]string, n), make([]string, n), make([]string, n), make([]values.Datum, n)
	for i := range n {
		intervals[i] = values.MakeInterval(int32(rnd.IntN(5)-2)*int32(rnd.IntN(9)), int32(rnd.IntN(5)-2)*int32(rnd.IntN(40)), (rnd.Int64N(5)-2)*rnd.Int64N(day))
		ats[i], later[i] = written(t, values.TimestampTZType, values.Int(moments[i])), written(t, values.TimestampTZType, values.Int(others[i]))
		spans[i] = written(t, values.IntervalType, intervals[i])
	}
	type question struct {
		signature, sql string
		args           func(i int) (a, b values.Datum)
		t              *values.Type
	}
	both := func(i int) (a, b values.Datum) { return values.Int(moments[i]), values.Int(others[i]) }
	spanned := func(i int) (a, b values.Datum) { return values.Int(moments[i]), intervals[i] }
	dated := func(i int) (a, b values.Datum) {
		a, b = both(i)
		switch at := moments[i]; at {
		case values.TimestampInfinity:
			return values.Int(values.DateInfinity), b
		case values.TimestampMinusInfinity:
			return values.Int(values.DateMinusInfinity), b
		default:
			days, _ := values.SplitTimestamp(at)
			return values.Int(days), b
		}
	}
	const stamp, date = "(at AT TIME ZONE 'UTC')", "(at AT TIME ZONE 'UTC')::date"
	questions := []question{
		{"timestamp(timestamptz)", "at::timestamp", both, values.TimestampType},
		{"timestamptz(timestamp)", stamp + "::timestamptz AT TIME ZONE 'UTC'", both, values.TimestampType},
		{"date(timestamptz)", "at::date", both, values.DateType},
		{"timestamptz(date)", date + "::timestamptz AT TIME ZONE 'UTC'", dated, values.TimestampType},
		{"timestamptz_pl_interval(timestamptz,interval)", "(at + span) AT TIME ZONE 'UTC'", spanned, values.TimestampType},
		{"timestamptz_mi_interval(timestamptz,interval)", "(at - span) AT TIME ZONE 'UTC'", spanned, values.TimestampType},
		{"age(timestamptz,timestamptz)", "age(at, other)", both, values.IntervalType},
	}
	for i, op := range []string{"=", "<>", "<", "<=", ">", ">="} {
		name := []string{"eq", "ne", "lt", "le", "gt", "ge"}[i]
		swapped := func(args func(int) (a, b values.Datum)) func(int) (a, b values.Datum) {
			return func(i int) (a, b values.Datum) { a, b = args(i); return b, a }
		}
		questions = append(questions,
			question{"timestamp_" + name + "_timestamptz(timestamp,timestamptz)", stamp + op + "other", both, values.BoolType},
			question{"timestamptz_" + name + "_timestamp(timestamptz,timestamp)", "other" + op + stamp, swapped(both), values.BoolType},
			question{"date_" + name + "_timestamptz(date,timestamptz)", date + op + "other", dated, values.BoolType},
			question{"timestamptz_" + name + "_date(timestamptz,date)", "other" + op + date, swapped(dated), values.BoolType})
	}
	for i, field := range []string{"dow", "isodow", "doy", "isoyear", "julian", "epoch", "timezone", "timezone_hour", "timezone_minute",
		"microseconds", "milliseconds", "second", "minute", "hour", "day", "week", "month", "quarter", "year", "decade", "century", "millennium"} {
		of := func(i int) (a, b values.Datum) { return values.String(field), values.Int(moments[i]) }
		questions = append(questions, question{"extract(text,timestamptz)", "extract(" + field + " FROM at)", of, values.NumericType},
			question{"date_part(text,timestamptz)", "date_part('" + field + "', at)", of, values.Float8Type})
		if i >= 9 {
			questions = append(questions, question{"date_trunc(text,timestamptz)", "date_trunc('" + field + "', at) AT TIME ZONE 'UTC'", of, values.TimestampType})
		}
	}
	for _, c := range questions {
		query := `SELECT COALESCE((` + c.sql + `)::text, 'null') FROM (SELECT a::timestamptz AS at, b::timestamptz AS other, c::interval AS span, n
			FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS u(a, b, c, n)) u ORDER BY n`
		var ask func(from, to int) []string
		ask = func(from, to int) []string {
			mustExec(t, tx.Conn(), "SAVEPOINT s")
			rows, _ := tx.Query(t.Context(), query, ats[from:to], later[from:to], spans[from:to])
			out, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				mustExec(t, tx.Conn(), "ROLLBACK TO s")
			}
			mustExec(t, tx.Conn(), "RELEASE s")
			switch half := (from + to) / 2; {
			case err == nil:
				return out
			case half == from:
				return []string{"error"}
			default:
				return append(ask(from, half), ask(half, to)...)
			}
		}
		for i, want := range ask(0, n) {
			got := "error"
			a, b := c.args(i)
			switch v := call(c.signature, a, b); {
			case v.IsErr():
			case c.t == values.BoolType:
				got = fmt.Sprint(v.IsTrue())
			case v.IsNull():
				got = "null"
			default:
				got = written(t, c.t, v)
			}
			if got != want {
				t.Fatalf("%s of %s, other %s, span %s: %s, want %s", c.sql, ats[i], later[i], spans[i], got, want)
			}
		}
	}
}

func written(t *testing.T, ty *values.Type, v values.Datum) string {
	t.Helper()
	text, err := values.AppendText(nil, ty, v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
