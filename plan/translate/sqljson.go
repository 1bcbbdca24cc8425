package translate

import (
	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/catalog"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
	"github.com/stepping-cdc/stepping-cdc/values/fn"
)

// The query functions of SQL/JSON (17 and later) are evaluated by Postgres:
// JSON_EXISTS, JSON_QUERY and JSON_VALUE, and JSON_TABLE, whose columns are such
// calls (postgresql.org/docs/current/functions-json.html#SQLJSON-QUERY-FUNCTIONS).

// The kinds of JSONEXPR (JsonExprOp of Postgres' primnodes.h).
const (
	jsonExists = iota
	jsonQuery
	jsonValue
)

const (
	boolOID = 16
	textOID = 25
)

// noDocument is what there is to find in NULL: no array.
const noDocument = ""

// jsonBehaviors are what ON EMPTY and ON ERROR can say, by JsonBehaviorType.
var jsonBehaviors = []string{"NULL", "ERROR", "EMPTY", "TRUE", "FALSE", "UNKNOWN", "EMPTY ARRAY", "EMPTY OBJECT", "DEFAULT"}

// jsonTable writes JSON_TABLE.
func (t *translator) jsonTable(n *pgtree.Node, row *values.Type, call *sqlCall, s *scope) bool {
	doc, plan := n.Node("docexpr"), n.Node("plan")
	call.text("JSON_TABLE(")
	call.arg(guardClock(t.expr(doc.Node("formatted_expr"), s), row))
	call.text(", ")
	if !t.jsonTablePath(plan, call, s) {
		return false
	}
	t.jsonPassing(doc, call, s)
	if !t.jsonColumns(n, plan, row, call, s) {
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

// jsonLiteral writes a path that has to be a literal.
func (t *translator) jsonLiteral(n *pgtree.Node, call *sqlCall, s *scope) bool {
	c, ok := t.expr(n, s).(*expr.Const)
	if !ok || c == placeholder || c.V.IsNull() {
		return false // refused
	}
	call.text(catalog.Quote(c.V.Str()[1:])) // behind the version
	return true
}

// jsonPassing writes the variables of a path.
func (t *translator) jsonPassing(n *pgtree.Node, call *sqlCall, s *scope) {
	names := n.Strings("passing_names")
	for i, e := range n.Nodes("passing_values") {
		if i == 0 {
			call.text(" PASSING ")
		}
		call.separate(i)
		call.arg(t.expr(e, s))
		call.text(" AS " + pgx.Identifier{names[i]}.Sanitize())
	}
}

// jsonColumns writes the columns of a scan, and those of the scans within it.
func (t *translator) jsonColumns(n, scan *pgtree.Node, row *values.Type, call *sqlCall, s *scope) bool {
	exprs, _ := n.Get("colvalexprs").(pgtree.List)
	call.text(" COLUMNS (")
	from, to := scan.Int("colMin"), scan.Int("colMax")
	written := 0
	for i := max(from, 0); from >= 0 && i <= to && i < len(row.Fields); i++ {
		call.separate(written)
		written++
		call.text(pgx.Identifier{row.Fields[i].Name}.Sanitize())
		e, ok := at(exprs, i).(*pgtree.Node)
		if !ok {
			call.text(" FOR ORDINALITY")
			continue
		}
		call.text(" " + row.Fields[i].Type.SQL)
		if !t.jsonColumn(e, row.Fields[i].Type, call, s) {
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
		return t.jsonTablePath(plan, call, s) && t.jsonColumns(n, plan, row, call, s)
	}
	if child := scan.Node("child"); child != nil && !nested(child) {
		return false
	}
	call.text(")")
	return true
}

// jsonColumn writes how a column of a JSON_TABLE is found.
func (t *translator) jsonColumn(e *pgtree.Node, ty *values.Type, call *sqlCall, s *scope) bool {
	switch e.Int("op") {
	case jsonExists:
		call.text(" EXISTS")
	case jsonQuery:
		if f := ty.Kind; f == values.KindText || f == values.KindBPChar || f == values.KindName {
			call.text(" FORMAT JSON")
		}
	}
	call.text(" PATH ")
	return t.jsonLiteral(e.Node("path_spec"), call, s) && t.jsonOptions(e, call, s, nil)
}

// jsonOptions writes how a result is wrapped, and what there is instead of one.
func (t *translator) jsonOptions(e *pgtree.Node, call *sqlCall, s *scope, moving map[string]expr.Expr) bool {
	const conditional, unconditional = 2, 3
	if e.Int("op") == jsonQuery {
		switch e.Int("wrapper") {
		case conditional:
			call.text(" WITH CONDITIONAL WRAPPER")
		case unconditional:
			call.text(" WITH UNCONDITIONAL WRAPPER")
		default:
			call.text(" WITHOUT WRAPPER")
			if e.Bool("omit_quotes") {
				call.text(" OMIT QUOTES")
			}
		}
	}
	return t.jsonBehavior(e.Node("on_empty"), "EMPTY", call, s, moving) && t.jsonBehavior(e.Node("on_error"), "ERROR", call, s, moving)
}

// jsonBehavior writes ON EMPTY or ON ERROR. The value of a DEFAULT has to be a
// constant there, so it is computed here. One that is not the same at all times goes into moving, if
// that is there, and NULL in its place.
func (t *translator) jsonBehavior(b *pgtree.Node, on string, call *sqlCall, s *scope, moving map[string]expr.Expr) bool {
	if b == nil {
		return true
	}
	kind := b.Int("btype")
	if kind < 0 || kind >= len(jsonBehaviors) {
		t.unknown(b)
		return false
	}
	behavior := jsonBehaviors[kind]
	if behavior == "DEFAULT" {
		e := t.expr(b.Node("expr"), s)
		sql, ok := t.jsonDefault(e)
		switch {
		case e == placeholder:
			return false // refused
		case ok:
			behavior += " " + sql
		case moving != nil:
			moving[on], behavior = e, "NULL"
		default:
			const construct = "DEFAULT of SQL/JSON"
			t.problem(b, CodeUnsupported, construct, construct+" is a constant to Postgres, and this one has not the same value at all times, or none",
				"write JSON_VALUE of a document, of a type that is neither a domain nor composite")
			return false
		}
	}
	call.text(" " + behavior + " ON " + on)
	return true
}

// jsonDefault is the value of a constant expression as SQL.
func (t *translator) jsonDefault(e expr.Expr) (sql string, ok bool) {
	if r, remote := e.(*expr.Remote); remote {
		if sql, ok = literal(r); !ok {
			return "", false
		}
		v, pgErr, err := t.cat.Value(t.ctx, sql, r.T)
		if err != nil {
			t.fail(err)
		}
		if err != nil || pgErr != nil {
			return "", false
		}
		e = &expr.Const{V: v, T: r.T}
	}
	return literal(e)
}

// jsonInstead puts defaults that are not the same at all times in the places that a call of theirs left
// NULL. What there is to find says which are these: nothing at all, or what has no value of the type. That a
// null is one, in JSON_QUERY, and NULL in JSON_VALUE, is Postgres' way.
func jsonInstead(kind int, call, found expr.Expr, moving map[string]expr.Expr, boolean *values.Type) expr.Expr {
	instead := &expr.Case{Else: call, T: call.Type()}
	for _, on := range []string{"EMPTY", "ERROR"} {
		e, ok := moving[on]
		if !ok {
			continue
		}
		left := &fn.Func{F2: func(call, found values.Datum) values.Datum {
			return values.Bool(call.IsNull() && on == jsonLeft(kind, found))
		}}
		instead.Whens = append(instead.Whens, &expr.Native{Func: left, Name: "json_left(" + on + ")", Args: []expr.Expr{call, found}, T: boolean}, e)
	}
	return instead
}

// jsonLeft is whether a call without a value has nothing to give one of, or what has none: "" if NULL is
// what it gives.
func jsonLeft(kind int, found values.Datum) string {
	if found.IsNull() {
		return "ERROR"
	}
	switch what := found.Str(); {
	case what == "[]":
		return "EMPTY"
	case what == noDocument || kind == jsonValue && what == "[null]":
		return ""
	}
	return "ERROR"
}

// jsonCall translates JSON_EXISTS, JSON_QUERY and JSON_VALUE.
func (t *translator) jsonCall(n *pgtree.Node, s *scope) expr.Expr {
	kind := n.Int("op")
	names := []string{"JSON_EXISTS", "JSON_QUERY", "JSON_VALUE"}
	if kind < 0 || kind >= len(names) {
		return t.unknown(n)
	}
	returning := n.Node("returning")
	ty := t.typ(returning.OID("typid"), int32(returning.Int("typmod")), n.OID("collation"))
	doc := guardClock(t.expr(n.Node("formatted_expr"), s), ty)
	begin := func(name string) *sqlCall {
		// Of NULL, the result is NULL. Servers give what the row before gave rise to, if
		// that was a value for EMPTY or ERROR; so they are not asked.
		call := &sqlCall{}
		call.text("CASE WHEN ")
		call.arg(doc)
		call.text(" IS NOT NULL THEN " + name + "(")
		call.arg(doc)
		call.text(", ")
		call.arg(t.expr(n.Node("path_spec"), s))
		t.jsonPassing(n, call, s)
		return call
	}
	call := begin(names[kind])
	if kind != jsonExists {
		call.text(" RETURNING " + ty.SQL)
	}
	moving := map[string]expr.Expr{}
	if ty.OID != ty.BaseOID || ty.Kind == values.KindRecord {
		moving = nil // NULL, which takes the place of a default, may be no value of a domain, and one of a row
	}
	if !t.jsonOptions(n, call, s, moving) {
		return nil
	}
	call.text(") END")
	if !t.settled(n, ty) || !t.understood(n, names[kind], call, ty) {
		return nil
	}
	value := expr.NewRemote(call.sql, call.args, false, ty)
	if len(moving) == 0 {
		return value
	}
	found := begin("JSON_QUERY")
	found.text(" RETURNING text WITH UNCONDITIONAL WRAPPER EMPTY ARRAY ON EMPTY NULL ON ERROR) ELSE '" + noDocument + "' END")
	return jsonInstead(kind, value, expr.NewRemote(found.sql, found.args, false, t.typ(textOID, -1, 0)), moving, t.typ(boolOID, -1, 0))
}
