package translate

import (
	"fmt"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/expr"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/plan/querytree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// Sub-queries in expressions are unnested by the general method of Neumann and
// Kemper, "Unnesting Arbitrary Queries" (BTW 2015). A sub-query that refers to
// the query around it is a function of the values it refers to. The distinct
// combinations of those values are a relation, the domain. The sub-query is
// translated once, with its domain as the first relation of its FROM clause: the
// domain's columns stand in for the outer references, and lead the result.
// Joining that result with the outer rows on the very same values gives each row
// its answer.
//
// The rows of a domain are told apart by what the values are, not by SQL's
// equality: NULL is like NULL, and 1.0 unlike 1.00, since a sub-query can tell
// them apart. So a domain's last column is their identity, the bytes of all of
// them, which is what joins and groups go by.

// outerRef identifies a column of an enclosing query, or an aggregate over its
// rows or GROUPING of them: level 1 is the next one.
type outerRef struct {
	level, rtindex, attno int
	aggregate             *pgtree.Node
}

// domain is the relation of the values that a sub-query is computed for.
type domain struct {
	node algebra.Node
	wide algebra.Node // what node may as well be the distinct rows of, if the sub-query cannot fail
	// guarded is what node has to be the distinct rows of if it can: those for which
	// the expression around the sub-query asks it.
	guarded algebra.Node
	at      map[outerRef]int // columns of node; the last one is the identity
}

// width is the number of columns that lead the sub-query's result.
func (d *domain) width() int {
	if d == nil {
		return 0
	}
	return len(d.node.Cols())
}

// outerRefs lists what a query of s reads of enclosing ones, each once, in order of
// appearance: itself, or by way of the WITH queries of enclosing ones that it reads.
func (t *translator) outerRefs(q *pgtree.Node, s *scope) []outerRef {
	var refs []outerRef
	add := func(r outerRef) {
		if !slices.Contains(refs, r) {
			refs = append(refs, r)
		}
	}
	querytree.Walk(q, func(n *pgtree.Node, depth int) bool { return t.readsOuter(n, depth, s, add) })
	return refs
}

// readsOuter adds what a node of a query reads of s and of what is around it, which stands so many queries further in
// than one right inside s; false if its children read no more.
func (t *translator) readsOuter(n *pgtree.Node, depth int, s *scope, add func(outerRef)) bool {
	switch n.Tag {
	case "VAR":
		if up := n.Int("varlevelsup") - depth; up > 0 {
			add(outerRef{up, n.Int("varno"), n.Int("varattno"), nil})
		}
	case "AGGREF", "GROUPINGFUNC":
		if up := n.Int("agglevelsup") - depth; up > 0 {
			add(outerRef{level: up, aggregate: n})
			return false
		}
	case "RTE", "RANGETBLENTRY": // since 16
		if up := n.Int("ctelevelsup") - depth; n.Int("rtekind") == querytree.CTE && up > 0 {
			for _, r := range t.cteRefs(n.Str("ctename"), s.up(up-1)) {
				r.level += up - 1
				add(r)
			}
		}
	}
	return true
}

// cteRefs is what a WITH query of a scope reads of what is around the scope's query.
func (t *translator) cteRefs(name string, at *scope) []outerRef {
	if at == nil || at.ctes[name] == nil {
		return nil
	}
	c := at.ctes[name]
	if refs, ok := t.refs[c]; ok {
		return refs
	}
	if t.reading[c] { // a recursive query reads itself: what else it reads is found anyway
		t.cyclic[c] = true
		return nil
	}
	t.reading[c] = true
	refs := t.outerRefs(c.Node("ctequery"), at)
	delete(t.reading, c)
	if delete(t.cyclic, c); len(t.cyclic) == 0 { // else there may be more
		t.refs[c] = refs
	}
	return refs
}

// up is the scope so many levels around s; nil if there are not as many.
func (s *scope) up(levels int) *scope {
	for range levels {
		if s == nil {
			return nil
		}
		s = s.parent
	}
	return s
}

// outer translates a reference to an enclosing query's column, from the view
// of a sub-query right inside s, to an expression over s's row.
func (t *translator) outer(r outerRef, s *scope) expr.Expr {
	if r.level == 1 && r.aggregate != nil {
		return t.expr(t.raised(r.aggregate), s)
	}
	if r.level == 1 {
		v := pgtree.NewNode("VAR", map[string]int{"varno": r.rtindex, "varattno": r.attno, "varlevelsup": 0})
		return t.expr(v, s)
	}
	up := r
	up.level--
	return t.domainColumn(up, s)
}

// raised is an aggregate of an outer query as that query reads it: always the same
// node, by which it is known.
func (t *translator) raised(n *pgtree.Node) *pgtree.Node {
	up := t.outerAggs[n]
	if up == nil {
		up = pgtree.Raise(n, n.Int("agglevelsup"))
		if t.outerAggs == nil {
			t.outerAggs = map[*pgtree.Node]*pgtree.Node{}
		}
		t.outerAggs[n] = up
	}
	return up
}

// domainColumn is the column of s's own domain that stands for an outer one.
func (t *translator) domainColumn(r outerRef, s *scope) expr.Expr {
	if s.domain == nil {
		t.fail(fmt.Errorf("column %d of relation %d, %d levels around, is read by a query that is computed for nothing around it", r.attno, r.rtindex, r.level))
		return nil
	}
	i, ok := s.domain.at[r]
	if !ok {
		t.fail(fmt.Errorf("column %d of relation %d, %d levels around, is none that a query is computed for", r.attno, r.rtindex, r.level))
		return nil
	}
	if s.agg != nil {
		return groupCol(s.agg, i) // the domain's columns are the first groups
	}
	c := s.from[i]
	return &expr.Col{Index: i, Name: c.Name, T: c.Type}
}

// newDomain makes the domain of a sub-query of s, and the expression over s's row
// that meets its identity; nil if the sub-query refers to nothing outside.
func (t *translator) newDomain(q *pgtree.Node, s *scope) (*domain, expr.Expr) {
	refs := t.outerRefs(q, s)
	if len(refs) == 0 {
		return nil, nil
	}
	return t.domainOf(refs, s)
}

// domainOf makes a domain of what a sub-query of s refers to. Of nothing, it is one
// row if s has any.
func (t *translator) domainOf(refs []outerRef, s *scope) (*domain, expr.Expr) {
	d := &domain{at: map[outerRef]int{}}
	var exprs []expr.Expr
	var cols []algebra.Column
	for _, r := range refs {
		e := t.outer(r, s)
		if e == nil {
			e = placeholder
		}
		d.at[r] = len(exprs)
		exprs = append(exprs, e)
		cols = append(cols, algebra.Column{Name: "outer", Type: e.Type()})
	}
	key := algebra.IdentityOf(exprs)
	cols = append(cols, algebra.Column{Name: "identity", Type: values.ByteaType})
	from, over := s.narrow(s.kept, exprs), append(exprs, key)
	if from == nil && s.agg == nil {
		// In FROM: the references are to what stands beside it, or further out.
		from, over = t.beside(s, over)
	}
	d.node = empty(cols)
	if from != nil {
		d.node = algebra.DistinctBy(algebra.Compute(from, over, cols), len(exprs))
		if base := s.narrow(s.base, exprs); s.base != nil && base != from {
			d.wide = algebra.Compute(base, over, cols)
		}
		if len(s.guards) > 0 && s.node != nil {
			guards := slices.Clone(s.guards)
			from = s.narrow(s.kept, append(guards, exprs...))
			d.guarded = algebra.Compute(&algebra.Filter{In: from, Conds: guards}, over, cols)
		}
	}
	return d, key
}

// narrow is the smaller one of a plan and s.node, if the expressions are over it.
func (s *scope) narrow(n algebra.Node, exprs []expr.Expr) algebra.Node {
	if n == nil {
		return s.node
	}
	read := map[int]bool{}
	for _, e := range exprs {
		expr.Columns(e, read)
	}
	width := len(n.Cols())
	for c := range read {
		if c >= width {
			return s.node
		}
	}
	return n
}

// answered translates a sub-query of s for its domain. If it cannot fail, it is
// answered for the rows that other sub-queries drop as well: k conditions then
// are k plans, where each would contain all those before it. If it can, it is
// answered for those rows alone for which CASE or COALESCE asks it. one says that
// more than one row is a failure.
func (t *translator) answered(q *pgtree.Node, s *scope, one bool) (*domain, expr.Expr, algebra.Node) {
	d, key := t.newDomain(q, s)
	sub := t.selection(q, s, d)
	if len(t.problems) > 0 || d == nil && len(s.guards) == 0 {
		return d, key, sub
	}
	var stop algebra.Node
	if d != nil {
		stop = d.node
	}
	total := algebra.Total(sub, stop)
	switch {
	case len(s.guards) > 0 && (!total || one && !singleRow(sub, d.width())):
		if d == nil {
			d, key = t.domainOf(nil, s)
			sub = t.selection(q, s, d)
		}
		d.node.(*algebra.Distinct).In = d.guarded
	case d != nil && d.wide != nil && total:
		d.node.(*algebra.Distinct).In = d.wide
	}
	return d, key, sub
}
