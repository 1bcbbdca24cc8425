package agg

import (
	"math/big"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// spread is what the aggregates of variance make of a count, a sum and a sum of
// squares.
type spread struct {
	sample bool // divided by n-1, else by n
	root   bool // the standard deviation
}

var spreads = map[string]spread{
	"var_pop": {}, "var_samp": {sample: true}, "variance": {sample: true},
	"stddev_pop": {root: true}, "stddev_samp": {sample: true, root: true}, "stddev": {sample: true, root: true},
}

// undefined says whether n values are too few.
func (s spread) undefined(n int64) bool { return n <= 0 || s.sample && n <= 1 }

// numeric is numeric_stddev_internal: (n·Σx² - (Σx)²) / (n·(n-1) or n·n), at the
// scale of a numeric division; squares come at twice the sum's scale.
func (s spread) numeric(n int64, sum, squares *big.Int, scale int32) values.Datum {
	count := big.NewInt(n)
	numerator := squares.Mul(squares, count)
	numerator.Sub(numerator, sum.Mul(sum, sum))
	if numerator.Sign() <= 0 {
		return values.NumericFromInt(0, 0)
	}
	denominator := new(big.Int).Set(count)
	if s.sample {
		denominator.Sub(denominator, big.NewInt(1))
	}
	denominator.Mul(denominator, count)
	variance := values.NumericDiv(values.NumericFromBig(numerator, 2*scale), values.NumericFromBig(denominator, 0))
	if !s.root {
		return variance
	}
	u, rscale, ok := values.NumericBig(variance)
	if !ok {
		return variance
	}
	return values.NumericFromBig(roundSqrt(u.Mul(u, pow10(rscale))), rscale)
}

// roundSqrt is the integer nearest to the square root of x.
func roundSqrt(x *big.Int) *big.Int {
	root := new(big.Int).Sqrt(x)
	rest := new(big.Int).Mul(root, root)
	if rest.Sub(x, rest).Cmp(root) > 0 {
		root.Add(root, big.NewInt(1))
	}
	return root
}

// spreadInt holds the aggregates of variance of integers.
type spreadInt struct {
	spread
	n            int64
	sum, squares exactInt
}

func (s *spreadInt) Reset() {
	s.n = 0
	s.sum.reset()
	s.squares.reset()
}

func (s *spreadInt) Add(args []values.Datum, w int64) {
	if args[0].IsNull() {
		return
	}
	s.n += w
	i := args[0].Int64()
	s.sum.addMul(i, w)
	s.squares.addSquare(i, w)
}

// addSquare adds w·i².
func (x *exactInt) addSquare(i, w int64) {
	if int64(int32(i)) == i {
		x.addMul(i*i, w)
		return
	}
	b := big128(mul128(i, i))
	x.addBig(b.Mul(b, big.NewInt(w)))
}

func (s *spreadInt) Result() values.Datum {
	if s.undefined(s.n) {
		return values.Null
	}
	return s.numeric(s.n, s.sum.value(), s.squares.value(), 0)
}

func (s *spreadInt) AppendState(dst []byte) []byte {
	return s.squares.append(s.sum.append(appendCount(dst, s.n)))
}

func (s *spreadInt) LoadState(src []byte) ([]byte, error) {
	src, err := loadCount(src, &s.n)
	if err != nil {
		return nil, err
	}
	if src, err = s.sum.load(src); err != nil {
		return nil, err
	}
	return s.squares.load(src)
}

// spreadNumeric holds the aggregates of variance of numerics. The squares have
// parts by the doubled scale of their values, and count them again.
type spreadNumeric struct {
	spread
	sum, squares exactNumeric
}

func (s *spreadNumeric) Reset() {
	s.sum.reset()
	s.squares.reset()
}

func (s *spreadNumeric) Add(args []values.Datum, w int64) {
	if args[0].IsNull() {
		return
	}
	s.sum.addMul(args[0], w)
	if u, scale, ok := values.NumericBig(args[0]); ok {
		p, at := s.squares.part(2 * scale)
		p.n += w
		if i, _, small := values.NumericSmall(args[0]); small {
			p.sum.addSquare(i, w)
		} else {
			p.sum.addBig(u.Mul(u.Mul(u, u), big.NewInt(w)))
		}
		s.squares.settle(p, at, w)
	}
}

func (s *spreadNumeric) Result() values.Datum {
	if s.undefined(s.sum.present()) {
		return values.Null
	}
	if _, special := s.sum.special(); special {
		return values.NumericNaN
	}
	sum, scale := s.sum.sum()
	squares, _ := s.squares.sum()
	return s.numeric(s.sum.n, sum, squares, scale)
}

func (s *spreadNumeric) AppendState(dst []byte) []byte {
	return s.squares.append(s.sum.append(dst))
}

func (s *spreadNumeric) LoadState(src []byte) ([]byte, error) {
	src, err := s.sum.load(src)
	if err != nil {
		return nil, err
	}
	return s.squares.load(src)
}

func init() {
	for name, s := range spreads {
		for _, t := range []string{"int2", "int4", "int8"} {
			registerLinear(name+"("+t+")", func() Accumulator { return &spreadInt{spread: s} })
		}
		registerLinear(name+"(numeric)", func() Accumulator { return &spreadNumeric{spread: s} })
	}
}
