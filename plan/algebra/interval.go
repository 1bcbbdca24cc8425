package algebra

import (
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// Interval is what a row is compared by with rows of the other side of a join: a row
// from From to To. One of the two may be nil, no end; if they are the same, the row is
// compared by a single value.
type Interval struct{ From, To expr.Expr }

// Point says that From and To are the same.
func (i Interval) Point() bool { return i.From != nil && i.To != nil && same(i.From, i.To) }

// Meeting is what rows of either side of a join are compared by.
type Meeting struct {
	L, R Interval
	// By are the conditions that it is of, if they are comparisons and no more: then they are true
	// where one side is a point strictly within the other one's bounds.
	By []int
}

// Intervals finds, among the conditions over L ++ R of a join, comparisons that bound
// each side by the other: it returns what rows of either stand for, such that they can only
// meet where these intervals do. L is the first width columns. What is true of a pair
// besides is left to the conditions.
//
// Two comparisons that bound from both sides are taken rather than one, and of these such
// that belong together: x BETWEEN a AND b, which makes x a point, or both ends of ranges. An equality is the
// best of all: either side is a point.
//
// In a join in which a row can have one partner at most, on either side (single), nothing is found.
func Intervals(conds []expr.Expr, width int, single bool) (m Meeting, ok bool) {
	if single {
		return m, false
	}
	var up, down []bounding // left ≤ right, and left ≥ right
	for i, c := range conds {
		u, d := boundsIn(c, width)
		if u.l != nil {
			u.cond = i
			up = append(up, u)
		}
		if d.l != nil {
			d.cond = i
			down = append(down, d)
		}
	}
	best := apart
	var u, d bounding
	for _, a := range up {
		for _, b := range down {
			if t := a.with(b); t > best {
				best, u, d = t, a, b
			}
		}
	}
	switch {
	case best > apart:
		return Meeting{Interval{From: u.l, To: d.l}, Interval{From: d.r, To: u.r}, comparisons(conds, u, d)}, true
	case len(up)+len(down) == 0:
		return m, false
	case len(up) == 0:
		d = down[0]
		return Meeting{Interval{From: d.l, To: d.l}, Interval{From: d.r}, comparisons(conds, d)}, true
	}
	u = up[0]
	return Meeting{Interval{From: u.l, To: u.l}, Interval{To: u.r}, comparisons(conds, u)}, true
}

// comparisons are the conditions that bounds are of, if each is one comparison.
func comparisons(conds []expr.Expr, of ...bounding) (by []int) {
	for _, b := range of {
		if n, ok := conds[b.cond].(*expr.Native); !ok || n.Cmp == "" {
			return nil
		}
		by = append(by, b.cond)
	}
	return by
}

// bounding is a comparison of L with R: expressions over either.
type bounding struct {
	l, r expr.Expr
	cond int // the condition that it is of
}

// together says how well two comparisons in opposite directions go together.
type together int

const (
	apart together = iota // they are of different things
	alike                 // all are in one order, so that they may say how intervals overlap
	belonging
	equalling // they are one equality: that of a key which can fail (Order)
)

func (a bounding) with(b bounding) together {
	switch {
	case a.cond == b.cond && same(a.l, b.l) && same(a.r, b.r):
		return equalling
	case a.cond == b.cond || same(a.l, b.l) || same(a.r, b.r):
		return belonging
	case a.l.Type().Kind == b.l.Type().Kind && a.r.Type().Kind == b.r.Type().Kind:
		return alike
	}
	return apart
}

// boundsIn takes a condition on both sides of a join apart: what of L is at most, and what
// is at least, what of R where it is true.
func boundsIn(c expr.Expr, width int) (up, down bounding) {
	n, ok := c.(*expr.Native)
	if !ok || expr.HasRemote([]expr.Expr{c}) {
		return up, down
	}
	l, r, ok := endsOf(n)
	if !ok {
		switch n.Cmp {
		case "=":
			if !n.Equal {
				return up, down
			}
			l.lower, l.upper, r.lower, r.upper = n.Args[0], n.Args[0], n.Args[1], n.Args[1]
		case "<", "<=":
			l.lower, r.upper = n.Args[0], n.Args[1]
		case ">", ">=":
			l.upper, r.lower = n.Args[0], n.Args[1]
		default:
			return up, down
		}
	}
	a, b := l.side(width), r.side(width)
	if !(a == leftSide && b == rightSide || a == rightSide && b == leftSide) {
		return up, down
	}
	if a == rightSide {
		l, r = r, l
	}
	shifted := func(e expr.Expr) expr.Expr { return expr.Shift(e, -width) }
	if l.lower != nil && r.upper != nil {
		up = bounding{l: l.lower, r: shifted(r.upper)}
	}
	if l.upper != nil && r.lower != nil {
		down = bounding{l: l.upper, r: shifted(r.lower)}
	}
	return up, down
}

func same(a, b expr.Expr) bool {
	return a.Type().SQL == b.Type().SQL && expr.String(a) == expr.String(b)
}
