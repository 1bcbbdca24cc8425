package algebra

import "github.com/stepping-cdc/stepping-cdc/plan/expr"

// Refs are expressions that read the given ones of a relation's columns.
func Refs(cols []Column, which []int) []expr.Expr {
	out := make([]expr.Expr, len(which))
	for i, c := range which {
		out[i] = &expr.Col{Index: c, Name: cols[c].Name, T: cols[c].Type}
	}
	return out
}

// AllRefs are expressions that read all of a relation's columns.
func AllRefs(cols []Column) []expr.Expr { return Refs(cols, FirstN(len(cols))) }

// FirstN are the numbers of the first n columns.
func FirstN(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// Pick is a projection to columns.
func Pick(n Node, which []int) *Project {
	cols := n.Cols()
	p := &Project{In: n, Exprs: Refs(cols, which)}
	for _, c := range which {
		p.Names = append(p.Names, cols[c].Name)
	}
	return p
}

// Compute is a projection to expressions, under the names of columns.
func Compute(n Node, exprs []expr.Expr, cols []Column) *Project {
	p := &Project{In: n, Exprs: exprs}
	for _, c := range cols {
		p.Names = append(p.Names, c.Name)
	}
	return p
}
