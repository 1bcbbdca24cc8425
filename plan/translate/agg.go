package translate

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// aggregate puts grouping on the relation of s; from there on, expressions of s
// read the row of groups and aggregates. Which those are, the expressions above
// say: they are looked through once before they are translated.
func (t *translator) aggregate(s *scope, targets, groups []*pgtree.Node, having *pgtree.Node) {
	g := &grouping{seen: map[*pgtree.Node]int{}, orderedSets: map[*pgtree.Node]*orderedSet{}, at: map[int]int{}, labels: map[int]int{}, sets: querytree.GroupingSets(s.query)}
	dw := s.domain.width()
	g.domain = dw
	for i, c := range s.from[:dw] {
		g.append(&expr.Col{Index: i, Name: c.Name, T: c.Type})
	}
	clauses := map[int]*pgtree.Node{} // by the place of what they group by
	for _, c := range groups {
		ref := c.Int("tleSortGroupRef")
		for _, te := range targets {
			if te.Int("ressortgroupref") != ref {
				continue
			}
			if e := t.expr(te.Node("expr"), s); len(g.sets) > 0 {
				g.at[ref] = g.append(e) // equal ones are not NULL in the same sets
			} else {
				g.at[ref] = g.add(e)
			}
			clauses[g.at[ref]] = c
			if written := s.groupExpr(te.Node("expr")); querytree.Holds(written, "SUBLINK") || s.spreads(written) {
				g.asWritten = append(g.asWritten, groupedExpr{written, g.at[ref]})
			}
		}
	}
	for i, e := range g.group[dw:] {
		if by := t.samenessBy(s.query, "GROUP BY", clauses[dw+i], e); by != e {
			g.labels[dw+i] = g.append(by)
		}
	}
	s.agg = g
	if having != nil {
		t.expr(having, s)
	}
	for _, te := range targets {
		t.targetExpr(te, s)
	}
	g.complete = true
	if len(g.sets) > 0 {
		s.stand(t.groupBySets(s, g))
		return
	}
	global := len(groups) == 0 && len(g.group) == dw
	by := g.by(algebra.FirstN(len(g.group)))
	node := &algebra.Aggregate{In: alikeGroups(s.node, g.group, by), Group: g.group, By: by, Aggs: g.aggs, Global: global && dw == 0}
	if global && dw > 0 {
		s.stand(overNothing(s.domain, node))
	} else {
		s.stand(node)
	}
}

// overNothing completes aggregates without GROUP BY in a sub-query with a
// domain: for a row of the domain without rows to aggregate, they are what they
// are over nothing.
func overNothing(d *domain, n *algebra.Aggregate) algebra.Node {
	dw := d.width()
	have := algebra.Mark(n, values.True)
	join := algebra.NewOuterJoin(algebra.LeftJoin, d.node, have, algebra.SameAs(&expr.Col{Index: dw - 1, Name: "identity", T: values.ByteaType}, dw+dw-1))
	cols := join.Cols()
	out := algebra.Pick(join, algebra.FirstN(dw))
	found := isNotNull(&expr.Col{Index: len(cols) - 1, T: values.BoolType})
	for i, a := range n.Aggs {
		at := 2*dw + i
		e := a.OrNothing(&expr.Col{Index: at, Name: cols[at].Name, T: a.T}, found)
		out.Exprs, out.Names = append(out.Exprs, e), append(out.Names, cols[at].Name)
	}
	return out
}

// groupExpr is the expression behind a reference to 18's GROUP BY entry.
func (s *scope) groupExpr(n *pgtree.Node) *pgtree.Node {
	if i := n.Int("varno"); n.Tag == "VAR" && n.Int("varlevelsup") == 0 && i >= 1 && i <= len(s.rtes) && s.rtes[i-1].Int("rtekind") == querytree.Group {
		if exprs, att := s.rtes[i-1].Nodes("groupexprs"), n.Int("varattno"); att >= 1 && att <= len(exprs) {
			return exprs[att-1]
		}
	}
	return n
}

