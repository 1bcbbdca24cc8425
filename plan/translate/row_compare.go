package translate

import (
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Comparisons of rows, field by field
// (postgresql.org/docs/current/functions-comparisons.html#ROW-WISE-COMPARISON).
// Postgres itself writes = and <> of two row constructors, and IN and IS DISTINCT
// FROM over them, as AND and OR of comparisons of their fields; what is left are
// the orders and the null tests.

// The strategies of a btree operator family (Postgres' access/stratnum.h).
const (
	btreeLess    = 1
	btreeEqual   = 3
	btreeGreater = 5
)

// rowCompare translates (a, b) < (c, d): a < c OR a = c AND b < d. The first
// pair of fields that differ decides, and one with a NULL before them leaves the
// answer open, which is what three-valued OR and AND make of it.
func (t *translator) rowCompare(n *pgtree.Node, s *scope) expr.Expr {
	left, right := t.exprs(n.Nodes("largs"), s), t.exprs(n.Nodes("rargs"), s)
	ops, families, colls := n.Ints("opnos"), n.Ints("opfamilies"), n.Ints("inputcollids")
	strategy := btreeLess
	kind := n.Int("rctype")
	if n.Has("cmptype") { // its name since 18
		kind = n.Int("cmptype")
	}
	if kind > btreeEqual {
		strategy = btreeGreater
	}
	var e expr.Expr
	for i := len(ops) - 1; i >= 0; i-- {
		args, coll := []expr.Expr{left[i], right[i]}, uint32(colls[i])
		if e == nil {
			e = t.apply(n, uint32(ops[i]), args, coll, values.BoolType)
			continue
		}
		decides := t.applyMember(n, uint32(families[i]), uint32(ops[i]), strategy, args, coll)
		same := t.applyMember(n, uint32(families[i]), uint32(ops[i]), btreeEqual, args, coll)
		rest := expr.Expr(&expr.BoolOp{Op: expr.And, T: values.BoolType, Args: []expr.Expr{same, e}})
		if !expr.Total(e) { // the fields behind a NULL are not looked at
			rest = &expr.Case{Whens: []expr.Expr{same, e}, Else: same, T: values.BoolType}
		}
		e = &expr.BoolOp{Op: expr.Or, T: values.BoolType, Args: []expr.Expr{decides, rest}}
	}
	return e
}

// applyMember applies the operator of a family that compares, in another way,
// what the given member of it does.
func (t *translator) applyMember(n *pgtree.Node, family, member uint32, strategy int, args []expr.Expr, coll uint32) expr.Expr {
	op, err := t.cat.FamilyOperator(t.ctx, family, member, strategy)
	if err != nil {
		t.fail(err)
		return placeholder
	}
	return t.apply(n, op, args, coll, values.BoolType)
}

// apply applies an operator; a refused one is a placeholder.
func (t *translator) apply(n *pgtree.Node, opno uint32, args []expr.Expr, coll uint32, result *values.Type) expr.Expr {
	op, proc := t.operatorByOID(opno)
	if proc == nil || !t.stable(n, proc, args) {
		return placeholder
	}
	return t.applyOperator(n, op, proc, args, coll, result)
}

// fieldsNull is IS NULL of a row (all its fields are) or, with not, IS NOT NULL
// (none is). A field that is a row itself counts as it stands.
func fieldsNull(fields []expr.Expr, not bool) expr.Expr {
	e := &expr.BoolOp{Op: expr.And, T: values.BoolType}
	for _, f := range fields {
		e.Args = append(e.Args, &expr.NullTest{Arg: f, Not: not, T: values.BoolType})
	}
	switch len(e.Args) {
	case 0:
		return &expr.Const{V: values.True, T: values.BoolType}
	case 1:
		return e.Args[0]
	}
	return e
}

// scalars adds the columns of a sub-query of one row at most to the outer row:
// all NULL if it has none, and an error in the data if it has more.
func (a *answers) scalars(s *scope) {
	sub := a.sub
	cols := sub.Cols()
	if !singleRow(sub, a.width) {
		n := &algebra.Aggregate{In: sub, Group: algebra.AllRefs(cols[:a.width])}
		for i, c := range cols[a.width:] {
			n.Aggs = append(n.Aggs, algebra.Agg{
				Name: "single_value(any)", Impl: singleValue, T: c.Type,
				Args: []expr.Expr{&expr.Col{Index: a.width + i, Name: c.Name, T: c.Type}},
			})
		}
		sub = n
	}
	a.base = len(s.node.Cols())
	s.node = algebra.NewOuterJoin(algebra.LeftJoin, s.node, sub, a.same(a.base))
}

// rowNullTest translates IS [NOT] NULL of a composite value.
func (t *translator) rowNullTest(n *pgtree.Node, s *scope) expr.Expr {
	arg, not := t.expr(n.Node("arg"), s), n.Int("nulltesttype") == 1
	if arg.Type().Kind != values.KindRecord && arg.Type().Call == nil { // refused
		return placeholder
	}
	isNull := &expr.Const{V: values.Bool(!not), T: values.BoolType}
	return expr.ByVariant(arg, values.BoolType, isNull, func(record expr.Expr) expr.Expr {
		if record.Type().Call != nil {
			return pendingNullTest(record, not)
		}
		fields := expr.FieldsOf(record)
		if len(fields) == 0 && not { // a NULL has no fields either
			return isNotNull(record)
		}
		return fieldsNull(fields, not)
	})
}
