package algebra

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// JoinKind is what an OuterJoin does with rows that find no partner.
type JoinKind string

// The kinds of OuterJoin.
const (
	LeftJoin JoinKind = "Left join" // kept, padded with NULLs
	FullJoin JoinKind = "Full join" // kept on both sides
	SemiJoin JoinKind = "Semi join" // dropped; those that find one are kept, once
	AntiJoin JoinKind = "Anti join" // kept; those that find one are dropped
)

// OuterJoin is a join in which it counts whether a row finds a partner. Conds
// are over L ++ R; Out picks and orders the columns kept, of L alone for semi
// and anti joins.
type OuterJoin struct {
	Kind  JoinKind
	L, R  Node
	Conds []expr.Expr
	Out   []int
}

// NewOuterJoin makes a join of all columns.
func NewOuterJoin(kind JoinKind, l, r Node, conds []expr.Expr) *OuterJoin {
	n := &OuterJoin{Kind: kind, L: l, R: r, Conds: conds, Out: FirstN(len(l.Cols()))}
	if kind != SemiJoin && kind != AntiJoin {
		n.Out = FirstN(len(l.Cols()) + len(r.Cols()))
	}
	return n
}

// Children are both sides.
func (n *OuterJoin) Children() []Node { return []Node{n.L, n.R} }

// With is the join of other sides.
func (n *OuterJoin) With(c []Node) Node { m := *n; m.L, m.R = c[0], c[1]; return &m }

// Cols are the picked columns.
func (n *OuterJoin) Cols() []Column {
	all := append(append([]Column{}, n.L.Cols()...), n.R.Cols()...)
	out := make([]Column, len(n.Out))
	for i, c := range n.Out {
		out[i] = all[c]
	}
	return out
}

// Label lists the conditions.
func (n *OuterJoin) Label() string {
	return fmt.Sprint(n.Kind, " on ", list(n.Conds), " keep ", n.Out)
}

// Repeat changes the number of copies of each row: Count, over the row, says how
// many there are to be for each one. It must not be negative.
type Repeat struct {
	In    Node
	Count expr.Expr
}

// Children is the input.
func (n *Repeat) Children() []Node { return []Node{n.In} }

// With repeats another input.
func (n *Repeat) With(c []Node) Node { return &Repeat{In: c[0], Count: n.Count} }

// Cols are the input's.
func (n *Repeat) Cols() []Column { return n.In.Cols() }

// Label is the count.
func (n *Repeat) Label() string { return "Repeat " + expr.String(n.Count) }

// Equalities splits conditions over L ++ R, L being the first width columns,
// into pairs of keys and the rest.
func Equalities(conds []expr.Expr, width int) (lkeys, rkeys, rest []expr.Expr) {
	for _, c := range conds {
		if n, ok := c.(*expr.Native); ok && n.Equal && expr.Total(n.Args[0]) && expr.Total(n.Args[1]) {
			l, r := n.Args[0], n.Args[1]
			ls, rs := side(l, width), side(r, width)
			switch {
			case ls == leftSide && rs == rightSide:
				lkeys, rkeys = append(lkeys, l), append(rkeys, expr.Shift(r, -width))
				continue
			case ls == rightSide && rs == leftSide:
				lkeys, rkeys = append(lkeys, r), append(rkeys, expr.Shift(l, -width))
				continue
			}
		}
		rest = append(rest, c)
	}
	return lkeys, rkeys, rest
}

const (
	noSide = iota
	leftSide
	rightSide
	bothSides
)

// side says which side's columns an expression over L ++ R reads.
func side(e expr.Expr, width int) int {
	set := map[int]bool{}
	expr.Columns(e, set)
	s := noSide
	for c := range set {
		if c < width {
			s |= leftSide
		} else {
			s |= rightSide
		}
	}
	return s
}

