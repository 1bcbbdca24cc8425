package fn

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"sort"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Zone is a time zone: from when on its clocks differ from UTC by how much. With one, functions
// that depend on the session's zone have a native form there as well.
//
// It converts as Postgres' DetermineTimeZoneOffset does: a local time that clocks skip is taken
// as one before they were moved, and of the two moments of a local time that they show twice it is the later one
// (src/backend/utils/adt/datetime.c). Like that, it takes two transitions to be 48 hours apart at least.
type Zone struct {
	name        string
	first       int64 // seconds east of UTC before all transitions
	transitions []Transition
	hash        uint64
	spread      int64
	again       int // from this transition on they come again each 400 years
}

// Transition is a moment from which on clocks are some seconds before UTC.
type Transition struct{ At, Offset int64 } // seconds since 2000, and east of UTC

// ZoneEnd is the moment from which on the transitions of the 400 years before, in which the days of the
// week have come round, are repeated, as Postgres does behind the end of its tables (src/timezone/localtime.c).
const (
	ZoneEnd    = 500*365*secondsPerDay + 122*secondsPerDay // 2500-01-01
	zonePeriod = 146_097 * secondsPerDay
	zoneApart  = 2 * secondsPerDay
)

// NewZone makes a zone of the transitions before ZoneEnd, in their order; nil if it is none that
// the conversions are exact for.
func NewZone(name string, first int64, transitions []Transition) *Zone {
	z := &Zone{name: name, first: first, transitions: transitions}
	least, most := first, first
	h := fnv.New64a()
	fmt.Fprint(h, first)
	before := Transition{At: -1 << 62}
	for i, t := range transitions {
		for _, edge := range []int64{ZoneEnd, ZoneEnd - zonePeriod} {
			if edge-zoneApart < t.At && t.At < edge+zoneApart {
				return nil
			}
		}
		if t.At-before.At < zoneApart || t.At >= ZoneEnd {
			return nil
		}
		if t.At < ZoneEnd-zonePeriod {
			z.again = i + 1
		}
		least, most, before = min(least, t.Offset), max(most, t.Offset), t
		fmt.Fprint(h, " ", t.At, " ", t.Offset)
	}
	if least <= -secondsPerDay || most >= secondsPerDay {
		return nil
	}
	_, last := z.passed(ZoneEnd-1, false)
	if _, next := z.passed(ZoneEnd, false); next != last {
		return nil
	}
	z.hash, z.spread = h.Sum64(), most-least
	return z
}

// String is the zone's name, and which of its versions it is.
func (z *Zone) String() string { return fmt.Sprintf("%s %x", z.name, z.hash) }

// Spread is by how many microseconds its offsets differ at most.
func (z *Zone) Spread() int64 { return z.spread * microsPerSecond }

// fold is a second's place before ZoneEnd, and how many repetitions it is behind it.
func fold(second int64) (at, times int64) {
	if second < ZoneEnd {
		return second, 0
	}
	times = (second-ZoneEnd)/zonePeriod + 1
	return second - times*zonePeriod, times
}

// passed is how many transitions there are up to a second, and the offset from then on. For a
// local second they are where the offset changes to what is behind them.
func (z *Zone) passed(second int64, local bool) (n, offset int64) {
	at, times := fold(second)
	i := sort.Search(len(z.transitions), func(i int) bool {
		t := z.transitions[i]
		if local {
			t.At += t.Offset
		}
		return t.At > at
	})
	offset = z.first
	if i > 0 {
		offset = z.transitions[i-1].Offset
	}
	return int64(i) + times*int64(len(z.transitions)-z.again), offset
}

// Offset is how many seconds clocks are before UTC at a second.
func (z *Zone) Offset(second int64) int64 {
	if z == nil {
		return 0
	}
	_, offset := z.passed(second, false)
	return offset
}

// Passed counts the transitions up to a timestamp, with time zone or, local, without.
func (z *Zone) Passed(ts values.Datum, local bool) int64 {
	n, _ := z.passed(floorDiv(ts.Int64(), microsPerSecond), local)
	return n
}

// localOf is the day and the time of day there, in no zone those of UTC.
func (z *Zone) localOf(ts int64) (day, clock int64) {
	if z == nil {
		return values.SplitTimestamp(ts)
	}
	second := floorDiv(ts, microsPerSecond)
	_, offset := z.passed(second, false)
	micros := ts - second*microsPerSecond
	second += offset
	day = floorDiv(second, secondsPerDay)
	return day, (second-day*secondsPerDay)*microsPerSecond + micros
}

// momentOf is when it is that time of that day there, in no zone in UTC.
func (z *Zone) momentOf(day, clock int64) values.Datum {
	if z == nil {
		return joinTimestamp(day, clock)
	}
	if day < firstDay-1 || day > endStampDay+1 {
		return errTimestampRange
	}
	second := day*secondsPerDay + clock/microsPerSecond
	_, offset := z.passed(second, true)
	second -= offset
	day = floorDiv(second, secondsPerDay)
	return joinTimestamp(day, (second-day*secondsPerDay)*microsPerSecond+clock%microsPerSecond)
}

