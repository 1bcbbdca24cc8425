package sqltext

import "strings"

// Lexeme is a word, a quoted name, a string, or a character of another kind; Name
// says that it is an identifier: Postgres writes keywords in capitals, and quotes
// what could be mistaken for one.
type Lexeme struct {
	Text       string
	Start, End int // in the text, in bytes
	Name       bool
}

// Lexemes splits a definition as Postgres writes it.
func Lexemes(s string) []Lexeme {
	var out []Lexeme
	word := func(c byte) bool {
		return c == '_' || c == '$' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c >= 0x80
	}
	for i := 0; i < len(s); {
		c, j := s[i], i+1
		switch {
		case c == ' ' || c == '\n' || c == '\t':
			i++
			continue
		case c == '\'' || c == '"': // a doubled quote inside begins another lexeme of the same kind, which does no harm
			for j < len(s) && s[j] != c {
				j++
			}
			j++
			for c == '"' && j < len(s) && s[j] == '"' { // a doubled one is part of the name
				for j++; j < len(s) && s[j] != '"'; j++ {
				}
				j++
			}
		case word(c):
			for j < len(s) && word(s[j]) {
				j++
			}
		case c == ':' && j < len(s) && s[j] == ':':
			j++
		}
		j = min(j, len(s))
		text := s[i:j]
		name := c == '"' || word(c) && (c < '0' || c > '9') && strings.ToLower(text) == text
		out = append(out, Lexeme{text, i, j, name})
		i = j
	}
	return out
}
