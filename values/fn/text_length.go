package fn

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Lengths, positions and parts of text. Positions count characters of UTF-8,
// from 1 (https://www.postgresql.org/docs/current/functions-string.html).

func init() {
	for _, name := range []string{"length", "char_length", "character_length"} {
		register(name+"(text)", strict1(textLength))
		register(name+"(bpchar)", strict1(bpcharLength))
	}
	register("textlen(text)", strict1(textLength))
	for _, typname := range []string{"text", "bpchar", "bytea"} {
		register("octet_length("+typname+")", strict1(octetLength))
	}
	for _, typname := range []string{"text", "bytea"} {
		register("bit_length("+typname+")", strict1(bitLength))
	}
	register("length(bytea)", strict1(octetLength))

	for _, name := range []string{"substring", "substr"} {
		register(name+"(text,int4)", strict2(textSubstringFrom))
		register(name+"(text,int4,int4)", strict3(textSubstring))
	}
	register("left(text,int4)", strict2(textLeft))
	register("right(text,int4)", strict2(textRight))
	register("overlay(text,text,int4)", strict3(textOverlay))
	register("overlay(text,text,int4,int4)", Func{Strict: true, FN: textOverlayFor})

	for _, name := range []string{"position", "strpos"} {
		register(name+"(text,text)", Func{Strict: true, Need: NeedDeterministic, F2: textPosition})
	}
	register("starts_with(text,text)", Func{Strict: true, Need: NeedDeterministic, F2: startsWith})
	register("split_part(text,text,int4)", Func{Strict: true, Need: NeedDeterministic, F3: splitPart})
	register("ascii(text)", strict1(textASCII))
}

func textLength(a values.Datum) values.Datum {
	return values.Int(int64(utf8.RuneCountInString(a.Str())))
}

func bpcharLength(a values.Datum) values.Datum {
	return values.Int(int64(utf8.RuneCountInString(trimBlanks(a.Str()))))
}

func octetLength(a values.Datum) values.Datum { return values.Int(int64(len(a.Str()))) }

func bitLength(a values.Datum) values.Datum { return values.Int(8 * int64(len(a.Str()))) }

// prefixLen is the length in bytes of the first n characters of s, of all of s
// if it has fewer.
func prefixLen(s string, n int64) int {
	if n >= int64(len(s)) {
		return len(s)
	}
	i := 0
	for ; n > 0 && i < len(s); n-- {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		_, size := utf8.DecodeRuneInString(s[i:])
		i += size
	}
	return i
}

// substring is the part of s of the characters from start, of which there are at
// most length; those before the first character count, too.
func substring(s string, start, length int64) string {
	end := start + length
	if start < 1 {
		start = 1
	}
	if end <= start {
		return ""
	}
	s = s[prefixLen(s, start-1):]
	return s[:prefixLen(s, end-start)]
}

var errNegativeSubstring = values.Errorf("22011", "negative substring length not allowed")

func textSubstring(a, from, length values.Datum) values.Datum {
	if length.Int64() < 0 {
		return errNegativeSubstring
	}
	return values.String(substring(a.Str(), from.Int64(), length.Int64()))
}

func textSubstringFrom(a, from values.Datum) values.Datum {
	return values.String(a.Str()[prefixLen(a.Str(), from.Int64()-1):])
}

// textLeft takes the first n characters, or all but the last -n.
func textLeft(a, n values.Datum) values.Datum {
	s, k := a.Str(), n.Int64()
	if k < 0 {
		k += int64(utf8.RuneCountInString(s))
	}
	return values.String(s[:prefixLen(s, k)])
}

// textRight takes the last n characters, or all but the first -n. Postgres keeps
// all for the least integer, which has no negation.
func textRight(a, n values.Datum) values.Datum {
	s, k := a.Str(), n.Int64()
	switch {
	case k == math.MinInt32:
		return a
	case k < 0:
		k = -k
	default:
		k = int64(utf8.RuneCountInString(s)) - k
	}
	return values.String(s[prefixLen(s, k):])
}

func textOverlay(a, with, from values.Datum) values.Datum {
	return overlay(a, with, from, int64(utf8.RuneCountInString(with.Str())), substring)
}

func textOverlayFor(args []values.Datum) values.Datum {
	return overlay(args[0], args[1], args[2], args[3].Int64(), substring)
}

// overlay replaces length characters (or bytes: part decides) from a position.
func overlay(a, with, from values.Datum, length int64, part func(s string, from, length int64) string) values.Datum {
	if from.Int64() <= 0 {
		return errNegativeSubstring
	}
	rest := from.Int64() + length
	if rest != int64(int32(rest)) {
		return values.Errorf("22003", "integer out of range")
	}
	s := a.Str()
	return values.String(part(s, 1, from.Int64()-1) + with.Str() + part(s, max(rest, 1), math.MaxInt32))
}

// textPosition is the first position of part in a, 0 if there is none.
func textPosition(a, part values.Datum) values.Datum {
	i := strings.Index(a.Str(), part.Str())
	if i < 0 {
		return values.Int(0)
	}
	return values.Int(int64(utf8.RuneCountInString(a.Str()[:i])) + 1)
}

func startsWith(a, prefix values.Datum) values.Datum {
	return values.Bool(strings.HasPrefix(a.Str(), prefix.Str()))
}

// splitPart is the n-th of the fields that sep separates, from the end if n is
// negative; empty if there is none.
func splitPart(a, sep, nth values.Datum) values.Datum {
	s, by, n := a.Str(), sep.Str(), nth.Int64()
	switch {
	case n == 0:
		return values.Errorf("22023", "field position must not be zero")
	case by == "":
		if n == 1 || n == -1 {
			return a
		}
		return values.String("")
	case n < 0:
		if n += int64(strings.Count(s, by)) + 2; n <= 0 {
			return values.String("")
		}
	}
	for ; n > 1; n-- {
		i := strings.Index(s, by)
		if i < 0 {
			return values.String("")
		}
		s = s[i+len(by):]
	}
	if i := strings.Index(s, by); i >= 0 {
		s = s[:i]
	}
	return values.String(s)
}

// textASCII is the code point of the first character, 0 without one.
func textASCII(a values.Datum) values.Datum {
	if a.Str() == "" {
		return values.Int(0)
	}
	r, _ := utf8.DecodeRuneInString(a.Str())
	return values.Int(int64(r))
}
