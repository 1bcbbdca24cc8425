package plan

import (
	"fmt"
	"strings"
)

// explainAbsence says more of a relation that does not exist if it is one of the views: that
// has a problem of its own, or reads, perhaps through others, the view that asks for it.
func (a *analyzer) explainAbsence(pending []View, failures []Problem, i int) {
	p := &failures[i]
	next := a.asksFor(pending[i], p)
	if next < 0 {
		return
	}
	way := []string{p.View}
	for at := next; at >= 0 && len(way) <= len(a.views); {
		name := a.views[at].Name
		if name == p.View {
			p.Message, p.Remedy = "the view reads itself", "read the tables instead; what is recursive is written as WITH RECURSIVE, in one view"
			if len(way) > 1 {
				p.Message += ": " + strings.Join(append(way, name), " → ")
			}
			return
		}
		way = append(way, name)
		at = -1
		for j := range pending {
			if pending[j].Name == name {
				at = a.asksFor(pending[j], &failures[j])
			}
		}
	}
	p.Message = fmt.Sprintf("view %s, which it reads, has a problem of its own", a.views[next].Name)
	p.Remedy = "mend that one first"
}

// asksFor finds which of the views a query names where Postgres does not find a relation; -1 if it is none.
func (a *analyzer) asksFor(v View, p *Problem) int {
	lines := strings.Split(v.Query, "\n")
	if p.Line < 1 || p.Line > len(lines) {
		return -1
	}
	rest := []rune(lines[p.Line-1])
	if p.Col < 1 || p.Col > len(rest) {
		return -1
	}
	word := string(rest[p.Col-1:])
	name := ""
	if strings.HasPrefix(word, `"`) {
		// An identifier in quotes, in which a quote is written twice.
		name, _, _ = strings.Cut(strings.ReplaceAll(word[1:], `""`, "\x00"), `"`)
		name = strings.ReplaceAll(name, "\x00", `"`)
	} else {
		end := strings.IndexFunc(word, func(r rune) bool { return strings.ContainsRune(" \t,;)(.", r) })
		if end < 0 {
			end = len(word)
		}
		name = strings.ToLower(word[:end])
	}
	for i := range a.views {
		if a.views[i].Name == name {
			return i
		}
	}
	return -1
}
