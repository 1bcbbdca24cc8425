package plan_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/embedded"
	"github.com/stepping-cdc/stepping-cdc/plan"
)

const framesSchema = `CREATE TABLE marks (id int PRIMARY KEY, g int, s smallint, i int, i8 int8, f float8, f4 float4, n numeric, d date, ts timestamp, tsz timestamptz, iv interval, t time, tz timetz, note text);`

// framed is a column that frames are measured by: values of it, offsets, and values from which most
// frames cannot be measured.
type framed struct {
	name, values, offsets, far string // separated by |
	order                      string // its operators end so: < and > if empty
}

var framedColumns = []framed{
	{name: "s", values: "0|1|2|3|5|-1|-4|32766|32767|-32767|-32768", offsets: "0|1|1::smallint|2|3::bigint|32767|40000|3000000000|9223372036854775807"},
	{name: "i", values: "0|0|1|2|3|4|5|7|-1|-4|2147483646|2147483647|-2147483648", offsets: "0|1|2|3::smallint|1::bigint|2147483647|3000000000|9223372036854775807"},
	{name: "i8", values: "0|1|2|3|5|8|13|9223372036854775806|9223372036854775807|-9223372036854775808", offsets: "0|1|2::smallint|4|9223372036854775807"},
	{name: "f", values: "0|-0|0.5|1|1.5|2|3|4|NaN|Infinity|-Infinity|1e300|1.7e308|-1.7e308", offsets: "0|0.5|1|2.5|'Infinity'|1e300|1.7e308"},
	{name: "f4", values: "0|0.5|1|1.5|2|4|8|NaN|Infinity|-Infinity|3.4e38|-3.4e38", offsets: "0|0.5|1|4|'Infinity'|3.4e38|1.7e308"},
	{name: "n", values: "0|0.00|0.5|1|1.0|1.50|2|3|4|NaN|Infinity|-Infinity", offsets: "0|0.5|1.00|2.5|'Infinity'|9e131071", far: "9e131071|-9e131071"},
	{name: "d", values: "2024-01-29|2024-01-30|2024-01-31|2024-02-28|2024-02-29|2024-03-01|2024-03-30|2024-03-31|2024-04-01|infinity|-infinity", offsets: "'0'|'1 day'|'1 mon'|'1 mon -1 day'|'3 days'|'31 days'", far: "294276-12-31|4714-11-24 BC"},
	{name: "ts", values: "2024-01-30 12:00|2024-01-31|2024-02-29|2024-02-29 00:30|2024-02-29 13:00|2024-03-01 01:00|2024-03-31 02:30|2024-03-31 12:00|infinity|-infinity", offsets: "'0'|'30 min'|'13 hours'|'1 day'|'1 mon'|'1 mon -12:00'", far: "294276-12-31 23:59:59.999999|4714-11-24 BC"},
	{name: "tsz", values: "2024-01-30 12:00Z|2024-03-30 12:00Z|2024-03-31 00:30Z|2024-03-31 01:30Z|2024-03-31 12:00Z|2024-10-27 00:10Z|2024-10-27 00:50Z|2024-10-27 01:10Z|2024-10-28 00:30Z|infinity|-infinity", offsets: "'0'|'30 min'|'1 day'|'1 mon'|'7 mons'|'1 day -01:00'", far: "294276-12-31 23:59:59.999999Z|4714-11-24 00:00Z BC"},
	{name: "iv", values: "0|1 hour|24 hours|1 day|29 days|30 days|1 mon|1 mon 1 day|-1 day", offsets: "'0'|'1 hour'|'1 day'|'30 days'|'1 mon'", far: "178956970 years 7 mons 2147483647 days|-178956970 years -8 mons -2147483648 days"},
	{name: "t", values: "00:00|00:30|01:00|02:00|12:00|13:30|23:30|23:59:59.999999|24:00", offsets: "'0'|'30 min'|'1 hour'|'11 hours'|'25 hours'|'2562047740:00'"},
	{name: "tz", values: "00:00+00|01:00+01|01:00+00|02:00+01|12:00+02|23:00-01|00:00+15:59|24:00-15:59", offsets: "'0'|'1 hour'|'3 hours'|'2562047740:00'"},
}

