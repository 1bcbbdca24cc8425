package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// timedOuter takes comparisons of one side's columns with the clock to that side. Where others
// are left, of columns of both sides, they are asked of the pairs, if few of these have to be looked
// at as time passes; else all that the clock still gives is given to the left side.
func timedOuter(n *OuterJoin) Node {
	lw, rw := len(n.L.Cols()), len(n.R.Cols())
	l, r := newClocked(n.L), newClocked(n.R)
	l.sure, r.sure = true, true
	r.first = lw
	r.placeholder += 1 << 20
	conds := make([]expr.Expr, len(n.Conds))
	for i, c := range n.Conds {
		conds[i] = l.leaves(above(c, func(e expr.Expr) expr.Expr {
			switch side(e, lw) {
			case leftSide:
				return l.compare(e)
			case rightSide:
				return r.compare(e)
			}
			return nil
		}))
	}
	if len(l.moments) > 0 && quiet(&Join{Inputs: []Node{n.L, n.R}}, n.Conds) {
		return paired(n)
	}
	left, to := l.build()
	right, rightTo := r.build()
	wide := len(left.Cols())
	for i := range rw {
		to[lw+i] = wide + i
	}
	for c, at := range rightTo {
		if c >= r.placeholder {
			to[c] = wide + at
		}
	}
	m := *n
	m.L, m.R, m.Conds = left, right, expr.RemapAll(conds, to)
	m.Out = make([]int, len(n.Out))
	for i, c := range n.Out {
		m.Out[i] = to[c]
	}
	return &m
}

// quiet says that no row has to be looked at for conditions at each movement of the clock.
func quiet(in Node, conds []expr.Expr) bool {
	x := newClocked(in)
	x.takeAll(conds)
	return len(x.moments) == 0
}

// paired is a join that counts partners, by an inner one: which rows of the right meet what the
// conditions read of a row of the left is asked once for each such combination, and the rows
// find their answers by its identity.
func paired(n *OuterJoin) Node {
	lcols, rcols := n.L.Cols(), n.R.Cols()
	lw := len(lcols)
	read := map[int]bool{}
	for _, c := range n.Conds {
		expr.Columns(c, read)
	}
	var asked, met []int // columns that the conditions read, of either side
	for c := range lw + len(rcols) {
		switch {
		case !read[c]:
		case c < lw:
			asked = append(asked, c)
		default:
			met = append(met, c-lw)
		}
	}
	question := Pick(n.L, asked)
	question.Exprs, question.Names = append(question.Exprs, IdentityOf(Refs(lcols, asked))), append(question.Names, "identity")
	at := len(asked) // of the identity; the right's columns are behind it
	to := index(asked)
	for i := range rcols {
		to[lw+i] = at + 1 + i
	}
	pairs := timedJoin(&Join{Inputs: []Node{DistinctBy(question, at), n.R}, Conds: expr.RemapAll(n.Conds, to)})

	m := &OuterJoin{Kind: n.Kind, L: n.L, R: pairs, Out: slices.Clone(n.Out)}
	if n.Kind == SemiJoin || n.Kind == AntiJoin {
		m.R, at = DistinctBy(Pick(pairs, []int{at}), 0), 0
	} else {
		for i, c := range m.Out {
			if c >= lw {
				m.Out[i] = lw + to[c]
			}
		}
	}
	m.Conds = SameAs(IdentityOf(Refs(lcols, asked)), lw+at)
	if n.Kind != FullJoin {
		return m
	}
	// Those of the right that are in no pair.
	m.Kind = LeftJoin
	inPairs := make([]int, len(met))
	for i, c := range met {
		inPairs[i] = to[lw+c]
	}
	found := &Project{In: pairs, Exprs: []expr.Expr{IdentityOf(Refs(pairs.Cols(), inPairs))}, Names: []string{"identity"}}
	alone := NewOuterJoin(AntiJoin, n.R, DistinctBy(found, 0), SameAs(IdentityOf(Refs(rcols, met)), len(rcols)))
	padded := &Project{In: alone}
	for i, col := range n.Cols() {
		var e expr.Expr = &expr.Const{V: values.Null, T: col.Type}
		if c := n.Out[i]; c >= lw {
			e = &expr.Col{Index: c - lw, Name: col.Name, T: col.Type}
		}
		padded.Exprs, padded.Names = append(padded.Exprs, e), append(padded.Names, col.Name)
	}
	return &UnionAll{Inputs: []Node{m, padded}}
}
