package querytree

import (
	"slices"
	"strconv"

	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
)

// Same says whether the stored trees of two views, given with their numbers, are of one query.
func Same(tree1 string, oid1 uint32, tree2 string, oid2 uint32) (bool, error) {
	a, err := pgtree.Parse(tree1)
	if err != nil {
		return false, err
	}
	b, err := pgtree.Parse(tree2)
	if err != nil {
		return false, err
	}
	return pgtree.Equal(canonical(a, oid1), canonical(b, oid2)), nil
}

// insignificant are the fields that say how a query is written, who may read what, or what
// follows from other fields.
var insignificant = []string{
	"resname", "alias", "eref", "join_using_alias", "usingClause", "isNatural", "operName", "resorigtbl", "resorigcol",
	"varnosyn", "varattnosyn", "varnoold", "varoattno", "joinleftcols", "joinrightcols", "element_typeid",
	"funcformat", "relabelformat", "coerceformat", "convertformat", "coercionformat", "row_format",
	"hasSubLinks", "requiredPerms", "checkAsUser", "selectedCols", "insertedCols", "updatedCols", "extraUpdatedCols", "perminfoindex", "rteperminfos", "rellockmode", "queryId",
}

// canonical is a query tree without what does not matter to its meaning, and with one
// form for what Postgres reads from its own writing in another one.
func canonical(tree pgtree.Value, self uint32) pgtree.Value {
	c := &canonicalizer{self: self, whole: map[*pgtree.Node]bool{}}
	c.wholeRows(tree, nil)
	return c.value(tree)
}

type canonicalizer struct {
	self  uint32                // the view
	whole map[*pgtree.Node]bool // range table entries whose rows are read as values
}

// wholeRows finds the entries whose rows are values: their columns' names show.
func (c *canonicalizer) wholeRows(v pgtree.Value, tables [][]*pgtree.Node) {
	switch v := v.(type) {
	case pgtree.List:
		for _, e := range v {
			c.wholeRows(e, tables)
		}
	case *pgtree.Node:
		if v == nil {
			return
		}
		switch v.Tag {
		case "QUERY":
			tables = append(tables[:len(tables):len(tables)], v.Nodes("rtable"))
		case "VAR":
			level, i := len(tables)-1-v.Int("varlevelsup"), v.Int("varno")-1
			if v.Int("varattno") == 0 && level >= 0 && i >= 0 && i < len(tables[level]) {
				c.whole[tables[level][i]] = true
			}
		}
		for _, e := range v.Values() {
			c.wholeRows(e, tables)
		}
	}
}

func (c *canonicalizer) value(v pgtree.Value) pgtree.Value {
	switch v := v.(type) {
	case pgtree.List:
		return v.Map(c.value)
	case *pgtree.Node:
		if v != nil {
			return c.node(v)
		}
	}
	return v
}

func (c *canonicalizer) node(n *pgtree.Node) *pgtree.Node {
	out := n.Map(c.value)
	for _, name := range insignificant {
		if out.Has(name) {
			out = out.With(name, nil)
		}
	}
	switch n.Tag {
	case "QUERY":
		if out.Nodes("groupingSets") == nil {
			return ordered(out)
		}
	case "RTE", "RANGETBLENTRY": // since 16
		return c.entry(n, out)
	case "JSONEXPR":
		const unspecified, none = "0", "1" // of JsonWrapper: the second is written for the first
		if n.Str("wrapper") == unspecified {
			return out.With("wrapper", pgtree.Token(none))
		}
	case "BOOLEXPR":
		return flat(out)
	case "RELABELTYPE":
		if array := out.Node("arg"); isArray(array) {
			return elementwise(array, out, func(e pgtree.Value) pgtree.Value { return e })
		}
	case "ARRAYCOERCEEXPR":
		// x IN ('a', 'b') is written as x = ANY ((ARRAY['a', 'b'])::text[]), which casts the elements.
		if array := out.Node("arg"); isArray(array) {
			return elementwise(array, out, func(e pgtree.Value) pgtree.Value { return replaceTested(out.Get("elemexpr"), e) })
		}
	}
	return out
}

// entry leaves out what a range table entry holds of columns that the query does not read:
// a table may have got some since.
func (c *canonicalizer) entry(n, out *pgtree.Node) *pgtree.Node {
	if n.OID("relid") == c.self {
		return pgtree.NewNode(n.Tag, nil)
	}
	if c.whole[n] {
		if n.Int("rtekind") == Relation {
			return out // its columns' names are its type's
		}
		return out.With("eref", pgtree.List{c.value(n.Node("eref").Get("colnames"))})
	}
	if list := valuesOnly(out.Node("subquery")); n.Int("rtekind") == Subquery && list != nil {
		return list
	}
	if n.Int("rtekind") == Join {
		vars, _ := out.Get("joinaliasvars").(pgtree.List)
		return out.With("joinaliasvars", vars[:min(len(vars), n.Int("joinmergedcols"))])
	}
	return out
}

