package translate

import (
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
)

// An aggregate without ORDER BY over one sub-query that has one takes the rows in
// the sub-query's order. SQL promises that for JSON_ARRAY(SELECT … ORDER BY …), which
// is such a query in Postgres' trees; for others it is what Postgres does, unless it
// sorts by what is grouped by
// (postgresql.org/docs/current/functions-aggregate.html, at the top).

// inputKey is a column of the sub-query in FROM, and how it is sorted by.
type inputKey struct {
	column *pgtree.Node
	clause *pgtree.Node
}

// sortedInputOf finds the order of a query's input. What the sub-query is only sorted
// by becomes a column, too, behind the others, which no name refers to.
func (s *scope) sortedInputOf() {
	from := s.query.Node("jointree").Nodes("fromlist")
	if !s.query.Bool("hasAggs") || len(from) != 1 || from[0].Tag != "RANGETBLREF" {
		return
	}
	i := from[0].Int("rtindex")
	rte := s.rtes[i-1]
	if rte.Int("rtekind") != querytree.Subquery {
		return
	}
	sub := rte.Node("subquery")
	targets := sub.Nodes("targetList")
	kept := false
	for _, c := range sub.Nodes("sortClause") {
		at := slices.IndexFunc(targets, func(te *pgtree.Node) bool { return te.Int("ressortgroupref") == c.Int("tleSortGroupRef") })
		if at < 0 {
			s.inputOrder = nil
			return
		}
		kept = kept || targets[at].Bool("resjunk")
		s.inputOrder = append(s.inputOrder, inputKey{pgtree.NewNode("VAR", map[string]int{"varno": i, "varattno": at + 1, "varlevelsup": 0}), c})
	}
	if !kept { // nor may it be, with DISTINCT
		return
	}
	var all pgtree.List
	for _, te := range targets {
		all = append(all, te.With("resjunk", pgtree.Token("false")))
	}
	s.rtes[i-1] = rte.With("subquery", sub.With("targetList", all))
}

// inInputOrder sorts an aggregate's arguments as the query's input is.
func (t *translator) inInputOrder(c *aggregateCall, s *scope) {
	for _, k := range s.inputOrder {
		t.sortArgument(c, k.clause, len(c.args))
		c.args = append(c.args, t.expr(k.column, s))
	}
}