// pushOuter moves conditions through a join that counts partners. Those from
// above may thin out the kept side; those that no padded row can meet take the padding away; a key of
// the other side makes a semi join an inner one. The join's own may thin out the side that is looked into.
func (p *pusher) pushOuter(n *OuterJoin, conds []expr.Expr) Node {
	lw := len(n.L.Cols())
	var left, right, own, above []expr.Expr
	all, _ := split(conds, func(expr.Expr) bool { return true })
	for i, c := range all {
		all[i] = expr.Remap(c, outMap(n.Out)) // over L ++ R again
	}
	if n.Kind == SemiJoin && p.oneEach(n) {
		return p.push(Pick(&Join{Inputs: []Node{n.L, n.R}, Conds: n.Conds}, n.Out), conds)
	}
	if m := reduced(n, all); m != nil {
		return p.push(m, conds)
	}
	for _, c := range all {
		switch {
		case n.Kind != FullJoin && expr.Total(c) && side(c, lw) == leftSide:
			left = append(left, c)
		default:
			above = append(above, expr.Remap(c, index(n.Out)))
			if few := implied(c, func(e expr.Expr) bool { return side(e, lw) == leftSide }); few != nil && n.Kind != FullJoin {
				left = append(left, few)
			}
		}
	}
	ons, _ := split(n.Conds, func(expr.Expr) bool { return true })
	for _, c := range ons {
		switch s := side(c, lw); {
		case !expr.Total(c) || n.Kind == FullJoin:
			own = append(own, c)
		case s == rightSide:
			right = append(right, expr.Shift(c, -lw))
		case s == leftSide && n.Kind == SemiJoin:
			left = append(left, c)
		default:
			own = append(own, c)
			if few := implied(c, func(e expr.Expr) bool { return side(e, lw) == rightSide }); few != nil {
				right = append(right, expr.Shift(few, -lw))
			}
			if few := implied(c, func(e expr.Expr) bool { return side(e, lw) == leftSide }); few != nil && n.Kind == SemiJoin {
				left = append(left, few)
			}
		}
	}
	m := *n
	m.L, m.R, m.Conds = p.push(n.L, left), p.push(n.R, right), own
	return filter(&m, above)
}

// oneEach says that a row of the left finds one partner at most, for equal keys alone:
// it then does not matter how many it has.
func (p *pusher) oneEach(n *OuterJoin) bool {
	_, rkeys, rest := Equalities(n.Conds, len(n.L.Cols()))
	return len(rest) == 0 && covers(p.keys.of(n.R), plainColumns(rkeys))
}

func outMap(out []int) map[int]int {
	to := make(map[int]int, len(out))
	for i, c := range out {
		to[i] = c
	}
	return to
}

func (p *pruner) pruneOuter(n *OuterJoin, need []int) Node {
	lw := len(n.L.Cols())
	out := make([]int, len(need))
	for i, c := range need {
		out[i] = n.Out[c]
	}
	var l, r []int
	for _, c := range withColumns(out, n.Conds...) {
		if c < lw {
			l = append(l, c)
		} else {
			r = append(r, c-lw)
		}
	}
	at := map[int]int{}
	for i, c := range l {
		at[c] = i
	}
	for i, c := range r {
		at[lw+c] = len(l) + i
	}
	m := &OuterJoin{
		Kind: n.Kind, L: p.prune(n.L, l), R: p.prune(n.R, r), Conds: expr.RemapAll(n.Conds, at),
	}
	for _, c := range out {
		m.Out = append(m.Out, at[c])
	}
	return m
}

func (k Keyring) outerKeys(n *OuterJoin) [][]int {
	l, r := k.of(n.L), k.of(n.R)
	lw := len(n.L.Cols())
	var keys [][]int
	switch n.Kind {
	case SemiJoin, AntiJoin:
		keys = l
	case FullJoin:
		return nil // keys that hold NULLs on either side would meet in padded rows
	default:
		keys = product(l, r, lw)
		lkeys, rkeys, _ := Equalities(n.Conds, lw)
		if len(lkeys) > 0 && covers(r, plainColumns(rkeys)) {
			keys = append(keys, l...)
		}
	}
	at := map[int]int{}
	for i, c := range n.Out {
		at[c] = i
	}
	return remapKeys(keys, at)
}
