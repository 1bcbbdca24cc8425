package fn

import (
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Upper and lower case as the C locale has it: of ASCII letters alone.

func init() {
	register("lower(text)", Func{Strict: true, Need: NeedCCtype, F1: lowerText})
	register("upper(text)", Func{Strict: true, Need: NeedCCtype, F1: upperText})
	register("initcap(text)", Func{Strict: true, Need: NeedCCtype, F1: initcap})
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func toLower(c byte) byte {
	if isUpper(c) {
		c += 'a' - 'A'
	}
	return c
}

func toUpper(c byte) byte {
	if isLower(c) {
		c -= 'a' - 'A'
	}
	return c
}

// asciiLower lowers ASCII letters; the string itself is given back if it has no
// upper ones.
func asciiLower(s string) string {
	for i := range len(s) {
		if isUpper(s[i]) {
			return swapCase(s, i, 'A')
		}
	}
	return s
}

// swapCase changes the case of the letters of s, from byte i on, that belong to
// the 26 which begin with first.
func swapCase(s string, i int, first byte) string {
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	var chunk [64]byte
	for s = s[i:]; s != ""; {
		n := copy(chunk[:], s)
		for j, c := range chunk[:n] {
			if c-first < 26 {
				chunk[j] = c ^ ('a' ^ 'A')
			}
		}
		b.Write(chunk[:n])
		s = s[n:]
	}
	return b.String()
}

func lowerText(a values.Datum) values.Datum { return values.String(asciiLower(a.Str())) }

func upperText(a values.Datum) values.Datum {
	s := a.Str()
	for i := range len(s) {
		if isLower(s[i]) {
			return values.String(swapCase(s, i, 'a'))
		}
	}
	return a
}

// initcap begins each run of ASCII letters and digits with a capital.
func initcap(a values.Datum) values.Datum {
	inWord := false
	out := []byte(a.Str())
	for i, c := range out {
		if inWord {
			c = toLower(c)
		} else {
			c = toUpper(c)
		}
		inWord = isUpper(c) || isLower(c) || '0' <= c && c <= '9'
		out[i] = c
	}
	return values.String(string(out))
}
