package turn

import (
	"math/rand/v2"
	"testing"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

var (
	intervalSpan = &expr.Col{Index: 0, Name: "iv", T: values.IntervalType}
	timeColumn   = &expr.Col{Index: 1, Name: "lt", T: values.TimestampType}
	numberColumn = &expr.Col{Index: 2, Name: "n", T: values.Int4Type}
	dateColumn   = &expr.Col{Index: 3, Name: "d", T: values.DateType}
)

const timeAt = 4 // where the time is in a row

func call(t *testing.T, signature string, result *values.Type, args ...expr.Expr) *expr.Native {
	t.Helper()
	types := make([]*values.Type, len(args))
	for i, a := range args {
		types[i] = a.Type()
	}
	f := fn.Lookup(signature, types, result)
	if f == nil {
		t.Fatalf("there is no %s", signature)
	}
	return &expr.Native{Func: f, Name: signature, Args: args, T: result}
}

func compare(e *expr.Native, op string) *expr.Native { e.Cmp = op; return e }

func text(s string) expr.Expr { return &expr.Const{V: values.String(s), T: values.TextType} }

// TestNext: the value is the same at all times up to the next turn, which is found from each
// of them, and another one there. Where turns lie close together, around the ends of months,
// they are counted one by one.
func TestNext(t *testing.T) {
	fn.SetServerVersion(15)
	stamp := func() *expr.Clock { return &expr.Clock{H: &expr.Col{T: values.TimestampType}, Calm: true} }
	day := func() *expr.Clock { return &expr.Clock{H: &expr.Col{T: values.DateType}, Calm: true} }
	minus := call(t, "timestamp_mi_interval(timestamp,interval)", values.TimestampType, stamp(), intervalSpan)
	twice := call(t, "timestamp_pl_interval(timestamp,interval)", values.TimestampType, minus, intervalSpan)
	since := call(t, "timestamp_mi(timestamp,timestamp)", values.IntervalType, stamp(), timeColumn)
	until := call(t, "timestamp_mi(timestamp,timestamp)", values.IntervalType, timeColumn, stamp())
	age := call(t, "age(timestamp,timestamp)", values.IntervalType, stamp(), timeColumn)
	back := call(t, "age(timestamp,timestamp)", values.IntervalType, timeColumn, stamp())
	numeric := values.NumericType
	zone := summers()
	if zone == nil {
		t.Fatal("not a zone")
	}
	zoned := func(signature string, result *values.Type, args ...expr.Expr) *expr.Native {
		e := call(t, signature, result, args...)
		if e.Func = zone.Lookup(signature); e.Func == nil {
			t.Fatalf("there is no %s in a zone", signature)
		}
		return e
	}
	tz := values.TimestampTZType
	now, ts := expr.NewClock(), &expr.Col{Index: 1, Name: "ts", T: tz}
	minusIn := zoned("timestamptz_mi_interval(timestamptz,interval)", tz, now, intervalSpan)
	plusIn := zoned("timestamptz_pl_interval(timestamptz,interval)", tz, minusIn, intervalSpan)
	localIn := zoned("timestamp(timestamptz)", values.TimestampType, minusIn)
	ageIn := zoned("age(timestamptz,timestamptz)", values.IntervalType, now, ts)
	backIn := zoned("age(timestamptz,timestamptz)", values.IntervalType, ts, now)
	cases := map[string]*expr.Native{
		"shift":                compare(call(t, "timestamp_lt(timestamp,timestamp)", values.BoolType, minus, timeColumn), "<"),
		"shift, equal":         compare(call(t, "timestamp_eq(timestamp,timestamp)", values.BoolType, timeColumn, minus), "="),
		"there, back":          compare(call(t, "timestamp_ge(timestamp,timestamp)", values.BoolType, twice, timeColumn), ">="),
		"of dates":             call(t, "date_gt_timestamp(date,timestamp)", values.BoolType, dateColumn, call(t, "date_pl_interval(date,interval)", values.TimestampType, day(), intervalSpan)),
		"days":                 compare(call(t, "int4lt(int4,int4)", values.BoolType, call(t, "date_mi(date,date)", values.Int4Type, day(), dateColumn), numberColumn), "<"),
		"length":               compare(call(t, "interval_lt(interval,interval)", values.BoolType, since, intervalSpan), "<"),
		"age":                  compare(call(t, "interval_lt(interval,interval)", values.BoolType, age, intervalSpan), "<"),
		"age back":             compare(call(t, "interval_lt(interval,interval)", values.BoolType, back, intervalSpan), "<"),
		"age's year":           call(t, "extract(text,interval)", numeric, text("year"), age),
		"age's month":          call(t, "extract(text,interval)", numeric, text("month"), back),
		"day":                  call(t, "extract(text,interval)", numeric, text("day"), since),
		"hour":                 call(t, "extract(text,interval)", numeric, text("HOUR"), until),
		"hours":                call(t, "date_trunc(text,interval)", values.IntervalType, text("hour"), until),
		"date":                 call(t, "date(timestamp)", values.DateType, minus),
		"month":                call(t, "date_trunc(text,timestamp)", values.TimestampType, text("month"), twice),
		"hour of day":          call(t, "extract(text,timestamp)", numeric, text("hour"), minus),
		"rounded":              call(t, "floor(numeric)", numeric, call(t, "numeric_div(numeric,numeric)", numeric, call(t, "extract(text,interval)", numeric, text("epoch"), since), &expr.Const{V: values.NumericFromInt(-3600, 0), T: numeric})),
		"zone: shift":          compare(call(t, "timestamptz_lt(timestamptz,timestamptz)", values.BoolType, minusIn, ts), "<"),
		"zone: shift, equal":   compare(call(t, "timestamptz_eq(timestamptz,timestamptz)", values.BoolType, ts, minusIn), "="),
		"zone: there, back":    compare(call(t, "timestamptz_ge(timestamptz,timestamptz)", values.BoolType, plusIn, ts), ">="),
		"zone: date":           zoned("date(timestamptz)", values.DateType, minusIn),
		"zone: local":          compare(call(t, "timestamp_lt(timestamp,timestamp)", values.BoolType, localIn, timeColumn), "<"),
		"zone: its hour":       zoned("extract(text,timestamptz)", numeric, text("hour"), minusIn),
		"zone: its month":      zoned("date_part(text,timestamptz)", values.Float8Type, text("month"), plusIn),
		"zone: hours":          zoned("date_trunc(text,timestamptz)", tz, text("hour"), minusIn),
		"zone: weeks":          zoned("date_trunc(text,timestamptz)", tz, text("week"), now),
		"zone: day by day":     compare(call(t, "timestamptz_le(timestamptz,timestamptz)", values.BoolType, zoned("date_trunc(text,timestamptz)", tz, text("day"), minusIn), ts), "<="),
		"zone: and local":      zoned("timestamptz_ge_timestamp(timestamptz,timestamp)", values.BoolType, minusIn, timeColumn),
		"zone: and date":       zoned("date_lt_timestamptz(date,timestamptz)", values.BoolType, dateColumn, plusIn),
		"zone: local and time": zoned("timestamp_gt_timestamptz(timestamp,timestamptz)", values.BoolType, localIn, ts),
		"of dates, equal":      call(t, "timestamp_eq_date(timestamp,date)", values.BoolType, call(t, "date_pl_interval(date,interval)", values.TimestampType, day(), intervalSpan), dateColumn),
		"zone: no local":       zoned("timestamptz_ne_timestamp(timestamptz,timestamp)", values.BoolType, minusIn, timeColumn),
		"zone: date and local": zoned("date_eq_timestamptz(date,timestamptz)", values.BoolType, call(t, "date_mii(date,int4)", values.DateType, day(), numberColumn), ts),
		"zone: day and time":   zoned("timestamptz_lt_date(timestamptz,date)", values.BoolType, ts, call(t, "date_mii(date,int4)", values.DateType, day(), numberColumn)),
		"zone: hour":           call(t, "extract(text,timestamp)", numeric, text("hour"), localIn),
		"zone: local and back": compare(call(t, "timestamptz_le(timestamptz,timestamptz)", values.BoolType, zoned("timestamptz(timestamp)", tz, call(t, "timestamp_pl_interval(timestamp,interval)", values.TimestampType, localIn, intervalSpan)), ts), "<="),
		"zone: midnight":       compare(call(t, "timestamptz_le(timestamptz,timestamptz)", values.BoolType, zoned("timestamptz(date)", tz, call(t, "date_mii(date,int4)", values.DateType, day(), numberColumn)), ts), "<="),
		"zone: age":            compare(call(t, "interval_lt(interval,interval)", values.BoolType, ageIn, intervalSpan), "<"),
		"zone: age back":       compare(call(t, "interval_lt(interval,interval)", values.BoolType, backIn, intervalSpan), "<"),
		"zone: age's month":    call(t, "extract(text,interval)", numeric, text("month"), backIn),
		"days and more":        compare(call(t, "numeric_gt(numeric,numeric)", values.BoolType, call(t, "extract(text,interval)", numeric, text("day"), since), call(t, "numeric(int4)", numeric, numberColumn)), ">"),
	}
	for name, e := range cases {
		t.Run(name, func(t *testing.T) {
			turn := Of(e)
			if turn == nil {
				t.Fatal("not known to be one")
			}
			parts := turn.Parts()
			for i, p := range parts {
				parts[i] = expr.Map(p, func(e expr.Expr) expr.Expr {
					if c, ok := e.(*expr.Clock); ok {
						return &expr.Col{Index: timeAt, T: c.Type()}
					}
					return e
				})
			}
			turn = turn.With(parts)
			f, value := turn.Finder(timeAt), expr.Compile(turn.Value)
			rnd := rand.New(rand.NewPCG(3, uint64(len(name))))
			turns := 0
			for range 100 {
				turns += follow(t, rnd, f, value)
			}
			if turns < 60 {
				t.Errorf("only %d turns", turns)
			}
		})
	}
}

// summers is a zone in which clocks are put forward and back each year, by half an hour up to two, and once
// by half a day.
func summers() *fn.Zone {
	var out []fn.Transition
	for year := int64(0); year < 40; year++ {
		spring := (year*1461/4 + 90) * 86400
		out = append(out, fn.Transition{At: spring + 3600, Offset: 3600 + 1800*(1+year%4)}, fn.Transition{At: spring + 210*86400, Offset: 3600})
	}
	out = append(out[:50], out[51:]...)
	out[50].Offset = 3600 - 86400/2
	return fn.NewZone("Test/Summers", 3600, out)
}

// follow goes from turn to turn of one row.
func follow(t *testing.T, rnd *rand.Rand, f *Finder, value expr.Eval) (turns int) {
	t.Helper()
	const epoch2024 = 8766 * microsPerDay
	unit := int64(f.unit)
	at := func() int64 {
		v := epoch2024 + rnd.Int64N(400)*microsPerDay
		switch rnd.IntN(3) {
		case 0:
			v += rnd.Int64N(48) * microsPerHour / 2
		case 1:
			v += rnd.Int64N(microsPerDay)
		}
		if rnd.IntN(4) == 0 { // around a transition of summers
			v = ((24+rnd.Int64N(2))*1461/4+90+210*rnd.Int64N(2))*microsPerDay + rnd.Int64N(10)*microsPerHour/2
		}
		return v
	}
	spans := []values.Datum{
		values.MakeInterval(0, 0, rnd.Int64N(microsPerDay)), values.MakeInterval(0, int32(rnd.IntN(90)-45), 0),
		values.MakeInterval(int32(rnd.IntN(27)-13), 0, 0), values.MakeInterval(int32(rnd.IntN(27)-13), int32(rnd.IntN(30)), -rnd.Int64N(microsPerDay)),
		values.MakeInterval(1, 0, 0),
	}
	row := []values.Datum{spans[rnd.IntN(len(spans))], values.Int(at()), values.Int(rnd.Int64N(80)), values.Int(at() / microsPerDay), values.Null}
	ask := func(t int64) values.Datum { row[timeAt] = values.Int(t); return value(row) }
	now := (at() - rnd.Int64N(500)*microsPerDay) / unit
	for range 12 {
		v := ask(now)
		row[timeAt] = values.Int(now)
		next := f.Next(row)
		if row[timeAt] != values.Int(now) {
			t.Fatal("the row was changed")
		}
		if next <= now {
			t.Fatalf("the next turn after %d is at %d: %v", now, next, row)
		}
		// Half-hours up to the turn, or for some months, and the moments around them.
		end := min(next, now+200*microsPerDay/unit)
		step := max((end-now)/400, 1)
		for s := now; s < end; s += 1 + rnd.Int64N(2*step) {
			if got := ask(s); got != v {
				t.Fatalf("at %d it is %v, at %d %v, before %d: %v", now, v, s, got, next, row)
			}
			if row[timeAt] = values.Int(s); rnd.IntN(60) == 0 && f.Next(row) != next {
				t.Fatalf("from %d the next turn is at %d, from %d at %d: %v", now, next, s, f.Next(row), row)
			}
		}
		if next == Never {
			break
		}
		if got := ask(next - 1); got != v {
			t.Fatalf("just before %d it is %v, at %d %v: %v", next, got, now, v, row)
		}
		turns++
		now = next
	}
	return turns
}
