package translate

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
)

// selection translates a QUERY node. With a domain, its columns lead the result.
func (t *translator) selection(q *pgtree.Node, parent *scope, d *domain) algebra.Node {
	node, visible := t.sorted(q, newScope(q, parent, d), ordered(q))
	if visible < len(node.Cols()) {
		return algebra.Pick(node, algebra.FirstN(visible)) // without what is only sorted by
	}
	return node
}

// sorted translates a QUERY node in its scope. With sorts, what it is only sorted
// by is kept behind the visible columns.
func (t *translator) sorted(q *pgtree.Node, s *scope, sorts bool) (node algebra.Node, visible int) {
	d := s.domain
	if q.Int("commandType") != 1 {
		t.fail(fmt.Errorf("a statement other than SELECT, of kind %d", q.Int("commandType")))
		return empty(nil), 0
	}
	t.locks(q)
	if op := q.Node("setOperations"); op != nil {
		node = t.limited(q, s, t.setOperation(op, s))
		return node, len(node.Cols())
	}

	groups, sets, having := q.Nodes("groupClause"), q.Nodes("groupingSets"), q.Node("havingQual")
	if having != nil && !q.Bool("hasAggs") && len(groups) == 0 && len(sets) == 0 {
		// One row, whatever there is in FROM: Postgres does not even look
		// (create_degenerate_grouping_paths in its planner.c).
		q = q.With("jointree", q.Node("jointree").With("fromlist", pgtree.List(nil)).With("quals", pgtree.List(nil)))
		s.query = q
	}
	postponed := postponesSets(q) // before the query says more of its order than it did
	s.node = nil
	if sorts {
		q = withOrder(q)
		s.query, s.rtes = q, q.Nodes("rtable")
	}
	if q.Bool("hasAggs") || q.Bool("hasWindowFuncs") && !sortsForWindows(q) {
		s.inputOrder = s.orderOfFrom()
	}
	s.stand(t.from(q.Node("jointree"), s))
	conds := s.later
	if quals := q.Node("jointree").Node("quals"); quals != nil {
		conds = append(conds, quals)
	}
	t.where(conds, s)
	t.askedOnce(conds, s)

	targets := q.Nodes("targetList")
	if q.Bool("hasAggs") || len(groups) > 0 || having != nil || len(sets) > 0 {
		if q.Bool("hasTargetSRFs") {
			t.spreadGroups(targets, groups, s)
		}
		t.aggregate(s, targets, groups, having)
	}
	if having != nil {
		t.where([]*pgtree.Node{having}, s)
	}

	if q.Bool("hasTargetSRFs") {
		t.windowsBelow(targets, s)
		if postponed {
			t.firstOfEach(q, s)
		}
		t.spreadTargets(q, s)
	}
	p, visible := t.targetRow(q, s, sorts)
	if postponed {
		return t.limited(q, s, p), visible
	}
	node = p
	switch c := q.Nodes("distinctClause"); {
	case q.Bool("hasDistinctOn"):
		node = t.distinctOn(q, s, node)
	case len(c) > 0:
		clauses := map[int]*pgtree.Node{}
		for _, by := range c {
			clauses[t.target(q, s, by.Int("tleSortGroupRef"))] = by
		}
		in, key := labelledBy(node, d.width(), func(i int, e expr.Expr) expr.Expr { return t.samenessBy(q, "SELECT DISTINCT", clauses[i], e) })
		node = without(&algebra.Distinct{In: alike(in, key, nil), Key: key}, p.Cols())
	}
	return t.limited(q, s, node), visible
}

// targetRow is a query's target list over the rows of s. With sorts, what it is only
// sorted by is kept behind the visible columns.
func (t *translator) targetRow(q *pgtree.Node, s *scope, sorts bool) (p *algebra.Project, visible int) {
	d, targets := s.domain, q.Nodes("targetList")
	p = &algebra.Project{Own: computesItsColumns(q)}
	for i := range d.width() {
		c := s.from[i]
		p.Exprs = append(p.Exprs, &expr.Col{Index: i, Name: c.Name, T: c.Type})
		p.Names = append(p.Names, c.Name)
	}
	visible = d.width()
	for _, te := range targets {
		if te.Bool("resjunk") && !sorts {
			continue
		}
		p.Exprs = append(p.Exprs, t.targetExpr(te, s))
		p.Names = append(p.Names, te.Str("resname"))
		if !te.Bool("resjunk") {
			visible++
		}
	}
	p.In = s.node // with what sub-queries in the target list have added
	return p, visible
}

// postponesSets says that set-returning calls of the target list are called for the rows
// that DISTINCT ON keeps. So Postgres does if there is an ORDER BY and they are neither in that
// nor in DISTINCT ON (make_sort_input_target in its planner.c).
func postponesSets(q *pgtree.Node) bool {
	if !q.Bool("hasDistinctOn") || !q.Bool("hasTargetSRFs") || len(q.Nodes("sortClause")) == 0 {
		return false
	}
	return !slices.ContainsFunc(q.Nodes("targetList"), func(te *pgtree.Node) bool {
		return te.Int("ressortgroupref") > 0 && holdsSet(te.Node("expr"))
	})
}

