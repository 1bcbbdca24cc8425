package translate

import (
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// What makes JSON, and IS JSON, are evaluated by Postgres: JSON_OBJECT, JSON_ARRAY
// and IS JSON (16 and later), JSON, JSON_SCALAR and JSON_SERIALIZE (17 and later).
// JSON_OBJECTAGG and JSON_ARRAYAGG are aggregates by another name, and
// JSON_ARRAY(SELECT …) is a sub-query with the latter
// (postgresql.org/docs/current/functions-json.html#FUNCTIONS-JSON-PROCESSING).

// The kinds of JSONCONSTRUCTOREXPR (JsonConstructorType of Postgres' primnodes.h).
const (
	jsonObject    = 1
	jsonArray     = 2
	jsonParse     = 5
	jsonScalar    = 6
	jsonSerialize = 7
)

var jsonConstructors = map[int]string{jsonObject: "JSON_OBJECT", jsonArray: "JSON_ARRAY", jsonParse: "JSON", jsonScalar: "JSON_SCALAR", jsonSerialize: "JSON_SERIALIZE"}

// jsonConstructor translates a constructor of SQL/JSON.
func (t *translator) jsonConstructor(n *pgtree.Node, s *scope) expr.Expr {
	if f := n.Node("func"); f != nil {
		return t.jsonAggregate(f, n.Node("coercion"), s)
	}
	kind := n.Int("type")
	name, ok := jsonConstructors[kind]
	if !ok {
		return t.unknown(n)
	}
	returning := n.Node("returning")
	var collation uint32
	if c := n.Node("coercion"); c != nil { // which is a call, or another kind of cast
		collation = max(c.OID("resultcollid"), c.OID("funccollid"))
		if !t.steadyCast(c) {
			return nil
		}
	}
	ty := t.typ(returning.OID("typid"), int32(returning.Int("typmod")), collation)
	call := &sqlCall{}
	call.text(name + "(")
	for i, a := range n.Nodes("args") {
		e := t.expr(a, s)
		if !t.settled(a, e.Type()) {
			return nil
		}
		if kind == jsonObject && i%2 == 1 {
			call.text(" VALUE ")
		} else {
			call.separate(i)
		}
		call.text("(")
		call.arg(e)
		call.text(")")
	}
	if kind == jsonObject || kind == jsonArray {
		if len(n.Nodes("args")) > 0 {
			if n.Bool("absent_on_null") {
				call.text(" ABSENT ON NULL")
			} else {
				call.text(" NULL ON NULL")
			}
		}
	}
	if n.Bool("unique") {
		call.text(" WITH UNIQUE KEYS")
	}
	if kind != jsonParse && kind != jsonScalar { // which make json, and nothing else
		call.text(" RETURNING " + ty.SQL)
	}
	call.text(")")
	if !t.settled(n, ty) || !t.understood(n, name, call, ty) {
		return nil
	}
	return expr.NewRemote(call.sql, call.args, false, ty)
}

// steadyCast says whether a cast of JSON is a function of it, and records why not: it
// may be a function of a user's.
func (t *translator) steadyCast(coercion *pgtree.Node) bool {
	steady := true
	pgtree.Walk(coercion, func(n *pgtree.Node) bool {
		if n.Tag == "FUNCEXPR" {
			proc, err := t.cat.Proc(t.ctx, n.OID("funcid"))
			if err != nil {
				t.fail(err)
				steady = false
			} else if proc.Schema != "pg_catalog" {
				steady = t.stable(n, proc, nil) && steady
			}
		}
		return true
	})
	return steady
}

// jsonAggregate translates JSON_OBJECTAGG or JSON_ARRAYAGG: a call of an aggregate,
// and what makes another type of its value.
func (t *translator) jsonAggregate(call, coercion *pgtree.Node, s *scope) expr.Expr {
	e := t.expr(call, s)
	if coercion == nil || e == placeholder {
		return e
	}
	s.tests = append(s.tests, e)
	defer func() { s.tests = s.tests[:len(s.tests)-1] }()
	return t.expr(coercion, s)
}

// isJSON translates IS JSON.
func (t *translator) isJSON(n *pgtree.Node, s *scope) expr.Expr {
	kinds := []string{"VALUE", "OBJECT", "ARRAY", "SCALAR"} // JsonValueType
	kind := n.Int("item_type")
	if kind < 0 || kind >= len(kinds) {
		return t.unknown(n)
	}
	call := &sqlCall{}
	call.text("(")
	call.arg(t.expr(n.Node("expr"), s))
	call.text(") IS JSON " + kinds[kind])
	if n.Bool("unique_keys") {
		call.text(" WITH UNIQUE KEYS")
	}
	if !t.understood(n, "IS JSON", call, values.BoolType) {
		return nil
	}
	return expr.NewRemote(call.sql, call.args, false, values.BoolType)
}
