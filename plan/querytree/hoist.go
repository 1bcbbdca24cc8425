package querytree

import (
	"fmt"
	"strconv"

	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
)

// A function in FROM, and a list of VALUES, is evaluated where there is no row yet that
// the answers of sub-queries could be joined to. So a query tree is rewritten before it
// is translated, by what LATERAL means
// (postgresql.org/docs/current/queries-table-expressions.html#QUERIES-LATERAL):
//
//	FROM f((SELECT …), x)    →  LATERAL (SELECT r.* FROM (SELECT (SELECT …) AS a1) AS given, f(given.a1, x) AS r)
//	FROM (VALUES (1), ((SELECT …)))  →  … (SELECT 1 UNION ALL SELECT (SELECT …))
//
// Whole arguments are moved, not the sub-queries in them: what of them CASE or COALESCE asks for
// is then decided where it is for any other query.

// hoisted is a query tree without sub-queries in VALUES and in the arguments of
// functions in FROM.
func hoisted(v pgtree.Value) pgtree.Value {
	switch v := v.(type) {
	case *pgtree.Node:
		n := v.Map(hoisted)
		if n.Tag != "RTE" && n.Tag != "RANGETBLENTRY" { // its name since 16
			return n
		}
		switch kind := n.Int("rtekind"); {
		case kind == Function && Holds(n.Get("functions"), "SUBLINK"):
			return lateralFunction(n, "functions")
		case kind == TableFunc && Holds(n.Get("tablefunc"), "SUBLINK"):
			return lateralFunction(n, "tablefunc")
		case kind == Values && Holds(n.Get("values_lists"), "SUBLINK"):
			return valuesAsUnion(n)
		}
		return n
	case pgtree.List:
		return v.Map(hoisted)
	}
	return v
}

// lateralFunction is a function in FROM as a sub-query, in which its arguments are
// columns of another one beside it. field is where the function is.
func lateralFunction(rte *pgtree.Node, field string) *pgtree.Node {
	given := &arguments{}
	function := rte.With(field, given.move(rte.Get(field)))
	q := queryOf([]*pgtree.Node{asSubquery(given.list(), "given"), function}, nil)
	for i, name := range rte.Node("eref").Strings("colnames") {
		q = withTarget(q, columnOf(2, i+1), name)
	}
	out := rte.With("rtekind", pgtree.Token(strconv.Itoa(Subquery))).With("subquery", q).With("lateral", pgtree.Token("true"))
	return out.With(field, nil).With("rowtype", pgtree.Token(strconv.Itoa(int(RowType(rte)))))
}

// RowType is the type of the rows of a function in FROM, as it says; 0 if there is none.
func RowType(rte *pgtree.Node) uint32 {
	if f := rte.Nodes("functions"); len(f) == 1 && !rte.Bool("funcordinality") {
		return f[0].Node("funcexpr").OID("funcresulttype")
	}
	return rte.OID("rowtype") // of one that has been moved
}

// arguments are the expressions that are moved from a function to a query beside it.
type arguments struct{ moved []*pgtree.Node }

// move replaces what holds sub-queries, within what is no expression by itself.
func (a *arguments) move(v pgtree.Value) pgtree.Value {
	switch v := v.(type) {
	case pgtree.List:
		return v.Map(a.move)
	case *pgtree.Node:
		switch {
		case !Holds(v, "SUBLINK"):
			return pgtree.Lower(v, 1)
		case v.Tag == "RANGETBLFUNCTION" && v.Node("funcexpr").Tag == "FUNCEXPR":
			f := v.Node("funcexpr")
			return v.With("funcexpr", f.With("args", a.move(f.Get("args"))))
		case v.Tag == "RANGETBLFUNCTION", v.Tag == "TABLEFUNC", v.Tag == "JSONEXPR", v.Tag == "NAMEDARGEXPR":
			return v.Map(a.move)
		}
		a.moved = append(a.moved, pgtree.Lower(v, 2))
		return columnOf(1, len(a.moved))
	}
	return v
}

