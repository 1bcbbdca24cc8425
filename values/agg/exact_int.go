package agg

import (
	"encoding/binary"
	"errors"
	"math"
	"math/big"
	"math/bits"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// errState reports bytes that AppendState cannot have written.
var errState = errors.New("malformed aggregate state")

// exactInt is an integer sum without bound: 128 bits, and a big.Int once a sum
// left them. Which of the two forms holds a value depends on the path that led
// there, so the form never shows: every reading goes by the value.
type exactInt struct {
	hi  int64
	lo  uint64
	big *big.Int // not nil: the value, and hi and lo mean nothing
}

func (x *exactInt) reset() { *x = exactInt{} }

func (x *exactInt) isZero() bool {
	if x.big != nil {
		return x.big.Sign() == 0
	}
	return x.hi == 0 && x.lo == 0
}

// addMul adds a*b.
func (x *exactInt) addMul(a, b int64) {
	hi, lo := mul128(a, b)
	x.add128(hi, lo)
}

// mul128 is the signed 128-bit product of a and b.
func mul128(a, b int64) (hi int64, lo uint64) {
	h, l := bits.Mul64(uint64(a), uint64(b))
	if a < 0 {
		h -= uint64(b)
	}
	if b < 0 {
		h -= uint64(a)
	}
	return int64(h), l
}

func (x *exactInt) add128(hi int64, lo uint64) {
	if x.big == nil {
		l, carry := bits.Add64(x.lo, lo, 0)
		h, _ := bits.Add64(uint64(x.hi), uint64(hi), carry)
		// Overflow: the addends agree in sign and the sum does not.
		if (x.hi^int64(h))&(hi^int64(h)) >= 0 {
			x.hi, x.lo = int64(h), l
			return
		}
	}
	x.addBig(big128(hi, lo))
}

// addBig adds b, which is only read.
func (x *exactInt) addBig(b *big.Int) {
	if x.big == nil {
		x.big = big128(x.hi, x.lo)
	}
	x.big.Add(x.big, b)
}

func big128(hi int64, lo uint64) *big.Int {
	b := big.NewInt(hi)
	b.Lsh(b, 64)
	return b.Add(b, new(big.Int).SetUint64(lo))
}

// int64 is the value, if it fits.
func (x *exactInt) int64() (int64, bool) {
	if x.big != nil {
		return x.big.Int64(), x.big.IsInt64()
	}
	return int64(x.lo), x.hi == int64(x.lo)>>63
}

// value is the value as a fresh big.Int.
func (x *exactInt) value() *big.Int {
	if x.big != nil {
		return new(big.Int).Set(x.big)
	}
	return big128(x.hi, x.lo)
}

// append writes the value: a length byte or varint, then that many bytes of big
// endian two's complement, as few as the value needs (none for zero).
func (x *exactInt) append(dst []byte) []byte {
	if i, ok := x.int64(); ok {
		n := int64Len(i)
		dst = append(dst, byte(n))
		for n--; n >= 0; n-- {
			dst = append(dst, byte(i>>(8*n)))
		}
		return dst
	}
	v := x.value()
	// BitLen of -2^k counts one bit more than two's complement needs.
	b := v
	if v.Sign() < 0 {
		b = new(big.Int).Not(v)
	}
	n := b.BitLen()/8 + 1
	dst = binary.AppendUvarint(dst, uint64(n))
	at := len(dst)
	dst = append(dst, make([]byte, n)...)
	b.FillBytes(dst[at:])
	if v.Sign() < 0 {
		for i := at; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	return dst
}

// int64Len is the number of bytes of i's shortest two's complement form.
func int64Len(i int64) int {
	if i == 0 {
		return 0
	}
	return bits.Len64(uint64(i^(i>>63)))/8 + 1
}

// load reads what append wrote and returns what follows it.
func (x *exactInt) load(src []byte) ([]byte, error) {
	n, used := binary.Uvarint(src)
	if used <= 0 || n > uint64(len(src)-used) {
		return nil, errState
	}
	digits, rest := src[used:used+int(n)], src[used+int(n):]
	x.big = nil
	if n == 0 {
		x.hi, x.lo = 0, 0
		return rest, nil
	}
	negative := digits[0]&0x80 != 0
	if n <= 8 {
		u := uint64(0)
		if negative {
			u = math.MaxUint64
		}
		for _, d := range digits {
			u = u<<8 | uint64(d)
		}
		x.lo, x.hi = u, int64(u)>>63
		return rest, nil
	}
	if n <= 16 {
		hi, lo := uint64(0), uint64(0)
		if negative {
			hi = math.MaxUint64
		}
		for _, d := range digits[:n-8] {
			hi = hi<<8 | uint64(d)
		}
		lo = binary.BigEndian.Uint64(digits[n-8:])
		x.hi, x.lo = int64(hi), lo
		return rest, nil
	}
	v := new(big.Int)
	if negative {
		inverse := make([]byte, n)
		for i, d := range digits {
			inverse[i] = ^d
		}
		v.Not(v.SetBytes(inverse))
	} else {
		v.SetBytes(digits)
	}
	x.big = v
	return rest, nil
}

// appendCount and loadCount hold a number of rows, which is negative only while
// a batch's removals stand before its insertions.
func appendCount(dst []byte, n int64) []byte { return binary.AppendVarint(dst, n) }

func loadCount(src []byte, n *int64) ([]byte, error) {
	v, used := binary.Varint(src)
	if used <= 0 {
		return nil, errState
	}
	*n = v
	return src[used:], nil
}

// numeric is the value times 10^-scale.
func (x *exactInt) numeric(scale int32) values.Datum {
	if i, ok := x.int64(); ok {
		return values.NumericFromInt(i, scale)
	}
	return values.NumericFromBig(x.value(), scale)
}
