package fn

import (
	"math"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Arithmetic of dates and timestamps
// (https://www.postgresql.org/docs/current/functions-datetime.html).

func init() {
	register("date_pli(date,int4)", strict2(func(d, n values.Datum) values.Datum { return addDays(d, n.Int64()) }))
	register("integer_pl_date(int4,date)", strict2(func(n, d values.Datum) values.Datum { return addDays(d, n.Int64()) }))
	register("date_mii(date,int4)", strict2(func(d, n values.Datum) values.Datum { return addDays(d, -n.Int64()) }))
	register("date_mi(date,date)", strict2(subtractDates))

	register("date_pl_interval(date,interval)", strict2(datePlusInterval))
	register("interval_pl_date(interval,date)", strict2(swapped(datePlusInterval)))
	register("date_mi_interval(date,interval)", strict2(dateMinusInterval))
	register("timestamp_pl_interval(timestamp,interval)", strict2(timestampPlusInterval))
	register("interval_pl_timestamp(interval,timestamp)", strict2(swapped(timestampPlusInterval)))
	register("timestamp_mi_interval(timestamp,interval)", strict2(minus(timestampPlusInterval)))
	register("timestamptz_pl_interval(timestamptz,interval)", utc2(timestampPlusInterval))
	register("interval_pl_timestamptz(interval,timestamptz)", utc2(swapped(timestampPlusInterval)))
	register("timestamptz_mi_interval(timestamptz,interval)", utc2(minus(timestampPlusInterval)))

	registerVersioned("timestamp_mi(timestamp,timestamp)", subtractTimestamps)
	registerVersioned("timestamptz_mi(timestamptz,timestamptz)", subtractTimestamps)
	registerVersioned("age(timestamp,timestamp)", func(version int) Func { return age(version, values.SplitTimestamp) })
	registerVersioned("age(timestamptz,timestamptz)", func(version int) Func {
		f := age(version, values.SplitTimestamp)
		f.Need = NeedUTC
		return f
	})

	register("isfinite(date)", strict1(func(a values.Datum) values.Datum { return values.Bool(!infiniteDate(a.Int64())) }))
	for _, typname := range []string{"timestamp", "timestamptz"} {
		register("isfinite("+typname+")", strict1(func(a values.Datum) values.Datum {
			return values.Bool(!infiniteTimestamp(a.Int64()))
		}))
	}
}

// swapped is f with its arguments the other way round.
func swapped(f func(a, b values.Datum) values.Datum) func(a, b values.Datum) values.Datum {
	return func(a, b values.Datum) values.Datum { return f(b, a) }
}

func addDays(d values.Datum, n int64) values.Datum {
	if infiniteDate(d.Int64()) {
		return d
	}
	sum := d.Int64() + n
	if sum < firstDay || sum >= endDay {
		return errDateRange
	}
	return values.Int(sum)
}

func subtractDates(a, b values.Datum) values.Datum {
	if infiniteDate(a.Int64()) || infiniteDate(b.Int64()) {
		return values.Errorf("22008", "cannot subtract infinite dates")
	}
	return values.Int(a.Int64() - b.Int64())
}

func datePlusInterval(d, span values.Datum) values.Datum {
	ts, err := dateToTimestamp(d.Int64())
	if err.IsErr() {
		return err
	}
	return timestampPlusInterval(values.Int(ts), span)
}

func dateMinusInterval(d, span values.Datum) values.Datum {
	ts, err := dateToTimestamp(d.Int64())
	if err.IsErr() {
		return err
	}
	return minus(timestampPlusInterval)(values.Int(ts), span)
}

// timestampPlusInterval adds months, then days, then microseconds; each sum must
// be a timestamp. A day that the month reached does not have becomes its last.
func timestampPlusInterval(a, span values.Datum) values.Datum {
	ts := a.Int64()
	if sign := values.IntervalInfinity(span); sign != 0 {
		if infiniteTimestamp(ts) && (ts > 0) != (sign > 0) {
			return errTimestampRange
		}
		return infinityTimestamp(sign)
	}
	if infiniteTimestamp(ts) {
		return a
	}
	months, days, micros := span.Interval()
	if months != 0 || days != 0 {
		day, clock := values.SplitTimestamp(ts)
		if months != 0 {
			day = addMonths(day, int64(months))
			if joinTimestamp(day, clock).IsErr() {
				return errTimestampRange
			}
		}
		d := joinTimestamp(day+int64(days), clock)
		if d.IsErr() {
			return d
		}
		ts = d.Int64()
	}
	sum, ok := addInt64(ts, micros)
	if !ok || !validTimestamp(sum) {
		return errTimestampRange
	}
	return values.Int(sum)
}

// minus adds the negated interval. Before version 17 the least numbers, which have no
// negation, stayed as they are.
func minus(plus func(a, span values.Datum) values.Datum) func(a, span values.Datum) values.Datum {
	return func(a, span values.Datum) values.Datum {
		minus := negateInterval(span)
		if minus.IsErr() {
			if serverVersion.Load() >= infiniteIntervals {
				return minus
			}
			months, days, micros := span.Interval()
			minus = values.MakeInterval(-months, -days, -micros)
		}
		return plus(a, minus)
	}
}

func infinityTimestamp(sign int) values.Datum {
	if sign > 0 {
		return values.Int(values.TimestampInfinity)
	}
	return values.Int(values.TimestampMinusInfinity)
}

// addMonths moves a day by months, back from beyond a month's end.
func addMonths(day, months int64) int64 {
	year, month, mday := values.CivilFromDays(day)
	n := year*monthsPerYear + int64(month-1) + months
	year = floorDiv(n, monthsPerYear)
	month = int(n-year*monthsPerYear) + 1
	return values.DaysFromCivil(year, month, min(mday, daysIn(year, month)))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func infinityInterval(sign int) values.Datum {
	if sign > 0 {
		return values.MakeInterval(math.MaxInt32, math.MaxInt32, math.MaxInt64)
	}
	return values.MakeInterval(math.MinInt32, math.MinInt32, math.MinInt64)
}

// timestampSign is 1 or -1 for an infinite timestamp, else 0.
func timestampSign(ts int64) int {
	switch ts {
	case values.TimestampInfinity:
		return 1
	case values.TimestampMinusInfinity:
		return -1
	}
	return 0
}

// subtractInfinite is the difference of timestamps of which one at least is
// infinite, where intervals can be.
func subtractInfinite(a, b int64) values.Datum {
	switch sa, sb := timestampSign(a), timestampSign(b); {
	case sa == sb:
		return errIntervalRange
	case sa != 0:
		return infinityInterval(sa)
	default:
		return infinityInterval(-sb)
	}
}

// subtractTimestamps gives days and microseconds. Before version 16 Postgres let
// the difference of timestamps far apart overflow.
func subtractTimestamps(version int) Func {
	return strict2(func(a, b values.Datum) values.Datum {
		if infiniteTimestamp(a.Int64()) || infiniteTimestamp(b.Int64()) {
			if version < infiniteIntervals {
				return values.Errorf("22008", "cannot subtract infinite timestamps")
			}
			return subtractInfinite(a.Int64(), b.Int64())
		}
		diff := a.Int64() - b.Int64()
		if version >= checkedDifference && (diff < 0) != (a.Int64() < b.Int64()) {
			return errIntervalRange
		}
		return values.MakeInterval(0, int32(diff/microsPerDay), diff%microsPerDay)
	})
}

// age is the difference in years, months, days and time, as a person counts, of what clocks
// show at two moments. Which of these is the earlier one is not read off the clocks.
func age(version int, split func(ts int64) (day, clock int64)) Func {
	return strict2(func(a, b values.Datum) values.Datum {
		from, to := b.Int64(), a.Int64()
		if infiniteTimestamp(from) || infiniteTimestamp(to) {
			if version >= infiniteIntervals {
				return subtractInfinite(to, from)
			}
			// Earlier versions take infinity for a moment of the year 294247, and
			// find no year for its opposite.
			if from == values.TimestampMinusInfinity || to == values.TimestampMinusInfinity {
				return errTimestampRange
			}
		}
		negative := to < from
		if negative {
			from, to = to, from
		}
		fromDay, fromClock := split(from)
		toDay, toClock := split(to)
		y1, m1, d1 := values.CivilFromDays(fromDay)
		y2, m2, d2 := values.CivilFromDays(toDay)
		months := (y2-y1)*monthsPerYear + int64(m2-m1)
		days, micros := int64(d2-d1), toClock-fromClock
		if micros < 0 {
			micros += microsPerDay
			days--
		}
		// The days borrowed are those of the earlier moment's month.
		for days < 0 {
			days += int64(daysIn(y1, m1))
			months--
		}
		if negative {
			months, days, micros = -months, -days, -micros
		}
		return values.MakeInterval(int32(months), int32(days), micros)
	})
}
