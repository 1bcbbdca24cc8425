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

// findings is how JSON_QUERY says what there is to find at a path: an array of it, [] for nothing, or that the path
// fails.
const findings = " WITH UNCONDITIONAL WRAPPER EMPTY ARRAY ON EMPTY DEFAULT 'error' ON ERROR"

// jsonBehaviors are what ON EMPTY and ON ERROR can say, by JsonBehaviorType.
var jsonBehaviors = []string{"NULL", "ERROR", "EMPTY", "TRUE", "FALSE", "UNKNOWN", "EMPTY ARRAY", "EMPTY OBJECT", "DEFAULT"}

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
			t.problem(b, CodeUnsupported, construct, construct+" is a constant to Postgres, and this one has not the same value at all times; NULL cannot stand in for it in a domain that does not have it",
				"write it without the domain, and cast the result")
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

// instead puts defaults that are not the same at all times in the places that a call of theirs left
// NULL. What there is to find, which is NULL if it is not looked for, says which are these: nothing at all, or what has no value of the type. That a
// null is one, in JSON_QUERY, and NULL in JSON_VALUE, is Postgres' way.
func instead(kind int, call, found expr.Expr, moving map[string]expr.Expr, boolean *values.Type) expr.Expr {
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

// defaultsOf is where the defaults go that are not the same at all times, for a result of a type; nil if it cannot
// have any: NULL, which takes the place of a default, is no value of some domains.
func (t *translator) defaultsOf(ty *values.Type) map[string]expr.Expr {
	if ty.OID != ty.BaseOID {
		_, pgErr, err := t.cat.Value(t.ctx, "(NULL::"+ty.SQL+") IS NULL", values.BoolType)
		if err != nil {
			t.fail(err)
		}
		if err != nil || pgErr != nil {
			return nil
		}
	}
	return map[string]expr.Expr{}
}

// jsonLeft is whether a call without a value has nothing to give one of, or what has none: "" if NULL is
// what it gives.
func jsonLeft(kind int, found values.Datum) string {
	switch {
	case found.IsNull() || kind == jsonValue && found.Str() == "[null]":
		return ""
	case found.Str() == "[]":
		return "EMPTY"
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
		// Of NULL, the result is NULL, or what there is ON ERROR if that is none of a domain's values.
		// Servers give what the row before gave rise to, if that was a value for EMPTY or ERROR; so they
		// are not asked.
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
	moving := t.defaultsOf(ty)
	if !t.jsonOptions(n, call, s, moving) {
		return nil
	}
	if call.text(")"); moving == nil {
		no := "'null'::pg_catalog.jsonb, '$'" // what JSON_VALUE makes of it is NULL
		if kind == jsonQuery {
			no = "'1'::pg_catalog.jsonb, 'strict $.a'" // an error as good as any
		}
		call.text(" ELSE " + names[kind] + "(" + no + " RETURNING " + ty.SQL)
		if !t.jsonOptions(n, call, s, nil) {
			return nil
		}
		call.text(")")
	}
	call.text(" END")
	if !t.settled(n, ty) || !t.understood(n, names[kind], call, ty) {
		return nil
	}
	value := expr.NewRemote(call.sql, call.args, false, ty)
	if len(moving) == 0 {
		return value
	}
	found := begin("JSON_QUERY")
	found.text(" RETURNING text" + findings + ") END")
	return instead(kind, value, expr.NewRemote(found.sql, found.args, false, t.typ(textOID, -1, 0)), moving, t.typ(boolOID, -1, 0))
}
