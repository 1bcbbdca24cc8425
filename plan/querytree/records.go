package querytree

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
)

// The operators = and <> of records (Postgres' catalog/pg_operator.dat).
const (
	recordEqual    = 2988
	recordNotEqual = 2989
)

// OrdersRecords says whether a view orders records that row constructors make, by < or
// another operator: Postgres writes that like the comparison of rows of their fields.
func OrdersRecords(tree pgtree.Value) bool {
	const explicitCast = 1
	constructor := func(n *pgtree.Node) bool {
		return (n.Tag == "ROWEXPR" || n.Tag == "ROW") && n.Int("row_format") != explicitCast
	}
	found := false
	pgtree.Walk(tree, func(n *pgtree.Node) bool {
		if n.Tag == "OPEXPR" && !slices.Contains([]int{recordEqual, recordNotEqual}, n.Int("opno")) {
			args := n.Nodes("args")
			found = found || len(args) == 2 && constructor(args[0]) && constructor(args[1])
		}
		return !found
	})
	return found
}
