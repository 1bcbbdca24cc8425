package translate

import (
	"strings"

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

// jsonDefaults are the defaults of a call that are not the same at all times.
type jsonDefaults struct {
	moving map[string]expr.Expr // by what they are ON
	// null says that NULL is a value of the type, and can take their place. It is none of some domains'.
	null bool
}

// defaultsOf is where the defaults go that are not the same at all times, for a result of a type.
func (t *translator) defaultsOf(ty *values.Type) *jsonDefaults {
	d := &jsonDefaults{moving: map[string]expr.Expr{}, null: true}
	if ty.OID != ty.BaseOID {
		_, pgErr, err := t.cat.Value(t.ctx, "(NULL::"+ty.SQL+") IS NULL", values.BoolType)
		if err != nil {
			t.fail(err)
		}
		d.null = err == nil && pgErr == nil
	}
	return d
}

// standIn is what Postgres is to do where there is a default that is not the same at all times. If it cannot say NULL,
// it raises an error that nothing else raises, and not before the default is wanted.
func (d *jsonDefaults) standIn() string {
	if d.null {
		return "NULL"
	}
	return "DEFAULT pg_catalog.current_setting(" + catalog.Quote(wantedDefault) + ")"
}

// wantedDefault is a setting that there is not.
const wantedDefault = "stepping_cdc.wanted_default"

// wantsDefault recognizes the error of a stand-in.
func wantsDefault(err *values.Error) bool {
	return err.SQLState == "42704" && strings.Contains(err.Message, wantedDefault)
}

// jsonOptions writes how a result is wrapped, and what there is instead of one.
func (t *translator) jsonOptions(e *pgtree.Node, call *sqlCall, s *scope, defaults *jsonDefaults) bool {
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
	return t.jsonBehavior(e.Node("on_empty"), "EMPTY", call, s, defaults) && t.jsonBehavior(e.Node("on_error"), "ERROR", call, s, defaults)
}

// jsonBehavior writes ON EMPTY or ON ERROR. The value of a DEFAULT has to be a
// constant there, so it is computed here. One that is not the same at all times goes into defaults,
// and something in its place.
func (t *translator) jsonBehavior(b *pgtree.Node, on string, call *sqlCall, s *scope, defaults *jsonDefaults) bool {
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
		default:
			defaults.moving[on], behavior = e, defaults.standIn()
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

// instead puts the defaults in the places that a call of theirs left NULL. What there is to find, which is NULL if it is
// not looked for, says which are these: nothing at all, or what has no value of the type. That a
// null is one, in JSON_QUERY, and NULL in JSON_VALUE, is Postgres' way.
func (d *jsonDefaults) instead(kind int, call, found expr.Expr, boolean *values.Type) expr.Expr {
	instead := &expr.Case{Else: call, T: call.Type()}
	for _, on := range []string{"EMPTY", "ERROR"} {
		e, ok := d.moving[on]
		if !ok || on == "ERROR" && !d.null {
			continue
		}
		left := &fn.Func{F2: func(call, found values.Datum) values.Datum {
			return values.Bool(call.IsNull() && on == jsonLeft(kind, found))
		}}
		instead.Whens = append(instead.Whens, &expr.Native{Func: left, Name: "json_left(" + on + ")", Args: []expr.Expr{call, found}, T: boolean}, e)
	}
	if e := d.moving["ERROR"]; e != nil && !d.null {
		return &expr.Rescue{Arg: instead, Else: e, From: wantsDefault}
	}
	return instead
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
	returning := n.Node("returning")
	ty := t.typ(returning.OID("typid"), int32(returning.Int("typmod")), n.OID("collation"))
	return t.jsonOver(n, guardClock(t.expr(n.Node("formatted_expr"), s), ty), ty, s)
}

// jsonOver is such a call over a document.
func (t *translator) jsonOver(n *pgtree.Node, doc expr.Expr, ty *values.Type, s *scope) expr.Expr {
	kind := n.Int("op")
	names := []string{"JSON_EXISTS", "JSON_QUERY", "JSON_VALUE"}
	if kind < 0 || kind >= len(names) {
		return t.unknown(n)
	}
	begin := func(name string) *sqlCall {
		call := &sqlCall{}
		call.text(name + "(")
		call.arg(doc)
		call.text(", ")
		call.arg(t.expr(n.Node("path_spec"), s))
		t.jsonPassing(n, call, s)
		return call
	}
	defaults := t.defaultsOf(ty)
	value := begin(names[kind])
	if kind != jsonExists {
		value.text(" RETURNING " + ty.SQL)
	}
	if !t.jsonOptions(n, value, s, defaults) {
		return nil
	}
	value.text(")")
	found := begin("JSON_QUERY")
	found.text(" RETURNING text" + findings + ")")

	// Of NULL, the result is NULL, or what there is ON ERROR if that is none of a domain's values.
	// Servers give what the row before gave rise to, if that was a value for EMPTY or ERROR; so they
	// are not asked.
	call := &sqlCall{}
	call.text("CASE WHEN ")
	call.arg(doc)
	call.text(" IS NOT NULL THEN ")
	base := ""
	if _, moves := defaults.moving["EMPTY"]; moves && !defaults.null {
		base = "::" + t.typ(ty.BaseOID, -1, 0).SQL // which has NULL
		call.text("CASE WHEN ")
		call.call(found)
		call.text(" <> '[]' THEN ")
	}
	call.call(value)
	call.text(base)
	if base != "" {
		call.text(" END")
	}
	if !defaults.null {
		no := "'null'::pg_catalog.jsonb, '$'" // what JSON_VALUE makes of it is NULL
		if kind == jsonQuery {
			no = "'1'::pg_catalog.jsonb, 'strict $.a'" // an error as good as any
		}
		call.text(" ELSE " + names[kind] + "(" + no + " RETURNING " + ty.SQL)
		if !t.jsonOptions(n, call, s, defaults) {
			return nil
		}
		call.text(")" + base)
	}
	call.text(" END")
	if !t.settled(n, ty) || !t.understood(n, names[kind], call, ty) {
		return nil
	}
	e := expr.NewRemote(call.sql, call.args, false, ty)
	if len(defaults.moving) == 0 {
		return e
	}
	sought := &sqlCall{}
	sought.text("CASE WHEN ")
	sought.arg(doc)
	sought.text(" IS NOT NULL THEN ")
	sought.call(found)
	sought.text(" END")
	return defaults.instead(kind, e, expr.NewRemote(sought.sql, sought.args, false, t.typ(textOID, -1, 0)), t.typ(boolOID, -1, 0))
}
