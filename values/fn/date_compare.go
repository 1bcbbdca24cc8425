package fn

import (
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Comparison operators of dates and times, with each other too. A date stands
// for its midnight; in UTC, a timestamp is the same number with and without time
// zone.

func init() {
	compareInterval := compareAs(intervalOID)
	compareTimeTZ := compareAs(timetzOID)
	for _, c := range []struct {
		typname string
		c       comparisons
	}{
		{"date", intComparisons}, {"time", intComparisons}, {"timestamp", intComparisons},
		{"timestamptz", intComparisons}, {"interval", comparisonsOf(compareInterval)},
		{"timetz", comparisonsOf(compareTimeTZ)},
	} {
		t := c.typname
		registerComparisons(t+"_", "("+t+","+t+")", c.c)
		larger, smaller := c.c[4], c.c[2]
		register(t+"_larger("+t+","+t+")", strict2(func(a, b values.Datum) values.Datum {
			if larger(a, b).IsTrue() {
				return a
			}
			return b
		}))
		register(t+"_smaller("+t+","+t+")", strict2(func(a, b values.Datum) values.Datum {
			if smaller(a, b).IsTrue() {
				return a
			}
			return b
		}))
	}

	dateFirst := comparisonsOf(compareDateTimestamp)
	dateLast := comparisonsOf(func(a, b values.Datum) int { return -compareDateTimestamp(b, a) })
	for i, name := range comparisonNames {
		register("date_"+name+"_timestamp(date,timestamp)", strict2(dateFirst[i]))
		register("timestamp_"+name+"_date(timestamp,date)", strict2(dateLast[i]))
		register("date_"+name+"_timestamptz(date,timestamptz)", utc2(dateFirst[i]))
		register("timestamptz_"+name+"_date(timestamptz,date)", utc2(dateLast[i]))
		register("timestamp_"+name+"_timestamptz(timestamp,timestamptz)", utc2(intComparisons[i]))
		register("timestamptz_"+name+"_timestamp(timestamptz,timestamp)", utc2(intComparisons[i]))
	}
}

// Types that are compared by more than one field.
const (
	intervalOID = 1186
	timetzOID   = 1266
)

func utc1(f func(a values.Datum) values.Datum) Func { return Func{Strict: true, Need: NeedUTC, F1: f} }

func utc2(f func(a, b values.Datum) values.Datum) Func {
	return Func{Strict: true, Need: NeedUTC, F2: f}
}

// compareAs compares as the built-in type of this oid.
func compareAs(oid uint32) func(a, b values.Datum) int {
	t := values.TypeOf(oid)
	return func(a, b values.Datum) int { return values.Compare(t, a, b) }
}

// compareDateTimestamp orders a date beyond the last timestamp after all finite
// ones.
func compareDateTimestamp(a, b values.Datum) int {
	ts, err := dateToTimestamp(a.Int64())
	switch {
	case err.IsErr() && b.Int64() == values.TimestampInfinity:
		return -1
	case err.IsErr():
		return 1
	case ts < b.Int64():
		return -1
	case ts > b.Int64():
		return 1
	}
	return 0
}
