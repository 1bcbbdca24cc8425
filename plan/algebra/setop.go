package algebra

import (
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// copies says how many copies of a row INTERSECT or EXCEPT leaves, of l on the
// left and r on the right (postgresql.org/docs/current/queries-union.html).
var copies = map[string]func(l, r int64) int64{
	"intersect": func(l, r int64) int64 { return min(l, r, 1) },
	"except": func(l, r int64) int64 {
		if r > 0 {
			return 0
		}
		return min(l, 1)
	},
	"intersect all": func(l, r int64) int64 { return min(l, r) },
	"except all":    func(l, r int64) int64 { return max(l-r, 0) },
}

// SetDifference computes INTERSECT and EXCEPT: both sides are counted by row, and
// the counts say how often a row remains. A change costs what its row costs. key is
// the columns that tell rows apart, or nil for all.
func SetDifference(op string, l, r Node, key []int) Node {
	cols := l.Cols()
	n := len(cols)
	in := &UnionAll{Inputs: []Node{Mark(l, values.True), Mark(r, values.False)}}
	isLeft := &expr.Col{Index: n, Name: "mark", T: values.BoolType}
	isRight := &expr.BoolOp{Op: expr.Not, Args: []expr.Expr{isLeft}, T: values.BoolType}
	count := func(filter expr.Expr) Agg {
		return Agg{Name: "count()", Impl: agg.Lookup("count()", nil, values.Int8Type), Filter: filter, T: values.Int8Type}
	}
	grouped := &Aggregate{In: in, Group: AllRefs(cols), By: key, Aggs: []Agg{count(isLeft), count(isRight)}}
	f := copies[op]
	remaining := &expr.Native{
		Name: "copies of " + op + "(int8,int8)", Total: true, T: values.Int8Type,
		Func: &fn.Func{Strict: true, F2: func(a, b values.Datum) values.Datum { return values.Int(f(a.Int64(), b.Int64())) }},
		Args: []expr.Expr{&expr.Col{Index: n, T: values.Int8Type}, &expr.Col{Index: n + 1, T: values.Int8Type}},
	}
	return Compute(&Repeat{In: grouped, Count: remaining}, AllRefs(cols), cols)
}

// Mark adds a boolean column.
func Mark(n Node, mark values.Datum) *Project {
	cols := n.Cols()
	exprs := append(AllRefs(cols), &expr.Const{V: mark, T: values.BoolType})
	return Compute(n, exprs, append(cols[:len(cols):len(cols)], Column{Name: "mark", Type: values.BoolType}))
}
