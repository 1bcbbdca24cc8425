package values

import (
	"math/big"
	"math/bits"
	"strings"
)

// The functions here take values, not NULL. An error among their arguments is
// their result, so that calls may be nested.

func argumentError(a, b Datum) (Datum, bool) {
	if a.tag == tagErr {
		return a, true
	}
	return b, b.tag == tagErr
}

// NumericAdd is a + b; the result has the larger scale.
func NumericAdd(a, b Datum) Datum {
	if a.s == "" && b.s == "" {
		if d, ok := addWords(a.i, a.aux, b.i, b.aux); ok {
			return d
		}
	}
	if e, bad := argumentError(a, b); bad {
		return e
	}
	if numericSpecial(a) || numericSpecial(b) {
		return addSpecial(a, b)
	}
	x, y, scale := alignBig(a, b)
	return NumericFromBig(x.Add(x, y), scale)
}

// NumericSub is a - b.
func NumericSub(a, b Datum) Datum { return NumericAdd(a, NumericNeg(b)) }

func addWords(a int64, as int32, b int64, bs int32) (Datum, bool) {
	ok := true
	switch {
	case as < bs:
		a, ok = scaleWord(a, bs-as)
		as = bs
	case bs < as:
		b, ok = scaleWord(b, as-bs)
	}
	sum := a + b
	if !ok || (a^sum)&(b^sum) < 0 {
		return Null, false
	}
	return Make("", sum, as), true
}

// addSpecial adds where at least one side is NaN or infinite.
func addSpecial(a, b Datum) Datum {
	switch {
	case isNumericNaN(a) || isNumericNaN(b):
		return NumericNaN
	case numericSpecial(a) && numericSpecial(b) && a.s != b.s:
		return NumericNaN
	case numericSpecial(a):
		return a
	}
	return b
}

// alignBig brings two finite numerics to their larger scale.
func alignBig(a, b Datum) (x, y *big.Int, scale int32) {
	x, as, _ := NumericBig(a)
	y, bs, _ := NumericBig(b)
	switch {
	case as < bs:
		return x.Mul(x, pow10Big(int(bs-as))), y, bs
	case bs < as:
		return x, y.Mul(y, pow10Big(int(as-bs))), as
	}
	return x, y, as
}

// NumericMul is a · b; the result's scale is the sum of both, or 16383 if that
// is less (rounded).
func NumericMul(a, b Datum) Datum {
	if a.s == "" && b.s == "" {
		if scale := a.aux + b.aux; scale <= maxScale {
			hi, lo := bits.Mul64(absWord(a.i), absWord(b.i))
			return numericFromWords(hi, lo, (a.i < 0) != (b.i < 0), scale)
		}
	}
	if e, bad := argumentError(a, b); bad {
		return e
	}
	if numericSpecial(a) || numericSpecial(b) {
		sign := numericSign(a) * numericSign(b)
		if isNumericNaN(a) || isNumericNaN(b) || sign == 0 {
			return NumericNaN
		}
		return infinityOf(sign)
	}
	x, as, _ := NumericBig(a)
	y, bs, _ := NumericBig(b)
	x.Mul(x, y)
	scale := as + bs
	if scale > maxScale {
		roundQuo(x, pow10Big(int(scale-maxScale)))
		scale = maxScale
	}
	return NumericFromBig(x, scale)
}

func infinityOf(sign int) Datum {
	if sign < 0 {
		return NumericNegativeInfinity
	}
	return NumericInfinity
}

// roundQuo sets n to n/d, halves away from zero; d is positive.
func roundQuo(n, d *big.Int) {
	var rem big.Int
	sign := n.Sign()
	n.QuoRem(n, d, &rem)
	if rem.Lsh(&rem, 1).CmpAbs(d) >= 0 {
		n.Add(n, big.NewInt(int64(sign)))
	}
}

// NumericNeg is -a.
func NumericNeg(a Datum) Datum {
	switch a.s {
	case "":
		if a.i != -a.i || a.i == 0 {
			return Make("", -a.i, a.aux)
		}
		n, scale, _ := NumericBig(a) // -MinInt64
		return NumericFromBig(n.Neg(n), scale)
	case numericNaN:
		return a
	case numericInf:
		return NumericNegativeInfinity
	case numericMinusInf:
		return NumericInfinity
	}
	if a.tag == tagErr {
		return a
	}
	if a.s[0] == '+' {
		n, scale, _ := NumericBig(a) // 2^63 becomes small
		return NumericFromBig(n.Neg(n), scale)
	}
	return Make("+"+a.s[1:], 0, a.aux)
}

// NumericAbs is |a|.
func NumericAbs(a Datum) Datum {
	if numericSign(a) < 0 {
		return NumericNeg(a)
	}
	return a
}

// NumericSign is sign(a): -1, 0, 1, or NaN of NaN.
func NumericSign(a Datum) Datum {
	if isNumericNaN(a) || a.tag == tagErr {
		return a
	}
	return NumericFromInt(int64(numericSign(a)), 0)
}

// NumericCmp compares in Postgres' order: NaN equals itself and is the greatest.
func NumericCmp(a, b Datum) int {
	if a.s == "" && b.s == "" {
		x, y, ok := a.i, b.i, true
		switch {
		case a.aux < b.aux:
			x, ok = scaleWord(x, b.aux-a.aux)
		case b.aux < a.aux:
			y, ok = scaleWord(y, a.aux-b.aux)
		}
		if ok {
			return cmpInt(x, y)
		}
	}
	if ra, rb := numericRank(a), numericRank(b); ra != rb || numericSpecial(a) {
		return ra - rb
	}
	if sa, sb := numericSign(a), numericSign(b); sa != sb {
		return cmpInt(int64(sa), int64(sb))
	}
	x, y, _ := alignBig(a, b)
	return x.Cmp(y)
}

