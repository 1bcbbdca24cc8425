package values

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonKind is the kind of a JSON value; the order is that of jsonb (jbvType).
type jsonKind uint8

const (
	jsonNull jsonKind = iota + 1
	jsonString
	jsonNumber
	jsonFalse
	jsonTrue
	jsonArray
	jsonObject
)

// jsonValue is a parsed JSON value with jsonb's meaning: numbers are numeric,
// keys unique.
type jsonValue struct {
	kind    jsonKind
	str     string
	num     Datum
	items   []jsonValue
	members []jsonMember
}

type jsonMember struct {
	key   string
	value jsonValue
}

var errJSON = errors.New("invalid input syntax for type json")

// maxJSONDepth bounds the parser's recursion; the server's own stack limit is
// lower.
const maxJSONDepth = 10_000

// CanonicalJSONB prints a JSON text as jsonb does: of equal keys the last, keys
// by length and bytes, numbers in numeric's notation, one space after a colon or
// comma.
func CanonicalJSONB(src string) (string, error) {
	v, err := parseJSON(src)
	if err != nil {
		return "", err
	}
	return string(appendJSON(make([]byte, 0, len(src)), &v)), nil
}

func parseJSON(src string) (jsonValue, error) {
	p := jsonParser{s: src}
	v, err := p.value(0)
	if err != nil {
		return v, err
	}
	if p.space(); p.at != len(src) {
		return v, p.fail()
	}
	return v, nil
}

type jsonParser struct {
	s  string
	at int
}

func (p *jsonParser) fail() error { return fmt.Errorf("%w at byte %d", errJSON, p.at) }

func (p *jsonParser) space() {
	for p.at < len(p.s) && strings.IndexByte(" \t\n\r", p.s[p.at]) >= 0 {
		p.at++
	}
}

// take consumes the byte c, after white space.
func (p *jsonParser) take(c byte) bool {
	p.space()
	if p.at < len(p.s) && p.s[p.at] == c {
		p.at++
		return true
	}
	return false
}

func (p *jsonParser) value(depth int) (jsonValue, error) {
	p.space()
	if p.at == len(p.s) || depth > maxJSONDepth {
		return jsonValue{}, p.fail()
	}
	switch p.s[p.at] {
	case '{':
		return p.object(depth)
	case '[':
		return p.array(depth)
	case '"':
		s, err := p.str()
		return jsonValue{kind: jsonString, str: s}, err
	case 'n':
		return p.word("null", jsonNull)
	case 't':
		return p.word("true", jsonTrue)
	case 'f':
		return p.word("false", jsonFalse)
	}
	return p.number()
}

func (p *jsonParser) word(word string, kind jsonKind) (jsonValue, error) {
	if !strings.HasPrefix(p.s[p.at:], word) {
		return jsonValue{}, p.fail()
	}
	p.at += len(word)
	return jsonValue{kind: kind}, nil
}

func (p *jsonParser) object(depth int) (jsonValue, error) {
	v := jsonValue{kind: jsonObject}
	p.at++
	if p.take('}') {
		return v, nil
	}
	for {
		p.space()
		key, err := p.str()
		if err != nil {
			return v, err
		}
		if !p.take(':') {
			return v, p.fail()
		}
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.members = append(v.members, jsonMember{key, item})
		if p.take(',') {
			continue
		}
		if !p.take('}') {
			return v, p.fail()
		}
		v.members = uniqueMembers(v.members)
		return v, nil
	}
}

// uniqueMembers sorts by length and bytes of the key, and keeps the last of
// equal ones.
func uniqueMembers(m []jsonMember) []jsonMember {
	slices.SortStableFunc(m, func(a, b jsonMember) int {
		if c := len(a.key) - len(b.key); c != 0 {
			return c
		}
		return strings.Compare(a.key, b.key)
	})
	kept := m[:0]
	for i := range m {
		if i+1 == len(m) || m[i].key != m[i+1].key {
			kept = append(kept, m[i])
		}
	}
	return kept
}

func (p *jsonParser) array(depth int) (jsonValue, error) {
	v := jsonValue{kind: jsonArray}
	p.at++
	if p.take(']') {
		return v, nil
	}
	for {
		item, err := p.value(depth + 1)
		if err != nil {
			return v, err
		}
		v.items = append(v.items, item)
		if p.take(',') {
			continue
		}
		if !p.take(']') {
			return v, p.fail()
		}
		return v, nil
	}
}

// number reads JSON's number syntax, narrower than numeric's.
func (p *jsonParser) number() (jsonValue, error) {
	from := p.at
	digits := func() int {
		start := p.at
		for p.at < len(p.s) && p.s[p.at]-'0' <= 9 {
			p.at++
		}
		return p.at - start
	}
	is := func(set string) bool {
		if p.at < len(p.s) && strings.IndexByte(set, p.s[p.at]) >= 0 {
			p.at++
			return true
		}
		return false
	}
	is("-")
	first := p.at
	if n := digits(); n == 0 || n > 1 && p.s[first] == '0' {
		return jsonValue{}, p.fail()
	}
	if is(".") && digits() == 0 {
		return jsonValue{}, p.fail()
	}
	if is("eE") {
		is("+-")
		if digits() == 0 {
			return jsonValue{}, p.fail()
		}
	}
	d := ParseNumeric(p.s[from:p.at])
	if e := d.Err(); e != nil {
		return jsonValue{}, e
	}
	return jsonValue{kind: jsonNumber, num: d}, nil
}

