package translate

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
	tr := t.tracking(c, base.Cols(), d.width())
	width := len(base.Exprs)
	base = tr.begin(base)
	work := algebra.NewWorkTable(base.Cols(), all)
	t.loops[c] = tr.table(work)
	tr.passed(t, c, s)
	term := tr.goOn(t.setInput(op, "rarg", s), width)
	t.loops[c] = empty(base.Cols())
	if len(term.Exprs) != len(base.Exprs) {
		return t.loops[c] // refused below
	}
	rec, refused := algebra.NewRecursive(base, term, work, t.recursionLimit)
	if refused != "" {
		t.refuse(c, CodeUnsupported, refused+" in a recursive term", "")
		return t.loops[c]
	}
	t.loops[c] = rec
	return rec
}