func (c framed) pick(r *rand.Rand, from string) string {
	of := strings.Split(from, "|")
	return of[r.IntN(len(of))]
}

// framedView is some functions over one window, in any order, with any frame.
func framedView(r *rand.Rand) string {
	one := func(of ...string) string { return of[r.IntN(len(of))] }
	c := framedColumns[r.IntN(len(framedColumns))]
	mode := one("ROWS", "RANGE", "RANGE", "GROUPS")
	offset := func() string {
		if mode == "RANGE" {
			by := c.pick(r, c.offsets)
			if r.IntN(5) > 0 {
				return by
			}
			switch c.name {
			case "d", "ts", "tsz", "iv", "t", "tz":
				by += "::interval"
			}
			return "(SELECT " + strings.Replace(by, "'Infinity'", "'Infinity'::"+map[bool]string{true: "numeric", false: "float8"}[c.name == "n"], 1) + ")"
		}
		return one("0", "1", "2", "3", "5")
	}
	// Kinds of bounds in the order in which they may follow one another.
	kinds := []string{"UNBOUNDED PRECEDING", "%s PRECEDING", "CURRENT ROW", "%s FOLLOWING", "UNBOUNDED FOLLOWING"}
	from := r.IntN(4)
	to := max(1, from) + r.IntN(5-max(1, from))
	bound := func(kind int) string {
		if strings.HasPrefix(kinds[kind], "%s") {
			return fmt.Sprintf(kinds[kind], offset())
		}
		return kinds[kind]
	}
	frame := fmt.Sprintf(" %s BETWEEN %s AND %s", mode, bound(from), bound(to)) + one("", "", "", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES")
	directions := []string{"", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"}
	if c.order != "" {
		less, greater := " USING OPERATOR(app.<"+c.order+")", " USING OPERATOR(app.>"+c.order+")"
		directions = []string{less, less, greater, less + " NULLS FIRST", greater + " NULLS LAST"}
	}
	order := " ORDER BY " + c.name + one(directions...)
	// Extremes are of columns in which what is equal is the same.
	funcs := []string{
		"count(*)", "count(i)", "sum(i)", "avg(n)", "min(i)", "max(i8)", "max(f4)", "min(tz)", "max(note)", "bool_and(i > 0)", "bool_or(g = 1)", "bit_and(i)", "bit_or(i)", "every(i < 3)",
		"count(*) FILTER (WHERE i > 1)", "max(d) FILTER (WHERE g > 0)", "min(ts)", "rank()", "dense_rank()", "percent_rank()", "cume_dist()", `max(note COLLATE "en-x-icu")`,
	}
	if mode == "ROWS" || mode == "GROUPS" && r.IntN(2) == 0 {
		order += ", id" + one("", " DESC")
		funcs = append(funcs, "row_number()", "ntile(3)", "ntile(i % 3 + 9)", "lag(i)", "lead(n, 2)", "first_value(id)", "last_value(id)", "first_value(n)", "last_value(note)", "nth_value(id, 2)", "nth_value(i, 3)", "nth_value(id, 1)", "nth_value(note, 7)", "nth_value(n, NULL)", "nth_value(id, g)", "string_agg(note, ',')", "json_agg(id)")
	}
	switch c.name {
	case "s", "i", "i8", "d", "ts", "t": // what is equal is the same
		funcs = append(funcs, "first_value("+c.name+")", "last_value("+c.name+")", "nth_value("+c.name+", 2)")
	}
	partition := one("", "PARTITION BY g", "PARTITION BY g", "PARTITION BY n")
	var out []string
	for n := range 1 + r.IntN(3) {
		out = append(out, fmt.Sprintf("%s OVER w AS v%d", funcs[r.IntN(len(funcs))], n))
	}
	return fmt.Sprintf("SELECT id, %s FROM marks WINDOW w AS (%s%s%s)", strings.Join(out, ", "), partition, order, frame)
}

// TestFramesEqualPostgres: windows with frames of all kinds, by all types that have
// distances, after each of many small changes of partitions that have tens of rows.
// STEPPING_SEED says which frames, STEPPING_FRAMES how many times others.
func TestFramesEqualPostgres(t *testing.T) {
	forSeeds(t, 1, framesEqualPostgres)
}

// forSeeds runs a test of random windows with as many seeds, or those that STEPPING_SEED and STEPPING_FRAMES say.
func forSeeds(t *testing.T, times int, test func(t *testing.T, seed uint64)) {
	seed := 1
	for name, to := range map[string]*int{"STEPPING_SEED": &seed, "STEPPING_FRAMES": &times} {
		if text, ok := os.LookupEnv(name); ok {
			n, err := strconv.Atoi(text)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			*to = n
		}
	}
	for n := range times {
		t.Run(fmt.Sprint(seed+n), func(t *testing.T) { test(t, uint64(seed+n)) })
	}
}

func framesEqualPostgres(t *testing.T, seed uint64) {
	dsn := embedded.NewDB(t)
	conn := connect(t, dsn)
	mustExec(t, conn, framesSchema+framesOwn)
	rnd := rand.New(rand.NewPCG(seed, 77))
	if rnd.IntN(2) == 0 {
		mustExec(t, conn, "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Europe/Berlin'); END$$")
	}
	// Version 14 has these, but does not read them.
	readable := strings.NewReplacer()
	if majorVersion(t, conn) < 15 {
		readable = strings.NewReplacer(" 2562047788:00:54.775807", "", "2562047740:00", "596523:00")
	}
	var views []plan.View
	for i := range 40 {
		views = append(views, plan.View{Name: fmt.Sprintf("frame_%d", i), Query: readable.Replace(framedView(rnd))})
	}
	for name, query := range framesOwnViews {
		views = append(views, plan.View{Name: name, Query: query})
	}
	r := newRig(t, dsn, views, rnd)
	far := false
	write := func() string {
		id := rnd.IntN(40)
		if rnd.IntN(4) == 0 {
			return fmt.Sprintf("DELETE FROM marks WHERE id = %d", id)
		}
		cols, row := []string{"id", "g", "note"}, []string{fmt.Sprint(id), []string{"NULL", "1", "1", "1", "2"}[rnd.IntN(5)], []string{"NULL", "'a'", "'B'", "'é'"}[rnd.IntN(4)]}
		var set []string
		for _, c := range framedColumns {
			v := "'" + c.pick(rnd, c.values) + "'"
			if far && c.far != "" && rnd.IntN(8) == 0 {
				v = "'" + c.pick(rnd, c.far) + "'"
			}
			if rnd.IntN(12) == 0 {
				v = "NULL"
			}
			cols, row = append(cols, c.name), append(row, v)
			if rnd.IntN(6) == 0 {
				set = append(set, c.name+" = excluded."+c.name)
			}
		}
		set = append(set, "note = excluded.note")
		return fmt.Sprintf("INSERT INTO marks (%s) VALUES (%s) ON CONFLICT (id) DO UPDATE SET %s", strings.Join(cols, ", "), readable.Replace(strings.Join(row, ", ")), strings.Join(set, ", "))
	}
	mustExec(t, r.conn, strings.Join(slices.Collect(func(yield func(string) bool) {
		for range 25 {
			yield(write())
		}
	}), ";"))
	for round := range 50 {
		far = round >= 30
		for range 1 + rnd.IntN(3) {
			mustExec(t, r.conn, write())
		}
		r.feed(2)
		r.check()
	}
	for _, v := range views {
		if r.agreed[v.Name] == 0 || r.filled[v.Name] == 0 {
			t.Errorf("%s: compared %d times, %d rows: %s", v.Name, r.agreed[v.Name], r.filled[v.Name], v.Query)
		}
	}
}
