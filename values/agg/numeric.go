package agg

import (
	"encoding/binary"
	"math/big"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// exactNumeric is a sum of numerics with one part for each display scale among
// its terms. So the scale of the sum, which is the largest scale present, comes
// back when the last value of a larger scale leaves; and adding needs no
// alignment. NaN and the infinities are counted apart.
type exactNumeric struct {
	n     int64 // finite values
	nans  int64
	infs  int64
	ninfs int64
	parts []scalePart // by ascending scale; none is empty
}

// scalePart is what the values of one display scale add up to.
type scalePart struct {
	scale int32
	n     int64
	sum   exactInt
}

func (p *scalePart) isEmpty() bool { return p.n == 0 && p.sum.isZero() }

func (x *exactNumeric) reset() {
	x.n, x.nans, x.infs, x.ninfs = 0, 0, 0, 0
	x.parts = x.parts[:0]
}

// present is the number of values, special ones included.
func (x *exactNumeric) present() int64 { return x.n + x.nans + x.infs + x.ninfs }

func (x *exactNumeric) addMul(d values.Datum, w int64) {
	if i, scale, ok := values.NumericSmall(d); ok {
		p, at := x.part(scale)
		p.n += w
		p.sum.addMul(i, w)
		x.settle(p, at, w)
		return
	}
	if u, scale, ok := values.NumericBig(d); ok {
		p, at := x.part(scale)
		p.n += w
		p.sum.addBig(u.Mul(u, big.NewInt(w)))
		x.settle(p, at, w)
		return
	}
	switch d {
	case values.NumericInfinity:
		x.infs += w
	case values.NumericNegativeInfinity:
		x.ninfs += w
	default:
		x.nans += w
	}
}

// part finds or makes the part of a scale.
func (x *exactNumeric) part(scale int32) (*scalePart, int) {
	at := len(x.parts)
	for at > 0 && x.parts[at-1].scale >= scale {
		at--
	}
	if at == len(x.parts) || x.parts[at].scale != scale {
		x.parts = slices.Insert(x.parts, at, scalePart{scale: scale})
	}
	return &x.parts[at], at
}

// settle counts the values just added and drops the part if nothing is left of
// it, so that equal sums have equal parts.
func (x *exactNumeric) settle(p *scalePart, at int, w int64) {
	x.n += w
	if p.isEmpty() {
		x.parts = slices.Delete(x.parts, at, at+1)
	}
}

// special is the sum where a value is NaN or infinite.
func (x *exactNumeric) special() (values.Datum, bool) {
	switch {
	case x.nans > 0 || x.infs > 0 && x.ninfs > 0:
		return values.NumericNaN, true
	case x.infs > 0:
		return values.NumericInfinity, true
	case x.ninfs > 0:
		return values.NumericNegativeInfinity, true
	}
	return values.Null, false
}

// sum is the sum of the finite values, its scale the largest present.
func (x *exactNumeric) sum() (*big.Int, int32) {
	total, scale := new(big.Int), int32(0)
	for i := range x.parts {
		p := &x.parts[i]
		total.Mul(total, pow10(p.scale-scale))
		if p.sum.big != nil {
			total.Add(total, p.sum.big)
		} else {
			total.Add(total, big128(p.sum.hi, p.sum.lo))
		}
		scale = p.scale
	}
	return total, scale
}

// total is sum as a numeric.
func (x *exactNumeric) total() values.Datum {
	if len(x.parts) == 1 {
		return x.parts[0].sum.numeric(x.parts[0].scale)
	}
	return values.NumericFromBig(x.sum())
}

func pow10(n int32) *big.Int {
	return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil)
}

// append writes the number of parts and the parts, then the special counts; the
// count's lowest bit says whether there are any.
func (x *exactNumeric) append(dst []byte) []byte {
	special := x.nans|x.infs|x.ninfs != 0
	head := uint64(len(x.parts)) << 1
	if special {
		head |= 1
	}
	dst = binary.AppendUvarint(dst, head)
	for i := range x.parts {
		p := &x.parts[i]
		dst = binary.AppendUvarint(dst, uint64(p.scale))
		dst = appendCount(dst, p.n)
		dst = p.sum.append(dst)
	}
	if special {
		dst = appendCount(appendCount(appendCount(dst, x.nans), x.infs), x.ninfs)
	}
	return dst
}

func (x *exactNumeric) load(src []byte) ([]byte, error) {
	x.reset()
	head, used := binary.Uvarint(src)
	if used <= 0 {
		return nil, errState
	}
	src = src[used:]
	var err error
	last := int64(-1)
	for range head >> 1 {
		scale, used := binary.Uvarint(src)
		if used <= 0 || scale > 1<<20 || int64(scale) <= last {
			return nil, errState
		}
		last = int64(scale)
		p := scalePart{scale: int32(scale)}
		if src, err = loadCount(src[used:], &p.n); err != nil {
			return nil, err
		}
		if src, err = p.sum.load(src); err != nil {
			return nil, err
		}
		x.n += p.n
		x.parts = append(x.parts, p)
	}
	if head&1 == 0 {
		return src, nil
	}
	for _, n := range []*int64{&x.nans, &x.infs, &x.ninfs} {
		if src, err = loadCount(src, n); err != nil {
			return nil, err
		}
	}
	return src, nil
}

// sumNumeric holds sum and avg of numeric.
type sumNumeric struct {
	exactNumeric
	mean bool
}

func (s *sumNumeric) Reset() { s.reset() }

func (s *sumNumeric) Add(args []values.Datum, w int64) {
	if !args[0].IsNull() {
		s.addMul(args[0], w)
	}
}

func (s *sumNumeric) Result() values.Datum {
	if s.present() <= 0 {
		return values.Null
	}
	if d, ok := s.special(); ok {
		return d
	}
	total := s.total()
	if s.mean && !total.IsErr() {
		return values.NumericDiv(total, values.NumericFromInt(s.n, 0))
	}
	return total
}

func (s *sumNumeric) AppendState(dst []byte) []byte { return s.append(dst) }

func (s *sumNumeric) LoadState(src []byte) ([]byte, error) { return s.load(src) }

func init() {
	registerLinear("sum(numeric)", func() Accumulator { return &sumNumeric{} })
	registerLinear("avg(numeric)", func() Accumulator { return &sumNumeric{mean: true} })
}
