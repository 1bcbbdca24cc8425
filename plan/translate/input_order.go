package translate

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Where the order of a query's rows matters and nobody says it, the rows are in the order
// of what they come from, if that has one: of the one sub-query in FROM with an ORDER BY,
// and of the results of set-returning functions. So array_agg, ARRAY(SELECT …), LIMIT
// and row_number() OVER () take them. SQL promises that for JSON_ARRAY(SELECT … ORDER BY …), which is such a query
// in Postgres' trees; for others it is what Postgres does, unless it sorts by what is
// grouped by (postgresql.org/docs/current/functions-aggregate.html, at the top).

// inputKey is a column of a relation in FROM, or what else a query's rows are in the order of,
// and how it is sorted by.
type inputKey struct {
	column *pgtree.Node
	clause *pgtree.Node
}

// ordinal is the tag of a node for the number of a result among those of a row's
// set-returning calls in the target list, of one depth. Postgres has none.
const ordinal = "ORDINAL"

// numbered is a field of a function in FROM: its results are numbered as by WITH ORDINALITY, in a column
// that the query does not see. Postgres has none; by its own, a row with the number is of another type.
const numbered = "numbered"

// Of Postgres' pg_operator.dat, for bigint.
const int8Less, int8Equal = 412, 410

// byNumber sorts by the number of a result, for an entry of the target list.
func byNumber(column *pgtree.Node, ref int) inputKey {
	clause := pgtree.NewNode("SORTGROUPCLAUSE", map[string]int{"tleSortGroupRef": ref, "sortop": int8Less, "eqop": int8Equal})
	return inputKey{column, clause}
}

func columnOf(rtindex, attno int) *pgtree.Node {
	return pgtree.NewNode("VAR", map[string]int{"varno": rtindex, "varattno": attno, "varlevelsup": 0})
}

// orderOfFrom finds the order of a query's FROM clause. What it has to be known for that
// becomes columns behind the others, which no name refers to.
func (s *scope) orderOfFrom() []inputKey {
	from := s.query.Node("jointree").Nodes("fromlist")
	if len(from) == 1 && from[0].Tag == "RANGETBLREF" {
		if i := from[0].Int("rtindex"); s.rtes[i-1].Int("rtekind") == querytree.Subquery {
			return s.orderOfSubquery(i)
		}
	}
	var keys []inputKey
	for _, n := range from {
		pgtree.Walk(n, func(n *pgtree.Node) bool {
			if n.Tag == "RANGETBLREF" {
				keys = append(keys, s.orderOfFunction(n.Int("rtindex"))...)
			}
			return n.Tag != "QUERY"
		})
	}
	return keys
}

// orderOfSubquery is the order that a sub-query in FROM has or takes.
func (s *scope) orderOfSubquery(i int) (keys []inputKey) {
	rte := s.rtes[i-1]
	sub := withOrder(rte.Node("subquery"))
	targets := sub.Nodes("targetList")
	kept := false
	for _, c := range sub.Nodes("sortClause") {
		at := slices.IndexFunc(targets, func(te *pgtree.Node) bool { return te.Int("ressortgroupref") == c.Int("tleSortGroupRef") })
		if at < 0 {
			return nil
		}
		kept = kept || targets[at].Bool("resjunk")
		keys = append(keys, inputKey{columnOf(i, at+1), c})
	}
	if kept { // nor may it be, with DISTINCT
		var all pgtree.List
		for _, te := range targets {
			all = append(all, te.With("resjunk", pgtree.Token("false")))
		}
		s.rtes[i-1] = rte.With("subquery", sub.With("targetList", all))
	}
	return keys
}

// orderOfFunction is the order of a set-returning function's results.
func (s *scope) orderOfFunction(i int) []inputKey {
	rte := s.rtes[i-1]
	set := func(f *pgtree.Node) bool { return isSet(f.Node("funcexpr")) }
	if rte.Int("rtekind") != querytree.Function || !slices.ContainsFunc(rte.Nodes("functions"), set) {
		return nil
	}
	columns := len(rte.Node("eref").Strings("colnames"))
	if !rte.Bool("funcordinality") {
		s.rtes[i-1] = rte.With(numbered, pgtree.Token("true"))
		columns++
	}
	return []inputKey{byNumber(columnOf(i, columns), 0)}
}

// withOrder is a query that says the order that it takes its rows in, as far as it says none and
// has one: behind what it is sorted by, what set-returning calls make of a row.
func withOrder(q *pgtree.Node) *pgtree.Node {
	sorted := len(q.Nodes("sortClause")) > 0
	if q.Node("setOperations") != nil || len(q.Nodes("distinctClause")) > 0 && !(q.Bool("hasDistinctOn") && sorted) {
		return q
	}
	s := newScope(q, nil, nil)
	var keys []inputKey
	if !sorted && !rearranges(q) {
		keys = s.orderOfFrom()
	}
	for depth := range targetDepth(q) {
		keys = append(keys, byNumber(pgtree.NewNode(ordinal, map[string]int{"depth": depth}), 0))
	}
	if len(keys) == 0 {
		return q
	}
	ref := 0
	for _, te := range q.Nodes("targetList") {
		ref = max(ref, te.Int("ressortgroupref"))
	}
	targets, _ := q.Get("targetList").(pgtree.List) // none in SELECT FROM …
	targets = slices.Clip(targets)
	clauses, _ := q.Get("sortClause").(pgtree.List)
	clauses = slices.Clip(clauses)
	var rtes pgtree.List
	for _, k := range keys {
		ref++
		te := pgtree.NewNode("TARGETENTRY", map[string]int{"resno": len(targets) + 1, "ressortgroupref": ref})
		targets = append(targets, te.With("expr", k.column).With("resjunk", pgtree.Token("true")))
		clauses = append(clauses, k.clause.With("tleSortGroupRef", pgtree.Token(fmt.Sprint(ref))))
	}
	for _, rte := range s.rtes {
		rtes = append(rtes, rte)
	}
	return q.With("targetList", targets).With("sortClause", clauses).With("rtable", rtes)
}

// rearranges says that a query's rows come in an order of its own making, if in any.
func rearranges(q *pgtree.Node) bool {
	for _, list := range []string{"groupClause", "groupingSets", "distinctClause"} {
		if len(q.Nodes(list)) > 0 {
			return true
		}
	}
	return q.Bool("hasAggs") || q.Bool("hasWindowFuncs") || q.Node("havingQual") != nil
}

// targetDepth is how many set-returning calls of a target list are within one another.
func targetDepth(q *pgtree.Node) (depth int) {
	if !q.Bool("hasTargetSRFs") {
		return 0
	}
	for _, te := range q.Nodes("targetList") {
		pgtree.Walk(te.Node("expr"), func(n *pgtree.Node) bool {
			if isSet(n) {
				depth = max(depth, setDepth(n))
			}
			return n.Tag != "QUERY"
		})
	}
	return depth
}

// ordinalOf is the number of a result among those of the calls of a depth; NULL if these are
// grouped by.
func (s *scope) ordinalOf(n *pgtree.Node) expr.Expr {
	i := n.Int("depth")
	if i >= len(s.ordinals) {
		return &expr.Const{T: values.Int8Type}
	}
	return &expr.Col{Index: s.ordinals[i], Name: "ordinality", T: values.Int8Type}
}

// inInputOrder sorts an aggregate's arguments as the query's input is.
func (t *translator) inInputOrder(c *aggregateCall, s *scope) {
	for _, k := range s.inputOrder {
		t.sortArgument(c, k.clause, len(c.args))
		c.args = append(c.args, t.expr(k.column, s))
	}
}
