package values

import (
	"math/big"
	"math/bits"
)

// NumericDiv is a / b, rounded to the scale that Postgres selects.
func NumericDiv(a, b Datum) Datum {
	if e, bad := argumentError(a, b); bad {
		return e
	}
	if numericSpecial(a) || numericSpecial(b) {
		return divSpecial(a, b)
	}
	if numericSign(b) == 0 {
		return errDivisionByZero
	}
	scale := divScale(a, b)
	// a/b·10^scale = a.i/b.i · 10^(scale - a.aux + b.aux)
	shift := scale - int(a.aux) + int(b.aux)
	if a.s == "" && b.s == "" && shift >= 0 {
		if d, ok := divWords(a.i, b.i, shift, int32(scale)); ok {
			return d
		}
	}
	x, _, _ := NumericBig(a)
	y, _, _ := NumericBig(b)
	if shift >= 0 {
		x.Mul(x, pow10Big(shift))
	} else {
		y.Mul(y, pow10Big(-shift))
	}
	if y.Sign() < 0 {
		x.Neg(x)
		y.Neg(y)
	}
	roundQuo(x, y)
	return NumericFromBig(x, int32(scale))
}

// divWords divides a·10^shift by b, when the dividend fits two words.
func divWords(a, b int64, shift int, scale int32) (Datum, bool) {
	u, v := absWord(a), absWord(b)
	hi, lo, ok := uint64(0), u, shift <= 2*19
	for ok && shift > 0 {
		step := min(shift, 19)
		hi, lo, ok = mulAddWords(hi, lo, pow10[step], 0)
		shift -= step
	}
	if !ok {
		return Null, false
	}
	qhi, rem := hi/v, hi%v
	qlo, rem := bits.Div64(rem, lo, v)
	if rem >= v-rem {
		var carry uint64
		qlo, carry = bits.Add64(qlo, 1, 0)
		qhi += carry // v > 1 here, so the quotient is far below 2^128
	}
	return numericFromWords(qhi, qlo, (a < 0) != (b < 0), scale), true
}

// divSpecial divides where at least one side is NaN or infinite.
func divSpecial(a, b Datum) Datum {
	switch {
	case isNumericNaN(a) || isNumericNaN(b):
		return NumericNaN
	case !numericSpecial(a): // by an infinity
		return NumericFromInt(0, 0)
	case numericSpecial(b):
		return NumericNaN
	case numericSign(b) == 0:
		return errDivisionByZero
	}
	return infinityOf(numericSign(a) * numericSign(b))
}

// divScale is select_div_scale: at least 16 significant digits, by an estimate
// from the first base-10000 digits, and at least either side's scale, at most
// 1000.
func divScale(a, b Datum) int {
	wa, fa := firstDigit(a)
	wb, fb := firstDigit(b)
	weight := wa - wb
	if fa <= fb {
		weight--
	}
	scale := 16 - weight*4
	return min(max(scale, int(a.aux), int(b.aux), 0), 1000)
}

// firstDigit returns the first non-zero base-10000 digit and its weight; of zero
// both are 0.
func firstDigit(d Datum) (weight int, digit uint64) {
	var n int
	var x *big.Int
	u := absWord(d.i)
	if d.s == "" {
		if n = wordLen(u); n == 0 {
			return 0, 0
		}
	} else {
		x, _, _ = NumericBig(d)
		n = decimalLen(x)
	}
	exp := n - 1 - int(d.aux) // decimal exponent of the leading decimal digit
	weight = int(floorDiv(int64(exp), 4))
	take := exp - weight*4 + 1 // how many decimal digits the first digit has
	switch {
	case take > n:
		return weight, u * pow10[take-n]
	case x == nil:
		return weight, u / pow10[n-take]
	}
	return weight, x.Abs(x).Quo(x, pow10Big(n-take)).Uint64()
}

// NumericDivTrunc is div(a, b): the quotient cut to an integer
// (numeric_div_trunc).
func NumericDivTrunc(a, b Datum) Datum {
	if e, bad := argumentError(a, b); bad {
		return e
	}
	if numericSpecial(a) || numericSpecial(b) {
		return divSpecial(a, b)
	}
	if numericSign(b) == 0 {
		return errDivisionByZero
	}
	if a.s == "" && b.s == "" && a.aux == b.aux && b.i != -1 {
		return NumericFromInt(a.i/b.i, 0)
	}
	x, y, _ := alignBig(a, b)
	return NumericFromBig(x.Quo(x, y), 0)
}

// NumericMod is a % b, with the sign of a and the larger scale.
func NumericMod(a, b Datum) Datum {
	if e, bad := argumentError(a, b); bad {
		return e
	}
	switch {
	case isNumericNaN(a) || isNumericNaN(b):
		return NumericNaN
	case numericSign(b) == 0:
		return errDivisionByZero
	case numericSpecial(a):
		return NumericNaN
	case numericSpecial(b):
		return a
	case a.s == "" && b.s == "" && a.aux == b.aux && b.i != -1:
		return NumericFromInt(a.i%b.i, a.aux)
	}
	x, y, scale := alignBig(a, b)
	return NumericFromBig(x.Rem(x, y), scale)
}
