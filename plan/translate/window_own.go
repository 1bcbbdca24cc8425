package translate

import (
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Window functions that are not Postgres' own (CREATE FUNCTION … WINDOW, written in C). They look at what rows of the
// partition they like, so Postgres is sent all of it, and gives back a result for each row
// (postgresql.org/docs/current/xfunc-c.html, and windowapi.h of its source).

// ownCall is a call of such a function.
type ownCall struct {
	node *pgtree.Node
	proc *catalog.Proc
	args []expr.Expr
	t    *values.Type

	agg    *algebra.Agg // gives the results for all rows of a partition, in their order
	parts  []int        // columns of what the window reads, for the arguments of agg behind the two numbers of a row
	column int          // its result
}

// rowNumbers stand for what tells the rows of a partition apart: the number of each, and that of its peer group.
var rowNumbers = []expr.Expr{&expr.Col{Name: "row_number", T: values.Int8Type}, &expr.Col{Name: "dense_rank", T: values.Int8Type}}

// askOwn makes the question to Postgres.
func (t *translator) askOwn(call *ownCall, clause *pgtree.Node, frame algebra.Frame, read, sorted []expr.Expr, place func(expr.Expr) int) bool {
	if !t.stable(call.node, call.proc, call.args) || !t.told(call.node, call.t) {
		return false
	}
	c := &aggregateCall{args: append(slices.Clone(rowNumbers), call.args...)}
	sql := t.callSQL(call.node, call.proc, call.args)
	if last := len(call.args) - 1; call.proc.Variadic && last >= 0 {
		sql[last] += "VARIADIC "
	}
	value := sql[0]
	for i := range call.args {
		value += fmt.Sprintf("u.c%d", len(rowNumbers)+i+1) + sql[i+1]
	}
	// What is near to a value is known of the value alone. Else the number of the peer group will do.
	order := "ORDER BY u.c2"
	if frame.By() != nil {
		c.args = append(c.args, sorted[0])
		by, err := t.sortsBy(clause.Nodes("orderClause")[0])
		if err != nil {
			t.fail(err)
			return false
		}
		order = fmt.Sprintf("ORDER BY u.c%d %s", len(c.args), by)
	}
	bound := func(b algebra.Bound, side string) string {
		var offset expr.Expr
		switch {
		case b.Unbounded:
			return "UNBOUNDED " + side
		case b.Computed != nil:
			offset = read[b.Computed.Number]
		case b.By != nil:
			offset = b.By
		case frame.Mode == algebra.FrameRange:
			return "CURRENT ROW"
		case b.Offset == 0:
			return "0 " + side
		case b.Offset < 0:
			return fmt.Sprintf("%d PRECEDING", -b.Offset)
		default:
			return fmt.Sprintf("%d FOLLOWING", b.Offset)
		}
		c.args = append(c.args, offset)
		side = "FOLLOWING"
		if b.Preceding {
			side = "PRECEDING"
		}
		return fmt.Sprintf("(SELECT u.c%d FROM u LIMIT 1) %s", len(c.args), side)
	}
	value += fmt.Sprintf(" OVER (%s %s BETWEEN %s AND %s", order, frame.Mode, bound(frame.Start, "PRECEDING"), bound(frame.End, "FOLLOWING"))
	if frame.Exclude != algebra.ExcludeNothing {
		value += " EXCLUDE " + string(frame.Exclude)
	}
	value += ")"
	elem := call.t
	if elem.TextInArrays() {
		elem, value = values.TextType, "CAST("+value+" AS pg_catalog.text)"
	}
	list := values.ArrayOf(elem)
	from, parts, arrays := t.rowsOf(c)
	from[0] = "(WITH u AS (SELECT u.*" + from[0]
	from[len(from)-1] += ") SELECT pg_catalog.array_agg(e.v ORDER BY e.n) FROM (SELECT u.c1 AS n, " + value + " AS v FROM (SELECT u.* FROM u ORDER BY u.c1) AS u) AS e)"
	if t.err != nil || !t.understood(call.node, describe(call.proc), &sqlCall{sql: from, args: arrays}, list) {
		return false
	}
	call.agg = &algebra.Agg{Name: describe(call.proc), Args: parts, Remote: expr.NewRemote(from, arrays, false, list), T: list}
	for _, part := range parts[len(rowNumbers):] {
		call.parts = append(call.parts, place(part))
	}
	return true
}

// ownResults adds to a relation what such calls over one window give. What the window reads begins at a
// column. Of rows that the window's order leaves equal, the first is the one that is the first to other functions, too.
func ownResults(in algebra.Node, at int, partition []int, order []algebra.SortKey, calls []*ownCall) algebra.Node {
	width := len(in.Cols())
	open := algebra.Bound{Unbounded: true}
	all := algebra.Frame{Mode: algebra.FrameRange, Start: open, End: open}
	numbered := &algebra.Window{In: in, Partition: partition, Order: order, Frame: all, Funcs: []algebra.WindowFunc{
		{Name: "row_number()", Filter: -1, T: values.Int8Type}, {Name: "dense_rank()", Filter: -1, T: values.Int8Type},
	}}
	told := &algebra.Window{In: numbered, Partition: partition, Frame: all}
	for _, call := range calls {
		args := []int{width, width + 1}
		for _, part := range call.parts {
			args = append(args, at+part)
		}
		told.Funcs = append(told.Funcs, algebra.WindowFunc{Name: call.agg.Name, Agg: call.agg, Args: args, Filter: -1, T: call.agg.T})
	}
	out := algebra.Pick(told, algebra.FirstN(width))
	cols := told.Cols()
	for i, call := range calls {
		of := algebra.Refs(cols, []int{width + len(rowNumbers) + i, width})
		call.column = len(out.Exprs)
		out.Exprs, out.Names = append(out.Exprs, nthResult(call.t, of[0], of[1])), append(out.Names, call.proc.Name)
	}
	return out
}

// nthResult reads the result of a row from those of its partition, which is split but once for all its rows.
func nthResult(ty *values.Type, lists, number expr.Expr) expr.Expr {
	type split struct {
		list  string
		elems []values.Datum
	}
	var last atomic.Pointer[split]
	return &expr.Native{
		Name: "window_result()", Args: []expr.Expr{lists, number}, T: ty,
		Func: &fn.Func{Strict: true, F2: func(list, number values.Datum) values.Datum {
			s := last.Load()
			if s == nil || s.list != list.Str() {
				elems, err := values.Elements(nil, lists.Type(), list)
				if err != nil {
					return values.Errorf("XX000", "reading the results of a window: %v", err)
				}
				s = &split{list.Str(), elems}
				last.Store(s)
			}
			i := number.Int64() - 1
			if i >= int64(len(s.elems)) {
				return values.Errorf("XX000", "%d results of a window, for %d rows or more", len(s.elems), i+1)
			}
			v := s.elems[i]
			if !ty.TextInArrays() || v.IsNull() {
				return v
			}
			v, err := values.DecodeText(ty, v.Str())
			if err != nil {
				return values.Errorf("XX000", "reading the result of a window: %v", err)
			}
			return v
		}},
	}
}