// list is the query that computes them.
func (a *arguments) list() *pgtree.Node {
	q := queryOf(nil, nil)
	for i, e := range a.moved {
		q = withTarget(q, e, fmt.Sprintf("a%d", i+1))
	}
	return q
}

// valuesAsUnion is a list of VALUES as the union of its rows: those with sub-queries
// one by one, the others together.
func valuesAsUnion(rte *pgtree.Node) *pgtree.Node {
	names := rte.Node("eref").Strings("colnames")
	lists, _ := rte.Get("values_lists").(pgtree.List)
	var plain pgtree.List
	var rows []*pgtree.Node
	for _, row := range lists {
		if !Holds(row, "SUBLINK") {
			plain = append(plain, row)
			continue
		}
		q := queryOf(nil, nil)
		items, _ := row.(pgtree.List)
		for i, e := range items {
			q = withTarget(q, pgtree.Lower(e.(*pgtree.Node), 2), names[i])
		}
		rows = append(rows, q)
	}
	if len(plain) > 0 {
		q := queryOf([]*pgtree.Node{pgtree.Lower(rte.With("values_lists", plain), 2)}, nil)
		for i, name := range names {
			q = withTarget(q, columnOf(1, i+1), name)
		}
		rows = append(rows, q)
	}
	var union *pgtree.Node
	for i := range rows {
		leaf := pgtree.NewNode("RANGETBLREF", map[string]int{"rtindex": i + 1})
		if rows[i] = asSubquery(rows[i], "row"); i == 0 {
			union = leaf
			continue
		}
		union = pgtree.NewNode("SETOPERATIONSTMT", map[string]int{"op": 1}).With("all", pgtree.Token("true")).
			With("larg", union).With("rarg", leaf).
			With("colTypes", rte.Get("coltypes")).With("colTypmods", rte.Get("coltypmods")).With("colCollations", rte.Get("colcollations"))
	}
	return rte.With("rtekind", pgtree.Token(strconv.Itoa(Subquery))).With("values_lists", nil).With("lateral", pgtree.Token("true")).With("subquery", queryOf(rows, union))
}

// queryOf is a SELECT without columns from relations side by side or, if there is one, a set
// operation.
func queryOf(rtes []*pgtree.Node, setOperation *pgtree.Node) *pgtree.Node {
	var table, from pgtree.List
	for i, rte := range rtes {
		table = append(table, rte)
		from = append(from, pgtree.NewNode("RANGETBLREF", map[string]int{"rtindex": i + 1}))
	}
	q := pgtree.NewNode("QUERY", map[string]int{"commandType": 1}).With("rtable", table)
	if setOperation != nil {
		from = nil
		q = q.With("setOperations", setOperation)
	}
	return q.With("jointree", pgtree.NewNode("FROMEXPR", nil).With("fromlist", from))
}

// withTarget is a query with one column more.
func withTarget(q, e *pgtree.Node, name string) *pgtree.Node {
	targets, _ := q.Get("targetList").(pgtree.List)
	te := pgtree.NewNode("TARGETENTRY", map[string]int{"resno": len(targets) + 1}).With("expr", e).With("resname", pgtree.Token(name))
	return q.With("targetList", append(targets[:len(targets):len(targets)], te))
}

// asSubquery is a query in FROM, which may refer to what is beside it.
func asSubquery(q *pgtree.Node, alias string) *pgtree.Node {
	var names pgtree.List
	for _, te := range q.Nodes("targetList") {
		names = append(names, te.Get("resname"))
	}
	eref := pgtree.NewNode("ALIAS", nil).With("aliasname", pgtree.Token(alias)).With("colnames", names)
	return pgtree.NewNode("RTE", map[string]int{"rtekind": Subquery}).With("eref", eref).With("subquery", q).With("lateral", pgtree.Token("true"))
}

// columnOf reads a column of a relation of the query at hand.
func columnOf(rtindex, attno int) *pgtree.Node {
	return pgtree.NewNode("VAR", map[string]int{"varno": rtindex, "varattno": attno, "varlevelsup": 0})
}
