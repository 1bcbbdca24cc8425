package fn

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Functions that build new text: concatenation, trimming, padding, replacement.

func init() {
	register("textcat(text,text)", strict2(concatenate))
	register("btrim(text)", strict1(func(a values.Datum) values.Datum { return values.String(strings.Trim(a.Str(), " ")) }))
	register("ltrim(text)", strict1(func(a values.Datum) values.Datum { return values.String(strings.TrimLeft(a.Str(), " ")) }))
	register("rtrim(text)", strict1(textTrimBlanks))
	register("btrim(text,text)", strict2(func(a, set values.Datum) values.Datum {
		return values.String(strings.Trim(a.Str(), set.Str()))
	}))
	register("ltrim(text,text)", strict2(func(a, set values.Datum) values.Datum {
		return values.String(strings.TrimLeft(a.Str(), set.Str()))
	}))
	register("rtrim(text,text)", strict2(func(a, set values.Datum) values.Datum {
		return values.String(strings.TrimRight(a.Str(), set.Str()))
	}))

	blank := values.String(" ")
	register("lpad(text,int4)", strict2(func(a, n values.Datum) values.Datum { return pad(a, n, blank, true) }))
	register("rpad(text,int4)", strict2(func(a, n values.Datum) values.Datum { return pad(a, n, blank, false) }))
	register("lpad(text,int4,text)", strict3(func(a, n, fill values.Datum) values.Datum { return pad(a, n, fill, true) }))
	register("rpad(text,int4,text)", strict3(func(a, n, fill values.Datum) values.Datum { return pad(a, n, fill, false) }))

	register("repeat(text,int4)", strict2(repeatText))
	register("replace(text,text,text)", Func{Strict: true, Need: NeedDeterministic, F3: replaceText})
	register("translate(text,text,text)", strict3(translate))
	register("reverse(text)", strict1(reverseText))
	register("chr(int4)", strict1(chr))
	register("to_hex(int4)", strict1(func(a values.Datum) values.Datum {
		return values.String(strconv.FormatUint(uint64(uint32(a.Int64())), 16))
	}))
	register("to_hex(int8)", strict1(func(a values.Datum) values.Datum {
		return values.String(strconv.FormatUint(uint64(a.Int64()), 16))
	}))
	register("quote_literal(text)", strict1(quoteLiteral))
	register("quote_nullable(text)", Func{F1: quoteNullable})
}

const (
	headerBytes = 4         // before every value of variable length
	maxBytes    = 1<<30 - 1 // of a value with its header
)

// errTooLong is the error of a value of more than maxBytes. Version 14 tried to
// get the memory first, if the size was a number it could hold.
func errTooLong(size int64) values.Datum {
	if serverBefore(unifiedErrors) && fits32(size) {
		return errMemory(size)
	}
	return values.Errorf("54000", "requested length too large")
}

func errMemory(size int64) values.Datum {
	return values.Errorf("XX000", "invalid memory alloc request size %d", uint64(size))
}

func concatenate(a, b values.Datum) values.Datum {
	switch {
	case a.Str() == "":
		return b
	case b.Str() == "":
		return a
	}
	return values.String(a.Str() + b.Str())
}

func textTrimBlanks(a values.Datum) values.Datum { return values.String(trimBlanks(a.Str())) }

// pad fills a up to n characters, or cuts it down to n.
func pad(a, length, fill values.Datum, left bool) values.Datum {
	s, by, n := a.Str(), fill.Str(), max(length.Int64(), 0)
	have := int64(utf8.RuneCountInString(s))
	if have >= n || by == "" {
		return values.String(s[:prefixLen(s, n)])
	}
	// Postgres makes room for the longest characters before it looks at them.
	if size := utf8.UTFMax*n + headerBytes; size > maxBytes {
		return errTooLong(size)
	}
	missing := n - have
	count := int64(utf8.RuneCountInString(by))
	whole, part := missing/count, prefixLen(by, missing%count)
	var b strings.Builder
	b.Grow(len(s) + int(whole)*len(by) + part)
	if !left {
		b.WriteString(s)
	}
	for range whole {
		b.WriteString(by)
	}
	b.WriteString(by[:part])
	if left {
		b.WriteString(s)
	}
	return values.String(b.String())
}

func repeatText(a, times values.Datum) values.Datum {
	n := max(times.Int64(), 0)
	if size := n*int64(len(a.Str())) + headerBytes; size > maxBytes {
		return errTooLong(size)
	}
	if a.Str() == "" {
		return a
	}
	return values.String(strings.Repeat(a.Str(), int(n)))
}

// replaceText leaves the text alone where nothing is to be replaced: Go would
// find the empty string between any two characters.
func replaceText(a, from, to values.Datum) values.Datum {
	if from.Str() == "" {
		return a
	}
	return values.String(strings.ReplaceAll(a.Str(), from.Str(), to.Str()))
}

// translate replaces each character that stands in from by its counterpart in
// to, and drops those without one.
func translate(a, from, to values.Datum) values.Datum {
	s := a.Str()
	var b strings.Builder
	for i := 0; i < len(s); {
		_, size := utf8.DecodeRuneInString(s[i:])
		char := s[i : i+size]
		i += size
		at := strings.Index(from.Str(), char)
		if at < 0 {
			b.WriteString(char)
			continue
		}
		rest := to.Str()[prefixLen(to.Str(), int64(utf8.RuneCountInString(from.Str()[:at]))):]
		b.WriteString(rest[:prefixLen(rest, 1)])
	}
	return values.String(b.String())
}

func reverseText(a values.Datum) values.Datum {
	s := a.Str()
	out := make([]byte, len(s))
	for i := 0; i < len(s); {
		_, size := utf8.DecodeRuneInString(s[i:])
		copy(out[len(s)-i-size:], s[i:i+size])
		i += size
	}
	return values.String(string(out))
}

func chr(a values.Datum) values.Datum {
	switch n := a.Int64(); {
	case n < 0 && serverBefore(unifiedErrors):
		return values.Errorf("54000", "requested character too large for encoding: %d", n)
	case n < 0:
		return values.Errorf("22023", "character number must be positive")
	case n == 0:
		return values.Errorf("54000", "null character not permitted")
	case n > utf8.MaxRune:
		return values.Errorf("54000", "requested character too large for encoding: %d", n)
	case !utf8.ValidRune(rune(n)):
		return values.Errorf("54000", "requested character not valid for encoding: %d", n)
	default:
		return values.String(string(rune(n)))
	}
}

// quoteLiteral quotes text as a literal that reads back the same whatever
// standard_conforming_strings says.
func quoteLiteral(a values.Datum) values.Datum {
	s := a.Str()
	var b strings.Builder
	b.Grow(len(s) + 3)
	if strings.IndexByte(s, '\\') >= 0 {
		b.WriteByte('E')
	}
	b.WriteByte('\'')
	for i := range len(s) {
		if s[i] == '\'' || s[i] == '\\' {
			b.WriteByte(s[i])
		}
		b.WriteByte(s[i])
	}
	b.WriteByte('\'')
	return values.String(b.String())
}

func quoteNullable(a values.Datum) values.Datum {
	if a.IsNull() {
		return values.String("NULL")
	}
	return quoteLiteral(a)
}
