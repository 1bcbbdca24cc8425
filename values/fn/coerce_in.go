package fn

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Input functions: what a cast from text reads. Types whose input syntax is rich
// (dates, json, bytea, arrays) are left to Postgres.

// inputFunc is a type's input function; nil if it is not native.
func inputFunc(to *values.Type) *Func {
	var f Func
	switch to.Kind {
	case values.KindBool:
		f = strict1(boolIn)
	case values.KindFloat8:
		f = strict1(func(a values.Datum) values.Datum { return floatIn(a.Str(), 64, "double precision", false) })
	case values.KindFloat4:
		return versionedInput(func(version int) func(a values.Datum) values.Datum {
			return func(a values.Datum) values.Datum { return floatIn(a.Str(), 32, "real", version < nonDecimal) }
		})
	case values.KindUUID:
		f = strict1(uuidIn)
	case values.KindEnum:
		f = strict1(enumIn(to))
	case values.KindInt2:
		return versionedInput(func(version int) func(a values.Datum) values.Datum { return width2.input("smallint", version) })
	case values.KindInt4:
		return versionedInput(func(version int) func(a values.Datum) values.Datum { return width4.input("integer", version) })
	case values.KindInt8:
		return versionedInput(func(version int) func(a values.Datum) values.Datum { return width8.input("bigint", version) })
	case values.KindNumeric:
		return versionedInput(numericInput)
	default:
		return nil
	}
	return &f
}

// nonDecimal is the version from which integers and numerics may be written as
// 0x1f, 0o17, 0b11 and 1_000.
const nonDecimal = 16

// versionedInput is an input function that depends on the server's version; nil
// while that is unknown.
func versionedInput(mk func(version int) func(a values.Datum) values.Datum) *Func {
	version := int(serverVersion.Load())
	if version == 0 {
		return nil
	}
	f := strict1(mk(version))
	return &f
}

func invalidInput(typ, s string) values.Datum {
	return values.Errorf("22P02", `invalid input syntax for type %s: "%s"`, typ, s)
}

// inputSpaces is what C's isspace skips.
const inputSpaces = " \t\n\v\f\r"

// boolIn is boolin: prefixes of true, false, yes and no, and on, off, 0, 1.
func boolIn(a values.Datum) values.Datum {
	s := strings.ToLower(strings.Trim(a.Str(), inputSpaces))
	switch {
	case s == "":
	case strings.HasPrefix("true", s), strings.HasPrefix("yes", s), s == "on", s == "1":
		return values.True
	case strings.HasPrefix("false", s), strings.HasPrefix("no", s), s == "off", s == "of", s == "0":
		return values.False
	}
	return invalidInput("boolean", a.Str())
}

// input is int2in, int4in or int8in. They meet an overflow before they look at
// what follows: up to version 15 at the digit that overflows, since then at the
// digit after.
func (w *intWidth) input(typ string, version int) func(a values.Datum) values.Datum {
	limit := magnitude(w.min)
	return func(a values.Datum) values.Datum {
		whole := a.Str()
		s := strings.TrimLeft(whole, inputSpaces)
		neg := strings.HasPrefix(s, "-")
		if neg || strings.HasPrefix(s, "+") {
			s = s[1:]
		}
		base := uint64(10)
		if version >= nonDecimal {
			if base = radix(s); base != 10 {
				s = s[2:]
			}
		}
		outOfRange := func() values.Datum {
			return values.Errorf("22003", `value "%s" is out of range for type %s`, whole, typ)
		}
		u, digits := uint64(0), 0
		for ; s != ""; s = s[1:] {
			if s[0] == '_' && version >= nonDecimal && (digits > 0 || base != 10) && len(s) > 1 && digitValue(s[1]) < base {
				continue
			}
			d := digitValue(s[0])
			if d >= base {
				break
			}
			if version >= nonDecimal && u > limit/base {
				return outOfRange()
			}
			u = u*base + d
			digits++
			if version < nonDecimal && u > limit {
				return outOfRange()
			}
		}
		switch {
		case digits == 0 || strings.Trim(s, inputSpaces) != "":
			return invalidInput(typ, whole)
		case u > limit || u == limit && !neg:
			return outOfRange()
		case neg:
			return values.Int(-int64(u))
		}
		return values.Int(int64(u))
	}
}

