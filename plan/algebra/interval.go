package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// Interval is what a row is compared by with rows of the other side of a join: a row
// from From to To. One of the two may be nil, no end; if they are the same, the row is
// compared by a single value.
type Interval struct{ From, To expr.Expr }

// Point says that From and To are the same.
func (i Interval) Point() bool { return i.From != nil && i.To != nil && same(i.From, i.To) }

// Intervals finds, among the conditions over L ++ R of a join, comparisons that bound
// each side by the other: it returns what rows of either stand for, such that they can only
// meet where these intervals do. L is the first width columns. What is true of a pair
// besides is left to the conditions.
//
// Of comparisons that say the same in one direction the first is taken, but rather two
// that have a side in common: x BETWEEN a AND b, which makes x a point.
//
// In a join on equal keys (keyed), a comparison in one direction alone is not worth it: it leaves
// half of the rows with those keys, which can be looked at in an index that other joins share.
func Intervals(conds []expr.Expr, width int, keyed bool) (l, r Interval, ok bool) {
	var up, down []comparedSides // left ≤ right, and left ≥ right
	for _, c := range conds {
		s, op, ok := sidesOf(c, width)
		switch {
		case !ok:
		case op == "<" || op == "<=":
			up = append(up, s)
		default:
			down = append(down, s)
		}
	}
	switch {
	case len(up) == 0 && len(down) == 0, keyed && (len(up) == 0 || len(down) == 0):
		return l, r, false
	case len(up) == 0:
		return Interval{From: down[0].l, To: down[0].l}, Interval{From: down[0].r}, true
	case len(down) == 0:
		return Interval{From: up[0].l, To: up[0].l}, Interval{To: up[0].r}, true
	}
	u, d := up[0], down[0]
	for _, a := range up {
		i := slices.IndexFunc(down, func(b comparedSides) bool { return same(a.l, b.l) || same(a.r, b.r) })
		if i >= 0 {
			u, d = a, down[i]
			break
		}
	}
	return Interval{From: u.l, To: d.l}, Interval{From: d.r, To: u.r}, true
}

// comparedSides are the sides of a comparison, over L and over R.
type comparedSides struct{ l, r expr.Expr }

// sidesOf takes a comparison of the two sides of a join apart: L op R.
func sidesOf(c expr.Expr, width int) (s comparedSides, op string, ok bool) {
	n, ok := c.(*expr.Native)
	if !ok || !slices.Contains([]string{"<", "<=", ">", ">="}, n.Cmp) || expr.HasRemote([]expr.Expr{c}) {
		return s, "", false
	}
	a, b := n.Args[0], n.Args[1]
	switch as, bs := side(a, width), side(b, width); {
	case as == leftSide && bs == rightSide:
		return comparedSides{a, expr.Shift(b, -width)}, n.Cmp, true
	case as == rightSide && bs == leftSide:
		return comparedSides{b, expr.Shift(a, -width)}, swapped[n.Cmp], true
	}
	return s, "", false
}

func same(a, b expr.Expr) bool {
	return a.Type().SQL == b.Type().SQL && expr.String(a) == expr.String(b)
}
