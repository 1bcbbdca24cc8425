package translate

import (
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/agg"
)

// Where Go does not know an order (of text, under most collations; of ranges,
// addresses and whatever else has a btree operator class), rows are sorted by a
// label in place of the value: bytes that the circuit's dictionary of that order
// gives to each value (circuit.Ranking), for which it asks Postgres.

// sortKey translates one element of ORDER BY: what is sorted by is the expression
// itself or its label.
func (t *translator) sortKey(c *pgtree.Node, e expr.Expr) (expr.Expr, algebra.SortKey) {
	op, err := t.cat.Operator(t.ctx, c.OID("sortop"))
	if err != nil {
		t.fail(err)
		return e, algebra.SortKey{}
	}
	by, desc := t.sortable(op, e)
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
	builtin := op.Schema == "pg_catalog" && (op.Name == "<" || op.Name == ">")
	if builtin && values.Comparable(e.Type()) {
		return e, op.Name == ">"
	}
	name := op.Name
	if builtin { // both directions share a dictionary
		name = "<"
	}
	order := t.order(op, name, e.Type(), values.Comparable)
	if order == nil {
		return nil, false
	}
	return expr.NewLabel(e, order), builtin && op.Name == ">"
}

// sameness gives what tells the values of an expression apart as SQL's equality
// does: the expression itself, or its label. It refuses what has neither.
func (t *translator) sameness(n *pgtree.Node, construct string, e expr.Expr) expr.Expr {
	ty := e.Type()
	if values.Equatable(ty) {
		return e
	}
	if order := t.usualOrder(ty, values.Equatable); order != nil {
		return expr.NewLabel(e, order)
	}
	t.checkKeys(n, construct, []expr.Expr{e})
	return e
}

// usualOrder is the order of a type by its default operator class; nil if it has
// none, or values cannot be sent to be sorted.
func (t *translator) usualOrder(ty *values.Type, known func(*values.Type) bool) *expr.Order {
	if ty.Kind == values.KindArray || ty.Kind == values.KindRecord {
		return t.orderOfParts(ty, known)
	}
	op, err := t.cat.Less(t.ctx, ty)
	if err != nil {
		t.fail(err)
	}
	if op == nil {
		return nil
	}
	return t.order(op, op.Name, ty, known)
}

// orderOfParts is the order of arrays by their elements, and of records by their
// fields. Where known says that Go can tell what has to be told, it does.
func (t *translator) orderOfParts(ty *values.Type, known func(*values.Type) bool) *expr.Order {
	order := &expr.Order{Name: "type " + ty.SQL}
	if ty.Kind == values.KindArray {
		if ty.Elem == nil {
			return nil
		}
		if order.Elem = t.usualOrder(ty.Elem, known); order.Elem == nil {
			return nil
		}
		order.Name = order.Elem.Name
		return order
	}
	if ty.Variant {
		return nil
	}
	order.Fields = make([]*expr.Order, len(ty.Fields))
	for i, f := range ty.Fields {
		if known(f.Type) {
			continue
		}
		if order.Fields[i] = t.usualOrder(f.Type, known); order.Fields[i] == nil {
			return nil
		}
	}
	return order
}

// order is that of an operator over a type; nil if values cannot be sent to be
// sorted, or sorting them is not a function of them.
func (t *translator) order(op *catalog.Operator, name string, ty *values.Type, known func(*values.Type) bool) *expr.Order {
	if ty.Kind == values.KindArray || ty.Kind == values.KindRecord {
		if op.Schema != "pg_catalog" || name != "<" {
			return nil // of images: *<
		}
		return t.orderOfParts(ty, known)
	}
	if ty.Kind != values.KindText { // columns of the type and of domains over it share a dictionary
		ty = t.typ(ty.BaseOID, -1, ty.Collation)
	}
	proc, err := t.cat.Proc(t.ctx, op.Func)
	if err != nil {
		t.fail(err)
		return nil
	}
	if proc.Volatility != "i" {
		return nil
	}
	sent, value := ty, "u.v"
	switch {
	case ty.Kind == values.KindText: // domains and lengths make no difference
		sent = values.TextType
	case ty.NoBinary:
		sent, value = values.TextType, "CAST(u.v AS "+ty.SQL+")"
	}
	value += t.collation(&expr.Col{T: ty}, ty.Collation)
	order := &expr.Order{Name: "type " + ty.SQL}
	oid := ty.Collation
	if ty.Kind == values.KindJSONB { // its strings
		oid = defaultCollation
	}
	if oid != 0 {
		coll, err := t.cat.Collation(t.ctx, oid)
		if err != nil {
			t.fail(err)
			return nil
		}
		order.Name, order.Version = "collation "+pgx.Identifier{coll.Name}.Sanitize(), coll.Version
	}
	using := " USING OPERATOR(" + pgx.Identifier{op.Schema}.Sanitize() + "." + name + ")"
	array := values.ArrayOf(sent)
	order.Total = values.IdentityIsEquality(ty)
	sql := []string{"(SELECT pg_catalog.array_agg(u.o ORDER BY " + value + using + ") FROM pg_catalog.unnest(", ") WITH ORDINALITY AS u(v, o))"}
	if !order.Total {
		sql = []string{
			"(SELECT pg_catalog.array_agg(r.n ORDER BY r.o) FROM (SELECT u.o, pg_catalog.dense_rank() OVER (ORDER BY " + value + using + ") AS n FROM pg_catalog.unnest(",
			") WITH ORDINALITY AS u(v, o)) AS r)",
		}
	}
	order.Call = expr.NewRemote(sql, []expr.Expr{&expr.Col{Index: 0, Name: "values", T: array}}, true, values.ArrayOf(values.Int8Type))
	order.Call.Passing = true
	return order
}

// labelled adds to a relation the labels of those of its columns from the given one
// on that Go cannot tell apart, and says which columns tell rows apart; nil if all
// do.
func (t *translator) labelled(n *pgtree.Node, construct string, in algebra.Node, from int) (out algebra.Node, key []int) {
	cols := in.Cols()
	p := pick(in, algebra.FirstN(len(cols)))
	key = algebra.FirstN(len(cols))
	for i := from; i < len(cols); i++ {
		if by := t.sameness(n, construct, p.Exprs[i]); expr.IsLabel(by) {
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
		if distinct && !values.Equatable(c.args[arg].Type()) {
			key[arg], apart = k.Col, key
		}
	}
	return args, sort, apart, true
}

// toldApart adds to arguments of DISTINCT the labels of those that Go cannot tell
// apart, and says which do (nil: all); false if only Postgres can.
func (t *translator) toldApart(args []expr.Expr) (all []expr.Expr, by []int, ok bool) {
	all, key := slices.Clone(args), algebra.FirstN(len(args))
	for i, a := range args {
		if values.Equatable(a.Type()) {
			continue
		}
		order := t.usualOrder(a.Type(), values.Equatable)
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
