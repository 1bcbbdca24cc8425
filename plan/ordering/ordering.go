// Package ordering says by what rows are sorted, told apart and compared where Go does not know
// an order: text, under most collations; ranges, addresses and whatever else has a btree operator
// class. In place of a value stands its label: bytes that the circuit's dictionary of that order
// gives to each value (circuit.Ranking), for which it asks Postgres.
//
// It knows operators, collations and types of the catalogue, and how Postgres is asked to
// sort. It must not know queries, nor what is refused of them.
package ordering

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Sortable gives what to sort by in place of sorting an expression by an operator,
// and in which direction; nil if there is no such thing.
func Sortable(ctx context.Context, cat *catalog.Catalog, op *catalog.Operator, e expr.Expr) (by expr.Expr, desc bool, err error) {
	if e.Type().MixesVariants() {
		return nil, false, nil
	}
	builtin := op.Schema == "pg_catalog" && (op.Name == "<" || op.Name == ">")
	if builtin && values.Comparable(e.Type()) {
		return e, op.Name == ">", nil
	}
	name := op.Name
	if builtin { // both directions share a dictionary
		name = "<"
	}
	order, err := of(ctx, cat, op, name, e.Type(), values.Comparable)
	if order == nil || err != nil {
		return nil, false, err
	}
	return expr.NewLabel(e, order), builtin && op.Name == ">", nil
}

// Usual is the order of a type by its default operator class; nil if it has
// none, or values cannot be sent to be sorted. Where known says of a part of the type that Go can
// tell what has to be told, it does.
func Usual(ctx context.Context, cat *catalog.Catalog, ty *values.Type, known func(*values.Type) bool) (*expr.Order, error) {
	if ty.MixesVariants() {
		return nil, nil
	}
	return usual(ctx, cat, ty, known)
}

// OfRows is Usual of rows of several types, of those of one type each: who compares two of others looks after
// that himself.
func OfRows(ctx context.Context, cat *catalog.Catalog, ty *values.Type, known func(*values.Type) bool) (*expr.Order, error) {
	return usual(ctx, cat, ty, known)
}

func usual(ctx context.Context, cat *catalog.Catalog, ty *values.Type, known func(*values.Type) bool) (*expr.Order, error) {
	if composed(ty) && !ty.OwnOrder {
		return ofParts(ctx, cat, ty, known)
	}
	op, err := cat.Less(ctx, ty)
	if op == nil || err != nil {
		return nil, err
	}
	return of(ctx, cat, op, op.Name, ty, known)
}

// composed says whether Postgres' own order of a type is that of the parts of its values.
func composed(ty *values.Type) bool {
	return ty.Kind == values.KindArray || ty.Kind == values.KindRecord
}

// ofParts is the order of arrays by their elements, and of records by their
// fields.
func ofParts(ctx context.Context, cat *catalog.Catalog, ty *values.Type, known func(*values.Type) bool) (*expr.Order, error) {
	order := &expr.Order{Name: "type " + ty.SQL}
	var err error
	if ty.Kind == values.KindArray {
		if ty.Elem == nil {
			return nil, nil
		}
		if order.Elem, err = usual(ctx, cat, ty.Elem, known); order.Elem == nil || err != nil {
			return nil, err
		}
		order.Name = order.Elem.Name
		return order, nil
	}
	order.Fields = make([]*expr.Order, len(ty.Fields))
	for i, f := range ty.Fields {
		if known(f.Type) {
			continue
		}
		if order.Fields[i], err = usual(ctx, cat, f.Type, known); order.Fields[i] == nil || err != nil {
			return nil, err
		}
	}
	return order, nil
}

// of is the order of an operator over a type; nil if values cannot be sent to be
// sorted, or sorting them is not a function of them.
func of(ctx context.Context, cat *catalog.Catalog, op *catalog.Operator, name string, ty *values.Type, known func(*values.Type) bool) (*expr.Order, error) {
	if composed(ty) && op.Schema == "pg_catalog" {
		if name != "<" {
			return nil, nil // of images: *<
		}
		return ofParts(ctx, cat, ty, known)
	}
	if ty.Anonymous() || ty.TextInArrays() && !values.Printable(ty) {
		return nil, nil
	}
	var err error
	if ty.Kind != values.KindText { // columns of the type and of domains over it share a dictionary
		if ty, err = cat.Type(ctx, ty.BaseOID, -1, ty.Collation); err != nil {
			return nil, err
		}
	}
	proc, err := cat.Proc(ctx, op.Func)
	if err != nil || proc.Volatility != "i" {
		return nil, err
	}
	sent, value, columns := ty, "u.v", "v"
	switch {
	case ty.TextInArrays():
		sent, value = values.TextType, "CAST(u.v AS "+ty.SQL+")"
	case ty.Kind == values.KindRecord: // which unnest takes apart
		value, columns = remade(ty)
	case ty.Kind == values.KindText: // domains and lengths make no difference
		sent = values.TextType
	}
	collate, err := cat.Collate(ctx, ty, ty.Collation)
	if err != nil {
		return nil, err
	}
	value += collate
	order := &expr.Order{Name: "type " + ty.SQL}
	oid := ty.Collation
	if ty.Kind == values.KindJSONB { // its strings
		oid = catalog.DefaultCollation
	}
	if oid != 0 {
		coll, err := cat.Collation(ctx, oid)
		if err != nil {
			return nil, err
		}
		order.Name, order.Version = "collation "+pgx.Identifier{coll.Name}.Sanitize(), coll.Version
	}
	using := " USING OPERATOR(" + pgx.Identifier{op.Schema}.Sanitize() + "." + name + ")"
	array := values.ArrayOf(sent)
	// What an operator that somebody has made finds equal, nobody knows.
	order.Total = op.Schema == "pg_catalog" && values.IdentityIsEquality(ty)
	sql := []string{"(SELECT pg_catalog.array_agg(u.o ORDER BY " + value + using + ") FROM pg_catalog.unnest(", ") WITH ORDINALITY AS u(" + columns + ", o))"}
	if !order.Total {
		sql = []string{
			"(SELECT pg_catalog.array_agg(r.n ORDER BY r.o) FROM (SELECT u.o, pg_catalog.dense_rank() OVER (ORDER BY " + value + using + ") AS n FROM pg_catalog.unnest(",
			") WITH ORDINALITY AS u(" + columns + ", o)) AS r)",
		}
	}
	order.Call = expr.NewRemote(sql, []expr.Expr{&expr.Col{Index: 0, Name: "values", T: array}}, true, values.ArrayOf(values.Int8Type))
	order.Call.Passing = true
	return order, nil
}

// remade is a composite value made again of the columns that unnest makes of it, and these.
func remade(ty *values.Type) (value, columns string) {
	names, parts := make([]string, len(ty.Fields)), make([]string, len(ty.Fields))
	for i := range ty.Fields {
		names[i] = fmt.Sprintf("v%d", i+1)
		parts[i] = "u." + names[i]
	}
	return "ROW(" + strings.Join(parts, ", ") + ")::" + ty.SQL, strings.Join(names, ", ")
}
