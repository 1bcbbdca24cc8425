package fn

import (
	"strings"
	"unicode/utf8"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// LIKE and ILIKE (https://www.postgresql.org/docs/current/functions-matching.html).

func init() {
	for _, l := range []struct{ name, negated, two string }{
		{"textlike", "textnlike", "(text,text)"},
		{"like", "notlike", "(text,text)"},
		{"bpcharlike", "bpcharnlike", "(bpchar,text)"},
		{"namelike", "namenlike", "(name,text)"},
		{"like", "notlike", "(name,text)"},
	} {
		register(l.name+l.two, Func{Strict: true, Need: NeedDeterministic, F2: textLike})
		register(l.negated+l.two, Func{Strict: true, Need: NeedDeterministic, F2: negated(textLike)})
	}
	for _, l := range []struct{ name, negated, two string }{
		{"texticlike", "texticnlike", "(text,text)"},
		{"bpchariclike", "bpcharicnlike", "(bpchar,text)"},
		{"nameiclike", "nameicnlike", "(name,text)"},
	} {
		register(l.name+l.two, Func{Strict: true, Need: NeedCCtype | NeedDeterministic, F2: textILike})
		register(l.negated+l.two, Func{Strict: true, Need: NeedCCtype | NeedDeterministic, F2: negated(textILike)})
	}
	for _, l := range []struct{ name, negated string }{{"bytealike", "byteanlike"}, {"like", "notlike"}} {
		register(l.name+"(bytea,bytea)", strict2(byteaLike))
		register(l.negated+"(bytea,bytea)", strict2(negated(byteaLike)))
	}
	register("like_escape(text,text)", strict2(textLikeEscape))
	register("like_escape(bytea,bytea)", strict2(byteaLikeEscape))
}

// match is the outcome of matching the rest of a string.
type match uint8

const (
	matchNo    match = iota
	matchYes         //
	matchNever       // nor would any later part of the string match
	matchError       // the pattern ends with an escape character
)

func (m match) datum() values.Datum {
	if m == matchError {
		return values.Errorf("22025", "LIKE pattern must not end with escape character")
	}
	return values.Bool(m == matchYes)
}

func negated(f func(a, b values.Datum) values.Datum) func(a, b values.Datum) values.Datum {
	return func(a, b values.Datum) values.Datum {
		d := f(a, b)
		if d.IsErr() {
			return d
		}
		return values.Bool(!d.IsTrue())
	}
}

func charSize(s string) int {
	if s[0] < utf8.RuneSelf {
		return 1
	}
	_, size := utf8.DecodeRuneInString(s)
	return size
}

func byteSize(string) int { return 1 }

func textLike(a, pattern values.Datum) values.Datum {
	return like(a.Str(), pattern.Str(), charSize).datum()
}

func textILike(a, pattern values.Datum) values.Datum {
	return like(asciiLower(a.Str()), asciiLower(pattern.Str()), charSize).datum()
}

func byteaLike(a, pattern values.Datum) values.Datum {
	return like(a.Str(), pattern.Str(), byteSize).datum()
}

// like matches s against pattern p, where size is the length of the character
// that _ stands for. A pattern that ends with an escape character is an error
// only where Postgres comes upon it: when all before it matched.
func like(s, p string, size func(string) int) match {
	for s != "" && p != "" {
		switch p[0] {
		case '\\':
			if p = p[1:]; p == "" {
				return matchError
			}
			if s[0] != p[0] {
				return matchNo
			}
			s, p = s[1:], p[1:]
		case '_':
			s, p = s[size(s):], p[1:]
		case '%':
			return likeAny(s, p[1:], size)
		default:
			if s[0] != p[0] {
				return matchNo
			}
			s, p = s[1:], p[1:]
		}
	}
	if s != "" {
		return matchNo
	}
	if strings.TrimLeft(p, "%") == "" {
		return matchYes
	}
	return matchNever
}

// likeAny matches what follows a %: p at any later place of s.
func likeAny(s, p string, size func(string) int) match {
	for p != "" && (p[0] == '%' || p[0] == '_') {
		if p[0] == '_' {
			if s == "" {
				return matchNever
			}
			s = s[size(s):]
		}
		p = p[1:]
	}
	if p == "" {
		return matchYes
	}
	// The next character of p is literal: only places that begin with it count,
	// and as it begins a character, so do they.
	first := p[0]
	if first == '\\' {
		if len(p) < 2 {
			return matchError
		}
		first = p[1]
	}
	for {
		i := strings.IndexByte(s, first)
		if i < 0 {
			return matchNever
		}
		s = s[i:]
		if m := like(s, p, size); m != matchNo {
			return m
		}
		s = s[size(s):]
	}
}

var errEscape = values.Errorf("22025", "invalid escape string")

func textLikeEscape(pattern, escape values.Datum) values.Datum {
	if utf8.RuneCountInString(escape.Str()) > 1 {
		return errEscape
	}
	return likeEscape(pattern, escape)
}

func byteaLikeEscape(pattern, escape values.Datum) values.Datum {
	if len(escape.Str()) > 1 {
		return errEscape
	}
	return likeEscape(pattern, escape)
}

// likeEscape rewrites a pattern with an escape character of its own (or none) to
// the standard one, the backslash.
func likeEscape(pattern, escape values.Datum) values.Datum {
	p, e := pattern.Str(), escape.Str()
	if e == `\` {
		return pattern
	}
	var b strings.Builder
	escaped := false
	for p != "" {
		switch {
		case e != "" && !escaped && strings.HasPrefix(p, e):
			b.WriteByte('\\')
			p = p[len(e):]
			escaped = true
			continue
		case p[0] == '\\' && !escaped:
			b.WriteString(`\\`)
		default:
			b.WriteByte(p[0])
		}
		p = p[1:]
		escaped = false
	}
	return values.String(b.String())
}
