package agg

import (
	"math/bits"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// bitCounts holds bit_and and bit_or of integers: how many values there are, and
// how many of them have each bit set. Sign extension makes the bits above a
// narrow type's width copies of its sign, so one form serves all widths.
type bitCounts struct {
	n    int64
	ones [64]int64
	or   bool
}

func (b *bitCounts) Reset() {
	b.n = 0
	b.ones = [64]int64{}
}

func (b *bitCounts) Add(args []values.Datum, w int64) {
	if args[0].IsNull() {
		return
	}
	b.n += w
	for u := uint64(args[0].Int64()); u != 0; u &= u - 1 {
		b.ones[bits.TrailingZeros64(u)] += w
	}
}

func (b *bitCounts) Result() values.Datum {
	if b.n == 0 {
		return values.Null
	}
	var u uint64
	for i, ones := range b.ones {
		if b.or && ones > 0 || !b.or && ones == b.n {
			u |= 1 << i
		}
	}
	return values.Int(int64(u))
}

// AppendState writes the counts up to the last that is not zero.
func (b *bitCounts) AppendState(dst []byte) []byte {
	last := len(b.ones)
	for last > 0 && b.ones[last-1] == 0 {
		last--
	}
	dst = appendCount(dst, b.n)
	dst = append(dst, byte(last))
	for _, ones := range b.ones[:last] {
		dst = appendCount(dst, ones)
	}
	return dst
}

func (b *bitCounts) LoadState(src []byte) ([]byte, error) {
	b.Reset()
	rest, err := loadCount(src, &b.n)
	if err != nil {
		return nil, err
	}
	if len(rest) == 0 || int(rest[0]) > len(b.ones) {
		return nil, errState
	}
	last := int(rest[0])
	rest = rest[1:]
	for i := range b.ones[:last] {
		if rest, err = loadCount(rest, &b.ones[i]); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// bitXor holds bit_xor: a value counts by the parity of its copies alone.
type bitXor struct {
	n   int64
	xor int64
}

func (b *bitXor) Reset() { *b = bitXor{} }

func (b *bitXor) Add(args []values.Datum, w int64) {
	if args[0].IsNull() {
		return
	}
	b.n += w
	if w&1 != 0 {
		b.xor ^= args[0].Int64()
	}
}

func (b *bitXor) Result() values.Datum {
	if b.n == 0 {
		return values.Null
	}
	return values.Int(b.xor)
}

func (b *bitXor) AppendState(dst []byte) []byte {
	return appendCount(appendCount(dst, b.n), b.xor)
}

func (b *bitXor) LoadState(src []byte) ([]byte, error) {
	rest, err := loadCount(src, &b.n)
	if err != nil {
		return nil, err
	}
	return loadCount(rest, &b.xor)
}

func init() {
	for _, t := range []string{"int2", "int4", "int8"} {
		registerLinear("bit_and("+t+")", func() Accumulator { return &bitCounts{} })
		registerLinear("bit_or("+t+")", func() Accumulator { return &bitCounts{or: true} })
		registerLinear("bit_xor("+t+")", func() Accumulator { return &bitXor{} })
	}
}
