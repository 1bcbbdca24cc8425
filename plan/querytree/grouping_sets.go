package querytree

import (
	"fmt"
	"slices"
	"sort"

	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
)

// Kinds of GROUPINGSET nodes, GroupingSetKind of Postgres' parsenodes.h.
const (
	setEmpty = iota
	setSimple
	setRollup
	setCube
	setSets
)

// MaxSets is as many sets as Postgres takes.
const MaxSets = 4096

// GroupingSets lists the grouping sets of a query as Postgres expands them: every
// combination of the clause's items. A set is a list of tleSortGroupRefs.
func GroupingSets(q *pgtree.Node) [][]int {
	var out [][]int
	for i, n := range q.Nodes("groupingSets") {
		item := expandSet(n)
		if i == 0 {
			out = item
			continue
		}
		var product [][]int
		for _, a := range out {
			for _, b := range item {
				if len(product) <= MaxSets {
					product = append(product, slices.Concat(a, b))
				}
			}
		}
		out = product
	}
	seen := map[string]bool{}
	var kept [][]int
	for _, set := range out {
		sort.Ints(set)
		set = slices.Compact(set)
		if id := fmt.Sprint(set); !seen[id] || !q.Bool("groupDistinct") {
			seen[id] = true
			kept = append(kept, set)
		}
	}
	return kept
}

func expandSet(n *pgtree.Node) [][]int {
	parts := n.Nodes("content")
	var out [][]int
	switch n.Int("kind") {
	case setSimple:
		out = append(out, n.Ints("content"))
	case setRollup:
		for k := len(parts); k >= 0; k-- {
			out = append(out, together(parts[:k]))
		}
	case setCube:
		for bits := 0; bits < 1<<len(parts) && bits <= MaxSets; bits++ {
			var some []*pgtree.Node
			for i, p := range parts {
				if bits&(1<<i) != 0 {
					some = append(some, p)
				}
			}
			out = append(out, together(some))
		}
	case setSets:
		for _, p := range parts {
			out = append(out, expandSet(p)...)
		}
	default: // setEmpty
		out = append(out, nil)
	}
	return out
}

// together is the set of all columns of some simple sets.
func together(sets []*pgtree.Node) []int {
	var out []int
	for _, s := range sets {
		out = append(out, s.Ints("content")...)
	}
	return out
}
