package fn

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Dates, timestamps and intervals made of numbers.

func init() {
	register("make_date(int4,int4,int4)", strict3(makeDate))
	stamp := Func{Strict: true, FN: makeTimestamp}
	register("make_timestamp(int4,int4,int4,int4,int4,float8)", stamp)
	stamp.Need = NeedUTC
	register("make_timestamptz(int4,int4,int4,int4,int4,float8)", stamp)
	registerVersioned("make_interval(int4,int4,int4,int4,int4,int4,float8)", makeIntervalOf)
	register("to_timestamp(float8)", strict1(unixTimestamp))
}

// formatG writes a float for an error message as printf's %g does, with leading
// zeros up to a width.
func formatG(f float64, width int) string {
	if math.IsInf(f, 0) {
		return strings.TrimPrefix(strings.Replace(fmt.Sprint(f), "Inf", "Infinity", 1), "+")
	}
	s := strconv.FormatFloat(f, 'g', 6, 64)
	for len(s) < width {
		s = "0" + s
	}
	return s
}

// civilDay is the day of a date given in numbers, where negative years are BC;
// problem says what is wrong with it, if anything is.
func civilDay(year, month, mday int64) (day int64, problem string) {
	noSuchYear := year == 0 || year == math.MinInt32
	if year < 0 {
		year++ // astronomical: 1 BC is year 0
	}
	if noSuchYear || month < 1 || month > 12 || mday < 1 || mday > int64(daysIn(year, int(month))) {
		return 0, "date field value out of range"
	}
	// Whole months: the days of the first and last are for the caller to check.
	if n := year*monthsPerYear + month - 1; n < firstMonth || n >= endMonth {
		return 0, dateOutOfRange
	}
	return values.DaysFromCivil(year, int(month), int(mday)), ""
}

const (
	dateOutOfRange = "date out of range"

	firstMonth = -4713*monthsPerYear + 10  // November of 4714 BC
	endMonth   = 5874898*monthsPerYear + 5 // June of 5874898
)

func makeDate(year, month, mday values.Datum) values.Datum {
	day, problem := civilDay(year.Int64(), month.Int64(), mday.Int64())
	if problem == "" {
		if day >= firstDay && day < endDay {
			return values.Int(day)
		}
		problem = dateOutOfRange
	}
	shown := year.Int64()
	if shown < 0 && shown != math.MinInt32 {
		shown++ // the message has the astronomical year, but not make_timestamp's
	}
	return values.Errorf("22008", "%s: %d-%02d-%02d", problem, shown, month.Int64(), mday.Int64())
}

func makeTimestamp(args []values.Datum) values.Datum {
	year, month, mday := args[0].Int64(), args[1].Int64(), args[2].Int64()
	day, problem := civilDay(year, month, mday)
	if problem != "" {
		return values.Errorf("22008", "%s: %d-%02d-%02d", problem, year, month, mday)
	}
	hour, minute, second := args[3].Int64(), args[4].Int64(), args[5].Float64()
	micros, err := makeTime(hour, minute, second)
	if err.IsErr() {
		return err
	}
	d := joinTimestamp(day, micros)
	if d.IsErr() {
		return values.Errorf("22008", "timestamp out of range: %d-%02d-%02d %d:%02d:%s",
			year, month, mday, hour, minute, formatG(second, 2))
	}
	return d
}

// makeIntervalOf takes years, months, weeks, days, hours, minutes and seconds.
// Before version 17 overflow wrapped around.
func makeIntervalOf(version int) Func {
	return Func{Strict: true, FN: func(args []values.Datum) values.Datum {
		seconds := args[6].Float64()
		if seconds != seconds || math.IsInf(seconds, 0) {
			return errIntervalRange
		}
		months := args[0].Int64()*monthsPerYear + args[1].Int64()
		days := args[2].Int64()*7 + args[3].Int64()
		fitted := fits32(args[0].Int64()*monthsPerYear) && fits32(args[2].Int64()*7)
		// This cannot overflow: they are products of 32 bits and less than 2^32.
		clock := args[4].Int64()*microsPerHour + args[5].Int64()*microsPerMinute
		micros := math.RoundToEven(seconds * microsPerSecond)
		fits := micros >= math.MinInt64 && micros < -math.MinInt64
		if version < infiniteIntervals {
			whole := int64(math.MinInt64)
			if fits {
				whole = int64(micros)
			}
			if clock += whole; version < unifiedErrors && !fits32(clock/microsPerHour) {
				return errIntervalRange // version 14 fails to show it
			}
			return values.MakeInterval(int32(months), int32(days), clock)
		}
		if !fits || !fitted {
			return errIntervalRange
		}
		sum, ok := addInt64(clock, int64(micros))
		return makeInterval(months, days, sum, ok)
	}}
}

// unixTimestamp takes seconds since 1970.
func unixTimestamp(a values.Datum) values.Datum {
	f := a.Float64()
	switch {
	case f != f:
		return values.Errorf("22008", "timestamp cannot be NaN")
	case math.IsInf(f, 1):
		return infinityTimestamp(1)
	case math.IsInf(f, -1):
		return infinityTimestamp(-1)
	}
	if f >= float64((firstDay-unixEpochDays)*secondsPerDay) && f < float64((endStampDay-unixEpochDays)*secondsPerDay) {
		f += unixEpochDays * secondsPerDay
		if micros := math.RoundToEven(f * microsPerSecond); micros >= firstStamp && micros < endStamp {
			return values.Int(int64(micros))
		}
	}
	return values.Errorf("22008", "timestamp out of range: \"%s\"", formatG(a.Float64(), 0))
}
