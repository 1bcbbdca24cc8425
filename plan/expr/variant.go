package expr

import (
	"strconv"

	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// AsVariant brings records, or arrays of them, to a type that has theirs among its
// variants (values.VariantOf). What is none of the variants stays as it is, and so does all
// if the type has none.
func AsVariant(e Expr, to *values.Type) Expr {
	if !to.Variant {
		return e
	}
	return asVariant(e, to)
}

// asVariant is AsVariant for a type with variants, or an array of such.
func asVariant(e Expr, to *values.Type) Expr {
	from := e.Type()
	if !from.Anonymous() {
		if c, ok := e.(*Const); ok && c.V.IsNull() {
			return &Const{T: to}
		}
		return e
	}
	if from.Kind == values.KindArray {
		if to.Kind != values.KindArray {
			to = values.ArrayOf(to)
		}
		if values.SameShape(from, to) {
			return e
		}
		return elementwise("variants", e, to, asVariant(&Col{Name: "element", T: from.Elem}, to.Elem))
	}
	if to.Kind == values.KindArray {
		to = to.Elem
	}
	if !to.Variant || values.SameShape(from, to) {
		return e
	}
	if c, ok := e.(*Const); ok && c.V.IsNull() {
		return &Const{T: to}
	}
	parts, out := []Expr{e}, &Case{Else: &Const{T: to}, T: to}
	if from.Variant {
		parts = FieldsOf(e)[1:]
	}
	for i, part := range parts {
		for k, v := range to.Variants() {
			if !values.SameShape(part.Type(), v) {
				continue
			}
			row := variant(to, k, part)
			if _, present := e.(*Row); present && !from.Variant {
				return row
			}
			is := Expr(&NullTest{Arg: e, Not: true, T: values.BoolType})
			if from.Variant {
				is = isVariant(e, i)
			}
			out.Whens = append(out.Whens, is, row)
			break
		}
	}
	return out
}

// variant is a value of a type with variants.
func variant(t *values.Type, which int, e Expr) *Row {
	row := &Row{T: t}
	for i, f := range t.Fields {
		switch i {
		case 0:
			row.Fields = append(row.Fields, &Const{V: values.Int(int64(which)), T: f.Type})
		case 1 + which:
			row.Fields = append(row.Fields, e)
		default:
			row.Fields = append(row.Fields, &Const{T: f.Type})
		}
	}
	return row
}

// isVariant is the condition that a value is of the given variant; NULL of a NULL.
func isVariant(e Expr, which int) Expr {
	want := int64(which)
	return &Native{
		Name: "variant_is_" + strconv.Itoa(which), Total: true, Args: []Expr{FieldsOf(e)[0]}, T: values.BoolType,
		Func: &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum { return values.Bool(v.Int64() == want) }},
	}
}

// ByVariant computes something of a record, whatever variant it is; of NULL it is
// otherwise.
func ByVariant(e Expr, t *values.Type, otherwise Expr, of func(record Expr) Expr) Expr {
	if !e.Type().Variant {
		return of(e)
	}
	out := &Case{Else: otherwise, T: t}
	for i, record := range FieldsOf(e)[1:] {
		out.Whens = append(out.Whens, isVariant(e, i), of(record))
	}
	return out
}

// variantParts takes a record of one of several types apart, as Parts does one.
func variantParts(e Expr) (sql []string, args []Expr) {
	fields := FieldsOf(e)
	sql, args = []string{"CASE ", ""}, fields[:1]
	for i, record := range fields[1:] {
		inner, more := Parts(record)
		sql[len(sql)-1] += " WHEN " + strconv.Itoa(i) + " THEN " + inner[0]
		sql, args = append(sql, inner[1:]...), append(args[:len(args):len(args)], more...)
	}
	sql[len(sql)-1] += " END"
	return sql, args
}

// elementwise is an array of what an expression over an element is of each.
func elementwise(name string, array Expr, to *values.Type, of Expr) Expr {
	from, eval := array.Type(), Compile(of)
	var elems []values.Datum
	return &Native{
		Name: name + "(" + String(of) + ")", Args: []Expr{array}, T: to, Total: Total(of),
		Func: &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum {
			a, err := values.ReadArray(v)
			if err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			if elems, err = values.Elements(elems[:0], from, v); err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			for i := range elems {
				elems[i] = eval(elems[i : i+1])
			}
			out, err := values.MakeArrayDims(to, a.Dims(), elems)
			if err != nil {
				return values.Errorf("54000", "%v", err)
			}
			return out
		}},
	}
}
