package fn

import (
	"github.com/stepping-cdc/stepping-cdc/values"
)

// What all dates and times share: units, ranges and the errors of leaving them.

const (
	microsPerSecond = 1_000_000
	microsPerMinute = 60 * microsPerSecond
	microsPerHour   = 60 * microsPerMinute
	microsPerDay    = values.MicrosPerDay

	secondsPerDay = 86400
	daysPerMonth  = 30
	monthsPerYear = 12

	epochJulian   = 2451545      // Julian day of 2000-01-01
	unixEpochDays = -10957       // 1970-01-01 in days since 2000-01-01
	firstDay      = -epochJulian // 4714-11-24 BC, for dates and timestamps
	endDay        = 2145031949   // the day after the last date, 5874897-12-31
	endStampDay   = 106751983    // the day after the last timestamp's
	firstStamp    = firstDay * microsPerDay
	endStamp      = endStampDay * microsPerDay
)

var (
	errDateRange      = values.Errorf("22008", "date out of range")
	errDateForStamp   = values.Errorf("22008", "date out of range for timestamp")
	errTimestampRange = values.Errorf("22008", "timestamp out of range")
	errIntervalRange  = values.Errorf("22008", "interval out of range")
)

func infiniteDate(d int64) bool {
	return d == values.DateInfinity || d == values.DateMinusInfinity
}

func infiniteTimestamp(ts int64) bool {
	return ts == values.TimestampInfinity || ts == values.TimestampMinusInfinity
}

func validTimestamp(ts int64) bool { return ts >= firstStamp && ts < endStamp }

// joinTimestamp makes a timestamp of a day and microseconds of or beyond it.
func joinTimestamp(days, micros int64) values.Datum {
	if days < firstDay || days > endStampDay {
		return errTimestampRange
	}
	ts, ok := addInt64(days*microsPerDay, micros)
	if !ok || !validTimestamp(ts) {
		return errTimestampRange
	}
	return values.Int(ts)
}

// addInt64 adds and says whether the sum did not overflow.
func addInt64(a, b int64) (int64, bool) {
	c := a + b
	return c, (c > a) == (b > 0)
}

// dateToTimestamp is midnight of a day; err is not NULL if there is none.
func dateToTimestamp(d int64) (ts int64, err values.Datum) {
	switch {
	case d == values.DateInfinity:
		return values.TimestampInfinity, values.Null
	case d == values.DateMinusInfinity:
		return values.TimestampMinusInfinity, values.Null
	case d >= endStampDay:
		return 0, errDateForStamp
	}
	return d * microsPerDay, values.Null
}

func isLeap(year int64) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

var monthDays = [12]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}

// daysIn is the length of a month of 1 to 12.
func daysIn(year int64, month int) int {
	if month == 2 && isLeap(year) {
		return 29
	}
	return monthDays[month-1]
}
