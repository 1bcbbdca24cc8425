package fn

import (
	"math"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Arithmetic of times of day, which wraps at midnight.

func init() {
	register("time_pl_interval(time,interval)", strict2(timePlusInterval))
	register("interval_pl_time(interval,time)", strict2(swapped(timePlusInterval)))
	register("time_mi_interval(time,interval)", strict2(timeMinusInterval))
	register("timetz_pl_interval(timetz,interval)", strict2(timePlusInterval))
	register("interval_pl_timetz(interval,timetz)", strict2(swapped(timePlusInterval)))
	register("timetz_mi_interval(timetz,interval)", strict2(timeMinusInterval))
	register("time_mi_time(time,time)", strict2(func(a, b values.Datum) values.Datum {
		return values.MakeInterval(0, 0, a.Int64()-b.Int64())
	}))

	for _, name := range []string{"datetime_pl", "timestamp"} {
		register(name+"(date,time)", strict2(dateAtTime))
	}
	register("timedate_pl(time,date)", strict2(swapped(dateAtTime)))
	register("timestamptz(date,time)", utc2(dateAtTime))
	for _, name := range []string{"datetimetz_pl", "timestamptz"} {
		register(name+"(date,timetz)", strict2(dateAtTimeTZ))
	}
	register("timetzdate_pl(timetz,date)", strict2(swapped(dateAtTimeTZ)))

	register("make_time(int4,int4,float8)", strict3(func(hour, minute, second values.Datum) values.Datum {
		micros, err := makeTime(hour.Int64(), minute.Int64(), second.Float64())
		if err.IsErr() {
			return err
		}
		return values.Int(micros)
	}))
}

// wrapTime brings microseconds into one day.
func wrapTime(micros int64) int64 {
	_, clock := values.SplitTimestamp(micros)
	return clock
}

// timePlusInterval adds the time of the interval; its days and months do not
// matter, and a zone stays.
func timePlusInterval(a, span values.Datum) values.Datum {
	if values.IntervalInfinity(span) != 0 {
		return values.Errorf("22008", "cannot add infinite interval to time")
	}
	_, _, micros := span.Interval()
	return values.Make("", wrapTime(a.Int64()+micros), a.Aux())
}

func timeMinusInterval(a, span values.Datum) values.Datum {
	if values.IntervalInfinity(span) != 0 {
		return values.Errorf("22008", "cannot subtract infinite interval from time")
	}
	_, _, micros := span.Interval()
	return values.Make("", wrapTime(a.Int64()-micros), a.Aux())
}

func dateAtTime(d, t values.Datum) values.Datum {
	ts, err := dateToTimestamp(d.Int64())
	if err.IsErr() {
		return err
	}
	if infiniteTimestamp(ts) {
		return values.Int(ts)
	}
	if ts += t.Int64(); !validTimestamp(ts) {
		return errTimestampRange
	}
	return values.Int(ts)
}

// dateAtTimeTZ is a moment: the zone is the time's own.
func dateAtTimeTZ(d, t values.Datum) values.Datum {
	ts, err := dateToTimestamp(d.Int64())
	if err.IsErr() {
		return err
	}
	if infiniteTimestamp(ts) {
		return values.Int(ts)
	}
	ts, ok := addInt64(ts, t.Int64()+int64(t.Aux())*microsPerSecond)
	if !ok || !validTimestamp(ts) {
		return errDateForStamp
	}
	return values.Int(ts)
}

// makeTime is a time of day, up to 24:00 and with a leap second.
func makeTime(hour, minute int64, second float64) (int64, values.Datum) {
	rounded := math.RoundToEven(second * microsPerSecond)
	if hour >= 0 && hour <= 24 && minute >= 0 && minute < 60 && rounded >= 0 && rounded <= microsPerMinute {
		micros := hour*microsPerHour + minute*microsPerMinute + int64(rounded)
		if micros <= microsPerDay {
			return micros, values.Null
		}
	}
	return 0, values.Errorf("22008", "time field value out of range: %d:%02d:%s", hour, minute, formatG(second, 2))
}
