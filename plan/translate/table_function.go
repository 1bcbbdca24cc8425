package translate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// XMLTABLE and JSON_TABLE are set-returning functions with a syntax of their own:
// Postgres evaluates them (set.go), so they are written out again here.

// tableFunction translates XMLTABLE and JSON_TABLE.
func (t *translator) tableFunction(rte *pgtree.Node, names []string, s *scope) algebra.Node {
	n := rte.Node("tablefunc")
	row := t.tableRow(n)
	const jsonTable = 1
	construct := "XMLTABLE"
	call := &sqlCall{}
	var ok bool
	var json *jsonRows
	if n.Int("functype") == jsonTable {
		construct, json = "JSON_TABLE", &jsonRows{row: row, moving: map[int]expr.Expr{}}
		ok = t.jsonTable(n, json, call, s)
		row = json.asked()
	} else {
		ok = t.xmlTable(n, row, call, s)
	}
	ok = ok && t.settled(n, row)
	if ok {
		alias := "r"
		for slices.ContainsFunc(row.Fields, func(f values.Field) bool { return f.Name == alias }) {
			alias += "_"
		}
		call.sql[0] = "ARRAY(SELECT " + alias + " FROM " + call.sql[0]
		call.text(" AS " + alias + ")")
		ok = t.understood(n, construct, call, values.ArrayOf(row))
	}
	if !ok {
		return empty(t.unknownCols(names))
	}
	x := t.asSet(expr.NewRemote(call.sql, call.args, false, values.ArrayOf(row)), false)
	if json != nil && len(json.moving) > 0 {
		return t.jsonInstead(json, t.spreadSets([]*set{x}, false, nil, s), names)
	}
	return t.spreadSets([]*set{x}, false, names, s)
}

// tableRow is the type of a table function's rows.
func (t *translator) tableRow(n *pgtree.Node) *values.Type {
	typmods, colls := n.Ints("coltypmods"), n.Ints("colcollations")
	columns := n.Strings("colnames")
	var fields []values.Field
	for i, oid := range n.Ints("coltypes") {
		fields = append(fields, values.Field{Name: columns[i], Type: t.typ(uint32(oid), int32(typmods[i]), uint32(colls[i]))})
	}
	return values.RecordOf(fields)
}

// xmlTable writes XMLTABLE
// (postgresql.org/docs/current/functions-xml.html#FUNCTIONS-XML-PROCESSING-XMLTABLE).
func (t *translator) xmlTable(n *pgtree.Node, row *values.Type, call *sqlCall, s *scope) bool {
	call.text("XMLTABLE(")
	if uris := n.Nodes("ns_uris"); len(uris) > 0 {
		names, _ := n.Get("ns_names").(pgtree.List)
		call.text("XMLNAMESPACES(")
		for i, uri := range uris {
			call.separate(i)
			name, named := names[i].(pgtree.Token)
			if !named {
				call.text("DEFAULT ")
			}
			call.arg(t.expr(uri, s))
			if named {
				call.text(" AS " + pgx.Identifier{string(name)}.Sanitize())
			}
		}
		call.text("), ")
	}
	call.arg(t.expr(n.Node("rowexpr"), s))
	call.text(" PASSING ")
	call.arg(guardClock(t.expr(n.Node("docexpr"), s), row))
	call.text(" COLUMNS ")
	paths, _ := n.Get("colexprs").(pgtree.List)
	defaults, _ := n.Get("coldefexprs").(pgtree.List)
	notNull := n.Ints("notnulls")
	option := func(word string, list pgtree.List, i int) {
		if e, ok := at(list, i).(*pgtree.Node); ok {
			call.text(" " + word + " ")
			call.arg(t.expr(e, s))
		}
	}
	for i, f := range row.Fields {
		call.separate(i)
		call.text(pgx.Identifier{f.Name}.Sanitize())
		if i == n.Int("ordinalitycol") {
			call.text(" FOR ORDINALITY")
			continue
		}
		call.text(" " + f.Type.SQL)
		option("PATH", paths, i)
		option("DEFAULT", defaults, i)
		if slices.Contains(notNull, i) {
			call.text(" NOT NULL")
		}
	}
	call.text(")")
	return true
}

// at is an element of a list that may be absent.
func at(list pgtree.List, i int) pgtree.Value {
	if i < len(list) {
		return list[i]
	}
	return nil
}

// sqlCall is a piece of SQL while it is written: what stands between its
// arguments, of which there is one less.
type sqlCall struct {
	sql  []string
	args []expr.Expr
}

func (c *sqlCall) text(s string) {
	if len(c.sql) == 0 {
		c.sql = []string{""}
	}
	c.sql[len(c.sql)-1] += s
}

func (c *sqlCall) arg(e expr.Expr) {
	c.text("")
	c.sql = append(c.sql, "")
	c.args = append(c.args, e)
}

// call writes another piece of SQL, with its arguments.
func (c *sqlCall) call(other *sqlCall) {
	c.text(other.sql[0])
	c.sql = append(c.sql, other.sql[1:]...)
	c.args = append(c.args, other.args...)
}

// separate writes a comma before all elements of a list but the first.
func (c *sqlCall) separate(i int) {
	if i > 0 {
		c.text(", ")
	}
}

// understood asks Postgres whether it takes what was written.
func (t *translator) understood(n *pgtree.Node, construct string, call *sqlCall, ty *values.Type) bool {
	if t.err != nil {
		return false
	}
	probe := expr.NewRemote(call.sql, call.args, false, ty)
	sql := probe.Query(func(i int) string { return "(NULL::" + probe.Args[i].Type().SQL + ")" })
	_, pgErr, err := t.cat.Value(t.ctx, "(SELECT ("+sql+") IS NULL LIMIT 0)", values.BoolType)
	if err != nil {
		t.fail(err)
		return false
	}
	// It is not computed, and yet NULL may be no argument to it; the words have to be.
	if pgErr != nil && strings.HasPrefix(pgErr.Code, "42") {
		t.problem(n, CodeUnsupported, construct, fmt.Sprintf("%s cannot be asked of Postgres by itself: %s", construct, pgErr.Message), "")
		return false
	}
	return true
}
