package translate

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/ordering"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// Rows of different fields can be grouped, told apart and sorted as long as Postgres never has to compare
// two of them where their types differ. It compares records by sorting, never by hashing, and a sort compares
// each two that come to stand side by side. So it fails, whatever the plan, if of some rows that agree in all else they are
// compared by, and in their fields up to some place, not all have the same type there: a group of these is an error in
// the data.

// rowLabel is what rows of several types are compared by; nil if e is none, or of something in it only Postgres knows.
func (t *translator) rowLabel(e expr.Expr, known func(*values.Type) bool) expr.Expr {
	if ty := e.Type(); !ty.MixesVariants() || ty.HoldsPending() {
		return nil
	}
	order, err := ordering.OfRows(t.ctx, t.cat, e.Type(), known)
	if err != nil {
		t.fail(err)
	}
	if order == nil {
		return nil
	}
	return expr.NewRowLabel(e, order)
}

// alike adds errors to a relation whose rows are compared by some columns at once, and then by each of others in turn.
func alike(in algebra.Node, by, then []int) algebra.Node {
	return withErrors(in, dissimilar(in, by, then))
}

func withErrors(in algebra.Node, errors []algebra.Node) algebra.Node {
	if len(errors) == 0 {
		return in
	}
	return &algebra.UnionAll{Inputs: append([]algebra.Node{in}, errors...)}
}

// dissimilar are relations without rows, of a relation's columns, that have its errors alone.
func dissimilar(in algebra.Node, by, then []int) (errors []algebra.Node) {
	cols := in.Cols()
	all := slices.Concat(by, then)
	for i, c := range all {
		if cols[c].Type != expr.RowLabelType {
			continue
		}
		scope := all[:i]
		if i < len(by) {
			scope = slices.Concat(by[:i], by[i+1:])
		}
		fork := expr.Forks(algebra.Refs(cols, []int{c})[0])
		spread := &algebra.Spread{In: in, Arrays: []expr.Expr{fork}, Elements: []algebra.Column{{Name: "fork", Type: fork.Type().Elem}}}
		fields := expr.FieldsOf(algebra.Refs(spread.Cols(), []int{len(cols)})[0])
		group := append(algebra.Refs(cols, scope), fields[0])
		groups := &algebra.Aggregate{In: spread, Group: group, Aggs: []algebra.Agg{{Name: "dissimilar(any)", Impl: differs, T: values.BoolType, Args: fields[1:]}}}
		none := &algebra.Project{In: &algebra.Filter{In: groups, Conds: algebra.Refs(groups.Cols(), []int{len(group)})}}
		for _, c := range cols {
			none.Exprs, none.Names = append(none.Exprs, &expr.Const{T: c.Type}), append(none.Names, c.Name)
		}
		errors = append(errors, none)
	}
	return errors
}

// alikeGroups adds errors to a relation that is grouped by some of the given expressions.
func alikeGroups(in algebra.Node, group []expr.Expr, by []int) algebra.Node {
	if !slices.ContainsFunc(by, func(i int) bool { return group[i].Type() == expr.RowLabelType }) {
		return in
	}
	cols := in.Cols()
	p := algebra.Pick(in, algebra.FirstN(len(cols)))
	which := make([]int, len(by))
	for k, i := range by {
		which[k] = len(p.Exprs)
		p.Exprs, p.Names = append(p.Exprs, group[i]), append(p.Names, "group")
	}
	return without(alike(p, which, nil), cols)
}

// differs is false of equal values, and fails of others.
var differs = &agg.Aggregate{
	OrderKey: func(dst []byte, args []values.Datum) []byte { return values.AppendRow(dst, args) },
	Fold: func(e agg.Entries) values.Datum {
		if e.First() && e.Next() {
			return values.Errorf("42804", "cannot compare rows of dissimilar column types")
		}
		return values.False
	},
}
