package translate

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// JSON_TABLE is written out again for Postgres to evaluate
// (postgresql.org/docs/current/functions-json.html#FUNCTIONS-SQLJSON-TABLE). A DEFAULT that is not the
// same at all times is put into its rows here: for each column that has one, there is another one in what
// Postgres is asked, right behind it, that says what there was to find.

// jsonRows is the rows of a JSON_TABLE.
type jsonRows struct {
	row *values.Type
	// moving is the columns whose defaults are not the same at all times.
	moving []movingColumn
}

// movingColumn is a column of a JSON_TABLE with defaults that are not the same at all times.
type movingColumn struct {
	column, kind int
	defaults     map[string]expr.Expr
}

// wide is the type of the rows that Postgres gives.
func (r *jsonRows) wide() *values.Type {
	if len(r.moving) == 0 {
		return r.row
	}
	var fields []values.Field
	rest := r.moving
	for i, f := range r.row.Fields {
		fields = append(fields, f)
		if len(rest) > 0 && rest[0].column == i {
			fields, rest = append(fields, values.Field{Name: r.foundName(i), Type: values.TextType}), rest[1:]
		}
	}
	return values.RecordOf(fields)
}

// foundName is the name of a column that says what there was to find for another one.
func (r *jsonRows) foundName(column int) string {
	name := fmt.Sprintf("found_%d", column)
	for i := 0; i < len(r.row.Fields); i++ {
		if r.row.Fields[i].Name == name {
			name, i = name+"_", -1
		}
	}
	return name
}

// jsonTable writes JSON_TABLE.
func (t *translator) jsonTable(n *pgtree.Node, rows *jsonRows, call *sqlCall, s *scope) bool {
	doc, plan := n.Node("docexpr"), n.Node("plan")
	call.text("JSON_TABLE(")
	call.arg(guardClock(t.expr(doc.Node("formatted_expr"), s), rows.row))
	call.text(", ")
	if !t.jsonTablePath(plan, call, s) {
		return false
	}
	t.jsonPassing(doc, call, s)
	if !t.jsonColumns(n, plan, rows, call, s) {
		return false
	}
	const onErrorError = 1
	if b := doc.Node("on_error"); b != nil && b.Int("btype") == onErrorError {
		call.text(" ERROR ON ERROR")
	}
	call.text(")")
	return true
}

// jsonTablePath writes the path of a JSON_TABLE, or of a part of it, and its name.
func (t *translator) jsonTablePath(scan *pgtree.Node, call *sqlCall, s *scope) bool {
	path := scan.Node("path")
	if !t.jsonLiteral(path.Node("value"), call, s) {
		return false
	}
	call.text(" AS " + pgx.Identifier{path.Str("name")}.Sanitize())
	return true
}

// jsonColumns writes the columns of a scan, and those of the scans within it.
func (t *translator) jsonColumns(n, scan *pgtree.Node, rows *jsonRows, call *sqlCall, s *scope) bool {
	exprs, _ := n.Get("colvalexprs").(pgtree.List)
	fields := rows.row.Fields
	call.text(" COLUMNS (")
	from, to := scan.Int("colMin"), scan.Int("colMax")
	written := 0
	for i := max(from, 0); from >= 0 && i <= to && i < len(fields); i++ {
		call.separate(written)
		written++
		call.text(pgx.Identifier{fields[i].Name}.Sanitize())
		e, ok := at(exprs, i).(*pgtree.Node)
		if !ok {
			call.text(" FOR ORDINALITY")
			continue
		}
		call.text(" " + fields[i].Type.SQL)
		if !t.jsonColumn(e, i, rows, call, s) {
			return false
		}
	}
	var nested func(plan *pgtree.Node) bool
	nested = func(plan *pgtree.Node) bool {
		if plan.Tag == "JSONTABLESIBLINGJOIN" {
			return nested(plan.Node("lplan")) && nested(plan.Node("rplan"))
		}
		call.separate(written)
		written++
		call.text("NESTED PATH ")
		return t.jsonTablePath(plan, call, s) && t.jsonColumns(n, plan, rows, call, s)
	}
	if child := scan.Node("child"); child != nil && !nested(child) {
		return false
	}
	call.text(")")
	return true
}

// jsonColumn writes how a column of a JSON_TABLE is found, and, with defaults that are not the same at
// all times, another one of what there was to find: NULL in rows that have not been looked for it.
func (t *translator) jsonColumn(e *pgtree.Node, column int, rows *jsonRows, call *sqlCall, s *scope) bool {
	ty, kind := rows.row.Fields[column].Type, e.Int("op")
	switch kind {
	case jsonExists:
		call.text(" EXISTS")
	case jsonQuery:
		if f := ty.Kind; f == values.KindText || f == values.KindBPChar || f == values.KindName {
			call.text(" FORMAT JSON")
		}
	}
	call.text(" PATH ")
	defaults := t.defaultsOf(ty)
	if !t.jsonLiteral(e.Node("path_spec"), call, s) || !t.jsonOptions(e, call, s, defaults) {
		return false
	}
	if len(defaults) == 0 {
		return true
	}
	rows.moving = append(rows.moving, movingColumn{column, kind, defaults})
	call.text(", " + rows.foundName(column) + " text FORMAT JSON PATH ")
	ok := t.jsonLiteral(e.Node("path_spec"), call, s)
	call.text(findings)
	return ok
}

// jsonInstead puts the defaults that are not the same at all times into the rows of a JSON_TABLE.
func (t *translator) jsonInstead(rows *jsonRows, in algebra.Node, names []string) algebra.Node {
	cols := in.Cols()
	before := len(cols) - len(rows.row.Fields) - len(rows.moving)
	if before < 0 {
		return in // refused
	}
	p := algebra.Pick(in, algebra.FirstN(before))
	at, rest := before, rows.moving
	for i, f := range rows.row.Fields {
		var e expr.Expr = algebra.Refs(cols, []int{at})[0]
		if len(rest) > 0 && rest[0].column == i {
			at++
			e = instead(rest[0].kind, e, algebra.Refs(cols, []int{at})[0], rest[0].defaults, t.typ(boolOID, -1, 0))
			rest = rest[1:]
		}
		name := f.Name
		if i < len(names) {
			name = names[i]
		}
		p.Exprs, p.Names = append(p.Exprs, e), append(p.Names, name)
		at++
	}
	return p
}