// find is the group column of an expression, the query's own before those of its
// domain; −1 if there is none.
func (g *grouping) find(e expr.Expr) int {
	id := expr.String(e)
	if i := slices.Index(g.keys[g.domain:], id); i >= 0 {
		return g.domain + i
	}
	return slices.Index(g.keys[:g.domain], id)
}

// by is the columns that tell groups apart, of those given of the group columns; nil
// if all do. They are numbered by their places among the given ones.
func (g *grouping) by(of []int) []int {
	if len(g.labels) == 0 {
		return nil
	}
	var by []int
	for at, i := range of {
		if _, labelled := g.labels[i]; !labelled {
			by = append(by, at)
		}
	}
	return by
}

func (g *grouping) add(e expr.Expr) int {
	if i := g.find(e); i >= 0 {
		return i
	}
	return g.append(e)
}

func (g *grouping) append(e expr.Expr) int {
	g.group = append(g.group, e)
	g.keys = append(g.keys, expr.String(e))
	return len(g.group) - 1
}

// targetExpr translates an entry of the target list. One that is grouped by as it
// stands is its own group column, also where it is not the first of several
// equal ones.
func (t *translator) targetExpr(te *pgtree.Node, s *scope) expr.Expr {
	n := te.Node("expr")
	if s.agg != nil && len(s.agg.sets) > 0 {
		if i, ok := s.agg.at[te.Int("ressortgroupref")]; ok {
			return groupCol(s.agg, i)
		}
	}
	return t.expr(n, s)
}

// grouped translates an expression above GROUP BY if it is a group expression
// or a column that depends on one (GROUP BY a primary key).
func (t *translator) grouped(n *pgtree.Node, s *scope) (expr.Expr, bool) {
	if i := s.agg.written(s.groupExpr(n)); i >= 0 {
		return groupCol(s.agg, i), true
	}
	switch n.Tag {
	case "AGGREF", "CONST", "GROUPINGFUNC", "SUBLINK", "WINDOWFUNC", "CASETESTEXPR", trackedTag:
		return nil, false
	}
	if n.Tag != "VAR" && slices.ContainsFunc([]string{"AGGREF", "GROUPINGFUNC", "SUBLINK", "PARAM", "WINDOWFUNC"}, func(tag string) bool { return querytree.Holds(n, tag) }) {
		return nil, false
	}
	// Translate it as below GROUP BY, to see what it is there.
	g := s.agg
	tests := s.tests
	s.agg, s.tests = nil, nil
	known := len(t.problems)
	e := t.expr(n, s)
	s.agg, s.tests = g, tests
	if len(t.problems) > known {
		t.problems = t.problems[:known]
		return nil, false
	}
	if _, constant := e.(*expr.Const); constant && n.Tag != "VAR" && len(g.sets) > 0 {
		return nil, false // it is not NULL in any set, but where it is the grouping column itself
	}
	if i := g.find(e); i >= 0 {
		// The same value may be read under another type or collation.
		return t.relabel(groupCol(g, i), e.Type()), true
	}
	if n.Tag == "VAR" {
		// Postgres accepted it, so it depends on the group: grouping by it as
		// well changes nothing.
		t.keyOfHeirs(n, s)
		return t.relabel(groupCol(g, g.add(e)), e.Type()), true
	}
	return nil, false
}

// groupedExpr is a group expression that holds a sub-query or a set-returning call, as it is written:
// translated again, it would be another column.
type groupedExpr struct {
	written *pgtree.Node
	group   int
}

// written is the group column that such an expression is; −1 if it is none.
func (g *grouping) written(n *pgtree.Node) int {
	for _, q := range g.asWritten {
		if pgtree.Equal(q.written, n) {
			return q.group
		}
	}
	return -1
}

func groupCol(g *grouping, i int) expr.Expr {
	c := &expr.Col{Index: i, T: g.group[i].Type()}
	if in, ok := g.group[i].(*expr.Col); ok {
		c.Name = in.Name
	}
	return c
}

