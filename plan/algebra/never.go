package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// Never takes out what no row can come from: a join or filter with a condition that is
// constant and not true, and what is then left of the nodes above. Besides the work, that
// saves the errors which rows of such a part would have been: Postgres' planner, which
// does the same (is_dummy_rel in its joinrels.c and allpaths.c), never computes them.
func Never(n Node) Node { return bottomUp(n, never) }

func never(n Node) Node {
	switch n := n.(type) {
	case *Filter:
		if empty(n.In) || neverTrue(n.Conds) {
			return none(n)
		}
	case *Join:
		if slices.ContainsFunc(n.Inputs, empty) || neverTrue(n.Conds) {
			return none(n)
		}
	case *OuterJoin:
		return neverOuter(n)
	case *UnionAll:
		inputs := slices.DeleteFunc(slices.Clone(n.Inputs), empty)
		switch len(inputs) {
		case len(n.Inputs):
			return n
		case 0:
			return none(n)
		}
		// Its columns are named as those of the first.
		return &UnionAll{Inputs: inputs}
	case *Once:
		if empty(n.Asked) {
			return n.In
		}
	case *Aggregate:
		if !n.Global && empty(n.In) {
			return none(n)
		}
	case *TopK:
		if empty(n.In) || n.Numbers == nil && n.Limit == 0 {
			return none(n)
		}
	case *Recursive:
		return neverRecursive(n)
	case *Project, *Distinct, *Window, *Spread, *Repeat, *Shared:
		if empty(n.Children()[0]) {
			return none(n)
		}
	}
	return n
}

func neverOuter(n *OuterJoin) Node {
	unmatched := empty(n.L) || empty(n.R) || neverTrue(n.Conds)
	if !unmatched {
		return n
	}
	switch n.Kind {
	case SemiJoin:
		return none(n)
	case AntiJoin:
		return Pick(n.L, n.Out)
	}
	var padded []Node
	if !empty(n.L) {
		padded = append(padded, Pick(pad(n.L, nil, n.R.Cols()), n.Out))
	}
	if n.Kind == FullJoin && !empty(n.R) {
		padded = append(padded, Pick(pad(n.R, n.L.Cols(), nil), n.Out))
	}
	switch len(padded) {
	case 0:
		return none(n)
	case 1:
		return padded[0]
	}
	return &UnionAll{Inputs: padded}
}

// neverRecursive: without a row of its other terms, a recursion has none; without
// its recursive terms, they are what there is.
func neverRecursive(n *Recursive) Node {
	u, ok := n.In.(*UnionAll)
	switch {
	case empty(n.In), ok && !slices.ContainsFunc(u.Inputs, func(term Node) bool { return !n.readBy(term) }):
		return none(n)
	case n.readBy(n.In):
		return n
	}
	p := Pick(n.In, FirstN(len(n.Cols())))
	if n.All {
		return p
	}
	return &Distinct{In: p}
}

// readBy says whether a relation reads the recursion's working table.
func (n *Recursive) readBy(of Node) (reads bool) {
	Walk(of, func(of Node) {
		if w, ok := of.(*WorkTable); ok && w.Level == n.Level && w.Loop == "" {
			reads = true
		}
	})
	return reads
}

// pad puts NULLs before and behind a relation's columns.
func pad(n Node, before, behind []Column) *Project {
	p := &Project{In: n}
	nulls := func(cols []Column) {
		for _, c := range cols {
			p.Exprs, p.Names = append(p.Exprs, &expr.Const{T: c.Type}), append(p.Names, c.Name)
		}
	}
	nulls(before)
	for i, c := range n.Cols() {
		p.Exprs, p.Names = append(p.Exprs, &expr.Col{Index: i, Name: c.Name, T: c.Type}), append(p.Names, c.Name)
	}
	nulls(behind)
	return p
}

// none is a relation with the columns of another and no rows.
func none(n Node) Node { return &Values{Columns: n.Cols()} }

func empty(n Node) bool {
	v, ok := n.(*Values)
	return ok && len(v.Rows) == 0
}

// neverTrue says whether some condition is FALSE or NULL of every row.
func neverTrue(conds []expr.Expr) bool { return slices.ContainsFunc(conds, notTrue) }

func notTrue(c expr.Expr) bool {
	switch c := c.(type) {
	case *expr.Const:
		return !c.V.IsTrue() && !c.V.IsErr()
	case *expr.Native:
		return c.Func.Strict && slices.ContainsFunc(c.Args, isNull)
	case *expr.BoolOp:
		switch c.Op {
		case expr.And:
			return slices.ContainsFunc(c.Args, notTrue)
		case expr.Or:
			return !slices.ContainsFunc(c.Args, func(a expr.Expr) bool { return !notTrue(a) })
		}
	}
	return false
}

func isNull(e expr.Expr) bool {
	c, ok := e.(*expr.Const)
	return ok && c.V.IsNull()
}
