package fn

import (
	"strings"
	"unicode/utf8"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// A scanner over JSON text that Postgres has accepted (json) or printed (jsonb),
// so the grammar is not checked again. It cuts values out of the text, because
// json must come back exactly as it was written, white space inside included,
// and a part of jsonb's canonical text is canonical itself.

// skipJSONSpace returns the index of the first byte at or after i that is not
// white space.
func skipJSONSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

// jsonStringEnd returns the index after the string that starts at i.
func jsonStringEnd(s string, i int) int {
	for i++; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(s)
}

// jsonValueEnd returns the index after the value that starts at i.
func jsonValueEnd(s string, i int) int {
	depth := 0
	for i < len(s) {
		switch s[i] {
		case '"':
			i = jsonStringEnd(s, i)
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ' ', '\t', '\n', '\r', ',', ':':
			i++
			continue
		default: // a number or a word
			for i < len(s) && !strings.ContainsRune(" \t\n\r,:}]", rune(s[i])) {
				i++
			}
		}
		if depth == 0 {
			return i
		}
	}
	return len(s)
}

// jsonRoot returns the document's value without the white space around it.
func jsonRoot(s string) string {
	i := skipJSONSpace(s, 0)
	return s[i:jsonValueEnd(s, i)]
}

// eachJSONMember calls f with every key (still quoted) and value of an object,
// until f returns false.
func eachJSONMember(object string, f func(key, value string) bool) {
	i := skipJSONSpace(object, 1)
	for i < len(object) && object[i] == '"' {
		end := jsonStringEnd(object, i)
		key := object[i:end]
		i = skipJSONSpace(object, skipJSONSpace(object, end)+1) // over the colon
		end = jsonValueEnd(object, i)
		if !f(key, object[i:end]) {
			return
		}
		i = skipJSONSpace(object, skipJSONSpace(object, end)+1) // over the comma
	}
}

// eachJSONElement calls f with every element of an array, until f returns false.
func eachJSONElement(array string, f func(value string) bool) {
	i := skipJSONSpace(array, 1)
	for i < len(array) && array[i] != ']' {
		end := jsonValueEnd(array, i)
		if !f(array[i:end]) {
			return
		}
		i = skipJSONSpace(array, skipJSONSpace(array, end)+1) // over the comma
	}
}

// jsonField is the last value of a key: json keeps duplicates, and there the last
// one counts.
func jsonField(value, key string) (field string, found bool) {
	if value == "" || value[0] != '{' {
		return "", false
	}
	eachJSONMember(value, func(k, v string) bool {
		if jsonKeyIs(k, key) {
			field, found = v, true
		}
		return true
	})
	return field, found
}

func jsonKeyIs(quoted, key string) bool {
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1:len(quoted)-1] == key
	}
	k, problem := unquoteJSON(quoted)
	return !problem.IsErr() && k == key
}

// jsonElement is the element at an index, which counts from the end if negative.
func jsonElement(value string, index int64) (element string, found bool) {
	if value == "" || value[0] != '[' {
		return "", false
	}
	if index < 0 {
		index += jsonLength(value)
	}
	if index < 0 {
		return "", false
	}
	eachJSONElement(value, func(v string) bool {
		if index == 0 {
			element, found = v, true
		}
		index--
		return !found
	})
	return element, found
}

func jsonLength(array string) (n int64) {
	eachJSONElement(array, func(string) bool { n++; return true })
	return n
}

var (
	errJSONNul       = values.Errorf("22P05", "unsupported Unicode escape sequence")
	errJSONSurrogate = values.Errorf("22P02", "invalid input syntax for type json")
)

// unquoteJSON decodes a string with its quotes. Only json, which keeps escapes as
// they were written, can have some that no text can hold: those are errors.
func unquoteJSON(quoted string) (string, values.Datum) {
	body := quoted[1 : len(quoted)-1]
	if strings.IndexByte(body, '\\') < 0 {
		return body, values.Null
	}
	var b strings.Builder
	b.Grow(len(body))
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' {
			b.WriteByte(body[i])
			continue
		}
		i++
		switch body[i] {
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case 'u':
			r := hex4(body[i+1:])
			i += 4
			switch {
			case r == 0:
				return "", errJSONNul
			case r >= 0xd800 && r < 0xdc00:
				if !strings.HasPrefix(body[i+1:], `\u`) {
					return "", errJSONSurrogate
				}
				low := hex4(body[i+3:])
				if low < 0xdc00 || low > 0xdfff {
					if low == 0 {
						return "", errJSONNul
					}
					return "", errJSONSurrogate
				}
				r = 0x10000 + (r-0xd800)<<10 + (low - 0xdc00)
				i += 6
			case r >= 0xdc00 && r <= 0xdfff:
				return "", errJSONSurrogate
			}
			b.Write(utf8.AppendRune(nil, r))
		default:
			b.WriteByte(body[i])
		}
	}
	return b.String(), values.Null
}

func hex4(s string) (r rune) {
	for i := 0; i < 4 && i < len(s); i++ {
		switch c := s[i]; {
		case c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a':
			r = r<<4 | rune(c-'a'+10)
		default:
			r = r<<4 | rune(c-'A'+10)
		}
	}
	return r
}

// jsonEscapeError finds the first string that no text can hold: Postgres decodes
// every string of a json it walks through, also those it does not return.
func jsonEscapeError(s string) (values.Datum, bool) {
	if !strings.Contains(s, `\u`) {
		return values.Null, false
	}
	for i := 0; i < len(s); {
		if s[i] != '"' {
			i++
			continue
		}
		end := jsonStringEnd(s, i)
		if _, problem := unquoteJSON(s[i:end]); problem.IsErr() {
			return problem, true
		}
		i = end
	}
	return values.Null, false
}
