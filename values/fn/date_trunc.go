package fn

import (
	"github.com/stepping-cdc/stepping-cdc/values"
)

// date_trunc and date_bin: the moment at which a period began.

func init() {
	registerVersioned("date_trunc(text,timestamp)", func(version int) Func {
		return strict2(func(field, a values.Datum) values.Datum {
			return truncTimestamp(version, nil, field, a, timestampName)
		})
	})
	registerVersioned("date_trunc(text,timestamptz)", func(version int) Func {
		return utc2(func(field, a values.Datum) values.Datum {
			return truncTimestamp(version, nil, field, a, timestamptzName)
		})
	})
	registerVersioned("date_trunc(text,interval)", truncInterval)
	register("date_bin(interval,timestamp,timestamp)", strict3(dateBin))
	register("date_bin(interval,timestamptz,timestamptz)", strict3(dateBin))
}

// checkInfiniteTrunc is what date_trunc makes of infinity: itself, but from
// version 18 on an error for what is no field.
func checkInfiniteTrunc(version int, field, a values.Datum, typname string) values.Datum {
	if version >= 18 {
		switch u := truncUnit(field); u {
		case noUnit, timezone, timezoneHour, timezoneMinute:
			return errUnit(u, field, typname)
		}
	}
	return a
}

// truncTimestamp is the beginning of a period in a zone, nil for UTC. Of an hour and less
// that is by the offset of the time itself.
func truncTimestamp(version int, z *Zone, field, a values.Datum, typname string) values.Datum {
	ts := a.Int64()
	if infiniteTimestamp(ts) {
		return checkInfiniteTrunc(version, field, a, typname)
	}
	u := truncUnit(field)
	days, clock := z.localOf(ts)
	back := func(unit int64) values.Datum {
		if ts -= clock % unit; !validTimestamp(ts) {
			return errTimestampRange
		}
		return values.Int(ts)
	}
	switch u {
	case microsecond:
		return a
	case millisecond:
		return back(1000)
	case second:
		return back(microsPerSecond)
	case minute:
		return back(microsPerMinute)
	case hour:
		return back(microsPerHour)
	case day:
		return z.momentOf(days, 0)
	case week:
		return z.momentOf(days-weekday(days), 0)
	}
	y, m, _ := values.CivilFromDays(days)
	switch u {
	case month:
	case quarter:
		m = (m-1)/3*3 + 1
	case year:
		m = 1
	case decade:
		y, m = floorDiv(y, 10)*10, 1
	case century:
		y, m = firstYear(y, 100), 1
	case millennium:
		y, m = firstYear(y, 1000), 1
	default:
		return errUnit(u, field, typname)
	}
	return z.momentOf(values.DaysFromCivil(y, m, 1), 0)
}

// firstYear is the first year of y's century or millennium.
func firstYear(y, length int64) int64 { return floorDiv(y-1, length)*length + 1 }

// truncInterval clears the fields below the named one.
func truncInterval(version int) Func {
	return strict2(func(field, a values.Datum) values.Datum {
		u := truncUnit(field)
		if values.IntervalInfinity(a) != 0 {
			if u == week && version >= 18 {
				return errUnit(u, field, intervalName)
			}
			return checkInfiniteTrunc(version, field, a, intervalName)
		}
		months, days, micros := a.Interval()
		below := func(unit int64) values.Datum { return values.MakeInterval(months, days, micros/unit*unit) }
		years := func(n int32) values.Datum {
			return values.MakeInterval(months/(n*monthsPerYear)*(n*monthsPerYear), 0, 0)
		}
		switch u {
		case microsecond:
			return a
		case millisecond:
			return below(1000)
		case second:
			return below(microsPerSecond)
		case minute:
			return below(microsPerMinute)
		case hour:
			return below(microsPerHour)
		case day:
			return values.MakeInterval(months, days, 0)
		case month:
			return values.MakeInterval(months, 0, 0)
		case quarter:
			return values.MakeInterval(months/3*3, 0, 0)
		case year:
			return years(1)
		case decade:
			return years(10)
		case century:
			return years(100)
		case millennium:
			return years(1000)
		case week:
			if version < unifiedErrors {
				return values.Errorf("0A000", "interval units \"%s\" not supported because months usually have fractional weeks",
					identifier(field))
			}
		}
		return errUnit(u, field, intervalName)
	})
}

// dateBin is the start of the bin of this width, counted from an origin.
func dateBin(stride, a, origin values.Datum) values.Datum {
	if infiniteTimestamp(a.Int64()) {
		return a
	}
	if infiniteTimestamp(origin.Int64()) {
		return values.Errorf("22008", "origin out of range")
	}
	if values.IntervalInfinity(stride) != 0 {
		return values.Errorf("22008", "timestamps cannot be binned into infinite intervals")
	}
	months, days, micros := stride.Interval()
	if months != 0 {
		return values.Errorf("0A000", "timestamps cannot be binned into intervals containing months or years")
	}
	if days > endStampDay || days < -endStampDay {
		return errIntervalRange
	}
	width, ok := addInt64(int64(days)*microsPerDay, micros)
	if !ok {
		return errIntervalRange
	}
	if width <= 0 {
		return values.Errorf("22008", "stride must be greater than zero")
	}
	diff := a.Int64() - origin.Int64()
	if (diff < 0) != (a.Int64() < origin.Int64()) {
		return errIntervalRange
	}
	start := diff - diff%width
	if diff%width < 0 {
		if start, ok = addInt64(start, -width); !ok {
			return errIntervalRange
		}
	}
	ts, ok := addInt64(origin.Int64(), start)
	if !ok || !validTimestamp(ts) {
		return errTimestampRange
	}
	return values.Int(ts)
}
