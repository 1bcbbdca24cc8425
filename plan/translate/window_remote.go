package translate

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// windowCall is a call over a window: what the window computes for it, and how its
// value is made of that, if it is not the first by itself.
type windowCall struct {
	funcs []algebra.WindowFunc
	value *expr.Remote // over funcs
	own   *ownCall     // in place of both: of a function that is not Postgres' own
}

// result is the call's value over a row in which its functions begin at a column.
func (c windowCall) result(cols []algebra.Column, at int) expr.Expr {
	if c.own != nil {
		at = c.own.column
	}
	if c.value == nil {
		return &expr.Col{Index: at, Name: cols[at].Name, T: cols[at].Type}
	}
	args := make([]expr.Expr, len(c.value.Args))
	for i := range args {
		col := at + c.value.Args[i].(*expr.Col).Index
		args[i] = &expr.Col{Index: col, Name: cols[col].Name, T: cols[col].Type}
	}
	return expr.NewRemote(c.value.SQL, args, c.value.Strict, c.value.T)
}

// remoteWindow leaves an aggregate over a window to Postgres: it gets the rows of
// each frame, as an array for each argument, in the frame's order.
func (t *translator) remoteWindow(n *pgtree.Node, proc *catalog.Proc, args []expr.Expr, filter int, result *values.Type, place func(expr.Expr) int) (windowCall, bool) {
	name := "aggregate " + describe(proc)
	c := &aggregateCall{proc: proc, kind: plainAggregate, args: args, inputs: len(args)}
	c.countRows()
	if !t.steady(n, c) {
		return windowCall{}, false
	}
	from, parts, arrays := t.rowsOf(c)
	call := t.callOver(n, c)
	if t.err != nil {
		return windowCall{}, false
	}
	from[0] = "(SELECT " + call + from[0]
	from[len(from)-1] += ")"
	out := windowCall{value: expr.NewRemote(from, arrays, false, result)}
	probe := &sqlCall{sql: from, args: arrays}
	if !t.understood(n, name, probe, result) {
		return windowCall{}, false
	}
	for i, part := range parts {
		array := arrays[i].Type()
		out.funcs = append(out.funcs, algebra.WindowFunc{
			Name: fmt.Sprintf("array %d of %s", i+1, describe(proc)), Args: []int{place(expr.Hold(part))}, Filter: filter, T: array,
			Agg: &algebra.Agg{Name: "array", Impl: agg.Rows([]*values.Type{part.Type()}, 0, array), T: array},
		})
	}
	return out, true
}
