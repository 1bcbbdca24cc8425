package algebra

import (
	"maps"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
)

// ofPartition splits conditions over a relation into those that are about its partitions as a
// whole, and so may drop one before it is looked at, and others.
func ofPartition(in Node, partition []int, conds []expr.Expr) (below, above []expr.Expr) {
	cols := in.Cols()
	known := formulasOf(in, partition)
	for _, c := range conds {
		for _, c := range expr.Conjuncts(c) {
			as, read := known.in(c), map[int]bool{}
			expr.Columns(as, read)
			if len(read) > 0 && subset(slices.Collect(maps.Keys(read)), partition) && expr.Total(as) && readsOnlyExact(as, cols, len(cols)) {
				below = append(below, as)
			} else {
				above = append(above, c)
			}
		}
	}
	return below, above
}

// formulas are columns of a relation that it computes, by the text of what they are of its other columns.
type formulas map[string]*expr.Col

// formulasOf finds those of some columns of a relation that are expressions.
func formulasOf(in Node, cols []int) formulas {
	p, ok := in.(*Project)
	if !ok {
		return nil
	}
	shown := map[int]int{} // columns below, and where they are
	for i, e := range p.Exprs {
		if c, plain := e.(*expr.Col); plain {
			shown[c.Index] = i
		}
	}
	out := formulas{}
	for _, i := range cols {
		read := map[int]bool{}
		expr.Columns(p.Exprs[i], read)
		if _, plain := p.Exprs[i].(*expr.Col); plain || len(read) == 0 {
			continue
		}
		if subset(slices.Collect(maps.Keys(read)), slices.Collect(maps.Keys(shown))) {
			out[unnamed(expr.Remap(p.Exprs[i], shown))] = &expr.Col{Index: i, Name: p.Names[i], T: p.Exprs[i].Type()}
		}
	}
	return out
}

// in is an expression over the relation's columns with these in place of what they are computed from.
func (f formulas) in(e expr.Expr) expr.Expr {
	if len(f) == 0 {
		return e
	}
	if col, ok := f[unnamed(e)]; ok {
		return col
	}
	children := slices.Clone(e.Children())
	for i, child := range children {
		children[i] = f.in(child)
	}
	return e.With(children)
}

// unnamed is the text of an expression, whatever its columns are called.
func unnamed(e expr.Expr) string {
	return expr.String(expr.Map(e, func(e expr.Expr) expr.Expr {
		if c, ok := e.(*expr.Col); ok {
			return &expr.Col{Index: c.Index, T: c.T}
		}
		return e
	}))
}
