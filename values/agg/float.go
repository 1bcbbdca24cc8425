package agg

import (
	"math"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// sumFloat holds sum and avg of floats, over an exact sum that is rounded once.
//
// Postgres rounds after every addition, so its own result depends on the order
// in which it meets the rows; this one is what it returns for some order or, more
// often, closer to the truth than any. sum(float4) is rounded once to single
// precision. A zero sum is negative only if every value was -0, as under IEEE 754
// addition.
type sumFloat struct {
	n        int64 // values present, the next four included
	nans     int64
	infs     int64 // +Infinity
	negInfs  int64
	negZeros int64
	sum      exactFloat
	single   bool // the result is a float4
	mean     bool
}

func (s *sumFloat) Reset() {
	s.n, s.nans, s.infs, s.negInfs, s.negZeros = 0, 0, 0, 0, 0
	s.sum.reset()
}

func (s *sumFloat) Add(args []values.Datum, w int64) {
	if args[0].IsNull() {
		return
	}
	s.n += w
	f := args[0].Float64()
	switch {
	case f != f:
		s.nans += w
	case f > math.MaxFloat64:
		s.infs += w
	case f < -math.MaxFloat64:
		s.negInfs += w
	case f == 0:
		if math.Signbit(f) {
			s.negZeros += w
		}
	default:
		s.sum.addMul(f, w)
	}
}

func (s *sumFloat) Result() values.Datum {
	switch {
	case s.n <= 0:
		return values.Null
	case s.nans > 0 || s.infs > 0 && s.negInfs > 0:
		return values.Float(math.NaN())
	case s.infs > 0:
		return values.Float(math.Inf(1))
	case s.negInfs > 0:
		return values.Float(math.Inf(-1))
	case s.negZeros == s.n && !s.mean:
		return values.Float(math.Copysign(0, -1))
	}
	total := s.sum.float64(1)
	if s.single {
		total = float64(s.sum.float32())
	}
	if math.IsInf(total, 0) {
		return errFloatOverflow
	}
	if s.mean {
		return values.Float(s.sum.float64(uint64(s.n)))
	}
	return values.Float(total)
}

var errFloatOverflow = values.Errorf("22003", "value out of range: overflow")

// AppendState writes the count, then the exact sum behind a byte that says
// whether the counts of special values follow it.
func (s *sumFloat) AppendState(dst []byte) []byte {
	dst = appendCount(dst, s.n)
	dst = s.sum.append(dst)
	if s.nans|s.infs|s.negInfs|s.negZeros == 0 {
		return append(dst, 0)
	}
	dst = append(dst, 1)
	dst = appendCount(dst, s.nans)
	dst = appendCount(dst, s.infs)
	dst = appendCount(dst, s.negInfs)
	return appendCount(dst, s.negZeros)
}

func (s *sumFloat) LoadState(src []byte) ([]byte, error) {
	s.Reset()
	src, err := loadCount(src, &s.n)
	if err != nil {
		return nil, err
	}
	if src, err = s.sum.load(src); err != nil {
		return nil, err
	}
	if len(src) == 0 || src[0] > 1 {
		return nil, errState
	}
	special := src[0] == 1
	src = src[1:]
	if !special {
		return src, nil
	}
	for _, n := range []*int64{&s.nans, &s.infs, &s.negInfs, &s.negZeros} {
		if src, err = loadCount(src, n); err != nil {
			return nil, err
		}
	}
	return src, nil
}

func init() {
	registerLinear("sum(float4)", func() Accumulator { return &sumFloat{single: true} })
	registerLinear("sum(float8)", func() Accumulator { return &sumFloat{} })
	registerLinear("avg(float4)", func() Accumulator { return &sumFloat{mean: true} })
	registerLinear("avg(float8)", func() Accumulator { return &sumFloat{mean: true} })
}
