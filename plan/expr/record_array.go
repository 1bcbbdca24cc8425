package expr

import (
	"fmt"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// elementParts takes an array of records without a type of their own apart, as Parts does
// one record: into an array for each part of an element, which the server puts together
// again. Arrays and what has no binary form, of which there are no arrays, travel as text.
func elementParts(array Expr) (sql []string, args []Expr) {
	elem := &Col{Name: "element", T: array.Type().Elem}
	pieces, parts := Parts(elem)
	if len(parts) == 0 { // ROW()
		pieces = []string{"CASE WHEN ", " THEN " + pieces[0] + " END"}
		parts = []Expr{&NullTest{Arg: elem, Not: true, T: values.BoolType}}
	}
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
	sql[1] = " THEN NULL ELSE (WITH e AS (SELECT " + row + " AS r, u.o FROM ROWS FROM (" + sql[1]
	sql = append(sql, ")) WITH ORDINALITY AS u("+names+"o)), s AS (SELECT ", " AS d, ", " AS l) SELECT "+inShape()+" FROM s) END")
	return sql, append(args, lengths(array), lower(array))
}

// inShape writes an array of the elements e.r, in the order of e.o, whose dimensions have
// the lengths s.d, of which there are six at most; one dimension begins at s.l. An
// aggregate of arrays is an array of a dimension more.
func inShape() string {
	const dimensions = 6
	var b strings.Builder
	b.WriteString("CASE pg_catalog.cardinality(s.d) WHEN 0 THEN '{}'::pg_catalog.record[] WHEN 1 THEN CASE s.l WHEN 1" +
		" THEN (SELECT pg_catalog.array_agg(e.r ORDER BY e.o) FROM e)" +
		" ELSE pg_catalog.array_cat(pg_catalog.array_fill((SELECT e.r FROM e WHERE e.o = 1), ARRAY[1], ARRAY[s.l])," +
		" (SELECT pg_catalog.array_agg(e.r ORDER BY e.o) FROM e WHERE e.o > 1)) END")
	for n := 2; n <= dimensions; n++ {
		from := "SELECT e.r AS a, e.o - 1 AS k FROM e"
		for d := n; d > 1; d-- {
			from = fmt.Sprintf("SELECT pg_catalog.array_agg(x.a ORDER BY x.k) AS a, x.k / s.d[%d] AS k FROM (%s) AS x GROUP BY x.k / s.d[%d]", d, from, d)
		}
		fmt.Fprintf(&b, " WHEN %d THEN (SELECT pg_catalog.array_agg(x.a ORDER BY x.k) FROM (%s) AS x)", n, from)
	}
	b.WriteString(" END")
	return b.String()
}

// lengths are those of an array's dimensions, as an array.
func lengths(array Expr) Expr {
	to := values.ArrayOf(values.Int4Type)
	return &Native{
		Name: "lengths", Args: []Expr{array}, T: to,
		Func: &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum {
			a, err := values.ReadArray(v)
			if err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			dims := a.Dims()
			lens := make([]values.Datum, len(dims))
			for i, d := range dims {
				if lens[i] = values.Int(int64(d.Len)); len(dims) > 1 && d.Lower != 1 {
					return values.Errorf("0A000", "an array of records of several dimensions with bounds of its own cannot be sent to Postgres")
				}
			}
			out, err := values.MakeArray(to, lens)
			if err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			return out
		}},
	}
}

// lower is the first subscript of an array's first dimension.
func lower(array Expr) Expr {
	return &Native{
		Name: "lower", Args: []Expr{array}, T: values.Int4Type,
		Func: &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum {
			a, err := values.ReadArray(v)
			if err != nil {
				return values.Errorf("XX000", "%v", err)
			}
			if dims := a.Dims(); len(dims) > 0 {
				return values.Int(int64(dims[0].Lower))
			}
			return values.Int(1)
		}},
	}
}

// each is the flat array of what an expression over an element is of each. If it is of
// another type, that is text, and it is the text of that.
func each(array Expr, e Expr, of *values.Type) Expr {
	from, to := array.Type(), values.ArrayOf(of)
	eval := Compile(e)
	var elems []values.Datum
	return &Native{
		Name: "each(" + String(e) + ":" + of.SQL + ")", Args: []Expr{array}, T: to,
		Func: &fn.Func{Strict: true, F1: func(v values.Datum) values.Datum {
			var err error
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
