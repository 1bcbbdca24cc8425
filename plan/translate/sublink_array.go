package translate

import (
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// ARRAY(SELECT …) is array_agg over the rows of the sub-query, in its order, but
// an empty array where there are none
// (postgresql.org/docs/current/sql-expressions.html#SQL-SYNTAX-ARRAY-CONSTRUCTORS).
// Without ORDER BY, the elements are in the order of array_agg without one: that of
// what they come from (input_order.go), or of their values.

// pg_proc.oid of array_agg over values, and over arrays, which makes one array of a
// dimension more.
const arrayAgg, arrayAggOfArrays = 2335, 4053

// arrayOver is the type of an array of such values: of arrays, the arrays' own.
func arrayOver(elem *values.Type) *values.Type {
	if elem.Kind == values.KindArray {
		return elem
	}
	return values.ArrayOf(elem)
}

// arrayOf translates ARRAY(SELECT …) over the row of s.
func (t *translator) arrayOf(n, q *pgtree.Node, s *scope) expr.Expr {
	dom, key := t.newDomain(q, s)
	if len(s.guards) > 0 { // arrays make one of a dimension more only if they are alike
		if dom == nil {
			dom, key = t.domainOf(nil, s)
		}
		dom.node.(*algebra.Distinct).In = dom.guarded
	}
	inner := newScope(q, s, dom)
	sub, _ := t.sorted(q, inner, true)
	q = inner.query // which may say its order now
	cols, width := sub.Cols(), dom.width()
	if len(cols) <= width {
		return nil // refused
	}
	elem := cols[width].Type
	call := &aggregateCall{kind: plainAggregate, inputs: 1, args: algebra.Refs(cols, []int{width})}
	at := map[int]int{}
	for _, c := range q.Nodes("sortClause") {
		col := t.target(q, inner, c.Int("tleSortGroupRef"))
		if col >= len(cols) {
			return nil // refused
		}
		op, err := t.cat.Operator(t.ctx, c.OID("sortop"))
		if err != nil {
			t.fail(err)
			return nil
		}
		if _, ok := at[col]; !ok {
			at[col] = 0
			if col != width {
				at[col] = len(call.args)
				call.args = append(call.args, algebra.Refs(cols, []int{col})...)
			}
		}
		call.sort = append(call.sort, algebra.SortKey{Col: at[col], Desc: op.Name == ">", NullsFirst: c.Bool("nulls_first")})
		call.ops = append(call.ops, op)
	}
	oid := uint32(arrayAgg)
	if elem.Kind == values.KindArray {
		oid = arrayAggOfArrays
	}
	proc, err := t.cat.Proc(t.ctx, oid)
	if err != nil {
		t.fail(err)
		return nil
	}
	call.proc = proc
	a := algebra.Agg{Name: signatureOf(proc), T: arrayOver(elem), Args: call.args}
	if args, sort, _, ok := t.ranked(call, false); ok {
		if a.Impl = agg.Lookup(a.Name, []*values.Type{elem}, a.T); a.Impl != nil {
			a.Args, a.Sort = args, sort
		}
	}
	if a.Impl == nil && !t.remoteAggregate(n, call, &a) {
		return nil
	}
	none, err := values.MakeArray(a.T, nil)
	if err != nil {
		t.fail(err)
		return nil
	}
	answer := &answers{key: key, width: width}
	outer := len(s.node.Cols())
	group := &algebra.Aggregate{In: sub, Group: algebra.AllRefs(cols[:width]), Aggs: []algebra.Agg{a}}
	s.node = algebra.NewOuterJoin(algebra.LeftJoin, s.node, group, answer.same(outer))
	return &expr.Coalesce{T: a.T, Args: []expr.Expr{
		&expr.Col{Index: outer + width, Name: "array", T: a.T}, &expr.Const{V: none, T: a.T},
	}}
}
