package values

import (
	"math"
	"math/big"
	"strconv"
)

// nan64 and nan32 are how Postgres itself writes NaN; it may also store others
// (an operation of the processor may set the sign), which print the same.
const (
	nan64 = 0x7ff8000000000000
	nan32 = 0x7fc00000
)

func floatBits64(b uint64) Datum { return Float(math.Float64frombits(b)) }
func floatBits32(b uint32) Datum { return Float(float64(math.Float32frombits(b))) }

func wireBits64(d Datum) uint64 {
	if f := d.Float64(); f != f {
		return nan64
	}
	return uint64(d.i)
}

func wireBits32(d Datum) uint32 {
	f := d.Float64()
	if f != f {
		return nan32
	}
	return math.Float32bits(float32(f))
}

func decodeFloatText(t *Type, src string) (Datum, error) {
	bits := 64
	if t.Kind == KindFloat4 {
		bits = 32
	}
	switch src { // strconv takes these in other spellings too
	case "NaN":
		return Float(math.NaN()), nil
	case "Infinity":
		return Float(math.Inf(1)), nil
	case "-Infinity":
		return Float(math.Inf(-1)), nil
	}
	f, err := strconv.ParseFloat(src, bits)
	if err != nil {
		return Null, malformed(t, err.Error())
	}
	return Float(f), nil
}

// AppendFloat8 appends a float8 as Postgres prints it.
func AppendFloat8(dst []byte, f float64) []byte { return appendFloatText(dst, f, 64) }

// AppendFloat4 appends a float4 as Postgres prints it.
func AppendFloat4(dst []byte, f float64) []byte { return appendFloatText(dst, f, 32) }

// appendFloatText prints the shortest digits that read back as f, as float8out
// and float4out do with extra_float_digits above 0: in plain notation while the
// decimal exponent is in [-4, 15) (float4: [-4, 6)), else in scientific one with
// at least two digits of exponent.
func appendFloatText(dst []byte, f float64, bits int) []byte {
	switch {
	case f != f:
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case f == 0:
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return append(dst, '0')
	}
	var buf [32]byte
	digits, exp := splitScientific(strconv.AppendFloat(buf[:0], math.Abs(f), 'e', -1, bits))
	if onBoundary(math.Abs(f), digits, exp, bits) {
		digits, exp = shortestInside(math.Abs(f), bits)
	}
	if f < 0 {
		dst = append(dst, '-')
	}
	return appendDigits(dst, digits, exp, bits)
}

// splitScientific cuts "d.ddde±xx" into its digits and the exponent of the first.
func splitScientific(s []byte) (digits []byte, exp int) {
	e := len(s) - 1
	for s[e] != 'e' {
		e--
	}
	exp, _ = strconv.Atoi(string(s[e+1:]))
	if e == 1 {
		return s[:1], exp
	}
	s[1] = s[0]
	return s[1:e], exp
}

func appendDigits(dst, digits []byte, exp, bits int) []byte {
	limit := 15
	if bits == 32 {
		limit = 6
	}
	switch {
	case exp < -4 || exp >= limit:
		dst = append(dst, digits[0])
		if len(digits) > 1 {
			dst = append(append(dst, '.'), digits[1:]...)
		}
		dst = append(dst, 'e')
		if exp < 0 {
			dst, exp = append(dst, '-'), -exp
		} else {
			dst = append(dst, '+')
		}
		if exp < 10 {
			dst = append(dst, '0')
		}
		return strconv.AppendInt(dst, int64(exp), 10)
	case exp < 0:
		dst = append(dst, "0.000"[:1-exp]...)
		return append(dst, digits...)
	case len(digits) <= exp+1:
		dst = append(dst, digits...)
		for n := len(digits); n <= exp; n++ {
			dst = append(dst, '0')
		}
		return dst
	}
	dst = append(append(dst, digits[:exp+1]...), '.')
	return append(dst, digits[exp+1:]...)
}

// Postgres' Ryu takes only decimals strictly between the two midpoints next to
// f; Go also takes a midpoint when f's mantissa is even, since reading rounds
// half to even. A midpoint has few enough digits to be printed only inside the
// ranges below, so that others need no test.
func onBoundary(f float64, digits []byte, exp, bits int) bool {
	if bits == 64 {
		if f < 1<<52 || f > 1e41 {
			return false
		}
	} else if f < 1<<22 || f > 1e20 {
		return false
	}
	lo, hi := midpoints(f, bits)
	v := decimalRat(digits, exp)
	return v.Cmp(lo) <= 0 || v.Cmp(hi) >= 0
}

func midpoints(f float64, bits int) (lo, hi *big.Rat) {
	var below, above float64
	if bits == 64 {
		below, above = math.Nextafter(f, 0), math.Nextafter(f, math.Inf(1))
	} else {
		below = float64(math.Nextafter32(float32(f), 0))
		above = float64(math.Nextafter32(float32(f), float32(math.Inf(1))))
	}
	x, half := new(big.Rat).SetFloat64(f), big.NewRat(1, 2)
	lo, hi = new(big.Rat).SetFloat64(below), new(big.Rat).SetFloat64(above)
	return lo.Mul(lo.Add(lo, x), half), hi.Mul(hi.Add(hi, x), half)
}

func decimalRat(digits []byte, exp int) *big.Rat {
	n, _ := new(big.Int).SetString(string(digits), 10)
	return scaledRat(n, exp-len(digits)+1)
}

// scaledRat returns n·10^e.
func scaledRat(n *big.Int, e int) *big.Rat {
	if e >= 0 {
		return new(big.Rat).SetInt(new(big.Int).Mul(n, pow10Big(e)))
	}
	return new(big.Rat).SetFrac(n, pow10Big(-e))
}

// shortestInside finds the shortest decimal strictly between the midpoints, and
// of several the one nearest to f.
func shortestInside(f float64, bits int) (digits []byte, exp int) {
	lo, hi := midpoints(f, bits)
	x := new(big.Rat).SetFloat64(f)
	_, exp = splitScientific(strconv.AppendFloat(nil, f, 'e', 17, 64))
	for n := 1; ; n++ {
		unit := exp - n + 1
		scaled := new(big.Rat).Mul(x, scaledRat(big.NewInt(1), -unit))
		floor := new(big.Int).Quo(scaled.Num(), scaled.Denom())
		var best *big.Int
		var bestOff *big.Rat
		for _, c := range []*big.Int{floor, new(big.Int).Add(floor, big.NewInt(1))} {
			v := scaledRat(c, unit)
			if v.Cmp(lo) <= 0 || v.Cmp(hi) >= 0 {
				continue
			}
			off := v.Sub(v, x)
			if off.Abs(off); best == nil || off.Cmp(bestOff) < 0 {
				best, bestOff = c, off
			}
		}
		if best == nil {
			continue
		}
		digits = best.Append(nil, 10)
		exp += len(digits) - n // rounded up to a power of ten
		for len(digits) > 1 && digits[len(digits)-1] == '0' {
			digits = digits[:len(digits)-1]
		}
		return digits, exp
	}
}
