package ordering

import (
	"bytes"
	"context"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// Two columns whose order or equality only Postgres knows are compared by their
// labels: each value is placed once, where Postgres would be asked about each pair of
// values. Equal labels can be the keys of a join. A comparison with a constant is
// asked about: there are no more pairs than values.

// Compare is a comparison by labels; nil where the operator is not one of the
// usual order of both sides, or one of them is constant.
func Compare(ctx context.Context, cat *catalog.Catalog, op *catalog.Operator, args []expr.Expr, coll uint32) (expr.Expr, error) {
	if len(args) != 2 || !readsColumns(args[0]) || !readsColumns(args[1]) {
		return nil, nil
	}
	cmp, err := cat.Comparison(ctx, op, args[0].Type())
	if cmp == "" || err != nil {
		return nil, err
	}
	known := values.Comparable
	if cmp == "=" || cmp == "<>" {
		known = values.Equatable
	}
	var orders [2]*expr.Order
	for i, a := range args {
		ty := a.Type()
		if ty.Collation != coll && ty.Kind != values.KindRecord && !ty.Anonymous() {
			if ty, err = cat.Type(ctx, ty.OID, ty.Typmod, coll); err != nil {
				return nil, err
			}
		}
		if orders[i], err = Usual(ctx, cat, ty, known); orders[i] == nil || err != nil {
			return nil, err
		}
	}
	a, b := expr.NewLabel(args[0], orders[0]), expr.NewLabel(args[1], orders[1])
	if orders[0].String() != orders[1].String() || !sameLabels(a.T, b.T) {
		return nil, nil
	}
	return &expr.Native{
		Name: compareNames[cmp] + "(label,label)", Func: compareLabels(cmp, a.T), Total: true, Equal: cmp == "=", Cmp: cmp,
		Args: []expr.Expr{a, b}, T: values.BoolType,
	}, nil
}

func readsColumns(e expr.Expr) bool {
	read := map[int]bool{}
	expr.Columns(e, read)
	return len(read) > 0
}

// sameLabels says whether labels of two types compare as keys.
func sameLabels(a, b *values.Type) bool {
	switch {
	case a == expr.LabelType || b == expr.LabelType:
		return a == b
	case a.Kind != b.Kind:
		return false
	case a.Kind == values.KindArray:
		return sameLabels(a.Elem, b.Elem)
	case a.Kind == values.KindRecord:
		if len(a.Fields) != len(b.Fields) {
			return false
		}
		for i, f := range a.Fields {
			if !sameLabels(f.Type, b.Fields[i].Type) {
				return false
			}
		}
		return true
	}
	return fn.SameKey(a, b) && a.BaseOID == b.BaseOID
}

var compareNames = map[string]string{"<": "label_lt", "<=": "label_le", "=": "label_eq", "<>": "label_ne", ">=": "label_ge", ">": "label_gt"}

// compareLabels compares values of a type as their keys compare.
func compareLabels(cmp string, of *values.Type) *fn.Func {
	test := map[string]func(int) bool{
		"<": func(c int) bool { return c < 0 }, "<=": func(c int) bool { return c <= 0 }, "=": func(c int) bool { return c == 0 },
		"<>": func(c int) bool { return c != 0 }, ">=": func(c int) bool { return c >= 0 }, ">": func(c int) bool { return c > 0 },
	}[cmp]
	return &fn.Func{Strict: true, F2: func(v, w values.Datum) values.Datum {
		var left, right [64]byte
		x, y := values.AppendKey(left[:0], of, v), values.AppendKey(right[:0], of, w)
		return values.Bool(test(bytes.Compare(x, y)))
	}}
}
