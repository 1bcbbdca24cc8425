package translate

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// Ordered-set and hypothetical-set aggregates have direct arguments beside those of
// the rows: f(direct) WITHIN GROUP (ORDER BY …)
// (postgresql.org/docs/current/sql-expressions.html#SYNTAX-AGGREGATES). These are
// evaluated once for a group, and may be anything that is known of it: a grouping column,
// the answer to a sub-query. If they are not constant, the circuit collects the rows of each
// group as arrays, and the call is an expression over these and the direct arguments.

// constantDirect writes the direct arguments of a call, if they are constant.
func (t *translator) constantDirect(n *pgtree.Node, c *aggregateCall) bool {
	for _, d := range n.Nodes("aggdirectargs") {
		for _, tag := range []string{"VAR", "AGGREF", "GROUPINGFUNC", "SUBLINK"} {
			if querytree.Holds(d, tag) {
				return false
			}
		}
		text, ok := literal(t.expr(d, &scope{query: n}))
		if !ok {
			return false
		}
		c.direct = append(c.direct, text)
	}
	return true
}

// orderedSet is a call with direct arguments of the group: the rows that it is over are
// arrays among the query's aggregates.
type orderedSet struct {
	call   *aggregateCall
	from   []string // what stands around the arrays
	arrays []int
	result *values.Type
}

// orderedSet has the circuit collect the rows of a call. like has its filter and its type.
func (t *translator) orderedSet(n *pgtree.Node, c *aggregateCall, like algebra.Agg, g *grouping) *orderedSet {
	if !t.steady(n, c) {
		return nil
	}
	from, parts, arrays := t.rowsOf(c)
	types := make([]*values.Type, len(parts))
	for i, part := range parts {
		types[i] = part.Type()
	}
	o := &orderedSet{call: c, from: from, result: like.T}
	for i, array := range arrays {
		rows := algebra.Agg{
			Name: fmt.Sprintf("array %d of %s", i+1, describe(c.proc)), Args: parts, Filter: like.Filter,
			Impl: agg.Rows(types, i, array.Type()), T: array.Type(),
		}
		var err error
		if rows.Empty, err = values.MakeArray(rows.T, nil); err != nil {
			t.fail(err)
			return nil
		}
		o.arrays = append(o.arrays, g.aggregate(rows))
	}
	return o
}

// overGroup is the value of such a call over the aggregate's row.
func (t *translator) overGroup(n *pgtree.Node, o *orderedSet, s *scope) expr.Expr {
	direct := t.exprs(n.Nodes("aggdirectargs"), s)
	if s.discovering() {
		return &expr.Const{T: o.result}
	}
	call := &sqlCall{}
	call.text("(SELECT " + o.call.name() + "(")
	for i, e := range direct {
		call.separate(i)
		call.arg(e)
		call.text(t.collation(e, n.OID("inputcollid")))
	}
	call.text(") WITHIN GROUP (" + o.call.orderBy() + ")")
	for i, array := range o.arrays {
		call.text(o.from[i])
		call.arg(s.agg.column(array))
	}
	call.text(o.from[len(o.arrays)] + ")")
	if !t.understood(n, "aggregate "+describe(o.call.proc), call, o.result) {
		return nil
	}
	return expr.NewRemote(call.sql, call.args, false, o.result)
}
