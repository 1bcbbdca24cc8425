package config

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	// Line and Column are the place in the file, counted from 1; 0 where the
	// problem has none, as with an environment variable or a missing key.
	Line, Column int
	// Key is the setting's path, like "http.listen" or "views[2].name".
	Key string
	// Message says what is wrong, Remedy what to do about it ("" if that is plain).
	Message, Remedy string
}

// Problems is everything that is wrong with a configuration, in the file's order.
type Problems struct {
	File string
	List []Problem
}

// Error lists all problems, a line each, as compilers do.
func (p *Problems) Error() string {
	var b strings.Builder
	for i, problem := range p.List {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(p.File)
		if problem.Line > 0 {
			fmt.Fprintf(&b, ":%d", problem.Line)
			if problem.Column > 0 {
				fmt.Fprintf(&b, ":%d", problem.Column)
			}
		}
		b.WriteString(": ")
		b.WriteString(problem.String())
	}
	return b.String()
}

// String is the problem without its place.
func (p Problem) String() string {
	s := p.Message
	if p.Key != "" {
		s = p.Key + ": " + s
	}
	if p.Remedy != "" {
		s += "; " + p.Remedy
	}
	return s
}

// reporter collects problems, so that one run shows them all.
type reporter struct {
	problems []Problem
	keys     map[string]bool // those with a problem
}

func (r *reporter) add(p Problem) {
	if r.keys == nil {
		r.keys = map[string]bool{}
	}
	r.keys[p.Key] = true
	r.problems = append(r.problems, p)
}
