package translate

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// GROUPING SETS, ROLLUP and CUBE are the sum of one aggregate a set, over one
// shared input; the columns that a set leaves out are NULL
// (postgresql.org/docs/current/queries-table-expressions.html#QUERIES-GROUPING-SETS).

// groupingCall translates GROUPING(…) to a column behind the aggregates: a bit
// for each argument that the row's set leaves out, the last one being the lowest.
func (t *translator) groupingCall(n *pgtree.Node, s *scope) expr.Expr {
	if up := n.Int("agglevelsup"); up > 0 {
		return t.domainColumn(outerRef{level: up, aggregate: n}, s)
	}
	g := s.agg
	if g == nil || len(g.sets) == 0 {
		return &expr.Const{V: values.Int(0), T: values.Int4Type}
	}
	refs := n.Ints("refs")
	i := slices.IndexFunc(g.calls, func(c []int) bool { return slices.Equal(c, refs) })
	if i < 0 {
		i = len(g.calls)
		g.calls = append(g.calls, refs)
	}
	return &expr.Col{Index: len(g.group) + len(g.aggs) + i, Name: "grouping", T: values.Int4Type}
}

// groupBySets is the relation of all sets' groups: the group columns, the
// aggregates, the values of GROUPING.
func (t *translator) groupBySets(s *scope, g *grouping) algebra.Node {
	dw := s.domain.width()
	if len(g.sets) > querytree.MaxSets {
		t.problem(nil, CodeSyntax, "GROUPING SETS", fmt.Sprintf("too many grouping sets present (maximum %d)", querytree.MaxSets), "")
		return empty(nil)
	}
	input, group, aggs := shareInput(s.node, g)
	explicit := map[int]bool{} // the rest depends on columns that all sets have
	for _, i := range g.at {
		explicit[i] = true
	}
	for _, label := range g.labels {
		explicit[label] = true
	}
	out := &algebra.UnionAll{}
	for _, set := range g.sets {
		in := map[int]bool{}
		for _, ref := range set {
			in[g.at[ref]] = true
		}
		node := &algebra.Aggregate{In: input, Aggs: aggs}
		p := &algebra.Project{}
		for i, label := range g.labels {
			in[label] = in[i]
		}
		at := map[int]int{}
		var of []int
		for i, e := range group {
			if i < dw || !explicit[i] || in[i] {
				at[i] = len(node.Group)
				node.Group, of = append(node.Group, e), append(of, i)
			}
		}
		node.By = g.by(of)
		node.In = alikeGroups(input, node.Group, node.By)
		node.Global = len(node.Group) == 0
		p.In = node
		if dw > 0 && len(node.Group) == dw {
			p.In = overNothing(s.domain, node)
		}
		cols := p.In.Cols()
		keep := func(i int) {
			p.Exprs = append(p.Exprs, &expr.Col{Index: i, Name: cols[i].Name, T: cols[i].Type})
			p.Names = append(p.Names, cols[i].Name)
		}
		for i, e := range group {
			if k, ok := at[i]; ok {
				keep(k)
				continue
			}
			p.Exprs = append(p.Exprs, &expr.Const{T: e.Type()})
			p.Names = append(p.Names, fmt.Sprintf("group%d", i+1))
		}
		for i := range aggs {
			keep(len(node.Group) + i)
		}
		for _, refs := range g.calls {
			bits := int64(0)
			for _, ref := range refs {
				bits <<= 1
				if !in[g.at[ref]] {
					bits |= 1
				}
			}
			p.Exprs = append(p.Exprs, &expr.Const{V: values.Int(bits), T: values.Int4Type})
			p.Names = append(p.Names, "grouping")
		}
		out.Inputs = append(out.Inputs, p)
	}
	if len(out.Inputs) == 1 {
		return out.Inputs[0]
	}
	return out
}

// shareInput computes all that the aggregates read once, for all sets, and gives
// group expressions and aggregates over that.
func shareInput(in algebra.Node, g *grouping) (algebra.Node, []expr.Expr, []algebra.Agg) {
	p := &algebra.Project{In: in}
	at := map[string]int{}
	place := func(e expr.Expr) expr.Expr {
		id := expr.String(e) + ":" + e.Type().SQL
		i, ok := at[id]
		if !ok {
			i = len(p.Exprs)
			at[id] = i
			p.Exprs = append(p.Exprs, e)
			name := fmt.Sprintf("value%d", i+1)
			if c, ok := e.(*expr.Col); ok && c.Name != "" {
				name = c.Name
			}
			p.Names = append(p.Names, name)
		}
		return &expr.Col{Index: i, Name: p.Names[i], T: e.Type()}
	}
	group := make([]expr.Expr, len(g.group))
	for i, e := range g.group {
		group[i] = place(e)
	}
	aggs := slices.Clone(g.aggs)
	for i := range aggs {
		a := &aggs[i]
		args := make([]expr.Expr, len(a.Args))
		for k, e := range a.Args {
			args[k] = place(e)
		}
		a.Args = args
		if a.Filter != nil {
			a.Filter = place(a.Filter)
		}
	}
	return &algebra.Shared{In: p}, group, aggs
}
