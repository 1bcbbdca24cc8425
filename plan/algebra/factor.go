package algebra

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// Factor takes out of each OR among the conditions what all of its branches ask
// for: (A AND B) OR (A AND C) is A AND (B OR C). An equality of columns that stands
// in every branch is then a join key; without it, the join meets every pair.
//
// AND distributes over OR in three-valued logic. With errors as values there is one
// difference: where A is NULL, an error in a branch no longer shows. The row is
// dropped then, and so Postgres does, whose planner makes the same change
// (find_duplicate_ors in its prepqual.c). What can itself fail stays in its branches,
// as a condition on its own is evaluated for more rows.
func Factor(n Node) Node {
	return bottomUp(n, func(n Node) Node {
		switch n := n.(type) {
		case *Filter:
			return &Filter{In: n.In, Conds: factored(n.Conds)}
		case *Join:
			return &Join{Inputs: n.Inputs, Conds: factored(n.Conds)}
		case *OuterJoin:
			m := *n
			m.Conds = factored(n.Conds)
			return &m
		}
		return n
	})
}

func factored(conds []expr.Expr) []expr.Expr {
	var out []expr.Expr
	for _, c := range conds {
		for _, c := range expr.Conjuncts(c) {
			out = append(out, factor(c)...)
		}
	}
	return out
}

// factor is the common conjuncts of the branches of an OR, and the OR of what is
// left of each branch: nothing is left of all if it is of one.
func factor(c expr.Expr) []expr.Expr {
	branches := disjuncts(c)
	if len(branches) < 2 {
		return []expr.Expr{c}
	}
	var common []expr.Expr
	shared := map[string]bool{}
	for _, a := range branches[0] {
		text := expr.String(a)
		if !shared[text] && expr.Total(a) && !slices.ContainsFunc(branches[1:], func(b []expr.Expr) bool { return !says(b, text) }) {
			shared[text] = true
			common = append(common, a)
		}
	}
	if len(common) == 0 {
		return []expr.Expr{c}
	}
	rest := &expr.BoolOp{Op: expr.Or, T: c.Type()}
	for _, b := range branches {
		left := slices.DeleteFunc(slices.Clone(b), func(a expr.Expr) bool { return shared[expr.String(a)] })
		if len(left) == 0 {
			return common
		}
		rest.Args = append(rest.Args, expr.Conjoin(left))
	}
	return append(common, rest)
}

func says(branch []expr.Expr, text string) bool {
	return slices.ContainsFunc(branch, func(a expr.Expr) bool { return expr.String(a) == text })
}

// disjuncts splits a condition at its top-level ORs, and each branch into its
// conjuncts.
func disjuncts(c expr.Expr) [][]expr.Expr {
	b, ok := c.(*expr.BoolOp)
	if !ok || b.Op != expr.Or {
		return [][]expr.Expr{expr.Conjuncts(c)}
	}
	var out [][]expr.Expr
	for _, a := range b.Args {
		out = append(out, disjuncts(a)...)
	}
	return out
}

// implied is what an OR says of the rows of one input, where each of its branches
// says something of them: (a = 1 AND b = 2) OR (a = 3 AND b = 4) says a = 1 OR a = 3
// of a's. It is a condition besides c, not instead of it; nil if there is none. An OR
// that can fail gives none: the rows that it fails for would be missing below.
func implied(c expr.Expr, of func(expr.Expr) bool) expr.Expr {
	branches := disjuncts(c)
	if len(branches) < 2 || !expr.Total(c) {
		return nil
	}
	out := &expr.BoolOp{Op: expr.Or, T: c.Type()}
	for _, b := range branches {
		b = slices.DeleteFunc(b, func(a expr.Expr) bool { return !of(a) })
		if len(b) == 0 {
			return nil
		}
		out.Args = append(out.Args, expr.Conjoin(b))
	}
	return out
}
