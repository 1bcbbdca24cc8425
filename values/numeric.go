package values

import (
	"math/big"
	"math/bits"
	"strconv"
	"strings"
)

// A numeric is unscaled·10^-scale, where the display scale is part of the value
// (1.0 and 1.00 are equal, yet print differently). Two forms:
//
//	small  s == "", i = unscaled, aux = scale
//	big    s = sign byte ('+' or '-') and the magnitude, big endian, no leading
//	       zero byte; aux = scale
//
// and three values without digits, by s alone. A number whose unscaled value
// fits an int64 is always small, so that equal representation is one form.
const (
	numericNaN      = "N"
	numericInf      = "P"
	numericMinusInf = "M"
)

// Limits of Postgres' numeric (src/backend/utils/adt/numeric.c).
const (
	maxScale     = 16383  // NUMERIC_DSCALE_MAX
	maxIntDigits = 131072 // (NUMERIC_WEIGHT_MAX + 1) · DEC_DIGITS
)

// The numerics that are no numbers.
var (
	NumericNaN              = String(numericNaN)
	NumericInfinity         = String(numericInf)
	NumericNegativeInfinity = String(numericMinusInf)
)

var (
	errNumericOverflow = Errorf("22003", "value overflows numeric format")
	errDivisionByZero  = Errorf("22012", "division by zero")
)

// NumericFromInt makes unscaled·10^-scale; scale must be in [0, 16383].
func NumericFromInt(unscaled int64, scale int32) Datum { return Make("", unscaled, scale) }

// NumericFromBig makes unscaled·10^-scale, or the error of a number too large
// for Postgres; scale must be in [0, 16383].
func NumericFromBig(unscaled *big.Int, scale int32) Datum {
	if unscaled.IsInt64() {
		return Make("", unscaled.Int64(), scale)
	}
	// 3.3219 bits a digit: only numbers near the limit are counted exactly.
	if n := unscaled.BitLen(); n > 435_000 && decimalLen(unscaled)-int(scale) > maxIntDigits {
		return errNumericOverflow
	}
	b := make([]byte, 1+(unscaled.BitLen()+7)/8)
	b[0] = '+'
	if unscaled.Sign() < 0 {
		b[0] = '-'
	}
	unscaled.FillBytes(b[1:])
	return Make(string(b), 0, scale)
}

// NumericBig reads a finite numeric as unscaled·10^-scale; ok is false for NaN
// and the infinities.
func NumericBig(d Datum) (unscaled *big.Int, scale int32, ok bool) {
	if d.s == "" {
		return big.NewInt(d.i), d.aux, true
	}
	if len(d.s) == 1 {
		return nil, 0, false
	}
	n := new(big.Int).SetBytes([]byte(d.s[1:]))
	if d.s[0] == '-' {
		n.Neg(n)
	}
	return n, d.aux, true
}

// NumericSmall reads a numeric in small form.
func NumericSmall(d Datum) (unscaled int64, scale int32, ok bool) { return d.i, d.aux, d.s == "" }

// NumericScale returns the display scale (numeric_scale); ok is false for NaN
// and the infinities, which have none.
func NumericScale(d Datum) (scale int32, ok bool) { return d.aux, !numericSpecial(d) }

func numericSpecial(d Datum) bool { return len(d.s) == 1 }

func isNumericNaN(d Datum) bool { return d.s == numericNaN }

// numericSign returns -1, 0 or 1; of NaN 1.
func numericSign(d Datum) int {
	switch {
	case d.s != "":
		if d.s[0] == '-' || d.s == numericMinusInf {
			return -1
		}
		return 1
	case d.i < 0:
		return -1
	case d.i > 0:
		return 1
	}
	return 0
}

// pow10 are the powers of ten of a machine word.
var pow10 = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * 10
	}
	return p
}()

var bigTen = big.NewInt(10)

func pow10Big(n int) *big.Int {
	if n < len(pow10) {
		return new(big.Int).SetUint64(pow10[n])
	}
	return new(big.Int).Exp(bigTen, big.NewInt(int64(n)), nil)
}

// wordLen returns the number of decimal digits of u; of 0 it is 0.
func wordLen(u uint64) int {
	n := (bits.Len64(u)*1233 + 4095) >> 12 // log10(2) ≈ 1233/4096: right or one too many
	if n > 0 && n <= 20 && u < pow10[n-1] {
		n--
	}
	return n
}

// decimalLen returns the number of decimal digits of |n|; of 0 it is 0.
func decimalLen(n *big.Int) int {
	if n.IsUint64() {
		return wordLen(n.Uint64())
	}
	est := int(float64(n.BitLen()-1) * 0.30102999566398120) // floor of log10 of a lower bound
	if n.CmpAbs(pow10Big(est+1)) >= 0 {
		return est + 2
	}
	if n.CmpAbs(pow10Big(est)) >= 0 {
		return est + 1
	}
	return est
}

func absWord(i int64) uint64 {
	if i < 0 {
		return -uint64(i)
	}
	return uint64(i)
}

// scaleWord returns i·10^n when it fits an int64.
func scaleWord(i int64, n int32) (int64, bool) {
	if n == 0 || i == 0 {
		return i, true
	}
	if n > 18 {
		return 0, false
	}
	hi, lo := bits.Mul64(absWord(i), pow10[n])
	return signWord(hi, lo, i < 0)
}

