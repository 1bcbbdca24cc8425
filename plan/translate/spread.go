package translate

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// A set-returning function is a function that returns an array (set.go), and an
// operator that spreads the array out.

// rangeFunction translates a function in FROM. One that reads columns beside it
// is computed for their domain, as a LATERAL sub-query is.
func (t *translator) rangeFunction(rte *pgtree.Node, names []string, s *scope) algebra.Node {
	var sets []*set
	for _, f := range rte.Nodes("functions") {
		set := t.inFrom(f, s)
		if set == nil {
			return empty(t.unknownCols(names))
		}
		set.columns = f.Int("funccolcount")
		sets = append(sets, set)
	}
	return t.spreadSets(sets, rte.Bool("funcordinality") || rte.Bool(numbered), names, s)
}

// spreadSets is the relation of sets side by side.
func (t *translator) spreadSets(sets []*set, ordinality bool, names []string, s *scope) algebra.Node {
	n := &algebra.Spread{Ordinality: ordinality}
	for i, set := range sets {
		name := "value"
		if i < len(names) {
			name = names[i]
		}
		n.Arrays = append(n.Arrays, set.array)
		n.Elements = append(n.Elements, algebra.Column{Name: name, Type: set.array.Type().Elem})
	}
	if n.Ordinality {
		n.Elements = append(n.Elements, algebra.Column{Name: "ordinality", Type: values.Int8Type})
	}
	read := map[int]bool{}
	for _, a := range n.Arrays {
		expr.Columns(a, read)
	}
	if len(read) == 0 {
		n.In = oneRow()
		return spreadColumns(n, sets, names)
	}
	var cols []int
	for c := range s.from {
		if read[c] {
			cols = append(cols, c)
		}
	}
	over := algebra.Refs(s.from, cols)
	key := algebra.IdentityOf(over)
	named := append(make([]algebra.Column, 0, len(cols)+1), pickCols(s.from, cols)...)
	named = append(named, algebra.Column{Name: "identity", Type: values.ByteaType})
	base, placed := t.beside(s, append(slices.Clone(over), key))
	n.In = algebra.DistinctBy(algebra.Compute(base, placed, named), len(cols))
	to := map[int]int{}
	for i, c := range cols {
		to[c] = i
	}
	n.Arrays = expr.RemapAll(n.Arrays, to)
	s.hidden = len(cols) + 1
	s.meets = append(s.meets, algebra.SameAs(key, len(s.from)+len(cols))...)
	return spreadColumns(n, sets, names)
}

func pickCols(all []algebra.Column, which []int) []algebra.Column {
	out := make([]algebra.Column, len(which))
	for i, c := range which {
		out[i] = all[c]
	}
	return out
}

// spreadTargets spreads the set-returning calls of a target list: after groups and
// windows, of whose results they may be, and before DISTINCT, ORDER BY and LIMIT
// (postgresql.org/docs/current/xfunc-sql.html#XFUNC-SQL-FUNCTIONS-RETURNING-SET).
func (t *translator) spreadTargets(q *pgtree.Node, s *scope) {
	var exprs []*pgtree.Node
	for _, te := range q.Nodes("targetList") {
		exprs = append(exprs, te.Node("expr"))
	}
	t.spreadCalls(exprs, s)
}

// windowsBelow computes the window functions of a target list: over the rows that its
// set-returning calls are for, and that DISTINCT ON picks from.
func (t *translator) windowsBelow(targets []*pgtree.Node, s *scope) {
	for _, te := range targets {
		pgtree.Walk(te, func(c *pgtree.Node) bool {
			if c.Tag == "WINDOWFUNC" {
				t.windowFunc(c, s)
			}
			return c.Tag != "QUERY"
		})
	}
}