// numericRank puts the values without digits around the finite ones.
func numericRank(d Datum) int {
	switch d.s {
	case numericMinusInf:
		return -1
	case numericInf:
		return 1
	case numericNaN:
		return 2
	}
	return 0
}

func cmpInt(a, b int64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// clampScale bounds the scale that round and trunc take: beyond it no digit can
// be.
func clampScale(n int64) int { return int(max(-maxIntDigits-1, min(n, maxScale))) }

// NumericRound is round(a, n): halves away from zero; n may be negative.
func NumericRound(a Datum, n int64) Datum { return rescale(a, clampScale(n), roundHalfAway) }

// NumericTrunc is trunc(a, n).
func NumericTrunc(a Datum, n int64) Datum { return rescale(a, clampScale(n), roundToZero) }

// NumericCeil is ceil(a).
func NumericCeil(a Datum) Datum { return rescale(a, 0, roundUp) }

// NumericFloor is floor(a).
func NumericFloor(a Datum) Datum { return rescale(a, 0, roundDown) }

type rounding uint8

const (
	roundHalfAway rounding = iota
	roundToZero
	roundUp
	roundDown
)

// away says whether a magnitude cut to a quotient moves one away from zero. half
// is the comparison of the remainder with one half.
func (r rounding) away(neg, exact bool, half int) bool {
	switch {
	case exact:
		return false
	case r == roundHalfAway:
		return half >= 0
	case r == roundUp:
		return !neg
	case r == roundDown:
		return neg
	}
	return false
}

// rescale brings a to n digits after the point; the display scale is n, or 0
// when n is negative.
func rescale(a Datum, n int, mode rounding) Datum {
	if numericSpecial(a) || a.tag == tagErr {
		return a
	}
	drop := int(a.aux) - n
	scale := int32(max(n, 0))
	if drop <= 0 {
		if a.s == "" {
			if i, ok := scaleWord(a.i, int32(-drop)); ok {
				return Make("", i, scale)
			}
		}
		x, _, _ := NumericBig(a)
		return NumericFromBig(x.Mul(x, pow10Big(-drop)), scale)
	}
	if a.s == "" {
		u, neg := absWord(a.i), a.i < 0
		var q, rem uint64
		half := -1
		if drop <= 19 {
			q, rem = u/pow10[drop], u%pow10[drop]
			if rem >= pow10[drop]-rem {
				half = 0
			}
		} else {
			rem = u
		}
		if mode.away(neg, rem == 0, half) {
			q++
		}
		if q == 0 {
			return NumericFromInt(0, scale)
		}
		back := int32(max(-n, 0))
		if back <= 18 && q < 1<<63 {
			i := int64(q)
			if neg {
				i = -i
			}
			if i, ok := scaleWord(i, back); ok {
				return Make("", i, scale)
			}
		}
	}
	x, _, _ := NumericBig(a)
	return rescaleBig(x, drop, n, scale, mode)
}

func rescaleBig(x *big.Int, drop, n int, scale int32, mode rounding) Datum {
	var rem big.Int
	sign := x.Sign()
	d := pow10Big(drop)
	x.QuoRem(x, d, &rem)
	exact := rem.Sign() == 0
	if mode.away(sign < 0, exact, rem.Lsh(&rem, 1).CmpAbs(d)) {
		x.Add(x, big.NewInt(int64(sign)))
	}
	if n < 0 {
		x.Mul(x, pow10Big(-n))
	}
	return NumericFromBig(x, scale)
}

// NumericApplyTypmod is the cast to numeric(p, s); typmod -1 changes nothing.
func NumericApplyTypmod(a Datum, typmod int32) Datum {
	if typmod < 4 || isNumericNaN(a) || a.tag == tagErr {
		return a
	}
	precision := int((typmod - 4) >> 16 & 0xffff)
	scale := int((typmod-4)&0x7ff^1024) - 1024 // eleven bits, signed since Postgres 15
	if numericSpecial(a) {
		return Errorf("22003", "numeric field overflow")
	}
	d := rescale(a, scale, roundHalfAway)
	if d.IsErr() {
		return d
	}
	var digits int
	if d.s == "" {
		digits = wordLen(absWord(d.i))
	} else {
		x, _, _ := NumericBig(d)
		digits = decimalLen(x)
	}
	if digits > 0 && digits-int(d.aux) > precision-scale {
		return Errorf("22003", "numeric field overflow")
	}
	return d
}

// NumericTrimScale is trim_scale(a): the least scale that loses nothing.
func NumericTrimScale(a Datum) Datum {
	if numericSpecial(a) || a.aux == 0 || a.tag == tagErr {
		return a
	}
	if a.s == "" {
		i, scale := a.i, a.aux
		if i == 0 {
			return NumericFromInt(0, 0)
		}
		for scale > 0 && i%10 == 0 {
			i, scale = i/10, scale-1
		}
		return NumericFromInt(i, scale)
	}
	s := NumericString(a)
	whole, frac, _ := strings.Cut(s, ".")
	frac = strings.TrimRight(frac, "0")
	if frac == "" {
		return ParseNumeric(whole)
	}
	return ParseNumeric(whole + "." + frac)
}