// aggref translates an aggregate call to a column of the aggregate's row.
func (t *translator) aggref(n *pgtree.Node, s *scope) expr.Expr {
	if up := n.Int("agglevelsup"); up > 0 {
		return t.domainColumn(outerRef{level: up, aggregate: n}, s)
	}
	g := s.agg
	if g == nil {
		t.fail(fmt.Errorf("aggregate %d where nothing is grouped", n.OID("aggfnoid")))
		return nil
	}
	if i, ok := g.seen[n]; ok {
		return g.column(i)
	}
	if o := g.orderedSets[n]; o != nil {
		return t.overGroup(n, o, s)
	}
	proc, err := t.cat.Proc(t.ctx, n.OID("aggfnoid"))
	if err != nil {
		t.fail(err)
		return nil
	}
	guards := s.guards
	s.agg, s.guards = nil, nil // arguments are evaluated for all rows, whatever is around the aggregate
	defer func() { s.agg, s.guards = g, guards }()
	a := algebra.Agg{
		Name:     signatureOf(proc),
		Distinct: len(n.Nodes("aggdistinct")) > 0,
		T:        t.typ(n.OID("aggtype"), -1, n.OID("aggcollid")),
	}
	call := t.aggregateCall(n, proc, s)
	a.Args = call.args
	a.T = t.known(a.T, call.args[:call.inputs])
	if f := n.Node("aggfilter"); f != nil {
		a.Filter = t.expr(f, s)
		guard(a.Args, a.Filter)
	}
	if call.kind != plainAggregate && !t.constantDirect(n, call) {
		o := t.orderedSet(n, call, a, g)
		if o == nil {
			return nil
		}
		g.orderedSets[n] = o
		s.agg, s.guards = g, guards
		return t.overGroup(n, o, s)
	}
	types := make([]*values.Type, call.inputs)
	for i := range types {
		types[i] = a.Args[i].Type()
	}
	if proc.Signature != "" && call.kind == plainAggregate && !n.Bool("aggvariadic") {
		a.Impl = agg.Lookup(a.Name, types, a.T)
	}
	switch {
	case a.Impl != nil && a.Impl.Sequence:
		if args, sort, by, ok := t.ranked(call, a.Distinct); ok {
			a.Args, a.Sort, a.By = args, sort, by
		} else {
			a.Impl = nil
		}
	case a.Impl != nil && a.Impl.Linear != nil && a.Distinct:
		if args, by, ok := t.toldApart(call, a.Args[:call.inputs]); ok {
			a.Args, a.By = args, by
		} else {
			a.Impl = nil
		}
	case a.Impl != nil:
		a.Args = a.Args[:call.inputs] // the order makes no difference
	}
	if a.Impl == nil && call.kind == plainAggregate {
		var label expr.Expr
		if a.Impl, label = t.rankedExtreme(proc, a.Args[:call.inputs]); a.Impl != nil {
			a.Args = []expr.Expr{a.Args[0], label}
		}
	}
	if a.Impl == nil && !t.remoteAggregate(n, call, &a) {
		return nil
	}
	if a.Impl == nil || a.Impl.Fold != nil && !a.Impl.Sequence {
		a.Distinct = false // the extremes look at values, not at copies; the rest is Postgres'
	}
	i := g.aggregate(a)
	g.seen[n] = i
	return g.column(i)
}

// aggregate is the place of an aggregate among those of the query.
func (g *grouping) aggregate(a algebra.Agg) int {
	id := a.Label()
	i := slices.Index(g.names, id)
	if i < 0 {
		i = len(g.aggs)
		g.aggs = append(g.aggs, a)
		g.names = append(g.names, id)
	}
	return i
}

// column is the column of an aggregate's value.
func (g *grouping) column(aggregate int) expr.Expr {
	return &expr.Col{Index: len(g.group) + aggregate, T: g.aggs[aggregate].T}
}
