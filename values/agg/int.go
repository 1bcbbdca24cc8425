package agg

import "github.com/stepping-cdc/stepping-cdc/values"

// sumInt holds sum and avg of integers.
type sumInt struct {
	n    int64
	sum  exactInt
	kind sumKind
}

// sumKind says what a sum is turned into.
type sumKind uint8

const (
	sumAsInt8    sumKind = iota // sum(int2), sum(int4)
	sumAsNumeric                // sum(int8)
	mean                        // avg of all three: numeric
)

func (s *sumInt) Reset() {
	s.n = 0
	s.sum.reset()
}

func (s *sumInt) Add(args []values.Datum, w int64) {
	if args[0].IsNull() {
		return
	}
	s.n += w
	s.sum.addMul(args[0].Int64(), w)
}

func (s *sumInt) Result() values.Datum {
	if s.n <= 0 {
		return values.Null
	}
	switch s.kind {
	case sumAsInt8:
		i, ok := s.sum.int64()
		if !ok {
			return errBigintRange
		}
		return values.Int(i)
	case sumAsNumeric:
		return s.sum.numeric(0)
	}
	return values.NumericDiv(s.sum.numeric(0), values.NumericFromInt(s.n, 0))
}

var errBigintRange = values.Errorf("22003", "bigint out of range")

func (s *sumInt) AppendState(dst []byte) []byte { return s.sum.append(appendCount(dst, s.n)) }

func (s *sumInt) LoadState(src []byte) ([]byte, error) {
	src, err := loadCount(src, &s.n)
	if err != nil {
		return nil, err
	}
	return s.sum.load(src)
}

func init() {
	for _, t := range []string{"int2", "int4"} {
		registerLinear("sum("+t+")", func() Accumulator { return &sumInt{kind: sumAsInt8} })
	}
	registerLinear("sum(int8)", func() Accumulator { return &sumInt{kind: sumAsNumeric} })
	for _, t := range []string{"int2", "int4", "int8"} {
		registerLinear("avg("+t+")", func() Accumulator { return &sumInt{kind: mean} })
	}
}
