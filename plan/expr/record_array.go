package expr

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// elementParts takes an array of records without a type of their own apart, as Parts does
// one record: into an array for each part of an element, which the server puts together
// again. Arrays and what has no binary form, of which there are no arrays, travel as text.
func elementParts(array Expr) (sql []string, args []Expr) {
	elem := &Col{Name: "element", T: array.Type().Elem}
	pieces, parts := Parts(elem)
	row, unnest, names := pieces[0], "", ""
	sql = []string{"CASE WHEN "}
	args = []Expr{&NullTest{Arg: array, T: values.BoolType}}
	for i, part := range parts {
		name := fmt.Sprintf("p%d", i+1)
		column, of := "u."+name, part.Type()
		if of.TextInArrays() {
			column, of = "CAST("+column+" AS "+of.SQL+")", values.TextType
		}
		row += column + pieces[i+1]
		names += name + ", "
		if i > 0 {
			unnest = "), "
		}
		sql = append(sql, unnest+"pg_catalog.unnest(")
		args = append(args, each(array, part, of))
	}
	sql[1] = " THEN NULL ELSE COALESCE((SELECT pg_catalog.array_agg(" + row + " ORDER BY u.o) FROM ROWS FROM (" + sql[1]
	return append(sql, ")) WITH ORDINALITY AS u("+names+"o)), '{}'::pg_catalog.record[]) END"), args
}

// each is the array of what an expression over an element is of each. If it is of another
// type, that is text, and it is the text of that.
func each(array Expr, e Expr, of *values.Type) Expr {
	from, to := array.Type(), values.ArrayOf(of)
	eval := Compile(e)
	var elems []values.Datum
	return &Native{
		Name: "each(" + String(e) + ":" + of.SQL + ")", Args: []Expr{array}, T: to,
		Func: &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum {
			a, err := values.ReadArray(v)
			if err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			if dims := a.Dims(); len(dims) > 1 || len(dims) == 1 && dims[0].Lower != 1 {
				return values.Errorf("0A000", "an array of records with bounds of its own cannot be sent to Postgres")
			}
			if elems, err = values.Elements(elems[:0], from, v); err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			for i := range elems {
				part := eval(elems[i : i+1])
				if e.Type().TextInArrays() && !part.IsNull() && !part.IsErr() {
					text, err := values.AppendText(nil, e.Type(), part)
					if err != nil {
						return values.Errorf("XX000", "%v", err)
					}
					part = values.String(string(text))
				}
				elems[i] = part
			}
			out, err := values.MakeArray(to, elems)
			if err != nil {
				return values.Errorf("54000", "%v", err)
			}
			return out
		}},
	}
}
