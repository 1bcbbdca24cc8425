package agg

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// exactFloat is a sum of doubles without rounding error: a two's complement
// fixed-point number whose unit is 2^-1074, the smallest double ("small
// superaccumulator", Neal, "Fast exact summation using small and large
// superaccumulators", 2015). Its 2^2304 units leave 2^205 times the largest
// double, more than all weights together.
//
// lo and hi bound the limbs that were ever touched; those above hi are all
// copies of the sign. They are a matter of speed alone.
type exactFloat struct {
	limbs  [floatLimbs]uint64
	lo, hi int // limbs[lo:hi] were touched; both 0: none
}

const (
	floatLimbs = 36
	floatUnit  = -1074 // exponent of limbs' lowest bit
)

func (x *exactFloat) reset() {
	for i := x.lo; i < floatLimbs && i < x.hi; i++ {
		x.limbs[i] = 0
	}
	if x.hi > 0 && x.limbs[floatLimbs-1] != 0 {
		x.limbs = [floatLimbs]uint64{}
	}
	x.lo, x.hi = 0, 0
}

func (x *exactFloat) isZero() bool { return x.limbs == [floatLimbs]uint64{} }

// addMul adds w times the finite f.
func (x *exactFloat) addMul(f float64, w int64) {
	if f == 0 || w == 0 {
		return
	}
	u := math.Float64bits(f)
	exp := int(u >> 52 & 0x7ff)
	mantissa := u & (1<<52 - 1)
	if exp > 0 {
		mantissa |= 1 << 52
		exp--
	}
	// f = ±mantissa · 2^exp units.
	negative := u>>63 != 0
	if w < 0 {
		negative = !negative
	}
	hi, lo := bits.Mul64(mantissa, magnitude(w))
	at, shift := exp/64, uint(exp%64)
	words := [3]uint64{lo << shift, hi<<shift | lo>>(64-shift), hi >> (64 - shift)}
	if negative {
		x.sub(at, words)
	} else {
		x.add(at, words)
	}
}

func magnitude(i int64) uint64 {
	if i < 0 {
		return -uint64(i)
	}
	return uint64(i)
}

func (x *exactFloat) add(at int, words [3]uint64) {
	var c uint64
	x.limbs[at], c = bits.Add64(x.limbs[at], words[0], 0)
	x.limbs[at+1], c = bits.Add64(x.limbs[at+1], words[1], c)
	x.limbs[at+2], c = bits.Add64(x.limbs[at+2], words[2], c)
	end := at + 3
	for ; c != 0 && end < floatLimbs; end++ {
		x.limbs[end], c = bits.Add64(x.limbs[end], 0, c)
	}
	x.touch(at, end)
}

func (x *exactFloat) sub(at int, words [3]uint64) {
	var c uint64
	x.limbs[at], c = bits.Sub64(x.limbs[at], words[0], 0)
	x.limbs[at+1], c = bits.Sub64(x.limbs[at+1], words[1], c)
	x.limbs[at+2], c = bits.Sub64(x.limbs[at+2], words[2], c)
	end := at + 3
	for ; c != 0 && end < floatLimbs; end++ {
		x.limbs[end], c = bits.Sub64(x.limbs[end], 0, c)
	}
	x.touch(at, end)
}

func (x *exactFloat) touch(lo, hi int) {
	if x.hi == 0 || lo < x.lo {
		x.lo = lo
	}
	x.hi = max(x.hi, hi)
}

// append writes the number of low bytes that are zero and the bytes above, as
// few as the value needs, little endian two's complement; a zero as one zero
// byte. Both counts are varints.
func (x *exactFloat) append(dst []byte) []byte {
	top := floatLimbs - 1
	sign := uint64(int64(x.limbs[top]) >> 63)
	for top >= 0 && x.limbs[top] == sign {
		top--
	}
	bottom := 0
	for bottom < floatLimbs && x.limbs[bottom] == 0 {
		bottom++
	}
	if bottom == floatLimbs {
		return append(dst, 0)
	}
	skip := bottom*8 + bits.TrailingZeros64(x.limbs[bottom])/8
	end := (top+1)*8 + 1
	if top >= 0 {
		end = top*8 + bits.Len64(x.limbs[top]^sign)/8 + 1
	}
	end = max(end, skip+1)
	dst = binary.AppendUvarint(dst, uint64(end-skip))
	dst = binary.AppendUvarint(dst, uint64(skip))
	for i := skip; i < end; i++ {
		dst = append(dst, x.byteAt(i))
	}
	return dst
}

