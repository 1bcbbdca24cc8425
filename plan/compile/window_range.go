package compile

import (
	"math"
	"sort"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// spans finds the frames of all peer groups under RANGE with an offset. A NULL is
// near to other NULLs alone. A bound that cannot be computed is an error.
func (p *partition) spans(n *algebra.Window) {
	key := n.Order[0]
	t := n.In.Cols()[key.Col].Type
	groups := len(p.starts) - 1
	value := func(g int) values.Datum { return p.rows[p.starts[g]][key.Col] }
	// The groups that are not NULL, [first, last).
	first, last := 0, groups
	if groups > 0 && value(0).IsNull() {
		first = 1
	}
	if last > first && value(last-1).IsNull() {
		last--
	}
	p.span = make([]span, groups)
	for g := range p.span {
		s := &p.span[g]
		from, to := g, g+1 // the current row and its peers, all of them if NULL
		if by := n.Frame.Start; by.By != nil && g >= first && g < last {
			from = p.edge(by, true, key, t, g, first, last, s)
		}
		if by := n.Frame.End; by.By != nil && g >= first && g < last {
			to = p.edge(by, false, key, t, g, first, last, s)
		}
		s.from, s.to = p.starts[from], p.starts[to]
	}
}

// infinity is the greatest number but NaN, or the least one.
func infinity(t *values.Type, greatest bool) values.Datum {
	sign, text := 1, "Infinity"
	if !greatest {
		sign, text = -1, "-Infinity"
	}
	if t.Kind == values.KindNumeric {
		return values.ParseNumeric(text)
	}
	return values.Float(math.Inf(sign))
}

// span is a frame, or why there is none.
type span struct {
	from, to int
	failed   values.Datum
}

// edge is the group with which the frame of group g starts, or the one behind it;
// [first, last) are those that are not NULL.
func (p *partition) edge(b algebra.Bound, start bool, key algebra.SortKey, t *values.Type, g, first, last int, s *span) int {
	row := p.rows[p.starts[g]]
	by := b.By
	if c := b.Computed; c != nil && c.Number >= 0 {
		by = &expr.Const{V: row[c.Number], T: by.T}
	}
	r, comparable, in := algebra.NewReach(t, by, b.Preceding != key.Desc)
	var bound values.Datum
	var past int
	var all bool
	if c := b.Computed; c != nil && c.Edge >= 0 {
		bound = row[c.Edge]
	} else {
		bound, past, all = r(row[key.Col])
	}
	if bound.IsErr() {
		s.failed = bound
		return g
	}
	if all { // but NaN, which is above the infinity that the frame goes to
		bound = infinity(in, start == key.Desc)
	}
	// The values before the bound, in the order of the rows.
	return first + sort.Search(last-first, func(i int) bool {
		c := -past
		if past == 0 {
			c = values.Compare(in, comparable(p.rows[p.starts[first+i]][key.Col]), bound)
		}
		if key.Desc {
			c = -c
		}
		if start {
			return c >= 0
		}
		return c > 0
	})
}