// firstOfEach keeps of the rows of s those that DISTINCT ON keeps.
func (t *translator) firstOfEach(q *pgtree.Node, s *scope) {
	null := pgtree.NewNode("CONST", map[string]int{"consttype": 25, "consttypmod": -1, "constcollid": 100}).With("constisnull", pgtree.Token("true"))
	var plain pgtree.List
	for _, te := range q.Nodes("targetList") {
		if e := te.Node("expr"); holdsSet(e) || e.Tag == ordinal { // in its place, for the others to keep theirs
			te = te.With("expr", null)
		}
		plain = append(plain, te)
	}
	p, _ := t.targetRow(q.With("targetList", plain), s, true)
	width, over := len(p.Exprs), p.In.Cols()
	p.Exprs = append(p.Exprs, algebra.AllRefs(over)...)
	for _, c := range over {
		p.Names = append(p.Names, c.Name)
	}
	kept := t.distinctOn(q, s, p)
	rows := make([]int, len(over))
	for i := range rows {
		rows[i] = width + i
	}
	s.stand(algebra.Pick(kept, rows))
}

// newScope is a query before its FROM clause is translated.
func newScope(q *pgtree.Node, parent *scope, d *domain) *scope {
	s := &scope{
		query: q, parent: parent, domain: d, rtes: q.Nodes("rtable"),
		start: map[int]int{}, cols: map[int]int{}, windows: map[*pgtree.Node]expr.Expr{}, ctes: map[string]*pgtree.Node{},
	}
	for _, c := range q.Nodes("cteList") {
		s.ctes[c.Str("ctename")] = c
	}
	return s
}

// ordered says that the order of a query's rows decides which there are.
func ordered(q *pgtree.Node) bool {
	return q.Get("limitCount") != nil || q.Get("limitOffset") != nil || q.Bool("hasDistinctOn")
}

// partition is what keeps the rows of a domain apart.
func (d *domain) partition() []int {
	if d == nil {
		return nil
	}
	return []int{d.width() - 1}
}

// distinctOn keeps the first row of each combination of its expressions.
func (t *translator) distinctOn(q *pgtree.Node, s *scope, in algebra.Node) algebra.Node {
	partition := s.domain.partition()
	cols := in.Cols()
	labelled := algebra.Pick(in, algebra.FirstN(len(cols)))
	for _, c := range q.Nodes("distinctClause") {
		at := t.target(q, s, c.Int("tleSortGroupRef"))
		if by := t.samenessBy(q, "DISTINCT ON", c, labelled.Exprs[at]); by != labelled.Exprs[at] {
			at = len(labelled.Exprs)
			labelled.Exprs, labelled.Names = append(labelled.Exprs, by), append(labelled.Names, "label")
		}
		partition = append(partition, at)
	}
	if len(labelled.Exprs) > len(cols) {
		in = alike(labelled, partition, nil)
	}
	sorted, order := t.sortedInput(q, s, in)
	return without(&algebra.TopK{In: sorted, Partition: partition, Order: order, Limit: 1}, cols)
}

// target is the column of a target list's entry, by its number for sorting.
func (t *translator) target(q *pgtree.Node, s *scope, ref int) int {
	for i, te := range q.Nodes("targetList") {
		if te.Int("ressortgroupref") == ref {
			return s.domain.width() + i
		}
	}
	return 0
}

// sortedInput translates ORDER BY over the columns of the target list, and adds to
// them what else there is to sort by.
func (t *translator) sortedInput(q *pgtree.Node, s *scope, in algebra.Node) (algebra.Node, []algebra.SortKey) {
	cols := in.Cols()
	sorted := algebra.Pick(in, algebra.FirstN(len(cols)))
	var keys []algebra.SortKey
	for _, c := range q.Nodes("sortClause") {
		at := t.target(q, s, c.Int("tleSortGroupRef"))
		e := algebra.Refs(cols, []int{min(at, len(cols)-1)})[0]
		by, k := t.sortKey(c, e)
		if k.Col = at; by != e {
			k.Col = len(sorted.Exprs)
			sorted.Exprs, sorted.Names = append(sorted.Exprs, by), append(sorted.Names, "label")
		}
		keys = append(keys, k)
	}
	if len(sorted.Exprs) == len(cols) {
		return in, keys
	}
	return alike(sorted, s.domain.partition(), sortedColumns(keys)), keys
}

// sortedColumns are the columns of sort keys.
func sortedColumns(keys []algebra.SortKey) []int {
	cols := make([]int, len(keys))
	for i, k := range keys {
		cols[i] = k.Col
	}
	return cols
}

// without leaves out the columns behind the given ones, which rows were sorted or
// told apart by alone.
func without(n algebra.Node, cols []algebra.Column) algebra.Node {
	if len(cols) < len(n.Cols()) {
		return algebra.Pick(n, algebra.FirstN(len(cols)))
	}
	return n
}

