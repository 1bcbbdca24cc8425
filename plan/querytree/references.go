package querytree

import (
	"maps"

	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
)

// WholeRows are the relations of a query whose rows are read as values, in it or
// in its sub-queries.
func WholeRows(q *pgtree.Node) map[int]bool {
	whole := Reading(q, 0)
	// Of a join, the rows of its relations say whether there is one.
	for i := range maps.Clone(whole) {
		for _, rel := range Joined(q, i) {
			whole[rel] = true
		}
	}
	return whole
}

// Reading are the relations of a query of which an attribute is read, in it or in its
// sub-queries.
func Reading(q *pgtree.Node, number int) map[int]bool {
	read := map[int]bool{}
	Walk(q, func(n *pgtree.Node, depth int) bool {
		if n.Tag == "VAR" && n.Int("varattno") == number && n.Int("varlevelsup") == depth {
			read[n.Int("varno")] = true
		}
		return true
	})
	return read
}

// Joined are the relations of a join: of a row of it, at least one is not missing.
func Joined(q *pgtree.Node, rtindex int) []int {
	var out []int
	pgtree.Walk(q.Node("jointree"), func(n *pgtree.Node) bool {
		if n.Tag == "JOINEXPR" && n.Int("rtindex") == rtindex {
			pgtree.Walk(n, func(n *pgtree.Node) bool {
				if n.Tag == "RANGETBLREF" {
					out = append(out, n.Int("rtindex"))
				}
				return n.Tag != "QUERY"
			})
			return false
		}
		return n.Tag != "QUERY"
	})
	return out
}

// MayBeMissing says whether a join of a query stands on the side of another one where rows
// are made up of NULLs.
func MayBeMissing(q *pgtree.Node, rtindex int) bool {
	var visit func(n *pgtree.Node, missing bool) bool
	visit = func(n *pgtree.Node, missing bool) bool {
		if n.Tag != "JOINEXPR" {
			return false
		}
		if n.Int("rtindex") == rtindex {
			return missing
		}
		kind := n.Int("jointype")
		return visit(n.Node("larg"), missing || kind == FullJoin || kind == RightJoin) || visit(n.Node("rarg"), missing || kind == FullJoin || kind == LeftJoin)
	}
	for _, n := range q.Node("jointree").Nodes("fromlist") {
		if visit(n, false) {
			return true
		}
	}
	return false
}
