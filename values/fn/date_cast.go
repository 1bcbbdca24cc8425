package fn

import (
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Casts between dates and times, and to their declared precision.

func init() {
	register("timestamp(date)", strict1(castDateTimestamp))
	register("timestamptz(date)", utc1(castDateTimestamp))
	register("date(timestamp)", strict1(castTimestampDate))
	register("date(timestamptz)", utc1(castTimestampDate))
	register("timestamptz(timestamp)", utc1(identity))
	register("timestamp(timestamptz)", utc1(identity))
	register("time(timestamp)", strict1(castTimestampTime))
	register("time(timestamptz)", utc1(castTimestampTime))
	register("timetz(timestamptz)", utc1(castTimestampTime))
	register("timetz(time)", utc1(identity))
	register("time(timetz)", strict1(func(a values.Datum) values.Datum { return values.Int(a.Int64()) }))
	registerVersioned("time(interval)", castIntervalTime)
	register("interval(time)", strict1(func(a values.Datum) values.Datum {
		return values.MakeInterval(0, 0, a.Int64())
	}))

	register("timestamp(timestamp,int4)", strict2(func(a, typmod values.Datum) values.Datum {
		return roundTimestamp(a, typmod, "timestamp")
	}))
	register("timestamptz(timestamptz,int4)", strict2(func(a, typmod values.Datum) values.Datum {
		return roundTimestamp(a, typmod, "timestamp")
	}))
	register("time(time,int4)", strict2(roundTime))
	register("timetz(timetz,int4)", strict2(roundTime))
	registerVersioned("interval(interval,int4)", roundInterval)
}

func castDateTimestamp(a values.Datum) values.Datum {
	ts, err := dateToTimestamp(a.Int64())
	if err.IsErr() {
		return err
	}
	return values.Int(ts)
}

func castTimestampDate(a values.Datum) values.Datum {
	switch a.Int64() {
	case values.TimestampInfinity:
		return values.Int(values.DateInfinity)
	case values.TimestampMinusInfinity:
		return values.Int(values.DateMinusInfinity)
	}
	day, _ := values.SplitTimestamp(a.Int64())
	return values.Int(day)
}

// castTimestampTime is the time of day; infinity has none.
func castTimestampTime(a values.Datum) values.Datum {
	if infiniteTimestamp(a.Int64()) {
		return values.Null
	}
	return values.Int(wrapTime(a.Int64()))
}

func castIntervalTime(version int) Func {
	return strict1(func(a values.Datum) values.Datum {
		if values.IntervalInfinity(a) != 0 {
			return values.Errorf("22008", "cannot convert infinite interval to time")
		}
		_, _, micros := a.Interval()
		if version < infiniteIntervals && micros < 0 {
			// As it was computed, which overflowed in the last day of all.
			return values.Int(micros + (-micros+microsPerDay-1)/microsPerDay*microsPerDay)
		}
		return values.Int(wrapTime(micros))
	})
}

const maxPrecision = 6 // digits of a fraction of a second

// precisionUnit is what a time of this precision is a multiple of, in
// microseconds.
var precisionUnit = [maxPrecision + 1]int64{1_000_000, 100_000, 10_000, 1_000, 100, 10, 1}

// roundMultiple rounds to a multiple of unit, half away from zero.
func roundMultiple(micros, unit int64) int64 {
	if unit == 1 {
		return micros
	}
	if micros < 0 {
		return -((-micros + unit/2) / unit * unit)
	}
	return (micros + unit/2) / unit * unit
}

func roundTimestamp(a, typmod values.Datum, typname string) values.Datum {
	precision := typmod.Int64()
	if infiniteTimestamp(a.Int64()) || precision == -1 || precision == maxPrecision {
		return a
	}
	if precision < 0 || precision > maxPrecision {
		return values.Errorf("22023", "%s(%d) precision must be between %d and %d", typname, precision, 0, maxPrecision)
	}
	return values.Int(roundMultiple(a.Int64(), precisionUnit[precision]))
}

func roundTime(a, typmod values.Datum) values.Datum {
	precision := typmod.Int64()
	if precision < 0 || precision > maxPrecision {
		return a
	}
	return values.Make("", roundMultiple(a.Int64(), precisionUnit[precision]), a.Aux())
}

// The bits of an interval's typmod that name its fields (INTERVAL YEAR TO MONTH
// …), and its precision below them.
const (
	fieldMonth  = 1 << 1
	fieldYear   = 1 << 2
	fieldDay    = 1 << 3
	fieldHour   = 1 << 10
	fieldMinute = 1 << 11
	fieldSecond = 1 << 12
	fieldsAll   = 0x7fff

	precisionAll = 0xffff
)

// roundInterval drops what is smaller than the last of the fields, then rounds
// the seconds.
func roundInterval(version int) Func {
	return strict2(func(a, typmod values.Datum) values.Datum {
		if values.IntervalInfinity(a) != 0 || typmod.Int64() < 0 {
			return a
		}
		months, days, micros := a.Interval()
		switch fields := typmod.Int64() >> 16 & fieldsAll; fields {
		case fieldYear:
			months, days, micros = months/monthsPerYear*monthsPerYear, 0, 0
		case fieldMonth, fieldYear | fieldMonth:
			days, micros = 0, 0
		case fieldDay:
			micros = 0
		case fieldHour, fieldDay | fieldHour:
			micros = micros / microsPerHour * microsPerHour
		case fieldMinute, fieldHour | fieldMinute, fieldDay | fieldHour | fieldMinute:
			micros = micros / microsPerMinute * microsPerMinute
		case fieldSecond, fieldMinute | fieldSecond, fieldHour | fieldMinute | fieldSecond,
			fieldDay | fieldHour | fieldMinute | fieldSecond, fieldsAll:
		default:
			return values.Errorf("XX000", "unrecognized interval typmod: %d", typmod.Int64())
		}
		if precision := typmod.Int64() & precisionAll; precision != precisionAll {
			if precision > maxPrecision {
				return values.Errorf("22023", "interval(%d) precision must be between %d and %d", precision, 0, maxPrecision)
			}
			rounded := roundMultiple(micros, precisionUnit[precision])
			if version >= infiniteIntervals && (rounded^micros) < 0 && rounded != 0 {
				return errIntervalRange
			}
			micros = rounded
		}
		return values.MakeInterval(months, days, micros)
	})
}
