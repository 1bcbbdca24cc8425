package expr

import (
	"slices"
	"strconv"
	"strings"

	"github.com/stepping-cdc/stepping-cdc/values"
)

// Row makes a composite value of its fields: ROW(…). Its type has a field for
// each; values.RecordOf is the one of a record without a type of its own. A path
// of rows, as SEARCH and CYCLE keep it, is ArrayOf over Rows of type
// values.ArrayOf(record), and grows by array_append; whether a Row is on it is an
// AnyAll with the equality of records.
type Row struct {
	Fields []Expr
	T      *values.Type
}

// RowOf makes a record of fields under their names; f1, f2 … if there are none.
func RowOf(names []string, args []Expr) *Row {
	fields := make([]values.Field, len(args))
	for i, a := range args {
		fields[i] = values.Field{Name: "f" + strconv.Itoa(i+1), Type: a.Type()}
		if i < len(names) {
			fields[i].Name = names[i]
		}
	}
	return &Row{Fields: args, T: values.RecordOf(fields)}
}

// FieldOf is one field of a composite value, by its index among the fields that
// the type has; NULL of a NULL.
type FieldOf struct {
	Arg   Expr
	Index int
	T     *values.Type
}

// Type is the type of the value; so for the others.
func (e *Row) Type() *values.Type     { return e.T }
func (e *FieldOf) Type() *values.Type { return e.T }

// Children are the parts; With puts others in their place.
func (e *Row) Children() []Expr       { return e.Fields }
func (e *Row) With(c []Expr) Expr     { return &Row{Fields: c, T: e.T} }
func (e *FieldOf) Children() []Expr   { return []Expr{e.Arg} }
func (e *FieldOf) With(c []Expr) Expr { return &FieldOf{Arg: c[0], Index: e.Index, T: e.T} }

// head names the fields as well: JSON shows them.
func (e *Row) head() string {
	if !e.T.Anonymous() {
		return "ROW::" + e.T.SQL
	}
	names := make([]string, len(e.T.Fields))
	for i, f := range e.T.Fields {
		names[i] = f.Name
	}
	return "ROW[" + strings.Join(names, ",") + "]"
}

func (e *FieldOf) head() string { return "FIELD[" + strconv.Itoa(e.Index+1) + "]" }

func compileRow(e *Row) Eval {
	fields := compileAll(e.Fields)
	vals := make([]values.Datum, len(fields))
	return func(row []values.Datum) values.Datum {
		for i, f := range fields {
			vals[i] = f(row)
		}
		return values.MakeRecord(vals)
	}
}

func compileField(e *FieldOf) Eval {
	arg, i := Compile(e.Arg), e.Index
	var fields []values.Datum
	return func(row []values.Datum) values.Datum {
		v := arg(row)
		if v.IsNull() || v.IsErr() {
			return v
		}
		var err error
		if fields, err = values.Fields(fields[:0], v); err != nil || i >= len(fields) {
			return values.Errorf("XX000", "field %d of a damaged record: %v", i+1, err)
		}
		return fields[i]
	}
}

// FieldsOf are expressions for all fields of a composite value.
func FieldsOf(e Expr) []Expr {
	if r, ok := e.(*Row); ok {
		return r.Fields
	}
	fields := make([]Expr, len(e.Type().Fields))
	for i, f := range e.Type().Fields {
		fields[i] = &FieldOf{Arg: e, Index: i, T: f.Type}
	}
	return fields
}

// Parts takes a composite value apart: unnest spreads an array of such values over
// columns, and of a record without a type of its own no server has an input
// function. It is built in the server of its fields, a record under their names.
// sql has a piece before each argument and one after the last. Any other
// expression is its only part.
func Parts(e Expr) (sql []string, args []Expr) {
	t := e.Type()
	switch {
	case t.Kind == values.KindArray && t.Anonymous():
		return elementParts(e)
	case t.RecordOfNone():
		return []string{"NULL::" + t.SQL}, nil
	case t.Call != nil:
		return pendingParts(e)
	case t.Kind != values.KindRecord:
		return []string{"", ""}, []Expr{e}
	case t.Variant:
		return variantParts(e)
	}
	if c, ok := e.(*Const); ok && c.V.IsNull() && !t.Anonymous() {
		return []string{"NULL::" + t.SQL}, nil // a row of NULLs that is a constant would be made, and its domains may forbid that
	}
	begin, end, after := rowAround(t)
	sql = []string{begin}
	if _, present := e.(*Row); !present {
		sql = []string{"CASE WHEN ", " THEN NULL ELSE " + begin}
		args = []Expr{&NullTest{Arg: e, T: values.BoolType}}
		end += " END"
	}
	for i, f := range FieldsOf(e) {
		inner, more := Parts(f)
		sql[len(sql)-1] += inner[0]
		sql, args = append(sql, inner[1:]...), append(args, more...)
		sql[len(sql)-1] += after(i)
	}
	sql[len(sql)-1] += end
	return sql, args
}

// rowAround is the SQL of a composite value around its fields: before them, after them, and after each.
func rowAround(t *values.Type) (begin, end string, after func(i int) string) {
	names := t.Anonymous() && named(t)
	begin, end = "ROW(", ")::"+t.SQL
	switch {
	case names:
		alias := "r"
		for slices.ContainsFunc(t.Fields, func(f values.Field) bool { return f.Name == alias }) {
			alias += "_" // a column of the name would hide the row
		}
		begin, end = "(SELECT "+alias+" FROM (SELECT ", ") AS "+alias+")"
	case t.Anonymous():
		end = ")" // a column of a SELECT would not stay of type unknown
	}
	return begin, end, func(i int) (s string) {
		if t.Anonymous() { // of a column of unnest it is lost
			s = collate(t.Fields[i].Type)
		}
		if names {
			s += ` AS "` + strings.ReplaceAll(t.Fields[i].Name, `"`, `""`) + `"`
		}
		if i < len(t.Fields)-1 {
			s += ", "
		}
		return s
	}
}

// collate is the clause that gives a value the collation of its type.
func collate(t *values.Type) string {
	if t.Collate == "" {
		return ""
	}
	return " COLLATE " + t.Collate
}

// named says whether fields have other names than those in ROW(…).
func named(t *values.Type) bool {
	for i, f := range t.Fields {
		if f.Name != "f"+strconv.Itoa(i+1) {
			return true
		}
	}
	return false
}
