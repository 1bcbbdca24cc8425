package values

import (
	"math/big"
	"math/bits"
)

// Words of numeric_send: number of base-10000 digits, weight of the first, sign,
// display scale, then the digits, 16 bits each.
const (
	numericPos  = 0x0000
	numericNeg  = 0x4000
	numericNaN_ = 0xc000
	numericPInf = 0xd000
	numericNInf = 0xf000

	// numericInfScale is what the server sends as an infinity's scale: bits of
	// its stored header, without meaning.
	numericInfScale = 0x20
)

func decodeNumeric[B bytesOrString](t *Type, src B) (Datum, error) {
	if len(src) < 8 {
		return Null, malformed(t, "too short")
	}
	n, weight := int(u16(src)), int(int16(u16(src[2:])))
	sign, scale := u16(src[4:]), int(u16(src[6:]))
	if len(src) != 8+2*n {
		return Null, malformed(t, "wrong length")
	}
	switch sign {
	case numericNaN_:
		return NumericNaN, nil
	case numericPInf:
		return NumericInfinity, nil
	case numericNInf:
		return NumericNegativeInfinity, nil
	case numericPos, numericNeg:
	default:
		return Null, malformed(t, "unknown sign")
	}
	if scale > maxScale {
		return Null, malformed(t, "scale out of range")
	}
	for i := range n {
		if u16(src[8+2*i:]) > 9999 {
			return Null, malformed(t, "digit out of range")
		}
	}
	// The digits are an integer at decimal scale 4·(n-1-weight); bring it to
	// the display scale. Only the last digit can reach past that.
	shift := scale - 4*(n-1-weight)
	if n == 0 {
		return NumericFromInt(0, int32(scale)), nil
	}
	if hi, lo, ok := digitWords(src[8:], n, shift); ok {
		return numericFromWords(hi, lo, sign == numericNeg, int32(scale)), nil
	}
	text := make([]byte, 0, 4*n)
	for i := range n {
		v := int(u16(src[8+2*i:]))
		text = append2(append2(text, v/100), v%100)
	}
	x, _ := new(big.Int).SetString(string(text), 10)
	if shift >= 0 {
		x.Mul(x, pow10Big(shift))
	} else {
		x.Quo(x, pow10Big(-shift))
	}
	if sign == numericNeg {
		x.Neg(x)
	}
	d := NumericFromBig(x, int32(scale))
	if d.IsErr() {
		return Null, malformed(t, "too large")
	}
	return d, nil
}

// digitWords computes digits·10^shift in two words; false when it does not fit.
func digitWords[B bytesOrString](src B, n, shift int) (hi, lo uint64, ok bool) {
	if n > 10 || shift > 19 || shift < -3 {
		return 0, 0, false
	}
	step := uint64(10000)
	for i := range n {
		v := uint64(u16(src[2*i:]))
		if shift < 0 && i == n-1 {
			step, v = pow10[4+shift], v/pow10[-shift]
		}
		if hi, lo, ok = mulAddWords(hi, lo, step, v); !ok {
			return 0, 0, false
		}
	}
	if shift > 0 {
		return mulAddWords(hi, lo, pow10[shift], 0)
	}
	return hi, lo, true
}

func appendNumericBinary(dst []byte, d Datum) []byte {
	switch d.s {
	case "":
		return appendWordBinary(dst, d)
	case numericNaN:
		return appendNumericHeader(dst, 0, 0, numericNaN_, 0)
	case numericInf:
		return appendNumericHeader(dst, 0, 0, numericPInf, numericInfScale)
	case numericMinusInf:
		return appendNumericHeader(dst, 0, 0, numericNInf, numericInfScale)
	}
	sign := numericPos
	if d.s[0] == '-' {
		sign = numericNeg
	}
	// Decimal digits, padded on both ends to whole base-10000 digits around the
	// decimal point.
	x := new(big.Int).SetBytes([]byte(d.s[1:]))
	pad := (4 - int(d.aux)%4) % 4
	if pad > 0 {
		x.Mul(x, pow10Big(pad))
	}
	text := x.Append(nil, 10)
	lead := (4 - len(text)%4) % 4
	n := (len(text) + lead) / 4
	weight := n - 1 - (int(d.aux)+pad)/4
	digits := make([]uint16, n)
	for i, c := range text {
		at := &digits[(i+lead)/4]
		*at = *at*10 + uint16(c-'0')
	}
	for n > 0 && digits[n-1] == 0 {
		n--
	}
	dst = appendNumericHeader(dst, n, weight, sign, d.aux)
	for _, v := range digits[:n] {
		dst = append16(dst, v)
	}
	return dst
}

func appendWordBinary(dst []byte, d Datum) []byte {
	if d.i == 0 {
		return appendNumericHeader(dst, 0, 0, numericPos, d.aux)
	}
	sign := numericPos
	if d.i < 0 {
		sign = numericNeg
	}
	pad := (4 - d.aux%4) % 4
	hi, lo := bits.Mul64(absWord(d.i), pow10[pad])
	var digits [8]uint16 // from the least; 2^63·1000 has 22 decimal digits
	n, skip := 0, 0
	for hi|lo != 0 {
		var rem uint64
		hi, rem = hi/10000, hi%10000
		lo, rem = bits.Div64(rem, lo, 10000)
		digits[n] = uint16(rem)
		n++
		if rem == 0 && skip == n-1 {
			skip = n
		}
	}
	weight := n - 1 - int(d.aux+pad)/4
	dst = appendNumericHeader(dst, n-skip, weight, sign, d.aux)
	for i := n - 1; i >= skip; i-- {
		dst = append16(dst, digits[i])
	}
	return dst
}

func appendNumericHeader(dst []byte, n, weight, sign int, scale int32) []byte {
	dst = append16(append16(dst, uint16(n)), uint16(weight))
	return append16(append16(dst, uint16(sign)), uint16(scale))
}
