package algebra

import (
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// DistinctBy keeps one of each row, which its column key identifies.
func DistinctBy(n Node, key int) Node { return &Distinct{In: n, Exact: true, Key: []int{key}} }

// SameAs is the condition that an identity computed of one row is that of
// another, in column col.
func SameAs(key expr.Expr, col int) []expr.Expr {
	if key == nil {
		return nil
	}
	eq := fn.Lookup("byteaeq(bytea,bytea)", []*values.Type{values.ByteaType, values.ByteaType}, values.BoolType)
	return []expr.Expr{&expr.Native{
		Func: eq, Name: "byteaeq(bytea,bytea)", Total: true, Equal: true, T: values.BoolType,
		Args: []expr.Expr{key, &expr.Col{Index: col, Name: "identity", T: values.ByteaType}},
	}}
}

// IdentityOf is an expression whose values are equal when the arguments' values
// are the same.
func IdentityOf(args []expr.Expr) expr.Expr {
	return &expr.Native{
		Name: "identity()", Total: true, Injective: true, Args: args, T: values.ByteaType,
		Func: &fn.Func{FN: func(args []values.Datum) values.Datum { return values.String(string(values.AppendRow(nil, args))) }},
	}
}
