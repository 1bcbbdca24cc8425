package translate

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/ordering"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// sortKey translates one element of ORDER BY: what is sorted by is the expression
// itself or its label.
func (t *translator) sortKey(c *pgtree.Node, e expr.Expr) (expr.Expr, algebra.SortKey) {
	op, err := t.cat.Operator(t.ctx, c.OID("sortop"))
	if err != nil {
		t.fail(err)
		return e, algebra.SortKey{}
	}
	by, desc := t.sortable(op, e)
	if by == nil && op.Schema == "pg_catalog" && (op.Name == "<" || op.Name == ">") {
		by, desc = t.rowLabel(e, values.Comparable), op.Name == ">"
	}
	if by == nil {
		ty := e.Type()
		if ty.MixesVariants() {
			t.checkKeys(nil, "ORDER BY", []expr.Expr{e})
			return e, algebra.SortKey{}
		}
		t.problem(nil, CodeType, "ORDER BY a value of type "+ty.SQL, "ORDER BY a value of type "+ty.SQL+" decides what the view holds, and only Postgres knows that order",
			`order by its fields, or by a value of another type`)
		return e, algebra.SortKey{}
	}
	return by, algebra.SortKey{Desc: desc, NullsFirst: c.Bool("nulls_first")}
}

// sortable gives what to sort by in place of sorting an expression by an operator,
// and in which direction; nil if there is no such thing.
func (t *translator) sortable(op *catalog.Operator, e expr.Expr) (by expr.Expr, desc bool) {
	by, desc, err := ordering.Sortable(t.ctx, t.cat, op, e)
	if err != nil {
		t.fail(err)
	}
	return by, desc
}

// sameLabel is the order by whose labels values of a type can be told apart; nil if there is none.
func (t *translator) sameLabel(ty *values.Type) *expr.Order {
	order, err := ordering.Usual(t.ctx, t.cat, ty, values.Equatable)
	if err != nil {
		t.fail(err)
	}
	return order
}

// sameness gives what tells the values of an expression apart as SQL's equality
// does: the expression itself, or its label. It refuses what has neither.
func (t *translator) sameness(n *pgtree.Node, construct string, e expr.Expr) expr.Expr {
	ty := e.Type()
	if values.Equatable(ty) {
		return e
	}
	if by := t.rowLabel(e, values.Equatable); by != nil {
		return by
	}
	if order := t.sameLabel(ty); order != nil {
		return expr.NewLabel(e, order)
	}
	t.checkKeys(n, construct, []expr.Expr{e})
	return e
}

// samenessBy is sameness as a clause has it, which is that of the operator that ORDER BY ... USING names for the
// same expression: of another class than the usual one, others may be equal.
func (t *translator) samenessBy(n *pgtree.Node, construct string, clause *pgtree.Node, e expr.Expr) expr.Expr {
	if t.usualEquality(clause, e.Type()) {
		return t.sameness(n, construct, e)
	}
	op, err := t.cat.Operator(t.ctx, clause.OID("sortop"))
	if err != nil {
		t.fail(err)
		return e
	}
	if by, _ := t.sortable(op, e); by != nil && expr.IsLabel(by) {
		return by
	}
	t.problem(n, CodeType, construct+" by "+op.Name, construct+" by what operator "+op.Name+" finds equal cannot be maintained: Postgres alone knows", "order by the usual operator of the type")
	return e
}

// usualEquality says whether what a clause finds equal is what the type's default operator class does.
func (t *translator) usualEquality(clause *pgtree.Node, ty *values.Type) bool {
	if clause == nil || clause.OID("sortop") == 0 { // a class named by ORDER BY has an order
		return true
	}
	op, err := t.cat.Operator(t.ctx, clause.OID("eqop"))
	if err != nil {
		t.fail(err)
		return true
	}
	if op.Schema == "pg_catalog" && op.Name == "=" && !ty.OwnOrder {
		return true
	}
	cmp, err := t.cat.Comparison(t.ctx, op, ty)
	if err != nil {
		t.fail(err)
	}
	return cmp == "="
}