// byteAt is the i-th byte; above the number stand copies of its sign.
func (x *exactFloat) byteAt(i int) byte {
	if i >= floatLimbs*8 {
		return byte(int64(x.limbs[floatLimbs-1]) >> 63)
	}
	return byte(x.limbs[i/8] >> (i % 8 * 8))
}

func (x *exactFloat) load(src []byte) ([]byte, error) {
	x.reset()
	n, used := binary.Uvarint(src)
	if used <= 0 {
		return nil, errState
	}
	src = src[used:]
	if n == 0 {
		return src, nil
	}
	skip, used := binary.Uvarint(src)
	if used <= 0 {
		return nil, errState
	}
	src = src[used:]
	if n > uint64(len(src)) || skip > floatLimbs*8 || n > floatLimbs*8-skip {
		return nil, errState
	}
	digits, rest := src[:n], src[n:]
	for i, d := range digits {
		at := int(skip) + i
		x.limbs[at/8] |= uint64(d) << (at % 8 * 8)
	}
	end := int(skip + n)
	if digits[n-1]&0x80 != 0 {
		for i := end; i%8 != 0; i++ {
			x.limbs[i/8] |= 0xff << (i % 8 * 8)
		}
		for i := (end + 7) / 8; i < floatLimbs; i++ {
			x.limbs[i] = math.MaxUint64
		}
	}
	x.touch(int(skip)/8, (end+7)/8)
	return rest, nil
}

// guardLimbs lie below the unit while a quotient is computed: a division by less
// than 2^63 then has all bits that any double can show, and its remainder tells
// on which side of a tie the rest lies.
const guardLimbs = 2

// float64 is the value divided by n > 0, rounded once, to nearest and ties to
// even; an infinity where it exceeds the doubles.
func (x *exactFloat) float64(n uint64) float64 {
	return x.round(n, 53, floatUnit)
}

// float32 is the value rounded once to single precision.
func (x *exactFloat) float32() float32 {
	return float32(x.round(1, 24, -149))
}

// round rounds value/n to precision bits, whose lowest is not below 2^lowest.
// The result is exact as a float64, or too large for the format it is for.
func (x *exactFloat) round(n uint64, precision, lowest int) float64 {
	var q [floatLimbs + guardLimbs]uint64
	negative := int64(x.limbs[floatLimbs-1]) < 0
	copy(q[guardLimbs:], x.limbs[:])
	if negative {
		borrow := uint64(0)
		for i := range q {
			q[i], borrow = bits.Sub64(0, q[i], borrow)
		}
	}
	top := len(q) - 1
	for top >= 0 && q[top] == 0 {
		top--
	}
	if top < 0 {
		return 0
	}
	remainder := uint64(0)
	if n != 1 {
		for i := top; i >= 0; i-- {
			q[i], remainder = bits.Div64(remainder, q[i], n)
		}
		for top >= 0 && q[top] == 0 {
			top--
		}
	}
	f := 0.0
	if top >= 0 {
		high := top*64 + bits.Len64(q[top]) - 1 // the highest bit set
		unit := floatUnit - 64*guardLimbs       // the exponent of bit 0
		low := max(high-precision+1, lowest-unit)
		f = math.Ldexp(float64(roundBits(q[:], low, high, remainder != 0)), low+unit)
	}
	if negative {
		return -f
	}
	return f
}

// roundBits reads bits low to high of q (at most 53), rounded to nearest, ties to
// even, by the bits below and sticky, which stands for anything below them.
func roundBits(q []uint64, low, high int, sticky bool) uint64 {
	m := uint64(0)
	if low <= high {
		m = q[low/64] >> (low % 64)
		if low%64 != 0 && low/64+1 < len(q) {
			m |= q[low/64+1] << (64 - low%64)
		}
		m &= 1<<(high-low+1) - 1
	}
	half := low - 1
	if half < 0 || q[half/64]>>(half%64)&1 == 0 {
		return m
	}
	if !sticky && m&1 == 0 {
		below := q[half/64] & (1<<(half%64) - 1)
		for i := half/64 - 1; i >= 0 && below == 0; i-- {
			below = q[i]
		}
		if below == 0 {
			return m
		}
	}
	return m + 1
}
