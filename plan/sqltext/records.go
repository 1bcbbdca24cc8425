package sqltext

import (
	"slices"
	"strings"
)

// Postgres compares the rows within rows as values of type record: in (a, ROW(b)) = (c, ROW(d))
// the NULLs of b and d are equal. It writes that as a = c AND ROW(b) = ROW(d), and reads this
// as b = d, of which a NULL makes NULL
// (postgresql.org/docs/current/functions-comparisons.html#COMPOSITE-TYPE-COMPARISON). So where
// the text of a view is read again, it has to say what it means.

// ComparingRecords is the text of a view as Postgres writes it, such that it compares records
// where the view does: = and <> of two row constructors are that always, as those of rows are
// written field by field. With a cast, the second is no constructor to the parser.
func ComparingRecords(text string) string {
	toks := Lexemes(text)
	closing := closingParentheses(toks)
	var casts []int // in text
	for i, tok := range toks {
		if tok.Text != "ROW" || i+1 >= len(toks) {
			continue
		}
		end, ok := closing[i+1]
		if !ok {
			continue
		}
		right := end + 1
		switch {
		case right < len(toks) && toks[right].Text == "=":
			right++
		case right+1 < len(toks) && toks[right].Text == "<" && toks[right+1].Text == ">":
			right += 2
		default:
			continue
		}
		if right+1 < len(toks) && toks[right].Text == "ROW" {
			if end, ok := closing[right+1]; ok && (end+1 == len(toks) || toks[end+1].Text != "::") {
				casts = append(casts, toks[end].End)
			}
		}
	}
	slices.Sort(casts) // one comparison may stand in an operand of another
	var out strings.Builder
	from := 0
	for _, at := range casts {
		out.WriteString(text[from:at])
		out.WriteString("::record")
		from = at
	}
	out.WriteString(text[from:])
	return out.String()
}

// closingParentheses are the lexemes that close those that open a parenthesis.
func closingParentheses(toks []Lexeme) map[int]int {
	closing := map[int]int{}
	var open []int
	for i, t := range toks {
		switch t.Text {
		case "(":
			open = append(open, i)
		case ")":
			if n := len(open); n > 0 {
				closing[open[n-1]] = i
				open = open[:n-1]
			}
		}
	}
	return closing
}
