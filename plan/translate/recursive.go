package translate

import (
	"maps"
	"slices"

	"github.com/stepping-cdc/stepping-cdc/plan/algebra"
	"github.com/stepping-cdc/stepping-cdc/plan/pgtree"
	"github.com/stepping-cdc/stepping-cdc/values"
)

// loop identifies a recursive WITH query that has been translated: what it is
// computed for is part of it.
type loop struct {
	query  *pgtree.Node
	domain algebra.Node
}

// working is a recursive query while its recursive term is being translated.
type working struct {
	table  algebra.Node
	domain algebra.Node // of its term
}

// recursive translates a reference to a WITH RECURSIVE query that refers to itself.
// With a domain, its columns lead. Within the recursive term it is the working table.
func (t *translator) recursive(c *pgtree.Node, at *scope, d *domain, refs []outerRef) algebra.Node {
	w := t.working[c]
	switch {
	case d == nil && w != nil:
		return w.table
	case d == nil:
		return t.recursion(c, at, nil)
	case w != nil && w.domain == d.node:
		return w.table
	case w != nil:
		return d.meet(w.table, refs)
	}
	// Its own domain has the values that it reads itself: by these a sub-query in its
	// term, with a domain of its own, finds the rows that are for it.
	own := d.only(refs)
	n := t.recursion(c, at, own)
	if own.node == d.node || len(n.Cols()) < own.width() {
		return n
	}
	return d.meet(n, refs)
}

// only is the domain of some of a domain's values.
func (d *domain) only(refs []outerRef) *domain {
	out := &domain{node: d.node, at: map[outerRef]int{}}
	which := d.places(refs)
	for i, r := range refs {
		out.at[r] = i
	}
	if !slices.Equal(which, algebra.FirstN(d.width()-1)) {
		cols := d.node.Cols()
		read := algebra.Refs(cols, which)
		named := append(pickCols(cols, which), algebra.Column{Name: "identity", Type: values.ByteaType})
		out.node = algebra.DistinctBy(algebra.Compute(d.node, append(read, algebra.IdentityOf(read)), named), len(refs))
	}
	return out
}

func (d *domain) places(refs []outerRef) []int {
	which := make([]int, len(refs))
	for i, r := range refs {
		which[i] = d.at[r]
	}
	return which
}

// meet is a relation over the domain of the given values, which are among those of d,
// for each row of d.
func (d *domain) meet(n algebra.Node, refs []outerRef) algebra.Node {
	dw, own := d.width(), len(refs)+1
	identity := algebra.IdentityOf(algebra.Refs(d.node.Cols(), d.places(refs)))
	j := &algebra.Join{Inputs: []algebra.Node{d.node, n}, Conds: algebra.SameAs(identity, dw+own-1)}
	return algebra.Pick(j, append(algebra.FirstN(dw), algebra.FirstN(dw + len(n.Cols()))[dw+own:]...))
}

// recursion translates a WITH RECURSIVE query, once for all references
// (postgresql.org/docs/current/queries-with.html): the non-recursive term, and the
// recursive one over a working table. With a domain, its columns lead in all of them.
func (t *translator) recursion(c *pgtree.Node, at *scope, d *domain) algebra.Node {
	of := loop{query: c}
	if d != nil {
		of.domain = d.node
	}
	if n, ok := t.loops[of]; ok {
		return n
	}
	r := &recordColumns{}
	for r.another() {
		loops, shared, told := maps.Clone(t.loops), maps.Clone(t.shared), len(t.problems)
		if n := t.iteration(c, at, d, r); n != nil {
			t.loops[of] = n
			return n
		}
		t.loops, t.shared, t.problems = loops, shared, t.problems[:told]
	}
	const construct = "rows around arrays of rows of a recursive query"
	t.problem(c, CodeType, construct, construct+" have a type of their own in each iteration", "build JSON or a text in place of rows")
	return empty(t.unknownCols(c.Strings("ctecolnames")))
}

// iteration translates a WITH RECURSIVE query whose working table has records of the given
// types. It is nil if the recursive term makes others; r says which there are, then.
func (t *translator) iteration(c *pgtree.Node, at *scope, d *domain, r *recordColumns) algebra.Node {
	q := c.Node("ctequery")
	s := newScope(q, at, d)
	op := q.Node("setOperations")
	all := op.Bool("all")
	base := t.setInput(op, "larg", s)
	r.begin(base)
	for i, name := range c.Strings("ctecolnames") {
		if i += d.width(); i < len(base.Names) {
			base.Names[i] = name
		}
	}
	tr := t.tracking(c, base.Cols(), d.width())
	width := len(base.Exprs)
	begin := tr.begin(base)
	cols := begin.Cols()
	first, key := t.toldApartBy(op, begin, all, d.width())
	work := algebra.NewWorkTable(first.Cols(), all)
	w := &working{table: tr.table(without(work, cols))}
	if d != nil {
		s.domain = &domain{node: algebra.NewLive(d.node, work), at: d.at}
		w.domain = s.domain.node
	}
	t.working[c] = w
	tr.passed(t, c, s)
	next := t.setInput(op, "rarg", s)
	delete(t.working, c)
	if !r.goOn(base, next) {
		return nil
	}
	term, _ := t.toldApartBy(op, tr.goOn(next, width), all, d.width())
	if len(term.Cols()) != len(first.Cols()) {
		return empty(cols) // refused below
	}
	rec, err := algebra.NewRecursive(first, term, work, key, t.recursionLimit)
	if err != nil {
		t.fail(err)
		return empty(cols)
	}
	return without(rec, cols)
}

// toldApartBy adds to a term of a recursive query the labels by which UNION tells its rows
// apart.
func (t *translator) toldApartBy(op *pgtree.Node, term *algebra.Project, all bool, from int) (algebra.Node, []int) {
	if all {
		return term, nil
	}
	return t.labelled(op, "UNION", term, from)
}