// labelled adds to a relation the labels of those of its columns from the given one
// on that Go cannot tell apart, and says which columns tell rows apart; nil if all
// do.
func (t *translator) labelled(n *pgtree.Node, construct string, in algebra.Node, from int) (out algebra.Node, key []int) {
	return labelledBy(in, from, func(_ int, e expr.Expr) expr.Expr { return t.sameness(n, construct, e) })
}

// labelledBy is labelled by the sameness of each column.
func labelledBy(in algebra.Node, from int, sameness func(i int, e expr.Expr) expr.Expr) (out algebra.Node, key []int) {
	cols := in.Cols()
	p := algebra.Pick(in, algebra.FirstN(len(cols)))
	key = algebra.FirstN(len(cols))
	for i := from; i < len(cols); i++ {
		if by := sameness(i, p.Exprs[i]); by != p.Exprs[i] {
			key[i] = len(p.Exprs)
			p.Exprs, p.Names = append(p.Exprs, by), append(p.Names, "label")
		}
	}
	if len(p.Exprs) == len(cols) {
		return in, nil
	}
	return p, key
}

// ranked gives the sort keys of an aggregate that Go computes, its arguments with
// the labels to sort by, and which of these tell arguments of DISTINCT apart (nil:
// all do); false if there is a key that only Postgres can sort by.
func (t *translator) ranked(c *aggregateCall, distinct bool) (args []expr.Expr, sort []algebra.SortKey, apart []int, ok bool) {
	args = slices.Clone(c.args)
	sort = slices.Clone(c.sort)
	key := algebra.FirstN(c.inputs)
	for i := range sort {
		k := &sort[i]
		arg := k.Col
		by, desc := t.sortable(c.ops[i], c.args[arg])
		if by == nil {
			return nil, nil, nil, false
		}
		k.Desc = desc
		switch {
		case !expr.IsLabel(by):
		case k.Col >= c.inputs: // it is there to sort by alone
			args[k.Col] = by
		default:
			k.Col = len(args)
			args = append(args, by)
		}
		if distinct && (c.unusual[i] || !values.Equatable(c.args[arg].Type())) {
			key[arg], apart = k.Col, key
		}
	}
	return args, sort, apart, true
}

// toldApart adds to arguments of DISTINCT the labels of those that Go cannot tell
// apart, and says which do (nil: all); false if only Postgres can.
func (t *translator) toldApart(c *aggregateCall, args []expr.Expr) (all []expr.Expr, by []int, ok bool) {
	all, key := slices.Clone(args), algebra.FirstN(len(args))
	sorts := algebra.FirstN(min(len(c.unusual), len(c.sort))) // fewer, if the catalogue could not be read
	for i, a := range args {
		if slices.ContainsFunc(sorts, func(k int) bool { return c.sort[k].Col == i && c.unusual[k] }) {
			return nil, nil, false
		}
		if values.Equatable(a.Type()) {
			continue
		}
		order := t.sameLabel(a.Type())
		if order == nil {
			return nil, nil, false
		}
		key[i], by = len(all), key
		all = append(all, expr.NewLabel(a, order))
	}
	return all, by, true
}

// rankedExtreme is min, max and the like over values whose order only Postgres
// knows: the first by label. Of values that are equal but not the same, it is that of the
// least encoding.
func (t *translator) rankedExtreme(proc *catalog.Proc, args []expr.Expr) (impl *agg.Aggregate, label expr.Expr) {
	op, err := t.cat.SortOperator(t.ctx, proc.OID)
	if err != nil {
		t.fail(err)
	}
	if op == nil || len(args) != 1 {
		return nil, nil
	}
	label, desc := t.sortable(op, args[0])
	if label == nil {
		return nil, nil
	}
	keys := algebra.OrderKey([]algebra.Column{{Type: args[0].Type()}, {Type: label.Type()}}, []algebra.SortKey{{Col: 1, Desc: desc}})
	return agg.NewExtreme(agg.First, keys), label
}