// valuesOnly is the list of a query that is nothing but VALUES, as if it stood in the place of
// that; nil if the query is another one. VALUES in a UNION is written as a sub-query.
func valuesOnly(q *pgtree.Node) *pgtree.Node {
	if q == nil || len(q.Nodes("rtable")) != 1 || q.Nodes("rtable")[0].Int("rtekind") != Values || q.Node("jointree").Node("quals") != nil {
		return nil
	}
	for _, clause := range []string{"cteList", "groupClause", "groupingSets", "havingQual", "windowClause", "distinctClause", "sortClause", "limitOffset", "limitCount", "rowMarks", "setOperations"} {
		if q.Node(clause) != nil || len(q.Nodes(clause)) > 0 {
			return nil
		}
	}
	list := q.Nodes("rtable")[0]
	targets := q.Nodes("targetList")
	if types, _ := list.Get("coltypes").(pgtree.List); len(types)-1 != len(targets) { // the first says of what the list is
		return nil
	}
	for i, target := range targets {
		if e := target.Node("expr"); e.Tag != "VAR" || e.Int("varattno") != i+1 || e.Int("varlevelsup") != 0 {
			return nil
		}
	}
	return pgtree.Raise(list, 1)
}

// ordered is a query without grouping sets whose clauses refer to the first of equal columns, and
// to none twice: GROUP BY 1, 2 is written with the expressions.
func ordered(q *pgtree.Node) *pgtree.Node {
	targets := q.Nodes("targetList")
	first := map[int]int{} // by ressortgroupref
	plain := make(pgtree.List, len(targets))
	for i, target := range targets {
		first[target.Int("ressortgroupref")] = 1 + slices.IndexFunc(targets, func(other *pgtree.Node) bool { return pgtree.Equal(other.Get("expr"), target.Get("expr")) })
		plain[i] = target.With("ressortgroupref", nil)
	}
	clause := func(n *pgtree.Node, name string) *pgtree.Node {
		var items pgtree.List
		for _, item := range n.Nodes(name) {
			item = item.With("tleSortGroupRef", pgtree.Token(strconv.Itoa(first[item.Int("tleSortGroupRef")])))
			if !slices.ContainsFunc(items, func(other pgtree.Value) bool { return pgtree.Equal(other, item) }) {
				items = append(items, item)
			}
		}
		return n.With(name, items)
	}
	q = clause(clause(clause(q.With("targetList", plain), "sortClause"), "groupClause"), "distinctClause")
	var windows pgtree.List
	for _, w := range q.Nodes("windowClause") {
		windows = append(windows, clause(clause(w, "partitionClause"), "orderClause"))
	}
	return q.With("windowClause", windows)
}

// flat is a conjunction or disjunction without others of its kind in it: x BETWEEN 1 AND 2 AND y.
func flat(n *pgtree.Node) *pgtree.Node {
	op := n.Str("boolop")
	if op == "not" {
		return n
	}
	var args pgtree.List
	for _, arg := range n.Nodes("args") {
		if arg.Tag == "BOOLEXPR" && arg.Str("boolop") == op {
			inner, _ := arg.Get("args").(pgtree.List)
			args = append(args, inner...)
		} else {
			args = append(args, arg)
		}
	}
	return n.With("args", args)
}

func isArray(n *pgtree.Node) bool { return n != nil && (n.Tag == "ARRAYEXPR" || n.Tag == "ARRAY") } // the first since 16

// elementwise is ARRAY[…] with a cast of the whole put on each element.
func elementwise(array, cast *pgtree.Node, element func(pgtree.Value) pgtree.Value) *pgtree.Node {
	var elements pgtree.List
	for _, e := range array.Nodes("elements") {
		elements = append(elements, element(e))
	}
	return array.With("array_typeid", cast.Get("resulttype")).With("array_collid", cast.Get("resultcollid")).With("elements", elements)
}

// replaceTested puts a value in the place of what stands for it in the cast of an element.
func replaceTested(v, by pgtree.Value) pgtree.Value {
	switch v := v.(type) {
	case pgtree.List:
		return v.Map(func(e pgtree.Value) pgtree.Value { return replaceTested(e, by) })
	case *pgtree.Node:
		if v == nil {
			return v
		}
		if v.Tag == "CASETESTEXPR" || v.Tag == "CASETEST" {
			return by
		}
		return v.Map(func(e pgtree.Value) pgtree.Value { return replaceTested(e, by) })
	}
	return v
}
