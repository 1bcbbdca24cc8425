package fn

import (
	"math"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// EXTRACT, a numeric, and date_part, a float8: the same fields, each computed in
// its own kind of number. What depends on the zone is exact in UTC.
// (https://www.postgresql.org/docs/current/functions-datetime.html#FUNCTIONS-DATETIME-EXTRACT)

func init() {
	for _, x := range []struct {
		name string
		out  output
	}{{"extract", numericOutput{}}, {"date_part", floatOutput{}}} {
		out := x.out
		register(x.name+"(text,timestamp)", strict2(func(field, a values.Datum) values.Datum {
			return extractTimestamp(out, nil, field, a.Int64(), timestampName)
		}))
		register(x.name+"(text,timestamptz)", utc2(func(field, a values.Datum) values.Datum {
			return extractTimestamp(out, nil, field, a.Int64(), timestamptzName)
		}))
		register(x.name+"(text,time)", strict2(func(field, a values.Datum) values.Datum {
			return extractTime(out, field, a, timeName)
		}))
		register(x.name+"(text,timetz)", strict2(func(field, a values.Datum) values.Datum {
			return extractTime(out, field, a, timetzName)
		}))
		registerVersioned(x.name+"(text,interval)", func(version int) Func {
			return strict2(func(field, a values.Datum) values.Datum {
				return extractInterval(out, version, field, a)
			})
		})
	}
	register("extract(text,date)", strict2(extractDate))
	register("date_part(text,date)", strict2(func(field, a values.Datum) values.Datum {
		ts, err := dateToTimestamp(a.Int64())
		if err.IsErr() {
			return err
		}
		return extractTimestamp(floatOutput{}, nil, field, ts, timestampName)
	}))
}

// output makes the number a field is given as.
type output interface {
	whole(v int64) values.Datum
	infinity(sign int) values.Datum
	// milliseconds and seconds of the microseconds of a minute.
	milliseconds(micros int64) values.Datum
	seconds(micros int64) values.Datum
	julian(julianDay, micros int64) values.Datum
	// unix is the seconds since 1970 of a timestamp.
	unix(ts int64) values.Datum
	// span is the seconds of microseconds of any number.
	span(micros int64) values.Datum
	// interval is the seconds of an interval, with its years of 365.25 days.
	interval(months, days int32, micros int64) values.Datum
}

type numericOutput struct{}

var (
	numericInfinity      = values.ParseNumeric("Infinity")
	numericMinusInfinity = values.ParseNumeric("-Infinity")
)

func (numericOutput) whole(v int64) values.Datum { return values.NumericFromInt(v, 0) }

func (numericOutput) infinity(sign int) values.Datum {
	if sign > 0 {
		return numericInfinity
	}
	return numericMinusInfinity
}

func (numericOutput) milliseconds(micros int64) values.Datum { return values.NumericFromInt(micros, 3) }

func (numericOutput) seconds(micros int64) values.Datum { return values.NumericFromInt(micros, 6) }

func (numericOutput) julian(julianDay, micros int64) values.Datum {
	return values.NumericAdd(values.NumericFromInt(julianDay, 0),
		values.NumericDiv(values.NumericFromInt(micros, 0), values.NumericFromInt(microsPerDay, 0)))
}

// unix divides in a few digits less where the microseconds are no int64, as Postgres does.
func (numericOutput) unix(ts int64) values.Datum {
	const origin = unixEpochDays * microsPerDay
	if ts < math.MaxInt64+origin {
		return values.NumericFromInt(ts-origin, 6)
	}
	micros := values.NumericSub(values.NumericFromInt(ts, 0), values.NumericFromInt(origin, 0))
	return values.NumericRound(values.NumericDiv(micros, values.NumericFromInt(microsPerSecond, 0)), 6)
}

func (numericOutput) span(micros int64) values.Datum { return values.NumericFromInt(micros, 6) }

func (numericOutput) interval(months, days int32, micros int64) values.Datum {
	m, d := int64(months), int64(days)
	quarters := m/monthsPerYear*(4*365+1) + m%monthsPerYear*(4*daysPerMonth) + 4*d
	return values.NumericAdd(values.NumericFromInt(micros, 6), values.NumericFromInt(quarters*(secondsPerDay/4), 0))
}

// floatOutput computes in the order Postgres does; the conversions keep Go from
// fusing a multiplication with an addition, which rounds once less.
type floatOutput struct{}

func (floatOutput) whole(v int64) values.Datum { return values.Float(float64(v)) }

func (floatOutput) infinity(sign int) values.Datum { return values.Float(math.Inf(sign)) }

func (floatOutput) milliseconds(micros int64) values.Datum {
	return values.Float(float64(float64(micros/microsPerSecond)*1000.0) + float64(micros%microsPerSecond)/1000.0)
}

func (floatOutput) seconds(micros int64) values.Datum {
	return values.Float(float64(micros/microsPerSecond) + float64(micros%microsPerSecond)/microsPerSecond)
}

func (floatOutput) julian(julianDay, micros int64) values.Datum {
	seconds := float64(micros/microsPerSecond) + float64(micros%microsPerSecond)/microsPerSecond
	return values.Float(float64(julianDay) + seconds/secondsPerDay)
}

func (floatOutput) unix(ts int64) values.Datum {
	const origin = unixEpochDays * microsPerDay
	if ts < math.MaxInt64+origin {
		return values.Float(float64(ts-origin) / microsPerSecond)
	}
	return values.Float((float64(ts) - origin) / microsPerSecond)
}

func (floatOutput) span(micros int64) values.Datum {
	return values.Float(float64(micros) / microsPerSecond)
}

func (floatOutput) interval(months, days int32, micros int64) values.Datum {
	f := float64(micros) / microsPerSecond
	f += float64(365.25 * secondsPerDay * float64(months/monthsPerYear))
	f += float64(daysPerMonth * secondsPerDay * float64(months%monthsPerYear))
	f += float64(secondsPerDay * float64(days))
	return values.Float(f)
}

// infinitePart is a field of infinity: none where it goes round, infinite where
// it grows for ever.
func infinitePart(out output, u unit, field values.Datum, sign int, typname string) values.Datum {
	switch u {
	case noUnit, otherWord:
		return errUnit(u, field, typname)
	case year, decade, century, millennium, isoyear, julian, epoch:
		return out.infinity(sign)
	}
	return values.Null
}

// extractTimestamp is a field of what clocks show in a zone, nil for UTC.
func extractTimestamp(out output, z *Zone, field values.Datum, ts int64, typname string) values.Datum {
	u := extractUnit(field)
	if sign := timestampSign(ts); sign != 0 {
		return infinitePart(out, u, field, sign, typname)
	}
	days, clock := z.localOf(ts)
	switch u {
	case julian:
		return out.julian(days+epochJulian, clock)
	case epoch:
		return out.unix(ts)
	case timezone, timezoneHour, timezoneMinute:
		if typname != timestamptzName {
			return errUnit(u, field, typname)
		}
		switch offset := z.Offset(floorDiv(ts, microsPerSecond)); u {
		case timezoneHour:
			return out.whole(offset / 3600)
		case timezoneMinute:
			return out.whole(offset / 60 % 60)
		default:
			return out.whole(offset)
		}
	}
	if d := clockPart(out, u, clock); !d.IsNull() {
		return d
	}
	if v, ok := dayPart(u, days); ok {
		return out.whole(v)
	}
	return errUnit(u, field, typname)
}

// clockPart is a field of a time of day; NULL if it is none of one.
func clockPart(out output, u unit, clock int64) values.Datum {
	switch u {
	case hour:
		return out.whole(clock / microsPerHour)
	case minute:
		return out.whole(clock / microsPerMinute % 60)
	case second:
		return out.seconds(clock % microsPerMinute)
	case millisecond:
		return out.milliseconds(clock % microsPerMinute)
	case microsecond:
		return out.whole(clock % microsPerMinute)
	}
	return values.Null
}

// dayPart is a field of a date.
func dayPart(u unit, days int64) (v int64, ok bool) {
	switch u {
	case dow:
		return weekday(days+1) % 7, true
	case isodow:
		return weekday(days) + 1, true
	case week, isoyear:
		// A week belongs to the year of its Thursday.
		thursday := days - weekday(days) + 3
		y, _, _ := values.CivilFromDays(thursday)
		if u == isoyear {
			return withoutYearZero(y), true
		}
		return (thursday-values.DaysFromCivil(y, 1, 1))/7 + 1, true
	}
	y, m, d := values.CivilFromDays(days)
	switch u {
	case day:
		return int64(d), true
	case month:
		return int64(m), true
	case quarter:
		return int64(m-1)/3 + 1, true
	case year:
		return withoutYearZero(y), true
	case decade:
		return floorDiv(y, 10), true
	case century:
		return yearsCount(y, 100), true
	case millennium:
		return yearsCount(y, 1000), true
	case doy:
		return days - values.DaysFromCivil(y, 1, 1) + 1, true
	}
	return 0, false
}

// weekday counts from Monday, 0; 2000-01-01 was a Saturday.
func weekday(days int64) int64 { return days + 5 - floorDiv(days+5, 7)*7 }

// withoutYearZero turns the astronomical year into the historical one: after 1 BC
// comes 1 AD.
func withoutYearZero(y int64) int64 {
	if y <= 0 {
		return y - 1
	}
	return y
}

// yearsCount numbers the centuries or millennia, from the year 1 on and back.
func yearsCount(y, length int64) int64 {
	if y > 0 {
		return (y + length - 1) / length
	}
	return -((length - y) / length)
}

// extractDate differs from a timestamp's midnight in what it refuses, and in the
// scale of its epoch.
func extractDate(field, a values.Datum) values.Datum {
	out, u := numericOutput{}, extractUnit(field)
	switch u {
	case noUnit, hour, minute, second, millisecond, microsecond, timezone, timezoneHour, timezoneMinute:
		return errUnit(u, field, dateName)
	}
	days := a.Int64()
	switch days {
	case values.DateInfinity:
		return infinitePart(out, u, field, 1, dateName)
	case values.DateMinusInfinity:
		return infinitePart(out, u, field, -1, dateName)
	}
	switch u {
	case julian:
		return out.whole(days + epochJulian)
	case epoch:
		return out.whole((days - unixEpochDays) * secondsPerDay)
	}
	if v, ok := dayPart(u, days); ok {
		return out.whole(v)
	}
	return errUnit(u, field, dateName)
}

func extractTime(out output, field, a values.Datum, typname string) values.Datum {
	u := timeUnit(field)
	if d := clockPart(out, u, a.Int64()); !d.IsNull() {
		return d
	}
	west := int64(a.Aux())
	if u == epoch {
		return out.span(a.Int64() + west*microsPerSecond)
	}
	if typname == timetzName {
		switch u {
		case timezone:
			return out.whole(-west)
		case timezoneHour:
			return out.whole(-west / 3600)
		case timezoneMinute:
			return out.whole(-west / 60 % 60)
		}
	}
	return errUnit(u, field, typname)
}

// extractInterval reads the fields as they stand, each with its own sign.
func extractInterval(out output, version int, field, a values.Datum) values.Datum {
	u := timeUnit(field)
	months, days, micros := a.Interval()
	if sign := values.IntervalInfinity(a); sign != 0 {
		return infiniteIntervalPart(out, version, field, sign)
	}
	y := int64(months / monthsPerYear)
	switch u {
	case hour:
		return out.whole(micros / microsPerHour)
	case day:
		return out.whole(int64(days))
	case week:
		if version >= intervalWeeks {
			return out.whole(int64(days / 7))
		}
	case month:
		return out.whole(int64(months % monthsPerYear))
	case quarter:
		if months < 0 && version >= intervalWeeks {
			return out.whole(-int64(-months%monthsPerYear/3 + 1))
		}
		return out.whole(int64(months%monthsPerYear/3 + 1))
	case year:
		return out.whole(y)
	case decade:
		return out.whole(y / 10)
	case century:
		return out.whole(y / 100)
	case millennium:
		return out.whole(y / 1000)
	case epoch:
		return out.interval(months, days, micros)
	default:
		if d := clockPart(out, u, micros); !d.IsNull() {
			return d
		}
	}
	return errUnit(u, field, intervalName)
}

func infiniteIntervalPart(out output, version int, field values.Datum, sign int) values.Datum {
	u := extractUnit(field)
	switch u {
	case microsecond, millisecond, second, minute, month, quarter:
		return values.Null
	case week:
		if version >= intervalWeeks {
			return values.Null
		}
	case hour, day, year, decade, century, millennium, epoch:
		return out.infinity(sign)
	}
	return errUnit(u, field, intervalName)
}