// locks notes the locking clauses of a query. They are without effect on its rows but
// for SKIP LOCKED (postgresql.org/docs/current/sql-select.html#SQL-FOR-UPDATE-SHARE).
func (t *translator) locks(q *pgtree.Node) {
	const skip = 1 // LockWaitSkip of Postgres' lockoptions.h
	for _, mark := range q.Nodes("rowMarks") {
		t.locking = true
		if mark.Int("waitPolicy") == skip {
			t.problem(nil, CodeVolatile, "SKIP LOCKED", "SKIP LOCKED is not a function of the data: it leaves out the rows that others have locked", "leave the locking clause out")
		}
	}
}

// stand makes a relation the one that expressions are over.
func (s *scope) stand(n algebra.Node) { s.node, s.kept, s.base = n, n, n }

// where puts conditions on the relation of s, those without sub-queries first.
func (t *translator) where(conds []*pgtree.Node, s *scope) {
	var plain, rest []*pgtree.Node
	for _, c := range conjuncts(conds) {
		if querytree.Holds(c, "SUBLINK") {
			rest = append(rest, c)
		} else {
			plain = append(plain, c)
		}
	}
	if len(plain) > 0 {
		var all []expr.Expr
		for _, c := range plain {
			all = append(all, expr.Conjuncts(t.expr(c, s))...)
		}
		s.stand(&algebra.Filter{In: s.node, Conds: all})
	}
	for _, c := range rest {
		// A sub-query that is a whole condition (EXISTS, NOT EXISTS, IN) keeps or
		// drops rows by itself.
		if !t.filterBySublink(c, s) {
			cond := t.expr(c, s)
			s.node = &algebra.Filter{In: s.node, Conds: expr.Conjuncts(cond)}
		}
		s.kept = s.node
	}
}

// filterBySublink keeps the rows of s for which a sub-query has an answer, or has
// none; false if the condition is not of that kind.
func (t *translator) filterBySublink(n *pgtree.Node, s *scope) bool {
	kind := algebra.SemiJoin
	if args := n.Nodes("args"); n.Tag == "BOOLEXPR" && n.Str("boolop") == "not" && args[0].Tag == "SUBLINK" {
		n, kind = args[0], algebra.AntiJoin
	}
	link := n.Int("subLinkType")
	if n.Tag != "SUBLINK" || link != linkExists && (link != linkAny || kind != algebra.SemiJoin) {
		return false
	}
	defer t.compared(n, s)()
	dom, key, sub := t.answered(n.Node("subselect"), s, false)
	a := &answers{sub: sub, key: key, width: dom.width(), base: len(s.node.Cols())}
	if len(a.sub.Cols()) < a.width {
		return true // refused below
	}
	conds := a.same(a.base)
	if link == linkAny {
		s.answers = append(s.answers, a)
		conds = append(conds, expr.Conjuncts(t.expr(n.Node("testexpr"), s))...)
		s.answers = s.answers[:len(s.answers)-1]
	}
	s.node = algebra.NewOuterJoin(kind, s.node, a.sub, conds)
	return true
}

// subquery translates a sub-query in FROM. One that refers to what lies further
// out, or beside it (LATERAL), is computed for its own domain, and meets the rows
// that it refers to by it.
func (t *translator) subquery(rte *pgtree.Node, s *scope) algebra.Node {
	q := rte.Node("subquery")
	d, key := t.newDomain(q, s)
	sub := t.selection(q, s, d)
	if d == nil || len(sub.Cols()) < d.width() {
		return sub
	}
	// Its domain's columns are part of the row, but not of what the query sees.
	s.hidden = d.width()
	s.meets = append(s.meets, algebra.SameAs(key, len(s.from)+d.width()-1)...)
	return sub
}

// inside is the domain as a query one level further in refers to it.
func (d *domain) inside() *domain {
	if d == nil {
		return nil
	}
	in := &domain{node: d.node, at: map[outerRef]int{}}
	for r, i := range d.at {
		r.level++
		in.at[r] = i
	}
	return in
}

// paramSublink is PARAM_SUBLINK of Postgres' primnodes.h.
const paramSublink = 2

// computesItsColumns says of a sub-select that Postgres does not make it one with the query that reads it, which would compute
// its columns where it reads them (is_simple_subquery in its prepjointree.c).
func computesItsColumns(q *pgtree.Node) bool {
	for _, flag := range []string{"hasAggs", "hasWindowFuncs", "hasTargetSRFs"} {
		if q.Bool(flag) {
			return true
		}
	}
	for _, list := range []string{"groupClause", "groupingSets", "sortClause", "distinctClause", "cteList"} {
		if len(q.Nodes(list)) > 0 {
			return true
		}
	}
	return q.Node("havingQual") != nil || q.Node("limitOffset") != nil || q.Node("limitCount") != nil
}