// signWord makes an int64 of a magnitude and a sign, when it fits.
func signWord(hi, lo uint64, neg bool) (int64, bool) {
	switch {
	case hi != 0:
		return 0, false
	case neg:
		return -int64(lo), lo <= 1<<63
	}
	return int64(lo), lo < 1<<63
}

// mulAddWords returns (hi, lo)·m + v when it fits two words.
func mulAddWords(hi, lo, m, v uint64) (uint64, uint64, bool) {
	over, hi := bits.Mul64(hi, m)
	carryHi, lo := bits.Mul64(lo, m)
	lo, carry := bits.Add64(lo, v, 0)
	hi, carry = bits.Add64(hi, carryHi, carry)
	return hi, lo, over|carry == 0
}

// numericFromWords makes a numeric of a magnitude of two words.
func numericFromWords(hi, lo uint64, neg bool, scale int32) Datum {
	if i, ok := signWord(hi, lo, neg); ok {
		return Make("", i, scale)
	}
	var b [17]byte
	append64(append64(b[1:1], hi), lo)
	at := bits.LeadingZeros64(hi) / 8
	if hi == 0 {
		at = 8 // lo ≥ 2^63: all its bytes count
	}
	b[at] = '+'
	if neg {
		b[at] = '-'
	}
	return Make(string(b[at:]), 0, scale)
}

// AppendNumeric appends a numeric as Postgres prints it.
func AppendNumeric(dst []byte, d Datum) []byte {
	switch d.s {
	case numericNaN:
		return append(dst, "NaN"...)
	case numericInf:
		return append(dst, "Infinity"...)
	case numericMinusInf:
		return append(dst, "-Infinity"...)
	}
	if numericSign(d) < 0 {
		dst = append(dst, '-')
	}
	var buf [32]byte
	var digits []byte
	if d.s == "" {
		digits = strconv.AppendUint(buf[:0], absWord(d.i), 10)
	} else {
		digits = new(big.Int).SetBytes([]byte(d.s[1:])).Append(nil, 10)
	}
	scale := int(d.aux)
	if scale == 0 {
		return append(dst, digits...)
	}
	if whole := len(digits) - scale; whole > 0 {
		dst = append(append(dst, digits[:whole]...), '.')
		return append(dst, digits[whole:]...)
	}
	dst = append(dst, "0."...)
	for n := len(digits); n < scale; n++ {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}

// NumericString returns a numeric as Postgres prints it.
func NumericString(d Datum) string { return string(AppendNumeric(nil, d)) }

// ParseNumeric reads the decimal syntax of numeric's input function; a
// malformed text gives Postgres' error as a Datum.
func ParseNumeric(src string) Datum {
	s := strings.Trim(src, " \t\n\v\f\r")
	bad := func() Datum { return Errorf("22P02", "invalid input syntax for type numeric: \"%s\"", src) }
	body, neg := s, false
	if body != "" && (body[0] == '-' || body[0] == '+') {
		neg, body = body[0] == '-', body[1:]
	}
	switch strings.ToLower(body) {
	case "nan":
		if len(body) == len(s) { // NaN takes no sign
			return NumericNaN
		}
		return bad()
	case "inf", "infinity":
		if neg {
			return NumericNegativeInfinity
		}
		return NumericInfinity
	}
	mantissa, exp := body, 0
	if e := strings.IndexAny(body, "eE"); e >= 0 {
		v, err := strconv.ParseInt(body[e+1:], 10, 32)
		if err != nil || strings.Contains(body[e:], "_") {
			return bad()
		}
		if v >= 1<<30 || v <= -(1<<30) {
			return errNumericOverflow
		}
		mantissa, exp = body[:e], int(v)
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	if whole == "" && frac == "" || !allDigits(whole) || !allDigits(frac) {
		return bad()
	}
	return numericOfDigits(neg, whole+frac, len(frac)-exp)
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// numericOfDigits makes ±digits·10^-scale; a negative scale appends zeros.
func numericOfDigits(neg bool, digits string, scale int) Datum {
	digits = strings.TrimLeft(digits, "0")
	shift := 0
	if scale < 0 {
		if digits == "" {
			return NumericFromInt(0, 0)
		}
		if len(digits)-scale > maxIntDigits {
			return errNumericOverflow
		}
		shift, scale = -scale, 0
	}
	if scale > maxScale || len(digits)-scale > maxIntDigits {
		return errNumericOverflow
	}
	if len(digits)+shift <= 18 {
		u, _ := digitsOf(digits)
		u *= pow10[shift]
		i := int64(u)
		if neg {
			i = -i
		}
		return NumericFromInt(i, int32(scale))
	}
	// big.Int reads long texts slowly: zeros at the end are cheaper multiplied.
	mantissa := strings.TrimRight(digits, "0")
	n, _ := new(big.Int).SetString(mantissa, 10)
	n.Mul(n, pow10Big(shift+len(digits)-len(mantissa)))
	if neg {
		n.Neg(n)
	}
	return NumericFromBig(n, int32(scale))
}