func (p *jsonParser) str() (string, error) {
	if p.at == len(p.s) || p.s[p.at] != '"' {
		return "", p.fail()
	}
	p.at++
	from := p.at
	for p.at < len(p.s) {
		switch c := p.s[p.at]; {
		case c == '"':
			p.at++
			return p.s[from : p.at-1], nil
		case c == '\\':
			return p.escaped([]byte(p.s[from:p.at]))
		case c < ' ':
			return "", p.fail()
		}
		p.at++
	}
	return "", p.fail()
}

// escaped reads on from the first backslash of a string.
func (p *jsonParser) escaped(b []byte) (string, error) {
	for p.at < len(p.s) {
		c := p.s[p.at]
		p.at++
		switch {
		case c == '"':
			return string(b), nil
		case c < ' ':
			return "", p.fail()
		case c != '\\':
			b = append(b, c)
			continue
		}
		if p.at == len(p.s) {
			break
		}
		c = p.s[p.at]
		p.at++
		if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
			b = append(b, "\"\\/\b\f\n\r\t"[i])
			continue
		}
		if c != 'u' {
			break
		}
		r, ok := p.hex4()
		if utf16.IsSurrogate(r) && ok {
			if ok = strings.HasPrefix(p.s[p.at:], `\u`); ok {
				p.at += 2
				var low rune
				low, ok = p.hex4()
				r = utf16.DecodeRune(r, low)
				ok = ok && r != utf8.RuneError
			}
		}
		if !ok || r == 0 {
			break
		}
		b = utf8.AppendRune(b, r)
	}
	return "", p.fail()
}

func (p *jsonParser) hex4() (r rune, ok bool) {
	if len(p.s)-p.at < 4 {
		return 0, false
	}
	for range 4 {
		i := strings.IndexByte("0123456789abcdefABCDEF", p.s[p.at])
		if i < 0 {
			return 0, false
		}
		if i > 15 {
			i -= 6
		}
		r = r<<4 | rune(i)
		p.at++
	}
	return r, true
}

func appendJSON(dst []byte, v *jsonValue) []byte {
	switch v.kind {
	case jsonNull:
		return append(dst, "null"...)
	case jsonTrue:
		return append(dst, "true"...)
	case jsonFalse:
		return append(dst, "false"...)
	case jsonNumber:
		return AppendNumeric(dst, v.num)
	case jsonString:
		return AppendJSONString(dst, v.str)
	case jsonArray:
		dst = append(dst, '[')
		for i := range v.items {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			dst = appendJSON(dst, &v.items[i])
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i := range v.members {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(AppendJSONString(dst, v.members[i].key), ": "...)
		dst = appendJSON(dst, &v.members[i].value)
	}
	return append(dst, '}')
}

// AppendJSONString appends a string quoted as Postgres does (escape_json).
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); i++ {
		c := s[i]
		if j := strings.IndexByte("\"\\\b\f\n\r\t", c); j >= 0 {
			dst = append(dst, '\\', `"\bfnrt`[j])
		} else if c < ' ' {
			dst = appendHex(append(dst, `\u00`...), c)
		} else {
			dst = append(dst, c)
		}
	}
	return append(dst, '"')
}

// First bytes of a jsonb key. For historical reasons an empty array sorts before
// everything at the top level, there alone, and scalars before other containers
// (compareJsonbContainers).
const (
	keyJSONEmptyArray = 0x30 + iota
	keyJSONScalar
	keyJSONContainer
)

// appendKeyJSONB makes keys of the order of jsonb: by kind, containers by their
// size, then by their contents, objects as key, value, key, value … in storage
// order; strings by bytes.
func appendKeyJSONB(dst []byte, s string) []byte {
	v, err := parseJSON(s)
	switch {
	case err != nil:
		return appendEscaped(append(dst, keyErr), s) // no decoder lets it come to this
	case v.kind == jsonArray && len(v.items) == 0:
		return append(dst, keyJSONEmptyArray)
	case v.kind < jsonArray:
		dst = append(dst, keyJSONScalar)
	default:
		dst = append(dst, keyJSONContainer)
	}
	return appendKeyJSON(dst, &v)
}

func appendKeyJSON(dst []byte, v *jsonValue) []byte {
	dst = append(dst, byte(v.kind))
	switch v.kind {
	case jsonString:
		return appendEscaped(dst, v.str)
	case jsonNumber:
		return appendKeyNumeric(dst, v.num)
	case jsonArray:
		dst = appendKeyInt(dst, int64(len(v.items)))
		for i := range v.items {
			dst = appendKeyJSON(dst, &v.items[i])
		}
	case jsonObject:
		dst = appendKeyInt(dst, int64(len(v.members)))
		for i := range v.members {
			dst = appendEscaped(dst, v.members[i].key)
			dst = appendKeyJSON(dst, &v.members[i].value)
		}
	}
	return dst
}
