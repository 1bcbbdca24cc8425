// Package sqltext reads the text of queries: where in it something is written, what it
// quotes, and how what Postgres writes of a view has to be written to mean the view.
//
// It knows how SQL is divided into words, quoted names and literals. It must not know what
// a query means: its tree, the catalogue.
package sqltext

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Postgres 17 and later store a view's tree without the places of its nodes, and
// some nodes (joins, locking clauses) never had one. What is refused is then
// looked for in the query's text, by the words it is written with.

// wordsOf lists how constructs are written, for those whose name is not how. A
// word ending in ( has to stand before a parenthesis; @ marks the place where it
// is not the first word's.
var wordsOf = map[string][]string{
	"LEFT JOIN": {"left join", "left outer join"}, "RIGHT JOIN": {"right join", "right outer join"}, "FULL JOIN": {"full join", "full outer join"},
	"SKIP LOCKED":    {"skip locked"},
	"LIMIT":          {"limit", "fetch first", "fetch next"},
	"WITH RECURSIVE": {"with recursive"}, "GROUPING SETS, ROLLUP or CUBE": {"grouping sets", "rollup(", "cube("},
	"a sub-query in an expression": {"in (select", "any (select", "some (select", "all (select", "array(select", ", @(select", "= @(select", "> @(select", "< @(select", "then @(select", "coalesce(@(select", "and @(select"},
	"EXISTS":                       {"exists(select"},
	"GROUPING()":                   {"grouping("}, "a row constructor": {"row("}, "a table function in FROM": {"xmltable(", "json_table("},
	"a system column": {"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"},
	"DISTINCT ON":     {"distinct on"}, "INTERSECT": {"intersect"}, "EXCEPT": {"except"}, "LATERAL": {"lateral"}, "TABLESAMPLE": {"tablesample"}, "OFFSET": {"offset"},
}

// Locate finds how a construct is written in a query; -1 if it is not found.
func Locate(query, construct string) int {
	patterns, ok := wordsOf[construct]
	if word, ok := strings.CutPrefix(construct, "'"); ok {
		_, at := WordLiteral(query, strings.TrimSuffix(word, "'"))
		return at
	}
	before, _, over := strings.Cut(construct, " over ")
	name, _, called := strings.Cut(construct, "(")
	switch {
	case ok:
	case strings.HasPrefix(construct, "the whole row "):
		patterns = []string{strings.TrimPrefix(construct, "the whole row ")}
	case over: // "GROUP BY over point"
		patterns = []string{strings.ToLower(before)}
	case called: // "aggregate app.f(int4)" → the name, called, with or without its schema
		name = name[strings.LastIndexByte(name, ' ')+1:]
		patterns = []string{name + "(", name[strings.LastIndexByte(name, '.')+1:] + "("}
	case !strings.Contains(name, " "): // "app"."orders", current_date
		patterns = []string{name, name[strings.LastIndexByte(name, '.')+1:]}
	}
	tokens := scan(query)
	best := -1
	for _, p := range patterns {
		if at := match(tokens, scan(p)); at >= 0 && (best < 0 || at < best) {
			best = at
		}
	}
	return best
}

// LineCol is the line and column (in characters, both from 1) of a byte.
func LineCol(text string, offset int) (line, col int) {
	before := text[:min(offset, len(text))]
	line = 1 + strings.Count(before, "\n")
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		before = before[i+1:]
	}
	return line, 1 + len([]rune(before))
}

// WordLiteral is the first of the words that stands alone in a literal of the
// query, and where; "" if none does.
func WordLiteral(query string, words ...string) (word string, at int) {
	for at < len(query) {
		start := strings.IndexByte(query[at:], '\'')
		if start < 0 {
			break
		}
		start += at
		at = start + quoted(query[start:], '\'')
		text := strings.ToLower(strings.Trim(query[start:at], "' \t\n"))
		for _, w := range words {
			if text == w || strings.HasPrefix(text, w+" ") {
				return w, start
			}
		}
	}
	return "", -1
}

// token is a word or a mark of SQL, in lower case unless quoted.
type token struct {
	text string
	at   int
}

func match(tokens, pattern []token) int {
	mark := max(slices.IndexFunc(pattern, func(t token) bool { return t.text == "@" }), 0)
	pattern = slices.DeleteFunc(pattern, func(t token) bool { return t.text == "@" })
next:
	for i := range tokens {
		if len(tokens)-i < len(pattern) || len(pattern) == 0 {
			return -1
		}
		for j, p := range pattern {
			if tokens[i+j].text != p.text {
				continue next
			}
		}
		return tokens[i+mark].at
	}
	return -1
}

// scan splits SQL into words and single marks; literals and comments are passed
// over.
func scan(sql string) []token {
	var out []token
	for at := 0; at < len(sql); {
		rest := sql[at:]
		r, size := utf8.DecodeRuneInString(rest)
		switch {
		case strings.HasPrefix(rest, "--"), strings.HasPrefix(rest, "/*"):
			size = comment(rest)
		case r == '\'':
			size = quoted(rest, '\'')
		case r == '"':
			size = quoted(rest, '"')
			out = append(out, token{strings.ReplaceAll(strings.Trim(rest[:size], `"`), `""`, `"`), at})
		case r == '_' || unicode.IsLetter(r):
			size = len(rest)
			if end := strings.IndexFunc(rest, func(r rune) bool { return r != '_' && r != '$' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }); end >= 0 {
				size = end
			}
			out = append(out, token{strings.ToLower(rest[:size]), at})
		case !unicode.IsSpace(r):
			out = append(out, token{rest[:size], at})
		}
		at += size
	}
	return out
}

// comment is the length of the comment that a text begins with.
func comment(s string) int {
	if strings.HasPrefix(s, "--") {
		return strings.IndexByte(s+"\n", '\n')
	}
	if end := strings.Index(s, "*/"); end >= 0 {
		return end + 2
	}
	return len(s)
}

// quoted is the length of a quoted text, doubled quotes included.
func quoted(s string, q byte) int {
	for i := 1; i < len(s); i++ {
		if s[i] == q {
			if i+1 < len(s) && s[i+1] == q {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(s)
}
