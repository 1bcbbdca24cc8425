// Package querytree reads and rewrites the trees of Postgres' analyzed queries by themselves:
// what a query means by what stands in it alone.
//
// It knows the nodes of a query (parsenodes.h and primnodes.h of Postgres), how they refer to
// each other, and which trees are the same query. It must not know the catalogue that their
// numbers refer to, relational algebra, or what can be maintained.
package querytree

import (
	"fmt"

	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
)

// The kinds of entries of the range table (RTEKind of Postgres' parsenodes.h).
const (
	Relation = iota
	Subquery
	Join
	Function
	TableFunc
	Values
	CTE
	_ // a transition table of a trigger
	Result
	Group // since 18
)

// The kinds of joins (JoinType of Postgres' nodes.h).
const (
	InnerJoin = iota
	LeftJoin
	FullJoin
	RightJoin
)

// Parse reads the tree of a view's rule: a list of one query. No sub-query is in VALUES or in
// the arguments of functions in FROM: it is hoisted.
func Parse(tree string) (*pgtree.Node, error) {
	v, err := pgtree.Parse(tree)
	if err != nil {
		return nil, err
	}
	if l, ok := v.(pgtree.List); ok && len(l) == 1 {
		if q, ok := l[0].(*pgtree.Node); ok && q.Tag == "QUERY" {
			return hoisted(q).(*pgtree.Node), nil
		}
	}
	return nil, fmt.Errorf("the stored rule is not one query")
}

// Holds says whether a tree holds a node of a kind.
func Holds(v pgtree.Value, tag string) bool {
	found := false
	pgtree.Walk(v, func(n *pgtree.Node) bool {
		found = found || n.Tag == tag
		return !found
	})
	return found
}

// Walk visits the nodes of a query and of its sub-queries, parents first, each with the
// number of levels that its query is further in, until f says false for one: then its
// children are not visited.
func Walk(q *pgtree.Node, f func(n *pgtree.Node, depth int) bool) {
	var visit func(q *pgtree.Node, depth int)
	visit = func(q *pgtree.Node, depth int) {
		for _, v := range q.Values() {
			pgtree.Walk(v, func(n *pgtree.Node) bool {
				if n.Tag == "QUERY" {
					visit(n, depth+1)
					return false
				}
				return f(n, depth)
			})
		}
	}
	visit(q, 0)
}
