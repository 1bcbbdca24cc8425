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