// spreadGroups spreads the set-returning calls of group expressions, whose results are
// what is grouped.
func (t *translator) spreadGroups(targets, groups []*pgtree.Node, s *scope) {
	var exprs []*pgtree.Node
	for _, c := range groups {
		for _, te := range targets {
			if te.Int("ressortgroupref") == c.Int("tleSortGroupRef") {
				exprs = append(exprs, s.groupExpr(te.Node("expr")))
			}
		}
	}
	t.spreadCalls(exprs, s)
}

// spreadCalls spreads the set-returning calls of expressions: those that are as deep
// side by side, the inner ones before the others, for each row that they make.
func (t *translator) spreadCalls(exprs []*pgtree.Node, s *scope) {
	var levels [][]*pgtree.Node
	for _, e := range exprs {
		pgtree.Walk(e, func(c *pgtree.Node) bool {
			if c.Tag == "QUERY" || s.agg != nil && s.agg.written(c) >= 0 {
				return false
			}
			if isSet(c) {
				depth := setDepth(c)
				for len(levels) < depth {
					levels = append(levels, nil)
				}
				levels[depth-1] = append(levels[depth-1], c)
			}
			return true
		})
	}
	counted := slices.ContainsFunc(exprs, func(e *pgtree.Node) bool { return e.Tag == ordinal })
	if s.spread == nil {
		s.spread = map[*pgtree.Node]expr.Expr{}
	}
	for _, calls := range levels {
		n := &algebra.Spread{Ordinality: counted}
		sets := make([]*set, len(calls))
		for i, c := range calls {
			if sets[i] = t.setCall(c, nil, s); sets[i] == nil {
				sets[i] = &setOfNothing
			}
		}
		width := len(s.node.Cols()) // with what sub-queries in the arguments have added
		for i, set := range sets {
			elem := set.array.Type().Elem
			s.spread[calls[i]] = set.value(&expr.Col{Index: width + i, T: elem})
			n.Arrays = append(n.Arrays, set.array)
			n.Elements = append(n.Elements, algebra.Column{Name: "value", Type: elem})
		}
		if counted {
			s.ordinals = append(s.ordinals, width+len(calls))
			n.Elements = append(n.Elements, algebra.Column{Name: "ordinality", Type: values.Int8Type})
		}
		n.In = s.node
		s.stand(n)
	}
}

func isSet(n *pgtree.Node) bool {
	return n.Tag == "FUNCEXPR" && n.Bool("funcretset") || n.Tag == "OPEXPR" && n.Bool("opretset")
}

// holdsSet says that an expression holds a set-returning call.
func holdsSet(e *pgtree.Node) bool {
	found := false
	pgtree.Walk(e, func(n *pgtree.Node) bool {
		found = found || isSet(n)
		return n.Tag != "QUERY"
	})
	return found
}

// asCall is a set-returning operator as a call of its function.
func (t *translator) asCall(n *pgtree.Node) *pgtree.Node {
	if n.Tag != "OPEXPR" {
		return n
	}
	op, _ := t.operatorProc(n)
	if op == nil {
		return n
	}
	return pgtree.NewNode("FUNCEXPR", map[string]int{"funcid": int(op.Func)}).With("funcretset", n.Get("opretset")).With("funcresulttype", n.Get("opresulttype")).
		With("funccollid", n.Get("opcollid")).With("inputcollid", n.Get("inputcollid")).With("args", n.Get("args")).With("location", n.Get("location"))
}

// spreads says that an expression holds a set-returning call that has been spread.
func (s *scope) spreads(e *pgtree.Node) bool {
	found := false
	pgtree.Walk(e, func(c *pgtree.Node) bool {
		found = found || s.spread[c] != nil
		return c.Tag != "QUERY"
	})
	return found
}

// setDepth is how many set-returning calls are within one another, with the outermost.
func setDepth(call *pgtree.Node) int {
	within := 0
	for _, a := range call.Nodes("args") {
		pgtree.Walk(a, func(c *pgtree.Node) bool {
			if isSet(c) {
				within = max(within, setDepth(c))
				return false
			}
			return c.Tag != "QUERY"
		})
	}
	return within + 1
}
