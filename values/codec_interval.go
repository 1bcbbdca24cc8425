package values

import (
	"math"
	"strconv"
	"strings"
	"sync/atomic"
)

// MakeInterval makes an interval of its three fields, which Postgres keeps
// apart. An interval without months and days needs no bytes.
func MakeInterval(months, days int32, micros int64) Datum {
	if months == 0 && days == 0 {
		return Int(micros)
	}
	var b [8]byte
	append32(append32(b[:0], uint32(months)), uint32(days))
	return Make(string(b[:]), micros, 0)
}

// Interval reads an interval's months, days and microseconds.
func (d Datum) Interval() (months, days int32, micros int64) {
	if len(d.s) == 8 {
		months, days = int32(u32(d.s)), int32(u32(d.s[4:]))
	}
	return months, days, d.i
}

// finiteIntervals says that the server knows no infinite intervals: before Postgres 17 the
// greatest and the least one are numbers like all others.
var finiteIntervals atomic.Bool

// SetInfiniteIntervals says whether intervals can be infinite, as they can unless it is
// called.
func SetInfiniteIntervals(can bool) { finiteIntervals.Store(!can) }

// IntervalInfinity says whether an interval is infinite (Postgres 17): 1 or -1
// by its sign, 0 for a finite one.
func IntervalInfinity(d Datum) int {
	if len(d.s) != 8 || finiteIntervals.Load() {
		return 0
	}
	switch months, days, micros := d.Interval(); {
	case months == math.MaxInt32 && days == math.MaxInt32 && micros == math.MaxInt64:
		return 1
	case months == math.MinInt32 && days == math.MinInt32 && micros == math.MinInt64:
		return -1
	}
	return 0
}

// appendIntervalText follows EncodeInterval for IntervalStyle postgres: a field
// after a negative one shows its plus sign.
func appendIntervalText(dst []byte, d Datum) []byte {
	switch IntervalInfinity(d) {
	case 1:
		return append(dst, "infinity"...)
	case -1:
		return append(dst, "-infinity"...)
	}
	months, days, micros := d.Interval()
	empty, before := true, false
	part := func(v int32, unit string) {
		if v == 0 {
			return
		}
		if !empty {
			dst = append(dst, ' ')
		}
		if before && v > 0 {
			dst = append(dst, '+')
		}
		dst = strconv.AppendInt(dst, int64(v), 10)
		dst = append(append(dst, ' '), unit...)
		if v != 1 {
			dst = append(dst, 's')
		}
		before, empty = v < 0, false
	}
	part(months/12, "year")
	part(months%12, "mon")
	part(days, "day")
	if micros == 0 && !empty {
		return dst
	}
	if !empty {
		dst = append(dst, ' ')
	}
	u := uint64(micros)
	if micros < 0 {
		u = -u
		dst = append(dst, '-')
	} else if before {
		dst = append(dst, '+')
	}
	return appendClock(dst, u)
}

// decodeIntervalText reads what appendIntervalText writes.
func decodeIntervalText(t *Type, src string) (Datum, error) {
	switch src {
	case "infinity":
		return MakeInterval(math.MaxInt32, math.MaxInt32, math.MaxInt64), nil
	case "-infinity":
		return MakeInterval(math.MinInt32, math.MinInt32, math.MinInt64), nil
	}
	var months, days int32
	var micros int64
	rest := src
	for rest != "" {
		word, after, more := strings.Cut(rest, " ")
		if !more {
			neg := strings.HasPrefix(word, "-")
			u, ok := parseClock(strings.TrimLeft(word, "+-"), math.MaxInt64)
			if !ok || u > 1<<63 || (u == 1<<63 && !neg) {
				return Null, malformed(t, "not an interval")
			}
			if micros = int64(u); neg {
				micros = -micros
			}
			break
		}
		v, err := strconv.ParseInt(word, 10, 32)
		if err != nil {
			return Null, malformed(t, err.Error())
		}
		unit, next, _ := strings.Cut(after, " ")
		switch strings.TrimSuffix(unit, "s") {
		case "year":
			v *= 12
			fallthrough
		case "mon":
			v += int64(months)
			months = int32(v)
			if int64(months) != v {
				return Null, malformed(t, "out of range")
			}
		case "day":
			days = int32(v)
		default:
			return Null, malformed(t, "unknown unit "+unit)
		}
		rest = next
	}
	if src == "" {
		return Null, malformed(t, "empty")
	}
	return MakeInterval(months, days, micros), nil
}
