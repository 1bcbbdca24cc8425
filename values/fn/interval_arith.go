package fn

import (
	"math"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Arithmetic of intervals, whose months, days and microseconds are three numbers
// apart. An infinite interval (Postgres 17) is the one with all three at their
// ends; to older servers that one is finite.

func init() {
	register("interval_um(interval)", strict1(negateInterval))
	register("interval_pl(interval,interval)", strict2(addIntervals))
	register("interval_mi(interval,interval)", strict2(subtractIntervals))
	registerVersioned("interval_mul(interval,float8)", multiplyInterval)
	registerVersioned("mul_d_interval(float8,interval)", func(version int) Func {
		return strict2(swapped(multiplyInterval(version).F2))
	})
	registerVersioned("interval_div(interval,float8)", divideInterval)
	register("isfinite(interval)", strict1(func(a values.Datum) values.Datum {
		return values.Bool(values.IntervalInfinity(a) == 0)
	}))

	for name, justify := range map[string]func(a values.Datum, checked bool) values.Datum{
		"justify_hours": justifyHours, "justify_days": justifyDays, "justify_interval": justifyInterval,
	} {
		registerVersioned(name+"(interval)", func(version int) Func {
			checked := version >= checkedJustify
			return strict1(func(a values.Datum) values.Datum {
				if values.IntervalInfinity(a) != 0 {
					return a
				}
				return justify(a, checked)
			})
		})
	}
}

// makeInterval checks that fields computed in more bits fit, and that they do not
// happen to mean infinity.
func makeInterval(months, days, micros int64, fits bool) values.Datum {
	if !fits || !fits32(months) || !fits32(days) {
		return errIntervalRange
	}
	d := values.MakeInterval(int32(months), int32(days), micros)
	if values.IntervalInfinity(d) != 0 {
		return errIntervalRange
	}
	return d
}

func fits32(v int64) bool { return v == int64(int32(v)) }

func negateInterval(a values.Datum) values.Datum {
	if sign := values.IntervalInfinity(a); sign != 0 {
		return infinityInterval(-sign)
	}
	months, days, micros := a.Interval()
	return makeInterval(-int64(months), -int64(days), -micros, micros != math.MinInt64)
}

func addIntervals(a, b values.Datum) values.Datum {
	if sa, sb := values.IntervalInfinity(a), values.IntervalInfinity(b); sa != 0 || sb != 0 {
		switch {
		case sa == -sb:
			return errIntervalRange
		case sa != 0:
			return a
		}
		return b
	}
	m1, d1, t1 := a.Interval()
	m2, d2, t2 := b.Interval()
	micros, ok := addInt64(t1, t2)
	return makeInterval(int64(m1)+int64(m2), int64(d1)+int64(d2), micros, ok)
}

func subtractIntervals(a, b values.Datum) values.Datum {
	if sign := values.IntervalInfinity(b); sign != 0 {
		return addIntervals(a, infinityInterval(-sign))
	}
	if values.IntervalInfinity(a) != 0 {
		return a
	}
	m1, d1, t1 := a.Interval()
	m2, d2, t2 := b.Interval()
	micros := t1 - t2
	return makeInterval(int64(m1)-int64(m2), int64(d1)-int64(d2), micros, (micros < t1) == (t2 > 0))
}

// intervalSign is the sign an infinite multiple of an interval has.
func intervalSign(a values.Datum) int {
	return values.Compare(values.TypeOf(intervalOID), a, values.MakeInterval(0, 0, 0))
}

func multiplyInterval(version int) Func {
	return strict2(func(a, by values.Datum) values.Datum {
		factor := by.Float64()
		switch inf := values.IntervalInfinity(a); {
		case factor != factor:
			return errIntervalRange
		case inf != 0:
			return scaleInfinity(inf, factor)
		case math.IsInf(factor, 0):
			sign := intervalSign(a)
			if version < infiniteIntervals || sign == 0 {
				return errIntervalRange
			}
			return scaleInfinity(sign, factor)
		}
		return scaleInterval(a, func(x float64) float64 { return x * factor })
	})
}

func divideInterval(version int) Func {
	return strict2(func(a, by values.Datum) values.Datum {
		factor := by.Float64()
		inf := values.IntervalInfinity(a)
		switch {
		case factor == 0:
			return values.Errorf("22012", "division by zero")
		case factor != factor || inf != 0 && math.IsInf(factor, 0):
			return errIntervalRange
		case inf != 0:
			return scaleInfinity(inf, factor)
		}
		return scaleInterval(a, func(x float64) float64 { return x / factor })
	})
}

func scaleInfinity(sign int, factor float64) values.Datum {
	switch {
	case factor == 0:
		return errIntervalRange
	case factor < 0:
		sign = -sign
	}
	return infinityInterval(sign)
}

// roundMicros rounds seconds or days so far that the noise of binary fractions
// goes.
func roundMicros(x float64) float64 { return math.RoundToEven(x*1e6) / 1e6 }

// scaleInterval scales each field; the fraction of a month cascades to days of
// 30 to a month, the fractions of days to time. The conversions keep Go from
// fusing a multiplication with an addition: that would round once less.
func scaleInterval(a values.Datum, scale func(float64) float64) values.Datum {
	m, d, t := a.Interval()
	month, day := scale(float64(m)), scale(float64(d))
	if !fitsInt32(month) || !fitsInt32(day) {
		return errIntervalRange
	}
	months, days := int64(month), int64(day)
	restDays := roundMicros(float64(float64(month-float64(months)) * daysPerMonth))
	wholeDays := int64(restDays)
	rest := float64(float64(day-float64(days))+restDays) - float64(wholeDays)
	restSeconds := roundMicros(float64(rest * secondsPerDay))
	if math.Abs(restSeconds) >= secondsPerDay {
		carry := int64(restSeconds / secondsPerDay)
		days += carry
		restSeconds -= float64(carry * secondsPerDay)
	}
	micros := math.RoundToEven(float64(scale(float64(t))) + float64(restSeconds*microsPerSecond))
	fits := micros >= math.MinInt64 && micros < -math.MinInt64
	if !fits {
		return errIntervalRange
	}
	return makeInterval(months, days+wholeDays, int64(micros), true)
}

// fitsInt32 says whether x, cut to an integer, is one of 32 bits; NaN is not.
func fitsInt32(x float64) bool { return x >= math.MinInt32 && x < -math.MinInt32 }

// justifyHours makes days of 24 hours, of the same sign as what remains.
func justifyHours(a values.Datum, checked bool) values.Datum {
	months, d, t := a.Interval()
	days, micros := int64(d)+t/microsPerDay, t%microsPerDay
	if checked && !fits32(days) {
		return errIntervalRange
	}
	days, micros = sameSign(int64(int32(days)), micros, microsPerDay)
	return values.MakeInterval(months, int32(days), micros)
}

// justifyDays makes months of 30 days.
func justifyDays(a values.Datum, checked bool) values.Datum {
	m, d, micros := a.Interval()
	months, days := int64(m)+int64(d/daysPerMonth), int64(d%daysPerMonth)
	if checked && !fits32(months) {
		return errIntervalRange
	}
	months, days = sameSign(int64(int32(months)), days, daysPerMonth)
	return values.MakeInterval(int32(months), int32(days), micros)
}

// justifyInterval does both, and gives all three fields one sign. Days become
// months first where more days are to come, lest they overflow.
func justifyInterval(a values.Datum, checked bool) values.Datum {
	m, d, micros := a.Interval()
	months, days := int64(m), int64(d)
	if checked && (days > 0 && micros > 0 || days < 0 && micros < 0) {
		months += days / daysPerMonth
		days %= daysPerMonth
		if !fits32(months) {
			return errIntervalRange
		}
	}
	if days += micros / microsPerDay; !checked {
		days = int64(int32(days))
	}
	micros %= microsPerDay
	months += days / daysPerMonth
	days %= daysPerMonth
	if checked && !fits32(months) {
		return errIntervalRange
	}
	months = int64(int32(months))
	if months > 0 && (days < 0 || days == 0 && micros < 0) {
		days += daysPerMonth
		months--
	} else if months < 0 && (days > 0 || days == 0 && micros > 0) {
		days -= daysPerMonth
		months++
	}
	days, micros = sameSign(days, micros, microsPerDay)
	return values.MakeInterval(int32(months), int32(days), micros)
}

// sameSign borrows one of the larger unit, which is worth unit smaller ones,
// where the two differ in sign.
func sameSign(large, small, unit int64) (int64, int64) {
	if large > 0 && small < 0 {
		return large - 1, small + unit
	}
	if large < 0 && small > 0 {
		return large + 1, small - unit
	}
	return large, small
}
