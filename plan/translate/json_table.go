package translate

import (
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// JSON_TABLE is written out again for Postgres to evaluate
// (postgresql.org/docs/current/functions-json.html#FUNCTIONS-SQLJSON-TABLE). A column with a DEFAULT that is not the
// same at all times is a call of JSON_VALUE or JSON_QUERY over the item that its row is made of: Postgres is asked for
// that item in its stead.

// jsonRows is the rows of a JSON_TABLE.
type jsonRows struct {
	row *values.Type
	// moving is the columns whose defaults are not the same at all times, as expressions over the items (itemColumn).
	moving map[int]expr.Expr
}

// itemColumn is the column that an item is in, until it is known.
const itemColumn = -1

// asked is the type of the rows that Postgres gives.
func (r *jsonRows) asked() *values.Type {
	if len(r.moving) == 0 {
		return r.row
	}
	fields := slices.Clone(r.row.Fields)
	for i := range r.moving {
		fields[i].Type = values.JSONBType
	}
	return values.RecordOf(fields)
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

// jsonColumn writes the type of a column of a JSON_TABLE and how it is found.
func (t *translator) jsonColumn(e *pgtree.Node, column int, rows *jsonRows, call *sqlCall, s *scope) bool {
	ty := rows.row.Fields[column].Type
	options, defaults := &sqlCall{}, t.defaultsOf(ty)
	options.text("")
	if !t.jsonOptions(e, options, s, defaults) {
		return false
	}
	if len(defaults.moving) > 0 {
		call.text(" pg_catalog.jsonb PATH '$'")
		item := &expr.Col{Index: itemColumn, T: values.JSONBType}
		value := t.jsonOver(e, item, ty, s)
		if value == nil {
			return false
		}
		// Where a row has no item, as that of a path around a NESTED one, all its columns are NULL.
		none := &expr.NullTest{Arg: item, T: t.typ(boolOID, -1, 0)}
		rows.moving[column] = &expr.Case{Whens: []expr.Expr{none, &expr.Const{T: ty}}, Else: value, T: ty}
		return true
	}
	call.text(" " + ty.SQL)
	switch e.Int("op") {
	case jsonExists:
		call.text(" EXISTS")
	case jsonQuery:
		if f := ty.Kind; f == values.KindText || f == values.KindBPChar || f == values.KindName {
			call.text(" FORMAT JSON")
		}
	}
	call.text(" PATH ")
	if !t.jsonLiteral(e.Node("path_spec"), call, s) {
		return false
	}
	call.call(options)
	return true
}

// jsonInstead computes the columns of a JSON_TABLE that Postgres gives the items of.
func (t *translator) jsonInstead(rows *jsonRows, in algebra.Node, names []string) algebra.Node {
	cols := in.Cols()
	before := len(cols) - len(rows.row.Fields)
	if before < 0 {
		return in // refused
	}
	p := algebra.Pick(in, algebra.FirstN(before))
	for i, f := range rows.row.Fields {
		at := algebra.Refs(cols, []int{before + i})[0]
		if e := rows.moving[i]; e != nil {
			at = expr.Map(e, func(e expr.Expr) expr.Expr {
				if c, ok := e.(*expr.Col); ok && c.Index == itemColumn {
					return at
				}
				return e
			})
		}
		name := f.Name
		if i < len(names) {
			name = names[i]
		}
		p.Exprs, p.Names = append(p.Exprs, at), append(p.Names, name)
	}
	return p
}
