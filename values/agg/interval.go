package agg

import (
	"math"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// sumInterval holds sum and avg of intervals: each field has a sum of its own.
// Infinite intervals (Postgres 17) are counted apart.
type sumInterval struct {
	n, infs, negInfs     int64
	months, days, micros exactInt
	mean                 bool
}

func (s *sumInterval) Reset() {
	s.n, s.infs, s.negInfs = 0, 0, 0
	s.months.reset()
	s.days.reset()
	s.micros.reset()
}

func (s *sumInterval) Add(args []values.Datum, w int64) {
	if args[0].IsNull() {
		return
	}
	s.n += w
	switch values.IntervalInfinity(args[0]) {
	case 1:
		s.infs += w
		return
	case -1:
		s.negInfs += w
		return
	}
	months, days, micros := args[0].Interval()
	s.months.addMul(int64(months), w)
	s.days.addMul(int64(days), w)
	s.micros.addMul(micros, w)
}

var errIntervalRange = values.Errorf("22008", "interval out of range")

func (s *sumInterval) Result() values.Datum {
	switch {
	case s.n <= 0:
		return values.Null
	case s.infs > 0 && s.negInfs > 0:
		return errIntervalRange
	case s.infs > 0:
		return values.MakeInterval(math.MaxInt32, math.MaxInt32, math.MaxInt64)
	case s.negInfs > 0:
		return values.MakeInterval(math.MinInt32, math.MinInt32, math.MinInt64)
	}
	months, ok1 := s.months.int64()
	days, ok2 := s.days.int64()
	micros, ok3 := s.micros.int64()
	if !ok1 || !ok2 || !ok3 || months != int64(int32(months)) || days != int64(int32(days)) {
		return errIntervalRange
	}
	if s.mean {
		return divideInterval(int32(months), int32(days), micros, float64(s.n))
	}
	return values.MakeInterval(int32(months), int32(days), micros)
}

// divideInterval is interval_div for a positive divisor: what whole months and
// days leave over cascades down, through floats rounded to the microsecond.
func divideInterval(months, days int32, micros int64, by float64) values.Datum {
	const (
		daysPerMonth = 30
		secsPerDay   = 86400
		usecsPerSec  = 1e6
	)
	month, day := int32(float64(months)/by), int32(float64(days)/by)
	restDays := roundMicros((float64(months) - float64(float64(month)*by)) / by * daysPerMonth)
	restSecs := roundMicros((float64(days)/by - float64(day) + restDays - math.Trunc(restDays)) * secsPerDay)
	if math.Abs(restSecs) >= secsPerDay {
		whole := int32(restSecs / secsPerDay)
		day += whole
		restSecs -= float64(whole) * secsPerDay
	}
	day += int32(restDays)
	t := math.RoundToEven(float64(micros)/by + float64(restSecs*usecsPerSec))
	if !(t >= math.MinInt64 && t < -math.MinInt64) {
		return errIntervalRange
	}
	return values.MakeInterval(month, day, int64(t))
}

// roundMicros is timestamp.h's TSROUND.
func roundMicros(f float64) float64 { return math.RoundToEven(f*1e6) / 1e6 }

func (s *sumInterval) AppendState(dst []byte) []byte {
	dst = appendCount(dst, s.n)
	dst = s.months.append(dst)
	dst = s.days.append(dst)
	dst = s.micros.append(dst)
	return appendCount(appendCount(dst, s.infs), s.negInfs)
}

func (s *sumInterval) LoadState(src []byte) ([]byte, error) {
	src, err := loadCount(src, &s.n)
	if err != nil {
		return nil, err
	}
	for _, x := range []*exactInt{&s.months, &s.days, &s.micros} {
		if src, err = x.load(src); err != nil {
			return nil, err
		}
	}
	if src, err = loadCount(src, &s.infs); err != nil {
		return nil, err
	}
	return loadCount(src, &s.negInfs)
}

func init() {
	registerLinear("sum(interval)", func() Accumulator { return &sumInterval{} })
	registerLinear("avg(interval)", func() Accumulator { return &sumInterval{mean: true} })
}