// radix reads the prefix of a literal that is not decimal.
func radix(s string) uint64 {
	if len(s) > 2 && s[0] == '0' {
		switch s[1] {
		case 'x', 'X':
			return 16
		case 'o', 'O':
			return 8
		case 'b', 'B':
			return 2
		}
	}
	return 10
}

func digitValue(c byte) uint64 {
	switch {
	case c >= '0' && c <= '9':
		return uint64(c - '0')
	case c >= 'a' && c <= 'f':
		return uint64(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return uint64(c-'A') + 10
	}
	return math.MaxUint64
}

// numericInput is numeric_in.
func numericInput(version int) func(a values.Datum) values.Datum {
	return func(a values.Datum) values.Datum {
		s := strings.Trim(a.Str(), inputSpaces)
		invalid := invalidInput("numeric", a.Str())
		if version < nonDecimal {
			// The exponent was read by C's strtol, which skips white space.
			if e := strings.IndexAny(s, "eE"); e > 0 {
				s = s[:e+1] + strings.TrimLeft(s[e+1:], inputSpaces)
			}
		} else {
			sign := strings.TrimLeft(s, "+-")
			if base := radix(sign); base != 10 {
				n, ok := new(big.Int).SetString(sign, 0)
				if !ok || len(s)-len(sign) > 1 {
					return invalid
				}
				if s[0] == '-' {
					n.Neg(n)
				}
				return values.NumericFromBig(n, 0)
			}
			var ok bool
			if s, ok = dropUnderscores(s); !ok {
				return invalid
			}
		}
		d := values.ParseNumeric(clampExponent(s))
		if isInvalid(d) {
			return invalid
		}
		// An exponent out of range must not hide a malformed mantissa.
		if e := strings.IndexAny(s, "eE"); d.IsErr() && e >= 0 && isInvalid(values.ParseNumeric(s[:e])) {
			return invalid
		}
		return d
	}
}

func isInvalid(d values.Datum) bool {
	e := d.Err()
	return e != nil && e.SQLState == "22P02"
}

// clampExponent shortens an exponent of many digits to one that is as much out of
// range, so that the text is not taken for malformed.
func clampExponent(s string) string {
	e := strings.IndexAny(s, "eE")
	if e < 0 {
		return s
	}
	if _, err := strconv.ParseInt(s[e+1:], 10, 32); !errors.Is(err, strconv.ErrRange) {
		return s
	}
	return s[:e] + "e1999999999"
}

// dropUnderscores removes underscores that stand between digits; false if there
// are others.
func dropUnderscores(s string) (string, bool) {
	if strings.IndexByte(s, '_') < 0 {
		return s, true
	}
	for i := range len(s) {
		if s[i] == '_' && (i == 0 || i == len(s)-1 || digitValue(s[i-1]) > 9 || digitValue(s[i+1]) > 9) {
			return "", false
		}
	}
	return strings.ReplaceAll(s, "_", ""), true
}

// floatIn is float8in or float4in, over what glibc's strtod reads. An error of
// range quotes the number, or the whole text if quoteWhole (float4in up to 15).
func floatIn(whole string, bits int, typ string, quoteWhole bool) values.Datum {
	s := strings.TrimLeft(whole, inputSpaces)
	number := s[:floatPrefix(s)]
	if number == "" || strings.Trim(s[len(number):], inputSpaces) != "" {
		// A number out of range is found before what follows it.
		if number == "" || !outOfFloatRange(number, bits) {
			return invalidInput(typ, whole)
		}
	}
	if outOfFloatRange(number, bits) {
		if quoteWhole {
			number = whole
		}
		return values.Errorf("22003", `"%s" is out of range for type %s`, number, typ)
	}
	f, err := strconv.ParseFloat(goFloat(number), bits)
	if err != nil {
		return invalidInput(typ, whole)
	}
	return values.Float(f)
}

func outOfFloatRange(number string, bits int) bool {
	f, err := strconv.ParseFloat(goFloat(number), bits)
	if errors.Is(err, strconv.ErrRange) {
		return true
	}
	mantissa, _, _ := strings.Cut(strings.ToLower(number), "e")
	if strings.Contains(strings.ToLower(number), "0x") {
		mantissa, _, _ = strings.Cut(strings.ToLower(number)[2:], "p")
	}
	return f == 0 && strings.ContainsAny(mantissa, "123456789abcdf")
}

// goFloat turns C's spelling into one that strconv reads.
func goFloat(number string) string {
	lower := strings.ToLower(number)
	switch bare := strings.TrimLeft(lower, "+-"); {
	case strings.HasPrefix(bare, "nan"):
		return "nan"
	case strings.HasPrefix(bare, "0x") && !strings.Contains(bare, "p"):
		return lower + "p0"
	}
	return lower
}

// floatPrefix is the length of the longest prefix that is a float to C.
func floatPrefix(s string) int {
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	lower := strings.ToLower(s[i:])
	for _, word := range []string{"infinity", "inf"} {
		if strings.HasPrefix(lower, word) {
			return i + len(word)
		}
	}
	if strings.HasPrefix(lower, "nan") {
		return i + 3 + nanPayload(lower[3:])
	}
	if strings.HasPrefix(lower, "0x") {
		if n := digitsPrefix(lower[2:], 16, 'p'); n > 0 {
			return i + 2 + n
		}
	}
	if n := digitsPrefix(lower, 10, 'e'); n > 0 {
		return i + n
	}
	return 0
}

// nanPayload is the length of "(letters)" after nan, which C allows.
func nanPayload(s string) int {
	if end := strings.IndexByte(s, ')'); strings.HasPrefix(s, "(") && end > 0 &&
		strings.Trim(s[1:end], "abcdefghijklmnopqrstuvwxyz0123456789_") == "" {
		return end + 1
	}
	return 0
}

// digitsPrefix is the length of digits with at most one point, and of an exponent
// if one follows.
func digitsPrefix(s string, base uint64, exponent byte) int {
	i, digits, point := 0, 0, false
	for ; i < len(s); i++ {
		switch {
		case digitValue(s[i]) < base:
			digits++
			continue
		case s[i] == '.' && !point:
			point = true
			continue
		}
		break
	}
	if digits == 0 {
		return 0
	}
	if i < len(s) && s[i] == exponent {
		j := i + 1
		if j < len(s) && (s[j] == '-' || s[j] == '+') {
			j++
		}
		if j < len(s) && digitValue(s[j]) < 10 {
			for i = j; i < len(s) && digitValue(s[i]) < 10; {
				i++
			}
		}
	}
	return i
}

// uuidIn is uuid_in: 32 hexadecimal digits, a hyphen after any four of them,
// braces around all.
func uuidIn(a values.Datum) values.Datum {
	s := a.Str()
	invalid := func() values.Datum { return invalidInput("uuid", a.Str()) }
	braces := strings.HasPrefix(s, "{")
	s = strings.TrimPrefix(s, "{")
	var id [16]byte
	for i := range id {
		if len(s) < 2 || digitValue(s[0]) > 15 || digitValue(s[1]) > 15 {
			return invalid()
		}
		id[i] = byte(digitValue(s[0])<<4 | digitValue(s[1]))
		s = s[2:]
		if i%2 == 1 && i < len(id)-1 {
			s = strings.TrimPrefix(s, "-")
		}
	}
	if braces && s != "}" || !braces && s != "" {
		return invalid()
	}
	return values.String(string(id[:]))
}

// enumIn is enum_in: a label, exactly.
func enumIn(t *values.Type) func(a values.Datum) values.Datum {
	rank := enumRank(t)
	return func(a values.Datum) values.Datum {
		if _, ok := rank[a.Str()]; ok {
			return a
		}
		return values.Errorf("22P02", `invalid input value for enum %s: "%s"`, t.SQL, a.Str())
	}
}
