package translate

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
)

// outermost says that a query is a view's, or all of the rows of one of the queries of its set operation are: whether Postgres comes
// to compute any other query depends on what is around it.
func (s *scope) outermost() bool {
	if s.domain != nil {
		return false
	}
	around := s.parent
	return around == nil || around.parent == nil && around.domain == nil && unites(around.query.Node("setOperations")) && around.query.Get("limitCount") == nil
}

// unites says of a set operation that it is of UNION alone, of which Postgres computes all queries.
func unites(n *pgtree.Node) bool {
	if n == nil || n.Tag == "RANGETBLREF" {
		return n != nil
	}
	const union = 1 // SETOP_UNION of Postgres' parsenodes.h
	return n.Int("op") == union && unites(n.Node("larg")) && unites(n.Node("rarg"))
}

// once computes conditions over a relation beside the rows of an outermost query, for their errors.
func once(n algebra.Node, s *scope, over algebra.Node, conds ...expr.Expr) algebra.Node {
	asked := &algebra.Filter{In: over, Conds: conds}
	if !s.outermost() || algebra.Total(asked, nil) {
		return n
	}
	return &algebra.Once{In: n, Asked: asked}
}

// askedOnce adds the errors of conditions that read no row, which Postgres asks before it looks at any: if one of them is not
// true, it does not ask the others. They are found in a WHERE over plain tables only, as the conditions of sub-selects and joins
// may become part of it.
func (t *translator) askedOnce(conds []*pgtree.Node, s *scope) {
	if !s.outermost() || len(t.problems) > 0 || s.discovering() {
		return
	}
	for _, from := range s.query.Node("jointree").Nodes("fromlist") {
		if from.Tag != "RANGETBLREF" || s.rtes[from.Int("rtindex")-1].Int("rtekind") != querytree.Relation {
			return
		}
	}
	b := newScope(s.query, s.parent, s.domain)
	b.ctes = s.ctes
	b.stand(oneRow())
	var asked []expr.Expr
	for _, c := range conjuncts(conds) {
		switch {
		case readsRows(c):
		case looksForRows(c):
			return // it may find one before it fails
		default:
			asked = append(asked, expr.Conjuncts(t.expr(c, b))...)
		}
	}
	if len(asked) > 0 && len(t.problems) == 0 {
		s.stand(once(s.node, s, b.node, asked...))
	}
}

// conjuncts splits conditions at AND.
func conjuncts(conds []*pgtree.Node) (out []*pgtree.Node) {
	for _, c := range conds {
		if c.Tag == "BOOLEXPR" && c.Str("boolop") == "and" {
			out = append(out, conjuncts(c.Nodes("args"))...)
		} else {
			out = append(out, c)
		}
	}
	return out
}

// readsRows says whether a condition reads a column of the query that it is of.
func readsRows(cond *pgtree.Node) bool {
	reads := cond.Tag == "VAR"
	querytree.Walk(cond, func(n *pgtree.Node, depth int) bool {
		reads = reads || n.Tag == "VAR" && n.Int("varlevelsup") == depth
		return true
	})
	return reads
}

// looksForRows says whether a condition is of a sub-query of which not all rows need be computed.
func looksForRows(cond *pgtree.Node) bool {
	looks := false
	pgtree.Walk(cond, func(n *pgtree.Node) bool {
		looks = looks || n.Tag == "SUBLINK" && !slices.Contains([]int{linkExpr, linkArray}, n.Int("subLinkType"))
		return true
	})
	return looks
}
