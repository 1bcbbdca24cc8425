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
	order := t.order(op, name, e.Type())
	if order == nil {
		return nil, false
	}
	return expr.NewLabel(e, order), builtin && op.Name == ">"
}

// order is that of an operator over a type; nil if values cannot be sent to be
// sorted, or sorting them is not a function of them.
func (t *translator) order(op *catalog.Operator, name string, ty *values.Type) *expr.Order {
	if ty.Kind == values.KindRecord || ty.Anonymous() || ty.TextInArrays() && !values.Printable(ty) {
		return nil
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
	case ty.TextInArrays():
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

// ranked gives the sort keys of an aggregate that Go computes, and its arguments
// with the labels to sort by; false if there is a key that only Postgres can sort
// by.
func (t *translator) ranked(c *aggregateCall, distinct bool) (args []expr.Expr, sort []algebra.SortKey, ok bool) {
	args = slices.Clone(c.args)
	sort = slices.Clone(c.sort)
	for i := range sort {
		k := &sort[i]
		by, desc := t.sortable(c.ops[i], c.args[k.Col])
		if by == nil || distinct && !values.Equatable(c.args[k.Col].Type()) {
			return nil, nil, false
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
	}
	return args, sort, true
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
	return &agg.Aggregate{
		SkipNull: true,
		OrderKey: keys,
		Fold: func(e agg.Entries) values.Datum {
			if !e.First() {
				return values.Null
			}
			return e.Args()[0]
		},
	}, label
}
