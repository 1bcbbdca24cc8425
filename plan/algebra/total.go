package algebra

import (
	"slices"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// totalAggs are the aggregates that cannot fail, by name. Sums of integers have
// room for more rows than a table can hold.
var totalAggs = []string{
	"count", "min", "max", "bool_and", "bool_or", "every",
	"sum(int2)", "sum(int4)", "sum(int8)", "sum(numeric)", "avg(int2)", "avg(int4)", "avg(int8)", "avg(numeric)",
}

// Total says whether a relation can be computed of any rows without an error,
// so that it may be computed of rows that the query itself might never have shown
// it. What is below stop does not count.
func Total(n, stop Node) bool {
	seen := map[Node]bool{stop: true}
	var visit func(Node) bool
	visit = func(n Node) bool {
		if seen[n] {
			return true
		}
		seen[n] = true
		return computes(n) && !slices.ContainsFunc(n.Children(), func(c Node) bool { return !visit(c) })
	}
	return visit(n)
}

// computes says whether an operator by itself can do without an error.
func computes(n Node) bool {
	switch n := n.(type) {
	case *Scan, *Join, *UnionAll, *Distinct, *Shared:
		if j, ok := n.(*Join); ok && !allTotal(j.Conds) {
			return false
		}
	case *Values:
		for _, r := range n.Rows {
			if !allTotal(r) {
				return false
			}
		}
	case *Filter:
		if !allTotal(n.Conds) {
			return false
		}
	case *Project:
		if !allTotal(n.Exprs) {
			return false
		}
	case *EquiJoin:
		if !allTotal(n.LKeys) || !allTotal(n.RKeys) || !allTotal(n.Conds) {
			return false
		}
	case *OuterJoin:
		if !allTotal(n.Conds) {
			return false
		}
	case *Aggregate:
		if !allTotal(n.Group) || slices.ContainsFunc(n.Aggs, func(a Agg) bool { return !a.total() }) {
			return false
		}
	default: // limits, windows and sets may count what they must not
		return false
	}
	return true
}

func (a Agg) total() bool {
	name, _, _ := strings.Cut(a.Name, "(")
	known := slices.Contains(totalAggs, name) || slices.Contains(totalAggs, a.Name)
	return known && a.Impl != nil && allTotal(a.Args) && (a.Filter == nil || expr.Total(a.Filter))
}
