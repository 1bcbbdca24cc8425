package values

import (
	"errors"
	"math"
	"strconv"
)

// NumericToInt8 is numeric → bigint: halves away from zero.
func NumericToInt8(a Datum) Datum { return numericToInt(a, "bigint", math.MinInt64, math.MaxInt64) }

// NumericToInt4 is numeric → integer.
func NumericToInt4(a Datum) Datum { return numericToInt(a, "integer", math.MinInt32, math.MaxInt32) }

// NumericToInt2 is numeric → smallint.
func NumericToInt2(a Datum) Datum { return numericToInt(a, "smallint", math.MinInt16, math.MaxInt16) }

func numericToInt(a Datum, name string, lo, hi int64) Datum {
	switch {
	case a.tag == tagErr:
		return a
	case isNumericNaN(a):
		return Errorf("0A000", "cannot convert NaN to %s", name)
	case numericSpecial(a):
		return Errorf("0A000", "cannot convert infinity to %s", name)
	}
	if a.s != "" || a.aux != 0 {
		a = rescale(a, 0, roundHalfAway)
	}
	if a.s != "" || a.i < lo || a.i > hi {
		return Errorf("22003", "%s out of range", name)
	}
	return Int(a.i)
}

// NumericFromFloat8 is float8 → numeric: 15 significant digits.
func NumericFromFloat8(f float64) Datum { return numericFromFloat(f, 15) }

// NumericFromFloat4 is float4 → numeric: 6 significant digits.
func NumericFromFloat4(f float64) Datum { return numericFromFloat(f, 6) }

func numericFromFloat(f float64, digits int) Datum {
	switch {
	case f != f:
		return NumericNaN
	case math.IsInf(f, 1):
		return NumericInfinity
	case math.IsInf(f, -1):
		return NumericNegativeInfinity
	}
	// The C library's %.*g drops trailing zeros; scale follows from what is left.
	var buf [40]byte
	m, exp := splitScientific(strconv.AppendFloat(buf[:0], math.Abs(f), 'e', digits-1, 64))
	for len(m) > 1 && m[len(m)-1] == '0' {
		m = m[:len(m)-1]
	}
	return numericOfDigits(f < 0, string(m), len(m)-1-exp)
}

// NumericToFloat8 is numeric → float8.
func NumericToFloat8(a Datum) Datum { return numericToFloat(a, 64, "double precision") }

// NumericToFloat4 is numeric → float4.
func NumericToFloat4(a Datum) Datum { return numericToFloat(a, 32, "real") }

// maxExact is up to where float64 holds every integer, and 10^22 is the largest
// power of ten it holds: a quotient of two exact floats is rounded once.
const maxExact = 1 << 53

func numericToFloat(a Datum, bits int, name string) Datum {
	switch a.s {
	case "":
		if bits == 64 && a.aux == 0 {
			return Float(float64(a.i))
		}
		if bits == 64 && absWord(a.i) <= maxExact && a.aux <= 19 {
			return Float(float64(a.i) / float64(pow10[a.aux]))
		}
	case numericNaN:
		return Float(math.NaN())
	case numericInf:
		return Float(math.Inf(1))
	case numericMinusInf:
		return Float(math.Inf(-1))
	}
	if a.tag == tagErr {
		return a
	}
	s := NumericString(a)
	f, err := strconv.ParseFloat(s, bits)
	if errors.Is(err, strconv.ErrRange) || (f == 0 && numericSign(a) != 0) {
		return Errorf("22003", "\"%s\" is out of range for type %s", s, name)
	}
	return Float(f)
}