// Local is a timestamp with time zone as one without.
func (z *Zone) Local(a values.Datum) values.Datum {
	if infiniteTimestamp(a.Int64()) {
		return a
	}
	return joinTimestamp(z.localOf(a.Int64()))
}

// Moment is a timestamp without time zone as one with.
func (z *Zone) Moment(a values.Datum) values.Datum {
	if infiniteTimestamp(a.Int64()) {
		return a
	}
	return z.momentOf(values.SplitTimestamp(a.Int64()))
}

// Midnight is when a day begins.
func (z *Zone) Midnight(a values.Datum) values.Datum {
	ts, err := dateToTimestamp(a.Int64())
	switch {
	case err.IsErr():
		return err
	case infiniteTimestamp(ts):
		return values.Int(ts)
	}
	if ts := z.momentOf(a.Int64(), 0); !ts.IsErr() {
		return ts
	}
	return errDateForStamp
}

// Date is the day of a moment.
func (z *Zone) Date(a values.Datum) values.Datum {
	if infiniteTimestamp(a.Int64()) {
		return castTimestampDate(a)
	}
	day, _ := z.localOf(a.Int64())
	return values.Int(day)
}

// LocalPlus is what clocks show at a moment, shifted by months or days.
func (z *Zone) LocalPlus(a values.Datum, months, days int64) values.Datum {
	if infiniteTimestamp(a.Int64()) {
		return a
	}
	day, clock := z.localOf(a.Int64())
	return joinTimestamp(addMonths(day, months)+days, clock)
}

// Shift adds months to the local time, then days to that of the moment reached, then
// microseconds to the moment.
func (z *Zone) Shift(a, span values.Datum) values.Datum {
	months, days, micros := span.Interval()
	if infiniteTimestamp(a.Int64()) || values.IntervalInfinity(span) != 0 {
		return timestampPlusInterval(a, span)
	}
	for _, by := range [2][2]int64{{int64(months), 0}, {0, int64(days)}} {
		if by == [2]int64{} {
			continue
		}
		day, clock := z.localOf(a.Int64())
		if a = z.momentOf(addMonths(day, by[0])+by[1], clock); a.IsErr() {
			return a
		}
	}
	return timestampPlusInterval(a, values.MakeInterval(0, 0, micros))
}

// compareFirst orders a date or a timestamp without time zone, as a moment, and one with. Where it is no
// moment, it is beyond all finite ones.
func compareFirst(momentOf func(values.Datum) values.Datum) func(a, b values.Datum) int {
	return func(a, b values.Datum) int {
		at := momentOf(a)
		if !at.IsErr() {
			return cmp.Compare(at.Int64(), b.Int64())
		}
		sign := cmp.Compare(a.Int64(), 0)
		if timestampSign(b.Int64()) == sign {
			return -sign
		}
		return sign
	}
}

// comparison is that of times of two types.
func (z *Zone) comparison(signature string) func(a, b values.Datum) values.Datum {
	for i, name := range comparisonNames {
		for _, first := range []struct {
			t        string
			momentOf func(values.Datum) values.Datum
		}{{"date", z.Midnight}, {"timestamp", z.Moment}} {
			compare := compareFirst(first.momentOf)
			switch signature {
			case first.t + "_" + name + "_timestamptz(" + first.t + ",timestamptz)":
				return comparisonsOf(compare)[i]
			case "timestamptz_" + name + "_" + first.t + "(timestamptz," + first.t + ")":
				return comparisonsOf(func(a, b values.Datum) int { return -compare(b, a) })[i]
			}
		}
	}
	return nil
}

// Lookup finds the form in this zone of a function that depends on it; nil if there is none.
func (z *Zone) Lookup(signature string) *Func {
	f := Func{Strict: true, Zone: z}
	switch signature {
	case "timestamp(timestamptz)":
		f.F1 = z.Local
	case "timestamptz(timestamp)":
		f.F1 = z.Moment
	case "timestamptz(date)":
		f.F1 = z.Midnight
	case "date(timestamptz)":
		f.F1 = z.Date
	case "timestamptz_pl_interval(timestamptz,interval)":
		f.F2 = z.Shift
	case "interval_pl_timestamptz(interval,timestamptz)":
		f.F2 = swapped(z.Shift)
	case "timestamptz_mi_interval(timestamptz,interval)":
		f.F2 = minus(z.Shift)
	case "age(timestamptz,timestamptz)":
		f.F2 = age(int(serverVersion.Load()), z.localOf).F2
	case "extract(text,timestamptz)":
		f.F2 = z.field(numericOutput{})
	case "date_part(text,timestamptz)":
		f.F2 = z.field(floatOutput{})
	case "date_trunc(text,timestamptz)":
		f.F2 = func(field, a values.Datum) values.Datum {
			return truncTimestamp(int(serverVersion.Load()), z, field, a, timestamptzName)
		}
	default:
		if f.F2 = z.comparison(signature); f.F2 == nil {
			return nil
		}
	}
	return &f
}

func (z *Zone) field(out output) func(field, a values.Datum) values.Datum {
	return func(field, a values.Datum) values.Datum {
		return extractTimestamp(out, z, field, a.Int64(), timestamptzName)
	}
}
