package compile

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/circuit"
)

// fault is a stream of error rows, and when they are the view's.
//
// A row of an inner join needs one of either side. While one side is empty, the join is
// empty whatever the other side is, so an error there is none of the view's; nor does
// Postgres, as a rule, compute the other side then. In the same way a sub-query's errors
// are of no account while no row asks it: it is a join with its domain, which is empty.
// A side that is empty for an error of its own may have lost a row; that counts as one.
type fault struct {
	rows circuit.Stream
	// when: the rows count if, of one of these sets of relations, all have a row.
	when []needs
}

// needs are relations, by their streams, that all have to have a row. None: always.
type needs []circuit.Stream

func always(rows circuit.Stream) fault { return fault{rows, []needs{nil}} }

func (f fault) always() bool { return len(f.when[0]) == 0 }

// mostWays bounds the sets of a fault; one of more counts always, which is never wrong.
const mostWays = 8

// given is faults on one side of a join, which count while the other side has a row.
func (c *compiler) given(faults []fault, other *compiled) []fault {
	if other.occupied || len(faults) == 0 {
		return faults
	}
	c.lost[other.stream] = addErrs(c.lost[other.stream], other.errs...)
	out := make([]fault, 0, len(faults))
	for _, f := range faults {
		if slices.ContainsFunc(other.errs, func(g fault) bool { return g.rows == f.rows && g.always() }) {
			out = append(out, f) // while it has rows, the other side has lost some
			continue
		}
		to := fault{rows: f.rows}
		for _, n := range f.when {
			if !slices.Contains(n, other.stream) {
				n = append(n[:len(n):len(n)], other.stream)
			}
			to.add(n)
		}
		out = append(out, to)
	}
	return out
}

// add is one more way to count, if it is none of those that there are.
func (f *fault) add(n needs) {
	includes := func(all, some needs) bool {
		return !slices.ContainsFunc(some, func(s circuit.Stream) bool { return !slices.Contains(all, s) })
	}
	if slices.ContainsFunc(f.when, func(m needs) bool { return includes(n, m) }) {
		return
	}
	f.when = append(slices.DeleteFunc(slices.Clone(f.when), func(m needs) bool { return includes(m, n) }), n)
	if len(f.when) > mostWays {
		f.when = []needs{nil}
	}
}

// addErrs adds faults to others, each stream once.
func addErrs(errs []fault, more ...fault) []fault {
	out := slices.Clone(errs)
	for _, f := range more {
		i := slices.IndexFunc(out, func(g fault) bool { return g.rows == f.rows })
		if i < 0 {
			out = append(out, f)
			continue
		}
		for _, n := range f.when {
			out[i].add(n)
		}
	}
	return out
}

// counted is the errors of faults while they count.
func (c *compiler) counted(faults []fault) []circuit.Stream {
	out := make([]circuit.Stream, len(faults))
	for i, f := range faults {
		if out[i] = f.rows; !f.always() {
			out[i] = c.gated(f)
		}
	}
	return out
}

func (c *compiler) sum(of []circuit.Stream) circuit.Stream {
	if len(of) == 1 {
		return of[0]
	}
	return c.b.Sum(of...)
}

// gated is the errors of a fault that does not count always, while it does.
func (c *compiler) gated(f fault) circuit.Stream {
	name := fmt.Sprint(f)
	s, ok := c.gates[name]
	if !ok {
		ways := make([][]circuit.Occupied, len(f.when))
		for i, n := range f.when {
			for _, of := range n {
				ways[i] = append(ways[i], c.some(of))
			}
		}
		s = c.b.Gate(f.rows, "Errors that count", ways...)
		c.gates[name] = s
	}
	return s
}

// some is the number of rows that a relation has, or has lost.
func (c *compiler) some(of circuit.Stream) circuit.Occupied {
	o, ok := c.rows[of]
	if !ok {
		o = c.b.Occupied("Whether there are rows", append([]circuit.Stream{of}, c.counted(c.lost[of])...)...)
		c.rows[of] = o
	}
	return o
}
