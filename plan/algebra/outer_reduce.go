package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// reduced is a join without the padded rows that conditions above it, over L ++ R, cannot
// be true of; nil if they are of use. A condition rejects them also where it can fail:
// Postgres' planner, which asks for strictness alone (find_nonnullable_rels in its
// clauses.c), never shows them to it.
func reduced(n *OuterJoin, above []expr.Expr) Node {
	if n.Kind != LeftJoin && n.Kind != FullJoin {
		return nil
	}
	lw := len(n.L.Cols())
	rejected := func(null func(col int) bool) bool {
		return slices.ContainsFunc(above, func(c expr.Expr) bool { return rejectsNulls(c, null) })
	}
	// Of a row of the left without a partner, and of one of the right.
	left := rejected(func(col int) bool { return col >= lw })
	right := n.Kind == LeftJoin || rejected(func(col int) bool { return col < lw })
	switch {
	case left && right:
		return Pick(&Join{Inputs: []Node{n.L, n.R}, Conds: n.Conds}, n.Out)
	case n.Kind == LeftJoin:
		return nil
	case right:
		m := *n
		m.Kind = LeftJoin
		return &m
	case left:
		return turned(n)
	}
	return nil
}

// turned is a full join's right side with its partners of the left.
func turned(n *OuterJoin) *OuterJoin {
	lw, rw := len(n.L.Cols()), len(n.R.Cols())
	at := make(map[int]int, lw+rw)
	for c := range lw + rw {
		at[c] = (c + rw) % (lw + rw)
	}
	m := &OuterJoin{Kind: LeftJoin, L: n.R, R: n.L, Conds: expr.RemapAll(n.Conds, at), Out: make([]int, len(n.Out))}
	for i, c := range n.Out {
		m.Out[i] = at[c]
	}
	return m
}

// rejectsNulls says whether a condition cannot be true of a row with NULLs in these
// columns: it is FALSE, NULL, or fails.
func rejectsNulls(c expr.Expr, null func(col int) bool) bool {
	rejects := func(c expr.Expr) bool { return rejectsNulls(c, null) }
	switch c := c.(type) {
	case *expr.NullTest:
		return c.Not && nullWhen(c.Arg, null)
	case *expr.BoolTest:
		return (c.Is == "TRUE" || c.Is == "FALSE" || c.Is == "NOT UNKNOWN") && nullWhen(c.Arg, null)
	case *expr.BoolOp:
		switch c.Op {
		case expr.And:
			return slices.ContainsFunc(c.Args, rejects)
		case expr.Or:
			return !slices.ContainsFunc(c.Args, func(c expr.Expr) bool { return !rejects(c) })
		}
	case *expr.AnyAll:
		// Of an empty array, ANY is FALSE and ALL is TRUE.
		return nullWhen(c.Array, null) || !c.All && strict(c.Op) && nullWhen(c.Left, null)
	}
	return nullWhen(c, null)
}

// nullWhen says whether an expression is NULL, or fails, if these columns are NULL.
func nullWhen(e expr.Expr, null func(col int) bool) bool {
	is := func(e expr.Expr) bool { return nullWhen(e, null) }
	switch e := e.(type) {
	case *expr.Col:
		return null(e.Index)
	case *expr.Native:
		return e.Func.Strict && slices.ContainsFunc(e.Args, is)
	case *expr.Remote:
		return e.Strict && slices.ContainsFunc(e.Args, is)
	case *expr.AnyAll:
		return nullWhen(e.Array, null)
	case *expr.BoolOp:
		return len(e.Args) > 0 && !slices.ContainsFunc(e.Args, func(e expr.Expr) bool { return !is(e) })
	}
	return false
}

// strict says whether an operator between the two columns of a row is NULL where the first is.
func strict(op expr.Expr) bool { return nullWhen(op, func(col int) bool { return col == 0 }) }
