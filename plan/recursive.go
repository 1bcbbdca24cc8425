package plan

import (
	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
)

// recursive translates a WITH RECURSIVE query that refers to itself, once for all
// references (postgresql.org/docs/current/queries-with.html): the non-recursive
// term, and the recursive one over a working table. Where it refers to itself it
// is that table. With a domain, its columns lead in all of them.
func (t *translator) recursive(c *pgtree.Node, at *scope, d *domain) algebra.Node {
	if n, ok := t.loops[c]; ok {
		return n
	}
	for _, clause := range []struct{ field, construct string }{{"search_clause", "SEARCH"}, {"cycle_clause", "CYCLE"}} {
		if x := c.Node(clause.field); x != nil {
			t.refuse(x, CodeUnsupported, clause.construct+" of a recursive query", "carry the path in a column of its own")
			t.loops[c] = empty(t.unknownCols(c.Strings("ctecolnames")))
			return t.loops[c]
		}
	}
	q := c.Node("ctequery")
	s := newScope(q, at, d)
	op := q.Node("setOperations")
	all := op.Bool("all")
	base := t.setInput(op, "larg", s)
	for i, name := range c.Strings("ctecolnames") {
		if i += d.width(); i < len(base.Names) {
			base.Names[i] = name
		}
	}
	if !all {
		t.checkKeys(op, "UNION", base.Exprs[min(d.width(), len(base.Exprs)):])
	}
	work := algebra.NewWorkTable(base.Cols(), all)
	t.loops[c] = work
	term := t.setInput(op, "rarg", s)
	t.loops[c] = empty(base.Cols())
	if len(term.Exprs) != len(base.Exprs) {
		return t.loops[c] // refused below
	}
	rec, refused := algebra.NewRecursive(base, term, work)
	if refused != "" {
		t.refuse(op, CodeUnsupported, refused+" in a recursive term", "")
		return t.loops[c]
	}
	t.loops[c] = rec
	return rec
}
