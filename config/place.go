package config

import (
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// textPlace remembers where a scalar's text lies in the file, to translate
// positions in a query to places in the file.
type textPlace struct {
	line, column int
	// indents[i] is how many characters precede the text's line i in the file's
	// line line+i. It is empty where the two do not correspond line by line.
	indents []int
}

// placeOf finds the text of a scalar in the file's lines. Literal blocks ("|") and
// scalars on one line correspond to the file character by character; for others
// (folded or escaped) only their beginning is known.
func placeOf(n *yaml.Node, lines [][]byte) textPlace {
	p := textPlace{line: n.Line, column: n.Column}
	text := strings.Split(n.Value, "\n")
	first := n.Line // a block's text begins in the line after its indicator
	if n.Style&yaml.LiteralStyle != 0 {
		first++
	} else if len(text) > 1 {
		return p
	}
	indents := make([]int, len(text))
	for i, want := range text {
		at := first - 1 + i
		if at < 0 || at >= len(lines) {
			if want == "" {
				continue
			}
			return p
		}
		have := strings.TrimSuffix(string(lines[at]), "\r")
		from := 0
		if n.Style&yaml.LiteralStyle == 0 {
			from = skipRunes(have, n.Column-1)
		}
		found := strings.Index(have[from:], want)
		if want == "" || found < 0 {
			if want == "" {
				continue
			}
			return p
		}
		indents[i] = utf8.RuneCountInString(have[:from+found])
	}
	return textPlace{line: first, column: indents[0] + 1, indents: indents}
}

// skipRunes is the byte offset of a string's n-th character.
func skipRunes(s string, n int) int {
	for i := range s {
		if n <= 0 {
			return i
		}
		n--
	}
	return len(s)
}

// at translates a position in the text, in characters counted from 1.
func (p textPlace) at(text string, position int) (line, column int) {
	if len(p.indents) == 0 || position < 1 {
		return p.line, p.column
	}
	before := text[:skipRunes(text, position-1)]
	i := strings.Count(before, "\n")
	if i >= len(p.indents) {
		return p.line, p.column
	}
	inLine := before[strings.LastIndexByte(before, '\n')+1:]
	return p.line + i, p.indents[i] + utf8.RuneCountInString(inLine) + 1
}
